use super::*;
use crate::metric;

fn series(
    arm: &str,
    stage: &str,
    kind: &str,
    seed: u64,
    metric: &str,
    values: &[f64],
) -> StageSeries {
    StageSeries {
        arm: (!arm.is_empty()).then(|| arm.into()),
        stage: stage.into(),
        kind: kind.into(),
        seed,
        metric: metric.into(),
        points: (1..).zip(values.iter().copied()).collect(),
    }
}

fn find(tables: &[FailureTable], kind: FailureKind) -> &FailureTable {
    let mut own = tables.iter().filter(|t| t.kind == kind);
    let found = own.next().unwrap_or_else(|| panic!("no {kind:?}"));
    assert!(own.next().is_none(), "{kind:?} twice");
    found
}

fn means(row: &FailureRow) -> Vec<Option<f64>> {
    row.cells
        .iter()
        .map(|cell| cell.map(|e| (e.mean * 1e6).round() / 1e6))
        .collect()
}

fn row<'a>(table: &'a FailureTable, label: &str) -> &'a FailureRow {
    let found = table.rows.iter().find(|r| r.label == label);
    found.unwrap_or_else(|| panic!("{label} not in {:?}", table.rows))
}

#[test]
fn label_errors_stand_by_depth_and_by_k_as_they_were_last_counted() {
    let mut all = vec![];
    for seed in 0..3 {
        let bump = seed as f64 * 0.01;
        for (name, last) in [
            ("labels/false_positive_rate", 0.30),
            ("labels/false_negative_rate", 0.05),
            ("labels/false_positive_rate_depth_1", 0.10),
            ("labels/false_positive_rate_depth_2", 0.40),
            ("labels/false_positive_rate_k_4", 0.30),
            ("labels/false_negative_rate_k_1", 0.20),
            ("labels/steps", 900.0),
        ] {
            all.push(series(
                "",
                "labels",
                "prm_label",
                seed,
                name,
                &[0.9, last + bump],
            ));
        }
    }
    let tables = failures(&all, &[]);
    let table = find(&tables, FailureKind::LabelError);
    assert_eq!(
        (table.arm.as_deref(), table.stage.as_str()),
        (None, "labels")
    );
    let labels: Vec<&str> = table.rows.iter().map(|r| r.label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "all steps",
            "step 1",
            "step 2",
            "K = 1 rollouts",
            "K = 4 rollouts"
        ]
    );
    assert_eq!(means(&table.rows[0]), [Some(0.31), Some(0.06)]);
    assert_eq!(means(&table.rows[2]), [Some(0.41), None]);
    assert_eq!(means(&table.rows[3]), [None, Some(0.21)]);
    let e = table.rows[0].cells[0].unwrap();
    assert!(e.n == 3 && e.interval.is_some());
    assert!(table.note.contains("900 steps a seed"), "{}", table.note);
}

#[test]
fn an_auc_on_fewer_than_fifty_wrong_steps_is_not_shown() {
    let judge = |seed, auc, wrong| {
        [
            series(
                "prm",
                "judge",
                "prm_train",
                seed,
                metric::JUDGE_AUC,
                &[0.5, auc],
            ),
            series(
                "prm",
                "judge",
                "prm_train",
                seed,
                metric::JUDGE_WRONG_STEPS,
                &[9.0, wrong],
            ),
        ]
    };
    let all: Vec<StageSeries> = [
        judge(0, 0.8, 50.0),
        judge(1, 0.9, 49.0),
        judge(2, 0.7, 400.0),
    ]
    .into_iter()
    .flatten()
    .collect();
    let tables = failures(&all, &[]);
    let table = find(&tables, FailureKind::JudgeQuality);
    assert_eq!(means(&table.rows[0])[0], Some(0.75));
    assert_eq!(table.rows[0].cells[0].unwrap().n, 2);
    assert!(table.note.contains("1 of the seeds"), "{}", table.note);
}

#[test]
fn drift_is_the_change_from_the_first_to_the_last_tenth_of_the_steps() {
    let falling: Vec<f64> = (0..20).map(|i| 0.9 - 0.02 * f64::from(i)).collect();
    let rising: Vec<f64> = (0..20).map(|i| 0.5 + 0.02 * f64::from(i)).collect();
    let of = |seed, wrong: f64| {
        [
            series(
                "prm",
                "grpo",
                "grpo",
                seed,
                metric::JUDGE_AUC_POLICY,
                &falling,
            ),
            series("prm", "grpo", "grpo", seed, metric::JUDGE_MEAN, &rising),
            series(
                "prm",
                "grpo",
                "grpo",
                seed,
                metric::JUDGE_WRONG_STEPS_POLICY,
                &[wrong; 20],
            ),
        ]
    };
    // Two steps an end: 2 x 25 wrong steps are just enough.
    let tables = failures(&of(0, 25.0), &[]);
    let table = find(&tables, FailureKind::JudgeDrift);
    assert_eq!(means(&table.rows[0]), [Some(0.89), Some(0.53), Some(-0.36)]);
    assert_eq!(means(&table.rows[1]), [Some(0.51), Some(0.87), Some(0.36)]);
    let tables = failures(&of(0, 24.0), &[]);
    let table = find(&tables, FailureKind::JudgeDrift);
    assert_eq!(means(&table.rows[0]), [None, None, None]);
    assert_eq!(
        means(&table.rows[1])[2],
        Some(0.36),
        "scores need no wrong steps"
    );
}

