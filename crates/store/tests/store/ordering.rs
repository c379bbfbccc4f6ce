//! The order of the queue as people change it.

use crate::support::*;
use assay_core::ids::StageId;
use assay_store::{JobState, StoreError, Way, move_job};
use sqlx::PgConnection;

async fn queued(conn: &mut PgConnection) -> Vec<StageId> {
    let jobs = assay_store::list_jobs(conn, 100).await.unwrap();
    let queued = jobs.iter().filter(|j| j.state == JobState::Queued);
    queued.map(|j| j.stage).collect()
}

#[tokio::test]
async fn a_job_changes_places_with_its_neighbour_and_nobody_else_moves() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("4")).await;
    let line = queued(&mut conn).await;
    let [a, b, c, d] = line[..] else {
        panic!("{line:?}")
    };
    for (moved, way, order) in [
        (d, Way::Earlier, [a, b, d, c]),
        (d, Way::Earlier, [a, d, b, c]),
        (d, Way::Earlier, [d, a, b, c]),
        // Nobody is before it.
        (d, Way::Earlier, [d, a, b, c]),
        (d, Way::Later, [a, d, b, c]),
        (a, Way::Later, [d, a, b, c]),
        (c, Way::Later, [d, a, b, c]),
        (c, Way::Earlier, [d, a, c, b]),
    ] {
        let before = queued(&mut conn).await;
        let has_moved = move_job(&mut conn, moved, way).await.unwrap();
        assert_eq!(queued(&mut conn).await, order);
        assert_eq!(has_moved, before != order);
    }
    // Workers take them in that order.
    let w = worker(&mut conn, 1).await;
    for stage in [d, a, c, b] {
        assert_eq!(claim(&mut conn, w).await.stage, stage);
    }
    let running = move_job(&mut conn, a, Way::Earlier).await;
    assert!(matches!(running, Err(StoreError::Conflict(_))));
    let unknown = move_job(&mut conn, StageId::new(), Way::Later).await;
    assert!(matches!(unknown, Err(StoreError::Conflict(_))));
}

#[tokio::test]
async fn jobs_and_workers_say_since_when_and_with_how_many_threads_they_work() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 3).await;
    let jobs = assay_store::list_jobs(&mut conn, 10).await.unwrap();
    assert!(
        jobs.iter()
            .all(|j| j.started_at.is_none() && j.priority == 0)
    );
    let claim = claim(&mut conn, w).await;
    let jobs = assay_store::list_jobs(&mut conn, 10).await.unwrap();
    let running = jobs.iter().find(|j| j.stage == claim.stage).unwrap();
    assert!(running.started_at >= Some(running.queued_at));
    let workers = assay_store::list_workers(&mut conn).await.unwrap();
    assert_eq!(workers[0].running[0].threads, 1);
}
