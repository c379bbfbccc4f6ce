//! The fields of the form: filled from an experiment file, read from what a browser sends,
//! and laid over the file again. What is wrong with a value is for the file's own reader
//! to say, so that the form and `assay submit` have the same rules.

use super::recipe::{self, RecipeField};
use super::values::{amount, number_or_text, read_seeds, seeds, text_or_nothing};
use assay_core::spec::overlay;
use serde_json::{Map, Value, json};

/// Everything that the form asks, as text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields {
    pub name: String,
    pub question: String,
    pub hypothesis: String,
    pub seeds: String,
    pub amount: String,
    pub unit: String,
    pub metric: String,
    pub baseline: String,
    pub margin: String,
    pub min_gain: String,
    pub arms: Vec<ArmField>,
    pub attempts: Vec<AttemptField>,
    pub recipe: Vec<RecipeField>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ArmField {
    pub id: String,
    pub label: String,
    pub ticked: bool,
}

/// An attempt that the comparison must not leave out without a word.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AttemptField {
    pub role: String,
    /// The arm that stands for it; `None` where the file says that it is not run.
    pub arm: Option<String>,
    pub reason: String,
    /// The file registers none: an empty reason leaves it so.
    pub offered: bool,
}

/// Asked for where the file registers no attempt, for without one there is no verdict.
const OFFERED: [&str; 2] = ["prm", "mcts"];

fn attempts(file: &Value) -> Vec<AttemptField> {
    let registered = file["required_attempts"].as_object();
    match registered.filter(|map| !map.is_empty()) {
        Some(map) => map
            .iter()
            .map(|(role, value)| AttemptField {
                role: role.clone(),
                arm: value.as_str().map(String::from),
                reason: value["not_run"].as_str().unwrap_or_default().into(),
                offered: false,
            })
            .collect(),
        None => OFFERED
            .map(|role| AttemptField {
                role: role.into(),
                arm: None,
                reason: String::new(),
                offered: true,
            })
            .into(),
    }
}

/// What a browser sends.
pub(super) type Pairs = [(String, String)];

impl Fields {
    pub fn of(file: &Value) -> Self {
        let text = |value: &Value| match value {
            Value::String(s) => s.clone(),
            Value::Number(n) => amount(n),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
        };
        let list = |key: &str| file[key].as_array().cloned().unwrap_or_default();
        Self {
            name: text(&file["name"]),
            question: text(&file["question"]),
            hypothesis: text(&file["hypothesis"]),
            seeds: seeds(&file["seeds"]),
            amount: text(&file["budget"]["amount"]),
            unit: text(&file["budget"]["unit"]),
            metric: text(&file["metric"]),
            baseline: text(&file["baseline"]),
            margin: text(&file["margin"]),
            min_gain: text(&file["min_gain"]),
            arms: list("arms")
                .iter()
                .map(|arm| {
                    let id = text(&arm["id"]);
                    let label = arm["label"].as_str().map_or(id.clone(), String::from);
                    ArmField {
                        id,
                        label,
                        ticked: true,
                    }
                })
                .collect(),
            attempts: attempts(file),
            recipe: recipe::recipe(file),
        }
    }

    /// What was sent, in the frame of the file: an arm that is not in it cannot be ticked.
    pub fn read(file: &Value, sent: &Pairs) -> Self {
        let mut of = Self::of(file);
        let value = |key: &str| {
            let found = sent.iter().rfind(|(k, _)| k == key);
            // A browser ends lines with CR LF.
            found.map(|(_, v)| v.replace("\r\n", "\n"))
        };
        for (key, field) in [
            ("name", &mut of.name),
            ("question", &mut of.question),
            ("hypothesis", &mut of.hypothesis),
            ("seeds", &mut of.seeds),
            ("amount", &mut of.amount),
            ("unit", &mut of.unit),
            ("metric", &mut of.metric),
            ("baseline", &mut of.baseline),
            ("margin", &mut of.margin),
            ("min_gain", &mut of.min_gain),
        ] {
            if let Some(text) = value(key) {
                *field = text;
            }
        }
        for arm in &mut of.arms {
            arm.ticked = sent.iter().any(|(k, v)| k == "arm" && *v == arm.id);
        }
        for attempt in &mut of.attempts {
            if let Some(text) = value(&format!("reason-{}", attempt.role)) {
                attempt.reason = text;
            }
        }
        for field in &mut of.recipe {
            if let Some(text) = value(&field.id()) {
                field.value = text;
            }
        }
        of
    }

