//! Curves of training of the columns.

use super::entries::Material;
use crate::pages::experiment::axis::Cost;
use crate::problem::Problem;
use assay_core::ids::RunId;
use assay_store::{self as store, CurveReading, RunSeries};
use sqlx::PgConnection;

/// Along the axis that was asked for, in its unit; else along the budget's.
pub(super) async fn read(
    conn: &mut PgConnection,
    of: &mut Material,
    metric: &str,
) -> Result<(), Problem> {
    let alone: Vec<RunId> = of.entries.iter().filter_map(|entry| entry.run).collect();
    let mut all: Vec<RunSeries> = vec![];
    for id in of.experiments.keys() {
        let other = of.view.x.filter(|_| !of.in_budget(*id));
        let reading = CurveReading {
            along: other.map(Cost::along),
            alone: &alone,
            ..CurveReading::default()
        };
        let read = store::experiment_curves(&mut *conn, *id, metric, &reading);
        let mut own = read.await?.whole;
        // Time comes in milliseconds.
        for series in &mut own {
            let run = series.run;
            for point in &mut series.points {
                match other {
                    Some(Cost::Device | Cost::Wall) => point.x /= 1e3,
                    Some(Cost::Usd) => {
                        point.x = of.dollars.at(run, point.x).unwrap_or(f64::NAN);
                    }
                    Some(Cost::Flops | Cost::Tokens) | None => {}
                }
            }
        }
        all.extend(own);
    }
    let left_out = of.exclusions.iter().filter(|e| e.is_in_force());
    let left_out: Vec<RunId> = left_out.map(|e| e.run).collect();
    for entry in &mut of.entries {
        let is_own = |s: &&RunSeries| {
            !left_out.contains(&s.run) && entry.runs.iter().any(|run| run.id == s.run)
        };
        entry.series = all.iter().filter(is_own).cloned().collect();
    }
    Ok(())
}
