use super::*;
use crate::task::TaskSpec;
use StepVerdict::{Malformed, Reflection, Right, Useless, WrongCopy, WrongResult};

fn example() -> (TaskSpec, Problem) {
    let problem = Problem {
        prompt: "3,6,7:24=".into(),
        gold: "24".into(),
        difficulty: 2,
    };
    (TaskSpec::Countdown(Countdown::default()), problem)
}

#[test]
fn each_kind_of_step_has_its_verdict() {
    let (task, problem) = example();
    let steps = |text: &str| task.verify(&problem, text, true).steps;
    assert_eq!(steps("7-3=4;6*4=24;A(7-3)*6"), [Right, Right]);
    // 10 and 6 make 4, 16 and 60, not 24.
    assert_eq!(
        steps("3+7=10;B;7-3=4;6*4=24;A6*(7-3)"),
        [Useless, Reflection, Right, Right]
    );
    assert_eq!(steps("3+7=10;10+6=16;"), [Useless, Useless]);
    // The step taken back led on.
    assert_eq!(steps("7-3=4;B;7-3=4;"), [Right, Useless, Right]);
    assert_eq!(steps("7-3=5;"), [WrongResult]);
    // Judged against what it claimed: 4 and 6 do make 24.
    assert_eq!(steps("3+7=4;4*6=24;"), [WrongResult, Right]);
    assert_eq!(steps("3-7=4;7/3=2;"), [WrongResult, WrongCopy]);
    assert_eq!(steps("6+6=12;7-4=3;"), [WrongCopy, WrongCopy]);
    assert_eq!(steps("B;7-3;07-3=4;"), [Malformed, Malformed, Malformed]);
}

#[test]
fn any_expression_that_uses_each_number_once_is_an_answer() {
    let (task, problem) = example();
    let verdict = |text: &str| task.verify(&problem, text, true);
    for text in ["A(7-3)*6", "A6*(7-3)", "A7*6-3*6"] {
        assert_eq!(verdict(text).correct, text != "A7*6-3*6", "{text}");
    }
    assert_eq!(verdict("A7+6+3").answer.as_deref(), Some("16"));
    assert_eq!(verdict("A7/3+6").answer.as_deref(), Some("25/3"));
    assert_eq!(verdict("A24").answer, None);
    assert_eq!(verdict("A6*4").answer, None);
}

#[test]
fn reachability_is_that_of_the_numbers_left() {
    let (task, problem) = example();
    assert!(task.reachable(&problem, "") && task.reachable(&problem, "7-3=4;"));
    assert!(!task.reachable(&problem, "3+7=10;"));
    assert!(task.reachable(&problem, "3+7=10;B;"));
    assert!(!task.reachable(&problem, "3+7=4;"));
    assert!(task.reachable(&problem, "A(7-3)*6"));
    assert_eq!(task.reflections("3+7=10;B;7-3=4;B;A"), 2);
}
