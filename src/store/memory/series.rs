//! The series of a table: every distinct set of dimensions, known by a number.

use hashbrown::HashTable;
use std::{ops::Range, sync::Arc};

/// The number of a series in its table.
pub type SeriesId = u32;

/// Series in one block; full blocks are shared with snapshots.
const BLOCK_SERIES: usize = 1_024;

/// All series of a table.
#[derive(Debug, Default)]
pub struct SeriesTable {
    blocks: Vec<Arc<SeriesBlock>>,
    tail: SeriesBlock,
    by_hash: HashTable<SeriesId>,
    /// The tail as it was last handed out, so that readers of an unchanged table share one copy.
    shared_tail: Option<Arc<SeriesBlock>>,
    text_bytes: usize,
}

/// Series as lists of dimensions, in the order in which each was first written.
#[derive(Clone, Debug, Default)]
struct SeriesBlock {
    hashes: Vec<u64>,
    /// Per series: the end of its dimensions in the lists below.
    ends: Vec<u32>,
    dimensions: Vec<u16>,
    value_ends: Vec<u32>,
    text: String,
}

impl SeriesBlock {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn dimensions(&self, series: usize) -> SeriesDimensions<'_> {
        let start = if series == 0 { 0 } else { self.ends[series - 1] as usize };
        SeriesDimensions { block: self, places: start..self.ends[series] as usize }
    }

    fn push<'a>(&mut self, hash: u64, dimensions: impl Iterator<Item = (u16, &'a str)>) {
        for (dimension, value) in dimensions {
            self.dimensions.push(dimension);
            self.text.push_str(value);
            self.value_ends.push(self.text.len() as u32);
        }
        self.ends.push(self.dimensions.len() as u32);
        self.hashes.push(hash);
    }

    fn truncate(&mut self, series: usize) {
        let dimensions = if series == 0 { 0 } else { self.ends[series - 1] as usize };
        let text = if dimensions == 0 { 0 } else { self.value_ends[dimensions - 1] as usize };
        self.hashes.truncate(series);
        self.ends.truncate(series);
        self.dimensions.truncate(dimensions);
        self.value_ends.truncate(dimensions);
        self.text.truncate(text);
    }
}

/// The dimensions of a series, in the order in which it was first written: pairs of a dimension's number and its value.
#[derive(Clone, Debug)]
pub struct SeriesDimensions<'a> {
    block: &'a SeriesBlock,
    places: Range<usize>,
}

impl<'a> Iterator for SeriesDimensions<'a> {
    type Item = (u16, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let place = self.places.next()?;
        let from = if place == 0 { 0 } else { self.block.value_ends[place - 1] as usize };
        Some((self.block.dimensions[place], &self.block.text[from..self.block.value_ends[place] as usize]))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl ExactSizeIterator for SeriesDimensions<'_> {}

impl SeriesTable {
    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK_SERIES + self.tail.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory, approximately.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.len() * 32 + self.text_bytes
    }

    /// The series with this hash for which `is_same` holds, given its dimensions.
    pub fn find(&self, hash: u64, is_same: impl Fn(SeriesDimensions<'_>) -> bool) -> Option<SeriesId> {
        let found = self.by_hash.find(hash, |&id| {
            let (block, series) = self.place(id);
            block.hashes[series] == hash && is_same(block.dimensions(series))
        });
        found.copied()
    }

    /// Adds a series that is not there yet; its dimensions in the order they were written.
    pub fn add<'a>(&mut self, hash: u64, dimensions: impl Iterator<Item = (u16, &'a str)>) -> SeriesId {
        let id = self.len() as SeriesId;
        let before = self.tail.text.len();
        self.tail.push(hash, dimensions);
        self.text_bytes += self.tail.text.len() - before;
        self.shared_tail = None;
        if self.tail.len() == BLOCK_SERIES {
            self.blocks.push(Arc::new(std::mem::take(&mut self.tail)));
        }
        let (blocks, tail) = (&self.blocks, &self.tail);
        self.by_hash.insert_unique(hash, id, |&id| {
            let (block, series) = place(blocks, tail, id);
            block.hashes[series]
        });
        id
    }

