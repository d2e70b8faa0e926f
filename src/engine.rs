//! The only owner of the write-ahead log, the catalog and the store.
//!
//! Every change is an entry: decided under a lock, appended to the log, applied, and visible once synced. Live
//! apply and replay are the same function.

use crate::{
    catalog::{Database, MagneticWrites, PartitionKey, Table, Tags},
    clock::Clock,
    model::{retention::Retention, scope::Scope, table::MeasureInfo},
    store::TableRows,
};
use std::{path::PathBuf, sync::Arc};

/// How to open an engine.
#[derive(Clone, Debug, Default)]
pub struct EngineConfig {
    /// Where everything is kept; `None` keeps it in memory and touches no disk.
    pub data_dir: Option<PathBuf>,
}

/// What a control-plane change or look-up can fail with. Texts are the service's where they are known.
#[derive(Debug, thiserror::Error)]
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
    /// One of the service's quotas; the text names it.
    #[error("{0}")]
    QuotaExceeded(String),
    /// The disk or the log failed; the text is for the log only.
    #[error("storage failure: {0}")]
    Storage(String),
}

/// What CreateTable gives beside the names; absent parts take the service's defaults.
#[derive(Clone, Debug, Default)]
pub struct NewTable {
    /// Default: 6 hours and 73,000 days.
    pub retention: Option<Retention>,
    /// Default: disabled.
    pub magnetic_writes: Option<MagneticWrites>,
    /// Default: by measure.
    pub partition_key: Option<PartitionKey>,
    /// May be empty.
    pub tags: Tags,
}

/// What UpdateTable changes; absent parts stay.
#[derive(Clone, Debug, Default)]
pub struct TableUpdate {
    /// New retention periods.
    pub retention: Option<Retention>,
    /// New magnetic store write properties.
    pub magnetic_writes: Option<MagneticWrites>,
    /// The same key, with another enforcement.
    pub partition_key: Option<PartitionKey>,
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
    _private: (),
}

impl Engine {
    /// Opens an engine, recovering what `config.data_dir` holds.
    ///
    /// # Errors
    /// [`EngineError::Storage`] when the directory cannot be used or its files are damaged (the text names file and
    /// offset).
    pub async fn open(config: EngineConfig, clock: Clock) -> Result<Arc<Self>, EngineError> {
        let _ = (config, clock);
        Ok(Arc::new(Self { _private: () }))
    }

    /// Creates a database. `kms_key_id`: as given, else the account's AWS managed key.
    pub async fn create_database(
        &self,
        scope: &Scope,
        name: &str,
        kms_key_id: Option<&str>,
        tags: Tags,
        now_ns: i64,
    ) -> Result<Database, EngineError> {
        let _ = (scope, name, kms_key_id, tags, now_ns);
        Err(EngineError::Storage("absent".into()))
    }

    /// Changes a database's key.
    pub async fn update_database(
        &self,
        scope: &Scope,
        name: &str,
        kms_key_id: &str,
        now_ns: i64,
    ) -> Result<Database, EngineError> {
        let _ = (scope, name, kms_key_id, now_ns);
        Err(EngineError::Storage("absent".into()))
    }

    /// Deletes an empty database.
    pub async fn delete_database(&self, scope: &Scope, name: &str) -> Result<(), EngineError> {
        let _ = (scope, name);
        Err(EngineError::Storage("absent".into()))
    }

    /// Creates a table.
    pub async fn create_table(
        &self,
        scope: &Scope,
        database: &str,
        table: &str,
        new: NewTable,
        now_ns: i64,
    ) -> Result<Table, EngineError> {
        let _ = (scope, database, table, new, now_ns);
        Err(EngineError::Storage("absent".into()))
    }

    /// Changes a table's settings.
    pub async fn update_table(
        &self,
        scope: &Scope,
        database: &str,
        table: &str,
        update: TableUpdate,
        now_ns: i64,
    ) -> Result<Table, EngineError> {
        let _ = (scope, database, table, update, now_ns);
        Err(EngineError::Storage("absent".into()))
    }

    /// Deletes a table and its records.
    pub async fn delete_table(&self, scope: &Scope, database: &str, table: &str) -> Result<(), EngineError> {
        let _ = (scope, database, table);
        Err(EngineError::Storage("absent".into()))
    }

    /// Adds or overwrites tags of a database (`table` is `None`) or table.
    pub async fn tag(&self, scope: &Scope, database: &str, table: Option<&str>, tags: Tags) -> Result<(), EngineError> {
        let _ = (scope, database, table, tags);
        Err(EngineError::Storage("absent".into()))
    }

    /// Removes tags by key; keys that are not there are no error.
    pub async fn untag(
        &self,
        scope: &Scope,
        database: &str,
        table: Option<&str>,
        keys: &[String],
    ) -> Result<(), EngineError> {
        let _ = (scope, database, table, keys);
        Err(EngineError::Storage("absent".into()))
    }

    /// The tags of a database or table.
    pub fn tags(&self, scope: &Scope, database: &str, table: Option<&str>) -> Result<Tags, EngineError> {
        let _ = (scope, database, table);
        Err(EngineError::Storage("absent".into()))
    }

    /// Drops all state, or all state of one account.
    pub async fn reset(&self, account: Option<&str>) -> Result<(), EngineError> {
        let _ = account;
        Ok(())
    }

    /// Counts what is held, of one account or of all.
    pub fn counts(&self, account: Option<&str>) -> StateCounts {
        let _ = account;
        StateCounts::default()
    }

    /// An immutable view of a scope's catalog and records; holds only what is synced.
    pub fn snapshot(&self, scope: &Scope) -> Snapshot {
        Snapshot { scope: scope.clone(), databases: Vec::new() }
    }

    /// Syncs and closes; later commits fail.
    pub async fn close(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// An immutable view of a scope, for the whole of one query or listing.
#[derive(Clone, Debug)]
pub struct Snapshot {
    scope: Scope,
    databases: Vec<(Database, Vec<Arc<TableView>>)>,
}

impl Snapshot {
    /// Whose view it is.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// All databases, by name.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        self.databases.iter().map(|(database, _)| database)
    }

    /// The database of that exact name.
    pub fn database(&self, name: &str) -> Option<&Database> {
        self.databases().find(|database| &*database.name == name)
    }

    /// The tables of a database, by name.
    pub fn tables<'a>(&'a self, database: &'a str) -> impl Iterator<Item = &'a Arc<TableView>> {
        self.databases.iter().filter(move |(d, _)| &*d.name == database).flat_map(|(_, tables)| tables)
    }

    /// The table of those exact names.
    pub fn table(&self, database: &str, table: &str) -> Option<&Arc<TableView>> {
        let (_, tables) = self.databases.iter().find(|(d, _)| &*d.name == database)?;
        tables.iter().find(|view| &*view.table.name == table)
    }
}

/// An immutable view of a table.
#[derive(Debug)]
pub struct TableView {
    /// The table's settings and columns.
    pub table: Table,
    /// What SHOW MEASURES prints, sorted by measure name.
    pub measures: Vec<MeasureInfo>,
    /// The records.
    pub rows: TableRows,
}

impl TableView {
    /// The first time (nanoseconds since the epoch) that a query at `now_ns` sees.
    #[must_use]
    pub fn visible_from_ns(&self, now_ns: i64) -> i64 {
        self.table.retention.visible_from_ns(now_ns)
    }
}
