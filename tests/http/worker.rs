//! A worker that obeys the protocol and computes nothing.

use crate::app::{Answer, App};
use assay_core::ids::WorkerId;
use assay_core::ledger::{Cost, purpose};
use assay_core::spec::JobSpec;
use assay_core::spec::stage::Role;
use assay_core::task::Split;
use assay_core::wire::{
    Claim, ClaimRequest, Cumulative, EvaluationItem, EvaluationRecord, FinishRequest, Host,
    HostFacts, Outcome, PROTOCOL, Record, RecordBatch, Register, Registered, role,
};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

pub struct FakeWorker<'a> {
    pub app: &'a App,
    pub id: WorkerId,
    /// Which recipe made the weights of this hash: what an evaluation then finds.
    made_by: HashMap<String, String>,
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl<'a> FakeWorker<'a> {
    pub fn register(app: &'a App, name: &str, threads: u32) -> Self {
        let register = Register {
            protocol: PROTOCOL,
            name: name.into(),
            threads,
            host: Host::default(),
        };
        let answer = app.as_worker("/register", &register);
        assert_eq!(answer.status, 200, "{}", answer.text);
        let registered: Registered = serde_json::from_str(&answer.text).unwrap();
        Self {
            app,
            id: registered.worker,
            made_by: HashMap::new(),
        }
    }

    pub fn claim(&self, free_threads: u32, wait_seconds: u64) -> Option<Claim> {
        let ask = ClaimRequest {
            worker: self.id,
            free_threads,
            wait_seconds,
            load: None,
        };
        let answer = self.app.as_worker("/claim", &ask);
        match answer.status {
            200 => Some(serde_json::from_str(&answer.text).unwrap()),
            204 => None,
            other => panic!("{other}: {}", answer.text),
        }
    }

    pub fn upload(&self, name: &str, bytes: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.app.worker);
        let path = format!("/worker/v1/artifacts/{name}");
        self.app
            .send("PUT", &path, &[("authorization", bearer.as_str())], bytes)
    }

    pub fn path(claim: &Claim, what: &str) -> String {
        format!("/attempts/{}/{}/{what}", claim.stage, claim.attempt)
    }

    pub fn report(&self, claim: &Claim, first_seq: u64, records: Vec<Record>) -> Answer {
        let batch = RecordBatch {
            worker: self.id,
            first_seq,
            records,
        };
        self.app.as_worker(&Self::path(claim, "records"), &batch)
    }

    pub fn finish(&self, claim: &Claim, last_seq: u64, outcome: Outcome) -> Answer {
        let end = FinishRequest {
            worker: self.id,
            last_seq,
            outcome,
        };
        self.app.as_worker(&Self::path(claim, "finish"), &end)
    }

    /// Does one stage as a real worker would.
    pub fn work(&mut self, claim: &Claim) {
        let kind = claim.spec.job.kind().to_string();
        let mut records = vec![Record::Started {
            from_step: 0,
            host: HostFacts::default(),
        }];
        if let JobSpec::Eval { .. } = &claim.spec.job {
            let policy = &claim.inputs[&Role::Init].sha256;
            let made_by = self.made_by[policy].clone();
            records.push(evaluation(Split::Test, &made_by, claim.spec.seed));
            records.push(evaluation(Split::Ood, &made_by, claim.spec.seed));
        } else {
            records.extend(training(claim));
            let weights = format!("weights of {}", claim.stage).into_bytes();
            let name = sha256(&weights);
            let stored = self.upload(&name, &weights);
            assert_eq!(stored.status, 201, "{}", stored.text);
            records.push(Record::Artifact {
                role: role::OUTPUT.into(),
                step: 30,
                sha256: name.clone(),
                bytes: weights.len() as u64,
            });
            self.made_by.insert(name, kind);
        }
        let n = records.len() as u64;
        let answer = self.report(claim, 1, records);
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["last_seq"], n);
        let answer = self.finish(claim, n, Outcome::Succeeded);
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    /// Until the queue has nothing more; returns how many stages that were.
    pub fn work_off_the_queue(&mut self) -> usize {
        let mut done = 0;
        while let Some(claim) = self.claim(2, 0) {
            self.work(&claim);
            done += 1;
        }
        done
    }
}

fn cost(flops: f64) -> Cost {
    Cost {
        tokens: flops / 10.0,
        flops,
        device_ms: flops,
    }
}

/// Thirty steps that use up the budget.
fn training(claim: &Claim) -> Vec<Record> {
    let budget = claim.spec.budget.as_ref().map_or(1000.0, |b| b.amount);
    let mut records = vec![];
    for step in 1..=30_u64 {
        let share = step as f64 / 30.0;
        let cum = Cumulative {
            charged: cost(budget * share),
            active_ms: 10.0 * step as f64,
        };
        records.push(Record::Step {
            step,
            cum,
            metrics: BTreeMap::from([
                ("train/loss".to_string(), 1.0 - share / 2.0),
                ("train/reward_mean".to_string(), share),
            ]),
        });
        records.push(Record::Ledger {
            step,
            costs: BTreeMap::from([(purpose::UPDATE.to_string(), cost(budget / 30.0))]),
            supervision: BTreeMap::new(),
        });
    }
    records
}

/// Right always after GRPO, half the time after SFT, never from the base.
fn evaluation(split: Split, made_by: &str, seed: u64) -> Record {
    let right = match made_by {
        "grpo" => [true, true],
        "sft" => [true, false],
        _ => [false, false],
    };
    let items = (0..4)
        .map(|problem| EvaluationItem {
            problem: seed ^ problem,
            difficulty: 3,
            correct: right.to_vec(),
            lengths: if made_by == "grpo" {
                vec![25, 27]
            } else {
                vec![6, 6]
            },
            truncated: vec![false, false],
            answers: right
                .iter()
                .map(|ok| Some(if *ok { "1" } else { "2" }.to_string()))
                .collect(),
            gold: "1".into(),
        })
        .collect();
    Record::Evaluation(EvaluationRecord {
        step: 0,
        split,
        milestone: None,
        cum: Cumulative::default(),
        temperature: 1.0,
        top_p: 1.0,
        max_completion_length: 48,
        items,
    })
}
