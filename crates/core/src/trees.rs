//! Search trees as they are stored for looking at (artifacts of role `trees`, gzipped
//! JSON lines, one tree a line), and what can be counted in them.

use crate::calibration::{BINS, Bin, calibration};
use crate::ledger::Cost;
use serde::{Deserialize, Serialize};
use std::collections::BinaryHeap;

/// The end of a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Terminal {
    pub answer: Option<String>,
    pub correct: bool,
    pub ended: bool,
}

/// A parent stands before its children.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    pub parent: Option<usize>,
    /// Text of the edge that leads here.
    pub text: String,
    /// Samples drawn at the parent that were this child.
    pub draws: u32,
    pub prior: f64,
    pub visits: u32,
    /// Sum of the values backed up through this node.
    pub total: f64,
    /// What the value source said of this node itself.
    pub value: Option<f64>,
    /// Samples drawn here.
    pub sampled: u32,
    pub terminal: Option<Terminal>,
    pub depth: usize,
    /// Whether the right answer could still be reached: for measuring only.
    pub reachable: bool,
}

impl TreeNode {
    /// Mean of what was backed up; `None` for a node never visited.
    pub fn q(&self) -> Option<f64> {
        (self.visits > 0).then(|| self.total / f64::from(self.visits))
    }
}

/// Who picks among whole samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Picked {
    /// The value source of the tree: its highest value answers.
    ByValue,
    /// The verifier: any right one counts.
    ByVerifier,
}

/// What the same compute buys without a tree: as many whole samples of the policy as fit
/// into the tree's cost, one of them picked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WholeSamples {
    pub n: u32,
    /// Of the n, prompts and values included.
    pub cost: Cost,
    /// How many of the n are right.
    pub right: u32,
    pub picked: Picked,
    pub correct: bool,
    /// The limit on samples ended it before the tree's cost did.
    pub capped: bool,
}

/// One tree. Keys are only ever added; what older files lack is `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredTree {
    pub prompt: String,
    pub gold: String,
    pub nodes: Vec<TreeNode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulations: Option<u32>,
    /// Its caps left nothing new to sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Share of its top answers that are right (several where they tie); 0 without an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<WholeSamples>,
}

/// One depth of a tree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Depth {
    pub nodes: u64,
    pub visits: u64,
    /// Nodes that have been sampled at, and the children that these have.
    pub expanded: u64,
    pub children: u64,
    pub finished: u64,
}

/// Depths beyond are counted with the last.
const MAX_DEPTH: usize = 4_096;

