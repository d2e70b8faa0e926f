//! Sealed chunks: immutable rows, sorted by series, measure name and time; in memory or in a file.

use super::{
    columns::ColumnArray,
    dead::DeadRows,
    filter::KeyFilter,
    open::{NewRow, RowKey, SettledBlock},
    series::SeriesId,
};
use crate::{
    model::record::Value,
    store::{magnetic::day_file::DayFile, pace},
};
use datafusion::arrow::{
    array::{Array, ArrayRef, UInt32Array},
    buffer::ScalarBuffer,
    compute::{interleave, take},
};
use hashbrown::HashMap;
use std::{ops::Range, sync::Arc};

/// The rows of a sealed chunk. No two have the same key, and no two runs the same stream.
#[derive(Clone, Debug)]
pub(crate) struct SealedRows {
    pub(crate) runs: Vec<Run>,
    /// The runs' numbers by series and measure name; empty when that is their own order.
    run_order: Vec<u32>,
    pub(crate) times: ScalarBuffer<i64>,
    /// Empty when every version is 1.
    pub(crate) versions: ScalarBuffer<i64>,
    pub(crate) column_ids: Vec<u16>,
    pub(crate) columns: Vec<ColumnArray>,
    pub(crate) oldest_ns: i64,
    pub(crate) newest_ns: i64,
}

/// The rows of one series under one measure name, times ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) series: SeriesId,
    pub(crate) measure_name: u16,
    /// The row after the run's last.
    pub(crate) end: u32,
}

impl SealedRows {
    /// Checks that the parts belong together and finds the oldest and newest time; `None` when they do not, or when there
    /// are no rows.
    pub(crate) fn new(
        runs: Vec<Run>,
        times: ScalarBuffer<i64>,
        versions: ScalarBuffer<i64>,
        column_ids: Vec<u16>,
        columns: Vec<ColumnArray>,
    ) -> Option<Self> {
        let rows = times.len();
        let is_whole = runs.last().map_or(0, |run| run.end as usize) == rows
            && runs.windows(2).all(|pair| pair[0].end <= pair[1].end)
            && (versions.is_empty() || versions.len() == rows)
            && column_ids.len() == columns.len()
            && columns.iter().all(|column| column.array().len() == rows);
        let oldest_ns = times.iter().copied().min()?;
        let newest_ns = times.iter().copied().max()?;
        let run_order = run_order(&runs);
        is_whole.then_some(Self { runs, run_order, times, versions, column_ids, columns, oldest_ns, newest_ns })
    }

    /// The same rows with other series numbers: `numbers` holds the new one at the place of the old.
    pub(super) fn renumber(mut self, numbers: &[SeriesId]) -> Self {
        for run in &mut self.runs {
            run.series = numbers[run.series as usize];
        }
        self.run_order = run_order(&self.runs);
        self
    }

    /// Sorts the settled, current rows of a group; `None` when there are none.
    pub(super) fn seal(blocks: &[SettledBlock]) -> Option<Self> {
        let (runs, order) = in_order(blocks);
        pace::rest();
        let times = order.iter().map(|(time_ns, ..)| *time_ns).collect();
        let version = |(_, block, row): &Placed| blocks[*block as usize].block.version(*row as usize);
        let versions = if order.iter().all(|row| version(row) == 1) {
            ScalarBuffer::default()
        } else {
            order.iter().map(version).collect()
        };
        let places: Vec<_> = order.iter().map(|(_, block, row)| (*block as usize, *row as usize)).collect();
        drop(order);
        // A group's columns only grow, so its last block has them all.
        let last = &blocks.last()?.block;
        let column_ids = last.column_ids.clone();
        let columns = column_ids.iter().zip(&last.columns);
        let columns = columns.map(|(id, column)| gather(blocks, *id, column, &places)).inspect(|_| pace::rest());
        let columns = columns.collect::<Option<Vec<_>>>()?;
        Self::new(runs, times, versions, column_ids, columns)
    }

