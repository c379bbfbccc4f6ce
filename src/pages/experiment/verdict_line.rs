//! The verdict in a sentence, from the registered rule alone; or what keeps it from being said.

use super::material::Material;
use crate::number::{self, Kind};
use crate::pages::text;
use assay_core::outcome::{AttemptState, ContrastOutcome, MIN_SEEDS_VERDICT, Mark, Verdict};
use serde::Serialize;

/// With more contrasts than these the sentence names arms alone; their numbers stand below.
const SPELT_OUT: usize = 4;

#[derive(Debug)]
pub(super) struct Line {
    pub said: String,
    /// How much it rests on.
    pub basis: String,
}

/// A required attempt that is not there: its word in the file, and how far its arm is.
#[derive(Debug)]
pub(super) struct Lacking {
    pub role: String,
    pub arm: String,
    pub finished: usize,
    pub planned: usize,
}

/// Empty where nothing is missing.
pub(super) fn lacking(of: &Material) -> Vec<Lacking> {
    let missing = of.outcome.missing();
    let missing = missing.filter_map(|attempt| match &attempt.state {
        AttemptState::Missing {
            arm,
            finished,
            planned,
        } => Some(Lacking {
            role: attempt.role.clone(),
            arm: of.name(arm),
            finished: *finished,
            planned: *planned,
        }),
        AttemptState::Present { .. } | AttemptState::NotRun { .. } => None,
    });
    missing.collect()
}

/// A required attempt that nobody has run, and the registered reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct NotRun {
    pub role: String,
    pub reason: String,
}

impl std::fmt::Display for NotRun {
    /// `mcts: not run, because: Too dear for two cores.`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let stop = match self.reason.ends_with(['.', '!', '?']) {
            true => "",
            false => ".",
        };
        write!(f, "{}: not run, because: {}{stop}", self.role, self.reason)
    }
}

/// Empty where every required attempt was to be run.
pub(super) fn not_run(of: &Material) -> Vec<NotRun> {
    let all = of.outcome.required_attempts.iter();
    let not_run = all.filter_map(|attempt| match &attempt.state {
        AttemptState::NotRun { reason } => Some(NotRun {
            role: attempt.role.clone(),
            reason: text::visible(reason),
        }),
        AttemptState::Present { .. } | AttemptState::Missing { .. } => None,
    });
    not_run.collect()
}

