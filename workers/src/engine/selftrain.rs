//! Self-training by tree search: a round searches training problems, then the policy
//! learns the solved paths and the value head the outcomes below each node (AlphaZero's
//! loop on text; DeepSeek-R1, section 4.2, as an unsuccessful attempt).
//!
//! A step is a round: the search at the weights of its start, then the updates that
//! still have room. The verifier knows the ends of training problems.
//!
//! Deviations: policy targets are the solved paths, not visit counts, because a node's
//! continuations are sampled text; each round learns from its own trees only.

use super::batch::{Padded, Sequence, gradients, micro_batches};
use super::forest::{Grown, Noise, Searcher, Terminals, Values, describe};
use super::judge::bce;
use super::math::token_logprobs;
use super::mcts::file;
use super::model::Outputs;
use super::trainer::Trainer;
use super::{Recorder, Result, StageContext};
use assay_core::ledger::{Cost, purpose};
use assay_core::metric;
use assay_core::rng::Uniform;
use assay_core::spec::search::{SelfTrainParams, TreeParams, ValueSource};
use assay_core::spec::training::OptimParams;
use assay_core::task::{Problem, Split};
use assay_core::wire::role;
use std::collections::{BTreeMap, BTreeSet};
use tch::{Kind, Tensor};

/// Trees stored for looking at, from each round.
const STORED: usize = 4;

/// A partial solution and the mean of the outcomes below it.
#[derive(Debug, Clone)]
struct Valued {
    sequence: Sequence,
    value: f32,
}

pub fn train(
    context: &StageContext,
    optim: &OptimParams,
    params: &SelfTrainParams,
    tree: &TreeParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut trainer = Trainer::start(context, optim, Outputs::TokensAndScore, recorder)?;
    let limit = params.max_rounds.map_or(u64::MAX, u64::from);
    let mut last_round = Cost::default();
    while trainer.step() < limit {
        if trainer.step() > 0
            && let Some(budget) = &context.spec.budget
            && trainer.progress.exceeds(budget, &last_round)
        {
            // A search of the usual size would not fit: what is left is too little for a round.
            if !trainer.has_room(recorder, &last_round)? {
                break;
            }
        }
        let forest = search(&mut trainer, params, tree)?;
        last_round = forest.iter().fold(Cost::default(), |mut sum, g| {
            sum += g.cost;
            sum
        });
        if !trainer.has_room(recorder, &last_round)? {
            trainer
                .progress
                .book(purpose::DISCARDED, last_round.tokens, last_round.flops);
            break;
        }
        trainer
            .progress
            .book(purpose::SEARCH, last_round.tokens, last_round.flops);
        trainer
            .progress
            .supervise("verifier_calls", terminals(&forest) as u64);
        let stored = &forest[..forest.len().min(STORED)];
        // At the weights that have searched, before they learn.
        let (whole, compared) = searcher(&mut trainer, params, tree).whole_samples(stored)?;
        trainer
            .progress
            .book(purpose::EVALUATION, compared.tokens, compared.flops);
        let mut metrics = describe(&forest);
        metrics.extend(learn(&mut trainer, params, &forest, recorder)?);
        recorder.artifact(role::TREES, trainer.step() + 1, &file(stored, whole)?)?;
        trainer.end_step(recorder, metrics, 1)?;
    }
    trainer.finish(recorder)
}

fn terminals(forest: &[Grown]) -> usize {
    let ends = |g: &Grown| g.tree.nodes.iter().filter(|n| n.terminal.is_some()).count();
    forest.iter().map(ends).sum()
}

fn search(
    trainer: &mut Trainer<'_>,
    params: &SelfTrainParams,
    tree: &TreeParams,
) -> Result<Vec<Grown>> {
    let context = trainer.context;
    let round = trainer.step() as u32;
    let draws = Uniform::new(context.spec.seed, "problems");
    let problems: Vec<Problem> = (0..params.prompts)
        .map(|i| {
            context
                .spec
                .task
                .problem(Split::Train, &mut draws.stream(round, i))
        })
        .collect();
    let mut searcher = searcher(trainer, params, tree);
    let mut forest = searcher.plant(&problems);
    for _ in 0..params.simulations {
        if !searcher.simulate(&mut forest, |_| true)? {
            break;
        }
    }
    Ok(forest)
}

/// The present weights and the rules of this round's search.
fn searcher<'a>(
    trainer: &'a mut Trainer<'_>,
    params: &SelfTrainParams,
    tree: &'a TreeParams,
) -> Searcher<'a> {
    let context = trainer.context;
    let round = trainer.step() as u32;
    Searcher {
        models: &mut trainer.models,
        spec: &context.spec.model,
        task: &context.spec.task,
        tokenizer: &trainer.tokenizer,
        params: tree,
        values: match tree.value {
            ValueSource::Head => Values::Own,
            ValueSource::Rollout => Values::Rollout,
            ValueSource::Oracle => Values::Oracle,
        },
        terminals: Terminals::Verified,
        noise: (params.root_noise > 0.0).then_some(Noise {
            share: params.root_noise,
            alpha: params.root_alpha,
        }),
        seed: context.spec.seed,
        micro_batch: context.spec.micro_batch as usize,
        round,
    }
}

/// Distinct solved paths, at most so many a problem, in the order they were found.
fn solved(trainer: &Trainer<'_>, params: &SelfTrainParams, forest: &[Grown]) -> Vec<Sequence> {
    let mut out = vec![];
    for grown in forest {
        let mut seen = BTreeSet::new();
        for (index, node) in grown.tree.nodes.iter().enumerate() {
            let right = node.terminal.as_ref().is_some_and(|t| t.correct && t.ended);
            if right && seen.len() < params.keep_per_prompt as usize {
                let text = grown.tree.text(index);
                if seen.insert(text.clone()) {
                    out.push(trainer.sequence(&grown.problem, &text));
                }
            }
        }
    }
    out
}

