//! Figures and tables as files, over HTTP.

use crate::app::App;
use crate::seed::Until;
use crate::{page, seeded};
use serde_json::Value;

const FIGURES: [&str; 6] = [
    "milestones",
    "frontier",
    "forest",
    "training",
    "seeds",
    "passk",
];

#[test]
fn every_figure_is_a_file_at_the_pages_own_address() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}?x=device_s"));
    let snapshot = app.get(&format!("/experiments/{id}.json")).json()["snapshot"].clone();
    let snapshot = snapshot.as_str().unwrap();
    assert!(text.contains(snapshot));
    for figure in FIGURES {
        for ending in ["svg", "csv", "json", "tex", "png"] {
            let path = format!("/experiments/{id}/{figure}.{ending}?x=device_s");
            assert!(text.contains(&path), "{path} is not on the page");
            if ending == "png" {
                continue;
            }
            let answer = app.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            for part in [
                snapshot,
                "equal compute: 4.000e11",
                "9 runs planned: 9 done",
                "Hidden: none.",
            ] {
                assert!(answer.text.contains(part), "{part} in {path}");
            }
        }
    }
    let svg = app.get(&format!("/experiments/{id}/frontier.svg?x=device_s"));
    assert!(svg.header("content-disposition").contains("attachment"));
    assert!(svg.text.starts_with("<svg xmlns=") && svg.text.contains("prefers-color-scheme:dark"));
    let tex = app.get(&format!("/experiments/{id}/training.tex?seeds=1"));
    assert!(tex.header("content-type").starts_with("application/x-tex"));
    for part in ["\\toprule", "GRPO from the base & "] {
        assert!(tex.text.contains(part), "{part} in {}", tex.text);
    }
    let rows = tex.text.lines().filter(|l| l.ends_with(r"\\")).count();
    assert!((20..=201).contains(&rows), "{rows}");
    let json = app
        .get(&format!("/experiments/{id}/milestones.json"))
        .json();
    let series = json["series"].as_array().unwrap();
    assert_eq!(series.len(), 3);
    assert_eq!(series[1]["points"].as_array().unwrap().len(), 11);
    assert_eq!(series[1]["seeds"].as_array().unwrap().len(), 3);
    // The picture and the page say the same.
    let csv = app.get(&format!("/experiments/{id}/forest.csv")).text;
    let forest = app.get(&format!("/experiments/{id}/forest.json")).json();
    let mean = forest["rows"][1]["estimate"]["mean"].as_f64().unwrap();
    assert!(csv.contains(&mean.to_string()));
}

#[test]
fn an_axis_in_dollars_waits_for_a_price_and_then_names_it() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let address = format!("/experiments/{id}?x=usd");
    let missing = "No axis in dollars: no price was in force for ";
    let without = page(&app, &address);
    let at = without.find(missing).unwrap() + missing.len();
    let device = without[at..].split(" when it began").next().unwrap();
    for figure in ["training", "frontier", "milestones"] {
        let file = app.get(&format!("/experiments/{id}/{figure}.json?x=usd"));
        assert!(file.text.contains(missing), "{figure}: {}", file.text);
    }
    let price = format!(
        "{{\"device\": \"{device}\", \"dollars_per_hour\": 3600, \"valid_from\": \"2020-01-01\", \"source\": \"invoice 7\"}}"
    );
    let entered = app.post("/api/v1/prices", "application/json", price.as_bytes());
    assert_eq!(entered.status, 201, "{}", entered.text);
    let with = page(&app, &address);
    assert!(!with.contains(missing));
    assert!(with.contains(&format!(
        "{device} $3600 an hour from 2020-01-01 (invoice 7)"
    )));
    for figure in ["training", "frontier", "milestones"] {
        let path = format!("/experiments/{id}/{figure}.json");
        let dollars = app.get(&format!("{path}?x=usd")).json();
        assert_eq!(dollars["x"]["title"], "dollars charged, per seed");
        // A dollar a second: the same places as on the axis of device time.
        let seconds = app.get(&format!("{path}?x=device_s")).json();
        let last = |of: &Value| {
            let series = of["series"].as_array().unwrap();
            let one = series.iter().find(|s| s["arm"] == "arm-1").unwrap();
            let points = one["points"].as_array().unwrap();
            points.last().unwrap()[0].as_f64().unwrap()
        };
        let (dollars, seconds) = (last(&dollars), last(&seconds));
        assert!(
            seconds > 0.0 && (dollars - seconds).abs() < 1e-6 * seconds,
            "{figure}"
        );
    }
    // The same beside other columns.
    let path = format!("/compare/training.json?arms={id}/base,{id}/arm-1");
    let last = |query: &str| {
        let of = app.get(&format!("{path}{query}")).json();
        let points = of["series"][0]["points"].as_array().unwrap();
        (
            of["caption"].clone(),
            points.last().unwrap()[0].as_f64().unwrap(),
        )
    };
    let ((said, dollars), (_, seconds)) = (last("&x=usd"), last("&x=device_s"));
    assert!(seconds > 0.0 && (dollars - seconds).abs() < 1e-6 * seconds);
    assert!(said.as_str().unwrap().contains("Not at equal budgets: "));
}

