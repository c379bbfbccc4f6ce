//! Evaluates an arithmetic expression exactly: natural numbers, `+ - * /`, brackets,
//! the usual precedence. Fractions and negative values may occur on the way.

/// Numerator and denominator, the latter positive and the fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fraction(i128, i128);

impl Fraction {
    fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let (mut a, mut b) = (numerator.unsigned_abs(), denominator.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let divisor = i128::try_from(a).ok()? * denominator.signum();
        Some(Self(numerator / divisor, denominator / divisor))
    }

    fn combine(self, op: u8, other: Self) -> Option<Self> {
        let (Self(a, b), Self(c, d)) = (self, other);
        let (ad, cb) = (a.checked_mul(d)?, c.checked_mul(b)?);
        match op {
            b'+' => Self::new(ad.checked_add(cb)?, b.checked_mul(d)?),
            b'-' => Self::new(ad.checked_sub(cb)?, b.checked_mul(d)?),
            b'*' => Self::new(a.checked_mul(c)?, b.checked_mul(d)?),
            _ => Self::new(ad, cb),
        }
    }
}

impl std::fmt::Display for Fraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.1 {
            1 => write!(f, "{}", self.0),
            _ => write!(f, "{}/{}", self.0, self.1),
        }
    }
}

/// The value, and the numbers as they stand. `None` for anything that is no
/// expression, divides by zero, or is longer than any answer.
pub(super) fn evaluate(text: &str) -> Option<(Fraction, Vec<u64>)> {
    if text.len() > 80 {
        return None;
    }
    let mut parser = Parser {
        rest: text.as_bytes(),
        numbers: vec![],
    };
    let value = parser.sum()?;
    parser.rest.is_empty().then_some((value, parser.numbers))
}

struct Parser<'a> {
    rest: &'a [u8],
    numbers: Vec<u64>,
}

impl Parser<'_> {
    fn take(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        wanted.contains(first).then(|| {
            self.rest = rest;
            *first
        })
    }

    fn sum(&mut self) -> Option<Fraction> {
        let mut value = self.product()?;
        while let Some(op) = self.take(b"+-") {
            value = value.combine(op, self.product()?)?;
        }
        Some(value)
    }

    fn product(&mut self) -> Option<Fraction> {
        let mut value = self.operand()?;
        while let Some(op) = self.take(b"*/") {
            value = value.combine(op, self.operand()?)?;
        }
        Some(value)
    }

    fn operand(&mut self) -> Option<Fraction> {
        if self.take(b"(").is_some() {
            let value = self.sum()?;
            self.take(b")")?;
            return Some(value);
        }
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(digits);
        let number = natural(std::str::from_utf8(digits).ok()?)?;
        self.rest = rest;
        self.numbers.push(number);
        Fraction::new(i128::from(number), 1)
    }
}

/// A number as it is written: no leading zeros, at most nine digits.
pub(super) fn natural(text: &str) -> Option<u64> {
    let fits = (1..=9).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'));
    fits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_precedence_and_stay_exact() {
        for (text, value) in [
            ("3+4*5", "23"),
            ("(3+4)*5", "35"),
            ("9-4-3", "2"),
            ("8/3", "8/3"),
            ("8/(3-8/3)", "24"),
            ("3-5+7", "5"),
            ("2/(1-3)", "-1"),
        ] {
            let (found, _) = evaluate(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.to_string(), value, "{text}");
        }
        assert_eq!(evaluate("7*(12-7)").map(|e| e.1), Some(vec![7, 12, 7]));
    }

    #[test]
    fn what_is_no_expression_has_no_value() {
        for text in [
            "", "3+", "+3", "(3", "3)", "3 4", "03", "1/0", "1/(2-2)", "3**4", "x",
        ] {
            assert!(evaluate(text).is_none(), "{text}");
        }
        assert!(evaluate(&"(".repeat(1_000_000)).is_none());
    }
}
