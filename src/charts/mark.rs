//! The markers of the colour slots, and a frame that all charts share.

use super::axis::Axis;
use super::backend::{Buffer, Ink, TEXT, ThemedSvg, UNIT};
use super::text::escape;
use super::{End, Fate};
use plotters::chart::ChartContext;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::*;
use std::convert::Infallible;
use std::fmt::Write;

pub(super) type Chart<'a> = ChartContext<'a, ThemedSvg, Cartesian2d<Axis, Axis>>;
pub(super) type DrawError = DrawingAreaErrorKind<Infallible>;

/// Room around the plot, css px.
pub(super) struct Margins {
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
    pub left: u32,
}

/// Grid, axes and tick labels.
pub(super) fn frame<'a>(
    area: &'a DrawingArea<ThemedSvg, plotters::coord::Shift>,
    margins: &Margins,
    x: &Axis,
    y: Option<&Axis>,
) -> Result<Chart<'a>, DrawError> {
    let unit = UNIT as u32;
    let rows = Axis {
        scale: super::axis::Scale::Linear,
        low: 0.0,
        high: 1.0,
        ticks: vec![],
    };
    let mut chart = ChartBuilder::on(area)
        .margin_top(margins.top * unit)
        .margin_right(margins.right * unit)
        .x_label_area_size(margins.bottom * unit)
        .y_label_area_size(margins.left * unit)
        .build_cartesian_2d(x.clone(), y.unwrap_or(&rows).clone())?;
    let ink = Ink::Text.color();
    let text = TextStyle::from(("sans-serif", TEXT * f64::from(UNIT)).into_font()).color(&ink);
    let mut mesh = chart.configure_mesh();
    mesh.bold_line_style(Ink::Grid.color())
        .light_line_style(TRANSPARENT)
        .axis_style(Ink::Axis.color())
        .label_style(text)
        .set_all_tick_mark_size(3 * unit);
    if y.is_none() {
        mesh.disable_y_axis().disable_y_mesh();
    } else {
        mesh.disable_x_mesh();
    }
    mesh.draw()?;
    Ok(chart)
}

/// The outline of a slot's marker, from its middle on. Where colours repeat, each goes on to the
/// next marker: no two of `SLOTS` squared slots have colour and marker in common.
fn shape(slot: usize) -> &'static str {
    match (slot + slot / super::SLOTS) % super::SLOTS {
        0 => "m-40 0a40 40 0 1 0 80 0a40 40 0 1 0-80 0z",
        1 => "m-38-38h76v76h-76z",
        2 => "m0-50l46 84h-92z",
        3 => "m0-54l50 54l-50 54l-50-54z",
        4 => "m0 50l46-84h-92z",
        5 => "m-15-48h30v33h33v30h-33v33h-30v-33h-33v-30h33z",
        6 => "m0-52l46 40v52h-92v-52z",
        _ => "m-44-44h88l-88 88h88z",
    }
}

/// An unsuccessful arm's, whatever its slot.
const CROSS: &str = "m-40-40l80 80m0-80l-80 80";
const CRASH: &str = "m-40-40h80v80h-80zm0 80l80-80";
/// Beside a line's open end: it goes on.
const ARROW: &str = "m58-32l32 32l-32 32";

/// The marker of a slot around points in device units, all in one element.
fn markers(buffer: &Buffer, class: &str, shape: &str, at: &[(i32, i32)]) {
    if at.is_empty() {
        return;
    }
    let data: String = at.iter().map(|(x, y)| format!("M{x} {y}{shape}")).collect();
    let _ = write!(
        buffer.borrow_mut(),
        r#"<path class="mk{class}" d="{data}"/>"#
    );
}

pub(super) fn marker(buffer: &Buffer, slot: usize, at: (i32, i32), open: bool) {
    let class = if open { " open" } else { "" };
    markers(buffer, class, shape(slot), &[at]);
}

/// The mark of what is done, at several places: one element.
pub(super) fn done_markers(buffer: &Buffer, slot: usize, fate: Fate, at: &[(i32, i32)]) {
    match fate {
        Fate::Ordinary => markers(buffer, "", shape(slot), at),
        Fate::Unsuccessful => markers(buffer, " x", CROSS, at),
    }
}

/// What was measured on the way to a line's end.
pub(super) fn waypoints(buffer: &Buffer, slot: usize, fate: Fate, at: &[(i32, i32)]) {
    match fate {
        Fate::Ordinary => markers(buffer, " open", shape(slot), at),
        Fate::Unsuccessful => markers(buffer, " x", CROSS, at),
    }
}

