//! What is decided on a run's own page: whether it counts.

use crate::app::App;
use crate::forms::send;
use crate::seed::Until;
use crate::{page, run_link, seeded};

fn one_run(app: &App) -> (String, String) {
    let id = seeded(app, 40, |_, _| Until::End);
    let experiment = format!("/experiments/{id}");
    let run = run_link(&page(app, &experiment), "GRPO from the base", 1);
    (experiment, run)
}

#[test]
fn a_run_is_left_out_and_counted_again_on_its_own_page() {
    let app = App::start();
    let (experiment, run) = one_run(&app);
    assert!(page(&app, &run).contains("It counts in every number"));
    let out = [("decision", "exclude"), ("reason", "The disk was full.")];
    let answer = send(&app, &run, &out);
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(answer.header("location"), format!("{run}#counts"));
    let text = page(&app, &run);
    assert!(text.contains("Left out of the comparison") && text.contains("The disk was full."));
    assert!(page(&app, &experiment).contains("The disk was full."));
    // Twice is a contradiction, said on the page with the words that were entered.
    let again = send(&app, &run, &[out[0], ("reason", "Full, I say.")]);
    assert_eq!(again.status, 409);
    assert!(again.text.contains("the run is left out already"));
    assert!(again.text.contains("value=\"Full, I say.\""));
    assert_eq!(app.count("exclusion"), 1);
    // Words that would turn round what stands beside them are written out.
    let words = [("decision", "include"), ("reason", "no \u{202e}harm")];
    let back = send(&app, &run, &words);
    assert_eq!(back.status, 303, "{}", back.text);
    let text = page(&app, &run);
    assert!(text.contains("It counts in every number") && text.contains("Earlier decisions (2)"));
    assert!(text.contains("<bdi>no <span class=\"ctl\">⟨U+202E⟩</span>harm</bdi>"));
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn a_run_stays_without_a_reason_and_what_was_entered_is_kept() {
    let app = App::start();
    let (_, run) = one_run(&app);
    let long = "é".repeat(501);
    for (reason, words) in [
        ("", "only with a reason"),
        ("  ", "only with a reason"),
        (long.as_str(), "at most 500 characters"),
    ] {
        let answer = send(&app, &run, &[("decision", "exclude"), ("reason", reason)]);
        assert_eq!(answer.status, 422, "{reason}");
        assert!(answer.text.contains(words), "{words}\n{}", answer.text);
        assert!(answer.text.contains(&format!("value=\"{reason}\"")));
        assert_eq!(answer.text.matches("<h1>").count(), 1);
    }
    for (pairs, status) in [
        (&[("reason", "x")][..], 400),
        (&[("decision", "delete"), ("reason", "x")][..], 400),
        (&[("decision", "include"), ("reason", "x")][..], 409),
    ] {
        assert_eq!(send(&app, &run, pairs).status, status, "{pairs:?}");
    }
    let foreign = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://evil.example"),
    ];
    let answer = app.send("POST", &run, &foreign, "decision=exclude&reason=x");
    assert_eq!(answer.status, 403);
    let nobody = "/runs/01234567-89ab-7def-8123-456789abcdef";
    let answer = send(&app, nobody, &[("decision", "exclude"), ("reason", "x")]);
    assert_eq!(answer.status, 404);
    assert_eq!(app.count("exclusion"), 0);
    assert!(page(&app, &run).contains("It counts in every number"));
}
