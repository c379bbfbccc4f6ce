//! Alarms by rules: what is due to be looked at, what is kept, which runs have alarms.

use crate::support::{Database, attempt, claim, failed, finish, insert, small, worker};
use assay_core::health::Rule;
use assay_core::ids::{RunId, StageId};
use assay_core::note::RunNote;
use assay_core::wire::{Cumulative, FailureClass, HostFacts, Level, Record};
use assay_store::{DueLook, FoundAlarm, Search, Standing, StoreError};
use std::collections::BTreeMap;

const ENTROPY: &str = assay_core::metric::ENTROPY;

fn step(step: u64) -> Record {
    Record::Step {
        step,
        cum: Cumulative::default(),
        metrics: BTreeMap::from([(ENTROPY.to_string(), 0.01)]),
    }
}

fn found(rule: Rule, step: i64, value: f64) -> FoundAlarm {
    FoundAlarm {
        rule,
        step,
        value,
        threshold: (rule != Rule::NotFinite).then_some(0.05),
    }
}

/// The base of a small experiment has begun; every run needs it.
async fn begun(db: &Database) -> (assay_core::ids::WorkerId, assay_core::ids::AttemptRef) {
    let mut conn = db.conn().await;
    insert(&mut conn, &small("2")).await;
    let w = worker(&mut conn, 64).await;
    let a = attempt(&claim(&mut conn, w).await);
    (w, a)
}

