//! Speeds, prices and runs by the device that was worked on.

use crate::support::*;
use assay_core::ids::{StageId, WorkerId};
use assay_core::spending::KindSpeed;
use assay_core::wire::{Host, Outcome, PROTOCOL, Register};
use assay_store::{NewPrice, RunView};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

const CPU: &str = "A processor";
const GPU: &str = "NVIDIA H200";

async fn worker_on(conn: &mut PgConnection, class: &str, name: &str) -> WorkerId {
    let register = Register {
        protocol: PROTOCOL,
        name: "w".into(),
        threads: 1,
        host: Host {
            device: class.into(),
            device_name: name.into(),
            ..Host::default()
        },
    };
    assay_store::register_worker(conn, &register).await.unwrap()
}

/// Works off what is queued, with so many tokens for each stage that trains.
async fn work_off(conn: &mut PgConnection, w: WorkerId, tokens: f64) {
    while let Some(claim) = assay_store::claim(conn, w, 1).await.unwrap() {
        let spent = match claim.spec.job.kind() {
            "eval" => spent(0, &[("evaluation", 5.0)]),
            "grpo" => spent(
                5,
                &[
                    ("rollout", tokens),
                    ("reference", tokens),
                    ("update", tokens),
                    ("evaluation", 7.0),
                ],
            ),
            _ => spent(5, &[("update", tokens)]),
        };
        append(conn, w, attempt(&claim), 1, &[started(0), spent])
            .await
            .unwrap();
        finish(conn, w, attempt(&claim), &Outcome::Succeeded)
            .await
            .unwrap();
    }
}

/// A base that one device begins and another ends, from this step.
async fn move_on(conn: &mut PgConnection, from: WorkerId, to: WorkerId, step: u64) {
    let first = attempt(&claim(conn, from).await);
    let records = [started(0), spent(5, &[("update", 10.0)])];
    append(conn, from, first, 1, &records).await.unwrap();
    lose_all(conn).await;
    let second = attempt(&claim(conn, to).await);
    let records = [started(step), spent(9, &[("update", 20.0)])];
    append(conn, to, second, 1, &records).await.unwrap();
    finish(conn, to, second, &Outcome::Succeeded).await.unwrap();
}

async fn speeds(conn: &mut PgConnection, kind: &str) -> Vec<KindSpeed> {
    let mut all = assay_store::list_speeds(conn).await.unwrap();
    all.retain(|speed| speed.kind == kind);
    all
}

/// Of the latest seed.
fn last_of(runs: &[RunView], arm: &str) -> Vec<StageId> {
    let own = runs.iter().filter(|run| run.arm.key == arm);
    let run = own.max_by_key(|run| run.seed).unwrap();
    run.stages.iter().map(|s| s.stage).collect()
}

#[tokio::test]
async fn speeds_are_told_apart_by_device_and_what_has_moved_tells_none() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let cpu = worker_on(&mut conn, "cpu", CPU).await;
    let gpu = worker_on(&mut conn, "cuda", GPU).await;
    let first = insert(&mut conn, &small("1")).await;
    work_off(&mut conn, cpu, 100.0).await;
    // What the first has computed is used again: a second seed alone is new.
    insert(&mut conn, &small("2")).await;
    work_off(&mut conn, gpu, 300.0).await;
    let found = speeds(&mut conn, "sft").await;
    let told: Vec<(&str, &str, u64, f64)> = found
        .iter()
        .map(|s| {
            let device = &s.device;
            (
                device.name.as_str(),
                device.class.as_str(),
                s.stages,
                s.sum.tokens,
            )
        })
        .collect();
    assert_eq!(told, [(CPU, "cpu", 1, 100.0), (GPU, "cuda", 1, 300.0)]);

    let third = insert(&mut conn, &small("3")).await;
    move_on(&mut conn, cpu, gpu, 5).await;
    let stages = |found: Vec<KindSpeed>| found.iter().map(|s| s.stages).collect::<Vec<_>>();
    assert_eq!(stages(speeds(&mut conn, "pretrain").await), [1, 1]);
    work_off(&mut conn, gpu, 300.0).await;
    // Of one that began anew, nothing of the first device is left.
    insert(&mut conn, &small("4")).await;
    move_on(&mut conn, cpu, gpu, 0).await;
    assert_eq!(stages(speeds(&mut conn, "pretrain").await), [1, 2]);

    let of_first = last_of(&runs(&mut conn, first).await, "two");
    let moved = last_of(&runs(&mut conn, third).await, "two");
    let fifth = insert(&mut conn, &small("5")).await;
    let new = last_of(&runs(&mut conn, fifth).await, "two");
    let mut on = vec![];
    for stages in [of_first, moved, new] {
        on.push(assay_store::find_device(&mut conn, &stages).await.unwrap());
    }
    assert_eq!(on, [Some(CPU.to_string()), None, None]);
}

#[tokio::test]
async fn a_rollouts_tokens_count_once_however_often_they_are_passed_through() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let w = worker_on(&mut conn, "cuda", GPU).await;
    let rl = "{ id: rl, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }";
    insert(&mut conn, &experiment("2", &[BASE], &[BASE_ARM, rl])).await;
    work_off(&mut conn, w, 100.0).await;
    let found = speeds(&mut conn, "grpo").await;
    let of = &found[0];
    // Three passes of 100 tokens each; two milliseconds a token, measuring included.
    assert_eq!((of.stages, of.rollout_tokens), (2, 200.0));
    assert_eq!((of.sum.tokens, of.sum.device_ms), (600.0, 2.0 * 614.0));
    assert_eq!(of.spread.per_rollout_token, Some(0.0));
    let base = speeds(&mut conn, "pretrain").await;
    assert_eq!(base[0].rollout_tokens, 0.0);
    assert_eq!(base[0].spread.per_rollout_token, None);
}

#[tokio::test]
async fn a_newer_price_of_the_class_does_not_replace_the_devices_own() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let w = worker_on(&mut conn, "cuda", GPU).await;
    let id = insert(&mut conn, &small("1")).await;
    work_off(&mut conn, w, 100.0).await;
    for (device, dollars_per_hour, days) in [("nvidia h200", 3600.0, 20), ("CUDA", 7.0, 10)] {
        let price = NewPrice {
            device: device.into(),
            dollars_per_hour,
            valid_from: Some(OffsetDateTime::now_utc() - Duration::days(days)),
            source: "s".into(),
        };
        assay_store::insert_price(&mut conn, &price).await.unwrap();
    }
    let all = assay_store::list_spending(&mut conn, &[id]).await.unwrap();
    let ms: f64 = all[&id].iter().map(|s| s.all.device_ms).sum();
    let dollars: f64 = all[&id].iter().filter_map(|s| s.dollars).sum();
    assert!(
        ms > 0.0 && (dollars - ms / 1e3).abs() < 1e-9,
        "{dollars} {ms}"
    );
    let charged = assay_store::charged_dollars(&mut conn, id).await.unwrap();
    let prices = charged.prices();
    assert_eq!((prices.len(), prices[0].1.dollars_per_hour), (1, 3600.0));
    // Where a device has no price of its own, that of its class holds.
    sqlx::query("delete from price where dollars_per_hour > 1000")
        .execute(&mut *conn)
        .await
        .unwrap();
    let charged = assay_store::charged_dollars(&mut conn, id).await.unwrap();
    assert_eq!(charged.prices()[0].1.dollars_per_hour, 7.0);
}
