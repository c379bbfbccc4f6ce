//! What was asked for: experiments, their versions and arms.

use crate::numbers::{bigint, int};
use crate::queue::place::{Placed, Wanted, place};
use crate::searching::with_text;
use crate::{Result, RunState, StoreError};
use assay_core::canonical;
use assay_core::ids::{ArmId, ExperimentId, RunId, WorkerId};
use assay_core::recipe::{self, Plan};
use assay_core::spec::{ArmSpec, Experiment};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// One line of the list of experiments.
#[derive(Debug, Clone, Serialize)]
pub struct ExperimentSummary {
    pub id: ExperimentId,
    pub name: String,
    pub question: String,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    pub arms: i64,
    pub runs: i64,
    pub runs_done: i64,
    pub runs_failed: i64,
    pub runs_running: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_event_at: Option<OffsetDateTime>,
}

/// One experiment in its current version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExperimentView {
    pub id: ExperimentId,
    pub name: String,
    pub question: String,
    pub version: i32,
    /// Of the canonical JSON of `spec`.
    pub sha256: String,
    #[serde(with = "time::serde::rfc3339")]
    pub frozen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    pub spec: Experiment,
    /// In the order of the file.
    pub arms: Vec<ArmView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmView {
    pub id: ArmId,
    pub position: i32,
    pub key: String,
    pub label: String,
    /// False for an arm that evaluates a shared stage as it is, and for a decoder.
    pub trains: bool,
}

/// Stages computed elsewhere, whose records `worker` is about to replay: their
/// jobs are inserted as running, attempt 1 held by it with a lease of ten minutes.
/// Stages that are known already are left as they are.
#[derive(Debug, Clone)]
pub struct Import {
    pub worker: WorkerId,
    pub hashes: Vec<String>,
}

