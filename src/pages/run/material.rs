//! What a run's page is made from.

use super::config::{self, Difference};
use super::counting::Refused;
use super::header::{Standing, standing};
use super::panels::{self, Measured};
use super::reflective::{self, Base};
use super::view::View;
use crate::pages::query::Asked;
use crate::pages::text;
use crate::problem::Problem;
use crate::rules::{self, POINTS};
use crate::state::AppState;
use assay_core::ids::{RunId, StageId};
use assay_core::recipe;
use assay_core::spec::Alarms;
use assay_core::wire::Level;
use assay_store::{
    self as store, ArtifactView, AttemptView, Cut, EvaluationView, EventView, ExclusionEvent,
    JobState, LedgerRow, OlderEvents, RuleAlarmView, RunNoteView, RunStageView, RunView, Sample,
    SampleFilter,
};
use serde_json::Value;
use sqlx::PgConnection;

/// Everything that the page is made from.
#[derive(Debug)]
pub(super) struct Material {
    pub run: RunView,
    pub standing: Standing,
    pub question: String,
    /// The experiment's thresholds of alarms.
    pub limits: Alarms,
    /// Name of the stage whose training is shown.
    pub stage: Option<String>,
    /// Of the whole stage: what rules look at.
    pub series: Vec<Measured>,
    pub view: View,
    /// The steps that the panels show, and their curves, where these are not all.
    pub part: Option<((i64, i64), Vec<Measured>)>,
    /// How reflective the base was, where the stage counts that too.
    pub base: Option<Base>,
    /// Further metrics that the stage reports, and whether they are among the series.
    pub further: usize,
    pub all: bool,
    /// The stage's resolved spec.
    pub spec: Option<Value>,
    pub against: Option<Against>,
    /// Runs of the same experiment.
    pub siblings: Vec<(RunId, String)>,
    pub files: Vec<(String, ArtifactView)>,
    pub steps: Vec<i64>,
    pub completions: Vec<Sample>,
    pub evaluations: Vec<(String, EvaluationView)>,
    pub ledger: Vec<LedgerRow>,
    pub attempts: Vec<(String, AttemptView)>,
    /// The newest of each stage.
    pub events: Vec<(String, EventView)>,
    /// Of stages that have more: what is older.
    pub older: Vec<(String, OlderEvents)>,
    /// What rules have found in the background, in any of its stages.
    pub found: Vec<RuleAlarmView>,
    /// What people say of it, newest first.
    pub notes: Vec<RunNoteView>,
    /// A note that could not be kept.
    pub unkept: Option<Refused>,
    /// Whether it counts: every decision, in order.
    pub decisions: Vec<ExclusionEvent>,
    pub refused: Option<Refused>,
    /// The same of queueing it again.
    pub not_requeued: Option<Refused>,
}

impl Material {
    /// What the panels draw.
    pub fn drawn(&self) -> &[Measured] {
        match &self.part {
            Some((_, series)) => series,
            None => &self.series,
        }
    }

    /// What the workers and the queue have raised, however many other events came later; of
    /// each stage the newest first.
    pub fn alarms(&self) -> impl Iterator<Item = (&str, &EventView)> {
        let newest = self.events.iter().map(|(stage, e)| (stage.as_str(), e));
        let older = self.older.iter().flat_map(|(stage, older)| {
            let alarms = older.alarms.iter();
            alarms.map(move |e| (stage.as_str(), e))
        });
        let newest = newest.filter(|(_, e)| e.level == Level::Alarm);
        newest.chain(older)
    }

    /// Stages with more alarms than were read.
    pub fn cut_alarms(&self) -> Vec<&str> {
        let cut = self.older.iter();
        let cut = cut.filter(|(_, older)| older.alarms.len() as i64 >= ALARMS);
        cut.map(|(stage, _)| stage.as_str()).collect()
    }

    pub fn steps_shown(&self) -> Option<(i64, i64)> {
        self.part.as_ref().map(|(steps, _)| *steps)
    }

    /// The stage samples dynamically: groups whose rewards do not differ are drawn anew.
    pub fn draws_anew(&self) -> bool {
        let batches = self
            .spec
            .as_ref()
            .and_then(|s| s.pointer("/job/max_num_gen_batches")?.as_u64());
        batches.is_some_and(|n| n > 1)
    }

