use crate::support::Database;
use sqlx::Row;
use std::time::Duration;

#[tokio::test]
async fn migrating_twice_and_at_once_changes_nothing() {
    let db = Database::new().await;
    let (a, b) = tokio::join!(
        assay_store::migrate(&db.pool),
        assay_store::migrate(&db.pool)
    );
    a.unwrap();
    b.unwrap();
}

#[tokio::test]
async fn a_newer_schema_is_refused_untouched() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'from the future', true, '', 0)",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    assert!(assay_store::migrate(&db.pool).await.is_err());
}

/// sqlx 0.9.0 returns the connection of a cancelled `Pool::begin` inside an open
/// transaction: 5 to 30 of 200 tries here, with the pool's own method.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_begin_leaves_no_transaction_open() {
    let db = Database::with_connections(1).await;
    for i in 0..200 {
        let wait = Duration::from_micros(20 + i);
        if let Ok(begun) = tokio::time::timeout(wait, assay_store::begin(&db.pool)).await {
            drop(begun.unwrap());
        }
        let mut conn = db.conn().await;
        let mut times: Vec<time::OffsetDateTime> = vec![];
        for _ in 0..2 {
            let row = sqlx::query("select now()").fetch_one(&mut *conn).await;
            times.push(row.unwrap().get(0));
        }
        assert_ne!(times[0], times[1], "try {i}: one transaction's time");
    }
}

#[tokio::test]
async fn statements_and_forgotten_transactions_have_limits() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    for (name, limit) in [
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "15s"),
    ] {
        let row = sqlx::query("select current_setting($1)").bind(name);
        let set: String = row.fetch_one(&mut *conn).await.unwrap().get(0);
        assert_eq!(set, limit);
    }
}
