//! Every chart against its stored picture. `ASSAY_BLESS=1 cargo test golden`
//! writes them anew; look at the difference before you keep it.

use super::*;
use crate::number::Kind;
use assay_core::stats::{self, Estimate};

fn check(name: &str, svg: &str) {
    let path = format!(
        "{}/src/charts/golden/{name}.svg",
        env!("CARGO_MANIFEST_DIR")
    );
    assert_is_clean(svg);
    // One element a line, so that a difference can be read.
    let lines = svg.replace("><", ">\n<") + "\n";
    if std::env::var_os("ASSAY_BLESS").is_some() {
        std::fs::create_dir_all(format!("{}/src/charts/golden", env!("CARGO_MANIFEST_DIR")))
            .unwrap();
        std::fs::write(&path, &lines).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == lines,
        "{name} differs from {path}; ASSAY_BLESS=1 rewrites it"
    );
}

/// What holds for every chart.
pub(crate) fn assert_is_clean(svg: &str) {
    for bad in [
        "style=", "<script", "fill=", "stroke=", "rgb(", "NaN", "inf\"", "url(",
    ] {
        assert!(!svg.contains(bad), "{bad} in {svg}");
    }
    let hex = regex_lite_free_hex(svg);
    assert!(!hex, "a colour literal in {svg}");
    assert!(svg.len() < 90_000, "{} bytes", svg.len());
    assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
    assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
}

/// `#` followed by three hexadecimal digits, other than a character reference.
fn regex_lite_free_hex(svg: &str) -> bool {
    svg.match_indices('#').any(|(at, _)| {
        let before = svg[..at].chars().next_back();
        before != Some('&')
            && svg[at + 1..]
                .chars()
                .take(3)
                .filter(char::is_ascii_hexdigit)
                .count()
                == 3
    })
}

fn milestones(arm: usize, seeds: u64) -> Vec<Seed> {
    (0..seeds)
        .map(|seed| Seed {
            seed,
            points: (0..=10)
                .map(|m| {
                    let x = f64::from(m) * 1e11 * (1.0 - 0.002 * seed as f64);
                    let rise = 0.25 + 0.05 * arm as f64 * f64::from(m) / 10.0;
                    (x, rise + 0.02 * seed as f64 * f64::from(m % 3))
                })
                .collect(),
        })
        .collect()
}

fn edges() -> Vec<f64> {
    (0..=10).map(|m| f64::from(m) * 1e11).collect()
}

fn curve(arm: usize, label: &str, seeds: Vec<Seed>) -> Curve {
    Curve {
        key: format!("arm-{arm}"),
        label: label.into(),
        slot: arm,
        bins: hold(&seeds, &edges()),
        seeds,
        spends: true,
        running: false,
    }
}

fn curves(list: Vec<Curve>) -> Curves {
    Curves {
        title: "Validation pass@1 against charged compute".into(),
        x_title: "training FLOPs charged".into(),
        y_title: "validation pass@1".into(),
        kind: Kind::Share,
        x_scale: Scale::Linear,
        shape: Shape::Steps,
        budget: Some(1e12),
        curves: list,
    }
}