/// Every node below which an outcome is known, with the mean of those outcomes: values
/// of the head itself do not teach it.
fn valued(forest: &[Grown]) -> Vec<Valued> {
    let mut out = vec![];
    for grown in forest {
        let nodes = &grown.tree.nodes;
        let mut right = vec![0.0_f32; nodes.len()];
        let mut known = vec![0.0_f32; nodes.len()];
        // Children stand behind their parents.
        for index in (0..nodes.len()).rev() {
            if let Some(terminal) = &nodes[index].terminal {
                known[index] += nodes[index].draws as f32;
                if terminal.correct {
                    right[index] += nodes[index].draws as f32;
                }
            }
            if let Some(parent) = nodes[index].parent {
                known[parent] += known[index];
                right[parent] += right[index];
            }
        }
        for index in 0..nodes.len() {
            if known[index] > 0.0 {
                out.push(Valued {
                    sequence: Sequence {
                        tokens: grown.tree.prefix(index),
                        target_from: 1,
                    },
                    value: right[index] / known[index],
                });
            }
        }
    }
    out
}

/// The round's updates, as many as have room. Returns their metrics.
fn learn(
    trainer: &mut Trainer<'_>,
    params: &SelfTrainParams,
    forest: &[Grown],
    recorder: &mut dyn Recorder,
) -> Result<BTreeMap<String, f64>> {
    let paths = solved(trainer, params, forest);
    let values = valued(forest);
    let distinct = paths.len() as f64;
    let mut metrics = BTreeMap::from([("search/solved_paths".to_string(), distinct)]);
    if paths.is_empty() {
        let text = "no path of a whole round was solved: nothing to learn from".to_string();
        trainer.alarm(recorder, "unsolved", text)?;
        return Ok(metrics);
    }
    let order = Uniform::new(trainer.context.spec.seed, "selftrain-order");
    let round = trainer.step() as u32;
    let (mut sums, mut updates) = ([0.0; 3], 0.0);
    for update in 0..params.updates {
        let mut stream = order.stream(round, update);
        let size = params.batch_size as usize;
        let learned: Vec<Sequence> = (0..size)
            .map(|_| paths[stream.below(paths.len() as u32) as usize].clone())
            .collect();
        let judged: Vec<Valued> = (0..size.min(values.len()))
            .map(|_| values[stream.below(values.len() as u32) as usize].clone())
            .collect();
        let mut all = learned.clone();
        all.extend(judged.iter().map(|v| v.sequence.clone()));
        let cost = trainer.training_cost(&all);
        if !trainer.has_room(recorder, &cost)? {
            break;
        }
        let schedule = trainer.schedule(params.max_rounds);
        let (gradient, stats) = gradient(trainer, &all, learned.len(), &judged, params)?;
        trainer.finite(metric::LOSS, stats[0] + stats[1])?;
        let rate = trainer.optim.learning_rate(schedule);
        let norm = trainer.update(&gradient, rate)?;
        trainer
            .progress
            .book(purpose::UPDATE, cost.tokens, cost.flops);
        for (sum, value) in sums.iter_mut().zip([stats[0], stats[1], norm]) {
            *sum += value;
        }
        updates += 1.0;
    }
    if updates > 0.0 {
        metrics.insert(metric::LOSS.into(), sums[0] / updates);
        metrics.insert(metric::VALUE_LOSS.into(), sums[1] / updates);
        metrics.insert(metric::GRAD_NORM.into(), sums[2] / updates);
    }
    Ok(metrics)
}

/// Mean negative log-likelihood of the paths' tokens, and the weighted mean
/// cross-entropy of the values. The first `paths` sequences are paths.
fn gradient(
    trainer: &mut Trainer<'_>,
    all: &[Sequence],
    paths: usize,
    judged: &[Valued],
    params: &SelfTrainParams,
) -> Result<(Tensor, Vec<f64>)> {
    let tokens = all[..paths].iter().map(Sequence::targets).sum::<usize>() as f64;
    let count = judged.len().max(1) as f64;
    let device = trainer.context.device;
    let micro_batch = trainer.context.spec.micro_batch as usize;
    // Paths and nodes apart: each needs one of the two heads.
    let mut micros = micro_batches(&all[..paths], micro_batch);
    for own in micro_batches(&all[paths..], micro_batch) {
        micros.push(own.iter().map(|i| i + paths).collect());
    }
    gradients(&mut trainer.models, &micros, |model, own| {
        let rows: Vec<&Sequence> = own.iter().map(|&i| &all[i]).collect();
        if own[0] < paths {
            let batch = Padded::new(&rows, device);
            let (logp, _) = token_logprobs(&model.forward(&batch.inputs), &batch.targets, 1.0);
            let loss = -(logp * &batch.mask).sum(Kind::Float) / tokens;
            let value = loss.double_value(&[]);
            return Ok((loss, vec![value, 0.0]));
        }
        let ids = Padded::whole(&rows, device);
        let scores = model.scores(&model.hidden(&ids));
        let last: Vec<i64> = rows.iter().map(|r| r.tokens.len() as i64 - 1).collect();
        let at = Tensor::from_slice(&last).unsqueeze(1).to_device(device);
        let scores = scores.gather(1, &at, false).squeeze_dim(1);
        let labels: Vec<f32> = own.iter().map(|&i| judged[i - paths].value).collect();
        let labels = Tensor::from_slice(&labels).to_device(device);
        let loss = bce(&scores, &labels).sum(Kind::Float) / count;
        let value = loss.double_value(&[]);
        Ok((loss * params.value_coef, vec![0.0, value]))
    })
}
