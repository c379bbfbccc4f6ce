//! More arms than lines that can be told apart: the last of those that are neither
//! unsuccessful nor the comparator are drawn as the range of their means. No one is left
//! out, and an unsuccessful arm always keeps its line.

use super::Fate;
use super::curves::Curve;

/// Lines that a chart draws one by one.
pub const MOST: usize = 24;

#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    pub curves: Vec<Curve>,
    pub bins: Vec<MergedBin>,
}

impl Merged {
    pub fn labels(&self) -> String {
        let labels: Vec<&str> = self.curves.iter().map(|c| c.label.as_str()).collect();
        labels.join(", ")
    }

    /// Under the picture.
    pub fn said(&self) -> String {
        format!(
            "Drawn together as the range of their means: {}.",
            self.labels()
        )
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MergedBin {
    pub x: f64,
    /// Smallest and largest mean.
    pub low: f64,
    pub high: f64,
}

/// Curves in their order; bins of the same edge belong together.
pub fn merge(curves: Vec<Curve>, comparator: &str) -> (Vec<Curve>, Option<Merged>) {
    if curves.len() <= MOST {
        return (curves, None);
    }
    let may = |c: &Curve| c.fate != Fate::Unsuccessful && c.key != comparator;
    let mut surplus = curves.len() - MOST;
    let (mut drawn, mut rest) = (vec![], vec![]);
    for curve in curves.into_iter().rev() {
        if surplus > 0 && may(&curve) {
            surplus -= 1;
            rest.push(curve);
        } else {
            drawn.push(curve);
        }
    }
    drawn.reverse();
    rest.reverse();
    if rest.is_empty() {
        return (drawn, None);
    }
    // The range is of means: no line of its own, no shade of its own.
    for bin in rest.iter_mut().flat_map(|c| &mut c.bins) {
        bin.envelope = None;
    }
    let mut edges: Vec<f64> = rest.iter().flat_map(|c| &c.bins).map(|b| b.edge).collect();
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let bins: Vec<MergedBin> = edges
        .iter()
        .filter_map(|edge| {
            let at = rest
                .iter()
                .flat_map(|c| &c.bins)
                .filter(|b| b.edge == *edge);
            let start = MergedBin {
                x: f64::NEG_INFINITY,
                low: f64::INFINITY,
                high: f64::NEG_INFINITY,
            };
            let bin = at.fold(start, |m, b| MergedBin {
                x: m.x.max(b.x),
                low: m.low.min(b.mean),
                high: m.high.max(b.mean),
            });
            (bin.low <= bin.high).then_some(bin)
        })
        .collect();
    let merged = Merged { curves: rest, bins };
    (drawn, Some(merged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arms(n: usize, unsuccessful: impl Fn(usize) -> bool) -> Vec<Curve> {
        let arm = |i| Curve {
            key: format!("arm-{i}"),
            fate: if unsuccessful(i) {
                Fate::Unsuccessful
            } else {
                Fate::Ordinary
            },
            ..Curve::default()
        };
        (0..n).map(arm).collect()
    }

    #[test]
    fn unsuccessful_arms_are_never_merged() {
        let (drawn, merged) = merge(arms(30, |i| i >= 26), "arm-25");
        let merged = merged.unwrap();
        assert_eq!((drawn.len(), merged.curves.len()), (MOST, 6));
        for key in ["arm-25", "arm-26", "arm-29"] {
            assert!(drawn.iter().any(|c| c.key == key), "{key}");
        }
        assert_eq!(merged.curves[0].key, "arm-19");
        // Even where there are too many of them for anything to be merged.
        let (drawn, merged) = merge(arms(30, |_| true), "none");
        assert_eq!((drawn.len(), merged), (30, None));
    }

    #[test]
    fn up_to_the_limit_nothing_is_merged() {
        assert_eq!(merge(arms(MOST, |_| false), "arm-0").1, None);
    }
}
