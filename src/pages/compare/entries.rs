//! What is compared: runs and arms of any experiments, and what policy adds to them.

use super::wanted::{View, Wanted};
use super::{decoders, look, prices, rest, series};
use crate::charts::Marked;
use crate::pages::judged::{Judged, judged};
use crate::pages::words;
use crate::problem::Problem;
use assay_core::compare::{ArmFigures, RunFigures};
use assay_core::decoders::DecoderFigures;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::questions::Shares;
use assay_core::spec::RequiredAttempt;
use assay_core::task::Split;
use assay_store::{
    self as store, Dollars, ExclusionEvent, MilestonePoint, RunSeries, RunView, StoreError,
};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How an entry came to be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Asked,
    /// A required attempt of the first entry's experiment.
    Policy,
}

/// One column.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub experiment: ExperimentId,
    pub arm: String,
    /// One run alone, or all of the arm's.
    pub run: Option<RunId>,
    pub label: String,
    pub origin: Origin,
    /// Of the runs that have finished and count.
    pub figures: ArmFigures,
    /// Figures of its runs that were left out, which stand beside its value alone.
    pub left_out: Vec<RunFigures>,
    /// The share of right answers by question, of the same runs.
    pub shares: Vec<(u64, Shares)>,
    /// Validation along training, of the same runs.
    pub milestones: Vec<MilestonePoint>,
    /// Where each of its runs was measured, at work ones too: charged in the budget's unit.
    pub reached: Vec<(RunId, f64)>,
    /// Versions and commits of the workers of the same runs; of old ones none.
    pub code: BTreeSet<String>,
    /// The chosen metric of training, of the same runs where they still train too.
    pub series: Vec<RunSeries>,
    /// The same with more points in the part of the axis that was asked for; empty where there
    /// are none.
    pub zoomed: Vec<RunSeries>,
    /// All of its runs, whatever became of them.
    pub runs: Vec<RunView>,
}

impl Entry {
    /// Its milestones, seed by seed, ascending: mark, cost, value.
    pub fn marked(
        &self,
        cost: impl Fn(&MilestonePoint) -> f64,
        value: fn(&MilestonePoint) -> f64,
    ) -> Vec<Marked> {
        let mut seeds: Vec<Marked> = vec![];
        for p in &self.milestones {
            let point = (f64::from(p.milestone), cost(p), value(p));
            match seeds.iter_mut().find(|s| s.seed == p.seed) {
                Some(seed) => seed.points.push(point),
                None => seeds.push(Marked {
                    seed: p.seed,
                    points: vec![point],
                }),
            }
        }
        seeds
    }

    /// Seed and value as if nobody had left a run out; nothing where nobody has.
    pub fn seeds_of_every_run(&self, metric: &str) -> Option<Vec<(u64, f64)>> {
        let mut all = self.figures.clone();
        all.runs.extend(self.left_out.iter().cloned());
        all.runs.sort_by_key(|run| run.seed);
        (!self.left_out.is_empty()).then(|| all.with_all_runs().seeds(metric))
    }

