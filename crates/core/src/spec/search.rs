//! Parameters of search: decoders over a fixed policy, tree search, and training on
//! what the tree finds.

use super::reader::{Reader, choice, params};

choice! {
    /// How a decoder makes one answer of a policy's samples.
    pub enum Method {
        /// The mean of single samples: what pass@1 is.
        OneSample = "one_sample",
        /// The answer that most samples give (Wang et al. 2022).
        Majority = "majority",
        /// Votes weighted by the judge's score.
        WeightedMajority = "weighted_majority",
        /// The sample that the judge scores highest.
        BestOfN = "best_of_n",
        /// Control: the longest sample that ended.
        Longest = "longest",
        /// Control: a random one of the samples that have steps.
        RandomWithSteps = "random_with_steps",
        /// Steps at a time, the best kept (Snell et al. 2024).
        Beam = "beam",
        /// Beam search in independent subtrees (Beeching et al. 2024).
        Dvts = "dvts",
    }
}

impl Method {
    /// Whether it asks a judge.
    pub fn judged(self) -> bool {
        match self {
            Self::WeightedMajority | Self::BestOfN | Self::Beam | Self::Dvts => true,
            Self::OneSample | Self::Majority | Self::Longest | Self::RandomWithSteps => false,
        }
    }
}

choice! {
    /// How the scores of the steps become one score of the solution.
    pub enum Credit {
        Last = "last",
        Min = "min",
        Prod = "prod",
        Mean = "mean",
        Sum = "sum",
    }
}

choice! {
    /// Who judges.
    pub enum Judge {
        Prm = "prm",
        Orm = "orm",
        /// The task's step verifier: the control with a perfect judge.
        Oracle = "oracle",
    }
}

params! {
    /// A decoder: one answer a problem, at the cost of so many samples.
    pub struct SearchParams {
        pub method: Method = Method::Majority;
        pub judge: Judge = Judge::Prm;
        pub credit: Credit = Credit::Min;
        /// Costs at which it answers, in samples of the policy, ascending.
        pub levels: Vec<u32> = vec![1, 4, 16];
        /// Candidate steps that each kept prefix is continued with (beam, dvts).
        pub branching: u32 = 4, in 2.0..=256.0;
        pub problems: u32 = 128, in 1.0..=1_000_000.0;
        pub max_completion_length: u32 = 40, in 1.0..=131072.0;
        pub temperature: f64 = 1.0, in 0.01..=10.0;
        pub top_p: f64 = 1.0, in 0.01..=1.0;
    }
}

choice! {
    /// What a node's value is taken from.
    pub enum ValueSource {
        /// The scalar head of the `value` input, or of the policy itself.
        Head = "head",
        /// One completion from the node, judged by the verifier: training only.
        Rollout = "rollout",
        /// Whether the right answer can still be reached: the control.
        Oracle = "oracle",
    }
}

choice! {
    /// What one edge of the tree is.
    pub enum Granularity {
        Step = "step",
        Token = "token",
    }
}

params! {
    /// Monte-Carlo tree search with PUCT (Silver et al. 2017): argmax of
    /// Q + c_puct x prior x sqrt(sum of visits) / (1 + visits).
    pub struct TreeParams {
        pub c_puct: f64 = 1.0, in 0.0..=100.0;
        /// Continuations sampled at an expansion; equal ones are one child, whose prior is their share.
        pub branching: u32 = 4, in 1.0..=256.0;
        /// Most children a node may ever have: where simulations remain, it is widened up to here.
        pub max_children: u32 = 16, in 1.0..=4096.0;
        pub value: ValueSource = ValueSource::Head;
        pub granularity: Granularity = Granularity::Step;
        pub max_completion_length: u32 = 40, in 1.0..=131072.0;
        pub temperature: f64 = 1.0, in 0.01..=10.0;
    }
}

impl TreeParams {
    pub fn check(&self, reader: &Reader<'_>) {
        if self.max_children < self.branching {
            reader.report(
                "max_children",
                format!("must be at least branching ({})", self.branching),
            );
        }
    }
}

params! {
    /// Tree search as a decoder.
    pub struct MctsParams {
        /// Costs at which it answers, in samples of the policy, ascending.
        pub levels: Vec<u32> = vec![4, 16];
        pub problems: u32 = 128, in 1.0..=1_000_000.0;
    }
}

params! {
    /// Rounds of search on training problems and learning from what it finds: policy
    /// from the solved paths, value from the outcomes below each node.
    pub struct SelfTrainParams {
        /// Problems a round.
        pub prompts: u32 = 64, in 1.0..=1e6;
        /// Simulations a problem and round.
        pub simulations: u32 = 16, in 1.0..=1e6;
        /// Solved paths a problem that the policy learns from.
        pub keep_per_prompt: u32 = 4, in 1.0..=4096.0;
        /// Steps of the optimiser a round.
        pub updates: u32 = 10, in 1.0..=1e6;
        pub batch_size: u32 = 64, in 1.0..=65536.0;
        /// Weight of the value loss beside the policy's.
        pub value_coef: f64 = 0.5, in 0.0..=100.0;
        /// Share of the root's prior that is Dirichlet noise.
        pub root_noise: f64 = 0.25, in 0.0..=1.0;
        /// Concentration of the noise.
        pub root_alpha: f64 = 0.3, in 0.001..=100.0;
        pub max_rounds: Option<u32> = None, in 1.0..=1e6;
    }
}

/// Levels must be there, positive and ascending.
pub(super) fn check_levels(levels: &[u32], reader: &Reader<'_>) {
    let ascending = levels.windows(2).all(|pair| pair[0] < pair[1]);
    if levels.is_empty() || levels[0] == 0 || !ascending || levels.len() > 12 {
        reader.report(
            "levels",
            "must be 1 to 12 ascending numbers of samples above 0",
        );
    }
    if levels.last().is_some_and(|&l| l > 4096) {
        reader.report("levels", "at most 4096 samples");
    }
}
