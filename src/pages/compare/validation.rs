//! What was measured on the way: validation along what was charged, and the frontier of the two.

use super::axis::Axis;
use super::columns::{Column, Group, alike, others, spec};
use super::entries::{Entry, Material};
use super::figure::{self, Trained};
use super::prices;
use super::standing;
use super::table::Compared;
use crate::charts::{Bin, Curve, Curves, Marked, Scale, Seed, Shape, along, hold};
use crate::pages::experiment::at_budget::AtBudget;
use crate::pages::experiment::figure::every;
use crate::pages::experiment::frontier::{bars, corners, lines, missed, said};
use crate::pages::experiment::milestones::{self as shared, Measured, extent, measured};
use crate::pages::experiment::published;
use crate::pages::looks::SeedLines;
use crate::pages::words;
use assay_core::frontier::membership;
use assay_core::ground::{other_validation, unpaired};
use assay_core::metric;
use assay_core::reference;
use assay_core::spec::Experiment;
use assay_core::task::TaskSpec;

/// A column with its milestones along the axis, seed by seed.
struct Measuring<'a> {
    column: Column<'a>,
    seeds: Vec<Marked>,
}

impl Measuring<'_> {
    /// Cost and value, seed by seed.
    fn seeds(&self) -> Vec<Seed> {
        let of = |s: &Marked| Seed {
            seed: s.seed,
            points: s.points.iter().map(|p| (p.1, p.2)).collect(),
        };
        self.seeds.iter().map(of).collect()
    }

    fn curve(&self, bins: Vec<Bin>, seeds: Vec<Seed>) -> Curve {
        let Column { slot, entry, line } = self.column;
        let (label, fate) = line.drawn();
        Curve {
            key: line.word.clone(),
            label,
            slot,
            fate,
            end: standing::end(entry, line.budget),
            bins,
            seeds,
            spends: entry.figures.trains,
            ..Curve::default()
        }
    }
}

/// Those that were measured on the way on the questions of `like`; and in sentences the
/// others that were measured.
fn measuring<'a>(
    of: &Material,
    columns: impl IntoIterator<Item = Column<'a>>,
    like: Option<&Experiment>,
    by: &Measured,
    axis: &Axis,
) -> (Vec<Measuring<'a>>, Vec<String>) {
    let (mut shown, mut left_out) = (vec![], vec![]);
    for column in columns {
        let seeds = column.entry.marked(|p| axis.at(of, p), by.pick);
        if seeds.is_empty() {
            continue;
        }
        let other = match (spec(of, column.entry), like) {
            (Some(own), Some(like)) => other_validation(own, like),
            (None, _) | (_, None) => None,
        };
        let label = &column.line.label;
        let why = match other {
            _ if is_unrecorded(of, column.entry, axis) => Some(format!(
                "{label} is not drawn: nothing of what it was charged was recorded in {}.",
                axis.cost.word()
            )),
            Some(why) => Some(format!(
                "{label} is not drawn: {why}. It has a figure of its own."
            )),
            None => None,
        };
        let why = prices::left_out(of, column.entry, label).or(why);
        match why {
            Some(_) if column.line.hidden => {}
            Some(why) => left_out.push(why),
            None => shown.push(Measuring { column, seeds }),
        }
    }
    (shown, left_out)
}

/// It has cost something, and nothing of this.
fn is_unrecorded(of: &Material, entry: &Entry, axis: &Axis) -> bool {
    let mut costly = entry.milestones.iter().filter(|p| p.x > 0.0).peekable();
    costly.peek().is_some() && costly.all(|p| axis.at(of, p) <= 0.0)
}

/// Percentages of its budget at which a column's experiment measures, the start among them.
fn marks(of: &Material, entry: &Entry) -> Vec<f64> {
    let own = spec(of, entry).map(|spec| &spec.evaluation.milestones);
    let own = own.into_iter().flatten().map(|mark| f64::from(*mark));
    [0.0].into_iter().chain(own).collect()
}

