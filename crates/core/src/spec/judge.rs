//! Parameters of the judges: labelling steps, training a step judge (`prm`) and an
//! outcome judge (`orm`).

use super::reader::{Reader, choice, params};

choice! {
    /// Where the label of a step comes from.
    pub enum StepLabels {
        /// The task's own step verifier: free, exact, and available nowhere but here.
        Oracle = "oracle",
        /// 1 if any of K rollouts from the step reaches the answer (Math-Shepherd, eq. 3).
        McHard = "mc_hard",
        /// The share of K rollouts that do (Math-Shepherd, eq. 4).
        McSoft = "mc_soft",
    }
}

choice! {
    /// Whether the piece with the answer is a step like the others.
    pub enum AnswerStep {
        Scored = "scored",
        Ignored = "ignored",
    }
}

choice! {
    /// Which steps the loss of a step judge covers.
    pub enum StepMask {
        All = "all",
        /// Up to the first wrong step: what follows an error has no clear label
        /// (Lightman et al. 2023, section 2.6).
        FirstError = "first_error",
    }
}

params! {
    /// Samples solutions of training problems and labels each of their steps.
    pub struct PrmLabelParams {
        /// Problems; fewer where the budget ends first.
        pub prompts: u32 = 64, in 1.0..=10_000_000.0;
        /// Solutions a problem.
        pub num_generations: u32 = 4, in 1.0..=4096.0;
        pub max_completion_length: u32 = 40, in 1.0..=131072.0;
        pub temperature: f64 = 1.0, in 0.01..=10.0;
        pub top_p: f64 = 1.0, in 0.01..=1.0;
        pub labels: StepLabels = StepLabels::McHard;
        /// Rollouts a step: K. Not used with oracle labels.
        pub rollouts: u32 = 4, in 1.0..=4096.0;
        /// Share of labels that are turned round, for studies of noise.
        pub flip: f64 = 0.0, in 0.0..=0.5;
        pub answer_step: AnswerStep = AnswerStep::Scored;
    }
}

params! {
    /// A step judge: the policy's network with a scalar head, binary cross-entropy at
    /// the end of every step (Lightman et al. 2023, section 2.6).
    pub struct PrmTrainParams {
        /// Solutions a step of the optimiser.
        pub batch_size: u32 = 32, in 1.0..=65536.0;
        pub mask: StepMask = StepMask::All;
        /// Share of the problems that are kept out of training, to measure the judge on.
        pub holdout: f64 = 0.1, in 0.0..=0.9;
        /// Passes over the data; fewer where the budget ends first.
        pub epochs: u32 = 4, in 1.0..=1e6;
        pub checkpoint_steps: u32 = 100, in 1.0..=1e6;
    }
}

params! {
    /// An outcome judge: the same network and head, one label a solution at its last
    /// token (Cobbe et al. 2021, section 4.2).
    pub struct OrmTrainParams {
        pub batch_size: u32 = 32, in 1.0..=65536.0;
        pub holdout: f64 = 0.1, in 0.0..=0.9;
        pub epochs: u32 = 4, in 1.0..=1e6;
        pub checkpoint_steps: u32 = 100, in 1.0..=1e6;
    }
}

impl PrmLabelParams {
    pub fn check(&self, reader: &Reader<'_>) {
        if self.flip > 0.0 && self.labels == StepLabels::McSoft {
            reader.report(
                "flip",
                "turns hard labels round; soft ones have no other side",
            );
        }
    }
}
