use crate::support::*;
use assay_core::ids::{ExperimentId, WorkerId};
use assay_core::ledger::Cost;
use assay_core::metric;
use assay_core::task::Split;
use assay_core::wire::{Outcome, Record};
use assay_store::{Along, ArmCharge, MilestonePoint, SpentRow};
use sqlx::PgConnection;

/// base; two: sft 250 + grpo 750; three: grpo on two's sft.
async fn played(conn: &mut PgConnection) -> (ExperimentId, WorkerId) {
    let spec = experiment(
        "1",
        &[BASE],
        &[
            BASE_ARM,
            "{ id: two, stages: [{ id: sft, kind: sft, share: 0.25, inputs: { init: base } }, \
             { id: grpo, kind: grpo, share: 0.75, inputs: { init: sft } }] }",
            "{ id: three, stages: [{ id: grpo, kind: grpo, epsilon: 0.3, inputs: { init: two/sft } }] }",
        ],
    );
    let id = insert(conn, &spec).await;
    let w = worker(conn, 1).await;
    while let Some(claim) = assay_store::claim(conn, w, 1).await.unwrap() {
        let a = attempt(&claim);
        let validation = |at, milestone, tokens, right: &[bool]| {
            measured(at, Split::Validation, milestone, tokens, &[right])
        };
        let records: Vec<Record> = match claim.spec.job.kind() {
            "pretrain" => vec![
                started(0),
                step(5, "train/loss", 1.0),
                spent(5, &[("update", 9000.0)]),
                validation(4, None, 8000.0, &[false, false]),
                validation(5, None, 9000.0, &[true, false, false, false]),
            ],
            "sft" => vec![
                started(0),
                step(10, "train/loss", 1.0),
                spent(4, &[("update", 90.0)]),
                validation(4, Some(10), 90.0, &[true, false]),
                spent(10, &[("update", 150.0), ("evaluation", 11.0)]),
                validation(10, Some(20), 240.0, &[true, true]),
            ],
            "grpo" => vec![
                started(0),
                step(20, "train/loss", 1.0),
                spent(
                    20,
                    &[("rollout", 300.0), ("update", 400.0), ("discarded", 40.0)],
                ),
                validation(20, Some(100), 740.0, &[true, true, true, false]),
            ],
            _ => vec![
                started(0),
                spent(0, &[("evaluation", 5.0)]),
                measured(
                    0,
                    Split::Test,
                    None,
                    0.0,
                    &[&[true, true, false, false], &[false, false, false, true]],
                ),
                measured(0, Split::Ood, None, 0.0, &[&[false, false]]),
            ],
        };
        append(conn, w, a, 1, &records).await.unwrap();
        finish(conn, w, a, &Outcome::Succeeded).await.unwrap();
    }
    (id, w)
}

#[tokio::test]
async fn figures_match_a_computation_by_hand() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, _) = played(&mut conn).await;
    let figures = assay_store::run_figures(&mut conn, id).await.unwrap();
    let charged: Vec<(&str, f64, bool)> = figures
        .iter()
        .map(|arm| (arm.id.as_str(), arm.runs[0].charged, arm.trains))
        .collect();
    // Evaluation is free, the base stands apart, three pays for two's sft.
    assert_eq!(
        charged,
        [
            ("base", 0.0, false),
            ("two", 980.0, true),
            ("three", 980.0, true)
        ]
    );
    let values = figures[1].runs[0].values.clone();
    let expected = [
        (metric::PASS_AT_1, 0.375),
        // One problem's two right answers stand alone; the other has one vote, the right one.
        (metric::MAJ_AT_K, 1.0),
        (metric::LENGTH, 16.25),
        (metric::TRUNCATED, 0.625),
    ];
    assert_eq!(
        values,
        expected.map(|(name, value)| (name.to_string(), value))
    );
    assert_eq!(metric::FINAL.to_vec(), expected.map(|(name, _)| name));
    assert_eq!(figures[1].planned_seeds, 1);
    let ood = assay_store::figures_for_split(&mut conn, id, Split::Ood)
        .await
        .unwrap();
    assert_eq!(ood[1].runs[0].values[0].1, 0.0);
    let pass = assay_store::pass_at_k(&mut conn, id, Split::Test)
        .await
        .unwrap();
    assert_eq!(pass.len(), 3);
    // Of 4 samples 2 and 1 are right: 1 - C(2,2)/C(4,2) = 5/6, 1 - C(3,2)/C(4,2) = 1/2.
    assert_eq!(pass[0].values[0], (1, 0.375));
    assert!((pass[0].values[1].1 - (5.0 / 6.0 + 0.5) / 2.0).abs() < 1e-12);
    assert_eq!(pass[0].values[2], (4, 1.0));
    assert_eq!((pass[0].values.len(), pass[0].samples), (3, 4));
}

