//! `/experiments/{id}`: does it work, compared with what, at which cost?

mod carried;
mod cite;
mod comparison;
mod costs;
mod decisions;
mod decoders;
mod denominator;
mod excluded;
mod export;
pub(super) mod figure;
mod figures;
pub(super) mod files;
mod forest;
mod frontier;
pub(super) mod latex;
mod matrix;
mod milestones;
pub(super) mod numbers;
mod runs;
mod supervision;
mod tables;
pub(super) mod training;
mod tries;
mod verdicts;
mod view;

pub use files::{bib, get as file};

use super::query::Asked;
use super::{Choice, Shell, freshness, html, words};
use crate::charts::{Band, Fate, Scale, UNSUCCESSFUL};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::compare::{ArmFigures, Basis};
use assay_core::decoders::DecoderFigures;
use assay_core::denominator::{Denominator, denominator, is_unsuccessful};
use assay_core::ids::ExperimentId;
use assay_core::outcome::{Mark, Outcome, outcome};
use assay_core::spec::BaseSeeds;
use assay_core::spending::{Spending, StageSpend, spending};
use assay_core::supervision::ArmSupervision;
use assay_core::task::Split;
use assay_store::{
    self as store, ExclusionEvent, ExperimentLedger, ExperimentView, MilestonePoint, PassAtK,
    RunSeries, RunView,
};
use carried::Carried;
use comparison::ArmRow;
use costs::{ByPurpose, CostRow};
pub(super) use decisions::{exclude, include};
use excluded::Excluded;
use figure::Name;
use figures::{Controls, Shown};
use matrix::Matrix;
use runs::ArmRuns;
use serde_json::Value;
use tries::{Tries, tries};
use verdicts::Verdicts;
use view::{Cost, SeedLines, Wanted};

/// Everything that the page is made from.
#[derive(Debug)]
pub(super) struct Material {
    pub view: ExperimentView,
    pub runs: Vec<RunView>,
    pub test: Vec<ArmFigures>,
    pub ood: Vec<ArmFigures>,
    pub milestones: Vec<MilestonePoint>,
    pub series: Vec<RunSeries>,
    pub ledger: ExperimentLedger,
    /// Of the test split.
    pub pass_at_k: Vec<PassAtK>,
    /// Of the test split; `test` and `ood` are without them.
    pub decoders: Vec<DecoderFigures>,
    pub decoders_ood: Vec<DecoderFigures>,
    pub supervision: Vec<ArmSupervision>,
    /// Of the runs that count.
    pub outcome: Outcome,
    /// Every decision to leave a run out, or to take that back. `test`, `ood` and the
    /// decoders keep such runs, marked; curves and pass@k are without them.
    pub exclusions: Vec<ExclusionEvent>,
    /// What its own stages have spent, each once.
    pub spent: Vec<StageSpend>,
}

impl Material {
    pub fn basis(&self) -> Basis {
        (&self.view.spec.budget).into()
    }

    /// What stands under every figure and in every export; `hidden` arms are not drawn.
    pub fn denominator(&self, hidden: usize) -> Denominator {
        let fates = store::fates(&self.runs, &self.exclusions);
        denominator(fates, &self.outcome, hidden)
    }

    /// The same, of one arm's runs.
    pub fn denominator_of(&self, arm: &str) -> Denominator {
        let fates = store::fates(&self.runs, &self.exclusions);
        denominator(fates.filter(|run| run.arm == arm), &self.outcome, 0)
    }

    pub fn spending(&self) -> Spending {
        let arms = self.view.arms.iter().map(|arm| arm.key.as_str());
        spending(arms, &self.spent, |arm| is_unsuccessful(&self.outcome, arm))
    }

    /// Decoders stand in no table, figure or curve of equal compute.
    pub fn is_decoder(&self, arm: &str) -> bool {
        let arm = self.view.spec.arm(arm);
        arm.is_some_and(|arm| arm.decoder().is_some())
    }

    /// An arm's colour and marker: its place in the file.
    pub fn slot(&self, arm: &str) -> usize {
        let place = self.view.arms.iter().position(|a| a.key == arm);
        place.unwrap_or(0)
    }

