//! Leases, fences and files as a worker meets them.

use crate::app::{App, SMALL, wait_until};
use crate::worker::{FakeWorker, sha256};
use assay_core::ids::AttemptRef;
use assay_core::wire::{FailureClass, HeartbeatRequest, HostFacts, Outcome, Record};
use std::collections::BTreeMap;

fn started() -> Record {
    Record::Started {
        from_step: 0,
        host: HostFacts::default(),
    }
}

#[test]
fn a_waiting_worker_gets_a_job_the_moment_it_is_queued() {
    let app = App::start();
    let worker = FakeWorker::register(&app, "w", 2);
    let begun = std::time::Instant::now();
    let claim = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| worker.claim(2, 30));
        app.submitted(SMALL);
        waiting.join().unwrap()
    });
    assert_eq!(claim.expect("a job").spec.job.kind(), "pretrain");
    assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    assert!(worker.claim(2, 0).is_none());
}

#[test]
fn records_are_taken_once_and_in_order() {
    let app = App::start();
    app.submitted(SMALL);
    let worker = FakeWorker::register(&app, "w", 2);
    let claim = worker.claim(2, 0).unwrap();
    let step = |step: u64| Record::Step {
        step,
        cum: Default::default(),
        metrics: BTreeMap::from([("train/loss".into(), 1.0)]),
    };
    let first = worker.report(&claim, 1, vec![started(), step(1)]);
    assert_eq!(first.json()["last_seq"], 2, "{}", first.text);
    // The answer was lost: sent again, with one more.
    let again = worker.report(&claim, 1, vec![started(), step(1), step(2)]);
    assert_eq!(again.json()["last_seq"], 3, "{}", again.text);
    let gap = worker.report(&claim, 9, vec![step(8)]);
    assert_eq!(
        (gap.status, &gap.json()["type"], &gap.json()["last_seq"]),
        (409, &"sequence-gap".into(), &3.into())
    );
    let early = worker.finish(&claim, 7, Outcome::Succeeded);
    assert_eq!(
        (early.status, &early.json()["type"]),
        (409, &"sequence-gap".into())
    );
}

#[test]
fn a_worker_that_goes_silent_loses_its_job_and_its_stale_words_are_refused() {
    let app = App::start();
    app.submitted(SMALL);
    let silent = FakeWorker::register(&app, "silent", 2);
    let claim = silent.claim(2, 0).unwrap();
    assert_eq!(silent.report(&claim, 1, vec![started()]).status, 200);
    app.sql("update attempt set lease_expires_at = clock_timestamp() - interval '1 second'");
    let state = app.state();
    wait_until("this server reaps", || {
        app.block_on(assay::background::reap_once(&state)).unwrap()
    });
    let other = FakeWorker::register(&app, "other", 2);
    let taken = other.claim(2, 0).expect("the job is queued again");
    assert_eq!((taken.stage, taken.attempt), (claim.stage, 2));
    let beat = HeartbeatRequest {
        worker: silent.id,
        step: Some(1),
        log: None,
        load: None,
    };
    for (what, answer) in [
        (
            "heartbeat",
            app.as_worker(&FakeWorker::path(&claim, "heartbeat"), &beat),
        ),
        ("records", silent.report(&claim, 2, vec![started()])),
        ("finish", silent.finish(&claim, 1, Outcome::Succeeded)),
        (
            "another's attempt",
            silent.report(&taken, 1, vec![started()]),
        ),
    ] {
        assert_eq!(answer.status, 409, "{what}: {}", answer.text);
        assert_eq!(answer.json()["type"], "lease-lost", "{what}");
    }
    assert_eq!(other.report(&taken, 1, vec![started()]).status, 200);
}

#[test]
fn a_heartbeat_tells_a_running_attempt_that_nobody_needs_it() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let worker = FakeWorker::register(&app, "w", 2);
    let claim = worker.claim(2, 0).unwrap();
    let beat = || {
        let beat = HeartbeatRequest {
            worker: worker.id,
            step: None,
            log: None,
            load: None,
        };
        app.as_worker(&FakeWorker::path(&claim, "heartbeat"), &beat)
            .json()["cancel"]
            .clone()
    };
    assert_eq!(beat(), false);
    app.post(
        &format!("/api/v1/experiments/{id}/cancel"),
        "application/json",
        b"",
    );
    assert_eq!(beat(), true);
    assert_eq!(worker.finish(&claim, 0, Outcome::Cancelled).status, 204);
}

