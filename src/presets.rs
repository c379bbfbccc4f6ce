//! Experiments that come with the program; their files are in `presets/`.

#[derive(Debug, Clone, Copy)]
pub struct Preset {
    pub name: &'static str,
    pub text: &'static str,
}

pub const ALL: [Preset; 2] = [
    Preset {
        name: "quick",
        text: include_str!("../presets/quick.yaml"),
    },
    Preset {
        name: "modchain-10m",
        text: include_str!("../presets/modchain-10m.yaml"),
    },
];

pub fn find(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::recipe::plan;
    use assay_core::spec::Experiment;

    #[test]
    fn every_preset_is_an_experiment_with_work_to_do() {
        for preset in ALL {
            let experiment = Experiment::from_text(preset.text).unwrap_or_else(|v| panic!("{v}"));
            let plan = plan(&experiment, "");
            assert_eq!(
                plan.runs.len(),
                experiment.arms.len() * experiment.seeds.len()
            );
        }
    }

    #[test]
    fn the_quick_preset_computes_one_base_for_all_its_runs() {
        let quick = find("quick").expect("it is listed");
        let plan = plan(
            &Experiment::from_text(quick.text).unwrap_or_else(|v| panic!("{v}")),
            "",
        );
        let bases = plan
            .stages
            .iter()
            .filter(|s| s.spec.job.kind() == "pretrain")
            .count();
        assert_eq!((plan.runs.len(), bases), (9, 1));
    }
}
