//! Reads an experiment file, reporting every violation at once.

use super::alarms::{Alarms, read_alarms};
use super::experiment::{
    ArmSpec, BaseSeeds, Budget, BudgetUnit, EvaluationPlan, Experiment, MAX_RUNS,
};
use super::job::Product;
use super::parse_stage::read_stage;
use super::reader::{Field, Reader, Sink, describe};
use super::registered;
use crate::metric;
use crate::task::TaskSpec;
use crate::unseen::is_unseen;
use serde_json::Value;

/// `None` where what is missing leaves nothing to return; the sink then says why.
pub(super) fn read(value: &Value, sink: &Sink) -> Option<Experiment> {
    let r = Reader::new(value, "", sink);
    let name = text(&r, "name", 120);
    let question = text(&r, "question", 500);
    let hypothesis = if r.has("hypothesis") {
        text(&r, "hypothesis", 2000)
    } else {
        r.raw("hypothesis");
        None
    };
    let task = r
        .required_value("task")
        .and_then(|v| TaskSpec::read(v, "/task", sink));
    let base_seeds = r.field("base_seeds", BaseSeeds::PerSeed, None);
    let seeds = read_seeds(&r);
    let root_seed = r.field("root_seed", 0_u64, Some(0.0..=9e15));
    let budget = r.required_value("budget").map(|v| read_budget(v, sink));
    let metric = r.field("metric", metric::PASS_AT_1.to_string(), None);
    if !metric::FINAL.contains(&metric.as_str()) {
        r.report(
            "metric",
            format!("expected one of {}", metric::FINAL.join(", ")),
        );
    }
    let baseline = r.required::<String>("baseline");
    let margin = r.field("margin", 0.02, Some(0.0..=1.0));
    let min_gain = r.field("min_gain", 0.0, Some(0.0..=1e6));
    let contrasts = registered::read_contrasts(&r);
    let required_attempts = registered::read_attempts(&r);
    let evaluation = match r.raw("evaluation") {
        None => EvaluationPlan::default(),
        Some(v) => read_evaluation(v, sink),
    };
    let alarms = match r.raw("alarms") {
        None => Alarms::default(),
        Some(v) => read_alarms(v, sink),
    };
    let stages: Vec<_> = r
        .array("stages")
        .iter()
        .enumerate()
        .filter_map(|(i, v)| read_stage(v, format!("/stages/{i}"), true, sink))
        .collect();
    let arms: Vec<_> = r
        .array("arms")
        .iter()
        .enumerate()
        .filter_map(|(i, v)| read_arm(v, format!("/arms/{i}"), sink))
        .collect();
    if r.array("arms").is_empty() {
        r.report("arms", "needs at least one arm");
    }
    let runs = arms.len() * seeds.len();
    if runs > MAX_RUNS {
        r.report("seeds", format!("{runs} runs are more than {MAX_RUNS}"));
    }
    if let Some(baseline) = &baseline
        && !arms.is_empty()
        && !arms.iter().any(|arm| arm.id == *baseline)
    {
        let ids: Vec<_> = arms.iter().map(|arm| arm.id.as_str()).collect();
        r.report(
            "baseline",
            format!("no arm {baseline:?}; the arms are {}", ids.join(", ")),
        );
    }
    r.finish();
    let mut experiment = Experiment {
        name: name?,
        question: question?,
        hypothesis,
        task: task?,
        base_seeds,
        seeds,
        root_seed,
        budget: budget?,
        metric,
        baseline: baseline?,
        margin,
        min_gain,
        contrasts: vec![],
        required_attempts,
        evaluation,
        alarms,
        stages,
        arms,
    };
    super::references::check(&experiment, sink);
    registered::complete(&mut experiment, contrasts, sink);
    Some(experiment)
}

