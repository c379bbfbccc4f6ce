//! A Llama/Qwen-style decoder: RMSNorm, rotary positions, grouped-query
//! attention, SwiGLU, optional bias on q, k and v, tied or untied head.
//!
//! Deviations: q, k and v are one product, gate and up another (fewer calls;
//! files carry the usual separate names). All weights are views of one flat
//! tensor, so that the optimiser is a handful of operations whatever the depth.

use super::attend::attend_one;
use assay_core::rng::Uniform;
use assay_core::spec::ModelSpec;
use tch::{Device, Kind, Tensor};

/// Name, shape and the standard deviation of its random start (0: ones, negative: zeros).
#[derive(Debug, Clone)]
pub struct Slot {
    pub name: String,
    pub shape: Vec<i64>,
    start: f64,
}

impl Slot {
    pub fn size(&self) -> i64 {
        self.shape.iter().product()
    }

    /// Matrices are decayed, norms and biases are not.
    pub fn is_matrix(&self) -> bool {
        self.shape.len() == 2
    }
}

/// What a network gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// Logits of the next token.
    Tokens,
    /// And one number a position: a step's score, a node's value.
    TokensAndScore,
}

/// Where each weight stands in the flat tensor: matrices first.
pub fn layout(spec: &ModelSpec, vocab: u32, outputs: Outputs) -> Vec<Slot> {
    let (d, v) = (i64::from(spec.d_model), i64::from(vocab));
    let (hd, ff) = (i64::from(spec.head_dim()), i64::from(spec.d_ff));
    let q = i64::from(spec.heads) * hd;
    let qkv = (i64::from(spec.heads) + 2 * i64::from(spec.kv_heads)) * hd;
    let fan = |n: i64| 1.0 / (n as f64).sqrt();
    // Branches into the residual stream start smaller with depth (GPT-2, section 2.3).
    let depth = 1.0 / (2.0 * f64::from(spec.layers)).sqrt();
    let slot = |name: String, shape: &[i64], start: f64| Slot {
        name,
        shape: shape.to_vec(),
        start,
    };
    let mut slots = vec![slot("embed".into(), &[v, d], fan(d))];
    for i in 0..spec.layers {
        slots.push(slot(format!("{i}.qkv"), &[qkv, d], fan(d)));
        slots.push(slot(format!("{i}.o"), &[d, q], fan(q) * depth));
        slots.push(slot(format!("{i}.gate_up"), &[2 * ff, d], fan(d)));
        slots.push(slot(format!("{i}.down"), &[d, ff], fan(ff) * depth));
    }
    if !spec.tied_head {
        slots.push(slot("head".into(), &[v, d], fan(d)));
    }
    // A new head starts at zero: a score of one half.
    if outputs == Outputs::TokensAndScore {
        slots.push(slot("score".into(), &[1, d], -1.0));
    }
    for i in 0..spec.layers {
        slots.push(slot(format!("{i}.norm1"), &[d], 0.0));
        slots.push(slot(format!("{i}.norm2"), &[d], 0.0));
        if spec.qk_norm {
            slots.push(slot(format!("{i}.q_norm"), &[hd], 0.0));
            slots.push(slot(format!("{i}.k_norm"), &[hd], 0.0));
        }
        if spec.qkv_bias {
            slots.push(slot(format!("{i}.qkv_bias"), &[qkv], -1.0));
        }
    }
    slots.push(slot("norm".into(), &[d], 0.0));
    if outputs == Outputs::TokensAndScore {
        slots.push(slot("score_bias".into(), &[1], -1.0));
    }
    slots
}

/// Random starting weights, flat, from our own generator: the same on every machine.
pub fn initial_weights(spec: &ModelSpec, vocab: u32, seed: u64) -> Tensor {
    let uniform = Uniform::new(seed, "weights");
    let mut values: Vec<f32> = vec![];
    for (index, slot) in layout(spec, vocab, Outputs::Tokens).iter().enumerate() {
        let mut stream = uniform.stream(index as u32, 0);
        for _ in 0..slot.size() {
            values.push(if slot.start > 0.0 {
                // Box-Muller; 1 - u keeps the logarithm finite.
                let radius = (-2.0 * (1.0 - stream.next_f64()).ln()).sqrt();
                (slot.start * radius * (std::f64::consts::TAU * stream.next_f64()).cos()) as f32
            } else if slot.start == 0.0 {
                1.0
            } else {
                0.0
            });
        }
    }
    Tensor::from_slice(&values)
}

