use crate::support::*;
use assay_core::ids::{AttemptRef, RunId, WorkerId};
use assay_core::wire::{FailureClass, Outcome, role};
use assay_store::{AttemptState, JobState, RequeueView, RunState, StoreError};
use sqlx::PgConnection;

async fn requeue(
    db: &Database,
    run: RunId,
    force: bool,
    reason: &str,
) -> assay_store::Result<Vec<RequeueView>> {
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let done = assay_store::requeue_run(&mut tx, run, force, reason, None).await?;
    tx.commit().await.unwrap();
    Ok(done)
}

/// What the refusal says.
async fn refused(db: &Database, run: RunId, force: bool, reason: &str) -> String {
    match requeue(db, run, force, reason).await {
        Err(StoreError::Conflict(said)) => said,
        other => panic!("{other:?}"),
    }
}

/// The leases of all attempts have run out a while ago, and nobody has reaped.
async fn silence(conn: &mut PgConnection) {
    sqlx::query(
        "update attempt set lease_expires_at = clock_timestamp() - interval '90 s'
         where state = 'running'",
    )
    .execute(conn)
    .await
    .unwrap();
}

/// Files, then steps 1 to 30 with a checkpoint at 20.
async fn work(conn: &mut PgConnection, w: WorkerId, a: AttemptRef) {
    assay_store::insert_artifact(&mut *conn, &sha(1), 10)
        .await
        .unwrap();
    let records = [
        started(0),
        step(10, "m", 1.0),
        file(role::RESUME, 20, 1),
        step(30, "m", 2.0),
        spent(30, &[("update", 7.0)]),
    ];
    append(conn, w, a, 1, &records).await.unwrap();
}

/// Claims and fails until the job has failed.
async fn exhaust(conn: &mut PgConnection, w: WorkerId) -> AttemptRef {
    for n in 1..=assay_store::MAX_FAILURES {
        no_pauses(&mut *conn).await;
        let a = attempt(&claim(&mut *conn, w).await);
        if n == 1 {
            work(&mut *conn, w, a).await;
        }
        finish(&mut *conn, w, a, &crash()).await.unwrap();
        if n == assay_store::MAX_FAILURES {
            return a;
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_silent_workers_stage_goes_on_from_its_checkpoint_and_the_old_lease_is_fenced() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let two = runs(&mut conn, id).await.remove(1).id;
    let (old, other) = (worker(&mut conn, 1).await, worker(&mut conn, 1).await);
    let a = attempt(&claim(&mut conn, old).await);
    work(&mut conn, old, a).await;
    silence(&mut conn).await;
    let listed = assay_store::list_requeuable(&mut conn, &[a.stage])
        .await
        .unwrap();
    // The base is both arms' stage.
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|s| s.from_step == 20 && !s.is_held));
    let done = requeue(&db, two, false, "").await.unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!((done[0].from_step, done[0].reached), (20, 30));
    assert_eq!(
        done[0].discards(),
        "steps 21 to 30 are discarded and computed again"
    );
    for is_claimed_again in [false, true] {
        if is_claimed_again {
            let next = claim(&mut conn, other).await;
            assert_eq!((next.stage, next.attempt), (a.stage, 2));
            assert_eq!(next.resume.map(|r| r.step), Some(20));
        }
        let beat = assay_store::heartbeat(&mut conn, old, a, Some(31)).await;
        assert!(matches!(beat, Err(StoreError::LeaseLost)));
        let sent = append(&mut conn, old, a, 6, &[step(31, "m", 3.0)]).await;
        assert!(matches!(sent, Err(StoreError::LeaseLost)));
        for outcome in [Outcome::Succeeded, crash(), Outcome::Preempted] {
            let ended = finish(&mut conn, old, a, &outcome).await;
            assert!(matches!(ended, Err(StoreError::LeaseLost)));
        }
    }
    // It counts against nobody, and the reaper finds nothing of it.
    let run = run(&mut conn, two).await;
    assert_eq!((run.stages[0].attempts, run.stages[0].failures), (2, 0));
    let attempts = assay_store::list_attempts(&mut conn, a.stage)
        .await
        .unwrap();
    assert_eq!(attempts[0].state, AttemptState::Fenced);
    let story = assay_store::events(&mut conn, a.stage, 50).await.unwrap();
    let told = story
        .iter()
        .find(|e| e.text.starts_with("requeued by hand"));
    let told = told.expect("it is in the history");
    assert_eq!(told.attempt, Some(1));
    for words in ["from step 20", "from w, silent for 120 s", "steps 21 to 30"] {
        assert!(told.text.contains(words), "{words}: {}", told.text);
    }
    assert!(!told.text.contains("Reason"));
    // What was recorded is there, and spent.
    assert_eq!(number(&mut conn, "select count(*) from ledger").await, 1);
    assert_eq!(
        number(&mut conn, "select count(*) from series_block").await,
        1
    );
}

