//! What is asked for: the experiment file, the resolved stage, and the
//! parameters of every kind of stage.

mod alarms;
pub mod checkpoint;
pub mod data;
#[cfg(test)]
mod documented;
pub mod experiment;
pub mod job;
pub mod judge;
pub mod model;
pub mod overlay;
mod parse;
mod parse_stage;
pub mod reader;
pub mod references;
pub mod registered;
pub mod search;
pub mod stage;
pub mod training;

pub use alarms::Alarms;
pub use experiment::{
    ArmSpec, BaseSeeds, Budget, BudgetUnit, EvaluationPlan, Experiment, StageEntry,
};
pub use job::{JobSpec, Product};
pub use model::ModelSpec;
pub(crate) use parse::refused_text;
pub use registered::{Contrast, RequiredAttempt};
pub use stage::{Charge, Role, StageBudget, StageSpec};
pub use training::{
    EvalParams, GrpoParams, LossType, LrSchedule, OptimParams, PretrainParams, ScaleRewards,
    SftParams,
};
