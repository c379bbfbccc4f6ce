//! A server with made-up experiments, for the browser tests, the budget of the page and
//! screenshots. Says in one line of JSON where it listens and what it holds, and serves
//! until its input ends. Everything gets in by the store's own functions, as it would
//! from a worker.

#[allow(dead_code, reason = "shared with the HTTP tests, which use more of it")]
#[path = "../http/app.rs"]
mod app;
mod hostile;
#[path = "../pages/lasting.rs"]
mod lasting;
#[allow(dead_code, reason = "shared with the tests of the pages")]
#[path = "../pages/numbers.rs"]
mod numbers;
#[allow(dead_code, reason = "shared with the tests of the pages")]
#[path = "../pages/seed.rs"]
mod seed;
#[allow(
    dead_code,
    reason = "shared with the tests of the pages, which use more of it"
)]
#[path = "../pages/stored.rs"]
mod stored;

use app::App;
use assay::state::AppState;
use assay_core::ids::{AttemptRef, ExperimentId, WorkerId};
use assay_core::spec::Experiment;
use assay_core::trees::{StoredTree, Terminal, TreeNode};
use assay_core::wire::{Claim, HEARTBEAT_SECONDS, Record, role};
use assay_store as store;
use clap::Parser;
use seed::{Seeder, Until, decoding, spec};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc;
use std::time::Duration;

#[derive(Parser)]
struct Args {
    /// Steps of every training stage
    #[arg(long, default_value_t = 200)]
    steps: u64,
    /// The experiment of twelve arms alone
    #[arg(long)]
    twelve: bool,
    /// One run of so many steps alone
    #[arg(long, conflicts_with = "twelve")]
    lasting: Option<u64>,
}

fn main() {
    let args = Args::parse();
    let app = App::start();
    let mut ids = match args.lasting {
        Some(steps) => BTreeMap::from([("lasting", lasting::lasting(&app, steps))]),
        None => BTreeMap::from([("twelve", twelve(&app, args.steps))]),
    };
    let (mut open, mut kept) = (vec![], None);
    if !args.twelve && args.lasting.is_none() {
        let decoded = decoders(&app, args.steps);
        kept = Some(keep(&app, decoded));
        ids.insert("decoders", decoded);
        ids.insert("many", many(&app));
        ids.insert("hostile", hostile::experiment(&app, args.steps));
        let (half, left) = half_finished(&app, args.steps);
        say(&app, half);
        ids.insert("half", half);
        open = left;
        ids.insert("waiting", waiting(&app));
    }
    let runs: BTreeMap<&str, Value> = ids.iter().map(|(k, id)| (*k, runs(&app, *id))).collect();
    println!(
        "{}",
        json!({ "url": app.url, "steps": args.steps, "experiments": ids, "runs": runs, "kept": kept })
    );
    serve(&app, &open);
}

type Held = (WorkerId, AttemptRef);

/// Until the input ends. What was left running keeps its leases, or the server would
/// give it to the next worker.
fn serve(app: &App, open: &[Held]) {
    let state = app.state();
    let (ended, end) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut vec![]);
        drop(ended);
    });
    let pause = Duration::from_secs(HEARTBEAT_SECONDS);
    while end.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
        app.block_on(async {
            let mut conn = state.conn().await.unwrap();
            for (worker, attempt) in open {
                let _ = store::heartbeat(&mut conn, *worker, *attempt, None).await;
            }
        });
    }
}

/// By arm and seed, from the API.
fn runs(app: &App, id: ExperimentId) -> Value {
    let view = app.get(&format!("/api/v1/experiments/{id}")).json();
    let mut arms: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for run in view["runs"].as_array().unwrap() {
        let arm = run["arm"]["key"].as_str().unwrap().to_string();
        let seeds = arms.entry(arm).or_default();
        seeds.insert(run["seed"].to_string(), run["id"].clone());
    }
    json!(arms)
}

fn seeded(app: &App, worker: &str, steps: u64, experiment: &Experiment) -> ExperimentId {
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state, worker, steps).await;
        let id = seeder.submit(experiment).await;
        seeder.work_off(|_| Until::End).await;
        id
    })
}

/// Twelve arms on five seeds, among them some that come out better, worse and alike. Their
/// searches have left trees, and their judges texts.
fn twelve(app: &App, steps: u64) -> ExperimentId {
    let experiment = Experiment::from_text(TWELVE).unwrap_or_else(|v| panic!("{v}"));
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state.clone(), "seeder", steps).await;
        let id = seeder.submit(&experiment).await;
        let mut claims: Vec<Claim> = vec![];
        seeder
            .work_off(|claim| {
                claims.push(claim.clone());
                Until::End
            })
            .await;
        for claim in &claims {
            let (of, step, text) = match claim.spec.job.kind() {
                "mcts_selftrain" => {
                    let lines = format!("{}\n{}\n", grown(), stored::tree("7*3=1;"));
                    (role::TREES, 16, lines)
                }
                "prm_train" => {
                    let scores = [0.91, 0.2, 0.55, 0.7].map(stored::judged);
                    (role::JUDGED, 40, scores.join("\n") + "\n")
                }
                _ => continue,
            };
            leave(&state, &seeder, claim, of, step, &text).await;
        }
        id
    })
}

