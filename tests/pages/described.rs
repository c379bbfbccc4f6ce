//! The description of the REST interface against what the server answers.

use crate::app::App;
use crate::decoders::seeded;
use crate::kept::keep;
use crate::page;
use crate::seed::{Seeder, Until, spec};
use assay::description::{Method, Operation, description};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::Command;

const NOBODY: &str = "0198c0de-0000-7000-8000-000000000001";

/// The document as it is served, and which of its objects have been met in what was sent or
/// answered.
struct Document {
    root: Value,
    met: RefCell<BTreeSet<String>>,
}

impl Document {
    fn read(app: &App) -> Self {
        let answer = app.get("/api/v1/openapi.json");
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(
            answer
                .header("content-type")
                .starts_with("application/json")
        );
        Self {
            root: answer.json(),
            met: RefCell::default(),
        }
    }

    fn operation(&self, of: &Operation) -> &Value {
        &self.root["paths"][of.path][of.method.word().to_ascii_lowercase()]
    }

    /// Whether a value is what a schema says, with every key described. A word of a schema that
    /// nobody here understands is an error too.
    fn fits(&self, value: &Value, schema: &Value, at: &str) -> Result<(), String> {
        for (word, rule) in schema.as_object().ok_or("no schema")? {
            let fine = match word.as_str() {
                "description" => true,
                "$ref" => {
                    let name = rule.as_str().unwrap();
                    let pointer = name.strip_prefix('#').unwrap();
                    self.fits(value, self.root.pointer(pointer).unwrap(), at)?;
                    self.met.borrow_mut().insert(name.into());
                    true
                }
                "anyOf" => {
                    let tried: Vec<_> = rule
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|one| self.fits(value, one, at))
                        .collect();
                    if tried.iter().all(Result::is_err) {
                        return Err(format!("{tried:?}"));
                    }
                    true
                }
                "type" => is_a(value, rule.as_str().unwrap()),
                "format" => is_written_as(value, rule.as_str().unwrap()),
                "enum" => rule.as_array().unwrap().contains(value),
                "items" => {
                    for (i, one) in value.as_array().into_iter().flatten().enumerate() {
                        self.fits(one, rule, &format!("{at}/{i}"))?;
                    }
                    true
                }
                "prefixItems" => {
                    let all = value.as_array().into_iter().flatten();
                    for (one, rule) in all.zip(rule.as_array().unwrap()) {
                        self.fits(one, rule, at)?;
                    }
                    true
                }
                "minItems" => value.as_array().map(Vec::len) >= length(rule),
                "maxItems" => value.as_array().map(Vec::len) <= length(rule),
                "properties" => {
                    for (key, one) in value.as_object().into_iter().flatten() {
                        let rule = rule.get(key);
                        let rule = rule.ok_or_else(|| format!("{at}/{key} is not described"))?;
                        self.fits(one, rule, &format!("{at}/{key}"))?;
                    }
                    true
                }
                "additionalProperties" => {
                    for (key, one) in value.as_object().into_iter().flatten() {
                        self.fits(one, rule, &format!("{at}/{key}"))?;
                    }
                    true
                }
                "required" => {
                    let missing = rule.as_array().unwrap().iter();
                    let missing: Vec<_> = missing
                        .filter(|key| value.get(key.as_str().unwrap()).is_none())
                        .collect();
                    if !missing.is_empty() {
                        return Err(format!("{at} has no {missing:?}"));
                    }
                    true
                }
                other => return Err(format!("{other} of {schema}")),
            };
            if !fine {
                return Err(format!("{at} is not {word} {rule}: {value}"));
            }
        }
        Ok(())
    }

    fn assert_fits(&self, value: &Value, schema: &Value, what: &str) {
        if let Err(wrong) = self.fits(value, schema, "") {
            panic!("{what}: {wrong}");
        }
    }

    /// What a call answers, against what is said of that status.
    fn assert_answers(&self, of: &Operation, status: &str, answer: &Value) {
        let said = &self.operation(of)["responses"][status]["content"]["application/json"];
        assert!(said.is_object(), "{} answers {status}: {answer}", of.id);
        self.assert_fits(answer, &said["schema"], of.id);
    }
}

fn length(rule: &Value) -> Option<usize> {
    rule.as_u64().map(|n| n as usize)
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("no such type: {other}"),
    }
}

fn is_written_as(value: &Value, format: &str) -> bool {
    let text = value.as_str().unwrap_or_default();
    match format {
        "uuid" => uuid::Uuid::parse_str(text).is_ok(),
        "date-time" => text.len() >= 20 && text.as_bytes()[10] == b'T',
        other => panic!("no such format: {other}"),
    }
}

