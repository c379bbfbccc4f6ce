//! The viewers over HTTP: samples and what people say of the grader, trees, judged
//! texts, and the run's page that leads to them.

use crate::app::App;
use crate::filed::all_there;
use crate::seed::{Seeder, Until, decoding, spec};
use crate::stored::{judged, put, raw, tree};
use crate::{html, page, seeded};
use assay_core::ids::{AttemptRef, RunId};
use assay_core::wire::{CompletionItem, Record, role};
use assay_store as store;

/// The runs of an arm, by seed.
fn runs(app: &App, id: assay_core::ids::ExperimentId, arm: &str) -> Vec<RunId> {
    let state = app.state();
    app.block_on(async {
        let mut conn = state.conn().await.unwrap();
        let all = store::list_runs(&mut conn, id).await.unwrap();
        all.into_iter()
            .filter(|r| r.arm.key == arm)
            .map(|r| r.id)
            .collect()
    })
}

#[test]
fn samples_are_one_click_from_the_run_and_people_can_contest_the_grader() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let run = runs(&app, id, "arm-1")[0];
    let text = page(&app, &format!("/runs/{run}"));
    let link = format!("/runs/{run}/samples?stage=grpo&#38;step=24");
    assert!(text.contains(&link), "{text}");
    assert!(text.contains("data-plot=") && text.contains("data-crosshair"));
    let path = format!("/runs/{run}/samples?stage=grpo&step=24");
    let text = page(&app, &path);
    for words in [
        "Step 24, group 1",
        "Step 24, group 2",
        "accuracy 1.000",
        "completions are stored",
        "Nobody has judged the grader",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let wrong = page(&app, &format!("{path}&result=wrong&text=%237"));
    assert!(wrong.contains("✗ wrong") && !wrong.contains("✓ correct"));
    assert!(page(&app, &format!("/runs/{run}/samples?step=all")).contains("Step 12, group 1"));

    // Every group of the made-up stage has one prompt, at every stored step.
    assert!(text.contains("data-go=\"d\"") && !text.contains("class=\"beside\""));
    let both = page(&app, &format!("{path}&group=1&with=12"));
    let beside = &both[both.find("class=\"beside\"").unwrap()..];
    assert!(
        beside.contains("<strong>Step 24</strong>") && beside.contains("<strong>Step 12</strong>")
    );
    assert!(beside.contains("id=\"s24-g0-i7\"") && beside.contains("id=\"s12-g1-i7-at-s24-g0\""));
    let other = page(&app, &format!("{path}&with=13"));
    assert!(other.contains("ignored: ") && !other.contains("class=\"beside\""));

    // A word is kept with its reason, from a form of our own page only.
    let form = "stage=grpo&step=24&group=0&index=1&verdict=wrong&reason=5+is+%3Cb%3Eright";
    let post = |headers: &[(&str, &str)], body: &str| {
        let mut all = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("accept", "text/html"),
        ];
        all.extend(headers);
        app.send("POST", &format!("/runs/{run}/samples"), &all, body)
    };
    let foreign = post(&[("origin", "http://evil.example")], form);
    assert_eq!(foreign.status, 403);
    assert_eq!(app.count("grader_contest"), 0);
    let answer = post(&[("origin", app.url.as_str())], form);
    assert_eq!(answer.status, 303, "{}", answer.text);
    let back = answer.header("location").to_string();
    assert!(back.ends_with("#s24-g0-i1"), "{back}");
    let text = page(&app, back.split('#').next().unwrap());
    assert!(
        text.contains("5 is &#60;b&#62;right") && text.contains("1 of 1"),
        "{text}"
    );
    for (bad, status) in [
        (
            "stage=grpo&step=24&group=0&index=1&verdict=wrong&reason=",
            409,
        ),
        (
            "stage=grpo&step=24&group=0&index=1&verdict=best&reason=x",
            400,
        ),
        ("stage=grpo&step=25&group=0&index=1&verdict=right", 404),
        ("stage=nothing&step=24&group=0&index=1&verdict=right", 404),
        ("stage=grpo&step=x", 400),
    ] {
        assert_eq!(post(&[], bad).status, status, "{bad}");
    }
    // The same by REST.
    let body = r#"{"stage":"grpo","step":24,"group":1,"index":0,"verdict":"right"}"#;
    let path = format!("/api/v1/runs/{run}/contests");
    let made = app.post(&path, "application/json", body.as_bytes());
    assert_eq!(made.status, 201, "{}", made.text);
    let found = app.get(&path).json();
    assert_eq!(
        (found["reviewed"].as_i64(), found["wrong"].as_i64()),
        (Some(2), Some(1))
    );
    assert_eq!(found["error_rate"], 0.5);
    assert!(found["interval"]["low"].as_f64().unwrap() > 0.09);
    assert_eq!(found["contests"][0]["reason"], "5 is <b>right");
}

