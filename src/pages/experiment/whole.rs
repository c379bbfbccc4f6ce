//! `/experiments/{id}.csv` and `.json`: all of the page's numbers.

use super::carried::Carried;
use super::material::{Material, Needs};
use super::view::{self, Wanted};
use super::{export, kept};
use crate::pages::query::Asked;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::ExperimentId;

/// Every arm and number; whatever else the link says is named as ignored.
async fn whole(
    state: &AppState,
    request: &HttpRequest,
    id: ExperimentId,
) -> Result<(Material, Carried), Problem> {
    let mut asked = Asked::read(request.query_string());
    let snap = view::cited_in(&mut asked);
    let of = kept::cited(state, id, snap.as_deref(), |_| Needs::default()).await?;
    let mut wanted = Wanted::new(of.view.spec.budget.unit);
    wanted.snap = snap;
    let carried = Carried::cited(&of, &wanted)?.ignoring(asked.ignored());
    Ok((of, carried))
}

pub async fn csv(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let (of, carried) = whole(&state, &request, *id).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"{id}.csv\""),
        ))
        .body(export::file(&of, &carried)))
}

pub async fn json(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let (of, carried) = whole(&state, &request, *id).await?;
    Ok(HttpResponse::Ok().json(export::whole(&of, &carried)))
}
