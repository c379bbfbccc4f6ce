//! `/runs/{id}/log.txt`: everything that is stored of a run's story, as text.

use super::history::{self, Moment};
use crate::number;
use crate::pages::text;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use assay_core::ids::RunId;
use assay_store::{self as store, AttemptState, AttemptView, RunView};

/// Events of one stage.
const EVENTS: i64 = 10_000;

#[derive(Debug)]
pub(super) struct LogView {
    pub id: String,
    pub name: String,
    /// When its last lines came with a heartbeat.
    pub at: Option<String>,
    pub lines: String,
    /// It is at work: there is more to come.
    pub is_running: bool,
}

/// What an attempt said last: when it ended in failure, else with its heartbeats.
fn lines_of(of: &AttemptView) -> &[String] {
    of.failure.as_ref().map_or(&of.log, |f| &f.log)
}

/// The last lines of each attempt that left any, those at work first.
pub(super) fn logs(of: &[(String, AttemptView)]) -> Vec<LogView> {
    let mut all: Vec<LogView> = of
        .iter()
        .filter(|(_, a)| !lines_of(a).is_empty())
        .map(|(stage, a)| {
            let is_running = a.state == AttemptState::Running;
            let log = lines_of(a);
            let shown = if is_running {
                log.len()
            } else {
                super::LOG_LINES
            };
            LogView {
                id: format!("log-{stage}-{}", a.number),
                name: format!("{stage}, attempt {}", a.number),
                at: a.log_at.filter(|_| a.failure.is_none()).map(number::moment),
                lines: log[log.len().saturating_sub(shown)..].join("\n"),
                is_running,
            }
        })
        .collect();
    all.sort_by_key(|log| !log.is_running);
    all
}

/// `cut`: stages of which only the newest events were read.
fn write(
    run: &RunView,
    cut: &[String],
    moments: &[Moment],
    attempts: &[(String, AttemptView)],
) -> String {
    let mut out = format!(
        "{}, seed {}, run {}\n",
        text::line(&run.arm.label, 200),
        run.seed,
        run.id
    );
    for stage in cut {
        let newest = number::integer(EVENTS);
        out.push_str(&format!("of {stage}, the newest {newest} events alone\n"));
    }
    for m in moments.iter().rev() {
        let alarm = if m.alarm { "ALARM " } else { "" };
        out.push_str(&format!(
            "{}  {alarm}{}\n",
            m.at,
            text::line(&m.text, 4_000)
        ));
    }
    for (stage, a) in attempts {
        if lines_of(a).is_empty() {
            continue;
        }
        let step = number::integer(a.step);
        out.push_str(&format!(
            "\n{stage}, attempt {}, step {step}: the last that it printed\n",
            a.number
        ));
        for line in lines_of(a) {
            out.push_str(&text::visible(line));
            out.push('\n');
        }
    }
    out
}

pub async fn log(state: Data<AppState>, id: Path<RunId>) -> Result<HttpResponse, Problem> {
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let (mut attempts, mut events, mut files) = (vec![], vec![], vec![]);
    let mut cut = vec![];
    for stage in &run.stages {
        let named = || stage.name.clone();
        for a in store::list_attempts(&mut conn, stage.stage).await? {
            attempts.push((named(), a));
        }
        let mut own = store::events(&mut conn, stage.stage, EVENTS + 1).await?;
        if own.len() as i64 > EVENTS {
            own.truncate(EVENTS as usize);
            cut.push(named());
        }
        for e in own {
            events.push((named(), e));
        }
        for f in store::list_artifacts(&mut conn, stage.stage).await? {
            files.push((named(), f));
        }
    }
    let moments = history::timeline(&attempts, &events, &files, &[]);
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((
            "content-disposition",
            format!("attachment; filename=\"run-{}.log.txt\"", run.id),
        ))
        .body(write(&run, &cut, &moments, &attempts)))
}
