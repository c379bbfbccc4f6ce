//! A database of its own for every test, and short words for long requests.

use assay_core::ids::{AttemptRef, ExperimentId, RunId, StageId, WorkerId};
use assay_core::ledger::Cost;
use assay_core::spec::Experiment;
use assay_core::task::Split;
use assay_core::wire::{
    Claim, Cumulative, EvaluationItem, EvaluationRecord, FailureClass, Host, HostFacts, Outcome,
    PROTOCOL, Record, Register,
};
use assay_store::{JobState, RunView};
use sqlx::{PgConnection, PgPool, Row};
use std::collections::BTreeMap;

const VARIABLE: &str = "ASSAY_TEST_DATABASE_URL";

/// Dropped with the test, also where it fails.
pub struct Database {
    pub pool: PgPool,
    server: String,
    name: String,
}

impl Database {
    pub async fn new() -> Self {
        Self::with_connections(4).await
    }

    pub async fn with_connections(max: u32) -> Self {
        let Ok(server) = std::env::var(VARIABLE) else {
            panic!("{VARIABLE} is not set: run `cargo xtask test`");
        };
        let name = format!("assay_{}", WorkerId::new().0.simple());
        execute(&server, format!("create database {name}")).await;
        let mut url: Vec<&str> = server.splitn(4, '/').collect();
        url.resize(3, "");
        let url = format!("{}/{name}", url.join("/"));
        let pool = assay_store::connect(&url, max).await.unwrap();
        assay_store::migrate(&pool).await.unwrap();
        Self { pool, server, name }
    }

    pub async fn conn(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.pool.acquire().await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, sql) = (
            self.server.clone(),
            format!("drop database if exists {} with (force)", self.name),
        );
        let done = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(execute(&server, sql));
        });
        done.join().ok();
    }
}

async fn execute(server: &str, sql: String) {
    use sqlx::Connection;
    let mut conn = PgConnection::connect(server).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.ok();
}

/// An experiment of shared stages and arms, one line each.
pub fn experiment(seeds: &str, stages: &[&str], arms: &[&str]) -> Experiment {
    let list = |lines: &[&str]| -> String { lines.iter().map(|l| format!("  - {l}\n")).collect() };
    let text = format!(
        "name: t\nquestion: q?\ntask: {{ name: modchain }}\nseeds: {seeds}\n\
         budget: {{ unit: tokens, amount: 100000 }}\nbaseline: base\n\
         stages:\n{}arms:\n{}",
        list(stages),
        list(arms)
    );
    Experiment::from_text(&text).unwrap_or_else(|violations| panic!("{violations}\n{text}"))
}

pub const BASE: &str = "{ id: base, kind: pretrain, model: {} }";
pub const BASE_ARM: &str = "{ id: base, policy: base }";

/// A base, and one arm that fine-tunes it: base -> sft -> eval, and base -> eval.
pub fn small(seeds: &str) -> Experiment {
    experiment(
        seeds,
        &[BASE],
        &[
            BASE_ARM,
            "{ id: two, stages: [{ id: sft, kind: sft, inputs: { init: base } }] }",
        ],
    )
}

pub async fn insert(conn: &mut PgConnection, experiment: &Experiment) -> ExperimentId {
    use sqlx::Connection;
    let mut tx = conn.begin().await.unwrap();
    let id = assay_store::insert_experiment(&mut tx, experiment, None)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

pub async fn worker(conn: &mut PgConnection, threads: u32) -> WorkerId {
    let register = Register {
        protocol: PROTOCOL,
        name: "w".into(),
        threads,
        host: Host::default(),
    };
    assay_store::register_worker(conn, &register).await.unwrap()
}

/// Claims what must be there.
pub async fn claim(conn: &mut PgConnection, worker: WorkerId) -> Claim {
    assay_store::claim(conn, worker, 64)
        .await
        .unwrap()
        .expect("something is queued")
}

pub fn attempt(claim: &Claim) -> AttemptRef {
    AttemptRef {
        stage: claim.stage,
        number: claim.attempt,
    }
}

pub async fn finish(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    outcome: &Outcome,
) -> assay_store::Result<()> {
    use sqlx::Connection;
    let mut tx = conn.begin().await.unwrap();
    assay_store::finish(&mut tx, worker, attempt, 0, outcome).await?;
    tx.commit().await.unwrap();
    Ok(())
}

pub async fn append(
    conn: &mut PgConnection,
    worker: WorkerId,
    attempt: AttemptRef,
    first: u64,
    records: &[Record],
) -> assay_store::Result<u64> {
    use sqlx::Connection;
    let mut tx = conn.begin().await.unwrap();
    let last = assay_store::append_records(&mut tx, worker, attempt, first, records).await?;
    tx.commit().await.unwrap();
    Ok(last)
}

/// Claims and finishes until nothing is queued. Returns how many stages that were.
pub async fn drain(conn: &mut PgConnection, worker: WorkerId) -> usize {
    let mut done = 0;
    while let Some(claim) = assay_store::claim(conn, worker, 64).await.unwrap() {
        finish(conn, worker, attempt(&claim), &Outcome::Succeeded)
            .await
            .unwrap();
        done += 1;
    }
    done
}

pub fn crash() -> Outcome {
    failed(FailureClass::Crash)
}

pub fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed {
        class,
        message: "it broke".into(),
        step: Some(7),
        metric: Some("train/loss".into()),
        log: vec!["a".into(), "b\0".into()],
    }
}

