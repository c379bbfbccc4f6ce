//! References between stages: no dangling name, no cycle, no stage too long for its model.

use super::experiment::{Experiment, Recipe, StageEntry};
use super::model::ModelSpec;
use super::reader::Sink;
use std::collections::{BTreeMap, BTreeSet};

/// A stage within its file: the arm it belongs to (`None`: shared) and its entry.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    pub arm: Option<&'a str>,
    pub entry: &'a StageEntry,
}

impl Node<'_> {
    pub fn key(&self) -> String {
        match self.arm {
            Some(arm) => format!("{arm}/{}", self.entry.id),
            None => self.entry.id.clone(),
        }
    }
}

/// What a reference means where it stands: the same arm's stage first, then a
/// shared one; `arm/stage` names another arm's.
pub fn resolve<'a>(
    experiment: &'a Experiment,
    from_arm: Option<&str>,
    name: &str,
) -> Option<Node<'a>> {
    if let Some((arm_id, stage)) = name.split_once('/') {
        let arm = experiment.arm(arm_id)?;
        let entry = arm.stages.iter().find(|s| s.id == stage)?;
        return Some(Node {
            arm: Some(&arm.id),
            entry,
        });
    }
    if let Some(arm) = from_arm.and_then(|id| experiment.arm(id))
        && let Some(entry) = arm.stages.iter().find(|s| s.id == name)
    {
        return Some(Node {
            arm: Some(&arm.id),
            entry,
        });
    }
    let entry = experiment.stages.iter().find(|s| s.id == name)?;
    Some(Node { arm: None, entry })
}

/// The model a stage works on: its own, or that of its `init`, as far back as it goes.
pub fn model<'a>(experiment: &'a Experiment, node: Node<'a>) -> Option<&'a ModelSpec> {
    let mut node = node;
    // Longer than any acyclic chain can be.
    for _ in 0..10_000 {
        if let Some(model) = &node.entry.model {
            return Some(model);
        }
        let init = node.entry.inputs.get(&super::stage::Role::Init)?;
        node = resolve(experiment, node.arm, init)?;
    }
    None
}

pub(super) fn check(experiment: &Experiment, sink: &Sink) {
    duplicates(experiment, sink);
    let mut nodes: Vec<(Node<'_>, String)> = vec![];
    for (i, entry) in experiment.stages.iter().enumerate() {
        nodes.push((Node { arm: None, entry }, format!("/stages/{i}")));
    }
    for (a, arm) in experiment.arms.iter().enumerate() {
        for (i, entry) in arm.stages.iter().enumerate() {
            nodes.push((
                Node {
                    arm: Some(&arm.id),
                    entry,
                },
                format!("/arms/{a}/stages/{i}"),
            ));
        }
        if let Some(policy) = &arm.policy
            && resolve(experiment, None, policy).is_none_or(|node| node.arm.is_some())
        {
            sink.report(
                format!("/arms/{a}/policy"),
                format!("no shared stage {policy:?}"),
            );
        }
    }
    let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (node, pointer) in &nodes {
        for (role, name) in &node.entry.inputs {
            let at = format!("{pointer}/inputs/{role}");
            match resolve(experiment, node.arm, name) {
                None => sink.report(at, format!("no stage {name:?}")),
                Some(to) if node.arm.is_none() && to.arm.is_some() => {
                    sink.report(at, "a shared stage cannot build on an arm's stage");
                }
                Some(to) => edges.entry(node.key()).or_default().push(to.key()),
            }
        }
    }
    for (node, pointer) in &nodes {
        if reaches(&edges, &node.key()) {
            sink.report(
                format!("{pointer}/inputs"),
                format!("{:?} depends on itself: a cycle", node.key()),
            );
        } else {
            fits(experiment, *node, pointer, sink);
        }
    }
}

fn duplicates(experiment: &Experiment, sink: &Sink) {
    let mut seen = BTreeSet::new();
    for (i, stage) in experiment.stages.iter().enumerate() {
        if !seen.insert(&stage.id) {
            sink.report(
                format!("/stages/{i}/id"),
                format!("{:?} is used twice", stage.id),
            );
        }
    }
    let mut arms = BTreeSet::new();
    for (a, arm) in experiment.arms.iter().enumerate() {
        if !arms.insert(&arm.id) {
            sink.report(
                format!("/arms/{a}/id"),
                format!("{:?} is used twice", arm.id),
            );
        }
        let mut own = BTreeSet::new();
        for (i, stage) in arm.stages.iter().enumerate() {
            if !own.insert(&stage.id) {
                sink.report(
                    format!("/arms/{a}/stages/{i}/id"),
                    format!("{:?} is used twice", stage.id),
                );
            }
        }
    }
}

fn reaches(edges: &BTreeMap<String, Vec<String>>, start: &str) -> bool {
    let mut open: Vec<&str> = edges
        .get(start)
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let mut seen = BTreeSet::new();
    while let Some(next) = open.pop() {
        if next == start {
            return true;
        }
        if seen.insert(next) {
            open.extend(edges.get(next).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

/// Prompts, chains and completions must fit the model's context.
fn fits(experiment: &Experiment, node: Node<'_>, pointer: &str, sink: &Sink) {
    let Some(model) = model(experiment, node) else {
        return;
    };
    let prompt = experiment.task.max_prompt_tokens();
    let (longest, field) = match &node.entry.recipe {
        Recipe::Pretrain { .. } | Recipe::Sft { .. } => {
            (experiment.task.longest_chain(), "model/context")
        }
        Recipe::Grpo { params, .. } => (params.max_completion_length, "max_completion_length"),
    };
    let needed = prompt + longest.max(experiment.evaluation.max_completion_length);
    if needed > model.context {
        sink.report(
            format!("{pointer}/{field}"),
            format!(
                "prompt and completion need {needed} tokens, the model's context is {}",
                model.context
            ),
        );
    }
}
