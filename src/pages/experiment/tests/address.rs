//! A budget, another comparator, colours, pinned figures and dollars, as the address asks.

use super::figures::{asked, page, with_a_failure};
use super::*;
use crate::charts::Theme;
use carried::Carried;
use tables::Table;

/// A finished comparison whose series are along the cost of the figures.
fn finished() -> Material {
    material(&LABELS, 3, &[3, 3, 3], 50)
}

#[test]
fn a_budget_has_its_line_and_every_arms_value_at_it() {
    let of = finished();
    let text = page(&of, "budget=2.1e11");
    let plain = page(&of, "");
    assert!(!plain.contains("The budget line stands at") && !plain.contains("Values at"));
    // Milestones stand at 10 % of 4e11 and a little below.
    for words in [
        "The budget line stands at 210 G FLOPs, as the link asks; the registered budget is 400 G FLOPs.",
        "Values at 210 G FLOPs",
        "199 G FLOPs",
        "spends nothing by design",
        "name=\"budget\" inputmode=\"decimal\" size=\"9\" value=\"210000000000\"",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let (wanted, _) = asked(&of, "budget=2.1e11");
    let figure = Name::Milestones.figure(&of, &wanted);
    let at = figure.at.as_ref().unwrap();
    // Of the milestones the one at half of the budget: nothing between it and the next.
    let held: Vec<f64> = of
        .milestones
        .iter()
        .filter(|p| p.arm_key == "arm-2" && p.milestone == 50)
        .map(|p| p.pass_at_1)
        .collect();
    let row = at.rows.iter().find(|r| r.arm == "arm-2").unwrap();
    let value = row.value.unwrap();
    assert_eq!(value.n, 3);
    assert!((value.mean - held.iter().sum::<f64>() / 3.0).abs() < 1e-12);
    assert!(value.interval.is_some());
    assert!(page(&of, "").matches("class=\"budget\"").count() >= 3);
    assert_eq!(
        text.matches("class=\"budget\"").count(),
        plain.matches("class=\"budget\"").count()
    );
}

#[test]
fn arms_may_be_asked_for_by_another_word() {
    let of = finished();
    let (wanted, ignored) = asked(&of, "arms=arm-1,nobody&only=arm-1,arm-0");
    assert_eq!(ignored, ["arms=nobody"]);
    assert!(!wanted.hides(&of, "arm-1") && wanted.hides(&of, "arm-2"));
    assert_eq!(wanted.query(&of.view), "?only=arm-1,arm-0");
    let (alone, _) = asked(&of, "arms=arm-1");
    assert_eq!(alone.query(&of.view), "?only=arm-1");
}

#[test]
fn beyond_the_data_the_page_and_every_file_say_so() {
    let of = finished();
    let query = "budget=1e12";
    let said =
        "beyond the data of 3 seeds, the furthest of which reached 400 G FLOPs of 1.00 T FLOPs";
    let text = page(&of, query);
    assert!(text.matches(said).count() >= 2, "training and milestones");
    let (wanted, _) = asked(&of, query);
    let carried = Carried::new(&of, &wanted);
    for name in [Name::Training, Name::Milestones] {
        let figure = name.figure(&of, &wanted);
        let trained = |r: &&at_budget::AtRow| r.arm != "arm-0";
        let at = figure.at.as_ref().unwrap();
        assert!(at.rows.iter().filter(trained).all(|r| r.value.is_none()));
        // In a picture lines are broken where they are too long: its description has them whole.
        assert!(files::drawing(&figure, &carried, Theme::Both).contains(said));
        assert!(numbers::csv(&of, &wanted, &figure, &carried).contains(said));
        let json = numbers::json(&of, &wanted, &figure, &carried);
        assert_eq!(json["at_budget"]["budget"], 1e12);
        let rows = json["at_budget"]["rows"].as_array().unwrap();
        let row = rows.iter().find(|r| r["arm"] == "arm-2").unwrap();
        assert!(row["estimate"].is_null());
        assert_eq!(row["remark"], said);
    }
}

#[test]
fn at_a_budget_validation_has_a_difference_to_the_comparator_on_the_page_and_in_files() {
    let of = finished();
    let query = "budget=2e11";
    let text = page(&of, query);
    // Of arm-2 at half of the budget 0.36, 0.38 and 0.35, of the base 0.30, 0.32 and 0.34:
    // 0.06, 0.06 and 0.01, s = 0.02887, t = 4.3027.
    let said = "+0.043 [−0.028, +0.115], n = 3";
    for words in [
        ">Difference to Base, untrained</th>",
        &format!("<td class=\"n\">{said}</td>"),
        "<td class=\"n\">compared with</td>",
        at_budget::DIFFERENCES,
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!page(&of, "").contains(at_budget::DIFFERENCES));
    let (wanted, _) = asked(&of, query);
    let carried = Carried::new(&of, &wanted);
    let figure = Name::Milestones.figure(&of, &wanted);
    assert!(files::drawing(&figure, &carried, Theme::Both).contains(said));
    let csv = numbers::csv(&of, &wanted, &figure, &carried);
    let part = "at 200 G FLOPs: difference to Base, untrained, exploration on the validation split";
    assert_eq!(csv.matches(part).count(), 2, "{csv}");
    let json = numbers::json(&of, &wanted, &figure, &carried);
    let at = &json["at_budget"];
    assert_eq!(at["compared_with"]["arm"], "arm-0");
    assert_eq!(at["differences"], at_budget::DIFFERENCES);
    let rows = at["rows"].as_array().unwrap();
    assert!(rows[0]["difference"].is_null());
    assert_eq!(rows[2]["difference"]["n"], 3);
    let mean = rows[2]["difference"]["mean"].as_f64().unwrap();
    assert!((mean - 0.13 / 3.0).abs() < 1e-9, "{mean}");
    // Of training nothing is compared.
    let training = Name::Training.figure(&of, &wanted);
    let json = numbers::json(&of, &wanted, &training, &carried);
    assert!(json["at_budget"]["compared_with"].is_null());
    assert!(json["at_budget"]["rows"][0].get("difference").is_none());
    let other = page(&of, "budget=2e11&base=arm-1");
    assert!(other.contains(">Difference to SFT on clean chains</th>"));
    // Beyond an arm's data it has none.
    let beyond = Name::Milestones.figure(&of, &asked(&of, "budget=1e12").0);
    let rows = &beyond.at.as_ref().unwrap().rows;
    assert!(rows.iter().all(|row| row.difference.is_none()));
}

#[test]
fn another_comparator_is_exploratory_and_gets_no_word_of_the_rule() {
    let of = with_a_failure();
    let registered = Name::Forest.figure(&of, &asked(&of, "").0).draw().svg;
    assert!(registered.contains("(unsuccessful)") && registered.contains("mk x"));
    let text = page(&of, "base=arm-2");
    for words in [
        "Exploratory: GRPO from the base was chosen as the comparator by the link",
        "the registered baseline is Base, untrained.",
        "comparator of this view",
        "<dt>Baseline</dt><dd>Base, untrained</dd>",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let (wanted, _) = asked(&of, "base=arm-2");
    let carried = Carried::new(&of, &wanted);
    let figure = Name::Forest.figure(&of, &wanted);
    let svg = figure.draw().svg;
    for word in ["unsuccessful", "mk x", "fail"] {
        assert!(!svg.contains(word), "{word} in {svg}");
    }
    let csv = numbers::csv(&of, &wanted, &figure, &carried);
    assert!(csv.contains("Exploratory: GRPO from the base was chosen"));
    assert!(!csv.contains(",unsuccessful,"), "{csv}");
    let sheet = tables::sheet(&of, &wanted, Table::Comparison);
    let table = sheet.csv(&carried);
    assert!(table.contains("Exploratory: ") && !table.contains("\"unsuccessful\""));
    assert!(sheet.tex(&carried).contains("Exploratory: "));
    // What was registered keeps its words.
    let judged = tables::sheet(&of, &wanted, Table::Verdicts).csv(&carried);
    assert!(judged.contains("\"unsuccessful\""));
    let section = text.split("<section id=\"verdicts\"").nth(1).unwrap();
    assert!(section.contains("× unsuccessful"));
    // The differences are the other way round.
    let row = |wanted: &Wanted, arm: &str| {
        let rows = comparison::of_metric(&of, wanted, 0).rows;
        rows.into_iter().find(|r| r.arm == arm).unwrap()
    };
    let there = row(&asked(&of, "").0, "arm-2").difference.unwrap().mean;
    let back = row(&wanted, "arm-0").difference.unwrap().mean;
    assert!((there + back).abs() < 1e-12 && there != 0.0);
    assert_eq!(row(&wanted, "arm-2").difference, None);
}

#[test]
fn the_registered_baseline_is_no_exploration() {
    let of = finished();
    let (wanted, ignored) = asked(&of, "base=arm-0");
    assert!(!wanted.is_exploratory() && ignored.is_empty());
    assert_eq!(wanted.query(&of.view), "");
}

#[test]
fn colours_are_those_of_a_family_or_of_the_rule_and_the_legend_says_which() {
    let of = with_a_failure();
    assert!(!page(&of, "").contains("class=\"legend\""));
    // Both trained arms end with GRPO.
    let text = page(&of, "color=family");
    for words in [
        "class=\"legend\"",
        "grpo: SFT on clean chains, GRPO from the base",
        "no training of its own: Base, untrained",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let (wanted, _) = asked(&of, "color=family");
    let svg = Name::Milestones.figure(&of, &wanted).draw().svg;
    assert!(
        svg.contains("<g class=\"s c2\" data-arm=\"arm-2\">"),
        "{svg}"
    );
    assert!(
        svg.contains("<g class=\"s c2 fail\" data-arm=\"arm-1\">"),
        "{svg}"
    );
    let (wanted, _) = asked(&of, "color=status");
    let carried = Carried::new(&of, &wanted);
    for name in [Name::Training, Name::Milestones, Name::Forest, Name::Seeds] {
        let figure = name.figure(&of, &wanted);
        assert!(figure.draw().svg.contains("s c5 fail"), "{}", name.word());
        let file = files::drawing(&figure, &carried, Theme::Both);
        assert!(
            file.contains("pink is unsuccessful (SFT on clean chains)"),
            "{}",
            name.word()
        );
    }
}

#[test]
fn pinned_figures_stand_first_and_once() {
    let of = finished();
    let text = page(&of, "pin=training,nonsense&pin=forest");
    let at = |word: &str| text.find(&format!("id=\"scroll-{word}\"")).unwrap();
    assert!(at("training") < at("forest") && at("forest") < at("milestones"));
    for name in Name::ALL.into_iter().filter(|name| *name != Name::Passk) {
        let id = format!("id=\"scroll-{}\"", name.word());
        assert_eq!(text.matches(&id).count(), 1, "{id}");
    }
    assert!(text.contains("pin=nonsense"));
    let (wanted, ignored) = asked(&of, "pin=training,nonsense&pin=forest");
    assert_eq!(ignored, ["pin=nonsense"]);
    assert_eq!(wanted.query(&of.view), "?pin=training,forest");
}

#[test]
fn words_that_mean_nothing_are_named() {
    let of = finished();
    for query in [
        "budget=0",
        "budget=-3",
        "budget=10000000000000000000000000000000",
        "budget=much",
        "base=nobody",
        "color=red",
        "pin=everything",
    ] {
        let (wanted, ignored) = asked(&of, query);
        assert_eq!(ignored, [query]);
        assert_eq!(wanted.query(&of.view), "", "{query}");
    }
}

/// As the store reads it where every attempt had this price.
fn in_dollars(price: Option<f64>) -> Material {
    let mut of = finished();
    for run in &of.runs {
        let attempt = assay_store::ChargedAttempt {
            device: "cpu".into(),
            device_ms: 9e3,
            price: price.map(|dollars_per_hour| assay_store::AttemptPrice {
                dollars_per_hour,
                valid_from: OffsetDateTime::UNIX_EPOCH,
                source: "invoice 7".into(),
            }),
        };
        of.dollars.runs.insert(run.id, vec![attempt]);
    }
    of.no_price = prices::missing(axis::Cost::Usd, &of.dollars, axis::Cost::Flops);
    if of.no_price.is_none() {
        of.along = axis::Cost::Usd;
        for point in of.series.iter_mut().flat_map(|run| &mut run.points) {
            point.x = point.x / BUDGET * 9.0;
        }
    }
    of
}

#[test]
fn an_axis_in_dollars_names_its_price_with_day_and_source() {
    let of = in_dollars(Some(3_600.0));
    let text = page(&of, "x=usd&budget=4.6");
    for words in [
        "dollars charged, per seed</text>",
        "cpu $3600 an hour from 1970-01-01 (invoice 7)",
        "The budget line stands at $4.60",
        "Values at $4.60",
        "data-cost=\"usd\"",
    ] {
        assert!(text.contains(words), "{words}");
    }
    // A dollar a second: the milestone at half of the budget costs arm-2 5.4 of them.
    let (wanted, _) = asked(&of, "x=usd");
    let half = of.milestones.iter();
    let mut half = half.filter(|p| p.arm_key == "arm-2" && p.milestone == 50);
    assert!((of.cost(wanted.x, half.next().unwrap()) - 5.4).abs() < 1e-9);
    for name in [Name::Training, Name::Frontier] {
        assert_eq!(name.figure(&of, &wanted).cost, Some(axis::Cost::Usd));
    }
}

#[test]
fn without_a_price_the_page_says_which_and_counts_what_the_budget_does() {
    let of = in_dollars(None);
    let text = page(&of, "x=usd&budget=4.6&x0=1");
    for words in [
        "No axis in dollars: no price was in force for cpu",
        "training FLOPs charged, per seed</text>",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("dollars charged, per seed</text>") && !text.contains("Values at"));
    let (mut wanted, ignored) = asked(&of, "x=usd&budget=4.6&x0=1");
    wanted.settle(&of);
    assert!(ignored.is_empty());
    // Links to files ask for what the page shows.
    assert_eq!(wanted.query(&of.view), "");
}

#[test]
fn the_citation_has_a_button_that_is_hidden_until_a_script_shows_it() {
    let of = finished();
    let text = page(&of, "hide=arm-1");
    let id = of.view.id;
    assert!(text.contains(&format!(
        "<button type=\"button\" class=\"copy\" data-copy=\"/experiments/{id}/cite.bib?hide=arm-1\">"
    )));
    let css = include_str!("../../../../static/app.css");
    assert!(css.contains("html:not(.can-copy) .copy{display:none}"));
    let script = include_str!("../../../../static/app.js");
    assert!(script.contains("if (!navigator.clipboard) return;") && script.contains("data-copy"));
}
