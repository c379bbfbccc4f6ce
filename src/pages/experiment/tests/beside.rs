//! What of the registered rule stands beside a number, and over how many seeds the number is.

use super::figures::{asked, page, with_a_failure};
use super::registered::{REGISTERED, TRAINED, made, section};
use super::*;
use crate::charts::Fate;
use crate::pages::sheet::Sheet;
use serde_json::Value;
use tables::Table;

/// SFT is worse than R1-Zero and better than the base, which is the baseline and is not what it
/// was registered against.
const AGAINST_OTHERS: &str = "
baseline: base
contrasts:
  - { arm: sft, against: zero }
  - { arm: zero, against: base }
required_attempts: { mcts: { not_run: Too dear for two cores. } }";

/// The same arm against both, of which it falls behind one alone.
const AGAINST_BOTH: &str = "
baseline: zero
contrasts:
  - { arm: sft, against: zero }
  - { arm: sft, against: base }
  - { arm: zero, against: base }
required_attempts: { mcts: { not_run: Too dear for two cores. } }";

/// The head and the cells of an arm's row in the comparison.
fn row<'a>(text: &'a str, arm: &str) -> Vec<&'a str> {
    let table = section(text, "table");
    let from = table.find(&format!("<tr data-arm=\"{arm}\">")).unwrap();
    let row = &table[from..];
    row[..row.find("</tr>").unwrap()].split("<td").collect()
}

const P: usize = 5;
const VERDICT: usize = 6;

fn compared(of: &Material, query: &str) -> Sheet {
    tables::sheet(of, &asked(of, query).0, Table::Comparison)
}

/// The same row for programs.
fn filed(of: &Material, query: &str, arm: &str) -> Value {
    let carried = Carried::new(of, &asked(of, query).0);
    let json = compared(of, query).json(&carried);
    let rows = json["rows"].as_array().unwrap();
    rows.iter().find(|r| r["arm"] == arm).unwrap().clone()
}

#[test]
fn beside_a_difference_in_another_metric_there_is_no_p_value_and_no_word() {
    let of = with_a_failure();
    let text = page(&of, "");
    let registered = row(&text, "arm-1");
    assert_eq!(registered[P], " class=\"n\">&#60;0.001</td>");
    assert_eq!(registered[VERDICT], ">-\u{a0}worse</td>");
    assert!(registered[0].contains("× SFT on clean chains <small>unsuccessful</small>"));
    let own = filed(&of, "", "arm-1");
    assert!(own["p_holm"].as_f64().unwrap() < 0.001, "{own}");
    assert_eq!(own["verdict"], "worse");
    assert_eq!(own["mark"], "unsuccessful");
    for query in ["metric=length", "metric=maj", "metric=truncated"] {
        let text = page(&of, query);
        let other = row(&text, "arm-1");
        assert_eq!(other[P], " class=\"n\"></td>", "{query}");
        assert_eq!(
            other[VERDICT], ">none: registered in pass@1</td>",
            "{query}"
        );
        // The finding stays, and says what it is of.
        assert!(other[0].contains("× SFT on clean chains <small>unsuccessful in pass@1</small>"));
        assert!(section(&text, "table").contains("<td>worse than Base, untrained in pass@1</td>"));
        let other = filed(&of, query, "arm-1");
        assert!(
            other["p_holm"].is_null() && other["verdict"].is_null(),
            "{other}"
        );
        assert_eq!(other["mark"], "unsuccessful in pass@1");
        let sheet = compared(&of, query);
        assert!(
            sheet
                .title
                .contains("Contrasts are registered in pass@1: no p-value")
        );
        let tex = sheet.tex(&Carried::new(&of, &asked(&of, query).0));
        assert!(tex.contains("$\\times$ SFT on clean chains &"), "{tex}");
        assert!(!tex.contains("worse") && !tex.contains("0.001"), "{tex}");
    }
    assert!(!compared(&of, "").title.contains("Contrasts are registered"));
}

#[test]
fn no_p_value_stands_beside_a_difference_to_another_arm_than_it_is_of() {
    let of = made(AGAINST_OTHERS, TRAINED, 5, 5);
    let text = page(&of, "");
    let sft = row(&text, "sft");
    assert_eq!(sft[P], " class=\"n\"></td>");
    assert_eq!(sft[VERDICT], ">-\u{a0}worse, against R1-Zero</td>");
    assert!(sft[0].contains("× SFT alone <small>unsuccessful against R1-Zero</small>"));
    let zero = row(&text, "zero");
    assert_eq!(zero[P], " class=\"n\">&#60;0.001</td>");
    assert_eq!(zero[VERDICT], ">+\u{a0}better</td>");
    let sft = filed(&of, "", "sft");
    assert!(sft["difference"]["mean"].as_f64().unwrap() > 0.0, "{sft}");
    assert!(sft["p_holm"].is_null() && sft["verdict"].is_null(), "{sft}");
    assert_eq!(sft["mark"], "unsuccessful against R1-Zero");
    assert_eq!(filed(&of, "", "zero")["verdict"], "better");
    let text = page(&of, "metric=length");
    let sft = row(&text, "sft");
    assert_eq!(
        sft[VERDICT],
        ">none: registered in pass@1, against R1-Zero</td>"
    );
    assert!(sft[0].contains("<small>unsuccessful in pass@1 against R1-Zero</small>"));
    // Of two contrasts the row has its own; the baseline's has no difference at all.
    let of = made(AGAINST_BOTH, TRAINED, 5, 5);
    let text = page(&of, "");
    assert_eq!(row(&text, "sft")[VERDICT], ">-\u{a0}worse</td>");
    assert!(row(&text, "sft")[0].contains("<small>unsuccessful</small>"));
    let zero = row(&text, "zero");
    assert_eq!(zero[P], " class=\"n\"></td>");
    assert_eq!(zero[VERDICT], ">+\u{a0}better, against Base model</td>");
    let zero = filed(&of, "", "zero");
    assert!(
        zero["p_holm"].is_null() && zero["verdict"].is_null(),
        "{zero}"
    );
}

