//! One table's state, and the commits that change it.

use super::{
    EngineError, StateCounts,
    entry::put_write,
    log::Incoming,
    rows::{ReadRow, RowReader, RowWriter},
    snapshot::TableView,
};
use crate::{
    catalog::{
        schema::{MeasureUse, Schema, SchemaGrowth, SchemaMark},
        state::{TableEntry, TableId},
    },
    model::{
        record::{Dimensions, Measure, Record, RejectReason, RejectedRecord, Tier, Value},
        table::{Column, MeasureInfo},
    },
    store::{
        TableRows,
        codec::Malformed,
        error::StorageError,
        magnetic::{TableNames, day_file::DayFile},
        memory::{
            chunk_codec::DecodedChunk,
            open::{NewRow, RowKey},
            sealed::{Run, SealedRows},
            series::{SeriesDimensions, SeriesId, SeriesView},
            table::{ChunkSource, MemoryTable, RestoredChunk, RestoredRows, RowRef, TableImage},
        },
        pace,
        wal::Ticket,
    },
};
use hashbrown::{DefaultHashBuilder, HashMap};
use smallvec::SmallVec;
use std::{
    collections::VecDeque,
    hash::BuildHasher,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A record's values by column, ascending.
type Values<'a> = SmallVec<[(u16, Value<'a>); 4]>;

/// What became of the records of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOutcome {
    /// Records that are in the memory store now, those included that were there already.
    pub memory: u64,
    /// Records that the magnetic store took over, later rejections included.
    pub magnetic: u64,
    /// Records that are not stored, as the answer tells it; by index.
    pub rejected: Vec<RejectedRecord>,
    /// Records for the magnetic store that lost against a stored version. The answer does not tell of them: they belong
    /// into the report at the table's rejected data location. # guide: troubleshooting rejected records
    pub magnetic_rejected: Vec<RejectedRecord>,
}

/// What became of a commit.
pub(super) enum Commit {
    /// It is appended to the log. When it has filled a chunk, that is to be sealed once the commit is synced.
    Made { outcome: WriteOutcome, ticket: Ticket, is_full: bool },
    /// Nothing was done: the rows of these files must be in memory for it.
    Unread(Vec<Arc<DayFile>>),
}

/// The series of a table by the numbers that they have in the log.
pub(super) type SeriesNumbers = HashMap<SeriesId, SeriesId>;

/// Why a write that is read back from the log cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    /// It says what cannot be.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A file that it changes rows of cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What rewriting a table's chunks needs to know of it.
#[derive(Debug)]
pub(super) struct RewritableTable {
    /// Oldest first.
    pub(super) chunks: Vec<ChunkSource>,
    pub(super) series: SeriesView,
    pub(super) names: TableNames,
}

/// A table's records and what was learnt from them.
#[derive(Debug)]
pub(super) struct LiveTable {
    id: TableId,
    /// The number of the last commit that is synced.
    synced: Arc<AtomicU64>,
    hasher: DefaultHashBuilder,
    state: Mutex<TableState>,
    /// Held while a chunk is sealed.
    sealing: Mutex<()>,
}

#[derive(Debug, Default)]
struct TableState {
    schema: Schema,
    rows: MemoryTable,
    /// The schema as readers see it.
    settled: SchemaMark,
    /// The schema after every commit that is not settled, oldest first.
    pending: VecDeque<(u64, SchemaMark)>,
    /// What readers see of the schema, made when it is first asked for.
    described: Option<Described>,
    is_removed: bool,
    /// The rows of the commit being made, as they go to the log.
    row_writer: RowWriter,
    /// The beginning of its entry.
    entry: Vec<u8>,
}

/// A schema as readers see it.
#[derive(Clone, Debug)]
struct Described {
    at: SchemaMark,
    columns: Arc<[Column]>,
    measures: Arc<[MeasureInfo]>,
    measure_names: Arc<[Arc<str>]>,
}

/// What is done with a record.
enum Decision {
    /// It was added.
    Added,
    /// The very same data is there already.
    Present,
    /// It is rejected.
    Rejected(RejectReason),
}

impl LiveTable {
    pub(super) fn new(id: TableId, synced: Arc<AtomicU64>) -> Self {
        let hasher = DefaultHashBuilder::default();
        Self { id, synced, hasher, state: Mutex::default(), sealing: Mutex::default() }
    }