    /// What the address calls it.
    pub fn word(&self) -> String {
        match self.run {
            Some(run) => run.to_string(),
            None => format!("{}/{}", self.experiment, self.arm),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Material {
    pub entries: Vec<Entry>,
    /// In tables of their own, at equal inference.
    pub decoders: Vec<decoders::Entry>,
    /// The entry that differences are taken to.
    pub base: usize,
    /// How the figures are drawn.
    pub view: View,
    /// Read only where the axis is to be in dollars.
    pub dollars: Dollars,
    /// Why it is not, though that was asked for.
    pub no_price: Option<String>,
    /// Columns that the link leaves out of the figures, by what it calls them.
    pub hidden: Vec<String>,
    /// The same among decoders of its policy; the first one otherwise.
    pub decoder_base: Option<String>,
    /// Decisions to leave out runs of these experiments.
    pub exclusions: Vec<ExclusionEvent>,
    pub experiments: BTreeMap<ExperimentId, Judged>,
    /// What cannot stand in one table with the others, and why.
    pub apart: Vec<String>,
    /// Required attempts that were folded away, by the reader.
    pub collapsed: Vec<String>,
    /// Those that were not run, with the registered reason; in `apart` too.
    pub not_run: Vec<String>,
    /// What was asked for and is not there.
    pub unknown: Vec<String>,
    /// What was asked for beyond the columns that there is room for, by name.
    pub rest: Vec<String>,
}

impl Material {
    /// The experiment whose policy holds: that of the first column, else of the first decoder.
    pub fn first(&self) -> Option<ExperimentId> {
        let entry = self.entries.first().map(|e| e.experiment);
        entry.or(self.decoders.first().map(|d| d.experiment))
    }

    /// Whether the arm, or a run of it, is here.
    pub fn has(&self, experiment: ExperimentId, arm: &str) -> bool {
        let entry = |e: &Entry| e.experiment == experiment && e.arm == arm;
        let decoder = |d: &decoders::Entry| d.experiment == experiment && d.arm == arm;
        self.entries.iter().any(entry) || self.decoders.iter().any(decoder)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.decoders.is_empty()
    }

    /// Of which experiments the words are those for the seeds so far.
    pub fn interim_lines(&self) -> Vec<String> {
        let said = self.experiments.values().filter_map(|known| {
            let said = known.outcome.interim_said()?;
            Some(format!("{}: {said}", known.view.name))
        });
        said.collect()
    }

    /// Of every column and decoder, with its experiment.
    pub fn runs(&self) -> impl Iterator<Item = (ExperimentId, &RunView)> {
        let entries = self.entries.iter().map(|e| (e.experiment, &e.runs));
        let decoders = self.decoders.iter().map(|d| (d.experiment, &d.runs));
        let all = entries.chain(decoders);
        all.flat_map(|(id, runs)| runs.iter().map(move |run| (id, run)))
    }
}

/// More would be no table.
pub(in crate::pages) const MOST: usize = 24;

pub(super) async fn material(
    conn: &mut PgConnection,
    wanted: &Wanted,
) -> Result<Material, Problem> {
    let mut of = Material::default();
    let mut runs_of: HashMap<ExperimentId, Vec<RunView>> = HashMap::new();
    let mut asked: Vec<(ExperimentId, String, Option<RunId>)> = vec![];
    for word in wanted.runs.iter().take(MOST) {
        let run = match word.parse::<RunId>() {
            Err(_) => None,
            Ok(id) => found(store::get_run(&mut *conn, id).await)?,
        };
        match run {
            None => of.unknown.push(format!("runs={word}")),
            Some(run) => asked.push((run.experiment, run.arm.key, Some(run.id))),
        }
    }
    let room = MOST.saturating_sub(asked.len());
    for word in wanted.arms.iter().take(room) {
        let parts = word.split_once('/');
        match parts.and_then(|(id, arm)| Some((id.parse::<ExperimentId>().ok()?, arm))) {
            None => of.unknown.push(format!("arms={word}")),
            Some((id, arm)) => asked.push((id, arm.into(), None)),
        }
    }
    for (id, arm, run) in asked {
        if !load(&mut *conn, &mut of, &mut runs_of, id).await? {
            of.unknown.push(format!("arms={id}/{arm}"));
            continue;
        }
        place(&mut of, &runs_of[&id], id, &arm, run, Origin::Asked);
    }
    add_by_policy(&mut of, &runs_of, wanted.collapse);
    let runs = wanted.runs.get(MOST..).unwrap_or_default();
    let arms = wanted.arms.get(room..).unwrap_or_default();
    of.rest = rest::named(&of, &runs_of, (runs, arms));
    if let Some(word) = &wanted.base {
        let decodes = of.decoders.iter().any(|d| d.word() == *word);
        match of.entries.iter().position(|e| e.word() == *word) {
            Some(place) => of.base = place,
            None if decodes => of.decoder_base = Some(word.clone()),
            None => of.unknown.push(format!("base={word}")),
        }
    }
    look::settle(&mut of, wanted);
    read_figures(&mut *conn, &mut of, &runs_of).await?;
    prices::read(&mut *conn, &mut of).await?;
    series::read(conn, &mut of, words::TRAINING[wanted.curve].1).await?;
    Ok(of)
}

fn found<T>(of: Result<T, StoreError>) -> Result<Option<T>, Problem> {
    match of {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// False where there is no such experiment.
async fn load(
    conn: &mut PgConnection,
    of: &mut Material,
    runs_of: &mut HashMap<ExperimentId, Vec<RunView>>,
    id: ExperimentId,
) -> Result<bool, Problem> {
    if of.experiments.contains_key(&id) {
        return Ok(true);
    }
    if found(store::get_experiment(&mut *conn, id).await)?.is_none() {
        return Ok(false);
    }
    let known = judged(&mut *conn, id).await?;
    of.experiments.insert(id, known);
    runs_of.insert(id, store::list_runs(conn, id).await?);
    Ok(true)
}

fn place(
    of: &mut Material,
    runs: &[RunView],
    id: ExperimentId,
    arm: &str,
    run: Option<RunId>,
    origin: Origin,
) {
    let Some(known) = of.experiments.get(&id) else {
        return;
    };
    let is_same = |e: &Entry| e.experiment == id && e.arm == arm && e.run == run;
    let decodes = |d: &decoders::Entry| d.experiment == id && d.arm == arm && d.run == run;
    if of.entries.iter().any(is_same) || of.decoders.iter().any(decodes) {
        return;
    }
    let spec = &known.view.spec;
    let name = spec.arm(arm).map(|a| a.label.clone());
    let seed = run
        .and_then(|run| runs.iter().find(|r| r.id == run))
        .map(|r| r.seed);
    let label = match (name, seed) {
        (None, _) => {
            of.unknown.push(format!("arms={id}/{arm}"));
            return;
        }
        (Some(name), None) => name,
        (Some(name), Some(seed)) => format!("{name}, seed {seed}"),
    };
    let is_own = |r: &&RunView| r.arm.key == arm && run.is_none_or(|run| run == r.id);
    let runs: Vec<RunView> = runs.iter().filter(is_own).cloned().collect();
    if let Some(decoder) = spec.decoder(arm) {
        let whole = known.decoders.iter().find(|d| d.id == arm).cloned();
        let mut figures = whole.unwrap_or_else(|| DecoderFigures {
            id: arm.into(),
            label: label.clone(),
            planned_seeds: spec.seeds.len(),
            runs: vec![],
        });
        let own = std::mem::take(&mut figures.runs).into_iter();
        let own = own.filter(|r| seed.is_none_or(|s| s == r.seed));
        let (left_out, counted): (Vec<_>, Vec<_>) = own.partition(|r| r.excluded);
        figures.runs = counted;
        if seed.is_some() {
            figures.planned_seeds = 1;
        }
        let entry = decoders::Entry {
            experiment: id,
            arm: arm.into(),
            run,
            label,
            origin,
            levels: decoder.levels.to_vec(),
            policy: decoder.policy,
            figures,
            left_out,
            runs,
        };
        of.decoders.push(entry);
        return;
    }
    let whole = known.arms.iter().find(|a| a.id == arm).cloned();
    let mut figures = whole.unwrap_or_else(|| ArmFigures {
        id: arm.into(),
        label: label.clone(),
        trains: true,
        planned_seeds: spec.seeds.len(),
        runs: vec![],
    });
    let own = std::mem::take(&mut figures.runs).into_iter();
    let own = own.filter(|r| seed.is_none_or(|s| s == r.seed));
    let (left_out, counted): (Vec<_>, Vec<_>) = own.partition(|r| r.excluded);
    figures.runs = counted;
    if seed.is_some() {
        figures.planned_seeds = 1;
    }
    of.entries.push(Entry {
        runs,
        series: vec![],
        zoomed: vec![],
        experiment: id,
        arm: arm.into(),
        run,
        label,
        origin,
        figures,
        left_out,
        shares: vec![],
        milestones: vec![],
        reached: vec![],
        code: BTreeSet::new(),
    });
}

/// A comparison must not leave out what its experiment was not allowed to leave out.
fn add_by_policy(of: &mut Material, runs_of: &HashMap<ExperimentId, Vec<RunView>>, collapse: bool) {
    let Some(first) = of.first() else {
        return;
    };
    let Some(known) = of.experiments.get(&first) else {
        return;
    };
    for (role, attempt) in known.view.spec.required_attempts.clone() {
        match attempt {
            RequiredAttempt::NotRun { not_run } => {
                let said = format!("{role}: not run, because: {not_run}");
                of.not_run.push(said.clone());
                of.apart.push(said);
            }
            RequiredAttempt::Arm(arm) => {
                if of.has(first, &arm) {
                    continue;
                }
                if collapse {
                    of.collapsed.push(format!("{role} ({arm})"));
                } else {
                    let runs = runs_of.get(&first).map_or(&[][..], Vec::as_slice);
                    place(of, runs, first, &arm, None, Origin::Policy);
                }
            }
        }
    }
}

async fn read_figures(
    conn: &mut PgConnection,
    of: &mut Material,
    runs_of: &HashMap<ExperimentId, Vec<RunView>>,
) -> Result<(), Problem> {
    // Run of an entry at a seed that counts.
    let counted = |entry: &Entry| -> Vec<(u64, RunId)> {
        let own = runs_of.get(&entry.experiment).into_iter().flatten();
        own.filter(|run| run.arm.key == entry.arm)
            .filter(|run| entry.figures.runs.iter().any(|f| f.seed == run.seed))
            .map(|run| (run.seed, run.id))
            .collect()
    };
    for id in of.experiments.keys() {
        let exclusions = store::list_exclusions(&mut *conn, *id).await?;
        for out in exclusions.iter().filter(|e| e.is_in_force()) {
            if of.runs().any(|(own, run)| own == *id && run.id == out.run) {
                of.apart.push(format!(
                    "{}, seed {} was left out and counts in no number here but those with every run: {}",
                    out.label, out.seed, out.reason
                ));
            }
        }
        of.exclusions.extend(exclusions);
    }
    let all: Vec<RunId> = of
        .entries
        .iter()
        .flat_map(counted)
        .map(|(_, id)| id)
        .collect();
    let shares = store::final_shares(&mut *conn, &all, Split::Test).await?;
    let code = store::list_code(&mut *conn, &all).await?;
    let mut milestones = vec![];
    for id in of.experiments.keys() {
        milestones.extend(store::milestones(&mut *conn, *id).await?);
    }
    for entry in &mut of.entries {
        let runs = counted(entry);
        entry.milestones = milestones
            .iter()
            .filter(|p| runs.iter().any(|(_, id)| *id == p.run))
            .cloned()
            .collect();
        entry.reached = milestones
            .iter()
            .filter(|p| entry.runs.iter().any(|run| run.id == p.run))
            .map(|p| (p.run, p.x))
            .collect();
        entry.code = runs
            .iter()
            .filter_map(|(_, id)| code.get(id))
            .flatten()
            .cloned()
            .collect();
        entry.shares = runs
            .into_iter()
            .filter_map(|(seed, id)| Some((seed, shares.get(&id).cloned()?)))
            .collect();
    }
    Ok(())
}
