//! The only error that leaves the house (RFC 9457). The same value is JSON for
//! machines and a page for people; which of the two is decided where the
//! request is known (`routes::finish`).

use crate::pages::theme::Theme;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use assay_core::violation::{Violation, Violations};
use assay_store::StoreError;
use serde_json::{Value, json};

/// Types of problems that a client may want to tell apart.
pub mod kind {
    /// The attempt is no longer the current one: stop, touch nothing.
    pub const LEASE_LOST: &str = "lease-lost";
    /// Records are missing before `first_seq`; `last_seq` says what has arrived.
    pub const SEQUENCE_GAP: &str = "sequence-gap";
    /// The document breaks rules, listed in `errors`.
    pub const VIOLATIONS: &str = "violations";
    /// The Idempotency-Key was used with another body.
    pub const KEY_REUSED: &str = "idempotency-key-reused";
    /// The database cannot be reached; try again.
    pub const UNAVAILABLE: &str = "unavailable";
    pub const BLANK: &str = "about:blank";
}

/// Who asked for a page.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    pub theme: Theme,
    /// The same address can be asked for again: nothing was sent to it.
    pub may_ask_again: bool,
}

#[derive(Debug, Clone)]
pub struct Problem {
    pub kind: &'static str,
    pub status: StatusCode,
    pub detail: String,
    pub errors: Vec<Violation>,
    pub last_seq: Option<u64>,
    /// What went wrong inside, for the log alone.
    pub source: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.status, self.detail)
    }
}

