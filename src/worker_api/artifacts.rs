//! Files by their hash, up and down.

use crate::artifacts::{Name, publish};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::header;
use actix_web::web::{Data, Path, Payload};
use assay_store as store;
use serde_json::json;

/// Idempotent: the same content twice is stored once.
pub async fn put(
    state: Data<AppState>,
    name: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let name: Name = name.parse()?;
    let draft = state.artifacts.receive(name.clone(), payload).await?;
    let state = state.into_inner();
    let bytes = state.detached(publish(state.clone(), draft)).await?;
    Ok(HttpResponse::Created().json(json!({ "sha256": name.as_str(), "bytes": bytes })))
}

pub async fn get(state: Data<AppState>, name: Path<String>) -> Result<HttpResponse, Problem> {
    let name: Name = name.parse()?;
    let (bytes, chunks) = state.artifacts.read(&name).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"))
        .insert_header((header::CONTENT_DISPOSITION, "attachment"))
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header((header::ETAG, format!("\"{}\"", name.as_str())))
        .body(SizedStream::new(bytes, chunks)))
}

/// 404 unless both the row and the whole file are there: an answer to "need I upload it?".
pub async fn head(state: Data<AppState>, name: Path<String>) -> Result<HttpResponse, Problem> {
    let name: Name = name.parse()?;
    let known = store::find_artifact(&mut *state.conn().await?, name.as_str()).await?;
    let there = tokio::fs::metadata(state.artifacts.path(&name))
        .await
        .map(|m| m.len())
        .ok();
    match (known, there) {
        (Some(known), Some(there)) if known == there => Ok(HttpResponse::Ok()
            .insert_header((header::ETAG, format!("\"{}\"", name.as_str())))
            .insert_header(("x-artifact-bytes", there.to_string()))
            .finish()),
        (_, _) => Err(Problem::not_found("artifact")),
    }
}
