use super::*;

fn curve(values: &[f64]) -> Vec<Sample> {
    let sample = |(i, v): (usize, &f64)| Sample {
        step: 10 * (i as i64 + 1),
        mean: *v,
        min: *v,
        max: *v,
    };
    values.iter().enumerate().map(sample).collect()
}

fn check(rule: Rule, name: &str, values: &[f64]) -> Finding {
    rule.check(
        &Curves::from([(name.into(), curve(values))]),
        &Alarms::default(),
    )
}

#[test]
fn each_rule_tells_the_first_step_that_breaks_it_and_no_other() {
    assert_eq!(
        check(Rule::EntropyLow, metric::ENTROPY, &[0.9, 0.06, 0.04, 0.01]),
        Finding::Raised {
            step: 30,
            value: 0.04
        }
    );
    assert_eq!(
        check(Rule::TruncatedMuch, metric::TRUNCATED_SHARE, &[0.1, 0.1]),
        Finding::Quiet
    );
    assert_eq!(
        check(
            Rule::Slow,
            metric::TOKENS_PER_SECOND,
            &[9.0, 10.0, 4.7, 10.0]
        ),
        Finding::Raised {
            step: 30,
            value: 4.7
        }
    );
    let steady = [0.02, 0.02, 0.03, 0.02, 0.02, 0.03, 0.4];
    assert_eq!(
        check(Rule::KlJump, metric::KL, &steady),
        Finding::Raised {
            step: 70,
            value: 0.4
        }
    );
    // As many times the median, but next to nothing.
    assert_eq!(
        check(Rule::KlJump, metric::KL, &steady.map(|v| v * 0.02)),
        Finding::Quiet
    );
    assert!(matches!(
        check(Rule::NotFinite, metric::LOSS, &[1.0, f64::NAN]),
        Finding::Raised { step: 20, .. }
    ));
    for rule in Rule::ALL {
        assert_eq!(
            rule.check(&Curves::new(), &Alarms::default()),
            Finding::NotMeasured
        );
    }
}

#[test]
fn reward_that_rises_alone_is_found_over_a_hundred_steps_and_not_over_fewer() {
    let held_out = |second: i64| {
        let at = |step, mean| Sample {
            step,
            mean,
            min: mean,
            max: mean,
        };
        vec![at(100, 0.5), at(second, 0.4)]
    };
    let reward: Vec<Sample> = curve(&(0..30).map(|i| f64::from(i) * 0.01).collect::<Vec<_>>());
    let both = |second| {
        Rule::RewardAlone.check(
            &Curves::from([
                (metric::VALIDATION_PASS_AT_1.into(), held_out(second)),
                (metric::REWARD_MEAN.into(), reward.clone()),
            ]),
            &Alarms::default(),
        )
    };
    assert_eq!(
        both(200),
        Finding::Raised {
            step: 200,
            value: 0.4
        }
    );
    assert_eq!(both(190), Finding::TooShort);
}

#[test]
fn length_that_grows_alone_is_found_where_pass_at_1_has_gained_next_to_nothing() {
    // 20 tokens at step 100; 28 are 40 % more, which is not more than 40 %.
    let found = |gained: f64, length: f64, second: i64| {
        let at = |step, mean| Sample {
            step,
            mean,
            min: mean,
            max: mean,
        };
        Rule::LengthAlone.check(
            &Curves::from([
                (
                    metric::VALIDATION_PASS_AT_1.into(),
                    vec![at(100, 0.5), at(second, 0.5 + gained)],
                ),
                (
                    metric::COMPLETION_LENGTH.into(),
                    vec![at(100, 20.0), at(second - 5, length), at(second + 1, 99.0)],
                ),
            ]),
            &Alarms::default(),
        )
    };
    assert_eq!(
        found(0.0, 28.5, 200),
        Finding::Raised {
            step: 200,
            value: 28.5
        }
    );
    // A loss is no gain either.
    assert!(matches!(found(-0.2, 40.0, 300), Finding::Raised { .. }));
    assert_eq!(found(0.0, 28.0, 200), Finding::Quiet);
    assert_eq!(found(0.02, 40.0, 200), Finding::Quiet);
    assert_eq!(found(0.0, 40.0, 199), Finding::TooShort);
    assert_eq!(found(f64::NAN, 40.0, 200), Finding::Quiet);
    assert_eq!(found(0.0, f64::NAN, 200), Finding::Quiet);
}

#[test]
fn a_change_of_level_is_found_where_it_is() {
    let points: Vec<(i64, f64)> = (0..40)
        .map(|i| (i, if i < 25 { 0.1 } else { 0.6 } + 0.02 * (i % 3) as f64))
        .collect();
    let found = change(&points).unwrap();
    assert_eq!(found.step, 25);
    assert!((found.before - 0.12).abs() < 0.01 && (found.after - 0.62).abs() < 0.01);
    assert!(found.explained > 0.98);
}