impl<'a> Reader<'a> {
    pub(crate) fn required_value(&self, key: &'static str) -> Option<&'a Value> {
        let value = self.raw(key);
        if value.is_none() {
            self.report(key, "is required");
        }
        value
    }
}

/// Free text for people: no markup, and nothing that cannot be seen.
pub(super) fn text(r: &Reader<'_>, key: &'static str, max: usize) -> Option<String> {
    let text = r.required::<String>(key)?;
    let refused = match r.sink().is_kept() {
        true => refused_for(&text, max, is_markup),
        false => refused_text(&text, max),
    };
    match refused {
        Some(message) => {
            r.report(key, message);
            None
        }
        None => Some(text.trim().to_string()),
    }
}

/// Why a text is not one for people.
pub(crate) fn refused_text(text: &str, max: usize) -> Option<String> {
    refused_for(text, max, |c| is_markup(c) || is_hidden(c))
}

fn refused_for(text: &str, max: usize, is_bad: fn(char) -> bool) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return Some("must not be empty".into());
    }
    if text.chars().count() > max {
        return Some(format!("longer than {max} characters"));
    }
    let bad = text.chars().find(|&c| is_bad(c))?;
    Some(format!("must be plain text; {bad:?} is not allowed"))
}

fn is_markup(c: char) -> bool {
    matches!(c, '<' | '>' | '&')
}

/// What cannot be seen can disguise a name.
fn is_hidden(c: char) -> bool {
    c.is_control() || is_unseen(c)
}

/// A short name for URLs, files and references.
pub(super) fn slug(r: &Reader<'_>, key: &'static str) -> Option<String> {
    let id = r.required::<String>(key)?;
    if !is_slug(&id) {
        r.report(
            key,
            "must be 1 to 40 of a-z, 0-9, - and _, starting with a letter or digit",
        );
        return None;
    }
    Some(id)
}

pub(super) fn is_slug(id: &str) -> bool {
    (1..=40).contains(&id.len())
        && id
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
        && !id.starts_with(['-', '_'])
}

fn read_seeds(r: &Reader<'_>) -> Vec<u64> {
    let seeds = match r.raw("seeds") {
        None => {
            r.report("seeds", "is required: a number of seeds, or a list");
            return vec![];
        }
        Some(Value::Array(_)) => r.optional::<Vec<u64>>("seeds").unwrap_or_default(),
        Some(other) => match u32::read(other) {
            Ok(n) if n <= 1_000 => (0..u64::from(n)).collect(),
            Ok(n) => {
                r.report("seeds", format!("at most 1000 seeds, not {n}"));
                return vec![];
            }
            Err(_) => {
                r.report(
                    "seeds",
                    format!(
                        "expected a number of seeds or a list, found {}",
                        describe(other)
                    ),
                );
                return vec![];
            }
        },
    };
    let mut sorted = seeds.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if seeds.is_empty() {
        r.report("seeds", "needs at least one seed");
    } else if sorted.len() < seeds.len() {
        r.report("seeds", "lists a seed twice");
    } else if seeds.iter().any(|&s| s > 1 << 53) {
        r.report("seeds", "a seed must be below 2^53");
    }
    seeds
}

fn read_budget(value: &Value, sink: &Sink) -> Budget {
    let r = Reader::new(value, "/budget", sink);
    let unit = r
        .required::<BudgetUnit>("unit")
        .unwrap_or(BudgetUnit::Flops);
    let amount = r.required::<f64>("amount").unwrap_or(1.0);
    if amount <= 0.0 {
        r.report("amount", format!("must be above 0, is {amount}"));
    }
    r.finish();
    Budget { unit, amount }
}

fn read_evaluation(value: &Value, sink: &Sink) -> EvaluationPlan {
    let r = Reader::new(value, "/evaluation", sink);
    let plan = EvaluationPlan::read(&r);
    let ascending = plan.milestones.windows(2).all(|pair| pair[0] < pair[1]);
    if !ascending || plan.milestones.last() != Some(&100) || plan.milestones.first() == Some(&0) {
        r.report(
            "milestones",
            "must be ascending percentages above 0 that end with 100",
        );
    }
    r.finish();
    plan
}

