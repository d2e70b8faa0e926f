//! What a query or listing sees.

use super::table::LiveTable;
use crate::{
    catalog::{
        Database, Table,
        state::{DatabaseEntry, ScopeState, TableEntry},
    },
    model::{scope::Scope, table::MeasureInfo},
    store::TableRows,
};
use std::sync::{Arc, OnceLock};

/// An immutable view of a scope, for the whole of one query or listing. The databases and tables are those of the
/// moment it was taken; a table's records are those of the moment the table is first asked for.
#[derive(Clone, Debug)]
pub struct Snapshot {
    scope: Scope,
    databases: Arc<[DatabaseSlot]>,
}

#[derive(Debug)]
struct DatabaseSlot {
    database: Database,
    entry: Arc<DatabaseEntry<Arc<LiveTable>>>,
    /// By name; made when first asked for, because most queries read one database.
    tables: OnceLock<Vec<TableSlot>>,
}

#[derive(Debug)]
struct TableSlot {
    entry: Arc<TableEntry<Arc<LiveTable>>>,
    view: OnceLock<Arc<TableView>>,
}

/// An immutable view of a table.
#[derive(Debug)]
pub struct TableView {
    /// The table's settings and columns.
    pub table: Table,
    /// What SHOW MEASURES prints, sorted by measure name.
    pub measures: Arc<[MeasureInfo]>,
    /// The records. They include those past their retention: readers begin at [`TableView::visible_from_ns`].
    pub rows: TableRows,
}

impl TableView {
    /// The first time (nanoseconds since the epoch) that a query at `now_ns` sees; older records are past their
    /// retention.
    #[must_use]
    pub fn visible_from_ns(&self, now_ns: i64) -> i64 {
        self.table.retention.visible_from_ns(now_ns)
    }
}

impl Snapshot {
    pub(super) fn new(scope: Scope, state: Option<&Arc<ScopeState<Arc<LiveTable>>>>) -> Self {
        let slot = |entry: &Arc<DatabaseEntry<_>>| DatabaseSlot {
            database: entry.database(),
            entry: Arc::clone(entry),
            tables: OnceLock::new(),
        };
        let databases = state.map(|state| state.databases().map(slot).collect());
        Self { scope, databases: databases.unwrap_or_default() }
    }

    /// The view of a scope in which there is nothing.
    #[must_use]
    pub fn empty(scope: &Scope) -> Self {
        Self::new(scope.clone(), None)
    }

    /// Whose view it is.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// All databases, by name.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        self.databases.iter().map(|slot| &slot.database)
    }

    /// The database of that exact name.
    #[must_use]
    pub fn database(&self, name: &str) -> Option<&Database> {
        self.slot(name).map(|slot| &slot.database)
    }

    /// The tables of a database, by name.
    pub fn tables(&self, database: &str) -> impl Iterator<Item = &Arc<TableView>> {
        self.slot(database).into_iter().flat_map(DatabaseSlot::tables).map(TableSlot::view)
    }

    /// The table of those exact names.
    #[must_use]
    pub fn table(&self, database: &str, table: &str) -> Option<&Arc<TableView>> {
        let tables = self.slot(database)?.tables();
        let found = tables.binary_search_by(|slot| (*slot.entry.name).cmp(table)).ok()?;
        Some(tables[found].view())
    }

    fn slot(&self, database: &str) -> Option<&DatabaseSlot> {
        let found = self.databases.binary_search_by(|slot| (*slot.database.name).cmp(database)).ok()?;
        Some(&self.databases[found])
    }
}

impl DatabaseSlot {
    fn tables(&self) -> &[TableSlot] {
        self.tables.get_or_init(|| {
            let slot = |entry: &Arc<TableEntry<_>>| TableSlot { entry: Arc::clone(entry), view: OnceLock::new() };
            self.entry.tables().map(slot).collect()
        })
    }
}

impl TableSlot {
    fn view(&self) -> &Arc<TableView> {
        self.view.get_or_init(|| Arc::new(self.entry.live.view(&self.entry)))
    }
}