/// Nothing where no column was measured on the way, or budgets are counted in different units
/// and no cost was asked for.
pub(super) fn milestones(of: &Material, table: &Compared) -> Option<Trained> {
    let axis = Axis::of_base(of, table)?;
    let by = measured(words::place(&table.metric));
    let base = of.entries.get(of.base).and_then(|e| spec(of, e));
    let (all, left_out) = measuring(of, alike(of, table), base, &by, &axis);
    let title = format!("Validation {} against charged compute", by.title);
    let caption = vec![format!("{title} ({}).", table.basis_text)];
    let own = table.base().filter(|_| axis.differs);
    let mut trained = stepped(of, &all, axis, &by, ("milestones".into(), title, caption));
    trained.caption.extend(left_out);
    if by.name == metric::PASS_AT_1
        && let Some(task) = one_benchmark(of, &all)
    {
        trained.chart.published = published::of_task(task, None);
    }
    if let Some(own) = own {
        let at = trained.at.take();
        let pairs = |word: &str| is_paired(of, base, word);
        trained.at = at.map(|at| at.compared_with(&own.word, own.label.clone(), pairs));
    }
    trained.finished(of, table)
}

/// The task of all columns, where their test questions are of one benchmark.
fn one_benchmark<'a>(of: &'a Material, all: &[Measuring<'_>]) -> Option<&'a TaskSpec> {
    let mut tasks = all.iter().map(|m| Some(&spec(of, m.column.entry)?.task));
    let first = tasks.next()??;
    let word = reference::benchmark(first)?;
    let is_same = |task: Option<&TaskSpec>| task.and_then(reference::benchmark) == Some(word);
    tasks.all(is_same).then_some(first)
}

/// Whether seeds of one number of the base and of a column share anything.
fn is_paired(of: &Material, base: Option<&Experiment>, word: &str) -> bool {
    let entry = of.entries.iter().find(|e| e.word() == word);
    match (base, entry.and_then(|e| spec(of, e))) {
        (Some(base), Some(own)) => unpaired(own, base).is_none(),
        (None, _) | (_, None) => false,
    }
}

/// A value holds until the next milestone.
fn stepped(
    of: &Material,
    all: &[Measuring<'_>],
    axis: Axis,
    by: &Measured,
    (word, title, mut caption): (String, String, Vec<String>),
) -> Trained {
    let shown = all.iter().filter(|m| !m.column.line.hidden);
    let curves = shown.map(|m| {
        let seeds = m.seeds();
        let marks = marks(of, m.column.entry);
        let bins = match axis.in_budget {
            true => {
                let share = |mark: f64| mark * m.column.line.budget / 100.0;
                // Nothing measured is left out, whatever its cost.
                let edges = marks.into_iter().map(share).chain([f64::MAX]);
                hold(&seeds, &edges.collect::<Vec<f64>>())
            }
            false => along(&m.seeds, &marks),
        };
        m.curve(bins, seeds)
    });
    let mut curves: Vec<Curve> = curves.collect();
    let own = |c: &Curve| c.seeds.iter().map(|s| s.points.clone()).collect();
    let lines = curves.iter().map(own).collect();
    let every = every(of.view.lines, &mut curves, lines);
    caption.push(shared::said(of.view.band).into());
    caption.push("A value holds until the next milestone, nothing is interpolated; dotted where not every seed has got so far.".into());
    if !axis.in_budget {
        caption.push("Each milestone stands at its mean cost over seeds.".into());
    }
    caption.extend(axis.said.iter().cloned());
    caption.extend(by.instead.map(String::from));
    let at = of.view.budget.map(|budget| {
        let mut at = AtBudget::empty(axis.cost, budget, by.kind);
        for m in all {
            let Column { entry, line, .. } = m.column;
            let trains = entry.figures.trains;
            at.push(line.word.clone(), line.drawn().0, trains, &m.seeds());
        }
        at
    });
    let (first, last) = extent(&curves);
    let part = of.view.range(first, last);
    Trained {
        word,
        title,
        caption,
        chart: Curves {
            y_title: format!("validation {}", by.title),
            kind: by.kind,
            x_scale: of.view.x_scale.unwrap_or(Scale::Linear),
            shape: Shape::Steps,
            x_range: part,
            covers: every.reach(part),
            curves,
            ..Curves::default()
        },
        axis,
        every,
        at,
        each: vec![],
    }
}

/// The same as paths, with what nothing beats.
pub(super) fn frontier(of: &Material, table: &Compared) -> Option<Trained> {
    let axis = Axis::of_base(of, table)?;
    let by = measured(words::place(&table.metric));
    let base = of.entries.get(of.base).and_then(|e| spec(of, e));
    let (mut shown, left_out) = measuring(of, alike(of, table), base, &by, &axis);
    shown.retain(|m| !m.column.line.hidden);
    let mut curves: Vec<Curve> = shown
        .iter()
        .map(|m| m.curve(along(&m.seeds, &marks(of, m.column.entry)), vec![]))
        .collect();
    let title = format!("Validation {} against cost", by.title);
    let mut caption = vec![format!(
        "{title} ({}): each column's path through its milestones, at mean cost and mean value over seeds. {}",
        table.basis_text,
        bars(of.view.band)
    )];
    caption.extend(axis.said.iter().cloned());
    let mut pareto = vec![];
    // Only of shares of right answers is more the better.
    if by.name == metric::PASS_AT_1 {
        pareto = corners(&curves);
        caption.push(
            "The stepped line is the frontier: at no cost on it has any column drawn here a higher mean."
                .into(),
        );
        // Drawn again together, seeds have to belong together.
        let paired = |m: &Measuring<'_>| is_paired(of, base, &m.column.line.word);
        if shown.iter().all(paired) {
            let labels: Vec<&str> = curves.iter().map(|c| c.label.as_str()).collect();
            let seeds: Vec<Vec<Marked>> = shown.iter().map(|m| m.seeds.clone()).collect();
            caption.extend(membership(&seeds).and_then(|found| said(&found, &labels)));
        }
    }
    caption.extend(by.instead.map(String::from));
    caption.extend(left_out);
    let seeds: Vec<Vec<Marked>> = shown.iter().map(|m| m.seeds.clone()).collect();
    let every = lines(of.view.lines, &mut curves, &seeds);
    if of.view.lines == SeedLines::Mean {
        caption.extend(missed(&seeds));
    }
    let (first, last) = extent(&curves);
    let part = of.view.range(first, last);
    Trained {
        word: "frontier".into(),
        title,
        caption,
        chart: Curves {
            y_title: format!("validation {}", by.title),
            kind: by.kind,
            x_scale: of.view.x_scale.unwrap_or(Scale::Log),
            shape: Shape::Path,
            x_range: part,
            covers: every.reach(part),
            pareto,
            curves,
            ..Curves::default()
        },
        axis,
        every,
        at: None,
        each: vec![],
    }
    .finished(of, table)
}

/// A figure for every group of columns that were asked other questions than the base: on axes
/// of its own, for nothing of theirs can be subtracted from the others'.
pub(super) fn groups(of: &Material, table: &Compared, curve: usize) -> Vec<Trained> {
    let all = others(of, table).into_iter().zip(1..);
    all.filter_map(|(group, n)| grouped(of, table, &group, (curve, format!("group-{n}"))))
        .collect()
}

fn grouped(
    of: &Material,
    table: &Compared,
    group: &Group<'_>,
    (curve, word): (usize, String),
) -> Option<Trained> {
    let ground = group.ground(of)?;
    let axis = || Axis::new(&of.view, &ground, &group.like.budget);
    let by = measured(words::place(&table.metric));
    let base = table.base().map_or("the base", |base| &base.label);
    let apart = format!(
        "Apart from {base}: {}. Nothing here is compared with another figure.",
        group.why
    );
    let columns = || group.columns.iter().copied();
    let axis_of_steps = axis()?;
    let (all, left_out) = measuring(of, columns(), Some(group.like), &by, &axis_of_steps);
    if !all.is_empty() {
        let title = format!("Validation {}, asked {}", by.title, group.asked);
        let caption = vec![format!("{title}."), apart];
        let mut trained = stepped(of, &all, axis_of_steps, &by, (word, title, caption));
        trained.caption.extend(left_out);
        return trained.finished(of, table);
    }
    // Where training questions are the base's, their curves stand with the base.
    if group.on_the_way {
        return None;
    }
    let name = words::panel_title(words::TRAINING[curve].1);
    let title = format!("{name} in training, asked {}", group.asked);
    let mut trained = figure::curves(of, table, columns(), axis()?, (curve, word, title))?;
    trained.caption.insert(1, apart);
    // Who has no price has been named with the curves.
    for why in left_out {
        if !trained.caption.contains(&why) {
            trained.caption.push(why);
        }
    }
    Some(trained)
}
