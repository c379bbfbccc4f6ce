//! How far a number would move with other training seeds, with other questions, and with both.
//!
//! Everything else on a page is over seeds and holds for the questions that were asked. A claim
//! beyond them takes both as drawn by chance: cells of seed x question, analysed in two ways, with
//! variance max(MS_seed, MS_seed + MS_question - MS_rest) / (seeds x questions) and Student's t of
//! (seeds - 1) degrees of freedom. Where questions carry most of it, that is cautious: the interval
//! is wider than it would have to be. Over questions alone the trained models are held as they
//! are ([`over_questions`](crate::over_questions)).

use crate::compare::Basis;
use crate::metric;
use crate::over_questions::{ALIKE, Method, of_differences, of_shares};
use crate::questions::Shares;
use crate::spec::Budget;
use crate::stats::{Interval, MIN_SEEDS_INTERVAL, mean, mean_squares, t_critical, t_interval};
use serde::{Deserialize, Serialize};

const ALPHA: f64 = 0.05;

/// What is thought of as drawn by chance, and so what an interval speaks of. Never two of
/// them in one number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// On these questions.
    #[default]
    Seeds,
    /// Of these trained models.
    Questions,
    SeedsAndQuestions,
}

impl Over {
    pub const ALL: [Self; 3] = [Self::Seeds, Self::Questions, Self::SeedsAndQuestions];
}

impl std::fmt::Display for Over {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Seeds => "seeds",
            Self::Questions => "questions",
            Self::SeedsAndQuestions => "seeds and questions",
        })
    }
}

/// The 1 - `alpha` interval of the mean over all cells, rows being seeds and columns questions,
/// where both are drawn by chance. `None` under three seeds or two questions, and where the
/// variance is estimated as nothing: an interval without a width would be certain of questions
/// that nobody has asked.
pub fn seeds_and_questions(cells: &[Vec<f64>], alpha: f64) -> Option<Interval> {
    let n = cells.len();
    let of = mean_squares(cells).filter(|_| n >= MIN_SEEDS_INTERVAL)?;
    let all = (n * cells[0].len()) as f64;
    let variance = of.rows.max(of.rows + of.columns - of.rest) / all;
    let half = t_critical(n - 1, alpha) * variance.sqrt();
    (half > ALIKE).then_some(Interval {
        low: of.mean - half,
        high: of.mean + half,
    })
}

/// A mean with its interval over each.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Spread {
    /// Seeds.
    pub n: usize,
    /// 0 where it was not written down.
    #[serde(default)]
    pub questions: usize,
    pub mean: f64,
    pub over_seeds: Option<Interval>,
    pub over_questions: Option<Interval>,
    /// How that was found, or why there is none.
    #[serde(default)]
    pub over_questions_by: Method,
    pub over_seeds_and_questions: Option<Interval>,
}

/// What the cells of a table are.
#[derive(Debug, Clone, Copy)]
enum Cells {
    Shares,
    Differences,
}

impl Spread {
    pub fn interval(&self, over: Over) -> Option<Interval> {
        match over {
            Over::Seeds => self.over_seeds,
            Over::Questions => self.over_questions,
            Over::SeedsAndQuestions => self.over_seeds_and_questions,
        }
    }

    /// Why there is no interval where questions are drawn by chance; `None` where there is one,
    /// and where it is for want of seeds.
    pub fn without(&self, over: Over) -> Option<String> {
        let few = match self.questions {
            1 => Some("no interval: 1 question".to_string()),
            _ => None,
        };
        match over {
            Over::Seeds => None,
            Over::Questions => match self.over_questions_by {
                Method::Bootstrap | Method::Wilson => None,
                Method::Alike => Some("no interval: all questions alike".into()),
                Method::TooFew => few,
            },
            Over::SeedsAndQuestions => {
                let is_asked = self.over_seeds_and_questions.is_none();
                let is_asked = is_asked && self.n >= MIN_SEEDS_INTERVAL;
                let flat = || "no interval: the estimated variance is 0".to_string();
                is_asked.then(|| few.unwrap_or_else(flat))
            }
        }
    }

