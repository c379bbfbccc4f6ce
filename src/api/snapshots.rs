//! `/api/v1/experiments/{id}/snapshots`: states that were kept for citations. They are kept on
//! the experiment's page; there is no route that changes or deletes one.

use crate::problem::Problem;
use crate::snapshots;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use assay_core::ids::ExperimentId;
use assay_store as store;
use serde_json::json;

pub async fn list(state: Data<AppState>, id: Path<ExperimentId>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, *id).await?;
    let kept = store::list_snapshots(&mut conn, view.id).await?;
    Ok(HttpResponse::Ok().json(json!({ "experiment": view.id, "snapshots": kept })))
}

pub async fn one(
    state: Data<AppState>,
    path: Path<(ExperimentId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, hash) = path.into_inner();
    let start = snapshots::start(&hash)
        .ok_or_else(|| Problem::bad_request("8 to 64 hexadecimal digits name a kept state"))?;
    let row = store::find_snapshot(&mut *state.conn().await?, id, &start).await?;
    let row = row.ok_or_else(|| Problem::not_found("kept state of this experiment"))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(snapshots::exported(row).await?))
}
