//! What a run's curves say of its health: rules with their thresholds, and where a
//! curve has changed its level. Pure: from points to findings.

use crate::metric;
use std::collections::BTreeMap;

/// Alarms that the worker itself raises, each once in the life of a stage.
pub mod worker {
    /// Consecutive steps without a mixed group.
    pub const FLAT_STEPS: u32 = 10;
    /// Share of the completions that ran into the limit.
    pub const TRUNCATED_SHARE: f64 = 0.95;
    /// Nats per token; below, sampling has all but ended.
    pub const COLLAPSED_ENTROPY: f64 = 1e-3;
}

/// A measured point, or a bin of several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    pub step: i64,
    pub mean: f64,
    pub min: f64,
    pub max: f64,
}

/// A rule over the curves of a stage, in words, with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    EntropyLow,
    KlJump,
    ClippedMuch,
    Slow,
    RewardAlone,
    TruncatedMuch,
    NotFinite,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// The stage does not report what the rule looks at.
    NotMeasured,
    Quiet,
    /// Where it was first broken, and the value there.
    Raised {
        step: i64,
        value: f64,
    },
}

const ENTROPY: f64 = 0.05;
const KL_TIMES: f64 = 10.0;
const KL_FLOOR: f64 = 0.01;
const KL_STEPS: i64 = 50;
const KL_POINTS: usize = 5;
const CLIPPED: f64 = 0.2;
const SPEED: f64 = 0.5;
const MOVED: f64 = 0.05;
const APART: i64 = 100;
const TRUNCATED: f64 = 0.1;

/// The curves of a stage by the names of their metrics.
pub type Curves = BTreeMap<String, Vec<Sample>>;

impl Rule {
    pub const ALL: [Self; 7] = [
        Self::RewardAlone,
        Self::TruncatedMuch,
        Self::KlJump,
        Self::EntropyLow,
        Self::ClippedMuch,
        Self::Slow,
        Self::NotFinite,
    ];

    pub fn words(self) -> String {
        match self {
            Self::EntropyLow => format!("entropy under {ENTROPY} nats a token"),
            Self::KlJump => format!(
                "KL above {KL_TIMES} times the median of the {KL_STEPS} steps before, and above {KL_FLOOR}"
            ),
            Self::ClippedMuch => format!("upper clip ratio above {CLIPPED}"),
            Self::Slow => format!("tokens per second under {SPEED} of the stage's median"),
            Self::RewardAlone => format!(
                "held-out pass@1 down by more than {MOVED} while the reward rose by more than {MOVED}, over {APART} steps or more"
            ),
            Self::TruncatedMuch => format!("truncated share above {TRUNCATED}"),
            Self::NotFinite => "a metric that is not a finite number".into(),
        }
    }

    pub fn check(self, curves: &Curves) -> Finding {
        let of = |name: &str| curves.get(name).filter(|c| !c.is_empty());
        let first = |name: &str, broken: &dyn Fn(&Sample) -> Option<f64>| match of(name) {
            None => Finding::NotMeasured,
            Some(curve) => raised(curve.iter().find_map(|s| Some((s.step, broken(s)?)))),
        };
        match self {
            Self::EntropyLow => first(metric::ENTROPY, &|s| (s.min < ENTROPY).then_some(s.min)),
            Self::ClippedMuch => first(metric::CLIP_HIGH, &|s| (s.max > CLIPPED).then_some(s.max)),
            Self::TruncatedMuch => first(metric::TRUNCATED_SHARE, &|s| {
                (s.max > TRUNCATED).then_some(s.max)
            }),
            Self::Slow => match of(metric::TOKENS_PER_SECOND) {
                None => Finding::NotMeasured,
                Some(curve) => {
                    let all: Vec<f64> = curve.iter().map(|s| s.mean).collect();
                    let limit = median(&all) * SPEED;
                    let slow = |s: &&Sample| s.mean < limit;
                    raised(curve.iter().find(slow).map(|s| (s.step, s.mean)))
                }
            },
            Self::KlJump => match of(metric::KL) {
                None => Finding::NotMeasured,
                Some(curve) => raised(kl_jump(curve)),
            },
            Self::RewardAlone => {
                match (of(metric::VALIDATION_PASS_AT_1), of(metric::REWARD_MEAN)) {
                    (Some(held_out), Some(reward)) => raised(reward_alone(held_out, reward)),
                    _ => Finding::NotMeasured,
                }
            }
            Self::NotFinite => {
                let broken = curves
                    .values()
                    .flatten()
                    .filter(|s| !s.mean.is_finite())
                    .min_by_key(|s| s.step);
                match curves.is_empty() {
                    true => Finding::NotMeasured,
                    false => raised(broken.map(|s| (s.step, s.mean))),
                }
            }
        }
    }
}

