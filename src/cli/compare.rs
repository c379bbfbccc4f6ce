//! `assay compare`: the comparison as a table. Every number comes from the
//! server's comparison; here it is only set in columns.

use super::client::{Client, experiment_id, remote_of};
use super::{Done, Remote, Stop};
use crate::api::experiments::ComparisonAnswer;
use assay_core::compare::{Comparison, Reached, Row};
use assay_core::metric;
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
    out += &format!(
        "Unadjusted 95% intervals over training seeds (Student's t, paired by seed); the baseline is {}.\n",
        of(answer, Split::Test, &answer.metric).map_or("", |c| c.baseline.as_str()),
    );
    out
}

fn cells(row: &Row, length: &Row) -> [String; 8] {
    let n = row.value.map_or(0, |v| v.n);
    [
        row.arm.clone(),
        if n == row.planned_seeds {
            n.to_string()
        } else {
            format!("{n} of {}", row.planned_seeds)
        },
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
        row.charged_mean.map_or("-".into(), |c| {
            if c == 0.0 {
                "0".into()
            } else {
                format!("{c:.3e}")
            }
        }),
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
    use assay_core::compare::{ArmFigures, Basis, RunFigures, compare};
    use assay_core::spec::experiment::BudgetUnit;

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
            })
            .collect();
        ArmFigures {
            id: id.into(),
            label: id.into(),
            trains,
            planned_seeds: 3,
            runs,
        }
    }

    #[test]
    fn the_table_is_aligned_and_names_its_basis() {
        let basis = Basis::EqualCompute {
            unit: BudgetUnit::Flops,
            budget: 4e11,
        };
        let arms = [
            arm("base", false, &[0.3, 0.31, 0.29]),
            arm("grpo", true, &[0.9, 0.92, 0.91]),
            arm("late", true, &[]),
        ];
        let answer = ComparisonAnswer {
            experiment: assay_core::ids::ExperimentId::new(),
            name: "n".into(),
            question: "q?".into(),
            metric: metric::PASS_AT_1.into(),
            margin: 0.02,
            splits: vec![crate::api::experiments::SplitComparison {
                split: Split::Test,
                pass_at_k: vec![],
                comparisons: metric::FINAL
                    .iter()
                    .map(|m| compare(basis, "base", m, &arms))
                    .collect(),
            }],
        };
        let text = table(&answer);
        assert!(
            text.contains(
                "eval/pass_at_1 on test; equal compute: 4.000e11 training FLOPs per seed"
            )
        );
        assert!(text.contains("+0.610 [+0.585, +0.635]"), "{text}");
        assert!(text.contains("0 of 3"), "{text}");
        let lines: Vec<&str> = text
            .lines()
            .filter(|l| l.starts_with("base") || l.starts_with("grpo"))
            .collect();
        assert_eq!(lines[0].find('['), lines[1].find('['), "{text}");
    }
}
