//! A curve of a stage as files, whatever page shows it.

use super::material::chosen;
use super::panels::{self, PanelView};
use super::reflective::{self, Base};
use super::view::View;
use crate::number::Kind;
use crate::pages::filed::{self, About, Links, OF_FIGURE};
use crate::pages::query::{Asked, encoded, link};
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

/// The same in names of files and labels of tables, which can hold less.
fn plain(word: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let kept = word.chars().map(|c| if fits(c) { c } else { '_' });
    kept.collect()
}

/// Every curve answers to its metric too, as the others do.
fn is_called(metric: &str, asked_for: &str) -> bool {
    asked_for == word(metric) || asked_for == metric.replace('/', "-")
}

/// Of the whole curve.
pub(in crate::pages) fn links(run: RunId, stage: &str, metric: &str) -> Links {
    links_of(run, stage, metric, &View::default())
}

/// As `view` has it: the same steps, in finer bins where they are few.
pub(super) fn links_of(run: RunId, stage: &str, metric: &str, view: &View) -> Links {
    let words = view.words();
    let asked = words.iter().map(|(key, word)| (*key, word.as_str()));
    let query = link(std::iter::once(("stage", stage)).chain(asked));
    let query = if query.len() > 1 { query.as_str() } else { "" };
    let at = format!("/runs/{run}/{}", encoded(&word(metric)));
    Links::new(&at, &OF_FIGURE, query)
}

/// Every point that is drawn.
fn sheet(metric: &str, series: &Series, base: Option<&Base>, steps: Option<(i64, i64)>) -> Sheet {
    let mut names = vec!["step", "points", "mean", "min", "max"];
    let reflects = metric == reflective::METRIC;
    if reflects {
        names.push("base");
    }
    let mut sheet = Sheet::plain(plain(&word(metric)), panels::title(metric), &names);
    sheet.said = match reflects {
        true => reflective::caption(base),
        false => format!("{metric} by step: mean of each bin, its smallest and largest value."),
    };
    if let Some((low, high)) = steps {
        sheet.said += &format!(" Steps {low} to {high} alone, as measured.");
    }
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

fn drawn(
    metric: &str,
    series: &Series,
    base: Option<&Base>,
    (view, steps): (&View, Option<(i64, i64)>),
) -> PanelView {
    let beside = match metric {
        reflective::METRIC => base.map(|b| b.rate),
        _ => None,
    };
    panels::view_as(view, steps, metric, series, beside)
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
    let mut series = store::series(&mut conn, of, &metric, POINTS).await?;
    let reached = series.points.last().ok_or_else(missing)?.step;
    let view = View::read(&mut asked);
    let steps = view.steps(reached);
    if let Some(part) = steps {
        series = store::series_between(&mut conn, of, &metric, part, POINTS).await?;
    }
    let base = match metric.as_str() {
        reflective::METRIC => reflective::base(&mut conn, &run).await?,
        _ => None,
    };
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let behind = filed::behind(&mut conn, run.experiment).await?;
    drop(conn);
    let base = base.as_ref();
    let sheet = sheet(&metric, &series, base, steps);
    let shown = drawn(&metric, &series, base, (&view, steps));
    let note = shown.note.map(|note| format!("{note}: not drawn"));
    let more: Vec<String> = note.into_iter().collect();
    let about = About::of_run(&run, &question, Some(&stage), behind, &more, &sheet);
    let about = about.ignoring(asked.ignored());
    if ending != "json" {
        let name = format!("{id}-{}", plain(&asked_for));
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
    value["steps"] = json!(steps);
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
        let part = View::read(&mut Asked::read("x0=20&x1=60&log=1&smooth=0.5"));
        let part = links_of(run, "a b", "train/kl", &part).to_string();
        let href = "train-kl.csv?stage=a%20b&#38;x0=20&#38;x1=60&#38;log=1&#38;smooth=0.5";
        assert!(part.contains(href), "{part}");
        // Whatever a worker calls it.
        let odd = links(run, "rl", "odd/\u{202e}\"?#").to_string();
        let href = format!("\"/runs/{run}/odd-%E2%80%AE%22%3F%23.csv?stage=rl\"");
        assert!(odd.contains(&href), "{odd}");
        assert_eq!(plain("odd-\u{202e}\"?#}.x"), "odd-_____.x");
        assert_eq!(plain("train-kl"), "train-kl");
        let none = links(run, "", reflective::METRIC).to_string();
        assert!(none.contains("/reflective.svg\""), "{none}");
        for name in ["reflective", "train-reflection_rate"] {
            assert!(is_called(reflective::METRIC, name), "{name}");
        }
        assert!(is_called("train/kl", "train-kl") && !is_called("train/kl", "reflective"));
    }
}
