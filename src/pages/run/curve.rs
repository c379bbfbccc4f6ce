//! A curve of a stage as files, whatever page shows it.

use super::material::chosen;
use super::panels::{self, PanelView};
use super::reflective::{self, Base};
use crate::number::Kind;
use crate::pages::filed::{self, About, Links, OF_FIGURE};
use crate::pages::query::{Asked, link};
use crate::pages::sheet::{Cell, Sheet};
use crate::problem::Problem;
use crate::rules::POINTS;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_store::{self as store, Series};
use serde_json::json;

/// A metric's name in addresses.
fn word(metric: &str) -> String {
    match metric {
        reflective::METRIC => "reflective".into(),
        metric => metric.replace('/', "-"),
    }
}

/// Every curve answers to its metric too, as the others do.
fn is_called(metric: &str, asked_for: &str) -> bool {
    asked_for == word(metric) || asked_for == metric.replace('/', "-")
}

pub(in crate::pages) fn links(run: RunId, stage: &str, metric: &str) -> Links {
    let query = link([("stage", stage)]);
    let query = if query.len() > 1 { query.as_str() } else { "" };
    Links::new(&format!("/runs/{run}/{}", word(metric)), &OF_FIGURE, query)
}

/// Every point that is drawn.
fn sheet(metric: &str, series: &Series, base: Option<&Base>) -> Sheet {
    let mut names = vec!["step", "points", "mean", "min", "max"];
    let reflects = metric == reflective::METRIC;
    if reflects {
        names.push("base");
    }
    let mut sheet = Sheet::plain(word(metric), panels::title(metric), &names);
    sheet.said = match reflects {
        true => reflective::caption(base),
        false => format!("{metric} by step: mean of each bin, its smallest and largest value."),
    };
    sheet.kind = Kind::of(metric);
    sheet.along = Some(0);
    for p in &series.points {
        let mut row = vec![
            Cell::Place(Some(p.step as f64)),
            Cell::Count(p.count.unsigned_abs() as usize),
            Cell::Value(Some(p.mean)),
            Cell::Value(Some(p.min)),
            Cell::Value(Some(p.max)),
        ];
        if reflects {
            row.push(Cell::Value(base.map(|b| b.rate)));
        }
        sheet.push(row);
    }
    sheet
}

fn drawn(metric: &str, series: &Series, base: Option<&Base>) -> PanelView {
    match metric {
        reflective::METRIC => reflective::drawn(series, base),
        metric => panels::view(metric, &panels::title(metric), series),
    }
}

/// `/runs/{id}/{metric}.svg`, `.png`, `.csv`, `.json`, `.tex`: of the stage that is asked for.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, asked_for, ending) = path.into_inner();
    let missing = || Problem::not_found("figure");
    let mut asked = Asked::read(request.query_string());
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let found = chosen(&run, &mut asked);
    // A file is of no other stage than the one in its address.
    if asked.has_refused(&["stage"]) {
        return Err(missing());
    }
    let (stage, of) = found.ok_or_else(missing)?;
    let known = store::list_metrics(&mut conn, of).await?;
    let metric = known.into_iter().find(|name| is_called(name, &asked_for));
    let metric = metric.ok_or_else(missing)?;
    let series = store::series(&mut conn, of, &metric, POINTS).await?;
    if series.points.is_empty() {
        return Err(missing());
    }
    let base = match metric.as_str() {
        reflective::METRIC => reflective::base(&mut conn, &run).await?,
        _ => None,
    };
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let behind = filed::behind(&mut conn, run.experiment).await?;
    drop(conn);
    let base = base.as_ref();
    let sheet = sheet(&metric, &series, base);
    let shown = drawn(&metric, &series, base);
    let more = shown.note.map(|note| format!("{note}: not drawn"));
    let more: Vec<String> = more.into_iter().collect();
    let about = About::of_run(&run, &question, Some(&stage), behind, &more, &sheet);
    if ending != "json" {
        let name = format!("{id}-{asked_for}");
        return filed::answer(&sheet, Some(&shown.svg), &about, &name, &ending).await;
    }
    let mut value = filed::value(&sheet, true, &about);
    value["points"] = value["rows"].take();
    if let Some(whole) = value.as_object_mut() {
        whole.remove("rows");
    }
    value["run"] = json!(id);
    value["arm"] = json!(run.arm.label);
    value["seed"] = json!(run.seed);
    value["stage"] = json!(stage);
    value["metric"] = json!(metric);
    value["base"] = json!(base.map(|b| json!({
        "metric": reflective::MEASURED,
        "stage": b.stage,
        "step": b.step,
        "rate": b.rate,
    })));
    Ok(HttpResponse::Ok().json(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_metric_and_the_stage() {
        let run = RunId(uuid::Uuid::nil());
        let html = links(run, "a b", "train/kl").to_string();
        let href = format!("\"/runs/{run}/train-kl.tex?stage=a%20b\"");
        assert!(html.contains(&href), "{html}");
        assert_eq!(html.matches("download").count(), OF_FIGURE.len());
        let none = links(run, "", reflective::METRIC).to_string();
        assert!(none.contains("/reflective.svg\""), "{none}");
        for name in ["reflective", "train-reflection_rate"] {
            assert!(is_called(reflective::METRIC, name), "{name}");
        }
        assert!(is_called("train/kl", "train-kl") && !is_called("train/kl", "reflective"));
    }
}
