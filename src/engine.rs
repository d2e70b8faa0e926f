//! The only owner of the write-ahead log, the catalog and the store.
//!
//! Every change is an entry: decided under a lock, appended to the log, applied, and visible once synced. Live
//! apply and replay are the same function.
//!
//! - Records: per table, under the table's lock, a commit is decided against everything decided before it, appended,
//!   and applied as unsettled; readers see it when its sync is done ([`table`]).
//! - Catalog changes are rare. They go one at a time: decided, appended, synced, and only then applied, so that nobody
//!   ever sees one that could be lost ([`control`]).

mod background;
mod backlog;
mod batch_load_tasks;
mod checkpoint;
mod control;
mod entry;
mod location;
mod log;
mod magnetic;
mod recovery;
mod rows;
mod scheduled_queries;
mod snapshot;
mod table;
mod writer;

#[cfg(test)]
mod tests;

pub use control::{NewTable, TableUpdate};
pub use location::MagneticLocation;
pub use log::Incoming;
pub use snapshot::{Snapshot, TableView};
pub use table::WriteOutcome;
pub use writer::{QueuedWrite, TableWriter};

use crate::{
    catalog::{settings::SettingsError, state::Catalog},
    clock::Clock,
    model::{record::Record, scope::Scope},
    store::{
        disk::{Disk, files::FilesDisk},
        magnetic::files::{MagneticFiles, MemoryFiles},
    },
};
use backlog::full_bytes;
use checkpoint::Checkpoints;
use log::Log;
use recovery::LogSizes;
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic::AtomicU64,
        mpsc::sync_channel,
    },
};
use table::LiveTable;

/// How to open an engine.
#[derive(Clone, Debug, Default)]
pub struct EngineConfig {
    /// Where everything is kept; `None` keeps it in memory and touches no disk.
    pub data_dir: Option<PathBuf>,
    /// Bytes of records in memory from which on the oldest go to files early, or are packed where there is no directory;
    /// `None` sets no limit.
    pub memory_bytes_max: Option<usize>,
    /// Where the files of the magnetic store are, when not in the directory.
    pub magnetic: Option<MagneticLocation>,
}

/// What a change or look-up can fail with. Texts are the service's where they are known.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// # observed: `The database unknown does not exist.`
    #[error("The database {0} does not exist.")]
    DatabaseNotFound(String),
    /// # observed: `The table unknown does not exist.`
    #[error("The table {0} does not exist.")]
    TableNotFound(String),
    /// # observed
    #[error("Timestream was unable to process this request because it contains resource that already exists.")]
    AlreadyExists,
    /// DeleteDatabase of a database that still has tables.
    #[error("The database {0} cannot be deleted because it still contains tables.")]
    DatabaseNotEmpty(String),
    /// UpdateTable with another partition key than the table's.
    #[error("The partition key of a table cannot be changed after the table is created.")]
    PartitionKeyChanged,
    /// The ARN of a scheduled query that is not there. # inferred: the words
    #[error("The scheduled query {0} does not exist.")]
    ScheduledQueryNotFound(String),
    /// A batch load task that is not there. # inferred: the words
    #[error("The batch load task {0} does not exist.")]
    BatchLoadTaskNotFound(String),
    /// A batch load task that cannot be resumed as it is. # inferred: the words
    #[error("The batch load task {0} cannot be resumed: {1}.")]
    NotResumable(String, &'static str),
    /// Another request had the same client token. # inferred: the words
    #[error("The ClientToken was already used by a request that differs from this one.")]
    TokenReused,
    /// Settings of an account that it cannot have.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// One of the service's quotas; the text names it.
    #[error("{0}")]
    QuotaExceeded(String),
    /// The magnetic store cannot be used as it was asked for.
    #[error("{0}")]
    Location(String),
    /// The disk or the log failed; the text is for the log only.
    #[error("storage failure: {0}")]
    Storage(String),
}

/// Counts of what is held, of one account or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateCounts {
    /// Databases.
    pub databases: u64,
    /// Tables.
    pub tables: u64,
    /// Distinct dimension sets.
    pub series: u64,
    /// Live records, expired ones included until they are purged.
    pub records: u64,
    /// Bytes of memory in records, approximately.
    pub bytes: u64,
}

