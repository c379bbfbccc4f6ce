//! Finding a completion's answer, and when two answers are the same.

use super::AnswerForm;

/// Longer texts are no answers.
const LONGEST: usize = 256;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Read {
    /// In its canonical form.
    pub answer: Option<String>,
    /// All that the form asks for stands there, once and in order, and nothing after it.
    pub well_formed: bool,
}

pub(super) fn read(form: AnswerForm, completion: &str, ended: bool) -> Read {
    match form {
        AnswerForm::Tag => tag(completion, ended),
        AnswerForm::Boxed => boxed(completion, ended),
        AnswerForm::LastNumber => {
            let answer = ended.then(|| last_number(completion)).flatten();
            Read {
                well_formed: answer.is_some(),
                answer,
            }
        }
    }
}

fn tag(completion: &str, ended: bool) -> Read {
    let answer = completion
        .split_once("<answer>")
        .and_then(|(_, rest)| rest.split_once("</answer>"))
        .and_then(|(answer, _)| canonical(answer));
    let tags = ["<think>", "</think>", "<answer>", "</answer>"];
    let places: Vec<Option<usize>> = tags.iter().map(|tag| completion.find(tag)).collect();
    let well_formed = ended
        && answer.is_some()
        && tags.iter().all(|tag| completion.matches(tag).count() == 1)
        && places.is_sorted()
        && completion.trim_start().starts_with("<think>")
        && completion.trim_end().ends_with("</answer>")
        && completion
            .split_once("</think>")
            .and_then(|(_, rest)| rest.split_once("<answer>"))
            .is_some_and(|(between, _)| between.trim().is_empty());
    Read {
        answer,
        well_formed,
    }
}

fn boxed(completion: &str, ended: bool) -> Read {
    let inside = |start: usize| -> Option<&str> {
        let rest = &completion[start..];
        let mut depth = 1_u32;
        for (at, c) in rest.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(&rest[..at]);
            }
        }
        None
    };
    let opening = "\\boxed{";
    let found = completion.rfind(opening);
    let answer = found
        .and_then(|at| inside(at + opening.len()))
        .and_then(canonical);
    Read {
        well_formed: ended && answer.is_some() && completion.matches(opening).count() == 1,
        answer,
    }
}

/// The last run of digits with its sign, point, commas and fraction bar.
fn last_number(text: &str) -> Option<String> {
    let part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/');
    let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = text[..end].rfind(|c: char| !part(c)).map_or(0, |at| {
        at + text[at..].chars().next().map_or(1, char::len_utf8)
    });
    let digits = text[start..end].trim_start_matches(['.', ',', '/']);
    let start = end - digits.len();
    // A minus is a sign where no number or letter stands right before it.
    let signed = text[..start]
        .strip_suffix('-')
        .is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == ')'));
    match signed {
        true => canonical(&format!("-{digits}")),
        false => canonical(digits),
    }
}

/// One form for all ways to write an answer: a reduced fraction for a number, else the
/// text without what does not matter. `None` for no answer at all.
pub(super) fn canonical(text: &str) -> Option<String> {
    let mut text = text.trim();
    loop {
        let before = text;
        for (open, close) in [
            ("$", "$"),
            ("\\(", "\\)"),
            ("\\[", "\\]"),
            ("\\boxed{", "}"),
            ("\\text{", "}"),
            ("\\mathrm{", "}"),
        ] {
            if let Some(inner) = text.strip_prefix(open).and_then(|t| t.strip_suffix(close)) {
                text = inner.trim();
            }
        }
        text = text.strip_suffix('.').unwrap_or(text).trim();
        if text == before {
            break;
        }
    }
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    let mut plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    for (what, with) in [
        ("\\dfrac", "\\frac"),
        ("\\tfrac", "\\frac"),
        ("\\left", ""),
        ("\\right", ""),
        ("\\!", ""),
        ("\\,", ""),
        ("\\;", ""),
        ("\\$", ""),
        ("\\%", "%"),
    ] {
        plain = plain.replace(what, with);
    }
    // What a number is of does not change it; a share is not its hundredfold.
    let bare = plain.strip_prefix(['$', '£', '€']).unwrap_or(&plain);
    Some(number(bare).unwrap_or(plain))
}

/// `-1,234.50`, `3/4` or `\frac{3}{4}` as a reduced fraction, if it is a number.
fn number(text: &str) -> Option<String> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let fraction = text
        .strip_prefix("\\frac{")
        .and_then(|t| t.strip_suffix('}'))
        .and_then(|t| t.split_once("}{"));
    let (above, below) = match fraction.or_else(|| text.split_once('/')) {
        Some((above, below)) => {
            let ((a, b), (c, d)) = (decimal(above)?, decimal(below)?);
            (a.checked_mul(d)?, b.checked_mul(c)?)
        }
        None => decimal(text)?,
    };
    if below == 0 {
        return None;
    }
    let divisor = gcd(above, below).max(1);
    let (above, below) = (above / divisor, below / divisor);
    let sign = if negative && above != 0 { "-" } else { "" };
    Some(match below {
        1 => format!("{sign}{above}"),
        _ => format!("{sign}{above}/{below}"),
    })
}

/// Digits, with commas between thousands and a point, as a fraction.
fn decimal(text: &str) -> Option<(u128, u128)> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or("");
    let rest_of_groups: Vec<&str> = groups.collect();
    let thousands = rest_of_groups.iter().all(|g| g.len() == 3);
    if !thousands || (!rest_of_groups.is_empty() && !(1..=3).contains(&first.len())) {
        return None;
    }
    let digits: String = whole
        .chars()
        .filter(|c| *c != ',')
        .chain(rest.chars())
        .collect();
    if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let below = 10_u128.checked_pow(rest.len() as u32)?;
    Some((digits.parse().ok()?, below))
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}
