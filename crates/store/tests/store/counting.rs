//! Which runs count, and what was spent on whom.

use crate::support::*;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::task::Split;
use assay_core::wire::{Outcome, Record};
use assay_store::{NewPrice, RunState, Search, Standing, StoreError};
use sqlx::PgConnection;

/// Works off `small`: every training stage uses 100 tokens and measures for 7, every
/// evaluation 5, a token a millisecond.
async fn worked(conn: &mut PgConnection, seeds: &str) -> ExperimentId {
    let id = insert(conn, &small(seeds)).await;
    let w = worker(conn, 1).await;
    while let Some(claim) = assay_store::claim(conn, w, 1).await.unwrap() {
        let records: Vec<Record> = match claim.spec.job.kind() {
            "eval" => vec![
                started(0),
                spent(0, &[("evaluation", 5.0)]),
                measured(0, Split::Test, None, 0.0, &[&[true, false], &[true, true]]),
            ],
            _ => vec![
                started(0),
                step(5, "train/loss", 1.0),
                spent(5, &[("update", 100.0), ("evaluation", 7.0)]),
            ],
        };
        append(conn, w, attempt(&claim), 1, &records).await.unwrap();
        finish(conn, w, attempt(&claim), &Outcome::Succeeded)
            .await
            .unwrap();
    }
    id
}

async fn first_run(conn: &mut PgConnection, id: ExperimentId, arm: &str) -> RunId {
    let runs = assay_store::list_runs(conn, id).await.unwrap();
    runs.iter().find(|r| r.arm.key == arm).unwrap().id
}

#[tokio::test]
async fn an_excluded_run_keeps_its_figures_with_a_mark_until_it_is_taken_back() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = worked(&mut conn, "2").await;
    let run = first_run(&mut conn, id, "two").await;
    let marks = async |conn: &mut PgConnection| -> Vec<bool> {
        let figures = assay_store::run_figures(conn, id).await.unwrap();
        figures[1].runs.iter().map(|r| r.excluded).collect()
    };
    assert_eq!(marks(&mut conn).await, [false, false]);
    assert!(matches!(
        assay_store::exclude_run(&mut conn, run, "  ").await,
        Err(StoreError::Conflict(_))
    ));
    assert!(matches!(
        assay_store::include_run(&mut conn, run, "").await,
        Err(StoreError::Conflict(_))
    ));
    assay_store::exclude_run(&mut conn, run, " a fan\0 failed ")
        .await
        .unwrap();
    assert_eq!(marks(&mut conn).await, [true, false]);
    let supervised = assay_store::list_supervision(&mut conn, id).await.unwrap();
    assert_eq!((supervised[0].runs, supervised[1].runs), (2, 1));
    assert!(
        assay_store::exclude_run(&mut conn, run, "again")
            .await
            .is_err()
    );
    assay_store::include_run(&mut conn, run, "").await.unwrap();
    assert_eq!(marks(&mut conn).await, [false, false]);
    let told = assay_store::list_exclusions(&mut conn, id).await.unwrap();
    let said: Vec<(bool, bool, &str)> = told
        .iter()
        .map(|e| (e.excluded, e.holds, e.reason.as_str()))
        .collect();
    assert_eq!(
        said,
        [(true, false, "a fan\u{fffd} failed"), (false, true, "")]
    );
    assert!(!told.iter().any(|e| e.is_in_force()));
    assert!(matches!(
        assay_store::exclude_run(&mut conn, RunId::new(), "x").await,
        Err(StoreError::NotFound("run"))
    ));
}

#[tokio::test]
async fn a_stage_is_spent_once_under_the_experiment_that_planned_it_first() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let first = worked(&mut conn, "2").await;
    let second = insert(&mut conn, &small("2")).await;
    let all = assay_store::list_spending(&mut conn, &[first, second])
        .await
        .unwrap();
    assert!(!all.contains_key(&second), "it has computed nothing");
    let stages = &all[&first];
    // Two seeds: base 107, sft 107, two evaluations of 5.
    let sum: f64 = stages.iter().map(|s| s.all.tokens).sum();
    assert_eq!(sum, 2.0 * (107.0 + 107.0 + 5.0 + 5.0));
    let measuring: f64 = stages.iter().map(|s| s.evaluation.tokens).sum();
    assert_eq!(measuring, 2.0 * (7.0 + 7.0 + 5.0 + 5.0));
    let shared = stages.iter().filter(|s| s.arms.len() == 2).count();
    assert_eq!((stages.len(), shared), (8, 2));
    assert!(stages.iter().all(|s| s.dollars.is_none()));
}

