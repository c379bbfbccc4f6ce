//! Text in charts: escaping, and widths from our own table, so that the layout
//! is the same on every machine, with or without fonts.

use super::Fate;
use assay_core::unseen::is_unseen;

/// For XML text and attributes. Characters that XML forbids become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            // Joiners belong into emoji and many scripts.
            '\u{200c}' | '\u{200d}' => out.push(c),
            // What cannot be seen could disguise what stands beside it.
            c if c.is_control() || is_unseen(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}');
            }
            c => out.push(c),
        }
    }
    out
}

/// Width of a character in em, a little on the wide side.
fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.33,
        ' ' | 'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' | '/' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        '0'..='9' => 0.62,
        'a'..='z' => 0.6,
        'A'..='Z' => 0.7,
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0.0,
        '\u{2e80}'.. => 1.1,
        _ => 0.65,
    }
}

/// Width in the unit of `size`.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

/// The text, or as much of its start as fits with an ellipsis.
pub fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_string();
    }
    let mut used = width("…", size);
    let mut out = String::new();
    for c in text.chars() {
        used += em(c) * size;
        if used > room {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// What the registered rule calls an arm stands at the end of its label.
pub const UNSUCCESSFUL: &str = " (unsuccessful)";

/// Before its name.
const CROSS: &str = "× ";

impl Fate {
    /// An arm's label in a chart: a finding is never told by a colour or a dash alone.
    pub fn label(self, name: &str) -> String {
        match self {
            Self::Ordinary => name.into(),
            Self::Unsuccessful => format!("{CROSS}{name}{UNSUCCESSFUL}"),
        }
    }

    /// The name in such a label, for tables in which the finding has a column of its own.
    pub fn name(self, label: &str) -> &str {
        let name = label.strip_prefix(CROSS);
        match self {
            Self::Ordinary => label,
            Self::Unsuccessful => name
                .and_then(|name| name.strip_suffix(UNSUCCESSFUL))
                .unwrap_or(label),
        }
    }
}

/// An arm's label in its room: a name may be cut, a finding never.
pub fn fit_label(label: &str, size: f64, room: f64) -> String {
    match label.strip_suffix(UNSUCCESSFUL) {
        Some(name) if width(label, size) > room => {
            fit(name, size, room - width(UNSUCCESSFUL, size)) + UNSUCCESSFUL
        }
        Some(_) | None => fit(label, size, room),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_leave_its_place() {
        assert_eq!(
            escape("<b a=\"'&\u{1}\u{202e}"),
            "&lt;b a=&quot;&#39;&amp;\u{fffd}\u{fffd}"
        );
        assert_eq!(
            escape("a\u{61c}\u{ad}\u{e0041}\u{1f469}\u{200d}\u{1f466}"),
            "a\u{fffd}\u{fffd}\u{fffd}\u{1f469}\u{200d}\u{1f466}"
        );
    }

    #[test]
    fn a_label_says_what_the_rule_calls_an_arm_and_gives_its_name_back() {
        for name in ["SFT", "× SFT (unsuccessful)", ""] {
            let label = Fate::Unsuccessful.label(name);
            assert_eq!(label, format!("× {name} (unsuccessful)"));
            assert_eq!(Fate::Unsuccessful.name(&label), name);
            assert_eq!(Fate::Ordinary.label(name), name);
            assert_eq!(Fate::Ordinary.name(name), name);
        }
        assert_eq!(Fate::Unsuccessful.name("SFT"), "SFT");
    }

    #[test]
    fn text_is_cut_to_its_room() {
        let long = "x".repeat(200);
        assert!(width(&fit(&long, 12.0, 100.0), 12.0) <= 100.0);
        assert_eq!(fit("short", 12.0, 100.0), "short");
        assert_eq!(fit("", 12.0, 0.0), "");
        let label = format!("× {long}{UNSUCCESSFUL}");
        let cut = fit_label(&label, 12.0, 200.0);
        assert!(cut.starts_with("× xx") && cut.ends_with("… (unsuccessful)"));
        assert!(width(&cut, 12.0) <= 200.0);
    }
}
