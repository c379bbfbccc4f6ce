//! What stands behind a figure: how much was planned, what became of it, and what the
//! figure does not show. It is printed under every figure and stands in every export.

use super::Material;
use super::view::Wanted;
use crate::number;
use assay_core::denominator::{NoVerdict, unsuccessful};
use serde::Serialize;

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
    /// What it stands behind is not of all arms: nothing is said of how many it draws.
    #[serde(skip)]
    pub part: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Named {
    pub arm: String,
    pub label: String,
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
            part: false,
        }
    }

    /// `12 arms, 60 runs planned: 58 done, 2 crashed, 0 cancelled, 0 excluded. Did not work: 3 of
    /// 12, all drawn. Hidden: none.`
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
        let said = format!(
            "{}, {} planned: {}. {}",
            number::counted(self.arms as i64, "arm"),
            number::counted(self.planned as i64, "run"),
            states.join(", "),
            self.did_not_work()
        );
        match self.part && self.hidden.is_empty() {
            true => said,
            false => format!("{said} {}", self.hidden_line()),
        }
    }

    fn did_not_work(&self) -> String {
        let Some(list) = &self.unsuccessful else {
            let why = self.no_verdict.unwrap_or(NoVerdict::NotYet);
            return format!("Did not work: {why}.");
        };
        let drawn = list.iter().filter(|a| !self.hidden.contains(a)).count();
        let drawn = match (list.len(), drawn) {
            (0, _) => String::new(),
            _ if self.part => String::new(),
            (all, drawn) if drawn == all => ", all drawn".into(),
            (_, drawn) => format!(", {drawn} drawn"),
        };
        format!("Did not work: {} of {}{drawn}.", list.len(), self.arms)
    }

    pub fn hidden_line(&self) -> String {
        if self.hidden.is_empty() {
            return "Hidden: none.".into();
        }
        let labels: Vec<&str> = self.hidden.iter().map(|a| a.label.as_str()).collect();
        format!("Hidden by the link: {}.", labels.join("; "))
    }
}
