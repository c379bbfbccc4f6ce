//! A server with one stage to give away, in a few lines: what it says to records
//! is the test's choice. It keeps files, and refuses records of files that it lacks.

use assay_core::ids::{StageId, WorkerId};
use assay_core::spec::StageSpec;
use assay_core::spec::stage::Role;
use assay_core::wire::{
    ArtifactRef, Claim, FinishRequest, HEARTBEAT_SECONDS, HeartbeatRequest, LEASE_SECONDS, Record,
    RecordAnswer, RecordBatch, Registered,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// Status and problem.
pub type Refusal = (u16, Value);

pub struct Server {
    pub url: String,
    told: Receiver<Told>,
    pub kept: Arc<Kept>,
}

#[derive(Default)]
pub struct Kept {
    pub records: Mutex<Vec<Record>>,
    /// By their hash.
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    /// So many downloads will arrive damaged.
    pub damaged: AtomicU32,
    /// Said at the next heartbeat.
    pub cancel: AtomicBool,
    /// What the last heartbeat with any brought of its log.
    pub log: Mutex<Vec<String>>,
}

/// What a test waits for.
#[derive(Debug)]
pub enum Told {
    /// Asked for work with so many free threads, after the stage was given away.
    Idle(u64),
    Finished(FinishRequest),
}

struct Shared {
    stage: Mutex<Option<Claim>>,
    kept: Arc<Kept>,
    told: Mutex<Sender<Told>>,
    judge: Judge,
}

type Judge = Box<dyn Fn(&RecordBatch) -> Result<(), Refusal> + Send + Sync>;

pub fn claim(spec: StageSpec, inputs: &[(Role, &str)]) -> Claim {
    let artifact = |sha256: &str| ArtifactRef {
        sha256: sha256.into(),
        bytes: 1,
        step: 0,
    };
    Claim {
        stage: StageId::new(),
        attempt: 1,
        spec,
        inputs: inputs
            .iter()
            .map(|(role, s)| (*role, artifact(s)))
            .collect::<BTreeMap<_, _>>(),
        resume: None,
    }
}

impl Server {
    pub fn start(
        claim: Claim,
        judge: impl Fn(&RecordBatch) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = channel();
        let kept = Arc::new(Kept::default());
        let shared = Arc::new(Shared {
            stage: Mutex::new(Some(claim)),
            kept: kept.clone(),
            told: Mutex::new(tell),
            judge: Box::new(judge),
        });
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = shared.clone();
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self { url, told, kept }
    }

    /// The next thing worth telling.
    pub fn next(&self) -> Told {
        self.told
            .recv_timeout(std::time::Duration::from_secs(60))
            .expect("the worker says something")
    }
}

impl Shared {
    /// One request a connection.
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace();
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            return;
        };
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            let Some((name, value)) = header.trim().split_once(": ") else {
                break;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let (status, answer) = self.answer(method, path, &body);
        let head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\ncontent-length");
        // The worker may be gone.
        let _ = write!(stream, "{head}: {}\r\n\r\n", answer.len());
        let _ = stream.write_all(&answer);
    }

    fn answer(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let what = path.rsplit('/').next().unwrap();
        if path.contains("/artifacts/") {
            return self.file(method, what, body);
        }
        match self.said(what, body) {
            (204, _) => (204, vec![]),
            (status, answer) => (status, answer.to_string().into_bytes()),
        }
    }

    fn file(&self, method: &str, name: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut files = self.kept.files.lock().unwrap();
        if method == "PUT" {
            assert_eq!(hex::encode(Sha256::digest(body)), name);
            files.insert(name.into(), body.to_vec());
            return (201, b"{}".to_vec());
        }
        let left = &self.kept.damaged;
        let damaged = method == "GET" && left.load(Ordering::Relaxed) > 0;
        if damaged {
            left.fetch_sub(1, Ordering::Relaxed);
        }
        match files.get(name) {
            None => (404, vec![]),
            Some(_) if method == "HEAD" => (200, vec![]),
            Some(file) if damaged => (200, file[1..].to_vec()),
            Some(file) => (200, file.clone()),
        }
    }

    fn said(&self, what: &str, body: &[u8]) -> (u16, Value) {
        let tell = |told| drop(self.told.lock().unwrap().send(told));
        match what {
            "register" => (
                200,
                json!(Registered {
                    worker: WorkerId::new(),
                    heartbeat_seconds: HEARTBEAT_SECONDS,
                    lease_seconds: LEASE_SECONDS,
                }),
            ),
            "claim" => match self.stage.lock().unwrap().take() {
                Some(claim) => (200, json!(claim)),
                None => {
                    let request: Value = serde_json::from_slice(body).unwrap();
                    tell(Told::Idle(request["free_threads"].as_u64().unwrap()));
                    (204, Value::Null)
                }
            },
            "heartbeat" => {
                let cancel = self.kept.cancel.load(Ordering::Relaxed);
                let beat: HeartbeatRequest = serde_json::from_slice(body).unwrap();
                if let Some(lines) = beat.log {
                    *self.kept.log.lock().unwrap() = lines;
                }
                (200, json!({ "cancel": cancel }))
            }
            "records" => {
                let batch: RecordBatch = serde_json::from_slice(body).unwrap();
                if let Err(refusal) = (self.judge)(&batch) {
                    return refusal;
                }
                let mut records = self.kept.records.lock().unwrap();
                assert_eq!(batch.first_seq, records.len() as u64 + 1);
                for record in &batch.records {
                    if let Record::Artifact { sha256, .. } = record {
                        let files = self.kept.files.lock().unwrap();
                        assert!(files.contains_key(sha256), "a file comes before its record");
                    }
                }
                records.extend(batch.records);
                (
                    200,
                    json!(RecordAnswer {
                        last_seq: records.len() as u64
                    }),
                )
            }
            "finish" => {
                tell(Told::Finished(serde_json::from_slice(body).unwrap()));
                (204, Value::Null)
            }
            _ => (404, json!({ "title": "not found", "detail": what })),
        }
    }
}
