//! Checkpoints: everything up to a moment written down, so that the log before it can go.
//!
//! Sealed chunks have files of their own, written once. A checkpoint's file holds the catalog, the names of the chunk
//! files, and the rows that are in no sealed chunk. It counts from the moment its name is durable, and only then is what
//! it replaces deleted.
//!
//! Tables are written down one after the other while writes go on, so each may be ahead of the checkpoint's number; it
//! says by how much, and replay skips what is there already. The catalog is exactly as of that number.
//!
//! The log is kept from a little before that number, from where on it writes every series in full again ([`super::rows`]).

use super::{
    EngineError, Inner,
    control::LiveCatalog,
    entry::{
        put_account_settings, put_batch_load_task, put_growth, put_scheduled_query, put_scope, put_settings, put_tags,
    },
    log::Log,
    table::LiveTable,
};
use crate::{
    catalog::state::{DatabaseEntry, TableEntry},
    store::{
        codec::{put_i64, put_optional_str, put_str, put_u64, put_usize},
        disk::Disk,
        error::{StorageError, io_error},
        magnetic::{
            day_file::DayFile,
            files::{MAGNETIC_DIR, MagneticFiles},
        },
        memory::{
            chunk_codec::put_chunk,
            sealed::ChunkRows,
            table::{ChunkSource, TableImage},
        },
        wal::Wal,
        whole_file::{FileKind, write_file},
    },
};
use hashbrown::{HashMap, HashSet};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

/// The directory of sealed chunks.
pub(super) const CHUNK_DIR: &str = "chunks";
/// The directory of checkpoints.
pub(super) const CHECKPOINT_DIR: &str = "checkpoints";
pub(super) const CHUNK_FILE: FileKind = FileKind { magic: b"TBROKCHK", version: 2 };
pub(super) const CHECKPOINT_FILE: FileKind = FileKind { magic: b"TBROKCPT", version: 5 };
/// A checkpoint is written under this name first.
const NEW_CHECKPOINT: &str = "checkpoints/new";
/// Bytes of open chunks that a checkpoint may hold, all tables together; larger ones are sealed before.
const OPEN_BYTES_MAX: usize = 16 << 20;
/// Bytes of an open chunk that are never worth a file of their own.
const CHUNK_BYTES_MIN: usize = 4 << 10;

/// The path of a chunk's file.
pub(super) fn chunk_path(table: u64, revision: u64) -> String {
    format!("{CHUNK_DIR}/{table:016x}-{revision:016x}.chunk")
}

/// The path of a checkpoint's file.
pub(super) fn checkpoint_path(seq: u64) -> String {
    format!("{CHECKPOINT_DIR}/{seq:016x}.checkpoint")
}

/// What the data directory holds beside the log.
#[derive(Debug)]
pub(super) struct Checkpoints {
    pub(super) disk: Arc<dyn Disk>,
    /// The files of the magnetic store.
    files: Arc<dyn MagneticFiles>,
    /// Held while a checkpoint is made.
    state: Mutex<Written>,
    /// The next tick makes a checkpoint: there are files that nothing needs any more, or soon will not.
    is_wanted: AtomicBool,
}

#[derive(Debug)]
pub(super) struct Written {
    /// The checkpoint that counts.
    pub(super) seq: Option<u64>,
    /// Chunk files and files of the magnetic store that are there, by path.
    pub(super) chunks: HashSet<String>,
    /// The latter, as long as somebody may read them.
    pub(super) files: HashMap<String, Weak<DayFile>>,
}

impl Written {
    /// What a checkpoint with `chunks` needs no more: what nobody reads, and what somebody still does.
    fn unneeded(&mut self, chunks: &HashSet<String>) -> (Vec<String>, Vec<String>) {
        self.files.retain(|_, file| file.strong_count() > 0);
        let unneeded = self.chunks.iter().filter(|path| !chunks.contains(*path)).cloned();
        unneeded.partition(|path| !self.files.contains_key(path))
    }
}

impl Checkpoints {
    pub(super) fn new(disk: Arc<dyn Disk>, files: Arc<dyn MagneticFiles>, written: Written) -> Self {
        Self { disk, files, state: Mutex::new(written), is_wanted: AtomicBool::new(false) }
    }

    /// Has the next tick make a checkpoint, whether or not rows have moved.
    pub(super) fn want(&self) {
        self.is_wanted.store(true, Ordering::Relaxed);
    }

