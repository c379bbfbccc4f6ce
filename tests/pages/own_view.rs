//! A reader's default view of an experiment, over HTTP and without a script.

use crate::app::{Answer, App};
use crate::forms::send;
use crate::seed::Until;
use crate::{page, seeded};

/// What the browser would send from now on: the names and values of cookies that stay.
fn kept(answer: &Answer) -> String {
    let set = answer.headers.get_all("set-cookie").iter();
    let pairs: Vec<&str> = set
        .map(|value| value.to_str().unwrap())
        .filter(|text| !text.contains("Max-Age=0"))
        .map(|text| text.split(';').next().unwrap())
        .collect();
    pairs.join("; ")
}

#[test]
fn a_view_that_was_kept_is_where_the_plain_address_leads_until_it_is_forgotten() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let path = format!("/experiments/{id}");
    let default = format!("{path}/default");
    let plain = page(&app, &path);
    assert!(!plain.contains("Save as my default") && !plain.contains("Forget my default"));
    let shown = page(&app, &format!("{path}?metric=length&only=base,arm-1"));
    assert!(shown.contains("Save as my default") && !shown.contains("Forget my default"));
    let saved = send(
        &app,
        &default,
        &[("query", "?metric=length&only=base,arm-1")],
    );
    let view = format!("{path}?metric=length&only=base%2Carm-1");
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, view.as_str())
    );
    for value in saved.headers.get_all("set-cookie") {
        let text = value.to_str().unwrap();
        assert!(
            text.contains("; HttpOnly; SameSite=Lax; Max-Age="),
            "{text}"
        );
    }
    let cookie = kept(&saved);
    assert!(cookie.contains("assay_view=metric=length"), "{cookie}");
    let get = |path: &str| {
        let headers = [("accept", "text/html"), ("cookie", cookie.as_str())];
        app.send("GET", path, &headers, ())
    };
    let led = get(&path);
    assert_eq!((led.status, led.header("location")), (303, view.as_str()));
    let own = get(&view);
    assert_eq!(own.status, 200);
    assert!(own.text.contains("Forget my default") && !own.text.contains("ignored:"));
    let without = get(&format!("{path}?plain=1"));
    assert_eq!(without.status, 200);
    assert!(without.text.contains("Forget my default") && !without.text.contains("ignored:"));
    assert!(!without.text.contains("Save as my default"));
    // Files and other pages are as they were.
    assert_eq!(get(&format!("{path}.csv")).status, 200);
    assert_eq!(get(&format!("{path}/graveyard")).status, 200);
    let forgot = send(&app, &default, &[("forget", "1")]);
    assert_eq!(
        (forgot.status, forgot.header("location")),
        (303, path.as_str())
    );
    assert_eq!(kept(&forgot), "");
    // A view that differs in nothing is none, and takes no other's place.
    for nothing in ["band=ci95", "", "snap=0123456789abcdef"] {
        let answer = send(&app, &default, &[("query", nothing)]);
        assert_eq!(answer.status, 422, "{nothing}: {}", answer.text);
        assert_eq!(answer.header("set-cookie"), "", "{nothing}");
    }
}

#[test]
fn what_the_page_does_not_understand_is_not_kept_and_no_other_site_keeps_anything() {
    let app = App::start();
    let id = seeded(&app, 40, |_, _| Until::End);
    let default = format!("/experiments/{id}/default");
    let long = format!("metric=length&only={}", "base,".repeat(400));
    for bad in [
        "metric=nonsense",
        "only=nobody",
        "smooth=NaN",
        "x0=5&x1=1",
        "\"><script>alert(1)</script>",
        "metric=length\r\nset-cookie: a=b",
        "next=//evil.example",
        long.as_str(),
    ] {
        let answer = send(&app, &default, &[("query", bad)]);
        assert_eq!(answer.status, 422, "{bad}: {}", answer.text);
        assert_eq!(answer.header("set-cookie"), "", "{bad}");
        assert!(!answer.text.contains("<script>alert"), "{bad}");
    }
    let huge = "x".repeat(100_000);
    let answer = send(&app, &default, &[("query", &huge)]);
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    let nowhere = format!("/experiments/{}/default", uuid::Uuid::nil());
    assert_eq!(send(&app, &nowhere, &[("query", "")]).status, 404);
    let foreign = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", "http://evil.example"),
    ];
    let refused = app.send("POST", &default, &foreign, "query=metric%3Dlength");
    assert_eq!((refused.status, refused.header("set-cookie")), (403, ""));
}
