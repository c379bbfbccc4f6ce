//! Trees as files: the picture with its nodes, visits by depth, and what values were worth.

use super::{DRAWN, Found, Read, TREES, View, draw, found, list, marks};
use crate::number::Kind;
use crate::pages::calibrated::Calibrated;
use crate::pages::filed::{self, About};
use crate::pages::query::Asked;
use crate::pages::sheet::{Cell, Sheet};
use crate::pages::{stages, text};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::ids::RunId;
use assay_core::trees::{StoredTree, TreeNode};
use assay_core::wire::role;
use assay_store as store;

/// File's name of visits and branching by depth.
pub(super) const DEPTHS: &str = "depths";
/// Characters of a node's text.
const LONG: usize = 400;

fn end(of: &TreeNode) -> &'static str {
    match &of.terminal {
        None => "",
        Some(t) if t.correct => "right",
        Some(_) => "wrong",
    }
}

/// Which part the picture is of; of the whole tree nothing.
pub(super) fn below(from: usize) -> String {
    match from {
        0 => String::new(),
        node => format!(" from node {node} on"),
    }
}

/// Every node of the tree, drawn or not.
pub(super) fn nodes(of: &StoredTree, name: &str, drawn: usize, from: usize) -> Sheet {
    let names = [
        "node",
        "parent",
        "depth",
        "visits",
        "draws",
        "prior",
        "q",
        "value",
        "reachable",
        "end",
        "text",
    ];
    let mut sheet = Sheet::plain("tree", format!("Search tree {name}"), &names);
    sheet.said = format!(
        "{drawn} of {} nodes are drawn, the most visited{}. Area: visits; border: quintile of the mean value q.",
        of.nodes.len(),
        below(from)
    );
    sheet.kind = Kind::Share;
    sheet.along = Some(0);
    for (i, n) in of.nodes.iter().enumerate() {
        sheet.push(vec![
            Cell::Count(i),
            Cell::Word(n.parent.map_or(String::new(), |p| p.to_string())),
            Cell::Count(n.depth),
            Cell::Count(n.visits as usize),
            Cell::Count(n.draws as usize),
            Cell::Value(Some(n.prior)),
            Cell::Value(n.q()),
            Cell::Value(n.value),
            Cell::Word(super::yes_no(n.reachable).into()),
            Cell::Word(end(n).into()),
            Cell::Text(text::line(&n.text, LONG)),
        ]);
    }
    sheet
}

fn by_depth(of: &StoredTree, name: &str) -> Sheet {
    let names = ["depth", "nodes", "visits", "expanded", "children", "ends"];
    let title = format!("Visits and branching by depth of search tree {name}");
    let mut sheet = Sheet::plain(DEPTHS, title, &names);
    for (depth, d) in of.by_depth().iter().enumerate() {
        sheet.push(vec![
            Cell::Count(depth),
            Cell::Cost(Some(d.nodes as f64)),
            Cell::Cost(Some(d.visits as f64)),
            Cell::Cost(Some(d.expanded as f64)),
            Cell::Cost(Some(d.children as f64)),
            Cell::Cost(Some(d.finished as f64)),
        ]);
    }
    sheet
}

/// The tree of an address, read; what cannot be read is no file.
async fn tree(
    state: &AppState,
    id: RunId,
    name: &str,
    asked: &mut Asked,
) -> Result<(Found, StoredTree), Problem> {
    let mut found = found(state, id, name, asked).await?;
    // Unlike a page, a file is of no other stage than the one in its address.
    if asked.has_refused(stages::OF_FILE) {
        return Err(Problem::not_found("tree"));
    }
    let read = std::mem::replace(&mut found.read, Err(String::new()));
    let tree = read.map_err(|_| Problem::not_found("tree"))?;
    Ok((found, tree))
}

async fn answer(
    of: &Found,
    sheet: &Sheet,
    svg: Option<&str>,
    name: &str,
    ending: &str,
) -> Result<HttpResponse, Problem> {
    let about = About::of_run(&of.run, &of.question, &of.stage, &[], sheet);
    filed::answer(sheet, svg, &about, name, ending).await
}

/// `/runs/{id}/trees/{tree}.svg`, from the node that is asked for.
pub async fn picture(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let (found, tree) = tree(&state, id, &name, &mut asked).await?;
    let view = View::read(&mut asked, tree.nodes.len());
    let shown = tree.most_visited(view.from, DRAWN);
    let svg = draw(&marks(&tree, &shown, view, &found.stage));
    let sheet = nodes(&tree, &name, shown.len(), view.from);
    let file = format!("{id}-tree-{name}");
    answer(&found, &sheet, Some(&svg), &file, &ending).await
}

/// `/runs/{id}/trees/{tree}/depths.csv`.
pub async fn depths(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let (found, tree) = tree(&state, id, &name, &mut asked).await?;
    let sheet = by_depth(&tree, &name);
    answer(
        &found,
        &sheet,
        None,
        &format!("{id}-tree-{name}-depths"),
        &ending,
    )
    .await
}

/// `/runs/{id}/trees/{tree}/calibration.svg`: of one tree's nodes.
pub async fn values(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name, ending) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let (found, tree) = tree(&state, id, &name, &mut asked).await?;
    let shown = super::values(&tree.values(), "The nodes");
    let shown = shown.ok_or_else(|| Problem::not_found("figure"))?;
    let file = format!("{id}-tree-{name}-calibration");
    answer(&found, &shown.sheet(), Some(&shown.svg), &file, &ending).await
}

/// `/runs/{id}/trees/calibration.svg`: of all trees of a file.
pub async fn pooled(
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
    let filed_trees = stages::filed(&mut conn, &run, role::TREES).await?;
    drop(conn);
    let (stage, file) = stages::exactly(&filed_trees, &mut asked).ok_or_else(missing)?;
    let (lines, _) = stages::lines(&state, file, TREES).await?;
    let read: Vec<Read> = lines.iter().map(|line| StoredTree::read(line)).collect();
    let shown: Calibrated = list::pooled(&read).ok_or_else(missing)?;
    let sheet = shown.sheet();
    let more = [format!("Trees of step {}", file.step)];
    let about = About::of_run(&run, &question, &stage.stage.name, &more, &sheet);
    let name = format!("{id}-trees-{}-calibration", file.step);
    filed::answer(&sheet, Some(&shown.svg), &about, &name, &ending).await
}
