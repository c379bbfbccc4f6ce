//! What a run is, and what it has recorded.

use super::findings::splits;
use crate::description::shape::{Object, Shape, field, list, map, maybe, object};
use assay_core::spec::Charge;
use assay_store::{GraderVerdict, JobState, RunState};

pub(super) fn run_states() -> Shape {
    Shape::Words(RunState::ALL.iter().map(|state| state.word()).collect())
}

pub(super) fn job_states() -> Shape {
    Shape::Words(JobState::ALL.iter().map(|state| state.word()).collect())
}

pub(super) fn objects() -> Vec<Object> {
    vec![
        run(),
        stage(),
        failure(),
        series(),
        point(),
        cumulative(),
        cost(),
        completion(),
        evaluation(),
        ledger(),
        contest(),
        note(),
        requeued(),
        object(
            "Interval",
            "An interval.",
            vec![
                field("low", Shape::Number, ""),
                field("high", Shape::Number, ""),
            ],
        ),
    ]
}

fn run() -> Object {
    object(
        "Run",
        "An arm at a seed.",
        vec![
            field("id", Shape::Id, ""),
            field("experiment", Shape::Id, ""),
            field("arm", Shape::Of("Arm"), ""),
            field("seed", Shape::Integer, ""),
            field("state", run_states(), ""),
            field(
                "excluded",
                Shape::Truth,
                "Left out of the comparison; its own figures stay readable.",
            ),
            field(
                "stages",
                list(Shape::Of("RunStage")),
                "In order of computation; the last is the final evaluation.",
            ),
        ],
    )
}

fn stage() -> Object {
    object(
        "RunStage",
        "A stage as one run sees it.",
        vec![
            field("position", Shape::Integer, ""),
            field("name", Shape::Text, "`stage`, `arm/stage` or `eval`."),
            field(
                "stage",
                Shape::Id,
                "Equal stages of all experiments are one.",
            ),
            field(
                "hash",
                Shape::Text,
                "Of everything that decides its result.",
            ),
            field("kind", Shape::Text, ""),
            field(
                "charge",
                Shape::Words(Charge::ALL.iter().map(|charge| charge.word()).collect()),
                "Who pays.",
            ),
            field(
                "reused",
                Shape::Truth,
                "An earlier experiment had planned it.",
            ),
            field("state", job_states(), ""),
            field("attempts", Shape::Integer, ""),
            field(
                "failures",
                Shape::Integer,
                "Attempts that count against it.",
            ),
            field("step", Shape::Integer, "Of the latest attempt."),
            field("started_at", maybe(Shape::Time), "Of the first attempt."),
            field("finished_at", maybe(Shape::Time), ""),
            field(
                "failure",
                maybe(Shape::Of("Failure")),
                "Of the latest attempt that failed.",
            ),
            field(
                "worker_name",
                maybe(Shape::Text),
                "Who works, or worked last, on it.",
            ),
            field(
                "waits_for",
                list(Shape::Text),
                "Inputs that have not succeeded yet.",
            ),
        ],
    )
}

fn failure() -> Object {
    object(
        "Failure",
        "Why an attempt failed.",
        vec![
            field("class", Shape::Text, "`crash`, `oom`, `nan`, `bad_config`."),
            field("message", Shape::Text, ""),
            field("step", maybe(Shape::Integer), ""),
            field("metric", maybe(Shape::Text), ""),
            field("log", list(Shape::Text), "Last lines of what it printed."),
        ],
    )
}

fn series() -> Object {
    object(
        "StageSeries",
        "A stage's metrics, or its points of the one that was asked for.",
        vec![
            field("name", Shape::Text, ""),
            field("stage", Shape::Id, ""),
            field("metrics", list(Shape::Text), "Where none was asked for.").optional(),
            field(
                "level",
                Shape::Integer,
                "0: points as measured; n: buckets of 10^n steps.",
            )
            .optional(),
            field("points", list(Shape::Of("Point")), "").optional(),
        ],
    )
}

fn point() -> Object {
    let number = || maybe(Shape::Number);
    object(
        "Point",
        "A measured point, or a bucket of them; null is not a finite number.",
        vec![
            field("step", Shape::Integer, "The last in it."),
            field("count", Shape::Integer, ""),
            field("mean", number(), ""),
            field("min", number(), ""),
            field("max", number(), ""),
            field("last", number(), ""),
            field(
                "cum",
                Shape::Of("Cumulative"),
                "Of the stage, since its start.",
            ),
        ],
    )
}

