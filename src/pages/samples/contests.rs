//! What people have said of the grader on a run, as files.

use crate::pages::filed::{self, About};
use crate::pages::query::Asked;
use crate::pages::sheet::{Cell, Sheet};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_store::{self as store, Contest, RunView};

/// Every word, newest first, those that a later one has replaced among them.
fn sheet(of: &[Contest], run: &RunView) -> Sheet {
    let names = [
        "at",
        "stage",
        "step",
        "group",
        "completion",
        "grader_said",
        "grader_is",
        "counts",
        "reason",
    ];
    let title = "What people have said of the grader, newest first";
    let mut sheet = Sheet::plain("contests", title, &names);
    sheet.said = "Groups and completions are numbered from 1. The last word on a completion counts; people chose what to look at.".into();
    for c in of.iter().rev() {
        let stage = run.stages.iter().find(|s| s.stage == c.stage);
        sheet.push(vec![
            Cell::moment(c.at),
            Cell::said(stage.map_or("", |s| &s.name)),
            Cell::count(c.place.step),
            Cell::Count(c.place.group.unsigned_abs() as usize + 1),
            Cell::Count(c.place.index.unsigned_abs() as usize + 1),
            Cell::right(c.graded_correct),
            Cell::Word(c.verdict.word().into()),
            Cell::yes_no(c.counts),
            Cell::said(&c.reason),
        ]);
    }
    sheet
}

/// `/runs/{id}/contests.csv`: on the completions of all stages.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, ending) = path.into_inner();
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let behind = filed::behind(&mut conn, run.experiment).await?;
    let contests = store::list_contests(&mut conn, id).await?;
    drop(conn);
    let sheet = sheet(&contests, &run);
    let about = About::of_run(&run, &question, None, behind, &[], &sheet);
    let about = about.ignoring(Asked::read(request.query_string()).ignored());
    filed::answer(&sheet, None, &about, &format!("{id}-contests"), &ending).await
}
