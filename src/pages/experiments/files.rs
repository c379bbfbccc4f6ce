//! The list of experiments as files.

use super::{Listed, Material, STANDINGS, material, verdicts, wanted};
use crate::pages::filed::{self, About};
use crate::pages::query::Asked;
use crate::pages::sheet::{Cell, Sheet};
use crate::pages::words;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

/// A row an experiment of the page that is asked for.
pub(super) fn sheet(of: &Material) -> Sheet {
    let names = [
        "experiment",
        "question",
        "name",
        "arms",
        "budget",
        "unit",
        "contrasts",
        "flops",
        "device_s",
        "dollars",
        "share_on_unsuccessful",
        "runs",
        "done",
        "running",
        "failed",
        "last_event",
    ];
    let title = match of.more {
        Some(_) => "Experiments, the newest of them",
        None => "Experiments",
    };
    let mut sheet = Sheet::plain("experiments", title, &names);
    sheet.said = "Newest first. Budget: of a run, in its unit. Contrasts: what the registered rule says of them, so far where runs are open. Spent: each stage once, under the experiment that computed it.".into();
    for listed in &of.listed {
        sheet.push(row(listed));
    }
    sheet
}

fn row(of: &Listed) -> Vec<Cell> {
    let e = &of.summary;
    let budget = &of.judged.view.spec.budget;
    let sum = of.spending();
    let failed = sum.unsuccessful.share_of(&sum.total);
    let failed = failed.filter(|_| of.judged.outcome.has_spoken());
    vec![
        Cell::Word(e.id.to_string()),
        Cell::said(&e.question),
        Cell::said(&e.name),
        Cell::count(e.arms),
        Cell::Cost(Some(budget.amount)),
        Cell::Word(words::unit(budget.unit).into()),
        Cell::said(&verdicts(&of.judged).join("; ")),
        Cell::Cost(Some(sum.total.cost.flops)),
        Cell::Cost(Some(sum.total.cost.device_ms / 1e3)),
        Cell::Dollars(sum.total.dollars),
        Cell::Value(failed),
        Cell::count(e.runs),
        Cell::count(e.runs_done),
        Cell::count(e.runs_running),
        Cell::count(e.runs_failed),
        Cell::moment(e.last_event_at.unwrap_or(e.created_at)),
    ]
}

/// What the page was narrowed to, and where the next one begins.
fn narrowed(of: &Material) -> Vec<String> {
    let mut lines = vec![];
    if let Some(text) = &of.search.text {
        lines.push(format!("Name or question contains: {text}"));
    }
    let standing = STANDINGS.iter().find(|s| Some(s.2) == of.search.standing);
    lines.extend(standing.map(|(_, label, _)| format!("Status: {label}")));
    let more = of.more.as_ref();
    lines.extend(more.map(|id| format!("Older ones follow with before={id}")));
    lines
}

/// `/experiments.csv` and its kind, with the words of the page's address.
pub async fn get(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let (search, before) = wanted(&mut asked);
    // A file is of no other search than the one in its address.
    if asked.has_refused(&["status", "before"]) {
        return Err(Problem::not_found("list of experiments"));
    }
    let of = material(&state, search, before).await?;
    let sheet = sheet(&of);
    let about = About::new("Assay", &narrowed(&of), &sheet).ignoring(asked.ignored());
    filed::answer(&sheet, None, &about, "experiments", &path).await
}
