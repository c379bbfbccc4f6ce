//! References between stages: no dangling name, no cycle, no stage too long for its model.

mod limits;

use super::experiment::{Experiment, StageEntry};
use super::job::{JobSpec, Product};
use super::model::ModelSpec;
use super::reader::Sink;
use super::stage::{Charge, Role};
use super::training::Component;
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
        let init = node.entry.inputs.get(&Role::Init)?;
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
                Some(to) => {
                    if let Some(wrong) = unfit(*role, to.entry.job.product()) {
                        sink.report(
                            &at,
                            format!("{name:?} is a {} stage: {wrong}", to.entry.job.kind()),
                        );
                    }
                    edges.entry(node.key()).or_default().push(to.key());
                }
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
            too_early(experiment, *node, pointer, sink);
            suits_task(experiment, *node, pointer, sink);
            limits::fits(experiment, *node, pointer, sink);
            limits::one_step(experiment, *node, pointer, sink);
        }
    }
    let cyclic = nodes.iter().any(|(node, _)| reaches(&edges, &node.key()));
    for (a, arm) in experiment.arms.iter().enumerate() {
        let decodes = arm.stages.iter().any(|s| s.job.is_decoder());
        if !cyclic && !decodes && !arm.stages.is_empty() {
            let taken = reserved(experiment, &arm.id);
            if taken >= experiment.budget.amount && experiment.budget.amount > 0.0 {
                sink.report(
                    format!("/arms/{a}"),
                    "the stages that this arm builds on take the whole budget",
                );
            }
        }
    }
}

/// Free text has no steps and no generator; a checkpoint's vocabulary is not that of a
/// task with characters of its own.
fn suits_task(experiment: &Experiment, node: Node<'_>, pointer: &str, sink: &Sink) {
    let (task, job) = (&experiment.task, &node.entry.job);
    let kind = job.kind();
    if task.is_text() && job.needs_steps() {
        sink.report(
            format!("{pointer}/kind"),
            format!(
                "{kind} works on steps or on generated text, which the task {:?} has not",
                task.name()
            ),
        );
    }
    if !task.is_text() && matches!(job, JobSpec::Checkpoint { .. }) {
        sink.report(
            format!("{pointer}/kind"),
            format!(
                "a checkpoint works on free text: the task must be \"questions\", not {:?}",
                task.name()
            ),
        );
    }
    let own = node.entry.model.as_ref().map(|m| m.vocabulary.is_some());
    match (own, job.makes_model()) {
        (Some(false), true) if matches!(job, JobSpec::Checkpoint { .. }) => sink.report(
            format!("{pointer}/model/vocabulary"),
            "is required: the checkpoint's own, with its end_token",
        ),
        (Some(true), true) if matches!(job, JobSpec::Pretrain { .. }) => sink.report(
            format!("{pointer}/model/vocabulary"),
            "the vocabulary of a pretrained model is the task's; leave it out",
        ),
        (Some(_) | None, _) => {}
    }
    if task.is_text()
        && let JobSpec::Grpo { params, .. } | JobSpec::Ppo { params, .. } = job
    {
        for (i, term) in params.rewards.iter().enumerate() {
            if term.component == Component::Language {
                sink.report(
                    format!("{pointer}/rewards/{i}/component"),
                    format!(
                        "the task {:?} does not know two vocabularies apart",
                        task.name()
                    ),
                );
            }
        }
    }
}

/// An arm's stages run in the order in which they are listed: what a stage takes from
/// its own arm stands before it.
fn too_early(experiment: &Experiment, node: Node<'_>, pointer: &str, sink: &Sink) {
    let Some(arm) = node.arm.and_then(|id| experiment.arm(id)) else {
        return;
    };
    let place = |id: &str| arm.stages.iter().position(|s| s.id == id);
    for (role, name) in &node.entry.inputs {
        let to = resolve(experiment, node.arm, name).filter(|to| to.arm == node.arm);
        if let Some(to) = to
            && place(&to.entry.id) > place(&node.entry.id)
        {
            sink.report(
                format!("{pointer}/inputs/{role}"),
                format!("{name:?} is listed after this stage and would not be trained yet"),
            );
        }
    }
}

/// What an input must be, where it is something else.
fn unfit(role: Role, product: Product) -> Option<&'static str> {
    use Product::{Data, Orm, Policy, PolicyAndValue, Prm};
    let (fits, wanted): (&[Product], _) = match role {
        Role::Init | Role::Reference | Role::Teacher => (
            &[Policy, PolicyAndValue],
            "this input must be a stage that trains a policy",
        ),
        Role::Data => (
            &[Data],
            "this input must be a stage that makes data (rejection_sample, prm_label)",
        ),
        Role::Prm => (&[Prm], "this input must be a prm_train stage"),
        Role::Orm => (&[Orm], "this input must be an orm_train stage"),
        Role::Value => (
            &[PolicyAndValue, Prm],
            "this input must have a trained scalar head (prm_train, mcts_selftrain, ppo)",
        ),
    };
    (!fits.contains(&product)).then_some(wanted)
}

/// The arm and every other one whose stages it builds on.
pub fn arms_needed(experiment: &Experiment, arm: &str) -> BTreeSet<String> {
    let mut needed = BTreeSet::new();
    let mut open = vec![arm.to_string()];
    while let Some(id) = open.pop() {
        let Some(arm) = experiment.arm(&id) else {
            continue;
        };
        if !needed.insert(id) {
            continue;
        }
        let names = arm.stages.iter().flat_map(|s| s.inputs.values());
        open.extend(
            names
                .filter_map(|name| resolve(experiment, Some(&arm.id), name))
                .filter_map(|node| node.arm.map(String::from)),
        );
    }
    needed
}

/// What other stages have taken of an arm's budget before its own: those that it
/// builds on and pays for. A teacher's training is listed apart.
pub fn reserved(experiment: &Experiment, arm: &str) -> f64 {
    let mut seen = BTreeMap::new();
    if let Some(arm) = experiment.arm(arm) {
        for entry in &arm.stages {
            let node = Node {
                arm: Some(&arm.id),
                entry,
            };
            collect(experiment, arm.id.as_str(), node, &mut seen, 0);
        }
    }
    seen.values().sum()
}

fn collect(
    experiment: &Experiment,
    arm: &str,
    node: Node<'_>,
    seen: &mut BTreeMap<String, f64>,
    depth: usize,
) {
    if depth > 1_000 || seen.contains_key(&node.key()) {
        return;
    }
    if node.arm != Some(arm) && node.entry.charge == Charge::Arm {
        seen.insert(node.key(), amount(experiment, node));
    }
    for (role, name) in &node.entry.inputs {
        if *role != Role::Teacher
            && let Some(to) = resolve(experiment, node.arm, name)
        {
            collect(experiment, arm, to, seen, depth + 1);
        }
    }
}

/// The compute that a stage may use, in the unit of the experiment's budget.
pub fn amount(experiment: &Experiment, node: Node<'_>) -> f64 {
    let total = experiment.budget.amount;
    match node.arm.and_then(|id| experiment.arm(id)) {
        None => node.entry.share.unwrap_or(0.0) * total,
        Some(arm) => {
            let own = node.entry.share.unwrap_or(1.0 / arm.stages.len() as f64);
            own * (total - reserved(experiment, &arm.id)).max(0.0)
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

#[cfg(test)]
mod tests;