    /// Whether a checkpoint is wanted, which it is not any more.
    pub(super) fn take_wanted(&self) -> bool {
        self.is_wanted.swap(false, Ordering::Relaxed)
    }

    /// Lets the next checkpoint delete files that are not needed any more, also those that none has named yet.
    pub(super) fn note_replaced(&self, sources: &[ChunkSource]) {
        let mut written = self.state();
        for source in sources {
            if let ChunkRows::Filed(file) = &source.rows {
                written.chunks.insert(file.path.clone());
                written.files.insert(file.path.clone(), Arc::downgrade(file));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, Written> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Makes a checkpoint and deletes what it replaces. Writes go on meanwhile. Without a commit since the last one it
    /// is made only when rows have moved to other files (`has_moved`); in memory, never.
    pub(super) fn checkpoint(&self, has_moved: bool) -> Result<(), EngineError> {
        let (Some(checkpoints), Log::Wal { wal, .. }) = (&self.checkpoints, &*self.log) else { return Ok(()) };
        let mut written = checkpoints.state();
        let log_from = wal.next_seq();
        self.prepare_checkpoint()?;
        let (seq, catalog) = {
            // No change of the catalog is under way, so it is as of everything that is synced.
            let _no_change = self.control();
            (wal.synced(), self.catalog().clone())
        };
        if written.seq == Some(seq) && !has_moved {
            return Ok(());
        }
        let mut chunks = HashSet::new();
        let body = checkpoint_body(checkpoints, &mut written, &mut chunks, (seq, log_from), &catalog)?;
        checkpoints.put(seq, &body)?;
        checkpoints.delete_replaced(wal, &mut written, &chunks, (seq, log_from))
    }

    /// Seals what is too large to be written again with every checkpoint, and lets the log stand on its own from here.
    fn prepare_checkpoint(&self) -> Result<(), EngineError> {
        let tables: Vec<_> = all_tables(&self.catalog()).map(|entry| Arc::clone(&entry.live)).collect();
        let share = (OPEN_BYTES_MAX / tables.len().max(1)).max(CHUNK_BYTES_MIN);
        tables.iter().for_each(|table: &Arc<LiveTable>| table.prepare_checkpoint(share));
        // A frozen chunk is sealed once the commits in it are synced. With them, what still refers to the log before
        // is part of the checkpoint.
        Ok(self.log.barrier().synced_blocking()?)
    }
}

pub(super) fn all_tables(catalog: &LiveCatalog) -> impl Iterator<Item = &Arc<TableEntry<Arc<LiveTable>>>> {
    catalog.scopes().flat_map(|(_, state)| state.databases()).flat_map(|database| database.tables())
}

impl Checkpoints {
    /// Writes a checkpoint so that it counts from now on.
    fn put(&self, seq: u64, body: &[u8]) -> Result<(), StorageError> {
        let disk = &*self.disk;
        disk.sync_dir(CHUNK_DIR).map_err(io_error(CHUNK_DIR))?;
        write_file(disk, NEW_CHECKPOINT, CHECKPOINT_FILE, body)?;
        disk.rename(NEW_CHECKPOINT, &checkpoint_path(seq)).map_err(io_error(NEW_CHECKPOINT))?;
        disk.sync_dir(CHECKPOINT_DIR).map_err(io_error(CHECKPOINT_DIR))
    }

    /// Deletes the checkpoint before and chunk files that are in no checkpoint any more, and lets the log before
    /// `log_from` go.
    fn delete_replaced(
        &self,
        wal: &Wal,
        written: &mut Written,
        chunks: &HashSet<String>,
        (seq, log_from): (u64, u64),
    ) -> Result<(), EngineError> {
        let before = written.seq.replace(seq).filter(|before| *before != seq).map(checkpoint_path);
        let (unused, read) = written.unneeded(chunks);
        if !read.is_empty() {
            self.want();
        }
        for path in before.into_iter().chain(unused) {
            delete_file(&*self.disk, &*self.files, &path)?;
            written.chunks.remove(&path);
        }
        for dir in [CHECKPOINT_DIR, CHUNK_DIR] {
            self.disk.sync_dir(dir).map_err(io_error(dir))?;
        }
        Ok(wal.release_until(log_from - 1)?)
    }

    /// Writes the files of the sealed chunks that have none yet, and lists all in `chunks`.
    fn put_chunks(
        &self,
        written: &mut Written,
        chunks: &mut HashSet<String>,
        table: u64,
        image: &TableImage,
    ) -> Result<(), StorageError> {
        for chunk in &image.sealed {
            let path = match &chunk.rows {
                ChunkRows::Filed(file) => {
                    written.files.insert(file.path.clone(), Arc::downgrade(file));
                    file.path.clone()
                }
                ChunkRows::Held(rows) => {
                    let path = chunk_path(table, chunk.revision);
                    if !written.chunks.contains(&path) {
                        let mut body = Vec::new();
                        put_chunk(&mut body, rows, &image.series);
                        write_file(&*self.disk, &path, CHUNK_FILE, &body)?;
                    }
                    path
                }
            };
            written.chunks.insert(path.clone());
            chunks.insert(path);
        }
        Ok(())
    }
}

/// Deletes a file of the data directory or of the magnetic store.
pub(super) fn delete_file(disk: &dyn Disk, files: &dyn MagneticFiles, path: &str) -> Result<(), StorageError> {
    let is_magnetic = path.strip_prefix(MAGNETIC_DIR).is_some_and(|below| below.starts_with('/'));
    if is_magnetic { files.delete(path) } else { disk.delete(path) }.map_err(io_error(path))
}

fn checkpoint_body(
    checkpoints: &Checkpoints,
    written: &mut Written,
    chunks: &mut HashSet<String>,
    (seq, log_from): (u64, u64),
    catalog: &LiveCatalog,
) -> Result<Vec<u8>, StorageError> {
    let mut out = Vec::new();
    put_u64(&mut out, seq);
    put_u64(&mut out, log_from);
    put_u64(&mut out, catalog.next_table_id().0);
    put_usize(&mut out, catalog.scopes().count());
    for (scope, state) in catalog.scopes() {
        put_str(&mut out, &scope.account);
        put_str(&mut out, &scope.region);
        put_account_settings(&mut out, &state.settings());
    }
    let databases: Vec<_> = catalog.scopes().flat_map(|(scope, s)| s.databases().map(move |d| (scope, d))).collect();
    put_usize(&mut out, databases.len());
    for (scope, database) in databases {
        put_str(&mut out, &scope.account);
        put_str(&mut out, &scope.region);
        put_database(&mut out, database);
        put_usize(&mut out, database.tables().count());
        for entry in database.tables() {
            let (schema, image) = entry.live.image();
            checkpoints.put_chunks(written, chunks, entry.id.0, &image)?;
            put_str(&mut out, &entry.name);
            put_u64(&mut out, entry.id.0);
            put_settings(&mut out, &entry.settings);
            put_tags(&mut out, &entry.tags);
            put_growth(&mut out, &schema);
            put_image(&mut out, &image);
        }
    }
    let queries: Vec<_> =
        catalog.scopes().flat_map(|(scope, s)| s.scheduled_queries().map(move |query| (scope, query))).collect();
    put_usize(&mut out, queries.len());
    for (scope, query) in queries {
        put_scope(&mut out, scope);
        put_scheduled_query(&mut out, query);
    }
    let tasks: Vec<_> =
        catalog.scopes().flat_map(|(scope, s)| s.batch_load_tasks().map(move |task| (scope, task))).collect();
    put_usize(&mut out, tasks.len());
    for (scope, task) in tasks {
        put_scope(&mut out, scope);
        put_batch_load_task(&mut out, task);
    }
    Ok(out)
}

fn put_database(out: &mut Vec<u8>, entry: &DatabaseEntry<Arc<LiveTable>>) {
    let database = entry.database();
    put_str(out, &database.name);
    put_str(out, &database.kms_key_id);
    put_i64(out, database.created_ms);
    put_i64(out, database.updated_ms);
    put_tags(out, entry.tags());
}

fn put_image(out: &mut Vec<u8>, image: &TableImage) {
    put_u64(out, image.settled_seq);
    put_u64(out, image.next_chunk);
    put_usize(out, image.sealed.len());
    for chunk in &image.sealed {
        put_u64(out, chunk.id);
        put_u64(out, chunk.revision);
        put_i64(out, chunk.floor_ns);
        put_usize(out, chunk.dead.count());
        let mut last = 0;
        for row in chunk.dead.iter() {
            put_usize(out, row - last);
            last = row;
        }
        let file = match &chunk.rows {
            ChunkRows::Filed(file) => Some(&*file.path),
            ChunkRows::Held(_) => None,
        };
        put_optional_str(out, file);
    }
    let open = image.open();
    put_usize(out, open.len());
    open.iter().for_each(|rows| put_chunk(out, rows, &image.series));
}
