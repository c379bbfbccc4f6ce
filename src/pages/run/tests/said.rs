//! What was found in the background, what people say, and what stands beside a curve.

use super::*;
use assay_core::health::Rule;
use assay_core::note::RunNote;
use assay_store::{FoundAlarm, RuleAlarmView, RunNoteView};

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
