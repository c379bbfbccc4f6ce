//! A prompt of `dag` as what it says.

use super::NAMES;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operand {
    Digit(u32),
    Name(char),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Definition {
    Constant(u32),
    Operation(Operand, char, Operand),
}

#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) definitions: BTreeMap<char, Definition>,
    pub(super) query: char,
    /// What the query needs, each after what it is made of.
    pub(super) needed: Vec<char>,
}

impl Parsed {
    /// Reads a prompt in L1.
    pub(super) fn new(prompt: &str) -> Self {
        let (list, query) = prompt.split_once('?').unwrap_or_default();
        let definitions = list.split(',').filter_map(definition).collect();
        let mut parsed = Self {
            definitions,
            query: query.chars().next().unwrap_or('a'),
            needed: vec![],
        };
        parsed.need(parsed.query, &mut BTreeSet::new());
        parsed
    }

    /// `seen` ends the walk where a prompt that is not ours defines names in a circle.
    fn need(&mut self, name: char, seen: &mut BTreeSet<char>) {
        if !seen.insert(name) {
            return;
        }
        if let Some(Definition::Operation(left, _, right)) = self.definitions.get(&name).copied() {
            for operand in [left, right] {
                if let Operand::Name(name) = operand {
                    self.need(name, seen);
                }
            }
        }
        self.needed.push(name);
    }

    /// What stands for a name once everything is put in.
    pub(super) fn worked(&self, name: char) -> String {
        match self.definitions.get(&name) {
            None => String::new(),
            Some(Definition::Constant(digit)) => digit.to_string(),
            Some(Definition::Operation(left, op, right)) => {
                let [mut left, mut right] = [*left, *right].map(|operand| match operand {
                    Operand::Digit(digit) => digit.to_string(),
                    Operand::Name(name) => self.worked(name),
                });
                if *op != '-' && right < left {
                    std::mem::swap(&mut left, &mut right);
                }
                format!("({left}{op}{right})")
            }
        }
    }
}

fn operand(c: char) -> Option<Operand> {
    match c.to_digit(10) {
        Some(digit) => Some(Operand::Digit(digit)),
        None => NAMES.contains(c).then_some(Operand::Name(c)),
    }
}

fn definition(text: &str) -> Option<(char, Definition)> {
    let chars: Vec<char> = text.chars().collect();
    match chars[..] {
        [name, '=', digit] => Some((name, Definition::Constant(digit.to_digit(10)?))),
        [name, '=', left, op, right] => {
            let operation = Definition::Operation(operand(left)?, op, operand(right)?);
            Some((name, operation))
        }
        _ => None,
    }
}
