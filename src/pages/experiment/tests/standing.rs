//! How arms and runs stand, the order of the table, steps, and figures in numbers.

use super::figures::{asked, page, with_a_failure};
use super::registered::section;
use super::*;
use assay_core::ids::StageId;
use assay_core::spec::Charge;
use assay_store::{FailureView, JobState, RunSign, RunStageView};
use tables::Table;

#[test]
fn an_arm_at_work_says_how_far_it_is_in_every_curve_and_in_the_table() {
    let of = material(&LABELS, 3, &[3, 2, 1], 50);
    assert_eq!(super::super::standing::said(&of, "arm-0"), "");
    let text = page(&of, "");
    // Two have finished and one is half-way; one, one half-way and one that waits.
    for words in ["running, 83 %", "running, 50 %"] {
        let drawn = text.matches(&format!("{words}</text>")).count();
        assert_eq!(drawn, 3, "milestones, frontier and training: {words}");
        assert!(section(&text, "table").contains(&format!("<td>{words}</td>")));
    }
    assert!(section(&text, "table").contains("<td>finished</td>"));
    let (wanted, _) = asked(&of, "");
    let carried = Carried::new(&of, &wanted);
    let json = numbers::json(
        &of,
        &wanted,
        &Name::Milestones.figure(&of, &wanted),
        &carried,
    );
    assert_eq!(json["series"][2]["standing"], "running, 50 %");
    assert!(json["series"][0]["standing"].is_null());
}

fn broken(name: &str, step: i64) -> RunStageView {
    RunStageView {
        position: 1,
        name: name.into(),
        stage: StageId(uuid::Uuid::nil()),
        hash: String::new(),
        kind: name.into(),
        charge: Charge::Arm,
        reused: false,
        state: JobState::Failed,
        attempts: 1,
        failures: 1,
        step: step + 3,
        started_at: None,
        finished_at: None,
        failure: Some(FailureView {
            class: "oom".into(),
            message: "out of memory".into(),
            step: Some(step),
            metric: None,
            log: vec![],
        }),
        worker_name: None,
        waits_for: vec![],
    }
}

#[test]
fn an_accident_is_named_with_its_step_and_a_short_arm_with_what_it_used() {
    let mut of = with_a_failure();
    of.runs[14].state = RunState::Failed;
    of.runs[14].stages = vec![broken("grpo", 412)];
    of.test[1].runs[0].charged = BUDGET * 0.5;
    let text = page(&of, "");
    let table = section(&text, "table");
    for words in ["1 of 5 crashed at 412: OOM", "short: 200 G of 400 G"] {
        assert!(text.contains(&format!("{words}</text>")), "{words}");
        assert!(
            table.contains(&format!("<td>{words}</td>")),
            "{words} in {table}"
        );
    }
    // An accident is no finding, and is among the reasons all the same.
    assert_eq!(why::why(&of, "arm-2"), "1 of 5 crashed at 412: OOM");
    assert_eq!(why::why(&of, "arm-1"), "worse than Base, untrained");
    for run in of.runs.iter_mut().filter(|r| r.arm.key == "arm-2") {
        run.state = RunState::Cancelled;
    }
    assert_eq!(super::super::standing::said(&of, "arm-2"), "cancelled");
}

