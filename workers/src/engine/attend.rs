//! Attention of one new position to its cached past, on the CPU. libtorch's
//! kernels call a matrix product for every row and head, which at this size is
//! nearly all overhead: for 64 rows of a 4 x 128 model it took most of a decode step.

use tch::{Kind, Tensor};

/// q (B, H, 1, hd); keys and values (B, KV, capacity, hd), contiguous floats, of which
/// the first `length` positions are past. Returns (B, 1, H * hd).
pub fn attend_one(q: &Tensor, keys: &Tensor, values: &Tensor, length: usize) -> Tensor {
    let (rows, heads, hd) = (
        q.size()[0] as usize,
        q.size()[1] as usize,
        q.size()[3] as usize,
    );
    let (kv_heads, capacity) = (keys.size()[1] as usize, keys.size()[2] as usize);
    let q = q.contiguous();
    let out = Tensor::zeros(
        [rows as i64, 1, (heads * hd) as i64],
        (Kind::Float, q.device()),
    );
    let cached = rows * kv_heads * capacity * hd;
    for tensor in [keys, values] {
        assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float && tensor.numel() == cached);
    }
    assert!(length <= capacity && q.kind() == Kind::Float);
    // SAFETY: contiguous float tensors on the CPU of just the asserted sizes; `out` is
    // new and nobody else's, and none of them is freed or resized before the return.
    let (q, k, v, o) = unsafe {
        (
            std::slice::from_raw_parts(q.data_ptr() as *const f32, rows * heads * hd),
            std::slice::from_raw_parts(keys.data_ptr() as *const f32, cached),
            std::slice::from_raw_parts(values.data_ptr() as *const f32, cached),
            std::slice::from_raw_parts_mut(out.data_ptr() as *mut f32, rows * heads * hd),
        )
    };
    let shape = Shape {
        rows,
        heads,
        kv_heads,
        capacity,
        hd,
        length,
    };
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the features were just found.
        unsafe { attend_avx2(shape, q, k, v, o) };
        return out;
    }
    attend(shape, q, k, v, o);
    out
}

#[derive(Clone, Copy)]
struct Shape {
    rows: usize,
    heads: usize,
    kv_heads: usize,
    capacity: usize,
    hd: usize,
    length: usize,
}

/// The same code, compiled for wider vectors.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn attend_avx2(shape: Shape, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32]) {
    attend(shape, q, k, v, out);
}

#[inline(always)]
fn attend(s: Shape, q: &[f32], k: &[f32], v: &[f32], out: &mut [f32]) {
    let scale = 1.0 / (s.hd as f32).sqrt();
    let per_kv = s.heads / s.kv_heads;
    let mut weights = vec![0.0_f32; s.length];
    for row in 0..s.rows {
        for head in 0..s.heads {
            let past = (row * s.kv_heads + head / per_kv) * s.capacity * s.hd;
            let at = (row * s.heads + head) * s.hd;
            let query = &q[at..at + s.hd];
            let mut top = f32::NEG_INFINITY;
            for (weight, key) in weights.iter_mut().zip(k[past..].chunks_exact(s.hd)) {
                *weight = dot(query, key) * scale;
                top = top.max(*weight);
            }
            let mut total = 0.0;
            for weight in &mut weights {
                *weight = (*weight - top).exp();
                total += *weight;
            }
            let target = &mut out[at..at + s.hd];
            for (weight, value) in weights.iter().zip(v[past..].chunks_exact(s.hd)) {
                let share = weight / total;
                for (o, x) in target.iter_mut().zip(value) {
                    *o += share * x;
                }
            }
        }
    }
}

/// Eight running sums, so that the compiler may use vectors without changing the result.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a8
        .remainder()
        .iter()
        .zip(b8.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    #[test]
    fn agrees_with_libtorch_for_grouped_and_odd_heads() {
        for (heads, kv, hd, length, capacity) in
            [(4, 4, 32, 7, 20), (6, 2, 10, 20, 20), (3, 1, 4, 1, 5)]
        {
            let rand = |shape: [i64; 4]| Tensor::randn(shape, (Kind::Float, Device::Cpu));
            let (q, k, v) = (
                rand([5, heads, 1, hd]),
                rand([5, kv, capacity, hd]),
                rand([5, kv, capacity, hd]),
            );
            let expected = Tensor::scaled_dot_product_attention::<Tensor>(
                &q,
                &k.narrow(2, 0, length),
                &v.narrow(2, 0, length),
                None,
                0.0,
                false,
                None,
                true,
            );
            let found = attend_one(&q, &k, &v, length as usize).view([5, heads, 1, hd]);
            assert!((found - expected).abs().max().double_value(&[]) < 1e-5);
        }
    }
}
