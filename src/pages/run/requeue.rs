//! Queueing a run again by hand: what that takes away and what it discards, said before; its
//! story says it after.

use super::RunPage;
use super::counting::{Refused, is_about_the_form};
use super::material::{Material, material};
use crate::entering;
use crate::number;
use crate::pages::query::Asked;
use crate::pages::{html, words};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Data, Form};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_store::{JobState, RequeueView};
use serde::Deserialize;

/// The form as it is sent, from this page and from the queue's.
#[derive(Debug, Deserialize)]
pub struct Requeued {
    run: RunId,
    #[serde(default)]
    reason: String,
    /// Takes it away from a healthy worker too, whatever the word.
    force: Option<String>,
    /// The latest attempt that its page showed.
    attempt: Option<i32>,
}

#[derive(Debug)]
pub(super) struct Requeue {
    /// What it would concern and discard; none where it would be refused.
    pub lines: Vec<String>,
    pub title: &'static str,
    pub button: String,
    /// A healthy worker holds it: the latest attempt, which alone is taken away.
    pub by_force: Option<i32>,
    pub needs_reason: bool,
    /// Shown again where it was refused.
    pub reason: String,
    pub wrong: Option<String>,
}

impl Requeue {
    pub fn new(of: &Material) -> Self {
        let aims = &of.standing.requeue;
        let held = aims.iter().filter(|s| s.is_held);
        let by_force = held.map(|s| s.attempt).max();
        let has_failed = aims.iter().any(|s| s.state == JobState::Failed);
        let refused = of.not_requeued.as_ref();
        Self {
            lines: aims.iter().map(line).collect(),
            title: if by_force.is_some() {
                "Take it away from its worker and queue it again"
            } else if has_failed {
                "Queue it again, with one more attempt"
            } else {
                "Queue it again: its worker is silent"
            },
            button: match aims.as_slice() {
                [only] => format!("Requeue {}", words::going_on(only)),
                _ => "Requeue".into(),
            },
            by_force,
            needs_reason: aims.iter().any(RequeueView::needs_reason),
            reason: refused.map_or(String::new(), |r| r.reason.clone()),
            wrong: refused.map(|r| r.why.clone()),
        }
    }
}

fn line(of: &RequeueView) -> String {
    let who = of.worker_name.as_deref().unwrap_or("a worker");
    let stands = match of.silent_seconds {
        Some(seconds) => format!(
            "on {who}, heard of {} ago",
            number::lasting(seconds.max(0.0) as i64)
        ),
        None if of.failures == 0 => "given up".into(),
        None => format!("failed {}", number::counted(of.failures.into(), "time")),
    };
    format!(
        "{}, attempt {} ({stands}): goes on {}; {}",
        of.name,
        of.attempt,
        words::going_on(of),
        of.discards()
    )
}

/// Queues it and goes to its story, where the newest line says what was done; a refusal is
/// said on the run's page, with the words that were entered.
pub async fn requeue(
    state: Data<AppState>,
    request: HttpRequest,
    form: Form<Requeued>,
) -> Result<HttpResponse, Problem> {
    let Requeued {
        run,
        reason,
        force,
        attempt,
    } = form.into_inner();
    match entering::requeue(&state, run, force.is_some(), &reason, attempt).await {
        Ok(_) => Ok(HttpResponse::SeeOther()
            .insert_header((header::LOCATION, format!("/runs/{run}#timeline")))
            .finish()),
        Err(problem) if is_about_the_form(&problem) => {
            again(&state, &request, run, reason, &problem).await
        }
        Err(problem) => Err(problem),
    }
}

async fn again(
    state: &AppState,
    request: &HttpRequest,
    run: RunId,
    reason: String,
    problem: &Problem,
) -> Result<HttpResponse, Problem> {
    let mut of = material(state, run, &mut Asked::default()).await?;
    let first = problem.errors.first();
    of.not_requeued = Some(Refused {
        reason,
        why: first.map_or(problem.detail.clone(), |e| e.message.clone()),
    });
    let mut shell = super::shell(state, request, &of);
    // The address is the form's, which only answers what is sent to it.
    shell.url = format!("/runs/{run}");
    shell.live = None;
    let mut answer = html(&RunPage::new(shell, &of))?;
    *answer.status_mut() = problem.status;
    Ok(answer)
}
