//! Group-relative policy optimisation (DeepSeekMath, section 4.1; DAPO, Dr. GRPO
//! as `loss_type`). Fields carry TRL's names.
//!
//! Deviations: with one update a rollout the old log-probabilities are the new
//! ones (the ratio is 1 and no pass is spent on them); the sampler's own
//! log-probabilities are compared with them and the difference is recorded.

use super::batch::{Padded, Sequence, evaluate, gradients, micro_batches};
use super::generate::{GenerateOptions, Sampled, generate};
use super::inputs::{load_weights, models_over};
use super::math::{advantages, surrogate, token_logprobs, token_weights};
use super::sample::Sampling;
use super::trainer::Trainer;
use super::{EngineError, Recorder, Result, StageContext};
use assay_core::ledger::{Cost, forward_flops, purpose};
use assay_core::metric;
use assay_core::rng::Uniform;
use assay_core::spec::stage::Role;
use assay_core::spec::training::{GrpoParams, OptimParams};
use assay_core::task::{Problem, Split, Verdict};
use assay_core::wire::{CompletionItem, Record};
use std::collections::BTreeMap;
use std::time::Instant;
use tch::{Kind, Tensor};

/// Groups of a step that are stored with their texts.
const STORED_GROUPS: usize = 2;

/// One step's problems, completions and judgements, completions of a group together.
struct Rollout {
    problems: Vec<Problem>,
    sequences: Vec<Sequence>,
    sampled: Vec<Sampled>,
    verdicts: Vec<Verdict>,
    texts: Vec<String>,
    rewards: Vec<f64>,
    advantages: Vec<f64>,
}

pub fn train(
    context: &StageContext,
    optim: &OptimParams,
    params: &GrpoParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut trainer = Trainer::start(context, optim, recorder)?;
    if params.beta > 0.0 && trainer.reference.is_none() {
        let given = load_weights(context, Role::Reference)?;
        trainer.reference = Some(given.unwrap_or_else(|| trainer.weights.copy()));
    }
    let limit = params.max_steps.map_or(u64::MAX, u64::from);
    let mut ended_by_budget = false;
    while trainer.step() < limit {
        let started = Instant::now();
        let rollout = roll_out(&mut trainer, params)?;
        let rollout_ms = started.elapsed().as_secs_f64() * 1e3;
        let (rolled, learned) = costs(&trainer, params, &rollout);
        let mut schedule = trainer.step() as f64 / limit as f64;
        if let Some(budget) = &context.spec.budget {
            let mut step = rolled;
            step += learned;
            if trainer.step() == 0 && trainer.progress.exceeds(budget, &step) {
                return Err(EngineError::BadConfig(
                    "the budget is smaller than one step".into(),
                ));
            }
            // The state before this step is the last one within the milestone.
            let over = trainer.progress.exceeds(budget, &step);
            let what = if over {
                purpose::DISCARDED
            } else {
                purpose::ROLLOUT
            };
            while let Some((percent, _)) = trainer.progress.crosses(budget, &step) {
                trainer.milestone(recorder, percent)?;
            }
            schedule = schedule.max(trainer.progress.used(budget.unit) / budget.amount);
            trainer.progress.book(what, rolled.tokens, rolled.flops);
            if over {
                ended_by_budget = true;
                break;
            }
        } else {
            trainer
                .progress
                .book(purpose::ROLLOUT, rolled.tokens, rolled.flops);
        }
        trainer
            .progress
            .supervise("verifier_calls", rollout.sequences.len() as u64);
        let updating = Instant::now();
        let mut metrics = learn(&mut trainer, params, &rollout, schedule)?;
        describe(params, &rollout, &mut metrics);
        metrics.insert(metric::ROLLOUT_MS.into(), rollout_ms);
        metrics.insert(
            metric::UPDATE_MS.into(),
            updating.elapsed().as_secs_f64() * 1e3,
        );
        let generated: usize = rollout.sampled.iter().map(|s| s.tokens.len()).sum();
        metrics.insert(
            metric::TOKENS_PER_SECOND.into(),
            generated as f64 / started.elapsed().as_secs_f64(),
        );
        if trainer
            .step()
            .is_multiple_of(u64::from(params.sample_steps))
        {
            recorder.record(Record::Completions {
                step: trainer.step() + 1,
                items: stored(params, &rollout),
            })?;
        }
        if params.ref_refresh_steps > 0
            && (trainer.step() + 1).is_multiple_of(u64::from(params.ref_refresh_steps))
        {
            trainer.reference = Some(trainer.weights.copy());
        }
        trainer.end_step(recorder, metrics, params.checkpoint_steps)?;
    }
    if !ended_by_budget && let Some(budget) = &context.spec.budget {
        // Ended by max_steps: what the budget's later milestones would show is this state.
        if trainer.progress.state.milestones < budget.milestones.len() {
            let (percent, _) = budget.milestones[trainer.progress.state.milestones];
            trainer.milestone(recorder, percent)?;
        }
    }
    trainer.finish(recorder)
}

