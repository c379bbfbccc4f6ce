//! `assay amend`.

use super::client::{Client, experiment_id, remote_of};
use super::{Done, Remote};
use crate::number;
use assay_core::amendment::Amendment;
use assay_store::VersionView;

#[derive(Debug, clap::Args)]
pub(crate) struct Amend {
    /// The experiment's id or address
    #[arg(value_name = "ID|URL")]
    experiment: String,
    /// The hypothesis, said anew
    #[arg(long, value_name = "TEXT")]
    hypothesis: Option<String>,
    /// The question, said anew
    #[arg(long, value_name = "TEXT")]
    question: Option<String>,
    /// What else is to be known
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    note: String,
    /// Why; printed with the new version
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    remote: Remote,
}

impl Amend {
    pub(crate) fn run(self) -> Done {
        let id = experiment_id(&self.experiment)?;
        let client = Client::new(&remote_of(&self.experiment, &self.remote))?;
        let amendment = Amendment {
            question: self.question,
            hypothesis: self.hypothesis,
            note: self.note,
            reason: self.reason,
        };
        let path = format!("/api/v1/experiments/{id}/amendments");
        let version: VersionView = client
            .post(&path, &amendment)?
            .map_err(|refusal| refusal.stop())?;
        println!(
            "version {}, amended after {}; version 1 stays as it was registered",
            version.version,
            number::counted(version.results_before, "result")
        );
        println!("{}/experiments/{id}", client.server);
        Ok(())
    }
}
