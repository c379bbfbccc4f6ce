//! What the printed intervals and words are worth, by simulation with a known truth:
//! made-up arms go through the very functions that the pages call.
//!
//! docs/statistics.md shows the long version of these counts:
//! `cargo test -p assay-core --test coverage -- --ignored --nocapture`.

#[path = "coverage/questions.rs"]
mod questions;
#[path = "coverage/unequal.rs"]
mod unequal;

use assay_core::compare::{ArmFigures, Comparison, RunFigures, compare};
use assay_core::metric;
use assay_core::outcome::{ContrastOutcome, Mark, Outcome, Verdict, outcome};
use assay_core::rng::{Stream, Uniform};
use assay_core::spec::Experiment;
use assay_core::stats::Estimate;

/// Questions of the final evaluation: each seed's score is a count out of them.
const QUESTIONS: u32 = 128;

/// How accuracy differs between training seeds.
#[derive(Debug, Clone, Copy)]
enum Seeds {
    /// Around a half, standard deviation 0.08.
    Normal,
    /// Around a half, 0.9 on the logit scale: 0.19 in accuracy.
    LogitNormal,
    /// A mean of 0.95 with a long lower tail.
    NearTheCeiling,
    /// As `Normal`, around 0.3 and 0.7.
    Low,
    High,
    /// Logit-normal with a mean of 0.28, standard deviation 0.11, the longer tail above.
    Narrow,
    /// Logit-normal with a mean of 0.69, standard deviation 0.21, the longer tail below.
    Wide,
    /// Logit-normal with a mean of 0.05 and hardly any spread.
    AtTheFloor,
    /// Logit-normal with a mean of 0.23 and a long upper tail.
    OffTheFloor,
}

/// Of accuracy, where that is normal.
const SPREAD: f64 = 0.08;
/// On the logit scale, near the ceiling.
const CEILING_SPREAD: f64 = 1.0;

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The mean of `f` over a standard normal, by the trapezoid rule (exact to 1e-12 for these).
fn expected(f: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 0.01;
    let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    (-900..=900)
        .map(|i| f64::from(i) * STEP)
        .map(|z| STEP * density(z) * f(z))
        .sum()
}

