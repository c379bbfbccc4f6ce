//! Where a text has formulas: `$..$`, `$$..$$`, `\(..\)`, `\[..\]`, and `\boxed{..}` by
//! itself, the form in which many models answer. Every rule reads the text once.

/// A part of a text; joined, the parts are the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span<'a> {
    Text(&'a str),
    Formula(Formula<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Formula<'a> {
    /// With what delimits it.
    pub whole: &'a str,
    pub inner: &'a str,
    pub display: bool,
}

/// Boxes without an end that are looked for in one text, each up to its paragraph's end.
const OPEN_BOXES: u32 = 8;
const BOX: &str = "\\boxed{";

pub(super) fn spans(text: &str) -> Vec<Span<'_>> {
    let bytes = text.as_bytes();
    let mut out = vec![];
    let (mut at, mut from, mut boxes) = (0, 0, OPEN_BOXES);
    // All delimiters are ASCII: no cut falls into a character.
    while at < bytes.len() {
        let (found, step) = match bytes[at] {
            b'$' => (dollars(text, at), run(bytes, at)),
            b'\\' => (command(text, at, &mut boxes), 2),
            _ => (None, 1),
        };
        let Some(formula) = found else {
            at += step;
            continue;
        };
        if from < at {
            out.push(Span::Text(&text[from..at]));
        }
        out.push(Span::Formula(formula));
        at += formula.whole.len();
        from = at;
    }
    if from < text.len() {
        out.push(Span::Text(&text[from..]));
    }
    out
}

/// One dollar, or two.
fn run(bytes: &[u8], at: usize) -> usize {
    1 + usize::from(bytes.get(at + 1) == Some(&b'$'))
}

/// A formula between dollars, unless they are more likely money.
fn dollars(text: &str, at: usize) -> Option<Formula<'_>> {
    let bytes = text.as_bytes();
    let width = run(bytes, at);
    let from = at + width;
    let to = dollar(bytes, from)?;
    let inner = &text[from..to];
    let display = width == 2;
    let closes = if display {
        run(bytes, to) == 2 && !inner.trim().is_empty()
    } else {
        let tight =
            !inner.starts_with(char::is_whitespace) && !inner.ends_with(char::is_whitespace);
        let amount = bytes.get(to + 1).is_some_and(u8::is_ascii_digit);
        !inner.is_empty() && tight && !amount && !is_money(inner)
    };
    closes.then(|| Formula {
        whole: &text[at..to + width],
        inner,
        display,
    })
}

/// The next dollar in the same paragraph that is not written `\$`.
fn dollar(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'$' => return Some(at),
            b'\n' if bytes.get(at + 1) == Some(&b'\n') => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// "5/person, or 10": it begins with an amount, and has words that stand in no braces.
fn is_money(inner: &str) -> bool {
    let amount = inner.trim_start_matches(['-', '+']);
    if !amount.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let mut depth = 0_i32;
    inner.split_whitespace().any(|token| {
        let outside = depth == 0;
        for c in token.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
        }
        let word = token.trim_matches([',', '.', ';', ':', '!', '?', '(', ')']);
        let letters = word.chars().all(|c| c.is_ascii_alphabetic());
        let short = ["or", "to", "is", "in", "at", "of", "on"];
        outside && letters && (word.len() > 2 || short.contains(&word))
    })
}

fn command<'a>(text: &'a str, at: usize, boxes: &mut u32) -> Option<Formula<'a>> {
    match text.as_bytes().get(at + 1)? {
        b'(' => bracketed(text, at, b')'),
        b'[' => bracketed(text, at, b']'),
        b'b' if *boxes > 0 && text[at..].starts_with(BOX) => {
            let found = boxed(text, at);
            *boxes -= u32::from(found.is_none());
            found
        }
        _ => None,
    }
}

/// `\(..\)` or `\[..\]`, neither in the other.
fn bracketed(text: &str, at: usize, close: u8) -> Option<Formula<'_>> {
    let bytes = text.as_bytes();
    let from = at + 2;
    let mut to = from;
    while to < bytes.len() {
        match (bytes[to], bytes.get(to + 1)) {
            (b'\\', Some(next)) if *next == close => {
                let inner = &text[from..to];
                let whole = &text[at..to + 2];
                return (!inner.trim().is_empty()).then_some(Formula {
                    whole,
                    inner,
                    display: close == b']',
                });
            }
            (b'\\', Some(b'(' | b'[')) | (b'\n', Some(b'\n')) => return None,
            (b'\\', _) => to += 2,
            _ => to += 1,
        }
    }
    None
}

