//! How hard each arm was tried: the settings that were tried before its recipe was frozen.

use super::material::Material;
use crate::number;

/// Arms with a recipe of their own, and how many settings are stated of each.
fn stated(of: &Material) -> Vec<(&str, Option<u32>)> {
    let arms = of
        .view
        .spec
        .arms
        .iter()
        .filter(|arm| !arm.stages.is_empty());
    arms.map(|arm| (arm.id.as_str(), arm.settings_tried))
        .collect()
}

/// Some arm states another number than some other, or states none where others do.
pub(super) fn are_unequal(of: &Material) -> bool {
    let all = stated(of);
    all.windows(2).any(|pair| pair[0].1 != pair[1].1)
}

/// What stands beside the table then.
pub(super) fn said(of: &Material) -> Option<String> {
    are_unequal(of).then(|| {
        let arms = stated(of).into_iter().map(|(arm, tried)| {
            let tried = tried.map_or("not stated".into(), |n| number::integer(i64::from(n)));
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
        (None, true) => "settings tried: not stated".into(),
        (None, false) => return None,
    };
    Some(match unequal {
        true => format!("{tried}, unequal"),
        false => tried,
    })
}
