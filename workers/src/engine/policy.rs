//! Learning from a rollout: the policy's updates, whatever made the advantages.

use super::batch::{Padded, Sequence, evaluate, gradients, micro_batches};
use super::inputs::models_over;
use super::math::{Bounds, surrogate, token_logprobs, token_weights};
use super::rollout::Rollout;
use super::trainer::Trainer;
use super::{Result, StageContext};
use assay_core::ledger::{Cost, purpose};
use assay_core::metric;
use assay_core::rng::Uniform;
use assay_core::spec::training::{CriticParams, GrpoParams, Truncated};
use std::collections::BTreeMap;
use tch::{Kind, Tensor};

/// What one rollout's updates are made from: one number a token of each completion.
#[derive(Debug)]
pub struct Signal {
    pub advantages: Vec<Vec<f32>>,
    /// What the value head should say, where there is one.
    pub returns: Option<Vec<Vec<f32>>>,
    /// Log-probabilities before the first update, where they were needed already.
    pub old: Option<Vec<Vec<f32>>>,
}

impl Signal {
    /// Every token of a completion has the completion's advantage.
    pub fn of_completions(rollout: &Rollout) -> Self {
        let spread =
            |(sequence, advantage): (&Sequence, &f64)| vec![*advantage as f32; sequence.targets()];
        Self {
            advantages: rollout
                .sequences
                .iter()
                .zip(&rollout.advantages)
                .map(spread)
                .collect(),
            returns: None,
            old: None,
        }
    }
}

/// With one update a rollout, old and new log-probabilities are the same numbers.
pub fn needs_old(params: &GrpoParams) -> bool {
    params.num_iterations > 1 || params.minibatches > 1
}

/// What follows a rollout that costs `forward` to pass through once.
pub fn learning_cost(params: &GrpoParams, critic: bool, forward: Cost) -> Cost {
    let passes = f64::from(params.num_iterations);
    let mut cost = Cost {
        tokens: forward.tokens * passes,
        flops: 3.0 * forward.flops * passes,
        device_ms: 0.0,
    };
    for used in [needs_old(params) || critic, params.beta > 0.0] {
        if used {
            cost += forward;
        }
    }
    cost
}

/// All updates of one rollout. Returns the step's metrics.
pub fn learn(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    critic: Option<&CriticParams>,
    rollout: &Rollout,
    mut signal: Signal,
    schedule: f64,
) -> Result<BTreeMap<String, f64>> {
    let forward = rollout.kept;
    if needs_old(params) && signal.old.is_none() {
        signal.old = Some(score(trainer, params, rollout, None)?.logprobs);
        trainer
            .progress
            .book(purpose::UPDATE, forward.tokens, forward.flops);
    }
    let frozen = trainer.reference.as_ref().filter(|_| params.beta > 0.0);
    let reference = match frozen.map(Tensor::shallow_clone) {
        None => None,
        Some(flat) => {
            let scores = score(trainer, params, rollout, Some(&flat))?.logprobs;
            trainer
                .progress
                .book(purpose::REFERENCE, forward.tokens, forward.flops);
            Some(scores)
        }
    };
    let order = Uniform::new(trainer.context.spec.seed, "minibatches");
    let mut sums = Sums::default();
    let learning_rate = trainer.optim.learning_rate(schedule);
    for iteration in 0..params.num_iterations {
        let mut indices: Vec<usize> = (0..rollout.sequences.len()).collect();
        if params.minibatches > 1 {
            order
                .stream(trainer.step() as u32, iteration)
                .shuffle(&mut indices);
        }
        let size = indices.len().div_ceil(params.minibatches as usize);
        for minibatch in indices.chunks(size) {
            let rate = trainer.optim.learning_rate(schedule);
            let (gradient, stats) = gradient(
                trainer,
                params,
                critic,
                rollout,
                &signal,
                minibatch,
                reference.as_deref(),
            )?;
            trainer.finite(metric::LOSS, stats[0])?;
            sums.norm += trainer.update(&gradient, rate)?;
            sums.add(&stats);
        }
    }
    let passes = f64::from(params.num_iterations);
    trainer.progress.book(
        purpose::UPDATE,
        forward.tokens * passes,
        3.0 * forward.flops * passes,
    );
    let per_token = |at: usize| sums.stats[at] / sums.stats[1].max(1.0);
    let mut metrics = BTreeMap::from([
        (metric::LOSS.to_string(), sums.stats[0] / sums.updates),
        (metric::GRAD_NORM.to_string(), sums.norm / sums.updates),
        (metric::LEARNING_RATE.to_string(), learning_rate),
        (metric::ENTROPY.to_string(), per_token(2)),
        (metric::CLIP_LOW.to_string(), per_token(3)),
        (metric::CLIP_HIGH.to_string(), per_token(4)),
        (metric::LOGPROB_MISMATCH.to_string(), per_token(6)),
    ]);
    if reference.is_some() {
        metrics.insert(metric::KL.into(), per_token(5));
    }
    if critic.is_some() {
        metrics.insert(metric::VALUE_LOSS.into(), per_token(7));
    }
    Ok(metrics)
}

