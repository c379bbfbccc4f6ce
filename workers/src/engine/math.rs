//! The mathematics of policy optimisation, each piece a pure function with a
//! hand-computed test.

use assay_core::spec::training::{
    ImportanceLevel, LossType, PolicyLoss, RewardBaseline, ScaleRewards,
};
use tch::{Kind, Tensor};

/// Log-probability of each target under softmax(logits / T), and the entropy of
/// each distribution in nats. logits (B, T, V), targets (B, T) -> (B, T), (B, T).
pub fn token_logprobs(logits: &Tensor, targets: &Tensor, temperature: f64) -> (Tensor, Tensor) {
    let logits = logits.to_kind(Kind::Float);
    let scaled = if temperature == 1.0 {
        logits
    } else {
        logits / temperature
    };
    let logp = scaled.log_softmax(-1, Kind::Float);
    let chosen = logp
        .gather(-1, &targets.unsqueeze(-1), false)
        .squeeze_dim(-1);
    let detached = logp.detach();
    let entropy = -(detached.exp() * detached).sum_dim_intlist(-1, false, Kind::Float);
    (chosen, entropy)
}

/// Advantages of consecutive groups of `group` rewards (DeepSeekMath, section 4.1.1;
/// RLOO: Ahmadian et al. 2024, eq. 7).
pub fn advantages(
    rewards: &[f64],
    group: usize,
    scale: ScaleRewards,
    baseline: RewardBaseline,
) -> Vec<f64> {
    let batch_std = spread_of(rewards);
    let mut out = Vec::with_capacity(rewards.len());
    for own in rewards.chunks(group) {
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        // The mean of the others: r - (sum - r) / (G - 1) = G / (G - 1) x (r - mean).
        let factor = match baseline {
            RewardBaseline::GroupMean => 1.0,
            RewardBaseline::LeaveOneOut => own.len() as f64 / (own.len() as f64 - 1.0).max(1.0),
        };
        let own_std = spread_of(own);
        for reward in own {
            let centred = (reward - mean) * factor;
            out.push(match scale {
                ScaleRewards::None => centred,
                // A group without spread teaches nothing: exactly 0, not rounding noise / 1e-4.
                ScaleRewards::Group | ScaleRewards::Batch if own_std == 0.0 => 0.0,
                ScaleRewards::Group => centred / (own_std + 1e-4),
                ScaleRewards::Batch => centred / (batch_std + 1e-4),
            });
        }
    }
    out
}

