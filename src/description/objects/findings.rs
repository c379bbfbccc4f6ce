//! What has been found, and what people say of it.

use crate::description::shape::{Field, Object, Shape, field, list, map, maybe, object, pair};
use assay_core::note::Evidence;
use assay_core::task::Split;

/// What a person writes down.
pub(in crate::description) fn note() -> Vec<Field> {
    let evidence = Evidence::ALL.into_iter().map(Evidence::word).collect();
    vec![
        field(
            "why",
            Shape::Text,
            "At most 4,000 characters, as the others.",
        ),
        field("evidence", Shape::Words(evidence), "For what is said."),
        field("tried", Shape::Text, "").optional(),
        field("not_tried", Shape::Text, "").optional(),
        field("would_change", Shape::Text, "What would change one's mind.").optional(),
    ]
}

pub(super) fn splits() -> Shape {
    Shape::Words(Split::ALL.iter().map(|split| split.word()).collect())
}

pub(super) fn objects() -> Vec<Object> {
    let mut all = vec![
        split(),
        pass_at_k(),
        selection(),
        outcome(),
        denominator(),
        exclusion(),
        supervision(),
        milestone(),
        kept_note(),
        kept_state(),
    ];
    all.extend(failures());
    all.extend(published());
    all
}

fn split() -> Object {
    object(
        "SplitComparison",
        "The comparison on one split of the final evaluation.",
        vec![
            field("split", splits(), ""),
            field(
                "comparisons",
                list(Shape::Open(
                    "`basis`, `baseline`, `metric` and a row for every arm",
                )),
                "At equal compute, a metric each.",
            ),
            field(
                "decoders",
                list(Shape::Open(
                    "`policy`, `levels` and a row for every decoder",
                )),
                "At equal cost of inference, a policy each.",
            ),
            field(
                "pass_at_k",
                list(Shape::Of("PassAtK")),
                "Without the runs that were left out, which `exclusions` names.",
            ),
            field(
                "beyond",
                maybe(Shape::Open(
                    "pass@1 with its 95 % intervals over seeds, over questions (how many, and how it was found) and over both",
                )),
                "",
            ),
            field(
                "selection",
                list(Shape::Of("Selection")),
                "By metric, of those in which more is better.",
            ),
        ],
    )
}

fn pass_at_k() -> Object {
    object(
        "PassAtK",
        "pass@k of one run's final evaluation.",
        vec![
            field("arm_key", Shape::Text, ""),
            field("seed", Shape::Integer, ""),
            field("samples", Shape::Integer, "Of a problem."),
            field(
                "values",
                list(pair(Shape::Integer, Shape::Number)),
                "k and the unbiased estimate.",
            ),
        ],
    )
}

fn selection() -> Object {
    object(
        "Selection",
        "What the best of the arms would lose on fresh seeds.",
        vec![
            field("metric", Shape::Text, ""),
            field("arms", Shape::Integer, ""),
            field("seeds", Shape::Integer, ""),
            field("shrinkage", Shape::Number, ""),
        ],
    )
}

fn outcome() -> Object {
    object(
        "Outcome",
        "What the registered rule says.",
        vec![
            field("metric", Shape::Text, ""),
            field("margin", Shape::Number, ""),
            field("min_gain", Shape::Number, ""),
            field(
                "m",
                Shape::Integer,
                "Registered contrasts, those without data too.",
            ),
            field(
                "contrasts",
                list(Shape::Open(
                    "both arms, the difference with its unadjusted and its adjusted interval, p-values, `verdict` and `mark`",
                )),
                "",
            ),
            field(
                "required_attempts",
                list(Shape::Open(
                    "the attempt, and the arm that it is or why it was not run",
                )),
                "Empty: none was registered.",
            ),
            field(
                "withheld",
                Shape::Truth,
                "A required attempt is missing or none is registered, so no contrast has a verdict.",
            ),
            field(
                "open_runs",
                Shape::Integer,
                "Runs of the contrasts' arms that work or wait: while there are any, verdicts are for the seeds so far. Absent: none.",
            )
            .optional(),
        ],
    )
}

fn denominator() -> Object {
    object(
        "Denominator",
        "What the numbers are over.",
        vec![
            field(
                "planned",
                Shape::Integer,
                "Runs; each of the next four is a part of them.",
            ),
            field("done", Shape::Integer, ""),
            field("crashed", Shape::Integer, ""),
            field("cancelled", Shape::Integer, ""),
            field("open", Shape::Integer, ""),
            field(
                "excluded",
                Shape::Integer,
                "Left out, whatever became of them.",
            ),
            field("counted", Shape::Integer, "Done and not left out."),
            field("arms", Shape::Integer, ""),
            field(
                "unsuccessful",
                maybe(Shape::Integer),
                "Arms; null while the registered rule has not spoken.",
            ),
            field(
                "no_verdict",
                Shape::Words(vec!["not_yet", "withheld"]),
                "Why `unsuccessful` is null; absent otherwise.",
            )
            .optional(),
            field(
                "hidden",
                Shape::Integer,
                "Arms that were asked not to be shown.",
            ),
        ],
    )
}