fn raised(at: Option<(i64, f64)>) -> Finding {
    match at {
        Some((step, value)) => Finding::Raised { step, value },
        None => Finding::Quiet,
    }
}

fn kl_jump(curve: &[Sample]) -> Option<(i64, f64)> {
    for (at, sample) in curve.iter().enumerate() {
        let near = |s: &&Sample| s.step >= sample.step - KL_STEPS;
        let near = curve[..at].iter().rev().take_while(near).count();
        // Bins can be wider than the window: then the last few of them.
        let from = at - near.max(KL_POINTS.min(at));
        let before: Vec<f64> = curve[from..at].iter().map(|s| s.mean).collect();
        if before.len() >= KL_POINTS
            && sample.max > KL_FLOOR
            && sample.max > KL_TIMES * median(&before)
        {
            return Some((sample.step, sample.max));
        }
    }
    None
}

fn reward_alone(held_out: &[Sample], reward: &[Sample]) -> Option<(i64, f64)> {
    let reward_at = |step: i64| {
        let until = reward.partition_point(|s| s.step <= step);
        reward.get(until.max(1) - 1).map(|s| s.mean)
    };
    held_out.iter().enumerate().find_map(|(at, now)| {
        let then = held_out[..at]
            .iter()
            .rfind(|s| now.step - s.step >= APART)?;
        let rise = reward_at(now.step)? - reward_at(then.step)?;
        (now.mean - then.mean < -MOVED && rise > MOVED).then_some((now.step, now.mean))
    })
}

/// Of the finite ones; NaN where there are none.
fn median(values: &[f64]) -> f64 {
    let mut finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    if finite.is_empty() {
        return f64::NAN;
    }
    finite.sort_by(f64::total_cmp);
    let middle = finite.len() / 2;
    match finite.len() % 2 {
        1 => finite[middle],
        _ => (finite[middle - 1] + finite[middle]) / 2.0,
    }
}

/// Where a curve has changed its level: the split into two means that explains most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The first step of the later part.
    pub step: i64,
    pub before: f64,
    pub after: f64,
    /// Share of the variance that the two means explain.
    pub explained: f64,
}

/// Points that each side of a change must have.
pub const CHANGE_POINTS: usize = 5;
/// Share of the variance from which on a change is told.
pub const CHANGE_EXPLAINS: f64 = 0.5;

