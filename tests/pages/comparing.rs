//! Pages on which things are looked up beside each other: any runs and arms, the list of
//! experiments, what others have published.

use crate::app::App;
use crate::seed::{Seeder, Until, decoding, spec};
use crate::{THREE, page, seeded};
use assay_core::ids::ExperimentId;
use assay_core::wire::Record;

#[test]
fn arms_of_two_experiments_are_compared_with_what_policy_adds() {
    let app = App::start();
    let state = app.state();
    let (first, second, judged) = app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 40).await;
        let a = seeder.submit(&spec(&THREE, 3, 0)).await;
        let b = seeder
            .submit(&spec(
                &[("grpo", "GRPO again"), ("grpo", "Twice the rate")],
                3,
                0,
            ))
            .await;
        let c = seeder.submit(&decoding(3, 5, false)).await;
        seeder.work_off(|_| Until::End).await;
        (a, b, c)
    });
    let query = format!("arms={first}/base,{first}/arm-1,{second}/arm-0");
    let text = page(&app, &format!("/compare?{query}"));
    for words in [
        "keys have different values",
        "grpo.learning_rate",
        "Basis: equal compute: 4.000e11",
        " won, ",
        "Twice the rate",
        "none: not registered",
        "not enough seeds",
        "/compare.csv?",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let json = app.get(&format!("/compare.json?{query}")).json();
    let lines = json["comparison"]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["difference"]["n"], 3);
    let tally = &lines[2]["questions"];
    let count = |key: &str| tally[key].as_u64().unwrap();
    assert_eq!(count("wins") + count("losses") + count("ties"), 16);
    assert!(json["comparison"]["config"].as_array().unwrap().len() > 40);
    let csv = app.get(&format!("/compare.csv?{query}"));
    let rows = csv.text.lines().filter(|l| !l.starts_with("# "));
    assert_eq!(rows.count(), 4);
    let behind = json["denominator_text"].as_str().unwrap();
    assert!(behind.starts_with("9 runs planned: 9 done"), "{behind}");
    assert!(csv.text.contains(&format!("# {behind}")) && text.contains(behind));
    // Differences to another column, its training curve, and the same as files.
    let to = format!("{query}&base={second}/arm-0");
    let other = page(&app, &format!("/compare?{to}"));
    assert!(other.contains("compared with <strong><bdi>GRPO again</bdi></strong>"));
    assert!(other.contains("class=\"plot curves\""), "{other}");
    let json = app.get(&format!("/compare.json?{to}")).json();
    assert_eq!(json["comparison"]["lines"][2]["is_base"], true);
    assert_eq!(json["comparison"]["lines"][0]["difference"]["n"], 3);
    let training = app.get(&format!("/compare/training.json?{to}")).json();
    // The base alone does not train.
    assert_eq!(training["series"].as_array().unwrap().len(), 2);
    assert!(training["series"][0]["points"].as_array().unwrap().len() > 1);
    for figure in ["forest", "training", "milestones", "frontier"] {
        let svg = app.get(&format!("/compare/{figure}.svg?{to}"));
        assert_eq!(svg.header("content-type"), "image/svg+xml");
        assert!(svg.text.contains("9 runs planned"), "{figure}");
    }
    for figure in ["forest", "training", "config"] {
        for (ending, words) in [
            ("csv", "# Snapshot "),
            ("tex", "\\toprule"),
            ("json", "\"snapshot\""),
        ] {
            let path = format!("/compare/{figure}.{ending}?{to}");
            let answer = app.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            assert!(answer.text.contains(words), "{words} in {path}");
            // One comparison, one hash.
            let snapshot = json["snapshot"].as_str().unwrap();
            let written = match ending {
                "tex" => &snapshot[..8],
                _ => snapshot,
            };
            assert!(answer.text.contains(written), "{written} in {path}");
            assert!(answer.text.contains("9 runs planned"), "{path}");
            let caption = answer.text.lines().find(|l| l.starts_with("\\caption"));
            let said = caption.is_some_and(|l| l.contains(" Basis: equal compute: 4.000e11 "));
            // Keys are listed, not compared at anything.
            assert_eq!(said, ending == "tex" && figure != "config", "{path}");
        }
    }
    let rows = app.get(&format!("/compare/forest.csv?{to}")).text;
    let own = rows
        .lines()
        .filter(|l| l.contains("\"GRPO from the base\","))
        .count();
    assert_eq!(own, 1 + 3, "a mean and three seeds: {rows}");
    let keys = app.get(&format!("/compare/config.json?{to}")).json();
    let keys = keys["rows"].as_array().unwrap();
    assert!(keys.iter().any(|row| row["key"] == "grpo.learning_rate"));
    let all = app.get(&format!("/compare/config.json?{to}&all=1")).json();
    assert!(all["rows"].as_array().unwrap().len() > keys.len());
    assert_eq!(app.get("/compare/config.csv").status, 404);
    assert_eq!(app.get(&format!("/compare/config.svg?{to}")).status, 404);
    let tex = app.get(&format!("/compare.tex?{to}")).text;
    assert!(tex.contains("\\toprule") && tex.contains("compared with"));
    // What a reader has collapsed is named in the figures' files too.
    let forest = app
        .get(&format!(
            "/compare/forest.json?arms={judged}/zero,{judged}/student&collapse=1"
        ))
        .json();
    assert_eq!(forest["denominator"]["hidden"], 1);
    assert_eq!(forest["collapsed"][0], "prm (rerank)");
    // And in the notes of tables and under figures, as those are that policy has added.
    let pair = format!("arms={judged}/zero,{judged}/student");
    for (query, words) in [
        (pair.clone(), "Added by policy: Best by the step judge."),
        (
            format!("{pair}&collapse=1"),
            "Collapsed by the link: prm (rerank).",
        ),
    ] {
        for file in ["compare.tex", "compare/forest.tex"] {
            let tex = app.get(&format!("/{file}?{query}")).text;
            let note = tex.lines().find(|line| line.starts_with("\\caption"));
            assert!(note.unwrap().contains(words), "{words} in {tex}");
        }
        for file in ["compare.csv", "compare.json", "compare/forest.svg"] {
            let text = app.get(&format!("/{file}?{query}")).text;
            assert!(text.contains(words), "{words} in {file}: {text}");
        }
        let text = page(&app, &format!("/compare?{query}"));
        let caption = text.split("<figcaption>").nth(1).unwrap();
        let caption = caption.split("</figcaption>").next().unwrap();
        assert!(caption.contains(words), "{words} in {caption}");
    }
    assert_eq!(app.get("/compare/forest.svg").status, 404);
    assert_eq!(app.get(&format!("/compare/moods.svg?{to}")).status, 404);
    // Figures as on an experiment's page: the same words, on the page and in its files.
    let view = format!("{to}&x=device_s&band=minmax&seeds=1&budget=1&hide={first}/arm-1");
    let text = page(&app, &format!("/compare?{view}"));
    assert!(!text.contains("ignored: "), "{text}");
    for words in [
        "data-cost=\"device_s\"",
        "device-seconds charged, per seed",
        "is no interval",
        "Hidden by the link: GRPO from the base.",
        "Values at 1.000 device-seconds",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let drawn = app.get(&format!("/compare/milestones.json?{view}")).json();
    assert_eq!(drawn["hidden"][0], "GRPO from the base");
    assert_eq!(drawn["series"].as_array().unwrap().len(), 2);
    assert_eq!(drawn["at_budget"]["unit"], "device_s");
    assert_eq!(drawn["at_budget"]["rows"].as_array().unwrap().len(), 3);
    let drawn = app.get(&format!("/compare/training.json?{view}")).json();
    assert_eq!(drawn["series"][0]["seeds"].as_array().unwrap().len(), 3);
    let csv = app.get(&format!("/compare/training.csv?{view}")).text;
    assert!(csv.contains("# Hidden by the link: GRPO from the base."));
    let refused = page(
        &app,
        &format!("/compare?{to}&x=usd&band=wide&budget=-1&only=x/y"),
    );
    for word in ["x=usd", "band=wide", "budget=-1", "only=x/y"] {
        assert!(refused.contains(&format!("<code>{word}</code>")), "{word}");
    }
    assert_eq!(app.get(&format!("/compare/group-1.svg?{to}")).status, 404);
    // A run beside an arm: one seed, no interval.
    let run = crate::run_link(
        &page(&app, &format!("/experiments/{first}")),
        "GRPO from the base",
        1,
    );
    let run = &run["/runs/".len()..];
    let one = page(&app, &format!("/compare?runs={run}&arms={second}/arm-0"));
    assert!(one.contains("GRPO from the base, seed 1") && one.contains("1 seed, no interval"));
    // Its required attempts: one is a decoder, the other one was not run.
    let with = page(
        &app,
        &format!("/compare?arms={judged}/zero,{judged}/majority,{first}/base"),
    );
    for words in [
        "mcts: not run, because: Too dear for two cores.",
        "Decoders of R1-Zero (zero/grpo)",
        "at equal inference tokens",
        "equal inference: the cost of 16 samples of zero/grpo a question",
        "<small>added by policy</small>",
        "another root seed",
    ] {
        assert!(with.contains(words), "{words}");
    }
    let query = format!("arms={judged}/majority&metric=pass1");
    let alone = page(&app, &format!("/compare?{query}"));
    assert!(alone.contains("Decoders alone") && alone.contains("class=\"plot forest\""));
    let json = app.get(&format!("/compare.json?{query}")).json();
    let lines = json["decoders"][0]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["added_by_policy"], true);
    // The judge was not to answer at one sample.
    let one = &json["decoders"][0]["levels"][0];
    assert!(one["rows"][1]["difference"].is_null());
    assert!(alone.contains("not planned"));
    let at = &json["decoders"][0]["levels"][1];
    assert_eq!(at["basis"]["basis"], "equal_inference");
    assert_eq!(at["rows"][1]["difference"]["n"], 3);
    let svg = app.get(&format!("/compare/decoders-0.svg?{query}"));
    assert!(svg.text.contains("equal inference tokens"));
    let tex = app.get(&format!("/compare/decoders-0.tex?{query}")).text;
    let caption = tex.lines().find(|line| line.starts_with("\\caption"));
    let basis = " Basis: equal inference: the cost of ";
    assert!(caption.is_some_and(|l| l.contains(basis)), "{tex}");
    assert_eq!(
        app.get(&format!("/compare/decoders-7.svg?{query}")).status,
        404
    );
    let csv = app.get(&format!("/compare.csv?{query}")).text;
    assert!(csv.contains("# Decoders of R1-Zero") && csv.contains("\"equal inference: "));
    let hidden = page(&app, &format!("/compare?{query}&collapse=1"));
    assert!(hidden.contains("required attempt collapsed by you: "));
}

