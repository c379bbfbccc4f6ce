//! A person's word on the grader.

use crate::pages::query::link;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Form, Path};
use assay_core::ids::RunId;
use assay_store::{self as store, GraderVerdict, Place};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Word {
    stage: String,
    step: i64,
    group: i32,
    index: i32,
    verdict: String,
    #[serde(default)]
    reason: String,
}

/// Keeps it, and goes back to the completion. Foreign pages are kept out as on every
/// unsafe method.
pub async fn contest(
    state: Data<AppState>,
    id: Path<RunId>,
    word: Form<Word>,
) -> Result<HttpResponse, Problem> {
    let word = word.into_inner();
    let verdict: GraderVerdict = word
        .verdict
        .parse()
        .map_err(|e: String| Problem::bad_request(e))?;
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let stage = run
        .stages
        .iter()
        .find(|s| s.name == word.stage)
        .ok_or_else(|| Problem::not_found("stage in this run"))?;
    let place = Place {
        step: word.step,
        group: word.group,
        index: word.index,
    };
    store::insert_contest(&mut conn, stage.stage, place, verdict, &word.reason).await?;
    let query = link([
        ("stage", word.stage.as_str()),
        ("step", &word.step.to_string()),
    ]);
    let to = format!(
        "/runs/{}/samples{query}#s{}-g{}-i{}",
        run.id, word.step, word.group, word.index
    );
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, to))
        .finish())
}
