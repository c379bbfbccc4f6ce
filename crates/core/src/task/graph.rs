//! `graph`: the length of a shortest path in an undirected graph.
//! Prompt, the edges in any order and then source and target, `ab,cb,cd,?ad`; long
//! form, moves along edges, `ab;bc;cd;A3`; short form `A3`.
//! Lengths are drawn evenly, so that no constant answer pays more than its share.
//! Defaults: 6-7 nodes, out of distribution 8-9, paths of 2-4; prompts take at
//! most 34 tokens, chains at most 15. There are no re-checks.

use super::{ANSWER, Kind, Problem, Range, STEP, StepVerdict};
use crate::rng::Stream;
use crate::spec::reader::{Reader, params};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

const NODES: &str = "abcdefghijkl";

params! {
    /// Settings. Names of nodes are drawn from those of the largest graph.
    pub struct Graph {
        pub min_nodes: u32 = 6, in 5.0..=12.0;
        pub max_nodes: u32 = 7, in 5.0..=12.0;
        pub pretrain_min_nodes: u32 = 6, in 5.0..=12.0;
        pub pretrain_max_nodes: u32 = 7, in 5.0..=12.0;
        /// Out of distribution.
        pub ood_min_nodes: u32 = 8, in 5.0..=12.0;
        pub ood_max_nodes: u32 = 9, in 5.0..=12.0;
        /// Edges beyond those of a tree, at most.
        pub extra_edges: u32 = 2, in 0.0..=8.0;
        pub min_length: u32 = 2, in 2.0..=8.0;
        pub max_length: u32 = 4, in 2.0..=8.0;
    }
}

#[derive(Debug)]
struct Parsed {
    edges: BTreeSet<(char, char)>,
    source: char,
    /// Distance to the target, of every node that reaches it.
    distance: BTreeMap<char, u32>,
}

impl Parsed {
    fn new(prompt: &str) -> Self {
        let (list, query) = prompt.split_once('?').unwrap_or_default();
        let pair = |text: &str| {
            let mut chars = text.chars();
            Some((chars.next()?, chars.next()?))
        };
        let mut edges = BTreeSet::new();
        for (a, b) in list.split(',').filter_map(pair) {
            edges.extend([(a, b), (b, a)]);
        }
        let (source, target) = pair(query).unwrap_or(('a', 'a'));
        Self {
            distance: distances(&edges, target),
            edges,
            source,
        }
    }

    fn next_on_shortest(&self, at: char) -> Vec<char> {
        let here = self.distance.get(&at).copied().unwrap_or(0);
        self.distance
            .iter()
            .filter(|(node, d)| **d + 1 == here && self.edges.contains(&(at, **node)))
            .map(|(node, _)| *node)
            .collect()
    }
}

/// Breadth first, from the target.
fn distances(edges: &BTreeSet<(char, char)>, target: char) -> BTreeMap<char, u32> {
    let mut distance = BTreeMap::from([(target, 0)]);
    let mut open = VecDeque::from([target]);
    while let Some(node) = open.pop_front() {
        let next = distance[&node] + 1;
        for (_, to) in edges.iter().filter(|(from, _)| *from == node) {
            distance.entry(*to).or_insert_with(|| {
                open.push_back(*to);
                next
            });
        }
    }
    distance
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    graph: Rc<Parsed>,
    at: char,
    moves: u32,
}

impl Graph {
    pub fn check(&self, reader: &Reader<'_>) {
        super::check_ranges(
            reader,
            [
                (self.min_nodes, self.max_nodes, "max_nodes"),
                (
                    self.pretrain_min_nodes,
                    self.pretrain_max_nodes,
                    "pretrain_max_nodes",
                ),
                (self.ood_min_nodes, self.ood_max_nodes, "ood_max_nodes"),
            ],
            "ood_min_nodes",
        );
        if self.max_length < self.min_length {
            let low = self.min_length;
            reader.report("max_length", format!("must be at least {low}"));
        }
        let smallest = self.min_nodes.min(self.pretrain_min_nodes);
        if self.max_length >= smallest {
            reader.report(
                "max_length",
                format!("must be below the smallest number of nodes ({smallest})"),
            );
        }
    }

    fn largest(&self) -> u32 {
        self.max_nodes
            .max(self.pretrain_max_nodes)
            .max(self.ood_max_nodes)
    }

    /// A random shortest path; at the step `fault` it jumps where no edge is.
    fn write(&self, problem: &Problem, fault: Option<u32>, stream: &mut Stream) -> String {
        let graph = Parsed::new(&problem.prompt);
        let mut at = graph.source;
        let mut moves = 0;
        let mut text = String::new();
        while graph.distance.get(&at).is_some_and(|d| *d > 0) {
            let choices: Vec<char> = if fault == Some(moves) {
                let apart = |node: &char| *node != at && !graph.edges.contains(&(at, *node));
                // No longer than a right chain may be.
                let near = |node: &char| moves + 1 + graph.distance[node] <= self.max_length;
                let nodes = graph.distance.keys().copied();
                nodes.filter(apart).filter(near).collect()
            } else {
                graph.next_on_shortest(at)
            };
            let to = choices[stream.below(choices.len() as u32) as usize];
            text.push_str(&format!("{at}{to}{STEP}"));
            at = to;
            moves += 1;
        }
        format!("{text}{ANSWER}{moves}")
    }
}

impl Kind for Graph {
    type State = State;

