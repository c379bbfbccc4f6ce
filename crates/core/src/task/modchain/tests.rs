use super::*;
use crate::rng::Uniform;
use crate::task::TaskSpec;
use StepVerdict::{Malformed, Recheck, Reflection, Right, Useless, WrongCopy, WrongResult};

fn example(settings: Modchain) -> (TaskSpec, Problem) {
    // 7*3=21 -> 1; 1-8=-7 -> 3; 3+5=8.
    let problem = Problem {
        prompt: "7*3-8+5=".into(),
        gold: "8".into(),
        difficulty: 3,
    };
    (TaskSpec::Modchain(settings), problem)
}

fn stream(seed: u64) -> Stream {
    Uniform::new(seed, "t").stream(0, 0)
}

#[test]
fn each_kind_of_step_has_its_verdict() {
    let (task, problem) = example(Modchain::default());
    let text = task.long_chain(&problem, 0.0, &mut stream(0));
    assert_eq!(text, "7*3=1;1-8=3;3+5=8;A8");
    let steps = |text: &str| task.verify(&problem, text, true).steps;
    assert_eq!(steps(&text), [Right, Right, Right]);
    assert_eq!(steps("7*3=2;2-8=4;4+5=9;A9"), [WrongResult, Right, Right]);
    assert_eq!(steps("7*3=1;1-7=4;4+5=9;A9"), [Right, WrongCopy, Right]);
    assert_eq!(
        steps("7*3=1;1+0=1;1-8=3;3+5=8;A8"),
        [Right, Recheck, Right, Right]
    );
    assert_eq!(steps("7*3=1;-8;W;A8"), [Right, Malformed, Malformed]);
    // A right answer after wrong steps is a right outcome all the same.
    assert!(task.verify(&problem, "A8", true).correct);
    assert!(task.verify(&problem, "9*9=9;A8", true).correct);
}

#[test]
fn a_truncated_or_unparsable_completion_casts_no_vote() {
    let (task, problem) = example(Modchain::default());
    for (text, ended) in [
        ("A8", false),
        ("A88", true),
        ("A", true),
        ("Ai", true),
        ("7*3=1;", true),
        ("", true),
        ("8", true),
    ] {
        let verdict = task.verify(&problem, text, ended);
        assert!(verdict.answer.is_none() && !verdict.correct, "{text}");
    }
}

#[test]
fn a_step_after_a_reflection_is_judged_from_before_the_step_taken_back() {
    let (task, problem) = example(Modchain {
        p_reflect: 1.0,
        ..Modchain::default()
    });
    let steps = |text: &str| task.verify(&problem, text, true).steps;
    assert_eq!(
        steps("7*3=1;1-8=5;W;1-8=3;3+5=8;A8"),
        [Right, WrongResult, Reflection, Right, Right]
    );
    assert_eq!(
        steps("7*3=1;W;1-8=3;W;W;"),
        [Right, Useless, WrongCopy, Reflection, Malformed]
    );
    // Not for nothing: the step before the one taken back is wrong.
    assert_eq!(
        steps("7*3=2;2-8=4;W;W;7*3=1;W;"),
        [WrongResult, Right, Reflection, Reflection, Right, Useless]
    );
    assert!(task.reachable(&problem, "7*3=1;1-8=5;W;"));
    assert!(!task.reachable(&problem, "7*3=1;1-8=5;"));
    assert!(!task.reachable(&problem, "7*3=2;2-8=4;W;"));
    assert_eq!(task.reflections("7*3=1;W;7*3=1;WW;W;AW"), 2);
    for seed in 0..20 {
        let text = task.long_chain(&problem, 0.0, &mut stream(seed));
        let found = task.verify(&problem, &text, true).steps;
        let at = found.iter().position(|step| *step == Reflection);
        assert_eq!(at.map(|at| found[at - 1]), Some(WrongResult), "{text}");
    }
}

#[test]
fn the_value_counts_in_either_vocabulary() {
    let (task, first) = example(Modchain {
        minority_share: 0.1,
        ..Modchain::default()
    });
    let problem = Problem {
        prompt: "h*d-i+f=".into(),
        ..first.clone()
    };
    assert_eq!(task.split(&problem), task.split(&first));
    assert_eq!(task.short_answer(&problem), "Ai");
    let clean = task.clean_chain(&problem, &mut stream(0));
    assert_eq!(clean, "h*d=b;b-i=d;d+f=i;Ai");
    let count = |target, other| Some(Language { target, other });
    for (text, expected) in [
        (clean.as_str(), count(9, 0)),
        ("7*3=1;1-8=3;3+5=8;A8", count(0, 9)),
        ("h*3=b;1-8=3;d+f=i;A8", count(5, 4)),
    ] {
        let verdict = task.verify(&problem, text, true);
        assert!(verdict.correct && verdict.steps == [Right; 3], "{text}");
        assert_eq!(verdict.answer.as_deref(), Some("8"));
        assert_eq!(task.language(&problem, text), expected);
    }
    assert_eq!(task.language(&first, &clean), count(0, 9));
}

#[test]
fn the_shares_of_vocabularies_are_those_of_the_settings() {
    let task = TaskSpec::Modchain(Modchain {
        minority_share: 0.2,
        ..Modchain::default()
    });
    let (mut second, mut own, mut other) = (0, 0, 0);
    for seed in 0..4_000 {
        let stream = &mut stream(seed);
        let problem = task.pretraining_problem(stream);
        if !in_second(&problem.prompt) {
            continue;
        }
        second += 1;
        let text = task.long_chain(&problem, 0.0, stream);
        let count = task.language(&problem, &text).unwrap();
        own += u32::from(count.other == 0);
        other += u32::from(count.target == 0);
    }
    // 800 of them, four in ten each way, and of the mixed ones (two in ten) a
    // sixth or so is mixed by name only; five standard errors.
    assert!((673..=927).contains(&second), "{second}");
    for share in [own, other].map(|n| f64::from(n) / f64::from(second)) {
        assert!((0.33..0.51).contains(&share), "{share}");
    }
}
