//! The verdict in a sentence, what did not work, and files of every table and figure.

use super::figures::{asked, page, with_a_failure};
use super::registered::{ALONE, REGISTERED, TRAINED, made, section};
use super::*;
use crate::charts::Theme;
use carried::Carried;
use tables::Table;

/// Above everything else.
fn verdict(text: &str) -> &str {
    let from = text.find("<div id=\"verdict\"").unwrap();
    &text[from..text.find("<div id=\"basis\"").unwrap()]
}

#[test]
fn the_verdict_is_a_sentence_of_the_registered_rule_with_what_it_rests_on() {
    let text = page(&with_a_failure(), "base=arm-2&metric=length");
    let said = verdict(&text);
    for words in [
        "<strong>Verdict:</strong> ",
        "SFT on clean chains worse than Base, untrained, −0.2",
        "; SFT on clean chains did not work.",
        "3 arms, 5 seeds, 2 comparisons, Holm-adjusted.",
    ] {
        assert!(said.contains(words), "{words} not in {said}");
    }
    assert!(!said.contains("alert") && !said.contains("still open"));
    let few = page(&material(&LABELS, 3, &[3, 3, 3], 0), "");
    assert!(verdict(&few).contains("none yet, for no registered contrast has 5 finished seeds."));
    let part = page(&made(REGISTERED, TRAINED, 10, 6), "");
    assert!(verdict(&part).contains("Runs are still open"));
}

#[test]
fn a_sentence_of_many_contrasts_groups_their_arms_and_leaves_numbers_to_the_table() {
    let labels = ["Base", "A", "B", "C", "D", "E", "F"];
    let mut of = material(&labels, 5, &[5; 7], 0);
    // Five arms fall behind, one gains.
    for (at, arm) in of.test.iter_mut().enumerate().skip(1) {
        for figures in &mut arm.runs {
            for (name, value) in &mut figures.values {
                if *name == metric::PASS_AT_1 {
                    *value = if at == 6 { 0.97 } else { 0.01 } + 0.001 * figures.seed as f64;
                }
            }
        }
    }
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders);
    let text = page(&of, "");
    let said = verdict(&text);
    for words in [
        "worse than Base: A, B, C, D, E; better than Base: F; 5 arms did not work.",
        "6 comparisons, Holm-adjusted.",
    ] {
        assert!(said.contains(words), "{words} not in {said}");
    }
}

#[test]
fn a_withheld_verdict_is_no_sentence_but_an_alert_that_names_what_lacks() {
    let mut of = made(REGISTERED, TRAINED, 6, 6);
    of.decoders[1].runs.retain(|run| run.seed < 2);
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders);
    let text = page(&of, "");
    let said = verdict(&text);
    assert!(!said.contains("Verdict:"), "{said}");
    let add = format!("<a href=\"/experiments/new?from={}\">add</a>", of.view.id);
    for words in [
        "class=\"alert\"",
        "prm: PRM rerank has 2 of 6 seeds finished.",
        add.as_str(),
    ] {
        assert!(said.contains(words), "{words} not in {said}");
    }
    assert!(section(&text, "did-not-work").contains("while verdicts are withheld; 3 registered"));
}

#[test]
fn where_no_attempt_is_registered_an_alert_says_so_and_the_numbers_stay() {
    let mut of = with_a_failure();
    of.view.spec.required_attempts.clear();
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders);
    let text = page(&of, "");
    let said = verdict(&text);
    assert!(
        !said.contains("Verdict:") && !said.contains("worse"),
        "{said}"
    );
    let add = format!("/experiments/new?from={}#f-attempts", of.view.id);
    for words in [
        "class=\"alert\"",
        "registered no unsuccessful-attempt baselines (such as PRM or MCTS).",
        add.as_str(),
    ] {
        assert!(said.contains(words), "{words} not in {said}");
    }
    let rule = section(&text, "verdicts");
    assert_eq!(rule.matches("<td>withheld</td>").count(), 2, "{rule}");
    assert!(rule.contains("no unsuccessful-attempt baseline is registered."));
    let difference = of.outcome.contrasts[0].difference.unwrap();
    let mean = crate::number::difference(crate::number::Kind::Share, &difference);
    let mean = mean.split(' ').next().unwrap();
    assert!(rule.contains(mean), "{mean} not in {rule}");
    // One that is not run, for a reason, is registered: the alert is not there.
    assert!(!page(&with_a_failure(), "").contains("unsuccessful-attempt baseline"));
}

