//! Curves of an experiment whose stages have few steps: each step is a point of its own.

use crate::support::*;
use assay_core::ids::{AttemptRef, ExperimentId, WorkerId};
use assay_core::ledger::Cost;
use assay_core::wire::{Cumulative, Outcome, Record};
use assay_store::Along;
use sqlx::PgConnection;
use std::collections::BTreeMap;

const METRIC: &str = "train/loss";

/// An arm whose fine-tuning has been claimed.
async fn begun(conn: &mut PgConnection) -> (ExperimentId, WorkerId, AttemptRef) {
    let id = insert(conn, &small("1")).await;
    let w = worker(conn, 1).await;
    loop {
        let claimed = claim(conn, w).await;
        let a = attempt(&claimed);
        if claimed.spec.job.kind() == "sft" {
            append(conn, w, a, 1, &[started(0)]).await.unwrap();
            return (id, w, a);
        }
        finish(conn, w, a, &Outcome::Succeeded).await.unwrap();
    }
}

/// No cost is a multiple of another, and none grows evenly.
fn paid(step: u64) -> Cumulative {
    let n = step as f64;
    Cumulative {
        charged: Cost {
            tokens: 1_000.0 * n + n * n,
            flops: 7.0 * n * n,
            device_ms: 50.0 * n + 3.0,
        },
        active_ms: 40.0 * n + 1.0,
    }
}

fn big(step: u64, value: f64) -> Record {
    Record::Step {
        step,
        cum: paid(step),
        metrics: BTreeMap::from([(METRIC.into(), value)]),
    }
}

/// Along a cost: where each point stands, its step and its value.
async fn drawn(conn: &mut PgConnection, id: ExperimentId, along: Along) -> Vec<(f64, i64, f64)> {
    let curves = assay_store::experiment_series_along(conn, id, METRIC, along)
        .await
        .unwrap();
    assert_eq!(curves.len(), 1);
    let points = curves[0].points.iter();
    points.map(|p| (p.x, p.step, p.mean)).collect()
}

type PlaceOf = fn(u64) -> f64;

/// Where a step stands along each cost.
const COSTS: [(Along, PlaceOf); 5] = [
    (Along::Tokens, |step| paid(step).charged.tokens),
    (Along::Flops, |step| paid(step).charged.flops),
    (Along::DeviceMs, |step| paid(step).charged.device_ms),
    (Along::ActiveMs, |step| paid(step).active_ms),
    (Along::Step, |step| step as f64),
];

#[tokio::test]
async fn eight_steps_are_eight_points_each_at_its_own_cost() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, w, a) = begun(&mut conn).await;
    let records: Vec<Record> = (1..=8).map(|at| big(at, 1.0 / at as f64)).collect();
    append(&mut conn, w, a, 2, &records).await.unwrap();
    for (along, cost) in COSTS {
        let expected: Vec<(f64, i64, f64)> = (1..=8)
            .map(|at| (cost(at), at as i64, 1.0 / at as f64))
            .collect();
        assert_eq!(drawn(&mut conn, id, along).await, expected, "{along:?}");
    }
}

#[tokio::test]
async fn of_attempts_that_were_left_behind_the_steps_that_count_are_points() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, w, a) = begun(&mut conn).await;
    let records: Vec<Record> = (1..=6).map(|at| big(at, 1.0)).collect();
    append(&mut conn, w, a, 2, &records).await.unwrap();
    let mut seen: Vec<(u64, f64)> = (1..=6).map(|at| (at, 1.0)).collect();
    // Back to a step within, to one before that, to the start.
    for (number, from, to) in [(2, 4, 7), (3, 2, 8), (4, 0, 3)] {
        lose_all(&mut conn).await;
        no_pauses(&mut conn).await;
        let next = loop {
            let next = attempt(&claim(&mut conn, w).await);
            if next.stage == a.stage {
                break next;
            }
        };
        assert_eq!(next.number, number);
        let value = f64::from(number);
        let mut records = vec![started(from)];
        records.extend((from + 1..=to).map(|at| big(at, value)));
        append(&mut conn, w, next, 1, &records).await.unwrap();
        seen.retain(|(at, _)| *at <= from);
        seen.extend((from + 1..=to).map(|at| (at, value)));
        for (along, cost) in COSTS {
            let expected: Vec<(f64, i64, f64)> = seen
                .iter()
                .map(|&(at, value)| (cost(at), at as i64, value))
                .collect();
            assert_eq!(drawn(&mut conn, id, along).await, expected, "{along:?}");
        }
    }
}

#[tokio::test]
async fn a_stage_is_read_in_tens_once_it_has_more_than_two_hundred_steps() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, w, a) = begun(&mut conn).await;
    for (from, to, points) in [(0, 200, 200), (200, 201, 21)] {
        let records: Vec<Record> = (from..to).map(|at| big(at, 1.0)).collect();
        append(&mut conn, w, a, 2 + from, &records).await.unwrap();
        assert_eq!(drawn(&mut conn, id, Along::Tokens).await.len(), points);
    }
    // Left behind within the first ten, it is short again, whatever the old attempt had reached.
    lose_all(&mut conn).await;
    no_pauses(&mut conn).await;
    let next = loop {
        let next = attempt(&claim(&mut conn, w).await);
        if next.stage == a.stage {
            break next;
        }
    };
    let later = [started(7), big(8, 3.0)];
    append(&mut conn, w, next, 1, &later).await.unwrap();
    let mut expected: Vec<(f64, i64, f64)> = (0..=7)
        .map(|at| (paid(at).charged.tokens, at as i64, 1.0))
        .collect();
    expected.push((paid(8).charged.tokens, 8, 3.0));
    assert_eq!(drawn(&mut conn, id, Along::Tokens).await, expected);
}
