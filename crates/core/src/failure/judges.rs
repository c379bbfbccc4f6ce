//! Labels, judges, and policies that are trained against a judge.

use super::{
    BySeed, FailureKind, FailureRow, FailureTable, Measured, Place, Scale, Series, change, column,
    over_seeds,
};
use crate::stats::mean;
use crate::{judged, metric};

/// Of a judge's steps and of a tree's nodes.
pub(super) const MIN_WRONG_STEPS: f64 = judged::MIN_WRONG_STEPS as f64;

const MOST: u32 = 64;

pub(super) fn labels(all: &Series<'_>, place: Place<'_>) -> Option<FailureTable> {
    let rate = |name: &str, end: &str| all.last(place, &format!("{name}{end}"));
    let row = |label: String, at: Option<u32>, end: &str| {
        let cells = vec![
            over_seeds(&rate(metric::LABEL_FALSE_POSITIVE, end)),
            over_seeds(&rate(metric::LABEL_FALSE_NEGATIVE, end)),
        ];
        let any = cells.iter().any(Option::is_some);
        any.then_some(FailureRow {
            label,
            at: at.map(f64::from),
            cells,
        })
    };
    let mut rows: Vec<FailureRow> = row("all steps".into(), None, "").into_iter().collect();
    rows.extend(
        (1..=MOST).filter_map(|d| row(format!("step {d}"), Some(d), &format!("_depth_{d}"))),
    );
    let by_k =
        (1..=MOST).filter_map(|k| row(format!("K = {k} rollouts"), Some(k), &format!("_k_{k}")));
    rows.extend(by_k);
    if rows.is_empty() {
        return None;
    }
    let steps = over_seeds(&all.last(place, metric::LABELLED_STEPS));
    let steps = steps.map_or(String::new(), |e| {
        format!(" {:.0} steps a seed (mean of {} seeds).", e.mean, e.n)
    });
    Some(FailureTable {
        rows_are: "Steps".into(),
        columns: vec![
            column("wrong steps labelled right", Scale::Share),
            column("right steps labelled wrong", Scale::Share),
        ],
        rows,
        note: format!(
            "Against the exact verifier, up to each first error; \"step 8\" is the eighth and later ones. \
             K is what fewer of the same rollouts would have said.{steps}"
        ),
        ..place.table(FailureKind::LabelError)
    })
}

pub(super) fn quality(all: &Series<'_>, place: Place<'_>) -> Option<FailureTable> {
    let auc = all.last(place, metric::JUDGE_AUC);
    if auc.is_empty() {
        return None;
    }
    let wrong = all.last(place, metric::JUDGE_WRONG_STEPS);
    let (sound, thin) = split(auc, &wrong);
    Some(FailureTable {
        rows_are: "Judge".into(),
        columns: vec![
            column("AUC within a problem", Scale::Share),
            column("wrong steps behind it", Scale::Number),
        ],
        rows: vec![FailureRow {
            label: "held-out problems".into(),
            at: None,
            cells: vec![over_seeds(&sound), over_seeds(&wrong)],
        }],
        note: left_out(thin),
        ..place.table(FailureKind::JudgeQuality)
    })
}

/// Those that rest on enough wrong steps, and the number of the others.
fn split(auc: BySeed<f64>, wrong: &BySeed<f64>) -> (BySeed<f64>, usize) {
    let total = auc.len();
    let enough = |seed: &u64| wrong.get(seed).is_some_and(|w| *w >= MIN_WRONG_STEPS);
    let sound: BySeed<f64> = auc.into_iter().filter(|(seed, _)| enough(seed)).collect();
    let thin = total - sound.len();
    (sound, thin)
}

fn left_out(thin: usize) -> String {
    let why =
        "The chance to score a right step above a wrong one of the same problem; .5 is chance.";
    match thin {
        0 => why.into(),
        n => format!(
            "{why} {n} of the seeds had under {MIN_WRONG_STEPS} wrong steps and show no AUC."
        ),
    }
}

/// Step and value.
type Point = (u64, f64);

/// A tenth of the steps from either end.
fn ends(points: &[Point]) -> (&[Point], &[Point]) {
    let n = points.len().div_ceil(10);
    (&points[..n], &points[points.len() - n..])
}

fn average(points: &[(u64, f64)]) -> f64 {
    mean(&points.iter().map(|p| p.1).collect::<Vec<f64>>())
}

