//! `/experiments/{id}/graveyard`: what did not work, and how did it fail?
//!
//! A card an attempt: those that the registered rule calls unsuccessful, and those that
//! the experiment requires whatever came out. Nothing can be taken off this page.

mod cards;
mod facts;
mod files;
mod how;
mod reopening;
mod tables;

use super::query::Asked;
use super::{Shell, filters, freshness, html};
use crate::charts::Fate;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::compare::ArmFigures;
use assay_core::denominator::{denominator, is_unsuccessful, unsuccessful};
use assay_core::failure::FailureTable;
use assay_core::ids::ExperimentId;
use assay_core::note::{Note, Reopening};
use assay_core::outcome::{Mark, Outcome, outcome};
use assay_core::supervision::ArmSupervision;
use assay_store::{
    self as store, CompletionView, Dollars, ExclusionEvent, ExperimentLedger, ExperimentView,
    MilestonePoint, NoteView, RunState, RunView,
};
use cards::Card;
pub use files::{get as file, index, shared};
use tables::TableView;

/// Everything that the page is made from.
#[derive(Debug)]
struct Material {
    view: ExperimentView,
    runs: Vec<RunView>,
    exclusions: Vec<ExclusionEvent>,
    test: Vec<ArmFigures>,
    outcome: Outcome,
    ledger: ExperimentLedger,
    dollars: Dollars,
    supervision: Vec<ArmSupervision>,
    milestones: Vec<MilestonePoint>,
    failures: Vec<FailureTable>,
    notes: Vec<NoteView>,
    /// By arm, of the first seed's last step that was stored.
    samples: Vec<(String, Vec<CompletionView>)>,
}

impl Material {
    fn label<'a>(&'a self, arm: &'a str) -> &'a str {
        let known = self.view.arms.iter().find(|a| a.key == arm);
        known.map_or(arm, |a| &a.label)
    }

    fn fate(&self, arm: &str) -> Fate {
        match self.mark(arm) {
            Some(Mark::Unsuccessful) => Fate::Unsuccessful,
            Some(Mark::GainNotShown) | None => Fate::Ordinary,
        }
    }

    fn mark(&self, arm: &str) -> Option<Mark> {
        self.outcome.mark(arm)
    }

    fn has_card(&self, arm: &str) -> bool {
        is_unsuccessful(&self.outcome, arm) || self.role(arm).is_some()
    }

    /// The attempt's word, if the experiment requires this arm.
    fn role(&self, arm: &str) -> Option<&str> {
        use assay_core::spec::RequiredAttempt;
        let required = self.view.spec.required_attempts.iter();
        let mut own = required.filter(|(_, r)| match r {
            RequiredAttempt::Arm(id) => id == arm,
            RequiredAttempt::NotRun { .. } => false,
        });
        own.next().map(|(role, _)| role.as_str())
    }
}

#[derive(Template)]
#[template(path = "graveyard/page.html")]
struct GraveyardPage {
    shell: Shell,
    id: String,
    name: String,
    cards: Vec<Card>,
    /// Said where there are none.
    none: String,
    /// Required attempts that were not run, and why.
    not_run: Vec<String>,
    gain_not_shown: Vec<String>,
    crashed: Vec<String>,
    withheld: Option<&'static str>,
    /// Tables of stages that arms share, and of arms without a card.
    shared: Vec<TableView>,
    others: Vec<TableView>,
    denominator: String,
}

