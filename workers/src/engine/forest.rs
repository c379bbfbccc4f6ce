//! Many trees grown in step, so that the network sees batches: one simulation of every
//! tree at a time.

use super::dataset::has_answer;
use super::generate::{GenerateOptions, generate};
use super::judge::{JudgeModel, values_of};
use super::model::Model;
use super::sample::Sampling;
use super::tokenizer::Tokenizer;
use super::tree::{Continuation, Leaf, Terminal, Tree};
use super::{EngineError, Result};
use assay_core::ledger::{Cost, forward_flops};
use assay_core::rng::{Stream, Uniform};
use assay_core::spec::ModelSpec;
use assay_core::spec::search::{Granularity, TreeParams};
use assay_core::task::{Problem, STEP, TaskSpec};
use std::collections::BTreeMap;

/// Where values come from.
#[derive(Debug)]
pub enum Values<'a> {
    /// The scalar head of the network that is sampled, at no further pass.
    Own,
    /// Another network's.
    Judge(&'a mut JudgeModel),
    /// One completion from the node, verified: training only.
    Rollout,
    /// Whether the answer can still be reached: the control.
    Oracle,
}

/// Who knows whether a finished path is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminals {
    /// The value source scores it like any other node: at test time.
    Valued,
    /// The verifier: in training, and for the oracle.
    Verified,
}

/// Root noise of self-training: share and concentration.
#[derive(Debug, Clone, Copy)]
pub struct Noise {
    pub share: f64,
    pub alpha: f64,
}

/// The network and the rules of a search.
#[derive(Debug)]
pub struct Searcher<'a> {
    pub models: &'a mut [Model],
    pub spec: &'a ModelSpec,
    pub task: &'a TaskSpec,
    pub tokenizer: &'a Tokenizer,
    pub params: &'a TreeParams,
    pub values: Values<'a>,
    pub terminals: Terminals,
    pub noise: Option<Noise>,
    pub seed: u64,
    pub micro_batch: usize,
    /// Keys the random numbers: a round, a chunk.
    pub round: u32,
}

/// Simulations in a row that only visit finished paths again, after which a tree is
/// taken as exhausted: its caps leave nothing new to sample.
const IDLE: u32 = 100;

/// A tree with its problem and what it has cost.
#[derive(Debug)]
pub struct Grown {
    pub problem: Problem,
    pub tree: Tree,
    pub cost: Cost,
    pub simulations: u32,
    pub exhausted: bool,
    /// Simulations since the last new sample.
    idle: u32,
    noise: Vec<f64>,
}