#[test]
fn a_nan_fails_its_runs_with_step_and_metric_and_keeps_their_data() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let mut worker = FakeWorker::register(&app, "w", 2);
    let base = worker.claim(2, 0).unwrap();
    worker.work(&base);
    let mut failed = 0;
    while let Some(claim) = worker.claim(2, 0) {
        if claim.spec.job.kind() != "grpo" {
            worker.work(&claim);
            continue;
        }
        assert_eq!(worker.report(&claim, 1, vec![started()]).status, 200);
        let outcome = Outcome::Failed {
            class: FailureClass::Nan,
            message: "train/loss is NaN".into(),
            step: Some(7),
            metric: Some("train/loss".into()),
            log: vec!["last words".into()],
        };
        assert_eq!(worker.finish(&claim, 1, outcome).status, 204);
        failed += 1;
    }
    assert_eq!(failed, 3);
    let progress = app
        .get(&format!("/api/v1/experiments/{id}/progress"))
        .json();
    for run in progress["runs"].as_array().unwrap() {
        let grpo = run["arm"] == "grpo";
        assert_eq!(run["state"], if grpo { "failed" } else { "succeeded" });
        assert_eq!(
            run["current"]["failure"]
                .as_str()
                .is_some_and(|f| f.contains("nan")),
            grpo
        );
    }
}

#[test]
fn an_artifact_is_stored_once_and_only_under_its_own_hash() {
    let app = App::start();
    let worker = FakeWorker::register(&app, "w", 1);
    let bearer = format!("Bearer {}", app.worker);
    let auth = [("authorization", bearer.as_str())];
    let content = b"some weights".repeat(1000);
    let name = sha256(&content);
    let path = format!("/worker/v1/artifacts/{name}");
    assert_eq!(app.send("HEAD", &path, &auth, ()).status, 404);
    assert_eq!(worker.upload(&name, &content[1..]).status, 422);
    assert_eq!(app.send("HEAD", &path, &auth, ()).status, 404);
    for _ in 0..2 {
        let stored = worker.upload(&name, &content);
        assert_eq!(
            (stored.status, &stored.json()["bytes"]),
            (201, &12_000.into())
        );
    }
    assert_eq!(app.count("artifact"), 1);
    assert_eq!(app.send("HEAD", &path, &auth, ()).status, 200);
    let read = app.send("GET", &path, &auth, ());
    assert_eq!((read.status, read.text.as_bytes()), (200, &content[..]));
    assert_eq!(read.header("content-length"), "12000");
    let stored = app
        .data
        .join("artifacts/sha256")
        .join(&name[..2])
        .join(&name);
    assert_eq!(std::fs::read(stored).unwrap(), content);
    let large = vec![7_u8; (1 << 20) + 1];
    assert_eq!(worker.upload(&sha256(&large), &large).status, 413);
    let drafts = std::fs::read_dir(app.data.join("artifacts/tmp"))
        .unwrap()
        .count();
    assert_eq!(drafts, 0);
}

#[test]
fn the_sweep_takes_what_nothing_references_and_nothing_else() {
    let app = App::start();
    app.submitted(SMALL);
    let mut worker = FakeWorker::register(&app, "w", 2);
    let claim = worker.claim(2, 0).unwrap();
    worker.work(&claim);
    let orphan = sha256(b"orphan");
    assert_eq!(worker.upload(&orphan, b"orphan").status, 201);
    app.sql("update artifact set stored_at = stored_at - interval '2 days'");
    let state = app.state();
    assert_eq!(app.block_on(assay::artifacts::sweep(&state)).unwrap(), 1);
    assert_eq!(app.count("artifact"), 1);
    assert!(
        !app.data
            .join("artifacts/sha256")
            .join(&orphan[..2])
            .join(&orphan)
            .exists()
    );
    assert_eq!(worker.upload(&orphan, b"orphan").status, 201);
    assert_eq!(app.block_on(assay::artifacts::sweep(&state)).unwrap(), 0);
}

#[test]
fn what_a_worker_sends_wrong_is_its_own_fault() {
    let app = App::start();
    app.submitted(SMALL);
    let worker = FakeWorker::register(&app, "w", 2);
    let claim = worker.claim(2, 0).unwrap();
    let bearer = format!("Bearer {}", app.worker);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    let records = format!("/worker/v1{}", FakeWorker::path(&claim, "records"));
    for body in [
        "",
        "{",
        "[]",
        "{\"worker\":1}",
        "{\"worker\":\"x\",\"first_seq\":-1,\"records\":[]}",
    ] {
        assert_eq!(
            app.send("POST", &records, &headers, body).status,
            400,
            "{body}"
        );
    }
    let nul = Record::Event {
        step: 1,
        level: assay_core::wire::Level::Info,
        text: "a\0b".into(),
    };
    let answer = worker.report(&claim, 1, vec![nul]);
    assert!((400..500).contains(&answer.status), "{}", answer.text);
    let unknown = Record::Artifact {
        role: "output".into(),
        step: 1,
        sha256: "a".repeat(64),
        bytes: 1,
    };
    let answer = worker.report(&claim, 1, vec![unknown]);
    assert!((400..500).contains(&answer.status), "{}", answer.text);
    let huge = "x".repeat((16 << 20) + 1);
    assert_eq!(
        app.send("POST", &records, &headers, huge.as_str()).status,
        413
    );
    let nobody = AttemptRef {
        stage: assay_core::ids::StageId::new(),
        number: 1,
    };
    let beat = HeartbeatRequest {
        worker: worker.id,
        step: None,
        log: None,
        load: None,
    };
    let path = format!("/attempts/{}/{}/heartbeat", nobody.stage, nobody.number);
    assert_eq!(app.as_worker(&path, &beat).status, 409);
    assert_eq!(app.as_worker("/attempts/x/1/heartbeat", &beat).status, 404);
    // Nothing of that was taken.
    assert_eq!(
        worker.report(&claim, 1, vec![started()]).json()["last_seq"],
        1
    );
}

