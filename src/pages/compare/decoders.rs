//! Decoders of one policy beside each other, at equal inference: a table and a figure of their
//! own, never among arms that are compared at equal training compute.

use super::entries::{Material, Origin};
use super::figure::Picture;
use super::table::{so_far, withheld};
use crate::charts::{self, Fate, UNSUCCESSFUL};
use crate::number::{self, Kind};
use crate::pages::experiment::forest::banded;
use crate::pages::figure_data::{self, FigureData};
use assay_core::compare::Basis;
use assay_core::decoders::{AtLevel, DecoderFigures, DecoderRun, at_level};
use assay_core::ids::{ExperimentId, RunId};
use assay_core::metric;
use assay_core::outcome::{Mark, Outcome, Verdict};
use assay_core::stats::{Estimate, estimate};
use assay_store::RunView;
use serde::Serialize;

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub experiment: ExperimentId,
    pub arm: String,
    /// One run alone, or all of the arm's.
    pub run: Option<RunId>,
    pub label: String,
    pub origin: Origin,
    /// `stage` or `arm/stage`.
    pub policy: String,
    /// At which it was to answer.
    pub levels: Vec<u32>,
    /// Of the runs that have finished and count.
    pub figures: DecoderFigures,
    /// Figures of its runs that were left out, which stand beside its values alone.
    pub left_out: Vec<DecoderRun>,
    /// All of its runs, whatever became of them.
    pub runs: Vec<RunView>,
}

impl Entry {
    /// Its values as if nobody had left a run out, by level; nothing where nobody has.
    fn with_every_run(&self) -> Vec<(u32, Estimate)> {
        let mut all = self.figures.clone();
        all.runs.extend(self.left_out.iter().cloned());
        all.runs.sort_by_key(|run| run.seed);
        let all = all.with_all_runs();
        let levels = self.levels.iter().filter(|_| !self.left_out.is_empty());
        let at = levels.filter_map(|level| {
            let values: Vec<f64> = all.seeds(*level).iter().map(|s| s.1).collect();
            Some((*level, estimate(&values)?))
        });
        at.collect()
    }

    /// What the address calls it.
    pub fn word(&self) -> String {
        match self.run {
            Some(run) => run.to_string(),
            None => format!("{}/{}", self.experiment, self.arm),
        }
    }
}

/// Decoders that answer from one policy, on one examination: of one experiment.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub experiment: String,
    pub experiment_name: String,
    pub policy: String,
    pub policy_label: String,
    pub metric: &'static str,
    /// Of every level.
    pub basis_text: String,
    /// Registered for these questions and this figure.
    pub margin: Option<f64>,
    pub lines: Vec<Line>,
    /// Values and differences, a row a line.
    pub levels: Vec<AtLevel>,
}

#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub word: String,
    /// Differences are taken to this one.
    pub is_base: bool,
    pub arm: String,
    pub run: Option<String>,
    pub label: String,
    pub added_by_policy: bool,
    pub planned_seeds: usize,
    pub finished: usize,
    /// Of the levels of the group, those at which it was to answer.
    pub planned: Vec<u32>,
    pub mark: Option<Mark>,
    /// So many runs of the experiment are open, so verdicts and mark are for the seeds so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_runs: Option<usize>,
    /// Of the registered rule, where a contrast names it and the base.
    pub verdicts: Vec<(u32, Verdict)>,
    /// Why there is none at the other levels; of the base, nothing.
    pub no_verdict: Vec<(u32, String)>,
    /// Its value at each level with the runs that were left out; empty where none was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with_every_run: Vec<(u32, Estimate)>,
    /// Its colour and marker on this page.
    #[serde(skip)]
    pub slot: usize,
}

impl Line {
    /// At a level, where a run was left out.
    pub fn every_run(&self, level: u32) -> Option<&Estimate> {
        let mut all = self.with_every_run.iter();
        all.find(|own| own.0 == level).map(|own| &own.1)
    }
}

impl Group {
    pub fn base(&self) -> Option<&Line> {
        self.lines.iter().find(|line| line.is_base)
    }
}

