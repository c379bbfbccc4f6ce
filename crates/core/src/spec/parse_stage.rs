//! Reads one stage of an experiment file.

use super::experiment::StageEntry;
use super::job::JobSpec;
use super::model::ModelSpec;
use super::parse::slug;
use super::reader::{Reader, Sink, describe};
use super::stage::{Charge, Role};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn read_stage(
    value: &Value,
    pointer: String,
    shared: bool,
    sink: &Sink,
) -> Option<StageEntry> {
    let r = Reader::new(value, pointer, sink);
    let id = slug(&r, "id");
    if id.as_deref() == Some("eval") {
        r.report("id", "`eval` is the name of every run's final evaluation");
    }
    let job = JobSpec::read(&r);
    let model = r.raw("model").map(|v| {
        let m = Reader::new(v, r.at("model"), sink);
        let model = ModelSpec::read(&m);
        model.check(&m);
        m.finish();
        model
    });
    let inputs = r
        .raw("inputs")
        .map(|v| read_inputs(v, r.at("inputs"), sink))
        .unwrap_or_default();
    let default_charge = if shared { Charge::Apart } else { Charge::Arm };
    let charge = r.field("charge", default_charge, None);
    let share = r.optional::<f64>("share");
    if let Some(job) = &job {
        check_inputs(&r, job, &inputs);
        check_place(&r, job, model.is_some(), shared, charge);
    }
    if !shared && charge != Charge::Arm {
        r.report("charge", "an arm's own stages are charged to it");
    }
    if share.is_some_and(|s| !(s > 0.0 && s <= 1.0)) {
        r.report("share", "must be above 0 and at most 1");
    }
    if shared && charge == Charge::Arm && share.is_none() {
        r.report(
            "share",
            "is required: the part of each arm's budget that this shared stage may use",
        );
    } else if shared && charge != Charge::Arm && share.is_some() {
        r.report(
            "share",
            "belongs to stages that are charged to arms (`charge: arm`)",
        );
    }
    let threads = r.field("threads", 1, Some(1.0..=64.0));
    let micro_batch = r.field("micro_batch", 16, Some(1.0..=4096.0));
    let fresh = r.field("fresh", false, None);
    r.finish();
    Some(StageEntry {
        id: id?,
        job: job?,
        model,
        inputs,
        charge,
        share,
        threads,
        micro_batch,
        fresh,
    })
}

fn check_inputs(r: &Reader<'_>, job: &JobSpec, inputs: &BTreeMap<Role, String>) {
    let (must, may) = job.roles();
    for role in must.iter().filter(|role| !inputs.contains_key(role)) {
        r.report("inputs", format!("{} needs `{role}`", job.kind()));
    }
    for role in inputs
        .keys()
        .filter(|role| !must.contains(role) && !may.contains(role))
    {
        r.report("inputs", format!("{} takes no `{role}`", job.kind()));
    }
}

/// What a kind asks of its place in the file.
fn check_place(r: &Reader<'_>, job: &JobSpec, has_model: bool, shared: bool, charge: Charge) {
    match (job, has_model) {
        (JobSpec::Eval { .. }, _) => {
            r.report(
                "kind",
                "the final evaluation is planned for every run; leave it out",
            );
        }
        (JobSpec::Pretrain { .. }, false) => {
            r.report("model", "is required: pretraining makes a model");
        }
        (JobSpec::Checkpoint { .. }, false) => r.report(
            "model",
            "is required: the checkpoint's shape, as `assay-worker checkpoint FOLDER` prints it",
        ),
        (JobSpec::Pretrain { .. } | JobSpec::Checkpoint { .. }, true) => {}
        (_, true) => r.report("model", "the model is that of `init`; leave it out"),
        (_, false) => {}
    }
    if job.makes_model() && (!shared || charge == Charge::Arm) {
        r.report(
            if shared { "charge" } else { "kind" },
            "a model is made for all arms and charged to none: put it under the file's `stages`",
        );
    }
    if shared && job.is_decoder() {
        r.report("kind", "a decoder belongs to an arm");
    }
    if shared && charge != Charge::Arm && !job.ends() {
        let field = match job {
            JobSpec::MctsSelftrain { .. } => "max_rounds",
            _ => "max_steps",
        };
        r.report(
            field,
            "is required: a shared stage has no budget that would end it",
        );
    }
}

fn read_inputs(value: &Value, pointer: String, sink: &Sink) -> BTreeMap<Role, String> {
    let Some(map) = value.as_object() else {
        sink.report(
            pointer,
            format!(
                "expected an object of role: stage, found {}",
                describe(value)
            ),
        );
        return BTreeMap::new();
    };
    let mut inputs = BTreeMap::new();
    for (key, value) in map {
        let at = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        match (key.parse::<Role>(), value.as_str()) {
            (Err(message), _) => sink.report(at, message),
            (Ok(_), None) => sink.report(
                at,
                format!("expected the name of a stage, found {}", describe(value)),
            ),
            (Ok(role), Some(name)) => {
                inputs.insert(role, name.to_string());
            }
        }
    }
    inputs
}
