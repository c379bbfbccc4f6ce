//! Queueing a run again from the queue's page and from its own.

use crate::app::App;
use crate::forms::send;
use crate::seed::{Seeder, Until, spec};
use crate::{THREE, page, run_link, seeded};

const SILENCE: [&str; 2] = [
    "update attempt set lease_expires_at = clock_timestamp() - interval '6 minutes'
     where state = 'running'",
    "update worker set seen_at = clock_timestamp() - interval '6 minutes'",
];

/// However long the seeding took.
const HEALTHY: [&str; 2] = [
    "update attempt set lease_expires_at = clock_timestamp() + interval '25 seconds'
     where state = 'running'",
    "update worker set seen_at = clock_timestamp()",
];

fn id_of(run: &str) -> &str {
    &run["/runs/".len()..]
}

#[test]
fn a_silent_workers_run_has_a_button_and_its_story_says_what_was_discarded() {
    let app = App::start();
    let id = seeded(&app, 60, |_, kind| match kind {
        "grpo" => Until::Share(0.4),
        _ => Until::End,
    });
    for statement in HEALTHY {
        app.sql(statement);
    }
    let experiment = page(&app, &format!("/experiments/{id}"));
    let run = run_link(&experiment, "GRPO from the base", 0);
    assert!(!page(&app, "/queue").contains("/queue/requeue"));
    // A healthy worker's work is taken only by force, with a reason, from the run's page.
    let healthy = page(&app, &run);
    for words in [
        "Take it away from its worker",
        "name=\"force\" value=\"yes\"",
        "required>",
        "steps 1 to 24 are discarded",
    ] {
        assert!(healthy.contains(words), "{words}");
    }
    let refused = send(&app, "/queue/requeue", &[("run", id_of(&run))]);
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("Not queued again") && refused.text.contains("its lease holds"));
    for statement in SILENCE {
        app.sql(statement);
    }
    let queue = page(&app, "/queue");
    assert_eq!(queue.matches("action=\"/queue/requeue\"").count(), 3);
    for words in [
        "requeue: <bdi>run arm-1, seed 0 from the start</bdi>",
        "<small>steps 1 to 24 are discarded and computed again</small>",
        &format!("name=\"run\" value=\"{}\"", id_of(&run)),
    ] {
        assert!(queue.contains(words), "{words}\n{queue}");
    }
    assert!(page(&app, &run).contains("its worker is silent"));
    let done = send(&app, "/queue/requeue", &[("run", id_of(&run))]);
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(done.header("location"), format!("{run}#timeline"));
    let text = page(&app, &run);
    assert!(text.contains("requeued by hand from its start: taken from w-1, silent for"));
    assert!(!text.contains("id=\"requeue-form\""), "it is queued");
    assert_eq!(
        page(&app, "/queue")
            .matches("action=\"/queue/requeue\"")
            .count(),
        2
    );
    // From another site nobody presses it.
    let foreign = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://evil.example"),
    ];
    let body = format!("run={}", id_of(&run));
    let answer = app.send("POST", "/queue/requeue", &foreign, body);
    assert_eq!(answer.status, 403);
}

#[test]
fn a_crashed_run_goes_on_with_a_reason_and_what_was_entered_is_kept() {
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
    let at = text.find("state failed").expect("one run has failed");
    let from = at + text[at..].find("/runs/").unwrap();
    let run = &text[from..from + text[from..].find('"').unwrap()];
    let queue = page(&app, "/queue");
    assert!(queue.contains("Requeue a crashed run"), "{queue}");
    assert!(page(&app, run).contains("Queue it again, with one more attempt"));
    let long = "é".repeat(501);
    for (reason, words) in [
        ("", "only with a reason"),
        (long.as_str(), "at most 500 characters"),
    ] {
        let pairs = [("run", id_of(run)), ("reason", reason)];
        let answer = send(&app, "/queue/requeue", &pairs);
        assert_eq!(answer.status, 422, "{}", answer.text);
        assert!(answer.text.contains(words) && answer.text.matches("<h1>").count() == 1);
        assert!(answer.text.contains(&format!("value=\"{reason}\"")));
        assert!(answer.text.contains("<details id=\"requeue-form\" open>"));
    }
    let reason = "<script>x</script> \u{202e}driver";
    let done = send(
        &app,
        "/queue/requeue",
        &[("run", id_of(run)), ("reason", reason)],
    );
    assert_eq!(done.status, 303, "{}", done.text);
    let text = page(&app, run);
    assert!(text.contains("one more attempt granted, 1 failed before"));
    assert!(text.contains("Reason: &#60;script&#62;x&#60;/script&#62; <span class=\"ctl\">"));
    assert!(!text.contains("<script>x") && !text.contains('\u{202e}'));
    assert!(text.contains("failed (nan)") || text.contains("an attempt failed (nan"));
    for (pairs, status) in [(vec![], 400), (vec![("run", "x")], 400)] {
        assert_eq!(send(&app, "/queue/requeue", &pairs).status, status);
    }
    let nobody = "01234567-89ab-7def-8123-456789abcdef";
    assert_eq!(send(&app, "/queue/requeue", &[("run", nobody)]).status, 404);
}

#[test]
fn a_queue_that_is_longer_than_its_list_is_counted_whole_and_hides_no_crashed_run() {
    let app = App::start();
    let state = app.state();
    let counted = app.block_on(async {
        let mut seeder = Seeder::new(state.clone(), "w-1", 10).await;
        seeder.submit(&spec(&THREE, 80, 0)).await;
        // The base, its evaluations, and the first stage that trains on it, which crashes.
        loop {
            let claim = seeder.claim().await.unwrap();
            let kind = claim.spec.job.kind();
            if ["sft", "grpo"].contains(&kind) {
                seeder.work(&claim, Until::Nan(0.5)).await;
                break;
            }
            seeder.work(&claim, Until::End).await;
        }
        let mut conn = state.conn().await.unwrap();
        assay_store::count_jobs(&mut conn).await.unwrap()
    });
    let open: i64 = counted.iter().map(|(_, n)| n).sum();
    assert!(open > 300, "{counted:?}");
    let queue = page(&app, "/queue");
    let lede = &queue[queue.find("<p class=\"lede num\">").unwrap()..];
    let lede = &lede[..lede.find("</p>").unwrap()];
    for (state, n) in &counted {
        assert!(lede.contains(&format!("{n} {state}")), "{state} in {lede}");
    }
    let unlisted = format!(
        "{} more of those that run or wait are not listed",
        open - 200
    );
    for words in [
        unlisted.as_str(),
        "Requeue a crashed run",
        "Try a run again",
    ] {
        assert!(queue.contains(words), "{words}");
    }
    let cancel = &queue[queue.find("id=\"cancel-form\"").unwrap()..];
    let cancel = &cancel[..cancel.find("</details>").unwrap()];
    // Of each open run the first job is named: what is blocked is offered like all else.
    assert!(cancel.matches("<option").count() >= 159, "{cancel}");
    assert!(app.get("/queue/jobs.csv").text.contains(&unlisted));
}