impl Searcher<'_> {
    pub fn plant(&self, problems: &[Problem]) -> Vec<Grown> {
        problems
            .iter()
            .map(|problem| {
                let prompt = self.tokenizer.prompt(&problem.prompt);
                // The prompt is processed once a tree.
                let cost = Cost {
                    tokens: prompt.len() as f64,
                    flops: self.flops(prompt.len(), 0),
                    device_ms: 0.0,
                };
                Grown {
                    tree: Tree::new(&problem.prompt, &problem.gold, prompt),
                    problem: problem.clone(),
                    cost,
                    simulations: 0,
                    exhausted: false,
                    idle: 0,
                    noise: vec![],
                }
            })
            .collect()
    }

    /// FLOPs of the tokens of a prefix after its first `known` ones, with attention to them all.
    pub(super) fn flops(&self, length: usize, known: usize) -> f64 {
        let vocab = self.spec.vocab(self.task);
        forward_flops(self.spec, vocab, length as u64)
            - forward_flops(self.spec, vocab, known as u64)
    }

    /// One simulation of every tree that `wanted` says.
    pub fn simulate(
        &mut self,
        forest: &mut [Grown],
        wanted: impl Fn(&Grown) -> bool,
    ) -> Result<bool> {
        let mut open = vec![];
        let mut busy = false;
        for (index, grown) in forest.iter_mut().enumerate() {
            if grown.exhausted || !wanted(grown) {
                continue;
            }
            let noise = self.noise.map(|n| (grown.noise.as_slice(), n.share));
            match grown.tree.select(self.params, noise) {
                Leaf::Open(node) => {
                    grown.idle = 0;
                    open.push((index, node));
                }
                Leaf::Finished(node) => {
                    let value = grown.tree.nodes[node].value.unwrap_or(0.0);
                    grown.tree.back_up(node, value);
                    grown.idle += 1;
                    grown.exhausted = grown.idle >= IDLE;
                }
                Leaf::Exhausted => {
                    grown.exhausted = true;
                    continue;
                }
            }
            grown.simulations += 1;
            busy = true;
        }
        self.expand(forest, &open)?;
        Ok(busy)
    }

    /// Samples at the given nodes, values them and what ended there, and backs up.
    fn expand(&mut self, forest: &mut [Grown], open: &[(usize, usize)]) -> Result<()> {
        if open.is_empty() {
            return Ok(());
        }
        self.value_nodes(forest, open)?;
        let token = self.params.granularity == Granularity::Token;
        // Prefixes near the limit may go on only so far: batches by what is left.
        let mut by_room: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for &(index, node) in open {
            let used = forest[index].tree.nodes[node].length;
            let left = self.params.max_completion_length as usize - used;
            by_room
                .entry(if token { 1 } else { left })
                .or_default()
                .push((index, node));
        }
        let mut finished = vec![];
        for (room, group) in by_room {
            let prefixes: Vec<Vec<i64>> = group
                .iter()
                .map(|&(index, node)| forest[index].tree.prefix(node))
                .collect();
            let options = GenerateOptions {
                samples: self.params.branching as usize,
                min_new: 0,
                max_new: room,
                sampling: Sampling {
                    temperature: self.params.temperature,
                    top_p: 1.0,
                },
                stop: (!token).then(|| self.tokenizer.encode(&STEP.to_string())[0]),
            };
            // Addressed by the trees' own counts, whatever else is in the batch.
            let purpose = format!("tree-{}-{room}", self.round);
            let key = forest[group[0].0].simulations + 100_000 * group[0].0 as u32;
            let sampled = generate(
                self.models,
                &prefixes,
                options,
                Uniform::new(self.seed, &purpose),
                key,
            )?;
            for (((index, node), prefix), samples) in group.iter().zip(&prefixes).zip(sampled) {
                let grown = &mut forest[*index];
                let before = grown.tree.text(*node);
                let used = grown.tree.nodes[*node].length;
                let mut continuations = vec![];
                for sample in samples {
                    let length = prefix.len() + sample.tokens.len();
                    grown.cost.tokens += sample.tokens.len() as f64;
                    grown.cost.flops += self.flops(length, prefix.len());
                    let text = self.tokenizer.decode(&sample.tokens);
                    let whole = format!("{before}{text}");
                    let full =
                        used + sample.tokens.len() >= self.params.max_completion_length as usize;
                    let terminal = (sample.ended || full).then(|| {
                        let verdict = self.task.verify(&grown.problem, &whole, sample.ended);
                        Terminal {
                            answer: verdict.answer,
                            correct: verdict.correct,
                            ended: sample.ended,
                        }
                    });
                    let reachable = match &terminal {
                        Some(t) => t.correct,
                        None => self.reachable(&grown.problem, &whole),
                    };
                    continuations.push(Continuation {
                        tokens: sample.tokens,
                        text,
                        terminal,
                        reachable,
                    });
                }
                let new = grown.tree.expand(*node, &continuations);
                let ended = |&&child: &&usize| grown.tree.nodes[child].terminal.is_some();
                finished.extend(new.iter().filter(ended).map(|&child| (*index, child)));
                if *node == 0
                    && let Some(noise) = self.noise
                {
                    let children = grown.tree.nodes[0].children.len();
                    let mut stream = Uniform::new(self.seed, &format!("noise-{}", self.round))
                        .stream(*index as u32, children as u32);
                    grown.noise = dirichlet(noise.alpha, children, &mut stream);
                }
            }
        }
        self.value_nodes(forest, &finished)?;
        for &(index, node) in open {
            let value = forest[index].tree.nodes[node].value.unwrap_or(0.5);
            forest[index].tree.back_up(node, value);
        }
        Ok(())
    }

    /// Oracle knowledge, at step boundaries only; between them the last boundary's holds.
    fn reachable(&self, problem: &Problem, text: &str) -> bool {
        let boundary = text.rfind(STEP).map_or("", |at| &text[..=at]);
        self.task.reachable(problem, boundary) && !has_answer(text)
            || has_answer(text) && self.task.verify(problem, text, true).correct
    }

    /// Values for nodes that have none yet.
    fn value_nodes(&mut self, forest: &mut [Grown], nodes: &[(usize, usize)]) -> Result<()> {
        let mut ask = vec![];
        for &(index, node) in nodes {
            let n = &forest[index].tree.nodes[node];
            if n.value.is_some() {
                continue;
            }
            match (&n.terminal, self.terminals) {
                (Some(t), Terminals::Verified) => {
                    let value = f64::from(u8::from(t.correct));
                    forest[index].tree.nodes[node].value = Some(value);
                }
                (Some(_), Terminals::Valued) | (None, _) => ask.push((index, node)),
            }
        }
        if ask.is_empty() {
            return Ok(());
        }
        let prefixes: Vec<Vec<i64>> = ask
            .iter()
            .map(|&(index, node)| forest[index].tree.prefix(node))
            .collect();
        let values: Vec<f64> = match &mut self.values {
            Values::Own => values_of(self.models, &prefixes, self.micro_batch)?
                .into_iter()
                .map(f64::from)
                .collect(),
            Values::Judge(judge) => {
                for (&(index, node), prefix) in ask.iter().zip(&prefixes) {
                    // What the parent's value has read already is not read again.
                    let own = forest[index].tree.nodes[node].tokens.len();
                    let known = if node == 0 { 0 } else { prefix.len() - own };
                    let cost = &mut forest[index].cost;
                    cost.tokens += (prefix.len() - known) as f64;
                    cost.flops += judge.flops(prefix.len(), known);
                }
                judge
                    .prefix_values(&prefixes)?
                    .into_iter()
                    .map(f64::from)
                    .collect()
            }
            Values::Oracle => ask
                .iter()
                .map(|&(index, node)| f64::from(u8::from(forest[index].tree.nodes[node].reachable)))
                .collect(),
            Values::Rollout => self.roll_out(forest, &ask, &prefixes)?,
        };
        for ((index, node), value) in ask.into_iter().zip(values) {
            if !value.is_finite() {
                return Err(EngineError::NotFinite {
                    metric: assay_core::metric::VALUE_LOSS,
                    step: u64::from(self.round),
                    value,
                });
            }
            forest[index].tree.nodes[node].value = Some(value);
        }
        Ok(())
    }

    /// One completion from each node, verified.
    fn roll_out(
        &mut self,
        forest: &mut [Grown],
        nodes: &[(usize, usize)],
        prefixes: &[Vec<i64>],
    ) -> Result<Vec<f64>> {
        let options = GenerateOptions {
            samples: 1,
            min_new: 0,
            max_new: self.params.max_completion_length as usize,
            sampling: Sampling {
                temperature: self.params.temperature,
                top_p: 1.0,
            },
            stop: None,
        };
        let purpose = format!("tree-rollout-{}", self.round);
        let key = forest[nodes[0].0].simulations + 100_000 * nodes[0].0 as u32;
        let uniform = Uniform::new(self.seed, &purpose);
        let sampled = generate(self.models, prefixes, options, uniform, key)?;
        let mut values = vec![];
        for ((&(index, node), prefix), samples) in nodes.iter().zip(prefixes).zip(sampled) {
            let sample = &samples[0];
            let grown = &mut forest[index];
            let length = prefix.len() + sample.tokens.len();
            grown.cost.tokens += sample.tokens.len() as f64;
            grown.cost.flops += self.flops(length, prefix.len());
            let text = format!(
                "{}{}",
                grown.tree.text(node),
                self.tokenizer.decode(&sample.tokens)
            );
            let verdict = self.task.verify(&grown.problem, &text, sample.ended);
            values.push(f64::from(u8::from(verdict.correct)));
        }
        Ok(values)
    }
}

