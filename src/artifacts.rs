//! Files by their content: `<data>/artifacts/sha256/ab/…`. A file appears whole
//! or not at all; its row in the database is written after it.

use crate::problem::Problem;
use crate::state::AppState;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Payload};
use assay_store as store;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CHUNK: usize = 256 << 10;
/// A sender that is silent for longer is dropped.
const SILENCE: Duration = Duration::from_secs(30);
/// What nothing has referenced for so long is deleted.
const UNREFERENCED: Duration = Duration::from_secs(24 * 3600);

/// Lower-case hex of a sha256, and nothing else: safe in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl std::str::FromStr for Name {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(hex) {
            return Ok(Self(text.into()));
        }
        Err(Problem::bad_request(
            "an artifact's name is its sha256 in 64 lower-case hex digits",
        ))
    }
}

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone)]
pub struct ArtifactStore {
    root: PathBuf,
    max_bytes: u64,
}

/// An upload whose content has the right hash but no name yet. Removed when dropped.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    name: Name,
    bytes: u64,
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already where it was published.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl ArtifactStore {
    /// Makes the folders and clears away what an earlier server left half-done.
    pub fn open(data: &Path, max_bytes: u64) -> std::io::Result<Self> {
        let store = Self {
            root: data.join("artifacts"),
            max_bytes,
        };
        std::fs::create_dir_all(store.root.join("sha256"))?;
        std::fs::create_dir_all(store.drafts())?;
        for entry in std::fs::read_dir(store.drafts())?.flatten() {
            let old = entry.metadata().and_then(|m| m.modified()).is_ok_and(|at| {
                at.elapsed()
                    .is_ok_and(|age| age > Duration::from_secs(24 * 3600))
            });
            if old {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(store)
    }

    fn drafts(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub fn path(&self, name: &Name) -> PathBuf {
        self.root.join("sha256").join(&name.0[..2]).join(&name.0)
    }

    /// Streams an upload to a draft; memory holds one chunk.
    pub async fn receive(&self, name: Name, mut payload: Payload) -> Result<Draft, Problem> {
        let path = self.drafts().join(uuid::Uuid::now_v7().to_string());
        let mut draft = Draft {
            path: path.clone(),
            name,
            bytes: 0,
        };
        let disk = |e| Problem::disk(&e);
        let mut file = tokio::fs::File::create_new(&path).await.map_err(disk)?;
        let mut hash = Sha256::new();
        loop {
            let chunk = match tokio::time::timeout(SILENCE, payload.next()).await {
                Err(_) => {
                    return Err(Problem::new(
                        StatusCode::REQUEST_TIMEOUT,
                        "the upload stopped",
                    ));
                }
                Ok(None) => break,
                Ok(Some(chunk)) => {
                    chunk.map_err(|e| Problem::bad_request(format!("the upload broke off: {e}")))?
                }
            };
            draft.bytes += chunk.len() as u64;
            if draft.bytes > self.max_bytes {
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("the artifact is larger than {} bytes", self.max_bytes),
                ));
            }
            hash.update(&chunk);
            file.write_all(&chunk).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)?;
        file.sync_all().await.map_err(disk)?;
        let found = hex::encode(hash.finalize());
        if found != draft.name.0 {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("the content's sha256 is {found}, not {}", draft.name.0),
            ));
        }
        Ok(draft)
    }

    /// The file's content in chunks, and its size.
    pub async fn read(
        &self,
        name: &Name,
    ) -> Result<(u64, impl Stream<Item = std::io::Result<Bytes>> + use<>), Problem> {
        let file = match tokio::fs::File::open(self.path(name)).await {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Problem::not_found("artifact"));
            }
            Err(e) => return Err(Problem::disk(&e)),
        };
        let bytes = file.metadata().await.map_err(|e| Problem::disk(&e))?.len();
        let chunks = futures_util::stream::try_unfold(file, |mut file| async move {
            let mut chunk = Vec::with_capacity(CHUNK);
            let n = (&mut file)
                .take(CHUNK as u64)
                .read_to_end(&mut chunk)
                .await?;
            Ok((n > 0).then(|| (Bytes::from(chunk), file)))
        });
        Ok((bytes, chunks))
    }
}

/// Bytes of text that are taken out of one file for a page.
const MOST_TEXT: u64 = 16 << 20;

/// The first lines of a gzipped text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    pub lines: Vec<String>,
    /// Why there are no more of them, where that is not the file's end.
    pub broken: Option<&'static str>,
}

