//! The comparison and its figures as files: the same words after the question mark, and in
//! each what stands behind it.

use super::decoders::Group;
use super::figure::{self, Picture, Trained};
use super::table::{self, Compared, compared};
use super::{Material, columns, decoders, denominator, export, numbers, read, validation};
use crate::charts::{Curve, Theme, standalone};
use crate::number::Kind;
use crate::pages::experiment::files;
use crate::pages::experiment::numbers::{at_json, drawn};
use crate::pages::experiment::published;
use crate::pages::query::ignored_said;
use crate::pages::sheet::Carries;
use crate::pages::{filed, text, words};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::canonical;
use serde_json::{Value, json};

/// sha256 over what is compared: one for all files of a comparison.
pub(super) fn snapshot(of: &Material, table: &Compared) -> String {
    let groups = decoders::groups(of);
    let state = match groups.is_empty() {
        true => json!(table),
        false => json!({ "comparison": table, "decoders": groups }),
    };
    canonical::sha256(&state)
}

/// What every file says of itself; `ignored` is what of its address was not understood.
pub(super) fn carried(
    of: &Material,
    table: &Compared,
    title: &str,
    ignored: &[String],
) -> Vec<String> {
    let columns = table
        .lines
        .iter()
        .map(|l| format!("{} ({})", l.label, l.word));
    let columns: Vec<String> = columns.collect();
    let groups = decoders::groups(of);
    let mut lines = vec![];
    if !columns.is_empty() {
        lines.push(format!("{title}: {}", columns.join("; ")));
        lines.push(format!("Basis: {}", table.basis_text));
    }
    for group in &groups {
        let own = group.lines.iter();
        let own: Vec<String> = own.map(|l| format!("{} ({})", l.label, l.word)).collect();
        lines.push(format!(
            "Decoders of {}, apart from the others: {}",
            group.policy_label,
            own.join("; ")
        ));
        lines.push(format!("Their basis: {}", group.basis_text));
    }
    lines.push(denominator::denominator(of).to_string());
    lines.extend(of.interim_lines());
    lines.extend(ignored_said(ignored));
    lines.push(format!("Snapshot {}", snapshot(of, table)));
    lines.extend(denominator::named(of));
    lines.extend(denominator::apart(of, &groups));
    lines.iter().map(|line| text::visible(line)).collect()
}

/// The same for a figure's or a table's own files.
struct Behind<'a> {
    of: &'a Material,
    table: &'a Compared,
    snapshot: String,
    ignored: Vec<String>,
    /// Of the figure, or of what is listed nothing.
    basis: Option<String>,
}

impl Carries for Behind<'_> {
    fn lines(&self, title: &str) -> Vec<String> {
        carried(self.of, self.table, title, &self.ignored)
    }

    fn json(&self, title: &str) -> Value {
        let behind = denominator::denominator(self.of);
        json!({
            "title": title,
            "basis": self.table.basis_text,
            "denominator": behind,
            "denominator_text": behind.to_string(),
            "collapsed": self.of.collapsed,
            "hidden": self.of.hidden_labels(),
            "named": denominator::named(self.of),
            "ignored": self.ignored,
            "snapshot": self.snapshot,
        })
    }

    fn basis(&self) -> Option<&str> {
        self.basis.as_deref()
    }

    fn behind(&self) -> String {
        denominator::behind(self.of)
    }

    fn snapshot(&self) -> &str {
        &self.snapshot
    }
}

pub async fn json(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (_, of, metric, ignored) = read(&state, &request).await?;
    let table = compared(&of, words::FINAL[metric].1);
    let behind = denominator::denominator(&of);
    let snapshot = snapshot(&of, &table);
    let groups = decoders::groups(&of);
    Ok(HttpResponse::Ok().json(json!({
        "comparison": table,
        "decoders": groups,
        "denominator": behind,
        "denominator_text": behind.to_string(),
        "apart": denominator::apart(&of, &groups),
        "collapsed": of.collapsed,
        "hidden": of.hidden_labels(),
        "named": denominator::named(&of),
        "ignored": ignored,
        "snapshot": snapshot,
        "interval": "95 %, Student's t over seeds; differences paired by seed; unadjusted, not registered",
    })))
}

pub async fn csv(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (_, of, metric, ignored) = read(&state, &request).await?;
    let (_, name, title) = words::FINAL[metric];
    let table = compared(&of, name);
    let lines = carried(&of, &table, title, &ignored);
    Ok(files::saved(
        "compare.csv",
        "text/csv; charset=utf-8",
        export::lines(&table, &decoders::groups(&of), &lines, &of.collapsed),
    ))
}

pub async fn tex(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (_, of, metric, ignored) = read(&state, &request).await?;
    let (_, name, title) = words::FINAL[metric];
    let table = compared(&of, name);
    let lines = carried(&of, &table, title, &ignored);
    let behind = denominator::behind(&of);
    Ok(files::saved(
        "compare.tex",
        "application/x-tex; charset=utf-8",
        export::tex(&table, title, &lines, &behind),
    ))
}

