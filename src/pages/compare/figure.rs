//! The pictures of the comparison, each with what is said under it.

use super::entries::{Entry, Material};
use super::table::{Compared, Line};
use crate::charts::{self, Band, Curve, Curves, Shape, average};
use crate::number::{self, Kind};
use crate::pages::experiment::figure::end_of;
use crate::pages::experiment::forest::banded;
use crate::pages::experiment::milestones::measured;
use crate::pages::experiment::numbers::all;
use crate::pages::experiment::training::{bins, seeds_of};
use crate::pages::figure_data::{self, FigureData};
use crate::pages::words;
use assay_core::ground::{Ground, other_questions};
use assay_core::spec::Experiment;

pub(super) struct Picture {
    /// Its name in addresses.
    pub word: String,
    pub title: String,
    pub svg: String,
    pub caption: String,
    /// What is drawn, in numbers.
    pub data: Option<FigureData>,
}

/// Differences to the base; nothing where no two of them share an axis.
pub(super) fn forest(of: &Compared, kind: Kind, title: &str) -> Option<Picture> {
    let others = (0..).zip(&of.lines).filter(|(_, line)| !line.is_base);
    let mut rows: Vec<charts::Row> = others
        .filter(|(_, line)| line.difference.is_some())
        .map(|(slot, line)| {
            let (label, fate) = line.drawn();
            charts::Row {
                key: line.word.clone(),
                label,
                slot,
                tint: None,
                fate,
                estimate: line.difference,
                seeds: line.difference_seeds.iter().map(|s| s.1).collect(),
                note: None,
            }
        })
        .collect();
    let effect = |row: &charts::Row| row.estimate.map_or(f64::NEG_INFINITY, |e| e.mean);
    rows.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
    let base = of.base()?;
    if rows.is_empty() {
        return None;
    }
    let left_out = of.lines.len() - 1 - rows.len();
    let of_what = match of.ground.as_ref().and_then(Ground::shortest) {
        Some(_) => format!(
            "validation {} within the shortest budget",
            measured(words::place(&of.metric)).title
        ),
        None => title.to_string(),
    };
    let title = format!("Differences to {} in {of_what}", base.label);
    let chart = charts::Rows {
        title: title.clone(),
        x_title: format!("difference to {}", base.label),
        kind,
        differences: true,
        margin: of.margin,
        rows,
    };
    let mut drawn = chart.draw();
    drawn.left_out += lost(of, base);
    let mut caption = format!(
        "{}. Unadjusted 95 % intervals, paired by seed; no registered test.",
        of.basis_text
    );
    if let Some(margin) = of.margin {
        caption += &format!(" {}", banded(margin));
    }
    if left_out > 0 {
        let n = number::counted(left_out as i64, "column");
        caption += &format!(" {n} not on this axis: see the table for why.");
    }
    for line in drawn.missed() {
        caption += &format!(" {line}");
    }
    Some(Picture {
        word: "forest".into(),
        svg: drawn.svg,
        caption,
        data: Some(FigureData {
            id: "forest".into(),
            title: title.clone(),
            caption: figure_data::caption("columns", 1),
            file: None,
            of: "Arm or run",
            rows: chart
                .rows
                .iter()
                .map(|row| (row.label.clone(), figure_data::seeds(row, kind)))
                .collect(),
            head: chart.x_title,
        }),
        title,
    })
}

/// Seeds of which both have finished, but their difference is no number.
fn lost(of: &Compared, base: &Line) -> usize {
    let of_both = |(seed, value): &&(u64, f64)| {
        let theirs = base.seeds.iter().find(|(other, _)| other == seed);
        theirs.is_some_and(|(_, other)| !(value - other).is_finite())
    };
    let others = of.lines.iter().filter(|l| !l.is_base);
    others.map(|l| l.seeds.iter().filter(of_both).count()).sum()
}

/// Curves of the columns, before they are drawn.
pub(super) struct Trained {
    pub word: &'static str,
    pub title: String,
    pub caption: Vec<String>,
    pub chart: Curves,
}

impl Trained {
    pub fn picture(&self) -> Picture {
        let drawn = self.chart.draw();
        let mut caption = self.caption.clone();
        caption.extend(drawn.missed());
        Picture {
            word: self.word.into(),
            title: self.title.clone(),
            svg: drawn.svg,
            caption: caption.join(" "),
            data: Some(self.data()),
        }
    }

    fn data(&self) -> FigureData {
        let chart = &self.chart;
        let (rows, every) = figure_data::lines(chart, all(chart), figure_data::charged);
        FigureData {
            id: self.word.into(),
            title: self.title.clone(),
            caption: figure_data::caption("columns", every),
            file: None,
            of: "Arm or run",
            head: format!("{} at {}", chart.y_title, chart.x_title),
            rows,
        }
    }
}

