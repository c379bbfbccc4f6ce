//! The parameters of the recipes that the form asks for, stage by stage. Which of them a kind
//! of stage has, and what it is where the file is silent, the resolved experiment says.

use super::values::{amount, number_or_text};
use assay_core::spec::Experiment;
use serde_json::Value;

/// Keys of a stage, and how a person calls them.
pub(super) const ASKED: [(&str, &str); 3] = [
    ("learning_rate", "Learning rate"),
    ("num_generations", "Group size"),
    ("max_completion_length", "Longest completion, tokens"),
];

/// One parameter of one stage.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecipeField {
    /// `None`: a stage that arms share.
    pub arm: Option<String>,
    pub stage: String,
    /// The stage's index in its list.
    pub at: usize,
    pub key: &'static str,
    pub value: String,
    /// As the file or its default has it: what is left like this is not written.
    given: String,
}

impl RecipeField {
    /// Its name in the form. Ids have no dots.
    pub fn id(&self) -> String {
        let arm = self.arm.as_deref().unwrap_or("");
        format!("p.{arm}.{}.{}", self.stage, self.key)
    }

    pub fn is_changed(&self) -> bool {
        self.value.trim() != self.given
    }
}

/// Nothing of a file that is no experiment.
pub(super) fn recipe(file: &Value) -> Vec<RecipeField> {
    let whole = Experiment::from_value(file).ok();
    let whole = whole.and_then(|e| serde_json::to_value(e).ok());
    let Some(whole) = whole else {
        return vec![];
    };
    let mut all = of_stages(None, &whole["stages"]);
    for arm in whole["arms"].as_array().into_iter().flatten() {
        all.extend(of_stages(arm["id"].as_str(), &arm["stages"]));
    }
    all
}

fn of_stages(arm: Option<&str>, stages: &Value) -> Vec<RecipeField> {
    let mut all = vec![];
    let stages = stages.as_array().into_iter().flatten();
    for (at, stage) in stages.enumerate() {
        for (key, _) in ASKED {
            let Value::Number(number) = &stage[key] else {
                continue;
            };
            let given = amount(number);
            all.push(RecipeField {
                arm: arm.map(String::from),
                stage: stage["id"].as_str().unwrap_or("").into(),
                at,
                key,
                value: given.clone(),
                given,
            });
        }
    }
    all
}

/// The file with what was changed; an emptied field goes back to the default.
pub(super) fn lay_over(fields: &[RecipeField], file: &mut Value) {
    for field in fields.iter().filter(|f| f.is_changed()) {
        let home = match &field.arm {
            None => Some(&mut *file),
            Some(arm) => named(file, "arms", arm),
        };
        let stage = home.and_then(|home| named(home, "stages", &field.stage));
        let Some(stage) = stage.and_then(Value::as_object_mut) else {
            continue;
        };
        match number_or_text(&field.value) {
            Value::Null => {
                stage.remove(field.key);
            }
            value => {
                stage.insert(field.key.into(), value);
            }
        }
    }
}

/// The member of a list that has this id.
fn named<'a>(of: &'a mut Value, list: &str, id: &str) -> Option<&'a mut Value> {
    let members = of.get_mut(list)?.as_array_mut()?;
    members.iter_mut().find(|m| m["id"].as_str() == Some(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;
    use assay_core::spec::overlay;

    fn quick() -> Value {
        overlay::read(presets::find("quick").unwrap().text).unwrap()
    }

    fn set(fields: &mut [RecipeField], id: &str, value: &str) {
        let found = fields.iter_mut().find(|f| f.id() == id);
        found.unwrap_or_else(|| panic!("{id}")).value = value.into();
    }

    #[test]
    fn a_kind_is_asked_for_what_it_has_and_defaults_are_shown() {
        let fields = recipe(&quick());
        let value = |id: &str| {
            let found = fields.iter().find(|f| f.id() == id);
            found.map(|f| f.value.clone())
        };
        assert!(value("p.grpo.grpo.learning_rate").is_some());
        assert!(value("p.grpo.grpo.num_generations").is_some());
        assert!(value("p..base.learning_rate").is_some());
        // Supervised training has no groups.
        assert!(value("p.sft.sft.learning_rate").is_some());
        assert_eq!(value("p.sft.sft.num_generations"), None);
        assert!(recipe(&serde_json::json!({ "arms": 5 })).is_empty());
    }

    #[test]
    fn only_what_was_changed_is_written_and_an_emptied_field_is_the_default_again() {
        let file = quick();
        let mut fields = recipe(&file);
        let mut laid = file.clone();
        lay_over(&fields, &mut laid);
        assert_eq!(laid, file);
        set(&mut fields, "p.grpo.grpo.learning_rate", "1e-3");
        set(&mut fields, "p.grpo.grpo.num_generations", "");
        set(&mut fields, "p..base.learning_rate", "fast");
        lay_over(&fields, &mut laid);
        let arms = laid["arms"].as_array().unwrap();
        let grpo = arms.iter().find(|a| a["id"] == "grpo").unwrap();
        assert_eq!(grpo["stages"][0]["learning_rate"], 1e-3);
        assert!(grpo["stages"][0].get("num_generations").is_none());
        assert_eq!(laid["stages"][0]["learning_rate"], "fast");
    }
}
