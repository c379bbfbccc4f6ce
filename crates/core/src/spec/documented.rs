//! docs/experiment-file.md against the reader: keys, defaults, ranges and words of every table.

use super::alarms::Alarms;
use super::checkpoint::CheckpointParams;
use super::data::{DistillParams, RejectionSampleParams};
use super::experiment::{EvaluationPlan, Experiment};
use super::job::KINDS;
use super::judge::{OrmTrainParams, PrmLabelParams, PrmTrainParams};
use super::model::ModelSpec;
use super::reader::{Reader, Sink};
use super::search::{MctsParams, SearchParams, SelfTrainParams, TreeParams};
use super::training::{CriticParams, GrpoParams, OptimParams, PretrainParams, SftParams};
use crate::task::countdown::Countdown;
use crate::task::dag::Dag;
use crate::task::graph::Graph;
use crate::task::modchain::Modchain;
use crate::task::mult::Mult;
use crate::task::parity::Parity;
use serde_json::{Map, Value, json};

const TEXT: &str = include_str!("../../../../docs/experiment-file.md");

/// What stands below a heading, up to the next.
fn section(title: &str) -> &'static str {
    let found = TEXT.split("\n#").find(|part| {
        part.lines()
            .next()
            .map(|l| l.trim_start_matches('#').trim())
            == Some(title)
    });
    found.unwrap_or_else(|| panic!("no heading {title:?}"))
}

struct Row {
    key: &'static str,
    default: &'static str,
    range: &'static str,
}

fn rows(title: &str) -> Vec<Row> {
    section(title)
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            Row {
                key: cells[1].trim_matches('`'),
                default: cells[2].trim_matches('`'),
                range: cells[3],
            }
        })
        .collect()
}

fn is_default(cell: &str, value: &Value) -> bool {
    match value {
        Value::Null => cell == "–",
        Value::String(text) if text.is_empty() => cell == "required",
        Value::Number(number) => cell.parse().ok() == number.as_f64(),
        Value::String(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            serde_saphyr::from_str::<Value>(cell).ok().as_ref() == Some(value)
        }
    }
}

/// What the reader says of one key with one value.
fn refused(read: &impl Fn(&Reader<'_>), key: &str, value: Value) -> bool {
    let object = Value::Object(Map::from_iter([(key.to_string(), value)]));
    let sink = Sink::default();
    let reader = Reader::new(&object, "", &sink);
    read(&reader);
    reader.finish();
    !sink.into_inner().is_empty()
}

fn check(title: &str, defaults: Value, read: impl Fn(&Reader<'_>)) {
    let rows = rows(title);
    for (key, value) in defaults.as_object().expect("an object") {
        let row = rows.iter().find(|row| row.key == key);
        let row = row.unwrap_or_else(|| panic!("{title}: no line for {key}"));
        assert!(is_default(row.default, value), "{title}: {key} is {value}");
    }
    for Row { key, range, .. } in rows {
        assert!(!refused(&read, key, Value::Null), "{title}: unknown {key}");
        if let Some((low, high)) = range.split_once(" to ") {
            let number = |text: &str| text.parse::<f64>().expect("a number");
            let (low, high) = (number(low), number(high));
            for end in [low, high] {
                assert!(!refused(&read, key, json!(end)), "{title}: {key}: {end}");
            }
            let beyond = [low - 1.0, low * 0.99, high + 1.0];
            for end in beyond.into_iter().filter(|n| *n < low || *n > high) {
                assert!(refused(&read, key, json!(end)), "{title}: {key}: {end}");
            }
        } else {
            let words = range.split(", ").filter(|word| !word.is_empty());
            for word in words.map(|word| word.trim_matches('`')) {
                let value: Value = serde_saphyr::from_str(word).expect("a word");
                assert!(!refused(&read, key, value), "{title}: {key}: {word}");
            }
        }
    }
}

macro_rules! check {
    ($($title:literal: $params:ident,)*) => {$(
        let defaults = serde_json::to_value($params::default()).expect("JSON");
        check($title, defaults, |reader| {
            $params::read(reader);
        });
    )*};
}

#[test]
fn every_key_stands_in_the_document_with_its_default_and_range() {
    check! {
        "Evaluation": EvaluationPlan,
        "Alarms": Alarms,
        "Model": ModelSpec,
        "Optimiser": OptimParams,
        "pretrain": PretrainParams,
        "checkpoint": CheckpointParams,
        "sft": SftParams,
        "grpo": GrpoParams,
        "ppo": CriticParams,
        "rejection_sample": RejectionSampleParams,
        "distill": DistillParams,
        "prm_label": PrmLabelParams,
        "prm_train": PrmTrainParams,
        "orm_train": OrmTrainParams,
        "search": SearchParams,
        "mcts": MctsParams,
        "Tree": TreeParams,
        "mcts_selftrain": SelfTrainParams,
        "modchain": Modchain,
        "parity": Parity,
        "mult": Mult,
        "countdown": Countdown,
        "dag": Dag,
        "graph": Graph,
    }
}

#[test]
fn every_kind_has_a_heading_and_the_example_is_an_experiment() {
    for kind in KINDS {
        assert!(!rows(kind).is_empty(), "{kind}");
    }
    let yaml = TEXT
        .split("```yaml\n")
        .nth(1)
        .and_then(|t| t.split("```").next());
    let read = Experiment::from_text(yaml.expect("an example"));
    let experiment = read.unwrap_or_else(|v| panic!("{v}"));
    // Every key of the top level is in its table.
    let written = serde_json::to_value(&experiment).expect("JSON");
    let known: Vec<&str> = rows("Top level").iter().map(|row| row.key).collect();
    for key in written.as_object().expect("an object").keys() {
        assert!(known.contains(&key.as_str()), "{key}");
    }
}
