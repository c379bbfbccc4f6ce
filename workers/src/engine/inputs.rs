//! What a stage is given, on its device.

use super::checkpoint::weights_from_bytes;
use super::model::Model;
use super::{Result, StageContext};
use assay_core::spec::stage::Role;
use tch::{Device, Tensor};

/// Reads a weights file onto a device.
pub fn load_weights(context: &StageContext, input: Role) -> Result<Option<Tensor>> {
    let Some(path) = context.inputs.get(&input) else {
        return Ok(None);
    };
    let bytes = std::fs::read(path)?;
    let vocab = context.spec.task.vocab();
    Ok(Some(
        weights_from_bytes(&context.spec.model, vocab, &bytes)?.to_device(context.device),
    ))
}

/// Models over one flat tensor, one a thread of the stage.
pub fn models_over(context: &StageContext, flat: &Tensor, trainable: bool) -> Vec<Model> {
    // A GPU is one queue: a second thread would only wait for the first.
    let threads = if context.device == Device::Cpu {
        context.spec.threads
    } else {
        1
    };
    (0..threads)
        .map(|_| {
            Model::new(
                &context.spec.model,
                context.spec.task.vocab(),
                flat,
                trainable,
            )
        })
        .collect()
}
