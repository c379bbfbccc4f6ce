//! What colour stands for: the arm, its kind of recipe, or what the registered rule says of
//! it. Markers, dashes and labels stay the arm's own, so that nothing is told by colour alone.

use super::material::Material;
use super::verdicts;
use super::view::Wanted;
use crate::charts::series_class;
use assay_core::outcome::{Mark, Verdict};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    Arm,
    Family,
    Status,
}

impl Colour {
    pub const ALL: [Self; 3] = [Self::Arm, Self::Family, Self::Status];

    pub fn word(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::Family => "family",
            Self::Status => "status",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Arm => "arm",
            Self::Family => "kind of recipe",
            Self::Status => "what the registered rule says",
        }
    }

    /// The colour slot that an arm has in place of its own.
    pub fn tint(self, of: &Material, arm: &str) -> Option<usize> {
        match self {
            Self::Arm => None,
            Self::Family => {
                let own = family(of, arm);
                families(of).iter().position(|f| *f == own)
            }
            Self::Status => Some(status(of, arm).slot()),
        }
    }

    /// Its class in tables.
    pub fn class(self, of: &Material, arm: &str) -> String {
        series_class(self.tint(of, arm).unwrap_or_else(|| of.slot(arm)))
    }
}

/// The slots of the palette in words, for readers of files.
const NAMES: [&str; crate::charts::SLOTS] = [
    "blue", "rust", "green", "purple", "pink", "gold", "teal", "grey",
];

/// The kind of the stage that makes an arm's last policy, or that decodes it.
fn family(of: &Material, arm: &str) -> String {
    let spec = of.view.spec.arm(arm);
    match spec.and_then(|arm| arm.stages.last()) {
        Some(stage) => stage.job.kind().replace('_', " "),
        None => "no training of its own".into(),
    }
}

/// In the order of the file, once each.
fn families(of: &Material) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for arm in &of.view.arms {
        let own = family(of, &arm.key);
        if !found.contains(&own) {
            found.push(own);
        }
    }
    found
}

/// What the rule says of an arm's contrast with the registered baseline, or of its first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    NoContrast,
    Worse,
    Better,
    Withheld,
    Unsuccessful,
    NotEnoughSeeds,
    Equivalent,
    NoDifferenceShown,
}

impl Status {
    const ALL: [Self; 8] = [
        Self::Better,
        Self::Equivalent,
        Self::NoDifferenceShown,
        Self::Worse,
        Self::Unsuccessful,
        Self::NotEnoughSeeds,
        Self::Withheld,
        Self::NoContrast,
    ];

    fn slot(self) -> usize {
        match self {
            Self::NoContrast => 0,
            Self::Worse => 1,
            Self::Better => 2,
            Self::Withheld => 3,
            Self::Unsuccessful => 4,
            Self::NotEnoughSeeds => 5,
            Self::Equivalent => 6,
            Self::NoDifferenceShown => 7,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::NoContrast => "no registered contrast",
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Withheld => "verdict withheld",
            Self::Unsuccessful => "unsuccessful",
            Self::NotEnoughSeeds => "not enough seeds",
            Self::Equivalent => "equivalent",
            Self::NoDifferenceShown => "no difference shown",
        }
    }
}

fn status(of: &Material, arm: &str) -> Status {
    if of.mark(arm) == Some(Mark::Unsuccessful) {
        return Status::Unsuccessful;
    }
    let Some(contrast) = verdicts::of_arm(of, arm) else {
        return Status::NoContrast;
    };
    match contrast.verdict {
        None => Status::Withheld,
        Some(Verdict::Better | Verdict::BetterWithinMargin) => Status::Better,
        Some(Verdict::Worse | Verdict::WorseWithinMargin) => Status::Worse,
        Some(Verdict::Equivalent) => Status::Equivalent,
        Some(Verdict::NoDifferenceShown) => Status::NoDifferenceShown,
        Some(Verdict::NotEnoughSeeds) => Status::NotEnoughSeeds,
    }
}

/// One colour: what it stands for, and the drawn arms that have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub class: String,
    pub colour: &'static str,
    pub meaning: String,
    pub arms: String,
}

/// Empty where colour is the arm: its name stands beside its line.
pub(super) fn legend(of: &Material, wanted: &Wanted) -> Vec<Entry> {
    let colour = wanted.colour;
    let meanings: Vec<(usize, String)> = match colour {
        Colour::Arm => vec![],
        Colour::Family => families(of).into_iter().enumerate().collect(),
        Colour::Status => Status::ALL
            .map(|status| (status.slot(), status.word().to_string()))
            .into(),
    };
    meanings
        .into_iter()
        .filter_map(|(slot, meaning)| {
            let arms: Vec<String> = of
                .view
                .arms
                .iter()
                .filter(|arm| !wanted.hides(of, &arm.key))
                .filter(|arm| colour.tint(of, &arm.key) == Some(slot))
                .map(|arm| of.name(&arm.key))
                .collect();
            (!arms.is_empty()).then(|| Entry {
                class: series_class(slot),
                colour: NAMES[slot % NAMES.len()],
                meaning,
                arms: arms.join(", "),
            })
        })
        .collect()
}

/// The same in a caption, which every file carries.
pub(super) fn said(of: &Material, wanted: &Wanted) -> Option<String> {
    let entries: Vec<String> = legend(of, wanted)
        .into_iter()
        .map(|e| format!("{} is {} ({})", e.colour, e.meaning, e.arms))
        .collect();
    let title = wanted.colour.title();
    (!entries.is_empty()).then(|| format!("Colour says {title}: {}.", entries.join("; ")))
}
