//! Texts of models and people on pages: as they are, but with nothing in them that could
//! disguise what stands beside them, and no longer than a page can hold.

use crate::number;
use assay_core::unseen::is_unseen;

/// Characters shown at once; more stands folded below.
pub const LONG: usize = 4_096;

/// Characters that a page reads of a text; it says where that is not all.
pub const MOST: usize = 20_000;

/// What cannot be seen, as words, where only plain text can stand: attributes, options,
/// pictures, files. Line ends and tabs stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        match written(c, before) {
            Some(words) => out.push_str(&words),
            None => out.push(c),
        }
        before = Some(c);
    }
    out
}

/// The same as HTML: escaped, and what is written out told apart from a text that only
/// looks so. For a place that holds nothing else.
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let (mut before, mut open) = (None, false);
    for c in text.chars() {
        let words = written(c, before);
        if words.is_some() != open {
            out.push_str(if open {
                "</span>"
            } else {
                "<span class=\"ctl\">"
            });
            open = !open;
        }
        match (words, c) {
            (Some(words), _) => out.push_str(&words),
            (None, '&') => out.push_str("&#38;"),
            (None, '<') => out.push_str("&#60;"),
            (None, '>') => out.push_str("&#62;"),
            (None, '"') => out.push_str("&#34;"),
            (None, '\'') => out.push_str("&#39;"),
            (None, c) => out.push(c),
        }
        before = Some(c);
    }
    if open {
        out.push_str("</span>");
    }
    out
}

/// The same beside other text: its direction ends where it ends.
pub fn isolated(text: &str) -> String {
    format!("<bdi>{}</bdi>", markup(text))
}

/// How a character that cannot be seen is written; `None` of one that can.
fn written(c: char, before: Option<char>) -> Option<String> {
    match c {
        '\n' | '\t' | ' '..='~' => None,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).map(String::from),
        '\u{7f}' => Some("\u{2421}".into()),
        // Joiners belong into emoji and many scripts; after one of our letters they only hide.
        '\u{200c}' | '\u{200d}' if before.is_some_and(|b| !b.is_ascii()) => None,
        c if c.is_control() || is_unseen(c) => Some(format!("⟨U+{:04X}⟩", c as u32)),
        _ => None,
    }
}

/// A text in what is shown at once and what is folded; both as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Long {
    pub shown: String,
    pub rest: Option<String>,
    /// How much of it is not here.
    pub cut: Option<String>,
}

/// A text that is whole.
pub fn fold(text: &str) -> Long {
    match text.char_indices().nth(LONG) {
        None => Long {
            shown: text.into(),
            ..Long::default()
        },
        Some((at, _)) => Long {
            shown: text[..at].into(),
            rest: Some(text[at..].into()),
            cut: None,
        },
    }
}

/// The start of a text of which no more was read; the whole has `all` characters.
pub fn fold_read(text: &str, all: u64) -> Long {
    Long {
        cut: cut(text, all),
        ..fold(text)
    }
}

/// As much of a text as a page reads.
pub fn fold_start(text: &str) -> Long {
    let read: String = text.chars().take(MOST).collect();
    fold_read(&read, text.chars().count() as u64)
}

/// How much was read of a text of `all` characters, where that is not all of it.
pub fn cut(read: &str, all: u64) -> Option<String> {
    let here = read.chars().count() as u64;
    (here < all).then(|| {
        format!(
            "cut: {} of {} characters",
            number::integer(here as i64),
            number::integer(all as i64)
        )
    })
}

/// The start of a text on one line, as it is: for [`markup`].
pub fn start(text: &str, characters: usize) -> String {
    let cut: String = text.chars().take(characters).collect();
    let dots = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{dots}", cut.replace(['\n', '\t'], " "))
}

/// The same in plain words.
pub fn line(text: &str, characters: usize) -> String {
    visible(&start(text, characters))
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
    fn every_override_of_direction_is_written_out() {
        let overrides = ('\u{202a}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
            .chain(['\u{200e}', '\u{200f}', '\u{61c}']);
        let others = [
            '\u{ad}',
            '\u{200b}',
            '\u{2028}',
            '\u{2060}',
            '\u{feff}',
            '\u{e0041}',
        ];
        for c in overrides.chain(others) {
            let text = format!("a{c}b");
            let name = format!("⟨U+{:04X}⟩", c as u32);
            assert_eq!(visible(&text), format!("a{name}b"));
            assert_eq!(
                markup(&text),
                format!("a<span class=\"ctl\">{name}</span>b")
            );
        }
    }

    #[test]
    fn markup_escapes_and_tells_what_is_written_out_from_what_looks_so() {
        assert_eq!(
            markup("</pre><img src=\"x\" alt='&'>"),
            "&#60;/pre&#62;&#60;img src=&#34;x&#34; alt=&#39;&#38;&#39;&#62;"
        );
        // One mark for what stands together, also at the end.
        assert_eq!(
            markup("\u{202e}\u{1b}x⟨U+202E⟩\u{0}"),
            "<span class=\"ctl\">⟨U+202E⟩␛</span>x⟨U+202E⟩<span class=\"ctl\">␀</span>"
        );
        assert_eq!(
            isolated("\u{2067}<b>"),
            "<bdi><span class=\"ctl\">⟨U+2067⟩</span>&#60;b&#62;</bdi>"
        );
        assert_eq!(markup(""), "");
    }

    #[test]
    fn joiners_stay_where_they_join_and_are_named_where_they_hide() {
        assert_eq!(visible("می\u{200c}خواهم"), "می\u{200c}خواهم");
        assert_eq!(visible("ad\u{200d}min\u{200c}"), "ad⟨U+200D⟩min⟨U+200C⟩");
        assert_eq!(visible("\u{200d}"), "⟨U+200D⟩");
        assert_eq!(markup("العربية עברית e\u{301}"), "العربية עברית e\u{301}");
    }

    #[test]
    fn long_texts_are_folded_at_a_character() {
        let text = "é".repeat(LONG + 3);
        let long = fold(&text);
        assert_eq!(long.shown.chars().count(), LONG);
        assert_eq!(long.rest.as_deref(), Some("ééé"));
        assert_eq!(fold("short").rest, None);
        // What was not read is said, beside what is folded.
        let long = fold_start(&"é".repeat(MOST + 5));
        let rest = long.rest.unwrap();
        assert_eq!(rest.chars().count(), MOST - LONG);
        assert_eq!(
            long.cut.as_deref(),
            Some("cut: 20,000 of 20,005 characters")
        );
        assert_eq!(fold_start(&text), fold(&text));
        assert_eq!(fold_read("abc", 3), fold("abc"));
        assert_eq!(cut("abc", 4).as_deref(), Some("cut: 3 of 4 characters"));
        assert_eq!(line("a\nb", 9), "a b");
        assert_eq!(line("abcdef", 3), "abc…");
        assert_eq!(
            (line("\u{202e}b", 9), start("\u{202e}b", 9)),
            ("⟨U+202E⟩b".into(), "\u{202e}b".into())
        );
    }
}
