use super::answer::{canonical, read};
use super::*;
use crate::canonical::sha256_of;
use crate::rng::Uniform;
use crate::spec::reader::Sink;
use crate::task::TaskSpec;
use std::collections::BTreeMap;

fn read_alone(value: &serde_json::Value, sink: &Sink) -> Questions {
    let r = Reader::new(value, "", sink);
    let task = Questions::read(&r);
    task.check(&r);
    task
}

fn lines(from: u32, n: u32) -> String {
    (from..from + n)
        .map(|i| {
            format!(
                "{{\"question\": \"How much is {i} + 1?\", \"answer\": \"It is {i}+1=<<{i}+1={}>>{}.\\n#### {}\"}}\n",
                i + 1, i + 1, i + 1
            )
        })
        .collect()
}

fn task(files: &BTreeMap<&str, String>) -> Questions {
    let of =
        |name: &str| serde_json::json!({"file": name, "sha256": sha256_of(files[name].as_bytes())});
    let sink = Sink::default();
    let value = serde_json::json!({"train": of("train"), "test": of("test"), "ood": of("ood")});
    let task = read_alone(&value, &sink);
    assert_eq!(sink.into_inner(), []);
    task
}

fn files() -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("train", lines(0, 200)),
        ("test", lines(190, 40)),
        ("ood", "{\"problem\": \"Half of one?\", \"answer\": \"\\\\frac{1}{2}\", \"solution\": \"Divide.\"}".into()),
    ])
}

fn attached() -> Questions {
    let files = files();
    let mut task = task(&files);
    task.attach(|name| Ok(files[name].clone().into_bytes()))
        .unwrap();
    task
}

#[test]
fn answers_are_equal_where_they_are_the_same_number_or_text() {
    let same = [
        ("72", "72."),
        ("1,234.50", "$1234.5"),
        ("\\frac{3}{6}", "1/2"),
        ("\\dfrac{1}{2}", "0.5"),
        ("-0", "0"),
        ("+7", "\\boxed{7}"),
        ("-\\frac{1}{3}", "-2/6"),
        ("x^2 + 1", "$x^2+1$"),
        ("\\left( 3, \\frac{\\pi}{2} \\right)", "(3,\\frac{\\pi}{2})"),
        ("\\text{Evelyn}", "Evelyn"),
    ];
    for (a, b) in same {
        assert_eq!(canonical(a), canonical(b), "{a} {b}");
        assert!(canonical(a).is_some());
    }
    let different = [
        ("72", "7.2"),
        ("1,23", "123"),
        ("50%", "50"),
        ("1/0", "0"),
        ("-3", "3"),
        ("x", "X"),
    ];
    for (a, b) in different {
        assert_ne!(canonical(a), canonical(b), "{a} {b}");
    }
    for nothing in ["", "  ", "$$", ".", &"9".repeat(300)] {
        assert_eq!(canonical(nothing), None, "{nothing}");
    }
    // Beyond what 128 bits hold it is a text, and still no crash.
    assert_eq!(canonical(&"9".repeat(40)), Some("9".repeat(40)));
}

#[test]
fn the_tag_holds_the_answer_and_the_format_is_strict() {
    let read = |text: &str, ended| read(AnswerForm::Tag, text, ended);
    let good = read("<think>3+4</think>\n<answer> 7 </answer>", true);
    assert_eq!(
        (good.answer.as_deref(), good.well_formed),
        (Some("7"), true)
    );
    for (text, ended, answer) in [
        ("<think>3+4</think><answer>7</answer>", false, Some("7")),
        (
            "<think>3+4</think><answer>7</answer> User: and 5+5? <answer>10</answer>",
            true,
            Some("7"),
        ),
        ("<answer>7</answer>", true, Some("7")),
        ("<think></think> so <answer>7</answer>", true, Some("7")),
        ("<answer>7</answer><think>3+4</think>", true, Some("7")),
        ("<think>3+4</think><answer>7", true, None),
        ("<think>3+4</think><answer></answer>", true, None),
        ("7", true, None),
    ] {
        let found = read(text, ended);
        assert_eq!(
            (found.answer.as_deref(), found.well_formed),
            (answer, false),
            "{text}"
        );
    }
}

