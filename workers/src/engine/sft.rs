//! Supervised fine-tuning on a fixed set of completions: clean long chains of the task,
//! or what another stage has kept. The loss covers completions only.

use super::batch::Sequence;
use super::dataset;
use super::model::Outputs;
use super::trainer::Trainer;
use super::{Recorder, Result, StageContext};
use assay_core::ledger::purpose;
use assay_core::rng::Uniform;
use assay_core::spec::stage::Role;
use assay_core::spec::training::{OptimParams, SftParams};
use assay_core::task::Split;

pub fn train(
    context: &StageContext,
    optim: &OptimParams,
    params: &SftParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut trainer = Trainer::start(context, optim, Outputs::Tokens, recorder)?;
    let given = context.inputs.contains_key(&Role::Data);
    let demonstrations = if given {
        given_examples(&trainer, params)?
    } else {
        demonstrations(&trainer, params)
    };
    if trainer.step() == 0 && !given {
        trainer
            .progress
            .supervise("demonstrations", demonstrations.len() as u64);
    }
    let order = Uniform::new(context.spec.seed, "sft-order");
    learn_from(
        &mut trainer,
        recorder,
        params.max_steps,
        params.checkpoint_steps,
        &demonstrations,
        |step| batch(&demonstrations, params.batch_size as usize, &order, step),
    )
}

/// Supervised steps until the limit or the budget ends. Nothing to learn from is a
/// finding: an alarm, and the weights stay as they were.
pub fn learn_from(
    trainer: &mut Trainer<'_>,
    recorder: &mut dyn Recorder,
    max_steps: Option<u32>,
    checkpoint_steps: u32,
    all: &[Sequence],
    batch_of: impl Fn(u64) -> Vec<Sequence>,
) -> Result<()> {
    let mut limit = max_steps.map_or(u64::MAX, u64::from);
    if all.is_empty() {
        let text = "no completion was there to learn from".to_string();
        trainer.alarm(recorder, "no-data", text)?;
        limit = 0;
    }
    while trainer.step() < limit {
        let batch = batch_of(trainer.step());
        let cost = trainer.training_cost(&batch);
        if !trainer.has_room(recorder, &cost)? {
            break;
        }
        let schedule = trainer.schedule(max_steps);
        let metrics = trainer.supervised_step(&batch, schedule, purpose::UPDATE)?;
        trainer.end_step(recorder, metrics, checkpoint_steps)?;
    }
    trainer.finish(recorder)
}

/// The `data` input's completions, at most as many as asked for.
fn given_examples(trainer: &Trainer<'_>, params: &SftParams) -> Result<Vec<Sequence>> {
    let examples = dataset::load(trainer.context)?;
    Ok(examples
        .iter()
        .filter(|e| e.ended)
        .take(params.demonstrations as usize)
        .map(|e| trainer.sequence(&e.problem, &e.completion))
        .collect())
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
            let chain = task.clean_chain(&problem, &mut stream);
            out.push(trainer.sequence(&problem, &chain));
        }
        if out.len() == params.demonstrations as usize {
            break;
        }
    }
    out
}

/// Batch `step` of an endless series of shuffled epochs.
pub fn batch(all: &[Sequence], size: usize, uniform: &Uniform, step: u64) -> Vec<Sequence> {
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