/// Plans an experiment and stores all of it: version, arms, runs, stages (those
/// already live or succeeded are found by their hash), inputs and jobs. Needs the
/// caller's transaction.
///
/// # Errors
/// `Database`; nothing is stored once the transaction is rolled back.
pub async fn insert_experiment(
    conn: &mut PgConnection,
    experiment: &Experiment,
    import: Option<&Import>,
) -> Result<ExperimentId> {
    let id = ExperimentId::new();
    let spec = serde_json::to_value(experiment).map_err(StoreError::unreadable)?;
    let plan = recipe::plan(experiment, &id.to_string());
    insert_rows(&mut *conn, id, experiment, &spec).await?;
    let arms = insert_arms(&mut *conn, id, experiment).await?;
    let wanted = plan
        .stages
        .iter()
        .map(|stage| {
            Ok(Wanted {
                hash: stage.hash.clone(),
                spec: serde_json::to_value(&stage.spec).map_err(StoreError::unreadable)?,
                threads: int(stage.spec.threads)?,
                inputs: stage
                    .inputs
                    .iter()
                    .map(|(role, &position)| (role.to_string(), position))
                    .collect(),
                known: None,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let placed = place(&mut *conn, &wanted, import).await?;
    insert_runs(conn, id, &plan, &arms, &placed).await?;
    Ok(id)
}

/// The newest experiment whose current or earlier version has this spec.
///
/// # Errors
/// `Database`.
pub async fn find_experiment_by_spec(
    conn: &mut PgConnection,
    sha256: &str,
) -> Result<Option<ExperimentId>> {
    let id = sqlx::query_scalar!(
        "select e.id from experiment_version v join experiment e on e.id = v.experiment_id
         where v.sha256 = $1 order by e.created_at desc limit 1",
        sha256
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(ExperimentId))
}

/// Which experiments a list is about.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Stands in the name or the question, whatever the case of its letters.
    pub text: Option<String>,
    pub standing: Option<Standing>,
}

/// Where an experiment stands, by its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Some run works or waits.
    Open,
    /// Some run has failed.
    Failed,
    /// Every run has succeeded.
    Done,
    /// Some run that works or waits has had an alarm in the last 24 hours.
    Alarmed,
}

/// Newest first; `before` is the last one of the page before.
///
/// # Errors
/// `Database`.
pub async fn list_experiments(
    conn: &mut PgConnection,
    limit: i64,
    before: Option<ExperimentId>,
) -> Result<Vec<ExperimentSummary>> {
    search_experiments(conn, limit, before, &Search::default()).await
}

/// As [`list_experiments`], of those that are searched for.
///
/// # Errors
/// `Database`.
pub async fn search_experiments(
    conn: &mut PgConnection,
    limit: i64,
    before: Option<ExperimentId>,
    search: &Search,
) -> Result<Vec<ExperimentSummary>> {
    let (some, none): (&[RunState], &[RunState]) = match search.standing {
        None | Some(Standing::Alarmed) => (&[], &[]),
        Some(Standing::Open) => (&[RunState::Running, RunState::Waiting], &[]),
        Some(Standing::Failed) => (&[RunState::Failed], &[]),
        Some(Standing::Done) => (
            &[RunState::Succeeded],
            &[
                RunState::Running,
                RunState::Waiting,
                RunState::Failed,
                RunState::Cancelled,
            ],
        ),
    };
    let named = match &search.text {
        Some(text) => with_text(&mut *conn, text).await?,
        None => vec![],
    };
    let words = |states: &[RunState]| -> Vec<String> {
        states.iter().map(|s| s.word().to_string()).collect()
    };
    let rows = sqlx::query!(
        r#"with page as (
             select id, name, question, created_at from experiment e
             where ($2::uuid is null or (created_at, id) <
                     (select created_at, id from experiment where id = $2))
                 and (not $3::bool or id = any($6::uuid[]))
                 and (cardinality($4::text[]) = 0 or exists (
                     select from run r where r.experiment_id = e.id
                         and (select state from run_state where run_id = r.id) = any($4)))
                 and (cardinality($5::text[]) = 0 or not exists (
                     select from run r where r.experiment_id = e.id
                         and (select state from run_state where run_id = r.id) = any($5)))
                 and (not $7::bool or id in (
                     select r.experiment_id from alarmed_run a join run r on r.id = a.run_id))
             order by created_at desc, id desc limit $1
         )
         select p.*,
             (select count(*) from arm where experiment_id = p.id) as "arms!",
             count(s.run_id) as "runs!",
             count(*) filter (where s.state = 'succeeded') as "runs_done!",
             count(*) filter (where s.state = 'failed') as "runs_failed!",
             count(*) filter (where s.state = 'running') as "runs_running!",
             max(changed_at) as last_event_at
         from page p
         left join lateral (
             -- Not the view run_state itself: it would be computed for every run there is.
             select r.id as run_id, st.state, st.changed_at from run r
             cross join lateral (
                 select max(j.changed_at) as changed_at,
                     (select state from run_state where run_id = r.id) as state
                 from run_stage rs join job j on j.stage_id = rs.stage_id
                 where rs.run_id = r.id) st
             where r.experiment_id = p.id) s on true
         group by p.id, p.name, p.question, p.created_at
         order by p.created_at desc, p.id desc"#,
        limit,
        before.map(|id| id.0),
        search.text.is_some(),
        &words(some),
        &words(none),
        &named,
        search.standing == Some(Standing::Alarmed)
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ExperimentSummary {
            id: ExperimentId(row.id),
            name: row.name,
            question: row.question,
            created_at: row.created_at,
            arms: row.arms,
            runs: row.runs,
            runs_done: row.runs_done,
            runs_failed: row.runs_failed,
            runs_running: row.runs_running,
            last_event_at: row.last_event_at,
        })
        .collect())
}