/// A draw of the symmetric Dirichlet distribution, by normalised gamma variates
/// (Marsaglia and Tsang 2000, with their boost for a shape under 1).
fn dirichlet(alpha: f64, n: usize, stream: &mut Stream) -> Vec<f64> {
    let mut normal = {
        let mut spare: Option<f64> = None;
        move |stream: &mut Stream| {
            if let Some(value) = spare.take() {
                return value;
            }
            let radius = (-2.0 * (1.0 - stream.next_f64()).ln()).sqrt();
            let angle = std::f64::consts::TAU * stream.next_f64();
            spare = Some(radius * angle.sin());
            radius * angle.cos()
        }
    };
    let mut gamma = |stream: &mut Stream| -> f64 {
        let d = alpha + 1.0 - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = normal(stream);
            let v = (1.0 + c * x).powi(3);
            let u = 1.0 - stream.next_f64();
            if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v * (1.0 - stream.next_f64()).powf(1.0 / alpha);
            }
        }
    };
    let draws: Vec<f64> = (0..n).map(|_| gamma(stream)).collect();
    let total: f64 = draws.iter().sum();
    draws
        .iter()
        .map(|g| {
            if total > 0.0 {
                g / total
            } else {
                1.0 / n as f64
            }
        })
        .collect()
}

