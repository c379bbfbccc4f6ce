//! Everything that the page and its files are made from, read once.

use super::axis::{Cost, Places};
use super::kept::Kept;
use super::{marked, prices};
use crate::charts::Fate;
use crate::pages::words;
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::beyond::Over;
use assay_core::compare::{ArmFigures, Basis};
use assay_core::decoders::DecoderFigures;
use assay_core::denominator::{Denominator, denominator, is_unsuccessful};
use assay_core::failure::FailureTable;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::outcome::{Mark, Outcome, outcome};
use assay_core::questions::Shares;
use assay_core::spending::{Spending, StageSpend, spending};
use assay_core::supervision::ArmSupervision;
use assay_core::task::Split;
use assay_store::{
    self as store, CurvePart, CurveReading, Dollars, ExclusionEvent, ExperimentLedger,
    ExperimentView, MilestonePoint, PassAtK, RunCurves, RunSeries, RunSign, RunView, StoreError,
    VersionView,
};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

#[derive(Debug)]
pub(super) struct Material {
    pub view: ExperimentView,
    /// The registered one first, the current one last.
    pub versions: Vec<VersionView>,
    pub runs: Vec<RunView>,
    pub test: Vec<ArmFigures>,
    pub ood: Vec<ArmFigures>,
    pub milestones: Vec<MilestonePoint>,
    pub series: Vec<RunSeries>,
    /// The same, with more points in the part that the link asks for.
    pub zoomed: Option<Vec<RunSeries>>,
    /// What the places of `series` count: what was asked for, as far as there is a price.
    pub along: Cost,
    /// The same, where it is no cost.
    pub places: Places,
    /// Where somebody has entered a price, or the axis is in dollars.
    pub dollars: Dollars,
    /// The metric of training that was asked for is none that a stage has reported.
    pub unreported: bool,
    /// Why the axis is not in dollars, though that was asked for.
    pub no_price: Option<String>,
    pub ledger: ExperimentLedger,
    /// Of the test split.
    pub pass_at_k: Vec<PassAtK>,
    /// The same, of the runs that were left out.
    pub pass_at_k_left_out: Vec<PassAtK>,
    /// Shares of right samples by question, of the test split; read only where asked for.
    pub shares: Vec<(String, Vec<(u64, Shares)>)>,
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
    /// When each run was last heard of, and alarms.
    pub signs: Vec<RunSign>,
    /// Versions and commits of the workers of each run; of old ones none.
    pub code: HashMap<RunId, BTreeSet<String>>,
    /// Read only where the registered rule calls some arm unsuccessful.
    pub failures: Vec<FailureTable>,
    /// Not the present data, but those of a state that was kept.
    pub kept: Option<Kept>,
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

    /// What a milestone had cost. Not a number in dollars where no price was in force.
    pub fn cost(&self, x: Cost, point: &MilestonePoint) -> f64 {
        let dollars = || self.dollars.at(point.run, point.device_ms);
        x.of(point).or_else(dollars).unwrap_or(f64::NAN)
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

    /// The name for a chart, with what the registered rule calls it.
    pub fn label(&self, arm: &str) -> String {
        marked::label(&self.name(arm), self.mark(arm))
    }

    /// The same for its line and marks.
    pub fn fate(&self, arm: &str) -> Fate {
        marked::fate(self.mark(arm))
    }

    pub fn has_unsuccessful(&self) -> bool {
        let mut contrasts = self.outcome.contrasts.iter();
        contrasts.any(|c| c.mark == Some(Mark::Unsuccessful))
    }

    /// The gravest of the arm's registered contrasts.
    pub fn mark(&self, arm: &str) -> Option<Mark> {
        self.outcome.mark(arm)
    }

    /// A policy by its stage, said with the arm that trains it.
    pub fn policy(&self, key: &str) -> String {
        words::policy(key, |arm| self.name(arm))
    }
}

/// What a view needs beyond the comparison itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    /// A metric of training.
    pub curve: Option<String>,
    /// The budget's unit where nothing is said.
    pub x: Option<Cost>,
    pub places: Places,
    /// The part of the curve's axis that is drawn, in the axis's unit.
    pub part: Option<(f64, f64)>,
    /// Every answer, for what is over other questions.
    pub over: Over,
}

