//! The longest names, markup in everything that the front door does not see, files that judge
//! and search leave, words of people, and a model that writes what it likes. Markup in names is
//! refused at submission.

use crate::app::App;
use crate::seed::{Seeder, Until, spec};
use crate::{leave, post, runs, stored};
use assay_core::ids::ExperimentId;
use assay_core::judged::Judged;
use assay_core::ledger::Cost;
use assay_core::trees::{StoredTree, Terminal, TreeNode};
use assay_core::wire::{Claim, Record, role};
use serde_json::json;

const MARKUP: &str =
    "</pre></dd><script>alert(1)</script><img src=x onerror=alert(1)> ' \" {{7*7}}";
const DIRECTIONS: &str =
    "\u{202e}evil\u{202c} \u{2067}\u{5e9}\u{5dc} mixed \u{4e2d}\u{6587} \u{7}\u{1b}[31m";

/// Of a metric and of what a cost was for: nothing in it but what a database takes.
const NAME: &str = "odd/\u{202e}live\u{ad} <b>\u{61c}' \"\u{e0041}";

/// One arm gains less than was registered, one crashes on a seed, one has searched.
pub fn experiment(app: &App, steps: u64) -> ExperimentId {
    let wide = "W".repeat(80);
    let arms = [
        ("sft", "\" onmouseover=alert(1) x=\""),
        (
            "grpo",
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627} \u{1f9ea} {{7*7}} `$(id)`",
        ),
        ("grpo", wide.as_str()),
        ("mcts_selftrain", "\u{3a9} ' -- #[] ${x} %s \u{1f9ea}"),
    ];
    let mut experiment = spec(&arms, 5, 74);
    // More than any arm gains, so that the rule calls some unsuccessful.
    experiment.min_gain = 0.6;
    let state = app.state();
    let id = app.block_on(async {
        let name = "<img src=x onerror=alert(1)>";
        let mut seeder = Seeder::new(state.clone(), name, steps).await;
        seeder.rewrite = spoil;
        let id = seeder.submit(&experiment).await;
        let mut searched: Vec<Claim> = vec![];
        let mut grpo = 0;
        seeder
            .work_off(|claim| {
                if claim.spec.job.kind() == "mcts_selftrain" {
                    searched.push(claim.clone());
                }
                grpo += usize::from(claim.spec.job.kind() == "grpo");
                match (claim.spec.job.kind(), grpo) {
                    ("grpo", 2) => Until::Nan(0.5),
                    _ => Until::End,
                }
            })
            .await;
        for claim in &searched {
            let trees = format!("{}\nno tree at all\n", tree());
            leave(&state, &seeder, claim, role::TREES, 16, &trees).await;
            let texts = format!("{}\n{}\n", judged(), "{".repeat(5_000));
            leave(&state, &seeder, claim, role::JUDGED, 40, &texts).await;
        }
        id
    });
    say(app, id);
    id
}

fn tree() -> String {
    let mut of: StoredTree = serde_json::from_str(&stored::tree(MARKUP)).unwrap();
    (of.prompt, of.gold) = (MARKUP.into(), DIRECTIONS.into());
    of.nodes[2].text = "x".repeat(20_000);
    of.nodes.push(TreeNode {
        terminal: Some(Terminal {
            answer: Some(DIRECTIONS.into()),
            correct: false,
            ended: true,
        }),
        ..stored::node(Some(1), 2, DIRECTIONS)
    });
    serde_json::to_string(&of).unwrap()
}

fn judged() -> String {
    let mut of: Judged = serde_json::from_str(&stored::judged(0.3)).unwrap();
    of.prompt = "x".repeat(20_000);
    of.gold = MARKUP.into();
    of.completion = format!("{MARKUP}{DIRECTIONS}");
    of.steps[0].text = MARKUP.into();
    of.steps[1].text = DIRECTIONS.into();
    serde_json::to_string(&of).unwrap()
}

/// Through the interface that people use: what is refused there is not here.
fn say(app: &App, id: ExperimentId) {
    let amendment = json!({
        "question": "\" onfocus=alert(1) autofocus \u{5e9}\u{5dc}\u{5d5}\u{5dd}?",
        "note": "W".repeat(2_000),
        "reason": "' or 1=1; -- {{7*7}} \u{645}\u{631}\u{62d}\u{628}\u{627}",
    });
    post(app, &format!("/experiments/{id}/amendments"), &amendment);
    let note = json!({
        "why": MARKUP,
        "evidence": "guess",
        "tried": DIRECTIONS,
        "not_tried": "W".repeat(4_000),
        "would_change": "\u{1f469}\u{200d}\u{1f466}".repeat(400),
    });
    post(app, &format!("/experiments/{id}/arms/arm-0/notes"), &note);
    let runs = runs(app, id);
    let run = |arm: &str| runs[arm]["0"].as_str().unwrap().to_string();
    let reason = json!({ "reason": format!("{MARKUP} {DIRECTIONS}") });
    post(app, &format!("/runs/{}/exclude", run("arm-2")), &reason);
    for text in [MARKUP, DIRECTIONS, "W".repeat(4_000).as_str()] {
        let note = json!({ "text": text });
        post(app, &format!("/runs/{}/notes", run("arm-1")), &note);
    }
}

/// Markup, mixed directions, control characters, formulas that grow, a megabyte.
fn spoil(record: &mut Record) {
    if let Record::Step { metrics, .. } = record {
        metrics.insert(NAME.into(), 0.5);
    } else if let Record::Ledger { costs, .. } = record {
        let next_to_nothing = Cost {
            tokens: 1.0,
            flops: 1.0,
            device_ms: 1.0,
        };
        costs.insert(NAME.into(), next_to_nothing);
    } else if let Record::Completions { items, .. } = record {
        for item in items {
            item.prompt = "<h1>3+4</h1> \"quoted\" '; drop table run; --".into();
            item.completion = match item.index {
                0 => "</pre></article><script>alert(1)</script><img src=x onerror=alert(1)>".into(),
                1 => DIRECTIONS.into(),
                2 => r"\def\a{\a\a}\a $\def\a{\a\a}\a$ \[\begin{aligned}x&=\sqrt{2}\end{aligned}\] for $5 and $6: \boxed{\frac{\frac{1}{2}}{3}} $x^2$"
                    .into(),
                3 => "x".repeat(1 << 20),
                4 => "<a href=javascript:alert(1)>5</a> &amp; &#x3c;b&#x3e; <!-- ".into(),
                5 => "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f466}".repeat(400),
                6 => String::new(),
                _ => "Z\u{301}\u{302}\u{303}\u{304}a".repeat(200),
            };
        }
    } else if let Record::Event { text, .. } = record {
        *text = "<script>alert(1)</script> alarm \u{202e}desrever".into();
    }
}