/// What the trees show, for the records: solved share, blow-up, missed gold children.
pub fn describe(forest: &[Grown]) -> BTreeMap<String, f64> {
    use assay_core::metric;
    let n = forest.len().max(1) as f64;
    let nodes = || forest.iter().flat_map(|g| &g.tree.nodes);
    let solved = forest
        .iter()
        .filter(|g| {
            let correct = |n: &super::tree::Node| n.terminal.as_ref().is_some_and(|t| t.correct);
            g.tree.nodes.iter().any(correct)
        })
        .count() as f64;
    let (open, missed) = forest
        .iter()
        .map(|g| g.tree.gold_misses())
        .fold((0, 0), |(a, b), (open, missed)| (a + open, b + missed));
    let tokens: f64 = forest.iter().map(|g| g.cost.tokens).sum();
    let depth = nodes().map(|n| n.depth).max().unwrap_or(0);
    let mut out = BTreeMap::from([
        (metric::SEARCH_SOLVED.to_string(), solved / n),
        (
            metric::SEARCH_STATES.to_string(),
            nodes().count() as f64 / n,
        ),
        (metric::SEARCH_DEPTH.to_string(), depth as f64),
        (metric::SEARCH_TOKENS.to_string(), tokens / n),
    ]);
    if open > 0 {
        out.insert(metric::SEARCH_GOLD_MISS.into(), missed as f64 / open as f64);
    }
    for d in 1..=depth.min(8) {
        let at = nodes().filter(|n| n.depth == d).count() as f64 / n;
        out.insert(format!("{}_depth_{d}", metric::SEARCH_STATES), at);
    }
    // The value source against what can still be reached: calibration in ten bins, and order.
    let valued: Vec<(f64, bool)> = nodes()
        .filter(|n| n.sampled > 0)
        .filter_map(|n| Some((n.value?, n.reachable)))
        .collect();
    if !valued.is_empty() {
        out.insert(metric::VALUE_CALIBRATION.into(), calibration_error(&valued));
    }
    let by_problem: Vec<Vec<(f32, bool)>> = forest
        .iter()
        .map(|g| {
            let own = g.tree.nodes.iter().filter(|n| n.sampled > 0);
            own.filter_map(|n| Some((n.value? as f32, n.reachable)))
                .collect()
        })
        .collect();
    if let Some((auc, wrong)) = super::judge::auc_within(&by_problem) {
        out.insert(metric::VALUE_AUC.into(), auc);
        out.insert(metric::VALUE_WRONG_NODES.into(), wrong as f64);
    }
    out
}

