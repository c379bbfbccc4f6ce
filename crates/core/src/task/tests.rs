//! What must hold of every task, in its default settings and with its options on.

use super::*;
use crate::violation::Violation;
use proptest::prelude::*;
use serde_json::json;
use std::collections::HashMap;

const SPLITS: [Split; 4] = [Split::Train, Split::Validation, Split::Test, Split::Ood];

fn read(value: &Value) -> Result<TaskSpec, Vec<Violation>> {
    let sink = Sink::default();
    let task = TaskSpec::read(value, "/task", &sink);
    let violations = sink.into_inner();
    match task {
        Some(task) if violations.is_empty() => Ok(task),
        _ => Err(violations),
    }
}

fn defaults() -> Vec<TaskSpec> {
    let named = |name: &&str| read(&json!({ "name": name })).unwrap();
    TaskSpec::generated().iter().map(named).collect()
}

fn tasks() -> Vec<TaskSpec> {
    let options = [
        json!({ "name": "modchain", "minority_share": 0.1, "p_reflect": 0.4 }),
        json!({ "name": "modchain", "p_reflect": 1.0, "modulus": 5, "min_ops": 4 }),
        json!({ "name": "modchain", "minority_share": 0.7, "rl_minority_share": 1 }),
        json!({ "name": "mult", "order": "most_first", "max_digits": 3, "ood_min_digits": 4,
                "ood_max_digits": 4 }),
        json!({ "name": "countdown", "p_backtrack": 1.0, "max_number": 99, "max_target": 999 }),
        json!({ "name": "dag", "minority_share": 0.5, "distractors": 3, "constants": 3 }),
        json!({ "name": "graph", "extra_edges": 8, "ood_max_nodes": 12, "max_length": 5 }),
    ];
    let mut tasks = defaults();
    tasks.extend(options.iter().map(|value| read(value).unwrap()));
    tasks
}

/// Every split's problem and a pretraining one.
fn problems(task: &TaskSpec, stream: &mut Stream) -> Vec<Problem> {
    let mut out: Vec<Problem> = SPLITS.map(|split| task.problem(split, stream)).into();
    out.push(task.pretraining_problem(stream));
    out
}

/// A hash of problems, to hold against one computed before.
fn hash<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> u64 {
    let lines = problems.into_iter();
    let lines: String = lines
        .map(|p| format!("{} {}\n", p.prompt, p.gold))
        .collect();
    crate::rng::derive_seed(&[&lines])
}