/// The same beside the verdict, withheld or not.
pub(super) fn not_run_said(of: &Material) -> Option<String> {
    let said: Vec<String> = not_run(of).iter().map(ToString::to_string).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// No attempt that must not be left out was registered: said in the place of the verdict.
pub(super) fn none_registered(of: &Material) -> bool {
    of.outcome.lacks_attempts()
}

/// Nothing while the verdict is withheld.
pub(super) fn line(of: &Material) -> Option<Line> {
    if of.outcome.withheld {
        return None;
    }
    let mut basis = format!(
        "{}, {}, {}, Holm-adjusted.",
        number::counted(of.view.arms.len() as i64, "arm"),
        seeds(of),
        number::counted(of.outcome.m as i64, "comparison"),
    );
    if let Some(open) = of.outcome.interim_said() {
        basis += &format!(" {open}");
    }
    Some(Line {
        said: said(of),
        basis,
    })
}

/// Over how many the contrasts were computed, the smallest to the largest of them: `5 seeds`,
/// or of those that were planned some only, `5 to 6 of 10 seeds`.
fn seeds(of: &Material) -> String {
    let planned = of.view.spec.seeds.len();
    let n = || of.outcome.contrasts.iter().map(|c| c.seeds.len());
    let least = n().min().unwrap_or(planned);
    let most = n().max().unwrap_or(planned);
    let all = number::counted(planned as i64, "seed");
    match (least == most, most == planned) {
        (true, true) => all,
        (true, false) => format!("{most} of {all}"),
        (false, _) => format!("{least} to {most} of {all}"),
    }
}

fn said(of: &Material) -> String {
    let contrasts = &of.outcome.contrasts;
    if contrasts.is_empty() {
        return "none, for no contrast was registered.".into();
    }
    let enough = |c: &ContrastOutcome| c.verdict != Some(Verdict::NotEnoughSeeds);
    if !contrasts.iter().any(enough) {
        return format!(
            "none yet, for no registered contrast has {MIN_SEEDS_VERDICT} finished seeds."
        );
    }
    let long = contrasts.len() > SPELT_OUT;
    let mut parts: Vec<String> = match long {
        true => grouped(of),
        false => contrasts.iter().filter_map(|c| claim(of, c)).collect(),
    };
    for (verdict, words) in [
        (Verdict::NoDifferenceShown, "no difference shown"),
        (Verdict::NotEnoughSeeds, "not enough seeds"),
    ] {
        let of_these = contrasts.iter().filter(|c| c.verdict == Some(verdict));
        let pairs: Vec<String> = of_these.map(|c| pair(of, c)).collect();
        if !pairs.is_empty() {
            parts.push(format!("{words} between {}", pairs.join(", ")));
        }
    }
    let arms = of.view.arms.iter();
    let failed = arms.filter(|arm| of.mark(&arm.key) == Some(Mark::Unsuccessful));
    let failed: Vec<&str> = failed.map(|arm| arm.label.as_str()).collect();
    if long && failed.len() > SPELT_OUT {
        parts.push(format!("{} arms did not work", failed.len()));
    } else if !failed.is_empty() {
        parts.push(format!("{} did not work", listed(&failed)));
    }
    format!("{}.", parts.join("; "))
}

/// `better than GRPO: Distill, SFT`, in the order of the contrasts; a star where the
/// difference is below the margin.
fn grouped(of: &Material) -> Vec<String> {
    let mut groups: Vec<(&str, &str, Vec<String>)> = vec![];
    let mut starred = false;
    for contrast in &of.outcome.contrasts {
        let (word, small) = match contrast.verdict {
            Some(Verdict::Better) => ("better than", false),
            Some(Verdict::BetterWithinMargin) => ("better than", true),
            Some(Verdict::Worse) => ("worse than", false),
            Some(Verdict::WorseWithinMargin) => ("worse than", true),
            Some(Verdict::Equivalent) => ("equivalent to", false),
            Some(Verdict::NoDifferenceShown | Verdict::NotEnoughSeeds) | None => continue,
        };
        starred |= small;
        let name = format!("{}{}", of.name(&contrast.arm), if small { "*" } else { "" });
        let own = groups
            .iter_mut()
            .find(|(w, against, _)| *w == word && *against == contrast.against);
        match own {
            Some((_, _, names)) => names.push(name),
            None => groups.push((word, &contrast.against, vec![name])),
        }
    }
    let mut parts: Vec<String> = groups
        .into_iter()
        .map(|(word, against, names)| format!("{word} {}: {}", of.name(against), names.join(", ")))
        .collect();
    if starred {
        parts.push("* by less than the margin".into());
    }
    parts
}

/// `Distill better than GRPO, +0.096 [+0.043, +0.150]`; nothing of what shows nothing.
fn claim(of: &Material, contrast: &ContrastOutcome) -> Option<String> {
    let margin = number::significant(of.outcome.margin);
    let (word, aside) = match contrast.verdict? {
        Verdict::Better => ("better than", String::new()),
        Verdict::BetterWithinMargin => ("better than", " (by less than the margin)".into()),
        Verdict::Worse => ("worse than", String::new()),
        Verdict::WorseWithinMargin => ("worse than", " (by less than the margin)".into()),
        Verdict::Equivalent => ("equivalent to", format!(" (within {margin})")),
        Verdict::NoDifferenceShown | Verdict::NotEnoughSeeds => return None,
    };
    let kind = Kind::of(&contrast.metric);
    let difference = contrast.difference.as_ref();
    let difference = difference.map_or(String::new(), |d| {
        format!(", {}", number::difference(kind, d))
    });
    Some(format!(
        "{} {word} {}{difference}{aside}",
        of.name(&contrast.arm),
        of.name(&contrast.against)
    ))
}

fn pair(of: &Material, contrast: &ContrastOutcome) -> String {
    format!(
        "{} and {}",
        of.name(&contrast.arm),
        of.name(&contrast.against)
    )
}

/// `A, B and C`.
fn listed(of: &[&str]) -> String {
    match of {
        [] => String::new(),
        [one] => (*one).into(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}
