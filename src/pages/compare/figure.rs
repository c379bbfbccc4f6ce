//! The pictures of the comparison, each with what is said under it.

use super::axis::Axis;
use super::columns::{Column, alike, spec};
use super::entries::Material;
use super::prices;
use super::standing;
use super::table::{Compared, Line};
use crate::charts::{self, Band, Curve, Curves, Merged, Scale, Seed, Shape, average, merge};
use crate::number::{self, Kind};
use crate::pages::experiment::at_budget::AtBudget;
use crate::pages::experiment::figure::{self as lines, Every, every};
use crate::pages::experiment::figures::Table;
use crate::pages::experiment::forest::banded;
use crate::pages::experiment::milestones::{band, measured};
use crate::pages::experiment::numbers::all;
use crate::pages::experiment::published;
use crate::pages::experiment::training::{
    MAX_POINTS, bins, enclose_alone, line, reach as furthest, seeds_of,
};
use crate::pages::figure_data::{self, FigureData};
use crate::pages::looks::SeedLines;
use crate::pages::words;
use assay_core::ground::Ground;
use assay_core::stats::Interval;
use assay_store::RunSeries;

pub(super) struct Picture {
    /// Its name in addresses.
    pub word: String,
    pub title: String,
    pub svg: String,
    pub caption: String,
    /// The word of what its x axis counts; empty where it counts no cost.
    pub cost: &'static str,
    /// Single seeds are left to the canvas.
    pub every: bool,
    /// Every column's value at the budget that was asked for.
    pub at: Option<Table>,
    /// What is drawn, in numbers.
    pub data: Option<FigureData>,
}

/// Differences to the base; nothing where no two of them share an axis.
pub(super) fn forest(of: &Compared, kind: Kind, title: &str) -> Option<Picture> {
    let others = (0..).zip(&of.lines);
    let others = others.filter(|(_, line)| !line.is_base && !line.hidden);
    let all = others.clone().count();
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
                // Of any columns, and in any figure: the table has the registered words.
                verdict: None,
                other: None,
            }
        })
        .collect();
    let effect = |row: &charts::Row| row.estimate.map_or(f64::NEG_INFINITY, |e| e.mean);
    rows.sort_by(|a, b| effect(b).total_cmp(&effect(a)));
    let base = of.base()?;
    if rows.is_empty() {
        return None;
    }
    let left_out = all - rows.len();
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
        cost: "",
        every: false,
        at: None,
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
    let others = of.lines.iter().filter(|l| !l.is_base && !l.hidden);
    others.map(|l| l.seeds.iter().filter(of_both).count()).sum()
}

/// Curves of the columns, before they are drawn.
pub(super) struct Trained {
    pub word: String,
    pub title: String,
    pub caption: Vec<String>,
    pub axis: Axis,
    pub chart: Curves,
    /// More lines than a drawing of elements bears: left to the canvas.
    pub every: Every,
    /// Every column's value at the budget that was asked for.
    pub at: Option<AtBudget>,
    /// Every seed's own line by column, where they were asked for and the curves have no seeds.
    pub each: Vec<(String, Vec<(u64, lines::Line)>)>,
}

impl Trained {
    /// What all curves have in common; nothing where none is drawn.
    pub fn finished(mut self, of: &Material, table: &Compared) -> Option<Self> {
        if self.chart.curves.is_empty() {
            return None;
        }
        let base = table.base().map_or("", |base| &base.word);
        let (curves, merged) = merge(self.chart.curves, base);
        self.caption.extend(merged.as_ref().map(Merged::said));
        self.chart = Curves {
            title: format!(
                "{}, mean over seeds with {}",
                self.title,
                band(of.view.band)
            ),
            x_title: self.axis.cost.title().into(),
            y_scale: of.view.y_scale,
            band: of.view.band,
            budget: self.axis.line,
            standings: standing::all(of, table),
            merged,
            curves,
            ..self.chart
        };
        self.caption.extend(self.chart.envelope_said());
        if let Some(base) = of.entries.get(of.base).and_then(|e| spec(of, e)) {
            self.caption
                .extend(published::said(&base.task, &self.chart));
        }
        self.caption.extend(prices::caption(of));
        Some(self)
    }

