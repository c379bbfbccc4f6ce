//! How an attempt failed and since when, in words, from its validation curve.

use assay_core::compare::Basis;
use assay_core::failure::onset::{Since, behind, falling};
use assay_core::failure::{FailureTable, Measured};
use assay_core::outcome::ContrastOutcome;
use assay_store::MilestonePoint;

pub(super) fn measured(milestones: &[MilestonePoint]) -> Vec<Measured> {
    let of = |p: &MilestonePoint| Measured {
        arm: p.arm_key.clone(),
        seed: p.seed,
        at: p.at.clone(),
        milestone: p.milestone,
        pass_at_1: p.pass_at_1,
    };
    milestones.iter().map(of).collect()
}

/// Against every arm that a registered contrast at equal compute names; then its own fall.
pub(super) fn lines<'a>(
    measured: &[Measured],
    arm: &str,
    contrasts: impl IntoIterator<Item = &'a ContrastOutcome>,
    label: impl Fn(&str) -> String,
    hacking: Option<&FailureTable>,
) -> Vec<String> {
    let trained = contrasts.into_iter().filter(|c| match c.basis() {
        Basis::EqualCompute { .. } => true,
        Basis::EqualInference { .. } => false,
    });
    let mut lines: Vec<String> = trained
        .filter_map(|c| {
            let since = behind(measured, arm, &c.against)?;
            Some(format!("behind {} {since}", label(&c.against)))
        })
        .collect();
    if let Some(since) = falling(measured, arm) {
        let judge = match hacking.is_some_and(|table| rises(table, &since)) {
            true => "its judge's score goes up while ",
            false => "",
        };
        lines.push(format!("{judge}its own accuracy falls {since}"));
    }
    lines
}

/// Whether the judge's mean score stands higher at the end than when the fall began, or, where it
/// fell from the first step on, than when the score was first taken.
fn rises(table: &FailureTable, since: &Since) -> bool {
    let from = match since {
        Since::Start => 0.0,
        Since::Measured { milestone, .. } => f64::from(*milestone),
    };
    let scores: Vec<f64> = table
        .rows
        .iter()
        .filter(|row| row.at.is_some_and(|at| at >= from))
        .filter_map(|row| Some(row.cells.get(1)?.as_ref()?.mean))
        .collect();
    match &scores[..] {
        [first, .., last] => last > first,
        [] | [_] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::failure::{FailureKind, FailureRow};
    use assay_core::outcome::{Outcome, outcome};
    use assay_core::spec::Experiment;
    use assay_core::stats::estimate;

    fn rule() -> Outcome {
        let text = "
name: t
question: q?
task: { name: modchain }
seeds: 3
budget: { unit: flops, amount: 1.0e+9 }
baseline: zero
required_attempts: { prm: { not_run: Not asked here. }, mcts: { not_run: Not asked here. } }
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: zero, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: judged, stages: [{ id: grpo, kind: grpo, epsilon: 0.3, inputs: { init: base } }] }
";
        let spec = Experiment::from_text(text).unwrap_or_else(|v| panic!("{v}"));
        outcome(&spec, &[], &[])
    }

    fn curve(arm: &str, values: [f64; 4]) -> Vec<Measured> {
        let of = |seed: u64| {
            (0_u32..).zip(values).map(move |(i, value)| Measured {
                arm: arm.into(),
                seed,
                at: (i > 0).then(|| ("grpo".into(), u64::from(i) * 100)),
                milestone: i * 25,
                pass_at_1: value + 0.01 * seed as f64,
            })
        };
        (0..3).flat_map(of).collect()
    }

    fn scores(values: [f64; 4]) -> FailureTable {
        let row = |(i, value): (u32, f64)| FailureRow {
            label: String::new(),
            at: Some(f64::from(i) * 25.0),
            cells: vec![None, estimate(&[value]), None],
        };
        FailureTable {
            kind: FailureKind::Hacking,
            arm: Some("judged".into()),
            stage: "grpo".into(),
            rows_are: String::new(),
            columns: vec![],
            rows: (0..).zip(values).map(row).collect(),
            note: String::new(),
        }
    }

    #[test]
    fn a_judge_that_goes_up_while_the_accuracy_falls_is_said_with_its_step() {
        let all = [
            curve("zero", [0.3, 0.4, 0.5, 0.6]),
            curve("judged", [0.3, 0.45, 0.4, 0.2]),
        ]
        .concat();
        let rule = rule();
        let of = |table: Option<&FailureTable>| {
            let own = rule.contrasts.iter().filter(|c| c.arm == "judged");
            lines(&all, "judged", own, |arm| arm.to_uppercase(), table)
        };
        let up = scores([0.2, 0.4, 0.6, 0.8]);
        assert_eq!(
            of(Some(&up)),
            [
                "behind ZERO from step 200 of grpo on (50 % of the budget)",
                "its judge's score goes up while its own accuracy falls from step 100 of grpo on (25 % of the budget)"
            ]
        );
        let down = scores([0.9, 0.8, 0.6, 0.2]);
        assert!(of(Some(&down))[1].starts_with("its own accuracy falls from step 100"));
        assert!(of(None)[1].starts_with("its own accuracy falls"));
        // The other arm did not fail so.
        let none = rule.contrasts.iter().filter(|c| c.arm == "zero");
        assert!(lines(&all, "zero", none, str::to_string, None).is_empty());
    }
}