/// In the order in which their first decoder was asked for.
pub(super) fn groups(of: &Material) -> Vec<Group> {
    let mut keys: Vec<(ExperimentId, &str)> = vec![];
    for entry in &of.decoders {
        let key = (entry.experiment, entry.policy.as_str());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys.into_iter()
        .filter_map(|(experiment, policy)| group(of, experiment, policy))
        .collect()
}

fn group(of: &Material, experiment: ExperimentId, policy: &str) -> Option<Group> {
    let known = of.experiments.get(&experiment)?;
    let own: Vec<(usize, &Entry)> = (of.entries.len()..)
        .zip(&of.decoders)
        .filter(|(_, e)| e.experiment == experiment && e.policy == policy)
        .collect();
    let asked = of.decoder_base.as_ref();
    let base = own.iter().position(|(_, e)| Some(&e.word()) == asked);
    let base = base.unwrap_or(0);
    let mut planned: Vec<u32> = own.iter().flat_map(|(_, e)| e.levels.clone()).collect();
    planned.sort_unstable();
    planned.dedup();
    let figures: Vec<&DecoderFigures> = own.iter().map(|(_, e)| &e.figures).collect();
    let levels = planned
        .iter()
        .map(|level| at_level(policy, *level, &figures, base));
    let levels: Vec<AtLevel> = levels.collect();
    let against = own.get(base).map(|(_, e)| *e);
    let line = |(place, (slot, entry)): (usize, &(usize, &Entry))| {
        let (mut verdicts, mut no_verdict) = (vec![], vec![]);
        for level in planned.iter().filter(|_| place != base) {
            match against.map(|base| ruled(&known.outcome, entry, base, *level)) {
                Some(Ok(verdict)) => verdicts.push((*level, verdict)),
                Some(Err(why)) => no_verdict.push((*level, why.to_string())),
                None => {}
            }
        }
        Line {
            word: entry.word(),
            is_base: place == base,
            arm: entry.arm.clone(),
            run: entry.run.map(|run| run.to_string()),
            label: entry.label.clone(),
            added_by_policy: entry.origin == Origin::Policy,
            planned_seeds: entry.figures.planned_seeds,
            finished: entry.figures.finished(),
            planned: entry.levels.clone(),
            mark: known.outcome.mark(&entry.arm),
            open_runs: known.outcome.interim(),
            verdicts,
            no_verdict,
            with_every_run: entry.with_every_run(),
            slot: *slot,
        }
    };
    let lines = own.iter().enumerate().map(line);
    let bases: Vec<String> = levels.iter().map(|at| at.basis().to_string()).collect();
    let registered = known.outcome.metric == metric::PASS_AT_1;
    Some(Group {
        experiment: experiment.to_string(),
        experiment_name: known.view.name.clone(),
        policy: policy.into(),
        policy_label: match policy.split_once('/') {
            Some((arm, _)) => {
                let arm = known.view.spec.arm(arm).map_or(arm, |arm| &arm.label);
                format!("{arm} ({policy})")
            }
            None => policy.into(),
        },
        metric: metric::PASS_AT_1,
        basis_text: bases.join("; "),
        margin: Some(known.outcome.margin).filter(|m| registered && *m > 0.0),
        lines: lines.collect(),
        levels,
    })
}

const NOT_REGISTERED: &str = "none: not registered";

/// Words only from the registered rule, and only where it is about these two as a whole; else
/// why there are none.
fn ruled(of: &Outcome, entry: &Entry, base: &Entry, level: u32) -> Result<Verdict, &'static str> {
    let registered = |arm: &Entry, against: &Entry| {
        let mut all = of.contrasts.iter();
        all.find(|c| {
            let at = match c.basis() {
                Basis::EqualInference { level, .. } => Some(*level),
                Basis::EqualCompute { .. } => None,
            };
            c.arm == arm.arm && c.against == against.arm && at == Some(level)
        })
    };
    let Some(named) = registered(entry, base) else {
        return Err(match registered(base, entry) {
            Some(_) => "none: registered the other way round",
            None => NOT_REGISTERED,
        });
    };
    if entry.run.is_some() || base.run.is_some() {
        return Err("none: the registered contrast is of whole arms");
    }
    named.verdict.ok_or_else(|| withheld(of))
}

/// Verdicts with their levels; where there is none at any of them, why.
fn verdict(of: &Line) -> String {
    let said = of.verdicts.iter();
    let said: Vec<String> = said
        .map(|(level, verdict)| format!("{verdict} at {}", samples(*level)))
        .collect();
    if !said.is_empty() {
        return format!("{}{}", said.join("; "), so_far(of.open_runs));
    }
    if of.is_base {
        return String::new();
    }
    let mut why: Vec<&str> = vec![];
    for (_, own) in of.no_verdict.iter().filter(|w| w.1 != NOT_REGISTERED) {
        if !why.contains(&own.as_str()) {
            why.push(own);
        }
    }
    match why.is_empty() {
        true => NOT_REGISTERED.into(),
        false => why.join("; "),
    }
}

/// A group on the page.
pub(super) struct Shown {
    /// Its place on the page.
    pub id: String,
    pub title: String,
    pub caption: String,
    /// Nothing to compare it with.
    pub alone: bool,
    pub levels: Vec<String>,
    pub rows: Vec<ShownRow>,
    pub forest: Option<Picture>,
}

pub(super) struct ShownRow {
    pub key: String,
    pub label: String,
    pub class: String,
    pub href: String,
    pub by_policy: bool,
    pub mark: Option<String>,
    pub n: String,
    pub cells: Vec<ShownCell>,
    pub verdict: String,
}

pub(super) struct ShownCell {
    pub value: (String, String),
    pub cost: String,
    pub difference: (String, String),
}