impl StoredTree {
    /// Reads one line and checks that it is a tree.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn read(line: &str) -> Result<Self, String> {
        let mut tree: Self =
            serde_json::from_str(line).map_err(|e| format!("not a readable tree: {e}"))?;
        if tree.nodes.first().is_none_or(|root| root.parent.is_some()) {
            return Err("not a tree: it has no root".into());
        }
        for index in 1..tree.nodes.len() {
            let Some(parent) = tree.nodes[index].parent.filter(|p| *p < index) else {
                return Err(format!(
                    "not a tree: node {index} does not follow its parent"
                ));
            };
            tree.nodes[index].depth = tree.nodes[parent].depth + 1;
        }
        tree.nodes[0].depth = 0;
        Ok(tree)
    }

    pub fn children(&self) -> Vec<Vec<usize>> {
        let mut out = vec![vec![]; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            if let Some(parent) = node.parent {
                out[parent].push(index);
            }
        }
        out
    }

    /// From the root to the node, both included.
    pub fn path(&self, node: usize) -> Vec<usize> {
        let mut out = vec![];
        let mut at = Some(node);
        while let Some(index) = at {
            out.push(index);
            at = self.nodes[index].parent;
        }
        out.reverse();
        out
    }

    /// A right end stands in it.
    pub fn found(&self) -> bool {
        let right = |n: &TreeNode| n.terminal.as_ref().is_some_and(|t| t.correct && t.ended);
        self.nodes.iter().any(right)
    }

    /// The most visited nodes below and with `from`, parents before children: no node
    /// without its parent.
    pub fn most_visited(&self, from: usize, limit: usize) -> Vec<usize> {
        let children = self.children();
        let mut open = BinaryHeap::new();
        // The earlier of two that were visited as often.
        let key = |node: usize| (self.nodes[node].visits, std::cmp::Reverse(node));
        open.push(key(from));
        let mut out = vec![];
        while let Some((_, std::cmp::Reverse(node))) = open.pop() {
            if out.len() == limit {
                break;
            }
            out.push(node);
            open.extend(children[node].iter().map(|&c| key(c)));
        }
        out.sort_unstable();
        out
    }

    /// Visits that ended at each node: those that went on to a child taken off.
    pub fn own_visits(&self) -> Vec<u64> {
        let mut own: Vec<u64> = self.nodes.iter().map(|n| n.visits.into()).collect();
        for node in &self.nodes {
            if let Some(parent) = node.parent {
                own[parent] = own[parent].saturating_sub(node.visits.into());
            }
        }
        own
    }

    pub fn by_depth(&self) -> Vec<Depth> {
        let mut out: Vec<Depth> = vec![];
        let children = self.children();
        for (index, node) in self.nodes.iter().enumerate() {
            let at = node.depth.min(MAX_DEPTH);
            if out.len() <= at {
                out.resize(at + 1, Depth::default());
            }
            let depth = &mut out[at];
            depth.nodes += 1;
            depth.visits += u64::from(node.visits);
            depth.finished += u64::from(node.terminal.is_some());
            if node.sampled > 0 {
                depth.expanded += 1;
                depth.children += children[index].len() as u64;
            }
        }
        out
    }

    /// Values against whether the right answer could still be reached, of every node that
    /// the value source was asked about.
    pub fn values(&self) -> [Bin; BINS] {
        calibration(
            self.nodes
                .iter()
                .filter_map(|n| Some((n.value?, n.reachable))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(parent: Option<usize>, visits: u32, value: Option<f64>, reachable: bool) -> TreeNode {
        TreeNode {
            parent,
            text: format!("{visits};"),
            draws: 1,
            prior: 0.5,
            visits,
            total: f64::from(visits) * 0.5,
            value,
            sampled: u32::from(visits > 2),
            terminal: None,
            depth: 0,
            reachable,
        }
    }

    /// The root with 10 visits; 6 to the first child, 3 to the second; 4 to its own child.
    fn tree() -> StoredTree {
        let nodes = vec![
            node(None, 10, Some(0.5), true),
            node(Some(0), 6, Some(0.9), true),
            node(Some(0), 3, Some(0.1), false),
            node(Some(1), 4, Some(0.8), true),
            node(Some(0), 0, None, false),
        ];
        let text = serde_json::to_string(&StoredTree {
            prompt: "1+1=".into(),
            gold: "2".into(),
            nodes,
            simulations: None,
            exhausted: None,
            cost: None,
            answered: None,
            whole: None,
        });
        StoredTree::read(&text.unwrap()).unwrap()
    }

    #[test]
    fn the_most_visited_nodes_never_lack_their_parent() {
        let tree = tree();
        assert_eq!(tree.most_visited(0, 3), [0, 1, 3]);
        assert_eq!(tree.most_visited(1, 9), [1, 3]);
        assert_eq!(tree.most_visited(0, 99).len(), 5);
        assert_eq!(tree.path(3), [0, 1, 3]);
    }

    #[test]
    fn own_visits_add_up_to_those_of_the_root() {
        let own = tree().own_visits();
        assert_eq!(own, [1, 2, 3, 4, 0]);
        assert_eq!(own.iter().sum::<u64>(), 10);
    }

    #[test]
    fn depths_and_values_agree_with_a_count_by_hand() {
        let tree = tree();
        let depths = tree.by_depth();
        assert_eq!(depths.len(), 3);
        assert_eq!((depths[1].nodes, depths[1].visits), (3, 9));
        assert_eq!((depths[1].expanded, depths[1].children), (2, 1));
        let bins = tree.values();
        assert_eq!(bins.iter().map(|b| b.count).sum::<u64>(), 4);
        assert_eq!((bins[9].observed, bins[1].observed), (1.0, 0.0));
    }

    #[test]
    fn what_is_no_tree_is_refused_in_words() {
        for (bad, words) in [
            ("{}", "not a readable tree"),
            (r#"{"prompt":"","gold":"","nodes":[]}"#, "no root"),
        ] {
            assert!(StoredTree::read(bad).unwrap_err().contains(words), "{bad}");
        }
        let mut tree = tree();
        // A circle: each says that the other is its parent.
        tree.nodes[1].parent = Some(3);
        let text = serde_json::to_string(&tree).unwrap();
        assert!(StoredTree::read(&text).unwrap_err().contains("node 1"));
    }

    #[test]
    fn files_from_before_the_added_keys_still_read() {
        let old = r#"{"prompt":"1+1=","gold":"2","nodes":[{"parent":null,"text":"","draws":1,
            "prior":1.0,"visits":2,"total":1.5,"value":0.5,"children":[],"sampled":4,
            "terminal":null,"length":0,"depth":0,"reachable":true}]}"#;
        let tree = StoredTree::read(old).unwrap();
        assert_eq!((tree.simulations, tree.nodes[0].q()), (None, Some(0.75)));
        assert!(!tree.found());
    }
}
