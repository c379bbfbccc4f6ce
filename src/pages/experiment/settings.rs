//! How hard each arm was tried: the settings that were tried before its recipe was frozen.

use super::material::Material;
use super::tables;
use crate::number;
use assay_core::spec::ArmSpec;
use serde_json::{Value, json};

const NOT_STATED: &str = "not stated";

/// Trained arms with a recipe of their own; decoders answer with that of another arm.
fn has_recipe(arm: &ArmSpec) -> bool {
    !arm.stages.is_empty() && arm.decoder().is_none()
}

/// How many settings are stated of each.
fn stated(of: &Material) -> Vec<(&str, Option<u32>)> {
    let arms = of.view.spec.arms.iter().filter(|arm| has_recipe(arm));
    arms.map(|arm| (arm.id.as_str(), arm.settings_tried))
        .collect()
}

/// Some arm states another number than some other, or states none where others do.
pub(super) fn are_unequal(of: &Material) -> bool {
    let all = stated(of);
    all.windows(2).any(|pair| pair[0].1 != pair[1].1)
}

/// No arm states any: said once, and not beside each.
pub(super) fn are_untold(of: &Material) -> bool {
    let all = stated(of);
    !all.is_empty() && all.iter().all(|(_, tried)| tried.is_none())
}

/// What stands beside the table where they are unequal.
pub(super) fn said(of: &Material) -> Option<String> {
    are_unequal(of).then(|| {
        let arms = stated(of).into_iter().map(|(arm, tried)| {
            let tried = tried.map_or(NOT_STATED.into(), |n| number::integer(i64::from(n)));
            format!("{} {tried}", of.name(arm))
        });
        format!(
            "The arms were not tried equally hard. The number of settings tried is to be equal for all arms, printed and charged; here it is: {}. What more tuning has bought is part of the differences, and no interval covers it.",
            arms.collect::<Vec<_>>().join(", ")
        )
    })
}

/// Beside an arm's name: `3 settings tried, unequal`.
pub(super) fn of_arm(of: &Material, arm: &str) -> Option<String> {
    let (_, tried) = stated(of).into_iter().find(|(key, _)| *key == arm)?;
    let unequal = are_unequal(of);
    let tried = match (tried, unequal) {
        (Some(n), _) => format!("{} tried", number::counted(i64::from(n), "setting")),
        (None, true) => format!("settings tried: {NOT_STATED}"),
        (None, false) => return None,
    };
    Some(match unequal {
        true => format!("{tried}, unequal"),
        false => tried,
    })
}

/// In a table's file; empty of an arm without a recipe.
pub(super) fn cell(of: &Material, arm: &str) -> tables::Cell {
    let known = stated(of).into_iter().find(|(key, _)| *key == arm);
    match known {
        Some((_, Some(n))) => tables::Cell::count(n),
        Some((_, None)) => tables::Cell::Word(NOT_STATED.into()),
        None => tables::Cell::Word(String::new()),
    }
}

/// As the experiment's file has it.
pub(super) fn tried(of: &Material, arm: &str) -> Option<u32> {
    of.view.spec.arm(arm)?.settings_tried
}

/// The same of every arm, for programs.
pub(super) fn json(of: &Material) -> Value {
    let arms = of.view.spec.arms.iter();
    arms.map(|arm| json!({ "arm": arm.id, "settings_tried": arm.settings_tried }))
        .collect()
}