    /// As a file, for which no number of lines is too much.
    pub fn for_file(mut self) -> Self {
        let said = std::mem::take(&mut self.every).for_file(&mut self.chart);
        self.caption.extend(said);
        self
    }

    pub fn picture(&self) -> Picture {
        let drawn = self.chart.draw();
        let mut caption = self.caption.clone();
        caption.extend(drawn.missed());
        let every = self.every.is_on_canvas();
        caption.extend(every.then(|| Every::ON_CANVAS.to_string()));
        Picture {
            word: self.word.clone(),
            title: self.title.clone(),
            svg: drawn.svg,
            caption: caption.join(" "),
            cost: self.axis.cost.word(),
            every,
            at: self.at.as_ref().map(Table::from),
            data: Some(self.data()),
        }
    }

    /// The seeds of a curve: those that it was given, or those that were asked for.
    pub fn seeds(&self, of: &Curve) -> Vec<(u64, lines::Line)> {
        match self.each.iter().find(|(key, _)| *key == of.key) {
            Some((_, own)) => own.clone(),
            None => {
                let own = of.seeds.iter();
                own.map(|s| (s.seed, s.points.clone())).collect()
            }
        }
    }

    fn data(&self) -> FigureData {
        let chart = &self.chart;
        let place = |x: f64| self.axis.place(x);
        let (rows, every) = figure_data::lines(chart, all(chart), place);
        FigureData {
            id: self.word.clone(),
            title: self.title.clone(),
            caption: figure_data::caption("columns", every),
            file: None,
            of: "Arm or run",
            head: format!("{} at {}", chart.y_title, chart.x_title),
            rows,
        }
    }
}

/// Those of the columns that were trained.
fn trained<'a>(of: impl IntoIterator<Item = Column<'a>>) -> Vec<Column<'a>> {
    let is_trained = |c: &Column<'_>| c.entry.series.iter().any(|s| !s.points.is_empty());
    of.into_iter().filter(is_trained).collect()
}

/// Those that the axis has a place for; and in sentences the others that would be drawn.
fn with_a_price<'a>(of: &Material, columns: Vec<Column<'a>>) -> (Vec<Column<'a>>, Vec<String>) {
    let (mut kept, mut left_out) = (vec![], vec![]);
    for column in columns {
        match prices::left_out(of, column.entry, &column.line.label) {
            Some(_) if column.line.hidden => {}
            Some(why) => left_out.push(why),
            None => kept.push(column),
        }
    }
    (kept, left_out)
}

/// One metric of training along the axis; nothing where no column has it, or where budgets are
/// counted in different units and no cost was asked for.
pub(super) fn training(of: &Material, table: &Compared, curve: usize) -> Option<Trained> {
    let axis = Axis::of_base(of, table)?;
    let title = format!(
        "{} in training",
        words::panel_title(words::TRAINING[curve].1)
    );
    let columns = alike(of, table);
    curves(of, table, columns, axis, (curve, "training".into(), title))
}

