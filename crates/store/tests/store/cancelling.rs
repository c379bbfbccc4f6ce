use crate::support::*;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::wire::{FailureClass, Outcome};
use assay_store::{JobState, RunState, StoreError};

async fn cancel(db: &Database, run: RunId) -> u64 {
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let n = assay_store::cancel_run(&mut tx, run).await.unwrap();
    tx.commit().await.unwrap();
    n
}

async fn retry(db: &Database, run: RunId) -> u64 {
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let n = assay_store::retry_failed(&mut tx, run).await.unwrap();
    tx.commit().await.unwrap();
    n
}

#[tokio::test]
async fn cancelling_a_run_spares_what_another_live_run_needs() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let [base, two] = <[_; 2]>::try_from(runs(&mut conn, id).await).unwrap();
    // sft and its evaluation; the base is the other run's too.
    assert_eq!(cancel(&db, two.id).await, 2);
    let after = run(&mut conn, two.id).await;
    assert_eq!(after.state, RunState::Cancelled);
    assert_eq!(
        states(&after),
        [JobState::Queued, JobState::Cancelled, JobState::Cancelled]
    );
    assert_eq!(cancel(&db, two.id).await, 0);
    // Now nobody needs it.
    assert_eq!(cancel(&db, base.id).await, 2);
    assert_eq!(
        number(
            &mut conn,
            "select count(*) from job where state <> 'cancelled'"
        )
        .await,
        0
    );
    assert_eq!(
        number(&mut conn, "select count(*) from stage where reusable").await,
        0
    );
}

#[tokio::test]
async fn a_run_that_was_cancelled_does_not_keep_what_it_shares() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let one = insert(&mut conn, &small("1")).await;
    let same = insert(&mut conn, &small("1")).await;
    let one = runs(&mut conn, one).await.remove(1);
    let same = runs(&mut conn, same).await.remove(1);
    // The other experiment's run needs all of it.
    assert_eq!(cancel(&db, one.id).await, 0);
    // sft and its evaluation; nobody is left who needs them.
    assert_eq!(cancel(&db, same.id).await, 2);
}

#[tokio::test]
async fn cancelling_twice_concerns_nothing_more() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    claim(&mut conn, w).await;
    for expected in [4, 0] {
        let mut tx = assay_store::begin(&db.pool).await.unwrap();
        let n = assay_store::cancel_experiment(&mut tx, id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(n, expected);
    }
}

#[tokio::test]
async fn a_running_stage_is_told_at_its_next_heartbeat_and_ends_cancelled() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("2")).await;
    let w = worker(&mut conn, 2).await;
    let (a, b) = (
        attempt(&claim(&mut conn, w).await),
        attempt(&claim(&mut conn, w).await),
    );
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assert_eq!(
        assay_store::cancel_experiment(&mut tx, id).await.unwrap(),
        8
    );
    tx.commit().await.unwrap();
    let answer = assay_store::heartbeat(&mut conn, w, a, None).await.unwrap();
    assert!(answer.cancel);
    finish(&mut conn, w, a, &Outcome::Cancelled).await.unwrap();
    // The other one's worker is lost before it hears of it.
    assert_eq!(lose_all(&mut conn).await, [b]);
    for run in runs(&mut conn, id).await {
        assert_eq!(run.state, RunState::Cancelled);
        assert!(states(&run).iter().all(|s| *s == JobState::Cancelled));
    }
    assert!(assay_store::claim(&mut conn, w, 2).await.unwrap().is_none());
}

#[tokio::test]
async fn a_failure_of_what_has_been_cancelled_is_no_failure() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::cancel_experiment(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    finish(&mut conn, w, a, &failed(FailureClass::Nan))
        .await
        .unwrap();
    for run in runs(&mut conn, id).await {
        assert_eq!(run.state, RunState::Cancelled);
        assert!(states(&run).iter().all(|s| *s == JobState::Cancelled));
    }
}

#[tokio::test]
async fn a_stage_that_is_being_cancelled_is_not_reused() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let old = attempt(&claim(&mut conn, w).await);
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::cancel_experiment(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    let again = insert(&mut conn, &small("1")).await;
    let base = stage(&runs(&mut conn, again).await[0], "base");
    assert_ne!(base, old.stage);
    finish(&mut conn, w, old, &Outcome::Cancelled)
        .await
        .unwrap();
    assert_eq!(drain(&mut conn, w).await, 4);
}

