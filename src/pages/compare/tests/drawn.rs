//! How the figures are drawn, as the address asks, and which columns stand in them.

use super::shortest::measured_along;
use super::*;
use crate::charts::{Band, Scale};
use crate::pages::experiment::axis::Cost;
use crate::pages::looks::SeedLines;
use assay_store::{AttemptPrice, ChargedAttempt};

fn asked(query: &str) -> (Wanted, Vec<String>) {
    let mut asked = Asked::read(query);
    let wanted = Wanted::read(&mut asked);
    (wanted, asked.ignored())
}

/// Both columns measured on the way, each milestone at a second a hundredth of the budget.
fn measured_twice(second: &str, budget: f64) -> Material {
    let mut of = two(second);
    measured_along(&mut of.entries[0], 4e11, [0.2, 0.4, 0.9]);
    measured_along(&mut of.entries[1], budget, [0.3, 0.5, 0.7]);
    for p in of.entries.iter_mut().flat_map(|e| &mut e.milestones) {
        p.active_ms = f64::from(p.milestone) * 1e3;
    }
    of
}

/// The page and its figures as a link with this query has them.
fn shown(of: &mut Material, query: &str) -> String {
    let (mut wanted, ignored) = asked(query);
    assert!(ignored.is_empty(), "{ignored:?}");
    of.unknown.clear();
    of.no_price = None;
    look::settle(of, &wanted);
    prices::settle(of);
    wanted.settle(of);
    let page = ComparePage::new(Shell::plain("Compare"), &wanted, of, 0);
    let text = page.render().unwrap();
    assert_is_clean(&text);
    text
}

#[test]
fn the_words_for_figures_are_read_written_and_refused_as_on_the_experiments_page() {
    let query = "x=wall&xs=log&ys=log&x0=1&x1=50&band=minmax&seeds=1&budget=20&only=e/x&hide=e/y";
    let (wanted, ignored) = asked(query);
    assert!(ignored.is_empty(), "{ignored:?}");
    let view = wanted.view;
    assert_eq!(
        (view.x, view.x_scale, view.y_scale),
        (Some(Cost::Wall), Some(Scale::Log), Scale::Log)
    );
    assert_eq!((view.band, view.lines), (Band::MinMax, SeedLines::Every));
    assert_eq!(wanted.query(&[], false, false), format!("?{query}"));
    assert!(!wanted.hides("e/x") && wanted.hides("e/y") && wanted.hides("e/z"));
    let whole = "?x=wall&xs=log&ys=log&x0=1&x1=50&band=minmax&seeds=1&budget=20";
    assert_eq!(wanted.whole(), whole);
    for bad in [
        "x=eur",
        "x=step",
        "band=wide",
        "seeds=2",
        "ys=cubic",
        "budget=-1",
        "budget=x",
        "x0=2&x1=1",
    ] {
        let (wanted, ignored) = asked(bad);
        assert_eq!(
            (ignored.len(), wanted.query(&[], false, false)),
            (1, "?".into()),
            "{bad}"
        );
    }
}