#[test]
fn the_box_and_the_last_number_are_found() {
    let boxed = |text: &str| read(AnswerForm::Boxed, text, true).answer;
    assert_eq!(boxed("so \\boxed{\\frac{1}{2}}."), Some("1/2".into()));
    assert_eq!(boxed("\\boxed{1} no, \\boxed{2}"), Some("2".into()));
    assert_eq!(boxed("\\boxed{1"), None);
    let last = |text: &str| read(AnswerForm::LastNumber, text, true).answer;
    for (text, answer) in [
        ("He has 3 and 4, so 7.", Some("7")),
        ("It costs $1,250.50 in all", Some("2501/2")),
        ("3-4", Some("4")),
        ("it is -4!", Some("-4")),
        ("(2)-1", Some("1")),
        ("é 5/10 ü", Some("1/2")),
        ("none", None),
        ("", None),
    ] {
        assert_eq!(last(text).as_deref(), answer, "{text}");
    }
    // Cut off, the last number may be half a number.
    assert_eq!(read(AnswerForm::LastNumber, "so 12", false).answer, None);
}

#[test]
fn questions_stay_in_their_split_and_none_is_both_trained_on_and_tested() {
    let task = TaskSpec::Questions(attached());
    let mut seen: BTreeMap<String, Split> = BTreeMap::new();
    for split in [Split::Train, Split::Validation, Split::Test, Split::Ood] {
        for problem in task.fixed_problems(split, 1_000) {
            assert_eq!(task.split(&problem), split);
            assert_eq!(seen.insert(problem.prompt, split), None);
        }
    }
    let count = |split| seen.values().filter(|s| **s == split).count();
    // Ten questions of the test file stand in the training file too.
    assert_eq!((count(Split::Test), count(Split::Ood)), (30, 1));
    assert_eq!(count(Split::Train) + count(Split::Validation), 200);
    assert!((8..40).contains(&count(Split::Validation)));
}

#[test]
fn a_files_solution_is_a_completion_that_its_own_verifier_accepts() {
    for form in AnswerForm::ALL {
        let mut questions = attached();
        questions.answer = *form;
        let task = TaskSpec::Questions(questions);
        let mut stream = Uniform::new(1, "test").stream(0, 0);
        // The last number of `\\frac{1}{2}` is 2: that form is for numbers.
        let last: &[Split] = match form {
            AnswerForm::LastNumber => &[],
            AnswerForm::Tag | AnswerForm::Boxed => &[Split::Ood],
        };
        for split in [Split::Train, Split::Test].iter().chain(last) {
            let problem = task.problem(*split, &mut stream);
            let chain = task.clean_chain(&problem, &mut stream);
            let verdict = task.verify(&problem, &chain, true);
            assert!(verdict.correct && verdict.well_formed, "{chain}");
            assert!(!chain.contains("<<"), "{chain}");
        }
    }
    let task = TaskSpec::Questions(attached());
    let mut stream = Uniform::new(1, "test").stream(0, 0);
    let problem = task.problem(Split::Ood, &mut stream);
    assert_eq!(
        task.clean_chain(&problem, &mut stream),
        "<think>Divide.</think>\n<answer>\\frac{1}{2}</answer>"
    );
    let wrong = task.wrong_chain(&problem, &mut stream);
    assert!(!task.verify(&problem, &wrong, true).correct);
}

