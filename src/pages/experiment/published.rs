//! What others have published on the task's benchmark, as marks of the curve over milestones,
//! which is of validation questions, and of pass@k at k = 1: an orientation, never an arm.

use crate::charts::{Curves, Published};
use crate::number::{self, Kind};
use crate::pages::sheet::Cell;
use assay_core::reference::{self, library};
use assay_core::task::TaskSpec;
use serde_json::{Value, json};

/// Key of the library's metrics, the one that a figure here shows.
const PASS_AT_1: &str = "pass@1";

/// Shares, as the axes have them; `at` is the one place on the x axis that they are of.
pub(in crate::pages) fn of_task(of: &TaskSpec, at: Option<f64>) -> Vec<Published> {
    let benchmark = reference::benchmark(of);
    let marks = benchmark.map(reference::marks).unwrap_or_default();
    marks
        .into_iter()
        .filter(|mark| mark.metric == PASS_AT_1)
        .map(|mark| Published {
            model: mark.model.into(),
            version: mark.version.into(),
            source: mark.source.into(),
            place: mark.place.into(),
            url: mark.url.into(),
            value: mark.value / 100.0,
            at,
        })
        .collect()
}

/// Sentences: which stand in the picture and which do not, with version and place of each,
/// and the papers. Nothing of a chart without any.
pub(in crate::pages) fn said(of: &TaskSpec, chart: &Curves) -> Vec<String> {
    let drawn = chart.published_drawn();
    let figure = |of: &Published| {
        let value = number::value(Kind::Share, of.value);
        format!("{} {value} ({}, {})", of.model, of.version, of.place)
    };
    let (mut inside, mut outside) = (vec![], vec![]);
    let mut papers: Vec<String> = vec![];
    for (i, own) in chart.published.iter().enumerate() {
        match drawn.contains(&i) {
            true => inside.push(figure(own)),
            false => outside.push(figure(own)),
        }
        let paper = format!("{} ({})", own.source, own.version);
        if !papers.contains(&paper) {
            papers.push(paper);
        }
    }
    if papers.is_empty() {
        return vec![];
    }
    let word = reference::benchmark(of).unwrap_or_default();
    // Of one try, else of all that was trained.
    let is_of_tries = chart.published.iter().any(|own| own.at.is_some());
    let known = library().benchmarks.get(word);
    let benchmark = known.map_or(word, String::as_str);
    let mut said = vec![];
    if !inside.is_empty() {
        let marks = match is_of_tries {
            true => "Short bars at k = 1",
            false => "Thin dashed levels",
        };
        said.push(format!(
            "{marks}: published pass@1 on {benchmark}, of other models, prompts and graders, not measured here and not at equal compute: {}.",
            inside.join("; ")
        ));
    }
    if !outside.is_empty() {
        said.push(format!(
            "Published pass@1 on {benchmark} that is not drawn, off the axis, which no mark stretches, or farther from what is drawn: {}.",
            outside.join("; ")
        ));
    }
    if !is_of_tries {
        said.push("The lines are over validation questions, of the training file; what is published is over the benchmark's test questions.".into());
    }
    said.push(format!("Published in: {}.", papers.join("; ")));
    said
}

/// A section of a figure's numbers, drawn or not; nothing where there is none.
pub(in crate::pages) fn json(chart: &Curves) -> Option<Value> {
    let drawn = chart.published_drawn();
    let row = |(i, of): (usize, &Published)| {
        json!({
            "model": of.model,
            "version": of.version,
            "metric": PASS_AT_1,
            "value": of.value,
            "x": of.at,
            "source": of.source,
            "place": of.place,
            "url": of.url,
            "drawn": drawn.contains(&i),
        })
    };
    let rows: Vec<Value> = chart.published.iter().enumerate().map(row).collect();
    (!rows.is_empty()).then(|| json!(rows))
}

/// The same as rows of the figure's numbers: model with version, what it is in place of an arm's
/// mark, the one place on the x axis, the value, and where it stands.
pub(in crate::pages) fn rows(chart: &Curves) -> Vec<Vec<Cell>> {
    let drawn = chart.published_drawn();
    let nothing = || Cell::Word(String::new());
    let row = |(i, of): (usize, &Published)| {
        let place = match drawn.contains(&i) {
            true => format!("{}, {}", of.place, of.url),
            false => format!("{}, {}, not drawn", of.place, of.url),
        };
        vec![
            nothing(),
            Cell::Text(format!("{} ({})", of.model, of.version)),
            Cell::Word("published".into()),
            nothing(),
            Cell::Place(of.at),
            nothing(),
            Cell::Value(Some(of.value)),
            nothing(),
            nothing(),
            Cell::Text(place),
        ]
    };
    chart.published.iter().enumerate().map(row).collect()
}