#[test]
fn twelve_arms_with_bands_all_named() {
    let arms = (0..12).map(|a| curve(a, &format!("Recipe {a}"), milestones(a, 5)));
    let drawn = curves(arms.collect()).draw();
    for arm in 0..12 {
        assert!(drawn.svg.contains(&format!(r#"data-arm="arm-{arm}""#)));
        assert!(drawn.svg.contains(&format!("Recipe {arm}")));
    }
    assert!(drawn.svg.contains("n = 5"));
    check("curves_twelve", &drawn.svg);
}

#[test]
fn a_half_finished_comparison_shows_who_has_got_how_far() {
    let mut base = curve(0, "Base", vec![]);
    base.seeds = (0..3)
        .map(|seed| Seed {
            seed,
            points: vec![(0.0, 0.31)],
        })
        .collect();
    base.bins = hold(&base.seeds, &edges());
    base.spends = false;
    let two = curve(1, "Two seeds, dots instead of a band", milestones(3, 2));
    let mut late = milestones(6, 3);
    late[2].points.truncate(4);
    let mut running = curve(2, "Running", late);
    running.running = true;
    let none = curve(3, "Not begun", vec![]);
    let drawn = curves(vec![base, two, running, none]).draw();
    for text in [
        "ln held",
        "ln part",
        "no data yet",
        "n = 2",
        "mk open",
        "budget",
    ] {
        assert!(drawn.svg.contains(text), "{text}");
    }
    check("curves_half", &drawn.svg);
}

#[test]
fn decoders_are_drawn_against_the_logarithm_of_their_cost() {
    let levels = |arm: usize, seeds: u64| -> Vec<Seed> {
        (0..seeds)
            .map(|seed| Seed {
                seed,
                points: [1.0, 4.0, 16.0, 64.0]
                    .map(|level: f64| {
                        let gain = 0.04 + 0.02 * arm as f64;
                        (level, 0.4 + gain * level.log2() / 2.0 + 0.01 * seed as f64)
                    })
                    .to_vec(),
            })
            .collect()
    };
    let edges = [1.0, 4.0, 16.0, 64.0];
    let decoder = |arm: usize, label: &str, seeds: Vec<Seed>| Curve {
        bins: hold(&seeds, &edges),
        ..curve(arm, label, seeds)
    };
    let mut one = levels(0, 3);
    for seed in &mut one {
        seed.points.truncate(1);
    }
    let mut c = curves(vec![
        decoder(0, "One sample", one),
        decoder(1, "Majority", levels(1, 3)),
        decoder(2, "Two seeds", levels(2, 2)),
        decoder(3, "Not begun", vec![]),
    ]);
    (c.x_scale, c.shape, c.budget) = (Scale::Log, Shape::Joined, None);
    c.title = "Right answers against cost of inference".into();
    c.x_title = "cost of inference a question, in samples".into();
    let drawn = c.draw();
    assert_eq!(drawn.left_out, 0);
    assert!(drawn.svg.contains("class=\"dot\"") && drawn.svg.contains("no data yet"));
    check("curves_decoders", &drawn.svg);
}

#[test]
fn hostile_names_and_numbers_do_no_harm() {
    let long = "x".repeat(200);
    for name in [
        "<script>alert(1)</script>",
        "\"><svg onload=x>",
        "مرحبا \u{202e}abc",
        "🦀🦀",
        &long,
        "",
    ] {
        let mut c = curve(0, name, milestones(1, 3));
        c.key = name.into();
        let drawn = curves(vec![c]).draw();
        assert_is_clean(&drawn.svg);
        assert!(!drawn.svg.contains("<svg onload"));
    }
    for values in [
        vec![f64::NAN],
        vec![f64::INFINITY, 1.0],
        vec![],
        vec![0.5],
        vec![0.5; 9],
        vec![1e308, -1e308],
        vec![0.0, 0.0],
    ] {
        let points: Vec<(f64, f64)> = values
            .iter()
            .enumerate()
            .map(|(i, v)| (i as f64 * 1e11, *v))
            .collect();
        let seeds = vec![Seed { seed: 0, points }];
        for scale in [Scale::Linear, Scale::Log] {
            for shape in [Shape::Steps, Shape::Joined] {
                for kind in [Kind::Share, Kind::Tokens, Kind::Other] {
                    let mut c = curves(vec![curve(0, "a", seeds.clone())]);
                    (c.x_scale, c.shape, c.kind) = (scale, shape, kind);
                    c.budget = None;
                    assert_is_clean(&c.draw().svg);
                }
            }
        }
        let panel = Panel {
            title: "p".into(),
            points: values
                .iter()
                .enumerate()
                .map(|(i, v)| PanelPoint {
                    step: i as f64,
                    mean: *v,
                    min: *v,
                    max: *v,
                })
                .collect(),
            measured: false,
        };
        assert_is_clean(&panel.draw().svg);
        assert_is_clean(&rows(vec![row(0, &values)], true).draw().svg);
        assert_is_clean(&sparkline(&values, (0.0, 1.0), "s"));
    }
}

#[test]
fn a_log_axis_counts_the_zeros_that_it_cannot_show() {
    let mut c = curves(vec![curve(0, "a", milestones(1, 3))]);
    c.x_scale = Scale::Log;
    // Each of three seeds begins at 0, and so does their mean.
    assert_eq!(c.draw().left_out, 4);
}

fn row(slot: usize, seeds: &[f64]) -> Row {
    Row {
        key: format!("arm-{slot}"),
        label: format!("Recipe {slot}"),
        slot,
        estimate: stats::estimate(seeds),
        seeds: seeds.to_vec(),
        note: None,
    }
}

fn rows(rows: Vec<Row>, differences: bool) -> Rows {
    Rows {
        title: "Difference to the baseline".into(),
        x_title: "difference in pass@1".into(),
        kind: Kind::Share,
        differences,
        rows,
    }
}

#[test]
fn a_forest_shows_difference_interval_and_zero() {
    let mut base = row(0, &[]);
    base.note = Some("baseline".into());
    let list = vec![
        base,
        row(1, &[0.4, 0.45, 0.5]),
        row(2, &[-0.1, 0.02]),
        row(3, &[0.3]),
        row(4, &[]),
    ];
    let drawn = rows(list.clone(), true).draw();
    for text in [
        "class=\"zero\"",
        "+0.450 [",
        "n = 3",
        "2 seeds, no interval",
        "1 seed, no interval",
        "no seed finished",
        ">baseline<",
    ] {
        assert!(drawn.svg.contains(text), "{text}");
    }
    check("forest", &drawn.svg);
    check("seed_dots", &rows(list, false).draw().svg);
}

#[test]
fn a_run_is_drawn_with_its_smallest_and_largest_values() {
    let points = (0..100)
        .map(|i| {
            let step = f64::from(i) * 10.0;
            let mean = (step / 300.0).tanh();
            let min = if i == 50 { 0.0 } else { mean - 0.05 };
            PanelPoint {
                step,
                mean,
                min,
                max: mean + 0.05,
            }
        })
        .chain([PanelPoint {
            step: 1000.0,
            mean: f64::NAN,
            min: f64::NAN,
            max: f64::NAN,
        }])
        .collect();
    let panel = Panel {
        title: "Reward, mean".into(),
        points,
        measured: false,
    };
    let drawn = panel.draw();
    assert_eq!(drawn.left_out, 1);
    check("panel", &drawn.svg);
    check(
        "sparkline",
        &sparkline(&[0.1, 0.4, f64::NAN, 0.7], (0.0, 1.0), "pass@1"),
    );
}

#[test]
fn a_chart_is_the_same_every_time() {
    let draw = || curves(vec![curve(0, "a", milestones(1, 5))]).draw();
    assert_eq!(draw(), draw());
    let _ = Estimate {
        n: 0,
        mean: 0.0,
        interval: None,
    };
}
