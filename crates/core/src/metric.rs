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

/// Whether more of a final figure is better, so that the arm with the most looks best. A long
/// completion is neither good nor bad.
pub fn gains_by_rising(name: &str) -> bool {
    [PASS_AT_1, MAJ_AT_K].contains(&name)
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

/// What can be seen in texts, under `train/` and `validation/` (metric names without prefix).
pub const LONG_SHARE: &str = "long_share";
pub const ACCURACY_LONG: &str = "accuracy_given_long";
pub const ACCURACY_SHORT: &str = "accuracy_given_short";
pub const STEP_ACCURACY: &str = "step_accuracy";
pub const LANGUAGE_CONSISTENCY: &str = "language_consistency";
pub const REFLECTION_RATE: &str = "reflection_rate";
pub const ACCURACY_REFLECTING: &str = "accuracy_given_reflection";
pub const ACCURACY_NOT_REFLECTING: &str = "accuracy_without_reflection";

/// Judges and values, against the exact verifier.
pub const JUDGE_LOSS: &str = "judge/loss";
pub const JUDGE_AUC: &str = "judge/holdout_auc";
pub const JUDGE_WRONG_STEPS: &str = "judge/holdout_wrong_steps";
pub const JUDGE_AUC_POLICY: &str = "judge/policy_auc";
pub const JUDGE_WRONG_STEPS_POLICY: &str = "judge/policy_wrong_steps";
pub const JUDGE_MEAN: &str = "judge/score_mean";
pub const LABEL_FALSE_POSITIVE: &str = "labels/false_positive_rate";
pub const LABEL_FALSE_NEGATIVE: &str = "labels/false_negative_rate";
pub const LABELLED_STEPS: &str = "labels/steps";
pub const KEPT_SHARE: &str = "data/kept_share";
pub const DATA_ACCURACY: &str = "data/accuracy";
pub const VALUE_LOSS: &str = "value/loss";
pub const VALUE_CALIBRATION: &str = "value/calibration_error";
pub const VALUE_AUC: &str = "value/auc";
/// Nodes from which the answer cannot be reached, in the pairs behind the AUC.
pub const VALUE_WRONG_NODES: &str = "value/wrong_nodes";

/// Trees.
pub const SEARCH_SOLVED: &str = "search/solved_share";
pub const SEARCH_GOLD_MISS: &str = "search/gold_child_miss_rate";
pub const SEARCH_STATES: &str = "search/distinct_states";
pub const SEARCH_DEPTH: &str = "search/depth";
pub const SEARCH_TOKENS: &str = "search/tokens_per_problem";

/// Sampling that DAPO's filter has thrown away, as a share of what was drawn.
pub const DISCARDED_SHARE: &str = "train/discarded_share";

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
