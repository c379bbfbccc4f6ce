//! Parameters of the kinds of stage that make or use data: rejection sampling and distillation.

use super::reader::{Reader, choice, params};

choice! {
    /// Which samples may be kept.
    pub enum Keep {
        /// Only those that the verifier accepts.
        Correct = "correct",
        /// All of them: data for judges.
        All = "all",
    }
}

choice! {
    /// Which of a problem's acceptable samples come first.
    pub enum Rank {
        /// As sampled.
        Sampled = "sampled",
        Shortest = "shortest",
        Longest = "longest",
    }
}

choice! {
    /// What happens to chains that mix two vocabularies.
    pub enum MixedLanguage {
        Kept = "kept",
        /// Left out, as DeepSeek-R1 does (section 2.3.3).
        Dropped = "dropped",
    }
}

params! {
    /// Samples a policy on training problems and keeps the best completions of each.
    pub struct RejectionSampleParams {
        /// Problems; fewer where the budget ends first.
        pub prompts: u32 = 256, in 1.0..=10_000_000.0;
        pub num_generations: u32 = 8, in 1.0..=4096.0;
        pub max_completion_length: u32 = 40, in 1.0..=131072.0;
        pub temperature: f64 = 1.0, in 0.01..=10.0;
        pub top_p: f64 = 1.0, in 0.01..=1.0;
        pub keep: Keep = Keep::Correct;
        /// Distinct completions kept a problem.
        pub keep_per_prompt: u32 = 1, in 1.0..=4096.0;
        pub rank: Rank = Rank::Sampled;
        pub mixed_language: MixedLanguage = MixedLanguage::Kept;
    }
}

impl RejectionSampleParams {
    pub fn check(&self, reader: &Reader<'_>) {
        if self.keep_per_prompt > self.num_generations {
            reader.report(
                "keep_per_prompt",
                format!("more than num_generations ({})", self.num_generations),
            );
        }
    }
}

choice! {
    /// What the student learns from.
    pub enum DistillMode {
        /// The teacher's correct samples, as text (DeepSeek-R1, section 2.4).
        Sequence = "sequence",
        /// Its own samples, by the reverse KL to the teacher at every token (Gu et al.
        /// 2023; Agarwal et al. 2023 with lambda 1).
        OnPolicy = "on_policy",
    }
}

params! {
    /// A student learns from a teacher of any size with the same vocabulary.
    pub struct DistillParams {
        pub mode: DistillMode = DistillMode::Sequence;
        /// Problems that the teacher answers (sequence).
        pub prompts: u32 = 256, in 1.0..=10_000_000.0;
        /// Samples a problem: of the teacher (sequence), of the student (on_policy).
        pub num_generations: u32 = 4, in 1.0..=4096.0;
        /// Problems a step (on_policy).
        pub prompts_per_step: u32 = 16, in 1.0..=65536.0;
        pub batch_size: u32 = 64, in 1.0..=65536.0;
        pub max_completion_length: u32 = 40, in 1.0..=131072.0;
        pub temperature: f64 = 1.0, in 0.01..=10.0;
        pub top_p: f64 = 1.0, in 0.01..=1.0;
        pub max_steps: Option<u32> = None, in 1.0..=1e9;
        pub checkpoint_steps: u32 = 100, in 1.0..=1e6;
    }
}
