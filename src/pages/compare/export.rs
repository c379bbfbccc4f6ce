//! The comparison as CSV, all digits, and as a table for papers.

use super::decoders::{Group, no_difference};
use super::table::{Compared, Line};
use crate::number::{self, Kind};
use crate::pages::experiment::export::text as cell;
use crate::pages::experiment::latex;
use crate::pages::experiment::milestones::measured;
use crate::pages::{text, words};
use assay_core::ground::Ground;
use assay_core::outcome::Mark;
use assay_core::questions::Tally;
use assay_core::stats::Estimate;

const HEAD: &str = "experiment,arm,run,label,added_by_policy,metric,basis,budget,unit,charged_mean,planned_seeds,n,mean,ci95_low,ci95_high,every_run_n,every_run,every_run_low,every_run_high,at_shortest_n,at_shortest,at_shortest_low,at_shortest_high,at_shortest_seeds_far_below,difference_n,difference,difference_ci95_low,difference_ci95_high,verdict,wins,losses,ties,no_difference,no_verdict,collapsed,compared_with,mark\r\n";

/// A line a column.
pub(super) fn lines(
    of: &Compared,
    groups: &[Group],
    carried: &[String],
    collapsed: &[String],
) -> String {
    let clean = |line: &String| line.replace(['\r', '\n'], " ");
    let comments = carried.iter().map(|line| format!("# {}\r\n", clean(line)));
    let mut out: String = comments.collect();
    out += HEAD;
    let maybe = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    for line in &of.lines {
        let (value, shortest, difference) = (line.value, line.at_shortest, line.difference);
        let every = line.with_every_run;
        let interval = |e: Option<Estimate>| e.and_then(|e| e.interval);
        let count = |pick: fn(&Tally) -> usize| {
            line.questions
                .as_ref()
                .map_or(String::new(), |t| pick(t).to_string())
        };
        let cells = [
            line.experiment.clone(),
            line.arm.clone(),
            line.run.clone().unwrap_or_default(),
            quoted(&line.label),
            line.added_by_policy.to_string(),
            of.metric.clone(),
            quoted(&of.basis_text),
            line.budget.to_string(),
            line.unit.to_string(),
            maybe(line.charged_mean),
            line.planned_seeds.to_string(),
            value.map_or(0, |v| v.n).to_string(),
            maybe(value.map(|v| v.mean)),
            maybe(interval(value).map(|i| i.low)),
            maybe(interval(value).map(|i| i.high)),
            every.map_or(String::new(), |v| v.n.to_string()),
            maybe(every.map(|v| v.mean)),
            maybe(interval(every).map(|i| i.low)),
            maybe(interval(every).map(|i| i.high)),
            shortest.map_or(String::new(), |v| v.n.to_string()),
            maybe(shortest.map(|v| v.mean)),
            maybe(interval(shortest).map(|i| i.low)),
            maybe(interval(shortest).map(|i| i.high)),
            shortest.map_or(String::new(), |_| {
                line.at_shortest_seeds_far_below.to_string()
            }),
            difference.map_or(0, |v| v.n).to_string(),
            maybe(difference.map(|v| v.mean)),
            maybe(interval(difference).map(|i| i.low)),
            maybe(interval(difference).map(|i| i.high)),
            line.verdict
                .map_or(String::new(), |v| quoted(&v.to_string())),
            count(|t| t.wins),
            count(|t| t.losses),
            count(|t| t.ties),
            quoted(line.no_difference.as_deref().unwrap_or_default()),
            quoted(line.no_verdict.as_deref().unwrap_or_default()),
            quoted(&collapsed.join("; ")),
            quoted(of.base().map_or("", |base| &base.label)),
            line.mark.map_or(String::new(), |m| quoted(&m.to_string())),
        ];
        out += &cells.join(",");
        out += "\r\n";
    }
    for group in groups {
        out += &decoders(group, collapsed);
    }
    out
}

/// A line a decoder and level, under the same head.
fn decoders(of: &Group, collapsed: &[String]) -> String {
    let maybe = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    let interval = |e: Option<Estimate>| e.and_then(|e| e.interval);
    let mut out = String::new();
    for at in &of.levels {
        for (line, row) in of.lines.iter().zip(&at.rows) {
            let (value, difference) = (row.value, row.difference);
            let every = line.every_run(at.level).copied();
            let verdict = line.verdicts.iter().find(|v| v.0 == at.level);
            let why = match (line.is_base, difference) {
                (false, None) => no_difference(of, line, at.level),
                (true, _) | (false, Some(_)) => "",
            };
            let no_verdict = line.no_verdict.iter().find(|w| w.0 == at.level);
            let no_verdict = no_verdict.map_or("", |w| &w.1);
            let cells = [
                of.experiment.clone(),
                line.arm.clone(),
                line.run.clone().unwrap_or_default(),
                quoted(&line.label),
                line.added_by_policy.to_string(),
                of.metric.to_string(),
                quoted(&at.basis().to_string()),
                at.level.to_string(),
                "samples".into(),
                String::new(),
                line.planned_seeds.to_string(),
                value.map_or(0, |v| v.n).to_string(),
                maybe(value.map(|v| v.mean)),
                maybe(interval(value).map(|i| i.low)),
                maybe(interval(value).map(|i| i.high)),
                every.map_or(String::new(), |v| v.n.to_string()),
                maybe(every.map(|v| v.mean)),
                maybe(interval(every).map(|i| i.low)),
                maybe(interval(every).map(|i| i.high)),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                difference.map_or(0, |v| v.n).to_string(),
                maybe(difference.map(|v| v.mean)),
                maybe(interval(difference).map(|i| i.low)),
                maybe(interval(difference).map(|i| i.high)),
                verdict.map_or(String::new(), |v| quoted(&v.1.to_string())),
                String::new(),
                String::new(),
                String::new(),
                quoted(why),
                quoted(no_verdict),
                quoted(&collapsed.join("; ")),
                quoted(of.base().map_or("", |base| &base.label)),
                line.mark.map_or(String::new(), |m| quoted(&m.to_string())),
            ];
            out += &cells.join(",");
            out += "\r\n";
        }
    }
    out
}

