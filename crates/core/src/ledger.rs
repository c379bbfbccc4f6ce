//! What compute was used, and for what. One reference formula for FLOPs, from
//! processed tokens: unchanged by caching, prompt sharing or padding.

use crate::spec::ModelSpec;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

/// What a piece of compute was for. New purposes need no migration.
pub mod purpose {
    /// Generating completions, prompts included.
    pub const ROLLOUT: &str = "rollout";
    /// Forward and backward passes that change the weights.
    pub const UPDATE: &str = "update";
    /// Forward passes of the frozen reference.
    pub const REFERENCE: &str = "reference";
    /// Samples of a teacher, and its scores of a student's.
    pub const TEACHER: &str = "teacher";
    /// Solutions to be labelled, and the rollouts that label their steps.
    pub const LABELS: &str = "labels";
    /// Training a judge or a value model.
    pub const JUDGE_TRAINING: &str = "judge_training";
    /// Scores of a judge, in training or in search.
    pub const JUDGE: &str = "judge";
    /// Search: expansions, rollouts and values of a tree; samples of a decoder.
    pub const SEARCH: &str = "search";
    /// A rollout that was sampled, then not used.
    pub const DISCARDED: &str = "discarded";
    /// Measuring; recorded, never charged.
    pub const EVALUATION: &str = "evaluation";
    /// Work that was repeated after an accident; spent, never charged.
    pub const LOST: &str = "lost";

    /// What can be charged, in the order in which tables list it.
    pub const CHARGED: [&str; 9] = [
        ROLLOUT,
        UPDATE,
        REFERENCE,
        LABELS,
        JUDGE_TRAINING,
        JUDGE,
        TEACHER,
        SEARCH,
        DISCARDED,
    ];

    pub fn is_charged(purpose: &str) -> bool {
        !matches!(purpose, EVALUATION | LOST)
    }
}

/// Compute in three currencies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    pub tokens: f64,
    pub flops: f64,
    /// CPU: process CPU time; GPU: exclusive wall time. Milliseconds.
    pub device_ms: f64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.flops += other.flops;
        self.device_ms += other.device_ms;
    }
}

impl std::ops::Sub for Cost {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self {
            tokens: self.tokens - other.tokens,
            flops: self.flops - other.flops,
            device_ms: self.device_ms - other.device_ms,
        }
    }
}

/// FLOPs of one forward pass over a sequence of `length` tokens: two for each
/// matmul weight and token, and 4 x layers x (heads x head_dim) for each pair of
/// a token and a position it attends to, itself included.
pub fn forward_flops(model: &ModelSpec, vocab: u32, length: u64) -> f64 {
    let products = 2.0 * model.matmul_parameters(vocab) as f64 * length as f64;
    let pairs = length as f64 * (length as f64 + 1.0) / 2.0;
    let width = f64::from(model.heads * model.head_dim());
    products + 4.0 * f64::from(model.layers) * width * pairs
}

/// Forward and backward: three forwards (Kaplan et al. 2020, section 2.1).
pub fn training_flops(model: &ModelSpec, vocab: u32, length: u64) -> f64 {
    3.0 * forward_flops(model, vocab, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_matches_a_count_by_hand() {
        // d 4, 2 heads of 2, 1 kv head, ff 8, vocab 5, one layer.
        let model = ModelSpec {
            layers: 1,
            d_model: 8,
            heads: 2,
            kv_heads: 1,
            d_ff: 8,
            ..Default::default()
        };
        // q 64 + o 64 + k 32 + v 32 + gate, up, down 192 = 384; head 40.
        assert_eq!(model.matmul_parameters(5), 424);
        // three tokens: 2*424*3 + 4*1*8*(1+2+3)
        assert_eq!(forward_flops(&model, 5, 3), 2544.0 + 192.0);
        assert_eq!(training_flops(&model, 5, 3), 3.0 * 2736.0);
        // + embedding 40, two norms and the final one 24.
        assert_eq!(model.parameters(5), 424 + 40 + 24);
    }
}
