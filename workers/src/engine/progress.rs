//! Where a stage stands: its step, what it has cost, which milestones lie behind.

use assay_core::ledger::{Cost, purpose};
use assay_core::spec::StageBudget;
use assay_core::spec::experiment::BudgetUnit;
use assay_core::wire::Cumulative;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;
use tch::Device;

/// Saved in every resumable checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Steps completed.
    pub step: u64,
    /// Updates of the optimiser, for its bias correction.
    pub updates: u64,
    pub cum: Cumulative,
    /// Milestones measured.
    pub milestones: usize,
    /// Charged at the last of them, in the budget's unit.
    #[serde(default)]
    pub measured_at: f64,
    /// Alarms raised; each is raised once.
    #[serde(default)]
    pub alarms: BTreeSet<String>,
    /// Consecutive steps in which no group had mixed rewards.
    #[serde(default)]
    pub flat_steps: u32,
}

/// Running totals and clocks.
#[derive(Debug)]
pub struct Progress {
    pub state: State,
    /// Since the last ledger record, by purpose.
    pub pending: BTreeMap<String, Cost>,
    pub supervision: BTreeMap<String, u64>,
    device: Device,
    device_clock: f64,
    wall_clock: Instant,
    pub flushed: Instant,
}

impl Progress {
    pub fn new(state: State, device: Device) -> Self {
        Self {
            state,
            pending: BTreeMap::new(),
            supervision: BTreeMap::new(),
            device,
            device_clock: device_ms(device),
            wall_clock: Instant::now(),
            flushed: Instant::now(),
        }
    }

    /// Books compute for a purpose: the given tokens and FLOPs, and the device time since
    /// the last booking.
    pub fn book(&mut self, what: &str, tokens: f64, flops: f64) {
        let now = device_ms(self.device);
        let cost = Cost {
            tokens,
            flops,
            device_ms: now - self.device_clock,
        };
        self.device_clock = now;
        *self.pending.entry(what.to_string()).or_default() += cost;
        if purpose::is_charged(what) {
            self.state.cum.charged += cost;
        }
        self.state.cum.active_ms += self.wall_clock.elapsed().as_secs_f64() * 1e3;
        self.wall_clock = Instant::now();
    }

    pub fn supervise(&mut self, kind: &str, count: u64) {
        *self.supervision.entry(kind.to_string()).or_default() += count;
    }

    /// Charged so far, in the budget's unit.
    pub fn used(&self, unit: BudgetUnit) -> f64 {
        in_unit(&self.state.cum.charged, unit)
    }

    /// The percentage of the next milestone that `extra` more compute would cross.
    pub fn crosses(&self, budget: &StageBudget, extra: &Cost) -> Option<u32> {
        let after = self.used(budget.unit) + in_unit(extra, budget.unit);
        let &(percent, amount) = budget.milestones.get(self.state.milestones)?;
        (after > amount).then_some(percent)
    }

    /// Whether `extra` more compute would go beyond the stage's whole budget.
    pub fn exceeds(&self, budget: &StageBudget, extra: &Cost) -> bool {
        self.used(budget.unit) + in_unit(extra, budget.unit) > budget.amount
    }
}

pub fn in_unit(cost: &Cost, unit: BudgetUnit) -> f64 {
    match unit {
        BudgetUnit::Flops => cost.flops,
        BudgetUnit::Tokens => cost.tokens,
    }
}

/// CPU: the process's CPU time. GPU: wall time, for the process has the device alone.
fn device_ms(device: Device) -> f64 {
    use nix::time::{ClockId, clock_gettime};
    let clock = if device == Device::Cpu {
        ClockId::CLOCK_PROCESS_CPUTIME_ID
    } else {
        ClockId::CLOCK_MONOTONIC
    };
    clock_gettime(clock).map_or(0.0, |t| t.tv_sec() as f64 * 1e3 + t.tv_nsec() as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milestones_come_in_order_and_the_last_one_is_the_budget() {
        let budget = StageBudget {
            unit: BudgetUnit::Tokens,
            amount: 100.0,
            before: 0.0,
            whole: 100.0,
            milestones: vec![(50, 50.0), (100, 100.0)],
        };
        let mut p = Progress::new(State::default(), Device::Cpu);
        let tokens = |n: f64| Cost {
            tokens: n,
            ..Default::default()
        };
        assert_eq!(p.crosses(&budget, &tokens(50.0)), None);
        assert_eq!(p.crosses(&budget, &tokens(51.0)), Some(50));
        p.book(purpose::UPDATE, 60.0, 0.0);
        p.book(purpose::EVALUATION, 1e6, 0.0);
        p.state.milestones = 1;
        assert_eq!(p.crosses(&budget, &tokens(40.0)), None);
        assert_eq!(p.crosses(&budget, &tokens(41.0)), Some(100));
        assert!(p.exceeds(&budget, &tokens(41.0)) && !p.exceeds(&budget, &tokens(40.0)));
        assert_eq!(p.pending[purpose::EVALUATION].tokens, 1e6);
    }
}
