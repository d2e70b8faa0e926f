//! One table's records: adding them, finding them, settling them.
//!
//! A write is two steps. The owner first adds rows and marks replaced ones ([`MemoryTable::push`]); writers see that at
//! once. When the log says that the commit is synced, it is settled, and readers see it too. Until then it can be
//! rolled back. Since rows only ever go to the ends of groups, what readers see is the first so many rows of each.

use super::{
    chunk_codec::DecodedChunk,
    dead::DeadRows,
    open::{NewRow, OpenChunk, Place, RowKey, SettledBlock},
    scan::{Piece, RowsView},
    sealed::{ChunkRows, Run, SealedChunk, SealedRows},
    series::{SeriesId, SeriesTable, SeriesView},
    streams::StreamTable,
};
use crate::{
    model::record::Value,
    store::{
        error::StorageError,
        magnetic::{day_file::DayFile, merge::MergeInput},
    },
};
use std::{collections::VecDeque, sync::Arc};

/// Rows of an open chunk at which it is frozen.
const CHUNK_ROWS_MAX: usize = 131_072;
/// Bytes of an open chunk at which it is frozen.
const CHUNK_BYTES_MAX: usize = 64 << 20;
/// Frozen chunks that may wait to be sealed; with more, whoever fills the next one has to seal them first.
const FROZEN_CHUNKS_MAX: usize = 4;

/// A row's place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef {
    chunk: u64,
    place: Place,
}

/// One table's records.
#[derive(Debug, Default)]
pub struct MemoryTable {
    /// Every distinct set of dimensions.
    pub series: SeriesTable,
    /// The newest time of every series under every measure name.
    pub streams: StreamTable,
    open: OpenChunk,
    /// Full chunks that wait to be sealed, oldest first.
    frozen: Vec<OpenChunk>,
    /// Oldest first; ids ascending.
    sealed: Vec<SealedChunk>,
    /// No sealed row is newer.
    sealed_newest_ns: Option<i64>,
    /// No row in a file is newer.
    filed_newest_ns: Option<i64>,
    next_chunk: u64,
    /// What the commit being made has done so far.
    current: Commit,
    /// Commits that are not settled, oldest first.
    pending: VecDeque<Commit>,
    /// Series of settled commits.
    settled_series: usize,
    settled_seq: u64,
}

/// A table's settled rows as they are to be written down.
#[derive(Debug)]
pub(crate) struct TableImage {
    /// The last commit in it.
    pub(crate) settled_seq: u64,
    pub(crate) next_chunk: u64,
    pub(crate) series: SeriesView,
    pub(crate) sealed: Vec<ChunkImage>,
    open: Vec<Vec<SettledBlock>>,
}

impl TableImage {
    /// The rows of open chunks, sorted.
    pub(crate) fn open(&self) -> Vec<SealedRows> {
        self.open.iter().filter_map(|blocks| SealedRows::seal(blocks)).collect()
    }
}

/// A sealed chunk as it is to be written down.
#[derive(Debug)]
pub(crate) struct ChunkImage {
    pub(crate) id: u64,
    pub(crate) revision: u64,
    pub(crate) rows: ChunkRows,
    pub(crate) dead: Arc<DeadRows>,
    pub(crate) floor_ns: i64,
}

impl ChunkImage {
    fn of(chunk: &SealedChunk) -> Self {
        Self {
            id: chunk.id,
            revision: chunk.revision,
            rows: chunk.rows.clone(),
            dead: Arc::clone(&chunk.dead),
            floor_ns: chunk.settled_floor_ns,
        }
    }
}

/// A sealed chunk as it was written down.
#[derive(Debug)]
pub(crate) struct RestoredChunk {
    pub(crate) id: u64,
    pub(crate) revision: u64,
    pub(crate) rows: RestoredRows,
    pub(crate) dead: DeadRows,
    pub(crate) floor_ns: i64,
}

/// The rows of a sealed chunk as they are read; their series are numbered within them.
#[derive(Debug)]
pub(crate) enum RestoredRows {
    /// From a file of Timebrook's own.
    Held(SealedRows),
    /// In a Parquet file.
    Filed(DayFile),
}

/// A sealed chunk that is to be rewritten into files.
#[derive(Clone, Debug)]
pub(crate) struct ChunkSource {
    pub(crate) id: u64,
    pub(crate) rows: ChunkRows,
    pub(crate) dead: Arc<DeadRows>,
    pub(crate) floor_ns: i64,
}

