//! The frontier of cost and value, and how sure it is who stands on it.

use crate::rng::Uniform;
use crate::stats::MIN_SEEDS_INTERVAL;

/// Times that the seeds are drawn again.
pub const DRAWS: u32 = 400;

/// One seed's measured points with the mark that they belong to, ascending in both.
#[derive(Debug, Clone, PartialEq)]
pub struct Marked {
    pub seed: u64,
    /// Mark, cost, value.
    pub points: Vec<(f64, f64, f64)>,
}

/// Of points (cost, value), those that no other beats: none is as cheap and higher, or as
/// high and cheaper. Ascending in both. What is not finite has no place.
pub fn pareto(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f64, f64)> = points
        .iter()
        .copied()
        .filter(|p| p.0.is_finite() && p.1.is_finite())
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut out: Vec<(f64, f64)> = vec![];
    for point in sorted {
        if out.last().is_none_or(|best| point.1 > best.1) {
            out.push(point);
        }
    }
    out
}

/// In how many draws of the seeds an arm is on the frontier.
#[derive(Debug, Clone, PartialEq)]
pub struct Membership {
    /// Seeds that were drawn from.
    pub n: usize,
    pub draws: u32,
    /// Of the draws, in the order of the arms.
    pub shares: Vec<f64>,
}

/// Who is on the frontier is as uncertain as the means are: in how many draws of the seeds
/// with replacement, the same for all arms, some mark of an arm is on it. What costs
/// nothing is where all of them begin, and counts for none. The same seeds have the same
/// shares. `None` under three seeds; of few, draws know only the few values that there are.
pub fn membership(arms: &[Vec<Marked>]) -> Option<Membership> {
    let mut ids: Vec<u64> = arms.iter().flatten().map(|s| s.seed).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < MIN_SEEDS_INTERVAL {
        return None;
    }
    let n = u32::try_from(ids.len()).ok()?;
    let own: Vec<Vec<BySeed>> = arms.iter().map(|own| by_mark(own, &ids)).collect();
    let mut stream = Uniform::new(0, "frontier").stream(0, n);
    let mut on = vec![0_u32; arms.len()];
    let mut points: Vec<(usize, f64, f64)> = vec![];
    for _ in 0..DRAWS {
        let drawn: Vec<usize> = (0..n).map(|_| stream.below(n) as usize).collect();
        let mean = |at: &BySeed| {
            let got = drawn.iter().filter_map(|i| at[*i]);
            let sum = got.fold((0.0, 0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1, s.2 + 1.0));
            (sum.2 > 0.0).then(|| (sum.0 / sum.2, sum.1 / sum.2))
        };
        points.clear();
        for (arm, marks) in own.iter().enumerate() {
            let means = marks.iter().filter_map(mean);
            points.extend(means.map(|(cost, value)| (arm, cost, value)));
        }
        // As `pareto` goes through them; of equal points each is on it.
        points.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(b.2.total_cmp(&a.2)));
        let mut is_on = vec![false; arms.len()];
        let mut best: Option<(f64, f64)> = None;
        for (arm, cost, value) in &points {
            if best.is_none_or(|(_, highest)| *value > highest) {
                best = Some((*cost, *value));
            }
            is_on[*arm] |= *cost > 0.0 && best == Some((*cost, *value));
        }
        for (count, own) in on.iter_mut().zip(is_on) {
            *count += u32::from(own);
        }
    }
    let share = |count: u32| f64::from(count) / f64::from(DRAWS);
    Some(Membership {
        n: ids.len(),
        draws: DRAWS,
        shares: on.into_iter().map(share).collect(),
    })
}

/// Cost and value at one mark, a place a seed.
type BySeed = Vec<Option<(f64, f64)>>;

