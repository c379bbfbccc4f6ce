//! `assay export`: an experiment's figures and tables in a folder, through the addresses
//! that the page links to.

use super::client::{Client, Refusal, experiment_id, remote_of};
use super::{Done, Remote, Stop};
use serde_json::Value;
use std::path::{Path, PathBuf};
use ureq::http::Method;

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// The experiment's id or address; what stands after its `?` holds for every file
    #[arg(value_name = "ID|URL")]
    experiment: String,
    /// Folder to write to; it is made where it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The state kept under this hash, or its start, and not the present one
    #[arg(long, value_name = "HASH")]
    snap: Option<String>,
    /// Pictures as pixels too
    #[arg(long)]
    png: bool,
    #[command(flatten)]
    remote: Remote,
}

const FIGURES: [&str; 7] = [
    "milestones",
    "frontier",
    "forest",
    "training",
    "seeds",
    "passk",
    "contrasts",
];
const TABLES: [&str; 9] = [
    "table", "verdicts", "costs", "matrix", "runs", "excluded", "charged", "spent", "versions",
];
/// Not of every experiment.
const OTHER_TABLES: [&str; 5] = [
    "decoders",
    "both-ways",
    "decoders-both-ways",
    "rule-both-ways",
    "beyond",
];
const MAX_BYTES: u64 = 256 << 20;

impl Export {
    pub(crate) fn run(self) -> Done {
        let id = experiment_id(&self.experiment)?;
        let client = Client::new(&remote_of(&self.experiment, &self.remote))?;
        let query = self.experiment.split_once('?').map(|(_, query)| query);
        let query = query.and_then(|q| q.split('#').next()).unwrap_or("");
        let state = self.state(query)?;
        // The last word counts.
        let words = [query, state.trim_start_matches('?')];
        let words: Vec<&str> = words.into_iter().filter(|w| !w.is_empty()).collect();
        let query = match words.is_empty() {
            true => String::new(),
            false => format!("?{}", words.join("&")),
        };
        std::fs::create_dir_all(&self.out)
            .map_err(|e| Stop::new(format!("cannot make {}: {e}", self.out.display())))?;
        let mut written = 0;
        for (name, path, needed) in self.files(&id.to_string(), &query, &state) {
            let Some(bytes) = fetch(&client, &path, needed)? else {
                continue;
            };
            write(&self.out.join(name), &bytes)?;
            written += 1;
        }
        // Until there is no further policy that decoders answer from.
        for policy in 0.. {
            let before = written;
            for ending in self.endings() {
                let name = format!("decoders-{policy}.{ending}");
                let path = format!("/experiments/{id}/{name}{query}");
                if let Some(bytes) = fetch(&client, &path, Needed::IfThere)? {
                    write(&self.out.join(name), &bytes)?;
                    written += 1;
                }
            }
            if written == before {
                break;
            }
        }
        written += self.graveyard(&client, &id.to_string(), &state)?;
        println!("{written} files in {}", self.out.display());
        Ok(())
    }

