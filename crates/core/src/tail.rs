//! The last lines of what an attempt prints: bounded where they are written and where they
//! arrive, and with nothing in them that a terminal would obey.

use std::collections::VecDeque;

/// Lines that are kept.
pub const LINES: usize = 200;
/// Bytes that are kept, of all lines together.
pub const BYTES: usize = 16 << 10;

/// Fills at the end and loses its front.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    /// Something was added since [`Tail::news`] last said so.
    is_new: bool,
}

impl Tail {
    /// Of many lines at once.
    pub fn of<T: AsRef<str>>(lines: &[T]) -> Self {
        let mut tail = Self::default();
        let from = lines.len().saturating_sub(LINES);
        for line in &lines[from..] {
            tail.push(line.as_ref());
        }
        tail
    }

    /// One line more; of one that is too long the end is kept.
    pub fn push(&mut self, line: &str) {
        let line = harmless(end(line));
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > LINES || self.bytes > BYTES {
            let Some(first) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= first.len();
        }
        self.is_new = true;
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }

    /// All lines, where one has come since this was last asked.
    pub fn news(&mut self) -> Option<Vec<String>> {
        std::mem::take(&mut self.is_new).then(|| self.lines())
    }

    /// The news did not arrive: they are news again.
    pub fn unsaid(&mut self) {
        self.is_new = true;
    }
}

/// At most a third of all that is kept: what stands for a control character has three bytes.
fn end(line: &str) -> &str {
    let mut from = line.len().saturating_sub(BYTES / 3);
    while !line.is_char_boundary(from) {
        from += 1;
    }
    &line[from..]
}

/// Control characters as their pictures (U+2400 ff.), others that have none as U+FFFD.
fn harmless(line: &str) -> String {
    let picture = |c: char| match c {
        '\t' => c,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    line.chars().map(picture).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(of: &[String]) -> usize {
        of.iter().map(String::len).sum()
    }

    #[test]
    fn it_keeps_the_last_lines_and_loses_its_front() {
        let mut tail = Tail::default();
        for n in 0..LINES + 7 {
            tail.push(&format!("line {n}"));
        }
        let lines = tail.lines();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[0], "line 7");
        assert_eq!(lines[LINES - 1], format!("line {}", LINES + 6));
        assert_eq!(tail.bytes, size(&lines));
    }

    #[test]
    fn it_never_holds_more_bytes_than_its_bound() {
        let mut tail = Tail::default();
        for n in 0..100 {
            tail.push(&"é".repeat(100 * n));
            assert!(size(&tail.lines()) <= BYTES && !tail.lines().is_empty());
            assert_eq!(tail.bytes, size(&tail.lines()));
        }
        // A megabyte without a line's end; of it the end stays.
        tail.push(&format!("{}here", "\u{1b}".repeat(1 << 20)));
        assert!(tail.lines().last().unwrap().ends_with("␛here"));
        assert!(size(&tail.lines()) <= BYTES);
        let sent = vec!["x".repeat(1 << 20); 300];
        assert!(size(&Tail::of(&sent).lines()) <= BYTES);
    }

    #[test]
    fn control_characters_are_pictures_and_what_is_clean_stays_as_it_is() {
        let line = "a\u{0}b\u{1b}[31m\r\u{7f}\u{85}\tπ <b>";
        let kept = Tail::of(&[line]).lines();
        assert_eq!(kept, ["a␀b␛[31m␍␡\u{fffd}\tπ <b>"]);
        assert_eq!(Tail::of(&kept).lines(), kept);
    }

    #[test]
    fn news_are_told_once_unless_they_did_not_arrive() {
        let mut tail = Tail::default();
        assert_eq!(tail.news(), None);
        tail.push("one");
        assert_eq!(tail.news(), Some(vec!["one".into()]));
        assert_eq!(tail.news(), None);
        tail.unsaid();
        assert_eq!(tail.news(), Some(vec!["one".into()]));
        tail.push("two");
        assert_eq!(tail.news().map(|lines| lines.len()), Some(2));
    }
}
