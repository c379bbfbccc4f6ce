//! One step's problems, completions and judgements, shared by every algorithm that
//! learns from its own samples.

use super::batch::Sequence;
use super::dataset;
use super::detectors::Detectors;
use super::generate::{GenerateOptions, Sampled, generate};
use super::judge::{Solution, auc_within};
use super::math::{advantages, spread_of};
use super::rewards::{Judges, Rewarded};
use super::sample::Sampling;
use super::trainer::Trainer;
use super::{Recorder, Result};
use assay_core::health::worker;
use assay_core::judged::{Judged, JudgedStep, MOST_JUDGED};
use assay_core::ledger::{Cost, forward_flops};
use assay_core::metric;
use assay_core::rng::{Uniform, derive_seed};
use assay_core::spec::training::{GrpoParams, RewardTerm};
use assay_core::task::{Problem, Split, Verdict};
use assay_core::wire::{CompletionItem, Record, role};
use std::collections::BTreeMap;

/// Groups of a step that are stored with their texts.
const STORED_GROUPS: usize = 2;
/// Completions of a group stand together.
#[derive(Debug, Default)]
pub struct Rollout {
    pub problems: Vec<Problem>,
    pub sequences: Vec<Sequence>,
    pub sampled: Vec<Sampled>,
    pub verdicts: Vec<Verdict>,
    pub texts: Vec<String>,
    pub rewarded: Rewarded,
    /// One a completion.
    pub advantages: Vec<f64>,
    /// What sampling all that was kept cost, and what was thrown away.
    pub kept: Cost,
    pub discarded: Cost,
    drawn_groups: usize,
}

impl Rollout {
    pub fn generated(&self) -> usize {
        self.sampled.iter().map(|s| s.tokens.len()).sum()
    }
}

/// Samples `prompts_per_step` groups and rewards them. With dynamic sampling, groups
/// without spread are thrown away and drawn anew, up to `max_num_gen_batches` times;
/// what is still missing then is filled with the last of them.
pub fn roll_out(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    judges: &mut Judges,
) -> Result<Rollout> {
    let wanted = params.prompts_per_step as usize;
    let mut kept = if params.max_num_gen_batches == 1 {
        let mut drawn = draw(trainer, params, judges, 0, wanted)?;
        drawn.drawn_groups = wanted;
        drawn
    } else {
        dynamic(trainer, params, judges, wanted)?
    };
    for sequence in &kept.sequences {
        kept.kept += cost_of(trainer, sequence);
    }
    kept.advantages = advantages(
        &kept.rewarded.total,
        params.num_generations as usize,
        params.scale_rewards,
        params.reward_baseline,
    );
    Ok(kept)
}

/// Dynamic sampling (DAPO, section 3.2).
fn dynamic(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    judges: &mut Judges,
    wanted: usize,
) -> Result<Rollout> {
    let group = params.num_generations as usize;
    let mut kept = Rollout::default();
    let mut rest = Rollout::default();
    for batch in 0..params.max_num_gen_batches {
        if kept.problems.len() == wanted {
            break;
        }
        let drawn = draw(trainer, params, judges, batch, wanted)?;
        kept.drawn_groups += drawn.problems.len();
        kept.rewarded.cost += drawn.rewarded.cost;
        for g in 0..drawn.problems.len() {
            let rewards = &drawn.rewarded.total[g * group..(g + 1) * group];
            if kept.problems.len() < wanted && spread_of(rewards) > 0.0 {
                kept.push_group(&drawn, g, group);
            } else {
                rest.push_group(&drawn, g, group);
            }
        }
    }
    // Where the batches ran out, groups that teach nothing keep the batch's size.
    for g in 0..rest.problems.len() {
        if kept.problems.len() < wanted {
            kept.push_group(&rest, g, group);
        } else {
            for sequence in &rest.sequences[g * group..(g + 1) * group] {
                kept.discarded += cost_of(trainer, sequence);
            }
        }
    }
    Ok(kept)
}

fn cost_of(trainer: &Trainer<'_>, sequence: &Sequence) -> Cost {
    let length = sequence.tokens.len() as u64;
    Cost {
        tokens: length as f64,
        flops: forward_flops(&trainer.context.spec.model, trainer.vocab, length),
        device_ms: 0.0,
    }
}

impl Rollout {
    fn push_group(&mut self, from: &Rollout, g: usize, group: usize) {
        self.problems.push(from.problems[g].clone());
        self.rewarded
            .parts
            .resize(from.rewarded.parts.len(), vec![]);
        for i in g * group..(g + 1) * group {
            self.sequences.push(from.sequences[i].clone());
            self.sampled.push(from.sampled[i].clone());
            self.verdicts.push(from.verdicts[i].clone());
            self.texts.push(from.texts[i].clone());
            self.rewarded.total.push(from.rewarded.total[i]);
            for (part, all) in self.rewarded.parts.iter_mut().zip(&from.rewarded.parts) {
                part.push(all[i]);
            }
            if let Some(penalty) = from.rewarded.overlong.get(i) {
                self.rewarded.overlong.push(*penalty);
            }
            if let Some(scores) = from.rewarded.step_scores.get(i) {
                self.rewarded.step_scores.push(scores.clone());
            }
        }
    }
}

