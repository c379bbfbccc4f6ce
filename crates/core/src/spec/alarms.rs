//! `alarms:` of an experiment file: what its runs' curves are called alarming by.

use super::reader::{Reader, Sink, params};
use serde_json::Value;

params! {
    /// Thresholds of `core::health`'s rules. Said before the first job and frozen with the
    /// experiment; they look at curves and change no stage.
    pub struct Alarms {
        /// Nats a token under which sampling is called collapsed.
        pub entropy_below: f64 = 0.05, in 0.0..=100.0;
        /// KL against the median of the steps before it.
        pub kl_times: f64 = 10.0, in 1.0..=1e6;
        /// A KL that is smaller is no jump, whatever it was before.
        pub kl_above: f64 = 0.01, in 0.0..=1e6;
        pub kl_steps: u32 = 50, in 1.0..=1e6;
        pub clip_above: f64 = 0.2, in 0.0..=1.0;
        /// Tokens per second, as a share of the stage's median.
        pub speed_below: f64 = 0.5, in 0.0..=1.0;
        /// How far reward and held-out pass@1 part.
        pub moved_by: f64 = 0.05, in 0.0..=1.0;
        pub moved_over_steps: u32 = 100, in 1.0..=1e6;
        /// By how much completions grow, as a share of what they were, while held-out pass@1
        /// gains next to nothing; over `moved_over_steps` too.
        pub longer_by: f64 = 0.4, in 0.0..=1e6;
        /// A gain up to this is next to nothing.
        pub flat_within: f64 = 0.01, in 0.0..=1.0;
        pub truncated_above: f64 = 0.1, in 0.0..=1.0;
    }
}

impl Alarms {
    /// Nothing was set: the file has no such block, and its hash knows nothing of one.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) fn read_alarms(value: &Value, sink: &Sink) -> Alarms {
    let r = Reader::new(value, "/alarms", sink);
    let alarms = Alarms::read(&r);
    r.finish();
    alarms
}

#[cfg(test)]
mod tests {
    use crate::canonical;
    use crate::spec::Experiment;

    const FILE: &str = "
name: t
question: q?
task: { name: modchain }
seeds: 2
budget: { unit: tokens, amount: 10000 }
baseline: base
stages: [{ id: base, kind: pretrain, model: {} }]
arms:
  - { id: base, policy: base }
  - { id: a, stages: [{ id: grpo, kind: grpo, inputs: { init: base } }] }
";

    fn read(more: &str) -> Experiment {
        Experiment::from_text(&format!("{FILE}{more}")).unwrap_or_else(|v| panic!("{v}"))
    }

    fn hash(of: &Experiment) -> String {
        canonical::sha256(&serde_json::to_value(of).unwrap())
    }

    #[test]
    fn a_file_without_the_block_or_with_the_defaults_in_it_has_the_hash_that_it_had() {
        let plain = read("");
        assert!(plain.alarms.is_default());
        assert!(
            serde_json::to_value(&plain)
                .unwrap()
                .get("alarms")
                .is_none()
        );
        let spelt = read("alarms: { entropy_below: 0.05, kl_steps: 50 }");
        assert_eq!(hash(&plain), hash(&spelt));
    }

    #[test]
    fn what_is_set_is_frozen_as_a_whole_and_changes_no_stage() {
        let set = read("alarms: { entropy_below: 0.2 }");
        assert_ne!(hash(&read("")), hash(&set));
        let value = serde_json::to_value(&set).unwrap();
        assert_eq!(value["alarms"]["entropy_below"], 0.2);
        // A later default changes nothing of it.
        assert_eq!(value["alarms"]["truncated_above"], 0.1);
        assert_eq!(Experiment::from_value(&value), Ok(set.clone()));
        let hashes = |of: &Experiment| -> Vec<String> {
            let plan = crate::recipe::plan(of, "");
            plan.stages.into_iter().map(|stage| stage.hash).collect()
        };
        assert_eq!(hashes(&read("")), hashes(&set));
    }

    #[test]
    fn every_violation_of_the_block_has_its_pointer() {
        let text = format!(
            "{FILE}alarms: {{ entropy_below: -1, clip_above: 1.5, kl_steps: 0, truncated_above: much, entropy_bellow: 1 }}"
        );
        let found = Experiment::from_text(&text).unwrap_err().0;
        let mut pointers: Vec<&str> = found.iter().map(|v| v.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(
            pointers,
            [
                "/alarms/clip_above",
                "/alarms/entropy_bellow",
                "/alarms/entropy_below",
                "/alarms/kl_steps",
                "/alarms/truncated_above"
            ]
        );
        let hint = found
            .iter()
            .find(|v| v.pointer.ends_with("bellow"))
            .unwrap();
        assert!(hint.message.contains("did you mean `entropy_below`?"));
        let list = Experiment::from_text(&format!("{FILE}alarms: [1]"))
            .unwrap_err()
            .0;
        assert_eq!(list[0].pointer, "/alarms");
    }
}
