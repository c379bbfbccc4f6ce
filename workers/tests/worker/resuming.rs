//! What a stage computes does not depend on interruptions nor on its neighbours.

use crate::support::*;
use assay_core::wire::{Outcome, Record, role};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Stdio;

/// Runs a stage whole, and again with a SIGTERM after `stop_after` of its steps and a
/// resume from what it saved then; both must agree to the bit.
fn interrupted_equals_whole(arm: &str, name: &str, stop_after: u64) {
    let folder = Folder::new(&format!("{arm}-{name}"));
    let (spec, inputs) = prepared(named(arm, name), &folder.0);
    let whole = folder.0.join("whole");
    write_job_with(&whole, &spec, &inputs, None);
    let (expected, outcome, _) = attempt(&whole);
    assert_eq!(outcome, Outcome::Succeeded);

    let first = folder.0.join("first");
    write_job_with(&first, &spec, &inputs, None);
    let mut child = worker()
        .arg("attempt")
        .arg(&first)
        .envs(one_thread())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = String::new();
    let mut reader = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut signalled = false;
    loop {
        let mut line = String::new();
        if std::io::BufRead::read_line(&mut reader, &mut line).unwrap() == 0 {
            break;
        }
        if let Ok(Record::Step { step, .. }) = serde_json::from_str(&line)
            && step >= stop_after
            && !signalled
        {
            signalled = true;
            kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        }
        lines.push_str(&line);
    }
    assert_eq!(
        child.wait().unwrap().code(),
        Some(75),
        "stopped on request, to be tried again"
    );
    let mut records = parse(&lines);
    let resume = first
        .join("artifacts")
        .join(artifact(&records, role::RESUME).unwrap());

    let second = folder.0.join("second");
    write_job_with(&second, &spec, &inputs, Some(&resume));
    let (rest, outcome, _) = attempt(&second);
    assert_eq!(outcome, Outcome::Succeeded);
    match &rest[0] {
        Record::Started { from_step, .. } => assert!(*from_step >= stop_after, "went on, not over"),
        other => panic!("{other:?}"),
    }
    records.extend(rest);
    assert_eq!(substance(&records), substance(&expected));
}

#[test]
fn a_stopped_pretraining_resumes_to_the_same_bits() {
    interrupted_equals_whole("base", "base", 11);
}

#[test]
fn a_stopped_sft_resumes_to_the_same_bits() {
    interrupted_equals_whole("sft", "sft", 4);
}

#[test]
fn a_stopped_grpo_resumes_to_the_same_bits() {
    interrupted_equals_whole("grpo", "grpo", 3);
}

#[test]
fn a_stopped_ppo_resumes_to_the_same_bits() {
    interrupted_equals_whole("ppo", "ppo", 2);
}

#[test]
fn stopped_labelling_resumes_to_the_same_bits() {
    interrupted_equals_whole("prm", "labels", 16);
}

#[test]
fn a_stopped_judge_resumes_to_the_same_bits() {
    interrupted_equals_whole("prm", "prm", 3);
}

#[test]
fn stopped_rejection_sampling_resumes_to_the_same_bits() {
    interrupted_equals_whole("orm", "sample", 16);
}

#[test]
fn stopped_distillation_resumes_to_the_same_bits() {
    interrupted_equals_whole("distill", "distill", 3);
}

#[test]
fn stopped_self_training_resumes_to_the_same_bits() {
    interrupted_equals_whole("mcts", "selftrain", 2);
}

#[test]
fn a_stage_gives_the_same_bits_beside_other_workers() {
    let folder = Folder::new("beside");
    let init = base(&folder.0.join("base"));
    let spec = stage("grpo");
    let folders: Vec<_> = (0..3).map(|i| folder.0.join(format!("{i}"))).collect();
    for folder in &folders {
        write_job(folder, &spec, Some(&init), None);
    }
    let alone = substance(&attempt(&folders[0]).0);
    let children: Vec<_> = folders[1..]
        .iter()
        .map(|f| {
            worker()
                .arg("attempt")
                .arg(f)
                .envs(one_thread())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            substance(&parse(&String::from_utf8(output.stdout).unwrap())),
            alone
        );
    }
}
