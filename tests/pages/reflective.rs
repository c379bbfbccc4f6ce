//! The rate of reflective completions on a run's page, beside its base's, and as files.

use crate::app::App;
use crate::seed::{Seeder, Until, spec};
use crate::{THREE, html, page, run_link};
use assay_core::wire::Record;
use serde_json::Value;

/// Every step counts reflective completions; only looks at the validation split tell the base's.
fn reflecting(record: &mut Record) {
    if let Record::Step { step, metrics, .. } = record {
        let rate = 0.01 * *step as f64;
        metrics.insert("train/reflection_rate".into(), rate);
        metrics.insert("validation/reflection_rate".into(), 0.5 * rate);
    }
}

fn run_of(app: &App, rewrite: fn(&mut Record)) -> String {
    let state = app.state();
    let id = app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 40).await;
        seeder.rewrite = rewrite;
        let id = seeder.submit(&spec(&THREE, 2, 0)).await;
        seeder.work_off(|_| Until::End).await;
        id
    });
    let text = page(app, &format!("/experiments/{id}"));
    run_link(&text, "GRPO from the base", 1)
}

#[test]
fn the_bases_rate_is_drawn_and_every_file_says_what_is_counted() {
    let app = App::start();
    let run = run_of(&app, reflecting);
    let text = page(&app, &run);
    assert_eq!(text.matches(">base</text>").count(), 1);
    assert!(text.contains("own rate, 0.2000 over the validation split at step 40 of base"));
    let files = format!("{run}/reflective");
    for ending in ["svg", "png", "csv", "json", "tex"] {
        let href = format!("href=\"{files}.{ending}?stage=grpo\"");
        assert!(text.contains(&href), "{href}");
    }
    let svg = app.get(&format!("{files}.svg?stage=grpo"));
    assert!(svg.header("content-type").starts_with("image/svg+xml"));
    assert!(svg.text.contains(">base</text>") && svg.text.contains("reflective mark"));
    let csv = app.get(&format!("{files}.csv?stage=grpo"));
    let rows: Vec<&str> = csv.text.lines().filter(|l| !l.starts_with('#')).collect();
    assert_eq!(rows[0], "step,points,mean,min,max,base");
    assert_eq!(rows.len(), 1 + 40);
    assert!(
        rows[1..].iter().all(|row| row.ends_with(",0.2")),
        "{rows:?}"
    );
    assert!(csv.text.contains("# Counted: completions"));
    // As every other curve, it answers to its metric too.
    let named = app.get(&format!("{run}/train-reflection_rate.csv?stage=grpo"));
    assert_eq!(named.text, csv.text);
    let json = app.get(&format!("{files}.json?stage=grpo")).json();
    assert_eq!(json["base"]["rate"], 0.2);
    assert_eq!(json["points"].as_array().unwrap().len(), 40);
    assert_eq!(html(&app, &format!("{files}.gif")).status, 404);
}

#[test]
fn a_run_that_counts_no_marks_has_no_such_figure() {
    let app = App::start();
    let run = run_of(&app, |_| {});
    assert!(!page(&app, &run).contains("/reflective.svg"));
    for ending in ["svg", "csv", "json", "png", "tex"] {
        let answer = html(&app, &format!("{run}/reflective.{ending}"));
        assert_eq!(answer.status, 404, "{ending}");
    }
}

const TABLES: [&str; 8] = [
    "evaluations",
    "ledger",
    "alarms",
    "found",
    "files",
    "environment",
    "config",
    "difference",
];

#[test]
fn every_curve_on_a_runs_page_is_a_file_of_its_stage_alone() {
    let app = App::start();
    let run = run_of(&app, |_| {});
    let text = page(&app, &run);
    let files: Vec<&str> = text
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|href| href.contains(".csv?stage=grpo"))
        // Tables of the run, which tests/pages/filed.rs looks at.
        .filter(|href| !TABLES.iter().any(|t| href.contains(&format!("/{t}."))))
        .collect();
    assert!(files.len() > 5, "{files:?}");
    for csv in files {
        let answer = app.get(csv);
        assert_eq!(answer.status, 200, "{csv}");
        assert!(
            answer
                .text
                .starts_with("# GRPO from the base, seed 1, stage grpo, of ")
        );
        assert!(answer.text.contains("\r\n# Snapshot "), "{}", answer.text);
        assert!(answer.text.contains("\r\nstep,points,mean,min,max\r\n"));
        let of = |ending: &str| app.get(&csv.replace(".csv", ending));
        assert!(of(".svg").text.starts_with("<svg xmlns="), "{csv}");
        let tex = of(".tex").text;
        assert!(tex.contains("step & points & mean & min & max"), "{tex}");
        let json = of(".json").json();
        let points = json["points"].as_array().unwrap().len();
        assert!(
            points == 40 || (points > 0 && !csv.contains("/train-")),
            "{csv}"
        );
        assert_eq!((&json["seed"], &json["base"]), (&1.into(), &Value::Null));
        // Another stage, and one that is not there.
        assert_eq!(app.get(&csv.replace("=grpo", "=none")).status, 404, "{csv}");
    }
    let other = "/runs/0198c0de-0000-7000-8000-000000000001/train-kl.csv";
    assert_eq!(app.get(other).status, 404);
    let path = format!("{run}/train-..%2f..%2fkl.csv?stage=grpo");
    assert_eq!(app.get(&path).status, 404);
}
