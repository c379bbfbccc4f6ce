//! The graveyard's figures and tables as files, and the list of them.

use super::course::{Course, course, is_hacking};
use super::{Material, material, tables};
use crate::charts::Fate;
use crate::number::Kind;
use crate::pages::experiment::files::{present, present_on};
use crate::pages::filed::{self, Links, OF_FIGURE, OF_TABLE};
use crate::pages::query::Asked;
use crate::pages::sheet::{Carries, Cell, Sheet};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::failure::{FailureTable, Scale};
use assay_core::ids::ExperimentId;
use assay_core::outcome::Mark;
use serde_json::{Value, json};

/// File's name of a card's figure.
pub(super) const COURSE: &str = "course";
/// Under a table for a paper.
const UNSUCCESSFUL_MARKED: &str = " $\\times$ marks what the registered rule calls unsuccessful.";

/// Address of a file without its ending; those of shared stages stand under no arm.
fn at(of: &Material, arm: Option<&str>, word: &str) -> String {
    let id = of.view.id;
    match arm {
        Some(arm) => format!("/experiments/{id}/graveyard/{arm}/{word}"),
        None => format!("/experiments/{id}/graveyard/{word}"),
    }
}

pub(super) fn links(
    of: &Material,
    arm: Option<&str>,
    word: &str,
    endings: &[&'static str],
) -> Links {
    Links::new(&at(of, arm, word), endings, "")
}

/// The file's name of each table: kind and stage, and a number where that is not enough.
pub(super) fn words(of: &[FailureTable]) -> Vec<String> {
    let word = |t: &FailureTable| {
        let kind = json!(t.kind);
        let kind = kind.as_str().unwrap_or_default().replace('_', "-");
        format!("{kind}-{}", t.stage)
    };
    let alike = |a: &FailureTable, b: &FailureTable| {
        (a.kind, &a.arm, &a.stage) == (b.kind, &b.arm, &b.stage)
    };
    of.iter()
        .enumerate()
        .map(
            |(i, t)| match of[..i].iter().filter(|b| alike(t, b)).count() {
                0 => word(t),
                n => format!("{}-{}", word(t), n + 1),
            },
        )
        .collect()
}

/// A head of a column: no sign that would break a line.
fn head(of: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    of.to_lowercase().chars().map(plain).collect()
}

fn table(of: &Material, word: &str, from: &FailureTable) -> Sheet {
    let mut sheet = Sheet::plain(word, tables::title(of, from), &[]);
    sheet.said = from.note.clone();
    sheet.note = " Mean over training seeds $\\pm$ half of its unadjusted 95\\,\\% interval (Student's $t$); description, no test.";
    sheet.kind = Kind::Share;
    sheet.head.push(head(&from.rows_are));
    sheet
        .head
        .extend(from.columns.iter().map(|c| head(&c.title)));
    for row in &from.rows {
        let mut cells = vec![Cell::Text(row.label.clone())];
        let measured = row.cells.iter().zip(&from.columns);
        cells.extend(measured.map(|(cell, column)| match column.scale {
            Scale::Share => Cell::Estimate(*cell),
            Scale::Change => Cell::Difference(*cell),
            Scale::Number | Scale::Percent => Cell::Measured(Kind::Tokens, *cell),
        }));
        sheet.push(cells);
    }
    sheet
}

/// Every point that is drawn, and those of the seeds behind it; `missed` is what is not.
pub(super) fn points(title: &str, from: &Course, missed: &[String]) -> Sheet {
    let names = ["label", "mark", "seed", "x", "n", "value", "low", "high"];
    let mut sheet = Sheet::plain(COURSE, title, &names);
    sheet.said = format!("{} x: {}.", from.said(missed), from.chart.x_title);
    sheet.note = UNSUCCESSFUL_MARKED;
    sheet.kind = from.chart.kind;
    sheet.along = Some(3);
    for curve in &from.chart.curves {
        let failed = curve.fate == Fate::Unsuccessful;
        let named = |seed: String| {
            let mark = match failed {
                true => Mark::Unsuccessful.to_string(),
                false => String::new(),
            };
            [
                Cell::Text(curve.fate.name(&curve.label).into()),
                Cell::Word(mark),
                Cell::Word(seed),
            ]
        };
        let mut push = |seed: String, rest: [Cell; 5]| {
            sheet
                .rows
                .push(named(seed).into_iter().chain(rest).collect());
            sheet.unsuccessful.push(failed);
        };
        for bin in &curve.bins {
            let band = from.chart.shaded(bin);
            let point = [
                Cell::Place(Some(bin.x)),
                Cell::Count(bin.n),
                Cell::Value(Some(bin.mean)),
                Cell::Value(band.map(|b| b.low)),
                Cell::Value(band.map(|b| b.high)),
            ];
            push(String::new(), point);
        }
        for seed in &curve.seeds {
            for (x, y) in &seed.points {
                let point = [
                    Cell::Place(Some(*x)),
                    Cell::Count(1),
                    Cell::Value(Some(*y)),
                    Cell::Value(None),
                    Cell::Value(None),
                ];
                push(seed.seed.to_string(), point);
            }
        }
    }
    sheet
}

/// `/experiments/{id}/graveyard/{arm}/course.svg`, `…/{arm}/{table}.csv`.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(ExperimentId, String, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, arm, word, ending) = path.into_inner();
    answer(&state, &request, (id, Some(&arm)), &word, &ending).await
}

