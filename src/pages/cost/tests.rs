//! The page without a database; over HTTP it is in `tests/pages/forms.rs`.

use super::*;
use crate::pages::tests::assert_is_clean;

fn render(prices: Vec<Price>, query: &str) -> String {
    let of = Material {
        experiments: vec![],
        chosen: None,
        prices,
        speeds: vec![],
        more: false,
    };
    let ask = WhatIf::read(&mut Asked::read(query));
    let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(9);
    let text = CostPage::new(Shell::plain("Cost"), &of, ask, now)
        .render()
        .unwrap();
    assert_is_clean(&text);
    text
}

fn price(device: &str, dollars: f64, days: i64) -> Price {
    Price {
        id: days,
        device: device.into(),
        dollars_per_hour: dollars,
        valid_from: OffsetDateTime::UNIX_EPOCH + time::Duration::days(days),
        source: "<img src=x> list".into(),
        entered_at: OffsetDateTime::UNIX_EPOCH,
    }
}

#[test]
fn without_a_price_and_a_rate_there_is_not_one_dollar_on_the_page() {
    let text = render(vec![], "gpus=8&hours=12");
    // What the notes on the sources say of their own reckoning is theirs.
    let own = &text[..text.find("id=\"published\"").unwrap()];
    assert!(
        !own.contains("= $") && own.contains("96 GPU-hours"),
        "{own}"
    );
    assert!(own.contains("No price is known") && own.contains("assay price add"));
    assert!(!text.contains("At $"));
}

#[test]
fn the_published_figures_stand_with_their_parts_sources_and_the_correction() {
    let text = render(vec![], "rate=2");
    for words in [
        "147,336",
        "512 × 198 h = 101,376",
        "512 × 80 h = 40,960",
        "5,000",
        "2,788,000",
        "2,664,000",
        "119,000",
        "30,840,000",
        "39,300,000",
        "11.1 times the hours",
        "not 14.1 times",
        "not the same unit",
        "648 GPUs",
        "failed attempts",
        "without the V3 base",
        "$294,672",
        "$5,576,000",
        "2025-09-17",
        "model card",
        "H800",
        "H100",
    ] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn the_newest_price_that_has_begun_is_in_force() {
    let text = render(
        vec![
            price("cpu", 9.0, 20),
            price("CPU", 0.05, 5),
            price("cpu", 0.04, 1),
            price("cuda", 2.0, 1),
        ],
        "",
    );
    assert_eq!(text.matches("in force").count(), 2);
    let at = text.find("$0.05").unwrap();
    assert!(text[at..at + 200].contains("in force"));
    assert!(!text.contains("<img"));
}
