//! Contesting the grader, wherever on the samples page a completion stands.

use crate::app::{Answer, App};
use crate::seed::Until;
use crate::{page, run_link, seeded};

fn post(app: &App, path: &str, body: &str) -> Answer {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "text/html"),
        ("origin", app.url.as_str()),
    ];
    app.send("POST", path, &headers, body)
}

/// What stands between two marks, the first time that both do.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{from}"));
    rest.split_once(to).unwrap().0
}

/// Group and index of `s24-g0-i3`.
fn place(id: &str) -> (u32, u32) {
    let (_, rest) = id.split_once("-g").unwrap();
    let (group, index) = rest.split_once("-i").unwrap();
    (group.parse().unwrap(), index.parse().unwrap())
}

#[test]
fn a_reader_who_contests_the_grader_comes_back_to_the_same_view() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}"));
    let run = run_link(&text, "GRPO from the base", 1);
    let view = "?stage=grpo&step=24&with=12&result=wrong";
    let here = format!("{run}/samples{view}");
    let text = page(&app, &format!("{run}/samples?with=12&step=24&result=wrong"));
    let own = between(&text, "<article id=\"", "\"").to_string();
    assert!(own.starts_with("s24-g"), "{own}");
    let (group, index) = place(&own);
    let form = &text[text.find(&own).unwrap()..];
    let action = between(form, "method=\"post\" action=\"", "\"").replace("&#38;", "&");
    assert_eq!(action, here);
    // Who agrees with the grader owes no reason.
    assert!(form.contains("name=\"reason\"") && !form.contains(" required"));

    // Nothing is kept without a reason, and nothing that was entered is lost.
    let said = |reason: &str| {
        format!("stage=grpo&step=24&group={group}&index={index}&verdict=wrong&reason={reason}")
    };
    let refused = post(&app, &action, &said("+"));
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(refused.text.matches("<h1>").count(), 1);
    let open = "<details class=\"contest\" open>";
    assert_eq!(refused.text.matches(open).count(), 1);
    let form = &refused.text[refused.text.find(open).unwrap()..];
    for words in [
        format!("id=\"{own}-wrong\">Not kept: "),
        "say why the grader is wrong".into(),
        format!("aria-describedby=\"{own}-wrong\""),
    ] {
        assert!(form.contains(&words), "{words}\n{form}");
    }
    // It is the page that was left: its links hold.
    assert!(
        refused
            .text
            .contains("<option value=\"wrong\" selected>wrong</option>")
    );
    assert!(refused.text.contains("class=\"beside\""));
    assert_eq!(app.count("grader_contest"), 0);

    let kept = post(&app, &action, &said("five"));
    assert_eq!(kept.status, 303, "{}", kept.text);
    assert_eq!(kept.header("location"), format!("{here}#{own}"));
    assert!(page(&app, &here).contains("five"));

    // What stands beside is found again beside.
    let at = format!("s12-g1-i2-at-s24-g{group}");
    assert!(text.contains(&format!("<article id=\"{at}\"")), "{text}");
    let other = format!("stage=grpo&step=12&group=1&index=2&beside=24.{group}&verdict=wrong");
    let refused = post(&app, &action, &format!("{other}&reason="));
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains(&format!("id=\"{at}-wrong\"")));
    let kept = post(&app, &action, &format!("{other}&reason=six"));
    assert_eq!(kept.header("location"), format!("{here}#{at}"));

    // Nothing leads out of the page, and a view that does not hold it gives way to its group.
    let alone = format!("{run}/samples?stage=grpo&step=24&group={}", group + 1);
    for (query, to) in [
        (
            "?stage=//evil.example&step=24&to=//evil.example&next=%0d%0ax",
            format!("{run}/samples?stage=grpo&step=24#{own}"),
        ),
        ("", format!("{alone}#{own}")),
        ("?step=60", format!("{alone}#{own}")),
    ] {
        let kept = post(&app, &format!("{run}/samples{query}"), &said("seven"));
        assert_eq!(kept.status, 303, "{query}: {}", kept.text);
        assert_eq!(kept.header("location"), to, "{query}");
    }
    let refused = post(&app, &format!("{run}/samples?step=60"), &said(""));
    assert_eq!(refused.status, 409);
    assert_eq!(refused.text.matches(open).count(), 1);
    // One that is stored nowhere has no form to stand in.
    let nowhere = "stage=grpo&step=24&group=2147483647&index=0&verdict=wrong&reason=";
    let refused = post(&app, &action, nowhere);
    assert_eq!(refused.status, 409);
    assert!(refused.text.contains("What went wrong?"));
    assert_eq!(app.count("grader_contest"), 5);
}
