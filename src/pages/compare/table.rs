//! What the columns say of each other: pure, so that the page, CSV and JSON are one.

use super::entries::{Entry, Material, Origin};
use crate::charts::{Fate, Seed, UNSUCCESSFUL};
use crate::number;
use crate::pages::experiment::at_budget::remark;
use crate::pages::experiment::milestones::measured;
use crate::pages::judged::Judged;
use crate::pages::words;
use assay_core::at_budget::{Held, held};
use assay_core::compare::Basis;
use assay_core::config::{self, Differs, Flat, Row};
use assay_core::ground::{Entrant, Ground, ground, other_questions, other_validation, unpaired};
use assay_core::outcome::{Mark, Outcome, Verdict};
use assay_core::questions::{Tally, tally};
use assay_core::stats::{Estimate, differences, estimate, mean};
use serde::Serialize;

#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    /// What the address calls it.
    pub word: String,
    /// Differences are taken to this one.
    pub is_base: bool,
    pub experiment: String,
    pub experiment_name: String,
    pub arm: String,
    pub run: Option<String>,
    pub label: String,
    pub added_by_policy: bool,
    pub budget: f64,
    pub unit: &'static str,
    pub charged_mean: Option<f64>,
    pub planned_seeds: usize,
    pub value: Option<Estimate>,
    /// The same with the runs that were left out; nothing where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_every_run: Option<Estimate>,
    pub seeds: Vec<(u64, f64)>,
    /// The figure on the validation split within the smallest budget, where budgets differ.
    pub at_shortest: Option<Estimate>,
    /// How many of its seeds were measured last under 95 % of that budget.
    #[serde(skip_serializing_if = "is_none")]
    pub at_shortest_seeds_far_below: usize,
    /// What that does not cover; empty where it covers all.
    pub at_shortest_remark: String,
    /// To the base, over the seeds in common: of final values, or where budgets differ of those
    /// within the smallest.
    pub difference: Option<Estimate>,
    pub difference_seeds: Vec<(u64, f64)>,
    /// Why there is none.
    pub no_difference: Option<String>,
    /// Of the registered rule, where a contrast names the two.
    pub verdict: Option<Verdict>,
    /// Why there is none.
    pub no_verdict: Option<String>,
    /// What the rule makes of the arm in its own experiment, whatever it is compared with here.
    pub mark: Option<Mark>,
    /// So many runs of that experiment are open, so verdict and mark are for the seeds so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_runs: Option<usize>,
    pub questions: Option<Tally>,
    pub no_questions: Option<String>,
    /// The link leaves it out of the figures.
    #[serde(skip)]
    pub hidden: bool,
}

impl Line {
    /// The verdict, or why there is none; of the base, nothing.
    pub fn verdict_said(&self) -> String {
        match (&self.verdict, &self.no_verdict) {
            (Some(verdict), _) => format!("{verdict}{}", so_far(self.open_runs)),
            (None, why) => why.clone().unwrap_or_default(),
        }
    }

    /// The mark beside the label, on the page.
    pub fn mark_said(&self) -> Option<String> {
        self.mark
            .map(|mark| format!("{mark}{}", so_far(self.open_runs)))
    }

