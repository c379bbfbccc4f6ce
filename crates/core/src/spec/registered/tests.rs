use super::*;

/// Two arms that train, three decoders of one policy and one of another.
fn read(change: &str) -> Result<Experiment, String> {
    let text = format!(
            "
name: t
question: q?
task: {{ name: modchain }}
seeds: 2
budget: {{ unit: tokens, amount: 10000 }}
stages:
  - {{ id: base, kind: pretrain, model: {{}} }}
arms:
  - {{ id: base, policy: base }}
  - {{ id: zero, stages: [{{ id: grpo, kind: grpo, inputs: {{ init: base }} }}] }}
  - {{ id: sft, stages: [{{ id: sft, kind: sft, inputs: {{ init: base }} }}] }}
  - {{ id: one, stages: [{{ id: d, kind: search, method: one_sample, levels: [1, 4], inputs: {{ init: zero/grpo }} }}] }}
  - {{ id: majority, stages: [{{ id: d, kind: search, levels: [1, 4, 16], inputs: {{ init: zero/grpo }} }}] }}
  - {{ id: longest, stages: [{{ id: d, kind: search, method: longest, levels: [64], inputs: {{ init: zero/grpo }} }}] }}
  - {{ id: other, stages: [{{ id: d, kind: search, levels: [1, 4], inputs: {{ init: sft/sft }} }}] }}
{change}"
        );
    Experiment::from_text(&text).map_err(|v| v.to_string())
}

fn contrasts(of: &Experiment) -> Vec<(&str, &str, Option<u32>)> {
    of.contrasts
        .iter()
        .map(|c| (c.arm.as_str(), c.against.as_str(), c.level))
        .collect()
}

#[test]
fn by_default_every_arm_that_trains_is_compared_with_the_baseline() {
    let e = read("baseline: base").unwrap();
    assert_eq!(
        contrasts(&e),
        [("zero", "base", None), ("sft", "base", None)]
    );
    assert_eq!((e.min_gain, e.required_attempts.len()), (0.0, 0));
    let e = read("baseline: zero").unwrap();
    assert_eq!(contrasts(&e), [("sft", "zero", None)]);
    let none = read("baseline: zero\ncontrasts: []").unwrap();
    assert!(none.contrasts.is_empty());
}

#[test]
fn what_is_registered_is_written_as_it_is_read() {
    let e = read(
        "
baseline: zero
min_gain: 0.03
contrasts:
  - { arm: zero, against: base }
  - { arm: majority, against: one }
  - { arm: one, against: majority, level: 1 }
required_attempts: { prm: sft, mcts: { not_run: Too dear. } }",
    )
    .unwrap();
    // The highest level that both have.
    assert_eq!(
        contrasts(&e),
        [
            ("zero", "base", None),
            ("majority", "one", Some(4)),
            ("one", "majority", Some(1))
        ]
    );
    assert_eq!(e.decoder("one").unwrap().policy, "zero/grpo");
    assert!(!e.arm("one").unwrap().trains() && e.arm("zero").unwrap().trains());
    let text = serde_json::to_string(&e).unwrap();
    assert!(
        text.contains(r#""mcts":{"not_run":"Too dear."},"prm":"sft""#),
        "{text}"
    );
    assert_eq!(Experiment::from_text(&text).unwrap(), e);
}

#[test]
fn every_violation_has_its_pointer() {
    let found = read(
        "
baseline: one
min_gain: -1
contrasts:
  - { arm: nobody, against: base }
  - { arm: zero, against: noone }
  - { arm: zero, against: zero }
  - { arm: majority, against: zero }
  - { arm: sft, against: majority }
  - { arm: majority, against: other }
  - { arm: zero, against: base, level: 4 }
  - { arm: majority, against: one, level: 16 }
  - { arm: longest, against: one }
  - { arm: zero, against: base }
  - { arm: base, against: zero }
  - { arm: zero }
  - { arm: zero, against: base, levl: 4 }
required_attempts: { Prm: sft, mcts: nobody, orm: { not_run: '' }, tot: 7, dpo: { reason: x } }",
    )
    .unwrap_err();
    for pointer in [
        "/min_gain: must be between",
        "/baseline: is a decoder",
        "/contrasts/0/arm: no arm \"nobody\"; the arms are base, zero",
        "/contrasts/1/against: no arm",
        "/contrasts/2/against: an arm is not compared with itself",
        "/contrasts/3/against: a decoder is compared with decoders alone",
        "/contrasts/4/against: a decoder is compared with decoders alone",
        "/contrasts/5/against: decodes sft/sft, and majority decodes zero/grpo",
        "/contrasts/6/level: belongs to contrasts of decoders",
        "/contrasts/7/level: majority answers at 1, 4, 16, one at 1, 4",
        "/contrasts/8/against: no level in common",
        "/contrasts/10: base and zero are compared twice",
        "/contrasts/11/against: is required",
        "/contrasts/12/levl: unknown key; did you mean `level`?",
        "/required_attempts/Prm: an attempt's word",
        "/required_attempts/mcts: no arm",
        "/required_attempts/orm/not_run: must not be empty",
        "/required_attempts/tot: expected an arm, or { not_run: REASON }, found 7",
        "/required_attempts/dpo/not_run: is required",
        "/required_attempts/dpo/reason: unknown key",
    ] {
        assert!(found.contains(pointer), "{pointer} not in\n{found}");
    }
    let found = read("baseline: zero\ncontrasts: 7\nrequired_attempts: [prm]").unwrap_err();
    assert!(found.contains("/contrasts: expected a list"), "{found}");
    assert!(
        found.contains("/required_attempts: expected an object"),
        "{found}"
    );
    let found = read(
        "baseline: zero\nmetric: eval/completion_length\ncontrasts: [{ arm: one, against: majority }]",
    );
    assert!(
        found
            .unwrap_err()
            .contains("/contrasts/0/arm: decoders are compared in the share")
    );
}

#[test]
fn decoders_alone_are_compared_with_a_decoder() {
    let text = "
name: t
question: q?
task: { name: modchain }
seeds: 2
budget: { unit: tokens, amount: 10000 }
baseline: majority
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: one, stages: [{ id: d, kind: search, method: one_sample, levels: [1, 4], inputs: { init: base } }] }
  - { id: majority, stages: [{ id: d, kind: search, levels: [4, 16], inputs: { init: base } }] }
  - { id: longest, stages: [{ id: d, kind: search, method: longest, levels: [64], inputs: { init: base } }] }";
    let e = Experiment::from_text(text).unwrap_or_else(|v| panic!("{v}"));
    assert_eq!(contrasts(&e), [("one", "majority", Some(4))]);
}

#[test]
fn a_part_of_an_experiment_is_an_experiment() {
    let mut e = read(
        "
baseline: zero
contrasts: [{ arm: sft, against: zero }, { arm: zero, against: base }]
required_attempts: { prm: sft, rl: zero }",
    )
    .unwrap();
    e.retain_arms(|arm| arm.id == "base" || arm.id == "zero");
    assert_eq!(contrasts(&e), [("zero", "base", None)]);
    let text = serde_json::to_string(&e).unwrap();
    assert!(text.contains("sft is left out of this part") && text.contains(r#""rl":"zero""#));
    assert_eq!(Experiment::from_text(&text).unwrap(), e);
}
