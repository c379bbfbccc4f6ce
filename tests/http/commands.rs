//! The commands, as a person or a script runs them.

use crate::app::{App, SMALL};
use crate::worker::FakeWorker;
use std::io::Write;
use std::process::{Command, Output, Stdio};

pub fn assay(app: &App, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(arguments)
        .env("ASSAY_SERVER", &app.url)
        .env("ASSAY_DATA", &app.data)
        .env_remove("ASSAY_TOKEN")
        .env_remove("ASSAY_TOKEN_FILE")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

pub fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn submit_prints_the_id_and_ends_with_the_address() {
    let app = App::start();
    for (arguments, input) in [(["submit", "preset:quick"], ""), (["submit", "-"], SMALL)] {
        let output = stdout(&assay(&app, &arguments, input));
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(
            *lines.last().unwrap(),
            format!("{}/experiments/{}", app.url, lines[0])
        );
    }
    let show = stdout(&assay(&app, &["preset", "show", "quick"], ""));
    assert!(show.contains("arms:"));
    assert!(stdout(&assay(&app, &["preset", "ls"], "")).contains("quick"));
}

#[test]
fn submit_prints_every_violation_and_exits_with_2() {
    let app = App::start();
    let text = SMALL
        .replace("seeds: 3", "seeds: 0\nsmoth: 1")
        .replace("amount: 2.0e+10", "amount: 0");
    let output = assay(&app, &["submit", "-"], &text);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    let mut pointers: Vec<&str> = said.lines().map(|l| l.split(':').next().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/budget/amount", "/seeds", "/smoth"], "{said}");
    assert_eq!(
        assay(&app, &["submit", "/nowhere.yaml"], "").status.code(),
        Some(2)
    );
    assert_eq!(
        assay(&app, &["submit", "preset:nothing"], "").status.code(),
        Some(2)
    );
}

#[test]
fn watch_and_compare_show_a_finished_experiment() {
    let app = App::start();
    let id = app.submitted(SMALL);
    FakeWorker::register(&app, "w", 2).work_off_the_queue();
    let watched = stdout(&assay(&app, &["watch", &id, "--exit"], ""));
    assert_eq!(
        watched
            .lines()
            .filter(|line| line.contains("succeeded"))
            .count(),
        9,
        "{watched}"
    );
    let table = stdout(&assay(
        &app,
        &["compare", &format!("{}/experiments/{id}", app.url)],
        "",
    ));
    assert!(
        table.contains("equal compute: 2.000e10 training FLOPs per seed"),
        "{table}"
    );
    assert!(table.contains("+1.000 [+1.000, +1.000]"), "{table}");
    let json = stdout(&assay(&app, &["compare", &id, "--json"], ""));
    assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap()["splits"].is_array());
}

#[test]
fn watch_exits_with_1_when_a_run_did_not_succeed() {
    let app = App::start();
    let id = app.submitted(SMALL);
    assert!(stdout(&assay(&app, &["cancel", &id], "")).contains("cancelled 16 stages"));
    let output = assay(&app, &["watch", &id, "--exit"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&assay(&app, &["cancel", &id], "")).contains("nothing"));
}

#[test]
fn errors_are_one_line_that_says_what_to_do() {
    let app = App::start();
    let id = "0198c0de-0000-7000-8000-000000000001";
    for (arguments, part) in [
        (
            vec!["watch", id, "--server", "http://127.0.0.1:1"],
            "is `assay up` running there?",
        ),
        (
            vec!["compare", "no-id"],
            "neither an experiment's id nor its address",
        ),
        (vec!["compare", id], "no such experiment"),
        (vec!["submit", "-", "--server", "ftp://x"], "--server takes"),
        (vec!["import", "/nowhere"], "cannot read"),
        (vec!["task", "show", "chess"], "known: modchain, parity"),
    ] {
        let output = assay(&app, &arguments, "");
        assert!(!output.status.success(), "{arguments:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains(part) && said.trim().lines().count() == 1,
            "{arguments:?}: {said}"
        );
    }
}
