//! How curves are drawn, in the words that addresses have for it: one set for every page that
//! draws several arms.

use super::Choice;
use super::query::Asked;
use crate::charts::{Band, Scale};

/// What is drawn of the seeds beside their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum SeedLines {
    #[default]
    Mean,
    Every,
}

pub(super) const SCALES: [(&str, Scale); 2] = [("lin", Scale::Linear), ("log", Scale::Log)];
pub(super) const BANDS: [(&str, Band); 3] = [
    ("ci95", Band::Ci95),
    ("minmax", Band::MinMax),
    ("none", Band::None),
];
pub(super) const LINES: [(&str, SeedLines); 2] = [("0", SeedLines::Mean), ("1", SeedLines::Every)];

const MAX_BUDGET: f64 = 1e30;

pub(super) fn scale_word(of: Scale) -> &'static str {
    match of {
        Scale::Linear => "lin",
        Scale::Log | Scale::Doubling => "log",
    }
}

pub(super) fn band_word(of: Band) -> &'static str {
    match of {
        Band::Ci95 => "ci95",
        Band::MinMax => "minmax",
        Band::None => "none",
    }
}

/// Places on an axis are none on another: those of a form that was made for another one (its
/// word is `was`) are dropped by name.
pub(super) fn leave(asked: &mut Asked, x: &str, places: [(&str, &mut Option<f64>); 3]) {
    if asked.text("was").is_none_or(|was| was == x) {
        return;
    }
    for (key, place) in places {
        if let Some(at) = place.take() {
            asked.refuse(key, &format!("{at}, a place on another axis"));
        }
    }
}

/// A part of the axis ends after its beginning; else there is none.
pub(super) fn part(
    asked: &mut Asked,
    ends: (Option<f64>, Option<f64>),
) -> (Option<f64>, Option<f64>) {
    match ends {
        (Some(low), Some(high)) if low >= high => {
            asked.refuse("x0", &format!("{low}, not below x1={high}"));
            (None, None)
        }
        ends => ends,
    }
}

/// A budget that somebody can have.
pub(super) fn budget(asked: &mut Asked, mut of: Option<f64>) -> Option<f64> {
    if let Some(bad) = of.take_if(|b| *b <= 0.0 || *b > MAX_BUDGET) {
        asked.refuse("budget", &bad.to_string());
    }
    of
}

pub(super) fn bands(chosen: Band) -> Vec<Choice> {
    let title = |of: Band| match of {
        Band::Ci95 => "95 % interval",
        Band::MinMax => "smallest to largest",
        Band::None => "none",
    };
    BANDS
        .map(|(word, band)| choice(word, title(band), band == chosen))
        .into()
}

pub(super) fn lines(chosen: SeedLines) -> Vec<Choice> {
    let title = |of: SeedLines| match of {
        SeedLines::Mean => "mean alone",
        SeedLines::Every => "every seed",
    };
    LINES
        .map(|(word, lines)| choice(word, title(lines), lines == chosen))
        .into()
}

/// `unasked` is what stands for nothing, where that is no scale of its own.
pub(super) fn scales(chosen: Option<Scale>, unasked: &str) -> Vec<Choice> {
    let mut list = vec![];
    if !unasked.is_empty() {
        list.push(choice("", unasked, chosen.is_none()));
    }
    let of = |scale: Scale| chosen == Some(scale);
    list.push(choice("lin", "linear", of(Scale::Linear)));
    list.push(choice("log", "logarithmic", of(Scale::Log)));
    list
}

pub(super) fn choice(value: &str, label: &str, chosen: bool) -> Choice {
    Choice {
        value: value.into(),
        label: label.into(),
        chosen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_the_one_that_is_read() {
        assert!(SCALES.iter().all(|(word, of)| scale_word(*of) == *word));
        assert!(BANDS.iter().all(|(word, of)| band_word(*of) == *word));
        for (word, of) in LINES {
            let chosen: Vec<Choice> = lines(of).into_iter().filter(|c| c.chosen).collect();
            assert_eq!((chosen.len(), chosen[0].value.as_str()), (1, word));
        }
    }

    #[test]
    fn places_of_another_axis_are_left_and_named() {
        let read = |query: &str| {
            let mut asked = Asked::read(query);
            let mut places = ["x0", "x1", "budget"].map(|key| asked.float(key));
            let [low, high, budget] = &mut places;
            let all = [("x0", low), ("x1", high), ("budget", budget)];
            leave(&mut asked, "wall", all);
            (places, asked.ignored())
        };
        let query = "x0=1&x1=2e11&budget=3e11";
        for same in ["", "&was=wall"] {
            let (places, ignored) = read(&format!("{query}{same}"));
            assert_eq!(places, [Some(1.0), Some(2e11), Some(3e11)]);
            assert!(ignored.is_empty(), "{ignored:?}");
        }
        let (places, ignored) = read(&format!("{query}&was=flops"));
        assert_eq!(places, [None; 3]);
        assert_eq!(ignored.len(), 3);
        assert_eq!(ignored[0], "x0=1, a place on another axis");
        assert!(read("was=flops").1.is_empty());
    }

    #[test]
    fn a_part_that_ends_before_it_begins_and_a_budget_of_nothing_are_refused() {
        let mut asked = Asked::default();
        assert_eq!(part(&mut asked, (Some(2.0), Some(1.0))), (None, None));
        assert_eq!(part(&mut asked, (Some(2.0), None)), (Some(2.0), None));
        assert_eq!(budget(&mut asked, Some(0.0)), None);
        assert_eq!(budget(&mut asked, Some(2e30)), None);
        assert_eq!(budget(&mut asked, Some(5.0)), Some(5.0));
        assert_eq!(asked.ignored().len(), 3);
    }
}
