//! The forms by which a run is left out of the comparison, or counted again.

use crate::entering::{self, Decision};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Form, Path};
use assay_core::ids::{ExperimentId, RunId};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct Decided {
    run: RunId,
    #[serde(default)]
    reason: String,
}

pub async fn exclude(
    state: Data<AppState>,
    id: Path<ExperimentId>,
    form: Form<Decided>,
) -> Result<HttpResponse, Problem> {
    decide(&state, *id, &form, Decision::Exclude).await
}

pub async fn include(
    state: Data<AppState>,
    id: Path<ExperimentId>,
    form: Form<Decided>,
) -> Result<HttpResponse, Problem> {
    decide(&state, *id, &form, Decision::Include).await
}

async fn decide(
    state: &Data<AppState>,
    id: ExperimentId,
    form: &Decided,
    decision: Decision,
) -> Result<HttpResponse, Problem> {
    let run = assay_store::get_run(&mut *state.conn().await?, form.run).await?;
    if run.experiment != id {
        return Err(Problem::not_found("run in this experiment"));
    }
    entering::decide(state, form.run, decision, &form.reason).await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, format!("/experiments/{id}#excluded")))
        .finish())
}
