//! The pages on which somebody says something: a new experiment, runs left out, prices,
//! what is compared; over HTTP, without a script.

use crate::app::{Answer, App};
use crate::seed::{Seeder, Until, spec};
use crate::{THREE, html, page, seeded};
use assay_core::ids::ExperimentId;

/// A form as a browser sends it.
pub fn send(app: &App, path: &str, pairs: &[(&str, &str)]) -> Answer {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|b| {
                if b.is_ascii_alphanumeric() {
                    char::from(b).to_string()
                } else {
                    format!("%{b:02X}")
                }
            })
            .collect()
    };
    let body: Vec<String> = pairs
        .iter()
        .map(|(k, v)| format!("{}={}", encode(k), encode(v)))
        .collect();
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("origin", app.url.as_str()),
    ];
    app.send("POST", path, &headers, body.join("&"))
}

/// What the form on a page would send, untouched: hidden fields, texts, ticks, choices.
fn filled(text: &str) -> Vec<(String, String)> {
    let form = &text[text.find("id=\"fields\"").unwrap()..];
    let form = &form[..form.find("</form>").unwrap()];
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let from = tag.find(&format!(" {name}=\""))? + name.len() + 3;
        let value = &tag[from..from + tag[from..].find('"')?];
        Some(
            value
                .replace("&#38;", "&")
                .replace("&#34;", "\"")
                .replace("&#39;", "'"),
        )
    };
    let mut pairs = vec![];
    for (at, _) in form.match_indices('<') {
        let rest = &form[at..];
        let tag = &rest[..rest.find('>').unwrap()];
        let Some(name) = attribute(tag, "name") else {
            continue;
        };
        if tag.starts_with("<input") {
            let tick = tag.contains("type=\"checkbox\"");
            if !tick || tag.contains(" checked") {
                pairs.push((name, attribute(tag, "value").unwrap_or_default()));
            }
        } else if tag.starts_with("<textarea") {
            let inner = &rest[tag.len() + 1..rest.find("</textarea>").unwrap()];
            pairs.push((name, inner.replace("&#38;", "&").replace("&#39;", "'")));
        } else if tag.starts_with("<select") {
            let inner = &rest[..rest.find("</select>").unwrap()];
            let option = inner
                .match_indices("<option")
                .map(|(i, _)| &inner[i..])
                .find(|o| o[..o.find('>').unwrap()].contains(" selected"));
            let option = option.or_else(|| inner.find("<option").map(|i| &inner[i..]));
            pairs.push((name, attribute(option.unwrap(), "value").unwrap()));
        }
    }
    pairs
}

fn with(pairs: &[(String, String)], change: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = pairs.to_vec();
    for (key, value) in change {
        match all.iter_mut().find(|(k, _)| k == key && *k != "arm") {
            Some((_, old)) => *old = value.to_string(),
            None => all.push((key.to_string(), value.to_string())),
        }
    }
    all
}

fn post(app: &App, pairs: &[(String, String)]) -> Answer {
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    send(app, "/experiments/new", &pairs)
}

fn id_in(location: &str) -> ExperimentId {
    location.rsplit('/').next().unwrap().parse().unwrap()
}

