//! `/api/v1/runs/{id}`.

use crate::body;
use crate::entering;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_core::stats::wilson;
use assay_store::{self as store, ExclusionEvent, GraderVerdict, Place, RunStageView, RunView};
use serde::{Deserialize, Serialize};
use serde_json::json;

const MAX_POINTS: usize = 5_000;
const MAX_CONTEST_BYTES: usize = 16 << 10;
const MAX_REQUEUE_BYTES: usize = 16 << 10;

/// A run as it is answered: one that was left out is listed, with its mark.
#[derive(Debug, Serialize)]
pub struct MarkedRun {
    #[serde(flatten)]
    pub run: RunView,
    pub excluded: bool,
}

impl MarkedRun {
    /// `exclusions` are the decisions about its experiment's runs.
    pub fn new(run: RunView, exclusions: &[ExclusionEvent]) -> Self {
        let mut all = exclusions.iter();
        Self {
            excluded: all.any(|e| e.run == run.id && e.is_in_force()),
            run,
        }
    }
}

pub async fn one(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let exclusions = store::list_exclusions(&mut conn, run.experiment).await?;
    Ok(HttpResponse::Ok().json(MarkedRun::new(run, &exclusions)))
}

/// The stages that were asked for: one by its name, or all.
fn chosen<'a>(run: &'a RunView, name: Option<&str>) -> Result<Vec<&'a RunStageView>, Problem> {
    let stages: Vec<_> = run
        .stages
        .iter()
        .filter(|stage| name.is_none_or(|name| stage.name == name))
        .collect();
    if stages.is_empty() {
        return Err(Problem::not_found("stage in this run"));
    }
    Ok(stages)
}

#[derive(Deserialize)]
pub struct SeriesQuery {
    /// Without it the answer lists the metrics.
    metric: Option<String>,
    stage: Option<String>,
    max_points: Option<usize>,
    /// Steps, both included.
    from: Option<i64>,
    to: Option<i64>,
}

pub async fn series(
    state: Data<AppState>,
    id: Path<RunId>,
    query: Query<SeriesQuery>,
) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let max_points = query.max_points.unwrap_or(1_000).clamp(2, MAX_POINTS);
    let (from, to) = (query.from.unwrap_or(0), query.to.unwrap_or(i64::MAX));
    if from < 0 || from > to {
        return Err(Problem::bad_request(
            "`from` and `to` are steps, the later one last",
        ));
    }
    let mut stages = vec![];
    for stage in chosen(&run, query.stage.as_deref())? {
        match &query.metric {
            None => {
                let metrics = store::list_metrics(&mut conn, stage.stage).await?;
                stages
                    .push(json!({ "name": stage.name, "stage": stage.stage, "metrics": metrics }));
            }
            Some(metric) => {
                let part = (from, to);
                let series =
                    store::series_between(&mut conn, stage.stage, metric, part, max_points).await?;
                if !series.points.is_empty() || query.stage.is_some() {
                    stages.push(json!({
                        "name": stage.name,
                        "stage": stage.stage,
                        "level": series.level,
                        "points": series.points,
                    }));
                }
            }
        }
    }
    Ok(HttpResponse::Ok().json(json!({ "run": run.id, "metric": query.metric, "stages": stages })))
}

#[derive(Deserialize)]
pub struct CompletionsQuery {
    step: Option<i64>,
    stage: Option<String>,
    limit: Option<i64>,
}

/// Of the last stage that has any, unless one is named; of its latest step.
pub async fn completions(
    state: Data<AppState>,
    id: Path<RunId>,
    query: Query<CompletionsQuery>,
) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let limit = query.limit.unwrap_or(64).clamp(1, 4_096);
    for stage in chosen(&run, query.stage.as_deref())?.into_iter().rev() {
        let steps = store::completion_steps(&mut conn, stage.stage).await?;
        if steps.is_empty() {
            continue;
        }
        let items = store::completions(&mut conn, stage.stage, query.step, limit).await?;
        return Ok(HttpResponse::Ok().json(json!({
            "run": run.id,
            "name": stage.name,
            "stage": stage.stage,
            "steps": steps,
            "completions": items,
        })));
    }
    Ok(HttpResponse::Ok().json(json!({ "run": run.id, "steps": [], "completions": [] })))
}

