//! `/runs/{id}`: is it healthy, and is its reward real?

mod answers;
mod config;
mod health;
mod history;
mod log;
pub(super) mod panels;

use super::query::{Asked, link};
use super::{Choice, Shell, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use answers::Answers;
use askama::Template;
use assay_core::ids::{RunId, StageId};
use assay_core::recipe;
use assay_core::wire::role;
use assay_store::{
    self as store, ArtifactView, AttemptView, CompletionView, Cut, EvaluationView, EventView,
    FailureView, JobState, LedgerRow, RunStageView, RunState, RunView, SampleFilter,
};
use config::Changed;
use health::AlarmRow;
use history::{EvaluationRow, FileRow, HostRow, LedgerLine, Moment};
pub use log::log;
use panels::{Card, Measured, PanelView};
use serde_json::Value;
use sqlx::PgConnection;

/// Everything that the page is made from.
#[derive(Debug)]
pub(super) struct Material {
    pub run: RunView,
    pub question: String,
    /// Name of the stage whose training is shown.
    pub stage: Option<String>,
    pub series: Vec<Measured>,
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
    pub completions: Vec<CompletionView>,
    pub evaluations: Vec<(String, EvaluationView)>,
    pub ledger: Vec<LedgerRow>,
    pub attempts: Vec<(String, AttemptView)>,
    pub events: Vec<(String, EventView)>,
}

/// The stage of another run that the config is held against.
#[derive(Debug)]
pub(super) struct Against {
    pub run: RunId,
    pub name: String,
    /// `None`: that run has no such stage.
    pub spec: Option<Value>,
}

struct StageTab {
    name: String,
    kind: String,
    state: &'static str,
    chosen: bool,
    /// Has curves to show.
    trains: bool,
    reused: bool,
}

struct Failure {
    stage: String,
    class: String,
    message: String,
    place: String,
    log: String,
}

#[derive(Template)]
#[template(path = "run/page.html")]
struct RunPage {
    shell: Shell,
    arm: String,
    seed: u64,
    state: &'static str,
    now: String,
    worker: Option<String>,
    attempt: Option<String>,
    /// Why it ended, with what it said last.
    failure: Option<Failure>,
    /// Failed attempts that a later one has made up for.
    overcome: Vec<String>,
    tabs: Vec<StageTab>,
    stage: Option<String>,
    cards: Vec<Card>,
    missing: Vec<String>,
    others: Vec<PanelView>,
    /// Shows the others, where they are not shown.
    more: Option<(usize, String)>,
    /// Addresses of the samples, up to the step; and the steps.
    samples: String,
    sampled: Vec<Choice>,
    viewers: Vec<(&'static str, String)>,
    alarms: Vec<AlarmRow>,
    worker_rules: String,
    raised: Vec<Moment>,
    answers: Answers,
    evaluations: Vec<EvaluationRow>,
    ledger: Vec<LedgerLine>,
    charged: String,
    spent: String,
    timeline: Vec<Moment>,
    logs: Vec<(String, String)>,
    hosts: Vec<HostRow>,
    code: Option<String>,
    files: Vec<FileRow>,
    files_in_all: usize,
    config: Vec<(String, String)>,
    siblings: Vec<Choice>,
    against: Option<Difference>,
    run: RunId,
}

/// What differs from another run's stage.
struct Difference {
    name: String,
    known: bool,
    changed: Vec<Changed>,
}

impl RunPage {
    fn new(shell: Shell, of: &Material) -> Self {
        let current = current(&of.run);
        let failed = of.run.stages.iter().find(|s| s.state == JobState::Failed);
        let overcome = of.run.stages.iter().filter(|s| s.state != JobState::Failed);
        let (charged, spent) = history::sums(&of.ledger);
        Self {
            arm: of.run.arm.label.clone(),
            seed: of.run.seed,
            state: of.run.state.word(),
            now: current.map_or(String::new(), stands),
            worker: current.and_then(|s| s.worker_name.clone()),
            attempt: current
                .filter(|s| s.attempts > 0)
                .map(|s| s.attempts.to_string()),
            failure: failed.and_then(|s| Some(failure(s, s.failure.as_ref()?))),
            overcome: overcome
                .filter_map(|s| {
                    let f = s.failure.as_ref()?;
                    Some(format!(
                        "{}: an attempt failed ({}: {}) and was tried again.",
                        s.name, f.class, f.message
                    ))
                })
                .collect(),
            tabs: of
                .run
                .stages
                .iter()
                .map(|s| StageTab {
                    name: s.name.clone(),
                    kind: s.kind.clone(),
                    state: s.state.word(),
                    chosen: of.stage.as_ref() == Some(&s.name),
                    trains: s.name != recipe::EVAL,
                    reused: s.reused,
                })
                .collect(),
            stage: of.stage.clone(),
            cards: panels::cards(&of.series),
            missing: panels::missing(&of.series),
            others: panels::others(&of.series),
            more: (of.further > 0 && !of.all).then(|| {
                let stage = of.stage.as_deref().unwrap_or("");
                (of.further, link([("stage", stage), ("metrics", "all")]))
            }),
            samples: samples(of),
            sampled: sampled(&of.steps),
            viewers: viewers(of),
            alarms: health::alarms(&of.series),
            worker_rules: health::worker_rules(),
            raised: raised(of),
            answers: Answers::new(&of.steps, &of.completions),
            evaluations: history::evaluations(&of.evaluations),
            ledger: history::ledger(&of.ledger),
            charged,
            spent,
            timeline: history::timeline(&of.attempts, &of.events, &of.files, &changes(of)),
            logs: logs(&of.attempts),
            hosts: history::hosts(&of.attempts),
            code: of.spec.as_ref().map(code),
            files: history::files(&of.files),
            files_in_all: of.files.len(),
            config: of
                .spec
                .as_ref()
                .map_or(vec![], |s| config::flat(s).into_iter().collect()),
            siblings: siblings(of),
            against: of
                .against
                .as_ref()
                .map(|other| difference(other, of.spec.as_ref())),
            run: of.run.id,
            shell,
        }
    }
}

/// Where the samples of a step are: the step follows.
fn samples(of: &Material) -> String {
    let query = link([("stage", of.stage.as_deref().unwrap_or(""))]);
    let join = if query.len() > 1 { "&" } else { "" };
    format!("/runs/{}/samples{query}{join}step=", of.run.id)
}

/// Links to the samples of so many steps at most.
const SAMPLED: usize = 24;

fn sampled(steps: &[i64]) -> Vec<Choice> {
    let every = steps.len().div_ceil(SAMPLED).max(1);
    let last = steps.len().saturating_sub(1);
    let choice = |(_, step): (usize, &i64)| Choice {
        value: step.to_string(),
        label: number::integer(*step),
        chosen: false,
    };
    steps
        .iter()
        .enumerate()
        .filter(|(i, _)| i.is_multiple_of(every) || *i == last)
        .map(choice)
        .collect()
}

/// Pages that show what the run has stored.
fn viewers(of: &Material) -> Vec<(&'static str, String)> {
    let has = |role: &str| of.files.iter().any(|(_, f)| f.role == role && !f.released);
    let to = |page: &str| format!("/runs/{}/{page}", of.run.id);
    let mut out = vec![];
    if !of.steps.is_empty() {
        out.push(("Samples", to("samples")));
    }
    if has(role::TREES) {
        out.push(("Search trees", to("trees")));
    }
    if has(role::JUDGED) {
        out.push(("Judged texts", to("prm")));
    }
    out
}

/// Alarms that the worker has raised.
fn raised(of: &Material) -> Vec<Moment> {
    let alarms: Vec<(String, EventView)> = of
        .events
        .iter()
        .filter(|(_, e)| e.level == assay_core::wire::Level::Alarm)
        .cloned()
        .collect();
    history::timeline(&[], &alarms, &[], &[])
}

fn changes(of: &Material) -> Vec<history::Change> {
    let stage = of.stage.clone().unwrap_or_default();
    health::changes(&of.series)
        .into_iter()
        .map(|(step, text)| (stage.clone(), step, text))
        .collect()
}

/// The last lines of each attempt that left any.
fn logs(of: &[(String, AttemptView)]) -> Vec<(String, String)> {
    of.iter()
        .filter_map(|(stage, a)| {
            let log = &a.failure.as_ref()?.log;
            let from = log.len().saturating_sub(LOG_LINES);
            let lines = super::text::visible(&log[from..].join("\n"));
            (!log.is_empty()).then(|| (format!("{stage}, attempt {}", a.number), lines))
        })
        .collect()
}

/// Versions of the code that decide a stage's result.
fn code(spec: &Value) -> String {
    format!(
        "engine semantics {}, task generator {}",
        spec["semantics_version"], spec["generator_version"]
    )
}

fn siblings(of: &Material) -> Vec<Choice> {
    let chosen = of.against.as_ref().map(|a| a.run);
    of.siblings
        .iter()
        .filter(|(id, _)| *id != of.run.id)
        .map(|(id, label)| Choice {
            value: id.to_string(),
            label: label.clone(),
            chosen: Some(*id) == chosen,
        })
        .collect()
}

fn difference(other: &Against, own: Option<&Value>) -> Difference {
    let both = own.zip(other.spec.as_ref());
    Difference {
        name: other.name.clone(),
        known: both.is_some(),
        changed: both.map_or(vec![], |(here, there)| config::changed(here, there)),
    }
}

/// The stage that is at work, else the one that ended the run, else the next.
fn current(run: &RunView) -> Option<&RunStageView> {
    let find = |state| run.stages.iter().find(|s| s.state == state);
    find(JobState::Running)
        .or_else(|| find(JobState::Failed))
        .or_else(|| find(JobState::Queued))
        .or_else(|| find(JobState::Blocked))
        .or_else(|| run.stages.last())
}

fn stands(stage: &RunStageView) -> String {
    match stage.state {
        JobState::Running => format!("{} at step {}", stage.name, number::integer(stage.step)),
        JobState::Blocked => format!("{} waits for {}", stage.name, stage.waits_for.join(", ")),
        JobState::Queued => format!("{} waits for a worker", stage.name),
        JobState::Succeeded => "all stages done".into(),
        JobState::Failed => format!("{} failed", stage.name),
        JobState::Cancelled => format!("{} cancelled", stage.name),
    }
}

const LOG_LINES: usize = 20;

fn failure(stage: &RunStageView, of: &FailureView) -> Failure {
    let place = match (of.step, &of.metric) {
        (Some(step), Some(metric)) => format!("at step {}, metric {metric}", number::integer(step)),
        (Some(step), None) => format!("at step {}", number::integer(step)),
        (None, Some(metric)) => format!("metric {metric}"),
        (None, None) => String::new(),
    };
    let from = of.log.len().saturating_sub(LOG_LINES);
    Failure {
        stage: stage.name.clone(),
        class: of.class.clone(),
        message: of.message.clone(),
        place,
        log: of.log[from..].join("\n"),
    }
}

/// The stage asked for, else the one that trains now, else the last that has begun.
fn chosen(run: &RunView, asked: &mut Asked) -> Option<(String, StageId)> {
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

const POINTS: usize = 300;
const COMPLETIONS: i64 = 64;
const EVENTS: i64 = 50;
/// Characters that are read of a prompt and of a completion.
const CUT: Cut = Cut {
    prompt: 4_096,
    completion: 20_000,
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
    let watched = |name: &str| health::WATCHED.contains(&name) || health::DETECTORS.contains(&name);
    // One figure for each depth or K is too many for a page.
    let plain = |name: &str| !name.contains("_depth_") && !name.contains("_k_");
    let none = !known.iter().any(|name| on_card(name));
    of.all |= none;
    of.further = known
        .iter()
        .filter(|name| !on_card(name) && !watched(name) && plain(name))
        .count();
    let mut further = 0;
    for name in &known {
        let wanted = if on_card(name) || watched(name) {
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
    let spec = match found {
        Some(stage) => Some(spec_of(conn, stage.stage).await?),
        None => None,
    };
    let stage = found.map_or("no such stage", |s| s.name.as_str());
    Ok(Some(Against {
        run: id,
        name: format!("{}, seed {}: {stage}", run.arm.label, run.seed),
        spec,
    }))
}

async fn spec_of(conn: &mut PgConnection, stage: StageId) -> Result<Value, Problem> {
    let spec = store::get_stage_spec(conn, stage).await?;
    serde_json::to_value(spec).map_err(Problem::internal)
}

async fn material(state: &AppState, id: RunId, asked: &mut Asked) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let chosen = chosen(&run, asked);
    let siblings = store::list_runs(&mut conn, run.experiment).await?;
    let mut of = Material {
        question,
        stage: chosen.as_ref().map(|(name, _)| name.clone()),
        series: vec![],
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
        run,
    };
    if let Some((name, stage)) = chosen {
        measure(&mut conn, &mut of, stage).await?;
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
            let found =
                store::list_samples(&mut conn, stage, &filter, None, CUT, COMPLETIONS).await?;
            of.completions = found.into_iter().map(|s| s.view).collect();
        }
    }
    for stage in &of.run.stages {
        let named = |name: &String| name.clone();
        for e in store::list_evaluations(&mut conn, stage.stage).await? {
            of.evaluations.push((named(&stage.name), e));
        }
        for a in store::list_attempts(&mut conn, stage.stage).await? {
            of.attempts.push((named(&stage.name), a));
        }
        for e in store::events(&mut conn, stage.stage, EVENTS).await? {
            of.events.push((named(&stage.name), e));
        }
        for f in store::list_artifacts(&mut conn, stage.stage).await? {
            of.files.push((named(&stage.name), f));
        }
    }
    Ok(of)
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let of = material(&state, *id, &mut asked).await?;
    let title = format!("{}, seed {}", of.run.arm.label, of.run.seed);
    let mut shell = Shell::new(&state, &request, title)
        .crumb("/", "Experiments")
        .crumb(
            format!("/experiments/{}", of.run.experiment),
            of.question.clone(),
        );
    shell.ignored = asked.ignored();
    let open = words::is_open(of.run.state) || of.run.state == RunState::Failed;
    shell.live = open.then(|| format!("/runs/{id}/live"));
    html(&RunPage::new(shell, &of))
}

#[cfg(test)]
mod tests;