/// `/compare/forest.svg`, `/compare/decoders-0.json`: one figure; `/compare/config.csv`: the keys.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (word, ending) = path.into_inner();
    let (wanted, of, metric, ignored) = read(&state, &request).await?;
    let (_, name, title) = words::FINAL[metric];
    let table = compared(&of, name);
    let mut behind = Behind {
        of: &of,
        table: &table,
        snapshot: snapshot(&of, &table),
        ignored,
        basis: None,
    };
    if word == numbers::CONFIG {
        if table.lines.is_empty() {
            return Err(Problem::not_found("figure"));
        }
        let sheet = numbers::config(&table, wanted.all);
        return filed::answer(&sheet, None, &behind, "compare-config", &ending).await;
    }
    let trained = match word.as_str() {
        "training" => figure::training(&of, &table, wanted.curve),
        "milestones" => validation::milestones(&of, &table),
        "frontier" => validation::frontier(&of, &table),
        _ => {
            let groups = validation::groups(&of, &table, wanted.curve);
            groups.into_iter().find(|group| group.word == word)
        }
    };
    let trained = match ending.as_str() {
        "svg" | "png" => trained.map(Trained::for_file),
        _ => trained,
    };
    let place = word.strip_prefix("decoders-");
    let place: Option<usize> = place.and_then(|n| n.parse().ok());
    let group = place.and_then(|place| decoders::groups(&of).into_iter().nth(place));
    let picture = match (&trained, &group) {
        (Some(trained), _) => Some(trained.picture()),
        (None, Some(group)) => decoders::forest(place.unwrap_or(0), group),
        (None, None) if word == "forest" => figure::forest(&table, Kind::of(name), title),
        (None, None) => None,
    };
    let picture = picture.ok_or_else(|| Problem::not_found("figure"))?;
    let basis = match &group {
        Some(group) => group.basis_text.clone(),
        None => basis(&of, &table, &word),
    };
    behind.basis = Some(basis);
    let stem = format!("compare-{word}");
    let file = format!("{stem}.{ending}");
    let mut lines = behind.lines(&picture.title);
    let at = trained.as_ref().and_then(|trained| trained.at.as_ref());
    if let Some(at) = at {
        lines.insert(0, at.said());
    }
    match ending.as_str() {
        "svg" => Ok(files::saved(
            &file,
            "image/svg+xml",
            alone(&picture, lines, Theme::Both),
        )),
        "png" => files::pixels(&file, alone(&picture, lines, Theme::Light)).await,
        "json" => {
            let value = numbers_of(&behind, &picture, trained.as_ref(), group.as_ref());
            Ok(HttpResponse::Ok().json(value))
        }
        _ => {
            let sheet = match (&trained, &group) {
                (Some(trained), _) => numbers::curves(trained, &table, of.view.lines),
                (None, Some(group)) => numbers::decoders(group, &picture),
                (None, None) => numbers::forest(&table, &picture.title, &picture.caption),
            };
            filed::answer(&sheet, None, &behind, &stem, &ending).await
        }
    }
}

/// A figure's numbers for programs.
fn numbers_of(
    behind: &Behind<'_>,
    picture: &Picture,
    trained: Option<&Trained>,
    group: Option<&Group>,
) -> Value {
    let (of, table) = (behind.of, behind.table);
    let denominator = denominator::denominator(of);
    let mut value = json!({
        "figure": picture.word,
        "title": picture.title,
        "caption": picture.caption,
        "basis": behind.basis,
        "denominator": denominator,
        "denominator_text": denominator.to_string(),
        "collapsed": of.collapsed,
        "hidden": of.hidden_labels(),
        "named": denominator::named(of),
        "ignored": behind.ignored,
        "snapshot": behind.snapshot,
    });
    match (trained, group) {
        (Some(trained), _) => {
            let label = |word: &str| {
                let line = table.lines.iter().find(|l| l.word == word);
                text::visible(line.map_or(word, |l| &l.label))
            };
            let own = |c: &Curve| trained.seeds(c);
            drawn(&mut value, &trained.chart, label, own);
            if let Some(rows) = published::json(&trained.chart) {
                value["published"] = rows;
            }
            if let Some(at) = &trained.at {
                value["at_budget"] = at_json(at, label);
            }
        }
        (None, Some(group)) => value["rows"] = json!(group),
        (None, None) => {
            let shown = table.lines.iter().filter(|l| !l.hidden);
            value["rows"] = json!(shown.collect::<Vec<_>>());
        }
    }
    value
}

/// Columns that were asked other questions than the base have a basis among themselves.
pub(super) fn basis(of: &Material, table: &Compared, word: &str) -> String {
    let place = word.strip_prefix("group-");
    let place: Option<usize> = place.and_then(|n| n.parse().ok());
    let place = place.and_then(|n| n.checked_sub(1));
    match place.and_then(|place| columns::others(of, table).into_iter().nth(place)) {
        Some(group) => table::said(group.ground(of).as_ref(), &table.metric),
        None => table.basis_text.clone(),
    }
}

fn alone(of: &Picture, lines: Vec<String>, theme: Theme) -> String {
    let mut foot = vec![of.caption.clone()];
    foot.extend(lines);
    standalone(&of.svg, &foot, theme)
}
