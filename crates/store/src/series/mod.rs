//! Curves: what a stage measured, step by step.

mod bucket;
mod experiment;
mod read;
mod rollup;
mod rows;
mod stages;
mod write;

use assay_core::ids::RunId;
use assay_core::stats::Interval;
use assay_core::wire::Cumulative;
use serde::Serialize;

pub use experiment::{
    Along, CurvePart, CurveReading, RunCurves, experiment_curves, experiment_series,
    experiment_series_along,
};
pub use read::{list_experiment_metrics, list_metrics, series, series_between};
pub(crate) use write::{Measured, insert_measured};

/// One metric of one stage in its current view: an attempt hides the points of
/// earlier ones after the step that it resumed from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    pub points: Vec<Point>,
    /// 0: the points as measured; n: buckets of 10^n steps.
    pub level: u32,
}

/// A measured point, or a bucket of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// The last step in it.
    pub step: i64,
    pub count: i64,
    /// NaN or infinite where a value is.
    pub mean: f64,
    /// Smallest and largest value that is a number; NaN where there is none.
    pub min: f64,
    pub max: f64,
    pub last: f64,
    /// The stage's own cost at that step, since its start.
    pub cum: Cumulative,
}

/// One run's curve along its cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSeries {
    pub arm_key: String,
    pub seed: u64,
    pub run: RunId,
    pub points: Vec<RunPoint>,
}

/// A measured point of a short stage; of another, a bucket of ten steps, or of more where the
/// series is long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RunPoint {
    /// Charged to the arm at its (last) step, in the unit that was asked for: earlier
    /// stages included.
    pub x: f64,
    /// Of the stage that was training.
    pub step: i64,
    pub mean: f64,
    /// Smallest and largest value in it; read only of runs that a line stands for alone.
    pub range: Option<Interval>,
}
