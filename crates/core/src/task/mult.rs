//! `mult`: multiplication on paper: one partial product for each digit of the
//! second factor, a running sum after each but the first.
//! Digits most significant first: prompt `47*36=`, long form
//! `47*6=282;47*30=1410;282+1410=1692;A1692`, short form `A1692`. Least significant
//! first (the default) every number is written the other way round: `74*63=`.
//! Defaults: factors of 2 digits, out of distribution 3; prompts take at most 9
//! tokens, chains at most 84.

use super::{ANSWER, Kind, Problem, Range, STEP, StepVerdict, check_ranges};
use crate::rng::Stream;
use crate::spec::reader::{Reader, choice, params};

#[cfg(test)]
mod tests;

choice! {
    /// Order in which the digits of every number are written.
    pub enum DigitOrder {
        LeastFirst = "least_first",
        MostFirst = "most_first",
    }
}

params! {
    /// Settings. Both factors have a number of digits drawn from min..=max.
    pub struct Mult {
        pub order: DigitOrder = DigitOrder::LeastFirst;
        pub min_digits: u32 = 2, in 2.0..=4.0;
        pub max_digits: u32 = 2, in 2.0..=4.0;
        pub pretrain_min_digits: u32 = 2, in 2.0..=4.0;
        pub pretrain_max_digits: u32 = 2, in 2.0..=4.0;
        /// Out of distribution.
        pub ood_min_digits: u32 = 3, in 2.0..=4.0;
        pub ood_max_digits: u32 = 3, in 2.0..=4.0;
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Line {
    /// The first factor times this.
    Partial(u64),
    /// The running sum and the latest partial product.
    Sum,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Equation {
    left: u64,
    op: char,
    right: u64,
    result: u64,
}

impl Equation {
    fn holds(self) -> bool {
        let result = match self.op {
            '*' => self.left.checked_mul(self.right),
            _ => self.left.checked_add(self.right),
        };
        result == Some(self.result)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    first: u64,
    lines: Vec<Line>,
    done: usize,
    partial: u64,
    sum: u64,
    /// The latest equation, and whether it was the line that was due.
    last: Option<(Equation, bool)>,
}

impl State {
    fn new(first: u64, second: u64) -> Self {
        let mut lines = vec![];
        let (mut rest, mut place) = (second, 1);
        while rest > 0 {
            lines.push(Line::Partial(rest % 10 * place));
            if place > 1 {
                lines.push(Line::Sum);
            }
            rest /= 10;
            place *= 10;
        }
        Self {
            first,
            lines,
            done: 0,
            partial: 0,
            sum: 0,
            last: None,
        }
    }

    /// The next equation, with its true result.
    fn next(&self) -> Option<Equation> {
        Some(match self.lines.get(self.done)? {
            Line::Partial(right) => Equation {
                left: self.first,
                op: '*',
                right: *right,
                result: self.first * right,
            },
            Line::Sum => Equation {
                left: self.sum,
                op: '+',
                right: self.partial,
                result: self.sum + self.partial,
            },
        })
    }

    /// Takes the claimed result as the next line's.
    fn claim(&mut self, equation: Equation, copied: bool) {
        match self.lines.get(self.done) {
            Some(Line::Partial(_)) => self.partial = equation.result,
            Some(Line::Sum) => self.sum = equation.result,
            None => return,
        }
        if self.done == 0 {
            self.sum = equation.result;
        }
        self.done += 1;
        self.last = Some((equation, copied));
    }
}

impl Mult {
    pub fn check(&self, reader: &Reader<'_>) {
        check_ranges(
            reader,
            [
                (self.min_digits, self.max_digits, "max_digits"),
                (
                    self.pretrain_min_digits,
                    self.pretrain_max_digits,
                    "pretrain_max_digits",
                ),
                (self.ood_min_digits, self.ood_max_digits, "ood_max_digits"),
            ],
            "ood_min_digits",
        );
    }

    fn longest(&self) -> u32 {
        self.max_digits
            .max(self.pretrain_max_digits)
            .max(self.ood_max_digits)
    }

    fn show(&self, number: u64) -> String {
        let text = number.to_string();
        match self.order {
            DigitOrder::MostFirst => text,
            DigitOrder::LeastFirst => text.chars().rev().collect(),
        }
    }

    /// No leading zeros, no more digits than a sum of claims can bear.
    fn number(&self, text: &str) -> Option<u64> {
        if !(1..=18).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let number = match self.order {
            DigitOrder::MostFirst => text.parse().ok()?,
            DigitOrder::LeastFirst => text.chars().rev().collect::<String>().parse().ok()?,
        };
        (self.show(number) == text).then_some(number)
    }

    fn factors(&self, prompt: &str) -> (u64, u64) {
        let (first, second) = prompt
            .trim_end_matches('=')
            .split_once('*')
            .unwrap_or_default();
        (
            self.number(first).unwrap_or(0),
            self.number(second).unwrap_or(0),
        )
    }

    fn equation(&self, text: &str) -> Option<Equation> {
        let (task, result) = text.split_once('=')?;
        let op = task.chars().find(|c| matches!(c, '*' | '+'))?;
        let (left, right) = task.split_once(op)?;
        Some(Equation {
            left: self.number(left)?,
            op,
            right: self.number(right)?,
            result: self.number(result)?,
        })
    }

    /// The chain; the result of the line `fault` is off by one in one digit:
    /// lower where it can be, so that no later sum gets longer.
    fn write(
        &self,
        problem: &Problem,
        p_recheck: f64,
        fault: Option<usize>,
        stream: &mut Stream,
    ) -> String {
        let (first, second) = self.factors(&problem.prompt);
        let mut state = State::new(first, second);
        let mut text = String::new();
        while let Some(mut equation) = state.next() {
            if fault == Some(state.done) {
                let places = equation.result.to_string().len() as u32;
                let place = 10_u64.pow(stream.below(places));
                match equation.result / place % 10 {
                    0 => equation.result += place,
                    _ => equation.result -= place,
                }
            }
            let line = format!(
                "{}{}{}={}{STEP}",
                self.show(equation.left),
                equation.op,
                self.show(equation.right),
                self.show(equation.result)
            );
            state.claim(equation, true);
            text.push_str(&line);
            if p_recheck > 0.0 && stream.next_f64() < p_recheck {
                text.push_str(&line);
            }
        }
        format!("{text}{ANSWER}{}", self.show(state.sum))
    }
}

impl Kind for Mult {
    type State = State;

    fn alphabet(&self) -> &'static str {
        "0123456789*+=;A"
    }

    fn max_prompt_tokens(&self) -> u32 {
        1 + 2 * self.longest() + 2
    }

    /// With n digits: a partial product at place i has n, i + 1 and n + i + 1
    /// digits, a running sum n + i, n + i + 1 and n + i + 1, each with three marks.
    fn longest_chain(&self) -> u32 {
        let n = self.longest();
        let lines: u32 = (0..n)
            .map(|i| {
                let partial = 2 * n + 2 * i + 5;
                let sum = if i > 0 { 3 * (n + i) + 5 } else { 0 };
                partial + sum
            })
            .sum();
        lines + 1 + 2 * n + 1
    }

    fn draw(&self, range: Range, stream: &mut Stream) -> Problem {
        let (low, high) = range.pick(
            (self.min_digits, self.max_digits),
            (self.pretrain_min_digits, self.pretrain_max_digits),
            (self.ood_min_digits, self.ood_max_digits),
        );
        let mut factor = || {
            let digits = stream.between(low, high);
            u64::from(stream.between(10_u32.pow(digits - 1), 10_u32.pow(digits) - 1))
        };
        let (first, second) = (factor(), factor());
        Problem {
            prompt: format!("{}*{}=", self.show(first), self.show(second)),
            gold: self.show(first * second),
            difficulty: State::new(first, second).lines.len() as u32,
        }
    }

    /// Factors in one order.
    fn canonical(&self, prompt: &str) -> String {
        let (first, second) = self.factors(prompt);
        format!("{}*{}=", first.min(second), first.max(second))
    }

    fn long_chain(&self, problem: &Problem, p_recheck: f64, stream: &mut Stream) -> String {
        self.write(problem, p_recheck, None, stream)
    }

    fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        let fault = stream.below(problem.difficulty) as usize;
        self.write(problem, 0.0, Some(fault), stream)
    }

    fn start(&self, problem: &Problem) -> State {
        let (first, second) = self.factors(&problem.prompt);
        State::new(first, second)
    }

    /// Judged against what was claimed: a wrong partial product makes no later sum wrong.
    /// The last equation again is a re-check, or, with another result, a new claim.
    fn step(&self, state: &mut State, piece: &str) -> StepVerdict {
        let Some(equation) = self.equation(piece) else {
            return StepVerdict::Malformed;
        };
        let same = |other: &Equation| {
            Equation {
                result: 0,
                ..*other
            } == Equation {
                result: 0,
                ..equation
            }
        };
        let copied = state.next().is_some_and(|next| same(&next));
        let again = state.last.filter(|(last, _)| !copied && same(last));
        let claimed = again.is_some_and(|(last, _)| last == equation);
        let copied = copied || again.is_some_and(|(_, copied)| copied);
        if !claimed {
            state.done -= usize::from(again.is_some());
            state.claim(equation, copied);
        }
        if !copied {
            StepVerdict::WrongCopy
        } else if !equation.holds() {
            StepVerdict::WrongResult
        } else if claimed {
            StepVerdict::Recheck
        } else {
            StepVerdict::Right
        }
    }

    fn answer(&self, _problem: &Problem, text: &str) -> Option<String> {
        self.number(text).map(|_| text.to_string())
    }
}