    fn endings(&self) -> Vec<&'static str> {
        match self.png {
            true => vec!["svg", "csv", "json", "tex", "png"],
            false => vec!["svg", "csv", "json", "tex"],
        }
    }

    /// Which state is asked for, whatever else the address says.
    fn state(&self, query: &str) -> Result<String, Stop> {
        let mut words = query.split('&').filter_map(|w| w.strip_prefix("snap="));
        let Some(snap) = self.snap.as_deref().or_else(|| words.next_back()) else {
            return Ok(String::new());
        };
        let hex = snap.chars().all(|c| c.is_ascii_hexdigit());
        match hex && (8..=64).contains(&snap.len()) {
            true => Ok(format!("?snap={snap}")),
            false => Err(Stop::usage(
                "a snapshot is named by 8 to 64 hexadecimal digits of its hash",
            )),
        }
    }

    /// File, address, and whether every experiment has it.
    fn files(&self, id: &str, query: &str, state: &str) -> Vec<(String, String, Needed)> {
        let at = |name: &str| format!("/experiments/{id}/{name}{query}");
        let mut list = vec![
            (
                "comparison.csv".into(),
                format!("/experiments/{id}.csv{state}"),
                Needed::Always,
            ),
            (
                "comparison.json".into(),
                format!("/experiments/{id}.json{state}"),
                Needed::Always,
            ),
            ("cite.bib".into(), at("cite.bib"), Needed::Always),
        ];
        if !state.is_empty() {
            let path = format!("/experiments/{id}/snapshot.json{state}");
            list.push(("snapshot.json".into(), path, Needed::IfThere));
        }
        for figure in FIGURES {
            for ending in self.endings() {
                let name = format!("{figure}.{ending}");
                list.push((name.clone(), at(&name), Needed::IfThere));
            }
        }
        let tables = TABLES.map(|table| (table, Needed::Always));
        let others = OTHER_TABLES.map(|table| (table, Needed::IfThere));
        for (table, needed) in tables.into_iter().chain(others) {
            for ending in ["csv", "tex", "json"] {
                let name = format!("{table}.{ending}");
                list.push((name.clone(), at(&name), needed));
            }
        }
        list
    }

    /// What did not work, as that page lists it. It shows the present data: of another state
    /// that is cited there is none.
    fn graveyard(&self, client: &Client, id: &str, state: &str) -> Result<usize, Stop> {
        let path = format!("/experiments/{id}/graveyard.json{state}");
        let Some(bytes) = fetch(client, &path, Needed::IfThere)? else {
            return Ok(0);
        };
        write(&self.out.join("graveyard.json"), &bytes)?;
        let index: Value = serde_json::from_slice(&bytes)
            .map_err(|e| Stop::new(format!("{path}: no JSON: {e}")))?;
        let mut written = 1;
        for file in index["files"].as_array().into_iter().flatten() {
            let (Some(at), Some(name)) = (file["at"].as_str(), file["name"].as_str()) else {
                continue;
            };
            let endings = file["endings"].as_array().into_iter().flatten();
            for ending in endings.filter_map(Value::as_str) {
                if ending == "png" && !self.png {
                    continue;
                }
                let path = format!("{at}.{ending}{state}");
                if let Some(bytes) = fetch(client, &path, Needed::IfThere)? {
                    let name = format!("graveyard-{}.{}", plain(name), plain(ending));
                    write(&self.out.join(name), &bytes)?;
                    written += 1;
                }
            }
        }
        Ok(written)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needed {
    Always,
    /// Not of every experiment: decoders alone have no figures of equal compute, others have
    /// none of decoders, and a state that is cited need not have been kept.
    IfThere,
}

fn fetch(client: &Client, path: &str, needed: Needed) -> Result<Option<Vec<u8>>, Stop> {
    let mut response = client.send(Method::GET, path, &[], ())?;
    let status = response.status().as_u16();
    let reader = response.body_mut().with_config().limit(MAX_BYTES);
    if status >= 400 {
        let body = reader.read_json().unwrap_or(Value::Null);
        let detail = body["detail"].as_str().unwrap_or_default();
        let missing = status == 404
            && (detail == "there is no such figure"
                || detail.starts_with("there is no such kept state of this experiment"));
        return match needed {
            Needed::IfThere if missing => Ok(None),
            Needed::IfThere | Needed::Always => Err(Refusal { status, body }.stop()),
        };
    }
    let bytes = reader.read_to_vec();
    bytes
        .map(Some)
        .map_err(|e| Stop::new(format!("{path}: the answer broke off: {e}")))
}

/// A file's name that leads to no other folder.
fn plain(of: &str) -> String {
    let kept = |c: char| {
        if c.is_alphanumeric() || "-_".contains(c) {
            c
        } else {
            '_'
        }
    };
    of.chars().map(kept).collect()
}

/// Whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Done {
    let part = path.with_extension("part");
    let done = std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, path));
    done.map_err(|e| Stop::new(format!("cannot write {}: {e}", path.display())))
}
