//! Trees from made-up nodes: what is drawn, listed and counted.

use super::list::row;
use super::*;
use crate::pages::tests::assert_is_clean;
use assay_core::trees::{Terminal, WholeSamples};

fn node(parent: Option<usize>, visits: u32, text: &str) -> TreeNode {
    TreeNode {
        parent,
        text: text.into(),
        draws: 1,
        prior: 0.5,
        visits,
        total: f64::from(visits) * 0.31,
        value: Some(0.3),
        sampled: 4,
        terminal: None,
        depth: 0,
        reachable: true,
    }
}

fn tree(nodes: Vec<TreeNode>) -> StoredTree {
    let text = serde_json::to_string(&StoredTree {
        prompt: "7*3-8+5=".into(),
        gold: "8".into(),
        nodes,
        simulations: Some(1_024),
        exhausted: Some(false),
        cost: Some(Cost {
            tokens: 5e4,
            flops: 3e9,
            device_ms: 0.0,
        }),
        answered: Some(0.0),
        whole: Some(WholeSamples {
            n: 64,
            cost: Cost::default(),
            right: 9,
            picked: Picked::ByValue,
            correct: true,
            capped: false,
        }),
    });
    StoredTree::read(&text.unwrap()).unwrap()
}

fn render(of: &StoredTree, view: View) -> String {
    let page = TreePage::new(
        Shell::plain("Tree"),
        RunId(uuid::Uuid::nil()),
        "4-1".into(),
        "decode",
        of,
        view,
    );
    let text = page.render().unwrap();
    assert_is_clean(&text);
    assert_eq!(text.matches("<ul").count(), text.matches("</ul>").count());
    assert_eq!(
        text.matches("<details").count(),
        text.matches("</details>").count()
    );
    let items = text.matches("<li>").count() + text.matches("<li ").count();
    assert_eq!(items, text.matches("</li>").count());
    text
}

/// The root, 40 children of it, and five children of each of them.
fn wide() -> StoredTree {
    let mut nodes = vec![node(None, 1_024, "")];
    nodes.extend((0..40).map(|i| node(Some(0), 40 - i, "7*3=1;")));
    for parent in 1..=40 {
        nodes.extend((0..5).map(|_| node(Some(parent), 1, "A8")));
    }
    tree(nodes)
}

