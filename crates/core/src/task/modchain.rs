//! `modchain`: a chain of operations modulo m, worked from left to right.
//! Prompt `7*3-8+5=`; long form `7*3=1;1-8=3;3+5=8;A8`; short form `A8`.

use super::{Problem, Split, StepVerdict, Verdict};
use crate::rng::Stream;
use crate::spec::reader::{Reader, params};

pub const ALPHABET: &str = "0123456789+-*=;A";
const OPERATIONS: [char; 3] = ['+', '-', '*'];

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
    }
}

impl Modchain {
    pub fn check(&self, reader: &Reader<'_>) {
        for (low, high, key) in [
            (self.min_ops, self.max_ops, "max_ops"),
            (
                self.pretrain_min_ops,
                self.pretrain_max_ops,
                "pretrain_max_ops",
            ),
            (self.ood_min_ops, self.ood_max_ops, "ood_max_ops"),
        ] {
            if high < low {
                reader.report(key, format!("must be at least {low}"));
            }
        }
        if self.ood_min_ops <= self.max_ops {
            reader.report(
                "ood_min_ops",
                format!("must be above max_ops ({})", self.max_ops),
            );
        }
        if self.modulus.pow(self.min_ops + 1) < 1_000 {
            reader.report(
                "modulus",
                "too few distinct problems for a split; raise modulus or min_ops",
            );
        }
    }

    /// The longest clean chain of any split, in tokens, with answer and end mark.
    pub fn longest_chain(&self) -> u32 {
        self.ood_max_ops
            .max(self.pretrain_max_ops)
            .max(self.max_ops)
            * 6
            + 3
    }