#[tokio::test]
async fn what_does_not_exist_cannot_be_cancelled() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let none = assay_store::cancel_run(&mut conn, RunId::new()).await;
    assert!(matches!(none, Err(StoreError::NotFound("run"))));
    let none = assay_store::cancel_experiment(&mut conn, ExperimentId::new()).await;
    assert!(matches!(none, Err(StoreError::NotFound("experiment"))));
    let none = assay_store::retry_failed(&mut conn, RunId::new()).await;
    assert!(matches!(none, Err(StoreError::NotFound("run"))));
}

#[tokio::test]
async fn a_retry_replaces_what_failed_and_what_builds_on_it_and_nothing_else() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let base = claim(&mut conn, w).await;
    finish(&mut conn, w, attempt(&base), &Outcome::Succeeded)
        .await
        .unwrap();
    // The evaluation of the base and the sft are queued.
    for _ in 0..2 {
        let next = claim(&mut conn, w).await;
        let outcome = match next.spec.job.kind() {
            "sft" => failed(FailureClass::Nan),
            _ => Outcome::Succeeded,
        };
        finish(&mut conn, w, attempt(&next), &outcome)
            .await
            .unwrap();
    }
    let before = runs(&mut conn, id).await.remove(1);
    assert_eq!(before.state, RunState::Failed);
    assert_eq!(retry(&db, before.id).await, 2);
    let after = run(&mut conn, before.id).await;
    assert_eq!(
        states(&after),
        [JobState::Succeeded, JobState::Queued, JobState::Blocked]
    );
    assert_eq!(after.stages[0].stage, before.stages[0].stage);
    assert_ne!(after.stages[1].stage, before.stages[1].stage);
    assert_eq!(after.stages[1].hash, before.stages[1].hash);
    assert!(!after.stages[1].reused);
    assert_eq!(retry(&db, before.id).await, 0);
    assert_eq!(drain(&mut conn, w).await, 2);
    assert_eq!(run(&mut conn, before.id).await.state, RunState::Succeeded);
}

#[tokio::test]
async fn two_runs_that_shared_a_failed_stage_share_its_replacement() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let base = claim(&mut conn, w).await;
    finish(
        &mut conn,
        w,
        attempt(&base),
        &failed(FailureClass::BadConfig),
    )
    .await
    .unwrap();
    for view in runs(&mut conn, id).await {
        assert_eq!(retry(&db, view.id).await, view.stages.len() as u64);
    }
    let after = runs(&mut conn, id).await;
    assert_eq!(stage(&after[0], "base"), stage(&after[1], "base"));
    assert_eq!(drain(&mut conn, w).await, 4);
    assert!(
        runs(&mut conn, id)
            .await
            .iter()
            .all(|r| r.state == RunState::Succeeded)
    );
}

#[tokio::test]
async fn a_replacement_is_reused_by_every_experiment_but_the_one_that_made_it() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let one = insert(&mut conn, &small("1")).await;
    let two = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let base = attempt(&claim(&mut conn, w).await);
    finish(&mut conn, w, base, &failed(FailureClass::BadConfig))
        .await
        .unwrap();
    let (first, second) = (runs(&mut conn, one).await, runs(&mut conn, two).await);
    for view in [&second[0], &first[0], &second[1]] {
        assert_eq!(retry(&db, view.id).await, view.stages.len() as u64);
    }
    assert!(!run(&mut conn, second[0].id).await.stages[0].reused);
    assert!(run(&mut conn, first[0].id).await.stages[0].reused);
    let base = attempt(&claim(&mut conn, w).await);
    let records = [started(0), spent(1, &[("update", 5.0)])];
    append(&mut conn, w, base, 1, &records).await.unwrap();
    for (id, reused) in [(one, true), (two, false)] {
        let ledger = assay_store::experiment_ledger(&mut conn, id).await.unwrap();
        let seen: Vec<bool> = ledger.spent.iter().map(|row| row.reused).collect();
        assert_eq!(seen, [reused]);
    }
}

#[tokio::test]
async fn a_cancelled_run_can_be_taken_up_again() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let two = runs(&mut conn, id).await.remove(1);
    cancel(&db, two.id).await;
    assert_eq!(retry(&db, two.id).await, 2);
    let w = worker(&mut conn, 1).await;
    assert_eq!(drain(&mut conn, w).await, 4);
    assert_eq!(run(&mut conn, two.id).await.state, RunState::Succeeded);
}

#[tokio::test]
async fn a_retry_does_not_wait_for_what_is_still_being_cancelled() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 2).await;
    let old = attempt(&claim(&mut conn, w).await);
    let two = runs(&mut conn, id).await.remove(1);
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::cancel_experiment(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(retry(&db, two.id).await, 3);
    assert_ne!(stage(&run(&mut conn, two.id).await, "base"), old.stage);
    assert_eq!(drain(&mut conn, w).await, 3);
}
