//! `parity`: is the number of ones odd?
//! Prompt `10110=`; long form, the running parity after each bit, `1;1;0;1;1;A1`;
//! short form `A1`. Defaults: 12-14 bits, out of distribution 16-20; prompts take
//! at most 22 tokens, chains at most 43.
//!
//! A step is one digit, so a re-check could not be told from the next step: there are none.

use super::{ANSWER, Kind, Problem, Range, STEP, StepVerdict, check_ranges};
use crate::rng::Stream;
use crate::spec::reader::{Reader, params};

params! {
    /// Settings. Ten bits at least, so that every split has problems of its own.
    pub struct Parity {
        pub min_bits: u32 = 12, in 10.0..=64.0;
        pub max_bits: u32 = 14, in 10.0..=64.0;
        pub pretrain_min_bits: u32 = 12, in 10.0..=64.0;
        pub pretrain_max_bits: u32 = 14, in 10.0..=64.0;
        /// Out of distribution.
        pub ood_min_bits: u32 = 16, in 10.0..=64.0;
        pub ood_max_bits: u32 = 20, in 10.0..=64.0;
    }
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    bits: Vec<u32>,
    read: usize,
    parity: u32,
}

impl Parity {
    pub fn check(&self, reader: &Reader<'_>) {
        check_ranges(
            reader,
            [
                (self.min_bits, self.max_bits, "max_bits"),
                (
                    self.pretrain_min_bits,
                    self.pretrain_max_bits,
                    "pretrain_max_bits",
                ),
                (self.ood_min_bits, self.ood_max_bits, "ood_max_bits"),
            ],
            "ood_min_bits",
        );
    }

    fn longest(&self) -> u32 {
        self.max_bits
            .max(self.pretrain_max_bits)
            .max(self.ood_max_bits)
    }

    /// The chain, with the parity turned round once at the step `fault`.
    fn write(problem: &Problem, fault: Option<usize>) -> String {
        let mut parity = 0;
        let mut text = String::new();
        for (i, bit) in bits(&problem.prompt).into_iter().enumerate() {
            parity ^= bit ^ u32::from(fault == Some(i));
            text.push_str(&format!("{parity}{STEP}"));
        }
        format!("{text}{ANSWER}{parity}")
    }
}

impl Kind for Parity {
    type State = State;

    fn alphabet(&self) -> &'static str {
        "01=;A"
    }

    fn max_prompt_tokens(&self) -> u32 {
        1 + self.longest() + 1
    }

    fn longest_chain(&self) -> u32 {
        2 * self.longest() + 3
    }

    fn draw(&self, range: Range, stream: &mut Stream) -> Problem {
        let (low, high) = range.pick(
            (self.min_bits, self.max_bits),
            (self.pretrain_min_bits, self.pretrain_max_bits),
            (self.ood_min_bits, self.ood_max_bits),
        );
        let count = stream.between(low, high);
        let bits: Vec<u32> = (0..count).map(|_| stream.below(2)).collect();
        let text: String = bits.iter().map(u32::to_string).collect();
        Problem {
            prompt: text + "=",
            gold: (bits.iter().sum::<u32>() % 2).to_string(),
            difficulty: count,
        }
    }

    fn long_chain(&self, problem: &Problem, _p_recheck: f64, _stream: &mut Stream) -> String {
        Self::write(problem, None)
    }

    fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        Self::write(problem, Some(stream.below(problem.difficulty) as usize))
    }

    fn start(&self, problem: &Problem) -> State {
        State {
            bits: bits(&problem.prompt),
            read: 0,
            parity: 0,
        }
    }

    fn step(&self, state: &mut State, piece: &str) -> StepVerdict {
        let claimed = match piece {
            "0" => 0,
            "1" => 1,
            _ => return StepVerdict::Malformed,
        };
        let Some(bit) = state.bits.get(state.read) else {
            return StepVerdict::WrongCopy;
        };
        let right = state.parity ^ bit == claimed;
        state.read += 1;
        state.parity = claimed;
        match right {
            true => StepVerdict::Right,
            false => StepVerdict::WrongResult,
        }
    }

    fn answer(&self, _problem: &Problem, text: &str) -> Option<String> {
        matches!(text, "0" | "1").then(|| text.to_string())
    }
}

fn bits(prompt: &str) -> Vec<u32> {
    prompt.chars().filter_map(|c| c.to_digit(2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Uniform;
    use crate::task::TaskSpec;
    use StepVerdict::{Malformed, Right, WrongCopy, WrongResult};

    #[test]
    fn each_kind_of_step_has_its_verdict() {
        let task = TaskSpec::Parity(Parity::default());
        let problem = Problem {
            prompt: "10110=".into(),
            gold: "1".into(),
            difficulty: 5,
        };
        let text = task.long_chain(&problem, 0.5, &mut Uniform::new(0, "t").stream(0, 0));
        assert_eq!(text, "1;1;0;1;1;A1");
        let steps = |text: &str| task.verify(&problem, text, true).steps;
        assert_eq!(steps(&text), [Right; 5]);
        // Judged against the claim: after one slip the rest follows from it.
        assert_eq!(
            steps("1;0;1;0;0;A0"),
            [Right, WrongResult, Right, Right, Right]
        );
        assert_eq!(
            steps("1;1;0;1;1;1;A1"),
            [Right, Right, Right, Right, Right, WrongCopy]
        );
        assert_eq!(steps("1;;01;A1"), [Right, Malformed, Malformed]);
        assert!(task.reachable(&problem, "1;1;") && !task.reachable(&problem, "1;0;"));
        assert_eq!(task.reflections(&text), 0);
    }
}