#[test]
fn the_header_compares_with_whole_samples_of_the_same_cost() {
    let text = render(&wide(), View::default());
    for words in [
        "1,024",
        "3.00 G FLOPs, 50.0 k tokens",
        "64 whole samples (0 FLOPs, 0 tokens), 9 right; the one that the value source scores highest is right",
        "wrong or none",
        "hidden: 41 nodes, ",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // And the point of the calibration.
    assert_eq!(text.matches("<circle").count(), DRAWN + 1);
    // All nodes are valued alike: one bin, its point and its row.
    assert_eq!(text.matches("class=\"cal\"").count(), 1);
    assert!(text.contains("<th scope=\"row\">0.3 to 0.4</th><td class=\"n\">241</td>"));
    let mut old = wide();
    old.whole = None;
    assert!(render(&old, View::default()).contains("not measured"));
}

#[test]
fn the_list_holds_the_nodes_of_the_picture_and_names_what_is_hidden() {
    let of = wide();
    let text = render(&of, View::default());
    for index in of.most_visited(0, DRAWN) {
        assert!(text.contains(&format!("id=\"n{index}\"")), "node {index}");
    }
    assert!(text.contains("more below it, not drawn"));
    assert!(text.contains("N 40 · Q 0.310 · prior 0.500"));
}

#[test]
fn a_node_tells_its_numbers_and_the_picture_can_begin_there() {
    let mut of = wide();
    of.nodes[45].terminal = Some(Terminal {
        answer: Some("8".into()),
        correct: true,
        ended: true,
    });
    let text = render(&of, View { node: 1, from: 0 });
    assert!(text.contains("<h2>Node 1</h2>") && text.contains("from=1&#38;node=1"));
    let text = render(&of, View { node: 45, from: 1 });
    assert!(text.contains("Ends here: answer 8, right") && text.contains("7*3=1;A8"));
    assert!(text.contains("Every node from node 1 on is drawn"));
    assert_eq!(text.matches("<circle").count(), 6 + 1);
}

#[test]
fn a_file_of_a_part_names_the_node_that_it_begins_with() {
    let of = wide();
    let said = |from: usize| {
        let shown = of.most_visited(from, DRAWN);
        files::nodes(&of, "4-1", shown.len(), from).said
    };
    assert!(
        said(1).contains("the most visited from node 1 on. "),
        "{}",
        said(1)
    );
    assert!(!said(0).contains("from node"));
}

#[test]
fn an_address_that_names_no_node_is_ignored_and_said() {
    let mut asked = Asked::read("node=999&from=-1");
    let view = View::read(&mut asked, 10);
    assert_eq!((view.node, view.from), (0, 0));
    assert_eq!(asked.ignored(), ["from=-1", "node=999"]);
}

#[test]
fn deep_wide_and_hostile_trees_leave_the_page_standing() {
    let chain: Vec<TreeNode> = (0..3_000_usize)
        .map(|i| {
            node(
                i.checked_sub(1),
                3_000 - i as u32,
                "</code><script>alert(1)</script>\u{202e}",
            )
        })
        .collect();
    let text = render(
        &tree(chain),
        View {
            node: 2_999,
            from: 0,
        },
    );
    assert!(!text.contains("<script>alert") && !text.contains('\u{202e}'));
    let mut broken = node(None, 0, &"<b>é".repeat(300_000));
    broken.total = 1e308;
    broken.value = Some(7.0);
    broken.visits = u32::MAX;
    let text = render(&tree(vec![broken]), View::default());
    assert!(text.len() < 200_000, "{} bytes", text.len());
}

#[test]
fn rows_say_what_a_file_of_old_does_not_hold() {
    let old = StoredTree {
        simulations: None,
        cost: None,
        answered: None,
        whole: None,
        ..wide()
    };
    let row = row(&Ok(old), 0, "decode", 16);
    assert_eq!(
        (row.simulations.as_str(), row.cost.as_str()),
        ("1,024", number::NONE)
    );
    assert_eq!(
        (row.answered.as_str(), row.whole.as_str()),
        ("not stored", "not measured")
    );
    assert_eq!(row.href, "trees/16-1?stage=decode");
    let bad = list::row(&Err("not a readable tree".into()), 3, "decode", 16);
    assert!(bad.error.is_some());
}

#[test]
fn the_list_pools_the_values_of_its_trees() {
    let mut other = node(None, 3, "");
    (other.value, other.reachable) = (Some(0.95), false);
    let all = [Ok(wide()), Err("broken".into()), Ok(tree(vec![other]))];
    let of = list::pooled(&all).unwrap();
    let counts: Vec<&str> = of.rows.iter().map(|b| &*b.count).collect();
    assert_eq!(counts, ["0", "0", "0", "241", "0", "0", "0", "0", "0", "1"]);
    assert_eq!(of.rows[9].observed, "0.000");
    assert!(list::pooled(&all[1..2]).is_none());
}

#[test]
fn a_prompt_and_a_path_that_are_cut_say_how_much_of_them_is_here() {
    assert!(!render(&wide(), View::default()).contains("cut: "));
    let mut of = tree(vec![
        node(None, 3, ""),
        node(Some(0), 2, &"x".repeat(15_000)),
        node(Some(1), 1, &"y".repeat(6_000)),
    ]);
    of.prompt = "p".repeat(25_000);
    let text = render(&of, View { node: 2, from: 0 });
    for words in [
        "cut: 20,000 of 25,000 characters",
        "cut: 20,000 of 21,000 characters",
    ] {
        assert_eq!(text.matches(words).count(), 1, "{words}");
    }
    let text = render(&of, View { node: 1, from: 0 });
    assert_eq!(text.matches("cut: ").count(), 1, "the prompt alone");
}
