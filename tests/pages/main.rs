//! The pages over HTTP, from a database of their own with made-up training.

mod alarms;
#[expect(dead_code, reason = "shared with the HTTP tests, which use more of it")]
#[path = "../http/app.rs"]
mod app;
mod cards;
mod comparing;
mod contesting;
mod curves;
mod deciding;
mod decoders;
mod described;
mod figures;
mod filed;
mod files;
mod forms;
mod freshness;
mod graveyard;
mod interim;
mod kept;
mod lasting;
mod left_out;
mod listed;
mod long;
mod numbers;
mod own_view;
mod prompts;
mod reflective;
mod requeueing;
mod seed;
mod standing;
mod stored;
mod viewers;

use app::App;
use assay_core::ids::ExperimentId;
use seed::{Seeder, Until, spec};
use std::time::{Duration, Instant};

const THREE: [(&str, &str); 2] = [
    ("sft", "SFT on clean chains"),
    ("grpo", "GRPO from the base"),
];

fn seeded(app: &App, steps: u64, mut until: impl FnMut(usize, &str) -> Until) -> ExperimentId {
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state, "w-1", steps).await;
        let id = seeder.submit(&spec(&THREE, 3, steps)).await;
        let mut seen = 0;
        seeder
            .work_off(|claim| {
                seen += 1;
                until(seen, claim.spec.job.kind())
            })
            .await;
        id
    })
}

fn html(app: &App, path: &str) -> app::Answer {
    let answer = app.send("GET", path, &[("accept", "text/html")], ());
    assert!(
        answer
            .header("content-security-policy")
            .contains("style-src 'self'")
    );
    for bad in ["style=", "<style", "javascript:", "rgb("] {
        assert!(!answer.text.contains(bad), "{bad} on {path}");
    }
    answer
}

fn page(app: &App, path: &str) -> String {
    let answer = html(app, path);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert_eq!(answer.text.matches("<h1>").count(), 1, "{path}");
    answer.text
}

/// The address of an arm's run on the experiment's page.
fn run_link(text: &str, arm: &str, seed: u64) -> String {
    let row = text.find("<section id=\"runs\"").unwrap();
    let row = row + text[row..].find(&format!(">{arm}</th>")).unwrap();
    let at = row + text[row..].find(&format!("\">seed {seed}<")).unwrap();
    let from = text[..at].rfind("/runs/").unwrap();
    text[from..at].to_string()
}

#[test]
fn a_finished_experiment_is_listed_compared_and_exported() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let list = page(&app, "/");
    assert!(list.contains(&format!("/experiments/{id}")) && list.contains("9 of 9"));
    let text = page(&app, &format!("/experiments/{id}"));
    for words in [
        "At equal training compute",
        "equal compute: 4.000e11",
        "3 of 3",
        "n = 3",
        "budget reached",
        "[+0.",
    ] {
        assert!(text.contains(words), "{words}");
    }
    for arm in ["base", "arm-0", "arm-1"] {
        assert!(
            text.matches(&format!("data-arm=\"{arm}\"")).count() >= 5,
            "{arm}"
        );
    }
    assert!(!text.contains("data-live"), "nothing is running");
    let csv = app.get(&format!("/experiments/{id}.csv"));
    assert!(csv.header("content-type").starts_with("text/csv"));
    // And the two contrasts that stand by default.
    let (carried, lines): (Vec<&str>, Vec<&str>) =
        csv.text.lines().partition(|line| line.starts_with("# "));
    assert_eq!(lines.len(), 1 + 2 * 4 * 3 + 2);
    let said = "9 runs planned: 9 done, 0 crashed, 0 cancelled, 0 excluded. Did not work: no verdict yet. Hidden: none.";
    assert!(
        carried.iter().any(|line| line.contains(said)),
        "{carried:?}"
    );
    assert!(carried.iter().any(|line| line.starts_with("# Snapshot ")));
    let json = app.get(&format!("/experiments/{id}.json")).json();
    assert_eq!(json["comparisons"].as_array().unwrap().len(), 8);
    let length = page(&app, &format!("/experiments/{id}?metric=length&curve=kl"));
    assert!(length.contains("KL to the reference") && length.contains("completion length, tokens"));
}