    /// Forgets every series from the `length`-th on.
    pub fn truncate(&mut self, length: usize) {
        if length >= self.len() {
            return;
        }
        self.by_hash.retain(|id| (*id as usize) < length);
        let full = length / BLOCK_SERIES;
        if full < self.blocks.len() {
            self.tail = SeriesBlock::clone(&self.blocks[full]);
            self.blocks.truncate(full);
        }
        self.tail.truncate(length % BLOCK_SERIES);
        self.shared_tail = None;
        let blocks = self.blocks.iter().map(|block| block.text.len()).sum::<usize>();
        self.text_bytes = blocks + self.tail.text.len();
    }

    /// The dimensions of a series, in the order in which it was first written.
    pub fn dimensions(&self, id: SeriesId) -> SeriesDimensions<'_> {
        let (block, series) = self.place(id);
        block.dimensions(series)
    }

    /// An immutable view of all series.
    pub fn view(&mut self) -> SeriesView {
        let mut blocks = self.blocks.clone();
        if self.tail.len() > 0 {
            let tail = self.shared_tail.get_or_insert_with(|| Arc::new(self.tail.clone()));
            blocks.push(Arc::clone(tail));
        }
        SeriesView { blocks }
    }

    fn place(&self, id: SeriesId) -> (&SeriesBlock, usize) {
        place(&self.blocks, &self.tail, id)
    }
}

fn place<'a>(blocks: &'a [Arc<SeriesBlock>], tail: &'a SeriesBlock, id: SeriesId) -> (&'a SeriesBlock, usize) {
    let id = id as usize;
    (blocks.get(id / BLOCK_SERIES).map_or(tail, |block| block), id % BLOCK_SERIES)
}

/// An immutable view of a table's series.
#[derive(Clone, Debug, Default)]
pub struct SeriesView {
    blocks: Vec<Arc<SeriesBlock>>,
}

impl SeriesView {
    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK_SERIES + last.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a dimension; `None` when the series lacks it.
    #[must_use]
    pub fn value(&self, id: SeriesId, dimension: u16) -> Option<&str> {
        self.dimensions(id).find(|(d, _)| *d == dimension).map(|(_, value)| value)
    }

    /// The dimensions of a series, in the order in which it was first written.
    pub fn dimensions(&self, id: SeriesId) -> SeriesDimensions<'_> {
        let id = id as usize;
        self.blocks[id / BLOCK_SERIES].dimensions(id % BLOCK_SERIES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(table: &mut SeriesTable, n: u16) -> SeriesId {
        let (a, b) = (format!("host-{n}"), format!("é{n}"));
        table.add(u64::from(n % 700), [(0, &*a), (3, &*b)].into_iter())
    }

    fn find(table: &SeriesTable, n: u16) -> Option<SeriesId> {
        let (a, b) = (format!("host-{n}"), format!("é{n}"));
        table.find(u64::from(n % 700), |dimensions| dimensions.eq([(0, &*a), (3, &*b)]))
    }

    #[test]
    fn series_are_found_by_hash_and_content_across_blocks() {
        let mut table = SeriesTable::default();
        for n in 0..3_000 {
            assert_eq!(find(&table, n), None);
            assert_eq!(add(&mut table, n), u32::from(n));
        }
        let view = table.view();
        for n in [0, 1_023, 1_024, 2_999] {
            assert_eq!(find(&table, n), Some(n.into()));
            assert_eq!(view.value(n.into(), 3), Some(&*format!("é{n}")));
            assert_eq!(view.value(n.into(), 1), None);
        }
        assert_eq!(table.len(), 3_000);
    }

    #[test]
    fn truncation_forgets_the_newest_and_leaves_views_alone() {
        let mut table = SeriesTable::default();
        for n in 0..2_500 {
            add(&mut table, n);
        }
        let view = table.view();
        for length in [2_499, 2_048, 1_500, 1_024, 3, 0] {
            table.truncate(length);
            assert_eq!(table.len(), length);
            assert_eq!(find(&table, length as u16), None);
            assert_eq!(
                length.checked_sub(1).and_then(|n| find(&table, n as u16)),
                length.checked_sub(1).map(|n| n as u32)
            );
            assert_eq!(add(&mut table, 9_999), length as u32);
            table.truncate(length);
        }
        assert_eq!(view.value(2_400, 0), Some("host-2400"));
    }
}
