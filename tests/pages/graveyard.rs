//! What did not work, and how it failed, from what a worker would have left.

use super::page;
use crate::app::App;
use crate::decoders::seeded;
use crate::seed::{Seeder, Until, spec};
use assay_core::spec::RequiredAttempt;

/// The card of an arm.
pub fn card<'a>(text: &'a str, arm: &str) -> &'a str {
    let at = text
        .find(&format!("id=\"arm-{arm}\""))
        .unwrap_or_else(|| panic!("no card of {arm}"));
    &text[at..at + text[at..].find("</section>").unwrap()]
}

#[test]
fn every_unsuccessful_and_every_required_attempt_has_a_card_with_its_numbers() {
    let app = App::start();
    let id = seeded(&app, 5, false, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}/graveyard"));
    let judged = card(&text, "judged");
    for words in [
        "RL on a step judge</bdi>: unsuccessful",
        "5 of 5 seeds finished",
        "against R1-Zero, at equal compute",
        "Proxy and truth",
        "Drift of the judge",
        "judge&#39;s mean score",
        "first tenth of the steps",
        "how many settings were tried is not stated",
        "<svg",
        "Nobody has written down yet",
    ] {
        assert!(judged.contains(words), "{words} not in {judged}");
    }
    // Truth and judge are two lines of one arm: its colour, and only the truth has failed.
    let class = |key: &str| {
        let at = judged.find(&format!("\" data-arm=\"{key}\">")).unwrap();
        let from = judged[..at].rfind("class=\"").unwrap() + "class=\"".len();
        judged[from..at].to_string()
    };
    let (truth, judge) = (class("judged-0"), class("judged-1"));
    assert_eq!(truth.split(' ').nth(1), judge.split(' ').nth(1));
    assert!(
        truth.contains(" fail") && !judge.contains(" fail"),
        "{judge}"
    );
    assert!(judge.contains(" alt"), "{judge}");
    assert!(
        judged.contains("and no price for its device per seed"),
        "{judged}"
    );
    assert!(judged.contains(&format!("/experiments/new?from={id}")));
    let alone = format!("/experiments/new?from={id}&#38;only=judged%2Czero");
    assert!(judged.contains(&alone), "{judged}");
    let form = page(&app, &alone.replace("&#38;", "&"));
    let ticked = |arm: &str| form.contains(&format!("value=\"{arm}\" checked"));
    assert!(ticked("judged") && ticked("zero") && !ticked("sft") && !ticked("student"));
    assert!(!form.contains("ignored: "));
    let price = br#"{"device": "CPU, 2 cores", "dollars_per_hour": 3600, "valid_from": "2020-01-01", "source": "list"}"#;
    let entered = app.post("/api/v1/prices", "application/json", price);
    assert_eq!(entered.status, 201, "{}", entered.text);
    let priced = page(&app, &format!("/experiments/{id}/graveyard"));
    let judged = card(&priced, "judged");
    assert!(judged.contains("of device time and $"), "{judged}");
    // Required, whatever came out; a decoder has no training of its own.
    assert!(card(&text, "rerank").contains("required attempt prm"));
    assert!(text.contains("mcts: Too dear for two cores."));
    // The stages that arms share have their tables once.
    let shared = &text[text.find("id=\"shared\"").unwrap()..];
    assert_eq!(
        shared
            .matches("<caption>Error of the step labels: shared stage labels")
            .count(),
        1
    );
    assert_eq!(
        shared
            .matches("<caption>Quality of the judge: shared stage prm")
            .count(),
        1
    );
    assert!(shared.contains("step 3"));
    // The arm that worked has no card.
    assert!(!text.contains("id=\"arm-zero\""));
    assert!(
        page(&app, &format!("/experiments/{id}")).contains(&format!("/experiments/{id}/graveyard"))
    );

    let tables = app
        .get(&format!("/api/v1/experiments/{id}/failures"))
        .json();
    let kinds: Vec<&str> = tables["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["kind"].as_str().unwrap())
        .collect();
    for kind in ["label_error", "judge_quality", "judge_drift", "hacking"] {
        assert!(kinds.contains(&kind), "{kind} not in {kinds:?}");
    }
    // What stands behind it is under every figure and in the answer.
    let behind = tables["denominator_text"].as_str().unwrap();
    assert!(
        behind.contains("unsuccessful") && !behind.contains("no verdict yet"),
        "{behind}"
    );
    assert!(tables["denominator"]["unsuccessful"].as_u64().unwrap() > 0);
    let under = format!("<span class=\"count\">{behind}</span> ");
    assert_eq!(
        text.matches(&under).count(),
        text.matches("<figcaption>").count()
    );
    assert!(text.contains(&under));
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_assay"))
        .args([
            "compare",
            "--failures",
            &format!("{}/experiments/{id}", app.url),
        ])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(
        printed.contains("Proxy and truth: judged/grpo"),
        "{printed}"
    );
}

#[test]
fn a_required_attempt_at_work_says_how_far_it_is_beside_its_line() {
    let app = App::start();
    let state = app.state();
    let id = app.block_on(async {
        let mut seeder = Seeder::new(state, "w-1", 60).await;
        let mut of = spec(&crate::THREE, 3, 9);
        let required = RequiredAttempt::Arm("arm-1".into());
        of.required_attempts = [("prm".to_string(), required)].into();
        let id = seeder.submit(&of).await;
        let mut begun = 0;
        seeder
            .work_off(|claim| {
                begun += usize::from(claim.spec.job.kind() == "grpo");
                match (claim.spec.job.kind(), begun) {
                    ("grpo", 2..) => Until::Share(0.4),
                    _ => Until::End,
                }
            })
            .await;
        id
    });
    let text = page(&app, &format!("/experiments/{id}/graveyard"));
    let own = card(&text, "arm-1");
    let standing = own.split("running, ").nth(1);
    let standing = standing.unwrap_or_else(|| panic!("{own}"));
    let share: f64 = standing.split(' ').next().unwrap().parse().unwrap();
    // One has finished, and two are somewhere on their way.
    assert!((33.0..99.0).contains(&share), "{share}");
    assert!(own.contains(" %</text>"), "{own}");
    assert!(own.contains("mk open"), "{own}");
}

#[test]
fn notes_are_added_and_kept_and_nothing_can_be_taken_off_the_page() {
    let app = App::start();
    let id = seeded(&app, 5, false, |_, _| Until::End);
    let path = format!("/experiments/{id}/arms/judged/notes");
    let origin = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("origin", app.url.as_str()),
    ];
    let add = |body: &str| app.send("POST", &path, &origin, body);
    let first = add("why=The+judge+%3Cb%3Eerrs%3C%2Fb%3E&evidence=weak&tried=two+rates");
    assert_eq!(first.status, 303, "{}", first.text);
    assert_eq!(
        first.header("location"),
        format!("/experiments/{id}/graveyard#arm-judged")
    );
    let api = app.post(
        &format!("/api/v1{path}"),
        "application/json",
        br#"{"why": "Its data are the base's.", "evidence": "strong", "would_change": "On-policy labels"}"#,
    );
    assert_eq!(api.status, 201, "{}", api.text);
    let text = page(&app, &format!("/experiments/{id}/graveyard"));
    let judged = card(&text, "judged");
    assert!(judged.contains("Its data are the base&#39;s.") && judged.contains("evidence: strong"));
    assert!(judged.contains("Earlier notes (1)") && judged.contains("The judge &#60;b&#62;errs"));
    let notes = app.get(&format!("/api/v1{path}")).json();
    assert_eq!(notes["notes"].as_array().unwrap().len(), 2);
    assert_eq!(notes["notes"][0]["would_change"], "On-policy labels");

    for (body, status) in [
        ("why=+&evidence=weak", 422),
        ("why=x&evidence=sure", 400),
        ("evidence=weak", 400),
    ] {
        assert_eq!(add(body).status, status, "{body}");
    }
    let nobody = app.post(
        &format!("/api/v1/experiments/{id}/arms/nobody/notes"),
        "application/json",
        br#"{"why": "x", "evidence": "weak"}"#,
    );
    assert_eq!(nobody.status, 404);
    let run = app.get(&format!("/api/v1/experiments/{id}")).json()["runs"][0]["id"].clone();
    for gone in [
        format!("/api/v1/experiments/{id}"),
        format!("/api/v1/experiments/{id}/arms/judged"),
        format!("/api/v1{path}"),
        format!("/api/v1/runs/{}", run.as_str().unwrap()),
    ] {
        let answer = app.send("DELETE", &gone, &[("origin", app.url.as_str())], ());
        assert!(
            matches!(answer.status, 404 | 405),
            "{gone}: {}",
            answer.status
        );
    }
    assert_eq!(app.count("arm_note"), 2);
}

