//! What people say of the run, and the form by which they say it. Notes are added, and never
//! changed or deleted.

use super::counting::{again, is_about_the_form};
use super::material::Material;
use crate::entering;
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Data, Form, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_core::note::{MOST, RunNote};

#[derive(Debug)]
pub(super) struct Noting {
    /// Newest first.
    pub notes: Vec<NoteRow>,
    /// Of one note, in characters.
    pub most: usize,
    /// Shown again where it could not be kept.
    pub text: String,
    pub wrong: Option<String>,
}

#[derive(Debug)]
pub(super) struct NoteRow {
    pub id: i64,
    pub at: String,
    pub author: String,
    pub text: String,
}

impl Noting {
    pub fn new(of: &Material) -> Self {
        let unkept = of.unkept.as_ref();
        Self {
            notes: of
                .notes
                .iter()
                .map(|n| NoteRow {
                    id: n.id,
                    at: number::moment(n.written_at),
                    author: n.author.clone().unwrap_or_default(),
                    text: n.note.text.clone(),
                })
                .collect(),
            most: MOST,
            text: unkept.map_or(String::new(), |r| r.reason.clone()),
            wrong: unkept.map(|r| r.why.clone()),
        }
    }
}

/// Keeps the note and goes back to the run's notes.
pub async fn note(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
    form: Form<RunNote>,
) -> Result<HttpResponse, Problem> {
    let note = form.into_inner();
    let author = state.auth.author(&request);
    match entering::note_run(&state, *id, &note, author).await {
        Ok(_) => Ok(HttpResponse::SeeOther()
            .insert_header((header::LOCATION, format!("/runs/{id}#notes")))
            .finish()),
        Err(problem) if is_about_the_form(&problem) => {
            let put = |of: &mut Material, refused| of.unkept = Some(refused);
            again(&state, &request, *id, note.text, &problem, put).await
        }
        Err(problem) => Err(problem),
    }
}
