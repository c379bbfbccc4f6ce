//! Which columns stand in one figure: those that were asked the same questions.

use super::entries::{Entry, Material};
use super::table::{Compared, Line};
use assay_core::config;
use assay_core::ground::{Entrant, Ground, ground, other_questions, other_validation};
use assay_core::spec::Experiment;

/// One of the comparison's, with its place there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a> {
    pub slot: usize,
    pub entry: &'a Entry,
    pub line: &'a Line,
}

pub(super) fn spec<'a>(of: &'a Material, entry: &Entry) -> Option<&'a Experiment> {
    Some(&of.experiments.get(&entry.experiment)?.view.spec)
}

fn base(of: &Material) -> Option<&Experiment> {
    of.entries.get(of.base).and_then(|e| spec(of, e))
}

fn all<'a>(of: &'a Material, table: &'a Compared) -> impl Iterator<Item = Column<'a>> {
    let all = of.entries.iter().zip(&table.lines).enumerate();
    all.map(|(slot, (entry, line))| Column { slot, entry, line })
}

/// The columns that were asked the base's questions.
pub(super) fn alike<'a>(of: &'a Material, table: &'a Compared) -> Vec<Column<'a>> {
    let alike = |e: &Entry| match (base(of), spec(of, e)) {
        (Some(base), Some(own)) => other_questions(own, base).is_none(),
        (None, _) | (_, None) => false,
    };
    all(of, table).filter(|c| alike(c.entry)).collect()
}

/// Columns that were asked the same questions in the same way, and not those of the base.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// Of its first column.
    pub like: &'a Experiment,
    pub columns: Vec<Column<'a>>,
    /// Why they do not stand with the base.
    pub why: &'static str,
    /// What they were asked.
    pub asked: String,
    /// Their test questions are the base's: only those on the way are others.
    pub on_the_way: bool,
}

impl Group<'_> {
    /// Among themselves.
    pub fn ground(&self, of: &Material) -> Option<Ground> {
        let entrants: Vec<Entrant<'_>> = self
            .columns
            .iter()
            .filter_map(|c| {
                Some(Entrant {
                    label: &c.entry.label,
                    experiment: spec(of, c.entry)?,
                })
            })
            .collect();
        ground(&entrants)
    }
}

/// In the order of their first columns.
pub(super) fn others<'a>(of: &'a Material, table: &'a Compared) -> Vec<Group<'a>> {
    let Some(base) = base(of) else {
        return vec![];
    };
    let mut groups: Vec<Group<'a>> = vec![];
    for column in all(of, table) {
        let Some(own) = spec(of, column.entry) else {
            continue;
        };
        let Some(why) = differs(own, base) else {
            continue;
        };
        let known = groups.iter_mut().find(|g| differs(own, g.like).is_none());
        match known {
            Some(group) => group.columns.push(column),
            None => groups.push(Group {
                like: own,
                columns: vec![column],
                why,
                asked: asked(own, base),
                on_the_way: other_questions(own, base).is_none(),
            }),
        }
    }
    groups
}

fn differs(a: &Experiment, b: &Experiment) -> Option<&'static str> {
    other_questions(a, b).or_else(|| other_validation(a, b))
}

/// `parity (task.bits 8)`: the task, and all in which what was asked is not what the base was.
fn asked(own: &Experiment, base: &Experiment) -> String {
    let theirs = config::of_experiment(base);
    let examined = |key: &str| {
        (key.starts_with("task.") || key.starts_with("evaluation."))
            && key != "task.name"
            && !key.starts_with("evaluation.milestones")
    };
    let own_keys = config::of_experiment(own);
    let said: Vec<String> = own_keys
        .iter()
        .filter(|(key, value)| examined(key) && theirs.get(*key) != Some(*value))
        .map(|(key, value)| format!("{key} {value}"))
        .collect();
    match said.is_empty() {
        true => own.task.name().into(),
        false => format!("{} ({})", own.task.name(), said.join(", ")),
    }
}
