//! One metric over all the runs of an experiment.

use super::stages::{self, Piece, Span, StagePoint, list_pieces};
use super::{RunPoint, RunSeries};
use crate::Result;
use crate::numbers::unsigned;
use assay_core::ids::{ExperimentId, RunId};
use assay_core::wire::Cumulative;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a curve is drawn along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Along {
    Flops,
    Tokens,
    DeviceMs,
    ActiveMs,
    /// No cost: steps of the stages that are charged to the arm.
    Step,
}

impl Along {
    pub const ALL: [Self; 5] = [
        Self::Flops,
        Self::Tokens,
        Self::DeviceMs,
        Self::ActiveMs,
        Self::Step,
    ];

    /// The first two as a budget's unit is written.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Flops => "flops",
            Self::Tokens => "tokens",
            Self::DeviceMs => "device_ms",
            Self::ActiveMs => "active_ms",
            Self::Step => "step",
        }
    }

    pub(super) fn of_word(word: &str) -> Self {
        let found = Self::ALL.into_iter().find(|along| along.word() == word);
        found.unwrap_or(Self::Tokens)
    }

    /// At a stage's step, since the stage's start.
    pub(super) fn of(self, step: i64, cum: &Cumulative) -> f64 {
        match self {
            Self::Flops => cum.charged.flops,
            Self::Tokens => cum.charged.tokens,
            Self::DeviceMs => cum.charged.device_ms,
            Self::ActiveMs => cum.active_ms,
            Self::Step => step as f64,
        }
    }
}

/// What is read of an experiment's curves.
#[derive(Clone, Copy, Default)]
pub struct CurveReading<'a> {
    /// Nothing for the budget's unit.
    pub along: Option<Along>,
    /// Runs that have lines of their own. Of these, and of each that is the only one of its arm
    /// that counts, the smallest and largest value of every point are read too.
    pub alone: &'a [RunId],
    /// A part that is read once more, as finely as so few steps allow.
    pub part: Option<CurvePart<'a>>,
}

/// A part of an axis.
#[derive(Clone, Copy)]
pub struct CurvePart<'a> {
    pub low: f64,
    pub high: f64,
    /// Where the axis has what is charged so far in a run; it never goes back.
    pub place: &'a (dyn Fn(RunId, f64) -> f64 + Sync),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunCurves {
    pub whole: Vec<RunSeries>,
    /// The same, with more points in the part that was asked for; nothing where there are none.
    pub part: Option<Vec<RunSeries>>,
}

/// One metric of all runs of an experiment, of the arms' own training stages, along the
/// budget's unit.
///
/// # Errors
/// `Database`; an unknown experiment or metric has no points.
pub async fn experiment_series(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
) -> Result<Vec<RunSeries>> {
    let reading = CurveReading::default();
    let curves = experiment_curves(conn, experiment, metric, &reading).await?;
    Ok(curves.whole)
}

/// The same along another cost, or step by step.
///
/// # Errors
/// `Database`; an unknown experiment or metric has no points.
pub async fn experiment_series_along(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
    along: Along,
) -> Result<Vec<RunSeries>> {
    let reading = CurveReading {
        along: Some(along),
        ..CurveReading::default()
    };
    let curves = experiment_curves(conn, experiment, metric, &reading).await?;
    Ok(curves.whole)
}

/// The same, and a part of it more finely.
///
/// # Errors
/// `Database`; an unknown experiment or metric has no points.
pub async fn experiment_curves(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    metric: &str,
    asked: &CurveReading<'_>,
) -> Result<RunCurves> {
    let pieces = list_pieces(&mut *conn, experiment, metric, asked.along).await?;
    let Some(along) = pieces.first().map(|piece| piece.along) else {
        return Ok(RunCurves::default());
    };
    let alone = alone(&pieces, asked.alone);
    let own = pieces.iter().filter(|piece| alone.contains(&piece.run_id));
    let ends: HashSet<Uuid> = own.map(|piece| piece.stage_id).collect();
    let spans = stages::whole(&pieces);
    let whole = stages::read(&mut *conn, metric, along, &pieces, &spans, &ends).await?;
    let finer = asked.part.map(|part| finer(&pieces, &spans, &whole, &part));
    let part = match finer.filter(|finer| !finer.is_empty()) {
        Some(finer) => {
            let read = stages::read(conn, metric, along, &pieces, &finer, &ends).await?;
            let joined = joined(&whole, &finer, &read);
            Some(series(&pieces, &alone, &joined))
        }
        None => None,
    };
    Ok(RunCurves {
        whole: series(&pieces, &alone, &whole),
        part,
    })
}

