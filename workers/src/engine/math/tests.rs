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
    let (_, gradient) = loss_and_gradient(&ratios.map(f64::ln), &[1.0, 1.0, -1.0], [3, 1], bounds);
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
