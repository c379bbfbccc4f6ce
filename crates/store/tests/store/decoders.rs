use crate::support::*;
use assay_core::decoders::DecoderRun;
use assay_core::ids::{ExperimentId, WorkerId};
use assay_core::ledger::Cost;
use assay_core::spec::Experiment;
use assay_core::task::Split;
use assay_core::wire::{Outcome, Record};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// zero: grpo. student: distilled from zero. majority and rerank decode zero's policy,
/// the latter with a judge that takes a tenth of the budget.
fn spec() -> Experiment {
    experiment(
        "2",
        &[
            BASE,
            "{ id: labels, kind: prm_label, charge: arm, share: 0.1, inputs: { init: base } }",
            "{ id: prm, kind: prm_train, charge: arm, share: 0.1, inputs: { init: base, data: labels } }",
        ],
        &[
            BASE_ARM,
            "{ id: zero, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }",
            "{ id: student, stages: [{ id: distill, kind: distill, inputs: { init: base, teacher: zero/grpo } }] }",
            "{ id: majority, stages: [{ id: d, kind: search, levels: [1, 4], inputs: { init: zero/grpo } }] }",
            "{ id: rerank, stages: [{ id: d, kind: search, method: best_of_n, levels: [4], inputs: { init: zero/grpo, prm: prm } }] }",
        ],
    )
}

fn supervised(step: u64, tokens: f64, purpose: &str, counts: &[(&str, u64)]) -> Record {
    Record::Ledger {
        step,
        costs: BTreeMap::from([(purpose.to_string(), cum(tokens).charged)]),
        supervision: counts.iter().map(|(k, n)| (k.to_string(), *n)).collect(),
    }
}

fn records(kind: &str) -> Vec<Record> {
    let mut records = vec![started(0)];
    records.extend(match kind {
        "pretrain" => vec![
            supervised(5, 9000.0, "update", &[("demonstrations", 5000)]),
            spent(5, &[("evaluation", 7.0)]),
            measured(5, Split::Validation, None, 9000.0, &[&[true, false]]),
        ],
        "grpo" => vec![
            supervised(10, 600.0, "rollout", &[("verifier_calls", 80)]),
            spent(10, &[("update", 400.0), ("evaluation", 3.0)]),
        ],
        "distill" => vec![spent(10, &[("teacher", 300.0), ("update", 500.0)])],
        "prm_label" => vec![supervised(1, 90.0, "labels", &[("oracle_step_labels", 30)])],
        "prm_train" => vec![spent(1, &[("judge_training", 60.0)])],
        "search" => vec![
            spent(1, &[("search", 30.0)]),
            measured(1, Split::Test, None, 20.0, &[&[true], &[false]]),
            measured(4, Split::Test, None, 81.0, &[&[true], &[true]]),
            measured(4, Split::Ood, None, 82.0, &[&[false], &[false]]),
        ],
        "eval" => vec![
            spent(0, &[("evaluation", 5.0)]),
            measured(0, Split::Test, None, 0.0, &[&[true, false]]),
        ],
        other => panic!("{other}"),
    });
    records
}

async fn played(conn: &mut PgConnection) -> (ExperimentId, WorkerId) {
    let id = insert(conn, &spec()).await;
    let w = worker(conn, 1).await;
    while let Some(claim) = assay_store::claim(conn, w, 1).await.unwrap() {
        let a = attempt(&claim);
        append(conn, w, a, 1, &records(claim.spec.job.kind()))
            .await
            .unwrap();
        finish(conn, w, a, &Outcome::Succeeded).await.unwrap();
    }
    (id, w)
}

