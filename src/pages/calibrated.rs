//! Predictions against what turned out to be true: the picture, and its numbers under it.

use super::filed::{Links, OF_FIGURE};
use super::sheet::{Cell, Sheet};
use crate::charts::{Calibration, CalibrationPoint};
use crate::number::{self, Kind};
use assay_core::calibration::Bin;

pub(super) struct Calibrated {
    pub svg: String,
    pub rows: Vec<BinRow>,
    pub caption: String,
    /// What is counted, within a sentence.
    pub cases: String,
    /// Heads of the columns.
    pub predicted: &'static str,
    pub observed: &'static str,
    pub counted: &'static str,
    title: String,
    bins: Vec<Bin>,
    /// The picture and its numbers as files.
    pub files: Links,
}

impl Calibrated {
    /// With links to its files: their address without the ending, and what it asks for.
    pub fn filed(self, at: &str, query: &str) -> Self {
        Self {
            files: Links::new(at, &OF_FIGURE, query),
            ..self
        }
    }

    /// A row a range.
    pub fn sheet(&self) -> Sheet {
        let names = ["from", "to", "count", "predicted", "observed"];
        let mut sheet = Sheet::plain(CALIBRATION, &self.title, &names);
        sheet.said = format!(
            "{}. Predicted: {}; observed: {}; counted: {}.",
            self.caption,
            self.predicted.to_lowercase(),
            self.observed.to_lowercase(),
            self.cases
        );
        sheet.kind = Kind::Share;
        let width = 1.0 / self.bins.len() as f64;
        for (i, bin) in self.bins.iter().enumerate() {
            let known = |v: f64| Cell::Value((bin.count > 0).then_some(v));
            sheet.push(vec![
                Cell::Value(Some(i as f64 * width)),
                Cell::Value(Some((i + 1) as f64 * width)),
                Cell::Count(bin.count as usize),
                known(bin.predicted),
                known(bin.observed),
            ]);
        }
        sheet
    }
}

/// File's name of the picture.
pub(super) const CALIBRATION: &str = "calibration";

pub(super) struct BinRow {
    pub range: String,
    pub count: String,
    pub predicted: String,
    pub observed: String,
}

/// What is predicted, what was observed, and what is counted: as heads of columns.
pub(super) type Words = [&'static str; 3];

/// `None` where no bin has anything in it.
pub(super) fn calibrated(
    bins: &[Bin],
    title: &str,
    words: Words,
    caption: impl Into<String>,
) -> Option<Calibrated> {
    if bins.iter().all(|b| b.count == 0) {
        return None;
    }
    let [predicted, observed, counted] = words;
    let point = |b: &Bin| CalibrationPoint {
        predicted: b.predicted,
        observed: b.observed,
        count: b.count,
    };
    let drawn = Calibration {
        title: format!("{title}: {observed} by {predicted}"),
        x_title: predicted.to_lowercase(),
        y_title: observed.to_lowercase(),
        points: bins.iter().map(point).collect(),
    }
    .draw();
    let width = 1.0 / bins.len() as f64;
    let row = |(i, b): (usize, &Bin)| {
        let (predicted, observed) = match b.count {
            0 => (number::NONE.into(), number::NONE.into()),
            _ => (number::fixed(b.predicted, 3), number::fixed(b.observed, 3)),
        };
        BinRow {
            range: format!(
                "{} to {}",
                number::fixed(i as f64 * width, 1),
                number::fixed((i + 1) as f64 * width, 1)
            ),
            count: number::integer(b.count as i64),
            predicted,
            observed,
        }
    };
    let mut caption: String = caption.into();
    for line in drawn.missed() {
        let stop = if caption.ends_with('.') { "" } else { "." };
        caption += &format!("{stop} {line}");
    }
    Some(Calibrated {
        svg: drawn.svg,
        caption,
        cases: counted.to_lowercase(),
        rows: bins.iter().enumerate().map(row).collect(),
        predicted,
        observed,
        counted,
        title: title.into(),
        bins: bins.to_vec(),
        files: Links::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::calibration::calibration;

    #[test]
    fn every_bin_has_its_row_and_those_with_something_in_them_their_point() {
        let bins = calibration([(0.95, true), (0.91, false), (0.15, false)]);
        let of = calibrated(
            &bins,
            "Values",
            ["Mean value", "Reachable", "Nodes"],
            "Of one tree",
        )
        .unwrap();
        assert_eq!(
            (of.caption.as_str(), of.cases.as_str()),
            ("Of one tree", "nodes")
        );
        let counts: Vec<&str> = of.rows.iter().map(|b| &*b.count).collect();
        assert_eq!(counts, ["0", "1", "0", "0", "0", "0", "0", "0", "0", "2"]);
        assert_eq!(of.rows[9].predicted, "0.930");
        assert_eq!(of.rows[9].observed, "0.500");
        assert_eq!(of.rows[0].observed, number::NONE);
        assert_eq!(of.svg.matches("class=\"cal\"").count(), 2);
        assert!(of.svg.contains("predicted 0.930, observed 0.500, n = 2"));
        let sheet = of.sheet();
        assert_eq!((sheet.title.as_str(), sheet.rows.len()), ("Values", 10));
        let numbers = sheet.numbers();
        assert_eq!(numbers[9]["count"], 2);
        assert!(numbers[0]["observed"].is_null() && numbers[9]["observed"] == 0.5);
        assert!(calibrated(&calibration([]), "Values", ["a", "b", "c"], "").is_none());
    }

    #[test]
    fn a_bin_that_cannot_be_drawn_is_said() {
        let bins = calibration([(0.5, true), (f64::INFINITY, true)]);
        let words = ["Mean value", "Reachable", "Nodes"];
        let of = calibrated(&bins, "Values", words, "Of one tree").unwrap();
        assert_eq!(
            of.caption,
            "Of one tree. 1 value not drawn: not a number, or off the axis."
        );
        assert_eq!(of.svg.matches("class=\"cal\"").count(), 1);
    }
}