    /// Decides records and appends what is to be stored.
    pub(super) fn commit(
        &self,
        incoming: Incoming,
        name: &str,
        records: &[Record<'_>],
        visible_from_ns: i64,
    ) -> Result<Commit, EngineError> {
        let hashes: SmallVec<[u64; 128]> = records.iter().map(|record| self.series_hash(record.dimensions)).collect();
        let is_durable = incoming.log().is_durable();
        let mut outcome = WriteOutcome::default();
        let mut state = self.lock();
        if state.is_removed {
            return Err(EngineError::TableNotFound(name.to_owned()));
        }
        // The rows of files stay in memory until the look-ups below are done.
        let files = state.files_of(records, &hashes);
        let rows: Vec<_> = files.iter().map(|file| file.held()).collect();
        if rows.iter().any(Option::is_none) {
            let unread = files.into_iter().zip(rows).filter(|(_, rows)| rows.is_none());
            return Ok(Commit::Unread(unread.map(|(file, _)| file).collect()));
        }
        let schema_before = state.schema.mark();
        state.row_writer.clear();
        let mut added = 0;
        for (record, hash) in records.iter().zip(hashes) {
            let decision = state.decide(record, hash, visible_from_ns, is_durable);
            added += usize::from(matches!(decision, Decision::Added));
            outcome.note(record, decision);
        }
        if added == 0 {
            // What was found may itself not be synced yet, so the answer waits like any other.
            return Ok(Commit::Made { outcome, ticket: incoming.log().barrier(), is_full: false });
        }
        let ticket =
            state.append(self.id, schema_before, incoming).inspect_err(|_| self.roll_back_locked(&mut state))?;
        let is_full = state.commit(ticket.seq);
        if is_full {
            // As good a moment as any to look for what has expired.
            state.free(visible_from_ns);
        }
        state.settle(self.synced());
        Ok(Commit::Made { outcome, ticket, is_full })
    }

    /// The same for the same dimensions in any order.
    fn series_hash(&self, dimensions: Dimensions<'_>) -> u64 {
        let hashes = dimensions.iter().map(|dimension| self.hasher.hash_one((dimension.name, dimension.value)));
        hashes.fold(0, u64::wrapping_add)
    }

    pub(super) fn view(&self, entry: &TableEntry<Arc<Self>>) -> TableView {
        let mut state = self.lock();
        let described = state.described();
        let view = state.rows.view();
        drop(state);
        let rows = TableRows::new(Arc::clone(&described.columns), described.measure_names, view);
        TableView { table: entry.table(described.columns), measures: described.measures, rows }
    }

    pub(super) fn columns(&self) -> Arc<[Column]> {
        self.lock().described().columns
    }

    /// Purges for good what is older than `before_ns`, as part of the change that `append` logs.
    pub(super) fn purge(
        &self,
        before_ns: i64,
        append: impl FnOnce() -> Result<Ticket, EngineError>,
    ) -> Result<Ticket, EngineError> {
        let mut state = self.lock();
        state.rows.purge(before_ns);
        let ticket = append().inspect_err(|_| self.roll_back_locked(&mut state))?;
        state.commit(ticket.seq);
        Ok(ticket)
    }

    /// Undoes every commit that is not synced: the log has lost them.
    pub(super) fn roll_back(&self) {
        let mut state = self.lock();
        self.roll_back_locked(&mut state);
    }

    fn roll_back_locked(&self, state: &mut TableState) {
        state.settle(self.synced());
        state.roll_back();
    }

    fn synced(&self) -> u64 {
        self.synced.load(Ordering::SeqCst)
    }

    /// Frees the memory of what is older than `before_ns`; true when files are needed no more.
    pub(super) fn free(&self, before_ns: i64) -> bool {
        self.lock().free(before_ns)
    }

    /// The table is gone: later commits fail.
    pub(super) fn remove(&self) {
        self.lock().is_removed = true;
    }

    pub(super) fn add_counts(&self, counts: &mut StateCounts) {
        let state = self.lock();
        counts.series += state.rows.series.len() as u64;
        counts.records += state.rows.live_rows() as u64;
        counts.bytes += state.rows.bytes() as u64;
    }

    /// The state, with everything settled that is synced.
    fn lock(&self) -> MutexGuard<'_, TableState> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.settle(self.synced());
        state
    }

