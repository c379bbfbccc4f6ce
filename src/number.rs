//! How numbers and times are written, everywhere: pages, charts, terminal.

use assay_core::metric;
use assay_core::stats::{Estimate, Interval};
use time::OffsetDateTime;

/// Stands where there is no number.
pub const NONE: &str = "–";

/// How a metric's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Between 0 and 1: three decimals.
    Share,
    /// Counts of tokens, averaged: one decimal.
    Tokens,
    /// Anything else: four significant digits.
    Other,
}

impl Kind {
    pub fn of(metric: &str) -> Self {
        match metric {
            metric::PASS_AT_1
            | metric::MAJ_AT_K
            | metric::TRUNCATED
            | metric::VALIDATION_PASS_AT_1
            | metric::TRUNCATED_SHARE
            | metric::ACCURACY
            | metric::FORMAT => Self::Share,
            metric::LENGTH | metric::COMPLETION_LENGTH | metric::VALIDATION_LENGTH => Self::Tokens,
            _ => Self::Other,
        }
    }

    /// As the script of the pages calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Share => "share",
            Self::Tokens => "tokens",
            Self::Other => "other",
        }
    }
}

/// A true minus sign, no negative zero, words where there is no finite number.
fn signless(text: String) -> String {
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().any(|c| ('1'..='9').contains(&c)) => format!("−{rest}"),
        Some(rest) => rest.to_string(),
        None => text,
    }
}

pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        return "not a number".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.into();
    }
    signless(format!("{value:.decimals$}"))
}

/// Four significant digits, with an SI prefix from a thousand upwards.
pub fn significant(value: f64) -> String {
    if !value.is_finite() {
        return fixed(value, 0);
    }
    let size = value.abs();
    if size >= 1e3 {
        return prefixed(value);
    }
    if size > 0.0 && size < 1e-3 {
        return format!("{value:.2e}").replacen('-', if value < 0.0 { "−" } else { "-" }, 1);
    }
    let decimals = match size {
        s if s >= 100.0 => 1,
        s if s >= 10.0 => 2,
        s if s >= 1.0 => 3,
        _ => 4,
    };
    fixed(value, decimals)
}

const PREFIXES: [(f64, &str); 7] = [
    (1e18, "E"),
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
];

/// Divisor and prefix that fit a number of this size.
pub fn prefix(size: f64) -> (f64, &'static str) {
    PREFIXES
        .into_iter()
        .find(|(from, _)| size.is_finite() && size.abs() >= *from)
        .unwrap_or((1.0, ""))
}

/// `1.234 T`: for FLOPs and tokens.
pub fn prefixed(value: f64) -> String {
    if !value.is_finite() {
        return fixed(value, 0);
    }
    let (by, letter) = prefix(value);
    let scaled = value / by;
    if letter.is_empty() {
        return fixed(value, usize::from(value.fract() != 0.0));
    }
    let decimals = match scaled.abs() {
        s if s >= 100.0 => 0,
        s if s >= 10.0 => 1,
        _ => 2,
    };
    format!("{} {letter}", fixed(scaled, decimals))
}