#[tokio::test]
async fn a_run_that_has_crashed_gets_one_more_attempt_and_what_fell_with_it_waits_again() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let [base, two] = <[_; 2]>::try_from(runs(&mut conn, id).await).unwrap();
    let w = worker(&mut conn, 1).await;
    let last = exhaust(&mut conn, w).await;
    assert_eq!(run(&mut conn, two.id).await.state, RunState::Failed);
    assert!(refused(&db, two.id, true, " ").await.contains("reason"));
    let done = requeue(&db, two.id, false, "The node's \0 fan had failed.")
        .await
        .unwrap();
    assert_eq!(
        (done.len(), done[0].from_step, done[0].state),
        (1, 20, JobState::Failed)
    );
    assert_eq!(
        states(&run(&mut conn, two.id).await),
        [JobState::Queued, JobState::Blocked, JobState::Blocked]
    );
    // The other arm needs the same stage.
    assert_eq!(run(&mut conn, base.id).await.state, RunState::Waiting);
    let story = assay_store::events(&mut conn, last.stage, 50)
        .await
        .unwrap();
    assert!(
        story[0]
            .text
            .contains("one more attempt granted, 3 failed before")
    );
    assert!(
        story[0]
            .text
            .ends_with("Reason: The node's \u{fffd} fan had failed.")
    );
    assert_eq!(story[0].attempt, Some(3));
    // At once, and from the checkpoint; nothing of before is gone.
    let next = claim(&mut conn, w).await;
    assert_eq!((next.stage, next.attempt), (last.stage, 4));
    assert_eq!(next.resume.as_ref().map(|r| r.step), Some(20));
    let attempts = assay_store::list_attempts(&mut conn, last.stage)
        .await
        .unwrap();
    assert_eq!(attempts.iter().filter(|a| a.failure.is_some()).count(), 3);
    // One attempt: the next crash is the end again.
    finish(&mut conn, w, attempt(&next), &crash())
        .await
        .unwrap();
    assert_eq!(
        states(&run(&mut conn, two.id).await),
        [JobState::Failed, JobState::Cancelled, JobState::Cancelled]
    );
    requeue(&db, two.id, false, "Once more.").await.unwrap();
    assert_eq!(drain(&mut conn, w).await, 4);
    for id in [base.id, two.id] {
        assert_eq!(run(&mut conn, id).await.state, RunState::Succeeded);
    }
}

#[tokio::test]
async fn a_job_that_was_given_up_after_fifty_lost_workers_gets_one_more() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let two = runs(&mut conn, id).await.remove(1).id;
    let w = worker(&mut conn, 1).await;
    claim(&mut conn, w).await;
    lose_all(&mut conn).await;
    sqlx::query("update job set attempts = 49 where attempts = 1")
        .execute(&mut *conn)
        .await
        .unwrap();
    claim(&mut conn, w).await;
    lose_all(&mut conn).await;
    for attempt in [51, 52] {
        assert_eq!(run(&mut conn, two).await.state, RunState::Failed);
        requeue(&db, two, false, "The switch is back.")
            .await
            .unwrap();
        assert_eq!(claim(&mut conn, w).await.attempt, attempt);
        lose_all(&mut conn).await;
    }
}