impl ChunkSource {
    /// Its rows, read from their file when they are in one; to be merged are those older than `until_ns`.
    pub(crate) fn load(&self, until_ns: i64) -> Result<MergeInput, StorageError> {
        let rows = match &self.rows {
            ChunkRows::Held(rows) => Arc::clone(rows),
            ChunkRows::Filed(file) => file.load()?,
        };
        Ok(MergeInput { rows, dead: Arc::clone(&self.dead), from_ns: self.floor_ns, until_ns })
    }
}

/// The rows of a full chunk, to be sealed apart from their table.
#[derive(Debug)]
pub(crate) struct FrozenChunk {
    id: u64,
    groups: Vec<Vec<SettledBlock>>,
}

impl FrozenChunk {
    /// Its current rows, sorted. Takes a while: some ten milliseconds for a chunk of rows with ten values.
    pub(crate) fn seal(&self) -> Vec<SealedRows> {
        self.groups.iter().filter_map(|blocks| SealedRows::seal(blocks)).collect()
    }

    /// Whether the same rows of the chunk are current still.
    fn is_same(&self, chunk: &OpenChunk) -> bool {
        let dead = |blocks: &[SettledBlock]| blocks.first().map_or(0, |block| block.dead.count());
        self.groups.iter().zip(&chunk.groups).all(|(blocks, group)| dead(blocks) == group.dead.count())
    }
}

/// What settling a commit does.
#[derive(Debug, Default)]
struct Commit {
    seq: u64,
    /// Per group that got rows: its chunk, its number, its rows after the commit.
    grown: Vec<(u64, u8, usize)>,
    /// Rows that were replaced or purged.
    killed: Vec<RowRef>,
    /// Sealed rows older than this were purged.
    floor_ns: Option<i64>,
    series: usize,
}

impl MemoryTable {
    /// Whether any file holds rows of this time or newer ones.
    pub(crate) fn may_be_in_file(&self, time_ns: i64) -> bool {
        self.filed_newest_ns.is_some_and(|newest_ns| time_ns <= newest_ns)
    }

    /// The files in which rows with these keys may be. Only while their rows are in memory can the keys be found.
    pub(crate) fn files_of(&self, keys: impl Iterator<Item = RowKey>) -> Vec<Arc<DayFile>> {
        let mut files: Vec<Arc<DayFile>> = Vec::new();
        for key in keys.filter(|key| self.may_be_in_file(key.time_ns)) {
            for file in self.sealed.iter().filter_map(|chunk| chunk.file_of(key)) {
                if !files.iter().any(|known| Arc::ptr_eq(known, file)) {
                    files.push(Arc::clone(file));
                }
            }
        }
        files
    }

    /// The row with this key, as writers see it. The rows of files that may hold it must be in memory
    /// ([`MemoryTable::files_of`]).
    #[must_use]
    pub fn find(&self, key: RowKey) -> Option<RowRef> {
        let open = std::iter::once(&self.open).chain(self.frozen.iter().rev());
        for chunk in open {
            if let Some(place) = chunk.find(key) {
                return Some(RowRef { chunk: chunk.id, place });
            }
        }
        if self.sealed_newest_ns.is_none_or(|newest_ns| key.time_ns > newest_ns) {
            return None;
        }
        self.sealed.iter().rev().find_map(|chunk| {
            let row = chunk.find(key)?;
            Some(RowRef { chunk: chunk.id, place: Place { group: 0, row: row as u32 } })
        })
    }

    /// A row's version.
    #[must_use]
    pub fn version(&self, at: RowRef) -> i64 {
        let row = at.place.row as usize;
        match self.open_chunk(at.chunk) {
            Some(chunk) => chunk.group(at.place).version(row),
            None => self.sealed_rows(at.chunk).map_or(1, |rows| rows.version(row)),
        }
    }