#[test]
fn figures_are_drawn_as_the_link_asks_and_move_together() {
    let mut of = measured_twice(TASK, 4e11);
    let plain = shown(&mut of, "");
    for figure in ["milestones", "frontier", "training"] {
        let from = plain.find(&format!("/compare/{figure}.json?")).unwrap();
        let head = &plain[from..from + plain[from..].find('>').unwrap()];
        assert!(head.contains(" data-cost=\"flops\""), "{head}");
    }
    let text = shown(&mut of, "x=wall&band=minmax&seeds=1&ys=log&budget=60");
    for words in [
        "data-cost=\"wall\"",
        "seconds of work charged, per seed",
        "the band goes from the smallest to the largest seed and is no interval",
        "The dashed line stands at 60.00 s of work, as the link asks.",
        "The budget is counted in another unit than this axis.",
        "<option value=\"wall\" selected>",
        "<option value=\"minmax\" selected>",
        "Values at 60.00 s of work",
        "50.00 s of work",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let table = compared(&of, metric::PASS_AT_1);
    let drawn = validation::milestones(&of, &table).unwrap();
    let chart = &drawn.chart;
    assert_eq!((chart.band, chart.y_scale), (Band::MinMax, Scale::Log));
    assert!(
        chart.curves.iter().all(|c| c.behind.len() == 3),
        "a line a seed"
    );
    let places: Vec<f64> = chart.curves[0].bins.iter().map(|b| b.x).collect();
    assert_eq!(places, [20.0, 50.0, 100.0]);
    // What each had at that cost, with nothing in between.
    let at = drawn.at.as_ref().unwrap();
    let means: Vec<f64> = at.rows.iter().map(|r| r.value.unwrap().mean).collect();
    assert!((means[0] - 0.41).abs() < 1e-9 && (means[1] - 0.51).abs() < 1e-9);
    let rows = numbers::curves(&drawn, &table, of.view.lines).numbers();
    let rows = rows.as_array().unwrap();
    let of_seeds = rows.iter().filter(|r| r["seed"] == "2").count();
    assert_eq!(of_seeds, 2 * 3, "both columns' three milestones");
    let said = |r: &serde_json::Value, words: &str| {
        r["part"]
            .as_str()
            .is_some_and(|part| part.starts_with(words))
    };
    let count = |words: &str| rows.iter().filter(|r| said(r, words)).count();
    // Both were measured last far below it: nothing is subtracted.
    assert_eq!(
        count("at 60.00 s of work: measured last under 95 % of it"),
        2
    );
    assert_eq!(count("at 60.00"), 2);
    let text = shown(&mut of, "x=wall&budget=51");
    let drawn = validation::milestones(&of, &table).unwrap();
    let rows = numbers::curves(&drawn, &table, of.view.lines).numbers();
    let rows = rows.as_array().unwrap();
    let count = |words: &str| rows.iter().filter(|r| said(r, words)).count();
    let difference = "at 51.00 s of work: difference to ";
    assert_eq!((count("at 51.00"), count(difference)), (3, 1));
    let row = rows.iter().find(|r| said(r, difference)).unwrap();
    assert!((row["value"].as_f64().unwrap() - 0.1).abs() < 1e-9, "{row}");
    assert_eq!(row["n"], 3);
    assert!(text.contains("Differences are exploration on the validation split"));
    // Seeds that share nothing are not paired.
    let mut other = measured_twice(&format!("{TASK}\nroot_seed: 9"), 4e11);
    let text = shown(&mut other, "budget=2e11");
    assert!(text.contains("Values at 200 G FLOPs"), "{text}");
    let table = compared(&other, metric::PASS_AT_1);
    let at = validation::milestones(&other, &table).unwrap().at.unwrap();
    assert!(at.rows.len() == 2 && at.rows.iter().all(|r| r.difference.is_none()));
    // A part of the axis.
    shown(&mut of, "x0=1e11&x1=3e11");
    let chart = validation::milestones(&of, &table).unwrap().chart;
    assert_eq!(chart.x_range, Some((1e11, 3e11)));
    let chart = figure::training(&of, &table, 0).unwrap().chart;
    assert_eq!(chart.x_range, Some((1e11, 3e11)));
}

#[test]
fn a_hidden_column_is_in_no_figure_in_every_table_and_named_everywhere() {
    let mut of = measured_twice(TASK, 4e11);
    let word = of.entries[1].word();
    for query in [
        format!("hide={word}"),
        format!("only={}", of.entries[0].word()),
    ] {
        let text = shown(&mut of, &query);
        assert_eq!(of.hidden, [word.as_str()]);
        assert!(text.contains("Hidden by the link: second."), "{text}");
        assert!(text.contains(", 1 hidden."));
        assert!(
            text.contains(&format!("<tr data-arm=\"{word}\">")),
            "the table keeps it"
        );
        assert!(!text.contains(&format!("<g class=\"s c2\" data-arm=\"{word}\">")));
        let box_of = format!("name=\"only\" value=\"{word}\">");
        assert!(text.contains(&box_of), "its box is not chosen");
        let table = compared(&of, metric::PASS_AT_1);
        for drawn in [
            validation::milestones(&of, &table),
            validation::frontier(&of, &table),
            figure::training(&of, &table, 0),
        ] {
            assert_eq!(drawn.unwrap().chart.curves.len(), 1);
        }
        assert!(figure::forest(&table, Kind::Share, "pass@1").is_none());
        let carried = files::carried(&of, &table, "t", &[]);
        assert!(carried.contains(&"Hidden by the link: second.".into()));
    }
    // Of the same data there is one hash, whatever is drawn of them.
    let table = compared(&of, metric::PASS_AT_1);
    let hidden = files::snapshot(&of, &table);
    shown(&mut of, "");
    assert_eq!(
        files::snapshot(&of, &compared(&of, metric::PASS_AT_1)),
        hidden
    );
    assert!(!shown(&mut of, "").contains("Hidden by the link"));
    // What is not here is named, and hides nothing.
    let (wanted, _) = asked("only=x/y");
    look::settle(&mut of, &wanted);
    assert_eq!(
        (of.unknown.as_slice(), of.hidden.len()),
        (&["only=x/y".to_string()][..], 0)
    );
}

#[test]
fn columns_that_were_asked_other_questions_have_a_figure_a_group() {
    let mut of = measured_twice("task: { name: parity }", 4e11);
    let third = experiment(3, "task: { name: parity }");
    let mut alike = entry(third.0, "third", 0.6, &[1, 2, 3]);
    measured_along(&mut alike, 4e11, [0.1, 0.2, 0.3]);
    of.entries.push(alike);
    of.experiments.extend([third]);
    let fourth = experiment(4, &format!("{TASK}\nevaluation: {{ problems: 7 }}"));
    of.entries.push(entry(fourth.0, "fourth", 0.6, &[1, 2, 3]));
    of.experiments.extend([fourth]);
    let table = compared(&of, metric::PASS_AT_1);
    let groups = validation::groups(&of, &table, 0);
    let keys = |t: &figure::Trained| -> Vec<String> {
        t.chart.curves.iter().map(|c| c.label.clone()).collect()
    };
    assert_eq!(groups.len(), 2);
    assert_eq!(
        (groups[0].word.as_str(), keys(&groups[0])),
        ("group-1", vec!["second".into(), "third".into()])
    );
    assert_eq!(
        (groups[1].word.as_str(), keys(&groups[1])),
        ("group-2", vec!["fourth".to_string()])
    );
    assert!(
        groups[0].title.contains("asked parity"),
        "{}",
        groups[0].title
    );
    // Nothing was measured on its way: its training is drawn.
    assert!(groups[1].title.starts_with("Reward"), "{}", groups[1].title);
    assert!(
        groups[1].title.contains("evaluation.problems 7"),
        "{}",
        groups[1].title
    );
    for drawn in [
        validation::milestones(&of, &table),
        figure::training(&of, &table, 0),
    ] {
        assert_eq!(keys(&drawn.unwrap()), ["first"], "no axis with the others");
    }
    let text = shown(&mut of, "");
    for words in [
        "<section id=\"groups\">",
        "Apart from first: their tasks differ, so they answered other questions.",
        "Apart from first: they answered different numbers of questions.",
        "/compare/group-1.svg?",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(table.lines.iter().skip(1).all(|l| l.difference.is_none()));
    // Where all were asked the same, there is no such figure.
    assert!(!shown(&mut measured_twice(TASK, 4e11), "").contains("id=\"groups\""));
}

#[test]
fn a_figure_of_other_questions_stands_on_the_basis_of_its_own_columns() {
    let second = "task: { name: parity }\nbudget: { unit: flops, amount: 2.0e+11 }";
    let of = measured_twice(second, 2e11);
    let table = compared(&of, metric::PASS_AT_1);
    let all = &table.basis_text;
    assert!(all.starts_with("not equal compute: "), "{all}");
    let own = "equal compute: 2.000e11 training FLOPs per seed";
    assert_eq!(files::basis(&of, &table, "group-1"), own);
    for word in ["training", "forest", "group-0", "group-2"] {
        assert_eq!(files::basis(&of, &table, word), *all, "{word}");
    }
}

#[test]
fn only_the_validation_figure_of_other_validation_questions_stands_apart() {
    let mut of = measured_twice(
        &format!("{TASK}\nevaluation: {{ validation_problems: 7 }}"),
        4e11,
    );
    let table = compared(&of, metric::PASS_AT_1);
    let groups = validation::groups(&of, &table, 0);
    assert_eq!((groups.len(), groups[0].chart.curves.len()), (1, 1));
    assert_eq!(
        figure::training(&of, &table, 0).unwrap().chart.curves.len(),
        2
    );
    of.entries[1].milestones.clear();
    assert!(validation::groups(&of, &table, 0).is_empty());
}

#[test]
fn budgets_in_different_units_have_a_common_axis_where_a_cost_is_asked_for() {
    let units = format!("{TASK}\nbudget: {{ unit: tokens, amount: 2.0e+7 }}");
    let mut of = measured_twice(&units, 2e7);
    let text = shown(&mut of, "");
    assert!(!text.contains("id=\"validation\"") && text.contains("A cost axis, chosen above,"));
    let text = shown(&mut of, "x=wall&budget=60");
    assert!(!text.contains("Differences are exploration"));
    let said = "Not at equal budgets: these are counted in different units.";
    assert!(
        text.matches(said).count() >= 3,
        "milestones, frontier, training"
    );
    assert!(!text.contains("class=\"plot forest\""));
    let table = compared(&of, metric::PASS_AT_1);
    let line = &table.lines[1];
    assert_eq!((line.difference, line.verdict), (None, None));
    for drawn in [
        validation::milestones(&of, &table),
        validation::frontier(&of, &table),
    ] {
        let drawn = drawn.unwrap();
        assert_eq!(drawn.chart.curves.len(), 2);
        let words = drawn.caption.join(" ");
        for verdict in ["better", "worse", "equivalent"] {
            assert!(!words.contains(verdict), "{verdict} in {words}");
        }
        assert_eq!(drawn.chart.budget, Some(60.0));
        let ends: Vec<f64> = drawn.chart.curves.iter().map(|c| c.bins[2].x).collect();
        assert_eq!(ends, [100.0, 100.0]);
    }
    // Of a cost that nobody has recorded nothing is drawn, and who lacks it is named.
    for p in &mut of.entries[1].milestones {
        p.active_ms = 0.0;
    }
    let drawn = validation::milestones(&of, &table).unwrap();
    assert_eq!(drawn.chart.curves.len(), 1);
    assert!(
        drawn
            .caption
            .join(" ")
            .contains("second is not drawn: nothing of what it was charged")
    );
    // A budget or a part of an axis that is not named is refused.
    let (wanted, _) = asked("budget=60&x1=5");
    of.unknown.clear();
    look::settle(&mut of, &wanted);
    assert_eq!(
        (of.unknown.len(), of.view.budget, of.view.high),
        (2, None, None)
    );
    assert!(of.unknown[0].starts_with("budget=60, "), "{:?}", of.unknown);
}

#[test]
fn how_a_column_stands_is_written_beside_its_line() {
    let mut of = measured_twice(TASK, 4e11);
    let text = shown(&mut of, "");
    assert!(!text.contains("running, ") && !text.contains("short: "));
    // One has finished, two are half-way.
    let entry = &mut of.entries[1];
    for run in &mut entry.runs[1..] {
        run.state = RunState::Running;
    }
    entry.figures.runs.truncate(1);
    entry.series.clear();
    entry.reached = entry.runs.iter().map(|run| (run.id, 2e11)).collect();
    of.entries[0].figures.runs[0].charged = 1e11;
    let text = shown(&mut of, "");
    for words in ["running, 67 %</text>", "short: 100 G of 400 G</text>"] {
        assert!(text.matches(words).count() >= 2, "{words}");
    }
    let table = compared(&of, metric::PASS_AT_1);
    let drawn = validation::milestones(&of, &table).unwrap();
    assert_eq!(drawn.chart.curves[1].end, charts::End::Running);
    assert_eq!(drawn.chart.curves[0].end, charts::End::Short);
    // What spends nothing by design has not stopped short of anything.
    of.entries[0].figures.trains = false;
    let drawn = validation::milestones(&of, &table).unwrap();
    assert_eq!(drawn.chart.curves[0].end, charts::End::Done);
    assert!(!shown(&mut of, "").contains("short: "));
    for run in &mut of.entries[1].runs {
        run.state = RunState::Failed;
    }
    assert!(shown(&mut of, "").contains("crashed</text>"));
}

/// Both columns with a second of the device a hundredth of the budget, at these prices an hour.
fn in_dollars(prices: [Option<f64>; 2]) -> Material {
    let mut of = measured_twice(TASK, 4e11);
    price(&mut of, &prices);
    of
}

fn price(of: &mut Material, prices: &[Option<f64>]) {
    for (entry, price) in of.entries.iter_mut().zip(prices) {
        for p in &mut entry.milestones {
            p.device_ms = f64::from(p.milestone) * 1e3;
        }
        for run in &entry.runs {
            let attempt = ChargedAttempt {
                device: "cpu".into(),
                device_ms: 100e3,
                price: price.map(|dollars_per_hour| AttemptPrice {
                    dollars_per_hour,
                    valid_from: OffsetDateTime::UNIX_EPOCH,
                    source: "invoice 7".into(),
                }),
            };
            of.dollars.runs.insert(run.id, vec![attempt]);
        }
    }
}

#[test]
fn along_dollars_each_column_stands_at_its_own_price_and_not_at_equal_budgets() {
    let mut of = in_dollars([Some(3_600.0), Some(7_200.0)]);
    shown(&mut of, "");
    let plain = files::snapshot(&of, &compared(&of, metric::PASS_AT_1));
    let text = shown(&mut of, "x=usd&budget=100");
    for words in [
        "data-cost=\"usd\"",
        "dollars charged, per seed",
        "Not at equal budgets: no budget here is counted in dollars.",
        "cpu $3600 an hour from 1970-01-01 (invoice 7)",
        "cpu $7200 an hour from 1970-01-01 (invoice 7)",
        "<option value=\"usd\" selected>",
        "Values at $100",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("id=\"no-price\""));
    let table = compared(&of, metric::PASS_AT_1);
    assert_eq!(files::snapshot(&of, &table), plain, "the same comparison");
    let drawn = validation::milestones(&of, &table).unwrap();
    let places = |curve: usize| -> Vec<f64> {
        let bins = drawn.chart.curves[curve].bins.iter();
        bins.map(|b| b.x).collect()
    };
    // A dollar a second, and two.
    for (curve, places_of) in [(0, [20.0, 50.0, 100.0]), (1, [40.0, 100.0, 200.0])] {
        let own = places(curve);
        assert_eq!(own.len(), 3);
        let near = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
        assert!(own.iter().zip(&places_of).all(near), "{own:?}");
    }
    // All of the first one's budget, half of the second one's.
    let at = drawn.at.as_ref().unwrap();
    let means: Vec<f64> = at.rows.iter().map(|r| r.value.unwrap().mean).collect();
    assert!((means[0] - 0.91).abs() < 1e-9 && (means[1] - 0.51).abs() < 1e-9);
}

#[test]
fn a_column_without_a_price_is_named_and_left_out_and_without_any_there_is_no_such_axis() {
    let mut of = in_dollars([Some(3_600.0), None]);
    let text = shown(&mut of, "x=usd");
    let said = "second is not drawn: no price was in force for cpu when it began to work here.";
    // Beside the figures, and under milestones, frontier and training.
    assert!(text.matches(said).count() >= 4, "{text}");
    assert!(text.contains("href=\"/cost\""));
    let table = compared(&of, metric::PASS_AT_1);
    let alone = |drawn: Option<figure::Trained>| {
        let curves = drawn.unwrap().chart.curves;
        curves.len() == 1 && curves[0].label == "first"
    };
    assert!(alone(validation::milestones(&of, &table)));
    assert!(alone(validation::frontier(&of, &table)));
    assert!(alone(figure::training(&of, &table, 0)));
    let mut of = in_dollars([None, None]);
    let text = shown(&mut of, "x=usd&budget=100");
    for words in [
        "No axis in dollars: no price was in force for cpu when it began to work here. The axis counts training FLOPs charged, per seed.",
        "data-cost=\"flops\"",
        "href=\"/cost\"",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("dollars charged, per seed</text>") && !text.contains("Values at"));
    assert_eq!(of.unknown, ["x=usd", "budget=100, which was in dollars"]);
}

#[test]
fn a_column_without_a_price_is_named_once_under_the_figure_of_its_group() {
    let parity = "task: { name: parity }";
    let mut of = measured_twice(parity, 4e11);
    let third = experiment(3, parity);
    // Not measured on its way, so that the group's training is drawn.
    of.entries.push(entry(third.0, "third", 0.6, &[1, 2, 3]));
    of.experiments.extend([third]);
    price(&mut of, &[Some(3_600.0), None, Some(3_600.0)]);
    shown(&mut of, "x=usd");
    let table = compared(&of, metric::PASS_AT_1);
    let groups = validation::groups(&of, &table, 0);
    assert_eq!(groups.len(), 1);
    let drawn = groups[0].chart.curves.iter().map(|c| c.label.as_str());
    assert_eq!(drawn.collect::<Vec<_>>(), ["third"]);
    let caption = groups[0].caption.join(" ");
    let said = "second is not drawn: no price was in force for cpu";
    assert_eq!(caption.matches(said).count(), 1, "{caption}");
}

#[test]
fn published_marks_stand_where_the_columns_are_of_one_benchmark() {
    let mut of = measured_twice(TASK, 4e11);
    assert!(!shown(&mut of, "").contains("published"));
    let file = serde_json::json!({"file": "a.jsonl", "sha256": "0".repeat(64)});
    let task = serde_json::json!({
        "name": "questions", "train": file, "test": file, "ood": file, "template": "{question}",
        "answer": "tag", "max_prompt_tokens": 8, "max_solution_tokens": 8,
        "benchmark": "math_500",
    });
    for known in of.experiments.values_mut() {
        known.view.spec.task = serde_json::from_value(task.clone()).unwrap();
    }
    let text = shown(&mut of, "");
    for words in [
        "ublished pass@1 on MATH-500",
        "DeepSeek-R1-Zero 0.959 (arXiv v1, Table 2)",
        "The lines are over validation questions",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let table = compared(&of, metric::PASS_AT_1);
    let drawn = validation::milestones(&of, &table).unwrap();
    let rows = numbers::curves(&drawn, &table, of.view.lines).numbers();
    let published = rows.as_array().unwrap().iter();
    let published = published.filter(|r| r["mark"] == "published").count();
    assert_eq!(published, drawn.chart.published.len());
    assert!(published > 10);
    // Of other figures nothing is published.
    let frontier = validation::frontier(&of, &table).unwrap();
    assert!(frontier.chart.published.is_empty());
}
