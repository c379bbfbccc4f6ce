//! What a tree's compute buys without a tree: whole samples of the same policy, as many
//! as fit into the tree's cost. Drawn for the few trees that are stored to be looked at,
//! from a random stream of their own; recorded as evaluation, never charged.

use super::collect::options;
use super::forest::{Grown, Searcher, Terminals, Values};
use super::generate::generate;
use super::judge::values_of;
use super::{EngineError, Result};
use assay_core::ledger::Cost;
use assay_core::rng::Uniform;
use assay_core::trees::{Picked, WholeSamples};

/// Samples drawn at a time, and the most for one tree.
const AT_ONCE: u32 = 8;
const MOST: u32 = 256;

/// The samples of one tree's problem.
#[derive(Debug, Default)]
struct Taken {
    prefixes: Vec<Vec<i64>>,
    correct: Vec<bool>,
    cost: Cost,
    /// The next sample would have cost more than the tree.
    full: bool,
}

impl Searcher<'_> {
    /// One result a tree, and what all samples have cost, those that no longer fitted too.
    pub fn whole_samples(&mut self, forest: &[Grown]) -> Result<(Vec<WholeSamples>, Cost)> {
        let mut spent = Cost::default();
        let mut taken: Vec<Taken> = forest.iter().map(|_| Taken::default()).collect();
        let options = options(
            AT_ONCE,
            self.params.max_completion_length,
            self.params.temperature,
            1.0,
        );
        let uniform = Uniform::new(self.seed, &format!("tree-whole-{}", self.round));
        for round in 0..MOST / AT_ONCE {
            let open: Vec<usize> = (0..forest.len()).filter(|&i| !taken[i].full).collect();
            if open.is_empty() {
                break;
            }
            let prompts: Vec<Vec<i64>> = open
                .iter()
                .map(|&i| forest[i].tree.prompt_tokens.clone())
                .collect();
            let sampled = generate(self.models, &prompts, options, uniform, round)?;
            for ((&i, prompt), samples) in open.iter().zip(&prompts).zip(sampled) {
                for sample in samples {
                    let cost = self.whole_cost(prompt.len() + sample.tokens.len());
                    spent += cost;
                    let own = &mut taken[i];
                    own.full |= own.cost.flops + cost.flops > forest[i].cost.flops;
                    if own.full {
                        continue;
                    }
                    own.cost += cost;
                    let text = self.tokenizer.decode(&sample.tokens);
                    let verdict = self.task.verify(&forest[i].problem, &text, sample.ended);
                    own.correct.push(verdict.correct);
                    own.prefixes.push([&prompt[..], &sample.tokens].concat());
                }
            }
        }
        let picked = taken.iter().map(|own| self.pick(own));
        Ok((picked.collect::<Result<_>>()?, spent))
    }

    /// Prompt and completion, and the judge's pass over them where one values.
    fn whole_cost(&self, length: usize) -> Cost {
        let mut cost = Cost {
            tokens: length as f64,
            flops: self.flops(length, 0),
            device_ms: 0.0,
        };
        if let Values::Judge(judge) = &self.values {
            cost.tokens += length as f64;
            cost.flops += judge.flops(length, 0);
        }
        cost
    }

    /// By the same word that finished paths of the tree go by.
    fn pick(&mut self, own: &Taken) -> Result<WholeSamples> {
        let right = own.correct.iter().filter(|c| **c).count() as u32;
        let (picked, correct) = match self.terminals {
            Terminals::Verified => (Picked::ByVerifier, right > 0),
            Terminals::Valued if own.prefixes.is_empty() => (Picked::ByValue, false),
            Terminals::Valued => {
                let values = match &mut self.values {
                    Values::Judge(judge) => judge.prefix_values(&own.prefixes)?,
                    Values::Own => values_of(self.models, &own.prefixes, self.micro_batch)?,
                    Values::Rollout | Values::Oracle => {
                        return Err(EngineError::BadConfig(
                            "finished paths cannot be valued without a network".into(),
                        ));
                    }
                };
                // The first of equals.
                let best =
                    (0..values.len()).reduce(|a, b| if values[b] > values[a] { b } else { a });
                (Picked::ByValue, best.is_some_and(|i| own.correct[i]))
            }
        };
        Ok(WholeSamples {
            n: own.correct.len() as u32,
            cost: own.cost,
            right,
            picked,
            correct,
            capped: !own.full,
        })
    }
}
