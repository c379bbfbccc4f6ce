//! Who works, what waits, and what it costs.

use super::runs::job_states;
use crate::description::shape::{Object, Shape, field, list, maybe, object};

pub(super) fn objects() -> Vec<Object> {
    vec![worker(), running(), job(), waiting(), needed(), price()]
}

fn worker() -> Object {
    let host = Shape::Inline(vec![
        field("device", Shape::Text, ""),
        field("device_name", Shape::Text, ""),
        field("libtorch", Shape::Text, ""),
        field("worker_version", Shape::Text, ""),
    ]);
    let load = Shape::Inline(vec![
        field("cpu_percent", Shape::Number, "Of all cores.").optional(),
        field("memory_bytes", Shape::Integer, "In use.").optional(),
        field("memory_total_bytes", Shape::Integer, "").optional(),
        field("gpu_percent", Shape::Number, "Of the worker's GPU.").optional(),
        field("gpu_memory_bytes", Shape::Integer, "In use.").optional(),
        field("gpu_memory_total_bytes", Shape::Integer, "").optional(),
    ]);
    object(
        "Worker",
        "A worker's process; one that starts again is another.",
        vec![
            field("id", Shape::Id, ""),
            field("name", Shape::Text, ""),
            field("protocol", Shape::Integer, ""),
            field("threads", Shape::Integer, ""),
            field("host", host, ""),
            field("registered_at", Shape::Time, ""),
            field("seen_at", Shape::Time, ""),
            field(
                "seconds_since_seen",
                Shape::Number,
                "By the database's clock.",
            ),
            field(
                "load",
                maybe(load),
                "How busy its machine is, as it last told.",
            ),
            field(
                "seconds_since_load",
                maybe(Shape::Number),
                "By the database's clock.",
            ),
            field("running", list(Shape::Of("RunningAttempt")), ""),
        ],
    )
}

fn running() -> Object {
    object(
        "RunningAttempt",
        "What a worker is at.",
        vec![
            field("stage", Shape::Id, ""),
            field("number", Shape::Integer, ""),
            field("kind", Shape::Text, ""),
            field("threads", Shape::Integer, ""),
            field("step", Shape::Integer, ""),
        ],
    )
}

fn job() -> Object {
    object(
        "Job",
        "A stage's place in the queue.",
        vec![
            field("stage", Shape::Id, ""),
            field("kind", Shape::Text, ""),
            field("state", job_states(), ""),
            field(
                "waiting",
                maybe(Shape::Of("Waiting")),
                "Why it does not run yet.",
            ),
            field("threads", Shape::Integer, ""),
            field("attempts", Shape::Integer, ""),
            field("failures", Shape::Integer, ""),
            field(
                "priority",
                Shape::Integer,
                "Higher ones are taken first; 0 unless somebody has changed the order.",
            ),
            field("step", Shape::Integer, ""),
            field("started_at", maybe(Shape::Time), "Of the latest attempt."),
            field("worker_name", maybe(Shape::Text), ""),
            field("queued_at", Shape::Time, ""),
            field("finished_at", maybe(Shape::Time), ""),
            field("needed_by", list(Shape::Of("NeededBy")), "Oldest first."),
        ],
    )
}

fn waiting() -> Object {
    object(
        "Waiting",
        "Why a job does not run yet; each reason has a number of its own.",
        vec![
            field(
                "waits_for",
                Shape::Words(vec!["inputs", "retry", "worker", "turn"]),
                "",
            ),
            field("unfinished", Shape::Integer, "Of `inputs`.").optional(),
            field("not_before", Shape::Time, "Of `retry`.").optional(),
            field(
                "threads",
                Shape::Integer,
                "Of `worker`: no live one has as many.",
            )
            .optional(),
            field("ahead", Shape::Integer, "Of `turn`: as many are before it.").optional(),
        ],
    )
}

fn needed() -> Object {
    object(
        "NeededBy",
        "A run that needs a job.",
        vec![
            field("experiment", Shape::Id, ""),
            field("experiment_name", Shape::Text, ""),
            field("run", Shape::Id, ""),
            field("arm_key", Shape::Text, ""),
            field("seed", Shape::Integer, ""),
            field("name", Shape::Text, "What the run calls its stage."),
        ],
    )
}

fn price() -> Object {
    object(
        "Price",
        "What an hour of a device costs from a day on.",
        vec![
            field("id", Shape::Integer, ""),
            field("device", Shape::Text, ""),
            field("dollars_per_hour", Shape::Number, ""),
            field("valid_from", Shape::Time, ""),
            field("source", Shape::Text, ""),
            field("entered_at", Shape::Time, ""),
        ],
    )
}
