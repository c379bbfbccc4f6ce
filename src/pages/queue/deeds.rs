//! What a form of the queue asks for: cancel a run, try it again, move a job.

use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Form};
use assay_core::ids::{RunId, StageId};
use assay_store::{self as store, Way};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct OfRun {
    run: RunId,
}

/// The pressed button's name says which way, its value which job.
#[derive(Debug, Deserialize)]
pub struct Moved {
    up: Option<StageId>,
    down: Option<StageId>,
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Cancel(RunId),
    Retry(RunId),
    Move(StageId, Way),
}

pub async fn cancel(state: Data<AppState>, form: Form<OfRun>) -> Result<HttpResponse, Problem> {
    doing(&state, Deed::Cancel(form.run), "/queue".into()).await
}

pub async fn retry(state: Data<AppState>, form: Form<OfRun>) -> Result<HttpResponse, Problem> {
    doing(&state, Deed::Retry(form.run), "/queue".into()).await
}

pub async fn move_job(state: Data<AppState>, form: Form<Moved>) -> Result<HttpResponse, Problem> {
    let (stage, way) = match (form.up, form.down) {
        (Some(stage), None) => (stage, Way::Earlier),
        (None, Some(stage)) => (stage, Way::Later),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::bad_request("a job is moved up or down"));
        }
    };
    let back = format!("/queue#job-{stage}");
    doing(&state, Deed::Move(stage, way), back).await
}

async fn doing(state: &Data<AppState>, deed: Deed, back: String) -> Result<HttpResponse, Problem> {
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            match deed {
                Deed::Cancel(run) => {
                    store::cancel_run(&mut tx, run).await?;
                }
                Deed::Retry(run) => {
                    if store::retry_failed(&mut tx, run).await? == 0 {
                        return Err(Problem::conflict("no stage of this run has failed"));
                    }
                }
                // At either end it stays where it is.
                Deed::Move(stage, way) => {
                    store::move_job(&mut tx, stage, way).await?;
                }
            }
            tx.commit().await?;
            Ok(())
        })
        .await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, back))
        .finish())
}