#[test]
fn a_preset_becomes_an_experiment_through_the_form_and_twice_sent_is_one() {
    let app = App::start();
    assert!(page(&app, "/experiments/new").contains("?preset=quick"));
    let text = page(&app, "/experiments/new?preset=quick&colour=red");
    assert!(text.contains("ignored: ") && text.contains("training arms"));
    assert!(text.contains("3 seeds: intervals, but no verdict"));
    let answers = with(
        &filled(&text),
        &[("name", "Through the form"), ("seeds", "2")],
    );
    let estimate = post(&app, &with(&answers, &[("do", "estimate")]));
    assert_eq!(estimate.status, 200, "{}", estimate.text);
    assert!(estimate.text.contains("2 seeds: no interval"));
    assert!(
        estimate.text.contains("Through the form"),
        "values are kept"
    );
    assert_eq!(app.count("experiment"), 0);
    let answers = with(&answers, &[("do", "submit")]);
    let first = post(&app, &answers);
    assert_eq!(first.status, 303, "{}", first.text);
    let again = post(&app, &answers);
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(app.count("experiment"), 1);
    // The same form with other answers is asked about, not entered under the old key.
    let other = post(&app, &with(&answers, &[("name", "Another")]));
    assert_eq!(other.status, 409);
    assert!(other.text.contains("submitted before"));
    assert_eq!(app.count("experiment"), 1);
    let id = id_in(first.header("location"));
    let shown = page(&app, &format!("/experiments/{id}"));
    assert!(shown.contains("Through the form") && shown.contains(&format!("?from={id}")));
    let clone = page(&app, &format!("/experiments/new?from={id}"));
    let kept = filled(&clone);
    assert!(kept.contains(&("name".into(), "Through the form".into())));
    assert!(kept.contains(&("seeds".into(), "2".into())));
}

#[test]
fn mistakes_stand_beside_their_fields_and_a_required_attempt_needs_its_reason() {
    let app = App::start();
    let answers = filled(&page(&app, "/experiments/new?preset=r1-miniature"));
    let wrong = with(
        &answers,
        &[("do", "submit"), ("amount", "much"), ("question", "")],
    );
    let answer = post(&app, &wrong);
    assert_eq!(answer.status, 422);
    for words in [
        "2 things are wrong",
        "href=\"#f-amount\"",
        "href=\"#f-question\"",
        "value=\"much\"",
    ] {
        assert!(answer.text.contains(words), "{words}");
    }
    let mut without = with(&answers, &[("do", "submit")]);
    without.retain(|(k, v)| !(k == "arm" && v == "mcts-selftrain"));
    let answer = post(&app, &without);
    assert_eq!(answer.status, 422);
    assert!(
        answer.text.contains("href=\"#f-reason-mcts\""),
        "{}",
        answer.text
    );
    let answer = post(
        &app,
        &with(&without, &[("reason-mcts", "Too slow for this machine.")]),
    );
    assert_eq!(answer.status, 303, "{}", answer.text);
    let shown = page(&app, answer.header("location"));
    assert!(shown.contains("mcts: not run, because: Too slow for this machine."));
    assert!(!shown.contains("data-arm=\"mcts-selftrain\""));
    assert_eq!(app.count("experiment"), 1);
}

#[test]
fn parameters_of_the_recipes_are_fields_of_the_form() {
    let app = App::start();
    let answers = filled(&page(&app, "/experiments/new?preset=quick"));
    let key = "p.grpo.grpo.learning_rate";
    assert!(answers.contains(&(key.into(), "3e-4".into())));
    let wrong = post(&app, &with(&answers, &[("do", "submit"), (key, "fast")]));
    assert_eq!(wrong.status, 422);
    for words in [
        "href=\"#f-p.grpo.grpo.learning_rate\"",
        "value=\"fast\"",
        "/arms/2/stages/0/learning_rate: ",
    ] {
        assert!(wrong.text.contains(words), "{words}\n{}", wrong.text);
    }
    assert_eq!(app.count("experiment"), 0);
    let group = "p.grpo.grpo.num_generations";
    let changed = [("do", "submit"), (key, "1e-3"), (group, "4")];
    let done = post(&app, &with(&answers, &changed));
    assert_eq!(done.status, 303, "{}", done.text);
    let id = id_in(done.header("location"));
    let kept = app.get(&format!("/api/v1/experiments/{id}")).json();
    let arms = kept["experiment"]["spec"]["arms"]
        .as_array()
        .unwrap()
        .clone();
    let stage = |arm: &str| {
        let found = arms.iter().find(|a| a["id"] == arm).unwrap();
        found["stages"][0].clone()
    };
    assert_eq!(stage("grpo")["learning_rate"], 1e-3);
    assert_eq!(stage("grpo")["num_generations"], 4);
    assert_eq!(stage("sft")["learning_rate"], 3e-4);
}

