//! Batched sampling with a key/value cache. A prompt is run once for all of its samples.
//! On the host prompts of one length decode together, and rows that have ended are
//! dropped from the batch when half of it has; on a device shorter prompts are padded.

use super::model::{Cache, Model};
use super::sample::{Sampling, draw, draw_on_device};
use super::tokenizer::PAD;
use super::{Result, parallel};
use assay_core::rng::Uniform;
use tch::{Device, Kind, Tensor};

/// Rows decoded at once by one thread.
const ROWS_CPU: usize = 256;
const ROWS_CUDA: usize = 4096;
/// Bytes that the rows' keys, values and probabilities may take on a device.
const MEMORY_CUDA: usize = 24 << 30;
/// On the device the end of all rows is looked for only so often: each look waits for the device.
const LOOK_EVERY: i64 = 16;

/// One sampled completion.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The end mark (or the stop token) included, if it came.
    pub tokens: Vec<i64>,
    /// Log-probability of each token when it was drawn.
    pub logprobs: Vec<f32>,
    /// The completion closed with the end mark; otherwise it was cut off.
    pub ended: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct GenerateOptions {
    pub samples: usize,
    /// The end mark is not drawn before so many tokens. What is recorded stays the
    /// log-probability under the whole distribution.
    pub min_new: usize,
    pub max_new: usize,
    pub sampling: Sampling,
    /// Another token, besides the end mark, at which a completion closes: the end of a step.
    pub stop: Option<i64>,
}

/// Samples every prompt `samples` times; the result is in the order of the
/// prompts. Random numbers are addressed by (`step`, prompt, sample, position), so
/// the number of threads and the batches do not change them.
pub fn generate(
    models: &mut [Model],
    prompts: &[Vec<i64>],
    options: GenerateOptions,
    uniform: Uniform,
    step: u32,
) -> Result<Vec<Vec<Sampled>>> {
    let threads = models.len();
    let jobs: Vec<_> = models
        .iter_mut()
        .enumerate()
        .map(|(thread, model)| {
            let own: Vec<usize> = (thread..prompts.len()).step_by(threads).collect();
            move || tch::no_grad(|| generate_part(model, prompts, &own, options, uniform, step))
        })
        .collect();
    let mut out: Vec<Vec<Sampled>> = vec![vec![]; prompts.len()];
    for (index, sampled) in parallel::run(jobs)?.into_iter().flatten() {
        out[index] = sampled;
    }
    Ok(out)
}

fn generate_part(
    model: &Model,
    prompts: &[Vec<i64>],
    own: &[usize],
    options: GenerateOptions,
    uniform: Uniform,
    step: u32,
) -> Result<Vec<(usize, Vec<Sampled>)>> {
    let host = model.device() == Device::Cpu;
    let mut by_length: Vec<usize> = own.to_vec();
    by_length.sort_by_key(|&i| prompts[i].len());
    // The last prompt is the longest; without prompts there is nothing to do.
    let Some(longest) = by_length.last().map(|&i| prompts[i].len()) else {
        return Ok(vec![]);
    };
    let rows = match host {
        true => ROWS_CPU,
        false => rows_on_device(model, longest + options.max_new),
    };
    let per_batch = (rows / options.samples).max(1);
    let batches: Vec<&[usize]> = match host {
        true => by_length
            .chunk_by(|&a, &b| prompts[a].len() == prompts[b].len())
            .flat_map(|same| same.chunks(per_batch))
            .collect(),
        false => by_length.chunks(per_batch).collect(),
    };
    let mut out = vec![];
    for batch in batches {
        // A text ends where the model's context does.
        let length = prompts[batch[batch.len() - 1]].len();
        let room = (model.spec.context as usize).saturating_sub(length);
        let options = GenerateOptions {
            max_new: options.max_new.min(room.max(1)),
            ..options
        };
        let mut sampled = match host {
            true => decode_on_host(model, prompts, batch, options, uniform, step)?,
            false => decode_on_device(model, prompts, batch, options)?,
        };
        for &index in batch.iter().rev() {
            out.push((index, sampled.split_off(sampled.len() - options.samples)));
        }
    }
    Ok(out)
}