#[test]
fn a_question_is_reopened_with_a_reason_and_its_verdict_stays() {
    let app = App::start();
    let id = seeded(&app, 5, false, |_, _| Until::End);
    let read = || page(&app, &format!("/experiments/{id}/graveyard"));
    let before = read();
    let judged = card(&before, "judged");
    assert!(judged.contains("Reopen this question") && !judged.contains("open again."));
    let head = |card: &str| card[..card.find("</h2>").unwrap()].to_string();
    let origin = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("origin", app.url.as_str()),
    ];
    let reopen = |arm: &str, body: &str| {
        let path = format!("/experiments/{id}/arms/{arm}/reopen");
        app.send("POST", &path, &origin, body)
    };
    for (arm, body, status) in [
        ("judged", "reason=+", 422),
        ("judged", "why=x", 400),
        ("nobody", "reason=x", 404),
    ] {
        assert_eq!(reopen(arm, body).status, status, "{arm} {body}");
    }
    assert_eq!(app.count("arm_note"), 0);
    let kept = reopen("judged", "reason=A+better+%3Cb%3Ejudge%3C%2Fb%3E");
    assert_eq!(kept.status, 303, "{}", kept.text);
    let to = format!("/experiments/{id}/graveyard#arm-judged");
    assert_eq!(kept.header("location"), to);

    let after = read();
    let own = card(&after, "judged");
    assert_eq!(head(own), head(judged));
    for words in [
        ": unsuccessful",
        "This question is open again.</strong> The verdict and the marks on this card stay",
        "<dt>Reopened <small>",
        "A better &#60;b&#62;judge",
        // It is no word on why it went so.
        "Nobody has written down yet",
    ] {
        assert!(own.contains(words), "{words} not in {own}");
    }
    assert!(!card(&after, "rerank").contains("open again."));
    let notes = app
        .get(&format!("/api/v1/experiments/{id}/arms/judged/notes"))
        .json();
    assert_eq!(notes["notes"][0]["why"], "Reopened: A better <b>judge</b>");

    // What is offered has the arm, its comparator, and seeds that it has not had.
    let begin = format!("<a href=\"/experiments/new?from={id}&#38;only=judged%2Czero&#38;seeds=");
    let at = own.find(&begin).unwrap_or_else(|| panic!("{own}")) + "<a href=\"".len();
    let href = own[at..].split('"').next().unwrap().replace("&#38;", "&");
    let runs = app.get(&format!("/api/v1/experiments/{id}")).json()["runs"].clone();
    let had = |seed: u64| {
        let mut runs = runs.as_array().unwrap().iter();
        runs.any(|run| run["seed"] == seed)
    };
    let asked = href.split("seeds=").nth(1).unwrap();
    let seeds: Vec<u64> = asked.split("%2C").map(|s| s.parse().unwrap()).collect();
    assert_eq!(seeds.len(), 5);
    assert!(seeds.iter().all(|seed| !had(*seed)) && had(seeds[0] - 1));
    let form = page(&app, &href);
    let ticked = |arm: &str| form.contains(&format!("value=\"{arm}\" checked"));
    assert!(ticked("judged") && ticked("zero") && !ticked("sft") && !ticked("student"));
    assert!(!form.contains("ignored: "));
    let words: Vec<String> = seeds.iter().map(u64::to_string).collect();
    let filled = format!("value=\"{}\"", words.join(", "));
    assert!(form.contains(&filled), "{filled}");
}