    /// Seals the full chunks that are settled. Writes and queries go on while rows are sorted.
    pub(super) fn seal(&self) {
        let _one = self.sealing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Some(chunk) = self.lock().rows.sealable() else { return };
            let sealed = chunk.seal();
            let mut state = self.lock();
            if !state.rows.replace_frozen(&chunk, sealed) {
                // Its rows are being replaced, and may be the next time as well.
                return pace::without_rest(|| state.rows.seal_settled());
            }
        }
    }

    /// Prepares for a checkpoint: starts a new open chunk when the present one is larger than `bytes`, and lets the log
    /// from here on stand on its own.
    pub(super) fn prepare_checkpoint(&self, bytes: usize) {
        let mut state = self.lock();
        state.rows.freeze_above(bytes);
        state.row_writer.forget_series();
    }

    /// What can be rewritten now; rows in the open chunk cannot, unless its oldest and newest time say that it `has_aged`.
    pub(super) fn rewritable(&self, has_aged: impl Fn((i64, i64)) -> bool) -> RewritableTable {
        self.lock().rows.freeze_if(has_aged);
        self.seal();
        let mut state = self.lock();
        let chunks = state.rows.rewritable().collect();
        RewritableTable { chunks, series: state.rows.series.view(), names: names(&state.schema) }
    }

    /// Takes the number of a chunk that is yet to be made.
    pub(super) fn new_chunk_id(&self) -> u64 {
        self.lock().rows.new_chunk_id()
    }

    /// Puts files, and of some chunks the rows to keep, in the place of chunks; false, with nothing changed, when one of
    /// these has changed since.
    pub(super) fn replace_chunks(
        &self,
        sources: &[ChunkSource],
        files: Vec<(u64, Arc<DayFile>)>,
        kept: Vec<(u64, SealedRows)>,
    ) -> bool {
        self.lock().rows.replace_chunks(sources, files, kept)
    }

    /// The names that files of the table speak of by number.
    pub(super) fn names(&self) -> TableNames {
        names(&self.lock().schema)
    }

    /// Bytes of rows in memory, approximately.
    pub(super) fn held_bytes(&self) -> usize {
        self.lock().rows.held_bytes()
    }

    /// The settled state as it is to be written down: the schema and the rows.
    pub(super) fn image(&self) -> (SchemaGrowth, TableImage) {
        self.seal();
        let mut state = self.lock();
        let mut schema = state.schema.growth_since(SchemaMark::default());
        state.settled.cut(&mut schema);
        (schema, state.rows.image())
    }

    /// Takes over what was written down: the schema and the numbers first.
    pub(super) fn restore_schema(&self, schema: &SchemaGrowth, settled_seq: u64, next_chunk: u64) {
        let mut state = self.lock();
        state.schema.grow(schema);
        state.settled = state.schema.mark();
        state.rows.restore_numbers(settled_seq, next_chunk);
    }

    /// Then the sealed chunks, oldest first; `series` are those that their rows speak of.
    pub(super) fn restore_sealed(&self, chunk: RestoredChunk, series: &[Vec<(u16, String)>]) -> Result<(), Malformed> {
        let mut state = self.lock();
        match &chunk.rows {
            RestoredRows::Held(rows) => check_rows(&state.schema, rows)?,
            RestoredRows::Filed(file) => check_runs(&state.schema, file.runs.iter().map(|run| &run.run))?,
        }
        let numbers = self.restore_series(&mut state, series)?;
        state.rows.restore_sealed(chunk, &numbers);
        Ok(())
    }

    /// Then the rows that were in open chunks.
    pub(super) fn restore_open(&self, decoded: DecodedChunk) -> Result<(), Malformed> {
        let mut state = self.lock();
        check_rows(&state.schema, &decoded.rows)?;
        let numbers = self.restore_series(&mut state, &decoded.series)?;
        state.rows.restore_open(decoded, &numbers);
        Ok(())
    }

    /// Finds or adds every series of a chunk.
    fn restore_series(
        &self,
        state: &mut TableState,
        series: &[Vec<(u16, String)>],
    ) -> Result<Vec<SeriesId>, Malformed> {
        let series = series.iter().map(|dimensions| {
            let dimensions: Vec<_> = dimensions.iter().map(|(id, value)| (*id, &**value)).collect();
            self.numbered_series(state, &dimensions)
        });
        series.collect()
    }

    /// The series of these dimensions, given by number; it is added when it is new.
    fn numbered_series(&self, state: &mut TableState, dimensions: &[(u16, &str)]) -> Result<SeriesId, Malformed> {
        let mut hash = 0_u64;
        for (id, value) in dimensions {
            let name = state.schema.dimensions().get(usize::from(*id)).ok_or(Malformed)?;
            hash = hash.wrapping_add(self.hasher.hash_one((&**name, *value)));
        }
        let series = &mut state.rows.series;
        let found = series.find(hash, |held| {
            held.len() == dimensions.len() && held.clone().all(|dimension| dimensions.contains(&dimension))
        });
        Ok(found.unwrap_or_else(|| series.add(hash, dimensions.iter().copied())))
    }

    /// Applies a write that is read back from the log, unless it is there already. `numbers` are the table's series by
    /// the numbers that they have in the log.
    pub(super) fn replay(
        &self,
        seq: u64,
        growth: &SchemaGrowth,
        mut rows: RowReader<'_>,
        numbers: &mut SeriesNumbers,
    ) -> Result<(), ReplayError> {
        let mut state = self.lock();
        let is_new = seq > state.rows.settled_seq();
        if is_new {
            state.schema.grow(growth);
        }
        while let Some(row) = rows.next()? {
            // What is there already may be where a series is written in full.
            if let Some(dimensions) = row.dimensions {
                numbers.insert(row.series, self.numbered_series(&mut state, dimensions)?);
            }
            if is_new {
                let series = *numbers.get(&row.series).ok_or(Malformed)?;
                replay_row(&mut state, series, &row)?;
            }
        }
        if is_new {
            let is_full = state.commit(seq);
            state.settle(seq);
            if is_full {
                state.rows.seal_settled();
            }
        }
        Ok(())
    }

    /// Applies a purge that is read back from the log, unless it is done already.
    pub(super) fn replay_purge(&self, seq: u64, before_ns: i64) {
        let mut state = self.lock();
        if seq > state.rows.settled_seq() {
            state.rows.purge(before_ns);
            state.commit(seq);
            state.settle(seq);
        }
    }
}