#[test]
fn the_table_has_the_orders_that_its_links_ask_for_and_loses_no_arm() {
    let of = with_a_failure();
    let order = |query: &str| -> Vec<String> {
        let text = page(&of, query);
        let rows = section(&text, "table").split("<tr data-arm=\"").skip(1);
        rows.map(|row| row.split('"').next().unwrap().to_string())
            .collect()
    };
    // By effect without being asked, whatever the order of the file.
    assert_eq!(order(""), ["arm-2", "arm-0", "arm-1"]);
    assert_eq!(order("sort=effect"), order(""));
    assert_eq!(order("sort=file"), ["arm-0", "arm-1", "arm-2"]);
    assert_eq!(order("sort=name"), ["arm-0", "arm-2", "arm-1"]);
    let text = page(&of, "hide=arm-2");
    for words in [
        "aria-sort=\"descending\"",
        "?sort=name&#38;hide=arm-2#table\">by name</a>",
        "?sort=file&#38;hide=arm-2#table\">as in the file</a>",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("name=\"sort\""), "nothing to keep");
    let text = page(&of, "sort=file");
    assert!(text.contains("name=\"sort\" value=\"file\"") && !text.contains("aria-sort"));
    // The order of who asks for none is said too.
    assert!(page(&of, "").contains("aria-sort=\"descending\""));
    let (wanted, _) = asked(&of, "");
    let csv = tables::sheet(&of, &wanted, Table::Comparison).csv(&Carried::new(&of, &wanted));
    assert!(csv.find("\"arm-2\"").unwrap() < csv.find("\"arm-1\"").unwrap());
    assert_eq!(asked(&of, "sort=best").1, ["sort=best"]);
}

#[test]
fn the_forest_stands_by_difference_unless_an_order_is_asked_for_and_shows_the_margin() {
    let of = with_a_failure();
    let rows = |query: &str| -> (String, Vec<String>) {
        let text = page(&of, query);
        let from = text.find("class=\"plot forest\"").unwrap();
        let forest = &text[from..from + text[from..].find("</figure>").unwrap()];
        let keys = forest.split("data-arm=\"").skip(1);
        let keys = keys.map(|row| row.split('"').next().unwrap().to_string());
        (forest.to_string(), keys.collect())
    };
    let (forest, order) = rows("");
    assert_eq!(order, ["arm-0", "arm-2", "arm-1"]);
    assert!(forest.contains("class=\"margin\""));
    assert!(forest.contains("the registered margin, ±0.0200"));
    assert_eq!(rows("sort=file").1, ["arm-0", "arm-1", "arm-2"]);
    assert_eq!(rows("sort=effect").1, ["arm-2", "arm-0", "arm-1"]);
    assert!(page(&of, "sort=file").contains("name=\"sort\" value=\"file\""));
    // Registered for pass@1 against the baseline alone.
    for other in ["metric=length", "base=arm-1"] {
        assert!(!rows(other).0.contains("margin"), "{other}");
    }
}

#[test]
fn the_table_gives_the_rules_word_unless_another_comparator_was_chosen() {
    let of = with_a_failure();
    let text = page(&of, "");
    let table = section(&text, "table");
    assert!(table.contains("<td>-\u{a0}worse</td>"), "{table}");
    assert!(table.contains("<td class=\"n\">&#60;0.001</td>"));
    assert!(table.contains("<td>worse than Base, untrained</td>"));
    assert!(!table.contains("Dollars"), "no price is known");
    let text = page(&of, "base=arm-2");
    assert!(!section(&text, "table").contains("worse"));
}

