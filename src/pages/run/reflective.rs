//! The rate of reflective completions beside the base's own.

use super::curve;
use super::material::Material;
use super::panels::{self, PanelView};
use crate::number::{self, Kind};
use crate::problem::Problem;
use crate::rules::POINTS;
use assay_store::{self as store, RunView, Series};
use sqlx::PgConnection;

pub(in crate::pages) const METRIC: &str = "train/reflection_rate";
/// The same over the validation split.
pub(super) const MEASURED: &str = "validation/reflection_rate";
/// Kinds of stages that make a base.
const BASES: [&str; 2] = ["pretrain", "checkpoint"];

/// What was last measured of the base.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::pages) struct Base {
    pub stage: String,
    pub step: i64,
    pub rate: f64,
}

/// Of the run's base; `None` where nothing was measured of it, or no finite number.
pub(in crate::pages) async fn base(
    conn: &mut PgConnection,
    run: &RunView,
) -> Result<Option<Base>, Problem> {
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
pub(super) fn caption(base: Option<&Base>) -> String {
    let beside = match base {
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

pub(super) fn panel(of: &Material, series: &Series) -> PanelView {
    let base = of.base.as_ref();
    let stage = of.stage.as_deref().unwrap_or("");
    PanelView {
        caption: Some(caption(base)),
        files: curve::links_of(of.run.id, stage, METRIC, &of.view.within(of.steps_shown())),
        ..panels::view_of(of, METRIC, series, base.map(|b| b.rate))
    }
}