#[test]
fn a_budget_of_the_link_stands_in_every_file_of_the_figure() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    for ending in ["svg", "csv"] {
        let path = format!("/experiments/{id}/training.{ending}?budget=4e15");
        let answer = app.get(&path);
        assert_eq!(answer.status, 200);
        assert!(answer.text.contains("beyond the data of 3 seeds"), "{path}");
    }
    let json = app
        .get(&format!(
            "/experiments/{id}/milestones.json?budget=2e11&x=flops"
        ))
        .json();
    let rows = json["at_budget"]["rows"].as_array().unwrap();
    let row = rows.iter().find(|r| r["arm"] == "arm-1").unwrap();
    assert_eq!(row["estimate"]["n"], 3);
    assert!(row["cost"].as_f64().unwrap() <= 2e11 * (1.0 + 1e-9));
    let table = app.get(&format!("/experiments/{id}/table.tex?base=arm-1"));
    assert!(table.text.contains("Exploratory: "), "{}", table.text);
    let forest = app.get(&format!(
        "/experiments/{id}/forest.svg?base=arm-1&color=family"
    ));
    assert!(forest.text.contains("Exploratory: ") && forest.text.contains("Colour says"));
}

#[test]
fn a_link_that_hides_an_arm_says_so_everywhere() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let said = "Hidden by the link: GRPO from the base.";
    let text = page(&app, &format!("/experiments/{id}?hide=arm-1"));
    assert!(text.matches(said).count() > 6);
    for file in [
        "milestones.svg",
        "training.csv",
        "table.tex",
        "table.csv",
        "verdicts.tex",
        "cite.bib",
    ] {
        let answer = app.get(&format!("/experiments/{id}/{file}?hide=arm-1"));
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.text.contains(said), "{file}: {}", answer.text);
    }
}

#[test]
fn a_table_for_a_paper_carries_its_basis_and_snapshot() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let tex = app.get(&format!("/experiments/{id}/table.tex"));
    assert!(tex.header("content-type").starts_with("application/x-tex"));
    for part in [
        "\\toprule",
        "GRPO from the base & 3 & 3 & $0.",
        "$\\pm$",
        "% Snapshot ",
        "training FLOPs per seed",
    ] {
        assert!(tex.text.contains(part), "{part} in {}", tex.text);
    }
    let bib = app.get(&format!("/experiments/{id}/cite.bib")).text;
    assert!(bib.contains("This state was not kept"), "{bib}");
    assert!(
        bib.starts_with("@misc{assay-") && bib.contains(&id.to_string()),
        "{bib}"
    );
    // What the entry's link says while nothing has changed, and of another state.
    let from = bib.find("?snap=").unwrap();
    let snap = &bib[from..from + bib[from..].find('}').unwrap()];
    let bar = "the data has changed since";
    assert!(!page(&app, &format!("/experiments/{id}{snap}")).contains(bar));
    assert!(page(&app, &format!("/experiments/{id}?snap=00000000")).contains(bar));
    let verdicts = app.get(&format!("/experiments/{id}/verdicts.json")).json();
    assert_eq!(verdicts["rows"].as_array().unwrap().len(), 2);
}

#[test]
fn pixels_come_from_the_same_drawing_or_say_what_is_missing() {
    let app = App::start();
    let id = seeded(&app, 30, |_, _| Until::End);
    let url = format!("{}/experiments/{id}/milestones.png", app.url);
    let out = std::process::Command::new("curl")
        .args(["-s", "-i", &url])
        .output()
        .unwrap();
    let head = String::from_utf8_lossy(&out.stdout[..out.stdout.len().min(2_000)]);
    // Only a machine without the font may do without pixels, and no machine that builds for all.
    let font = std::path::Path::new("/usr/share/fonts/truetype/dejavu").exists();
    let may_lack = !font && std::env::var_os("CI").is_none();
    if may_lack && head.starts_with("HTTP/1.1 501") {
        assert!(
            head.contains("application/problem+json") && head.contains("take the .svg"),
            "{head}"
        );
        return;
    }
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("image/png"),
        "{head}"
    );
    let body = out
        .stdout
        .windows(8)
        .position(|w| w == b"\x89PNG\r\n\x1a\n");
    assert!(body.is_some_and(|at| out.stdout.len() - at > 10_000));
}

