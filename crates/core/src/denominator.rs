//! What stands under every comparison and in every export: how many runs were planned and
//! what became of them, so that nobody reads a mean over the survivors as the whole.

use crate::outcome::{Mark, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How a run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Done,
    /// Runs or waits.
    Open,
    /// An accident: never the same as unsuccessful.
    Crashed,
    Cancelled,
}

#[derive(Debug, Clone, Copy)]
pub struct RunFate<'a> {
    pub arm: &'a str,
    pub fate: Fate,
    /// Left out by somebody, with a reason.
    pub excluded: bool,
}

/// Why nobody can say how many arms are unsuccessful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoVerdict {
    /// A required attempt is missing, or none is registered.
    Withheld,
    /// No registered contrast has as many seeds as the rule asks for.
    NotYet,
}

impl std::fmt::Display for NoVerdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Withheld => "no verdict yet (withheld)",
            Self::NotYet => "no verdict yet",
        })
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denominator {
    /// Runs, of which each of the next four counts a part.
    pub planned: usize,
    /// Those that were left out among them.
    pub done: usize,
    pub crashed: usize,
    pub cancelled: usize,
    pub open: usize,
    /// Left out with a reason, whatever became of them.
    pub excluded: usize,
    /// Done and not left out: what the numbers are over.
    pub counted: usize,
    pub arms: usize,
    /// Arms that the registered rule calls so; `None` where it has not spoken.
    pub unsuccessful: Option<usize>,
    /// Why there is no such number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_verdict: Option<NoVerdict>,
    /// Arms that are not drawn or listed, by whoever's wish.
    pub hidden: usize,
}

/// Of all runs of an experiment, or of one arm's.
pub fn denominator<'a>(
    runs: impl IntoIterator<Item = RunFate<'a>>,
    outcome: &Outcome,
    hidden: usize,
) -> Denominator {
    let mut of = Denominator {
        hidden,
        ..Denominator::default()
    };
    let mut arms = BTreeSet::new();
    for run in runs {
        arms.insert(run.arm);
        of.planned += 1;
        of.excluded += usize::from(run.excluded);
        match run.fate {
            Fate::Done => {
                of.done += 1;
                of.counted += usize::from(!run.excluded);
            }
            Fate::Open => of.open += 1,
            Fate::Crashed => of.crashed += 1,
            Fate::Cancelled => of.cancelled += 1,
        }
    }
    of.arms = arms.len();
    match unsuccessful(outcome, arms) {
        Ok(list) => of.unsuccessful = Some(list.len()),
        Err(why) => of.no_verdict = Some(why),
    }
    of
}

/// Which of these arms are unsuccessful: an answer only where the registered rule has
/// spoken, for none of nothing is no news.
pub fn unsuccessful<'a>(
    outcome: &Outcome,
    arms: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<&'a str>, NoVerdict> {
    match (outcome.withheld, outcome.has_spoken()) {
        (true, _) => Err(NoVerdict::Withheld),
        (false, false) => Err(NoVerdict::NotYet),
        (false, true) => {
            let arms = arms.into_iter();
            Ok(arms.filter(|arm| is_unsuccessful(outcome, arm)).collect())
        }
    }
}

/// Some registered contrast of the arm says so.
pub fn is_unsuccessful(outcome: &Outcome, arm: &str) -> bool {
    outcome.mark(arm) == Some(Mark::Unsuccessful)
}

