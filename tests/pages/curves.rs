//! Curves of training over the arms that have no word of their own.

use crate::app::App;
use crate::page;
use crate::seed::{Seeder, Until, spec};
use crate::{THREE, html, run_link};
use assay_core::ids::ExperimentId;
use assay_core::wire::Record;
use serde_json::Value;

/// What GRPO alone reports beside the panels, and a name that no address may have.
fn further(record: &mut Record) {
    if let Record::Step { step, metrics, .. } = record {
        if metrics.contains_key("train/reward_mean") {
            metrics.insert("train/reflection_rate".into(), 0.01 * *step as f64);
        }
        metrics.insert("train/<b>".into(), 1.0);
    }
}

#[test]
fn every_reported_metric_is_listed_and_drawn_over_the_arms() {
    let app = App::start();
    let state = app.state();
    let id = app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 40).await;
        seeder.rewrite = further;
        let id = seeder.submit(&spec(&THREE, 3, 0)).await;
        seeder.work_off(|_| Until::End).await;
        id
    });
    let own = format!("/experiments/{id}");
    let list = page(&app, &format!("{own}/curves?band=minmax"));
    assert!(!list.contains("ignored: "));
    let odd = page(&app, &format!("{own}/curves?smoth=1"));
    assert!(odd.contains("ignored: <code>smoth</code>"), "{odd}");
    let at = |words: &str| list.find(words).unwrap_or_else(|| panic!("{words}"));
    assert!(at("<code>train/reward_mean</code>") < at("<code>perf/tokens_per_second</code>"));
    assert!(
        at("<code>perf/tokens_per_second</code>") < at("<code>train/reflection_rate</code>"),
        "those with words first"
    );
    assert!(!list.contains("train/<b>") && list.contains("1 more are not listed"));
    let link = "?curve=train/reflection_rate&#38;band=minmax";
    assert!(
        list.contains(&format!("href=\"{own}{link}#figures\"")),
        "{list}"
    );
    let query = "curve=train/reflection_rate&band=minmax";
    let text = page(&app, &format!("{own}?{query}"));
    assert!(text.contains("Reflective completions, share in training"));
    assert!(!text.contains("ignored: "));
    for ending in ["svg", "csv"] {
        let file = app.get(&format!("{own}/training.{ending}?{query}"));
        assert_eq!(file.status, 200);
        assert!(
            file.text.contains("Reflective completions, share"),
            "{ending}"
        );
    }
    let json = app.get(&format!("{own}/training.json?{query}")).json();
    let series = json["series"].as_array().unwrap();
    let drawn = |arm: &str| {
        let one = series.iter().find(|s| s["arm"] == arm).unwrap();
        one["points"].as_array().unwrap().clone()
    };
    assert!(drawn("arm-0").is_empty(), "SFT counts no marks");
    let points = drawn("arm-1");
    assert_eq!(points.last().unwrap()[4], 3, "three seeds");
    // The curve that is there without being asked for stands in its place.
    let text = page(&app, &format!("{own}?curve=train/nothing"));
    assert!(text.contains("curve=train/nothing, which no stage has reported"));
    assert!(text.contains("Reward, mean in training"));
    assert_eq!(html(&app, "/experiments/0/curves").status, 404);
}

#[test]
fn before_the_first_step_the_list_says_so() {
    let app = App::start();
    let state = app.state();
    let id = app.block_on(async {
        let seeder = Seeder::new(state, "w", 1).await;
        seeder.submit(&spec(&THREE, 2, 0)).await
    });
    assert!(page(&app, &format!("/experiments/{id}/curves")).contains("Nothing yet"));
}

const ONE_SEED: &str = "One seed: shade is the smallest to largest value of each bin.";

/// Four hundred steps, in the middle of which one step of GRPO has next to no entropy.
fn collapsed(app: &App, seeds: u64) -> ExperimentId {
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state, "w", 400).await;
        let id = seeder.submit(&spec(&THREE, seeds, seeds)).await;
        seeder.work_off(|_| Until::End).await;
        id
    })
}

