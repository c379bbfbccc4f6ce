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
    /// Arms that the registered rule calls so; `None` while its words are withheld.
    pub unsuccessful: Option<usize>,
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
    of.unsuccessful = (!outcome.withheld).then(|| {
        arms.iter()
            .filter(|arm| is_unsuccessful(outcome, arm))
            .count()
    });
    of
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
            None => f.write_str("unsuccessful: withheld")?,
        }
        write!(f, ", {} hidden.", self.hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(withheld: bool) -> Outcome {
        Outcome {
            metric: "m".into(),
            margin: 0.0,
            min_gain: 0.0,
            m: 0,
            contrasts: vec![],
            required_attempts: vec![],
            withheld,
        }
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
            &outcome(false),
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
             2 arms: 0 unsuccessful, 1 hidden."
        );
    }

    #[test]
    fn what_is_withheld_is_not_a_zero() {
        let of = denominator([], &outcome(true), 0);
        assert_eq!(of.unsuccessful, None);
        assert!(of.to_string().contains("unsuccessful: withheld"));
    }
}
