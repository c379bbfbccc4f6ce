//! The panels of a run: one metric each, with its latest value.

use crate::charts::{Panel, PanelPoint};
use crate::number::{self, Kind};
use assay_core::metric;
use assay_store::Series;

#[derive(Debug)]
pub(super) struct PanelView {
    pub metric: &'static str,
    pub title: &'static str,
    pub latest: String,
    pub svg: String,
    pub note: Option<String>,
}

pub(super) fn views(series: &[(&'static str, &'static str, Series)]) -> Vec<PanelView> {
    series
        .iter()
        .map(|(name, title, series)| view(name, title, series))
        .collect()
}

fn view(name: &'static str, title: &'static str, series: &Series) -> PanelView {
    let latest = series.points.last().map_or(number::NONE.into(), |p| {
        number::value(Kind::of(name), p.last)
    });
    let points = series
        .points
        .iter()
        .map(|p| PanelPoint {
            step: p.step as f64,
            mean: p.mean,
            min: p.min,
            max: p.max,
        })
        .collect();
    let drawn = Panel {
        title: format!("{title} by step, now {latest}"),
        points,
        measured: name == metric::VALIDATION_PASS_AT_1,
    }
    .draw();
    let left_out = drawn.left_out as i64;
    PanelView {
        metric: name,
        title,
        latest,
        svg: drawn.svg,
        note: (left_out > 0).then(|| format!("{} not finite", number::counted(left_out, "value"))),
    }
}
