//! Parameters of the kinds of stage. GRPO's carry TRL's names.

use super::reader::{Field, Reader, choice, params};
use super::search::Credit;
use super::stage::Role;

choice! {
    /// How the learning rate moves over the stage's budget.
    pub enum LrSchedule {
        Constant = "constant",
        /// Half a cosine down to a tenth.
        Cosine = "cosine",
    }
}

choice! {
    /// How token losses become one number (REINFORCE-style aggregation).
    pub enum LossType {
        /// Mean over a completion's tokens, then over completions (DeepSeekMath, eq. 3).
        Grpo = "grpo",
        /// Mean over all tokens of the whole batch of the step (DAPO, eq. 8).
        Dapo = "dapo",
        /// Mean over all tokens of `bnpo_batch` completions, averaged over those batches.
        Bnpo = "bnpo",
        /// Sum over tokens divided by (completions x max_completion_length) (Dr. GRPO).
        DrGrpo = "dr_grpo",
    }
}

choice! {
    /// What a group's centred rewards are divided by.
    pub enum ScaleRewards {
        /// The group's standard deviation (n - 1) + 1e-4; a group without spread gets exactly 0.
        Group = "group",
        /// The standard deviation over the whole batch + 1e-4.
        Batch = "batch",
        /// Nothing: mean-only advantages.
        None = "none",
    }
}

params! {
    /// AdamW and its schedule.
    pub struct OptimParams {
        pub learning_rate: f64 = 3e-4, in 0.0..=1.0;
        pub lr_schedule: LrSchedule = LrSchedule::Constant;
        /// Steps of linear warm-up.
        pub warmup_steps: u32 = 5, in 0.0..=1e6;
        pub beta1: f64 = 0.9, in 0.0..=0.9999;
        pub beta2: f64 = 0.95, in 0.0..=0.99999;
        pub adam_eps: f64 = 1e-8, in 1e-12..=1e-2;
        pub weight_decay: f64 = 0.0, in 0.0..=10.0;
        /// Global gradient norm above which the gradient is scaled down.
        pub max_grad_norm: f64 = 1.0, in 1e-6..=1e6;
    }
}

/// One part of pretraining: so many steps with a given share of long chains.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    pub steps: u32,
    /// Share of examples that spell out their steps; the rest answer at once.
    pub p_cot: f64,
}

impl Field for Phase {
    fn read(value: &serde_json::Value) -> Result<Self, String> {
        let phase: Self = serde_json::from_value(value.clone())
            .map_err(|e| format!("expected {{steps, p_cot}}: {e}"))?;
        if phase.steps == 0 || phase.steps > 10_000_000 {
            return Err("steps must be between 1 and 10000000".into());
        }
        if !(0.0..=1.0).contains(&phase.p_cot) {
            return Err(format!("p_cot must be between 0 and 1, is {}", phase.p_cot));
        }
        Ok(phase)
    }
}

params! {
    /// Next-token training from random weights on the task's own text.
    pub struct PretrainParams {
        pub batch_size: u32 = 128, in 1.0..=65536.0;
        /// Run one after another; the schedule of the learning rate spans them all.
        pub phases: Vec<Phase> = vec![Phase { steps: 900, p_cot: 0.85 }, Phase { steps: 350, p_cot: 0.15 }];
        /// Chance, after each step of a long chain, of a harmless re-check.
        pub p_recheck: f64 = 0.06, in 0.0..=1.0;
        /// Steps between resumable checkpoints.
        pub checkpoint_steps: u32 = 100, in 1.0..=1e6;
    }
}

impl PretrainParams {
    pub fn total_steps(&self) -> u32 {
        self.phases.iter().map(|phase| phase.steps).sum()
    }

    pub fn check(&self, reader: &Reader<'_>) {
        if self.phases.is_empty() {
            reader.report("phases", "needs at least one phase {steps, p_cot}");
        }
    }
}

params! {
    /// Supervised fine-tuning on clean long chains; the loss covers completions only.
    pub struct SftParams {
        pub batch_size: u32 = 64, in 1.0..=65536.0;
        /// Distinct demonstrations, drawn once from the training split and repeated; with a
        /// `data` input, that many of its completions.
        pub demonstrations: u32 = 64, in 1.0..=10_000_000.0;
        /// Stops here even where the budget would allow more.
        pub max_steps: Option<u32> = None, in 1.0..=1e9;
        pub checkpoint_steps: u32 = 100, in 1.0..=1e6;
    }
}

