//! What a decoder gives: one answer a problem at each level of cost.

use super::{Recorder, Result};
use assay_core::ledger::Cost;
use assay_core::task::{Problem, Split};
use assay_core::wire::{Cumulative, EvaluationItem, EvaluationRecord, Record};

/// One of the answers that share the top: its text's length and whether it is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub answer: Option<String>,
    pub correct: bool,
    /// Tokens.
    pub length: u32,
    pub ended: bool,
}

/// All answers to one level, one list a problem (several where they tie), and the cost.
#[derive(Debug, Default)]
pub struct Level {
    pub choices: Vec<Vec<Choice>>,
    pub cost: Cost,
}

/// How it was sampled, for the record.
#[derive(Debug, Clone, Copy)]
pub struct Sampled {
    pub temperature: f64,
    pub top_p: f64,
    pub max_completion_length: u32,
}

/// Records one level: ties count as shares; the cost is the mean a question.
pub fn record(
    recorder: &mut dyn Recorder,
    level: u32,
    problems: &[Problem],
    found: &Level,
    sampled: Sampled,
) -> Result<()> {
    let n = problems.len().max(1) as f64;
    let items = problems
        .iter()
        .zip(&found.choices)
        .map(|(problem, choices)| {
            let none = [Choice {
                answer: None,
                correct: false,
                length: 0,
                ended: false,
            }];
            let choices = if choices.is_empty() {
                &none[..]
            } else {
                choices
            };
            EvaluationItem {
                problem: problem.key(),
                difficulty: problem.difficulty,
                gold: problem.gold.clone(),
                correct: choices.iter().map(|c| c.correct).collect(),
                lengths: choices.iter().map(|c| c.length).collect(),
                truncated: choices.iter().map(|c| !c.ended).collect(),
                answers: choices.iter().map(|c| c.answer.clone()).collect(),
            }
        })
        .collect();
    recorder.record(Record::Evaluation(EvaluationRecord {
        step: u64::from(level),
        split: Split::Test,
        milestone: None,
        cum: Cumulative {
            charged: Cost {
                tokens: found.cost.tokens / n,
                flops: found.cost.flops / n,
                device_ms: found.cost.device_ms / n,
            },
            active_ms: 0.0,
        },
        temperature: sampled.temperature,
        top_p: sampled.top_p,
        max_completion_length: sampled.max_completion_length,
        items,
    }))
}