    pub fn name(&self, arm: &str) -> String {
        let known = self.view.arms.iter().find(|a| a.key == arm);
        known.map_or(arm, |a| &a.label).to_string()
    }

    /// The name for a chart, with what the registered rule calls it: a finding is never
    /// told by its colour alone.
    pub fn label(&self, arm: &str) -> String {
        match self.mark(arm) {
            Some(Mark::Unsuccessful) => format!("× {}{UNSUCCESSFUL}", self.name(arm)),
            Some(Mark::GainNotShown) | None => self.name(arm),
        }
    }

    /// The same for its line and marks.
    pub fn fate(&self, arm: &str) -> Fate {
        match self.mark(arm) {
            Some(Mark::Unsuccessful) => Fate::Unsuccessful,
            Some(Mark::GainNotShown) | None => Fate::Ordinary,
        }
    }

    /// The gravest of the arm's registered contrasts.
    pub fn mark(&self, arm: &str) -> Option<Mark> {
        self.outcome.mark(arm)
    }

    /// A policy by its stage, said with the arm that trains it.
    pub fn policy(&self, key: &str) -> String {
        match key.split_once('/') {
            Some((arm, _)) => format!("{} ({key})", self.name(arm)),
            None => key.into(),
        }
    }
}

#[derive(Template)]
#[template(path = "experiment/page.html")]
struct ExperimentPage {
    shell: Shell,
    id: String,
    question: String,
    hypothesis: Option<String>,
    /// None of an experiment of decoders alone.
    trains: bool,
    basis: String,
    baseline: String,
    baseline_key: String,
    /// What all seeds have in common, so that no interval covers it.
    fixed: String,
    missing: Vec<String>,
    nothing_yet: bool,
    unit: &'static str,
    metric_title: &'static str,
    second_title: &'static str,
    metrics: Vec<Choice>,
    curves: Vec<Choice>,
    costs: Vec<Choice>,
    x_scales: Vec<Choice>,
    y_scales: Vec<Choice>,
    bands: Vec<Choice>,
    lines: Vec<Choice>,
    controls: Controls,
    /// Every arm of the figures: those that are drawn are chosen.
    shown_arms: Vec<Choice>,
    rows: Vec<ArmRow>,
    verdicts: Verdicts,
    decoders: Vec<decoders::Group>,
    /// Questions and samples behind each figure.
    measured: String,
    milestones: Shown,
    milestone_table: milestones::Table,
    frontier: Shown,
    forest: Shown,
    dots: Shown,
    tries: Tries,
    passk: Shown,
    training: Shown,
    /// Printed under every figure.
    denominator: String,
    /// Names every arm that the link leaves out of the figures.
    hidden: Option<String>,
    snapshot: String,
    /// The link cites another state of the data.
    past: Option<String>,
    runs: Vec<ArmRuns>,
    charged: Vec<CostRow>,
    by_purpose: ByPurpose,
    spent: Vec<CostRow>,
    /// What part of it went to what did not work.
    spent_on_unsuccessful: String,
    excluded: Excluded,
    /// How many runs the numbers are over.
    counted: String,
    matrix: Matrix,
    margin: String,
    min_gain: String,
    registered: String,
    version: i32,
    sha256: String,
    frozen: String,
    spec: String,
    query: String,
    /// The same for files, in this page's own words.
    files: String,
}