fn exclusion() -> Object {
    object(
        "Exclusion",
        "A decision to leave a run out, or to take that back.",
        vec![
            field("run", Shape::Id, ""),
            field("arm", Shape::Text, ""),
            field("label", Shape::Text, ""),
            field("seed", Shape::Integer, ""),
            field("excluded", Shape::Truth, "False: it was taken back."),
            field("reason", Shape::Text, ""),
            field("at", Shape::Time, ""),
            field("holds", Shape::Truth, "The run's latest decision."),
        ],
    )
}

fn supervision() -> Object {
    object(
        "ArmSupervision",
        "What an arm was told by verifiers, teachers and people.",
        vec![
            field("arm", Shape::Text, ""),
            field("label", Shape::Text, ""),
            field(
                "runs",
                Shape::Integer,
                "Finished ones, which the means are over.",
            ),
            field("counts", map(Shape::Number), "By kind, mean a run."),
        ],
    )
}

fn milestone() -> Object {
    object(
        "Milestone",
        "A measurement on the validation split along a run's training.",
        vec![
            field("arm_key", Shape::Text, ""),
            field("seed", Shape::Integer, ""),
            field("run", Shape::Id, ""),
            field(
                "milestone",
                Shape::Integer,
                "Percent of the budget; 0 is the policy that the arm starts from.",
            ),
            field(
                "at",
                maybe(pair(Shape::Text, Shape::Integer)),
                "The stage's name and its step.",
            ),
            field(
                "x",
                Shape::Number,
                "Charged up to here, in the budget's unit.",
            ),
            field("tokens", Shape::Number, ""),
            field("flops", Shape::Number, ""),
            field("device_ms", Shape::Number, ""),
            field("active_ms", Shape::Number, ""),
            field("pass_at_1", Shape::Number, ""),
            field("mean_length", Shape::Number, "Tokens."),
            field("truncated_share", Shape::Number, ""),
        ],
    )
}

fn kept_note() -> Object {
    let mut fields = vec![
        field("id", Shape::Integer, ""),
        field("arm", Shape::Text, ""),
        field("written_at", Shape::Time, ""),
    ];
    fields.extend(note().into_iter().map(|f| Field {
        required: true,
        ..f
    }));
    object("Note", "What somebody makes of an arm's outcome.", fields)
}

fn kept_state() -> Object {
    object(
        "KeptState",
        "A state of an experiment that was kept for a citation.",
        vec![
            field("id", Shape::Text, "Its hash, in lower-case hex."),
            field("taken_at", Shape::Time, ""),
            field(
                "query",
                Shape::Text,
                "The view in which it was kept, as after the question mark of an address.",
            ),
            field("bytes", Shape::Integer, "As they are stored."),
        ],
    )
}

fn failures() -> Vec<Object> {
    vec![
        object(
            "FailureTable",
            "One kind of failure of one stage.",
            vec![
                field(
                    "kind",
                    Shape::Words(vec![
                        "label_error",
                        "judge_quality",
                        "judge_drift",
                        "hacking",
                        "search",
                        "stall",
                    ]),
                    "",
                ),
                field(
                    "arm",
                    maybe(Shape::Text),
                    "Null of a stage that arms share.",
                ),
                field("stage", Shape::Text, ""),
                field("rows_are", Shape::Text, ""),
                field(
                    "columns",
                    list(Shape::Inline(vec![
                        field("title", Shape::Text, ""),
                        field(
                            "scale",
                            Shape::Words(vec!["share", "change", "number", "percent"]),
                            "",
                        ),
                    ])),
                    "",
                ),
                field("rows", list(Shape::Of("FailureRow")), ""),
                field("note", Shape::Text, ""),
            ],
        ),
        object(
            "FailureRow",
            "A row of such a table.",
            vec![
                field("label", Shape::Text, ""),
                field(
                    "at",
                    maybe(Shape::Number),
                    "The label's number, where it is one.",
                ),
                field(
                    "cells",
                    list(maybe(Shape::Open("mean over seeds with its interval"))),
                    "One a column; null where nothing was measured.",
                ),
            ],
        ),
    ]
}

fn published() -> Vec<Object> {
    vec![
        object(
            "Source",
            "A paper or a report, in one version.",
            vec![
                field("title", Shape::Text, ""),
                field("version", Shape::Text, ""),
                field("date", Shape::Text, "Of that version."),
                field("url", Shape::Text, ""),
            ],
        ),
        object(
            "Published",
            "A published figure of a model.",
            vec![
                field("source", Shape::Text, "Its word among the sources."),
                field("place", Shape::Text, "Where in the source."),
                field("model", Shape::Text, ""),
                field("benchmark", Shape::Text, ""),
                field("metric", Shape::Text, ""),
                field("value", Shape::Number, "Shares in per cent."),
                field("note", Shape::Text, ""),
            ],
        ),
        object(
            "Hours",
            "Published device hours of a training.",
            vec![
                field("id", Shape::Text, ""),
                field("what", Shape::Text, ""),
                field("device", Shape::Text, ""),
                field("total", Shape::Number, ""),
                field("source", Shape::Text, ""),
                field("place", Shape::Text, ""),
                field(
                    "parts",
                    list(Shape::Inline(vec![
                        field("what", Shape::Text, ""),
                        field("devices", Shape::Number, ""),
                        field("hours", Shape::Number, ""),
                    ])),
                    "",
                ),
                field("notes", list(Shape::Text), ""),
            ],
        ),
    ]
}
