//! What the registered rule says: one test a registered contrast, one family, and the
//! words that may be used. Anything that no contrast names is description.
//!
//! The test is Student's paired t over seeds; the family is corrected by Holm (1979).
//! Equivalence is shown by two one-sided tests against the margin (Schuirmann 1987).

mod interim;

use crate::compare::{ArmFigures, Basis};
use crate::decoders::DecoderFigures;
use crate::metric;
use crate::spec::{Contrast, Experiment, RequiredAttempt};
use crate::stats::{
    Estimate, Interval, differences, estimate, holm, mean, t_interval, t_upper_tail, variance,
};
use serde::{Deserialize, Serialize};

/// Under this many seeds there is no verdict.
pub const MIN_SEEDS_VERDICT: usize = 5;
/// Chance of any false claim in the family.
pub const ALPHA: f64 = 0.05;
/// Differences below it are those of sums in another order.
const ROUNDING: f64 = 1e-12;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Better,
    /// The whole adjusted interval lies within the margin.
    BetterWithinMargin,
    Worse,
    WorseWithinMargin,
    Equivalent,
    NoDifferenceShown,
    NotEnoughSeeds,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Better => "better",
            Self::BetterWithinMargin => "better, by less than the margin",
            Self::Worse => "worse",
            Self::WorseWithinMargin => "worse, by less than the margin",
            Self::Equivalent => "equivalent",
            Self::NoDifferenceShown => "no difference shown",
            Self::NotEnoughSeeds => "not enough seeds",
        })
    }
}

/// What the rule makes of an arm, beside the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Worse, or shown to gain less than was registered: the whole adjusted interval lies
    /// below it. A finding: accidents have no part in it, and neither has a contrast that
    /// shows nothing.
    Unsuccessful,
    GainNotShown,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unsuccessful => "unsuccessful",
            Self::GainNotShown => "gain not shown",
        })
    }
}

/// One registered contrast, as far as there is data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContrastOutcome {
    pub arm: String,
    pub against: String,
    basis: Basis,
    pub metric: String,
    pub planned_seeds: usize,
    /// Arm minus comparator, with its unadjusted 95 % interval.
    pub difference: Option<Estimate>,
    /// Per seed, for the dots.
    pub seeds: Vec<(u64, f64)>,
    /// Of the same difference, at `adjusted_level`.
    pub adjusted: Option<Interval>,
    /// 1 - 0.05 / m.
    pub adjusted_level: f64,
    /// Two-sided; `None` under five seeds, as are the following three.
    pub p: Option<f64>,
    /// Adjusted over the family.
    pub p_holm: Option<f64>,
    /// The larger of the two one-sided tests against the margin.
    pub p_equivalence: Option<f64>,
    pub p_equivalence_holm: Option<f64>,
    /// `None` while it is withheld, and so is the mark.
    pub verdict: Option<Verdict>,
    pub mark: Option<Mark>,
}

impl ContrastOutcome {
    pub fn basis(&self) -> &Basis {
        &self.basis
    }

    /// The verdict in a word.
    pub fn said(&self) -> String {
        said(self.verdict)
    }
}

