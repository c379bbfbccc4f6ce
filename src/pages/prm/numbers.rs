//! What all texts of a file say of their judge.

use super::{Read, standing, word};
use crate::number::{self, Kind};
use crate::pages::calibrated::{Calibrated, calibrated};
use assay_core::calibration::{calibration, expected_error};
use assay_core::judged::{Judged, MIN_WRONG_STEPS, auc_interval, auc_within, with_pairs};
use assay_core::spec::search::Credit;
use std::collections::BTreeMap;

pub(super) struct Numbers {
    pub auc: String,
    pub picks: Option<String>,
    /// Nothing where no step of the texts has a truth to be held against.
    pub scores: Option<Calibrated>,
}

/// Steps of each problem up to the first error of each text.
fn by_problem(all: &[Read]) -> Vec<Vec<(f32, bool)>> {
    let mut problems: BTreeMap<&str, Vec<(f32, bool)>> = BTreeMap::new();
    for text in all.iter().flatten() {
        problems
            .entry(&text.prompt)
            .or_default()
            .extend(text.until_first_error());
    }
    problems.into_values().collect()
}

/// Scores of steps against the exact verifier, up to each text's first error.
pub(super) fn scores(all: &[Read]) -> Option<Calibrated> {
    let bins = calibration(pairs(all));
    let error = expected_error(&bins).map_or(number::NONE.into(), |e| number::fixed(e, 3));
    let mut caption = format!(
        "Scores of the steps of all texts of this file against the exact verifier, up to each text's first error; expected calibration error {error}"
    );
    let no_numbers = pairs(all).filter(|(score, _)| score.is_nan()).count();
    if no_numbers > 0 {
        let steps = number::counted(no_numbers as i64, "step");
        caption += &format!(". {steps} not counted: the score is not a number");
    }
    let words = ["Mean score", "Right", "Steps"];
    calibrated(&bins, "Scores of steps", words, caption)
}

fn pairs(all: &[Read]) -> impl Iterator<Item = (f64, bool)> {
    all.iter()
        .flatten()
        .flat_map(Judged::until_first_error)
        .map(|(score, truth)| (f64::from(score), truth))
}

impl Numbers {
    /// `None` where there is nothing to say.
    pub fn new(all: &[Read], how: Credit) -> Option<Self> {
        all.iter().flatten().next()?;
        let problems = by_problem(all);
        Some(Self {
            auc: auc(&problems),
            picks: picks(all, how),
            scores: scores(all),
        })
    }
}

/// With its interval and what stands behind it; none where that is too little to be read.
fn auc(problems: &[Vec<(f32, bool)>]) -> String {
    let Some((auc, wrong)) = auc_within(problems) else {
        return "No problem has both right and wrong steps: no AUC.".into();
    };
    let behind = format!(
        "{} with a right step beside them in {}",
        number::counted(wrong as i64, "wrong step"),
        number::counted(with_pairs(problems) as i64, "problem")
    );
    match auc_interval(problems) {
        Some(interval) => format!(
            "AUC within problems {} ({}, problems resampled), from {behind}.",
            number::fixed(auc, 3),
            number::interval(Kind::Share, &interval)
        ),
        None => format!(
            "No AUC within problems: it would rest on {behind}, and under {MIN_WRONG_STEPS} wrong steps none is shown."
        ),
    }
}