#[test]
fn the_gap_between_proxy_and_truth_and_its_turning_point_are_measured_at_the_milestones() {
    let mut all = vec![];
    let mut measured = vec![];
    for seed in 0..3 {
        let score: Vec<f64> = (1..=40).map(|i| 0.5 + 0.01 * f64::from(i)).collect();
        all.push(series(
            "prm",
            "grpo",
            "grpo",
            seed,
            metric::JUDGE_MEAN,
            &score,
        ));
        for (milestone, step, gold) in [(0, 0, 0.3), (30, 10, 0.5), (60, 20, 0.4), (100, 40, 0.1)] {
            measured.push(Measured {
                arm: "prm".into(),
                seed,
                at: (step > 0).then(|| ("grpo".into(), step)),
                milestone,
                pass_at_1: gold,
            });
        }
        // Another stage of the arm and another arm have no part in it.
        measured.push(Measured {
            arm: "prm".into(),
            seed,
            at: Some(("sft".into(), 3)),
            milestone: 20,
            pass_at_1: 0.99,
        });
    }
    let tables = failures(&all, &measured);
    let table = find(&tables, FailureKind::Hacking);
    assert_eq!(
        table.rows.iter().filter_map(|r| r.at).collect::<Vec<_>>(),
        [0.0, 30.0, 60.0, 100.0]
    );
    assert_eq!(means(&table.rows[0]), [Some(0.3), None, None]);
    // Steps 6 to 10: .56 to .60.
    assert_eq!(means(&table.rows[1]), [Some(0.5), Some(0.58), Some(0.08)]);
    assert_eq!(means(&table.rows[3]), [Some(0.1), Some(0.88), Some(0.78)]);
    assert_eq!(means(row(table, "highest less start"))[0], Some(0.2));
    assert_eq!(means(row(table, "end less highest"))[0], Some(-0.4));
    assert!(table.note.contains("30 %, 30 %, 30 %"), "{}", table.note);
}

fn selftrain(seed: u64, solved: &[f64]) -> Vec<StageSeries> {
    vec![
        series(
            "mcts",
            "s",
            "mcts_selftrain",
            seed,
            metric::SEARCH_SOLVED,
            solved,
        ),
        series(
            "mcts",
            "s",
            "mcts_selftrain",
            seed,
            metric::SEARCH_STATES,
            &[9.0, 8.0, 7.0, 6.0],
        ),
        series(
            "mcts",
            "s",
            "mcts_selftrain",
            seed,
            metric::SEARCH_GOLD_MISS,
            &[0.4, 0.3, 0.3, 0.2],
        ),
        series(
            "mcts",
            "s",
            "mcts_selftrain",
            seed,
            "search/distinct_states_depth_2",
            &[3.0, 3.0, 3.0, 2.0],
        ),
    ]
}

#[test]
fn a_stall_needs_two_gains_in_a_row_whose_interval_reaches_zero() {
    let stalls = [
        [0.30, 0.50, 0.51, 0.50],
        [0.32, 0.53, 0.52, 0.53],
        [0.29, 0.49, 0.50, 0.49],
    ];
    let all: Vec<StageSeries> = (0..3)
        .flat_map(|s| selftrain(s as u64, &stalls[s]))
        .collect();
    let tables = failures(&all, &[]);
    let table = find(&tables, FailureKind::Stall);
    assert_eq!(means(&table.rows[0]), [Some(0.303333), None]);
    let first = table.rows[1].cells[1].unwrap();
    assert!(first.interval.unwrap().low > 0.0);
    assert!(
        table.note.contains("from round 3 on: a stall"),
        "{}",
        table.note
    );
    let grows = [
        [0.30, 0.40, 0.50, 0.60],
        [0.32, 0.43, 0.52, 0.63],
        [0.29, 0.39, 0.50, 0.59],
    ];
    let all: Vec<StageSeries> = (0..3)
        .flat_map(|s| selftrain(s as u64, &grows[s]))
        .collect();
    let tables = failures(&all, &[]);
    assert!(find(&tables, FailureKind::Stall).note.contains("No stall"));
    let tables = failures(&selftrain(0, &grows[0]), &[]);
    assert!(
        find(&tables, FailureKind::Stall)
            .note
            .contains("Too few seeds")
    );
}

