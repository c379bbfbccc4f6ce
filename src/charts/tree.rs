//! A search tree from left to right: tidy (Reingold and Tilford 1981, by contours), area
//! by visits, border by quintile of the mean value. The same tree stands as a list beside
//! it, so the picture is hidden from screen readers and its links from the tab order.

use super::backend::UNIT;
use super::text::{escape, fit};
use std::fmt::Write;

/// How a path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    Open,
    Right,
    Wrong,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Its place in the list; parents stand before their children, the root first.
    pub parent: Option<usize>,
    /// Visits, as a share of the root's.
    pub share: f64,
    /// Mean value, between 0 and 1.
    pub q: Option<f64>,
    pub label: String,
    /// In words, for the pointer.
    pub title: String,
    pub href: String,
    pub finish: Finish,
    pub chosen: bool,
}

/// Css px.
const RADIUS: f64 = 14.0;
const SMALLEST: f64 = 3.0;
/// Half the height of a row of text.
const HALF_ROW: f64 = 8.0;
const EDGE: f64 = 20.0;
/// Depths beyond which columns get narrower.
const WIDE_DEPTHS: usize = 10;

pub fn tree(marks: &[Mark]) -> String {
    let depths = depths(marks);
    let deepest = depths.iter().copied().max().unwrap_or(0);
    let column = if deepest > WIDE_DEPTHS { 84.0 } else { 124.0 };
    let radii: Vec<f64> = marks
        .iter()
        .map(|m| (RADIUS * m.share.clamp(0.0, 1.0).sqrt()).max(SMALLEST))
        .collect();
    let rows = rows(marks, &radii);
    let top = rows.iter().copied().fold(f64::INFINITY, f64::min);
    let bottom = rows.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let height = if top <= bottom { bottom - top } else { 0.0 } + 2.0 * EDGE;
    let width = deepest as f64 * column + 2.0 * EDGE + column;
    let unit = f64::from(UNIT);
    let at = |i: usize| {
        let x = EDGE + depths[i] as f64 * column;
        ((x * unit) as i64, ((rows[i] - top + EDGE) * unit) as i64)
    };
    let mut out = format!(
        r#"<svg class="plot tree" viewBox="0 0 {} {}" width="{width:.0}" height="{height:.0}" aria-hidden="true" focusable="false">"#,
        (width * unit) as i64,
        (height * unit) as i64,
    );
    for (i, mark) in marks.iter().enumerate() {
        if let Some(parent) = mark.parent {
            let ((px, py), (x, y)) = (at(parent), at(i));
            let half = (px + x) / 2;
            let _ = write!(
                out,
                r#"<path class="edge" d="M{px} {py}C{half} {py} {half} {y} {x} {y}"/>"#
            );
        }
    }
    for (i, mark) in marks.iter().enumerate() {
        let ((x, y), r) = (at(i), radii[i]);
        let finish = match mark.finish {
            Finish::Open => "",
            Finish::Right => " right",
            Finish::Wrong => " wrong",
        };
        let chosen = if mark.chosen { " on" } else { "" };
        let sign = match mark.finish {
            Finish::Open => "",
            Finish::Right => "✓ ",
            Finish::Wrong => "✗ ",
        };
        let room = column - 2.0 * r - 8.0;
        let _ = write!(
            out,
            r#"<a href="{}" tabindex="-1"><title>{}</title><circle class="nd {}{finish}{chosen}" cx="{x}" cy="{y}" r="{}"/><text class="tx" x="{}" y="{}">{}</text></a>"#,
            escape(&mark.href),
            escape(&mark.title),
            quintile(mark.q),
            (r * unit) as i64,
            x + ((r + 3.0) * unit) as i64,
            y + 4 * i64::from(UNIT),
            escape(&fit(&format!("{sign}{}", mark.label), 12.0, room)),
        );
    }
    out.push_str("</svg>");
    out
}

/// `q1`, the lowest, to `q5`; nothing for what has no value.
pub fn quintile(value: Option<f64>) -> &'static str {
    match value {
        Some(v) if v.is_nan() => "",
        Some(v) if v < 0.2 => "q1",
        Some(v) if v < 0.4 => "q2",
        Some(v) if v < 0.6 => "q3",
        Some(v) if v < 0.8 => "q4",
        Some(_) => "q5",
        None => "",
    }
}

fn depths(marks: &[Mark]) -> Vec<usize> {
    let mut out: Vec<usize> = vec![];
    for mark in marks {
        let depth = mark.parent.and_then(|p| out.get(p)).map_or(0, |d| d + 1);
        out.push(depth);
    }
    out
}

