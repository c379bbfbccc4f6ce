//! What stands behind a figure: how much was planned, what became of it, and what the
//! figure does not show. It is printed under every figure and stands in every export.

use super::Material;
use super::view::Wanted;
use crate::number;
use assay_core::denominator::{NoVerdict, unsuccessful};
use serde::Serialize;
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Denominator {
    pub arms: usize,
    /// Runs: an arm at a seed.
    pub planned: usize,
    pub done: usize,
    /// Running or waiting.
    pub open: usize,
    /// Accidents. Never counted among the unsuccessful.
    pub crashed: usize,
    pub cancelled: usize,
    /// Left out with a reason, whatever became of them.
    pub excluded: usize,
    /// Done and not left out: what the numbers are over.
    pub counted: usize,
    /// Arms, by what the registered rule says; `None` while it says nothing.
    pub unsuccessful: Option<Vec<Named>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_verdict: Option<NoVerdict>,
    /// Left out of the figures by the link.
    pub hidden: Vec<Named>,
    /// What of it is in the figure or table that it stands behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Drawn>,
    /// What it stands behind is not of all arms: no word of hidden ones where there are none.
    #[serde(skip)]
    pub part: bool,
    /// Runs are open that may change what the registered rule says; `open` has all of them.
    #[serde(skip)]
    pub interim: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Named {
    pub arm: String,
    pub label: String,
}

/// What has arms in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Within {
    Figure,
    Table,
}

impl Within {
    fn name(self) -> &'static str {
        match self {
            Self::Figure => "figure",
            Self::Table => "table",
        }
    }

    /// What it does with its arms.
    fn word(self) -> &'static str {
        match self {
            Self::Figure => "drawn",
            Self::Table => "listed",
        }
    }
}

/// Where the numbers of an arm stand that a figure or a table is without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stands {
    ComparisonTable,
    DecoderTable,
}

impl Stands {
    const ALL: [Self; 2] = [Self::ComparisonTable, Self::DecoderTable];

    fn said(self, arms: usize) -> &'static str {
        match (self, arms) {
            (Self::ComparisonTable, _) => "at equal compute: see the comparison table",
            (Self::DecoderTable, 1) => "decoder: see the decoder table",
            (Self::DecoderTable, _) => "decoders: see the decoder table",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Elsewhere {
    #[serde(flatten)]
    pub named: Named,
    pub stands: Stands,
}

/// The part of the arms that a figure or a table has: counted from what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Drawn {
    pub within: Within,
    pub arms: usize,
    /// Of those arms, whatever became of them.
    pub runs: usize,
    /// `None` while the registered rule says nothing.
    pub unsuccessful: Option<usize>,
    /// Unsuccessful arms that are not in it, though no link hides them.
    pub elsewhere: Vec<Elsewhere>,
}

impl Drawn {
    /// `all drawn`; `7 drawn; not in this figure: A, B (decoders: see the decoder table)`.
    fn said(&self, failed: usize) -> String {
        let word = self.within.word();
        let own = self.unsuccessful.unwrap_or(0);
        let drawn = match own == failed {
            true => format!("all {word}"),
            false => format!("{own} {word}"),
        };
        let groups = Stands::ALL.into_iter().filter_map(|stands| {
            let here = self.elsewhere.iter().filter(|arm| arm.stands == stands);
            let names: Vec<&str> = here.map(|arm| arm.named.label.as_str()).collect();
            (!names.is_empty())
                .then(|| format!("{} ({})", names.join(", "), stands.said(names.len())))
        });
        let groups: Vec<String> = groups.collect();
        match groups.is_empty() {
            true => drawn,
            false => format!(
                "{drawn}; not in this {}: {}",
                self.within.name(),
                groups.join(", ")
            ),
        }
    }