#[tokio::test]
async fn a_run_has_figures_once_its_evaluation_has_succeeded() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("2")).await;
    let w = worker(&mut conn, 1).await;
    let figures = assay_store::run_figures(&mut conn, id).await.unwrap();
    assert_eq!(figures.len(), 2);
    assert!(
        figures
            .iter()
            .all(|arm| arm.runs.is_empty() && arm.planned_seeds == 2)
    );
    for _ in 0..2 {
        let base = claim(&mut conn, w).await;
        finish(&mut conn, w, attempt(&base), &Outcome::Succeeded)
            .await
            .unwrap();
    }
    let eval = loop {
        let next = claim(&mut conn, w).await;
        if next.spec.job.kind() == "eval" {
            break next;
        }
    };
    let right: [&[bool]; 3] = [&[true], &[true], &[false, true]];
    let records = [started(0), measured(0, Split::Test, None, 0.0, &right)];
    append(&mut conn, w, attempt(&eval), 1, &records)
        .await
        .unwrap();
    let figures = assay_store::run_figures(&mut conn, id).await.unwrap();
    assert!(figures[0].runs.is_empty());
    finish(&mut conn, w, attempt(&eval), &Outcome::Succeeded)
        .await
        .unwrap();
    let figures = assay_store::run_figures(&mut conn, id).await.unwrap();
    assert_eq!(figures[0].runs.len(), 1);
    // Every problem counts alike, and k ends where one problem has no more samples.
    let pass = assay_store::pass_at_k(&mut conn, id, Split::Test).await;
    let pass = pass.unwrap();
    assert_eq!((pass.len(), pass[0].samples), (1, 1));
    assert_eq!(pass[0].values, [(1, 2.5 / 3.0)]);
}

#[tokio::test]
async fn milestones_match_a_computation_by_hand() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, _) = played(&mut conn).await;
    let points = assay_store::milestones(&mut conn, id).await.unwrap();
    let seen: Vec<(&str, u32, f64, f64)> = points
        .iter()
        .map(|p: &MilestonePoint| (p.arm_key.as_str(), p.milestone, p.x, p.pass_at_1))
        .collect();
    assert_eq!(
        seen,
        [
            // The last measurement of the base, at no cost.
            ("base", 0, 0.0, 0.25),
            ("two", 0, 0.0, 0.25),
            ("two", 10, 90.0, 0.5),
            ("two", 20, 240.0, 1.0),
            ("two", 100, 240.0 + 740.0, 0.75),
            // It starts from two's sft, and has paid for it.
            ("three", 0, 240.0, 1.0),
            ("three", 100, 240.0 + 740.0, 0.75),
        ]
    );
    // Device time is charged likewise; active time is that of the steps before.
    let last = points.last().unwrap();
    assert_eq!(last.device_ms, 2.0 * (240.0 + 740.0));
    assert_eq!(last.active_ms, 3.0 * (10.0 + 740.0));
    assert_eq!((points[1].device_ms, points[1].active_ms), (0.0, 0.0));
}

#[tokio::test]
async fn a_budget_in_flops_is_charged_in_flops() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, _) = played(&mut conn).await;
    sqlx::query(
        "update experiment_version set spec = jsonb_set(spec, '{budget,unit}', '\"flops\"')",
    )
    .execute(&mut *conn)
    .await
    .unwrap();
    let figures = assay_store::run_figures(&mut conn, id).await.unwrap();
    assert_eq!(figures[1].runs[0].charged, 98_000.0);
    let points = assay_store::milestones(&mut conn, id).await.unwrap();
    assert_eq!(points.last().unwrap().x, 98_000.0);
    let curves = assay_store::experiment_series(&mut conn, id, "train/loss")
        .await
        .unwrap();
    assert_eq!(curves.last().unwrap().points[0].x, 100.0 * (240.0 + 20.0));
}

