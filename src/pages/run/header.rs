//! Where the run stands now: how far it is, when it was last heard of, what it waits for, what
//! it has cost, and what looks wrong.

use super::material::Material;
use super::{current, links};
use crate::number;
use crate::pages::{freshness, words};
use crate::problem::Problem;
use crate::rules;
use assay_core::metric;
use assay_core::progress::fraction;
use assay_core::wire::Level;
use assay_store::{self as store, JobState, RequeueView, RunStageView, RunView, Sign, Waiting};
use sqlx::PgConnection;

/// What the page knows of it beside the run itself.
#[derive(Debug, Default)]
pub(super) struct Standing {
    pub sign: Sign,
    /// Share of the work of the stage that runs.
    pub part: f64,
    /// Why the stage that is next does not run yet.
    pub waiting: Option<Waiting>,
    /// Spent on the run's stages; nothing where no work of theirs has a price.
    pub dollars: Option<f64>,
    /// What queueing it again would concern, by force if need be.
    pub requeue: Vec<RequeueView>,
}

/// Whatever a stage trains, it reports one of these at every step.
const MEASURED: [&str; 3] = [
    metric::LOSS,
    metric::REWARD_MEAN,
    metric::VALIDATION_PASS_AT_1,
];

pub(super) async fn standing(conn: &mut PgConnection, run: &RunView) -> Result<Standing, Problem> {
    let mut of = Standing {
        sign: freshness::of_runs(&mut *conn, std::slice::from_ref(run)).await?,
        requeue: store::find_requeuable(&mut *conn, run.id).await?,
        ..Standing::default()
    };
    match current(run) {
        Some(stage) if stage.state == JobState::Running => {
            of.part = part(&mut *conn, stage).await?;
        }
        Some(stage) if stage.state == JobState::Queued => {
            of.waiting = store::find_waiting(&mut *conn, stage.stage).await?;
        }
        Some(_) | None => {}
    }
    if !store::list_prices(&mut *conn).await?.is_empty() {
        let spent = store::list_spending(conn, &[run.experiment]).await?;
        let own = spent.into_values().flatten();
        let own = own.filter(|s| run.stages.iter().any(|stage| stage.stage == s.stage));
        for dollars in own.filter_map(|s| s.dollars) {
            *of.dollars.get_or_insert(0.0) += dollars;
        }
    }
    Ok(of)
}

async fn part(conn: &mut PgConnection, stage: &RunStageView) -> Result<f64, Problem> {
    let mut latest = None;
    for name in MEASURED {
        let series = store::series(&mut *conn, stage.stage, name, 2).await?;
        latest = latest.or(series.points.last().map(|p| p.cum));
    }
    let spec = store::get_stage_spec(conn, stage.stage).await?;
    Ok(fraction(&spec, stage.step, latest))
}

/// One thing that looks wrong, with the samples of that step.
#[derive(Debug)]
pub(super) struct Alarm {
    pub text: String,
    pub samples: Option<(String, String)>,
}

/// Alarms that stand at the top; the others are below.
const ALARMS: usize = 4;

#[derive(Debug)]
pub(super) struct Header {
    pub percent: Option<String>,
    pub heartbeat: Option<String>,
    pub dollars: Option<String>,
    pub can_stop: bool,
    pub alarms: Vec<Alarm>,
    /// Further ones.
    pub more: usize,
}

impl Header {
    pub fn new(of: &Material) -> Self {
        let run = &of.run;
        let done = run.stages.iter().filter(|s| s.state == JobState::Succeeded);
        let share = (done.count() as f64 + of.standing.part) / run.stages.len().max(1) as f64;
        let open = words::is_open(run.state);
        let heard = of.standing.sign.silent_seconds.filter(|_| open);
        let mut alarms = alarms(of);
        let more = alarms.len().saturating_sub(ALARMS);
        alarms.truncate(ALARMS);
        Self {
            percent: (open && share > 0.0).then(|| number::percent(share)),
            heartbeat: heard.map(|s| format!("heartbeat {} ago", number::lasting(s as i64))),
            dollars: of.standing.dollars.map(number::dollars),
            can_stop: open,
            alarms,
            more,
        }
    }
}

/// The page's rules over the chosen stage, then what the workers have raised, newest first.
fn alarms(of: &Material) -> Vec<Alarm> {
    let broken = rules::broken(&rules::curves(&of.series), &of.limits);
    let by_rule = broken.into_iter().map(|found| Alarm {
        text: format!(
            "{} at step {}",
            found.rule.words(&of.limits),
            number::integer(found.step)
        ),
        samples: samples(of, found.step),
    });
    let raised = of.events.iter().filter(|(_, e)| e.level == Level::Alarm);
    let raised = raised.map(|(stage, e)| {
        let own = of.stage.as_ref() == Some(stage);
        let at = e.step.map_or(String::new(), |s| {
            format!(" at step {}", number::integer(s))
        });
        Alarm {
            text: format!("{stage}: {}{at}", e.text),
            samples: e.step.filter(|_| own).and_then(|step| samples(of, step)),
        }
    });
    by_rule.chain(raised).collect()
}

/// Of the stored step that is nearest: its address, and what to call it.
fn samples(of: &Material, step: i64) -> Option<(String, String)> {
    let near = of.steps.iter().min_by_key(|s| (**s - step).abs())?;
    Some((
        format!("{}{near}", links::samples(of)),
        format!("samples at step {}", number::integer(*near)),
    ))
}
