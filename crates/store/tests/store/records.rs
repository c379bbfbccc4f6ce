use crate::support::*;
use assay_core::ids::{AttemptRef, WorkerId};
use assay_core::ledger::Cost;
use assay_core::task::Split;
use assay_core::wire::{CompletionItem, Level, Outcome, Record, role};
use assay_store::{Point, StoreError};
use std::collections::BTreeMap;

const METRIC: &str = "train/loss";

/// A base's stage with its first attempt.
async fn begun(db: &Database) -> (WorkerId, AttemptRef) {
    let mut conn = db.conn().await;
    insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let a = attempt(&claim(&mut conn, w).await);
    (w, a)
}

async fn again(db: &Database, w: WorkerId) -> AttemptRef {
    let mut conn = db.conn().await;
    lose_all(&mut conn).await;
    attempt(&claim(&mut conn, w).await)
}

async fn points(db: &Database, a: AttemptRef) -> Vec<Point> {
    let mut conn = db.conn().await;
    assay_store::series(&mut conn, a.stage, METRIC, 10_000)
        .await
        .unwrap()
        .points
}

#[tokio::test]
async fn a_batch_may_come_again_and_overlap_but_not_leave_a_gap() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let all: Vec<Record> = std::iter::once(started(0))
        .chain((1..=9).map(|i| step(i, METRIC, i as f64)))
        .chain([spent(9, &[("update", 5.0)])])
        .collect();
    assert_eq!(append(&mut conn, w, a, 1, &all[..4]).await.unwrap(), 4);
    // The same, a part of it, nothing, and more than before.
    assert_eq!(append(&mut conn, w, a, 1, &all[..4]).await.unwrap(), 4);
    assert_eq!(append(&mut conn, w, a, 2, &all[1..3]).await.unwrap(), 4);
    assert_eq!(append(&mut conn, w, a, 5, &[]).await.unwrap(), 4);
    assert_eq!(append(&mut conn, w, a, 3, &all[2..]).await.unwrap(), 11);
    let gap = append(&mut conn, w, a, 13, &[step(12, METRIC, 0.0)]).await;
    assert!(matches!(gap, Err(StoreError::Gap { last: 11 })));
    let zero = append(&mut conn, w, a, 0, &all).await;
    assert!(matches!(zero, Err(StoreError::Conflict(_))));
    let steps: Vec<i64> = points(&db, a).await.iter().map(|p| p.step).collect();
    assert_eq!(steps, (1..=9).collect::<Vec<i64>>());
    assert_eq!(
        number(&mut conn, "select sum(tokens)::bigint from ledger_total").await,
        5
    );
}

#[tokio::test]
async fn every_kind_of_record_can_be_read_back() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    assay_store::insert_artifact(&mut conn, &sha(1), 10)
        .await
        .unwrap();
    let item = |group, index| CompletionItem {
        group,
        index,
        prompt: "1+1=".into(),
        gold: "2".into(),
        completion: "A2\0".into(),
        reward: 1.0,
        advantage: -0.5,
        length: 3,
        truncated: false,
        correct: true,
        components: [("accuracy".to_string(), 1.0)].into(),
    };
    let records = [
        started(0),
        step(5, METRIC, 0.25),
        Record::Completions {
            step: 5,
            items: vec![item(0, 1), item(0, 0), item(1, 0)],
        },
        measured(
            5,
            Split::Validation,
            Some(10),
            7.0,
            &[&[true, false], &[false, false]],
        ),
        file(role::OUTPUT, 5, 1),
        Record::Event {
            step: 5,
            level: Level::Alarm,
            text: "entropy fell".into(),
        },
    ];
    append(&mut conn, w, a, 1, &records).await.unwrap();
    assert_eq!(
        assay_store::list_metrics(&mut conn, a.stage).await.unwrap(),
        [METRIC]
    );
    assert_eq!(
        points(&db, a).await,
        [Point {
            step: 5,
            count: 1,
            mean: 0.25,
            min: 0.25,
            max: 0.25,
            last: 0.25,
            cum: cum(5.0)
        }]
    );
    assert_eq!(
        assay_store::completion_steps(&mut conn, a.stage)
            .await
            .unwrap(),
        [5]
    );
    let completions = assay_store::completions(&mut conn, a.stage, None, 2)
        .await
        .unwrap();
    let order: Vec<(i32, i32)> = completions.iter().map(|c| (c.group, c.index)).collect();
    assert_eq!(order, [(0, 0), (0, 1)]);
    assert_eq!(completions[0].completion, "A2\u{fffd}");
    assert_eq!(completions[0].components["accuracy"], 1.0);
    let none = assay_store::completions(&mut conn, a.stage, Some(4), 2)
        .await
        .unwrap();
    assert!(none.is_empty());
    let evaluations = assay_store::list_evaluations(&mut conn, a.stage)
        .await
        .unwrap();
    let e = &evaluations[0];
    assert_eq!((e.problems, e.samples, e.milestone), (2, 2, Some(10)));
    assert_eq!((e.pass_at_1, e.maj_at_k), (0.25, 0.5));
    assert_eq!((e.mean_length, e.truncated_share), (17.5, 0.75));
    assert_eq!(e.cum, cum(7.0));
    let items = assay_store::evaluation_items(&mut conn, e.id)
        .await
        .unwrap();
    let Record::Evaluation(sent) = &records[3] else {
        unreachable!()
    };
    assert_eq!(items, sent.items);
    let story = assay_store::events(&mut conn, a.stage, 1).await.unwrap();
    assert_eq!((story[0].level, story[0].step), (Level::Alarm, Some(5)));
}

