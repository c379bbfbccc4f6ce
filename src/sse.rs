//! Live updates for pages (server-sent events). Each reader has a task with a
//! short queue; whoever does not read is dropped and comes back by itself.

use crate::live::{Change, Subscription};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpResponse, http::StatusCode};
use assay_core::ids::{ExperimentId, RunId, StageId};
use assay_store as store;
use futures_util::StreamExt;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const PACE: Duration = Duration::from_secs(1);
/// Pages about everything have news all the time, and cost more.
const SLOW: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Stages change when failed ones are retried; looked up again at most so often.
const RELOAD: Duration = Duration::from_secs(5);
const QUEUE: usize = 8;

#[derive(Debug, Clone, Copy)]
enum Topic {
    Experiment(ExperimentId),
    Run(RunId),
    /// Every stage and the queue.
    Everything,
}

impl Topic {
    fn is_everything(self) -> bool {
        matches!(self, Self::Everything)
    }

    async fn stages(self, state: &AppState) -> Result<BTreeSet<StageId>, Problem> {
        let mut conn = state.conn().await?;
        let stages = match self {
            Self::Experiment(id) => store::stages_of_experiment(&mut conn, id).await?,
            Self::Run(id) => store::stages_of_run(&mut conn, id).await?,
            Self::Everything => vec![],
        };
        Ok(stages.into_iter().collect())
    }
}

pub async fn experiment(
    state: Data<AppState>,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let id = id.into_inner();
    store::get_experiment(&mut *state.conn().await?, id).await?;
    open(state, Topic::Experiment(id)).await
}

pub async fn run(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let id = id.into_inner();
    store::get_run(&mut *state.conn().await?, id).await?;
    open(state, Topic::Run(id)).await
}

pub async fn everything(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    open(state, Topic::Everything).await
}

async fn open(state: Data<AppState>, topic: Topic) -> Result<HttpResponse, Problem> {
    let state = state.into_inner();
    let (send, receive) = mpsc::channel(QUEUE);
    if state.live.is_closing() || state.live.subscribe().is_none() {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many live readers",
        ));
    }
    let stages = topic.stages(&state).await?;
    state.runtime.clone().spawn(async move {
        let Some(subscription) = state.live.subscribe() else {
            return;
        };
        feed(&state, subscription, topic, stages, &send).await;
    });
    let body = ReceiverStream::new(receive).map(Ok::<Bytes, std::convert::Infallible>);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Compression would hold events back.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(body))
}

/// Ends when the reader is gone or too slow, or when the server stops.
async fn feed(
    state: &Arc<AppState>,
    mut subscription: Subscription<'_>,
    topic: Topic,
    mut stages: BTreeSet<StageId>,
    send: &mpsc::Sender<Bytes>,
) {
    if send
        .try_send(Bytes::from_static(b"retry: 2000\n\n"))
        .is_err()
    {
        return;
    }
    // At first everything is news: the reader's page was drawn a moment ago.
    let mut dirty = stages.clone();
    let mut news = topic.is_everything();
    let mut loaded = Instant::now();
    let mut said = Instant::now();
    let mut pace = tokio::time::interval(if topic.is_everything() { SLOW } else { PACE });
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            change = subscription.changes.recv() => match change {
                Ok(Change::Stage(_) | Change::Queue | Change::Anything)
                | Err(RecvError::Lagged(_)) if topic.is_everything() => news = true,
                Ok(Change::Stage(stage)) if stages.contains(&stage) => { dirty.insert(stage); }
                Ok(Change::Stage(stage)) if loaded.elapsed() > RELOAD => {
                    loaded = Instant::now();
                    if let Ok(now) = topic.stages(state).await {
                        stages = now;
                    }
                    if stages.contains(&stage) { dirty.insert(stage); }
                }
                Ok(Change::Stage(_) | Change::Queue) => {}
                Ok(Change::Anything) | Err(RecvError::Lagged(_)) => dirty.clone_from(&stages),
                Err(RecvError::Closed) => return,
            },
            _ = pace.tick() => {
                let text = if news {
                    news = false;
                    "event: changed\ndata: {}\n\n".into()
                } else if !dirty.is_empty() {
                    let Some(text) = events(state, topic, &dirty).await else { continue };
                    dirty.clear();
                    text
                } else if said.elapsed() >= KEEP_ALIVE {
                    ": keep-alive\n\n".into()
                } else if send.is_closed() {
                    return;
                } else {
                    continue;
                };
                said = Instant::now();
                if send.try_send(Bytes::from(text)).is_err() {
                    return;
                }
            }
            _ = subscription.closing.changed() => return,
        }
    }
}

/// `None` while the database is away: the changes stay noted.
async fn events(state: &AppState, topic: Topic, dirty: &BTreeSet<StageId>) -> Option<String> {
    let dirty: Vec<StageId> = dirty.iter().copied().collect();
    let mut conn = state.conn().await.ok()?;
    let steps = store::steps(&mut conn, &dirty).await.ok()?;
    let text = steps.into_iter().map(|(stage, step)| {
        let data = match topic {
            Topic::Experiment(_) => json!({ "stage": stage, "step": step }),
            Topic::Run(run) => json!({ "run": run, "stage": stage, "step": step }),
            Topic::Everything => json!({ "stage": stage, "step": step }),
        };
        format!("event: changed\ndata: {data}\n\n")
    });
    Some(text.collect())
}