fn read_arm(value: &Value, pointer: String, sink: &Sink) -> Option<ArmSpec> {
    let r = Reader::new(value, pointer, sink);
    let id = slug(&r, "id");
    let label = if r.has("label") {
        text(&r, "label", 80)
    } else {
        r.raw("label");
        id.clone()
    };
    let policy = r.optional::<String>("policy");
    let settings_tried = r.optional::<u32>("settings_tried");
    let listed = r.array("stages");
    let stages: Vec<_> = listed
        .iter()
        .enumerate()
        .filter_map(|(i, v)| read_stage(v, format!("{}/stages/{i}", r.pointer()), false, sink))
        .collect();
    if policy.is_some() && !listed.is_empty() {
        r.report(
            "policy",
            "an arm has either stages of its own or a policy to evaluate, not both",
        );
    } else if policy.is_none() && listed.is_empty() {
        r.report(
            "stages",
            "an arm needs stages, or `policy: STAGE` to evaluate a shared stage as it is",
        );
    }
    if let Some(at) = stages.iter().position(|stage| stage.job.is_decoder())
        && stages.len() > 1
    {
        r.sink().report(
            format!("{}/stages/{at}/kind", r.pointer()),
            "a decoder stands alone in its arm: name the policy that it decodes as `init: ARM/STAGE`",
        );
    } else if let Some(last) = stages.last()
        && !last.job.is_decoder()
        && !matches!(
            last.job.product(),
            Product::Policy | Product::PolicyAndValue
        )
    {
        r.report(
            "stages",
            format!(
                "the last stage ({}) makes no policy to evaluate",
                last.job.kind()
            ),
        );
    }
    let total: f64 = stages.iter().filter_map(|stage| stage.share).sum();
    let given = stages.iter().filter(|stage| stage.share.is_some()).count();
    if given > 0 && given < stages.len() {
        r.report(
            "stages",
            "give a `share` to every stage of the arm or to none",
        );
    } else if given > 0 && (total - 1.0).abs() > 1e-9 {
        r.report("stages", format!("the shares add up to {total}, not 1"));
    }
    r.finish();
    Some(ArmSpec {
        id: id?,
        label: label?,
        policy,
        settings_tried,
        stages,
    })
}

#[cfg(test)]
mod tests {
    use crate::spec::Experiment;
    use serde_json::{Value, json};

    fn named(label: &str) -> Value {
        json!({
            "name": "A test", "question": "Does it work?", "task": { "name": "modchain" },
            "seeds": 1, "budget": { "unit": "flops", "amount": 4e11 }, "baseline": "base",
            "stages": [{ "id": "base", "kind": "pretrain", "model": {} }],
            "arms": [{ "id": "base", "label": label, "policy": "base" }],
        })
    }

    #[test]
    fn a_label_has_no_character_that_a_page_would_have_to_write_out() {
        assert!(Experiment::from_value(&named("Schr\u{f6}dinger's base, \u{5d0}")).is_ok());
        for hidden in [
            '\u{7}',
            '\u{ad}',
            '\u{61c}',
            '\u{2028}',
            '\u{202e}',
            '\u{e0041}',
        ] {
            let label = format!("base{hidden}line");
            let found = Experiment::from_value(&named(&label)).unwrap_err().0;
            let own = |v: &crate::violation::Violation| v.pointer == "/arms/0/label";
            assert!(found.iter().any(own), "{found:?}");
            // What was let in once can still be read.
            let kept: Experiment = serde_json::from_value(named(&label)).unwrap();
            assert_eq!(kept.arms[0].label, label);
        }
        let markup = serde_json::from_value::<Experiment>(named("<b>"));
        assert!(markup.is_err());
    }
}