#[tokio::test]
async fn values_that_are_not_finite_are_stored_as_they_are() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let values = [1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let mut records = vec![started(0)];
    records.extend((1..).zip(values).map(|(i, v)| step(i, METRIC, v)));
    append(&mut conn, w, a, 1, &records).await.unwrap();
    let read: Vec<f64> = points(&db, a).await.iter().map(|p| p.last).collect();
    assert_eq!(read[0], 1.0);
    assert!(read[1].is_nan());
    assert_eq!(read[2..], values[2..]);
    let rolled = assay_store::series(&mut conn, a.stage, METRIC, 2)
        .await
        .unwrap();
    assert_eq!(rolled.level, 1);
    let bucket = rolled.points[0];
    assert!(bucket.mean.is_nan());
    assert_eq!(
        (bucket.min, bucket.max, bucket.count),
        (values[3], values[2], 4)
    );
}

#[tokio::test]
async fn a_later_attempt_hides_what_came_after_its_start() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let sample = |step, completion: &str| Record::Completions {
        step,
        items: vec![CompletionItem {
            group: 0,
            index: 0,
            prompt: String::new(),
            gold: String::new(),
            completion: completion.into(),
            reward: 0.0,
            advantage: 0.0,
            length: 1,
            truncated: false,
            correct: false,
            components: Default::default(),
        }],
    };
    let mut first = vec![started(0)];
    first.extend((1..=8).map(|i| step(i, METRIC, 1.0)));
    first.extend([sample(4, "kept"), sample(8, "hidden")]);
    first.extend([
        measured(4, Split::Validation, Some(10), 4.0, &[&[true]]),
        measured(8, Split::Validation, Some(20), 8.0, &[&[true]]),
    ]);
    append(&mut conn, w, a, 1, &first).await.unwrap();

    let b = again(&db, w).await;
    // Before it has said where it starts, nothing is hidden.
    assert_eq!(points(&db, a).await.len(), 8);
    append(&mut conn, w, b, 1, &[started(5), step(6, METRIC, 2.0)])
        .await
        .unwrap();
    let seen: Vec<(i64, f64)> = points(&db, a)
        .await
        .iter()
        .map(|p| (p.step, p.mean))
        .collect();
    assert_eq!(
        seen,
        [(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0), (6, 2.0)]
    );
    assert_eq!(
        assay_store::completion_steps(&mut conn, a.stage)
            .await
            .unwrap(),
        [4]
    );
    let latest = assay_store::completions(&mut conn, a.stage, None, 9)
        .await
        .unwrap();
    assert_eq!(latest[0].completion, "kept");
    assert_eq!(
        assay_store::list_evaluations(&mut conn, a.stage)
            .await
            .unwrap()
            .len(),
        1
    );

    // One that starts anew hides everything, step 0 included.
    let c = again(&db, w).await;
    append(&mut conn, w, c, 1, &[started(0), step(0, METRIC, 3.0)])
        .await
        .unwrap();
    let seen: Vec<(i64, f64)> = points(&db, a)
        .await
        .iter()
        .map(|p| (p.step, p.mean))
        .collect();
    assert_eq!(seen, [(0, 3.0)]);
    assert_eq!(
        assay_store::list_evaluations(&mut conn, a.stage)
            .await
            .unwrap()
            .len(),
        0
    );
}

