//! `/api/v1/openapi.json`: the interface, for programs that read descriptions.

use crate::description::openapi::document;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::web::Data;

pub async fn read(state: Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(document(state.auth.required))
}
