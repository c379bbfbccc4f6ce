use super::*;
use crate::rng::Uniform;
use crate::task::TaskSpec;
use StepVerdict::{Malformed, Recheck, Right, Useless, WrongCopy, WrongResult};

fn example(minority_share: f64) -> (TaskSpec, Problem) {
    let task = Dag {
        minority_share,
        ..Dag::default()
    };
    let problem = Problem {
        prompt: "c=b*a,b=a+3,d=a-b,a=4,?c".into(),
        gold: "8".into(),
        difficulty: 2,
    };
    (TaskSpec::Dag(task), problem)
}

#[test]
fn each_kind_of_step_has_its_verdict() {
    let (task, problem) = example(0.0);
    let text = task.clean_chain(&problem, &mut Uniform::new(0, "t").stream(0, 0));
    let steps = |text: &str| task.verify(&problem, text, true).steps;
    // `b` comes first in the query's definition, and it needs `a`.
    assert_eq!(text, "a=4;b=4+3=7;c=7*4=8;A8");
    assert_eq!(steps(&text), [Right; 3]);
    assert_eq!(steps("a=4;b=4+3=7;d=4-7=7;"), [Right, Right, Useless]);
    assert_eq!(steps("a=4;b=4+3=8;c=8*4=2;"), [Right, WrongResult, Right]);
    assert_eq!(steps("a=4;b=4+3=7;c=7*4=7;A7")[2], WrongResult);
    assert_eq!(steps("a=5;b=4+3=7;"), [WrongCopy, WrongCopy]);
    assert_eq!(steps("b=4+3=7;"), [WrongCopy]);
    assert_eq!(steps("a=4;a=4;b=4-3=1;"), [Right, Recheck, WrongCopy]);
    assert_eq!(
        steps("a4;b=a+3=7;q=1;e=1;"),
        [Malformed, Malformed, Malformed, WrongCopy]
    );
    assert!(task.reachable(&problem, "a=4;b=4+3=7;d=4-7=7;"));
    assert!(!task.reachable(&problem, "a=4;b=4+3=8;"));
    assert_eq!(task.language(&problem, &text), None);
    // L2 is not known where it is not asked for.
    assert_eq!(steps("a:O;"), [Malformed]);
}

#[test]
fn a_problem_in_the_second_vocabulary_takes_either() {
    let (task, first) = example(0.5);
    let problem = Problem {
        prompt: "b@a:c,a&N:b,a~b:d,O:a,?c".into(),
        ..first.clone()
    };
    assert_eq!(task.split(&problem), task.split(&first));
    let text = task.clean_chain(&problem, &mut Uniform::new(0, "t").stream(0, 0));
    assert_eq!(text, "a:O;b:O&N:R;c:R@O:S;AS");
    for text in [&text, "a=4;b=4+3=7;c=7*4=8;A8", "a=4;b:O&N:R;c=7*4:8;AS"] {
        let verdict = task.verify(&problem, text, true);
        assert!(verdict.correct && verdict.steps == [Right; 3], "{text}");
    }
    let count = |text: &str| task.language(&problem, text);
    let (target, other) = (14, 0);
    assert_eq!(count(&text), Some(Language { target, other }));
    let (target, other) = (5, 2);
    assert_eq!(count("a=4;b:O&N:"), Some(Language { target, other }));
}
