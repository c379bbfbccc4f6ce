//! Group-relative policy optimisation (DeepSeekMath, section 4.1; DAPO, Dr. GRPO as
//! `loss_type`; GSPO, CISPO and RLOO as choices of ratio, loss and baseline). Fields
//! carry TRL's names.
//!
//! Deviations: with one update a rollout the old log-probabilities are the new
//! ones (the ratio is 1 and no pass is spent on them); the sampler's own
//! log-probabilities are compared with them and the difference is recorded.

use super::inputs::load_weights;
use super::model::Outputs;
use super::policy::{Signal, learn, learning_cost};
use super::rewards::Judges;
use super::rollout::{Rollout, describe, roll_out, store, watch};
use super::trainer::Trainer;
use super::{Recorder, Result, StageContext};
use assay_core::ledger::{Cost, purpose};
use assay_core::metric;
use assay_core::spec::stage::Role;
use assay_core::spec::training::{GrpoParams, OptimParams};
use std::collections::BTreeMap;
use std::time::Instant;

pub fn train(
    context: &StageContext,
    optim: &OptimParams,
    params: &GrpoParams,
    recorder: &mut dyn Recorder,
) -> Result<()> {
    let mut trainer = Trainer::start(context, optim, Outputs::Tokens, recorder)?;
    let mut judges = Judges::load(context, params)?;
    if params.beta > 0.0 && trainer.reference.is_none() {
        let given = load_weights(context, Role::Reference, Outputs::Tokens)?;
        trainer.reference = Some(given.unwrap_or_else(|| trainer.weights.copy()));
    }
    let limit = params.max_steps.map_or(u64::MAX, u64::from);
    while trainer.step() < limit {
        let started = Instant::now();
        let rollout = roll_out(&mut trainer, params, &mut judges)?;
        let rollout_ms = started.elapsed().as_secs_f64() * 1e3;
        let to_come = learning_cost(params, false, rollout.kept);
        if !pay(&mut trainer, recorder, &rollout, to_come)? {
            break;
        }
        let schedule = trainer.schedule(params.max_steps);
        let updating = Instant::now();
        let signal = Signal::of_completions(&rollout);
        let mut metrics = learn(&mut trainer, params, None, &rollout, signal, schedule)?;
        describe(&trainer, params, &rollout, &mut metrics);
        time(&mut metrics, &rollout, started, updating, rollout_ms);
        watch(&mut trainer, recorder, &metrics)?;
        store(&trainer, params, &rollout, recorder)?;
        if params.ref_refresh_steps > 0
            && (trainer.step() + 1).is_multiple_of(u64::from(params.ref_refresh_steps))
        {
            trainer.reference = Some(trainer.weights.copy());
        }
        trainer.end_step(recorder, metrics, params.checkpoint_steps)?;
    }
    trainer.finish(recorder)
}

/// Books a rollout: as such where its step still has room in the budget, as discarded
/// where the stage ends before it. Returns whether there was room.
pub fn pay(
    trainer: &mut Trainer<'_>,
    recorder: &mut dyn Recorder,
    rollout: &Rollout,
    to_come: Cost,
) -> Result<bool> {
    let judged = rollout.rewarded.cost;
    let mut step = rollout.kept;
    for more in [to_come, judged, rollout.discarded] {
        step += more;
    }
    let room = trainer.has_room(recorder, &step)?;
    let what = if room {
        purpose::ROLLOUT
    } else {
        purpose::DISCARDED
    };
    let progress = &mut trainer.progress;
    progress.book(what, rollout.kept.tokens, rollout.kept.flops);
    if rollout.discarded != Cost::default() {
        let thrown = rollout.discarded;
        progress.book(purpose::DISCARDED, thrown.tokens, thrown.flops);
    }
    if judged != Cost::default() {
        progress.book(purpose::JUDGE, judged.tokens, judged.flops);
    }
    if room {
        progress.supervise("verifier_calls", rollout.sequences.len() as u64);
    }
    Ok(room)
}

/// The clocks of a step.
pub fn time(
    metrics: &mut BTreeMap<String, f64>,
    rollout: &Rollout,
    started: Instant,
    updating: Instant,
    rollout_ms: f64,
) {
    metrics.insert(metric::ROLLOUT_MS.into(), rollout_ms);
    metrics.insert(
        metric::UPDATE_MS.into(),
        updating.elapsed().as_secs_f64() * 1e3,
    );
    metrics.insert(
        metric::TOKENS_PER_SECOND.into(),
        rollout.generated() as f64 / started.elapsed().as_secs_f64(),
    );
}
