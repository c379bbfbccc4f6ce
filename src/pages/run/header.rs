//! Where the run stands now: how far it is, when it was last heard of, what it waits for, what
//! it has cost, and what looks wrong.

use super::material::Material;
use super::{current, links};
use crate::number;
use crate::pages::{freshness, text, words};
use crate::problem::Problem;
use crate::rules;
use assay_core::estimate::{Underway, whole_ms};
use assay_core::ids::StageId;
use assay_core::metric;
use assay_core::progress::fraction;
use assay_core::spending::{StageSpend, on_device};
use assay_store::{
    self as store, EventView, JobState, RequeueView, RunStageView, RunView, Sign, Waiting,
};
use sqlx::PgConnection;
use std::cmp::Reverse;

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
    /// What they would be in the end.
    pub whole: Option<f64>,
    /// Device time of the run's own stages, lost attempts among it.
    pub device_ms: f64,
    /// Of that, what no price is known of.
    pub unpriced_ms: f64,
    /// The device that all that was spent so far was spent on.
    pub device: Option<String>,
}

impl Standing {
    /// In words: `1 h 12 min of device time so far, $2.40 at $2.00 an hour`. Nothing of a run
    /// that has not worked.
    pub fn device_time(&self) -> Option<String> {
        if self.device_ms <= 0.0 {
            return None;
        }
        let mut said = format!(
            "{} of device time so far, stages of earlier experiments apart",
            number::duration(self.device_ms)
        );
        let priced_ms = self.device_ms - self.unpriced_ms;
        if let Some(dollars) = self.dollars.filter(|_| priced_ms > 0.0) {
            let an_hour = dollars / (priced_ms / 3.6e6);
            said += &format!(
                ", {} at {} an hour",
                number::dollars(dollars),
                number::dollars(an_hour)
            );
        }
        if self.unpriced_ms > 0.0 {
            let without = number::duration(self.unpriced_ms);
            said += &format!("; of {without} no price is known");
        }
        Some(said)
    }
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
    let spent = store::list_spending(&mut *conn, &[run.experiment]).await?;
    let own = spent.into_values().flatten();
    let own = own.filter(|s| run.stages.iter().any(|stage| stage.stage == s.stage));
    let own: Vec<StageSpend> = own.collect();
    for spend in &own {
        of.device_ms += spend.all.device_ms;
        of.unpriced_ms += spend.unpriced_ms;
    }
    for dollars in own.iter().filter_map(|s| s.dollars) {
        *of.dollars.get_or_insert(0.0) += dollars;
    }
    if of.dollars.is_some() {
        let paid: Vec<StageId> = own.iter().map(|s| s.stage).collect();
        of.device = store::find_device(&mut *conn, &paid).await?;
        of.whole = whole(conn, run, &own, &of).await?;
    }
    Ok(of)
}

/// In dollars, at what the device time so far has cost; `None` of a run that has ended or has
/// moved between devices, and where a price or the past of a kind on its device is missing.
async fn whole(
    conn: &mut PgConnection,
    run: &RunView,
    own: &[StageSpend],
    so_far: &Standing,
) -> Result<Option<f64>, Problem> {
    let spent_ms: f64 = own.iter().map(|s| s.all.device_ms).sum();
    let priced = own.iter().all(|s| s.unpriced_ms == 0.0);
    let known = words::is_open(run.state) && priced && spent_ms > 0.0;
    let (Some(dollars), Some(device)) = (so_far.dollars.filter(|_| known), &so_far.device) else {
        return Ok(None);
    };
    let speeds = on_device(&store::list_speeds(&mut *conn).await?, device);
    let mut all_ms = 0.0;
    for stage in &run.stages {
        let spend = own.iter().find(|s| s.stage == stage.stage);
        let (all, lost) = spend.map_or((0.0, 0.0), |s| (s.all.device_ms, s.lost.device_ms));
        if stage.state == JobState::Succeeded {
            // Of one that an earlier experiment has planned, nothing was spent here.
            all_ms += all;
            continue;
        }
        let spec = store::get_stage_spec(&mut *conn, stage.stage).await?;
        let at = Underway {
            kind: &stage.kind,
            budget: spec.budget.as_ref().map(|b| (b.unit, b.amount)),
            share: match stage.state {
                JobState::Running => so_far.part,
                JobState::Blocked
                | JobState::Queued
                | JobState::Succeeded
                | JobState::Failed
                | JobState::Cancelled => 0.0,
            },
            spent_ms: all - lost,
        };
        let Some(ms) = whole_ms(&at, &speeds) else {
            return Ok(None);
        };
        all_ms += lost + ms;
    }
    Ok(Some(dollars * all_ms / spent_ms))
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
    /// What it would be in the end, and by what.
    pub whole: Option<String>,
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
            dollars: of.standing.dollars.map(|spent| {
                let whole = of.standing.whole.map(number::dollars);
                let whole = whole.map_or(String::new(), |whole| format!(" of ~{whole}"));
                number::dollars(spent) + &whole
            }),
            whole: of.standing.whole.map(|whole| {
                let device = of.standing.device.as_deref().unwrap_or("the same device");
                format!(
                    "In the end about {}: a stage at work by what its share so far has taken, one to come by past stages of its kind on {}, at what the device time so far has cost.",
                    number::dollars(whole),
                    text::start(device, 60)
                )
            }),
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
    let mut raised: Vec<(&str, &EventView)> = of.alarms().collect();
    raised.sort_by_key(|(_, e)| Reverse(e.at));
    let raised = raised.into_iter().map(|(stage, e)| {
        let own = of.stage.as_deref() == Some(stage);
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