/// Of the line of GRPO: whether it has an envelope, its points, the lowest mean, and the lowest
/// lower bound.
fn line(json: &Value, arm: &str) -> (bool, usize, f64, Option<f64>) {
    let series = json["series"].as_array().unwrap();
    let own = series.iter().find(|s| s["arm"] == arm).unwrap();
    let points = own["points"].as_array().unwrap();
    let least = |column: usize| {
        let values = points.iter().filter_map(|p| p[column].as_f64());
        values.reduce(f64::min)
    };
    let envelope = own["envelope"].as_bool().unwrap();
    (envelope, points.len(), least(1).unwrap(), least(2))
}

#[test]
fn a_collapse_of_one_step_is_seen_where_a_line_is_one_run() {
    let app = App::start();
    let (one, three) = (collapsed(&app, 1), collapsed(&app, 3));
    let path = |id: ExperimentId| format!("/experiments/{id}");
    let json = |path: &str| app.get(path).json();
    let alone = json(&format!("{}/training.json?curve=entropy", path(one)));
    let (envelope, _, mean, low) = line(&alone, "arm-1");
    assert!(envelope && mean > 0.2 && low.unwrap() < 0.1, "{alone}");
    assert!(alone["caption"].as_str().unwrap().contains(ONE_SEED));
    let csv = app.get(&format!("{}/training.csv?curve=entropy", path(one)));
    assert!(csv.text.contains(ONE_SEED), "{}", csv.text);
    let text = page(&app, &format!("{}?curve=entropy", path(one)));
    assert_eq!(text.matches(ONE_SEED).count(), 1);
    let several = json(&format!("{}/training.json?curve=entropy", path(three)));
    let (envelope, _, _, low) = line(&several, "arm-1");
    assert!(!envelope && low.is_some_and(|low| low > 0.1), "{several}");
    let text = page(&app, &format!("{}?curve=entropy", path(three)));
    assert!(!text.contains(ONE_SEED));
    // One of three seeds, beside all of them.
    let run = run_link(&text, "GRPO from the base", 1);
    let run = run.strip_prefix("/runs/").unwrap();
    let query = format!("runs={run}&arms={three}/arm-1&curve=entropy");
    let beside = json(&format!("/compare/training.json?{query}"));
    let (envelope, _, mean, low) = line(&beside, run);
    assert!(envelope && mean > 0.2 && low.unwrap() < 0.1, "{beside}");
    assert!(!line(&beside, &format!("{three}/arm-1")).0);
    assert_eq!(
        page(&app, &format!("/compare?{query}"))
            .matches(ONE_SEED)
            .count(),
        1
    );
    let all = format!("/compare?arms={three}/arm-1,{three}/arm-0&curve=entropy");
    assert!(!page(&app, &all).contains(ONE_SEED));
}

#[test]
fn a_part_of_the_training_curve_is_read_more_finely_than_the_whole() {
    let app = App::start();
    let id = collapsed(&app, 3);
    let path = format!("/experiments/{id}/training.json?curve=entropy");
    let points = |query: &str| line(&app.get(&format!("{path}{query}")).json(), "arm-1").1;
    // Forty buckets of ten steps, in twos; a quarter of them is a hundred steps.
    assert_eq!(points("&x=step"), 20);
    assert!((49..=51).contains(&points("&x=step&x0=100&x1=200")));
    for (x, low, high) in [("flops", "1e11", "2e11"), ("wall", "14", "28")] {
        let part = points(&format!("&x={x}&x0={low}&x1={high}"));
        assert!(part > 40, "{part} along {x}");
    }
    let text = page(&app, &format!("/experiments/{id}?x=step&x0=100&x1=200"));
    assert!(text.contains("data-x=\"100 200 linear\""));
}
