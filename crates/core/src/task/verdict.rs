//! Judgements of steps and of whole completions, and the walk along a chain that
//! every task shares.

use super::{Kind, Problem};
use crate::spec::reader::choice;
use serde::{Deserialize, Serialize};

/// Closes a step of a chain, in every task.
pub const STEP: char = ';';
/// Stands before the answer, in every task.
pub const ANSWER: char = 'A';

choice! {
    /// Judgement of one step of a chain, given what the chain has claimed before it.
    pub enum StepVerdict {
        /// True, taken from the problem, and on the way to the answer.
        Right = "right",
        /// A true equation that re-states what is known and gets no further.
        Recheck = "recheck",
        /// A mark that takes back the step before it, from where the answer was out of
        /// reach: what follows is judged as if that step had never been made.
        Reflection = "reflection",
        /// True and allowed, but not on the way: a dead end, a detour, a variable
        /// that the query does not need, a mark that takes back what was well.
        Useless = "useless",
        WrongResult = "wrong_result",
        /// The step works on another number or operation than the problem has there.
        WrongCopy = "wrong_copy",
        Malformed = "malformed",
    }
}

impl StepVerdict {
    /// A step of a good solution: right, or harmless care. A useless step is no
    /// fault, yet not right either: a judge of steps must not be taught to pay for it.
    pub fn is_right(self) -> bool {
        match self {
            Self::Right | Self::Recheck | Self::Reflection => true,
            Self::Useless | Self::WrongResult | Self::WrongCopy | Self::Malformed => false,
        }
    }

    /// Something false, not allowed or unreadable stands there.
    pub(super) fn is_fault(self) -> bool {
        match self {
            Self::WrongResult | Self::WrongCopy | Self::Malformed => true,
            Self::Right | Self::Recheck | Self::Reflection | Self::Useless => false,
        }
    }
}

/// Judgement of one completion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The answer is the right one and the completion ended by itself.
    pub correct: bool,
    /// The whole completion parses: steps, answer mark, answer, end.
    pub well_formed: bool,
    /// The value that stands after the answer mark, if it parses. Truncated
    /// completions cast no vote.
    pub answer: Option<String>,
    pub steps: Vec<StepVerdict>,
}

/// Where a chain has got to.
pub(super) struct Walk<S> {
    pub(super) verdicts: Vec<StepVerdict>,
    pub(super) state: S,
    /// No fault among the steps that have not been taken back.
    pub(super) clean: bool,
}

/// What stands before the answer mark, and what after it.
pub(super) fn parts(completion: &str) -> (&str, Option<&str>) {
    match completion.split_once(ANSWER) {
        Some((body, answer)) => (body, Some(answer)),
        None => (completion, None),
    }
}

pub(super) fn pieces(body: &str) -> Vec<&str> {
    let mut pieces: Vec<&str> = body.split(STEP).collect();
    // The text after the last separator is a step only if something stands there.
    if pieces.last() == Some(&"") {
        pieces.pop();
    }
    pieces
}

pub(super) fn is_mark(piece: &str, mark: char) -> bool {
    piece.strip_prefix(mark) == Some("")
}

/// Judges the steps in order. A mark of reflection brings back the state before
/// the step it follows; a second one takes back a second step.
pub(super) fn walk<K: Kind>(task: &K, problem: &Problem, body: &str) -> Walk<K::State> {
    let mut state = task.start(problem);
    let mut clean = true;
    let mut past = vec![];
    let mut verdicts = vec![];
    for piece in pieces(body) {
        let verdict = if task.take_back().is_some_and(|mark| is_mark(piece, mark)) {
            let well = clean && task.promising(&state);
            match past.pop() {
                Some(before) => {
                    (state, clean) = before;
                    match well {
                        true => StepVerdict::Useless,
                        false => StepVerdict::Reflection,
                    }
                }
                None => StepVerdict::Malformed,
            }
        } else {
            past.push((state.clone(), clean));
            task.step(&mut state, piece)
        };
        clean &= !verdict.is_fault();
        verdicts.push(verdict);
    }
    Walk {
        verdicts,
        state,
        clean,
    }
}

pub(super) fn verify<K: Kind>(
    task: &K,
    problem: &Problem,
    completion: &str,
    ended: bool,
) -> Verdict {
    let (body, answer) = parts(completion);
    let steps = walk(task, problem, body).verdicts;
    let answer = answer
        .filter(|_| ended)
        .and_then(|text| task.answer(problem, text));
    Verdict {
        correct: answer.as_deref() == Some(problem.gold.as_str()),
        well_formed: answer.is_some() && !steps.contains(&StepVerdict::Malformed),
        answer,
        steps,
    }
}

pub(super) fn reachable<K: Kind>(task: &K, problem: &Problem, prefix: &str) -> bool {
    let (body, answer) = parts(prefix);
    if let Some(answer) = answer {
        return task.answer(problem, answer).as_deref() == Some(problem.gold.as_str());
    }
    let walk = walk(task, problem, body);
    walk.clean && task.promising(&walk.state)
}
