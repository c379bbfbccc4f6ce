//! Files that stages leave: search trees and judged texts, made up and put where a worker
//! would have put them.

use assay::state::AppState;
use assay_core::judged::{Judged, JudgedStep};
use assay_core::trees::{StoredTree, TreeNode};
use assay_core::wire::Record;
use assay_store as store;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::Write;

/// Stores a file for a stage, as its worker would.
pub async fn put(app: &AppState, of: &str, step: u64, text: &[u8]) -> Record {
    let mut file = GzEncoder::new(vec![], Compression::default());
    file.write_all(text).unwrap();
    raw(app, of, step, &file.finish().unwrap()).await
}

/// The same, whatever the bytes are.
pub async fn raw(app: &AppState, of: &str, step: u64, bytes: &[u8]) -> Record {
    let sha256 = hex::encode(Sha256::digest(bytes));
    let name = sha256.parse().unwrap();
    let path = app.artifacts.path(&name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
    let mut conn = app.conn().await.unwrap();
    store::insert_artifact(&mut conn, &sha256, bytes.len() as u64)
        .await
        .unwrap();
    Record::Artifact {
        role: of.into(),
        step,
        sha256,
        bytes: bytes.len() as u64,
    }
}

pub fn node(parent: Option<usize>, visits: u32, text: &str) -> TreeNode {
    TreeNode {
        parent,
        text: text.into(),
        draws: 1,
        prior: 0.5,
        visits,
        total: f64::from(visits) / 2.0,
        value: Some(0.5),
        sampled: 2,
        terminal: None,
        depth: 0,
        reachable: true,
    }
}

pub fn tree(text: &str) -> String {
    serde_json::to_string(&StoredTree {
        prompt: "7*3-8+5=".into(),
        gold: "8".into(),
        nodes: vec![
            node(None, 9, ""),
            node(Some(0), 6, text),
            node(Some(0), 3, "7*3=2;"),
        ],
        simulations: Some(9),
        exhausted: None,
        cost: None,
        answered: Some(1.0),
        whole: None,
    })
    .unwrap()
}

pub fn judged(score: f32) -> String {
    let step = |score, truth| JudgedStep {
        text: "7*3=1;".into(),
        score,
        label: None,
        truth: Some(truth),
    };
    serde_json::to_string(&Judged {
        prompt: "7*3-8+5=".into(),
        gold: "8".into(),
        completion: "7*3=1;A3".into(),
        ended: true,
        correct: false,
        steps: vec![step(score, true), step(0.77, false)],
    })
    .unwrap()
}
