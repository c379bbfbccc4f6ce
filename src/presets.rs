//! Experiments that come with the program: `presets/NAME.yaml` at the size of a demo,
//! and in `presets/full/` what is different at the size that results are published from
//! (a JSON merge patch, RFC 7396).

use serde_json::Value;

#[derive(Debug, Clone, Copy)]
pub struct Preset {
    pub name: &'static str,
    /// An experiment file.
    pub text: &'static str,
    /// The patch that makes it the full size, where there is one.
    full: Option<&'static str>,
}

macro_rules! presets {
    ($($name:literal $(+ $full:literal)?,)*) => {
        [$(Preset {
            name: $name,
            text: include_str!(concat!("../presets/", $name, ".yaml")),
            full: presets!(@full $($full)?),
        },)*]
    };
    (@full) => { None };
    (@full $path:literal) => { Some(include_str!(concat!("../presets/full/", $path, ".yaml"))) };
}

pub const ALL: [Preset; 9] = presets![
    "r1-miniature" + "r1-miniature",
    "table6" + "table6",
    "prm-hacking" + "prm-hacking",
    "mcts-blowup" + "mcts-blowup",
    "grpo-ablations" + "grpo-ablations",
    "language-mixing" + "language-mixing",
    "r1-zero-paper",
    "quick",
    "modchain-10m",
];

pub fn find(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// The first line of the question it asks.
    pub fn question(&self) -> String {
        let value = value(self.text);
        value["question"].as_str().unwrap_or_default().trim().into()
    }

    /// The whole experiment at full size, as YAML; the file itself where it has one size.
    pub fn full_text(&self) -> String {
        let Some(patch) = self.full else {
            return self.text.into();
        };
        let mut experiment = value(self.text);
        merge(&mut experiment, &value(patch));
        serde_saphyr::to_string(&experiment).expect("an experiment has only string keys")
    }
}

/// Files of ours, which a test reads.
fn value(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("a preset is YAML")
}

/// RFC 7396: objects are merged, `null` removes, everything else replaces.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (key, change) in changes {
            if change.is_null() {
                target.remove(key);
            } else {
                merge(target.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::recipe::plan;
    use assay_core::spec::Experiment;

    fn read(text: &str) -> Experiment {
        Experiment::from_text(text).unwrap_or_else(|v| panic!("{v}"))
    }

    #[test]
    fn every_preset_is_an_experiment_with_work_to_do() {
        for preset in ALL {
            for text in [preset.text.to_string(), preset.full_text()] {
                let experiment = read(&text);
                let plan = plan(&experiment, "");
                assert_eq!(
                    plan.runs.len(),
                    experiment.arms.len() * experiment.seeds.len(),
                    "{}",
                    preset.name
                );
            }
        }
    }

    #[test]
    fn every_preset_asks_a_question_and_says_what_it_expects() {
        for preset in ALL.iter().filter(|p| p.name != "modchain-10m") {
            assert!(preset.question().ends_with('?'), "{}", preset.name);
            assert!(read(preset.text).hypothesis.is_some(), "{}", preset.name);
        }
    }

    #[test]
    fn the_full_size_differs_where_its_patch_says_so() {
        let preset = find("r1-miniature").expect("it is listed");
        let (demo, full) = (read(preset.text), read(&preset.full_text()));
        assert!(full.seeds.len() > demo.seeds.len());
        assert!(full.evaluation.problems > demo.evaluation.problems);
        assert_eq!(full.arms.len(), demo.arms.len());
    }

    #[test]
    fn the_quick_preset_computes_one_base_for_all_its_runs() {
        let quick = find("quick").expect("it is listed");
        let plan = plan(&read(quick.text), "");
        let bases = plan
            .stages
            .iter()
            .filter(|s| s.spec.job.kind() == "pretrain")
            .count();
        assert_eq!((plan.runs.len(), bases), (9, 1));
    }
}
