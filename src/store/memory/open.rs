//! Chunks that rows are still added to, and full ones that wait to be sealed.

use super::{
    columns::{ColumnArray, ColumnTail},
    dead::DeadRows,
    series::SeriesId,
};
use crate::model::record::Value;
use datafusion::arrow::buffer::ScalarBuffer;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use std::{hash::BuildHasher, sync::Arc};

/// Rows in one block; full blocks are shared with snapshots.
const BLOCK_ROWS: usize = 4_096;
/// Groups with columns of their own in one chunk; rows with yet other columns share a last group.
const EXACT_GROUPS_MAX: usize = 64;
/// Bits of a row number in [`OpenChunk`]'s index; the group number stands above them.
const ROW_BITS: u32 = 24;

/// What identifies a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey {
    /// The series.
    pub series: SeriesId,
    /// The measure name.
    pub measure_name: u16,
    /// Nanoseconds since the epoch.
    pub time_ns: i64,
}

/// A row to be added.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    /// What identifies it.
    pub key: RowKey,
    /// At least 1.
    pub version: i64,
    /// Its values by column, ascending.
    pub values: &'a [(u16, Value<'a>)],
}

/// A row's place in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: u8,
    pub(super) row: u32,
}

impl Place {
    fn pack(self) -> u32 {
        u32::from(self.group) << ROW_BITS | self.row
    }

    fn unpack(packed: u32) -> Self {
        Self { group: (packed >> ROW_BITS) as u8, row: packed & ((1 << ROW_BITS) - 1) }
    }
}

/// Rows in the order they came, found by a hash of their keys.
#[derive(Debug, Default)]
pub(super) struct OpenChunk {
    /// Names the chunk in its table.
    pub(super) id: u64,
    pub(super) groups: Vec<RowGroup>,
    by_columns: HashMap<Box<[u16]>, u8>,
    shared_group: Option<u8>,
    last_group: u8,
    /// The newest row of every key that is current.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    rows: usize,
    bytes: usize,
}

