//! Alarms with their thresholds, and detectors that have changed their level.

use super::history::{self, Moment};
use super::material::Material;
use super::panels::{self, Measured};
use crate::number::{self, Kind};
use crate::rules;
use assay_core::health::{self, Finding, Rule};
use assay_core::spec::Alarms;
use assay_store::{EventView, RuleAlarmView};

#[derive(Debug)]
pub(super) struct AlarmRow {
    pub rule: String,
    /// `default`, or what it would be by default.
    pub limit: String,
    pub found: String,
    pub raised: bool,
}

/// What the worker watches by itself, with its thresholds.
pub(super) fn worker_rules() -> String {
    use health::worker::{COLLAPSED_ENTROPY, FLAT_STEPS, TRUNCATED_SHARE};
    format!(
        "no group with mixed rewards for {FLAT_STEPS} steps; more than {} truncated; entropy \
         under {COLLAPSED_ENTROPY} nats a token; nothing to learn from",
        number::percent(TRUNCATED_SHARE)
    )
}

pub(super) fn alarms(series: &[Measured], limits: &Alarms) -> Vec<AlarmRow> {
    let curves = rules::curves(series);
    Rule::ALL
        .iter()
        .map(|rule| {
            let found = rule.check(&curves, limits);
            AlarmRow {
                limit: limit(*rule, limits),
                rule: rule.words(limits),
                raised: matches!(found, Finding::Raised { .. }),
                found: match found {
                    Finding::NotMeasured => "not measured by this stage".into(),
                    Finding::TooShort => format!(
                        "not measured: no two held-out measurements {} steps apart (alarms.moved_over_steps)",
                        number::integer(i64::from(limits.moved_over_steps))
                    ),
                    Finding::Quiet => "not raised".into(),
                    Finding::Raised { step, value } => format!(
                        "raised at step {}: {}",
                        number::integer(step),
                        number::significant(value)
                    ),
                },
            }
        })
        .collect()
}

/// Whose threshold it is.
pub(super) fn limit(rule: Rule, limits: &Alarms) -> String {
    let by_default = rule.words(&Alarms::default());
    if !rule.has_threshold() {
        "fixed".into()
    } else if rule.words(limits) == by_default {
        "default".into()
    } else {
        format!("set by the experiment; by default {by_default}")
    }
}

/// Stage, step and words of each detector's change of level.
pub(super) fn changes(of: &Material) -> Vec<history::Change> {
    let stage = of.stage.clone().unwrap_or_default();
    levels(&of.series)
        .into_iter()
        .map(|(step, text)| (stage.clone(), step, text))
        .collect()
}

fn levels(series: &[Measured]) -> Vec<(i64, String)> {
    let mut out = vec![];
    for (name, series) in series
        .iter()
        .filter(|(name, _)| rules::DETECTORS.contains(&name.as_str()))
    {
        let points: Vec<(i64, f64)> = series.points.iter().map(|p| (p.step, p.mean)).collect();
        if let Some(change) = health::change(&points) {
            let kind = Kind::of(name);
            out.push((
                change.step,
                format!(
                    "{} changes its level from {} to {}; the two explain {} of its variance",
                    panels::title(name),
                    number::value(kind, change.before),
                    number::value(kind, change.after),
                    number::percent(change.explained)
                ),
            ));
        }
    }
    out
}

/// What the look in the background has found, newest first, whatever the stage.
pub(super) fn found(of: &[RuleAlarmView], limits: &Alarms) -> Vec<Moment> {
    of.iter()
        .map(|alarm| Moment {
            at: number::moment(alarm.at),
            text: format!(
                "{}: {} at step {}: {}",
                alarm.stage,
                alarm.found.rule.words(limits),
                number::integer(alarm.found.step),
                number::significant(alarm.found.value)
            ),
            alarm: true,
        })
        .collect()
}

/// Alarms that are listed of those that the workers have raised.
const RAISED: usize = 100;

/// Alarms that the workers have raised, newest first, and how many are not listed.
pub(super) fn raised(of: &Material) -> (Vec<Moment>, usize) {
    let alarms = of.alarms();
    let alarms: Vec<(String, EventView)> = alarms
        .map(|(stage, e)| (stage.to_string(), e.clone()))
        .collect();
    let mut listed = history::timeline(&[], &alarms, &[], &[]);
    let more = listed.len().saturating_sub(RAISED);
    listed.truncate(RAISED);
    (listed, more)
}