#[test]
fn what_did_not_work_has_its_row_with_expected_and_got_and_a_link_to_its_card() {
    let mut of = with_a_failure();
    let text = page(&of, "");
    let said = section(&text, "did-not-work");
    let card = format!("/experiments/{}/graveyard#arm-arm-1", of.view.id);
    for words in [
        "What did not work (1)",
        "no loss against Base, untrained; no gain was registered",
        "against Base, untrained at equal compute",
        "<td>worse than Base, untrained</td>",
        card.as_str(),
    ] {
        assert!(said.contains(words), "{words} not in {said}");
    }
    assert_eq!(said.matches("<tr data-arm").count(), 1);
    // None of something is said with what it is none of.
    for c in &mut of.outcome.contrasts {
        c.mark = None;
    }
    let text = page(&of, "");
    let said = section(&text, "did-not-work");
    assert!(said.contains("What did not work (0)") && !said.contains("<table"));
    assert!(said.contains("of 2 registered contrasts, 2 with a verdict, none is unsuccessful"));
    assert!(said.contains("15 runs planned: 15 done"));
    // Where the rule has not spoken, there is no zero anywhere.
    let few = page(&material(&LABELS, 3, &[3, 3, 3], 0), "");
    assert!(section(&few, "did-not-work").contains("What did not work (no verdict yet)"));
    assert!(few.matches("Did not work: no verdict yet.").count() > 3);
    assert!(few.contains("3 arms: unsuccessful: no verdict yet, 0 hidden."));
    assert!(!few.contains("0 unsuccessful"));
}

#[test]
fn one_page_has_one_number_of_hidden_arms() {
    let mut of = with_a_failure();
    let text = page(&of, "hide=arm-2");
    assert!(text.contains("Hidden by the link: GRPO from the base."));
    assert_eq!(text.matches("3 arms: 1 unsuccessful, 1 hidden.").count(), 3);
    for c in &mut of.outcome.contrasts {
        c.mark = None;
    }
    let text = page(&of, "hide=arm-2");
    assert!(section(&text, "did-not-work").contains("0 unsuccessful, 1 hidden."));
    assert!(!text.contains(", 0 hidden."));
}

#[test]
fn decoders_and_contrasts_are_files_that_carry_their_own_basis_and_denominator() {
    for (head, arms) in [(REGISTERED, TRAINED), ("baseline: majority\n", ALONE)] {
        let of = made(head, arms, 5, 5);
        let (wanted, _) = asked(&of, "");
        assert_eq!(Name::of_file(&of, "decoders-9"), None);
        assert_eq!(Name::of_file(&of, "forest").is_some(), !of.test.is_empty());
        for word in ["decoders-0", "contrasts"] {
            let name = Name::of_file(&of, word).unwrap();
            let mut carried = Carried::new(&of, &wanted);
            carried.basis = name.basis(&of).unwrap();
            let figure = name.figure(&of, &wanted);
            let svg = files::drawing(&figure, &carried, Theme::Both);
            let csv = numbers::csv(&of, &wanted, &figure, &carried);
            let json = numbers::json(&of, &wanted, &figure, &carried);
            for file in [&svg, &csv, &json.to_string()] {
                for words in [
                    "equal inference",
                    "Hidden: none.",
                    carried.snapshot.as_str(),
                ] {
                    assert!(file.contains(words), "{words} in {word}: {file}");
                }
            }
            assert_eq!(json["figure"], word);
        }
        let carried = Carried::new(&of, &wanted);
        let table = Table::of_file(&of, &wanted, "decoders", "csv").unwrap();
        let csv = tables::sheet(&of, &wanted, table).csv(&carried);
        let rows = csv.lines().filter(|l| l.starts_with("\"rerank\","));
        assert_eq!(rows.count(), 2, "a row a level: {csv}");
        // Under the pictures of the page too.
        let text = page(&of, "");
        for id in ["decoders-0", "verdicts"] {
            let part = section(&text, id);
            assert!(part.contains("<span class=\"count\">") && part.contains(".png"));
        }
        assert!(section(&text, "decoders-0").contains("<details id=\"data-decoders-0\">"));
    }
}

