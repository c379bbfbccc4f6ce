//! What the failures of attempts are read from: series of judges, labels, values and
//! searches, and the accuracy along each run.

use crate::numbers::unsigned;
use crate::warm::{Warm, Weighs};
use crate::{MilestonePoint, Result, list_exclusions, milestones};
use assay_core::failure::{FailureTable, Measured, StageSeries, failures};
use assay_core::ids::{AttemptRef, ExperimentId, StageId};
use assay_core::spec::Experiment;
use sqlx::PgConnection;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// Series whose names begin so are signs of failure or of its absence.
const PREFIXES: [&str; 4] = ["labels/", "judge/", "search/", "value/"];

/// One metric of an attempt, step by step.
type Sign = (String, Vec<(u64, f64)>);

impl Weighs for Vec<Sign> {
    fn bytes(&self) -> usize {
        let points = self
            .iter()
            .map(|(_, points)| size_of_val(points.as_slice()));
        points.sum::<usize>() + size_of_val(self.as_slice())
    }
}

static WARM: LazyLock<Warm<AttemptRef, Vec<Sign>>> = LazyLock::new(|| Warm::new(48 << 20));

/// What one attempt contributes to a stage of a run.
struct Piece {
    arm: String,
    seed: u64,
    stage: String,
    kind: String,
    attempt: AttemptRef,
    /// Points after it are another attempt's.
    last_step: i64,
    /// It reports nothing more.
    ended: bool,
}

async fn list_pieces(conn: &mut PgConnection, experiment: ExperimentId) -> Result<Vec<Piece>> {
    let rows = sqlx::query!(
        r#"select a.key, r.seed, rs.name, s.kind as "kind!", k.stage_id as "stage_id!",
             k.attempt as "attempt!", k.last_step as "last_step!",
             t.finished_at is not null as "ended!"
         from run r
         join arm a on a.id = r.arm_id
         join run_stage rs on rs.run_id = r.id and strpos(rs.name, '/') = 0
         join stage s on s.id = rs.stage_id
         join kept k on k.stage_id = rs.stage_id
         join attempt t on t.stage_id = k.stage_id and t.number = k.attempt
         where r.experiment_id = $1 and not exists (select from excluded_run where run_id = r.id)
         order by a.position, r.seed, rs.position, k.attempt"#,
        experiment.0
    )
    .fetch_all(conn)
    .await?;
    let rows = rows.into_iter().map(|row| Piece {
        arm: row.key,
        seed: unsigned(row.seed),
        stage: row.name,
        kind: row.kind,
        attempt: AttemptRef {
            stage: StageId(row.stage_id),
            number: row.attempt,
        },
        last_step: row.last_step,
        ended: row.ended,
    });
    Ok(rows.collect())
}

/// Every sign that these attempts have reported.
async fn list_signs(
    conn: &mut PgConnection,
    attempts: &[AttemptRef],
) -> Result<HashMap<AttemptRef, Vec<Sign>>> {
    let mut all: HashMap<AttemptRef, Vec<Sign>> = HashMap::new();
    if attempts.is_empty() {
        return Ok(all);
    }
    let stages: Vec<Uuid> = attempts.iter().map(|a| a.stage.0).collect();
    let numbers: Vec<i32> = attempts.iter().map(|a| a.number).collect();
    let rows = sqlx::query!(
        r#"select b.stage_id, b.attempt, b.metric, b.steps, b.vals
         from unnest($1::uuid[], $2::int[]) as w (stage_id, attempt)
         join series_block b on b.stage_id = w.stage_id and b.attempt = w.attempt
             and b.metric ^@ any($3)
         order by b.stage_id, b.attempt, b.metric, b.block"#,
        &stages,
        &numbers,
        &PREFIXES.map(String::from)
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let attempt = AttemptRef {
            stage: StageId(row.stage_id),
            number: row.attempt,
        };
        let points = row.steps.iter().zip(row.vals);
        let points = points.map(|(step, value)| (step.unsigned_abs(), value));
        let own = all.entry(attempt).or_default();
        match own.last_mut().filter(|(metric, _)| *metric == row.metric) {
            Some((_, known)) => known.extend(points),
            None => own.push((row.metric, points.collect())),
        }
    }
    Ok(all)
}

