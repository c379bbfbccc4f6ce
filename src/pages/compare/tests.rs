//! The comparison from made-up columns; over HTTP it is in `tests/pages`.

mod said;

use super::entries::{Entry, Origin};
use super::export::lines;
use super::*;
use crate::pages::judged::Judged;
use crate::pages::tests::assert_is_clean;
use assay_core::compare::{ArmFigures, RunFigures};
use assay_core::ids::{ArmId, ExperimentId, RunId};
use assay_core::metric;
use assay_core::outcome::{Mark, outcome};
use assay_core::spec::Experiment;
use assay_store::{ArmView, ExperimentView, RunPoint, RunSeries, RunState, RunView};
use std::collections::BTreeMap;
use time::OffsetDateTime;

mod decoding;
mod drawn;
mod left_out;
mod shortest;

fn experiment(n: u128, change: &str) -> (ExperimentId, Judged) {
    let budget = if change.contains("budget:") {
        ""
    } else {
        "budget: { unit: flops, amount: 4.0e+11 }"
    };
    let text = format!(
        "
name: <img src=x> {n}
question: q?
seeds: 3
{budget}
baseline: base
required_attempts: {{ prm: {{ not_run: Not asked here. }}, mcts: {{ not_run: Not asked here. }} }}
stages: [{{ id: base, kind: pretrain, model: {{}} }}]
arms:
  - {{ id: base, policy: base }}
  - {{ id: grpo, stages: [{{ id: grpo, kind: grpo, inputs: {{ init: base }} }}] }}
{change}"
    )
    .replace("<img src=x>", "e");
    let spec = Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"));
    let id = ExperimentId(uuid::Uuid::from_u128(n));
    let judged = Judged {
        outcome: outcome(&spec, &[], &[]),
        view: ExperimentView {
            id,
            name: "<img src=x onerror=alert(1)>".into(),
            question: spec.question.clone(),
            version: 1,
            sha256: "abcdef0123456789".into(),
            frozen_at: OffsetDateTime::UNIX_EPOCH,
            created_at: OffsetDateTime::UNIX_EPOCH,
            arms: vec![],
            spec,
        },
        arms: vec![],
        decoders: vec![],
    };
    (id, judged)
}

fn entry(experiment: ExperimentId, label: &str, value: f64, questions: &[u64]) -> Entry {
    let run = |seed| RunFigures {
        seed,
        charged: 4e11,
        values: vec![(metric::PASS_AT_1.into(), value + 0.01 * seed as f64)],
        excluded: false,
    };
    let shares = |seed| (seed, questions.iter().map(|q| (*q, value)).collect());
    Entry {
        experiment,
        arm: "grpo".into(),
        run: None,
        label: label.into(),
        origin: Origin::Asked,
        figures: ArmFigures {
            id: "grpo".into(),
            label: label.into(),
            trains: true,
            planned_seeds: 3,
            runs: (0..3).map(run).collect(),
        },
        left_out: vec![],
        shares: (0..3).map(shares).collect(),
        milestones: vec![],
        reached: vec![],
        code: Default::default(),
        series: (0..3).map(|seed| curve(seed, value)).collect(),
        zoomed: vec![],
        runs: (0..3).map(|seed| trained(experiment, seed)).collect(),
    }
}

fn run_id(experiment: ExperimentId, seed: u64) -> RunId {
    RunId(uuid::Uuid::from_u128(
        experiment.0.as_u128() * 100 + u128::from(seed),
    ))
}

fn curve(seed: u64, value: f64) -> RunSeries {
    let point = |i: i64| RunPoint {
        x: i as f64 * 1e10,
        step: i,
        mean: value,
        range: None,
    };
    RunSeries {
        arm_key: "grpo".into(),
        seed,
        run: RunId(uuid::Uuid::nil()),
        points: (1..=40).map(point).collect(),
    }
}

fn trained(experiment: ExperimentId, seed: u64) -> RunView {
    RunView {
        id: run_id(experiment, seed),
        experiment,
        arm: ArmView {
            id: ArmId(uuid::Uuid::nil()),
            position: 1,
            key: "grpo".into(),
            label: "GRPO".into(),
            trains: true,
        },
        seed,
        state: RunState::Succeeded,
        stages: vec![],
    }
}

const TASK: &str = "task: { name: modchain }";

fn two(second: &str) -> Material {
    let (a, b) = (experiment(1, TASK), experiment(2, second));
    Material {
        entries: vec![
            entry(a.0, "first", 0.5, &[1, 2, 3]),
            entry(b.0, "second", 0.7, &[1, 2, 3]),
        ],
        experiments: BTreeMap::from([a, b]),
        ..Material::default()
    }
}

