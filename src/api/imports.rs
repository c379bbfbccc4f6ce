//! `/api/v1/imports`: work that was done elsewhere is entered as an experiment
//! whose stages the importing worker holds; it then replays their records.

use crate::body;
use crate::config::MAX_JSON_BYTES;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::{ExperimentId, StageId, WorkerId};
use assay_core::recipe;
use assay_core::spec::Experiment;
use assay_core::violation::{Violation, Violations};
use assay_core::wire::{Host, PROTOCOL, Register};
use assay_store::{self as store, JobState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

#[derive(Debug, Serialize, Deserialize)]
pub struct ImportRequest {
    /// As the worker has written it: the checked experiment, which reads as a file does.
    pub experiment: Value,
    pub stages: Vec<String>,
    pub worker: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ImportAnswer {
    pub experiment: ExperimentId,
    pub url: String,
    pub worker: WorkerId,
    /// Stages that are known already are not among them.
    pub claims: Vec<ImportClaim>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportClaim {
    pub stage: StageId,
    pub attempt: i32,
    pub hash: String,
}

pub async fn import(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let asked: ImportRequest = body::json(&request, payload, MAX_JSON_BYTES).await?;
    let experiment = Experiment::from_value(&asked.experiment)?;
    let planned: HashSet<String> = recipe::plan(&experiment, "")
        .stages
        .into_iter()
        .map(|s| s.hash)
        .collect();
    let unknown: Vec<_> = asked
        .stages
        .iter()
        .enumerate()
        .filter(|(_, hash)| !planned.contains(*hash))
        .map(|(i, _)| {
            Violation::new(
                format!("/stages/{i}"),
                "no stage of this experiment has this hash (a stage with `fresh: true`, or made by another version, cannot be imported)",
            )
        })
        .collect();
    if !unknown.is_empty() {
        return Err(Violations(unknown).into());
    }
    let name: String = asked
        .worker
        .chars()
        .filter(|c| !c.is_control())
        .take(80)
        .collect();
    let state = state.into_inner();
    let done = insert(
        state.clone(),
        experiment,
        asked.stages,
        format!("import from {name}"),
    );
    let (experiment, worker, claims) = state.detached(done).await?;
    let url = super::experiments::page_url(&request, experiment);
    Ok(HttpResponse::Created().json(ImportAnswer {
        experiment,
        url,
        worker,
        claims,
    }))
}

async fn insert(
    state: Arc<AppState>,
    experiment: Experiment,
    hashes: Vec<String>,
    name: String,
) -> Result<(ExperimentId, WorkerId, Vec<ImportClaim>), Problem> {
    let mut tx = state.begin().await?;
    let register = Register {
        protocol: PROTOCOL,
        name: name.clone(),
        threads: 0,
        host: Host::default(),
    };
    let worker = store::register_worker(&mut tx, &register).await?;
    let import = store::Import {
        worker,
        hashes: hashes.clone(),
    };
    let id = store::insert_experiment(&mut tx, &experiment, Some(&import)).await?;
    let mut seen = BTreeSet::new();
    let mut claims = vec![];
    for stage in store::list_runs(&mut tx, id)
        .await?
        .into_iter()
        .flat_map(|run| run.stages)
    {
        let ours = stage.state == JobState::Running
            && !stage.reused
            && stage.worker_name.as_ref() == Some(&name)
            && hashes.contains(&stage.hash);
        if ours && seen.insert(stage.stage) {
            claims.push(ImportClaim {
                stage: stage.stage,
                attempt: stage.attempts,
                hash: stage.hash,
            });
        }
    }
    tx.commit().await?;
    Ok((id, worker, claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checked_experiment_reads_back_as_itself() {
        for preset in crate::presets::ALL {
            let experiment = Experiment::from_text(preset.text).unwrap_or_else(|v| panic!("{v}"));
            let checked = serde_json::to_value(&experiment).unwrap();
            let again = Experiment::from_value(&checked).unwrap_or_else(|v| panic!("{v}"));
            assert_eq!(again, experiment);
        }
    }
}