fn roll_out(trainer: &mut Trainer<'_>, params: &GrpoParams) -> Result<Rollout> {
    let spec = &trainer.context.spec;
    let step = trainer.step() as u32;
    let draws = Uniform::new(spec.seed, "problems");
    let problems: Vec<Problem> = (0..params.prompts_per_step)
        .map(|i| spec.task.problem(Split::Train, &mut draws.stream(step, i)))
        .collect();
    let prompts: Vec<Vec<i64>> = problems
        .iter()
        .map(|p| trainer.tokenizer.prompt(&p.prompt))
        .collect();
    let options = GenerateOptions {
        samples: params.num_generations as usize,
        min_new: params.min_completion_length as usize,
        max_new: params.max_completion_length as usize,
        sampling: Sampling {
            temperature: params.temperature,
            top_p: params.top_p,
        },
    };
    if trainer.context.device.is_cuda() {
        let key =
            assay_core::rng::derive_seed(&[&spec.seed.to_string(), "sample", &step.to_string()]);
        tch::manual_seed(key as i64);
    }
    let groups = generate(
        &mut trainer.models,
        &prompts,
        options,
        Uniform::new(spec.seed, "sample"),
        step,
    )?;
    let mut rollout = Rollout {
        sequences: vec![],
        sampled: vec![],
        verdicts: vec![],
        texts: vec![],
        rewards: vec![],
        advantages: vec![],
        problems,
    };
    for ((problem, prompt), group) in rollout.problems.iter().zip(&prompts).zip(groups) {
        for sampled in group {
            let text = trainer.tokenizer.decode(&sampled.tokens);
            let verdict = spec.task.verify(problem, &text, sampled.ended);
            let format = if verdict.well_formed {
                params.format_reward
            } else {
                0.0
            };
            rollout
                .rewards
                .push(f64::from(u8::from(verdict.correct)) + format);
            let mut tokens = prompt.clone();
            tokens.extend(&sampled.tokens);
            rollout.sequences.push(Sequence {
                tokens,
                target_from: prompt.len(),
            });
            rollout.verdicts.push(verdict);
            rollout.texts.push(text);
            rollout.sampled.push(sampled);
        }
    }
    rollout.advantages = advantages(
        &rollout.rewards,
        params.num_generations as usize,
        params.scale_rewards,
    );
    Ok(rollout)
}

/// Reference FLOPs of the rollout, and of everything that follows it in the step.
fn costs(trainer: &Trainer<'_>, params: &GrpoParams, rollout: &Rollout) -> (Cost, Cost) {
    let model = &trainer.context.spec.model;
    let forward = Cost {
        tokens: rollout
            .sequences
            .iter()
            .map(|s| s.tokens.len() as f64)
            .sum(),
        flops: rollout
            .sequences
            .iter()
            .map(|s| forward_flops(model, trainer.vocab, s.tokens.len() as u64))
            .sum(),
        device_ms: 0.0,
    };
    let passes = f64::from(params.num_iterations);
    let mut learned = Cost {
        tokens: forward.tokens * passes,
        flops: 3.0 * forward.flops * passes,
        device_ms: 0.0,
    };
    for used in [needs_old(params), params.beta > 0.0] {
        if used {
            learned += forward;
        }
    }
    (forward, learned)
}

/// With one update a rollout, old and new log-probabilities are the same numbers.
fn needs_old(params: &GrpoParams) -> bool {
    params.num_iterations > 1 || params.minibatches > 1
}