    /// Whether a row has exactly these values (by column, ascending).
    #[must_use]
    pub fn has_values(&self, at: RowRef, values: &[(u16, Value<'_>)]) -> bool {
        let (mut held, mut same) = (0, true);
        let each = |id: u16, value: Value<'_>| {
            held += 1;
            let given = values.binary_search_by_key(&id, |(column, _)| *column);
            same &= given.is_ok_and(|i| values[i].1.is_same(&value));
        };
        let row = at.place.row as usize;
        match self.open_chunk(at.chunk) {
            Some(chunk) => chunk.group(at.place).values(row, each),
            None => {
                if let Some(rows) = self.sealed_rows(at.chunk) {
                    rows.values(row, each);
                }
            }
        }
        same && held == values.len()
    }

    /// Adds a row to the commit being made; `replaced` is the row of the same key that it takes the place of.
    pub fn push(&mut self, row: NewRow<'_>, replaced: Option<RowRef>) {
        self.current.killed.extend(replaced);
        let place = self.open.push(row);
        let rows = place.row as usize + 1;
        let grown = self.current.grown.iter_mut().find(|(_, group, _)| *group == place.group);
        match grown {
            Some((_, _, after)) => *after = rows,
            None => self.current.grown.push((self.open.id, place.group, rows)),
        }
        let stream = self.streams.entry(row.key.series, row.key.measure_name);
        stream.newest_ns = stream.newest_ns.max(row.key.time_ns);
    }

    /// Purges rows older than `before_ns` with the commit being made.
    pub fn purge(&mut self, before_ns: i64) {
        for chunk in self.frozen.iter_mut().chain([&mut self.open]) {
            let mut old = Vec::new();
            for (number, group) in chunk.groups.iter().enumerate() {
                for row in (0..group.rows).filter(|row| group.key(*row).time_ns < before_ns) {
                    old.push((Place { group: number as u8, row: row as u32 }, group.key(row)));
                }
            }
            for (place, key) in old {
                // A row that is not found any more was replaced or purged before.
                if chunk.find(key) == Some(place) {
                    chunk.forget(key);
                    self.current.killed.push(RowRef { chunk: chunk.id, place });
                }
            }
        }
        for chunk in &mut self.sealed {
            chunk.floor_ns = chunk.floor_ns.max(before_ns);
        }
        self.current.floor_ns = Some(before_ns);
    }

    /// Ends the commit being made, under the log's sequence number. True when it has filled a chunk.
    pub fn commit(&mut self, seq: u64) -> bool {
        let mut commit = std::mem::take(&mut self.current);
        commit.seq = seq;
        commit.series = self.series.len();
        self.pending.push_back(commit);
        let is_full = self.open.rows() >= CHUNK_ROWS_MAX || self.open.bytes() >= CHUNK_BYTES_MAX;
        if is_full {
            if self.frozen.len() >= FROZEN_CHUNKS_MAX {
                self.seal_settled();
            }
            self.freeze();
            // A table that has filled one chunk is likely to fill the next.
            self.open.reserve(CHUNK_ROWS_MAX);
        }
        is_full
    }

    /// Settles every commit up to `synced`.
    pub fn settle(&mut self, synced: u64) {
        while self.pending.front().is_some_and(|commit| commit.seq <= synced) {
            let Some(commit) = self.pending.pop_front() else { return };
            for (chunk, group, rows) in commit.grown {
                if let Some(chunk) = self.open_chunk_mut(chunk) {
                    chunk.groups[usize::from(group)].settled = rows;
                }
            }
            for row in commit.killed {
                self.kill(row);
            }
            if let Some(floor_ns) = commit.floor_ns {
                for chunk in &mut self.sealed {
                    chunk.settled_floor_ns = chunk.settled_floor_ns.max(floor_ns);
                }
            }
            self.settled_series = commit.series;
            self.settled_seq = commit.seq;
        }
    }

    /// Undoes the commit being made and every commit that is not settled. Streams of measure names that the owner
    /// forgets too, from `measure_names` on, go with them.
    pub fn roll_back(&mut self, measure_names: usize) {
        self.current = Commit::default();
        self.pending.clear();
        self.frozen.iter_mut().chain([&mut self.open]).for_each(OpenChunk::roll_back);
        for chunk in &mut self.sealed {
            chunk.floor_ns = chunk.settled_floor_ns;
        }
        self.series.truncate(self.settled_series);
        let series = self.settled_series;
        self.streams.retain(|stream| {
            stream.noted = 0;
            (stream.series as usize) < series && usize::from(stream.measure_name) < measure_names
        });
    }

    /// The sequence number of the last commit that is settled.
    #[must_use]
    pub fn settled_seq(&self) -> u64 {
        self.settled_seq
    }

    /// Frees the memory of rows older than `before_ns`, and of replaced ones where they are many; of series only when no
    /// row is left. Readers must already not ask for such rows. True
    /// when files are needed no more.
    pub fn free(&mut self, before_ns: i64) -> bool {
        let mut has_freed_files = false;
        for i in (0..self.frozen.len()).rev() {
            if self.is_expired(&self.frozen[i], before_ns) {
                self.frozen.remove(i);
            }
        }
        if self.open.rows() > 0 && self.is_expired(&self.open, before_ns) {
            self.open = OpenChunk::new(self.take_chunk_id());
        }
        for i in (0..self.sealed.len()).rev() {
            let chunk = &self.sealed[i];
            if self.is_pending(chunk.id) {
                continue;
            }
            let floor_ns = before_ns.max(chunk.settled_floor_ns);
            let ChunkRows::Held(rows) = &chunk.rows else {
                // Files are rewritten when they are merged.
                if chunk.rows.extent_ns().1 < floor_ns || chunk.dead.count() == chunk.rows.len() {
                    self.sealed.remove(i);
                    has_freed_files = true;
                }
                continue;
            };
            if chunk.live_rows(before_ns) * 2 > rows.len() {
                continue;
            }
            let kept = rows.retain(|row| rows.times[row] >= floor_ns && !chunk.dead.contains(row));
            match kept {
                Some(rows) => {
                    // The rewritten chunk keeps its id: what is newer must still be found first.
                    let revision = self.take_chunk_id();
                    self.sealed[i] = self.sealed[i].rewritten(revision, rows);
                }
                None => drop(self.sealed.remove(i)),
            }
        }
        let is_empty = self.sealed.is_empty() && self.frozen.is_empty() && self.open.rows() == 0;
        if is_empty && self.pending.is_empty() {
            (self.series, self.streams) = (SeriesTable::default(), StreamTable::default());
            (self.settled_series, self.sealed_newest_ns, self.filed_newest_ns) = (0, None, None);
        }
        has_freed_files
    }

    fn is_expired(&self, chunk: &OpenChunk, before_ns: i64) -> bool {
        let is_old = chunk.groups.iter().all(|group| (0..group.rows).all(|row| group.key(row).time_ns < before_ns));
        is_old && chunk.is_settled() && !self.is_pending(chunk.id)
    }

    fn is_pending(&self, chunk: u64) -> bool {
        self.pending.iter().any(|commit| {
            commit.killed.iter().any(|row| row.chunk == chunk) || commit.grown.iter().any(|(grown, ..)| *grown == chunk)
        })
    }

    /// An immutable view of the settled rows.
    pub fn view(&mut self) -> RowsView {
        let mut pieces = Vec::with_capacity(self.sealed.len() + 1);
        for chunk in &self.sealed {
            let (dead, floor_ns) = (Arc::clone(&chunk.dead), chunk.settled_floor_ns);
            pieces.push(match &chunk.rows {
                ChunkRows::Held(rows) => Piece::Sealed { rows: Arc::clone(rows), dead, floor_ns },
                ChunkRows::Filed(file) => Piece::Filed { file: Arc::clone(file), dead, floor_ns },
            });
        }
        for chunk in self.frozen.iter_mut().chain([&mut self.open]) {
            pieces.extend(chunk.groups.iter_mut().flat_map(|group| group.settled_blocks()).map(Piece::Open));
        }
        RowsView::new(self.series.view(), pieces)
    }

    /// Freezes the open chunk when it is larger than `bytes`, so that it can be sealed once it is settled.
    pub fn freeze_above(&mut self, bytes: usize) {
        if self.open.bytes() > bytes {
            self.freeze();
        }
    }

    /// The oldest full chunk, when it can be sealed: it is settled, and no commit that touches it is under way.
    pub(crate) fn sealable(&mut self) -> Option<FrozenChunk> {
        let is_ready = self.frozen.first().is_some_and(|chunk| chunk.is_settled() && !self.is_pending(chunk.id));
        let chunk = self.frozen.first_mut().filter(|_| is_ready)?;
        Some(FrozenChunk {
            id: chunk.id,
            groups: chunk.groups.iter_mut().map(|group| group.settled_blocks()).collect(),
        })
    }

    /// Puts the sealed rows of a chunk in its place; false, with nothing changed, when it has changed since.
    pub(crate) fn replace_frozen(&mut self, chunk: &FrozenChunk, sealed: Vec<SealedRows>) -> bool {
        let is_unchanged = self
            .frozen
            .first()
            .is_some_and(|frozen| frozen.id == chunk.id && chunk.is_same(frozen) && !self.is_pending(frozen.id));
        if is_unchanged {
            self.frozen.remove(0);
            for rows in sealed {
                self.sealed_newest_ns = self.sealed_newest_ns.max(Some(rows.newest_ns));
                let id = self.take_chunk_id();
                self.sealed.push(SealedChunk::new(id, rows));
            }
        }
        is_unchanged
    }

    /// Seals every chunk that can be.
    pub(crate) fn seal_settled(&mut self) {
        while let Some(chunk) = self.sealable() {
            self.replace_frozen(&chunk, chunk.seal());
        }
    }

    /// The settled rows as they are to be written down.
    pub(crate) fn image(&mut self) -> TableImage {
        let chunks = self.frozen.iter_mut().chain([&mut self.open]);
        TableImage {
            settled_seq: self.settled_seq,
            next_chunk: self.next_chunk,
            series: self.series.view(),
            sealed: self.sealed.iter().map(ChunkImage::of).collect(),
            open: chunks.flat_map(|chunk| &mut chunk.groups).map(|group| group.settled_blocks()).collect(),
        }
    }

    /// Takes over what was written down of a table: the numbers first.
    pub(crate) fn restore_numbers(&mut self, settled_seq: u64, next_chunk: u64) {
        (self.settled_seq, self.next_chunk) = (settled_seq, next_chunk);
        self.open.id = self.take_chunk_id();
    }

    /// Then its sealed chunks, oldest first. `numbers` gives every series of the chunk its number in this table.
    pub(crate) fn restore_sealed(&mut self, chunk: RestoredChunk, numbers: &[SeriesId]) {
        let restored = match chunk.rows {
            RestoredRows::Held(rows) => {
                let rows = rows.renumber(numbers);
                for (i, run) in rows.runs.iter().enumerate() {
                    self.note_newest(*run, rows.times[rows.run_rows(i)].last().copied());
                }
                SealedChunk::new(chunk.id, rows)
            }
            RestoredRows::Filed(file) => {
                let file = file.renumber(numbers);
                file.runs.iter().for_each(|run| self.note_newest(run.run, Some(run.newest_ns)));
                self.filed_newest_ns = self.filed_newest_ns.max(Some(file.newest_ns));
                SealedChunk::filed(chunk.id, Arc::new(file))
            }
        };
        self.sealed_newest_ns = self.sealed_newest_ns.max(Some(restored.rows.extent_ns().1));
        self.sealed.push(SealedChunk::restored(restored, chunk.revision, chunk.dead, chunk.floor_ns));
        self.settled_series = self.series.len();
    }

    fn note_newest(&mut self, run: Run, newest_ns: Option<i64>) {
        let stream = self.streams.entry(run.series, run.measure_name);
        stream.newest_ns = stream.newest_ns.max(newest_ns.unwrap_or(i64::MIN));
    }

    /// Freezes the open chunk when its oldest and newest time say that it `has_aged`.
    pub(crate) fn freeze_if(&mut self, has_aged: impl Fn((i64, i64)) -> bool) {
        if self.open.extent_ns().is_some_and(has_aged) {
            self.freeze();
        }
    }

    /// The chunks that can be rewritten now: sealed, and no commit that touches them is under way. Oldest first.
    pub(crate) fn rewritable(&self) -> impl Iterator<Item = ChunkSource> {
        self.sealed.iter().filter(|chunk| !self.is_pending(chunk.id)).map(|chunk| ChunkSource {
            id: chunk.id,
            rows: chunk.rows.clone(),
            dead: Arc::clone(&chunk.dead),
            floor_ns: chunk.settled_floor_ns,
        })
    }

    /// Takes the number of a chunk that is yet to be made.
    pub(crate) fn new_chunk_id(&mut self) -> u64 {
        self.take_chunk_id()
    }

    /// Puts files in the place of the chunks that their rows come from, and of some chunks (by id) the rows that are to
    /// stay in memory; false, with nothing changed, when a chunk has changed since.
    pub(crate) fn replace_chunks(
        &mut self,
        sources: &[ChunkSource],
        files: Vec<(u64, Arc<DayFile>)>,
        kept: Vec<(u64, SealedRows)>,
    ) -> bool {
        let is_unchanged = sources.iter().all(|source| {
            self.sealed_chunk(source.id).is_some_and(|chunk| {
                chunk.rows.is_same(&source.rows)
                    && chunk.dead.count() == source.dead.count()
                    && chunk.floor_ns == source.floor_ns
                    && !self.is_pending(chunk.id)
            })
        });
        if !is_unchanged {
            return false;
        }
        for (id, rows) in kept {
            let revision = self.take_chunk_id();
            if let Ok(i) = self.sealed.binary_search_by_key(&id, |chunk| chunk.id) {
                self.sealed[i] = self.sealed[i].rewritten(revision, rows);
            }
        }
        let is_gone = |chunk: &SealedChunk| {
            sources.iter().any(|source| source.id == chunk.id && source.rows.is_same(&chunk.rows))
        };
        self.sealed.retain(|chunk| !is_gone(chunk));
        for (id, file) in files {
            self.filed_newest_ns = self.filed_newest_ns.max(Some(file.newest_ns));
            self.sealed.push(SealedChunk::filed(id, file));
        }
        self.sealed.sort_by_key(|chunk| chunk.id);
        true
    }

    /// Then the rows that were in open chunks, as a commit that is settled already.
    pub(crate) fn restore_open(&mut self, decoded: DecodedChunk, numbers: &[SeriesId]) {
        let (settled_seq, rows) = (self.settled_seq, decoded.rows.renumber(numbers));
        rows.for_each_row(|row| self.push(row, None));
        self.commit(settled_seq);
        self.settle(settled_seq);
    }

    /// Settled rows that are current.
    #[must_use]
    pub fn live_rows(&self) -> usize {
        let open = self.frozen.iter().chain([&self.open]).map(OpenChunk::live_rows).sum::<usize>();
        open + self.sealed.iter().map(|chunk| chunk.live_rows(i64::MIN)).sum::<usize>()
    }

    /// Bytes of memory, approximately.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let open = self.frozen.iter().chain([&self.open]).map(OpenChunk::bytes).sum::<usize>();
        let sealed = self.sealed.iter().map(SealedChunk::bytes).sum::<usize>();
        open + sealed + self.series.bytes() + self.streams.len() * 24
    }

