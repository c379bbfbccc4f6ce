//! `modchain`: a chain of operations modulo m, worked from left to right.
//! Prompt `7*3-8+5=`; long form `7*3=1;1-8=3;3+5=8;A8`; short form `A8`.
//! Defaults: 3-4 operations, out of distribution 5-6; prompts take at most 15
//! tokens, chains at most 39 (8 more with reflection).
//!
//! With `minority_share` there is a second vocabulary, L2, for the digits: `a`..`j`.
//! With `p_reflect`, pretraining sees chains in which one step is first made
//! wrongly, taken back by a `W` that is a step of its own, and made again:
//! `7*3=1;1-8=5;W;1-8=3;3+5=8;A8`. So the mark means "what I just wrote is wrong", and
//! whether a policy that has it uses it after faults is what its rate and
//! P(correct | W used) tell.

use super::language::{Pair, Voice, absent};
use super::{ANSWER, Kind, Language, Problem, Range, STEP, StepVerdict, check_ranges, modular};
use crate::rng::Stream;
use crate::spec::reader::{Reader, params};

#[cfg(test)]
mod tests;

const OPERATIONS: [char; 3] = ['+', '-', '*'];
const DIGITS: Pair = Pair {
    first: "0123456789",
    second: "abcdefghij",
};
/// Takes back the step before it.
const WAIT: char = 'W';

params! {
    /// Settings. Problems of train, validation and test have min..=max operations.
    pub struct Modchain {
        pub modulus: u32 = 10, in 2.0..=10.0;
        pub min_ops: u32 = 3, in 1.0..=32.0;
        pub max_ops: u32 = 4, in 1.0..=32.0;
        pub pretrain_min_ops: u32 = 3, in 1.0..=32.0;
        pub pretrain_max_ops: u32 = 4, in 1.0..=32.0;
        /// Out of distribution.
        pub ood_min_ops: u32 = 5, in 1.0..=32.0;
        pub ood_max_ops: u32 = 6, in 1.0..=32.0;
        /// Share of pretraining problems in L2. With 0 there is one vocabulary.
        #[serde(default = "absent::off", skip_serializing_if = "absent::is_off")]
        pub minority_share: f64 = 0.0, in 0.0..=1.0;
        /// Share of the long chains of L2 problems that are written in L1.
        #[serde(default = "absent::l1_share", skip_serializing_if = "absent::is_l1_share")]
        pub minority_l1_share: f64 = 0.4, in 0.0..=1.0;
        /// Share of them in which a vocabulary is drawn for each step.
        #[serde(default = "absent::mixed_share", skip_serializing_if = "absent::is_mixed_share")]
        pub minority_mixed_share: f64 = 0.2, in 0.0..=1.0;
        /// Share of L2 among the problems of all splits.
        #[serde(default = "absent::rl_share", skip_serializing_if = "absent::is_rl_share")]
        pub rl_minority_share: f64 = 0.5, in 0.0..=1.0;
        /// Share of long chains with a step that is taken back.
        #[serde(default = "absent::off", skip_serializing_if = "absent::is_off")]
        pub p_reflect: f64 = 0.0, in 0.0..=1.0;
    }
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    value: u32,
    rest: Vec<(char, u32)>,
    done: usize,
}

/// How a chain departs from the straight one.
#[derive(Debug, Clone, Copy)]
enum Course {
    Straight,
    /// This step is first made wrongly and taken back.
    Reflect(usize),
    /// This step is wrong, and the rest follows from it.
    Fault(usize),
}

impl Modchain {
    pub fn check(&self, reader: &Reader<'_>) {
        check_ranges(
            reader,
            [
                (self.min_ops, self.max_ops, "max_ops"),
                (
                    self.pretrain_min_ops,
                    self.pretrain_max_ops,
                    "pretrain_max_ops",
                ),
                (self.ood_min_ops, self.ood_max_ops, "ood_max_ops"),
            ],
            "ood_min_ops",
        );
        if self.modulus.saturating_pow(self.min_ops + 1) < 1_000 {
            reader.report(
                "modulus",
                "too few distinct problems for a split; raise modulus or min_ops",
            );
        }
        if self.minority_l1_share + self.minority_mixed_share > 1.0 {
            let key = "minority_mixed_share";
            reader.report(key, "with minority_l1_share at most 1 in all");
        }
    }

