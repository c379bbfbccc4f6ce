//! The kinds of stage: one closed sum, read from files and from the database by the
//! same reader, with the inputs that each kind takes.

use super::checkpoint::CheckpointParams;
use super::data::{DistillParams, RejectionSampleParams};
use super::judge::{OrmTrainParams, PrmLabelParams, PrmTrainParams};
use super::reader::{Reader, Sink};
use super::search::{
    Judge, MctsParams, SearchParams, SelfTrainParams, TreeParams, ValueSource, check_levels,
};
use super::stage::Role;
use super::training::{
    CriticParams, EvalParams, GrpoParams, OptimParams, PretrainParams, SftParams,
};
use crate::task::Split;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A kind of stage with its parameters. The tag is also the SQL column, generated from the JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSpec {
    Pretrain {
        #[serde(flatten)]
        optim: OptimParams,
        #[serde(flatten)]
        params: PretrainParams,
    },
    /// A pretrained model from files.
    Checkpoint {
        #[serde(flatten)]
        params: CheckpointParams,
    },
    Sft {
        #[serde(flatten)]
        optim: OptimParams,
        #[serde(flatten)]
        params: SftParams,
    },
    Grpo {
        #[serde(flatten)]
        optim: OptimParams,
        #[serde(flatten)]
        params: GrpoParams,
    },
    Ppo {
        #[serde(flatten)]
        optim: OptimParams,
        #[serde(flatten)]
        params: GrpoParams,
        #[serde(flatten)]
        critic: CriticParams,
    },
    RejectionSample {
        #[serde(flatten)]
        params: RejectionSampleParams,
    },
    Distill {
        #[serde(flatten)]
        optim: OptimParams,
        #[serde(flatten)]
        params: DistillParams,
    },
    PrmLabel {
        #[serde(flatten)]
        params: PrmLabelParams,
    },
    PrmTrain {
        #[serde(flatten)]
        optim: OptimParams,
        #[serde(flatten)]
        params: PrmTrainParams,
    },
    OrmTrain {
        #[serde(flatten)]
        optim: OptimParams,
        #[serde(flatten)]
        params: OrmTrainParams,
    },
    Search {
        #[serde(flatten)]
        params: SearchParams,
    },
    Mcts {
        #[serde(flatten)]
        params: MctsParams,
        #[serde(flatten)]
        tree: TreeParams,
    },
    MctsSelftrain {
        #[serde(flatten)]
        optim: OptimParams,
        #[serde(flatten)]
        params: SelfTrainParams,
        #[serde(flatten)]
        tree: TreeParams,
    },
    /// The final evaluation of a run; planned for every run, never written in a file.
    Eval {
        #[serde(flatten)]
        params: EvalParams,
        split: Vec<Split>,
    },
}

/// What may be written as `kind` in an experiment file.
pub const KINDS: [&str; 13] = [
    "pretrain",
    "checkpoint",
    "sft",
    "grpo",
    "ppo",
    "rejection_sample",
    "distill",
    "prm_label",
    "prm_train",
    "orm_train",
    "search",
    "mcts",
    "mcts_selftrain",
];

/// What a stage hands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Weights of a policy.
    Policy,
    /// Weights of a policy with a trained scalar head.
    PolicyAndValue,
    /// Completions, with labels where they were asked for.
    Data,
    Prm,
    Orm,
    /// Answers to test problems: the end of a run.
    Answers,
}

