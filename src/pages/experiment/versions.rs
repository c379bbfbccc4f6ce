//! What was registered, and what has been said since: the frozen version beside the current
//! one, and how much was known when it was amended.

use super::Material;
use crate::entering;
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::amendment::Amendment;
use assay_core::ids::ExperimentId;
use assay_store::VersionView;

#[derive(Debug)]
pub(super) struct Versions {
    /// As it was registered; of version 1.
    pub hypothesis: Option<String>,
    /// When version 1 was frozen.
    pub frozen: String,
    pub amended: Option<Amended>,
    pub rows: Vec<VersionRow>,
    /// What the form begins with: the current words.
    pub current_question: String,
    pub current_hypothesis: String,
}

/// The current version, where it is not the first.
#[derive(Debug)]
pub(super) struct Amended {
    pub version: i32,
    /// `amended after 12 results were in`
    pub after: String,
    pub at: String,
    pub reason: String,
    pub note: String,
    /// The registered question, where another stands now.
    pub question: Option<String>,
    /// The current hypothesis, where it is another than the registered one.
    pub hypothesis: Option<String>,
}

#[derive(Debug)]
pub(super) struct VersionRow {
    pub version: i32,
    pub at: String,
    pub results: String,
    pub reason: String,
    pub author: String,
    pub sha256: String,
}

/// How much was known.
fn after(of: &VersionView) -> String {
    match of.results_before {
        0 => "amended before any result was in".into(),
        1 => "amended after 1 result was in".into(),
        n => format!("amended after {} were in", number::counted(n, "result")),
    }
}

/// For the lines that every file carries; nothing where nothing was amended.
pub(super) fn said(of: &Material) -> Option<String> {
    let (first, last) = (of.versions.first()?, of.versions.last()?);
    (last.version > first.version).then(|| {
        format!(
            "Question or hypothesis {}; version {}, frozen {}, has specification {}",
            after(last),
            first.version,
            number::moment(first.frozen_at),
            first.sha256
        )
    })
}

pub(super) fn versions(of: &Material) -> Versions {
    let first = of.versions.first();
    let spec = &of.view.spec;
    let current_hypothesis = spec.hypothesis.clone();
    Versions {
        hypothesis: match first {
            Some(first) => first.hypothesis.clone(),
            None => current_hypothesis.clone(),
        },
        frozen: number::moment(first.map_or(of.view.frozen_at, |v| v.frozen_at)),
        amended: amended(of),
        rows: of.versions.iter().map(row).collect(),
        current_question: of.view.question.clone(),
        current_hypothesis: current_hypothesis.unwrap_or_default(),
    }
}

fn amended(of: &Material) -> Option<Amended> {
    let (first, last) = (of.versions.first()?, of.versions.last()?);
    (last.version > first.version).then(|| Amended {
        version: last.version,
        after: after(last),
        at: number::moment(last.frozen_at),
        reason: last.reason.clone().unwrap_or_default(),
        note: last.note.clone(),
        question: (first.question != last.question).then(|| first.question.clone()),
        hypothesis: last
            .hypothesis
            .clone()
            .filter(|_| first.hypothesis != last.hypothesis),
    })
}

fn row(of: &VersionView) -> VersionRow {
    VersionRow {
        version: of.version,
        at: number::moment(of.frozen_at),
        results: number::integer(of.results_before),
        reason: match &of.reason {
            Some(reason) if of.note.is_empty() => reason.clone(),
            Some(reason) => format!("{reason} Note: {}", of.note),
            None => "registered".into(),
        },
        author: of.author.clone().unwrap_or_else(|| number::NONE.into()),
        sha256: of.sha256.clone(),
    }
}

pub async fn amend(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
    form: Form<Amendment>,
) -> Result<HttpResponse, Problem> {
    let author = state.auth.author(&request);
    entering::amend(&state, *id, &form, author).await?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, format!("/experiments/{id}#registered")))
        .finish())
}