    fn bilingual(&self) -> bool {
        self.minority_share > 0.0
    }

    /// Text of either vocabulary in L1.
    fn read_text(&self, text: &str) -> String {
        match self.bilingual() {
            true => DIGITS.to_first(text),
            false => text.to_string(),
        }
    }

    fn write(
        &self,
        problem: &Problem,
        course: Course,
        voice: Voice,
        p_recheck: f64,
        stream: &mut Stream,
    ) -> String {
        let State {
            mut value, rest, ..
        } = self.start(problem);
        let mut text = String::new();
        for (i, (op, operand)) in rest.into_iter().enumerate() {
            let right = modular(value, op, operand, self.modulus);
            let wrong = |stream: &mut Stream| {
                let off = 1 + stream.below(self.modulus - 1);
                (right + off) % self.modulus
            };
            let step = |result: u32| format!("{value}{op}{operand}={result}{STEP}");
            let next = match course {
                Course::Reflect(at) if at == i => {
                    let first = step(wrong(stream));
                    text.push_str(&voice.say(&first, DIGITS, stream));
                    text.push_str(&format!("{WAIT}{STEP}"));
                    right
                }
                Course::Fault(at) if at == i => wrong(stream),
                Course::Straight | Course::Reflect(_) | Course::Fault(_) => right,
            };
            text.push_str(&voice.say(&step(next), DIGITS, stream));
            value = next;
            if p_recheck > 0.0 && stream.next_f64() < p_recheck {
                let step = format!("{value}+0={value}{STEP}");
                text.push_str(&voice.say(&step, DIGITS, stream));
            }
        }
        let answer = voice.say(&value.to_string(), DIGITS, stream);
        format!("{text}{ANSWER}{answer}")
    }
}

/// Prompts begin with a digit.
fn in_second(prompt: &str) -> bool {
    prompt.starts_with(|c| DIGITS.second.contains(c))
}

impl Kind for Modchain {
    type State = State;

