//! Checkpoints in safetensors. `weights`: the usual separate names, for other
//! tools too. `resume`: the flat weights, both moments and the progress.

use super::model::{Outputs, Slot, layout};
use super::tokenizer::Tokenizer;
use super::{EngineError, Result};
use assay_core::spec::ModelSpec;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// The format's own limit, in bytes.
const LONGEST_HEAD: u64 = 100_000_000;
/// Metadata key of our own JSON.
const META: &str = "assay";

fn broken(e: impl std::fmt::Display) -> EngineError {
    EngineError::Other(format!("not a readable checkpoint: {e}"))
}

/// Float tensors and a JSON text to one file's bytes; equal inputs give equal bytes.
fn pack(tensors: &[(String, Tensor)], meta: &str) -> Result<Vec<u8>> {
    let mut bytes: Vec<(String, Vec<usize>, Vec<u8>)> = vec![];
    for (name, tensor) in tensors {
        let tensor = tensor
            .to_device(Device::Cpu)
            .to_kind(Kind::Float)
            .contiguous();
        let shape: Vec<usize> = tensor.size().iter().map(|&s| s as usize).collect();
        let values: Vec<f32> = Vec::try_from(tensor.view(-1))?;
        bytes.push((
            name.clone(),
            shape,
            values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ));
    }
    let views = bytes
        .iter()
        .map(|(name, shape, data)| {
            Ok((
                name.clone(),
                TensorView::new(Dtype::F32, shape.clone(), data).map_err(broken)?,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    safetensors::serialize(
        views,
        Some(HashMap::from([(META.to_string(), meta.to_string())])),
    )
    .map_err(broken)
}

fn unpack(bytes: &[u8]) -> Result<(HashMap<String, Tensor>, String)> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let meta = header
        .metadata()
        .as_ref()
        .and_then(|m| m.get(META))
        .cloned()
        .unwrap_or_default();
    Ok((float_tensors(bytes)?, meta))
}

/// Every tensor of a safetensors file, as float on the CPU.
pub fn float_tensors(bytes: &[u8]) -> Result<HashMap<String, Tensor>> {
    let file = SafeTensors::deserialize(bytes).map_err(broken)?;
    let mut tensors = HashMap::new();
    for (name, view) in file.iter() {
        let kind = match view.dtype() {
            Dtype::F32 => Kind::Float,
            Dtype::F16 => Kind::Half,
            Dtype::BF16 => Kind::BFloat16,
            other => {
                return Err(broken(format!(
                    "{name} is {other:?}, expected F32, F16 or BF16"
                )));
            }
        };
        let shape: Vec<i64> = view.shape().iter().map(|&s| s as i64).collect();
        let tensor = Tensor::f_from_data_size(view.data(), &shape, kind)?;
        tensors.insert(name.to_string(), tensor.to_kind(Kind::Float));
    }
    Ok(tensors)
}

/// The parts of a fused weight under their usual names, with their rows.
fn parts(spec: &ModelSpec, slot: &Slot) -> Vec<(String, i64)> {
    let hd = i64::from(spec.head_dim());
    let (q, kv, ff) = (
        i64::from(spec.heads) * hd,
        i64::from(spec.kv_heads) * hd,
        i64::from(spec.d_ff),
    );
    let rows = slot.shape[0];
    let Some((layer, name)) = slot.name.split_once('.') else {
        let name = match slot.name.as_str() {
            "embed" => "model.embed_tokens.weight",
            "head" => "lm_head.weight",
            "score" => "score.weight",
            "score_bias" => "score.bias",
            _ => "model.norm.weight",
        };
        return vec![(name.into(), rows)];
    };
    let full = |part: &str| format!("model.layers.{layer}.{part}");
    let attention =
        |part: &str, n: i64, what: &str| (full(&format!("self_attn.{part}_proj.{what}")), n);
    match name {
        "qkv" => vec![
            attention("q", q, "weight"),
            attention("k", kv, "weight"),
            attention("v", kv, "weight"),
        ],
        "qkv_bias" => vec![
            attention("q", q, "bias"),
            attention("k", kv, "bias"),
            attention("v", kv, "bias"),
        ],
        "o" => vec![attention("o", rows, "weight")],
        "gate_up" => vec![
            (full("mlp.gate_proj.weight"), ff),
            (full("mlp.up_proj.weight"), ff),
        ],
        "down" => vec![(full("mlp.down_proj.weight"), rows)],
        "q_norm" => vec![(full("self_attn.q_norm.weight"), rows)],
        "k_norm" => vec![(full("self_attn.k_norm.weight"), rows)],
        "norm1" => vec![(full("input_layernorm.weight"), rows)],
        _ => vec![(full("post_attention_layernorm.weight"), rows)],
    }
}

/// Flat weights to a file of separately named ones, with the tokenizer that they need.
pub fn weights_to_bytes(
    spec: &ModelSpec,
    tokenizer: &Tokenizer,
    vocab: u32,
    outputs: Outputs,
    flat: &Tensor,
) -> Result<Vec<u8>> {
    let mut named = vec![];
    let mut at = 0;
    for slot in layout(spec, vocab, outputs) {
        let whole = flat.narrow(0, at, slot.size()).view(&slot.shape[..]);
        at += slot.size();
        let mut row = 0;
        for (name, rows) in parts(spec, &slot) {
            named.push((name, whole.narrow(0, row, rows)));
            row += rows;
        }
    }
    let mut meta = serde_json::json!({ "model": spec, "vocab": vocab });
    if let Some(source) = tokenizer.source() {
        meta["tokenizer"] = source.into();
    }
    pack(&named, &meta.to_string())
}

/// What a weights file says of itself.
#[derive(Debug, serde::Deserialize)]
pub struct About {
    pub model: ModelSpec,
    /// The text of a checkpoint's `tokenizer.json`.
    tokenizer: Option<String>,
}

/// The head of a safetensors file, without the places of its tensors.
#[derive(serde::Deserialize)]
struct Head {
    #[serde(rename = "__metadata__", default)]
    metadata: HashMap<String, String>,
}

impl About {
    /// Reads the head of a file alone.
    pub fn read(path: &Path) -> Result<Self> {
        let mut file = std::fs::File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let limit = u64::from_le_bytes(length);
        if limit > LONGEST_HEAD {
            return Err(broken("its head is too long"));
        }
        let mut head = vec![];
        file.take(limit).read_to_end(&mut head)?;
        let head: Head = serde_json::from_slice(&head).map_err(broken)?;
        let text = head.metadata.get(META);
        serde_json::from_str(text.map_or("", String::as_str)).map_err(broken)
    }

    /// The tokenizer of its weights, where they work on this task.
    pub fn tokenizer(&self, task: &assay_core::task::TaskSpec) -> Result<Tokenizer> {
        match &self.tokenizer {
            Some(source) => Tokenizer::subwords(source, self.model.end_of_text()),
            None => Ok(Tokenizer::characters(task)),
        }
    }
}

/// The reverse: flat float weights on the CPU. Every weight must be there, in its
/// shape, but for the scalar head: a network that has none yet starts it at zero, one
/// that needs none leaves it.
pub fn weights_from_bytes(
    spec: &ModelSpec,
    vocab: u32,
    outputs: Outputs,
    bytes: &[u8],
) -> Result<Tensor> {
    assemble(spec, vocab, outputs, unpack(bytes)?.0)
}

/// Flat weights out of named ones.
pub fn assemble(
    spec: &ModelSpec,
    vocab: u32,
    outputs: Outputs,
    mut tensors: HashMap<String, Tensor>,
) -> Result<Tensor> {
    let mut flat = vec![];
    for slot in layout(spec, vocab, outputs) {
        for (name, rows) in parts(spec, &slot) {
            let mut shape = slot.shape.clone();
            shape[0] = rows;
            let tensor = match tensors.remove(&name) {
                Some(tensor) => tensor,
                None if name.starts_with("score.") => {
                    Tensor::zeros(&shape[..], (Kind::Float, Device::Cpu))
                }
                None => return Err(broken(format!("{name} is missing"))),
            };
            if tensor.size() != shape {
                return Err(broken(format!(
                    "{name} has shape {:?}, the spec says {shape:?}",
                    tensor.size()
                )));
            }
            flat.push(tensor.view(-1));
        }
    }
    if let Some(name) = tensors.keys().find(|name| !name.starts_with("score.")) {
        return Err(broken(format!("{name} is not a weight of this model")));
    }
    Ok(Tensor::cat(&flat, 0))
}

/// Everything needed to go on as if nothing had happened.
#[derive(Debug)]
pub struct Resume {
    /// Flat, float.
    pub weights: Tensor,
    pub exp_avg: Tensor,
    pub exp_avg_sq: Tensor,
    /// A reference that has been refreshed since the start.
    pub reference: Option<Tensor>,
    /// The progress as JSON.
    pub state: String,
}

impl Resume {
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut tensors = vec![
            ("weights".to_string(), self.weights.shallow_clone()),
            ("exp_avg".to_string(), self.exp_avg.shallow_clone()),
            ("exp_avg_sq".to_string(), self.exp_avg_sq.shallow_clone()),
        ];
        if let Some(reference) = &self.reference {
            tensors.push(("reference".into(), reference.shallow_clone()));
        }
        pack(&tensors, &self.state)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (mut tensors, state) = unpack(bytes)?;
        let mut take = |name: &str| {
            tensors
                .remove(name)
                .ok_or_else(|| broken(format!("{name} is missing")))
        };
        Ok(Self {
            weights: take("weights")?,
            exp_avg: take("exp_avg")?,
            exp_avg_sq: take("exp_avg_sq")?,
            reference: take("reference").ok(),
            state,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::initial_weights;
    use assay_core::task::TaskSpec;
    use assay_core::task::modchain::Modchain;

    fn characters() -> Tokenizer {
        Tokenizer::characters(&TaskSpec::Modchain(Modchain::default()))
    }

    #[test]
    fn weights_survive_their_file_to_the_bit_under_the_usual_names() {
        for spec in [
            ModelSpec::default(),
            ModelSpec {
                qkv_bias: true,
                tied_head: true,
                kv_heads: 2,
                ..Default::default()
            },
        ] {
            let flat = initial_weights(&spec, 19, 4);
            let bytes = weights_to_bytes(&spec, &characters(), 19, Outputs::Tokens, &flat).unwrap();
            assert_eq!(
                bytes,
                weights_to_bytes(&spec, &characters(), 19, Outputs::Tokens, &flat).unwrap()
            );
            let file = SafeTensors::deserialize(&bytes).unwrap();
            assert!(
                file.names()
                    .contains(&"model.layers.1.self_attn.k_proj.weight")
            );
            assert_eq!(file.names().contains(&"lm_head.weight"), !spec.tied_head);
            assert!(
                weights_from_bytes(&spec, 19, Outputs::Tokens, &bytes)
                    .unwrap()
                    .equal(&flat)
            );
        }
    }

    #[test]
    fn a_scalar_head_starts_at_zero_survives_and_is_left_where_it_is_not_needed() {
        let spec = ModelSpec::default();
        let plain = initial_weights(&spec, 19, 4);
        let bytes = weights_to_bytes(&spec, &characters(), 19, Outputs::Tokens, &plain).unwrap();
        let path = std::env::temp_dir().join(format!("assay-about-{}", std::process::id()));
        std::fs::write(&path, &bytes).unwrap();
        let about = About::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(about.model, spec);
        let scored = weights_from_bytes(&spec, 19, Outputs::TokensAndScore, &bytes).unwrap();
        assert_eq!(
            scored.size()[0],
            plain.size()[0] + i64::from(spec.d_model) + 1
        );
        let scored = scored + 0.25;
        let bytes =
            weights_to_bytes(&spec, &characters(), 19, Outputs::TokensAndScore, &scored).unwrap();
        let again = weights_from_bytes(&spec, 19, Outputs::TokensAndScore, &bytes).unwrap();
        assert!(again.equal(&scored));
        let policy = weights_from_bytes(&spec, 19, Outputs::Tokens, &bytes).unwrap();
        assert!(policy.equal(&(plain + 0.25)));
    }

    #[test]
    fn a_file_of_another_shape_or_a_torn_one_is_refused() {
        let spec = ModelSpec::default();
        let bytes = weights_to_bytes(
            &spec,
            &characters(),
            19,
            Outputs::Tokens,
            &initial_weights(&spec, 19, 4),
        )
        .unwrap();
        let wider = ModelSpec { d_ff: 128, ..spec };
        assert!(
            weights_from_bytes(&wider, 19, Outputs::Tokens, &bytes)
                .unwrap_err()
                .to_string()
                .contains("shape")
        );
        assert!(weights_from_bytes(&spec, 19, Outputs::Tokens, &bytes[..bytes.len() - 4]).is_err());
        assert!(weights_from_bytes(&spec, 19, Outputs::Tokens, &[]).is_err());
    }
}
