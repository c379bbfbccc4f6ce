//! How many arms a figure or a table has, counted from what is in it; and where those that did
//! not work stand, where they are not in it.

use super::figures::{asked, page};
use super::registered::{REGISTERED, TRAINED, made};
use super::*;
use crate::charts::Theme;
use assay_core::outcome::Verdict;
use carried::Carried;
use tables::Table;

/// Three trained arms and three decoders of two policies. One of either did not work.
fn with_failures() -> Material {
    let mut of = made(REGISTERED, TRAINED, 5, 5);
    let mut contrasts = of.outcome.contrasts.iter_mut();
    let own = contrasts.find(|c| c.arm == "rerank").unwrap();
    (own.verdict, own.mark) = (Some(Verdict::Worse), Some(Mark::Unsuccessful));
    let failed: Vec<&str> = of.view.arms.iter().map(|arm| arm.key.as_str()).collect();
    let failed = failed
        .into_iter()
        .filter(|arm| of.mark(arm) == Some(Mark::Unsuccessful));
    assert_eq!(failed.collect::<Vec<_>>(), ["sft", "rerank"]);
    let trained = of.runs.iter().filter(|run| !of.is_decoder(&run.arm.key));
    for run in trained.cloned().collect::<Vec<_>>() {
        let arm_key = run.arm.key.clone();
        let last = u32::from(run.arm.trains);
        of.milestones.extend((0..=last).map(|half| MilestonePoint {
            arm_key: arm_key.clone(),
            seed: run.seed,
            run: run.id,
            milestone: 100 * half,
            at: None,
            x: f64::from(half) * BUDGET,
            tokens: 0.0,
            flops: f64::from(half) * BUDGET,
            device_ms: 0.0,
            active_ms: 0.0,
            pass_at_1: 0.4,
            mean_length: 20.0,
            truncated_share: 0.0,
        }));
        if run.arm.trains {
            of.series.push(RunSeries {
                arm_key,
                seed: run.seed,
                run: run.id,
                points: (1..=20)
                    .map(|step| RunPoint {
                        x: step as f64 / 20.0 * BUDGET,
                        step,
                        mean: 0.4,
                        range: None,
                    })
                    .collect(),
            });
        }
    }
    of
}

const JUDGE: &str = "PRM rerank (decoder: see the decoder table)";
const SFT: &str = "SFT alone (at equal compute: see the comparison table)";

/// From what did not work on.
fn of_figure(drawn: usize, apart: &str, arms: usize) -> String {
    format!(
        "Did not work: 2 of 6, {drawn} drawn; not in this figure: {apart}. In this figure: {arms} of 6 arms, with {} of 30 runs planned. Hidden: none.",
        5 * arms
    )
}

#[test]
fn a_figure_says_how_many_arms_it_draws_and_where_the_other_unsuccessful_ones_stand() {
    let of = with_failures();
    let (wanted, _) = asked(&of, "");
    let trained = of_figure(1, JUDGE, 3);
    let text = page(&of, "");
    assert!(!text.contains("all drawn"));
    let said = format!(
        "<span class=\"count\">6 arms, 30 runs planned: 30 done, 0 crashed, 0 cancelled, 0 excluded. {trained}</span>"
    );
    assert_eq!(text.matches(&said).count(), 4);
    for (name, said) in [
        (Name::Milestones, trained.clone()),
        (Name::Frontier, trained.clone()),
        (Name::Forest, trained.clone()),
        (Name::Seeds, trained),
        // The base does not train.
        (Name::Training, of_figure(1, JUDGE, 2)),
        // Those that it compares, and with whom.
        (Name::Contrasts, of_figure(1, SFT, 4)),
        (Name::Decoders(0), of_figure(1, SFT, 2)),
        (
            Name::Decoders(1),
            of_figure(0, &format!("{SFT}, {JUDGE}"), 1),
        ),
        // Nothing of it was measured here: no arm has a point.
        (Name::Passk, of_figure(0, &format!("{SFT}, {JUDGE}"), 0)),
    ] {
        let word = name.word();
        let figure = name.figure(&of, &wanted);
        let carried = Carried::new(&of, &wanted).of_figure(&of, &figure);
        let svg = files::drawing(&figure, &carried, Theme::Both);
        let csv = numbers::csv(&of, &wanted, &figure, &carried);
        let tex = numbers::sheet(&of, &wanted, &figure).tex(&carried);
        let json = numbers::json(&of, &wanted, &figure, &carried);
        for file in [&svg, &csv, &tex, &json.to_string()] {
            assert!(file.contains(&said), "{said} in {word}: {file}");
        }
        // pass@k has no place on a page without a number of it.
        assert_eq!(text.contains(&said), name != Name::Passk, "{word}");
        let drawn = &json["denominator"]["drawn"];
        assert_eq!(drawn["within"], "figure");
        let apart = drawn["elsewhere"].as_array().unwrap();
        assert_eq!(
            apart.iter().any(|arm| arm["arm"] == "rerank"),
            said.contains(JUDGE)
        );
    }
}

