//! `/api/v1/workers` and `/api/v1/jobs`.

use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use assay_store as store;
use serde::Deserialize;
use serde_json::json;

pub async fn workers(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let workers = store::list_workers(&mut *state.conn().await?).await?;
    Ok(HttpResponse::Ok().json(json!({ "workers": workers })))
}

#[derive(Deserialize)]
pub struct Limit {
    limit: Option<i64>,
}

pub async fn jobs(state: Data<AppState>, query: Query<Limit>) -> Result<HttpResponse, Problem> {
    let limit = query.limit.unwrap_or(100).clamp(1, 1_000);
    let jobs = store::list_jobs(&mut *state.conn().await?, limit).await?;
    Ok(HttpResponse::Ok().json(json!({ "jobs": jobs })))
}
