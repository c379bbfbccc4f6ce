//! Submission and the resources that follow from it.

use crate::app::{App, SMALL};
use serde_json::Value;

#[test]
fn an_experiment_is_accepted_as_yaml_and_as_json() {
    let app = App::start();
    let answer = app.submit(SMALL);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let body = answer.json();
    let id = body["id"].as_str().unwrap();
    assert_eq!(
        answer.header("location"),
        format!("/api/v1/experiments/{id}")
    );
    assert_eq!(body["url"], format!("{}/experiments/{id}", app.url));
    // One base, two arms of three seeds, nine evaluations but the base's policy is one per seed.
    assert_eq!((&body["runs"], &body["stages"]), (&9.into(), &16.into()));
    let json =
        "{\"name\": \"J\", \"question\": \"q?\", \"task\": {\"name\": \"modchain\"}, \"seeds\": 1,
        \"budget\": {\"unit\": \"tokens\", \"amount\": 5}, \"baseline\": \"a\",
        \"stages\": [{\"id\": \"b\", \"kind\": \"pretrain\", \"model\": {}}],
        \"arms\": [{\"id\": \"a\", \"policy\": \"b\"}]}";
    for kind in [
        "application/json",
        "text/plain",
        "application/json; charset=utf-8",
    ] {
        assert_eq!(
            app.post("/api/v1/experiments", kind, json.as_bytes())
                .status,
            201,
            "{kind}"
        );
    }
    assert_eq!(
        app.get("/api/v1/experiments").json()["experiments"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn what_was_submitted_can_be_read_back_with_its_runs() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let body = app.get(&format!("/api/v1/experiments/{id}")).json();
    assert_eq!(body["experiment"]["name"], "Small");
    assert_eq!(body["experiment"]["spec"]["budget"]["amount"], 2e10);
    let runs = body["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 9);
    let run = runs[0]["id"].as_str().unwrap();
    assert_eq!(runs[0]["state"], "waiting");
    for part in [
        "",
        "/series",
        "/series?metric=train/loss",
        "/completions",
        "/evaluations",
        "/ledger",
    ] {
        let answer = app.get(&format!("/api/v1/runs/{run}{part}"));
        assert_eq!(answer.status, 200, "{part}: {}", answer.text);
    }
    for part in ["comparison", "milestones", "progress"] {
        let answer = app.get(&format!("/api/v1/experiments/{id}/{part}"));
        assert_eq!(answer.status, 200, "{part}: {}", answer.text);
    }
    assert_eq!(
        app.get("/api/v1/jobs").json()["jobs"]
            .as_array()
            .unwrap()
            .len(),
        16
    );
    assert_eq!(
        app.get("/api/v1/workers").json()["workers"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn the_same_key_and_body_is_the_same_experiment_and_another_body_is_refused() {
    let app = App::start();
    let send = |key: &str, body: &str| {
        let headers = [
            ("content-type", "application/yaml"),
            ("idempotency-key", key),
        ];
        app.send("POST", "/api/v1/experiments", &headers, body)
    };
    // Many at once, as after a lost answer.
    let answers: Vec<_> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..8).map(|_| scope.spawn(|| send("k", SMALL))).collect();
        sent.into_iter().map(|s| s.join().unwrap()).collect()
    });
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|a| a.json()["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
    assert_eq!(app.count("experiment"), 1);
    let other = send("k", &SMALL.replace("Small", "Other"));
    assert_eq!(other.status, 409);
    assert_eq!(other.json()["type"], "idempotency-key-reused");
    assert_eq!(send("another", SMALL).status, 201);
    assert_eq!(send(&"x".repeat(300), SMALL).status, 400);
    assert_eq!(app.count("experiment"), 2);
}

#[test]
fn equal_stages_of_two_experiments_are_computed_once() {
    let app = App::start();
    app.submitted(SMALL);
    let stages = app.count("stage");
    app.submitted(&SMALL.replace("Small", "Again"));
    assert_eq!(app.count("stage"), stages);
    assert_eq!(app.count("run"), 18);
}

#[test]
fn cancelling_ends_every_run_and_a_run_can_be_tried_again() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let post = |path: &str| app.post(path, "application/json", b"{}");
    let run = app.get(&format!("/api/v1/experiments/{id}")).json()["runs"][0]["id"]
        .as_str()
        .unwrap()
        .to_string();
    assert_eq!(post(&format!("/api/v1/runs/{run}/retry")).status, 409);
    let cancelled = post(&format!("/api/v1/experiments/{id}/cancel"));
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let states: Vec<Value> = app.get(&format!("/api/v1/experiments/{id}")).json()["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["state"].clone())
        .collect();
    assert!(
        states.iter().all(|state| state == "cancelled"),
        "{states:?}"
    );
    let retried = post(&format!("/api/v1/runs/{run}/retry"));
    assert_eq!(retried.status, 200, "{}", retried.text);
    assert_eq!(
        app.get(&format!("/api/v1/runs/{run}")).json()["state"],
        "waiting"
    );
    assert_eq!(post(&format!("/api/v1/runs/{run}/cancel")).status, 200);
}
