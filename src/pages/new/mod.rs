//! `/experiments/new`: what will I run, against what, at what cost? A preset or an earlier
//! experiment gives the file, the form its answers; the file itself can be written as well.

mod base;
mod controls;
mod estimate;
mod fields;
mod part;
mod recipe;
mod values;

use super::query::Asked;
use super::{Shell, filters};
use crate::body;
use crate::entering;
use crate::presets;
use crate::problem::{Problem, kind};
use crate::state::AppState;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::canonical;
use assay_core::spec::experiment::MAX_FILE_BYTES;
use assay_core::spec::{Experiment, overlay};
use assay_core::violation::{Violation, Violations};
use base::{Base, Size};
use controls::{
    ArmControl, AttemptControl, Control, Look, RecipeRow, beside, controls, recipe_rows, role,
};
use estimate::{EstimateView, estimated};
use fields::Fields;
use part::Part;
use recipe::ASKED;
use serde_json::Value;

/// A file of YAML at its largest, every character escaped.
const MAX_BYTES: usize = 4 << 20;

/// One line of the choice of presets.
struct PresetLine {
    name: &'static str,
    question: String,
    full: bool,
}

/// A line of the summary on top: where it leads, and what is wrong.
struct Wrong {
    href: String,
    text: String,
}

#[derive(Template)]
#[template(path = "new/page.html")]
struct NewPage {
    shell: Shell,
    presets: Vec<PresetLine>,
    base: String,
    base_said: String,
    key: String,
    wrong: Vec<Wrong>,
    /// Something else that has to be said first.
    notice: Option<String>,
    controls: Vec<Control>,
    arms: Vec<ArmControl>,
    arms_errors: Vec<String>,
    attempts: Vec<AttemptControl>,
    /// Headings of the parameters, and those of each stage.
    asked: Vec<&'static str>,
    recipe: Vec<RecipeRow>,
    /// Something in them was changed or is wrong.
    recipe_open: bool,
    estimate: Option<EstimateView>,
    yaml: String,
    yaml_errors: Vec<String>,
    /// The file was edited by hand, so it is what the page is about.
    raw: bool,
}

/// What a page is made of.
#[derive(Default)]
struct Draft {
    base: Option<Base>,
    fields: Option<Fields>,
    yaml: String,
    raw: bool,
    violations: Vec<Violation>,
    estimate: Option<EstimateView>,
    notice: Option<String>,
}

impl NewPage {
    fn new(shell: Shell, of: Draft) -> Self {
        let fields = of.fields.clone().unwrap_or_default();
        let placed: Vec<(Option<String>, &Violation)> = of
            .violations
            .iter()
            .map(|v| (fields.place(&v.pointer).filter(|_| !of.raw), v))
            .collect();
        let errors = |id: &str| -> Vec<String> {
            let own = placed
                .iter()
                .filter(|(place, _)| place.as_deref() == Some(id));
            own.map(|(_, v)| beside(id, v)).collect()
        };
        let recipe = recipe_rows(&fields, &errors);
        let wrong = |row: &RecipeRow| row.cells.iter().flatten().any(|c| !c.errors.is_empty());
        let elsewhere = placed.iter().filter(|(place, _)| place.is_none());
        Self {
            shell,
            presets: presets::ALL
                .iter()
                .map(|preset| PresetLine {
                    name: preset.name,
                    question: preset.question(),
                    full: preset.has_full_size(),
                })
                .collect(),
            base: of.base.as_ref().map_or(String::new(), Base::word),
            base_said: of.base.as_ref().map_or(String::new(), Base::said),
            key: uuid::Uuid::now_v7().to_string(),
            wrong: placed
                .iter()
                .map(|(place, v)| Wrong {
                    href: match place {
                        Some(place) => format!("#f-{place}"),
                        None => "#f-yaml".into(),
                    },
                    text: v.to_string(),
                })
                .collect(),
            notice: of.notice,
            controls: if of.base.is_some() {
                controls(&fields, &errors)
            } else {
                vec![]
            },
            arms_errors: errors("arms"),
            arms: fields
                .arms
                .iter()
                .map(|arm| ArmControl {
                    id: arm.id.clone(),
                    label: arm.label.clone(),
                    ticked: arm.ticked,
                    role: role(&fields, &arm.id),
                    errors: errors(&format!("arm-{}", arm.id)),
                })
                .collect(),
            attempts: fields
                .attempts
                .iter()
                .map(|attempt| AttemptControl {
                    role: attempt.role.clone(),
                    arm: attempt.arm.clone(),
                    is_run: fields.is_run(attempt),
                    offered: attempt.offered,
                    reason: attempt.reason.clone(),
                    errors: errors(&format!("reason-{}", attempt.role)),
                })
                .collect(),
            asked: ASKED.iter().map(|(_, words)| *words).collect(),
            recipe_open: recipe.iter().any(wrong) || fields.recipe.iter().any(|f| f.is_changed()),
            recipe,
            estimate: of.estimate,
            yaml_errors: elsewhere.map(|(_, v)| v.to_string()).collect(),
            yaml: of.yaml,
            raw: of.raw,
        }
    }

    fn respond(&self, status: StatusCode) -> Result<HttpResponse, Problem> {
        let body = self.render().map_err(Problem::internal)?;
        Ok(HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .body(body))
    }
}

/// The form's answers in the frame of a file, with those that were sent, off the event loop.
async fn answers(file: Value, sent: Option<Vec<(String, String)>>) -> Result<Fields, Problem> {
    tokio::task::spawn_blocking(move || match sent {
        Some(sent) => Fields::read(&file, &sent),
        None => Fields::of(&file),
    })
    .await
    .map_err(Problem::internal)
}

