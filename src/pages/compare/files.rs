//! The comparison and its figures as files: the same words after the question mark, and in
//! each what stands behind it.

use super::figure::{self, Picture};
use super::table::{Compared, compared};
use super::{Material, denominator, export, numbers, read};
use crate::charts::{Theme, standalone};
use crate::number::Kind;
use crate::pages::experiment::files;
use crate::pages::experiment::numbers::drawn;
use crate::pages::sheet::Carries;
use crate::pages::{filed, words};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::canonical;
use serde_json::{Value, json};

/// What every file says of itself.
fn carried(of: &Material, table: &Compared, title: &str) -> Vec<String> {
    let columns = table
        .lines
        .iter()
        .map(|l| format!("{} ({})", l.label, l.word));
    let columns: Vec<String> = columns.collect();
    let mut lines = vec![
        format!("{title}: {}", columns.join("; ")),
        format!("Basis: {}", table.basis_text),
        denominator::denominator(of).to_string(),
        format!("Snapshot {}", canonical::sha256(&json!(table))),
    ];
    if !of.collapsed.is_empty() {
        lines.push(format!(
            "Collapsed by the link: {}.",
            of.collapsed.join("; ")
        ));
    }
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
    Ok(HttpResponse::Ok().json(json!({
        "comparison": table,
        "denominator": behind,
        "denominator_text": behind.to_string(),
        "apart": of.apart,
        "collapsed": of.collapsed,
        "ignored": ignored,
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
        export::lines(&table, &lines, &of.collapsed),
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

/// `/compare/forest.svg`, `/compare/training.json`: one figure; `/compare/config.csv`: the keys.
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
        snapshot: canonical::sha256(&json!(table)),
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
        _ => None,
    };
    let picture = match (&trained, word.as_str()) {
        (Some(trained), _) => Some(trained.picture()),
        (None, "forest") => figure::forest(&table, Kind::of(name), title),
        (None, _) => None,
    };
    let picture = picture.ok_or_else(|| Problem::not_found("figure"))?;
    let stem = format!("compare-{word}");
    let file = format!("{stem}.{ending}");
    let lines = carried(&of, &table, &picture.title);
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
                "basis": table.basis_text,
                "denominator": behind,
                "denominator_text": behind.to_string(),
            });
            match &trained {
                Some(trained) => {
                    let label = |word: &str| {
                        let line = table.lines.iter().find(|l| l.word == word);
                        line.map_or(word, |l| &l.label).to_string()
                    };
                    drawn(&mut value, &trained.chart, label, |_| vec![]);
                }
                None => value["rows"] = json!(table.lines),
            }
            Ok(HttpResponse::Ok().json(value))
        }
        _ => {
            let sheet = match &trained {
                Some(trained) => numbers::training(trained, &table),
                None => numbers::forest(&table, &picture.title, &picture.caption),
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
