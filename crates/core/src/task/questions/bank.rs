//! The questions of a task's files.

use super::{MARK, answer};
use crate::rng::Stream;
use crate::task::{Problem, Split};
use std::collections::BTreeMap;

/// One question with what its file says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub problem: Problem,
    pub solution: Option<String>,
    /// As written.
    pub answer: String,
}

/// Which file questions come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Test,
    Ood,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Bank {
    items: Vec<Item>,
    /// Places of a split's questions.
    splits: BTreeMap<Split, Vec<usize>>,
    /// By the problem's key.
    places: BTreeMap<u64, (Split, usize)>,
}

impl Bank {
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Reads one file. A question that a file before it holds already stays where it is:
    /// nothing that is trained on is tested.
    pub(super) fn add(&mut self, part: Part, bytes: &[u8], template: &str) -> Result<(), String> {
        let text = std::str::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"))?;
        let mut own = 0;
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let item = parse(line, template).map_err(|e| format!("line {}: {e}", number + 1))?;
            let key = item.problem.key();
            if self.places.contains_key(&key) {
                continue;
            }
            let split = match part {
                Part::Test => Split::Test,
                Part::Ood => Split::Ood,
                Part::Train if key % 10 == 0 => Split::Validation,
                Part::Train => Split::Train,
            };
            self.splits.entry(split).or_default().push(self.items.len());
            self.places.insert(key, (split, self.items.len()));
            self.items.push(item);
            own += 1;
        }
        let missing = |split| !self.splits.contains_key(&split);
        if part == Part::Train && (missing(Split::Train) || missing(Split::Validation)) {
            return Err("has too few questions for a training and a validation split".into());
        }
        if own == 0 {
            return Err("holds no question that is not in a file before it".into());
        }
        Ok(())
    }

    /// # Panics
    /// Before the files are attached.
    pub(super) fn draw(&self, split: Split, stream: &mut Stream) -> Problem {
        let own = self.splits.get(&split);
        let own = own.expect("the files of the task are attached before it is drawn from");
        self.items[own[stream.below(own.len() as u32) as usize]]
            .problem
            .clone()
    }

    pub(super) fn find(&self, problem: &Problem) -> Option<&Item> {
        self.places
            .get(&problem.key())
            .map(|(_, place)| &self.items[*place])
    }

    pub(super) fn split(&self, problem: &Problem) -> Option<Split> {
        self.places.get(&problem.key()).map(|(split, _)| *split)
    }
}

fn parse(line: &str, template: &str) -> Result<Item, String> {
    let value: serde_json::Value =
        serde_json::from_str(line).map_err(|e| format!("not JSON: {e}"))?;
    let text = |key: &str| value.get(key).and_then(|v| v.as_str());
    let question = text("question")
        .or_else(|| text("problem"))
        .ok_or("has no `question`")?;
    let answer = match value.get("answer") {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        Some(_) | None => return Err("has no `answer` that is a text or a number".into()),
    };
    let (solution, answer) = match answer.rsplit_once("####") {
        Some((solution, answer)) => (Some(solution.trim()), answer.trim()),
        None => (text("solution").map(str::trim), answer.trim()),
    };
    let gold = answer::canonical(answer).ok_or("its answer is empty or too long")?;
    let steps = solution.map_or(1, |s| s.lines().filter(|l| !l.trim().is_empty()).count());
    Ok(Item {
        problem: Problem {
            prompt: template.replacen(MARK, question.trim(), 1),
            gold,
            difficulty: steps.clamp(1, 64) as u32,
        },
        solution: solution.map(without_notes),
        answer: answer.to_string(),
    })
}

/// GSM8K's solutions carry `<<48/2=24>>` beside what a reader sees.
fn without_notes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<<") {
        let Some((_, behind)) = after.split_once(">>") else {
            break;
        };
        out.push_str(before);
        rest = behind;
    }
    out + rest
}
