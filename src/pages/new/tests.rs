//! The form from made-up drafts; over HTTP it is in `tests/pages`.

use super::estimate::{Ground, estimate_view};
use super::*;
use crate::pages::tests::assert_is_clean;
use assay_core::device::Device;
use assay_core::estimate::{KindBasis, WorkEstimate};
use assay_core::spec::BudgetUnit;
use assay_store::Price;
use time::{Duration, OffsetDateTime};

fn draft(name: &str) -> (Value, Draft) {
    let base = Base::preset(name, Size::Demo).unwrap();
    let file = overlay::read(presets::find(name).unwrap().text).unwrap();
    let draft = Draft {
        base: Some(base),
        fields: Some(Fields::of(&file)),
        yaml: overlay::write(&file).unwrap(),
        ..Draft::default()
    };
    (file, draft)
}

fn render(of: Draft) -> String {
    let text = NewPage::new(Shell::plain("New experiment"), of)
        .render()
        .unwrap();
    assert_is_clean(&text);
    text
}

#[test]
fn without_a_preset_the_page_offers_them_all_and_the_file() {
    let text = render(Draft::default());
    for preset in presets::ALL {
        assert!(text.contains(&format!("?preset={}\"", preset.name)));
    }
    assert!(text.contains("name=\"yaml\"") && !text.contains("id=\"f-name\""));
}

