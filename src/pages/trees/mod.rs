//! `/runs/{id}/trees` and `/runs/{id}/trees/{tree}`: where did the search spend its
//! budget, and did its values help?

mod files;
mod list;
mod node;
mod outline;

use super::addressed::{Lines, addressed};
use super::calibrated::{CALIBRATION, Calibrated, calibrated};
use super::filed::{Links, OF_FIGURE, OF_TABLE};
use super::query::{Asked, link};
use super::text;
use super::{Shell, filters, html};
use crate::charts::tree::{Finish, Mark, tree as draw};
use crate::number;
use crate::problem::Problem;
use crate::state::AppState;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use assay_core::calibration::Bin;
use assay_core::ids::RunId;
use assay_core::ledger::Cost;
use assay_core::trees::{Picked, StoredTree, TreeNode};
use assay_core::wire::role;
use assay_store::{RunView, Sign};
pub use files::{
    all as list_file, children as children_file, depths as depths_file, picture, pooled,
    values as values_file,
};
pub use list::list;
use node::NodePanel;
use outline::{Line, outline};

/// Nodes drawn at once.
const DRAWN: usize = 200;
/// Trees read from one file.
const TREES: usize = 64;

/// One stored tree, or why it cannot be shown.
type Read = Result<StoredTree, String>;

fn cost(of: Option<&Cost>) -> String {
    of.map_or(number::NONE.into(), |c| {
        format!(
            "{} FLOPs, {} tokens",
            number::prefixed(c.flops),
            number::prefixed(c.tokens)
        )
    })
}

/// What the same compute buys without a tree.
fn whole(of: &StoredTree) -> String {
    let Some(w) = &of.whole else {
        return "not measured".into();
    };
    let picked = match w.picked {
        Picked::ByValue => "the one that the value source scores highest is",
        Picked::ByVerifier => "by the verifier: the best of them is",
    };
    let result = if w.correct { "right" } else { "wrong" };
    let capped = if w.capped {
        "; the most that are drawn, the tree cost more"
    } else {
        ""
    };
    match w.n {
        0 => "not one whole sample fits into the tree's cost".into(),
        n => format!(
            "{} ({}), {} right; {picked} {result}{capped}",
            number::counted(n.into(), "whole sample"),
            cost(Some(&w.cost)),
            number::integer(w.right.into())
        ),
    }
}

fn answered(of: &StoredTree) -> String {
    match of.answered {
        None => "not stored".into(),
        Some(share) if share >= 1.0 => "right".into(),
        Some(share) if share > 0.0 => format!("tie, {} right", number::percent(share)),
        Some(_) => "wrong or none".into(),
    }
}

fn yes_no(of: bool) -> &'static str {
    if of { "yes" } else { "no" }
}

/// Of older files, the visits of the root: each simulation passes through it.
fn simulated(of: &StoredTree) -> u32 {
    of.simulations.unwrap_or(of.nodes[0].visits)
}

fn simulations(of: &StoredTree) -> String {
    number::integer(simulated(of).into())
}

struct DepthRow {
    depth: usize,
    nodes: String,
    visits: String,
    /// Of all visits at this depth's own nodes, for the bar.
    share: f64,
    branching: String,
    finished: String,
}

#[derive(Template)]
#[template(path = "trees/page.html")]
struct TreePage {
    shell: Shell,
    run: RunId,
    name: String,
    stage: String,
    prompt: text::Long,
    gold: String,
    simulations: String,
    exhausted: Option<bool>,
    cost: String,
    found: &'static str,
    answered: String,
    whole: String,
    /// Set where the picture does not begin at the root.
    from: Option<String>,
    /// The part that it shows; nothing of the whole tree.
    below: String,
    svg: String,
    /// The picture as files, and the tables of the node's children and by depth.
    files: Links,
    children: Links,
    by_depth: Links,
    hidden: Option<String>,
    lines: Vec<Line>,
    node: NodePanel,
    depths: Vec<DepthRow>,
    values: Option<Calibrated>,
    error: Option<String>,
}

