//! Work that was done elsewhere, entered afterwards.

use crate::app::{App, SMALL};
use crate::commands::{assay, stdout};
use crate::worker::{FakeWorker, sha256};
use assay_core::recipe::plan;
use assay_core::spec::Experiment;
use assay_core::wire::{Cumulative, HostFacts, Outcome, Record, role};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What `assay-worker train SMALL --arm grpo --seed 0 --out DIR` would leave behind,
/// with its last stage only.
fn write_folder(dir: &Path) -> Experiment {
    let mut experiment = Experiment::from_text(SMALL).unwrap_or_else(|v| panic!("{v}"));
    experiment.retain_arms(|arm| arm.id == "grpo" || arm.id == "base");
    experiment.seeds = vec![0];
    write(
        dir,
        "experiment.json",
        &serde_json::to_string(&experiment).unwrap(),
    );
    for (n, stage) in plan(&experiment, "").stages.iter().enumerate() {
        let folder = dir.join(format!("stages/{n:02}-{}", stage.spec.job.kind()));
        let weights = format!("weights {}", stage.hash);
        let name = sha256(weights.as_bytes());
        write(&folder, &format!("artifacts/{name}"), &weights);
        write(&folder, "artifacts/half.part", "x");
        write(
            &folder,
            "spec.json",
            &serde_json::to_string(&stage.spec).unwrap(),
        );
        write(
            &folder,
            "outcome.json",
            &serde_json::to_string(&Outcome::Succeeded).unwrap(),
        );
        let records = [
            Record::Started {
                from_step: 0,
                host: HostFacts::default(),
            },
            Record::Step {
                step: 1,
                cum: Cumulative::default(),
                metrics: BTreeMap::from([("train/loss".into(), 0.5)]),
            },
            Record::Artifact {
                role: role::OUTPUT.into(),
                step: 1,
                sha256: name,
                bytes: weights.len() as u64,
            },
        ];
        let lines: String = records
            .iter()
            .map(|r| serde_json::to_string(r).unwrap() + "\n")
            .collect();
        write(&folder, "records.jsonl", &lines);
    }
    experiment
}

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("assay-import-{}", uuid::Uuid::now_v7())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_trained_folder_becomes_an_experiment_whose_runs_have_succeeded() {
    let app = App::start();
    let folder = Folder::new();
    write_folder(&folder.0);
    let directory = folder.0.to_str().unwrap();
    let output = stdout(&assay(&app, &["import", directory], ""));
    assert_eq!(output.matches("3 records").count(), 4, "{output}");
    let address = output.lines().last().unwrap();
    let id = address.rsplit('/').next().unwrap();
    let body = app.get(&format!("/api/v1/experiments/{id}")).json();
    let states: Vec<_> = body["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["state"])
        .collect();
    assert_eq!(states, ["succeeded", "succeeded"], "{body}");
    assert_eq!(app.count("artifact"), 4);
    // Nothing is left for a worker, and a second import finds everything known.
    assert!(FakeWorker::register(&app, "w", 8).claim(8, 0).is_none());
    let again = stdout(&assay(&app, &["import", directory], ""));
    assert_eq!(again.matches("known already").count(), 4, "{again}");
}

#[test]
fn a_stage_that_is_not_in_the_plan_is_refused_with_its_pointer() {
    let app = App::start();
    let folder = Folder::new();
    let experiment = write_folder(&folder.0);
    let good = plan(&experiment, "").stages[0].hash.clone();
    let body = json!({ "experiment": experiment, "stages": [good, "0".repeat(64)], "worker": "w" });
    let answer = app.post(
        "/api/v1/imports",
        "application/json",
        body.to_string().as_bytes(),
    );
    assert_eq!(
        (answer.status, answer.pointers()),
        (422, vec!["/stages/1".to_string()])
    );
    let body = json!({ "experiment": { "name": "<b>" }, "stages": [], "worker": "w" });
    let answer = app.post(
        "/api/v1/imports",
        "application/json",
        body.to_string().as_bytes(),
    );
    assert_eq!(answer.status, 422);
    assert!(answer.pointers().contains(&"/name".to_string()));
    assert_eq!(app.count("experiment"), 0);
    assert_eq!(app.count("worker"), 0);
}