/// The same of any columns, under a name and a title.
pub(super) fn curves<'a>(
    of: &Material,
    table: &Compared,
    columns: impl IntoIterator<Item = Column<'a>>,
    axis: Axis,
    (curve, word, title): (usize, String, String),
) -> Option<Trained> {
    let name = words::TRAINING[curve].1;
    let (columns, left_out) = with_a_price(of, trained(columns));
    let series = || columns.iter().flat_map(|c| &c.entry.series);
    let points = series().flat_map(|s| &s.points);
    let xs = points.map(|p| p.x).filter(|x| x.is_finite());
    let high = xs.fold(0.0, f64::max);
    let part = of.view.range(0.0, high);
    let range = part.unwrap_or((0.0, high));
    // Of a part, what was read of it.
    let own = |c: &Column<'a>| match part.is_some() && !c.entry.zoomed.is_empty() {
        true => &c.entry.zoomed,
        false => &c.entry.series,
    };
    let count = bins(columns.iter().flat_map(own), range);
    let shown = || columns.iter().filter(|c| !c.line.hidden);
    let mut drawn: Vec<Curve> = shown()
        .map(|c| {
            let (label, fate) = c.line.drawn();
            let mut bins = average(&seeds_of(own(c)), range, count);
            enclose_alone(&mut bins, own(c), range.0);
            Curve {
                key: c.line.word.clone(),
                label,
                slot: c.slot,
                fate,
                end: standing::end(c.entry, c.line.budget),
                bins,
                spends: true,
                until: furthest(&c.entry.series),
                ..Curve::default()
            }
        })
        .collect();
    let seeds: Vec<Vec<Seed>> = shown().map(|c| seeds_of(own(c))).collect();
    let few = count.min(MAX_POINTS / seeds.iter().map(Vec::len).sum::<usize>().max(1));
    let thin = |s: &Seed| line(std::slice::from_ref(s), range, few.max(2));
    let thin = seeds.iter().map(|own| own.iter().map(thin).collect());
    let every = every(of.view.lines, &mut drawn, thin.collect());
    let each: Vec<(String, Vec<(u64, lines::Line)>)> = match of.view.lines {
        SeedLines::Mean => vec![],
        SeedLines::Every => shown()
            .map(|c| (c.line.word.clone(), each(own(c), range)))
            .collect(),
    };
    let at = of.view.budget.map(|budget| {
        let mut at = AtBudget::empty(axis.cost, budget, Kind::of(name));
        for c in &columns {
            let own = seeds_of(&c.entry.series);
            at.push(c.line.word.clone(), c.line.drawn().0, true, &own);
        }
        at
    });
    let mut caption = vec![format!(
        "{title}: each seed is averaged in bins of compute, then mean and {} are taken over seeds.",
        match of.view.band {
            Band::Ci95 => "95 % interval",
            Band::MinMax => "smallest and largest seed",
            Band::None => "nothing else",
        }
    )];
    caption.extend(axis.said.iter().cloned());
    caption.extend(left_out);
    Trained {
        word,
        caption,
        chart: Curves {
            y_title: words::panel_title(name).to_lowercase(),
            kind: Kind::of(name),
            x_scale: of.view.x_scale.unwrap_or(Scale::Linear),
            shape: Shape::Joined,
            x_range: part.filter(|_| high > 0.0),
            covers: every.is_on_canvas().then(|| reach(&each, part)).flatten(),
            curves: drawn,
            ..Curves::default()
        },
        axis,
        every,
        at,
        each,
        title,
    }
    .finished(of, table)
}

/// As far as the lines reach that the canvas draws.
fn reach(each: &[(String, Vec<(u64, lines::Line)>)], part: Option<(f64, f64)>) -> Option<Interval> {
    let alone = |own: &Vec<(u64, lines::Line)>| own.iter().map(|(_, line)| line.clone()).collect();
    let all = each.iter().map(|(key, own)| (key.clone(), alone(own)));
    Every::OnCanvas(all.collect()).reach(part)
}

/// Every seed's line, for the canvas and for files.
fn each(series: &[RunSeries], range: (f64, f64)) -> Vec<(u64, lines::Line)> {
    let count = bins(series, range);
    let seeds = seeds_of(series);
    let of = |s: &Seed| (s.seed, line(std::slice::from_ref(s), range, count));
    seeds.iter().map(of).collect()
}

/// Why some column has no training curve here.
pub(super) fn no_training(of: &Material, table: &Compared) -> Option<String> {
    if of.entries.is_empty() {
        return None;
    }
    if matches!(table.ground, Some(Ground::OtherUnits)) && of.view.x.is_none() {
        return Some("No curves together: budgets are counted in different units. A cost axis, chosen above, draws them along what each was charged of that cost: not at equal budgets, and without a difference.".into());
    }
    let without = of.entries.len() - trained(alike(of, table)).len();
    (without > 0).then(|| {
        format!(
            "{} without a line: its stages do not report this metric, or it was trained on other questions than {}.",
            number::counted(without as i64, "column"),
            table.base().map_or("the base", |base| &base.label)
        )
    })
}
