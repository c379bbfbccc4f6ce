//! What an experiment would take, said before it is submitted, and when the queue would be
//! empty: from past stages of the same kinds on the same device, with the kinds for which there
//! are none.

use crate::device::Threads;
use crate::recipe::Plan;
use crate::spec::{BudgetUnit, Experiment};
use crate::spending::KindSpeed;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

/// Kinds of stages, how many are to come, and on how many past ones the figure stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindBasis {
    pub kind: String,
    pub to_come: u64,
    pub past: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkEstimate {
    pub unit: BudgetUnit,
    pub amount: f64,
    /// Arms that have a budget to use.
    pub training_arms: usize,
    pub seeds: usize,
    /// Amount x arms x seeds: the most that training can be charged.
    pub training: f64,
    pub stages: usize,
    /// Of those, computed already and used again.
    pub known: usize,
    /// `None` where no stage to come is of a kind that has been run on the device.
    pub device_ms: Option<f64>,
    /// One standard deviation of the device time, by how past stages of the same kinds
    /// differed; `None` where a kind has fewer than [`MIN_PAST`] of them.
    pub spread_ms: Option<f64>,
    pub basis: Vec<KindBasis>,
    /// Kinds that have never finished on it: not in the device time.
    pub without: Vec<KindBasis>,
}

/// Past stages of a kind before they say how much such stages differ.
pub const MIN_PAST: u64 = 3;

/// The standard deviations of one kind's stages to come, added up in both ways.
#[derive(Debug, Default)]
struct Sums {
    squares: f64,
    plain: f64,
    is_unknown: bool,
}

impl Sums {
    fn add(&mut self, spread: Option<f64>) {
        match spread {
            Some(spread) => {
                self.squares += spread * spread;
                self.plain += spread;
            }
            None => self.is_unknown = true,
        }
    }

    /// Stages differ one by one, and all of them from the mean of so few past ones.
    fn variance(&self, past: u64) -> Option<f64> {
        let is_known = !self.is_unknown && past >= MIN_PAST;
        is_known.then(|| self.squares + self.plain * self.plain / past as f64)
    }
}

/// What past stages of a kind were charged, in a unit.
fn units(of: &KindSpeed, unit: BudgetUnit) -> f64 {
    match unit {
        BudgetUnit::Flops => of.sum.flops,
        BudgetUnit::Tokens => of.sum.tokens,
    }
}

/// A stage with a budget takes its amount at the past rate of its kind, another one the
/// mean of its kind.
fn expected_ms(of: &KindSpeed, budget: Option<(BudgetUnit, f64)>) -> f64 {
    match budget {
        Some((unit, amount)) if units(of, unit) > 0.0 => {
            amount * of.sum.device_ms / units(of, unit)
        }
        Some(_) | None => of.sum.device_ms / of.stages as f64,
    }
}

/// A stage that has not ended, as far as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Underway<'a> {
    pub kind: &'a str,
    pub budget: Option<(BudgetUnit, f64)>,
    /// Of its work, 0 to 1.
    pub share: f64,
    /// Device time so far.
    pub spent_ms: f64,
}

/// The share of its work from which on a stage speaks for itself.
pub const OWN_SHARE: f64 = 0.05;

/// Device time of the whole stage: at the rate of its own share so far, else by the past of
/// its kind on its device, whose speeds are given; `None` where it has neither.
pub fn whole_ms(of: &Underway<'_>, speeds: &[KindSpeed]) -> Option<f64> {
    if of.share >= OWN_SHARE && of.spent_ms > 0.0 {
        return Some(of.spent_ms / of.share.min(1.0));
    }
    let speed = speeds.iter().find(|s| s.kind == of.kind && s.stages > 0)?;
    Some(expected_ms(speed, of.budget).max(of.spent_ms))
}

