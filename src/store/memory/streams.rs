//! Streams: the records of one series under one measure name. The table keeps the newest time of each, because a
//! record newer than its whole stream cannot repeat a stored one and needs no look-up.

use super::series::SeriesId;
use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};
use std::hash::BuildHasher;

/// A series under a measure name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The series.
    pub series: SeriesId,
    /// The measure name.
    pub measure_name: u16,
    /// Bits that the owner sets for what it has already noted about the stream.
    pub noted: u8,
    /// No record of the stream is newer, nanoseconds since the epoch. It may be too high, never too low.
    pub newest_ns: i64,
}

/// All streams of a table.
#[derive(Debug, Default)]
pub struct StreamTable {
    streams: HashTable<Stream>,
    hasher: DefaultHashBuilder,
}

impl StreamTable {
    /// The stream; it is added, with the oldest time there is, when it is new.
    pub fn entry(&mut self, series: SeriesId, measure_name: u16) -> &mut Stream {
        let hasher = &self.hasher;
        let hash = hasher.hash_one((series, measure_name));
        let is_same = |stream: &Stream| stream.series == series && stream.measure_name == measure_name;
        let rehash = |stream: &Stream| hasher.hash_one((stream.series, stream.measure_name));
        match self.streams.entry(hash, is_same, rehash) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                entry.insert(Stream { series, measure_name, noted: 0, newest_ns: i64::MIN }).into_mut()
            }
        }
    }

    /// Keeps the streams for which `keep` holds; it may change them.
    pub fn retain(&mut self, keep: impl FnMut(&mut Stream) -> bool) {
        self.streams.retain(keep);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_a_series_under_a_measure_name() {
        let mut streams = StreamTable::default();
        for series in 0..1_000 {
            streams.entry(series, 0).newest_ns = i64::from(series);
            streams.entry(series, 1).noted = 1;
        }
        assert_eq!(streams.len(), 2_000);
        assert_eq!(*streams.entry(7, 0), Stream { series: 7, measure_name: 0, noted: 0, newest_ns: 7 });
        assert_eq!(streams.entry(7, 1).newest_ns, i64::MIN);
        streams.retain(|stream| stream.measure_name == 0);
        assert_eq!(streams.len(), 1_000);
    }
}