async fn send(
    db: &Database,
    w: assay_core::ids::WorkerId,
    a: assay_core::ids::AttemptRef,
    seq: u64,
    records: &[Record],
) {
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assay_store::append_records(&mut tx, w, a, seq, records)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn due(db: &Database) -> Vec<DueLook> {
    assay_store::list_due_looks(&mut *db.conn().await, 100)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_stage_is_due_for_each_of_its_runs_until_it_was_looked_at_and_again_with_new_points() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    assert_eq!(due(&db).await, [], "nothing was sent");
    let started = Record::Started {
        from_step: 0,
        host: HostFacts::default(),
    };
    send(&db, w, a, 1, &[started, step(1)]).await;
    let first = due(&db).await;
    assert!(first.len() > 1, "{first:?}");
    assert!(first.iter().all(|d| d.stage == a.stage && d.last_seq == 2));
    let mut conn = db.conn().await;
    assert_eq!(
        assay_store::list_due_looks(&mut conn, 1).await.unwrap(),
        first[..1]
    );
    // One that could not be looked at stays due, behind the others.
    assay_store::defer_look(&mut conn, &first[0]).await.unwrap();
    let order = due(&db).await;
    assert_eq!(order.len(), first.len());
    assert_eq!(order.last(), Some(&first[0]));
    for look in &first {
        let new = assay_store::insert_look(&mut conn, look, &[]).await;
        assert_eq!(new.unwrap(), 0);
    }
    assert_eq!(due(&db).await, []);
    send(&db, w, a, 3, &[step(2)]).await;
    let again = due(&db).await;
    assert_eq!(again.len(), first.len());
    assert!(again.iter().all(|d| d.last_seq == 3));
}

#[tokio::test]
async fn the_first_time_that_a_rule_is_broken_is_kept_and_no_later_one() {
    let db = Database::new().await;
    let (_, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let look = of_stage(&db, a.stage).await;
    let all = [
        found(Rule::EntropyLow, 30, 0.04),
        found(Rule::NotFinite, 31, f64::NAN),
        found(Rule::KlJump, 32, f64::INFINITY),
    ];
    let insert = async |conn: &mut sqlx::PgConnection, found: &[FoundAlarm]| {
        assay_store::insert_look(conn, &look, found).await.unwrap()
    };
    assert_eq!(insert(&mut conn, &all).await, 3);
    assert_eq!(insert(&mut conn, &all).await, 0);
    let later = [found(Rule::EntropyLow, 20, 0.01)];
    assert_eq!(insert(&mut conn, &later).await, 0);
    let kept = assay_store::list_rule_alarms(&mut conn, look.run)
        .await
        .unwrap();
    assert_eq!(kept.len(), 3);
    let of = |rule| {
        let found = kept.iter().find(|k| k.found.rule == rule);
        found.map(|k| k.found).unwrap()
    };
    assert_eq!(of(Rule::EntropyLow), all[0]);
    assert!(of(Rule::NotFinite).value.is_nan() && of(Rule::NotFinite).threshold.is_none());
    assert_eq!(of(Rule::KlJump).value, f64::INFINITY);
    assert!(kept.iter().all(|k| k.stage == "base"));
}

#[tokio::test]
async fn a_stage_that_took_the_place_of_another_has_alarms_of_its_own() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let look = of_stage(&db, a.stage).await;
    let entropy = [found(Rule::EntropyLow, 30, 0.04)];
    assay_store::insert_look(&mut conn, &look, &entropy)
        .await
        .unwrap();
    finish(&mut conn, w, a, &failed(FailureClass::Nan))
        .await
        .unwrap();
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    assert!(assay_store::retry_failed(&mut tx, look.run).await.unwrap() > 0);
    tx.commit().await.unwrap();
    let alarms = async |conn: &mut sqlx::PgConnection| {
        let listed = assay_store::list_rule_alarms(conn, look.run).await.unwrap();
        let signs = assay_store::list_signs(conn, look.experiment)
            .await
            .unwrap();
        let own = signs.into_iter().find(|s| s.run == look.run).unwrap();
        (
            listed.iter().map(|l| l.found.step).collect::<Vec<_>>(),
            own.alarms,
        )
    };
    assert_eq!(alarms(&mut conn).await, (vec![], 0));
    let again: (uuid::Uuid,) =
        sqlx::query_as("select stage_id from run_stage where run_id = $1 and name = 'base'")
            .bind(look.run.0)
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    assert_ne!(again.0, a.stage.0);
    let look = DueLook {
        stage: StageId(again.0),
        ..look
    };
    let later = [found(Rule::EntropyLow, 40, 0.03)];
    let new = assay_store::insert_look(&mut conn, &look, &later).await;
    assert_eq!(new.unwrap(), 1);
    assert_eq!(alarms(&mut conn).await, (vec![40], 1));
}

/// The look at the base for some run.
async fn of_stage(db: &Database, stage: StageId) -> DueLook {
    let mut conn = db.conn().await;
    let row: (uuid::Uuid, uuid::Uuid) = sqlx::query_as(
        "select rs.run_id, r.experiment_id from run_stage rs join run r on r.id = rs.run_id
         where rs.stage_id = $1 order by rs.run_id limit 1",
    )
    .bind(stage.0)
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    DueLook {
        run: RunId(row.0),
        experiment: assay_core::ids::ExperimentId(row.1),
        stage,
        attempt: 1,
        last_seq: 9,
    }
}

#[tokio::test]
async fn a_run_has_alarms_of_workers_and_of_rules_and_is_counted_once() {
    let db = Database::new().await;
    let (w, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let look = of_stage(&db, a.stage).await;
    let alarmed = Search {
        standing: Some(Standing::Alarmed),
        ..Search::default()
    };
    let count = async |conn: &mut sqlx::PgConnection| {
        let listed = assay_store::search_experiments(conn, 10, None, &alarmed)
            .await
            .unwrap();
        let n = assay_store::count_alarmed_runs(conn).await.unwrap();
        (n, listed.len())
    };
    assert_eq!(count(&mut conn).await, (0, 0));
    let entropy = [found(Rule::EntropyLow, 30, 0.04)];
    assay_store::insert_look(&mut conn, &look, &entropy)
        .await
        .unwrap();
    assert_eq!(count(&mut conn).await, (1, 1));
    // A worker's alarm is every run's that needs the stage.
    let event = Record::Event {
        step: 5,
        level: Level::Alarm,
        text: "entropy fell".into(),
    };
    let started = Record::Started {
        from_step: 0,
        host: HostFacts::default(),
    };
    send(&db, w, a, 1, &[started, event]).await;
    let (n, listed) = count(&mut conn).await;
    assert!(n >= 2 && listed == 1, "{n} {listed}");
    let runs = assay_store::list_alarmed_runs(&mut conn, &[look.experiment], 50)
        .await
        .unwrap();
    assert_eq!(runs.len() as i64, n);
    let own = runs.iter().find(|r| r.run == look.run).unwrap();
    assert_eq!(own.alarms, 2);
    assert!(runs.iter().all(|r| r.run == look.run || r.alarms == 1));
    let nobody = assay_store::list_alarmed_runs(&mut conn, &[], 50).await;
    assert_eq!(nobody.unwrap(), []);
    let signs = assay_store::list_signs(&mut conn, look.experiment)
        .await
        .unwrap();
    let own = signs.iter().find(|s| s.run == look.run).unwrap();
    assert_eq!(own.alarms, 2);
    sqlx::query("update job set state = 'cancelled', finished_at = clock_timestamp()")
        .execute(&mut *conn)
        .await
        .unwrap();
    assert_eq!(count(&mut conn).await, (0, 0), "nobody works or waits");
}

#[tokio::test]
async fn notes_on_a_run_stand_newest_first() {
    let db = Database::new().await;
    let (_, a) = begun(&db).await;
    let mut conn = db.conn().await;
    let run = of_stage(&db, a.stage).await.run;
    let note = |text: &str| RunNote { text: text.into() };
    for (text, author) in [("one", None), ("two", Some("admin token"))] {
        assay_store::insert_run_note(&mut conn, run, &note(text), author)
            .await
            .unwrap();
    }
    let notes = assay_store::list_run_notes(&mut conn, run).await.unwrap();
    let texts: Vec<&str> = notes.iter().map(|n| n.note.text.as_str()).collect();
    assert_eq!(texts, ["two", "one"]);
    assert_eq!(notes[0].author.as_deref(), Some("admin token"));
    assert_eq!(notes[1].author, None);
    let nobody = RunId(uuid::Uuid::nil());
    let refused = assay_store::insert_run_note(&mut conn, nobody, &note("x"), None).await;
    assert!(matches!(refused, Err(StoreError::NotFound("run"))));
    let empty = assay_store::insert_run_note(&mut conn, run, &note("  "), None).await;
    assert!(empty.is_err(), "the table's own rule");
}
