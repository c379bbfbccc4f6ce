//! The page without a database; over HTTP it is in `tests/pages/forms.rs`.

use super::*;
use crate::pages::tests::assert_is_clean;
use assay_core::compare::{ArmFigures, RunFigures};
use assay_core::device::Device;
use assay_core::ids::{ArmId, StageId};
use assay_core::ledger::Cost;
use assay_core::metric;
use assay_core::outcome::outcome;
use assay_core::spec::Experiment;
use assay_store::{ArmView, ExperimentView};

fn render(prices: Vec<Price>, query: &str) -> String {
    rendered(
        &Material {
            experiments: vec![],
            chosen: None,
            prices,
            without: vec![],
            speeds: vec![],
            more: false,
        },
        query,
    )
}

fn rendered(of: &Material, query: &str) -> String {
    let ask = WhatIf::read(&mut Asked::read(query));
    let now = OffsetDateTime::UNIX_EPOCH + time::Duration::days(9);
    let text = CostPage::new(Shell::plain("Cost"), of, ask, now)
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

/// Two arms, `down` by 0.3 the worse, at so many finished seeds; a minute for each.
fn spent(seeds: u64, name: &str) -> (Judged, Vec<StageSpend>) {
    let spec = Experiment::from_text(
        "
name: spent
question: q?
task: { name: modchain }
seeds: 5
budget: { unit: flops, amount: 4.0e+11 }
baseline: base
required_attempts: { prm: { not_run: Not asked here. }, mcts: { not_run: Not asked here. } }
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: base, policy: base }
  - { id: down, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }",
    )
    .unwrap_or_else(|v| panic!("{v}"));
    let arm = |id: &str, value: f64| ArmFigures {
        id: id.into(),
        label: id.into(),
        trains: true,
        planned_seeds: 5,
        runs: (0..seeds)
            .map(|seed| RunFigures {
                seed,
                charged: 4e11,
                values: vec![(metric::PASS_AT_1.into(), value + 0.001 * seed as f64)],
                excluded: false,
            })
            .collect(),
    };
    let arms = vec![arm("base", 0.5), arm("down", 0.2)];
    let stage = |arm: &str| StageSpend {
        stage: StageId(uuid::Uuid::nil()),
        arms: vec![arm.into()],
        all: Cost {
            device_ms: 60_000.0,
            ..Cost::default()
        },
        evaluation: Cost::default(),
        lost: Cost::default(),
        dollars: None,
        unpriced_ms: 60_000.0,
    };
    let judged = Judged {
        outcome: outcome(&spec, &arms, &[]),
        view: ExperimentView {
            id: ExperimentId(uuid::Uuid::nil()),
            name: name.into(),
            question: spec.question.clone(),
            version: 1,
            sha256: String::new(),
            frozen_at: OffsetDateTime::UNIX_EPOCH,
            created_at: OffsetDateTime::UNIX_EPOCH,
            arms: (0..)
                .zip(&spec.arms)
                .map(|(position, arm)| ArmView {
                    id: ArmId(uuid::Uuid::nil()),
                    position,
                    key: arm.id.clone(),
                    label: arm.label.clone(),
                    trains: true,
                })
                .collect(),
            spec,
        },
        arms,
        decoders: vec![],
    };
    (judged, vec![stage("base"), stage("down")])
}

