use crate::support::*;
use assay_core::wire::{Outcome, role};
use assay_store::StoreError;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

async fn age(db: &Database, sql: &'static str) {
    sqlx::query(sql)
        .execute(&mut *db.conn().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn only_what_nothing_has_referenced_for_a_day_is_swept() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    for name in 0..4 {
        assay_store::insert_artifact(&mut conn, &sha(name), 10)
            .await
            .unwrap();
    }
    let records = [
        started(0),
        file(role::RESUME, 1, 0),
        file(role::OUTPUT, 1, 1),
    ];
    append(&mut conn, w, a, 1, &records).await.unwrap();
    assert!(
        assay_store::unreferenced(&mut conn, DAY)
            .await
            .unwrap()
            .is_empty()
    );
    age(
        &db,
        "update artifact set stored_at = stored_at - interval '2 days'",
    )
    .await;
    // Stored again a moment ago.
    assay_store::insert_artifact(&mut conn, &sha(3), 10)
        .await
        .unwrap();
    assert_eq!(
        assay_store::unreferenced(&mut conn, DAY).await.unwrap(),
        [sha(2)]
    );
    // Released just now: a day is left.
    finish(&mut conn, w, a, &Outcome::Succeeded).await.unwrap();
    assert_eq!(
        assay_store::unreferenced(&mut conn, DAY).await.unwrap(),
        [sha(2)]
    );
    age(
        &db,
        "update artifact_ref set released_at = released_at - interval '2 days'",
    )
    .await;
    let mut old = assay_store::unreferenced(&mut conn, DAY).await.unwrap();
    old.sort();
    assert_eq!(old, [sha(0), sha(2)]);

    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::lock_sweeping(&mut tx).await.unwrap();
    let asked = [sha(0), sha(1), sha(2)];
    let gone = assay_store::delete_artifact_rows(&mut tx, &asked)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(gone, [sha(0), sha(2)]);
    assert_eq!(
        assay_store::find_artifact(&mut conn, &sha(0))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        assay_store::find_artifact(&mut conn, &sha(1))
            .await
            .unwrap(),
        Some(10)
    );
}

#[tokio::test]
async fn a_file_has_one_size_and_a_real_name() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    assay_store::insert_artifact(&mut conn, &sha(1), 10)
        .await
        .unwrap();
    let other = assay_store::insert_artifact(&mut conn, &sha(1), 11).await;
    assert!(matches!(other, Err(StoreError::Conflict(_))));
    let odd = assay_store::insert_artifact(&mut conn, "../../etc/passwd", 1).await;
    assert!(matches!(odd, Err(StoreError::Conflict(_))));
}
