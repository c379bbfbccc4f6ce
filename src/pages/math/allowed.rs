//! What the converter wrote, read again and written anew: known elements with known
//! attributes and nothing else. Its words are not trusted: it passes names of operators
//! through as they are.

use crate::pages::text;
use std::fmt::Write;

/// Elements that hold elements.
pub(super) const HOLDERS: [&str; 16] = [
    "math",
    "mrow",
    "msub",
    "msup",
    "msubsup",
    "mover",
    "munder",
    "munderover",
    "mmultiscripts",
    "mprescripts",
    "msqrt",
    "mroot",
    "mfrac",
    "mspace",
    "mpadded",
    "mtable",
];
/// Rows and cells of a table, which hold elements too.
pub(super) const CELLS: [&str; 2] = ["mtr", "mtd"];
/// Elements that hold text.
pub(super) const TOKENS: [&str; 4] = ["mi", "mn", "mo", "mtext"];
/// Looks of a text, which are dropped and the text kept.
const LOOKS: [&str; 6] = ["b", "i", "em", "code", "u", "span"];
/// What stands for a box, see `source`.
const BOX: &str = "menclose";
const BOX_STROKE: &str = "menclose-downdiagonalstrike";

/// Elements within each other; a browser would cut off many more.
const DEEPEST: usize = 200;
/// Bytes of one formula.
pub(super) const LARGEST: usize = 64 << 10;
/// In units of the text's size.
const WIDEST: f32 = 20.0;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Holder,
    Token,
    Look,
}

#[derive(Clone, Copy)]
struct Element {
    name: &'static str,
    /// What it is written as; nothing of a look.
    written: &'static str,
    kind: Kind,
}

/// The same formula; `None` where anything in it is not known here.
pub(super) fn allowed(mathml: &str) -> Option<String> {
    let mut out = String::with_capacity(mathml.len());
    let mut open: Vec<Element> = vec![];
    let mut rest = mathml;
    while let Some(at) = rest.find('<') {
        words(&rest[..at], open.last(), &mut out)?;
        let end = at + rest[at..].find('>')?;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop()?;
            if last.name != name {
                return None;
            }
            if last.kind != Kind::Look {
                write!(out, "</{}>", last.written).ok()?;
            }
        } else {
            let (tag, closed) = match tag.strip_suffix('/') {
                Some(tag) => (tag, true),
                None => (tag, false),
            };
            let element = begin(tag, open.last(), closed, &mut out)?;
            if !closed {
                open.push(element);
            }
        }
        if open.len() > DEEPEST || out.len() > LARGEST {
            return None;
        }
        if open.is_empty() {
            break;
        }
    }
    (open.is_empty() && rest.is_empty() && !out.is_empty()).then_some(out)
}

/// The opening tag, where the element may stand in the one around it.
fn begin(tag: &str, around: Option<&Element>, closed: bool, out: &mut String) -> Option<Element> {
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let element = element(name)?;
    let fits = match around.map(|a| a.kind) {
        None => element.name == "math",
        Some(Kind::Holder) => element.kind != Kind::Look && element.name != "math",
        Some(Kind::Token | Kind::Look) => element.kind == Kind::Look,
    };
    if !fits {
        return None;
    }
    let attributes = pairs(attributes)?;
    if element.kind == Kind::Look {
        // Their looks are all that they have.
        let known = attributes
            .iter()
            .all(|(key, _)| ["class", "style"].contains(key));
        return known.then_some(element);
    }
    let mut classes = vec![];
    let mut kept = String::new();
    if element.name == BOX {
        if attributes != [("notation", "downdiagonalstrike")] {
            return None;
        }
        classes.push("boxed");
    } else {
        for (key, value) in attributes {
            match attribute(element.name, key, value)? {
                Kept::Attribute => write!(kept, " {key}=\"{value}\"").ok()?,
                Kept::Class(class) => classes.push(class),
                Kept::Nothing => {}
            }
        }
    }
    write!(out, "<{}{kept}", element.written).ok()?;
    if !classes.is_empty() {
        write!(out, " class=\"{}\"", classes.join(" ")).ok()?;
    }
    out.push_str(if closed { "/>" } else { ">" });
    Some(element)
}