impl std::error::Error for Problem {}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: kind::BLANK,
            status,
            detail: detail.into(),
            errors: vec![],
            last_seq: None,
            source: None,
        }
    }

    pub fn of(kind: &'static str, status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind,
            ..Self::new(status, detail)
        }
    }

    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is larger than {limit} bytes"),
        )
    }

    pub fn unavailable(source: impl ToString) -> Self {
        Self {
            source: Some(source.to_string()),
            ..Self::of(
                kind::UNAVAILABLE,
                StatusCode::SERVICE_UNAVAILABLE,
                "the database cannot be reached; try again in a moment",
            )
        }
    }

    /// Something that should not happen; the source goes to the log.
    pub fn internal(source: impl ToString) -> Self {
        Self {
            source: Some(source.to_string()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "something went wrong inside; the log has it under this request id",
            )
        }
    }

    /// A failure of the disk below the data folder.
    pub fn disk(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::StorageFull {
            return Self {
                source: Some(error.to_string()),
                ..Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "the disk below the data folder is full",
                )
            };
        }
        Self::internal(error)
    }

    pub fn violations(violations: Violations) -> Self {
        let n = violations.0.len();
        let detail = match n {
            1 => "one rule is broken".to_string(),
            n => format!("{n} rules are broken"),
        };
        Self {
            errors: violations.0,
            ..Self::of(kind::VIOLATIONS, StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    pub fn title(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("Error")
    }

    pub fn json(&self, request_id: &str) -> Value {
        let mut value = json!({
            "type": self.kind,
            "title": self.title(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "request_id": request_id,
        });
        if !self.errors.is_empty() {
            value["errors"] = self
                .errors
                .iter()
                .map(|v| json!({ "pointer": v.pointer, "detail": v.message }))
                .collect();
        }
        if let Some(last) = self.last_seq {
            value["last_seq"] = json!(last);
        }
        value
    }

    /// The same as a page.
    pub fn page(&self, request_id: &str, person: Person) -> String {
        let errors: Vec<(String, String)> = self
            .errors
            .iter()
            .map(|v| (v.pointer.clone(), v.message.clone()))
            .collect();
        let status = self.status.as_u16();
        let title = self.title();
        crate::pages::error::render(status, title, &self.detail, &errors, request_id, person)
    }

    /// The response in full, as a page where a person asked for one; the middleware calls it
    /// with the request's id.
    pub fn respond(&self, request_id: &str, page: Option<Person>) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        // Too small to be worth compressing, and an answer to HEAD has no body.
        response.insert_header((header::CONTENT_ENCODING, "identity"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE
            || self.status == StatusCode::TOO_MANY_REQUESTS
        {
            response.insert_header((header::RETRY_AFTER, "2"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(person) = page {
            return response
                .content_type("text/html; charset=utf-8")
                .body(self.page(request_id, person));
        }
        response
            .content_type("application/problem+json")
            .body(self.json(request_id).to_string())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.respond("", None)
    }
}

impl From<Violations> for Problem {
    fn from(violations: Violations) -> Self {
        Self::violations(violations)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::not_found(what),
            StoreError::LeaseLost => Self::of(
                kind::LEASE_LOST,
                StatusCode::CONFLICT,
                "this attempt is no longer the current one",
            ),
            StoreError::Gap { last } => Self {
                last_seq: Some(last),
                ..Self::of(
                    kind::SEQUENCE_GAP,
                    StatusCode::CONFLICT,
                    format!("records are missing; the last one that arrived is {last}"),
                )
            },
            StoreError::Conflict(detail) => Self::conflict(detail),
            StoreError::Database(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            // Connection trouble, too many clients, shutting down, starting up,
            // read-only, a deadlock or a conflict between transactions.
            sqlx::Error::Database(d) => d.code().is_some_and(|code| {
                code.starts_with("08")
                    || matches!(
                        code.as_ref(),
                        "53300" | "57P01" | "57P02" | "57P03" | "25006" | "40001" | "40P01"
                    )
            }),
            _ => false,
        };
        if away {
            return Self::unavailable(error);
        }
        let class = match &error {
            sqlx::Error::Database(d) => d.code().map(|code| code.chars().take(2).collect()),
            _ => None::<String>,
        };
        let refused = match class.as_deref() {
            // Data exceptions.
            Some("22") => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "a value cannot be stored: a NUL character or a number out of range",
            ),
            // Constraints: an artifact that was never uploaded, say.
            Some("23") => Self::conflict("what was sent contradicts what is stored"),
            Some(_) | None => return Self::internal(error),
        };
        Self {
            source: Some(error.to_string()),
            ..refused
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_escapes_what_it_shows() {
        let problem = Problem::violations(Violations(vec![Violation::new(
            "/<b>",
            "<script>alert(1)</script> & \"x\"",
        )]));
        let person = Person {
            theme: Theme::Dark,
            may_ask_again: true,
        };
        let page = problem.page("r", person);
        assert!(page.contains("<html lang=\"en\" class=\"dark\">"));
        assert!(!page.contains("<script>") && !page.contains("<b>"));
        assert!(page.contains("&#60;script&#62;"));
        // An empty reference is the address of the page itself, whatever stands in it.
        let again = "<a href=\"\">Try again</a>";
        assert!(page.contains(again), "{page}");
        let sent = Person {
            may_ask_again: false,
            ..person
        };
        assert!(!problem.page("r", sent).contains(again));
    }

    #[test]
    fn a_page_without_the_database_says_what_is_still_true() {
        let person = Person {
            theme: Theme::Dark,
            may_ask_again: true,
        };
        let kept = "Nothing that was recorded is lost";
        let away = Problem::from(sqlx::Error::PoolTimedOut).page("r", person);
        for words in [
            "the database cannot be reached",
            kept,
            "workers keep what they measure and send it when the server answers again",
            "<a href=\"\">Try again</a>",
        ] {
            assert!(away.contains(words), "{words} not in {away}");
        }
        let broken = Problem::internal("x").page("r", person);
        assert!(!broken.contains(kept) && broken.contains("is still there"));
        assert!(!Problem::not_found("run").page("r", person).contains(kept));
    }

    #[test]
    fn an_inner_error_is_not_shown() {
        let problem = Problem::from(sqlx::Error::ColumnNotFound("secret_column".into()));
        assert_eq!(problem.status, 500);
        assert!(!problem.json("r").to_string().contains("secret_column"));
        assert!(problem.source.is_some_and(|s| s.contains("secret_column")));
    }
}
