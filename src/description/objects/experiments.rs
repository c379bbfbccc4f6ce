//! What an experiment is, as it is sent and as it is read.

use crate::description::shape::{Object, Shape, either, field, list, map, maybe, object, pair};
use assay_core::metric;
use assay_core::spec::{BaseSeeds, BudgetUnit};

fn words<T: Copy>(all: &[T], word: impl Fn(T) -> &'static str) -> Shape {
    Shape::Words(all.iter().map(|one| word(*one)).collect())
}

pub(super) fn objects() -> Vec<Object> {
    vec![
        file(),
        budget(),
        line(),
        one(),
        arm(),
        version(),
        progress(),
        run(),
        current(),
    ]
}

fn file() -> Object {
    object(
        "ExperimentFile",
        "An experiment file; as it is read back every default is written out.",
        vec![
            field("name", Shape::Text, "At most 120 characters, plain text like all of them."),
            field("question", Shape::Text, "At most 500 characters."),
            field(
                "hypothesis",
                maybe(Shape::Text),
                "What is expected, at most 2,000 characters.",
            )
            .optional(),
            field("task", Shape::Open("its `name` and its settings, docs/tasks.md"), ""),
            field(
                "base_seeds",
                words(BaseSeeds::ALL, BaseSeeds::word),
                "Whether shared stages are computed once or once a seed.",
            )
            .optional(),
            field(
                "seeds",
                either(Shape::Integer, list(Shape::Integer)),
                "How many, or which.",
            ),
            field("root_seed", Shape::Integer, "Another one shares no stage.").optional(),
            field("budget", Shape::Of("Budget"), "Of every arm, a seed."),
            field("metric", Shape::Words(metric::FINAL.to_vec()), "The primary one.").optional(),
            field("baseline", Shape::Text, "Id of the arm that others are compared with."),
            field("margin", Shape::Number, "Smaller differences do not matter.").optional(),
            field(
                "min_gain",
                Shape::Number,
                "What an arm must gain; one that cannot have is unsuccessful.",
            )
            .optional(),
            field(
                "contrasts",
                list(Shape::Any),
                "Differences that are tested, in one family; by default each arm against the baseline.",
            )
            .optional(),
            field(
                "required_attempts",
                map(Shape::Any),
                "What the comparison must not leave out: an arm, or `not_run` with its reason.",
            )
            .optional(),
            field("evaluation", Shape::Open("milestones, problems, samples, lengths"), "").optional(),
            field("alarms", Shape::Any, "When a run's page calls a curve alarming.").optional(),
            field(
                "stages",
                list(Shape::Open("`id`, `kind`, `inputs`, and its kind's parameters")),
                "Shared by arms.",
            )
            .optional(),
            field(
                "arms",
                list(Shape::Open("`id`, `label`, and `stages`, or the `policy` that it evaluates")),
                "At least one.",
            ),
        ],
    )
}

fn budget() -> Object {
    object(
        "Budget",
        "What every arm may spend on training after the base.",
        vec![
            field("unit", words(BudgetUnit::ALL, BudgetUnit::word), ""),
            field("amount", Shape::Number, ""),
        ],
    )
}

fn line() -> Object {
    object(
        "ExperimentLine",
        "A line of the list of experiments.",
        vec![
            field("id", Shape::Id, ""),
            field("name", Shape::Text, ""),
            field("question", Shape::Text, ""),
            field("created_at", Shape::Time, ""),
            field("arms", Shape::Integer, ""),
            field("runs", Shape::Integer, ""),
            field("runs_done", Shape::Integer, ""),
            field("runs_failed", Shape::Integer, ""),
            field("runs_running", Shape::Integer, ""),
            field("last_event_at", maybe(Shape::Time), ""),
        ],
    )
}

fn one() -> Object {
    object(
        "Experiment",
        "An experiment in its current version.",
        vec![
            field("id", Shape::Id, ""),
            field("name", Shape::Text, ""),
            field("question", Shape::Text, ""),
            field("version", Shape::Integer, "1 until it is amended."),
            field("sha256", Shape::Text, "Of the canonical JSON of `spec`."),
            field("frozen_at", Shape::Time, ""),
            field("created_at", Shape::Time, ""),
            field("spec", Shape::Of("ExperimentFile"), ""),
            field("arms", list(Shape::Of("Arm")), "In the order of the file."),
        ],
    )
}

fn arm() -> Object {
    object(
        "Arm",
        "One recipe under comparison.",
        vec![
            field("id", Shape::Id, ""),
            field("position", Shape::Integer, ""),
            field("key", Shape::Text, "Its id in the file."),
            field("label", Shape::Text, ""),
            field(
                "trains",
                Shape::Truth,
                "False where it evaluates a shared stage as it is, and of a decoder.",
            ),
        ],
    )
}

fn version() -> Object {
    object(
        "Version",
        "A version of a registered experiment.",
        vec![
            field("version", Shape::Integer, ""),
            field(
                "sha256",
                Shape::Text,
                "Of the canonical JSON of the whole specification.",
            ),
            field("frozen_at", Shape::Time, ""),
            field("question", Shape::Text, ""),
            field("hypothesis", maybe(Shape::Text), ""),
            field("note", Shape::Text, ""),
            field("reason", maybe(Shape::Text), "Version 1 has none."),
            field(
                "author",
                maybe(Shape::Text),
                "With which token, where one was asked for.",
            ),
            field(
                "results_before",
                Shape::Integer,
                "Runs whose final evaluation had finished by then.",
            ),
        ],
    )
}

fn progress() -> Object {
    object(
        "Progress",
        "How far an experiment is.",
        vec![
            field("experiment", Shape::Id, ""),
            field("name", Shape::Text, ""),
            field("question", Shape::Text, ""),
            field("runs", list(Shape::Of("RunProgress")), ""),
        ],
    )
}

fn run() -> Object {
    object(
        "RunProgress",
        "How far a run is.",
        vec![
            field("run", Shape::Id, ""),
            field("arm", Shape::Text, ""),
            field("seed", Shape::Integer, ""),
            field("state", super::runs::run_states(), ""),
            field("excluded", Shape::Truth, "Left out of the comparison."),
            field("done", Shape::Integer, "Stages that have ended."),
            field("stages", Shape::Integer, "Of how many."),
            field(
                "fraction",
                Shape::Number,
                "0 to 1 over all stages, as far as it is known.",
            ),
            field(
                "current",
                maybe(Shape::Of("CurrentStage")),
                "The stage that failed, else the one at work, else the next.",
            ),
        ],
    )
}

fn current() -> Object {
    object(
        "CurrentStage",
        "What a run is at.",
        vec![
            field("name", Shape::Text, ""),
            field("state", super::runs::job_states(), ""),
            field("step", Shape::Integer, ""),
            field("fraction", Shape::Number, "Of the stage's own work."),
            field(
                "metrics",
                list(pair(Shape::Text, Shape::Number)),
                "Latest values of some.",
            ),
            field("failure", maybe(Shape::Text), ""),
        ],
    )
}
