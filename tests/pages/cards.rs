//! What stands on the card of each kind of attempt: its own curves and its own texts.

use crate::app::App;
use crate::decoders::seeded;
use crate::graveyard::card;
use crate::page;
use crate::seed::{Seeder, Until};
use crate::stored::{put, raw};
use assay_core::ids::{AttemptRef, ExperimentId};
use assay_core::recipe::EVAL;
use assay_core::spec::Experiment;
use assay_core::task::Problem;
use assay_core::wire::{Record, role};
use assay_store as store;
use serde_json::{Value, json};

/// Every arm but two has a card, whatever comes out.
const KINDS: &str = "
name: Cards
question: What stands on the card of each kind of attempt?
task: { name: modchain }
base_seeds: per_seed
seeds: 5
root_seed: 5
budget: { unit: flops, amount: 4.0e+11 }
baseline: zero
contrasts: [{ arm: sft, against: zero }, { arm: selftrain, against: zero }, { arm: student, against: zero }, { arm: tree, against: majority }]
required_attempts: { rl: zero, sft: sft, mcts: selftrain, student: student, tree: tree, prm: alone }
evaluation: { problems: 16, samples: 8, validation_problems: 16 }
stages:
  - { id: base, kind: pretrain, model: {} }
arms:
  - { id: base, label: Base model, policy: base }
  - { id: zero, label: R1-Zero, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: sft, label: SFT alone, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }
  - { id: selftrain, label: Self-training, stages: [{ id: selftrain, kind: mcts_selftrain, learning_rate: 1.0e-4, inputs: { init: base } }] }
  - { id: student, label: Distilled, stages: [{ id: distill, kind: distill, inputs: { init: base, teacher: zero/grpo } }] }
  - { id: majority, label: Majority of samples, stages: [{ id: vote, kind: search, levels: [1, 4, 16], problems: 64, inputs: { init: zero/grpo } }] }
  - { id: tree, label: Tree search, stages: [{ id: tree, kind: mcts, levels: [4, 16], problems: 64, inputs: { init: zero/grpo } }] }
  - { id: alone, label: Longest sample, stages: [{ id: longest, kind: search, method: longest, levels: [4, 16], problems: 64, inputs: { init: zero/grpo } }] }";

/// The questions of the made-up examinations, by their number.
fn asked(n: u64) -> Problem {
    Problem {
        prompt: format!("asked {n}"),
        gold: "5".into(),
        difficulty: 3,
    }
}

fn name_questions(record: &mut Record) {
    if let Record::Evaluation(of) = record {
        for item in &mut of.items {
            item.problem = asked(item.problem).key();
        }
    }
}

/// The file of an evaluation: a line a question.
fn texts(arm: &str, seed: u64) -> String {
    let line = |n: u64| {
        json!({
            "prompt": asked(n).prompt,
            "gold": "5",
            "completions": [format!("{arm} {seed} answers {n} </pre><b>"), "another answer"],
        })
    };
    (0..8).map(|n| format!("{}\n", line(n))).collect()
}

/// All runs have finished, and final evaluations have left their texts; those of the student
/// cannot be read.
fn finished(app: &App) -> ExperimentId {
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state.clone(), "w-1", 50).await;
        seeder.rewrite = name_questions;
        let experiment = Experiment::from_text(KINDS).unwrap_or_else(|v| panic!("{v}"));
        let id = seeder.submit(&experiment).await;
        seeder.work_off(|_| Until::End).await;
        let runs = store::list_runs(&mut state.conn().await.unwrap(), id)
            .await
            .unwrap();
        for run in &runs {
            let Some(stage) = run.stages.iter().find(|s| s.name == EVAL) else {
                continue;
            };
            let record = match run.arm.key.as_str() {
                "student" => raw(&state, role::SAMPLES, 0, b"no gzip").await,
                arm => {
                    let lines = texts(arm, run.seed);
                    put(&state, role::SAMPLES, 0, lines.as_bytes()).await
                }
            };
            let Record::Artifact { sha256, .. } = record else {
                unreachable!()
            };
            let at = AttemptRef {
                stage: stage.stage,
                number: stage.attempts,
            };
            seeder.refer(at, role::SAMPLES, 0, &sha256).await;
        }
        id
    })
}

