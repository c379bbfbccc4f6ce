//! The page of a cited state: what it says of itself, and that all its links stay with it.

use super::figures::{asked, page};
use super::*;
use crate::pages::experiment::kept::{Banner, Kept};

fn cited() -> Material {
    let mut of = material(&LABELS, 3, &[3, 3, 2], 10);
    of.kept = Some(Kept {
        id: "0123456789abcdef".repeat(4),
        at: OffsetDateTime::UNIX_EPOCH,
        heard: None,
        query: "metric=length&band=none".into(),
        otherwise: false,
    });
    of
}

fn shown(of: &Material, query: &str, newer: bool) -> String {
    let (mut wanted, ignored) = asked(of, query);
    assert!(ignored.is_empty());
    wanted.settle(of);
    let mut page = ExperimentPage::new(Shell::plain("A test"), of, &wanted, String::new());
    page.kept.banner = of.kept.as_ref().map(|kept| Banner::new(kept, newer));
    page.kept.since = Some("1970-01-01 00:00:00 UTC".into());
    let text = page.render().unwrap();
    crate::pages::tests::assert_is_clean(&text);
    text
}

#[test]
fn open_runs_are_none_of_the_data_that_a_hash_is_of() {
    let mut of = material(&LABELS, 3, &[3, 3, 2], 10);
    let snapshot = carried::snapshot(&of);
    of.outcome.open_runs += 2;
    assert!(export::json(&of).to_string().contains("open_runs"));
    assert_eq!(carried::snapshot(&of), snapshot);
    assert!(!carried::state(&of).contains("open_runs"));
}

#[test]
fn a_kept_state_alone_is_no_view_to_be_saved() {
    let of = cited();
    let save = "Save as my default";
    assert!(!shown(&of, "snap=0123456789AB", false).contains(save));
    assert!(shown(&of, "metric=length&snap=0123456789AB", false).contains(save));
}

#[test]
fn a_kept_state_says_so_and_every_link_stays_with_it() {
    let of = cited();
    let text = shown(&of, "metric=length&snap=0123456789AB", true);
    for words in [
        "State of 1970-01-01 00:00:00 UTC, kept.",
        "Newer data exist: <a href=\"/experiments/00000000-0000-0000-0000-000000000000\">",
        "?snap=0123456789abcdef&#38;metric=length&#38;band=none\">The view in which it was kept",
        ".csv?snap=0123456789abcdef\"",
        ".json?snap=0123456789abcdef\"",
    ] {
        assert!(text.contains(words), "{words}");
    }
    let hash = &of.kept.as_ref().unwrap().id;
    assert!(text.contains(&format!("name=\"snap\" value=\"{hash}\"")));
    for file in [
        "forest.svg",
        "training.csv",
        "frontier.json",
        "table.tex",
        "verdicts.csv",
        "costs.tex",
        "matrix.csv",
        "cite.bib",
    ] {
        let link = format!("/{file}?metric=length&#38;snap=0123456789abcdef\"");
        assert!(text.contains(&link), "{link}");
    }
    assert!(
        !text.contains("data has changed since")
            && !text.contains("snapshot.json?snap=0123456789abcdef\">snapshot.json</a> holds")
    );
    // Nothing is decided about the present on a page of the past.
    for form in ["amend", "exclude", "include", "cite"] {
        assert!(!text.contains(&format!("/{form}\"")), "{form}");
    }
    let same = shown(&of, "snap=0123456789ab", false);
    assert!(same.contains("The comparison has not changed since") && !same.contains("Newer data"));
}

#[test]
fn a_program_that_reads_other_numbers_from_a_kept_state_says_so() {
    let mut of = cited();
    if let Some(kept) = &mut of.kept {
        kept.otherwise = true;
    }
    let text = shown(&of, "snap=0123456789ab", true);
    assert!(text.contains("reads other numbers") && text.contains("as they were cited"));
}

#[test]
fn a_state_that_was_not_kept_is_named_on_the_page_and_refused_as_a_file() {
    let of = material(&LABELS, 3, &[3, 3, 3], 10);
    let text = page(&of, "snap=00000000");
    assert!(text.contains("No state of this experiment was kept under that hash"));
    assert!(text.contains("form=\"keep\">Keep this state") && !text.contains("id=\"kept\""));
    let (wanted, _) = asked(&of, "snap=00000000");
    assert_eq!(wanted.query(&of.view), "");
    let refused = Carried::cited(&of, &wanted).unwrap_err();
    assert_eq!(refused.status.as_u16(), 404);
    // The present state needs not have been kept.
    let present = format!("snap={}", &carried::snapshot(&of)[..12]);
    let (wanted, _) = asked(&of, &present);
    assert!(Carried::cited(&of, &wanted).is_ok());
    assert_eq!(
        view::cited("x=1&snap=0123ABCD").as_deref(),
        Some("0123abcd")
    );
    assert_eq!(view::cited("snap=%27--"), None);
}
