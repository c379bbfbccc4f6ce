//! `dag`: assignments in any order, some of them needless, and one variable asked for.
//! L1 prompt `c=b*a,b=a+3,d=a-b,a=4,?c`; long form, each variable in an order that
//! can be worked, with the values put in, `a=4;b=4+3=7;c=7*4=8;A8`; short form `A8`.
//! A prompt in L2 has the value before the name and other digits and keywords:
//! `b@a:c,a&N:b,…`; its chain `a:O;b:O&N:R;c:R@O:S;AS`.
//! Defaults: 3-4 operations modulo 10, out of distribution 5-6; prompts take at most
//! 59 tokens, chains at most 59.

use super::language::{Pair, Voice, absent};
use super::{ANSWER, Kind, Language, Problem, Range, STEP, StepVerdict, check_ranges, modular};
use crate::rng::Stream;
use crate::spec::reader::{Reader, params};
use prompt::{Definition, Operand, Parsed};
use std::collections::BTreeMap;
use std::rc::Rc;

mod prompt;
#[cfg(test)]
mod tests;

const NAMES: &str = "abcdefghijklmnop";
const OPERATIONS: [char; 3] = ['+', '-', '*'];
const WORDS: Pair = Pair {
    first: "0123456789+-*=",
    second: "KLMNOPQRST&~@:",
};

params! {
    /// Settings. Names of variables are drawn from all there are.
    pub struct Dag {
        pub modulus: u32 = 10, in 5.0..=10.0;
        /// Operations that the query needs.
        pub min_ops: u32 = 3, in 2.0..=10.0;
        pub max_ops: u32 = 4, in 2.0..=10.0;
        pub pretrain_min_ops: u32 = 3, in 2.0..=10.0;
        pub pretrain_max_ops: u32 = 4, in 2.0..=10.0;
        /// Out of distribution.
        pub ood_min_ops: u32 = 5, in 2.0..=10.0;
        pub ood_max_ops: u32 = 6, in 2.0..=10.0;
        /// Variables that are given as a number.
        pub constants: u32 = 2, in 1.0..=3.0;
        /// Operations that the query does not need.
        pub distractors: u32 = 2, in 0.0..=3.0;
        /// Share of pretraining problems in L2. With 0 there is one vocabulary.
        pub minority_share: f64 = 0.0, in 0.0..=1.0;
        /// Share of the long chains of L2 problems that are written in L1.
        pub minority_l1_share: f64 = absent::l1_share(), in 0.0..=1.0;
        /// Share of them in which a vocabulary is drawn for each step.
        pub minority_mixed_share: f64 = absent::mixed_share(), in 0.0..=1.0;
        /// Share of L2 among the problems of all splits.
        pub rl_minority_share: f64 = absent::rl_share(), in 0.0..=1.0;
    }
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    parsed: Rc<Parsed>,
    claimed: BTreeMap<char, u32>,
}

impl State {
    fn value(&self, operand: Operand) -> Option<u32> {
        match operand {
            Operand::Digit(digit) => Some(digit),
            Operand::Name(name) => self.claimed.get(&name).copied(),
        }
    }
}