/// A verdict in a word, or that it is withheld.
pub fn said(of: Option<Verdict>) -> String {
    of.map_or("withheld".into(), |v| v.to_string())
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AttemptState {
    Present {
        arm: String,
    },
    NotRun {
        reason: String,
    },
    /// It has fewer finished seeds than a verdict needs, or than were planned.
    Missing {
        arm: String,
        finished: usize,
        planned: usize,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptOutcome {
    /// The attempt's word in the file: `prm`, `mcts`.
    pub role: String,
    #[serde(flatten)]
    pub state: AttemptState,
}

/// The registered rule applied to what is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The registered primary metric.
    pub metric: String,
    pub margin: f64,
    pub min_gain: f64,
    /// Registered contrasts, those without data included.
    pub m: usize,
    pub contrasts: Vec<ContrastOutcome>,
    pub required_attempts: Vec<AttemptOutcome>,
    /// A required attempt is missing, or none was registered: no contrast has a verdict.
    pub withheld: bool,
    /// Runs that still work or wait, of the arms that the contrasts name; absent where there
    /// are none. See [`Outcome::with_open_runs`].
    #[serde(default, skip_serializing_if = "interim::are_none")]
    pub open_runs: usize,
}

impl Outcome {
    /// The gravest of an arm's registered contrasts.
    pub fn mark(&self, arm: &str) -> Option<Mark> {
        let own = self.contrasts.iter().filter(|c| c.arm == arm);
        let marks: Vec<Mark> = own.filter_map(|c| c.mark).collect();
        let unsuccessful = marks.iter().find(|m| **m == Mark::Unsuccessful);
        unsuccessful.or(marks.first()).copied()
    }

    /// Some contrast has its words: too few seeds are none.
    pub fn has_spoken(&self) -> bool {
        let said = |v: Verdict| v != Verdict::NotEnoughSeeds;
        self.contrasts.iter().any(|c| c.verdict.is_some_and(said))
    }

    /// Nobody registered what this comparison must not leave out, so its words are withheld.
    pub fn lacks_attempts(&self) -> bool {
        self.withheld && self.required_attempts.is_empty()
    }

    pub fn missing(&self) -> impl Iterator<Item = &AttemptOutcome> {
        self.required_attempts
            .iter()
            .filter(|a| matches!(a.state, AttemptState::Missing { .. }))
    }
}

/// Figures of the final evaluation on the test split, decoders apart; runs that were left
/// out do not count. What is still open has no figures: see [`Outcome::with_open_runs`].
pub fn outcome(
    experiment: &Experiment,
    arms: &[ArmFigures],
    decoders: &[DecoderFigures],
) -> Outcome {
    let seeds = |id: &str, level: Option<u32>| match level {
        None => arms
            .iter()
            .find(|arm| arm.id == id)
            .map(|arm| arm.seeds(&experiment.metric)),
        Some(level) => decoders.iter().find(|d| d.id == id).map(|d| d.seeds(level)),
    };
    let found = |contrast: &Contrast| {
        let (basis, metric) = match (contrast.level, experiment.decoder(&contrast.arm)) {
            (Some(level), Some(decoder)) => (
                Basis::EqualInference {
                    policy: decoder.policy,
                    level,
                },
                metric::PASS_AT_1,
            ),
            (None | Some(_), None | Some(_)) => {
                ((&experiment.budget).into(), experiment.metric.as_str())
            }
        };
        let own = seeds(&contrast.arm, contrast.level).unwrap_or_default();
        let other = seeds(&contrast.against, contrast.level).unwrap_or_default();
        ContrastOutcome {
            arm: contrast.arm.clone(),
            against: contrast.against.clone(),
            basis,
            metric: metric.into(),
            planned_seeds: experiment.seeds.len(),
            seeds: differences(&own, &other),
            difference: None,
            adjusted: None,
            adjusted_level: 0.0,
            p: None,
            p_holm: None,
            p_equivalence: None,
            p_equivalence_holm: None,
            verdict: None,
            mark: None,
        }
    };
    let mut contrasts: Vec<ContrastOutcome> = experiment.contrasts.iter().map(found).collect();
    judge(&mut contrasts, experiment.margin, experiment.min_gain);
    let required_attempts = attempts(experiment, arms, decoders);
    let mut outcome = Outcome {
        metric: experiment.metric.clone(),
        margin: experiment.margin,
        min_gain: experiment.min_gain,
        m: contrasts.len(),
        contrasts,
        required_attempts,
        withheld: false,
        open_runs: 0,
    };
    let lacking = outcome.missing().count();
    let unregistered = outcome.m > 0 && outcome.required_attempts.is_empty();
    outcome.withheld = lacking > 0 || unregistered;
    if outcome.withheld {
        for contrast in &mut outcome.contrasts {
            (contrast.verdict, contrast.mark) = (None, None);
        }
    }
    outcome
}

/// The rule applied as if nobody had left a run out: the other way of the comparison.
pub fn outcome_with_all_runs(
    experiment: &Experiment,
    arms: &[ArmFigures],
    decoders: &[DecoderFigures],
) -> Outcome {
    let arms: Vec<ArmFigures> = arms.iter().map(ArmFigures::with_all_runs).collect();
    let decoders: Vec<DecoderFigures> =
        decoders.iter().map(DecoderFigures::with_all_runs).collect();
    outcome(experiment, &arms, &decoders)
}

fn attempts(
    experiment: &Experiment,
    arms: &[ArmFigures],
    decoders: &[DecoderFigures],
) -> Vec<AttemptOutcome> {
    let finished = |id: &str| {
        let trained = arms
            .iter()
            .find(|a| a.id == id)
            .map(|a| a.counted().count());
        let decoder = || decoders.iter().find(|d| d.id == id).map(|d| d.finished());
        trained.or_else(decoder).unwrap_or(0)
    };
    let planned = experiment.seeds.len();
    let state = |attempt: &RequiredAttempt| match attempt {
        RequiredAttempt::NotRun { not_run } => AttemptState::NotRun {
            reason: not_run.clone(),
        },
        RequiredAttempt::Arm(arm) => match finished(arm) {
            n if n >= planned.min(MIN_SEEDS_VERDICT) => AttemptState::Present { arm: arm.clone() },
            finished => AttemptState::Missing {
                arm: arm.clone(),
                finished,
                planned,
            },
        },
    };
    let all = experiment.required_attempts.iter();
    all.map(|(role, attempt)| AttemptOutcome {
        role: role.clone(),
        state: state(attempt),
    })
    .collect()
}

/// The tests of one contrast.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tests {
    mean: f64,
    /// Of no difference, two-sided.
    p: f64,
    /// Of a difference as large as the margin, the larger of both sides.
    p_equivalence: f64,
}

/// `None` under five seeds. Without any spread the tests are decided by the mean alone.
fn tests(gains: &[f64], margin: f64) -> Option<Tests> {
    let n = gains.len();
    if n < MIN_SEEDS_VERDICT {
        return None;
    }
    let snapped = |v: f64| if v.abs() < ROUNDING { 0.0 } else { v };
    let mean = snapped(mean(gains));
    let error = (snapped(variance(gains)?.sqrt())) / (n as f64).sqrt();
    // t and 0 / 0: at the bound itself nothing is shown.
    let tail = |distance: f64| match (distance, error) {
        (d, 0.0) if d > 0.0 => 0.0,
        (_, 0.0) => 1.0,
        (d, e) => t_upper_tail(d / e, n - 1),
    };
    Some(Tests {
        mean,
        p: (2.0 * tail(mean.abs())).min(1.0),
        p_equivalence: tail(margin + mean).max(tail(margin - mean)),
    })
}

/// Fills in everything that follows from the seeds' differences.
fn judge(contrasts: &mut [ContrastOutcome], margin: f64, min_gain: f64) {
    let m = contrasts.len();
    let alpha = ALPHA / m.max(1) as f64;
    let sign = |c: &ContrastOutcome| {
        if metric::gains_by_falling(&c.metric) {
            -1.0
        } else {
            1.0
        }
    };
    let tested: Vec<Option<Tests>> = contrasts
        .iter()
        .map(|c| {
            let gains: Vec<f64> = c.seeds.iter().map(|s| sign(c) * s.1).collect();
            tests(&gains, margin)
        })
        .collect();
    // What has no p-value yet belongs to the family all the same.
    let p_of = |pick: fn(&Tests) -> f64| -> Vec<f64> {
        holm(
            &tested
                .iter()
                .map(|t| t.as_ref().map_or(1.0, pick))
                .collect::<Vec<_>>(),
        )
    };
    let (different, equal) = (p_of(|t| t.p), p_of(|t| t.p_equivalence));
    for (i, contrast) in contrasts.iter_mut().enumerate() {
        let values: Vec<f64> = contrast.seeds.iter().map(|s| s.1).collect();
        contrast.difference = estimate(&values);
        contrast.adjusted = t_interval(&values, alpha);
        contrast.adjusted_level = 1.0 - alpha;
        let Some(tests) = tested[i] else {
            contrast.verdict = Some(Verdict::NotEnoughSeeds);
            continue;
        };
        contrast.p = Some(tests.p);
        contrast.p_holm = Some(different[i]);
        contrast.p_equivalence = Some(tests.p_equivalence);
        contrast.p_equivalence_holm = Some(equal[i]);
        // In the direction of a gain.
        let gain = contrast.adjusted.map(|a| match sign(contrast) {
            s if s < 0.0 => (-a.high, -a.low),
            _ => (a.low, a.high),
        });
        let within = gain.is_some_and(|(low, high)| low > -margin && high < margin);
        let verdict = match (different[i] <= ALPHA, tests.mean > 0.0, within) {
            (true, true, false) => Verdict::Better,
            (true, true, true) => Verdict::BetterWithinMargin,
            (true, false, false) => Verdict::Worse,
            (true, false, true) => Verdict::WorseWithinMargin,
            (false, ..) if equal[i] <= ALPHA => Verdict::Equivalent,
            (false, ..) => Verdict::NoDifferenceShown,
        };
        let below = gain.is_some_and(|(_, high)| high < min_gain);
        contrast.verdict = Some(verdict);
        contrast.mark = match verdict {
            Verdict::Worse | Verdict::WorseWithinMargin => Some(Mark::Unsuccessful),
            Verdict::Better | Verdict::BetterWithinMargin => below.then_some(Mark::Unsuccessful),
            Verdict::Equivalent if below => Some(Mark::Unsuccessful),
            // Never unsuccessful: nothing was shown.
            Verdict::Equivalent | Verdict::NoDifferenceShown => Some(Mark::GainNotShown),
            Verdict::NotEnoughSeeds => None,
        };
    }
}

#[cfg(test)]
mod tests;
