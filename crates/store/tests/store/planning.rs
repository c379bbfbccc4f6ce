use crate::support::*;
use assay_core::wire::{FailureClass, Outcome};
use assay_store::{Import, JobState, RunState, StoreError};

#[tokio::test]
async fn an_experiment_is_stored_as_it_was_planned() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let spec = small("3");
    let id = insert(&mut conn, &spec).await;
    let view = assay_store::get_experiment(&mut conn, id).await.unwrap();
    assert_eq!((view.spec.clone(), view.version), (spec.clone(), 1));
    assert_eq!(
        view.arms
            .iter()
            .map(|a| (a.key.as_str(), a.trains))
            .collect::<Vec<_>>(),
        [("base", false), ("two", true)]
    );
    let sha256 = assay_core::canonical::sha256(&serde_json::to_value(&spec).unwrap());
    assert_eq!(view.sha256, sha256);
    let found = assay_store::find_experiment_by_spec(&mut conn, &sha256).await;
    assert_eq!(found.unwrap(), Some(id));
    let runs = runs(&mut conn, id).await;
    assert_eq!(runs.len(), 6);
    assert_eq!(
        runs.iter().map(|r| r.seed).collect::<Vec<_>>(),
        [0, 1, 2, 0, 1, 2]
    );
    let names: Vec<&str> = runs[3].stages.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["base", "sft", "eval"]);
    assert_eq!(runs[3].stages[2].waits_for, ["sft"]);
    assert_eq!(runs[3].state, RunState::Waiting);
    // Per seed: a base, an sft, two evaluations.
    assert_eq!(number(&mut conn, "select count(*) from stage").await, 12);
    assert_eq!(
        number(&mut conn, "select count(*) from job where state = 'queued'").await,
        3
    );
    let spec = assay_store::get_stage_spec(&mut conn, stage(&runs[3], "sft"))
        .await
        .unwrap();
    assert_eq!(spec.hash(), runs[3].stages[1].hash);
}

#[tokio::test]
async fn an_experiment_that_fails_half_way_leaves_nothing() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    // The last table that is written.
    sqlx::query("alter table run_stage add constraint never check (false)")
        .execute(&mut *conn)
        .await
        .unwrap();
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let failed = assay_store::insert_experiment(&mut tx, &small("1"), None).await;
    assert!(matches!(failed, Err(StoreError::Database(_))));
    drop(tx);
    for sql in [
        "select count(*) from experiment",
        "select count(*) from stage",
        "select count(*) from job",
    ] {
        assert_eq!(number(&mut conn, sql).await, 0);
    }
}

#[tokio::test]
async fn equal_stages_are_found_by_their_hash_across_runs_and_experiments() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let first = insert(&mut conn, &small("1")).await;
    let one = runs(&mut conn, first).await;
    assert_eq!(stage(&one[0], "base"), stage(&one[1], "base"));
    assert!(one.iter().flat_map(|r| &r.stages).all(|s| !s.reused));
    let w = worker(&mut conn, 1).await;
    assert_eq!(drain(&mut conn, w).await, 4);

    let more = experiment(
        "1",
        &[BASE],
        &[
            BASE_ARM,
            "{ id: three, stages: [{ id: sft, kind: sft, batch_size: 9, inputs: { init: base } }] }",
        ],
    );
    let second = insert(&mut conn, &more).await;
    let two = runs(&mut conn, second).await;
    assert_eq!(two[0].state, RunState::Succeeded);
    assert!(two[0].stages.iter().all(|s| s.reused));
    assert_eq!(stage(&two[0], "eval"), stage(&one[0], "eval"));
    let flags: Vec<bool> = two[1].stages.iter().map(|s| s.reused).collect();
    assert_eq!(flags, [true, false, false]);
    // The input had succeeded before: nothing to wait for.
    assert_eq!(
        states(&two[1]),
        [JobState::Succeeded, JobState::Queued, JobState::Blocked]
    );
}

#[tokio::test]
async fn a_failed_stage_is_never_reused() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let first = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let base = claim(&mut conn, w).await;
    finish(&mut conn, w, attempt(&base), &failed(FailureClass::Nan))
        .await
        .unwrap();
    let one = runs(&mut conn, first).await;
    assert!(one.iter().all(|r| r.state == RunState::Failed));
    let failure = one[0].stages[0].failure.clone().unwrap();
    assert_eq!((failure.class.as_str(), failure.step), ("nan", Some(7)));
    assert_eq!(failure.log[1], "b\u{2400}");
    let second = insert(&mut conn, &small("1")).await;
    let two = runs(&mut conn, second).await;
    assert_ne!(stage(&one[0], "base"), stage(&two[0], "base"));
    assert_eq!(two[0].stages[0].hash, one[0].stages[0].hash);
    assert!(two.iter().flat_map(|r| &r.stages).all(|s| !s.reused));
    assert_eq!(drain(&mut conn, w).await, 4);
}