#[tokio::test]
async fn work_that_is_done_again_becomes_lost_and_is_spent_once() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let first = [
        started(0),
        spent(10, &[("update", 1.0), ("rollout", 2.0)]),
        spent(
            20,
            &[("update", 4.0), ("rollout", 8.0), ("evaluation", 16.0)],
        ),
    ];
    append(&mut conn, w, a, 1, &first).await.unwrap();
    let b = again(&db, w).await;
    append(
        &mut conn,
        w,
        b,
        1,
        &[started(10), spent(20, &[("update", 32.0)])],
    )
    .await
    .unwrap();
    let totals = totals(&mut conn).await;
    assert_eq!(totals["update"], 33.0);
    assert_eq!(totals["rollout"], 2.0);
    assert_eq!(totals["lost"], 28.0);
    assert!(!totals.contains_key("evaluation"));
    // Everything is lost to one that starts anew; nothing is counted twice.
    let c = again(&db, w).await;
    append(
        &mut conn,
        w,
        c,
        1,
        &[started(0), spent(1, &[("update", 64.0)])],
    )
    .await
    .unwrap();
    let totals = self::totals(&mut conn).await;
    assert_eq!(
        (totals["lost"], totals["update"], totals.len()),
        (63.0, 64.0, 2)
    );
    let rows = "select sum(tokens)::bigint from ledger";
    assert_eq!(number(&mut conn, rows).await, 127);
}

async fn totals(conn: &mut sqlx::PgConnection) -> BTreeMap<String, f64> {
    let rows: Vec<(String, f64)> = sqlx::query_as("select purpose, tokens from ledger_total")
        .fetch_all(conn)
        .await
        .unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn costs_of_one_step_and_purpose_add_up() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let batch = [
        started(0),
        spent(3, &[("update", 1.0)]),
        spent(3, &[("update", 2.0)]),
        Record::Ledger {
            step: 3,
            costs: BTreeMap::from([("update".to_string(), Cost::default())]),
            supervision: BTreeMap::from([("verifier_calls".to_string(), 4)]),
        },
    ];
    append(&mut conn, w, a, 1, &batch).await.unwrap();
    append(&mut conn, w, a, 5, &[batch[1].clone(), batch[3].clone()])
        .await
        .unwrap();
    let rows = "select sum(tokens)::bigint from ledger where purpose = 'update' and step = 3";
    assert_eq!(number(&mut conn, rows).await, 4);
    assert_eq!(
        number(&mut conn, "select sum(count)::bigint from supervision").await,
        8
    );
}

#[tokio::test]
async fn records_that_contradict_each_other_are_refused_whole() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    append(&mut conn, w, a, 1, &[started(0), step(5, METRIC, 1.0)])
        .await
        .unwrap();
    let b = again(&db, w).await;
    let early = append(&mut conn, w, b, 1, &[step(6, METRIC, 1.0)]).await;
    assert!(matches!(early, Err(StoreError::Conflict(_))), "no start");
    append(&mut conn, w, b, 1, &[started(5), step(7, METRIC, 1.0)])
        .await
        .unwrap();
    let once = measured(7, Split::Validation, None, 1.0, &[&[true]]);
    append(&mut conn, w, b, 3, std::slice::from_ref(&once))
        .await
        .unwrap();
    let mut uneven = once.clone();
    let Record::Evaluation(e) = &mut uneven else {
        unreachable!()
    };
    e.step = 8;
    e.items[0].lengths.push(3);
    for (what, record) in [
        ("a second start", started(5)),
        ("a step before the last", step(6, METRIC, 1.0)),
        ("a step before the start", step(5, METRIC, 1.0)),
        ("the same measurement", once),
        ("uneven results", uneven),
        ("no problems", measured(8, Split::Test, None, 1.0, &[])),
        ("bytes that are not there", file(role::RESUME, 8, 9)),
        ("a step out of range", step(u64::MAX, METRIC, 1.0)),
    ] {
        let batch = [step(9, METRIC, 1.0), record];
        let refused = append(&mut conn, w, b, 4, &batch).await;
        assert!(
            matches!(refused, Err(StoreError::Conflict(_))),
            "{what}: {refused:?}"
        );
    }
    assert_eq!(points(&db, b).await.len(), 2);
    finish(&mut conn, w, b, &Outcome::Succeeded).await.unwrap();
}
