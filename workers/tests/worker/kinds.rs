//! Every kind of stage runs, ends as it should, and pays for what it does.

use crate::support::*;
use assay_core::ledger::purpose;
use assay_core::task::Split;
use assay_core::wire::{Level, Outcome, Record, role};
use std::collections::BTreeMap;

/// A stage's records, everything that it builds on computed first.
fn run(arm: &str, name: &str) -> Vec<Record> {
    let folder = Folder::new(&format!("kind-{arm}-{name}"));
    let (spec, inputs) = prepared(named(arm, name), &folder.0);
    let own = folder.0.join("own");
    write_job_with(&own, &spec, &inputs, None);
    let (records, outcome, _) = attempt(&own);
    assert_eq!(outcome, Outcome::Succeeded, "{arm}/{name}");
    records
}

/// FLOPs by purpose.
fn ledger(records: &[Record]) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for record in records {
        if let Record::Ledger { costs, .. } = record {
            for (what, cost) in costs {
                *sums.entry(what.clone()).or_insert(0.0) += cost.flops;
            }
        }
    }
    sums
}

fn metric(records: &[Record], name: &str) -> Vec<f64> {
    let of = |r: &Record| match r {
        Record::Step { metrics, .. } => metrics.get(name).copied(),
        _ => None,
    };
    records.iter().filter_map(of).collect()
}

#[test]
fn a_step_judge_is_labelled_trained_and_used_as_a_reward() {
    let labels = run("prm", "labels");
    assert!(ledger(&labels)[purpose::LABELS] > 0.0);
    let steps = metric(&labels, "labels/steps");
    assert!(steps.windows(2).all(|w| w[0] <= w[1]) && steps.last() > Some(&0.0));

    let judge = run("prm", "prm");
    let spent = ledger(&judge);
    assert_eq!(
        spent.keys().collect::<Vec<_>>(),
        [purpose::JUDGE_TRAINING],
        "a judge has no policy to measure"
    );

    let rl = run("prm", "rl");
    let spent = ledger(&rl);
    for what in [purpose::ROLLOUT, purpose::UPDATE, purpose::JUDGE] {
        assert!(spent[what] > 0.0, "{what}");
    }
    // The reward is the sum of its parts, each told by itself.
    let total = metric(&rl, "train/reward_mean");
    let prm = metric(&rl, "reward/prm_min_mean");
    let accuracy = metric(&rl, "reward/accuracy_mean");
    assert_eq!((total.len(), prm.len()), (2, 2));
    for i in 0..2 {
        assert!((total[i] - prm[i] - accuracy[i]).abs() < 1e-9);
        assert!((0.0..=1.0).contains(&prm[i]));
    }
}

#[test]
fn an_outcome_judge_is_trained_on_all_samples_and_used_as_a_reward() {
    let rl = run("orm", "rl");
    let rewards = metric(&rl, "train/reward_mean");
    assert!(rewards.iter().all(|r| (0.0..=1.0).contains(r)));
    assert!(ledger(&rl)[purpose::JUDGE] > 0.0);
}

#[test]
fn a_stage_that_its_steps_end_measures_its_last_state_at_what_it_has_used() {
    let rl = run("prm", "rl");
    let milestones: Vec<Option<u32>> = rl
        .iter()
        .filter_map(|r| match r {
            Record::Evaluation(e) => Some(e.milestone),
            _ => None,
        })
        .collect();
    // It starts at 70 % of the arm's budget and ends by max_steps before 100 %.
    let last = milestones.last().copied().flatten().unwrap();
    assert!((70..100).contains(&last), "{milestones:?}");
}

#[test]
fn a_student_pays_its_teacher_and_comes_nearer_to_it() {
    let records = run("distill", "distill");
    assert!(ledger(&records)[purpose::TEACHER] > 0.0);
    let loss = metric(&records, "train/kl");
    assert_eq!(loss.len(), 8);
    assert!(loss.iter().all(|l| *l >= -1e-6), "a divergence: {loss:?}");
    assert!(ledger(&run("copy", "copy"))[purpose::TEACHER] > 0.0);
}

#[test]
fn a_student_whose_teacher_knows_nothing_ends_with_an_alarm_and_not_with_a_crash() {
    let records = run("copy", "copy");
    let alarms = records
        .iter()
        .filter(|r| matches!(r, Record::Event { text, .. } if text.contains("to learn from")));
    assert_eq!(alarms.count(), 1);
    assert!(metric(&records, "train/loss").is_empty());
    assert!(artifact(&records, role::OUTPUT).is_some());
}

#[test]
fn self_training_searches_learns_and_keeps_trees() {
    let records = run("mcts", "selftrain");
    let spent = ledger(&records);
    assert!(spent[purpose::SEARCH] > 0.0);
    assert!(!metric(&records, "search/solved_share").is_empty());
    assert!(artifact(&records, role::TREES).is_some());
}

