//! Texts that a judge has scored, as they are stored for looking at (artifacts of role
//! `judged`, gzipped JSON lines, one text a line), and how scores become one number.

use crate::rng::Uniform;
use crate::spec::search::Credit;
use crate::stats::Interval;
use serde::{Deserialize, Serialize};

/// Most texts in one file: the first of them, in the order of the data or of sampling.
pub const MOST_JUDGED: usize = 64;

/// One solution with its scores. Keys are only ever added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    pub prompt: String,
    pub gold: String,
    pub completion: String,
    pub ended: bool,
    /// By the exact verifier.
    pub correct: bool,
    /// One for each step; an outcome judge has one for the whole text.
    pub steps: Vec<JudgedStep>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedStep {
    pub text: String,
    /// The judge's probability that the step is right.
    pub score: f32,
    /// What the judge was taught to say, where the text comes from its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<f32>,
    /// By the exact verifier; `None` where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<bool>,
}

impl JudgedStep {
    /// The score stands on the other side of one half than the truth.
    pub fn disagrees(&self) -> bool {
        self.truth.is_some_and(|truth| (self.score >= 0.5) != truth)
    }
}

impl Judged {
    pub fn scores(&self) -> Vec<f32> {
        self.steps.iter().map(|s| s.score).collect()
    }

    /// Score and truth of the steps up to and with the first wrong one: beyond it "right"
    /// has two meanings.
    pub fn until_first_error(&self) -> Vec<(f32, bool)> {
        let mut out = vec![];
        for step in &self.steps {
            let Some(truth) = step.truth else { break };
            out.push((step.score, truth));
            if !truth {
                break;
            }
        }
        out
    }
}

/// Scores of steps to one number; a solution without steps has 0.
pub fn credit(scores: &[f32], how: Credit) -> f64 {
    let values = scores.iter().copied().map(f64::from);
    let Some(&last) = scores.last() else {
        return 0.0;
    };
    match how {
        Credit::Last => f64::from(last),
        Credit::Min => values.fold(f64::INFINITY, f64::min),
        Credit::Prod => values.product(),
        Credit::Mean => values.sum::<f64>() / scores.len() as f64,
        Credit::Sum => values.sum(),
    }
}

/// Pairs of a right and a wrong step of one problem: how many the judge has in order
/// (ties count half), how many there are, and the wrong steps in them.
fn pairs_of(steps: &[(f32, bool)]) -> (f64, f64, usize) {
    let rights: Vec<f32> = steps.iter().filter(|s| s.1).map(|s| s.0).collect();
    let wrongs: Vec<f32> = steps.iter().filter(|s| !s.1).map(|s| s.0).collect();
    if rights.is_empty() {
        return (0.0, 0.0, 0);
    }
    let (mut won, mut pairs) = (0.0, 0.0);
    for wrong in &wrongs {
        for right in &rights {
            pairs += 1.0;
            won += if right > wrong {
                1.0
            } else if right == wrong {
                0.5
            } else {
                0.0
            };
        }
    }
    (won, pairs, wrongs.len())
}

/// The chance that a right step of a problem is scored above a wrong one of the same
/// problem; pairs within problems only, for a pooled figure measures how hard
/// problems are. Returns (AUC, wrong steps that had a partner).
pub fn auc_within(problems: &[Vec<(f32, bool)>]) -> Option<(f64, usize)> {
    let (mut won, mut pairs, mut wrong_steps) = (0.0, 0.0, 0);
    for steps in problems {
        let (w, p, n) = pairs_of(steps);
        won += w;
        pairs += p;
        wrong_steps += n;
    }
    (pairs > 0.0).then(|| (won / pairs, wrong_steps))
}

/// Problems that have a part in [`auc_within`]: with a right and a wrong step.
pub fn with_pairs(problems: &[Vec<(f32, bool)>]) -> usize {
    problems.iter().filter(|p| pairs_of(p).1 > 0.0).count()
}

/// Fewest wrong steps for which an AUC of a judge is shown: fewer make none that could be read.
pub const MIN_WRONG_STEPS: usize = 50;
const RESAMPLES: u32 = 1_000;

