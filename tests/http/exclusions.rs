//! Leaving runs out, and prices: what is said by people, through REST.

use crate::app::{App, SMALL};
use serde_json::Value;

fn runs(app: &App, id: &str) -> Vec<String> {
    let body = app.get(&format!("/api/v1/experiments/{id}")).json();
    let runs = body["runs"].as_array().unwrap();
    runs.iter()
        .map(|run| run["id"].as_str().unwrap().to_string())
        .collect()
}

fn post(app: &App, path: &str, body: &str) -> crate::app::Answer {
    app.post(path, "application/json", body.as_bytes())
}

#[test]
fn a_run_is_left_out_only_with_a_reason_and_every_decision_is_kept() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let run = &runs(&app, &id)[0];
    let exclude = format!("/api/v1/runs/{run}/exclude");
    let include = format!("/api/v1/runs/{run}/include");
    for body in ["", "{}", "{\"reason\": \"  \"}"] {
        let answer = post(&app, &exclude, body);
        assert_eq!(answer.status, 422, "{body}: {}", answer.text);
        assert_eq!(answer.pointers(), ["/reason"]);
    }
    let long = format!("{{\"reason\": \"{}\"}}", "x".repeat(501));
    assert_eq!(post(&app, &exclude, &long).status, 422);
    assert_eq!(post(&app, &exclude, "{\"raeson\": \"x\"}").status, 400);
    assert_eq!(app.count("exclusion"), 0);
    assert_eq!(post(&app, &include, "{}").status, 409);
    let done = post(&app, &exclude, "{\"reason\": \"The disk was full.\"}");
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(post(&app, &exclude, "{\"reason\": \"again\"}").status, 409);
    let answer = app
        .get(&format!("/api/v1/experiments/{id}/comparison"))
        .json();
    assert_eq!(answer["exclusions"][0]["reason"], "The disk was full.");
    assert_eq!(answer["denominator"]["excluded"], 1);
    assert_eq!(answer["denominator"]["planned"], 9);
    assert!(answer["outcome_with_all_runs"].is_object());
    assert_eq!(post(&app, &include, "").status, 200);
    let answer = app
        .get(&format!("/api/v1/experiments/{id}/comparison"))
        .json();
    assert_eq!(answer["denominator"]["excluded"], 0);
    assert_eq!(answer["exclusions"].as_array().unwrap().len(), 2);
    assert_eq!(answer["outcome_with_all_runs"], Value::Null);
    let nobody = "/api/v1/runs/01234567-89ab-7def-8123-456789abcdef/exclude";
    assert_eq!(post(&app, nobody, "{\"reason\": \"x\"}").status, 404);
}

#[test]
fn two_who_leave_out_the_same_run_at_once_make_one_decision() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let path = format!("/api/v1/runs/{}/exclude", runs(&app, &id)[0]);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| post(&app, &path, "{\"reason\": \"x\"}").status))
            .collect();
        sent.into_iter().map(|s| s.join().unwrap()).collect()
    });
    assert_eq!(
        statuses.iter().filter(|s| **s == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(app.count("exclusion"), 1);
}

#[test]
fn nothing_can_be_deleted() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let run = &runs(&app, &id)[0];
    for path in [
        format!("/api/v1/runs/{run}"),
        format!("/api/v1/experiments/{id}"),
        format!("/api/v1/experiments/{id}/arms/grpo"),
        format!("/experiments/{id}"),
        format!("/runs/{run}"),
        "/api/v1/prices".into(),
        "/api/v1/prices/1".into(),
    ] {
        let status = app.send("DELETE", &path, &[], ()).status;
        assert!(status == 404 || status == 405, "{path}: {status}");
    }
    assert_eq!((app.count("run"), app.count("arm")), (9, 3));
}

#[test]
fn prices_are_dated_rows_with_a_source_and_all_mistakes_are_named() {
    let app = App::start();
    let list = || app.get("/api/v1/prices").json()["prices"].clone();
    assert_eq!(list().as_array().unwrap().len(), 0);
    let wrong = post(&app, "/api/v1/prices", "{\"dollars_per_hour\": 0}");
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert_eq!(
        wrong.pointers(),
        ["/device", "/dollars_per_hour", "/source"]
    );
    for price in [
        "{\"device\": \"cpu\", \"dollars_per_hour\": 0.04, \"valid_from\": \"2020-01-01\", \"source\": \"old list\"}",
        "{\"device\": \"CPU\", \"dollars_per_hour\": 0.05, \"source\": \"invoice 7\"}",
    ] {
        let answer = post(&app, "/api/v1/prices", price);
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let prices = list();
    assert_eq!(prices[0]["source"], "invoice 7");
    assert_eq!(prices[1]["valid_from"], "2020-01-01T00:00:00Z");
}

#[test]
fn references_are_a_resource_with_their_sources() {
    let app = App::start();
    let body = app.get("/api/v1/references").json();
    assert_eq!(body["sources"]["r1-v1"]["version"], "arXiv v1");
    assert!(body["results"].as_array().unwrap().len() > 80);
    assert_eq!(body["hours"][0]["total"], 147_336.0);
}