/// What the examples call their ids.
struct Named {
    experiment: String,
    run: String,
    /// A run with a failed stage.
    failed: String,
    /// Another one, which is queued again.
    crashed: String,
    snapshot: String,
}

/// Of an arm's runs the n-th, from 0.
fn run_of(app: &App, experiment: &str, arm: &str, n: usize) -> String {
    let body = app.get(&format!("/api/v1/experiments/{experiment}")).json();
    let runs = body["runs"].as_array().unwrap();
    let mut own = runs.iter().filter(|run| run["arm"]["key"] == arm);
    own.nth(n).unwrap()["id"].as_str().unwrap().to_string()
}

/// Runs an example as it stands, but for where the answer goes; its status and the answer.
fn pasted(app: &App, of: &Operation, ids: &Named) -> (String, Value) {
    let asked = "curl -sS -o answer.json -w '%{http_code}' ";
    let text = of.curl();
    assert!(text.starts_with("curl "), "{text}");
    let run = match of.id {
        "retryRun" => &ids.failed,
        "requeueRun" => &ids.crashed,
        _ => &ids.run,
    };
    let out = Command::new("sh")
        .args(["-c", &text.replacen("curl ", asked, 1)])
        .current_dir(&app.data)
        .env("ASSAY_SERVER", &app.url)
        .env("ASSAY_TOKEN", &app.admin)
        .env("EXPERIMENT", &ids.experiment)
        .env("RUN", run)
        .env("ARM", "zero")
        .env("SNAPSHOT", &ids.snapshot)
        .output()
        .unwrap();
    let answer = std::fs::read_to_string(app.data.join("answer.json")).unwrap_or_default();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{text}: {said} {answer}");
    let status = String::from_utf8(out.stdout).unwrap();
    (status, serde_json::from_str(&answer).unwrap())
}

