//! Every file that a page links to is there, in its kind.

use crate::app::App;
use crate::seed::Until;
use crate::{html, page, run_link, seeded};
use serde_json::json;

/// Pixels need a font, and are drawn from the same picture as the SVG.
const KINDS: [(&str, &str); 4] = [
    (".csv", "text/csv"),
    (".json", "application/json"),
    (".tex", "application/x-tex"),
    (".svg", "image/svg+xml"),
];

fn kind_of(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or("");
    let kind = KINDS.iter().find(|(ending, _)| path.ends_with(ending));
    kind.map(|(_, kind)| *kind)
}

/// Addresses of the files that a page links to.
fn linked(text: &str) -> Vec<String> {
    let links = text.split("href=\"").skip(1);
    let links = links.filter_map(|rest| rest.split('"').next());
    let links = links.map(|link| link.replace("&#38;", "&").replace("&amp;", "&"));
    let mut all: Vec<String> = links
        .filter(|link| link.starts_with('/') && kind_of(link).is_some())
        .collect();
    all.sort();
    all.dedup();
    all
}

/// All of them answer; those that are named are among them.
pub fn all_there(app: &App, path: &str, named: &[&str]) {
    let text = page(app, path);
    let files = linked(&text);
    for name in named {
        for ending in [".csv", ".json", ".tex"] {
            let start = format!("{name}{ending}");
            let is_own = |link: &&String| {
                let rest = link.strip_prefix(&start);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('?'))
            };
            assert!(
                files.iter().any(|link| is_own(&link)),
                "{start} on {path}: {files:?}"
            );
        }
    }
    for file in &files {
        let answer = app.get(file);
        assert_eq!(answer.status, 200, "{file} on {path}: {}", answer.text);
        let kind = kind_of(file).unwrap();
        assert!(answer.header("content-type").starts_with(kind), "{file}");
        assert!(!answer.text.contains('\u{202e}'), "{file}");
        // A page asks for nothing that its files do not understand.
        assert!(!answer.text.contains("ignored: "), "{file}");
        if kind == "application/json" {
            let words = answer.json()["ignored"].clone();
            assert!(
                words.as_array().is_none_or(Vec::is_empty),
                "{file}: {words}"
            );
        }
    }
}

#[test]
fn a_file_names_what_it_did_not_understand_of_its_address() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let experiment = format!("/experiments/{id}");
    let run = run_link(&page(&app, &experiment), "GRPO from the base", 1);
    let own = |rest: &str| format!("{experiment}{rest}");
    let of_run = |rest: &str| format!("{run}{rest}");
    let arms = format!("&arms={id}/base,{id}/arm-1");
    let arms = arms.as_str();
    let figure: &[&str] = &["svg", "csv", "tex", "json"];
    let table: &[&str] = &["csv", "tex", "json"];
    let (whole, list): (&[&str], &[&str]) = (&["csv", "json"], &["json"]);
    for (path, words, endings) in [
        (own("/training"), "&x=device_s", figure),
        (own("/milestones"), "", figure),
        (own("/table"), "&sort=name", table),
        (own("/costs"), "", table),
        (own(""), "", whole),
        (own("/graveyard"), "", list),
        ("/compare/training".into(), arms, figure),
        ("/compare/forest".into(), arms, figure),
        ("/compare/config".into(), arms, table),
        ("/compare".into(), arms, table),
        ("/cost/spent".into(), "&gpus=8", table),
        ("/queue/jobs".into(), "", table),
        ("/experiments".into(), "&q=base", table),
        ("/references".into(), "&benchmark=math_500", table),
        (of_run("/train-kl"), "&stage=grpo", figure),
        (of_run("/ledger"), "", table),
        (of_run("/contests"), "", table),
    ] {
        for ending in endings {
            let path = format!("{path}.{ending}");
            let answer = app.get(&format!("{path}?hdie=a{words}"));
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            let plain = app.get(&format!("{path}?{}", words.trim_start_matches('&')));
            match *ending {
                "json" => {
                    assert_eq!(answer.json()["ignored"], json!(["hdie"]), "{path}");
                    assert_eq!(plain.json()["ignored"], json!([]), "{path}");
                }
                _ => {
                    let named = answer.text.contains("ignored: hdie");
                    assert!(named, "{path}: {}", answer.text);
                    assert!(!plain.text.contains("ignored: "), "{path}: {}", plain.text);
                }
            }
        }
    }
    let of_one = app.get(&format!("/cost/arms.csv?experiment={id}&hdie=a"));
    let said = "# ignored: hdie\r\n";
    assert!(of_one.text.contains(said), "{}", of_one.text);
    // All arms, though the address asks for one: this file has no parts.
    let whole = app.get(&own(".csv?only=arm-1")).text;
    assert!(whole.contains("# ignored: only\r\n"), "{whole}");
    // Nothing that is asked for begins another entry.
    let entry = app.get(&own("/cite.bib?%40misc%7Bx=1")).text;
    assert!(entry.contains("}\n% ignored: "), "{entry}");
    assert_eq!(entry.matches('@').count(), 1, "{entry}");
}

