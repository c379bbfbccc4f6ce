//! Training a judge: a copy of the policy with a scalar head, binary cross-entropy at
//! the end of every step (`prm_train`: Lightman et al. 2023, section 2.6) or at the end
//! of the solution (`orm_train`: Cobbe et al. 2021, section 4.2).
//!
//! Deviation: the token head stays as it was and is not trained along.

use super::batch::{Padded, Sequence, gradients, micro_batches};
use super::dataset::{self, Example, has_answer, step_ends};
use super::judge::{Solution, auc_within, bce, scores_at, sequence};
use super::model::Outputs;
use super::trainer::Trainer;
use super::{Recorder, Result, StageContext};
use assay_core::judged::{Judged, JudgedStep, MOST_JUDGED};
use assay_core::ledger::purpose;
use assay_core::metric;
use assay_core::rng::Uniform;
use assay_core::spec::judge::{OrmTrainParams, PrmTrainParams, StepMask};
use assay_core::spec::training::OptimParams;
use assay_core::wire::{Record, role};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

/// One solution to learn from: where its scores are read, and what they should say.
#[derive(Debug, Clone)]
struct Target {
    problem: u64,
    sequence: Sequence,
    /// Indices into the sequence's tokens.
    positions: Vec<usize>,
    labels: Vec<f32>,
    truth: Vec<bool>,
    /// Which of the stage's data.
    example: usize,
}

/// What both kinds have in common.
struct Shape {
    batch_size: usize,
    epochs: u32,
    holdout: f64,
    checkpoint_steps: u32,
}

pub fn prm(
    context: &StageContext,
    optim: &OptimParams,
    params: &PrmTrainParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let shape = Shape {
        batch_size: params.batch_size as usize,
        epochs: params.epochs,
        holdout: params.holdout,
        checkpoint_steps: params.checkpoint_steps,
    };
    train(context, optim, &shape, recorder, |trainer, example| {
        let sequence = of_example(trainer, example);
        let mut ends = step_ends(&example.completion, example.ended);
        if example.labels.len() < ends.len() && has_answer(&example.completion) {
            ends.pop();
        }
        let mut count = ends.len().min(example.labels.len());
        if params.mask == StepMask::FirstError {
            let first = example.labels.iter().position(|l| *l < 0.5);
            count = first.map_or(count, |at| count.min(at + 1));
        }
        Target {
            problem: example.problem.key(),
            positions: ends[..count]
                .iter()
                .map(|end| sequence.target_from + end)
                .collect(),
            labels: example.labels[..count].to_vec(),
            truth: example.oracle[..count.min(example.oracle.len())].to_vec(),
            example: 0,
            sequence,
        }
    })
}

pub fn orm(
    context: &StageContext,
    optim: &OptimParams,
    params: &OrmTrainParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let shape = Shape {
        batch_size: params.batch_size as usize,
        epochs: params.epochs,
        holdout: params.holdout,
        checkpoint_steps: params.checkpoint_steps,
    };
    train(context, optim, &shape, recorder, |trainer, example| {
        let sequence = of_example(trainer, example);
        Target {
            problem: example.problem.key(),
            positions: vec![sequence.tokens.len() - 1],
            labels: vec![f32::from(u8::from(example.correct))],
            truth: vec![example.correct],
            example: 0,
            sequence,
        }
    })
}

fn of_example(trainer: &Trainer<'_>, example: &Example) -> Sequence {
    sequence(
        &trainer.tokenizer,
        &Solution {
            prompt: &example.problem.prompt,
            completion: &example.completion,
            ended: example.ended,
        },
    )
}

