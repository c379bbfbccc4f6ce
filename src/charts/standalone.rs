//! A chart as a file of its own: the page's rules inside it, and what is said of it below.

use super::backend::{TEXT, UNIT};
use super::text::{escape, width};
use std::fmt::Write;
use std::sync::LazyLock;

const CSS: &str = include_str!("../../static/app.css");

/// Which colours a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Light, or dark where the reader prefers it.
    Both,
    /// Light, every colour in its place: for renderers without custom properties.
    Light,
}

/// Text between two marks.
fn between(from: &str, to: &str) -> &'static str {
    let start = CSS.find(from).map_or(CSS.len(), |at| at + from.len());
    let rest = &CSS[start..];
    &rest[..rest.find(to).unwrap_or(0)]
}

/// Custom properties of a theme: their names and values.
fn tokens(of: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    of.split(';')
        .filter_map(|pair| pair.trim().split_once(':'))
        .filter(|(name, _)| name.starts_with("--"))
}

fn block(of: &'static str) -> String {
    tokens(of)
        .map(|(name, value)| format!("{name}:{value};"))
        .collect()
}

/// The rules of charts and colour slots, as the pages have them.
static RULES: LazyLock<String> = LazyLock::new(|| {
    let of_charts =
        |line: &&str| (line.starts_with("svg ") || line.starts_with(".c1{")) && line.ends_with('}');
    let rules: Vec<&str> = CSS.lines().filter(of_charts).collect();
    format!(
        "svg text{{font-family:\"DejaVu Sans\",system-ui,sans-serif}}\n{}\nsvg{{color:var(--fg)}}\nsvg .paper{{fill:var(--bg);stroke:none}}",
        rules.join("\n")
    )
});

fn style(theme: Theme) -> String {
    let light = between(":root{", "}");
    match theme {
        Theme::Both => format!(
            ":root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}}}\n{}",
            block(light),
            block(between("(prefers-color-scheme:dark){:root{", "}")),
            *RULES
        ),
        Theme::Light => tokens(light).fold(RULES.clone(), |rules, (name, value)| {
            rules.replace(&format!("var({name})"), value)
        }),
    }
}

const GAP: f64 = 10.0;
const LINE: f64 = 16.0;

/// `drawn` as the charts make it; `foot` in lines of its own below, broken where too long.
pub fn standalone(drawn: &str, foot: &[String], theme: Theme) -> String {
    let Some((head, body)) = drawn.split_once('>') else {
        return String::new();
    };
    let number = |name: &str| -> f64 {
        let from = head
            .find(&format!(" {name}=\""))
            .map_or(0, |at| at + name.len() + 3);
        head[from..]
            .split('"')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0.0)
    };
    let (wide, high) = (number("width"), number("height"));
    let lines: Vec<String> = foot
        .iter()
        .flat_map(|line| broken(line, wide - 2.0 * GAP))
        .collect();
    let total = high + lines.len() as f64 * LINE + 2.0 * GAP;
    let unit = f64::from(UNIT);
    let label = head
        .split_once("aria-label=\"")
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or_default();
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{wide}" height="{total}" role="img" aria-label="{label}"><title>{label}</title><desc>{}</desc><style>{}</style><path class="paper" d="M0 0h{}v{}h-{}z"/>"#,
        wide * unit,
        total * unit,
        escape(&foot.join(" ")),
        escape_style(&style(theme)),
        wide * unit,
        total * unit,
        wide * unit,
    );
    out += body.strip_suffix("</svg>").unwrap_or(body);
    for (i, line) in lines.iter().enumerate() {
        let _ = write!(
            out,
            r#"<text class="tx at" x="{}" y="{}">{}</text>"#,
            GAP * unit,
            (high + GAP + (i as f64 + 0.8) * LINE) * unit,
            escape(line)
        );
    }
    out + "</svg>"
}

/// Style sheets hold `>` and quotation marks, never markup.
fn escape_style(css: &str) -> String {
    css.replace('&', "&amp;").replace('<', "&lt;")
}

/// At spaces, so that each line fits; a word longer than a line goes on in the next.
fn broken(text: &str, room: f64) -> Vec<String> {
    let mut out = vec![];
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && width(&format!("{line} {word}"), TEXT) > room {
            out.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if !line.is_empty() && width(&line, TEXT) + width(&c.to_string(), TEXT) > room {
                out.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    out.push(line);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWN: &str = r#"<svg class="plot" viewBox="0 0 1000 500" width="100" height="50" role="img" aria-label="a &gt; b"><path class="ln" d="M0 0"/></svg>"#;

    #[test]
    fn a_file_has_the_pages_rules_in_both_themes() {
        let file = standalone(DRAWN, &["Basis: <equal> compute".into()], Theme::Both);
        for part in [
            "xmlns=\"http://www.w3.org/2000/svg\"",
            "prefers-color-scheme:dark",
            "--c1:#386bfa",
            "--c1:#84a9f9",
            "svg .ln{",
            ".c8{color:var(--c8)}",
            "svg .fail",
            "&lt;equal&gt;",
            "aria-label=\"a &gt; b\"",
        ] {
            assert!(file.contains(part), "{part} in {file}");
        }
        assert_eq!(file.matches("<svg").count(), 1);
        let light = standalone(DRAWN, &[], Theme::Light);
        assert!(!light.contains("var(--") && light.contains("#386bfa"));
        assert!(!light.contains("#84a9f9"));
    }

    #[test]
    fn long_lines_are_broken_and_nothing_is_lost() {
        let text = "one two three four five six seven";
        let lines = broken(text, 100.0);
        assert!(lines.len() > 1 && lines.iter().all(|l| width(l, TEXT) <= 100.0));
        assert_eq!(lines.join(" "), text);
        let hash = broken(&"0f".repeat(32), 100.0);
        assert!(hash.len() > 2 && hash.concat() == "0f".repeat(32));
    }
}