#[derive(Debug)]
struct Layer {
    norm1: Tensor,
    qkv: Tensor,
    qkv_bias: Option<Tensor>,
    /// Of the queries and of the keys, each head alike.
    qk_norm: Option<(Tensor, Tensor)>,
    o: Tensor,
    norm2: Tensor,
    gate_up: Tensor,
    down: Tensor,
}

/// The decoder over one flat tensor of weights.
#[derive(Debug)]
pub struct Model {
    pub spec: ModelSpec,
    pub vocab: u32,
    layers: Vec<Layer>,
    embed: Tensor,
    head: Tensor,
    norm: Tensor,
    /// Weight (1, d_model) and bias (1).
    score: Option<(Tensor, Tensor)>,
    /// Rotary tables, (context, head_dim).
    cos: Tensor,
    sin: Tensor,
    /// Every weight once, in layout order: what gradients are taken for.
    pub leaves: Vec<Tensor>,
}

/// Keys and values of past positions: per layer, (B, kv_heads, capacity, head_dim).
#[derive(Debug)]
pub struct Cache {
    pub keys: Vec<Tensor>,
    pub values: Vec<Tensor>,
    /// Padding before prompts that are shorter than the longest: (B, capacity), true where
    /// nothing may be attended to. Rotary positions tell distances alone, so a text may
    /// begin anywhere.
    pub hidden: Option<Tensor>,
}

impl Cache {
    /// Keeps the given rows, in that order; a row may be taken several times.
    pub fn select(&mut self, rows: &Tensor) {
        let both = self.keys.iter_mut().chain(self.values.iter_mut());
        for tensor in both.chain(&mut self.hidden) {
            *tensor = tensor.index_select(0, rows);
        }
    }
}

impl Model {
    /// Views into `flat` (1-D, on its device, of its kind); `trainable` makes them
    /// leaves of the gradient graph of their own, so that threads never share one.
    pub fn new(
        spec: &ModelSpec,
        vocab: u32,
        outputs: Outputs,
        flat: &Tensor,
        trainable: bool,
    ) -> Self {
        let mut at = 0;
        let mut named = std::collections::HashMap::new();
        let mut leaves = vec![];
        for slot in layout(spec, vocab, outputs) {
            let view = flat
                .detach()
                .narrow(0, at, slot.size())
                .view(&slot.shape[..]);
            at += slot.size();
            let leaf = view.set_requires_grad(trainable);
            leaves.push(leaf.shallow_clone());
            named.insert(slot.name, leaf);
        }
        let mut take = |name: String| named.remove(&name).expect("the layout has every weight");
        let layers = (0..spec.layers)
            .map(|i| Layer {
                norm1: take(format!("{i}.norm1")),
                qkv: take(format!("{i}.qkv")),
                qkv_bias: spec.qkv_bias.then(|| take(format!("{i}.qkv_bias"))),
                qk_norm: spec
                    .qk_norm
                    .then(|| (take(format!("{i}.q_norm")), take(format!("{i}.k_norm")))),
                o: take(format!("{i}.o")),
                norm2: take(format!("{i}.norm2")),
                gate_up: take(format!("{i}.gate_up")),
                down: take(format!("{i}.down")),
            })
            .collect();
        let embed = take("embed".into());
        let head = if spec.tied_head {
            embed.shallow_clone()
        } else {
            take("head".into())
        };
        let norm = take("norm".into());
        let score = (outputs == Outputs::TokensAndScore)
            .then(|| (take("score".into()), take("score_bias".into())));
        let (cos, sin) = rotary_tables(spec, flat.device(), flat.kind());
        Self {
            spec: spec.clone(),
            vocab,
            layers,
            embed,
            head,
            norm,
            score,
            cos,
            sin,
            leaves,
        }
    }

    pub fn device(&self) -> Device {
        self.embed.device()
    }

    /// Hidden states to logits of every position. `ids` (B, T), right-padded;
    /// returns (B, T, V). Padding follows the text, so the causal mask hides it.
    pub fn forward(&self, ids: &Tensor) -> Tensor {
        self.logits(&self.hidden(ids))
    }

