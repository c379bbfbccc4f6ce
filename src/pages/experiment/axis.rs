//! What the cost axes count.

use crate::number;
use assay_core::spec::BudgetUnit;
use assay_store::{Along, MilestonePoint};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pages) enum Cost {
    Flops,
    Tokens,
    /// Seconds of the device: process time on a CPU.
    Device,
    /// Seconds of accumulated work.
    Wall,
    /// Device time at the prices that people have entered.
    Usd,
}

impl Cost {
    pub const ALL: [Self; 5] = [
        Self::Flops,
        Self::Tokens,
        Self::Device,
        Self::Wall,
        Self::Usd,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::Flops => "flops",
            Self::Tokens => "tok",
            Self::Device => "device_s",
            Self::Wall => "wall",
            Self::Usd => "usd",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Flops => "training FLOPs charged, per seed",
            Self::Tokens => "training tokens charged, per seed",
            Self::Device => "device-seconds charged, per seed",
            Self::Wall => "seconds of work charged, per seed",
            Self::Usd => "dollars charged, per seed",
        }
    }

    /// An amount with its unit.
    pub fn amount(self, of: f64) -> String {
        match self {
            Self::Flops => format!("{} FLOPs", number::prefixed(of)),
            Self::Tokens => format!("{} tokens", number::prefixed(of)),
            Self::Device => format!("{} device-seconds", number::significant(of)),
            Self::Wall => format!("{} s of work", number::significant(of)),
            // Small runs cost fractions of a cent.
            Self::Usd if of < 1.0 => format!("${}", number::significant(of)),
            Self::Usd => number::dollars(of),
        }
    }

    /// What a milestone had cost; nothing of dollars, which take a price.
    pub fn of(self, point: &MilestonePoint) -> Option<f64> {
        match self {
            Self::Flops => Some(point.flops),
            Self::Tokens => Some(point.tokens),
            Self::Device => Some(point.device_ms / 1e3),
            Self::Wall => Some(point.active_ms / 1e3),
            Self::Usd => None,
        }
    }

    /// What series are read along for this axis.
    pub fn along(self) -> Along {
        match self {
            Self::Flops => Along::Flops,
            Self::Tokens => Along::Tokens,
            Self::Device | Self::Usd => Along::DeviceMs,
            Self::Wall => Along::ActiveMs,
        }
    }
}

/// What the training curve is drawn along. Steps of different recipes cost differently: they are
/// no basis of a comparison, and no other figure has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Places {
    #[default]
    Cost,
    Steps,
}

impl Places {
    pub const STEPS: &'static str = "step";
    pub const STEPS_TITLE: &'static str = "training steps of the arm, no equal cost";
}

impl From<BudgetUnit> for Cost {
    fn from(unit: BudgetUnit) -> Self {
        match unit {
            BudgetUnit::Flops => Self::Flops,
            BudgetUnit::Tokens => Self::Tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_their_unit() {
        assert_eq!(Cost::Flops.amount(4e11), "400 G FLOPs");
        assert_eq!(Cost::Device.amount(12.5), "12.50 device-seconds");
        assert_eq!(Cost::Usd.amount(0.0125), "$0.0125");
        assert_eq!(Cost::Usd.amount(12.5), "$12.50");
    }
}