#[test]
fn every_table_is_a_whole_file_and_none_takes_a_word_for_a_column() {
    let mut of = with_a_failure();
    of.view.spec.arms[1].settings_tried = Some(2);
    of.ledger.arms[0]
        .purposes
        .insert("a,b\n=1".into(), Cost::default());
    of.pass_at_k = (0..5)
        .map(|seed| assay_store::PassAtK {
            arm_key: "arm-1".into(),
            seed,
            samples: 8,
            values: vec![(1, 0.2), (2, 0.3 + 0.01 * seed as f64)],
        })
        .collect();
    let (wanted, _) = asked(&of, "");
    let carried = Carried::new(&of, &wanted);
    for (word, ending, head) in [
        ("table", "csv", ",p_holm,verdict,dollars,status,why"),
        ("costs", "csv", "arm,label,runs,charged,for_a_b__1,apart,"),
        ("matrix", "csv", "key,arm_arm-0,arm_arm-1,arm_arm-2"),
        (
            "runs",
            "csv",
            "arm,label,seed,run,state,validation_pass_at_1,left_out,status,why",
        ),
        (
            "spent",
            "csv",
            "purpose,by_an_earlier_experiment,tokens,flops,device_s",
        ),
        (
            "excluded",
            "tex",
            "label & seed & at & left out & holds & reason",
        ),
        ("passk", "tex", "label & n & pass at 1 & pass at 2"),
    ] {
        let table = Table::of_file(&of, &wanted, word, ending).unwrap();
        let sheet = tables::sheet(&of, &wanted, table);
        let (csv, tex) = (sheet.csv(&carried), sheet.tex(&carried));
        let whole = if ending == "csv" { &csv } else { &tex };
        assert!(whole.contains(head), "{head} in {whole}");
        assert!(csv.contains("Hidden: none.") && tex.contains("Hidden: none."));
        assert_eq!(tex.matches('{').count(), tex.matches('}').count(), "{tex}");
        assert!(sheet.json(&carried)["rows"].is_array());
    }
    // Its band over questions is in the figure's numbers alone.
    let (over, _) = asked(&of, "questions=1");
    assert_eq!(Table::of_file(&of, &over, "passk", "tex"), None);
    let tries = Table::of_file(&of, &wanted, "passk", "tex").unwrap();
    let tex = tables::sheet(&of, &wanted, tries).tex(&carried);
    assert!(
        tex.contains("$\\times$ SFT on clean chains & 5 & $0.200$ $\\pm$"),
        "{tex}"
    );
    assert_eq!(
        Table::of_file(&of, &wanted, "passk", "csv"),
        None,
        "the figure has it"
    );
    assert_eq!(Table::of_file(&of, &wanted, "decoders", "csv"), None);
    assert_eq!(
        Table::of_file(&of, &wanted, "both-ways", "csv"),
        None,
        "none is left out"
    );
}

#[test]
fn a_file_of_the_whole_or_of_a_part_says_nothing_of_how_many_it_draws() {
    let of = with_a_failure();
    let (wanted, _) = asked(&of, "");
    let figure = Name::Forest.figure(&of, &wanted);
    let drawn = Carried::new(&of, &wanted).of_figure(&of, &figure);
    let drawn = drawn.denominator.line();
    assert!(drawn.ends_with(", all drawn. Hidden: none."), "{drawn}");
    let mut behind = Carried::new(&of, &wanted).denominator;
    let whole = behind.line();
    assert!(
        whole.ends_with("Did not work: 1 of 3. Hidden: none."),
        "{whole}"
    );
    behind.part = true;
    let part = behind.line();
    assert!(
        !part.contains("drawn") && !part.contains("Hidden"),
        "{part}"
    );
    assert!(part.contains("Did not work: 1 of 3."), "{part}");
    // Whom a link has hidden is named all the same.
    let (wanted, _) = asked(&of, "hide=arm-2");
    let mut behind = Carried::new(&of, &wanted).denominator;
    behind.part = true;
    assert!(behind.line().contains("Hidden by the link: "));
}

#[test]
fn what_was_not_run_is_said_beside_the_verdict_and_in_every_file() {
    let said = "mcts: not run, because: Too dear for two cores.";
    let mut of = made(REGISTERED, TRAINED, 6, 6);
    let text = page(&of, "");
    assert!(verdict(&text).contains(said), "{}", verdict(&text));
    let (wanted, _) = asked(&of, "");
    let carried = Carried::new(&of, &wanted);
    for table in [Table::Verdicts, Table::Comparison] {
        let sheet = tables::sheet(&of, &wanted, table);
        assert!(sheet.said.starts_with("Required attempts: "));
        for words in [
            "prm: PRM rerank, in the comparison",
            said.trim_end_matches('.'),
        ] {
            assert!(sheet.said.contains(words), "{}", sheet.said);
        }
        let csv = sheet.csv(&carried);
        assert!(csv.contains(&format!("\r\n# {said}\r\n")), "{csv}");
        let tex = sheet.tex(&carried);
        let caption = tex.lines().find(|line| line.starts_with("\\caption"));
        assert!(caption.unwrap().contains(said), "{tex}");
        let json = crate::pages::filed::value(&sheet, false, &carried);
        assert_eq!(json["not_run"][0]["role"], "mcts");
        assert_eq!(json["caption"], sheet.said.as_str());
    }
    let figure = Name::Forest.figure(&of, &wanted);
    assert!(files::drawing(&figure, &carried, Theme::Both).contains(said));
    // While the verdict is withheld too.
    of.decoders[1].runs.retain(|run| run.seed < 2);
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders);
    let text = page(&of, "");
    let withheld = verdict(&text);
    assert!(withheld.contains("class=\"alert\"") && withheld.contains(said));
    // Nothing is said where all that was required was run.
    let of = made("baseline: majority\n", ALONE, 5, 5);
    assert!(!page(&of, "").contains("not run, because"));
}