#[test]
fn an_experiment_without_failures_says_so() {
    let app = App::start();
    let id = seeded(&app, 3, true, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}/graveyard?smoth=1"));
    // Three seeds are too few for the rule: that is no zero.
    assert!(text.contains("it is unsuccessful (no verdict yet), and none is required."));
    assert!(text.contains("arms: unsuccessful: no verdict yet, 0 hidden."));
    let answer = app
        .get(&format!("/api/v1/experiments/{id}/comparison"))
        .json();
    assert!(answer["denominator"]["unsuccessful"].is_null(), "{answer}");
    assert_eq!(answer["denominator"]["no_verdict"], "not_yet");
    let json = app.get(&format!("/experiments/{id}.json")).json();
    assert!(json["denominator"]["unsuccessful"].is_null(), "{json}");
    assert_eq!(json["denominator"]["no_verdict"], "not_yet");
    assert!(text.contains("ignored:"));
}

#[test]
fn a_run_that_was_left_out_has_no_part_in_how_its_arm_failed() {
    let app = App::start();
    let id = seeded(&app, 5, false, |_, _| Until::End);
    let n = || {
        let tables = app
            .get(&format!("/api/v1/experiments/{id}/failures"))
            .json()["tables"]
            .clone();
        let table = |kind: &str| {
            let all = tables.as_array().unwrap();
            let own = all
                .iter()
                .find(|t| t["kind"] == kind && t["arm"] == "judged");
            own.unwrap()["rows"][1]["cells"][0]["n"].as_i64().unwrap()
        };
        (table("judge_drift"), table("hacking"))
    };
    assert_eq!(n(), (5, 5));
    let runs = app.get(&format!("/api/v1/experiments/{id}")).json()["runs"].clone();
    let run = runs
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["arm"]["key"] == "judged" && r["seed"] == 2)
        .unwrap();
    let out = app.post(
        &format!("/api/v1/runs/{}/exclude", run["id"].as_str().unwrap()),
        "application/json",
        br#"{"reason": "The disk was full."}"#,
    );
    assert!(out.status < 300, "{}", out.text);
    assert_eq!(n(), (4, 4));
    let text = page(&app, &format!("/experiments/{id}/graveyard"));
    assert!(text.contains("1 excluded"), "{text}");
}