/// Quoted, with nothing unseen in it; a spreadsheet shall not take it for a formula.
fn quoted(of: &str) -> String {
    cell(&text::visible(of))
}

/// booktabs, with what the file carries in its comments.
pub(super) fn tex(of: &Compared, title: &str, carried: &[String], denominator: &str) -> String {
    let kind = Kind::of(&of.metric);
    let least = of.ground.as_ref().and_then(Ground::shortest);
    let by = least.map(|least| (measured(words::place(&of.metric)), least));
    let base = of.base().map_or("", |base| &base.label);
    let noted = of.lines.iter().filter(|l| !l.at_shortest_remark.is_empty());
    let noted = noted.map(|l| format!("{}: {}", l.label, l.at_shortest_remark));
    let noted: Vec<String> = noted.collect();
    let mut out: String = carried
        .iter()
        .map(|line| format!("% {}\n", latex::escape(line)))
        .collect();
    out += "% \\usepackage{booktabs}\n\\begin{table}\n\\centering\n";
    out += &format!(
        "\\caption{{Test {} ({}).{} Mean over training seeds $\\pm$ half of its unadjusted 95\\,\\% interval (Student's $t$); differences to {}, paired by seed.{} $\\times$ marks what the registered rule calls unsuccessful. {}}}\n",
        latex::escape(title),
        latex::escape(&of.basis_text),
        by.as_ref().map_or(String::new(), |(by, least)| format!(
            " Values are each at the end of its own budget; differences are of validation {} within {least:.3e}, no test figures.",
            latex::escape(by.title)
        )),
        latex::escape(base),
        match noted.is_empty() {
            true => String::new(),
            false => format!(
                " Within the shortest budget: {}.",
                latex::escape(&noted.join("; "))
            ),
        },
        latex::escape(denominator)
    );
    let (aligned, head) = match &by {
        Some((by, least)) => {
            let head = format!("validation {} within {least:.3e} & ", by.title);
            ("llrrrrl", head)
        }
        None => ("llrrrl", String::new()),
    };
    out += &format!("\\begin{{tabular}}{{{aligned}}}\n\\toprule\n");
    out += &format!(
        "arm or run & experiment & n & value & {head}difference & registered verdict \\\\\n\\midrule\n"
    );
    for line in &of.lines {
        out += &row(line, kind, by.as_ref().map(|(by, _)| by.kind));
    }
    out += "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
    out
}

/// `within` is the kind of what was measured within the shortest budget, where budgets differ.
fn row(of: &Line, kind: Kind, within: Option<Kind>) -> String {
    let none = || latex::escape(number::NONE);
    let value = of.value.map_or_else(none, |e| {
        latex::estimate(kind, &number::value(kind, e.mean), &e)
    });
    let every = of.with_every_run.map_or(String::new(), |e| {
        let every = latex::estimate(kind, &number::value(kind, e.mean), &e);
        format!(" (with every run {every}, n = {})", e.n)
    });
    let difference = of.difference.map_or_else(none, |e| {
        let kind = within.unwrap_or(kind);
        latex::estimate(kind, &number::signed(kind, e.mean), &e)
    });
    let at_shortest = within.map(|kind| {
        of.at_shortest.map_or_else(none, |e| {
            latex::estimate(kind, &number::value(kind, e.mean), &e)
        })
    });
    let verdict = match of.is_base {
        true => "compared with".to_string(),
        false => of.verdict_said(),
    };
    let policy = match of.added_by_policy {
        true => ", added by policy",
        false => "",
    };
    let n = of.value.map_or(0, |v| v.n);
    let mut cells = vec![
        format!("{}{policy}", latex::escape(&of.label)),
        latex::escape(&of.experiment_name),
        format!("{n} of {}", of.planned_seeds),
        format!("{value}{every}"),
    ];
    cells.extend(at_shortest);
    cells.extend([difference, latex::escape(&verdict)]);
    latex::row(of.mark == Some(Mark::Unsuccessful), &cells)
}
