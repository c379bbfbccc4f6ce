//! LaTeX: text that compiles whatever it says.

use crate::number::{Kind, value};
use assay_core::stats::Estimate;

/// For text mode. Characters that no common font of LaTeX has are named by their number.
pub(in crate::pages) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out += r"\textbackslash{}",
            '~' => out += r"\textasciitilde{}",
            '^' => out += r"\textasciicircum{}",
            '<' => out += r"\textless{}",
            '>' => out += r"\textgreater{}",
            '|' => out += r"\textbar{}",
            '"' => out += r"\textquotedbl{}",
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '×' => out += r"$\times$",
            '±' => out += r"$\pm$",
            '−' => out += "$-$",
            '≤' => out += r"$\le$",
            '∞' => out += r"$\infty$",
            '–' => out += "--",
            '…' => out += r"\dots{}",
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_control() => {}
            // Letters of western and central Europe.
            ' '..='~' | '\u{c0}'..='\u{17f}' => out.push(c),
            c => out += &format!("[U+{:04X}]", u32::from(c)),
        }
    }
    out
}

/// A number as it is written on pages, for math mode.
pub(in crate::pages) fn number(text: &str) -> String {
    match text {
        "∞" => r"$\infty$".into(),
        "−∞" => r"$-\infty$".into(),
        text if text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '−') => {
            format!(
                "${}$",
                text.replace('−', "-")
                    .replace('%', r"\%")
                    .replace(' ', r"\,")
            )
        }
        other => escape(other),
    }
}

/// A mean as it is written, with half of its interval.
pub(in crate::pages) fn estimate(kind: Kind, mean: &str, of: &Estimate) -> String {
    match of.interval {
        Some(i) => format!(
            "{} $\\pm$ {}",
            number(mean),
            number(&value(kind, (i.high - i.low) / 2.0))
        ),
        None => number(mean),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_run_anything() {
        assert_eq!(
            escape(r"\input{/etc/passwd} 50% & $x_1$ #~^"),
            r"\textbackslash{}input\{/etc/passwd\} 50\% \& \$x\_1\$ \#\textasciitilde{}\textasciicircum{}"
        );
        assert_eq!(escape("a\u{1}b\nc🦀"), "ab c[U+1F980]");
        assert_eq!(escape("\u{202e}é × −1"), r"[U+202E]é $\times$ $-$1");
    }

    #[test]
    fn numbers_stand_in_math() {
        assert_eq!(number("−0.250"), "$-0.250$");
        assert_eq!(number("1.20 T"), r"$1.20\,T$");
        assert_eq!(number("–"), "--");
    }
}
