//! `/runs/{id}/log.txt`: everything that is stored of a run's story, as text.

use super::history::{self, Moment};
use crate::number;
use crate::pages::text;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use assay_core::ids::RunId;
use assay_store::{self as store, AttemptView, RunView};

/// Events of one stage.
const EVENTS: i64 = 10_000;

/// The last lines of each attempt that left any.
pub(super) fn logs(of: &[(String, AttemptView)]) -> Vec<(String, String)> {
    of.iter()
        .filter_map(|(stage, a)| {
            let log = &a.failure.as_ref()?.log;
            let from = log.len().saturating_sub(super::LOG_LINES);
            let lines = log[from..].join("\n");
            (!log.is_empty()).then(|| (format!("{stage}, attempt {}", a.number), lines))
        })
        .collect()
}

fn write(run: &RunView, moments: &[Moment], attempts: &[(String, AttemptView)]) -> String {
    let mut out = format!(
        "{}, seed {}, run {}\n",
        text::line(&run.arm.label, 200),
        run.seed,
        run.id
    );
    for m in moments.iter().rev() {
        let alarm = if m.alarm { "ALARM " } else { "" };
        out.push_str(&format!(
            "{}  {alarm}{}\n",
            m.at,
            text::line(&m.text, 4_000)
        ));
    }
    for (stage, a) in attempts {
        let Some(f) = a.failure.as_ref().filter(|f| !f.log.is_empty()) else {
            continue;
        };
        let step = number::integer(a.step);
        out.push_str(&format!(
            "\n{stage}, attempt {}, step {step}: the last that it printed\n",
            a.number
        ));
        for line in &f.log {
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
    for stage in &run.stages {
        let named = || stage.name.clone();
        for a in store::list_attempts(&mut conn, stage.stage).await? {
            attempts.push((named(), a));
        }
        for e in store::events(&mut conn, stage.stage, EVENTS).await? {
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
        .body(write(&run, &moments, &attempts)))
}
