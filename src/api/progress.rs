//! `/api/v1/experiments/{id}/progress`: how far every run is, in one answer. What
//! `assay watch` draws.

use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use assay_core::ids::{ExperimentId, RunId, StageId};
use assay_core::metric;
use assay_core::progress::fraction;
use assay_core::recipe::{self, Plan};
use assay_core::spec::{Experiment, StageSpec};
use assay_store::{self as store, JobState, RunStageView, RunView};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Shown beside a bar, as far as the stage reports them.
const SHOWN: [&str; 3] = [
    metric::VALIDATION_PASS_AT_1,
    metric::REWARD_MEAN,
    metric::LOSS,
];

#[derive(Debug, Serialize, Deserialize)]
pub struct Progress {
    pub experiment: ExperimentId,
    pub name: String,
    pub question: String,
    pub runs: Vec<RunProgress>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct RunProgress {
    pub run: RunId,
    pub arm: String,
    pub seed: u64,
    /// `waiting running succeeded failed cancelled`.
    pub state: String,
    /// Somebody has left it out of the comparison.
    #[serde(default)]
    pub excluded: bool,
    /// Stages that have ended, of how many.
    pub done: usize,
    pub stages: usize,
    /// 0 to 1 over all stages, as far as it is known.
    pub fraction: f64,
    /// The stage at work, or the one that failed.
    pub current: Option<Current>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Current {
    pub name: String,
    pub state: String,
    pub step: i64,
    /// Share of the stage's own work.
    pub fraction: f64,
    /// Latest values of some metrics.
    pub metrics: Vec<(String, f64)>,
    pub failure: Option<String>,
}

pub async fn progress(
    state: Data<AppState>,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, *id).await?;
    let runs = store::list_runs(&mut conn, *id).await?;
    let exclusions = store::list_exclusions(&mut conn, *id).await?;
    let plan = recipe::plan(&view.spec, "");
    let mut seen: HashMap<StageId, Current> = HashMap::new();
    let mut answer = vec![];
    for run in &runs {
        let mut current = None;
        if let Some(stage) = at_work(run) {
            let known = match seen.entry(stage.stage) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let spec = planned(&view.spec, &plan, run, stage);
                    place.insert(look(&mut conn, stage, spec).await?)
                }
            };
            current = Some(known.clone());
            if let Some(current) = &mut current {
                current.name.clone_from(&stage.name);
            }
        }
        let done = run
            .stages
            .iter()
            .filter(|s| s.state == JobState::Succeeded)
            .count();
        let part = current.as_ref().map_or(0.0, |c| c.fraction);
        answer.push(RunProgress {
            run: run.id,
            arm: run.arm.key.clone(),
            seed: run.seed,
            state: run.state.word().into(),
            excluded: exclusions
                .iter()
                .any(|e| e.run == run.id && e.is_in_force()),
            done,
            stages: run.stages.len(),
            fraction: (done as f64 + part) / run.stages.len().max(1) as f64,
            current,
        });
    }
    Ok(HttpResponse::Ok().json(Progress {
        experiment: view.id,
        name: view.name,
        question: view.question,
        runs: answer,
    }))
}

/// The failed stage if there is one, else the one that runs, else the one before its start.
fn at_work(run: &RunView) -> Option<&RunStageView> {
    let first = |state: JobState| run.stages.iter().find(|stage| stage.state == state);
    first(JobState::Failed)
        .or_else(|| first(JobState::Running))
        .or_else(|| first(JobState::Queued))
}

fn planned<'a>(
    experiment: &Experiment,
    plan: &'a Plan,
    run: &RunView,
    stage: &RunStageView,
) -> Option<&'a StageSpec> {
    let arm = experiment
        .arms
        .iter()
        .position(|arm| arm.id == run.arm.key)?;
    let run = plan
        .runs
        .iter()
        .find(|r| r.arm == arm && r.seed == run.seed)?;
    let place = run.stages.iter().find(|s| s.name == stage.name)?;
    plan.stages.get(place.stage).map(|planned| &planned.spec)
}

async fn look(
    conn: &mut PgConnection,
    stage: &RunStageView,
    spec: Option<&StageSpec>,
) -> Result<Current, Problem> {
    let mut metrics = vec![];
    let mut latest = None;
    if stage.attempts > 0 {
        for metric in SHOWN {
            let series = store::series(conn, stage.stage, metric, 2).await?;
            if let Some(point) = series.points.last() {
                metrics.push((metric.to_string(), point.last));
                latest = Some(point.cum);
            }
        }
    }
    // JSON has no NaN.
    metrics.retain(|(_, value)| value.is_finite());
    Ok(Current {
        name: stage.name.clone(),
        state: stage.state.word().into(),
        step: stage.step,
        fraction: spec.map_or(0.0, |spec| fraction(spec, stage.step, latest)),
        metrics,
        failure: stage
            .failure
            .as_ref()
            .filter(|_| stage.state == JobState::Failed)
            .map(|f| format!("{}: {}", f.class, f.message)),
    })
}
