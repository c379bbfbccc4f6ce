//! AdamW over one flat tensor, with state that can be saved.
//! (Loshchilov and Hutter 2019, algorithm 2; decay only on matrices.)

use assay_core::spec::training::{LrSchedule, OptimParams};
use tch::Tensor;

#[derive(Debug)]
pub struct AdamW {
    params: OptimParams,
    /// First and second moments, flat, like the weights.
    pub exp_avg: Tensor,
    pub exp_avg_sq: Tensor,
    /// Updates made: the bias correction's exponent.
    pub updates: u64,
    /// The first so many weights are matrices.
    decayed: i64,
}

impl AdamW {
    pub fn new(params: &OptimParams, weights: &Tensor, decayed: i64) -> Self {
        Self {
            params: params.clone(),
            exp_avg: weights.zeros_like(),
            exp_avg_sq: weights.zeros_like(),
            updates: 0,
            decayed,
        }
    }

    /// Learning rate of the next update; `progress` in 0..=1 drives the schedule.
    pub fn learning_rate(&self, progress: f64) -> f64 {
        let p = &self.params;
        let warm = (self.updates as f64 + 1.0) / f64::from(p.warmup_steps.max(1));
        let scheduled = match p.lr_schedule {
            LrSchedule::Constant => 1.0,
            LrSchedule::Cosine => {
                0.1 + 0.9 * 0.5 * (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos())
            }
        };
        p.learning_rate * warm.min(1.0) * scheduled
    }

    /// Clips the gradient to the allowed norm, then updates the weights in place.
    /// Returns the norm before clipping. A norm that is not finite changes nothing.
    pub fn step(&mut self, weights: &mut Tensor, gradient: &Tensor, learning_rate: f64) -> f64 {
        let p = &self.params;
        let norm = gradient.norm().double_value(&[]);
        if !norm.is_finite() {
            return norm;
        }
        self.updates += 1;
        let gradient = if norm > p.max_grad_norm {
            gradient * (p.max_grad_norm / (norm + 1e-6))
        } else {
            gradient.shallow_clone()
        };
        let (c1, c2) = (
            1.0 - p.beta1.powf(self.updates as f64),
            1.0 - p.beta2.powf(self.updates as f64),
        );
        tch::no_grad(|| {
            if p.weight_decay > 0.0 {
                let _ = weights
                    .narrow(0, 0, self.decayed)
                    .g_mul_scalar_(1.0 - learning_rate * p.weight_decay);
            }
            let _ = self.exp_avg.lerp_(&gradient, 1.0 - p.beta1);
            let _ = self
                .exp_avg_sq
                .g_mul_scalar_(p.beta2)
                .addcmul_(&gradient, &gradient);
            // addcmul_ has no scale in these bindings: exp_avg_sq holds v / (1 - beta2).
            let scale = (1.0 - p.beta2) / c2;
            let denominator = (&self.exp_avg_sq * scale).sqrt() + p.adam_eps;
            let update = &self.exp_avg / denominator * (learning_rate / c1);
            let _ = weights.g_sub_(&update);
        });
        norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_steps_agree_with_the_algorithm_by_hand() {
        let params = OptimParams {
            learning_rate: 0.1,
            warmup_steps: 0,
            weight_decay: 0.01,
            max_grad_norm: 1e9,
            ..Default::default()
        };
        let mut weights = Tensor::from_slice(&[1.0_f64, -2.0]);
        let mut adam = AdamW::new(&params, &weights, 1);
        let (mut w, mut m, mut v) = ([1.0_f64, -2.0], [0.0_f64; 2], [0.0_f64; 2]);
        for t in 1..=3 {
            let g = [0.3 * f64::from(t), -0.7];
            let lr = adam.learning_rate(0.0);
            adam.step(&mut weights, &Tensor::from_slice(&g), lr);
            w[0] *= 1.0 - 0.1 * 0.01;
            for i in 0..2 {
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                v[i] = 0.95 * v[i] + 0.05 * g[i] * g[i];
                w[i] -= 0.1 * (m[i] / (1.0 - 0.9_f64.powi(t)))
                    / ((v[i] / (1.0 - 0.95_f64.powi(t))).sqrt() + 1e-8);
            }
        }
        let found: Vec<f64> = Vec::try_from(&weights).unwrap();
        assert!(
            found.iter().zip(w).all(|(f, e)| (f - e).abs() < 1e-9),
            "{found:?} is not {w:?}"
        );
    }

    #[test]
    fn a_gradient_over_the_limit_is_scaled_and_a_broken_one_refused() {
        let params = OptimParams {
            max_grad_norm: 1.0,
            ..Default::default()
        };
        let mut weights = Tensor::from_slice(&[0.0_f64, 0.0]);
        let mut adam = AdamW::new(&params, &weights, 2);
        assert_eq!(
            adam.step(&mut weights, &Tensor::from_slice(&[3.0_f64, 4.0]), 0.1),
            5.0
        );
        let m: Vec<f64> = Vec::try_from(&adam.exp_avg).unwrap();
        assert!((m[0] - 0.06).abs() < 1e-6 && (m[1] - 0.08).abs() < 1e-6);
        let before: Vec<f64> = Vec::try_from(&weights).unwrap();
        assert!(
            adam.step(&mut weights, &Tensor::from_slice(&[f64::NAN, 0.0]), 0.1)
                .is_nan()
        );
        assert_eq!(Vec::<f64>::try_from(&weights).unwrap(), before);
    }

    #[test]
    fn warm_up_and_cosine_shape_the_rate() {
        let params = OptimParams {
            learning_rate: 1.0,
            warmup_steps: 4,
            lr_schedule: LrSchedule::Cosine,
            ..Default::default()
        };
        let mut adam = AdamW::new(&params, &Tensor::from_slice(&[0.0]), 1);
        assert_eq!(adam.learning_rate(0.0), 0.25);
        adam.updates = 10;
        assert!(
            (adam.learning_rate(0.5) - 0.55).abs() < 1e-12
                && (adam.learning_rate(1.0) - 0.1).abs() < 1e-12
        );
    }
}
