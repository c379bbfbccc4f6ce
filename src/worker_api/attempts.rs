//! What the holder of an attempt reports.

use crate::body;
use crate::config::{MAX_JSON_BYTES, MAX_RECORDS_BYTES};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::{AttemptRef, StageId};
use assay_core::wire::{FinishRequest, HeartbeatRequest, RecordAnswer, RecordBatch};
use assay_store as store;

/// Stage and number, as they stand in the address.
type Address = Path<(StageId, i32)>;

fn attempt(address: &Address) -> AttemptRef {
    let (stage, number) = **address;
    AttemptRef { stage, number }
}

pub async fn heartbeat(
    state: Data<AppState>,
    address: Address,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let beat: HeartbeatRequest = body::json(&request, payload, MAX_JSON_BYTES).await?;
    let attempt = attempt(&address);
    let state = state.into_inner();
    let inner = state.clone();
    let answer = state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let answer = store::heartbeat(&mut tx, beat.worker, attempt, beat.step).await?;
            if let Some(lines) = &beat.log {
                store::keep_log(&mut tx, beat.worker, attempt, lines).await?;
            }
            if let Some(load) = &beat.load {
                store::keep_load(&mut tx, beat.worker, load).await?;
            }
            tx.commit().await?;
            Ok(answer)
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

pub async fn records(
    state: Data<AppState>,
    address: Address,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let batch: RecordBatch = body::json(&request, payload, MAX_RECORDS_BYTES).await?;
    let attempt = attempt(&address);
    let state = state.into_inner();
    let inner = state.clone();
    let last_seq = state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let last = store::append_records(
                &mut tx,
                batch.worker,
                attempt,
                batch.first_seq,
                &batch.records,
            )
            .await?;
            tx.commit().await?;
            Ok(last)
        })
        .await?;
    Ok(HttpResponse::Ok().json(RecordAnswer { last_seq }))
}

pub async fn finish(
    state: Data<AppState>,
    address: Address,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let end: FinishRequest = body::json(&request, payload, MAX_JSON_BYTES).await?;
    let attempt = attempt(&address);
    let state = state.into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            store::finish(&mut tx, end.worker, attempt, end.last_seq, &end.outcome).await?;
            tx.commit().await?;
            Ok(())
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
