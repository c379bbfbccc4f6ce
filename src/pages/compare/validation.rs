//! What was measured on the way: validation along what was charged, and the frontier of the two.

use super::entries::{Entry, Material};
use super::figure::{Trained, alike, budget, budget_said, named, spec};
use super::table::{Compared, Line};
use crate::charts::{Bin, Curve, Curves, Marked, Merged, Scale, Seed, Shape, along, hold, merge};
use crate::pages::experiment::figure::end_of;
use crate::pages::experiment::frontier::{corners, said};
use crate::pages::experiment::milestones::{Measured, measured};
use crate::pages::words;
use assay_core::frontier::membership;
use assay_core::ground::{other_validation, unpaired};
use assay_core::metric;

/// A column with its milestones, seed by seed.
struct Measuring<'a> {
    slot: usize,
    entry: &'a Entry,
    line: &'a Line,
    seeds: Vec<Marked>,
}

/// Those that were measured on the way on the questions of the base; and in sentences the
/// others that were measured.
fn measuring<'a>(
    of: &'a Material,
    table: &'a Compared,
    by: &Measured,
) -> (Vec<Measuring<'a>>, Vec<String>) {
    let base = of.entries.get(of.base).and_then(|e| spec(of, e));
    let (mut shown, mut left_out) = (vec![], vec![]);
    for (slot, entry, line) in alike(of, table) {
        let seeds = entry.marked(by.pick);
        if seeds.is_empty() {
            continue;
        }
        let other = match (spec(of, entry), base) {
            (Some(own), Some(base)) => other_validation(own, base),
            (None, _) | (_, None) => None,
        };
        match other {
            Some(why) => left_out.push(format!("{} is not drawn: {why}.", line.label)),
            None => shown.push(Measuring {
                slot,
                entry,
                line,
                seeds,
            }),
        }
    }
    (shown, left_out)
}

fn curve(of: &Measuring<'_>, bins: Vec<Bin>, seeds: Vec<Seed>) -> Curve {
    let (label, fate) = of.line.drawn();
    let states: Vec<_> = of.entry.runs.iter().map(|run| run.state).collect();
    let charged = of.entry.figures.runs.iter().map(|run| run.charged);
    Curve {
        key: of.line.word.clone(),
        label,
        slot: of.slot,
        fate,
        end: end_of(&states, charged, of.line.budget),
        bins,
        seeds,
        spends: of.entry.figures.trains,
        ..Curve::default()
    }
}

/// Percentages of its budget at which a column's experiment measures, the start among them.
fn marks(of: &Material, entry: &Entry) -> Vec<f64> {
    let own = spec(of, entry).map(|spec| &spec.evaluation.milestones);
    let own = own.into_iter().flatten().map(|mark| f64::from(*mark));
    [0.0].into_iter().chain(own).collect()
}

/// Nothing where no column was measured on the way, or budgets are counted in different units.
pub(super) fn milestones(of: &Material, table: &Compared) -> Option<Trained> {
    let (unit, budget) = budget(table)?;
    let by = measured(words::place(&table.metric));
    let (shown, left_out) = measuring(of, table, &by);
    let curves = shown.iter().map(|m| {
        let seeds: Vec<Seed> = m
            .seeds
            .iter()
            .map(|s| Seed {
                seed: s.seed,
                points: s.points.iter().map(|p| (p.1, p.2)).collect(),
            })
            .collect();
        let marks = marks(of, m.entry).into_iter();
        // Nothing measured is left out, whatever its cost.
        let edges: Vec<f64> = marks
            .map(|mark| mark * m.line.budget / 100.0)
            .chain([f64::MAX])
            .collect();
        curve(m, hold(&seeds, &edges), seeds)
    });
    let curves: Vec<Curve> = curves.collect();
    let title = format!("Validation {} against charged compute", by.title);
    let mut caption = vec![
        format!("{title} ({}).", table.basis_text),
        "Mean over seeds; the band is its 95 % interval, from 3 seeds on; with fewer, every seed is a dot. A value holds until the next milestone, nothing is interpolated; dotted where not every seed has got so far.".into(),
        budget_said(table).into(),
    ];
    caption.extend(by.instead.map(String::from));
    caption.extend(left_out);
    chart(
        table,
        "milestones",
        title,
        caption,
        Curves {
            x_title: format!("training {} charged, per seed", named(unit)),
            y_title: format!("validation {}", by.title),
            kind: by.kind,
            shape: Shape::Steps,
            budget: Some(budget),
            curves,
            ..Curves::default()
        },
    )
}

/// The same as paths, with what nothing beats.
pub(super) fn frontier(of: &Material, table: &Compared) -> Option<Trained> {
    let (unit, budget) = budget(table)?;
    let by = measured(words::place(&table.metric));
    let (shown, left_out) = measuring(of, table, &by);
    let curves: Vec<Curve> = shown
        .iter()
        .map(|m| curve(m, along(&m.seeds, &marks(of, m.entry)), vec![]))
        .collect();
    let title = format!("Validation {} against cost", by.title);
    let mut caption = vec![
        format!(
            "{title} ({}): each column's path through its milestones, at mean cost and mean value over seeds. Bars are 95 % intervals, from 3 seeds on.",
            table.basis_text
        ),
        budget_said(table).into(),
    ];
    let mut pareto = vec![];
    // Only of shares of right answers is more the better.
    if by.name == metric::PASS_AT_1 {
        pareto = corners(&curves);
        caption.push(
            "The stepped line is the frontier: at no cost on it has any column drawn here a higher mean."
                .into(),
        );
        // Drawn again together, seeds have to belong together.
        let base = of.entries.get(of.base).and_then(|e| spec(of, e));
        let paired = |m: &Measuring<'_>| match (base, spec(of, m.entry)) {
            (Some(base), Some(own)) => unpaired(own, base).is_none(),
            (None, _) | (_, None) => false,
        };
        if shown.iter().all(paired) {
            let labels: Vec<&str> = curves.iter().map(|c| c.label.as_str()).collect();
            let seeds: Vec<Vec<Marked>> = shown.iter().map(|m| m.seeds.clone()).collect();
            caption.extend(membership(&seeds).and_then(|found| said(&found, &labels)));
        }
    }
    caption.extend(by.instead.map(String::from));
    caption.extend(left_out);
    chart(
        table,
        "frontier",
        title,
        caption,
        Curves {
            x_title: format!("training {} charged, per seed", named(unit)),
            y_title: format!("validation {}", by.title),
            kind: by.kind,
            x_scale: Scale::Log,
            shape: Shape::Path,
            budget: Some(budget),
            pareto,
            curves,
            ..Curves::default()
        },
    )
}

fn chart(
    table: &Compared,
    word: &'static str,
    title: String,
    mut caption: Vec<String>,
    chart: Curves,
) -> Option<Trained> {
    if chart.curves.is_empty() {
        return None;
    }
    let base = table.base().map_or("", |base| &base.word);
    let (curves, merged) = merge(chart.curves, base);
    caption.extend(merged.as_ref().map(Merged::said));
    Some(Trained {
        word,
        caption,
        chart: Curves {
            title: format!("{title}, mean over seeds with 95 % interval"),
            merged,
            curves,
            ..chart
        },
        title,
    })
}