fn by_mark(own: &[Marked], ids: &[u64]) -> Vec<BySeed> {
    let mut marks: Vec<f64> = own.iter().flat_map(|s| &s.points).map(|p| p.0).collect();
    marks.sort_by(f64::total_cmp);
    marks.dedup();
    let at = |mark: f64, id: u64| {
        let points = own.iter().filter(|s| s.seed == id).flat_map(|s| &s.points);
        let mut found = points.filter(|p| p.0 == mark && p.1.is_finite() && p.2.is_finite());
        found.next_back().map(|p| (p.1, p.2))
    };
    marks
        .iter()
        .map(|mark| ids.iter().map(|id| at(*mark, *id)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nothing_beats_is_on_the_frontier() {
        let points = [
            (3.0, 0.5),
            (1.0, 0.4),
            (2.0, 0.3),
            (3.0, 0.9),
            (9.0, 0.9),
            (0.0, f64::NAN),
        ];
        assert_eq!(pareto(&points), [(1.0, 0.4), (3.0, 0.9)]);
        assert_eq!(pareto(&[]), []);
    }

    /// An arm that begins at no cost and ends at `cost`, a value a seed.
    fn arm(cost: f64, values: &[f64]) -> Vec<Marked> {
        let seed = |(seed, value): (u64, &f64)| Marked {
            seed,
            points: vec![(0.0, 0.0, 0.1), (100.0, cost, *value)],
        };
        (0..).zip(values).map(seed).collect()
    }

    #[test]
    fn a_dominated_arm_is_on_it_in_no_draw_and_where_it_began_counts_for_none() {
        let mut arms = vec![
            arm(5.0, &[0.8, 0.8, 0.8]),
            arm(5.0, &[0.4, 0.5, 0.6]),
            arm(2.0, &[0.5, 0.5, 0.5]),
        ];
        let of = membership(&arms).unwrap();
        assert_eq!((of.n, of.draws), (3, DRAWS));
        assert_eq!(of.shares, [1.0, 0.0, 1.0]);
        // One that spends nothing and lies above all of them: nothing else is left on it.
        let free = |seed| Marked {
            seed,
            points: vec![(0.0, 0.0, 0.9)],
        };
        arms.push((0..3).map(free).collect());
        assert_eq!(membership(&arms).unwrap().shares, [0.0; 4]);
    }

    #[test]
    fn identical_arms_stand_on_it_together() {
        let values = [0.3, 0.6, 0.9, 0.2];
        let of = membership(&[arm(5.0, &values), arm(5.0, &values)]).unwrap();
        assert_eq!(of.shares, [1.0, 1.0]);
    }

    #[test]
    fn one_seed_or_two_give_no_draws() {
        assert_eq!(membership(&[arm(5.0, &[0.5])]), None);
        assert_eq!(membership(&[arm(5.0, &[0.5, 0.7]), arm(2.0, &[0.1])]), None);
        assert_eq!(membership(&[]), None);
    }

    #[test]
    fn a_share_is_near_to_what_is_computed_by_hand() {
        // One lucky seed of three: at the same cost its mean is above 0.5 where the lucky
        // one is drawn twice or more, in 3 x 2/27 + 1/27 = 7/27 of all draws.
        let arms = [arm(5.0, &[0.5; 3]), arm(5.0, &[0.0, 1.0, 0.0])];
        let of = membership(&arms).unwrap();
        assert!((of.shares[1] - 7.0 / 27.0).abs() < 0.09, "{of:?}");
        // One of the two in every draw, since their means never tie.
        assert!((of.shares[0] + of.shares[1] - 1.0).abs() < 1e-12, "{of:?}");
        assert_eq!(membership(&arms), Some(of));
    }

    #[test]
    fn what_is_not_finite_has_no_part_in_a_draw() {
        let arms = [
            arm(5.0, &[0.5, f64::NAN, 0.5]),
            arm(f64::INFINITY, &[0.9; 3]),
        ];
        assert_eq!(membership(&arms).unwrap().shares[1], 0.0);
        assert!(membership(&arms).unwrap().shares[0] > 0.9);
    }
}