/// All updates of one rollout. Returns the step's metrics.
fn learn(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    rollout: &Rollout,
    schedule: f64,
) -> Result<BTreeMap<String, f64>> {
    let model = trainer.context.spec.model.clone();
    let vocab = trainer.vocab;
    let forward = |s: &Sequence| forward_flops(&model, vocab, s.tokens.len() as u64);
    let tokens: f64 = rollout
        .sequences
        .iter()
        .map(|s| s.tokens.len() as f64)
        .sum();
    let flops: f64 = rollout.sequences.iter().map(forward).sum();
    let old = if needs_old(params) {
        Some(score(trainer, params, rollout, None)?)
    } else {
        None
    };
    if old.is_some() {
        trainer.progress.book(purpose::UPDATE, tokens, flops);
    }
    let reference = match trainer
        .reference
        .as_ref()
        .filter(|_| params.beta > 0.0)
        .map(Tensor::shallow_clone)
    {
        None => None,
        Some(flat) => {
            let scores = score(trainer, params, rollout, Some(&flat))?;
            trainer.progress.book(purpose::REFERENCE, tokens, flops);
            Some(scores)
        }
    };
    let order = Uniform::new(trainer.context.spec.seed, "minibatches");
    let mut sums = Sums::default();
    let learning_rate = trainer.optim.learning_rate(schedule);
    for iteration in 0..params.num_iterations {
        let mut indices: Vec<usize> = (0..rollout.sequences.len()).collect();
        if params.minibatches > 1 {
            order
                .stream(trainer.step() as u32, iteration)
                .shuffle(&mut indices);
        }
        let size = indices.len().div_ceil(params.minibatches as usize);
        for minibatch in indices.chunks(size) {
            let rate = trainer.optim.learning_rate(schedule);
            let (gradient, stats) = gradient(
                trainer,
                params,
                rollout,
                minibatch,
                old.as_deref(),
                reference.as_deref(),
            )?;
            trainer.finite(metric::LOSS, stats[0])?;
            sums.norm += trainer.update(&gradient, rate)?;
            sums.add(&stats);
        }
    }
    let passes = f64::from(params.num_iterations);
    trainer
        .progress
        .book(purpose::UPDATE, tokens * passes, 3.0 * flops * passes);
    let mut metrics = BTreeMap::from([
        (metric::LOSS.to_string(), sums.stats[0] / sums.updates),
        (metric::GRAD_NORM.to_string(), sums.norm / sums.updates),
        (metric::LEARNING_RATE.to_string(), learning_rate),
        (metric::ENTROPY.to_string(), sums.stats[2] / sums.stats[1]),
        (metric::CLIP_LOW.to_string(), sums.stats[3] / sums.stats[1]),
        (metric::CLIP_HIGH.to_string(), sums.stats[4] / sums.stats[1]),
        (
            metric::LOGPROB_MISMATCH.to_string(),
            sums.stats[6] / sums.stats[1],
        ),
    ]);
    if reference.is_some() {
        metrics.insert(metric::KL.into(), sums.stats[5] / sums.stats[1]);
    }
    Ok(metrics)
}

/// Statistics summed over tokens: [loss, tokens, entropy, low, high, kl, mismatch].
#[derive(Default)]
struct Sums {
    stats: Vec<f64>,
    norm: f64,
    updates: f64,
}

impl Sums {
    fn add(&mut self, stats: &[f64]) {
        self.stats.resize(stats.len(), 0.0);
        self.stats
            .iter_mut()
            .zip(stats)
            .for_each(|(sum, s)| *sum += s);
        self.updates += 1.0;
    }
}

/// The gradient of one optimiser step over the given completions.
fn gradient(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    rollout: &Rollout,
    minibatch: &[usize],
    old: Option<&[Vec<f32>]>,
    reference: Option<&[Vec<f32>]>,
) -> Result<(Tensor, Vec<f64>)> {
    let sequences: Vec<Sequence> = minibatch
        .iter()
        .map(|&i| rollout.sequences[i].clone())
        .collect();
    let lengths: Vec<usize> = sequences.iter().map(Sequence::targets).collect();
    let weights = token_weights(
        &lengths,
        params.loss_type,
        params.max_completion_length as usize,
        params.bnpo_batch as usize,
    );
    let micros = micro_batches(&sequences, trainer.context.spec.micro_batch as usize);
    let device = trainer.context.device;
    let column = |values: Vec<f32>| Tensor::from_slice(&values).unsqueeze(1).to_device(device);
    gradients(&mut trainer.models, &micros, |model, own| {
        let rows: Vec<&Sequence> = own.iter().map(|&i| &sequences[i]).collect();
        let batch = Padded::new(&rows, device);
        let spread = |scores: &[Vec<f32>]| {
            let values: Vec<&[f32]> = own.iter().map(|&i| &scores[minibatch[i]][..]).collect();
            batch.spread(&rows, &values)
        };
        let (logp, entropy) = token_logprobs(
            &model.forward(&batch.inputs),
            &batch.targets,
            params.temperature,
        );
        let before = old.map_or_else(|| logp.detach(), &spread);
        let advantage = column(
            own.iter()
                .map(|&i| rollout.advantages[minibatch[i]] as f32)
                .collect(),
        );
        let weight = column(own.iter().map(|&i| weights[i] as f32).collect());
        let terms = surrogate(
            &logp,
            &before,
            &advantage,
            reference.map(&spread).as_ref(),
            (params.epsilon, params.epsilon_high, params.beta),
        );
        let loss = (terms.loss * &batch.mask * weight).sum(Kind::Float);
        let drawn: Vec<&[f32]> = own
            .iter()
            .map(|&i| &rollout.sampled[minibatch[i]].logprobs[..])
            .collect();
        let mismatch = (before - batch.spread(&rows, &drawn)).abs();
        let masked = |t: &Tensor| (t * &batch.mask).sum(Kind::Float);
        let zero = batch.mask.zeros_like();
        let stats = Tensor::stack(
            &[
                loss.detach(),
                batch.mask.sum(Kind::Float),
                masked(&entropy),
                masked(&terms.clipped_low),
                masked(&terms.clipped_high),
                masked(terms.kl.as_ref().unwrap_or(&zero)),
                masked(&mismatch),
            ],
            0,
        );
        Ok((loss, Vec::try_from(stats.to_kind(Kind::Double))?))
    })
}

