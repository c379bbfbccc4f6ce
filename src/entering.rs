//! What people enter, whether through REST or a form on a page: experiments, amendments,
//! decisions about runs, notes on them, prices. Checked here, once.

use crate::problem::{Problem, kind};
use crate::state::AppState;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use assay_core::amendment::Amendment;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::note::RunNote;
use assay_core::spec::Experiment;
use assay_core::violation::{Violation, Violations};
use assay_store::{self as store, NewPrice, RequeueView, VersionView};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const MAX_REASON: usize = 500;

/// An experiment in one transaction: nothing is ever half-created. False where the key
/// has entered it before.
///
/// # Errors
/// 409 where the key was used with another body.
pub async fn enter(
    state: &Data<AppState>,
    experiment: Experiment,
    key: Option<String>,
    body_sha256: String,
) -> Result<(ExperimentId, bool), Problem> {
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            if let Some(key) = &key
                && let Some(used) = store::lock_key(&mut tx, key).await?
            {
                if used.body_sha256 == body_sha256 {
                    return Ok((used.experiment, false));
                }
                return Err(Problem::of(
                    kind::KEY_REUSED,
                    StatusCode::CONFLICT,
                    "this Idempotency-Key was used with another body",
                ));
            }
            let id = store::insert_experiment(&mut tx, &experiment, None).await?;
            if let Some(key) = &key {
                let used = store::UsedKey {
                    body_sha256,
                    experiment: id,
                };
                store::insert_key(&mut tx, key, &used).await?;
            }
            tx.commit().await?;
            Ok((id, true))
        })
        .await
}

/// What is to become of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Exclude,
    Include,
}

/// Enters a decision about a run; returns the run's experiment.
///
/// # Errors
/// 422 without a reason to exclude, 404, 409 where it is so already.
pub async fn decide(
    state: &Data<AppState>,
    run: RunId,
    decision: Decision,
    reason: &str,
) -> Result<ExperimentId, Problem> {
    let reason = checked(decision, reason)?;
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let experiment = store::get_run(&mut tx, run).await?.experiment;
            match decision {
                Decision::Exclude => store::exclude_run(&mut tx, run, &reason).await?,
                Decision::Include => store::include_run(&mut tx, run, &reason).await?,
            }
            tx.commit().await?;
            Ok(experiment)
        })
        .await
}

fn checked(decision: Decision, reason: &str) -> Result<String, Problem> {
    let reason = reason.trim();
    let wrong = if reason.is_empty() && decision == Decision::Exclude {
        "a run is left out only with a reason, which is printed with the comparison"
    } else if reason.chars().count() > MAX_REASON {
        "must be at most 500 characters"
    } else {
        return Ok(reason.into());
    };
    Err(wrong_reason(wrong))
}

fn wrong_reason(wrong: &str) -> Problem {
    Problem::violations(Violations(vec![Violation::new("/reason", wrong)]))
}

/// Queues a run again; returns the stages that this concerned, as they were before. `seen` is
/// the latest attempt that whoever uses force has seen.
///
/// # Errors
/// 422 without a reason where one is needed, 404, 409 with the reason why it is refused.
pub async fn requeue(
    state: &Data<AppState>,
    run: RunId,
    force: bool,
    reason: &str,
    seen: Option<i32>,
) -> Result<Vec<RequeueView>, Problem> {
    let reason = reason.trim().to_string();
    if reason.chars().count() > MAX_REASON {
        return Err(wrong_reason("must be at most 500 characters"));
    }
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let planned = store::plan_requeue(&mut tx, run, force).await?;
            if reason.is_empty() && planned.iter().any(RequeueView::needs_reason) {
                return Err(wrong_reason(
                    "what has not fallen silent is requeued only with a reason, which stays in its history",
                ));
            }
            let done = store::requeue_run(&mut tx, run, force, &reason, seen).await?;
            tx.commit().await?;
            Ok(done)
        })
        .await
}

/// Enters a note on a run; returns its number.
///
/// # Errors
/// 422 with every mistake, 404.
pub async fn note_run(
    state: &Data<AppState>,
    run: RunId,
    note: &RunNote,
    author: Option<&'static str>,
) -> Result<i64, Problem> {
    let note = note.checked().map_err(Problem::violations)?;
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let number = store::insert_run_note(&mut tx, run, &note, author).await?;
            tx.commit().await?;
            Ok(number)
        })
        .await
}