/// Where each node stands across the tree: every subtree as near to the one before it as
/// its outline allows, a parent in the middle of its children.
fn rows(marks: &[Mark], radii: &[f64]) -> Vec<f64> {
    let mut children = vec![vec![]; marks.len()];
    for (i, mark) in marks.iter().enumerate() {
        if let Some(parent) = mark.parent.filter(|p| *p < i) {
            children[parent].push(i);
        }
    }
    let mut offsets = vec![0.0; marks.len()];
    // The outline of each subtree around its root, depth by depth.
    let mut outlines: Vec<Vec<(f64, f64)>> = vec![vec![]; marks.len()];
    for i in (0..marks.len()).rev() {
        let mut whole: Vec<(f64, f64)> = vec![];
        let mut places = vec![];
        for &child in &children[i] {
            let own = std::mem::take(&mut outlines[child]);
            let shift = whole
                .iter()
                .zip(&own)
                .map(|((_, before), (from, _))| before - from)
                .fold(f64::NEG_INFINITY, f64::max);
            let shift = if places.is_empty() { 0.0 } else { shift };
            for (depth, (from, to)) in own.into_iter().enumerate() {
                match whole.get_mut(depth) {
                    Some(known) => known.1 = to + shift,
                    None => whole.push((from + shift, to + shift)),
                }
            }
            places.push(shift);
        }
        let middle = match (places.first(), places.last()) {
            (Some(first), Some(last)) => (first + last) / 2.0,
            _ => 0.0,
        };
        for (&child, place) in children[i].iter().zip(&places) {
            offsets[child] = place - middle;
        }
        let half = radii[i].max(HALF_ROW) + 1.0;
        let mut outline = vec![(-half, half)];
        outline.extend(whole.iter().map(|(from, to)| (from - middle, to - middle)));
        outlines[i] = outline;
    }
    let mut out: Vec<f64> = vec![];
    for (i, mark) in marks.iter().enumerate() {
        let parent = mark.parent.and_then(|p| out.get(p)).copied();
        out.push(parent.unwrap_or(0.0) + offsets[i]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(parent: Option<usize>, share: f64) -> Mark {
        Mark {
            parent,
            share,
            q: Some(share),
            label: "7*3=1;".into(),
            title: "node".into(),
            href: "?node=1".into(),
            finish: Finish::Open,
            chosen: false,
        }
    }

    /// A root with three children; the first has two, the last has one.
    fn marks() -> Vec<Mark> {
        vec![
            mark(None, 1.0),
            mark(Some(0), 0.5),
            mark(Some(0), 0.1),
            mark(Some(0), 0.4),
            mark(Some(1), 0.2),
            mark(Some(1), 0.3),
            mark(Some(3), 0.4),
        ]
    }

    fn distances(marks: &[Mark]) -> Vec<f64> {
        let radii = vec![5.0; marks.len()];
        rows(marks, &radii)
    }

    #[test]
    fn parents_stand_in_the_middle_and_nothing_lies_on_anything() {
        let marks = marks();
        let y = distances(&marks);
        assert!((y[0] - (y[1] + y[3]) / 2.0).abs() < 1e-9);
        assert!((y[1] - (y[4] + y[5]) / 2.0).abs() < 1e-9);
        let depths = depths(&marks);
        for i in 0..marks.len() {
            for j in 0..i {
                if depths[i] == depths[j] {
                    assert!((y[i] - y[j]).abs() >= 2.0 * HALF_ROW, "{i} and {j}: {y:?}");
                }
            }
        }
    }

    #[test]
    fn a_leaf_uses_the_room_beside_a_wide_subtree() {
        // Five leaves below the first child; the second child is itself a leaf.
        let mut marks = vec![mark(None, 1.0), mark(Some(0), 0.5), mark(Some(0), 0.5)];
        marks.extend((0..5).map(|_| mark(Some(1), 0.1)));
        let y = distances(&marks);
        assert!(
            y[2] - y[1] < 2.5 * HALF_ROW,
            "not pushed below the leaves: {y:?}"
        );
    }

    #[test]
    fn a_chain_of_thousands_and_nothing_at_all_are_drawn() {
        let chain: Vec<Mark> = (0..3_000)
            .map(|i: usize| mark(i.checked_sub(1), 0.5))
            .collect();
        assert!(tree(&chain).ends_with("</svg>"));
        assert!(tree(&[]).ends_with("</svg>"));
    }

    #[test]
    fn area_follows_visits_and_hostile_text_stays_text() {
        let mut marks = marks();
        marks[1].label = "<script>\u{202e}".into();
        marks[1].finish = Finish::Wrong;
        let svg = tree(&marks);
        crate::charts::golden::assert_is_clean(&svg);
        assert!(svg.contains("&lt;sc") && svg.contains("✗ ") && !svg.contains('\u{202e}'));
        // The root's radius, and that of a quarter of its visits.
        assert!(svg.contains("r=\"140\""));
        marks[4].share = 0.25;
        assert!(tree(&marks).contains("r=\"70\""));
    }

    #[test]
    fn a_tree_with_ends_of_both_kinds_and_a_chosen_node_is_drawn_as_it_was() {
        let mut marks = marks();
        marks[2].finish = Finish::Wrong;
        marks[4].finish = Finish::Right;
        marks[5].q = None;
        marks[6].chosen = true;
        marks[6].label = "a label that is longer than its column is wide".into();
        crate::charts::golden::check("tree", &tree(&marks));
    }

    #[test]
    fn quintiles_are_closed_below() {
        let classes: Vec<&str> = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
            .map(|v| quintile(Some(v)))
            .to_vec();
        assert_eq!(classes, ["q1", "q2", "q3", "q4", "q5", "q5"]);
        assert_eq!((quintile(None), quintile(Some(f64::NAN))), ("", ""));
    }
}