/// What the training curve is drawn along.
#[derive(Debug)]
pub(super) struct Axis {
    along: Cost,
    places: Places,
    no_price: Option<String>,
    /// What series are read along; nothing for the budget's unit.
    pub read: Option<store::Along>,
}

impl Axis {
    pub fn new(needs: &Needs, unit: Cost, dollars: &Dollars) -> Self {
        let asked = needs.x.unwrap_or(unit);
        let no_price = prices::missing(asked, dollars, unit);
        let along = if no_price.is_some() { unit } else { asked };
        let read = match needs.places {
            Places::Steps => Some(store::Along::Step),
            Places::Cost => (along != unit).then(|| along.along()),
        };
        Self {
            along,
            places: needs.places,
            no_price,
            read,
        }
    }
}

pub(super) async fn gather(
    state: &AppState,
    id: ExperimentId,
    needs: impl FnOnce(&ExperimentView) -> Needs,
) -> Result<Material, Problem> {
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, id).await?;
    let mut needs = needs(&view);
    let unreported = is_unreported(&mut conn, id, needs.curve.as_deref()).await?;
    if unreported {
        needs.curve = Some(words::TRAINING[0].1.into());
    }
    let metric = needs.curve.as_deref();
    let unit: Cost = view.spec.budget.unit.into();
    let priced = !store::list_prices(&mut conn).await?.is_empty();
    let dollars = match priced || needs.x == Some(Cost::Usd) {
        true => store::charged_dollars(&mut conn, id).await?,
        false => Dollars::default(),
    };
    let axis = Axis::new(&needs, unit, &dollars);
    let counts = (axis.along, axis.places);
    let at = |run: RunId, x: f64| place(counts, &dollars, run, x);
    // What was asked for in dollars has no place on another axis.
    let part = needs.part.filter(|_| axis.no_price.is_none());
    let reading = CurveReading {
        along: axis.read,
        part: part.map(|(low, high)| CurvePart {
            low,
            high,
            place: &at,
        }),
        ..CurveReading::default()
    };
    // Curves are what takes longest to read: beside the rest, where a connection is idle.
    let idle = metric.and_then(|_| state.pool.try_acquire());
    let (curves, rest) = match idle {
        Some(mut second) => {
            let curves = curves(&mut second, id, metric, &reading);
            let (curves, rest) = tokio::join!(curves, rest(&mut conn, id));
            (curves?, rest?)
        }
        None => (
            curves(&mut conn, id, metric, &reading).await?,
            rest(&mut conn, id).await?,
        ),
    };
    let mut of = assembled(view, rest, dollars, axis, curves);
    of.unreported = unreported;
    if needs.over != Over::Seeds {
        let exclusions = &of.exclusions;
        of.shares = store::arm_shares(&mut conn, &of.runs, exclusions, Split::Test).await?;
    }
    if of.has_unsuccessful() {
        let measured = &of.milestones;
        of.failures = store::failure_tables(&mut conn, id, &of.view.spec, measured).await?;
    }
    Ok(of)
}

/// The same from what was read just now and from what was kept; without tables of failures.
pub(super) fn assembled(
    view: ExperimentView,
    rest: Rest,
    dollars: Dollars,
    axis: Axis,
    curves: RunCurves,
) -> Material {
    let mut of = Material {
        outcome: outcome(&view.spec, &rest.test, &rest.decoders)
            .with_open_runs(store::fates(&rest.runs, &rest.exclusions)),
        spent: rest.spent,
        exclusions: rest.exclusions,
        versions: rest.versions,
        runs: rest.runs,
        test: rest.test,
        decoders: rest.decoders,
        decoders_ood: rest.decoders_ood,
        supervision: rest.supervision,
        ood: rest.ood,
        milestones: rest.milestones,
        ledger: rest.ledger,
        pass_at_k: rest.pass_at_k,
        pass_at_k_left_out: vec![],
        shares: vec![],
        signs: rest.signs,
        code: rest.code,
        failures: vec![],
        series: curves.whole,
        zoomed: curves.part,
        along: axis.along,
        places: axis.places,
        unreported: false,
        dollars,
        no_price: axis.no_price,
        view,
        kept: None,
    };
    in_its_unit(&mut of);
    leave_out(&mut of);
    of
}