/// Right steps only, but for what a mark of reflection takes back.
fn sound(steps: &[StepVerdict]) -> bool {
    let taken_back = |i: usize| steps.get(i + 1) == Some(&StepVerdict::Reflection);
    let mut steps_and_places = steps.iter().enumerate();
    steps_and_places.all(|(i, step)| step.is_right() || taken_back(i))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn chains_of_every_split_verify_and_fit(seed in 0_u64..1_000_000) {
        for task in tasks() {
            let mut stream = Uniform::new(seed, "t").stream(0, 0);
            for problem in problems(&task, &mut stream) {
                let clean = task.clean_chain(&problem, &mut stream);
                let long = task.long_chain(&problem, 0.0, &mut stream);
                let short = task.short_answer(&problem);
                let rechecked = task.long_chain(&problem, 0.5, &mut stream);
                for text in [&clean, &long, &short, &rechecked] {
                    let verdict = task.verify(&problem, text, true);
                    let at = format!("{} {} {text}", task.name(), problem.prompt);
                    prop_assert!(verdict.correct && verdict.well_formed, "{at}");
                    prop_assert!(sound(&verdict.steps), "{at} {:?}", verdict.steps);
                    prop_assert!(text.chars().all(|c| task.alphabet().contains(c)), "{at}");
                    if text != &rechecked {
                        prop_assert!((text.len() as u32) < task.longest_chain(), "{at}");
                    }
                }
                let steps = task.verify(&problem, &clean, true).steps;
                prop_assert!(steps.iter().all(|s| *s == StepVerdict::Right), "{clean} {steps:?}");
                prop_assert!(steps.len() as u32 >= problem.difficulty);
                prop_assert_eq!(task.reflections(&clean), 0);
                prop_assert!(problem.prompt.chars().all(|c| task.alphabet().contains(c)));
                prop_assert!((problem.prompt.len() as u32) < task.max_prompt_tokens());
                if let Some(language) = task.language(&problem, &clean) {
                    prop_assert!(language.target > 0 && language.other == 0);
                }
            }
        }
    }

    #[test]
    fn a_clean_prefix_can_reach_the_answer_and_a_faulty_one_cannot(seed in 0_u64..1_000_000) {
        for task in tasks() {
            let mut stream = Uniform::new(seed, "t").stream(0, 0);
            for problem in problems(&task, &mut stream) {
                for faulty in [false, true] {
                    let text = match faulty {
                        false => task.clean_chain(&problem, &mut stream),
                        true => task.wrong_chain(&problem, &mut stream),
                    };
                    let steps = task.verify(&problem, &text, true).steps;
                    prop_assert_eq!(steps.iter().any(|s| s.is_fault()), faulty, "{} {}", problem.prompt, text);
                    prop_assert!(steps.iter().filter(|s| s.is_fault()).count() <= 1);
                    prop_assert!(!faulty || !steps.iter().all(|s| s.is_right()), "{text}");
                    prop_assert!(text.chars().all(|c| task.alphabet().contains(c)), "{text}");
                    prop_assert!((text.len() as u32) < task.longest_chain(), "{text}");
                    let mut prefix = String::new();
                    for (piece, i) in text.split_inclusive(STEP).zip(0..) {
                        if piece.starts_with(ANSWER) {
                            break;
                        }
                        prefix.push_str(piece);
                        let fine = !steps[..=i].iter().any(|s| s.is_fault());
                        prop_assert_eq!(task.reachable(&problem, &prefix), fine, "{} {}", problem.prompt, prefix);
                    }
                    if !faulty {
                        prop_assert!(task.reachable(&problem, &text));
                    }
                }
            }
        }
    }

    #[test]
    fn hostile_completions_never_panic(seed in 0_u64..1_000_000, text in "\\PC{0,40}", picks in prop::collection::vec(0_usize..1_000, 0..60)) {
        for task in tasks() {
            let problem = task.problem(Split::Train, &mut Uniform::new(seed, "t").stream(0, 0));
            let alphabet: Vec<char> = task.alphabet().chars().collect();
            let own: String = picks.iter().map(|i| alphabet[i % alphabet.len()]).collect();
            for text in [&text, &own] {
                let verdict = task.verify(&problem, text, true);
                prop_assert_eq!(verdict.correct, verdict.answer.as_deref() == Some(problem.gold.as_str()));
                let _ = (task.reachable(&problem, text), task.language(&problem, text), task.reflections(text));
            }
        }
    }
}

#[test]
fn a_stored_task_reads_back_equal() {
    for task in tasks() {
        let stored = serde_json::to_value(&task).unwrap();
        assert_eq!(stored["name"], task.name());
        assert_eq!(read(&stored).as_ref(), Ok(&task));
        assert_eq!(serde_json::from_value::<TaskSpec>(stored).unwrap(), task);
    }
    let names: Vec<_> = defaults().iter().map(TaskSpec::name).collect();
    assert_eq!(names, TaskSpec::generated());
    assert_eq!(TaskSpec::names().last(), Some(&"questions"));
}

#[test]
fn splits_never_share_a_problem() {
    for task in tasks() {
        let mut seen = HashMap::new();
        for split in SPLITS {
            let problems = task.fixed_problems(split, 200);
            assert_eq!(problems.len(), 200, "{} {split}", task.name());
            for problem in problems {
                let bucket = match split {
                    Split::Ood => Split::Test,
                    Split::Train | Split::Validation | Split::Test => split,
                };
                assert_eq!(task.split(&problem), bucket);
                assert_eq!(seen.insert(problem.prompt, split), None);
            }
        }
        let mut stream = Uniform::new(1, "t").stream(0, 0);
        for _ in 0..200 {
            let problem = task.pretraining_problem(&mut stream);
            assert_eq!(task.split(&problem), Split::Train);
        }
    }
}

/// Otherwise a test problem would be trained on in other words.
#[test]
fn one_question_in_other_words_stays_in_its_split() {
    let same = [
        ("mult", "74*63=", "63*74="),
        ("graph", "ab,cb,be,ce,cd,af,?ad", "ec,fa,eb,dc,ba,bc,?da"),
        // Other names, another order of lines and factors, without the needless `d`.
        ("dag", "c=b*a,b=a+3,d=a-b,a=4,?c", "k=4,m=3+k,p=k*m,?p"),
    ];
    let other = [
        ("mult", "74*63=", "74*64="),
        ("graph", "ab,cb,be,ce,cd,af,?ad", "ab,cb,be,ce,cd,af,?ae"),
        ("dag", "c=b-a,b=a+3,a=4,?c", "c=a-b,b=a+3,a=4,?c"),
    ];
    let canonical = |task: &TaskSpec, prompt: &str| each!(task, task => task.canonical(prompt));
    for task in defaults() {
        for (name, first, second) in same.iter().filter(|(name, ..)| *name == task.name()) {
            assert_eq!(canonical(&task, first), canonical(&task, second), "{name}");
        }
        for (name, first, second) in other.iter().filter(|(name, ..)| *name == task.name()) {
            assert_ne!(canonical(&task, first), canonical(&task, second), "{name}");
        }
    }
}