#[test]
fn trees_and_judged_texts_are_listed_shown_and_said_to_be_missing() {
    let app = App::start();
    let state = app.state();
    let (id, empty) = app.block_on(async {
        let mut seeder = Seeder::new(state.clone(), "w", 40).await;
        let id = seeder.submit(&decoding(1, 7, false)).await;
        let mut claims = vec![];
        seeder
            .work_off(|claim| {
                claims.push(claim.clone());
                Until::End
            })
            .await;
        let of = |kind: &str| claims.iter().find(|c| c.spec.job.kind() == kind).unwrap();
        let hostile = tree("</code><script>alert(1)</script>\u{202e}");
        let lines = format!("{}\nno tree\n{hostile}\n", tree("7*3=1;"));
        let big = vec![b' '; 20 << 20];
        let records = [
            (
                of("mcts"),
                put(&state, role::TREES, 16, lines.as_bytes()).await,
            ),
            (of("mcts"), raw(&state, role::TREES, 17, b"no gzip").await),
            (of("mcts"), put(&state, role::TREES, 18, &big).await),
            (
                of("prm_train"),
                put(
                    &state,
                    role::JUDGED,
                    40,
                    format!("{}\n{}\n{{}}\n", judged(0.91), judged(0.2)).as_bytes(),
                )
                .await,
            ),
        ];
        for (claim, record) in records {
            let Record::Artifact {
                role, step, sha256, ..
            } = record
            else {
                unreachable!()
            };
            let at = AttemptRef {
                stage: claim.stage,
                number: claim.attempt,
            };
            seeder.refer(at, &role, step as i64, &sha256).await;
        }
        let empty = seeder.submit(&spec(&crate::THREE, 1, 9)).await;
        (id, empty)
    });
    let run = runs(&app, id, "tree")[0];
    let text = page(&app, &format!("/runs/{run}"));
    assert!(text.contains(&format!("/runs/{run}/trees")), "{text}");
    let trees = format!("/runs/{run}/trees");
    all_there(&app, &format!("{trees}?step=16"), &[&trees]);
    let children = format!("{trees}/16-1/children");
    all_there(&app, &format!("{trees}/16-1"), &[&children]);
    let text = page(&app, &format!("/runs/{run}/trees?step=16"));
    for words in [
        "16-1",
        "not a readable tree",
        "not measured",
        "trees/16-1?stage=tree",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let text = page(
        &app,
        &format!("/runs/{run}/trees/16-1?stage=tree&node=1&smoth=2"),
    );
    assert!(
        text.contains("<h2>Node 1</h2>") && text.contains("ignored"),
        "{text}"
    );
    let text = page(&app, &format!("/runs/{run}/trees/16-3"));
    assert!(!text.contains("<script>alert") && !text.contains('\u{202e}'));
    assert!(page(&app, &format!("/runs/{run}/trees/16-2")).contains("cannot be shown"));
    for step in [17, 18] {
        let text = page(&app, &format!("/runs/{run}/trees?step={step}"));
        assert!(text.contains("what could be read is shown"), "{step}");
        assert!(page(&app, &format!("/runs/{run}/trees/{step}-1")).contains("cannot be shown"));
    }
    for (file, words) in [
        ("trees/16-1.csv", "node,parent,depth,visits,"),
        ("trees/16-1.json", "\"figure\":\"tree\""),
        ("trees/16-1.tex", "\\toprule"),
        ("trees/16-1.svg?node=1", "class=\"nd "),
        ("trees/16-1/depths.csv", "depth,nodes,visits,"),
        ("trees/16-1/calibration.svg", "class=\"cal\""),
        (
            "trees/calibration.csv?step=16",
            "from,to,count,predicted,observed",
        ),
        (
            "trees.csv?step=16",
            "\r\n16-2,,,,,,,,,,,,,\"not a readable tree",
        ),
        ("trees.json?step=16", "\"whole_samples\":null"),
        ("trees.tex?step=16", "\\toprule"),
        (
            "trees/16-1/children.csv?node=0",
            "\r\n1,0,1,6,1,0.5,0.5,0.5,yes,,\"7*3=1;\"\r\n2,0,",
        ),
        ("trees/16-3/children.tex", "\\toprule"),
    ] {
        let answer = app.get(&format!("/runs/{run}/{file}"));
        assert_eq!(answer.status, 200, "{file}: {}", answer.text);
        assert!(answer.text.contains(words), "{words} in {file}");
        assert!(answer.text.contains(&format!("run {run}")), "{file}");
        assert!(answer.text.contains(" planned: "), "{file}");
        assert!(!answer.text.contains('\u{202e}'), "{file}");
    }
    for file in [
        "trees/16-2.csv",
        "trees/16-9.svg",
        "trees/16-1/depths.svg",
        "trees/x.csv",
        // Of no other stage or step than was asked for.
        "trees/16-1.svg?stage=nothing",
        "trees/16-1/depths.csv?stage=nothing",
        "trees/16-1/calibration.csv?stage=nothing",
        "trees/calibration.csv?stage=nothing&step=16",
        "trees.csv?stage=nothing&step=16",
        "trees.csv?step=15",
        "trees.svg?step=16",
        "trees/16-1/children.csv?node=3",
        "trees/16-1/children.svg",
    ] {
        let answer = html(&app, &format!("/runs/{run}/{file}"));
        assert_eq!(answer.status, 404, "{file}");
    }
    for path in [
        "trees/16-9",
        "trees/99-1",
        "trees/x",
        "prm/40-9",
        "prm/40-0",
    ] {
        let answer = html(&app, &format!("/runs/{run}/{path}"));
        assert_eq!(answer.status, 404, "{path}");
    }
    let judge = runs(&app, id, "rerank")[0];
    let text = page(&app, &format!("/runs/{judge}/prm"));
    for words in [
        "No AUC within problems: it would rest on ",
        "under 50 wrong steps none is shown",
        "not a readable text",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(text.contains(&format!("\"/runs/{judge}/prm/calibration.svg?stage=")));
    let file = app.get(&format!("/runs/{judge}/prm/calibration.csv"));
    assert!(
        file.text.contains("from,to,count,predicted,observed"),
        "{}",
        file.text
    );
    assert_eq!(
        app.get(&format!("/runs/{judge}/prm/calibration.tex"))
            .status,
        200
    );
    for query in ["?stage=nothing", "?step=41", "?step=x"] {
        for name in ["prm/calibration", "prm"] {
            let file = html(&app, &format!("/runs/{judge}/{name}.csv{query}"));
            assert_eq!(file.status, 404, "{name}{query}");
        }
    }
    let list = format!("/runs/{judge}/prm");
    all_there(&app, &list, &[&list]);
    let text = format!("{list}/40-1");
    all_there(&app, &text, &[&text]);
    let texts = app.get(&format!("{list}.csv?reduce=last")).text;
    assert!(texts.contains("\r\n40-1,\"7*3-8+5=\",2,0.76999"), "{texts}");
    assert!(
        texts.contains("\r\n40-3,,,,,,,\"not a readable text"),
        "{texts}"
    );
    let steps = app.get(&format!("{text}.csv")).text;
    assert!(steps.contains(",,wrong,yes,\"7*3=1;\"\r\n"), "{steps}");
    // Unreadable, not there, and of no such stage.
    for missing in [
        "40-3.csv",
        "40-9.csv",
        "x.csv",
        "40-1.svg",
        "40-1.csv?stage=nothing",
    ] {
        let file = html(&app, &format!("{list}/{missing}"));
        assert_eq!(file.status, 404, "{missing}");
    }
    let text = page(&app, &format!("/runs/{judge}/prm/40-1?reduce=product"));
    assert!(
        text.contains("product 0.701") && text.contains("← disagrees"),
        "{text}"
    );
    // A run of before, or without such stages.
    let run = runs(&app, empty, "arm-0")[0];
    for (page_of, words) in [
        ("trees", "No search trees are stored"),
        ("prm", "No judged texts are stored"),
        ("samples", "No completions are stored"),
    ] {
        assert!(
            page(&app, &format!("/runs/{run}/{page_of}")).contains(words),
            "{page_of}"
        );
    }
}

#[test]
fn hostile_completions_of_a_megabyte_leave_the_pages_standing() {
    let app = App::start();
    let state = app.state();
    let id = app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 20).await;
        let id = seeder.submit(&spec(&crate::THREE, 1, 3)).await;
        let texts = [
            "<script>alert(1)</script>".repeat(40_000),
            "\u{202e}\u{1b}\u{7}é\u{0}".repeat(100_000),
            r"\def\a{\a\a}\a".repeat(70_000),
            "A".to_string(),
        ];
        let items: Vec<CompletionItem> = texts
            .iter()
            .enumerate()
            .map(|(i, text)| CompletionItem {
                group: 0,
                index: i as u32,
                prompt: text.clone(),
                gold: text.chars().take(5_000).collect(),
                completion: text.clone(),
                reward: 1.0,
                advantage: 0.0,
                length: 1,
                truncated: true,
                correct: false,
                components: Default::default(),
            })
            .collect();
        seeder.extra = vec![Record::Completions { step: 19, items }];
        seeder.work_off(|_| Until::End).await;
        id
    });
    let run = runs(&app, id, "arm-1")[0];
    for path in [
        format!("/runs/{run}?step=19"),
        format!("/runs/{run}/samples?step=19"),
        format!("/runs/{run}/samples?step=19&reflective=yes"),
        format!("/runs/{run}/samples?step=19&render=1"),
        format!("/runs/{run}/samples?step=all&text=%00%25_%5C&reward_min=NaN"),
        format!("/runs/{run}/samples?after=9.9&group=999999999999&mixed=perhaps"),
    ] {
        let text = page(&app, &path);
        assert!(!text.contains("<script>alert"), "{path}");
        assert!(
            !text.contains('\u{202e}') && !text.contains('\u{1b}'),
            "{path}"
        );
        assert!(text.len() < 2 << 20, "{path}: {} bytes", text.len());
    }
    let text = page(&app, &format!("/runs/{run}/samples?step=19"));
    assert!(
        text.contains("cut: 20,000 of 1,000,000 characters"),
        "said how much"
    );
    let log = app.get(&format!("/runs/{run}/log.txt"));
    assert_eq!(log.status, 200);
    assert!(log.header("content-type").starts_with("text/plain"));
    assert!(log.text.contains("attempt 1 on w"), "{}", log.text);
}

