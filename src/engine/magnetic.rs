//! Moving rows to the magnetic store, and keeping the files there few.
//!
//! A move reads chunks, writes their rows by day into new files, and puts the files in the chunks' place, unless these
//! have changed meanwhile: then the files are thrown away, and the next tick tries again. A file counts from the next
//! checkpoint on; until then the chunks' own files, or the log, are what a restart reads. So a crash at any moment finds
//! every row once.

use super::{
    EngineError, Inner,
    checkpoint::{Checkpoints, all_tables},
    table::{LiveTable, RewritableTable},
};
use crate::{
    catalog::state::{DatabaseEntry, TableEntry},
    model::{retention::DAY_NS, scope::Scope},
    store::{
        error::{StorageError, io_error},
        magnetic::{
            day_file::{DayFile, listed_series},
            encode,
            files::{MAGNETIC_DIR, MagneticFiles},
            merge::{MergeInput, merge_by_day},
        },
        memory::{
            sealed::{ChunkRows, SealedRows},
            table::ChunkSource,
        },
    },
};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, TryLockError},
};

/// How long rows that have aged may wait in memory for others of their chunk, nanoseconds.
const MOVE_INTERVAL_NS: i64 = 3_600_000_000_000;
/// Rows that are moved at a time.
const MOVE_ROWS_MAX: usize = 2 << 20;
/// Files of one day at which they are merged.
const DAY_FILES_MAX: usize = 4;
/// Rows of a file that is not merged with others any more, unless many of its own are not current.
const MERGED_ROWS_MAX: usize = 4 << 20;

/// A table whose rows are moved.
struct Mover<'a> {
    /// `None` in memory.
    checkpoints: Option<&'a Checkpoints>,
    files: &'a Arc<dyn MagneticFiles>,
    live: &'a LiveTable,
    table: u64,
    /// The table's directory.
    dir: String,
}

