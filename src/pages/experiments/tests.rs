use super::*;
use crate::pages::filed::About;
use assay_core::compare::{ArmFigures, RunFigures};
use assay_core::ids::{ArmId, StageId};
use assay_core::ledger::Cost;
use assay_core::metric;
use assay_core::outcome::outcome;
use assay_core::spec::Experiment;
use assay_store::{ArmView, ExperimentView};

const FILE: &str = "
name: t
question: q?
task: { name: modchain }
seeds: 5
budget: { unit: flops, amount: 4.0e+11 }
baseline: base
required_attempts: { prm: { not_run: Not asked here. }, mcts: { not_run: Not asked here. } }
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: base, policy: base }
  - { id: up, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: down, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }";

fn listed(seeds: u64, name: &str) -> Listed {
    let spec = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
    let arms: Vec<ArmFigures> = [("base", 0.5), ("up", 0.8), ("down", 0.2)]
        .into_iter()
        .map(|(id, value)| ArmFigures {
            id: id.into(),
            label: id.into(),
            trains: id != "base",
            planned_seeds: 5,
            runs: (0..seeds)
                .map(|seed| RunFigures {
                    seed,
                    charged: 4e11,
                    values: vec![(
                        metric::PASS_AT_1.into(),
                        value + 0.001 * ((seed * 7 + id.len() as u64) % 5) as f64,
                    )],
                    excluded: false,
                })
                .collect(),
        })
        .collect();
    let cost = |device_ms| Cost {
        device_ms,
        flops: 1e9 * device_ms,
        tokens: 0.0,
    };
    Listed {
        summary: ExperimentSummary {
            id: ExperimentId(uuid::Uuid::nil()),
            name: name.into(),
            question: "Is \"it\" so?".into(),
            created_at: OffsetDateTime::UNIX_EPOCH,
            arms: 3,
            runs: 9,
            runs_done: 4,
            runs_failed: 1,
            runs_running: 0,
            last_event_at: None,
        },
        judged: Judged {
            outcome: outcome(&spec, &arms, &[]),
            view: ExperimentView {
                id: ExperimentId(uuid::Uuid::nil()),
                name: name.into(),
                question: spec.question.clone(),
                version: 1,
                sha256: String::new(),
                frozen_at: OffsetDateTime::UNIX_EPOCH,
                created_at: OffsetDateTime::UNIX_EPOCH,
                arms: spec
                    .arms
                    .iter()
                    .map(|arm| ArmView {
                        id: ArmId(uuid::Uuid::nil()),
                        position: 0,
                        key: arm.id.clone(),
                        label: arm.label.clone(),
                        trains: true,
                    })
                    .collect(),
                spec,
            },
            arms,
            decoders: vec![],
        },
        spent: vec![StageSpend {
            stage: StageId(uuid::Uuid::nil()),
            arms: vec!["down".into()],
            all: cost(60_000.0),
            evaluation: cost(0.0),
            lost: cost(0.0),
            dollars: Some(1.5),
            unpriced_ms: 0.0,
        }],
    }
}

fn render(of: &Material) -> String {
    let now = OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(7);
    let page = ExperimentsPage::new(Shell::plain("Experiments"), of, now);
    let text = page.render().unwrap();
    crate::pages::tests::assert_is_clean(&text);
    text
}

#[test]
fn an_empty_list_says_what_to_run() {
    let text = render(&Material::default());
    assert!(text.contains("assay submit preset:quick") && text.contains("/experiments/new"));
    // How long it takes was measured elsewhere, and of another machine.
    assert!(!text.contains("ten minutes"));
    let nothing = Material {
        search: Search {
            text: Some("<b>".into()),
            standing: None,
        },
        ..Material::default()
    };
    assert!(render(&nothing).contains("Nothing fits"));
}

#[test]
fn counts_and_hostile_names_stand_in_the_list() {
    let text = render(&Material {
        listed: vec![listed(5, "<img src=x onerror=alert(1)>")],
        ..Material::default()
    });
    for words in [
        "3 arms",
        "7 min ago",
        "1 better",
        "1 worse",
        "× 1 unsuccessful",
        "400 G FLOPs a seed",
        "60.0 T FLOPs",
        "1 min 0 s",
        "$1.50",
        "100 % of the time, $1.50 on what did not work",
    ] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(!text.contains("<img"));
}

#[test]
fn what_needs_somebody_is_named_and_nothing_is_said_of_nothing() {
    let quiet = listed(5, "n");
    let mut calm = Material {
        listed: vec![quiet],
        ..Material::default()
    };
    calm.listed[0].summary.runs_failed = 0;
    assert!(!render(&calm).contains("Needs you"));
    let text = render(&Material {
        listed: vec![listed(2, "n")],
        silent: 1,
        alarmed: 2,
        ..Material::default()
    });
    for words in [
        "Needs you",
        "1 worker silent",
        "<a href=\"/?status=alarmed\">2 runs with an alarm",
        "1 run failed",
        "3 arms with fewer than 3 seeds",
        "without enough seeds",
    ] {
        assert!(text.contains(words), "{words}");
    }
}

