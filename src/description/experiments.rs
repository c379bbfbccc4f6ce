//! Calls about experiments.

use super::shape::{field, list, map};
use super::{Body, Example, Group, Parameter, Place, Shape, get, inline, post, query};
use crate::presets;

/// The file of the example.
fn preset() -> String {
    presets::find("quick").map_or(String::new(), |preset| preset.text.into())
}

pub(super) fn group() -> Group {
    let submit = post(
        "submitExperiment",
        "/experiments",
        "Submit an experiment file",
        Shape::Inline(vec![
            field("id", Shape::Id, "The experiment's id."),
            field("url", Shape::Text, "Its page, as you reach this server."),
            field("runs", Shape::Integer, "Runs that were planned."),
            field("stages", Shape::Integer, "Stages that they need; equal ones are one."),
        ]),
    )
    .says("Read as a whole: all that is wrong is told at once, each with its pointer, and then nothing is created. `Location` names the new experiment.")
    .with(Parameter {
        name: "Idempotency-Key",
        place: Place::Header,
        shape: Shape::Text,
        about: "1 to 255 visible ASCII characters. The same key and body give the same experiment, however often they are sent.",
        variable: "",
    })
    .takes(Body {
        kinds: vec!["application/yaml", "application/json"],
        shape: Shape::Of("ExperimentFile"),
        example: Example::File {
            name: "quick.yaml",
            from: "assay preset show quick > quick.yaml",
            text: preset,
        },
    })
    .creates("It is entered and its work is queued.")
    .answers(200, "The key has entered it before.")
    .refuses(409, "the key was used with another body")
    .refuses(415, "neither YAML nor JSON, or compressed")
    .refuses(422, "the file breaks rules; `errors` has every one");
    Group {
        name: "Experiments",
        question: "How is an experiment submitted, read and ended?",
        operations: vec![
            submit,
            get(
                "listExperiments",
                "/experiments",
                "List experiments, newest first",
                Shape::Inline(vec![field(
                    "experiments",
                    list(Shape::Of("ExperimentLine")),
                    "",
                )]),
            )
            .with(query("limit", Shape::Integer, "1 to 200, by default 50."))
            .with(query(
                "before",
                Shape::Id,
                "The last id of the page before this one.",
            ))
            .refuses(400, "a word in the address cannot be read"),
            get(
                "getExperiment",
                "/experiments/{id}",
                "Read an experiment with its specification, arms and runs",
                Shape::Inline(vec![
                    field("experiment", Shape::Of("Experiment"), ""),
                    field("runs", list(Shape::Of("Run")), "By arm, then by seed."),
                ]),
            )
            .refuses(404, "there is no such experiment"),
            get(
                "getProgress",
                "/experiments/{id}/progress",
                "Read how far every run is",
                Shape::Of("Progress"),
            )
            .refuses(404, "there is no such experiment"),
            post(
                "cancelExperiment",
                "/experiments/{id}/cancel",
                "Cancel the unfinished runs",
                Shape::Inline(vec![field(
                    "cancelled_stages",
                    Shape::Integer,
                    "Stages that other runs need are not among them.",
                )]),
            )
            .says("What has finished, and every measurement, stays.")
            .refuses(404, "there is no such experiment"),
            get(
                "listVersions",
                "/experiments/{id}/amendments",
                "List the versions of a registered experiment",
                Shape::Inline(vec![
                    field("experiment", Shape::Id, ""),
                    field(
                        "versions",
                        list(Shape::Of("Version")),
                        "The first as it was frozen.",
                    ),
                ]),
            )
            .refuses(404, "there is no such experiment"),
            post(
                "amendExperiment",
                "/experiments/{id}/amendments",
                "Say its question or hypothesis anew",
                Shape::Of("Version"),
            )
            .says("One more version. Arms, budget, contrasts and margin are no part of it, so no verdict changes; how many results were in by then is counted.")
            .takes(inline(
                Shape::Inline(vec![
                    field("question", Shape::Text, "At most 500 characters.").optional(),
                    field("hypothesis", Shape::Text, "At most 2,000 characters.").optional(),
                    field("note", Shape::Text, "At most 2,000 characters.").optional(),
                    field(
                        "reason",
                        Shape::Text,
                        "At most 500 characters. Beside it at least one of the others.",
                    ),
                ]),
                r#"{"hypothesis": "Only GRPO makes answers longer.", "reason": "The first wording left SFT out."}"#,
            ))
            .creates("The new version.")
            .refuses(404, "there is no such experiment")
            .refuses(409, "the current version says so already")
            .refuses(422, "the amendment breaks rules"),
        ],
    }
}

