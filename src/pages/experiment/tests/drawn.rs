//! Curves of any metric, and every seed's line however many there are.

use super::figures::{asked, page};
use super::*;
use crate::charts::Theme;
use crate::pages::query::Asked;
use assay_core::stats::Interval;
use serde_json::Value;

const ONE_SEED: &str = "One seed: shade is the smallest to largest value of each bin.";

/// Sixty buckets a run, each with its range; within one of them, a value collapsed.
fn ranged(seeds: u64) -> Material {
    let mut of = material(&LABELS, seeds, &[seeds; 3], 60);
    for run in &mut of.series {
        for (i, point) in run.points.iter_mut().enumerate() {
            point.range = Some(Interval {
                low: if i == 30 { 0.01 } else { point.mean - 0.02 },
                high: point.mean + 0.02,
            });
        }
    }
    of
}

fn training(of: &Material, query: &str) -> (figure::Figure, Value) {
    let (wanted, _) = asked(of, query);
    let carried = Carried::new(of, &wanted);
    let figure = Name::Training.figure(of, &wanted);
    let json = numbers::json(of, &wanted, &figure, &carried);
    (figure, json)
}

/// Of the first arm that trains: the smallest lower bound, and whether all means are above it.
fn lowest(json: &Value) -> (Option<f64>, bool) {
    let points = json["series"][0]["points"].as_array().unwrap();
    let low = points.iter().filter_map(|p| p[2].as_f64());
    let low = low.reduce(f64::min);
    let above = |p: &Value| p[1].as_f64().unwrap() > 0.1;
    (low, points.iter().all(above))
}

#[test]
fn a_line_of_one_seed_has_the_smallest_and_largest_value_of_each_bin() {
    let of = ranged(1);
    for query in ["", "band=minmax", "smooth=0.9", "ys=log"] {
        let (figure, json) = training(&of, query);
        assert_eq!(json["series"][0]["envelope"], true, "{query}");
        assert_eq!(lowest(&json), (Some(0.01), true), "{query}");
        let drawn = figure.draw().svg;
        assert_eq!(drawn.matches("class=\"env\"").count(), 2, "{query}");
        assert_eq!(drawn.matches("class=\"ci\"").count(), 0, "{query}");
        assert!(figure.caption.join(" ").contains(ONE_SEED), "{query}");
        let (wanted, _) = asked(&of, query);
        let carried = Carried::new(&of, &wanted);
        let csv = numbers::csv(&of, &wanted, &figure, &carried);
        assert!(csv.contains(ONE_SEED) && csv.contains(",0.01,"), "{csv}");
    }
    let text = page(&of, "");
    assert_eq!(text.matches(ONE_SEED).count(), 1);
    assert!(text.contains(", within the bin "));
    // Nothing of it where nothing is shaded, where seeds are drawn together, and where each bin
    // is one value.
    let flat = material(&LABELS, 1, &[1, 1, 1], 60);
    for (of, query) in [(&of, "band=none"), (&ranged(2), ""), (&flat, "")] {
        let (figure, json) = training(of, query);
        assert_eq!(json["series"][0]["envelope"], false);
        assert_eq!(lowest(&json).0, None);
        assert!(!figure.draw().svg.contains("class=\"env\""));
        assert!(!page(of, query).contains(ONE_SEED));
    }
    // From three seeds on it is their interval.
    let (figure, json) = training(&ranged(3), "");
    assert!(json["series"][0]["envelope"] == false && lowest(&json).0.unwrap() > 0.1);
    assert_eq!(figure.draw().svg.matches("class=\"ci\"").count(), 2);
}

#[test]
fn a_run_that_is_left_out_leaves_a_line_of_one_seed() {
    let mut of = ranged(2);
    of.series
        .retain(|run| run.arm_key != "arm-1" || run.seed == 1);
    let (figure, json) = training(&of, "");
    assert_eq!(json["series"][0]["envelope"], true);
    assert_eq!(json["series"][1]["envelope"], false);
    assert_eq!(figure.draw().svg.matches("class=\"env\"").count(), 1);
}

#[test]
fn a_part_is_drawn_from_what_was_read_of_it_and_nothing_else_is() {
    let mut of = material(&LABELS, 3, &[3, 3, 3], 40);
    let plain = training(&of, "").1;
    let query = "x0=1e11&x1=2e11";
    let coarse = training(&of, query).1;
    let finer = |run: &assay_store::RunSeries| {
        let mut run = run.clone();
        let points = run.points.iter().copied();
        let four = |p: RunPoint| (0..4).map(move |i| (p, f64::from(i)));
        run.points = points
            .flat_map(four)
            .map(|(p, i)| RunPoint {
                x: p.x - BUDGET / 40.0 * (1.0 - (i + 1.0) / 4.0),
                ..p
            })
            .collect();
        run
    };
    of.zoomed = Some(of.series.iter().map(finer).collect());
    let places = |json: &Value| {
        let points = json["series"][0]["points"].as_array().unwrap();
        points.len()
    };
    assert_eq!(training(&of, "").1, plain);
    let part = training(&of, query).1;
    assert!(places(&part) > places(&coarse), "{part}");
    // So do the lines of single seeds.
    let of_seed = |json: &Value| {
        let points = json["series"][0]["seeds"][0]["points"].as_array().unwrap();
        let xs = points.iter().map(|p| p[0].as_f64().unwrap());
        xs.collect::<Vec<f64>>()
    };
    let every = of_seed(&training(&of, &format!("{query}&seeds=1")).1);
    assert!(every.len() >= places(&part) - 1, "{every:?}");
    let (low, high) = (every[0], every[every.len() - 1]);
    assert!(low >= 1e11 && high <= 2e11 * 1.001, "{low} {high}");
    // Values at a budget are those of the whole, whatever part is drawn.
    let budget = |of: &Material, query: &str| training(of, query).1["at_budget"].clone();
    let at = budget(&of, "budget=1.5e11");
    assert!(!at.is_null());
    assert_eq!(budget(&of, &format!("{query}&budget=1.5e11")), at);
}