/// Standard deviation with n - 1; exactly 0 where all values are equal.
pub fn spread_of(values: &[f64]) -> f64 {
    if values.len() < 2 || values.iter().all(|v| *v == values[0]) {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

/// Generalised advantage estimation over one completion (Schulman et al. 2015, eq. 16):
/// `values` before each token, the reward at the last one. Returns advantages and
/// returns (advantage + value), one a token.
pub fn gae(values: &[f32], reward: f64, gamma: f64, lambda: f64) -> (Vec<f32>, Vec<f32>) {
    let n = values.len();
    let mut advantages = vec![0.0_f32; n];
    let mut behind = 0.0;
    for t in (0..n).rev() {
        let next = if t + 1 < n {
            f64::from(values[t + 1])
        } else {
            0.0
        };
        let r = if t + 1 == n { reward } else { 0.0 };
        let delta = r + gamma * next - f64::from(values[t]);
        behind = delta + gamma * lambda * behind;
        advantages[t] = behind as f32;
    }
    let returns = advantages.iter().zip(values).map(|(a, v)| a + v).collect();
    (advantages, returns)
}

/// The weight of every token of each completion in the loss: the loss is then
/// the plain weighted sum over tokens, the same however it is cut into
/// micro-batches. `lengths` are those of one optimiser step's completions.
pub fn token_weights(
    lengths: &[usize],
    loss: LossType,
    max_length: usize,
    bnpo_batch: usize,
) -> Vec<f64> {
    let count = lengths.len() as f64;
    let tokens = |part: &[usize]| part.iter().sum::<usize>().max(1) as f64;
    match loss {
        LossType::Grpo => lengths
            .iter()
            .map(|&l| 1.0 / (count * l.max(1) as f64))
            .collect(),
        LossType::Dapo => vec![1.0 / tokens(lengths); lengths.len()],
        LossType::DrGrpo => vec![1.0 / (count * max_length as f64); lengths.len()],
        LossType::Bnpo => {
            let size = if bnpo_batch == 0 {
                lengths.len()
            } else {
                bnpo_batch
            };
            let batches = lengths.len().div_ceil(size.max(1)) as f64;
            lengths
                .chunks(size.max(1))
                .flat_map(|part| vec![1.0 / (batches * tokens(part)); part.len()])
                .collect()
        }
    }
}

/// Schulman's k3 estimate of KL(policy || reference) per token:
/// exp(d) - d - 1 with d = log reference - log policy. Never negative.
pub fn k3(logp: &Tensor, reference: &Tensor) -> Tensor {
    let d = reference - logp;
    d.exp() - &d - 1.0
}

/// The terms of the policy's loss for one micro-batch, all (B, T).
#[derive(Debug)]
pub struct Surrogate {
    /// The policy's loss and beta k3, before weights.
    pub loss: Tensor,
    /// 1 where the lower / upper bound cut the gradient (cispo: the weight).
    pub clipped_low: Tensor,
    pub clipped_high: Tensor,
    /// k3, where there is a reference.
    pub kl: Option<Tensor>,
}

/// How ratios are made and bounded.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub policy_loss: PolicyLoss,
    pub level: ImportanceLevel,
    pub epsilon: f64,
    pub epsilon_high: f64,
    /// Upper bound of the ratio where the advantage is negative; 0 means none.
    pub delta: f64,
    pub beta: f64,
}

/// PPO's clipped objective with given advantages (DeepSeekMath, eq. 3; clip-higher: DAPO,
/// eq. 8; two-sided: INTELLECT-2), with ratios of whole completions (GSPO, eq. 5-7), or
/// CISPO's weighted log-likelihood. `logp`, `old`, `reference`, `advantage`, `mask` (B, T).
pub fn surrogate(
    logp: &Tensor,
    old: &Tensor,
    advantage: &Tensor,
    reference: Option<&Tensor>,
    mask: &Tensor,
    bounds: Bounds,
) -> Surrogate {
    // Padding counts for nothing, and must not become infinite before it is left out.
    let padding = mask.eq(0.0);
    let logp = &logp.masked_fill(&padding, 0.0);
    let old = &old.masked_fill(&padding, 0.0);
    let log_ratio = logp - old;
    let ratio = match bounds.level {
        ImportanceLevel::Token => log_ratio.exp(),
        ImportanceLevel::Sequence => {
            let lengths = mask.sum_dim_intlist(-1, true, mask.kind()).clamp_min(1.0);
            let mean = (log_ratio * mask).sum_dim_intlist(-1, true, mask.kind()) / lengths;
            mean.exp().expand_as(logp)
        }
    };
    let (floor, ceiling) = (1.0 - bounds.epsilon, 1.0 + bounds.epsilon_high);
    let high = ratio.gt(ceiling);
    let mut loss = match bounds.policy_loss {
        PolicyLoss::Clip => {
            let clipped = ratio.clamp(floor, ceiling);
            let open = if bounds.delta > 0.0 {
                ratio.clamp_max(bounds.delta)
            } else {
                ratio.shallow_clone()
            };
            -(open * advantage).minimum(&(clipped * advantage))
        }
        PolicyLoss::Cispo => -(ratio.clamp_max(ceiling).detach() * advantage * logp),
    };
    let (low, high) = match bounds.policy_loss {
        PolicyLoss::Clip => (
            ratio.lt(floor).logical_and(&advantage.lt(0.0)),
            high.logical_and(&advantage.gt(0.0)),
        ),
        PolicyLoss::Cispo => (ratio.zeros_like().to_kind(Kind::Bool), high),
    };
    let kl = reference.map(|reference| k3(logp, &reference.masked_fill(&padding, 0.0)));
    if let Some(kl) = &kl {
        loss += kl * bounds.beta;
    }
    Surrogate {
        loss,
        clipped_low: low.to_kind(Kind::Float),
        clipped_high: high.to_kind(Kind::Float),
        kl: kl.map(|kl| kl.detach()),
    }
}

/// KL(student || teacher) of each position's whole distribution, (B, T): the exact
/// reverse KL, whose gradient needs no sampling of the token (Gu et al. 2023).
pub fn reverse_kl(student: &Tensor, teacher: &Tensor) -> Tensor {
    let s = student.to_kind(Kind::Float).log_softmax(-1, Kind::Float);
    let t = teacher.to_kind(Kind::Float).log_softmax(-1, Kind::Float);
    (s.exp() * (s - t)).sum_dim_intlist(-1, false, Kind::Float)
}

#[cfg(test)]
mod tests;
