//! Calls about runs.

use super::shape::{field, list, maybe};
use super::{Field, Group, Parameter, Shape, get, inline, post, query};
use assay_store::GraderVerdict;

const NO_RUN: &str = "there is no such run";
const NO_STAGE: &str = "there is no such run, or no such stage in it";

fn stage() -> Parameter {
    query(
        "stage",
        Shape::Text,
        "A stage's name in the run; all of them by default.",
    )
}

/// A list that names its run.
fn of_run(name: &'static str, item: Shape) -> Shape {
    Shape::Inline(vec![
        field("run", Shape::Id, ""),
        field(name, list(item), ""),
    ])
}

pub(super) fn group() -> Group {
    Group {
        name: "Runs",
        question: "What has a run done?",
        operations: vec![
            get(
                "getRun",
                "/runs/{id}",
                "Read a run with its stages",
                Shape::Of("Run"),
            )
            .refuses(404, NO_RUN),
            get(
                "getSeries",
                "/runs/{id}/series",
                "Read a curve",
                Shape::Inline(vec![
                    field("run", Shape::Id, ""),
                    field("metric", maybe(Shape::Text), "The one that was asked for."),
                    field("stages", list(Shape::Of("StageSeries")), ""),
                ]),
            )
            .says("Without a metric the answer lists those that there are.")
            .with(query("metric", Shape::Text, "Such as `train/loss`."))
            .with(stage())
            .with(query(
                "max_points",
                Shape::Integer,
                "2 to 5,000, by default 1,000; beyond it points are buckets of 10, 100 … steps.",
            ))
            .with(query("from", Shape::Integer, "First step, included."))
            .with(query("to", Shape::Integer, "Last step, included."))
            .asks("?metric=train/loss")
            .refuses(400, "a word in the address cannot be read")
            .refuses(404, NO_STAGE),
            get(
                "listCompletions",
                "/runs/{id}/completions",
                "Read completions of one step",
                Shape::Inline(vec![
                    field("run", Shape::Id, ""),
                    field("name", Shape::Text, "The stage; absent where none has any.").optional(),
                    field("stage", Shape::Id, "").optional(),
                    field("steps", list(Shape::Integer), "Those that have any."),
                    field("completions", list(Shape::Of("Completion")), ""),
                ]),
            )
            .says(
                "Of the last stage that has any, and of its latest step, unless others are named.",
            )
            .with(query("step", Shape::Integer, ""))
            .with(stage())
            .with(query("limit", Shape::Integer, "1 to 4,096, by default 64."))
            .refuses(400, "a word in the address cannot be read")
            .refuses(404, NO_STAGE),
            get(
                "listEvaluations",
                "/runs/{id}/evaluations",
                "List the measurements of its policies",
                of_run(
                    "stages",
                    Shape::Inline(vec![
                        field("name", Shape::Text, ""),
                        field("stage", Shape::Id, ""),
                        field("evaluations", list(Shape::Of("Evaluation")), ""),
                    ]),
                ),
            )
            .refuses(404, NO_RUN),
            get(
                "getLedger",
                "/runs/{id}/ledger",
                "Read what it used, by stage and purpose",
                of_run("ledger", Shape::Of("LedgerRow")),
            )
            .refuses(404, NO_RUN),
        ],
    }
}

fn because(about: &'static str) -> Field {
    field("reason", Shape::Text, about)
}

fn decided() -> Shape {
    Shape::Inline(vec![
        field("run", Shape::Id, ""),
        field("excluded", Shape::Truth, "Left out from now on."),
        field(
            "history",
            list(Shape::Of("Exclusion")),
            "Every decision about this run.",
        ),
    ])
}