#[tokio::test]
async fn decoders_stand_apart_from_what_was_trained() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, _) = played(&mut conn).await;
    let view = assay_store::get_experiment(&mut conn, id).await.unwrap();
    let trains: Vec<bool> = view.arms.iter().map(|arm| arm.trains).collect();
    assert_eq!(trains, [false, true, true, false, false]);

    let figures = assay_store::run_figures(&mut conn, id).await.unwrap();
    let arms: Vec<&str> = figures.iter().map(|arm| arm.id.as_str()).collect();
    assert_eq!(arms, ["base", "zero", "student"]);
    let points = assay_store::milestones(&mut conn, id).await.unwrap();
    assert!(!points.is_empty());
    assert!(points.iter().all(|p| arms.contains(&p.arm_key.as_str())));

    let decoders = assay_store::decoder_figures(&mut conn, id).await.unwrap();
    let seen: Vec<(&str, usize, usize)> = decoders
        .iter()
        .map(|d| (d.id.as_str(), d.planned_seeds, d.finished()))
        .collect();
    assert_eq!(seen, [("majority", 2, 2), ("rerank", 2, 2)]);
    // Of rerank, the policy's 1,000, the labels' 90 and the judge's 60.
    let run = |seed, level, pass_at_1, tokens, charged| DecoderRun {
        seed,
        level,
        pass_at_1,
        tokens,
        flops: 100.0 * tokens,
        charged,
        excluded: false,
    };
    assert_eq!(
        decoders[0].runs,
        [
            run(0, 1, 0.5, 20.0, 1000.0),
            run(0, 4, 1.0, 81.0, 1000.0),
            run(1, 1, 0.5, 20.0, 1000.0),
            run(1, 4, 1.0, 81.0, 1000.0),
        ]
    );
    assert_eq!(decoders[1].runs[1], run(0, 4, 1.0, 81.0, 1150.0));
    let ood = assay_store::decoder_figures_for_split(&mut conn, id, Split::Ood)
        .await
        .unwrap();
    assert_eq!(ood[0].runs[0], run(0, 4, 0.0, 82.0, 1000.0));
}

#[tokio::test]
async fn a_decoder_has_figures_once_it_has_succeeded_and_the_newer_measurement_counts() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &spec()).await;
    let figures = assay_store::decoder_figures(&mut conn, id).await.unwrap();
    assert_eq!(figures.len(), 2);
    assert!(
        figures
            .iter()
            .all(|d| d.runs.is_empty() && d.planned_seeds == 2)
    );
    let w = worker(&mut conn, 1).await;
    let decoder = loop {
        let next = claim(&mut conn, w).await;
        if next.spec.job.kind() == "search" {
            break next;
        }
        finish(&mut conn, w, attempt(&next), &Outcome::Succeeded)
            .await
            .unwrap();
    };
    append(&mut conn, w, attempt(&decoder), 1, &records("search"))
        .await
        .unwrap();
    lose_all(&mut conn).await;
    // Goes on after level 1 and measures level 4 anew.
    let again = loop {
        let next = claim(&mut conn, w).await;
        if next.stage == decoder.stage {
            break attempt(&next);
        }
        finish(&mut conn, w, attempt(&next), &Outcome::Succeeded)
            .await
            .unwrap();
    };
    let anew = [
        started(1),
        measured(4, Split::Test, None, 90.0, &[&[false], &[false]]),
    ];
    append(&mut conn, w, again, 1, &anew).await.unwrap();
    let figures = assay_store::decoder_figures(&mut conn, id).await.unwrap();
    assert!(
        figures
            .iter()
            .all(|d| !d.runs.iter().any(|r| r.tokens == 90.0))
    );
    finish(&mut conn, w, again, &Outcome::Succeeded)
        .await
        .unwrap();
    let figures = assay_store::decoder_figures(&mut conn, id).await.unwrap();
    let runs: Vec<(u32, f64, f64)> = figures
        .iter()
        .flat_map(|d| &d.runs)
        .map(|r| (r.level, r.pass_at_1, r.tokens))
        .collect();
    assert_eq!(runs, [(1, 0.5, 20.0), (4, 0.0, 90.0)]);
}

