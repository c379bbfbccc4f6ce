//! Citations whose state is kept, over HTTP: what was cited stays beside what has come since.

use crate::app::App;
use crate::forms::send;
use crate::seed::{Seeder, Until, spec};
use crate::{THREE, html, page, seeded};
use assay_core::canonical;
use assay_core::ids::ExperimentId;
use assay_core::wire::Claim;

const FILES: [&str; 13] = [
    ".csv",
    ".json",
    "/table.csv",
    "/table.tex",
    "/verdicts.csv",
    "/costs.csv",
    "/matrix.csv",
    "/forest.svg",
    "/milestones.json",
    "/training.csv",
    "/training.csv?x=device_s",
    "/training.csv?x=step&curve=kl",
    "/seeds.svg",
];

/// Everything but one seed's training, which somebody is still at.
fn begun(app: &App) -> (Seeder, ExperimentId, Claim) {
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state, "w-1", 60).await;
        let id = seeder.submit(&spec(&THREE, 3, 60)).await;
        let mut held = None;
        while let Some(claim) = seeder.claim().await {
            if held.is_none() && claim.spec.job.kind() == "grpo" {
                held = Some(claim);
            } else {
                seeder.work(&claim, Until::End).await;
            }
        }
        (seeder, id, held.unwrap())
    })
}

/// Keeps the present state; returns its hash.
pub fn keep(app: &App, id: ExperimentId) -> String {
    let view = [("view", "?metric=length&evil=%22%3E")];
    let answer = send(app, &format!("/experiments/{id}/cite"), &view);
    assert_eq!(answer.status, 303, "{}", answer.text);
    let location = answer.header("location").to_string();
    let hash = location.strip_prefix(&format!("/experiments/{id}?snap="));
    hash.unwrap_or_else(|| panic!("{location}")).to_string()
}

fn with(file: &str, hash: &str) -> String {
    let mark = if file.contains('?') { '&' } else { '?' };
    format!("{file}{mark}snap={hash}")
}

#[test]
fn a_kept_state_is_shown_as_it_was_while_the_page_goes_on() {
    let app = App::start();
    let (mut seeder, id, claim) = begun(&app);
    let experiment = format!("/experiments/{id}");
    let before = page(&app, &experiment);
    assert!(before.contains("Keep this state") && before.contains("data-live"));
    let then: Vec<String> = FILES
        .map(|file| app.get(&format!("{experiment}{file}")).text)
        .into();
    let hash = keep(&app, id);
    assert!(before.contains(&hash), "the hash of the citation");
    assert_eq!(
        app.get(&format!("{experiment}.json")).json()["snapshot"],
        hash.as_str()
    );
    let missing = "GRPO from the base: 2 of 3 seeds finished";
    let text = page(&app, &format!("{experiment}?snap={hash}"));
    assert!(text.contains("The comparison has not changed since") && text.contains(missing));
    // Twice is once.
    assert_eq!(keep(&app, id), hash);
    assert_eq!(app.count("snapshot"), 1);

    app.block_on(async {
        seeder.work(&claim, Until::End).await;
        seeder.work_off(|_| Until::End).await;
    });
    let now = page(&app, &experiment);
    assert!(!now.contains(missing) && !now.contains(&hash) && now.contains("Kept before"));
    let text = page(
        &app,
        &format!("{experiment}?metric=pass1&snap={}", &hash[..16]),
    );
    for words in [missing, hash.as_str(), "Newer data exist", "kept."] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("data-live") && !text.contains("Keep this state"));
    assert!(!text.contains("the data has changed since"));
    for (file, then) in FILES.iter().zip(&then) {
        let kept = app.get(&format!("{experiment}{}", with(file, &hash)));
        assert_eq!(kept.status, 200, "{file}: {}", kept.text);
        assert_eq!(kept.text, *then, "{file}");
        let now = app.get(&format!("{experiment}{file}")).text;
        assert_ne!(now, *then, "{file}");
    }
    let bib = app.get(&format!("{experiment}/cite.bib?snap={hash}")).text;
    assert!(bib.contains(&format!("Snapshot sha256 {hash}")), "{bib}");
    assert!(!bib.contains("not kept"), "{bib}");
    assert_ne!(keep(&app, id), hash);
    assert_eq!(app.count("snapshot"), 2);
}

#[test]
fn every_file_that_a_kept_page_links_to_is_of_that_state() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let hash = keep(&app, id);
    let text = page(&app, &format!("/experiments/{id}?snap={hash}"));
    let mut seen = 0;
    for start in ["href=\"/experiments/", "data-src=\"/experiments/"] {
        for (at, found) in text.match_indices(start) {
            let from = at + found.find('/').unwrap();
            let link = &text[from..from + text[from..].find('"').unwrap()];
            let path = link.split('?').next().unwrap();
            if path.contains('.') {
                seen += 1;
                assert!(link.contains("snap="), "{link}");
            }
        }
    }
    assert!(seen > 30, "{seen}");
    let asked = page(&app, &format!("/experiments/{id}?snap={hash}&questions=1"));
    assert!(asked.contains("questions=1 of a kept state"));
}

