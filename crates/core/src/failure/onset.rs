//! Since when an arm stands as it does: read backwards from the last measurement, so that an
//! early dip which was made good is no onset. Description, chosen after the fact, and said only
//! where the last measurement bears it: its interval over seeds lies below zero.

use super::{BySeed, Measured, change};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// From the first step on.
    Start,
    Measured {
        /// Percentage of the arm's budget.
        milestone: u32,
        stage: String,
        /// Of that stage, the first and the last seed's.
        least: u64,
        most: u64,
    },
}

impl std::fmt::Display for Since {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.write_str("from the first step on"),
            Self::Measured {
                milestone,
                stage,
                least,
                most,
            } => {
                let steps = match least == most {
                    true => format!("step {least}"),
                    false => format!("steps {least} to {most}"),
                };
                write!(
                    f,
                    "from {steps} of {stage} on ({milestone} % of the budget)"
                )
            }
        }
    }
}

/// By milestone, each seed's accuracy.
type Points = BTreeMap<u32, BySeed<f64>>;

fn points(measured: &[Measured], arm: &str) -> Points {
    let mut all = Points::new();
    for m in measured.iter().filter(|m| m.arm == arm) {
        all.entry(m.milestone)
            .or_default()
            .insert(m.seed, m.pass_at_1);
    }
    all
}

/// Where a milestone was measured.
fn since(measured: &[Measured], arm: &str, milestone: u32) -> Since {
    let own = measured
        .iter()
        .filter(|m| m.arm == arm && m.milestone == milestone);
    let at: Vec<&(String, u64)> = own.filter_map(|m| m.at.as_ref()).collect();
    let steps = || at.iter().map(|(_, step)| *step);
    match (at.first(), steps().min(), steps().max()) {
        (Some((stage, _)), Some(least), Some(most)) => Since::Measured {
            milestone,
            stage: stage.clone(),
            least,
            most,
        },
        (_, _, _) => Since::Start,
    }
}

/// Since when the arm is behind another at the same share of the budget, where it is at the end:
/// the earliest milestone from which on the mean difference is never above zero again. The
/// other's value holds until its next measurement.
pub fn behind(measured: &[Measured], arm: &str, other: &str) -> Option<Since> {
    let (own, others) = (points(measured, arm), points(measured, other));
    let difference = |milestone: u32, values: &BySeed<f64>| {
        let (_, held) = others.range(..=milestone).next_back()?;
        change(held, values)
    };
    let (last, values) = own.last_key_value()?;
    if difference(*last, values)?.interval?.high >= 0.0 {
        return None;
    }
    let is_behind =
        |m: u32, values: &BySeed<f64>| difference(m, values).is_some_and(|d| d.mean < 0.0);
    let run = own.iter().rev().take_while(|(m, v)| is_behind(**m, v));
    let first = *run.last()?.0;
    // At 0 % they are what they start from; at the first milestone the first steps have done it.
    let begun = own.keys().copied().find(|m| *m > 0).unwrap_or(0);
    Some(match first <= begun {
        true => Since::Start,
        false => since(measured, arm, first),
    })
}

/// Since when the arm's own accuracy falls, where it ends below its highest: the milestone of the
/// highest mean.
pub fn falling(measured: &[Measured], arm: &str) -> Option<Since> {
    let own = points(measured, arm);
    let (last, end) = own.last_key_value()?;
    let complete = own.iter().filter(|(_, v)| v.len() == end.len());
    let sum = |v: &BySeed<f64>| v.values().sum::<f64>();
    // The first of equals.
    let peak = complete.fold(
        None,
        |best: Option<(u32, &BySeed<f64>)>, (m, v)| match best {
            Some((_, highest)) if sum(highest) >= sum(v) => best,
            Some(_) | None => Some((*m, v)),
        },
    );
    let (at, highest) = peak.filter(|(at, _)| at != last)?;
    let lost = change(highest, end)?.interval?;
    (lost.high < 0.0).then(|| since(measured, arm, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every tenth of the budget, ten steps apart; seeds differ by a hundredth.
    fn arm(name: &str, seeds: u64, values: &[f64]) -> Vec<Measured> {
        let of = |seed: u64| {
            (0_u32..).zip(values).map(move |(i, value)| Measured {
                arm: name.into(),
                seed,
                at: (i > 0).then(|| ("grpo".into(), u64::from(i) * 10 + seed)),
                milestone: i * 10,
                pass_at_1: value + 0.01 * seed as f64 * f64::from(i % 2 + 1),
            })
        };
        (0..seeds).flat_map(of).collect()
    }

    fn both(seeds: u64, own: &[f64], other: &[f64]) -> Option<Since> {
        let all = [arm("a", seeds, own), arm("b", seeds, other)].concat();
        behind(&all, "a", "b")
    }

    #[test]
    fn an_arm_is_behind_from_where_it_never_catches_up_again() {
        let steady = [0.3, 0.4, 0.5, 0.6, 0.7];
        // A dip at 10 % that was made good.
        let found = both(3, &[0.3, 0.2, 0.6, 0.3, 0.2], &steady).unwrap();
        let expected = Since::Measured {
            milestone: 30,
            stage: "grpo".into(),
            least: 30,
            most: 32,
        };
        assert_eq!(found, expected);
        assert_eq!(
            found.to_string(),
            "from steps 30 to 32 of grpo on (30 % of the budget)"
        );
        let found = both(3, &[0.3, 0.2, 0.2, 0.2, 0.2], &steady);
        assert_eq!(found, Some(Since::Start));
        assert_eq!(Since::Start.to_string(), "from the first step on");
        // Ahead or level at the end, or too few seeds to say.
        assert_eq!(both(3, &[0.3, 0.2, 0.2, 0.2, 0.9], &steady), None);
        assert_eq!(both(3, &steady, &steady), None);
        assert_eq!(both(2, &[0.3, 0.2, 0.2, 0.2, 0.2], &steady), None);
        assert_eq!(both(3, &[], &steady), None);
    }

    #[test]
    fn one_that_spends_nothing_keeps_its_value_at_every_cost() {
        let found = both(3, &[0.5, 0.6, 0.4, 0.3], &[0.5]).unwrap();
        assert!(
            matches!(found, Since::Measured { milestone: 20, .. }),
            "{found:?}"
        );
    }

    #[test]
    fn an_arm_falls_from_its_highest_measurement_on() {
        let found = falling(&arm("a", 3, &[0.3, 0.5, 0.8, 0.6, 0.4]), "a").unwrap();
        assert!(
            matches!(
                found,
                Since::Measured {
                    milestone: 20,
                    least: 20,
                    most: 22,
                    ..
                }
            ),
            "{found:?}"
        );
        assert_eq!(
            falling(&arm("a", 3, &[0.8, 0.5, 0.3]), "a"),
            Some(Since::Start)
        );
        assert_eq!(falling(&arm("a", 3, &[0.3, 0.5, 0.8]), "a"), None);
        assert_eq!(falling(&arm("a", 2, &[0.8, 0.5, 0.3]), "a"), None);
        // What is lost lies within what the seeds differ by.
        let close = falling(&arm("a", 3, &[0.3, 0.500, 0.495]), "a");
        assert_eq!(close, None);
        assert_eq!(falling(&[], "a"), None);
    }
}