    fn draw(&self, low: u32, high: u32, stream: &mut Stream) -> Problem {
        let ops = stream.between(low, high);
        let mut value = stream.below(self.modulus);
        let mut prompt = value.to_string();
        for _ in 0..ops {
            let op = OPERATIONS[stream.below(3) as usize];
            let operand = stream.below(self.modulus);
            value = self.apply(value, op, operand);
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

    pub(super) fn problem(&self, split: Split, stream: &mut Stream) -> Problem {
        let (low, high, bucket) = match split {
            // Out of distribution by length, and held out by hash as well.
            Split::Ood => (self.ood_min_ops, self.ood_max_ops, Split::Test),
            Split::Train | Split::Validation | Split::Test => (self.min_ops, self.max_ops, split),
        };
        loop {
            let problem = self.draw(low, high, stream);
            if problem.split() == bucket {
                return problem;
            }
        }
    }

    pub(super) fn pretraining_problem(&self, stream: &mut Stream) -> Problem {
        loop {
            let problem = self.draw(self.pretrain_min_ops, self.pretrain_max_ops, stream);
            if problem.split() == Split::Train {
                return problem;
            }
        }
    }

    fn apply(&self, left: u32, op: char, right: u32) -> u32 {
        let m = self.modulus;
        match op {
            '+' => (left + right) % m,
            '-' => (left + m - right % m) % m,
            _ => (left * right) % m,
        }
    }

    pub(super) fn long_chain(
        &self,
        problem: &Problem,
        p_recheck: f64,
        stream: &mut Stream,
    ) -> String {
        let (first, rest) = parse(&problem.prompt);
        let mut value = first;
        let mut text = String::new();
        for (op, operand) in rest {
            let next = self.apply(value, op, operand);
            text.push_str(&format!("{value}{op}{operand}={next};"));
            value = next;
            if p_recheck > 0.0 && stream.next_f64() < p_recheck {
                text.push_str(&format!("{value}+0={value};"));
            }
        }
        text + &short_answer(problem)
    }

    pub(super) fn verify(&self, problem: &Problem, completion: &str, ended: bool) -> Verdict {
        let (body, answer) = match completion.split_once('A') {
            Some((body, answer)) => (body, Some(answer)),
            None => (completion, None),
        };
        let steps = self.verify_steps(problem, body);
        let answer = answer
            .filter(|text| text.len() == 1 && text.chars().all(|c| c.is_ascii_digit()))
            .filter(|_| ended)
            .map(String::from);
        let well_formed = answer.is_some() && !steps.contains(&StepVerdict::Malformed);
        Verdict {
            correct: answer.as_deref() == Some(problem.gold.as_str()),
            well_formed,
            answer,
            steps,
        }
    }

    /// Prefix-exact: a step is right only if it takes up the running value, copies
    /// the problem's next operation and operand, and gets the result right. After a
    /// wrong step the chain is judged against the value it claimed.
    fn verify_steps(&self, problem: &Problem, body: &str) -> Vec<StepVerdict> {
        let (first, rest) = parse(&problem.prompt);
        let mut expected = rest.into_iter();
        let mut next = expected.next();
        let mut value = first;
        let mut pieces: Vec<&str> = body.split(';').collect();
        // The text after the last separator is a step only if something stands there.
        if pieces.last() == Some(&"") {
            pieces.pop();
        }
        pieces
            .into_iter()
            .map(|piece| {
                let Some((left, op, right, result)) = parse_step(piece) else {
                    return StepVerdict::Malformed;
                };
                let copied = next == Some((op, right)) && left == value;
                let recheck = left == value && op == '+' && right == 0;
                // `+0` may be the problem's own next operation: then it counts as that.
                if copied {
                    next = expected.next();
                    let right_result = self.apply(left, op, right) == result;
                    value = result;
                    if right_result {
                        StepVerdict::Right
                    } else {
                        StepVerdict::WrongResult
                    }
                } else if recheck {
                    let same = result == value;
                    value = result;
                    if same {
                        StepVerdict::Recheck
                    } else {
                        StepVerdict::WrongResult
                    }
                } else {
                    value = result;
                    next = expected.next();
                    StepVerdict::WrongCopy
                }
            })
            .collect()
    }
}

pub(super) fn short_answer(problem: &Problem) -> String {
    format!("A{}", problem.gold)
}

/// First number and the operations of a prompt that this generator made.
fn parse(prompt: &str) -> (u32, Vec<(char, u32)>) {
    let chars: Vec<char> = prompt.chars().collect();
    let digit = |c: char| c.to_digit(10).unwrap_or(0);
    let rest = chars[1..]
        .chunks_exact(2)
        .map(|pair| (pair[0], digit(pair[1])))
        .collect();
    (digit(chars[0]), rest)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Uniform;
    use crate::task::TaskSpec;
    use StepVerdict::{Malformed, Recheck, Right, WrongCopy, WrongResult};
    use proptest::prelude::*;

    fn example() -> (Modchain, Problem) {
        // 7*3=21 -> 1; 1-8=-7 -> 3; 3+5=8.
        let problem = Problem {
            prompt: "7*3-8+5=".into(),
            gold: "8".into(),
            difficulty: 3,
        };
        (Modchain::default(), problem)
    }

    #[test]
    fn the_example_of_the_documentation_verifies() {
        let (task, problem) = example();
        let text = task.long_chain(&problem, 0.0, &mut Uniform::new(0, "t").stream(0, 0));
        assert_eq!(text, "7*3=1;1-8=3;3+5=8;A8");
        let verdict = task.verify(&problem, &text, true);
        assert!(verdict.correct && verdict.well_formed);
        assert_eq!(verdict.steps, [Right, Right, Right]);
    }

    #[test]
    fn each_kind_of_fault_has_its_verdict() {
        let (task, problem) = example();
        let steps = |text: &str| task.verify(&problem, text, true).steps;
        assert_eq!(steps("7*3=2;2-8=4;4+5=9;A9"), [WrongResult, Right, Right]);
        assert_eq!(steps("7*3=1;1-7=4;4+5=9;A9"), [Right, WrongCopy, Right]);
        assert_eq!(
            steps("7*3=1;1+0=1;1-8=3;3+5=8;A8"),
            [Right, Recheck, Right, Right]
        );
        assert_eq!(steps("7*3=1;-8;A8"), [Right, Malformed]);
        // A right answer after wrong steps is a right outcome all the same.
        assert!(task.verify(&problem, "A8", true).correct);
        assert!(task.verify(&problem, "9*9=9;A8", true).correct);
    }

    #[test]
    fn a_truncated_or_unparsable_completion_casts_no_vote() {
        let (task, problem) = example();
        for (text, ended) in [
            ("A8", false),
            ("A88", true),
            ("A", true),
            ("7*3=1;", true),
            ("", true),
            ("8", true),
        ] {
            let verdict = task.verify(&problem, text, ended);
            assert!(verdict.answer.is_none() && !verdict.correct, "{text}");
        }
    }

    proptest! {
        #[test]
        fn clean_chains_always_verify(seed in 0_u64..1_000_000, p in 0.0_f64..0.5) {
            let task = TaskSpec::Modchain(Modchain::default());
            let mut stream = Uniform::new(seed, "t").stream(0, 0);
            let problem = task.problem(Split::Train, &mut stream);
            let text = task.long_chain(&problem, p, &mut stream);
            let verdict = task.verify(&problem, &text, true);
            prop_assert!(verdict.correct && verdict.well_formed, "{} {text}", problem.prompt);
            prop_assert!(verdict.steps.iter().all(|s| matches!(s, Right | Recheck)));
            prop_assert_eq!(verdict.steps.iter().filter(|s| **s == Right).count() as u32, problem.difficulty);
            prop_assert_eq!(problem.split(), Split::Train);
        }

        #[test]
        fn hostile_completions_never_panic(text in "\\PC{0,60}") {
            let (task, problem) = example();
            let _ = task.verify(&problem, &text, true);
        }
    }

    #[test]
    fn splits_never_share_a_problem() {
        let task = TaskSpec::Modchain(Modchain::default());
        let mut seen = std::collections::HashMap::new();
        for split in [Split::Train, Split::Validation, Split::Test, Split::Ood] {
            for problem in task.fixed_problems(split, 500) {
                if let Some(other) = seen.insert(problem.prompt.clone(), split) {
                    assert_eq!(other, split, "{}", problem.prompt);
                }
                assert_eq!(problem.difficulty >= 5, split == Split::Ood);
            }
        }
        assert_eq!(seen.len(), 2000);
    }
}
