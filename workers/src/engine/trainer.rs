//! What every training stage has: weights on their device, an optimiser, a
//! place in the budget, and the way these are recorded, measured and saved.

use super::batch::{Padded, Sequence, gradients, micro_batches};
use super::checkpoint::{Resume, weights_to_bytes};
use super::inputs::{load_weights, models_over, tokenizer};
use super::math::token_logprobs;
use super::model::{Model, Outputs, Slot, initial_weights, layout};
use super::optim::AdamW;
use super::progress::{Progress, State};
use super::tokenizer::Tokenizer;
use super::{EngineError, Recorder, Result, StageContext, eval};
use assay_core::ledger::{Cost, purpose, training_flops};
use assay_core::metric;
use assay_core::spec::Product;
use assay_core::spec::stage::Role;
use assay_core::spec::training::OptimParams;
use assay_core::task::{Problem, Split};
use assay_core::wire::{EvaluationRecord, Level, Record, role};
use std::collections::BTreeMap;
use std::time::Duration;
use tch::{Kind, Tensor};

/// Ledger rows are written at least this often, so that a killed attempt's spending is known.
const LEDGER_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Trainer<'a> {
    pub context: &'a StageContext,
    pub tokenizer: Tokenizer,
    pub vocab: u32,
    pub outputs: Outputs,
    /// Flat, float.
    pub weights: Tensor,
    /// The same as bf16 where the device computes in it.
    compute: Option<Tensor>,
    /// One a thread, views of the weights.
    pub models: Vec<Model>,
    pub optim: AdamW,
    pub progress: Progress,
    /// Frozen copy, flat and float, where the stage keeps one.
    pub reference: Option<Tensor>,
}

impl<'a> Trainer<'a> {
    /// Starts from the `init` input or random weights, or goes on from a saved
    /// checkpoint; records which.
    pub fn start(
        context: &'a StageContext,
        optim: &OptimParams,
        outputs: Outputs,
        recorder: &mut dyn Recorder,
    ) -> Result<Self> {
        let spec = &context.spec;
        let vocab = spec.vocab();
        let resume = context
            .resume
            .as_ref()
            .map(|path| Resume::from_bytes(&std::fs::read(path)?))
            .transpose()?;
        let (weights, state) = match &resume {
            Some(resume) => {
                let state: State = serde_json::from_str(&resume.state)
                    .map_err(|e| EngineError::Other(format!("not a readable checkpoint: {e}")))?;
                (resume.weights.to_device(context.device), state)
            }
            None => {
                let start = load_weights(context, Role::Init, outputs)?;
                let weights = start.unwrap_or_else(|| {
                    initial_weights(&spec.model, vocab, spec.seed).to_device(context.device)
                });
                (weights, State::default())
            }
        };
        let decayed = layout(&spec.model, vocab, outputs)
            .iter()
            .filter(|s| s.is_matrix())
            .map(Slot::size)
            .sum();
        let mut adam = AdamW::new(optim, &weights, decayed);
        let mut reference = None;
        if let Some(resume) = resume {
            adam.exp_avg = resume.exp_avg.to_device(context.device);
            adam.exp_avg_sq = resume.exp_avg_sq.to_device(context.device);
            adam.updates = state.updates;
            reference = resume.reference.map(|r| r.to_device(context.device));
        }
        let compute = context
            .device
            .is_cuda()
            .then(|| weights.to_kind(Kind::BFloat16));
        let models = models_over(context, outputs, compute.as_ref().unwrap_or(&weights), true);
        recorder.record(Record::Started {
            from_step: state.step,
            host: context.host.clone(),
        })?;
        Ok(Self {
            context,
            tokenizer: tokenizer(context, Role::Init)?,
            vocab,
            outputs,
            weights,
            compute,
            models,
            optim: adam,
            progress: Progress::new(state, context.device),
            reference,
        })
    }

    pub fn step(&self) -> u64 {
        self.progress.state.step
    }

    /// One update of the weights. Returns the gradient's norm before clipping.
    pub fn update(&mut self, gradient: &Tensor, learning_rate: f64) -> Result<f64> {
        let norm = self.optim.step(&mut self.weights, gradient, learning_rate);
        self.finite(metric::GRAD_NORM, norm)?;
        self.progress.state.updates = self.optim.updates;
        if let Some(compute) = &mut self.compute {
            compute.copy_(&self.weights.to_kind(Kind::BFloat16));
        }
        Ok(norm)
    }

