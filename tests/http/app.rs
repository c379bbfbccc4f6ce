//! One server under test, and how to talk to it.

use assay::config::Config;
use assay::server::{self, Server};
use serde_json::Value;
use sqlx::{ConnectOptions, Connection, PgConnection};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use ureq::Agent;
use ureq::http::{Request, Response};

pub struct App {
    pub url: String,
    pub data: PathBuf,
    pub database_url: String,
    pub admin: String,
    pub worker: String,
    pub agent: Agent,
    database: String,
    runtime: Runtime,
    server: Option<Server>,
}

pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e} in {:?}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    /// The pointers of all violations, sorted.
    pub fn pointers(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let mut pointers: Vec<String> = errors
            .iter()
            .map(|e| e["pointer"].as_str().unwrap().to_string())
            .collect();
        pointers.sort();
        pointers
    }
}

fn admin_url() -> String {
    std::env::var("ASSAY_TEST_DATABASE_URL").expect(
        "ASSAY_TEST_DATABASE_URL must name a Postgres where databases can be made; `cargo xtask test` brings one",
    )
}

/// The same server, another database.
fn with_database(url: &str, database: &str) -> String {
    let (base, query) = url
        .split_once('?')
        .map_or((url, ""), |(base, query)| (base, query));
    let server = base.rsplit_once('/').map_or(base, |(server, _)| server);
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("?{query}")
    };
    format!("{server}/{database}{query}")
}

async fn on_admin(statement: String) {
    let options: sqlx::postgres::PgConnectOptions = admin_url().parse().unwrap();
    let mut conn: PgConnection = options.connect().await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
}

impl App {
    pub fn start() -> Self {
        Self::start_with("127.0.0.1:0", |_| {})
    }

    pub fn start_with(listen: &str, change: impl FnOnce(&mut Config)) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let name = uuid::Uuid::now_v7().simple().to_string();
        let database = format!("assay_http_{name}");
        runtime.block_on(on_admin(format!("create database {database}")));
        let data = std::env::temp_dir().join(format!("assay-http-{name}"));
        let mut config = Config {
            database_url: with_database(&admin_url(), &database),
            data: data.clone(),
            listen: listen.parse::<SocketAddr>().unwrap(),
            public_hosts: vec![],
            max_artifact_bytes: 1 << 20,
            connections: 4,
        };
        change(&mut config);
        let database_url = config.database_url.clone();
        let server = runtime
            .block_on(server::start(config))
            .unwrap_or_else(|e| panic!("{e}"));
        let token = |file: &str| {
            std::fs::read_to_string(data.join(file))
                .unwrap()
                .trim()
                .to_string()
        };
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .into();
        Self {
            url: server.url(),
            admin: token("admin.token"),
            worker: token("worker.token"),
            data,
            database_url,
            agent,
            database,
            runtime,
            server: Some(server),
        }
    }

    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl ureq::AsSendBody,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response: Response<ureq::Body> = self
            .agent
            .run(request.body(body).unwrap())
            .unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            // A head's body is empty, whatever it says of it.
            text: match method {
                "HEAD" => String::new(),
                _ => response.body_mut().read_to_string().unwrap(),
            },
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], ())
    }

    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        self.send("POST", path, &[("content-type", content_type)], body)
    }

    pub fn submit(&self, text: &str) -> Answer {
        self.post("/api/v1/experiments", "application/yaml", text.as_bytes())
    }

    /// An accepted experiment's id.
    pub fn submitted(&self, text: &str) -> String {
        let answer = self.submit(text);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_string()
    }

    /// Posts to the worker protocol with the worker's token.
    pub fn as_worker(&self, path: &str, body: &impl serde::Serialize) -> Answer {
        let bearer = format!("Bearer {}", self.worker);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        self.send(
            "POST",
            &format!("/worker/v1{path}"),
            &headers,
            serde_json::to_string(body).unwrap(),
        )
    }

    pub fn sql(&self, statement: &str) {
        let statement = statement.to_string();
        self.runtime.block_on(async {
            let mut conn = PgConnection::connect(&self.database_url).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
                .execute(&mut conn)
                .await
                .unwrap();
        });
    }

    pub fn count(&self, table: &str) -> i64 {
        let query = format!("select count(*) from {table}");
        self.runtime.block_on(async {
            let mut conn = PgConnection::connect(&self.database_url).await.unwrap();
            sqlx::query_scalar(sqlx::AssertSqlSafe(query))
                .fetch_one(&mut conn)
                .await
                .unwrap()
        })
    }

    pub fn state(&self) -> std::sync::Arc<assay::state::AppState> {
        std::sync::Arc::clone(&self.server.as_ref().unwrap().state)
    }

    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.stop();
        self.runtime.block_on(on_admin(format!(
            "drop database if exists {} with (force)",
            self.database
        )));
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// Waits for a condition; a test never sleeps for a guess.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "timed out: {what}");
        std::thread::yield_now();
    }
}

/// Three arms, two seeds, one shared base: the smallest thing that is like the quick preset.
pub const SMALL: &str = "
name: Small
question: Does anything happen?
task: { name: modchain }
base_seeds: shared
seeds: 3
budget: { unit: flops, amount: 2.0e+10 }
baseline: base
evaluation: { problems: 4, samples: 2 }
stages:
  - { id: base, kind: pretrain, model: {}, threads: 2 }
arms:
  - { id: base, policy: base }
  - id: sft
    stages: [{ id: sft, kind: sft, inputs: { init: base } }]
  - id: grpo
    stages: [{ id: grpo, kind: grpo, inputs: { init: base } }]
";
