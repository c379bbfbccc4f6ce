//! The plotters backend that writes themeable SVG. Device units are css px * 10,
//! for its coordinates are whole numbers; the viewBox scales them back.

use super::text::{escape, width};
use plotters::prelude::*;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind,
};
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write;
use std::rc::Rc;

/// Device units in a css px.
pub(super) const UNIT: i32 = 10;
/// Text in charts, css px.
pub(super) const TEXT: f64 = 12.0;

/// What is drawn, not how it looks: a colour given to plotters is one of these
/// in disguise and leaves as a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Ink {
    Grid = 1,
    Axis,
    Line,
    /// Where not every seed has got to.
    Part,
    /// Carried forward beyond what was measured.
    Held,
    Band,
    Envelope,
    Budget,
    Text,
    /// An estimate from few draws.
    Thin,
    /// One seed, or what was smoothed, behind its arm's line.
    Behind,
    Pareto,
}

const CLASSES: [&str; 13] = [
    "", "grid", "axis", "ln", "ln part", "ln held", "ci", "env", "budget", "tx", "ln thin", "bh",
    "pareto",
];

impl Ink {
    pub(super) fn color(self) -> RGBColor {
        RGBColor(self as u8, 0, 0)
    }
}

fn class(color: BackendColor) -> &'static str {
    CLASSES.get(color.rgb.0 as usize).copied().unwrap_or("")
}

pub(super) type Buffer = Rc<RefCell<String>>;
type Outcome = Result<(), DrawingErrorKind<Infallible>>;

#[derive(Clone)]
pub(super) struct ThemedSvg {
    buffer: Buffer,
    size: (u32, u32),
}

impl ThemedSvg {
    /// Size in css px. The caller keeps the buffer and may bracket what plotters draws.
    pub(super) fn new(width: u32, height: u32) -> (Self, Buffer) {
        let buffer = Buffer::default();
        let size = (width * UNIT as u32, height * UNIT as u32);
        (
            Self {
                buffer: Rc::clone(&buffer),
                size,
            },
            buffer,
        )
    }

    fn path(&self, points: impl IntoIterator<Item = BackendCoord>, class: &str, close: bool) {
        let data = path_data(points);
        if !data.is_empty() {
            let end = if close { "z" } else { "" };
            let _ = write!(
                self.buffer.borrow_mut(),
                r#"<path class="{class}" d="{data}{end}"/>"#
            );
        }
    }
}

/// Relative whole numbers; horizontal and vertical parts in their short forms.
pub(super) fn path_data(points: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut out = String::new();
    let mut last: Option<BackendCoord> = None;
    for (x, y) in points {
        let _ = match last {
            None => write!(out, "M{x} {y}"),
            Some((px, py)) => match (x - px, y - py) {
                (0, 0) => continue,
                (dx, 0) => write!(out, "h{dx}"),
                (0, dy) => write!(out, "v{dy}"),
                (dx, dy) if dy < 0 => write!(out, "l{dx}{dy}"),
                (dx, dy) => write!(out, "l{dx} {dy}"),
            },
        };
        last = Some((x, y));
    }
    out
}

impl DrawingBackend for ThemedSvg {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Outcome {
        Ok(())
    }

    fn present(&mut self) -> Outcome {
        Ok(())
    }

    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Outcome {
        Ok(())
    }

    fn blit_bitmap(&mut self, _: BackendCoord, _: (u32, u32), _: &[u8]) -> Outcome {
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Outcome {
        self.path([from, to], class(style.color()), false);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
        _: bool,
    ) -> Outcome {
        self.path(
            [(x0, y0), (x1, y0), (x1, y1), (x0, y1)],
            class(style.color()),
            true,
        );
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Outcome {
        self.path(path, class(style.color()), false);
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        points: I,
        style: &S,
    ) -> Outcome {
        self.path(points, class(style.color()), true);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        _: bool,
    ) -> Outcome {
        let _ = write!(
            self.buffer.borrow_mut(),
            r#"<circle class="{}" cx="{x}" cy="{y}" r="{radius}"/>"#,
            class(style.color())
        );
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &T,
        (x, y): BackendCoord,
    ) -> Outcome {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => r#" text-anchor="middle""#,
            HPos::Right => r#" text-anchor="end""#,
        };
        // Baselines: capitals are about 0.72 em high.
        let size = TEXT * f64::from(UNIT);
        let y = y + match style.anchor().v_pos {
            VPos::Top => (size * 0.85) as i32,
            VPos::Center => (size * 0.36) as i32,
            VPos::Bottom => -(size * 0.15) as i32,
        };
        let _ = write!(
            self.buffer.borrow_mut(),
            r#"<text class="{}" x="{x}" y="{y}"{anchor}>{}</text>"#,
            class(style.color()),
            escape(text)
        );
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        _: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let size = TEXT * f64::from(UNIT);
        Ok((width(text, size) as u32, size as u32))
    }
}

/// The finished picture: named for those who cannot see it.
pub(super) fn document(
    buffer: &Buffer,
    (width, height): (u32, u32),
    class: &str,
    title: &str,
    attributes: &str,
) -> String {
    let unit = UNIT as u32;
    format!(
        r#"<svg class="plot {class}" viewBox="0 0 {} {}" width="{width}" height="{height}" role="img" aria-label="{}"{attributes}>{}</svg>"#,
        width * unit,
        height * unit,
        escape(title),
        buffer.borrow()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_short_and_relative() {
        assert_eq!(
            path_data([(5, 5), (15, 5), (15, 2), (15, 2), (10, -3), (12, 9)]),
            "M5 5h10v-3l-5-5l2 12"
        );
        assert_eq!(path_data([]), "");
    }

    #[test]
    fn no_dependency_brings_plotters_fonts_back() {
        let lock = include_str!("../../Cargo.lock");
        for name in [
            "font-kit",
            "ab_glyph",
            "freetype-sys",
            "yeslogic-fontconfig-sys",
        ] {
            assert!(!lock.contains(&format!("name = \"{name}\"")), "{name}");
        }
        // Cargo unifies features: what `ttf` would add to plotters stands in its lock entry.
        let own = lock.split("name = \"plotters\"\n").nth(1).unwrap();
        let own = own.split("]").next().unwrap();
        for name in ["font", "ttf", "pathfinder", "image", "chrono"] {
            assert!(!own.contains(name), "{name} in {own}");
        }
    }
}