pub(super) fn drift(all: &Series<'_>, place: Place<'_>) -> Option<FailureTable> {
    let score = all.of(place, metric::JUDGE_MEAN);
    if score.is_empty() {
        return None;
    }
    let parts = |metric: &str| -> (BySeed<f64>, BySeed<f64>) {
        let of = all.of(place, metric);
        let of = of.into_iter().map(|(seed, points)| (seed, ends(points)));
        of.map(|(seed, (a, b))| ((seed, average(a)), (seed, average(b))))
            .unzip()
    };
    let wrong: BySeed<(f64, f64)> = all
        .of(place, metric::JUDGE_WRONG_STEPS_POLICY)
        .into_iter()
        .map(|(seed, points)| {
            let (a, b) = ends(points);
            let sum = |part: &[(u64, f64)]| part.iter().map(|p| p.1).sum();
            (seed, (sum(a), sum(b)))
        })
        .collect();
    let (first, last) = parts(metric::JUDGE_AUC_POLICY);
    let enough = |at: fn(&(f64, f64)) -> f64| {
        let wrong = &wrong;
        move |(seed, _): &(u64, f64)| wrong.get(seed).is_some_and(|w| at(w) >= MIN_WRONG_STEPS)
    };
    let total = first.len().max(last.len());
    let first: BySeed<f64> = first.into_iter().filter(enough(|w| w.0)).collect();
    let last: BySeed<f64> = last.into_iter().filter(enough(|w| w.1)).collect();
    let thin = total - first.len().min(last.len());
    let (low, high) = parts(metric::JUDGE_MEAN);
    let row = |label: &str, a: &BySeed<f64>, b: &BySeed<f64>| FailureRow {
        label: label.into(),
        at: None,
        cells: vec![over_seeds(a), over_seeds(b), change(a, b)],
    };
    Some(FailureTable {
        rows_are: "On the policy's own samples".into(),
        columns: vec![
            column("first tenth of the steps", Scale::Share),
            column("last tenth", Scale::Share),
            column("change", Scale::Change),
        ],
        rows: vec![
            row("AUC within a problem", &first, &last),
            row("mean score", &low, &high),
        ],
        note: match thin {
            0 => left_out(0),
            n => format!(
                "{} {n} of the seeds had under {MIN_WRONG_STEPS} wrong steps at one end or both, and no AUC there.",
                left_out(0)
            ),
        },
        ..place.table(FailureKind::JudgeDrift)
    })
}

/// Steps before a measurement over which the proxy is averaged.
const BEFORE: usize = 5;

/// The judge's mean score beside the accuracy at each milestone; when the accuracy was
/// highest, and what was lost after it.
pub(super) fn hacking(
    all: &Series<'_>,
    place: Place<'_>,
    measured: &[Measured],
) -> Option<FailureTable> {
    let arm = place.arm?;
    let score = all.of(place, metric::JUDGE_MEAN);
    if score.is_empty() {
        return None;
    }
    let mut milestones: Vec<u32> = vec![];
    let mut gold: Vec<BySeed<f64>> = vec![];
    let mut proxy: Vec<BySeed<f64>> = vec![];
    for m in measured.iter().filter(|m| m.arm == arm) {
        let here = match &m.at {
            // The policy that the arm starts from.
            None => None,
            Some((stage, step)) if stage == place.stage => Some(*step),
            Some(_) => continue,
        };
        let at = milestones.iter().position(|x| *x == m.milestone);
        let at = at.unwrap_or_else(|| {
            milestones.push(m.milestone);
            gold.push(BySeed::new());
            proxy.push(BySeed::new());
            milestones.len() - 1
        });
        gold[at].insert(m.seed, m.pass_at_1);
        if let (Some(step), Some(points)) = (here, score.get(&m.seed)) {
            let until = points.partition_point(|p| p.0 <= step);
            if until > 0 {
                let from = until.saturating_sub(BEFORE);
                proxy[at].insert(m.seed, average(&points[from..until]));
            }
        }
    }
    let mut order: Vec<usize> = (0..milestones.len()).collect();
    order.sort_by_key(|&i| milestones[i]);
    let mut rows: Vec<FailureRow> = order
        .iter()
        .map(|&i| FailureRow {
            label: format!("{} % of the budget", milestones[i]),
            at: Some(f64::from(milestones[i])),
            cells: vec![
                over_seeds(&gold[i]),
                over_seeds(&proxy[i]),
                change(&gold[i], &proxy[i]),
            ],
        })
        .collect();
    if rows.len() < 2 {
        return None;
    }
    let peaks: BySeed<(u32, f64, f64, f64)> = score
        .keys()
        .filter_map(|&seed| {
            let own: Vec<(u32, f64)> = order
                .iter()
                .filter_map(|&i| Some((milestones[i], *gold[i].get(&seed)?)))
                .collect();
            let (start, end) = (own.first()?.1, own.last()?.1);
            // The first of equals.
            let peak =
                own.iter().fold(
                    (0, f64::NEG_INFINITY),
                    |best, p| if p.1 > best.1 { *p } else { best },
                );
            Some((seed, (peak.0, peak.1, start, end)))
        })
        .collect();
    let of = |f: fn(&(u32, f64, f64, f64)) -> f64| -> BySeed<f64> {
        peaks.iter().map(|(s, p)| (*s, f(p))).collect()
    };
    let turning: Vec<String> = peaks.values().map(|p| format!("{} %", p.0)).collect();
    rows.push(FailureRow {
        label: "highest less start".into(),
        at: None,
        cells: vec![over_seeds(&of(|p| p.1 - p.2)), None, None],
    });
    rows.push(FailureRow {
        label: "end less highest".into(),
        at: None,
        cells: vec![over_seeds(&of(|p| p.3 - p.1)), None, None],
    });
    Some(FailureTable {
        rows_are: "Measured at".into(),
        columns: vec![
            column("validation pass@1", Scale::Share),
            column("judge's mean score", Scale::Share),
            column("score less pass@1", Scale::Change),
        ],
        rows,
        note: format!(
            "Highest at {} of the budget, seed by seed. A highest value is chosen after the fact and \
             flatters; the score is the mean over the {BEFORE} steps before the measurement.",
            turning.join(", ")
        ),
        ..place.table(FailureKind::Hacking)
    })
}
