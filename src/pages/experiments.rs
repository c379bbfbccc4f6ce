//! `/`: every experiment.

use super::query::Asked;
use super::{Shell, html};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::ids::ExperimentId;
use assay_store::{self as store, ExperimentSummary};
use time::OffsetDateTime;

#[derive(Template)]
#[template(path = "experiments.html")]
struct ExperimentsPage {
    shell: Shell,
    rows: Vec<ExperimentRow>,
    /// Where the next page begins.
    more: Option<String>,
    /// Not the first page.
    later: bool,
}

struct ExperimentRow {
    id: String,
    name: String,
    question: String,
    arms: String,
    done: i64,
    running: i64,
    failed: i64,
    runs: i64,
    last: String,
}

const PAGE: i64 = 50;

impl ExperimentsPage {
    fn new(
        shell: Shell,
        mut list: Vec<ExperimentSummary>,
        later: bool,
        now: OffsetDateTime,
    ) -> Self {
        let full = list.len() as i64 > PAGE;
        list.truncate(PAGE as usize);
        let more = list.last().filter(|_| full).map(|e| e.id.to_string());
        let rows = list
            .into_iter()
            .map(|e| ExperimentRow {
                id: e.id.to_string(),
                name: e.name,
                question: e.question,
                arms: number::counted(e.arms, "arm"),
                done: e.runs_done,
                running: e.runs_running,
                failed: e.runs_failed,
                runs: e.runs,
                last: number::age(e.last_event_at.unwrap_or(e.created_at), now),
            })
            .collect();
        Self {
            shell,
            rows,
            more,
            later,
        }
    }
}

pub async fn page(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let before = asked.text("before").and_then(|text| {
        let id = text.parse::<ExperimentId>();
        if id.is_err() {
            asked.refuse("before", &text);
        }
        id.ok()
    });
    let list = store::list_experiments(&mut *state.conn().await?, PAGE + 1, before).await?;
    let mut shell = Shell::new(&state, &request, "Experiments");
    shell.ignored = asked.ignored();
    html(&ExperimentsPage::new(
        shell,
        list,
        before.is_some(),
        OffsetDateTime::now_utc(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_says_what_to_run() {
        let page = ExperimentsPage::new(
            Shell::plain("Experiments"),
            vec![],
            false,
            OffsetDateTime::UNIX_EPOCH,
        );
        let text = page.render().unwrap();
        assert!(text.contains("assay submit preset:quick"));
        assert_eq!(text.matches("<h1>").count(), 1);
    }

    #[test]
    fn counts_and_hostile_names_stand_in_the_list() {
        let list = vec![ExperimentSummary {
            id: ExperimentId(uuid::Uuid::nil()),
            name: "<img src=x onerror=alert(1)>".into(),
            question: "Is \"it\" so?".into(),
            created_at: OffsetDateTime::UNIX_EPOCH,
            arms: 3,
            runs: 9,
            runs_done: 4,
            runs_failed: 1,
            runs_running: 2,
            last_event_at: None,
        }];
        let now = OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(7);
        let page = ExperimentsPage::new(Shell::plain("Experiments"), list, false, now);
        let text = page.render().unwrap();
        assert!(!text.contains("<img") && text.contains("3 arms") && text.contains("7 min ago"));
        crate::pages::tests::assert_is_clean(&text);
    }
}