    fn new(cells: &[Vec<f64>], of: Cells) -> Self {
        let seeds: Vec<f64> = cells.iter().map(|row| mean(row)).collect();
        let questions = cells.first().map_or(0, Vec::len);
        let of_question = |q: usize| {
            let column: Vec<f64> = cells.iter().map(|row| row[q]).collect();
            mean(&column)
        };
        let of_questions: Vec<f64> = (0..questions).map(of_question).collect();
        let over_questions = match of {
            Cells::Shares => of_shares(&of_questions),
            Cells::Differences => of_differences(&of_questions),
        };
        Self {
            n: seeds.len(),
            questions,
            mean: mean(&seeds),
            over_seeds: t_interval(&seeds, ALPHA),
            over_questions: over_questions.interval,
            over_questions_by: over_questions.method,
            over_seeds_and_questions: seeds_and_questions(cells, ALPHA),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BeyondRow {
    pub arm: String,
    pub value: Spread,
    /// Arm minus baseline, cell by cell; `None` of the baseline, and where they have no seed or
    /// not every question in common.
    pub difference: Option<Spread>,
}

/// pass@1 of the arms, with how far it would move. Made by [`beyond`] alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beyond {
    basis: Basis,
    pub metric: String,
    pub baseline: String,
    /// Of the first arm; all arms of an experiment are asked the same.
    pub questions: usize,
    pub rows: Vec<BeyondRow>,
}

impl Beyond {
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
}

/// Seeds in rows, questions in columns.
struct Grid<'a> {
    runs: Vec<&'a (u64, Shares)>,
}

impl<'a> Grid<'a> {
    /// `None` where the seeds did not all answer the same questions, or nobody any.
    fn new(runs: &'a [(u64, Shares)]) -> Option<Self> {
        let (_, first) = runs.first().filter(|(_, shares)| !shares.is_empty())?;
        let same = |(_, shares): &(u64, Shares)| shares.keys().eq(first.keys());
        runs.iter().all(same).then(|| Self {
            runs: runs.iter().collect(),
        })
    }

    fn cells(&self) -> Vec<Vec<f64>> {
        let rows = self.runs.iter().map(|run| run.1.values().copied());
        rows.map(Iterator::collect).collect()
    }

