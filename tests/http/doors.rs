//! Who is let in: tokens, `Host`, `Origin`, and names of files.

use crate::app::{App, SMALL, wait_until};
use crate::wire::Wire;

#[test]
fn another_name_for_this_server_is_refused() {
    let app = App::start_with("127.0.0.1:0", |config| {
        config.public_hosts = vec!["assay.example".into()];
    });
    let status = |host: &str| {
        app.send("GET", "/api/v1/experiments", &[("host", host)], ())
            .status
    };
    assert_eq!(status("evil.example"), 421);
    assert_eq!(status("10.1.2.3"), 421);
    assert_eq!(status("localhost:9999"), 200);
    assert_eq!(status("assay.example"), 200);
    assert_eq!(
        app.send("GET", "/healthz", &[("host", "evil.example")], ())
            .status,
        421
    );
}

#[test]
fn another_sites_page_cannot_write() {
    let app = App::start();
    let post = |origin: &str| {
        let headers = [("content-type", "text/plain"), ("origin", origin)];
        app.send("POST", "/api/v1/experiments", &headers, SMALL)
            .status
    };
    for origin in ["http://evil.example", "null", "http://localhost", "file://"] {
        assert_eq!(post(origin), 403, "{origin}");
    }
    assert_eq!(app.count("experiment"), 0);
    assert_eq!(post(&app.url), 201);
}

#[test]
fn the_worker_protocol_always_needs_a_token() {
    let app = App::start();
    let register = "{\"protocol\":1,\"name\":\"w\",\"threads\":1,\"host\":{\"device\":\"cpu\",\"device_name\":\"\",\"libtorch\":\"\",\"worker_version\":\"\"}}";
    let status = |token: Option<&str>| {
        let bearer = token.map(|t| format!("Bearer {t}"));
        let headers: Vec<_> = bearer
            .iter()
            .map(|b| ("authorization", b.as_str()))
            .collect();
        app.send("POST", "/worker/v1/register", &headers, register)
            .status
    };
    assert_eq!(status(None), 401);
    assert_eq!(status(Some("guess")), 401);
    assert_eq!(status(Some(&app.worker)), 200);
    assert_eq!(status(Some(&app.admin)), 200);
}

#[test]
fn outside_loopback_every_request_needs_the_admin_token_or_a_login() {
    let app = App::start_with("0.0.0.0:0", |_| {});
    let get = |headers: &[(&str, &str)]| app.send("GET", "/api/v1/experiments", headers, ());
    assert_eq!(get(&[]).status, 401);
    assert_eq!(app.get("/healthz").status, 200);
    let admin = format!("Bearer {}", app.admin);
    assert_eq!(get(&[("authorization", &admin)]).status, 200);
    let worker = format!("Bearer {}", app.worker);
    assert_eq!(get(&[("authorization", &worker)]).status, 401);
    // A browser is sent to the login, and comes back with a session.
    let page = app.send("GET", "/", &[("accept", "text/html")], ());
    assert_eq!((page.status, page.header("location")), (303, "/login"));
    let login = |token: &str| {
        app.post(
            "/login",
            "application/x-www-form-urlencoded",
            format!("token={token}").as_bytes(),
        )
    };
    assert_eq!(login("wrong").status, 401);
    let answer = login(&app.admin);
    assert_eq!(answer.status, 303, "{}", answer.text);
    let set = answer.header("set-cookie").to_string();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Lax"),
        "{set}"
    );
    let cookie = set.split(';').next().unwrap().to_string();
    assert_eq!(get(&[("cookie", &cookie)]).status, 200);
    assert_eq!(
        app.send("POST", "/logout", &[("cookie", &cookie)], ())
            .status,
        303
    );
    assert_eq!(get(&[("cookie", &cookie)]).status, 401);
}

#[test]
fn guessing_the_token_at_the_login_is_slowed_down() {
    let app = App::start_with("0.0.0.0:0", |_| {});
    let login = || {
        app.post(
            "/login",
            "application/x-www-form-urlencoded",
            b"token=guess",
        )
        .status
    };
    let statuses: Vec<u16> = (0..12).map(|_| login()).collect();
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[10..], [429; 2]);
}

