use crate::support::*;
use assay_core::ids::WorkerId;
use assay_core::wire::{Host, Outcome, PROTOCOL, Register};
use assay_store::{StoreError, Waiting};
use std::collections::HashSet;
use std::sync::Arc;

#[tokio::test]
async fn jobs_are_claimed_by_priority_then_in_the_order_of_the_plan() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("3")).await;
    let runs = runs(&mut conn, id).await;
    sqlx::query("update job set priority = 1 where stage_id = $1")
        .bind(stage(&runs[2], "base").0)
        .execute(&mut *conn)
        .await
        .unwrap();
    let w = worker(&mut conn, 1).await;
    for run in [2, 0, 1] {
        assert_eq!(claim(&mut conn, w).await.stage, stage(&runs[run], "base"));
    }
    assert!(assay_store::claim(&mut conn, w, 1).await.unwrap().is_none());
}

#[tokio::test]
async fn a_worker_drains_for_a_head_that_needs_more_threads_than_are_free() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let wide = experiment(
        "1",
        &[
            "{ id: wide, kind: pretrain, model: {}, threads: 2 }",
            "{ id: base, kind: pretrain, model: {} }",
        ],
        &["{ id: wide, policy: wide }", BASE_ARM],
    );
    insert(&mut conn, &wide).await;
    let two = worker(&mut conn, 2).await;
    let one = worker(&mut conn, 1).await;
    // One thread is busy: the head would fit if the worker were idle, so it waits.
    assert!(
        assay_store::claim(&mut conn, two, 1)
            .await
            .unwrap()
            .is_none()
    );
    // The head is not for a worker of one thread at all; it takes the next.
    let narrow = assay_store::claim(&mut conn, one, 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(narrow.spec.threads, 1);
    let head = assay_store::claim(&mut conn, two, 2)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(head.spec.threads, 2);
}

#[tokio::test]
async fn a_job_that_no_worker_can_run_says_so() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let jobs = assay_store::list_jobs(&mut conn, 10).await.unwrap();
    assert_eq!(jobs[0].waiting, Some(Waiting::Worker { threads: 1 }));
    assert_eq!(jobs[0].needed_by.len(), 2);
    worker(&mut conn, 1).await;
    let jobs = assay_store::list_jobs(&mut conn, 10).await.unwrap();
    assert_eq!(jobs[0].waiting, Some(Waiting::Turn { ahead: 0 }));
    assert_eq!(jobs[1].waiting, Some(Waiting::Inputs { unfinished: 1 }));
}

#[tokio::test]
async fn only_workers_that_are_there_and_speak_the_protocol_count() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    worker(&mut conn, 1).await;
    sqlx::query("update worker set seen_at = clock_timestamp() - interval '40 s'")
        .execute(&mut *conn)
        .await
        .unwrap();
    let newer = Register {
        protocol: PROTOCOL + 1,
        name: "newer".into(),
        threads: 1,
        host: Host::default(),
    };
    assay_store::register_worker(&mut conn, &newer)
        .await
        .unwrap();
    let jobs = assay_store::list_jobs(&mut conn, 10).await.unwrap();
    assert_eq!(jobs[0].waiting, Some(Waiting::Worker { threads: 1 }));
}

#[tokio::test]
async fn a_worker_of_another_protocol_gets_nothing_and_an_unknown_one_is_told() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let register = Register {
        protocol: PROTOCOL + 1,
        name: "newer".into(),
        threads: 1,
        host: Host::default(),
    };
    let newer = assay_store::register_worker(&mut conn, &register)
        .await
        .unwrap();
    assert!(
        assay_store::claim(&mut conn, newer, 1)
            .await
            .unwrap()
            .is_none()
    );
    let unknown = assay_store::claim(&mut conn, WorkerId::new(), 1).await;
    assert!(matches!(unknown, Err(StoreError::NotFound("worker"))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_job_is_ever_claimed_twice() {
    let db = Arc::new(Database::with_connections(16).await);
    let mut conn = db.conn().await;
    insert(&mut conn, &small("100")).await;
    let mut claimers = vec![];
    for _ in 0..16 {
        let w = worker(&mut conn, 1).await;
        let pool = db.pool.clone();
        claimers.push(tokio::spawn(async move {
            let mut taken = vec![];
            while let Some(claim) = {
                let mut conn = pool.acquire().await.unwrap();
                assay_store::claim(&mut conn, w, 1).await.unwrap()
            } {
                taken.push(claim.stage);
                let mut tx = assay_store::begin(&pool).await.unwrap();
                assay_store::finish(&mut tx, w, attempt(&claim), 0, &Outcome::Succeeded)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
            }
            taken
        }));
    }
    drop(conn);
    let mut all = vec![];
    for claimer in claimers {
        all.extend(claimer.await.unwrap());
    }
    // A claimer that saw an empty queue for a moment has left; the rest is drained here.
    let mut conn = db.conn().await;
    let w = worker(&mut conn, 1).await;
    let rest = drain(&mut conn, w).await;
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    assert_eq!(all.len() + rest, 400);
    let open = "select count(*) from job where state <> 'succeeded' or attempts <> 1";
    assert_eq!(number(&mut conn, open).await, 0);
}

#[tokio::test]
async fn workers_are_listed_with_what_they_run() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 3).await;
    worker(&mut conn, 1).await;
    let taken = claim(&mut conn, w).await;
    let listed = assay_store::list_workers(&mut conn).await.unwrap();
    assert_eq!(listed.len(), 2);
    let busy = listed.iter().find(|view| view.id == w).unwrap();
    assert_eq!((busy.threads, busy.running.len()), (3, 1));
    assert_eq!(busy.running[0].stage, taken.stage);
    assert!(busy.seconds_since_seen >= 0.0);
    let jobs = assay_store::list_jobs(&mut conn, 1).await.unwrap();
    assert_eq!(jobs[0].worker_name.as_deref(), Some("w"));
}
