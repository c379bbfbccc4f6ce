//! How fast past stages of reinforcement learning were here: what an estimate may start from.
//! By device, and by the tokens of their rollouts: a completion and its prompt are passed through
//! several times, sampled, scored and trained on, and count once.

use super::what_if::WhatIf;
use crate::number;
use crate::pages::text;
use assay_core::estimate::MIN_PAST;
use assay_core::spending::KindSpeed;

/// Kinds whose steps are rollouts.
const KINDS: [&str; 2] = ["grpo", "ppo"];
/// Characters of a device's name.
const NAME: usize = 80;

pub(super) struct Measured {
    pub said: String,
    /// The page with this speed in its form.
    pub href: String,
}

fn past(speeds: &[KindSpeed]) -> impl Iterator<Item = &KindSpeed> {
    let of = move |kind: &'static str| speeds.iter().filter(move |s| s.kind == kind);
    let found = KINDS.into_iter().flat_map(of);
    found.filter(|s| s.stages > 0 && s.rollout_tokens > 0.0 && s.sum.device_ms > 0.0)
}

/// Tokens of rollouts for each second of device time, whatever that was spent on; as the form
/// takes it.
fn speed(of: &KindSpeed) -> f64 {
    let speed = of.rollout_tokens / of.sum.device_ms * 1e3;
    if speed >= 100.0 {
        speed.round()
    } else {
        (speed * 1e4).round() / 1e4
    }
}

/// Spread of the time of a token, relative to its mean.
fn relative(of: &KindSpeed) -> Option<f64> {
    let mean = of.sum.device_ms / of.rollout_tokens;
    let spread = of.spread.per_rollout_token;
    Some(spread.filter(|_| of.stages >= MIN_PAST)? / mean)
}

/// Of the stages whose speed is in the form, else of the first kind and device that have enough
/// of them.
pub(super) fn spread(speeds: &[KindSpeed], asked: Option<f64>) -> Option<f64> {
    match past(speeds).find(|of| asked == Some(speed(of))) {
        Some(own) => relative(own),
        None => past(speeds).find_map(relative),
    }
}

/// Each with the rest of the form as it is; without seconds of training, which are in the speed.
pub(super) fn rows(speeds: &[KindSpeed], ask: &WhatIf, experiment: Option<&str>) -> Vec<Measured> {
    let row = |of: &KindSpeed| {
        let spread = relative(of).map_or_else(
            || format!("no ± under {MIN_PAST} stages"),
            |share| format!("± {}", number::percent(share)),
        );
        let one = match of.device.class.as_str() {
            "cpu" => "one of its cores",
            _ => "one such device",
        };
        let with = WhatIf {
            speed: Some(speed(of)),
            train: None,
            ..*ask
        };
        Measured {
            said: format!(
                "{} on {}: {} tokens of rollouts, prompts included, for each second of {one}, \
                 {spread}, over {}; generating, scoring, training and measuring are all in it, so \
                 that no seconds of training come on top",
                of.kind,
                text::start(&of.device.name, NAME),
                number::significant(speed(of)),
                number::counted(of.stages as i64, "past stage"),
            ),
            href: format!("/cost{}", with.query(experiment)),
        }
    };
    past(speeds).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::query::Asked;
    use assay_core::device::Device;
    use assay_core::ledger::Cost;
    use assay_core::spending::Spread;

    /// Rollouts of 50,000 tokens, each passed through three times, in ten seconds.
    fn speed_of(
        kind: &str,
        device: &str,
        stages: u64,
        per_rollout_token: Option<f64>,
    ) -> KindSpeed {
        KindSpeed {
            kind: kind.into(),
            device: Device {
                name: device.into(),
                class: "cuda".into(),
            },
            stages,
            sum: Cost {
                tokens: 150_000.0,
                flops: 0.0,
                device_ms: 10_000.0,
            },
            rollout_tokens: 50_000.0,
            spread: Spread {
                per_rollout_token,
                per_token: Some(1.0),
                ..Spread::default()
            },
            ..KindSpeed::default()
        }
    }

    #[test]
    fn the_speed_of_past_rollouts_stands_with_its_spread_and_number() {
        let all = [
            speed_of("sft", "GPU", 9, Some(1.0)),
            speed_of("ppo", "GPU", 5, Some(0.05)),
            speed_of("grpo", "GPU", 2, Some(0.02)),
        ];
        let rows = rows(&all, &WhatIf::default(), None);
        assert_eq!(rows.len(), 2);
        assert!(
            rows[0]
                .said
                .starts_with("grpo on GPU: 5.00 k tokens of rollouts, prompts included")
        );
        assert!(
            rows[0]
                .said
                .contains("no ± under 3 stages, over 2 past stages")
        );
        assert!(rows[1].said.contains("± 25 %") && rows[1].href == "/cost?speed=5000");
        // 0.05 ms of a mean of 0.2 ms; two stages of GRPO are too few.
        assert_eq!(spread(&all[..2], Some(5_000.0)), Some(0.25));
        assert_eq!(spread(&all, Some(77.0)), Some(0.25));
        assert_eq!(spread(&all[2..], None), None);
        assert_eq!(spread(&[], None), None);
    }

    #[test]
    fn each_device_has_its_own_speed_and_the_one_that_is_asked_for_its_own_spread() {
        let slow = KindSpeed {
            rollout_tokens: 5.0,
            spread: Spread {
                per_rollout_token: Some(200.0),
                ..Spread::default()
            },
            ..speed_of("grpo", "A processor", 4, None)
        };
        let all = [slow, speed_of("grpo", "GPU", 5, Some(0.05))];
        let rows = rows(&all, &WhatIf::default(), None);
        assert!(
            rows[0]
                .said
                .starts_with("grpo on A processor: 0.5000 tokens")
        );
        assert_eq!(rows[0].href, "/cost?speed=0.5");
        assert_eq!(rows[1].href, "/cost?speed=5000");
        assert_eq!(spread(&all, Some(0.5)), Some(0.1));
        assert_eq!(spread(&all, Some(5_000.0)), Some(0.25));
    }

    #[test]
    fn the_measured_speed_gives_back_the_time_that_it_was_measured_in() {
        // Ten steps of 16 rollouts, each of 24 tokens of prompt and 40 of completion: 10,240
        // tokens, sampled, held against the reference and trained on, in 20 seconds.
        let of = KindSpeed {
            sum: Cost {
                tokens: 3.0 * 10_240.0,
                flops: 0.0,
                device_ms: 20_000.0,
            },
            rollout_tokens: 10_240.0,
            ..speed_of("grpo", "GPU", 1, None)
        };
        let query = "steps=10&rollouts=16&tokens=64&train=7&seeds=2&gpus=";
        for (gpus, hours) in [(1.0, 20.0 / 3_600.0), (8.0, 20.0 / 8.0 / 3_600.0)] {
            let ask = WhatIf::read(&mut Asked::read(&format!("{query}{gpus}")));
            let href = rows(std::slice::from_ref(&of), &ask, None)[0].href.clone();
            let (_, query) = href.split_once('?').unwrap();
            let asked = WhatIf::read(&mut Asked::read(query));
            // All that was typed is kept, but for what the speed has in it.
            assert_eq!(
                asked,
                WhatIf {
                    speed: Some(512.0),
                    train: None,
                    ..ask
                }
            );
            let found = asked.reckoned().unwrap();
            assert!((found - hours).abs() < 1e-12, "{gpus}: {found}");
        }
    }
}
