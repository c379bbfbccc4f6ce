//! Records on their way to the server, in order, each once.

use super::attempt::Setup;
use super::client::ClientError;
use assay_core::ids::AttemptRef;
use assay_core::wire::Record;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const BATCH: usize = 200;

#[derive(Debug)]
pub(super) struct Spool<'a> {
    setup: &'a Setup,
    attempt: AttemptRef,
    folder: &'a Path,
    waiting: VecDeque<Record>,
    /// Sequence number of the next record that the child sends.
    next_seq: u64,
    /// When the server last took something, or had nothing to take.
    pub reached: Instant,
    /// When the child last sent a record; its start before that.
    pub heard: Instant,
}

impl<'a> Spool<'a> {
    pub(super) fn new(setup: &'a Setup, attempt: AttemptRef, folder: &'a Path) -> Self {
        Self {
            setup,
            attempt,
            folder,
            waiting: VecDeque::new(),
            next_seq: 1,
            reached: Instant::now(),
            heard: Instant::now(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The last record that the server has.
    pub(super) fn last_seq(&self) -> u64 {
        self.next_seq - 1 - self.waiting.len() as u64
    }

    /// Takes a line of the child's; a step that it reports goes to `latest`.
    pub(super) fn take(&mut self, line: &str, latest: &AtomicU64) {
        match serde_json::from_str::<Record>(line) {
            Ok(record) => {
                if let Record::Step { step, .. } = &record {
                    latest.store(*step, Ordering::Relaxed);
                }
                self.heard = Instant::now();
                self.waiting.push_back(record);
                self.next_seq += 1;
            }
            Err(error) => eprintln!(
                "{}: not a record ({error}): {}",
                self.attempt,
                line.chars().take(200).collect::<String>()
            ),
        }
    }

    /// Sends what is waiting, files before the records that name them.
    pub(super) fn send(&mut self) -> Result<(), ClientError> {
        while !self.waiting.is_empty() {
            let batch: Vec<Record> = self.waiting.iter().take(BATCH).cloned().collect();
            for record in &batch {
                if let Record::Artifact { sha256, .. } = record {
                    self.setup
                        .client
                        .upload(sha256, &self.folder.join("artifacts").join(sha256))?;
                }
            }
            let first = self.last_seq() + 1;
            let last = self
                .setup
                .client
                .records(self.setup.worker, self.attempt, first, batch)?;
            let taken = (last + 1)
                .saturating_sub(first)
                .min(self.waiting.len() as u64);
            for record in self.waiting.drain(..taken as usize) {
                if let Record::Artifact { sha256, .. } = record {
                    let _ = std::fs::remove_file(self.folder.join("artifacts").join(sha256));
                }
            }
            self.reached = Instant::now();
            if taken == 0 {
                return Err(ClientError::Away(
                    "the server took none of the records".into(),
                ));
            }
        }
        self.reached = Instant::now();
        Ok(())
    }
}
