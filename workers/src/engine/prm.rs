//! Labels of steps: by the exact step verifier, or by Monte-Carlo rollouts from each
//! step (Math-Shepherd: Wang et al. 2023, eq. 3 and 4), whose error against the exact
//! verifier is counted by depth and by K.
//!
//! The truth that Monte-Carlo labels are held against is whether the right answer can
//! still be reached by right steps; oracle labels judge each step by itself.

use super::collect::{Collector, Sampler, options};
use super::dataset::{Example, has_answer, step_ends};
use super::rejection::verified;
use super::{Recorder, Result, StageContext};
use assay_core::ledger::purpose;
use assay_core::metric;
use assay_core::rng::Uniform;
use assay_core::spec::judge::{AnswerStep, PrmLabelParams, StepLabels};
use assay_core::spec::stage::Role;
use std::collections::BTreeMap;

/// Depths that have a rate of their own.
const DEPTHS: usize = 8;

pub fn label(
    context: &StageContext,
    params: &PrmLabelParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut sampler = Sampler::load(context, Role::Init)?;
    let mut collector = Collector::start(context, params.prompts, recorder)?;
    loop {
        let problems = collector.next();
        if problems.is_empty() {
            return collector.finish(recorder);
        }
        let options = options(
            params.num_generations,
            params.max_completion_length,
            params.temperature,
            params.top_p,
        );
        let (groups, cost, _) = verified(
            &mut sampler,
            &mut collector,
            &problems,
            options,
            "solutions",
        )?;
        collector
            .progress
            .book(purpose::LABELS, cost.tokens, cost.flops);
        let mut solutions: Vec<Example> = groups
            .into_iter()
            .flatten()
            .filter(|e| !ends(e, params).is_empty())
            .collect();
        match params.labels {
            StepLabels::Oracle => oracle(&mut collector, &mut solutions, params),
            StepLabels::McHard | StepLabels::McSoft => {
                monte_carlo(&mut sampler, &mut collector, &mut solutions, params)?;
            }
        }
        flip(&collector, &mut solutions, params);
        count_errors(&mut collector, &solutions);
        let right = solutions.iter().filter(|e| e.correct).count() as f64;
        let total = solutions.len().max(1) as f64;
        let mut metrics = rates(&collector);
        metrics.insert(metric::DATA_ACCURACY.into(), right / total);
        collector.examples.append(&mut solutions);
        collector.end_chunk(recorder, problems.len(), metrics)?;
    }
}

/// Where the labelled steps end: the answer's piece last, if it is asked for.
fn ends(example: &Example, params: &PrmLabelParams) -> Vec<usize> {
    let mut ends = step_ends(&example.completion, example.ended);
    if params.answer_step == AnswerStep::Ignored && has_answer(&example.completion) {
        ends.pop();
    }
    ends
}

/// Number of the labelled steps that are not the answer's piece.
fn inner(example: &Example, params: &PrmLabelParams) -> usize {
    let all = ends(example, params).len();
    let answer = params.answer_step == AnswerStep::Scored && has_answer(&example.completion);
    all - usize::from(answer)
}

fn oracle(collector: &mut Collector<'_>, solutions: &mut [Example], params: &PrmLabelParams) {
    let mut labels = 0;
    for example in solutions {
        let count = inner(example, params);
        let mut truth: Vec<bool> = example.oracle.iter().copied().take(count).collect();
        if ends(example, params).len() > count {
            truth.push(example.correct);
        }
        example.labels = truth.iter().map(|t| f32::from(u8::from(*t))).collect();
        labels += truth.len() as u64;
        example.oracle = truth;
    }
    collector.progress.supervise("oracle_step_labels", labels);
}

