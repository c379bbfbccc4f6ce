//! `/api/v1/experiments`.

use super::runs::MarkedRun;
use super::submission;
use crate::body;
use crate::config::MAX_JSON_BYTES;
use crate::entering;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::beyond::{Beyond, beyond};
use assay_core::compare::{Comparison, compare};
use assay_core::decoders::{DecoderGroup, by_policy};
use assay_core::denominator::{Denominator, denominator};
use assay_core::ids::ExperimentId;
use assay_core::outcome::{Outcome, outcome, outcome_with_all_runs};
use assay_core::selection::{Selection, selection};
use assay_core::supervision::ArmSupervision;
use assay_core::task::Split;
use assay_core::{metric, recipe};
use assay_store::{self as store, ExclusionEvent};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
pub struct Page {
    limit: Option<i64>,
    before: Option<ExperimentId>,
}

/// Newest first; `before` is the id that the last page ended with.
pub async fn list(state: Data<AppState>, page: Query<Page>) -> Result<HttpResponse, Problem> {
    let limit = page.limit.unwrap_or(50).clamp(1, 200);
    let mut conn = state.conn().await?;
    let experiments = store::list_experiments(&mut conn, limit, page.before).await?;
    Ok(HttpResponse::Ok().json(json!({ "experiments": experiments })))
}

pub async fn one(state: Data<AppState>, id: Path<ExperimentId>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let experiment = store::get_experiment(&mut conn, *id).await?;
    let runs = store::list_runs(&mut conn, *id).await?;
    let exclusions = store::list_exclusions(&mut conn, *id).await?;
    let runs: Vec<MarkedRun> = runs
        .into_iter()
        .map(|run| MarkedRun::new(run, &exclusions))
        .collect();
    Ok(HttpResponse::Ok().json(json!({ "experiment": experiment, "runs": runs })))
}

/// Everything in one transaction: nothing is ever half-created.
pub async fn submit(
    state: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let key = idempotency_key(&request)?;
    let body = body::read(&request, payload, MAX_JSON_BYTES).await?;
    let body_sha256 = hex::encode(Sha256::digest(&body));
    let experiment = submission::read(&request, body).await?;
    let plan = recipe::plan(&experiment, "");
    let (id, created) = entering::enter(&state, experiment, key, body_sha256).await?;
    let mut response = if created {
        HttpResponse::Created()
    } else {
        HttpResponse::Ok()
    };
    Ok(response
        .insert_header((header::LOCATION, format!("/api/v1/experiments/{id}")))
        .json(json!({
            "id": id,
            "url": page_url(&request, id),
            "runs": plan.runs.len(),
            "stages": plan.stages.len(),
        })))
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_string())),
        Ok(_) | Err(_) => Err(Problem::bad_request(
            "an Idempotency-Key has 1 to 255 visible ASCII characters",
        )),
    }
}

/// As the client reaches us.
pub fn page_url(request: &HttpRequest, id: ExperimentId) -> String {
    let info = request.connection_info();
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|h| h.to_str().ok());
    let scheme = if info.scheme() == "https" {
        "https"
    } else {
        "http"
    };
    format!(
        "{scheme}://{}/experiments/{id}",
        host.unwrap_or("localhost")
    )
}

