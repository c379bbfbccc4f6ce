//! Charts as pixels, drawn by resvg from the same file that a reader would open.

use resvg::{tiny_skia, usvg};
use std::sync::{Arc, OnceLock};

/// Pixels a css px.
const SCALE: f32 = 2.0;
/// Preferred where it is there: the widths of labels were estimated for it.
const FAMILY: &str = "DejaVu Sans";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPng {
    /// This machine has no font to write labels with.
    NoFont,
    /// The chart could not be read back.
    Unreadable,
}

fn fonts() -> &'static Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    FONTS.get_or_init(|| {
        let mut all = usvg::fontdb::Database::new();
        all.load_system_fonts();
        let family = |face: &usvg::fontdb::FaceInfo| face.families.first().map(|f| f.0.clone());
        let own = all.faces().filter_map(family).find(|name| name == FAMILY);
        if let Some(name) = own.or_else(|| all.faces().find_map(family)) {
            all.set_sans_serif_family(name.clone());
            all.set_serif_family(name);
        }
        Arc::new(all)
    })
}

/// Of a standalone file in its light theme. Takes tenths of a second.
pub fn png(svg: &str) -> Result<Vec<u8>, NoPng> {
    render(svg, fonts())
}

fn render(svg: &str, fonts: &Arc<usvg::fontdb::Database>) -> Result<Vec<u8>, NoPng> {
    if fonts.is_empty() {
        return Err(NoPng::NoFont);
    }
    let options = usvg::Options {
        fontdb: Arc::clone(fonts),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|_| NoPng::Unreadable)?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(SCALE)
        .ok_or(NoPng::Unreadable)?;
    let mut pixels =
        tiny_skia::Pixmap::new(size.width(), size.height()).ok_or(NoPng::Unreadable)?;
    let scale = tiny_skia::Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().map_err(|_| NoPng::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::super::standalone::{Theme, standalone};
    use super::*;

    const DRAWN: &str = r#"<svg class="plot" viewBox="0 0 1000 500" width="100" height="50" role="img" aria-label="a"><g class="s c1"><path class="ln" d="M100 100h800"/></g></svg>"#;

    #[test]
    fn a_chart_becomes_pixels_in_its_own_colours() {
        let mut fonts = usvg::fontdb::Database::new();
        // No letter is drawn here: any face will do to be let in.
        fonts.load_system_fonts();
        if fonts.is_empty() {
            return;
        }
        let file = standalone(DRAWN, &[], Theme::Light);
        let png = render(&file, &Arc::new(fonts)).unwrap();
        let pixels = tiny_skia::Pixmap::decode_png(&png).unwrap();
        assert_eq!((pixels.width(), pixels.height()), (200, 140));
        let line = pixels.pixel(100, 20).unwrap();
        // #386bfa on white.
        assert_eq!((line.red(), line.green(), line.blue()), (0x38, 0x6b, 0xfa));
        let paper = pixels.pixel(2, 2).unwrap();
        assert_eq!((paper.red(), paper.alpha()), (255, 255));
    }

    #[test]
    fn without_a_font_there_is_no_picture() {
        let none = Arc::new(usvg::fontdb::Database::new());
        let file = standalone(DRAWN, &[], Theme::Light);
        assert_eq!(render(&file, &none), Err(NoPng::NoFont));
    }
}