/// Stages by their ids.
type Points = HashMap<Uuid, Vec<StagePoint>>;

/// Runs that a line stands for alone: those of the caller, and the only ones of their arms that
/// count.
fn alone(pieces: &[Piece], asked: &[RunId]) -> HashSet<Uuid> {
    let mut of_arm: HashMap<&str, HashSet<Uuid>> = HashMap::new();
    for piece in pieces.iter().filter(|piece| !piece.excluded) {
        let own = of_arm.entry(piece.arm_key.as_str()).or_default();
        own.insert(piece.run_id);
    }
    let only = of_arm.into_values().filter(|runs| runs.len() == 1);
    let asked = asked.iter().map(|run| run.0);
    only.flatten().chain(asked).collect()
}

/// Every run's stages, one after another.
fn series(pieces: &[Piece], alone: &HashSet<Uuid>, points: &Points) -> Vec<RunSeries> {
    let mut all = vec![];
    for run in pieces.chunk_by(|a, b| a.run_id == b.run_id) {
        let is_alone = alone.contains(&run[0].run_id);
        let mut own = vec![];
        for stage in run.chunk_by(|a, b| a.position == b.position) {
            let known = points.get(&stage[0].stage_id).into_iter().flatten();
            own.extend(known.map(|point| RunPoint {
                x: stage[0].charged_before + point.cost,
                step: point.step,
                mean: point.mean,
                range: is_alone.then_some(point.range),
            }));
        }
        all.push(RunSeries {
            arm_key: run[0].arm_key.clone(),
            seed: unsigned(run[0].seed),
            run: RunId(run[0].run_id),
            points: own,
        });
    }
    all
}

/// Of the stages that the part has something of: the steps there, as far as they can be read
/// more finely than the whole. Of a stage that runs share, those of all of them.
fn finer(
    pieces: &[Piece],
    spans: &HashMap<Uuid, Span>,
    whole: &Points,
    part: &CurvePart<'_>,
) -> HashMap<Uuid, Span> {
    let mut steps: HashMap<Uuid, (i64, i64)> = HashMap::new();
    let mut seen = HashSet::new();
    for piece in pieces {
        let points = whole.get(&piece.stage_id).map(Vec::as_slice);
        let points = points.unwrap_or_default();
        let at = |cost: f64| (part.place)(RunId(piece.run_id), piece.charged_before + cost);
        // A point stands where its steps end: the first one beyond the part begins within.
        let from = points.partition_point(|point| at(point.cost) < part.low);
        let to = points.partition_point(|point| at(point.cost) <= part.high);
        let (Some(first), Some(last)) = (points.get(from), points.get(to).or(points.last())) else {
            continue;
        };
        if !seen.insert((piece.run_id, piece.position)) || at(0.0) > part.high {
            continue;
        }
        let known = steps.entry(piece.stage_id);
        let known = known.or_insert((first.step, last.step));
        *known = (known.0.min(first.step), known.1.max(last.step));
    }
    let finer =
        |(stage, steps): (Uuid, (i64, i64))| Some((stage, spans.get(&stage)?.finer(steps)?));
    steps.into_iter().filter_map(finer).collect()
}

/// The whole, with what was read more finely in its place.
fn joined(whole: &Points, finer: &HashMap<Uuid, Span>, read: &Points) -> Points {
    let mut all = whole.clone();
    for (stage, span) in finer {
        let own = all.entry(*stage).or_default();
        let from = own.partition_point(|point| point.step < span.from);
        let to = own.partition_point(|point| point.step <= span.to);
        let fine = read.get(stage).into_iter().flatten().copied();
        drop(own.splice(from..to, fine));
    }
    all
}
