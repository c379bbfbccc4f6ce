//! What was charged, by purpose, and what stands apart from every budget.

use super::Material;
use crate::number;
use assay_core::denominator::{NoVerdict, unsuccessful};
use assay_core::ledger::{Cost, purpose};
use assay_core::spec::BudgetUnit;

#[derive(Debug)]
pub(super) struct CostRow {
    pub name: String,
    pub note: &'static str,
    pub tokens: String,
    pub flops: String,
    pub device: String,
}

impl CostRow {
    fn new(name: String, note: &'static str, of: Cost) -> Self {
        Self {
            name,
            note,
            tokens: number::prefixed(of.tokens),
            flops: number::prefixed(of.flops),
            device: number::duration(of.device_ms),
        }
    }
}

/// Charged to the arms, in the budget's unit.
#[derive(Debug)]
pub(super) struct ByPurpose {
    /// Purposes that some arm was charged for.
    pub columns: Vec<String>,
    pub rows: Vec<PurposeRow>,
}

#[derive(Debug)]
pub(super) struct PurposeRow {
    pub label: String,
    pub charged: String,
    pub cells: Vec<String>,
    /// `base 9.00 k`: the stage, and what it took.
    pub apart: Vec<String>,
    /// Charged and apart together: as if the arm had to pay for all it builds on.
    pub with_apart: String,
    pub never: String,
}

pub(super) fn charged(of: &Material) -> Vec<CostRow> {
    let arms = of.ledger.arms.iter();
    arms.map(|arm| CostRow::new(arm.label.clone(), "", arm.charged))
        .collect()
}

pub(super) fn spent(of: &Material) -> Vec<CostRow> {
    let rows = of.ledger.spent.iter();
    rows.map(|row| {
        let note = if row.reused {
            "by an earlier experiment"
        } else {
            ""
        };
        CostRow::new(words(&row.purpose), note, row.cost)
    })
    .collect()
}

fn words(purpose: &str) -> String {
    purpose.replace('_', " ")
}

pub(super) fn by_purpose(of: &Material) -> ByPurpose {
    let unit = of.view.spec.budget.unit;
    let in_unit = |cost: &Cost| match unit {
        BudgetUnit::Flops => cost.flops,
        BudgetUnit::Tokens => cost.tokens,
    };
    let arms = &of.ledger.arms;
    let used = |word: &str| arms.iter().any(|arm| arm.purposes.contains_key(word));
    let mut columns: Vec<String> = purpose::CHARGED
        .iter()
        .filter(|word| used(word))
        .map(|word| word.to_string())
        .collect();
    // A purpose that this program does not know is still a cost.
    for word in arms.iter().flat_map(|arm| arm.purposes.keys()) {
        if !columns.contains(word) {
            columns.push(word.clone());
        }
    }
    let rows = arms
        .iter()
        .map(|arm| {
            let apart: f64 = arm.apart.iter().map(|(_, cost)| in_unit(cost)).sum();
            PurposeRow {
                label: arm.label.clone(),
                charged: number::prefixed(in_unit(&arm.charged)),
                cells: columns
                    .iter()
                    .map(|word| {
                        let cost = arm.purposes.get(word);
                        cost.map_or(number::NONE.into(), |c| number::prefixed(in_unit(c)))
                    })
                    .collect(),
                apart: arm
                    .apart
                    .iter()
                    .map(|(name, cost)| format!("{name} {}", number::prefixed(in_unit(cost))))
                    .collect(),
                with_apart: number::prefixed(in_unit(&arm.charged) + apart),
                never: number::prefixed(in_unit(&arm.never)),
            }
        })
        .collect();
    ByPurpose {
        columns: columns.iter().map(|word| words(word)).collect(),
        rows,
    }
}

/// The share of what was spent that went to stages which unsuccessful arms alone need:
/// information, not a reproach.
pub(super) fn on_unsuccessful(of: &Material) -> String {
    let spending = of.spending();
    let Some(share) = spending.unsuccessful.share_of(&spending.total) else {
        return "Nothing has been spent yet.".into();
    };
    let keys = of.view.arms.iter().map(|arm| arm.key.as_str());
    let arms: Vec<String> = match unsuccessful(&of.outcome, keys) {
        Err(NoVerdict::Withheld) => {
            return "What part went to unsuccessful arms is not said while verdicts are withheld."
                .into();
        }
        Err(NoVerdict::NotYet) => {
            return "What part went to unsuccessful arms is not said: no verdict yet.".into();
        }
        Ok(list) => list.into_iter().map(|arm| of.name(arm)).collect(),
    };
    if arms.is_empty() {
        return "No arm is called unsuccessful by the registered rule.".into();
    }
    let of_all = format!(
        "{} of {} device time",
        number::duration(spending.unsuccessful.cost.device_ms),
        number::duration(spending.total.cost.device_ms)
    );
    format!(
        "{} ({of_all}) went to stages that only unsuccessful arms need: {}.",
        number::percent(share),
        arms.join(", ")
    )
}
