//! Stages whose product is data: problems in chunks, each chunk's completions added
//! to what there is, until the problems or the budget end. A step is a problem.

use super::dataset::{Example, from_bytes, to_bytes};
use super::generate::{GenerateOptions, Sampled, generate};
use super::inputs::Frozen;
use super::model::{Model, Outputs};
use super::progress::{Progress, State};
use super::sample::Sampling;
use super::tokenizer::Tokenizer;
use super::{EngineError, Recorder, Result, StageContext};
use assay_core::ledger::{Cost, forward_flops};
use assay_core::rng::{Uniform, derive_seed};
use assay_core::spec::stage::Role;
use assay_core::spec::{ModelSpec, StageBudget};
use assay_core::task::{Problem, Split};
use assay_core::wire::{Record, role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Problems a chunk.
pub const CHUNK: u32 = 16;

/// A policy to be sampled, with what its tokens cost.
#[derive(Debug)]
pub struct Sampler {
    pub spec: ModelSpec,
    pub models: Vec<Model>,
    pub tokenizer: Tokenizer,
    vocab: u32,
    seed: u64,
    cuda: bool,
}

impl Sampler {
    pub fn load(context: &StageContext, role: Role) -> Result<Self> {
        let frozen = Frozen::load(context, role, Outputs::Tokens)?;
        Ok(Self {
            spec: frozen.spec,
            models: frozen.models,
            tokenizer: frozen.tokenizer,
            vocab: frozen.vocab,
            seed: context.spec.seed,
            cuda: context.device.is_cuda(),
        })
    }

    /// Continues every prefix `samples` times; the cost counts prefixes as processed once a sample.
    pub fn sample(
        &mut self,
        prefixes: &[Vec<i64>],
        options: GenerateOptions,
        purpose: &str,
        step: u32,
    ) -> Result<(Vec<Vec<Sampled>>, Cost)> {
        if self.cuda {
            let key = derive_seed(&[&self.seed.to_string(), purpose, &step.to_string()]);
            tch::manual_seed(key as i64);
        }
        let uniform = Uniform::new(self.seed, purpose);
        let sampled = generate(&mut self.models, prefixes, options, uniform, step)?;
        let mut cost = Cost::default();
        for (prefix, group) in prefixes.iter().zip(&sampled) {
            for sample in group {
                let length = (prefix.len() + sample.tokens.len()) as u64;
                cost.tokens += length as f64;
                cost.flops += forward_flops(&self.spec, self.vocab, length);
            }
        }
        Ok((sampled, cost))
    }
}

/// How a data stage samples.
pub fn options(samples: u32, max_new: u32, temperature: f64, top_p: f64) -> GenerateOptions {
    GenerateOptions {
        samples: samples as usize,
        min_new: 0,
        max_new: max_new as usize,
        sampling: Sampling { temperature, top_p },
        stop: None,
    }
}

/// What an interrupted stage goes on from.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    state: State,
    tally: BTreeMap<String, f64>,
    examples: Vec<Example>,
}

/// A data stage at work.
#[derive(Debug)]
pub struct Collector<'a> {
    pub context: &'a StageContext,
    pub progress: Progress,
    pub examples: Vec<Example>,
    /// Counts over the whole stage, by name.
    pub tally: BTreeMap<String, f64>,
    prompts: u32,
}

impl<'a> Collector<'a> {
    pub fn start(
        context: &'a StageContext,
        prompts: u32,
        recorder: &mut dyn Recorder,
    ) -> Result<Self> {
        let saved = match &context.resume {
            None => Saved {
                state: State::default(),
                tally: BTreeMap::new(),
                examples: vec![],
            },
            Some(path) => {
                let bytes = std::fs::read(path)?;
                let (head, rest) = split(&bytes)?;
                let mut saved: Saved = serde_json::from_slice(head)
                    .map_err(|e| EngineError::Other(format!("not a readable checkpoint: {e}")))?;
                saved.examples = from_bytes(rest)?;
                saved
            }
        };
        recorder.record(Record::Started {
            from_step: saved.state.step,
            host: context.host.clone(),
        })?;
        Ok(Self {
            context,
            progress: Progress::new(saved.state, context.device),
            examples: saved.examples,
            tally: saved.tally,
            prompts,
        })
    }

