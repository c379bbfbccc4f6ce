//! Verdicts, decoders, supervision and charges on the page.

use super::*;
use assay_core::decoders::{DecoderFigures, DecoderRun};
use assay_core::supervision::{ArmSupervision, DEMONSTRATIONS, ORACLE_STEP_LABELS, VERIFIER_CALLS};
use std::collections::BTreeMap;

const STAGES: &str = "
stages:
  - { id: base, kind: pretrain, model: {} }
  - { id: labels, kind: prm_label, charge: arm, share: 0.1, inputs: { init: base } }
  - { id: prm, kind: prm_train, charge: arm, share: 0.1, inputs: { init: base, data: labels } }
arms:";
pub(super) const TRAINED: &str = "
  - { id: base, label: Base model, policy: base }
  - { id: sft, label: SFT alone, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }
  - { id: majority, label: Majority, stages: [{ id: d, kind: search, levels: [1, 4, 16], inputs: { init: zero/grpo } }] }
  - { id: zero, label: R1-Zero, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: rerank, label: PRM rerank, stages: [{ id: d, kind: search, method: best_of_n, levels: [4, 16], inputs: { init: zero/grpo, prm: prm } }] }
  - { id: longest, label: Longest of the base, stages: [{ id: d, kind: search, method: longest, levels: [4], inputs: { init: base } }] }";
pub(super) const ALONE: &str = "
  - { id: majority, label: Majority, stages: [{ id: d, kind: search, levels: [1, 4, 16], inputs: { init: base } }] }
  - { id: rerank, label: PRM rerank, stages: [{ id: d, kind: search, method: best_of_n, levels: [4, 16], inputs: { init: base, prm: prm } }] }";

/// The arms' figures at `finished` of `seeds` seeds.
pub(super) fn made(head: &str, arms: &str, seeds: u64, finished: u64) -> Material {
    let text = format!(
        "
name: A test
question: Do judges help at equal cost of inference?
task: {{ name: modchain }}
seeds: {seeds}
budget: {{ unit: flops, amount: {BUDGET:e} }}
{head}{STAGES}{arms}"
    );
    let spec = Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"));
    let mut of = material(&["Base"], seeds, &[0], 0);
    of.test.clear();
    of.ood.clear();
    of.milestones.clear();
    of.runs.clear();
    of.ledger.arms.clear();
    let values = [("base", 0.3), ("sft", 0.35), ("zero", 0.6)];
    of.view.arms.clear();
    for (i, arm) in spec.arms.iter().enumerate() {
        let view = ArmView {
            id: ArmId(uuid::Uuid::from_u128(i as u128)),
            position: i as i32,
            key: arm.id.clone(),
            label: arm.label.clone(),
            trains: arm.trains(),
        };
        let wobble = |seed: u64| 0.01 * ((seed * 7 + i as u64 * 3) % 5) as f64;
        for seed in 0..seeds {
            of.runs.push(RunView {
                id: RunId(uuid::Uuid::from_u128((i as u128) << 64 | u128::from(seed))),
                experiment: of.view.id,
                arm: view.clone(),
                seed,
                state: if seed < finished {
                    RunState::Succeeded
                } else {
                    RunState::Running
                },
                stages: vec![],
            });
        }
        if let Some(decoder) = spec.decoder(&arm.id) {
            let gain = if arm.id == "rerank" { 0.04 } else { 0.02 };
            let runs = (0..finished).flat_map(|seed| {
                decoder.levels.iter().map(move |&level| DecoderRun {
                    seed,
                    level,
                    pass_at_1: 0.5 + gain * f64::from(level.ilog2()) + wobble(seed),
                    tokens: 41.0 * f64::from(level),
                    flops: 4e7 * f64::from(level),
                    charged: BUDGET,
                    excluded: false,
                })
            });
            of.decoders.push(DecoderFigures {
                id: arm.id.clone(),
                label: arm.label.clone(),
                planned_seeds: seeds as usize,
                runs: runs.collect(),
            });
        } else {
            let value = values.iter().find(|v| v.0 == arm.id).unwrap().1;
            let run = |seed| RunFigures {
                seed,
                charged: if arm.trains() { BUDGET } else { 0.0 },
                values: metric::FINAL
                    .iter()
                    .map(|m| (m.to_string(), value + wobble(seed)))
                    .collect(),
                excluded: false,
            };
            let figures = ArmFigures {
                id: arm.id.clone(),
                label: arm.label.clone(),
                trains: arm.trains(),
                planned_seeds: seeds as usize,
                runs: (0..finished).map(run).collect(),
            };
            of.test.push(figures.clone());
            of.ood.push(figures);
        }
        let cost = |flops| Cost {
            flops,
            ..Cost::default()
        };
        of.ledger.arms.push(ArmCharge {
            arm_key: arm.id.clone(),
            label: arm.label.clone(),
            runs: seeds as i64,
            charged: cost(1.5e12),
            purposes: BTreeMap::from([
                ("update".to_string(), cost(1e12)),
                ("judge_training".to_string(), cost(3e11)),
                ("dreaming".to_string(), cost(2e11)),
            ]),
            apart: vec![
                ("base".into(), cost(7e12)),
                ("zero/grpo".into(), cost(1e12)),
            ],
            never: cost(4e10),
        });
        let demonstrations = if arm.id == "sft" { 64.0 } else { 0.0 };
        of.supervision.push(ArmSupervision {
            arm: arm.id.clone(),
            label: arm.label.clone(),
            runs: finished as usize,
            counts: BTreeMap::from([
                (DEMONSTRATIONS.to_string(), demonstrations),
                (VERIFIER_CALLS.to_string(), 12_000.0),
                (
                    ORACLE_STEP_LABELS.to_string(),
                    if arm.id == "rerank" { 300.0 } else { 0.0 },
                ),
            ]),
        });
    }
    of.view.arms = of
        .runs
        .chunk_by(|a, b| a.arm.key == b.arm.key)
        .map(|runs| runs[0].arm.clone())
        .collect();
    of.outcome = outcome(&spec, &of.test, &of.decoders)
        .with_open_runs(assay_store::fates(&of.runs, &of.exclusions));
    of.view.question.clone_from(&spec.question);
    of.view.spec = spec;
    of
}