    /// The rows for which `keep` holds; `None` when there are none.
    pub(crate) fn retain(&self, keep: impl Fn(usize) -> bool) -> Option<Self> {
        let kept: Vec<u32> = (0..self.len() as u32).filter(|row| keep(*row as usize)).collect();
        let mut runs = Vec::new();
        let mut run = 0;
        for (row, from) in kept.iter().enumerate() {
            while self.runs[run].end <= *from {
                run += 1;
            }
            push_run(&mut runs, self.runs[run].series, self.runs[run].measure_name, row as u32 + 1);
        }
        let times = kept.iter().map(|row| self.times[*row as usize]).collect();
        let versions = if self.versions.is_empty() {
            ScalarBuffer::default()
        } else {
            kept.iter().map(|row| self.versions[*row as usize]).collect()
        };
        let indices = UInt32Array::from(kept);
        let columns = self
            .columns
            .iter()
            .map(|column| take(column.array(), &indices, None).ok().and_then(|array| ColumnArray::from_array(&array)));
        Self::new(runs, times, versions, self.column_ids.clone(), columns.collect::<Option<_>>()?)
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// The keys of all rows.
    fn keys(&self) -> impl Iterator<Item = RowKey> {
        self.runs.iter().enumerate().flat_map(|(i, run)| {
            let times = self.times[self.run_rows(i)].iter();
            times.map(|time_ns| RowKey { series: run.series, measure_name: run.measure_name, time_ns: *time_ns })
        })
    }

    /// Bytes of memory, approximately.
    fn bytes(&self) -> usize {
        let columns = self.columns.iter().map(ColumnArray::bytes).sum::<usize>();
        columns + 8 * (self.times.len() + self.versions.len()) + size_of::<Run>() * self.runs.len()
    }

    pub(super) fn find(&self, key: RowKey) -> Option<usize> {
        let stream = (key.series, key.measure_name);
        let run = match self.run_order.as_slice() {
            [] => self.runs.binary_search_by_key(&stream, stream_of).ok()?,
            order => {
                let found = order.binary_search_by_key(&stream, |run| stream_of(&self.runs[*run as usize])).ok()?;
                order[found] as usize
            }
        };
        let rows = self.run_rows(run);
        let found = self.times[rows.clone()].binary_search(&key.time_ns).ok()?;
        Some(rows.start + found)
    }

    /// The rows of the `run`-th run.
    pub(crate) fn run_rows(&self, run: usize) -> Range<usize> {
        let start = if run == 0 { 0 } else { self.runs[run - 1].end };
        start as usize..self.runs[run].end as usize
    }

    pub(crate) fn version(&self, row: usize) -> i64 {
        self.versions.get(row).copied().unwrap_or(1)
    }

    /// Calls `each` with the columns that a row has values in, and the values.
    pub(super) fn values<'a>(&'a self, row: usize, mut each: impl FnMut(u16, Value<'a>)) {
        for (id, column) in self.column_ids.iter().zip(&self.columns) {
            if let Some(value) = column.value(row) {
                each(*id, value);
            }
        }
    }

    /// Calls `each` with every row, as it would be added anew.
    pub(crate) fn for_each_row(&self, mut each: impl FnMut(NewRow<'_>)) {
        let mut values = Vec::with_capacity(self.columns.len());
        for (i, run) in self.runs.iter().enumerate() {
            for row in self.run_rows(i) {
                values.clear();
                self.values(row, |id, value| values.push((id, value)));
                values.sort_unstable_by_key(|(id, _)| *id);
                let key = RowKey { series: run.series, measure_name: run.measure_name, time_ns: self.times[row] };
                each(NewRow { key, version: self.version(row), values: &values });
            }
        }
    }

    pub(crate) fn column(&self, id: u16) -> Option<&ColumnArray> {
        self.column_ids.iter().position(|column| *column == id).map(|i| &self.columns[i])
    }
}

fn stream_of(run: &Run) -> (SeriesId, u16) {
    (run.series, run.measure_name)
}

/// The order of runs by series and measure name; empty when they are in it.
fn run_order(runs: &[Run]) -> Vec<u32> {
    if runs.is_sorted_by_key(stream_of) {
        return Vec::new();
    }
    let mut order: Vec<u32> = (0..runs.len() as u32).collect();
    order.sort_unstable_by_key(|run| stream_of(&runs[*run as usize]));
    order
}

/// Lengthens the last run to `end`, or starts a new one.
pub(crate) fn push_run(runs: &mut Vec<Run>, series: SeriesId, measure_name: u16, end: u32) {
    match runs.last_mut() {
        Some(run) if run.series == series && run.measure_name == measure_name => run.end = end,
        _ => runs.push(Run { series, measure_name, end }),
    }
}

/// A row's time, and where it is now: its block and its place there.
type Placed = (i64, u32, u32);

/// The settled, current rows of a group by stream and time, and the runs that they make.
///
/// A stream's rows mostly come in order of time, so they are only put beside each other, and sorted where they are not.
fn in_order(blocks: &[SettledBlock]) -> (Vec<Run>, Vec<Placed>) {
    let mut numbers: HashMap<(SeriesId, u16), u32> = HashMap::new();
    let mut counts: Vec<u32> = Vec::new();
    let mut rows: Vec<(u32, Placed)> = Vec::with_capacity(blocks.iter().map(|block| block.rows).sum());
    for (i, SettledBlock { block, first, rows: count, dead }) in blocks.iter().enumerate() {
        for row in (0..*count).filter(|row| !dead.contains(first + row)) {
            let stream = (block.series[row], block.measure_names[row]);
            let number = *numbers.entry(stream).or_insert_with(|| {
                counts.push(0);
                counts.len() as u32 - 1
            });
            counts[number as usize] += 1;
            rows.push((number, (block.times[row], i as u32, row as u32)));
        }
    }
    let mut streams: Vec<_> = numbers.into_iter().collect();
    streams.sort_unstable();
    let mut runs = Vec::with_capacity(streams.len());
    let (mut next, mut end) = (counts.clone(), 0);
    for ((series, measure_name), number) in streams {
        next[number as usize] = end;
        end += counts[number as usize];
        runs.push(Run { series, measure_name, end });
    }
    let mut order: Vec<Placed> = vec![(0, 0, 0); rows.len()];
    for (number, row) in rows {
        let at = &mut next[number as usize];
        order[*at as usize] = row;
        *at += 1;
    }
    let mut start = 0;
    for run in &runs {
        let of_run = &mut order[start..run.end as usize];
        if !of_run.is_sorted() {
            of_run.sort_unstable();
        }
        start = run.end as usize;
    }
    (runs, order)
}

/// One column of a group's rows in the order of `places`.
fn gather(blocks: &[SettledBlock], id: u16, like: &ColumnArray, places: &[(usize, usize)]) -> Option<ColumnArray> {
    let arrays: Vec<ArrayRef> = blocks
        .iter()
        .map(|settled| match settled.block.column(id) {
            Some(column) => column.to_array(),
            None => ColumnArray::absent(like.value_type(), settled.block.times.len()),
        })
        .collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(|array| &**array).collect();
    ColumnArray::from_array(&interleave(&arrays, places).ok()?)
}

/// Where the rows of a sealed chunk are.
#[derive(Clone, Debug)]
pub(crate) enum ChunkRows {
    /// In memory.
    Held(Arc<SealedRows>),
    /// In a Parquet file.
    Filed(Arc<DayFile>),
}

impl ChunkRows {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Held(rows) => rows.len(),
            Self::Filed(file) => file.rows,
        }
    }