impl ExperimentPage {
    fn new(shell: Shell, of: &Material, wanted: &Wanted, query: String) -> Self {
        let carried = Carried::new(of, wanted);
        let draw = |name: Name| Shown::new(&name.figure(of, wanted));
        let spec = &of.view.spec;
        let (_, _, metric_title) = words::FINAL[wanted.metric];
        let second = comparison::second(wanted.metric);
        let baseline = spec
            .arm(&spec.baseline)
            .map_or(spec.baseline.as_str(), |a| &a.label);
        Self {
            shell,
            id: of.view.id.to_string(),
            question: of.view.question.clone(),
            hypothesis: spec.hypothesis.clone(),
            trains: !of.test.is_empty(),
            basis: of.basis().to_string(),
            baseline: baseline.to_string(),
            baseline_key: spec.baseline.clone(),
            fixed: fixed(of),
            missing: runs::missing(of),
            unit: words::unit(spec.budget.unit),
            nothing_yet: of.test.iter().all(|arm| arm.runs.is_empty())
                && of.decoders.iter().all(|arm| arm.runs.is_empty()),
            metric_title,
            second_title: words::FINAL[second].2,
            metrics: words::FINAL
                .iter()
                .enumerate()
                .map(|(i, f)| choice(f.0, f.2, i == wanted.metric))
                .collect(),
            curves: words::TRAINING
                .iter()
                .enumerate()
                .map(|(i, f)| choice(f.0, words::panel_title(f.1), i == wanted.curve))
                .collect(),
            costs: Cost::ALL
                .iter()
                .map(|x| choice(x.word(), x.title(), *x == wanted.x))
                .collect(),
            x_scales: scales(wanted.x_scale, "as each figure has it"),
            y_scales: scales(Some(wanted.y_scale), ""),
            bands: [
                ("ci95", "95 % interval", Band::Ci95),
                ("minmax", "smallest to largest", Band::MinMax),
                ("none", "none", Band::None),
            ]
            .map(|(word, title, band)| choice(word, title, band == wanted.band))
            .into(),
            lines: [
                ("0", "mean alone", SeedLines::Mean),
                ("1", "every seed", SeedLines::Every),
            ]
            .map(|(word, title, lines)| choice(word, title, lines == wanted.lines))
            .into(),
            controls: Controls::new(wanted),
            shown_arms: of
                .view
                .arms
                .iter()
                .map(|arm| choice(&arm.key, &of.label(&arm.key), !wanted.hides(of, &arm.key)))
                .collect(),
            rows: comparison::rows(of, wanted.metric),
            verdicts: verdicts::verdicts(of),
            decoders: decoders::groups(of, wanted),
            measured: format!(
                "{} test questions and as many out of distribution, {} each, at temperature {}, up to {} tokens.",
                number::integer(i64::from(spec.evaluation.problems)),
                number::counted(i64::from(spec.evaluation.samples), "sample"),
                spec.evaluation.temperature,
                spec.evaluation.max_completion_length,
            ),
            milestones: draw(Name::Milestones),
            milestone_table: milestones::table(of, wanted),
            frontier: draw(Name::Frontier),
            forest: draw(Name::Forest),
            dots: draw(Name::Seeds),
            tries: tries(of),
            passk: draw(Name::Passk),
            training: draw(Name::Training),
            denominator: carried.denominator.line(),
            hidden: (!carried.denominator.hidden.is_empty())
                .then(|| carried.denominator.hidden_line()),
            past: wanted
                .snap
                .clone()
                .filter(|_| wanted.is_past(&carried.snapshot)),
            snapshot: carried.snapshot,
            runs: runs::by_arm(of),
            charged: costs::charged(of),
            by_purpose: costs::by_purpose(of),
            spent: costs::spent(of),
            spent_on_unsuccessful: costs::on_unsuccessful(of),
            excluded: excluded::excluded(of, wanted.metric),
            counted: of.denominator(0).to_string(),
            matrix: matrix::matrix(of),
            margin: number::significant(spec.margin),
            min_gain: number::significant(spec.min_gain),
            registered: words::FINAL
                .iter()
                .find(|f| f.1 == spec.metric)
                .map_or(spec.metric.clone(), |f| f.2.to_string()),
            version: of.view.version,
            sha256: of.view.sha256.clone(),
            frozen: number::moment(of.view.frozen_at),
            spec: serde_json::to_string_pretty(spec).unwrap_or_default(),
            query,
            files: wanted.query(&of.view),
        }
    }
}

fn scales(chosen: Option<Scale>, unasked: &str) -> Vec<Choice> {
    let mut list = vec![];
    if !unasked.is_empty() {
        list.push(choice("", unasked, chosen.is_none()));
    }
    let of = |scale: Scale| chosen == Some(scale);
    list.push(choice("lin", "linear", of(Scale::Linear)));
    list.push(choice("log", "logarithmic", of(Scale::Log)));
    list
}

fn choice(value: &str, label: &str, chosen: bool) -> Choice {
    Choice {
        value: value.into(),
        label: label.into(),
        chosen,
    }
}

