//! Long runs, and parts of them.

use crate::app::App;
use crate::lasting::lasting;
use crate::seed::Until;
use crate::{page, run_link, seeded};
use assay_core::metric;
use std::time::{Duration, Instant};

const STEPS: u64 = 1_000_000;

#[test]
fn a_part_of_a_run_is_read_for_its_panels_and_for_the_script() {
    let app = App::start();
    let id = seeded(&app, 60, |_, _| Until::End);
    let text = page(&app, &format!("/experiments/{id}"));
    let run = run_link(&text, "GRPO from the base", 1);
    let part = page(&app, &format!("{run}?x0=20&x1=29&log=1&smooth=0.5"));
    assert!(!part.contains("ignored: ") && part.contains("Steps 20 to 29 alone"));
    assert!(part.contains(" data-x=\"20 29 linear\"") && !part.contains(" data-x=\"0 60 linear\""));
    let from = part.find("data-series=\"").unwrap() + "data-series=\"".len();
    let series = part[from..from + part[from..].find('"').unwrap()].replace("&#38;", "&");
    let json = app.get(&format!("{series}{}", metric::LOSS)).json();
    let points = json["stages"][0]["points"].as_array().unwrap();
    let steps: Vec<i64> = points.iter().map(|p| p["step"].as_i64().unwrap()).collect();
    assert_eq!(steps, (20..=29).collect::<Vec<i64>>());
    // A file is of the same steps, each as it was measured.
    let file = app.get(&format!("{run}/train-loss.csv?x0=20&x1=29&hdie=1"));
    assert_eq!(file.status, 200, "{}", file.text);
    let lines = file.text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.count(), 1 + 10, "{}", file.text);
    assert!(
        file.text.contains("Steps 20 to 29 alone") && file.text.contains("# ignored: hdie\r\n")
    );
    let whole = app.get(&format!("{run}/train-loss.csv"));
    let lines = whole.text.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.count(), 1 + 60, "{}", whole.text);
    assert!(!whole.text.contains("ignored"));
    for (query, named) in [
        ("x0=30&x1=20", "x0=30, not below x1=20"),
        ("x0=-3", "x0=-3"),
        ("smooth=7", "smooth=7"),
        ("log=maybe", "log=maybe"),
    ] {
        let text = page(&app, &format!("{run}?{query}"));
        assert!(text.contains(named), "{query}");
        assert!(text.contains(" data-x=\"0 60 linear\""), "{query}");
    }
    let bare = series.split('?').next().unwrap();
    let all = app.get(&format!("{bare}?metric={}&from=50", metric::LOSS));
    let json = all.json();
    let stages = json["stages"].as_array().unwrap();
    let own = stages.iter().find(|s| s["name"] == "grpo").unwrap();
    assert_eq!(own["points"].as_array().unwrap().len(), 11);
    for query in ["from=9&to=3", "from=-1", "to=x"] {
        let refused = app.get(&format!("{bare}?metric=train/loss&{query}"));
        assert_eq!(refused.status, 400, "{query}: {}", refused.text);
    }
}

/// Of seven.
fn fastest(app: &App, path: &str) -> Duration {
    let of = || {
        let begun = Instant::now();
        page(app, path);
        begun.elapsed()
    };
    (0..7).map(|_| of()).min().unwrap()
}

#[test]
fn slow_a_run_of_a_million_points_is_drawn_at_once_whole_and_in_part() {
    let app = App::start();
    let id = lasting(&app, STEPS);
    app.sql("analyze");
    let experiment = format!("/experiments/{id}");
    let run = run_link(&page(&app, &experiment), "GRPO", 0);
    let whole = page(&app, &run);
    assert!(whole.contains("data-metric=\"train/entropy\""));
    let part = page(&app, &format!("{run}?x0=500000&x1=500250"));
    assert!(part.contains(" data-x=\"500000 500250 linear\""));
    let limit = Duration::from_millis(100);
    for path in [
        run.clone(),
        format!("{run}?x0=500000&x1=500250"),
        format!("{run}?x0=400000&x1=600000"),
        experiment,
    ] {
        let time = fastest(&app, &path);
        println!("{time:?} {path}");
        assert!(time < limit, "{time:?} {path}");
    }
}