/// The comparison on one split of the final evaluation, every metric.
#[derive(Debug, Serialize, Deserialize)]
pub struct SplitComparison {
    pub split: Split,
    /// At equal compute; empty of an experiment of decoders alone.
    pub comparisons: Vec<Comparison>,
    /// At equal cost of inference, by the policy that they decode.
    #[serde(default)]
    pub decoders: Vec<DecoderGroup>,
    /// The unbiased pass@k of every run that was not left out.
    #[serde(default)]
    pub pass_at_k: Vec<store::PassAtK>,
    /// How far pass@1 would move with other seeds, other questions, and both.
    #[serde(default)]
    pub beyond: Option<Beyond>,
    /// What the best of the arms would lose on fresh seeds, by metric in which more is better.
    #[serde(default)]
    pub selection: Vec<Selection>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct ComparisonAnswer {
    pub experiment: ExperimentId,
    pub name: String,
    pub question: String,
    /// The registered primary metric.
    pub metric: String,
    pub baseline: String,
    pub margin: f64,
    pub splits: Vec<SplitComparison>,
    /// What the registered rule says, on the test split, without the runs that were left out.
    pub outcome: Outcome,
    /// The same with every run that has finished; where none was left out, absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome_with_all_runs: Option<Outcome>,
    #[serde(default)]
    pub denominator: Denominator,
    /// Every decision to leave a run out, or to take that back.
    #[serde(default)]
    pub exclusions: Vec<store::ExclusionEvent>,
    #[serde(default)]
    pub supervision: Vec<ArmSupervision>,
}

pub async fn comparison(
    state: Data<AppState>,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let view = store::get_experiment(&mut conn, *id).await?;
    let spec = &view.spec;
    let mut splits = vec![];
    let test = store::run_figures(&mut conn, *id).await?;
    let test_decoders = store::decoder_figures(&mut conn, *id).await?;
    let exclusions = store::list_exclusions(&mut conn, *id).await?;
    let runs = store::list_runs(&mut conn, *id).await?;
    let rule =
        outcome(spec, &test, &test_decoders).with_open_runs(store::fates(&runs, &exclusions));
    let all_runs = || {
        let rule = outcome_with_all_runs(spec, &test, &test_decoders);
        rule.with_open_runs(store::fates(&runs, &[]))
    };
    for split in [Split::Test, Split::Ood] {
        let arms = store::figures_for_split(&mut conn, *id, split).await?;
        let decoders = store::decoder_figures_for_split(&mut conn, *id, split).await?;
        let comparisons: Vec<Comparison> = metric::FINAL
            .iter()
            .filter(|_| !arms.is_empty())
            .map(|metric| compare(&spec.budget, &spec.baseline, metric, &arms))
            .collect();
        let shares = store::arm_shares(&mut conn, &runs, &exclusions, split).await?;
        let mut pass_at_k = store::pass_at_k(&mut conn, *id, split).await?;
        pass_at_k.retain(|p| !exclusions.iter().any(|e| e.leaves_out(&p.arm_key, p.seed)));
        splits.push(SplitComparison {
            split,
            selection: comparisons.iter().filter_map(selection).collect(),
            comparisons,
            beyond: beyond(&spec.budget, &spec.baseline, &shares),
            decoders: by_policy(spec, &decoders),
            pass_at_k,
        });
    }
    Ok(HttpResponse::Ok().json(ComparisonAnswer {
        experiment: view.id,
        name: view.name.clone(),
        question: view.question.clone(),
        outcome_with_all_runs: exclusions
            .iter()
            .any(ExclusionEvent::is_in_force)
            .then(all_runs),
        denominator: denominator(store::fates(&runs, &exclusions), &rule, 0),
        exclusions,
        outcome: rule,
        supervision: store::list_supervision(&mut conn, *id).await?,
        metric: spec.metric.clone(),
        baseline: spec.baseline.clone(),
        margin: spec.margin,
        splits,
    }))
}

/// Of the runs that were not left out, as on the pages; the comparison names the others.
pub async fn milestones(
    state: Data<AppState>,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let milestones = store::counted_milestones(&mut conn, *id).await?;
    Ok(HttpResponse::Ok().json(json!({ "milestones": milestones })))
}

pub async fn cancel(
    state: Data<AppState>,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let state = state.into_inner();
    let inner = state.clone();
    let cancelled = state
        .detached(async move {
            let mut tx = inner.begin().await?;
            let cancelled = store::cancel_experiment(&mut tx, *id).await?;
            tx.commit().await?;
            Ok(cancelled)
        })
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "cancelled_stages": cancelled })))
}
