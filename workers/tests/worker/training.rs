//! `assay-worker train`: whole arms into a folder, without a server.

use crate::support::*;
use assay_core::recipe;
use assay_core::spec::Experiment;
use assay_core::spec::stage::StageSpec;
use assay_core::wire::{Record, role};
use std::path::Path;
use std::process::Stdio;

#[test]
fn train_fills_a_folder_and_takes_up_finished_stages() {
    let folder = Folder::new("train");
    let file = folder.0.join("experiment.yaml");
    std::fs::write(&file, EXPERIMENT).unwrap();
    let out = folder.0.join("out");
    let run = |arm: &str| {
        worker()
            .args([
                "train",
                file.to_str().unwrap(),
                "--arm",
                arm,
                "--seed",
                "0",
                "--device",
                "cpu",
                "--out",
            ])
            .arg(&out)
            .output()
            .unwrap()
    };
    let output = run("sft");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let experiment = Experiment::from_value(
        &serde_json::from_slice(&std::fs::read(out.join("experiment.json")).unwrap()).unwrap(),
    );
    assert!(
        experiment.is_ok(),
        "the folder's experiment reads back: {experiment:?}"
    );
    let plan = recipe::plan(&experiment.unwrap(), "");
    let hashes: Vec<_> = plan.stages.iter().map(|s| s.hash.clone()).collect();
    let mut folders: Vec<_> = std::fs::read_dir(out.join("stages"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    folders.sort();
    assert_eq!(folders.len(), 4, "{folders:?}");
    for stage in &folders {
        let spec: StageSpec =
            serde_json::from_slice(&std::fs::read(stage.join("spec.json")).unwrap()).unwrap();
        assert!(hashes.contains(&spec.hash()));
        for record in parse(&std::fs::read_to_string(stage.join("records.jsonl")).unwrap()) {
            if let Record::Artifact { sha256, bytes, .. } = record {
                assert_eq!(
                    std::fs::metadata(stage.join("artifacts").join(sha256))
                        .unwrap()
                        .len(),
                    bytes
                );
            }
        }
    }
    let again = run("sft");
    assert_eq!(
        String::from_utf8_lossy(&again.stderr)
            .matches("done before")
            .count(),
        4
    );
    let unknown = run("nothing");
    assert!(
        !unknown.status.success()
            && String::from_utf8_lossy(&unknown.stderr).contains("the arms are base, sft, grpo")
    );
}

#[test]
fn an_interrupted_train_goes_on_and_leaves_one_clean_stream() {
    let folder = Folder::new("continued");
    let file = folder.0.join("experiment.yaml");
    std::fs::write(&file, EXPERIMENT).unwrap();
    let train = |out: &Path| {
        let mut command = worker();
        command
            .args([
                "train",
                file.to_str().unwrap(),
                "--arm",
                "grpo",
                "--device",
                "cpu",
                "--out",
            ])
            .arg(out);
        command.stderr(Stdio::null());
        command
    };
    let stream = |out: &Path| {
        std::fs::read_to_string(out.join("stages/02-grpo/records.jsonl")).unwrap_or_default()
    };
    let (whole, cut) = (folder.0.join("whole"), folder.0.join("cut"));
    assert!(train(&whole).status().unwrap().success());
    // Killed outright some steps after a checkpoint.
    let mut child = train(&cut).spawn().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut killed_after = 0;
    while child.try_wait().unwrap().is_none() {
        assert!(std::time::Instant::now() < deadline);
        killed_after = stream(&cut).matches("train/loss").count();
        if killed_after >= 3 {
            child.kill().unwrap();
            child.wait().unwrap();
            break;
        }
        std::thread::yield_now();
    }
    assert!(killed_after >= 3);
    assert!(train(&cut).status().unwrap().success());
    let (expected, found) = (parse(&stream(&whole)), parse(&stream(&cut)));
    assert_eq!(substance(&found), substance(&expected));
    assert_eq!(
        found
            .iter()
            .filter(|r| matches!(r, Record::Started { .. }))
            .count(),
        1
    );
    assert!(
        artifact(&found, role::RESUME).is_none(),
        "checkpoints are released"
    );
    let steps = |records: &[Record]| {
        records
            .iter()
            .filter(|r| matches!(r, Record::Step { .. }))
            .count()
    };
    assert_eq!(steps(&found), steps(&expected), "no step twice");
}
