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
mod tests {
    use super::*;

    const CLIP: Bounds = Bounds {
        policy_loss: PolicyLoss::Clip,
        level: ImportanceLevel::Token,
        epsilon: 0.2,
        epsilon_high: 0.28,
        delta: 0.0,
        beta: 0.0,
    };

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
        let z = advantages(&rewards, 4, ScaleRewards::Group, RewardBaseline::GroupMean);
        for (found, sign) in z[..4].iter().zip([1.0, -1.0, -1.0, 1.0]) {
            assert!((found - sign * 0.5 / (1.0 / 3.0_f64.sqrt() + 1e-4)).abs() < 1e-12);
        }
        assert_eq!(&z[4..], [0.0; 4]);
        assert_eq!(
            advantages(&rewards, 4, ScaleRewards::None, RewardBaseline::GroupMean)[..4],
            [0.5, -0.5, -0.5, 0.5]
        );
        // Batch: mean 0.75, sum of squares 6 * 0.0625 + 2 * 0.5625 = 1.5, std = sqrt(1.5 / 7).
        let b = advantages(&rewards, 4, ScaleRewards::Batch, RewardBaseline::GroupMean);
        assert!((b[0] - 0.5 / ((1.5_f64 / 7.0).sqrt() + 1e-4)).abs() < 1e-12);
        // Equal rewards that are not exact binary fractions still give exactly 0.
        assert_eq!(
            advantages(
                &[0.1, 0.1, 0.1],
                3,
                ScaleRewards::Group,
                RewardBaseline::GroupMean
            ),
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
        let s = surrogate(&logp, &old, &advantage, None, &logp.ones_like(), CLIP);
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
            &logp.ones_like(),
            Bounds { beta: 0.1, ..CLIP },
        );
        let gradient = Tensor::run_backward(&[s.loss.sum(Kind::Double)], &[&logp], false, false);
        // -A + beta (1 - e^d), d = reference - logp = -0.5, 1.
        let kl = |d: f64| 0.1 * (1.0 - d.exp());
        close(&gradient[0], &[-1.0 + kl(-0.5), 0.5 + kl(1.0)]);
    }

    #[test]
    fn padding_has_no_part_in_loss_and_gradient_whatever_stands_there() {
        // What a policy says of padding can be as unlikely as it likes.
        let logp = Tensor::from_slice(&[-1.0_f64, -900.0])
            .view([1, 2])
            .set_requires_grad(true);
        let mask = Tensor::from_slice(&[1.0_f64, 0.0]).view([1, 2]);
        let zeros = Tensor::zeros([1, 2], (Kind::Double, tch::Device::Cpu));
        for old in [logp.detach(), zeros.shallow_clone()] {
            let s = surrogate(
                &logp,
                &old,
                &zeros.ones_like(),
                Some(&zeros),
                &mask,
                Bounds { beta: 0.1, ..CLIP },
            );
            let loss = (s.loss * &mask).sum(Kind::Double);
            assert!(loss.double_value(&[]).is_finite());
            let gradient = Tensor::run_backward(&[loss], &[&logp], true, false);
            assert!(gradient[0].double_value(&[0, 0]) != 0.0);
            assert_eq!(gradient[0].double_value(&[0, 1]), 0.0);
        }
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

    /// The gradient of the summed loss at the given log-ratios (old log-probabilities 0).
    fn loss_and_gradient(
        log_ratios: &[f64],
        advantages: &[f64],
        shape: [i64; 2],
        bounds: Bounds,
    ) -> (Tensor, Tensor) {
        let logp = Tensor::from_slice(log_ratios)
            .view(shape)
            .set_requires_grad(true);
        let advantage = Tensor::from_slice(advantages).view(shape);
        let old = logp.zeros_like();
        let s = surrogate(
            &logp,
            &old.detach(),
            &advantage,
            None,
            &logp.ones_like().detach(),
            bounds,
        );
        let g = Tensor::run_backward(&[s.loss.sum(Kind::Double)], &[&logp], false, false);
        (s.loss.detach(), g[0].shallow_clone())
    }

    #[test]
    fn leave_one_out_compares_with_the_mean_of_the_others() {
        let rewards = [1.0, 0.0, 0.0, 0.5];
        let found = advantages(&rewards, 4, ScaleRewards::None, RewardBaseline::LeaveOneOut);
        for (i, f) in found.iter().enumerate() {
            let others = (rewards.iter().sum::<f64>() - rewards[i]) / 3.0;
            assert!((f - (rewards[i] - others)).abs() < 1e-12);
        }
    }

    #[test]
    fn a_sequence_ratio_is_the_mean_of_the_log_ratios_for_every_token() {
        // Log-ratios 0.1 and 0.3: s = exp(0.2) = 1.2214 for both tokens; A = 1, bound 1.28.
        let bounds = Bounds {
            level: ImportanceLevel::Sequence,
            ..CLIP
        };
        let (loss, gradient) = loss_and_gradient(&[0.1, 0.3], &[1.0, 1.0], [1, 2], bounds);
        let s = 0.2_f64.exp();
        close(&loss, &[-s, -s]);
        // Two tokens each pull s by half through every token: -s x (1/2 + 1/2).
        close(&gradient, &[-s, -s]);
        // Beyond the bound nothing pulls any more.
        let (loss, gradient) = loss_and_gradient(&[0.1, 0.7], &[1.0, 1.0], [1, 2], bounds);
        close(&loss, &[-1.28, -1.28]);
        close(&gradient, &[0.0, 0.0]);
    }

    #[test]
    fn cispo_keeps_the_gradient_of_every_token_at_a_capped_weight() {
        let bounds = Bounds {
            policy_loss: PolicyLoss::Cispo,
            ..CLIP
        };
        let ratios = [1.1_f64, 2.0, 0.5];
        let (_, gradient) =
            loss_and_gradient(&ratios.map(f64::ln), &[1.0, 1.0, -1.0], [3, 1], bounds);
        close(&gradient, &[-1.1, -1.28, 0.5]);
    }

    #[test]
    fn the_two_sided_bound_holds_for_negative_advantages_only() {
        let bounds = Bounds { delta: 3.0, ..CLIP };
        let ratios = [5.0_f64, 5.0, 2.0];
        let (loss, gradient) =
            loss_and_gradient(&ratios.map(f64::ln), &[-1.0, 1.0, -1.0], [3, 1], bounds);
        close(&loss, &[3.0, -1.28, 2.0]);
        close(&gradient, &[0.0, 0.0, 2.0]);
    }

    #[test]
    fn gae_agrees_with_a_hand_computed_case_and_its_two_limits() {
        let values = [0.5_f32, 0.25, 0.75];
        // gamma 0.9, lambda 0.8, reward 1 at the end.
        let d2 = 1.0 - 0.75;
        let d1 = 0.9 * 0.75 - 0.25;
        let d0 = 0.9 * 0.25 - 0.5;
        let expected = [d0 + 0.72 * (d1 + 0.72 * d2), d1 + 0.72 * d2, d2];
        let (a, returns) = gae(&values, 1.0, 0.9, 0.8);
        for i in 0..3 {
            assert!((f64::from(a[i]) - expected[i]).abs() < 1e-6);
            assert!((returns[i] - (a[i] + values[i])).abs() < 1e-6);
        }
        // lambda 1, gamma 1: reward minus value. lambda 0: the one-step error.
        let (a, _) = gae(&values, 1.0, 1.0, 1.0);
        assert_eq!(a, [0.5, 0.75, 0.25]);
        let (a, _) = gae(&values, 1.0, 1.0, 0.0);
        assert_eq!(a, [-0.25, 0.5, 0.25]);
    }

    #[test]
    fn the_reverse_kl_agrees_with_the_sum_over_the_vocabulary() {
        let student = Tensor::from_slice(&[0.0_f32, 1.0, -1.0]).view([1, 1, 3]);
        let teacher = Tensor::from_slice(&[0.5_f32, 0.0, 0.25]).view([1, 1, 3]);
        let p = |l: [f64; 3]| {
            let total: f64 = l.iter().map(|x| x.exp()).sum();
            l.map(|x| x.exp() / total)
        };
        let (s, t) = (p([0.0, 1.0, -1.0]), p([0.5, 0.0, 0.25]));
        let expected: f64 = s.iter().zip(t).map(|(s, t)| s * (s / t).ln()).sum();
        close(&reverse_kl(&student, &teacher), &[expected]);
        close(&reverse_kl(&student, &student), &[0.0]);
    }
}