#[test]
fn every_table_of_a_page_is_a_file_that_answers() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let experiment = format!("/experiments/{id}");
    let text = page(&app, &experiment);
    let run = run_link(&text, "GRPO from the base", 1);
    let other = run_link(&text, "GRPO from the base", 2);
    let word = r#"{"stage":"grpo","step":24,"group":1,"index":0,"verdict":"wrong","reason":"=1+\u202e\"x\""}"#;
    let made = app.post(
        &format!("/api/v1{run}/contests"),
        "application/json",
        word.as_bytes(),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    let of_run = |names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{run}/{name}")).collect()
    };
    let tables = of_run(&[
        "evaluations",
        "ledger",
        "alarms",
        "found",
        "files",
        "environment",
        "config",
        "difference",
    ]);
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    let other = other.trim_start_matches("/runs/");
    let beside = format!("{run}?stage=grpo&against={other}");
    all_there(&app, &beside, &tables);
    let contests = format!("{run}/contests");
    all_there(&app, &format!("{run}/samples"), &[&contests]);
    all_there(&app, "/queue", &["/queue/workers", "/queue/jobs"]);
    all_there(&app, "/?q=base&status=done", &["/experiments"]);
    all_there(&app, "/references?benchmark=math_500", &["/references"]);
    all_there(&app, &experiment, &[]);
    let training = format!("{experiment}/training");
    all_there(&app, &format!("{experiment}/curves"), &[&training]);
    let csv = app.get(&format!("{run}/contests.csv")).text;
    for part in [
        ",\"grpo\",24,2,1,",
        ",wrong,yes,\"'=1+⟨U+202E⟩\"\"x\"\"\"\r\n",
    ] {
        assert!(csv.contains(part), "{part}\n{csv}");
    }
}

#[test]
fn a_table_of_a_run_is_of_the_stage_in_its_address_and_says_what_stands_behind() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}"));
    let run = run_link(&text, "GRPO from the base", 1);
    let config = |stage: &str| app.get(&format!("{run}/config.csv?stage={stage}")).text;
    assert!(config("grpo").contains("\"job.kind\",\"grpo\"\r\n"));
    assert!(config("base").contains("\"job.kind\",\"pretrain\"\r\n"));
    assert!(config("base").contains(", seed 1, stage base, of "));
    let file = app.get(&format!("{run}/evaluations.json")).json();
    assert_eq!(file["table"], "evaluations");
    assert_eq!(file["denominator"]["planned"], 9);
    let behind = file["denominator_text"].as_str().unwrap();
    assert!(
        behind.starts_with("9 runs planned: 9 done, 0 crashed"),
        "{behind}"
    );
    assert!(file["rows"][0]["pass_at_1"].is_f64(), "{file}");
    for ending in ["csv", "tex"] {
        let curve = app.get(&format!("{run}/train-kl.{ending}?stage=grpo")).text;
        assert!(curve.contains(behind), "{curve}");
    }
    let head = app.send("HEAD", &format!("{run}/ledger.csv"), &[], ());
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    for missing in [
        "config.csv?stage=nothing",
        "evaluations.csv?stage=eval",
        "difference.csv?stage=grpo",
        "difference.csv?against=nothing",
        "ledger.svg",
        "nothing.csv",
        "contests.svg",
    ] {
        let answer = html(&app, &format!("{run}/{missing}"));
        assert_eq!(answer.status, 404, "{missing}");
    }
    for missing in [
        "/experiments.csv?status=never",
        "/experiments.csv?before=x",
        "/queue/nothing.csv",
        "/references.svg",
    ] {
        assert_eq!(html(&app, missing).status, 404, "{missing}");
    }
    let list = app.get("/experiments.json?q=nothing+like+it").json();
    assert_eq!(list["rows"].as_array().unwrap().len(), 0);
    let list = app.get("/experiments.csv").text;
    assert!(list.contains(&format!("\r\n{id},\"")), "{list}");
}