    /// What the shown stage was made with.
    pub fn commits(&self) -> String {
        let own = self.attempts.iter();
        let own = own.filter(|(stage, _)| Some(stage) == self.stage.as_ref());
        config::commits(own.map(|(_, attempt)| attempt))
    }

    /// From the run that is asked for beside it.
    pub fn difference(&self) -> Option<Difference> {
        let other = self.against.as_ref()?;
        Some(config::difference(
            other,
            self.spec.as_ref(),
            self.commits(),
        ))
    }
}

/// The stage of another run that the config is held against.
#[derive(Debug)]
pub(super) struct Against {
    pub run: RunId,
    pub name: String,
    /// `None`: that run has no such stage.
    pub spec: Option<Value>,
    /// Of that stage's attempts.
    pub code: String,
}

/// The stage asked for, else the one that trains now, else the last that has begun.
pub(super) fn chosen(run: &RunView, asked: &mut Asked) -> Option<(String, StageId)> {
    let training = || run.stages.iter().filter(|s| s.name != recipe::EVAL);
    let wanted = asked.text("stage").and_then(|name| {
        let found = training().find(|s| s.name == name);
        if found.is_none() {
            asked.refuse("stage", &name);
        }
        found
    });
    wanted
        .or_else(|| training().find(|s| s.state == JobState::Running))
        .or_else(|| training().rfind(|s| s.attempts > 0))
        .or_else(|| training().next_back())
        .map(|s| (s.name.clone(), s.stage))
}

const COMPLETIONS: i64 = 64;
/// Events of a stage that are listed.
const EVENTS: i64 = 50;
/// Alarms of a stage that are read beyond those.
const ALARMS: i64 = 1_000;
/// Characters that are read of a prompt and of a completion.
const CUT: Cut = Cut {
    prompt: text::MOST as i32,
    completion: text::MOST as i32,
};

/// Further metrics that are drawn where they are asked for, or where the stage has no other.
const FURTHER: usize = 24;

/// The series of the panels, and of what rules and detectors look at.
async fn measure(
    conn: &mut PgConnection,
    of: &mut Material,
    stage: StageId,
) -> Result<(), Problem> {
    let known = store::list_metrics(&mut *conn, stage).await?;
    let on_card = |name: &str| panels::CARDS.iter().any(|(_, m)| m.contains(&name));
    // One figure for each depth or K is too many for a page.
    let plain = |name: &str| !name.contains("_depth_") && !name.contains("_k_");
    let none = !known.iter().any(|name| on_card(name));
    of.all |= none;
    of.further = known
        .iter()
        .filter(|name| !on_card(name) && !rules::is_read(name) && plain(name))
        .count();
    let mut further = 0;
    for name in &known {
        let wanted = if on_card(name) || rules::is_read(name) {
            true
        } else {
            let room = of.all && plain(name) && further < FURTHER;
            further += usize::from(room);
            room
        };
        if wanted {
            let series = store::series(&mut *conn, stage, name, POINTS).await?;
            of.series.push((name.clone(), series));
        }
    }
    let last = of.series.iter().filter_map(|(_, s)| s.points.last());
    let reached = last.map(|point| point.step).max().unwrap_or(0);
    if let Some(steps) = of.view.steps(reached) {
        let mut part = vec![];
        for (name, _) in &of.series {
            let series = store::series_between(&mut *conn, stage, name, steps, POINTS).await?;
            part.push((name.clone(), series));
        }
        of.part = Some((steps, part));
    }
    Ok(())
}

