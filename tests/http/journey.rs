//! The whole way of the data: submitted, computed by a worker, compared.

use crate::app::{App, SMALL, wait_until};
use crate::worker::FakeWorker;
use serde_json::Value;
use std::io::{BufRead, BufReader};

fn comparison(body: &Value, split: &str, metric: &str) -> Value {
    let splits = body["splits"].as_array().unwrap();
    let of_split = splits.iter().find(|s| s["split"] == split).unwrap();
    let all = of_split["comparisons"].as_array().unwrap();
    all.iter().find(|c| c["metric"] == metric).unwrap().clone()
}

#[test]
fn a_submitted_experiment_is_worked_off_and_compared() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let mut worker = FakeWorker::register(&app, "w", 2);
    assert_eq!(worker.work_off_the_queue(), 16);
    let progress = app
        .get(&format!("/api/v1/experiments/{id}/progress"))
        .json();
    for run in progress["runs"].as_array().unwrap() {
        assert_eq!(
            (&run["state"], &run["fraction"]),
            (&"succeeded".into(), &1.0.into())
        );
    }
    let body = app
        .get(&format!("/api/v1/experiments/{id}/comparison"))
        .json();
    let test = comparison(&body, "test", "eval/pass_at_1");
    let row = |arm: &str| {
        let rows = test["rows"].as_array().unwrap();
        rows.iter().find(|row| row["arm"] == arm).unwrap().clone()
    };
    assert_eq!(test["basis"]["budget"], 2e10);
    assert_eq!(row("base")["value"]["mean"], 0.0);
    assert_eq!(row("base")["reached"]["reached"], "no_training");
    assert_eq!(row("sft")["difference"]["mean"], 0.5);
    assert_eq!(row("grpo")["difference"]["mean"], 1.0);
    assert_eq!(row("grpo")["difference"]["n"], 3);
    assert_eq!(row("grpo")["reached"]["reached"], "budget");
    let charged = row("grpo")["charged_mean"].as_f64().unwrap();
    assert!((charged - 2e10).abs() < 1.0, "{charged}");
    let length = comparison(&body, "ood", "eval/completion_length");
    assert_eq!(length["rows"][2]["difference"]["mean"], 20.0);
    // What the run's page shows.
    let experiment = app.get(&format!("/api/v1/experiments/{id}")).json();
    let run = experiment["runs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["arm"]["key"] == "grpo");
    let run = run.unwrap()["id"].as_str().unwrap();
    let series = app
        .get(&format!(
            "/api/v1/runs/{run}/series?metric=train/reward_mean"
        ))
        .json();
    let stages = series["stages"].as_array().unwrap();
    let own = stages.iter().find(|s| s["name"] == "grpo").unwrap();
    assert_eq!(
        own["points"].as_array().unwrap().last().unwrap()["last"],
        1.0
    );
    let ledger = app.get(&format!("/api/v1/runs/{run}/ledger")).json();
    assert!(
        ledger["ledger"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["charged"] == true)
    );
    let evaluations = app.get(&format!("/api/v1/runs/{run}/evaluations")).json();
    assert!(evaluations.to_string().contains("\"pass_at_1\":1.0"));
}

#[test]
fn a_page_hears_of_a_change_while_it_is_open() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let mut worker = FakeWorker::register(&app, "w", 2);
    let claim = worker.claim(2, 0).expect("the base is queued");
    let response = app
        .agent
        .get(format!("{}/experiments/{id}/live", app.url))
        .call()
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut lines = BufReader::new(response.into_body().into_reader()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "retry: 2000");
    worker.work(&claim);
    let mut heard = None;
    wait_until("the event", || {
        let line = lines.next().unwrap().unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            heard = Some(serde_json::from_str::<Value>(data).unwrap());
        }
        heard
            .as_ref()
            .is_some_and(|data| data["stage"] == claim.stage.to_string())
    });
}

#[test]
fn a_stopping_server_lets_go_of_open_pages_and_waiting_workers() {
    let mut app = App::start();
    let id = app.submitted(SMALL);
    let url = app.url.clone();
    let worker = FakeWorker::register(&app, "w", 1).id;
    let response = app
        .agent
        .get(format!("{url}/experiments/{id}/live"))
        .call()
        .unwrap();
    let (agent, token) = (app.agent.clone(), app.worker.clone());
    // One thread of two that the queue's head needs: nothing to claim.
    let waiting = std::thread::spawn(move || {
        let body = format!("{{\"worker\":\"{worker}\",\"free_threads\":1,\"wait_seconds\":50}}");
        let sent = agent
            .post(format!("{url}/worker/v1/claim"))
            .header("authorization", format!("Bearer {token}"))
            .send(body);
        sent.map(|r| r.status().as_u16())
    });
    let mut lines = BufReader::new(response.into_body().into_reader()).lines();
    assert!(lines.next().is_some());
    let begun = std::time::Instant::now();
    app.stop();
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    // Either it was told that there is nothing, or it had not been let in yet.
    let _ = waiting.join().unwrap();
    assert!(lines.all(|line| line.is_ok()));
}
