//! Alarms by rules, found while nobody looks, and notes on runs.

use crate::app::App;
use crate::forms::send;
use crate::seed::Until;
use crate::{html, page, run_link, seeded};
use assay::background::look_once;

fn look(app: &App) -> u64 {
    let state = app.state();
    app.block_on(look_once(&state)).unwrap()
}

/// Three runs of GRPO that work, each with one step of collapsed entropy behind it, and what
/// the worker says of it taken away.
fn collapsed(app: &App) -> String {
    let id = seeded(app, 60, |_, kind| match kind {
        "grpo" => Until::Share(0.6),
        _ => Until::End,
    });
    app.sql("delete from event where level = 'alarm'");
    format!("/experiments/{id}")
}

#[test]
fn what_rules_find_in_the_background_is_counted_and_listed() {
    let app = App::start();
    let experiment = collapsed(&app);
    look(&app);
    let home = page(&app, "/");
    let counted = "<a href=\"/?status=alarmed\">3 runs with an alarm in the last 24 h</a>";
    assert!(home.contains(counted), "{home}");
    assert!(
        !home.contains("id=\"alarmed\""),
        "named where they are asked for"
    );
    let list = page(&app, "/?status=alarmed");
    assert!(list.contains(&format!("href=\"{experiment}\"")));
    assert_eq!(list.matches("#alarms\">").count(), 3, "{list}");
    assert!(list.contains("GRPO from the base, seed 0"));
    let run = run_link(&page(&app, &experiment), "GRPO from the base", 0);
    let text = page(&app, &run);
    assert!(text.contains("id=\"found\"") && text.contains("grpo: entropy under 0.05"));
    // Looking again finds nothing new, and every rule stands once a run.
    let before = app.count("rule_alarm");
    assert_eq!(look(&app), 0);
    assert_eq!(app.count("rule_alarm"), before);
    app.sql("update rule_look set last_seq = last_seq - 1");
    assert_eq!(look(&app), 0);
    assert_eq!(app.count("rule_alarm"), before);
    // A worker's own words about the same runs make no further runs.
    app.sql(
        "insert into event (stage_id, attempt, step, level, text)
         select stage_id, 1, 30, 'alarm', 'entropy fell' from rule_alarm",
    );
    assert!(page(&app, "/").contains(counted));
    // What is old, and what has ended, needs nobody.
    app.sql("delete from event where level = 'alarm'");
    app.sql("update rule_alarm set at = at - interval '25 hours'");
    assert!(!page(&app, "/").contains("with an alarm"));
    assert!(page(&app, "/?status=alarmed").contains("Nothing fits the filter"));
}

#[test]
fn a_look_that_fails_leaves_the_others_and_is_done_later() {
    let app = App::start();
    let experiment = collapsed(&app);
    app.sql("update experiment_version set spec = '{}'");
    assert_eq!(look(&app), 0);
    assert_eq!(app.count("rule_alarm"), 0);
    assert_eq!(html(&app, "/healthz").status, 200);
    // Another experiment's runs are looked at all the same.
    let other = seeded(&app, 40, |_, kind| match kind {
        "grpo" => Until::Share(0.6),
        _ => Until::End,
    });
    app.sql("delete from event where level = 'alarm'");
    look(&app);
    assert!(app.count("rule_alarm") >= 3);
    let run = page(&app, &format!("/runs/{}", first_alarmed(&app)));
    assert!(run.contains(&format!("/experiments/{other}")));
    assert!(!run.contains(&experiment));
}