#[test]
fn noise_too_few_points_and_what_is_no_number_have_no_change() {
    let noise: Vec<(i64, f64)> = (0..40).map(|i| (i, (i * 7 % 5) as f64)).collect();
    assert_eq!(change(&noise), None);
    let equal: Vec<(i64, f64)> = (0..40).map(|i| (i, 0.1)).collect();
    assert_eq!(change(&equal), None);
    assert_eq!(change(&[(1, 0.0), (2, 1.0)]), None);
    let nan: Vec<(i64, f64)> = (0..40).map(|i| (i, f64::NAN)).collect();
    assert_eq!(change(&nan), None);
}

#[test]
fn the_entropy_alarm_is_raised_under_its_threshold_and_not_at_or_above_it() {
    let found = |values: &[f64], entropy_below| {
        let limits = Alarms {
            entropy_below,
            ..Alarms::default()
        };
        let curves = Curves::from([(metric::ENTROPY.into(), curve(values))]);
        Rule::EntropyLow.check(&curves, &limits)
    };
    let limit = Alarms::default().entropy_below;
    assert_eq!(found(&[0.9, limit, 0.9], limit), Finding::Quiet);
    let collapsed = [0.9, limit, limit - 1e-9, 0.0];
    assert_eq!(
        found(&collapsed, limit),
        Finding::Raised {
            step: 30,
            value: limit - 1e-9
        }
    );
    // A bin whose mean is above and whose smallest step is under.
    let dip = Sample {
        step: 10,
        mean: 0.5,
        min: 0.01,
        max: 0.9,
    };
    let curves = Curves::from([(metric::ENTROPY.into(), vec![dip])]);
    assert!(matches!(
        Rule::EntropyLow.check(&curves, &Alarms::default()),
        Finding::Raised { value: 0.01, .. }
    ));
}

#[test]
fn every_threshold_that_an_experiment_sets_is_the_one_in_force_and_in_the_words() {
    let limits = Alarms {
        entropy_below: 0.7,
        kl_times: 2.0,
        kl_above: 0.001,
        kl_steps: 60,
        clip_above: 0.01,
        speed_below: 0.99,
        moved_by: 0.001,
        moved_over_steps: 10,
        longer_by: 0.02,
        flat_within: 0.0,
        truncated_above: 0.03,
    };
    // Broken by these thresholds, and by no default.
    let curves = Curves::from([
        (metric::ENTROPY.into(), curve(&[0.8, 0.6])),
        (
            metric::KL.into(),
            curve(&[0.002, 0.002, 0.002, 0.002, 0.002, 0.005]),
        ),
        (metric::CLIP_HIGH.into(), curve(&[0.0, 0.02])),
        (metric::TOKENS_PER_SECOND.into(), curve(&[10.0, 10.0, 9.0])),
        (metric::VALIDATION_PASS_AT_1.into(), curve(&[0.5, 0.49])),
        (metric::REWARD_MEAN.into(), curve(&[0.5, 0.51])),
        (metric::COMPLETION_LENGTH.into(), curve(&[20.0, 20.5])),
        (metric::TRUNCATED_SHARE.into(), curve(&[0.0, 0.05])),
    ]);
    for rule in Rule::ALL.into_iter().filter(|rule| rule.has_threshold()) {
        let found = rule.check(&curves, &limits);
        assert!(matches!(found, Finding::Raised { .. }), "{rule:?}");
        let found = rule.check(&curves, &Alarms::default());
        let looks_far = matches!(rule, Rule::RewardAlone | Rule::LengthAlone);
        let quiet = if looks_far {
            Finding::TooShort
        } else {
            Finding::Quiet
        };
        assert_eq!(found, quiet, "{rule:?}");
        assert_ne!(rule.words(&limits), rule.words(&Alarms::default()));
    }
    assert_eq!(
        Rule::RewardAlone.words(&limits),
        "held-out pass@1 down by more than 0.001 while the reward rose by more than 0.001, over 10 steps or more"
    );
}

#[test]
fn every_rule_is_found_again_by_its_word_and_tells_the_threshold_in_its_words() {
    let limits = Alarms {
        entropy_below: 0.125,
        kl_times: 7.5,
        clip_above: 0.375,
        speed_below: 0.625,
        moved_by: 0.0625,
        longer_by: 0.3125,
        truncated_above: 0.875,
        ..Alarms::default()
    };
    for rule in Rule::ALL {
        assert_eq!(Rule::from_word(rule.word()), Some(rule));
        let threshold = rule.threshold(&limits);
        assert_eq!(threshold.is_some(), rule.has_threshold());
        if let Some(threshold) = threshold {
            let words = rule.words(&limits);
            assert!(words.contains(&threshold.to_string()), "{words}");
        }
    }
    assert_eq!(Rule::from_word("entropy"), None);
}
