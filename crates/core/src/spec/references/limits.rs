//! Stages that could never make a step, or whose texts do not fit their model.

use super::{Node, amount, resolve};
use crate::ledger::forward_flops;
use crate::spec::data::DistillMode;
use crate::spec::experiment::{BudgetUnit, Experiment};
use crate::spec::job::JobSpec;
use crate::spec::reader::Sink;
use crate::spec::stage::{Charge, Role};

/// A stage that cannot make its first step within its part of the budget is refused
/// before anything runs. The bound is low: every completion a single token.
pub(super) fn one_step(experiment: &Experiment, node: Node<'_>, pointer: &str, sink: &Sink) {
    let Some(model) = super::model(experiment, node) else {
        return;
    };
    // A budget that is wrong itself has been reported.
    if node.entry.charge != Charge::Arm || experiment.budget.amount <= 0.0 {
        return;
    }
    // Sequences of a training step count three passes, sampled ones one.
    let sequences = match &node.entry.job {
        JobSpec::Grpo { params, .. } | JobSpec::Ppo { params, .. } => 4 * params.completions(),
        JobSpec::Sft { params, .. } => 3 * params.batch_size,
        JobSpec::PrmTrain { params, .. } => 3 * params.batch_size,
        JobSpec::OrmTrain { params, .. } => 3 * params.batch_size,
        JobSpec::Distill { params, .. } => match params.mode {
            DistillMode::Sequence => 3 * params.batch_size,
            DistillMode::OnPolicy => 4 * params.prompts_per_step * params.num_generations,
        },
        // A problem, a round.
        JobSpec::RejectionSample { params, .. } => params.num_generations,
        JobSpec::PrmLabel { params, .. } => params.num_generations,
        JobSpec::MctsSelftrain { params, .. } => params.prompts,
        JobSpec::Pretrain { .. }
        | JobSpec::Checkpoint { .. }
        | JobSpec::Search { .. }
        | JobSpec::Mcts { .. }
        | JobSpec::Eval { .. } => return,
    };
    let least = match experiment.budget.unit {
        // A prompt of at least one number and the beginning mark, one token of answer.
        BudgetUnit::Tokens => 3.0 * f64::from(sequences),
        BudgetUnit::Flops => {
            f64::from(sequences) * forward_flops(model, model.vocab(&experiment.task), 3)
        }
    };
    let amount = amount(experiment, node);
    if least > amount {
        sink.report(
            format!("{pointer}/share"),
            format!(
                "a single step takes at least {least:.3e} {}, the stage may use {amount:.3e}",
                experiment.budget.unit
            ),
        );
    }
}

/// Prompts, chains and completions must fit the model's context.
pub(super) fn fits(experiment: &Experiment, node: Node<'_>, pointer: &str, sink: &Sink) {
    let Some(model) = super::model(experiment, node) else {
        return;
    };
    let prompt = experiment.task.max_prompt_tokens();
    let (longest, field) = match node.entry.job.completion_length() {
        Some(length) => (length, "max_completion_length"),
        None => (experiment.task.longest_chain(), "model/context"),
    };
    let needed = prompt + longest.max(experiment.evaluation.max_completion_length);
    if needed > model.context {
        sink.report(
            format!("{pointer}/{field}"),
            format!(
                "prompt and completion need {needed} tokens, the model's context is {}",
                model.context
            ),
        );
    }
    // A judge reads whole solutions of the policy.
    for role in [Role::Prm, Role::Orm, Role::Value] {
        let judge = node.entry.inputs.get(&role);
        let judge = judge.and_then(|name| resolve(experiment, node.arm, name));
        if let Some(judge) = judge.and_then(|judge| super::model(experiment, judge))
            && needed > judge.context
        {
            sink.report(
                format!("{pointer}/inputs/{role}"),
                format!(
                    "prompt and completion need {needed} tokens, the judge's context is {}",
                    judge.context
                ),
            );
        }
    }
}
