//! Two policies on the same questions: how often one, the other, or neither is ahead.

use serde::Serialize;
use std::collections::BTreeMap;

/// Share of right samples by question, of one run.
pub type Shares = BTreeMap<u64, f64>;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub wins: usize,
    pub losses: usize,
    pub ties: usize,
}

/// Why there is no tally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    NoSeedInCommon,
    /// Not the same questions: one axis for both would compare exams, not policies.
    OtherQuestions,
}

/// Shares are means over the seeds that both have; a difference under a rounding is a tie.
pub fn tally(own: &[(u64, Shares)], other: &[(u64, Shares)]) -> Result<Tally, Refused> {
    let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
    let mut seeds = 0;
    for (seed, shares) in own {
        let Some((_, against)) = other.iter().find(|(s, _)| s == seed) else {
            continue;
        };
        if !shares.keys().eq(against.keys()) {
            return Err(Refused::OtherQuestions);
        }
        seeds += 1;
        for (question, share) in shares {
            *sums.entry(*question).or_default() += share - against[question];
        }
    }
    if seeds == 0 {
        return Err(Refused::NoSeedInCommon);
    }
    let mut of = Tally::default();
    for sum in sums.into_values() {
        match sum {
            s if s > 1e-9 => of.wins += 1,
            s if s < -1e-9 => of.losses += 1,
            _ => of.ties += 1,
        }
    }
    Ok(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u64, shares: &[(u64, f64)]) -> (u64, Shares) {
        (seed, shares.iter().copied().collect())
    }

    #[test]
    fn wins_losses_and_ties_are_counted_over_the_seeds_in_common() {
        let own = [
            run(0, &[(1, 1.0), (2, 0.0), (3, 0.5)]),
            run(1, &[(1, 0.5), (2, 0.5), (3, 0.5)]),
            run(9, &[(1, 0.0), (2, 0.0), (3, 0.0)]),
        ];
        let other = [
            run(0, &[(1, 0.0), (2, 1.0), (3, 1.0)]),
            run(1, &[(1, 0.5), (2, 0.25), (3, 0.0)]),
        ];
        assert_eq!(
            tally(&own, &other),
            Ok(Tally {
                wins: 1,
                losses: 1,
                ties: 1
            })
        );
    }

    #[test]
    fn other_questions_and_other_seeds_are_refused() {
        let own = [run(0, &[(1, 1.0)])];
        assert_eq!(
            tally(&own, &[run(0, &[(2, 1.0)])]),
            Err(Refused::OtherQuestions)
        );
        assert_eq!(
            tally(&own, &[run(0, &[(1, 1.0), (2, 1.0)])]),
            Err(Refused::OtherQuestions)
        );
        assert_eq!(
            tally(&own, &[run(5, &[(1, 1.0)])]),
            Err(Refused::NoSeedInCommon)
        );
    }
}
