//! What a stage is given, on its device.

use super::checkpoint::{spec_of, weights_from_bytes};
use super::model::{Model, Outputs};
use super::{EngineError, Result, StageContext};
use assay_core::spec::ModelSpec;
use assay_core::spec::stage::Role;
use tch::{Device, Kind, Tensor};

/// Reads a weights file of the stage's own model onto a device.
pub fn load_weights(
    context: &StageContext,
    input: Role,
    outputs: Outputs,
) -> Result<Option<Tensor>> {
    let Some(path) = context.inputs.get(&input) else {
        return Ok(None);
    };
    let bytes = std::fs::read(path)?;
    let vocab = context.spec.task.vocab();
    let flat = weights_from_bytes(&context.spec.model, vocab, outputs, &bytes)?;
    Ok(Some(flat.to_device(context.device)))
}

/// Another network, of the shape that its own file names, for passes without gradients.
#[derive(Debug)]
pub struct Frozen {
    pub spec: ModelSpec,
    /// One a thread.
    pub models: Vec<Model>,
}

impl Frozen {
    /// # Errors
    /// `BadConfig` where the stage has no such input.
    pub fn load(context: &StageContext, input: Role, outputs: Outputs) -> Result<Self> {
        let path = context.inputs.get(&input).ok_or_else(|| {
            EngineError::BadConfig(format!("the stage needs the input `{input}`"))
        })?;
        let bytes = std::fs::read(path)?;
        let spec = spec_of(&bytes)?;
        let vocab = context.spec.task.vocab();
        let flat = weights_from_bytes(&spec, vocab, outputs, &bytes)?.to_device(context.device);
        let flat = if context.device.is_cuda() {
            flat.to_kind(Kind::BFloat16)
        } else {
            flat
        };
        let models = (0..threads(context))
            .map(|_| Model::new(&spec, vocab, outputs, &flat, false))
            .collect();
        Ok(Self { spec, models })
    }
}

/// Models over one flat tensor, one a thread of the stage.
pub fn models_over(
    context: &StageContext,
    outputs: Outputs,
    flat: &Tensor,
    trainable: bool,
) -> Vec<Model> {
    let vocab = context.spec.task.vocab();
    (0..threads(context))
        .map(|_| Model::new(&context.spec.model, vocab, outputs, flat, trainable))
        .collect()
}

/// A GPU is one queue: a second thread would only wait for the first.
fn threads(context: &StageContext) -> u32 {
    if context.device == Device::Cpu {
        context.spec.threads
    } else {
        1
    }
}
