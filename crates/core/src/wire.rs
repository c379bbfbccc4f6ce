//! The protocol between workers and server. Everything a worker reports is a
//! `Record`; one sequence number per attempt runs over all of them.

use crate::ids::{StageId, WorkerId};
use crate::ledger::Cost;
use crate::load::Load;
use crate::spec::StageSpec;
use crate::spec::stage::Role;
use crate::task::Split;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Workers of another protocol are drained: they get no jobs.
pub const PROTOCOL: u32 = 1;
pub const HEARTBEAT_SECONDS: u64 = 10;
pub const LEASE_SECONDS: u64 = 30;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Register {
    pub protocol: u32,
    pub name: String,
    pub threads: u32,
    pub host: Host,
}

/// Where an attempt runs: its own facts, not part of any hash.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Host {
    /// `cpu` or `cuda`.
    pub device: String,
    pub device_name: String,
    pub libtorch: String,
    pub worker_version: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registered {
    pub worker: WorkerId,
    pub heartbeat_seconds: u64,
    pub lease_seconds: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClaimRequest {
    pub worker: WorkerId,
    pub free_threads: u32,
    /// Long poll: how long the server may wait for a job.
    pub wait_seconds: u64,
    /// How busy the machine is, where that was looked at since it was last sent: here by a
    /// worker with free threads, in heartbeats by one at work. Workers of old send none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
}

/// The right to work on a stage; answers 204 where there is none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claim {
    pub stage: StageId,
    pub attempt: i32,
    pub spec: StageSpec,
    /// Weights of the input stages.
    pub inputs: BTreeMap<Role, ArtifactRef>,
    /// The last resumable checkpoint of an earlier attempt.
    pub resume: Option<ArtifactRef>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArtifactRef {
    pub sha256: String,
    pub bytes: u64,
    pub step: u64,
}

/// Answers 409 (`lease-lost`) to an attempt that is no longer the current one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeartbeatRequest {
    pub worker: WorkerId,
    pub step: Option<u64>,
    /// The attempt's last lines (`tail::Tail`), where one has come since they were last sent;
    /// workers of old send none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<Vec<String>>,
    /// As in a [`ClaimRequest`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeartbeatAnswer {
    /// Nobody needs the stage any more: stop.
    pub cancel: bool,
}

/// `first_seq` numbers `records[0]`; the server takes only last + 1 and absorbs older ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordBatch {
    pub worker: WorkerId,
    pub first_seq: u64,
    pub records: Vec<Record>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordAnswer {
    pub last_seq: u64,
}

/// Cumulative since the stage's first step, resumed work included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Cumulative {
    /// What the stage charges: evaluation and lost work left out.
    pub charged: Cost,
    /// Monotonic time spent working.
    pub active_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// First of an attempt: the step it continues from (0: from the start).
    Started { from_step: u64, host: HostFacts },
    /// Metrics of one step.
    Step {
        step: u64,
        cum: Cumulative,
        /// NaN and infinities travel as the strings "NaN", "Infinity", "-Infinity".
        #[serde(with = "numbers")]
        metrics: BTreeMap<String, f64>,
    },
    /// Compute since the last ledger record, by purpose; supervision counts likewise.
    Ledger {
        step: u64,
        costs: BTreeMap<String, Cost>,
        supervision: BTreeMap<String, u64>,
    },
    /// A sample of what was generated in training, whole groups.
    Completions {
        step: u64,
        items: Vec<CompletionItem>,
    },
    /// One measurement of the policy, every problem's samples.
    Evaluation(EvaluationRecord),
    /// A stored file; the bytes are uploaded before the record is sent.
    Artifact {
        role: String,
        step: u64,
        sha256: String,
        bytes: u64,
    },
    /// Something worth telling: alarms, restarts.
    Event {
        step: u64,
        level: Level,
        text: String,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HostFacts {
    pub device: String,
    pub libtorch: String,
    pub cpu_model: String,
    /// Version and commit that the worker was built from; workers of old do not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Info,
    Alarm,
}

/// Roles of artifacts.
pub mod role {
    /// Weights, moments and step; the last two are kept until the stage succeeds.
    pub const RESUME: &str = "resume";
    /// Weights at a percentage of the budget.
    pub const MILESTONE: &str = "milestone";
    /// The stage's result.
    pub const OUTPUT: &str = "output";
    /// Texts of an evaluation, JSON lines.
    pub const SAMPLES: &str = "samples";
    /// Some of a search's trees: gzipped JSON lines of `trees::StoredTree`.
    pub const TREES: &str = "trees";
    /// Some of the texts that a judge has scored: gzipped JSON lines of `judged::Judged`.
    pub const JUDGED: &str = "judged";
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompletionItem {
    /// Index of the group within the step, and of the completion within the group.
    pub group: u32,
    pub index: u32,
    pub prompt: String,
    pub gold: String,
    pub completion: String,
    pub reward: f64,
    pub advantage: f64,
    /// Tokens, end mark included.
    pub length: u32,
    pub truncated: bool,
    pub correct: bool,
    /// Components of the reward before their weights; workers of old send none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub components: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    pub step: u64,
    pub split: Split,
    /// Percentage of the arm's budget, where this is a milestone's measurement.
    pub milestone: Option<u32>,
    /// The cost at which the measured weights were reached, since the stage's start. Of a
    /// decoder (whose step is the level, in samples): the mean cost of inference a question.
    pub cum: Cumulative,
    pub temperature: f64,
    pub top_p: f64,
    pub max_completion_length: u32,
    pub items: Vec<EvaluationItem>,
}

/// One problem's samples, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationItem {
    /// `Problem::key`.
    pub problem: u64,
    pub difficulty: u32,
    pub correct: Vec<bool>,
    pub lengths: Vec<u32>,
    pub truncated: Vec<bool>,
    /// Parsed answers; `null` casts no vote.
    pub answers: Vec<Option<String>>,
    pub gold: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FinishRequest {
    pub worker: WorkerId,
    /// Every record up to here must have arrived.
    pub last_seq: u64,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    /// `metric` and `step` where a number was not finite.
    Failed {
        class: FailureClass,
        message: String,
        step: Option<u64>,
        metric: Option<String>,
        log: Vec<String>,
    },
    /// Stopped on request with its progress saved; the job goes back to the queue.
    Preempted,
    Cancelled,
}

/// Why an attempt failed. Decides whether the job is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The process died or an internal error: tried again, at most three times.
    Crash,
    Oom,
    /// A metric became NaN or infinite: never tried again by itself.
    Nan,
    /// The spec cannot be run here.
    BadConfig,
}

impl FailureClass {
    pub fn word(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Oom => "oom",
            Self::Nan => "nan",
            Self::BadConfig => "bad_config",
        }
    }

    pub fn is_retried(self) -> bool {
        matches!(self, Self::Crash | Self::Oom)
    }
}