impl Dag {
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
        if self.minority_l1_share + self.minority_mixed_share > 1.0 {
            let key = "minority_mixed_share";
            reader.report(key, "with minority_l1_share at most 1 in all");
        }
    }

    fn largest(&self) -> u32 {
        self.max_ops
            .max(self.pretrain_max_ops)
            .max(self.ood_max_ops)
    }

    fn bilingual(&self) -> bool {
        self.minority_share > 0.0
    }

    /// Text of either vocabulary in L1.
    fn read_text(&self, text: &str) -> String {
        match self.bilingual() {
            true => WORDS.to_first(text),
            false => text.to_string(),
        }
    }

    /// The chain; the result of the step `fault` is another.
    fn write(
        &self,
        problem: &Problem,
        voice: Voice,
        p_recheck: f64,
        fault: Option<usize>,
        stream: &mut Stream,
    ) -> String {
        let mut state = self.start(problem);
        let parsed = Rc::clone(&state.parsed);
        let mut text = String::new();
        for (i, name) in parsed.needed.iter().enumerate() {
            let mut off = || match fault == Some(i) {
                true => 1 + stream.below(self.modulus - 1),
                false => 0,
            };
            let (step, result) = match parsed.definitions[name] {
                Definition::Constant(digit) => {
                    let result = (digit + off()) % self.modulus;
                    (format!("{name}={result}{STEP}"), result)
                }
                Definition::Operation(left, op, right) => {
                    let left = state.value(left).unwrap_or(0);
                    let right = state.value(right).unwrap_or(0);
                    let true_result = modular(left, op, right, self.modulus);
                    let result = (true_result + off()) % self.modulus;
                    (format!("{name}={left}{op}{right}={result}{STEP}"), result)
                }
            };
            state.claimed.insert(*name, result);
            text.push_str(&voice.say(&step, WORDS, stream));
            if p_recheck > 0.0 && stream.next_f64() < p_recheck {
                text.push_str(&voice.say(&step, WORDS, stream));
            }
        }
        let answer = state.value(Operand::Name(parsed.query)).unwrap_or(0);
        let answer = voice.say(&answer.to_string(), WORDS, stream);
        format!("{text}{ANSWER}{answer}")
    }
}

fn in_second(prompt: &str) -> bool {
    prompt.contains(':')
}

/// `name=value` and `value:name`, from one to the other.
fn turn(prompt: &str, from: char, to: char) -> String {
    let turned: Vec<String> = prompt
        .split(',')
        .map(|part| match part.split_once(from) {
            Some((head, tail)) => format!("{tail}{to}{head}"),
            None => part.to_string(),
        })
        .collect();
    turned.join(",")
}

impl Kind for Dag {
    type State = State;

