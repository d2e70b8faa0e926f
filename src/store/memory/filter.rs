//! A filter over the keys of a chunk: it says at the cost of one memory access that a key is not there.

use super::open::RowKey;

/// Bits per key; with four of them set per key, about one absent key in forty passes.
const BITS_PER_KEY: usize = 10;

/// A set of keys that may say yes to one that is not in it, but never no to one that is.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyFilter {
    words: Vec<u64>,
}

impl KeyFilter {
    /// The filter of `count` keys.
    pub(super) fn new(keys: impl Iterator<Item = RowKey>, count: usize) -> Self {
        let mut words = vec![0; (count * BITS_PER_KEY).div_ceil(64)];
        for key in keys {
            let (word, mask) = place(key, words.len());
            words[word] |= mask;
        }
        Self { words }
    }

    /// Whether the key may be in the set.
    pub(super) fn may_contain(&self, key: RowKey) -> bool {
        let (word, mask) = place(key, self.words.len());
        self.words.get(word).is_some_and(|held| held & mask == mask)
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.words.len() * 8
    }
}

/// The word of a key, and its four bits in it.
fn place(key: RowKey, words: usize) -> (usize, u64) {
    let stream = u64::from(key.series) << 16 | u64::from(key.measure_name);
    let hash = mix(mix(key.time_ns as u64) ^ stream);
    let mask = (0..4).fold(0, |mask, i| mask | 1 << (hash >> (6 * i) & 63));
    // The upper half of the hash, scaled to the number of words.
    ((((hash >> 32) * words as u64) >> 32) as usize, mask)
}

/// Spreads a number over all 64 bits (the finaliser of SplitMix64).
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_there_always_pass_and_others_seldom() {
        let key =
            |n: i64| RowKey { series: (n % 100) as u32, measure_name: (n % 3) as u16, time_ns: n / 100 * 1_000_000 };
        let filter = KeyFilter::new((0..10_000).map(key), 10_000);
        assert!((0..10_000).all(|n| filter.may_contain(key(n))));
        let passed = (10_000..30_000).filter(|n| filter.may_contain(key(*n))).count();
        assert!(passed < 1_000, "{passed} of 20,000 absent keys pass");
        assert!(!KeyFilter::default().may_contain(key(0)));
    }
}