/// Device time by past stages of the same kinds on one device, whose speeds are given.
pub fn estimate(
    experiment: &Experiment,
    plan: &Plan,
    known: &HashSet<String>,
    speeds: &[KindSpeed],
) -> WorkEstimate {
    let training_arms = experiment.arms.iter().filter(|arm| arm.trains()).count();
    let seeds = experiment.seeds.len();
    let (mut device_ms, mut any) = (0.0, false);
    let mut kinds: BTreeMap<&str, (KindBasis, Sums)> = BTreeMap::new();
    let to_do = plan.stages.iter().filter(|s| !known.contains(&s.hash));
    for stage in to_do.clone() {
        let kind = stage.spec.job.kind();
        let speed = speeds.iter().find(|s| s.kind == kind && s.stages > 0);
        let (entry, sums) = kinds.entry(kind).or_insert_with(|| {
            let basis = KindBasis {
                kind: kind.into(),
                to_come: 0,
                past: speed.map_or(0, |s| s.stages),
            };
            (basis, Sums::default())
        });
        entry.to_come += 1;
        let Some(speed) = speed else { continue };
        any = true;
        let unit = experiment.budget.unit;
        let amount = stage.spec.budget.as_ref().map(|budget| budget.amount);
        device_ms += expected_ms(speed, amount.map(|amount| (unit, amount)));
        let per_unit = match unit {
            BudgetUnit::Flops => speed.spread.per_flop,
            BudgetUnit::Tokens => speed.spread.per_token,
        };
        sums.add(match amount {
            Some(amount) if units(speed, unit) > 0.0 => per_unit.map(|spread| amount * spread),
            Some(_) | None => speed.spread.device_ms,
        });
    }
    let seen = kinds.values().filter(|(basis, _)| basis.past > 0);
    let variance: Option<f64> = seen.map(|(basis, sums)| sums.variance(basis.past)).sum();
    let all = kinds.into_values().map(|(basis, _)| basis);
    let (basis, without) = all.partition(|k| k.past > 0);
    WorkEstimate {
        unit: experiment.budget.unit,
        amount: experiment.budget.amount,
        training_arms,
        seeds,
        training: experiment.budget.amount * training_arms as f64 * seeds as f64,
        stages: plan.stages.len(),
        known: plan.stages.len() - to_do.count(),
        device_ms: any.then_some(device_ms),
        spread_ms: variance.filter(|_| any).map(f64::sqrt),
        basis,
        without,
    }
}

/// When what waits and runs now would be done, by past stages of the same kinds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Clearing {
    /// With every stage as long as half of its kind were at most, then as nine in ten.
    pub half_ms: f64,
    pub most_ms: f64,
    pub basis: Vec<KindBasis>,
    pub without: Vec<KindBasis>,
    /// Devices of which there are threads, and a past of what is open.
    pub devices: Vec<String>,
    /// Devices of which there are threads alone: they are thought to do nothing.
    pub idle: Vec<String>,
}

/// `None` without threads, or where no kind that is open has been run before on a device that
/// is there. Kinds are done one after the other, each by the threads of all devices on which it
/// has been run before, at their own speeds and without a gap between stages.
pub fn clearing(
    open: &[(String, i64)],
    speeds: &[KindSpeed],
    threads: &[Threads],
) -> Option<Clearing> {
    let mut of = Clearing::default();
    let live = || threads.iter().filter(|own| own.count > 0);
    for (kind, n) in open {
        let known: Vec<(&Threads, &KindSpeed)> = live()
            .filter_map(|own| Some((own, past(speeds, kind, &own.device)?)))
            .collect();
        let basis = KindBasis {
            kind: kind.clone(),
            to_come: n.unsigned_abs(),
            past: known.iter().map(|(_, speed)| speed.stages).sum(),
        };
        if known.is_empty() {
            of.without.push(basis);
            continue;
        }
        of.half_ms += shared_ms(basis.to_come, &known, |speed| speed.half_ms);
        of.most_ms += shared_ms(basis.to_come, &known, |speed| speed.most_ms);
        of.basis.push(basis);
        for (own, _) in known {
            if !of.devices.contains(&own.device) {
                of.devices.push(own.device.clone());
            }
        }
    }
    let idle = live().map(|own| own.device.clone());
    of.idle = idle.filter(|name| !of.devices.contains(name)).collect();
    (!of.basis.is_empty()).then_some(of)
}

/// How past stages of a kind went on a device; `None` where there are none.
pub(crate) fn past<'a>(speeds: &'a [KindSpeed], kind: &str, device: &str) -> Option<&'a KindSpeed> {
    let own = |speed: &&KindSpeed| speed.kind == kind && speed.device.name == device;
    speeds.iter().filter(own).find(|speed| speed.stages > 0)
}

