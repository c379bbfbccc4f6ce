use super::*;
use crate::rng::Uniform;
use crate::task::TaskSpec;
use StepVerdict::{Malformed, Recheck, Right, WrongCopy, WrongResult};

fn example(order: DigitOrder) -> (TaskSpec, Problem) {
    let (prompt, gold) = match order {
        DigitOrder::MostFirst => ("47*36=", "1692"),
        DigitOrder::LeastFirst => ("74*63=", "2961"),
    };
    let problem = Problem {
        prompt: prompt.into(),
        gold: gold.into(),
        difficulty: 3,
    };
    let task = Mult {
        order,
        ..Mult::default()
    };
    (TaskSpec::Mult(task), problem)
}

#[test]
fn both_orders_of_digits_write_the_same_sum() {
    for (order, expected) in [
        (
            DigitOrder::MostFirst,
            "47*6=282;47*30=1410;282+1410=1692;A1692",
        ),
        (
            DigitOrder::LeastFirst,
            "74*6=282;74*03=0141;282+0141=2961;A2961",
        ),
    ] {
        let (task, problem) = example(order);
        let text = task.clean_chain(&problem, &mut Uniform::new(0, "t").stream(0, 0));
        assert_eq!(text, expected);
        let verdict = task.verify(&problem, &text, true);
        assert!(verdict.correct && verdict.well_formed);
        assert_eq!(verdict.steps, [Right; 3]);
    }
}

#[test]
fn each_kind_of_step_has_its_verdict() {
    let (task, problem) = example(DigitOrder::MostFirst);
    let steps = |text: &str| task.verify(&problem, text, true).steps;
    assert_eq!(
        steps("47*6=272;47*30=1410;272+1410=1682;A1682"),
        [WrongResult, Right, Right]
    );
    assert_eq!(
        steps("47*6=282;47*30=1410;282+1410=1792;A1792"),
        [Right, Right, WrongResult]
    );
    assert_eq!(steps("47*6=282;47*6=282;"), [Right, Recheck]);
    assert_eq!(steps("47*6=282;47*6=281;"), [Right, WrongResult]);
    assert_eq!(steps("47*6=281;47*6=281;"), [WrongResult, WrongResult]);
    assert_eq!(steps("47*6=281;47*6=282;"), [WrongResult, Right]);
    assert_eq!(steps("46*6=276;46*6=276;"), [WrongCopy, WrongCopy]);
    assert_eq!(
        steps("47*6=282;46*30=1380;282+1380=1662;"),
        [Right, WrongCopy, Right]
    );
    assert_eq!(
        steps("47*6=0282;47=6;47*30=1410;"),
        [Malformed, Malformed, WrongCopy]
    );
    // A line too many.
    let text = "47*6=282;47*30=1410;282+1410=1692;1692+1410=3102;";
    assert_eq!(steps(text)[3], WrongCopy);
    assert!(task.reachable(&problem, "47*6=282;"));
    assert!(!task.reachable(&problem, "47*6=272;"));
    assert!(task.verify(&problem, "A01692", true).answer.is_none());
}