/// Rows whose caches (two bytes a number) and probabilities (a few copies) fit.
fn rows_on_device(model: &Model, capacity: usize) -> usize {
    let spec = &model.spec;
    let cache = capacity * 2 * (spec.layers * spec.kv_heads * spec.head_dim()) as usize * 2;
    let probabilities = model.vocab as usize * 4 * 8;
    (MEMORY_CUDA / (cache + probabilities)).clamp(1, ROWS_CUDA)
}

/// Runs the prompts once each and spreads their caches over the samples.
/// Returns logits (rows, V) and the cache, with room for `max_new` more positions.
fn prefill(
    model: &Model,
    prompts: &[Vec<i64>],
    batch: &[usize],
    options: GenerateOptions,
) -> Result<(Tensor, Cache)> {
    let length = longest(prompts, batch);
    let pads: Vec<i64> = batch
        .iter()
        .map(|&i| (length - prompts[i].len()) as i64)
        .collect();
    let flat: Vec<i64> = batch
        .iter()
        .zip(&pads)
        .flat_map(|(&i, &pad)| {
            std::iter::repeat_n(PAD, pad as usize).chain(prompts[i].iter().copied())
        })
        .collect();
    let ids = Tensor::from_slice(&flat)
        .view([batch.len() as i64, length as i64])
        .to_device(model.device());
    let capacity = (length + options.max_new) as i64;
    let mut cache = model.empty_cache(batch.len() as i64, capacity);
    if pads.iter().any(|&pad| pad > 0) {
        let pads = Tensor::from_slice(&pads)
            .unsqueeze(1)
            .to_device(model.device());
        let positions = Tensor::arange(capacity, (Kind::Int64, model.device()));
        cache.hidden = Some(positions.lt_tensor(&pads));
    }
    let logits = model.forward_cached(&ids, 0, &cache);
    let spread = Tensor::arange(batch.len() as i64, (Kind::Int64, model.device()))
        .f_repeat_interleave_self_int(options.samples as i64, None, None)?;
    cache.select(&spread);
    Ok((logits.index_select(0, &spread), cache))
}

fn longest(prompts: &[Vec<i64>], batch: &[usize]) -> usize {
    batch.iter().map(|&i| prompts[i].len()).max().unwrap_or(0)
}

fn decode_on_host(
    model: &Model,
    prompts: &[Vec<i64>],
    batch: &[usize],
    options: GenerateOptions,
    uniform: Uniform,
    step: u32,
) -> Result<Vec<Sampled>> {
    let start = longest(prompts, batch) as i64;
    let end = model.spec.end_of_text();
    let (mut logits, mut cache) = prefill(model, prompts, batch, options)?;
    let total = batch.len() * options.samples;
    let mut out = vec![
        Sampled {
            tokens: vec![],
            logprobs: vec![],
            ended: false
        };
        total
    ];
    let mut closed = vec![false; total];
    // Rows still in the batch, as indices into `out`.
    let mut active: Vec<usize> = (0..total).collect();
    let vocab = model.vocab as usize;
    let mut host = vec![0.0_f32; total * vocab];
    let mut scratch = Vec::with_capacity(vocab);
    for position in 0..options.max_new {
        let rows = active.len();
        logits
            .to_kind(Kind::Float)
            .contiguous()
            .f_copy_data(&mut host[..rows * vocab], rows * vocab)?;
        let mut next = vec![end; rows];
        for (row, &index) in active.iter().enumerate() {
            let sampled = &mut out[index];
            if closed[index] {
                continue;
            }
            let prompt = batch[index / options.samples] as u32;
            let sample = (index % options.samples) as u32;
            let u = uniform.at(step, prompt, sample, position as u32);
            let barred = (position < options.min_new).then_some(end as usize);
            let own = &host[row * vocab..(row + 1) * vocab];
            let (token, logprob) = draw(own, options.sampling, barred, u, &mut scratch);
            sampled.tokens.push(token);
            sampled.logprobs.push(logprob);
            sampled.ended = token == end;
            closed[index] = token == end || Some(token) == options.stop;
            next[row] = token;
        }
        let going: Vec<i64> = (0..rows)
            .filter(|&row| !closed[active[row]])
            .map(|row| row as i64)
            .collect();
        if going.is_empty() || position + 1 == options.max_new {
            break;
        }
        if going.len() * 2 <= rows {
            cache.select(&Tensor::from_slice(&going));
            next = going.iter().map(|&row| next[row as usize]).collect();
            active = going.iter().map(|&row| active[row as usize]).collect();
        }
        let ids = Tensor::from_slice(&next).view([-1, 1]);
        logits = model.forward_cached(&ids, start + position as i64, &cache);
    }
    Ok(out)
}

