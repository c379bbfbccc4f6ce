//! `/runs/{id}`: is it healthy, and is its reward real?

mod answers;
mod config;
mod counting;
pub(super) mod curve;
mod download;
mod header;
mod health;
mod history;
mod links;
mod log;
mod material;
mod noting;
pub(super) mod panels;
pub(super) mod reflective;
mod requeue;
mod tables;
mod view;

use super::figure_data::FigureData;
use super::query::{Asked, link};
use super::{Choice, Shell, filters, html, words};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use answers::Answers;
use askama::Template;
use assay_core::health::{CHANGE_EXPLAINS, CHANGE_POINTS};
use assay_core::ids::RunId;
use assay_core::recipe;
use assay_store::{FailureView, JobState, RunStageView, RunState, RunView, Waiting};
use config::Difference;
use counting::Counting;
pub use counting::decide;
pub use curve::get as file;
pub use download::download;
use header::Header;
use health::AlarmRow;
use history::{EvaluationRow, FileRow, HostRow, LedgerLine, Moment};
use log::LogView;
pub use log::log;
use material::{Material, material};
use noting::Noting;
pub use noting::note;
use panels::{Card, PanelView};
use requeue::Requeue;
pub use requeue::requeue;
use tables::Files;
pub use tables::get as table;
use view::Fields;

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
    header: Header,
    worker: Option<String>,
    attempt: Option<String>,
    /// Why it ended, with what it said last.
    failure: Option<Failure>,
    /// Failed attempts that a later one has made up for.
    overcome: Vec<String>,
    tabs: Vec<StageTab>,
    stage: Option<String>,
    cards: Vec<Card>,
    /// What is asked of the panels, and what is said of it.
    view: Fields,
    said: Vec<String>,
    /// Further metrics are among them, because that was asked for.
    all: bool,
    whole: String,
    missing: Vec<String>,
    others: Vec<PanelView>,
    /// Of all curves, in numbers.
    data: Option<FigureData>,
    /// Shows the others, where they are not shown.
    more: Option<(usize, String)>,
    /// Address of a curve's points, up to the metric.
    series: String,
    /// Addresses of the samples, up to the step; and the steps.
    samples: String,
    sampled: Vec<Choice>,
    /// More of the steps, for clicks on curves.
    stored: String,
    viewers: Vec<(&'static str, String)>,
    alarms: Vec<AlarmRow>,
    /// Kept of earlier looks at all stages.
    found: Vec<Moment>,
    worker_rules: String,
    raised: Vec<Moment>,
    /// Alarms of the workers that are not listed.
    raised_more: usize,
    answers: Answers,
    evaluations: Vec<EvaluationRow>,
    ledger: Vec<LedgerLine>,
    charged: String,
    spent: String,
    timeline: Vec<Moment>,
    /// What is not in it, a line each stage.
    untold: Vec<String>,
    /// Share of the variance and points of a side, from which on a change of level is told.
    change_explains: String,
    change_points: usize,
    logs: Vec<LogView>,
    hosts: Vec<HostRow>,
    code: Option<String>,
    /// Of inputs and data files of the stage, by their keys.
    hashes: Vec<(String, String)>,
    files: Vec<FileRow>,
    files_in_all: usize,
    /// The tables as files.
    as_files: Files,
    config: Vec<(String, String)>,
    siblings: Vec<Choice>,
    against: Option<Difference>,
    counting: Counting,
    noting: Noting,
    requeue: Requeue,
    run: RunId,
}

impl RunPage {
    fn new(shell: Shell, of: &Material) -> Self {
        let current = current(&of.run);
        let failed = of.run.stages.iter().find(|s| s.state == JobState::Failed);
        let overcome = of.run.stages.iter().filter(|s| s.state != JobState::Failed);
        let (charged, spent) = history::sums(&of.ledger);
        let (raised, raised_more) = health::raised(of);
        Self {
            arm: of.run.arm.label.clone(),
            seed: of.run.seed,
            state: of.run.state.word(),
            now: current.map_or(String::new(), |s| stands(s, of.standing.waiting.as_ref())),
            header: Header::new(of),
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
            cards: panels::cards(of),
            view: Fields::from(&of.view),
            said: of.view.said(of.steps_shown()),
            all: of.all,
            whole: links::whole(of),
            missing: panels::missing(&of.series),
            others: panels::others(of),
            data: panels::data(of.drawn()),
            more: (of.further > 0 && !of.all).then(|| {
                let words = of.view.words();
                let words = words.iter().map(|(key, word)| (*key, word.as_str()));
                let stage = ("stage", of.stage.as_deref().unwrap_or(""));
                let all = [stage, ("metrics", "all")].into_iter();
                let query = link(all.chain(words));
                (of.further, format!("/runs/{}{query}", of.run.id))
            }),
            series: links::series(of),
            samples: links::samples(of),
            sampled: links::sampled(&of.steps),
            stored: links::stored(&of.steps),
            viewers: links::viewers(of),
            alarms: health::alarms(&of.series, &of.limits),
            found: health::found(&of.found, &of.limits),
            worker_rules: health::worker_rules(),
            raised,
            raised_more,
            answers: Answers::new(&of.steps, &of.completions, of.draws_anew()),
            evaluations: history::evaluations(&of.evaluations),
            ledger: history::ledger(&of.ledger),
            charged,
            spent,
            timeline: history::timeline(&of.attempts, &of.events, &of.files, &health::changes(of)),
            untold: history::untold(&of.older),
            change_explains: number::percent(CHANGE_EXPLAINS),
            change_points: CHANGE_POINTS,
            logs: log::logs(&of.attempts),
            hosts: history::hosts(&of.attempts),
            code: of.spec.as_ref().map(config::code),
            hashes: of.spec.as_ref().map_or(vec![], config::hashes),
            files: history::files(&of.files),
            files_in_all: of.files.len(),
            as_files: Files::new(of),
            config: of
                .spec
                .as_ref()
                .map_or(vec![], |s| config::flat(s).into_iter().collect()),
            siblings: config::siblings(of),
            against: of.difference().map(Difference::cut),
            counting: Counting::new(of),
            noting: Noting::new(of),
            requeue: Requeue::new(of),
            run: of.run.id,
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

fn stands(stage: &RunStageView, waiting: Option<&Waiting>) -> String {
    match stage.state {
        JobState::Running => format!("{} at step {}", stage.name, number::integer(stage.step)),
        JobState::Blocked => format!("{} waits for {}", stage.name, stage.waits_for.join(", ")),
        JobState::Queued => match waiting {
            Some(Waiting::Turn { ahead }) => format!(
                "{} waits for a worker, position {}",
                stage.name,
                number::integer(ahead + 1)
            ),
            Some(other) => format!("{}: {}", stage.name, words::waiting(other)),
            None => format!("{} waits for a worker", stage.name),
        },
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

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let of = material(&state, *id, &mut asked).await?;
    let mut shell = shell(&state, &request, &of);
    shell.ignored = asked.ignored();
    html(&RunPage::new(shell, &of))
}

fn shell(state: &AppState, request: &HttpRequest, of: &Material) -> Shell {
    let title = format!("{}, seed {}", of.run.arm.label, of.run.seed);
    let mut shell = Shell::new(state, request, title)
        .crumb("/", "Experiments")
        .crumb(
            format!("/experiments/{}", of.run.experiment),
            of.question.clone(),
        )
        .signed(&of.standing.sign);
    let open = words::is_open(of.run.state) || of.run.state == RunState::Failed;
    shell.live = open.then(|| format!("/runs/{}/live", of.run.id));
    shell
}

#[cfg(test)]
mod tests;