    fn alphabet(&self) -> &'static str {
        match self.bilingual() {
            false => "abcdefghijklmnop0123456789+-*=,?;A",
            true => "abcdefghijklmnop0123456789+-*=,?;AKLMNOPQRST&~@:",
        }
    }

    fn max_prompt_tokens(&self) -> u32 {
        1 + 4 * self.constants + 6 * (self.largest() + self.distractors) + 2
    }

    fn longest_chain(&self) -> u32 {
        4 * self.constants + 8 * self.largest() + 3
    }

    /// Each operation works on the one before it and on anything known.
    fn draw(&self, range: Range, stream: &mut Stream) -> Problem {
        let (low, high) = range.pick(
            (self.min_ops, self.max_ops),
            (self.pretrain_min_ops, self.pretrain_max_ops),
            (self.ood_min_ops, self.ood_max_ops),
        );
        let ops = stream.between(low, high);
        let mut names: Vec<char> = NAMES.chars().collect();
        stream.shuffle(&mut names);
        let constants = self.constants as usize;
        let mut lines: Vec<String> = names[..constants]
            .iter()
            .map(|name| format!("{name}={}", stream.below(self.modulus)))
            .collect();
        let query = constants + ops as usize - 1;
        for i in constants..=query + self.distractors as usize {
            let left = match i <= query {
                true => i - 1,
                false => stream.below(i as u32) as usize,
            };
            let op = OPERATIONS[stream.below(3) as usize];
            // A number as often as another name: `a-a` would ask for nothing.
            let right = if i > 1 && stream.below(2) == 0 {
                let other = stream.below(i as u32 - 1) as usize;
                names[other + usize::from(other >= left)].to_string()
            } else {
                stream.below(self.modulus).to_string()
            };
            let left = names[left];
            // A number may stand on either side.
            lines.push(match stream.below(2) {
                0 => format!("{}={left}{op}{right}", names[i]),
                _ => format!("{}={right}{op}{left}", names[i]),
            });
        }
        stream.shuffle(&mut lines);
        let mut problem = Problem {
            prompt: format!("{},?{}", lines.join(","), names[query]),
            gold: String::new(),
            difficulty: ops,
        };
        let chain = self.write(&problem, Voice::First, 0.0, None, stream);
        problem.gold = chain.split_once(ANSWER).map_or("", |a| a.1).to_string();
        problem
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
            prompt: WORDS.to_second(&turn(&problem.prompt, '=', ':')),
            ..problem
        }
    }

    fn plain(&self, prompt: &str) -> String {
        match in_second(prompt) {
            true => WORDS.to_first(&turn(prompt, ':', ':')),
            false => prompt.to_string(),
        }
    }

    /// The expression that is asked for, whatever its variables are called, in
    /// whatever order they stand, and whatever else stands there.
    fn canonical(&self, prompt: &str) -> String {
        let parsed = Parsed::new(&self.plain(prompt));
        parsed.worked(parsed.query)
    }

    fn long_chain(&self, problem: &Problem, p_recheck: f64, stream: &mut Stream) -> String {
        let (l1, mixed) = (self.minority_l1_share, self.minority_mixed_share);
        let voice = Voice::draw(in_second(&problem.prompt), l1, mixed, stream);
        self.write(problem, voice, p_recheck, None, stream)
    }

    fn clean_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        let voice = Voice::of_prompt(in_second(&problem.prompt));
        self.write(problem, voice, 0.0, None, stream)
    }

    fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        let voice = Voice::of_prompt(in_second(&problem.prompt));
        let steps = self.start(problem).parsed.needed.len() as u32;
        let fault = stream.below(steps) as usize;
        self.write(problem, voice, 0.0, Some(fault), stream)
    }

    fn short_answer(&self, problem: &Problem) -> String {
        let answer = match in_second(&problem.prompt) {
            true => WORDS.to_second(&problem.gold),
            false => problem.gold.clone(),
        };
        format!("{ANSWER}{answer}")
    }

    fn start(&self, problem: &Problem) -> State {
        State {
            parsed: Rc::new(Parsed::new(&self.plain(&problem.prompt))),
            claimed: BTreeMap::new(),
        }
    }

    /// Values are those that the chain has claimed; a variable that it has not
    /// worked out yet cannot be used.
    fn step(&self, state: &mut State, piece: &str) -> StepVerdict {
        let chars: Vec<char> = self.read_text(piece).chars().collect();
        let digit = |c: char| c.to_digit(10);
        let (name, body, result) = match chars[..] {
            [name, '=', result] => (name, None, digit(result)),
            [name, '=', left, op, right, '=', result] if OPERATIONS.contains(&op) => {
                let (Some(left), Some(right)) = (digit(left), digit(right)) else {
                    return StepVerdict::Malformed;
                };
                (name, Some((left, op, right)), digit(result))
            }
            _ => return StepVerdict::Malformed,
        };
        let Some(result) = result.filter(|_| NAMES.contains(name)) else {
            return StepVerdict::Malformed;
        };
        let parsed = Rc::clone(&state.parsed);
        let copied = match (parsed.definitions.get(&name), body) {
            (Some(Definition::Constant(digit)), None) => *digit == result,
            (Some(Definition::Operation(left, op, right)), Some(body)) => {
                (state.value(*left), *op, state.value(*right))
                    == (Some(body.0), body.1, Some(body.2))
            }
            _ => false,
        };
        let before = state.claimed.insert(name, result);
        if !copied {
            StepVerdict::WrongCopy
        } else if body.is_some_and(|(l, op, r)| modular(l, op, r, self.modulus) != result) {
            StepVerdict::WrongResult
        } else if before == Some(result) {
            StepVerdict::Recheck
        } else if parsed.needed.contains(&name) {
            StepVerdict::Right
        } else {
            StepVerdict::Useless
        }
    }

    fn answer(&self, _problem: &Problem, text: &str) -> Option<String> {
        let text = self.read_text(text);
        let digit = text.len() == 1 && text.bytes().all(|b| b.is_ascii_digit());
        digit.then_some(text)
    }

    fn language(&self, problem: &Problem, completion: &str) -> Option<Language> {
        self.bilingual()
            .then(|| WORDS.count(completion, in_second(&problem.prompt)))
    }

    fn foreign(&self, problem: &Problem) -> Option<&'static str> {
        self.bilingual()
            .then(|| WORDS.foreign(in_second(&problem.prompt)))
    }
}
