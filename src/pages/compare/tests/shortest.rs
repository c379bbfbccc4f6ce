//! Budgets that differ, and what was measured on the way.

use super::*;
use assay_store::MilestonePoint;

/// Measured at a fifth, at half and at the end of a budget.
fn measured_along(of: &mut Entry, budget: f64, values: [f64; 3]) {
    for seed in 0..3 {
        for (mark, value) in [20, 50, 100].into_iter().zip(values) {
            of.milestones.push(MilestonePoint {
                arm_key: "grpo".into(),
                seed,
                run: run_id(of.experiment, seed),
                milestone: mark,
                at: None,
                x: f64::from(mark) / 100.0 * budget,
                tokens: 0.0,
                flops: 0.0,
                device_ms: 0.0,
                active_ms: 0.0,
                pass_at_1: value + 0.01 * seed as f64,
                mean_length: 20.0,
                truncated_share: 0.0,
            });
        }
    }
}

#[test]
fn unequal_budgets_are_compared_at_the_shortest_as_far_as_milestones_tell() {
    let short = format!("{TASK}\nbudget: {{ unit: flops, amount: 2.0e+11 }}");
    let mut of = two(&short);
    let without = compared(&of, metric::PASS_AT_1);
    assert_eq!(without.lines[1].difference, None);
    assert_eq!(
        without.lines[1].no_difference.as_deref(),
        Some("nothing was measured on the validation split")
    );
    assert!(!render(&of).contains("class=\"plot forest\""));
    measured_along(&mut of.entries[0], 4e11, [0.2, 0.4, 0.9]);
    measured_along(&mut of.entries[1], 2e11, [0.3, 0.5, 0.7]);
    let table = compared(&of, metric::PASS_AT_1);
    // Half of the longer budget is the shorter one: 0.7 against 0.4, and not against 0.9.
    let difference = table.lines[1].difference.unwrap();
    assert!((difference.mean - 0.3).abs() < 1e-9 && difference.n == 3);
    assert!((table.lines[0].at_shortest.unwrap().mean - 0.41).abs() < 1e-9);
    assert_eq!(table.margin, None);
    let text = render(&of);
    for words in [
        "within the shortest, equal compute: 2.000e11",
        "Differences to first in validation pass@1 within the shortest budget",
        "of validation figures within 2.000e11",
        "no verdict is given",
    ] {
        assert!(text.contains(words), "{words}");
    }
    // What ends before the shortest budget is not compared at it.
    of.entries[0].milestones.retain(|p| p.milestone == 20);
    let table = compared(&of, metric::PASS_AT_1);
    assert_eq!(
        table.lines[1].no_difference.as_deref(),
        Some("first: its data end before the shortest budget")
    );
    // Units that differ have no common budget at all.
    let of = two(&format!(
        "{TASK}\nbudget: {{ unit: tokens, amount: 2.0e+7 }}"
    ));
    let table = compared(&of, metric::PASS_AT_1);
    assert_eq!(table.lines[1].difference, None);
    assert!(
        table.lines[1]
            .no_difference
            .as_ref()
            .unwrap()
            .contains("different units")
    );
}