    /// Whether the attempt's arm is in the experiment.
    pub fn is_run(&self, attempt: &AttemptField) -> bool {
        let ticked = |id: &String| self.arms.iter().any(|a| a.id == *id && a.ticked);
        attempt.arm.as_ref().is_some_and(ticked)
    }

    /// The file with these answers.
    pub fn lay_over(&self, file: &Value) -> Value {
        let mut file = file.clone();
        recipe::lay_over(&self.recipe, &mut file);
        let Some(map) = file.as_object_mut() else {
            return file;
        };
        let mut set = |key: &str, value: Value| {
            if value.is_null() {
                map.remove(key);
            } else {
                map.insert(key.into(), value);
            }
        };
        set("name", json!(self.name));
        set("question", json!(self.question));
        set("hypothesis", text_or_nothing(&self.hypothesis));
        set("seeds", read_seeds(&self.seeds));
        set("metric", text_or_nothing(&self.metric));
        set("baseline", json!(self.baseline));
        set("margin", number_or_text(&self.margin));
        set("min_gain", number_or_text(&self.min_gain));
        set(
            "budget",
            json!({ "unit": self.unit, "amount": number_or_text(&self.amount) }),
        );
        let attempts: Map<String, Value> = self
            .attempts
            .iter()
            .filter(|attempt| !attempt.offered || !attempt.reason.trim().is_empty())
            .map(|attempt| {
                let value = match &attempt.arm {
                    Some(arm) if self.is_run(attempt) => json!(arm),
                    Some(_) | None => json!({ "not_run": attempt.reason.trim() }),
                };
                (attempt.role.clone(), value)
            })
            .collect();
        if !attempts.is_empty() {
            set("required_attempts", Value::Object(attempts));
        }
        let left_out = |id: &str| self.arms.iter().any(|a| a.id == id && !a.ticked);
        overlay::keep_arms(&mut file, |id| !left_out(id));
        file
    }

    /// The field beside which a violation of the laid-over file is shown, and the word for
    /// it in the summary. `None`: something that the form does not ask.
    pub fn place(&self, pointer: &str) -> Option<String> {
        let mut parts = pointer.split('/').skip(1);
        let place = match (parts.next()?, parts.next()) {
            (
                key @ ("name" | "question" | "hypothesis" | "seeds" | "metric" | "baseline"
                | "margin" | "min_gain"),
                _,
            ) => key.into(),
            ("budget", Some("unit")) => "unit".into(),
            ("budget", _) => "amount".into(),
            ("required_attempts", Some(role)) => format!("reason-{role}"),
            ("arms", None) => "arms".into(),
            ("arms", Some(index)) => {
                let kept = self.arms.iter().filter(|arm| arm.ticked);
                let arm = kept.into_iter().nth(index.parse().ok()?)?;
                let rest: Vec<&str> = parts.collect();
                let parameter = match rest[..] {
                    ["stages", at, key] => self.parameter(Some(&arm.id), at, key),
                    _ => None,
                };
                parameter.unwrap_or_else(|| format!("arm-{}", arm.id))
            }
            ("stages", Some(at)) => return self.parameter(None, at, parts.next()?),
            (_, _) => return None,
        };
        Some(place)
    }