/// The least-squares split of a curve into two levels; `None` where it explains too
/// little. A description, not a test: a steady rise has such a split too.
pub fn change(points: &[(i64, f64)]) -> Option<Change> {
    let clean: Vec<(i64, f64)> = points.iter().copied().filter(|p| p.1.is_finite()).collect();
    let n = clean.len();
    if n < 2 * CHANGE_POINTS {
        return None;
    }
    let mean = clean.iter().map(|p| p.1).sum::<f64>() / n as f64;
    let total: f64 = clean.iter().map(|p| (p.1 - mean).powi(2)).sum();
    // Differences that are rounding alone are none.
    if total <= 1e-18 * n as f64 * mean.abs().max(1.0) {
        return None;
    }
    let mut left = 0.0;
    let mut best: Option<(usize, f64)> = None;
    for (at, point) in clean.iter().enumerate() {
        if at >= CHANGE_POINTS && at <= n - CHANGE_POINTS {
            // Between the parts, from the left sum of deviations alone.
            let between = left * left * n as f64 / (at as f64 * (n - at) as f64);
            if best.is_none_or(|(_, top)| between > top) {
                best = Some((at, between));
            }
        }
        left += point.1 - mean;
    }
    let (at, between) = best?;
    let explained = between / total;
    let of = |part: &[(i64, f64)]| part.iter().map(|p| p.1).sum::<f64>() / part.len() as f64;
    (explained >= CHANGE_EXPLAINS).then(|| Change {
        step: clean[at].0,
        before: of(&clean[..at]),
        after: of(&clean[at..]),
        explained,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: &[f64]) -> Vec<Sample> {
        let sample = |(i, v): (usize, &f64)| Sample {
            step: 10 * (i as i64 + 1),
            mean: *v,
            min: *v,
            max: *v,
        };
        values.iter().enumerate().map(sample).collect()
    }

    fn check(rule: Rule, name: &str, values: &[f64]) -> Finding {
        rule.check(&Curves::from([(name.into(), curve(values))]))
    }

    #[test]
    fn each_rule_tells_the_first_step_that_breaks_it_and_no_other() {
        assert_eq!(
            check(Rule::EntropyLow, metric::ENTROPY, &[0.9, 0.06, 0.04, 0.01]),
            Finding::Raised {
                step: 30,
                value: 0.04
            }
        );
        assert_eq!(
            check(Rule::TruncatedMuch, metric::TRUNCATED_SHARE, &[0.1, 0.1]),
            Finding::Quiet
        );
        assert_eq!(
            check(
                Rule::Slow,
                metric::TOKENS_PER_SECOND,
                &[9.0, 10.0, 4.7, 10.0]
            ),
            Finding::Raised {
                step: 30,
                value: 4.7
            }
        );
        let steady = [0.02, 0.02, 0.03, 0.02, 0.02, 0.03, 0.4];
        assert_eq!(
            check(Rule::KlJump, metric::KL, &steady),
            Finding::Raised {
                step: 70,
                value: 0.4
            }
        );
        // As many times the median, but next to nothing.
        assert_eq!(
            check(Rule::KlJump, metric::KL, &steady.map(|v| v * 0.02)),
            Finding::Quiet
        );
        assert!(matches!(
            check(Rule::NotFinite, metric::LOSS, &[1.0, f64::NAN]),
            Finding::Raised { step: 20, .. }
        ));
        for rule in Rule::ALL {
            assert_eq!(rule.check(&Curves::new()), Finding::NotMeasured);
        }
    }

    #[test]
    fn reward_that_rises_alone_is_found_over_a_hundred_steps_and_not_over_fewer() {
        let held_out = |second: i64| {
            let at = |step, mean| Sample {
                step,
                mean,
                min: mean,
                max: mean,
            };
            vec![at(100, 0.5), at(second, 0.4)]
        };
        let reward: Vec<Sample> = curve(&(0..30).map(|i| f64::from(i) * 0.01).collect::<Vec<_>>());
        let both = |second| {
            Rule::RewardAlone.check(&Curves::from([
                (metric::VALIDATION_PASS_AT_1.into(), held_out(second)),
                (metric::REWARD_MEAN.into(), reward.clone()),
            ]))
        };
        assert_eq!(
            both(200),
            Finding::Raised {
                step: 200,
                value: 0.4
            }
        );
        assert_eq!(both(190), Finding::Quiet);
    }

    #[test]
    fn a_change_of_level_is_found_where_it_is() {
        let points: Vec<(i64, f64)> = (0..40)
            .map(|i| (i, if i < 25 { 0.1 } else { 0.6 } + 0.02 * (i % 3) as f64))
            .collect();
        let found = change(&points).unwrap();
        assert_eq!(found.step, 25);
        assert!((found.before - 0.12).abs() < 0.01 && (found.after - 0.62).abs() < 0.01);
        assert!(found.explained > 0.98);
    }

    #[test]
    fn noise_too_few_points_and_what_is_no_number_have_no_change() {
        let noise: Vec<(i64, f64)> = (0..40).map(|i| (i, (i * 7 % 5) as f64)).collect();
        assert_eq!(change(&noise), None);
        let equal: Vec<(i64, f64)> = (0..40).map(|i| (i, 0.1)).collect();
        assert_eq!(change(&equal), None);
        assert_eq!(change(&[(1, 0.0), (2, 1.0)]), None);
        let nan: Vec<(i64, f64)> = (0..40).map(|i| (i, f64::NAN)).collect();
        assert_eq!(change(&nan), None);
    }
}
