//! Curves against a brute-force aggregation of the points that were sent.

use crate::support::*;
use assay_core::ids::AttemptRef;
use assay_core::rng::{Stream, Uniform};
use assay_core::wire::{Cumulative, Outcome, Record};
use assay_store::Point;
use std::collections::BTreeMap;

const METRIC: &str = "train/loss";

struct Sent {
    attempt: i32,
    step: i64,
    value: f64,
    cum: Cumulative,
}

/// What is left of the points of all attempts, in order.
fn current<'a>(sent: &'a [Sent], starts: &[i64]) -> Vec<&'a Sent> {
    let hidden_after = |attempt: i32| {
        let later = &starts[attempt as usize..];
        let ends = later.iter().map(|s| if *s == 0 { -1 } else { *s });
        ends.min().unwrap_or(i64::MAX)
    };
    sent.iter()
        .filter(|p| p.step <= hidden_after(p.attempt))
        .collect()
}

fn brute(points: &[&Sent], level: u32) -> Vec<Point> {
    let width = 10_i64.pow(level);
    let of = |chunk: &[&Sent]| {
        let values: Vec<f64> = chunk.iter().map(|p| p.value).collect();
        let last = chunk.last().unwrap();
        Point {
            step: last.step,
            count: chunk.len() as i64,
            mean: values.iter().sum::<f64>() / values.len() as f64,
            min: values.iter().copied().fold(f64::NAN, f64::min),
            max: values.iter().copied().fold(f64::NAN, f64::max),
            last: last.value,
            cum: last.cum,
        }
    };
    match level {
        0 => points.iter().map(|p| of(&[*p])).collect(),
        _ => points
            .chunk_by(|a, b| a.step / width == b.step / width)
            .map(of)
            .collect(),
    }
}

fn close(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

fn assert_same(read: &[Point], expected: &[Point], what: &str) {
    assert_eq!(read.len(), expected.len(), "{what}");
    for (r, e) in read.iter().zip(expected) {
        let same = (r.step, r.count, r.cum) == (e.step, e.count, e.cum)
            && close(r.mean, e.mean)
            && close(r.min, e.min)
            && close(r.max, e.max)
            && close(r.last, e.last);
        assert!(same, "{what}\nread     {r:?}\nexpected {e:?}");
    }
}

fn value(random: &mut Stream) -> f64 {
    match random.below(40) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        n => f64::from(n) - 20.0 + f64::from(random.below(1000)) / 1000.0,
    }
}

#[tokio::test]
async fn curves_equal_a_brute_force_aggregation_of_their_points() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("24")).await;
    let w = worker(&mut conn, 1).await;
    for case in 0..24_u32 {
        let mut random = Uniform::new(1, "rollups").stream(case, 0);
        let first = attempt(&claim(&mut conn, w).await);
        let attempts = 1 + random.below(4);
        let stride = [1, 1, 3, 17, 120][random.below(5) as usize];
        let mut sent: Vec<Sent> = vec![];
        let mut starts: Vec<i64> = vec![];
        let mut reached = 0_i64;
        for number in 1..=attempts as i32 {
            let own = AttemptRef {
                stage: first.stage,
                number,
            };
            let from = match number {
                1 => 0,
                _ => i64::from(random.below(reached as u32 + 1)),
            };
            starts.push(from);
            let mut batch = vec![started(from as u64)];
            let mut seq = 1;
            let mut at = from + i64::from(from > 0);
            for _ in 0..random.between(1, 700) {
                let value = value(&mut random);
                let cum = cum(at as f64 + f64::from(number) / 8.0);
                batch.push(Record::Step {
                    step: at as u64,
                    cum,
                    metrics: BTreeMap::from([(METRIC.into(), value), ("other".into(), 0.0)]),
                });
                sent.push(Sent {
                    attempt: number,
                    step: at,
                    value,
                    cum,
                });
                reached = reached.max(at);
                at += i64::from(random.between(1, stride));
                if random.below(50) == 0 {
                    append(&mut conn, w, own, seq, &batch).await.unwrap();
                    seq += batch.len() as u64;
                    batch.clear();
                }
            }
            append(&mut conn, w, own, seq, &batch).await.unwrap();
            if number < attempts as i32 {
                lose_all(&mut conn).await;
                // The case's own job, whatever else is queued.
                sqlx::query("update job set priority = attempts")
                    .execute(&mut *conn)
                    .await
                    .unwrap();
                assert_eq!(claim(&mut conn, w).await.attempt, number + 1);
            }
        }
        let expected = current(&sent, &starts);
        for max in [100_000, 300, 40, 7, 1] {
            let read = assay_store::series(&mut conn, first.stage, METRIC, max)
                .await
                .unwrap();
            let what = format!("case {case}, starts {starts:?}, level {}", read.level);
            assert!(
                read.points.len() <= max.max(1) + 1,
                "{what}: {}",
                read.points.len()
            );
            assert_same(&read.points, &brute(&expected, read.level), &what);
        }
        // A part of it, from the points themselves to the coarsest rollup.
        let reached = reached.max(1) as u32;
        let low = i64::from(random.below(reached + 1));
        let high = low + i64::from(random.below(reached + 1));
        let part: Vec<&Sent> = expected
            .iter()
            .copied()
            .filter(|p| (low..=high).contains(&p.step))
            .collect();
        for max in [100_000, 40, 7, 1] {
            let read =
                assay_store::series_between(&mut conn, first.stage, METRIC, (low, high), max)
                    .await
                    .unwrap();
            let what = format!("case {case}, {low} to {high}, level {}", read.level);
            assert!(read.points.len() <= max + 1, "{what}");
            assert_same(&read.points, &brute(&part, read.level), &what);
        }
        let last = AttemptRef {
            stage: first.stage,
            number: attempts as i32,
        };
        finish(&mut conn, w, last, &Outcome::Succeeded)
            .await
            .unwrap();
        sqlx::query("update job set priority = -1 where attempts = 0 and stage_id in (select stage_id from stage_input)")
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    // Of the base no arm pays anything, so no arm shows it.
    let none = assay_store::experiment_series(&mut conn, id, METRIC)
        .await
        .unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn a_long_series_gets_coarser_rollups() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    let mut sent = vec![];
    append(&mut conn, w, a, 1, &[started(0)]).await.unwrap();
    let mut random = Uniform::new(2, "rollups").stream(0, 0);
    for batch in 0..26_u64 {
        let steps: Vec<u64> = (batch * 1000..(batch + 1) * 1000).collect();
        let records: Vec<Record> = steps
            .iter()
            .map(|&at| {
                let value = value(&mut random);
                sent.push(Sent {
                    attempt: 1,
                    step: at as i64,
                    value,
                    cum: cum(at as f64),
                });
                step(at, METRIC, value)
            })
            .collect();
        append(&mut conn, w, a, 2 + batch * 1000, &records)
            .await
            .unwrap();
        let levels = number(&mut conn, "select max(level)::bigint from series_rollup").await;
        assert_eq!(levels, if batch < 10 { 1 } else { 2 });
    }
    // Cut below, within and above the point where level 2 begins.
    for (number, from) in [(2, 12_345_u64), (3, 9_955), (4, 9_954)] {
        lose_all(&mut conn).await;
        let next = attempt(&claim(&mut conn, w).await);
        assert_eq!(next.number, number);
        append(
            &mut conn,
            w,
            next,
            1,
            &[started(from), step(from + 3, METRIC, 0.5)],
        )
        .await
        .unwrap();
        sent.retain(|p| p.step <= from as i64);
        sent.push(Sent {
            attempt: number,
            step: from as i64 + 3,
            value: 0.5,
            cum: cum(from as f64 + 3.0),
        });
        let expected: Vec<&Sent> = sent.iter().collect();
        for max in [100_000, 1300, 130, 13] {
            let read = assay_store::series(&mut conn, a.stage, METRIC, max)
                .await
                .unwrap();
            let what = format!("from {from}, level {}", read.level);
            assert_same(&read.points, &brute(&expected, read.level), &what);
        }
    }
}

