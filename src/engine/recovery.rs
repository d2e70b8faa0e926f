//! Opening a data directory: the last checkpoint, then what the log says since.

use super::{
    EngineError, Inner, background,
    backlog::Backlog,
    checkpoint::{
        CHECKPOINT_DIR, CHECKPOINT_FILE, CHUNK_DIR, CHUNK_FILE, Checkpoints, Written, all_tables, checkpoint_path,
        chunk_path, delete_file,
    },
    control::{LiveCatalog, apply},
    entry::{
        Entry, read_account_settings, read_batch_load_task, read_entry, read_growth, read_scheduled_query, read_scope,
        read_settings, read_tags,
    },
    location::{self, MagneticLocation},
    log::Log,
    table::{LiveTable, ReplayError, SeriesNumbers},
};
use crate::{
    catalog::state::{Change, TableId, TablePlace},
    clock::Clock,
    model::scope::Scope,
    store::{
        codec::{Malformed, Reader},
        disk::Disk,
        error::{StorageError, io_error},
        magnetic::{
            day_file::{DayFile, OpenedFile},
            files::{MAGNETIC_DIR, MagneticFiles},
        },
        memory::{
            chunk_codec::read_chunk,
            dead::DeadRows,
            table::{RestoredChunk, RestoredRows},
        },
        wal::{WAL_DIR, Wal, WalOptions, recover},
        whole_file::read_file,
    },
};
use hashbrown::{HashMap, HashSet};
use std::{
    panic::resume_unwind,
    sync::{
        Arc, Mutex, OnceLock, RwLock, Weak,
        atomic::AtomicU64,
        mpsc::{Receiver, sync_channel},
    },
};

/// Bytes of the log that no checkpoint covers, in those after which one is due: with more, writes wait.
const BACKLOG_CHECKPOINTS_MAX: u64 = 8;

/// When the log begins a new file, and when it has grown enough for a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogSizes {
    pub(super) segment_bytes_max: u64,
    /// Files of the log that are kept to be used again.
    pub(super) spare_segments_max: usize,
    pub(super) checkpoint_bytes: u64,
    /// Bytes of rows in memory from which on the oldest go to files; looked at with every checkpoint.
    pub(super) memory_bytes_max: usize,
}

impl LogSizes {
    /// Checkpoints come often enough to keep `memory_bytes_max`: they move rows when less than a quarter of it is left, and
    /// in memory, rows take about twice what they take in the log.
    pub(super) fn with_memory(memory_bytes_max: usize) -> Self {
        let checkpoint_bytes = (64 << 20).min(memory_bytes_max as u64 / 8).max(64 << 10);
        let segment_bytes_max = 8 << 20;
        // As many as a checkpoint lets go.
        let spare_segments_max = (checkpoint_bytes / segment_bytes_max) as usize + 1;
        Self { segment_bytes_max, spare_segments_max, checkpoint_bytes, memory_bytes_max }
    }
}

/// What is read before the log.
#[derive(Debug)]
struct Restored {
    catalog: LiveCatalog,
    synced: Arc<AtomicU64>,
    written: Written,
    /// The first entry of the log that is needed.
    log_from: u64,
    series_numbers: HashMap<TableId, SeriesNumbers>,
}

/// Where what was written down is.
#[derive(Clone, Copy)]
struct Stores<'a> {
    disk: &'a Arc<dyn Disk>,
    files: &'a Arc<dyn MagneticFiles>,
}

