//! Monte-Carlo tree search as a decoder: every test problem's tree is grown until it
//! has cost as much as so many samples of the policy, and answers at each such level.
//!
//! A tree's prompt is processed once and every edge once (prefixes from the cache);
//! values of the policy's own head cost nothing more, those of another network a pass
//! over the new tokens.

use super::answers::{self, Choice, Level};
use super::collect::{Sampler, options};
use super::dataset::lines;
use super::forest::{Grown, Searcher, Terminals, Values, describe};
use super::inputs::Frozen;
use super::judge::JudgeModel;
use super::model::Outputs;
use super::progress::Progress;
use super::tokenizer::Tokenizer;
use super::tree::Node;
use super::{EngineError, Recorder, Result, StageContext};
use assay_core::ledger::{Cost, purpose};
use assay_core::spec::search::{MctsParams, TreeParams, ValueSource};
use assay_core::spec::stage::Role;
use assay_core::task::{Problem, Split};
use assay_core::trees::{StoredTree, WholeSamples};
use assay_core::wire::{Cumulative, Record, role};

/// Trees grown at a time.
const CHUNK: usize = 128;
/// Trees stored for looking at.
const STORED: usize = 8;

pub fn run(
    context: &StageContext,
    params: &MctsParams,
    tree: &TreeParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    recorder.record(Record::Started {
        from_step: 0,
        host: context.host.clone(),
    })?;
    let own_head = tree.value == ValueSource::Head && !context.inputs.contains_key(&Role::Value);
    let outputs = if own_head {
        Outputs::TokensAndScore
    } else {
        Outputs::Tokens
    };
    let mut frozen = Frozen::load(context, Role::Init, outputs)?;
    let mut judge = match tree.value {
        ValueSource::Head if !own_head => Some(JudgeModel::load(context, Role::Value)?),
        ValueSource::Head | ValueSource::Rollout | ValueSource::Oracle => None,
    };
    let tokenizer = frozen.tokenizer.clone();
    let problems = context
        .spec
        .task
        .fixed_problems(Split::Test, params.problems);
    let mut progress = Progress::new(Default::default(), context.device);
    let one = sample_cost(context, tree, &problems)?;
    progress.book(purpose::EVALUATION, one.tokens, one.flops);
    let unit = one.flops / problems.len() as f64;
    let mut found: Vec<Level> = params.levels.iter().map(|_| Level::default()).collect();
    let mut forest: Vec<Grown> = vec![];
    for (round, part) in problems.chunks(CHUNK).enumerate() {
        let mut searcher = searcher(
            context,
            tree,
            &mut frozen,
            judge.as_mut(),
            &tokenizer,
            round as u32,
        );
        let mut grown = searcher.plant(part);
        grow(&mut searcher, &mut grown, &params.levels, unit, &mut found)?;
        forest.extend(grown);
        if recorder.should_stop() {
            return Err(EngineError::Preempted { step: 0 });
        }
    }
    let spent = forest.iter().fold(Cost::default(), |mut sum, g| {
        sum += g.cost;
        sum
    });
    progress.book(purpose::SEARCH, spent.tokens, spent.flops);
    let stored = &forest[..forest.len().min(STORED)];
    let mut first = searcher(context, tree, &mut frozen, judge.as_mut(), &tokenizer, 0);
    let (whole, compared) = first.whole_samples(stored)?;
    progress.book(purpose::EVALUATION, compared.tokens, compared.flops);
    for (level, found) in params.levels.iter().zip(&found) {
        let sampled = answers::Sampled {
            temperature: tree.temperature,
            top_p: 1.0,
            max_completion_length: tree.max_completion_length,
        };
        answers::record(recorder, *level, &problems, found, sampled)?;
    }
    let last = u64::from(*params.levels.last().unwrap_or(&1));
    recorder.record(Record::Step {
        step: last,
        cum: Cumulative::default(),
        metrics: describe(&forest),
    })?;
    recorder.record(Record::Ledger {
        step: last,
        costs: std::mem::take(&mut progress.pending),
        supervision: Default::default(),
    })?;
    recorder.artifact(role::TREES, last, &file(stored, whole)?)
}

