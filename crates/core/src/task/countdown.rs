//! `countdown`: reach the target, using **every number exactly once**.
//! Prompt `3,6,7:24=`; long form `7-3=4;6*4=24;A6*(7-3)`, or with a dead end that is
//! taken back `7+3=10;B;7-3=4;6*4=24;A6*(7-3)`: each step takes two of the numbers
//! that are left and puts their result in their place; `B` takes back the step
//! before it. The answer is an expression, graded by its value: any way to the
//! target is right. Short form: the expression at once, `A6*(7-3)`.
//!
//! Results of steps are natural numbers: no negative ones, division only without rest.
//! The answer's expression may be any arithmetic, fractions included.
//! Defaults: 3-4 numbers up to 15, out of distribution 5; prompts take at most 19
//! tokens, chains at most 79.

use super::expression::{evaluate, natural};
use super::{ANSWER, Kind, Problem, Range, STEP, StepVerdict, check_ranges};
use crate::rng::{Stream, Uniform};
use crate::spec::reader::{Reader, params};

#[cfg(test)]
mod tests;

/// Takes back the step before it.
const BACK: char = 'B';
/// The generator writes no result above this, so that chains stay short.
const MAX_WRITTEN: u64 = 999;

params! {
    /// Settings. Five numbers at most: reachability is found by exhaustive search.
    pub struct Countdown {
        pub min_numbers: u32 = 3, in 3.0..=5.0;
        pub max_numbers: u32 = 4, in 3.0..=5.0;
        pub pretrain_min_numbers: u32 = 3, in 3.0..=5.0;
        pub pretrain_max_numbers: u32 = 4, in 3.0..=5.0;
        /// Out of distribution.
        pub ood_min_numbers: u32 = 5, in 3.0..=5.0;
        pub ood_max_numbers: u32 = 5, in 3.0..=5.0;
        /// Numbers are drawn from 1..=this.
        pub max_number: u32 = 15, in 9.0..=99.0;
        /// Targets are drawn from 1..=this.
        pub max_target: u32 = 99, in 20.0..=999.0;
        /// Share of long chains with a dead end that is taken back.
        pub p_backtrack: f64 = 0.3, in 0.0..=1.0;
    }
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    left: Vec<u64>,
    target: u64,
}

/// Two of the numbers, by position, and what becomes of them.
#[derive(Debug, Clone, Copy)]
struct Move {
    at: (usize, usize),
    op: char,
    result: u64,
}

fn apply(left: u64, op: char, right: u64) -> Option<u64> {
    match op {
        '+' => left.checked_add(right),
        '-' => left.checked_sub(right),
        '*' => left.checked_mul(right),
        _ => left
            .checked_rem(right)
            .filter(|rest| *rest == 0)
            .map(|_| left / right),
    }
}

/// Every step from here with a result up to `cap`; the larger number stands first.
fn moves(numbers: &[u64], cap: u64) -> Vec<Move> {
    let mut out = vec![];
    for i in 0..numbers.len() {
        for j in i + 1..numbers.len() {
            let at = if numbers[i] >= numbers[j] {
                (i, j)
            } else {
                (j, i)
            };
            for op in ['+', '-', '*', '/'] {
                if let Some(result) = apply(numbers[at.0], op, numbers[at.1])
                    && result <= cap
                {
                    out.push(Move { at, op, result });
                }
            }
        }
    }
    out
}

fn after(numbers: &[u64], step: Move) -> Vec<u64> {
    let mut rest: Vec<u64> = (0..numbers.len())
        .filter(|&i| i != step.at.0 && i != step.at.1)
        .map(|i| numbers[i])
        .collect();
    rest.push(step.result);
    rest
}

/// Exhaustive: can steps with results up to `cap` make the target of all the numbers?
fn reaches(numbers: &[u64], target: u64, cap: u64) -> bool {
    match numbers {
        [last] => *last == target,
        _ => moves(numbers, cap)
            .into_iter()
            .any(|step| reaches(&after(numbers, step), target, cap)),
    }
}