/// How a line ends, told by its mark alone.
pub(super) fn end_marker(buffer: &Buffer, slot: usize, fate: Fate, end: End, at: (i32, i32)) {
    match (fate, end) {
        (Fate::Unsuccessful, _) => markers(buffer, " x", CROSS, &[at]),
        (Fate::Ordinary, End::Crashed) => markers(buffer, " crash", CRASH, &[at]),
        (Fate::Ordinary, End::Done) => marker(buffer, slot, at, false),
        (Fate::Ordinary, End::Short) => marker(buffer, slot, at, true),
        (Fate::Ordinary, End::Running) => {
            let (x, y) = at;
            let data = format!("{}M{x} {y}{ARROW}", shape(slot));
            markers(buffer, " open", &data, &[at]);
        }
    }
}

/// Seeds' own values: small, hollow circles, all in one element.
pub(super) fn dots(buffer: &Buffer, points: impl Iterator<Item = (i32, i32)>) {
    let circles: String = points
        .map(|(x, y)| format!("M{} {y}a30 30 0 1 0 60 0a30 30 0 1 0-60 0", x - 30))
        .collect();
    if !circles.is_empty() {
        let _ = write!(buffer.borrow_mut(), r#"<path class="dot" d="{circles}"/>"#);
    }
}

pub(super) fn text(buffer: &Buffer, class: &str, (x, y): (i32, i32), anchor: &str, content: &str) {
    let anchor = if anchor.is_empty() {
        String::new()
    } else {
        format!(r#" text-anchor="{anchor}""#)
    };
    let _ = write!(
        buffer.borrow_mut(),
        r#"<text class="{class}" x="{x}" y="{y}"{anchor}>{}</text>"#,
        escape(content)
    );
}

/// Labels pushed apart to `gap`, in the order given (ascending), within `low..high`.
pub(super) fn declutter(wanted: &[i32], gap: i32, low: i32, high: i32) -> Vec<i32> {
    let mut out: Vec<i32> = vec![];
    for &y in wanted {
        let y = y.max(low);
        out.push(out.last().map_or(y, |&before| y.max(before + gap)));
    }
    let mut limit = high;
    for y in out.iter_mut().rev() {
        *y = (*y).min(limit);
        limit = *y - gap;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_an_outline_of_its_own() {
        let slots = super::super::SLOTS;
        let outlines: std::collections::BTreeSet<_> = (0..slots).map(shape).collect();
        assert_eq!(outlines.len(), slots);
        assert!(!outlines.contains(CROSS) && !outlines.contains(CRASH));
        assert_eq!(shape(slots), shape(1));
    }

    #[test]
    fn no_two_of_sixty_four_slots_have_colour_dash_and_marker_in_common() {
        let slots = super::super::SLOTS;
        let look = |slot: usize| (super::super::series_class(slot), shape(slot));
        for a in 0..slots * slots {
            for b in 0..a {
                assert_ne!(look(a), look(b), "{a} and {b}");
            }
        }
        // Of three rounds, dash and colour alone are enough.
        for a in 0..3 * slots {
            for b in 0..a {
                assert_ne!(look(a).0, look(b).0, "{a} and {b}");
            }
        }
    }

    #[test]
    fn no_two_ends_of_a_slot_share_a_mark() {
        let drawn = |slot: usize, fate: Fate, end: End| {
            let buffer = Buffer::default();
            end_marker(&buffer, slot, fate, end, (500, 300));
            buffer.take()
        };
        for slot in 0..super::super::SLOTS {
            let ends = [End::Done, End::Running, End::Short, End::Crashed];
            let mut marks: Vec<String> = ends.map(|end| drawn(slot, Fate::Ordinary, end)).into();
            // A finding has the same mark however its line ends.
            for end in ends {
                let cross = drawn(slot, Fate::Unsuccessful, end);
                assert_eq!(cross, drawn(slot, Fate::Unsuccessful, End::Done));
            }
            marks.push(drawn(slot, Fate::Unsuccessful, End::Done));
            assert!(marks.iter().all(|mark| mark.matches("<path").count() == 1));
            let distinct: std::collections::BTreeSet<&String> = marks.iter().collect();
            assert_eq!(distinct.len(), marks.len(), "{marks:?}");
            assert!(marks[1].contains(ARROW) && marks[1].contains(shape(slot)));
            assert!(!marks[2].contains(ARROW) && marks[2].contains("mk open"));
        }
    }

    #[test]
    fn labels_keep_their_order_and_distance() {
        assert_eq!(declutter(&[10, 11, 12, 50], 10, 0, 100), [10, 20, 30, 50]);
        assert_eq!(declutter(&[95, 96, 97], 10, 0, 100), [80, 90, 100]);
        assert_eq!(declutter(&[-5], 10, 0, 100), [0]);
        assert_eq!(declutter(&[], 10, 0, 100), [] as [i32; 0]);
    }
}
