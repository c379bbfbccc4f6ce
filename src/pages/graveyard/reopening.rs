//! What stands on a card whose question is open again.

use super::Material;
use super::cards::alone;
use crate::number;
use assay_core::outcome::ContrastOutcome;
use assay_store::NoteView;

#[derive(Debug)]
pub(super) struct Reopened {
    pub at: String,
    pub reason: String,
}

/// `None` of a note that says something else.
pub(super) fn reopened(of: &NoteView) -> Option<Reopened> {
    Some(Reopened {
        at: number::moment(of.written_at),
        reason: of.note.reopened()?.into(),
    })
}

/// The arm and what it was compared with, on as many seeds, none of which it has had.
#[derive(Debug)]
pub(super) struct Fresh {
    pub seeds: String,
    pub href: String,
}

pub(super) fn fresh(of: &Material, arm: &str, contrast: Option<&ContrastOutcome>) -> Fresh {
    let own = &of.view.spec.seeds;
    let seeds: Vec<String> = (0_u64..)
        .filter(|seed| !own.contains(seed))
        .take(own.len())
        .map(|seed| seed.to_string())
        .collect();
    Fresh {
        seeds: seeds.join(", "),
        href: alone(of, arm, contrast, &seeds.join(",")),
    }
}
