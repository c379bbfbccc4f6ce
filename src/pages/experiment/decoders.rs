//! Decoders of one policy, at equal cost of inference. Never on one axis with training.

use super::Material;
use super::colours::Colour;
use super::comparison::{Cell, cell};
use super::figure::{Chart, Figure, Name, end, every};
use super::figures::Shown;
use super::milestones::said;
use super::supervision::{self, Supervision};
use super::verdicts::{self, VerdictRow};
use super::view::Wanted;
use crate::charts::{Curve, Curves, Scale, Seed, Shape, hold};
use crate::number::{self, Kind};
use assay_core::compare::Basis;
use assay_core::decoders::{DecoderCell, DecoderGroup, DecoderRow, break_even, by_policy};
use assay_core::outcome::Mark;

/// All decoders of one policy.
#[derive(Debug)]
pub(super) struct Group {
    pub id: usize,
    pub policy: String,
    /// `1 sample`, `4 samples`: the table's columns.
    pub levels: Vec<String>,
    pub rows: Vec<GroupRow>,
    /// The one picture of this policy's decoders.
    pub figures: Vec<Shown>,
    /// From how many questions on a judge's training pays.
    pub break_even: Vec<String>,
    /// Registered contrasts between them.
    pub contrasts: Vec<VerdictRow>,
}

#[derive(Debug)]
pub(super) struct GroupRow {
    pub key: String,
    pub label: String,
    pub class: String,
    pub n: usize,
    pub planned: usize,
    pub cells: Vec<GroupCell>,
    /// Training of policy and judge, mean over seeds.
    pub training: String,
    pub supervision: Supervision,
    pub mark: Option<String>,
    pub unsuccessful: bool,
}

#[derive(Debug)]
pub(super) struct GroupCell {
    pub value: Cell,
    /// `n = 3, 412 tokens`; empty where there is nothing.
    pub cost: String,
}

pub(super) fn groups(of: &Material, wanted: &Wanted) -> Vec<Group> {
    by_policy(&of.view.spec, &of.decoders)
        .iter()
        .enumerate()
        .map(|(id, group)| Group {
            id,
            policy: of.policy(&group.policy),
            levels: group
                .levels
                .iter()
                .map(|level| number::counted(i64::from(*level), "sample"))
                .collect(),
            rows: wanted
                .table_sort()
                .decoders(&group.rows)
                .into_iter()
                .map(|r| row(of, wanted.colour, r))
                .collect(),
            figures: vec![Shown::new(of, wanted, Name::Decoders(id))],
            break_even: paying(of, group),
            contrasts: contrasts(of, group),
        })
        .collect()
}

fn row(of: &Material, colour: Colour, row: &DecoderRow) -> GroupRow {
    GroupRow {
        key: row.arm.clone(),
        label: row.label.clone(),
        class: colour.class(of, &row.arm),
        n: row.finished,
        planned: row.planned_seeds,
        cells: row.cells.iter().map(group_cell).collect(),
        training: row.training.map_or(number::NONE.into(), number::prefixed),
        supervision: supervision::of_arm(of, &row.arm),
        mark: of.mark(&row.arm).map(|m| m.to_string()),
        unsuccessful: of.mark(&row.arm) == Some(Mark::Unsuccessful),
    }
}

fn group_cell(of: &DecoderCell) -> GroupCell {
    let mut value = cell(Kind::Share, of.value.as_ref(), false);
    if !of.planned {
        value.interval = "not planned".into();
    }
    let n = of.value.map_or(0, |v| v.n);
    GroupCell {
        value,
        cost: of.tokens.map_or(String::new(), |tokens| {
            format!("n = {n}, {} tokens", number::prefixed(tokens))
        }),
    }
}

fn contrasts(of: &Material, group: &DecoderGroup) -> Vec<VerdictRow> {
    let within = of.outcome.contrasts.iter().filter(|c| match c.basis() {
        Basis::EqualInference { policy, .. } => *policy == group.policy,
        Basis::EqualCompute { .. } => false,
    });
    within.map(|c| verdicts::row(of, c)).collect()
}