/// Checks that the schema knows what rows speak of.
fn check_rows(schema: &Schema, rows: &SealedRows) -> Result<(), Malformed> {
    for (id, column) in rows.column_ids.iter().zip(&rows.columns) {
        let known = schema.columns().get(usize::from(*id)).ok_or(Malformed)?;
        if known.kind.value_type() != column.value_type() {
            return Err(Malformed);
        }
    }
    check_runs(schema, rows.runs.iter())
}

fn check_runs<'a>(schema: &Schema, mut runs: impl Iterator<Item = &'a Run>) -> Result<(), Malformed> {
    let names = schema.measure_names().len();
    if runs.all(|run| usize::from(run.measure_name) < names) { Ok(()) } else { Err(Malformed) }
}

fn replay_row(state: &mut TableState, series: SeriesId, row: &ReadRow<'_, '_>) -> Result<(), ReplayError> {
    let schema = &state.schema;
    let is_known = |(id, value): &(u16, Value<'_>)| {
        schema.columns().get(usize::from(*id)).is_some_and(|c| c.kind.value_type() == value.measure_type())
    };
    if usize::from(row.measure_name) >= schema.measure_names().len() || !row.values.iter().all(is_known) {
        return Err(Malformed.into());
    }
    let key = RowKey { series, measure_name: row.measure_name, time_ns: row.time_ns };
    let files = state.rows.files_of(std::iter::once(key));
    let _rows = files.iter().map(|file| file.load()).collect::<Result<Vec<_>, _>>()?;
    let replaced = state.find(key);
    state.rows.push(NewRow { key, version: row.version, values: row.values }, replaced);
    Ok(())
}

fn names(schema: &Schema) -> TableNames {
    TableNames {
        dimensions: schema.dimensions().into(),
        measure_names: schema.measure_names().into(),
        columns: schema.columns().into(),
    }
}

impl WriteOutcome {
    fn note(&mut self, record: &Record<'_>, decision: Decision) {
        let count = match record.tier {
            Tier::Memory => &mut self.memory,
            Tier::Magnetic => &mut self.magnetic,
        };
        match decision {
            Decision::Added | Decision::Present => *count += 1,
            Decision::Rejected(reason) => {
                let lost = matches!(reason, RejectReason::LowerVersion { .. } | RejectReason::SameVersion);
                let rejected = RejectedRecord { index: record.index, reason };
                if lost && record.tier == Tier::Magnetic {
                    *count += 1;
                    self.magnetic_rejected.push(rejected);
                } else {
                    self.rejected.push(rejected);
                }
            }
        }
    }
}

