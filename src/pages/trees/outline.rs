//! The drawn part of a tree as nested lists: for those who do not see the picture, and
//! without a script.

use super::{View, node};
use crate::charts::tree::quintile;
use crate::number;
use crate::pages::text;
use assay_core::trees::StoredTree;

/// One line, with what has to be opened and closed around it: browsers stop nesting
/// somewhere, templates do not recurse.
pub(super) struct Line {
    pub id: String,
    pub href: String,
    pub text: String,
    pub numbers: String,
    pub class: &'static str,
    pub ending: &'static str,
    pub chosen: bool,
    /// It has drawn children: a `details`, whose list follows.
    pub opens: bool,
    pub open: bool,
    /// Lists that end behind it.
    pub closes: usize,
    pub hidden: Option<String>,
}

/// Deeper lines stand at this depth: parsers flatten what is nested much deeper.
const NESTED: usize = 100;

pub(super) fn outline(of: &StoredTree, shown: &[usize], view: View, stage: &str) -> Vec<Line> {
    let all = of.children();
    let is_shown = |i: &usize| shown.binary_search(i).is_ok();
    let path = of.path(view.node);
    let mut out: Vec<Line> = vec![];
    let mut depths = vec![];
    // Depth first, in the order in which the nodes were found.
    let mut stack = vec![(view.from, 0_usize)];
    while let Some((i, depth)) = stack.pop() {
        let n = &of.nodes[i];
        let drawn: Vec<usize> = all[i].iter().copied().filter(is_shown).collect();
        let left = all[i].len() - drawn.len();
        let opens = !drawn.is_empty() && depth < NESTED;
        let next = if opens { depth + 1 } else { depth };
        stack.extend(drawn.iter().rev().map(|&c| (c, next)));
        depths.push(depth);
        out.push(Line {
            id: format!("n{i}"),
            href: View { node: i, ..view }.link(stage),
            text: match n.parent {
                None => "the prompt".into(),
                Some(_) => text::start(&n.text, 80),
            },
            numbers: format!(
                "N {} · Q {} · prior {}",
                number::integer(n.visits.into()),
                node::q(n),
                number::fixed(n.prior, 3)
            ),
            class: quintile(n.q()),
            ending: match &n.terminal {
                None => "",
                Some(t) if t.correct => "✓ right",
                Some(_) => "✗ wrong",
            },
            chosen: i == view.node,
            opens,
            open: depth < 2 || path.contains(&i),
            closes: 0,
            hidden: (left > 0)
                .then(|| format!("{} more below it, not drawn", number::integer(left as i64))),
        });
    }
    for (at, line) in out.iter_mut().enumerate().filter(|(_, l)| !l.opens) {
        line.closes = depths[at] - depths.get(at + 1).copied().unwrap_or(0).min(depths[at]);
    }
    out
}