/// What the address asks to see of a tree.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct View {
    /// The node of the panel, and the node that the picture begins with.
    node: usize,
    from: usize,
}

impl View {
    fn read(asked: &mut Asked, nodes: usize) -> Self {
        let mut index = |key: &str| {
            let asked_for = asked.number(key)?;
            let found = usize::try_from(asked_for).ok().filter(|n| *n < nodes);
            if found.is_none() {
                asked.refuse(key, &asked_for.to_string());
            }
            found
        };
        let from = index("from").unwrap_or(0);
        Self {
            node: index("node").unwrap_or(from),
            from,
        }
    }

    fn link(self, stage: &str) -> String {
        let number = |n: usize| if n == 0 { String::new() } else { n.to_string() };
        link([
            ("stage", stage),
            ("from", &number(self.from)),
            ("node", &self.node.to_string()),
        ])
    }
}

impl TreePage {
    fn new(
        shell: Shell,
        run: RunId,
        name: String,
        stage: &str,
        of: &StoredTree,
        view: View,
    ) -> Self {
        let shown = of.most_visited(view.from, DRAWN);
        let at = format!("/runs/{run}/trees/{name}");
        let query = link([("stage", stage)]);
        let from = View {
            node: view.from,
            ..view
        };
        Self {
            files: Links::new(&at, &OF_FIGURE, &from.link(stage)),
            children: Links::new(
                &format!("{at}/{}", files::CHILDREN),
                &OF_TABLE,
                &view.link(stage),
            ),
            by_depth: Links::new(&format!("{at}/{}", files::DEPTHS), &OF_TABLE, &query),
            run,
            name,
            stage: stage.into(),
            prompt: text::fold_start(&of.prompt),
            gold: text::start(&of.gold, 1_000),
            simulations: simulations(of),
            exhausted: of.exhausted,
            cost: cost(of.cost.as_ref()),
            found: yes_no(of.found()),
            answered: answered(of),
            whole: whole(of),
            from: (view.from > 0).then(|| {
                let root = View {
                    node: view.node,
                    from: 0,
                };
                root.link(stage)
            }),
            below: files::below(view.from),
            svg: draw(&marks(of, &shown, view, stage)),
            hidden: hidden(of, &shown, view),
            lines: outline(of, &shown, view, stage),
            node: NodePanel::new(of, view, stage),
            depths: depths(of),
            values: values(&of.values(), "The nodes")
                .map(|c| c.filed(&format!("{at}/{CALIBRATION}"), &query)),
            error: None,
            shell,
        }
    }
}

fn finish(of: &TreeNode) -> Finish {
    match &of.terminal {
        None => Finish::Open,
        Some(t) if t.correct => Finish::Right,
        Some(_) => Finish::Wrong,
    }
}

fn marks(of: &StoredTree, shown: &[usize], view: View, stage: &str) -> Vec<Mark> {
    let top = f64::from(of.nodes[view.from].visits.max(1));
    shown
        .iter()
        .map(|&i| {
            let n = &of.nodes[i];
            let parent = n.parent.filter(|_| i != view.from);
            let own = View { node: i, ..view };
            Mark {
                parent: parent.and_then(|p| shown.binary_search(&p).ok()),
                share: f64::from(n.visits) / top,
                q: n.q(),
                label: label(n),
                title: node::words(i, n),
                href: own.link(stage),
                finish: finish(n),
                chosen: i == view.node,
            }
        })
        .collect()
}

/// Text of the edge and the mean value.
fn label(of: &TreeNode) -> String {
    let q = of.q().map_or(String::new(), |q| number::fixed(q, 2));
    match of.parent {
        None => format!("prompt {q}"),
        Some(_) => format!("{} {q}", text::line(&of.text, 24)),
    }
}