/// Those with a word of their own are drawn also where nothing has reported them yet.
async fn is_unreported(
    conn: &mut PgConnection,
    id: ExperimentId,
    metric: Option<&str>,
) -> Result<bool, StoreError> {
    let other = metric.filter(|name| !words::is_well_known(name));
    let Some(name) = other else {
        return Ok(false);
    };
    let known = store::list_experiment_metrics(conn, id).await?;
    Ok(known.iter().all(|own| own != name))
}

async fn curves(
    conn: &mut PgConnection,
    id: ExperimentId,
    metric: Option<&str>,
    reading: &CurveReading<'_>,
) -> Result<RunCurves, StoreError> {
    match metric {
        None => Ok(RunCurves::default()),
        Some(metric) => store::experiment_curves(conn, id, metric, reading).await,
    }
}

/// What a comparison is made from, curves apart.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rest {
    test: Vec<ArmFigures>,
    decoders: Vec<DecoderFigures>,
    pub exclusions: Vec<ExclusionEvent>,
    spent: Vec<StageSpend>,
    versions: Vec<VersionView>,
    pub runs: Vec<RunView>,
    decoders_ood: Vec<DecoderFigures>,
    supervision: Vec<ArmSupervision>,
    ood: Vec<ArmFigures>,
    pub milestones: Vec<MilestonePoint>,
    ledger: ExperimentLedger,
    pass_at_k: Vec<PassAtK>,
    pub signs: Vec<RunSign>,
    /// States that were kept before it was read are without.
    #[serde(default)]
    code: HashMap<RunId, BTreeSet<String>>,
}

pub(super) async fn rest(conn: &mut PgConnection, id: ExperimentId) -> Result<Rest, StoreError> {
    let spent = store::list_spending(conn, &[id]).await?.remove(&id);
    let runs = store::list_runs(conn, id).await?;
    let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
    Ok(Rest {
        test: store::run_figures(conn, id).await?,
        decoders: store::decoder_figures(conn, id).await?,
        exclusions: store::list_exclusions(conn, id).await?,
        spent: spent.unwrap_or_default(),
        versions: store::list_versions(conn, id).await?,
        code: store::list_code(conn, &ids).await?,
        runs,
        decoders_ood: store::decoder_figures_for_split(conn, id, Split::Ood).await?,
        supervision: store::list_supervision(conn, id).await?,
        ood: store::figures_for_split(conn, id, Split::Ood).await?,
        milestones: store::milestones(conn, id).await?,
        ledger: store::experiment_ledger(conn, id).await?,
        pass_at_k: store::pass_at_k(conn, id, Split::Test).await?,
        signs: store::list_signs(conn, id).await?,
    })
}

/// Where an axis has a place of a series, which comes in the store's unit: milliseconds, where
/// time or money is drawn.
fn place((along, places): (Cost, Places), dollars: &Dollars, run: RunId, x: f64) -> f64 {
    match (places, along) {
        (Places::Steps, _) | (Places::Cost, Cost::Flops | Cost::Tokens) => x,
        (Places::Cost, Cost::Device | Cost::Wall) => x / 1e3,
        (Places::Cost, Cost::Usd) => dollars.at(run, x).unwrap_or(f64::NAN),
    }
}

fn in_its_unit(of: &mut Material) {
    let counts = (of.along, of.places);
    let zoomed = of.zoomed.iter_mut().flatten();
    for run in of.series.iter_mut().chain(zoomed) {
        for point in &mut run.points {
            point.x = place(counts, &of.dollars, run.run, point.x);
        }
    }
}

/// Curves and pass@k have no mark for runs that do not count: they are taken out here, pass@k to
/// stand both ways.
pub(super) fn leave_out(of: &mut Material) {
    for out in of.exclusions.iter().filter(|e| e.is_in_force()) {
        of.milestones.retain(|p| p.run != out.run);
        of.series.retain(|s| s.run != out.run);
        if let Some(zoomed) = &mut of.zoomed {
            zoomed.retain(|s| s.run != out.run);
        }
        let all = std::mem::take(&mut of.pass_at_k).into_iter();
        let (left, kept): (Vec<_>, Vec<_>) = all.partition(|p| out.leaves_out(&p.arm_key, p.seed));
        of.pass_at_k = kept;
        of.pass_at_k_left_out.extend(left);
    }
}
