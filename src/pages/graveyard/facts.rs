//! What stands under a card's title: how many seeds, at what cost, how hard it was tried.

use super::Material;
use crate::number;
use crate::pages::words;
use assay_core::spec::BudgetUnit;
use assay_core::stats::mean;
use assay_store::{RunState, RunView};

pub(super) fn of(of: &Material, key: &str) -> Vec<String> {
    let runs = || of.runs.iter().filter(|r| r.arm.key == key);
    let done = runs().filter(|r| r.state == RunState::Succeeded).count();
    let crashed = runs().filter(|r| r.state == RunState::Failed).count();
    let mut facts = vec![format!("{done} of {} seeds finished", runs().count())];
    if crashed > 0 {
        facts.push(format!("{crashed} crashed (an accident, no finding)"));
    }
    if let Some(cost) = of.ledger.arms.iter().find(|a| a.arm_key == key) {
        let unit = of.view.spec.budget.unit;
        let amount = match unit {
            BudgetUnit::Flops => cost.charged.flops,
            BudgetUnit::Tokens => cost.charged.tokens,
        };
        facts.push(format!(
            "charged {} {} in all seeds, {} of device time",
            number::prefixed(amount),
            words::unit(unit),
            number::duration(cost.charged.device_ms)
        ));
    }
    facts.extend(per_seed(of, key));
    if let Some(supervision) = of.supervision.iter().find(|s| s.arm == key) {
        for (kind, count) in &supervision.counts {
            facts.push(format!(
                "{} {} a run",
                number::integer(count.round() as i64),
                kind.replace('_', " ")
            ));
        }
    }
    let tried = of.view.spec.arm(key).and_then(|arm| arm.settings_tried);
    facts.push(match tried {
        Some(n) => format!(
            "{} tried before it was frozen",
            number::counted(i64::from(n), "setting")
        ),
        None => "how many settings were tried is not stated".into(),
    });
    facts
}

/// Device time and dollars as they were charged: means over the finished runs that count.
fn per_seed(of: &Material, key: &str) -> Option<String> {
    let runs: Vec<(&RunView, f64)> = of
        .counted(key)
        .filter_map(|run| {
            let attempts = of.dollars.runs.get(&run.id)?;
            Some((run, attempts.iter().map(|a| a.device_ms).sum::<f64>()))
        })
        .collect();
    if runs.is_empty() {
        return None;
    }
    let device: Vec<f64> = runs.iter().map(|r| r.1).collect();
    let dollars: Option<Vec<f64>> = runs
        .iter()
        .map(|(run, device)| of.dollars.at(run.id, *device))
        .collect();
    let money = match dollars {
        Some(dollars) => number::dollars(mean(&dollars)),
        None => "no price for its device".into(),
    };
    Some(format!(
        "{} of device time and {money} per seed",
        number::duration(mean(&device))
    ))
}
