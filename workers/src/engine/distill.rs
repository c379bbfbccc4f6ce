//! Distillation: a student learns from a teacher of any size.
//! `sequence`: supervised training on the teacher's correct samples (DeepSeek-R1,
//! section 2.4). `on_policy`: the student samples, and at every position the exact
//! reverse KL of its distribution to the teacher's is its loss (Gu et al. 2023;
//! Agarwal et al. 2023 with lambda 1 and beta 1).
//!
//! Deviation: the gradient of on_policy is taken through the distributions only, not
//! through the sampling of what came before.

use super::batch::{Padded, Sequence, gradients, micro_batches};
use super::collect::{Sampler, options};
use super::generate::generate;
use super::math::reverse_kl;
use super::model::{Model, Outputs};
use super::sft::{batch, learn_from};
use super::trainer::Trainer;
use super::{EngineError, Recorder, Result, StageContext};
use assay_core::ledger::{Cost, forward_flops, purpose};
use assay_core::metric;
use assay_core::rng::{Uniform, derive_seed};
use assay_core::spec::data::{DistillMode, DistillParams};
use assay_core::spec::stage::Role;
use assay_core::spec::training::OptimParams;
use assay_core::task::{Problem, Split};
use std::collections::BTreeMap;
use std::sync::Mutex;
use tch::Kind;

pub fn train(
    context: &StageContext,
    optim: &OptimParams,
    params: &DistillParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut teacher = Sampler::load(context, Role::Teacher)?;
    let mut trainer = Trainer::start(context, optim, Outputs::Tokens, recorder)?;
    match params.mode {
        DistillMode::Sequence => sequence(&mut trainer, &mut teacher, params, recorder),
        DistillMode::OnPolicy => on_policy(&mut trainer, teacher, params, recorder),
    }
}

/// The teacher answers once, at the start; after an interruption it gives the same
/// answers again, which are then not paid for twice.
fn sequence(
    trainer: &mut Trainer<'_>,
    teacher: &mut Sampler,
    params: &DistillParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let context = trainer.context;
    let draws = Uniform::new(context.spec.seed, "distill-problems");
    let problems: Vec<Problem> = (0..params.prompts)
        .map(|i| {
            context
                .spec
                .task
                .problem(Split::Train, &mut draws.stream(i, 0))
        })
        .collect();
    let prompts: Vec<Vec<i64>> = problems
        .iter()
        .map(|p| teacher.tokenizer.prompt(&p.prompt))
        .collect();
    let (groups, cost) = teacher.sample(
        &prompts,
        options(
            params.num_generations,
            params.max_completion_length,
            params.temperature,
            params.top_p,
        ),
        "teacher",
        0,
    )?;
    let mut examples = vec![];
    let mut calls = 0;
    for (problem, group) in problems.iter().zip(groups) {
        for sample in group {
            calls += 1;
            let text = teacher.tokenizer.decode(&sample.tokens);
            let verdict = context.spec.task.verify(problem, &text, sample.ended);
            if verdict.correct {
                examples.push(trainer.sequence(problem, &text));
            }
        }
    }
    if trainer.step() == 0 {
        trainer
            .progress
            .book(purpose::TEACHER, cost.tokens, cost.flops);
        trainer.progress.supervise("verifier_calls", calls);
        trainer
            .progress
            .supervise("demonstrations", examples.len() as u64);
    }
    let order = Uniform::new(context.spec.seed, "distill-order");
    learn_from(
        trainer,
        recorder,
        params.max_steps,
        params.checkpoint_steps,
        &examples,
        |step| batch(&examples, params.batch_size as usize, &order, step),
    )
}

