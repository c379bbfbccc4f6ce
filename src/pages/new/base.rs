//! What the form starts from: a preset at one of its sizes, or an earlier experiment.

use crate::presets;
use crate::problem::Problem;
use crate::state::AppState;
use assay_core::ids::ExperimentId;
use assay_core::spec::overlay;
use assay_store as store;
use serde_json::Value;

/// Where the file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Base {
    Preset { name: &'static str, size: Size },
    Experiment(ExperimentId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Demo,
    Full,
}

impl Base {
    pub fn preset(name: &str, size: Size) -> Option<Self> {
        let name = presets::find(name)?.name;
        Some(Self::Preset { name, size })
    }

    /// As the form carries it.
    pub fn parse(word: &str) -> Option<Self> {
        match word.split_once(':')? {
            ("preset", name) => Self::preset(name, Size::Demo),
            ("full", name) => Self::preset(name, Size::Full),
            ("experiment", id) => id.parse().ok().map(Self::Experiment),
            (_, _) => None,
        }
    }

    pub fn word(&self) -> String {
        match self {
            Self::Preset {
                name,
                size: Size::Demo,
            } => format!("preset:{name}"),
            Self::Preset {
                name,
                size: Size::Full,
            } => format!("full:{name}"),
            Self::Experiment(id) => format!("experiment:{id}"),
        }
    }

    pub fn said(&self) -> String {
        match self {
            Self::Preset {
                name,
                size: Size::Demo,
            } => format!("preset {name}"),
            Self::Preset {
                name,
                size: Size::Full,
            } => format!("preset {name} at full size"),
            Self::Experiment(id) => format!("experiment {id}"),
        }
    }

    /// A preset as it is written, remarks and all; an experiment with every default.
    pub async fn text(&self, state: &AppState) -> Result<String, Problem> {
        match self {
            Self::Preset { name, size } => {
                let preset = presets::find(name).ok_or_else(|| Problem::not_found("preset"))?;
                Ok(match size {
                    Size::Demo => preset.text.to_string(),
                    Size::Full => preset.full_text(),
                })
            }
            Self::Experiment(id) => {
                let view = store::get_experiment(&mut *state.conn().await?, *id).await?;
                let file = serde_json::to_value(&view.spec).map_err(Problem::internal)?;
                overlay::write(&file).map_err(Problem::internal)
            }
        }
    }

    pub async fn file(&self, state: &AppState) -> Result<Value, Problem> {
        overlay::read(&self.text(state).await?).map_err(Problem::internal)
    }
}
