//! `assay-worker run` against a server that answers as it likes.

use crate::server::{Refusal, Server, Told, claim};
use crate::support::*;
use assay_core::spec::stage::Role;
use assay_core::spec::{JobSpec, StageSpec};
use assay_core::wire::{FailureClass, FinishRequest, Outcome, Record, role};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

struct Worker(Child);

impl Worker {
    /// With as many threads as the stage needs, so that it asks for more only after it.
    fn start(server: &Server, folder: &Folder, spec: &StageSpec) -> Self {
        Self::start_with(server, folder, spec, &[])
    }

    fn start_with(server: &Server, folder: &Folder, spec: &StageSpec, options: &[&str]) -> Self {
        let child = worker()
            .args(["run", "--device", "cpu", "--server", &server.url])
            .args(["--threads", &spec.threads.to_string()])
            .arg("--work")
            .arg(&folder.0)
            .args(options)
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A stage that outlives every test.
fn endless() -> StageSpec {
    let mut spec = stage("pretrain");
    let JobSpec::Pretrain { params, .. } = &mut spec.job else {
        panic!()
    };
    params.phases[0].steps = 10_000_000;
    // Of each it says a line, and only the last lines are kept.
    params.checkpoint_steps = 100_000;
    spec
}

fn refusal(status: u16, kind: &str, detail: &str) -> Refusal {
    let problem = json!({ "type": format!("/problems/{kind}"), "title": kind, "detail": detail });
    (status, problem)
}

fn finished(server: &Server) -> FinishRequest {
    match server.next() {
        Told::Finished(end) => end,
        Told::Idle(_) => panic!("the attempt is over without a word"),
    }
}

fn crash(end: FinishRequest) -> String {
    match end.outcome {
        Outcome::Failed {
            class: FailureClass::Crash,
            message,
            ..
        } => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refused_records_end_the_attempt_as_a_failure_in_the_servers_words() {
    let (folder, spec) = (Folder::new("refused"), endless());
    let server = Server::start(claim(spec.clone(), &[]), |batch| match batch.first_seq {
        1 => Ok(()),
        _ => Err(refusal(409, "conflict", "step 3 has been measured")),
    });
    let _worker = Worker::start(&server, &folder, &spec);
    let end = finished(&server);
    let stored = server.kept.records.lock().unwrap().len() as u64;
    assert!(stored > 0);
    assert_eq!(end.last_seq, stored, "or the server would miss records");
    let message = crash(end);
    assert!(message.contains("409") && message.contains("step 3 has been measured"));
    // The child is gone, its threads are free.
    assert!(matches!(server.next(), Told::Idle(n) if n == u64::from(spec.threads)));
}

#[test]
fn a_lost_lease_ends_the_attempt_without_a_word() {
    let (folder, spec) = (Folder::new("lease"), endless());
    let server = Server::start(claim(spec.clone(), &[]), |batch| match batch.first_seq {
        1 => Ok(()),
        _ => Err(refusal(409, "lease-lost", "somebody else has it")),
    });
    let _worker = Worker::start(&server, &folder, &spec);
    assert!(matches!(server.next(), Told::Idle(n) if n == u64::from(spec.threads)));
    assert!(!server.kept.records.lock().unwrap().is_empty());
}

#[test]
fn a_server_that_is_away_for_a_while_misses_nothing() {
    let (folder, spec) = (Folder::new("away"), stage("pretrain"));
    let calls = AtomicU32::new(0);
    let server = Server::start(claim(spec.clone(), &[]), move |_| {
        match calls.fetch_add(1, Ordering::Relaxed) % 3 {
            2 => Ok(()),
            _ => Err(refusal(503, "unavailable", "starting")),
        }
    });
    let _worker = Worker::start(&server, &folder, &spec);
    let end = finished(&server);
    assert_eq!(end.outcome, Outcome::Succeeded);
    let records = server.kept.records.lock().unwrap();
    assert_eq!(end.last_seq, records.len() as u64);
    let alone = folder.0.join("alone");
    write_job(&alone, &spec, None, None);
    assert_eq!(substance(&records), substance(&attempt(&alone).0));
}

#[test]
fn a_child_that_is_killed_is_reported_with_its_signal() {
    let (folder, spec) = (Folder::new("killed"), endless());
    let claim = claim(spec.clone(), &[]);
    let work = folder.0.join(format!("{}-1", claim.stage));
    // Once its first record has arrived, so that it is there to be killed.
    let server = Server::start(claim, move |batch| {
        if batch.first_seq == 1 {
            kill(child_in(&work), Signal::SIGKILL).unwrap();
        }
        Ok(())
    });
    let _worker = Worker::start(&server, &folder, &spec);
    let end = finished(&server);
    let records = server.kept.records.lock().unwrap();
    assert!(matches!(records[0], Record::Started { .. }));
    assert_eq!(end.last_seq, records.len() as u64);
    let message = crash(end);
    assert!(message.contains("signal: 9"), "{message}");
}

#[test]
fn an_input_that_the_server_does_not_have_fails_the_attempt() {
    let (folder, spec) = (Folder::new("inputs"), stage("sft"));
    let nothing = "0".repeat(64);
    let claim = claim(spec.clone(), &[(Role::Init, &nothing)]);
    let server = Server::start(claim, |_| panic!("nothing has been computed"));
    let _worker = Worker::start(&server, &folder, &spec);
    let end = finished(&server);
    assert_eq!(end.last_seq, 0);
    let message = crash(end);
    assert!(message.contains("could not start") && message.contains("404"));
}

#[test]
fn a_child_that_falls_silent_is_ended_as_hung() {
    let (folder, spec) = (Folder::new("hung"), endless());
    let claim = claim(spec.clone(), &[]);
    let work = folder.0.join(format!("{}-1", claim.stage));
    // Stopped only after it has talked for longer than the limit.
    let (started, stopped) = (OnceLock::new(), Arc::new(AtomicBool::new(false)));
    let stop = stopped.clone();
    let server = Server::start(claim, move |_| {
        let since = started.get_or_init(Instant::now).elapsed();
        if since > Duration::from_secs(4) && !stop.swap(true, Ordering::Relaxed) {
            kill(child_in(&work), Signal::SIGSTOP).unwrap();
        }
        Ok(())
    });
    let _worker = Worker::start_with(&server, &folder, &spec, &["--stall-limit", "3"]);
    let end = finished(&server);
    assert!(stopped.load(Ordering::Relaxed));
    let stored = server.kept.records.lock().unwrap().len() as u64;
    assert_eq!(end.last_seq, stored);
    let message = crash(end);
    assert!(message.contains("no record for 3 s"), "{message}");
    assert!(matches!(server.next(), Told::Idle(n) if n == u64::from(spec.threads)));
}

#[test]
fn inputs_arrive_whole_or_are_fetched_again() {
    let folder = Folder::new("fetched");
    let (spec, init) = (stage("sft"), base(&folder.0.join("base")));
    let alone = folder.0.join("alone");
    write_job(&alone, &spec, Some(&init), None);
    let name = init.file_name().unwrap().to_str().unwrap();
    let server = Server::start(claim(spec.clone(), &[(Role::Init, name)]), |_| Ok(()));
    let bytes = std::fs::read(&init).unwrap();
    server.kept.files.lock().unwrap().insert(name.into(), bytes);
    server.kept.damaged.store(2, Ordering::Relaxed);
    let _worker = Worker::start(&server, &folder, &spec);
    assert_eq!(finished(&server).outcome, Outcome::Succeeded);
    let records = server.kept.records.lock().unwrap();
    assert_eq!(substance(&records), substance(&attempt(&alone).0));
}

#[test]
fn a_worker_that_is_told_to_stop_saves_reports_and_ends() {
    let (folder, spec) = (Folder::new("stopped"), endless());
    let (tell, told) = channel();
    let server = Server::start(claim(spec.clone(), &[]), move |batch| {
        let stepped = |r: &Record| matches!(r, Record::Step { .. });
        if batch.records.iter().any(stepped) {
            let _ = tell.send(());
        }
        Ok(())
    });
    let mut worker = Worker::start(&server, &folder, &spec);
    told.recv_timeout(Duration::from_secs(60)).unwrap();
    kill(Pid::from_raw(worker.0.id() as i32), Signal::SIGTERM).unwrap();
    let end = finished(&server);
    assert_eq!(end.outcome, Outcome::Preempted);
    let records = server.kept.records.lock().unwrap();
    assert_eq!(end.last_seq, records.len() as u64);
    assert!(artifact(&records, role::RESUME).is_some());
    assert_eq!(worker.0.wait().unwrap().code(), Some(0));
}

/// Takes as long as the next heartbeat.
#[test]
fn a_cancelled_attempt_is_ended_and_says_so() {
    let (folder, spec) = (Folder::new("cancelled"), endless());
    let server = Server::start(claim(spec.clone(), &[]), |_| Ok(()));
    server.kept.cancel.store(true, Ordering::Relaxed);
    let _worker = Worker::start(&server, &folder, &spec);
    assert_eq!(finished(&server).outcome, Outcome::Cancelled);
    assert!(matches!(server.next(), Told::Idle(n) if n == u64::from(spec.threads)));
    // The heartbeat that was told so had brought what the attempt had said by then.
    let log = server.kept.log.lock().unwrap();
    assert_eq!(log[0], "attempt 1: pretrain begins");
}

/// The process of the attempt in a folder.
fn child_in(work: &std::path::Path) -> Pid {
    let work = work.to_str().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().map_while(Result::ok);
    let mut found = processes.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read_to_string(entry.path().join("cmdline")).ok()?;
        line.contains(work).then_some(Pid::from_raw(pid))
    });
    found.next().unwrap()
}