fn paying(of: &Material, group: &DecoderGroup) -> Vec<String> {
    let found = break_even(of.view.spec.budget.unit, group);
    let line = found.iter().map(|b| {
        format!(
            "{} at {} is first reached by {} at {}, which costs more a question: the further training pays from {} questions on.",
            of.name(&b.arm),
            number::counted(i64::from(b.level), "sample"),
            of.name(&b.against),
            number::counted(i64::from(b.against_level), "sample"),
            number::prefixed(b.questions),
        )
    });
    line.collect()
}

/// How many policies the experiment's decoders answer from.
pub(super) fn policies(of: &Material) -> usize {
    by_policy(&of.view.spec, &of.decoders).len()
}

/// What the decoders of one policy have in common.
pub(super) fn basis(of: &Material, policy: usize) -> Option<String> {
    let groups = by_policy(&of.view.spec, &of.decoders);
    let group = groups.get(policy)?;
    Some(basis_of(&of.policy(&group.policy)))
}

/// The same, of a policy by its name.
pub(in crate::pages) fn basis_of(policy: &str) -> String {
    format!(
        "equal inference: decoders of {policy}, a question at the cost of so many of its samples"
    )
}

/// How a place on the axis is said.
pub(in crate::pages) fn samples(x: f64) -> String {
    number::counted(x.round() as i64, "sample")
}

/// Empty where there is no such policy.
pub(super) fn figure(of: &Material, wanted: &Wanted, policy: usize) -> Figure {
    let groups = by_policy(&of.view.spec, &of.decoders);
    let chart = groups.get(policy).map(|group| curves(of, group, wanted));
    let mut chart = chart.unwrap_or_default();
    let own = |c: &Curve| c.seeds.iter().map(|s| s.points.clone()).collect();
    let lines = chart.curves.iter().map(own).collect();
    let every = every(wanted.lines, &mut chart.curves, lines);
    chart.covers = every.reach(None);
    Figure {
        caption: vec![
            "Equal inference: one policy, answered from at the cost of so many of its samples."
                .into(),
            said(wanted.band).into(),
        ],
        every,
        ..Figure::new(
            Name::Decoders(policy),
            chart.title.clone(),
            Chart::Curves(chart),
        )
    }
}

fn curves(of: &Material, group: &DecoderGroup, wanted: &Wanted) -> Curves {
    let drawn = group.rows.iter().filter(|row| !wanted.hides(of, &row.arm));
    let curves = drawn.map(|row| Curve {
        label: of.label(&row.arm),
        slot: of.slot(&row.arm),
        tint: wanted.colour.tint(of, &row.arm),
        fate: of.fate(&row.arm),
        end: end(of, &row.arm),
        ..line(group, row)
    });
    Curves {
        x_scale: wanted.x_scale.unwrap_or(Scale::Log),
        y_scale: wanted.y_scale,
        band: wanted.band,
        ..chart(&of.policy(&group.policy), curves.collect())
    }
}

/// A decoder's share of right answers along the levels of all decoders of its policy.
pub(in crate::pages) fn line(group: &DecoderGroup, row: &DecoderRow) -> Curve {
    let edges: Vec<f64> = group.levels.iter().map(|l| f64::from(*l)).collect();
    let mut seeds: Vec<Seed> = vec![];
    for cell in &row.cells {
        for (seed, value) in &cell.seeds {
            let point = (f64::from(cell.level), *value);
            match seeds.iter_mut().find(|s| s.seed == *seed) {
                Some(known) => known.points.push(point),
                None => seeds.push(Seed {
                    seed: *seed,
                    points: vec![point],
                }),
            }
        }
    }
    Curve {
        key: row.arm.clone(),
        bins: hold(&seeds, &edges),
        seeds,
        spends: true,
        ..Curve::default()
    }
}

/// The picture of some of a policy's decoders.
pub(in crate::pages) fn chart(policy: &str, curves: Vec<Curve>) -> Curves {
    Curves {
        title: format!("Right answers against cost of inference, decoders of {policy}"),
        x_title: format!("cost of inference a question, in samples of {policy}"),
        y_title: "test questions answered right".into(),
        kind: Kind::Share,
        x_scale: Scale::Log,
        shape: Shape::Joined,
        curves,
        ..Curves::default()
    }
}