/// The 95 % interval of [`auc_within`] by resampling problems, the judge being fixed.
/// `None` under [`MIN_WRONG_STEPS`].
pub fn auc_interval(problems: &[Vec<(f32, bool)>]) -> Option<Interval> {
    let parts: Vec<(f64, f64, usize)> = problems.iter().map(|p| pairs_of(p)).collect();
    let wrong: usize = parts.iter().map(|p| p.2).sum();
    if wrong < MIN_WRONG_STEPS {
        return None;
    }
    let uniform = Uniform::new(0, "auc-interval");
    let mut found: Vec<f64> = (0..RESAMPLES)
        .filter_map(|round| {
            let mut stream = uniform.stream(round, 0);
            let (mut won, mut pairs) = (0.0, 0.0);
            for _ in 0..parts.len() {
                let part = parts[stream.below(parts.len() as u32) as usize];
                won += part.0;
                pairs += part.1;
            }
            (pairs > 0.0).then(|| won / pairs)
        })
        .collect();
    found.sort_by(f64::total_cmp);
    let at = |share: f64| found.get((share * (found.len() - 1) as f64).round() as usize);
    Some(Interval {
        low: *at(0.025)?,
        high: *at(0.975)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_credit_agrees_with_its_definition() {
        let scores = [0.5, 0.25, 0.75];
        for (how, expected) in [
            (Credit::Last, 0.75),
            (Credit::Min, 0.25),
            (Credit::Prod, 0.093_75),
            (Credit::Mean, 0.5),
            (Credit::Sum, 1.5),
        ] {
            assert_eq!(credit(&scores, how), expected, "{how}");
            assert_eq!(credit(&[], how), 0.0, "{how}");
        }
    }

    #[test]
    fn auc_counts_pairs_within_problems_only() {
        // Problem 1: right .9 .4, wrong .5: one of two. Problem 2: all high, no wrong step.
        let problems = [
            vec![(0.9, true), (0.4, true), (0.5, false)],
            vec![(0.99, true)],
            vec![(0.01, false)],
        ];
        assert_eq!(auc_within(&problems), Some((0.5, 1)));
        assert_eq!(auc_within(&problems[1..]), None);
        assert_eq!((with_pairs(&problems), with_pairs(&problems[1..])), (1, 0));
    }

    #[test]
    fn an_auc_has_an_interval_from_fifty_wrong_steps_on_and_it_holds_the_value() {
        let problem = |i: usize| {
            let wrong = if i.is_multiple_of(4) { 0.9 } else { 0.2 };
            vec![(0.6, true), (wrong, false)]
        };
        let all: Vec<_> = (0..60).map(problem).collect();
        assert_eq!(auc_interval(&all[..49]), None);
        let (auc, interval) = (auc_within(&all).unwrap().0, auc_interval(&all).unwrap());
        assert_eq!(auc, 0.75);
        // Binomial: 0.75 +- 1.96 sqrt(.75 * .25 / 60) = 0.64..0.86.
        assert!((interval.low - 0.64).abs() < 0.03, "{interval:?}");
        assert!((interval.high - 0.86).abs() < 0.03, "{interval:?}");
        assert_eq!(auc_interval(&all), Some(interval), "the same every time");
    }

    #[test]
    fn a_step_beyond_the_first_error_or_without_a_truth_is_not_counted() {
        let step = |score, truth| JudgedStep {
            text: String::new(),
            score,
            label: None,
            truth,
        };
        let of = |steps| Judged {
            prompt: String::new(),
            gold: String::new(),
            completion: String::new(),
            ended: true,
            correct: false,
            steps,
        };
        let text = of(vec![
            step(0.9, Some(true)),
            step(0.7, Some(false)),
            step(0.1, Some(true)),
        ]);
        assert_eq!(text.until_first_error(), [(0.9, true), (0.7, false)]);
        assert!(text.steps[1].disagrees() && !text.steps[0].disagrees());
        assert!(of(vec![step(0.9, None)]).until_first_error().is_empty());
        assert!(!step(0.9, None).disagrees());
    }
}
