//! Rows that are no longer current: replaced by a higher version, or purged.

/// A set of row numbers. It is shared with snapshots and copied before it is changed.
#[derive(Clone, Debug, Default)]
pub struct DeadRows {
    words: Vec<u64>,
    count: usize,
}

impl DeadRows {
    /// Adds a row; false when it was there already.
    pub fn insert(&mut self, row: usize) -> bool {
        let (word, bit) = (row / 64, 1 << (row % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    /// Whether a row is in the set.
    #[must_use]
    pub fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word & (1 << (row % 64)) != 0)
    }

    /// How many rows are in the set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(i, &word)| (0..64).filter(move |b| word & (1 << b) != 0).map(move |b| i * 64 + b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_once_and_listed_in_order() {
        let mut dead = DeadRows::default();
        let added: Vec<_> = [70, 3, 70, 64].into_iter().map(|row| dead.insert(row)).collect();
        assert_eq!(added, [true, true, false, true]);
        assert_eq!(dead.iter().collect::<Vec<_>>(), [3, 64, 70]);
        assert_eq!(dead.count(), 3);
        assert!(dead.contains(64) && !dead.contains(65) && !dead.contains(6_400));
    }
}