fn leave_out(app: &App, id: ExperimentId, arm: &str, seeds: &[u64]) {
    let runs = app.get(&format!("/api/v1/experiments/{id}")).json()["runs"].clone();
    let is_asked = |run: &&Value| {
        let seed = run["seed"].as_u64().unwrap();
        run["arm"]["key"] == arm && seeds.contains(&seed)
    };
    for run in runs.as_array().unwrap().iter().filter(is_asked) {
        let path = format!("/api/v1/runs/{}/exclude", run["id"].as_str().unwrap());
        let body = br#"{"reason": "The disk was full."}"#;
        let answer = app.post(&path, "application/json", body);
        assert!(answer.status < 300, "{}", answer.text);
    }
}

#[test]
fn a_card_shows_texts_of_its_own_arm_and_of_a_run_that_counts() {
    let app = App::start();
    let id = finished(&app);
    let read = || page(&app, &format!("/experiments/{id}/graveyard"));
    let text = read();
    let zero = card(&text, "zero");
    let last = "What it wrote last (6 as stored, seed 0, stage grpo, in the order of their batch)</summary>";
    assert!(zero.contains(last), "{zero}");
    assert_eq!(zero.matches("<article>").count(), 6);
    // What training has stored goes before what the evaluation has.
    assert!(!zero.contains("zero 0 answers"), "{zero}");
    // Without samples of training: the evaluation's.
    for arm in ["sft", "selftrain"] {
        let own = card(&text, arm);
        for words in [
            "What it wrote in its final evaluation (6 as stored, seed 0, test split, the first answer to each of the first questions)</summary>",
            "asked 0</pre>",
            &format!("{arm} 0 answers 0 &#60;/pre&#62;&#60;b&#62;</pre>"),
            &format!("{arm} 0 answers 5 "),
            "question 6, ",
        ] {
            assert!(own.contains(words), "{words} not in {own}");
        }
        let graded = |verdict: &str| own.contains(&format!("question 1, {verdict}, "));
        assert!(graded("correct") || graded("wrong"), "{own}");
        for words in ["answers 6", "another answer", "What it wrote last"] {
            assert!(!own.contains(words), "{words} in {own}");
        }
    }
    // Its run names the teacher's training, which is not what it wrote.
    let broken = "No text is shown: the file cannot be read to its end.";
    let decoder = "answers the marks are stored, not the texts. The trees of a tree search";
    for (arm, words) in [("student", broken), ("tree", decoder), ("alone", decoder)] {
        let own = card(&text, arm);
        assert!(own.contains(words), "{words} not in {own}");
        assert!(!own.contains("What it wrote") && !own.contains("<article>"));
    }

    for arm in ["zero", "sft"] {
        leave_out(&app, id, arm, &[0]);
    }
    leave_out(&app, id, "selftrain", &[0, 1, 2, 3, 4]);
    let text = read();
    let zero = card(&text, "zero");
    assert!(
        zero.contains("(6 as stored, seed 1, stage grpo, "),
        "{zero}"
    );
    let sft = card(&text, "sft");
    assert!(
        sft.contains("sft 1 answers 0") && !sft.contains("sft 0 answers"),
        "{sft}"
    );
    let none = card(&text, "selftrain");
    let words = "No text is shown: none of its runs has finished and counts.";
    assert!(
        none.contains(words) && !none.contains("<article>"),
        "{none}"
    );
}

/// Whose lines a card draws, in the order of their ids.
fn lines(card: &str) -> Vec<&str> {
    let labels = card.split(" lb\" data-arm=\"").skip(1);
    let mut arms: Vec<&str> = labels.map(|l| l.split('"').next().unwrap()).collect();
    arms.sort_unstable();
    arms
}