impl TableState {
    fn settle(&mut self, synced: u64) {
        while let Some((seq, mark)) = self.pending.front().copied() {
            if seq > synced {
                break;
            }
            self.settled = mark;
            self.pending.pop_front();
        }
        self.rows.settle(synced);
    }

    /// Ends the commit being made, under the log's sequence number. True when it has filled a chunk.
    fn commit(&mut self, seq: u64) -> bool {
        self.pending.push_back((seq, self.schema.mark()));
        self.rows.commit(seq)
    }

    /// Undoes the commit being made and every commit that is not settled.
    fn roll_back(&mut self) {
        self.pending.clear();
        self.schema.truncate(self.settled);
        self.rows.roll_back(self.schema.measure_names().len());
        // Some may have been written in full only in what the log has lost.
        self.row_writer.forget_series();
    }

    /// Frees the memory of what is older than `before_ns`.
    fn free(&mut self, before_ns: i64) -> bool {
        let has_freed_files = self.rows.free(before_ns);
        if self.rows.series.is_empty() {
            // Their numbers begin again.
            self.row_writer.forget_series();
        }
        has_freed_files
    }

    /// Appends the commit being made to the log.
    fn append(&mut self, table: TableId, before: SchemaMark, incoming: Incoming) -> Result<Ticket, EngineError> {
        self.entry.clear();
        if incoming.log().is_durable() {
            put_write(&mut self.entry, table, &self.schema.growth_since(before));
        }
        incoming.append(&[&self.entry, &self.row_writer.bytes])
    }

    /// Decides a record against all that was decided before it, and adds it when it is to be stored; `is_logged` also to
    /// the rows for the log.
    fn decide(&mut self, record: &Record<'_>, hash: u64, visible_from_ns: i64, is_logged: bool) -> Decision {
        let mut values = Values::new();
        let known_columns = match known_columns(&self.schema, &record.measure, &mut values) {
            Ok(known) => known,
            Err(reason) => return Decision::Rejected(reason),
        };
        let series = self.find_series(hash, record.dimensions);
        let measure_name = self.schema.measure_name(record.measure_name);
        let mut replaced = None;
        if let (Some(series), Some(measure_name)) = (series, measure_name) {
            let key = RowKey { series, measure_name, time_ns: record.time_ns };
            if let Some(held) = self.find(key) {
                // What has aged out is as good as gone: its key may be written afresh.
                if record.time_ns >= visible_from_ns {
                    let is_same = known_columns && self.rows.has_values(held, &values);
                    if let Some(decision) = against_held(record.version, self.rows.version(held), is_same) {
                        return decision;
                    }
                }
                replaced = Some(held);
            }
        }
        if series.is_none() || measure_name.is_none() || !known_columns {
            if let Err(reason) = self.schema.check_growth(record.dimensions, record.measure_name, &record.measure) {
                return Decision::Rejected(reason);
            }
            add_columns(&mut self.schema, &record.measure, &mut values);
        }
        let series = series.unwrap_or_else(|| self.add_series(hash, record.dimensions));
        let measure_name = measure_name.unwrap_or_else(|| self.schema.add_measure_name(record.measure_name));
        self.note_use(series, measure_name, &record.measure);
        let key = RowKey { series, measure_name, time_ns: record.time_ns };
        let row = NewRow { key, version: record.version, values: &values };
        if is_logged {
            self.row_writer.put(&row, self.rows.series.dimensions(series));
        }
        self.rows.push(row, replaced);
        Decision::Added
    }

