//! How a column's runs stand, as on the page of its experiment.

use super::entries::{Entry, Material};
use super::table::Compared;
use crate::charts::End;
use crate::pages::experiment::figure::end_of;
use crate::pages::experiment::standing::of_runs;
use assay_store::{RunState, RunView};

/// To those that have finished; nothing of what spends nothing.
fn charged(of: &Entry) -> impl Iterator<Item = f64> {
    let trains = of.figures.trains;
    let runs = of.figures.runs.iter().filter(move |_| trains);
    runs.map(|run| run.charged)
}

/// How a column's line ends.
pub(super) fn end(of: &Entry, budget: f64) -> End {
    let states: Vec<RunState> = of.runs.iter().map(|run| run.state).collect();
    end_of(&states, charged(of), budget)
}

/// Of every column of which there is something to say, for charts.
pub(super) fn all(of: &Material, table: &Compared) -> Vec<(String, String)> {
    let columns = of.entries.iter().zip(&table.lines);
    columns
        .map(|(entry, line)| (line.word.clone(), said(of, entry, line.budget)))
        .filter(|(_, words)| !words.is_empty())
        .collect()
}

fn said(of: &Material, entry: &Entry, budget: f64) -> String {
    let runs: Vec<&RunView> = entry.runs.iter().collect();
    let used = |run: &RunView| {
        let milestones = entry.reached.iter().filter(|(id, _)| *id == run.id);
        // Along another cost, curves tell nothing of the budget.
        let counts = of.in_budget(entry.experiment);
        let series = entry.series.iter().filter(|s| counts && s.run == run.id);
        let points = series.filter_map(|s| s.points.last()).map(|p| p.x);
        let all = milestones.map(|(_, x)| *x).chain(points);
        all.filter(|x| x.is_finite()).fold(0.0, f64::max)
    };
    of_runs(&runs, end(entry, budget), charged(entry), budget, used)
}