#[test]
fn what_a_worker_has_raised_is_not_pushed_out_by_what_was_told_later() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let run = run_link(
        &page(&app, &format!("/experiments/{id}")),
        "GRPO from the base",
        0,
    );
    assert!(page(&app, &run).contains("grpo: entropy fell"));
    app.sql(
        "insert into event (stage_id, attempt, step, level, text)
         select id, 1, 60, 'info', 'requeued by hand' from stage, generate_series(1, 60)
         where kind = 'grpo'",
    );
    let text = page(&app, &run);
    let alarms = &text[text.find("<section id=\"alarms\"").unwrap()..];
    let (alarms, rest) = alarms.split_once("</section>").unwrap();
    assert!(alarms.contains("grpo: entropy fell") && !alarms.contains("has raised none"));
    assert!(rest.contains("Of grpo not listed: "), "{rest}");
    let found = app.get(&format!("{run}/found.csv")).text;
    assert!(found.contains("entropy fell"), "{found}");
}

fn first_alarmed(app: &App) -> String {
    let state = app.state();
    app.block_on(async {
        let mut conn = state.conn().await.unwrap();
        let id: uuid::Uuid = sqlx::query_scalar("select run_id from rule_alarm limit 1")
            .fetch_one(&mut *conn)
            .await
            .unwrap();
        id.to_string()
    })
}

#[test]
fn notes_on_a_run_are_added_and_stay() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let experiment = page(&app, &format!("/experiments/{id}"));
    let run = run_link(&experiment, "GRPO from the base", 1);
    let notes = format!("{run}/notes");
    assert!(page(&app, &run).contains("No note yet"));
    let said = [
        "The disk was full.\r\nTwice.",
        "<img src=x onerror=alert(1)> \u{202e}desrever\u{7}",
    ];
    for text in said {
        let answer = send(&app, &notes, &[("text", text)]);
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert_eq!(answer.header("location"), format!("{run}#notes"));
    }
    let text = page(&app, &run);
    let first = text.find("The disk was full.\nTwice.").expect("both lines");
    let second = text.find("&#60;img src=x").expect("written out");
    assert!(second < first, "newest first");
    assert!(!text.contains("<img") && !text.contains('\u{202e}') && !text.contains('\u{7}'));
    // What cannot be kept is shown again with what is wrong with it.
    let long = "é".repeat(4_001);
    for (bad, words) in [
        ("", "must not be empty"),
        (long.as_str(), "longer than 4000"),
    ] {
        let answer = send(&app, &notes, &[("text", bad)]);
        assert_eq!(answer.status, 422);
        assert!(answer.text.contains(words), "{words}");
        assert!(answer.text.contains(&format!(">{bad}</textarea>")));
        assert_eq!(answer.text.matches("<h1>").count(), 1);
        // Its address takes notes alone: every way goes on from the run's.
        assert!(!answer.text.contains("href=\"?"), "{words}");
        assert!(!answer.text.contains(&format!("{notes}?")), "{words}");
        let again = format!("href=\"{run}\">Refresh</a>");
        assert!(answer.text.contains(&again), "{words}");
        for form in answer.text.split("<form ").skip(1) {
            assert!(
                form.split('>').next().unwrap().contains("action=\"/"),
                "{form:.200}"
            );
        }
    }
    let huge = "x".repeat(1 << 20);
    let answer = send(&app, &notes, &[("text", huge.as_str())]);
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    let foreign = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://evil.example"),
    ];
    assert_eq!(app.send("POST", &notes, &foreign, "text=x").status, 403);
    let nobody = "/runs/01234567-89ab-7def-8123-456789abcdef/notes";
    assert_eq!(send(&app, nobody, &[("text", "x")]).status, 404);
    assert_eq!(app.count("run_note"), 2);
    // The same through REST, with pointers.
    let rest = format!("/api/v1{notes}");
    let json = [("content-type", "application/json")];
    let refused = app.send("POST", &rest, &json, "{\"text\": \" \"}");
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/text");
    let kept = app.send("POST", &rest, &json, "{\"text\": \"a third\"}");
    assert_eq!(kept.status, 201, "{}", kept.text);
    let all = app.get(&rest).json();
    assert_eq!(all["notes"].as_array().unwrap().len(), 3);
    assert_eq!(all["notes"][0]["text"], "a third");
}