#[test]
fn decoders_answer_at_every_level_and_cost_more_at_higher_ones() {
    for (arm, levels) in [
        ("majority", vec![1, 3]),
        ("best", vec![1, 3]),
        ("weighted", vec![1, 3]),
        ("beam", vec![4]),
        ("dvts", vec![4]),
        ("tree", vec![1, 4]),
        ("narrow", vec![64]),
        ("tokens", vec![2]),
    ] {
        let records = run(arm, "decode");
        let found: Vec<(u64, f64)> = records
            .iter()
            .filter_map(|r| match r {
                Record::Evaluation(e) => {
                    assert_eq!((e.split, e.items.len()), (Split::Test, 6), "{arm}");
                    assert!(e.items.iter().all(|i| !i.correct.is_empty()));
                    Some((e.step, e.cum.charged.flops))
                }
                _ => None,
            })
            .collect();
        let steps: Vec<u64> = found.iter().map(|f| f.0).collect();
        assert_eq!(steps, levels, "{arm}");
        assert!(found.iter().all(|f| f.1 > 0.0), "{arm}");
        assert!(
            found.windows(2).all(|w| w[0].1 < w[1].1),
            "{arm}: {found:?}"
        );
    }
}

#[test]
fn dynamic_sampling_charges_what_it_throws_away() {
    let spent = ledger(&run("ppo", "ppo"));
    assert!(spent[purpose::DISCARDED] > 0.0);
}

/// Runs stages of one spec after the other, each from the one before.
fn chain(name: &str, changes: &[(&str, serde_json::Value)]) -> Vec<Record> {
    let folder = Folder::new(name);
    let mut init = base(&folder.0.join("base"));
    let mut last = vec![];
    for (at, (kind, change)) in changes.iter().enumerate() {
        let mut spec = serde_json::to_value(stage(kind)).unwrap();
        for (key, value) in change.as_object().unwrap() {
            spec["job"][key] = value.clone();
        }
        spec["budget"] = serde_json::Value::Null;
        let own = folder.0.join(format!("{at}"));
        write_job(
            &own,
            &serde_json::from_value(spec).unwrap(),
            Some(&init),
            None,
        );
        let (records, outcome, _) = attempt(&own);
        assert_eq!(outcome, Outcome::Succeeded, "{name}, {kind}");
        init = own
            .join("artifacts")
            .join(artifact(&records, role::OUTPUT).unwrap());
        last = records;
    }
    last
}

fn alarms(records: &[Record]) -> Vec<&str> {
    let alarms = records.iter().filter_map(|record| match record {
        Record::Event {
            level: Level::Alarm,
            text,
            ..
        } => Some(text.as_str()),
        _ => None,
    });
    alarms.collect()
}

#[test]
fn entropy_that_collapses_raises_its_alarm_and_the_run_goes_on_to_its_end() {
    // One demonstration, learned by heart at a high rate, then sampled at next to no temperature:
    // every token is all but certain.
    let by_heart =
        serde_json::json!({ "demonstrations": 1, "learning_rate": 0.02, "max_steps": 60 });
    let cold = serde_json::json!({
        "temperature": 0.01, "prompts_per_step": 1, "num_generations": 4, "max_steps": 8
    });
    let records = chain("cold", &[("sft", by_heart), ("grpo", cold)]);
    let entropy = metric(&records, "train/entropy");
    assert_eq!(entropy.len(), 8, "it goes on to its end");
    let collapsed = entropy.iter().position(|e| *e < 1e-3);
    let raised: Vec<u64> = records
        .iter()
        .filter_map(|record| match record {
            Record::Event {
                step,
                level: Level::Alarm,
                text,
            } if text.starts_with("entropy has collapsed") => Some(*step),
            _ => None,
        })
        .collect();
    // Once, at the first step that it holds for.
    let first = collapsed.unwrap_or_else(|| panic!("{entropy:?}"));
    assert_eq!(raised, [first as u64 + 1], "{entropy:?}");
}

#[test]
fn entropy_that_has_not_collapsed_raises_nothing() {
    let records = chain("warm", &[("grpo", serde_json::json!({ "max_steps": 3 }))]);
    let entropy = metric(&records, "train/entropy");
    assert!(
        entropy.len() == 3 && entropy.iter().all(|e| *e > 0.05),
        "{entropy:?}"
    );
    let raised = alarms(&records);
    assert!(raised.iter().all(|t| !t.contains("entropy")), "{raised:?}");
}

#[test]
fn a_degenerate_run_ends_with_its_alarms_and_not_with_a_crash() {
    // One token is never enough for an answer: all truncated, no group mixed.
    let cut =
        serde_json::json!({ "max_completion_length": 1, "max_steps": 11, "num_generations": 2 });
    let records = chain("cut", &[("grpo", cut)]);
    let raised = alarms(&records);
    let flat = metric(&records, "train/frac_reward_zero_std");
    assert_eq!(raised.len(), 2, "{raised:?}, {flat:?}");
    assert!(
        raised
            .iter()
            .any(|t| t.contains("ran into max_completion_length"))
    );
    assert!(
        raised
            .iter()
            .any(|t| t.contains("no group had mixed rewards"))
    );
}