    /// `In this figure: 12 of 17 arms, with 60 of 85 runs planned.` Nothing where it has all.
    fn share(&self, of: &Denominator) -> Option<String> {
        (self.arms < of.arms).then(|| {
            format!(
                "In this {}: {} of {}, with {} of {} planned.",
                self.within.name(),
                self.arms,
                number::counted(of.arms as i64, "arm"),
                self.runs,
                number::counted(of.planned as i64, "run"),
            )
        })
    }
}

impl Denominator {
    pub fn new(of: &Material, wanted: &Wanted) -> Self {
        let counts = of.denominator(0);
        let named = |keep: &dyn Fn(&str) -> bool| -> Vec<Named> {
            let arms = of.view.arms.iter().filter(|a| keep(&a.key));
            arms.map(|a| Named {
                arm: a.key.clone(),
                label: a.label.clone(),
            })
            .collect()
        };
        let keys = of.view.arms.iter().map(|a| a.key.as_str());
        let failed = unsuccessful(&of.outcome, keys);
        Self {
            arms: of.view.arms.len(),
            planned: counts.planned,
            done: counts.done,
            open: counts.open,
            crashed: counts.crashed,
            cancelled: counts.cancelled,
            excluded: counts.excluded,
            counted: counts.counted,
            no_verdict: failed.as_ref().err().copied(),
            unsuccessful: failed.ok().map(|list| named(&|a| list.contains(&a))),
            hidden: named(&|a| wanted.hides(of, a)),
            drawn: None,
            part: false,
            interim: of.outcome.interim().is_some(),
        }
    }

    /// Behind a figure or a table that has these arms in it and no others.
    pub fn within<'a>(
        mut self,
        of: &Material,
        within: Within,
        arms: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let arms: BTreeSet<&str> = arms.into_iter().collect();
        let is_in = |arm: &str| arms.contains(arm);
        let failed = self.unsuccessful.iter().flatten();
        let others = failed.filter(|a| !is_in(&a.arm) && !self.hidden.contains(a));
        let elsewhere = others.map(|a| Elsewhere {
            named: a.clone(),
            stands: match of.is_decoder(&a.arm) {
                true => Stands::DecoderTable,
                false => Stands::ComparisonTable,
            },
        });
        let elsewhere: Vec<Elsewhere> = elsewhere.collect();
        let failed = self.unsuccessful.as_ref();
        self.drawn = Some(Drawn {
            within,
            arms: of.view.arms.iter().filter(|a| is_in(&a.key)).count(),
            runs: of.runs.iter().filter(|run| is_in(&run.arm.key)).count(),
            unsuccessful: failed.map(|list| list.iter().filter(|a| is_in(&a.arm)).count()),
            elsewhere,
        });
        self
    }

    /// `12 arms, 60 runs planned: 58 done, 2 crashed, 0 cancelled, 0 excluded. Did not work: 3 of
    /// 12, all drawn. Hidden: none.` How many are drawn is said only of a figure or a table.
    pub fn line(&self) -> String {
        let mut states = vec![format!("{} done", self.done)];
        if self.open > 0 {
            states.push(format!("{} open", self.open));
        }
        for (n, word) in [
            (self.crashed, "crashed"),
            (self.cancelled, "cancelled"),
            (self.excluded, "excluded"),
        ] {
            states.push(format!("{n} {word}"));
        }
        let mut said = vec![format!(
            "{}, {} planned: {}. {}",
            number::counted(self.arms as i64, "arm"),
            number::counted(self.planned as i64, "run"),
            states.join(", "),
            self.did_not_work()
        )];
        said.extend(self.drawn.as_ref().and_then(|drawn| drawn.share(self)));
        if !self.part || !self.hidden.is_empty() {
            said.push(self.hidden_line());
        }
        said.join(" ")
    }

    fn did_not_work(&self) -> String {
        let Some(list) = &self.unsuccessful else {
            let why = self.no_verdict.unwrap_or(NoVerdict::NotYet);
            return format!("Did not work: {why}.");
        };
        let so_far = match self.interim {
            true => " for the seeds so far",
            false => "",
        };
        let all = format!("Did not work: {} of {}{so_far}", list.len(), self.arms);
        match &self.drawn {
            Some(drawn) if !list.is_empty() => format!("{all}, {}.", drawn.said(list.len())),
            Some(_) | None => format!("{all}."),
        }
    }

    pub fn hidden_line(&self) -> String {
        if self.hidden.is_empty() {
            return "Hidden: none.".into();
        }
        let labels: Vec<&str> = self.hidden.iter().map(|a| a.label.as_str()).collect();
        format!("Hidden by the link: {}.", labels.join("; "))
    }
}