#[test]
fn what_is_no_figure_or_no_file_of_it_is_not_found() {
    let app = App::start();
    let id = seeded(&app, 30, |_, _| Until::End);
    let other = "0198c0de-0000-7000-8000-000000000001";
    for path in [
        format!("/experiments/{id}/nothing.svg"),
        format!("/experiments/{id}/forest.exe"),
        format!("/experiments/{id}/table.svg"),
        format!("/experiments/{other}/forest.svg"),
        format!("/experiments/{other}/cite.bib"),
        "/experiments/nonsense/forest.svg".into(),
    ] {
        assert_eq!(app.get(&path).status, 404, "{path}");
    }
    for query in ["x=%ff", "only=%00", "x0=1e999", "=&&=", &"a".repeat(3_000)] {
        let path = format!("/experiments/{id}/frontier.json?{query}");
        let answer = app.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            answer.json()["series"]
                .as_array()
                .is_some_and(|s| s.len() == 3)
        );
    }
}

#[test]
fn export_saves_figures_and_tables_into_a_folder() {
    let app = App::start();
    let id = seeded(&app, 30, |_, _| Until::End);
    let out = app.data.join("exported");
    let run = |experiment: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["export", experiment, "--out", out.to_str().unwrap()])
            .env("ASSAY_SERVER", &app.url)
            .env_remove("ASSAY_TOKEN")
            .env_remove("ASSAY_TOKEN_FILE")
            .output()
            .unwrap()
    };
    let done = run(&format!("{}/experiments/{id}?hide=arm-0", app.url));
    let said = String::from_utf8_lossy(&done.stdout);
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let counted = format!("{} files", names.len());
    assert!(done.status.success() && said.contains(&counted), "{done:?}");
    let mut wanted = vec!["comparison.csv".to_string(), "cite.bib".into()];
    for figure in FIGURES {
        wanted.extend(["svg", "csv", "json", "tex"].map(|ending| format!("{figure}.{ending}")));
    }
    for table in [
        "table", "verdicts", "costs", "matrix", "runs", "excluded", "charged", "spent", "versions",
    ] {
        wanted.extend(["csv", "json", "tex"].map(|ending| format!("{table}.{ending}")));
    }
    // As the page of what did not work lists them.
    let index = app.get(&format!("/experiments/{id}/graveyard.json")).json();
    for file in index["files"].as_array().unwrap() {
        let name = file["name"].as_str().unwrap();
        wanted.extend(["csv", "json", "tex"].map(|e| format!("graveyard-{name}.{e}")));
    }
    for name in &wanted {
        assert!(names.contains(name), "{name} not in {names:?}");
    }
    assert!(
        names.iter().all(|name| !name.ends_with(".png")),
        "{names:?}"
    );
    let read = |name: &str| -> Value {
        serde_json::from_slice(&std::fs::read(out.join(name)).unwrap()).unwrap()
    };
    let snapshot = read("comparison.json")["snapshot"].clone();
    assert!(snapshot.is_string());
    for figure in FIGURES {
        let json = read(&format!("{figure}.json"));
        assert_eq!(json["figure"], figure);
        assert_eq!(json["snapshot"], snapshot, "{figure}");
        assert_eq!(json["denominator"]["hidden"][0]["arm"], "arm-0", "{figure}");
    }
    for table in ["table", "verdicts", "costs", "matrix"] {
        let json = read(&format!("{table}.json"));
        assert_eq!(json["snapshot"], snapshot, "{table}");
        assert!(
            json["rows"].is_array() && json["figure"].is_null(),
            "{table}"
        );
    }
    let svg = std::fs::read_to_string(out.join("forest.svg")).unwrap();
    assert!(svg.contains("Hidden by the link: SFT on clean chains."));
    assert_eq!(read("comparison.json")["experiment"], id.to_string());
    let none = run("0198c0de-0000-7000-8000-000000000001");
    assert!(!none.status.success());
}

