//! Pretraining: next-token prediction from random weights on the task's own
//! text, with a controlled share of long chains (Tsilivis et al. 2025: RL
//! amplifies a form that the base emits at a small rate).
//!
//! Deviation: the loss covers completions only; prompts are random digits and
//! predict nothing.

use super::batch::Sequence;
use super::model::Outputs;
use super::trainer::Trainer;
use super::{Recorder, Result, StageContext};
use assay_core::ledger::purpose;
use assay_core::rng::Uniform;
use assay_core::spec::training::{OptimParams, PretrainParams};

/// Measured at every tenth of the steps.
const MILESTONES: u64 = 10;

pub fn train(
    context: &StageContext,
    optim: &OptimParams,
    params: &PretrainParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut trainer = Trainer::start(context, optim, Outputs::Tokens, recorder)?;
    let uniform = Uniform::new(context.spec.seed, "pretrain");
    let total = u64::from(params.total_steps());
    loop {
        let step = trainer.step();
        // Before the next step, so that a resumed attempt measures the same weights.
        while (trainer.progress.state.milestones as u64) < step * MILESTONES / total {
            let percent = (trainer.progress.state.milestones as u64 + 1) * 100 / MILESTONES;
            trainer.milestone(recorder, percent as u32)?;
        }
        if step >= total {
            return trainer.finish(recorder);
        }
        let batch = draw(&trainer, params, &uniform, step);
        let metrics =
            trainer.supervised_step(&batch, step as f64 / total as f64, purpose::UPDATE)?;
        trainer
            .progress
            .supervise("demonstrations", batch.len() as u64);
        trainer.end_step(recorder, metrics, params.checkpoint_steps)?;
    }
}

/// The batch of a step: the same whatever came before.
fn draw(
    trainer: &Trainer<'_>,
    params: &PretrainParams,
    uniform: &Uniform,
    step: u64,
) -> Vec<Sequence> {
    let task = &trainer.context.spec.task;
    let mut behind = 0;
    let phase = params.phases.iter().find(|phase| {
        behind += u64::from(phase.steps);
        step < behind
    });
    let p_cot = phase.map_or(0.0, |phase| phase.p_cot);
    (0..params.batch_size)
        .map(|row| {
            let mut stream = uniform.stream(step as u32, row);
            let problem = task.pretraining_problem(&mut stream);
            let completion = if stream.next_f64() < p_cot {
                task.long_chain(&problem, params.p_recheck, &mut stream)
            } else {
                task.short_answer(&problem)
            };
            trainer.sequence(&problem, &completion)
        })
        .collect()
}
