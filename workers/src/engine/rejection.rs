//! Rejection sampling: a policy's own completions, the best of each problem kept
//! (RFT: Yuan et al. 2023; DeepSeek-R1, section 2.3.3).

use super::collect::{Collector, Sampler, options};
use super::dataset::Example;
use super::{Recorder, Result, StageContext};
use assay_core::ledger::purpose;
use assay_core::metric;
use assay_core::spec::data::{Keep, MixedLanguage, Rank, RejectionSampleParams};
use assay_core::spec::stage::Role;
use assay_core::task::{Problem, TaskSpec};
use std::collections::BTreeMap;

pub fn run(
    context: &StageContext,
    params: &RejectionSampleParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut sampler = Sampler::load(context, Role::Init)?;
    let mut collector = Collector::start(context, params.prompts, recorder)?;
    loop {
        let problems = collector.next();
        if problems.is_empty() {
            return collector.finish(recorder);
        }
        let (examples, tokens) = sample(&mut sampler, &mut collector, &problems, params)?;
        let task = &context.spec.task;
        let drawn = examples.iter().map(Vec::len).sum::<usize>() as f64;
        let right = examples.iter().flatten().filter(|e| e.correct).count() as f64;
        let kept: Vec<Example> = examples
            .into_iter()
            .flat_map(|group| choose(task, group, params))
            .collect();
        let metrics = BTreeMap::from([
            (metric::DATA_ACCURACY.to_string(), right / drawn),
            (metric::KEPT_SHARE.to_string(), kept.len() as f64 / drawn),
            (metric::COMPLETION_LENGTH.to_string(), tokens / drawn),
        ]);
        collector.examples.extend(kept);
        collector.end_chunk(recorder, problems.len(), metrics)?;
    }
}

/// Samples and verifies a chunk; returns each problem's completions and the tokens generated.
fn sample(
    sampler: &mut Sampler,
    collector: &mut Collector<'_>,
    problems: &[Problem],
    params: &RejectionSampleParams,
) -> Result<(Vec<Vec<Example>>, f64)> {
    let options = options(
        params.num_generations,
        params.max_completion_length,
        params.temperature,
        params.top_p,
    );
    let (examples, cost, tokens) = verified(sampler, collector, problems, options, "rejection")?;
    collector
        .progress
        .book(purpose::ROLLOUT, cost.tokens, cost.flops);
    Ok((examples, tokens))
}

/// Samples a chunk's problems and verifies every completion.
pub fn verified(
    sampler: &mut Sampler,
    collector: &mut Collector<'_>,
    problems: &[Problem],
    options: super::generate::GenerateOptions,
    purpose: &str,
) -> Result<(Vec<Vec<Example>>, assay_core::ledger::Cost, f64)> {
    let prompts: Vec<Vec<i64>> = problems
        .iter()
        .map(|p| sampler.tokenizer.prompt(&p.prompt))
        .collect();
    let chunk = collector.progress.state.step as u32;
    let (groups, cost) = sampler.sample(&prompts, options, purpose, chunk)?;
    let mut tokens = 0.0;
    let task = &collector.context.spec.task;
    let examples: Vec<Vec<Example>> = problems
        .iter()
        .zip(groups)
        .map(|(problem, group)| {
            group
                .into_iter()
                .map(|s| {
                    tokens += s.tokens.len() as f64;
                    let completion = sampler.tokenizer.decode(&s.tokens);
                    let verdict = task.verify(problem, &completion, s.ended);
                    Example {
                        problem: problem.clone(),
                        ended: s.ended,
                        correct: verdict.correct,
                        labels: vec![],
                        oracle: verdict.steps.iter().map(|v| v.is_right()).collect(),
                        completion,
                    }
                })
                .collect()
        })
        .collect();
    let calls = examples.iter().map(Vec::len).sum::<usize>();
    collector.progress.supervise("verifier_calls", calls as u64);
    Ok((examples, cost, tokens))
}

/// The kept ones of one problem's completions: distinct, acceptable, best first.
fn choose(task: &TaskSpec, group: Vec<Example>, params: &RejectionSampleParams) -> Vec<Example> {
    let mut seen = std::collections::HashSet::new();
    let mut fit: Vec<Example> = group
        .into_iter()
        .filter(|e| params.keep == Keep::All || e.correct)
        .filter(|e| {
            params.mixed_language == MixedLanguage::Kept
                || task
                    .language(&e.problem, &e.completion)
                    .is_none_or(|l| l.target == 0 || l.other == 0)
        })
        .filter(|e| seen.insert(e.completion.clone()))
        .collect();
    match params.rank {
        Rank::Sampled => {}
        Rank::Shortest => fit.sort_by_key(|e| e.completion.len()),
        Rank::Longest => fit.sort_by_key(|e| std::cmp::Reverse(e.completion.len())),
    }
    fit.truncate(params.keep_per_prompt as usize);
    fit
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::task::modchain::Modchain;

    fn example(completion: &str, correct: bool) -> Example {
        Example {
            problem: Problem {
                prompt: "1+1=".into(),
                gold: "2".into(),
                difficulty: 1,
            },
            completion: completion.into(),
            ended: true,
            correct,
            labels: vec![],
            oracle: vec![],
        }
    }

    #[test]
    fn the_best_distinct_acceptable_completions_are_kept() {
        let task = TaskSpec::Modchain(Modchain::default());
        let group = vec![
            example("A3", false),
            example("1+1=2;A2", true),
            example("A2", true),
            example("1+1=2;A2", true),
            example("1+1=2;2+0=2;A2", true),
        ];
        let kept = |keep, rank, most| -> Vec<String> {
            let params = RejectionSampleParams {
                keep,
                rank,
                keep_per_prompt: most,
                ..Default::default()
            };
            choose(&task, group.clone(), &params)
                .into_iter()
                .map(|e| e.completion)
                .collect()
        };
        assert_eq!(kept(Keep::Correct, Rank::Shortest, 1), ["A2"]);
        assert_eq!(
            kept(Keep::Correct, Rank::Longest, 2),
            ["1+1=2;2+0=2;A2", "1+1=2;A2"]
        );
        assert_eq!(
            kept(Keep::All, Rank::Sampled, 8),
            ["A3", "1+1=2;A2", "A2", "1+1=2;2+0=2;A2"]
        );
    }
}