#[tokio::test]
async fn money_is_what_the_price_in_force_at_the_time_makes_of_it() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = worked(&mut conn, "1").await;
    // The worker of these tests names no device.
    sqlx::query("update worker set host = jsonb_set(host, '{device}', '\"cpu\"')")
        .execute(&mut *conn)
        .await
        .unwrap();
    let price = |dollars_per_hour, days: i64| NewPrice {
        device: "CPU".into(),
        dollars_per_hour,
        valid_from: Some(time::OffsetDateTime::now_utc() + time::Duration::days(days)),
        source: "s".into(),
    };
    for (dollars, days) in [(1.0, -20), (3600.0, -10), (9.0, 10)] {
        assay_store::insert_price(&mut conn, &price(dollars, days))
            .await
            .unwrap();
    }
    let all = assay_store::list_spending(&mut conn, &[id]).await.unwrap();
    let ms: f64 = all[&id].iter().map(|s| s.all.device_ms).sum();
    let dollars: f64 = all[&id].iter().filter_map(|s| s.dollars).sum();
    assert!(
        ms > 0.0 && (dollars - ms / 1e3).abs() < 1e-9,
        "{dollars} {ms}"
    );
    assert_eq!(all[&id].iter().map(|s| s.unpriced_ms).sum::<f64>(), 0.0);
    let listed = assay_store::list_prices(&mut conn).await.unwrap();
    let amounts: Vec<f64> = listed.iter().map(|p| p.dollars_per_hour).collect();
    assert_eq!(amounts, [9.0, 3600.0, 1.0]);
    // Only prices from tomorrow on: nothing is in dollars, and all of it is said to be so.
    sqlx::query("delete from price where valid_from < clock_timestamp()")
        .execute(&mut *conn)
        .await
        .unwrap();
    let all = assay_store::list_spending(&mut conn, &[id]).await.unwrap();
    assert!(all[&id].iter().all(|s| s.dollars.is_none()));
    assert_eq!(all[&id].iter().map(|s| s.unpriced_ms).sum::<f64>(), ms);
}

#[tokio::test]
async fn charged_time_is_in_dollars_once_every_device_has_a_price() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = worked(&mut conn, "1").await;
    let none = assay_store::charged_dollars(&mut conn, id).await.unwrap();
    assert_eq!(none.unpriced(), [assay_store::UNKNOWN_DEVICE]);
    sqlx::query("update worker set host = jsonb_set(host, '{device}', '\"cpu\"')")
        .execute(&mut *conn)
        .await
        .unwrap();
    let price = NewPrice {
        device: "CPU".into(),
        dollars_per_hour: 3600.0,
        valid_from: Some(time::OffsetDateTime::now_utc() - time::Duration::days(1)),
        source: "invoice 7".into(),
    };
    assay_store::insert_price(&mut conn, &price).await.unwrap();
    let dollars = assay_store::charged_dollars(&mut conn, id).await.unwrap();
    assert_eq!(dollars.unpriced(), [""; 0]);
    assert_eq!(dollars.prices()[0].1.source, "invoice 7");
    assert!(!dollars.runs.is_empty());
    for (run, attempts) in &dollars.runs {
        // A stage is charged 100 ms; what it measured is not among them.
        let ms: f64 = attempts.iter().map(|a| a.device_ms).sum();
        assert!(ms > 0.0 && ms % 100.0 == 0.0, "{ms}");
        assert!((dollars.at(*run, ms).unwrap() - ms / 1e3).abs() < 1e-9);
        assert!((dollars.at(*run, ms / 2.0).unwrap() - ms / 2e3).abs() < 1e-9);
    }
}