    fn alphabet(&self) -> &'static str {
        "abcdefghijkl0123456789,?;A"
    }

    fn max_prompt_tokens(&self) -> u32 {
        1 + 3 * (self.largest() - 1 + self.extra_edges) + 3
    }

    fn longest_chain(&self) -> u32 {
        3 * self.max_length + 3
    }

    /// First the path, then the other nodes hung on as a tree, then edges that
    /// make the path no shorter.
    fn draw(&self, range: Range, stream: &mut Stream) -> Problem {
        let (low, high) = range.pick(
            (self.min_nodes, self.max_nodes),
            (self.pretrain_min_nodes, self.pretrain_max_nodes),
            (self.ood_min_nodes, self.ood_max_nodes),
        );
        let length = stream.between(self.min_length, self.max_length);
        let count = stream.between(low, high) as usize;
        let mut nodes: Vec<char> = NODES.chars().take(self.largest() as usize).collect();
        stream.shuffle(&mut nodes);
        let nodes = &nodes[..count];
        let (source, target) = (nodes[0], nodes[length as usize]);
        let mut list: Vec<(char, char)> = vec![];
        for (i, node) in nodes.iter().enumerate().skip(1) {
            let parent = match i as u32 <= length {
                true => i - 1,
                false => stream.below(i as u32) as usize,
            };
            list.push((nodes[parent], *node));
        }
        for _ in 0..self.extra_edges {
            let a = nodes[stream.below(count as u32) as usize];
            let b = nodes[stream.below(count as u32) as usize];
            let known = |edge: &(char, char)| *edge == (a, b) || *edge == (b, a);
            if a == b || list.iter().any(known) {
                continue;
            }
            list.push((a, b));
            let both = list.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
            if distances(&both.collect(), target).get(&source) != Some(&length) {
                list.pop();
            }
        }
        stream.shuffle(&mut list);
        let mut prompt = String::new();
        for (a, b) in list {
            let (a, b) = if stream.below(2) == 0 { (a, b) } else { (b, a) };
            prompt.push_str(&format!("{a}{b},"));
        }
        Problem {
            prompt: format!("{prompt}?{source}{target}"),
            gold: length.to_string(),
            difficulty: length,
        }
    }

    /// Edges in one order and direction; a path has the same length both ways.
    fn canonical(&self, prompt: &str) -> String {
        let sorted = |pair: &str| {
            let mut pair: Vec<char> = pair.chars().collect();
            pair.sort_unstable();
            pair.into_iter().collect::<String>()
        };
        let mut parts: Vec<String> = prompt.split(',').map(sorted).collect();
        parts.sort_unstable();
        parts.join(",")
    }

    fn long_chain(&self, problem: &Problem, _p_recheck: f64, stream: &mut Stream) -> String {
        self.write(problem, None, stream)
    }

    /// One step before the target at the latest: from there a node is always apart.
    fn wrong_chain(&self, problem: &Problem, stream: &mut Stream) -> String {
        let fault = stream.below(problem.difficulty - 1);
        self.write(problem, Some(fault), stream)
    }

    fn start(&self, problem: &Problem) -> State {
        let graph = Parsed::new(&problem.prompt);
        State {
            at: graph.source,
            graph: Rc::new(graph),
            moves: 0,
        }
    }

    fn step(&self, state: &mut State, piece: &str) -> StepVerdict {
        let mut chars = piece.chars();
        let (Some(from), Some(to), None) = (chars.next(), chars.next(), chars.next()) else {
            return StepVerdict::Malformed;
        };
        if !NODES.contains(from) || !NODES.contains(to) {
            return StepVerdict::Malformed;
        }
        let here = std::mem::replace(&mut state.at, to);
        state.moves += 1;
        if from != here {
            StepVerdict::WrongCopy
        } else if !state.graph.edges.contains(&(from, to)) {
            StepVerdict::WrongResult
        } else if state.graph.next_on_shortest(from).contains(&to) {
            StepVerdict::Right
        } else {
            StepVerdict::Useless
        }
    }

    /// The moves made and those still needed are as many as a shortest path has.
    fn promising(&self, state: &State) -> bool {
        let distance = |node| state.graph.distance.get(&node).copied();
        distance(state.at).map(|rest| rest + state.moves) == distance(state.graph.source)
    }

    fn answer(&self, _problem: &Problem, text: &str) -> Option<String> {
        let digit = text.len() == 1 && text.bytes().all(|b| b.is_ascii_digit());
        digit.then(|| text.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::TaskSpec;
    use StepVerdict::{Malformed, Right, Useless, WrongCopy, WrongResult};

    #[test]
    fn each_kind_of_step_has_its_verdict() {
        // a-b-c-d and the detour b-e-c; f hangs on a.
        let problem = Problem {
            prompt: "ab,cb,be,ce,cd,af,?ad".into(),
            gold: "3".into(),
            difficulty: 3,
        };
        let task = TaskSpec::Graph(Graph::default());
        let steps = |text: &str| task.verify(&problem, text, true).steps;
        assert_eq!(steps("ab;bc;cd;A3"), [Right; 3]);
        assert_eq!(steps("ab;be;ec;cd;A4"), [Right, Useless, Right, Right]);
        assert_eq!(steps("af;fa;"), [Useless, Right]);
        assert_eq!(steps("ac;cd;A2"), [WrongResult, Right]);
        assert_eq!(steps("ab;cd;A3"), [Right, WrongCopy]);
        assert_eq!(
            steps("ab;b;bcd;zz;"),
            [Right, Malformed, Malformed, Malformed]
        );
        assert!(task.verify(&problem, "A3", true).correct);
        assert!(!task.verify(&problem, "ab;be;ec;cd;A4", true).correct);
        for (prefix, expected) in [
            ("", true),
            ("ab;bc;", true),
            ("ab;be;", false),
            ("ac;", false),
            ("af;fa;", false),
            ("ab;bc;cd;", true),
        ] {
            assert_eq!(task.reachable(&problem, prefix), expected, "{prefix}");
        }
    }
}
