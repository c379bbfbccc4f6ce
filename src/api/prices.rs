//! `/api/v1/prices`: what an hour of a device costs, dated and with its source.

use crate::body;
use crate::entering::{self, Entry};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use assay_store as store;
use serde_json::json;

const MAX_BYTES: usize = 16 << 10;

pub async fn list(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    let prices = store::list_prices(&mut *state.conn().await?).await?;
    Ok(HttpResponse::Ok().json(json!({ "prices": prices })))
}

pub async fn add(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let entry: Entry = body::json(&request, payload, MAX_BYTES).await?;
    let price = entry.check()?;
    let id = entering::add_price(&state, price).await?;
    Ok(HttpResponse::Created().json(json!({ "id": id })))
}
