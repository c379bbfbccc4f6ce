//! What is registered before the first run beside baseline, margin and budget: the
//! differences that are tested, and the attempts that must not be left out.

use crate::metric;
use crate::spec::experiment::{ArmSpec, Experiment, StageEntry};
use crate::spec::job::JobSpec;
use crate::spec::parse::{is_slug, text};
use crate::spec::reader::{Reader, Sink, describe};
use crate::spec::references;
use crate::spec::stage::Role;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One difference that is tested: `arm` minus `against`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contrast {
    pub arm: String,
    pub against: String,
    /// Of two decoders: the cost at which they are compared, in samples of their policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u32>,
}

/// What stands for an attempt that the comparison must not leave out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum RequiredAttempt {
    Arm(String),
    /// Printed beside the verdict.
    NotRun {
        not_run: String,
    },
}

/// How an arm answers questions with a policy that another stage has trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoder<'a> {
    /// The stage whose policy it is: `stage` or `arm/stage`.
    pub policy: String,
    /// Costs at which it answers, in samples of the policy, ascending.
    pub levels: &'a [u32],
}

impl ArmSpec {
    /// The stage that answers, of an arm that is a decoder.
    pub fn decoder(&self) -> Option<&StageEntry> {
        self.stages.iter().find(|stage| stage.job.is_decoder())
    }

    /// Whether it has training of its own.
    pub fn trains(&self) -> bool {
        self.policy.is_none() && self.decoder().is_none()
    }
}

impl Experiment {
    /// A part of the experiment, consistent in itself: contrasts of arms that are left out
    /// go with them, and attempts that they stood for are said to be left out. The baseline
    /// is the caller's to keep or to name anew.
    pub fn retain_arms(&mut self, keep: impl FnMut(&ArmSpec) -> bool) {
        self.arms.retain(keep);
        let left: Vec<&str> = self.arms.iter().map(|arm| arm.id.as_str()).collect();
        let is_left = |id: &str| left.contains(&id);
        self.contrasts
            .retain(|c| is_left(&c.arm) && is_left(&c.against));
        for attempt in self.required_attempts.values_mut() {
            if let RequiredAttempt::Arm(arm) = attempt
                && !is_left(arm)
            {
                *attempt = RequiredAttempt::NotRun {
                    not_run: format!("{arm} is left out of this part of the experiment"),
                };
            }
        }
    }

    /// `None` of an arm that is no decoder.
    pub fn decoder(&self, arm: &str) -> Option<Decoder<'_>> {
        let entry = self.arm(arm)?.decoder()?;
        let init = entry.inputs.get(&Role::Init)?;
        let policy = references::resolve(self, Some(arm), init)?.key();
        Some(Decoder {
            policy,
            levels: levels(&entry.job),
        })
    }
}

fn levels(job: &JobSpec) -> &[u32] {
    match job {
        JobSpec::Search { params } => &params.levels,
        JobSpec::Mcts { params, .. } => &params.levels,
        JobSpec::Pretrain { .. }
        | JobSpec::Checkpoint { .. }
        | JobSpec::Sft { .. }
        | JobSpec::Grpo { .. }
        | JobSpec::Ppo { .. }
        | JobSpec::RejectionSample { .. }
        | JobSpec::Distill { .. }
        | JobSpec::PrmLabel { .. }
        | JobSpec::PrmTrain { .. }
        | JobSpec::OrmTrain { .. }
        | JobSpec::MctsSelftrain { .. }
        | JobSpec::Eval { .. } => &[],
    }
}

/// `None` where the file has no list; entries that cannot be read are reported and
/// leave a place, so that pointers stay right.
pub(super) fn read_contrasts(r: &Reader<'_>) -> Option<Vec<Option<Contrast>>> {
    r.raw("contrasts")?;
    let read = |(i, value): (usize, &Value)| {
        let c = Reader::new(value, format!("/contrasts/{i}"), r.sink());
        let arm = c.required::<String>("arm");
        let against = c.required::<String>("against");
        let level = c.optional::<u32>("level");
        c.finish();
        Some(Contrast {
            arm: arm?,
            against: against?,
            level,
        })
    };
    Some(r.array("contrasts").iter().enumerate().map(read).collect())
}

pub(super) fn read_attempts(r: &Reader<'_>) -> BTreeMap<String, RequiredAttempt> {
    let Some(value) = r.raw("required_attempts") else {
        return BTreeMap::new();
    };
    let Some(map) = value.as_object() else {
        r.report(
            "required_attempts",
            format!(
                "expected an object of attempt: arm, found {}",
                describe(value)
            ),
        );
        return BTreeMap::new();
    };
    let at = Reader::new(value, r.at("required_attempts"), r.sink());
    let mut attempts = BTreeMap::new();
    for (role, value) in map {
        if !is_slug(role) {
            at.report(
                role,
                "an attempt's word is 1 to 40 of a-z, 0-9, - and _, starting with a letter or digit",
            );
            continue;
        }
        let attempt = match value {
            Value::String(arm) => Some(RequiredAttempt::Arm(arm.clone())),
            Value::Object(_) => {
                let reason = Reader::new(value, at.at(role), r.sink());
                let not_run = text(&reason, "not_run", 500);
                reason.finish();
                not_run.map(|not_run| RequiredAttempt::NotRun { not_run })
            }
            other => {
                at.report(
                    role,
                    format!(
                        "expected an arm, or {{ not_run: REASON }}, found {}",
                        describe(other)
                    ),
                );
                None
            }
        };
        if let Some(attempt) = attempt {
            attempts.insert(role.clone(), attempt);
        }
    }
    attempts
}

