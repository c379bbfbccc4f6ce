//! `/experiments/{id}/curves`: every metric of training that can be drawn over the arms.

use super::view::{self, Wanted};
use crate::pages::filed::OF_FIGURE;
use crate::pages::query::Asked;
use crate::pages::{Shell, filters, freshness, html, words};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::ids::ExperimentId;
use assay_store::{self as store, ExperimentView, Sign};

#[derive(Debug)]
struct Row {
    title: String,
    metric: String,
    /// What asks for it, after the address.
    query: String,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "experiment/curves.html")]
struct CurvesPage {
    shell: Shell,
    id: String,
    name: String,
    rows: Vec<Row>,
    /// Those that were reported and are not listed.
    further: usize,
    /// Of a figure's files.
    endings: [&'static str; 5],
    /// The view that the links keep.
    back: String,
}

/// Metrics of the list.
const MOST: usize = 40;

/// Of a kept state: other metrics were not kept with it.
fn kept_of(mut reported: Vec<String>) -> Vec<String> {
    reported.retain(|name| words::is_well_known(name));
    reported
}

/// Those with a word of their own first, in their order; then the others, sorted.
fn rows(wanted: &Wanted, view: &ExperimentView, reported: &[String]) -> Vec<Row> {
    let known = words::TRAINING.iter().map(|f| f.1);
    let known = known.filter(|name| reported.iter().any(|own| own == name));
    let others = reported.iter().map(String::as_str);
    let others = others.filter(|name| !words::is_well_known(name) && words::is_metric(name));
    known
        .chain(others)
        .map(|name| Row {
            title: words::panel_title(name).into(),
            metric: name.into(),
            query: wanted.drawing(name).query(view),
            chosen: name == wanted.curve_metric(),
        })
        .collect()
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<ExperimentId>,
) -> Result<HttpResponse, Problem> {
    let snap = view::cited(request.query_string());
    let mut conn = state.conn().await?;
    let kept = match snap {
        Some(snap) => store::find_snapshot(&mut conn, *id, &snap).await?,
        None => None,
    };
    let view = store::get_experiment(&mut conn, *id).await?;
    let mut reported = store::list_experiment_metrics(&mut conn, *id).await?;
    let runs = store::list_runs(&mut conn, *id).await?;
    // A kept state is as old as it was kept, whatever has been recorded since.
    let sign = match &kept {
        Some(_) => Sign::default(),
        None => freshness::of_runs(&mut conn, &runs).await?,
    };
    drop(conn);
    let mut asked = Asked::read(request.query_string());
    let mut wanted = Wanted::read(&mut asked, &view);
    if let Some(kept) = &kept {
        wanted.stay(&kept.id);
        reported = kept_of(reported);
    }
    let mut rows = rows(&wanted, &view, &reported);
    rows.truncate(MOST);
    let mut shell = Shell::new(&state, &request, "Curves of training")
        .crumb("/", "Experiments")
        .crumb(format!("/experiments/{id}"), view.name.clone())
        .signed(&sign);
    shell.ignored = asked.ignored();
    html(&CurvesPage {
        shell,
        id: id.to_string(),
        name: view.name.clone(),
        further: reported.len() - rows.len(),
        rows,
        endings: OF_FIGURE,
        back: wanted.query(&view),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::assert_is_clean;

    fn page(rows: Vec<Row>, further: usize) -> String {
        let text = CurvesPage {
            shell: Shell::plain("Curves of training"),
            id: "0".into(),
            name: "<b>\u{202e}".into(),
            rows,
            further,
            endings: OF_FIGURE,
            back: "?band=none".into(),
        }
        .render()
        .unwrap();
        assert_is_clean(&text);
        text
    }

    #[test]
    fn each_metric_has_its_link_and_files_and_nothing_yet_is_said() {
        let row = Row {
            title: "Reflective completions, share".into(),
            metric: "train/reflection_rate".into(),
            query: "?curve=train/reflection_rate".into(),
            chosen: true,
        };
        let text = page(vec![row], 3);
        for part in [
            "href=\"/experiments/0?curve=train/reflection_rate#figures\" aria-current",
            "href=\"/experiments/0/training.png?curve=train/reflection_rate\" download",
            "href=\"/experiments/0/training.tex?curve=train/reflection_rate\" download",
            "<div id=\"fresh\" data-part>",
            "<code>train/reflection_rate</code>",
            "3 more are not listed",
            "href=\"/experiments/0?band=none\"",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(page(vec![], 0).contains("Nothing yet"));
    }

    #[test]
    fn a_kept_state_lists_what_was_kept_with_it() {
        let reported = ["train/reflection_rate", words::TRAINING[0].1];
        let kept = kept_of(reported.map(String::from).to_vec());
        assert_eq!(kept, [words::TRAINING[0].1]);
    }
}
