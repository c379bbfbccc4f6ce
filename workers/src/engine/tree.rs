//! A search tree over partial solutions (PUCT: Silver et al. 2017; AlphaZero). Pure: no
//! network, no random numbers of its own.
//!
//! Deviations: a prior is the share of equal samples among those drawn at a node; a
//! child that has not been visited has its parent's value; a node is widened, up to
//! `max_children`, whenever it has been visited as often as it has been sampled.

use assay_core::spec::search::TreeParams;
use assay_core::trees::TreeNode;

pub use assay_core::trees::Terminal;

#[derive(Debug, Clone)]
pub struct Node {
    pub parent: Option<usize>,
    /// Text of the edge that leads here.
    pub text: String,
    pub tokens: Vec<i64>,
    /// Samples drawn at the parent that were this child.
    pub draws: u32,
    pub prior: f64,
    pub visits: u32,
    /// Sum of the values backed up through this node.
    pub total: f64,
    /// What the value source said of this node itself.
    pub value: Option<f64>,
    pub children: Vec<usize>,
    /// Samples drawn here.
    pub sampled: u32,
    pub terminal: Option<Terminal>,
    /// Tokens of the completion up to here.
    pub length: usize,
    pub depth: usize,
    /// Whether the right answer can still be reached: for measuring only.
    pub reachable: bool,
}