    pub fn finite(&self, metric: &'static str, value: f64) -> Result<f64> {
        if value.is_finite() {
            return Ok(value);
        }
        // The step that is being made, counted from 1.
        Err(EngineError::NotFinite {
            metric,
            step: self.step() + 1,
            value,
        })
    }

    fn weights_file(&self) -> Result<Vec<u8>> {
        weights_to_bytes(
            &self.context.spec.model,
            &self.tokenizer,
            self.vocab,
            self.outputs,
            &self.weights,
        )
    }

    /// Measures every milestone that `cost` more compute would cross: the present state
    /// is the last one within it. Returns whether the stage's budget has room for it.
    ///
    /// # Errors
    /// `BadConfig` where not even the first step has room.
    pub fn has_room(&mut self, recorder: &mut dyn Recorder, cost: &Cost) -> Result<bool> {
        let Some(budget) = &self.context.spec.budget else {
            return Ok(true);
        };
        let over = self.progress.exceeds(budget, cost);
        if over && self.step() == 0 {
            return Err(EngineError::BadConfig(
                "the budget is smaller than one step".into(),
            ));
        }
        while let Some(percent) = self.progress.crosses(budget, cost) {
            self.milestone(recorder, percent)?;
        }
        Ok(!over)
    }

    /// How far the stage is, in 0..=1, by its steps or its budget: drives schedules.
    pub fn schedule(&self, limit: Option<u32>) -> f64 {
        let steps = limit.map_or(0.0, |limit| self.step() as f64 / f64::from(limit));
        let budget = self.context.spec.budget.as_ref();
        steps.max(budget.map_or(0.0, |b| self.progress.used(b.unit) / b.amount))
    }

    /// Raises an alarm, once in the life of a stage.
    pub fn alarm(&mut self, recorder: &mut dyn Recorder, name: &str, text: String) -> Result<()> {
        if !self.progress.state.alarms.insert(name.to_string()) {
            return Ok(());
        }
        recorder.record(Record::Event {
            step: self.step() + 1,
            level: Level::Alarm,
            text,
        })
    }

    /// Prompt and completion as one sequence whose completion is to be learned.
    pub fn sequence(&self, problem: &Problem, completion: &str) -> Sequence {
        let mut tokens = self.tokenizer.prompt(&problem.prompt);
        let target_from = tokens.len();
        tokens.extend(self.tokenizer.encode(completion));
        tokens.push(self.tokenizer.end);
        Sequence {
            tokens,
            target_from,
        }
    }

    /// What training on the sequences costs.
    pub fn training_cost(&self, sequences: &[Sequence]) -> Cost {
        let lengths = sequences.iter().map(|s| s.tokens.len() as u64);
        Cost {
            tokens: lengths.clone().sum::<u64>() as f64,
            flops: lengths
                .map(|l| training_flops(&self.context.spec.model, self.vocab, l))
                .sum(),
            device_ms: 0.0,
        }
    }

    /// One supervised step: mean negative log-likelihood over all completion
    /// tokens of the batch. Returns the metrics of the step.
    pub fn supervised_step(
        &mut self,
        sequences: &[Sequence],
        schedule: f64,
        what: &str,
    ) -> Result<BTreeMap<String, f64>> {
        let started = std::time::Instant::now();
        let total = sequences.iter().map(Sequence::targets).sum::<usize>() as f64;
        let device = self.context.device;
        let micros = micro_batches(sequences, self.context.spec.micro_batch as usize);
        let (gradient, stats) = gradients(&mut self.models, &micros, |model, rows| {
            let rows: Vec<&Sequence> = rows.iter().map(|&i| &sequences[i]).collect();
            let batch = Padded::new(&rows, device);
            let (logp, _) = token_logprobs(&model.forward(&batch.inputs), &batch.targets, 1.0);
            let loss = -(logp * &batch.mask).sum(Kind::Float) / total;
            let value = loss.double_value(&[]);
            Ok((loss, vec![value]))
        })?;
        let loss = self.finite(metric::LOSS, stats[0])?;
        let learning_rate = self.optim.learning_rate(schedule);
        let norm = self.update(&gradient, learning_rate)?;
        let cost = self.training_cost(sequences);
        self.progress.book(what, cost.tokens, cost.flops);
        Ok(BTreeMap::from([
            (metric::LOSS.into(), loss),
            (metric::GRAD_NORM.into(), norm),
            (metric::LEARNING_RATE.into(), learning_rate),
            (
                metric::TOKENS_PER_SECOND.into(),
                cost.tokens / started.elapsed().as_secs_f64(),
            ),
        ]))
    }

