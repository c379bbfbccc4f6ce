//! `/api/v1/runs/{id}/exclude` and `/include`: which runs count. Nothing is deleted.

use crate::body;
use crate::entering::{self, Decision};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_store as store;
use serde::Deserialize;
use serde_json::json;

const MAX_BYTES: usize = 16 << 10;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Because {
    #[serde(default)]
    pub reason: String,
}

pub async fn exclude(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    id: Path<RunId>,
) -> Result<HttpResponse, Problem> {
    answer(&state, request, payload, *id, Decision::Exclude).await
}

pub async fn include(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    id: Path<RunId>,
) -> Result<HttpResponse, Problem> {
    answer(&state, request, payload, *id, Decision::Include).await
}

async fn answer(
    state: &Data<AppState>,
    request: HttpRequest,
    payload: Payload,
    run: RunId,
    decision: Decision,
) -> Result<HttpResponse, Problem> {
    // A reason is asked for by name, whatever else is wrong with an empty body.
    let because: Because = body::json_if_any(&request, payload, MAX_BYTES).await?;
    let experiment = entering::decide(state, run, decision, &because.reason).await?;
    let exclusions = store::list_exclusions(&mut *state.conn().await?, experiment).await?;
    let own: Vec<_> = exclusions.into_iter().filter(|e| e.run == run).collect();
    Ok(HttpResponse::Ok().json(json!({
        "run": run,
        "excluded": decision == Decision::Exclude,
        "history": own,
    })))
}
