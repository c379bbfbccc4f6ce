//! `/experiments/{id}/graveyard`: what did not work, and how did it fail?
//!
//! A card an attempt: those that the registered rule calls unsuccessful, and those that
//! the experiment requires whatever came out. Nothing can be taken off this page.

mod cards;
mod course;
mod facts;
mod files;
mod how;
mod reopening;
mod samples;
mod tables;

use super::experiment::decoders::basis_of;
use super::query::Asked;
use super::{Shell, filters, freshness, html, words};
use crate::charts::Fate;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::compare::ArmFigures;
use assay_core::decoders::DecoderFigures;
use assay_core::denominator::{denominator, is_unsuccessful, unsuccessful};
use assay_core::failure::FailureTable;
use assay_core::ids::ExperimentId;
use assay_core::note::{Note, Reopening};
use assay_core::outcome::{Mark, Outcome, outcome};
use assay_core::supervision::ArmSupervision;
use assay_store::{
    self as store, Dollars, ExclusionEvent, ExperimentLedger, ExperimentView, MilestonePoint,
    NoteView, RunState, RunView,
};
use cards::Card;
pub use files::{get as file, index, shared};
use samples::Written;
use tables::TableView;

/// Everything that the page is made from.
#[derive(Debug)]
struct Material {
    view: ExperimentView,
    runs: Vec<RunView>,
    exclusions: Vec<ExclusionEvent>,
    test: Vec<ArmFigures>,
    /// `test` is without them.
    decoders: Vec<DecoderFigures>,
    outcome: Outcome,
    ledger: ExperimentLedger,
    dollars: Dollars,
    supervision: Vec<ArmSupervision>,
    milestones: Vec<MilestonePoint>,
    failures: Vec<FailureTable>,
    notes: Vec<NoteView>,
    /// By arm, of those with a card; read for the page alone.
    written: Vec<(String, Written)>,
}

impl Material {
    fn label<'a>(&'a self, arm: &'a str) -> &'a str {
        let known = self.view.arms.iter().find(|a| a.key == arm);
        known.map_or(arm, |a| &a.label)
    }

    /// The name for a chart, with what the registered rule calls it.
    fn marked(&self, arm: &str) -> String {
        self.fate(arm).label(self.label(arm))
    }

    /// Its colour and marker: its place in the file.
    fn slot(&self, arm: &str) -> usize {
        let place = self.view.arms.iter().position(|a| a.key == arm);
        place.unwrap_or(0)
    }

    fn policy(&self, key: &str) -> String {
        words::policy(key, |arm| self.label(arm).into())
    }

    fn is_decoder(&self, arm: &str) -> bool {
        self.view.spec.decoder(arm).is_some()
    }

    /// Of a decoder, which is not compared at equal training compute.
    fn basis(&self, arm: &str) -> Option<String> {
        let decoder = self.view.spec.decoder(arm)?;
        Some(basis_of(&self.policy(&decoder.policy)))
    }

    /// The runs of an arm that have finished and are not left out.
    fn counted<'a>(&'a self, arm: &'a str) -> impl Iterator<Item = &'a RunView> {
        let is_out = move |run: &RunView| {
            let mut own = self.exclusions.iter().filter(|e| e.run == run.id);
            own.any(ExclusionEvent::is_in_force)
        };
        let runs = self.runs.iter().filter(move |run| run.arm.key == arm);
        runs.filter(move |run| run.state == RunState::Succeeded && !is_out(run))
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
    /// Said while runs are open that may change the words.
    interim: Option<String>,
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
            interim: of.outcome.interim_said(),
            shared: tables::of(of, |table| table.arm.is_none()),
            others: tables::of(of, |table| {
                table.arm.as_deref().is_some_and(|arm| !has_card(arm))
            }),
            denominator: denominator(store::fates(&of.runs, &of.exclusions), &of.outcome, 0)
                .to_string(),
        }
    }
}

async fn material(state: &AppState, id: ExperimentId) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, id).await?;
    let test = store::run_figures(&mut conn, id).await?;
    let decoders = store::decoder_figures(&mut conn, id).await?;
    let milestones = store::counted_milestones(&mut conn, id).await?;
    let runs = store::list_runs(&mut conn, id).await?;
    let exclusions = store::list_exclusions(&mut conn, id).await?;
    Ok(Material {
        outcome: outcome(&view.spec, &test, &decoders)
            .with_open_runs(store::fates(&runs, &exclusions)),
        test,
        decoders,
        dollars: store::charged_dollars(&mut conn, id).await?,
        runs,
        ledger: store::experiment_ledger(&mut conn, id).await?,
        supervision: store::list_supervision(&mut conn, id).await?,
        failures: store::failure_tables(&mut conn, id, &view.spec, &milestones).await?,
        milestones,
        exclusions,
        notes: store::list_notes(&mut conn, id).await?,
        written: vec![],
        view,
    })
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::read(request.query_string());
    let mut of = material(&state, *id).await?;
    of.written = samples::all(&state, &of).await?;
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
