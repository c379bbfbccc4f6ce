//! Records as JSON lines to anything that can be written to; files by content
//! into a folder.

use crate::engine::{EngineError, Recorder, Result};
use assay_core::wire::Record;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by SIGTERM and SIGINT.
pub static STOP: AtomicBool = AtomicBool::new(false);

extern "C" fn on_signal(_: i32) {
    STOP.store(true, Ordering::Relaxed);
}

/// From now on the first SIGTERM or SIGINT asks for a clean stop.
pub fn stop_on_signals() {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    let action = SigAction::new(
        SigHandler::Handler(on_signal),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        // SAFETY: the handler only stores to an atomic.
        let _ = unsafe { sigaction(signal, &action) };
    }
}

/// `out` receives one record a line; artifacts lie at `folder/<sha256>`.
#[derive(Debug)]
pub struct LineRecorder<W: Write> {
    out: W,
    folder: PathBuf,
}

impl<W: Write> LineRecorder<W> {
    pub fn new(out: W, folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { out, folder })
    }
}

impl<W: Write> Recorder for LineRecorder<W> {
    fn record(&mut self, record: Record) -> Result<()> {
        let mut line =
            serde_json::to_vec(&record).map_err(|e| EngineError::Other(e.to_string()))?;
        line.push(b'\n');
        self.out.write_all(&line)?;
        Ok(self.out.flush()?)
    }

    fn artifact(&mut self, role: &str, step: u64, bytes: &[u8]) -> Result<()> {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let path = self.folder.join(&sha256);
        if !path.exists() {
            let part = self.folder.join(format!("{sha256}.part"));
            std::fs::write(&part, bytes)?;
            std::fs::rename(part, path)?;
        }
        self.record(Record::Artifact {
            role: role.into(),
            step,
            sha256,
            bytes: bytes.len() as u64,
        })
    }

    fn should_stop(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}
