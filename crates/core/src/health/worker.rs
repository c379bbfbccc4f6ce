//! Alarms that the worker itself raises, each once in the life of a stage. Their thresholds are
//! fixed: a stage is the same work whatever is thought alarming in it.

use crate::metric;
use std::collections::BTreeMap;

/// Consecutive steps without a mixed group.
pub const FLAT_STEPS: u32 = 10;
/// Share of the completions that ran into the limit.
pub const TRUNCATED_SHARE: f64 = 0.95;
/// Nats per token; below, sampling has all but ended.
pub const COLLAPSED_ENTROPY: f64 = 1e-3;

/// No group of the step has mixed rewards.
pub fn is_flat(metrics: &BTreeMap<String, f64>) -> bool {
    metrics.get(metric::ZERO_STD_GROUPS) == Some(&1.0)
}

/// What a step breaks, after `flat_steps` flat ones in a row: the alarm's name and its words.
pub fn broken(metrics: &BTreeMap<String, f64>, flat_steps: u32) -> Vec<(&'static str, String)> {
    let of = |name: &str| metrics.get(name).copied();
    let mut out = vec![];
    if flat_steps >= FLAT_STEPS {
        let accuracy = of(metric::ACCURACY).unwrap_or(0.0);
        let text = format!(
            "no group had mixed rewards for {FLAT_STEPS} steps (accuracy {accuracy:.2}): nothing is learned from them"
        );
        out.push(("flat-groups", text));
    }
    if of(metric::TRUNCATED_SHARE).is_some_and(|share| share > TRUNCATED_SHARE) {
        let text = "over 95 % of the completions ran into max_completion_length";
        out.push(("truncated", text.into()));
    }
    if let Some(entropy) = of(metric::ENTROPY).filter(|e| *e < COLLAPSED_ENTROPY) {
        let text = format!("entropy has collapsed: {entropy:.5} nats per token");
        out.push(("entropy", text));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(metrics: &[(&str, f64)], flat_steps: u32) -> Vec<&'static str> {
        let metrics = metrics.iter().map(|(name, v)| (name.to_string(), *v));
        let found = broken(&metrics.collect(), flat_steps);
        found.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn collapsed_entropy_is_told_under_its_threshold_and_not_at_it() {
        let at = |entropy: f64| names(&[(metric::ENTROPY, entropy)], 0);
        assert_eq!(at(COLLAPSED_ENTROPY), [] as [&str; 0]);
        assert_eq!(at(0.5), [] as [&str; 0]);
        assert_eq!(at(COLLAPSED_ENTROPY * 0.999), ["entropy"]);
        assert_eq!(at(0.0), ["entropy"]);
        let words = &broken(&[(metric::ENTROPY.to_string(), 0.0004)].into(), 0)[0].1;
        assert_eq!(words, "entropy has collapsed: 0.00040 nats per token");
    }

    #[test]
    fn flat_groups_need_their_steps_and_the_limit_its_share() {
        assert_eq!(names(&[], FLAT_STEPS - 1), [] as [&str; 0]);
        assert_eq!(names(&[], FLAT_STEPS), ["flat-groups"]);
        assert_eq!(
            names(&[(metric::TRUNCATED_SHARE, 0.95)], 0),
            [] as [&str; 0]
        );
        assert_eq!(names(&[(metric::TRUNCATED_SHARE, 0.96)], 0), ["truncated"]);
        let flat = |share: f64| is_flat(&[(metric::ZERO_STD_GROUPS.to_string(), share)].into());
        assert!(flat(1.0) && !flat(0.99) && !is_flat(&BTreeMap::new()));
    }
}