#[test]
fn a_heartbeat_brings_the_last_lines_and_one_without_them_leaves_them() {
    let app = App::start();
    let id = app.submitted(SMALL);
    let worker = FakeWorker::register(&app, "w", 2);
    let claim = worker.claim(2, 0).unwrap();
    let runs = app.get(&format!("/api/v1/experiments/{id}")).json();
    let run = format!("/runs/{}", runs["runs"][0]["id"].as_str().unwrap());
    let shown = || app.send("GET", &run, &[("accept", "text/html")], ()).text;
    let beat = |log: Option<Vec<String>>| {
        let beat = HeartbeatRequest {
            worker: worker.id,
            step: Some(3),
            log,
            load: None,
        };
        let answer = app.as_worker(&FakeWorker::path(&claim, "heartbeat"), &beat);
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    assert!(shown().contains("No attempt of this run has left a log"));
    let hostile = "</pre><script>x</script>\u{0}\u{1b}]0;t\u{7}\u{202e}";
    beat(Some(vec!["first".into(), hostile.into()]));
    for _ in 0..2 {
        let text = shown();
        assert!(text.contains("base, attempt 1, last lines, as of <time"));
        assert!(text.contains("first\n&#60;/pre&#62;&#60;script&#62;x&#60;/script&#62;␀␛]0;t␇"));
        assert!(!text.contains("<script>x") && !text.contains('\u{202e}'));
        // As a worker of old sends it: the field is left out.
        beat(None);
    }
    beat(Some(vec!["x".repeat(1 << 20)]));
    let text = shown();
    assert!(!text.contains("first\n&#60;") && !text.contains(&"x".repeat(16 << 10)));
    let wrong = "{\"worker\":\"".to_string() + &worker.id.to_string() + "\",\"log\":\"no list\"}";
    let bearer = format!("Bearer {}", app.worker);
    let headers = [("authorization", bearer.as_str())];
    let path = format!("/worker/v1{}", FakeWorker::path(&claim, "heartbeat"));
    assert_eq!(app.send("POST", &path, &headers, wrong).status, 400);
}

#[test]
fn a_workers_load_comes_with_what_it_sends_and_stays_without() {
    let app = App::start();
    app.submitted(SMALL);
    let worker = FakeWorker::register(&app, "w", 2);
    let claim = worker.claim(2, 0).unwrap();
    let beat = FakeWorker::path(&claim, "heartbeat");
    let sent = |path: &str, load: Option<&str>| {
        let load = load.map_or(String::new(), |l| format!(",\"load\":{l}"));
        let body = format!(
            "{{\"worker\":\"{}\",\"free_threads\":0,\"wait_seconds\":0{load}}}",
            worker.id
        );
        let bearer = format!("Bearer {}", app.worker);
        let headers = [("authorization", bearer.as_str())];
        app.send("POST", &format!("/worker/v1{path}"), &headers, body)
            .status
    };
    let page = || {
        app.send("GET", "/queue", &[("accept", "text/html")], ())
            .text
    };
    let listed = || app.get("/api/v1/workers").json()["workers"][0].clone();
    assert_eq!(sent(&beat, None), 200);
    assert!(listed()["load"].is_null() && listed()["seconds_since_load"].is_null());
    assert!(!page().contains("CPU "));
    let told = r#"{"cpu_percent":1e300,"memory_bytes":3100000000,"memory_total_bytes":24000000000,
        "gpu_percent":-5,"gpu_memory_bytes":18446744073709551615}"#;
    assert_eq!(sent(&beat, Some(told)), 200);
    // As a worker of old sends it.
    assert_eq!(sent(&beat, None), 200);
    let said = "GPU 0 %; CPU 100 %, 3.1 of 24 GB";
    assert!(page().contains(said), "{}", page());
    let file = app.get("/queue/workers.csv").text;
    assert!(file.contains(",100,3100000000,24000000000,0,,,"), "{file}");
    for wrong in [
        "7",
        r#"{"memory_bytes":-1}"#,
        r#"{"cpu_percent":1e999}"#,
        r#"{"cpu_percent":"<b>"}"#,
    ] {
        assert_eq!(sent(&beat, Some(wrong)), 400, "{wrong}");
    }
    assert!(page().contains(said), "what was refused changed it");
    // Without work it comes with the question for some.
    assert_eq!(sent("/claim", Some(r#"{"cpu_percent":3}"#)), 204);
    assert_eq!(listed()["load"], serde_json::json!({"cpu_percent": 3.0}));
    assert!(page().contains("CPU 3 %<"));
}
