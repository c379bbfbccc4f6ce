//! Formulas in texts of models, set as MathML where a reader asks for it. The texts are
//! hostile until shown otherwise: what is long, deep, hidden or not understood stays as it
//! is written, and whatever the converter writes passes through `allowed`.

mod allowed;
mod source;
mod spans;

use super::text;
use math_core::{LatexToMathML, MathDisplay};
use spans::Span;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Formulas of one text and of one page, and the bytes of what they become.
const IN_TEXT: usize = 200;
const ON_PAGE: usize = 2_000;
const BYTES: usize = 512 << 10;
/// The converter calls itself for every argument: room for as many as `source` lets through.
const STACK: usize = 64 << 20;

/// A text on its way to a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Words(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A formula: MathML out of `allowed`, and how many characters stood there.
    Set {
        mathml: String,
        characters: usize,
    },
    /// A formula that is left as it is written.
    Left(String),
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        let parts = (!text.is_empty()).then(|| Part::Text(text.into()));
        Self(parts.into_iter().collect())
    }
}

impl Words {
    pub fn html(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(of) => text::markup(of),
            Part::Set { mathml, .. } => mathml.clone(),
            Part::Left(of) => format!("<code>{}</code>", text::markup(of)),
        };
        self.0.iter().map(part).collect()
    }

    pub fn is_set(&self) -> bool {
        self.0.iter().any(|p| matches!(p, Part::Set { .. }))
    }

    /// What is shown at once and what is folded, as `text::fold`, but between formulas.
    pub fn fold(self) -> (Self, Option<Self>) {
        let (mut shown, mut rest) = (vec![], vec![]);
        let mut room = text::LONG;
        for part in self.0 {
            if !rest.is_empty() {
                rest.push(part);
                continue;
            }
            let characters = match &part {
                Part::Text(of) | Part::Left(of) => of.chars().count(),
                Part::Set { characters, .. } => *characters,
            };
            if characters <= room {
                room -= characters;
                shown.push(part);
            } else if let Part::Text(of) = part {
                let at = of.char_indices().nth(room).map_or(of.len(), |(at, _)| at);
                let (before, after) = of.split_at(at);
                if !before.is_empty() {
                    shown.push(Part::Text(before.into()));
                }
                rest.push(Part::Text(after.into()));
            } else {
                rest.push(part);
            }
        }
        let rest = (!rest.is_empty()).then_some(Self(rest));
        (Self(shown), rest)
    }
}

/// Sets the formulas of one page; there is none but within [`typeset`].
#[derive(Debug)]
pub(super) struct Typesetter {
    converter: LatexToMathML,
    /// Formulas seen, and of them those that were set.
    seen: usize,
    set: usize,
    bytes: usize,
}

/// All formulas of one page, on one stack that is large enough for the deepest; `None` where
/// the work has stopped in a panic or there is no such stack. It blocks until the work is done.
pub(super) fn typeset<T: Send>(work: impl FnOnce(Typesetter) -> T + Send) -> Option<T> {
    let begun = move || {
        work(Typesetter {
            converter: LatexToMathML::default(),
            seen: 0,
            set: 0,
            bytes: 0,
        })
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("typeset".into())
            .stack_size(STACK)
            .spawn_scoped(scope, begun);
        thread.ok()?.join().ok()
    })
}

impl Typesetter {
    pub fn set(&mut self, of: &str) -> Words {
        let mut in_text = 0;
        let part = |span: Span<'_>| match span {
            Span::Text(of) => Part::Text(of.into()),
            Span::Formula(f) => {
                let within = in_text < IN_TEXT && self.seen < ON_PAGE && self.bytes < BYTES;
                in_text += 1;
                self.seen += 1;
                let latex = within.then(|| source::prepared(f.inner)).flatten();
                let found = latex.and_then(|latex| mathml(&self.converter, &latex, f.display));
                match found.filter(|mathml| self.bytes + mathml.len() <= BYTES) {
                    None => Part::Left(f.whole.into()),
                    Some(mathml) => {
                        self.set += 1;
                        self.bytes += mathml.len();
                        let characters = f.whole.chars().count();
                        Part::Set { mathml, characters }
                    }
                }
            }
        };
        Words(spans::spans(of).into_iter().map(part).collect())
    }

    /// Formulas that were set, and those that were left.
    pub fn counts(&self) -> (usize, usize) {
        (self.set, self.seen - self.set)
    }
}

fn mathml(converter: &LatexToMathML, latex: &str, display: bool) -> Option<String> {
    let display = if display {
        MathDisplay::Block
    } else {
        MathDisplay::Inline
    };
    // It has assertions of its own about what it is given.
    let read = AssertUnwindSafe(|| converter.convert_with_local_state(latex, display));
    match catch_unwind(read) {
        Ok(Ok(found)) => allowed::allowed(&found.mathml),
        Ok(Err(_)) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests;
