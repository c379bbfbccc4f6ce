//! What the planned seeds of an experiment can show, from how its seeds differ so far.

use crate::number::{self, Kind};
use crate::pages::judged::Judged;
use crate::pages::words;
use assay_core::detectable::{POWER, detectable};
use assay_core::outcome::{ContrastOutcome, MIN_SEEDS_VERDICT};
use assay_core::stats::{MIN_SEEDS_INTERVAL, variance};

const NOT_KNOWN: &str = "not known yet";
/// More seeds than a form may ask about.
const MOST_SEEDS: f64 = 1_000.0;

pub(super) struct Detectable {
    pub caption: String,
    /// So many seeds were asked about.
    pub asked: Option<String>,
    pub rows: Vec<ContrastRow>,
}

pub(super) struct ContrastRow {
    pub arm: String,
    pub against: String,
    pub measured: usize,
    pub planned: usize,
    pub size: String,
    /// With as many seeds as were asked about.
    pub with_asked: String,
}

/// The registered contrasts of one experiment; `asked`: seeds of the form above.
pub(super) fn of(judged: &Judged, asked: Option<f64>) -> Detectable {
    let outcome = &judged.outcome;
    let asked = asked.filter(|n| n.fract() == 0.0 && *n <= MOST_SEEDS);
    let asked = asked.map(|n| n as usize);
    let label = |key: &str| {
        let known = judged.view.arms.iter().find(|arm| arm.key == key);
        known.map_or_else(|| key.to_string(), |arm| arm.label.clone())
    };
    let row = |c: &ContrastOutcome| ContrastRow {
        arm: label(&c.arm),
        against: label(&c.against),
        measured: c.seeds.len(),
        planned: c.planned_seeds,
        size: said(c, c.planned_seeds),
        with_asked: asked.map_or(String::new(), |n| said(c, n)),
    };
    Detectable {
        caption: format!(
            "Registered contrasts in {}: the smallest true difference that a two-sided t test, \
             paired by seed, at level 0.05/{} shows in {} of experiments, from the variance over \
             the seeds that have finished; not known under {MIN_SEEDS_INTERVAL} of them, and rough \
             while they are few. Under {MIN_SEEDS_VERDICT} seeds no verdict is given, whatever the \
             difference.",
            title(&outcome.metric),
            outcome.m.max(1),
            number::percent(POWER)
        ),
        asked: asked.map(|n| number::counted(n as i64, "seed")),
        rows: outcome.contrasts.iter().map(row).collect(),
    }
}

/// One figure for an experiment: its contrast whose seeds vary most.
pub(super) fn widest(judged: &Judged) -> String {
    let outcome = &judged.outcome;
    let spread = |c: &ContrastOutcome| variance(&differences(c)).unwrap_or(0.0);
    let measured = |c: &&ContrastOutcome| c.seeds.len() >= MIN_SEEDS_INTERVAL;
    let known = outcome.contrasts.iter().filter(measured);
    let most = known.max_by(|a, b| spread(a).total_cmp(&spread(b)));
    match most.map(|c| said(c, c.planned_seeds)) {
        _ if outcome.contrasts.is_empty() => number::NONE.into(),
        None => NOT_KNOWN.into(),
        Some(size) => format!("{size} in {}", title(&outcome.metric)),
    }
}

fn differences(of: &ContrastOutcome) -> Vec<f64> {
    of.seeds.iter().map(|s| s.1).collect()
}

fn size(of: &ContrastOutcome, seeds: usize) -> Option<f64> {
    detectable(&differences(of), seeds, 1.0 - of.adjusted_level)
}

fn said(of: &ContrastOutcome, seeds: usize) -> String {
    if seeds < MIN_SEEDS_INTERVAL {
        return format!("nothing: fewer than {MIN_SEEDS_INTERVAL} seeds");
    }
    size(of, seeds).map_or(NOT_KNOWN.into(), |d| {
        format!("±{}", number::value(Kind::of(&of.metric), d))
    })
}

fn title(metric: &str) -> &str {
    let known = words::FINAL.iter().find(|f| f.1 == metric);
    known.map_or(metric, |f| f.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::compare::{ArmFigures, RunFigures};
    use assay_core::ids::ExperimentId;
    use assay_core::metric;
    use assay_core::outcome::outcome;
    use assay_core::spec::Experiment;
    use assay_store::ExperimentView;
    use time::OffsetDateTime;

    const FILE: &str = "
name: t
question: q?
task: { name: modchain }
seeds: 5
budget: { unit: flops, amount: 4.0e+11 }
baseline: base
required_attempts: { prm: { not_run: Not asked here. }, mcts: { not_run: Not asked here. } }
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: base, policy: base }
  - { id: up, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }";

    /// The base at 0.5 on each seed, the other arm above it by so much.
    fn judged(gains: &[f64]) -> Judged {
        let spec = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
        let arm = |id: &str, gain: &dyn Fn(usize) -> f64| ArmFigures {
            id: id.into(),
            label: id.into(),
            trains: id != "base",
            planned_seeds: 5,
            runs: (0..gains.len())
                .map(|i| RunFigures {
                    seed: i as u64,
                    charged: 4e11,
                    values: vec![(metric::PASS_AT_1.into(), 0.5 + gain(i))],
                    excluded: false,
                })
                .collect(),
        };
        let arms = vec![arm("base", &|_| 0.0), arm("up", &|i| gains[i])];
        Judged {
            outcome: outcome(&spec, &arms, &[]),
            view: ExperimentView {
                id: ExperimentId(uuid::Uuid::nil()),
                name: "n".into(),
                question: "q".into(),
                version: 1,
                sha256: String::new(),
                frozen_at: OffsetDateTime::UNIX_EPOCH,
                created_at: OffsetDateTime::UNIX_EPOCH,
                arms: vec![],
                spec,
            },
            arms,
            decoders: vec![],
        }
    }

    #[test]
    fn the_size_is_that_of_the_planned_seeds_and_of_those_asked_about() {
        // Standard deviation 0.01581: 1.6820 of it with 5 seeds, 0.9960 with 10.
        let judged = judged(&[0.28, 0.29, 0.3, 0.31, 0.32]);
        let found = of(&judged, Some(10.0));
        let row = &found.rows[0];
        assert_eq!((row.measured, row.planned), (5, 5));
        assert_eq!(
            (row.size.as_str(), row.with_asked.as_str()),
            ("±0.027", "±0.016")
        );
        assert_eq!(found.asked.as_deref(), Some("10 seeds"));
        assert!(
            found.caption.contains("level 0.05/1 shows in 80 %"),
            "{}",
            found.caption
        );
        assert_eq!(widest(&judged), "±0.027 in pass@1");
        assert!(of(&judged, Some(2.5)).asked.is_none());
        assert!(
            of(&judged, Some(2.0)).rows[0]
                .with_asked
                .starts_with("nothing")
        );
    }

    #[test]
    fn under_three_finished_seeds_it_is_not_known_yet() {
        let two = judged(&[0.1, 0.2]);
        assert_eq!(of(&two, None).rows[0].size, "not known yet");
        assert_eq!(widest(&two), "not known yet");
        assert!(widest(&judged(&[0.1, 0.2, 0.4])).starts_with("±"));
        assert_eq!(of(&judged(&[]), None).rows[0].size, "not known yet");
    }
}