#[test]
fn who_is_hidden_is_named_once_and_not_said_to_stand_elsewhere() {
    let of = with_failures();
    let (wanted, _) = asked(&of, "hide=rerank");
    let figure = Name::Forest.figure(&of, &wanted);
    let carried = Carried::new(&of, &wanted).of_figure(&of, &figure);
    let line = carried.denominator.line();
    assert!(
        line.ends_with("Did not work: 2 of 6, 1 drawn. In this figure: 3 of 6 arms, with 15 of 30 runs planned. Hidden by the link: PRM rerank."),
        "{line}"
    );
}

#[test]
fn a_table_says_how_many_arms_it_lists_where_its_rows_are_of_arms() {
    let of = with_failures();
    let (wanted, _) = asked(&of, "");
    let part = |apart: &str| {
        format!(
            "Did not work: 2 of 6, 1 listed; not in this table: {apart}. In this table: 3 of 6 arms, with 15 of 30 runs planned. Hidden: none."
        )
    };
    for (table, said) in [
        (Table::Comparison, part(JUDGE)),
        (Table::Tries, part(JUDGE)),
        (Table::Decoders, part(SFT)),
        (
            Table::Verdicts,
            "2 of 6, all listed. In this table: 3 of 6 arms".into(),
        ),
        (Table::Runs, "2 of 6, all listed. Hidden: none.".into()),
        (Table::Matrix, "Did not work: 2 of 6. Hidden: none.".into()),
    ] {
        let sheet = tables::sheet(&of, &wanted, table);
        let carried = Carried::new(&of, &wanted).of_table(&of, table, &sheet);
        let word = table.word();
        for file in [sheet.csv(&carried), sheet.tex(&carried)] {
            assert!(file.contains(&said), "{said} in {word}: {file}");
        }
    }
}

/// The caption of a table for a paper.
fn caption(tex: &str) -> &str {
    let caption = tex.lines().find(|line| line.starts_with("\\caption"));
    caption.unwrap()
}

#[test]
fn the_caption_for_a_paper_has_the_basis_of_what_is_compared_and_none_of_what_is_listed() {
    let of = with_failures();
    let (wanted, _) = asked(&of, "");
    let compute = of.basis().to_string();
    for (name, basis) in [
        (Name::Milestones, compute.clone()),
        (Name::Frontier, compute.clone()),
        (Name::Forest, compute.clone()),
        (Name::Seeds, compute.clone()),
        (Name::Training, compute.clone()),
        (Name::Contrasts, contrasts::BASIS.into()),
        (Name::Decoders(0), decoders::basis(&of, 0).unwrap()),
    ] {
        let figure = name.figure(&of, &wanted);
        let carried = Carried::new(&of, &wanted).of_figure(&of, &figure);
        let tex = numbers::sheet(&of, &wanted, &figure).tex(&carried);
        let said = format!(" Basis: {}. ", latex::escape(&basis));
        assert_eq!(caption(&tex).matches(&said).count(), 1, "{said} in {tex}");
    }
    let inference = carried::EQUAL_INFERENCE;
    let both = format!("as registered for each contrast: {compute}; or {inference}");
    for (table, basis) in [
        // The titles of two have it.
        (Table::Comparison, Some(compute.as_str())),
        (Table::Tries, Some(compute.as_str())),
        (Table::Verdicts, Some(both.as_str())),
        (Table::RuleBothWays, Some(both.as_str())),
        (Table::BothWays, Some(compute.as_str())),
        (Table::Decoders, Some(inference)),
        (Table::Costs, None),
        (Table::Matrix, None),
        (Table::Runs, None),
        (Table::Excluded, None),
        (Table::Charged, None),
        (Table::Spent, None),
        (Table::Versions, None),
    ] {
        let sheet = tables::sheet(&of, &wanted, table);
        let carried = Carried::new(&of, &wanted).of_table(&of, table, &sheet);
        let tex = sheet.tex(&carried);
        let own = caption(&tex);
        match basis {
            Some(basis) => assert_eq!(own.matches(&latex::escape(basis)).count(), 1, "{own}"),
            None => assert!(!own.contains("Basis: "), "{own}"),
        }
        // Where it comes from stands in the comments of each.
        assert!(tex.contains("% Basis: "), "{tex}");
    }
}

#[test]
fn a_file_names_what_of_its_address_was_not_understood() {
    let of = with_failures();
    let (wanted, ignored) = asked(&of, "hdie=sft&smooth=7");
    let said = "ignored: smooth=7, hdie";
    let plain = Carried::new(&of, &wanted);
    let figure = Name::Forest.figure(&of, &wanted);
    assert!(!files::drawing(&figure, &plain, Theme::Both).contains("ignored"));
    let carried = plain.ignoring(ignored).of_figure(&of, &figure);
    let json = numbers::json(&of, &wanted, &figure, &carried);
    assert_eq!(json["ignored"], serde_json::json!(["smooth=7", "hdie"]));
    for file in [
        files::drawing(&figure, &carried, Theme::Both),
        numbers::csv(&of, &wanted, &figure, &carried),
        numbers::sheet(&of, &wanted, &figure).tex(&carried),
        export::file(&of, &carried),
    ] {
        assert!(file.contains(said), "{said} in {file}");
    }
}
