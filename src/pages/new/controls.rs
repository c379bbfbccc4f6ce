//! The controls of the form, each with what is wrong with its value.

use super::fields::Fields;
use super::recipe::{ASKED, RecipeField};
use crate::pages::{Choice, words};
use assay_core::spec::BudgetUnit;
use assay_core::violation::Violation;

/// How a control is drawn.
pub(super) enum Look {
    Line,
    Area,
    Choice(Vec<Choice>),
}

pub(super) struct Control {
    pub id: &'static str,
    pub label: &'static str,
    pub value: String,
    pub look: Look,
    pub help: String,
    pub errors: Vec<String>,
}

pub(super) struct ArmControl {
    pub id: String,
    pub label: String,
    pub ticked: bool,
    /// What else it is: the baseline, a required attempt.
    pub role: String,
    pub errors: Vec<String>,
}

pub(super) struct AttemptControl {
    pub role: String,
    pub arm: Option<String>,
    pub is_run: bool,
    /// The file registers none.
    pub offered: bool,
    pub reason: String,
    pub errors: Vec<String>,
}

/// The message without the part of its place that the field itself says.
pub(super) fn beside(id: &str, of: &Violation) -> String {
    if id.starts_with("p.") {
        return of.to_string();
    }
    if id.starts_with("arm-") {
        // Which stage of the arm.
        let rest: Vec<&str> = of.pointer.split('/').skip(3).collect();
        if !rest.is_empty() {
            return format!("{}: {}", rest.join("/"), of.message);
        }
    }
    of.message.clone()
}

pub(super) fn role(fields: &Fields, arm: &str) -> String {
    let mut said = vec![];
    if fields.baseline == arm {
        said.push("baseline".to_string());
    }
    for attempt in fields
        .attempts
        .iter()
        .filter(|a| a.arm.as_deref() == Some(arm))
    {
        said.push(format!("required attempt: {}", attempt.role));
    }
    said.join(", ")
}

pub(super) fn controls(of: &Fields, errors: &impl Fn(&str) -> Vec<String>) -> Vec<Control> {
    let option = |value: &str, label: &str, chosen: &str| Choice {
        value: value.into(),
        label: label.into(),
        chosen: value == chosen,
    };
    let units = BudgetUnit::ALL
        .iter()
        .map(|unit| option(unit.word(), words::unit(*unit), &of.unit));
    let metrics = words::FINAL.iter().map(|f| option(f.1, f.2, &of.metric));
    let arms = of
        .arms
        .iter()
        .map(|a| option(&a.id, &a.label, &of.baseline));
    let line = |id, label, value: &str, help: &str| Control {
        id,
        label,
        value: value.into(),
        look: Look::Line,
        help: help.into(),
        errors: errors(id),
    };
    let with = |look, control: Control| Control { look, ..control };
    vec![
        line("name", "Name", &of.name, ""),
        line(
            "question",
            "Question",
            &of.question,
            "What the comparison is to answer.",
        ),
        with(
            Look::Area,
            line(
                "hypothesis",
                "Hypothesis",
                &of.hypothesis,
                "What you expect. Frozen with the rest of this form before the first run.",
            ),
        ),
        line(
            "seeds",
            "Seeds",
            &of.seeds,
            "A number, or a list such as 10, 11, 12. Under 3 there is no interval, under 5 no verdict.",
        ),
        line(
            "amount",
            "Budget of an arm, per seed",
            &of.amount,
            "Training compute after the base, for example 4e11.",
        ),
        with(
            Look::Choice(units.collect()),
            line(
                "unit",
                "Unit of the budget",
                "",
                "Counted the same on any device.",
            ),
        ),
        with(
            Look::Choice(metrics.collect()),
            line(
                "metric",
                "Primary figure",
                "",
                "Of the final test evaluation; the verdicts are about it alone.",
            ),
        ),
        with(
            Look::Choice(arms.collect()),
            line(
                "baseline",
                "Baseline",
                "",
                "The arm that the others are compared with.",
            ),
        ),
        line(
            "margin",
            "Margin",
            &of.margin,
            "Differences smaller than this do not matter.",
        ),
        line(
            "min_gain",
            "Minimum gain",
            &of.min_gain,
            "An arm shown to gain less is called unsuccessful.",
        ),
    ]
}

/// The parameters of one stage, one for each of those that are asked.
pub(super) struct RecipeRow {
    pub arm: String,
    pub stage: String,
    pub cells: Vec<Option<RecipeControl>>,
}

pub(super) struct RecipeControl {
    pub id: String,
    pub label: String,
    pub value: String,
    pub errors: Vec<String>,
}

/// Shared stages first, then those of each arm.
pub(super) fn recipe_rows(of: &Fields, errors: &impl Fn(&str) -> Vec<String>) -> Vec<RecipeRow> {
    let label_of = |arm: &str| {
        let known = of.arms.iter().find(|a| a.id == arm);
        known.map_or_else(|| arm.to_string(), |a| a.label.clone())
    };
    let same = |a: &RecipeField, b: &RecipeField| (&a.arm, &a.stage) == (&b.arm, &b.stage);
    let row = |stage: &[RecipeField]| {
        let first = &stage[0];
        let arm = first
            .arm
            .as_deref()
            .map_or_else(|| "Shared".to_string(), label_of);
        let cell = |(key, words): &(&str, &str)| {
            let field = stage.iter().find(|f| f.key == *key)?;
            let id = field.id();
            Some(RecipeControl {
                errors: errors(&id),
                label: format!("{words} of {} in {arm}", first.stage),
                value: field.value.clone(),
                id,
            })
        };
        RecipeRow {
            cells: ASKED.iter().map(cell).collect(),
            stage: first.stage.clone(),
            arm,
        }
    };
    of.recipe.chunk_by(same).map(row).collect()
}
