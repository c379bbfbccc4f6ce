//! A judged text by its address.

use super::{Read, read};
use crate::pages::query::Asked;
use crate::pages::{freshness, stages};
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::ids::RunId;
use assay_core::judged::MOST_JUDGED;
use assay_core::wire::role;
use assay_store::{self as store, RunView, Sign};

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
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let filed = stages::filed(&mut conn, &run, role::JUDGED).await?;
    let sign = freshness::of_runs(&mut conn, std::slice::from_ref(&run)).await?;
    drop(conn);
    let missing = || Problem::not_found("judged text");
    let (step, line) = stages::address(name).ok_or_else(missing)?;
    let (chosen, _) = stages::chosen(&filed, asked).ok_or_else(missing)?;
    let file = chosen
        .files
        .iter()
        .find(|f| f.step == step)
        .filter(|_| line < MOST_JUDGED)
        .ok_or_else(missing)?;
    let (lines, broken) = stages::lines(state, file, MOST_JUDGED).await?;
    if lines.len() <= line && broken.is_none() {
        return Err(missing());
    }
    let stage = chosen.stage.name.clone();
    drop(filed);
    Ok(Found {
        run,
        question,
        sign,
        stage,
        at: (step, line),
        all: lines.iter().map(|line| read(line)).collect(),
    })
}
