//! How old a page says its data are, what it says of silence, and what tells it of news.

use crate::app::App;
use crate::seed::Until;
use crate::{page, run_link, seeded};
use std::io::{BufRead, BufReader};
use std::time::Duration;

const LONG_AGO: &str = "2026-01-02 03:04:05+00";
const TO: &str = "Data to <time class=\"num\">2026-01-02 03:04:05 UTC</time>, <span class=\"num\">";

fn age_everything(app: &App) {
    for statement in [
        format!("update job set changed_at = '{LONG_AGO}'"),
        format!("update event set at = '{LONG_AGO}'"),
        format!("update experiment set created_at = '{LONG_AGO}'"),
        format!("update worker set seen_at = '{LONG_AGO}'"),
    ] {
        app.sql(&statement);
    }
}

#[test]
fn data_are_as_old_as_what_was_recorded_last_not_as_the_page() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let experiment = format!("/experiments/{id}");
    let run = run_link(&page(&app, &experiment), "GRPO from the base", 1);
    age_everything(&app);
    let samples = format!("{run}/samples");
    let graveyard = format!("{experiment}/graveyard");
    let curves = format!("{experiment}/curves");
    let compare = format!("/compare?arms={id}/arm-0,{id}/arm-1");
    for path in [
        "/",
        "/queue",
        "/cost",
        &experiment,
        &graveyard,
        &curves,
        &run,
        &samples,
        &compare,
    ] {
        let text = page(&app, path);
        assert!(text.contains(TO), "{path}\n{text}");
        assert!(!text.contains("No heartbeat"), "{path}: nothing is at work");
    }
    // An event of one stage is news of its run, and of the experiment.
    app.sql(
        "update event set at = '2026-01-02 04:00:00+00' where stage_id =
         (select stage_id from run_stage where name = 'grpo' order by run_id limit 1)",
    );
    assert!(page(&app, &experiment).contains("2026-01-02 04:00:00 UTC"));
    // A page that shows no data claims no date.
    assert!(!page(&app, "/references").contains("Data to"));
}

#[test]
fn a_running_experiment_whose_leases_are_silent_says_for_how_long() {
    let app = App::start();
    let id = seeded(&app, 60, |_, kind| match kind {
        "grpo" => Until::Share(0.4),
        _ => Until::End,
    });
    let path = format!("/experiments/{id}");
    assert!(!page(&app, &path).contains("No heartbeat"));
    let run = run_link(&page(&app, &path), "GRPO from the base", 0);
    let done = run_link(&page(&app, &path), "SFT on clean chains", 0);
    app.sql(
        "update attempt set lease_expires_at = clock_timestamp() - interval '4 minutes'
         where state in ('running', 'lost')",
    );
    for path in [&path, &run] {
        let text = page(&app, path);
        assert!(
            text.contains("<p class=\"note\">No heartbeat for 4 min: "),
            "{text}"
        );
    }
    assert!(!page(&app, &done).contains("No heartbeat"));
}

#[test]
fn the_list_and_the_queue_hear_of_what_is_submitted() {
    let app = App::start();
    for path in ["/", "/queue"] {
        assert!(page(&app, path).contains("data-live=\"/live\""), "{path}");
    }
    let response = app.agent.get(format!("{}/live", app.url)).call().unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut lines = BufReader::new(response.into_body().into_reader()).lines();
    // That something may have happened since the page was drawn; then the submission.
    let mut heard = |what: &str| {
        let begun = std::time::Instant::now();
        while lines.next().unwrap().unwrap() != "event: changed" {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        }
    };
    heard("the first word");
    seeded(&app, 20, |_, _| Until::End);
    heard("the submission");
}
