//! Amendments: versions of a registered experiment.

use crate::app::{Answer, App, SMALL};
use crate::commands::{assay, stdout};
use crate::worker::FakeWorker;
use serde_json::{Value, json};

fn amend(app: &App, id: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/experiments/{id}/amendments");
    app.post(&path, "application/json", body.to_string().as_bytes())
}

fn versions(app: &App, id: &str) -> Vec<Value> {
    let body = app
        .get(&format!("/api/v1/experiments/{id}/amendments"))
        .json();
    body["versions"].as_array().unwrap().clone()
}

#[test]
fn every_mistake_of_an_amendment_is_named_and_nothing_is_entered() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let empty = amend(&app, &id, &json!({}));
    assert_eq!(empty.status, 422, "{}", empty.text);
    assert!(
        empty
            .header("content-type")
            .starts_with("application/problem+json")
    );
    assert_eq!(empty.pointers(), ["", "/reason"]);
    let wrong = json!({ "hypothesis": "<b>", "question": "x".repeat(501), "reason": " " });
    assert_eq!(
        amend(&app, &id, &wrong).pointers(),
        ["/hypothesis", "/question", "/reason"]
    );
    let unknown = json!({ "margin": 0.5, "note": "x", "reason": "x" });
    assert_eq!(amend(&app, &id, &unknown).status, 400);
    let nobody = "01234567-89ab-7def-8123-456789abcdef";
    let good = json!({ "hypothesis": "It does.", "reason": "x" });
    assert_eq!(amend(&app, nobody, &good).status, 404);
    let path = format!("/api/v1/experiments/{nobody}/amendments");
    assert_eq!(app.get(&path).status, 404);
    assert_eq!(versions(&app, &id).len(), 1);
    let status = app
        .send(
            "DELETE",
            &format!("/api/v1/experiments/{id}/amendments"),
            &[],
            (),
        )
        .status;
    assert!(status == 404 || status == 405);
}

#[test]
fn an_amendment_counts_the_results_that_were_in_and_changes_nothing_of_the_rule() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let spec =
        |app: &App| app.get(&format!("/api/v1/experiments/{id}")).json()["experiment"].clone();
    let registered = spec(&app);
    let first = amend(
        &app,
        &id,
        &json!({ "hypothesis": "It does not.", "reason": "A second thought." }),
    );
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(first.json()["version"], 2);
    assert_eq!(first.json()["results_before"], 0);
    let same = amend(
        &app,
        &id,
        &json!({ "hypothesis": "It does not.", "reason": "Again." }),
    );
    assert_eq!(same.status, 409, "{}", same.text);
    FakeWorker::register(&app, "w", 2).work_off_the_queue();
    let outcome = |app: &App| {
        app.get(&format!("/api/v1/experiments/{id}/comparison"))
            .json()["outcome"]
            .clone()
    };
    let before = outcome(&app);
    let second = amend(
        &app,
        &id,
        &json!({
            "question": "Does it at all?", "hypothesis": "It does.", "note": "Seen the curves.",
            "reason": "The figures say so.",
        }),
    );
    assert_eq!(second.status, 201, "{}", second.text);
    assert_eq!(outcome(&app), before);
    let all = versions(&app, &id);
    assert_eq!(all.len(), 3);
    assert_eq!(all[0]["sha256"], registered["sha256"]);
    assert_eq!(all[0]["reason"], Value::Null);
    assert_eq!(all[1]["results_before"], 0);
    assert_eq!(all[2]["results_before"], 9);
    assert_eq!(all[2]["note"], "Seen the curves.");
    // On a loopback address nobody has shown a token.
    assert_eq!(all[2]["author"], Value::Null);
    // But for its words the specification is the registered one.
    let mut amended = spec(&app);
    assert_eq!(amended["version"], 3);
    assert_eq!(amended["question"], "Does it at all?");
    for key in ["question", "hypothesis"] {
        amended["spec"][key] = registered["spec"][key].clone();
    }
    assert_eq!(amended["spec"], registered["spec"]);
    let page = app.send(
        "GET",
        &format!("/experiments/{id}"),
        &[("accept", "text/html")],
        (),
    );
    for words in [
        "Version 3, amended after 9 results were in",
        "The figures say so.",
        "Question as registered:",
        "<h1>Does it at all?</h1>",
    ] {
        assert!(page.text.contains(words), "{words} in {}", page.text);
    }
    let file = app.get(&format!("/experiments/{id}/forest.csv"));
    assert!(file.text.contains("amended after 9 results were in"));
}

#[test]
fn the_form_of_the_page_and_the_command_enter_the_same() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let form = "question=&hypothesis=It+does%0D%0Anot.&note=&reason=A+second+thought.";
    let sent = app.post(
        &format!("/experiments/{id}/amend"),
        "application/x-www-form-urlencoded",
        form.as_bytes(),
    );
    assert_eq!(sent.status, 303, "{}", sent.text);
    assert_eq!(
        sent.header("location"),
        format!("/experiments/{id}#registered")
    );
    let address = format!("{}/experiments/{id}", app.url);
    let arguments = [
        "amend",
        address.as_str(),
        "--hypothesis",
        "It does.",
        "--reason",
        "Changed our minds.",
    ];
    let said = stdout(&assay(&app, &arguments, ""));
    assert!(
        said.starts_with("version 3, amended after 0 results;"),
        "{said}"
    );
    assert!(said.contains(&address));
    let all = versions(&app, &id);
    assert_eq!(all[1]["hypothesis"], "It does not.");
    assert_eq!(all[2]["hypothesis"], "It does.");
    assert_eq!(all[0]["question"], all[2]["question"]);
    let refused = assay(
        &app,
        &["amend", &id, "--hypothesis", "<b>", "--reason", "x"],
        "",
    );
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).starts_with("/hypothesis: "));
}

#[test]
fn two_amendments_at_once_are_two_versions() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..4)
            .map(|i| {
                let body = json!({ "note": format!("note {i}"), "reason": "x" });
                let (app, id) = (&app, &id);
                scope.spawn(move || amend(app, id, &body).status)
            })
            .collect();
        sent.into_iter().map(|s| s.join().unwrap()).collect()
    });
    assert_eq!(statuses, [201; 4]);
    let numbers: Vec<i64> = versions(&app, &id)
        .iter()
        .map(|v| v["version"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}
