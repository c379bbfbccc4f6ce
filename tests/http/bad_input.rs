//! Nothing that is sent gives a 5xx, and nothing wrong creates anything.

use crate::app::{App, SMALL};

const ROOM: [&str; 5] = ["experiment", "experiment_version", "run", "stage", "job"];

fn is_empty(app: &App) -> bool {
    ROOM.iter().all(|table| app.count(table) == 0)
}

#[test]
fn every_broken_rule_is_named_with_its_pointer_and_nothing_is_created() {
    let app = App::start();
    let changed = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        SMALL.replace(from, to)
    };
    let cases: Vec<(&str, String, &[&str])> = vec![
        (
            "unknown keys",
            changed("seeds: 3", "seeds: 3\nsmoth: 1"),
            &["/smoth"],
        ),
        (
            "wrong types",
            changed("seeds: 3", "seeds: three"),
            &["/seeds"],
        ),
        (
            "a wrong type deep inside",
            changed("samples: 2", "samples: many"),
            &["/evaluation/samples"],
        ),
        (
            "no arms",
            SMALL[..SMALL.find("arms:").unwrap()].to_string() + "arms: []\n",
            &["/arms"],
        ),
        ("seeds 0", changed("seeds: 3", "seeds: 0"), &["/seeds"]),
        (
            "a budget of nothing",
            changed("amount: 2.0e+10", "amount: 0"),
            &["/budget/amount"],
        ),
        (
            "a dangling reference",
            changed(
                "init: base } }]\n  - id: grpo",
                "init: bass } }]\n  - id: grpo",
            ),
            &["/arms/1/stages/0/inputs/init"],
        ),
        (
            "a name with markup",
            changed("name: Small", "name: <script>alert(1)</script>"),
            &["/name"],
        ),
        (
            "a name that turns its direction",
            changed("name: Small", "name: \"a\\u202eb\""),
            &["/name"],
        ),
        (
            "several at once",
            changed("seeds: 3", "seeds: 0")
                .replace("amount: 2.0e+10", "amount: -1")
                .replace("name: Small", "name: ''"),
            &["/budget/amount", "/name", "/seeds"],
        ),
        (
            "a cycle",
            changed(
                "stages: [{ id: grpo, kind: grpo, inputs: { init: base } }]",
                "stages: [{ id: a, kind: sft, inputs: { init: b } }, { id: b, kind: sft, inputs: { init: a } }]",
            ),
            &["/arms/2/stages/0/inputs", "/arms/2/stages/1/inputs"],
        ),
    ];
    for (what, text, pointers) in cases {
        let answer = app.submit(&text);
        assert_eq!(answer.status, 422, "{what}: {}", answer.text);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{what}"
        );
        assert_eq!(answer.json()["type"], "violations");
        assert_eq!(
            answer.json()["request_id"],
            answer.header("x-request-id"),
            "{what}"
        );
        assert_eq!(answer.pointers(), pointers, "{what}: {}", answer.text);
    }
    assert!(is_empty(&app));
}

#[test]
fn a_file_of_ten_megabytes_is_refused_before_it_is_read_as_anything() {
    let app = App::start();
    let huge = format!("{SMALL}\n# {}", "x".repeat(10 << 20));
    let answer = app.submit(&huge);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    // Within the body's limit, above the file's.
    let large = format!("{SMALL}\n# {}", "x".repeat(1 << 20));
    assert_eq!(app.submit(&large).status, 422);
    assert!(is_empty(&app));
}

#[test]
fn nonsense_of_every_kind_is_a_4xx() {
    let app = App::start();
    let bodies: Vec<Vec<u8>> = vec![
        vec![],
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe\x00\x01".to_vec(),
        b"name: \xc3\x28".to_vec(),
        b"\0\0\0".to_vec(),
        b"{\"name\": \"\\ud800\"}".to_vec(),
        b"{\"name\": ".to_vec(),
        b"a: &a [*a, *a]".to_vec(),
        b"!!python/object:os.system x".to_vec(),
        "[".repeat(200_000).into_bytes(),
        "{\"a\":".repeat(100_000).into_bytes(),
        "- ".repeat(100_000).into_bytes(),
    ];
    for body in &bodies {
        for kind in ["application/yaml", "application/json", "text/plain"] {
            let answer = app.post("/api/v1/experiments", kind, body);
            let start = String::from_utf8_lossy(&body[..body.len().min(20)]).into_owned();
            assert!(
                (400..500).contains(&answer.status),
                "{kind} {start:?}: {}",
                answer.status
            );
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
    assert_eq!(
        app.post("/api/v1/experiments", "image/png", SMALL.as_bytes())
            .status,
        415
    );
    let headers = [
        ("content-type", "application/yaml"),
        ("content-encoding", "gzip"),
    ];
    assert_eq!(
        app.send("POST", "/api/v1/experiments", &headers, SMALL)
            .status,
        415
    );
    assert!(is_empty(&app));
}

#[test]
fn a_bad_address_is_a_4xx_in_the_one_form() {
    let app = App::start();
    let unknown = "0198c0de-0000-7000-8000-000000000001";
    for (path, status) in [
        ("/nothing".to_string(), 404),
        ("/api/v1/nothing".into(), 404),
        ("/api/v1/experiments/not-an-id".into(), 404),
        (format!("/api/v1/experiments/{unknown}"), 404),
        (format!("/api/v1/experiments/{unknown}/comparison"), 404),
        (format!("/api/v1/experiments/{unknown}/progress"), 404),
        (format!("/api/v1/runs/{unknown}"), 404),
        (format!("/api/v1/runs/{unknown}/series?metric=a"), 404),
        (format!("/experiments/{unknown}/live"), 404),
        ("/api/v1/experiments?limit=many".into(), 400),
        ("/api/v1/experiments/%ff%00".into(), 404),
    ] {
        let answer = app.get(&path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{path}"
        );
        assert_eq!(
            answer.json()["request_id"],
            answer.header("x-request-id"),
            "{path}"
        );
    }
    assert_eq!(
        app.send("DELETE", "/api/v1/experiments", &[], ()).status,
        405
    );
    assert_eq!(
        app.post(
            &format!("/api/v1/experiments/{unknown}/cancel"),
            "application/json",
            b"{}"
        )
        .status,
        404
    );
    // A person gets a page.
    let page = app.send("GET", "/nothing", &[("accept", "text/html")], ());
    assert_eq!(
        (page.status, page.header("content-type")),
        (404, "text/html; charset=utf-8")
    );
}
