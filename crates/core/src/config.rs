//! What differs between recipes: every resolved parameter as a key and its value, side
//! by side, so that a comparison begins with what was changed.

use crate::spec::references::{self, Node};
use crate::spec::{ArmSpec, Experiment, StageEntry};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Key and value; `stage.parameter` for a stage's.
pub type Flat = BTreeMap<String, String>;

/// How the columns of a row differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Differs {
    /// All columns have it, and the same.
    Nowhere,
    /// Two columns have it with different values.
    InValue,
    /// Who has it has the same, and some have no such stage: another recipe.
    InPresence,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    pub key: String,
    /// In the order of the columns; `None` where a column has no such key.
    pub values: Vec<Option<String>>,
    pub differs: Differs,
}

/// An arm's stages with all that they build on, every default resolved. Ids stand for
/// stages, and what is equal for all arms of an experiment is not here.
pub fn of_arm(experiment: &Experiment, arm: &ArmSpec) -> Flat {
    let mut flat = Flat::new();
    let mut chain = vec![];
    let mut open: Vec<Node<'_>> = arm
        .stages
        .iter()
        .map(|entry| Node {
            arm: Some(&arm.id),
            entry,
        })
        .collect();
    open.extend(
        arm.policy
            .as_deref()
            .and_then(|p| references::resolve(experiment, None, p)),
    );
    let own = open.len();
    let mut at = 0;
    // A checked experiment has no cycle; the bound is for one that is not.
    while at < open.len() && at < 1_000 {
        let node = open[at];
        let name = match node.arm {
            Some(id) if id == arm.id => node.entry.id.clone(),
            Some(_) | None => node.key(),
        };
        if at < own {
            chain.push(node.entry.job.kind());
        }
        stage(&name, node.entry, &mut flat);
        for name in node.entry.inputs.values() {
            if let Some(to) = references::resolve(experiment, node.arm, name)
                && !open.iter().any(|n| n.key() == to.key())
            {
                open.push(to);
            }
        }
        at += 1;
    }
    flat.insert("recipe".into(), chain.join(" → "));
    flat
}

/// What all arms of an experiment have in common.
pub fn of_experiment(experiment: &Experiment) -> Flat {
    let mut flat = Flat::new();
    let whole = serde_json::to_value(experiment).unwrap_or_default();
    for key in [
        "task",
        "budget",
        "base_seeds",
        "root_seed",
        "metric",
        "margin",
        "min_gain",
        "evaluation",
    ] {
        flatten(key, &whole[key], &mut flat);
    }
    let seeds: Vec<String> = experiment.seeds.iter().map(u64::to_string).collect();
    flat.insert("seeds".into(), seeds.join(", "));
    flat
}

fn stage(name: &str, entry: &StageEntry, into: &mut Flat) {
    let Ok(Value::Object(map)) = serde_json::to_value(entry) else {
        return;
    };
    for (key, value) in &map {
        if key != "id" {
            flatten(&format!("{name}.{key}"), value, into);
        }
    }
}

fn flatten(key: &str, value: &Value, into: &mut Flat) {
    match value {
        // Not set is a choice like any other.
        Value::Null => {
            into.insert(key.into(), "none".into());
        }
        Value::Object(map) => {
            for (inner, value) in map {
                flatten(&format!("{key}.{inner}"), value, into);
            }
        }
        Value::String(text) => {
            into.insert(key.into(), text.clone());
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            into.insert(key.into(), value.to_string());
        }
    }
}

/// Where a key stands among others: by this first, then by its name. Where two columns are not
/// the same code on the same data, nothing else of them compares.
pub fn place(key: &str) -> u8 {
    match key {
        "code" => 0,
        data if data.ends_with("sha256") => 1,
        "recipe" => 2,
        _ => 3,
    }
}

/// Every key of any column, in order; the code first, then the data by their hashes, then the
/// recipe.
pub fn side_by_side(columns: &[Flat]) -> Vec<Row> {
    let mut keys: Vec<&String> = columns.iter().flat_map(BTreeMap::keys).collect();
    keys.sort_unstable_by_key(|key| (place(key), key.as_str()));
    keys.dedup();
    keys.into_iter()
        .map(|key| {
            let values: Vec<Option<String>> = columns.iter().map(|c| c.get(key).cloned()).collect();
            let mut there = values.iter().flatten();
            let first = there.next();
            let differs = if there.any(|v| Some(v) != first) {
                Differs::InValue
            } else if values.iter().any(Option::is_none) {
                Differs::InPresence
            } else {
                Differs::Nowhere
            };
            Row {
                key: key.clone(),
                values,
                differs,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
name: t
question: q?
task: { name: modchain }
seeds: 2
budget: { unit: tokens, amount: 10000 }
baseline: base
stages:
  - { id: base, kind: pretrain, model: {} }
arms:
  - { id: base, policy: base }
  - { id: a, stages: [{ id: grpo, kind: grpo, beta: 0.1, inputs: { init: base } }] }
  - { id: b, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: c, stages: [{ id: distill, kind: distill, inputs: { init: base, teacher: b/grpo } }] }";

    #[test]
    fn what_differs_is_found_and_what_another_recipe_has_is_told_apart() {
        let experiment = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
        let columns: Vec<Flat> = experiment
            .arms
            .iter()
            .map(|arm| of_arm(&experiment, arm))
            .collect();
        let rows = side_by_side(&columns);
        let row = |key: &str| rows.iter().find(|r| r.key == key).unwrap();
        assert_eq!(rows[0].key, "recipe");
        assert_eq!(rows[0].values[3].as_deref(), Some("distill"));
        assert_eq!(row("grpo.beta").differs, Differs::InValue);
        assert_eq!(
            row("grpo.beta").values,
            [None, Some("0.1".into()), Some("0.0".into()), None]
        );
        assert_eq!(row("base.model.layers").differs, Differs::Nowhere);
        assert_eq!(row("distill.batch_size").differs, Differs::InPresence);
        // What an arm builds on of another arm's is there under that arm's name.
        assert!(row("b/grpo.beta").values[3].is_some());
        let changed: Vec<&str> = rows
            .iter()
            .filter(|r| r.differs == Differs::InValue)
            .map(|r| r.key.as_str())
            .collect();
        assert_eq!(changed, ["recipe", "grpo.beta"]);
    }

    #[test]
    fn code_and_data_stand_before_the_recipe() {
        let flat = |code: &str| -> Flat {
            let keys = [
                "budget.unit",
                "recipe",
                "task.train.sha256",
                "a.beta",
                "task.name",
            ];
            let mut flat: Flat = keys.map(|key| (key.to_string(), "x".to_string())).into();
            flat.insert("code".into(), code.into());
            flat
        };
        let rows = side_by_side(&[flat("1"), flat("2")]);
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys[..3], ["code", "task.train.sha256", "recipe"]);
        assert_eq!(keys[3..], ["a.beta", "budget.unit", "task.name"]);
    }

    #[test]
    fn experiments_are_flat_too() {
        let experiment = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
        let flat = of_experiment(&experiment);
        assert_eq!(flat["budget.unit"], "tokens");
        assert_eq!(flat["seeds"], "0, 1");
        assert_eq!(flat["task.name"], "modchain");
    }
}
