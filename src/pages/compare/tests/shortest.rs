//! Budgets that differ, and what was measured on the way.

use super::*;
use assay_store::MilestonePoint;

/// Measured at a fifth, at half and at the end of a budget.
pub(super) fn measured_along(of: &mut Entry, budget: f64, values: [f64; 3]) {
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
        "of validation pass@1 within 2.000e11",
        "differences are of validation pass@1 within the shortest, equal compute: 2.000e11",
        "answered at the end of unequal budgets",
        "<small>n = 3</small>",
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

#[test]
fn validation_and_its_frontier_stand_together_where_questions_and_units_are_the_same() {
    let mut of = two(TASK);
    assert!(!render(&of).contains("id=\"validation\""));
    measured_along(&mut of.entries[0], 4e11, [0.2, 0.4, 0.9]);
    measured_along(&mut of.entries[1], 4e11, [0.3, 0.5, 0.7]);
    let table = compared(&of, metric::PASS_AT_1);
    let drawn = validation::milestones(&of, &table).unwrap();
    let bins = &drawn.chart.curves[0].bins;
    let means: Vec<f64> = bins.iter().map(|b| b.mean).collect();
    assert_eq!((means.len(), bins[2].n), (3, 3));
    assert!((means[0] - 0.21).abs() < 1e-9 && (means[2] - 0.91).abs() < 1e-9);
    let drawn = validation::frontier(&of, &table).unwrap();
    // The second is ahead at a fifth and at half of the budget, the first at its end.
    let corners: Vec<f64> = drawn.chart.pareto.iter().map(|p| p.1).collect();
    assert_eq!(corners.len(), 3, "{corners:?}");
    assert!((corners[1] - 0.51).abs() < 1e-9 && (corners[2] - 0.91).abs() < 1e-9);
    let text = render(&of);
    for words in [
        "id=\"validation\"",
        "On the frontier with the 3 seeds resampled, 400 draws, rough at n = 3: first in 100 %, second in 100 %.",
        "/compare/milestones.svg?",
        "/compare/frontier.json?",
        "(equal compute: 4.000e11 training FLOPs per seed)",
    ] {
        assert!(text.contains(words), "{words}");
    }
    // Length is no aim: there is no frontier of it.
    let length = compared(&of, metric::LENGTH);
    assert!(
        validation::frontier(&of, &length)
            .unwrap()
            .chart
            .pareto
            .is_empty()
    );
    let other = two(&format!(
        "{TASK}\nbudget: {{ unit: tokens, amount: 2.0e+7 }}"
    ));
    let table = compared(&other, metric::PASS_AT_1);
    assert!(validation::milestones(&other, &table).is_none());
}

fn at_half_of_the_budget() -> Material {
    let mut of = two(&format!(
        "{TASK}\nbudget: {{ unit: flops, amount: 2.0e+11 }}"
    ));
    measured_along(&mut of.entries[0], 4e11, [0.2, 0.4, 0.9]);
    measured_along(&mut of.entries[1], 2e11, [0.3, 0.5, 0.7]);
    of
}

#[test]
fn what_was_measured_far_below_the_shortest_budget_is_flagged_and_no_difference() {
    let mut of = at_half_of_the_budget();
    // The longer one was measured at a fifth of its budget, and then beyond the shorter.
    of.entries[0].milestones.retain(|p| p.milestone != 50);
    let table = compared(&of, metric::PASS_AT_1);
    let (first, second) = (&table.lines[0], &table.lines[1]);
    assert!((first.at_shortest.unwrap().mean - 0.21).abs() < 1e-9);
    assert_eq!(first.at_shortest_remark, "measured last under 95 % of it");
    assert_eq!(
        (second.difference, second.at_shortest_remark.as_str()),
        (None, "")
    );
    assert!(second.difference_seeds.is_empty());
    let why = second.no_difference.as_deref().unwrap();
    assert_eq!(
        why,
        "first: measured last under 95 % of the shortest budget"
    );
    let text = render(&of);
    assert!(text.contains("<small>n = 3; measured last under 95 % of it</small>"));
    assert!(text.contains(why) && !text.contains("class=\"plot forest\""));
    // What spends nothing has its value at every budget.
    of.entries[0].figures.trains = false;
    let table = compared(&of, metric::PASS_AT_1);
    assert!(table.lines[1].difference.is_some());
}

#[test]
fn one_seed_far_below_the_shortest_budget_is_counted_and_is_in_no_pair() {
    let mut of = at_half_of_the_budget();
    of.entries[0]
        .milestones
        .retain(|p| p.milestone != 50 || p.seed != 2);
    let table = compared(&of, metric::PASS_AT_1);
    let (first, second) = (&table.lines[0], &table.lines[1]);
    let said = "1 seed measured last under 95 % of it";
    assert_eq!(first.at_shortest_remark, said);
    assert_eq!(first.at_shortest_seeds_far_below, 1);
    assert_eq!(second.at_shortest_seeds_far_below, 0);
    assert_eq!(first.at_shortest.unwrap().n, 3);
    let difference = second.difference.unwrap();
    assert!(difference.n == 2 && (difference.mean - 0.3).abs() < 1e-9);
    assert_eq!(second.difference_seeds.len(), 2);
    assert!(render(&of).contains(&format!("<small>n = 3; {said}</small>")));
    let tex = export::tex(&table, "pass@1", &[], "");
    let noted = "Within the shortest budget: first: 1 seed measured last under 95";
    assert!(tex.contains(noted), "{tex}");
    // Two that are far below, and the third of the other ends before the budget.
    let mut of = at_half_of_the_budget();
    of.entries[0]
        .milestones
        .retain(|p| p.milestone != 50 || p.seed == 2);
    of.entries[1]
        .milestones
        .retain(|p| p.milestone != 100 || p.seed != 2);
    let table = compared(&of, metric::PASS_AT_1);
    assert_eq!(table.lines[1].difference, None);
    assert_eq!(
        table.lines[1].no_difference.as_deref(),
        Some("in every pair a seed was measured last under 95 % of the shortest budget")
    );
}

#[test]
fn validation_figures_of_other_questions_are_neither_subtracted_nor_drawn_together() {
    let of = |validation: &str, budget: &str| {
        let mut of = two(&format!(
            "{TASK}\nevaluation: {{ {validation} }}\nbudget: {{ unit: flops, amount: {budget} }}"
        ));
        measured_along(&mut of.entries[0], 4e11, [0.2, 0.4, 0.9]);
        measured_along(&mut of.entries[1], 2e11, [0.3, 0.5, 0.7]);
        of
    };
    for (change, why) in [
        ("validation_problems: 7", "numbers of validation questions"),
        ("validation_samples: 7", "numbers of samples"),
    ] {
        let of = of(change, "2.0e+11");
        let table = compared(&of, metric::PASS_AT_1);
        let line = &table.lines[1];
        assert_eq!(line.difference, None);
        assert!(line.no_difference.as_ref().unwrap().contains(why));
        assert!(line.at_shortest.is_some());
        for drawn in [
            validation::milestones(&of, &table),
            validation::frontier(&of, &table),
        ] {
            let drawn = drawn.unwrap();
            assert_eq!(drawn.chart.curves.len(), 1);
            let said = drawn.caption.join(" ");
            assert!(
                said.contains("second is not drawn: ") && said.contains(why),
                "{said}"
            );
        }
    }
    // Test figures are of the same questions all the same.
    let of = of("validation_problems: 7", "4.0e+11");
    let table = compared(&of, metric::PASS_AT_1);
    assert!(table.lines[1].difference.is_some());
}

#[test]
fn files_name_the_validation_figure_that_differences_are_of() {
    let of = at_half_of_the_budget();
    let table = compared(&of, metric::MAJ_AT_K);
    let basis = "differences are of validation pass@1 within the shortest";
    assert!(table.basis_text.contains(basis), "{}", table.basis_text);
    let csv = lines(&table, &[], &[], &[]);
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let place = |name: &str| head.iter().position(|own| *own == name).unwrap();
    let cells: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    // The basis of unequal budgets has a comma of its own.
    let shift = cells.len() - head.len();
    assert_eq!(cells[place("at_shortest_n") + shift], "3");
    assert_eq!(cells[place("at_shortest_seeds_far_below") + shift], "0");
    let mean: f64 = cells[place("at_shortest") + shift].parse().unwrap();
    assert!((mean - 0.41).abs() < 1e-9, "{mean}");
    let tex = export::tex(&table, "maj@k", &[], "");
    assert!(tex.contains("\\begin{tabular}{llrrrrl}"), "{tex}");
    for words in [
        "differences are of validation pass@1 within",
        "& validation pass@1 within",
    ] {
        assert!(tex.contains(words), "{words} in {tex}");
    }
    // At equal compute there is no such column.
    let equal = compared(&two(TASK), metric::PASS_AT_1);
    let tex = export::tex(&equal, "pass@1", &[], "");
    assert!(tex.contains("\\begin{tabular}{llrrrl}") && !tex.contains("validation"));
}

#[test]
fn lines_that_are_drawn_together_are_named_and_are_in_the_numbers_each_for_itself() {
    let mut of = two(TASK);
    let first = of.entries[0].clone();
    for i in 0..30 {
        let mut other = first.clone();
        other.run = Some(run_id(first.experiment, 100 + i));
        other.label = format!("column {i}");
        of.entries.push(other);
    }
    for entry in &mut of.entries {
        measured_along(entry, 4e11, [0.2, 0.4, 0.9]);
    }
    let table = compared(&of, metric::PASS_AT_1);
    let drawn = validation::milestones(&of, &table).unwrap();
    let merged = drawn.chart.merged.as_ref().unwrap();
    assert_eq!(drawn.chart.curves.len() + merged.curves.len(), 32);
    let picture = drawn.picture();
    let said = "Drawn together as the range of their means: ";
    assert!(picture.caption.contains(said) && picture.caption.contains("column 29"));
    let data = picture.data.unwrap();
    assert_eq!((data.id.as_str(), data.rows.len()), ("milestones", 32));
    let sheet = numbers::curves(&drawn, &table, of.view.lines).numbers();
    for label in ["column 0", "column 29"] {
        let rows = sheet.as_array().unwrap().iter();
        assert_eq!(
            rows.filter(|row| row["label"] == label).count(),
            3,
            "{label}"
        );
    }
}
