//! The tables as files: for spreadsheets, programs and papers. Every one carries its
//! basis, its denominator and the snapshot that it was made from.

use super::carried::{Carried, EQUAL_INFERENCE};
use super::export::text;
use super::forest::{comparator, exploring};
use super::view::Wanted;
use super::why::why;
use super::{Material, comparison, latex, sheets, standing, verdicts};
use crate::number::{self, Kind};
use crate::pages::words;
use assay_core::compare::{Basis, Row};
use assay_core::outcome::{Mark, Verdict};
use assay_core::stats::{Estimate, Interval};
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Comparison,
    Verdicts,
    Decoders,
    Costs,
    Matrix,
    /// pass@k, whose numbers the figure of that name has for programs.
    Tries,
}

impl Table {
    pub const ALL: [Self; 6] = [
        Self::Comparison,
        Self::Verdicts,
        Self::Decoders,
        Self::Costs,
        Self::Matrix,
        Self::Tries,
    ];

    /// A file's name without its ending.
    pub fn word(self) -> &'static str {
        match self {
            Self::Comparison => "table",
            Self::Verdicts => "verdicts",
            Self::Decoders => "decoders",
            Self::Costs => "costs",
            Self::Matrix => "matrix",
            Self::Tries => "passk",
        }
    }

    /// By a file's name, of a table that the experiment has.
    pub fn of_file(of: &Material, word: &str, ending: &str) -> Option<Self> {
        let table = Self::ALL.into_iter().find(|table| table.word() == word)?;
        let exists = match table {
            Self::Comparison | Self::Verdicts | Self::Costs | Self::Matrix => true,
            Self::Decoders => !of.decoders.is_empty(),
            Self::Tries => ending == "tex" && !of.test.is_empty(),
        };
        exists.then_some(table)
    }

    /// Where it is another than the experiment's.
    pub fn basis(self) -> Option<String> {
        match self {
            Self::Comparison | Self::Verdicts | Self::Costs | Self::Matrix | Self::Tries => None,
            Self::Decoders => Some(EQUAL_INFERENCE.into()),
        }
    }
}

/// Columns with their units, and rows of what stands in them.
pub(super) struct Sheet {
    pub table: Table,
    pub title: String,
    /// Said under a table for a paper.
    pub note: &'static str,
    pub head: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// Of the rows: what the registered rule says of the arm.
    pub unsuccessful: Vec<bool>,
    pub kind: Kind,
}

/// How the numbers of a comparison read.
pub(super) const MEANS: &str = " Mean over training seeds $\\pm$ half of its unadjusted 95\\,\\% interval (Student's $t$); differences paired by seed. $\\times$ marks what the registered rule calls unsuccessful.";

pub(super) enum Cell {
    Text(String),
    Count(usize),
    /// A mean with its interval.
    Estimate(Option<Estimate>),
    Difference(Option<Estimate>),
    Interval(Option<Interval>),
    P(Option<f64>),
    /// An amount with an SI prefix.
    Cost(Option<f64>),
    Dollars(Option<f64>),
}

pub(super) fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

pub(super) fn sheet(of: &Material, wanted: &Wanted, table: Table) -> Sheet {
    match table {
        Table::Comparison => compared(of, wanted),
        Table::Verdicts => judged(of, wanted),
        Table::Decoders => sheets::decoded(of, wanted),
        Table::Costs => sheets::costs(of),
        Table::Matrix => sheets::matrix(of),
        Table::Tries => sheets::tries(of),
    }
}