/// Checks what was listed, and resolves every default: the stored file is complete.
pub(super) fn complete(
    experiment: &mut Experiment,
    listed: Option<Vec<Option<Contrast>>>,
    sink: &Sink,
) {
    for (role, attempt) in &experiment.required_attempts {
        if let RequiredAttempt::Arm(arm) = attempt
            && experiment.arm(arm).is_none()
        {
            sink.report(
                format!("/required_attempts/{role}"),
                no_arm(experiment, arm),
            );
        }
    }
    if experiment.decoder(&experiment.baseline).is_some()
        && experiment.arms.iter().any(ArmSpec::trains)
    {
        sink.report(
            "/baseline",
            "is a decoder, which the arms that train cannot be compared with at equal compute",
        );
    }
    let Some(listed) = listed else {
        experiment.contrasts = by_default(experiment);
        return;
    };
    let mut contrasts: Vec<Contrast> = vec![];
    for (i, contrast) in listed.into_iter().enumerate() {
        let Some(contrast) = contrast else { continue };
        let pointer = format!("/contrasts/{i}");
        match check(experiment, contrast, &pointer, sink) {
            Some(c) if contrasts.iter().any(|known| same(known, &c)) => sink.report(
                pointer,
                format!("{} and {} are compared twice", c.arm, c.against),
            ),
            Some(c) => contrasts.push(c),
            None => {}
        }
    }
    experiment.contrasts = contrasts;
}

/// Every arm that trains against the baseline; where the baseline is a decoder, every
/// other decoder of its policy that has a level in common with it.
fn by_default(experiment: &Experiment) -> Vec<Contrast> {
    let baseline = &experiment.baseline;
    let reference = experiment.decoder(baseline);
    let of_arm = |arm: &ArmSpec| {
        let level = match (&reference, experiment.decoder(&arm.id)) {
            (None, None) if arm.trains() => None,
            (Some(reference), Some(own)) if own.policy == reference.policy => {
                Some(highest_common(own.levels, reference.levels)?)
            }
            (None | Some(_), None | Some(_)) => return None,
        };
        Some(Contrast {
            arm: arm.id.clone(),
            against: baseline.clone(),
            level,
        })
    };
    let others = experiment.arms.iter().filter(|arm| arm.id != *baseline);
    others.filter_map(of_arm).collect()
}

fn check(
    experiment: &Experiment,
    contrast: Contrast,
    pointer: &str,
    sink: &Sink,
) -> Option<Contrast> {
    let Contrast {
        arm,
        against,
        level,
    } = &contrast;
    let report = |field: &str, message: String| {
        sink.report(format!("{pointer}/{field}"), message);
        None
    };
    for (field, id) in [("arm", arm), ("against", against)] {
        if experiment.arm(id).is_none() {
            return report(field, no_arm(experiment, id));
        }
    }
    if arm == against {
        return report("against", "an arm is not compared with itself".into());
    }
    let (own, other) = match (experiment.decoder(arm), experiment.decoder(against)) {
        (None, None) if level.is_some() => {
            return report("level", "belongs to contrasts of decoders".into());
        }
        (None, None) => return Some(contrast),
        (Some(own), Some(other)) => (own, other),
        (Some(_), None) | (None, Some(_)) => {
            return report(
                "against",
                "a decoder is compared with decoders alone: the two have no cost in common".into(),
            );
        }
    };
    if own.policy != other.policy {
        return report(
            "against",
            format!(
                "decodes {}, and {arm} decodes {}: decoders are compared on one policy",
                other.policy, own.policy
            ),
        );
    }
    if [metric::LENGTH, metric::TRUNCATED].contains(&experiment.metric.as_str()) {
        return report(
            "arm",
            format!(
                "decoders are compared in the share of right answers, the margin is one of {}",
                experiment.metric
            ),
        );
    }
    let both = |level: &u32| own.levels.contains(level) && other.levels.contains(level);
    let level = match level {
        Some(level) if !both(level) => {
            return report(
                "level",
                format!(
                    "{arm} answers at {}, {against} at {}",
                    list(own.levels),
                    list(other.levels)
                ),
            );
        }
        Some(level) => Some(*level),
        None => highest_common(own.levels, other.levels),
    };
    if level.is_none() {
        return report(
            "against",
            format!(
                "no level in common: {arm} answers at {}, {against} at {}",
                list(own.levels),
                list(other.levels)
            ),
        );
    }
    Some(Contrast { level, ..contrast })
}

fn highest_common(a: &[u32], b: &[u32]) -> Option<u32> {
    a.iter().copied().filter(|level| b.contains(level)).max()
}

/// The same test, whichever way round.
fn same(a: &Contrast, b: &Contrast) -> bool {
    let pair = (&a.arm, &a.against);
    a.level == b.level && (pair == (&b.arm, &b.against) || pair == (&b.against, &b.arm))
}

fn no_arm(experiment: &Experiment, id: &str) -> String {
    let ids: Vec<_> = experiment.arms.iter().map(|arm| arm.id.as_str()).collect();
    format!("no arm {id:?}; the arms are {}", ids.join(", "))
}

fn list(levels: &[u32]) -> String {
    let words: Vec<String> = levels.iter().map(u32::to_string).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests;