pub(super) const REGISTERED: &str = "
baseline: zero
min_gain: 0.01
contrasts:
  - { arm: sft, against: zero }
  - { arm: zero, against: base }
  - { arm: rerank, against: majority }
required_attempts: { prm: rerank, mcts: { not_run: Too dear for two cores. } }";

/// The text of one section.
pub(super) fn section<'a>(text: &'a str, id: &str) -> &'a str {
    let at = text
        .find(&format!("<section id=\"{id}\""))
        .unwrap_or_else(|| panic!("{id}"));
    &text[at..at + text[at..].find("</section>").unwrap()]
}

#[test]
fn every_registered_contrast_has_its_row_and_words() {
    let of = made(REGISTERED, TRAINED, 5, 5);
    let text = render(&of, 0, 0);
    let said = section(&text, "verdicts");
    for words in [
        "3 registered contrasts",
        "Margin 0.0200, registered minimum gain 0.0100.",
        "unadjusted 95 % interval",
        "Adjusted 98.3 % interval",
        "5 of 5",
        "<strong class=\"unsuccessful\">× unsuccessful</strong>",
        "better",
        "equal inference: 16 samples of R1-Zero (zero/grpo)",
        "prm: PRM rerank, in the comparison",
        "mcts: not run, because: Too dear for two cores.",
        // Not drawn by the forest: the base against R1-Zero, and the decoders.
        "PRM rerank against Majority at 16",
        "R1-Zero against Base model",
    ] {
        assert!(said.contains(words), "{words} not in {said}");
    }
    assert!(!said.contains("missing") && !said.contains("still open"));
    // A finding has its mark in the table, and its name in the charts.
    let table = section(&text, "table");
    assert!(table.contains("× SFT alone <small>unsuccessful</small>"));
    assert!(
        table.contains("<td>-\u{a0}worse</td>")
            && table.contains("<td>+\u{a0}better, against Base model</td>")
    );
    assert!(!table.contains("× R1-Zero"));
    assert!(said.contains("<td>-\u{a0}worse <strong") && said.contains("<td>+\u{a0}better"));
    assert!(section(&text, "figures").contains("× SFT alone (unsuccessful)"));
}

#[test]
fn under_five_seeds_no_word_is_said() {
    let text = render(&made(REGISTERED, TRAINED, 4, 4), 0, 0);
    let said = section(&text, "verdicts");
    assert_eq!(said.matches("<td>not enough seeds</td>").count(), 3);
    assert!(said.contains("class=\"dot\""), "the seeds are drawn");
    for word in ["better", "worse", "equivalent", "unsuccessful", "not shown"] {
        assert!(!said.contains(word), "{word}");
    }
}

#[test]
fn a_missing_attempt_is_named_and_withholds_the_verdicts() {
    let mut of = made(REGISTERED, TRAINED, 6, 6);
    of.decoders[1].runs.retain(|run| run.seed < 2);
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders);
    let text = render(&of, 0, 0);
    let said = section(&text, "verdicts");
    assert!(said.contains(
        "No verdict is given: required attempts are missing: prm (PRM rerank: 2 of 6 seeds finished)."
    ));
    assert_eq!(said.matches("<td>withheld</td>").count(), 3);
    assert!(said.contains("prm: PRM rerank, missing so far") && !said.contains("better"));
    assert!(text.contains("PRM rerank: 2 of 6 seeds finished"));
}

#[test]
fn words_for_a_part_of_the_seeds_are_called_that() {
    let of = made(REGISTERED, TRAINED, 10, 6);
    let said = render(&of, 0, 0);
    assert!(section(&said, "verdicts").contains("Runs are still open"));
    assert!(said.contains("Majority: 6 of 10 seeds finished (4 running)"));
}

