use crate::support::*;
use assay_core::ids::StageId;
use assay_core::wire::{Outcome, role};
use assay_store::{JobState, StoreError};

#[tokio::test]
async fn a_heartbeat_renews_the_lease_and_moves_the_step() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    sqlx::query("update attempt set lease_expires_at = clock_timestamp() + interval '1 s'")
        .execute(&mut *conn)
        .await
        .unwrap();
    let answer = assay_store::heartbeat(&mut conn, w, a, Some(12))
        .await
        .unwrap();
    assert!(!answer.cancel);
    // Late ones and silent ones do not take it back.
    for step in [None, Some(5)] {
        assay_store::heartbeat(&mut conn, w, a, step).await.unwrap();
    }
    let left =
        "select extract(epoch from min(lease_expires_at) - clock_timestamp())::bigint from attempt";
    assert!((25..=30).contains(&number(&mut conn, left).await));
    assert_eq!(runs(&mut conn, id).await[0].stages[0].step, 12);
}

#[tokio::test]
async fn a_heartbeat_shows_that_its_worker_is_there() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    sqlx::query("update worker set seen_at = clock_timestamp() - interval '1 hour'")
        .execute(&mut *conn)
        .await
        .unwrap();
    assay_store::heartbeat(&mut conn, w, a, None).await.unwrap();
    for view in assay_store::list_workers(&mut conn).await.unwrap() {
        assert_eq!(view.seconds_since_seen < 600.0, view.id == w);
    }
}

#[tokio::test]
async fn only_leases_that_have_run_out_are_taken_back() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("2")).await;
    let w = worker(&mut conn, 2).await;
    let lost = attempt(&claim(&mut conn, w).await);
    let held = attempt(&claim(&mut conn, w).await);
    sqlx::query("update attempt set lease_expires_at = 'epoch' where stage_id = $1")
        .bind(lost.stage.0)
        .execute(&mut *conn)
        .await
        .unwrap();
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let reaped = assay_store::reap_expired(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(reaped, [lost]);
    assay_store::heartbeat(&mut conn, w, held, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_stale_attempt_cannot_heartbeat_record_or_finish() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let stale = attempt(&claim(&mut conn, w).await);
    append(&mut conn, w, stale, 1, &[started(0)]).await.unwrap();
    assert_eq!(lose_all(&mut conn).await, [stale]);
    for is_claimed_again in [false, true] {
        if is_claimed_again {
            // The same worker, even: only the attempt counts.
            assert_eq!(claim(&mut conn, w).await.attempt, 2);
        }
        let refused = assay_store::heartbeat(&mut conn, w, stale, Some(1)).await;
        assert!(matches!(refused, Err(StoreError::LeaseLost)));
        let refused = append(&mut conn, w, stale, 2, &[step(1, "m", 1.0)]).await;
        assert!(matches!(refused, Err(StoreError::LeaseLost)));
        for outcome in [Outcome::Succeeded, crash(), Outcome::Preempted] {
            let refused = finish(&mut conn, w, stale, &outcome).await;
            assert!(matches!(refused, Err(StoreError::LeaseLost)));
        }
    }
    assert_eq!(
        number(&mut conn, "select count(*) from series_block").await,
        0
    );
    assert_eq!(
        number(
            &mut conn,
            "select count(*) from job where state = 'succeeded'"
        )
        .await,
        0
    );
}

#[tokio::test]
async fn another_worker_cannot_speak_for_an_attempt() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let (w, other) = (worker(&mut conn, 1).await, worker(&mut conn, 1).await);
    let a = attempt(&claim(&mut conn, w).await);
    let refused = assay_store::heartbeat(&mut conn, other, a, None).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)));
    let refused = append(&mut conn, other, a, 1, &[started(0)]).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)));
    let refused = finish(&mut conn, other, a, &Outcome::Succeeded).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)));
}