/// The state of the server: databases, tables, records.
#[derive(Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What changes share with the threads that carry them out.
#[derive(Debug)]
struct Inner {
    catalog: RwLock<Catalog<Arc<LiveTable>>>,
    /// Held by the one catalog change that is being made, until it is synced and applied.
    control: Mutex<()>,
    log: Arc<Log>,
    /// The number of the last commit that is synced.
    synced: Arc<AtomicU64>,
    /// The files of the magnetic store.
    files: Arc<dyn MagneticFiles>,
    /// `None` in memory.
    checkpoints: Option<Checkpoints>,
    /// Held while rows are moved from memory to the magnetic store.
    moving: Mutex<()>,
    /// Held while files of the magnetic store are merged.
    merging: Mutex<()>,
}

impl Engine {
    /// Opens an engine, recovering what `config.data_dir` holds.
    ///
    /// # Errors
    /// [`EngineError::Storage`] when the directory cannot be used or its files are damaged (the text names file and
    /// offset); [`EngineError::Location`] when the magnetic store cannot be where it is asked for.
    pub async fn open(config: EngineConfig, clock: Clock) -> Result<Arc<Self>, EngineError> {
        let Some(path) = config.data_dir else {
            if let Some(location) = config.magnetic {
                return Err(EngineError::Location(format!(
                    "the magnetic store can be at {} only with a data directory",
                    location.url
                )));
            }
            let memory_bytes_max = config.memory_bytes_max.unwrap_or(usize::MAX);
            return Ok(Arc::new(Self { inner: Inner::in_memory(memory_bytes_max)? }));
        };
        let sizes = LogSizes::with_memory(config.memory_bytes_max.unwrap_or(usize::MAX));
        let (started_ns, dir) = (clock.monotonic_ns(), path.display().to_string());
        tracing::info!(%dir, "opening the data directory");
        let engine = Self::open_on(move || Ok(Arc::new(FilesDisk::open(&path)?)), config.magnetic, sizes).await?;
        let (took_ms, counts) = ((clock.monotonic_ns() - started_ns) / 1_000_000, engine.counts(None));
        tracing::info!(%dir, took_ms, tables = counts.tables, records = counts.records, "the data directory is open");
        Ok(engine)
    }

    /// Opens an engine on any disk. Reading it holds a thread of the blocking pool.
    async fn open_on(
        disk: impl FnOnce() -> std::io::Result<Arc<dyn Disk>> + Send + 'static,
        magnetic: Option<MagneticLocation>,
        sizes: LogSizes,
    ) -> Result<Arc<Self>, EngineError> {
        let opened = tokio::task::spawn_blocking(move || {
            let disk = disk().map_err(|error| EngineError::Storage(error.to_string()))?;
            recovery::open(disk, magnetic, sizes)
        });
        let inner = opened.await.map_err(|error| EngineError::Storage(format!("opening failed: {error}")))??;
        Ok(Arc::new(Self { inner }))
    }

    /// The table that a WriteRecords is for: its settings now, and the way to write to it.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::TableNotFound`].
    pub fn writer(&self, scope: &Scope, database: &str, table: &str) -> Result<TableWriter, EngineError> {
        let catalog = self.inner.catalog();
        let entry = find_table(&catalog, scope, database, table)?;
        Ok(TableWriter::new(Arc::clone(entry)))
    }

    /// Waits until there is room for a write, which is under way from then on.
    pub async fn incoming(&self) -> Incoming {
        self.inner.log.incoming_write().await
    }