#[test]
fn arms_that_were_not_tried_equally_hard_are_flagged_beside_the_table() {
    let mut of = with_a_failure();
    let tried = |of: &mut Material, one, two| {
        of.view.spec.arms[1].settings_tried = one;
        of.view.spec.arms[2].settings_tried = two;
        page(of, "")
    };
    let text = tried(&mut of, Some(3), Some(1));
    for words in [
        "here it is: SFT on clean chains 3, GRPO from the base 1.",
        "<small>3 settings tried, unequal</small>",
        "The number of settings tried is to be equal for all arms",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let text = tried(&mut of, Some(3), None);
    assert!(text.contains("GRPO from the base not stated."));
    for (one, two) in [(Some(3), Some(3)), (None, None)] {
        let text = tried(&mut of, one, two);
        assert!(!text.contains("id=\"unequal\"") && !text.contains("unequal</small>"));
    }
}

#[test]
fn a_run_at_work_shows_its_heartbeat_and_every_run_its_alarms() {
    let mut of = material(&LABELS, 3, &[3, 2, 3], 0);
    let run = of
        .runs
        .iter()
        .find(|r| r.state == RunState::Running)
        .unwrap();
    let (at_work, done) = (run.id, of.runs[0].id);
    let sign = |run, silent_seconds, alarms| RunSign {
        run,
        silent_seconds,
        alarms,
    };
    of.signs = vec![sign(at_work, Some(8.0), 2), sign(done, Some(8.0), 1)];
    let text = page(&of, "");
    let runs = section(&text, "runs");
    assert_eq!(runs.matches("heartbeat 8 s ago").count(), 1, "{runs}");
    assert!(runs.contains(&format!("<a href=\"/runs/{at_work}#alarms\">2 alarms</a>")));
    assert!(runs.contains("succeeded · 1 alarm<"));
    of.signs[0].silent_seconds = Some(240.0);
    let text = page(&of, "");
    assert!(text.contains("<strong class=\"bad\">heartbeat 4 min ago</strong>"));
}

#[test]
fn steps_are_the_training_curves_alone_and_keep_their_own_range() {
    let mut of = with_a_failure();
    let query = "x=step&x0=100&x1=300";
    let (wanted, ignored) = asked(&of, query);
    assert!(ignored.is_empty());
    assert_eq!(wanted.query(&of.view), format!("?{query}"));
    of.places = axis::Places::Steps;
    for point in of.series.iter_mut().flat_map(|run| &mut run.points) {
        point.x = point.step as f64;
    }
    let text = page(&of, query);
    let own = |word: &str| {
        let from = text.find(&format!("/{word}.json?{}\"", query.replace('&', "&#38;")));
        let from = from.unwrap_or_else(|| panic!("{word}"));
        &text[from..from + text[from..].find("</figure>").unwrap()]
    };
    let training = own("training");
    for words in [
        "data-x=\"100 300 linear\"",
        "data-cost=\"step\"",
        "training steps of the arm, no equal cost</text>",
        "at equal steps nothing is compared at equal compute",
    ] {
        assert!(training.contains(words), "{words} not in {training}");
    }
    assert!(!training.contains("class=\"budget\""));
    let basis = |name: Name| {
        let figure = name.figure(&of, &wanted);
        Carried::new(&of, &wanted).of_figure(&of, &figure).basis
    };
    assert!(basis(Name::Training).starts_with("none: at equal steps "));
    assert_eq!(basis(Name::Milestones), of.basis().to_string());
    for word in ["milestones", "frontier"] {
        let figure = own(word);
        assert!(figure.contains("training FLOPs charged, per seed</text>"));
        // No part of it can be asked for beside the steps.
        assert!(
            !figure.contains("data-cost") && !figure.contains("data-x=\"100 "),
            "{word}"
        );
    }
    let (wanted, ignored) = asked(&of, "x=step&budget=5");
    assert_eq!(
        (wanted.budget, ignored),
        (None, vec!["budget=5 with x=step".to_string()])
    );
}

#[test]
fn pictures_without_a_table_have_their_numbers_below_them_within_bounds() {
    let of = material(&LABELS, 5, &[5, 5, 5], 200);
    let text = page(&of, "");
    for (word, has) in [
        ("frontier", true),
        ("training", true),
        ("seeds", true),
        ("milestones", false),
        ("forest", false),
    ] {
        let id = format!("<details id=\"data-{word}\">");
        assert_eq!(text.contains(&id), has, "{word}");
    }
    let (wanted, _) = asked(&of, "");
    for name in [Name::Frontier, Name::Training] {
        let figure = name.figure(&of, &wanted);
        let data = data::data(&figure).unwrap();
        let figure::Chart::Curves(chart) = &figure.chart else {
            panic!("{}", name.word());
        };
        assert_eq!(data.rows.len(), chart.curves.len());
        for ((_, line), curve) in data.rows.iter().zip(&chart.curves) {
            let places = line.split("; ").count();
            assert!((1..=12).contains(&places), "{places} in {}", name.word());
            // Whatever is left out, the line's end is not.
            let mean = crate::number::value(chart.kind, curve.bins.last().unwrap().mean);
            assert!(line.split("; ").last().unwrap().contains(&mean), "{line}");
        }
    }
}