#[tokio::test]
async fn speeds_are_by_kind_and_charged_units_are_without_measuring() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    assert!(
        assay_store::list_speeds(&mut conn)
            .await
            .unwrap()
            .is_empty()
    );
    worked(&mut conn, "2").await;
    let speeds = assay_store::list_speeds(&mut conn).await.unwrap();
    let of = |kind: &str| speeds.iter().find(|s| s.kind == kind).unwrap();
    let sft = of("sft");
    assert_eq!((sft.stages, sft.sum.tokens), (2, 200.0));
    assert!(sft.sum.device_ms > 0.0 && sft.half_ms >= 0.0 && sft.most_ms >= sft.half_ms);
    assert!(sft.spread.device_ms.is_some_and(|s| s >= 0.0) && sft.spread.per_token.is_some());
    // What has no tokens has no time for each.
    assert_eq!(of("eval").spread.per_token, None);
    assert_eq!((of("eval").stages, of("eval").sum.tokens), (4, 0.0));
    assert!(assay_store::count_open(&mut conn).await.unwrap().is_empty());
    let plan = assay_core::recipe::plan(&small("3"), "");
    let hashes: Vec<String> = plan.stages.iter().map(|s| s.hash.clone()).collect();
    let known = assay_store::find_succeeded(&mut conn, &hashes)
        .await
        .unwrap();
    assert_eq!((hashes.len(), known.len()), (12, 8));
}

#[tokio::test]
async fn answers_by_question_are_those_of_the_final_evaluation() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = worked(&mut conn, "1").await;
    let run = first_run(&mut conn, id, "two").await;
    let shares = assay_store::final_shares(&mut conn, &[run, RunId::new()], Split::Test)
        .await
        .unwrap();
    let values: Vec<f64> = shares[&run].values().copied().collect();
    assert_eq!((shares.len(), values), (1, vec![0.5, 1.0]));

    let id = worked(&mut conn, "2").await;
    let arms = async |conn: &mut PgConnection| -> Vec<(String, usize)> {
        let runs = assay_store::list_runs(&mut *conn, id).await.unwrap();
        let out = assay_store::list_exclusions(&mut *conn, id).await.unwrap();
        let arms = assay_store::arm_shares(conn, &runs, &out, Split::Test)
            .await
            .unwrap();
        arms.into_iter().map(|(arm, of)| (arm, of.len())).collect()
    };
    let all = arms(&mut conn).await;
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|(_, seeds)| *seeds == 2), "{all:?}");
    let run = first_run(&mut conn, id, "two").await;
    assay_store::exclude_run(&mut conn, run, "a fan failed")
        .await
        .unwrap();
    let of_two = |all: Vec<(String, usize)>| all.into_iter().find(|(arm, _)| arm == "two");
    assert_eq!(of_two(arms(&mut conn).await), Some(("two".into(), 1)));
}

#[tokio::test]
async fn experiments_are_found_by_words_and_standing() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let done = worked(&mut conn, "1").await;
    let mut other = small("3");
    other.name = "Über 100 % of it".into();
    let open = insert(&mut conn, &other).await;
    let find = async |conn: &mut PgConnection, text: Option<&str>, standing| {
        let search = Search {
            text: text.map(String::from),
            standing,
        };
        let found = assay_store::search_experiments(conn, 10, None, &search)
            .await
            .unwrap();
        found.into_iter().map(|e| e.id).collect::<Vec<_>>()
    };
    assert_eq!(find(&mut conn, Some("ÜBER 100 % OF"), None).await, [open]);
    assert_eq!(find(&mut conn, Some("_"), None).await, []);
    assert_eq!(find(&mut conn, None, Some(Standing::Done)).await, [done]);
    assert_eq!(find(&mut conn, None, Some(Standing::Open)).await, [open]);
    assert_eq!(find(&mut conn, None, Some(Standing::Failed)).await, []);
    assert_eq!(find(&mut conn, None, None).await, [open, done]);
    let fates = assay_store::list_runs(&mut conn, done).await.unwrap();
    assert!(fates.iter().all(|r| r.state == RunState::Succeeded));
}

#[tokio::test]
async fn what_is_registered_is_frozen_before_the_first_job_is_released() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("2")).await;
    let (frozen, released): (time::OffsetDateTime, time::OffsetDateTime) = sqlx::query_as(
        "select v.frozen_at, (select min(queued_at) from job)
         from experiment_version v where v.experiment_id = $1",
    )
    .bind(id.0)
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert!(frozen <= released, "{frozen} {released}");
    let view = assay_store::get_experiment(&mut conn, id).await.unwrap();
    let stored = serde_json::to_value(&view.spec).unwrap();
    assert_eq!(
        (view.version, view.sha256),
        (1, assay_core::canonical::sha256(&stored))
    );
    // The same experiment cannot have the same version twice.
    let again = sqlx::query("insert into experiment_version select * from experiment_version")
        .execute(&mut *conn)
        .await;
    assert!(again.is_err());
}