#[test]
fn a_contrast_is_drawn_by_its_own_mark_and_not_by_the_arms() {
    let drawn = |of: &Material| {
        let (wanted, _) = asked(of, "");
        let figure = Name::Contrasts.figure(of, &wanted);
        let carried = Carried::new(of, &wanted);
        let csv = numbers::csv(of, &wanted, &figure, &carried);
        let json = numbers::json(of, &wanted, &figure, &carried);
        let figure::Chart::Rows(chart) = figure.chart else {
            panic!("rows")
        };
        (chart.rows, csv, json["rows"].clone())
    };
    let of = made(AGAINST_BOTH, TRAINED, 5, 5);
    assert_eq!(of.mark("sft"), Some(Mark::Unsuccessful));
    let (rows, csv, json) = drawn(&of);
    assert_eq!(rows[0].label, "SFT alone against Base model");
    assert_eq!(rows[0].fate, Fate::Ordinary);
    assert_eq!(json[0]["unsuccessful"], false);
    assert!(
        csv.contains("\r\n\"sft\",\"SFT alone against Base model\",,"),
        "{csv}"
    );
    assert!(!csv.contains(",unsuccessful,"), "{csv}");
    // And the other way round: what is worse in its own contrast is marked there.
    let of = made(AGAINST_OTHERS, TRAINED, 5, 5);
    let (rows, csv, json) = drawn(&of);
    assert_eq!(rows[0].label, "× SFT alone against R1-Zero (unsuccessful)");
    assert_eq!(rows[0].fate, Fate::Unsuccessful);
    assert_eq!(json[0]["unsuccessful"], true);
    assert_eq!(json[0]["label"], "SFT alone against R1-Zero");
    let line = "\r\n\"sft\",\"SFT alone against R1-Zero\",unsuccessful,";
    assert!(csv.contains(line), "{csv}");
}

#[test]
fn a_difference_of_fewer_pairs_than_the_arm_has_seeds_says_of_how_many() {
    let of = material(&LABELS, 5, &[3, 5, 5], 0);
    let text = page(&of, "");
    for arm in ["arm-1", "arm-2"] {
        let cells = row(&text, arm);
        assert!(cells[2].contains("5 of 5"), "{cells:?}");
        // Both differences of the row; neither of its values.
        let paired = cells
            .iter()
            .filter(|cell| cell.contains("], n = 3</small>"));
        assert_eq!(paired.count(), 2, "{cells:?}");
        assert!(cells[4].contains("], n = 3</small>"), "{cells:?}");
    }
    let tex = |of: &Material| compared(of, "").tex(&Carried::new(of, &asked(of, "").0));
    assert_eq!(tex(&of).matches("($n = 3$)").count(), 2);
    // Nothing is said where it is the arm's own number.
    let whole = material(&LABELS, 5, &[5, 5, 5], 0);
    assert!(!section(&page(&whole, ""), "table").contains("], n = "));
    assert!(!tex(&whole).contains("($n = "));
}

/// Of a page's table in this section, or of a file's rows.
fn arms(section: &str) -> Vec<&str> {
    let body = section.split("<tbody>").nth(1).unwrap();
    let rows = body[..body.find("</tbody>").unwrap()].split("<tr data-arm=\"");
    let keys = rows.skip(1).map(|row| row.split('"').next().unwrap());
    keys.collect()
}

fn arms_of_file(of: &Material, query: &str, table: Table) -> Vec<String> {
    let (wanted, _) = asked(of, query);
    let json = tables::sheet(of, &wanted, table).json(&Carried::new(of, &wanted));
    let rows = json["rows"].as_array().unwrap().iter();
    let mut keys: Vec<String> = rows.map(|r| r["arm"].as_str().unwrap().into()).collect();
    keys.dedup();
    keys
}

fn arms_drawn(of: &Material, query: &str, name: Name) -> Vec<String> {
    let figure = name.figure(of, &asked(of, query).0);
    let figure::Chart::Rows(chart) = figure.chart else {
        panic!("rows")
    };
    chart.rows.into_iter().map(|row| row.key).collect()
}