#[test]
fn the_file_can_be_written_by_hand_and_nonsense_is_a_page() {
    let app = App::start();
    let submit = |yaml: &str| {
        send(
            &app,
            "/experiments/new",
            &[("base", ""), ("key", "k"), ("do", "submit"), ("yaml", yaml)],
        )
    };
    for (yaml, words) in [
        ("a: [", "not valid YAML"),
        ("name: x", "#f-yaml"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("", "wrong"),
    ] {
        let answer = submit(yaml);
        assert_eq!(answer.status, 422, "{yaml}: {}", answer.text);
        assert!(answer.text.contains(words) && !answer.text.contains("<script>alert"));
    }
    assert_eq!(submit(&"a".repeat(2 << 20)).status, 422);
    let done = submit(crate::app::SMALL);
    assert_eq!(done.status, 303, "{}", done.text);
    for pairs in [
        vec![],
        vec![("base", "preset:nobody")],
        vec![("do", "submit")],
    ] {
        assert_eq!(send(&app, "/experiments/new", &pairs).status, 400);
    }
    assert_eq!(
        html(
            &app,
            "/experiments/new?from=00000000-0000-7000-8000-000000000000"
        )
        .status,
        404
    );
    assert!(page(&app, "/experiments/new?preset=nobody&from=x").contains("ignored: "));
}

#[test]
fn a_run_that_is_left_out_is_struck_through_and_the_comparison_stands_both_ways() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let path = format!("/experiments/{id}");
    let before = page(&app, &path);
    assert!(before.contains("Every finished run counts") && !before.contains("<s>"));
    let run = &crate::run_link(&before, "GRPO from the base", 1)["/runs/".len()..];
    let exclude = |reason: &str| {
        send(
            &app,
            &format!("{path}/exclude"),
            &[("run", run), ("reason", reason)],
        )
    };
    assert_eq!(exclude(" ").status, 422);
    assert_eq!(exclude("<b>A fan had failed.</b>").status, 303);
    let after = page(&app, &path);
    for words in [
        "9 runs planned: 9 done, 0 crashed, 0 cancelled, 0 open; 1 excluded, 8 counted.",
        "A fan had failed.",
        "1 excluded",
        "<s><a href",
        "With every run",
        "2 of 3",
        "Registered contrasts both ways",
        "2 seeds, no interval",
    ] {
        assert!(after.contains(words), "{words}");
    }
    assert!(!after.contains("<b>") && !after.contains("Not finished yet"));
    let csv = app.get(&format!("{path}.csv")).text;
    let head = csv.lines().find(|l| !l.starts_with("# ")).unwrap();
    let head: Vec<&str> = head.split(',').collect();
    let at = head.iter().position(|h| *h == "excluded").unwrap();
    let of = |arm: &str| {
        let line = csv
            .lines()
            .find(|l| l.starts_with(&format!("arm,\"{arm}\",")))
            .unwrap();
        line.split(',').nth(at).unwrap().to_string()
    };
    assert_eq!((of("arm-1"), of("arm-0")), ("1".into(), "0".into()));
    let json = app.get(&format!("{path}.json")).json();
    assert_eq!(json["denominator"]["counted"], 8);
    assert!(json["outcome_with_all_runs"].is_object());
    let back = send(
        &app,
        &format!("{path}/include"),
        &[("run", run), ("reason", "It had not.")],
    );
    assert_eq!(back.status, 303);
    let last = page(&app, &path);
    assert!(last.contains("Every finished run counts") && last.contains("taken back: It had not."));
    // Another experiment's run is none of this one's.
    let other = app.block_on(async {
        Seeder::new(app.state(), "w", 1)
            .await
            .submit(&spec(&THREE, 1, 9))
            .await
    });
    let foreign = send(
        &app,
        &format!("/experiments/{other}/exclude"),
        &[("run", run), ("reason", "x")],
    );
    assert_eq!(foreign.status, 404);
}

