//! A formula as it is given to the converter, within bounds that keep its recursion small.

use crate::pages::text;

/// Characters of one formula.
pub(super) const LONGEST: usize = 4_000;
/// Braces, pairs of delimiters and environments within each other.
pub(super) const DEEPEST: usize = 100;
/// Each may be the argument of the one before it.
pub(super) const COMMANDS: usize = 1_000;

/// `None`: it is left as it is written.
pub(super) fn prepared(inner: &str) -> Option<String> {
    // What cannot be seen stays written out.
    if inner.chars().nth(LONGEST).is_some() || text::visible(inner) != inner {
        return None;
    }
    let mut out = String::with_capacity(inner.len() + 16);
    let (mut depth, mut commands) = (0_usize, 0_usize);
    let mut rest = inner;
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(length(first, rest));
        rest = after;
        commands += usize::from(first == '\\');
        match token {
            // A comment would hide what follows; the other is taken, see below.
            "%" | "\\bcancel" => return None,
            "{" | "\\begin" | "\\left" => depth += 1,
            "}" | "\\end" | "\\right" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST || commands > COMMANDS {
            return None;
        }
        // The converter knows no boxes. It takes a struck out term in their place, and
        // `allowed` draws that as a box.
        out.push_str(if token == "\\boxed" {
            "\\bcancel"
        } else {
            token
        });
    }
    Some(out)
}

/// Bytes of a command with its name, or of one character.
fn length(first: char, rest: &str) -> usize {
    if first != '\\' {
        return first.len_utf8();
    }
    let name = &rest[1..];
    match name.bytes().take_while(u8::is_ascii_alphabetic).count() {
        0 => 1 + name.chars().next().map_or(0, char::len_utf8),
        letters => 1 + letters,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_rewritten_and_everything_else_is_as_it_was() {
        let same = r"\frac{1}{2} \{ \% \leftarrow \\ é \\boxed";
        assert_eq!(prepared(same).as_deref(), Some(same));
        let found = prepared(r"\boxed{5}\boxed x\boxedx");
        assert_eq!(found.as_deref(), Some(r"\bcancel{5}\bcancel x\boxedx"));
        assert_eq!(prepared("\\").as_deref(), Some("\\"));
        assert_eq!(prepared(""), Some(String::new()));
    }

    #[test]
    fn what_is_beyond_the_bounds_or_hides_something_is_left() {
        let nested = |open: &str, close: &str, n| open.repeat(n) + "x" + &close.repeat(n);
        for (open, close) in [
            ("{", "}"),
            (r"\left(", r"\right)"),
            (r"\begin{matrix}", r"\end{matrix}"),
        ] {
            assert!(
                prepared(&nested(open, close, DEEPEST / 2)).is_some(),
                "{open}"
            );
            assert_eq!(prepared(&nested(open, close, DEEPEST + 1)), None, "{open}");
        }
        // Escaped braces do not nest.
        assert!(prepared(&r"\{".repeat(DEEPEST + 1)).is_some());
        assert!(prepared(&"x".repeat(LONGEST)).is_some());
        assert_eq!(prepared(&"x".repeat(LONGEST + 1)), None);
        assert_eq!(prepared(&"é".repeat(LONGEST + 1)), None);
        assert_eq!(prepared(&r"\a".repeat(COMMANDS + 1)), None);
        for hidden in ["x % y", "x\u{202e}y", "x\u{0}", "x\u{200b}", r"\bcancel{x}"] {
            assert_eq!(prepared(hidden), None, "{hidden:?}");
        }
    }
}