pub(super) fn findings() -> Group {
    let comparison = Shape::Inline(vec![
        field("experiment", Shape::Id, ""),
        field("name", Shape::Text, ""),
        field("question", Shape::Text, ""),
        field("metric", Shape::Text, "The registered primary metric."),
        field("baseline", Shape::Text, ""),
        field(
            "margin",
            Shape::Number,
            "Smaller differences do not matter.",
        ),
        field(
            "splits",
            list(Shape::Of("SplitComparison")),
            "Test, then out of distribution.",
        ),
        field(
            "outcome",
            Shape::Of("Outcome"),
            "On the test split, without the runs that were left out.",
        ),
        field(
            "outcome_with_all_runs",
            Shape::Of("Outcome"),
            "There while a run is left out: the rule's word with every run.",
        )
        .optional(),
        field("denominator", Shape::Of("Denominator"), ""),
        field(
            "exclusions",
            list(Shape::Of("Exclusion")),
            "Every decision, those that were taken back too.",
        ),
        field("supervision", list(Shape::Of("ArmSupervision")), ""),
    ]);
    Group {
        name: "Findings",
        question: "What has been found?",
        operations: vec![
            get(
                "getComparison",
                "/experiments/{id}/comparison",
                "Compare the arms",
                comparison,
            )
            .says("Values with their intervals, differences to the baseline and the basis that both stand on; what the registered rule says.")
            .refuses(404, "there is no such experiment"),
            get(
                "listMilestones",
                "/experiments/{id}/milestones",
                "List the measurements along the budget",
                Shape::Inline(vec![field(
                    "milestones",
                    list(Shape::Of("Milestone")),
                    "By arm, seed and cost, on the validation split.",
                )]),
            )
            .says("Without the runs that were left out, which the comparison names in `exclusions`. An experiment that nobody knows has none."),
            get(
                "getFailures",
                "/experiments/{id}/failures",
                "Read how attempts fail, in numbers",
                Shape::Inline(vec![
                    field("experiment", Shape::Id, ""),
                    field("tables", list(Shape::Of("FailureTable")), ""),
                    field("denominator", Shape::Of("Denominator"), ""),
                    field("denominator_text", Shape::Text, "The same in a sentence."),
                ]),
            )
            .refuses(404, "there is no such experiment"),
            get(
                "listSnapshots",
                "/experiments/{id}/snapshots",
                "List the states that were kept for citations",
                Shape::Inline(vec![
                    field("experiment", Shape::Id, ""),
                    field("snapshots", list(Shape::Of("KeptState")), "Newest first."),
                ]),
            )
            .says("They are kept on the experiment's page; no call changes or deletes one.")
            .refuses(404, "there is no such experiment"),
            get(
                "getSnapshot",
                "/experiments/{id}/snapshots/{hash}",
                "Read a kept state",
                Shape::Inline(vec![
                    field("experiment", Shape::Id, ""),
                    field(
                        "snapshot",
                        Shape::Text,
                        "sha256 of the canonical JSON (sorted keys, no white space) of `state`.",
                    ),
                    field("taken_at", Shape::Time, ""),
                    field("query", Shape::Text, "The view in which it was kept."),
                    field(
                        "state",
                        Shape::Open("`comparison`, `milestones` and `pass_at_k`; `prices` once one counts"),
                        "",
                    ),
                    field(
                        "inputs",
                        Shape::Open("what page and files are computed from, in this program's own form"),
                        "",
                    ),
                ]),
            )
            .refuses(400, "the hash is not 8 to 64 hexadecimal digits")
            .refuses(404, "there is no such experiment, or no such state of it")
            .refuses(409, "several kept states begin so")
            .refuses(500, "what is stored is not what was kept, so nothing of it is answered"),
            get(
                "listNotes",
                "/experiments/{id}/arms/{arm}/notes",
                "List what people make of an arm's outcome",
                Shape::Inline(vec![field(
                    "notes",
                    list(Shape::Of("Note")),
                    "Newest first.",
                )]),
            )
            .refuses(404, "there is no such experiment or arm"),
            post(
                "addNote",
                "/experiments/{id}/arms/{arm}/notes",
                "Write down why an arm came out as it did",
                Shape::Inline(vec![field("id", Shape::Integer, "")]),
            )
            .says("Added, never changed.")
            .takes(inline(
                Shape::Inline(super::objects::note()),
                r#"{"why": "The judge was bought by the tenth milestone.", "evidence": "strong", "tried": "A smaller learning rate.", "not_tried": "A judge that is trained on.", "would_change": "A rising accuracy."}"#,
            ))
            .creates("The note's number.")
            .refuses(404, "there is no such experiment or arm")
            .refuses(422, "the note breaks rules"),
            get(
                "getReferences",
                "/references",
                "Read what others have published",
                Shape::Inline(vec![
                    field("sources", map(Shape::Of("Source")), "By their word."),
                    field("benchmarks", map(Shape::Text), "Word and name."),
                    field("metrics", map(Shape::Text), "Word and name."),
                    field("results", list(Shape::Of("Published")), ""),
                    field("hours", list(Shape::Of("Hours")), "Of training, by device."),
                ]),
            )
            .says("Comes with the program; nothing of it was measured here."),
        ],
    }
}
