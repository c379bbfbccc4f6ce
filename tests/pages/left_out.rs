//! Runs that somebody has left out, wherever figures are answered: not among them, or marked, and
//! both ways where they are compared.

use crate::app::App;
use crate::decoders::{section, seeded};
use crate::page;
use crate::seed::Until;
use assay_core::ids::ExperimentId;
use serde_json::Value;

/// Leaves the run of an arm at a seed out; its id.
fn leave_out(app: &App, id: ExperimentId, arm: &str, seed: u64) -> String {
    let body = app.get(&format!("/api/v1/experiments/{id}")).json();
    let mut runs = body["runs"].as_array().unwrap().iter();
    let own = runs.find(|run| run["arm"]["key"] == arm && run["seed"] == seed);
    let run = own.unwrap()["id"].as_str().unwrap().to_string();
    let path = format!("/api/v1/runs/{run}/exclude");
    let reason = br#"{"reason": "The disk was full."}"#;
    let answer = app.post(&path, "application/json", reason);
    assert_eq!(answer.status, 200, "{}", answer.text);
    run
}

/// Of every split.
fn tried(app: &App, id: ExperimentId) -> Vec<Vec<Value>> {
    let answer = app.get(&format!("/api/v1/experiments/{id}/comparison"));
    let answer = answer.json();
    let splits = answer["splits"].as_array().unwrap().iter();
    splits
        .map(|split| split["pass_at_k"].as_array().unwrap().clone())
        .collect()
}

#[test]
fn rest_answers_no_figure_of_a_run_that_was_left_out_and_marks_it_where_runs_are_listed() {
    let app = App::start();
    let id = seeded(&app, 3, false, |_, _| Until::End);
    let measured = || -> Vec<Value> {
        let answer = app.get(&format!("/api/v1/experiments/{id}/milestones"));
        answer.json()["milestones"].as_array().unwrap().clone()
    };
    let (tried_before, measured_before) = (tried(&app, id), measured());
    let run = leave_out(&app, id, "zero", 1);
    let is_own = |p: &Value| p["arm_key"] == "zero" && p["seed"] == 1;
    for (before, after) in tried_before.iter().zip(tried(&app, id)) {
        assert!(before.iter().any(is_own) && !after.iter().any(is_own));
        assert_eq!(after.len(), before.len() - 1);
    }
    let of_run = |p: &Value| p["run"] == run.as_str();
    let own = measured_before.iter().filter(|p| of_run(p)).count();
    let after = measured();
    assert!(own > 0 && !after.iter().any(of_run));
    assert_eq!(after.len(), measured_before.len() - own);
    // Whom they leave out is named in the comparison, and marked in every list of runs.
    let comparison = app.get(&format!("/api/v1/experiments/{id}/comparison"));
    assert_eq!(comparison.json()["exclusions"][0]["run"], run.as_str());
    for (path, name) in [("", "id"), ("/progress", "run")] {
        let body = app.get(&format!("/api/v1/experiments/{id}{path}")).json();
        let runs = body["runs"].as_array().unwrap().iter();
        let marked: Vec<&Value> = runs.filter(|r| r["excluded"] == true).collect();
        assert_eq!(marked.len(), 1, "{path}");
        assert_eq!(marked[0][name], run.as_str(), "{path}");
    }
    let path = format!("/api/v1/runs/{run}");
    assert_eq!(app.get(&path).json()["excluded"], true);
    let back = app.post(&format!("{path}/include"), "application/json", b"{}");
    assert_eq!(back.status, 200, "{}", back.text);
    assert_eq!(app.get(&path).json()["excluded"], false);
    assert_eq!(tried(&app, id), tried_before);
    assert_eq!(measured(), measured_before);
}

#[test]
fn a_policy_and_its_decoder_stand_both_ways_on_the_page_in_files_and_in_any_comparison() {
    let app = App::start();
    let id = seeded(&app, 3, false, |_, _| Until::End);
    let address = format!("/experiments/{id}");
    leave_out(&app, id, "zero", 1);
    leave_out(&app, id, "majority", 0);
    let text = page(&app, &address);
    let said = section(&text, "excluded");
    for words in [
        "R1-Zero, out of distribution",
        "R1-Zero, test pass@8",
        "Majority of samples, 1 sample",
        "Majority of samples, 16 samples",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    for ending in ["csv", "json", "tex"] {
        let path = format!("{address}/decoders-both-ways.{ending}");
        assert!(said.contains(&format!("\"{path}\"")), "{path}");
        let answer = app.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(answer.text.contains("equal inference"), "{path}");
    }
    let both = |table: &str| -> Vec<Value> {
        let answer = app.get(&format!("{address}/{table}.json"));
        answer.json()["rows"].as_array().unwrap().clone()
    };
    let decoded = both("decoders-both-ways");
    assert_eq!(decoded.len(), 3);
    let mut rows = both("both-ways");
    rows.retain(|row| row["arm"] == "zero");
    // Test, out of distribution, pass@2, 4 and 8.
    assert_eq!(rows.len(), 5);
    for row in decoded.iter().chain(&rows) {
        assert_eq!(row["without"]["n"], 2, "{row}");
        assert_eq!(row["with"]["n"], 3, "{row}");
    }
    let query = format!("arms={id}/zero,{id}/sft,{id}/majority,{id}/rerank");
    let text = page(&app, &format!("/compare?{query}"));
    assert!(section(&text, "values").contains("; with every run 0."));
    assert!(section(&text, "decoders-0").contains("; with every run 0."));
    let json = app.get(&format!("/compare.json?{query}")).json();
    let line = &json["comparison"]["lines"][0];
    assert_eq!(line["value"]["n"], 2);
    assert_eq!(line["with_every_run"], rows[0]["with"]);
    let line = &json["decoders"][0]["lines"][0];
    assert_eq!(line["with_every_run"][2][0], 16);
    assert_eq!(line["with_every_run"][2][1], decoded[2]["with"]);
    let csv = app.get(&format!("/compare.csv?{query}")).text;
    let every = rows[0]["with"]["mean"].to_string();
    assert!(csv.contains(&format!(",3,{every},")), "{every} in {csv}");
    let tex = app.get(&format!("/compare.tex?{query}")).text;
    assert_eq!(tex.matches("(with every run ").count(), 1, "{tex}");
}
