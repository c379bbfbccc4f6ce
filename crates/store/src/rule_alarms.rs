//! What the rules of experiments have found in their runs' curves, how far these were looked
//! at, and which runs have alarms.

use crate::events::notify_stages;
use crate::numbers::unsigned;
use crate::{Result, StoreError};
use assay_core::health::Rule;
use assay_core::ids::{ExperimentId, RunId, StageId};
use assay_core::recipe;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// A run's stage with points that its rules have not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueLook {
    pub run: RunId,
    pub experiment: ExperimentId,
    pub stage: StageId,
    /// What there is to see now: the latest attempt and its last record.
    pub attempt: i32,
    pub last_seq: i64,
}

/// Where a rule was first broken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FoundAlarm {
    pub rule: Rule,
    pub step: i64,
    pub value: f64,
    /// In force then; `None` for a rule without one.
    pub threshold: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RuleAlarmView {
    /// The stage's name in the run.
    pub stage: String,
    pub found: FoundAlarm,
    pub at: OffsetDateTime,
}

/// A run that works or waits, with alarms of the last 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmedRun {
    pub run: RunId,
    pub arm: String,
    pub seed: u64,
    pub alarms: i64,
    pub latest: OffsetDateTime,
}

/// At most `limit` of those that are due, at work or over for a day at most: never looked at,
/// then the longest ago. Reads no points.
///
/// # Errors
/// `Database`.
pub async fn list_due_looks(conn: &mut PgConnection, limit: i64) -> Result<Vec<DueLook>> {
    let rows = sqlx::query!(
        r#"select rs.run_id as "run_id!", r.experiment_id as "experiment_id!",
             rs.stage_id as "stage_id!", a.number as "number!", a.last_seq as "last_seq!"
         from run_stage rs
         join run r on r.id = rs.run_id
         join job j on j.stage_id = rs.stage_id
         join attempt a on a.stage_id = j.stage_id and a.number = j.attempts
         left join rule_look l on l.run_id = rs.run_id and l.stage_id = rs.stage_id
         where rs.name <> $2 and a.last_seq > 0
             and (j.state = 'running' or j.finished_at > statement_timestamp() - interval '1 day')
             and (l.attempt is distinct from a.number or l.last_seq is distinct from a.last_seq)
         order by l.looked_at nulls first, rs.stage_id, rs.run_id limit $1"#,
        limit,
        recipe::EVAL
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DueLook {
            run: RunId(row.run_id),
            experiment: ExperimentId(row.experiment_id),
            stage: StageId(row.stage_id),
            attempt: row.number,
            last_seq: row.last_seq,
        })
        .collect())
}

/// Keeps what was found, each rule once a run and anew where its stage is no longer the run's, and that it was looked at; returns how many
/// are new. Needs the caller's transaction.
///
/// # Errors
/// `Database`.
pub async fn insert_look(
    conn: &mut PgConnection,
    look: &DueLook,
    found: &[FoundAlarm],
) -> Result<u64> {
    let rules: Vec<String> = found.iter().map(|f| f.rule.word().into()).collect();
    let steps: Vec<i64> = found.iter().map(|f| f.step).collect();
    let values: Vec<f64> = found.iter().map(|f| f.value).collect();
    let thresholds: Vec<Option<f64>> = found.iter().map(|f| f.threshold).collect();
    let new = sqlx::query!(
        "insert into rule_alarm (run_id, stage_id, rule, step, value, threshold)
         select $1, $2, f.rule, f.step, f.value, f.threshold
         from unnest($3::text[], $4::bigint[], $5::float8[], $6::float8[])
             as f (rule, step, value, threshold)
         on conflict (run_id, rule) do update set stage_id = excluded.stage_id,
             step = excluded.step, value = excluded.value, threshold = excluded.threshold,
             at = clock_timestamp()
         where not exists (
             select from run_stage rs
             where rs.run_id = rule_alarm.run_id and rs.stage_id = rule_alarm.stage_id)",
        look.run.0,
        look.stage.0,
        &rules,
        &steps,
        &values,
        &thresholds as &[Option<f64>]
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    sqlx::query!(
        "insert into rule_look (run_id, stage_id, attempt, last_seq) values ($1, $2, $3, $4)
         on conflict (run_id, stage_id) do update set attempt = excluded.attempt,
             last_seq = excluded.last_seq, looked_at = clock_timestamp()",
        look.run.0,
        look.stage.0,
        look.attempt,
        look.last_seq
    )
    .execute(&mut *conn)
    .await?;
    if new > 0 {
        notify_stages(conn, &[look.stage.0]).await?;
    }
    Ok(new)
}

/// Puts a look that could not be done behind the others; it stays due.
///
/// # Errors
/// `Database`.
pub async fn defer_look(conn: &mut PgConnection, look: &DueLook) -> Result<()> {
    sqlx::query!(
        "insert into rule_look (run_id, stage_id, attempt, last_seq) values ($1, $2, 0, 0)
         on conflict (run_id, stage_id) do update set looked_at = clock_timestamp()",
        look.run.0,
        look.stage.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the rules have found in a run, newest first.
///
/// # Errors
/// `Database`; an unknown run has none.
pub async fn list_rule_alarms(conn: &mut PgConnection, run: RunId) -> Result<Vec<RuleAlarmView>> {
    let rows = sqlx::query!(
        "select rs.name, a.rule, a.step, a.value, a.threshold, a.at
         from rule_alarm a
         join run_stage rs on rs.run_id = a.run_id and rs.stage_id = a.stage_id
         where a.run_id = $1 order by a.at desc, a.rule",
        run.0
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let rule = Rule::from_word(&row.rule).ok_or_else(|| {
                StoreError::unreadable(std::io::Error::other(format!("not a rule: {:?}", row.rule)))
            })?;
            Ok(RuleAlarmView {
                stage: row.name,
                found: FoundAlarm {
                    rule,
                    step: row.step,
                    value: row.value,
                    threshold: row.threshold,
                },
                at: row.at,
            })
        })
        .collect()
}

/// Runs with an alarm in the last 24 hours, of a worker or by a rule, that still work or wait.
///
/// # Errors
/// `Database`.
pub async fn count_alarmed_runs(conn: &mut PgConnection) -> Result<i64> {
    let n = sqlx::query_scalar!(r#"select count(*) as "n!" from alarmed_run"#)
        .fetch_one(conn)
        .await?;
    Ok(n)
}

/// Those of these experiments, the latest alarm first.
///
/// # Errors
/// `Database`.
pub async fn list_alarmed_runs(
    conn: &mut PgConnection,
    of: &[ExperimentId],
    limit: i64,
) -> Result<Vec<AlarmedRun>> {
    let ids: Vec<Uuid> = of.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select a.run_id as "run_id!", a.alarms as "alarms!", a.latest as "latest!",
             arm.label as "label!", r.seed as "seed!"
         from alarmed_run a
         join run r on r.id = a.run_id
         join arm on arm.id = r.arm_id
         where r.experiment_id = any($1)
         order by a.latest desc, a.run_id limit $2"#,
        &ids,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AlarmedRun {
            run: RunId(row.run_id),
            arm: row.label,
            seed: unsigned(row.seed),
            alarms: row.alarms,
            latest: row.latest,
        })
        .collect())
}
