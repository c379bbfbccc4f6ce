//! The rate of reflective completions beside the base's own, and the figure as files.

use super::links;
use super::material::{Material, material};
use super::panels::{self, PanelView};
use crate::charts::{Theme, standalone};
use crate::number::{self, Kind};
use crate::pages::experiment::files;
use crate::pages::query::Asked;
use crate::pages::text;
use crate::problem::Problem;
use crate::rules::POINTS;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_store::{self as store, RunView, Series};
use serde_json::json;
use sqlx::PgConnection;

pub(super) const METRIC: &str = "train/reflection_rate";
/// The same over the validation split.
const MEASURED: &str = "validation/reflection_rate";
/// Kinds of stages that make a base.
const BASES: [&str; 2] = ["pretrain", "checkpoint"];

/// What was last measured of the base.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Base {
    pub stage: String,
    pub step: i64,
    pub rate: f64,
}

/// Of the run's base; `None` where nothing was measured of it, or no finite number.
pub(super) async fn base(conn: &mut PgConnection, run: &RunView) -> Result<Option<Base>, Problem> {
    let Some(stage) = run.stages.iter().find(|s| BASES.contains(&s.kind.as_str())) else {
        return Ok(None);
    };
    let series = store::series(conn, stage.stage, MEASURED, POINTS).await?;
    let last = series.points.last().filter(|p| p.last.is_finite());
    Ok(last.map(|p| Base {
        stage: stage.name.clone(),
        step: p.step,
        rate: p.last,
    }))
}

/// What is counted, and what stands beside it.
fn caption(of: &Material) -> String {
    let beside = match &of.base {
        Some(base) => format!(
            "Dashed: the base's own rate, {} over the validation split at step {} of {}; it may \
             have done the same already.",
            number::value(Kind::of(MEASURED), base.rate),
            number::integer(base.step),
            base.stage
        ),
        None => "Nothing was measured of the base to draw beside it.".into(),
    };
    format!(
        "Counted: completions of each step's rollout with at least one reflective mark, as a \
         share. A count of marks, not evidence of reasoning. {beside}"
    )
}

fn drawn(of: &Material, series: &Series) -> PanelView {
    let base = of.base.as_ref().map(|b| b.rate);
    panels::view_beside(METRIC, &panels::title(METRIC), series, base)
}

pub(super) fn panel(of: &Material, series: &Series) -> PanelView {
    PanelView {
        caption: Some(caption(of)),
        files: ["svg", "png", "csv", "json"]
            .into_iter()
            .map(|ending| (ending, links::figure(of, "reflective", ending)))
            .collect(),
        ..panels::view_of(of, METRIC, series, of.base.as_ref().map(|b| b.rate))
    }
}

/// What every file says of itself.
fn carried(of: &Material) -> Vec<String> {
    let of_run = format!(
        "{}, seed {}, stage {}, of {}; run {}",
        of.run.arm.label,
        of.run.seed,
        of.stage.as_deref().unwrap_or(number::NONE),
        of.question,
        of.run.id
    );
    let lines = [panels::title(METRIC), of_run, caption(of)];
    lines
        .into_iter()
        .map(|l| text::line(&l.replace(['\r', '\n', '\t'], " "), 1_000))
        .collect()
}

fn csv(of: &Material, series: &Series) -> String {
    let mut out: String = carried(of)
        .iter()
        .map(|line| format!("# {line}\r\n"))
        .collect();
    out.push_str("step,points,mean,min,max,base\r\n");
    let base = of
        .base
        .as_ref()
        .map_or(String::new(), |b| b.rate.to_string());
    for p in &series.points {
        out.push_str(&format!(
            "{},{},{},{},{},{base}\r\n",
            p.step, p.count, p.mean, p.min, p.max
        ));
    }
    out
}

/// `/runs/{id}/reflective.svg`, `.png`, `.csv`, `.json`: of the stage that is asked for.
pub async fn file(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let of = material(&state, id, &mut asked).await?;
    let (_, series) = of
        .series
        .iter()
        .find(|(name, series)| name == METRIC && !series.points.is_empty())
        .ok_or_else(|| Problem::not_found("figure"))?;
    let name = format!("{id}-reflective.{ending}");
    let alone = |theme| standalone(&drawn(&of, series).svg, &carried(&of), theme);
    match ending.as_str() {
        "svg" => Ok(files::saved(&name, "image/svg+xml", alone(Theme::Both))),
        "png" => files::pixels(&name, alone(Theme::Light)).await,
        "csv" => Ok(files::saved(
            &name,
            "text/csv; charset=utf-8",
            csv(&of, series),
        )),
        "json" => Ok(HttpResponse::Ok().json(json!({
            "figure": "reflective",
            "title": panels::title(METRIC),
            "caption": caption(&of),
            "run": of.run.id,
            "arm": of.run.arm.label,
            "seed": of.run.seed,
            "stage": of.stage,
            "metric": METRIC,
            "base": of.base.as_ref().map(|b| json!({
                "metric": MEASURED, "stage": b.stage, "step": b.step, "rate": b.rate,
            })),
            "points": series.points.iter().map(|p| json!({
                "step": p.step, "points": p.count, "mean": p.mean, "min": p.min, "max": p.max,
            })).collect::<Vec<_>>(),
        }))),
        _ => Err(Problem::not_found("file")),
    }
}
