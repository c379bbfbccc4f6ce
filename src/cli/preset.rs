//! `assay preset`.

use super::{Done, Stop};
use crate::presets::{self, ALL};
use std::io::Write;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Preset {
    /// List them with their questions
    Ls,
    /// Print one as a file, to start one's own from
    Show {
        name: String,
        /// At the size that results are published from
        #[arg(long)]
        full: bool,
    },
}

impl Preset {
    pub(crate) fn run(self) -> Done {
        let text = match self {
            Self::Ls => ALL
                .iter()
                .map(|preset| format!("{:<16} {}\n", preset.name, preset.question()))
                .collect(),
            Self::Show { name, full } => text(&name, full)?,
        };
        // A closed pipe (`| head`) is no error of ours.
        let _ = std::io::stdout().write_all(text.as_bytes());
        Ok(())
    }
}

/// The experiment file of a preset.
pub(crate) fn text(name: &str, full: bool) -> Result<String, Stop> {
    let preset = find(name)?;
    Ok(if full {
        preset.full_text()
    } else {
        preset.text.to_string()
    })
}

fn find(name: &str) -> Result<&'static presets::Preset, Stop> {
    presets::find(name).ok_or_else(|| {
        let names: Vec<_> = ALL.iter().map(|preset| preset.name).collect();
        Stop::usage(format!(
            "no preset {name:?}; there are: {}",
            names.join(", ")
        ))
    })
}
