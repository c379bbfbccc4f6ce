//! A figure with its files, and a table with its own, wherever they stand: one way to make
//! them, to answer with them, and to link to them.

use super::experiment::files::{pixels, saved};
use super::judged::judged;
use super::query::ignored_said;
use super::sheet::{Carries, Sheet};
use super::text;
use crate::charts::{Theme, standalone};
use crate::problem::Problem;
use actix_web::HttpResponse;
use askama::Template;
use assay_core::canonical;
use assay_core::denominator::{Denominator, denominator};
use assay_core::ids::ExperimentId;
use assay_store::{self as store, RunView};
use serde_json::{Value, json};
use sqlx::PgConnection;

pub(super) const OF_FIGURE: [&str; 5] = ["svg", "png", "csv", "json", "tex"];
pub(super) const OF_TABLE: [&str; 3] = ["csv", "json", "tex"];

/// Links to the files, between spaces.
#[derive(Debug, Default, Template)]
#[template(path = "_files.html")]
pub(super) struct Links {
    /// Ending and address.
    files: Vec<(&'static str, String)>,
}

impl Links {
    /// `at` without its ending; `query` with its question mark, where there is one.
    pub fn new(at: &str, endings: &[&'static str], query: &str) -> Self {
        let link = |ending: &&'static str| (*ending, format!("{at}.{ending}{query}"));
        Self {
            files: endings.iter().map(link).collect(),
        }
    }
}

/// Characters of a line that a file says of itself.
const LONG: usize = 1_000;

/// What a file says of itself that is no state of an experiment: where it belongs, what its
/// numbers are, and a hash over them.
pub(super) struct About {
    of: String,
    further: Vec<String>,
    /// Of the experiment that a run is of.
    behind: Option<Denominator>,
    /// What of the file's address was not understood.
    ignored: Vec<String>,
    snapshot: String,
}

/// How much stands behind an experiment, for files of its runs.
pub(super) async fn behind(
    conn: &mut PgConnection,
    of: ExperimentId,
) -> Result<Denominator, Problem> {
    let known = judged(&mut *conn, of).await?;
    let runs = store::list_runs(&mut *conn, of).await?;
    let exclusions = store::list_exclusions(conn, of).await?;
    Ok(denominator(
        store::fates(&runs, &exclusions),
        &known.outcome,
        0,
    ))
}

impl About {
    pub fn new(of: &str, further: &[String], sheet: &Sheet) -> Self {
        let line = |l: &str| text::line(&l.replace('\r', " "), LONG);
        Self {
            of: line(of),
            further: further.iter().map(|l| line(l)).collect(),
            behind: None,
            ignored: vec![],
            snapshot: canonical::sha256(&sheet.numbers()),
        }
    }

    /// Of what a stage of a run has left, or all of its stages.
    pub fn of_run(
        run: &RunView,
        question: &str,
        stage: Option<&str>,
        behind: Denominator,
        more: &[String],
        sheet: &Sheet,
    ) -> Self {
        let stage = stage.map_or(String::new(), |name| format!(", stage {name}"));
        let belongs = format!(
            "{}, seed {}{stage}, of {question}; run {}",
            run.arm.label, run.seed, run.id
        );
        let stands = format!("Experiment {}, the run is {}", run.experiment, run.state);
        let further: Vec<String> = std::iter::once(stands)
            .chain(more.iter().cloned())
            .collect();
        Self {
            behind: Some(behind),
            ..Self::new(&belongs, &further, sheet)
        }
    }

    /// Names what of the file's address was not understood.
    pub fn ignoring(mut self, words: Vec<String>) -> Self {
        self.ignored = words;
        self
    }
}

impl Carries for About {
    fn lines(&self, title: &str) -> Vec<String> {
        let mut lines = vec![format!("{}: {title}", self.of)];
        lines.extend(self.further.iter().cloned());
        lines.extend(self.behind.map(|of| of.to_string()));
        lines.extend(ignored_said(&self.ignored));
        lines.push(format!("Snapshot {}", self.snapshot));
        lines
    }

    fn json(&self, title: &str) -> Value {
        let mut value = json!({
            "of": self.of,
            "title": title,
            "about": self.further,
            "ignored": self.ignored,
            "snapshot": self.snapshot,
        });
        if let Some(of) = self.behind {
            value["denominator"] = json!(of);
            value["denominator_text"] = json!(of.to_string());
        }
        value
    }

    fn behind(&self) -> String {
        let own = format!("{}.", self.of.trim_end_matches('.'));
        match self.behind {
            Some(of) => format!("{own} {of}"),
            None => own,
        }
    }