fn cumulative() -> Object {
    object(
        "Cumulative",
        "What a stage has used up to a step.",
        vec![
            field(
                "charged",
                Shape::Of("Cost"),
                "Without evaluation and lost work.",
            ),
            field("active_ms", Shape::Number, ""),
        ],
    )
}

fn cost() -> Object {
    object(
        "Cost",
        "Compute.",
        vec![
            field("tokens", Shape::Number, ""),
            field("flops", Shape::Number, "By the reference formula."),
            field("device_ms", Shape::Number, ""),
        ],
    )
}

fn completion() -> Object {
    object(
        "Completion",
        "A stored completion: what a model wrote, not to be trusted as markup.",
        vec![
            field("step", Shape::Integer, ""),
            field("group", Shape::Integer, ""),
            field("index", Shape::Integer, ""),
            field("prompt", Shape::Text, ""),
            field("gold", Shape::Text, "The right answer."),
            field("completion", Shape::Text, ""),
            field("reward", maybe(Shape::Number), ""),
            field("advantage", maybe(Shape::Number), ""),
            field("length", Shape::Integer, "Tokens, end mark included."),
            field("truncated", Shape::Truth, ""),
            field("correct", Shape::Truth, "The grader's word."),
            field(
                "components",
                map(Shape::Number),
                "Of the reward, before their weights.",
            ),
        ],
    )
}

fn evaluation() -> Object {
    object(
        "Evaluation",
        "A measurement of a policy.",
        vec![
            field("id", Shape::Integer, ""),
            field("stage", Shape::Id, ""),
            field("attempt", Shape::Integer, ""),
            field("step", Shape::Integer, ""),
            field("split", splits(), ""),
            field(
                "milestone",
                maybe(Shape::Integer),
                "Percent of the arm's budget.",
            ),
            field("cum", Shape::Of("Cumulative"), ""),
            field("temperature", Shape::Number, ""),
            field("top_p", Shape::Number, ""),
            field("max_completion_length", Shape::Integer, "Tokens."),
            field("problems", Shape::Integer, ""),
            field("samples", Shape::Integer, "Of the problem with the fewest."),
            field("pass_at_1", Shape::Number, ""),
            field("maj_at_k", Shape::Number, ""),
            field("mean_length", Shape::Number, "Tokens."),
            field("truncated_share", Shape::Number, ""),
        ],
    )
}

fn ledger() -> Object {
    object(
        "LedgerRow",
        "What one stage of a run used for one purpose.",
        vec![
            field("position", Shape::Integer, ""),
            field("name", Shape::Text, ""),
            field("stage", Shape::Id, ""),
            field("purpose", Shape::Text, ""),
            field("charged", Shape::Truth, "Counts against the arm's budget."),
            field("cost", Shape::Of("Cost"), ""),
        ],
    )
}

fn contest() -> Object {
    object(
        "Contest",
        "What somebody said of the grader.",
        vec![
            field("id", Shape::Integer, ""),
            field("stage", Shape::Id, ""),
            field(
                "place",
                Shape::Inline(vec![
                    field("step", Shape::Integer, ""),
                    field("group", Shape::Integer, ""),
                    field("index", Shape::Integer, ""),
                ]),
                "Of the completion.",
            ),
            field(
                "verdict",
                Shape::Words(GraderVerdict::ALL.iter().map(|v| v.word()).collect()),
                "",
            ),
            field("graded_correct", Shape::Truth, ""),
            field("reason", Shape::Text, ""),
            field("at", Shape::Time, ""),
            field(
                "counts",
                Shape::Truth,
                "No later one is about the same completion.",
            ),
        ],
    )
}

fn note() -> Object {
    object(
        "RunNote",
        "What somebody says of a run.",
        vec![
            field("id", Shape::Integer, ""),
            field("written_at", Shape::Time, ""),
            field(
                "author",
                maybe(Shape::Text),
                "With which token, where one was asked for.",
            ),
            field("text", Shape::Text, ""),
        ],
    )
}

fn requeued() -> Object {
    object(
        "RequeuedStage",
        "A stage that was queued again, as it was before.",
        vec![
            field("stage", Shape::Id, ""),
            field("name", Shape::Text, "What the run calls it."),
            field("attempt", Shape::Integer, "The latest, which is over."),
            field("was", job_states(), ""),
            field(
                "from_step",
                Shape::Integer,
                "Of the last checkpoint, from which the next attempt goes on; 0: from the start.",
            ),
            field("reached", Shape::Integer, "The last step that counted."),
            field("discards", Shape::Text, "What is lost by it, in words."),
        ],
    )
}
