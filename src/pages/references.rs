//! `/references`: what others have reached, with source and version; the same stands on the page
//! of an experiment whose task names the benchmark.

use super::filed::{self, About};
use super::query::{Asked, ignored_said};
use super::sheet::{Cell, Sheet};
use super::{Choice, Shell, html};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::reference::{self, Mark, Published, library};
use assay_core::task::TaskSpec;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "references.html")]
struct ReferencesPage {
    shell: Shell,
    benchmarks: Vec<Choice>,
    rows: Vec<ReferenceRow>,
    query: String,
}

struct ReferenceRow {
    model: String,
    benchmark: String,
    metric: String,
    value: String,
    title: String,
    url: String,
    place: String,
    version: String,
    date: String,
    note: String,
}

/// What stands beside an experiment's own results.
#[derive(Debug)]
pub(super) struct Marks {
    pub benchmark: &'static str,
    /// As it is called.
    pub name: String,
    pub rows: Vec<MarkRow>,
}

#[derive(Debug)]
pub(super) struct MarkRow {
    pub label: String,
    pub metric: String,
    pub value: String,
    pub source: &'static str,
    pub place: &'static str,
    pub url: &'static str,
}

/// `None` where the task names no benchmark; no rows where nobody here has a figure of it.
pub(super) fn marks(task: &TaskSpec) -> Option<Marks> {
    let benchmark = reference::benchmark(task)?;
    let found = reference::marks(benchmark);
    let name = |names: &BTreeMap<String, String>, word: &str| {
        names.get(word).map_or(word, String::as_str).to_string()
    };
    let row = |mark: Mark| MarkRow {
        metric: name(&library().metrics, mark.metric),
        value: as_published(mark.metric, mark.value),
        label: mark.label,
        source: mark.source,
        place: mark.place,
        url: mark.url,
    };
    Some(Marks {
        benchmark,
        name: name(&library().benchmarks, benchmark),
        rows: found.into_iter().map(row).collect(),
    })
}

/// Of one benchmark, or of all.
fn chosen(benchmark: Option<&str>) -> impl Iterator<Item = &'static Published> {
    let all = library().results.iter();
    all.filter(move |r| benchmark.is_none_or(|b| b == r.benchmark))
}

impl ReferencesPage {
    fn new(shell: Shell, benchmark: Option<&str>) -> Self {
        let library = library();
        let mut benchmarks = vec![Choice {
            value: String::new(),
            label: "all".into(),
            chosen: benchmark.is_none(),
        }];
        benchmarks.extend(library.benchmarks.iter().map(|(word, name)| Choice {
            value: word.clone(),
            label: name.clone(),
            chosen: benchmark == Some(word),
        }));
        let name = |names: &BTreeMap<String, String>, word: &String| {
            names.get(word).unwrap_or(word).clone()
        };
        Self {
            rows: chosen(benchmark)
                .map(|of| {
                    let source = library.sources.get(&of.source);
                    let from = |pick: fn(&reference::Source) -> &String| {
                        source.map_or(String::new(), |s| pick(s).clone())
                    };
                    ReferenceRow {
                        model: of.model.clone(),
                        benchmark: name(&library.benchmarks, &of.benchmark),
                        metric: name(&library.metrics, &of.metric),
                        value: as_published(&of.metric, of.value),
                        title: from(|s| &s.title),
                        url: from(|s| &s.url),
                        version: from(|s| &s.version),
                        date: from(|s| &s.date),
                        place: of.place.clone(),
                        note: of.note.clone(),
                    }
                })
                .collect(),
            query: benchmark.map_or(String::new(), |b| format!("?benchmark={b}")),
            benchmarks,
            shell,
        }
    }
}

/// Shares have one decimal, ratings none.
fn as_published(metric: &str, value: f64) -> String {
    crate::number::fixed(value, usize::from(metric != "rating"))
}

fn benchmark(asked: &mut Asked) -> Option<String> {
    let word = asked.text("benchmark")?;
    if library().benchmarks.contains_key(&word) {
        return Some(word);
    }
    asked.refuse("benchmark", &word);
    None
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let benchmark = benchmark(&mut asked);
    let mut shell = Shell::new(&state, &request, "Published results").crumb("/", "Experiments");
    shell.ignored = asked.ignored();
    html(&ReferencesPage::new(shell, benchmark.as_deref()))
}