#[test]
fn a_share_of_what_did_not_work_is_a_number_only_where_the_rule_has_spoken() {
    let of = |experiments, chosen| Material {
        experiments,
        chosen,
        prices: vec![],
        without: vec![],
        speeds: vec![],
        more: false,
    };
    let section = |of: &Material| {
        let text = rendered(of, "");
        let at = text.find("id=\"spent\"").unwrap();
        text[at..at + text[at..].find("</section>").unwrap()].to_string()
    };
    let shown = format!("Detectable: in {} of experiments", number::percent(POWER));
    assert!(section(&of(vec![spent(5, "ruled")], None)).contains(&shown));
    let half = "<td class=\"n\">50 % (1 min 0 s)</td>";
    let ruled = section(&of(vec![spent(5, "ruled")], None));
    assert!(ruled.contains(half), "{ruled}");
    // Three seeds are too few for the rule; a missing attempt withholds its words.
    let few = section(&of(
        vec![spent(3, "few"), spent(3, "too")],
        Some(spent(3, "few")),
    ));
    assert_eq!(
        few.matches("<td class=\"n\">no verdict yet</td>").count(),
        3
    );
    assert!(!few.contains("0 % (") && few.contains("No verdict has been given yet"));
    let mut withheld = spent(5, "withheld");
    withheld.0.outcome.withheld = true;
    let text = section(&of(vec![withheld], None));
    assert!(
        text.contains("<td class=\"n\">no verdict yet (withheld)</td>"),
        "{text}"
    );
    // The sum is over those that have a verdict, and says so.
    let both = section(&of(vec![spent(5, "ruled"), spent(3, "few")], None));
    let sum = "<td class=\"n\">50 % (1 min 0 s) of 1 experiment with a verdict</td>";
    assert!(both.contains(half) && both.contains(sum), "{both}");
    let all = section(&of(vec![spent(5, "ruled"), spent(5, "too")], None));
    assert!(
        all.contains("<td class=\"n\">50 % (2 min 0 s)</td>"),
        "{all}"
    );
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
        "$370K",
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
fn the_table_of_published_figures_as_a_file_has_the_footnotes_of_the_page() {
    let sheet = files::published_hours(None);
    for words in [
        "11.1 times",
        "not 14.1 times",
        "39.3 M",
        "not the same unit",
    ] {
        assert!(sheet.said.contains(words), "{words} in {}", sheet.said);
    }
    let rows = sheet.numbers();
    for (at, column, words) in [
        (0, "notes", "648 GPUs"),
        (0, "notes", "$370K"),
        (0, "parts", "R1-Zero: 512 × 198 h = 101,376"),
        (1, "parts", "pre-training: 2,664,000"),
        (1, "notes", "failed attempts"),
        (2, "notes", "30.84M"),
    ] {
        let cell = rows[at][column].as_str().unwrap();
        assert!(cell.contains(words), "{words} in {cell}");
    }
    assert!(rows[0]["dollars"].is_null());
}

#[test]
fn links_of_the_page_keep_all_that_was_typed() {
    let speed = KindSpeed {
        kind: "grpo".into(),
        device: Device {
            name: "NVIDIA <H200>".into(),
            class: "cuda".into(),
        },
        stages: 4,
        sum: Cost {
            device_ms: 10_000.0,
            ..Cost::default()
        },
        rollout_tokens: 50_000.0,
        ..KindSpeed::default()
    };
    let of = Material {
        experiments: vec![spent(5, "listed")],
        chosen: Some(spent(5, "chosen")),
        prices: vec![price("cpu", 0.05, 5)],
        without: vec![],
        speeds: vec![speed],
        more: false,
    };
    let text = rendered(&of, "gpus=8&hours=12&seeds=5&train=3");
    let experiment = format!("&#38;experiment={}", uuid::Uuid::nil());
    for (words, query) in [
        (
            "<bdi>grpo on NVIDIA &#60;H200&#62;: 5.00 k tokens of rollouts",
            // Its seconds of training are in the speed.
            "/cost?gpus=8&#38;hours=12&#38;seeds=5&#38;speed=5000",
        ),
        (
            "as the rate here",
            "/cost?gpus=8&#38;hours=12&#38;rate=0.05&#38;seeds=5&#38;train=3",
        ),
        (
            "Link to this estimate",
            "/cost?gpus=8&#38;hours=12&#38;seeds=5&#38;train=3",
        ),
        (
            "action=\"/cost/prices?",
            "/cost/prices?gpus=8&#38;hours=12&#38;seeds=5&#38;train=3",
        ),
    ] {
        assert!(text.contains(words), "{words}\n{text}");
        let query = format!("=\"{query}{experiment}\"");
        assert!(text.contains(&query), "{query}\n{text}");
    }
}

#[test]
fn where_the_rule_has_not_spoken_nothing_is_said_to_be_spent_on_what_failed() {
    let of = |seeds: u64| Material {
        experiments: vec![spent(seeds, "n")],
        chosen: None,
        prices: vec![],
        without: vec![],
        speeds: vec![],
        more: false,
    };
    let row = |seeds: u64| files::by_experiment(&of(seeds)).numbers()[0].clone();
    let open = row(0);
    assert!(open["on_unsuccessful_s"].is_null(), "{open}");
    assert_eq!(open["no_verdict"], "no verdict yet");
    let said = row(5);
    assert_eq!(said["on_unsuccessful_s"], 60.0);
    assert!(said["no_verdict"].is_null(), "{said}");
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

#[test]
fn a_device_without_a_price_is_named_with_the_form_that_has_its_name() {
    let of = Material {
        experiments: vec![],
        chosen: None,
        prices: vec![price("AMD EPYC 9654 96-Core Processor", 2.0, 1)],
        without: vec!["<b>NVIDIA H200".into(), store::UNKNOWN_DEVICE.into()],
        speeds: vec![],
        more: false,
    };
    let text = rendered(&of, "");
    for words in [
        "id=\"unpriced\"",
        "<a href=\"/cost?device=%3Cb%3ENVIDIA%20H200#price-form\"><bdi>&#60;b&#62;NVIDIA H200</bdi></a>",
        "<bdi>unknown device</bdi>, whose worker has told no name",
        "<details id=\"price-form\"><summary>",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    let now = OffsetDateTime::UNIX_EPOCH;
    let ask = WhatIf::read(&mut Asked::read(""));
    let mut page = CostPage::new(Shell::plain("Cost"), &of, ask, now);
    page.form = PriceForm::of("NVIDIA \"H200\"", now);
    let text = page.render().unwrap();
    assert!(text.contains("<details id=\"price-form\" open><summary>"));
    assert!(text.contains(
        "name=\"device\" size=\"20\" maxlength=\"80\" value=\"NVIDIA &#34;H200&#34;\" required"
    ));
    assert!(!render(vec![], "").contains("id=\"unpriced\""));
}
