//! pass@k of several tries, and how far it would move: with other training seeds, with other
//! questions, or with both. Which of them a band is over stands in its type.

use crate::beyond::{Over, seeds_and_questions};
use crate::compare::Basis;
use crate::over_questions::{Method, of_shares};
use crate::questions::Shares;
use crate::spec::Budget;
use crate::stats::{Interval, mean, pass_at_k, t_interval};

const ALPHA: f64 = 0.05;

/// One arm's shares of right samples, seed by seed, and the samples that each is of.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    pub arm: &'a str,
    pub samples: u32,
    pub runs: &'a [(u64, Shares)],
}

/// pass@k of one arm at one k.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Tried {
    pub k: u32,
    /// Over all seeds and questions.
    pub mean: f64,
    pub interval: Option<Interval>,
    /// How that was found, where it is over questions alone.
    pub method: Option<Method>,
}

/// Made by [`tries`] alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Tries {
    basis: Basis,
    over: Over,
    questions: usize,
    arms: Vec<(String, Vec<Tried>)>,
}

impl Tries {
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    pub fn over(&self) -> Over {
        self.over
    }

    /// Of the first arm; all arms of an experiment are asked the same.
    pub fn questions(&self) -> usize {
        self.questions
    }

    /// Some interval was found so, or is missing for that.
    pub fn has(&self, method: Method) -> bool {
        let mut all = self.arms.iter().flat_map(|(_, own)| own);
        all.any(|tried| tried.method == Some(method))
    }

    /// Nothing of arms whose seeds did not all answer the same questions, or nobody any.
    pub fn of(&self, arm: &str, k: u32) -> Option<&Tried> {
        let (_, own) = self.arms.iter().find(|(key, _)| key == arm)?;
        own.iter().find(|tried| tried.k == k)
    }
}

/// At each of `ks` that an arm has samples for.
pub fn tries(budget: &Budget, arms: &[Answered<'_>], ks: &[u32], over: Over) -> Tries {
    let own = |of: &Answered<'_>| {
        let at: Vec<Tried> = ks.iter().filter_map(|k| tried(of, *k, over)).collect();
        (of.arm.to_string(), at)
    };
    let first = arms.iter().flat_map(|of| of.runs).next();
    Tries {
        basis: budget.into(),
        over,
        questions: first.map_or(0, |(_, shares)| shares.len()),
        arms: arms.iter().map(own).collect(),
    }
}

fn tried(of: &Answered<'_>, k: u32, over: Over) -> Option<Tried> {
    let (_, first) = of.runs.first().filter(|(_, shares)| !shares.is_empty())?;
    let mut cells: Vec<Vec<f64>> = vec![];
    for (_, shares) in of.runs {
        if !shares.keys().eq(first.keys()) {
            return None;
        }
        let row = shares.values().map(|share| of_share(*share, of.samples, k));
        cells.push(row.collect::<Option<Vec<f64>>>()?);
    }
    let seeds: Vec<f64> = cells.iter().map(|row| mean(row)).collect();
    let (interval, method) = match over {
        Over::Seeds => (t_interval(&seeds, ALPHA), None),
        Over::Questions => {
            let of_question = |q: usize| {
                let column: Vec<f64> = cells.iter().map(|row| row[q]).collect();
                mean(&column)
            };
            let questions: Vec<f64> = (0..first.len()).map(of_question).collect();
            let of = of_shares(&questions);
            (of.interval, Some(of.method))
        }
        Over::SeedsAndQuestions => (seeds_and_questions(&cells, ALPHA), None),
    };
    Some(Tried {
        k,
        mean: mean(&seeds),
        interval,
        method,
    })
}