#[test]
fn seeds_and_more_tries_stand_in_the_order_of_the_table() {
    let mut of = with_a_failure();
    let tries = of.runs.iter().map(|run| assay_store::PassAtK {
        arm_key: run.arm.key.clone(),
        seed: run.seed,
        samples: 8,
        values: vec![(1, 0.4), (2, 0.5)],
    });
    of.pass_at_k = tries.collect();
    for (query, order) in [
        ("", ["arm-2", "arm-0", "arm-1"]),
        ("sort=effect", ["arm-2", "arm-0", "arm-1"]),
        ("sort=name", ["arm-0", "arm-2", "arm-1"]),
        ("sort=file", ["arm-0", "arm-1", "arm-2"]),
    ] {
        assert_eq!(arms_drawn(&of, query, Name::Seeds), order, "{query}");
        let text = page(&of, query);
        assert_eq!(arms(section(&text, "table")), order, "{query}");
        assert_eq!(arms(section(&text, "tries")), order, "{query}");
        assert_eq!(arms_of_file(&of, query, Table::Tries), order, "{query}");
    }
    // With the sign of what did not work.
    let text = page(&of, "");
    let tries = section(&text, "tries");
    assert!(tries.contains("<th scope=\"row\">× SFT on clean chains (unsuccessful)</th>"));
}

#[test]
fn decoders_stand_in_the_order_that_is_asked_for_and_have_their_sign() {
    let of = made(REGISTERED, TRAINED, 5, 5);
    for (query, order) in [
        ("", ["rerank", "majority"]),
        ("sort=name", ["majority", "rerank"]),
        ("sort=file", ["majority", "rerank"]),
    ] {
        let text = page(&of, query);
        let own = section(&text, "decoders-0");
        assert_eq!(arms(own), order, "{query}");
        let filed = arms_of_file(&of, query, Table::Decoders);
        assert_eq!(filed, [&order[..], &["longest"][..]].concat(), "{query}");
        assert_eq!(own.contains("Rows by the share"), query.is_empty());
    }
    let worse = "
baseline: zero
contrasts: [{ arm: majority, against: rerank }]
required_attempts: { mcts: { not_run: Too dear for two cores. } }";
    let text = page(&made(worse, TRAINED, 5, 5), "");
    let said = section(&text, "decoders-0");
    assert!(
        said.contains("× Majority <small>unsuccessful</small>"),
        "{said}"
    );
}

#[test]
fn contrasts_are_drawn_as_registered_unless_an_order_is_asked_for() {
    let of = made(AGAINST_BOTH, TRAINED, 5, 5);
    let order = |query: &str| arms_drawn(&of, query, Name::Contrasts);
    assert_eq!(order(""), ["sft", "zero"]);
    assert_eq!(order("sort=file"), ["sft", "zero"]);
    assert_eq!(order("sort=effect"), ["zero", "sft"]);
    assert_eq!(order("sort=name"), ["zero", "sft"]);
}

#[test]
fn how_hard_arms_were_tried_is_of_those_that_train_and_stands_in_every_file() {
    let mut of = made(REGISTERED, TRAINED, 5, 5);
    let silent = "Settings tried for each arm before it was frozen: not stated.";
    assert_eq!(page(&of, "").matches(silent).count(), 1);
    assert_eq!(filed(&of, "", "sft")["settings_tried"], "not stated");
    for arm in &mut of.view.spec.arms {
        if arm.trains() {
            arm.settings_tried = Some(3);
        }
    }
    // Decoders, of which none states any, are no reason to call these unequal.
    let text = page(&of, "");
    assert!(!text.contains("unequal") && !text.contains(silent));
    assert_eq!(text.matches("<small>3 settings tried</small>").count(), 2);
    assert_eq!(filed(&of, "", "sft")["settings_tried"], 3);
    assert!(filed(&of, "", "base")["settings_tried"].is_null());
    let carried = Carried::new(&of, &asked(&of, "").0);
    let tex = compared(&of, "").tex(&carried);
    assert!(tex.contains(" & settings tried & "), "{tex}");
    let csv = export::csv(&of);
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let at = head.iter().position(|h| *h == "settings_tried").unwrap();
    let tried = |start: &str| {
        let line = csv.lines().find(|l| l.starts_with(start)).unwrap();
        line.split(',').nth(at).unwrap().to_string()
    };
    assert_eq!(
        [
            tried("arm,\"sft\""),
            tried("arm,\"base\""),
            tried("decoder,")
        ],
        ["3", "", ""]
    );
    let json = export::whole(&of, &carried);
    assert_eq!(json["settings_tried"][1]["arm"], "sft");
    assert_eq!(json["settings_tried"][1]["settings_tried"], 3);
    assert!(json["settings_tried"][0]["settings_tried"].is_null());
    assert_eq!(json["snapshot"], carried.snapshot);
    // One that was tried harder is still flagged.
    of.view.spec.arms[1].settings_tried = Some(4);
    assert!(page(&of, "").contains("<small>4 settings tried, unequal</small>"));
}