/// A box by itself, to the brace that closes it.
fn boxed(text: &str, at: usize) -> Option<Formula<'_>> {
    let bytes = text.as_bytes();
    let (mut to, mut depth) = (at + BOX.len(), 1_usize);
    while to < bytes.len() {
        match (bytes[to], bytes.get(to + 1)) {
            (b'\n', Some(b'\n')) => return None,
            (b'\\', _) => to += 1,
            (b'{', _) => depth += 1,
            (b'}', _) => depth -= 1,
            _ => {}
        }
        to += 1;
        if depth == 0 {
            let whole = &text[at..to];
            return Some(Formula {
                whole,
                inner: whole,
                display: false,
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formulas(text: &str) -> Vec<(&str, bool)> {
        let found = spans(text);
        let joined: String = found
            .iter()
            .map(|s| match s {
                Span::Text(text) => *text,
                Span::Formula(f) => f.whole,
            })
            .collect();
        assert_eq!(joined, text, "nothing is lost");
        found
            .into_iter()
            .filter_map(|s| match s {
                Span::Text(_) => None,
                Span::Formula(f) => Some((f.inner, f.display)),
            })
            .collect()
    }

    #[test]
    fn every_delimiter_is_read() {
        let text = r"So $x^2$ and $$y_1$$, \(a+b\) or \[c \\[2pt] d\]: \boxed{\frac{1}{2}}.";
        assert_eq!(
            formulas(text),
            [
                ("x^2", false),
                ("y_1", true),
                ("a+b", false),
                (r"c \\[2pt] d", true),
                (r"\boxed{\frac{1}{2}}", false),
            ]
        );
        assert_eq!(formulas(r"$\$5 + x$"), [(r"\$5 + x", false)]);
        assert_eq!(formulas("é$é$é"), [("é", false)]);
        // A box within other delimiters is theirs.
        assert_eq!(formulas(r"$\boxed{5}$"), [(r"\boxed{5}", false)]);
    }

    #[test]
    fn money_and_stray_dollars_are_text() {
        for text in [
            "It costs $5 and $6.",
            "($5) and ($6)",
            "from $5 to$6",
            "$5-$6",
            "$5/person, and 10$ for two",
            "$100 million$",
            r"\$5 and \$6$",
            "$ x $",
            "$x",
            "$$x$",
            "$$$$",
            "$",
            "$x\n\ny$",
            "",
        ] {
            assert!(formulas(text).is_empty(), "{text}");
        }
        assert_eq!(formulas("costs $5, so $x$ is"), [("x", false)]);
        assert_eq!(formulas("$2ab$"), [("2ab", false)]);
        assert_eq!(
            formulas(r"$5 \text{ and } x$"),
            [(r"5 \text{ and } x", false)]
        );
    }

    #[test]
    fn what_does_not_end_is_text() {
        for text in [
            r"\(x",
            r"\[x",
            r"\boxed{x",
            r"\(x\]",
            r"\(\)",
            "\\",
            r"\\(x\\)",
        ] {
            assert!(formulas(text).is_empty(), "{text}");
        }
        // The inner one ends, the outer does not.
        assert_eq!(formulas(r"\(a \(b\)"), [("b", false)]);
        assert_eq!(formulas(r"\boxed{\boxed{5}"), [(r"\boxed{5}", false)]);
    }

    #[test]
    fn a_megabyte_of_delimiters_is_read_in_passing() {
        for unit in [
            "$", "$ ", "$a ", "$$", r"\(", r"\[", r"\boxed{", r"\", "\\é", "{$",
        ] {
            let text = unit.repeat((1 << 20) / unit.len());
            let length: usize = spans(&text)
                .iter()
                .map(|s| match s {
                    Span::Text(text) => text.len(),
                    Span::Formula(f) => f.whole.len(),
                })
                .sum();
            assert_eq!(length, text.len(), "{unit}");
        }
    }
}