/// Lets every lease run out and reaps.
pub async fn lose_all(conn: &mut PgConnection) -> Vec<AttemptRef> {
    use sqlx::Connection;
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("update attempt set lease_expires_at = 'epoch' where state = 'running'")
        .execute(&mut *tx)
        .await
        .unwrap();
    let lost = assay_store::reap_expired(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    lost
}

pub async fn no_pauses(conn: &mut PgConnection) {
    sqlx::query("update job set not_before = 'epoch'")
        .execute(conn)
        .await
        .unwrap();
}

pub async fn runs(conn: &mut PgConnection, id: ExperimentId) -> Vec<RunView> {
    assay_store::list_runs(conn, id).await.unwrap()
}

pub async fn run(conn: &mut PgConnection, id: RunId) -> RunView {
    assay_store::get_run(conn, id).await.unwrap()
}

pub fn states(run: &RunView) -> Vec<JobState> {
    run.stages.iter().map(|stage| stage.state).collect()
}

/// A number from a query without parameters.
pub async fn number(conn: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query(sql).fetch_one(conn).await.unwrap().get(0)
}

pub fn stage(run: &RunView, name: &str) -> StageId {
    run.stages.iter().find(|s| s.name == name).unwrap().stage
}

pub fn started(from_step: u64) -> Record {
    Record::Started {
        from_step,
        host: HostFacts::default(),
    }
}

pub fn cum(tokens: f64) -> Cumulative {
    Cumulative {
        charged: Cost {
            tokens,
            flops: 100.0 * tokens,
            device_ms: 2.0 * tokens,
        },
        active_ms: 3.0 * tokens,
    }
}

pub fn step(step: u64, metric: &str, value: f64) -> Record {
    Record::Step {
        step,
        cum: cum(step as f64),
        metrics: BTreeMap::from([(metric.into(), value)]),
    }
}

pub fn spent(step: u64, costs: &[(&str, f64)]) -> Record {
    Record::Ledger {
        step,
        costs: costs
            .iter()
            .map(|(purpose, tokens)| (purpose.to_string(), cum(*tokens).charged))
            .collect(),
        supervision: BTreeMap::new(),
    }
}

/// A measurement; every problem is its samples' correctness, lengths are 10 tokens
/// where right and 20, truncated, where wrong.
pub fn measured(
    step: u64,
    split: Split,
    milestone: Option<u32>,
    tokens: f64,
    problems: &[&[bool]],
) -> Record {
    let items = problems.iter().enumerate().map(|(problem, correct)| {
        let pick = |right: u32, wrong: u32| {
            let lengths = correct.iter().map(|c| if *c { right } else { wrong });
            lengths.collect::<Vec<_>>()
        };
        EvaluationItem {
            problem: problem as u64,
            difficulty: 3,
            correct: correct.to_vec(),
            lengths: pick(10, 20),
            truncated: correct.iter().map(|c| !c).collect(),
            answers: correct.iter().map(|c| c.then(|| "4".into())).collect(),
            gold: "4".into(),
        }
    });
    Record::Evaluation(EvaluationRecord {
        step,
        split,
        milestone,
        cum: cum(tokens),
        temperature: 1.0,
        top_p: 1.0,
        max_completion_length: 48,
        items: items.collect(),
    })
}

pub fn file(role: &str, step: u64, name: u8) -> Record {
    Record::Artifact {
        role: role.into(),
        step,
        sha256: sha(name),
        bytes: 10,
    }
}

pub fn sha(name: u8) -> String {
    hex::encode([name; 32])
}