/// Opens what a disk holds, and the magnetic store that goes with it.
pub(super) fn open(
    disk: Arc<dyn Disk>,
    magnetic: Option<MagneticLocation>,
    sizes: LogSizes,
) -> Result<Arc<Inner>, EngineError> {
    let files = location::open(&disk, magnetic)?;
    for dir in [WAL_DIR, CHUNK_DIR, CHECKPOINT_DIR] {
        disk.create_dir(dir).map_err(io_error(dir))?;
    }
    let mut restored = read_checkpoint(Stores { disk: &disk, files: &files })?;
    let mut tables = tables_by_id(&restored.catalog);
    let after = restored.log_from - 1;
    let recovered = recover(&*disk, after, |seq, bytes| replay(&mut restored, &mut tables, seq, bytes))?;
    if let Some(seq) = restored.written.seq.filter(|seq| recovered.last_seq < *seq) {
        return Err(StorageError::MissingSegment { seq }.into());
    }
    delete_leftovers(&*disk, &*files, &restored.written)?;

    let inner: Arc<OnceLock<Weak<Inner>>> = Arc::default();
    let (due, is_due) = sync_channel(1);
    let for_failure = Arc::clone(&inner);
    let last_due = Mutex::new(0);
    let log_bytes_max = sizes.checkpoint_bytes.saturating_mul(BACKLOG_CHECKPOINTS_MAX);
    let backlog = Arc::new(Backlog::new(log_bytes_max, sizes.memory_bytes_max));
    let (for_log, for_checkpoints) = (Arc::clone(&backlog), Arc::clone(&backlog));
    let options = WalOptions {
        segment_bytes_max: sizes.segment_bytes_max,
        spare_segments_max: sizes.spare_segments_max,
        on_failure: Box::new(move |_synced| {
            if let Some(inner) = for_failure.get().and_then(Weak::upgrade) {
                all_tables(&inner.catalog()).for_each(|entry| entry.live.roll_back());
            }
        }),
        on_written: Box::new(move |bytes| {
            for_log.grow(bytes);
            let Ok(mut last) = last_due.lock() else { return };
            // A full channel means that a checkpoint is due already.
            if bytes - *last >= sizes.checkpoint_bytes && due.try_send(()).is_ok() {
                *last = bytes;
            }
        }),
    };
    let wal = Wal::start(Arc::clone(&disk), recovered, Arc::clone(&restored.synced), options)?;
    let opened = Arc::new(Inner {
        catalog: RwLock::new(restored.catalog),
        control: Mutex::default(),
        log: Arc::new(Log::Wal { wal, backlog }),
        synced: restored.synced,
        files: Arc::clone(&files),
        checkpoints: Some(Checkpoints::new(disk, files, restored.written)),
        moving: Mutex::default(),
        merging: Mutex::default(),
    });
    let weak = Arc::downgrade(&opened);
    inner.get_or_init(|| weak.clone());
    let checkpoints = move || make_checkpoints(&weak, &is_due, &for_checkpoints, sizes.checkpoint_bytes);
    background::start("checkpoint", checkpoints).map_err(io_error(CHECKPOINT_DIR))?;
    Ok(opened)
}

/// Makes a checkpoint whenever one is due, with no more rows in memory than there may be, until the log is closed.
fn make_checkpoints(inner: &Weak<Inner>, is_due: &Receiver<()>, backlog: &Arc<Backlog>, checkpoint_bytes: u64) {
    backlog.pace();
    let _when_done = backlog.open_when_dropped();
    while is_due.recv().is_ok()
        && let Some(inner) = inner.upgrade()
    {
        while make_checkpoint(&inner, backlog, checkpoint_bytes) {}
    }
}

/// Moves rows for which there is no room in memory, and makes a checkpoint before too much is logged meanwhile. True when
/// there are more such rows.
fn make_checkpoint(inner: &Inner, backlog: &Backlog, checkpoint_bytes: u64) -> bool {
    let clock = Clock::system();
    let (bytes, started_ns) = (backlog.written(), clock.monotonic_ns());
    let goes_on = |held| {
        backlog.note_held(held);
        backlog.is_memory_short() && backlog.written() - bytes < checkpoint_bytes
    };
    // Rows that have come of age are the oldest, too; waiting for them would hold the checkpoint up.
    let moved = if inner.is_moving() { Ok(false) } else { inner.move_oldest(goes_on) };
    // What fails costs nothing but memory or a longer log; the next one tries again.
    let has_moved = moved.unwrap_or_else(|error| {
        tracing::error!(%error, "rows cannot be moved to files");
        false
    });
    if let Err(error) = inner.checkpoint(has_moved) {
        tracing::error!(%error, "no checkpoint could be made");
    }
    backlog.cover(bytes);
    let took_ms = (clock.monotonic_ns() - started_ns) / 1_000_000;
    tracing::debug!(took_ms, has_moved, log_bytes_since = backlog.written() - bytes, "a checkpoint is made");
    has_moved && backlog.is_memory_short()
}

