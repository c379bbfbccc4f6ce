//! Experiments that come with the program: `presets/NAME.yaml` at the size of a demo,
//! and in `presets/full/` what is different at the size that results are published from
//! (a JSON merge patch, RFC 7396).

use assay_core::spec::Experiment;
use assay_core::spec::overlay::patched;

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
    /// The question it asks.
    pub fn question(&self) -> String {
        Experiment::from_text(self.text).map_or(String::new(), |e| e.question)
    }

    /// It has a size beside that of the demo.
    pub fn has_full_size(&self) -> bool {
        self.full.is_some()
    }

    /// The experiment at full size, as YAML; the file itself where it has one size.
    pub fn full_text(&self) -> String {
        match self.full {
            None => self.text.into(),
            // Files of ours, which a test reads.
            Some(patch) => patched(self.text, patch).expect("presets and their patches are YAML"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::recipe::plan;

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