#[test]
fn every_kind_of_card_has_the_curves_of_its_arm_and_of_its_comparator() {
    let app = App::start();
    let id = finished(&app);
    let text = page(&app, &format!("/experiments/{id}/graveyard"));
    for (arm, drawn) in [
        ("sft", &["sft", "zero"][..]),
        ("selftrain", &["selftrain", "zero"][..]),
        ("student", &["student", "zero"][..]),
        ("tree", &["majority", "tree"][..]),
        // Nothing was registered that it is compared with.
        ("alone", &["alone"][..]),
    ] {
        let own = card(&text, arm);
        assert_eq!(lines(own), drawn, "{own}");
    }
    // A decoder's along its levels, as the experiment's page has them.
    let tree = card(&text, "tree");
    let src = format!("/experiments/{id}/decoders-0.json?only=tree,majority");
    for words in [
        "cost of inference a question, in samples of R1-Zero (zero/grpo)</text>",
        "Equal inference: one policy, answered from at the cost of so many of its samples",
        "<td class=\"num\">1 sample: ",
        "; 16 samples: ",
        &format!("data-src=\"{src}\""),
        &format!("/experiments/{id}/graveyard/tree/course.svg"),
    ] {
        assert!(tree.contains(words), "{words} not in {tree}");
    }
    let series = app.get(&src).json()["series"].clone();
    let series = series.as_array().unwrap();
    assert_eq!(series.len(), 2);

    let own = |file: &str| app.get(&format!("/experiments/{id}/graveyard/{file}"));
    let course = own("tree/course.json").json();
    let basis = "equal inference: decoders of R1-Zero (zero/grpo), a question at the cost of so many of its samples";
    assert_eq!(course["basis"], basis);
    assert!(own("tree/course.csv").text.contains(basis));
    assert!(!own("sft/course.csv").text.contains("equal inference"));
    let at = |label: &str| -> Vec<f64> {
        let rows = course["rows"].as_array().unwrap().iter();
        let means = rows.filter(|r| r["label"] == label && r["seed"].is_null());
        means.map(|r| r["x"].as_f64().unwrap()).collect()
    };
    assert_eq!(at("Tree search"), [4.0, 16.0]);
    assert_eq!(at("Majority of samples"), [1.0, 4.0, 16.0]);
    // The means are those of the experiment's figure.
    let found = series.iter().find(|s| s["arm"] == "tree").unwrap();
    let rows = course["rows"].as_array().unwrap().iter();
    let means = rows.filter(|r| r["label"] == "Tree search" && r["seed"].is_null());
    let means: Vec<&Value> = means.map(|r| &r["value"]).collect();
    let points = found["points"].as_array().unwrap().iter();
    assert_eq!(means, points.map(|p| &p[1]).collect::<Vec<_>>());
    let index = app.get(&format!("/experiments/{id}/graveyard.json")).json();
    let files = index["files"].as_array().unwrap();
    assert!(
        files.iter().any(|file| file["name"] == "tree-course"),
        "{index}"
    );
}

#[test]
fn a_failed_arm_is_called_so_in_the_charts_of_its_card() {
    let app = App::start();
    let id = seeded(&app, 5, false, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}/graveyard"));
    let own = card(&text, "sft");
    let failed = "<title>× SFT alone (unsuccessful): ";
    assert!(
        own.contains(failed) && own.contains("<title>R1-Zero: "),
        "{own}"
    );
    // In the same words as the experiment's figures.
    assert!(page(&app, &format!("/experiments/{id}")).contains(failed));
    // The judge's score has not failed, the arm's accuracy has.
    let judged = card(&text, "judged");
    for words in [
        "<title>× validation pass@1 (unsuccessful): ",
        "<title>judge&#39;s mean score: ",
        "<th scope=\"row\">× validation pass@1 (unsuccessful)</th>",
    ] {
        assert!(judged.contains(words), "{words} not in {judged}");
    }
    let file = |ending: &str| app.get(&format!("/experiments/{id}/graveyard/sft/course.{ending}"));
    assert!(file("svg").text.contains(failed));
    // Tables have the name, and the finding in a column of its own.
    let first = file("json").json()["rows"][0].clone();
    assert_eq!(
        (&first["label"], &first["mark"]),
        (&json!("SFT alone"), &json!("unsuccessful"))
    );
    for ending in ["csv", "tex"] {
        assert!(!file(ending).text.contains("(unsuccessful)"), "{ending}");
    }
}