fn compared(of: &Material, wanted: &Wanted) -> Sheet {
    let (_, name, title) = words::FINAL[wanted.metric];
    let mut rows = comparison::of_metric(of, wanted, wanted.metric).rows;
    wanted.table_sort().apply(&mut rows);
    let judged = |arm: &str| verdicts::of_arm(of, arm).filter(|_| !wanted.is_exploratory());
    let rows: Vec<_> = rows.iter().filter(|r| !wanted.hides(of, &r.arm)).collect();
    let mark = |row: &Row| of.mark(&row.arm).filter(|_| !wanted.is_exploratory());
    Sheet {
        table: Table::Comparison,
        title: match exploring(of, wanted) {
            Some(said) => {
                let said = said.trim_end_matches('.');
                format!("Test {title} ({}). {said}", of.basis())
            }
            None => format!("Test {title} ({})", of.basis()),
        },
        note: MEANS,
        head: head(&[
            "arm",
            "label",
            "n",
            "planned",
            "value",
            "difference",
            "charged",
            "budget",
            "mark",
            "p_holm",
            "verdict",
            "dollars",
            "status",
            "why",
        ]),
        unsuccessful: rows
            .iter()
            .map(|r| mark(r) == Some(Mark::Unsuccessful))
            .collect(),
        kind: Kind::of(name),
        rows: rows
            .iter()
            .map(|row| {
                vec![
                    Cell::Text(row.arm.clone()),
                    Cell::Text(of.name(&row.arm)),
                    Cell::Count(row.value.map_or(0, |v| v.n)),
                    Cell::Count(row.planned_seeds),
                    Cell::Estimate(row.value),
                    Cell::Difference(row.difference),
                    Cell::Cost(row.charged_mean),
                    Cell::Text(match row.is_baseline {
                        true => format!("{}; {}", comparator(wanted), words::reached(row.reached)),
                        false => words::reached(row.reached),
                    }),
                    Cell::Text(mark(row).map_or(String::new(), |m| m.to_string())),
                    Cell::P(judged(&row.arm).and_then(|c| c.p_holm)),
                    Cell::Text(judged(&row.arm).map_or(String::new(), |c| {
                        c.verdict.map_or("withheld".into(), |v| v.to_string())
                    })),
                    Cell::Dollars(comparison::dollars(of, &row.arm)),
                    Cell::Text(standing::status(of, &row.arm)),
                    Cell::Text(match wanted.is_exploratory() {
                        true => standing::crashed(of, &row.arm).unwrap_or_default(),
                        false => why(of, &row.arm),
                    }),
                ]
            })
            .collect(),
    }
}

fn judged(of: &Material, wanted: &Wanted) -> Sheet {
    let contrasts = of.outcome.contrasts.iter();
    let contrasts: Vec<_> = contrasts.filter(|c| !wanted.hides(of, &c.arm)).collect();
    let level = contrasts.first().map_or(0.95, |c| c.adjusted_level);
    Sheet {
        table: Table::Verdicts,
        title: format!(
            "{} by the registered rule, Holm over all of them; adjusted interval {}, margin {}, minimum gain {}",
            number::counted(of.outcome.m as i64, "registered contrast"),
            number::level(level),
            number::significant(of.outcome.margin),
            number::significant(of.outcome.min_gain),
        ),
        note: MEANS,
        head: head(&[
            "arm",
            "label",
            "against",
            "basis",
            "n",
            "planned",
            "difference",
            "adjusted",
            "p_holm",
            "sign",
            "verdict",
            "mark",
        ]),
        unsuccessful: contrasts
            .iter()
            .map(|c| c.mark == Some(Mark::Unsuccessful))
            .collect(),
        kind: Kind::of(&of.outcome.metric),
        rows: contrasts
            .iter()
            .map(|c| {
                vec![
                    Cell::Text(c.arm.clone()),
                    Cell::Text(of.name(&c.arm)),
                    Cell::Text(of.name(&c.against)),
                    Cell::Text(match c.basis() {
                        Basis::EqualCompute { .. } => "equal compute".into(),
                        Basis::EqualInference { level, .. } => format!(
                            "equal inference, {}",
                            number::counted(i64::from(*level), "sample")
                        ),
                    }),
                    Cell::Count(c.difference.map_or(0, |d| d.n)),
                    Cell::Count(c.planned_seeds),
                    Cell::Difference(c.difference),
                    Cell::Interval(c.adjusted),
                    Cell::P(c.p_holm),
                    Cell::Text(sign(c.verdict).into()),
                    Cell::Text(c.verdict.map_or("withheld".into(), |v| v.to_string())),
                    Cell::Text(c.mark.map_or(String::new(), |m| m.to_string())),
                ]
            })
            .collect(),
    }
}

/// The verdict in one sign; its word stands beside it.
fn sign(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Better | Verdict::BetterWithinMargin) => "+",
        Some(Verdict::Worse | Verdict::WorseWithinMargin) => "-",
        Some(Verdict::Equivalent) => "=",
        Some(Verdict::NoDifferenceShown) => "?",
        Some(Verdict::NotEnoughSeeds) | None => "",
    }
}

