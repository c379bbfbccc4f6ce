//! `/api/v1/experiments/{id}/amendments`: versions of a registered experiment. The first stays
//! as it is; there is no route that changes or deletes one.

use crate::body;
use crate::entering;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::amendment::Amendment;
use assay_core::ids::ExperimentId;
use assay_store as store;
use serde_json::json;

const MAX_BYTES: usize = 64 << 10;

pub async fn list(state: Data<AppState>, id: Path<ExperimentId>) -> Result<HttpResponse, Problem> {
    let versions = store::list_versions(&mut *state.conn().await?, *id).await?;
    if versions.is_empty() {
        return Err(Problem::not_found("experiment"));
    }
    Ok(HttpResponse::Ok().json(json!({ "experiment": *id, "versions": versions })))
}

pub async fn add(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let amendment: Amendment = body::json(&request, payload, MAX_BYTES).await?;
    let author = state.auth.author(&request);
    let version = entering::amend(&state, *id, &amendment, author).await?;
    Ok(HttpResponse::Created().json(version))
}