#[tokio::test]
async fn charges_are_told_by_purpose_and_what_stands_apart_by_name() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, _) = played(&mut conn).await;
    let ledger = assay_store::experiment_ledger(&mut conn, id).await.unwrap();
    let arm = |key: &str| ledger.arms.iter().find(|a| a.arm_key == key).unwrap();
    let twice = |tokens: f64| cum(2.0 * tokens).charged;
    let purposes =
        |key: &str| -> Vec<(String, Cost)> { arm(key).purposes.clone().into_iter().collect() };
    let of = |list: &[(&str, f64)]| -> Vec<(String, Cost)> {
        list.iter()
            .map(|(k, t)| (k.to_string(), twice(*t)))
            .collect()
    };
    // Two seeds, each with its own base and policy.
    assert_eq!(
        purposes("zero"),
        of(&[("rollout", 600.0), ("update", 400.0)])
    );
    assert_eq!(
        purposes("rerank"),
        of(&[
            ("judge_training", 60.0),
            ("labels", 90.0),
            ("rollout", 600.0),
            ("update", 400.0)
        ])
    );
    assert_eq!(arm("rerank").charged, twice(1150.0));
    assert_eq!(arm("base").apart, of(&[("base", 9000.0)]));
    // The teacher by its name: a student is read with and without it.
    assert_eq!(
        arm("student").apart,
        of(&[("base", 9000.0), ("zero/grpo", 1000.0)])
    );
    assert_eq!(
        purposes("student"),
        of(&[("teacher", 300.0), ("update", 500.0)])
    );
    // Final evaluation and validation; measuring the base or a teacher is not theirs.
    assert_eq!(arm("zero").never, twice(8.0));
    assert_eq!(arm("student").never, twice(5.0));
    // Of a decoder, what it spent on questions; the policy's validation beside it.
    assert_eq!(arm("majority").never, twice(33.0));
}

#[tokio::test]
async fn supervision_is_that_of_the_stages_an_arm_pays_for_and_no_accident_doubles_it() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, _) = played(&mut conn).await;
    let all = assay_store::list_supervision(&mut conn, id).await.unwrap();
    let seen: Vec<String> = all
        .iter()
        .map(|a| format!("{} {} {:?}", a.arm, a.runs, a.counts))
        .collect();
    assert_eq!(
        seen,
        [
            "base 2 {}",
            r#"zero 2 {"verifier_calls": 80.0}"#,
            "student 2 {}",
            r#"majority 2 {"verifier_calls": 80.0}"#,
            r#"rerank 2 {"oracle_step_labels": 30.0, "verifier_calls": 80.0}"#,
        ]
    );
    // Half of an attempt is done again by the next.
    let id = insert(
        &mut conn,
        &experiment(
            "1",
            &[BASE],
            &[
                BASE_ARM,
                "{ id: sft, stages: [{ id: sft, kind: sft, fresh: true, inputs: { init: base } }] }",
            ],
        ),
    )
    .await;
    let w = worker(&mut conn, 1).await;
    let sft = loop {
        let next = claim(&mut conn, w).await;
        if next.spec.job.kind() == "sft" {
            break next;
        }
        finish(&mut conn, w, attempt(&next), &Outcome::Succeeded)
            .await
            .unwrap();
    };
    let first = [
        started(0),
        supervised(1, 10.0, "update", &[("demonstrations", 64)]),
        supervised(9, 10.0, "update", &[("verifier_calls", 40)]),
    ];
    append(&mut conn, w, attempt(&sft), 1, &first)
        .await
        .unwrap();
    lose_all(&mut conn).await;
    let again = attempt(&claim(&mut conn, w).await);
    assert_eq!(again.stage, sft.stage);
    let second = [
        started(5),
        supervised(9, 10.0, "update", &[("verifier_calls", 44)]),
    ];
    append(&mut conn, w, again, 1, &second).await.unwrap();
    let unfinished = assay_store::list_supervision(&mut conn, id).await.unwrap();
    assert_eq!((unfinished[1].runs, unfinished[1].counts.len()), (0, 0));
    finish(&mut conn, w, again, &Outcome::Succeeded)
        .await
        .unwrap();
    drain(&mut conn, w).await;
    let all = assay_store::list_supervision(&mut conn, id).await.unwrap();
    assert_eq!(all[1].runs, 1);
    assert_eq!(
        (
            all[1].count("demonstrations"),
            all[1].count("verifier_calls")
        ),
        (64.0, 44.0)
    );
}
