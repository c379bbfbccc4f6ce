//! The curves on a card: of an arm and of what it is compared with, along the budget or, of a
//! decoder, along the cost of inference; or of the arm's judge and of the truth.

use super::{Material, files};
use crate::charts::{Bin, Curve, Curves, End, Fate, SLOTS, Seed, Shape, Stand, hold};
use crate::number::{self, Kind};
use crate::pages::experiment::decoders;
use crate::pages::experiment::figure::end_of;
use crate::pages::experiment::standing::of_runs;
use crate::pages::figure_data::{self, FigureData};
use crate::pages::filed::{Links, OF_FIGURE};
use crate::pages::words;
use assay_core::decoders::{DecoderGroup, by_policy};
use assay_core::failure::{FailureKind, FailureTable};
use assay_core::stats::Interval;
use assay_store::{RunState, RunView};

#[derive(Debug)]
pub(super) struct Figure {
    pub svg: String,
    pub caption: String,
    /// Where its numbers are, of a figure with a crosshair.
    pub src: Option<String>,
    pub data: Option<FigureData>,
    pub files: Links,
}

/// What a card's figure draws.
pub(super) struct Course {
    pub chart: Curves,
    pub caption: &'static str,
    /// The experiment's figure of the same numbers, where it has one.
    src: Option<String>,
    /// How a place on its axis is said.
    place: fn(f64) -> String,
}

impl Course {
    /// Drawn, with what is left out said under it.
    pub fn figure(&self, of: &Material, key: &str) -> Figure {
        let drawn = self.chart.draw();
        Figure {
            caption: self.said(&drawn.missed()),
            svg: drawn.svg,
            src: self.src.clone(),
            data: Some(data(key, &self.chart, self.place)),
            files: files::links(of, Some(key), files::COURSE, &OF_FIGURE),
        }
    }

    /// With what could not be drawn.
    pub fn said(&self, missed: &[String]) -> String {
        let mut said = vec![self.caption];
        said.extend(missed.iter().map(String::as_str));
        said.join(" ")
    }
}

/// What the judge of this arm said, and what was true.
pub(super) fn is_hacking(table: &FailureTable, arm: &str) -> bool {
    table.kind == FailureKind::Hacking && table.arm.as_deref() == Some(arm)
}

/// The two curves: what the judge said and what was true; without a judge, the arm and
/// what it is compared with. Nothing of an arm that has not been measured.
pub(super) fn course(of: &Material, key: &str) -> Option<Course> {
    if let Some(table) = of.failures.iter().find(|t| is_hacking(t, key)) {
        return Some(proxy_and_truth(of, key, table));
    }
    match of.is_decoder(key) {
        true => by_level(of, key),
        false => along_budget(of, key),
    }
}

/// The arm, and what it is compared with.
fn compared<'a>(of: &'a Material, key: &'a str) -> impl Iterator<Item = &'a str> {
    let own = of.outcome.contrasts.iter().find(|c| c.arm == key);
    let against = own.map(|c| c.against.as_str());
    [Some(key), against].into_iter().flatten()
}

/// Of decoders, which have no training to be measured along.
fn by_level(of: &Material, key: &str) -> Option<Course> {
    let groups = by_policy(&of.view.spec, &of.decoders);
    let has_it = |group: &DecoderGroup| group.rows.iter().any(|row| row.arm == key);
    let place = groups.iter().position(has_it)?;
    let group = &groups[place];
    let curves: Vec<Curve> = compared(of, key)
        .filter_map(|arm| group.rows.iter().find(|row| row.arm == arm))
        .map(|row| Curve {
            label: of.marked(&row.arm),
            slot: of.slot(&row.arm),
            fate: of.fate(&row.arm),
            end: end(of, &row.arm),
            ..decoders::line(group, row)
        })
        .filter(|curve| !curve.seeds.is_empty())
        .collect();
    if curves.iter().all(|c| c.key != key) {
        return None;
    }
    let drawn: Vec<&str> = curves.iter().map(|c| c.key.as_str()).collect();
    let src = format!(
        "/experiments/{}/decoders-{place}.json?only={}",
        of.view.id,
        drawn.join(",")
    );
    let standings = standings(drawn.iter().map(|arm| (arm.to_string(), said(of, arm))));
    Some(Course {
        chart: Curves {
            standings,
            ..decoders::chart(&of.policy(&group.policy), curves)
        },
        caption: "Equal inference: one policy, answered from at the cost of so many of its samples, by this decoder and by what it is compared with; mean over seeds, band 95 % interval.",
        src: Some(src),
        place: decoders::samples,
    })
}

