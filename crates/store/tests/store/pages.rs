use crate::support::*;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::wire::FailureClass;
use assay_store::{JobState, StoreError};

#[tokio::test]
async fn experiments_are_listed_newest_first_page_by_page() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let mut ids = vec![];
    for seeds in ["1", "2", "3"] {
        ids.push(insert(&mut conn, &small(seeds)).await);
    }
    let page = assay_store::list_experiments(&mut conn, 2, None)
        .await
        .unwrap();
    let listed: Vec<ExperimentId> = page.iter().map(|e| e.id).collect();
    assert_eq!(listed, [ids[2], ids[1]]);
    assert_eq!((page[0].arms, page[0].runs, page[1].runs), (2, 6, 4));
    let rest = assay_store::list_experiments(&mut conn, 2, Some(ids[1]))
        .await
        .unwrap();
    assert_eq!(rest.iter().map(|e| e.id).collect::<Vec<_>>(), [ids[0]]);
}

#[tokio::test]
async fn a_list_of_experiments_counts_their_runs_by_state() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let empty = assay_store::list_experiments(&mut conn, 10, None)
        .await
        .unwrap();
    assert!(empty.is_empty());
    insert(&mut conn, &small("3")).await;
    let w = worker(&mut conn, 4).await;
    let bases = [
        attempt(&claim(&mut conn, w).await),
        attempt(&claim(&mut conn, w).await),
        attempt(&claim(&mut conn, w).await),
    ];
    finish(&mut conn, w, bases[0], &failed(FailureClass::Nan))
        .await
        .unwrap();
    finish(
        &mut conn,
        w,
        bases[1],
        &assay_core::wire::Outcome::Succeeded,
    )
    .await
    .unwrap();
    loop {
        let next = claim(&mut conn, w).await;
        finish(
            &mut conn,
            w,
            attempt(&next),
            &assay_core::wire::Outcome::Succeeded,
        )
        .await
        .unwrap();
        if next.spec.job.kind() == "eval" {
            break;
        }
    }
    let listed = assay_store::list_experiments(&mut conn, 10, None)
        .await
        .unwrap();
    let e = &listed[0];
    // Seed 0 failed in both arms; of seed 1 at least one run is done; seed 2 is running.
    assert_eq!((e.runs, e.runs_failed, e.runs_running), (6, 2, 2));
    assert!((1..=2).contains(&e.runs_done));
    assert!(e.last_event_at.unwrap() >= e.created_at);
    let jobs = assay_store::list_jobs(&mut conn, 100).await.unwrap();
    assert_eq!(jobs[0].state, JobState::Running);
    assert_eq!(jobs.len(), 12);
    let json = serde_json::to_value(&listed).unwrap();
    assert!(json[0]["created_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let none = assay_store::get_experiment(&mut conn, ExperimentId::new()).await;
    assert!(matches!(none, Err(StoreError::NotFound("experiment"))));
    let none = assay_store::get_run(&mut conn, RunId::new()).await;
    assert!(matches!(none, Err(StoreError::NotFound("run"))));
    let none = assay_store::list_runs(&mut conn, ExperimentId::new()).await;
    assert!(none.unwrap().is_empty());
    let none = assay_store::find_experiment_by_spec(&mut conn, "").await;
    assert_eq!(none.unwrap(), None);
}
