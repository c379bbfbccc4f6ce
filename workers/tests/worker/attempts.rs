//! One stage, from its job to its records and its outcome.

use crate::support::*;
use assay_core::spec::JobSpec;
use assay_core::wire::{FailureClass, Outcome, Record};
use std::collections::BTreeMap;

#[test]
fn weights_that_are_not_numbers_fail_the_run_with_step_and_metric_and_keep_its_data() {
    let folder = Folder::new("nan");
    let init = base(&folder.0.join("base"));
    let mut bytes = std::fs::read(&init).unwrap();
    // The last weight of the file becomes NaN.
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    let broken = folder.0.join("broken");
    std::fs::write(&broken, bytes).unwrap();
    for kind in ["sft", "grpo"] {
        let attempt_folder = folder.0.join(kind);
        write_job(&attempt_folder, &stage(kind), Some(&broken), None);
        let (records, outcome, code) = attempt(&attempt_folder);
        match outcome {
            Outcome::Failed {
                class: FailureClass::Nan,
                step: Some(1),
                metric: Some(metric),
                message,
                ..
            } => {
                assert!(
                    metric == "train/loss" || metric == "train/grad_norm",
                    "{metric}"
                );
                assert!(
                    message.contains(&metric) && message.contains("step 1"),
                    "{message}"
                );
            }
            other => panic!("{kind}: {other:?}"),
        }
        assert_eq!(code, 80);
        assert!(matches!(records[0], Record::Started { .. }));
    }
}

#[test]
fn a_budget_smaller_than_one_step_is_refused() {
    let folder = Folder::new("small");
    let init = base(&folder.0.join("base"));
    for kind in ["sft", "grpo"] {
        let mut spec = stage(kind);
        spec.budget.as_mut().unwrap().amount = 10.0;
        let attempt_folder = folder.0.join(kind);
        write_job(&attempt_folder, &spec, Some(&init), None);
        let (_, outcome, code) = attempt(&attempt_folder);
        assert!(
            matches!(
                outcome,
                Outcome::Failed {
                    class: FailureClass::BadConfig,
                    ..
                }
            ),
            "{outcome:?}"
        );
        assert_eq!(code, 78);
    }
}

#[test]
fn milestones_lie_within_the_budget_and_the_ledger_adds_up() {
    let folder = Folder::new("ledger");
    let init = base(&folder.0.join("base"));
    let spec = stage("grpo");
    let budget = spec.budget.clone().unwrap();
    write_job(&folder.0.join("grpo"), &spec, Some(&init), None);
    let (records, _, _) = attempt(&folder.0.join("grpo"));
    let mut by_purpose: BTreeMap<String, f64> = BTreeMap::new();
    let mut milestones = vec![];
    let mut verified = 0;
    let mut last_charged = 0.0;
    for record in &records {
        match record {
            Record::Ledger {
                costs, supervision, ..
            } => {
                for (purpose, cost) in costs {
                    *by_purpose.entry(purpose.clone()).or_default() += cost.tokens;
                }
                verified += supervision.get("verifier_calls").copied().unwrap_or(0);
            }
            Record::Evaluation(e) => milestones.push((e.milestone.unwrap(), e.cum.charged.tokens)),
            Record::Step { cum, .. } => last_charged = cum.charged.tokens,
            _ => {}
        }
    }
    assert_eq!(
        milestones.iter().map(|m| m.0).collect::<Vec<_>>(),
        [30, 60, 100]
    );
    for ((percent, reached), (_, amount)) in milestones.iter().zip(&budget.milestones) {
        assert!(reached <= amount, "{percent} %: {reached} of {amount}");
    }
    // 2 iterations: each rollout token is trained on twice, scored for old and reference once each.
    let rollout = by_purpose["rollout"];
    assert_eq!(by_purpose["update"], 3.0 * rollout);
    assert_eq!(by_purpose["reference"], rollout);
    // The rollout that found the budget used up was not trained on.
    assert!(by_purpose["discarded"] > 0.0 && by_purpose["evaluation"] > 0.0);
    assert_eq!(last_charged, rollout * 5.0);
    assert!(last_charged <= budget.amount && last_charged > 0.8 * budget.amount);
    let JobSpec::Grpo { params, .. } = &spec.job else {
        panic!()
    };
    let steps = records
        .iter()
        .filter(|r| matches!(r, Record::Step { metrics, .. } if metrics.contains_key("train/loss")))
        .count();
    assert_eq!(verified, steps as u64 * u64::from(params.completions()));
}