    /// Writes records to a table; returns when what is stored is synced. Records are decided in order, each against
    /// all before it.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::TableNotFound`]; [`EngineError::Storage`] when nothing was
    /// written.
    pub async fn write(
        &self,
        scope: &Scope,
        database: &str,
        table: &str,
        records: &[Record<'_>],
        now_ns: i64,
    ) -> Result<WriteOutcome, EngineError> {
        let incoming = self.incoming().await;
        self.writer(scope, database, table)?.queue(records, now_ns, incoming).await?.synced().await
    }

    /// Counts what is held, of one account or of all.
    #[must_use]
    pub fn counts(&self, account: Option<&str>) -> StateCounts {
        let states: Vec<_> = {
            let catalog = self.inner.catalog();
            let wanted = catalog.scopes().filter(|(scope, _)| account.is_none_or(|account| *scope.account == *account));
            wanted.map(|(_, state)| Arc::clone(state)).collect()
        };
        let mut counts = StateCounts::default();
        for state in states {
            for database in state.databases() {
                counts.databases += 1;
                for table in database.tables() {
                    counts.tables += 1;
                    table.live.add_counts(&mut counts);
                }
            }
        }
        counts
    }

    /// An immutable view of a scope's catalog and records; holds only what is synced.
    #[must_use]
    pub fn snapshot(&self, scope: &Scope) -> Snapshot {
        Snapshot::new(scope.clone(), self.inner.catalog().scope(scope))
    }

    /// Does the work that time brings: frees records that are past their retention at `now_ns` (queries do not see them
    /// anyway), moves those that have aged to the magnetic store, and merges its files.
    ///
    /// # Errors
    /// [`EngineError::Storage`]: what was not done is left for the next time; nothing is lost.
    pub async fn tick(&self, now_ns: i64) -> Result<(), EngineError> {
        let inner = Arc::clone(&self.inner);
        background::run("tick", move || inner.tick(now_ns)).await?
    }

    /// Syncs and closes; later commits fail.
    ///
    /// # Errors
    /// [`EngineError::Storage`] when the last writes could not be synced.
    pub async fn close(&self) -> Result<(), EngineError> {
        let inner = Arc::clone(&self.inner);
        let closed = tokio::task::spawn_blocking(move || {
            let barrier = inner.log.barrier();
            inner.log.close();
            barrier.synced_blocking()
        });
        closed.await.map_err(|error| EngineError::Storage(format!("closing failed: {error}")))??;
        Ok(())
    }
}

impl Inner {
    /// An engine without a directory, with a thread that packs the oldest rows when all take more than `memory_bytes_max`.
    fn in_memory(memory_bytes_max: usize) -> Result<Arc<Self>, EngineError> {
        let synced = Arc::<AtomicU64>::default();
        let (due, is_due) = sync_channel(1);
        let inner = Arc::new(Self {
            catalog: RwLock::default(),
            control: Mutex::default(),
            log: Arc::new(Log::Memory { synced: Arc::clone(&synced), due }),
            synced,
            files: Arc::new(MemoryFiles::default()),
            checkpoints: None,
            moving: Mutex::default(),
            merging: Mutex::default(),
        });
        let weak = Arc::downgrade(&inner);
        let pack = move || {
            while is_due.recv().is_ok() {
                let Some(inner) = weak.upgrade() else { return };
                if let Err(error) = inner.move_oldest(|held| held > full_bytes(memory_bytes_max)) {
                    tracing::error!(%error, "rows cannot be packed");
                }
            }
        };
        background::start("pack", pack).map_err(|error| EngineError::Storage(error.to_string()))?;
        Ok(inner)
    }

    /// [`Engine::tick`].
    fn tick(&self, now_ns: i64) -> Result<(), EngineError> {
        self.log.pace();
        let states: Vec<_> = self.catalog().scopes().map(|(_, state)| Arc::clone(state)).collect();
        let mut has_moved = false;
        for table in states.iter().flat_map(|state| state.databases()).flat_map(|database| database.tables()) {
            has_moved |= table.live.free(table.settings.retention.visible_from_ns(now_ns));
        }
        has_moved |= self.move_aged(now_ns)?;
        let is_wanted = self.checkpoints.as_ref().is_some_and(Checkpoints::take_wanted);
        if !has_moved && !is_wanted {
            return Ok(());
        }
        self.checkpoint(true).inspect_err(|_| self.checkpoints.iter().for_each(Checkpoints::want))
    }

    fn catalog(&self) -> RwLockReadGuard<'_, Catalog<Arc<LiveTable>>> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn catalog_mut(&self) -> RwLockWriteGuard<'_, Catalog<Arc<LiveTable>>> {
        self.catalog.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self) -> MutexGuard<'_, ()> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table of those names. # inferred: the database is looked for first
fn find_table<'a, L: Clone>(
    catalog: &'a Catalog<L>,
    scope: &Scope,
    database: &str,
    table: &str,
) -> Result<&'a Arc<crate::catalog::state::TableEntry<L>>, EngineError> {
    let Some(entry) = catalog.database(scope, database) else {
        return Err(EngineError::DatabaseNotFound(database.to_owned()));
    };
    entry.table(table).ok_or_else(|| EngineError::TableNotFound(table.to_owned()))
}