fn along_budget(of: &Material, key: &str) -> Option<Course> {
    let curves: Vec<Curve> = compared(of, key).filter_map(|arm| along(of, arm)).collect();
    if curves.iter().all(|c| c.key != key) {
        return None;
    }
    let unit = words::unit(of.view.spec.budget.unit);
    let drawn: Vec<&str> = curves.iter().map(|c| c.key.as_str()).collect();
    let src = format!(
        "/experiments/{}/milestones.json?metric=pass1&only={}",
        of.view.id,
        drawn.join(",")
    );
    let standings = standings(drawn.iter().map(|arm| (arm.to_string(), said(of, arm))));
    Some(Course {
        chart: Curves {
            title: "Validation pass@1 along the budget".into(),
            x_title: format!("training {unit} charged, per seed"),
            shape: Shape::Steps,
            budget: Some(of.view.spec.budget.amount),
            standings,
            curves,
            ..shares()
        },
        caption: "Validation pass@1 of this arm and of what it is compared with; mean over seeds, band 95 % interval.",
        src: Some(src),
        place: figure_data::charged,
    })
}

fn shares() -> Curves {
    Curves {
        y_title: "share".into(),
        kind: Kind::Share,
        ..Curves::default()
    }
}

fn data(key: &str, chart: &Curves, place: impl Fn(f64) -> String) -> FigureData {
    let (rows, every) = figure_data::lines(chart, &chart.curves, place);
    FigureData {
        id: format!("arm-{key}"),
        title: chart.title.clone(),
        caption: figure_data::caption("lines", every),
        file: None,
        of: "Line",
        head: format!("{} at {}", chart.y_title, chart.x_title),
        rows,
    }
}

fn along(of: &Material, arm: &str) -> Option<Curve> {
    let spec = &of.view.spec;
    let mut seeds: Vec<Seed> = vec![];
    for p in of.milestones.iter().filter(|p| p.arm_key == arm) {
        match seeds.iter_mut().find(|s| s.seed == p.seed) {
            Some(seed) => seed.points.push((p.x, p.pass_at_1)),
            None => seeds.push(Seed {
                seed: p.seed,
                points: vec![(p.x, p.pass_at_1)],
            }),
        }
    }
    if seeds.is_empty() {
        return None;
    }
    let milestones = spec.evaluation.milestones.iter();
    let mut edges: Vec<f64> = milestones
        .map(|m| f64::from(*m) * spec.budget.amount / 100.0)
        .collect();
    edges.insert(0, 0.0);
    edges.push(f64::MAX);
    let bins = hold(&seeds, &edges);
    Some(Curve {
        key: arm.into(),
        label: of.marked(arm),
        slot: of.slot(arm),
        tint: None,
        bins,
        seeds,
        spends: of.view.arms.iter().any(|a| a.key == arm && a.trains),
        fate: of.fate(arm),
        end: end(of, arm),
        behind: vec![],
        until: None,
    })
}

/// Crashed, short of its budget, at work or done, as on the experiment's page.
fn end(of: &Material, arm: &str) -> End {
    let runs = of.runs.iter().filter(|run| run.arm.key == arm);
    let states: Vec<RunState> = runs.map(|run| run.state).collect();
    end_of(&states, charged(of, arm), of.view.spec.budget.amount)
}

/// To runs that have finished; nothing of what spends nothing.
fn charged(of: &Material, arm: &str) -> impl Iterator<Item = f64> {
    let figures = of.test.iter().filter(move |a| a.id == arm && a.trains);
    figures.flat_map(|a| &a.runs).map(|run| run.charged)
}

/// Lines of which there is something to say.
fn standings(of: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    of.filter(|(_, words)| !words.is_empty()).collect()
}

/// How an arm stands, in the words of the experiment's page.
fn said(of: &Material, arm: &str) -> String {
    let runs: Vec<&RunView> = of.runs.iter().filter(|run| run.arm.key == arm).collect();
    let used = |run: &RunView| {
        let own = of.milestones.iter().filter(|p| p.run == run.id);
        let costs = own.map(|p| p.x).filter(|x| x.is_finite());
        costs.fold(0.0, f64::max)
    };
    let budget = of.view.spec.budget.amount;
    of_runs(&runs, end(of, arm), charged(of, arm), budget, used)
}