#[test]
fn every_arm_is_ticked_and_required_attempts_ask_for_a_reason() {
    let (_, of) = draft("r1-miniature");
    let text = render(of);
    let arms = text.matches("name=\"arm\"").count();
    assert_eq!(arms, text.matches(" checked").count());
    let file = presets::find("r1-miniature").unwrap().text;
    assert_eq!(arms, Experiment::from_text(file).unwrap().arms.len());
    for words in [
        "required attempt: prm",
        "baseline</small>",
        "name=\"reason-mcts\"",
        "why is it not run?",
        "name=\"key\"",
    ] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn errors_stand_beside_their_fields_and_on_top_with_links() {
    let (_, mut of) = draft("quick");
    of.violations = vec![
        Violation::new("/name", "must not be empty"),
        Violation::new("/arms/2/stages/0/inputs/init", "no stage \"<b>\""),
        Violation::new("/stages/0/kind", "expected one of …"),
    ];
    let text = render(of);
    for words in [
        "3 things are wrong",
        "href=\"#f-name\"",
        "href=\"#f-arm-grpo\"",
        "href=\"#f-yaml\"",
        "<strong class=\"bad\">must not be empty</strong>",
        "aria-invalid=\"true\"",
        "stages/0/inputs/init: no stage",
    ] {
        assert!(text.contains(words), "{words}");
    }
    // Values are kept.
    assert!(text.contains("Quick look at R1-Zero in miniature"));
}

#[test]
fn parameters_of_stages_are_fields_and_a_wrong_one_opens_them_with_its_pointer() {
    let (_, of) = draft("quick");
    let text = render(of);
    assert!(text.contains("<details id=\"recipe\"><summary>"), "folded");
    for words in [
        "name=\"p.grpo.grpo.learning_rate\" size=\"9\" value=\"3e-4\"",
        "name=\"p.grpo.grpo.num_generations\" size=\"9\" value=\"16\"",
        "aria-label=\"Group size of grpo in GRPO from base\"",
        "name=\"p..base.learning_rate\"",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    let (file, mut of) = draft("quick");
    let mut sent: Vec<(String, String)> = Fields::of(&file)
        .arms
        .iter()
        .map(|arm| ("arm".to_string(), arm.id.clone()))
        // The arm before it is unticked: what is wrong has another place in the file.
        .filter(|(_, id)| id != "sft")
        .collect();
    sent.push(("p.grpo.grpo.learning_rate".into(), "\"fast".into()));
    let fields = Fields::read(&file, &sent);
    of.violations = Experiment::from_value(&fields.lay_over(&file))
        .unwrap_err()
        .0;
    of.fields = Some(fields);
    let text = render(of);
    for words in [
        "<details id=\"recipe\" open>",
        "One thing is",
        "href=\"#f-p.grpo.grpo.learning_rate\"",
        "value=\"&#34;fast\"",
        "<strong>/arms/1/stages/0/learning_rate: ",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn hostile_answers_stay_text_and_are_kept() {
    let (file, mut of) = draft("quick");
    let bad = "\"></textarea><script>alert(1)</script>";
    let sent = [
        ("name".to_string(), bad.to_string()),
        ("hypothesis".to_string(), bad.to_string()),
        ("arm".to_string(), bad.to_string()),
    ];
    let fields = Fields::read(&file, &sent);
    assert!(fields.arms.iter().all(|arm| !arm.ticked));
    of.yaml = bad.into();
    of.fields = Some(fields);
    let text = render(of);
    assert!(!text.contains("<script>alert") && text.contains("alert(1)"));
}

fn work(seeds: usize) -> WorkEstimate {
    WorkEstimate {
        unit: BudgetUnit::Flops,
        amount: 4e11,
        training_arms: 2,
        seeds,
        training: 8e11 * seeds as f64,
        stages: 10,
        known: 1,
        device_ms: Some(7.2e6),
        spread_ms: None,
        basis: vec![],
        without: vec![],
    }
}

fn device(name: &str, class: &str) -> Device {
    Device {
        name: name.into(),
        class: class.into(),
    }
}

/// In force from so many days after the epoch on.
fn price(device: &str, dollars_per_hour: f64, days: i64) -> Price {
    Price {
        id: days,
        device: device.into(),
        dollars_per_hour,
        valid_from: OffsetDateTime::UNIX_EPOCH + Duration::days(days),
        source: "invoice".into(),
        entered_at: OffsetDateTime::UNIX_EPOCH,
    }
}

/// With a past on one device, nine days after the epoch.
fn ground(work: WorkEstimate, prices: Vec<Price>) -> Ground {
    Ground {
        past: vec![(device("A processor", "cpu"), work.clone())],
        work: WorkEstimate {
            device_ms: None,
            spread_ms: None,
            ..work
        },
        live: vec![],
        prices,
        now: OffsetDateTime::UNIX_EPOCH + Duration::days(9),
    }
}

#[test]
fn few_seeds_are_warned_about_and_dollars_need_a_price_that_holds() {
    let view = |seeds, prices| estimate_view(&ground(work(seeds), prices));
    let warning = |seeds| view(seeds, vec![]).warning.unwrap_or_default();
    assert!(warning(2).contains("no interval"));
    assert!(warning(4).contains("no verdict"));
    assert_eq!(warning(5), "");
    assert!(!view(5, vec![]).priced);
    let dollars = |prices| view(5, prices).devices[0].dollars.clone();
    assert_eq!(dollars(vec![]), None);
    // As the store lists them: the first has not begun.
    let prices = vec![
        price("cpu", 9.0, 20),
        price("cpu", 0.5, 3),
        price("cpu", 7.0, 1),
    ];
    let said = "$1.00 at $0.50 an hour (cpu, invoice)";
    assert_eq!(dollars(prices).as_deref(), Some(said));
    assert_eq!(dollars(vec![price("cpu", 9.0, 20)]), None);
    let plain = view(5, vec![]);
    assert!(plain.devices[0].spread.starts_with("no ±"));
    let spread = WorkEstimate {
        spread_ms: Some(1.8e6),
        ..work(5)
    };
    let view = estimate_view(&ground(spread, vec![price("cpu", 0.5, 3)]));
    assert_eq!(view.devices[0].time, "2 h 0 min ± 30 min 0 s");
    assert!(
        view.devices[0]
            .spread
            .starts_with("±: one standard deviation")
    );
    assert_eq!(
        view.devices[0].dollars.as_deref(),
        Some("$1.00 ± $0.25 at $0.50 an hour (cpu, invoice)")
    );
}

#[test]
fn hours_of_one_device_are_priced_as_that_device_and_no_other() {
    let mut of = ground(
        work(5),
        vec![
            price("NVIDIA H200", 4.0, 1),
            price("cpu", 0.5, 1),
            price("cuda", 2.0, 5),
            price("TPU", 3.0, 1),
            price("rented", 3.0, 20),
        ],
    );
    let view = estimate_view(&of);
    // A past on a processor alone: no figure for a GPU, whatever its price.
    let said: Vec<&str> = view
        .devices
        .iter()
        .filter_map(|d| d.dollars.as_deref())
        .collect();
    assert_eq!(said, ["$1.00 at $0.50 an hour (cpu, invoice)"]);
    assert_eq!(view.unmeasured, ["NVIDIA H200", "cuda", "TPU"]);
    of.live = vec![
        device("NVIDIA H200", "cuda"),
        device("A processor", "cpu"),
        device("NVIDIA H200", "cuda"),
    ];
    assert_eq!(estimate_view(&of).unmeasured, ["NVIDIA H200", "TPU"]);
    let fast = WorkEstimate {
        device_ms: Some(3.6e6),
        basis: vec![KindBasis {
            kind: "grpo".into(),
            to_come: 9,
            past: 4,
        }],
        ..work(5)
    };
    of.past.push((device("NVIDIA H200", "cuda"), fast));
    let (_, mut draft) = draft("quick");
    draft.estimate = Some(estimate_view(&of));
    let text = render(draft);
    for words in [
        "2 h 0 min, all of it on <bdi>A processor</bdi>",
        "1 h 0 min, all of it on <bdi>NVIDIA H200</bdi>",
        "grpo (9 to come, 4 past), all on this device",
        // Its own price, though that of its class is newer.
        "<bdi>$4.00 at $4.00 an hour (NVIDIA H200, invoice)</bdi>",
        "<dt>No estimate</dt><dd>on <bdi>TPU</bdi>: none of these",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn without_a_past_and_without_work_there_is_no_time() {
    let mut of = ground(work(5), vec![]);
    of.past[0].1.device_ms = None;
    of.live = vec![device("NVIDIA H200", "cuda")];
    let view = estimate_view(&of);
    assert!(view.devices.is_empty());
    assert!(
        view.nothing
            .is_some_and(|text| text.starts_with("no basis"))
    );
    assert_eq!(view.unmeasured, ["NVIDIA H200"]);
    of.work.known = of.work.stages;
    let view = estimate_view(&of);
    assert_eq!(view.nothing, Some("nothing is left to compute"));
    assert!(view.unmeasured.is_empty());
}
