//! The whole page from made-up material: what must stand on it, in every state.

mod address;
mod behind;
mod beside;
mod both;
mod cited;
mod drawn;
mod figures;
mod left_out;
mod questions;
mod registered;
mod said;
mod standing;
mod versions;
mod worded;

use super::*;
use assay_core::compare::{ArmFigures, RunFigures};
use assay_core::ids::{ArmId, RunId};
use assay_core::ledger::Cost;
use assay_core::metric;
use assay_core::outcome::{Mark, outcome};
use assay_core::spec::Experiment;
use assay_store::{
    ArmCharge, ArmView, Dollars, ExperimentLedger, ExperimentView, MilestonePoint, RunPoint,
    RunSeries, RunState, RunView, SpentRow,
};
use time::OffsetDateTime;

const BUDGET: f64 = 4e11;

fn spec(labels: &[&str], seeds: u64, base_seeds: &str) -> Experiment {
    let arms: String = labels
        .iter()
        .enumerate()
        .skip(1)
        .map(|(i, label)| {
            format!(
                "\n  - {{ id: arm-{i}, label: {}, stages: [{{ id: grpo, kind: grpo, inputs: {{ init: base }} }}] }}",
                serde_json::to_string(label).unwrap()
            )
        })
        .collect();
    Experiment::from_text(&format!(
        "
name: A test
question: Does it work at equal compute?
hypothesis: It does.
task: {{ name: modchain }}
seeds: {seeds}
base_seeds: {base_seeds}
budget: {{ unit: flops, amount: {BUDGET:e} }}
baseline: arm-0
required_attempts: {{ prm: {{ not_run: Not asked here. }}, mcts: {{ not_run: Not asked here. }} }}
stages:
  - {{ id: base, kind: pretrain, model: {{}} }}
arms:
  - {{ id: arm-0, label: {}, policy: base }}{arms}",
        serde_json::to_string(labels[0]).unwrap()
    ))
    .unwrap_or_else(|v| panic!("{v}"))
}

