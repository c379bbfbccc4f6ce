//! A stage's resolved spec as keys and values, and what differs from another's.

use super::material::{Against, Material};
use crate::pages::{Choice, text};
use assay_core::config::place;
use assay_store::AttemptView;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Values are cut here.
const LONGEST: usize = 200;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub key: String,
    pub here: String,
    pub there: String,
}

/// `job.learning_rate` and its value; lists of plain values stay on one line.
pub(super) fn flat(spec: &Value) -> BTreeMap<String, String> {
    let all = whole(spec).into_iter();
    all.map(|(key, value)| (key, cut(&value))).collect()
}

/// The same with whole values.
pub(super) fn whole(spec: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    put(spec, String::new(), &mut out);
    out
}

fn cut(value: &str) -> String {
    text::start(value, LONGEST)
}

fn put(value: &Value, key: String, out: &mut BTreeMap<String, String>) {
    let below = |name: &str| match key.is_empty() {
        true => name.to_string(),
        false => format!("{key}.{name}"),
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                put(value, below(name), out);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for (i, value) in list.iter().enumerate() {
                put(value, below(&i.to_string()), out);
            }
        }
        plain => {
            let said = match plain {
                Value::String(s) => s.clone(),
                other => other.to_string(),
            };
            out.insert(text::line(&key, LONGEST), said);
        }
    }
}

/// Only what is not the same, with whole values: data by their hashes, then by key.
pub(super) fn changed(here: &Value, there: &Value) -> Vec<Changed> {
    let (here, there) = (whole(here), whole(there));
    let mut keys: Vec<&String> = here.keys().chain(there.keys()).collect();
    keys.sort_unstable_by_key(|key| (place(key), key.as_str()));
    keys.dedup();
    let of = |map: &BTreeMap<String, String>, key: &String| {
        map.get(key).cloned().unwrap_or_else(|| "–".into())
    };
    keys.into_iter()
        .filter(|key| here.get(*key) != there.get(*key))
        .map(|key| Changed {
            key: key.clone(),
            here: of(&here, key),
            there: of(&there, key),
        })
        .collect()
}

/// What differs from another run's stage.
pub(super) struct Difference {
    pub name: String,
    pub known: bool,
    pub changed: Vec<Changed>,
}

impl Difference {
    /// As a page shows it.
    pub fn cut(mut self) -> Self {
        for row in &mut self.changed {
            (row.here, row.there) = (cut(&row.here), cut(&row.there));
        }
        self
    }
}

/// Versions of the code that decide a stage's result.
pub(super) fn code(spec: &Value) -> String {
    format!(
        "engine semantics {}, task generator {}",
        spec["semantics_version"], spec["generator_version"]
    )
}

/// What the stage was made from: stages before it, files of its task and of its weights.
pub(super) fn hashes(spec: &Value) -> Vec<(String, String)> {
    let is_hash = |v: &str| v.len() == 64 && v.bytes().all(|b| b.is_ascii_hexdigit());
    flat(spec)
        .into_iter()
        .filter(|(_, value)| is_hash(value))
        .collect()
}

pub(super) fn siblings(of: &Material) -> Vec<Choice> {
    let chosen = of.against.as_ref().map(|a| a.run);
    of.siblings
        .iter()
        .filter(|(id, _)| *id != of.run.id)
        .map(|(id, label)| Choice {
            value: id.to_string(),
            label: label.clone(),
            chosen: Some(*id) == chosen,
        })
        .collect()
}

/// What the attempts at a stage were made with, each commit once.
pub(super) fn commits<'a>(attempts: impl IntoIterator<Item = &'a AttemptView>) -> String {
    let hosts = attempts.into_iter().filter_map(|a| a.host.as_ref());
    let known: BTreeSet<&str> = hosts
        .map(|host| host.code.as_str())
        .filter(|code| !code.is_empty())
        .collect();
    match known.is_empty() {
        true => "not recorded".into(),
        false => text::start(&Vec::from_iter(known).join("; "), LONGEST),
    }
}

/// `here`: the commits of the run's own attempts at the stage.
pub(super) fn difference(other: &Against, own: Option<&Value>, here: String) -> Difference {
    let both = own.zip(other.spec.as_ref());
    let mut all = both.map_or(vec![], |(here, there)| changed(here, there));
    if both.is_some() && here != other.code {
        let code = Changed {
            key: "code".into(),
            here,
            there: other.code.clone(),
        };
        all.insert(0, code);
    }
    Difference {
        name: other.name.clone(),
        known: both.is_some(),
        changed: all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_keys_that_differ_are_told_and_hashes_are_found() {
        let a = json!({"job": {"kind": "grpo", "beta": 0.1, "rewards": [{"weight": 1.0}]},
            "levels": [1, 4], "seed": 1});
        let b = json!({"job": {"kind": "grpo", "beta": 0.0, "rewards": [{"weight": 1.0}]},
            "levels": [1, 16], "budget": null});
        let found = changed(&a, &b);
        let keys: Vec<&str> = found.iter().map(|c| c.key.as_str()).collect();
        assert_eq!(keys, ["budget", "job.beta", "levels", "seed"]);
        assert_eq!(
            (found[0].here.as_str(), found[0].there.as_str()),
            ("–", "null")
        );
        assert_eq!(found[2].here, "[1,4]");
        let sha = "0a".repeat(32);
        let of = json!({"inputs": {"init": sha}, "seed": 1, "job": {"kind": "sft"},
            "task": {"name": "questions", "train": {"file": "a.jsonl", "sha256": sha}}});
        let keys: Vec<String> = hashes(&of).into_iter().map(|h| h.0).collect();
        assert_eq!(keys, ["inputs.init", "task.train.sha256"]);
        // Other data stand before all that was set otherwise.
        let other = json!({"inputs": {"init": sha}, "seed": 2, "job": {"kind": "sft"},
            "task": {"name": "questions", "train": {"file": "a.jsonl", "sha256": "0b".repeat(32)}}});
        let found = changed(&of, &other);
        let keys: Vec<&str> = found.iter().map(|c| c.key.as_str()).collect();
        assert_eq!(keys, ["task.train.sha256", "seed"]);
        assert!(hashes(&a).is_empty());
        assert!(changed(&a, &a).is_empty());
        assert_eq!(flat(&a)["job.rewards.0.weight"], "1.0");
    }

    #[test]
    fn what_differs_only_far_inside_a_value_is_told_and_cut_on_the_page() {
        let long = |end: &str| json!({ "template": format!("{}{end}", "x".repeat(LONGEST)) });
        let found = changed(&long("a"), &long("b"));
        assert_eq!(found.len(), 1);
        assert!(found[0].here.ends_with("xa") && found[0].there.ends_with("xb"));
        let shown = Difference {
            name: String::new(),
            known: true,
            changed: found,
        };
        assert!(shown.cut().changed[0].here.ends_with("x…"));
        assert!(flat(&long("a"))["template"].ends_with("x…"));
        assert!(whole(&long("a"))["template"].ends_with("xa"));
    }
}