#[test]
fn files_draw_every_seed_whatever_their_number_and_say_how_many() {
    let labels: Vec<String> = (0..26).map(|i| format!("Recipe number {i}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let thin = |svg: &str| svg.matches("class=\"bh\"").count();
    for (arms, seeds, drawn) in [(13, 5, 60), (26, 4, 25 * 4)] {
        let of = material(&labels[..arms], seeds, &vec![seeds; arms], 40);
        let (wanted, _) = asked(&of, "seeds=1");
        let carried = Carried::new(&of, &wanted);
        // Beside the trained arms, the milestones have the base, which has one point a seed.
        for (name, all) in [(Name::Training, arms - 1), (Name::Milestones, arms)] {
            let all = all * seeds as usize;
            let on_page = name.figure(&of, &wanted);
            if all <= 60 {
                continue;
            }
            assert_eq!(thin(&on_page.draw().svg), 0);
            for theme in [Theme::Both, Theme::Light] {
                let figure = name.figure(&of, &wanted).for_file();
                let file = files::drawing(&figure, &carried, theme);
                assert!(thin(&file) > 60 - 5, "{} of {arms}", name.word());
                let said = format!(" of {all} seed's lines, each of");
                assert!(figure.caption.join(" ").contains(&said), "{said}");
                assert!(file.contains("the CSV file has them"), "{file}");
            }
            if name == Name::Training {
                let figure = name.figure(&of, &wanted).for_file();
                assert_eq!(thin(&figure.draw().svg), drawn);
            }
        }
        let text = page(&of, "seeds=1");
        assert!(text.contains(">PNG, every seed</a>"));
        assert!(!page(&of, "").contains("every seed</a>"));
    }
    // As many as a page draws: a file is as the page.
    let of = material(&LABELS, 3, &[3, 3, 3], 40);
    let (wanted, _) = asked(&of, "seeds=1");
    let figure = Name::Training.figure(&of, &wanted);
    assert_eq!(thin(&figure.draw().svg), 6);
    let same = figure.draw();
    assert_eq!(figure.for_file().draw(), same);
}

#[test]
fn a_line_a_seed_stands_in_every_figure_that_has_seeds() {
    let of = material(&LABELS, 3, &[3, 3, 3], 40);
    let drawn = |name: Name, query: &str| -> Vec<usize> {
        let (wanted, _) = asked(&of, query);
        let figure::Chart::Curves(chart) = name.figure(&of, &wanted).chart else {
            unreachable!("these are lines")
        };
        chart.curves.iter().map(|c| c.behind.len()).collect()
    };
    for name in [Name::Frontier, Name::Milestones] {
        assert!(drawn(name, "").iter().all(|n| *n == 0), "{}", name.word());
        let every = drawn(name, "seeds=1");
        assert!(
            !every.is_empty() && every.iter().all(|n| *n == 3),
            "{}: {every:?}",
            name.word()
        );
    }
}

#[test]
fn any_metric_of_training_can_be_drawn_and_is_named_by_its_title_or_its_name() {
    let mut of = material(&LABELS, 3, &[3, 3, 3], 50);
    for (word, title) in [
        ("train/reflection_rate", "Reflective completions, share"),
        ("judge/score_mean", "judge/score_mean"),
    ] {
        let query = format!("curve={word}");
        let (wanted, ignored) = asked(&of, &query);
        assert!(ignored.is_empty());
        assert_eq!(wanted.curve_metric(), word);
        assert_eq!(wanted.query(&of.view), format!("?{query}"));
        let text = page(&of, &query);
        assert!(text.contains(&format!(
            "<option value=\"{word}\" selected>{title}</option>"
        )));
        assert!(text.contains(&format!("{title} in training: each seed is averaged")));
        assert!(text.contains(&format!("/training.svg?curve={word}\"")));
    }
    // By its metric too, with the word that it has.
    let (wanted, _) = asked(&of, "curve=train/kl");
    assert_eq!(wanted.query(&of.view), "?curve=kl");
    assert_eq!(
        wanted.drawing("train/entropy").curve_metric(),
        "train/entropy"
    );
    assert_eq!(wanted.drawing("a/b").query(&of.view), "?curve=a/b");
    let plain = page(&of, "");
    assert_eq!(
        page(&of, "curve=a/b").matches("<option").count(),
        plain.matches("<option").count() + 1
    );
    // What no stage has reported, and what is no name.
    of.unreported = true;
    let mut words = Asked::read("curve=train/nothing");
    let mut wanted = Wanted::read(&mut words, &of.view);
    wanted.drop_unreported(&of, &mut words);
    assert_eq!(
        words.ignored(),
        ["curve=train/nothing, which no stage has reported"]
    );
    assert_eq!(wanted.query(&of.view), "");
    for bad in ["nonsense", "a/<b>", "a/%E2%80%AE", &"a/".repeat(99)] {
        let (wanted, ignored) = asked(&of, &format!("curve={bad}"));
        assert_eq!((wanted.query(&of.view).as_str(), ignored.len()), ("", 1));
    }
}
