//! How fast past stages of reinforcement learning were here: what an estimate may start from.

use crate::number;
use assay_core::estimate::MIN_PAST;
use assay_core::spending::KindSpeed;

/// Kinds whose steps are rollouts.
const KINDS: [&str; 2] = ["grpo", "ppo"];

pub(super) struct Measured {
    pub said: String,
    /// As the form takes it.
    pub plain: String,
}

fn past(speeds: &[KindSpeed]) -> impl Iterator<Item = &KindSpeed> {
    let of = move |kind: &'static str| speeds.iter().find(move |s| s.kind == kind);
    let found = KINDS.into_iter().filter_map(of);
    found.filter(|s| s.stages > 0 && s.sum.tokens > 0.0 && s.sum.device_ms > 0.0)
}

/// Spread of the time of a token, relative to its mean.
fn relative(of: &KindSpeed) -> Option<f64> {
    let mean = of.sum.device_ms / of.sum.tokens;
    let spread = of.spread.per_token.filter(|_| of.stages >= MIN_PAST)?;
    Some(spread / mean)
}

/// Of the first kind that has enough past stages.
pub(super) fn spread(speeds: &[KindSpeed]) -> Option<f64> {
    past(speeds).find_map(relative)
}

pub(super) fn rows(speeds: &[KindSpeed]) -> Vec<Measured> {
    let row = |of: &KindSpeed| {
        let speed = of.sum.tokens / of.sum.device_ms * 1e3;
        let spread = relative(of).map_or_else(
            || format!("no ± under {MIN_PAST} stages"),
            |share| format!("± {}", number::percent(share)),
        );
        Measured {
            said: format!(
                "{}: {} tokens a second of device time, {spread}, over {}; generated, scored and \
                 trained on, so that no seconds of training come on top",
                of.kind,
                number::significant(speed),
                number::counted(of.stages as i64, "past stage"),
            ),
            plain: format!("{speed:.0}"),
        }
    };
    past(speeds).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::ledger::Cost;
    use assay_core::spending::Spread;

    fn speed(kind: &str, stages: u64, per_token: Option<f64>) -> KindSpeed {
        KindSpeed {
            kind: kind.into(),
            stages,
            sum: Cost {
                tokens: 50_000.0,
                flops: 0.0,
                device_ms: 10_000.0,
            },
            half_ms: 0.0,
            most_ms: 0.0,
            spread: Spread {
                per_token,
                ..Spread::default()
            },
        }
    }

    #[test]
    fn the_speed_of_past_rollouts_stands_with_its_spread_and_number() {
        let all = [
            speed("sft", 9, Some(1.0)),
            speed("ppo", 5, Some(0.05)),
            speed("grpo", 2, Some(0.02)),
        ];
        let rows = rows(&all);
        assert_eq!(rows.len(), 2);
        assert!(rows[0].said.starts_with("grpo: 5.00 k tokens a second"));
        assert!(
            rows[0]
                .said
                .contains("no ± under 3 stages, over 2 past stages")
        );
        assert!(rows[1].said.contains("± 25 %") && rows[1].plain == "5000");
        // 0.05 ms of a mean of 0.2 ms; two stages of GRPO are too few.
        assert_eq!(spread(&all), Some(0.25));
        assert_eq!(spread(&all[2..]), None);
        assert_eq!(spread(&[]), None);
    }
}