impl Inner {
    /// Moves to the magnetic store what has aged at `now_ns`, and merges files. True when anything was moved. In memory,
    /// only what there is no room for is in files, and the rest stays as it is.
    pub(super) fn move_aged(&self, now_ns: i64) -> Result<bool, EngineError> {
        let mut has_moved = false;
        if self.checkpoints.is_some() {
            let _one = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
            has_moved = self.each_mover(|mover, entry| {
                let until_ns = now_ns.saturating_sub(entry.settings.retention.memory_ns());
                // Rows come of age one by one; a move takes a while's worth of them.
                let late_ns = until_ns.saturating_sub(MOVE_INTERVAL_NS);
                let has_aged = |(oldest_ns, newest_ns): (i64, i64)| oldest_ns < late_ns || newest_ns < until_ns;
                let is_aged = |chunk: &ChunkSource| is_held(chunk) && has_aged(chunk.rows.extent_ns());
                mover.move_chunks(has_aged, is_aged, until_ns)
            })?;
        }
        let _one = self.merging.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.each_mover(|mover, _| mover.merge_files())? || has_moved)
    }

    /// Moves the oldest rows to the magnetic store, chunk by chunk, as long as `goes_on`, which is told the bytes of rows
    /// in memory, says so. In every respect but speed they are as before. True when anything was moved.
    pub(super) fn move_oldest(&self, goes_on: impl Fn(usize) -> bool) -> Result<bool, EngineError> {
        let _one = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        self.each_mover(|mover, entry| {
            let mut has_moved = false;
            while goes_on(self.held_bytes()) {
                let chunks = entry.live.rewritable(|_| false).chunks;
                let Some(oldest) = chunks.iter().find(|chunk| is_held(chunk)).map(|chunk| chunk.id) else { break };
                if !mover.move_chunks(|_| false, |chunk| chunk.id == oldest, i64::MAX)? {
                    break;
                }
                has_moved = true;
            }
            Ok(has_moved)
        })
    }

    /// Whether rows are being moved from memory to the magnetic store.
    pub(super) fn is_moving(&self) -> bool {
        matches!(self.moving.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Bytes of rows in memory, approximately.
    fn held_bytes(&self) -> usize {
        all_tables(&self.catalog()).map(|entry| entry.live.held_bytes()).sum()
    }

    /// Calls `each` with every table; true when it has moved anything.
    fn each_mover(
        &self,
        mut each: impl FnMut(&Mover<'_>, &TableEntry<Arc<LiveTable>>) -> Result<bool, EngineError>,
    ) -> Result<bool, EngineError> {
        let catalog = self.catalog().clone();
        let mut has_moved = false;
        for (scope, state) in catalog.scopes() {
            for database in state.databases() {
                for entry in database.tables() {
                    let dir = table_dir(scope, database, &entry.name);
                    let (checkpoints, files, live) = (self.checkpoints.as_ref(), &self.files, &*entry.live);
                    has_moved |= each(&Mover { checkpoints, files, live, table: entry.id.0, dir }, entry)?;
                }
            }
        }
        Ok(has_moved)
    }
}

fn is_held(chunk: &ChunkSource) -> bool {
    matches!(chunk.rows, ChunkRows::Held(_))
}

/// The directory of a table's files.
fn table_dir(scope: &Scope, database: &DatabaseEntry<Arc<LiveTable>>, table: &str) -> String {
    let parts = [&*scope.account, &*scope.region, &*database.database().name, table].map(dir_name);
    format!("{MAGNETIC_DIR}/{}", parts.join("/"))
}

/// A name as a directory's: as it is, but for the two that mean another directory.
fn dir_name(name: &str) -> String {
    if name.bytes().all(|byte| byte == b'.') { name.replace('.', "%2E") } else { name.to_owned() }
}

/// The directory of a day, since the epoch, in its table's.
fn day_dir(table_dir: &str, day: i64) -> String {
    let date = chrono::DateTime::from_timestamp(day.saturating_mul(DAY_NS / 1_000_000_000), 0).unwrap_or_default();
    format!("{table_dir}/day={}", date.format("%Y-%m-%d"))
}

impl Mover<'_> {
    /// Moves those rows of the chunks that are wanted that are older than `until_ns`, the oldest chunks first.
    fn move_chunks(
        &self,
        has_aged: impl Fn((i64, i64)) -> bool,
        is_wanted: impl Fn(&ChunkSource) -> bool,
        until_ns: i64,
    ) -> Result<bool, EngineError> {
        let table = self.live.rewritable(has_aged);
        let wanted: Vec<_> = table.chunks.iter().filter(|chunk| is_wanted(chunk)).cloned().collect();
        let mut has_moved = false;
        let mut rest = &wanted[..];
        while !rest.is_empty() {
            let mut rows = 0;
            let count = rest.iter().take_while(|chunk| {
                rows += chunk.rows.len();
                rows <= MOVE_ROWS_MAX
            });
            let (now, later) = rest.split_at(count.count().max(1));
            has_moved |= self.rewrite(&table, now, until_ns)?;
            rest = later;
        }
        Ok(has_moved)
    }

    /// Merges the files of every day that has many, and those in which many rows are not current.
    fn merge_files(&self) -> Result<bool, EngineError> {
        let table = self.live.rewritable(|_| false);
        let mut days: BTreeMap<i64, Vec<ChunkSource>> = BTreeMap::new();
        for chunk in table.chunks.iter().filter(|chunk| !is_held(chunk)) {
            days.entry(chunk.rows.extent_ns().0.div_euclid(DAY_NS)).or_default().push(chunk.clone());
        }
        let mut has_moved = false;
        for mut files in days.into_values() {
            files.sort_by_key(|file| file.rows.len());
            let mut rows = 0;
            let small = files.iter().take_while(|file| {
                rows += file.rows.len();
                rows <= MERGED_ROWS_MAX
            });
            let small = small.count();
            let is_stale =
                |file: &ChunkSource| file.dead.count() * 4 > file.rows.len() || file.floor_ns > file.rows.extent_ns().0;
            if small >= DAY_FILES_MAX || files[..small].iter().any(is_stale) {
                has_moved |= self.rewrite(&table, &files[..small], i64::MAX)?;
            }
            for file in files[small..].iter().filter(|file| is_stale(file)) {
                has_moved |= self.rewrite(&table, std::slice::from_ref(file), i64::MAX)?;
            }
        }
        Ok(has_moved)
    }

    /// Writes the current rows of chunks that are older than `until_ns` into files and puts these in the chunks' place;
    /// the other rows stay in memory. False when that was too late.
    fn rewrite(&self, table: &RewritableTable, sources: &[ChunkSource], until_ns: i64) -> Result<bool, EngineError> {
        let inputs = sources.iter().map(|source| source.load(until_ns)).collect::<Result<Vec<MergeInput>, _>>()?;
        let mut files = Vec::new();
        let written = merge_by_day(&inputs).into_iter().try_for_each(|(day, rows)| {
            let id = self.live.new_chunk_id();
            files.push((id, self.write(table, day, id, &rows)?));
            Ok::<_, StorageError>(())
        });
        let kept = sources.iter().zip(&inputs).filter_map(|(source, input)| Some((source.id, input.rest()?))).collect();
        let paths: Vec<String> = files.iter().map(|(_, file)| file.path.clone()).collect();
        match written {
            Ok(()) if self.live.replace_chunks(sources, files, kept) => {
                if let Some(checkpoints) = self.checkpoints {
                    checkpoints.note_replaced(sources);
                }
                return Ok(true);
            }
            Ok(()) => tracing::debug!(dir = %self.dir, "rows changed while they were moved"),
            Err(error) => {
                self.delete(&paths);
                return Err(error.into());
            }
        }
        self.delete(&paths);
        Ok(false)
    }

    /// Deletes files that never counted. Those that cannot be deleted are when the directory is opened again.
    fn delete(&self, paths: &[String]) {
        for path in paths {
            if let Err(error) = self.files.delete(path) {
                tracing::warn!(%path, %error, "a file that is not needed cannot be deleted");
            }
        }
    }

    /// Writes a file so that it and its name are durable.
    fn write(
        &self,
        table: &RewritableTable,
        day: i64,
        id: u64,
        rows: &SealedRows,
    ) -> Result<Arc<DayFile>, StorageError> {
        let path = format!("{}/{:x}-{id:016x}.parquet", day_dir(&self.dir, day), self.table);
        let bytes = encode(&path, rows, &table.series, &table.names)?;
        self.files.put(&path, bytes).map_err(io_error(&path))?;
        let opened = DayFile::open(self.files, &path, &table.names)?;
        Ok(Arc::new(opened.file.renumber(&listed_series(&rows.runs))))
    }
}

#[cfg(test)]
mod tests;
