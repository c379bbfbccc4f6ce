//! `/runs/{id}`: is it healthy, and is its reward real?

mod answers;
mod history;
mod panels;

use super::query::Asked;
use super::{Shell, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use answers::Answers;
use askama::Template;
use assay_core::ids::{RunId, StageId};
use assay_core::{metric, recipe};
use assay_store::{
    self as store, AttemptView, CompletionView, EvaluationView, EventView, FailureView, JobState,
    LedgerRow, RunStageView, RunState, RunView, Series,
};
use history::{EvaluationRow, LedgerLine, Moment};
use panels::PanelView;

/// Everything that the page is made from.
#[derive(Debug)]
pub(super) struct Material {
    pub run: RunView,
    pub question: String,
    /// Name of the stage whose training is shown.
    pub stage: Option<String>,
    pub series: Vec<(&'static str, &'static str, Series)>,
    pub steps: Vec<i64>,
    pub completions: Vec<CompletionView>,
    pub evaluations: Vec<(String, EvaluationView)>,
    pub ledger: Vec<LedgerRow>,
    pub attempts: Vec<(String, AttemptView)>,
    pub events: Vec<(String, EventView)>,
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
    panels: Vec<PanelView>,
    answers: Answers,
    evaluations: Vec<EvaluationRow>,
    ledger: Vec<LedgerLine>,
    charged: String,
    spent: String,
    timeline: Vec<Moment>,
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
            panels: panels::views(&of.series),
            answers: Answers::new(&of.steps, &of.completions),
            evaluations: history::evaluations(&of.evaluations),
            ledger: history::ledger(&of.ledger),
            charged,
            spent,
            timeline: history::timeline(&of.attempts, &of.events),
            shell,
        }
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

async fn material(state: &AppState, id: RunId, asked: &mut Asked) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let chosen = chosen(&run, asked);
    let mut of = Material {
        question,
        stage: chosen.as_ref().map(|(name, _)| name.clone()),
        series: vec![],
        steps: vec![],
        completions: vec![],
        evaluations: vec![],
        ledger: store::run_ledger(&mut conn, id).await?,
        attempts: vec![],
        events: vec![],
        run,
    };
    if let Some((_, stage)) = chosen {
        let known = store::list_metrics(&mut conn, stage).await?;
        for (name, title) in metric::PANELS {
            if known.iter().any(|k| k == name) {
                of.series.push((
                    name,
                    title,
                    store::series(&mut conn, stage, name, POINTS).await?,
                ));
            }
        }
        of.steps = store::completion_steps(&mut conn, stage).await?;
        let step = asked.number("step").filter(|step| {
            let known = of.steps.contains(step);
            if !known {
                asked.refuse("step", &step.to_string());
            }
            known
        });
        if !of.steps.is_empty() {
            of.completions = store::completions(&mut conn, stage, step, COMPLETIONS).await?;
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