#[test]
fn every_call_answers_as_described_and_every_example_is_accepted() {
    let app = App::start();
    let document = Document::read(&app);
    let id = seeded(&app, 3, false, |kind, _| match kind {
        "distill" => Until::Nan(0.5),
        _ => Until::End,
    });
    let experiment = id.to_string();
    let ids = Named {
        run: run_of(&app, &experiment, "zero", 0),
        failed: run_of(&app, &experiment, "student", 0),
        crashed: run_of(&app, &experiment, "student", 1),
        snapshot: keep(&app, id),
        experiment,
    };
    let mut sent = 0;
    for (_, of) in description().operations() {
        let content = &document.operation(of)["requestBody"]["content"];
        for (kind, media) in content.as_object().into_iter().flatten() {
            match (&media["example"], kind.as_str()) {
                (example @ Value::Object(_), _) => {
                    document.assert_fits(example, &media["schema"], of.id);
                    sent += 1;
                    std::fs::write(app.data.join("import.json"), example.to_string()).unwrap();
                }
                (Value::String(text), "application/yaml") => {
                    std::fs::write(app.data.join("quick.yaml"), text).unwrap();
                }
                (_, _) => assert_eq!(of.id, "submitExperiment", "{kind} has no example"),
            }
        }
        let ends = of.id.starts_with("cancel") || of.id.starts_with("retry");
        if of.method == Method::Post && !ends {
            let (status, answer) = pasted(&app, of, &ids);
            document.assert_answers(of, &status, &answer);
        }
    }
    assert!(sent > 5, "{sent} bodies of JSON");

    // Left out again, so that the comparison says both.
    let path = format!("/api/v1/runs/{}/exclude", ids.run);
    let again = app.post(&path, "application/json", br#"{"reason": "again"}"#);
    assert_eq!(again.status, 200, "{}", again.text);
    // Somebody is at work.
    let state = app.state();
    let claim = app.block_on(async {
        let seeder = Seeder::new(state, "w-2", 50).await;
        seeder.submit(&spec(&[("sft", "SFT")], 1, 77)).await;
        seeder.claim().await
    });
    assert!(claim.is_some());
    let others: &[(&str, String)] = &[
        ("getSeries", format!("/runs/{}/series", ids.run)),
        // Its loss is no number in the end.
        (
            "getSeries",
            format!("/runs/{}/series?metric=train/loss", ids.failed),
        ),
        (
            "listCompletions",
            format!(
                "/runs/{}/completions",
                run_of(&app, &ids.experiment, "sft", 0)
            ),
        ),
        ("getRun", format!("/runs/{}", ids.failed)),
        ("listExperiments", "/experiments?limit=1".into()),
    ];
    for (_, of) in description().operations() {
        if of.method == Method::Get {
            let (status, answer) = pasted(&app, of, &ids);
            document.assert_answers(of, &status, &answer);
        }
        for (_, path) in others.iter().filter(|(id, _)| *id == of.id) {
            let answer = app.get(&format!("/api/v1{path}"));
            document.assert_answers(of, &answer.status.to_string(), &answer.json());
        }
    }
    for (_, of) in description().operations() {
        if of.id.starts_with("cancel") || of.id.starts_with("retry") {
            let (status, answer) = pasted(&app, of, &ids);
            document.assert_answers(of, &status, &answer);
        }
    }

    let problem = &document.root["components"]["responses"]["Problem"]["content"];
    for (body, status) in [("name: 1", 422), ("{", 422)] {
        let answer = app.submit(body);
        assert_eq!(answer.status, status, "{}", answer.text);
        let said = &problem[answer.header("content-type")]["schema"];
        document.assert_fits(&answer.json(), said, "a problem");
        assert!(!answer.pointers().is_empty());
    }
    let met = document.met.borrow();
    let schemas = document.root["components"]["schemas"].as_object().unwrap();
    let unmet: Vec<_> = schemas
        .keys()
        .filter(|name| !met.contains(&format!("#/components/schemas/{name}")))
        .collect();
    assert!(unmet.is_empty(), "described and never seen: {unmet:?}");
}

#[test]
fn what_does_not_fit_the_description_is_found() {
    let app = App::start();
    let document = Document::read(&app);
    let arm = json!({ "$ref": "#/components/schemas/Arm" });
    let good = json!({ "id": NOBODY, "position": 0, "key": "a", "label": "A", "trains": true });
    document.assert_fits(&good, &arm, "an arm");
    for (key, value) in [
        ("position", json!("first")),
        ("position", json!(null)),
        ("id", json!("x")),
        ("more", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(document.fits(&bad, &arm, "").is_err(), "{bad}");
    }
    let mut bad = good;
    bad.as_object_mut().unwrap().remove("key");
    assert!(document.fits(&bad, &arm, "").is_err());
}

#[test]
fn a_described_path_is_there_and_answers_no_other_method() {
    let app = App::start();
    let document = Document::read(&app);
    let paths = document.root["paths"].as_object().unwrap();
    assert!(paths.len() > 20, "{}", paths.len());
    let mut left_out = 0;
    for (path, calls) in paths {
        assert!(!path.contains("worker/"), "{path}");
        let real = path.replace("{id}", NOBODY).replace("{arm}", "a");
        let real = real.replace("{hash}", "0123abcd");
        assert!(!real.contains('{'), "{real}");
        let real = format!("/api/v1{real}");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = match method {
                "GET" | "DELETE" => app.send(method, &real, &[], ()),
                _ => app.send(method, &real, &[], ""),
            };
            if calls.get(method.to_ascii_lowercase()).is_some() {
                assert_ne!(answer.status, 405, "{method} {path}");
                let body = answer.json();
                assert_ne!(body["detail"], "there is no such page", "{method} {path}");
                let said = &calls[method.to_ascii_lowercase()]["requestBody"]["required"];
                if *said == false {
                    // Nothing is wrong with no body.
                    assert_eq!(answer.status, 404, "{path}: {}", answer.text);
                    left_out += 1;
                }
            } else {
                assert_eq!(answer.status, 405, "{method} {path}: {}", answer.text);
            }
        }
    }
    assert!(left_out > 1, "{left_out} bodies that can be left out");
}

#[test]
fn where_a_token_is_needed_the_description_needs_it_and_says_so() {
    let app = App::start_with("0.0.0.0:0", |_| {});
    assert_eq!(app.get("/api/v1/openapi.json").status, 401);
    let bearer = format!("Bearer {}", app.admin);
    let with = [("authorization", bearer.as_str())];
    let document = app.send("GET", "/api/v1/openapi.json", &with, ()).json();
    assert_eq!(document["security"], json!([{ "token": [] }]));
    let text = app.send("GET", "/docs/api", &with, ()).text;
    assert!(text.contains("This server asks for the admin token"));
    assert!(!text.contains(&app.admin) && !document.to_string().contains(&app.admin));
}

#[test]
fn every_page_leads_to_the_page_of_the_interface() {
    let app = App::start();
    for path in ["/", "/queue", "/references"] {
        assert!(page(&app, path).contains("<footer><p class=\"small\"><a href=\"/docs/api\">"));
    }
    let text = page(&app, "/docs/api?smoth=1");
    assert!(text.contains("ignored: "));
    assert!(text.contains("href=\"/api/v1/openapi.json\""));
    assert!(text.contains(&format!("export ASSAY_SERVER=<bdi>{}</bdi>", app.url)));
    // Nothing is executed: the one form is that of the colours.
    assert_eq!(text.matches("<form").count(), 1);
    assert!(!text.contains("/worker/v1"));
}