/// pass@k of one question from the share of its samples that are right; `None` where that is no
/// whole number of them.
fn of_share(share: f64, samples: u32, k: u32) -> Option<f64> {
    let right = share * f64::from(samples);
    let whole = right.is_finite() && (right.round() - right).abs() < 1e-6;
    if !whole {
        return None;
    }
    pass_at_k(samples as usize, right.round() as usize, k as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::BudgetUnit;

    fn budget() -> Budget {
        Budget {
            unit: BudgetUnit::Tokens,
            amount: 1e6,
        }
    }

    /// Right answers of 4 by question.
    fn run(seed: u64, right: &[u32]) -> (u64, Shares) {
        let shares = right.iter().map(|c| f64::from(*c) / 4.0);
        (seed, (0..).zip(shares).collect())
    }

    fn of(runs: &[(u64, Shares)], over: Over) -> Tries {
        let arm = Answered {
            arm: "a",
            samples: 4,
            runs,
        };
        tries(&budget(), &[arm], &[1, 2, 4, 8], over)
    }

    #[test]
    fn the_mean_is_the_unbiased_estimate_whatever_the_band_is_over() {
        // 1 - C(2,2)/C(4,2) = 5/6 and 1 - C(3,2)/C(4,2) = 1/2.
        let runs = [run(0, &[2, 1]), run(1, &[2, 1]), run(2, &[2, 1])];
        for over in Over::ALL {
            let of = of(&runs, over);
            assert_eq!((of.over(), of.basis()), (over, &Basis::from(&budget())));
            let two = of.of("a", 2).unwrap();
            assert!((two.mean - (5.0 / 6.0 + 0.5) / 2.0).abs() < 1e-12);
            assert_eq!(of.of("a", 4).unwrap().mean, 1.0);
            // More tries than samples, and an arm that is not there.
            assert_eq!((of.of("a", 8), of.of("b", 1)), (None, None));
        }
    }

    #[test]
    fn seeds_that_agree_have_a_band_over_questions_and_none_over_seeds() {
        // Half of the questions always right, half never: the same in every seed.
        let half: Vec<u32> = (0..400).map(|i| 4 * (i % 2)).collect();
        let runs = [run(0, &half), run(1, &half), run(2, &half)];
        let width = |over| {
            let of = of(&runs, over);
            let interval = of.of("a", 2).unwrap().interval.unwrap();
            (interval.high - interval.low) / 2.0
        };
        assert_eq!(width(Over::Seeds), 0.0);
        // 1.96 x 0.5 / 20.
        assert!((width(Over::Questions) - 0.049).abs() < 0.005);
        assert!(width(Over::SeedsAndQuestions) > 0.04);
        // One seed is enough to draw questions again, and not for anything over seeds.
        let one = |over| of(&runs[..1], over).of("a", 2).unwrap().interval;
        assert!(one(Over::Questions).is_some() && one(Over::Seeds).is_none());
    }

    #[test]
    fn where_every_question_is_solved_the_band_over_questions_is_wilsons() {
        let runs = [run(0, &[3; 30]), run(1, &[4; 30])];
        let tries = of(&runs, Over::Questions);
        assert_eq!(tries.questions(), 30);
        // At one try every question has the same value between 0 and 1: nothing is known.
        let one = tries.of("a", 1).unwrap();
        assert_eq!((one.interval, one.method), (None, Some(Method::Alike)));
        // Of two answers one is always right.
        let two = tries.of("a", 2).unwrap();
        let interval = two.interval.unwrap();
        assert_eq!((two.mean, two.method), (1.0, Some(Method::Wilson)));
        assert!((interval.low - 0.886_5).abs() < 1e-4 && interval.high > 1.0 - 1e-9);
        assert!(tries.has(Method::Wilson) && tries.has(Method::Alike));
        assert!(!tries.has(Method::Bootstrap) && !of(&runs, Over::Seeds).has(Method::Alike));
    }

    #[test]
    fn other_questions_and_shares_of_other_samples_are_refused() {
        let mut other = [run(0, &[2, 1]), run(1, &[2, 1])];
        other[1].1.insert(9, 0.5);
        assert_eq!(of(&other, Over::Questions).of("a", 1), None);
        let mut thirds = [run(0, &[2, 1])];
        thirds[0].1.insert(0, 1.0 / 3.0);
        assert_eq!(of(&thirds, Over::Questions).of("a", 1), None);
        thirds[0].1.insert(0, f64::NAN);
        assert_eq!(of(&thirds, Over::Questions).of("a", 1), None);
        assert_eq!(of(&[], Over::Questions).of("a", 1), None);
    }
}
