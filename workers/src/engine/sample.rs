//! From logits to tokens.

use tch::{Kind, Tensor};

/// How a next token is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Sampling {
    pub temperature: f64,
    pub top_p: f64,
}

/// Draws one token from one row of logits by inversion: the token whose
/// cumulative probability first exceeds `uniform`. Returns it with its
/// log-probability under softmax(logits / T), before top-p cuts: the quantity
/// that training recomputes. A `barred` token is never drawn. `scratch` is reused
/// between calls.
pub fn draw(
    logits: &[f32],
    sampling: Sampling,
    barred: Option<usize>,
    uniform: f32,
    scratch: &mut Vec<f32>,
) -> (i64, f32) {
    let scale = (1.0 / sampling.temperature) as f32;
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scratch.clear();
    scratch.extend(logits.iter().map(|l| ((l - top) * scale).exp()));
    let total: f32 = scratch.iter().sum();
    let log_total = total.ln();
    let mut kept = total;
    if let Some(barred) = barred {
        kept -= scratch[barred];
        scratch[barred] = 0.0;
    }
    if sampling.top_p < 1.0 {
        kept = cut_tail(scratch, kept * sampling.top_p as f32);
    }
    let goal = uniform * kept;
    let mut reached = 0.0;
    let mut chosen = None;
    for (token, &weight) in scratch.iter().enumerate() {
        if weight > 0.0 {
            reached += weight;
            chosen = Some(token);
            if reached > goal {
                break;
            }
        }
    }
    // Not-a-number logits leave nothing to choose: token 0, whose NaN log-probability is noticed.
    let token = chosen.unwrap_or(0);
    (token as i64, (logits[token] - top) * scale - log_total)
}

/// Zeroes the least likely weights, keeping the smallest set that holds `mass`; returns what is kept.
fn cut_tail(weights: &mut [f32], mass: f32) -> f32 {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b)));
    let mut kept = 0.0;
    for token in order {
        if kept >= mass {
            weights[token] = 0.0;
        } else {
            kept += weights[token];
        }
    }
    kept
}

/// The same on the device, by the Gumbel trick with exponential noise from
/// libtorch's generator: equal in distribution, without leaving the device.
/// logits (B, V) -> tokens (B), log-probabilities (B).
pub fn draw_on_device(
    logits: &Tensor,
    sampling: Sampling,
    barred: Option<i64>,
) -> (Tensor, Tensor) {
    let scaled = logits.to_kind(Kind::Float) / sampling.temperature;
    let logp = scaled.log_softmax(-1, Kind::Float);
    let mut p = logp.exp();
    if let Some(barred) = barred {
        let _ = p.select(-1, barred).fill_(0.0);
    }
    if sampling.top_p < 1.0 {
        let (sorted, order) = p.sort(-1, true);
        let before = sorted.cumsum(-1, Kind::Float) - &sorted;
        let kept = sorted.masked_fill(
            &before.ge_tensor(&(sorted.sum_dim_intlist(-1, true, Kind::Float) * sampling.top_p)),
            0.0,
        );
        p = p.zeros_like().scatter(-1, &order, &kept);
    }
    let noise = p.empty_like().exponential_(1.0);
    let tokens = (p / noise).argmax(-1, false);
    let logp = logp
        .gather(-1, &tokens.unsqueeze(-1), false)
        .squeeze_dim(-1);
    (tokens, logp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_core::rng::Uniform;

    const PLAIN: Sampling = Sampling {
        temperature: 1.0,
        top_p: 1.0,
    };

    #[test]
    fn draws_follow_the_softmax() {
        let logits = [0.0_f32, 1.0, -2.0, 0.5];
        let total: f32 = logits.iter().map(|l| l.exp()).sum();
        let uniform = Uniform::new(5, "sample");
        let mut counts = [0_u32; 4];
        let mut scratch = vec![];
        for i in 0..40_000 {
            let (token, logp) = draw(&logits, PLAIN, None, uniform.at(i, 0, 0, 0), &mut scratch);
            counts[token as usize] += 1;
            assert!((logp - (logits[token as usize] - total.ln())).abs() < 1e-5);
        }
        for (count, logit) in counts.iter().zip(logits) {
            let p = f64::from(logit.exp() / total);
            let deviation = (f64::from(*count) / 40_000.0 - p) / (p * (1.0 - p) / 40_000.0).sqrt();
            assert!(deviation.abs() < 4.0, "{counts:?}");
        }
    }

    #[test]
    fn top_p_keeps_the_smallest_set_that_holds_the_mass() {
        let logits = [2.0_f32, 1.0, 0.0, -1.0];
        let mut scratch = vec![];
        let narrow = Sampling {
            temperature: 1.0,
            top_p: 0.6,
        };
        for i in 0..100 {
            assert_eq!(
                draw(&logits, narrow, None, i as f32 / 100.0, &mut scratch).0,
                0
            );
        }
        let wider = Sampling {
            temperature: 1.0,
            top_p: 0.8,
        };
        let seen: std::collections::BTreeSet<i64> = (0..100)
            .map(|i| draw(&logits, wider, None, i as f32 / 100.0, &mut scratch).0)
            .collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn a_low_temperature_takes_the_best_and_the_edge_of_the_unit_interval_is_safe() {
        let logits = [0.0_f32, 3.0, 1.0];
        let mut scratch = vec![];
        let cold = Sampling {
            temperature: 0.01,
            top_p: 1.0,
        };
        for u in [0.0, 0.5, 0.999_999_94] {
            assert_eq!(draw(&logits, cold, None, u, &mut scratch).0, 1);
        }
        assert_eq!(draw(&logits, PLAIN, None, 0.999_999_94, &mut scratch).0, 2);
    }
}