#[tokio::test]
async fn curves_stand_along_the_cost_that_is_asked_for() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, _) = played(&mut conn).await;
    // The sft before it was charged 240 tokens and worked for 10 steps; then come 20.
    for (along, x) in [
        (Along::Tokens, 240.0 + 20.0),
        (Along::Flops, 100.0 * (240.0 + 20.0)),
        (Along::DeviceMs, 2.0 * (240.0 + 20.0)),
        (Along::ActiveMs, 3.0 * (10.0 + 20.0)),
        (Along::Step, 10.0 + 20.0),
    ] {
        let curves = assay_store::experiment_series_along(&mut conn, id, "train/loss", along)
            .await
            .unwrap();
        assert_eq!(curves.last().unwrap().points[0].x, x, "{along:?}");
    }
}

#[tokio::test]
async fn charged_and_spent_are_two_sums() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let (id, _) = played(&mut conn).await;
    let ledger = assay_store::experiment_ledger(&mut conn, id).await.unwrap();
    let cost = |tokens: f64| cum(tokens).charged;
    let charged: Vec<(&str, i64, Cost)> = ledger
        .arms
        .iter()
        .map(|arm: &ArmCharge| (arm.arm_key.as_str(), arm.runs, arm.charged))
        .collect();
    assert_eq!(
        charged,
        [
            ("base", 1, cost(0.0)),
            ("two", 1, cost(980.0)),
            ("three", 1, cost(980.0))
        ]
    );
    // Each stage once: the sft, whose 240 two arms are charged, is spent once.
    let row = |purpose: &str, tokens: f64| SpentRow {
        purpose: purpose.into(),
        reused: false,
        cost: cost(tokens),
    };
    assert_eq!(
        ledger.spent,
        [
            row("discarded", 80.0),
            row("evaluation", 11.0 + 3.0 * 5.0),
            row("rollout", 600.0),
            row("update", 9000.0 + 240.0 + 800.0),
        ]
    );
    let runs = runs(&mut conn, id).await;
    let rows = assay_store::run_ledger(&mut conn, runs[2].id)
        .await
        .unwrap();
    let seen: Vec<(&str, &str, bool, f64)> = rows
        .iter()
        .map(|r| {
            (
                r.name.as_str(),
                r.purpose.as_str(),
                r.charged,
                r.cost.tokens,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("base", "update", false, 9000.0),
            ("two/sft", "evaluation", false, 11.0),
            ("two/sft", "update", true, 240.0),
            ("grpo", "discarded", true, 40.0),
            ("grpo", "rollout", true, 300.0),
            ("grpo", "update", true, 400.0),
            ("eval", "evaluation", false, 5.0),
        ]
    );
    // A second experiment on the same base reuses what it spent.
    let again = insert(&mut conn, &small("1")).await;
    let reused = assay_store::experiment_ledger(&mut conn, again)
        .await
        .unwrap();
    assert!(reused.spent.iter().all(|row| row.reused));
}

#[tokio::test]
async fn an_accident_never_shortens_what_an_arm_may_spend() {
    let db = Database::new().await;
    let mut conn = db.conn().await;
    let id = insert(&mut conn, &small("1")).await;
    let w = worker(&mut conn, 1).await;
    let base = claim(&mut conn, w).await;
    finish(&mut conn, w, attempt(&base), &Outcome::Succeeded)
        .await
        .unwrap();
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
        spent(10, &[("update", 100.0)]),
        spent(20, &[("update", 100.0)]),
    ];
    append(&mut conn, w, attempt(&sft), 1, &first)
        .await
        .unwrap();
    lose_all(&mut conn).await;
    let sft = attempt(&claim(&mut conn, w).await);
    append(
        &mut conn,
        w,
        sft,
        1,
        &[started(10), spent(20, &[("update", 100.0)])],
    )
    .await
    .unwrap();
    let ledger = assay_store::experiment_ledger(&mut conn, id).await.unwrap();
    assert_eq!(ledger.arms[1].charged.tokens, 200.0);
    let lost = ledger
        .spent
        .iter()
        .find(|row| row.purpose == "lost")
        .unwrap();
    assert_eq!(lost.cost.tokens, 100.0);
}
