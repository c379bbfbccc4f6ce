//! The worker's side of the protocol in `assay_core::wire`.

use assay_core::ids::{AttemptRef, WorkerId};
use assay_core::load::Load;
use assay_core::wire::{
    Claim, ClaimRequest, FinishRequest, HeartbeatAnswer, HeartbeatRequest, Record, RecordAnswer,
    RecordBatch, Register, Registered,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The attempt is no longer ours: stop, write nothing more.
    #[error("the lease is lost")]
    LeaseLost,
    #[error("the server answered {status}: {detail}")]
    Refused { status: u16, detail: String },
    /// The server or the network is away: worth trying again.
    #[error("{0}")]
    Away(String),
}

#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: String,
}

type Answer<T> = Result<T, ClientError>;

impl Client {
    pub fn new(server: &str, token: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_global(Some(Duration::from_secs(600)))
            .build()
            .new_agent();
        Self {
            agent,
            base: format!("{}/worker/v1", server.trim_end_matches('/')),
            authorization: format!("Bearer {token}"),
        }
    }

    pub fn register(&self, register: &Register) -> Answer<WorkerId> {
        self.post::<Registered>("/register", register)
            .map(|r| r.worker)
    }

    pub fn claim(
        &self,
        worker: WorkerId,
        free_threads: u32,
        wait_seconds: u64,
        load: Option<Load>,
    ) -> Answer<Option<Claim>> {
        self.post_optional(
            "/claim",
            &ClaimRequest {
                worker,
                free_threads,
                wait_seconds,
                load,
            },
        )
    }

    pub fn heartbeat(
        &self,
        worker: WorkerId,
        attempt: AttemptRef,
        step: Option<u64>,
        log: Option<Vec<String>>,
        load: Option<Load>,
    ) -> Answer<HeartbeatAnswer> {
        self.post(
            &format!("{}/heartbeat", path(attempt)),
            &HeartbeatRequest {
                worker,
                step,
                log,
                load,
            },
        )
    }

    pub fn records(
        &self,
        worker: WorkerId,
        attempt: AttemptRef,
        first_seq: u64,
        records: Vec<Record>,
    ) -> Answer<u64> {
        let batch = RecordBatch {
            worker,
            first_seq,
            records,
        };
        self.post::<RecordAnswer>(&format!("{}/records", path(attempt)), &batch)
            .map(|a| a.last_seq)
    }

    pub fn finish(&self, attempt: AttemptRef, request: &FinishRequest) -> Answer<()> {
        self.post_optional::<serde_json::Value>(&format!("{}/finish", path(attempt)), request)
            .map(|_| ())
    }

    /// Uploads a file unless the server has it.
    pub fn upload(&self, sha256: &str, file: &Path) -> Answer<()> {
        let url = format!("{}/artifacts/{sha256}", self.base);
        let known = self
            .agent
            .head(&url)
            .header("authorization", &self.authorization)
            .call()
            .map_err(away)?;
        if known.status().as_u16() == 200 {
            return Ok(());
        }
        let body = std::fs::File::open(file)
            .map_err(|e| ClientError::Away(format!("{}: {e}", file.display())))?;
        let response = self
            .agent
            .put(&url)
            .header("authorization", &self.authorization)
            .header("content-type", "application/octet-stream")
            .send(body)
            .map_err(away)?;
        judge(response).map(|_| ())
    }

    /// Downloads a file by its content's hash, which is checked.
    pub fn download(&self, sha256: &str, to: &Path) -> Answer<()> {
        use sha2::{Digest, Sha256};
        let url = format!("{}/artifacts/{sha256}", self.base);
        let response = self
            .agent
            .get(&url)
            .header("authorization", &self.authorization)
            .call()
            .map_err(away)?;
        let mut bytes = vec![];
        judge(response)?
            .into_body()
            .into_reader()
            .read_to_end(&mut bytes)
            .map_err(|e| ClientError::Away(e.to_string()))?;
        if hex::encode(Sha256::digest(&bytes)) != sha256 {
            return Err(ClientError::Away(format!(
                "artifact {sha256} arrived damaged"
            )));
        }
        let part = to.with_extension(format!("{:?}.part", std::thread::current().id()));
        let stored = std::fs::write(&part, &bytes).and_then(|()| std::fs::rename(&part, to));
        stored.map_err(|e| ClientError::Away(format!("{}: {e}", to.display())))
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Answer<T> {
        self.post_optional(path, body)?
            .ok_or_else(|| ClientError::Away("an empty answer".into()))
    }

    fn post_optional<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Answer<Option<T>> {
        let url = format!("{}{path}", self.base);
        let response = self
            .agent
            .post(&url)
            .header("authorization", &self.authorization)
            .send_json(body)
            .map_err(away)?;
        let mut response = judge(response)?;
        if response.status().as_u16() == 204 {
            return Ok(None);
        }
        response
            .body_mut()
            .with_config()
            .limit(64 << 20)
            .read_json()
            .map(Some)
            .map_err(away)
    }
}

fn path(attempt: AttemptRef) -> String {
    format!("/attempts/{}/{}", attempt.stage, attempt.number)
}

fn away(error: ureq::Error) -> ClientError {
    ClientError::Away(error.to_string())
}

fn judge(
    mut response: ureq::http::Response<ureq::Body>,
) -> Answer<ureq::http::Response<ureq::Body>> {
    let status = response.status().as_u16();
    if status < 400 {
        return Ok(response);
    }
    let problem: serde_json::Value = response.body_mut().read_json().unwrap_or_default();
    let text = |key: &str| {
        problem
            .get(key)
            .and_then(|v| v.as_str())
            .unwrap_or_default()
            .to_string()
    };
    match status {
        409 if text("type").ends_with("lease-lost") => Err(ClientError::LeaseLost),
        408 | 425 | 429 | 500.. => Err(ClientError::Away(format!("{status} {}", text("detail")))),
        _ => Err(ClientError::Refused {
            status,
            detail: format!("{} {}", text("title"), text("detail")),
        }),
    }
}