async fn read(file: Value) -> Result<Result<Experiment, Violations>, Problem> {
    tokio::task::spawn_blocking(move || Experiment::from_value(&file))
        .await
        .map_err(Problem::internal)
}

/// What somebody has typed, off the event loop.
async fn written(text: String) -> Result<Result<Value, Violations>, Problem> {
    let broken = |message: String| Violations(vec![Violation::new("", message)]);
    if text.len() > MAX_FILE_BYTES {
        return Ok(Err(broken(format!("larger than {MAX_FILE_BYTES} bytes"))));
    }
    let read = tokio::task::spawn_blocking(move || overlay::read(&text))
        .await
        .map_err(Problem::internal)?;
    Ok(read.map_err(|e| broken(format!("not valid YAML or JSON: {e}"))))
}

fn shell(state: &AppState, request: &HttpRequest) -> Shell {
    Shell::new(state, request, "New experiment").crumb("/", "Experiments")
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let size = asked.choose("size", &[("full", Size::Full), ("demo", Size::Demo)]);
    let preset = asked.text("preset").and_then(|name| {
        let found = Base::preset(&name, size.unwrap_or(Size::Demo));
        if found.is_none() {
            asked.refuse("preset", &name);
        }
        found
    });
    let from = asked.text("from").and_then(|text| {
        let found = text.parse().ok().map(Base::Experiment);
        if found.is_none() {
            asked.refuse("from", &text);
        }
        found
    });
    let part = Part::read(&mut asked);
    let mut draft = Draft::default();
    if let Some(base) = from.or(preset) {
        draft.yaml = base.text(&state).await?;
        let mut file = overlay::read(&draft.yaml).map_err(Problem::internal)?;
        let mut fields = answers(file.clone(), None).await?;
        if part.is_asked() {
            part.choose(&file, &base.said(), &mut fields, &mut asked);
            file = fields.lay_over(&file);
            draft.yaml = overlay::write(&file).map_err(Problem::internal)?;
        }
        draft.fields = Some(fields);
        match read(file).await? {
            Ok(experiment) => draft.estimate = Some(estimated(&state, experiment).await?),
            Err(violations) => draft.violations = violations.0,
        }
        draft.base = Some(base);
    } else if part.is_asked() {
        asked.refuse("only, seeds", "of no preset and no experiment");
    }
    let mut shell = shell(&state, &request);
    shell.ignored = asked.ignored();
    NewPage::new(shell, draft).respond(StatusCode::OK)
}

/// What the pressed button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Estimate,
    Submit,
}

pub async fn submit(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let bytes = body::read(&request, payload, MAX_BYTES).await?;
    let text = String::from_utf8(bytes).map_err(|_| Problem::bad_request("not UTF-8"))?;
    let sent = Query::<Vec<(String, String)>>::from_query(&text)
        .map_err(|e| Problem::bad_request(format!("the form cannot be read: {e}")))?
        .into_inner();
    let value = |key: &str| {
        sent.iter()
            .rfind(|(k, _)| k == key)
            .map(|(_, v)| v.as_str())
    };
    let wish = match value("do") {
        Some("submit") => Wish::Submit,
        Some(_) | None => Wish::Estimate,
    };
    let base = value("base").and_then(Base::parse);
    let mut draft = Draft::default();
    let file = match (value("yaml"), &base) {
        // The file as it was written.
        (Some(yaml), _) => {
            draft.raw = true;
            draft.yaml = yaml.replace("\r\n", "\n");
            if let Some(base) = &base {
                draft.fields = Some(answers(base.file(&state).await?, None).await?);
            }
            written(draft.yaml.clone()).await?
        }
        (None, Some(base)) => {
            let file = base.file(&state).await?;
            let fields = answers(file.clone(), Some(sent.clone())).await?;
            let laid = fields.lay_over(&file);
            draft.yaml = overlay::write(&laid).map_err(Problem::internal)?;
            draft.fields = Some(fields);
            Ok(laid)
        }
        (None, None) => return Err(Problem::bad_request("the form names no preset and no file")),
    };
    draft.base = base;
    let read = match file {
        Ok(file) => {
            let sha256 = canonical::sha256(&file);
            read(file).await?.map(|experiment| (experiment, sha256))
        }
        Err(violations) => Err(violations),
    };
    let mut status = StatusCode::OK;
    match read {
        Err(violations) => {
            status = StatusCode::UNPROCESSABLE_ENTITY;
            draft.violations = violations.0;
        }
        Ok((experiment, sha256)) if wish == Wish::Submit => {
            let key = value("key").filter(|k| (1..=255).contains(&k.len()));
            let key = key.map(|k| format!("form-{k}"));
            match entering::enter(&state, experiment.clone(), key, sha256).await {
                Ok((id, _)) => {
                    return Ok(HttpResponse::SeeOther()
                        .insert_header((header::LOCATION, format!("/experiments/{id}")))
                        .finish());
                }
                Err(problem) if problem.kind == kind::KEY_REUSED => {
                    status = StatusCode::CONFLICT;
                    draft.notice = Some(
                        "This form has been submitted before, with other answers. Submit again to make another experiment of these.".into(),
                    );
                    draft.estimate = Some(estimated(&state, experiment).await?);
                }
                Err(problem) => return Err(problem),
            }
        }
        Ok((experiment, _)) => draft.estimate = Some(estimated(&state, experiment).await?),
    }
    NewPage::new(shell(&state, &request), draft).respond(status)
}

#[cfg(test)]
mod tests;
