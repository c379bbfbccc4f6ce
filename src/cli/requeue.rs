//! `assay requeue`.

use super::client::{Client, remote_of, run_id};
use super::{Done, Remote};
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub(crate) struct Requeue {
    /// The run's id or address
    #[arg(value_name = "RUN|URL")]
    run: String,
    /// Why; needed unless its worker has fallen silent
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    /// Take it away from a healthy worker too
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    remote: Remote,
}

impl Requeue {
    pub(crate) fn run(self) -> Done {
        let id = run_id(&self.run)?;
        let client = Client::new(&remote_of(&self.run, &self.remote))?;
        let path = format!("/api/v1/runs/{id}/requeue");
        let body = json!({ "reason": self.reason, "force": self.force });
        let answer: Value = client
            .post(&path, &body)?
            .map_err(|refusal| refusal.stop())?;
        for stage in answer["requeued"].as_array().into_iter().flatten() {
            let text = |key: &str| stage[key].as_str().unwrap_or_default().to_string();
            let from = match stage["from_step"].as_i64().unwrap_or(0) {
                0 => "its start".into(),
                step => format!("step {step}"),
            };
            println!(
                "{}: queued again, from {from}; {}",
                text("name"),
                text("discards")
            );
        }
        Ok(())
    }
}