    /// Bytes of rows in memory, approximately; what is known of files is not counted.
    pub(crate) fn held_bytes(&self) -> usize {
        let open = self.frozen.iter().chain([&self.open]).map(OpenChunk::bytes).sum::<usize>();
        let held = self.sealed.iter().filter(|chunk| matches!(chunk.rows, ChunkRows::Held(_)));
        open + held.map(SealedChunk::bytes).sum::<usize>()
    }

    /// Starts a new open chunk; the present one can be sealed once it is settled.
    fn freeze(&mut self) {
        let next = OpenChunk::new(self.take_chunk_id());
        self.frozen.push(std::mem::replace(&mut self.open, next));
    }

    fn kill(&mut self, at: RowRef) {
        let row = at.place.row as usize;
        if let Some(chunk) = self.open_chunk_mut(at.chunk) {
            chunk.groups[usize::from(at.place.group)].kill(row);
        } else if let Ok(i) = self.sealed.binary_search_by_key(&at.chunk, |chunk| chunk.id) {
            Arc::make_mut(&mut self.sealed[i].dead).insert(row);
        }
    }

    fn take_chunk_id(&mut self) -> u64 {
        // The first open chunk of a table has the number 0.
        self.next_chunk += 1;
        self.next_chunk
    }

    fn open_chunk(&self, id: u64) -> Option<&OpenChunk> {
        std::iter::once(&self.open).chain(&self.frozen).find(|chunk| chunk.id == id)
    }

    fn open_chunk_mut(&mut self, id: u64) -> Option<&mut OpenChunk> {
        std::iter::once(&mut self.open).chain(&mut self.frozen).find(|chunk| chunk.id == id)
    }

    fn sealed_rows(&self, id: u64) -> Option<Arc<SealedRows>> {
        self.sealed_chunk(id).and_then(|chunk| chunk.rows.in_memory())
    }

    fn sealed_chunk(&self, id: u64) -> Option<&SealedChunk> {
        self.sealed.binary_search_by_key(&id, |chunk| chunk.id).ok().map(|i| &self.sealed[i])
    }
}

#[cfg(test)]
mod tests;
