//! What the scores of a judge were worth, as files.

use super::{Read, numbers, read};
use crate::pages::calibrated::{CALIBRATION, Calibrated};
use crate::pages::filed::{self, About};
use crate::pages::query::{Asked, link};
use crate::pages::stages;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_core::judged::MOST_JUDGED;
use assay_core::wire::role;
use assay_store as store;

/// With links to its files.
pub(super) fn linked(of: Calibrated, run: RunId, stage: &str, step: i64) -> Calibrated {
    let step = step.to_string();
    let query = link([("stage", stage), ("step", step.as_str())]);
    of.filed(&format!("/runs/{run}/prm/{CALIBRATION}"), &query)
}

/// `/runs/{id}/prm/calibration.svg`: of the steps of all texts of a file.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let missing = || Problem::not_found("figure");
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let filed_texts = stages::filed(&mut conn, &run, role::JUDGED).await?;
    drop(conn);
    let (stage, file) = stages::exactly(&filed_texts, &mut asked).ok_or_else(missing)?;
    let (lines, _) = stages::lines(&state, file, MOST_JUDGED).await?;
    let all: Vec<Read> = lines.iter().map(|line| read(line)).collect();
    let shown = numbers::scores(&all).ok_or_else(missing)?;
    let sheet = shown.sheet();
    let more = [format!("Judged texts of step {}", file.step)];
    let about = About::of_run(&run, &question, &stage.stage.name, &more, &sheet);
    let name = format!("{id}-prm-{}-calibration", file.step);
    filed::answer(&sheet, Some(&shown.svg), &about, &name, &ending).await
}