/// Expected calibration error in ten equal bins (Guo et al. 2017, eq. 3).
fn calibration_error(valued: &[(f64, bool)]) -> f64 {
    let mut bins = [(0.0, 0.0, 0.0); 10];
    for (value, truth) in valued {
        let bin = &mut bins[((value * 10.0) as usize).min(9)];
        bin.0 += 1.0;
        bin.1 += value;
        bin.2 += f64::from(u8::from(*truth));
    }
    let error: f64 = bins.iter().map(|(_, v, t)| (v - t).abs()).sum();
    error / valued.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_error_agrees_with_a_hand_computed_case() {
        // Bin .9: values .9 and .95, one true; bin .1: .1, false.
        let valued = [(0.9, true), (0.95, false), (0.1, false)];
        let expected = ((1.85_f64 - 1.0).abs() + 0.1) / 3.0;
        assert!((calibration_error(&valued) - expected).abs() < 1e-12);
    }

    fn valued(nodes: &[(f64, bool)]) -> Grown {
        let mut tree = Tree::new("p", "g", vec![1]);
        let below: Vec<Continuation> = (0..)
            .zip(nodes)
            .map(|(token, (_, reachable))| Continuation {
                tokens: vec![token],
                text: format!("{token};"),
                terminal: None,
                reachable: *reachable,
            })
            .collect();
        tree.expand(0, &below);
        for (node, (value, _)) in tree.nodes[1..].iter_mut().zip(nodes) {
            node.value = Some(*value);
            node.sampled = 1;
        }
        Grown {
            problem: Problem {
                prompt: "p".into(),
                gold: "g".into(),
                difficulty: 1,
            },
            tree,
            cost: Cost::default(),
            simulations: 1,
            exhausted: false,
            idle: 0,
            noise: vec![],
        }
    }

    #[test]
    fn an_auc_of_values_is_recorded_with_the_wrong_nodes_behind_it() {
        use assay_core::metric;
        // Right .9 and .4 around a wrong .5; a wrong one alone is in no pair.
        let pair = valued(&[(0.9, true), (0.4, true), (0.5, false)]);
        let alone = valued(&[(0.1, false)]);
        let out = describe(&[pair, alone]);
        assert_eq!(out.get(metric::VALUE_AUC), Some(&0.5));
        assert_eq!(out.get(metric::VALUE_WRONG_NODES), Some(&1.0));
        let out = describe(&[valued(&[(0.1, false)])]);
        let both = [metric::VALUE_AUC, metric::VALUE_WRONG_NODES];
        assert!(both.iter().all(|name| !out.contains_key(*name)), "{out:?}");
    }

    #[test]
    fn dirichlet_draws_have_the_mean_and_spread_of_the_distribution() {
        let uniform = Uniform::new(3, "noise");
        let (n, alpha, draws) = (4, 0.5, 20_000);
        let mut sums = [0.0; 2];
        for i in 0..draws {
            let d = dirichlet(alpha, n, &mut uniform.stream(i, 0));
            assert!((d.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            sums[0] += d[0];
            sums[1] += d[0] * d[0];
        }
        let mean = sums[0] / f64::from(draws);
        let variance = sums[1] / f64::from(draws) - mean * mean;
        // Mean 1/n; variance (1/n)(1 - 1/n) / (n alpha + 1) = .1875 / 3.
        assert!((mean - 0.25).abs() < 0.01, "{mean}");
        assert!((variance - 0.0625).abs() < 0.005, "{variance}");
    }
}