    /// Reads the files in which these records may be already, so that they can be found.
    /// The files in which the records' rows may be.
    fn files_of(&self, records: &[Record<'_>], hashes: &[u64]) -> Vec<Arc<DayFile>> {
        if !records.iter().any(|record| self.rows.may_be_in_file(record.time_ns)) {
            return Vec::new();
        }
        let keys = records.iter().zip(hashes).filter_map(|(record, hash)| {
            let series = self.find_series(*hash, record.dimensions)?;
            let measure_name = self.schema.measure_name(record.measure_name)?;
            Some(RowKey { series, measure_name, time_ns: record.time_ns })
        });
        self.rows.files_of(keys)
    }

    /// The row of this key, if there is one. A time newer than all of its stream needs no look-up.
    fn find(&mut self, key: RowKey) -> Option<RowRef> {
        if key.time_ns > self.rows.streams.entry(key.series, key.measure_name).newest_ns {
            return None;
        }
        self.rows.find(key)
    }

    fn find_series(&self, hash: u64, dimensions: Dimensions<'_>) -> Option<SeriesId> {
        let names = self.schema.dimensions();
        self.rows.series.find(hash, |held| is_same_series(names, held, dimensions))
    }

    fn add_series(&mut self, hash: u64, dimensions: Dimensions<'_>) -> SeriesId {
        let schema = &mut self.schema;
        let dimensions = dimensions.iter().map(|dimension| (schema.add_dimension(dimension.name), dimension.value));
        self.rows.series.add(hash, dimensions)
    }

    /// Notes which dimensions the measure is written with, once per stream and kind of value.
    fn note_use(&mut self, series: SeriesId, measure_name: u16, measure: &Measure<'_>) {
        let kind = match measure {
            Measure::Single(value) => Some(value.measure_type()),
            Measure::Multi(_) => None,
        };
        let bit = 1 << kind.map_or(7, |kind| kind as u8);
        let stream = self.rows.streams.entry(series, measure_name);
        if stream.noted & bit == 0 {
            stream.noted |= bit;
            for (dimension, _) in self.rows.series.dimensions(series) {
                self.schema.add_use(MeasureUse { measure_name, kind, dimension });
            }
        }
    }

    fn described(&mut self) -> Described {
        let at = self.settled;
        match &self.described {
            Some(described) if described.at == at => described.clone(),
            _ => {
                let described = Described {
                    at,
                    columns: self.schema.columns_at(at),
                    measures: self.schema.measures_at(at),
                    measure_names: self.schema.measure_names().into(),
                };
                self.described.insert(described).clone()
            }
        }
    }
}

/// What a stored row under the same key says to a record; `None`: the record takes its place.
/// # guide: writes.html (upserts); # observed: equal repeats succeed
fn against_held(version: i64, held: i64, is_same: bool) -> Option<Decision> {
    if version > held {
        None
    } else if is_same {
        Some(Decision::Present)
    } else if version == held {
        Some(Decision::Rejected(RejectReason::SameVersion))
    } else {
        Some(Decision::Rejected(RejectReason::LowerVersion { version, existing: held }))
    }
}

/// Puts the values whose columns the table has into `values`; false when it lacks one.
fn known_columns<'a>(schema: &Schema, measure: &Measure<'a>, values: &mut Values<'a>) -> Result<bool, RejectReason> {
    match measure {
        Measure::Single(value) => {
            values.extend(schema.single(value.measure_type()).map(|column| (column, *value)));
            Ok(values.len() == 1)
        }
        Measure::Multi(attributes) => {
            for attribute in attributes {
                let Some((column, stored)) = schema.attribute(attribute.name) else { continue };
                let given = attribute.value.measure_type();
                if stored != given {
                    return Err(RejectReason::AttributeType { name: attribute.name.to_owned(), stored, given });
                }
                values.push((column, attribute.value));
            }
            values.sort_unstable_by_key(|(column, _)| *column);
            Ok(values.len() == attributes.len())
        }
    }
}

/// Gives every value its column, adding those that the table lacks.
fn add_columns<'a>(schema: &mut Schema, measure: &Measure<'a>, values: &mut Values<'a>) {
    values.clear();
    match measure {
        Measure::Single(value) => values.push((schema.add_single(value.measure_type()), *value)),
        Measure::Multi(attributes) => {
            for attribute in attributes {
                values.push((schema.add_attribute(attribute.name, attribute.value.measure_type()), attribute.value));
            }
            values.sort_unstable_by_key(|(column, _)| *column);
        }
    }
}

/// Whether a stored series has exactly these dimensions. They mostly come in the order of the first time.
fn is_same_series(names: &[Arc<str>], held: SeriesDimensions<'_>, given: Dimensions<'_>) -> bool {
    let name = |dimension: u16| &*names[usize::from(dimension)];
    let in_order = held.clone().zip(given.iter());
    held.len() == given.len()
        && (in_order.clone().all(|((id, value), d)| value == d.value && name(id) == d.name)
            || given.iter().all(|d| held.clone().any(|(id, value)| value == d.value && name(id) == d.name)))
}