#[test]
fn decoders_stand_by_their_policy_and_in_nothing_of_equal_compute() {
    let text = render(&made(REGISTERED, TRAINED, 5, 3), 0, 0);
    let of_zero = section(&text, "decoders-0");
    for words in [
        "Decoders of R1-Zero (zero/grpo) at equal inference cost",
        "16 samples",
        "n = 3, 656 tokens",
        "not planned",
        "3 of 5",
        "400 G",
        "more oracle labels of steps than Majority",
        "PRM rerank",
    ] {
        assert!(of_zero.contains(words), "{words} not in {of_zero}");
    }
    assert!(!of_zero.contains("Longest of the base"));
    let of_base = section(&text, "decoders-1");
    assert!(of_base.contains("Decoders of base at") && of_base.contains("Longest of the base"));
    for id in ["table", "figures"] {
        let part = section(&text, id);
        for arm in ["majority", "rerank", "longest"] {
            assert!(
                !part.contains(&format!("data-arm=\"{arm}\"")),
                "{arm} in {id}"
            );
        }
        assert!(part.contains("data-arm=\"zero\""));
    }
    let table = section(&text, "table");
    assert!(table.contains("64 demonstrations") && table.contains("12.0 k verifier calls"));
    assert!(table.contains("more demonstrations than R1-Zero"));
}

#[test]
fn decoders_alone_are_a_page_in_every_state() {
    for (seeds, finished) in [(5, 5), (3, 1), (3, 2), (2, 0)] {
        let of = made("baseline: majority\n", ALONE, seeds, finished);
        let text = render(&of, 0, 0);
        assert!(text.contains("Basis: equal inference"), "{finished}");
        assert!(!text.contains("<section id=\"table\"") && !text.contains("equal compute"));
        let group = section(&text, "decoders-0");
        for arm in ["majority", "rerank"] {
            // Its row, its line and label in the chart, and the contrast.
            assert!(
                group.matches(&format!("data-arm=\"{arm}\"")).count() >= 3,
                "{arm}"
            );
        }
        assert_eq!(
            text.contains("No run has finished its final evaluation yet"),
            finished == 0
        );
        let csv = export::csv(&of);
        assert_eq!(csv.lines().count(), 1 + 5 + 1, "{csv}");
        let json = export::json(&of);
        assert_eq!(json["decoders"][0]["policies"][0]["policy"], "base");
        assert!(json["comparisons"].as_array().unwrap().is_empty());
    }
}

#[test]
fn charges_are_read_by_purpose_with_and_without_what_stands_apart() {
    let text = render(&made(REGISTERED, TRAINED, 3, 3), 0, 0);
    let cost = section(&text, "cost");
    for words in [
        "<th scope=\"col\" class=\"n\">update</th><th scope=\"col\" class=\"n\">judge training</th><th scope=\"col\" class=\"n\">dreaming</th>",
        "1.50 T",
        "base 7.00 T",
        "zero/grpo 1.00 T",
        "9.50 T",
        "40.0 G",
    ] {
        assert!(cost.contains(words), "{words} not in {cost}");
    }
    assert!(
        !cost.contains("class=\"n\">rollout</th>"),
        "no arm was charged for any"
    );
}

#[test]
fn exports_carry_decoders_contrasts_and_supervision() {
    let of = made(REGISTERED, TRAINED, 5, 5);
    let csv = export::csv(&of);
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let lines: Vec<Vec<&str>> = csv
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect())
        .collect();
    assert!(lines.iter().all(|l| l.len() == head.len()));
    let column =
        |line: &[&str], name: &str| line[head.iter().position(|h| *h == name).unwrap()].to_string();
    let count = |kind: &str| lines.iter().filter(|l| l[0] == kind).count();
    assert_eq!(
        (count("arm"), count("decoder"), count("contrast")),
        (2 * 4 * 3, 6, 3)
    );
    let decoder = lines.iter().find(|l| l[0] == "decoder").unwrap();
    assert_eq!(column(decoder, "basis"), "equal_inference");
    assert_eq!(column(decoder, "policy"), "\"zero/grpo\"");
    assert_eq!(column(decoder, "tokens_per_question"), "41");
    let contrast = lines.iter().find(|l| l[0] == "contrast").unwrap();
    assert_eq!(column(contrast, "verdict"), "\"worse\"");
    assert_eq!(column(contrast, "mark"), "unsuccessful");
    // The arm's own lines say it too.
    let failed = column(contrast, "arm");
    let own = |l: &&Vec<&str>| l[0] != "contrast" && column(l, "arm") == failed;
    let own: Vec<_> = lines.iter().filter(own).collect();
    assert!(!own.is_empty() && own.iter().all(|l| column(l, "mark") == "unsuccessful"));
    assert_eq!(column(contrast, "demonstrations"), "64");
    let json = export::json(&of);
    assert_eq!(json["outcome"]["contrasts"][0]["verdict"], "worse");
    assert_eq!(json["outcome"]["m"], 3);
    assert_eq!(json["supervision"][1]["more"][0]["than"], "zero");
    assert_eq!(json["charged"][0]["apart"][0][0], "base");
}