/// One batch of groups, sampled and rewarded. Random numbers are addressed by the
/// stage's seed, the step and the batch.
fn draw(
    trainer: &mut Trainer<'_>,
    params: &GrpoParams,
    judges: &mut Judges,
    batch: u32,
    groups: usize,
) -> Result<Rollout> {
    let spec = &trainer.context.spec;
    let step = trainer.step() as u32;
    let purpose = |what: &str| match batch {
        0 => what.to_string(),
        _ => format!("{what}-{batch}"),
    };
    let draws = Uniform::new(spec.seed, &purpose("problems"));
    let problems: Vec<Problem> = (0..groups as u32)
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
        stop: None,
    };
    let sampling = purpose("sample");
    if trainer.context.device.is_cuda() {
        let key = derive_seed(&[&spec.seed.to_string(), &sampling, &step.to_string()]);
        tch::manual_seed(key as i64);
    }
    let sampled = generate(
        &mut trainer.models,
        &prompts,
        options,
        Uniform::new(spec.seed, &sampling),
        step,
    )?;
    let mut rollout = Rollout::default();
    for ((problem, prompt), group) in problems.iter().zip(&prompts).zip(sampled) {
        for sampled in group {
            let text = trainer.tokenizer.decode(&sampled.tokens);
            rollout
                .verdicts
                .push(spec.task.verify(problem, &text, sampled.ended));
            let mut tokens = prompt.clone();
            tokens.extend(&sampled.tokens);
            rollout.sequences.push(Sequence {
                tokens,
                target_from: prompt.len(),
            });
            rollout.texts.push(text);
            rollout.sampled.push(sampled);
        }
    }
    let group = params.num_generations as usize;
    let own: Vec<&Problem> = (0..rollout.texts.len())
        .map(|i| &problems[i / group])
        .collect();
    let solutions: Vec<Solution<'_>> = (0..rollout.texts.len())
        .map(|i| Solution {
            prompt: &own[i].prompt,
            completion: &rollout.texts[i],
            ended: rollout.sampled[i].ended,
        })
        .collect();
    let lengths: Vec<usize> = rollout.sampled.iter().map(|s| s.tokens.len()).collect();
    rollout.rewarded = judges.reward(
        &spec.task,
        params,
        &own,
        &solutions,
        &rollout.verdicts,
        &lengths,
    )?;
    rollout.problems = problems;
    Ok(rollout)
}

/// The rollout's own metrics.
pub fn describe(
    trainer: &Trainer<'_>,
    params: &GrpoParams,
    rollout: &Rollout,
    metrics: &mut BTreeMap<String, f64>,
) {
    let n = rollout.rewarded.total.len() as f64;
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n;
    let share = |values: &mut dyn Iterator<Item = bool>| values.filter(|v| *v).count() as f64 / n;
    let group = params.num_generations as usize;
    let groups = rollout.rewarded.total.chunks(group);
    let flat = groups.clone().filter(|g| spread_of(g) == 0.0).count() as f64 / groups.len() as f64;
    let reward = mean(&mut rollout.rewarded.total.iter().copied());
    for (name, value) in [
        (metric::REWARD_MEAN, reward),
        (metric::REWARD_STD, spread_of(&rollout.rewarded.total)),
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
    ] {
        metrics.insert(name.into(), value);
    }
    // A single completion is no group.
    if group > 1 {
        metrics.insert(metric::ZERO_STD_GROUPS.into(), flat);
    }
    if params.rewards.len() > 1 {
        for (term, part) in params.rewards.iter().zip(&rollout.rewarded.parts) {
            let name = format!("reward/{}", name_of(term));
            metrics.insert(format!("{name}_mean"), mean(&mut part.iter().copied()));
            metrics.insert(format!("{name}_std"), spread_of(part));
        }
    }
    if params.max_num_gen_batches > 1 {
        let thrown = 1.0 - rollout.problems.len() as f64 / rollout.drawn_groups as f64;
        metrics.insert(metric::DISCARDED_SHARE.into(), thrown.max(0.0));
    }
    let task = &trainer.context.spec.task;
    let mut detectors = Detectors::default();
    for (i, (text, verdict)) in rollout.texts.iter().zip(&rollout.verdicts).enumerate() {
        detectors.observe(task, &rollout.problems[i / group], text, verdict);
    }
    metrics.extend(detectors.metrics("train"));
    if !rollout.rewarded.step_scores.is_empty() {
        judged(rollout, group, metrics);
    }
}

/// `accuracy`, `prm_min`.
fn name_of(term: &RewardTerm) -> String {
    match term.credit {
        Some(credit) => format!("{}_{credit}", term.component),
        None => term.component.to_string(),
    }
}