#[test]
fn another_file_or_a_broken_line_is_refused_with_its_place() {
    let files = files();
    let mut task = task(&files);
    let error = task
        .attach(|_| Err(std::io::Error::from(std::io::ErrorKind::NotFound)))
        .unwrap_err();
    assert!(error.starts_with("train: "), "{error}");
    let error = task.attach(|_| Ok(b"{}".to_vec())).unwrap_err();
    assert!(
        error.contains("has sha256") && error.contains(&task.train.sha256),
        "{error}"
    );
    for (text, message) in [
        ("{\"question\": \"a\"}", "line 1: has no `answer`"),
        ("\n{\"answer\": 3}", "line 2: has no `question`"),
        ("nonsense", "line 1: not JSON"),
        (
            "{\"question\": \"a\", \"answer\": \"\"}",
            "line 1: its answer is empty",
        ),
        ("", "too few questions"),
    ] {
        let error = Bank::default()
            .add(super::bank::Part::Train, text.as_bytes(), TEMPLATE)
            .unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn settings_are_checked_with_their_place() {
    let sink = Sink::default();
    let value = serde_json::json!({
        "train": {"file": "../x", "sha256": "0".repeat(64)},
        "test": {"file": "t", "sha256": "12", "more": 1},
        "template": "no place",
    });
    let r = Reader::new(&value, "/task", &sink);
    let task = Questions::read(&r);
    task.check(&r);
    r.finish();
    let pointers: Vec<String> = sink.into_inner().into_iter().map(|v| v.pointer).collect();
    assert_eq!(
        pointers,
        [
            "/task/train/file",
            "/task/test/sha256",
            "/task/test/more",
            "/task/ood",
            "/task/template"
        ]
    );
}

#[test]
fn the_settings_survive_json_and_leave_the_questions_behind() {
    let task = TaskSpec::Questions(attached());
    let json = serde_json::to_value(&task).unwrap();
    assert_eq!(json["name"], "questions");
    assert!(json.get("bank").is_none());
    let TaskSpec::Questions(back) = serde_json::from_value(json).unwrap() else {
        panic!("another task");
    };
    assert!(back.bank().is_empty());
    assert_eq!(back.train, attached().train);
}

#[test]
fn reflective_phrases_are_counted() {
    let task = TaskSpec::Questions(attached());
    assert_eq!(task.reflections("Wait, that is wrong. Let me check: 4."), 2);
    assert_eq!(task.reflections("The waiter waits."), 0);
}

#[test]
fn the_script_is_that_of_the_question_and_not_of_the_template_around_it() {
    let questions = attached();
    let prompt = |question: &str| Problem {
        prompt: questions.template.replace(MARK, question),
        gold: "4".into(),
        difficulty: 0,
    };
    let task = TaskSpec::Questions(questions.clone());
    let chinese = prompt("\u{8fd8}\u{5269}\u{591a}\u{5c11}\u{4e2a}?");
    let text = "<think>\u{8fd8}\u{5269} four. Wait, x = 4</think>\n<answer>4</answer>";
    let pieces = task.pieces(&chinese, text).unwrap();
    let other: Vec<&str> = pieces
        .iter()
        .flat_map(|p| &p.runs)
        .filter(|run| run.1)
        .map(|run| run.0)
        .collect();
    assert_eq!(other, ["four", "Wait"]);
    assert_eq!(pieces.iter().filter(|p| p.reflection).count(), 1);
    let found = task.scripts(&chinese, text).unwrap();
    assert_eq!((found.target, found.other), (2, 8));
    // A prompt that was cut within the question, and one of another template.
    let cut = Problem {
        prompt: chinese.prompt.split_once('?').unwrap().0.into(),
        ..chinese.clone()
    };
    assert_eq!(task.scripts(&cut, text), Some(found));
    let english = prompt("How many are left?");
    assert_eq!(task.scripts(&english, "four \u{56db}").unwrap().other, 1);
    assert_eq!(task.language(&english, "four"), None, "no vocabularies");
}

#[test]
fn a_benchmark_is_named_or_left_out_and_an_unknown_one_is_refused_at_its_place() {
    let read = |benchmark: Option<&str>| {
        let file = serde_json::json!({"file": "a.jsonl", "sha256": "0".repeat(64)});
        let mut value = serde_json::json!({"train": file, "test": file, "ood": file});
        if let Some(word) = benchmark {
            value["benchmark"] = word.into();
        }
        let sink = Sink::default();
        let task = read_alone(&value, &sink);
        (task, sink.into_inner())
    };
    let (task, violations) = read(None);
    assert_eq!((task.benchmark, violations), (None, vec![]));
    // Not even an empty key: what was hashed before keeps its hash.
    let written = serde_json::to_value(TaskSpec::Questions(task)).unwrap();
    assert!(written.get("benchmark").is_none(), "{written}");
    assert!(serde_json::from_value::<TaskSpec>(written).is_ok());

    let (task, violations) = read(Some("math_500"));
    assert_eq!(
        (task.benchmark, violations),
        (Some(Benchmark::Math500), vec![])
    );
    let written = serde_json::to_value(TaskSpec::Questions(task.clone())).unwrap();
    assert_eq!(written["benchmark"], "math_500");
    let back = serde_json::from_value::<TaskSpec>(written).unwrap();
    assert_eq!(back, TaskSpec::Questions(task));

    let (_, violations) = read(Some("math500"));
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].pointer, "/benchmark");
    assert!(
        violations[0].message.contains("gsm8k, math_500, aime_2024"),
        "{violations:?}"
    );
}
