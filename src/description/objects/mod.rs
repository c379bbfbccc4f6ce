//! Objects with a name: what several calls answer, or what is too large to stand inside one.

mod experiments;
mod findings;
mod queue;
mod runs;

pub(super) use findings::note;

use super::shape::{Object, Shape, field, list, object};

pub(super) fn all() -> Vec<Object> {
    let mut all = experiments::objects();
    all.extend(findings::objects());
    all.extend(runs::objects());
    all.extend(queue::objects());
    all.extend(problem());
    all
}

/// The one form of every error.
fn problem() -> Vec<Object> {
    vec![
        object(
            "Problem",
            "Every error, as application/problem+json (RFC 9457).",
            vec![
                field(
                    "type",
                    Shape::Text,
                    "`about:blank`, or a word that tells it apart: `violations`, `idempotency-key-reused`, `unavailable`.",
                ),
                field("title", Shape::Text, "The status in words."),
                field("status", Shape::Integer, ""),
                field("detail", Shape::Text, "What is wrong, for a person."),
                field(
                    "request_id",
                    Shape::Text,
                    "As in the header X-Request-Id and in the server's log.",
                ),
                field(
                    "errors",
                    list(Shape::Of("Violation")),
                    "Every broken rule; there where `type` is `violations`.",
                )
                .optional(),
            ],
        ),
        object(
            "Violation",
            "One broken rule of what was sent.",
            vec![
                field(
                    "pointer",
                    Shape::Text,
                    "JSON pointer (RFC 6901) to the place, `/arms/1/stages/0/inputs/init`; empty for the whole. YAML is counted as the JSON that it stands for.",
                ),
                field("detail", Shape::Text, "What is wrong there."),
            ],
        ),
    ]
}
