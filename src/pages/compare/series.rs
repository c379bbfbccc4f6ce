//! Curves of training of the columns.

use super::entries::Material;
use crate::pages::experiment::axis::Cost;
use crate::problem::Problem;
use assay_core::ids::RunId;
use assay_store::{self as store, CurvePart, CurveReading, RunSeries};
use sqlx::PgConnection;

/// Along the axis that was asked for, in its unit; else along the budget's.
pub(super) async fn read(
    conn: &mut PgConnection,
    of: &mut Material,
    metric: &str,
) -> Result<(), Problem> {
    let alone: Vec<RunId> = of.entries.iter().filter_map(|entry| entry.run).collect();
    let (mut all, mut finer): (Vec<RunSeries>, Vec<RunSeries>) = (vec![], vec![]);
    for id in of.experiments.keys() {
        let other = of.view.x.filter(|_| !of.in_budget(*id));
        // Time comes in milliseconds.
        let dollars = &of.dollars;
        let place = |run: RunId, x: f64| match other {
            Some(Cost::Device | Cost::Wall) => x / 1e3,
            Some(Cost::Usd) => dollars.at(run, x).unwrap_or(f64::NAN),
            Some(Cost::Flops | Cost::Tokens) | None => x,
        };
        let part = of.view.range(0.0, f64::INFINITY);
        let reading = CurveReading {
            along: other.map(Cost::along),
            alone: &alone,
            part: part.map(|(low, high)| CurvePart {
                low,
                high,
                place: &place,
            }),
        };
        let read = store::experiment_curves(&mut *conn, *id, metric, &reading);
        let mut own = read.await?;
        let part = own.part.iter_mut().flatten();
        for series in own.whole.iter_mut().chain(part) {
            let run = series.run;
            for point in &mut series.points {
                point.x = place(run, point.x);
            }
        }
        all.extend(own.whole);
        finer.extend(own.part.into_iter().flatten());
    }
    let left_out = of.exclusions.iter().filter(|e| e.is_in_force());
    let left_out: Vec<RunId> = left_out.map(|e| e.run).collect();
    for entry in &mut of.entries {
        let is_own = |s: &&RunSeries| {
            !left_out.contains(&s.run) && entry.runs.iter().any(|run| run.id == s.run)
        };
        entry.series = all.iter().filter(is_own).cloned().collect();
        entry.zoomed = finer.iter().filter(is_own).cloned().collect();
    }
    Ok(())
}