#[test]
fn every_answer_carries_the_security_headers() {
    let app = App::start();
    for answer in [
        app.get("/healthz"),
        app.get("/nothing"),
        app.get("/login"),
        app.send("GET", "/", &[("host", "evil")], ()),
    ] {
        let csp = answer.header("content-security-policy");
        assert!(
            csp.starts_with("default-src 'none'; script-src 'self'")
                && csp.contains("frame-ancestors 'none'"),
            "{csp}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.header("referrer-policy").is_empty());
        assert!(!answer.header("x-request-id").is_empty());
    }
}

#[test]
fn no_name_of_an_artifact_leaves_its_folder() {
    let app = App::start();
    let bearer = format!("Bearer {}", app.worker);
    let secret = app.data.join("admin.token");
    assert!(secret.exists());
    for name in [
        "..%2f..%2fadmin.token",
        "..%2F..%2F..%2Fetc%2Fpasswd",
        "%2e%2e%2f%2e%2e%2fadmin.token",
        "../../admin.token",
        "%00",
        "%5c..%5c..",
        &"A".repeat(64),
        &format!("{}%00", "a".repeat(64)),
        &"a".repeat(4096),
    ] {
        for method in ["GET", "PUT"] {
            let path = format!("/worker/v1/artifacts/{name}");
            let answer = app.send(
                method,
                &path,
                &[("authorization", &bearer)],
                if method == "PUT" { "x" } else { "" },
            );
            assert!(
                (400..500).contains(&answer.status),
                "{method} {name}: {}",
                answer.status
            );
            assert!(!answer.text.contains(&app.admin));
        }
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap().trim(), app.admin);
}

#[test]
fn while_postgres_is_away_the_answer_is_503_and_comes_quickly() {
    let wire = Wire::new();
    let app = App::start_with("127.0.0.1:0", |config| {
        config.database_url = wire.through(&config.database_url);
    });
    assert_eq!(app.get("/healthz").status, 200);
    wire.cut();
    let begun = std::time::Instant::now();
    let answer = app.get("/api/v1/experiments");
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(begun.elapsed() < std::time::Duration::from_secs(4));
    assert_eq!(answer.header("retry-after"), "2");
    assert_eq!(app.submit(SMALL).status, 503);
    let page = app.send("GET", "/", &[("accept", "text/html")], ());
    assert_eq!(page.status, 503, "{}", page.text);
    for words in ["Nothing that was recorded is lost", ">Try again</a>"] {
        assert!(page.text.contains(words), "{words} not in {}", page.text);
    }
    assert_eq!(app.get("/healthz").status, 503);
    wire.mend();
    wait_until("the server recovers by itself", || {
        app.get("/healthz").status == 200
    });
    assert_eq!(app.submit(SMALL).status, 201);
}

#[test]
fn metrics_are_told_to_who_may_read_and_hold_no_secret() {
    let app = App::start();
    app.submitted(SMALL);
    let answer = app.get("/metrics");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    for words in [
        "# TYPE assay_jobs gauge",
        "assay_jobs{state=\"running\"} 0",
        "assay_workers 0",
        "assay_db_connections_max 4",
    ] {
        assert!(answer.text.contains(words), "{words}\n{}", answer.text);
    }
    assert!(!answer.text.contains("assay_jobs{state=\"queued\"} 0"));
    assert!(!answer.text.contains(&app.admin) && !answer.text.contains(&app.worker));
    let answered = |class: &str| -> u64 {
        let text = app.get("/metrics").text;
        let name = format!("assay_http_requests_total{{status=\"{class}\"}} ");
        let line = text.lines().find_map(|l| l.strip_prefix(&name)).unwrap();
        line.parse().unwrap()
    };
    let before = answered("4xx");
    assert_eq!(app.get("/nothing").status, 404);
    assert_eq!(answered("4xx"), before + 1);

    let outside = App::start_with("0.0.0.0:0", |_| {});
    assert_eq!(outside.get("/metrics").status, 401);
    let worker = format!("Bearer {}", outside.worker);
    let as_worker = outside.send("GET", "/metrics", &[("authorization", &worker)], ());
    assert_eq!(as_worker.status, 401);
    let admin = format!("Bearer {}", outside.admin);
    let as_admin = outside.send("GET", "/metrics", &[("authorization", &admin)], ());
    assert_eq!(as_admin.status, 200);
}

#[test]
fn a_chosen_colour_scheme_is_a_cookie_that_every_page_reads() {
    let app = App::start();
    let choose = |origin: &str, body: &str| {
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin),
        ];
        app.send("POST", "/theme", &headers, body)
    };
    let chosen = choose(&app.url, "theme=dark&back=%2Fqueue%3Frefresh%3D30");
    assert_eq!(
        (chosen.status, chosen.header("location")),
        (303, "/queue?refresh=30")
    );
    let set = chosen.header("set-cookie").to_string();
    for words in ["assay_theme=dark; ", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(set.contains(words), "{set}");
    }
    let cookie = set.split(';').next().unwrap();
    for path in ["/", "/queue?refresh=30", "/login", "/nowhere"] {
        let with = [("accept", "text/html"), ("cookie", cookie)];
        let text = app.send("GET", path, &with, ()).text;
        assert!(text.contains("<html lang=\"en\" class=\"dark\">"), "{path}");
        let without = app.send("GET", path, &[("accept", "text/html")], ()).text;
        assert!(without.contains("<html lang=\"en\">"), "{path}");
        let timed = text.contains("<meta http-equiv=\"refresh\" content=\"30\">");
        assert_eq!(timed, path.contains("refresh"), "{path}");
    }
    let reset = choose(&app.url, "theme=system&back=%2F%2Fevil.example");
    assert_eq!(reset.header("location"), "/");
    assert!(reset.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(choose(&app.url, "theme=neon").status, 400);
    assert_eq!(choose("http://evil.example", "theme=dark").status, 403);
}
