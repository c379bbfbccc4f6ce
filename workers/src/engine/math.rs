//! The mathematics of policy optimisation, each piece a pure function with a
//! hand-computed test.

use assay_core::spec::training::{LossType, ScaleRewards};
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

/// Advantages of consecutive groups of `group` rewards (DeepSeekMath, section 4.1.1).
pub fn advantages(rewards: &[f64], group: usize, scale: ScaleRewards) -> Vec<f64> {
    let batch_std = std(rewards);
    let mut out = Vec::with_capacity(rewards.len());
    for own in rewards.chunks(group) {
        let mean = own.iter().sum::<f64>() / own.len() as f64;
        let own_std = std(own);
        for reward in own {
            let centred = reward - mean;
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
fn std(values: &[f64]) -> f64 {
    if values.len() < 2 || values.iter().all(|v| *v == values[0]) {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
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

/// The clipped surrogate's terms for one micro-batch, all (B, T).
#[derive(Debug)]
pub struct Surrogate {
    /// -min(r A, clip(r) A) + beta k3, before weights.
    pub loss: Tensor,
    /// 1 where the lower / upper bound cut the gradient.
    pub clipped_low: Tensor,
    pub clipped_high: Tensor,
    /// k3, where there is a reference.
    pub kl: Option<Tensor>,
}

/// PPO's clipped objective with group advantages (DeepSeekMath, eq. 3; clip-higher: DAPO, eq. 8).
/// `logp`, `old`, `reference` (B, T); `advantage` (B, 1).
pub fn surrogate(
    logp: &Tensor,
    old: &Tensor,
    advantage: &Tensor,
    reference: Option<&Tensor>,
    (epsilon, epsilon_high, beta): (f64, f64, f64),
) -> Surrogate {
    let ratio = (logp - old).exp();
    let clipped = ratio.clamp(1.0 - epsilon, 1.0 + epsilon_high);
    let plain = &ratio * advantage;
    let mut loss = -plain.minimum(&(clipped * advantage));
    let kl = reference.map(|reference| k3(logp, reference));
    if let Some(kl) = &kl {
        loss += kl * beta;
    }
    let low = ratio.lt(1.0 - epsilon).logical_and(&advantage.lt(0.0));
    let high = ratio.gt(1.0 + epsilon_high).logical_and(&advantage.gt(0.0));
    Surrogate {
        loss,
        clipped_low: low.to_kind(Kind::Float),
        clipped_high: high.to_kind(Kind::Float),
        kl: kl.map(|kl| kl.detach()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &Tensor, expected: &[f64]) {
        let found: Vec<f64> = Vec::try_from(found.to_kind(Kind::Double).view(-1)).unwrap();
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 1e-6, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn advantages_agree_with_hand_computed_groups() {
        // Group 1: mean 0.5, n-1 std 0.57735; group 2: no spread.
        let rewards = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        let z = advantages(&rewards, 4, ScaleRewards::Group);
        for (found, sign) in z[..4].iter().zip([1.0, -1.0, -1.0, 1.0]) {
            assert!((found - sign * 0.5 / (1.0 / 3.0_f64.sqrt() + 1e-4)).abs() < 1e-12);
        }
        assert_eq!(&z[4..], [0.0; 4]);
        assert_eq!(
            advantages(&rewards, 4, ScaleRewards::None)[..4],
            [0.5, -0.5, -0.5, 0.5]
        );
        // Batch: mean 0.75, sum of squares 6 * 0.0625 + 2 * 0.5625 = 1.5, std = sqrt(1.5 / 7).
        let b = advantages(&rewards, 4, ScaleRewards::Batch);
        assert!((b[0] - 0.5 / ((1.5_f64 / 7.0).sqrt() + 1e-4)).abs() < 1e-12);
        // Equal rewards that are not exact binary fractions still give exactly 0.
        assert_eq!(
            advantages(&[0.1, 0.1, 0.1], 3, ScaleRewards::Group),
            [0.0; 3]
        );
    }

    #[test]
    fn token_weights_agree_with_each_definition() {
        let lengths = [2, 4, 1, 1];
        assert_eq!(
            token_weights(&lengths, LossType::Grpo, 10, 0),
            [0.125, 0.0625, 0.25, 0.25]
        );
        assert_eq!(token_weights(&lengths, LossType::Dapo, 10, 0), [0.125; 4]);
        assert_eq!(token_weights(&lengths, LossType::DrGrpo, 10, 0), [0.025; 4]);
        assert_eq!(token_weights(&lengths, LossType::Bnpo, 10, 0), [0.125; 4]);
        let halves = token_weights(&lengths, LossType::Bnpo, 10, 2);
        assert_eq!(halves, [1.0 / 12.0, 1.0 / 12.0, 0.25, 0.25]);
    }

    #[test]
    fn k3_agrees_with_the_formula_and_is_zero_for_equal_policies() {
        let logp = Tensor::from_slice(&[-1.0_f64, -2.0, -0.5]);
        let reference = Tensor::from_slice(&[-1.0_f64, -1.0, -1.5]);
        // d = 0, 1, -1: e^d - d - 1
        close(
            &k3(&logp, &reference),
            &[0.0, std::f64::consts::E - 2.0, (-1.0_f64).exp()],
        );
    }

    #[test]
    fn the_clipped_loss_and_its_gradient_agree_with_hand_computed_cases() {
        // Ratios 1.5, 1.5, 0.5, 0.5, 1.1 with advantages 1, -1, 1, -1, 2; bounds 0.8 and 1.28.
        let ratios = [1.5_f64, 1.5, 0.5, 0.5, 1.1];
        let logp = Tensor::from_slice(&ratios.map(f64::ln))
            .view([5, 1])
            .set_requires_grad(true);
        let old = Tensor::zeros([5, 1], (Kind::Double, tch::Device::Cpu));
        let advantage = Tensor::from_slice(&[1.0_f64, -1.0, 1.0, -1.0, 2.0]).view([5, 1]);
        let s = surrogate(&logp, &old, &advantage, None, (0.2, 0.28, 0.0));
        close(&s.loss, &[-1.28, 1.5, -0.5, 0.8, -2.2]);
        close(&s.clipped_high, &[1.0, 0.0, 0.0, 0.0, 0.0]);
        close(&s.clipped_low, &[0.0, 0.0, 0.0, 1.0, 0.0]);
        // d(-r A)/d logp = -r A where not clipped, 0 where clipped.
        let gradient = Tensor::run_backward(&[s.loss.sum(Kind::Double)], &[&logp], false, false);
        close(&gradient[0], &[0.0, 1.5, -0.5, 0.0, -2.2]);
    }

    #[test]
    fn on_policy_the_gradient_is_the_plain_policy_gradient_plus_the_kl_term() {
        let logp = Tensor::from_slice(&[-1.0_f64, -2.0])
            .view([2, 1])
            .set_requires_grad(true);
        let advantage = Tensor::from_slice(&[1.0_f64, -0.5]).view([2, 1]);
        let reference = Tensor::from_slice(&[-1.5_f64, -1.0]).view([2, 1]);
        let s = surrogate(
            &logp,
            &logp.detach(),
            &advantage,
            Some(&reference),
            (0.2, 0.2, 0.1),
        );
        let gradient = Tensor::run_backward(&[s.loss.sum(Kind::Double)], &[&logp], false, false);
        // -A + beta (1 - e^d), d = reference - logp = -0.5, 1.
        let kl = |d: f64| 0.1 * (1.0 - d.exp());
        close(&gradient[0], &[-1.0 + kl(-0.5), 0.5 + kl(1.0)]);
    }

    #[test]
    fn logprobs_and_entropy_use_the_temperature() {
        let logits = Tensor::from_slice(&[0.0_f32, 2.0_f32.ln() * 2.0]).view([1, 1, 2]);
        let targets = Tensor::from_slice(&[1_i64]).view([1, 1]);
        // T = 2: weights 1 and 2.
        let (logp, entropy) = token_logprobs(&logits, &targets, 2.0);
        close(&logp, &[(2.0_f64 / 3.0).ln()]);
        let h = -(1.0_f64 / 3.0) * (1.0_f64 / 3.0).ln() - (2.0_f64 / 3.0) * (2.0_f64 / 3.0).ln();
        close(&entropy, &[h]);
    }
}