#[tokio::test]
async fn a_healthy_lease_is_taken_away_only_by_force_and_with_a_reason() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let two = runs(&mut conn, id).await.remove(1).id;
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    let said = refused(&db, two, false, "I want to").await;
    assert!(
        said.contains("base is at work on w") && said.contains("force"),
        "{said}"
    );
    let listed = assay_store::list_requeuable(&mut conn, &[a.stage]).await;
    assert!(listed.unwrap().is_empty());
    let found = assay_store::find_requeuable(&mut conn, two).await.unwrap();
    assert!(found[0].is_held && found[0].needs_reason());
    assert!(refused(&db, two, true, "").await.contains("reason"));
    assay_store::heartbeat(&mut conn, w, a, None).await.unwrap();
    // Of an attempt that came after the one that was seen, force takes nothing.
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let stale = assay_store::requeue_run(&mut tx, two, true, "x", Some(a.number - 1)).await;
    assert!(
        matches!(&stale, Err(StoreError::Conflict(said)) if said.contains("has begun since")),
        "{stale:?}"
    );
    tx.rollback().await.unwrap();
    let done = requeue(&db, two, true, "It spins.").await.unwrap();
    assert_eq!(done[0].discards(), "nothing is discarded");
    let beat = assay_store::heartbeat(&mut conn, w, a, None).await;
    assert!(matches!(beat, Err(StoreError::LeaseLost)));
    let story = assay_store::events(&mut conn, a.stage, 1).await.unwrap();
    assert_eq!(
        story[0].text,
        "requeued by hand from its start: taken from w although its lease held; \
         nothing is discarded. Reason: It spins."
    );
    assert_eq!(claim(&mut conn, w).await.attempt, 2);
}

#[tokio::test]
async fn what_waits_is_over_or_unknown_is_not_requeued() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let [base, two] = <[_; 2]>::try_from(runs(&mut conn, id).await).unwrap();
    let nobody = requeue(&db, RunId::new(), true, "x").await;
    assert!(matches!(nobody, Err(StoreError::NotFound("run"))));
    let said = refused(&db, two.id, true, "x").await;
    assert!(said.contains("base is queued already"), "{said}");
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    silence(&mut conn).await;
    requeue(&db, two.id, false, "").await.unwrap();
    // The second click.
    let said = refused(&db, two.id, false, "").await;
    assert!(said.contains("base is queued already"), "{said}");
    let again = claim(&mut conn, w).await;
    assert_eq!((again.stage, again.attempt), (a.stage, 2));
    finish(&mut conn, w, attempt(&again), &Outcome::Succeeded)
        .await
        .unwrap();
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::cancel_run(&mut tx, two.id).await.unwrap();
    tx.commit().await.unwrap();
    let said = refused(&db, two.id, true, "x").await;
    assert!(said.contains("the run was cancelled"), "{said}");
    drain(&mut conn, w).await;
    let said = refused(&db, base.id, true, "x").await;
    assert!(said.contains("the run has finished"), "{said}");
    assert!(
        assay_store::find_requeuable(&mut conn, base.id)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        number(
            &mut conn,
            "select count(*) from event where text like 'requeued%'"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn what_a_person_cancelled_stays_cancelled_when_its_input_is_requeued() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let [base, two] = <[_; 2]>::try_from(runs(&mut conn, id).await).unwrap();
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::cancel_run(&mut tx, two.id).await.unwrap();
    tx.commit().await.unwrap();
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    finish(&mut conn, w, a, &failed(FailureClass::Nan))
        .await
        .unwrap();
    requeue(&db, base.id, false, "Another driver.")
        .await
        .unwrap();
    assert_eq!(
        states(&run(&mut conn, base.id).await),
        [JobState::Queued, JobState::Blocked]
    );
    assert_eq!(
        states(&run(&mut conn, two.id).await),
        [JobState::Queued, JobState::Cancelled, JobState::Cancelled]
    );
    // The base and the evaluation of the run that goes on.
    assert_eq!(drain(&mut conn, w).await, 2);
}
