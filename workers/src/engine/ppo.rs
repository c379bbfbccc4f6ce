//! Proximal policy optimisation (Schulman et al. 2017) with a value head on the
//! policy's own network and generalised advantage estimation (Schulman et al. 2015).
//!
//! Deviations: the reward stands at the last token alone; KL, if any, is in the loss
//! (k3) as in our GRPO, not in the reward; values are not clipped.

use super::grpo::{pay, time};
use super::inputs::load_weights;
use super::math::gae;
use super::model::Outputs;
use super::policy::{Signal, learn, learning_cost, score};
use super::rewards::Judges;
use super::rollout::{describe, roll_out, store, watch};
use super::trainer::Trainer;
use super::{Recorder, Result, StageContext};
use assay_core::ledger::purpose;
use assay_core::spec::stage::Role;
use assay_core::spec::training::{CriticParams, GrpoParams, OptimParams};
use std::time::Instant;

pub fn train(
    context: &StageContext,
    optim: &OptimParams,
    params: &GrpoParams,
    critic: &CriticParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let outputs = Outputs::TokensAndScore;
    let mut trainer = Trainer::start(context, optim, outputs, recorder)?;
    let mut judges = Judges::load(context, params)?;
    if params.beta > 0.0 && trainer.reference.is_none() {
        let given = load_weights(context, Role::Reference, outputs)?;
        trainer.reference = Some(given.unwrap_or_else(|| trainer.weights.copy()));
    }
    let limit = params.max_steps.map_or(u64::MAX, u64::from);
    while trainer.step() < limit {
        let started = Instant::now();
        let rollout = roll_out(&mut trainer, params, &mut judges)?;
        let rollout_ms = started.elapsed().as_secs_f64() * 1e3;
        let to_come = learning_cost(params, true, rollout.kept);
        if !pay(&mut trainer, recorder, &rollout, to_come)? {
            break;
        }
        let schedule = trainer.schedule(params.max_steps);
        let updating = Instant::now();
        // One pass gives both: log-probabilities and values before the updates.
        let before = score(&mut trainer, params, &rollout, None)?;
        trainer
            .progress
            .book(purpose::UPDATE, rollout.kept.tokens, rollout.kept.flops);
        let mut signal = Signal {
            advantages: vec![],
            returns: None,
            old: Some(before.logprobs),
        };
        let mut returns = vec![];
        for (values, reward) in before.values.iter().zip(&rollout.rewarded.total) {
            let (advantage, target) = gae(values, *reward, critic.gamma, critic.gae_lambda);
            signal.advantages.push(advantage);
            returns.push(target);
        }
        whiten(&mut signal.advantages);
        signal.returns = Some(returns);
        let mut metrics = learn(
            &mut trainer,
            params,
            Some(critic),
            &rollout,
            signal,
            schedule,
        )?;
        describe(&trainer, params, &rollout, &mut metrics);
        time(&mut metrics, &rollout, started, updating, rollout_ms);
        watch(&mut trainer, recorder, &metrics)?;
        store(&trainer, params, &rollout, recorder)?;
        if params.ref_refresh_steps > 0
            && (trainer.step() + 1).is_multiple_of(u64::from(params.ref_refresh_steps))
        {
            trainer.reference = Some(trainer.weights.copy());
        }
        trainer.end_step(recorder, metrics, params.checkpoint_steps)?;
    }
    trainer.finish(recorder)
}

/// Advantages of the whole batch to mean 0 and standard deviation 1, over tokens.
fn whiten(advantages: &mut [Vec<f32>]) {
    let all: Vec<f64> = advantages
        .iter()
        .flatten()
        .copied()
        .map(f64::from)
        .collect();
    let n = all.len() as f64;
    let mean = all.iter().sum::<f64>() / n;
    let std = (all.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / n).sqrt();
    for a in advantages.iter_mut().flatten() {
        *a = ((f64::from(*a) - mean) / (std + 1e-8)) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitened_advantages_have_mean_zero_and_unit_spread_over_tokens() {
        let mut advantages = vec![vec![1.0_f32, 3.0], vec![5.0]];
        whiten(&mut advantages);
        // Mean 3, variance 8/3.
        let s = (8.0_f64 / 3.0).sqrt();
        for (found, expected) in advantages.iter().flatten().zip([-2.0 / s, 0.0, 2.0 / s]) {
            assert!((f64::from(*found) - expected).abs() < 1e-6);
        }
    }
}
