//! `assay token`.

use super::{Done, Stop};
use crate::auth::tokens::TokenFiles;
use crate::config::default_data;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    /// The server's data folder [default: ~/.local/share/assay; as root /var/lib/assay]
    #[arg(long, value_name = "DIR", env = "ASSAY_DATA")]
    data: Option<PathBuf>,
}

impl Token {
    pub(crate) fn run(self) -> Done {
        let data = self.data.unwrap_or_else(default_data);
        std::fs::create_dir_all(&data).map_err(|e| {
            Stop::new(format!(
                "cannot make {}: {e}; choose a folder with --data",
                data.display()
            ))
        })?;
        let files = TokenFiles::of(&data);
        files.load(&data).map_err(Stop::new)?;
        println!("admin  {}", files.admin.display());
        println!("worker {}", files.worker.display());
        Ok(())
    }
}