/// The other run's stage of this name, else its last of this kind.
async fn against(
    conn: &mut PgConnection,
    asked: &mut Asked,
    own: &RunStageView,
) -> Result<Option<Against>, Problem> {
    let Some(text) = asked.text("against") else {
        return Ok(None);
    };
    let Ok(id) = text.trim().parse::<uuid::Uuid>().map(RunId) else {
        asked.refuse("against", &text);
        return Ok(None);
    };
    let run = match store::get_run(&mut *conn, id).await {
        Ok(run) => run,
        Err(store::StoreError::NotFound(_)) => {
            asked.refuse("against", &text);
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let named = run.stages.iter().find(|s| s.name == own.name);
    let found = named.or_else(|| run.stages.iter().rfind(|s| s.kind == own.kind));
    let (spec, attempts) = match found {
        Some(stage) => (
            Some(spec_of(&mut *conn, stage.stage).await?),
            store::list_attempts(conn, stage.stage).await?,
        ),
        None => (None, vec![]),
    };
    let stage = found.map_or("no such stage", |s| s.name.as_str());
    Ok(Some(Against {
        run: id,
        name: format!("{}, seed {}: {stage}", run.arm.label, run.seed),
        spec,
        code: config::commits(&attempts),
    }))
}

async fn spec_of(conn: &mut PgConnection, stage: StageId) -> Result<Value, Problem> {
    let spec = store::get_stage_spec(conn, stage).await?;
    serde_json::to_value(spec).map_err(Problem::internal)
}

pub(super) async fn material(
    state: &AppState,
    id: RunId,
    asked: &mut Asked,
) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let experiment = store::get_experiment(&mut conn, run.experiment).await?;
    let chosen = chosen(&run, asked);
    let siblings = store::list_runs(&mut conn, run.experiment).await?;
    let mut decisions = store::list_exclusions(&mut conn, run.experiment).await?;
    decisions.retain(|d| d.run == id);
    let mut of = Material {
        standing: standing(&mut conn, &run).await?,
        question: experiment.name,
        limits: experiment.spec.alarms,
        stage: chosen.as_ref().map(|(name, _)| name.clone()),
        series: vec![],
        view: View::read(asked),
        part: None,
        base: None,
        further: 0,
        all: asked.choose("metrics", &[("all", ())]).is_some(),
        spec: None,
        against: None,
        siblings: siblings
            .into_iter()
            .map(|r| (r.id, format!("{}, seed {}", r.arm.label, r.seed)))
            .collect(),
        files: vec![],
        steps: vec![],
        completions: vec![],
        evaluations: vec![],
        ledger: store::run_ledger(&mut conn, id).await?,
        attempts: vec![],
        events: vec![],
        older: vec![],
        found: store::list_rule_alarms(&mut conn, id).await?,
        notes: store::list_run_notes(&mut conn, id).await?,
        unkept: None,
        decisions,
        refused: None,
        not_requeued: None,
        run,
    };
    if let Some((name, stage)) = chosen {
        measure(&mut conn, &mut of, stage).await?;
        if of.series.iter().any(|(name, _)| name == reflective::METRIC) {
            of.base = reflective::base(&mut conn, &of.run).await?;
        }
        of.spec = Some(spec_of(&mut conn, stage).await?);
        if let Some(own) = of.run.stages.iter().find(|s| s.name == name) {
            of.against = against(&mut conn, asked, own).await?;
        }
        of.steps = store::completion_steps(&mut conn, stage).await?;
        let step = asked.number("step").filter(|step| {
            let known = of.steps.contains(step);
            if !known {
                asked.refuse("step", &step.to_string());
            }
            known
        });
        if let Some(step) = step.or(of.steps.last().copied()) {
            let filter = SampleFilter {
                step: Some(step),
                ..SampleFilter::default()
            };
            of.completions =
                store::list_samples(&mut conn, stage, &filter, None, CUT, COMPLETIONS).await?;
        }
    }
    stories(&mut conn, &mut of).await?;
    Ok(of)
}

/// What each stage has measured, tried, told and stored.
async fn stories(conn: &mut PgConnection, of: &mut Material) -> Result<(), Problem> {
    for stage in &of.run.stages {
        let named = |name: &String| name.clone();
        for e in store::list_evaluations(&mut *conn, stage.stage).await? {
            of.evaluations.push((named(&stage.name), e));
        }
        for a in store::list_attempts(&mut *conn, stage.stage).await? {
            of.attempts.push((named(&stage.name), a));
        }
        let mut events = store::events(&mut *conn, stage.stage, EVENTS + 1).await?;
        if events.len() as i64 > EVENTS {
            events.truncate(EVENTS as usize);
            if let Some(last) = events.last() {
                let older = store::older_events(&mut *conn, stage.stage, last.id, ALARMS).await?;
                of.older.push((named(&stage.name), older));
            }
        }
        for e in events {
            of.events.push((named(&stage.name), e));
        }
        for f in store::list_artifacts(&mut *conn, stage.stage).await? {
            of.files.push((named(&stage.name), f));
        }
    }
    Ok(())
}
