//! The whole way with the real worker: its program, real training, real faults.

use crate::app::App;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const TINY: &str = "
name: tiny
question: Does a killed worker cost more than time?
task: { name: modchain }
seeds: 2
base_seeds: shared
budget: { unit: tokens, amount: 12000 }
baseline: base
evaluation: { milestones: [50, 100], validation_problems: 4, problems: 6, samples: 2, max_completion_length: 24 }
stages:
  - id: base
    kind: pretrain
    model: { layers: 1, d_model: 16, heads: 2, kv_heads: 1, d_ff: 24, context: 64 }
    batch_size: 16
    threads: 2
    phases: [{ steps: 600, p_cot: 0.5 }]
    checkpoint_steps: 60
arms:
  - { id: base, policy: base }
  - id: grpo
    stages:
      - { id: grpo, kind: grpo, inputs: { init: base }, prompts_per_step: 4, num_generations: 4, max_completion_length: 16 }
";

/// The worker's program lies beside the server's.
fn program() -> PathBuf {
    let path = PathBuf::from(env!("CARGO_BIN_EXE_assay")).with_file_name("assay-worker");
    assert!(
        path.exists(),
        "{} is missing: cargo build --workspace",
        path.display()
    );
    path
}

struct Worker {
    child: Child,
    folder: PathBuf,
}

