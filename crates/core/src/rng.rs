//! Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random
//! numbers: as easy as 1, 2, 3", SC 2011). A number depends only on its key and
//! its counter, so it is the same whatever ran before it, on any thread, after a
//! resume, and in every arm that shares the key.

use sha2::{Digest, Sha256};

const MULTIPLIERS: (u32, u32) = (0xD251_1F53, 0xCD9E_8D57);
const WEYL: (u32, u32) = (0x9E37_79B9, 0xBB67_AE85);

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(MULTIPLIERS.0) * u64::from(counter[0]);
        let b = u64::from(MULTIPLIERS.1) * u64::from(counter[2]);
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
        key = [key[0].wrapping_add(WEYL.0), key[1].wrapping_add(WEYL.1)];
    }
    counter
}

/// A 53-bit seed (exact in JSON everywhere) from the parts of its name.
pub fn derive_seed(parts: &[&str]) -> u64 {
    let digest = Sha256::digest(parts.join("/").as_bytes());
    let mut first = [0_u8; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first) >> 11
}

/// A source of uniform numbers addressed by four words.
#[derive(Debug, Clone, Copy)]
pub struct Uniform {
    key: [u32; 2],
}

impl Uniform {
    /// `purpose` separates streams of one seed: sampling, problems, shuffling.
    pub fn new(seed: u64, purpose: &str) -> Self {
        let mixed = derive_seed(&[&seed.to_string(), purpose]);
        Self {
            key: [mixed as u32, (mixed >> 32) as u32],
        }
    }

    /// Uniform in [0, 1) with 24 bits, for the given address.
    pub fn at(&self, a: u32, b: u32, c: u32, d: u32) -> f32 {
        (philox([a, b, c, d], self.key)[0] >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// A sequence of its own, for generators that draw a varying count.
    pub fn stream(&self, a: u32, b: u32) -> Stream {
        Stream {
            key: self.key,
            counter: [0, 0, a, b],
            block: [0; 4],
            used: 4,
        }
    }
}

/// Draws in order from one stream.
#[derive(Debug, Clone)]
pub struct Stream {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Stream {
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.counter, self.key);
            let (low, carry) = self.counter[0].overflowing_add(1);
            self.counter[0] = low;
            self.counter[1] = self.counter[1].wrapping_add(u32::from(carry));
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Uniform in [0, 1) with 53 bits.
    pub fn next_f64(&mut self) -> f64 {
        let high = u64::from(self.next_u32() >> 5);
        let low = u64::from(self.next_u32() >> 6);
        (high * 67_108_864 + low) as f64 / 9_007_199_254_740_992.0
    }

    /// Uniform in 0..n, without bias (Lemire 2019). `n` must be positive.
    pub fn below(&mut self, n: u32) -> u32 {
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(n);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Uniform in low..=high.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_known_answers() {
        // Random123's kat_vectors: philox4x32 10.
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
    }

    #[test]
    fn addresses_are_independent_of_order_and_streams_differ() {
        let uniform = Uniform::new(7, "sample");
        let late = uniform.at(3, 1, 4, 1);
        let _ = uniform.at(0, 0, 0, 0);
        assert_eq!(late, uniform.at(3, 1, 4, 1));
        assert_ne!(late, Uniform::new(7, "problems").at(3, 1, 4, 1));
        assert_ne!(
            uniform.stream(0, 1).next_u32(),
            uniform.stream(1, 0).next_u32()
        );
    }

    #[test]
    fn below_is_uniform() {
        let mut stream = Uniform::new(1, "test").stream(0, 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        // Chi-square with 6 degrees of freedom: 22.5 is the 0.999 quantile.
        let chi: f64 = counts
            .iter()
            .map(|&c| (f64::from(c) - 1e4).powi(2) / 1e4)
            .sum();
        assert!(chi < 22.5, "{counts:?}");
    }
}