#[tokio::test]
async fn imported_stages_are_held_by_their_worker_whatever_their_inputs_do() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let spec = small("1");
    let plan = assay_core::recipe::plan(&spec, "");
    let w = worker(&mut conn, 1).await;
    let sft = plan.stages.iter().find(|s| s.spec.job.kind() == "sft");
    let import = Import {
        worker: w,
        hashes: vec![sft.unwrap().hash.clone()],
    };
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let id = assay_store::insert_experiment(&mut tx, &spec, Some(&import))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let run = runs(&mut conn, id).await.remove(1);
    assert_eq!(
        states(&run),
        [JobState::Queued, JobState::Running, JobState::Blocked]
    );
    let held = assay_core::ids::AttemptRef {
        stage: stage(&run, "sft"),
        number: 1,
    };
    append(&mut conn, w, held, 1, &[started(0)]).await.unwrap();

    // The base comes to its end first: nothing changes for a stage that is running.
    let base = claim(&mut conn, w).await;
    finish(&mut conn, w, attempt(&base), &Outcome::Succeeded)
        .await
        .unwrap();
    finish(&mut conn, w, held, &Outcome::Succeeded)
        .await
        .unwrap();
    assert_eq!(drain(&mut conn, w).await, 2);
    assert_eq!(runs(&mut conn, id).await[1].state, RunState::Succeeded);
}

#[tokio::test]
async fn an_import_that_is_given_up_waits_for_its_inputs_like_any_other() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let spec = small("1");
    let plan = assay_core::recipe::plan(&spec, "");
    let w = worker(&mut conn, 1).await;
    let import = Import {
        worker: w,
        hashes: plan.stages[2..].iter().map(|s| s.hash.clone()).collect(),
    };
    let mut tx = assay_store::begin(&db.pool).await.unwrap();
    let id = assay_store::insert_experiment(&mut tx, &spec, Some(&import))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(lose_all(&mut conn).await.len(), 2);
    let run = runs(&mut conn, id).await.remove(1);
    assert_eq!(
        states(&run),
        [JobState::Queued, JobState::Blocked, JobState::Blocked]
    );
    assert_eq!(drain(&mut conn, w).await, 4);
}

#[tokio::test]
async fn an_import_that_is_given_up_is_cancelled_where_its_inputs_cannot_come() {
    // The sft, whose input has failed; its evaluation, whose input was cancelled.
    for held in [2, 3] {
        let db = Database::new().await;
        let mut conn = db.conn().await;
        let spec = small("1");
        let w = worker(&mut conn, 1).await;
        let import = Import {
            worker: w,
            hashes: vec![
                assay_core::recipe::plan(&spec, "").stages[held]
                    .hash
                    .clone(),
            ],
        };
        let mut tx = assay_store::begin(&db.pool).await.unwrap();
        let id = assay_store::insert_experiment(&mut tx, &spec, Some(&import))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let base = attempt(&claim(&mut conn, w).await);
        finish(&mut conn, w, base, &failed(FailureClass::BadConfig))
            .await
            .unwrap();
        assert_eq!(lose_all(&mut conn).await.len(), 1);
        assert_eq!(
            states(&runs(&mut conn, id).await[1]),
            [JobState::Failed, JobState::Cancelled, JobState::Cancelled]
        );
    }
}

#[tokio::test]
async fn a_stage_of_two_names_in_one_run_is_one_job() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let twice = experiment(
        "1",
        &[
            BASE,
            "{ id: again, kind: pretrain, model: {} }",
            "{ id: base2, kind: pretrain, model: {} }",
        ],
        &[
            BASE_ARM,
            "{ id: two, stages: [{ id: grpo, kind: grpo, beta: 0.1, inputs: { init: base, reference: base } }] }",
        ],
    );
    let id = insert(&mut conn, &twice).await;
    let run = runs(&mut conn, id).await.remove(1);
    assert_eq!(run.stages[1].waits_for, ["base"]);
    let w = worker(&mut conn, 1).await;
    assert_eq!(drain(&mut conn, w).await, 4);
}

#[tokio::test]
async fn ten_thousand_stages_are_one_submission() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let arms: Vec<String> = (0..49)
        .map(|i| {
            format!(
                "{{ id: a{i}, stages: [{{ id: sft, kind: sft, batch_size: {}, inputs: {{ init: base }} }}] }}",
                i + 1
            )
        })
        .collect();
    let mut lines = vec![BASE_ARM];
    lines.extend(arms.iter().map(String::as_str));
    let large = experiment("100", &[BASE], &lines);
    let begun = std::time::Instant::now();
    assay_core::recipe::plan(&large, "");
    let planned = begun.elapsed();
    let begun = std::time::Instant::now();
    insert(&mut conn, &large).await;
    println!(
        "planning alone {planned:?}, planning and storing {:?}",
        begun.elapsed()
    );
    let count = "select count(*) from job where state in ('queued', 'blocked')";
    assert_eq!(number(&mut conn, count).await, 10_000);
}
