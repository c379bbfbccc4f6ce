//! An interval over questions, of trained models that are held as they are: the questions are
//! drawn again with replacement. Where every question has the same value nothing else can be
//! drawn, and an interval without a width would claim that no other question is different. So all
//! right or all wrong has Wilson's interval (Wilson 1927), and any other value that all share none.

use crate::rng::Uniform;
use crate::stats::{Interval, wilson};
use serde::{Deserialize, Serialize};

/// Times that the questions are drawn again.
pub const DRAWS: u32 = 1_000;
/// Values that differ by less are the same but for rounding.
pub const ALIKE: f64 = 1e-9;
/// Of a 95 % interval, as Wilson's is.
const ALPHA: f64 = 0.05;

/// How an interval over questions was found, or why there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Percentiles of means over questions that are drawn again. What was written before the
    /// methods had names was found so.
    #[default]
    Bootstrap,
    /// Wilson's, of as many cases as there are questions: all of them right, or all wrong.
    Wilson,
    /// None: every question has the same value, which says nothing of how others would differ.
    Alike,
    /// None: under two questions.
    TooFew,
}

impl Method {
    /// As files have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::Wilson => "wilson",
            Self::Alike => "none: all questions alike",
            Self::TooFew => "none: under two questions",
        }
    }
}

/// The 95 % interval over questions, with how it was found.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct OverQuestions {
    pub interval: Option<Interval>,
    pub method: Method,
}

/// Of values between none right and all, one a question.
pub fn of_shares(values: &[f64]) -> OverQuestions {
    let n = values.len() as u64;
    let bounded = match shared(values) {
        Some(share) if (share - 1.0).abs() < ALIKE => wilson(n, n),
        Some(share) if share.abs() < ALIKE => wilson(0, n),
        Some(_) | None => None,
    };
    match bounded.filter(|_| n > 1) {
        None => of_differences(values),
        interval => OverQuestions {
            interval,
            method: Method::Wilson,
        },
    }
}

/// Of differences between two arms, one a question: none is at a bound.
pub fn of_differences(values: &[f64]) -> OverQuestions {
    let method = match (values.len(), shared(values)) {
        (0 | 1, _) => Method::TooFew,
        (_, Some(_)) => Method::Alike,
        (_, None) => Method::Bootstrap,
    };
    OverQuestions {
        interval: bootstrap(values, ALPHA),
        method,
    }
}

/// The value that all have.
fn shared(values: &[f64]) -> Option<f64> {
    let first = *values.first()?;
    let is_same = |value: &f64| (value - first).abs() < ALIKE;
    values.iter().all(is_same).then_some(first)
}

/// The 1 - `alpha` percentile interval of the mean of `values` drawn again with replacement;
/// the same values have the same interval. `None` under two of them, and where all are alike.
pub fn bootstrap(values: &[f64], alpha: f64) -> Option<Interval> {
    let n = u32::try_from(values.len()).ok().filter(|n| *n > 1)?;
    if shared(values).is_some() {
        return None;
    }
    let mut stream = Uniform::new(0, "bootstrap of questions").stream(0, n);
    let mut means: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let drawn = (0..n).map(|_| values[stream.below(n) as usize]);
            drawn.sum::<f64>() / f64::from(n)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let cut = (alpha / 2.0 * f64::from(DRAWS)) as usize;
    Some(Interval {
        low: means[cut],
        high: means[means.len() - 1 - cut],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bootstrap_has_the_width_of_the_error_and_none_of_values_that_are_alike() {
        assert_eq!(bootstrap(&[0.5; 40], 0.05), None);
        assert_eq!(bootstrap(&[0.5], 0.05), None);
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        let of = bootstrap(&values, 0.05);
        let half = of.map(|of| (of.high - of.low) / 2.0).unwrap();
        // 1.96 x 0.5 / 20, and the same every time.
        assert!((half - 0.049).abs() < 0.005, "{of:?}");
        assert_eq!(of, bootstrap(&values, 0.05));
        // One question of many that is another.
        let mut one = vec![1.0; 30];
        one[7] = 0.0;
        let of = of_shares(&one);
        let interval = of.interval.unwrap();
        assert!(interval.low < interval.high && of.method == Method::Bootstrap);
    }

    #[test]
    fn all_right_or_all_wrong_has_wilsons_interval_and_never_one_without_a_width() {
        // 30 / (30 + 1.96^2).
        let right = of_shares(&[1.0; 30]);
        let interval = right.interval.unwrap();
        assert_eq!(right.method, Method::Wilson);
        assert!((interval.low - 0.886_5).abs() < 1e-4, "{interval:?}");
        assert!((interval.high - 1.0).abs() < 1e-9, "{interval:?}");
        let wrong = of_shares(&[0.0; 30]).interval.unwrap();
        assert!(wrong.low.abs() < 1e-9, "{wrong:?}");
        assert!((wrong.high - 0.113_5).abs() < 1e-4, "{wrong:?}");
        // Means over seeds may miss the bound by their last bits.
        let nearly = of_shares(&[1.0 - f64::EPSILON; 30]);
        assert_eq!(nearly.method, Method::Wilson);
        // Of anything else that all share nothing is known.
        let none = OverQuestions {
            interval: None,
            method: Method::Alike,
        };
        assert_eq!(of_shares(&[0.5; 30]), none);
        for same in [0.0, 1.0, -0.3] {
            assert_eq!(of_differences(&[same; 30]), none);
        }
        let too_few: [&[f64]; 3] = [&[], &[1.0], &[0.4]];
        for few in too_few {
            let of = of_shares(few);
            assert_eq!((of.interval, of.method), (None, Method::TooFew));
        }
    }
}