/// The time of so many stages that all these threads share, where one of them takes a single
/// thread as long as `length` says.
fn shared_ms(
    stages: u64,
    known: &[(&Threads, &KindSpeed)],
    length: impl Fn(&KindSpeed) -> f64,
) -> f64 {
    let stages = stages as f64;
    match known {
        [(own, speed)] => stages * length(speed) / f64::from(own.count),
        _ => {
            let rates = known.iter();
            let rates = rates.map(|(own, speed)| f64::from(own.count) / length(speed));
            stages / rates.sum::<f64>()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::ledger::Cost;
    use crate::recipe::plan;
    use crate::spending::Spread;

    const FILE: &str = "
name: t
question: q?
task: { name: modchain }
seeds: 2
budget: { unit: tokens, amount: 10000 }
baseline: base
stages:
  - { id: base, kind: pretrain, model: {} }
arms:
  - { id: base, policy: base }
  - { id: a, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }
  - { id: b, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }";

    fn speed(kind: &str, stages: u64, tokens: f64, device_ms: f64) -> KindSpeed {
        KindSpeed {
            kind: kind.into(),
            stages,
            sum: Cost {
                tokens,
                flops: 0.0,
                device_ms,
            },
            half_ms: 100.0,
            most_ms: 300.0,
            ..KindSpeed::default()
        }
    }

    fn threads(device: &str, count: u32) -> Threads {
        Threads {
            device: device.into(),
            count,
        }
    }

    #[test]
    fn budgets_go_at_the_past_rate_the_rest_at_the_past_mean_and_unknown_kinds_are_named() {
        let experiment = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
        let plan = plan(&experiment, "");
        // 4 sft stages had 40,000 tokens in 8 s: a stage of 10,000 takes 2 s.
        let speeds = [
            speed("sft", 4, 40_000.0, 8_000.0),
            speed("eval", 10, 0.0, 5_000.0),
            speed("pretrain", 1, 1.0, 7_000.0),
        ];
        let of = estimate(&experiment, &plan, &HashSet::new(), &speeds);
        assert_eq!((of.training_arms, of.training), (2, 40_000.0));
        // Two seeds: a base and an sft each, six evaluations.
        let expected = 2.0 * 7_000.0 + 2.0 * 2_000.0 + 6.0 * 500.0;
        assert!((of.device_ms.unwrap() - expected).abs() < 1e-6, "{of:?}");
        assert_eq!(of.without.len(), 1);
        assert_eq!(
            (of.without[0].kind.as_str(), of.without[0].to_come),
            ("grpo", 2)
        );
        // What is computed already costs nothing.
        let base = plan.stages[0].hash.clone();
        let again = estimate(&experiment, &plan, &HashSet::from([base]), &speeds);
        assert_eq!(again.known, 1);
        assert!((again.device_ms.unwrap() - (expected - 7_000.0)).abs() < 1e-6);
        assert_eq!(
            estimate(&experiment, &plan, &HashSet::new(), &[]).device_ms,
            None
        );
    }

    #[test]
    fn the_spread_of_past_stages_becomes_that_of_the_sum() {
        let experiment = Experiment::from_text(FILE).unwrap_or_else(|v| panic!("{v}"));
        let plan = plan(&experiment, "");
        let with = |kind, past, device_ms, per_token| KindSpeed {
            spread: Spread {
                device_ms,
                per_token,
                ..Spread::default()
            },
            ..speed(kind, past, 40_000.0, 8_000.0)
        };
        let of = |sft| {
            let speeds = [sft, with("eval", 4, Some(10.0), None)];
            estimate(&experiment, &plan, &HashSet::new(), &speeds).spread_ms
        };
        // Two stages of 10,000 tokens at 0.003 ms each: 30 ms, 30 ms; six evaluations at 10 ms.
        let expected = 2.0 * 900.0 + 60.0 * 60.0 / 4.0 + 6.0 * 100.0 + 60.0 * 60.0 / 4.0;
        let found = of(with("sft", 4, None, Some(0.003))).unwrap();
        assert!((found * found - expected).abs() < 1e-6, "{found}");
        // Two past stages are too few, and so is a kind whose spread nobody knows.
        assert_eq!(of(with("sft", 2, None, Some(0.003))), None);
        assert_eq!(of(with("sft", 4, Some(1.0), None)), None);
        let nothing = estimate(&experiment, &plan, &HashSet::new(), &[]);
        assert_eq!(nothing.spread_ms, None);
    }

    #[test]
    fn a_stage_under_way_takes_what_its_share_says_and_one_to_come_what_its_kind_took() {
        // 4 sft stages had 40,000 tokens in 8 s.
        let speeds = [speed("sft", 4, 40_000.0, 8_000.0)];
        let sft = Underway {
            kind: "sft",
            budget: Some((BudgetUnit::Tokens, 10_000.0)),
            share: 0.0,
            spent_ms: 0.0,
        };
        let of = |share, spent_ms| Underway {
            share,
            spent_ms,
            ..sft
        };
        assert_eq!(whole_ms(&sft, &speeds), Some(2_000.0));
        assert_eq!(whole_ms(&of(0.25, 900.0), &speeds), Some(3_600.0));
        // Too little is done to go by it, and what is spent is spent.
        assert_eq!(whole_ms(&of(0.01, 100.0), &speeds), Some(2_000.0));
        assert_eq!(whole_ms(&of(0.0, 5_000.0), &speeds), Some(5_000.0));
        // Without a past in that unit, the mean of its kind.
        let flops = Underway {
            budget: Some((BudgetUnit::Flops, 1e9)),
            ..sft
        };
        assert_eq!(whole_ms(&flops, &speeds), Some(2_000.0));
        assert_eq!(whole_ms(&sft, &[]), None);
        assert_eq!(whole_ms(&of(0.5, 700.0), &[]), Some(1_400.0));
    }

    #[test]
    fn a_queue_is_cleared_by_its_threads_and_without_a_past_there_is_no_time() {
        let open = [("sft".to_string(), 4), ("ppo".to_string(), 1)];
        let speeds = [speed("sft", 9, 1.0, 1.0)];
        let of = clearing(&open, &speeds, &[threads("", 2)]).unwrap();
        assert_eq!((of.half_ms, of.most_ms), (200.0, 600.0));
        assert_eq!(of.without[0].kind, "ppo");
        assert_eq!(clearing(&open, &[], &[threads("", 2)]), None);
        assert_eq!(clearing(&open, &speeds, &[threads("", 0)]), None);
        assert_eq!(clearing(&open, &speeds, &[]), None);
    }

    #[test]
    fn each_device_works_at_its_own_speed_and_one_without_a_past_does_nothing() {
        let on = |device: &str, kind: &str, half_ms: f64| KindSpeed {
            device: Device {
                name: device.into(),
                class: String::new(),
            },
            half_ms,
            most_ms: 2.0 * half_ms,
            ..speed(kind, 3, 1.0, 1.0)
        };
        let speeds = [
            on("gpu", "grpo", 100.0),
            on("cpu", "grpo", 10_000.0),
            on("cpu", "sft", 1_000.0),
        ];
        let open = [("grpo".to_string(), 100), ("sft".to_string(), 2)];
        let of = |all: &[Threads]| clearing(&open, &speeds, all);
        // A past of the processor is none of the GPU's, and is not taken for one.
        let gpu = of(&[threads("gpu", 1)]).unwrap();
        assert_eq!((gpu.half_ms, gpu.basis[0].past), (10_000.0, 3));
        assert_eq!(gpu.without[0].kind, "sft");
        let cpu = of(&[threads("cpu", 2)]).unwrap();
        assert_eq!(cpu.half_ms, 100.0 * 10_000.0 / 2.0 + 2.0 * 1_000.0 / 2.0);
        // Together: a hundredth of a stage a millisecond, and two ten-thousandths more.
        let both = of(&[threads("gpu", 1), threads("cpu", 2)]).unwrap();
        let expected = 100.0 / (0.01 + 0.0002) + 1_000.0;
        assert!((both.half_ms - expected).abs() < 1e-6, "{both:?}");
        assert_eq!((both.basis[0].past, both.basis[1].past), (6, 3));
        assert_eq!(both.devices, ["gpu", "cpu"]);
        assert!(both.without.is_empty() && both.idle.is_empty());
        let new = of(&[threads("gpu", 1), threads("new", 64)]).unwrap();
        assert_eq!((new.half_ms, new.idle), (gpu.half_ms, vec!["new".into()]));
        assert_eq!(of(&[threads("new", 64)]), None);
    }
}