#[test]
fn out_of_distribution_problems_are_larger() {
    let size = |task: &TaskSpec, split| {
        let problems = task.fixed_problems(split, 50);
        let sizes = problems.iter().map(|p| p.prompt.len());
        sizes.sum::<usize>()
    };
    for task in defaults() {
        assert!(
            size(&task, Split::Ood) > size(&task, Split::Test),
            "{}",
            task.name()
        );
    }
}

#[test]
fn a_small_model_has_room_for_every_task() {
    let room: HashMap<_, _> = defaults()
        .iter()
        .map(|task| {
            let (prompt, chain) = (task.max_prompt_tokens(), task.longest_chain());
            (task.name(), (prompt, chain, task.vocab()))
        })
        .collect();
    let expected = HashMap::from([
        ("modchain", (15, 39, 19)),
        ("parity", (22, 43, 8)),
        ("mult", (9, 84, 18)),
        ("countdown", (19, 79, 25)),
        ("dag", (59, 59, 37)),
        ("graph", (34, 15, 29)),
    ]);
    assert_eq!(room, expected);
}

#[test]
fn faults_of_a_task_are_all_reported_and_an_unknown_one_lists_the_known() {
    let messages = |value: Value| -> Vec<String> {
        let violations = read(&value).unwrap_err();
        violations.iter().map(|v| v.message.clone()).collect()
    };
    assert_eq!(
        messages(json!({ "name": "sudoku" })),
        [
            "unknown task \"sudoku\"; known: modchain, parity, mult, countdown, dag, graph, questions"
        ]
    );
    assert_eq!(messages(json!({})), ["is required"]);
    let many = json!({ "name": "modchain", "min_ops": 32, "max_ops": 32, "pretrain_max_ops": 32 });
    assert_eq!(messages(many), ["must be above max_ops (32)"]);
    for value in [
        json!({ "name": "parity", "max_bits": 11, "ood_min_bits": 10 }),
        json!({ "name": "mult", "ood_min_digits": 2, "order": "reversed" }),
        json!({ "name": "countdown", "max_numbers": 5, "ood_max_numbers": 4 }),
        json!({ "name": "dag", "minority_l1_share": 0.9, "ood_min_ops": 4 }),
        json!({ "name": "graph", "max_length": 6, "min_nodes": 9 }),
        json!({ "name": "modchain", "minority_mixed_share": 0.7, "p_reflect": 2 }),
    ] {
        assert!(messages(value.clone()).len() >= 2, "{value}");
    }
}

/// The settings and problems of experiments that are already stored.
#[test]
fn modchain_is_what_it_was() {
    let task = TaskSpec::Modchain(Modchain::default());
    let stored = json!({ "name": "modchain", "modulus": 10, "min_ops": 3, "max_ops": 4,
        "pretrain_min_ops": 3, "pretrain_max_ops": 4, "ood_min_ops": 5, "ood_max_ops": 6 });
    assert_eq!(serde_json::to_value(&task).unwrap(), stored);
    assert_eq!(serde_json::from_value::<TaskSpec>(stored).unwrap(), task);
    assert_eq!(task.vocab(), 19);
    let fixed = task.fixed_problems(Split::Test, 50);
    assert_eq!(hash(&fixed), 4_148_457_992_207_421);
    let mut text = String::new();
    for seed in 0..50 {
        let mut stream = Uniform::new(seed, "pin").stream(0, 0);
        let mut add = |p: Problem, p_recheck: f64, stream: &mut Stream| {
            let chain = task.long_chain(&p, p_recheck, stream);
            text += &format!("{} {} {chain}\n", p.prompt, p.gold);
        };
        for split in SPLITS {
            let problem = task.problem(split, &mut stream);
            add(problem, 0.3, &mut stream);
        }
        let problem = task.pretraining_problem(&mut stream);
        add(problem, 0.0, &mut stream);
    }
    assert_eq!(crate::rng::derive_seed(&[&text]), 1_856_539_278_672_771);
}

#[test]
fn only_a_task_with_marks_of_reflection_has_a_rate_of_them() {
    let reflects = |value: Value| read(&value).unwrap().reflects();
    assert!(!reflects(json!({ "name": "modchain" })) && !reflects(json!({ "name": "parity" })));
    assert!(reflects(json!({ "name": "modchain", "p_reflect": 0.1 })));
    assert!(reflects(json!({ "name": "countdown" })));
}
