//! Registering, and waiting for work.

use crate::body;
use crate::config::MAX_JSON_BYTES;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::WorkerId;
use assay_core::load::Load;
use assay_core::violation::{Violation, Violations};
use assay_core::wire::{
    Claim, ClaimRequest, HEARTBEAT_SECONDS, LEASE_SECONDS, Register, Registered,
};
use assay_store as store;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MAX_WAIT: Duration = Duration::from_secs(60);
/// Between two looks at the queue where no news comes: jobs that wait for their retry.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub async fn register(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let register: Register = body::json(&request, payload, MAX_JSON_BYTES).await?;
    check(&register)?;
    let state = state.into_inner();
    let inner = state.clone();
    let worker = state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let worker = store::register_worker(&mut tx, &register).await?;
            tx.commit().await?;
            Ok(worker)
        })
        .await?;
    Ok(HttpResponse::Ok().json(Registered {
        worker,
        heartbeat_seconds: HEARTBEAT_SECONDS,
        lease_seconds: LEASE_SECONDS,
    }))
}

fn check(register: &Register) -> Result<(), Problem> {
    let mut violations = vec![];
    let length = register.name.chars().count();
    if !(1..=120).contains(&length) || register.name.chars().any(char::is_control) {
        violations.push(Violation::new(
            "/name",
            "must be 1 to 120 printable characters",
        ));
    }
    if !(1..=1024).contains(&register.threads) {
        violations.push(Violation::new("/threads", "must be between 1 and 1024"));
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Violations(violations).into())
    }
}

/// Long poll. No transaction is held while waiting.
pub async fn claim(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let asked: ClaimRequest = body::json(&request, payload, MAX_JSON_BYTES).await?;
    let deadline = Instant::now() + Duration::from_secs(asked.wait_seconds).min(MAX_WAIT);
    let state = state.into_inner();
    if let Some(load) = asked.load {
        state
            .detached(keep_load(state.clone(), asked.worker, load))
            .await?;
    }
    loop {
        let woken = state.live.job_or_closing();
        tokio::pin!(woken);
        // From here on no news is missed.
        woken.as_mut().enable();
        let look = once(state.clone(), asked.worker, asked.free_threads);
        if let Some(claim) = state.detached(look).await? {
            return Ok(HttpResponse::Ok().json(claim));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || state.live.is_closing() {
            return Ok(HttpResponse::NoContent().finish());
        }
        // Late or early makes no difference here.
        let _ = tokio::time::timeout(left.min(LOOK_EVERY), woken).await;
    }
}

async fn keep_load(state: Arc<AppState>, worker: WorkerId, load: Load) -> Result<(), Problem> {
    let mut tx = state.begin().await?;
    store::keep_load(&mut tx, worker, &load).await?;
    tx.commit().await?;
    Ok(())
}

async fn once(
    state: Arc<AppState>,
    worker: WorkerId,
    free_threads: u32,
) -> Result<Option<Claim>, Problem> {
    let mut tx = state.begin().await?;
    let claim = store::claim(&mut tx, worker, free_threads).await?;
    tx.commit().await?;
    Ok(claim)
}
