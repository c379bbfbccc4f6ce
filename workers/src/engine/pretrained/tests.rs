use super::*;
use crate::engine::model::Model;
use safetensors::tensor::Dtype;

#[path = "../../../tests/worker/folder.rs"]
mod folder;

struct Own(PathBuf);

impl Own {
    fn new(name: &str, kind: &str, vocab: usize, dtype: Dtype) -> Self {
        let path = std::env::temp_dir().join(format!("assay-{name}-{}", std::process::id()));
        folder::write(&path, kind, vocab, dtype);
        Self(path)
    }

    fn change(&self, key: &str, value: serde_json::Value) {
        let path = self.0.join("config.json");
        let text = std::fs::read_to_string(&path).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        config[key] = value;
        std::fs::write(path, config.to_string()).unwrap();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Logits of the last position, as the transformers library (5.17, torch 2.11, eager
/// attention, float) computes them for the same weights.
const REFERENCE: [(&str, [f64; 8]); 3] = [
    (
        "llama",
        [
            0.15103, 0.57119, 0.91684, 1.14288, 1.21982, 1.13762, 0.90701, 0.55806,
        ],
    ),
    (
        "qwen2",
        [
            -0.18589, 0.27325, 0.69674, 1.02934, 1.22765, 1.2658, 1.13881, 0.86326,
        ],
    ),
    (
        "qwen3",
        [
            -0.10936, -0.05862, -0.00023, 0.05819, 0.10902, 0.14562, 0.16323, 0.15954,
        ],
    ),
];

#[test]
fn every_family_gives_the_logits_of_the_transformers_library() {
    for (kind, expected) in REFERENCE {
        let own = Own::new(&format!("logits-{kind}"), kind, 23, Dtype::F32);
        let spec = shape(&own.0).unwrap();
        let flat = load(&own.0, &spec, 23).unwrap();
        let model = Model::new(&spec, 23, Outputs::Tokens, &flat, false);
        let ids = Tensor::from_slice(&[3_i64, 17, 5, 9, 22, 1, 14]).unsqueeze(0);
        let last = model.forward(&ids).select(0, 0).select(0, 6);
        for (i, expected) in expected.iter().enumerate() {
            let found = last.double_value(&[i as i64]);
            assert!((found - expected).abs() < 2e-5, "{kind} {i}: {found}");
        }
    }
}

#[test]
fn half_precision_files_and_several_files_are_one_model() {
    let whole = Own::new("whole", "llama", 23, Dtype::BF16);
    let spec = shape(&whole.0).unwrap();
    let flat = load(&whole.0, &spec, 23).unwrap();
    assert_eq!(flat.size1().unwrap() as u64, spec.parameters(23));
    // What bf16 cuts off is below one part in 128.
    let full = Own::new("full", "llama", 23, Dtype::F32);
    let exact = load(&full.0, &spec, 23).unwrap();
    let worst = ((&flat - &exact) / (exact.abs() + 1e-3)).abs().max();
    assert!(worst.double_value(&[]) < 1.0 / 128.0);

    let bytes = std::fs::read(whole.0.join("model.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let parts = Own::new("parts", "llama", 23, Dtype::BF16);
    std::fs::remove_file(parts.0.join("model.safetensors")).unwrap();
    let mut map = serde_json::Map::new();
    for (n, name) in ["a.safetensors", "b.safetensors"].iter().enumerate() {
        let own: Vec<_> = file
            .iter()
            .filter(|(tensor, _)| tensor.len() % 2 == n)
            .collect();
        for (tensor, _) in &own {
            map.insert((*tensor).to_string(), (*name).into());
        }
        std::fs::write(
            parts.0.join(name),
            safetensors::serialize(own, None).unwrap(),
        )
        .unwrap();
    }
    let index = serde_json::json!({ "weight_map": map }).to_string();
    std::fs::write(parts.0.join("model.safetensors.index.json"), index).unwrap();
    assert!(load(&parts.0, &spec, 23).unwrap().equal(&flat));
    assert_ne!(
        fingerprint(&parts.0).unwrap(),
        fingerprint(&whole.0).unwrap()
    );
}

#[test]
fn what_cannot_be_computed_is_named() {
    for (key, value, message) in [
        ("model_type", "gpt2".into(), "type \"gpt2\""),
        ("attention_bias", true.into(), "attention_bias"),
        ("hidden_act", "gelu".into(), "hidden_act \"gelu\""),
        ("use_sliding_window", true.into(), "use_sliding_window"),
        (
            "rope_scaling",
            serde_json::json!({"rope_type": "llama3", "factor": 8.0}),
            "rope_scaling of type \"llama3\"",
        ),
        ("eos_token_id", serde_json::Value::Null, "eos_token_id"),
        ("hidden_size", "wide".into(), "config.json"),
    ] {
        let own = Own::new("refused", "llama", 23, Dtype::F32);
        own.change(key, value);
        let error = shape(&own.0).unwrap_err().to_string();
        assert!(error.contains(message), "{key}: {error}");
    }
    let own = Own::new("index", "llama", 23, Dtype::F32);
    let index = r#"{"weight_map": {"x": "../../etc/passwd"}}"#;
    std::fs::write(own.0.join("model.safetensors.index.json"), index).unwrap();
    assert!(fingerprint(&own.0).unwrap_err().to_string().contains(".."));
}

#[test]
fn only_a_shorter_context_may_differ_from_the_files() {
    let own = Own::new("fits", "qwen2", 23, Dtype::F32);
    let found = shape(&own.0).unwrap();
    let with = |change: fn(&mut ModelSpec)| {
        let mut asked = found.clone();
        change(&mut asked);
        fits(&found, &asked).map_err(|e| e.to_string())
    };
    assert_eq!(with(|_| ()), Ok(()));
    assert_eq!(with(|m| m.context = 64), Ok(()));
    assert!(with(|m| m.context = 512).unwrap_err().contains("512"));
    assert!(with(|m| m.layers = 3).unwrap_err().contains("\"layers\":3"));
    assert!(with(|m| m.end_token = Some(1)).is_err());
    // Files that do not hold what their own config says.
    own.change("intermediate_size", 32.into());
    let error = load(&own.0, &shape(&own.0).unwrap(), 23).unwrap_err();
    assert!(error.to_string().contains("shape"), "{error}");
}

#[test]
fn the_text_for_an_experiment_names_the_shape_and_the_files() {
    let own = Own::new("described", "qwen3", 98, Dtype::F32);
    let text = describe(&own.0).unwrap();
    assert!(text.contains("kind: checkpoint") && text.contains(&fingerprint(&own.0).unwrap()));
    assert!(text.contains("qk_norm: true") && text.contains("head_width: 6"));
    assert!(text.contains("vocabulary: 98") && text.contains("end_token: 0"));
    let missing = describe(Path::new("/nowhere")).unwrap_err().to_string();
    assert!(missing.contains("/nowhere/config.json"), "{missing}");
}
