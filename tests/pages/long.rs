//! Long runs, and parts of them.

use crate::app::App;
use crate::seed::{Seeder, Until, spec};
use crate::{page, run_link, seeded};
use assay_core::ids::{AttemptRef, ExperimentId};
use assay_core::metric;
use assay_core::wire::{Cumulative, HostFacts, Record};
use assay_store as store;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

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

const STEPS: u64 = 1_000_000;
/// Records of one transaction.
const BATCH: u64 = 50_000;

/// One arm on one seed, left running after so many steps.
fn long(app: &App) -> ExperimentId {
    let state = app.state();
    app.block_on(async {
        let mut seeder = Seeder::new(state.clone(), "w", 10).await;
        let id = seeder.submit(&spec(&[("grpo", "GRPO")], 1, 0)).await;
        while let Some(claim) = seeder.claim().await {
            if claim.spec.job.kind() != "grpo" {
                seeder.work(&claim, Until::End).await;
                continue;
            }
            let attempt = AttemptRef {
                stage: claim.stage,
                number: claim.attempt,
            };
            let mut last = 0;
            for from in (0..STEPS).step_by(BATCH as usize) {
                let mut records = vec![];
                if from == 0 {
                    records.push(Record::Started {
                        from_step: 0,
                        host: HostFacts::default(),
                    });
                }
                records.extend((from..from + BATCH).map(step));
                let mut conn = state.conn().await.unwrap();
                store::heartbeat(&mut conn, seeder.worker, attempt, None)
                    .await
                    .unwrap();
                drop(conn);
                let mut tx = state.begin().await.unwrap();
                last = store::append_records(&mut tx, seeder.worker, attempt, last + 1, &records)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
            }
        }
        id
    })
}

fn step(at: u64) -> Record {
    let share = at as f64 / STEPS as f64;
    let wave = (at as f64 * 0.01).sin();
    let mut cum = Cumulative::default();
    cum.charged.flops = 4e11 * share;
    cum.charged.tokens = 1e9 * share;
    Record::Step {
        step: at,
        cum,
        metrics: BTreeMap::from([
            (metric::REWARD_MEAN.into(), 0.3 + 0.5 * share + 0.05 * wave),
            (metric::ENTROPY.into(), 0.9 - 0.5 * share),
            (metric::LOSS.into(), 1.0 + 0.1 * wave),
            (metric::KL.into(), 0.1 * share),
        ]),
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
    let id = long(&app);
    app.sql("analyze");
    let experiment = format!("/experiments/{id}");
    let run = run_link(&page(&app, &experiment), "GRPO", 0);
    let whole = page(&app, &run);
    assert!(whole.contains("data-metric=\"train/entropy\""));
    let part = page(&app, &format!("{run}?x0=500000&x1=500250"));
    assert!(part.contains(" data-x=\"500000 500250 linear\""));
    // A build for release; the profile of the tests checks more and is optimised less.
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 300 } else { 100 });
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