/// K rollouts from the end of every step; the answer's piece is its own outcome.
fn monte_carlo(
    sampler: &mut Sampler,
    collector: &mut Collector<'_>,
    solutions: &mut [Example],
    params: &PrmLabelParams,
) -> Result<()> {
    let task = collector.context.spec.task.clone();
    let mut prefixes: Vec<Vec<i64>> = vec![];
    let mut owners: Vec<(usize, String)> = vec![];
    for (index, example) in solutions.iter_mut().enumerate() {
        let count = inner(example, params);
        let all = ends(example, params);
        let mut truth = vec![];
        for end in &all[..count] {
            let part: String = example.completion.chars().take(end + 1).collect();
            let mut prefix = sampler.tokenizer.prompt(&example.problem.prompt);
            prefix.extend(sampler.tokenizer.encode(&part));
            prefixes.push(prefix);
            truth.push(task.reachable(&example.problem, &part));
            owners.push((index, part));
        }
        if all.len() > count {
            truth.push(example.correct);
        }
        example.oracle = truth;
    }
    let options = options(
        params.rollouts,
        params.max_completion_length,
        params.temperature,
        params.top_p,
    );
    let chunk = collector.progress.state.step as u32;
    let (groups, cost) = sampler.sample(&prefixes, options, "rollouts", chunk)?;
    collector
        .progress
        .book(purpose::LABELS, cost.tokens, cost.flops);
    let calls = u64::from(params.rollouts) * prefixes.len() as u64;
    collector.progress.supervise("verifier_calls", calls);
    let mut depth = vec![0_usize; solutions.len()];
    for ((index, part), group) in owners.iter().zip(groups) {
        let example = &mut solutions[*index];
        let solved: Vec<bool> = group
            .iter()
            .map(|s| {
                let text = format!("{part}{}", sampler.tokenizer.decode(&s.tokens));
                task.verify(&example.problem, &text, s.ended).correct
            })
            .collect();
        let share = solved.iter().filter(|s| **s).count() as f32 / solved.len() as f32;
        example.labels.push(match params.labels {
            StepLabels::McSoft => share,
            StepLabels::McHard | StepLabels::Oracle => f32::from(u8::from(share > 0.0)),
        });
        let truth = example.oracle[depth[*index]];
        depth[*index] += 1;
        // The same rollouts tell what fewer of them would have said.
        let mut k = 1;
        while k <= solved.len() {
            let positive = solved[..k].iter().any(|s| *s);
            match (truth, positive) {
                (false, true) => collector.count(&format!("fp_k{k}"), 1.0),
                (true, false) => collector.count(&format!("fn_k{k}"), 1.0),
                (true, true) | (false, false) => {}
            }
            collector.count(&format!("{}_k{k}", word(truth)), 1.0);
            k *= 2;
        }
    }
    for example in solutions {
        if example.labels.len() < example.oracle.len() {
            example.labels.push(f32::from(u8::from(example.correct)));
        }
    }
    Ok(())
}

fn word(truth: bool) -> &'static str {
    if truth { "right" } else { "wrong" }
}

/// Turns a share of the labels round, each by its own random number.
fn flip(collector: &Collector<'_>, solutions: &mut [Example], params: &PrmLabelParams) {
    if params.flip == 0.0 {
        return;
    }
    let uniform = Uniform::new(collector.context.spec.seed, "flips");
    let step = collector.progress.state.step as u32;
    for (row, example) in solutions.iter_mut().enumerate() {
        for (at, label) in example.labels.iter_mut().enumerate() {
            if f64::from(uniform.at(step, row as u32, at as u32, 0)) < params.flip {
                *label = 1.0 - *label;
            }
        }
    }
}

/// Labels against the truth, up to and with the first wrong step: beyond it "right" has
/// two meanings. A soft label counts by the side of one half that it is on.
fn count_errors(collector: &mut Collector<'_>, solutions: &[Example]) {
    for example in solutions {
        for (depth, (label, truth)) in example.labels.iter().zip(&example.oracle).enumerate() {
            let positive = *label > 0.5;
            let at = depth.min(DEPTHS - 1) + 1;
            for name in [word(*truth).to_string(), format!("{}_d{at}", word(*truth))] {
                collector.count(&name, 1.0);
            }
            match (truth, positive) {
                (false, true) => {
                    collector.count("fp", 1.0);
                    collector.count(&format!("fp_d{at}"), 1.0);
                }
                (true, false) => {
                    collector.count("fn", 1.0);
                    collector.count(&format!("fn_d{at}"), 1.0);
                }
                (true, true) | (false, false) => {}
            }
            if !truth {
                break;
            }
        }
    }
}

/// The error rates so far: over all, by depth, by K.
fn rates(collector: &Collector<'_>) -> BTreeMap<String, f64> {
    let mut out = BTreeMap::new();
    let mut put = |name: String, part: &str, whole: &str| {
        if let Some(rate) = collector.rate(part, whole) {
            out.insert(name, rate);
        }
    };
    put(metric::LABEL_FALSE_POSITIVE.into(), "fp", "wrong");
    put(metric::LABEL_FALSE_NEGATIVE.into(), "fn", "right");
    for d in 1..=DEPTHS {
        let of = |what: &str| format!("{what}_d{d}");
        put(
            format!("{}_depth_{d}", metric::LABEL_FALSE_POSITIVE),
            &of("fp"),
            &of("wrong"),
        );
        put(
            format!("{}_depth_{d}", metric::LABEL_FALSE_NEGATIVE),
            &of("fn"),
            &of("right"),
        );
    }
    let mut k = 1;
    while collector.tally.contains_key(&format!("right_k{k}")) {
        let of = |what: &str| format!("{what}_k{k}");
        put(
            format!("{}_k_{k}", metric::LABEL_FALSE_POSITIVE),
            &of("fp"),
            &of("wrong"),
        );
        put(
            format!("{}_k_{k}", metric::LABEL_FALSE_NEGATIVE),
            &of("fn"),
            &of("right"),
        );
        k *= 2;
    }
    let steps: f64 = ["right", "wrong"]
        .iter()
        .filter_map(|n| collector.tally.get(*n))
        .sum();
    out.insert(metric::LABELLED_STEPS.into(), steps);
    out
}