/// Statistics summed over tokens: [loss, tokens, entropy, low, high, kl, mismatch, value loss].
#[derive(Default)]
struct Sums {
    stats: Vec<f64>,
    norm: f64,
    updates: f64,
}

impl Sums {
    fn add(&mut self, stats: &[f64]) {
        self.stats.resize(stats.len(), 0.0);
        self.stats
            .iter_mut()
            .zip(stats)
            .for_each(|(sum, s)| *sum += s);
        self.updates += 1.0;
    }
}

/// The gradient of one optimiser step over the given completions.
fn gradient(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    critic: Option<&CriticParams>,
    rollout: &Rollout,
    signal: &Signal,
    minibatch: &[usize],
    reference: Option<&[Vec<f32>]>,
) -> Result<(Tensor, Vec<f64>)> {
    let sequences: Vec<Sequence> = minibatch
        .iter()
        .map(|&i| rollout.sequences[i].clone())
        .collect();
    let counted =
        |&i: &usize| params.truncated_completions == Truncated::Kept || rollout.sampled[i].ended;
    let lengths: Vec<usize> = minibatch
        .iter()
        .map(|i| {
            if counted(i) {
                rollout.sequences[*i].targets()
            } else {
                0
            }
        })
        .collect();
    let weights: Vec<f64> = token_weights(
        &lengths,
        params.loss_type,
        params.max_completion_length as usize,
        params.bnpo_batch as usize,
    )
    .into_iter()
    .zip(&lengths)
    .map(|(weight, length)| if *length == 0 { 0.0 } else { weight })
    .collect();
    let bounds = Bounds {
        policy_loss: params.policy_loss,
        level: params.importance_sampling_level,
        epsilon: params.epsilon,
        epsilon_high: params.epsilon_high,
        delta: params.delta,
        beta: params.beta,
    };
    let learning_values_only =
        critic.is_some_and(|c| trainer.step() < u64::from(c.value_warmup_steps));
    let micros = micro_batches(&sequences, trainer.context.spec.micro_batch as usize);
    let device = trainer.context.device;
    gradients(&mut trainer.models, &micros, |model, own| {
        let rows: Vec<&Sequence> = own.iter().map(|&i| &sequences[i]).collect();
        let batch = Padded::new(&rows, device);
        let spread = |scores: &[Vec<f32>]| {
            let values: Vec<&[f32]> = own.iter().map(|&i| &scores[minibatch[i]][..]).collect();
            batch.spread(&rows, &values)
        };
        let hidden = model.hidden(&batch.inputs);
        let (logp, entropy) =
            token_logprobs(&model.logits(&hidden), &batch.targets, params.temperature);
        let before = signal.old.as_deref().map_or_else(|| logp.detach(), &spread);
        let own_weights: Vec<f32> = own.iter().map(|&i| weights[i] as f32).collect();
        let weight = Tensor::from_slice(&own_weights)
            .unsqueeze(1)
            .to_device(device);
        let terms = surrogate(
            &logp,
            &before,
            &spread(&signal.advantages),
            reference.map(&spread).as_ref(),
            &batch.mask,
            bounds,
        );
        let drawn: Vec<&[f32]> = own
            .iter()
            .map(|&i| &rollout.sampled[minibatch[i]].logprobs[..])
            .collect();
        let drift = &before - batch.spread(&rows, &drawn);
        let mut per_token = terms.loss;
        if params.importance_sampling_cap > 0.0 {
            // Truncated importance sampling: the sampler's own distribution is the proposal.
            per_token *= drift.exp().clamp_max(params.importance_sampling_cap);
        }
        let masked = |t: &Tensor| (t * &batch.mask).sum(Kind::Float);
        let zero = batch.mask.zeros_like();
        let mut value_loss = zero.shallow_clone();
        if let (Some(critic), Some(returns)) = (critic, &signal.returns) {
            let values = model.scores(&hidden);
            value_loss = (values - spread(returns)).square() * 0.5;
            let policy = if learning_values_only { 0.0 } else { 1.0 };
            per_token = per_token * policy + &value_loss * critic.value_coef;
        }
        let loss = (per_token * &batch.mask * weight).sum(Kind::Float);
        let stats = Tensor::stack(
            &[
                loss.detach(),
                batch.mask.sum(Kind::Float),
                masked(&entropy),
                masked(&terms.clipped_low),
                masked(&terms.clipped_high),
                masked(terms.kl.as_ref().unwrap_or(&zero)),
                masked(&drift.abs()),
                masked(&value_loss.detach()),
            ],
            0,
        );
        Ok((loss, Vec::try_from(stats.to_kind(Kind::Double))?))
    })
}

