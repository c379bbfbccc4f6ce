//! `assay price`.

use super::client::Client;
use super::{Done, Remote};
use serde::Deserialize;
use serde_json::json;
use std::io::Write;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Price {
    /// List them; without any, nothing is shown in dollars
    Ls {
        #[command(flatten)]
        remote: Remote,
    },
    /// Enter what an hour of a device costs from a day on
    Add {
        /// `cpu`, `cuda`, or the device's name as `assay`'s queue page has it
        device: String,
        /// Dollars an hour; of a CPU, for each core
        dollars_per_hour: f64,
        /// A day (2026-01-31) or an RFC 3339 time [default: now]
        #[arg(long, default_value = "", hide_default_value = true)]
        from: String,
        /// Where the price stands: a contract, a price list
        #[arg(long)]
        source: String,
        #[command(flatten)]
        remote: Remote,
    },
}

#[derive(Deserialize)]
struct Prices {
    prices: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    device: String,
    dollars_per_hour: f64,
    valid_from: String,
    source: String,
}

impl Price {
    pub(crate) fn run(self) -> Done {
        match self {
            Self::Ls { remote } => {
                let all: Prices = Client::new(&remote)?.get("/api/v1/prices")?;
                let mut text = String::new();
                for row in all.prices {
                    text += &format!(
                        "{:<16} {:>10} $/h  from {}  {}\n",
                        row.device, row.dollars_per_hour, row.valid_from, row.source
                    );
                }
                if text.is_empty() {
                    text = "No prices: nothing is shown in dollars. Enter one with `assay price add`.\n".into();
                }
                // A closed pipe is no error of ours.
                let _ = std::io::stdout().write_all(text.as_bytes());
                Ok(())
            }
            Self::Add {
                device,
                dollars_per_hour,
                from,
                source,
                remote,
            } => {
                let entry = json!({
                    "device": device,
                    "dollars_per_hour": dollars_per_hour,
                    "valid_from": from,
                    "source": source,
                });
                let answer =
                    Client::new(&remote)?.post::<serde_json::Value>("/api/v1/prices", &entry)?;
                answer.map(|_| ()).map_err(|refusal| refusal.stop())
            }
        }
    }
}
