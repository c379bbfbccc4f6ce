//! Two vocabularies for the same things. L1 is the usual one; L2 is the minority's.

use super::verdict::parts;
use crate::rng::Stream;

/// Characters of the steps of a chain, by vocabulary: digits, and keywords where
/// a task has them. Names and separators belong to both and are not counted. Of free
/// text, its letters by script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    /// In the prompt's own vocabulary or script.
    pub target: u32,
    pub other: u32,
}

/// The same characters in L1 and L2, in the same order. All are ASCII.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) first: &'static str,
    pub(super) second: &'static str,
}

impl Pair {
    pub(super) fn to_second(self, text: &str) -> String {
        exchange(text, self.first, self.second)
    }

    pub(super) fn to_first(self, text: &str) -> String {
        exchange(text, self.second, self.first)
    }

    /// The vocabulary that is not the prompt's.
    pub(super) fn foreign(self, prompt_in_second: bool) -> &'static str {
        match prompt_in_second {
            true => self.first,
            false => self.second,
        }
    }

    pub(super) fn count(self, completion: &str, prompt_in_second: bool) -> Language {
        let body = parts(completion).0;
        let count = |set: &str| body.chars().filter(|c| set.contains(*c)).count() as u32;
        let other = self.foreign(prompt_in_second);
        let own = self.foreign(!prompt_in_second);
        Language {
            target: count(own),
            other: count(other),
        }
    }
}

fn exchange(text: &str, from: &str, to: &str) -> String {
    text.chars()
        .map(|c| {
            let at = from.find(c);
            at.and_then(|at| to[at..].chars().next()).unwrap_or(c)
        })
        .collect()
}

/// In which vocabulary a chain is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    First,
    Second,
    /// Each step, and the answer, in one drawn for it.
    Mixed,
}

impl Voice {
    pub(super) fn of_prompt(in_second: bool) -> Self {
        match in_second {
            true => Self::Second,
            false => Self::First,
        }
    }

    /// For an L2 prompt: L1 with probability `l1`, mixed with `mixed`, else its own.
    pub(super) fn draw(in_second: bool, l1: f64, mixed: f64, stream: &mut Stream) -> Self {
        if !in_second {
            return Self::First;
        }
        let u = stream.next_f64();
        if u < l1 {
            Self::First
        } else if u < l1 + mixed {
            Self::Mixed
        } else {
            Self::Second
        }
    }

    /// `text` is given in L1.
    pub(super) fn say(self, text: &str, pair: Pair, stream: &mut Stream) -> String {
        let second = match self {
            Self::First => false,
            Self::Second => true,
            Self::Mixed => stream.below(2) == 1,
        };
        match second {
            true => pair.to_second(text),
            false => text.to_string(),
        }
    }
}

/// What an absent field of a stored spec means, for good: such specs are older
/// than the option, so it was off.
pub(super) mod absent {
    pub(in crate::task) fn off() -> f64 {
        0.0
    }
    pub(in crate::task) fn is_off(value: &f64) -> bool {
        *value == 0.0
    }
    pub(in crate::task) fn l1_share() -> f64 {
        0.4
    }
    pub(in crate::task) fn is_l1_share(value: &f64) -> bool {
        *value == 0.4
    }
    pub(in crate::task) fn mixed_share() -> f64 {
        0.2
    }
    pub(in crate::task) fn is_mixed_share(value: &f64) -> bool {
        *value == 0.2
    }
    pub(in crate::task) fn rl_share() -> f64 {
        0.5
    }
    pub(in crate::task) fn is_rl_share(value: &f64) -> bool {
        *value == 0.5
    }
}
