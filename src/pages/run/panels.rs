//! The panels of a run, with their latest values: six that say whether it is healthy,
//! others behind them. All have the same axis of steps, so that one crosshair serves.

use super::material::Material;
use super::view::View;
use super::{curve, reflective};
use crate::charts::{Panel, PanelPoint};
use crate::number::{self, Kind};
use crate::pages::figure_data::{FigureData, caption, every, joined, some};
use crate::pages::filed::Links;
use crate::pages::{text, words};
use assay_core::metric;
use assay_store::{Point, Series};

#[derive(Debug)]
pub(in crate::pages) struct PanelView {
    pub metric: String,
    pub title: String,
    /// How its values are written.
    pub kind: &'static str,
    pub latest: String,
    pub svg: String,
    pub note: Option<String>,
    /// What is counted, where that is said below it.
    pub caption: Option<String>,
    /// The figure as files.
    pub files: Links,
}

/// One card: a question, and one or two curves that answer it.
#[derive(Debug)]
pub(super) struct Card {
    pub title: &'static str,
    pub panels: Vec<PanelView>,
}

/// The cards in their order, each with its metrics.
pub(super) const CARDS: [(&str, &[&str]); 9] = [
    ("Reward", &[metric::REWARD_MEAN]),
    ("Held-out", &[metric::VALIDATION_PASS_AT_1]),
    (
        "Length and truncation",
        &[metric::COMPLETION_LENGTH, metric::TRUNCATED_SHARE],
    ),
    ("Distance", &[metric::KL]),
    ("Entropy", &[metric::ENTROPY]),
    ("Speed", &[metric::TOKENS_PER_SECOND]),
    ("Loss", &[metric::LOSS]),
    ("Gradient", &[metric::GRAD_NORM]),
    ("Clipping", &[metric::CLIP_HIGH]),
];
/// So many of them say whether a run is healthy; what they lack is named.
const VITAL: usize = 6;

/// A metric with its series.
pub(super) type Measured = (String, Series);

pub(super) fn title(name: &str) -> String {
    words::panel_title(name).to_string()
}

pub(super) fn cards(of: &Material) -> Vec<Card> {
    let panel = |name: &&str| {
        let found = of.drawn().iter().find(|(n, _)| n == name);
        found.map(|(name, series)| filed(of, view_of(of, name, series, None)))
    };
    CARDS
        .iter()
        .map(|(name, metrics)| Card {
            title: name,
            panels: metrics.iter().filter_map(panel).collect(),
        })
        .filter(|card| !card.panels.is_empty())
        .collect()
}

/// Panels of the six that this stage does not report.
pub(super) fn missing(series: &[Measured]) -> Vec<String> {
    CARDS[..VITAL]
        .iter()
        .flat_map(|(_, metrics)| *metrics)
        .filter(|name| !series.iter().any(|(n, _)| n == *name))
        .map(|name| title(name))
        .collect()
}

/// Every curve that is drawn, in numbers.
pub(super) fn data(series: &[Measured]) -> Option<FigureData> {
    let every = every(series.iter().map(|(_, s)| s.points.len()).max()?);
    let row = |(name, series): &Measured| {
        let value = |v: f64| number::value(Kind::of(name), v);
        let said: Vec<String> = some(&series.points, every)
            .into_iter()
            .map(|p| {
                let range = match p.count {
                    1 => String::new(),
                    _ => format!(" [{}, {}]", value(p.min), value(p.max)),
                };
                format!("{}: {}{range}", number::integer(p.step), value(p.mean))
            })
            .collect();
        (title(name), joined(&said))
    };
    Some(FigureData {
        id: "panels".into(),
        title: "curves by step".into(),
        caption: caption("curves", every),
        file: None,
        of: "Curve",
        head: "Mean at step, with the smallest and largest value of a bin of several".into(),
        rows: series.iter().map(row).collect(),
    })
}

/// What stands on no card.
pub(super) fn others(of: &Material) -> Vec<PanelView> {
    let on_card = |name: &str| CARDS.iter().any(|(_, m)| m.contains(&name));
    of.drawn()
        .iter()
        .filter(|(name, _)| !on_card(name))
        .map(|(name, series)| match name.as_str() {
            reflective::METRIC => reflective::panel(of, series),
            _ => filed(of, view_of(of, name, series, None)),
        })
        .collect()
}

/// With its files; below the speed, what the time so far has cost.
fn filed(of: &Material, shown: PanelView) -> PanelView {
    let stage = of.stage.as_deref().unwrap_or("");
    let is_speed = shown.metric == metric::TOKENS_PER_SECOND;
    PanelView {
        files: curve::links_of(
            of.run.id,
            stage,
            &shown.metric,
            &of.view.within(of.steps_shown()),
        ),
        caption: match is_speed {
            true => of.standing.device_time(),
            false => shown.caption,
        },
        ..shown
    }
}

/// A whole curve, as it was measured.
pub(in crate::pages) fn view(name: &str, title: &str, series: &Series) -> PanelView {
    drawn(name, title, series, Panel::default())
}

/// The same with the base's own value as a line across.
pub(in crate::pages) fn view_beside(
    name: &str,
    title: &str,
    series: &Series,
    beside: Option<f64>,
) -> PanelView {
    let panel = Panel {
        beside,
        ..Panel::default()
    };
    drawn(name, title, series, panel)
}

/// As the address asks.
pub(super) fn view_of(
    of: &Material,
    name: &str,
    series: &Series,
    beside: Option<f64>,
) -> PanelView {
    view_as(&of.view, of.steps_shown(), name, series, beside)
}

/// The same outside of a page; `beside` is a value that stands as a line across.
pub(super) fn view_as(
    view: &View,
    steps: Option<(i64, i64)>,
    name: &str,
    series: &Series,
    beside: Option<f64>,
) -> PanelView {
    let panel = Panel {
        beside,
        within: steps.map(|(low, high)| (low as f64, high as f64)),
        log: view.log,
        smooth: view.smooth,
        ..Panel::default()
    };
    drawn(name, &title(name), series, panel)
}

/// One value that is no number takes the bin that it is in.
fn not_finite(points: &[Point], left_out: usize) -> String {
    let broken = points.iter().filter(|p| !p.mean.is_finite());
    let largest = broken.map(|p| p.count).max().unwrap_or(1);
    match largest {
        0 | 1 => {
            let n = number::counted(left_out as i64, "value");
            format!("{n} not finite")
        }
        steps => format!(
            "{} of up to {} not drawn: a value in it is not finite",
            number::counted(left_out as i64, "bin"),
            number::counted(steps, "step")
        ),
    }
}

fn drawn(name: &str, title: &str, series: &Series, how: Panel) -> PanelView {
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
    let said = how.beside.map_or(String::new(), |v| {
        format!("; the base: {}", number::value(Kind::of(name), v))
    });
    let when = if how.within.is_some() { "last" } else { "now" };
    let drawn = Panel {
        title: format!("{} by step, {when} {latest}{said}", text::visible(title)),
        points,
        measured: name.starts_with("validation/"),
        ..how
    }
    .draw();
    let mut notes = vec![];
    if drawn.left_out > 0 {
        notes.push(not_finite(&series.points, drawn.left_out));
    }
    if drawn.not_positive > 0 {
        let n = number::counted(drawn.not_positive as i64, "value");
        notes.push(format!("{n} ≤ 0, not on this axis"));
    }
    PanelView {
        metric: name.into(),
        title: title.into(),
        kind: Kind::of(name).word(),
        latest,
        svg: drawn.svg,
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        caption: None,
        files: Links::default(),
    }
}
