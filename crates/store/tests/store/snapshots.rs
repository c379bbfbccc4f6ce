use crate::support::*;
use assay_core::ids::ExperimentId;
use assay_store::{NewSnapshot, StoreError};
use sqlx::Row;

fn state(digit: &str, query: &str) -> NewSnapshot {
    NewSnapshot {
        id: digit.repeat(64),
        state: vec![0, 1, 255],
        inputs: vec![7; 9],
        inputs_sha256: "f".repeat(64),
        query: query.into(),
    }
}

#[tokio::test]
async fn a_state_is_kept_once_and_found_by_the_start_of_its_hash() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let other = insert(&mut conn, &small("2")).await;
    let first = state("a", "metric=length");
    let kept = assay_store::insert_snapshot(&mut conn, id, &first).await;
    assert!(kept.unwrap());
    let again = assay_store::insert_snapshot(&mut conn, id, &state("a", "x=tok")).await;
    assert!(!again.unwrap(), "it stays as it was kept first");
    assert!(
        assay_store::insert_snapshot(&mut conn, id, &state("b", ""))
            .await
            .unwrap()
    );
    let found = assay_store::find_snapshot(&mut conn, id, "aaaaaaaa").await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.experiment, id);
    assert_eq!((found.id, found.query), (first.id, first.query));
    assert_eq!((found.state, found.inputs), (first.state, first.inputs));
    let listed = assay_store::list_snapshots(&mut conn, id).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (listed[0].id.as_str(), listed[0].bytes),
        ("b".repeat(64).as_str(), 12)
    );
    // A hash is an experiment's own, and a wildcard is no hash.
    for (of, start) in [
        (other, "aaaaaaaa"),
        (id, "aaaaaaab"),
        (id, "%"),
        (id, "________"),
    ] {
        let none = assay_store::find_snapshot(&mut conn, of, start).await;
        assert_eq!(none.unwrap(), None, "{start}");
    }
    let mut close = state("a", "");
    close.id.replace_range(63.., "0");
    assay_store::insert_snapshot(&mut conn, id, &close)
        .await
        .unwrap();
    let several = assay_store::find_snapshot(&mut conn, id, "aaaaaaaa").await;
    assert!(matches!(several, Err(StoreError::Conflict(_))));
    let whole = assay_store::find_snapshot(&mut conn, id, &"a".repeat(64)).await;
    assert_eq!(whole.unwrap().unwrap().id, "a".repeat(64));
}

#[tokio::test]
async fn the_database_changes_and_deletes_no_kept_state() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    assay_store::insert_snapshot(&mut conn, id, &state("a", ""))
        .await
        .unwrap();
    for (statement, word) in [
        ("update snapshot set query = 'x'", "update"),
        ("delete from snapshot", "delete"),
        ("truncate snapshot", "truncate"),
    ] {
        let refused = sqlx::query(statement)
            .execute(&mut *conn)
            .await
            .unwrap_err();
        let said = refused.to_string();
        assert!(
            said.contains("snapshots stay") && said.contains(word),
            "{said}"
        );
    }
    let mut bad = state("a", "");
    bad.id = "A".repeat(64);
    let unknown = ExperimentId::new();
    for (of, new) in [(id, &bad), (unknown, &state("c", ""))] {
        let refused = assay_store::insert_snapshot(&mut conn, of, new).await;
        assert!(matches!(refused, Err(StoreError::Database(_))));
    }
    let kept = assay_store::list_snapshots(&mut conn, id).await.unwrap();
    assert_eq!(kept.len(), 1);
}

#[tokio::test]
async fn a_transaction_of_one_state_sees_nothing_that_comes_later_and_writes_nothing() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::see_one_state(&mut tx).await.unwrap();
    let mut counts: Vec<i64> = vec![];
    for _ in 0..2 {
        let row = sqlx::query("select count(*) from experiment");
        counts.push(row.fetch_one(&mut *tx).await.unwrap().get(0));
        insert(&mut conn, &small("1")).await;
    }
    assert_eq!(counts, [1, 1]);
    drop(tx);
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let read = sqlx::query("select count(*) from experiment");
    read.fetch_one(&mut *tx).await.unwrap();
    let late = assay_store::see_one_state(&mut tx).await;
    assert!(late.is_err(), "something was read before");
    drop(tx);
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::see_one_state(&mut tx).await.unwrap();
    let refused = sqlx::query("delete from event").execute(&mut *tx).await;
    assert!(refused.unwrap_err().to_string().contains("read-only"));
}
