//! The rule's words in pictures of differences, and words for a part of the seeds.

use super::figures::{asked, page, with_a_failure};
use super::registered::{REGISTERED, TRAINED, made, section};
use super::*;
use crate::charts::Theme;
use assay_core::outcome::Verdict;
use carried::Carried;
use figure::Name;
use tables::Table;

/// What a figure draws of an arm.
fn row<'a>(svg: &'a str, arm: &str) -> &'a str {
    let from = svg.find(&format!("data-arm=\"{arm}\"")).unwrap();
    &svg[from..from + svg[from..].find("</g>").unwrap()]
}

#[test]
fn the_forest_has_the_word_of_a_registered_contrast_and_says_that_intervals_are_unadjusted() {
    let of = with_a_failure();
    let (wanted, _) = asked(&of, "");
    let carried = Carried::new(&of, &wanted);
    let figure = Name::Forest.figure(&of, &wanted);
    let svg = figure.draw().svg;
    assert!(row(&svg, "arm-1").contains(">-\u{a0}worse</text>"), "{svg}");
    assert!(!row(&svg, "arm-0").contains('\u{a0}'), "{svg}");
    let json = numbers::json(&of, &wanted, &figure, &carried);
    let own = json["rows"].as_array().unwrap().iter();
    let own = |arm: &str| own.clone().find(|r| r["arm"] == arm).unwrap();
    assert_eq!(own("arm-1")["verdict"], "worse");
    assert!(own("arm-0")["verdict"].is_null());
    let csv = numbers::csv(&of, &wanted, &figure, &carried);
    let line = |l: &str| l.starts_with("\"arm-1\",") && l.ends_with(",worse");
    assert!(csv.lines().any(line), "{csv}");
    let tex = numbers::sheet(&of, &wanted, &figure).tex(&carried);
    let drawn = files::drawing(&figure, &carried, Theme::Both);
    for file in [&csv, &tex, &drawn, &json.to_string(), &page(&of, "")] {
        for words in [
            "in test pass@1, unadjusted 95 ",
            "Holm family of 2 registered contrasts",
            "with its unadjusted 95 ",
            "m = 2 registered contrasts",
        ] {
            assert!(file.contains(words), "{words} not in {file}");
        }
    }
}

#[test]
fn other_figures_and_comparators_have_no_word_and_are_unadjusted_all_the_same() {
    let of = with_a_failure();
    for query in ["metric=length", "base=arm-2"] {
        let figure = Name::Forest.figure(&of, &asked(&of, query).0);
        assert!(!figure.draw().svg.contains("worse"), "{query}");
        assert!(figure.title.ends_with(", unadjusted 95 % interval"));
        let said = figure.caption.join(" ");
        for words in [
            "with its unadjusted 95 % interval",
            "verdicts are by the registered rule alone, Holm over m = 2 registered contrasts.",
        ] {
            assert!(said.contains(words), "{words} not in {said}");
        }
    }
}

#[test]
fn contrasts_that_the_forest_does_not_draw_have_their_words_too() {
    let mut of = made(REGISTERED, TRAINED, 5, 5);
    let (wanted, _) = asked(&of, "");
    let contrasts = |of: &Material| Name::Contrasts.figure(of, &wanted);
    let figure = contrasts(&of);
    let svg = figure.draw().svg;
    assert!(row(&svg, "zero").contains(">+\u{a0}better</text>"), "{svg}");
    let said = figure.caption.join(" ");
    assert!(said.contains("m = 3 registered contrasts"), "{said}");
    assert!(!said.contains('*'), "{said}");
    // A star where one stands.
    of.outcome.contrasts[1].verdict = Some(Verdict::BetterWithinMargin);
    let figure = contrasts(&of);
    assert!(row(&figure.draw().svg, "zero").contains(">+\u{a0}better*</text>"));
    let said = figure.caption.join(" ");
    assert!(said.contains("* by less than the margin."), "{said}");
    // Without verdicts there is no column for them.
    for contrast in &mut of.outcome.contrasts {
        contrast.verdict = None;
    }
    assert!(!contrasts(&of).draw().svg.contains('\u{a0}'));
}

#[test]
fn the_sentence_rests_on_the_seeds_that_were_compared_and_not_on_those_that_were_planned() {
    let ruled = |of: &Material| {
        let rule = outcome(&of.view.spec, &of.test, &of.decoders);
        rule.with_open_runs(assay_store::fates(&of.runs, &of.exclusions))
    };
    let mut of = made(REGISTERED, TRAINED, 10, 6);
    // Four of every arm have crashed: nothing is open, and nothing will come.
    for run in of.runs.iter_mut().filter(|run| run.seed >= 6) {
        run.state = RunState::Failed;
    }
    of.outcome = ruled(&of);
    let text = page(&of, "");
    let rests = "6 arms, 6 of 10 seeds, 3 comparisons, Holm-adjusted.";
    assert!(text.contains(rests));
    assert!(!text.contains("still open") && !text.contains(", 10 seeds,"));
    let sft = of.test.iter_mut().find(|arm| arm.id == "sft").unwrap();
    sft.runs.retain(|run| run.seed < 5);
    of.outcome = ruled(&of);
    let rests = "6 arms, 5 to 6 of 10 seeds, 3 comparisons, Holm-adjusted.";
    assert!(page(&of, "").contains(rests));
    let whole = page(&made(REGISTERED, TRAINED, 10, 10), "");
    assert!(whole.contains("6 arms, 10 seeds, 3 comparisons, Holm-adjusted."));
}

#[test]
fn words_for_a_part_of_the_seeds_are_called_that_in_every_file() {
    let of = made(REGISTERED, TRAINED, 10, 6);
    // Four seeds of each of the five arms that some contrast names.
    assert_eq!(of.outcome.interim(), Some(20));
    let (wanted, _) = asked(&of, "");
    let carried = Carried::new(&of, &wanted);
    for table in [Table::Comparison, Table::Verdicts] {
        let sheet = tables::sheet(&of, &wanted, table);
        let json = sheet.json(&carried).to_string();
        for file in [sheet.csv(&carried), sheet.tex(&carried), json] {
            for words in [
                "; 20 runs still open, so verdicts are for the seeds so far",
                " of 6 for the seeds so far",
            ] {
                assert!(file.contains(words), "{words} not in {file}");
            }
        }
    }
    assert_eq!(export::json(&of)["outcome"]["open_runs"], 20);
    let said = "Runs are still open (20): these are the words for the seeds so far.";
    let forest = Name::Forest.figure(&of, &wanted).caption.join(" ");
    assert!(forest.contains(said), "{forest}");
    let text = page(&of, "");
    assert!(text.contains(said));
    assert!(section(&text, "verdicts").contains("Runs are still open (20): "));
    // Of what has ended nothing of it is said.
    let of = made(REGISTERED, TRAINED, 6, 6);
    let carried = Carried::new(&of, &wanted);
    let csv = tables::sheet(&of, &wanted, Table::Verdicts).csv(&carried);
    assert!(!csv.contains("so far"), "{csv}");
    assert!(export::json(&of)["outcome"].get("open_runs").is_none());
}