#[test]
fn an_experiment_without_registered_attempts_has_no_verdict_in_the_list() {
    let mut of = listed(5, "n");
    let file = &mut of.judged;
    file.view.spec.required_attempts.clear();
    file.outcome = outcome(&file.view.spec, &file.arms, &[]);
    let text = render(&Material {
        listed: vec![of],
        ..Material::default()
    });
    assert!(text.contains("withheld: no unsuccessful-attempt baseline is registered"));
    assert!(!text.contains("1 better") && !text.contains("× 1 unsuccessful"));
}

#[test]
fn words_for_a_part_of_the_seeds_are_called_that_in_the_list_and_in_its_file() {
    let mut of = Material {
        listed: vec![listed(5, "n")],
        ..Material::default()
    };
    assert!(!render(&of).contains("so far"));
    of.listed[0].judged.outcome.open_runs = 4;
    assert!(render(&of).contains("so far: 4 runs open"));
    let sheet = files::sheet(&of);
    let csv = sheet.csv(&About::new("Assay", &[], &sheet));
    let words = "× 1 unsuccessful; so far: 4 runs open\"";
    assert!(csv.contains(words), "{csv}");
    // Where there is no word yet, there is none for a part.
    of.listed = vec![listed(2, "n")];
    of.listed[0].judged.outcome.open_runs = 4;
    assert!(!render(&of).contains("so far"));
}

#[test]
fn the_next_page_keeps_the_search() {
    let search = Search {
        text: Some("a&b c".into()),
        standing: Some(Standing::Done),
    };
    assert_eq!(older(&search, "X"), "before=X&q=a%26b%20c&status=done");
}

#[test]
fn the_share_of_what_did_not_work_is_told_only_where_the_rule_has_spoken() {
    let mut of = listed(5, "n");
    let mut own = of.spent[0].clone();
    own.arms = vec!["up".into()];
    own.all.device_ms = 180_000.0;
    own.dollars = Some(4.5);
    of.spent.push(own);
    let said = |of: &Listed| {
        row(of, OffsetDateTime::UNIX_EPOCH)
            .on_unsuccessful
            .unwrap_or_default()
    };
    let quarter = "25 % of the time, $1.50 on what did not work";
    assert!(said(&of).contains(quarter), "{}", said(&of));
    // Without prices, time alone; and of an arm that works, nothing.
    for stage in &mut of.spent {
        stage.dollars = None;
    }
    assert!(said(&of).contains("25 % of the time on what did not work"));
    of.spent.remove(0);
    assert!(said(&of).contains("0 % of the time on what did not work"));
    of.spent.clear();
    assert!(!said(&of).contains("did not work"));
    assert!(!said(&listed(2, "n")).contains("did not work"));
    let mut silent = listed(5, "n");
    for contrast in &mut silent.judged.outcome.contrasts {
        contrast.verdict = None;
    }
    assert!(!said(&silent).contains("did not work"));
}

#[test]
fn runs_with_alarms_are_named_where_they_are_asked_for() {
    let run = assay_core::ids::RunId(uuid::Uuid::nil());
    let of = Material {
        search: Search {
            text: None,
            standing: Some(Standing::Alarmed),
        },
        alarmed_runs: vec![AlarmedRun {
            run,
            arm: "<b>GRPO</b>".into(),
            seed: 3,
            alarms: 2,
            latest: OffsetDateTime::UNIX_EPOCH,
        }],
        ..Material::default()
    };
    let text = render(&of);
    assert!(text.contains("value=\"alarmed\" selected"));
    assert!(text.contains(&format!("href=\"/runs/{run}#alarms\"")));
    assert!(
        text.contains(", seed 3") && text.contains("2 alarms, <span class=\"num nw\">7 min ago")
    );
    assert!(!text.contains("<b>") && !render(&Material::default()).contains("id=\"alarmed\""));
}

#[test]
fn the_list_is_a_file_for_the_same_search() {
    let of = Material {
        listed: vec![listed(5, "=n\u{202e}")],
        search: Search {
            text: Some("a b".into()),
            standing: Some(Standing::Done),
        },
        before: Some(ExperimentId(uuid::Uuid::nil())),
        ..Material::default()
    };
    let link = "\"/experiments.tex?q=a%20b&#38;status=done&#38;before=00000000-";
    assert!(render(&of).contains(link));
    let plain = Material {
        listed: vec![listed(5, "n")],
        ..Material::default()
    };
    assert!(render(&plain).contains("\"/experiments.csv\""));
    let sheet = files::sheet(&of);
    let csv = sheet.csv(&About::new("Assay", &[], &sheet));
    for part in [
        ",\"Is \"\"it\"\" so?\",\"'=n⟨U+202E⟩\",3,400000000000,FLOPs,",
        ",60000000000000,60,1.5,1,9,4,0,1,1970-01-01 ",
    ] {
        assert!(csv.contains(part), "{part}\n{csv}");
    }
}
