//! An attempt goes on from a step: what earlier ones had after it is used nowhere.

use crate::support::*;
use assay_core::metric;
use assay_core::task::Split;
use assay_core::wire::{Claim, Outcome, role};
use sqlx::PgConnection;

/// Claims, and ends well, until a stage of this kind comes.
async fn claim_kind(conn: &mut PgConnection, w: assay_core::ids::WorkerId, kind: &str) -> Claim {
    loop {
        let next = claim(conn, w).await;
        if next.spec.job.kind() == kind {
            return next;
        }
        finish(conn, w, attempt(&next), &Outcome::Succeeded)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_checkpoint_that_was_released_is_not_resumed_from() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    for name in 0..3 {
        assay_store::insert_artifact(&mut conn, &sha(name), 10)
            .await
            .unwrap();
    }
    let first = attempt(&claim(&mut conn, w).await);
    let records = [
        started(0),
        file(role::RESUME, 10, 0),
        file(role::RESUME, 20, 1),
        file(role::RESUME, 30, 2),
    ];
    append(&mut conn, w, first, 1, &records).await.unwrap();
    lose_all(&mut conn).await;
    // Back to a step whose checkpoint may be swept at any time.
    let second = attempt(&claim(&mut conn, w).await);
    append(&mut conn, w, second, 1, &[started(10)])
        .await
        .unwrap();
    lose_all(&mut conn).await;
    assert!(claim(&mut conn, w).await.resume.is_none());
}

#[tokio::test]
async fn a_result_that_was_left_behind_is_no_input() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    assay_store::insert_artifact(&mut conn, &sha(0), 10)
        .await
        .unwrap();
    let first = attempt(&claim(&mut conn, w).await);
    let records = [started(0), file(role::OUTPUT, 99, 0)];
    append(&mut conn, w, first, 1, &records).await.unwrap();
    lose_all(&mut conn).await;
    let second = attempt(&claim(&mut conn, w).await);
    append(&mut conn, w, second, 1, &[started(0)])
        .await
        .unwrap();
    finish(&mut conn, w, second, &Outcome::Succeeded)
        .await
        .unwrap();
    assert!(claim(&mut conn, w).await.inputs.is_empty());
}

#[tokio::test]
async fn figures_are_those_of_the_newest_measurement() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let first = claim_kind(&mut conn, w, "eval").await;
    let at_1 = |right: &[bool]| measured(1, Split::Test, None, 0.0, &[right]);
    let records = [started(0), at_1(&[true, true])];
    append(&mut conn, w, attempt(&first), 1, &records)
        .await
        .unwrap();
    lose_all(&mut conn).await;
    // It resumes from the very state that was measured, and measures it again.
    let second = claim(&mut conn, w).await;
    assert_eq!(second.stage, first.stage);
    let records = [started(1), at_1(&[true, false])];
    append(&mut conn, w, attempt(&second), 1, &records)
        .await
        .unwrap();
    finish(&mut conn, w, attempt(&second), &Outcome::Succeeded)
        .await
        .unwrap();
    let figures = assay_store::run_figures(&mut conn, id).await.unwrap();
    let run = figures.iter().find_map(|arm| arm.runs.first()).unwrap();
    assert_eq!(run.values[0], (metric::PASS_AT_1.to_string(), 0.5));
    let pass = assay_store::pass_at_k(&mut conn, id, Split::Test)
        .await
        .unwrap();
    assert_eq!(pass[0].values, [(1, 0.5), (2, 1.0)]);
    let listed = assay_store::list_evaluations(&mut conn, first.stage)
        .await
        .unwrap();
    let seen: Vec<(i32, f64)> = listed.iter().map(|e| (e.attempt, e.pass_at_1)).collect();
    assert_eq!(seen, [(2, 0.5)]);
}

#[tokio::test]
async fn a_milestone_that_was_left_behind_is_not_shown() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let first = claim_kind(&mut conn, w, "sft").await;
    let records = [
        started(0),
        step(10, "train/loss", 1.0),
        measured(10, Split::Validation, Some(50), 10.0, &[&[true]]),
    ];
    append(&mut conn, w, attempt(&first), 1, &records)
        .await
        .unwrap();
    let points = assay_store::milestones(&mut conn, id).await.unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!(points[0].milestone, 50);
    lose_all(&mut conn).await;
    let second = claim(&mut conn, w).await;
    assert_eq!(second.stage, first.stage);
    append(&mut conn, w, attempt(&second), 1, &[started(5)])
        .await
        .unwrap();
    let points = assay_store::milestones(&mut conn, id).await.unwrap();
    assert!(points.is_empty(), "{points:?}");
}

#[tokio::test]
async fn an_attempt_that_begins_anew_leaves_the_first_costs_behind_too() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    // Costs from before the first step, as an evaluation's are.
    for expected in [vec![("update", 5.0)], vec![("lost", 5.0), ("update", 5.0)]] {
        let a = attempt(&claim(&mut conn, w).await);
        let records = [started(0), spent(0, &[("update", 5.0)])];
        append(&mut conn, w, a, 1, &records).await.unwrap();
        let ledger = assay_store::experiment_ledger(&mut conn, id).await.unwrap();
        let seen: Vec<(&str, f64)> = ledger
            .spent
            .iter()
            .map(|row| (row.purpose.as_str(), row.cost.tokens))
            .collect();
        assert_eq!(seen, expected);
        lose_all(&mut conn).await;
    }
}