/// `finished[arm]` seeds have finished; the next one is half-way.
fn material(labels: &[&str], seeds: u64, finished: &[u64], points: u32) -> Material {
    let spec = spec(labels, seeds, "shared");
    let arms: Vec<ArmView> = spec
        .arms
        .iter()
        .enumerate()
        .map(|(i, arm)| ArmView {
            id: ArmId(uuid::Uuid::from_u128(i as u128)),
            position: i as i32,
            key: arm.id.clone(),
            label: arm.label.clone(),
            trains: i > 0,
        })
        .collect();
    let mut of = Material {
        versions: vec![],
        exclusions: vec![],
        spent: vec![],
        decoders: vec![],
        decoders_ood: vec![],
        supervision: vec![],
        outcome: outcome(&spec, &[], &[]),
        runs: vec![],
        test: vec![],
        ood: vec![],
        milestones: vec![],
        pass_at_k: vec![],
        pass_at_k_left_out: vec![],
        shares: vec![],
        series: vec![],
        zoomed: None,
        along: axis::Cost::Flops,
        places: axis::Places::Cost,
        signs: vec![],
        code: Default::default(),
        failures: vec![],
        dollars: Dollars::default(),
        unreported: false,
        no_price: None,
        kept: None,
        ledger: ExperimentLedger {
            arms: vec![ArmCharge {
                arm_key: "arm-1".into(),
                label: labels.get(1).copied().unwrap_or("").into(),
                runs: 3,
                charged: Cost {
                    tokens: 1.2e7,
                    flops: 1.2e12,
                    device_ms: 125_000.0,
                },
                purposes: Default::default(),
                apart: vec![],
                never: Cost::default(),
            }],
            spent: vec![SpentRow {
                purpose: "rollout".into(),
                reused: false,
                cost: Cost::default(),
            }],
        },
        view: ExperimentView {
            id: ExperimentId(uuid::Uuid::nil()),
            name: spec.name.clone(),
            question: spec.question.clone(),
            version: 1,
            sha256: "0".repeat(64),
            frozen_at: OffsetDateTime::UNIX_EPOCH,
            created_at: OffsetDateTime::UNIX_EPOCH,
            arms: arms.clone(),
            spec,
        },
    };
    for (i, arm) in arms.iter().enumerate() {
        let wave = |seed: u64, at: f64| {
            let wobble = ((seed * 7 + i as u64 * 3) % 5) as f64 * 0.01;
            (0.3 + i as f64 * 0.05 * at + wobble).min(1.0)
        };
        let mut figures = vec![vec![], vec![]];
        for seed in 0..seeds {
            let done = seed < finished[i];
            let begun = seed <= finished[i];
            let run = RunId(uuid::Uuid::from_u128((i as u128) << 64 | u128::from(seed)));
            of.runs.push(RunView {
                id: run,
                experiment: of.view.id,
                arm: arm.clone(),
                seed,
                state: match (done, begun) {
                    (true, _) => RunState::Succeeded,
                    (false, true) => RunState::Running,
                    (false, false) => RunState::Waiting,
                },
                stages: vec![],
            });
            if done {
                for (split, list) in figures.iter_mut().enumerate() {
                    list.push(RunFigures {
                        seed,
                        charged: if arm.trains { BUDGET * 0.99 } else { 0.0 },
                        values: vec![
                            (
                                metric::PASS_AT_1.into(),
                                wave(seed, 1.0) - 0.1 * split as f64,
                            ),
                            (metric::MAJ_AT_K.into(), wave(seed, 1.2)),
                            (metric::LENGTH.into(), 14.0 + 8.0 * i as f64 + seed as f64),
                            (metric::TRUNCATED.into(), 0.01 * i as f64),
                        ],
                        excluded: false,
                    });
                }
            }
            let last = if !arm.trains {
                0
            } else if done {
                10
            } else if begun {
                5
            } else {
                continue;
            };
            for m in 0..=last {
                of.milestones.push(MilestonePoint {
                    arm_key: arm.key.clone(),
                    seed,
                    run,
                    milestone: m * 10,
                    at: (m > 0).then(|| ("grpo".into(), u64::from(m) * 100)),
                    x: f64::from(m) * 0.1 * BUDGET * (1.0 - 0.004 * seed as f64),
                    tokens: f64::from(m) * 1e6,
                    flops: f64::from(m) * 0.1 * BUDGET * (1.0 - 0.004 * seed as f64),
                    device_ms: f64::from(m) * 900.0 * (1.0 + 0.1 * i as f64),
                    active_ms: f64::from(m) * 500.0,
                    pass_at_1: wave(seed, f64::from(m) / 10.0),
                    mean_length: 14.0 + f64::from(m),
                    truncated_share: 0.0,
                });
            }
            if arm.trains {
                let n = points * last / 10;
                of.series.push(RunSeries {
                    arm_key: arm.key.clone(),
                    seed,
                    run,
                    points: (1..=n)
                        .map(|p| {
                            let at = f64::from(p) / f64::from(points);
                            let mean = wave(seed, at) + 0.02 * (f64::from(p) * 0.7).sin();
                            RunPoint {
                                x: at * BUDGET,
                                step: i64::from(p) * 10,
                                mean,
                                range: None,
                            }
                        })
                        .collect(),
                });
            }
        }
        let all = |runs| ArmFigures {
            id: arm.key.clone(),
            label: arm.label.clone(),
            trains: arm.trains,
            planned_seeds: seeds as usize,
            runs,
        };
        let ood = figures.pop().unwrap();
        of.test.push(all(figures.pop().unwrap()));
        of.ood.push(all(ood));
    }
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders)
        .with_open_runs(assay_store::fates(&of.runs, &of.exclusions));
    of
}

fn render(of: &Material, metric: usize, curve: usize) -> String {
    let shell = Shell::plain("A test").crumb("/", "Experiments");
    let mut wanted = Wanted::new(of.view.spec.budget.unit);
    (wanted.metric, wanted.curve) = (metric, curve);
    let text = ExperimentPage::new(shell, of, &wanted, String::new())
        .render()
        .unwrap();
    if let Ok(folder) = std::env::var("ASSAY_PAGES_OUT") {
        std::fs::write(
            format!("{folder}/experiment-{}-{metric}.html", of.test.len()),
            &text,
        )
        .unwrap();
    }
    crate::pages::tests::assert_is_clean(&text);
    text
}

const LABELS: [&str; 3] = [
    "Base, untrained",
    "SFT on clean chains",
    "GRPO from the base",
];

#[test]
fn a_finished_comparison_shows_every_number_with_its_n_basis_and_interval() {
    let text = render(&material(&LABELS, 3, &[3, 3, 3], 50), 0, 0);
    for arm in 0..3 {
        // Table, curve (band, line, label), forest, seeds.
        assert!(
            text.matches(&format!("data-arm=\"arm-{arm}\"")).count() >= 5,
            "arm {arm}"
        );
    }
    for words in [
        "Does it work at equal compute?",
        "equal compute: 4.000e11 training FLOPs per seed",
        "Fixed for all seeds: base",
        "3 of 3",
        "n = 3",
        "baseline",
        "budget reached",
        "spends nothing by design",
        "[+0.",
        "Hypothesis",
        "1.20 T",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("Not finished yet"));
    for claim in ["winner", "better", "worse", "SOTA", "significant"] {
        assert!(!text.contains(claim), "{claim}");
    }
}

