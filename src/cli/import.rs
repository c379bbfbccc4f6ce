//! `assay import DIR`: replays what `assay-worker train` has written through the
//! worker protocol, as attempt 1 of each stage.

use super::client::Client;
use super::{Done, Remote, Stop};
use crate::api::imports::{ImportAnswer, ImportClaim, ImportRequest};
use crate::auth::tokens;
use crate::config::{MAX_RECORDS_BYTES, default_data};
use assay_core::ids::WorkerId;
use assay_core::spec::StageSpec;
use assay_core::wire::{
    FinishRequest, HEARTBEAT_SECONDS, HeartbeatRequest, Level, Outcome, Record, RecordAnswer,
    RecordBatch,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use ureq::http::Method;

/// Lines of a batch together stay far below the server's limit.
const BATCH_BYTES: usize = MAX_RECORDS_BYTES / 4;

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// A folder written by `assay-worker train … --out DIR`
    dir: PathBuf,
    #[command(flatten)]
    remote: Remote,
}

/// One folder below `stages/`.
struct StageFolder {
    path: PathBuf,
    name: String,
    hash: String,
}

impl Import {
    pub(crate) fn run(self) -> Done {
        let experiment: Value = read_json(&self.dir.join("experiment.json"))?;
        let folders = folders(&self.dir)?;
        let client = Client::new(&with_worker_token(&self.remote))?;
        let request = ImportRequest {
            experiment,
            stages: folders.iter().map(|folder| folder.hash.clone()).collect(),
            worker: self.dir.file_name().map_or_else(
                || self.dir.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
        };
        let answer: ImportAnswer = client
            .post("/api/v1/imports", &request)?
            .map_err(|refusal| refusal.stop())?;
        let ended = AtomicBool::new(false);
        let replayed = std::thread::scope(|scope| {
            scope.spawn(|| keep_leases(&client, &answer, &ended));
            let replayed = replay_all(&client, &answer, &folders);
            ended.store(true, Ordering::Relaxed);
            replayed
        });
        replayed?;
        println!("{}", answer.experiment);
        println!("{}", answer.url);
        Ok(())
    }
}

/// The replay speaks the worker protocol, which needs a token even on loopback;
/// on the server's own machine that token lies in its data folder.
fn with_worker_token(remote: &Remote) -> Remote {
    let mut remote = remote.clone();
    let given = ["ASSAY_TOKEN_FILE", "ASSAY_TOKEN"]
        .iter()
        .any(|v| std::env::var_os(v).is_some());
    if remote.token_file.is_none() && !given {
        let data = std::env::var_os("ASSAY_DATA").map_or_else(default_data, PathBuf::from);
        let file = data.join("admin.token");
        remote.token_file = tokens::read(&file).is_ok().then_some(file);
    }
    remote
}

fn replay_all(client: &Client, answer: &ImportAnswer, folders: &[StageFolder]) -> Done {
    for folder in folders {
        match answer.claims.iter().find(|claim| claim.hash == folder.hash) {
            None => println!("{}: known already", folder.name),
            Some(claim) => {
                let records = replay(client, answer.worker, claim, &folder.path)?;
                println!("{}: {records} records", folder.name);
            }
        }
    }
    Ok(())
}

fn folders(dir: &Path) -> Result<Vec<StageFolder>, Stop> {
    let stages = dir.join("stages");
    let wrong = |e: std::io::Error| {
        Stop::usage(format!(
            "cannot read {}: {e}; give the folder that `assay-worker train … --out DIR` wrote",
            stages.display()
        ))
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&stages)
        .map_err(wrong)?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.retain(|path| path.is_dir());
    paths.sort();
    if paths.is_empty() {
        return Err(Stop::usage(format!("{} holds no stages", stages.display())));
    }
    paths
        .into_iter()
        .map(|path| {
            let spec: StageSpec = read_json(&path.join("spec.json"))?;
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Ok(StageFolder {
                path,
                name,
                hash: spec.hash(),
            })
        })
        .collect()
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Stop> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Stop::usage(format!("cannot read {}: {e}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|e| Stop::usage(format!("{} is not what it should be: {e}", path.display())))
}

/// Files first, then what refers to them, then the outcome.
fn replay(
    client: &Client,
    worker: WorkerId,
    claim: &ImportClaim,
    folder: &Path,
) -> Result<u64, Stop> {
    // A stage that was cut off has no outcome and is not imported as finished.
    let outcome: Outcome = read_json(&folder.join("outcome.json"))?;
    upload_all(client, &folder.join("artifacts"))?;
    let path = folder.join("records.jsonl");
    let unreadable =
        |e: std::io::Error| Stop::usage(format!("cannot read {}: {e}", path.display()));
    let lines = BufReader::new(std::fs::File::open(&path).map_err(unreadable)?).lines();
    let base = format!("/worker/v1/attempts/{}/{}", claim.stage, claim.attempt);
    let mut batch = RecordBatch {
        worker,
        first_seq: 1,
        records: vec![],
    };
    let mut bytes = 0;
    for (number, line) in lines.enumerate() {
        let line = line.map_err(unreadable)?;
        if line.trim().is_empty() {
            continue;
        }
        let record: Record = serde_json::from_str(&line)
            .map_err(|e| Stop::usage(format!("{} line {}: {e}", path.display(), number + 1)))?;
        if bytes + line.len() > BATCH_BYTES && !batch.records.is_empty() {
            send(client, &base, &mut batch)?;
            bytes = 0;
        }
        bytes += line.len();
        batch.records.push(present(record, folder));
    }
    if !batch.records.is_empty() {
        send(client, &base, &mut batch)?;
    }
    let last_seq = batch.first_seq - 1;
    let finish = FinishRequest {
        worker,
        last_seq,
        outcome,
    };
    let body = serde_json::to_string(&finish).map_err(Stop::new)?;
    let headers = [("content-type", "application/json")];
    let sent = client.send(Method::POST, &format!("{base}/finish"), &headers, body)?;
    check(sent)?;
    Ok(last_seq)
}

/// A file that did not travel with the folder (large checkpoints often stay where they
/// were made) is named in the stage's events instead of being referred to.
fn present(record: Record, folder: &Path) -> Record {
    match record {
        Record::Artifact {
            role,
            step,
            sha256,
            bytes,
        } if !folder.join("artifacts").join(&sha256).exists() => {
            let text = format!(
                "{role} of step {step} ({bytes} bytes, sha256 {sha256}) was not in the imported folder"
            );
            println!("  {text}");
            Record::Event {
                step,
                level: Level::Info,
                text,
            }
        }
        other => other,
    }
}

fn send(client: &Client, base: &str, batch: &mut RecordBatch) -> Done {
    let answer: RecordAnswer = client
        .post(&format!("{base}/records"), batch)?
        .map_err(|refusal| refusal.stop())?;
    batch.first_seq = answer.last_seq + 1;
    batch.records.clear();
    Ok(())
}

fn upload_all(client: &Client, folder: &Path) -> Done {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.parse::<crate::artifacts::Name>().is_err() {
            // A file that was still being written.
            continue;
        }
        let path = format!("/worker/v1/artifacts/{name}");
        if client
            .send(Method::HEAD, &path, &[], ())?
            .status()
            .is_success()
        {
            continue;
        }
        let unreadable =
            |e: std::io::Error| Stop::usage(format!("cannot read {}: {e}", entry.path().display()));
        let file = std::fs::File::open(entry.path()).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len().to_string();
        let headers = [
            ("content-length", length.as_str()),
            ("content-type", "application/octet-stream"),
        ];
        check(client.send(Method::PUT, &path, &headers, file)?)?;
    }
    Ok(())
}

fn check(response: ureq::http::Response<ureq::Body>) -> Done {
    if response.status().is_success() {
        return Ok(());
    }
    Client::answer::<Value>(response)?
        .map(|_| ())
        .map_err(|refusal| refusal.stop())
}

/// Beats for every stage that is held until the replay has ended. A stage that
/// was finished is refused, which is as it should be.
fn keep_leases(client: &Client, answer: &ImportAnswer, ended: &AtomicBool) {
    let mut waited = Duration::ZERO;
    let pause = Duration::from_millis(200);
    while !ended.load(Ordering::Relaxed) {
        std::thread::sleep(pause);
        waited += pause;
        if waited < Duration::from_secs(HEARTBEAT_SECONDS) {
            continue;
        }
        waited = Duration::ZERO;
        for claim in &answer.claims {
            let path = format!(
                "/worker/v1/attempts/{}/{}/heartbeat",
                claim.stage, claim.attempt
            );
            let beat = HeartbeatRequest {
                worker: answer.worker,
                step: None,
                log: None,
                load: None,
            };
            let _ = client.post::<Value>(&path, &beat);
        }
    }
}