fn built_from(record: &mut Record, code: &str) {
    if let Record::Started { host, .. } = record {
        host.code = code.into();
    }
}

#[test]
fn the_commit_that_workers_were_built_from_is_a_row_of_the_comparison() {
    let app = App::start();
    let state = app.state();
    let (first, second) = app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 40).await;
        seeder.rewrite = |record| built_from(record, "0.1.0, commit aaa");
        let a = seeder.submit(&spec(&THREE, 1, 0)).await;
        seeder.work_off(|_| Until::End).await;
        seeder.rewrite = |record| built_from(record, "0.1.0, commit bbb");
        let b = seeder.submit(&spec(&THREE, 1, 8)).await;
        seeder.work_off(|_| Until::End).await;
        (a, b)
    });
    let row = |arms: String| {
        let json = app.get(&format!("/compare.json?arms={arms}")).json();
        let rows = json["comparison"]["config"].as_array().unwrap().clone();
        rows.into_iter().find(|r| r["key"] == "code").unwrap()
    };
    let other = row(format!("{first}/arm-1,{second}/arm-1"));
    assert_eq!(other["values"][0], "0.1.0, commit aaa");
    assert_eq!(other["values"][1], "0.1.0, commit bbb");
    assert_eq!(other["differs"], "in_value");
    let same = row(format!("{first}/arm-1,{first}/arm-0"));
    assert_eq!(same["differs"], "nowhere");
    let text = page(&app, &format!("/compare?arms={first}/arm-1,{second}/arm-1"));
    assert!(text.contains(">code</th>") && text.contains("0.1.0, commit bbb"));
    let runs =
        |id: ExperimentId| app.get(&format!("/api/v1/experiments/{id}")).json()["runs"].clone();
    let run = |id: ExperimentId| runs(id)[2]["id"].as_str().unwrap().to_string();
    let text = page(
        &app,
        &format!("/runs/{}?against={}", run(first), run(second)),
    );
    assert!(text.contains("<td>0.1.0, commit aaa</td>"), "{text}");
    assert!(text.contains("<code>0.1.0, commit bbb</code>"), "{text}");
}