/// How the step judge does on the policy's own samples: its drift, step by step.
fn judged(rollout: &Rollout, group: usize, metrics: &mut BTreeMap<String, f64>) {
    let scores = &rollout.rewarded.step_scores;
    let all: Vec<f64> = scores.iter().flatten().copied().map(f64::from).collect();
    if !all.is_empty() {
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        metrics.insert(metric::JUDGE_MEAN.into(), mean);
    }
    let problems: Vec<Vec<(f32, bool)>> = (0..rollout.problems.len())
        .map(|g| {
            let mut steps = vec![];
            let own = g * group..(g + 1) * group;
            for (scores, verdict) in scores[own.clone()].iter().zip(&rollout.verdicts[own]) {
                // Up to the first error: beyond it "right" has two meanings.
                for (score, step) in scores.iter().zip(&verdict.steps) {
                    steps.push((*score, step.is_right()));
                    if !step.is_right() {
                        break;
                    }
                }
            }
            steps
        })
        .collect();
    if let Some((auc, wrong)) = auc_within(&problems) {
        metrics.insert(metric::JUDGE_AUC_POLICY.into(), auc);
        metrics.insert(metric::JUDGE_WRONG_STEPS_POLICY.into(), wrong as f64);
    }
}

/// Degenerate states are told, not hidden in a curve; the run goes on.
pub fn watch(
    trainer: &mut Trainer<'_>,
    recorder: &mut dyn Recorder,
    metrics: &BTreeMap<String, f64>,
) -> Result<()> {
    let state = &mut trainer.progress.state;
    let flat = worker::is_flat(metrics);
    state.flat_steps = if flat { state.flat_steps + 1 } else { 0 };
    for (name, text) in worker::broken(metrics, state.flat_steps) {
        trainer.alarm(recorder, name, text)?;
    }
    Ok(())
}

/// Stores the first groups of the step with their texts, when it is time.
pub fn store(
    trainer: &Trainer<'_>,
    params: &GrpoParams,
    rollout: &Rollout,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    if !trainer
        .step()
        .is_multiple_of(u64::from(params.sample_steps))
    {
        return Ok(());
    }
    let group = params.num_generations as usize;
    let items = (0..rollout.texts.len().min(STORED_GROUPS * group))
        .map(|i| CompletionItem {
            group: (i / group) as u32,
            index: (i % group) as u32,
            prompt: rollout.problems[i / group].prompt.clone(),
            gold: rollout.problems[i / group].gold.clone(),
            completion: rollout.texts[i].clone(),
            reward: rollout.rewarded.total[i],
            advantage: rollout.advantages[i],
            length: rollout.sampled[i].tokens.len() as u32,
            truncated: !rollout.sampled[i].ended,
            correct: rollout.verdicts[i].correct,
            components: components(params, &rollout.rewarded, i),
        })
        .collect();
    let step = trainer.step() + 1;
    recorder.record(Record::Completions { step, items })?;
    if rollout.rewarded.step_scores.is_empty() {
        return Ok(());
    }
    let most = (STORED_GROUPS * group).min(MOST_JUDGED);
    let judged: Vec<Judged> = (0..rollout.texts.len().min(most))
        .map(|i| judged_text(rollout, i, group))
        .collect();
    recorder.artifact(role::JUDGED, step, &dataset::lines(&judged)?)
}

/// What one reward is made of, before weights.
fn components(params: &GrpoParams, of: &Rewarded, i: usize) -> BTreeMap<String, f64> {
    let mut out: BTreeMap<String, f64> = params
        .rewards
        .iter()
        .zip(&of.parts)
        .map(|(term, part)| (name_of(term), part[i]))
        .collect();
    if let Some(penalty) = of.overlong.get(i) {
        out.insert("overlong_penalty".into(), *penalty);
    }
    out
}

/// One completion as the step judge has seen it, beside the verifier's word.
fn judged_text(rollout: &Rollout, i: usize, group: usize) -> Judged {
    let problem = &rollout.problems[i / group];
    let (text, verdict) = (&rollout.texts[i], &rollout.verdicts[i]);
    let ended = rollout.sampled[i].ended;
    let ends = dataset::step_ends(text, ended);
    let inner = ends.len() - usize::from(dataset::has_answer(text));
    let steps = dataset::pieces(text, &ends)
        .into_iter()
        .zip(&rollout.rewarded.step_scores[i])
        .enumerate()
        .map(|(at, (text, score))| JudgedStep {
            text,
            score: *score,
            label: None,
            truth: match at < inner {
                true => verdict.steps.get(at).map(|s| s.is_right()),
                false => Some(verdict.correct),
            },
        });
    Judged {
        prompt: problem.prompt.clone(),
        gold: problem.gold.clone(),
        completion: text.clone(),
        ended,
        correct: verdict.correct,
        steps: steps.collect(),
    }
}
