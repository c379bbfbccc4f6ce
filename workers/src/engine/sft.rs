//! Supervised fine-tuning on a fixed set of clean long chains; the loss covers
//! completions only.

use super::batch::Sequence;
use super::trainer::Trainer;
use super::{EngineError, Recorder, Result, StageContext};
use assay_core::rng::Uniform;
use assay_core::spec::training::{OptimParams, SftParams};
use assay_core::task::Split;

pub fn train(
    context: &StageContext,
    optim: &OptimParams,
    params: &SftParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut trainer = Trainer::start(context, optim, recorder)?;
    let demonstrations = demonstrations(&trainer, params);
    if trainer.step() == 0 {
        trainer
            .progress
            .supervise("demonstrations", demonstrations.len() as u64);
    }
    let uniform = Uniform::new(context.spec.seed, "sft-order");
    let limit = params.max_steps.map_or(u64::MAX, u64::from);
    while trainer.step() < limit {
        let batch = batch(
            &demonstrations,
            params.batch_size as usize,
            &uniform,
            trainer.step(),
        );
        let cost = trainer.training_cost(&batch);
        let mut schedule = trainer.step() as f64 / limit as f64;
        if let Some(budget) = &context.spec.budget {
            if trainer.step() == 0 && trainer.progress.exceeds(budget, &cost) {
                return Err(EngineError::BadConfig(
                    "the budget is smaller than one step".into(),
                ));
            }
            while let Some((percent, _)) = trainer.progress.crosses(budget, &cost) {
                trainer.milestone(recorder, percent)?;
            }
            if trainer.progress.exceeds(budget, &cost) {
                break;
            }
            schedule = schedule.max(trainer.progress.used(budget.unit) / budget.amount);
        }
        let metrics = trainer.supervised_step(&batch, schedule)?;
        trainer.end_step(recorder, metrics, params.checkpoint_steps)?;
    }
    trainer.finish(recorder)
}

/// Distinct problems with their clean chains, drawn once.
fn demonstrations(trainer: &Trainer<'_>, params: &SftParams) -> Vec<Sequence> {
    let task = &trainer.context.spec.task;
    let uniform = Uniform::new(trainer.context.spec.seed, "demonstrations");
    let mut seen = std::collections::HashSet::new();
    let mut out = vec![];
    // A small task may run out of distinct problems; then the set is smaller.
    for index in 0..params.demonstrations.saturating_mul(20) {
        let mut stream = uniform.stream(index, 0);
        let problem = task.problem(Split::Train, &mut stream);
        if seen.insert(problem.prompt.clone()) {
            let chain = task.long_chain(&problem, 0.0, &mut stream);
            out.push(trainer.sequence(&problem, &chain));
        }
        if out.len() == params.demonstrations as usize {
            break;
        }
    }
    out
}

/// Batch `step` of an endless series of shuffled epochs.
fn batch(all: &[Sequence], size: usize, uniform: &Uniform, step: u64) -> Vec<Sequence> {
    let first = step as usize * size;
    let mut order: Vec<usize> = vec![];
    let mut shuffled = usize::MAX;
    (first..first + size)
        .map(|at| {
            let epoch = at / all.len();
            if epoch != shuffled {
                shuffled = epoch;
                order = (0..all.len()).collect();
                uniform.stream(epoch as u32, 0).shuffle(&mut order);
            }
            all[order[at % all.len()]].clone()
        })
        .collect()
}