impl Countdown {
    pub fn check(&self, reader: &Reader<'_>) {
        check_ranges(
            reader,
            [
                (self.min_numbers, self.max_numbers, "max_numbers"),
                (
                    self.pretrain_min_numbers,
                    self.pretrain_max_numbers,
                    "pretrain_max_numbers",
                ),
                (
                    self.ood_min_numbers,
                    self.ood_max_numbers,
                    "ood_max_numbers",
                ),
            ],
            "ood_min_numbers",
        );
    }

    fn longest(&self) -> u32 {
        self.max_numbers
            .max(self.pretrain_max_numbers)
            .max(self.ood_max_numbers)
    }

    /// A search that knows where the target lies: it draws among the steps that lead
    /// there, after a dead end with probability `p_backtrack`. With `lie`, the last
    /// step claims the target for a sum that is another.
    fn search(problem: &Problem, p_backtrack: f64, lie: bool, stream: &mut Stream) -> String {
        let State { mut left, target } = parse(&problem.prompt);
        let mut terms: Vec<String> = left.iter().map(u64::to_string).collect();
        let mut pending = p_backtrack > 0.0 && stream.next_f64() < p_backtrack;
        let mut dead_end_from = if pending {
            stream.below(left.len() as u32 - 1)
        } else {
            0
        };
        let mut text = String::new();
        while left.len() > 1 {
            let lies = lie && left.len() == 2;
            // Of a lie only the claim is written, so its sum may be as large as it likes.
            let all = moves(&left, if lies { u64::MAX } else { MAX_WRITTEN });
            let show = |step: Move, result: u64| {
                let (a, b) = (left[step.at.0], left[step.at.1]);
                format!("{a}{}{b}={result}{STEP}", step.op)
            };
            if pending && dead_end_from == 0 {
                let dead: Vec<Move> = all
                    .iter()
                    .copied()
                    .filter(|step| !reaches(&after(&left, *step), target, u64::MAX))
                    .collect();
                // Where every step leads on, the next place may have a dead end.
                if let Some(step) = choose(&dead, stream) {
                    text.push_str(&format!("{}{BACK}{STEP}", show(step, step.result)));
                    pending = false;
                }
            }
            dead_end_from = dead_end_from.saturating_sub(1);
            let wanted: Vec<Move> = all
                .into_iter()
                .filter(|step| {
                    let leads = reaches(&after(&left, *step), target, MAX_WRITTEN);
                    leads != lies
                })
                .collect();
            let Some(step) = choose(&wanted, stream) else {
                break;
            };
            let result = if lies { target } else { step.result };
            text.push_str(&show(step, result));
            let joined = format!(
                "{}{}{}",
                bracketed(&terms[step.at.0]),
                step.op,
                bracketed(&terms[step.at.1])
            );
            left = after(&left, Move { result, ..step });
            terms = terms
                .into_iter()
                .enumerate()
                .filter(|(i, _)| *i != step.at.0 && *i != step.at.1)
                .map(|(_, term)| term)
                .chain([joined])
                .collect();
        }
        format!("{text}{ANSWER}{}", terms.concat())
    }
}

fn choose(moves: &[Move], stream: &mut Stream) -> Option<Move> {
    let n = u32::try_from(moves.len()).ok().filter(|n| *n > 0)?;
    Some(moves[stream.below(n) as usize])
}

fn bracketed(term: &str) -> String {
    match term.bytes().all(|b| b.is_ascii_digit()) {
        true => term.to_string(),
        false => format!("({term})"),
    }
}

fn parse(prompt: &str) -> State {
    let (numbers, target) = prompt
        .trim_end_matches('=')
        .split_once(':')
        .unwrap_or_default();
    State {
        left: numbers.split(',').filter_map(natural).collect(),
        target: natural(target).unwrap_or(0),
    }
}

impl Kind for Countdown {
    type State = State;

