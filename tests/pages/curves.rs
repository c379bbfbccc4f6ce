//! Curves of training over the arms that have no word of their own.

use crate::app::App;
use crate::page;
use crate::seed::{Seeder, Until, spec};
use crate::{THREE, html};
use assay_core::wire::Record;

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