/// The same, those of attempts that have ended from memory where it has them.
async fn signs(
    conn: &mut PgConnection,
    pieces: &[Piece],
) -> Result<HashMap<AttemptRef, Arc<Vec<Sign>>>> {
    let mut all = HashMap::new();
    let (mut missing, mut seen) = (vec![], HashSet::new());
    for piece in pieces.iter().filter(|piece| seen.insert(piece.attempt)) {
        match WARM.get(&piece.attempt).filter(|_| piece.ended) {
            Some(known) => drop(all.insert(piece.attempt, known)),
            None => missing.push(piece),
        }
    }
    let attempts: Vec<AttemptRef> = missing.iter().map(|piece| piece.attempt).collect();
    let mut read = list_signs(conn, &attempts).await?;
    for piece in missing {
        let own = Arc::new(read.remove(&piece.attempt).unwrap_or_default());
        if piece.ended {
            WARM.insert(piece.attempt, own.clone());
        }
        all.insert(piece.attempt, own);
    }
    Ok(all)
}

/// Signs of failure of every stage that an arm owns or shares, in the current view:
/// arms in their order, seeds ascending; a shared stage once a seed.
///
/// # Errors
/// `Database`; an unknown experiment has none.
async fn failure_series(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    spec: &Experiment,
) -> Result<Vec<StageSeries>> {
    let pieces = list_pieces(&mut *conn, experiment).await?;
    let signs = signs(conn, &pieces).await?;
    let mut all: Vec<StageSeries> = vec![];
    for piece in &pieces {
        let own = spec
            .arm(&piece.arm)
            .is_some_and(|arm| arm.stages.iter().any(|stage| stage.id == piece.stage));
        let last = u64::try_from(piece.last_step).ok();
        for (metric, points) in signs.get(&piece.attempt).into_iter().flat_map(|s| s.iter()) {
            let seen = last.map_or(0, |last| points.partition_point(|p| p.0 <= last));
            if seen > 0 {
                add(&mut all, piece, own, metric, &points[..seen]);
            }
        }
    }
    Ok(all)
}

fn add(all: &mut Vec<StageSeries>, piece: &Piece, own: bool, metric: &str, points: &[(u64, f64)]) {
    let arm = own.then_some(piece.arm.as_str());
    let same = |s: &&mut StageSeries| {
        s.arm.as_deref() == arm
            && s.stage == piece.stage
            && s.seed == piece.seed
            && s.metric == metric
    };
    match all.iter_mut().rev().find(same) {
        // A shared stage comes again with the next arm.
        Some(known) => {
            let last = known.points.last().map_or(0, |p| p.0);
            let new = points.iter().filter(|p| p.0 > last);
            known.points.extend(new);
        }
        None => all.push(StageSeries {
            arm: arm.map(String::from),
            stage: piece.stage.clone(),
            kind: piece.kind.clone(),
            seed: piece.seed,
            metric: metric.into(),
            points: points.to_vec(),
        }),
    }
}

/// How the attempts of an experiment fail; runs that were left out have no part in it.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn failure_tables(
    conn: &mut PgConnection,
    experiment: ExperimentId,
    spec: &Experiment,
    milestones: &[MilestonePoint],
) -> Result<Vec<FailureTable>> {
    let series = failure_series(conn, experiment, spec).await?;
    let measured: Vec<Measured> = milestones
        .iter()
        .map(|p| Measured {
            arm: p.arm_key.clone(),
            seed: p.seed,
            at: p.at.clone(),
            milestone: p.milestone,
            pass_at_1: p.pass_at_1,
        })
        .collect();
    Ok(failures(&series, &measured))
}

/// Milestones of the runs that were not left out.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn counted_milestones(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<MilestonePoint>> {
    let exclusions = list_exclusions(&mut *conn, experiment).await?;
    let mut points = milestones(conn, experiment).await?;
    points.retain(|p| !exclusions.iter().any(|e| e.run == p.run && e.is_in_force()));
    Ok(points)
}
