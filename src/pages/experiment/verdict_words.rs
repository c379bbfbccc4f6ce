//! The registered rule in pictures of differences: a word beside a row's numbers, and in the
//! caption what stands behind it. What is drawn is never adjusted.

use super::Material;
use super::tables::sign;
use crate::charts::{Row, VerdictWord};
use crate::number;
use assay_core::outcome::Verdict;

/// Nothing under five seeds, and while verdicts are withheld. A star: by less than the margin.
pub(super) fn word(verdict: Option<Verdict>) -> Option<VerdictWord> {
    let word = match verdict? {
        Verdict::Better => "better",
        Verdict::BetterWithinMargin => "better*",
        Verdict::Worse => "worse",
        Verdict::WorseWithinMargin => "worse*",
        Verdict::Equivalent => "equivalent",
        Verdict::NoDifferenceShown => "no difference shown",
        Verdict::NotEnoughSeeds => return None,
    };
    Some(VerdictWord {
        sign: sign(verdict),
        word,
    })
}

/// At the end of a picture's title, which every file of it has.
pub(super) const UNADJUSTED: &str = "unadjusted 95 % interval";

/// The same of a figure that contrasts were registered in: with how many these are.
pub(super) fn unadjusted(of: &Material) -> String {
    match of.outcome.m {
        0 => UNADJUSTED.into(),
        m => {
            let m = number::counted(m as i64, "registered contrast");
            format!("{UNADJUSTED}; Holm family of {m}")
        }
    }
}

/// What the words are, where some row has one; else by what alone there are any.
pub(super) fn beside(of: &Material, rows: &[Row]) -> Vec<String> {
    let words = || rows.iter().filter_map(|row| row.verdict);
    let m = match of.outcome.m {
        0 => return vec!["No interval is adjusted; no contrast was registered.".into()],
        m => number::counted(m as i64, "registered contrast"),
    };
    if words().next().is_none() {
        return vec![format!(
            "No interval is adjusted; verdicts are by the registered rule alone, Holm over m = {m}."
        )];
    }
    let mut said = vec![format!(
        "The words beside the numbers are those of the registered rule, Holm over m = {m}; no interval is adjusted."
    )];
    if words().any(|verdict| verdict.word.ends_with('*')) {
        said.push("* by less than the margin.".into());
    }
    said.extend(of.outcome.interim_said());
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_a_sign_with_its_word_or_neither() {
        for (verdict, said) in [
            (Verdict::Better, "+\u{a0}better"),
            (Verdict::BetterWithinMargin, "+\u{a0}better*"),
            (Verdict::Worse, "-\u{a0}worse"),
            (Verdict::WorseWithinMargin, "-\u{a0}worse*"),
            (Verdict::Equivalent, "=\u{a0}equivalent"),
            (Verdict::NoDifferenceShown, "?\u{a0}no difference shown"),
        ] {
            assert_eq!(word(Some(verdict)).unwrap().to_string(), said);
        }
        assert_eq!(word(Some(Verdict::NotEnoughSeeds)), None);
        assert_eq!(word(None), None);
    }
}