#[test]
fn a_search_shows_first_and_last_round_and_a_decoder_its_only_one() {
    let tables = failures(&selftrain(0, &[0.3, 0.4, 0.5, 0.6]), &[]);
    let search: Vec<&FailureTable> = tables
        .iter()
        .filter(|t| t.kind == FailureKind::Search)
        .collect();
    assert_eq!(search.len(), 2);
    let miss = row(search[0], "nodes whose every child misses the answer");
    assert_eq!(means(miss), [Some(0.4), Some(0.2), Some(-0.2)]);
    let states = row(search[1], "distinct states at depth 2");
    assert_eq!(means(states), [Some(3.0), Some(2.0), Some(-1.0)]);
    let once = [series(
        "d",
        "decode",
        "mcts",
        0,
        metric::SEARCH_STATES,
        &[42.0],
    )];
    let tables = failures(&once, &[]);
    assert_eq!(tables.len(), 1);
    assert_eq!(means(&tables[0].rows[0]), [Some(42.0)]);
}

/// A self-training with the AUC of its values, round by round, and the wrong nodes behind it.
fn valued(seed: u64, auc: &[f64], nodes: &[(u64, f64)]) -> Vec<StageSeries> {
    let mut all = selftrain(seed, &[0.3, 0.4, 0.5, 0.6]);
    all.push(series(
        "mcts",
        "s",
        "mcts_selftrain",
        seed,
        metric::VALUE_AUC,
        auc,
    ));
    if !nodes.is_empty() {
        all.push(StageSeries {
            metric: metric::VALUE_WRONG_NODES.into(),
            points: nodes.to_vec(),
            ..all[0].clone()
        });
    }
    all
}

fn searches(all: &[StageSeries]) -> (FailureTable, FailureTable) {
    let mut own = failures(all, &[]).into_iter();
    let mut next = || own.find(|t| t.kind == FailureKind::Search).unwrap();
    (next(), next())
}

const AUC_OF_VALUES: &str = "value: AUC within a problem";

#[test]
fn an_auc_of_values_stands_with_its_wrong_nodes_and_not_on_fewer_than_fifty() {
    let auc = [0.5, 0.6, 0.7, 0.8];
    let counts = |first: f64, last: f64| [(1_u64, first), (2, 60.0), (3, 60.0), (4, last)];
    let all: Vec<StageSeries> = [
        valued(0, &auc, &counts(50.0, 70.0)),
        valued(1, &[0.1; 4], &counts(49.0, 90.0)),
        valued(2, &[0.7; 4], &counts(80.0, 30.0)),
    ]
    .concat();
    let (shares, numbers) = searches(&all);
    let found = row(&shares, AUC_OF_VALUES);
    // Seeds 0 and 2 at first, 0 and 1 in the last round, 0 alone at both ends.
    assert_eq!(means(found), [Some(0.6), Some(0.45), Some(0.3)]);
    assert_eq!(found.cells[0].unwrap().n, 2);
    let said = "2 of the seeds had under 50 wrong nodes";
    assert!(shares.note.contains(said), "{}", shares.note);
    assert!(!shares.note.contains("not recorded"), "{}", shares.note);
    let behind = row(&numbers, "value: wrong nodes behind the AUC, of all trees");
    assert_eq!(means(behind)[1], Some(63.333333));
    let sound: Vec<StageSeries> = (0..3)
        .flat_map(|seed| valued(seed, &auc, &counts(50.0, 50.0)))
        .collect();
    let (shares, _) = searches(&sound);
    let whole = row(&shares, AUC_OF_VALUES).cells[0].unwrap();
    assert!(whole.n == 3 && whole.interval.is_some());
    assert!(!shares.note.contains("no AUC"), "{}", shares.note);
    // Nobody measured values: no row, and nothing to say of it.
    let (shares, _) = searches(&selftrain(0, &[0.3, 0.4, 0.5, 0.6]));
    assert!(shares.rows.iter().all(|r| r.label != AUC_OF_VALUES));
    assert!(!shares.note.contains("AUC"), "{}", shares.note);
}

#[test]
fn where_the_wrong_nodes_were_not_recorded_no_auc_of_values_is_shown() {
    let auc = [0.5, 0.6, 0.7, 0.8];
    let (shares, numbers) = searches(&valued(0, &auc, &[]));
    assert_eq!(means(row(&shares, AUC_OF_VALUES)), [None, None, None]);
    let said = "Of 1 of the seeds the number of wrong nodes was not recorded";
    assert!(shares.note.contains(said), "{}", shares.note);
    assert!(
        numbers
            .rows
            .iter()
            .all(|r| !r.label.contains("wrong nodes"))
    );
    // A newer worker has taken it up: the count of the third round is none of the first.
    let (shares, _) = searches(&valued(0, &auc, &[(3, 60.0), (4, 60.0)]));
    assert_eq!(means(row(&shares, AUC_OF_VALUES)), [None, Some(0.8), None]);
    assert!(shares.note.contains(said), "{}", shares.note);
}
