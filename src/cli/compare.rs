//! `assay compare`: the comparison as a table. Every number comes from the
//! server's comparison; here it is only set in columns.

use super::client::{Client, experiment_id, remote_of};
use super::{Done, Remote, Stop};
use crate::api::experiments::ComparisonAnswer;
use crate::number;
use assay_core::compare::{Basis, Comparison, Reached, Row};
use assay_core::decoders::{DecoderCell, DecoderGroup};
use assay_core::metric;
use assay_core::outcome::{AttemptState, ContrastOutcome, Mark, Outcome};
use assay_core::stats::Estimate;
use assay_core::task::Split;
use serde_json::Value;
use std::io::Write;

#[derive(Debug, clap::Args)]
pub(crate) struct Compare {
    /// The experiment's id or address
    #[arg(value_name = "ID|URL")]
    experiment: String,
    /// The server's JSON as it is
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Compare {
    pub(crate) fn run(self) -> Done {
        let id = experiment_id(&self.experiment)?;
        let client = Client::new(&remote_of(&self.experiment, &self.remote))?;
        let path = format!("/api/v1/experiments/{id}/comparison");
        let text = if self.json {
            let answer: Value = client.get(&path)?;
            serde_json::to_string_pretty(&answer).map_err(Stop::new)? + "\n"
        } else {
            table(&client.get::<ComparisonAnswer>(&path)?)
        };
        // A closed pipe is no error of ours.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}

fn of<'a>(answer: &'a ComparisonAnswer, split: Split, metric: &str) -> Option<&'a Comparison> {
    let of_split = answer.splits.iter().find(|s| s.split == split)?;
    of_split.comparisons.iter().find(|c| c.metric == metric)
}

fn table(answer: &ComparisonAnswer) -> String {
    let mut out = format!("{}\n{}\n\n", answer.name, answer.question);
    let sections = [
        (Split::Test, answer.metric.as_str(), "test"),
        (Split::Ood, answer.metric.as_str(), "out of distribution"),
    ];
    for (split, name, title) in sections {
        let (Some(primary), Some(length)) =
            (of(answer, split, name), of(answer, split, metric::LENGTH))
        else {
            continue;
        };
        out += &format!("{name} on {title}; {}\n", primary.basis);
        let mut rows = vec![
            [
                "arm",
                "n",
                "mean [95% t interval]",
                "difference to the baseline [interval]",
                "length",
                "its difference",
                "charged",
                "reached",
            ]
            .map(String::from),
        ];
        for (row, long) in primary.rows.iter().zip(&length.rows) {
            rows.push(cells(row, long));
        }
        out += &columns(&rows);
        out.push('\n');
    }
    for split in &answer.splits {
        for group in &split.decoders {
            out += &decoders(group, split.split);
        }
    }
    out += &verdicts(&answer.outcome);
    out += &left_out(answer);
    out += &format!(
        "Unadjusted 95% intervals over training seeds (Student's t, paired by seed); the baseline is {}.\n",
        answer.baseline,
    );
    out
}

/// Nothing where no decoder of the group has answered on this split.
fn decoders(group: &DecoderGroup, split: Split) -> String {
    let measured = |cell: &DecoderCell| cell.value.is_some();
    if split != Split::Test && !group.rows.iter().any(|r| r.cells.iter().any(measured)) {
        return String::new();
    }
    let title = match split {
        Split::Ood => "out of distribution",
        Split::Train | Split::Validation | Split::Test => split.word(),
    };
    let mut out = format!(
        "decoders of {} on {title}; equal inference, in samples a question\n",
        group.policy
    );
    let head = [
        "decoder",
        "samples",
        "n",
        "right [95% t interval]",
        "tokens a question",
        "training of policy and judge",
    ];
    let mut rows = vec![head.map(String::from)];
    for row in &group.rows {
        for cell in row.cells.iter().filter(|cell| cell.planned) {
            let n = cell.value.map_or(0, |v| v.n);
            rows.push([
                row.arm.clone(),
                cell.level.to_string(),
                of_planned(n, row.planned_seeds),
                estimate(cell.value, 3, false),
                cell.tokens.map_or("-".into(), |t| format!("{t:.1}")),
                row.training.map_or("-".into(), amount),
            ]);
        }
    }
    out += &columns(&rows);
    out.push('\n');
    out
}

fn verdicts(of: &Outcome) -> String {
    let mut out = String::new();
    if of.m > 0 {
        let level = of.contrasts.first().map_or(0.95, |c| c.adjusted_level);
        out += &format!(
            "registered contrasts, m = {}: paired t over seeds, Holm; margin {}, minimum gain {}\n",
            of.m, of.margin, of.min_gain
        );
        let adjusted = format!("adjusted {} interval", number::level(level));
        let head = [
            "arm",
            "against",
            "basis",
            "n",
            "difference [unadjusted 95%]",
            adjusted.as_str(),
            "p (Holm)",
            "verdict",
        ];
        let mut rows = vec![head.map(String::from)];
        rows.extend(of.contrasts.iter().map(contrast));
        out += &columns(&rows);
    }
    for attempt in &of.required_attempts {
        let said = match &attempt.state {
            AttemptState::Present { arm } => format!("{arm}, in the comparison"),
            AttemptState::NotRun { reason } => format!("not run, because: {reason}"),
            AttemptState::Missing {
                arm,
                finished,
                planned,
            } => format!("MISSING: {arm} has {finished} of {planned} seeds"),
        };
        out += &format!("required attempt {}: {said}\n", attempt.role);
    }
    if of.withheld {
        out += "No verdict is given while a required attempt is missing.\n";
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn contrast(of: &ContrastOutcome) -> [String; 8] {
    let n = of.difference.map_or(0, |d| d.n);
    let digits = if of.metric == metric::LENGTH { 1 } else { 3 };
    let verdict = of.verdict.map_or("withheld".into(), |v| v.to_string());
    [
        of.arm.clone(),
        of.against.clone(),
        match &of.basis {
            Basis::EqualCompute { .. } => "compute".into(),
            Basis::EqualInference { policy, level } => format!("{level} of {policy}"),
        },
        of_planned(n, of.planned_seeds),
        estimate(of.difference, digits, true),
        of.adjusted.map_or("-".into(), |i| {
            format!("[{:+.digits$}, {:+.digits$}]", i.low, i.high)
        }),
        of.p_holm.map_or("-".into(), number::p_value),
        match of.mark {
            None => verdict,
            Some(Mark::Unsuccessful) => format!("{verdict} (x unsuccessful)"),
            Some(Mark::GainNotShown) => format!("{verdict} (gain not shown)"),
        },
    ]
}

fn of_planned(n: usize, planned: usize) -> String {
    if n == planned {
        n.to_string()
    } else {
        format!("{n} of {planned}")
    }
}

fn amount(of: f64) -> String {
    if of == 0.0 {
        "0".into()
    } else {
        format!("{of:.3e}")
    }
}

fn cells(row: &Row, length: &Row) -> [String; 8] {
    let n = row.value.map_or(0, |v| v.n);
    [
        row.arm.clone(),
        of_planned(n, row.planned_seeds),
        estimate(row.value, 3, false),
        if row.is_baseline {
            "baseline".into()
        } else {
            estimate(row.difference, 3, true)
        },
        estimate(length.value, 1, false),
        if row.is_baseline {
            "baseline".into()
        } else {
            estimate(length.difference, 1, true)
        },
        row.charged_mean.map_or("-".into(), amount),
        match row.reached {
            Reached::Budget => "budget".into(),
            Reached::Under { share } => format!("{:.0}% of it", share * 100.0),
            Reached::NoTraining => "no training".into(),
            Reached::Nothing => "nothing yet".into(),
        },
    ]
}

fn estimate(value: Option<Estimate>, digits: usize, signed: bool) -> String {
    let number = |v: f64| {
        if signed {
            format!("{v:+.digits$}")
        } else {
            format!("{v:.digits$}")
        }
    };
    match value {
        None => "-".into(),
        Some(Estimate {
            mean,
            interval: None,
            n,
        }) => format!("{} (n {n}: no interval)", number(mean)),
        Some(Estimate {
            mean,
            interval: Some(i),
            ..
        }) => {
            format!("{} [{}, {}]", number(mean), number(i.low), number(i.high))
        }
    }
}

/// How many runs the numbers are over, which were left out, and where that matters.
fn left_out(answer: &ComparisonAnswer) -> String {
    let mut out = format!("{}\n", answer.denominator);
    for event in answer.exclusions.iter().filter(|e| e.is_in_force()) {
        out += &format!(
            "excluded: {}, seed {}: {}\n",
            event.arm, event.seed, event.reason
        );
    }
    let Some(all) = &answer.outcome_with_all_runs else {
        return out;
    };
    let said = |c: &ContrastOutcome| c.verdict.map_or("withheld".into(), |v| v.to_string());
    for (without, with) in answer.outcome.contrasts.iter().zip(&all.contrasts) {
        out += &format!(
            "with every run: {} against {}: {} {}\n",
            with.arm,
            with.against,
            estimate(with.difference, 3, true),
            if said(with) == said(without) {
                format!("{}, the same word", said(with))
            } else {
                format!("{} (without them: {})", said(with), said(without))
            },
        );
    }
    out
}

/// Left-aligned columns, two spaces apart.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |c: usize| {
        rows.iter()
            .map(|row| row[c].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::compare::{ArmFigures, RunFigures, compare};
    use assay_core::decoders::{DecoderFigures, DecoderRun, by_policy};
    use assay_core::outcome::outcome;
    use assay_core::spec::Experiment;

    fn arm(id: &str, trains: bool, values: &[f64]) -> ArmFigures {
        let runs = values
            .iter()
            .enumerate()
            .map(|(seed, v)| RunFigures {
                seed: seed as u64,
                charged: if trains { 4e11 } else { 0.0 },
                values: vec![
                    (metric::PASS_AT_1.into(), *v),
                    (metric::LENGTH.into(), 10.0 * v),
                ],
                excluded: false,
            })
            .collect();
        ArmFigures {
            id: id.into(),
            label: id.into(),
            trains,
            planned_seeds: 5,
            runs,
        }
    }

    const FILE: &str = "
name: A test
question: q?
task: { name: modchain }
seeds: 5
budget: { unit: flops, amount: 4.0e+11 }
baseline: base
required_attempts: { mcts: { not_run: Too dear. } }
contrasts: [{ arm: grpo, against: base }, { arm: late, against: base }, { arm: rerank, against: majority }]
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: base, policy: base }
  - { id: grpo, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: late, stages: [{ id: grpo, kind: grpo, epsilon: 0.3, inputs: { init: base } }] }
  - { id: majority, stages: [{ id: d, kind: search, levels: [1, 4], inputs: { init: grpo/grpo } }] }
  - { id: rerank, stages: [{ id: d, kind: search, method: longest, levels: [4], inputs: { init: grpo/grpo } }] }";

    fn answer() -> ComparisonAnswer {
        let spec = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
        let arms = [
            arm("base", false, &[0.3, 0.31, 0.29, 0.3, 0.3]),
            arm("grpo", true, &[0.9, 0.92, 0.91, 0.9, 0.9]),
            arm("late", true, &[]),
        ];
        let decoder = |id: &str, levels: &[u32], value: f64| DecoderFigures {
            id: id.into(),
            label: id.into(),
            planned_seeds: 5,
            runs: (0..5)
                .flat_map(|seed| levels.iter().map(move |level| (seed, *level)))
                .map(|(seed, level)| DecoderRun {
                    seed,
                    level,
                    pass_at_1: value + 0.01 * (seed as f64) * f64::from(level),
                    tokens: 40.0 * f64::from(level),
                    flops: 0.0,
                    charged: 4e11,
                    excluded: false,
                })
                .collect(),
        };
        let figures = [
            decoder("majority", &[1, 4], 0.5),
            decoder("rerank", &[4], 0.4),
        ];
        let split = |split, arms: &[ArmFigures], figures: &[DecoderFigures]| {
            let of_metric = |m: &&str| compare(&spec.budget, "base", m, arms);
            crate::api::experiments::SplitComparison {
                split,
                pass_at_k: vec![],
                decoders: by_policy(&spec, figures),
                comparisons: metric::FINAL.iter().map(of_metric).collect(),
            }
        };
        ComparisonAnswer {
            experiment: assay_core::ids::ExperimentId::new(),
            name: "n".into(),
            question: "q?".into(),
            metric: metric::PASS_AT_1.into(),
            baseline: "base".into(),
            margin: 0.02,
            outcome: outcome(&spec, &arms, &figures),
            outcome_with_all_runs: None,
            denominator: Default::default(),
            exclusions: vec![],
            supervision: vec![],
            splits: vec![
                split(Split::Test, &arms, &figures),
                split(Split::Ood, &arms, &[]),
            ],
        }
    }

    #[test]
    fn the_table_is_aligned_and_names_its_basis() {
        let text = table(&answer());
        assert!(
            text.contains(
                "eval/pass_at_1 on test; equal compute: 4.000e11 training FLOPs per seed"
            )
        );
        assert!(text.contains("+0.606 [+0.595, +0.617]"), "{text}");
        assert!(text.contains("0 of 5"), "{text}");
        let lines: Vec<&str> = text
            .lines()
            .filter(|l| l.starts_with("base") || l.starts_with("grpo"))
            .collect();
        assert_eq!(lines[0].find('['), lines[1].find('['), "{text}");
    }

    #[test]
    fn decoders_and_verdicts_have_tables_of_their_own() {
        let text = table(&answer());
        for line in [
            "decoders of grpo/grpo on test; equal inference, in samples a question",
            "registered contrasts, m = 3: paired t over seeds, Holm; margin 0.02, minimum gain 0",
            "adjusted 98.3 % interval",
            "required attempt mcts: not run, because: Too dear.",
        ] {
            assert!(text.contains(line), "{line} not in {text}");
        }
        let line = |start: &str| text.lines().find(|l| l.starts_with(start)).unwrap();
        assert!(line("majority  1").contains("0.520"), "{text}");
        assert!(line("majority  4").contains("160.0"), "{text}");
        assert!(line("grpo    base").ends_with("better"), "{text}");
        assert!(line("late    base").ends_with("not enough seeds"), "{text}");
        assert!(
            line("rerank  majority").contains("4 of grpo/grpo"),
            "{text}"
        );
        assert!(
            line("rerank  majority").ends_with("worse (x unsuccessful)"),
            "{text}"
        );
        // The other split has no decoder that answered.
        assert_eq!(text.matches("decoders of").count(), 1);
    }
}