#[test]
fn a_run_shows_its_panels_completions_and_what_it_cost() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let run = run_link(
        &page(&app, &format!("/experiments/{id}")),
        "GRPO from the base",
        1,
    );
    let text = page(&app, &run);
    for (metric, _) in assay_core::metric::PANELS {
        assert!(
            text.contains(&format!("data-metric=\"{metric}\"")),
            "{metric}"
        );
    }
    for words in [
        "of 8 correct",
        "3+4*2-9 mod 10",
        "Charged to the arm",
        "rollout",
        "attempt 1",
        "entropy fell",
        "ood",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let other = page(&app, &format!("{run}?stage=base&step=12"));
    assert!(
        other.contains("How does base train?")
            && other.contains("ignored")
            && other.contains("step=12")
    );
    let earlier = page(&app, &format!("{run}?step=12"));
    assert!(earlier.contains("<option value=\"12\" selected>"));
}

#[test]
fn a_failed_run_says_where_and_why_and_keeps_its_curves() {
    let app = App::start();
    let mut broken = false;
    let id = seeded(&app, 60, |_, kind| {
        if kind == "grpo" && !std::mem::replace(&mut broken, true) {
            Until::Nan(0.5)
        } else {
            Until::End
        }
    });
    let text = page(&app, &format!("/experiments/{id}"));
    assert!(text.contains("2 of 3 seeds finished (1 failed)"));
    let at = text.find("state failed").expect("one run has failed");
    let from = at + text[at..].find("/runs/").unwrap();
    let run = &text[from..from + text[from..].find('"').unwrap()];
    let text = page(&app, run);
    for words in [
        "failed (nan)",
        "at step 30, metric train/loss",
        "giving up &#60;here&#62;",
        "kept and shown below",
        "not finite",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(page(&app, "/").contains("bad"));
}

#[test]
fn a_running_experiment_says_what_is_missing_and_listens_for_news() {
    let app = App::start();
    let mut left = 0;
    let id = seeded(&app, 60, |_, kind| {
        left += usize::from(kind == "grpo");
        if kind == "grpo" && left > 1 {
            Until::Share(0.4)
        } else {
            Until::End
        }
    });
    let text = page(&app, &format!("/experiments/{id}"));
    assert!(text.contains(&format!("data-live=\"/experiments/{id}/live\"")));
    assert!(
        text.contains(
            "GRPO from the base: 1 of 3 seeds finished (2 running); 1 seed, no interval."
        )
    );
    let queue = page(&app, "/queue");
    for words in [
        "w-1",
        "grpo, attempt 1, step 24",
        "2 running",
        "waits for 1 input",
        "CPU, 2 cores",
    ] {
        assert!(queue.contains(words), "{words}");
    }
}

#[test]
fn nothing_yet_is_a_page_and_so_is_every_mistake() {
    let app = App::start();
    let home = page(&app, "/");
    assert!(home.contains("assay submit preset:quick"));
    assert!(home.contains("href=\"/experiments/new?preset=r1-miniature\">Load the demo study"));
    assert!(page(&app, "/queue").contains("No worker has been seen"));
    let state = app.state();
    let id = app.block_on(async {
        Seeder::new(state, "w", 1)
            .await
            .submit(&spec(&THREE, 2, 0))
            .await
    });
    let text = page(&app, &format!("/experiments/{id}"));
    assert!(
        text.contains("No run has finished its final evaluation yet") && text.contains("0 of 2")
    );
    let run = run_link(&text, "SFT on clean chains", 0);
    assert!(page(&app, &run).contains("Nothing measured yet"));
    for query in [
        "metric=nonsense",
        "smoth=1",
        "metric=%zz",
        "x=%ff",
        "=&&=",
        "step=9999999999999999999999",
        &"a".repeat(4_000),
    ] {
        for path in [
            format!("/experiments/{id}"),
            format!("/experiments/{id}/curves"),
            format!("/experiments/{id}/graveyard"),
            run.clone(),
            format!("{run}/samples"),
            format!("{run}/trees"),
            format!("{run}/prm"),
            "/".into(),
            "/queue".into(),
            "/compare".into(),
            "/cost".into(),
            "/references".into(),
            "/docs/api".into(),
            "/experiments/new".into(),
        ] {
            let text = page(&app, &format!("{path}?{query}"));
            assert!(
                query.starts_with('=') || text.contains("ignored: "),
                "{path}?{query}"
            );
        }
    }
    for (path, status) in [
        ("/experiments/nonsense", 404),
        ("/runs/0", 404),
        ("/nowhere", 404),
        ("/static/nothing", 404),
    ] {
        let answer = html(&app, path);
        assert_eq!(answer.status, status, "{path}");
        assert!(
            answer.text.contains("What went wrong?") && answer.text.contains("request <code>"),
            "{}",
            answer.text
        );
        assert!(answer.text.contains("<a href=\"\">Try again</a>"), "{path}");
    }
    assert_eq!(html(&app, "/login").status, 200);
}

#[test]
fn assets_are_cached_by_their_content_and_keep_to_their_budgets() {
    let app = App::start();
    let text = page(&app, "/");
    for (name, budget) in [("app.css", 10_000), ("app.js", 12_000)] {
        let from = text.find(&format!("/static/{name}?v=")).unwrap();
        let url = &text[from..from + text[from..].find('"').unwrap()];
        let answer = app.get(url);
        assert!(answer.header("cache-control").contains("immutable"));
        let tag = answer.header("etag").to_string();
        let again = app.send("GET", url, &[("if-none-match", tag.as_str())], ());
        assert_eq!((again.status, again.text.len()), (304, 0));
        assert!(compressed(&app, url) < budget);
    }
}

/// Bytes on the wire.
fn compressed(app: &App, path: &str) -> usize {
    let url = format!("{}{path}", app.url);
    let out = std::process::Command::new("curl")
        .args([
            "-s",
            "-H",
            "accept-encoding: gzip",
            "-H",
            "accept: text/html,*/*",
            "-o",
            "-",
            &url,
        ])
        .output()
        .unwrap();
    assert_eq!(&out.stdout[..2], b"\x1f\x8b", "{path} is not compressed");
    out.stdout.len()
}

fn twelve(app: &App) -> ExperimentId {
    let labels: Vec<String> = (0..11).map(|i| format!("GRPO, recipe {i}")).collect();
    let arms: Vec<(&str, &str)> = labels.iter().map(|l| ("grpo", l.as_str())).collect();
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 1_000).await;
        let id = seeder.submit(&spec(&arms, 5, 0)).await;
        seeder.work_off(|_| Until::End).await;
        id
    })
}