    /// Over the seeds that both have; `None` of other questions.
    fn less(&self, other: &Self) -> Option<Vec<Vec<f64>>> {
        let mut cells = vec![];
        for (seed, own) in self.runs.iter().copied() {
            let Some((_, against)) = other.runs.iter().find(|run| run.0 == *seed) else {
                continue;
            };
            if !own.keys().eq(against.keys()) {
                return None;
            }
            let pairs = own.values().zip(against.values());
            cells.push(pairs.map(|(a, b)| a - b).collect());
        }
        (!cells.is_empty()).then_some(cells)
    }
}

/// Of every arm whose seeds all answered the same questions; `None` where there is none.
pub fn beyond(
    budget: &Budget,
    baseline: &str,
    arms: &[(String, Vec<(u64, Shares)>)],
) -> Option<Beyond> {
    let grids: Vec<(&str, Grid<'_>)> = arms
        .iter()
        .filter_map(|(arm, runs)| Some((arm.as_str(), Grid::new(runs)?)))
        .collect();
    let (_, first) = grids.first()?;
    let reference = grids.iter().find(|(arm, _)| *arm == baseline);
    let rows = grids.iter().map(|(arm, grid)| BeyondRow {
        arm: (*arm).to_string(),
        value: Spread::new(&grid.cells(), Cells::Shares),
        difference: reference
            .filter(|(baseline, _)| baseline != arm)
            .and_then(|(_, other)| grid.less(other))
            .map(|cells| Spread::new(&cells, Cells::Differences)),
    });
    Some(Beyond {
        basis: budget.into(),
        metric: metric::PASS_AT_1.into(),
        baseline: baseline.into(),
        questions: first.runs[0].1.len(),
        rows: rows.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::BudgetUnit;
    use crate::stats::variance;
    use proptest::prelude::*;

    fn half(of: Option<Interval>) -> f64 {
        let of = of.unwrap();
        (of.high - of.low) / 2.0
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn both_sources_match_a_table_worked_by_hand() {
        // Rows 0, 0.5 and 1 and no rest: MS_seed = 4 x 0.25, MS_question = 3 x 0.05 / 3.
        let cells: Vec<Vec<f64>> = [0.0, 0.5, 1.0]
            .map(|row| [-0.15, -0.05, 0.05, 0.15].map(|q: f64| row + q).to_vec())
            .to_vec();
        let of = seeds_and_questions(&cells, 0.05).unwrap();
        let expected = 4.302_652_73 * ((1.0 + 0.05) / 12.0_f64).sqrt();
        assert!((half(Some(of)) - expected).abs() < 1e-6, "{of:?}");
        assert!(close((of.low + of.high) / 2.0, 0.5));
        // Two seeds, one question: nothing is said.
        assert_eq!(seeds_and_questions(&cells[..2], 0.05), None);
        let single = [vec![0.1], vec![0.2], vec![0.3]];
        assert_eq!(seeds_and_questions(&single, 0.05), None);
    }

    fn shares(values: &[f64]) -> Shares {
        (0..).zip(values.iter().copied()).collect()
    }

    #[test]
    fn arms_are_paired_by_seed_and_question_and_other_questions_are_refused() {
        let budget = Budget {
            unit: BudgetUnit::Tokens,
            amount: 1e6,
        };
        let runs = |shift: f64| -> Vec<(u64, Shares)> {
            let of = |seed: u64| shares(&[0.1, 0.3, 0.5].map(|q| q + shift + seed as f64 * 0.1));
            (0..3).map(|seed| (seed, of(seed))).collect()
        };
        let mut other = runs(0.0);
        for (_, shares) in &mut other {
            shares.insert(99, 1.0);
        }
        let mut uneven = runs(0.0);
        uneven[1].1.remove(&0);
        let arms = [
            ("base".to_string(), runs(0.0)),
            ("grpo".to_string(), runs(0.25)),
            ("other".to_string(), other),
            ("uneven".to_string(), uneven),
        ];
        let of = beyond(&budget, "base", &arms).unwrap();
        assert_eq!(of.basis(), &Basis::from(&budget));
        assert_eq!((of.questions, of.rows.len()), (3, 3));
        assert_eq!((of.rows[0].difference, of.rows[2].difference), (None, None));
        let difference = of.rows[1].difference.unwrap();
        // Every cell differs alike: nothing is left of either luck, and of other questions
        // nothing is known.
        assert!(close(difference.mean, 0.25) && difference.n == 3);
        assert!(half(difference.over_seeds) < 1e-9);
        assert_eq!(difference.over_questions_by, Method::Alike);
        for (over, why) in [
            (Over::Questions, "no interval: all questions alike"),
            (
                Over::SeedsAndQuestions,
                "no interval: the estimated variance is 0",
            ),
        ] {
            assert_eq!(difference.interval(over), None, "{over}");
            assert_eq!(difference.without(over).as_deref(), Some(why));
        }
        assert!(close(of.rows[0].value.mean, 0.4));
        assert!(half(of.rows[0].value.over_seeds) > 0.2);
        assert_eq!(beyond(&budget, "base", &[]), None);
        let json = serde_json::to_value(&of).unwrap();
        assert_eq!(json["basis"]["unit"], "tokens");
        assert_eq!(serde_json::from_value::<Beyond>(json).unwrap(), of);
    }

    #[test]
    fn two_seeds_have_an_interval_over_questions_alone() {
        let cells = [vec![0.0, 0.5, 1.0, 0.5], vec![0.1, 0.6, 0.9, 0.5]];
        let of = Spread::new(&cells, Cells::Shares);
        assert_eq!((of.over_seeds, of.over_seeds_and_questions), (None, None));
        assert!(of.over_questions.is_some() && of.questions == 4);
        for over in Over::ALL {
            assert_eq!(of.without(over), None, "{over}");
        }
    }

    #[test]
    fn where_every_answer_is_right_no_interval_over_questions_is_without_a_width() {
        let same = |value: f64, questions: usize| vec![vec![value; questions]; 3];
        let of = Spread::new(&same(1.0, 30), Cells::Shares);
        let over = of.over_questions.unwrap();
        assert_eq!(of.over_questions_by, Method::Wilson);
        assert!((over.low - 0.886_5).abs() < 1e-4 && over.high > 1.0 - 1e-9);
        assert_eq!(of.over_seeds_and_questions, None);
        assert!(of.without(Over::SeedsAndQuestions).is_some());
        assert_eq!(of.without(Over::Questions), None);
        // Two arms that are both always right differ by nothing on these questions, and that is
        // no share of anything.
        let of = Spread::new(&same(0.0, 30), Cells::Differences);
        let none = (None, Method::Alike);
        assert_eq!((of.over_questions, of.over_questions_by), none);
        // One question.
        let of = Spread::new(&same(1.0, 1), Cells::Shares);
        for over in [Over::Questions, Over::SeedsAndQuestions] {
            assert_eq!(of.without(over).as_deref(), Some("no interval: 1 question"));
        }
        // What an older server wrote says neither how nor of how many.
        let old = r#"{"n":3,"mean":0.5,"over_seeds":null,"over_questions":null,"over_seeds_and_questions":null}"#;
        let old: Spread = serde_json::from_str(old).unwrap();
        assert_eq!(old.over_questions_by, Method::Bootstrap);
    }

    proptest! {
        #[test]
        fn both_sources_are_never_narrower_than_seeds_alone(
            cells in prop::collection::vec(prop::collection::vec(0.0_f64..1.0, 6), 3..6),
        ) {
            let of = Spread::new(&cells, Cells::Shares);
            let both = half(of.over_seeds_and_questions);
            prop_assert!(both >= half(of.over_seeds) - 1e-9);
        }

        #[test]
        fn where_seeds_differ_by_a_constant_the_variances_add(
            question in prop::collection::vec(0.0_f64..1.0, 5),
            seed in prop::collection::vec(0.0_f64..1.0, 4),
        ) {
            let cells: Vec<Vec<f64>> = seed
                .iter()
                .map(|s| question.iter().map(|q| s + q).collect())
                .collect();
            let sum = variance(&seed).unwrap() / 4.0 + variance(&question).unwrap() / 5.0;
            let both = half(seeds_and_questions(&cells, 0.05));
            prop_assert!((both - t_critical(3, 0.05) * sum.sqrt()).abs() < 1e-9);
        }
    }
}