#[test]
fn the_table_and_the_forest_show_the_same_numbers() {
    let of = material(&LABELS, 3, &[3, 3, 3], 0);
    let text = render(&of, 0, 0);
    let wanted = Wanted::new(of.view.spec.budget.unit);
    let rows = comparison::rows(&of, &wanted);
    let row = rows.into_iter().find(|r| r.key == "arm-2").unwrap();
    let difference = row.difference.unwrap();
    let both = format!("{} {}", difference.mean, difference.interval);
    assert!(text.contains(&format!("{both}, n = 3</text>")), "{both}");
    assert!(text.contains(&difference.interval));
}

#[test]
fn a_half_finished_comparison_says_what_is_missing() {
    let text = render(&material(&LABELS, 3, &[3, 2, 1], 50), 0, 0);
    for words in [
        "Not finished yet.",
        "SFT on clean chains: 2 of 3 seeds finished (1 running); not enough seeds for an interval.",
        "GRPO from the base: 1 of 3 seeds finished (1 running, 1 waiting); 1 seed, no interval.",
        "2 seeds, no interval",
        "1 seed, no interval",
        "1 of 3",
    ] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn before_the_first_figure_every_arm_has_its_place() {
    let mut of = material(&LABELS, 3, &[0, 0, 0], 0);
    of.milestones.clear();
    of.series.clear();
    let text = render(&of, 2, 3);
    assert!(text.contains("No run has finished its final evaluation yet"));
    for arm in 0..3 {
        assert!(text.contains(&format!("data-arm=\"arm-{arm}\"")));
    }
    assert!(text.contains("no data yet") && text.contains("no seed finished"));
}

#[test]
fn every_figure_and_curve_can_be_chosen() {
    let of = material(&LABELS, 3, &[3, 3, 2], 50);
    for metric in 0..words::FINAL.len() {
        for curve in 0..words::TRAINING.len() {
            let text = render(&of, metric, curve);
            assert!(text.contains(words::FINAL[metric].2));
        }
    }
}

#[test]
fn hostile_labels_stay_text() {
    let mut of = material(&LABELS, 3, &[3, 3, 1], 10);
    let bad = "\"><script>alert(1)</script><b>";
    for arm in &mut of.view.arms {
        arm.label = bad.into();
    }
    for arm in of.test.iter_mut().chain(&mut of.ood) {
        arm.label = bad.into();
    }
    for run in &mut of.runs {
        run.arm.label = bad.into();
    }
    of.view.question = bad.into();
    assert!(!render(&of, 0, 0).contains("<script>alert"));
}

#[test]
fn the_page_of_twelve_arms_keeps_to_its_budget() {
    use flate2_free::gzip_size;
    let labels: Vec<String> = (0..12).map(|i| format!("Recipe number {i}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let of = material(&labels, 5, &[5; 12], 100);
    let begun = std::time::Instant::now();
    let text = render(&of, 0, 0);
    println!("{} bytes in {:?}", text.len(), begun.elapsed());
    assert!(gzip_size(&text) < 60_000, "{} bytes", gzip_size(&text));
}

#[test]
fn exports_carry_every_arm_metric_and_split() {
    let mut of = material(&LABELS, 3, &[3, 2, 0], 0);
    of.view.arms[1].label = "=cmd|' /C calc'!A0".into();
    let csv = export::csv(&of);
    // Every arm, figure and split; then the two contrasts that stand by default.
    assert_eq!(csv.lines().count(), 1 + 2 * 4 * 3 + 2);
    assert!(csv.contains("\r\ncontrast,\"arm-2\","));
    assert!(csv.contains("\"'=cmd") && csv.contains("equal_compute,flops,400000000000"));
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(
        csv.lines()
            .filter(|l| !l.contains("untrained"))
            .all(|l| l.split(',').count() == columns)
    );
    let json = export::json(&of);
    assert_eq!(json["comparisons"].as_array().unwrap().len(), 8);
    assert_eq!(json["basis"]["budget"], BUDGET);
}

/// Size after gzip, by the tool that every build machine has.
mod flate2_free {
    use std::io::Write;
    use std::process::{Command, Stdio};

    pub(super) fn gzip_size(text: &str) -> usize {
        let mut child = Command::new("gzip")
            .arg("-6")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let text = text.to_string();
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        out.stdout.len()
    }
}