impl std::fmt::Display for Denominator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counted = |n: usize, word: &str| {
            let s = if n == 1 { "" } else { "s" };
            format!("{n} {word}{s}")
        };
        write!(
            f,
            "{} planned: {} done, {} crashed, {} cancelled, {} open; {} excluded, {} counted. {}: ",
            counted(self.planned, "run"),
            self.done,
            self.crashed,
            self.cancelled,
            self.open,
            self.excluded,
            self.counted,
            counted(self.arms, "arm"),
        )?;
        match self.unsuccessful {
            Some(n) => write!(f, "{n} unsuccessful")?,
            None => {
                let why = self.no_verdict.unwrap_or(NoVerdict::NotYet);
                write!(f, "unsuccessful: {why}")?;
            }
        }
        write!(f, ", {} hidden.", self.hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{ArmFigures, RunFigures};
    use crate::metric;
    use crate::spec::Experiment;

    /// Of `a` and `b`, the latter by 0.2 worse, at so many finished seeds.
    fn outcome(seeds: u64) -> Outcome {
        let spec = Experiment::from_text(
            "
name: t
question: q?
task: { name: modchain }
seeds: 5
budget: { unit: flops, amount: 1.0e+9 }
baseline: a
required_attempts: { prm: { not_run: Not asked here. }, mcts: { not_run: Not asked here. } }
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: a, policy: base }
  - { id: b, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
",
        )
        .unwrap_or_else(|v| panic!("{v}"));
        let arm = |id: &str, value: f64| ArmFigures {
            id: id.into(),
            label: id.into(),
            trains: true,
            planned_seeds: 5,
            runs: (0..seeds)
                .map(|seed| RunFigures {
                    seed,
                    charged: 1e9,
                    values: vec![(metric::PASS_AT_1.into(), value)],
                    excluded: false,
                })
                .collect(),
        };
        crate::outcome::outcome(&spec, &[arm("a", 0.5), arm("b", 0.3)], &[])
    }

    #[test]
    fn every_run_is_in_one_part_and_an_excluded_one_is_not_counted() {
        let run = |arm, fate, excluded| RunFate {
            arm,
            fate,
            excluded,
        };
        let of = denominator(
            [
                run("a", Fate::Done, false),
                run("a", Fate::Done, true),
                run("a", Fate::Crashed, true),
                run("b", Fate::Open, false),
                run("b", Fate::Cancelled, false),
                run("b", Fate::Done, false),
            ],
            &outcome(5),
            1,
        );
        assert_eq!(
            of.planned,
            of.done + of.crashed + of.cancelled + of.open,
            "{of:?}"
        );
        assert_eq!((of.done, of.counted, of.excluded, of.arms), (3, 2, 2, 2));
        assert_eq!(
            of.to_string(),
            "6 runs planned: 3 done, 1 crashed, 1 cancelled, 1 open; 2 excluded, 2 counted. \
             2 arms: 1 unsuccessful, 1 hidden."
        );
        assert_eq!(unsuccessful(&outcome(5), ["a", "b"]), Ok(vec!["b"]));
        assert_eq!(unsuccessful(&outcome(5), ["a"]), Ok(vec![]));
    }

    #[test]
    fn where_the_rule_has_not_spoken_there_is_no_zero_but_the_reason() {
        let run = RunFate {
            arm: "b",
            fate: Fate::Done,
            excluded: false,
        };
        // Too few seeds for the rule; then a required attempt is missing.
        let mut withheld = outcome(3);
        withheld.withheld = true;
        for (outcome, why, word) in [
            (outcome(3), NoVerdict::NotYet, "not_yet"),
            (withheld, NoVerdict::Withheld, "withheld"),
        ] {
            let of = denominator([run], &outcome, 0);
            assert_eq!((of.unsuccessful, of.no_verdict), (None, Some(why)));
            let said = of.to_string();
            assert!(
                said.contains(&format!("unsuccessful: {why}, 0 hidden")),
                "{said}"
            );
            assert!(said.contains("no verdict yet") && !said.contains("0 unsuccessful"));
            let json = serde_json::to_value(of).unwrap();
            assert!(json["unsuccessful"].is_null(), "{json}");
            assert_eq!(json["no_verdict"], word);
            assert_eq!(serde_json::from_value::<Denominator>(json).unwrap(), of);
        }
        let json = serde_json::to_value(denominator([run], &outcome(5), 0)).unwrap();
        assert_eq!(json["unsuccessful"], 1);
        assert!(json.get("no_verdict").is_none());
    }
}