    /// The oldest and the newest time, nanoseconds since the epoch.
    pub(crate) fn extent_ns(&self) -> (i64, i64) {
        match self {
            Self::Held(rows) => (rows.oldest_ns, rows.newest_ns),
            Self::Filed(file) => (file.oldest_ns, file.newest_ns),
        }
    }

    /// The rows, if they are in memory, be it for a moment.
    pub(crate) fn in_memory(&self) -> Option<Arc<SealedRows>> {
        match self {
            Self::Held(rows) => Some(Arc::clone(rows)),
            Self::Filed(file) => file.held(),
        }
    }

    /// Whether both are the same rows in the same place.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Held(a), Self::Held(b)) => Arc::ptr_eq(a, b),
            (Self::Filed(a), Self::Filed(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// A sealed chunk and what changes about it.
#[derive(Debug)]
pub(super) struct SealedChunk {
    /// Names the chunk in its table, and orders it: of two chunks, the one with the higher id is newer.
    pub(super) id: u64,
    /// Names its present rows, and so the file that they are written to.
    pub(super) revision: u64,
    pub(super) rows: ChunkRows,
    /// Of the rows' keys; together with the times it keeps look-ups away from chunks that do not hold what is sought.
    filter: Option<KeyFilter>,
    oldest_ns: i64,
    newest_ns: i64,
    /// Settled rows that are no longer current.
    pub(super) dead: Arc<DeadRows>,
    /// Rows older than this are purged, as writers see it.
    pub(super) floor_ns: i64,
    /// Rows older than this are purged, as readers see it.
    pub(super) settled_floor_ns: i64,
}

impl SealedChunk {
    pub(super) fn new(id: u64, rows: SealedRows) -> Self {
        Self {
            id,
            revision: id,
            filter: Some(KeyFilter::new(rows.keys(), rows.len())),
            oldest_ns: rows.oldest_ns,
            newest_ns: rows.newest_ns,
            rows: ChunkRows::Held(Arc::new(rows)),
            dead: Arc::new(DeadRows::default()),
            floor_ns: i64::MIN,
            settled_floor_ns: i64::MIN,
        }
    }

    /// A chunk whose rows are in a file.
    pub(super) fn filed(id: u64, file: Arc<DayFile>) -> Self {
        Self {
            id,
            revision: id,
            filter: None,
            oldest_ns: file.oldest_ns,
            newest_ns: file.newest_ns,
            rows: ChunkRows::Filed(file),
            dead: Arc::new(DeadRows::default()),
            floor_ns: i64::MIN,
            settled_floor_ns: i64::MIN,
        }
    }

    /// A chunk that was written down.
    pub(super) fn restored(mut chunk: Self, revision: u64, dead: DeadRows, floor_ns: i64) -> Self {
        (chunk.revision, chunk.dead) = (revision, Arc::new(dead));
        (chunk.floor_ns, chunk.settled_floor_ns) = (floor_ns, floor_ns);
        chunk
    }

    /// This chunk with some of its rows, all of which are current.
    pub(super) fn rewritten(&self, revision: u64, rows: SealedRows) -> Self {
        let mut chunk = Self::new(self.id, rows);
        chunk.revision = revision;
        (chunk.floor_ns, chunk.settled_floor_ns) = (self.floor_ns, self.settled_floor_ns);
        chunk
    }

    /// Bytes of memory, approximately.
    pub(super) fn bytes(&self) -> usize {
        let rows = match &self.rows {
            ChunkRows::Held(rows) => rows.bytes(),
            ChunkRows::Filed(file) => file.bytes(),
        };
        rows + self.filter.as_ref().map_or(0, KeyFilter::bytes)
    }

    /// The file in which the row with this key may be.
    pub(super) fn file_of(&self, key: RowKey) -> Option<&Arc<DayFile>> {
        match &self.rows {
            ChunkRows::Filed(file) if key.time_ns >= self.floor_ns && file.may_hold(key) => Some(file),
            _ => None,
        }
    }

    /// The row with this key, when it is current. A file that may hold it must be in memory.
    pub(super) fn find(&self, key: RowKey) -> Option<usize> {
        let is_out = !(self.oldest_ns..=self.newest_ns).contains(&key.time_ns);
        if is_out || self.filter.as_ref().is_some_and(|filter| !filter.may_contain(key)) {
            return None;
        }
        let row = match &self.rows {
            ChunkRows::Held(rows) => rows.find(key)?,
            ChunkRows::Filed(_) => {
                let file = self.file_of(key)?;
                let rows = file.held();
                debug_assert!(rows.is_some(), "{} is not loaded", file.path);
                rows?.find(key)?
            }
        };
        (key.time_ns >= self.floor_ns && !self.dead.contains(row)).then_some(row)
    }

    /// Rows that are settled and current and not older than `from_ns`.
    pub(super) fn live_rows(&self, from_ns: i64) -> usize {
        let from_ns = from_ns.max(self.settled_floor_ns);
        if from_ns <= self.oldest_ns {
            return self.rows.len() - self.dead.count();
        }
        if from_ns > self.newest_ns {
            return 0;
        }
        let rows = match &self.rows {
            ChunkRows::Held(rows) => Arc::clone(rows),
            ChunkRows::Filed(file) => match file.load() {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::error!(%error, "rows cannot be counted");
                    return self.rows.len() - self.dead.count();
                }
            },
        };
        let is_live = |row: &usize| rows.times[*row] >= from_ns && !self.dead.contains(*row);
        (0..rows.len()).filter(is_live).count()
    }
}
