//! A table as files: for spreadsheets, programs and papers. Each says of what it is, what
//! stands behind it, and the snapshot that it was made from.

use super::experiment::export::text;
use super::experiment::latex;
use super::text as words;
use crate::number::{self, Kind};
use assay_core::stats::{Estimate, Interval};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// What every file says of itself.
pub(super) trait Carries {
    /// The title first, the snapshot last.
    fn lines(&self, title: &str) -> Vec<String>;
    fn json(&self, title: &str) -> Value;
    /// What makes its numbers comparable, for the caption of a table for a paper; nothing where
    /// nothing is compared.
    fn basis(&self) -> Option<&str> {
        None
    }
    /// How much stands behind it, in a sentence under a table for a paper.
    fn behind(&self) -> String;
    /// Hexadecimal digits of a hash.
    fn snapshot(&self) -> &str;

    /// Lines with `#` before the head of a CSV file.
    fn comments(&self, title: &str) -> String {
        let lines = self.lines(title).into_iter().map(|line| comment(&line));
        lines.collect()
    }
}

/// Nothing unseen stands in it.
fn comment(line: &str) -> String {
    let line = words::visible(&line.replace(['\r', '\n'], " "));
    format!("# {line}\r\n")
}

/// Columns with their units, and rows of what stands in them.
pub(super) struct Sheet {
    /// A file's name without its ending.
    pub word: String,
    pub title: String,
    /// Sentences; empty where there are none.
    pub said: String,
    /// Said under a table for a paper.
    pub note: &'static str,
    pub head: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// Of the rows: what the registered rule says of the arm.
    pub unsuccessful: Vec<bool>,
    pub kind: Kind,
    /// Of the points of a figure: how many cells name the line that a row is of; 0 where all
    /// rows are one list. A table for a paper has some of them. `None` of all else: every row
    /// stands everywhere.
    pub along: Option<usize>,
}

/// How the numbers of a comparison read.
pub(super) const MEANS: &str = " Mean over training seeds $\\pm$ half of its unadjusted 95\\,\\% interval (Student's $t$); differences paired by seed. $\\times$ marks what the registered rule calls unsuccessful.";

/// Columns of estimates, by k.
pub(super) const PASS_AT: &str = "pass_at_";

pub(super) enum Cell {
    Text(String),
    /// Of the house's own, without a comma: no quotation marks in CSV.
    Word(String),
    Count(usize),
    /// A mean with its interval.
    Estimate(Option<Estimate>),
    Difference(Option<Estimate>),
    /// The same beside a value over so many seeds, 0 where none stands there: for a paper, one of
    /// another number of pairs says of how many.
    Paired(Option<Estimate>, usize),
    /// Of another kind than the sheet.
    Measured(Kind, Option<Estimate>),
    /// Of a difference.
    Interval(Option<Interval>),
    /// Of a level.
    Range(Option<Interval>),
    P(Option<f64>),
    /// An amount with an SI prefix.
    Cost(Option<f64>),
    Dollars(Option<f64>),
    /// Of the sheet's kind.
    Value(Option<f64>),
    /// On an axis: whole numbers as such.
    Place(Option<f64>),
}

