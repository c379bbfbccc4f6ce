//! What the address asks of the figures, as far as the columns that are here have it.

use super::entries::{Entry, Material};
use super::wanted::Wanted;
use crate::pages::experiment::axis::Cost;
use assay_core::ids::ExperimentId;

/// How the figures are drawn, as far as these columns can be.
pub(super) fn settle(of: &mut Material, wanted: &Wanted) {
    let known: Vec<String> = of.entries.iter().map(Entry::word).collect();
    for (key, list) in [("only", &wanted.only), ("hide", &wanted.hide)] {
        let unknown = list.iter().filter(|word| !known.contains(word));
        of.unknown
            .extend(unknown.map(|word| format!("{key}={word}")));
    }
    let only = wanted.only.iter().any(|word| known.contains(word));
    let hides = |word: &String| match only || wanted.only.is_empty() {
        true => wanted.hides(word),
        // None of them is here: nothing is shown alone.
        false => wanted.hide.contains(word),
    };
    of.hidden = known.into_iter().filter(hides).collect();
    of.view = wanted.view;
    let units = of
        .entries
        .iter()
        .filter_map(|e| of.experiments.get(&e.experiment));
    let mut units = units.map(|known| known.view.spec.budget.unit);
    let first = units.next();
    if of.view.x.is_none() && units.any(|unit| Some(unit) != first) {
        let view = &mut of.view;
        for (key, value) in [
            ("budget", view.budget.take()),
            ("x0", view.low.take()),
            ("x1", view.high.take()),
        ] {
            let said = value.map(|value| format!("{key}={value}, of which x= names no unit"));
            of.unknown.extend(said);
        }
    }
}

impl Material {
    /// Whether curves of this experiment are along what its budget counts.
    pub fn in_budget(&self, experiment: ExperimentId) -> bool {
        let known = self.experiments.get(&experiment);
        let unit = known.map(|k| Cost::from(k.view.spec.budget.unit));
        self.view.x.is_none() || self.view.x == unit
    }

    /// The words of hidden columns, named.
    pub fn hidden_labels(&self) -> Vec<String> {
        let hidden = |e: &&Entry| self.hidden.contains(&e.word());
        let entries = self.entries.iter().filter(hidden);
        entries.map(|e| e.label.clone()).collect()
    }

    /// Names every column that the link leaves out of the figures.
    pub fn hidden_line(&self) -> Option<String> {
        let labels = self.hidden_labels();
        (!labels.is_empty()).then(|| format!("Hidden by the link: {}.", labels.join("; ")))
    }
}