/// Log-probabilities of the sampled tokens, and the value head's numbers before each
/// of them, one list a completion.
#[derive(Debug, Default)]
pub struct Scored {
    pub logprobs: Vec<Vec<f32>>,
    /// Empty where the network has no value head.
    pub values: Vec<Vec<f32>>,
}

/// Passes through a rollout under the present weights, or under other ones of the
/// same layout.
pub fn score(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    rollout: &Rollout,
    weights: Option<&Tensor>,
) -> Result<Scored> {
    let context: &StageContext = trainer.context;
    let outputs = trainer.outputs;
    let micros = micro_batches(&rollout.sequences, context.spec.micro_batch as usize);
    let mut others = weights.map(|flat| {
        let kind = if context.device.is_cuda() {
            Kind::BFloat16
        } else {
            Kind::Float
        };
        models_over(context, outputs, &flat.to_kind(kind), false)
    });
    let models = others.as_mut().unwrap_or(&mut trainer.models);
    let parts = evaluate(models, &micros, |model, own| {
        let rows: Vec<&Sequence> = own.iter().map(|&i| &rollout.sequences[i]).collect();
        let batch = Padded::new(&rows, context.device);
        let hidden = model.hidden(&batch.inputs);
        let (logp, _) = token_logprobs(&model.logits(&hidden), &batch.targets, params.temperature);
        let cut = |all: &Tensor| -> Result<Vec<Vec<f32>>> {
            let width = all.size()[1] as usize;
            let flat: Vec<f32> = Vec::try_from(all.contiguous().view(-1))?;
            let part = |(row, s): (usize, &&Sequence)| {
                let at = row * width + s.target_from - 1;
                flat[at..at + s.targets()].to_vec()
            };
            Ok(rows.iter().enumerate().map(part).collect())
        };
        let values = match outputs {
            super::model::Outputs::TokensAndScore => cut(&model.scores(&hidden))?,
            super::model::Outputs::Tokens => vec![vec![]; rows.len()],
        };
        Ok((cut(&logp)?, values))
    })?;
    let mut out = Scored {
        logprobs: vec![vec![]; rollout.sequences.len()],
        values: vec![vec![]; rollout.sequences.len()],
    };
    for (micro, (logprobs, values)) in micros.iter().zip(parts) {
        for ((&index, l), v) in micro.iter().zip(logprobs).zip(values) {
            out.logprobs[index] = l;
            out.values[index] = v;
        }
    }
    Ok(out)
}
