//! A part of an experiment's curves, read as finely as it allows, and what is read of a run that
//! a line stands for alone.

use crate::support::*;
use assay_core::ids::{AttemptRef, ExperimentId, RunId, WorkerId};
use assay_core::wire::{Outcome, Record};
use assay_store::{Along, CurvePart, CurveReading, RunCurves, RunPoint};
use sqlx::PgConnection;

const METRIC: &str = "train/loss";
const STEPS: u64 = 5_000;

/// One step in a thousand collapses.
fn value(step: u64) -> f64 {
    if step % 1_000 == 777 { 0.05 } else { 0.9 }
}

fn measured(steps: std::ops::Range<u64>) -> Vec<Record> {
    steps.map(|at| step(at, METRIC, value(at))).collect()
}

/// An arm whose fine-tuning is being worked at.
async fn begun(conn: &mut PgConnection) -> (ExperimentId, WorkerId, AttemptRef) {
    let id = insert(conn, &small("1")).await;
    let w = worker(conn, 1).await;
    loop {
        let claimed = claim(conn, w).await;
        let a = attempt(&claimed);
        if claimed.spec.job.kind() == "sft" {
            append(conn, w, a, 1, &[started(0)]).await.unwrap();
            append(conn, w, a, 2, &measured(0..STEPS)).await.unwrap();
            return (id, w, a);
        }
        finish(conn, w, a, &Outcome::Succeeded).await.unwrap();
    }
}

/// Along the steps' own cost, a token each.
async fn between(conn: &mut PgConnection, id: ExperimentId, (low, high): (f64, f64)) -> RunCurves {
    let place = |_: RunId, x: f64| x;
    let part = CurvePart {
        low,
        high,
        place: &place,
    };
    let reading = CurveReading {
        part: Some(part),
        ..CurveReading::default()
    };
    assay_store::experiment_curves(conn, id, METRIC, &reading)
        .await
        .unwrap()
}

fn within(points: &[RunPoint], low: f64, high: f64) -> Vec<RunPoint> {
    let points = points.iter().copied();
    points.filter(|p| p.x >= low && p.x <= high).collect()
}

#[tokio::test]
async fn a_part_has_more_points_than_the_whole_has_there() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, w, a) = begun(&mut conn).await;
    let (low, high) = (1_005.0, 1_994.0);
    let read = between(&mut conn, id, (low, high)).await;
    let part = read.part.unwrap();
    let (whole, part) = (&read.whole[0].points, &part[0].points);
    assert_eq!(whole.len(), 500);
    assert_eq!(within(whole, low, high).len(), 99);
    let fine = within(part, low, high);
    assert_eq!(fine.len(), 990);
    for (at, point) in (1_005..).zip(&fine) {
        let expected = (at as f64, at as i64, value(at));
        assert_eq!((point.x, point.step, point.mean), expected);
    }
    // Beside it, all is as in the whole: nothing twice, nothing left out.
    assert_eq!(part[..100], whole[..100]);
    assert_eq!(part[1_100..], whole[200..]);
    let plain = assay_store::experiment_series(&mut conn, id, METRIC).await;
    assert_eq!(plain.unwrap(), read.whole);
    let infinite = f64::INFINITY;
    for (ends, points) in [
        // Open at either end; within one bucket; wider than is read point by point; nowhere.
        ((4_900.0, infinite), Some(490 + 100)),
        ((-infinite, 55.0), Some(60 + 494)),
        ((1_001.0, 1_002.0), Some(500 + 9)),
        ((0.0, 4_000.0), None),
        ((6_000.0, 7_000.0), None),
    ] {
        let read = between(&mut conn, id, ends).await;
        let points_of = |part: Vec<assay_store::RunSeries>| part[0].points.len();
        assert_eq!(read.part.map(points_of), points, "{ends:?}");
    }
    // Of the attempts that have steps there, what counts.
    lose_all(&mut conn).await;
    no_pauses(&mut conn).await;
    let next = loop {
        let next = attempt(&claim(&mut conn, w).await);
        if next.stage == a.stage {
            break next;
        }
    };
    let mut later = vec![started(1_503)];
    later.extend((1_504..2_000).map(|at| step(at, METRIC, 2.0)));
    append(&mut conn, w, next, 1, &later).await.unwrap();
    let read = between(&mut conn, id, (1_490.0, 1_519.0)).await;
    let part = read.part.unwrap();
    let part = &part[0].points;
    let seen: Vec<(i64, f64)> = within(part, 1_490.0, 1_519.0)
        .iter()
        .map(|p| (p.step, p.mean))
        .collect();
    let counts = |at: i64| if at <= 1_503 { 0.9 } else { 2.0 };
    let expected: Vec<(i64, f64)> = (1_490..=1_519).map(|at| (at, counts(at))).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_part_is_asked_for_in_the_axis_own_unit() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, ..) = begun(&mut conn).await;
    // Two milliseconds a step, on an axis in seconds.
    let place = |_: RunId, x: f64| x / 1e3;
    let reading = CurveReading {
        along: Some(Along::DeviceMs),
        part: Some(CurvePart {
            low: 2.01,
            high: 2.05,
            place: &place,
        }),
        ..CurveReading::default()
    };
    let read = assay_store::experiment_curves(&mut conn, id, METRIC, &reading).await;
    let read = read.unwrap();
    let part = read.part.unwrap();
    let part = &part[0].points;
    // Steps 1,005 to 1,025: the buckets from 1,000 to 1,029, point by point.
    assert_eq!(part.len(), 500 - 3 + 30);
    assert_eq!(within(part, 2_010.0, 2_050.0).len(), 21);
    assert_eq!(within(&read.whole[0].points, 2_010.0, 2_050.0).len(), 2);
}