#[test]
fn a_kept_state_is_exported_with_what_its_hash_is_of() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let hash = keep(&app, id);
    let path = format!("/experiments/{id}/snapshot.json");
    let whole = app.get(&format!("{path}?snap={}", &hash[..8])).json();
    assert_eq!(whole["snapshot"], hash.as_str());
    assert_eq!(canonical::sha256(&whole["state"]), hash);
    let head = app.send("HEAD", &format!("{path}?snap={hash}"), &[], ());
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(whole["query"], "metric=length");
    let rest = format!("/api/v1/experiments/{id}/snapshots");
    let listed = app.get(&rest).json();
    assert_eq!(listed["snapshots"][0]["id"], hash.as_str());
    assert_eq!(app.get(&format!("{rest}/{hash}")).json(), whole);
    for (path, status) in [
        (path.clone(), 400),
        (format!("{path}?snap=zz"), 400),
        (format!("{path}?snap=00000000"), 404),
        (format!("{rest}/00000000"), 404),
        (format!("{rest}/zz"), 400),
    ] {
        assert_eq!(app.get(&path).status, status, "{path}");
    }
    let out = app.data.join("exported");
    let run = |snap: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["export", &id.to_string(), "--snap", snap])
            .args(["--out", out.to_str().unwrap()])
            .env("ASSAY_SERVER", &app.url)
            .env_remove("ASSAY_TOKEN")
            .env_remove("ASSAY_TOKEN_FILE")
            .output()
            .unwrap()
    };
    assert!(!run("zz").status.success() && !run("00000000").status.success());
    let reason = [
        ("run", run_of(&app, id)),
        ("reason", "The disk was full.".into()),
    ];
    let reason: Vec<(&str, &str)> = reason.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let left_out = send(&app, &format!("/experiments/{id}/exclude"), &reason);
    assert_eq!(left_out.status, 303, "{}", left_out.text);
    let done = run(&hash[..16]);
    assert!(done.status.success(), "{done:?}");
    for file in ["comparison.json", "snapshot.json"] {
        let text = std::fs::read_to_string(out.join(file)).unwrap();
        assert!(
            text.contains(&hash) && !text.contains("The disk was full."),
            "{file}"
        );
    }
}

fn run_of(app: &App, id: ExperimentId) -> String {
    let text = page(app, &format!("/experiments/{id}"));
    let link = crate::run_link(&text, "GRPO from the base", 1);
    link.trim_start_matches("/runs/").to_string()
}

#[test]
fn another_experiments_hash_is_refused_and_the_page_says_so() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let other = seeded(&app, 30, |_, _| Until::End);
    let hash = keep(&app, id);
    let text = page(&app, &format!("/experiments/{other}?snap={hash}"));
    assert!(text.contains("No state of this experiment was kept under that hash"));
    for file in [
        "/table.csv",
        ".csv",
        ".json",
        "/cite.bib",
        "/snapshot.json",
        "/forest.svg",
    ] {
        let answer = app.get(&format!("/experiments/{other}{}", with(file, &hash)));
        assert_eq!(answer.status, 404, "{file}");
        assert!(answer.text.contains("kept state"), "{}", answer.text);
    }
    let nobody = "/experiments/01234567-89ab-7def-8123-456789abcdef/cite";
    assert_eq!(send(&app, nobody, &[]).status, 404);
    let foreign = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://evil.example"),
    ];
    let path = format!("/experiments/{other}/cite");
    assert_eq!(app.send("POST", &path, &foreign, "view=").status, 403);
    assert_eq!(app.count("snapshot"), 1);
}

#[test]
fn a_damaged_state_is_an_error_and_no_number() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let hash = keep(&app, id);
    app.sql(
        "alter table snapshot disable trigger snapshot_stays;
         update snapshot set inputs = inputs || '\\x00'::bytea;
         alter table snapshot enable trigger snapshot_stays",
    );
    let answer = html(&app, &format!("/experiments/{id}?snap={hash}"));
    assert_eq!(answer.status, 500);
    assert!(answer.text.contains("damaged") && !answer.text.contains("data-arm"));
    for file in ["/table.csv", ".json", "/snapshot.json"] {
        let answer = app.get(&format!("/experiments/{id}{}", with(file, &hash)));
        assert_eq!(answer.status, 500, "{file}");
    }
    assert!(page(&app, &format!("/experiments/{id}")).contains("data-arm"));
}