    /// Final hidden states, (B, T, d_model).
    pub fn hidden(&self, ids: &Tensor) -> Tensor {
        let length = ids.size()[1];
        let (cos, sin) = (self.cos.narrow(0, 0, length), self.sin.narrow(0, 0, length));
        let mut x = Tensor::embedding(&self.embed, ids, -1, false, false);
        for layer in &self.layers {
            let (q, k, v) = self.project(layer, &x, &cos, &sin);
            let attended = Tensor::scaled_dot_product_attention::<Tensor>(
                &q,
                &k,
                &v,
                None,
                0.0,
                length > 1,
                None,
                self.spec.kv_heads < self.spec.heads,
            );
            x = self.finish_layer(layer, x, &merge_heads(&attended));
        }
        self.rms_norm(&x, &self.norm)
    }

    /// (…, d_model) to (…, V).
    pub fn logits(&self, hidden: &Tensor) -> Tensor {
        hidden.linear::<Tensor>(&self.head, None)
    }

    /// (B, T, d_model) to the scalar head's numbers before the sigmoid, (B, T), float.
    ///
    /// # Panics
    /// For a network without that head.
    pub fn scores(&self, hidden: &Tensor) -> Tensor {
        let (weight, bias) = self.score.as_ref().expect("the network has a scalar head");
        hidden
            .linear(weight, Some(bias))
            .squeeze_dim(-1)
            .to_kind(Kind::Float)
    }

    pub fn empty_cache(&self, rows: i64, capacity: i64) -> Cache {
        let shape = [
            rows,
            i64::from(self.spec.kv_heads),
            capacity,
            i64::from(self.spec.head_dim()),
        ];
        let make = || {
            (0..self.layers.len())
                .map(|_| Tensor::zeros(shape, (self.embed.kind(), self.device())))
                .collect()
        };
        Cache {
            keys: make(),
            values: make(),
            hidden: None,
        }
    }

    /// Continues cached rows. `ids` (B, S) stand at positions `start..start + S`; S > 1
    /// only at `start` 0. Returns the logits of the last position, (B, V).
    pub fn forward_cached(&self, ids: &Tensor, start: i64, cache: &Cache) -> Tensor {
        let length = ids.size()[1];
        let (cos, sin) = (
            self.cos.narrow(0, start, length),
            self.sin.narrow(0, start, length),
        );
        let mask = cache.hidden.as_ref().filter(|_| length > 1);
        let mask = mask.map(|hidden| prompt_mask(&hidden.narrow(1, 0, length)));
        let mut x = Tensor::embedding(&self.embed, ids, -1, false, false);
        for (i, layer) in self.layers.iter().enumerate() {
            let (q, k, v) = self.project(layer, &x, &cos, &sin);
            cache.keys[i].narrow(2, start, length).copy_(&k);
            cache.values[i].narrow(2, start, length).copy_(&v);
            if length == 1 && self.device() == Device::Cpu && cache.hidden.is_none() {
                let attended =
                    attend_one(&q, &cache.keys[i], &cache.values[i], (start + 1) as usize);
                x = self.finish_layer(layer, x, &attended);
                continue;
            }
            let attended = if length > 1 {
                Tensor::scaled_dot_product_attention::<Tensor>(
                    &q,
                    &k,
                    &v,
                    mask.as_ref().map(Tensor::shallow_clone),
                    0.0,
                    mask.is_none(),
                    None,
                    self.spec.kv_heads < self.spec.heads,
                )
            } else {
                let keys = cache.keys[i].narrow(2, 0, start + 1);
                let values = cache.values[i].narrow(2, 0, start + 1);
                let hidden = cache.hidden.as_ref().map(|h| h.narrow(1, 0, start + 1));
                self.attend_grouped(&q, &keys, &values, hidden.as_ref())
            };
            x = self.finish_layer(layer, x, &merge_heads(&attended));
        }
        let last = x.narrow(1, length - 1, 1).squeeze_dim(1);
        self.logits(&self.rms_norm(&last, &self.norm))
    }

    /// One query per row: the heads of a group stand as positions, so that grouped
    /// keys are read once. Plain products: fused attention kernels plan anew for
    /// every length, and here each step has its own. q (B, H, 1, hd) -> (B, H, 1, hd).
    /// `hidden` (B, T): positions that are not attended to.
    fn attend_grouped(
        &self,
        q: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        hidden: Option<&Tensor>,
    ) -> Tensor {
        let (b, hd) = (q.size()[0], i64::from(self.spec.head_dim()));
        let (heads, kv) = (i64::from(self.spec.heads), i64::from(self.spec.kv_heads));
        let grouped = q.reshape([b, kv, heads / kv, hd]) * (1.0 / (hd as f64).sqrt());
        let scores = grouped.matmul(&keys.transpose(2, 3));
        let scores = match hidden {
            Some(hidden) => {
                scores.masked_fill(&hidden.unsqueeze(1).unsqueeze(1), f64::NEG_INFINITY)
            }
            None => scores,
        };
        let weights = scores.softmax(-1, Kind::Float);
        weights
            .to_kind(values.kind())
            .matmul(values)
            .reshape([b, heads, 1, hd])
    }

