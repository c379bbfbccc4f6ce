//! What was found in the background, what people say, and what stands beside a curve.

use super::*;
use assay_core::health::Rule;
use assay_core::ledger::Cost;
use assay_core::note::RunNote;
use assay_store::{
    CompletionView, FoundAlarm, LedgerRow, OlderEvents, RuleAlarmView, RunNoteView, Sample,
};

#[test]
fn what_was_found_in_the_background_stands_with_its_stage_whatever_its_value() {
    let mut of = material();
    assert!(!render(&of).contains("id=\"found\""));
    let found = |rule, value| RuleAlarmView {
        stage: "sft".into(),
        found: FoundAlarm {
            rule,
            step: 1_200,
            value,
            threshold: None,
        },
        at: at(12),
    };
    of.found = vec![
        found(Rule::EntropyLow, 0.03),
        found(Rule::NotFinite, f64::NAN),
    ];
    let text = render(&of);
    let list = &text[text.find("id=\"found\"").unwrap()..];
    assert!(list.contains("sft: entropy under 0.05 nats a token at step"));
    assert!(list.contains("sft: a metric that is not a finite number at step"));
    assert!(list.contains("1970-01-01 00:12:00 UTC"));
}

#[test]
fn notes_stand_with_their_time_and_author_and_what_was_entered_is_kept() {
    let mut of = material();
    assert!(render(&of).contains("No note yet"));
    of.notes = vec![RunNoteView {
        id: 7,
        written_at: at(3),
        author: Some("admin token".into()),
        note: RunNote {
            text: "<b>a</b> \u{202e}b".into(),
        },
    }];
    of.unkept = Some(Refused {
        reason: "</textarea><b>x".into(),
        why: "longer than 4000 characters".into(),
    });
    let text = render(&of);
    for words in [
        "id=\"note-7\"",
        "1970-01-01 00:03:00 UTC, <bdi>admin token</bdi>",
        "Not kept: longer than 4000 characters.",
        "<details id=\"note-form\" open>",
        "maxlength=\"4000\"",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(text.matches("</textarea>").count(), 1);
    assert!(!text.contains('\u{202e}') && !text.contains("No note yet"));
}

#[test]
fn the_bases_own_rate_is_drawn_beside_the_reflective_one() {
    let mut of = material();
    let text = render(&of);
    assert!(text.contains("Nothing was measured of the base") && !text.contains(">base</text>"));
    of.base = Some(reflective::Base {
        stage: "base".into(),
        step: 1_200,
        rate: 0.035,
    });
    let text = render(&of);
    for words in [
        "completions of each step&#39;s rollout with at least one reflective mark",
        "not evidence of reasoning",
        "the base&#39;s own rate, 0.0350 over the validation split",
        "/reflective.svg?stage=rl\" download>.svg</a>",
        "/reflective.json?stage=rl\" download>.json</a>",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert_eq!(text.matches(">base</text>").count(), 1);
}

const UNSEEN: &str = "odd/\u{202e}<b>\u{61c}";

#[test]
fn what_a_worker_calls_its_metrics_and_costs_hides_nothing() {
    let mut of = material();
    of.series.push((UNSEEN.into(), series([0.5, 0.25, 0.5])));
    of.ledger = vec![LedgerRow {
        position: 0,
        name: "rl".into(),
        stage: StageId(uuid::Uuid::nil()),
        purpose: UNSEEN.into(),
        charged: true,
        cost: Cost::default(),
    }];
    let mut failed = stage("rl", JobState::Failed);
    failed.failure = Some(FailureView {
        class: "nan".into(),
        message: "gone".into(),
        step: Some(3),
        metric: Some(UNSEEN.into()),
        log: vec![],
    });
    of.run.stages = vec![failed];
    let text = render(&of);
    let written =
        "odd/<span class=\"ctl\">⟨U+202E⟩</span>&#60;b&#62;<span class=\"ctl\">⟨U+061C⟩</span>";
    for words in [
        format!("<h3><span>{written}</span>"),
        format!("<th scope=\"row\">{written}</th>"),
        format!("<td>{written}</td>"),
        format!("<bdi>at step 3, metric {written}</bdi>"),
        "data-title=\"odd/⟨U+202E⟩&#60;b&#62;⟨U+061C⟩\"".into(),
        "odd-%E2%80%AE%3Cb%3E%D8%9C.csv".into(),
    ] {
        assert!(text.contains(&words), "{words}\n{text}");
    }
    // Only where the script reads it, and nobody else, does it stand as it is.
    let kept = "data-metric=\"odd/\u{202e}&#60;b&#62;\u{61c}\"";
    assert_eq!(text.matches(kept).count(), 1);
    let shown = text.replace(kept, "");
    assert!(!shown.contains('\u{202e}') && !shown.contains('\u{61c}'));
}

fn written(index: i32, characters: u64) -> Sample {
    Sample {
        attempt: 1,
        view: CompletionView {
            step: 496,
            group: 0,
            index,
            prompt: "First\nsecond ".repeat(1_500),
            gold: "8".into(),
            completion: "y".repeat(20_000),
            reward: 1.0,
            advantage: 0.0,
            length: 9,
            truncated: false,
            correct: true,
            components: json!({}),
        },
        characters,
        prompt_characters: 19_500,
        prompt_md5: String::new(),
    }
}

#[test]
fn texts_that_are_cut_say_so_and_dynamic_sampling_says_what_stands_first() {
    let mut of = material();
    of.completions = vec![written(0, 20_000), written(1, 70_000)];
    let text = render(&of);
    let answers = &text[text.find("id=\"answers\"").unwrap()..];
    assert_eq!(answers.matches("cut: ").count(), 1);
    for words in [
        "cut: 20,000 of 70,000 characters",
        "<summary>The rest of the prompt</summary>",
        // A prompt has its lines.
        "First\nsecond",
        "Raw text, step 496: whole groups in the order in which they were drawn; nothing is chosen",
    ] {
        assert!(answers.contains(words), "{words}\n{answers}");
    }
    of.completions[0].prompt_characters = 90_000;
    of.spec = Some(json!({"job": {"max_num_gen_batches": 4}}));
    let text = render(&of);
    assert!(text.contains("cut: 19,500 of 90,000 characters"));
    assert!(text.contains("groups whose rewards differ stand first"));
    assert!(!text.contains("nothing is chosen by reward"));
}

#[test]
fn alarms_stay_however_many_events_came_after_them_and_what_is_left_out_is_said() {
    let mut of = material();
    let (stage, alarm) = of.events[0].clone();
    let text = render(&of);
    assert!(!text.contains("not listed"), "{text}");
    of.events[0].1.level = Level::Info;
    of.events[0].1.text = "requeued by hand".into();
    of.older = vec![(
        stage,
        OlderEvents {
            count: 412,
            alarms: vec![alarm],
        },
    )];
    let text = render(&of);
    let section = |id: &str| {
        let section = &text[text.find(&format!("<section id=\"{id}\"")).unwrap()..];
        section[..section.find("</section>").unwrap()].to_string()
    };
    let words = "rl: entropy has collapsed at step 30";
    assert!(section("alarms").contains(words) && head(&of).contains(words));
    assert!(!text.contains("has raised none"), "{text}");
    let timeline = section("timeline");
    assert!(timeline.contains("Of rl not listed: 412 older events."));
    assert!(timeline.contains("requeued by hand") && !timeline.contains(words));
    let found = |of: &Material| super::super::tables::Table::Found.sheet(of).unwrap();
    assert_eq!(found(&of).rows.len(), 1);
    assert!(!found(&of).said.contains("Not the oldest"));
    // A page lists no more of them than can be read, and says where the others are.
    let alarm = of.older[0].1.alarms[0].clone();
    of.older[0].1.alarms = vec![alarm; 1_000];
    let text = render(&of);
    assert!(text.contains("The newest 100; 900 older ones are in the files."));
    assert_eq!(found(&of).rows.len(), 1_000);
    let said = found(&of).said;
    assert!(said.contains("Not the oldest of rl"), "{said}");
}

#[test]
fn what_it_will_have_cost_says_on_which_device_that_rests() {
    let mut of = material();
    of.ledger = vec![assay_store::LedgerRow {
        position: 0,
        name: "rl".into(),
        stage: StageId(uuid::Uuid::nil()),
        purpose: "update".into(),
        charged: true,
        cost: Default::default(),
    }];
    of.standing.dollars = Some(18.4);
    of.standing.whole = Some(40.0);
    of.standing.device = Some("NVIDIA <H200>".into());
    let text = render(&of);
    let words = "one to come by past stages of its kind on NVIDIA &#60;H200&#62;, at what";
    assert!(text.contains(words), "{text}");
}