impl Node {
    /// What is stored of it.
    pub fn stored(&self) -> TreeNode {
        TreeNode {
            parent: self.parent,
            text: self.text.clone(),
            draws: self.draws,
            prior: self.prior,
            visits: self.visits,
            total: self.total,
            value: self.value,
            sampled: self.sampled,
            terminal: self.terminal.clone(),
            depth: self.depth,
            reachable: self.reachable,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Tree {
    pub prompt: String,
    pub gold: String,
    pub nodes: Vec<Node>,
    pub prompt_tokens: Vec<i64>,
}

/// Where a simulation has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// To be sampled from.
    Open(usize),
    /// A finished path, visited again.
    Finished(usize),
    /// Nothing is left to do below the root.
    Exhausted,
}

/// A continuation that was sampled at a node.
#[derive(Debug, Clone)]
pub struct Continuation {
    pub tokens: Vec<i64>,
    pub text: String,
    pub terminal: Option<Terminal>,
    pub reachable: bool,
}

impl Tree {
    pub fn new(prompt: &str, gold: &str, prompt_tokens: Vec<i64>) -> Self {
        Self {
            prompt: prompt.into(),
            gold: gold.into(),
            prompt_tokens,
            nodes: vec![Node {
                parent: None,
                text: String::new(),
                tokens: vec![],
                draws: 1,
                prior: 1.0,
                visits: 0,
                total: 0.0,
                value: None,
                children: vec![],
                sampled: 0,
                terminal: None,
                length: 0,
                depth: 0,
                reachable: true,
            }],
        }
    }

    /// Text of the path to a node.
    pub fn text(&self, node: usize) -> String {
        let mut parts = vec![];
        let mut at = Some(node);
        while let Some(index) = at {
            parts.push(self.nodes[index].text.as_str());
            at = self.nodes[index].parent;
        }
        parts.reverse();
        parts.concat()
    }

    /// Tokens of prompt and path.
    pub fn prefix(&self, node: usize) -> Vec<i64> {
        let mut parts = vec![];
        let mut at = Some(node);
        while let Some(index) = at {
            parts.push(&self.nodes[index].tokens);
            at = self.nodes[index].parent;
        }
        let mut out = self.prompt_tokens.clone();
        for part in parts.into_iter().rev() {
            out.extend(part);
        }
        out
    }

    /// Mean of what was backed up; the parent's own mean for a node never visited.
    pub fn q(&self, node: usize) -> f64 {
        let n = &self.nodes[node];
        if n.visits > 0 {
            return n.total / f64::from(n.visits);
        }
        n.parent.map_or(0.5, |parent| {
            let p = &self.nodes[parent];
            if p.visits > 0 {
                p.total / f64::from(p.visits)
            } else {
                p.value.unwrap_or(0.5)
            }
        })
    }

    /// Whether a node wants more samples.
    fn wants_more(&self, node: usize, params: &TreeParams) -> bool {
        let n = &self.nodes[node];
        if n.terminal.is_some() {
            return false;
        }
        // Many equal samples: the policy has nothing else to offer here.
        let spent = n.sampled >= 4 * params.max_children;
        n.children.is_empty() && n.sampled == 0
            || (n.visits >= n.sampled && (n.children.len() as u32) < params.max_children && !spent)
    }

    /// Walks down by argmax of Q + c P sqrt(sum N) / (1 + N). `noise` is mixed into the
    /// priors of the root's children.
    pub fn select(&self, params: &TreeParams, noise: Option<(&[f64], f64)>) -> Leaf {
        let mut at = 0;
        loop {
            if self.nodes[at].terminal.is_some() {
                return Leaf::Finished(at);
            }
            if self.wants_more(at, params) {
                return Leaf::Open(at);
            }
            let node = &self.nodes[at];
            let visits: u32 = node.children.iter().map(|&c| self.nodes[c].visits).sum();
            let root = f64::from(visits.max(1)).sqrt();
            let score = |(rank, &child): (usize, &usize)| {
                let c = &self.nodes[child];
                let mut prior = c.prior;
                if let (0, Some((noise, share))) = (at, noise) {
                    let own = noise.get(rank).copied().unwrap_or(0.0);
                    prior = (1.0 - share) * prior + share * own;
                }
                self.q(child) + params.c_puct * prior * root / (1.0 + f64::from(c.visits))
            };
            let best = node
                .children
                .iter()
                .enumerate()
                .map(|(rank, child)| (score((rank, child)), *child))
                // The first of equals, so that the walk is the same on every machine.
                .fold(None::<(f64, usize)>, |best, (s, child)| match best {
                    Some((top, _)) if top >= s => best,
                    Some(_) | None => Some((s, child)),
                });
            match best {
                Some((_, child)) => at = child,
                None => return Leaf::Exhausted,
            }
        }
    }

    /// Adds what was sampled at a node: equal continuations are one child. Returns the new children.
    pub fn expand(&mut self, node: usize, sampled: &[Continuation]) -> Vec<usize> {
        let mut new = vec![];
        for continuation in sampled {
            self.nodes[node].sampled += 1;
            let known = self.nodes[node]
                .children
                .iter()
                .copied()
                .find(|&c| self.nodes[c].tokens == continuation.tokens);
            if let Some(child) = known {
                self.nodes[child].draws += 1;
                continue;
            }
            let child = self.nodes.len();
            self.nodes.push(Node {
                parent: Some(node),
                text: continuation.text.clone(),
                tokens: continuation.tokens.clone(),
                draws: 1,
                prior: 0.0,
                visits: 0,
                total: 0.0,
                value: None,
                children: vec![],
                sampled: 0,
                terminal: continuation.terminal.clone(),
                length: self.nodes[node].length + continuation.tokens.len(),
                depth: self.nodes[node].depth + 1,
                reachable: continuation.reachable,
            });
            self.nodes[node].children.push(child);
            new.push(child);
        }
        let sampled = f64::from(self.nodes[node].sampled);
        for child in self.nodes[node].children.clone() {
            self.nodes[child].prior = f64::from(self.nodes[child].draws) / sampled;
        }
        new
    }

    /// Adds a value to every node from here to the root.
    pub fn back_up(&mut self, node: usize, value: f64) {
        let mut at = Some(node);
        while let Some(index) = at {
            self.nodes[index].visits += 1;
            self.nodes[index].total += value;
            at = self.nodes[index].parent;
        }
    }

    /// The answer with the largest sum of draws x value over the finished paths; ties
    /// share. Returns every answer at the top.
    pub fn answers(&self) -> Vec<Terminal> {
        let mut votes: Vec<(Terminal, f64)> = vec![];
        for node in &self.nodes {
            let Some(terminal) = &node.terminal else {
                continue;
            };
            if terminal.answer.is_none() {
                continue;
            }
            let weight = f64::from(node.draws) * node.value.unwrap_or(0.5);
            match votes.iter_mut().find(|(t, _)| t.answer == terminal.answer) {
                Some((_, sum)) => *sum += weight,
                None => votes.push((terminal.clone(), weight)),
            }
        }
        let top = votes.iter().map(|v| v.1).fold(f64::NEG_INFINITY, f64::max);
        votes
            .into_iter()
            .filter(|v| v.1 == top)
            .map(|v| v.0)
            .collect()
    }

    /// Of the nodes that were sampled at and from which the answer could be reached:
    /// how many there are, and how many of them have no child that still can.
    pub fn gold_misses(&self) -> (usize, usize) {
        let open = self.nodes.iter().filter(|n| n.reachable && n.sampled > 0);
        let missed = open
            .clone()
            .filter(|n| n.children.iter().all(|&c| !self.nodes[c].reachable))
            .count();
        (open.count(), missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn continuation(text: &str, terminal: Option<bool>, reachable: bool) -> Continuation {
        Continuation {
            tokens: text.bytes().map(i64::from).collect(),
            text: text.into(),
            terminal: terminal.map(|correct| Terminal {
                answer: Some(text.into()),
                correct,
                ended: true,
            }),
            reachable,
        }
    }

    fn params() -> TreeParams {
        TreeParams {
            branching: 4,
            max_children: 4,
            c_puct: 1.0,
            ..Default::default()
        }
    }

    #[test]
    fn selection_agrees_with_the_formula_by_hand() {
        let mut tree = Tree::new("p", "g", vec![1]);
        assert_eq!(tree.select(&params(), None), Leaf::Open(0));
        // Three draws of a, one of b: priors .75 and .25.
        let drawn = ["a;", "a;", "b;", "a;"].map(|t| continuation(t, None, true));
        assert_eq!(tree.expand(0, &drawn), [1, 2]);
        assert_eq!((tree.nodes[1].prior, tree.nodes[2].prior), (0.75, 0.25));
        tree.nodes[0].value = Some(0.5);
        tree.back_up(0, 0.5);
        // Both unvisited: Q is the root's 0.5; the prior decides.
        assert_eq!(tree.select(&params(), None), Leaf::Open(1));
        tree.back_up(1, 0.2);
        // a: .2 + .75 * 1 / 2 = .575; b: mean of root (.35) + .25 = .6.
        assert_eq!(tree.q(2), 0.35);
        assert_eq!(tree.select(&params(), None), Leaf::Open(2));
        // All of the noise on a, half of the prior: a .2 + (.375 + .5) / 2, b .35 + .125.
        let noise = [1.0, 0.0];
        assert_eq!(tree.select(&params(), Some((&noise, 0.5))), Leaf::Open(1));
    }

    #[test]
    fn values_are_backed_up_to_the_root_as_means() {
        let mut tree = Tree::new("p", "g", vec![1]);
        tree.expand(0, &[continuation("a;", None, true)]);
        tree.expand(1, &[continuation("b;", None, true)]);
        tree.back_up(2, 1.0);
        tree.back_up(1, 0.0);
        assert_eq!((tree.q(2), tree.q(1), tree.q(0)), (1.0, 0.5, 0.5));
        assert_eq!(tree.nodes[0].visits, 2);
        assert_eq!(tree.text(2), "a;b;");
        assert_eq!(tree.prefix(2).len(), 5);
    }

    #[test]
    fn a_node_is_widened_when_it_has_been_visited_as_often_as_sampled() {
        let mut tree = Tree::new("p", "g", vec![1]);
        let params = params();
        tree.expand(0, &["a;", "a;"].map(|t| continuation(t, None, true)));
        tree.back_up(0, 0.5);
        assert_eq!(tree.select(&params, None), Leaf::Open(1));
        tree.back_up(1, 0.5);
        // Two visits, two samples, one child of at most four.
        assert_eq!(tree.select(&params, None), Leaf::Open(0));
        let few = TreeParams {
            max_children: 1,
            branching: 1,
            ..params
        };
        assert_eq!(tree.select(&few, None), Leaf::Open(1));
    }

    #[test]
    fn finished_paths_vote_with_their_draws_and_values() {
        let mut tree = Tree::new("p", "g", vec![1]);
        tree.expand(
            0,
            &[
                continuation("A3", Some(false), false),
                continuation("A3", Some(false), false),
                continuation("A8", Some(true), true),
            ],
        );
        tree.nodes[1].value = Some(0.3);
        tree.nodes[2].value = Some(0.9);
        assert_eq!(tree.answers()[0].answer.as_deref(), Some("A8"));
        tree.nodes[2].value = Some(0.6);
        assert_eq!(tree.answers().len(), 2, "a tie is shared");
        assert_eq!(tree.gold_misses(), (1, 0));
        assert_eq!(tree.select(&params(), None), Leaf::Finished(1));
    }
}
