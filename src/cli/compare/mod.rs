//! `assay compare`: the comparison as a table. Every number comes from the
//! server's comparison; here it is only set in columns.

mod beyond;
mod failures;

use super::client::{Client, experiment_id, remote_of};
use super::{Done, Remote, Stop};
use crate::api::experiments::ComparisonAnswer;
use crate::api::notes::FailuresAnswer;
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
    /// And how attempts fail, in numbers: labels, judges, proxies, searches, rounds
    #[arg(long, conflicts_with = "json")]
    failures: bool,
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
            let mut text = table(&client.get::<ComparisonAnswer>(&path)?);
            if self.failures {
                let path = format!("/api/v1/experiments/{id}/failures");
                text += &failures::tables(&client.get::<FailuresAnswer>(&path)?.tables);
            }
            text
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
        out += &format!("{name} on {title}; {}\n", primary.basis());
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
        let planned = primary.rows.first().map_or(0, |row| row.planned_seeds);
        for of in answer.splits.iter().filter(|s| s.split == split) {
            out += &beyond::said(of, name, planned);
        }
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
    if of.lacks_attempts() {
        out += "This comparison registered no unsuccessful-attempt baselines (such as PRM or MCTS): no verdict is given.\n";
    } else if of.withheld {
        out += "No verdict is given while a required attempt is missing.\n";
    } else if let Some(said) = of.interim_said() {
        out += &format!("{said}\n");
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn contrast(of: &ContrastOutcome) -> [String; 8] {
    let n = of.difference.map_or(0, |d| d.n);
    let digits = if of.metric == metric::LENGTH { 1 } else { 3 };
    let verdict = of.said();
    [
        of.arm.clone(),
        of.against.clone(),
        match of.basis() {
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
    let said = ContrastOutcome::said;
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
fn columns<R: AsRef<[String]>>(rows: &[R]) -> String {
    let count = rows.first().map_or(0, |row| row.as_ref().len());
    let width = |c: usize| {
        let cells = rows.iter().filter_map(|row| row.as_ref().get(c));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &R| {
        let cells: Vec<String> = row
            .as_ref()
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests;
