//! Names of metrics, slash-separated; docs/metrics.md explains each.

pub const PASS_AT_1: &str = "eval/pass_at_1";
pub const MAJ_AT_K: &str = "eval/maj_at_k";
pub const LENGTH: &str = "eval/completion_length";
pub const TRUNCATED: &str = "eval/truncated_share";

/// What an experiment may register as its primary metric: figures of the final test evaluation.
pub const FINAL: [&str; 4] = [PASS_AT_1, MAJ_AT_K, LENGTH, TRUNCATED];

/// Whether a gain in a final figure is a smaller value.
pub fn gains_by_falling(name: &str) -> bool {
    name == TRUNCATED
}

/// Per-step metrics of training stages.
pub const LOSS: &str = "train/loss";
pub const LEARNING_RATE: &str = "train/learning_rate";
pub const GRAD_NORM: &str = "train/grad_norm";
pub const REWARD_MEAN: &str = "train/reward_mean";
pub const REWARD_STD: &str = "train/reward_std";
pub const ACCURACY: &str = "train/accuracy";
pub const FORMAT: &str = "train/format_share";
pub const COMPLETION_LENGTH: &str = "train/completion_length";
pub const TRUNCATED_SHARE: &str = "train/truncated_share";
pub const ZERO_STD_GROUPS: &str = "train/frac_reward_zero_std";
pub const ENTROPY: &str = "train/entropy";
pub const KL: &str = "train/kl";
pub const CLIP_LOW: &str = "train/clip_ratio_low";
pub const CLIP_HIGH: &str = "train/clip_ratio_high";
pub const LOGPROB_MISMATCH: &str = "train/sampling_logprob_difference";
pub const TOKENS_PER_SECOND: &str = "perf/tokens_per_second";
pub const ROLLOUT_MS: &str = "perf/rollout_ms";
pub const UPDATE_MS: &str = "perf/update_ms";
/// Measured on the validation split at milestones.
pub const VALIDATION_PASS_AT_1: &str = "validation/pass_at_1";
pub const VALIDATION_LENGTH: &str = "validation/completion_length";

/// The panels of a run's page, in order: metric and title.
pub const PANELS: [(&str, &str); 9] = [
    (VALIDATION_PASS_AT_1, "Held-out pass@1 (validation)"),
    (REWARD_MEAN, "Reward, mean"),
    (COMPLETION_LENGTH, "Completion length, tokens"),
    (TRUNCATED_SHARE, "Truncated share"),
    (ENTROPY, "Entropy, nats per token"),
    (KL, "KL to the reference, nats per token"),
    (LOSS, "Loss"),
    (GRAD_NORM, "Gradient norm"),
    (TOKENS_PER_SECOND, "Tokens per second"),
];