/// How well the judge picks among the texts of a problem, beside chance.
fn picks(all: &[Read], how: Credit) -> Option<String> {
    // Right ones among the texts at the top of each problem, and among all of it.
    let mut problems: BTreeMap<&str, [f64; 4]> = BTreeMap::new();
    for (at, text) in all.iter().enumerate() {
        let Ok(text) = text else { continue };
        let correct = f64::from(u8::from(text.correct));
        let sums = problems.entry(&text.prompt).or_default();
        sums[2] += correct;
        sums[3] += 1.0;
        if standing(all, at, how).is_some_and(|(place, _)| place == 1) {
            sums[0] += correct;
            sums[1] += 1.0;
        }
    }
    let several: Vec<[f64; 4]> = problems.into_values().filter(|s| s[3] > 1.0).collect();
    if several.is_empty() {
        return None;
    }
    let n = several.len() as f64;
    let picked = several.iter().map(|s| s[0] / s[1].max(1.0)).sum::<f64>() / n;
    let chance = several.iter().map(|s| s[2] / s[3]).sum::<f64>() / n;
    Some(format!(
        "Picked by {}: right in {} of {} with several texts (ties shared); a text taken at random would be right in {}.",
        word(how),
        number::fixed(picked, 3),
        number::counted(several.len() as i64, "problem"),
        number::fixed(chance, 3)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::judged::JudgedStep;

    fn text(prompt: &str, correct: bool, steps: &[(f32, bool)]) -> Read {
        Ok(Judged {
            prompt: prompt.into(),
            gold: "1".into(),
            completion: "…".into(),
            ended: true,
            correct,
            steps: steps
                .iter()
                .map(|(score, truth)| JudgedStep {
                    text: "a;".into(),
                    score: *score,
                    label: None,
                    truth: Some(*truth),
                })
                .collect(),
        })
    }

    #[test]
    fn what_is_picked_depends_on_the_reduction() {
        let all = vec![
            text("1+1=", false, &[(0.5, true), (0.9, false)]),
            text("1+1=", true, &[(0.8, true), (0.7, true)]),
            text("2+2=", true, &[(0.9, true)]),
        ];
        let by = |how| picks(&all, how).unwrap();
        assert!(by(Credit::Min).contains("right in 1.000 of 1 problem"));
        assert!(by(Credit::Last).contains("right in 0.000 of 1 problem"));
        assert!(by(Credit::Last).contains("would be right in 0.500"));
        assert_eq!(standing(&all, 0, Credit::Last), Some((1, 2)));
        assert_eq!(standing(&all, 0, Credit::Min), Some((2, 2)));
        assert_eq!(picks(&all[2..], Credit::Min), None);
    }

    #[test]
    fn only_problems_with_a_right_and_a_wrong_step_are_counted_behind_the_auc() {
        let all = vec![
            text("1+1=", false, &[(0.9, true), (0.4, false)]),
            text("2+2=", true, &[(0.9, true)]),
            text("3+3=", false, &[(0.1, false)]),
        ];
        let said = Numbers::new(&all, Credit::Min).unwrap().auc;
        let behind = "rest on 1 wrong step with a right step beside them in 1 problem,";
        assert!(said.contains(behind), "{said}");
    }

    #[test]
    fn an_auc_is_shown_from_fifty_wrong_steps_on_and_with_its_interval() {
        let all: Vec<Read> = (0..50)
            .map(|i| text(&format!("{i}+1="), false, &[(0.9, true), (0.4, false)]))
            .collect();
        let said = |all: &[Read]| Numbers::new(all, Credit::Min).unwrap().auc;
        assert_eq!(
            said(&all),
            "AUC within problems 1.000 ([1.000, 1.000], problems resampled), from 50 wrong steps with a right step beside them in 50 problems."
        );
        assert_eq!(
            said(&all[1..]),
            "No AUC within problems: it would rest on 49 wrong steps with a right step beside them in 49 problems, and under 50 wrong steps none is shown."
        );
    }

    #[test]
    fn a_score_that_is_no_number_is_said() {
        let steps = [(0.9, true), (f32::NAN, true), (0.4, false)];
        let all = vec![text("1+1=", false, &steps)];
        let said = scores(&all).unwrap().caption;
        assert!(
            said.ends_with(". 1 step not counted: the score is not a number"),
            "{said}"
        );
    }

    #[test]
    fn every_bin_says_how_many_steps_it_rests_on() {
        let all = vec![text(
            "1+1=",
            true,
            &[(0.95, true), (0.15, false), (0.5, true)],
        )];
        let of = scores(&all).unwrap();
        assert_eq!(of.svg.matches("class=\"cal\"").count(), 2);
        let counts: Vec<String> = of.rows.iter().map(|b| b.count.clone()).collect();
        // The step after the first error is not counted.
        assert_eq!(counts[1], "1");
        assert_eq!(counts[9], "1");
        assert_eq!(counts[5], "0");
        let n = Numbers::new(&all, Credit::Min).unwrap();
        assert!(n.auc.starts_with("No AUC within problems: "), "{}", n.auc);
        assert!(Numbers::new(&[Err("broken".into())], Credit::Min).is_none());
    }
}
