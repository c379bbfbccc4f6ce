//! What has been read of attempts that have ended. Nothing is added to such an attempt, so what
//! depends on it alone is read from the database once and kept in memory up to a limit.

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use std::hash::Hash;
use std::sync::Arc;

/// What it takes in memory.
pub(crate) trait Weighs {
    fn bytes(&self) -> usize;
}

#[derive(Clone)]
struct Bytes;

impl<K, V: Weighs> Weighter<K, Arc<V>> for Bytes {
    fn weight(&self, _: &K, value: &Arc<V>) -> u64 {
        // Keys and places take some too, and an empty value is no free one.
        value.bytes() as u64 + 256
    }
}

pub(crate) struct Warm<K, V: Weighs>(Cache<K, Arc<V>, Bytes>);

impl<K: Eq + Hash, V: Weighs> Warm<K, V> {
    /// At most so many bytes.
    pub fn new(bytes: u64) -> Self {
        let typical = 16 << 10;
        Self(Cache::with_weighter(
            usize::try_from(bytes / typical).unwrap_or(1),
            bytes,
            Bytes,
        ))
    }

    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        self.0.get(key)
    }

    pub fn insert(&self, key: K, value: Arc<V>) {
        self.0.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weighs for Vec<u8> {
        fn bytes(&self) -> usize {
            self.len()
        }
    }

    #[test]
    fn what_does_not_fit_goes() {
        let warm: Warm<u32, Vec<u8>> = Warm::new(1 << 20);
        for key in 0..100 {
            warm.insert(key, Arc::new(vec![0; 100 << 10]));
        }
        let left = (0..100).filter(|key| warm.get(key).is_some()).count();
        assert!((1..=10).contains(&left), "{left}");
        assert_eq!(warm.get(&100), None);
    }
}