#[test]
fn every_chart_and_table_is_a_file_that_says_what_stands_behind_it() {
    let app = App::start();
    let id = seeded(&app, 5, false, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}/graveyard"));
    let snapshot = app.get(&format!("/experiments/{id}.json")).json()["snapshot"].clone();
    let snapshot = snapshot.as_str().unwrap();
    let index = app.get(&format!("/experiments/{id}/graveyard.json")).json();
    let files = index["files"].as_array().unwrap();
    assert!(files.len() > 5, "{index}");
    let mut seen = std::collections::BTreeSet::new();
    for file in files {
        let at = file["at"].as_str().unwrap();
        assert!(
            seen.insert(at) && text.contains(&format!("\"{at}.csv\"")),
            "{at}"
        );
        for ending in file["endings"].as_array().unwrap() {
            let ending = ending.as_str().unwrap();
            if ending == "png" {
                continue;
            }
            let path = format!("{at}.{ending}");
            let answer = app.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            for part in [snapshot, "runs planned: "] {
                assert!(answer.text.contains(part), "{part} in {path}");
            }
            // It is not of all arms.
            for part in ["all drawn", "Hidden"] {
                assert!(!answer.text.contains(part), "{part} in {path}");
            }
        }
    }
    let own = |file: &str| app.get(&format!("/experiments/{id}/graveyard/{file}"));
    let course = own("judged/course.json").json();
    assert_eq!(course["figure"], "course");
    assert!(course["rows"].as_array().unwrap().len() > 2);
    let hacking = own("judged/hacking-grpo.csv").text;
    assert!(hacking.contains("_ci95_low,"), "{hacking}");
    assert!(own("judged/hacking-grpo.tex").text.contains("$\\pm$"));
    // What a card compares stands on a basis; what was true and what a judge said of it, and
    // what is described, on none.
    let caption = |file: &str| {
        let tex = own(file).text;
        let line = tex.lines().find(|line| line.starts_with("\\caption"));
        line.unwrap_or_else(|| panic!("{tex}")).to_string()
    };
    for file in ["judged/course.tex", "judged/hacking-grpo.tex"] {
        assert!(!caption(file).contains("Basis: "), "{}", caption(file));
    }
    let others = files.iter().filter_map(|file| file["at"].as_str());
    let others = others.filter(|at| at.ends_with("/course") && !at.contains("/judged/"));
    for at in others {
        let at = at.rsplit_once("/graveyard/").unwrap().1;
        let said = caption(&format!("{at}.tex"));
        assert!(said.contains(" Basis: equal "), "{said}");
    }
    for file in ["judged/course", "judged/hacking-grpo"] {
        let csv = own(&format!("{file}.csv?hdie=a")).text;
        assert!(csv.contains("# ignored: hdie\r\n"), "{csv}");
        let json = own(&format!("{file}.json?hdie=a")).json();
        assert_eq!(json["ignored"][0], "hdie");
    }
    // Of the present data alone, and of what is there.
    assert_eq!(own("judged/course.csv?snap=00000000").status, 404);
    for missing in [
        "zero/course.svg",
        "nobody/course.csv",
        "judged/hacking-grpo.svg",
        "hacking-grpo.csv",
        "judged/..%2fcourse.csv",
    ] {
        assert_eq!(own(missing).status, 404, "{missing}");
    }
}
