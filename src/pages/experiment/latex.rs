//! LaTeX: text that compiles whatever it says.

use crate::number::{Kind, value};
use assay_core::stats::Estimate;

/// Letters of western and central Europe that LaTeX's own font lacks, though others have some.
const MISSING: &str = "ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ";

/// For text mode. Characters that LaTeX's own font lacks are named by their number. Braces
/// are written in words, for BibTeX counts them wherever they stand.
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
            '{' => out += r"\textbraceleft{}",
            '}' => out += r"\textbraceright{}",
            // A straight one is only in fonts that a paper has to ask for.
            '"' => out += r"\textquotedblright{}",
            // Two in a row would be a dash.
            '-' if out.ends_with('-') => out += "{}-",
            '&' | '%' | '$' | '#' | '_' => {
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
            ' '..='~' => out.push(c),
            '\u{c0}'..='\u{17f}' if !MISSING.contains(c) => out.push(c),
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
            let text = text.replace('−', "-").replace('%', r"\%");
            match (text.split_once('e'), text.split_once(' ')) {
                (Some((digits, power)), _) => format!(r"${digits}\cdot10^{{{power}}}$"),
                (None, Some((digits, prefix))) => format!(r"${digits}\,\mathrm{{{prefix}}}$"),
                (None, None) => format!("${text}$"),
            }
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

/// A line of a table. What stands after the end of the line before is not to be taken for
/// that one's options.
pub(in crate::pages) fn row(unsuccessful: bool, cells: &[String]) -> String {
    let first = cells.first().map_or("", |cell| cell.trim_start());
    let before = match (unsuccessful, first.starts_with(['[', '*'])) {
        (true, _) => "$\\times$ ",
        (false, true) => "{}",
        (false, false) => "",
    };
    format!("{before}{} \\\\\n", cells.join(" & "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_run_anything() {
        assert_eq!(
            escape(r"\input{/etc/passwd} 50% & $x_1$ #~^"),
            r"\textbackslash{}input\textbraceleft{}/etc/passwd\textbraceright{} 50\% \& \$x\_1\$ \#\textasciitilde{}\textasciicircum{}"
        );
        assert_eq!(escape("a\u{1}b\nc🦀"), "ab c[U+1F980]");
        assert_eq!(escape("\u{202e}é × −1"), r"[U+202E]é $\times$ $-$1");
        assert_eq!(
            escape("--no \"x\" <Łą> |"),
            r"-{}-no \textquotedblright{}x\textquotedblright{} \textless{}Ł[U+0105]\textgreater{} \textbar{}"
        );
    }

    #[test]
    fn numbers_stand_in_math() {
        assert_eq!(number("−0.250"), "$-0.250$");
        assert_eq!(number("1.20 T"), r"$1.20\,\mathrm{T}$");
        assert_eq!(number("−1.23e-5"), r"$-1.23\cdot10^{-5}$");
        assert_eq!(number("–"), "--");
        assert_eq!(number("not a number"), "not a number");
    }

    #[test]
    fn a_label_does_not_become_an_option_of_the_line_before() {
        let line = |label: &str| row(false, &[escape(label), "1".into()]);
        assert_eq!(line("plain"), "plain & 1 \\\\\n");
        assert_eq!(line("[2cm] up"), "{}[2cm] up & 1 \\\\\n");
        assert_eq!(line("* star"), "{}* star & 1 \\\\\n");
        assert_eq!(line(" \u{202e}"), "{} [U+202E] & 1 \\\\\n");
        assert_eq!(row(true, &["[a]".into()]), "$\\times$ [a] \\\\\n");
        assert_eq!(row(false, &[]), " \\\\\n");
    }
}