pub(super) fn decisions() -> Group {
    let verdicts: Vec<&str> = GraderVerdict::ALL.iter().map(|v| v.word()).collect();
    Group {
        name: "Decisions",
        question: "What can be decided about a run, and said of it?",
        operations: vec![
            post(
                "cancelRun",
                "/runs/{id}/cancel",
                "Cancel a run",
                Shape::Inline(vec![field(
                    "cancelled_stages",
                    Shape::Integer,
                    "Stages that other runs need are not among them.",
                )]),
            )
            .refuses(404, NO_RUN),
            post(
                "retryRun",
                "/runs/{id}/retry",
                "Try a run again",
                Shape::Inline(vec![field("retried_stages", Shape::Integer, "")]),
            )
            .says("New stages for the failed and cancelled ones and for what builds on them.")
            .refuses(404, NO_RUN)
            .refuses(409, "no stage of it has failed or was cancelled"),
            post(
                "requeueRun",
                "/runs/{id}/requeue",
                "Queue a run again, to go on from its last checkpoint",
                of_run("requeued", Shape::Of("RequeuedStage")),
            )
            .says("What a silent worker holds is taken away from it, and what has failed gets one more attempt. The old attempt is fenced off; nothing that was recorded is deleted. Silence needs no reason, and then no body.")
            .takes(inline(
                Shape::Inline(vec![
                    because("At most 500 characters, kept in the stage's story; needed where a stage has failed, and with `force`.").optional(),
                    field(
                        "force",
                        Shape::Truth,
                        "Takes it away from a healthy worker, where nothing else is to be queued; false by default.",
                    )
                    .optional(),
                    field(
                        "attempt",
                        Shape::Integer,
                        "With `force`: the latest attempt that was seen; a later one is not taken away (409).",
                    )
                    .optional(),
                ]),
                r#"{"reason": "The driver was replaced.", "force": false}"#,
            ))
            .refuses(404, NO_RUN)
            .refuses(409, "it is queued already, has finished, was cancelled, or is at work under a lease that holds; the detail says which")
            .refuses(422, "a reason is missing where one is needed, or is too long"),
            post(
                "excludeRun",
                "/runs/{id}/exclude",
                "Leave a run out of the comparison",
                decided(),
            )
            .says("Its figures stay, with a mark, and the comparison is printed both ways. Runs and arms cannot be deleted: there is no such call.")
            .takes(inline(
                Shape::Inline(vec![because("1 to 500 characters; printed with the comparison.")]),
                r#"{"reason": "The disk was full from step 40 on."}"#,
            ))
            .refuses(404, NO_RUN)
            .refuses(409, "it is left out already")
            .refuses(422, "there is no reason, or one that is too long"),
            post(
                "includeRun",
                "/runs/{id}/include",
                "Take an exclusion back",
                decided(),
            )
            .takes(inline(
                Shape::Inline(vec![because("At most 500 characters.").optional()]),
                r#"{"reason": "The records of those steps were found."}"#,
            ))
            .refuses(404, NO_RUN)
            .refuses(409, "it is not left out")
            .refuses(422, "the reason is too long"),
            get(
                "listRunNotes",
                "/runs/{id}/notes",
                "List what people say of a run",
                Shape::Inline(vec![field(
                    "notes",
                    list(Shape::Of("RunNote")),
                    "Newest first.",
                )]),
            )
            .refuses(404, NO_RUN),
            post(
                "addRunNote",
                "/runs/{id}/notes",
                "Write a note on a run",
                Shape::Inline(vec![field("id", Shape::Integer, "")]),
            )
            .says("Added, never changed.")
            .takes(inline(
                Shape::Inline(vec![field(
                    "text",
                    Shape::Text,
                    "1 to 4,000 characters, kept without the space around them.",
                )]),
                r#"{"text": "The machine was busy with something else until step 40."}"#,
            ))
            .creates("The note's number.")
            .refuses(404, NO_RUN)
            .refuses(422, "the note is empty, too long or no plain text"),
            get(
                "listContests",
                "/runs/{id}/contests",
                "Read how often people found the grader wrong",
                Shape::Inline(vec![
                    field("run", Shape::Id, ""),
                    field("reviewed", Shape::Integer, "Completions, the last word on each."),
                    field("wrong", Shape::Integer, ""),
                    field("error_rate", maybe(Shape::Number), "Null where none was judged."),
                    field("interval", maybe(Shape::Of("Interval")), ""),
                    field("level", Shape::Number, ""),
                    field("method", Shape::Text, ""),
                    field("basis", Shape::Text, ""),
                    field("contests", list(Shape::Of("Contest")), "Oldest first."),
                ]),
            )
            .refuses(404, NO_RUN),
            post(
                "addContest",
                "/runs/{id}/contests",
                "Say that the grader was right or wrong",
                Shape::Inline(vec![
                    field("run", Shape::Id, ""),
                    field("id", Shape::Integer, ""),
                ]),
            )
            .says("About one stored completion; a later word on it takes the place of an earlier one, and both are kept.")
            .takes(inline(
                Shape::Inline(vec![
                    field("stage", Shape::Text, "Its name in the run."),
                    field("step", Shape::Integer, ""),
                    field("group", Shape::Integer, ""),
                    field("index", Shape::Integer, ""),
                    field("verdict", Shape::Words(verdicts), ""),
                    because("At most 1,000 characters; needed where the grader is wrong.").optional(),
                ]),
                r#"{"stage": "grpo", "step": 10, "group": 0, "index": 1, "verdict": "wrong", "reason": "The answer stands in the text before it."}"#,
            ))
            .creates("The number of what was said.")
            .refuses(404, "there is no such run, stage or stored completion")
            .refuses(409, "a reason is missing or too long"),
        ],
    }
}