/// Log-probabilities of the sampled tokens, one list a completion: under the
/// present weights, or under other ones.
fn score(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    rollout: &Rollout,
    weights: Option<&Tensor>,
) -> Result<Vec<Vec<f32>>> {
    let context = trainer.context;
    let micros = micro_batches(&rollout.sequences, context.spec.micro_batch as usize);
    let mut others = weights.map(|flat| {
        let kind = if context.device.is_cuda() {
            Kind::BFloat16
        } else {
            Kind::Float
        };
        models_over(context, &flat.to_kind(kind), false)
    });
    let models = others.as_mut().unwrap_or(&mut trainer.models);
    let parts = evaluate(models, &micros, |model, own| {
        let rows: Vec<&Sequence> = own.iter().map(|&i| &rollout.sequences[i]).collect();
        let batch = Padded::new(&rows, context.device);
        let (logp, _) = token_logprobs(
            &model.forward(&batch.inputs),
            &batch.targets,
            params.temperature,
        );
        let width = logp.size()[1] as usize;
        let all: Vec<f32> = Vec::try_from(logp.contiguous().view(-1))?;
        let cut = |row: usize, s: &Sequence| {
            let at = row * width + s.target_from - 1;
            all[at..at + s.targets()].to_vec()
        };
        Ok(rows
            .iter()
            .enumerate()
            .map(|(row, s)| cut(row, s))
            .collect::<Vec<_>>())
    })?;
    let mut out = vec![vec![]; rollout.sequences.len()];
    for (micro, part) in micros.iter().zip(parts) {
        for (&index, scores) in micro.iter().zip(part) {
            out[index] = scores;
        }
    }
    Ok(out)
}

/// The rollout's own metrics.
fn describe(params: &GrpoParams, rollout: &Rollout, metrics: &mut BTreeMap<String, f64>) {
    let n = rollout.rewards.len() as f64;
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n;
    let share = |values: &mut dyn Iterator<Item = bool>| values.filter(|v| *v).count() as f64 / n;
    let reward = mean(&mut rollout.rewards.iter().copied());
    let variance = rollout
        .rewards
        .iter()
        .map(|r| (r - reward).powi(2))
        .sum::<f64>()
        / (n - 1.0);
    let groups = rollout.rewards.chunks(params.num_generations as usize);
    let flat = groups
        .clone()
        .filter(|g| g.iter().all(|r| *r == g[0]))
        .count() as f64
        / groups.len() as f64;
    for (name, value) in [
        (metric::REWARD_MEAN, reward),
        (metric::REWARD_STD, variance.sqrt()),
        (
            metric::ACCURACY,
            share(&mut rollout.verdicts.iter().map(|v| v.correct)),
        ),
        (
            metric::FORMAT,
            share(&mut rollout.verdicts.iter().map(|v| v.well_formed)),
        ),
        (
            metric::COMPLETION_LENGTH,
            mean(&mut rollout.sampled.iter().map(|s| s.tokens.len() as f64)),
        ),
        (
            metric::TRUNCATED_SHARE,
            share(&mut rollout.sampled.iter().map(|s| !s.ended)),
        ),
        (metric::ZERO_STD_GROUPS, flat),
    ] {
        metrics.insert(name.into(), value);
    }
}

/// The first groups of the step with their texts.
fn stored(params: &GrpoParams, rollout: &Rollout) -> Vec<CompletionItem> {
    let group = params.num_generations as usize;
    (0..rollout.texts.len().min(STORED_GROUPS * group))
        .map(|i| CompletionItem {
            group: (i / group) as u32,
            index: (i % group) as u32,
            prompt: rollout.problems[i / group].prompt.clone(),
            gold: rollout.problems[i / group].gold.clone(),
            completion: rollout.texts[i].clone(),
            reward: rollout.rewards[i],
            advantage: rollout.advantages[i],
            length: rollout.sampled[i].tokens.len() as u32,
            truncated: !rollout.sampled[i].ended,
            correct: rollout.verdicts[i].correct,
        })
        .collect()
}
