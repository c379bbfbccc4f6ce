//! Whether the run counts in the comparison, and the form by which somebody says so.
//! Nothing is deleted: every decision stays, with its reason.

use super::RunPage;
use super::material::{Material, material};
use crate::entering::{self, Decision};
use crate::number;
use crate::pages::html;
use crate::pages::query::Asked;
use crate::problem::{Problem, kind};
use crate::state::AppState;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_store::ExclusionEvent;
use serde::Deserialize;

/// The form as it is sent.
#[derive(Debug, Deserialize)]
pub struct Decided {
    decision: Decision,
    #[serde(default)]
    reason: String,
}

/// What was sent and could not be kept.
#[derive(Debug)]
pub(super) struct Refused {
    pub reason: String,
    pub why: String,
}

#[derive(Debug)]
pub(super) struct Counting {
    /// Since when it is left out, and why.
    pub left_out: Option<(String, String)>,
    /// Decisions that no longer hold, newest first.
    pub past: Vec<Past>,
    /// Shown again where it could not be kept.
    pub reason: String,
    pub wrong: Option<String>,
}

#[derive(Debug)]
pub(super) struct Past {
    pub at: String,
    pub what: &'static str,
    pub reason: String,
}

impl Counting {
    pub fn new(of: &Material) -> Self {
        let past = of.decisions.iter().rev().filter(|d| !d.is_in_force());
        let refused = of.refused.as_ref();
        Self {
            left_out: of
                .decisions
                .iter()
                .find(|d| d.is_in_force())
                .map(|d| (number::moment(d.at), d.reason.clone())),
            past: past.map(said).collect(),
            reason: refused.map_or(String::new(), |r| r.reason.clone()),
            wrong: refused.map(|r| r.why.clone()),
        }
    }
}

fn said(of: &ExclusionEvent) -> Past {
    Past {
        at: number::moment(of.at),
        what: match of.excluded {
            true => "left out",
            false => "counted again",
        },
        reason: of.reason.clone(),
    }
}

/// Keeps the decision and goes back to the run; what is wrong with it is said on the page,
/// with the words that were entered. Foreign pages are kept out as on every unsafe method.
pub async fn decide(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
    form: Form<Decided>,
) -> Result<HttpResponse, Problem> {
    let Decided { decision, reason } = form.into_inner();
    match entering::decide(&state, *id, decision, &reason).await {
        Ok(_) => Ok(HttpResponse::SeeOther()
            .insert_header((header::LOCATION, format!("/runs/{id}#counts")))
            .finish()),
        Err(problem) if is_about_the_form(&problem) => {
            let put = |of: &mut Material, refused| of.refused = Some(refused);
            again(&state, &request, *id, reason, &problem, put).await
        }
        Err(problem) => Err(problem),
    }
}

pub(super) fn is_about_the_form(problem: &Problem) -> bool {
    problem.kind == kind::VIOLATIONS || problem.status == StatusCode::CONFLICT
}

/// The page once more, with what was sent to it and why that was not kept.
pub(super) async fn again(
    state: &AppState,
    request: &HttpRequest,
    id: RunId,
    reason: String,
    problem: &Problem,
    put: fn(&mut Material, Refused),
) -> Result<HttpResponse, Problem> {
    let mut of = material(state, id, &mut Asked::default()).await?;
    let first = problem.errors.first();
    let refused = Refused {
        reason,
        why: first.map_or(problem.detail.clone(), |e| e.message.clone()),
    };
    put(&mut of, refused);
    let mut shell = super::shell(state, request, &of);
    // The address may be one that only answers what is sent to it.
    shell.url = format!("/runs/{id}");
    // What was entered must not be swept away by news.
    shell.live = None;
    let mut answer = html(&RunPage::new(shell, &of))?;
    *answer.status_mut() = problem.status;
    Ok(answer)
}