pub(super) fn head(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// Rows of points in a table for a paper.
const MOST: usize = 200;

impl Sheet {
    /// Of which no row is of an arm that the registered rule judges.
    pub fn plain(word: impl Into<String>, title: impl Into<String>, names: &[&str]) -> Self {
        Self {
            word: word.into(),
            title: title.into(),
            said: String::new(),
            note: "",
            head: head(names),
            rows: vec![],
            unsuccessful: vec![],
            kind: Kind::Other,
            along: None,
        }
    }

    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
        self.unsuccessful.push(false);
    }

    /// What stands in a column of words, row by row; nothing where there is no such column.
    pub fn texts(&self, column: &str) -> Vec<&str> {
        let Some(at) = self.head.iter().position(|name| name == column) else {
            return vec![];
        };
        let cells = self.rows.iter().filter_map(|row| row.get(at));
        cells.filter_map(Cell::text).collect()
    }

    pub fn csv(&self, carried: &impl Carries) -> String {
        let mut out = carried.comments(&self.title);
        if !self.said.is_empty() {
            out += &comment(&self.said);
        }
        let head = self.head.iter().enumerate();
        let head = head.map(|(i, name)| match self.column(i, name) {
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

    /// By what stands in it; of a table without rows by its name.
    fn column(&self, at: usize, name: &str) -> Spread {
        if let Some(cell) = self.rows.first().and_then(|row| row.get(at)) {
            return cell.spread();
        }
        match name {
            _ if self.along.is_some() => Spread::One,
            "value" | "difference" => Spread::Estimate,
            "adjusted" => Spread::Interval,
            name if name.starts_with(PASS_AT) => Spread::Estimate,
            _ => Spread::One,
        }
    }

    pub fn json(&self, carried: &impl Carries) -> Value {
        let mut value = carried.json(&self.title);
        value["rows"] = self.numbers();
        value
    }

    /// The rows for programs, by the heads of their columns.
    pub fn numbers(&self) -> Value {
        let row = |row: &Vec<Cell>| -> Value {
            let cells = self.head.iter().zip(row);
            cells
                .map(|(name, cell)| (name.to_string(), cell.json()))
                .collect()
        };
        self.rows.iter().map(row).collect()
    }

    /// booktabs; ids, and sentences, stand beside labels only where programs read them.
    pub fn tex(&self, carried: &impl Carries) -> String {
        let shown: Vec<usize> = (0..self.head.len())
            .filter(|i| !["arm", "run", "status", "why"].contains(&self.head[*i].as_str()))
            .collect();
        let align: String = shown
            .iter()
            .map(|i| match self.rows.first().map(|row| &row[*i]) {
                None | Some(Cell::Text(_) | Cell::Word(_)) => 'l',
                Some(_) => 'r',
            })
            .collect();
        let (rows, every) = self.thinned();
        let mut out = String::new();
        for line in carried.lines(&self.title) {
            out += &format!("% {}\n", latex::escape(&line));
        }
        if !self.said.is_empty() {
            out += &format!("% {}\n", latex::escape(&self.said));
        }
        if every > 1 {
            let of = match self.along {
                Some(0) => "row",
                _ => "point of each line",
            };
            out += &format!(
                "% One {of} in {every}, the last among them: {} of {}; the CSV file has them all\n",
                rows.len(),
                self.rows.len()
            );
        }
        out += "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n";
        out += &format!(
            "\\caption{{{}.{}{} {}}}\n",
            latex::escape(&self.title),
            self.note,
            self.basis(carried),
            latex::escape(&carried.behind())
        );
        out += &format!(
            "\\label{{tab:assay-{}-{}}}\n",
            self.word,
            carried.snapshot().get(..8).unwrap_or_default()
        );
        out += &format!("\\begin{{tabular}}{{{align}}}\n\\toprule\n");
        let head = shown
            .iter()
            .map(|i| latex::escape(&self.head[*i].replace('_', " ")));
        out += &format!("{} \\\\\n\\midrule\n", head.collect::<Vec<_>>().join(" & "));
        for i in rows {
            let row = &self.rows[i];
            let cells: Vec<String> = shown.iter().map(|at| row[*at].tex(self.kind)).collect();
            out += &latex::row(self.unsuccessful[i], &cells);
        }
        out += "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
        out
    }

    /// A sentence of the caption; nothing where the title has said it.
    fn basis(&self, carried: &impl Carries) -> String {
        let said = carried.basis().filter(|basis| !basis.is_empty());
        let said = said.filter(|basis| !self.title.contains(*basis));
        said.map_or(String::new(), |basis| {
            format!(" Basis: {}.", latex::escape(basis))
        })
    }

    /// The rows of a table for a paper, and one in how many they are. No line is without its
    /// last point, however many lines there are.
    fn thinned(&self) -> (Vec<usize>, usize) {
        let all = self.rows.len();
        let Some(along) = self.along.filter(|_| all > MOST) else {
            return ((0..all).collect(), 1);
        };
        let name = |row: &[Cell]| -> Vec<String> {
            let cells = row.iter().take(along);
            cells.map(Cell::csv).collect()
        };
        let names: Vec<Vec<String>> = self.rows.iter().map(|row| name(row)).collect();
        // How many of its line follow each row.
        let mut after = vec![0_usize; all];
        for i in (1..all).rev() {
            if names[i - 1] == names[i] {
                after[i - 1] = after[i] + 1;
            }
        }
        let lines = after.iter().filter(|n| **n == 0).count();
        let kept = |every: usize| after.iter().filter(|n| n.is_multiple_of(every)).count();
        let room = MOST.max(lines);
        let mut every = all.div_ceil(room).max(2);
        while kept(every) > room {
            every += every.div_ceil(4);
        }
        let rows = (0..all).filter(|i| after[*i].is_multiple_of(every));
        (rows.collect(), every)
    }
}

enum Spread {
    One,
    Interval,
    Estimate,
}

impl Cell {
    /// Of people, models and machines: nothing unseen, and whole.
    pub fn said(of: &str) -> Self {
        Self::Text(words::visible(of))
    }

    pub fn yes_no(of: bool) -> Self {
        Self::Word(if of { "yes" } else { "no" }.into())
    }

    /// A grader's verdict.
    pub fn right(of: bool) -> Self {
        Self::Word(if of { "right" } else { "wrong" }.into())
    }

    pub fn moment(of: OffsetDateTime) -> Self {
        Self::Word(number::moment(of))
    }

    /// Of the store, which counts with a sign.
    pub fn count(of: impl Into<i64>) -> Self {
        Self::Count(of.into().unsigned_abs() as usize)
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(words) | Self::Word(words) => Some(words),
            Self::Count(_)
            | Self::Estimate(_)
            | Self::Difference(_)
            | Self::Paired(..)
            | Self::Measured(..)
            | Self::Interval(_)
            | Self::Range(_)
            | Self::P(_)
            | Self::Cost(_)
            | Self::Dollars(_)
            | Self::Value(_)
            | Self::Place(_) => None,
        }
    }

    fn spread(&self) -> Spread {
        match self {
            Self::Estimate(_) | Self::Difference(_) | Self::Paired(..) | Self::Measured(..) => {
                Spread::Estimate
            }
            Self::Interval(_) | Self::Range(_) => Spread::Interval,
            Self::Text(_)
            | Self::Word(_)
            | Self::Count(_)
            | Self::P(_)
            | Self::Cost(_)
            | Self::Dollars(_)
            | Self::Value(_)
            | Self::Place(_) => Spread::One,
        }
    }

    fn csv(&self) -> String {
        let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
        match self {
            Self::Text(words) => text(words),
            Self::Word(word) => word.clone(),
            Self::Count(n) => n.to_string(),
            Self::P(v) | Self::Cost(v) | Self::Dollars(v) | Self::Value(v) | Self::Place(v) => {
                number(*v)
            }
            Self::Interval(i) | Self::Range(i) => {
                format!("{},{}", number(i.map(|i| i.low)), number(i.map(|i| i.high)))
            }
            Self::Estimate(e) | Self::Difference(e) | Self::Paired(e, _) | Self::Measured(_, e) => {
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
            Self::Text(words) | Self::Word(words) if words.is_empty() => Value::Null,
            Self::Text(words) | Self::Word(words) => json!(words),
            Self::Count(n) => json!(n),
            Self::P(v) | Self::Cost(v) | Self::Dollars(v) | Self::Value(v) | Self::Place(v) => {
                json!(v)
            }
            Self::Interval(i) | Self::Range(i) => json!(i),
            Self::Estimate(e) | Self::Difference(e) | Self::Paired(e, _) | Self::Measured(_, e) => {
                json!(e)
            }
        }
    }

    fn tex(&self, kind: Kind) -> String {
        let with = |e: &Estimate, mean: String| latex::estimate(kind, &mean, e);
        if let Self::Measured(own, e) = self {
            return Self::Estimate(*e).tex(*own);
        }
        match self {
            Self::Text(words) | Self::Word(words) => latex::escape(words),
            Self::Count(n) => n.to_string(),
            Self::Estimate(Some(e)) => with(e, number::value(kind, e.mean)),
            Self::Difference(Some(e)) => with(e, number::signed(kind, e.mean)),
            Self::Paired(Some(e), n) => {
                let said = with(e, number::signed(kind, e.mean));
                match e.n == *n {
                    true => said,
                    false => format!("{said} ($n = {}$)", e.n),
                }
            }
            Self::Interval(Some(i)) => format!(
                "[{}, {}]",
                latex::number(&number::signed(kind, i.low)),
                latex::number(&number::signed(kind, i.high))
            ),
            Self::Range(Some(i)) => format!(
                "[{}, {}]",
                latex::number(&number::value(kind, i.low)),
                latex::number(&number::value(kind, i.high))
            ),
            Self::P(Some(p)) => latex::escape(&number::p_value(*p)),
            Self::Cost(Some(v)) => latex::number(&number::prefixed(*v)),
            Self::Dollars(Some(v)) => latex::escape(&number::dollars(*v)),
            Self::Value(Some(v)) => latex::number(&number::value(kind, *v)),
            Self::Place(Some(v)) if v.fract() == 0.0 && v.abs() < 1e3 => {
                latex::number(&number::fixed(*v, 0))
            }
            Self::Place(Some(v)) => latex::number(&number::significant(*v)),
            Self::Measured(..)
            | Self::Estimate(None)
            | Self::Difference(None)
            | Self::Paired(None, _)
            | Self::Interval(None)
            | Self::Range(None)
            | Self::P(None)
            | Self::Cost(None)
            | Self::Dollars(None)
            | Self::Value(None)
            | Self::Place(None) => latex::escape(number::NONE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl Carries for Nothing {
        fn lines(&self, title: &str) -> Vec<String> {
            vec![title.into()]
        }

        fn json(&self, title: &str) -> Value {
            json!({ "title": title })
        }

        fn behind(&self) -> String {
            String::new()
        }

        fn snapshot(&self) -> &str {
            "0123456789"
        }
    }

    fn points(lines: &[usize]) -> Sheet {
        let mut of = Sheet::plain("w", "t", &["label", "x", "value"]);
        of.along = Some(1);
        for (i, n) in lines.iter().enumerate() {
            for x in 0..*n {
                of.push(vec![
                    Cell::Text(format!("line {i}")),
                    Cell::Place(Some(x as f64)),
                    Cell::Value(Some(0.5)),
                ]);
            }
        }
        of
    }

    #[test]
    fn a_table_for_a_paper_has_every_line_and_no_more_points_than_a_page_bears() {
        let few = points(&[100, 100]).tex(&Nothing);
        assert!(!few.contains("% One ") && few.matches("line 0 &").count() == 100);
        let of = points(&[3, 10_000, 1]);
        let tex = of.tex(&Nothing);
        assert!(tex.contains("% One point of each line in "), "{tex}");
        let count = |line: &str| tex.matches(&format!("{line} &")).count();
        assert!(count("line 0") > 0 && count("line 2") == 1);
        assert!((100..=200).contains(&count("line 1")));
        assert!(tex.contains("line 0 & $2$ &"), "{tex}");
        // Its last point.
        let (rows, _) = of.thinned();
        assert!(rows.contains(&10_002) && rows.contains(&2));
        let many = points(&[2; 500]).tex(&Nothing);
        assert_eq!(many.matches("\nline ").count(), 500);
        // Programs read them all.
        assert_eq!(of.csv(&Nothing).lines().count(), 2 + 10_004);
    }

    #[test]
    fn a_difference_of_other_pairs_than_the_seeds_beside_it_says_of_how_many() {
        let mut of = Sheet::plain("w", "t", &["label", "n", "difference"]);
        for (label, pairs, n) in [("all", 3, 3), ("some", 3, 5), ("two", 2, 5), ("none", 0, 5)] {
            let values = &[0.1, 0.2, 0.3][..pairs];
            of.push(vec![
                Cell::Text(label.into()),
                Cell::Count(n),
                Cell::Paired(assay_core::stats::estimate(values), n),
            ]);
        }
        let tex = of.tex(&Nothing);
        // 4.3027 * 0.1 / sqrt(3).
        for line in [
            "\nall & 3 & $+0.2000$ $\\pm$ $0.2484$ \\\\\n",
            "\nsome & 5 & $+0.2000$ $\\pm$ $0.2484$ ($n = 3$) \\\\\n",
            "\ntwo & 5 & $+0.1500$ ($n = 2$) \\\\\n",
            "\nnone & 5 & -- \\\\\n",
        ] {
            assert!(tex.contains(line), "{line} in {tex}");
        }
        // Elsewhere the number has a column.
        let csv = of.csv(&Nothing);
        assert!(csv.contains("label,n,difference_n,difference,"), "{csv}");
        assert!(csv.contains("\"some\",5,3,"), "{csv}");
        assert_eq!(of.json(&Nothing)["rows"][2]["difference"]["n"], 2);
    }

    #[test]
    fn a_sentence_stays_in_its_comment_and_a_word_has_no_quotation_marks() {
        let mut of = Sheet::plain("w", "t", &["arm", "mark", "value"]);
        of.said = "one\nx".into();
        of.push(vec![
            Cell::Text("=1".into()),
            Cell::Word("seed".into()),
            Cell::Value(None),
        ]);
        assert_eq!(
            of.csv(&Nothing),
            "# t\r\n# one x\r\narm,mark,value\r\n\"'=1\",seed,\r\n"
        );
        assert_eq!(of.json(&Nothing)["rows"][0]["value"], Value::Null);
        assert!(of.tex(&Nothing).contains("\nseed & -- \\\\\n"));
    }

    struct Compared(&'static str);

    impl Carries for Compared {
        fn lines(&self, title: &str) -> Vec<String> {
            Nothing.lines(title)
        }

        fn json(&self, title: &str) -> Value {
            Nothing.json(title)
        }

        fn basis(&self) -> Option<&str> {
            Some(self.0)
        }

        fn behind(&self) -> String {
            "2 runs.".into()
        }

        fn snapshot(&self) -> &str {
            "0123456789"
        }
    }

    #[test]
    fn the_caption_of_a_table_for_a_paper_has_its_basis_once() {
        let caption = |title: &str, basis: &'static str| {
            let tex = Sheet::plain("w", title, &["x"]).tex(&Compared(basis));
            let line = tex.lines().find(|line| line.starts_with("\\caption"));
            line.unwrap_or_default().to_string()
        };
        assert_eq!(
            caption("A title", "equal compute: 5 %"),
            "\\caption{A title. Basis: equal compute: 5 \\%. 2 runs.}"
        );
        let said = "\\caption{A title (equal compute). 2 runs.}";
        assert_eq!(caption("A title (equal compute)", "equal compute"), said);
        assert_eq!(caption("A title", ""), "\\caption{A title. 2 runs.}");
        let none = Sheet::plain("w", "A title", &["x"]).tex(&Nothing);
        assert!(none.contains("\\caption{A title. }"), "{none}");
    }
}
