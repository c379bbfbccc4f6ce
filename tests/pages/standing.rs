//! The head of a run's page: how far it is, what it waits for, what it costs, what looks
//! wrong, and how to stop it.

use crate::app::App;
use crate::seed::{Seeder, Until, spec};
use crate::{THREE, html, page, run_link, seeded};

/// Above the panels.
fn head(app: &App, run: &str) -> String {
    let text = page(app, run);
    let from = text.find("<div id=\"state\"").unwrap();
    text[from..text.find("<section id=\"panels\"").unwrap()].to_string()
}

#[test]
fn a_run_at_work_says_how_far_it_is_and_can_be_stopped_from_its_page() {
    let app = App::start();
    let id = seeded(&app, 60, |_, kind| match kind {
        "grpo" => Until::Share(0.4),
        _ => Until::End,
    });
    let run = run_link(
        &page(&app, &format!("/experiments/{id}")),
        "GRPO from the base",
        0,
    );
    let text = head(&app, &run);
    // One stage of three is done, and 40 % of the next one's budget used.
    assert!(text.contains("running 47 %</span>"), "{text}");
    assert!(text.contains("heartbeat ") && text.contains(" ago</span>"));
    // A step with an entropy of 0.05 lies beyond; the worker's own alarm does not.
    assert!(
        text.contains("grpo: entropy fell below 0.05 at step 24"),
        "{text}"
    );
    assert!(text.contains("/samples?stage=grpo&#38;step=24\">samples at step 24</a>"));
    assert!(!text.contains("spent on its stages"), "no price is known");
    app.sql(
        "insert into price (device, dollars_per_hour, valid_from, source)
         values ('cpu', 3600, '2020-01-01', 'a dollar a second')",
    );
    let text = head(&app, &run);
    assert!(text.contains("<span class=\"num\">$"), "{text}");
    let form = format!("run={}", &run["/runs/".len()..]);
    assert!(text.contains("action=\"/queue/cancel\""));
    let answer = app.send(
        "POST",
        "/queue/cancel",
        &[
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", app.url.as_str()),
        ],
        form,
    );
    assert_eq!(answer.status, 303, "{}", answer.text);
    let text = head(&app, &run);
    assert!(
        text.contains("cancelled") && !text.contains("/queue/cancel"),
        "{text}"
    );
    assert_eq!(html(&app, "/queue").status, 200);
}

#[test]
fn a_run_that_waits_says_its_place_in_the_queue() {
    let app = App::start();
    let state = app.state();
    let (first, second) = app.block_on(async {
        let seeder = Seeder::new(state, "w", 1).await;
        let first = seeder.submit(&spec(&THREE, 2, 0)).await;
        (first, seeder.submit(&spec(&THREE, 2, 9)).await)
    });
    let of = |id| {
        let text = page(&app, &format!("/experiments/{id}"));
        head(&app, &run_link(&text, "SFT on clean chains", 0))
    };
    let waits = "base waits for a worker, position";
    assert!(of(first).contains(&format!("{waits} 1")), "{}", of(first));
    assert!(of(second).contains(&format!("{waits} 2")), "{}", of(second));
    app.sql("update worker set seen_at = clock_timestamp() - interval '1 hour'");
    assert!(of(second).contains("base: no worker with "));
}