#[tokio::test]
async fn curves_of_an_experiment_run_along_what_the_arm_was_charged() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let two = experiment(
        "1",
        &[BASE],
        &[
            BASE_ARM,
            "{ id: two, stages: [{ id: sft, kind: sft, inputs: { init: base } }, \
             { id: grpo, kind: grpo, inputs: { init: sft } }] }",
            "{ id: three, stages: [{ id: grpo, kind: grpo, epsilon: 0.3, inputs: { init: two/sft } }] }",
        ],
    );
    let id = insert(&mut conn, &two).await;
    let w = worker(&mut conn, 1).await;
    while let Some(claim) = assay_store::claim(&mut conn, w, 1).await.unwrap() {
        let a = attempt(&claim);
        let records = [
            started(0),
            step(8, METRIC, 1.0),
            step(9, METRIC, 2.0),
            step(14, METRIC, 4.0),
            spent(14, &[("update", 100.0), ("evaluation", 7.0)]),
        ];
        if claim.spec.job.kind() == "grpo" {
            append(&mut conn, w, a, 1, &records).await.unwrap();
            // Left behind at step 8: of its points one is left.
            lose_all(&mut conn).await;
            let b = attempt(&assay_store::claim(&mut conn, w, 1).await.unwrap().unwrap());
            let later = [
                started(8),
                step(13, METRIC, 8.0),
                spent(13, &[("update", 50.0)]),
            ];
            append(&mut conn, w, b, 1, &later).await.unwrap();
            finish(&mut conn, w, b, &Outcome::Succeeded).await.unwrap();
        } else {
            append(&mut conn, w, a, 1, &records).await.unwrap();
            finish(&mut conn, w, a, &Outcome::Succeeded).await.unwrap();
        }
    }
    let curves = assay_store::experiment_series(&mut conn, id, METRIC)
        .await
        .unwrap();
    type Curve<'a> = (&'a str, Vec<(f64, i64, f64)>);
    let seen: Vec<Curve<'_>> = curves
        .iter()
        .map(|c| {
            let points = c.points.iter().map(|p| (p.x, p.step, p.mean));
            (c.arm_key.as_str(), points.collect())
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                "two",
                vec![
                    (8.0, 8, 1.0),
                    (9.0, 9, 2.0),
                    (14.0, 14, 4.0),
                    (108.0, 8, 1.0),
                    (113.0, 13, 8.0)
                ]
            ),
            ("three", vec![(108.0, 8, 1.0), (113.0, 13, 8.0)]),
        ]
    );
}