    fn snapshot(&self) -> &str {
        &self.snapshot
    }
}

/// All of it for programs.
pub(super) fn value(of: &Sheet, drawn: bool, about: &impl Carries) -> Value {
    let mut value = of.json(about);
    value[if drawn { "figure" } else { "table" }] = json!(of.word);
    if !of.said.is_empty() {
        value["caption"] = json!(of.said);
    }
    value
}

/// The file of this ending; `svg` is the picture of a figure, and a table has none. `name` is
/// the file's without its ending.
pub(super) async fn answer(
    of: &Sheet,
    svg: Option<&str>,
    about: &impl Carries,
    name: &str,
    ending: &str,
) -> Result<HttpResponse, Problem> {
    let file = format!("{name}.{ending}");
    let alone = |svg: &str, theme| {
        let mut foot = vec![of.said.clone()];
        foot.retain(|line| !line.is_empty());
        foot.extend(about.lines(&of.title));
        standalone(svg, &foot, theme)
    };
    match (ending, svg) {
        ("csv", _) => Ok(saved(&file, "text/csv; charset=utf-8", of.csv(about))),
        ("tex", _) => Ok(saved(
            &file,
            "application/x-tex; charset=utf-8",
            of.tex(about),
        )),
        ("json", _) => Ok(HttpResponse::Ok().json(value(of, svg.is_some(), about))),
        ("svg", Some(svg)) => Ok(saved(&file, "image/svg+xml", alone(svg, Theme::Both))),
        ("png", Some(svg)) => pixels(&file, alone(svg, Theme::Light)).await,
        (_, _) => Err(Problem::not_found("file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::sheet::Cell;

    #[test]
    fn links_are_escaped_and_each_names_its_ending() {
        let links = Links::new("/a/b", &OF_TABLE, "?x=1&y=\"");
        assert_eq!(
            links.to_string(),
            "<a href=\"/a/b.csv?x=1&#38;y=&#34;\" download>.csv</a> \
             <a href=\"/a/b.json?x=1&#38;y=&#34;\" download>.json</a> \
             <a href=\"/a/b.tex?x=1&#38;y=&#34;\" download>.tex</a>"
        );
        assert_eq!(Links::default().to_string(), "");
    }

    #[test]
    fn a_file_says_where_it_belongs_and_other_numbers_have_another_hash() {
        let sheet = |value: f64| {
            let mut of = Sheet::plain("w", "a title", &["x", "value"]);
            of.push(vec![Cell::Place(Some(1.0)), Cell::Value(Some(value))]);
            of
        };
        let about = |value| About::new("a run\n\u{202e}", &["one\rx".into()], &sheet(value));
        let (one, other) = (about(0.5), about(0.25));
        let csv = sheet(0.5).csv(&one);
        assert!(
            csv.starts_with("# a run ⟨U+202E⟩: a title\r\n# one x\r\n# Snapshot "),
            "{csv}"
        );
        assert!(csv.ends_with("x,value\r\n1,0.5\r\n"), "{csv}");
        assert_ne!(one.snapshot(), other.snapshot());
        assert_eq!(value(&sheet(0.5), true, &one)["figure"], "w");
        assert_eq!(value(&sheet(0.5), false, &one)["rows"][0]["value"], 0.5);
        // Infinities have a hash too.
        assert_eq!(about(f64::INFINITY).snapshot().len(), 64);
    }

    #[test]
    fn what_of_an_address_was_not_understood_is_named_in_every_kind_of_file() {
        let mut of = Sheet::plain("w", "a title", &["x"]);
        of.push(vec![Cell::Place(Some(1.0))]);
        let plain = About::new("a run", &[], &of);
        assert_eq!(value(&of, false, &plain)["ignored"], json!([]));
        assert!(!of.csv(&plain).contains("ignored") && !of.tex(&plain).contains("ignored"));
        let about = About::new("a run", &[], &of).ignoring(vec!["hdie".into(), "x0=%".into()]);
        assert!(
            of.csv(&about)
                .contains("\r\n# ignored: hdie, x0=%\r\n# Snapshot ")
        );
        assert!(
            of.tex(&about)
                .contains("\n% ignored: hdie, x0=\\%\n% Snapshot ")
        );
        let said = value(&of, false, &about);
        assert_eq!(said["ignored"], json!(["hdie", "x0=%"]));
        assert_eq!(said["snapshot"], plain.snapshot());
        assert!(
            about
                .lines("t")
                .contains(&"ignored: hdie, x0=%".to_string())
        );
    }
}
