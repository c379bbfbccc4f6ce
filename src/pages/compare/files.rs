//! The comparison and its figures as files: the same words after the question mark, and in
//! each what stands behind it.

use super::figure::{self, Picture, Trained};
use super::table::{Compared, compared};
use super::{Material, decoders, denominator, export, numbers, read, validation};
use crate::charts::{Curve, Theme, standalone};
use crate::number::Kind;
use crate::pages::experiment::files;
use crate::pages::experiment::numbers::{at_json, drawn};
use crate::pages::sheet::Carries;
use crate::pages::{filed, words};
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

/// What every file says of itself.
pub(super) fn carried(of: &Material, table: &Compared, title: &str) -> Vec<String> {
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
    lines.push(format!("Snapshot {}", snapshot(of, table)));
    if !of.collapsed.is_empty() {
        lines.push(format!(
            "Collapsed by the link: {}.",
            of.collapsed.join("; ")
        ));
    }
    lines.extend(of.hidden_line());
    lines.extend(of.apart.iter().cloned());
    lines
}

/// The same for a figure's or a table's own files.
struct Behind<'a> {
    of: &'a Material,
    table: &'a Compared,
    snapshot: String,
}

impl Carries for Behind<'_> {
    fn lines(&self, title: &str) -> Vec<String> {
        carried(self.of, self.table, title)
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
            "snapshot": self.snapshot,
        })
    }

    fn behind(&self) -> String {
        denominator::denominator(self.of).to_string()
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
    Ok(HttpResponse::Ok().json(json!({
        "comparison": table,
        "decoders": decoders::groups(&of),
        "denominator": behind,
        "denominator_text": behind.to_string(),
        "apart": of.apart,
        "collapsed": of.collapsed,
        "hidden": of.hidden_labels(),
        "ignored": ignored,
        "snapshot": snapshot,
        "interval": "95 %, Student's t over seeds; differences paired by seed; unadjusted, not registered",
    })))
}

pub async fn csv(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (_, of, metric, _) = read(&state, &request).await?;
    let (_, name, title) = words::FINAL[metric];
    let table = compared(&of, name);
    let lines = carried(&of, &table, title);
    Ok(files::saved(
        "compare.csv",
        "text/csv; charset=utf-8",
        export::lines(&table, &decoders::groups(&of), &lines, &of.collapsed),
    ))
}

pub async fn tex(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let (_, of, metric, _) = read(&state, &request).await?;
    let (_, name, title) = words::FINAL[metric];
    let table = compared(&of, name);
    let lines = carried(&of, &table, title);
    let behind = denominator::denominator(&of).to_string();
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
    let (wanted, of, metric, _) = read(&state, &request).await?;
    let (_, name, title) = words::FINAL[metric];
    let table = compared(&of, name);
    let behind = Behind {
        of: &of,
        table: &table,
        snapshot: snapshot(&of, &table),
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
    let stem = format!("compare-{word}");
    let file = format!("{stem}.{ending}");
    let mut lines = carried(&of, &table, &picture.title);
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
            let behind = denominator::denominator(&of);
            let mut value = json!({
                "figure": picture.word,
                "title": picture.title,
                "caption": picture.caption,
                "basis": group.as_ref().map_or(&table.basis_text, |g| &g.basis_text),
                "denominator": behind,
                "denominator_text": behind.to_string(),
                "collapsed": of.collapsed,
                "hidden": of.hidden_labels(),
                "snapshot": snapshot(&of, &table),
            });
            match (&trained, &group) {
                (Some(trained), _) => {
                    let label = |word: &str| {
                        let line = table.lines.iter().find(|l| l.word == word);
                        line.map_or(word, |l| &l.label).to_string()
                    };
                    let own = |c: &Curve| trained.seeds(c);
                    drawn(&mut value, &trained.chart, label, own);
                    if let Some(at) = at {
                        value["at_budget"] = at_json(at, label);
                    }
                }
                (None, Some(group)) => value["rows"] = json!(group),
                (None, None) => {
                    let shown = table.lines.iter().filter(|l| !l.hidden);
                    value["rows"] = json!(shown.collect::<Vec<_>>());
                }
            }
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

fn alone(of: &Picture, lines: Vec<String>, theme: Theme) -> String {
    let mut foot = vec![of.caption.clone()];
    foot.extend(lines);
    standalone(&of.svg, &foot, theme)
}