    /// x (B, S, d) to rotated q (B, H, S, hd), rotated k and v (B, KV, S, hd).
    fn project(
        &self,
        layer: &Layer,
        x: &Tensor,
        cos: &Tensor,
        sin: &Tensor,
    ) -> (Tensor, Tensor, Tensor) {
        let (b, s) = (x.size()[0], x.size()[1]);
        let (heads, kv) = (i64::from(self.spec.heads), i64::from(self.spec.kv_heads));
        let hd = i64::from(self.spec.head_dim());
        let qkv = self
            .rms_norm(x, &layer.norm1)
            .linear(&layer.qkv, layer.qkv_bias.as_ref())
            .view([b, s, heads + 2 * kv, hd])
            .transpose(1, 2);
        let qk = qkv.narrow(1, 0, heads + kv);
        let qk = match &layer.qk_norm {
            Some((q_norm, k_norm)) => {
                let norm = |from, n, weight| {
                    qk.narrow(1, from, n)
                        .rms_norm([hd], Some(weight), self.spec.norm_eps)
                };
                Tensor::cat(&[norm(0, heads, q_norm), norm(heads, kv, k_norm)], 1)
            }
            None => qk,
        };
        let qk = rotate(&qk, cos, sin);
        (
            qk.narrow(1, 0, heads),
            qk.narrow(1, heads, kv),
            qkv.narrow(1, heads + kv, kv),
        )
    }

    /// `attended` (B, S, d).
    fn finish_layer(&self, layer: &Layer, x: Tensor, attended: &Tensor) -> Tensor {
        let x = x + attended.linear::<Tensor>(&layer.o, None);
        let ff = i64::from(self.spec.d_ff);
        let gate_up = self
            .rms_norm(&x, &layer.norm2)
            .linear::<Tensor>(&layer.gate_up, None);
        let gated = gate_up.narrow(-1, 0, ff).silu() * gate_up.narrow(-1, ff, ff);
        x + gated.linear::<Tensor>(&layer.down, None)
    }

    fn rms_norm(&self, x: &Tensor, weight: &Tensor) -> Tensor {
        x.rms_norm(
            [i64::from(self.spec.d_model)],
            Some(weight),
            self.spec.norm_eps,
        )
    }
}

/// Which keys each query of padded prompts may see: (B, 1, T, T). A padded position sees
/// itself, for a row that sees nothing would be no number.
fn prompt_mask(hidden: &Tensor) -> Tensor {
    let length = hidden.size()[1];
    let options = (Kind::Bool, hidden.device());
    let causal = Tensor::ones([length, length], options).tril(0);
    let own = Tensor::eye(length, options);
    causal
        .logical_and(&hidden.logical_not().unsqueeze(1).unsqueeze(1))
        .logical_or(&own)
}

/// (B, H, S, hd) -> (B, S, H * hd).
fn merge_heads(attended: &Tensor) -> Tensor {
    let size = attended.size();
    attended
        .transpose(1, 2)
        .reshape([size[0], size[2], size[1] * size[3]])
}

/// Rotates pairs (i, i + hd/2) by their position's angle. x (B, H, S, hd); tables (S, hd).
fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor) -> Tensor {
    let half = x.size()[3] / 2;
    let turned = Tensor::cat(&[-x.narrow(3, half, half), x.narrow(3, 0, half)], 3);
    x * cos + turned * sin
}

fn rotary_tables(spec: &ModelSpec, device: Device, kind: Kind) -> (Tensor, Tensor) {
    let half = i64::from(spec.head_dim()) / 2;
    let options = (Kind::Float, Device::Cpu);
    let inverse = (Tensor::arange(half, options) * (-spec.rope_theta.ln() / half as f64)).exp();
    let angles =
        Tensor::arange(i64::from(spec.context), options).unsqueeze(1) * inverse.unsqueeze(0);
    let angles = Tensor::cat(&[&angles, &angles], 1).to_device(device);
    (angles.cos().to_kind(kind), angles.sin().to_kind(kind))
}

#[cfg(test)]
mod tests;