fn tables_by_id(catalog: &LiveCatalog) -> HashMap<TableId, Arc<LiveTable>> {
    all_tables(catalog).map(|entry| (entry.id, Arc::clone(&entry.live))).collect()
}

/// Applies an entry of the log.
fn replay(
    restored: &mut Restored,
    tables: &mut HashMap<TableId, Arc<LiveTable>>,
    seq: u64,
    bytes: &[u8],
) -> Result<(), EngineError> {
    let unreadable = |Malformed| EngineError::Storage(format!("{WAL_DIR}: the entry {seq} says what cannot be"));
    match read_entry(bytes).map_err(unreadable)? {
        // A write that was on its way while its table was deleted comes after the deletion in the log.
        Entry::Write { table, growth, rows } => match tables.get(&table) {
            Some(live) => {
                let numbers = restored.series_numbers.entry(table).or_default();
                live.replay(seq, &growth, rows, numbers).map_err(|error| match error {
                    ReplayError::Malformed(error) => unreadable(error),
                    ReplayError::Storage(error) => error.into(),
                })
            }
            None => Ok(()),
        },
        Entry::Change(_) if restored.written.seq.is_some_and(|written| seq <= written) => Ok(()),
        Entry::Change(change) => {
            apply(&mut restored.catalog, &change, &restored.synced);
            match change {
                Change::UpdateTable { id, purge_before_ns, .. } => {
                    if let Some(table) = tables.get(&id) {
                        table.replay_purge(seq, purge_before_ns);
                    }
                }
                Change::CreateTable { .. } | Change::DeleteTable { .. } | Change::Reset { .. } => {
                    *tables = tables_by_id(&restored.catalog);
                }
                _ => {}
            }
            Ok(())
        }
    }
}

/// Reads the newest checkpoint; nothing, when there is none yet.
fn read_checkpoint(stores: Stores<'_>) -> Result<Restored, StorageError> {
    let mut restored = Restored {
        catalog: LiveCatalog::default(),
        synced: Arc::default(),
        written: Written { seq: None, chunks: HashSet::new(), files: HashMap::new() },
        log_from: 1,
        series_numbers: HashMap::new(),
    };
    let names = stores.disk.list(CHECKPOINT_DIR).map_err(io_error(CHECKPOINT_DIR))?;
    // The newest is whole: it got its name after it was synced.
    let newest = names.iter().filter_map(|name| {
        u64::from_str_radix(name.strip_suffix(".checkpoint").filter(|digits| digits.len() == 16)?, 16).ok()
    });
    let Some(seq) = newest.max() else { return Ok(restored) };
    let path = checkpoint_path(seq);
    let body = read_file(&**stores.disk, &path, CHECKPOINT_FILE, |body| Ok(body.to_vec()))?;
    let malformed = || StorageError::Damaged { file: path.clone(), offset: 0, what: "its body says what cannot be" };
    let mut reader = Reader::new(&body);
    restored.written.seq = Some(seq);
    restore_databases(stores, &mut restored, &mut reader).map_err(|error| error.unwrap_or_else(malformed))?;
    if reader.is_empty() { Ok(restored) } else { Err(malformed()) }
}

/// An error of another file, or `None`: the checkpoint itself cannot be read.
type RestoreError = Option<StorageError>;

fn restore_databases(stores: Stores<'_>, restored: &mut Restored, reader: &mut Reader<'_>) -> Result<(), RestoreError> {
    let (seq, log_from, next_table_id) = (number(reader)?, number(reader)?, number(reader)?);
    if Some(seq) != restored.written.seq || !(1..=seq + 1).contains(&log_from) {
        return Err(None);
    }
    restored.log_from = log_from;
    for _ in 0..reader.length().map_err(none)? {
        restore_account_settings(restored, reader).map_err(none)?;
    }
    for _ in 0..reader.length().map_err(none)? {
        let (scope, name, tables) = restore_database(restored, reader).map_err(none)?;
        for _ in 0..tables {
            restore_table(stores, restored, reader, &scope, &name)?;
        }
    }
    restored.catalog.set_next_table_id(TableId(next_table_id));
    restore_scheduled_queries(restored, reader).map_err(none)?;
    restore_batch_load_tasks(restored, reader).map_err(none)
}