fn render(of: &Material) -> String {
    let wanted = Wanted::default();
    let text = ComparePage::new(Shell::plain("Compare"), &wanted, of, 0)
        .render()
        .unwrap();
    assert_is_clean(&text);
    assert!(!text.contains("<img"));
    text
}

#[test]
fn equal_budgets_and_questions_give_a_paired_difference_and_a_tally() {
    let of = two(TASK);
    let table = compared(&of, metric::PASS_AT_1);
    let second = &table.lines[1];
    assert!((second.difference.unwrap().mean - 0.2).abs() < 1e-9);
    assert_eq!(second.questions.unwrap().wins, 3);
    // Nobody has registered it, so there is no word for it.
    assert_eq!(second.verdict, None);
    let text = render(&of);
    for words in [
        "equal compute: 4.000e11",
        "3 won, 0 lost, 0 tied",
        "none: not registered",
        "compared with",
        "0 of",
        "class=\"plot forest\"",
        "class=\"margin\"",
        "the registered margin, ±0.0200",
        "keys have different values",
    ] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn only_keys_that_differ_are_listed_unless_all_are_asked_for() {
    let of = two(&TASK.replace("{ name: modchain }", "{ name: modchain, max_ops: 3 }"));
    let keys = |all| {
        let wanted = Wanted {
            all,
            ..Wanted::default()
        };
        let page = ComparePage::new(Shell::plain("Compare"), &wanted, &of, 0);
        page.config.into_iter().map(|r| r.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(false), ["task.max_ops"]);
    assert!(keys(true).contains(&"grpo.beta".to_string()));
}

#[test]
fn other_code_is_a_difference_and_the_same_or_none_is_not() {
    let mut of = two(TASK);
    let changed = |of: &Material| {
        let table = compared(of, metric::PASS_AT_1);
        table.count(Differs::InValue)
    };
    assert_eq!(changed(&of), 0);
    of.entries[0].code.insert("0.1.0, commit aaa".into());
    assert_eq!(changed(&of), 1);
    let text = render(&of);
    assert!(text.contains(">code</th>") && text.contains("not recorded"));
    assert!(text.contains("0.1.0, commit aaa"));
    of.entries[1].code.insert("0.1.0, commit aaa".into());
    assert_eq!(changed(&of), 0);
    of.entries[1].code.insert("0.1.0, commit bbb".into());
    assert!(render(&of).contains("0.1.0, commit aaa; 0.1.0, commit bbb"));
}

#[test]
fn unequal_budgets_have_a_bar_that_names_the_shortest_and_no_verdict() {
    let text = render(&two(&format!(
        "{TASK}\nbudget: {{ unit: flops, amount: 2.0e+11 }}"
    )));
    for words in [
        "the shortest is second",
        "no verdict is given",
        "not equal compute",
        "within 2.000e11",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let units = render(&two(&format!(
        "{TASK}\nbudget: {{ unit: tokens, amount: 2.0e+7 }}"
    )));
    assert!(units.contains("different units"));
}

#[test]
fn other_questions_refuse_the_common_axis_and_say_why() {
    let of = two("task: { name: parity }");
    let text = render(&of);
    assert!(text.contains("their tasks differ"));
    assert!(!text.contains("class=\"plot forest\""), "no figure of both");
    let table = compared(&of, metric::PASS_AT_1);
    assert_eq!(
        (table.lines[1].difference, table.lines[1].questions),
        (None, None)
    );
    // Their own values stand all the same.
    assert_eq!(table.lines[1].value.unwrap().n, 3);
    let mut of = two(TASK);
    of.entries[1].shares[0].1.insert(99, 1.0);
    assert!(render(&of).contains("they answered other questions"));
}

#[test]
fn what_policy_added_is_marked_and_collapsing_leaves_a_notice() {
    let mut of = two(TASK);
    of.entries[1].origin = Origin::Policy;
    let text = render(&of);
    assert!(text.contains("<small>added by policy</small>") && text.contains("collapse=1"));
    let csv = lines(&compared(&of, metric::PASS_AT_1), &[], &[], &[]);
    assert_eq!(csv.lines().filter(|l| l.contains(",true,")).count(), 1);
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(columns == 37, "{columns}");
    of.entries.pop();
    of.collapsed = vec!["prm (prm-rl)".into()];
    let text = render(&of);
    assert!(text.contains("1 required attempt collapsed by you: prm (prm-rl)."));
    let csv = lines(&compared(&of, metric::PASS_AT_1), &[], &[], &of.collapsed);
    assert!(csv.contains("\"prm (prm-rl)\""));
}

#[test]
fn addresses_are_encoded_and_come_back() {
    let wanted = Wanted {
        runs: vec!["a b".into(), "c&d".into()],
        metric: Some(0),
        ..Wanted::default()
    };
    let query = wanted.query(&["e/x".into()], true, true);
    assert_eq!(
        query,
        "?runs=a%20b,c%26d&arms=e/x&metric=pass1&all=1&collapse=1"
    );
    let again = Wanted::read(&mut Asked::read(&query[1..]));
    assert_eq!(
        (again.runs, again.arms),
        (wanted.runs, vec!["e/x".to_string()])
    );
    assert!(again.all && again.collapse);
}

#[test]
fn nothing_to_compare_is_a_page() {
    let text = render(&Material::default());
    assert!(text.contains("Nothing to compare yet"));
}

#[test]
fn what_the_rule_calls_unsuccessful_is_drawn_and_written_so() {
    let mut of = two(TASK);
    assert!(!render(&of).contains("fail\""));
    let second = of.entries[1].experiment;
    let known = of.experiments.get_mut(&second).unwrap();
    let own = known.outcome.contrasts.iter_mut();
    for contrast in own.filter(|c| c.arm == "grpo") {
        contrast.mark = Some(Mark::Unsuccessful);
    }
    let text = render(&of);
    let forest = &text[text.find("class=\"plot forest\"").unwrap()..];
    let forest = &forest[..forest.find("</svg>").unwrap()];
    assert!(forest.contains("class=\"s c2 fail\""), "{forest}");
    assert!(forest.contains("× second (unsuccessful)"), "{forest}");
    let curves = &text[text.find("class=\"plot curves\"").unwrap()..];
    assert!(curves.contains("s c2 fail"), "{curves}");
    assert!(text.contains("<small>unsuccessful</small>"));
    let table = compared(&of, metric::PASS_AT_1);
    let csv = lines(&table, &[], &[], &[]);
    assert!(csv.lines().nth(2).unwrap().ends_with(",\"unsuccessful\""));
    assert!(csv.lines().nth(1).unwrap().ends_with(",\"first\","));
    let tex = export::tex(&table, "pass@1", &["a_b".into()], "6 runs");
    assert!(tex.contains("% a\\_b\n") && tex.contains("\n$\\times$ second & "));
    assert!(tex.contains("6 runs"));
}

#[test]
fn differences_are_taken_to_the_column_that_is_asked_for() {
    let mut of = two(TASK);
    of.base = 1;
    let table = compared(&of, metric::PASS_AT_1);
    assert_eq!(table.base().unwrap().label, "second");
    assert!((table.lines[0].difference.unwrap().mean + 0.2).abs() < 1e-9);
    assert_eq!(table.lines[1].difference, None);
    let text = render(&of);
    assert!(text.contains("compared with <strong><bdi>second</bdi></strong>"));
    let chosen = format!("<option value=\"{}\" selected>second", of.entries[1].word());
    assert!(text.contains(&chosen), "{chosen}\n{text}");
    let wanted = Wanted {
        base: Some("e/x y".into()),
        curve: 2,
        ..Wanted::default()
    };
    let query = wanted.query(&[], false, false);
    assert_eq!(query, "?base=e/x%20y&curve=truncated");
    let again = Wanted::read(&mut Asked::read(&query[1..]));
    assert_eq!((again.base, again.curve), (wanted.base, 2));
}

#[test]
fn training_curves_stand_together_only_where_questions_and_units_are_the_same() {
    let of = two(TASK);
    let table = compared(&of, metric::PASS_AT_1);
    let trained = figure::training(&of, &table, 0).unwrap();
    let keys: Vec<&str> = trained.chart.curves.iter().map(|c| &*c.key).collect();
    assert_eq!(keys, [of.entries[0].word(), of.entries[1].word()]);
    assert!((trained.chart.curves[1].bins[0].mean - 0.7).abs() < 1e-9);
    assert_eq!(trained.chart.curves[1].bins[0].n, 3);
    assert_eq!(figure::no_training(&of, &table), None);
    assert!(render(&of).contains("/compare/training.json?"));
    let of = two("task: { name: parity }");
    let table = compared(&of, metric::PASS_AT_1);
    let trained = figure::training(&of, &table, 0).unwrap();
    assert_eq!(trained.chart.curves.len(), 1);
    let why = figure::no_training(&of, &table).unwrap();
    assert!(why.contains("1 column without a line"), "{why}");
    let of = two(&format!(
        "{TASK}\nbudget: {{ unit: tokens, amount: 2.0e+7 }}"
    ));
    let table = compared(&of, metric::PASS_AT_1);
    assert!(figure::training(&of, &table, 0).is_none());
    assert!(render(&of).contains("counted in different units"));
}
