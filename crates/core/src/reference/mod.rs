//! What others have published, as data: results on benchmarks and hours of training, each
//! with its source and the version of the paper. Nothing of it is ours, and none of it
//! was measured here.

use crate::task::TaskSpec;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const FILE: &str = include_str!("published.yaml");

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub title: String,
    /// Of the paper: the same name has other numbers in another version.
    pub version: String,
    /// When that version came out, `YYYY-MM-DD`.
    pub date: String,
    pub url: String,
}

/// One figure of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Key of `Library::sources`.
    pub source: String,
    /// Where in the source.
    pub place: String,
    pub model: String,
    /// Key of `Library::benchmarks`.
    pub benchmark: String,
    /// Key of `Library::metrics`.
    pub metric: String,
    pub value: f64,
    #[serde(default)]
    pub note: String,
}

/// A part of a training, as devices times hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub what: String,
    pub devices: f64,
    pub hours: f64,
}

/// Device hours of a training. Hours of different devices are different units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    pub id: String,
    pub what: String,
    pub device: String,
    pub total: f64,
    pub source: String,
    pub place: String,
    /// Empty where the source gives the total alone.
    pub parts: Vec<Part>,
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    pub sources: BTreeMap<String, Source>,
    /// Word and name.
    pub benchmarks: BTreeMap<String, String>,
    pub metrics: BTreeMap<String, String>,
    pub results: Vec<Published>,
    pub hours: Vec<Hours>,
}

/// Everything, in the order of the file.
pub fn library() -> &'static Library {
    static READ: LazyLock<Library> = LazyLock::new(|| {
        // A file of ours, which a test reads.
        serde_saphyr::from_str(FILE).expect("published.yaml is a library")
    });
    &READ
}

impl Library {
    pub fn hours(&self, id: &str) -> Option<&Hours> {
        self.hours.iter().find(|h| h.id == id)
    }
}

/// A published figure: a mark beside the user's own, never one of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// `DeepSeek-R1-Zero (v2 (Nature 645))`: never without its version.
    pub label: String,
    /// The label's parts: this, and `version`.
    pub model: &'static str,
    /// Key of `Library::metrics`.
    pub metric: &'static str,
    /// As published: shares in per cent.
    pub value: f64,
    /// Title of the paper, its version, and the place in it.
    pub source: &'static str,
    pub version: &'static str,
    pub place: &'static str,
    pub url: &'static str,
}

/// The marks of a benchmark, by its word; of one that nobody here has a figure of, none.
pub fn marks(benchmark: &str) -> Vec<Mark> {
    let library = library();
    let own = library.results.iter().filter(|r| r.benchmark == benchmark);
    own.filter_map(|result| {
        let source = library.sources.get(&result.source)?;
        Some(Mark {
            label: format!("{} ({})", result.model, source.version),
            model: &result.model,
            metric: &result.metric,
            value: result.value,
            source: &source.title,
            version: &source.version,
            place: &result.place,
            url: &source.url,
        })
    })
    .collect()
}

/// The word of the published benchmark that a task says its test questions are.
pub fn benchmark(task: &TaskSpec) -> Option<&'static str> {
    match task {
        TaskSpec::Questions(questions) => questions.benchmark.map(|b| b.word()),
        // Made up here, all of them.
        TaskSpec::Modchain(_)
        | TaskSpec::Parity(_)
        | TaskSpec::Mult(_)
        | TaskSpec::Countdown(_)
        | TaskSpec::Dag(_)
        | TaskSpec::Graph(_) => None,
    }
}