#[test]
fn spending_stands_by_experiment_and_arm_and_in_dollars_once_there_is_a_price() {
    let app = App::start();
    let wrong = [
        ("device", "cpu"),
        ("dollars_per_hour", "cheap"),
        ("source", ""),
    ];
    assert_eq!(send(&app, "/cost/prices", &wrong).status, 422);
    let refused = send(&app, "/cost/prices?gpus=8&hours=12", &wrong);
    assert_eq!(refused.status, 422);
    for words in [
        "<details id=\"price-form\" open>",
        "value=\"cpu\"",
        "value=\"cheap\"",
        "id=\"price-dollars_per_hour\">must be a number of dollars above 0</strong>",
        "id=\"price-source\">is required</strong>",
        // The estimate above the form is the same as before, and so is where it is sent.
        "8 GPUs × 12 h = 96 GPU-hours",
        "action=\"/cost/prices?gpus=8&#38;hours=12\"",
    ] {
        assert!(refused.text.contains(words), "{words}\n{}", refused.text);
    }
    assert_eq!(refused.text.matches("<h1>").count(), 1);
    assert!(!refused.text.contains("id=\"price-device\""));
    assert_eq!(app.count("price"), 0);
    let id = seeded(&app, 60, |_, _| Until::End);
    let path = format!("/cost?experiment={id}");
    let before = page(&app, &path);
    let own = &before[..before.find("id=\"published\"").unwrap()];
    assert!(
        own.contains("No price is known") && !own.contains("<th scope=\"col\" class=\"n\">Dollars")
    );
    assert!(own.contains("Shared by several arms") && own.contains("GRPO from the base"));
    // Its device is named, and the link has the form with that very name.
    let form = format!("/cost?experiment={id}&#38;device=CPU%2C%202%20cores#price-form");
    assert!(own.contains(&format!("<a href=\"{form}\"><bdi>CPU, 2 cores</bdi></a>")));
    let filled = page(&app, "/cost?device=CPU%2C%202%20cores");
    for words in ["<details id=\"price-form\" open>", "value=\"CPU, 2 cores\""] {
        assert!(filled.contains(words), "{words} in {filled}");
    }
    assert!(!filled.contains("ignored: "));
    // Three planned and finished seeds, two registered contrasts.
    for words in [
        "level 0.05/2 shows in 80 % of experiments",
        "<small>3 planned</small>",
        " in pass@1</td>",
        "<input type=\"hidden\" name=\"experiment\"",
    ] {
        assert!(own.contains(words), "{words}\n{own}");
    }
    assert!(page(&app, &format!("{path}&seeds=12")).contains("With 12 seeds"));
    // From long before the work began.
    let price = [
        ("device", "CPU"),
        ("dollars_per_hour", "3600"),
        ("valid_from", "2020-01-01"),
        ("source", "a dollar a second"),
    ];
    let kept = send(
        &app,
        &format!("/cost/prices?gpus=8&experiment={id}"),
        &price,
    );
    assert_eq!(kept.status, 303);
    let back = format!("/cost?gpus=8&experiment={id}#prices");
    assert_eq!(kept.header("location"), back);
    let after = page(&app, &path);
    assert!(after.contains("a dollar a second") && after.contains(">Dollars</th>"));
    assert!(before.contains("id=\"unpriced\"") && !after.contains("id=\"unpriced\""));
    let home = page(&app, "/");
    assert!(home.contains("<span class=\"nw\">$"), "{home}");
    // One dollar a second: the sum in dollars is the device time in seconds.
    let state = app.state();
    let spent = app.block_on(async {
        let mut conn = state.conn().await.unwrap();
        assay_store::list_spending(&mut conn, &[id]).await.unwrap()
    });
    let stages = &spent[&id];
    let ms: f64 = stages.iter().map(|s| s.all.device_ms).sum();
    let dollars: f64 = stages.iter().filter_map(|s| s.dollars).sum();
    assert!(
        ms > 0.0 && (dollars - ms / 1e3).abs() < 1e-6 * dollars,
        "{dollars} {ms}"
    );
    assert!(page(&app, "/cost?gpus=8&hours=12&rate=two&x=1").contains("ignored: "));
}