#[test]
fn slow_twelve_arms_of_five_seeds_and_a_thousand_steps_are_fast_and_small() {
    let app = App::start();
    let id = twelve(&app);
    let path = format!("/experiments/{id}");
    let mut times: Vec<Duration> = (0..12)
        .map(|_| {
            let begun = Instant::now();
            page(&app, &path);
            begun.elapsed()
        })
        .collect();
    times.sort();
    let size = compressed(&app, &path);
    let text = page(&app, &path);
    let elements = text.matches('<').count() - text.matches("</").count();
    println!(
        "fastest {:?}, median {:?}, {size} bytes gzip, {} raw, {elements} elements",
        times[0],
        times[6],
        text.len()
    );
    // No other test runs beside it: .config/nextest.toml.
    assert!(times[0] < Duration::from_millis(150), "{times:?}");
    assert!(size < 60_000, "{size} bytes");
}

/// Serves made-up experiments until a line is read:
/// `cargo test --test pages look -- --ignored --nocapture`.
#[test]
#[ignore = "for a person who wants to look at the pages"]
fn look() {
    let app = App::start();
    let mut grpo = 0;
    let id = seeded(&app, 200, |_, kind| {
        grpo += usize::from(kind == "grpo");
        match (kind, grpo) {
            ("grpo", 2) => Until::Nan(0.55),
            ("grpo", 3) => Until::Share(0.4),
            _ => Until::End,
        }
    });
    println!("running {}/experiments/{id}", app.url);
    let id = seeded(&app, 300, |_, _| Until::End);
    println!("finished {}/experiments/{id}", app.url);
    println!("twelve {}/experiments/{}", app.url, twelve(&app));
    let _ = std::io::stdin().read_line(&mut String::new());
}