    fn alphabet(&self) -> &'static str {
        match (self.bilingual(), self.p_reflect > 0.0) {
            (false, false) => "0123456789+-*=;A",
            (false, true) => "0123456789+-*=;AW",
            (true, false) => "0123456789+-*=;Aabcdefghij",
            (true, true) => "0123456789+-*=;AabcdefghijW",
        }
    }

    fn max_prompt_tokens(&self) -> u32 {
        1 + 2
            * (self
                .ood_max_ops
                .max(self.pretrain_max_ops)
                .max(self.max_ops)
                + 1)
    }

    fn longest_chain(&self) -> u32 {
        let ops = self
            .ood_max_ops
            .max(self.pretrain_max_ops)
            .max(self.max_ops);
        let reflection = if self.p_reflect > 0.0 { 6 + 2 } else { 0 };
        ops * 6 + reflection + 3
    }

    fn draw(&self, range: Range, stream: &mut Stream) -> Problem {
        let (low, high) = range.pick(
            (self.min_ops, self.max_ops),
            (self.pretrain_min_ops, self.pretrain_max_ops),
            (self.ood_min_ops, self.ood_max_ops),
        );
        let ops = stream.between(low, high);
        let mut value = stream.below(self.modulus);
        let mut prompt = value.to_string();
        for _ in 0..ops {
            let op = OPERATIONS[stream.below(3) as usize];
            let operand = stream.below(self.modulus);
            value = modular(value, op, operand, self.modulus);
            prompt.push(op);
            prompt.push_str(&operand.to_string());
        }
        prompt.push('=');
        Problem {
            prompt,
            gold: value.to_string(),
            difficulty: ops,
        }
    }

    fn dress(&self, problem: Problem, range: Range, stream: &mut Stream) -> Problem {
        let share = range.pick(
            self.rl_minority_share,
            self.minority_share,
            self.rl_minority_share,
        );
        if !self.bilingual() || stream.next_f64() >= share {
            return problem;
        }
        Problem {
            prompt: DIGITS.to_second(&problem.prompt),
            ..problem
        }
    }

    fn plain(&self, prompt: &str) -> String {
        DIGITS.to_first(prompt)
    }

    fn long_chain(&self, problem: &Problem, p_recheck: f64, stream: &mut Stream) -> String {
        let (l1, mixed) = (self.minority_l1_share, self.minority_mixed_share);
        let voice = Voice::draw(in_second(&problem.prompt), l1, mixed, stream);
        let course = if self.p_reflect > 0.0 && stream.next_f64() < self.p_reflect {
            Course::Reflect(stream.below(problem.difficulty) as usize)
        } else {
            Course::Straight
        };
        self.write(problem, course, voice, p_recheck, stream)
    }

    fn clean_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        let voice = Voice::of_prompt(in_second(&problem.prompt));
        self.write(problem, Course::Straight, voice, 0.0, stream)
    }

    fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        let voice = Voice::of_prompt(in_second(&problem.prompt));
        let course = Course::Fault(stream.below(problem.difficulty) as usize);
        self.write(problem, course, voice, 0.0, stream)
    }

    fn short_answer(&self, problem: &Problem) -> String {
        let answer = match in_second(&problem.prompt) {
            true => DIGITS.to_second(&problem.gold),
            false => problem.gold.clone(),
        };
        format!("{ANSWER}{answer}")
    }

    fn start(&self, problem: &Problem) -> State {
        let prompt = self.plain(&problem.prompt);
        let chars: Vec<char> = prompt.chars().collect();
        let digit = |c: char| c.to_digit(10).unwrap_or(0);
        let pairs = chars.get(1..).unwrap_or_default().chunks_exact(2);
        State {
            value: chars.first().map_or(0, |c| digit(*c)),
            rest: pairs.map(|pair| (pair[0], digit(pair[1]))).collect(),
            done: 0,
        }
    }

    fn take_back(&self) -> Option<char> {
        (self.p_reflect > 0.0).then_some(WAIT)
    }

    /// Prefix-exact: a step is right only if it takes up the running value, copies
    /// the problem's next operation and operand, and gets the result right. After a
    /// wrong step the chain is judged against the value it claimed.
    fn step(&self, state: &mut State, piece: &str) -> StepVerdict {
        let Some((left, op, right, result)) = parse_step(&self.read_text(piece)) else {
            return StepVerdict::Malformed;
        };
        let value = std::mem::replace(&mut state.value, result);
        // `+0` may be the problem's own next operation: then it counts as that.
        let copied = left == value && state.rest.get(state.done) == Some(&(op, right));
        let recheck = left == value && op == '+' && right == 0;
        if !recheck || copied {
            state.done += 1;
        }
        if copied {
            match modular(left, op, right, self.modulus) == result {
                true => StepVerdict::Right,
                false => StepVerdict::WrongResult,
            }
        } else if recheck {
            match result == value {
                true => StepVerdict::Recheck,
                false => StepVerdict::WrongResult,
            }
        } else {
            StepVerdict::WrongCopy
        }
    }

    fn answer(&self, _problem: &Problem, text: &str) -> Option<String> {
        let text = self.read_text(text);
        let digit = text.len() == 1 && text.bytes().all(|b| b.is_ascii_digit());
        digit.then_some(text)
    }

    fn language(&self, problem: &Problem, completion: &str) -> Option<Language> {
        self.bilingual()
            .then(|| DIGITS.count(completion, in_second(&problem.prompt)))
    }

    fn foreign(&self, problem: &Problem) -> Option<&'static str> {
        self.bilingual()
            .then(|| DIGITS.foreign(in_second(&problem.prompt)))
    }
}

fn parse_step(text: &str) -> Option<(u32, char, u32, u32)> {
    let chars: Vec<char> = text.chars().collect();
    let [left, op, right, '=', result] = chars[..] else {
        return None;
    };
    OPERATIONS.contains(&op).then_some(())?;
    Some((
        left.to_digit(10)?,
        op,
        right.to_digit(10)?,
        result.to_digit(10)?,
    ))
}
