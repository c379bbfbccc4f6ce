//! pass@k: what several tries at a question would give.

use super::figure::{Chart, Figure, Name, end, every};
use super::milestones::{arms, band, said};
use super::view::Wanted;
use super::{Material, comparison, published};
use crate::charts::{Band, Curve, Curves, Scale, Seed, Shape, Stand, hold, merge};
use crate::number::{self, Kind};
use assay_core::beyond::Over;
use assay_core::metric;
use assay_core::over_questions::Method;
use assay_core::stats::{self, Estimate};
use assay_core::tries::{self as drawn, Answered};

#[derive(Debug)]
pub(super) struct Tries {
    /// k = 1, 2, 4, …
    pub columns: Vec<u32>,
    pub rows: Vec<TriesRow>,
}

#[derive(Debug)]
pub(super) struct TriesRow {
    pub arm: String,
    pub label: String,
    pub n: usize,
    /// Mean over seeds and its interval, a cell a column.
    pub cells: Vec<(String, String)>,
}

/// Arms in the order of the comparison; arms without a finished run have empty cells.
pub(super) fn tries(of: &Material, wanted: &Wanted) -> Tries {
    let columns = columns(of);
    let rows = comparison::ordered(of, wanted)
        .into_iter()
        .map(|arm| {
            let runs = of.pass_at_k.iter().filter(|run| run.arm_key == arm.key);
            let cell = |k: &u32| {
                estimate(of, &arm.key, *k).map_or_else(Default::default, |estimate| {
                    let interval = estimate
                        .interval
                        .as_ref()
                        .map(|i| number::interval(Kind::Share, i));
                    (
                        number::value(Kind::Share, estimate.mean),
                        interval.unwrap_or_default(),
                    )
                })
            };
            TriesRow {
                arm: arm.key.clone(),
                label: of.label(&arm.key),
                n: runs.count(),
                cells: columns.iter().map(cell).collect(),
            }
        })
        .collect();
    Tries { columns, rows }
}

/// Mean over the arm's seeds.
pub(super) fn estimate(of: &Material, arm: &str, k: u32) -> Option<Estimate> {
    let runs = of.pass_at_k.iter().filter(|run| run.arm_key == arm);
    let at = runs.filter_map(|run| run.values.iter().find(|v| v.0 == k));
    stats::estimate(&at.map(|v| v.1).collect::<Vec<f64>>())
}