fn element(name: &str) -> Option<Element> {
    let of = |list: &[&'static str], kind| {
        let name = list.iter().copied().find(|n| *n == name)?;
        Some(Element {
            name,
            written: name,
            kind,
        })
    };
    if name == BOX {
        return Some(Element {
            name: BOX,
            written: "mrow",
            kind: Kind::Holder,
        });
    }
    of(&HOLDERS, Kind::Holder)
        .or_else(|| of(&CELLS, Kind::Holder))
        .or_else(|| of(&TOKENS, Kind::Token))
        .or_else(|| of(&LOOKS, Kind::Look))
}

/// `key="value"`, as often as they stand there.
fn pairs(mut rest: &str) -> Option<Vec<(&str, &str)>> {
    let mut out = vec![];
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(out);
        }
        let (key, after) = rest.split_once("=\"")?;
        let (value, after) = after.split_once('"')?;
        out.push((key, value));
        rest = after;
    }
}

enum Kept {
    Attribute,
    /// What the stylesheet says instead.
    Class(&'static str),
    Nothing,
}

fn attribute(element: &str, key: &str, value: &str) -> Option<Kept> {
    let keep = |known: bool| known.then_some(Kept::Attribute);
    let flag = matches!(value, "true" | "false");
    match (element, key) {
        ("math", "display") => keep(value == "block"),
        ("mi", "mathvariant") => keep(value == "normal"),
        ("mo", "stretchy" | "movablelimits" | "symmetric" | "largeop")
        | ("mover", "accent")
        | ("munder", "accentunder") => keep(flag),
        ("mo", "form") => keep(matches!(value, "prefix" | "infix" | "postfix")),
        ("mo", "lspace" | "rspace" | "minsize" | "maxsize")
        | ("mspace", "width")
        | ("mfrac", "linethickness") => keep(is_length(value)),
        ("mfrac" | "mrow" | "mtable", "scriptlevel") => keep(matches!(value, "0" | "1" | "2")),
        ("mfrac" | "mrow" | "mtable", "displaystyle") => {
            flag.then_some(Kept::Class(if value == "true" { "ds" } else { "ts" }))
        }
        ("mrow", "class") => (value == BOX_STROKE).then_some(Kept::Nothing),
        // Rules of a table say something; colours, sizes and paddings do not.
        (_, "style") if value.contains("border") => None,
        ("mtd", "style") if value.contains("text-align: left") => Some(Kept::Class("l")),
        ("mtd", "style") if value.contains("text-align: right") => Some(Kept::Class("r")),
        (_, "style") => Some(Kept::Nothing),
        _ => None,
    }
}

/// Nothing that could reach far over what stands beside it.
fn is_length(value: &str) -> bool {
    let units = ["rem", "em", "ex"];
    let number = units.iter().find_map(|unit| value.strip_suffix(*unit));
    let number = number.unwrap_or(value);
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain && number.parse().is_ok_and(|n: f32| n <= WIDEST)
}

/// Text, only where text may stand.
fn words(of: &str, around: Option<&Element>, out: &mut String) -> Option<()> {
    match around.map(|a| a.kind) {
        None => return of.is_empty().then_some(()),
        Some(Kind::Holder) => return of.trim().is_empty().then_some(()),
        Some(Kind::Token | Kind::Look) => {}
    }
    let decoded = decoded(of)?;
    let is_operator = |c: char| ('\u{2061}'..='\u{2064}').contains(&c);
    let seen = decoded.replace(is_operator, "");
    if text::visible(&seen) != seen {
        return None;
    }
    for c in decoded.chars() {
        match c {
            '&' => out.push_str("&#38;"),
            '<' => out.push_str("&#60;"),
            '>' => out.push_str("&#62;"),
            c => out.push(c),
        }
    }
    Some(())
}

fn decoded(of: &str) -> Option<String> {
    let mut out = String::with_capacity(of.len());
    let mut rest = of;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let (name, after) = rest[at + 1..].split_once(';')?;
        out.push(match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "#39" => '\'',
            _ => return None,
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_written_anew() {
        for (given, kept) in [
            (
                "<math><msup><mi>x</mi><mn>2</mn></msup></math>",
                "<math><msup><mi>x</mi><mn>2</mn></msup></math>",
            ),
            (
                "<math display=\"block\"><mo stretchy=\"false\" lspace=\"0.2222em\">&lt;</mo><mspace width=\"1em\"/></math>",
                "<math display=\"block\"><mo stretchy=\"false\" lspace=\"0.2222em\">&#60;</mo><mspace width=\"1em\"/></math>",
            ),
            // Looks go, words stay; alignment becomes a class.
            (
                "<math><mtext style=\"font-size:50%\"><b>a &amp; b</b></mtext></math>",
                "<math><mtext>a &#38; b</mtext></math>",
            ),
            (
                "<math><mtable displaystyle=\"true\" scriptlevel=\"0\"><mtr><mtd style=\"text-align: right;justify-items: end;padding-right: 0;\"><mi>x</mi></mtd></mtr></mtable></math>",
                "<math><mtable scriptlevel=\"0\" class=\"ds\"><mtr><mtd class=\"r\"><mi>x</mi></mtd></mtr></mtable></math>",
            ),
            (
                "<math><menclose notation=\"downdiagonalstrike\"><mn>5</mn><mrow class=\"menclose-downdiagonalstrike\"></mrow></menclose></math>",
                "<math><mrow class=\"boxed\"><mn>5</mn><mrow></mrow></mrow></math>",
            ),
            (
                "<math><mrow style=\"color:#ffffff;\"><mo>\u{2063}</mo></mrow></math>",
                "<math><mrow><mo>\u{2063}</mo></mrow></math>",
            ),
        ] {
            assert_eq!(allowed(given).as_deref(), Some(kept), "{given}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_whole() {
        let wide = format!("<mspace width=\"{}em\"/>", WIDEST + 1.0);
        let deep = "<mrow>".repeat(DEEPEST + 1) + &"</mrow>".repeat(DEEPEST + 1);
        let large = "<mi>x</mi>".repeat(LARGEST / 10 + 1);
        for inside in [
            "<script>alert(1)</script>",
            "<mi><script>alert(1)</script></mi>",
            "<mtext><a href=\"javascript:alert(1)\">x</a></mtext>",
            "<mtext><img src=\"x\"/></mtext>",
            "<mtext><mi>x</mi></mtext>",
            "<mtext><s>x</s></mtext>",
            "<mi href=\"x\">x</mi>",
            "<mi onclick=\"x\">x</mi>",
            "<mi id=\"x\">x</mi>",
            "<mi class=\"x\">x</mi>",
            "<mtext><b id=\"x\">x</b></mtext>",
            "<b>x</b>",
            "<MI>x</MI>",
            "<maction><mi>x</mi></maction>",
            "<semantics><mi>x</mi></semantics>",
            "<annotation-xml>x</annotation-xml>",
            "<mphantom><mi>x</mi></mphantom>",
            "<mpadded width=\"0\"><mi>x</mi></mpadded>",
            "<menclose notation=\"updiagonalstrike\"><mi>x</mi></menclose>",
            "<mtd style=\"border-top: 1px solid\"></mtd>",
            "<mspace width=\"-1em\"/>",
            "<mspace width=\"NaNem\"/>",
            "<mspace width=\"1em;\"/>",
            "<mo form=\"other\">x</mo>",
            "<mi>&nbsp;</mi>",
            "<mi>&x</mi>",
            "<mi>\u{202e}x</mi>",
            "<mi>\u{200b}x</mi>",
            "<mi>x</mo>",
            "<mi>x",
            "x",
            "</math><math>",
            "</mrow>",
            "<!-- x -->",
            "<mi",
            "<",
            &wide,
            &deep,
            &large,
        ] {
            assert_eq!(
                allowed(&format!("<math>{inside}</math>")),
                None,
                "{inside:.80}"
            );
        }
        for whole in [
            "",
            "x",
            "<mi>x</mi>",
            "<math></math>x",
            "x<math></math>",
            "<math>",
        ] {
            assert_eq!(allowed(whole), None, "{whole}");
        }
    }
}
