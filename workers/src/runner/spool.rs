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

    /// Takes a line of the child's; a step that it reports goes to `latest`. Returns what the
    /// log says of it.
    pub(super) fn take(&mut self, line: &str, latest: &AtomicU64) -> Option<String> {
        match serde_json::from_str::<Record>(line) {
            Ok(record) => {
                if let Record::Step { step, .. } = &record {
                    latest.store(*step, Ordering::Relaxed);
                }
                self.heard = Instant::now();
                let said = said(&record);
                self.waiting.push_back(record);
                self.next_seq += 1;
                said
            }
            Err(error) => {
                let start: String = line.chars().take(200).collect();
                let said = format!("not a record ({error}): {start}");
                eprintln!("{}: {said}", self.attempt);
                Some(said)
            }
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

/// Beginnings, measurements, files and events; what comes at every step stands in the curves.
fn said(record: &Record) -> Option<String> {
    match record {
        Record::Started { from_step: 0, host } => Some(format!("started on {}", host.device)),
        Record::Started { from_step, host } => {
            Some(format!("goes on from step {from_step} on {}", host.device))
        }
        Record::Evaluation(of) => Some(format!(
            "step {}: measured {} problems",
            of.step,
            of.items.len()
        )),
        Record::Artifact {
            role, step, bytes, ..
        } => Some(format!("step {step}: {role} stored, {bytes} bytes")),
        Record::Event { step, text, .. } => Some(format!("step {step}: {text}")),
        Record::Step { .. } | Record::Ledger { .. } | Record::Completions { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::wire::{HostFacts, Level};

    #[test]
    fn the_log_names_what_is_rare_and_not_every_step() {
        let started = |from_step| Record::Started {
            from_step,
            host: HostFacts {
                device: "cpu".into(),
                ..HostFacts::default()
            },
        };
        assert_eq!(said(&started(0)).as_deref(), Some("started on cpu"));
        let resumed = said(&started(40));
        assert_eq!(resumed.as_deref(), Some("goes on from step 40 on cpu"));
        let event = Record::Event {
            step: 7,
            level: Level::Alarm,
            text: "entropy fell".into(),
        };
        assert_eq!(said(&event).as_deref(), Some("step 7: entropy fell"));
        let file = Record::Artifact {
            role: "resume".into(),
            step: 20,
            sha256: "a".repeat(64),
            bytes: 10,
        };
        assert_eq!(
            said(&file).as_deref(),
            Some("step 20: resume stored, 10 bytes")
        );
        let step = Record::Step {
            step: 8,
            cum: Default::default(),
            metrics: Default::default(),
        };
        assert_eq!(said(&step), None);
    }
}