impl JobSpec {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pretrain { .. } => "pretrain",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Sft { .. } => "sft",
            Self::Grpo { .. } => "grpo",
            Self::Ppo { .. } => "ppo",
            Self::RejectionSample { .. } => "rejection_sample",
            Self::Distill { .. } => "distill",
            Self::PrmLabel { .. } => "prm_label",
            Self::PrmTrain { .. } => "prm_train",
            Self::OrmTrain { .. } => "orm_train",
            Self::Search { .. } => "search",
            Self::Mcts { .. } => "mcts",
            Self::MctsSelftrain { .. } => "mcts_selftrain",
            Self::Eval { .. } => "eval",
        }
    }

    pub fn product(&self) -> Product {
        match self {
            Self::Pretrain { .. }
            | Self::Checkpoint { .. }
            | Self::Sft { .. }
            | Self::Grpo { .. }
            | Self::Distill { .. } => Product::Policy,
            Self::Ppo { .. } | Self::MctsSelftrain { .. } => Product::PolicyAndValue,
            Self::RejectionSample { .. } | Self::PrmLabel { .. } => Product::Data,
            Self::PrmTrain { .. } => Product::Prm,
            Self::OrmTrain { .. } => Product::Orm,
            Self::Search { .. } | Self::Mcts { .. } | Self::Eval { .. } => Product::Answers,
        }
    }

    /// Makes a model instead of taking one.
    pub fn makes_model(&self) -> bool {
        matches!(self, Self::Pretrain { .. } | Self::Checkpoint { .. })
    }

    /// Works on completions step by step, or on a task's own generated text: what a task
    /// of free text cannot give.
    pub fn needs_steps(&self) -> bool {
        match self {
            Self::Pretrain { .. }
            | Self::PrmLabel { .. }
            | Self::PrmTrain { .. }
            | Self::OrmTrain { .. }
            | Self::Mcts { .. }
            | Self::MctsSelftrain { .. } => true,
            Self::Search { params } => params.method.judged(),
            Self::Checkpoint { .. }
            | Self::Sft { .. }
            | Self::Grpo { .. }
            | Self::Ppo { .. }
            | Self::RejectionSample { .. }
            | Self::Distill { .. }
            | Self::Eval { .. } => false,
        }
    }

    /// Answers test problems with a fixed policy, at a cost of inference.
    pub fn is_decoder(&self) -> bool {
        matches!(self, Self::Search { .. } | Self::Mcts { .. })
    }

    pub fn optim(&self) -> Option<&OptimParams> {
        match self {
            Self::Pretrain { optim, .. }
            | Self::Sft { optim, .. }
            | Self::Grpo { optim, .. }
            | Self::Ppo { optim, .. }
            | Self::Distill { optim, .. }
            | Self::PrmTrain { optim, .. }
            | Self::OrmTrain { optim, .. }
            | Self::MctsSelftrain { optim, .. } => Some(optim),
            Self::Checkpoint { .. }
            | Self::RejectionSample { .. }
            | Self::PrmLabel { .. }
            | Self::Search { .. }
            | Self::Mcts { .. }
            | Self::Eval { .. } => None,
        }
    }

    /// Steps (rounds of self-training) after which the stage ends whatever its budget.
    pub fn max_steps(&self) -> Option<u32> {
        match self {
            Self::Sft { params, .. } => params.max_steps,
            Self::Grpo { params, .. } | Self::Ppo { params, .. } => params.max_steps,
            Self::Distill { params, .. } => params.max_steps,
            Self::MctsSelftrain { params, .. } => params.max_rounds,
            Self::Pretrain { .. }
            | Self::Checkpoint { .. }
            | Self::RejectionSample { .. }
            | Self::PrmLabel { .. }
            | Self::PrmTrain { .. }
            | Self::OrmTrain { .. }
            | Self::Search { .. }
            | Self::Mcts { .. }
            | Self::Eval { .. } => None,
        }
    }

    /// The stage ends by itself, without a budget.
    pub fn ends(&self) -> bool {
        match self {
            Self::Sft { .. }
            | Self::Grpo { .. }
            | Self::Ppo { .. }
            | Self::Distill { .. }
            | Self::MctsSelftrain { .. } => self.max_steps().is_some(),
            Self::Pretrain { .. }
            | Self::Checkpoint { .. }
            | Self::RejectionSample { .. }
            | Self::PrmLabel { .. }
            | Self::PrmTrain { .. }
            | Self::OrmTrain { .. }
            | Self::Search { .. }
            | Self::Mcts { .. }
            | Self::Eval { .. } => true,
        }
    }

    /// The longest completion that the stage samples, if it samples.
    pub fn completion_length(&self) -> Option<u32> {
        match self {
            Self::Grpo { params, .. } | Self::Ppo { params, .. } => {
                Some(params.max_completion_length)
            }
            Self::RejectionSample { params } => Some(params.max_completion_length),
            Self::Distill { params, .. } => Some(params.max_completion_length),
            Self::PrmLabel { params } => Some(params.max_completion_length),
            Self::Search { params } => Some(params.max_completion_length),
            Self::Mcts { tree, .. } | Self::MctsSelftrain { tree, .. } => {
                Some(tree.max_completion_length)
            }
            Self::Eval { params, .. } => Some(params.max_completion_length),
            Self::Pretrain { .. }
            | Self::Checkpoint { .. }
            | Self::Sft { .. }
            | Self::PrmTrain { .. }
            | Self::OrmTrain { .. } => None,
        }
    }

    /// The inputs a kind must have, and those it may have.
    pub fn roles(&self) -> (Vec<Role>, Vec<Role>) {
        use Role::{Data, Init, Orm, Prm, Reference, Teacher, Value};
        match self {
            Self::Pretrain { .. } | Self::Checkpoint { .. } => (vec![], vec![]),
            Self::Sft { .. } => (vec![Init], vec![Data]),
            Self::Grpo { params, .. } | Self::Ppo { params, .. } => {
                let mut must = vec![Init];
                must.extend(params.judges());
                (must, vec![Reference])
            }
            Self::RejectionSample { .. } | Self::PrmLabel { .. } | Self::Eval { .. } => {
                (vec![Init], vec![])
            }
            Self::Distill { .. } => (vec![Init, Teacher], vec![]),
            Self::PrmTrain { .. } | Self::OrmTrain { .. } => (vec![Init, Data], vec![]),
            Self::Search { params } => match (params.method.judged(), params.judge) {
                (true, Judge::Prm) => (vec![Init, Prm], vec![]),
                (true, Judge::Orm) => (vec![Init, Orm], vec![]),
                (true, Judge::Oracle) | (false, _) => (vec![Init], vec![]),
            },
            Self::Mcts { tree, .. } => match tree.value {
                ValueSource::Head => (vec![Init], vec![Value]),
                ValueSource::Rollout | ValueSource::Oracle => (vec![Init], vec![]),
            },
            Self::MctsSelftrain { .. } => (vec![Init], vec![]),
        }
    }

    /// Reads `kind` and its parameters; violations go to the reader's sink.
    pub(super) fn read(r: &Reader<'_>) -> Option<Self> {
        let kind = r.required::<String>("kind")?;
        let optim = || OptimParams::read(r);
        let job = match kind.as_str() {
            "pretrain" => {
                let params = PretrainParams::read(r);
                params.check(r);
                Self::Pretrain {
                    optim: optim(),
                    params,
                }
            }
            "checkpoint" => {
                let params = CheckpointParams::read(r);
                params.check(r);
                Self::Checkpoint { params }
            }
            "sft" => Self::Sft {
                optim: optim(),
                params: SftParams::read(r),
            },
            "grpo" => {
                let params = GrpoParams::read(r);
                params.check(r);
                params.check_groups(r);
                Self::Grpo {
                    optim: optim(),
                    params,
                }
            }
            "ppo" => {
                let params = GrpoParams::read(r);
                params.check(r);
                Self::Ppo {
                    optim: optim(),
                    params,
                    critic: CriticParams::read(r),
                }
            }
            "rejection_sample" => {
                let params = RejectionSampleParams::read(r);
                params.check(r);
                Self::RejectionSample { params }
            }
            "distill" => Self::Distill {
                optim: optim(),
                params: DistillParams::read(r),
            },
            "prm_label" => {
                let params = PrmLabelParams::read(r);
                params.check(r);
                Self::PrmLabel { params }
            }
            "prm_train" => Self::PrmTrain {
                optim: optim(),
                params: PrmTrainParams::read(r),
            },
            "orm_train" => Self::OrmTrain {
                optim: optim(),
                params: OrmTrainParams::read(r),
            },
            "search" => {
                let params = SearchParams::read(r);
                check_levels(&params.levels, r);
                Self::Search { params }
            }
            "mcts" => {
                let (params, tree) = (MctsParams::read(r), TreeParams::read(r));
                check_levels(&params.levels, r);
                tree.check(r);
                if tree.value == ValueSource::Rollout {
                    r.report(
                        "value",
                        "rollouts need the verifier, which knows the answers: training only",
                    );
                }
                Self::Mcts { params, tree }
            }
            "mcts_selftrain" => {
                let tree = TreeParams::read(r);
                tree.check(r);
                Self::MctsSelftrain {
                    optim: optim(),
                    params: SelfTrainParams::read(r),
                    tree,
                }
            }
            "eval" => {
                let split = r.required("split")?;
                Self::Eval {
                    params: EvalParams::read(r),
                    split,
                }
            }
            other => {
                r.report(
                    "kind",
                    format!("unknown kind {other:?}; known: {}", KINDS.join(", ")),
                );
                return None;
            }
        };
        Some(job)
    }
}

impl<'de> Deserialize<'de> for JobSpec {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let sink = Sink::default();
        let reader = Reader::new(&value, "", &sink);
        let job = Self::read(&reader);
        reader.finish();
        let violations = sink.into_inner();
        match job {
            Some(job) if violations.is_empty() => Ok(job),
            _ => Err(serde::de::Error::custom(crate::violation::Violations(
                violations,
            ))),
        }
    }
}