choice! {
    /// A part of the reward.
    pub enum Component {
        /// 1 for the right answer.
        Accuracy = "accuracy",
        /// 1 for a completion that parses as a whole.
        Format = "format",
        /// Share of the chain's digits and keywords, in characters, that are of the prompt's own
        /// vocabulary (of words: DeepSeek-R1, section 2.3.2); a completion without a chain mixes
        /// nothing and has 1.
        Language = "language",
        /// Share of max_completion_length that is used; shorten with a negative weight.
        Length = "length",
        /// Share of the completion's 4-grams that repeat an earlier one; a penalty with a
        /// negative weight.
        Repetition = "repetition",
        /// The step judge's scores, by `credit`.
        Prm = "prm",
        /// The outcome judge's score.
        Orm = "orm",
    }
}

/// One term of the reward.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardTerm {
    pub component: Component,
    #[serde(default = "one")]
    pub weight: f64,
    /// How the scores of the steps add up (prm).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<Credit>,
}

fn one() -> f64 {
    1.0
}

impl RewardTerm {
    pub fn accuracy() -> Self {
        Self {
            component: Component::Accuracy,
            weight: 1.0,
            credit: None,
        }
    }
}

impl Field for RewardTerm {
    fn read(value: &serde_json::Value) -> Result<Self, String> {
        let term: Self = serde_json::from_value(value.clone())
            .map_err(|e| format!("expected {{component, weight}}: {e}"))?;
        if !term.weight.is_finite() || term.weight == 0.0 || term.weight.abs() > 1e3 {
            return Err("weight must be a number other than 0, at most 1000".into());
        }
        match (term.component, term.credit) {
            (Component::Prm, None) => {
                Err("prm needs `credit`: sum, mean, min, last or prod".into())
            }
            (Component::Prm, Some(_)) | (_, None) => Ok(term),
            (_, Some(_)) => Err("`credit` belongs to prm".into()),
        }
    }
}

choice! {
    /// What a reward is compared with.
    pub enum RewardBaseline {
        /// The mean of its group, itself included.
        GroupMean = "group_mean",
        /// The mean of the others of its group (RLOO: Ahmadian et al. 2024, eq. 7).
        LeaveOneOut = "leave_one_out",
    }
}

choice! {
    /// How a ratio that has moved too far stops pulling.
    pub enum PolicyLoss {
        /// -min(r A, clip(r) A) (PPO).
        Clip = "clip",
        /// -stop_gradient(min(r, 1 + epsilon_high)) A log p (MiniMax-M1, eq. 4): every
        /// token keeps its gradient.
        Cispo = "cispo",
    }
}

choice! {
    /// Whether ratios are those of tokens or of whole completions.
    pub enum ImportanceLevel {
        Token = "token",
        /// exp of the mean log-ratio of the completion (GSPO, eq. 7).
        Sequence = "sequence",
    }
}

choice! {
    /// What becomes of a completion that was cut off.
    pub enum Truncated {
        Kept = "kept",
        /// Left out of the loss (DAPO's overlong filter).
        Masked = "masked",
    }
}

params! {
    /// Proximal policy optimisation's critic: a scalar head on the policy's own network.
    pub struct CriticParams {
        /// Weight of the value loss.
        pub value_coef: f64 = 0.5, in 0.0..=100.0;
        pub gamma: f64 = 1.0, in 0.0..=1.0;
        /// Generalised advantage estimation (Schulman et al. 2015).
        pub gae_lambda: f64 = 1.0, in 0.0..=1.0;
        /// Updates in which only the value learns.
        pub value_warmup_steps: u32 = 0, in 0.0..=1e6;
    }
}