    pub fn count(&mut self, name: &str, amount: f64) {
        *self.tally.entry(name.to_string()).or_default() += amount;
    }

    /// The share of one count in another, if there is anything to share.
    pub fn rate(&self, part: &str, whole: &str) -> Option<f64> {
        let of = |name: &str| self.tally.get(name).copied().unwrap_or(0.0);
        (of(whole) > 0.0).then(|| of(part) / of(whole))
    }

    /// The next problems of the stage, or none: all are done, or the budget has no room
    /// for another chunk like those before it.
    pub fn next(&self) -> Vec<Problem> {
        let done = self.progress.state.step as u32;
        if done >= self.prompts {
            return vec![];
        }
        if let Some(budget) = &self.context.spec.budget
            && done > 0
            && self.expected(budget) + self.progress.used(budget.unit) > budget.amount
        {
            return vec![];
        }
        let draws = Uniform::new(self.context.spec.seed, "data-problems");
        let task = &self.context.spec.task;
        (done..self.prompts.min(done + CHUNK))
            .map(|i| task.problem(Split::Train, &mut draws.stream(i, 0)))
            .collect()
    }

    fn expected(&self, budget: &StageBudget) -> f64 {
        let chunks = self.progress.state.step as f64 / f64::from(CHUNK);
        self.progress.used(budget.unit) / chunks.max(1e-9)
    }

    /// Closes a chunk: records it, and stops if asked to.
    pub fn end_chunk(
        &mut self,
        recorder: &mut dyn Recorder,
        problems: usize,
        metrics: BTreeMap<String, f64>,
    ) -> Result<()> {
        self.progress.state.step += problems as u64;
        let step = self.progress.state.step;
        recorder.record(Record::Step {
            step,
            cum: self.progress.state.cum,
            metrics,
        })?;
        recorder.record(Record::Ledger {
            step,
            costs: std::mem::take(&mut self.progress.pending),
            supervision: std::mem::take(&mut self.progress.supervision),
        })?;
        let stop = recorder.should_stop();
        if stop || step.is_multiple_of(u64::from(CHUNK) * 16) {
            let saved = Saved {
                state: self.progress.state.clone(),
                tally: self.tally.clone(),
                examples: vec![],
            };
            let head = serde_json::to_vec(&saved).map_err(|e| EngineError::Other(e.to_string()))?;
            let mut bytes = (head.len() as u64).to_le_bytes().to_vec();
            bytes.extend(head);
            bytes.extend(to_bytes(&self.examples)?);
            recorder.artifact(role::RESUME, step, &bytes)?;
        }
        if stop {
            return Err(EngineError::Preempted { step });
        }
        Ok(())
    }

    /// Hands over the data. Nothing collected is a finding, not an accident: the stage
    /// succeeds with an alarm, and what needs the data says that there is none.
    pub fn finish(&mut self, recorder: &mut dyn Recorder) -> Result<()> {
        let step = self.progress.state.step;
        if self.examples.is_empty() {
            recorder.record(Record::Event {
                step,
                level: assay_core::wire::Level::Alarm,
                text: "no completion was kept".into(),
            })?;
        }
        recorder.artifact(role::OUTPUT, step, &to_bytes(&self.examples)?)
    }
}

/// Length-prefixed head, and the rest.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let broken = || EngineError::Other("not a readable checkpoint: it is cut off".into());
    let (size, rest) = bytes.split_first_chunk::<8>().ok_or_else(broken)?;
    let size = usize::try_from(u64::from_le_bytes(*size)).map_err(|_| broken())?;
    if rest.len() < size {
        return Err(broken());
    }
    Ok(rest.split_at(size))
}