/// The columns that were trained on the base's questions, with their places.
fn trained<'a>(of: &'a Material, table: &'a Compared) -> Vec<(usize, &'a Entry, &'a Line)> {
    let mut all = alike(of, table);
    all.retain(|(_, e, _)| e.series.iter().any(|s| !s.points.is_empty()));
    all
}

/// The columns that were asked the base's questions, with their places.
pub(super) fn alike<'a>(
    of: &'a Material,
    table: &'a Compared,
) -> Vec<(usize, &'a Entry, &'a Line)> {
    let base = of.entries.get(of.base).and_then(|e| spec(of, e));
    let alike = |e: &Entry| match (base, spec(of, e)) {
        (Some(base), Some(own)) => other_questions(own, base).is_none(),
        (None, _) | (_, None) => false,
    };
    let all = of.entries.iter().zip(&table.lines).enumerate();
    all.map(|(slot, (entry, line))| (slot, entry, line))
        .filter(|&(_, e, _)| alike(e))
        .collect()
}

pub(super) fn spec<'a>(of: &'a Material, entry: &Entry) -> Option<&'a Experiment> {
    Some(&of.experiments.get(&entry.experiment)?.view.spec)
}

/// Unit of the x axis and where the budget line stands; nothing where units differ.
pub(super) fn budget(table: &Compared) -> Option<(&'static str, f64)> {
    let base = table.base()?;
    match table.ground.as_ref()? {
        Ground::EqualCompute { .. } => Some((base.unit, base.budget)),
        Ground::Unequal { least, .. } => Some((base.unit, *least)),
        Ground::OtherUnits => None,
    }
}

/// What that line is.
pub(super) fn budget_said(table: &Compared) -> &'static str {
    match matches!(table.ground, Some(Ground::EqualCompute { .. })) {
        true => "The dashed line is the budget.",
        false => "The dashed line is the shortest budget: read the curves there.",
    }
}

/// One metric of training along what was charged; nothing where no column has it, or where
/// budgets are counted in different units.
pub(super) fn training(of: &Material, table: &Compared, curve: usize) -> Option<Trained> {
    let (unit, budget) = budget(table)?;
    let shown = trained(of, table);
    let series = || shown.iter().flat_map(|(_, e, _)| &e.series);
    let points = series().flat_map(|s| &s.points);
    let xs = points.map(|p| p.x).filter(|x| x.is_finite());
    let high = xs.fold(0.0, f64::max);
    let count = bins(series(), (0.0, high));
    let curves: Vec<Curve> = shown
        .iter()
        .map(|(slot, entry, line)| {
            let (label, fate) = line.drawn();
            let states: Vec<_> = entry.runs.iter().map(|run| run.state).collect();
            let charged = entry.figures.runs.iter().map(|run| run.charged);
            Curve {
                key: line.word.clone(),
                label,
                slot: *slot,
                fate,
                end: end_of(&states, charged, line.budget),
                bins: average(&seeds_of(&entry.series), (0.0, high), count),
                spends: true,
                ..Curve::default()
            }
        })
        .collect();
    if curves.is_empty() {
        return None;
    }
    let name = words::TRAINING[curve].1;
    let title = format!("{} in training", words::panel_title(name));
    Some(Trained {
        word: "training",
        caption: vec![
            format!(
                "{title}: each seed is averaged in bins of compute, then mean and 95 % interval are taken over seeds."
            ),
            budget_said(table).into(),
        ],
        chart: Curves {
            title: format!("{title}, mean over seeds with 95 % interval"),
            x_title: format!("training {} charged, per seed", named(unit)),
            y_title: words::panel_title(name).to_lowercase(),
            kind: Kind::of(name),
            shape: Shape::Joined,
            band: Band::Ci95,
            budget: Some(budget),
            curves,
            ..Curves::default()
        },
        title,
    })
}

/// A budget's unit by its word in files.
pub(super) fn named(word: &str) -> &str {
    match word {
        "flops" => "FLOPs",
        other => other,
    }
}

/// Why some column has no training curve here.
pub(super) fn no_training(of: &Material, table: &Compared) -> Option<String> {
    if of.entries.is_empty() {
        return None;
    }
    if matches!(table.ground, Some(Ground::OtherUnits)) {
        return Some("No training curves together: budgets are counted in different units.".into());
    }
    let without = of.entries.len() - trained(of, table).len();
    (without > 0).then(|| {
        format!(
            "{} without a line: its stages do not report this metric, or it was trained on other questions than {}.",
            number::counted(without as i64, "column"),
            table.base().map_or("the base", |base| &base.label)
        )
    })
}
