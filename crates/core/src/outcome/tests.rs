use super::*;
use crate::rng::{Stream, Uniform};

fn contrast(differences: &[f64]) -> ContrastOutcome {
    ContrastOutcome {
        arm: "a".into(),
        against: "b".into(),
        basis: Basis::EqualInference {
            policy: "p".into(),
            level: 1,
        },
        metric: metric::PASS_AT_1.into(),
        planned_seeds: differences.len(),
        difference: None,
        seeds: (0..).zip(differences.iter().copied()).collect(),
        adjusted: None,
        adjusted_level: 0.0,
        p: None,
        p_holm: None,
        p_equivalence: None,
        p_equivalence_holm: None,
        verdict: None,
        mark: None,
    }
}

fn judged(family: &[&[f64]], margin: f64, min_gain: f64) -> Vec<ContrastOutcome> {
    let mut contrasts: Vec<ContrastOutcome> = family.iter().map(|d| contrast(d)).collect();
    judge(&mut contrasts, margin, min_gain);
    contrasts
}

fn said(family: &[&[f64]], margin: f64, min_gain: f64) -> Vec<(Verdict, Option<Mark>)> {
    let of = |c: ContrastOutcome| (c.verdict.unwrap(), c.mark);
    judged(family, margin, min_gain)
        .into_iter()
        .map(of)
        .collect()
}

/// Five seeds around a mean; sd 1.5811 x `step`, standard error 0.7071 x `step`.
pub(super) fn around(mean: f64, step: f64) -> [f64; 5] {
    [-2.0, -1.0, 0.0, 1.0, 2.0].map(|k| mean + k * step)
}

#[test]
fn one_contrast_matches_a_computation_by_hand() {
    // Mean 0.05, standard error 0.007071, t = 7.0711 with 4 degrees of freedom:
    // p = 0.002109 (1 - I_x(...)), 95 % +- 2.7764 x 0.007071.
    let c = judged(&[&around(0.05, 0.01)], 0.02, 0.0).remove(0);
    let d = c.difference.unwrap();
    assert!((d.mean - 0.05).abs() < 1e-12 && d.n == 5);
    assert!((d.interval.unwrap().low - 0.030_368).abs() < 1e-5);
    // A family of one: the adjusted interval is the same.
    assert!((c.adjusted.unwrap().low - 0.030_368).abs() < 1e-5);
    assert!((c.adjusted_level - 0.95).abs() < 1e-12);
    assert!((c.p.unwrap() - 0.002_109).abs() < 2e-5, "{:?}", c.p);
    assert_eq!(c.p, c.p_holm);
    assert_eq!((c.verdict, c.mark), (Some(Verdict::Better), None));
}

#[test]
fn the_family_decides_what_one_contrast_may_claim() {
    // t = 3.5355: p = 0.0241 alone.
    let one = around(0.025, 0.01);
    assert_eq!(said(&[&one], 0.0, 0.0)[0].0, Verdict::Better);
    let flat = around(0.0, 0.01);
    let both = judged(&[&one, &flat], 0.0, 0.0);
    // Holm: 2 x 0.0241 = 0.0482 still rejects; with three members it does not.
    assert_eq!(both[0].verdict, Some(Verdict::Better));
    assert!((both[0].p_holm.unwrap() - 2.0 * both[0].p.unwrap()).abs() < 1e-12);
    assert!((both[0].adjusted_level - 0.975).abs() < 1e-12);
    let three = judged(&[&one, &flat, &[]], 0.0, 0.0);
    assert_eq!(three[0].verdict, Some(Verdict::NoDifferenceShown));
    assert_eq!(three[0].mark, Some(Mark::GainNotShown));
    // A contrast without data belongs to the family and has no p-value.
    assert_eq!(
        (three[2].verdict, three[2].p),
        (Some(Verdict::NotEnoughSeeds), None)
    );
    // Holm goes on with the second where the first is rejected: t = 3.1113, p = 0.0358,
    // above 0.05 / 2 and below 0.05.
    let steps = judged(&[&around(0.2, 0.01), &around(0.022, 0.01)], 0.0, 0.0);
    assert_eq!(steps[1].verdict, Some(Verdict::Better));
    assert!(
        steps[1].adjusted.unwrap().low < 0.0,
        "Bonferroni alone would not"
    );
}

