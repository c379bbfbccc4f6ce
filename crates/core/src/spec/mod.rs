//! What is asked for: the experiment file, the resolved stage, and the
//! parameters of every kind of stage.

pub mod experiment;
pub mod model;
mod parse;
pub mod reader;
pub mod references;
pub mod stage;
pub mod training;

pub use experiment::{
    ArmSpec, BaseSeeds, Budget, BudgetUnit, EvaluationPlan, Experiment, Recipe, StageEntry,
};
pub use model::ModelSpec;
pub use stage::{Charge, JobSpec, Role, StageBudget, StageSpec};
pub use training::{
    EvalParams, GrpoParams, LossType, LrSchedule, OptimParams, PretrainParams, ScaleRewards,
    SftParams,
};
