//! Sequences to micro-batches: long ones together, padded to their own longest,
//! dealt to the threads in a fixed order.

use super::model::Model;
use super::tokenizer::PAD;
use super::{Result, parallel};
use tch::{Device, Kind, Tensor};

/// One sequence to learn from: its tokens, and where the completion begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    pub tokens: Vec<i64>,
    /// Index of the first token that is a target.
    pub target_from: usize,
}

impl Sequence {
    pub fn targets(&self) -> usize {
        self.tokens.len() - self.target_from
    }
}

/// A padded micro-batch on its device. Position t predicts token t + 1.
#[derive(Debug)]
pub struct Padded {
    /// (B, T): all tokens but each row's last.
    pub inputs: Tensor,
    /// (B, T): the tokens that follow.
    pub targets: Tensor,
    /// (B, T), float: 1 where the target counts.
    pub mask: Tensor,
}

impl Padded {
    pub fn new(rows: &[&Sequence], device: Device) -> Self {
        let width = rows.iter().map(|r| r.tokens.len()).max().unwrap_or(1) - 1;
        let mut inputs = vec![PAD; rows.len() * width];
        let mut targets = vec![PAD; rows.len() * width];
        let mut mask = vec![0.0_f32; rows.len() * width];
        for (row, sequence) in rows.iter().enumerate() {
            let length = sequence.tokens.len() - 1;
            inputs[row * width..row * width + length].copy_from_slice(&sequence.tokens[..length]);
            targets[row * width..row * width + length].copy_from_slice(&sequence.tokens[1..]);
            mask[row * width + sequence.target_from - 1..row * width + length].fill(1.0);
        }
        let shape = [rows.len() as i64, width as i64];
        Self {
            inputs: Tensor::from_slice(&inputs).view(shape).to_device(device),
            targets: Tensor::from_slice(&targets).view(shape).to_device(device),
            mask: Tensor::from_slice(&mask).view(shape).to_device(device),
        }
    }

    /// All tokens of each row, right-padded: (B, T).
    pub fn whole(rows: &[&Sequence], device: Device) -> Tensor {
        let width = rows.iter().map(|r| r.tokens.len()).max().unwrap_or(1);
        let mut ids = vec![PAD; rows.len() * width];
        for (row, sequence) in rows.iter().enumerate() {
            ids[row * width..row * width + sequence.tokens.len()].copy_from_slice(&sequence.tokens);
        }
        Tensor::from_slice(&ids)
            .view([rows.len() as i64, width as i64])
            .to_device(device)
    }

    /// Spreads one list of numbers a row over the target positions of that row: (B, T).
    pub fn spread(&self, rows: &[&Sequence], values: &[&[f32]]) -> Tensor {
        let width = self.inputs.size()[1] as usize;
        let mut out = vec![0.0_f32; rows.len() * width];
        for (row, (sequence, values)) in rows.iter().zip(values).enumerate() {
            let at = row * width + sequence.target_from - 1;
            out[at..at + values.len()].copy_from_slice(values);
        }
        Tensor::from_slice(&out)
            .view([rows.len() as i64, width as i64])
            .to_device(self.inputs.device())
    }
}

/// Indices of the sequences, longest first, in pieces of at most `size`.
pub fn micro_batches(sequences: &[Sequence], size: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(sequences[i].tokens.len()));
    order.chunks(size.max(1)).map(<[usize]>::to_vec).collect()
}