params! {
    /// Group-relative policy optimisation (DeepSeekMath, section 4.1) and its variants.
    pub struct GrpoParams {
        pub prompts_per_step: u32 = 16, in 1.0..=65536.0;
        /// Completions per prompt: the group size G.
        pub num_generations: u32 = 16, in 1.0..=4096.0;
        pub max_completion_length: u32 = 40, in 1.0..=131072.0;
        /// The end mark is not sampled before so many tokens.
        pub min_completion_length: u32 = 0, in 0.0..=131072.0;
        pub temperature: f64 = 1.0, in 0.01..=10.0;
        pub top_p: f64 = 1.0, in 0.01..=1.0;
        pub loss_type: LossType = LossType::Dapo;
        /// Completions per averaging batch of `bnpo`; 0 means the whole batch.
        pub bnpo_batch: u32 = 0, in 0.0..=1e7;
        pub scale_rewards: ScaleRewards = ScaleRewards::Group;
        /// The ratio is clipped to [1 - epsilon, 1 + epsilon_high].
        pub epsilon: f64 = 0.2, in 0.0..=1e6;
        pub epsilon_high: f64 = 0.28, in 0.0..=1e6;
        /// Weight of the k3 estimate of KL to the reference; 0 needs no reference.
        pub beta: f64 = 0.0, in 0.0..=1e3;
        /// Steps after which the reference becomes the current policy; 0 means never.
        pub ref_refresh_steps: u32 = 0, in 0.0..=1e9;
        /// Passes over each rollout.
        pub num_iterations: u32 = 1, in 1.0..=64.0;
        /// Optimiser steps per pass.
        pub minibatches: u32 = 1, in 1.0..=1024.0;
        /// What a completion is rewarded for; the reward is the weighted sum.
        pub rewards: Vec<RewardTerm> = vec![RewardTerm::accuracy()];
        /// What a completion's reward is compared with.
        pub reward_baseline: RewardBaseline = RewardBaseline::GroupMean;
        pub policy_loss: PolicyLoss = PolicyLoss::Clip;
        pub importance_sampling_level: ImportanceLevel = ImportanceLevel::Token;
        /// Upper bound of the ratio where the advantage is negative (INTELLECT-2); 0 means none.
        pub delta: f64 = 0.0, in 0.0..=1e6;
        /// Rollouts a step may draw until enough groups have mixed rewards (DAPO, section
        /// 3.2); 1 takes the first as it is.
        pub max_num_gen_batches: u32 = 1, in 1.0..=64.0;
        pub truncated_completions: Truncated = Truncated::Kept;
        /// Tokens before the limit over which the penalty grows (DAPO, eq. 13); 0 means none.
        pub overlong_buffer: u32 = 0, in 0.0..=131072.0;
        /// Largest penalty of a completion that runs into the limit.
        pub overlong_penalty: f64 = 1.0, in 0.0..=100.0;
        /// Cap of the weight that corrects for the sampler's own log-probabilities
        /// (truncated importance sampling); 0 means none.
        pub importance_sampling_cap: f64 = 0.0, in 0.0..=1e6;
        pub max_steps: Option<u32> = None, in 1.0..=1e9;
        pub checkpoint_steps: u32 = 20, in 1.0..=1e6;
        /// Steps between stored samples of completions.
        pub sample_steps: u32 = 5, in 1.0..=1e6;
    }
}

impl GrpoParams {
    /// The judges that the rewards ask.
    pub fn judges(&self) -> Vec<Role> {
        let asks = |wanted| self.rewards.iter().any(|r| r.component == wanted);
        [(Component::Prm, Role::Prm), (Component::Orm, Role::Orm)]
            .into_iter()
            .filter(|(component, _)| asks(*component))
            .map(|(_, role)| role)
            .collect()
    }

    /// Advantages within a group need two completions.
    pub fn check_groups(&self, reader: &Reader<'_>) {
        if self.num_generations < 2 {
            reader.report(
                "num_generations",
                "must be at least 2: a group is compared with itself",
            );
        }
    }

    pub fn completions(&self) -> u32 {
        self.prompts_per_step * self.num_generations
    }

    pub fn check(&self, reader: &Reader<'_>) {
        if self.min_completion_length > self.max_completion_length {
            reader.report(
                "min_completion_length",
                "must not be above max_completion_length",
            );
        }
        if self.minibatches > self.completions() {
            reader.report(
                "minibatches",
                format!("more than the {} completions of a step", self.completions()),
            );
        }
        if self.ref_refresh_steps > 0 && self.beta == 0.0 {
            reader.report("ref_refresh_steps", "has no effect while beta is 0");
        }
        if self.rewards.is_empty() {
            reader.report("rewards", "needs at least one component");
        }
        if self.overlong_buffer > self.max_completion_length {
            reader.report("overlong_buffer", "must not be above max_completion_length");
        }
        if self.policy_loss == PolicyLoss::Cispo
            && self.importance_sampling_level == ImportanceLevel::Sequence
        {
            reader.report("importance_sampling_level", "cispo weighs tokens");
        }
        if self.bnpo_batch > 0 && self.loss_type != LossType::Bnpo {
            reader.report("bnpo_batch", "belongs to loss_type bnpo");
        }
    }
}

params! {
    /// The final evaluation of a run: so many problems, so many samples each.
    pub struct EvalParams {
        pub problems: u32 = 512, in 1.0..=1_000_000.0;
        /// Samples a problem; pass@k is reported for k up to this number.
        pub samples: u32 = 8, in 1.0..=4096.0;
        pub max_completion_length: u32 = 40, in 1.0..=131072.0;
        pub temperature: f64 = 1.0, in 0.01..=10.0;
        pub top_p: f64 = 1.0, in 0.01..=1.0;
    }
}
