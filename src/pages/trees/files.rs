//! Trees as files: all of a stored file, the picture of one with its nodes, a node's children,
//! visits by depth, and what values were worth.

use super::{DRAWN, Found, Read, TREES, View, draw, found, list, marks};
use crate::number::Kind;
use crate::pages::calibrated::CALIBRATION;
use crate::pages::filed::{self, About};
use crate::pages::query::Asked;
use crate::pages::sheet::{Cell, Sheet};
use crate::pages::{stages, text};
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use assay_core::denominator::Denominator;
use assay_core::ids::RunId;
use assay_core::trees::{Picked, StoredTree, TreeNode};
use assay_core::wire::role;

/// File's name of visits and branching by depth.
pub(super) const DEPTHS: &str = "depths";
/// File's name of what is below one node.
pub(super) const CHILDREN: &str = "children";
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

const OF_NODE: [&str; 11] = [
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

fn of_node(i: usize, n: &TreeNode) -> Vec<Cell> {
    vec![
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
    ]
}

/// Every node of the tree, drawn or not.
pub(super) fn nodes(of: &StoredTree, name: &str, drawn: usize, from: usize) -> Sheet {
    let mut sheet = Sheet::plain("tree", format!("Search tree {name}"), &OF_NODE);
    sheet.said = format!(
        "{drawn} of {} nodes are drawn, the most visited{}. Area: visits; border: quintile of the mean value q.",
        of.nodes.len(),
        below(from)
    );
    sheet.kind = Kind::Share;
    sheet.along = Some(0);
    for (i, n) in of.nodes.iter().enumerate() {
        sheet.push(of_node(i, n));
    }
    sheet
}

/// All that are below a node, most visited first.
fn below_node(of: &StoredTree, name: &str, node: usize) -> Sheet {
    let title = format!("Children of node {node} of search tree {name}");
    let mut sheet = Sheet::plain(CHILDREN, title, &OF_NODE);
    sheet.kind = Kind::Share;
    for child in super::node::ranked(of, node) {
        sheet.push(of_node(child, &of.nodes[child]));
    }
    sheet
}

/// A row a tree, those that cannot be read among them.
fn stored(all: &[Read], step: i64) -> Sheet {
    let names = [
        "tree",
        "problem",
        "simulations",
        "nodes",
        "depth",
        "flops",
        "tokens",
        "right_end_found",
        "answered_right",
        "whole_samples",
        "whole_right",
        "whole_picked",
        "whole_picked_right",
        "why",
    ];
    let mut sheet = Sheet::plain("trees", "Stored search trees", &names);
    sheet.said = "Answered right: the share of the top answers that are; whole samples: as many of the policy as fit into the tree's cost, and one of them picked by the value source or the verifier.".into();
    sheet.kind = Kind::Share;
    for (at, read) in all.iter().enumerate() {
        let mut row = vec![Cell::Word(format!("{step}-{}", at + 1))];
        row.extend(match read {
            Ok(tree) => of_tree(tree),
            Err(error) => unread(error),
        });
        sheet.push(row);
    }
    sheet
}

fn of_tree(of: &StoredTree) -> [Cell; 13] {
    let count = |n: u32| Cell::Place(Some(f64::from(n)));
    let whole = of.whole.as_ref();
    let deepest = of.nodes.iter().map(|n| n.depth).max().unwrap_or(0);
    let picked = whole.map_or("", |w| match w.picked {
        Picked::ByValue => "value",
        Picked::ByVerifier => "verifier",
    });
    let correct = whole.map_or("", |w| super::yes_no(w.correct));
    [
        Cell::Text(text::line(&of.prompt, LONG)),
        count(super::simulated(of)),
        Cell::Place(Some(of.nodes.len() as f64)),
        Cell::Place(Some(deepest as f64)),
        Cell::Cost(of.cost.map(|c| c.flops)),
        Cell::Cost(of.cost.map(|c| c.tokens)),
        Cell::Word(super::yes_no(of.found()).into()),
        Cell::Value(of.answered),
        whole.map_or(Cell::Place(None), |w| count(w.n)),
        whole.map_or(Cell::Place(None), |w| count(w.right)),
        Cell::Word(picked.into()),
        Cell::Word(correct.into()),
        Cell::Text(String::new()),
    ]
}

fn unread(error: &str) -> [Cell; 13] {
    let none = || Cell::Word(String::new());
    [
        none(),
        Cell::Place(None),
        Cell::Place(None),
        Cell::Place(None),
        Cell::Cost(None),
        Cell::Cost(None),
        none(),
        Cell::Value(None),
        Cell::Place(None),
        Cell::Place(None),
        none(),
        none(),
        Cell::Text(text::line(error, LONG)),
    ]
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

/// One tree, as the address of a file of it names it.
struct OfTree {
    id: RunId,
    name: String,
    ending: String,
    asked: Asked,
    found: Found,
    tree: StoredTree,
    behind: Denominator,
}

impl OfTree {
    /// What cannot be read is no file.
    async fn read(
        state: &AppState,
        request: &HttpRequest,
        path: Path<(RunId, String, String)>,
    ) -> Result<Self, Problem> {
        let (id, name, ending) = path.into_inner();
        let mut asked = Asked::read(request.query_string());
        let mut found = found(state, id, &name, &mut asked).await?;
        // Unlike a page, a file is of no other stage than the one in its address.
        if asked.has_refused(stages::OF_FILE) {
            return Err(Problem::not_found("tree"));
        }
        let read = std::mem::replace(&mut found.read, Err(String::new()));
        let tree = read.map_err(|_| Problem::not_found("tree"))?;
        let behind = filed::behind(&mut *state.conn().await?, found.run.experiment).await?;
        Ok(Self {
            id,
            name,
            ending,
            asked,
            found,
            tree,
            behind,
        })
    }

    /// The node that the address names, else the root; a file is of no other.
    fn view(&mut self) -> Result<View, Problem> {
        let view = View::read(&mut self.asked, self.tree.nodes.len());
        match self.asked.has_refused(&["node", "from"]) {
            true => Err(Problem::not_found("node")),
            false => Ok(view),
        }
    }

    /// `what` it is of the tree ends the file's name.
    async fn answer(
        &self,
        of: &Sheet,
        svg: Option<&str>,
        what: &str,
    ) -> Result<HttpResponse, Problem> {
        let Found {
            run,
            question,
            stage,
            ..
        } = &self.found;
        let about = About::of_run(run, question, Some(stage.as_str()), self.behind, &[], of);
        let about = about.ignoring(self.asked.clone().ignored());
        let name = format!("{}-tree-{}{what}", self.id, self.name);
        filed::answer(of, svg, &about, &name, &self.ending).await
    }
}

/// `/runs/{id}/trees/{tree}.svg`, from the node that is asked for.
pub async fn picture(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let mut of = OfTree::read(&state, &request, path).await?;
    let view = of.view()?;
    let shown = of.tree.most_visited(view.from, DRAWN);
    let svg = draw(&marks(&of.tree, &shown, view, &of.found.stage));
    let sheet = nodes(&of.tree, &of.name, shown.len(), view.from);
    of.answer(&sheet, Some(&svg), "").await
}

/// `/runs/{id}/trees/{tree}/children.csv`, of the node that is asked for.
pub async fn children(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let mut of = OfTree::read(&state, &request, path).await?;
    let node = of.view()?.node;
    let sheet = below_node(&of.tree, &of.name, node);
    let what = format!("-node-{node}-{CHILDREN}");
    of.answer(&sheet, None, &what).await
}

/// `/runs/{id}/trees/{tree}/depths.csv`.
pub async fn depths(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let of = OfTree::read(&state, &request, path).await?;
    let sheet = by_depth(&of.tree, &of.name);
    of.answer(&sheet, None, &format!("-{DEPTHS}")).await
}

/// `/runs/{id}/trees/{tree}/calibration.svg`: of one tree's nodes.
pub async fn values(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String, String)>,
) -> Result<HttpResponse, Problem> {
    let of = OfTree::read(&state, &request, path).await?;
    let shown = super::values(&of.tree.values(), "The nodes");
    let shown = shown.ok_or_else(|| Problem::not_found("figure"))?;
    let what = format!("-{CALIBRATION}");
    of.answer(&shown.sheet(), Some(&shown.svg), &what).await
}

/// The stored file that is asked for, and its trees.
async fn opened(
    state: &AppState,
    id: RunId,
    request: &HttpRequest,
) -> Result<(stages::Opened, Vec<Read>), Problem> {
    let mut asked = Asked::read(request.query_string());
    let what = ["Trees", "trees"];
    let of = stages::opened(state, id, role::TREES, TREES, what, &mut asked).await?;
    let trees = of.lines.iter().map(|line| StoredTree::read(line)).collect();
    Ok((of, trees))
}

/// `/runs/{id}/trees/calibration.svg`: of all trees of a file.
pub async fn pooled(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, ending) = path.into_inner();
    let (of, trees) = opened(&state, id, &request).await?;
    of.calibration(list::pooled(&trees), &ending).await
}

/// `/runs/{id}/trees.csv`: all trees of a file.
pub async fn all(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, ending) = path.into_inner();
    let (of, trees) = opened(&state, id, &request).await?;
    of.list(&stored(&trees, of.step), &ending).await
}