#[test]
fn the_words_follow_margin_and_minimum_gain() {
    use Verdict::*;
    let unsuccessful = Some(Mark::Unsuccessful);
    for (differences, margin, min_gain, verdict, mark) in [
        (around(-0.05, 0.01), 0.02, 0.0, Worse, unsuccessful),
        (
            around(-0.01, 0.002),
            0.02,
            0.0,
            WorseWithinMargin,
            unsuccessful,
        ),
        (around(0.01, 0.002), 0.02, 0.0, BetterWithinMargin, None),
        // Shown to gain less than was registered.
        (
            around(0.01, 0.002),
            0.02,
            0.03,
            BetterWithinMargin,
            unsuccessful,
        ),
        (around(0.05, 0.01), 0.02, 0.1, Better, unsuccessful),
        (
            around(0.001, 0.005),
            0.02,
            0.0,
            Equivalent,
            Some(Mark::GainNotShown),
        ),
        (around(0.001, 0.005), 0.02, 0.05, Equivalent, unsuccessful),
        (
            around(0.01, 0.02),
            0.02,
            0.0,
            NoDifferenceShown,
            Some(Mark::GainNotShown),
        ),
        // Nothing shown is never unsuccessful, wherever its limit lies.
        (
            around(0.01, 0.02),
            0.02,
            0.2,
            NoDifferenceShown,
            Some(Mark::GainNotShown),
        ),
    ] {
        let got = said(&[&differences], margin, min_gain)[0];
        assert_eq!(got, (verdict, mark), "{differences:?} {margin} {min_gain}");
    }
}

#[test]
fn equivalence_matches_a_computation_by_hand() {
    // Mean 0.001, error 0.0035355, margin 0.02: t = 5.3740 and 5.9397, the larger p
    // is the first's: P(T > 5.3740), 4 degrees of freedom, = 0.00290.
    let c = judged(&[&around(0.001, 0.005)], 0.02, 0.0).remove(0);
    assert!(
        (c.p_equivalence.unwrap() - 0.002_90).abs() < 3e-5,
        "{:?}",
        c.p_equivalence
    );
    // In a family of 18 Holm no longer rejects: 18 x 0.0029 > 0.05.
    let nothing: &[f64] = &[];
    let mut family = vec![nothing; 18];
    let close = around(0.001, 0.005);
    family[3] = &close;
    assert_eq!(said(&family, 0.02, 0.0)[3].0, Verdict::NoDifferenceShown);
}

#[test]
fn under_five_seeds_there_is_a_difference_and_no_verdict() {
    for (n, interval) in [(0, false), (1, false), (2, false), (3, true), (4, true)] {
        let c = judged(&[&[0.5, 0.51, 0.52, 0.53][..n]], 0.02, 0.9).remove(0);
        assert_eq!((c.verdict, c.mark), (Some(Verdict::NotEnoughSeeds), None));
        assert_eq!(c.difference.is_some(), n > 0);
        assert_eq!(c.adjusted.is_some(), interval, "{n}");
        assert_eq!((c.p, c.p_holm, c.p_equivalence), (None, None, None));
    }
}

#[test]
fn without_spread_the_mean_decides() {
    assert_eq!(said(&[&[0.0; 5]], 0.02, 0.0)[0].0, Verdict::Equivalent);
    assert_eq!(
        said(&[&[0.0; 5]], 0.0, 0.0)[0].0,
        Verdict::NoDifferenceShown
    );
    assert_eq!(said(&[&[0.1; 6]], 0.02, 0.0)[0].0, Verdict::Better);
    assert_eq!(
        said(&[&[-0.01; 6]], 0.02, 0.0)[0].0,
        Verdict::WorseWithinMargin
    );
    // What only the order of a sum has made.
    let dust = [1.1e-16, 1.1e-16, 2.2e-16, 1.1e-16, 1.1e-16];
    assert_eq!(said(&[&dust], 0.02, 0.0)[0].0, Verdict::Equivalent);
}

#[test]
fn less_truncation_is_a_gain() {
    let mut contrasts = vec![contrast(&around(-0.05, 0.01))];
    contrasts[0].metric = metric::TRUNCATED.into();
    judge(&mut contrasts, 0.02, 0.0);
    assert_eq!(contrasts[0].verdict, Some(Verdict::Better));
    assert!(contrasts[0].difference.unwrap().mean < 0.0);
    contrasts[0] = contrast(&around(0.05, 0.01));
    contrasts[0].metric = metric::TRUNCATED.into();
    judge(&mut contrasts, 0.02, 0.0);
    assert_eq!(contrasts[0].mark, Some(Mark::Unsuccessful));
}