#[tokio::test]
async fn smallest_and_largest_values_are_read_of_runs_that_stand_alone() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, ..) = begun(&mut conn).await;
    let curves = assay_store::experiment_series(&mut conn, id, METRIC).await;
    let curves = curves.unwrap();
    let points = &curves[0].points;
    let collapse = points.iter().find(|p| p.step == 779).unwrap();
    assert!((collapse.mean - (9.0 * 0.9 + 0.05) / 10.0).abs() < 1e-9);
    let ends = |p: &RunPoint| p.range.map(|own| (own.low, own.high));
    assert_eq!(ends(collapse), Some((0.05, 0.9)));
    assert_eq!(ends(&points[0]), Some((0.9, 0.9)));

    // Two seeds of another experiment: of neither, until one is left out or asked for.
    let mut other = small("2");
    other.root_seed = 77;
    let id = insert(&mut conn, &other).await;
    let w = worker(&mut conn, 1).await;
    while let Some(claimed) = assay_store::claim(&mut conn, w, 64).await.unwrap() {
        let a = attempt(&claimed);
        if claimed.spec.job.kind() == "sft" {
            append(&mut conn, w, a, 1, &[started(0)]).await.unwrap();
            append(&mut conn, w, a, 2, &measured(0..1_000))
                .await
                .unwrap();
        }
        finish(&mut conn, w, a, &Outcome::Succeeded).await.unwrap();
    }
    let both = assay_store::experiment_series(&mut conn, id, METRIC).await;
    let both = both.unwrap();
    assert_eq!(both.len(), 2);
    let mut points = both.iter().flat_map(|run| &run.points);
    assert!(points.all(|p| p.range.is_none()));
    let alone = [both[1].run];
    let reading = CurveReading {
        alone: &alone,
        ..CurveReading::default()
    };
    let read = assay_store::experiment_curves(&mut conn, id, METRIC, &reading).await;
    let read = read.unwrap().whole;
    assert!(read[0].points.iter().all(|p| p.range.is_none()));
    assert!(read[1].points.iter().any(|p| ends(p) == Some((0.05, 0.9))));
    assay_store::exclude_run(&mut conn, both[1].run, "a fan failed")
        .await
        .unwrap();
    let read = assay_store::experiment_series(&mut conn, id, METRIC).await;
    let read = read.unwrap();
    assert!(read[0].points.iter().any(|p| ends(p) == Some((0.05, 0.9))));
    assert!(read[1].points.iter().all(|p| p.range.is_none()));
}

#[tokio::test]
async fn what_has_ended_is_read_once_and_what_goes_on_each_time() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, w, a) = begun(&mut conn).await;
    let read = async || {
        let mut conn = db.conn().await;
        let read = assay_store::experiment_series(&mut conn, id, METRIC).await;
        read.unwrap().remove(0).points
    };
    assert_eq!(read().await.len(), 500);
    let more = measured(STEPS..2 * STEPS);
    append(&mut conn, w, a, STEPS + 2, &more).await.unwrap();
    assert_eq!(read().await.len(), 1_000);
    finish(&mut conn, w, a, &Outcome::Succeeded).await.unwrap();
    let ended = read().await;
    assert_eq!(ended.len(), 1_000);
    // Nothing does this: it shows that the rows are not read again, and of which they were.
    sqlx::query("update series_rollup set sums = array_fill(0.0::float8, array[cardinality(sums)]) where metric = $1")
        .bind(METRIC)
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!(read().await, ended);
    let other = between(&mut conn, id, (1_005.0, 1_994.0)).await;
    assert_eq!(other.whole[0].points, ended);
    let along = assay_store::experiment_series_along(&mut conn, id, METRIC, Along::Step).await;
    assert_ne!(
        along.unwrap()[0].points,
        ended,
        "another axis is another reading"
    );
}
