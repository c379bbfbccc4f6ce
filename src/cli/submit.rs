//! `assay submit`.

use super::client::Client;
use super::{Done, Remote, Stop, preset};
use serde::Deserialize;
use std::io::Read;
use ureq::http::Method;

#[derive(Debug, clap::Args)]
pub(crate) struct Submit {
    /// A YAML or JSON file, `-` for stdin, or preset:NAME
    #[arg(value_name = "FILE|-|preset:NAME")]
    file: String,
    /// A preset at the size that results are published from
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Deserialize)]
struct Accepted {
    id: String,
    url: String,
    runs: usize,
    stages: usize,
}

/// Beyond it the server would refuse; nobody writes that by hand.
const MAX_BYTES: u64 = 64 << 20;

impl Submit {
    pub(crate) fn run(self) -> Done {
        let body = read(&self.file, self.full)?;
        let client = Client::new(&self.remote)?;
        // Sent again after a lost answer, it is the same submission.
        let key = uuid::Uuid::now_v7().to_string();
        let headers = [
            ("content-type", "text/plain"),
            ("idempotency-key", key.as_str()),
        ];
        let sent = client.send(Method::POST, "/api/v1/experiments", &headers, &body[..])?;
        let accepted: Accepted = Client::answer(sent)?.map_err(|refusal| {
            let mut stop = refusal.stop();
            if (400..500).contains(&refusal.status) && refusal.status != 401 {
                stop.code = 2;
            }
            stop
        })?;
        println!("{}", accepted.id);
        println!("{} runs, {} stages", accepted.runs, accepted.stages);
        println!("{}", accepted.url);
        Ok(())
    }
}

fn read(file: &str, full: bool) -> Result<Vec<u8>, Stop> {
    if let Some(name) = file.strip_prefix("preset:") {
        return Ok(preset::text(name, full)?.into_bytes());
    }
    if full {
        return Err(Stop::usage(
            "--full belongs to a preset: a file has the size that it says",
        ));
    }
    let mut body = vec![];
    let done = if file == "-" {
        std::io::stdin().take(MAX_BYTES).read_to_end(&mut body)
    } else {
        std::fs::File::open(file).and_then(|f| f.take(MAX_BYTES).read_to_end(&mut body))
    };
    done.map_err(|e| {
        Stop::usage(format!(
            "cannot read {file}: {e}; give a file, - or preset:NAME (assay preset ls)"
        ))
    })?;
    Ok(body)
}
