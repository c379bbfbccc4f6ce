//! What is said of how completions were taken, and of the base model beside the rates.

use super::*;
use crate::pages::run::reflective::Base;

#[test]
fn dynamic_sampling_has_chosen_by_reward_and_says_so() {
    let mut of = material(vec![]);
    let shown = of.stage.as_mut().unwrap();
    let JobSpec::Grpo { params, .. } = &mut shown.spec.job else {
        panic!("the stage is no GRPO")
    };
    params.max_num_gen_batches = 4;
    let text = render(&of);
    for words in [
        "24 of 240 completions that were trained on are stored: the first 2 groups of 4",
        "groups whose rewards differ stand first, as dynamic sampling trains on them; discarded \
         draws are not counted here.",
        "Reflective completions, share of all that was trained on: ",
        "batch, discarded draws left out, by step.",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("nothing is chosen by reward") && !text.contains("the whole rollout"));
}

#[test]
fn the_base_model_stands_beside_the_policy_that_the_stage_began_with() {
    let mut of = material(vec![]);
    let text = render(&of);
    assert!(text.contains("Nothing was measured of the base model to draw beside it."));
    assert!(!text.contains(">base</text>") && !text.contains("Its base"));
    let shown = of.stage.as_mut().unwrap();
    shown.base = Some(Base {
        stage: "base".into(),
        step: 1_200,
        rate: 0.035,
    });
    let words = "Characters of steps in the prompt\u{2019}s vocabulary";
    shown.rates.push((words, rate()));
    let text = render(&of);
    for words in [
        ">base</text>",
        "own rate, 0.035 over the validation split at step 1,200 of base; it may have done the \
         same already. The policy as this stage began: <span class=\"num\">0.010</span>, at step 1.",
        "share of the whole rollout: the base model 0.035 over the validation split at step 1,200 \
         of base; 0.010 at step 1, with the policy as this stage began; 0.060 at step 6",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    // That is no rate of the other curve.
    assert!(text.contains("vocabulary, share of the whole rollout: 0.010 at step 1"));
}

#[test]
fn a_step_without_a_mark_has_a_rate_of_0_and_one_that_was_not_counted_has_none() {
    let mut of = material(vec![]);
    let shown = of.stage.as_mut().unwrap();
    shown.wanted.step = Some(11);
    assert!(rates(shown)[0].ends_with("none counted at step 11"));
    let points = &mut shown.rates[0].1.points;
    let mut zero = points[1];
    (zero.step, zero.mean, zero.last) = (11, 0.0, 0.0);
    points.push(zero);
    assert!(rates(shown)[0].ends_with("0.000 at step 11"));
}