fn train(
    context: &StageContext,
    optim: &OptimParams,
    shape: &Shape,
    recorder: &mut dyn Recorder,
    target: impl Fn(&Trainer<'_>, &Example) -> Target,
) -> Result<()> {
    let mut trainer = Trainer::start(context, optim, Outputs::TokensAndScore, recorder)?;
    let examples = dataset::load(context)?;
    let held = Uniform::new(context.spec.seed, "holdout");
    let (mut learned, mut kept_out) = (vec![], vec![]);
    for (at, example) in examples.iter().enumerate() {
        let mut target = target(&trainer, example);
        target.example = at;
        if target.positions.is_empty() {
            continue;
        }
        // By problem, so that no problem stands on both sides.
        let key = target.problem;
        if f64::from(held.at(key as u32, (key >> 32) as u32, 0, 0)) < shape.holdout {
            kept_out.push(target);
        } else {
            learned.push(target);
        }
    }
    if learned.is_empty() {
        // A finding: the judge stays undecided about everything.
        let text = "no labelled step was there to learn from".to_string();
        trainer.alarm(recorder, "no-data", text)?;
    }
    let per_epoch = learned.len().div_ceil(shape.batch_size) as u64;
    let limit = per_epoch * u64::from(shape.epochs);
    let order = Uniform::new(context.spec.seed, "judge-order");
    while trainer.step() < limit {
        let batch = batch_of(&learned, shape.batch_size, &order, trainer.step());
        let sequences: Vec<Sequence> = batch.iter().map(|t| t.sequence.clone()).collect();
        let cost = trainer.training_cost(&sequences);
        if !trainer.has_room(recorder, &cost)? {
            break;
        }
        let schedule = trainer.schedule(u32::try_from(limit).ok());
        let metrics = step(&mut trainer, &batch, &sequences, schedule)?;
        trainer
            .progress
            .book(purpose::JUDGE_TRAINING, cost.tokens, cost.flops);
        trainer.end_step(recorder, metrics, shape.checkpoint_steps)?;
    }
    let (quality, judged) = measure(&mut trainer, &kept_out, &examples)?;
    if !judged.is_empty() {
        recorder.artifact(role::JUDGED, trainer.step(), &dataset::lines(&judged)?)?;
    }
    if !quality.is_empty() {
        recorder.record(Record::Step {
            step: trainer.step(),
            cum: trainer.progress.state.cum,
            metrics: quality,
        })?;
    }
    trainer.finish(recorder)
}

/// Batch `step` of an endless series of shuffled epochs; the last of an epoch may be short.
fn batch_of(all: &[Target], size: usize, uniform: &Uniform, step: u64) -> Vec<Target> {
    let per_epoch = all.len().div_ceil(size) as u64;
    let mut order: Vec<usize> = (0..all.len()).collect();
    uniform
        .stream((step / per_epoch) as u32, 0)
        .shuffle(&mut order);
    let at = (step % per_epoch) as usize * size;
    order[at..(at + size).min(all.len())]
        .iter()
        .map(|&i| all[i].clone())
        .collect()
}

/// Labels as a dense (B, T) tensor with its mask.
fn dense(rows: &[&Target], width: i64, device: tch::Device) -> (Tensor, Tensor) {
    let width = width as usize;
    let mut labels = vec![0.0_f32; rows.len() * width];
    let mut mask = vec![0.0_f32; rows.len() * width];
    for (row, target) in rows.iter().enumerate() {
        for (position, label) in target.positions.iter().zip(&target.labels) {
            labels[row * width + position] = *label;
            mask[row * width + position] = 1.0;
        }
    }
    let tensor = |values: &[f32]| {
        Tensor::from_slice(values)
            .view([rows.len() as i64, width as i64])
            .to_device(device)
    };
    (tensor(&labels), tensor(&mask))
}

/// One step: the mean cross-entropy over all labelled steps of the batch.
fn step(
    trainer: &mut Trainer<'_>,
    batch: &[Target],
    sequences: &[Sequence],
    schedule: f64,
) -> Result<BTreeMap<String, f64>> {
    let total = batch.iter().map(|t| t.positions.len()).sum::<usize>() as f64;
    let device = trainer.context.device;
    let micros = micro_batches(sequences, trainer.context.spec.micro_batch as usize);
    let (gradient, stats) = gradients(&mut trainer.models, &micros, |model, own| {
        let rows: Vec<&Sequence> = own.iter().map(|&i| &sequences[i]).collect();
        let targets: Vec<&Target> = own.iter().map(|&i| &batch[i]).collect();
        let ids = Padded::whole(&rows, device);
        let (labels, mask) = dense(&targets, ids.size()[1], device);
        let scores = model.scores(&model.hidden(&ids));
        let loss = (bce(&scores, &labels) * mask).sum(Kind::Float) / total;
        let value = loss.double_value(&[]);
        Ok((loss, vec![value]))
    })?;
    let loss = trainer.finite(metric::JUDGE_LOSS, stats[0])?;
    let learning_rate = trainer.optim.learning_rate(schedule);
    let norm = trainer.update(&gradient, learning_rate)?;
    Ok(BTreeMap::from([
        (metric::LOSS.to_string(), loss),
        (metric::GRAD_NORM.to_string(), norm),
        (metric::LEARNING_RATE.to_string(), learning_rate),
    ]))
}

/// The judge on the problems that were kept out, against the truth: the chance to put a
/// right step above a wrong one of the same problem, up to each first error. The first
/// of the texts are handed on to be looked at.
fn measure(
    trainer: &mut Trainer<'_>,
    kept_out: &[Target],
    examples: &[Example],
) -> Result<(BTreeMap<String, f64>, Vec<Judged>)> {
    if kept_out.is_empty() {
        return Ok((BTreeMap::new(), vec![]));
    }
    let sequences: Vec<Sequence> = kept_out.iter().map(|t| t.sequence.clone()).collect();
    let positions: Vec<Vec<usize>> = kept_out.iter().map(|t| t.positions.clone()).collect();
    let micro_batch = trainer.context.spec.micro_batch as usize;
    let all = scores_at(&mut trainer.models, &sequences, &positions, micro_batch)?;
    let mut by_problem: BTreeMap<u64, Vec<(f32, bool)>> = BTreeMap::new();
    for (target, scores) in kept_out.iter().zip(&all) {
        let steps = by_problem.entry(target.problem).or_default();
        for (score, truth) in scores.iter().zip(&target.truth) {
            steps.push((*score, *truth));
            if !truth {
                break;
            }
        }
    }
    let problems: Vec<_> = by_problem.into_values().collect();
    let mut metrics = BTreeMap::new();
    if let Some((auc, wrong)) = auc_within(&problems) {
        metrics.insert(metric::JUDGE_AUC.to_string(), auc);
        metrics.insert(metric::JUDGE_WRONG_STEPS.to_string(), wrong as f64);
    }
    let first = kept_out.iter().zip(&all).take(MOST_JUDGED);
    let judged = first.map(|(target, scores)| judged(target, scores, &examples[target.example]));
    Ok((metrics, judged.collect()))
}

fn judged(target: &Target, scores: &[f32], example: &Example) -> Judged {
    let from = target.sequence.target_from;
    let ends: Vec<usize> = target.positions.iter().map(|p| p - from).collect();
    let steps = dataset::pieces(&example.completion, &ends)
        .into_iter()
        .zip(scores)
        .enumerate()
        .map(|(at, (text, score))| JudgedStep {
            text,
            score: *score,
            label: target.labels.get(at).copied(),
            truth: target.truth.get(at).copied(),
        });
    Judged {
        prompt: example.problem.prompt.clone(),
        gold: example.problem.gold.clone(),
        completion: example.completion.clone(),
        ended: example.ended,
        correct: example.correct,
        steps: steps.collect(),
    }
}