/// JSON has no word for NaN and the infinities; a metric may be one.
mod numbers {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::Value;
    use std::collections::BTreeMap;

    pub(super) fn serialize<S: Serializer>(
        metrics: &BTreeMap<String, f64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(metrics.iter().map(|(name, &value)| {
            let word = match value {
                v if v.is_nan() => Value::from("NaN"),
                f64::INFINITY => Value::from("Infinity"),
                f64::NEG_INFINITY => Value::from("-Infinity"),
                v => Value::from(v),
            };
            (name, word)
        }))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, f64>, D::Error> {
        let read = |value: &Value| match value {
            Value::String(word) if word == "NaN" => Some(f64::NAN),
            Value::String(word) if word == "Infinity" => Some(f64::INFINITY),
            Value::String(word) if word == "-Infinity" => Some(f64::NEG_INFINITY),
            other => other.as_f64(),
        };
        BTreeMap::<String, Value>::deserialize(deserializer)?
            .into_iter()
            .map(|(name, value)| {
                let number = read(&value);
                number.map(|n| (name.clone(), n)).ok_or_else(|| {
                    serde::de::Error::custom(format!("{name} is not a number: {value}"))
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_before_the_commit_was_recorded_are_read() {
        let old = r#"{"device":"cpu","libtorch":"2.11.0","cpu_model":"x"}"#;
        let facts: HostFacts = serde_json::from_str(old).unwrap();
        assert_eq!(facts.code, "");
        assert_eq!(serde_json::to_string(&facts).unwrap(), old);
        let new = HostFacts {
            code: "0.1.0, commit abc".into(),
            ..facts
        };
        let back: HostFacts = serde_json::from_value(serde_json::to_value(&new).unwrap()).unwrap();
        assert_eq!(back, new);
    }

    #[test]
    fn metrics_that_are_not_numbers_survive_the_wire() {
        let metrics = [
            ("a", f64::NAN),
            ("b", f64::INFINITY),
            ("c", f64::NEG_INFINITY),
            ("d", 0.1),
        ];
        let record = Record::Step {
            step: 3,
            cum: Cumulative::default(),
            metrics: metrics
                .map(|(name, value)| (name.to_string(), value))
                .into(),
        };
        let text = serde_json::to_string(&record).unwrap();
        assert!(
            text.contains(r#""a":"NaN","b":"Infinity","c":"-Infinity","d":0.1"#),
            "{text}"
        );
        let Record::Step { metrics: back, .. } = serde_json::from_str(&text).unwrap() else {
            panic!()
        };
        for (name, value) in metrics {
            assert_eq!(back[name].to_bits(), value.to_bits(), "{name}");
        }
        assert!(serde_json::from_str::<Record>(&text.replace("0.1", "null")).is_err());
    }
}