    /// For charts: what the rule calls the arm is never told by its colour alone.
    pub fn drawn(&self) -> (String, Fate) {
        match self.mark {
            Some(Mark::Unsuccessful) => {
                let label = format!("× {}{UNSUCCESSFUL}", self.label);
                (label, Fate::Unsuccessful)
            }
            Some(Mark::GainNotShown) | None => (self.label.clone(), Fate::Ordinary),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Compared {
    pub metric: String,
    pub ground: Option<Ground>,
    pub basis_text: String,
    /// Of the chosen figure at equal compute, where all experiments have registered the same.
    pub margin: Option<f64>,
    pub lines: Vec<Line>,
    /// Every key, in the order of the lines.
    pub config: Vec<Row>,
}

impl Compared {
    pub fn base(&self) -> Option<&Line> {
        self.lines.iter().find(|l| l.is_base)
    }

    pub fn count(&self, wanted: Differs) -> usize {
        self.config.iter().filter(|r| r.differs == wanted).count()
    }
}

/// Left out where there is none, so that snapshots keep the hash that they had.
fn is_none(n: &usize) -> bool {
    *n == 0
}

pub(super) fn compared(of: &Material, metric: &str) -> Compared {
    let entrants: Vec<Entrant<'_>> = of
        .entries
        .iter()
        .filter_map(|e| {
            Some(Entrant {
                label: &e.label,
                experiment: &of.experiments.get(&e.experiment)?.view.spec,
            })
        })
        .collect();
    let ground = ground(&entrants);
    let lines = of
        .entries
        .iter()
        .map(|e| line(of, e, metric, ground.as_ref()));
    Compared {
        metric: metric.into(),
        basis_text: said(ground.as_ref(), metric),
        margin: margin(of, metric).filter(|_| matches!(ground, Some(Ground::EqualCompute { .. }))),
        lines: lines.collect(),
        config: config::side_by_side(&of.entries.iter().map(|e| flat(of, e)).collect::<Vec<_>>()),
        ground,
    }
}

fn margin(of: &Material, metric: &str) -> Option<f64> {
    let mut margins = of
        .experiments
        .values()
        .map(|known| (known.outcome.metric == metric).then_some(known.outcome.margin));
    let first = margins.next()??;
    (first > 0.0 && margins.all(|m| m == Some(first))).then_some(first)
}

/// On what ground columns stand together.
pub(super) fn said(ground: Option<&Ground>, metric: &str) -> String {
    let at = ground.and_then(Ground::basis);
    let at = at.map_or(String::new(), |basis| basis.to_string());
    match ground {
        None => String::new(),
        Some(Ground::EqualCompute { basis }) => basis.to_string(),
        Some(Ground::Unequal {
            unit, least, most, ..
        }) => format!(
            "not equal compute: budgets from {least:.3e} to {most:.3e} training {} per seed; differences are of validation {} within the shortest, {at}",
            words::unit(*unit),
            measured(words::place(metric)).title
        ),
        Some(Ground::OtherUnits) => {
            "not equal compute: budgets are counted in different units".into()
        }
    }
}

fn line(of: &Material, entry: &Entry, metric: &str, ground: Option<&Ground>) -> Line {
    let known = of.experiments.get(&entry.experiment);
    let seeds = entry.figures.seeds(metric);
    let over = |seeds: &[(u64, f64)]| {
        let values: Vec<f64> = seeds.iter().map(|s| s.1).collect();
        estimate(&values)
    };
    let every = entry.seeds_of_every_run(metric);
    let charged: Vec<f64> = entry.figures.counted().map(|r| r.charged).collect();
    let base = of.entries.get(of.base);
    let is_base = base.is_some_and(|base| std::ptr::eq(base, entry));
    let least = ground.and_then(Ground::shortest);
    let reached = least.map(|least| within(entry, metric, least));
    let unit = known.map(|k| k.view.spec.budget.unit);
    let amount = |cost: f64| {
        let unit = unit.map_or("", words::unit);
        format!("{} {unit}", number::prefixed(cost))
    };
    let mut line = Line {
        word: entry.word(),
        is_base,
        experiment: entry.experiment.to_string(),
        experiment_name: known.map_or(String::new(), |k| k.view.name.clone()),
        arm: entry.arm.clone(),
        run: entry.run.map(|run| run.to_string()),
        label: entry.label.clone(),
        added_by_policy: entry.origin == Origin::Policy,
        budget: known.map_or(f64::NAN, |k| k.view.spec.budget.amount),
        unit: known.map_or("", |k| k.view.spec.budget.unit.word()),
        charged_mean: (!charged.is_empty()).then(|| mean(&charged)),
        planned_seeds: entry.figures.planned_seeds,
        value: over(&seeds),
        with_every_run: every.and_then(|seeds| over(&seeds)),
        at_shortest: reached.as_ref().and_then(|held| estimate(&held.values())),
        at_shortest_seeds_far_below: reached.as_ref().map_or(0, |held| held.far.len()),
        at_shortest_remark: match (&reached, least) {
            (Some(held), Some(least)) => remark(held, amount, least, entry.figures.trains),
            (None, _) | (_, None) => String::new(),
        },
        seeds,
        difference: None,
        difference_seeds: vec![],
        no_difference: None,
        verdict: None,
        no_verdict: None,
        mark: known.and_then(|k| k.outcome.mark(&entry.arm)),
        open_runs: known.and_then(|k| k.outcome.interim()),
        questions: None,
        no_questions: None,
        hidden: of.hidden.contains(&entry.word()),
    };
    if let Some(base) = base.filter(|_| !is_base) {
        against(of, entry, base, metric, ground, &mut line);
    }
    line
}

fn against(
    of: &Material,
    entry: &Entry,
    base: &Entry,
    metric: &str,
    ground: Option<&Ground>,
    line: &mut Line,
) {
    let pair = (
        of.experiments.get(&entry.experiment),
        of.experiments.get(&base.experiment),
    );
    let (Some(own), Some(other)) = pair else {
        return;
    };
    match ruled(own, entry, base, metric, ground) {
        Ok(verdict) => line.verdict = Some(verdict),
        Err(why) => line.no_verdict = Some(why),
    }
    if let Some(why) = other_questions(&own.view.spec, &other.view.spec) {
        line.no_difference = Some(why.into());
        line.no_questions = Some(why.into());
        return;
    }
    if let Some(why) = unpaired(&own.view.spec, &other.view.spec) {
        line.no_difference = Some(why.into());
        line.no_questions = Some(why.into());
        return;
    }
    match (ground, ground.and_then(Ground::shortest)) {
        (None, _) => {}
        (Some(ground), Some(least)) => {
            let (held, theirs) = (within(entry, metric, least), within(base, metric, least));
            line.no_difference =
                if let Some(why) = other_validation(&own.view.spec, &other.view.spec) {
                    Some(why.into())
                } else if held.is_far_below() {
                    Some(FAR_BELOW.into())
                } else if theirs.is_far_below() {
                    Some(format!("{}: {FAR_BELOW}", base.label))
                } else {
                    line.difference_seeds = differences(&held.near(), &theirs.near());
                    line.difference = ground.difference_at_shortest(&held, &theirs);
                    let none = line.difference.is_none();
                    none.then(|| not_held(&held, &theirs, &base.label))
                };
        }
        (Some(Ground::OtherUnits), None) => {
            line.no_difference = Some("budgets are counted in different units".into());
        }
        (Some(ground), None) => {
            let theirs = base.figures.seeds(metric);
            line.difference_seeds = differences(&line.seeds, &theirs);
            line.difference = ground.difference(&line.seeds, &theirs);
            if line.difference.is_none() {
                line.no_difference = Some("no finished seed in common".into());
            }
        }
    }
    if !matches!(ground, Some(Ground::EqualCompute { .. })) {
        line.no_questions = Some("answered at the end of unequal budgets".into());
        return;
    }
    match tally(&entry.shares, &base.shares) {
        Ok(tally) => line.questions = Some(tally),
        Err(why) => line.no_questions = Some(refused(why).into()),
    }
}

/// After a word of the rule, while runs are open that may change it.
pub(super) fn so_far(open_runs: Option<usize>) -> String {
    open_runs.map_or(String::new(), |open| {
        let runs = number::counted(open as i64, "run");
        format!(", for the seeds so far ({runs} open)")
    })
}

/// Of which nobody knows what it had at the shortest budget.
const FAR_BELOW: &str = "measured last under 95 % of the shortest budget";
/// Why a contrast that is registered has no verdict.
pub(super) const WITHHELD: &str = "withheld: a required attempt is missing";
const NONE_REGISTERED: &str = "withheld: no unsuccessful-attempt baseline is registered";

pub(super) fn withheld(of: &Outcome) -> &'static str {
    match of.lacks_attempts() {
        true => NONE_REGISTERED,
        false => WITHHELD,
    }
}

/// Words only from the registered rule, and only where it is about these two; else why there
/// are none.
fn ruled(
    own: &Judged,
    entry: &Entry,
    base: &Entry,
    metric: &str,
    ground: Option<&Ground>,
) -> Result<Verdict, String> {
    let registered = |arm: &Entry, against: &Entry| {
        let all = own.outcome.contrasts.iter();
        all.filter(|_| arm.experiment == against.experiment)
            .find(|c| {
                c.arm == arm.arm
                    && c.against == against.arm
                    && matches!(c.basis(), Basis::EqualCompute { .. })
            })
    };
    let Some(named) = registered(entry, base) else {
        return Err(match registered(base, entry) {
            Some(_) => "none: registered the other way round".into(),
            None => "none: not registered".into(),
        });
    };
    if entry.run.is_some() || base.run.is_some() {
        return Err("none: the registered contrast is of whole arms".into());
    }
    if named.metric != metric {
        let mut all = crate::pages::words::FINAL.iter();
        let title = all.find(|f| f.1 == named.metric);
        return Err(format!(
            "none: registered in {}",
            title.map_or(named.metric.as_str(), |f| f.2)
        ));
    }
    if !matches!(ground, Some(Ground::EqualCompute { .. })) {
        return Err("none: the columns are not at equal compute".into());
    }
    named.verdict.ok_or_else(|| withheld(&own.outcome).into())
}

fn refused(why: assay_core::questions::Refused) -> &'static str {
    use assay_core::questions::Refused;
    match why {
        Refused::NoSeedInCommon => "no finished seed in common",
        Refused::OtherQuestions => "they answered other questions",
    }
}

/// What each seed had reached on the validation split within a budget.
fn within(entry: &Entry, metric: &str, budget: f64) -> Held {
    let seeds: Vec<Seed> = entry
        .marked(|p| p.x, measured(words::place(metric)).pick)
        .into_iter()
        .map(|s| Seed {
            seed: s.seed,
            points: s.points.iter().map(|p| (p.1, p.2)).collect(),
        })
        .collect();
    held(&seeds, budget, entry.figures.trains)
}

/// Why two columns have no difference at the shortest budget.
fn not_held(own: &Held, base: &Held, base_label: &str) -> String {
    let why = |of: &Held| match (of.seeds.is_empty(), of.short, of.later) {
        (false, ..) => None,
        (true, 0, 0) => Some("nothing was measured on the validation split"),
        (true, 0, _) => Some("it was first measured beyond the shortest budget"),
        (true, ..) => Some("its data end before the shortest budget"),
    };
    match (why(own), why(base)) {
        (Some(why), _) => why.into(),
        (None, Some(why)) => format!("{base_label}: {why}"),
        (None, None) if differences(&own.seeds, &base.seeds).is_empty() => {
            "no seed in common within the shortest budget".into()
        }
        (None, None) => {
            "in every pair a seed was measured last under 95 % of the shortest budget".into()
        }
    }
}

fn flat(of: &Material, entry: &Entry) -> Flat {
    let Some(known) = of.experiments.get(&entry.experiment) else {
        return Flat::new();
    };
    let spec = &known.view.spec;
    let mut flat = config::of_experiment(spec);
    if let Some(arm) = spec.arm(&entry.arm) {
        flat.extend(config::of_arm(spec, arm));
    }
    let file: String = known.view.sha256.chars().take(12).collect();
    flat.insert(
        "file".into(),
        format!("version {}, {file}", known.view.version),
    );
    let code = match entry.code.is_empty() {
        true => "not recorded".into(),
        false => Vec::from_iter(entry.code.iter().map(String::as_str)).join("; "),
    };
    flat.insert("code".into(), code);
    flat
}
