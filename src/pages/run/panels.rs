//! The panels of a run, with their latest values: six that say whether it is healthy,
//! others behind them. All have the same axis of steps, so that one crosshair serves.

use super::material::Material;
use super::{curve, reflective};
use crate::charts::{Panel, PanelPoint};
use crate::number::{self, Kind};
use crate::pages::filed::Links;
use assay_core::metric;
use assay_store::Series;

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
pub(super) const CARDS: [(&str, &[&str]); 8] = [
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
];
/// So many of them say whether a run is healthy; what they lack is named.
const VITAL: usize = 6;

/// A metric with its series.
pub(super) type Measured = (String, Series);

/// Titles of what stands on no card of its own.
const TITLES: [(&str, &str); 5] = [
    ("train/reflection_rate", "Reflective completions, share"),
    (
        "train/language_consistency",
        "Characters in the prompt's vocabulary, share",
    ),
    ("train/long_share", "Completions with steps, share"),
    ("train/step_accuracy", "Right steps, share"),
    (metric::CLIP_HIGH, "Upper clip ratio, share of tokens"),
];

pub(super) fn title(name: &str) -> String {
    metric::PANELS
        .iter()
        .chain(&TITLES)
        .find(|(m, _)| *m == name)
        .map_or(name, |(_, title)| title)
        .to_string()
}

pub(super) fn cards(of: &Material) -> Vec<Card> {
    let shown = |name: &&str| {
        let found = of.series.iter().find(|(n, _)| n == name);
        found.map(|(name, series)| filed(of, view(name, &title(name), series)))
    };
    CARDS
        .iter()
        .map(|(name, metrics)| Card {
            title: name,
            panels: metrics.iter().filter_map(shown).collect(),
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

/// What stands on no card.
pub(super) fn others(of: &Material) -> Vec<PanelView> {
    let on_card = |name: &str| CARDS.iter().any(|(_, m)| m.contains(&name));
    of.series
        .iter()
        .filter(|(name, _)| !on_card(name))
        .map(|(name, series)| match name.as_str() {
            reflective::METRIC => reflective::panel(of, series),
            _ => filed(of, view(name, &title(name), series)),
        })
        .collect()
}

fn filed(of: &Material, shown: PanelView) -> PanelView {
    let stage = of.stage.as_deref().unwrap_or("");
    PanelView {
        files: curve::links(of.run.id, stage, &shown.metric),
        ..shown
    }
}

pub(in crate::pages) fn view(name: &str, title: &str, series: &Series) -> PanelView {
    view_beside(name, title, series, None)
}

/// With the base's own value as a line across.
pub(super) fn view_beside(
    name: &str,
    title: &str,
    series: &Series,
    base: Option<f64>,
) -> PanelView {
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
    let said = base.map_or(String::new(), |v| {
        format!("; the base: {}", number::value(Kind::of(name), v))
    });
    let drawn = Panel {
        title: format!("{title} by step, now {latest}{said}"),
        points,
        measured: name.starts_with("validation/"),
        beside: base,
    }
    .draw();
    let left_out = drawn.left_out as i64;
    PanelView {
        metric: name.into(),
        title: title.into(),
        kind: Kind::of(name).word(),
        latest,
        svg: drawn.svg,
        note: (left_out > 0).then(|| format!("{} not finite", number::counted(left_out, "value"))),
        caption: None,
        files: Links::default(),
    }
}
