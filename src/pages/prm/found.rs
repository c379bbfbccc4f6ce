//! A judged text by its address.

use super::{Read, read};
use crate::pages::addressed::{Addressed, Lines, addressed};
use crate::pages::query::Asked;
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::ids::RunId;
use assay_core::judged::MOST_JUDGED;
use assay_core::wire::role;
use assay_store::{RunView, Sign};

const TEXTS: Lines = Lines {
    role: role::JUDGED,
    what: "judged text",
    most: MOST_JUDGED,
    all: true,
};

/// A text by its address: of which run and stage, and all texts of its file.
pub(super) struct Found {
    pub run: RunView,
    pub question: String,
    pub sign: Sign,
    pub stage: String,
    /// The step of the file, and the line of the text.
    pub at: (i64, usize),
    pub all: Vec<Read>,
}

pub(super) async fn found(
    state: &AppState,
    id: RunId,
    name: &str,
    asked: &mut Asked,
) -> Result<Found, Problem> {
    let Addressed {
        run,
        question,
        sign,
        stage,
        at,
        lines,
        ..
    } = addressed(state, id, name, &TEXTS, asked).await?;
    Ok(Found {
        run,
        question,
        sign,
        stage,
        at,
        all: lines.iter().map(|line| read(line)).collect(),
    })
}