    /// The field of a stage's parameter, where the form asks for it.
    fn parameter(&self, arm: Option<&str>, at: &str, key: &str) -> Option<String> {
        let at: usize = at.parse().ok()?;
        let is_it = |f: &&RecipeField| f.arm.as_deref() == arm && f.at == at && f.key == key;
        self.recipe.iter().find(is_it).map(RecipeField::id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;
    use assay_core::spec::Experiment;

    fn preset(name: &str) -> Value {
        overlay::read(presets::find(name).unwrap().text).unwrap()
    }

    fn pairs(fields: &Fields, change: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut sent: Vec<(String, String)> = [
            ("name", &fields.name),
            ("question", &fields.question),
            ("hypothesis", &fields.hypothesis),
            ("seeds", &fields.seeds),
            ("amount", &fields.amount),
            ("unit", &fields.unit),
            ("metric", &fields.metric),
            ("baseline", &fields.baseline),
            ("margin", &fields.margin),
            ("min_gain", &fields.min_gain),
        ]
        .map(|(k, v)| (k.to_string(), v.clone()))
        .to_vec();
        for arm in &fields.arms {
            sent.push(("arm".into(), arm.id.clone()));
        }
        for (key, value) in change {
            sent.push((key.to_string(), value.to_string()));
        }
        sent
    }

    #[test]
    fn an_untouched_form_is_the_preset_itself() {
        for preset in presets::ALL {
            let file = overlay::read(preset.text).unwrap();
            let fields = Fields::of(&file);
            let again = Fields::read(&file, &pairs(&fields, &[]));
            assert_eq!(fields, again, "{}", preset.name);
            let laid = Experiment::from_value(&again.lay_over(&file)).unwrap();
            assert_eq!(
                laid,
                Experiment::from_text(preset.text).unwrap(),
                "{}",
                preset.name
            );
        }
    }

    #[test]
    fn a_resolved_experiment_makes_a_form_that_submits_the_same() {
        let spec = Experiment::from_text(presets::find("r1-miniature").unwrap().text).unwrap();
        let file = serde_json::to_value(&spec).unwrap();
        let fields = Fields::of(&file);
        assert_eq!(fields.seeds, "3");
        let laid = Fields::read(&file, &pairs(&fields, &[])).lay_over(&file);
        assert_eq!(Experiment::from_value(&laid).unwrap(), spec);
    }

    #[test]
    fn an_unticked_required_attempt_needs_a_reason_which_then_stands_in_the_file() {
        let file = preset("r1-miniature");
        let fields = Fields::of(&file);
        let without = |reason: &str| {
            let mut sent = pairs(&fields, &[("reason-mcts", reason)]);
            sent.retain(|(k, v)| !(k == "arm" && v == "mcts-selftrain"));
            Fields::read(&file, &sent)
        };
        let wrong = Experiment::from_value(&without("  ").lay_over(&file)).unwrap_err();
        assert_eq!(wrong.0.len(), 1, "{wrong}");
        assert_eq!(
            without("").place(&wrong.0[0].pointer).as_deref(),
            Some("reason-mcts")
        );
        let laid = without("No time for it.").lay_over(&file);
        let experiment = Experiment::from_value(&laid).unwrap();
        assert_eq!(
            laid["required_attempts"]["mcts"]["not_run"],
            "No time for it."
        );
        assert!(experiment.arm("mcts-selftrain").is_none());
        assert!(
            !experiment
                .contrasts
                .iter()
                .any(|c| c.arm == "mcts-selftrain")
        );
    }

    #[test]
    fn a_file_without_attempts_is_offered_them_and_keeps_what_is_answered() {
        let mut file = preset("r1-miniature");
        file.as_object_mut().unwrap().remove("required_attempts");
        let fields = Fields::of(&file);
        let roles: Vec<&str> = fields.attempts.iter().map(|a| a.role.as_str()).collect();
        assert_eq!(roles, ["prm", "mcts"]);
        let laid =
            |change: &[(&str, &str)]| Fields::read(&file, &pairs(&fields, change)).lay_over(&file);
        assert!(laid(&[("reason-prm", "  ")])["required_attempts"].is_null());
        let answered = laid(&[("reason-mcts", "No time for it.")]);
        assert_eq!(
            answered["required_attempts"],
            json!({ "mcts": { "not_run": "No time for it." } })
        );
        // What stands in a file is not withdrawn by an empty answer.
        let registered = preset("quick");
        let of = Fields::of(&registered);
        let emptied = Fields::read(&registered, &pairs(&of, &[("reason-prm", "")]));
        assert!(Experiment::from_value(&emptied.lay_over(&registered)).is_err());
    }

    #[test]
    fn every_mistake_has_its_place_beside_a_field() {
        let file = preset("r1-miniature");
        let fields = Fields::of(&file);
        let mut sent = pairs(
            &fields,
            &[
                ("name", ""),
                ("question", "<b>"),
                ("seeds", "three"),
                ("amount", "-1"),
                ("unit", "joules"),
                ("margin", "wide"),
                ("baseline", "nobody"),
            ],
        );
        // The teacher of an arm that stays.
        sent.retain(|(k, v)| !(k == "arm" && v == "r1-zero"));
        let of = Fields::read(&file, &sent);
        let wrong = Experiment::from_value(&of.lay_over(&file)).unwrap_err();
        let places: Vec<Option<String>> = wrong.0.iter().map(|v| of.place(&v.pointer)).collect();
        for place in [
            "name", "question", "seeds", "amount", "unit", "margin", "baseline",
        ] {
            assert!(places.contains(&Some(place.into())), "{place}: {wrong}");
        }
        assert!(!places.contains(&None), "{wrong}");
        let mut sent = pairs(&fields, &[]);
        sent.retain(|(k, v)| !(k == "arm" && v == "r1-zero"));
        let of = Fields::read(&file, &sent);
        let wrong = Experiment::from_value(&of.lay_over(&file)).unwrap_err();
        let places: Vec<Option<String>> = wrong.0.iter().map(|v| of.place(&v.pointer)).collect();
        assert!(places.contains(&Some("arm-distill".into())), "{wrong}");
    }
}
