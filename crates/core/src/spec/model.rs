//! The shape of a decoder.

use super::reader::{Reader, params};
use crate::task::TaskSpec;

/// Ends a completion where the vocabulary is the task's own.
const END_OF_TEXT: u32 = 2;

params! {
    /// A Llama/Qwen-style decoder: RMSNorm, rotary positions, grouped-query
    /// attention, SwiGLU. The vocabulary is the task's, or a checkpoint's own.
    pub struct ModelSpec {
        pub layers: u32 = 2, in 1.0..=128.0;
        pub d_model: u32 = 64, in 8.0..=16384.0;
        pub heads: u32 = 4, in 1.0..=256.0;
        /// Key/value heads; divides `heads`.
        pub kv_heads: u32 = 4, in 1.0..=256.0;
        /// Width of the gated feed-forward layer.
        pub d_ff: u32 = 176, in 8.0..=65536.0;
        /// Longest sequence, prompt included.
        pub context: u32 = 128, in 8.0..=131072.0;
        pub rope_theta: f64 = 10_000.0, in 1.0..=1e9;
        pub norm_eps: f64 = 1e-6, in 1e-12..=1e-2;
        /// Bias on the query, key and value projections, as Qwen2 has it.
        pub qkv_bias: bool = false;
        /// The output head shares the embedding's weights.
        pub tied_head: bool = false;
        /// Width of a head, where it is not d_model / heads (Qwen3).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub head_width: Option<u32> = None, in 2.0..=1024.0;
        /// RMSNorm on each head's queries and keys before they are turned (Qwen3).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pub qk_norm: bool = false;
        /// Tokens of a checkpoint's own vocabulary; without it the task's characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub vocabulary: Option<u32> = None, in 4.0..=4194304.0;
        /// The token of that vocabulary which ends a completion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub end_token: Option<u32> = None, in 0.0..=4194303.0;
    }
}

impl ModelSpec {
    pub fn head_dim(&self) -> u32 {
        // A file from elsewhere may say that it has no heads.
        self.head_width
            .unwrap_or_else(|| self.d_model / self.heads.max(1))
    }

    /// Rows of the embedding, where the model works on this task.
    pub fn vocab(&self, task: &TaskSpec) -> u32 {
        self.vocabulary.unwrap_or_else(|| task.vocab())
    }

    /// The token that ends a completion.
    pub fn end_of_text(&self) -> i64 {
        i64::from(self.end_token.unwrap_or(END_OF_TEXT))
    }

    /// Rules across fields.
    pub fn check(&self, reader: &Reader<'_>) {
        let divides = self.heads > 0 && self.d_model.is_multiple_of(self.heads);
        match self.head_width {
            None if !divides => {
                reader.report("heads", format!("must divide d_model ({})", self.d_model));
            }
            None if !self.head_dim().is_multiple_of(2) => reader.report(
                "heads",
                "d_model / heads must be even: rotary positions turn pairs",
            ),
            Some(width) if !width.is_multiple_of(2) => {
                reader.report("head_width", "must be even: rotary positions turn pairs");
            }
            None | Some(_) => {}
        }
        match (self.vocabulary, self.end_token) {
            (Some(vocabulary), Some(end)) if end >= vocabulary => {
                reader.report(
                    "end_token",
                    format!("must be below vocabulary ({vocabulary})"),
                );
            }
            (Some(_), None) => reader.report("end_token", "is required beside vocabulary"),
            (None, Some(_)) => reader.report("vocabulary", "is required beside end_token"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) {
            reader.report("kv_heads", format!("must divide heads ({})", self.heads));
        }
    }

    /// Weights that take part in a matrix product for one token, the head included
    /// (a tied one too); the embedding look-up is no product.
    pub fn matmul_parameters(&self, vocab: u32) -> u64 {
        let d = u64::from(self.d_model);
        let q = u64::from(self.heads) * u64::from(self.head_dim());
        let kv = u64::from(self.kv_heads) * u64::from(self.head_dim());
        let per_layer = d * q * 2 + d * kv * 2 + 3 * d * u64::from(self.d_ff);
        u64::from(self.layers) * per_layer + d * u64::from(vocab)
    }

    /// All trainable numbers.
    pub fn parameters(&self, vocab: u32) -> u64 {
        let d = u64::from(self.d_model);
        let hd = u64::from(self.head_dim());
        let kv = u64::from(self.kv_heads) * hd;
        let q = u64::from(self.heads) * hd;
        let bias = if self.qkv_bias { q + 2 * kv } else { 0 };
        let norms = 2 * d + if self.qk_norm { 2 * hd } else { 0 };
        let embedding = if self.tied_head {
            0
        } else {
            d * u64::from(vocab)
        };
        self.matmul_parameters(vocab) + embedding + u64::from(self.layers) * (norms + bias) + d
    }
}