/// # Errors
/// `NotFound`, `Database`.
pub async fn get_experiment(conn: &mut PgConnection, id: ExperimentId) -> Result<ExperimentView> {
    let row = sqlx::query!(
        "select e.name, e.question, e.created_at, v.version, v.sha256, v.frozen_at, v.spec
         from experiment e
         join experiment_version v on v.experiment_id = e.id and v.version = e.version
         where e.id = $1",
        id.0
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(StoreError::NotFound("experiment"))?;
    Ok(ExperimentView {
        id,
        name: row.name,
        question: row.question,
        version: row.version,
        sha256: row.sha256,
        frozen_at: row.frozen_at,
        created_at: row.created_at,
        spec: serde_json::from_value(row.spec).map_err(StoreError::unreadable)?,
        arms: list_arms(conn, id).await?,
    })
}

async fn list_arms(conn: &mut PgConnection, id: ExperimentId) -> Result<Vec<ArmView>> {
    let rows = sqlx::query!(
        "select id, position, key, label, trains from arm
         where experiment_id = $1 order by position",
        id.0
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ArmView {
            id: ArmId(row.id),
            position: row.position,
            key: row.key,
            label: row.label,
            trains: row.trains,
        })
        .collect())
}

async fn insert_rows(
    conn: &mut PgConnection,
    id: ExperimentId,
    experiment: &Experiment,
    spec: &Value,
) -> Result<()> {
    sqlx::query!(
        "with e as (
             insert into experiment (id, name, question) values ($1, $2, $3) returning id, version
         )
         insert into experiment_version (experiment_id, version, spec, sha256)
         select id, version, $4, $5 from e",
        id.0,
        experiment.name,
        experiment.question,
        spec,
        canonical::sha256(spec)
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_arms(
    conn: &mut PgConnection,
    id: ExperimentId,
    experiment: &Experiment,
) -> Result<Vec<Uuid>> {
    let arms = &experiment.arms;
    let ids: Vec<Uuid> = arms.iter().map(|_| ArmId::new().0).collect();
    let keys: Vec<String> = arms.iter().map(|arm| arm.id.clone()).collect();
    let labels: Vec<String> = arms.iter().map(|arm| arm.label.clone()).collect();
    let trains: Vec<bool> = arms.iter().map(ArmSpec::trains).collect();
    sqlx::query!(
        "insert into arm (id, experiment_id, position, key, label, trains)
         select a.id, $1, a.place - 1, a.key, a.label, a.trains
         from unnest($2::uuid[], $3::text[], $4::text[], $5::bool[])
             with ordinality as a (id, key, label, trains, place)",
        id.0,
        &ids,
        &keys,
        &labels,
        &trains
    )
    .execute(conn)
    .await?;
    Ok(ids)
}

async fn insert_runs(
    conn: &mut PgConnection,
    id: ExperimentId,
    plan: &Plan,
    arms: &[Uuid],
    placed: &[Placed],
) -> Result<()> {
    let ids: Vec<Uuid> = plan.runs.iter().map(|_| RunId::new().0).collect();
    let run_arms: Vec<Uuid> = plan.runs.iter().map(|run| arms[run.arm]).collect();
    let seeds = plan
        .runs
        .iter()
        .map(|run| bigint(run.seed))
        .collect::<Result<Vec<_>>>()?;
    sqlx::query!(
        "insert into run (id, experiment_id, version, arm_id, seed)
         select r.id, e.id, e.version, r.arm, r.seed
         from unnest($2::uuid[], $3::uuid[], $4::bigint[]) as r (id, arm, seed)
         join experiment e on e.id = $1",
        id.0,
        &ids,
        &run_arms,
        &seeds
    )
    .execute(&mut *conn)
    .await?;
    let mut runs = vec![];
    let mut positions = vec![];
    let mut names = vec![];
    let mut stages = vec![];
    let mut charges = vec![];
    let mut reused = vec![];
    for (run, id) in plan.runs.iter().zip(&ids) {
        for (position, stage) in (0_i32..).zip(&run.stages) {
            runs.push(*id);
            positions.push(position);
            names.push(stage.name.clone());
            stages.push(placed[stage.stage].stage.0);
            charges.push(stage.charge.to_string());
            reused.push(!placed[stage.stage].is_new);
        }
    }
    sqlx::query!(
        "insert into run_stage (run_id, position, name, stage_id, charge, reused)
         select * from unnest($1::uuid[], $2::int[], $3::text[], $4::uuid[], $5::text[], $6::bool[])",
        &runs,
        &positions,
        &names,
        &stages,
        &charges,
        &reused
    )
    .execute(conn)
    .await?;
    Ok(())
}
