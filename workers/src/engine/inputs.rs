//! What a stage is given, on its device.

use super::checkpoint::{About, weights_from_bytes};
use super::model::{Model, Outputs};
use super::tokenizer::Tokenizer;
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
    let vocab = context.spec.vocab();
    let flat = weights_from_bytes(&context.spec.model, vocab, outputs, &bytes)?;
    Ok(Some(flat.to_device(context.device)))
}

/// The tokenizer of an input's weights; of a stage without that input, the task's characters.
pub fn tokenizer(context: &StageContext, input: Role) -> Result<Tokenizer> {
    let task = &context.spec.task;
    match context.inputs.get(&input) {
        Some(path) => About::read(path)?.tokenizer(task),
        None => Ok(Tokenizer::characters(task)),
    }
}

/// Another network, of the shape that its own file names, for passes without gradients.
#[derive(Debug)]
pub struct Frozen {
    pub spec: ModelSpec,
    pub tokenizer: Tokenizer,
    /// Rows of its embedding.
    pub vocab: u32,
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
        let about = About::read(path)?;
        let tokenizer = about.tokenizer(&context.spec.task)?;
        let spec = about.model;
        let vocab = spec.vocab(&context.spec.task);
        let bytes = std::fs::read(path)?;
        let flat = weights_from_bytes(&spec, vocab, outputs, &bytes)?.to_device(context.device);
        let flat = if context.device.is_cuda() {
            flat.to_kind(Kind::BFloat16)
        } else {
            flat
        };
        let models = (0..threads(context))
            .map(|_| Model::new(&spec, vocab, outputs, &flat, false))
            .collect();
        Ok(Self {
            spec,
            tokenizer,
            vocab,
            models,
        })
    }
}

/// Models over one flat tensor, one a thread of the stage.
pub fn models_over(
    context: &StageContext,
    outputs: Outputs,
    flat: &Tensor,
    trainable: bool,
) -> Vec<Model> {
    let vocab = context.spec.vocab();
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