fn searcher<'a>(
    context: &'a StageContext,
    tree: &'a TreeParams,
    frozen: &'a mut Frozen,
    judge: Option<&'a mut JudgeModel>,
    tokenizer: &'a Tokenizer,
    round: u32,
) -> Searcher<'a> {
    Searcher {
        models: &mut frozen.models,
        spec: &frozen.spec,
        task: &context.spec.task,
        tokenizer,
        params: tree,
        values: match judge {
            Some(judge) => Values::Judge(judge),
            None if tree.value == ValueSource::Oracle => Values::Oracle,
            None => Values::Own,
        },
        terminals: match tree.value {
            ValueSource::Oracle => Terminals::Verified,
            ValueSource::Head | ValueSource::Rollout => Terminals::Valued,
        },
        noise: None,
        seed: context.spec.seed,
        micro_batch: context.spec.micro_batch as usize,
        round,
    }
}

/// What one sample of every problem costs: the unit of the levels.
fn sample_cost(context: &StageContext, tree: &TreeParams, problems: &[Problem]) -> Result<Cost> {
    let mut sampler = Sampler::load(context, Role::Init)?;
    let prompts: Vec<Vec<i64>> = problems
        .iter()
        .map(|p| sampler.tokenizer.prompt(&p.prompt))
        .collect();
    let options = options(1, tree.max_completion_length, tree.temperature, 1.0);
    Ok(sampler.sample(&prompts, options, "unit", 0)?.1)
}

/// Grows the trees to the highest level; at each level a tree answers as it stood
/// before the simulation that went beyond it.
fn grow(
    searcher: &mut Searcher<'_>,
    forest: &mut [Grown],
    levels: &[u32],
    unit: f64,
    found: &mut [Level],
) -> Result<()> {
    let highest = f64::from(*levels.last().unwrap_or(&1)) * unit;
    let mut reached = vec![0; forest.len()];
    let mut answers: Vec<Vec<Vec<Choice>>> = vec![vec![vec![]; forest.len()]; levels.len()];
    let mut before: Vec<(Vec<Choice>, Cost)> = forest.iter().map(|g| (vec![], g.cost)).collect();
    loop {
        let busy = searcher.simulate(forest, |g| g.cost.flops <= highest)?;
        for (index, grown) in forest.iter().enumerate() {
            while reached[index] < levels.len()
                && grown.cost.flops > f64::from(levels[reached[index]]) * unit
            {
                let at = reached[index];
                answers[at][index] = before[index].0.clone();
                found[at].cost += before[index].1;
                reached[index] += 1;
            }
            if reached[index] < levels.len() {
                before[index] = (choices(grown), grown.cost);
            }
        }
        if !busy {
            break;
        }
    }
    // Trees with nothing left to search keep their last answer.
    for (index, last) in before.into_iter().enumerate() {
        for at in reached[index]..levels.len() {
            answers[at][index] = last.0.clone();
            found[at].cost += last.1;
        }
    }
    for (level, own) in found.iter_mut().zip(answers) {
        level.choices.extend(own);
    }
    Ok(())
}

fn choices(grown: &Grown) -> Vec<Choice> {
    let length = |answer: &Option<String>| {
        let node = grown
            .tree
            .nodes
            .iter()
            .find(|n| n.terminal.as_ref().is_some_and(|t| t.answer == *answer));
        node.map_or(0, |n| n.length as u32)
    };
    grown
        .tree
        .answers()
        .into_iter()
        .map(|t| Choice {
            length: length(&t.answer),
            answer: t.answer,
            correct: t.correct,
            ended: t.ended,
        })
        .collect()
}

/// Trees with what their compute buys without a tree, as gzipped JSON lines.
pub fn file(forest: &[Grown], whole: Vec<WholeSamples>) -> Result<Vec<u8>> {
    let stored: Vec<StoredTree> = forest
        .iter()
        .zip(whole)
        .map(|(grown, whole)| {
            let answers = grown.tree.answers();
            let right = answers.iter().filter(|a| a.correct).count() as f64;
            StoredTree {
                prompt: grown.tree.prompt.clone(),
                gold: grown.tree.gold.clone(),
                nodes: grown.tree.nodes.iter().map(Node::stored).collect(),
                simulations: Some(grown.simulations),
                exhausted: Some(grown.exhausted),
                cost: Some(grown.cost),
                answered: Some(right / answers.len().max(1) as f64),
                whole: Some(whole),
            }
        })
        .collect();
    lines(&stored)
}
