//! `/api/v1/references`: what others have published, with source and version.

use crate::problem::Problem;
use actix_web::HttpResponse;
use assay_core::reference;

pub async fn list() -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(reference::library()))
}