pub async fn evaluations(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let mut stages = vec![];
    for stage in &run.stages {
        let evaluations = store::list_evaluations(&mut conn, stage.stage).await?;
        stages.push(json!({
            "name": stage.name,
            "stage": stage.stage,
            "evaluations": evaluations,
        }));
    }
    Ok(HttpResponse::Ok().json(json!({ "run": run.id, "stages": stages })))
}

pub async fn ledger(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let rows = store::run_ledger(&mut conn, run.id).await?;
    Ok(HttpResponse::Ok().json(json!({ "run": run.id, "ledger": rows })))
}

/// What people say of the grader on this run, and how often they found it wrong.
pub async fn contests(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let all = store::list_contests(&mut conn, run.id).await?;
    let last = || all.iter().filter(|c| c.counts);
    let reviewed = last().count() as u64;
    let wrong = last().filter(|c| c.verdict == GraderVerdict::Wrong).count() as u64;
    Ok(HttpResponse::Ok().json(json!({
        "run": run.id,
        "reviewed": reviewed,
        "wrong": wrong,
        "error_rate": (reviewed > 0).then(|| wrong as f64 / reviewed as f64),
        "interval": wilson(wrong, reviewed),
        "level": 0.95,
        "method": "wilson",
        "basis": "completions that a person has judged, the last word on each",
        "contests": all,
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContestBody {
    stage: String,
    step: i64,
    group: i32,
    index: i32,
    verdict: String,
    #[serde(default)]
    reason: String,
}

/// Keeps a person's word on one stored completion.
pub async fn contest(
    state: Data<AppState>,
    id: Path<RunId>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body: ContestBody = body::json(&request, payload, MAX_CONTEST_BYTES).await?;
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let stage = chosen(&run, Some(&body.stage))?[0].stage;
    let place = Place {
        step: body.step,
        group: body.group,
        index: body.index,
    };
    let verdict = body
        .verdict
        .parse()
        .map_err(|e: String| Problem::bad_request(e))?;
    let id = store::insert_contest(&mut conn, stage, place, verdict, &body.reason).await?;
    Ok(HttpResponse::Created().json(json!({ "run": run.id, "id": id })))
}

pub async fn cancel(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let state = state.into_inner();
    let inner = state.clone();
    let cancelled = state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let cancelled = store::cancel_run(&mut tx, *id).await?;
            tx.commit().await?;
            Ok(cancelled)
        })
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "cancelled_stages": cancelled })))
}

pub async fn retry(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let state = state.into_inner();
    let inner = state.clone();
    let retried = state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let retried = store::retry_failed(&mut tx, *id).await?;
            tx.commit().await?;
            Ok(retried)
        })
        .await?;
    if retried == 0 {
        return Err(Problem::conflict(
            "no stage of this run has failed or was cancelled",
        ));
    }
    Ok(HttpResponse::Ok().json(json!({ "retried_stages": retried })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequeueBody {
    #[serde(default)]
    reason: String,
    /// Takes it away from a healthy worker too.
    #[serde(default)]
    force: bool,
    /// The latest attempt that was seen: with force, a later one is not taken away.
    attempt: Option<i32>,
}

/// Sent twice it is refused the second time, the run being queued already; with force where
/// `attempt` says what was seen.
pub async fn requeue(
    state: Data<AppState>,
    id: Path<RunId>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let body: RequeueBody = body::json_if_any(&request, payload, MAX_REQUEUE_BYTES).await?;
    let done = entering::requeue(&state, *id, body.force, &body.reason, body.attempt).await?;
    let stages: Vec<_> = done
        .iter()
        .map(|s| {
            json!({
                "stage": s.stage,
                "name": s.name,
                "attempt": s.attempt,
                "was": s.state,
                "from_step": s.from_step,
                "reached": s.reached,
                "discards": s.discards(),
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "run": *id, "requeued": stages })))
}
