//! Curves of training as they are kept with a cited state: every metric along every cost.

use crate::pages::words;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::stats::Interval;
use assay_store::{self as store, Along, RunPoint, RunSeries, StoreError};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::HashMap;

/// Most curves of a run have the same places: each column is kept once.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Curves {
    /// Nothing where a value is no number, which JSON cannot say.
    columns: Vec<Vec<Option<f64>>>,
    curves: Vec<Curve>,
}

/// One run's; numbers are places in `columns`.
#[derive(Debug, Serialize, Deserialize)]
struct Curve {
    metric: String,
    along: Along,
    arm: String,
    seed: u64,
    run: RunId,
    x: usize,
    step: usize,
    mean: usize,
    /// Smallest and largest values, where the run stands for its arm alone; states that were
    /// kept before these were read have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<(usize, usize)>,
}

/// Columns that are there already, by their bits.
type Known = HashMap<Vec<u64>, usize>;

impl Curves {
    pub async fn read(conn: &mut PgConnection, id: ExperimentId) -> Result<Self, StoreError> {
        let mut all = Self::default();
        let mut known = Known::new();
        for (_, metric) in words::TRAINING {
            for along in Along::ALL {
                for run in store::experiment_series_along(conn, id, metric, along).await? {
                    all.push(&mut known, metric, along, run);
                }
            }
        }
        Ok(all)
    }

    fn push(&mut self, known: &mut Known, metric: &str, along: Along, run: RunSeries) {
        let mut column = |of: fn(&RunPoint) -> f64| {
            let values: Vec<f64> = run.points.iter().map(of).collect();
            let bits: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
            *known.entry(bits).or_insert_with(|| {
                let finite = values.iter().map(|v| v.is_finite().then_some(*v));
                self.columns.push(finite.collect());
                self.columns.len() - 1
            })
        };
        let (x, step) = (column(|p| p.x), column(|p| p.step as f64));
        let mean = column(|p| p.mean);
        let ranged = run.points.iter().any(|p| p.range.is_some());
        let ends = ranged.then(|| {
            (
                column(|p| p.range.map_or(f64::NAN, |own| own.low)),
                column(|p| p.range.map_or(f64::NAN, |own| own.high)),
            )
        });
        self.curves.push(Curve {
            metric: metric.into(),
            along,
            arm: run.arm_key,
            seed: run.seed,
            run: run.run,
            x,
            step,
            mean,
            ends,
        });
    }

    /// In the order in which they were read.
    pub fn of(&self, metric: &str, along: Along) -> Vec<RunSeries> {
        let asked = self.curves.iter();
        let asked = asked.filter(|c| c.metric == metric && c.along == along);
        let series = asked.map(|curve| {
            let columns = (self.column(curve.x), self.column(curve.step));
            let places = columns.0.zip(columns.1).zip(self.column(curve.mean));
            let ends = curve.ends;
            let mut ends = ends.map(|(low, high)| self.column(low).zip(self.column(high)));
            let mut range = || {
                let (low, high) = ends.as_mut()?.next()?;
                Some(Interval { low, high })
            };
            RunSeries {
                arm_key: curve.arm.clone(),
                seed: curve.seed,
                run: curve.run,
                points: places
                    .map(|((x, step), mean)| RunPoint {
                        x,
                        step: step as i64,
                        mean,
                        range: range(),
                    })
                    .collect(),
            }
        });
        series.collect()
    }

    fn column(&self, at: usize) -> impl Iterator<Item = f64> {
        let values = self.columns.get(at).map(Vec::as_slice);
        values
            .unwrap_or_default()
            .iter()
            .map(|v| v.unwrap_or(f64::NAN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::metric;

    fn run(seed: u64, x: f64, means: &[f64]) -> RunSeries {
        let point = |(i, mean): (usize, &f64)| RunPoint {
            x: x * (i + 1) as f64,
            step: 10 * (i as i64 + 1),
            mean: *mean,
            range: None,
        };
        RunSeries {
            arm_key: "arm-1".into(),
            seed,
            run: RunId(uuid::Uuid::from_u128(u128::from(seed))),
            points: means.iter().enumerate().map(point).collect(),
        }
    }

    #[test]
    fn curves_are_read_back_as_they_were_and_places_in_common_are_kept_once() {
        let (mut all, mut known) = (Curves::default(), Known::new());
        let (first, second) = (run(0, 0.1, &[0.5, 0.25]), run(1, 0.1, &[0.1 + 0.2, 1.0]));
        for (metric, along, of) in [
            (metric::REWARD_MEAN, Along::Tokens, &first),
            (metric::REWARD_MEAN, Along::Tokens, &second),
            (metric::KL, Along::Tokens, &second),
            (metric::KL, Along::Step, &run(0, 10.0, &[3.0, 4.0])),
        ] {
            all.push(&mut known, metric, along, of.clone());
        }
        // Places, steps (which are the places of the last one too), and three of means.
        assert_eq!(all.columns.len(), 5);
        let text = serde_json::to_string(&all).unwrap();
        let back: Curves = serde_json::from_str(&text).unwrap();
        let read = back.of(metric::REWARD_MEAN, Along::Tokens);
        assert_eq!(read, [first, second.clone()]);
        assert_eq!(back.of(metric::KL, Along::Tokens), [second]);
        assert_eq!(back.of(metric::KL, Along::Step)[0].points[1].x, 20.0);
        assert!(back.of(metric::LOSS, Along::Tokens).is_empty());
    }

    #[test]
    fn the_range_of_a_run_that_is_alone_is_kept_and_older_states_have_none() {
        let (mut all, mut known) = (Curves::default(), Known::new());
        let mut alone = run(0, 1.0, &[0.5, 0.25]);
        for point in &mut alone.points {
            point.range = Some(Interval {
                low: point.mean - 0.125,
                high: point.mean,
            });
        }
        all.push(&mut known, metric::ENTROPY, Along::Tokens, alone.clone());
        // The largest values are the means.
        assert_eq!(all.columns.len(), 4);
        let mut value = serde_json::to_value(&all).unwrap();
        let back: Curves = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(back.of(metric::ENTROPY, Along::Tokens), [alone.clone()]);
        value["curves"][0].as_object_mut().unwrap().remove("ends");
        let older: Curves = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&older).unwrap(), value);
        let read = older.of(metric::ENTROPY, Along::Tokens);
        assert!(read[0].points.iter().all(|p| p.range.is_none()));
        assert_eq!(read[0].points[1].mean, alone.points[1].mean);
    }

    #[test]
    fn what_is_no_number_is_none_when_it_is_read_back() {
        let (mut all, mut known) = (Curves::default(), Known::new());
        let broken = run(0, 1.0, &[0.5, f64::NAN, f64::INFINITY]);
        all.push(&mut known, metric::LOSS, Along::Flops, broken);
        let text = serde_json::to_string(&all).unwrap();
        let back: Curves = serde_json::from_str(&text).unwrap();
        let points = &back.of(metric::LOSS, Along::Flops)[0].points;
        assert_eq!((points.len(), points[0].mean), (3, 0.5));
        assert!(points[1].mean.is_nan() && points[2].mean.is_nan());
    }
}
