//! What a run's curves say of its health: rules with their thresholds, and where a
//! curve has changed its level. Pure: from points to findings.

pub mod worker;

use crate::metric;
use crate::spec::Alarms;
use std::collections::BTreeMap;

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
    LengthAlone,
    TruncatedMuch,
    NotFinite,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// The stage does not report what the rule looks at.
    NotMeasured,
    /// No two measurements lie as far apart as the rule looks.
    TooShort,
    Quiet,
    /// Where it was first broken, and the value there.
    Raised {
        step: i64,
        value: f64,
    },
}

/// Points that the median before a jump needs.
const KL_POINTS: usize = 5;

/// The curves of a stage by the names of their metrics.
pub type Curves = BTreeMap<String, Vec<Sample>>;

impl Rule {
    pub const ALL: [Self; 8] = [
        Self::RewardAlone,
        Self::LengthAlone,
        Self::TruncatedMuch,
        Self::KlJump,
        Self::EntropyLow,
        Self::ClippedMuch,
        Self::Slow,
        Self::NotFinite,
    ];

    /// Its name where findings are stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::EntropyLow => "entropy_low",
            Self::KlJump => "kl_jump",
            Self::ClippedMuch => "clipped_much",
            Self::Slow => "slow",
            Self::RewardAlone => "reward_alone",
            Self::LengthAlone => "length_alone",
            Self::TruncatedMuch => "truncated_much",
            Self::NotFinite => "not_finite",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.word() == word)
    }

    /// The number that it is about.
    pub fn threshold(self, limits: &Alarms) -> Option<f64> {
        match self {
            Self::EntropyLow => Some(limits.entropy_below),
            Self::KlJump => Some(limits.kl_times),
            Self::ClippedMuch => Some(limits.clip_above),
            Self::Slow => Some(limits.speed_below),
            Self::RewardAlone => Some(limits.moved_by),
            Self::LengthAlone => Some(limits.longer_by),
            Self::TruncatedMuch => Some(limits.truncated_above),
            Self::NotFinite => None,
        }
    }

    /// Whether an experiment can set anything about it.
    pub fn has_threshold(self) -> bool {
        self.threshold(&Alarms::default()).is_some()
    }

    /// The rule in words, with the threshold in force.
    pub fn words(self, limits: &Alarms) -> String {
        match self {
            Self::EntropyLow => format!("entropy under {} nats a token", limits.entropy_below),
            Self::KlJump => format!(
                "KL above {} times the median of the {} steps before, and above {}",
                limits.kl_times, limits.kl_steps, limits.kl_above
            ),
            Self::ClippedMuch => format!("upper clip ratio above {}", limits.clip_above),
            Self::Slow => format!(
                "tokens per second under {} of the stage's median",
                limits.speed_below
            ),
            Self::RewardAlone => format!(
                "held-out pass@1 down by more than {0} while the reward rose by more than {0}, over {1} steps or more",
                limits.moved_by, limits.moved_over_steps
            ),
            Self::LengthAlone => format!(
                "completions longer by more than {} of their length while held-out pass@1 rose by no more than {}, over {} steps or more",
                limits.longer_by, limits.flat_within, limits.moved_over_steps
            ),
            Self::TruncatedMuch => format!("truncated share above {}", limits.truncated_above),
            Self::NotFinite => "a metric that is not a finite number".into(),
        }
    }

    pub fn check(self, curves: &Curves, limits: &Alarms) -> Finding {
        let of = |name: &str| curves.get(name).filter(|c| !c.is_empty());
        let first = |name: &str, broken: &dyn Fn(&Sample) -> Option<f64>| match of(name) {
            None => Finding::NotMeasured,
            Some(curve) => raised(curve.iter().find_map(|s| Some((s.step, broken(s)?)))),
        };
        let above = |name: &str, limit: f64| first(name, &|s| (s.max > limit).then_some(s.max));
        match self {
            Self::EntropyLow => first(metric::ENTROPY, &|s| {
                (s.min < limits.entropy_below).then_some(s.min)
            }),
            Self::ClippedMuch => above(metric::CLIP_HIGH, limits.clip_above),
            Self::TruncatedMuch => above(metric::TRUNCATED_SHARE, limits.truncated_above),
            Self::Slow => match of(metric::TOKENS_PER_SECOND) {
                None => Finding::NotMeasured,
                Some(curve) => {
                    let all: Vec<f64> = curve.iter().map(|s| s.mean).collect();
                    let limit = median(&all) * limits.speed_below;
                    let slow = |s: &&Sample| s.mean < limit;
                    raised(curve.iter().find(slow).map(|s| (s.step, s.mean)))
                }
            },
            Self::KlJump => match of(metric::KL) {
                None => Finding::NotMeasured,
                Some(curve) => raised(kl_jump(curve, limits)),
            },
            Self::RewardAlone => {
                match (of(metric::VALIDATION_PASS_AT_1), of(metric::REWARD_MEAN)) {
                    (Some(held_out), Some(reward)) => {
                        moved(held_out, reward_alone(held_out, reward, limits), limits)
                    }
                    _ => Finding::NotMeasured,
                }
            }
            Self::LengthAlone => {
                match (
                    of(metric::VALIDATION_PASS_AT_1),
                    of(metric::COMPLETION_LENGTH),
                ) {
                    (Some(held_out), Some(length)) => {
                        moved(held_out, length_alone(held_out, length, limits), limits)
                    }
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

/// Of a rule over a stretch of steps: a stage that never got so far is not quiet.
fn moved(held_out: &[Sample], at: Option<(i64, f64)>, limits: &Alarms) -> Finding {
    let ends = held_out.first().zip(held_out.last());
    let reached = ends.map_or(0, |(first, last)| last.step - first.step);
    match at {
        None if reached < i64::from(limits.moved_over_steps) => Finding::TooShort,
        at => raised(at),
    }
}

fn kl_jump(curve: &[Sample], limits: &Alarms) -> Option<(i64, f64)> {
    for (at, sample) in curve.iter().enumerate() {
        let near = |s: &&Sample| s.step >= sample.step - i64::from(limits.kl_steps);
        let near = curve[..at].iter().rev().take_while(near).count();
        // Bins can be wider than the window: then the last few of them.
        let from = at - near.max(KL_POINTS.min(at));
        let before: Vec<f64> = curve[from..at].iter().map(|s| s.mean).collect();
        if before.len() >= KL_POINTS
            && sample.max > limits.kl_above
            && sample.max > limits.kl_times * median(&before)
        {
            return Some((sample.step, sample.max));
        }
    }
    None
}

fn reward_alone(held_out: &[Sample], reward: &[Sample], limits: &Alarms) -> Option<(i64, f64)> {
    held_out.iter().enumerate().find_map(|(at, now)| {
        let then = before(&held_out[..at], now, limits)?;
        let rise = value_at(reward, now.step)? - value_at(reward, then.step)?;
        let by = limits.moved_by;
        (now.mean - then.mean < -by && rise > by).then_some((now.step, now.mean))
    })
}

/// The value is the length that was reached.
fn length_alone(held_out: &[Sample], length: &[Sample], limits: &Alarms) -> Option<(i64, f64)> {
    held_out.iter().enumerate().find_map(|(at, now)| {
        let then = before(&held_out[..at], now, limits)?;
        let (short, long) = (value_at(length, then.step)?, value_at(length, now.step)?);
        let flat = now.mean - then.mean <= limits.flat_within;
        (flat && long > short * (1.0 + limits.longer_by)).then_some((now.step, long))
    })
}

/// The latest of the points that lie far enough back.
fn before<'a>(past: &'a [Sample], now: &Sample, limits: &Alarms) -> Option<&'a Sample> {
    past.iter()
        .rfind(|s| now.step - s.step >= i64::from(limits.moved_over_steps))
}

/// What the curve had last at a step, or first after it.
fn value_at(curve: &[Sample], step: i64) -> Option<f64> {
    let until = curve.partition_point(|s| s.step <= step);
    curve.get(until.max(1) - 1).map(|s| s.mean)
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
mod tests;
