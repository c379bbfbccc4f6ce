//! Runs that do not count: struck through, both ways, in every export.

use super::*;
use crate::pages::experiment::material::leave_out;
use assay_core::outcome::Verdict;
use assay_store::ExclusionEvent;

fn event(of: &Material, arm: &str, seed: u64, reason: &str) -> ExclusionEvent {
    let run = of
        .runs
        .iter()
        .find(|r| r.arm.key == arm && r.seed == seed)
        .unwrap();
    ExclusionEvent {
        run: run.id,
        arm: arm.into(),
        label: run.arm.label.clone(),
        seed,
        excluded: true,
        reason: reason.into(),
        at: OffsetDateTime::UNIX_EPOCH,
        holds: true,
    }
}

/// As the store gives it: marked in the figures, taken out of the curves.
fn leaving_out(seeds: u64, arm: &str, seed: u64, reason: &str) -> Material {
    let mut of = material(&LABELS, seeds, &[seeds; 3], 20);
    of.exclusions = vec![event(&of, arm, seed, reason)];
    for figures in of
        .test
        .iter_mut()
        .chain(&mut of.ood)
        .filter(|f| f.id == arm)
    {
        figures
            .runs
            .iter_mut()
            .filter(|r| r.seed == seed)
            .for_each(|r| r.excluded = true);
    }
    leave_out(&mut of);
    of.outcome = outcome(&of.view.spec, &of.test, &of.decoders);
    of
}

