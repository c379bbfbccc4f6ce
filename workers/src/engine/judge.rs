//! A trained judge at work: scores of a solution's steps (`prm`) or of its end
//! (`orm`), and how a list of them becomes one number.

use super::batch::{Padded, Sequence, evaluate, micro_batches};
use super::dataset::{has_answer, step_ends};
use super::inputs::Frozen;
use super::model::{Model, Outputs};
use super::tokenizer::Tokenizer;
use super::{Result, StageContext};
use assay_core::ledger::{Cost, forward_flops};
use assay_core::spec::judge::AnswerStep;
use assay_core::spec::stage::Role;
use tch::Tensor;

pub use assay_core::judged::{auc_within, credit};

#[derive(Debug)]
pub struct JudgeModel {
    frozen: Frozen,
    tokenizer: Tokenizer,
    vocab: u32,
    micro_batch: usize,
}

/// A text to be judged.
#[derive(Debug, Clone)]
pub struct Solution<'a> {
    pub prompt: &'a str,
    pub completion: &'a str,
    pub ended: bool,
}

impl JudgeModel {
    pub fn load(context: &StageContext, role: Role) -> Result<Self> {
        let frozen = Frozen::load(context, role, Outputs::TokensAndScore)?;
        Ok(Self {
            tokenizer: frozen.tokenizer.clone(),
            vocab: frozen.vocab,
            frozen,
            micro_batch: context.spec.micro_batch as usize,
        })
    }

    /// The probability that each step is right, the answer's piece included or not.
    pub fn step_scores(
        &mut self,
        solutions: &[Solution<'_>],
        answer: AnswerStep,
    ) -> Result<(Vec<Vec<f32>>, Cost)> {
        let ends = |s: &Solution<'_>| {
            let mut ends = step_ends(s.completion, s.ended);
            if answer == AnswerStep::Ignored && has_answer(s.completion) {
                ends.pop();
            }
            ends
        };
        self.scores(solutions, ends)
    }

    /// The probability that each whole solution is right.
    pub fn outcome_scores(&mut self, solutions: &[Solution<'_>]) -> Result<(Vec<f32>, Cost)> {
        let last = |s: &Solution<'_>| {
            let length = s.completion.chars().count();
            vec![if s.ended { length } else { length.max(1) - 1 }]
        };
        let (scores, cost) = self.scores(solutions, last)?;
        Ok((scores.into_iter().map(|s| s[0]).collect(), cost))
    }

    /// The value of each partial solution at its last token.
    pub fn prefix_values(&mut self, prefixes: &[Vec<i64>]) -> Result<Vec<f32>> {
        values_of(&mut self.frozen.models, prefixes, self.micro_batch)
    }

    /// FLOPs of valuing the tokens of a prefix after its first `known` ones.
    pub fn flops(&self, length: usize, known: usize) -> f64 {
        forward_flops(&self.frozen.spec, self.vocab, length as u64)
            - forward_flops(&self.frozen.spec, self.vocab, known as u64)
    }

    fn scores(
        &mut self,
        solutions: &[Solution<'_>],
        ends: impl Fn(&Solution<'_>) -> Vec<usize>,
    ) -> Result<(Vec<Vec<f32>>, Cost)> {
        let mut cost = Cost::default();
        let mut positions = vec![];
        let mut sequences = vec![];
        for solution in solutions {
            let sequence = sequence(&self.tokenizer, solution);
            let from = sequence.target_from;
            positions.push(ends(solution).iter().map(|end| from + end).collect());
            cost.tokens += sequence.tokens.len() as f64;
            cost.flops +=
                forward_flops(&self.frozen.spec, self.vocab, sequence.tokens.len() as u64);
            sequences.push(sequence);
        }
        let scores = scores_at(
            &mut self.frozen.models,
            &sequences,
            &positions,
            self.micro_batch,
        )?;
        Ok((scores, cost))
    }
}

/// The scalar head's probabilities at the given positions of each sequence.
pub fn scores_at(
    models: &mut [Model],
    sequences: &[Sequence],
    positions: &[Vec<usize>],
    micro_batch: usize,
) -> Result<Vec<Vec<f32>>> {
    let micros = micro_batches(sequences, micro_batch);
    let parts = evaluate(models, &micros, |model, own| {
        let rows: Vec<&Sequence> = own.iter().map(|&i| &sequences[i]).collect();
        let ids = Padded::whole(&rows, model.device());
        let scores = model.scores(&model.hidden(&ids)).sigmoid();
        let width = scores.size()[1] as usize;
        let all: Vec<f32> = Vec::try_from(scores.contiguous().view(-1))?;
        Ok(own
            .iter()
            .enumerate()
            .map(|(row, &i)| {
                let at = |p: &usize| all[row * width + p];
                positions[i].iter().map(at).collect::<Vec<f32>>()
            })
            .collect::<Vec<_>>())
    })?;
    let mut out = vec![vec![]; sequences.len()];
    for (micro, part) in micros.iter().zip(parts) {
        for (&index, scores) in micro.iter().zip(part) {
            out[index] = scores;
        }
    }
    Ok(out)
}

/// The value of each partial solution at its last token.
pub fn values_of(
    models: &mut [Model],
    prefixes: &[Vec<i64>],
    micro_batch: usize,
) -> Result<Vec<f32>> {
    let sequences: Vec<Sequence> = prefixes
        .iter()
        .map(|tokens| Sequence {
            tokens: tokens.clone(),
            target_from: 1,
        })
        .collect();
    let at: Vec<Vec<usize>> = prefixes.iter().map(|p| vec![p.len() - 1]).collect();
    let scores = scores_at(models, &sequences, &at, micro_batch)?;
    Ok(scores.into_iter().map(|s| s[0]).collect())
}

/// Prompt and completion, closed with the end mark if it was.
pub fn sequence(tokenizer: &Tokenizer, solution: &Solution<'_>) -> Sequence {
    let mut tokens = tokenizer.prompt(solution.prompt);
    let target_from = tokens.len();
    tokens.extend(tokenizer.encode(solution.completion));
    if solution.ended || tokens.len() == target_from {
        tokens.push(tokenizer.end);
    }
    Sequence {
        tokens,
        target_from,
    }
}

/// The binary cross-entropy's two logits-side terms, averaged outside: softplus(x) - label x.
pub fn bce(logits: &Tensor, labels: &Tensor) -> Tensor {
    logits.softplus() - logits * labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cross_entropy_agrees_with_hand_computed_cases() {
        let logits = Tensor::from_slice(&[0.0_f64, 2.0, -1.0]);
        let labels = Tensor::from_slice(&[1.0_f64, 0.0, 0.25]);
        let found: Vec<f64> = Vec::try_from(bce(&logits, &labels)).unwrap();
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let by_hand = |x: f64, y: f64| -(y * sigmoid(x).ln() + (1.0 - y) * (1.0 - sigmoid(x)).ln());
        for ((x, y), f) in [(0.0, 1.0), (2.0, 0.0), (-1.0, 0.25)].iter().zip(found) {
            assert!((f - by_hand(*x, *y)).abs() < 1e-12);
        }
    }
}