#[test]
fn runs_are_cancelled_and_tried_again_from_the_queue() {
    let app = App::start();
    let state = app.state();
    app.block_on(async {
        Seeder::new(state, "w", 1)
            .await
            .submit(&spec(&THREE, 1, 0))
            .await
    });
    let queue = page(&app, "/queue");
    assert!(queue.contains("No estimate of when it is cleared") && queue.contains("#1"));
    let from = queue.find("action=\"/queue/cancel\"").unwrap();
    let at = from + queue[from..].find("<option value=\"").unwrap() + "<option value=\"".len();
    let run = &queue[at..at + 36];
    assert_eq!(send(&app, "/queue/retry", &[("run", run)]).status, 409);
    assert_eq!(send(&app, "/queue/cancel", &[("run", run)]).status, 303);
    assert_eq!(
        app.get(&format!("/api/v1/runs/{run}")).json()["state"],
        "cancelled"
    );
    assert_eq!(send(&app, "/queue/retry", &[("run", run)]).status, 303);
    assert_eq!(
        app.get(&format!("/api/v1/runs/{run}")).json()["state"],
        "waiting"
    );
    assert_eq!(send(&app, "/queue/cancel", &[("run", "x")]).status, 400);
}

#[test]
fn waiting_jobs_change_places_with_buttons_that_need_no_script() {
    let app = App::start();
    let state = app.state();
    app.block_on(async {
        let seeder = Seeder::new(state, "w", 1).await;
        // Of each, one base waits for a worker.
        for root in [0, 5] {
            seeder.submit(&spec(&THREE, 1, root)).await;
        }
    });
    let first_of = |queue: &str| -> String {
        let from = queue.find("<tr id=\"job-").unwrap() + "<tr id=\"job-".len();
        queue[from..from + 36].to_string()
    };
    let queue = page(&app, "/queue");
    assert!(queue.contains("Every job has the same priority"));
    assert!(queue.contains("threads at work: 0 of 1,000 (0 %)"));
    let first = first_of(&queue);
    let at = queue.find("name=\"up\" value=\"").unwrap() + "name=\"up\" value=\"".len();
    let second = queue[at..at + 36].to_string();
    assert_ne!(first, second);
    let moved = send(&app, "/queue/move", &[("up", &second)]);
    assert_eq!(moved.status, 303, "{}", moved.text);
    assert_eq!(moved.header("location"), format!("/queue#job-{second}"));
    let queue = page(&app, "/queue");
    assert_eq!(first_of(&queue), second);
    assert!(queue.contains("Somebody has changed the order") && queue.contains("priority 1"));
    assert_eq!(send(&app, "/queue/move", &[("down", &second)]).status, 303);
    assert_eq!(first_of(&page(&app, "/queue")), first);
    for (pairs, status) in [
        (vec![], 400),
        (vec![("up", "x")], 400),
        (
            vec![("up", second.as_str()), ("down", second.as_str())],
            400,
        ),
        (vec![("up", "00000000-0000-7000-8000-000000000000")], 409),
    ] {
        assert_eq!(
            send(&app, "/queue/move", &pairs).status,
            status,
            "{pairs:?}"
        );
    }
    let foreign = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://evil.example"),
    ];
    let body = format!("up={second}");
    assert_eq!(app.send("POST", "/queue/move", &foreign, body).status, 403);
}
