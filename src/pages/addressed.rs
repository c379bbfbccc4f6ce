//! One line of a stored file by its address: a judged text, a search tree.

use super::query::Asked;
use super::{freshness, stages};
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::ids::RunId;
use assay_store::{self as store, RunView, Sign};

/// What the lines of a file are.
pub(super) struct Lines {
    pub role: &'static str,
    /// One of them, for a reader whose address names none.
    pub what: &'static str,
    /// Of a file.
    pub most: usize,
    /// All of them are read, for what stands beside the one.
    pub all: bool,
}

/// Of which run and stage the line is, and what has been read of its file.
pub(super) struct Addressed {
    pub run: RunView,
    pub question: String,
    pub sign: Sign,
    pub stage: String,
    /// The step of the file, and the line.
    pub at: (i64, usize),
    /// To the line at least, unless the file is broken before it.
    pub lines: Vec<String>,
    pub broken: Option<String>,
}

pub(super) async fn addressed(
    state: &AppState,
    id: RunId,
    name: &str,
    of: &Lines,
    asked: &mut Asked,
) -> Result<Addressed, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let filed = stages::filed(&mut conn, &run, of.role).await?;
    let sign = freshness::of_runs(&mut conn, std::slice::from_ref(&run)).await?;
    drop(conn);
    let missing = || Problem::not_found(of.what);
    let (step, line) = stages::address(name).ok_or_else(missing)?;
    let (chosen, _) = stages::chosen(&filed, asked).ok_or_else(missing)?;
    let file = chosen
        .files
        .iter()
        .find(|f| f.step == step)
        .filter(|_| line < of.most)
        .ok_or_else(missing)?;
    let wanted = if of.all { of.most } else { line + 1 };
    let (lines, broken) = stages::lines(state, file, wanted).await?;
    if lines.len() <= line && broken.is_none() {
        return Err(missing());
    }
    let stage = chosen.stage.name.clone();
    drop(filed);
    Ok(Addressed {
        run,
        question,
        sign,
        stage,
        at: (step, line),
        lines,
        broken,
    })
}
