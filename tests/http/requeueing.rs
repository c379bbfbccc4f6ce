//! Queueing a run again, through REST and the command.

use crate::app::{Answer, App, SMALL};
use crate::commands::{assay, stdout};
use crate::worker::FakeWorker;
use assay_core::wire::{FailureClass, HeartbeatRequest, HostFacts, Outcome, Record};
use std::collections::BTreeMap;

const SILENCE: &str = "update attempt set
    lease_expires_at = clock_timestamp() - interval '90 s' where state = 'running'";

/// A run of the arm that fine-tunes.
fn sft_run(app: &App) -> String {
    let id = app.submitted(SMALL);
    let body = app.get(&format!("/api/v1/experiments/{id}")).json();
    let runs = body["runs"].as_array().unwrap();
    let run = runs.iter().find(|run| run["arm"]["key"] == "sft").unwrap();
    run["id"].as_str().unwrap().to_string()
}

fn post(app: &App, run: &str, body: &str) -> Answer {
    let path = format!("/api/v1/runs/{run}/requeue");
    app.post(&path, "application/json", body.as_bytes())
}

fn records() -> Vec<Record> {
    let step = |step| Record::Step {
        step,
        cum: Default::default(),
        metrics: BTreeMap::from([("train/loss".into(), 1.0)]),
    };
    let started = Record::Started {
        from_step: 0,
        host: HostFacts::default(),
    };
    vec![started, step(1), step(2)]
}

#[test]
fn a_silent_workers_run_is_queued_again_once_and_its_late_words_are_refused() {
    let app = App::start();
    let run = sft_run(&app);
    let silent = FakeWorker::register(&app, "silent", 2);
    let claim = silent.claim(2, 0).unwrap();
    assert_eq!(silent.report(&claim, 1, records()).status, 200);
    let early = post(&app, &run, "");
    assert_eq!(early.status, 409, "{}", early.text);
    let detail = early.json()["detail"].as_str().unwrap().to_string();
    assert!(detail.contains("base is at work on silent"), "{detail}");
    app.sql(SILENCE);
    let done = post(&app, &run, "");
    assert_eq!(done.status, 200, "{}", done.text);
    let done = done.json();
    let stage = &done["requeued"][0];
    assert_eq!(
        (&stage["name"], &stage["was"]),
        (&"base".into(), &"running".into())
    );
    assert_eq!(
        stage["discards"],
        "steps 1 to 2 are discarded and computed again"
    );
    let again = post(&app, &run, "{\"force\": true, \"reason\": \"Twice.\"}");
    assert_eq!(again.status, 409);
    assert!(again.text.contains("is queued already"), "{}", again.text);
    let beat = HeartbeatRequest {
        worker: silent.id,
        step: Some(3),
        log: None,
        load: None,
    };
    for answer in [
        app.as_worker(&FakeWorker::path(&claim, "heartbeat"), &beat),
        silent.report(&claim, 4, records()),
        silent.finish(&claim, 3, Outcome::Succeeded),
    ] {
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert_eq!(answer.json()["type"], "lease-lost");
    }
    let other = FakeWorker::register(&app, "other", 2);
    let taken = other.claim(2, 0).unwrap();
    assert_eq!((taken.stage, taken.attempt), (claim.stage, 2));
}

#[test]
fn a_crashed_run_needs_a_reason_and_the_command_gives_it() {
    let app = App::start();
    let run = sft_run(&app);
    let worker = FakeWorker::register(&app, "w", 2);
    let claim = worker.claim(2, 0).unwrap();
    let nan = Outcome::Failed {
        class: FailureClass::Nan,
        message: "train/loss is NaN".into(),
        step: None,
        metric: None,
        log: vec![],
    };
    assert_eq!(worker.finish(&claim, 0, nan).status, 204);
    for body in ["", "{}", "{\"reason\": \" \"}"] {
        let answer = post(&app, &run, body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        assert_eq!(answer.pointers(), ["/reason"]);
    }
    let long = format!("{{\"reason\": \"{}\"}}", "é".repeat(501));
    assert_eq!(post(&app, &run, &long).pointers(), ["/reason"]);
    for (body, status) in [
        ("{\"raeson\": \"x\"}", 400),
        ("{\"force\": \"yes\"}", 400),
        ("[", 400),
    ] {
        assert_eq!(post(&app, &run, body).status, status, "{body}");
    }
    let nobody = "01234567-89ab-7def-8123-456789abcdef";
    assert_eq!(post(&app, nobody, "{\"reason\": \"x\"}").status, 404);
    let without = assay(&app, &["requeue", &run], "");
    assert_eq!(without.status.code(), Some(2));
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(said.starts_with("/reason: "), "{said}");
    assert_eq!(
        assay(&app, &["requeue", "no-id"], "").status.code(),
        Some(2)
    );
    let address = format!("{}/runs/{run}#timeline", app.url);
    let arguments = ["requeue", &address, "--reason", "Another driver."];
    let said = stdout(&assay(&app, &arguments, ""));
    assert_eq!(
        said.trim(),
        "base: queued again, from its start; nothing is discarded"
    );
    assert_eq!(worker.claim(2, 0).map(|c| c.attempt), Some(2));
}

#[test]
fn only_who_may_cancel_may_requeue() {
    let app = App::start_with("0.0.0.0:0", |_| {});
    let path = "/api/v1/runs/01234567-89ab-7def-8123-456789abcdef/requeue";
    let worker = format!("Bearer {}", app.worker);
    let admin = format!("Bearer {}", app.admin);
    let send = |headers: &[(&str, &str)]| app.send("POST", path, headers, "{}").status;
    assert_eq!(send(&[]), 401);
    assert_eq!(send(&[("authorization", &worker)]), 401);
    assert_eq!(send(&[("authorization", &admin)]), 404);
}