impl Sheet {
    pub fn csv(&self, carried: &Carried) -> String {
        let mut out = carried.comments(&self.title);
        let head = self.head.iter().map(|name| match self.column(name) {
            Spread::One => name.to_string(),
            Spread::Interval => format!("{name}_low,{name}_high"),
            Spread::Estimate => format!("{name}_n,{name},{name}_ci95_low,{name}_ci95_high"),
        });
        out += &head.collect::<Vec<_>>().join(",");
        out += "\r\n";
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(Cell::csv).collect();
            out += &cells.join(",");
            out += "\r\n";
        }
        out
    }

    fn column(&self, name: &str) -> Spread {
        match name {
            "value" | "difference" => Spread::Estimate,
            "adjusted" => Spread::Interval,
            name if name.starts_with(sheets::PASS_AT) => Spread::Estimate,
            _ => Spread::One,
        }
    }

    pub fn json(&self, carried: &Carried) -> Value {
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let cells = self.head.iter().zip(row);
                cells
                    .map(|(name, cell)| (name.to_string(), cell.json()))
                    .collect()
            })
            .collect();
        let mut value = carried.json(&self.title);
        value["rows"] = json!(rows);
        value
    }

    /// booktabs; ids, and sentences, stand beside labels only where programs read them.
    pub fn tex(&self, carried: &Carried) -> String {
        let shown: Vec<usize> = (0..self.head.len())
            .filter(|i| !["arm", "status", "why"].contains(&self.head[*i].as_str()))
            .collect();
        let align: String = shown
            .iter()
            .map(|i| match self.rows.first().map(|row| &row[*i]) {
                None | Some(Cell::Text(_)) => 'l',
                Some(_) => 'r',
            })
            .collect();
        let mut out = String::new();
        for line in carried.lines(&self.title) {
            out += &format!("% {}\n", latex::escape(&line));
        }
        out += "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n";
        out += &format!(
            "\\caption{{{}.{} {}}}\n",
            latex::escape(&self.title),
            self.note,
            latex::escape(&carried.denominator.line())
        );
        out += &format!(
            "\\label{{tab:assay-{}-{}}}\n",
            self.table.word(),
            &carried.snapshot[..8]
        );
        out += &format!("\\begin{{tabular}}{{{align}}}\n\\toprule\n");
        let head = shown
            .iter()
            .map(|i| latex::escape(&self.head[*i].replace('_', " ")));
        out += &format!("{} \\\\\n\\midrule\n", head.collect::<Vec<_>>().join(" & "));
        for (row, unsuccessful) in self.rows.iter().zip(&self.unsuccessful) {
            let cells: Vec<String> = shown.iter().map(|i| row[*i].tex(self.kind)).collect();
            out += &latex::row(*unsuccessful, &cells);
        }
        out += "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
        out
    }
}

enum Spread {
    One,
    Interval,
    Estimate,
}

impl Cell {
    fn csv(&self) -> String {
        let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
        match self {
            Self::Text(words) => text(words),
            Self::Count(n) => n.to_string(),
            Self::P(v) | Self::Cost(v) | Self::Dollars(v) => number(*v),
            Self::Interval(i) => {
                format!("{},{}", number(i.map(|i| i.low)), number(i.map(|i| i.high)))
            }
            Self::Estimate(e) | Self::Difference(e) => {
                let interval = e.and_then(|e| e.interval);
                format!(
                    "{},{},{},{}",
                    e.map_or(String::new(), |e| e.n.to_string()),
                    number(e.map(|e| e.mean)),
                    number(interval.map(|i| i.low)),
                    number(interval.map(|i| i.high))
                )
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Text(words) if words.is_empty() => Value::Null,
            Self::Text(words) => json!(words),
            Self::Count(n) => json!(n),
            Self::P(v) | Self::Cost(v) | Self::Dollars(v) => json!(v),
            Self::Interval(i) => json!(i),
            Self::Estimate(e) | Self::Difference(e) => json!(e),
        }
    }

    fn tex(&self, kind: Kind) -> String {
        let with = |e: &Estimate, mean: String| latex::estimate(kind, &mean, e);
        match self {
            Self::Text(words) => latex::escape(words),
            Self::Count(n) => n.to_string(),
            Self::Estimate(Some(e)) => with(e, number::value(kind, e.mean)),
            Self::Difference(Some(e)) => with(e, number::signed(kind, e.mean)),
            Self::Interval(Some(i)) => format!(
                "[{}, {}]",
                latex::number(&number::signed(kind, i.low)),
                latex::number(&number::signed(kind, i.high))
            ),
            Self::P(Some(p)) => latex::escape(&number::p_value(*p)),
            Self::Cost(Some(v)) => latex::number(&number::prefixed(*v)),
            Self::Dollars(Some(v)) => latex::escape(&number::dollars(*v)),
            Self::Estimate(None)
            | Self::Difference(None)
            | Self::Interval(None)
            | Self::P(None)
            | Self::Cost(None)
            | Self::Dollars(None) => latex::escape(number::NONE),
        }
    }
}
