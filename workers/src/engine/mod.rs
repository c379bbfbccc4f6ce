//! Tensors only. One file per kind of stage; everything that a stage tells the
//! world goes through a `Recorder`, so a stage runs without server or database.

pub mod answers;
pub mod attend;
pub mod batch;
pub mod checkpoint;
pub mod collect;
pub mod dataset;
pub mod detectors;
pub mod distill;
pub mod eval;
pub mod forest;
pub mod generate;
pub mod grpo;
pub mod inputs;
pub mod judge;
pub mod judge_train;
pub mod math;
pub mod mcts;
pub mod model;
pub mod optim;
pub mod parallel;
pub mod policy;
pub mod ppo;
pub mod pretrain;
pub mod pretrained;
pub mod prm;
pub mod progress;
pub mod rejection;
pub mod rewards;
pub mod rollout;
pub mod sample;
pub mod search;
pub mod selftrain;
pub mod sft;
pub mod tokenizer;
pub mod trainer;
pub mod tree;
pub mod whole;

use assay_core::spec::JobSpec;
use assay_core::spec::stage::{Role, StageSpec};
use assay_core::wire::{HostFacts, Record};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tch::Device;

/// Why a stage ended without its result.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A number that should be finite is not; the data recorded so far stay.
    #[error("{metric} is {value} at step {step}")]
    NotFinite {
        metric: &'static str,
        step: u64,
        value: f64,
    },
    /// Asked to stop; progress is saved.
    #[error("stopped on request at step {step}")]
    Preempted { step: u64 },
    #[error("{0}")]
    BadConfig(String),
    #[error(transparent)]
    Torch(#[from] tch::TchError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Other(String),
}

pub type Result<T> = std::result::Result<T, EngineError>;

/// Where a stage's records and files go: over a pipe to the supervisor, into a
/// folder, or into memory for tests.
pub trait Recorder {
    fn record(&mut self, record: Record) -> Result<()>;
    /// Stores a file and records it under a role.
    fn artifact(&mut self, role: &str, step: u64, bytes: &[u8]) -> Result<()>;
    /// True once somebody wants the process to end; asked after every step.
    fn should_stop(&self) -> bool;
}

/// What a stage is given: its spec, where it runs, and its input files.
#[derive(Debug, Clone)]
pub struct StageContext {
    pub spec: StageSpec,
    pub device: Device,
    /// Weights of the input stages.
    pub inputs: BTreeMap<Role, PathBuf>,
    /// A resumable checkpoint of an earlier attempt.
    pub resume: Option<PathBuf>,
    /// Where checkpoints and files of questions lie.
    pub data: Option<PathBuf>,
    pub host: HostFacts,
}

/// Runs one stage to its end.
///
/// # Errors
/// Every `EngineError`; a panic inside libtorch is the caller's to catch.
pub fn run(context: &StageContext, recorder: &mut dyn Recorder) -> Result<()> {
    match &context.spec.job {
        JobSpec::Pretrain { optim, params } => pretrain::train(context, optim, params, recorder),
        JobSpec::Checkpoint { params } => pretrained::run(context, params, recorder),
        JobSpec::Sft { optim, params } => sft::train(context, optim, params, recorder),
        JobSpec::Grpo { optim, params } => grpo::train(context, optim, params, recorder),
        JobSpec::Ppo {
            optim,
            params,
            critic,
        } => ppo::train(context, optim, params, critic, recorder),
        JobSpec::RejectionSample { params } => rejection::run(context, params, recorder),
        JobSpec::Distill { optim, params } => distill::train(context, optim, params, recorder),
        JobSpec::PrmLabel { params } => prm::label(context, params, recorder),
        JobSpec::PrmTrain { optim, params } => judge_train::prm(context, optim, params, recorder),
        JobSpec::OrmTrain { optim, params } => judge_train::orm(context, optim, params, recorder),
        JobSpec::Search { params } => search::run(context, params, recorder),
        JobSpec::Mcts { params, tree } => mcts::run(context, params, tree, recorder),
        JobSpec::MctsSelftrain {
            optim,
            params,
            tree,
        } => selftrain::train(context, optim, params, tree, recorder),
        JobSpec::Eval { params, split } => eval::run(context, params, split, recorder),
    }
}
