//! Kinds of problem, each with its generator and its exact verifier of outcome
//! and of steps.

pub mod modchain;

use crate::rng::{Stream, Uniform};
use crate::spec::reader::choice;
use modchain::Modchain;
use serde::{Deserialize, Serialize};

/// Bumped whenever a generator would give other problems for the same seed.
pub const GENERATOR_VERSION: u32 = 1;

choice! {
    /// Where a problem may be used. Decided by the problem's own hash, so that no
    /// seed can move a problem from one split into another.
    pub enum Split {
        Train = "train",
        Validation = "validation",
        Test = "test",
        /// Out of distribution: longer chains, never trained on.
        Ood = "ood",
    }
}

/// A kind of problem and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum TaskSpec {
    Modchain(Modchain),
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub prompt: String,
    /// The right answer, as it must stand after the answer mark.
    pub gold: String,
    /// Number of operations.
    pub difficulty: u32,
}

impl Problem {
    /// Stable across machines and versions: the problem's name in the records.
    pub fn key(&self) -> u64 {
        crate::rng::derive_seed(&["problem", &self.prompt])
    }

    fn bucket(&self) -> u64 {
        self.key() % 100
    }

    /// 80 % train, 10 % validation, 10 % test.
    pub fn split(&self) -> Split {
        match self.bucket() {
            0..80 => Split::Train,
            80..90 => Split::Validation,
            _ => Split::Test,
        }
    }
}

/// Judgement of one step of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepVerdict {
    Right,
    /// A true equation that re-states the running value and gets no further.
    Recheck,
    WrongResult,
    /// The step works on another number or operation than the problem has there.
    WrongCopy,
    Malformed,
}

/// Judgement of one completion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer is the right one and the completion ended by itself.
    pub correct: bool,
    /// The whole completion parses: steps, answer mark, answer, end.
    pub well_formed: bool,
    /// What stands after the answer mark, if it parses. Truncated completions cast no vote.
    pub answer: Option<String>,
    pub steps: Vec<StepVerdict>,
}

impl TaskSpec {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Modchain(_) => "modchain",
        }
    }

    /// Every character that prompts and completions are made of, in token order.
    pub fn alphabet(&self) -> &'static str {
        match self {
            Self::Modchain(_) => modchain::ALPHABET,
        }
    }

    /// Characters plus padding, beginning and end of text.
    pub fn vocab(&self) -> u32 {
        self.alphabet().chars().count() as u32 + 3
    }

    /// The longest prompt of any split, in tokens, with the beginning mark.
    pub fn max_prompt_tokens(&self) -> u32 {
        match self {
            Self::Modchain(task) => 1 + 2 * (task.ood_max_ops.max(task.pretrain_max_ops) + 1),
        }
    }

    /// Draws problems until one belongs to the split.
    pub fn problem(&self, split: Split, stream: &mut Stream) -> Problem {
        match self {
            Self::Modchain(task) => task.problem(split, stream),
        }
    }

    /// A pretraining problem: its own range of lengths, training buckets only.
    pub fn pretraining_problem(&self, stream: &mut Stream) -> Problem {
        match self {
            Self::Modchain(task) => task.pretraining_problem(stream),
        }
    }

    /// The first `n` distinct problems of a split: the same in every run of every experiment.
    pub fn fixed_problems(&self, split: Split, n: u32) -> Vec<Problem> {
        let mut stream = Uniform::new(0, "fixed-problems").stream(split as u32, 0);
        let mut seen = std::collections::HashSet::new();
        let mut problems = Vec::with_capacity(n as usize);
        // Small settings may have fewer problems than asked for; give up after many repeats.
        let mut repeats = 0;
        while problems.len() < n as usize && repeats < 10_000 {
            let problem = self.problem(split, &mut stream);
            if seen.insert(problem.prompt.clone()) {
                problems.push(problem);
                repeats = 0;
            } else {
                repeats += 1;
            }
        }
        problems
    }

    /// The long form: every step, then the answer. `p_recheck` inserts harmless re-checks.
    pub fn long_chain(&self, problem: &Problem, p_recheck: f64, stream: &mut Stream) -> String {
        match self {
            Self::Modchain(task) => task.long_chain(problem, p_recheck, stream),
        }
    }

    /// The short form: the answer at once.
    pub fn short_answer(&self, problem: &Problem) -> String {
        match self {
            Self::Modchain(_) => modchain::short_answer(problem),
        }
    }

    /// `ended` says that the completion closed with the end mark rather than being cut off.
    pub fn verify(&self, problem: &Problem, completion: &str, ended: bool) -> Verdict {
        match self {
            Self::Modchain(task) => task.verify(problem, completion, ended),
        }
    }
}
