use super::*;

fn small() -> ModelSpec {
    ModelSpec {
        d_model: 32,
        heads: 4,
        kv_heads: 2,
        d_ff: 48,
        context: 64,
        qkv_bias: true,
        ..Default::default()
    }
}

/// Heads that are wider than d_model / heads, and norms of queries and keys.
fn qwen3() -> ModelSpec {
    ModelSpec {
        head_width: Some(12),
        qk_norm: true,
        qkv_bias: false,
        ..small()
    }
}

#[test]
fn padding_before_a_prompt_changes_nothing() {
    for spec in [small(), qwen3()] {
        let flat = initial_weights(&spec, 19, 3);
        let model = Model::new(&spec, 19, Outputs::Tokens, &flat, false);
        let texts = [vec![5_i64, 3, 9, 1, 12, 7], vec![4, 8], vec![6, 2, 2, 17]];
        let padded: Vec<i64> = texts
            .iter()
            .flat_map(|t| std::iter::repeat_n(0, 6 - t.len()).chain(t.iter().copied()))
            .collect();
        let mut cache = model.empty_cache(3, 9);
        let pads = Tensor::from_slice(&[0_i64, 4, 2]).unsqueeze(1);
        cache.hidden = Some(Tensor::arange(9, (Kind::Int64, Device::Cpu)).lt_tensor(&pads));
        let mut found = vec![];
        found.push(model.forward_cached(&Tensor::from_slice(&padded).view([3, 6]), 0, &cache));
        for (at, token) in [(6, 11_i64), (7, 13), (8, 2)] {
            let ids = Tensor::full([3, 1], token, (Kind::Int64, Device::Cpu));
            found.push(model.forward_cached(&ids, at, &cache));
        }
        for (row, text) in texts.iter().enumerate() {
            let whole: Vec<i64> = text.iter().copied().chain([11, 13, 2]).collect();
            let full = model.forward(&Tensor::from_slice(&whole).unsqueeze(0));
            for (step, logits) in found.iter().enumerate() {
                let expected = full.select(0, 0).select(0, (text.len() + step) as i64 - 1);
                let worst = (logits.select(0, row as i64) - expected).abs().max();
                assert!(worst.double_value(&[]) < 1e-4, "row {row}, step {step}");
            }
        }
    }
}

#[test]
fn cached_decoding_equals_uncached_decoding() {
    for spec in [
        small(),
        ModelSpec {
            tied_head: true,
            kv_heads: 4,
            qkv_bias: false,
            ..small()
        },
        qwen3(),
    ] {
        let flat = initial_weights(&spec, 19, 3);
        let model = Model::new(&spec, 19, Outputs::Tokens, &flat, false);
        let ids = Tensor::from_slice(
            &(0..3 * 24)
                .map(|i| (i * 7 + i / 5) % 19)
                .collect::<Vec<i64>>(),
        )
        .view([3, 24]);
        let full = model.forward(&ids);
        let cache = model.empty_cache(3, 24);
        let mut worst = 0.0_f64;
        let first = model.forward_cached(&ids.narrow(1, 0, 9), 0, &cache);
        worst = worst.max((first - full.select(1, 8)).abs().max().double_value(&[]));
        for t in 9..24 {
            let logits = model.forward_cached(&ids.narrow(1, t, 1), t, &cache);
            worst = worst.max((logits - full.select(1, t)).abs().max().double_value(&[]));
        }
        assert!(worst < 1e-4, "largest difference {worst}");
    }
}

#[test]
fn the_layout_counts_what_the_spec_says() {
    for spec in [
        small(),
        ModelSpec {
            tied_head: true,
            ..small()
        },
        ModelSpec::default(),
        qwen3(),
    ] {
        let size: i64 = layout(&spec, 19, Outputs::Tokens)
            .iter()
            .map(Slot::size)
            .sum();
        assert_eq!(size as u64, spec.parameters(19));
        let matrices = layout(&spec, 19, Outputs::Tokens)
            .iter()
            .take_while(|s| s.is_matrix())
            .count();
        assert!(
            layout(&spec, 19, Outputs::Tokens)[matrices..]
                .iter()
                .all(|s| !s.is_matrix())
        );
    }
}

#[test]
fn later_tokens_never_change_earlier_logits() {
    let spec = small();
    let model = Model::new(
        &spec,
        19,
        Outputs::Tokens,
        &initial_weights(&spec, 19, 3),
        false,
    );
    let ids = Tensor::from_slice(&[1_i64, 5, 6, 7, 8, 9]).view([1, 6]);
    let changed = Tensor::from_slice(&[1_i64, 5, 6, 7, 3, 0]).view([1, 6]);
    let difference = (model.forward(&ids) - model.forward(&changed))
        .narrow(1, 0, 4)
        .abs()
        .max();
    assert!(difference.double_value(&[]) < 1e-6);
}