/// The centre on the logit scale from which the mean of accuracy is 0.95.
fn ceiling_centre() -> f64 {
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if expected(|z| logistic(middle + CEILING_SPREAD * z)) < 0.95 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// Of one recipe, a world in which the truth is known.
struct World {
    seeds: Seeds,
    centre: f64,
    spread: f64,
    /// The mean of accuracy over all training seeds there could be.
    truth: f64,
}

impl World {
    fn new(seeds: Seeds) -> Self {
        let logit = |centre: f64, spread: f64| {
            let truth = expected(|z| logistic(centre + spread * z));
            (centre, spread, truth)
        };
        let (centre, spread, truth) = match seeds {
            Seeds::Normal => (0.5, SPREAD, 0.5),
            // Symmetric around a half.
            Seeds::LogitNormal => (0.0, 0.9, 0.5),
            Seeds::NearTheCeiling => (ceiling_centre(), CEILING_SPREAD, 0.95),
            Seeds::Low => (0.3, SPREAD, 0.3),
            Seeds::High => (0.7, SPREAD, 0.7),
            Seeds::Narrow => logit(-1.0, 0.6),
            Seeds::Wide => logit(1.0, 1.2),
            Seeds::AtTheFloor => logit(-3.0, 0.3),
            Seeds::OffTheFloor => logit(-1.5, 1.2),
        };
        Self {
            seeds,
            centre,
            spread,
            truth,
        }
    }

    /// The accuracy of one trained model, `z` being its luck.
    fn accuracy(&self, z: f64) -> f64 {
        let place = self.centre + self.spread * z;
        match self.seeds {
            Seeds::Normal | Seeds::Low | Seeds::High => place.clamp(0.0, 1.0),
            Seeds::LogitNormal
            | Seeds::NearTheCeiling
            | Seeds::Narrow
            | Seeds::Wide
            | Seeds::AtTheFloor
            | Seeds::OffTheFloor => logistic(place),
        }
    }

    /// By how much this recipe is better than another: the truth.
    fn gain(&self, base: &Self) -> f64 {
        self.truth - base.truth
    }
}

/// A baseline and `rivals` arms of one recipe: a seed's luck is partly that of its base, which
/// all arms share, partly the arm's own.
fn arms(
    base: &World,
    rival: &World,
    rivals: usize,
    n: usize,
    stream: &mut Stream,
) -> Vec<ArmFigures> {
    let shared: Vec<f64> = (0..n).map(|_| normal(stream)).collect();
    let worlds = std::iter::once(base).chain(std::iter::repeat_n(rival, rivals));
    worlds
        .enumerate()
        .map(|(arm, world)| {
            let scores = shared.iter().map(|base| {
                let z = (0.5_f64).sqrt() * (base + normal(stream));
                f64::from(binomial(world.accuracy(z), stream)) / f64::from(QUESTIONS)
            });
            figures(arm, scores)
        })
        .collect()
}

fn figures(arm: usize, scores: impl Iterator<Item = f64>) -> ArmFigures {
    let run = |(seed, score): (usize, f64)| RunFigures {
        seed: seed as u64,
        charged: 1e9,
        values: vec![(metric::PASS_AT_1.into(), score)],
        excluded: false,
    };
    ArmFigures {
        id: format!("a{arm}"),
        label: format!("Arm {arm}"),
        trains: true,
        planned_seeds: 0,
        runs: scores.enumerate().map(run).collect(),
    }
}

/// Box and Muller 1958.
fn normal(stream: &mut Stream) -> f64 {
    let radius = (-2.0 * (1.0 - stream.next_f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.next_f64()).cos()
}

/// Right answers among the questions.
fn binomial(p: f64, stream: &mut Stream) -> u32 {
    binomial_of(QUESTIONS, p, stream)
}

fn binomial_of(n: u32, p: f64, stream: &mut Stream) -> u32 {
    let below = (p * f64::from(u32::MAX)) as u32;
    (0..n).map(|_| u32::from(stream.next_u32() < below)).sum()
}

/// A baseline `a0` and `rivals` arms with a registered contrast each, and what a gain is.
fn experiment(rivals: usize, n: usize, min_gain: f64) -> Experiment {
    let contrasts: String = (1..=rivals)
        .map(|i| format!("\n  - {{ arm: a{i}, against: a0 }}"))
        .collect();
    let arms: String = (0..=rivals)
        .map(|i| {
            format!(
                "\n  - {{ id: a{i}, stages: [{{ id: grpo, kind: grpo, inputs: {{ init: base }} }}] }}"
            )
        })
        .collect();
    let text = format!(
        "
name: Null arms
question: Does a rule claim what is not there?
task: {{ name: modchain }}
seeds: {n}
budget: {{ unit: flops, amount: 1.0e+9 }}
baseline: a0
min_gain: {min_gain:?}
required_attempts: {{ prm: {{ not_run: Not asked here. }} }}
contrasts:{contrasts}
stages: [{{ id: base, kind: pretrain, model: {{}} }}]
arms:{arms}
"
    );
    Experiment::from_text(&text).unwrap_or_else(|v| panic!("{v}"))
}

/// Share of draws whose printed 95 % interval holds the truth: of the rival's mean, and of
/// its paired difference to the base.
fn coverage(base: &World, rival: &World, n: usize, draws: u32) -> (f64, f64) {
    let budget = experiment(1, n, 0.0).budget;
    let mut stream =
        Uniform::new(n as u64, &format!("coverage, {:?}", rival.seeds)).stream(0, draws);
    let (mut means, mut differences) = (0, 0);
    for _ in 0..draws {
        let arms = arms(base, rival, 1, n, &mut stream);
        let Comparison { rows, .. } = compare(&budget, "a0", metric::PASS_AT_1, &arms);
        means += u32::from(covers(rows[1].value, rival.truth));
        differences += u32::from(covers(rows[1].difference, rival.gain(base)));
    }
    let share = |hits: u32| f64::from(hits) / f64::from(draws);
    (share(means), share(differences))
}

fn covers(estimate: Option<Estimate>, truth: f64) -> bool {
    let interval = estimate
        .and_then(|e| e.interval)
        .expect("three seeds or more");
    interval.low <= truth && truth <= interval.high
}

/// A false one of equal arms, where no gain was registered.
fn is_claim(of: &ContrastOutcome) -> bool {
    match of.verdict {
        _ if is_unsuccessful(of) => true,
        Some(
            Verdict::Better
            | Verdict::BetterWithinMargin
            | Verdict::Worse
            | Verdict::WorseWithinMargin,
        ) => true,
        // True of equal arms, or nothing is said.
        Some(Verdict::Equivalent | Verdict::NoDifferenceShown | Verdict::NotEnoughSeeds) | None => {
            false
        }
    }
}

fn is_unsuccessful(of: &ContrastOutcome) -> bool {
    of.mark == Some(Mark::Unsuccessful)
}

/// Families of eleven rivals, each of which truly gains what was registered as the minimum, as
/// the rule sees them: nothing, where they are no better than the base.
fn families(base: &World, rival: &World, n: usize, count: u32, mut seen: impl FnMut(Outcome)) {
    let experiment = experiment(11, n, rival.gain(base));
    let mut stream = Uniform::new(n as u64, &format!("family, {:?}", rival.seeds)).stream(1, count);
    for _ in 0..count {
        let arms = arms(base, rival, 11, n, &mut stream);
        seen(outcome(&experiment, &arms, &[]));
    }
}

/// Share of families of equal arms in which a word or a mark claims a difference.
fn family_error(world: &World, n: usize, count: u32) -> f64 {
    let mut wrong = 0;
    families(world, world, n, count, |outcome| {
        wrong += u32::from(outcome.contrasts.iter().any(is_claim));
    });
    f64::from(wrong) / f64::from(count)
}

#[test]
fn printed_intervals_cover_the_truth_as_often_as_they_say() {
    for seeds in [Seeds::Normal, Seeds::LogitNormal] {
        let world = World::new(seeds);
        for n in [3, 5, 10] {
            let (mean, difference) = coverage(&world, &world, n, 6_000);
            for (what, share) in [("mean", mean), ("difference", difference)] {
                assert!(
                    (0.93..=0.97).contains(&share),
                    "{seeds:?}, {n} seeds, {what}: {share:.3}"
                );
            }
        }
    }
}

#[test]
fn words_claim_a_difference_between_equal_arms_in_at_most_six_families_of_a_hundred() {
    for seeds in [Seeds::Normal, Seeds::LogitNormal] {
        let world = World::new(seeds);
        for n in [5, 10] {
            let share = family_error(&world, n, 2_000);
            assert!(share <= 0.06, "{seeds:?}, {n} seeds: {share:.3}");
            // A rule that never speaks would pass, too.
            assert!(share > 0.005, "{seeds:?}, {n} seeds: {share:.3}");
        }
    }
}

#[test]
fn three_seeds_are_never_given_a_verdict() {
    let world = World::new(Seeds::Normal);
    families(&world, &world, 3, 100, |outcome| {
        for contrast in outcome.contrasts {
            assert_eq!(contrast.verdict, Some(Verdict::NotEnoughSeeds));
            assert_eq!((contrast.mark, contrast.p), (None, None));
            assert!(contrast.difference.is_some_and(|d| d.interval.is_some()));
        }
    });
}

#[test]
fn near_the_ceiling_intervals_cover_less_and_words_are_still_rare() {
    let world = World::new(Seeds::NearTheCeiling);
    let centre = world.centre;
    assert!((expected(|z| logistic(centre + CEILING_SPREAD * z)) - 0.95).abs() < 1e-9);
    for n in [3, 5, 10] {
        let (mean, difference) = coverage(&world, &world, n, 2_000);
        assert!((0.80..0.95).contains(&mean), "{n} seeds: {mean:.3}");
        // The skew of two equal arms cancels in their difference.
        assert!((0.93..=0.99).contains(&difference), "{n}: {difference:.3}");
    }
    assert!(family_error(&world, 5, 500) <= 0.06);
}

/// The tables of docs/statistics.md.
#[test]
#[ignore = "a minute: the counts that docs/statistics.md prints"]
fn long_counts_for_the_documentation() {
    const DRAWS: u32 = 40_000;
    const FAMILIES: u32 = 10_000;
    println!("| seeds' accuracies | n | mean | difference | family error |");
    println!("|---|---|---|---|---|");
    for seeds in [Seeds::Normal, Seeds::LogitNormal, Seeds::NearTheCeiling] {
        let world = World::new(seeds);
        for n in [3, 5, 10] {
            let (mean, difference) = coverage(&world, &world, n, DRAWS);
            let wrong = family_error(&world, n, FAMILIES);
            println!("| {seeds:?} | {n} | {mean:.3} | {difference:.3} | {wrong:.3} |");
        }
    }
    unequal::long_counts(DRAWS, FAMILIES);
}
