//! The form from made-up drafts; over HTTP it is in `tests/pages`.

use super::estimate::estimate_view;
use super::*;
use crate::pages::tests::assert_is_clean;
use assay_core::estimate::WorkEstimate;
use assay_core::spec::BudgetUnit;
use assay_store::Price;

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

#[test]
fn few_seeds_are_warned_about_and_dollars_need_a_price() {
    let of = |seeds| WorkEstimate {
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
    };
    let warning = |seeds| estimate_view(&of(seeds), &[]).warning.unwrap_or_default();
    assert!(warning(2).contains("no interval"));
    assert!(warning(4).contains("no verdict"));
    assert_eq!(warning(5), "");
    assert!(estimate_view(&of(5), &[]).dollars.is_empty());
    let price = |dollars_per_hour| Price {
        id: 1,
        device: "cpu".into(),
        dollars_per_hour,
        valid_from: time::OffsetDateTime::UNIX_EPOCH,
        source: "invoice".into(),
        entered_at: time::OffsetDateTime::UNIX_EPOCH,
    };
    // The newest of a device comes first in the list.
    let dollars = estimate_view(&of(5), &[price(0.5), price(9.0)]).dollars;
    assert_eq!(dollars, ["$1.00 at $0.50 an hour (cpu, invoice)"]);
    assert!(
        estimate_view(&of(5), &[])
            .spread
            .unwrap()
            .starts_with("no ±")
    );
    let spread = WorkEstimate {
        spread_ms: Some(1.8e6),
        ..of(5)
    };
    let view = estimate_view(&spread, &[price(0.5)]);
    assert_eq!(view.device, "2 h 0 min ± 30 min 0 s");
    assert!(
        view.spread
            .unwrap()
            .starts_with("±: one standard deviation")
    );
    assert_eq!(
        view.dollars,
        ["$1.00 ± $0.25 at $0.50 an hour (cpu, invoice)"]
    );
}
