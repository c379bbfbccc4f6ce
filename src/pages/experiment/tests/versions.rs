//! Amendments on the page and in its files.

use super::figures::{asked, page};
use super::*;
use crate::pages::sheet::Carries;
use assay_store::VersionView;
use carried::Carried;

fn version(number: i32, hypothesis: &str, results_before: i64) -> VersionView {
    VersionView {
        version: number,
        sha256: format!("{number:064}"),
        frozen_at: OffsetDateTime::UNIX_EPOCH + time::Duration::days(i64::from(number)),
        question: "Does it work at equal compute?".into(),
        hypothesis: Some(hypothesis.into()),
        note: String::new(),
        reason: (number > 1).then(|| "The pilot said <so>.".into()),
        author: (number > 1).then(|| "admin token".into()),
        results_before,
    }
}

#[test]
fn an_experiment_that_nobody_amended_has_one_frozen_version() {
    let mut of = material(&LABELS, 3, &[3, 3, 3], 0);
    of.versions = vec![version(1, "It does.", 0)];
    let text = page(&of, "");
    assert!(text.contains("registered before the first run:</strong> It does."));
    assert!(text.contains("version 1 frozen 1970-01-02 00:00:00 UTC"));
    assert!(!text.contains("id=\"amended\"") && !text.contains("amended after"));
    let (wanted, _) = asked(&of, "");
    assert_eq!(Carried::new(&of, &wanted).amended, None);
}

#[test]
fn the_frozen_version_stands_beside_the_current_one_with_what_was_known() {
    let mut of = material(&LABELS, 5, &[5, 5, 5], 0);
    let before = page(&of, "");
    of.versions = vec![
        version(1, "It does.", 0),
        version(2, "It does not.", 12),
        version(3, "It does, a little.", 1_204),
    ];
    of.view.spec.hypothesis = Some("It does, a little.".into());
    let text = page(&of, "");
    for words in [
        "registered before the first run:</strong> It does.</p>",
        "<strong>Version 3, amended after 1,204 results were in</strong>",
        "<strong>Hypothesis, amended:</strong> It does, a little.",
        "those of version 1, frozen 1970-01-02 00:00:00 UTC",
        "admin token",
        &format!("{:064}", 2),
        "action=\"/experiments/",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("<so>"));
    // The question is the same in all of them.
    assert!(!text.contains("Question as registered"));
    // Not one word of the rule is another.
    let verdicts = |text: &str| {
        let from = text.find("<section id=\"verdicts\"").unwrap();
        let to = from + text[from..].find("</section>").unwrap();
        text[from..to].to_string()
    };
    assert_eq!(verdicts(&before), verdicts(&text));
    let (wanted, _) = asked(&of, "");
    let carried = Carried::new(&of, &wanted);
    let said = "Question or hypothesis amended after 1,204 results were in; version 1, frozen 1970-01-02 00:00:00 UTC, has specification";
    assert!(carried.comments("x").contains(said));
    assert!(
        carried.json("x")["amended"]
            .as_str()
            .unwrap()
            .starts_with(said)
    );
}

#[test]
fn one_result_and_none_are_said_as_such() {
    let mut of = material(&LABELS, 3, &[3, 3, 3], 0);
    for (n, said) in [
        (0, "amended before any result was in"),
        (1, "amended after 1 result was in"),
    ] {
        of.versions = vec![version(1, "a", 0), version(2, "b", n)];
        assert!(page(&of, "").contains(said), "{said}");
    }
}