#[test]
fn arms_of_other_commits_differ_in_their_code_on_the_experiments_page() {
    let app = App::start();
    let state = app.state();
    let id = app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 40).await;
        let id = seeder.submit(&spec(&THREE, 1, 0)).await;
        while let Some(claim) = seeder.claim().await {
            seeder.rewrite = match claim.spec.job.kind() {
                "grpo" => |record| built_from(record, "0.1.0, commit bbb"),
                _ => |record| built_from(record, "0.1.0, commit aaa"),
            };
            seeder.work(&claim, Until::End).await;
        }
        id
    });
    let experiment = format!("/experiments/{id}");
    let csv = app.get(&format!("{experiment}/matrix.csv")).text;
    let mut rows = csv.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rows.next(), Some("key,arm_base,arm_arm-0,arm_arm-1"));
    let (one, two) = ("0.1.0, commit aaa", "0.1.0, commit bbb");
    let code = format!("\"code\",\"{one}\",\"{one}\",\"{one}; {two}\"");
    assert_eq!(rows.next(), Some(code.as_str()), "{csv}");
    let text = page(&app, &experiment);
    let matrix = crate::decoders::section(&text, "matrix");
    assert!(matrix.contains(">code</th>") && matrix.contains(two));
    // A citation keeps it with the rest.
    let hash = crate::kept::keep(&app, id);
    let kept = app
        .get(&format!("{experiment}/matrix.csv?snap={hash}"))
        .text;
    assert_eq!(kept, csv);
    // Where all are of one commit there is nothing to be said.
    let same = seeded(&app, 30, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{same}"));
    assert!(!text.contains(">code</th>"));
}