/// Stores a file for a stage that has ended.
async fn leave(state: &AppState, seeder: &Seeder, claim: &Claim, of: &str, step: u64, lines: &str) {
    let record = stored::put(state, of, step, lines.as_bytes()).await;
    let Record::Artifact { sha256, .. } = record else {
        unreachable!()
    };
    let at = AttemptRef {
        stage: claim.stage,
        number: claim.attempt,
    };
    seeder.refer(at, of, step as i64, &sha256).await;
}

/// Keeps the present state, as the button on its page does; its hash.
fn keep(app: &App, id: ExperimentId) -> String {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("origin", app.url.as_str()),
    ];
    let path = format!("/experiments/{id}/cite");
    let answer = app.send("POST", &path, &headers, String::from("view="));
    assert_eq!(answer.status, 303, "{}", answer.text);
    let (_, hash) = answer.header("location").rsplit_once("snap=").unwrap();
    hash.to_string()
}

/// Posts to the REST interface what a person says there.
fn post(app: &App, path: &str, body: &Value) {
    let body = body.to_string();
    let answer = app.post(
        &format!("/api/v1{path}"),
        "application/json",
        body.as_bytes(),
    );
    assert_eq!(answer.status / 100, 2, "{path}: {}", answer.text);
}

/// What people have said since it began: another hypothesis, a run left out, a note.
fn say(app: &App, id: ExperimentId) {
    let amendment = json!({
        "hypothesis": "GRPO keeps the long form only while its entropy stays high.",
        "note": "Read before the second half.",
        "reason": "One seed has collapsed.",
    });
    post(app, &format!("/experiments/{id}/amendments"), &amendment);
    let runs = runs(app, id);
    let run = runs["arm-0"]["1"].as_str().unwrap();
    let reason = json!({ "reason": "Its machine was shared with another program." });
    post(app, &format!("/runs/{run}/exclude"), &reason);
    let note = json!({ "text": "The disk was full.\nTwice." });
    post(app, &format!("/runs/{run}/notes"), &note);
}

/// More seeds than a drawing has lines for; short, for nobody reads its curves.
fn many(app: &App) -> ExperimentId {
    let arms = [
        ("sft", "SFT, many seeds"),
        ("grpo", "GRPO, many seeds"),
        ("grpo", "GRPO, many seeds, faster"),
    ];
    seeded(app, "w-4", 20, &spec(&arms, 22, 75))
}

/// A tree with ends of both kinds, and with values that are too high.
fn grown() -> String {
    let node = |parent, visits, text: &str, value: f64, reachable| TreeNode {
        value: Some(value),
        reachable,
        ..stored::node(parent, visits, text)
    };
    let mut nodes = vec![node(None, 64, "", 0.6, true)];
    for i in 0..6_u32 {
        let value = f64::from(i) * 0.18 + 0.05;
        nodes.push(node(Some(0), 12 - i, "7*3=1;", value, i > 3));
    }
    for parent in 1..=6_usize {
        for i in 0..3_u32 {
            let value = (0.15 * parent as f64 + 0.1 * f64::from(i)).min(1.0);
            let mut leaf = node(Some(parent), 3 - i, "1-8=3;A8", value, parent > 4);
            leaf.terminal = (i == 0).then(|| Terminal {
                answer: Some("8".into()),
                correct: parent > 4,
                ended: true,
            });
            nodes.push(leaf);
        }
    }
    serde_json::to_string(&StoredTree {
        prompt: "7*3-8+5=".into(),
        gold: "8".into(),
        nodes,
        simulations: Some(64),
        exhausted: Some(false),
        cost: None,
        answered: Some(1.0),
        whole: None,
    })
    .unwrap()
}

const TWELVE: &str = "
name: Twelve recipes (made-up numbers, for looking at pages)
question: Which recipe makes a small base model reason best at equal training compute?
hypothesis: GRPO from the base finds the long form; process rewards and tree search end below it.
task: { name: modchain }
base_seeds: per_seed
seeds: 5
budget: { unit: flops, amount: 4.0e+11 }
baseline: zero
margin: 0.05
min_gain: 0.02
required_attempts: { prm: prm-rl, mcts: selftrain }
contrasts:
  - { arm: zero, against: base }
  - { arm: sft-few, against: zero }
  - { arm: sft-many, against: zero }
  - { arm: cold-start, against: zero }
  - { arm: four-stages, against: zero }
  - { arm: no-length, against: zero }
  - { arm: clip-higher, against: zero }
  - { arm: distilled, against: zero }
  - { arm: prm-rl, against: zero }
  - { arm: selftrain, against: zero }
  - { arm: rejection, against: zero }
