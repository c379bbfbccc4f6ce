//! What stages store for people to look at: trees with what their compute buys without
//! one, texts with their judge's scores, rewards in their parts.

use crate::support::*;
use assay_core::judged::{Judged, MOST_JUDGED};
use assay_core::trees::{Picked, StoredTree};
use assay_core::wire::{CompletionItem, Outcome, Record, role};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

/// A stage's records and the folder of its files, everything that it builds on computed first.
fn run(folder: &Folder, arm: &str, name: &str) -> (Vec<Record>, PathBuf) {
    let (spec, inputs) = prepared(named(arm, name), &folder.0);
    let own = folder.0.join(format!("own-{arm}-{name}"));
    write_job_with(&own, &spec, &inputs, None);
    let (records, outcome, _) = attempt(&own);
    assert_eq!(outcome, Outcome::Succeeded, "{arm}/{name}");
    (records, own.join("artifacts"))
}

/// The lines of every file of a role, with the file's step.
fn lines((records, files): &(Vec<Record>, PathBuf), of: &str) -> Vec<(u64, String)> {
    let mut out = vec![];
    for record in records {
        if let Record::Artifact {
            role, step, sha256, ..
        } = record
            && role == of
        {
            let file = std::fs::File::open(files.join(sha256)).unwrap();
            let text = BufReader::new(flate2::read::GzDecoder::new(file));
            out.extend(text.lines().map(|line| (*step, line.unwrap())));
        }
    }
    out
}

fn trees(of: &(Vec<Record>, PathBuf)) -> Vec<(u64, StoredTree)> {
    lines(of, role::TREES)
        .iter()
        .map(|(step, line)| (*step, StoredTree::read(line).unwrap()))
        .collect()
}

#[test]
fn a_decoders_trees_stand_beside_whole_samples_of_the_same_cost() {
    let folder = Folder::new("look-tree");
    let found = trees(&run(&folder, "tree", "decode"));
    assert_eq!(found.len(), 6, "as many as there are problems");
    for (step, tree) in &found {
        assert_eq!(*step, 4);
        let (cost, whole) = (tree.cost.unwrap(), tree.whole.as_ref().unwrap());
        assert!(tree.simulations.unwrap() > 0 && tree.answered.is_some());
        assert_eq!(tree.nodes[0].visits, tree.simulations.unwrap());
        assert!(tree.nodes.iter().skip(1).all(|n| n.prior > 0.0));
        assert_eq!(whole.picked, Picked::ByValue);
        assert!(whole.cost.flops <= cost.flops, "{whole:?}");
        // The next sample would not have fitted: no sample costs more than two passes over
        // prompt and limit, of policy and judge.
        assert!(whole.n > 0 && !whole.capped);
        let mean = whole.cost.flops / f64::from(whole.n);
        assert!(
            cost.flops - whole.cost.flops < 4.0 * mean,
            "{whole:?} of {cost:?}"
        );
        assert!(whole.right <= whole.n);
        assert!(!whole.correct || whole.right > 0);
    }
    // Oracle values: the verifier picks.
    let narrow = trees(&run(&folder, "narrow", "decode"));
    for (_, tree) in &narrow {
        let whole = tree.whole.as_ref().unwrap();
        assert_eq!(whole.picked, Picked::ByVerifier);
        assert_eq!(whole.correct, whole.right > 0);
    }
}

#[test]
fn self_training_stores_trees_of_every_round() {
    let folder = Folder::new("look-selftrain");
    let found = trees(&run(&folder, "mcts", "selftrain"));
    assert!(!found.is_empty());
    for (step, tree) in &found {
        assert!(*step >= 1);
        assert_eq!(tree.whole.as_ref().unwrap().picked, Picked::ByVerifier);
        assert!(tree.values().iter().map(|b| b.count).sum::<u64>() > 0);
    }
}

fn judged(of: &(Vec<Record>, PathBuf)) -> Vec<(u64, Judged)> {
    lines(of, role::JUDGED)
        .iter()
        .map(|(step, line)| (*step, serde_json::from_str(line).unwrap()))
        .collect()
}

#[test]
fn judges_store_texts_that_they_were_not_trained_on() {
    let folder = Folder::new("look-judges");
    let prm = judged(&run(&folder, "prm", "prm"));
    assert!((1..=MOST_JUDGED).contains(&prm.len()), "{}", prm.len());
    for (_, text) in &prm {
        assert!(!text.steps.is_empty());
        let whole: String = text.steps.iter().map(|s| s.text.as_str()).collect();
        assert!(text.completion.starts_with(&whole), "{text:?}");
        for step in &text.steps {
            assert!((0.0..=1.0).contains(&step.score) && step.label.is_some());
        }
    }
    let orm = judged(&run(&folder, "orm", "orm"));
    for (_, text) in &orm {
        assert_eq!(text.steps.len(), 1, "one score for the whole text");
        assert_eq!(text.steps[0].text, text.completion);
        assert_eq!(text.steps[0].truth, Some(text.correct));
    }
}

#[test]
fn a_policy_stores_what_its_step_judge_says_and_what_its_rewards_are_made_of() {
    let folder = Folder::new("look-rl");
    let ran = run(&folder, "prm", "rl");
    let items: Vec<&CompletionItem> = ran
        .0
        .iter()
        .flat_map(|r| match r {
            Record::Completions { items, .. } => items.iter().collect::<Vec<_>>(),
            _ => vec![],
        })
        .collect();
    assert!(!items.is_empty());
    for item in &items {
        let sum: f64 = item.components.values().sum();
        assert!((sum - item.reward).abs() < 1e-9, "{item:?}");
        assert_eq!(item.components["accuracy"] == 1.0, item.correct);
    }
    let judged = judged(&ran);
    assert_eq!(judged.len(), items.len(), "the same texts");
    for ((_, text), item) in judged.iter().zip(&items) {
        assert_eq!(text.completion, item.completion);
        let lowest = text.steps.iter().map(|s| s.score).reduce(f32::min);
        let prm = item.components["prm_min"];
        assert!((f64::from(lowest.unwrap_or(0.0)) - prm).abs() < 1e-9);
    }
}