/// Files of version 3 end before them.
fn restore_batch_load_tasks(restored: &mut Restored, reader: &mut Reader<'_>) -> Result<(), Malformed> {
    if reader.is_empty() {
        return Ok(());
    }
    for _ in 0..reader.length()? {
        let change = Change::PutBatchLoadTask { scope: read_scope(reader)?, task: read_batch_load_task(reader)? };
        apply(&mut restored.catalog, &change, &restored.synced);
    }
    Ok(())
}

/// Files of version 3 end before them.
fn restore_scheduled_queries(restored: &mut Restored, reader: &mut Reader<'_>) -> Result<(), Malformed> {
    if reader.is_empty() {
        return Ok(());
    }
    for _ in 0..reader.length()? {
        let change = Change::PutScheduledQuery { scope: read_scope(reader)?, query: read_scheduled_query(reader)? };
        apply(&mut restored.catalog, &change, &restored.synced);
    }
    Ok(())
}

fn none(_: Malformed) -> RestoreError {
    None
}

fn number(reader: &mut Reader<'_>) -> Result<u64, RestoreError> {
    reader.u64().map_err(none)
}

fn restore_account_settings(restored: &mut Restored, reader: &mut Reader<'_>) -> Result<(), Malformed> {
    let scope = Scope::new(reader.str()?, reader.str()?);
    let change = Change::SetAccountSettings { scope, settings: read_account_settings(reader)? };
    apply(&mut restored.catalog, &change, &restored.synced);
    Ok(())
}

fn restore_database(restored: &mut Restored, reader: &mut Reader<'_>) -> Result<(Scope, Arc<str>, usize), Malformed> {
    let scope = Scope::new(reader.str()?, reader.str()?);
    let (name, kms_key_id): (Arc<str>, _) = (reader.str()?.into(), reader.str()?.to_owned());
    let (created_ms, updated_ms) = (reader.i64()?, reader.i64()?);
    let tags = read_tags(reader)?;
    let (scope_too, name_too, key_too) = (scope.clone(), Arc::clone(&name), kms_key_id.clone());
    let create = Change::CreateDatabase { scope: scope_too, name: name_too, kms_key_id, tags, now_ms: created_ms };
    apply(&mut restored.catalog, &create, &restored.synced);
    let (scope_too, name_too) = (scope.clone(), Arc::clone(&name));
    let update = Change::UpdateDatabase { scope: scope_too, name: name_too, kms_key_id: key_too, now_ms: updated_ms };
    apply(&mut restored.catalog, &update, &restored.synced);
    Ok((scope, name, reader.number()?))
}

fn restore_table(
    stores: Stores<'_>,
    restored: &mut Restored,
    reader: &mut Reader<'_>,
    scope: &Scope,
    database: &Arc<str>,
) -> Result<(), RestoreError> {
    let name: Arc<str> = reader.str().map_err(none)?.into();
    let id = TableId(number(reader)?);
    let settings = read_settings(reader).map_err(none)?;
    let tags = read_tags(reader).map_err(none)?;
    let place = TablePlace { scope: scope.clone(), database: Arc::clone(database), table: Arc::clone(&name) };
    apply(&mut restored.catalog, &Change::CreateTable { place, id, settings, tags }, &restored.synced);
    let Some(entry) = restored.catalog.table(scope, database, &name) else { return Err(None) };
    let live = Arc::clone(&entry.live);
    let schema = read_growth(reader).map_err(none)?;
    live.restore_schema(&schema, number(reader)?, number(reader)?);
    let mut chunks = Vec::new();
    for _ in 0..reader.length().map_err(none)? {
        chunks.push(read_listed_chunk(reader).map_err(none)?);
    }
    restored.written.chunks.extend(restore_chunks(stores, &live, id, chunks)?);
    for _ in 0..reader.length().map_err(none)? {
        live.restore_open(read_chunk(reader).map_err(none)?).map_err(none)?;
    }
    Ok(())
}