evaluation: { problems: 64, samples: 8, validation_problems: 16 }
stages:
  - { id: base, kind: pretrain, model: {} }
arms:
  - { id: base, label: Base model, policy: base }
  - { id: zero, label: R1-Zero (GRPO from the base), stages: [{ id: grpo, kind: grpo, learning_rate: 8.0e-4, inputs: { init: base } }] }
  - { id: sft-few, label: SFT on 24 clean chains, stages: [{ id: sft, kind: sft, demonstrations: 24, inputs: { init: base } }] }
  - { id: sft-many, label: SFT on 500 clean chains, stages: [{ id: sft, kind: sft, demonstrations: 500, inputs: { init: base } }] }
  - id: cold-start
    label: Cold start, then GRPO
    stages:
      - { id: sft, kind: sft, share: 0.05, inputs: { init: base } }
      - { id: grpo, kind: grpo, share: 0.95, learning_rate: 9.0e-4, inputs: { init: sft } }
  - id: four-stages
    label: R1 (four stages)
    stages:
      - { id: sft, kind: sft, share: 0.05, inputs: { init: base } }
      - { id: grpo, kind: grpo, share: 0.45, learning_rate: 8.0e-4, inputs: { init: sft } }
      - { id: sample, kind: rejection_sample, share: 0.1, inputs: { init: grpo } }
      - { id: sft2, kind: sft, share: 0.1, inputs: { init: base, data: sample } }
      - { id: grpo2, kind: grpo, share: 0.3, learning_rate: 1.3e-3, inputs: { init: sft2 } }
  - { id: no-length, label: GRPO without a length term, stages: [{ id: grpo, kind: grpo, learning_rate: 7.5e-4, inputs: { init: base } }] }
  - { id: clip-higher, label: GRPO with a higher upper clip, stages: [{ id: grpo, kind: grpo, learning_rate: 8.2e-4, inputs: { init: base } }] }
  - { id: distilled, label: Distilled from R1-Zero, stages: [{ id: distill, kind: distill, learning_rate: 6.0e-4, inputs: { init: base, teacher: zero/grpo } }] }
  - id: prm-rl
    label: RL on a process reward (PRM)
    stages:
      - { id: labels, kind: prm_label, share: 0.15, inputs: { init: base } }
      - { id: prm, kind: prm_train, share: 0.1, inputs: { init: base, data: labels } }
      - { id: grpo, kind: grpo, share: 0.75, learning_rate: 1.0e-4, rewards: [{ component: prm, credit: min }], inputs: { init: base, prm: prm } }
  - { id: selftrain, label: Self-training by tree search (MCTS), stages: [{ id: selftrain, kind: mcts_selftrain, learning_rate: 1.0e-4, inputs: { init: base } }] }
  - id: rejection
    label: Rejection sampling (RFT)
    stages:
      - { id: sample, kind: rejection_sample, share: 0.4, inputs: { init: base } }
      - { id: sft, kind: sft, share: 0.6, inputs: { init: base, data: sample } }
";

/// Several decoders of one policy, beside arms that train.
fn decoders(app: &App, steps: u64) -> ExperimentId {
    seeded(app, "seeder", steps, &decoding(5, 71, false))
}

/// One seed has finished, one has crashed, the others are on their way; `open` are the
/// attempts that still run.
fn half_finished(app: &App, steps: u64) -> (ExperimentId, Vec<Held>) {
    let arms = [
        ("sft", "SFT on clean chains"),
        ("grpo", "GRPO from the base"),
    ];
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state, "w-2", steps).await;
        let id = seeder.submit(&spec(&arms, 4, 72)).await;
        let (mut grpo, mut open) = (0, vec![]);
        let worker = seeder.worker;
        seeder
            .work_off(|claim| {
                grpo += usize::from(claim.spec.job.kind() == "grpo");
                match (claim.spec.job.kind(), grpo) {
                    ("grpo", 2) => Until::Nan(0.55),
                    ("grpo", 3..) => {
                        open.push((
                            worker,
                            AttemptRef {
                                stage: claim.stage,
                                number: claim.attempt,
                            },
                        ));
                        Until::Share(0.4)
                    }
                    _ => Until::End,
                }
            })
            .await;
        (id, open)
    })
}

/// Nothing of it has begun: no worker asks for work any more. It has registered no attempts, so
/// that its verdict is withheld.
fn waiting(app: &App) -> ExperimentId {
    let arms = [("sft", "SFT, later"), ("grpo", "GRPO, later")];
    let state = app.state();
    app.block_on(async {
        let seeder = Seeder::new(state, "w-3", 1).await;
        let mut experiment = spec(&arms, 3, 73);
        experiment.required_attempts.clear();
        seeder.submit(&experiment).await
    })
}