/// `hidden: 823 nodes, 19 % of visits`: of the part that is drawn from.
fn hidden(of: &StoredTree, shown: &[usize], view: View) -> Option<String> {
    let own = of.own_visits();
    let mut inside = vec![false; of.nodes.len()];
    inside[view.from] = true;
    let (mut nodes, mut visits) = (0_i64, 0_u64);
    for i in view.from..of.nodes.len() {
        inside[i] |= of.nodes[i].parent.is_some_and(|p| inside[p]);
        if inside[i] && shown.binary_search(&i).is_err() {
            nodes += 1;
            visits += own[i];
        }
    }
    let all = u64::from(of.nodes[view.from].visits).max(1);
    (nodes > 0).then(|| {
        format!(
            "hidden{}: {}, {} of visits",
            files::below(view.from),
            number::counted(nodes, "node"),
            number::percent(visits as f64 / all as f64)
        )
    })
}

fn depths(of: &StoredTree) -> Vec<DepthRow> {
    let all = of.by_depth();
    let most = all.iter().map(|d| d.visits).max().unwrap_or(0).max(1);
    all.iter()
        .take(64)
        .enumerate()
        .map(|(depth, d)| DepthRow {
            depth,
            nodes: number::integer(d.nodes as i64),
            visits: number::integer(d.visits as i64),
            share: d.visits as f64 / most as f64,
            branching: match d.expanded {
                0 => number::NONE.into(),
                n => format!(
                    "{} at {}",
                    number::fixed(d.children as f64 / n as f64, 2),
                    number::counted(n as i64, "node")
                ),
            },
            finished: number::integer(d.finished as i64),
        })
        .collect()
}

/// Of the nodes that the value source was asked about, those from which the right answer
/// could still be reached.
pub(super) fn values(bins: &[Bin], of: &str) -> Option<Calibrated> {
    let words = ["Mean value", "Reachable", "Nodes"];
    let caption = format!(
        "{of} that the value source was asked about: the share from which the right answer could still be reached, by exact verification. Nodes of one tree are not independent."
    );
    calibrated(bins, "Values against the outcome", words, caption)
}

/// A tree by its address: of which run and stage, and what stands in the file.
struct Found {
    run: RunView,
    question: String,
    stage: String,
    sign: Sign,
    read: Read,
}

const FILED: Lines = Lines {
    role: role::TREES,
    what: "tree",
    most: TREES,
    all: false,
};

async fn found(
    state: &AppState,
    id: RunId,
    name: &str,
    asked: &mut Asked,
) -> Result<Found, Problem> {
    let mut of = addressed(state, id, name, &FILED, asked).await?;
    let (_, line) = of.at;
    let read: Read = match of.lines.len() > line {
        true => StoredTree::read(&of.lines.swap_remove(line)),
        false => Err(of.broken.unwrap_or_default()),
    };
    Ok(Found {
        run: of.run,
        question: of.question,
        stage: of.stage,
        sign: of.sign,
        read,
    })
}

pub async fn page(
    state: Data<AppState>,
    request: HttpRequest,
    path: Path<(RunId, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    let mut asked = Asked::read(request.query_string());
    let Found {
        run,
        question,
        stage,
        sign,
        read,
    } = found(&state, id, &name, &mut asked).await?;
    let mut shell = Shell::new(&state, &request, format!("Tree {name}"))
        .run(&run, &question)
        .crumb(
            format!("/runs/{id}/trees{}", link([("stage", stage.as_str())])),
            "Search trees",
        )
        .signed(&sign);
    let page = match read {
        Ok(tree) => {
            let view = View::read(&mut asked, tree.nodes.len());
            shell.ignored = asked.ignored();
            TreePage::new(shell, id, name, &stage, &tree, view)
        }
        Err(error) => {
            shell.ignored = asked.ignored();
            let none = StoredTree::read(NOTHING).map_err(Problem::internal)?;
            TreePage {
                error: Some(text::start(&error, 200)),
                ..TreePage::new(shell, id, name, &stage, &none, View::default())
            }
        }
    };
    html(&page)
}

/// Stands in for a tree that cannot be read.
const NOTHING: &str = r#"{"prompt":"","gold":"","nodes":[{"parent":null,"text":"","draws":0,
    "prior":0,"visits":0,"total":0,"value":null,"sampled":0,"terminal":null,"depth":0,
    "reachable":false}]}"#;

#[cfg(test)]
mod tests;
