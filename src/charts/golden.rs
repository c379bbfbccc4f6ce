//! Every chart against its stored picture. `ASSAY_BLESS=1 cargo test golden`
//! writes them anew; look at the difference before you keep it.

mod parts;

use super::*;
use crate::number::{self, Kind};
use assay_core::stats::{self, Estimate, Interval};

pub(crate) fn check(name: &str, svg: &str) {
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
    #[cfg(feature = "png")]
    resvg::usvg::roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{e} in {svg}"));
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
        ..Curve::default()
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
        ..Curves::default()
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
    running.end = End::Running;
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

/// Where the elements of an arm stand, in the order of drawing.
fn places(svg: &str, arm: usize) -> Vec<usize> {
    let group = format!(r#"data-arm="arm-{arm}""#);
    svg.match_indices(&group).map(|(at, _)| at).collect()
}

fn unsuccessful(mut curve: Curve) -> Curve {
    curve.fate = Fate::Unsuccessful;
    curve.label = format!("× {} (unsuccessful)", curve.label);
    curve
}

#[test]
fn an_unsuccessful_arm_is_dashed_crossed_named_and_on_top() {
    let mut list: Vec<Curve> = (0..4)
        .map(|a| curve(a, &format!("Recipe {a}"), milestones(a, 5)))
        .collect();
    list[1] = unsuccessful(list[1].clone());
    let svg = curves(list).draw().svg;
    assert!(svg.contains(r#"class="s c2 fail" data-arm="arm-1""#));
    assert!(svg.contains("× Recipe 1 (unsuccessful)") && svg.contains("mk x"));
    // Bands, lines and labels of every arm; its own line after all the others.
    let line = |arm: usize| places(&svg, arm)[1];
    for other in [0, 2, 3] {
        assert_eq!(places(&svg, other).len(), 3);
        assert!(line(1) > line(other), "arm {other} lies over it");
    }
    // The same elements as its peers, in the same sizes: only the mark differs.
    let shape = |arm: usize| {
        let from = line(arm);
        let group = &svg[from..from + svg[from..].find("</g>").unwrap()];
        (
            group.matches("<path").count(),
            group.matches("class=\"ln").count(),
        )
    };
    assert_eq!((shape(1).1, shape(0).1), (1, 1));
}

#[test]
fn an_accident_has_a_mark_of_its_own() {
    let mut crashed = curve(0, "Crashed", milestones(1, 3));
    crashed.end = End::Crashed;
    let mut short = curve(1, "Short", milestones(2, 3));
    short.end = End::Short;
    let svg = curves(vec![
        crashed,
        short,
        unsuccessful(curve(2, "C", milestones(3, 3))),
    ])
    .draw()
    .svg;
    assert!(svg.contains("mk crash") && svg.contains("crashed, 0."));
    assert!(svg.contains("mk open") && svg.contains("mk x"));
}

#[test]
fn how_an_arm_stands_has_a_line_of_its_own_below_its_label() {
    let mut late = curve(0, "Late", milestones(1, 3));
    late.end = End::Running;
    let mut crashed = curve(1, "Crashed", vec![]);
    crashed.end = End::Crashed;
    let mut chart = curves(vec![late, crashed, curve(2, "Done", milestones(3, 3))]);
    let plain = chart.draw().svg;
    chart.standings = vec![
        ("arm-0".into(), "running, 62 %".into()),
        ("arm-1".into(), "crashed at 412: OOM".into()),
        ("arm-9".into(), "an arm that is not drawn".into()),
    ];
    let svg = chart.draw().svg;
    // Words and the height at which they stand.
    let place = |words: &str| -> i32 {
        let at = svg
            .find(&format!(">{words}</text>"))
            .unwrap_or_else(|| panic!("{words}"));
        let y = svg[..at].rsplit(" y=\"").next().unwrap();
        y.split('"').next().unwrap().parse().unwrap()
    };
    for (label, words) in [
        ("Late", "running, 62 %"),
        ("Crashed", "crashed at 412: OOM"),
    ] {
        assert!(
            place(words) >= place(label) + 12 * super::backend::UNIT,
            "{label}"
        );
    }
    // Said once, and whole in the title too.
    assert!(svg.contains("no data</text>") && !svg.contains(">crashed</text>"));
    assert!(svg.contains("n = 3, running, 62 %</title>"));
    assert!(!svg.contains("not drawn") && plain.contains(">crashed</text>"));
    let texts = |svg: &str| svg.matches("<text").count();
    assert_eq!(texts(&svg), texts(&plain) + 2);
}

fn frontier(list: Vec<Curve>) -> Curves {
    let points: Vec<(f64, f64)> = list
        .iter()
        .flat_map(|c| &c.bins)
        .map(|b| (b.x, b.mean))
        .collect();
    Curves {
        x_scale: Scale::Log,
        shape: Shape::Path,
        pareto: pareto(&points),
        x_title: "device-seconds charged, per seed".into(),
        ..curves(list)
    }
}

#[test]
fn the_frontier_has_paths_intervals_and_the_line_that_nothing_beats() {
    let marks: Vec<f64> = (0..=10).map(|m| f64::from(m) * 10.0).collect();
    let arm = |a: usize| {
        let marked: Vec<Marked> = milestones(a, 5)
            .into_iter()
            .map(|s| Marked {
                seed: s.seed,
                points: s
                    .points
                    .iter()
                    .zip(&marks)
                    .map(|(p, m)| (*m, p.0 * (1.0 + 0.3 * a as f64), p.1))
                    .collect(),
            })
            .collect();
        Curve {
            bins: along(&marked, &marks),
            seeds: vec![],
            ..curve(a, &format!("Recipe {a}"), vec![])
        }
    };
    let mut base = arm(0);
    base.bins.truncate(1);
    base.spends = false;
    let drawn = frontier(vec![base, arm(1), unsuccessful(arm(2)), arm(5)]).draw();
    for part in [
        "class=\"pareto\"",
        "class=\"bh\"",
        "budget",
        "ln held",
        "s c3 fail",
        "mk x",
    ] {
        assert!(drawn.svg.contains(part), "{part}");
    }
    // Three arms begin at no cost; the base has nothing but its place there.
    assert_eq!((drawn.left_out, drawn.not_positive), (0, 3));
    for arm in [0, 1, 2, 5] {
        assert!(places(&drawn.svg, arm).len() >= 2, "arm {arm}");
    }
    check("frontier", &drawn.svg);
}

#[test]
fn pass_at_k_is_thin_where_k_is_more_than_half_of_the_samples() {
    let ks = [1.0, 2.0, 4.0, 8.0];
    let arm = |a: usize| {
        let seeds: Vec<Seed> = (0..5)
            .map(|seed| Seed {
                seed,
                points: ks
                    .map(|k: f64| {
                        let rise = 0.3 + 0.1 * a as f64 + 0.12 * k.log2() / (1.0 + a as f64);
                        (k, rise + 0.01 * seed as f64)
                    })
                    .to_vec(),
            })
            .collect();
        let mut bins = hold(&seeds, &ks);
        for bin in &mut bins {
            if bin.x > 4.0 {
                bin.stand = Stand::Thin;
            }
        }
        Curve {
            bins,
            ..curve(a, &format!("Recipe {a}"), seeds)
        }
    };
    let drawn = Curves {
        x_scale: Scale::Doubling,
        shape: Shape::Joined,
        budget: None,
        x_title: "k, answers to a question".into(),
        ..curves(vec![arm(0), arm(1)])
    }
    .draw();
    assert_eq!(drawn.svg.matches("ln thin").count(), 2);
    for tick in [">1<", ">2<", ">4<", ">8<"] {
        assert!(drawn.svg.contains(tick), "{tick}");
    }
    check("passk", &drawn.svg);
}

fn published(model: &str, value: f64, at: Option<f64>) -> Published {
    Published {
        model: model.into(),
        version: "v2 (Nature 645)".into(),
        source: "A paper".into(),
        place: "Table 2".into(),
        value,
        at,
        ..Published::default()
    }
}

#[test]
fn what_others_have_published_is_a_level_beside_the_lines_and_stretches_no_axis() {
    let arms = || {
        vec![
            curve(0, "Base", milestones(0, 5)),
            curve(1, "RL", milestones(2, 5)),
        ]
    };
    let plain = curves(arms()).draw();
    let values = [0.30, 0.95, 0.05, 0.31, 0.32, 0.33, 0.34, 0.29, f64::NAN];
    let marks = values.map(|v| published(&format!("Model of {v}"), v, None));
    let mut c = curves(arms());
    c.published = marks.to_vec();
    let drawn = c.draw();
    let axes = |svg: &str| {
        let rest = svg.split_once("data-x=").unwrap().1;
        rest.split_once('>').unwrap().0.to_string()
    };
    assert_eq!(axes(&drawn.svg), axes(&plain.svg));
    assert_eq!(c.published_drawn().len(), MOST_PUBLISHED);
    for far in ["Model of 0.95", "Model of 0.05", "NaN"] {
        assert!(!drawn.svg.contains(far), "{far}");
    }
    for i in c.published_drawn() {
        assert!(drawn.svg.contains(&c.published[i].model));
    }
    assert_eq!(
        drawn.svg.matches("published, v2 (Nature 645)<").count(),
        MOST_PUBLISHED
    );
    // Nothing is near to what is not there.
    c.curves = vec![curve(0, "Not begun", vec![])];
    assert!(c.published_drawn().is_empty());
    let mut hostile = curves(arms());
    hostile.published = vec![published("\"><script>\u{202e}", 0.3, None)];
    assert_is_clean(&hostile.draw().svg);
    check("published", &drawn.svg);
}

#[test]
fn what_is_published_of_one_try_is_a_bar_at_one_try() {
    let seeds: Vec<Seed> = (0..3)
        .map(|seed| Seed {
            seed,
            points: vec![(1.0, 0.4), (2.0, 0.55), (4.0, 0.7)],
        })
        .collect();
    let arm = Curve {
        bins: hold(&seeds, &[1.0, 2.0, 4.0]),
        ..curve(0, "Recipe", seeds)
    };
    let chart = Curves {
        x_scale: Scale::Doubling,
        shape: Shape::Joined,
        budget: None,
        published: vec![
            published("Near to one try", 0.45, Some(1.0)),
            published("Off the axis", 0.99, Some(1.0)),
            published("Of no k here", 0.5, Some(64.0)),
        ],
        ..curves(vec![arm])
    };
    assert_eq!(chart.published_drawn(), [0]);
    let svg = chart.draw().svg;
    assert_eq!(svg.matches("class=\"pub one\"").count(), 1);
    assert!(svg.contains("published, v2 (Nature 645), at 1<"));
    check("published_passk", &svg);
}

#[test]
fn scores_stand_against_what_came_out_with_their_counts() {
    let chart = Calibration {
        title: "Step scores against the exact verifier".into(),
        x_title: "mean score of the bin".into(),
        y_title: "share of right steps".into(),
        points: [
            (0.05, 0.1, 1_200),
            (0.5, 0.3, 40),
            (0.95, 0.7, 9_000),
            (0.7, 0.5, 0),
        ]
        .map(|(predicted, observed, count)| CalibrationPoint {
            predicted,
            observed,
            count,
        })
        .to_vec(),
    };
    let drawn = chart.draw();
    for text in [">1,200<", ">40<", ">9,000<", "observed 0.700"] {
        assert!(drawn.svg.contains(text), "{text}");
    }
    assert_eq!(drawn.svg.matches("class=\"cal\"").count(), 3);
    check("calibration", &drawn.svg);
    let mut broken = chart;
    broken.points[0].predicted = f64::NAN;
    broken.points[1].observed = 7.0;
    let drawn = broken.draw();
    assert_eq!(drawn.left_out, 1);
    assert_is_clean(&drawn.svg);
    broken.points.clear();
    assert!(broken.draw().svg.contains("no data yet"));
}

#[test]
fn of_thirty_arms_every_one_is_in_the_picture_and_the_unsuccessful_are_on_top() {
    let list: Vec<Curve> = (0..30)
        .map(|a| {
            let own = curve(a, &format!("Recipe {a}"), milestones(a % 7, 5));
            if a % 10 == 9 { unsuccessful(own) } else { own }
        })
        .collect();
    let (list, merged) = merge(list, "arm-0");
    let drawn = Curves {
        merged,
        ..curves(list)
    }
    .draw();
    let together = drawn.svg.split("data-arms=\"").nth(1).unwrap();
    let together = &together[..together.find('"').unwrap()];
    for arm in 0..30 {
        let apart = !places(&drawn.svg, arm).is_empty();
        let named = together.split(' ').any(|key| key == format!("arm-{arm}"));
        assert!(apart != named, "arm {arm}");
        assert!(drawn.svg.contains(&format!("Recipe {arm}")), "{arm}");
        if arm % 10 == 9 {
            assert!(apart);
        }
    }
    let last_ordinary = places(&drawn.svg, 0)[1];
    for arm in [9, 19, 29] {
        assert!(places(&drawn.svg, arm)[1] > last_ordinary);
    }
    check("curves_thirty", &drawn.svg);
}

#[test]
fn a_part_of_the_axis_is_drawn_without_what_lies_beyond() {
    let whole = curves(vec![
        curve(0, "a", milestones(1, 3)),
        curve(1, "b", milestones(4, 3)),
    ]);
    let part = Curves {
        x_range: Some((2.5e11, 6e11)),
        ..whole.clone()
    };
    let drawn = part.draw();
    assert!(
        drawn
            .svg
            .contains(r#"data-x="250000000000 600000000000 linear""#)
    );
    assert!(!drawn.svg.contains(">budget<") && whole.draw().svg.contains(">budget<"));
    assert_is_clean(&drawn.svg);
    // Before everything, beyond everything, and of no width.
    for range in [(-2.0, -1.0), (1e13, 2e13), (3e11, 3e11)] {
        let none = Curves {
            x_range: Some(range),
            ..whole.clone()
        };
        assert_is_clean(&none.draw().svg);
    }
}

#[test]
fn bands_and_scales_are_as_asked() {
    let plain = curves(vec![curve(0, "a", milestones(1, 3))]);
    let bands = |band: Band| {
        let chart = Curves {
            band,
            ..plain.clone()
        };
        chart.draw().svg.matches("class=\"ci\"").count()
    };
    assert_eq!(
        (bands(Band::Ci95), bands(Band::MinMax), bands(Band::None)),
        (1, 1, 0)
    );
    let mut zero = plain.clone();
    for bin in &mut zero.curves[0].bins[..3] {
        bin.mean = 0.0;
    }
    zero.y_scale = Scale::Log;
    let drawn = zero.draw();
    assert_eq!(drawn.not_positive, 3);
    assert_is_clean(&drawn.svg);
    let mut lines = plain;
    lines.curves[0].behind = lines.curves[0]
        .seeds
        .iter()
        .map(|s| s.points.clone())
        .collect();
    assert_eq!(lines.draw().svg.matches("class=\"bh\"").count(), 3);
}

#[test]
fn a_million_points_are_drawn_in_a_tenth_of_a_second() {
    let seed = |seed: u64, points: usize| Seed {
        seed,
        points: (0..points)
            .map(|i| {
                let x = (i + 1) as f64 * 1e12 / points as f64;
                (
                    x,
                    0.5 + 0.3 * (x / 4e11).tanh() + 0.05 * (i as f64 * 0.37 + seed as f64).sin(),
                )
            })
            .collect(),
    };
    let draw = |arms: &[Vec<Seed>]| {
        let list = arms.iter().enumerate().map(|(a, seeds)| Curve {
            bins: average(seeds, (0.0, 1e12), 300),
            seeds: vec![],
            ..curve(a, &format!("Recipe {a}"), vec![])
        });
        Curves {
            shape: Shape::Joined,
            ..curves(list.collect())
        }
        .draw()
    };
    // One run of a million steps, and ten arms of a hundred thousand.
    let one = [vec![seed(0, 1_000_000)]];
    let ten: Vec<Vec<Seed>> = (0..10).map(|a| vec![seed(a, 100_000)]).collect();
    for arms in [&one[..], &ten[..]] {
        let fastest = (0..5)
            .map(|_| {
                let begun = std::time::Instant::now();
                assert!(draw(arms).svg.contains("class=\"ln"));
                begun.elapsed()
            })
            .min()
            .unwrap();
        println!("{} arms: {fastest:?}", arms.len());
        assert!(fastest.as_millis() < 100, "{fastest:?}");
    }
    // Twelve arms of five seeds, bands and all.
    let twelve: Vec<Vec<Seed>> = (0..12)
        .map(|a| (0..5).map(|s| seed(a * 7 + s, 2_000)).collect())
        .collect();
    let size = draw(&twelve).svg.len();
    println!("twelve arms with bands: {size} bytes");
    assert!(size < 90_000, "{size} bytes");
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
            for shape in [Shape::Steps, Shape::Joined, Shape::Path] {
                for kind in [Kind::Share, Kind::Tokens, Kind::Other] {
                    for y_scale in [Scale::Linear, Scale::Log] {
                        let mut c = curves(vec![curve(0, "a", seeds.clone())]);
                        (c.x_scale, c.shape, c.kind) = (scale, shape, kind);
                        (c.y_scale, c.budget) = (y_scale, None);
                        assert_is_clean(&c.draw().svg);
                    }
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
            beside: values.first().copied(),
            ..Panel::default()
        };
        for (log, smooth) in [(true, 0.0), (false, 0.9), (true, 0.9)] {
            let asked = Panel {
                log,
                smooth,
                within: Some((1.0, 2.0)),
                ..panel.clone()
            };
            assert_is_clean(&asked.draw().svg);
        }
        assert_is_clean(&panel.draw().svg);
        assert_is_clean(&rows(vec![row(0, &values)], true).draw().svg);
        assert_is_clean(&sparkline(&values, (0.0, 1.0), "s"));
    }
}

#[test]
fn a_log_axis_counts_the_zeros_that_it_cannot_show() {
    let mut c = curves(vec![curve(0, "a", milestones(1, 3))]);
    c.x_scale = Scale::Log;
    // The mean at no cost at all.
    let drawn = c.draw();
    assert_eq!((drawn.left_out, drawn.not_positive), (0, 1));
}

fn row(slot: usize, seeds: &[f64]) -> Row {
    Row {
        key: format!("arm-{slot}"),
        label: format!("Recipe {slot}"),
        slot,
        estimate: stats::estimate(seeds),
        seeds: seeds.to_vec(),
        ..Row::default()
    }
}

fn rows(rows: Vec<Row>, differences: bool) -> Rows {
    Rows {
        title: "Difference to the baseline".into(),
        x_title: "difference in pass@1".into(),
        kind: Kind::Share,
        differences,
        margin: None,
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
        ..Panel::default()
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