#[test]
fn completions_are_raw_and_typeset_where_the_address_says_so() {
    let app = App::start();
    let state = app.state();
    let bomb = format!("$${}x{}$$", r"\frac{1}{".repeat(10_000), "}".repeat(10_000));
    let id = app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 20).await;
        let id = seeder.submit(&spec(&crate::THREE, 1, 3)).await;
        let texts = [
            r"Wait, $x^2 = 9$, so \boxed{3} for $5 and $6.",
            r"$\operatorname{<script>alert(1)</script>}$",
            bomb.as_str(),
        ];
        let items: Vec<CompletionItem> = texts
            .iter()
            .enumerate()
            .map(|(i, text)| CompletionItem {
                group: 0,
                index: i as u32,
                prompt: "What is $x$?".into(),
                gold: "3".into(),
                completion: text.to_string(),
                reward: 1.0,
                advantage: 0.0,
                length: 1,
                truncated: false,
                correct: true,
                components: Default::default(),
            })
            .collect();
        seeder.extra = vec![Record::Completions { step: 19, items }];
        seeder.work_off(|_| Until::End).await;
        id
    });
    let run = runs(&app, id, "arm-1")[0];
    let path = format!("/runs/{run}/samples?step=19");
    let raw = page(&app, &path);
    assert!(raw.contains("$x^2 = 9$") && !raw.contains("<math"), "{raw}");
    assert!(raw.contains("render=1\">typeset</a>"), "{raw}");
    let set = page(&app, &format!("{path}&render=1"));
    for words in [
        "<math><msup>",
        "class=\"boxed\"",
        "for $5 and $6.",
        "2 formulas typeset, 1 left as written",
        ">raw</a>",
    ] {
        assert!(set.contains(words), "{words}\n{set}");
    }
    assert!(!set.contains("<script>alert") && set.len() < 2 << 20);
    let odd = page(&app, &format!("{path}&render=latex"));
    assert!(odd.contains("ignored: ") && !odd.contains("<math"));
}

#[test]
fn a_config_is_held_against_another_runs_in_changed_keys_only() {
    let app = App::start();
    let id = seeded(&app, 30, |_, _| Until::End);
    let (one, other) = (runs(&app, id, "arm-1")[0], runs(&app, id, "arm-1")[1]);
    let text = page(&app, &format!("/runs/{one}?stage=grpo&against={other}"));
    assert!(
        text.contains("Changed keys only") && text.contains("<code>seed</code>"),
        "{text}"
    );
    let differences = &text[text.find("Changed keys only").unwrap()..];
    let table = &differences[..differences.find("</table>").unwrap()];
    assert!(!table.contains("job.kind"), "{table}");
    let same = page(&app, &format!("/runs/{one}?stage=base&against={other}"));
    assert!(same.contains("every key is the same"), "the base is shared");
    for bad in ["nonsense", "00000000-0000-0000-0000-000000000000"] {
        let text = page(&app, &format!("/runs/{one}?against={bad}"));
        assert!(text.contains("ignored: "), "{bad}");
    }
    for words in [
        "engine semantics",
        "Environment of each attempt",
        "Changed keys only",
    ] {
        let text = page(&app, &format!("/runs/{one}?against={other}"));
        assert!(text.contains(words), "{words}");
    }
}
