//! Calls about what all experiments share, and this description itself.

use super::shape::{field, list};
use super::{Body, Example, Group, Shape, get, inline, post, query};
use crate::presets;
use assay_core::spec::Experiment;
use serde_json::json;

/// Of an experiment that is checked and complete, as a worker's folder has it.
fn import() -> String {
    let preset = presets::find("quick").map_or("", |preset| preset.text);
    Experiment::from_text(preset).map_or(String::new(), |experiment| {
        json!({ "experiment": experiment, "stages": [], "worker": "laptop" }).to_string()
    })
}

pub(super) fn group() -> Group {
    Group {
        name: "Queue and prices",
        question: "Who works, at what price, and what was done elsewhere?",
        operations: vec![
            get(
                "listWorkers",
                "/workers",
                "List workers, the latest seen first",
                Shape::Inline(vec![field(
                    "workers",
                    list(Shape::Of("Worker")),
                    "At most 200.",
                )]),
            ),
            get(
                "listJobs",
                "/jobs",
                "List jobs",
                Shape::Inline(vec![field("jobs", list(Shape::Of("Job")), "")]),
            )
            .says("Running, then in the order in which they will be taken, then waiting for inputs, then the latest finished.")
            .with(query("limit", Shape::Integer, "1 to 1,000, by default 100."))
            .refuses(400, "a word in the address cannot be read"),
            get(
                "listPrices",
                "/prices",
                "List prices of devices",
                Shape::Inline(vec![field("prices", list(Shape::Of("Price")), "")]),
            ),
            post(
                "addPrice",
                "/prices",
                "Enter what an hour of a device costs",
                Shape::Inline(vec![field("id", Shape::Integer, "")]),
            )
            .says("Never edited: another price holds from its day on. Without any, nothing is shown in dollars.")
            .takes(inline(
                Shape::Inline(vec![
                    field("device", Shape::Text, "`cpu`, `cuda` or a device's name."),
                    field("dollars_per_hour", Shape::Number, "Above 0."),
                    field(
                        "valid_from",
                        Shape::Text,
                        "A day or an RFC 3339 time; now by default.",
                    )
                    .optional(),
                    field("source", Shape::Text, "At most 300 characters."),
                ]),
                r#"{"device": "cpu", "dollars_per_hour": 0.05, "valid_from": "2026-01-31", "source": "invoice 7"}"#,
            ))
            .creates("The price's number.")
            .refuses(422, "the price breaks rules"),
            post(
                "importExperiment",
                "/imports",
                "Enter work that was done elsewhere",
                Shape::Inline(vec![
                    field("experiment", Shape::Id, ""),
                    field("url", Shape::Text, "Its page, as you reach this server."),
                    field("worker", Shape::Id, "Who may replay the records."),
                    field(
                        "claims",
                        list(Shape::Inline(vec![
                            field("stage", Shape::Id, ""),
                            field("attempt", Shape::Integer, ""),
                            field("hash", Shape::Text, ""),
                        ])),
                        "Stages that are known already are not among them.",
                    ),
                ]),
            )
            .says("What `assay import FOLDER` calls first; it then replays the records as a worker.")
            .takes(Body {
                kinds: vec!["application/json"],
                shape: Shape::Inline(vec![
                    field("experiment", Shape::Of("ExperimentFile"), ""),
                    field(
                        "stages",
                        list(Shape::Text),
                        "Hashes of the stages whose records will follow.",
                    ),
                    field("worker", Shape::Text, "Where it was done."),
                ]),
                example: Example::File {
                    name: "import.json",
                    from: "the folder's experiment.json and the hashes in its specs, as experiment and stages",
                    text: import,
                },
            })
            .creates("It is entered; its other stages are queued.")
            .refuses(422, "the experiment breaks rules, or has no stage of that hash"),
        ],
    }
}

pub(super) fn itself() -> Group {
    Group {
        name: "This description",
        question: "Where is this for programs?",
        operations: vec![
            get(
                "getDescription",
                "/openapi.json",
                "Read this description",
                Shape::Open("an OpenAPI 3.1 document"),
            )
            .says(
                "Of the calls under /api/v1 alone. The worker protocol is between this server and its own workers, changes with both, and is no part of it.",
            ),
        ],
    }
}
