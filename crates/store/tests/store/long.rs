//! Curves of a run of a million steps: however long it is, few buckets are read.

use crate::support::*;
use assay_core::ids::{ExperimentId, StageId};
use assay_core::wire::{Outcome, Record};
use sqlx::PgConnection;

const METRIC: &str = "train/loss";
const STEPS: u64 = 1_000_000;
/// Records of one batch.
const BATCH: u64 = 50_000;

/// One arm that has fine-tuned so long, each value its own step.
async fn trained(conn: &mut PgConnection) -> (ExperimentId, StageId) {
    let id = insert(conn, &small("1")).await;
    let w = worker(conn, 1).await;
    loop {
        let claimed = claim(conn, w).await;
        let a = attempt(&claimed);
        if claimed.spec.job.kind() != "sft" {
            finish(conn, w, a, &Outcome::Succeeded).await.unwrap();
            continue;
        }
        append(conn, w, a, 1, &[started(0)]).await.unwrap();
        for from in (0..STEPS).step_by(BATCH as usize) {
            let of = |at: u64| step(at, METRIC, at as f64);
            let records: Vec<Record> = (from..from + BATCH).map(of).collect();
            append(conn, w, a, 2 + from, &records).await.unwrap();
        }
        return (id, a.stage);
    }
}

#[tokio::test]
async fn a_million_points_are_read_in_two_thousand_buckets_at_most() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, stage) = trained(&mut conn).await;
    let curves = assay_store::experiment_series(&mut conn, id, METRIC);
    let curves = curves.await.unwrap();
    assert_eq!(curves.len(), 1);
    let points = &curves[0].points;
    assert_eq!(points.len(), 1_000);
    for (i, p) in points.iter().enumerate() {
        let first = i as f64 * 1_000.0;
        assert_eq!((p.step, p.x), (first as i64 + 999, first + 999.0));
        assert!((p.mean - (first + 499.5)).abs() < 1e-6, "{p:?}");
    }
    // The run's own page, from the same rollups.
    let own = assay_store::series(&mut conn, stage, METRIC, 300)
        .await
        .unwrap();
    assert!(own.points.len() <= 300 && own.points.len() >= 50);
    assert_eq!(own.points.iter().map(|p| p.count).sum::<i64>(), 1_000_000);
    // A part of it is read finer, down to its points.
    for (part, level, points, count) in [
        ((250_000, 250_299), 0, 300, 300),
        ((250_005, 251_004), 1, 101, 1_000),
        ((0, 999_999), 4, 100, 1_000_000),
        ((2_000_000, 3_000_000), 0, 0, 0),
    ] {
        let read = assay_store::series_between(&mut conn, stage, METRIC, part, 300);
        let read = read.await.unwrap();
        assert_eq!((read.level, read.points.len()), (level, points), "{part:?}");
        assert_eq!(read.points.iter().map(|p| p.count).sum::<i64>(), count);
        let within = |p: &assay_store::Point| p.step >= part.0 && p.step <= part.1;
        assert!(read.points.iter().all(within));
    }
    assert_eq!(
        assay_store::list_metrics(&mut conn, stage).await.unwrap(),
        [METRIC]
    );
    // Left behind within a bucket: what counts of it is summed from its points.
    lose_all(&mut conn).await;
    no_pauses(&mut conn).await;
    let w = worker(&mut conn, 1).await;
    let next = loop {
        let next = attempt(&claim(&mut conn, w).await);
        if next.stage == stage {
            break next;
        }
    };
    let later = [started(600_500), step(600_503, METRIC, 0.0)];
    append(&mut conn, w, next, 1, &later).await.unwrap();
    let curves = assay_store::experiment_series(&mut conn, id, METRIC);
    let curves = curves.await.unwrap();
    let points = &curves[0].points;
    assert_eq!(points.len(), 601);
    let last = points.last().unwrap();
    // 600,000 to 600,500 and the new one.
    let mean = (600_000..=600_500).map(f64::from).sum::<f64>() / 502.0;
    assert_eq!(last.step, 600_503);
    assert!((last.mean - mean).abs() < 1e-6, "{last:?}, not {mean}");
}

#[tokio::test]
async fn a_series_that_is_short_keeps_its_buckets_of_ten() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let a = loop {
        let claimed = claim(&mut conn, w).await;
        let a = attempt(&claimed);
        if claimed.spec.job.kind() == "sft" {
            break a;
        }
        finish(&mut conn, w, a, &Outcome::Succeeded).await.unwrap();
    };
    append(&mut conn, w, a, 1, &[started(0)]).await.unwrap();
    // Up to the last step that tens are kept for, and one beyond it.
    for (from, to, buckets) in [(0, 20_480, 2_048), (20_480, 20_481, 205)] {
        let records: Vec<Record> = (from..to).map(|at| step(at, METRIC, 1.0)).collect();
        append(&mut conn, w, a, 2 + from, &records).await.unwrap();
        let curves = assay_store::experiment_series(&mut conn, id, METRIC);
        assert_eq!(curves.await.unwrap()[0].points.len(), buckets);
    }
}