/// Everything stays on the device until the batch has ended.
fn decode_on_device(
    model: &Model,
    prompts: &[Vec<i64>],
    batch: &[usize],
    options: GenerateOptions,
) -> Result<Vec<Sampled>> {
    let start = longest(prompts, batch) as i64;
    let end = model.spec.end_of_text();
    let (mut logits, cache) = prefill(model, prompts, batch, options)?;
    let total = (batch.len() * options.samples) as i64;
    let mut ended = Tensor::zeros([total], (Kind::Bool, model.device()));
    let (mut tokens, mut logprobs) = (vec![], vec![]);
    for position in 0..options.max_new as i64 {
        let (token, logprob) = draw_on_device(
            &logits,
            options.sampling,
            (position < options.min_new as i64).then_some(end),
        );
        let token = token.masked_fill(&ended, end);
        ended = ended.logical_or(&token.eq(end));
        if let Some(stop) = options.stop {
            ended = ended.logical_or(&token.eq(stop));
        }
        tokens.push(token.shallow_clone());
        logprobs.push(logprob);
        if position + 1 == options.max_new as i64
            || (position % LOOK_EVERY == LOOK_EVERY - 1 && all(&ended))
        {
            break;
        }
        logits = model.forward_cached(&token.unsqueeze(1), start + position, &cache);
    }
    let width = tokens.len();
    let tokens: Vec<i64> = Vec::try_from(Tensor::stack(&tokens, 1).view(-1))?;
    let logprobs: Vec<f32> = Vec::try_from(Tensor::stack(&logprobs, 1).view(-1))?;
    Ok((0..total as usize)
        .map(|row| {
            let own = &tokens[row * width..(row + 1) * width];
            let length = own
                .iter()
                .position(|&t| t == end || Some(t) == options.stop)
                .map_or(width, |at| at + 1);
            Sampled {
                tokens: own[..length].to_vec(),
                logprobs: logprobs[row * width..row * width + length].to_vec(),
                ended: own[length - 1] == end,
            }
        })
        .collect())
}

