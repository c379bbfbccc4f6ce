//! Curves: what a stage measured, step by step.

use crate::Result;
use assay_core::ids::{ExperimentId, RunId, StageId};
use assay_core::wire::Cumulative;
use serde::Serialize;
use sqlx::PgConnection;

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
    pub mean: f64,
    /// Smallest and largest finite or infinite value; NaN where there is nothing else.
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

/// A bucket of ten steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RunPoint {
    /// Charged to the arm at the bucket's last step, in the budget's unit: earlier
    /// stages included.
    pub x: f64,
    /// Of the stage that was training.
    pub step: i64,
    pub mean: f64,
    pub min: f64,
    pub max: f64,
}

/// At most about `max_points` points of one metric.
///
/// # Errors
/// `Database`; an unknown metric has no points.
pub async fn series(
    conn: &mut PgConnection,
    stage: StageId,
    metric: &str,
    max_points: usize,
) -> Result<Series> {
    let _ = (conn, stage, metric, max_points);
    todo!()
}

/// Names of the metrics that a stage has reported, sorted.
///
/// # Errors
/// `Database`.
pub async fn list_metrics(conn: &mut PgConnection, stage: StageId) -> Result<Vec<String>> {
    let _ = (conn, stage);
    todo!()
}

/// One metric over all runs of an experiment, of the arms' own training stages.
///
/// # Errors
/// `NotFound`, `Database`.
pub async fn experiment_series(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
) -> Result<Vec<RunSeries>> {
    let _ = (conn, experiment, metric);
    todo!()
}
