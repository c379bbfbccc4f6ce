//! Columns that were asked for and for which the comparison has no room: by name, for what is
//! left out must not only be counted.

use super::entries::Material;
use crate::number;
use crate::pages::text;
use assay_core::ids::{ExperimentId, RunId};
use assay_store::RunView;
use std::collections::{BTreeSet, HashMap};

/// Names in one sentence.
const MOST: usize = 200;
/// Characters of a word that names nothing that was read.
const LONG: usize = 60;

/// In the order of the address and once each: the rest of its runs, then of its arms. Who is
/// here all the same, as a required attempt, is none of them.
pub(super) fn named(
    of: &Material,
    runs_of: &HashMap<ExperimentId, Vec<RunView>>,
    (runs, arms): (&[String], &[String]),
) -> Vec<String> {
    let entries = of.entries.iter().map(|e| e.word());
    let here: BTreeSet<String> = entries
        .chain(of.decoders.iter().map(|d| d.word()))
        .collect();
    let runs = runs.iter().map(|word| (word, of_run(of, runs_of, word)));
    let arms = arms.iter().map(|word| (word, of_arm(of, word)));
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut names = vec![];
    for (word, known) in runs.chain(arms) {
        if !here.contains(word) && seen.insert(word) {
            names.push(known.unwrap_or_else(|| text::line(word, LONG)));
        }
    }
    let more = names.len().saturating_sub(MOST);
    names.truncate(MOST);
    if more > 0 {
        names.push(format!("and {} more", number::integer(more as i64)));
    }
    names
}

/// Of experiments that have a column here; others are not looked up.
fn of_run(
    of: &Material,
    runs_of: &HashMap<ExperimentId, Vec<RunView>>,
    word: &str,
) -> Option<String> {
    let id: RunId = word.parse().ok()?;
    let run = runs_of.values().flatten().find(|run| run.id == id)?;
    let name = &of.experiments.get(&run.experiment)?.view.name;
    Some(format!("{}, seed {} ({name})", run.arm.label, run.seed))
}

fn of_arm(of: &Material, word: &str) -> Option<String> {
    let (id, arm) = word.split_once('/')?;
    let id: ExperimentId = id.parse().ok()?;
    let view = &of.experiments.get(&id)?.view;
    let arm = view.spec.arm(arm)?;
    Some(format!("{} ({})", arm.label, view.name))
}