fn all(flags: &Tensor) -> bool {
    flags.all().int64_value(&[]) != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::model::{Outputs, initial_weights};
    use crate::engine::tokenizer::BOS;

    const EOS: i64 = 2;
    use assay_core::spec::ModelSpec;

    fn prompts() -> Vec<Vec<i64>> {
        (0..7)
            .map(|i| {
                std::iter::once(BOS)
                    .chain((0..(5 + i % 2)).map(|j| 3 + (i * 3 + j) % 10))
                    .collect()
            })
            .collect()
    }

    fn sampled(threads: usize) -> Vec<Vec<Sampled>> {
        sampled_from(threads, 0, None)
    }

    fn sampled_from(threads: usize, min_new: usize, stop: Option<i64>) -> Vec<Vec<Sampled>> {
        let spec = ModelSpec::default();
        let flat = initial_weights(&spec, 19, 1);
        let mut models: Vec<_> = (0..threads)
            .map(|_| Model::new(&spec, 19, Outputs::Tokens, &flat, false))
            .collect();
        let options = GenerateOptions {
            samples: 3,
            min_new,
            max_new: 20,
            sampling: Sampling {
                temperature: 1.0,
                top_p: 1.0,
            },
            stop,
        };
        generate(
            &mut models,
            &prompts(),
            options,
            Uniform::new(9, "sample"),
            4,
        )
        .unwrap()
    }

    #[test]
    fn completions_end_with_the_mark_or_at_the_limit_and_never_go_on() {
        for group in sampled(1) {
            assert_eq!(group.len(), 3);
            for s in group {
                assert_eq!(s.tokens.len(), s.logprobs.len());
                assert_eq!(s.ended, s.tokens.last() == Some(&EOS));
                assert!(s.ended || s.tokens.len() == 20);
                assert_eq!(
                    s.tokens.iter().filter(|&&t| t == EOS).count(),
                    usize::from(s.ended)
                );
            }
        }
    }

    #[test]
    fn the_end_mark_keeps_away_as_long_as_it_is_told() {
        assert!(sampled(1).iter().flatten().any(|s| s.tokens.len() < 12));
        assert!(
            sampled_from(1, 12, None)
                .iter()
                .flatten()
                .all(|s| s.tokens.len() >= 13)
        );
    }

    #[test]
    fn a_stop_token_closes_a_completion_that_has_not_ended() {
        let whole = sampled(1);
        for (group, all) in sampled_from(1, 0, Some(7)).iter().zip(&whole) {
            for (s, full) in group.iter().zip(all) {
                let cut = full
                    .tokens
                    .iter()
                    .position(|&t| t == 7)
                    .map_or(full.tokens.len(), |at| at + 1);
                assert_eq!(s.tokens, full.tokens[..cut]);
                assert_eq!(s.ended, s.tokens.last() == Some(&EOS));
            }
        }
    }

    #[test]
    fn sampled_logprobs_are_those_of_an_uncached_pass() {
        let spec = ModelSpec::default();
        let model = Model::new(
            &spec,
            19,
            Outputs::Tokens,
            &initial_weights(&spec, 19, 1),
            false,
        );
        for (prompt, group) in prompts().iter().zip(sampled(2)) {
            for s in group {
                let whole: Vec<i64> = prompt.iter().chain(&s.tokens).copied().collect();
                let logits = model
                    .forward(&Tensor::from_slice(&whole).unsqueeze(0))
                    .squeeze_dim(0);
                let logp = logits.log_softmax(-1, Kind::Float);
                for (i, (&token, &expected)) in s.tokens.iter().zip(&s.logprobs).enumerate() {
                    let found = logp.double_value(&[(prompt.len() + i - 1) as i64, token]);
                    assert!((found - f64::from(expected)).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn the_same_random_numbers_are_used_on_any_number_of_threads() {
        let texts = |all: Vec<Vec<Sampled>>| {
            all.into_iter()
                .flatten()
                .map(|s| s.tokens)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(sampled(1)), texts(sampled(3)));
    }

    /// The device's way of decoding, on the host: prompts of several lengths in one batch.
    #[test]
    fn padded_prompts_are_continued_as_if_alone() {
        let spec = ModelSpec::default();
        let weights = initial_weights(&spec, 19, 1);
        let model = Model::new(&spec, 19, Outputs::Tokens, &weights, false);
        let options = GenerateOptions {
            samples: 2,
            min_new: 0,
            max_new: 12,
            // As good as the most likely token.
            sampling: Sampling {
                temperature: 1e-4,
                top_p: 1.0,
            },
            stop: None,
        };
        let all = prompts();
        assert!(all.iter().any(|p| p.len() != all[0].len()));
        let batch: Vec<usize> = (0..all.len()).collect();
        let together = tch::no_grad(|| decode_on_device(&model, &all, &batch, options)).unwrap();
        for (index, group) in together.chunks(2).enumerate() {
            let alone = tch::no_grad(|| decode_on_device(&model, &all, &[index], options)).unwrap();
            assert_eq!(group[0].tokens, alone[0].tokens);
            assert_eq!(group[0].tokens, group[1].tokens);
        }
    }
}