#[test]
fn columns_that_there_is_no_room_for_are_named_and_have_links_of_their_own() {
    let app = App::start();
    let labels: Vec<String> = (0..25).map(|i| format!("Recipe {i}")).collect();
    let arms: Vec<(&str, &str)> = labels.iter().map(|l| ("grpo", l.as_str())).collect();
    let of = spec(&arms, 1, 0);
    let state = app.state();
    let id = app.block_on(async { Seeder::new(state, "w", 1).await.submit(&of).await });
    let words: Vec<String> = (0..25).map(|i| format!("{id}/arm-{i}")).collect();
    let query = format!("arms={},{id}/arm-3,nobody", words.join(","));
    let said = format!(
        "Beyond 24 columns, in no table and no figure here: Recipe 24 ({}); nobody.",
        of.name
    );
    let text = page(&app, &format!("/compare?{query}"));
    assert!(text.contains(&said), "{text}");
    assert!(text.contains("ignored: <code>columns=27, the first 24 are shown</code>"));
    for file in ["compare.csv", "compare.json", "compare/config.csv"] {
        let file = app.get(&format!("/{file}?{query}")).text;
        assert!(file.contains(&said), "{file}");
    }
    let text = page(&app, &format!("/experiments/{id}"));
    let matrix = crate::decoders::section(&text, "matrix");
    let link = format!(
        "<a href=\"/compare?arms={id}/arm-23,{id}/arm-24&amp;all=1\">Every key of arms 25 to 26</a>"
    );
    assert!(matrix.contains(&link), "{matrix}");
}

#[test]
fn nonsense_in_the_address_of_a_comparison_is_named_and_harmless() {
    let app = App::start();
    for query in [
        "",
        "?runs=x,y&arms=z",
        "?arms=00000000-0000-7000-8000-000000000000/<script>",
        "?runs=00000000-0000-7000-8000-000000000000&metric=mood&all=perhaps",
        "?arms=%00,%ff",
        "?arms=,,,/,/&runs=,",
    ] {
        let text = page(
            &app,
            &format!("/compare{}", query.replace('<', "%3C").replace('>', "%3E")),
        );
        assert!(text.contains("Nothing to compare yet"), "{query}");
        assert_eq!(text.contains("ignored: "), !query.is_empty(), "{query}");
        let json = format!(
            "/compare.json{}",
            query.replace('<', "%3C").replace('>', "%3E")
        );
        assert_eq!(app.get(&json).status, 200, "{query}");
    }
    let many = vec!["x"; 60].join(",");
    assert!(page(&app, &format!("/compare?runs={many}")).contains("ignored: "));
}