/// Sums the gradients of all micro-batches, and their statistics. Micro-batch i
/// belongs to thread i mod threads; each thread adds up its own in order, then the
/// threads' sums are added in order: the result does not depend on timing.
///
/// `loss` returns a scalar to differentiate and statistics of fixed length.
/// The gradient is flat, in the layout of the weights, as float.
pub fn gradients<L>(
    models: &mut [Model],
    micros: &[Vec<usize>],
    loss: L,
) -> Result<(Tensor, Vec<f64>)>
where
    L: Fn(&Model, &[usize]) -> Result<(Tensor, Vec<f64>)> + Sync,
{
    let threads = models.len().min(micros.len()).max(1);
    let loss = &loss;
    let jobs: Vec<_> = models
        .iter_mut()
        .take(threads)
        .enumerate()
        .map(|(thread, model)| {
            move || {
                let mut sum: Option<(Tensor, Vec<f64>)> = None;
                for micro in micros.iter().skip(thread).step_by(threads) {
                    let (value, stats) = loss(model, micro)?;
                    let parts = Tensor::run_backward(&[value], &model.leaves, false, false);
                    // A weight that took no part (the token head of a judge) has no gradient.
                    let flat: Vec<Tensor> = parts
                        .iter()
                        .zip(&model.leaves)
                        .map(|(g, leaf)| match g.defined() {
                            true => g.reshape([-1]),
                            false => leaf.zeros_like().detach().reshape([-1]),
                        })
                        .collect();
                    let flat = Tensor::cat(&flat, 0).to_kind(Kind::Float);
                    sum = Some(match sum {
                        None => (flat, stats),
                        Some((mut total, all)) => {
                            total += flat;
                            (total, add(all, &stats))
                        }
                    });
                }
                Ok(sum)
            }
        })
        .collect();
    let mut total: Option<(Tensor, Vec<f64>)> = None;
    for part in parallel::run(jobs)?.into_iter().flatten() {
        total = Some(match total {
            None => part,
            Some((mut gradient, stats)) => {
                gradient += part.0;
                (gradient, add(stats, &part.1))
            }
        });
    }
    total.ok_or_else(|| super::EngineError::BadConfig("a step without sequences".into()))
}

/// Evaluates every micro-batch without gradients; results in the order of the micro-batches.
pub fn evaluate<T, F>(models: &mut [Model], micros: &[Vec<usize>], each: F) -> Result<Vec<T>>
where
    T: Send,
    F: Fn(&Model, &[usize]) -> Result<T> + Sync,
{
    let threads = models.len();
    let each = &each;
    let jobs: Vec<_> = models
        .iter_mut()
        .enumerate()
        .map(|(thread, model)| {
            move || {
                tch::no_grad(|| {
                    micros
                        .iter()
                        .enumerate()
                        .skip(thread)
                        .step_by(threads)
                        .map(|(i, m)| Ok((i, each(model, m)?)))
                        .collect::<Result<Vec<_>>>()
                })
            }
        })
        .collect();
    let mut all: Vec<(usize, T)> = parallel::run(jobs)?.into_iter().flatten().collect();
    all.sort_by_key(|(i, _)| *i);
    Ok(all.into_iter().map(|(_, value)| value).collect())
}

fn add(mut all: Vec<f64>, more: &[f64]) -> Vec<f64> {
    for (a, b) in all.iter_mut().zip(more) {
        *a += b;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::{Outputs, initial_weights};
    use assay_core::spec::ModelSpec;

    fn sequences() -> Vec<Sequence> {
        (0..9_i64)
            .map(|i| Sequence {
                tokens: (0..6 + i % 4).map(|j| 1 + (i * 5 + j * 3) % 18).collect(),
                target_from: 3,
            })
            .collect()
    }

    fn gradient(micro: usize, threads: usize) -> Vec<f64> {
        let spec = ModelSpec::default();
        let flat = initial_weights(&spec, 19, 2);
        let mut models: Vec<_> = (0..threads)
            .map(|_| Model::new(&spec, 19, Outputs::Tokens, &flat, true))
            .collect();
        let all = sequences();
        let micros = micro_batches(&all, micro);
        let (g, stats) = gradients(&mut models, &micros, |model, rows| {
            let rows: Vec<&Sequence> = rows.iter().map(|&i| &all[i]).collect();
            let batch = Padded::new(&rows, Device::Cpu);
            let (logp, _) = crate::engine::math::token_logprobs(
                &model.forward(&batch.inputs),
                &batch.targets,
                1.0,
            );
            Ok((
                -(logp * &batch.mask).sum(Kind::Float),
                vec![batch.mask.sum(Kind::Float).double_value(&[])],
            ))
        })
        .unwrap();
        assert_eq!(
            stats,
            [all.iter().map(Sequence::targets).sum::<usize>() as f64]
        );
        Vec::try_from(g.to_kind(Kind::Double)).unwrap()
    }

    #[test]
    fn the_gradient_does_not_depend_on_micro_batches_or_padding() {
        let one = gradient(1, 1);
        for (micro, threads) in [(9, 1), (4, 1), (2, 2), (3, 3)] {
            let other = gradient(micro, threads);
            let worst = one
                .iter()
                .zip(&other)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            assert!(worst < 1e-3, "micro {micro}, {threads} threads: {worst}");
        }
    }

    #[test]
    fn the_gradient_is_the_same_to_the_bit_on_every_try() {
        assert_eq!(gradient(2, 2), gradient(2, 2));
    }
}
