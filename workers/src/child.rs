//! One attempt in a process of its own: libtorch, its threads and its faults
//! stay inside. Records leave by standard output, files by the folder, and the
//! last word is `outcome.json`.

use crate::engine::{self, EngineError, StageContext};
use crate::recorder::{LineRecorder, stop_on_signals};
use crate::{engine::parallel::panic_text, torch};
use assay_core::spec::StageSpec;
use assay_core::spec::stage::Role;
use assay_core::wire::{FailureClass, Outcome};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the supervisor hands to the child: `job.json` in the attempt's folder.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    pub spec: StageSpec,
    pub device: String,
    pub inputs: BTreeMap<Role, PathBuf>,
    pub resume: Option<PathBuf>,
    /// Where checkpoints and files of questions lie.
    #[serde(default)]
    pub data: Option<PathBuf>,
}

/// Environment of every process that computes: one OpenMP thread, no spinning, and
/// freed memory kept. (Returning each tensor's pages to the kernel and faulting them
/// in again took a fifth of the time of a 0.1 M-parameter stage on two threads.)
pub const ENVIRONMENT: [(&str, &str); 8] = [
    ("OMP_NUM_THREADS", "1"),
    ("MKL_NUM_THREADS", "1"),
    ("GOMP_SPINCOUNT", "0"),
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "1073741824"),
    ("MALLOC_TRIM_THRESHOLD_", "2147483648"),
    ("MALLOC_TOP_PAD_", "67108864"),
    ("ASSAY_CHILD", "1"),
];

/// Runs a stage, sending its records to `out` and its files to `folder/artifacts`.
pub fn run_stage(job: &Job, folder: &Path, out: impl Write) -> Outcome {
    let device = match torch::device(&job.device) {
        Ok(device) => device,
        Err(message) => return failed(FailureClass::BadConfig, message, None, None),
    };
    tch::set_num_threads(1);
    let mut spec = job.spec.clone();
    let attached = spec.task.attach(|name| match &job.data {
        Some(data) => std::fs::read(data.join(name)),
        None => Err(std::io::Error::other("this worker has no --data folder")),
    });
    if let Err(message) = attached {
        return failed(FailureClass::BadConfig, message, None, None);
    }
    let context = StageContext {
        spec,
        device,
        inputs: job.inputs.clone(),
        resume: job.resume.clone(),
        data: job.data.clone(),
        host: torch::host_facts(device),
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut recorder = LineRecorder::new(out, folder.join("artifacts"))?;
        engine::run(&context, &mut recorder)
    }));
    match result {
        Ok(Ok(())) => Outcome::Succeeded,
        Ok(Err(EngineError::Preempted { .. })) => Outcome::Preempted,
        Ok(Err(EngineError::NotFinite {
            metric,
            step,
            value,
        })) => {
            let message = format!("{metric} became {value} at step {step}");
            failed(
                FailureClass::Nan,
                message,
                Some(step),
                Some(metric.to_string()),
            )
        }
        Ok(Err(EngineError::BadConfig(message))) => {
            failed(FailureClass::BadConfig, message, None, None)
        }
        Ok(Err(error)) => failed(class_of(&error.to_string()), error.to_string(), None, None),
        Err(panic) => {
            let text = panic_text(&*panic);
            failed(class_of(&text), text, None, None)
        }
    }
}

fn class_of(message: &str) -> FailureClass {
    let lower = message.to_lowercase();
    if lower.contains("out of memory") || lower.contains("can't allocate memory") {
        FailureClass::Oom
    } else {
        FailureClass::Crash
    }
}

fn failed(
    class: FailureClass,
    message: String,
    step: Option<u64>,
    metric: Option<String>,
) -> Outcome {
    // libtorch appends its C++ stack to messages; the first lines say what happened.
    let message = message.lines().take(4).collect::<Vec<_>>().join("\n");
    Outcome::Failed {
        class,
        message,
        step,
        metric,
        log: vec![],
    }
}

/// Exit status of an outcome (sysexits' EX_TEMPFAIL and EX_CONFIG where they fit).
pub fn exit_code(outcome: &Outcome) -> i32 {
    match outcome {
        Outcome::Succeeded => 0,
        Outcome::Preempted | Outcome::Cancelled => 75,
        Outcome::Failed {
            class: FailureClass::BadConfig,
            ..
        } => 78,
        Outcome::Failed {
            class: FailureClass::Nan,
            ..
        } => 80,
        Outcome::Failed {
            class: FailureClass::Oom,
            ..
        } => 81,
        Outcome::Failed {
            class: FailureClass::Crash,
            ..
        } => 1,
    }
}

/// The `attempt` command.
pub fn attempt(folder: &Path) -> anyhow::Result<i32> {
    stop_on_signals();
    let job: Job = serde_json::from_slice(&std::fs::read(folder.join("job.json"))?)?;
    let outcome = run_stage(&job, folder, std::io::stdout().lock());
    std::fs::write(folder.join("outcome.json"), serde_json::to_vec(&outcome)?)?;
    Ok(exit_code(&outcome))
}