#[tokio::test]
async fn a_reaped_job_goes_on_from_its_last_checkpoint() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let first = claim(&mut conn, w).await;
    assert!(first.resume.is_none());
    let a = attempt(&first);
    for name in 0..4 {
        assay_store::insert_artifact(&mut conn, &sha(name), 10)
            .await
            .unwrap();
    }
    let records = [
        started(0),
        file(role::RESUME, 10, 0),
        file(role::RESUME, 20, 1),
        file(role::RESUME, 30, 2),
        file(role::MILESTONE, 40, 3),
    ];
    append(&mut conn, w, a, 1, &records).await.unwrap();
    lose_all(&mut conn).await;
    let second = claim(&mut conn, w).await;
    assert_eq!((second.stage, second.attempt), (a.stage, 2));
    let resume = second.resume.clone().unwrap();
    assert_eq!(
        (resume.step, resume.sha256.clone(), resume.bytes),
        (30, sha(2), 10)
    );
    // Only the last two are kept.
    let files = assay_store::list_artifacts(&mut conn, a.stage)
        .await
        .unwrap();
    let kept: Vec<i64> = files
        .iter()
        .filter(|f| !f.released)
        .map(|f| f.step)
        .collect();
    assert_eq!(kept, [20, 30, 40]);

    // It could not read the last one and went on from the one before; then it was lost.
    append(&mut conn, w, attempt(&second), 1, &[started(20)])
        .await
        .unwrap();
    lose_all(&mut conn).await;
    let third = claim(&mut conn, w).await;
    assert_eq!(third.resume.clone().map(|r| r.step), Some(20));
    append(
        &mut conn,
        w,
        attempt(&third),
        1,
        &[started(20), file(role::RESUME, 25, 0)],
    )
    .await
    .unwrap();
    finish(&mut conn, w, attempt(&third), &Outcome::Succeeded)
        .await
        .unwrap();
    let files = assay_store::list_artifacts(&mut conn, a.stage)
        .await
        .unwrap();
    assert!(files.iter().all(|f| f.released == (f.role == role::RESUME)));

    let run = runs(&mut conn, id).await.remove(0);
    assert_eq!((run.stages[0].attempts, run.stages[0].failures), (3, 0));
    let attempts = assay_store::list_attempts(&mut conn, a.stage)
        .await
        .unwrap();
    let words: Vec<&str> = attempts.iter().map(|a| a.state.word()).collect();
    assert_eq!(words, ["lost", "lost", "succeeded"]);
    assert_eq!(attempts[2].resumed_from_step, Some(20));
    let story = assay_store::events(&mut conn, a.stage, 50).await.unwrap();
    assert_eq!(story.len(), 3 + 2 + 1);
    assert_eq!(story[1].text, "attempt 3 on w, from step 20");
}

#[tokio::test]
async fn an_input_arrives_as_its_last_output() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let base = attempt(&claim(&mut conn, w).await);
    assay_store::insert_artifact(&mut conn, &sha(7), 10)
        .await
        .unwrap();
    append(
        &mut conn,
        w,
        base,
        1,
        &[started(0), file(role::OUTPUT, 99, 7)],
    )
    .await
    .unwrap();
    finish(&mut conn, w, base, &Outcome::Succeeded)
        .await
        .unwrap();
    let child = claim(&mut conn, w).await;
    let init = &child.inputs[&assay_core::spec::Role::Init];
    assert_eq!((init.sha256.clone(), init.step), (sha(7), 99));
}

#[tokio::test]
async fn a_job_that_loses_fifty_workers_has_failed() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    claim(&mut conn, w).await;
    lose_all(&mut conn).await;
    sqlx::query("update job set attempts = 49 where attempts = 1")
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!(claim(&mut conn, w).await.attempt, 50);
    lose_all(&mut conn).await;
    let run = runs(&mut conn, id).await.remove(1);
    assert_eq!(
        states(&run),
        [JobState::Failed, JobState::Cancelled, JobState::Cancelled]
    );
}

/// The first attempt's last lines, and whether their time is known.
async fn kept_log(conn: &mut sqlx::PgConnection, stage: StageId) -> (Vec<String>, bool) {
    let first = assay_store::list_attempts(conn, stage)
        .await
        .unwrap()
        .remove(0);
    (first.log, first.log_at.is_some())
}

#[tokio::test]
async fn a_running_attempts_last_lines_are_kept_bounded_and_only_its_own() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let (w, other) = (worker(&mut conn, 1).await, worker(&mut conn, 1).await);
    let a = attempt(&claim(&mut conn, w).await);
    assert_eq!(kept_log(&mut conn, a.stage).await, (vec![], false));
    let mut lines: Vec<String> = (0..300).map(|n| format!("line {n}")).collect();
    lines.push("a\0b\u{1b}[2J".into());
    assay_store::keep_log(&mut conn, w, a, &lines)
        .await
        .unwrap();
    let (log, has_time) = kept_log(&mut conn, a.stage).await;
    assert_eq!((log.len(), log[0].as_str()), (200, "line 101"));
    assert_eq!(log[199], "a␀b␛[2J");
    assert!(has_time);
    // A megabyte in one line: its end is kept.
    let long = vec!["x".repeat(1 << 20) + "end"];
    assay_store::keep_log(&mut conn, w, a, &long).await.unwrap();
    let (log, _) = kept_log(&mut conn, a.stage).await;
    assert!(log.len() == 1 && log[0].len() <= 16 << 10 && log[0].ends_with("end"));
    let foreign = assay_store::keep_log(&mut conn, other, a, &["x".into()]).await;
    assert!(matches!(foreign, Err(StoreError::LeaseLost)));
    lose_all(&mut conn).await;
    let late = assay_store::keep_log(&mut conn, w, a, &["x".into()]).await;
    assert!(matches!(late, Err(StoreError::LeaseLost)));
    // What it had said is still there.
    assert!(kept_log(&mut conn, a.stage).await.0[0].ends_with("end"));
}
