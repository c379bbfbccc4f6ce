use crate::spec::Experiment;

const SHARED: &str = "
name: t
question: q?
task: { name: modchain }
seeds: 2
baseline: zero
budget: { unit: flops, amount: 1.0e+11 }
stages:
  - { id: base, kind: pretrain, model: { context: 96 } }
  - { id: narrow, kind: pretrain, model: { context: 64 } }
  - { id: tiny-labels, kind: prm_label, charge: arm, share: 0.1, inputs: { init: narrow }, max_completion_length: 40 }
  - { id: tiny-prm, kind: prm_train, charge: arm, share: 0.1, inputs: { init: narrow, data: tiny-labels } }
arms:
  - { id: zero, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
";

/// Pointers and messages of what is wrong with one more arm.
fn refused(arm: &str) -> Vec<(String, String)> {
    match Experiment::from_text(&format!("{SHARED}  - {arm}\n")) {
        Ok(_) => vec![],
        Err(found) => found
            .0
            .into_iter()
            .map(|v| (v.pointer, v.message))
            .collect(),
    }
}

#[track_caller]
fn is_refused(arm: &str, pointer: &str, because: &str) {
    let found = refused(arm);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, pointer);
    assert!(found[0].1.contains(because), "{found:?}");
}

#[test]
fn what_could_never_run_is_refused_with_its_pointer() {
    // Each case beside a sound one that differs in a word.
    assert_eq!(
        refused(
            "{ id: d, stages: [{ id: s, kind: distill, inputs: { init: base, teacher: zero/grpo } }] }"
        ),
        []
    );
    is_refused(
        "{ id: d, stages: [{ id: s, kind: distill, inputs: { init: base, teacher: big/grpo } }] }",
        "/arms/1/stages/0/inputs/teacher",
        "no stage \"big/grpo\"",
    );
    is_refused(
        "{ id: d, stages: [{ id: s, kind: distill, inputs: { init: base } }] }",
        "/arms/1/stages/0/inputs",
        "distill needs `teacher`",
    );
    let labels = "{ id: labels, kind: prm_label, inputs: { init: base } }";
    let prm = "{ id: prm, kind: prm_train, inputs: { init: base, data: labels } }";
    let grpo = "{ id: grpo, kind: grpo, inputs: { init: base, prm: prm }, rewards: [{ component: prm, credit: min }] }";
    assert_eq!(
        refused(&format!("{{ id: p, stages: [{labels}, {prm}, {grpo}] }}")),
        []
    );
    is_refused(
        &format!(
            "{{ id: p, stages: [{labels}, {grpo}, {{ id: again, kind: grpo, inputs: {{ init: grpo }} }}] }}"
        ),
        "/arms/1/stages/1/inputs/prm",
        "no stage \"prm\"",
    );
    is_refused(
        "{ id: p, stages: [{ id: grpo, kind: grpo, inputs: { init: base, prm: base }, rewards: [{ component: prm, credit: min }] }] }",
        "/arms/1/stages/0/inputs/prm",
        "must be a prm_train stage",
    );
    is_refused(
        "{ id: r, stages: [{ id: s, kind: rejection_sample, inputs: { init: base }, num_generations: 4, keep_per_prompt: 5 }, { id: t, kind: sft, inputs: { init: base, data: s } }] }",
        "/arms/1/stages/0/keep_per_prompt",
        "more than num_generations (4)",
    );
    is_refused(
        "{ id: m, stages: [{ id: s, kind: mcts, value: oracle, inputs: { init: zero/grpo }, max_completion_length: 100 }] }",
        "/arms/1/stages/0/max_completion_length",
        "the model's context is 96",
    );
}

#[test]
fn a_judge_that_its_user_trains_later_is_refused() {
    let labels = "{ id: labels, kind: prm_label, inputs: { init: base } }";
    let prm = "{ id: prm, kind: prm_train, inputs: { init: base, data: labels } }";
    let grpo = "{ id: grpo, kind: grpo, inputs: { init: base, prm: prm }, rewards: [{ component: prm, credit: min }] }";
    let last = "{ id: last, kind: grpo, inputs: { init: grpo } }";
    is_refused(
        &format!("{{ id: p, stages: [{labels}, {grpo}, {prm}, {last}] }}"),
        "/arms/1/stages/1/inputs/prm",
        "listed after this stage",
    );
}

#[test]
fn a_search_deeper_than_its_judges_context_is_refused() {
    let decoder = |length: u32| {
        format!(
            "{{ id: m, stages: [{{ id: s, kind: search, method: best_of_n, inputs: {{ init: zero/grpo, prm: tiny-prm }}, max_completion_length: {length} }}] }}"
        )
    };
    assert_eq!(refused(&decoder(40)), []);
    is_refused(
        &decoder(60),
        "/arms/1/stages/0/inputs/prm",
        "the judge's context is 64",
    );
}

#[test]
fn a_budget_smaller_than_one_step_of_any_kind_is_refused() {
    let budget = |amount: &str, arm: &str| {
        let text = format!("{SHARED}  - {arm}\n").replace("1.0e+11", amount);
        match Experiment::from_text(&text) {
            Ok(_) => vec![],
            Err(found) => found.0.into_iter().map(|v| v.pointer).collect(),
        }
    };
    let stages = [
        "{ id: s, kind: grpo, inputs: { init: base } }",
        "{ id: s, kind: ppo, inputs: { init: base } }",
        "{ id: s, kind: sft, inputs: { init: base } }",
        "{ id: s, kind: distill, inputs: { init: base, teacher: zero/grpo } }",
        "{ id: s, kind: distill, mode: on_policy, inputs: { init: base, teacher: zero/grpo } }",
        "{ id: s, kind: mcts_selftrain, inputs: { init: base } }",
    ];
    for stage in stages {
        let arm = format!("{{ id: a, stages: [{stage}] }}");
        assert_eq!(budget("1.0e+11", &arm), [""; 0], "{stage}");
        let small = budget("1.0e+6", &arm);
        assert!(
            small.contains(&"/arms/1/stages/0/share".to_string()),
            "{stage}: {small:?}"
        );
    }
    let small = budget("1.0e+6", "{ id: a, policy: base }");
    assert!(small.contains(&"/stages/2/share".to_string()), "{small:?}");
    assert!(small.contains(&"/stages/3/share".to_string()), "{small:?}");
}