#[cfg(test)]
mod pinned;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::reader::Sink;
    use std::collections::BTreeSet;

    #[test]
    fn every_figure_names_what_there_is_and_stands_once() {
        let library = library();
        let mut seen = BTreeSet::new();
        for result in &library.results {
            assert!(library.sources.contains_key(&result.source), "{result:?}");
            assert!(
                library.benchmarks.contains_key(&result.benchmark),
                "{result:?}"
            );
            assert!(library.metrics.contains_key(&result.metric), "{result:?}");
            let is_share = result.metric != "rating";
            assert_eq!(is_share, result.value <= 100.0, "{result:?}");
            let key = (
                &result.source,
                &result.model,
                &result.benchmark,
                &result.metric,
            );
            assert!(seen.insert(key), "twice: {result:?}");
        }
        for source in library.sources.values() {
            assert_eq!(source.date.len(), 10);
            assert!(source.url.starts_with("https://"));
        }
    }

    #[test]
    fn the_parts_of_the_hours_make_their_totals() {
        for hours in library().hours.iter().filter(|h| !h.parts.is_empty()) {
            let sum: f64 = hours.parts.iter().map(|p| p.devices * p.hours).sum();
            assert_eq!(sum, hours.total, "{}", hours.id);
        }
        let of = |id: &str| library().hours(id).unwrap().total;
        assert_eq!(of("r1"), 512.0 * 198.0 + 512.0 * 80.0 + 5_000.0);
        // The number of GPUs that some pages have instead, and what its note says of it.
        let wrong = 648.0 * (198.0 + 80.0) + 5_000.0;
        assert_eq!((wrong / 1e3_f64).round(), 185.0);
        assert_eq!((2.0 * wrong / 1e3_f64).round(), 370.0);
        let notes = library().hours("r1").unwrap().notes.join(" ");
        assert!(notes.contains("185 thousand hours, $370K at $2"), "{notes}");
        let ratio = |id: &str| (of(id) / of("v3") * 10.0).round() / 10.0;
        assert_eq!(ratio("llama-3-1-405b"), 11.1);
        // What comes of taking the family's hours for one model's.
        assert_eq!(ratio("llama-3-1-family"), 14.1);
    }

    #[test]
    fn both_versions_of_the_paper_are_told_apart() {
        let zero: Vec<Mark> = marks("aime_2024")
            .into_iter()
            .filter(|m| m.label.starts_with("DeepSeek-R1-Zero (") && m.metric == "pass@1")
            .collect();
        let said: Vec<(String, f64)> = zero.into_iter().map(|m| (m.label, m.value)).collect();
        assert_eq!(
            said,
            [
                ("DeepSeek-R1-Zero (arXiv v1)".to_string(), 71.0),
                ("DeepSeek-R1-Zero (v2 (Nature 645))".to_string(), 77.9)
            ]
        );
    }

    #[test]
    fn only_a_task_that_names_its_benchmark_has_marks_and_each_stands_with_its_source() {
        for name in TaskSpec::names().iter().filter(|n| **n != "questions") {
            let sink = Sink::default();
            let task = TaskSpec::read(&serde_json::json!({ "name": name }), "", &sink);
            assert_eq!(task.as_ref().and_then(benchmark), None, "{name}");
            assert!(task.is_some() && marks(name).is_empty(), "{name}");
        }
        let file = serde_json::json!({"file": "a.jsonl", "sha256": "0".repeat(64)});
        let mut value = serde_json::json!({
            "name": "questions", "train": file, "test": file, "ood": file
        });
        let of = |value: &serde_json::Value| {
            let sink = Sink::default();
            let task = TaskSpec::read(value, "", &sink).unwrap();
            assert_eq!(sink.into_inner(), []);
            benchmark(&task)
        };
        assert_eq!(of(&value), None);
        value["benchmark"] = "aime_2024".into();
        let own = marks(of(&value).unwrap());
        assert!(own.len() > 1);
        for mark in own {
            assert!(!mark.source.is_empty() && !mark.place.is_empty());
            assert!(mark.label.contains(mark.version) && mark.url.starts_with("https://"));
        }
        // A known benchmark of which the library has no figure.
        assert!(marks("gsm8k").is_empty());
    }
}
