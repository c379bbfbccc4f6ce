//! The shape of a decoder.

use super::reader::{Reader, params};

params! {
    /// A Llama/Qwen-style decoder: RMSNorm, rotary positions, grouped-query
    /// attention, SwiGLU. The vocabulary is the task's.
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
    }
}

impl ModelSpec {
    pub fn head_dim(&self) -> u32 {
        self.d_model / self.heads
    }

    /// Rules across fields.
    pub fn check(&self, reader: &Reader<'_>) {
        if self.heads == 0 || !self.d_model.is_multiple_of(self.heads) {
            reader.report("heads", format!("must divide d_model ({})", self.d_model));
        } else if !self.head_dim().is_multiple_of(2) {
            reader.report(
                "heads",
                "d_model / heads must be even: rotary positions turn pairs",
            );
        }
        if self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) {
            reader.report("kv_heads", format!("must divide heads ({})", self.heads));
        }
    }

    /// Weights that take part in a matrix product for one token, the head included
    /// (a tied one too); the embedding look-up is no product.
    pub fn matmul_parameters(&self, vocab: u32) -> u64 {
        let d = u64::from(self.d_model);
        let kv = u64::from(self.kv_heads) * u64::from(self.head_dim());
        let per_layer = d * d * 2 + d * kv * 2 + 3 * d * u64::from(self.d_ff);
        u64::from(self.layers) * per_layer + d * u64::from(vocab)
    }

    /// All trainable numbers.
    pub fn parameters(&self, vocab: u32) -> u64 {
        let d = u64::from(self.d_model);
        let kv = u64::from(self.kv_heads) * u64::from(self.head_dim());
        let bias = if self.qkv_bias { d + 2 * kv } else { 0 };
        let embedding = if self.tied_head {
            0
        } else {
            d * u64::from(vocab)
        };
        self.matmul_parameters(vocab) + embedding + u64::from(self.layers) * (2 * d + bias) + d
    }
}
