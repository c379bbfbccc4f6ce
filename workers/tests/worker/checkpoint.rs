//! From a folder with a pretrained model and files of questions to trained arms.

use crate::folder;
use crate::support::*;
use assay_core::spec::Experiment;
use assay_core::task::Split;
use assay_core::wire::{Outcome, Record, role};
use safetensors::tensor::Dtype;
use std::io::Read;
use std::path::{Path, PathBuf};

fn questions(from: u32, n: u32) -> String {
    (from..from + n)
        .map(|i| {
            let answer = format!("{i}+1={}\\n#### {}", i + 1, i + 1);
            format!("{{\"question\": \"What is {i}+1?\", \"answer\": \"{answer}\"}}\n")
        })
        .collect()
}

/// Files and the experiment on them; the stage is what `assay-worker checkpoint` prints.
fn material(data: &Path) -> String {
    folder::write(&data.join("tiny"), "qwen2", 100, Dtype::BF16);
    let mut task = String::new();
    for (name, text) in [
        ("train", questions(0, 40)),
        ("test", questions(40, 8)),
        ("ood", questions(1000, 8)),
    ] {
        let sha = assay_core::canonical::sha256_of(text.as_bytes());
        std::fs::write(data.join(format!("{name}.jsonl")), text).unwrap();
        task += &format!("{name}: {{ file: {name}.jsonl, sha256: {sha} }}, ");
    }
    let printed = worker()
        .args(["checkpoint"])
        .arg(data.join("tiny"))
        .output()
        .unwrap();
    assert!(printed.status.success());
    let stage = String::from_utf8(printed.stdout).unwrap();
    let stage: String = stage.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "
name: text
question: Does a checkpoint run?
task: {{ name: questions, {task} template: \"Q: {{question}}\\nA:\", answer: last_number, max_prompt_tokens: 40, max_solution_tokens: 80 }}
base_seeds: shared
seeds: 1
budget: {{ unit: tokens, amount: 6000 }}
baseline: base
evaluation: {{ milestones: [50, 100], validation_problems: 3, validation_samples: 2, problems: 4, samples: 2, max_completion_length: 24 }}
stages:
{stage}arms:
  - {{ id: base, policy: base }}
  - id: grpo
    stages:
      - {{ id: grpo, kind: grpo, inputs: {{ init: base }}, prompts_per_step: 4, num_generations: 4, max_completion_length: 16, beta: 0.01, learning_rate: 1.0e-3, rewards: [{{ component: accuracy }}, {{ component: length }}], micro_batch: 4, checkpoint_steps: 2, sample_steps: 1 }}
  - id: sft
    stages:
      - {{ id: sft, kind: sft, inputs: {{ init: base }}, batch_size: 4, demonstrations: 20, learning_rate: 1.0e-3, micro_batch: 4 }}
  - id: rejection
    stages:
      - {{ id: sample, kind: rejection_sample, share: 0.5, inputs: {{ init: base }}, prompts: 16, num_generations: 2, keep: all, max_completion_length: 16 }}
      - {{ id: sft, kind: sft, share: 0.5, inputs: {{ init: base, data: sample }}, batch_size: 4, micro_batch: 4 }}
  - id: distill
    stages:
      - {{ id: distill, kind: distill, inputs: {{ init: base, teacher: sft/sft }}, mode: on_policy, prompts_per_step: 2, num_generations: 2, max_completion_length: 16, micro_batch: 4, max_steps: 2 }}
  - {{ id: majority, stages: [{{ id: decode, kind: search, inputs: {{ init: base }}, method: majority, levels: [1, 3], problems: 4, max_completion_length: 16 }}] }}
"
    )
}

fn train(file: &Path, data: &Path, out: &Path) -> (i32, String) {
    let output = worker()
        .arg("train")
        .arg(file)
        .args(["--all", "--device", "cpu", "--out"])
        .arg(out)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

/// Folders of the stages, by name, with their records.
fn stages(out: &Path) -> Vec<(String, PathBuf, Vec<Record>)> {
    let mut all: Vec<_> = std::fs::read_dir(out.join("stages"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_string();
            let records = parse(&std::fs::read_to_string(path.join("records.jsonl")).unwrap());
            (name, path, records)
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn a_checkpoint_is_trained_sampled_and_measured_in_its_own_words() {
    let folder = Folder::new("checkpoint");
    let data = folder.0.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let file = folder.0.join("text.yaml");
    std::fs::write(&file, material(&data)).unwrap();
    let out = folder.0.join("one");
    let (code, log) = train(&file, &data, &out);
    assert_eq!(code, 0, "{log}");
    let first = stages(&out);
    for (name, path, records) in &first {
        let outcome = std::fs::read(path.join("outcome.json")).unwrap();
        let outcome: Outcome = serde_json::from_slice(&outcome).unwrap();
        assert_eq!(outcome, Outcome::Succeeded, "{name}");
        assert!(matches!(records[0], Record::Started { .. }), "{name}");
    }
    let of = |part: &str| {
        let found = first.iter().find(|(name, ..)| name.ends_with(part));
        let (_, path, records) = found.unwrap_or_else(|| panic!("no stage {part}"));
        (path, records)
    };
    let head = |part: &str| {
        let (path, records) = of(part);
        let name = artifact(records, role::OUTPUT).unwrap();
        std::fs::read(path.join("artifacts").join(name)).unwrap()
    };
    // Trained weights are others, and take the tokenizer along.
    let (base, trained) = (head("base"), head("grpo"));
    assert_ne!(base, trained);
    for bytes in [&base, &trained] {
        assert!(String::from_utf8_lossy(&bytes[..4096]).contains("WordLevel"));
    }
    let texts: Vec<String> = of("grpo")
        .1
        .iter()
        .filter_map(|record| match record {
            Record::Completions { .. } => Some(serde_json::to_string(record).unwrap()),
            _ => None,
        })
        .collect();
    assert!(
        !texts.is_empty() && texts[0].contains("Q: What is"),
        "{texts:?}"
    );

    let (path, records) = of("-eval");
    let splits: Vec<Split> = records
        .iter()
        .filter_map(|record| match record {
            Record::Evaluation(e) => Some(e.split),
            _ => None,
        })
        .collect();
    assert_eq!(splits, [Split::Test, Split::Ood]);
    let name = artifact(records, role::SAMPLES).unwrap();
    let gz = std::fs::File::open(path.join("artifacts").join(name)).unwrap();
    let mut lines = String::new();
    flate2::read::GzDecoder::new(gz)
        .read_to_string(&mut lines)
        .unwrap();
    assert!(lines.contains("Q: What is 100"), "{lines}");

    // The same files give the same results.
    let again = folder.0.join("two");
    assert_eq!(train(&file, &data, &again).0, 0);
    for ((name, _, one), (_, _, two)) in first.iter().zip(&stages(&again)) {
        assert_eq!(substance(one), substance(two), "{name}");
    }
}

#[test]
fn other_files_than_the_experiment_names_are_refused_in_words() {
    let folder = Folder::new("other-files");
    let data = folder.0.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let text = material(&data);
    let file = folder.0.join("text.yaml");
    let refused = |text: &str, data: &Path, name: &str| {
        std::fs::write(&file, text).unwrap();
        let (code, log) = train(&file, data, &folder.0.join(name));
        assert_eq!(code, 78, "{log}");
        log
    };
    let log = refused(&text, &folder.0.join("nothing"), "a");
    assert!(log.contains("train.jsonl: No such file"), "{log}");
    let log = refused(&text.replace("layers: 2", "layers: 3"), &data, "b");
    assert!(log.contains("another model"), "{log}");
    let log = refused(
        &text.replace("max_prompt_tokens: 40", "max_prompt_tokens: 10"),
        &data,
        "c",
    );
    assert!(log.contains("task/max_prompt_tokens is 10"), "{log}");
    folder::write(&data.join("tiny"), "qwen2", 100, Dtype::F32);
    let log = refused(&text, &data, "d");
    assert!(log.contains("has fingerprint"), "{log}");
    std::fs::write(data.join("test.jsonl"), questions(41, 8)).unwrap();
    let log = refused(&text, &data, "e");
    assert!(log.contains("test.jsonl has sha256"), "{log}");
}

#[test]
fn stages_that_free_text_cannot_serve_are_refused_at_submission() {
    let folder = Folder::new("unsuited");
    let data = folder.0.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let text = material(&data);
    assert!(Experiment::from_text(&text).is_ok());
    let with = |arm: &str| {
        Experiment::from_text(&format!("{text}{arm}\n"))
            .unwrap_err()
            .0
    };
    for (stage, pointer) in [
        (
            "kind: prm_label, inputs: { init: base }, prompts: 8",
            "/arms/6/stages/0/kind",
        ),
        (
            "kind: mcts_selftrain, inputs: { init: base }",
            "/arms/6/stages/0/kind",
        ),
        (
            "kind: grpo, inputs: { init: base }, rewards: [{ component: language }]",
            "/arms/6/stages/0/rewards/0/component",
        ),
    ] {
        let found = with(&format!(
            "  - {{ id: more, stages: [{{ id: s, {stage} }}] }}"
        ));
        assert!(found.iter().any(|v| v.pointer == pointer), "{found:?}");
    }
    let other = text.replace("name: questions", "name: modchain");
    let found = Experiment::from_text(&other).unwrap_err().0;
    assert!(
        found.iter().any(|v| v.pointer == "/task/train"),
        "{found:?}"
    );
}