/// What a checkpoint says of a sealed chunk.
struct ListedChunk {
    id: u64,
    revision: u64,
    floor_ns: i64,
    /// Rows that are not current, ascending.
    dead_rows: Vec<usize>,
    /// The file of the magnetic store that it is in.
    path: Option<String>,
}

fn read_listed_chunk(reader: &mut Reader<'_>) -> Result<ListedChunk, Malformed> {
    let (id, revision, floor_ns) = (reader.u64()?, reader.u64()?, reader.i64()?);
    let (mut dead_rows, mut row) = (Vec::new(), 0_usize);
    for _ in 0..reader.length()? {
        row = row.checked_add(reader.number()?).ok_or(Malformed)?;
        dead_rows.push(row);
    }
    Ok(ListedChunk { id, revision, floor_ns, dead_rows, path: reader.optional_str()?.map(str::to_owned) })
}

/// Reads the files of a table's chunks, on all of the processor's cores, and takes the chunks over. Returns their paths.
fn restore_chunks(
    stores: Stores<'_>,
    live: &LiveTable,
    table: TableId,
    chunks: Vec<ListedChunk>,
) -> Result<Vec<String>, RestoreError> {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(chunks.len().max(1));
    let work = |worker: usize| {
        let own = chunks.iter().skip(worker).step_by(workers);
        own.map(|chunk| read_chunk_file(stores, live, table, chunk)).collect::<Vec<_>>()
    };
    let read: Vec<_> = std::thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        let first = work(0);
        let others = others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(first).chain(others).collect()
    });
    let mut read: Vec<_> = read.into_iter().map(Vec::into_iter).collect();
    let mut paths = Vec::with_capacity(chunks.len());
    for (i, ListedChunk { id, revision, floor_ns, dead_rows, .. }) in chunks.into_iter().enumerate() {
        let Some(file) = read[i % workers].next() else { return Err(None) };
        let (path, rows, series, length) = file?;
        if dead_rows.last().is_some_and(|row| *row >= length) {
            return Err(None);
        }
        let mut dead = DeadRows::default();
        for row in dead_rows {
            dead.insert(row);
        }
        let chunk = RestoredChunk { id, revision, rows, dead, floor_ns };
        live.restore_sealed(chunk, &series).map_err(none)?;
        paths.push(path);
    }
    Ok(paths)
}

/// A chunk's file: its path, its rows, the dimensions of its series, and how many rows there are.
type ChunkFile = (String, RestoredRows, Vec<Vec<(u16, String)>>, usize);

fn read_chunk_file(
    stores: Stores<'_>,
    live: &LiveTable,
    table: TableId,
    chunk: &ListedChunk,
) -> Result<ChunkFile, StorageError> {
    if let Some(path) = &chunk.path {
        let OpenedFile { file, series } = DayFile::open(stores.files, path, &live.names())?;
        let length = file.rows;
        return Ok((path.clone(), RestoredRows::Filed(file), series, length));
    }
    let path = chunk_path(table.0, chunk.revision);
    let decoded = read_file(&**stores.disk, &path, CHUNK_FILE, |body| {
        let mut reader = Reader::new(body);
        let decoded = read_chunk(&mut reader)?;
        if reader.is_empty() { Ok(decoded) } else { Err(Malformed) }
    })?;
    let length = decoded.rows.len();
    Ok((path, RestoredRows::Held(decoded.rows), decoded.series, length))
}

/// Deletes files that a crash left behind: those that no checkpoint ever named, or that it names no more.
fn delete_leftovers(disk: &dyn Disk, files: &dyn MagneticFiles, written: &Written) -> Result<(), StorageError> {
    let current = written.seq.map(checkpoint_path);
    let mut paths = files.list().map_err(io_error(MAGNETIC_DIR))?;
    for dir in [CHECKPOINT_DIR, CHUNK_DIR] {
        paths.extend(disk.list_below(dir).map_err(io_error(dir))?);
    }
    paths.retain(|path| current.as_ref() != Some(path) && !written.chunks.contains(path));
    paths.iter().try_for_each(|path| delete_file(disk, files, path))
}

#[cfg(test)]
mod tests;