/// The line that stands with every interval.
fn fixed(of: &Material) -> String {
    let spec = &of.view.spec;
    let names: Vec<&str> = spec.stages.iter().map(|s| s.id.as_str()).collect();
    match (spec.base_seeds, names.is_empty()) {
        (_, true) => "Nothing is shared between seeds.".into(),
        (BaseSeeds::Shared, false) => format!(
            "Fixed for all seeds: {} (computed once). The intervals hold for this one and do not cover how another would have turned out.",
            names.join(", ")
        ),
        (BaseSeeds::PerSeed, false) => format!(
            "Each seed has its own {}, shared by all arms of that seed; differences are paired by seed.",
            names.join(", ")
        ),
    }
}

async fn material(
    state: &AppState,
    id: ExperimentId,
    curve: impl FnOnce(&ExperimentView) -> Option<&'static str>,
) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, id).await?;
    let series = match curve(&view) {
        Some(metric) => store::experiment_series(&mut conn, id, metric).await?,
        None => vec![],
    };
    let test = store::run_figures(&mut conn, id).await?;
    let decoders = store::decoder_figures(&mut conn, id).await?;
    let exclusions = store::list_exclusions(&mut conn, id).await?;
    let spent = store::list_spending(&mut conn, &[id]).await?.remove(&id);
    let mut of = Material {
        outcome: outcome(&view.spec, &test, &decoders),
        spent: spent.unwrap_or_default(),
        exclusions,
        runs: store::list_runs(&mut conn, id).await?,
        test,
        decoders,
        decoders_ood: store::decoder_figures_for_split(&mut conn, id, Split::Ood).await?,
        supervision: store::list_supervision(&mut conn, id).await?,
        ood: store::figures_for_split(&mut conn, id, Split::Ood).await?,
        milestones: store::milestones(&mut conn, id).await?,
        ledger: store::experiment_ledger(&mut conn, id).await?,
        pass_at_k: store::pass_at_k(&mut conn, id, Split::Test).await?,
        series,
        view,
    };
    leave_out(&mut of);
    Ok(of)
}

/// Curves and pass@k have no mark for runs that do not count: they are taken out here.
fn leave_out(of: &mut Material) {
    for out in of.exclusions.iter().filter(|e| e.is_in_force()) {
        of.milestones.retain(|p| p.run != out.run);
        of.series.retain(|s| s.run != out.run);
        of.pass_at_k
            .retain(|p| (p.arm_key.as_str(), p.seed) != (out.arm.as_str(), out.seed));
    }
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let mut wanted = None;
    let of = material(&state, *id, |view| {
        let read = wanted.insert(Wanted::read(&mut asked, view));
        Some(words::TRAINING[read.curve].1)
    })
    .await?;
    let wanted = wanted.unwrap_or_else(|| Wanted::new(of.view.spec.budget.unit));
    let sign = freshness::of_runs(&mut *state.conn().await?, &of.runs).await?;
    let sign = freshness::later(sign, of.exclusions.iter().map(|e| e.at));
    let mut shell = Shell::new(&state, &request, of.view.name.clone())
        .crumb("/", "Experiments")
        .signed(&sign);
    shell.ignored = asked.ignored();
    shell.live = of
        .runs
        .iter()
        .any(|run| words::is_open(run.state))
        .then(|| format!("/experiments/{id}/live"));
    let query = figures::asked(request.query_string());
    html(&ExperimentPage::new(shell, &of, &wanted, query))
}

pub async fn csv(state: Data<AppState>, id: Path<ExperimentId>) -> Result<HttpResponse, Problem> {
    let of = material(&state, *id, |_| None).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"{id}.csv\""),
        ))
        .body(export::csv(&of)))
}

pub async fn json(state: Data<AppState>, id: Path<ExperimentId>) -> Result<HttpResponse, Problem> {
    let of = material(&state, *id, |_| None).await?;
    let mut value: Value = export::json(&of);
    let carried = Carried::new(&of, &Wanted::new(of.view.spec.budget.unit));
    value["denominator"] = serde_json::json!(carried.denominator);
    value["snapshot"] = carried.snapshot.into();
    Ok(HttpResponse::Ok().json(value))
}

#[cfg(test)]
mod tests;