pub(super) fn shown(place: usize, of: &Group) -> Shown {
    Shown {
        id: format!("decoders-{place}"),
        title: format!("Decoders of {} in {}", of.policy_label, of.experiment_name),
        caption: format!(
            "Test questions answered right at equal inference tokens, as so many samples of the policy cost; unadjusted 95 % intervals over seeds, differences to {}, paired by seed. Basis: {}.",
            of.base().map_or("", |base| &base.label),
            of.basis_text
        ),
        alone: of.lines.len() < 2,
        levels: of.levels.iter().map(|at| samples(at.level)).collect(),
        rows: (0..)
            .zip(&of.lines)
            .map(|(row, line)| shown_row(of, row, line))
            .collect(),
        forest: forest(place, of),
    }
}

fn samples(level: u32) -> String {
    number::counted(i64::from(level), "sample")
}

/// Why a line has none at a level.
pub(super) fn no_difference(of: &Group, line: &Line, level: u32) -> &'static str {
    let planned = |line: &Line| line.planned.contains(&level);
    match planned(line) && of.base().is_none_or(planned) {
        true => "no finished seed in common",
        false => "not planned",
    }
}

fn shown_row(of: &Group, row: usize, line: &Line) -> ShownRow {
    let cells = of.levels.iter().map(|at| {
        let cell = &at.rows[row];
        let every = line.every_run(at.level);
        let (mean, mut interval) = super::both_ways(Kind::Share, cell.value.as_ref(), every);
        if cell.value.is_none() && !line.planned.contains(&at.level) {
            interval = "not planned".into();
        }
        ShownCell {
            value: (mean, interval),
            cost: cell.tokens.map_or(String::new(), |tokens| {
                format!("{} tokens", number::prefixed(tokens))
            }),
            difference: match (line.is_base, &cell.difference) {
                (true, _) => ("compared with".into(), String::new()),
                (false, Some(d)) => {
                    let (mean, interval) = super::pair(Kind::Share, Some(d), true);
                    (mean, format!("{interval}, n = {}", d.n))
                }
                (false, None) => (
                    number::NONE.into(),
                    no_difference(of, line, at.level).into(),
                ),
            },
        }
    });
    ShownRow {
        key: line.word.clone(),
        label: line.label.clone(),
        class: charts::series_class(line.slot),
        href: match &line.run {
            Some(run) => format!("/runs/{run}"),
            None => format!("/experiments/{}", of.experiment),
        },
        by_policy: line.added_by_policy,
        mark: line
            .mark
            .map(|mark| format!("{mark}{}", so_far(line.open_runs))),
        n: format!("{} of {}", line.finished, line.planned_seeds),
        cells: cells.collect(),
        verdict: verdict(line),
    }
}

/// Differences to the base, a row a decoder and level; nothing where there is none.
pub(super) fn forest(place: usize, of: &Group) -> Option<Picture> {
    let base = of.base()?;
    let mut rows: Vec<charts::Row> = vec![];
    for at in &of.levels {
        for (line, row) in of.lines.iter().zip(&at.rows) {
            if row.difference.is_none() {
                continue;
            }
            let called = format!("{} at {}", line.label, samples(at.level));
            let (label, fate) = match line.mark {
                Some(Mark::Unsuccessful) => {
                    (format!("× {called}{UNSUCCESSFUL}"), Fate::Unsuccessful)
                }
                Some(Mark::GainNotShown) | None => (called, Fate::Ordinary),
            };
            rows.push(charts::Row {
                key: line.word.clone(),
                label,
                slot: line.slot,
                tint: None,
                fate,
                estimate: row.difference,
                seeds: row.difference_seeds.iter().map(|s| s.1).collect(),
                note: None,
                verdict: None,
                other: None,
            });
        }
    }
    if rows.is_empty() {
        return None;
    }
    let title = format!(
        "Differences to {} among decoders of {}",
        base.label, of.policy_label
    );
    let chart = charts::Rows {
        title: title.clone(),
        x_title: format!("difference to {}", base.label),
        kind: Kind::Share,
        differences: true,
        margin: of.margin,
        rows,
    };
    let drawn = chart.draw();
    let mut caption = format!(
        "At equal inference tokens ({}). Unadjusted 95 % intervals, paired by seed; small circles are single seeds.",
        of.basis_text
    );
    if let Some(margin) = of.margin {
        caption += &format!(" {}", banded(margin));
    }
    for line in drawn.missed() {
        caption += &format!(" {line}");
    }
    let word = format!("decoders-{place}");
    Some(Picture {
        data: Some(FigureData {
            id: word.clone(),
            title: title.clone(),
            caption: figure_data::caption("decoders", 1),
            file: None,
            of: "Decoder",
            rows: chart
                .rows
                .iter()
                .map(|row| (row.label.clone(), figure_data::seeds(row, chart.kind)))
                .collect(),
            head: chart.x_title,
        }),
        word,
        title,
        svg: drawn.svg,
        caption,
        cost: "",
        every: false,
        at: None,
    })
}
