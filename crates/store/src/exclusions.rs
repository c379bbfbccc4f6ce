//! Runs that somebody has left out of the comparison, each with the reason. Nothing is
//! deleted: taking it back is one more row.

use crate::numbers::{text, unsigned};
use crate::{Result, RunState, RunView, StoreError};
use assay_core::denominator::{Fate, RunFate};
use assay_core::ids::{ExperimentId, RunId};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// One decision about one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusionEvent {
    pub run: RunId,
    pub arm: String,
    pub label: String,
    pub seed: u64,
    /// False: it was taken back.
    pub excluded: bool,
    pub reason: String,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The run's latest decision, which holds.
    pub holds: bool,
}

impl ExclusionEvent {
    /// The run is left out of the comparison now.
    pub fn is_in_force(&self) -> bool {
        self.holds && self.excluded
    }

    /// It is in force, and about this seed's run of the arm.
    pub fn leaves_out(&self, arm: &str, seed: u64) -> bool {
        self.is_in_force() && self.arm == arm && self.seed == seed
    }
}

/// Leaves a run out. Needs the caller's transaction.
///
/// # Errors
/// `NotFound`; `Conflict` without a reason, or where it is left out already; `Database`.
pub async fn exclude_run(conn: &mut PgConnection, run: RunId, reason: &str) -> Result<()> {
    if reason.trim().is_empty() {
        return Err(StoreError::Conflict(
            "a run is left out only with a reason".into(),
        ));
    }
    if lock(&mut *conn, run).await? {
        return Err(StoreError::Conflict("the run is left out already".into()));
    }
    decide(conn, run, true, reason).await
}

/// Takes it back. Needs the caller's transaction.
///
/// # Errors
/// `NotFound`; `Conflict` where the run is not left out; `Database`.
pub async fn include_run(conn: &mut PgConnection, run: RunId, reason: &str) -> Result<()> {
    if !lock(&mut *conn, run).await? {
        return Err(StoreError::Conflict("the run is not left out".into()));
    }
    decide(conn, run, false, reason).await
}

/// Two decisions at a time would both be the first. Returns whether it is left out.
async fn lock(conn: &mut PgConnection, run: RunId) -> Result<bool> {
    sqlx::query_scalar!("select id from run where id = $1 for update", run.0)
        .fetch_optional(&mut *conn)
        .await?
        .ok_or(StoreError::NotFound("run"))?;
    let left_out = sqlx::query_scalar!(
        r#"select exists (select from excluded_run where run_id = $1) as "left_out!""#,
        run.0
    )
    .fetch_one(conn)
    .await?;
    Ok(left_out)
}

async fn decide(conn: &mut PgConnection, run: RunId, excluded: bool, reason: &str) -> Result<()> {
    sqlx::query!(
        "insert into exclusion (run_id, excluded, reason) values ($1, $2, $3)",
        run.0,
        excluded,
        text(reason.trim())
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Every decision about an experiment's runs, in order.
///
/// # Errors
/// `Database`; an unknown experiment has none.
pub async fn list_exclusions(
    conn: &mut PgConnection,
    experiment: ExperimentId,
) -> Result<Vec<ExclusionEvent>> {
    let rows = sqlx::query!(
        r#"select r.id, a.key, a.label, r.seed, x.excluded, x.reason, x.at,
             x.id = max(x.id) over (partition by x.run_id) as "holds!"
         from run r
         join arm a on a.id = r.arm_id
         join exclusion x on x.run_id = r.id
         where r.experiment_id = $1 order by x.id"#,
        experiment.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ExclusionEvent {
            run: RunId(row.id),
            arm: row.key,
            label: row.label,
            seed: unsigned(row.seed),
            excluded: row.excluded,
            reason: row.reason,
            at: row.at,
            holds: row.holds,
        })
        .collect())
}

/// What became of each run, for the denominator.
pub fn fates<'a>(
    runs: &'a [RunView],
    exclusions: &'a [ExclusionEvent],
) -> impl Iterator<Item = RunFate<'a>> {
    runs.iter().map(|run| RunFate {
        arm: &run.arm.key,
        fate: match run.state {
            RunState::Succeeded => Fate::Done,
            RunState::Running | RunState::Waiting => Fate::Open,
            RunState::Failed => Fate::Crashed,
            RunState::Cancelled => Fate::Cancelled,
        },
        excluded: exclusions
            .iter()
            .any(|e| e.run == run.id && e.is_in_force()),
    })
}