impl OpenChunk {
    pub(super) fn new(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    /// Makes room in the index.
    pub(super) fn reserve(&mut self, rows: usize) {
        let (groups, hasher) = (&self.groups, &self.hasher);
        self.index.reserve(rows, |&packed| {
            let place = Place::unpack(packed);
            hasher.hash_one(groups[usize::from(place.group)].key(place.row as usize))
        });
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The oldest and the newest time; `None` without rows.
    pub(super) fn extent_ns(&self) -> Option<(i64, i64)> {
        let rows = self.groups.iter().flat_map(|group| (0..group.rows).map(|row| group.key(row).time_ns));
        rows.fold(None, |extent, time_ns| match extent {
            None => Some((time_ns, time_ns)),
            Some((oldest, newest)) => Some((time_ns.min(oldest), time_ns.max(newest))),
        })
    }

    /// Bytes of memory, approximately.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn find(&self, key: RowKey) -> Option<Place> {
        let hash = self.hasher.hash_one(key);
        self.index.find(hash, |&packed| self.key(Place::unpack(packed)) == key).map(|&packed| Place::unpack(packed))
    }

    pub(super) fn key(&self, place: Place) -> RowKey {
        self.groups[usize::from(place.group)].key(place.row as usize)
    }

    pub(super) fn group(&self, place: Place) -> &RowGroup {
        &self.groups[usize::from(place.group)]
    }

    /// Adds a row. When its key is there already, the new row is the one found from now on.
    pub(super) fn push(&mut self, row: NewRow<'_>) -> Place {
        let group = self.group_for(row.values);
        let held = &mut self.groups[usize::from(group)];
        let place = Place { group, row: held.push(row) as u32 };
        self.rows += 1;
        self.bytes += 40 + row.values.iter().map(|(_, value)| value_bytes(value)).sum::<usize>();
        self.index(row.key, place);
        place
    }

    fn index(&mut self, key: RowKey, place: Place) {
        let groups = &self.groups;
        let key_of = |packed: u32| {
            let place = Place::unpack(packed);
            groups[usize::from(place.group)].key(place.row as usize)
        };
        let hash = self.hasher.hash_one(key);
        match self.index.entry(hash, |&held| key_of(held) == key, |&held| self.hasher.hash_one(key_of(held))) {
            hashbrown::hash_table::Entry::Occupied(mut entry) => *entry.get_mut() = place.pack(),
            hashbrown::hash_table::Entry::Vacant(entry) => drop(entry.insert(place.pack())),
        }
    }

    /// The group of rows with these columns: the one used last, one of exactly these columns, or the shared one.
    fn group_for(&mut self, values: &[(u16, Value<'_>)]) -> u8 {
        let is_exact = |group: &RowGroup| group.column_ids.iter().copied().eq(values.iter().map(|(column, _)| *column));
        if self.groups.get(usize::from(self.last_group)).is_some_and(is_exact) {
            return self.last_group;
        }
        let columns: Box<[u16]> = values.iter().map(|(column, _)| *column).collect();
        let group = if let Some(&group) = self.by_columns.get(&columns) {
            group
        } else if self.by_columns.len() < EXACT_GROUPS_MAX {
            let group = self.groups.len() as u8;
            self.groups.push(RowGroup::new(values));
            self.by_columns.insert(columns, group);
            group
        } else {
            let group = *self.shared_group.get_or_insert(self.groups.len() as u8);
            if usize::from(group) == self.groups.len() {
                self.groups.push(RowGroup::default());
            }
            self.groups[usize::from(group)].add_columns(values);
            group
        };
        self.last_group = group;
        group
    }

    /// Makes a key that is no longer current impossible to find.
    pub(super) fn forget(&mut self, key: RowKey) {
        let hash = self.hasher.hash_one(key);
        let groups = &self.groups;
        let entry = self.index.find_entry(hash, |&packed| {
            let place = Place::unpack(packed);
            groups[usize::from(place.group)].key(place.row as usize) == key
        });
        if let Ok(entry) = entry {
            entry.remove();
        }
    }

    /// Forgets every row that is not settled.
    pub(super) fn roll_back(&mut self) {
        self.groups.iter_mut().for_each(RowGroup::roll_back);
        self.rows = self.groups.iter().map(|group| group.rows).sum();
        self.index.clear();
        for group in 0..self.groups.len() {
            for row in 0..self.groups[group].rows {
                if !self.groups[group].dead.contains(row) {
                    let key = self.groups[group].key(row);
                    self.index(key, Place { group: group as u8, row: row as u32 });
                }
            }
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        self.groups.iter().all(|group| group.settled == group.rows)
    }

    /// Rows that are settled and current.
    pub(super) fn live_rows(&self) -> usize {
        self.groups.iter().map(|group| group.settled - group.dead.count()).sum()
    }
}

fn value_bytes(value: &Value<'_>) -> usize {
    match value {
        Value::Varchar(text) => text.len() + 4,
        Value::Boolean(_) => 1,
        _ => 8,
    }
}

/// Rows with the same value columns, in the order they came.
#[derive(Debug, Default)]
pub(super) struct RowGroup {
    column_ids: Vec<u16>,
    blocks: Vec<Arc<RowBlock>>,
    tail: BlockTail,
    shared_tail: Option<Arc<RowBlock>>,
    pub(super) rows: usize,
    /// The first so many rows are settled: synced, and seen by snapshots.
    pub(super) settled: usize,
    /// Settled rows that are no longer current.
    pub(super) dead: Arc<DeadRows>,
}

#[derive(Clone, Debug, Default)]
struct BlockTail {
    series: Vec<SeriesId>,
    measure_names: Vec<u16>,
    times: Vec<i64>,
    /// Empty while every version is 1.
    versions: Vec<i64>,
    columns: Vec<ColumnTail>,
}

/// An immutable run of rows.
#[derive(Debug)]
pub(super) struct RowBlock {
    pub(super) series: Vec<SeriesId>,
    pub(super) measure_names: Vec<u16>,
    pub(super) times: ScalarBuffer<i64>,
    versions: Vec<i64>,
    /// May lack columns that its group got later; its rows have no values there.
    pub(super) column_ids: Vec<u16>,
    pub(super) columns: Vec<ColumnArray>,
    pub(super) oldest_ns: i64,
    pub(super) newest_ns: i64,
}

impl RowBlock {
    fn new(tail: BlockTail, column_ids: Vec<u16>) -> Self {
        Self {
            oldest_ns: tail.times.iter().copied().min().unwrap_or(i64::MAX),
            newest_ns: tail.times.iter().copied().max().unwrap_or(i64::MIN),
            series: tail.series,
            measure_names: tail.measure_names,
            times: tail.times.into(),
            versions: tail.versions,
            column_ids,
            columns: tail.columns.into_iter().map(ColumnTail::freeze).collect(),
        }
    }

    fn key(&self, row: usize) -> RowKey {
        RowKey { series: self.series[row], measure_name: self.measure_names[row], time_ns: self.times[row] }
    }

    pub(super) fn version(&self, row: usize) -> i64 {
        self.versions.get(row).copied().unwrap_or(1)
    }

    pub(super) fn column(&self, id: u16) -> Option<&ColumnArray> {
        self.column_ids.iter().position(|column| *column == id).map(|i| &self.columns[i])
    }
}

impl BlockTail {
    fn len(&self) -> usize {
        self.times.len()
    }

    fn push_key(&mut self, key: RowKey, version: i64) {
        if version != 1 && self.versions.is_empty() {
            self.versions.resize(self.times.len(), 1);
        }
        if version != 1 || !self.versions.is_empty() {
            self.versions.push(version);
        }
        self.series.push(key.series);
        self.measure_names.push(key.measure_name);
        self.times.push(key.time_ns);
    }
}

impl RowGroup {
    fn new(values: &[(u16, Value<'_>)]) -> Self {
        let mut group = Self::default();
        group.add_columns(values);
        group
    }

    fn add_columns(&mut self, values: &[(u16, Value<'_>)]) {
        for (id, value) in values {
            if !self.column_ids.contains(id) {
                self.column_ids.push(*id);
                let mut column = ColumnTail::new(value.measure_type());
                (0..self.tail.len()).for_each(|_| column.push(None));
                self.tail.columns.push(column);
            }
        }
    }

    fn push(&mut self, row: NewRow<'_>) -> usize {
        self.tail.push_key(row.key, row.version);
        let is_exact = self.column_ids.len() == row.values.len();
        for (i, column) in self.tail.columns.iter_mut().enumerate() {
            // In a group of exactly these columns, both lists are in the same order.
            let value = match row.values.get(i) {
                Some((id, value)) if is_exact && *id == self.column_ids[i] => Some(*value),
                _ => {
                    let found = row.values.binary_search_by_key(&self.column_ids[i], |(id, _)| *id);
                    found.ok().map(|at| row.values[at].1)
                }
            };
            column.push(value);
        }
        if self.tail.len() == BLOCK_ROWS {
            self.close_tail();
        }
        self.rows += 1;
        self.rows - 1
    }

    fn close_tail(&mut self) {
        let columns = self.tail.columns.iter().map(|column| ColumnTail::new(column.value_type())).collect();
        let tail = std::mem::replace(&mut self.tail, BlockTail { columns, ..BlockTail::default() });
        self.blocks.push(Arc::new(RowBlock::new(tail, self.column_ids.clone())));
        self.shared_tail = None;
    }

    pub(super) fn key(&self, row: usize) -> RowKey {
        match self.blocks.get(row / BLOCK_ROWS) {
            Some(block) => block.key(row % BLOCK_ROWS),
            None => {
                let (tail, row) = (&self.tail, row % BLOCK_ROWS);
                RowKey { series: tail.series[row], measure_name: tail.measure_names[row], time_ns: tail.times[row] }
            }
        }
    }

    pub(super) fn version(&self, row: usize) -> i64 {
        match self.blocks.get(row / BLOCK_ROWS) {
            Some(block) => block.version(row % BLOCK_ROWS),
            None => self.tail.versions.get(row % BLOCK_ROWS).copied().unwrap_or(1),
        }
    }

    /// Calls `each` with the columns that a row has values in, and the values.
    pub(super) fn values<'a>(&'a self, row: usize, mut each: impl FnMut(u16, Value<'a>)) {
        let in_block = row % BLOCK_ROWS;
        match self.blocks.get(row / BLOCK_ROWS) {
            Some(block) => {
                for (id, column) in block.column_ids.iter().zip(&block.columns) {
                    if let Some(value) = column.value(in_block) {
                        each(*id, value);
                    }
                }
            }
            None => {
                for (id, column) in self.column_ids.iter().zip(&self.tail.columns) {
                    if let Some(value) = column.value(in_block) {
                        each(*id, value);
                    }
                }
            }
        }
    }

    pub(super) fn kill(&mut self, row: usize) {
        Arc::make_mut(&mut self.dead).insert(row);
    }

    fn roll_back(&mut self) {
        if self.rows == self.settled {
            return;
        }
        let (kept_blocks, kept_rows) = (self.settled / BLOCK_ROWS, self.settled % BLOCK_ROWS);
        let columns = match self.blocks.get(kept_blocks) {
            Some(block) => block.columns.iter().map(ColumnArray::value_type).collect::<Vec<_>>(),
            None => self.tail.columns.iter().map(ColumnTail::value_type).collect(),
        };
        let column_ids =
            self.blocks.get(kept_blocks).map_or_else(|| self.column_ids.clone(), |block| block.column_ids.clone());
        let mut tail =
            BlockTail { columns: columns.into_iter().map(ColumnTail::new).collect(), ..BlockTail::default() };
        for row in self.settled - kept_rows..self.settled {
            tail.push_key(self.key(row), self.version(row));
            let mut values = Vec::new();
            self.values(row, |id, value| values.push((id, value)));
            for (id, column) in column_ids.iter().zip(&mut tail.columns) {
                column.push(values.iter().find(|(held, _)| held == id).map(|(_, value)| *value));
            }
        }
        (self.tail, self.column_ids) = (tail, column_ids);
        self.blocks.truncate(kept_blocks);
        self.shared_tail = None;
        self.rows = self.settled;
    }

    /// The settled rows as blocks, each with the number of its first row and how many of its rows count.
    pub(super) fn settled_blocks(&mut self) -> Vec<SettledBlock> {
        let mut pieces = Vec::with_capacity(self.blocks.len() + 1);
        for (i, block) in self.blocks.iter().enumerate() {
            let first = i * BLOCK_ROWS;
            let rows = self.settled.saturating_sub(first).min(BLOCK_ROWS);
            if rows > 0 {
                pieces.push(SettledBlock { block: Arc::clone(block), first, rows, dead: Arc::clone(&self.dead) });
            }
        }
        let first = self.blocks.len() * BLOCK_ROWS;
        let rows = self.settled.saturating_sub(first);
        if rows > 0 {
            if self.shared_tail.as_ref().is_none_or(|shared| shared.times.len() < rows) {
                self.shared_tail = Some(Arc::new(RowBlock::new(self.tail.clone(), self.column_ids.clone())));
            }
            if let Some(block) = &self.shared_tail {
                pieces.push(SettledBlock { block: Arc::clone(block), first, rows, dead: Arc::clone(&self.dead) });
            }
        }
        pieces
    }
}

/// Settled rows of a group.
#[derive(Clone, Debug)]
pub(super) struct SettledBlock {
    pub(super) block: Arc<RowBlock>,
    /// The number of the block's first row in its group; `dead` counts from there.
    pub(super) first: usize,
    pub(super) rows: usize,
    pub(super) dead: Arc<DeadRows>,
}
