//! Is this server of use?

use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

/// Answers 200 while the database answers.
pub async fn healthz(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    // The pool asks the server before it gives a connection away.
    state.conn().await?;
    Ok(HttpResponse::Ok().json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
    })))
}
