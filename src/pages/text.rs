//! Texts of models and people on pages: as they are, but with nothing in them that could
//! disguise what stands beside them, and no longer than a page can hold.

/// Characters shown at once; more stands folded below.
pub const LONG: usize = 4_096;

/// Control characters and overrides of direction as words; line ends and tabs stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            '\u{0}'..='\u{1f}' => out.extend(char::from_u32(0x2400 + c as u32)),
            '\u{7f}' => out.push('\u{2421}'),
            c if c.is_control() || is_direction(c) => {
                out.push_str(&format!("⟨U+{:04X}⟩", c as u32));
            }
            c => out.push(c),
        }
    }
    out
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text in what is shown at once and what is folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Long {
    pub shown: String,
    pub rest: Option<String>,
}

pub fn fold(text: &str) -> Long {
    match text.char_indices().nth(LONG) {
        None => Long {
            shown: visible(text),
            rest: None,
        },
        Some((at, _)) => Long {
            shown: visible(&text[..at]),
            rest: Some(visible(&text[at..])),
        },
    }
}

/// The start of a text on one line.
pub fn line(text: &str, characters: usize) -> String {
    let cut: String = text.chars().take(characters).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", visible(&cut.replace(['\n', '\t'], " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_named() {
        assert_eq!(
            visible("a\u{0}b\u{1b}[31m\u{202e}c\u{85}\nd\te"),
            "a␀b␛[31m⟨U+202E⟩c⟨U+0085⟩\nd\te"
        );
        assert_eq!(visible("👩‍👩‍👧 \\frac{1}{2} <b>"), "👩‍👩‍👧 \\frac{1}{2} <b>");
    }

    #[test]
    fn long_texts_are_folded_at_a_character() {
        let text = "é".repeat(LONG + 3);
        let long = fold(&text);
        assert_eq!(long.shown.chars().count(), LONG);
        assert_eq!(long.rest.as_deref(), Some("ééé"));
        assert_eq!(fold("short").rest, None);
        assert_eq!(line("a\nb", 9), "a b");
        assert_eq!(line("abcdef", 3), "abc…");
    }
}
