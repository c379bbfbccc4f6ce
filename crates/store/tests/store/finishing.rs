use crate::support::*;
use assay_core::spec::Experiment;
use assay_core::wire::{FailureClass, Outcome};
use assay_store::{JobState, RunState, StoreError};
use std::sync::Arc;

/// base -> a, b -> grpo -> eval
fn diamond(seeds: &str) -> Experiment {
    experiment(
        seeds,
        &[BASE],
        &[
            BASE_ARM,
            "{ id: d, stages: [{ id: a, kind: sft, inputs: { init: base } }, \
             { id: b, kind: sft, batch_size: 9, inputs: { init: base } }, \
             { id: grpo, kind: grpo, beta: 0.1, inputs: { init: a, reference: b } }] }",
        ],
    )
}

#[tokio::test]
async fn success_releases_children_and_may_be_told_twice() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &diamond("1")).await;
    let w = worker(&mut conn, 1).await;
    let base = attempt(&claim(&mut conn, w).await);
    for _ in 0..2 {
        finish(&mut conn, w, base, &Outcome::Succeeded)
            .await
            .unwrap();
    }
    let run = runs(&mut conn, id).await.remove(1);
    assert_eq!(
        states(&run)[..4],
        [
            JobState::Succeeded,
            JobState::Queued,
            JobState::Queued,
            JobState::Blocked
        ]
    );
    assert_eq!(run.stages[3].waits_for, ["a", "b"]);
    assert_eq!(run.state, RunState::Waiting);
    // Another outcome of an attempt that has ended is another attempt's business.
    let other = finish(&mut conn, w, base, &crash()).await;
    assert!(matches!(other, Err(StoreError::LeaseLost)));
    assert_eq!(drain(&mut conn, w).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_of_two_parents_that_finish_at_once_is_released_once() {
    let db = Arc::new(Database::with_connections(8).await);
    let mut conn = db.conn().await;
    insert(&mut conn, &diamond("20")).await;
    let w = worker(&mut conn, 64).await;
    // All stages of a depth at once, each in a task of its own.
    let mut depths = vec![];
    loop {
        let mut claims = vec![];
        while let Some(claim) = assay_store::claim(&mut conn, w, 64).await.unwrap() {
            claims.push(attempt(&claim));
        }
        if claims.is_empty() {
            break;
        }
        depths.push(claims.len());
        let tasks: Vec<_> = claims
            .into_iter()
            .map(|attempt| {
                let pool = db.pool.clone();
                tokio::spawn(async move {
                    let mut tx = assay_store::begin(&pool).await.unwrap();
                    assay_store::finish(&mut tx, w, attempt, 0, &Outcome::Succeeded)
                        .await
                        .unwrap();
                    tx.commit().await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
    // base; a, b and the base's evaluation; grpo; its evaluation.
    assert_eq!(depths, [20, 60, 20, 20]);
    let odd =
        "select count(*) from job where state <> 'succeeded' or waiting_on <> 0 or attempts <> 1";
    assert_eq!(number(&mut conn, odd).await, 0);
}

#[tokio::test]
async fn a_crash_is_tried_again_after_a_pause_and_the_third_is_the_last() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &diamond("1")).await;
    let w = worker(&mut conn, 1).await;
    for (number_, pause) in [(1, 30), (2, 60), (3, 0)] {
        let claim = claim(&mut conn, w).await;
        assert_eq!(claim.attempt, number_);
        finish(&mut conn, w, attempt(&claim), &crash())
            .await
            .unwrap();
        if pause > 0 {
            let left = "select round(extract(epoch from not_before - clock_timestamp()))::bigint \
                        from job where attempts > 0";
            let left = number(&mut conn, left).await;
            assert!((pause - 2..=pause).contains(&left), "{left} of {pause}");
            assert!(assay_store::claim(&mut conn, w, 1).await.unwrap().is_none());
            let jobs = assay_store::list_jobs(&mut conn, 1).await.unwrap();
            assert!(matches!(
                jobs[0].waiting,
                Some(assay_store::Waiting::Retry { .. })
            ));
            no_pauses(&mut conn).await;
        }
    }
    let runs = runs(&mut conn, id).await;
    assert_eq!(runs[1].state, RunState::Failed);
    assert_eq!(runs[1].stages[0].failures, 3);
    assert!(
        states(&runs[1])[1..]
            .iter()
            .all(|s| *s == JobState::Cancelled)
    );
    assert_eq!(
        number(&mut conn, "select count(*) from stage where reusable").await,
        0
    );
}

#[tokio::test]
async fn only_crashes_and_full_memories_are_tried_again() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("4")).await;
    let w = worker(&mut conn, 1).await;
    for (class, expected) in [
        (FailureClass::Crash, JobState::Queued),
        (FailureClass::Oom, JobState::Queued),
        (FailureClass::Nan, JobState::Failed),
        (FailureClass::BadConfig, JobState::Failed),
    ] {
        let claim = claim(&mut conn, w).await;
        finish(&mut conn, w, attempt(&claim), &failed(class))
            .await
            .unwrap();
        let jobs = assay_store::list_jobs(&mut conn, 100).await.unwrap();
        let job = jobs.iter().find(|job| job.stage == claim.stage).unwrap();
        assert_eq!((job.state, job.failures), (expected, 1), "{class:?}");
    }
}

#[tokio::test]
async fn a_preempted_attempt_goes_back_without_a_mark() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("2")).await;
    let w = worker(&mut conn, 1).await;
    let first = claim(&mut conn, w).await;
    finish(&mut conn, w, attempt(&first), &Outcome::Preempted)
        .await
        .unwrap();
    let stage = &runs(&mut conn, id).await[0].stages[0];
    assert_eq!(
        (stage.state, stage.attempts, stage.failures),
        (JobState::Queued, 1, 0)
    );
    // What was begun is continued first.
    let again = claim(&mut conn, w).await;
    assert_eq!((again.stage, again.attempt), (first.stage, 2));
}

#[tokio::test]
async fn an_end_before_its_records_is_refused() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    append(&mut conn, w, a, 1, &[started(0)]).await.unwrap();
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let early = assay_store::finish(&mut tx, w, a, 2, &Outcome::Succeeded).await;
    assert!(matches!(early, Err(StoreError::Gap { last: 1 })));
    drop(tx);
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::finish(&mut tx, w, a, 1, &Outcome::Succeeded)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn listeners_hear_of_queued_jobs_and_changed_stages() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let mut listener = sqlx::postgres::PgListener::connect_with(&db.pool)
        .await
        .unwrap();
    listener
        .listen_all([assay_store::JOB_CHANNEL, assay_store::STAGE_CHANNEL])
        .await
        .unwrap();
    insert(&mut conn, &small("1")).await;
    assert_eq!(
        listener.recv().await.unwrap().channel(),
        assay_store::JOB_CHANNEL
    );
    let w = worker(&mut conn, 1).await;
    let base = attempt(&claim(&mut conn, w).await);
    let heard = listener.recv().await.unwrap();
    assert_eq!(heard.payload(), base.stage.to_string());
    finish(&mut conn, w, base, &Outcome::Succeeded)
        .await
        .unwrap();
    let mut heard = vec![];
    for _ in 0..4 {
        heard.push(listener.recv().await.unwrap().channel().to_string());
    }
    heard.sort();
    // The base and its two children; jobs to claim.
    let stage = assay_store::STAGE_CHANNEL;
    assert_eq!(heard, [assay_store::JOB_CHANNEL, stage, stage, stage]);
}