#[test]
fn the_list_is_filtered_by_text_and_standing() {
    let app = App::start();
    let done = seeded(&app, 40, |_, _| Until::End);
    let open = app.block_on(async {
        let mut other = spec(&THREE, 1, 3);
        other.name = "100 % of [it]".into();
        Seeder::new(app.state(), "w", 1).await.submit(&other).await
    });
    let ids = |query: &str| {
        let text = page(&app, &format!("/?{query}"));
        [done, open].map(|id| text.contains(&format!("/experiments/{id}")))
    };
    assert_eq!(ids(""), [true, true]);
    assert_eq!(ids("q=100+%25+OF+%5B"), [false, true]);
    assert_eq!(ids("q=nothing+like+it"), [false, false]);
    assert_eq!(ids("status=done"), [true, false]);
    assert_eq!(ids("status=open"), [false, true]);
    assert_eq!(ids("status=failed"), [false, false]);
    assert_eq!(ids("q=supervised&status=done"), [true, false]);
    assert!(page(&app, "/?status=sad&q=%00").contains("ignored: "));
    let list = page(&app, "/");
    assert!(list.contains("2 without enough seeds") && list.contains("400 G FLOPs a seed"));
}

#[test]
fn the_list_is_searched_whatever_the_case_in_any_script() {
    let app = App::start();
    let id = app.block_on(async {
        let mut of = spec(&THREE, 1, 3);
        of.name = "Übung an der Straße".into();
        of.question = "Что значит ЖУРНАЛ, und was λόγος?".into();
        Seeder::new(app.state(), "w", 1).await.submit(&of).await
    });
    let found = |text: &str| {
        let query: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        page(&app, &format!("/?q={query}")).contains(&format!("/experiments/{id}\""))
    };
    for text in ["übUNG", "STRASSE", "журнал", "ΛΌΓΟΣ", "sTRaße Что"] {
        assert!(found(text), "{text}");
    }
    for text in ["ubung", "журналы", "λόγοι", "%", "_bung"] {
        assert!(!found(text), "{text}");
    }
}

#[test]
fn past_stages_are_the_basis_of_estimates() {
    let app = App::start();
    seeded(&app, 60, |_, _| Until::End);
    let state = app.state();
    app.block_on(async {
        Seeder::new(state, "w", 1)
            .await
            .submit(&spec(&THREE, 2, 77))
            .await
    });
    let queue = page(&app, "/queue");
    assert!(queue.contains("Estimated clearing time: "), "{queue}");
    assert!(queue.contains("grpo (3 past)"));
    // The same past gives the speed that the cost page reckons with, and its spread.
    let cost = page(
        &app,
        "/cost?gpus=2&steps=10&rollouts=8&tokens=100&speed=800",
    );
    for words in [
        "over 3 past stages",
        "10 steps × (8 rollouts × 100 tokens",
        " h ± ",
        "2 GPUs × ",
    ] {
        assert!(cost.contains(words), "{words}\n{cost}");
    }
    let text = page(&app, "/experiments/new?preset=quick");
    assert!(text.contains("On the basis of") && text.contains("grpo (3 to come, 3 past)"));
}

#[test]
fn published_results_have_their_page_and_files() {
    let app = App::start();
    let text = page(&app, "/references?benchmark=aime_2024&x=1");
    assert!(text.contains("77.9") && text.contains("71.0") && text.contains("ignored: "));
    let csv = app.get("/references.csv?benchmark=codeforces").text;
    assert!(
        csv.lines()
            .skip(1)
            .all(|l| l.contains(",codeforces,rating,"))
    );
    assert!(csv.lines().count() > 8);
    assert!(app.get("/references.json").json()["sources"]["r1-v2"].is_object());
}