impl GraveyardPage {
    fn new(shell: Shell, of: &Material) -> Self {
        use assay_core::spec::RequiredAttempt;
        let arms = || of.view.arms.iter();
        let has_card = |arm: &str| of.has_card(arm);
        let crashed = of.runs.iter().filter(|r| r.state == RunState::Failed);
        Self {
            shell,
            id: of.view.id.to_string(),
            name: of.view.name.clone(),
            cards: arms()
                .filter(|a| has_card(&a.key))
                .map(|a| Card::new(of, a))
                .collect(),
            none: match unsuccessful(&of.outcome, []) {
                Ok(_) => "No arm is unsuccessful by the registered rule".into(),
                Err(why) => format!("Of no arm it is known whether it is unsuccessful ({why})"),
            },
            not_run: of
                .view
                .spec
                .required_attempts
                .iter()
                .filter_map(|(role, r)| match r {
                    RequiredAttempt::NotRun { not_run } => Some(format!("{role}: {not_run}")),
                    RequiredAttempt::Arm(_) => None,
                })
                .collect(),
            gain_not_shown: arms()
                .filter(|a| of.mark(&a.key) == Some(Mark::GainNotShown) && !has_card(&a.key))
                .map(|a| a.label.clone())
                .collect(),
            crashed: crashed
                .map(|run| format!("{}, seed {}", run.arm.label, run.seed))
                .collect(),
            withheld: of
                .outcome
                .withheld
                .then(|| match of.outcome.lacks_attempts() {
                    true => "no unsuccessful-attempt baseline is registered",
                    false => "required attempts are missing",
                }),
            shared: tables::of(of, |table| table.arm.is_none()),
            others: tables::of(of, |table| {
                table.arm.as_deref().is_some_and(|arm| !has_card(arm))
            }),
            denominator: denominator(store::fates(&of.runs, &of.exclusions), &of.outcome, 0)
                .to_string(),
        }
    }
}

/// Stored samples on a card.
const SAMPLES: i64 = 6;

async fn material(state: &AppState, id: ExperimentId) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, id).await?;
    let test = store::run_figures(&mut conn, id).await?;
    let decoders = store::decoder_figures(&mut conn, id).await?;
    let milestones = store::counted_milestones(&mut conn, id).await?;
    let mut of = Material {
        outcome: outcome(&view.spec, &test, &decoders),
        test,
        dollars: store::charged_dollars(&mut conn, id).await?,
        runs: store::list_runs(&mut conn, id).await?,
        ledger: store::experiment_ledger(&mut conn, id).await?,
        supervision: store::list_supervision(&mut conn, id).await?,
        failures: store::failure_tables(&mut conn, id, &view.spec, &milestones).await?,
        milestones,
        exclusions: store::list_exclusions(&mut conn, id).await?,
        notes: store::list_notes(&mut conn, id).await?,
        samples: vec![],
        view,
    };
    for arm in &of.view.arms {
        let shown = of.has_card(&arm.key);
        let first = of.runs.iter().find(|run| run.arm.key == arm.key);
        let (true, Some(run)) = (shown, first) else {
            continue;
        };
        for stage in run.stages.iter().rev() {
            let samples = store::completions(&mut conn, stage.stage, None, SAMPLES).await?;
            if !samples.is_empty() {
                of.samples.push((arm.key.clone(), samples));
                break;
            }
        }
    }
    Ok(of)
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(request.query_string());
    let of = material(&state, *id).await?;
    let sign = freshness::of_runs(&mut *state.conn().await?, &of.runs).await?;
    let noted = of.notes.iter().map(|n| n.written_at);
    let entered = noted.chain(of.exclusions.iter().map(|e| e.at));
    let mut shell = Shell::new(
        &state,
        &request,
        format!("What did not work: {}", of.view.name),
    )
    .crumb("/", "Experiments")
    .crumb(format!("/experiments/{id}"), of.view.name.clone())
    .signed(&freshness::later(sign, entered));
    shell.ignored = asked.ignored();
    html(&GraveyardPage::new(shell, &of))
}

/// A note from the page's form; then back to its card.
pub async fn note(
    state: Data<AppState>,
    path: Path<(ExperimentId, String)>,
    form: Form<Note>,
) -> Result<HttpResponse, Problem> {
    let (id, arm) = path.into_inner();
    let note = form.into_inner();
    note.check().map_err(Problem::violations)?;
    add(&state, id, arm, note).await
}

/// Says with a reason that the question is open again; then back to its card, which offers
/// what to run. The verdict and the marks are not touched.
pub async fn reopen(
    state: Data<AppState>,
    path: Path<(ExperimentId, String)>,
    form: Form<Reopening>,
) -> Result<HttpResponse, Problem> {
    let (id, arm) = path.into_inner();
    let note = form.into_inner().note().map_err(Problem::violations)?;
    add(&state, id, arm, note).await
}

async fn add(
    state: &Data<AppState>,
    id: ExperimentId,
    arm: String,
    note: Note,
) -> Result<HttpResponse, Problem> {
    crate::api::notes::insert(state, id, arm.clone(), note).await?;
    let to = format!("/experiments/{id}/graveyard#arm-{arm}");
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, to))
        .finish())
}
