//! The rules over a run's curves as the server applies them: the curves that they read, and
//! what they find. The run's page and the look in the background share it.

use assay_core::health::{Curves, Finding, Rule, Sample};
use assay_core::ids::StageId;
use assay_core::metric;
use assay_core::spec::Alarms;
use assay_store::{self as store, FoundAlarm, Series};
use sqlx::PgConnection;

/// Of each curve.
pub const POINTS: usize = 300;

/// Curves that rules look at beside those that every experiment's page offers.
pub const WATCHED: [&str; 1] = [metric::CLIP_HIGH];

/// Detectors in texts, and what is said when their level has changed.
pub const DETECTORS: [&str; 5] = [
    "train/reflection_rate",
    "train/language_consistency",
    "train/long_share",
    "train/step_accuracy",
    metric::COMPLETION_LENGTH,
];

/// Whether rules read this metric's curve: one of those of an experiment's page, or watched beside them.
pub fn is_read(name: &str) -> bool {
    let on_panel = metric::PANELS.iter().any(|(own, _)| *own == name);
    on_panel || WATCHED.contains(&name) || DETECTORS.contains(&name)
}

/// As the rules see them.
pub fn curves(series: &[(String, Series)]) -> Curves {
    series
        .iter()
        .map(|(name, series)| {
            let samples = series.points.iter().map(|p| Sample {
                step: p.step,
                mean: p.mean,
                min: p.min,
                max: p.max,
            });
            (name.clone(), samples.collect())
        })
        .collect()
}

/// The stage's curves that rules read.
///
/// # Errors
/// `Database`.
pub async fn read_curves(conn: &mut PgConnection, stage: StageId) -> store::Result<Curves> {
    let mut series = vec![];
    for name in store::list_metrics(&mut *conn, stage).await? {
        if is_read(&name) {
            let own = store::series(&mut *conn, stage, &name, POINTS).await?;
            series.push((name, own));
        }
    }
    Ok(curves(&series))
}

/// Rules that are broken, each with where it first was.
pub fn broken(curves: &Curves, limits: &Alarms) -> Vec<FoundAlarm> {
    Rule::ALL
        .into_iter()
        .filter_map(|rule| match rule.check(curves, limits) {
            Finding::Raised { step, value } => Some(FoundAlarm {
                rule,
                step,
                value,
                threshold: rule.threshold(limits),
            }),
            Finding::NotMeasured | Finding::TooShort | Finding::Quiet => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_store::Point;

    fn series(values: &[f64]) -> Series {
        let point = |(i, v): (usize, &f64)| Point {
            step: i as i64 + 1,
            count: 1,
            mean: *v,
            min: *v,
            max: *v,
            last: *v,
            cum: Default::default(),
        };
        Series {
            points: values.iter().enumerate().map(point).collect(),
            level: 0,
        }
    }

    #[test]
    fn broken_rules_come_with_their_place_and_threshold() {
        let limits = Alarms {
            entropy_below: 0.3,
            ..Alarms::default()
        };
        let measured = [
            (metric::ENTROPY.to_string(), series(&[0.9, 0.2, 0.1])),
            (metric::TRUNCATED_SHARE.to_string(), series(&[0.0, 0.0])),
        ];
        let found = broken(&curves(&measured), &limits);
        assert_eq!(
            found,
            [FoundAlarm {
                rule: Rule::EntropyLow,
                step: 2,
                value: 0.2,
                threshold: Some(0.3),
            }]
        );
        assert_eq!(broken(&Curves::new(), &limits), []);
    }

    #[test]
    fn values_that_are_no_finite_numbers_break_one_rule_and_no_other() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let measured = [
                (metric::LOSS.to_string(), series(&[1.0, bad, bad])),
                (metric::TOKENS_PER_SECOND.to_string(), series(&[f64::NAN])),
            ];
            let found = broken(&curves(&measured), &Alarms::default());
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!((found[0].rule, found[0].step), (Rule::NotFinite, 1));
            assert!(found[0].value.is_nan() && found[0].threshold.is_none());
        }
    }

    #[test]
    fn what_panels_and_rules_look_at_is_read_and_nothing_else() {
        for name in [metric::KL, metric::LOSS, metric::CLIP_HIGH, DETECTORS[0]] {
            assert!(is_read(name), "{name}");
        }
        assert!(!is_read(metric::LEARNING_RATE) && !is_read("search/depth_k_3"));
    }
}