/// A whole number with thousands separated.
pub fn integer(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 3);
    if value < 0 {
        out.push('−');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

pub fn value(kind: Kind, value: f64) -> String {
    match kind {
        Kind::Share => fixed(value, 3),
        Kind::Tokens => fixed(value, 1),
        Kind::Other => significant(value),
    }
}

/// With its sign, for differences.
pub fn signed(kind: Kind, number: f64) -> String {
    let text = value(kind, number);
    if text.starts_with('−') || number.is_nan() || !text.chars().any(|c| ('1'..='9').contains(&c))
    {
        text
    } else {
        format!("+{text}")
    }
}

pub fn interval(kind: Kind, of: &Interval) -> String {
    format!("[{}, {}]", value(kind, of.low), value(kind, of.high))
}

pub fn signed_interval(kind: Kind, of: &Interval) -> String {
    format!("[{}, {}]", signed(kind, of.low), signed(kind, of.high))
}

/// What stands where the interval would: why there is none.
pub fn no_interval(n: usize) -> String {
    match n {
        0 => "no seed finished".into(),
        1 => "1 seed, no interval".into(),
        n => format!("{n} seeds, no interval"),
    }
}

/// `0.812 [0.790, 0.834]`.
pub fn estimate(kind: Kind, of: &Estimate) -> String {
    match &of.interval {
        Some(i) => format!("{} {}", value(kind, of.mean), interval(kind, i)),
        None => format!("{} ({})", value(kind, of.mean), no_interval(of.n)),
    }
}

/// `+0.412 [+0.310, +0.514]`.
pub fn difference(kind: Kind, of: &Estimate) -> String {
    match &of.interval {
        Some(i) => format!("{} {}", signed(kind, of.mean), signed_interval(kind, i)),
        None => format!("{} ({})", signed(kind, of.mean), no_interval(of.n)),
    }
}

/// Money: cents below a hundred dollars, whole dollars above.
pub fn dollars(amount: f64) -> String {
    match amount {
        a if !a.is_finite() => fixed(a, 0),
        a if a > 0.0 && a < 0.005 => "under $0.01".into(),
        a if a.abs() < 100.0 => format!("${}", fixed(a, 2)),
        a if a.abs() < 9e15 => format!("${}", integer(a.round() as i64)),
        a => format!("${}", prefixed(a)),
    }
}

pub fn percent(share: f64) -> String {
    format!("{} %", fixed(share * 100.0, 0))
}

/// `0.031`, `<0.001`.
pub fn p_value(p: f64) -> String {
    if p < 0.001 {
        "<0.001".into()
    } else {
        fixed(p, 3)
    }
}

/// `95 %`, `99.5 %`: how sure an interval is.
pub fn level(share: f64) -> String {
    let text = fixed(share * 100.0, 1);
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

/// A length of time.
pub fn duration(milliseconds: f64) -> String {
    if !milliseconds.is_finite() || milliseconds < 0.0 {
        return NONE.into();
    }
    let seconds = milliseconds / 1e3;
    if seconds < 10.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// `12 s ago`; a clock that is a little ahead is now.
pub fn age(then: OffsetDateTime, now: OffsetDateTime) -> String {
    format!("{} ago", lasting((now - then).whole_seconds().max(0)))
}

/// `4 min`: whole seconds in one unit.
pub fn lasting(seconds: i64) -> String {
    match seconds {
        s if s < 120 => format!("{s} s"),
        s if s < 7_200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", integer(s / 86_400)),
    }
}

/// UTC, to the second.
pub fn moment(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!(
        "{} {:02}:{:02}:{:02} UTC",
        at.date(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// `14:40 UTC`; with its day where that is not today's.
pub fn clock(at: OffsetDateTime, now: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let time = format!("{:02}:{:02} UTC", at.hour(), at.minute());
    if at.date() == now.to_offset(time::UtcOffset::UTC).date() {
        time
    } else {
        format!("{} {time}", at.date())
    }
}

/// `1 arm`, `2 arms`.
pub fn counted(n: i64, word: &str) -> String {
    format!("{} {word}{}", integer(n), if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_one_way() {
        assert_eq!(fixed(-0.0004, 3), "0.000");
        assert_eq!(fixed(-0.25, 3), "−0.250");
        assert_eq!(fixed(f64::NAN, 3), "not a number");
        assert_eq!(significant(0.000_012_3), "1.23e-5");
        assert_eq!(significant(12_345.0), "12.3 k");
        assert_eq!(significant(0.0), "0.0000");
        assert_eq!(prefixed(1.2e12), "1.20 T");
        assert_eq!(prefixed(640.0), "640");
        assert_eq!(integer(-1_234_567), "−1,234,567");
        assert_eq!(signed(Kind::Share, 0.4), "+0.400");
        assert_eq!(signed(Kind::Share, -0.4), "−0.400");
        assert_eq!(signed(Kind::Share, 0.0), "0.000");
        assert_eq!(duration(250_000.0), "4 min 10 s");
        assert_eq!(counted(1, "arm"), "1 arm");
        let at = |minutes| OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(minutes);
        assert_eq!(clock(at(880), at(0)), "14:40 UTC");
        assert_eq!(clock(at(1_500), at(0)), "1970-01-02 01:00 UTC");
        assert_eq!(
            [0.0, 0.001, 1.5, 294_672.0, 1e16].map(dollars),
            ["$0.00", "under $0.01", "$1.50", "$294,672", "$10.0 P"]
        );
        assert_eq!(
            (p_value(0.0004), p_value(0.0312)),
            ("<0.001".into(), "0.031".into())
        );
        assert_eq!(
            (level(0.95), level(1.0 - 0.05 / 11.0)),
            ("95 %".into(), "99.5 %".into())
        );
    }

    #[test]
    fn an_estimate_says_why_it_has_no_interval() {
        let of = |n| Estimate {
            n,
            mean: 0.5,
            interval: None,
        };
        assert_eq!(estimate(Kind::Share, &of(1)), "0.500 (1 seed, no interval)");
        assert_eq!(
            difference(Kind::Tokens, &of(2)),
            "+0.5 (2 seeds, no interval)"
        );
    }
}