#[test]
fn an_experiment_of_decoders_alone_has_all_its_files() {
    let app = App::start();
    let id = crate::decoders::seeded(&app, 3, true, |_, _| Until::End);
    for file in [
        "decoders-0.svg",
        "decoders-0.csv",
        "decoders-0.json",
        "contrasts.svg",
        "contrasts.csv",
        "contrasts.tex",
        "decoders-0.tex",
        "decoders.csv",
        "decoders.tex",
        "decoders.json",
        "costs.csv",
        "costs.tex",
        "matrix.csv",
        "matrix.tex",
        "verdicts.csv",
    ] {
        let answer = app.get(&format!("/experiments/{id}/{file}"));
        assert_eq!(answer.status, 200, "{file}: {}", answer.text);
        assert!(answer.text.contains("equal inference"), "{file}");
        assert!(answer.text.contains("Hidden: none."), "{file}");
        // Two of the three decoders and the third, with which they are compared: all of them.
        assert!(!answer.text.contains("In this figure: "), "{file}");
    }
    for file in ["decoders-1.svg", "forest.svg", "passk.tex", "costs.svg"] {
        let answer = app.get(&format!("/experiments/{id}/{file}"));
        assert_eq!(answer.status, 404, "{file}");
    }
}

#[test]
fn the_training_curve_stands_by_step_where_that_is_asked_for() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let path = format!("/experiments/{id}/training.json");
    let json = app.get(&format!("{path}?x=step")).json();
    assert_eq!(
        json["x"]["title"],
        "training steps of the arm, no equal cost"
    );
    let points = json["series"][1]["points"].as_array().unwrap();
    // Bins stand at the mean of their points' places, and the last point at step 60.
    let last = points.last().unwrap()[0].as_f64().unwrap();
    assert!(last > 40.0 && last <= 60.0, "{last}");
    assert!(json["budget"].is_null());
    let part = app.get(&format!("{path}?x=step&x0=10&x1=40")).json();
    let places: Vec<f64> = part["series"][1]["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point[0].as_f64().unwrap())
        .collect();
    assert!(!places.is_empty() && places.len() < points.len());
    assert!(
        places.iter().all(|x| (10.0..=40.0).contains(x)),
        "{places:?}"
    );
}

#[test]
fn runs_say_on_the_experiments_page_when_they_were_heard_and_what_alarmed() {
    let app = App::start();
    let id = seeded(&app, 60, |_, kind| match kind {
        "grpo" => Until::Share(0.6),
        _ => Until::End,
    });
    // The worker's own, and the rule that its step of collapsed entropy breaks.
    let state = app.state();
    app.block_on(assay::background::look_once(&state)).unwrap();
    let text = page(&app, &format!("/experiments/{id}"));
    let runs = crate::decoders::section(&text, "runs");
    assert_eq!(runs.matches("heartbeat ").count(), 3, "{runs}");
    assert_eq!(runs.matches("#alarms\">2 alarms</a>").count(), 3, "{runs}");
    app.sql("update attempt set lease_expires_at = lease_expires_at - interval '10 minutes' where state = 'running'");
    let text = page(&app, &format!("/experiments/{id}"));
    let late = text.matches("<strong class=\"bad\">heartbeat 10 min ago</strong>");
    assert_eq!(late.count(), 3);
}

#[test]
fn a_file_that_has_not_changed_is_not_sent_again_and_a_page_has_no_tag() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let own = |rest: &str| format!("/experiments/{id}{rest}");
    for path in [
        own("/milestones.svg"),
        own("/passk.csv?band=none"),
        own("/forest.json"),
        own("/table.tex"),
        own("/cite.bib"),
        own(".csv"),
        "/references.csv".to_string(),
    ] {
        let first = app.get(&path);
        assert_eq!(first.status, 200, "{path}");
        let tag = first.header("etag").to_string();
        assert!(tag.starts_with("W/\""), "{path}: {tag:?}");
        assert_eq!(first.header("cache-control"), "private, no-cache", "{path}");
        assert_eq!(app.get(&path).header("etag"), tag, "{path}");
        let known = app.send("GET", &path, &[("if-none-match", &tag)], ());
        assert_eq!((known.status, known.text.as_str()), (304, ""), "{path}");
        let head = app.send("HEAD", &path, &[], ());
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("etag"), tag, "{path}");
    }
    // Another view is another file.
    let tag = |path: &str| app.get(path).header("etag").to_string();
    let plain = tag(&own("/milestones.csv"));
    assert_ne!(tag(&own("/milestones.csv?only=base")), plain);
    let gone = app.send(
        "GET",
        "/experiments/0/table.csv",
        &[("if-none-match", "*")],
        (),
    );
    assert_eq!((gone.status, gone.header("etag")), (404, ""));
    for path in [own(""), "/references".to_string()] {
        let page = app.send("GET", &path, &[("if-none-match", "*")], ());
        assert_eq!((page.status, page.header("etag")), (200, ""), "{path}");
        assert_eq!(page.header("cache-control"), "no-store");
    }
}