#[test]
fn an_excluded_run_keeps_its_row_struck_through_with_the_reason_and_counts_nowhere() {
    let of = leaving_out(5, "arm-2", 4, "<b>The fan failed.</b>");
    let text = render(&of, 0, 0);
    for words in [
        "15 runs planned: 15 done, 0 crashed, 0 cancelled, 0 open; 1 excluded, 14 counted.",
        "The fan failed.",
        "<s><a href=\"/runs/",
        "With every run",
        "4 of 5<small>1 excluded</small>",
        "Leave a run out",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(
        !of.milestones
            .iter()
            .any(|p| p.arm_key == "arm-2" && p.seed == 4)
    );
    // It is not missing: somebody has said why it does not count.
    assert!(!text.contains("Not finished yet"));
}

#[test]
fn both_ways_carry_the_numbers_of_either() {
    let of = leaving_out(5, "arm-1", 0, "why not");
    let both = excluded::excluded(&of, 0).both;
    let row = both.iter().find(|r| r.arm == "arm-1").unwrap();
    assert_eq!((row.n_without, row.n_with), (4, 5));
    assert_ne!(row.without.mean, row.with.mean);
    let whole = material(&LABELS, 5, &[5; 3], 0);
    let wanted = Wanted::new(whole.view.spec.budget.unit);
    let plain = comparison::rows(&whole, &wanted);
    let plain = plain.iter().find(|r| r.key == "arm-1").unwrap();
    assert_eq!(row.with.mean, plain.value.mean);
    assert_eq!(
        row.difference_with.interval,
        plain.difference.as_ref().unwrap().interval
    );
    // Four seeds: the words change, and the page says so.
    let contrasts = excluded::excluded(&of, 0).contrasts;
    let changed = contrasts.iter().find(|c| c.changes).unwrap();
    assert!(changed.without.contains("not enough seeds"), "{changed:?}");
}

#[test]
fn where_the_comparator_has_lost_a_seed_differences_say_how_many_pairs_are_left() {
    let of = leaving_out(5, "arm-0", 0, "why not");
    let both = excluded::excluded(&of, 0).both;
    let row = both.iter().find(|r| r.arm == "arm-1").unwrap();
    assert_eq!((row.n_without, row.n_with), (5, 5));
    assert!(row.difference_without.interval.ends_with("], n = 4"));
    assert!(row.difference_with.interval.ends_with(']'), "{row:?}");
}

#[test]
fn exports_carry_the_denominator_and_what_was_left_out() {
    let of = leaving_out(3, "arm-1", 2, "a reason, with a comma");
    let csv = export::csv(&of);
    let head: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    let at = |column: &str| head.iter().position(|h| *h == column).unwrap();
    let line = csv
        .lines()
        .find(|l| l.starts_with("arm,\"arm-1\","))
        .unwrap();
    let cells: Vec<&str> = line.split(',').collect();
    assert_eq!(
        (cells[at("done")], cells[at("excluded")], cells[at("n")]),
        ("3", "1", "2")
    );
    // As a file it carries what the others carry, and no column that is always the same.
    let wanted = Wanted::new(of.view.spec.budget.unit);
    let file = export::file(&of, &carried::Carried::new(&of, &wanted));
    let comments: Vec<&str> = file.lines().take_while(|l| l.starts_with("# ")).collect();
    let snapshot = format!("Snapshot {}", carried::snapshot(&of));
    for words in [
        "9 runs planned: 9 done, 0 crashed, 0 cancelled, 1 excluded. Did not work: no verdict yet. Hidden: none.",
        snapshot.as_str(),
        "Basis: equal compute",
    ] {
        assert!(
            comments.iter().any(|l| l.contains(words)),
            "{words} in {comments:?}"
        );
    }
    assert!(file.ends_with(&csv) && !head.contains(&"hidden_arms"));
    let json = export::json(&of);
    assert_eq!(json["denominator"]["excluded"], 1);
    assert_eq!(json["exclusions"][0]["reason"], "a reason, with a comma");
    assert!(json["outcome_with_all_runs"]["contrasts"].is_array());
}

#[test]
fn a_taken_back_decision_is_history_and_nothing_else() {
    let mut of = material(&LABELS, 3, &[3; 3], 0);
    let mut first = event(&of, "arm-1", 0, "a slip");
    first.holds = false;
    let mut second = event(&of, "arm-1", 0, "");
    second.excluded = false;
    of.exclusions = vec![first, second];
    let text = render(&of, 0, 0);
    for words in [
        "Every finished run counts",
        "left out: a slip",
        "taken back",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("<s>"));
}

#[test]
fn the_matrix_lists_what_differs_and_links_to_everything() {
    let of = material(&LABELS, 3, &[3; 3], 0);
    let matrix = matrix::matrix(&of);
    assert_eq!(matrix.columns.len(), 3);
    // Two equal GRPO arms beside the base: only the recipe differs in value.
    let keys: Vec<&str> = matrix.rows.iter().map(|r| r.key.as_str()).collect();
    assert_eq!(keys, ["recipe"]);
    assert!(matrix.elsewhere > 10 && matrix.same > 5);
    let text = render(&of, 0, 0);
    assert!(text.contains("&#38;all=1") || text.contains("&amp;all=1"));
}

#[test]
fn other_code_is_the_first_row_of_the_matrix_and_the_same_or_none_has_no_row() {
    let mut of = material(&LABELS, 3, &[3; 3], 0);
    let built = |of: &mut Material, arm: &str, code: &str| {
        let runs = of.runs.iter().filter(|run| run.arm.key == arm);
        let runs: Vec<RunId> = runs.map(|run| run.id).collect();
        for id in runs {
            of.code.entry(id).or_default().insert(code.into());
        }
    };
    let first = |of: &Material| matrix::matrix(of).rows.into_iter().next().unwrap();
    assert_eq!(first(&of).key, "recipe");
    built(&mut of, "arm-1", "0.1.0, commit aaa");
    assert_eq!(first(&of).key, "recipe", "known of one alone");
    built(&mut of, "arm-2", "0.1.0, commit aaa");
    assert_eq!(first(&of).key, "recipe", "the same");
    built(&mut of, "arm-2", "0.1.0, commit b\u{202e}b");
    let row = first(&of);
    assert_eq!(row.key, "code");
    let both = "0.1.0, commit aaa; 0.1.0, commit b⟨U+202E⟩b";
    assert_eq!(row.cells, ["not recorded", "0.1.0, commit aaa", both]);
    assert!(render(&of, 0, 0).contains(">code</th>"));
    let wanted = Wanted::new(of.view.spec.budget.unit);
    let sheet = tables::sheet(&of, &wanted, tables::Table::Matrix);
    assert_eq!(sheet.numbers()[0]["arm_arm-2"], both);
    // A run that does not count says nothing of the arm.
    let out = (0..3).map(|seed| event(&of, "arm-2", seed, "x"));
    of.exclusions = out.collect();
    assert_eq!(first(&of).key, "recipe");
}

#[test]
fn more_arms_than_a_comparison_holds_have_every_key_in_several_links() {
    let labels: Vec<String> = (0..26).map(|i| format!("Arm {i}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let of = material(&labels, 1, &[1; 26], 0);
    let every = matrix::matrix(&of).every;
    let names: Vec<&str> = every.iter().map(|link| link.0.as_str()).collect();
    let both = ["Every key of arms 1 to 24", "Every key of arms 25 to 26"];
    assert_eq!(names, both);
    let id = of.view.id;
    assert_eq!(every[1].1, format!("{id}/arm-24,{id}/arm-25"));
    let text = render(&of, 0, 0);
    assert!(text.contains(">Every key of arms 25 to 26</a>"));
    let few = render(&material(&LABELS, 1, &[1; 3], 0), 0, 0);
    assert_eq!(few.matches(">Every key of every arm</a>").count(), 1);
}

#[test]
fn the_share_spent_on_what_did_not_work_is_printed() {
    use assay_core::spending::StageSpend;
    let stage = |arms: &[&str], device_ms| StageSpend {
        stage: assay_core::ids::StageId(uuid::Uuid::nil()),
        arms: arms.iter().map(|a| a.to_string()).collect(),
        all: Cost {
            device_ms,
            ..Cost::default()
        },
        evaluation: Cost::default(),
        lost: Cost::default(),
        dollars: None,
        unpriced_ms: device_ms,
    };
    let mut of = material(&LABELS, 3, &[3; 3], 0);
    assert!(costs::on_unsuccessful(&of).contains("Nothing has been spent"));
    of.spent = vec![
        stage(&["arm-1"], 30_000.0),
        stage(&["arm-0", "arm-1"], 90_000.0),
    ];
    // Three seeds are too few for the rule: neither a share nor "no arm".
    assert!(costs::on_unsuccessful(&of).ends_with("is not said: no verdict yet."));
    of.outcome.contrasts[1].verdict = Some(Verdict::NoDifferenceShown);
    assert!(costs::on_unsuccessful(&of).contains("No arm is called unsuccessful"));
    of.outcome.contrasts[0].verdict = Some(Verdict::Worse);
    of.outcome.contrasts[0].mark = Some(Mark::Unsuccessful);
    assert_eq!(of.outcome.contrasts[0].arm, "arm-1");
    let said = costs::on_unsuccessful(&of);
    assert!(
        said.starts_with("25 % (30 s of 2 min 0 s device time)"),
        "{said}"
    );
    assert!(said.ends_with("SFT on clean chains."), "{said}");
}

#[test]
fn published_results_stand_on_the_page_of_a_task_that_names_their_benchmark_alone() {
    let mut of = material(&LABELS, 3, &[3; 3], 20);
    assert_eq!(assay_core::reference::benchmark(&of.view.spec.task), None);
    let text = render(&of, 0, 0);
    for model in ["DeepSeek-R1", "o1-1217", "QwQ"] {
        assert!(!text.contains(model), "{model}");
    }
    let file = serde_json::json!({"file": "a.jsonl", "sha256": "0".repeat(64)});
    let mut task = serde_json::json!({
        "name": "questions", "train": file, "test": file, "ood": file, "template": "{question}",
        "answer": "tag", "max_prompt_tokens": 8, "max_solution_tokens": 8,
        "benchmark": "gsm8k",
    });
    of.view.spec.task = serde_json::from_value(task.clone()).unwrap();
    let text = render(&of, 0, 0);
    assert!(text.contains("What have others published on gsm8k?"));
    assert!(text.contains("No published figure of this benchmark is recorded."));
    task["benchmark"] = "math_500".into();
    of.view.spec.task = serde_json::from_value(task).unwrap();
    let text = render(&of, 0, 0);
    assert!(!text.contains("No published figure"));
    for words in [
        "What have others published on MATH-500?",
        "DeepSeek-R1-Zero (v2 (Nature 645))",
        "an orientation, no comparison",
        "/references?benchmark=math_500",
    ] {
        assert!(text.contains(words), "{words}");
    }
    // All of it is far above what is drawn: no axis is stretched, the caption names it.
    assert!(!text.contains("class=\"pub\"") && text.contains("that is not drawn, off the axis"));
}

#[test]
fn published_marks_are_few_and_named_and_stand_in_the_files_and_stretch_no_axis() {
    let mut of = material(&LABELS, 3, &[3; 3], 0);
    of.pass_at_k = of
        .runs
        .iter()
        .map(|run| assay_store::PassAtK {
            arm_key: run.arm.key.clone(),
            seed: run.seed,
            samples: 8,
            values: vec![(1, 0.4), (2, 0.5), (4, 0.6), (8, 0.7)],
        })
        .collect();
    let axis = |svg: &str| {
        let rest = svg.split_once("data-y=\"").unwrap().1;
        rest.split('"').next().unwrap().to_string()
    };
    let wanted = Wanted::new(of.view.spec.budget.unit);
    let names = [figure::Name::Milestones, figure::Name::Passk];
    let plain = names.map(|name| axis(&name.figure(&of, &wanted).draw().svg));
    let file = serde_json::json!({"file": "a.jsonl", "sha256": "0".repeat(64)});
    let task = serde_json::json!({
        "name": "questions", "train": file, "test": file, "ood": file, "template": "{question}",
        "answer": "tag", "max_prompt_tokens": 8, "max_solution_tokens": 8,
        "benchmark": "aime_2024",
    });
    of.view.spec.task = serde_json::from_value(task).unwrap();
    let all = published::of_task(&of.view.spec.task, None).len();
    assert!(all > crate::charts::MOST_PUBLISHED);
    let carried = Carried::new(&of, &wanted);
    for (name, plain) in names.into_iter().zip(plain) {
        let word = name.word();
        let figure = name.figure(&of, &wanted);
        let svg = figure.draw().svg;
        assert_eq!(axis(&svg), plain, "{word}");
        assert!(svg.contains("DeepSeek-V3") && svg.contains("published, arXiv v1"));
        let json = numbers::json(&of, &wanted, &figure, &carried);
        let rows = json["published"].as_array().unwrap();
        assert_eq!(rows.len(), all, "{word}");
        let drawn = rows.iter().filter(|r| r["drawn"] == true).count();
        assert!((1..=crate::charts::MOST_PUBLISHED).contains(&drawn));
        assert_eq!(
            svg.matches("published, not measured here</title>").count(),
            drawn
        );
        let csv = numbers::csv(&of, &wanted, &figure, &carried);
        assert_eq!(csv.matches(",published,,").count(), all, "{word}");
        assert_eq!(csv.matches(", not drawn\"").count(), all - drawn, "{word}");
        let said = figure.caption.join(" ");
        for words in [
            "DeepSeek-R1-Zero 0.779 (v2 (Nature 645), ",
            "Published in: ",
        ] {
            assert!(said.contains(words), "{words} in {said}");
        }
    }
    let said = figure::Name::Milestones
        .figure(&of, &wanted)
        .caption
        .join(" ");
    assert!(said.contains("validation questions"));
    // Its curve is of lengths: nothing published is of that.
    let mut lengths = wanted;
    lengths.metric = words::FINAL
        .iter()
        .position(|f| f.1 == metric::LENGTH)
        .unwrap();
    let figure = figure::Name::Milestones.figure(&of, &lengths);
    assert!(!figure.draw().svg.contains("class=\"pub"));
}
