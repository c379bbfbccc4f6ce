//! What was really spent: every stage once, accidents and measuring included, under the
//! arms that alone need it. Charges, which see every arm as if it were alone, are another
//! sum and never added to this one.

use crate::device::Device;
use crate::ids::StageId;
use crate::ledger::Cost;
use serde::{Deserialize, Serialize};

/// One stage's whole spending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageSpend {
    pub stage: StageId,
    /// Keys of the experiment's arms that need it.
    pub arms: Vec<String>,
    /// Everything, the next two included.
    pub all: Cost,
    pub evaluation: Cost,
    pub lost: Cost,
    /// At the prices in force when the work was done; `None` where none was.
    pub dollars: Option<f64>,
    /// Device time for which no price was in force.
    pub unpriced_ms: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spent {
    pub cost: Cost,
    pub dollars: Option<f64>,
    pub unpriced_ms: f64,
}

impl Spent {
    fn add(&mut self, stage: &StageSpend) {
        self.cost += stage.all;
        self.unpriced_ms += stage.unpriced_ms;
        if let Some(dollars) = stage.dollars {
            *self.dollars.get_or_insert(0.0) += dollars;
        }
    }

    /// Of device time; `None` of nothing.
    pub fn share_of(&self, whole: &Self) -> Option<f64> {
        (whole.cost.device_ms > 0.0).then(|| self.cost.device_ms / whole.cost.device_ms)
    }
}

/// The arms' parts and the shared one add up to the total.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Spending {
    pub total: Spent,
    pub evaluation: Cost,
    pub lost: Cost,
    /// Stages that several arms need.
    pub shared: Spent,
    /// Stages that one arm alone needs, in the order in which the arms are given.
    pub arms: Vec<(String, Spent)>,
    /// Stages that no other arms than unsuccessful ones need.
    pub unsuccessful: Spent,
}

pub fn spending<'a>(
    arms: impl IntoIterator<Item = &'a str>,
    stages: &[StageSpend],
    is_unsuccessful: impl Fn(&str) -> bool,
) -> Spending {
    let mut of = Spending {
        arms: arms
            .into_iter()
            .map(|arm| (arm.to_string(), Spent::default()))
            .collect(),
        ..Spending::default()
    };
    for stage in stages {
        of.total.add(stage);
        of.evaluation += stage.evaluation;
        of.lost += stage.lost;
        let own = match stage.arms.as_slice() {
            [only] => of.arms.iter_mut().find(|(arm, _)| arm == only),
            [] | [_, ..] => None,
        };
        own.map_or(&mut of.shared, |(_, spent)| spent).add(stage);
        if !stage.arms.is_empty() && stage.arms.iter().all(|arm| is_unsuccessful(arm)) {
            of.unsuccessful.add(stage);
        }
    }
    of
}

/// How past stages of a kind went on one device.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct KindSpeed {
    pub kind: String,
    pub device: Device,
    pub stages: u64,
    /// Tokens and FLOPs without measuring, device time with it.
    pub sum: Cost,
    /// Of the tokens, those of rollouts: each completion once, with its prompt, however often
    /// it was then scored and trained on.
    pub rollout_tokens: f64,
    /// Wall time of a stage multiplied by its threads: half of them took no longer.
    pub half_ms: f64,
    /// Nine in ten took no longer.
    pub most_ms: f64,
    pub spread: Spread,
}

/// How past stages of a kind differ: standard deviations over stages of their device time,
/// in milliseconds; `None` under two stages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    pub device_ms: Option<f64>,
    /// For each token, for each FLOP, for each token of a rollout.
    pub per_token: Option<f64>,
    pub per_flop: Option<f64>,
    pub per_rollout_token: Option<f64>,
}

/// The devices on which anything was measured, in the order of what was.
pub fn devices(speeds: &[KindSpeed]) -> Vec<&Device> {
    let mut all: Vec<&Device> = vec![];
    for speed in speeds {
        if all.iter().all(|own| own.name != speed.device.name) {
            all.push(&speed.device);
        }
    }
    all
}

/// What was measured on one device, by its name.
pub fn on_device(speeds: &[KindSpeed], name: &str) -> Vec<KindSpeed> {
    let own = speeds.iter().filter(|speed| speed.device.name == name);
    own.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(arms: &[&str], ms: f64, dollars: Option<f64>) -> StageSpend {
        let cost = |device_ms| Cost {
            device_ms,
            flops: 2.0 * device_ms,
            tokens: 0.0,
        };
        StageSpend {
            stage: StageId(uuid::Uuid::nil()),
            arms: arms.iter().map(|a| a.to_string()).collect(),
            all: cost(ms),
            evaluation: cost(ms / 10.0),
            lost: Cost::default(),
            dollars,
            unpriced_ms: if dollars.is_none() { ms } else { 0.0 },
        }
    }

    #[test]
    fn the_parts_add_up_and_only_what_unsuccessful_arms_alone_need_is_theirs() {
        let of = spending(
            ["a", "b", "c"],
            &[
                stage(&["a", "b", "c"], 100.0, Some(1.0)),
                stage(&["a"], 50.0, Some(0.5)),
                stage(&["b"], 30.0, None),
                stage(&["b", "c"], 20.0, None),
            ],
            |arm| arm != "a",
        );
        let parts: f64 = of.arms.iter().map(|(_, s)| s.cost.device_ms).sum();
        assert_eq!(of.total.cost.device_ms, parts + of.shared.cost.device_ms);
        assert_eq!(of.unsuccessful.cost.device_ms, 50.0);
        assert_eq!(of.unsuccessful.share_of(&of.total), Some(0.25));
        assert_eq!(of.total.dollars, Some(1.5));
        assert_eq!(of.arms[1].1.dollars, None);
        assert_eq!(of.total.unpriced_ms, 50.0);
        assert_eq!(of.evaluation.device_ms, 20.0);
    }

    #[test]
    fn what_was_measured_is_told_apart_by_its_device() {
        let speed = |kind: &str, name: &str| KindSpeed {
            kind: kind.into(),
            device: Device {
                name: name.into(),
                class: "cpu".into(),
            },
            ..KindSpeed::default()
        };
        let all = [speed("grpo", "b"), speed("grpo", "a"), speed("sft", "b")];
        let names: Vec<&str> = devices(&all).iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
        let own = on_device(&all, "b");
        let kinds: Vec<&str> = own.iter().map(|s| s.kind.as_str()).collect();
        assert_eq!(kinds, ["grpo", "sft"]);
        assert!(on_device(&all, "c").is_empty());
    }

    #[test]
    fn nothing_spent_has_no_share() {
        let of = spending(["a"], &[], |_| true);
        assert_eq!(of.unsuccessful.share_of(&of.total), None);
        assert_eq!(of.total.dollars, None);
    }
}
