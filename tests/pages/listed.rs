//! Tables beside the comparison as files: runs, decisions about them, what was spent, and
//! what other questions would change.

use crate::app::App;
use crate::seed::Until;
use crate::{page, run_link, seeded};

#[test]
fn runs_and_what_was_spent_are_files_with_denominator_and_snapshot() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}"));
    for (table, rows, words) in [
        ("runs", 9, "GRPO from the base"),
        ("charged", 3, "GRPO from the base"),
        ("spent", 1, "rollout"),
        ("versions", 1, "At equal training compute"),
    ] {
        for ending in ["csv", "json", "tex"] {
            let path = format!("/experiments/{id}/{table}.{ending}");
            if ending != "json" {
                assert!(text.contains(&format!("\"{path}\"")), "{path}");
            }
            let answer = app.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            for part in [words, "9 runs planned: 9 done", "Snapshot"] {
                let part = match (part, ending) {
                    ("Snapshot", "json") => "\"snapshot\":",
                    (part, _) => part,
                };
                assert!(
                    answer.text.contains(part),
                    "{part} in {path}: {}",
                    answer.text
                );
            }
        }
        let json = app.get(&format!("/experiments/{id}/{table}.json")).json();
        assert!(json["rows"].as_array().unwrap().len() >= rows, "{json}");
        assert_eq!(json["table"], table);
    }
    // Nobody has left a run out: no table of both ways.
    let decisions = app.get(&format!("/experiments/{id}/excluded.json")).json();
    assert_eq!(decisions["rows"].as_array().unwrap().len(), 0);
    for table in ["both-ways", "rule-both-ways"] {
        let answer = app.get(&format!("/experiments/{id}/{table}.csv"));
        assert_eq!(answer.status, 404, "{table}");
    }
}

#[test]
fn what_leaving_a_run_out_changes_is_a_file_too() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let address = format!("/experiments/{id}");
    let run = run_link(&page(&app, &address), "GRPO from the base", 1);
    let run = run.trim_start_matches("/runs/");
    let body = format!("run={run}&reason=a+broken+%22disk%22");
    let path = format!("{address}/exclude");
    let origin = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("origin", app.url.as_str()),
    ];
    let sent = app.send("POST", &path, &origin, body.as_str());
    assert_eq!(sent.status, 303, "{}", sent.text);
    let text = page(&app, &address);
    for table in ["excluded", "both-ways", "rule-both-ways"] {
        for ending in ["csv", "json", "tex"] {
            let path = format!("{address}/{table}.{ending}");
            assert!(text.contains(&format!("\"{path}\"")), "{path}");
            assert_eq!(app.get(&path).status, 200, "{path}");
        }
    }
    let decisions = app.get(&format!("{address}/excluded.csv")).text;
    assert!(
        decisions.contains(",yes,yes,\"a broken \"\"disk\"\"\"\r\n"),
        "{decisions}"
    );
    let both = app.get(&format!("{address}/both-ways.json")).json();
    let rows = both["rows"].as_array().unwrap();
    let own = rows.iter().find(|r| r["arm"] == "arm-1").unwrap();
    assert_eq!(own["without"]["n"], 2);
    assert_eq!(own["with"]["n"], 3);
    let runs = app.get(&format!("{address}/runs.csv")).text;
    assert_eq!(runs.matches(",yes,").count(), 1, "{runs}");
}

#[test]
fn other_questions_are_a_table_that_reads_every_answer() {
    let app = App::start();
    let id = crate::decoders::seeded(&app, 5, false, |_, _| Until::End);
    let address = format!("/experiments/{id}");
    let asked = page(&app, &format!("{address}?questions=1"));
    let answer = app.get(&format!("{address}/beyond.csv"));
    assert!(asked.contains(&format!("\"{address}/beyond.tex?questions=1\"")));
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .text
            .contains("over_seeds_low,over_seeds_high,over_questions_low"),
        "{}",
        answer.text
    );
    let tex = app.get(&format!("{address}/beyond.tex")).text;
    assert!(
        tex.contains("\\toprule") && tex.contains("% Snapshot "),
        "{tex}"
    );
}

#[test]
fn the_tables_of_the_cost_page_are_files() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let query = format!("?rate=2&seeds=10&experiment={id}");
    let text = page(&app, &format!("/cost{query}"));
    for (table, words) in [
        ("spent", "Reinforcement learning from the base"),
        ("arms", "GRPO from the base"),
        ("detectable", "GRPO from the base"),
        ("published", "DeepSeek"),
    ] {
        for ending in ["csv", "json", "tex"] {
            assert!(
                text.contains(&format!("\"/cost/{table}.{ending}?")),
                "{table}"
            );
            let path = format!("/cost/{table}.{ending}{query}");
            let answer = app.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            assert!(
                answer.text.contains(words),
                "{words} in {path}: {}",
                answer.text
            );
        }
    }
    // What is of the experiment says what stands behind it.
    let arms = app.get(&format!("/cost/arms.csv{query}")).text;
    assert!(arms.contains("9 runs planned: 9 done"), "{arms}");
    let published = app.get("/cost/published.json?rate=2").json();
    let row = &published["rows"][0];
    assert_eq!(
        row["dollars"].as_f64(),
        row["device_hours"].as_f64().map(|h| 2.0 * h)
    );
    assert_eq!(app.get("/cost/prices.csv").status, 200);
    for path in ["/cost/arms.csv", "/cost/nothing.csv", "/cost/spent.svg"] {
        assert_eq!(app.get(path).status, 404, "{path}");
    }
}