pub async fn csv(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let benchmark = benchmark(&mut asked);
    let ignored = ignored_said(&asked.ignored());
    let mut out = ignored.map_or(String::new(), |line| format!("# {line}\r\n"));
    out += "model,benchmark,metric,value,source,version,date,place,url,note\r\n";
    let library = library();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    for of in chosen(benchmark.as_deref()) {
        let Some(source) = library.sources.get(&of.source) else {
            continue;
        };
        let cells = [
            quoted(&of.model),
            of.benchmark.clone(),
            of.metric.clone(),
            of.value.to_string(),
            quoted(&source.title),
            quoted(&source.version),
            source.date.clone(),
            quoted(&of.place),
            source.url.clone(),
            quoted(&of.note),
        ];
        out += &cells.join(",");
        out += "\r\n";
    }
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "content-disposition",
            "attachment; filename=\"references.csv\"",
        ))
        .body(out))
}

pub async fn json(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let benchmark = benchmark(&mut asked);
    let results: Vec<&Published> = chosen(benchmark.as_deref()).collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({
        "sources": library().sources,
        "results": results,
        "ignored": asked.ignored(),
    })))
}

/// The same as a table for a paper.
fn sheet(benchmark: Option<&str>) -> Sheet {
    let names = [
        "model",
        "benchmark",
        "figure",
        "value",
        "version",
        "date",
        "source",
        "place",
        "note",
    ];
    let mut sheet = Sheet::plain("references", "Published results", &names);
    sheet.said = "Not measured here, and never at equal compute.".into();
    let library = library();
    let called = |names: &BTreeMap<String, String>, word: &String| {
        Cell::Text(names.get(word).unwrap_or(word).clone())
    };
    for of in chosen(benchmark) {
        let source = library.sources.get(&of.source);
        let from = |pick: fn(&reference::Source) -> &String| {
            Cell::Text(source.map_or(String::new(), |s| pick(s).clone()))
        };
        sheet.push(vec![
            Cell::Text(of.model.clone()),
            called(&library.benchmarks, &of.benchmark),
            called(&library.metrics, &of.metric),
            Cell::Word(as_published(&of.metric, of.value)),
            from(|s| &s.version),
            from(|s| &s.date),
            from(|s| &s.title),
            Cell::Text(of.place.clone()),
            Cell::Text(of.note.clone()),
        ]);
    }
    sheet
}

pub async fn tex(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let benchmark = benchmark(&mut asked);
    let sheet = sheet(benchmark.as_deref());
    let about = About::new("Published by others", &[], &sheet).ignoring(asked.ignored());
    filed::answer(&sheet, None, &about, "references", "tex").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_for_a_paper_has_every_figure_with_its_source() {
        let all = sheet(None);
        assert_eq!(all.rows.len(), library().results.len());
        let about = About::new("Published by others", &[], &all);
        let tex = all.tex(&about);
        for part in ["& 77.9 &", "arXiv v1", "DeepSeek-R1-Zero", "% Snapshot "] {
            assert!(tex.contains(part), "{part} in {tex}");
        }
        let one = sheet(Some("codeforces"));
        assert!(!one.rows.is_empty() && one.rows.len() < all.rows.len());
    }

    #[test]
    fn every_figure_stands_with_source_and_version_and_one_benchmark_can_be_chosen() {
        let text = ReferencesPage::new(Shell::plain("Published results"), None)
            .render()
            .unwrap();
        crate::pages::tests::assert_is_clean(&text);
        assert_eq!(
            text.matches("<tr><th scope=\"row\">").count(),
            library().results.len()
        );
        for words in [
            "77.9",
            "71.0",
            "arXiv v1",
            "v2 (Nature 645)",
            "DeepSeek-R1-Zero-Qwen-32B",
        ] {
            assert!(text.contains(words), "{words}");
        }
        let one = ReferencesPage::new(Shell::plain("Published results"), Some("codeforces"))
            .render()
            .unwrap();
        assert!(one.contains("2029") && !one.contains("MATH-500</td>"));
        assert!(one.contains("/references.csv?benchmark=codeforces"));
    }

    #[test]
    fn a_task_that_names_its_benchmark_has_what_others_have_published_on_it() {
        let of = |benchmark: &str| {
            let file = serde_json::json!({"file": "a.jsonl", "sha256": "0".repeat(64)});
            let task = serde_json::json!({
                "name": "questions", "train": file, "test": file, "ood": file,
                "template": "{question}", "answer": "tag", "max_prompt_tokens": 8,
                "max_solution_tokens": 8, "benchmark": benchmark,
            });
            marks(&serde_json::from_value::<TaskSpec>(task).unwrap())
        };
        let found = of("math_500").unwrap();
        assert_eq!(found.name, "MATH-500");
        let published = chosen(Some("math_500")).count();
        assert!(published > 0 && found.rows.len() == published);
        let value = &found.rows[0].value;
        assert!(
            value
                .split_once('.')
                .is_some_and(|(_, rest)| rest.len() == 1)
        );
        // Known, and nobody here has a figure of it.
        let none = of("gsm8k").unwrap();
        assert!(none.rows.is_empty() && none.name == "gsm8k");
    }
}
