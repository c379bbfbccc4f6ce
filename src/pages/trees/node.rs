//! One node of a tree in words and numbers.

use super::View;
use crate::number;
use crate::pages::text;
use assay_core::trees::{StoredTree, TreeNode};

pub(super) struct NodePanel {
    pub index: usize,
    pub facts: Vec<(&'static str, String)>,
    pub path: text::Long,
    pub ending: Option<String>,
    pub children: Vec<Child>,
    pub more: usize,
    /// Draws the picture from here.
    pub from: Option<String>,
    pub up: Option<String>,
}

pub(super) struct Child {
    pub href: String,
    pub text: String,
    pub visits: String,
    pub q: String,
    pub prior: String,
    pub draws: String,
    pub reachable: &'static str,
}

/// Children listed in the panel.
const CHILDREN: usize = 64;
/// Nodes of the path that are joined, at most.
const PATH: usize = 4_096;

pub(super) fn q(of: &TreeNode) -> String {
    of.q().map_or("not visited".into(), |q| number::fixed(q, 3))
}

fn reach(of: &TreeNode) -> &'static str {
    if of.reachable { "yes" } else { "no" }
}

/// `node 12: 7*3=1; N 300, Q 0.310, prior 0.120`.
pub(super) fn words(index: usize, of: &TreeNode) -> String {
    format!(
        "node {index}: {} N {}, Q {}, prior {}",
        text::line(&of.text, 60),
        number::integer(of.visits.into()),
        q(of),
        number::fixed(of.prior, 3)
    )
}

/// A node's children, most visited first; the earlier of equals.
pub(super) fn ranked(of: &StoredTree, node: usize) -> Vec<usize> {
    let mut children = of.children().swap_remove(node);
    children.sort_by_key(|&c| (std::cmp::Reverse(of.nodes[c].visits), c));
    children
}

impl NodePanel {
    pub fn new(of: &StoredTree, view: View, stage: &str) -> Self {
        let node = &of.nodes[view.node];
        let children = ranked(of, view.node);
        let value = node
            .value
            .map_or("never asked".into(), |v| number::fixed(v, 3));
        let nodes = of.path(view.node);
        let read: String = nodes
            .iter()
            .take(PATH)
            .flat_map(|&i| of.nodes[i].text.chars())
            .take(text::MOST)
            .collect();
        let all: usize = nodes
            .iter()
            .map(|&i| of.nodes[i].text.chars().count())
            .sum();
        let to = |node: usize| View { node, ..view }.link(stage);
        Self {
            index: view.node,
            facts: vec![
                ("Visits N", number::integer(node.visits.into())),
                ("Mean value Q", q(node)),
                ("Its own value", value),
                ("Prior", number::fixed(node.prior, 3)),
                (
                    "Samples that were this node",
                    number::integer(node.draws.into()),
                ),
                ("Samples drawn here", number::integer(node.sampled.into())),
                ("Children", number::integer(children.len() as i64)),
                ("Depth", number::integer(node.depth as i64)),
                ("Answer still reachable (oracle)", reach(node).into()),
            ],
            path: text::fold_read(&read, all as u64),
            ending: node.terminal.as_ref().map(|t| {
                let answer = t.answer.as_deref().map(|a| text::start(a, 200));
                format!(
                    "Ends here: {}, {}{}",
                    answer.map_or("no answer".into(), |a| format!("answer {a}")),
                    if t.correct { "right" } else { "wrong" },
                    if t.ended { "" } else { ", cut off" }
                )
            }),
            more: children.len().saturating_sub(CHILDREN),
            children: children
                .iter()
                .take(CHILDREN)
                .map(|&c| {
                    let n = &of.nodes[c];
                    Child {
                        href: to(c),
                        text: text::start(&n.text, 60),
                        visits: number::integer(n.visits.into()),
                        q: q(n),
                        prior: number::fixed(n.prior, 3),
                        draws: number::integer(n.draws.into()),
                        reachable: reach(n),
                    }
                })
                .collect(),
            from: (view.node != view.from && !children.is_empty()).then(|| {
                let from = View {
                    node: view.node,
                    from: view.node,
                };
                from.link(stage)
            }),
            up: node.parent.map(to),
        }
    }
}