    /// Closes a step: records it, saves when it is time, and stops if asked to.
    pub fn end_step(
        &mut self,
        recorder: &mut dyn Recorder,
        metrics: BTreeMap<String, f64>,
        checkpoint_steps: u32,
    ) -> Result<()> {
        self.progress.state.step += 1;
        recorder.record(Record::Step {
            step: self.step(),
            cum: self.progress.state.cum,
            metrics,
        })?;
        let stop = recorder.should_stop();
        if stop || self.step().is_multiple_of(u64::from(checkpoint_steps)) {
            self.save(recorder)?;
        } else if self.progress.flushed.elapsed() > LEDGER_EVERY {
            self.flush_ledger(recorder)?;
        }
        if stop {
            return Err(EngineError::Preempted { step: self.step() });
        }
        Ok(())
    }

    fn flush_ledger(&mut self, recorder: &mut dyn Recorder) -> Result<()> {
        self.progress.flushed = std::time::Instant::now();
        if self.progress.pending.is_empty() && self.progress.supervision.is_empty() {
            return Ok(());
        }
        recorder.record(Record::Ledger {
            step: self.step(),
            costs: std::mem::take(&mut self.progress.pending),
            supervision: std::mem::take(&mut self.progress.supervision),
        })
    }

    fn save(&mut self, recorder: &mut dyn Recorder) -> Result<()> {
        self.flush_ledger(recorder)?;
        let resume = Resume {
            weights: self.weights.shallow_clone(),
            exp_avg: self.optim.exp_avg.shallow_clone(),
            exp_avg_sq: self.optim.exp_avg_sq.shallow_clone(),
            reference: self.reference.as_ref().map(Tensor::shallow_clone),
            state: serde_json::to_string(&self.progress.state)
                .map_err(|e| EngineError::Other(e.to_string()))?,
        };
        recorder.artifact(role::RESUME, self.step(), &resume.to_bytes()?)
    }

    /// Measures the present weights on the validation split and keeps them as a milestone.
    pub fn milestone(&mut self, recorder: &mut dyn Recorder, percent: u32) -> Result<()> {
        self.progress.state.milestones += 1;
        if let Some(budget) = &self.context.spec.budget {
            self.progress.state.measured_at = self.progress.used(budget.unit);
        }
        let makes_policy = matches!(
            self.context.spec.job.product(),
            Product::Policy | Product::PolicyAndValue
        );
        let Some(validation) = self
            .context
            .spec
            .validation
            .clone()
            .filter(|_| makes_policy)
        else {
            return Ok(());
        };
        self.flush_ledger(recorder)?;
        let reached = self.progress.state.cum;
        let problems = self
            .context
            .spec
            .task
            .fixed_problems(Split::Validation, validation.problems);
        let plan = eval::Plan::from(&validation);
        // Every milestone draws the same random numbers: differences are the policy's.
        let measured = eval::measure(
            self.context,
            &mut self.models,
            &self.tokenizer,
            &problems,
            plan,
            "validation",
        )?;
        self.progress.book(
            purpose::EVALUATION,
            measured.cost.tokens,
            measured.cost.flops,
        );
        let metrics = measured.validation_metrics();
        let step = self.step();
        recorder.record(Record::Step {
            step,
            cum: reached,
            metrics,
        })?;
        recorder.record(Record::Evaluation(EvaluationRecord {
            step,
            split: Split::Validation,
            milestone: Some(percent),
            cum: reached,
            temperature: plan.temperature,
            top_p: plan.top_p,
            max_completion_length: plan.max_completion_length,
            items: measured.items,
        }))?;
        let weights = self.weights_file()?;
        recorder.artifact(role::MILESTONE, step, &weights)
    }

    /// Hands over the result. A stage that its steps have ended before its budget
    /// measures its last state too, at the share of the budget that it has reached.
    pub fn finish(&mut self, recorder: &mut dyn Recorder) -> Result<()> {
        if let Some(budget) = &self.context.spec.budget {
            let used = self.progress.used(budget.unit);
            let open = self.progress.state.milestones < budget.milestones.len();
            if open && used > self.progress.state.measured_at {
                self.milestone(recorder, budget.percent(used))?;
            }
        }
        self.flush_ledger(recorder)?;
        let weights = self.weights_file()?;
        recorder.artifact(role::OUTPUT, self.step(), &weights)
    }
}