impl Worker {
    fn start(app: &App, name: &str) -> Self {
        let folder = app.data.join(format!("work-{name}"));
        let child = Command::new(program())
            .args([
                "run",
                "--server",
                &app.url,
                "--threads",
                "2",
                "--device",
                "cpu",
                "--name",
                name,
            ])
            .arg("--token-file")
            .arg(app.data.join("worker.token"))
            .arg("--work")
            .arg(&folder)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Training takes the time it takes; asking more often would slow it down.
fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(240);
    while !condition() {
        assert!(Instant::now() < deadline, "timed out: {what}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

#[test]
fn slow_a_killed_worker_loses_nothing_but_time() {
    let app = App::start_with("127.0.0.1:0", |config| config.max_artifact_bytes = 1 << 24);
    let id = app.submitted(TINY);
    let mut first = Worker::start(&app, "first");
    wait_for("a checkpoint with steps after it", || {
        app.count("artifact_ref where role = 'resume' and step >= 120") > 0
            && app.count("attempt where step > 120") > 0
    });
    // Its child dies with it.
    first.kill();
    app.sql("update attempt set lease_expires_at = clock_timestamp() - interval '1 second' where state = 'running'");
    let state = app.state();
    wait_for("the lost attempt is found", || {
        app.block_on(assay::background::reap_once(&state)).unwrap();
        app.count("attempt where state = 'lost'") == 1
    });
    let _second = Worker::start(&app, "second");
    wait_for("the experiment is done", || {
        app.count("job where state <> 'succeeded'") == 0
            || app.count("job where state = 'failed'") > 0
    });
    assert_eq!(app.count("job where state = 'failed'"), 0);
    // It went on from the checkpoint rather than from the start.
    assert_eq!(
        app.count("attempt where number = 2 and resumed_from_step >= 120"),
        1
    );
    assert!(app.count("ledger where purpose = 'lost'") <= app.count("ledger where attempt = 1"));

    let comparison = app.get(&format!("/api/v1/experiments/{id}/comparison"));
    assert_eq!(comparison.status, 200);
    for arm in ["base", "grpo"] {
        assert!(
            comparison.text.contains(&format!("\"{arm}\"")),
            "{}",
            comparison.text
        );
    }
    let page = app.get(&format!("/experiments/{id}"));
    assert_eq!(page.status, 200);
    assert!(page.text.contains("data-arm=\"grpo\"") && page.text.contains("2 of 2"));
    // Ten milestones of the base, each once, though the stage was begun twice.
    let base_run = app.get(&format!("/api/v1/experiments/{id}")).json()["runs"][0]["id"]
        .as_str()
        .unwrap()
        .to_string();
    let evaluations = app.get(&format!("/api/v1/runs/{base_run}/evaluations"));
    assert_eq!(
        evaluations.text.matches("\"validation\"").count(),
        10,
        "{}",
        evaluations.text
    );
}

#[test]
fn slow_a_worker_that_is_told_to_stop_saves_and_gives_the_job_back() {
    let app = App::start_with("127.0.0.1:0", |config| config.max_artifact_bytes = 1 << 24);
    app.submitted(TINY);
    let mut worker = Worker::start(&app, "stopped");
    wait_for("some steps", || app.count("attempt where step > 20") > 0);
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(worker.child.id() as i32),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    wait_for("the worker ends", || {
        worker.child.try_wait().unwrap().is_some()
    });
    assert_eq!(worker.child.wait().unwrap().code(), Some(0));
    assert_eq!(app.count("attempt where state = 'preempted'"), 1);
    assert_eq!(app.count("job where state = 'queued' and failures = 0"), 1);
    assert!(app.count("artifact_ref where role = 'resume' and step > 20") > 0);
}

/// Every kind of stage, as small as it may be.
const EVERY_KIND: &str = "
name: again
question: Does the same spec give the same answers?
task: { name: modchain }
seeds: [3, 8]
budget: { unit: flops, amount: 3.0e+8 }
baseline: base
evaluation: { milestones: [50, 100], validation_problems: 4, problems: 8, samples: 2, max_completion_length: 24 }
stages:
  - id: base
    kind: pretrain
    model: { layers: 1, d_model: 16, heads: 2, kv_heads: 1, d_ff: 24, context: 64 }
    batch_size: 16
    phases: [{ steps: 60, p_cot: 0.5 }]
arms:
  - { id: base, policy: base }
  - id: grpo
    stages:
      - { id: grpo, kind: grpo, inputs: { init: base }, prompts_per_step: 4, num_generations: 4, max_completion_length: 16 }
  - id: judged
    stages:
      - { id: labels, kind: prm_label, share: 0.3, inputs: { init: base }, num_generations: 2, rollouts: 2, max_completion_length: 16 }
      - { id: prm, kind: prm_train, share: 0.3, inputs: { init: base, data: labels }, batch_size: 4 }
      - { id: ppo, kind: ppo, share: 0.4, inputs: { init: base, prm: prm }, rewards: [{ component: prm, credit: min }], prompts_per_step: 4, num_generations: 4, max_completion_length: 16 }
  - id: trees
    stages:
      - { id: trees, kind: mcts_selftrain, inputs: { init: base }, prompts: 4, simulations: 4, updates: 2, batch_size: 4, max_completion_length: 16 }
  - id: copied
    stages:
      - { id: distill, kind: distill, inputs: { init: base, teacher: grpo/grpo }, prompts: 8, num_generations: 2, batch_size: 4, max_completion_length: 16 }
  - id: searched
    stages:
      - { id: decode, kind: mcts, inputs: { init: grpo/grpo, value: judged/prm }, levels: [4], problems: 8, max_completion_length: 16 }
  - id: voted
    stages:
      - { id: decode, kind: search, inputs: { init: base, prm: judged/prm }, method: best_of_n, levels: [4], problems: 8, max_completion_length: 16 }
";

#[test]
fn slow_every_stage_computed_anew_from_the_stored_spec_gives_the_same_items() {
    let app = App::start_with("127.0.0.1:0", |config| config.max_artifact_bytes = 1 << 24);
    let _worker = Worker::start(&app, "only");
    let done = |what: &str| {
        wait_for(what, || {
            app.count("job where state not in ('succeeded', 'failed')") == 0
        });
        assert_eq!(app.count("job where state = 'failed'"), 0, "{what}");
    };
    let first = app.submitted(EVERY_KIND);
    done("the first time");
    let stages = app.count("stage");
    let mut spec =
        app.get(&format!("/api/v1/experiments/{first}")).json()["experiment"]["spec"].clone();
    let fresh = |list: &mut serde_json::Value| {
        for stage in list.as_array_mut().unwrap() {
            stage["fresh"] = true.into();
        }
    };
    fresh(&mut spec["stages"]);
    for arm in spec["arms"].as_array_mut().unwrap() {
        fresh(&mut arm["stages"]);
    }
    let second = app.submitted(&spec.to_string());
    done("the second time");
    assert_eq!(app.count("stage"), 2 * stages, "nothing was reused");
    let items = |id: &str| {
        format!(
            "(select a.key, r.seed, rs.name, e.split, e.step, e.milestone, i.problem, i.correct, i.lengths, i.answers
              from run r join arm a on a.id = r.arm_id
              join run_stage rs on rs.run_id = r.id
              join evaluation e on e.stage_id = rs.stage_id
              join evaluation_item i on i.evaluation_id = e.id
              where r.experiment_id = '{id}')"
        )
    };
    let (a, b) = (items(&first), items(&second));
    let total = app.count(&format!("{a} x"));
    assert!(total > 200, "{total}");
    assert_eq!(total, app.count(&format!("{b} x")));
    assert_eq!(app.count(&format!("({a} except all {b}) x")), 0);
    // And they are not all the same answer.
    assert!(app.count(&format!("(select distinct answers, lengths from {a} y) x")) > 10);
}