pub(super) fn columns(of: &Material) -> Vec<u32> {
    let values = of.pass_at_k.iter().flat_map(|run| &run.values);
    let mut columns: Vec<u32> = values.map(|v| v.0).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// The same with something else than the seeds drawn again; nothing where the band is over
/// seeds or no interval. An arm's samples are the fewest of its runs.
fn drawn_again(of: &Material, wanted: &Wanted) -> Option<drawn::Tries> {
    if wanted.over == Over::Seeds || wanted.band != Band::Ci95 {
        return None;
    }
    let samples = |arm: &str| {
        let runs = of.pass_at_k.iter().filter(|run| run.arm_key == arm);
        runs.map(|run| run.samples).min().unwrap_or(0)
    };
    let answered = of.shares.iter().map(|(arm, runs)| Answered {
        arm,
        samples: samples(arm),
        runs,
    });
    let arms: Vec<Answered<'_>> = answered.collect();
    Some(drawn::tries(
        &of.view.spec.budget,
        &arms,
        &columns(of),
        wanted.over,
    ))
}

/// What the band is over, from the numbers themselves.
fn shaded(of: &drawn::Tries) -> String {
    let held = match of.over() {
        Over::Seeds => "",
        Over::Questions => {
            ": these trained models, the questions drawn again with replacement. It says nothing of other training seeds"
        }
        Over::SeedsAndQuestions => ": both drawn by chance",
    };
    let asked = number::counted(of.questions() as i64, "question");
    let mut said = format!(
        "Mean over seeds; the band is its 95 % interval over {}{held} ({}); {asked}.",
        of.over(),
        of.basis()
    );
    if of.has(Method::Wilson) {
        said += &format!(
            " Where every question is solved, or none, nothing can be drawn again: there it is Wilson's interval for {asked}."
        );
    }
    if of.has(Method::Alike) {
        said +=
            " Where all questions have the same value otherwise, there is no interval over them.";
    }
    said
}

/// What part of the answers was cut off, from the arm of which the least was to that with most.
fn truncated(of: &Material, wanted: &Wanted) -> String {
    let share = |arm: &str| -> Option<f64> {
        let figures = of.test.iter().find(|figures| figures.id == arm)?;
        let seeds = figures.seeds(metric::TRUNCATED);
        let values: Vec<f64> = seeds.into_iter().map(|seed| seed.1).collect();
        (!values.is_empty()).then(|| stats::mean(&values))
    };
    let mut all: Vec<(f64, String)> = arms(of, wanted)
        .into_iter()
        .filter_map(|(_, arm)| Some((share(&arm.key)?, of.name(&arm.key))))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let value = |share: f64| number::value(Kind::Share, share);
    match &all[..] {
        [] => "truncated answers count as wrong".into(),
        [(share, label)] => format!(
            "truncated answers count as wrong, a share of {} of {label}",
            value(*share)
        ),
        [(least, _), .., (most, label)] => format!(
            "truncated answers count as wrong, by arm a share of {} to {}, most of {label}",
            value(*least),
            value(*most)
        ),
    }
}

/// Every arm to the same k: training can raise pass@1 and lower pass@64, and where two
/// curves cross is what there is to see.
pub(super) fn figure(of: &Material, wanted: &Wanted) -> Figure {
    let evaluation = &of.view.spec.evaluation;
    let again = drawn_again(of, wanted);
    let edges: Vec<f64> = columns(of).iter().map(|k| f64::from(*k)).collect();
    let mut curves: Vec<Curve> = arms(of, wanted)
        .into_iter()
        .map(|(slot, arm)| {
            let runs = || of.pass_at_k.iter().filter(|run| run.arm_key == arm.key);
            let samples = runs().map(|run| run.samples).min().unwrap_or(0);
            let points = |values: &[(u32, f64)]| -> Vec<(f64, f64)> {
                values.iter().map(|v| (f64::from(v.0), v.1)).collect()
            };
            let seeds: Vec<Seed> = runs()
                .map(|run| Seed {
                    seed: run.seed,
                    points: points(&run.values),
                })
                .collect();
            let mut bins = hold(&seeds, &edges);
            for bin in &mut bins {
                if bin.x > f64::from(samples) / 2.0 {
                    bin.stand = Stand::Thin;
                }
                if let Some(again) = &again {
                    let at = again.of(&arm.key, bin.edge as u32);
                    bin.interval = at.and_then(|at| at.interval);
                }
            }
            Curve {
                key: arm.key.clone(),
                label: of.label(&arm.key),
                slot,
                tint: wanted.colour.tint(of, &arm.key),
                fate: of.fate(&arm.key),
                end: end(of, &arm.key),
                bins,
                seeds,
                spends: true,
                behind: vec![],
                until: None,
            }
        })
        .collect();
    let caption = vec![
        "Test pass@k: chance that one of k answers is right, the unbiased estimate from all samples of a question.".into(),
        match &again {
            Some(again) => shaded(again),
            None => said(wanted.band).into(),
        },
        format!(
            "{} a question at temperature {}, top-p {}, up to {} tokens; {}. Thin where k is more than half of the samples.",
            number::counted(i64::from(evaluation.samples), "sample"),
            evaluation.temperature,
            evaluation.top_p,
            evaluation.max_completion_length,
            truncated(of, wanted),
        ),
    ];
    let own = |c: &Curve| c.seeds.iter().map(|s| s.points.clone()).collect();
    let lines = curves.iter().map(own).collect();
    let every = every(wanted.lines, &mut curves, lines);
    let (curves, merged) = merge(curves, wanted.baseline(of));
    let chart = Curves {
        title: format!(
            "Test pass@k, mean over seeds with {}{}",
            band(wanted.band),
            again.map_or(String::new(), |again| format!(" over {}", again.over()))
        ),
        x_title: "k, answers to a question".into(),
        y_title: "test pass@k".into(),
        kind: Kind::Share,
        x_scale: match wanted.x_scale {
            Some(Scale::Linear) => Scale::Linear,
            Some(Scale::Log | Scale::Doubling) | None => Scale::Doubling,
        },
        y_scale: wanted.y_scale,
        shape: Shape::Joined,
        band: wanted.band,
        covers: every.reach(None),
        merged,
        published: published::of_task(&of.view.spec.task, Some(1.0)),
        curves,
        ..Curves::default()
    };
    Figure {
        caption,
        every,
        ..Figure::new(Name::Passk, "Test pass@k".into(), Chart::Curves(chart))
    }
}
