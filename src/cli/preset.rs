//! `assay preset`.

use super::{Done, Stop};
use crate::presets::{self, ALL};
use std::io::Write;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Preset {
    /// List their names
    Ls,
    /// Print one as a file, to start one's own from
    Show { name: String },
}

impl Preset {
    pub(crate) fn run(self) -> Done {
        let text = match self {
            Self::Ls => ALL
                .iter()
                .map(|preset| format!("{}\n", preset.name))
                .collect(),
            Self::Show { name } => find(&name)?.text.to_string(),
        };
        // A closed pipe (`| head`) is no error of ours.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}

pub(crate) fn find(name: &str) -> Result<&'static presets::Preset, Stop> {
    presets::find(name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|preset| preset.name).collect();
        Stop::usage(format!(
            "no preset {name:?}; there are: {}",
            names.join(", ")
        ))
    })
}
