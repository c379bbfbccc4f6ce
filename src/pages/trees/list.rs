//! `/runs/{id}/trees`: the trees that a stage has stored.

use super::{Read, TREES, answered, cost, simulations, values, whole, yes_no};
use crate::number;
use crate::pages::calibrated::{CALIBRATION, Calibrated};
use crate::pages::filed::{Links, OF_TABLE};
use crate::pages::query::{Asked, link};
use crate::pages::stages::{self, Filed};
use crate::pages::{Choice, Shell, filters, freshness, html, text};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::calibration::calibration;
use assay_core::ids::RunId;
use assay_core::trees::StoredTree;
use assay_core::wire::role;
use assay_store as store;

pub(super) struct TreeRow {
    pub href: String,
    pub name: String,
    pub prompt: String,
    pub nodes: String,
    pub depth: String,
    pub simulations: String,
    pub cost: String,
    pub found: &'static str,
    pub answered: String,
    pub whole: String,
    pub error: Option<String>,
}

#[derive(Template)]
#[template(path = "trees/list.html")]
struct ListPage {
    pub shell: Shell,
    pub run: RunId,
    pub arm: String,
    pub seed: u64,
    pub stages: Vec<Choice>,
    pub stage: Option<String>,
    pub steps: Vec<Choice>,
    pub broken: Option<String>,
    pub trees: Vec<TreeRow>,
    /// They as files.
    pub files: Links,
    pub values: Option<Calibrated>,
}

/// The values of all trees of a file together.
pub(super) fn pooled(trees: &[Read]) -> Option<Calibrated> {
    let nodes = trees.iter().flatten().flat_map(|tree| &tree.nodes);
    let valued = nodes.filter_map(|n| Some((n.value?, n.reachable)));
    values(&calibration(valued), "The nodes of all trees listed here")
}

pub(super) fn row(read: &Read, at: usize, stage: &str, step: i64) -> TreeRow {
    let name = format!("{step}-{}", at + 1);
    let mut out = TreeRow {
        href: format!("trees/{name}{}", link([("stage", stage)])),
        name,
        prompt: String::new(),
        nodes: String::new(),
        depth: String::new(),
        simulations: String::new(),
        cost: String::new(),
        found: "",
        answered: String::new(),
        whole: String::new(),
        error: None,
    };
    match read {
        Err(error) => out.error = Some(text::start(error, 200)),
        Ok(tree) => {
            let deepest = tree.nodes.iter().map(|n| n.depth).max().unwrap_or(0);
            out.prompt = text::start(&tree.prompt, 80);
            out.nodes = number::integer(tree.nodes.len() as i64);
            out.depth = number::integer(deepest as i64);
            out.simulations = simulations(tree);
            out.cost = cost(tree.cost.as_ref());
            out.found = yes_no(tree.found());
            out.answered = answered(tree);
            out.whole = whole(tree);
        }
    }
    out
}

pub async fn list(
    state: Data<AppState>,
    request: HttpRequest,
    id: Path<RunId>,
) -> Result<HttpResponse, Problem> {
    let mut asked = Asked::read(request.query_string());
    let mut conn = state.conn().await?;
    let run = store::get_run(&mut conn, *id).await?;
    let question = store::get_experiment(&mut conn, run.experiment).await?.name;
    let filed = stages::filed(&mut conn, &run, role::TREES).await?;
    let sign = freshness::of_runs(&mut conn, std::slice::from_ref(&run)).await?;
    drop(conn);
    let chosen = stages::chosen(&filed, &mut asked);
    let (mut trees, mut broken, mut steps, mut values) = (vec![], None, vec![], None);
    let mut links = Links::default();
    if let Some((Filed { stage, files }, file)) = chosen {
        let (lines, wrong) = stages::lines(&state, file, TREES).await?;
        broken = wrong;
        let read: Vec<Read> = lines.iter().map(|line| StoredTree::read(line)).collect();
        trees = read
            .iter()
            .enumerate()
            .map(|(at, tree)| row(tree, at, &stage.name, file.step))
            .collect();
        let step = file.step.to_string();
        let query = link([("stage", stage.name.as_str()), ("step", step.as_str())]);
        let at = format!("/runs/{}/trees", run.id);
        links = Links::new(&at, &OF_TABLE, &query);
        values = pooled(&read).map(|c| c.filed(&format!("{at}/{CALIBRATION}"), &query));
        steps = stages::step_choices(files, file.step);
    }
    let stage = chosen.map(|(f, _)| f.stage.name.clone());
    let mut shell = Shell::new(&state, &request, "Search trees")
        .run(&run, &question)
        .signed(&sign);
    shell.ignored = asked.ignored();
    html(&ListPage {
        shell,
        run: run.id,
        arm: run.arm.label.clone(),
        seed: run.seed,
        stages: stages::stage_choices(&filed, stage.as_deref()),
        stage,
        steps,
        broken,
        trees,
        files: links,
        values,
    })
}