impl ArtifactStore {
    /// At most `most` lines of a gzipped text; `None` where the file is gone. A file that
    /// cannot be read to its end gives what could be read.
    pub async fn lines(&self, name: &Name, most: usize) -> Result<Option<Lines>, Problem> {
        let path = self.path(name);
        let read = move || match std::fs::File::open(path) {
            Ok(file) => Ok(Some(unpack(file, most, MOST_TEXT))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Problem::disk(&e)),
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(Problem::internal)?
    }
}

fn unpack(file: impl std::io::Read, most: usize, limit: u64) -> Lines {
    use std::io::{BufRead, Read};
    let mut text = std::io::BufReader::new(flate2::read::GzDecoder::new(file).take(limit));
    let mut out = Lines::default();
    while out.lines.len() < most {
        let mut line = vec![];
        match text.read_until(b'\n', &mut line) {
            Err(_) => {
                out.broken = Some("the file cannot be read to its end");
                break;
            }
            Ok(0) => break,
            Ok(_) if line.last() == Some(&b'\n') => {
                line.pop();
                out.lines.push(String::from_utf8_lossy(&line).into_owned());
            }
            Ok(_) => {
                out.broken = Some("the file is longer than a page reads");
                break;
            }
        }
    }
    out
}

/// Gives a draft its name, then its row, under the lock that keeps the sweep away.
pub async fn publish(state: Arc<AppState>, draft: Draft) -> Result<u64, Problem> {
    let mut tx = state.begin().await?;
    store::lock_publishing(&mut tx).await?;
    let bytes = draft.bytes;
    let name = draft.name.clone();
    let path = state.artifacts.path(&name);
    tokio::task::spawn_blocking(move || place(&draft, &path))
        .await
        .map_err(Problem::internal)?
        .map_err(|e| Problem::disk(&e))?;
    store::insert_artifact(&mut tx, name.as_str(), bytes).await?;
    tx.commit().await?;
    Ok(bytes)
}

fn place(draft: &Draft, path: &Path) -> std::io::Result<()> {
    // Equal names are equal contents.
    if std::fs::metadata(path).is_ok_and(|there| there.len() == draft.bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    std::fs::rename(&draft.path, path)?;
    std::fs::File::open(folder)?.sync_all()?;
    // The folder itself may be new.
    folder
        .parent()
        .map_or(Ok(()), |above| std::fs::File::open(above)?.sync_all())
}

/// Deletes files that nothing has referenced for a day. The files go before the
/// rows, under the lock: a crash in between leaves rows whose files come back
/// with the next upload, never a file that nobody knows.
pub async fn sweep(state: &AppState) -> Result<usize, Problem> {
    let mut tx = state.begin().await?;
    store::lock_sweeping(&mut tx).await?;
    let names = store::unreferenced(&mut tx, UNREFERENCED).await?;
    for name in &names {
        let Ok(name) = name.parse::<Name>() else {
            continue;
        };
        match tokio::fs::remove_file(state.artifacts.path(&name)).await {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(Problem::disk(&e)),
        }
    }
    store::delete_artifact_rows(&mut tx, &names).await?;
    tx.commit().await?;
    Ok(names.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut file = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        file.write_all(text).unwrap();
        file.finish().unwrap()
    }

    #[test]
    fn texts_are_unpacked_within_bounds_and_what_is_broken_is_said() {
        let file = packed(b"one\ntwo\n\xff\n");
        let whole = unpack(&file[..], 9, 1 << 20);
        assert_eq!(whole.lines, ["one", "two", "\u{fffd}"]);
        assert_eq!(whole.broken, None);
        assert_eq!(unpack(&file[..], 1, 1 << 20).lines, ["one"]);
        let cut = unpack(&file[..file.len() - 12], 9, 1 << 20);
        assert!(cut.broken.is_some(), "{cut:?}");
        assert!(unpack(&b"no gzip"[..], 9, 1 << 20).broken.is_some());
        // A bomb: a thousand times its size in one line.
        let bomb = packed(&vec![b'x'; 1 << 20]);
        assert!(bomb.len() < 1 << 12);
        let short = unpack(&bomb[..], 9, 1 << 10);
        assert_eq!((short.lines.len(), short.broken.is_some()), (0, true));
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        let good = "ab".repeat(32);
        assert!(good.parse::<Name>().is_ok());
        for bad in [
            "../../../etc/passwd",
            "..%2f..%2fetc%2fpasswd",
            "",
            "AB",
            &"AB".repeat(32),
            &format!("{}/..", &good[..61]),
            &format!("{}\0", &good[..63]),
            &"．".repeat(64),
            &format!("{good}0"),
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }
}
