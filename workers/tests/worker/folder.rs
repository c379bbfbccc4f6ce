//! A tiny model in the layout of Hugging Face's folders. Each weight is a wave that
//! depends on its name, so that other programs can make the same model.

use safetensors::tensor::{Dtype, TensorView};
use std::path::Path;

const LAYERS: usize = 2;
const D: usize = 16;
const FF: usize = 24;
const HEADS: usize = 4;
const KV: usize = 2;

/// `kind`: llama, qwen2 or qwen3.
pub fn write(folder: &Path, kind: &str, vocab: usize, dtype: Dtype) {
    std::fs::create_dir_all(folder).unwrap();
    let tied = kind != "llama";
    let head = if kind == "qwen3" { 6 } else { D / HEADS };
    let mut config = serde_json::json!({
        "model_type": kind, "vocab_size": vocab, "hidden_size": D, "intermediate_size": FF,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "hidden_act": "silu",
        "tie_word_embeddings": tied, "eos_token_id": 0,
    });
    if kind == "qwen3" {
        config["head_dim"] = head.into();
        // The newer way to write it.
        config["rope_parameters"] =
            serde_json::json!({"rope_type": "default", "rope_theta": 1_000_000.0});
    } else {
        let theta = if kind == "llama" {
            10_000.0
        } else {
            1_000_000.0
        };
        config["rope_theta"] = theta.into();
    }
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.join("tokenizer.json"), tokenizer()).unwrap();
    let mut tensors: Vec<(String, Vec<usize>)> = vec![
        ("model.embed_tokens.weight".into(), vec![vocab, D]),
        ("model.norm.weight".into(), vec![D]),
    ];
    if !tied {
        tensors.push(("lm_head.weight".into(), vec![vocab, D]));
    }
    for layer in 0..LAYERS {
        let mut add = |name: &str, shape: &[usize]| {
            tensors.push((format!("model.layers.{layer}.{name}"), shape.to_vec()));
        };
        add("input_layernorm.weight", &[D]);
        add("post_attention_layernorm.weight", &[D]);
        add("mlp.gate_proj.weight", &[FF, D]);
        add("mlp.up_proj.weight", &[FF, D]);
        add("mlp.down_proj.weight", &[D, FF]);
        add("self_attn.o_proj.weight", &[D, HEADS * head]);
        for (part, heads) in [("q", HEADS), ("k", KV), ("v", KV)] {
            add(&format!("self_attn.{part}_proj.weight"), &[heads * head, D]);
            if kind == "qwen2" {
                add(&format!("self_attn.{part}_proj.bias"), &[heads * head]);
            }
        }
        if kind == "qwen3" {
            add("self_attn.q_norm.weight", &[head]);
            add("self_attn.k_norm.weight", &[head]);
        }
    }
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(name, shape)| values(name, shape, dtype))
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape), bytes)| {
        let view = TensorView::new(dtype, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    let file = safetensors::serialize(views, None).unwrap();
    std::fs::write(folder.join("model.safetensors"), file).unwrap();
}

fn values(name: &str, shape: &[usize], dtype: Dtype) -> Vec<u8> {
    let matrix = shape.len() > 1;
    let (scale, middle) = match (matrix, name.ends_with("bias")) {
        (true, _) => (0.5, 0.0),
        (false, true) => (0.1, 0.0),
        (false, false) => (0.1, 1.0),
    };
    let phase: u32 = name.bytes().map(u32::from).sum();
    (0..shape.iter().product())
        .flat_map(|i: usize| {
            let value = ((i as f64 * 0.37 + f64::from(phase)).sin() * scale + middle) as f32;
            match dtype {
                Dtype::F32 => value.to_le_bytes().to_vec(),
                // The upper half, cut off.
                Dtype::BF16 => value.to_le_bytes()[2..].to_vec(),
                other => panic!("no {other:?} here"),
            }
        })
        .collect()
}

/// One token a printable character; 98 of them.
fn tokenizer() -> String {
    let mut vocab = serde_json::Map::new();
    let words = ["<|end|>".to_string(), "[UNK]".into(), "\n".into()];
    let printable = (b' '..=b'~').map(|c| char::from(c).to_string());
    for (id, word) in words.into_iter().chain(printable).enumerate() {
        vocab.insert(word, id.into());
    }
    serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": [{"id": 0, "content": "<|end|>", "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true}],
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(?s)."}, "behavior": "Isolated", "invert": false},
        "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"},
    })
    .to_string()
}
