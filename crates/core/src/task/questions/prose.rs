//! Which parts of a free text are no prose: code, formulas, and, where it thinks between tags,
//! everything else. They are of no language, and are left out before letters are counted.

use std::ops::Range;

const BEGIN: &str = "<think>";
const END: &str = "</think>";
const FENCE: &[u8] = b"```";

/// In order, none over another.
pub(super) fn left_out(text: &str) -> Vec<Range<usize>> {
    let thought = thought(text);
    let bytes = &text.as_bytes()[..thought.end];
    let mut found = vec![];
    let mut at = thought.start;
    // What begins and ends such a part is ASCII: no cut falls into a character.
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (length, step) = match rest[0] {
            b'`' => (code(rest), run(rest)),
            b'$' => (dollars(rest), run(rest)),
            b'\\' => (bracketed(rest), 2),
            _ => (None, 1),
        };
        if let Some(length) = length {
            found.push(at..at + length);
        }
        at += length.unwrap_or(step);
    }
    let before = std::iter::once(0..thought.start);
    let all = before
        .chain(found)
        .chain(std::iter::once(thought.end..text.len()));
    all.filter(|range| !range.is_empty()).collect()
}

/// What stands between the tags. The prompt may have begun it, and it may have no end.
fn thought(text: &str) -> Range<usize> {
    let from = text.find(BEGIN).map_or(0, |at| at + BEGIN.len());
    let to = text[from..].find(END).map(|length| from + length);
    from..to.unwrap_or(text.len())
}

/// How often the first byte stands there.
fn run(of: &[u8]) -> usize {
    of.iter().take_while(|byte| **byte == of[0]).count()
}

/// A fenced block, to the text's end where it has none, or code within a line.
fn code(of: &[u8]) -> Option<usize> {
    if !of.starts_with(FENCE) {
        let width = run(of);
        let line = of[width..].iter().take_while(|byte| **byte != b'\n');
        let inner = line.take_while(|byte| **byte != b'`').count();
        let to = width + inner;
        let closes = inner > 0 && of.get(to) == Some(&b'`');
        return closes.then(|| to + run(&of[to..]));
    }
    let from = run(of);
    let mut parts = of[from..].windows(FENCE.len());
    Some(match parts.position(|part| part == FENCE) {
        Some(inner) => from + inner + run(&of[from + inner..]),
        None => of.len(),
    })
}

/// A formula between single or double dollars, in one paragraph. As in print, a single one
/// clings to what it holds and is followed by no digit: the rest are amounts of money.
fn dollars(of: &[u8]) -> Option<usize> {
    let width = run(of);
    let to = width + closing(&of[width..])?;
    let inner = &of[width..to];
    let end = to + width;
    let closes = match width {
        1 => {
            let is_tight = |byte: Option<&u8>| byte.is_some_and(|b| !b.is_ascii_whitespace());
            let is_amount = of.get(end).is_some_and(u8::is_ascii_digit);
            is_tight(inner.first()) && is_tight(inner.last()) && !is_amount
        }
        2 => run(&of[to..]) >= 2,
        _ => false,
    };
    closes.then_some(end)
}

/// The next dollar of the paragraph that is not written `\$`.
fn closing(of: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < of.len() {
        match of[at] {
            b'\\' => at += 1,
            b'$' => return Some(at),
            b'\n' if of.get(at + 1) == Some(&b'\n') => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// `\(..\)` or `\[..\]`, neither in the other, in one paragraph.
fn bracketed(of: &[u8]) -> Option<usize> {
    let close = match of.get(1)? {
        b'(' => b')',
        b'[' => b']',
        _ => return None,
    };
    let mut at = 2;
    while at + 1 < of.len() {
        match (of[at], of[at + 1]) {
            (b'\\', next) if next == close => return Some(at + 2),
            (b'\\', b'(' | b'[' | b')' | b']') | (b'\n', b'\n') => return None,
            (b'\\', _) => at += 2,
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of it.
    fn prose(text: &str) -> String {
        let mut out = String::new();
        let mut from = 0;
        for range in left_out(text) {
            assert!(from <= range.start && range.start < range.end, "{text}");
            out.push_str(&text[from..range.start]);
            from = range.end;
        }
        out.push_str(&text[from..]);
        out
    }

    #[test]
    fn code_is_left_out_and_so_is_a_block_without_an_end() {
        for (text, left) in [
            ("a `b c` d", "a  d"),
            ("a ``b`` c", "a  c"),
            ("a\n```python\nb = 1\n```\nc", "a\n\nc"),
            ("a ```b\nc", "a "),
            // One that does not close in its line is none.
            ("it`s a\nb` c", "it`s a\nb` c"),
            ("a `", "a `"),
            ("a `` b", "a `` b"),
        ] {
            assert_eq!(prose(text), left, "{text}");
        }
    }

    #[test]
    fn formulas_are_left_out_and_money_is_not() {
        for (text, left) in [
            ("so $ab = c$.", "so ."),
            ("so $$ab\n= c$$.", "so ."),
            (r"so \(ab\), \[cd\].", "so , ."),
            (r"so $a\$b$.", "so ."),
            ("from $5 to $6", "from $5 to $6"),
            ("it is 5 $ or 6 $", "it is 5 $ or 6 $"),
            ("a $b\n\nc$ d", "a $b\n\nc$ d"),
            (r"a \(b\n", r"a \(b\n"),
            (r"a \(b \(c\)", r"a \(b "),
            ("$$$a$$$", "$$$a$$$"),
            ("a \\", "a \\"),
            ("$", "$"),
        ] {
            assert_eq!(prose(text), left, "{text}");
        }
    }

    #[test]
    fn of_a_text_that_thinks_between_tags_the_thought_is_left() {
        for (text, left) in [
            ("a<think>b</think>c<think>d</think>", "b"),
            ("b</think>c", "b"),
            ("a<think>b `c", "b `c"),
            // Code that is open where the thought ends does not go on behind it.
            ("<think>a ```b</think>c", "a "),
            ("<think></think>", ""),
            ("\u{8fd8}\u{5269}", "\u{8fd8}\u{5269}"),
            ("", ""),
        ] {
            assert_eq!(prose(text), left, "{text}");
        }
    }
}