/// `/experiments/{id}/graveyard/{table}.csv`: of a stage that arms share.
pub async fn shared(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(ExperimentId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, word, ending) = path.into_inner();
    answer(&state, &request, (id, None), &word, &ending).await
}

/// Whether a card's curves are of several arms, and not of one arm's judge and the truth.
fn compares(of: &Material, arm: &str) -> bool {
    !of.failures.iter().any(|table| is_hacking(table, arm))
}

async fn answer(
    state: &AppState,
    request: &HttpRequest,
    (id, arm): (ExperimentId, Option<&str>),
    word: &str,
    ending: &str,
) -> Result<HttpResponse, Problem> {
    let of = material(state, id).await?;
    let basis = arm.and_then(|arm| of.basis(arm));
    let compares = word == COURSE && arm.is_some_and(|arm| compares(&of, arm));
    let asked = Asked::read(request.query_string());
    let carried = present_on(state, id, asked, (basis, compares)).await?;
    let name = match arm {
        Some(arm) => format!("{id}-{arm}-{word}"),
        None => format!("{id}-{word}"),
    };
    let missing = || Problem::not_found("figure");
    if let (COURSE, Some(arm)) = (word, arm.filter(|arm| of.has_card(arm))) {
        let course = course(&of, arm).ok_or_else(missing)?;
        let drawn = course.chart.draw();
        let title = format!("{}: {}", course.chart.title, of.label(arm));
        let sheet = points(&title, &course, &drawn.missed());
        return filed::answer(&sheet, Some(&drawn.svg), &carried, &name, ending).await;
    }
    let mut named = words(&of.failures).into_iter().zip(&of.failures);
    let found = named.find(|(own, t)| own == word && t.arm.as_deref() == arm);
    let (word, from) = found.ok_or_else(missing)?;
    let sheet = table(&of, &word, from);
    filed::answer(&sheet, None, &carried, &name, ending).await
}

/// `/experiments/{id}/graveyard.json`: every file, by its address without the ending.
pub async fn index(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let of = material(&state, *id).await?;
    let asked = Asked::read(request.query_string());
    let carried = present(&state, *id, asked).await?;
    let mut value = carried.json("What did not work");
    let cards = of.view.arms.iter().filter(|arm| of.has_card(&arm.key));
    let mut files: Vec<Value> = cards
        .filter_map(|arm| {
            let course = course(&of, &arm.key)?;
            Some(json!({
                "at": at(&of, Some(&arm.key), COURSE),
                "name": format!("{}-{COURSE}", arm.key),
                "title": course.chart.title,
                "endings": OF_FIGURE,
            }))
        })
        .collect();
    for (word, from) in words(&of.failures).into_iter().zip(&of.failures) {
        let owner = from.arm.as_deref().unwrap_or("shared");
        files.push(json!({
            "at": at(&of, from.arm.as_deref(), &word),
            "name": format!("{owner}-{word}"),
            "title": tables::title(&of, from),
            "endings": OF_TABLE,
        }));
    }
    value["files"] = json!(files);
    Ok(HttpResponse::Ok().json(value))
}