/// Box and Muller 1958.
fn normal(stream: &mut Stream) -> f64 {
    let radius = (-2.0 * (1.0 - stream.next_f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.next_f64()).cos()
}

#[test]
fn of_eleven_null_arms_a_family_rarely_claims_anything() {
    const FAMILIES: u32 = 3_000;
    let mut false_claims = 0;
    for family in 0..FAMILIES {
        let mut stream = Uniform::new(11, "null arms").stream(family, 0);
        // Eleven arms share their comparator's seeds.
        let control: Vec<f64> = (0..5).map(|_| normal(&mut stream)).collect();
        let mut contrasts: Vec<ContrastOutcome> = (0..11)
            .map(|_| {
                let own = control.iter().map(|c| normal(&mut stream) - c);
                contrast(&own.collect::<Vec<_>>())
            })
            .collect();
        judge(&mut contrasts, 0.02, 0.0);
        let claims = |c: &ContrastOutcome| c.p_holm.is_some_and(|p| p <= ALPHA);
        false_claims += u32::from(contrasts.iter().any(claims));
    }
    let rate = f64::from(false_claims) / f64::from(FAMILIES);
    assert!((0.02..=0.06).contains(&rate), "{rate}");
}

#[test]
fn arms_at_the_margin_are_rarely_called_equivalent() {
    const FAMILIES: u32 = 2_000;
    let mut false_claims = 0;
    for family in 0..FAMILIES {
        let mut stream = Uniform::new(12, "at the margin").stream(family, 0);
        let mut contrasts: Vec<ContrastOutcome> = (0..5)
            .map(|_| {
                let own = (0..5).map(|_| 1.0 + 0.6 * normal(&mut stream));
                contrast(&own.collect::<Vec<_>>())
            })
            .collect();
        judge(&mut contrasts, 1.0, 0.0);
        let equivalent = |c: &ContrastOutcome| c.verdict == Some(Verdict::Equivalent);
        false_claims += u32::from(contrasts.iter().any(equivalent));
    }
    let rate = f64::from(false_claims) / f64::from(FAMILIES);
    assert!(rate <= 0.06, "{rate}");
}

#[test]
fn the_interval_covers_as_often_as_it_says() {
    const DRAWS: u32 = 6_000;
    for (n, m) in [(5, 1), (10, 11)] {
        let mut stream = Uniform::new(13, "coverage").stream(n, m);
        let (mut plain, mut adjusted) = (0, 0);
        for _ in 0..DRAWS {
            let values: Vec<f64> = (0..n).map(|_| 0.3 + 0.1 * normal(&mut stream)).collect();
            let covers = |i: Option<Interval>| i.is_some_and(|i| i.low < 0.3 && 0.3 < i.high);
            plain += u32::from(covers(estimate(&values).and_then(|e| e.interval)));
            adjusted += u32::from(covers(t_interval(&values, ALPHA / f64::from(m))));
        }
        let share = |hits: u32| f64::from(hits) / f64::from(DRAWS);
        assert!((0.94..=0.96).contains(&share(plain)), "{}", share(plain));
        let nominal = 1.0 - ALPHA / f64::from(m);
        assert!(
            (share(adjusted) - nominal).abs() < 0.01,
            "{}",
            share(adjusted)
        );
    }
}

pub(super) const FILE: &str = "
name: t
question: q?
task: { name: modchain }
seeds: 6
budget: { unit: tokens, amount: 10000 }
baseline: zero
contrasts:
  - { arm: sft, against: zero }
  - { arm: rerank, against: majority }
required_attempts:
  prm: rerank
  mcts: { not_run: No budget for it. }
stages:
  - { id: base, kind: pretrain, model: {} }
  - { id: labels, kind: prm_label, charge: arm, share: 0.2, inputs: { init: base } }
  - { id: prm, kind: prm_train, charge: arm, share: 0.1, inputs: { init: base, data: labels } }
arms:
  - { id: zero, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
  - { id: sft, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }
  - { id: majority, stages: [{ id: d, kind: search, levels: [1, 4], inputs: { init: zero/grpo } }] }
  - { id: rerank, stages: [{ id: d, kind: search, method: best_of_n, levels: [4, 16], inputs: { init: zero/grpo, prm: prm } }] }
";

pub(super) fn arm(id: &str, values: &[f64]) -> ArmFigures {
    let run = |(seed, v): (u64, &f64)| crate::compare::RunFigures {
        seed,
        charged: 1000.0,
        values: vec![(metric::PASS_AT_1.into(), *v)],
        excluded: false,
    };
    ArmFigures {
        id: id.into(),
        label: id.into(),
        trains: true,
        planned_seeds: 6,
        runs: (0..).zip(values).map(run).collect(),
    }
}

pub(super) fn decoder(id: &str, level: u32, values: &[f64]) -> DecoderFigures {
    let run = |(seed, v): (u64, &f64)| crate::decoders::DecoderRun {
        seed,
        level,
        pass_at_1: *v,
        tokens: 10.0 * f64::from(level) + seed as f64,
        flops: 0.0,
        charged: 300.0 + 2.0 * seed as f64,
        excluded: false,
    };
    DecoderFigures {
        id: id.into(),
        label: id.into(),
        planned_seeds: 6,
        runs: (0..).zip(values).map(run).collect(),
    }
}

#[test]
fn each_contrast_is_judged_on_its_own_basis() {
    let experiment = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
    let zero = around(0.5, 0.01);
    let arms = [arm("zero", &zero), arm("sft", &zero.map(|v| v - 0.2))];
    let decoders = [
        decoder("majority", 4, &zero),
        decoder("rerank", 4, &around(0.6, 0.011)),
    ];
    let outcome = super::outcome(&experiment, &arms, &decoders);
    assert_eq!((outcome.m, outcome.withheld), (2, false));
    let [sft, rerank] = &outcome.contrasts[..] else {
        panic!()
    };
    assert!(matches!(sft.basis, Basis::EqualCompute { .. }));
    assert_eq!(sft.verdict, Some(Verdict::Worse));
    let basis = Basis::EqualInference {
        policy: "zero/grpo".into(),
        level: 4,
    };
    assert_eq!(
        (&rerank.basis, rerank.verdict),
        (&basis, Some(Verdict::Better))
    );
    assert_eq!(rerank.planned_seeds, 6);
    let json = serde_json::to_string(&outcome).unwrap();
    let back = serde_json::from_str::<Outcome>(&json).unwrap();
    assert_eq!(back.required_attempts, outcome.required_attempts);
    assert_eq!(back.contrasts[1].verdict, rerank.verdict);

    let groups = crate::decoders::by_policy(&experiment, &decoders);
    assert_eq!(groups.len(), 1);
    assert_eq!(
        (groups[0].policy.as_str(), &groups[0].levels[..]),
        ("zero/grpo", &[1, 4, 16][..])
    );
    let row = &groups[0].rows[1];
    assert_eq!(
        (row.arm.as_str(), row.finished, row.training),
        ("rerank", 5, Some(304.0))
    );
    let planned: Vec<bool> = row.cells.iter().map(|c| c.planned).collect();
    assert_eq!(planned, [false, true, true]);
    assert_eq!(
        (row.cells[1].tokens, row.cells[2].tokens),
        (Some(42.0), None)
    );
}

#[test]
fn a_missing_attempt_withholds_every_verdict_and_is_named() {
    let experiment = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
    let values = around(0.5, 0.01);
    let arms = [arm("zero", &values), arm("sft", &values)];
    // Four of six seeds: the fifth has crashed, which is no finding.
    let decoders = [decoder("rerank", 4, &values[..4])];
    let outcome = super::outcome(&experiment, &arms, &decoders);
    assert!(outcome.withheld);
    assert!(
        outcome
            .contrasts
            .iter()
            .all(|c| (c.verdict, c.mark) == (None, None))
    );
    assert!(outcome.contrasts[0].p.is_some(), "the numbers stay");
    let missing: Vec<&str> = outcome.missing().map(|a| a.role.as_str()).collect();
    assert_eq!(missing, ["prm"]);
    let states: Vec<&AttemptState> = outcome.required_attempts.iter().map(|a| &a.state).collect();
    assert_eq!(
        states,
        [
            &AttemptState::NotRun {
                reason: "No budget for it.".into()
            },
            &AttemptState::Missing {
                arm: "rerank".into(),
                finished: 4,
                planned: 6
            }
        ]
    );
}

#[test]
fn without_a_registered_attempt_every_verdict_is_withheld_and_the_numbers_stay() {
    let head = FILE.find("required_attempts:").unwrap();
    let tail = FILE.find("stages:\n").unwrap();
    let text = format!("{}{}", &FILE[..head], &FILE[tail..]);
    let experiment = Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"));
    let values = around(0.5, 0.01);
    let arms = [arm("zero", &values), arm("sft", &values.map(|v| v - 0.2))];
    let outcome = super::outcome(&experiment, &arms, &[]);
    assert!(outcome.withheld && outcome.lacks_attempts());
    let sft = &outcome.contrasts[0];
    assert_eq!((sft.verdict, sft.mark), (None, None));
    assert!(sft.p_holm.is_some() && sft.difference.is_some());
    // One that is not run, with a reason, is registered.
    let text = text.replace(
        "stages:\n",
        "required_attempts: { prm: { not_run: Dear. } }\nstages:\n",
    );
    let experiment = Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"));
    let outcome = super::outcome(&experiment, &arms, &[]);
    assert!(!outcome.withheld && !outcome.lacks_attempts());
    assert_eq!(outcome.contrasts[0].verdict, Some(Verdict::Worse));
    // Where nothing is to be tested, nothing is withheld.
    let at = text.find("contrasts:").unwrap();
    let end = text.find("required_attempts:").unwrap();
    let text = format!("{}contrasts: []\n{}", &text[..at], &text[end..]);
    let text = text.replace("required_attempts: { prm: { not_run: Dear. } }\n", "");
    let experiment = Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"));
    assert!(!super::outcome(&experiment, &arms, &[]).withheld);
}