/// Enters an amendment; returns the new version.
///
/// # Errors
/// 422 with every mistake; 404; 409 where the current version says so already.
pub async fn amend(
    state: &Data<AppState>,
    id: ExperimentId,
    amendment: &Amendment,
    author: Option<&'static str>,
) -> Result<VersionView, Problem> {
    let amendment = amendment.checked().map_err(Problem::violations)?;
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            store::insert_amendment(&mut tx, id, &amendment, author).await?;
            let version = store::list_versions(&mut tx, id).await?.pop();
            tx.commit().await?;
            version.ok_or_else(|| Problem::not_found("experiment"))
        })
        .await
}

/// A price as it is sent; the same words as on the form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    #[serde(default)]
    pub device: String,
    pub dollars_per_hour: Option<f64>,
    /// A day or an RFC 3339 time; from now on where it is not given.
    #[serde(default)]
    pub valid_from: String,
    #[serde(default)]
    pub source: String,
}

impl Entry {
    /// Every mistake at once.
    pub fn check(&self) -> Result<NewPrice, Violations> {
        let mut wrong = vec![];
        let mut text = |field: &str, value: &str, max: usize| {
            let value = value.trim();
            if value.is_empty() {
                wrong.push(Violation::new(format!("/{field}"), "is required"));
            } else if value.chars().count() > max || value.chars().any(char::is_control) {
                let message = format!("must be plain text of at most {max} characters");
                wrong.push(Violation::new(format!("/{field}"), message));
            }
            value.to_string()
        };
        let device = text("device", &self.device, 80);
        let source = text("source", &self.source, 300);
        let dollars = self.dollars_per_hour.filter(|d| *d > 0.0 && *d < 1e9);
        if dollars.is_none() {
            wrong.push(Violation::new(
                "/dollars_per_hour",
                "must be a number of dollars above 0",
            ));
        }
        let valid_from = moment(&self.valid_from);
        if valid_from.is_err() {
            wrong.push(Violation::new(
                "/valid_from",
                "must be a day (2026-01-31) or an RFC 3339 time",
            ));
        }
        match (dollars, valid_from) {
            (Some(dollars_per_hour), Ok(valid_from)) if wrong.is_empty() => Ok(NewPrice {
                device,
                dollars_per_hour,
                valid_from,
                source,
            }),
            (_, _) => Err(Violations(wrong)),
        }
    }
}

fn moment(text: &str) -> Result<Option<OffsetDateTime>, time::error::Parse> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let whole = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_string()
    };
    OffsetDateTime::parse(&whole, &Rfc3339).map(Some)
}

/// # Errors
/// What the database refuses.
pub async fn add_price(state: &Data<AppState>, price: NewPrice) -> Result<i64, Problem> {
    let state = state.clone().into_inner();
    let inner = state.clone();
    state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let id = store::insert_price(&mut tx, &price).await?;
            tx.commit().await?;
            Ok(id)
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_of_a_price_is_named_and_a_day_begins_at_midnight() {
        let wrong = Entry {
            dollars_per_hour: Some(-1.0),
            valid_from: "soon".into(),
            ..Entry::default()
        };
        let pointers: Vec<String> = wrong
            .check()
            .unwrap_err()
            .0
            .into_iter()
            .map(|v| v.pointer)
            .collect();
        assert_eq!(
            pointers,
            ["/device", "/source", "/dollars_per_hour", "/valid_from"]
        );
        let price = Entry {
            device: " cpu ".into(),
            dollars_per_hour: Some(0.05),
            valid_from: "2026-01-31".into(),
            source: "invoice 7".into(),
        }
        .check()
        .unwrap();
        assert_eq!(price.device, "cpu");
        assert_eq!(price.valid_from.unwrap().unix_timestamp() % 86_400, 0);
        assert!(
            Entry {
                valid_from: "2026-13-99".into(),
                ..wrong
            }
            .check()
            .is_err()
        );
    }
}
