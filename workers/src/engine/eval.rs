//! Measuring a policy: every problem sampled several times, every item kept.

use super::detectors::Detectors;
use super::generate::{GenerateOptions, generate};
use super::inputs::{load_weights, models_over, tokenizer};
use super::model::{Model, Outputs};
use super::sample::Sampling;
use super::tokenizer::Tokenizer;
use super::{EngineError, Recorder, Result, StageContext};
use assay_core::ledger::{Cost, forward_flops, purpose};
use assay_core::metric;
use assay_core::rng::Uniform;
use assay_core::spec::stage::{Role, Validation};
use assay_core::spec::training::EvalParams;
use assay_core::stats;
use assay_core::task::{Problem, Split};
use assay_core::wire::{Cumulative, EvaluationItem, EvaluationRecord, Record, role};
use std::collections::BTreeMap;
use std::io::Write;
use tch::Kind;

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub samples: u32,
    pub max_completion_length: u32,
    pub temperature: f64,
    pub top_p: f64,
}

impl From<&Validation> for Plan {
    fn from(of: &Validation) -> Self {
        Self {
            samples: of.samples,
            max_completion_length: of.max_completion_length,
            temperature: of.temperature,
            top_p: of.top_p,
        }
    }
}

#[derive(Debug)]
pub struct Measured {
    pub items: Vec<EvaluationItem>,
    /// Texts, in the order of the items' samples.
    pub texts: Vec<Vec<String>>,
    pub cost: Cost,
    pub detectors: Detectors,
}

impl Measured {
    pub fn pass_at_1(&self) -> f64 {
        let each: Vec<f64> = self
            .items
            .iter()
            .map(|i| i.correct.iter().filter(|c| **c).count() as f64 / i.correct.len() as f64)
            .collect();
        stats::mean(&each)
    }

    /// What a look at the validation split records.
    pub fn validation_metrics(&self) -> BTreeMap<String, f64> {
        let mut metrics = self.detectors.metrics("validation");
        metrics.insert(metric::VALIDATION_PASS_AT_1.into(), self.pass_at_1());
        metrics.insert(metric::VALIDATION_LENGTH.into(), self.mean_length());
        metrics
    }

    pub fn mean_length(&self) -> f64 {
        let all: Vec<f64> = self
            .items
            .iter()
            .flat_map(|i| i.lengths.iter().map(|&l| f64::from(l)))
            .collect();
        stats::mean(&all)
    }
}

/// Samples and verifies. The random numbers are those of (stage seed, `purpose`).
pub fn measure(
    context: &StageContext,
    models: &mut [Model],
    tokenizer: &Tokenizer,
    problems: &[Problem],
    plan: Plan,
    purpose: &str,
) -> Result<Measured> {
    let prompts: Vec<Vec<i64>> = problems
        .iter()
        .map(|p| tokenizer.prompt(&p.prompt))
        .collect();
    let options = GenerateOptions {
        samples: plan.samples as usize,
        min_new: 0,
        max_new: plan.max_completion_length as usize,
        sampling: Sampling {
            temperature: plan.temperature,
            top_p: plan.top_p,
        },
        stop: None,
    };
    if context.device.is_cuda() {
        tch::manual_seed(
            assay_core::rng::derive_seed(&[&context.spec.seed.to_string(), purpose]) as i64,
        );
    }
    let sampled = generate(
        models,
        &prompts,
        options,
        Uniform::new(context.spec.seed, purpose),
        0,
    )?;
    let vocab = context.spec.vocab();
    let mut measured = Measured {
        items: vec![],
        texts: vec![],
        cost: Cost::default(),
        detectors: Detectors::default(),
    };
    for ((problem, prompt), group) in problems.iter().zip(&prompts).zip(sampled) {
        let mut item = EvaluationItem {
            problem: problem.key(),
            difficulty: problem.difficulty,
            correct: vec![],
            lengths: vec![],
            truncated: vec![],
            answers: vec![],
            gold: problem.gold.clone(),
        };
        let mut texts = vec![];
        for sample in group {
            let text = tokenizer.decode(&sample.tokens);
            let verdict = context.spec.task.verify(problem, &text, sample.ended);
            let task = &context.spec.task;
            measured.detectors.observe(task, problem, &text, &verdict);
            item.correct.push(verdict.correct);
            item.lengths.push(sample.tokens.len() as u32);
            item.truncated.push(!sample.ended);
            item.answers.push(verdict.answer);
            texts.push(text);
            let length = (prompt.len() + sample.tokens.len()) as u64;
            measured.cost.tokens += length as f64;
            measured.cost.flops += forward_flops(&context.spec.model, vocab, length);
        }
        measured.items.push(item);
        measured.texts.push(texts);
    }
    Ok(measured)
}

/// The `eval` stage: the final measurement of a run on each of its splits.
pub fn run(
    context: &StageContext,
    params: &EvalParams,
    splits: &[Split],
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let weights = load_weights(context, Role::Init, Outputs::Tokens)?.ok_or_else(|| {
        EngineError::BadConfig("an evaluation needs the weights of `init`".into())
    })?;
    let flat = if context.device.is_cuda() {
        weights.to_kind(Kind::BFloat16)
    } else {
        weights
    };
    let mut models = models_over(context, Outputs::Tokens, &flat, false);
    let tokenizer = tokenizer(context, Role::Init)?;
    recorder.record(Record::Started {
        from_step: 0,
        host: context.host.clone(),
    })?;
    let mut progress = super::progress::Progress::new(Default::default(), context.device);
    let plan = Plan {
        samples: params.samples,
        max_completion_length: params.max_completion_length,
        temperature: params.temperature,
        top_p: params.top_p,
    };
    for (index, &split) in splits.iter().enumerate() {
        let problems = context.spec.task.fixed_problems(split, params.problems);
        let measured = measure(
            context,
            &mut models,
            &tokenizer,
            &problems,
            plan,
            split.word(),
        )?;
        progress.book(
            purpose::EVALUATION,
            measured.cost.tokens,
            measured.cost.flops,
        );
        let step = index as u64;
        recorder.artifact(role::SAMPLES, step, &texts_file(&problems, &measured)?)?;
        recorder.record(Record::Evaluation(EvaluationRecord {
            step,
            split,
            milestone: None,
            cum: Cumulative::default(),
            temperature: plan.temperature,
            top_p: plan.top_p,
            max_completion_length: plan.max_completion_length,
            items: measured.items,
        }))?;
        recorder.record(Record::Ledger {
            step,
            costs: std::mem::take(&mut progress.pending),
            supervision: BTreeMap::new(),
        })?;
        if recorder.should_stop() {
            return Err(EngineError::Preempted { step });
        }
    }
    Ok(())
}

/// Every text of an evaluation: gzipped JSON lines {prompt, gold, completions}.
fn texts_file(problems: &[Problem], measured: &Measured) -> Result<Vec<u8>> {
    let mut file = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
    for (problem, texts) in problems.iter().zip(&measured.texts) {
        let line = serde_json::json!({ "prompt": problem.prompt, "gold": problem.gold, "completions": texts });
        writeln!(file, "{line}")?;
    }
    Ok(file.finish()?)
}
