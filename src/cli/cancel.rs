//! `assay cancel`.

use super::client::{Client, experiment_id, remote_of};
use super::{Done, Remote};
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub(crate) struct Cancel {
    /// The experiment's id or address
    #[arg(value_name = "ID|URL")]
    experiment: String,
    #[command(flatten)]
    remote: Remote,
}

impl Cancel {
    pub(crate) fn run(self) -> Done {
        let id = experiment_id(&self.experiment)?;
        let client = Client::new(&remote_of(&self.experiment, &self.remote))?;
        let path = format!("/api/v1/experiments/{id}/cancel");
        let answer: Value = client
            .post(&path, &json!({}))?
            .map_err(|refusal| refusal.stop())?;
        match answer["cancelled_stages"].as_u64().unwrap_or(0) {
            0 => println!("nothing was left to cancel"),
            1 => println!("cancelled 1 stage"),
            n => println!("cancelled {n} stages"),
        }
        Ok(())
    }
}