fn on_policy(
    trainer: &mut Trainer<'_>,
    teacher: Sampler,
    params: &DistillParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let context = trainer.context;
    let seed = context.spec.seed;
    let limit = params.max_steps.map_or(u64::MAX, u64::from);
    let teacher_spec = teacher.spec.clone();
    if teacher.tokenizer.source() != trainer.tokenizer.source() {
        return Err(EngineError::BadConfig(
            "teacher and student must have one vocabulary for `on_policy`; use mode: sequence"
                .into(),
        ));
    }
    // One a thread: a model is lent to the thread that works with it.
    let teachers: Vec<Mutex<Model>> = teacher.models.into_iter().map(Mutex::new).collect();
    while trainer.step() < limit {
        let step = trainer.step() as u32;
        let draws = Uniform::new(seed, "problems");
        let problems: Vec<Problem> = (0..params.prompts_per_step)
            .map(|i| {
                context
                    .spec
                    .task
                    .problem(Split::Train, &mut draws.stream(step, i))
            })
            .collect();
        let prompts: Vec<Vec<i64>> = problems
            .iter()
            .map(|p| trainer.tokenizer.prompt(&p.prompt))
            .collect();
        if context.device.is_cuda() {
            tch::manual_seed(derive_seed(&[&seed.to_string(), "sample", &step.to_string()]) as i64);
        }
        let sampled = generate(
            &mut trainer.models,
            &prompts,
            options(
                params.num_generations,
                params.max_completion_length,
                params.temperature,
                params.top_p,
            ),
            Uniform::new(seed, "sample"),
            step,
        )?;
        let sequences: Vec<Sequence> = prompts
            .iter()
            .zip(&sampled)
            .flat_map(|(prompt, group)| {
                group.iter().map(|s| Sequence {
                    tokens: prompt.iter().chain(&s.tokens).copied().collect(),
                    target_from: prompt.len(),
                })
            })
            .collect();
        let cost_under = |spec: &assay_core::spec::ModelSpec| {
            let mut cost = Cost::default();
            for s in &sequences {
                cost.tokens += s.tokens.len() as f64;
                cost.flops += forward_flops(spec, trainer.vocab, s.tokens.len() as u64);
            }
            cost
        };
        let (own, scored) = (cost_under(&context.spec.model), cost_under(&teacher_spec));
        let learned = trainer.training_cost(&sequences);
        let mut whole = own;
        whole += scored;
        whole += learned;
        if !trainer.has_room(recorder, &whole)? {
            trainer
                .progress
                .book(purpose::DISCARDED, own.tokens, own.flops);
            break;
        }
        trainer
            .progress
            .book(purpose::ROLLOUT, own.tokens, own.flops);
        let schedule = trainer.schedule(params.max_steps);
        let micros = micro_batches(&sequences, context.spec.micro_batch as usize);
        let total = sequences.iter().map(Sequence::targets).sum::<usize>() as f64;
        let device = context.device;
        let (gradient, stats) = gradients(&mut trainer.models, &micros, |model, rows| {
            let rows: Vec<&Sequence> = rows.iter().map(|&i| &sequences[i]).collect();
            let batch = Padded::new(&rows, device);
            let wise = teachers
                .iter()
                .find_map(|t| t.try_lock().ok())
                .ok_or_else(|| EngineError::Other("a teacher's thread has failed".into()))?;
            let target = tch::no_grad(|| wise.forward(&batch.inputs));
            let kl = reverse_kl(&model.forward(&batch.inputs), &target);
            let loss = (kl * &batch.mask).sum(Kind::Float) / total;
            let value = loss.double_value(&[]);
            Ok((loss, vec![value]))
        })?;
        let loss = trainer.finite(metric::LOSS, stats[0])?;
        let learning_rate = trainer.optim.learning_rate(schedule);
        let norm = trainer.update(&gradient, learning_rate)?;
        trainer
            .progress
            .book(purpose::TEACHER, scored.tokens, scored.flops);
        trainer
            .progress
            .book(purpose::UPDATE, learned.tokens, learned.flops);
        let generated: usize = sampled.iter().flatten().map(|s| s.tokens.len()).sum();
        let count = sequences.len() as f64;
        let metrics = BTreeMap::from([
            (metric::LOSS.to_string(), loss),
            (metric::KL.to_string(), loss),
            (metric::GRAD_NORM.to_string(), norm),
            (metric::LEARNING_RATE.to_string(), learning_rate),
            (
                metric::COMPLETION_LENGTH.to_string(),
                generated as f64 / count,
            ),
        ]);
        trainer.end_step(recorder, metrics, params.checkpoint_steps)?;
    }
    trainer.finish(recorder)
}
