//! `/api/v1/experiments/{id}/failures` and `…/arms/{arm}/notes`: how attempts failed, in
//! numbers and in the words of those who ran them; `/api/v1/runs/{id}/notes`: their words on a
//! run.

use crate::body;
use crate::config::MAX_JSON_BYTES;
use crate::entering;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::denominator::{Denominator, denominator};
use assay_core::failure::FailureTable;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::note::{Note, RunNote};
use assay_core::outcome::outcome;
use assay_store as store;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Serialize, Deserialize)]
pub struct FailuresAnswer {
    pub experiment: ExperimentId,
    pub tables: Vec<FailureTable>,
    /// Of all runs, whatever became of them.
    pub denominator: Denominator,
    pub denominator_text: String,
}

pub async fn tables(
    state: Data<AppState>,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, *id).await?;
    let milestones = store::counted_milestones(&mut conn, *id).await?;
    let figures = store::run_figures(&mut conn, *id).await?;
    let decoders = store::decoder_figures(&mut conn, *id).await?;
    let rule = outcome(&view.spec, &figures, &decoders);
    let runs = store::list_runs(&mut conn, *id).await?;
    let exclusions = store::list_exclusions(&mut conn, *id).await?;
    let behind = denominator(store::fates(&runs, &exclusions), &rule, 0);
    Ok(HttpResponse::Ok().json(FailuresAnswer {
        experiment: view.id,
        tables: store::failure_tables(&mut conn, *id, &view.spec, &milestones).await?,
        denominator: behind,
        denominator_text: behind.to_string(),
    }))
}

/// Newest first.
pub async fn list(
    state: Data<AppState>,
    path: Path<(ExperimentId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, arm) = path.into_inner();
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, id).await?;
    if view.arms.iter().all(|a| a.key != arm) {
        return Err(Problem::not_found("arm"));
    }
    let mut notes = store::list_notes(&mut conn, id).await?;
    notes.retain(|note| note.arm == arm);
    Ok(HttpResponse::Ok().json(json!({ "notes": notes })))
}

pub async fn add(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(ExperimentId, String)>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let (id, arm) = path.into_inner();
    let note: Note = body::json(&request, payload, MAX_JSON_BYTES).await?;
    note.check().map_err(Problem::violations)?;
    let number = insert(&state, id, arm, note).await?;
    Ok(HttpResponse::Created().json(json!({ "id": number })))
}

pub async fn insert(
    state: &Data<AppState>,
    id: ExperimentId,
    arm: String,
    note: Note,
) -> Result<i64, Problem> {
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let number = store::insert_note(&mut tx, id, &arm, &note).await?;
            tx.commit().await?;
            Ok(number)
        })
        .await
}

/// Newest first.
pub async fn list_of_run(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let notes = store::list_run_notes(&mut conn, run.id).await?;
    Ok(HttpResponse::Ok().json(json!({ "notes": notes })))
}

pub async fn add_to_run(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let note: RunNote = body::json(&request, payload, MAX_JSON_BYTES).await?;
    let author = state.auth.author(&request);
    let number = entering::note_run(&state, *id, &note, author).await?;
    Ok(HttpResponse::Created().json(json!({ "id": number })))
}