fn proxy_and_truth(of: &Material, key: &str, table: &FailureTable) -> Course {
    let place = of.slot(key);
    let curve = |name: &str, column: usize, slot: usize, fate: Fate| Curve {
        key: format!("{key}-{column}"),
        label: fate.label(name),
        slot,
        tint: None,
        bins: table
            .rows
            .iter()
            .filter_map(|row| {
                let x = row.at?;
                let e = row.cells.get(column)?.as_ref()?;
                Some(Bin {
                    edge: x,
                    x,
                    n: e.n,
                    mean: e.mean,
                    interval: e.interval,
                    range: e.interval.unwrap_or(Interval {
                        low: e.mean,
                        high: e.mean,
                    }),
                    envelope: None,
                    stand: Stand::All,
                })
            })
            .collect(),
        seeds: vec![],
        spends: true,
        fate,
        end: end(of, key),
        behind: vec![],
        until: None,
    };
    Course {
        chart: Curves {
            title: "The judge's score and the truth".into(),
            x_title: "% of the arm's budget".into(),
            shape: Shape::Joined,
            curves: vec![
                curve("validation pass@1", 0, place, of.fate(key)),
                // Of the same arm, and no score has failed: its colour, with another dash.
                curve("judge's mean score", 1, other_dash(place), Fate::Ordinary),
            ],
            // Both are one arm's: it is said once.
            standings: standings([(format!("{key}-0"), said(of, key))].into_iter()),
            ..shares()
        },
        caption: "What the judge said and what was true; mean over seeds, band 95 % interval.",
        // No figure of the experiment has these numbers.
        src: None,
        place: number::significant,
    }
}

/// The slot of the same colour that is drawn with another dash.
fn other_dash(slot: usize) -> usize {
    match slot < SLOTS {
        true => slot + SLOTS,
        false => slot % SLOTS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_said_under_the_picture() {
        let bin = |x: f64, mean: f64| Bin {
            edge: x,
            x,
            n: 1,
            mean,
            interval: None,
            range: Interval {
                low: mean,
                high: mean,
            },
            envelope: None,
            stand: Stand::All,
        };
        let of = |last: f64, fate: Fate| {
            let curve = Curve {
                key: "a".into(),
                label: "A".into(),
                bins: vec![bin(0.0, 0.2), bin(50.0, 0.3), bin(100.0, last)],
                seeds: vec![Seed {
                    seed: 4,
                    points: vec![(0.0, 0.2)],
                }],
                fate,
                ..Curve::default()
            };
            Course {
                chart: Curves {
                    title: "t".into(),
                    curves: vec![curve],
                    ..shares()
                },
                caption: "Mean.",
                src: None,
                place: number::significant,
            }
        };
        let said = |of: &Course| of.said(&of.chart.draw().missed());
        assert_eq!(said(&of(0.4, Fate::Ordinary)), "Mean.");
        let lost = of(f64::NAN, Fate::Unsuccessful);
        let words = "Mean. 1 value not drawn: not a number, or off the axis.";
        assert_eq!(said(&lost), words);
        // The files say the same, and what the rule says of each line.
        let sheet = files::points("t", &lost, &lost.chart.draw().missed());
        assert!(sheet.said.starts_with(words), "{}", sheet.said);
        assert_eq!(sheet.unsuccessful, [true; 4]);
        assert_eq!(sheet.numbers()[3]["mark"], "unsuccessful");
        assert_eq!(sheet.numbers()[3]["seed"], "4");
        let plain = files::points("t", &of(0.4, Fate::Ordinary), &[]);
        assert_eq!(plain.unsuccessful, [false; 4]);
        assert!(plain.numbers()[0]["mark"].is_null());
    }

    #[test]
    fn both_lines_of_an_arm_have_its_colour_and_not_the_same_dash() {
        for slot in [0, 3, SLOTS - 1, SLOTS, SLOTS + 4] {
            let other = other_dash(slot);
            assert_eq!(other % SLOTS, slot % SLOTS);
            assert_ne!(other < SLOTS, slot < SLOTS);
        }
    }
}