    fn alphabet(&self) -> &'static str {
        "0123456789+-*/=(),:;AB"
    }

    fn max_prompt_tokens(&self) -> u32 {
        let number = self.max_number.to_string().len() as u32 + 1;
        1 + self.longest() * number + self.max_target.to_string().len() as u32 + 1
    }

    /// One step more than there are, for the dead end, and its mark; then the
    /// answer: numbers, operations, and brackets around all but the outermost.
    fn longest_chain(&self) -> u32 {
        let n = self.longest();
        let number = self.max_number.to_string().len() as u32;
        let written = MAX_WRITTEN.to_string().len() as u32;
        // The numbers given, and the results between, each stand once before a
        // `=`, in the chain; each result once after it.
        let chain = n * number + (n - 2) * written + (n - 1) * (written + 3);
        let dead_end = 3 * written + 3 + 2;
        let answer = n * number + (n - 1) + 2 * (n - 2);
        chain + dead_end + 1 + answer + 1
    }

    fn draw(&self, range: Range, stream: &mut Stream) -> Problem {
        let (low, high) = range.pick(
            (self.min_numbers, self.max_numbers),
            (self.pretrain_min_numbers, self.pretrain_max_numbers),
            (self.ood_min_numbers, self.ood_max_numbers),
        );
        let count = stream.between(low, high);
        loop {
            let mut numbers: Vec<u64> = (0..count)
                .map(|_| u64::from(stream.between(1, self.max_number)))
                .collect();
            // One order for one set of numbers, so that no split holds another's problem.
            numbers.sort_unstable();
            let mut left = numbers.clone();
            while left.len() > 1 {
                match choose(&moves(&left, MAX_WRITTEN), stream) {
                    Some(step) => left = after(&left, step),
                    None => break,
                }
            }
            if let [target] = left[..]
                && (1..=u64::from(self.max_target)).contains(&target)
            {
                let list: Vec<String> = numbers.iter().map(u64::to_string).collect();
                return Problem {
                    prompt: format!("{}:{target}=", list.join(",")),
                    gold: target.to_string(),
                    difficulty: count - 1,
                };
            }
        }
    }

    fn long_chain(&self, problem: &Problem, _p_recheck: f64, stream: &mut Stream) -> String {
        Self::search(problem, self.p_backtrack, false, stream)
    }

    fn clean_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        Self::search(problem, 0.0, false, stream)
    }

    fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        Self::search(problem, 0.0, true, stream)
    }

    /// One way to the target, always the same.
    fn short_answer(&self, problem: &Problem) -> String {
        let mut stream = Uniform::new(problem.key(), "short-answer").stream(0, 0);
        let chain = self.clean_chain(problem, &mut stream);
        let answer = chain.split_once(ANSWER).map_or("", |(_, answer)| answer);
        format!("{ANSWER}{answer}")
    }

    fn start(&self, problem: &Problem) -> State {
        parse(&problem.prompt)
    }

    fn take_back(&self) -> Option<char> {
        Some(BACK)
    }

    fn step(&self, state: &mut State, piece: &str) -> StepVerdict {
        let Some((left, op, right, result)) = parse_step(piece) else {
            return StepVerdict::Malformed;
        };
        let numbers = &state.left;
        let a = numbers.iter().position(|n| *n == left);
        let b = (0..numbers.len()).find(|i| Some(*i) != a && numbers[*i] == right);
        let (Some(a), Some(b)) = (a, b) else {
            return StepVerdict::WrongCopy;
        };
        let step = Move {
            at: (a, b),
            op,
            result,
        };
        state.left = after(numbers, step);
        if apply(left, op, right) != Some(result) {
            StepVerdict::WrongResult
        } else if self.promising(state) {
            StepVerdict::Right
        } else {
            StepVerdict::Useless
        }
    }

    fn promising(&self, state: &State) -> bool {
        reaches(&state.left, state.target, u64::MAX)
    }

    /// The expression's value. One that does not use each number once is no answer.
    fn answer(&self, problem: &Problem, text: &str) -> Option<String> {
        let (value, mut used) = evaluate(text)?;
        used.sort_unstable();
        let mut given = parse(&problem.prompt).left;
        given.sort_unstable();
        (used == given).then(|| value.to_string())
    }
}

fn parse_step(text: &str) -> Option<(u64, char, u64, u64)> {
    let (task, result) = text.split_once('=')?;
    let op = task.chars().find(|c| matches!(c, '+' | '-' | '*' | '/'))?;
    let (left, right) = task.split_once(op)?;
    Some((natural(left)?, op, natural(right)?, natural(result)?))
}
