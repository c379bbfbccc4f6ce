//! How a mark of the registered rule shows in a name and in what is drawn.

use crate::charts::Fate;
use assay_core::outcome::Mark;

pub(super) fn label(name: &str, mark: Option<Mark>) -> String {
    fate(mark).label(name)
}

pub(super) fn fate(mark: Option<Mark>) -> Fate {
    match mark {
        Some(Mark::Unsuccessful) => Fate::Unsuccessful,
        Some(Mark::GainNotShown) | None => Fate::Ordinary,
    }
}
