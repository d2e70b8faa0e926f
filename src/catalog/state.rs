//! The catalog's state and the changes that act on it. Applying a change does no I/O and cannot fail: what a change
//! needs is checked before it is logged, and a change that finds nothing to act on does nothing.

use super::{
    Database, MagneticWrites, PartitionKey, Table, Tags, scheduled_query::SharedQuery, settings::AccountSettings,
};
use crate::model::{retention::Retention, scope::Scope, table::Column};
use hashbrown::HashMap;
use std::{collections::BTreeMap, sync::Arc};

/// Names a table for good: a table created anew under an old name has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub u64);

/// A change of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new database.
    CreateDatabase {
        /// Whose.
        scope: Scope,
        /// Its name.
        name: Arc<str>,
        /// Its key.
        kms_key_id: String,
        /// Its tags.
        tags: Tags,
        /// When, milliseconds since the epoch.
        now_ms: i64,
    },
    /// Another key for a database.
    UpdateDatabase {
        /// Whose.
        scope: Scope,
        /// Its name.
        name: Arc<str>,
        /// The new key.
        kms_key_id: String,
        /// When, milliseconds since the epoch.
        now_ms: i64,
    },
    /// A database goes.
    DeleteDatabase {
        /// Whose.
        scope: Scope,
        /// Its name.
        name: Arc<str>,
    },
    /// A new table.
    CreateTable {
        /// Where.
        place: TablePlace,
        /// Its id.
        id: TableId,
        /// Its settings.
        settings: TableSettings,
        /// Its tags.
        tags: Tags,
    },
    /// Other settings for a table.
    UpdateTable {
        /// Where.
        place: TablePlace,
        /// Its id.
        id: TableId,
        /// All its settings, changed or not.
        settings: TableSettings,
        /// Records older than this are gone for good, nanoseconds since the epoch.
        purge_before_ns: i64,
    },
    /// A table goes, with its records.
    DeleteTable {
        /// Where.
        place: TablePlace,
    },
    /// Tags are added or overwritten.
    Tag {
        /// Whose.
        scope: Scope,
        /// The database.
        database: Arc<str>,
        /// The table; `None` for the database itself.
        table: Option<Arc<str>>,
        /// The tags.
        tags: Tags,
    },
    /// Tags are removed.
    Untag {
        /// Whose.
        scope: Scope,
        /// The database.
        database: Arc<str>,
        /// The table; `None` for the database itself.
        table: Option<Arc<str>>,
        /// Their keys.
        keys: Vec<String>,
    },
    /// Other settings for an account in a region.
    SetAccountSettings {
        /// Whose.
        scope: Scope,
        /// All of them, changed or not.
        settings: AccountSettings,
    },
    /// A scheduled query as it is from now on, new or not.
    PutScheduledQuery {
        /// Whose.
        scope: Scope,
        /// All of it.
        query: SharedQuery,
    },
    /// A scheduled query goes.
    DeleteScheduledQuery {
        /// Whose.
        scope: Scope,
        /// Its id.
        id: Arc<str>,
    },
    /// Everything of an account goes, or everything.
    Reset {
        /// The account.
        account: Option<Arc<str>>,
    },
}

/// Where a table is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePlace {
    /// Whose.
    pub scope: Scope,
    /// The database.
    pub database: Arc<str>,
    /// The table's name.
    pub table: Arc<str>,
}

/// A table's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSettings {
    /// How long records live.
    pub retention: Retention,
    /// Whether and how late records are taken.
    pub magnetic_writes: MagneticWrites,
    /// What partitions the table.
    pub partition_key: PartitionKey,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Milliseconds since the epoch.
    pub updated_ms: i64,
}

/// All databases of all scopes. `L` is what the owner keeps beside each table (its records).
#[derive(Clone, Debug)]
pub struct Catalog<L> {
    scopes: HashMap<Scope, Arc<ScopeState<L>>>,
    next_table_id: u64,
}

/// All databases of a scope.
#[derive(Clone, Debug)]
pub struct ScopeState<L> {
    settings: AccountSettings,
    databases: BTreeMap<Arc<str>, Arc<DatabaseEntry<L>>>,
    table_count: usize,
    /// By id.
    scheduled_queries: BTreeMap<Arc<str>, SharedQuery>,
}

/// A database and its tables.
#[derive(Clone, Debug)]
pub struct DatabaseEntry<L> {
    name: Arc<str>,
    kms_key_id: String,
    created_ms: i64,
    updated_ms: i64,
    tags: Tags,
    tables: BTreeMap<Arc<str>, Arc<TableEntry<L>>>,
}

/// A table.
#[derive(Clone, Debug)]
pub struct TableEntry<L> {
    /// Its id.
    pub id: TableId,
    /// Its database's name.
    pub database: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Its settings.
    pub settings: TableSettings,
    /// Its tags.
    pub tags: Tags,
    /// What the owner keeps beside it.
    pub live: L,
}

impl<L> Default for Catalog<L> {
    fn default() -> Self {
        Self { scopes: HashMap::new(), next_table_id: 1 }
    }
}

impl<L> Default for ScopeState<L> {
    fn default() -> Self {
        Self {
            settings: AccountSettings::default(),
            databases: BTreeMap::new(),
            table_count: 0,
            scheduled_queries: BTreeMap::new(),
        }
    }
}

impl<L: Clone> Catalog<L> {
    /// The state of a scope; `None` when nothing was ever created in it.
    #[must_use]
    pub fn scope(&self, scope: &Scope) -> Option<&Arc<ScopeState<L>>> {
        self.scopes.get(scope)
    }

    /// Every scope.
    pub fn scopes(&self) -> impl Iterator<Item = (&Scope, &Arc<ScopeState<L>>)> {
        self.scopes.iter()
    }

    /// The database of that exact name.
    #[must_use]
    pub fn database(&self, scope: &Scope, name: &str) -> Option<&DatabaseEntry<L>> {
        self.scopes.get(scope)?.database(name)
    }

    /// The table of those exact names.
    #[must_use]
    pub fn table(&self, scope: &Scope, database: &str, table: &str) -> Option<&Arc<TableEntry<L>>> {
        self.database(scope, database)?.table(table)
    }

    /// The id for the next table to be created.
    #[must_use]
    pub fn next_table_id(&self) -> TableId {
        TableId(self.next_table_id)
    }

    /// Sets the id for the next table, as it was when the catalog was written down.
    pub fn set_next_table_id(&mut self, id: TableId) {
        self.next_table_id = id.0;
    }

    /// Applies a change; `live` makes what is kept beside a table that the change creates.
    pub fn apply(&mut self, change: &Change, live: impl FnOnce(TableId) -> L) {
        match change {
            Change::CreateDatabase { scope, name, kms_key_id, tags, now_ms } => {
                let entry = DatabaseEntry {
                    name: Arc::clone(name),
                    kms_key_id: kms_key_id.clone(),
                    created_ms: *now_ms,
                    updated_ms: *now_ms,
                    tags: tags.clone(),
                    tables: BTreeMap::new(),
                };
                self.scope_mut(scope).databases.insert(Arc::clone(name), Arc::new(entry));
            }
            Change::UpdateDatabase { scope, name, kms_key_id, now_ms } => {
                if let Some(database) = self.database_mut(scope, name) {
                    database.kms_key_id.clone_from(kms_key_id);
                    database.updated_ms = *now_ms;
                }
            }
            Change::DeleteDatabase { scope, name } => {
                let state = self.scope_mut(scope);
                if let Some(database) = state.databases.remove(name) {
                    state.table_count -= database.tables.len();
                }
            }
            Change::CreateTable { place, id, settings, tags } => {
                self.next_table_id = self.next_table_id.max(id.0 + 1);
                let entry = TableEntry {
                    id: *id,
                    database: Arc::clone(&place.database),
                    name: Arc::clone(&place.table),
                    settings: settings.clone(),
                    tags: tags.clone(),
                    live: live(*id),
                };
                self.insert_table(place, entry);
            }
            Change::UpdateTable { place, settings, .. } => {
                if let Some(table) = self.table_mut(&place.scope, &place.database, &place.table) {
                    table.settings = settings.clone();
                }
            }
            Change::DeleteTable { place } => self.remove_table(place),
            Change::Tag { scope, database, table, tags } => {
                if let Some(held) = self.tags_mut(scope, database, table.as_deref()) {
                    held.extend(tags.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
            }
            Change::Untag { scope, database, table, keys } => {
                if let Some(held) = self.tags_mut(scope, database, table.as_deref()) {
                    held.retain(|key, _| !keys.contains(key));
                }
            }
            Change::SetAccountSettings { scope, settings } => self.scope_mut(scope).settings = *settings,
            Change::PutScheduledQuery { scope, query } => {
                self.scope_mut(scope).scheduled_queries.insert(query.id.as_str().into(), Arc::clone(query));
            }
            Change::DeleteScheduledQuery { scope, id } => {
                self.scope_mut(scope).scheduled_queries.remove(id);
            }
            Change::Reset { account } => match account {
                Some(account) => self.scopes.retain(|scope, _| scope.account != *account),
                None => self.scopes.clear(),
            },
        }
    }

    fn insert_table(&mut self, place: &TablePlace, entry: TableEntry<L>) {
        let state = self.scope_mut(&place.scope);
        let Some(database) = state.databases.get_mut(&place.database) else { return };
        if Arc::make_mut(database).tables.insert(Arc::clone(&place.table), Arc::new(entry)).is_none() {
            state.table_count += 1;
        }
    }

    fn remove_table(&mut self, place: &TablePlace) {
        let state = self.scope_mut(&place.scope);
        let Some(database) = state.databases.get_mut(&place.database) else { return };
        if Arc::make_mut(database).tables.remove(&place.table).is_some() {
            state.table_count -= 1;
        }
    }

    fn scope_mut(&mut self, scope: &Scope) -> &mut ScopeState<L> {
        Arc::make_mut(self.scopes.entry(scope.clone()).or_default())
    }

    fn database_mut(&mut self, scope: &Scope, name: &str) -> Option<&mut DatabaseEntry<L>> {
        let state = Arc::make_mut(self.scopes.get_mut(scope)?);
        Some(Arc::make_mut(state.databases.get_mut(name)?))
    }

    fn table_mut(&mut self, scope: &Scope, database: &str, table: &str) -> Option<&mut TableEntry<L>> {
        Some(Arc::make_mut(self.database_mut(scope, database)?.tables.get_mut(table)?))
    }

    fn tags_mut(&mut self, scope: &Scope, database: &str, table: Option<&str>) -> Option<&mut Tags> {
        match table {
            None => Some(&mut self.database_mut(scope, database)?.tags),
            Some(table) => Some(&mut self.table_mut(scope, database, table)?.tags),
        }
    }
}

impl<L> ScopeState<L> {
    /// The account's settings.
    #[must_use]
    pub fn settings(&self) -> AccountSettings {
        self.settings
    }

    /// All databases, by name.
    pub fn databases(&self) -> impl Iterator<Item = &Arc<DatabaseEntry<L>>> {
        self.databases.values()
    }

    /// The database of that exact name.
    #[must_use]
    pub fn database(&self, name: &str) -> Option<&DatabaseEntry<L>> {
        self.databases.get(name).map(|entry| &**entry)
    }

    /// All scheduled queries, by id.
    pub fn scheduled_queries(&self) -> impl ExactSizeIterator<Item = &SharedQuery> {
        self.scheduled_queries.values()
    }

    /// The scheduled query of that id.
    #[must_use]
    pub fn scheduled_query(&self, id: &str) -> Option<&SharedQuery> {
        self.scheduled_queries.get(id)
    }

    /// How many databases there are.
    #[must_use]
    pub fn database_count(&self) -> usize {
        self.databases.len()
    }

    /// How many tables there are in all databases.
    #[must_use]
    pub fn table_count(&self) -> usize {
        self.table_count
    }
}

impl<L> DatabaseEntry<L> {
    /// The database as its owner sees it.
    #[must_use]
    pub fn database(&self) -> Database {
        Database {
            name: Arc::clone(&self.name),
            kms_key_id: self.kms_key_id.clone(),
            created_ms: self.created_ms,
            updated_ms: self.updated_ms,
            table_count: self.tables.len() as u64,
        }
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// All tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableEntry<L>>> {
        self.tables.values()
    }

    /// The table of that exact name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Arc<TableEntry<L>>> {
        self.tables.get(name)
    }
}

impl<L> TableEntry<L> {
    /// The table as its owner sees it.
    #[must_use]
    pub fn table(&self, columns: Arc<[Column]>) -> Table {
        Table {
            database: Arc::clone(&self.database),
            name: Arc::clone(&self.name),
            retention: self.settings.retention,
            magnetic_writes: self.settings.magnetic_writes.clone(),
            partition_key: self.settings.partition_key.clone(),
            created_ms: self.settings.created_ms,
            updated_ms: self.settings.updated_ms,
            columns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(account: &str) -> Scope {
        Scope::new(account, "us-east-1")
    }

    fn create_database(scope: &Scope, name: &str) -> Change {
        Change::CreateDatabase {
            scope: scope.clone(),
            name: name.into(),
            kms_key_id: "key".into(),
            tags: Tags::from([("a".to_owned(), "1".to_owned())]),
            now_ms: 1,
        }
    }

    fn create_table(scope: &Scope, database: &str, table: &str, id: u64) -> Change {
        let settings = TableSettings {
            retention: Retention::default(),
            magnetic_writes: MagneticWrites::default(),
            partition_key: PartitionKey::Measure,
            created_ms: 1,
            updated_ms: 1,
        };
        let place = TablePlace { scope: scope.clone(), database: database.into(), table: table.into() };
        Change::CreateTable { place, id: TableId(id), settings, tags: Tags::new() }
    }

    fn catalog(changes: &[Change]) -> Catalog<()> {
        let mut catalog = Catalog::default();
        changes.iter().for_each(|change| catalog.apply(change, |_| ()));
        catalog
    }

    #[test]
    fn scopes_share_nothing() {
        let (a, b) = (scope("111111111111"), scope("222222222222"));
        let mut catalog =
            catalog(&[create_database(&a, "db"), create_table(&a, "db", "t", 1), create_database(&b, "db")]);
        assert!(catalog.table(&a, "db", "t").is_some());
        assert!(catalog.table(&b, "db", "t").is_none());
        assert!(catalog.table(&Scope::new("111111111111", "eu-west-1"), "db", "t").is_none());
        catalog.apply(&Change::Reset { account: Some(Arc::clone(&a.account)) }, |_| ());
        assert!(catalog.database(&a, "db").is_none());
        assert!(catalog.database(&b, "db").is_some());
        assert_eq!(catalog.next_table_id(), TableId(2), "ids are never used again");
    }

    #[test]
    fn tables_are_counted() {
        let a = scope("111111111111");
        let mut catalog = catalog(&[
            create_database(&a, "db"),
            create_table(&a, "db", "t", 1),
            create_table(&a, "db", "u", 2),
            create_table(&a, "missing", "u", 3),
        ]);
        let count = |catalog: &Catalog<()>| catalog.scope(&a).map(|state| state.table_count());
        assert_eq!(count(&catalog), Some(2));
        let place = TablePlace { scope: a.clone(), database: "db".into(), table: "t".into() };
        catalog.apply(&Change::DeleteTable { place: place.clone() }, |_| ());
        catalog.apply(&Change::DeleteTable { place }, |_| ());
        assert_eq!(count(&catalog), Some(1));
        assert_eq!(catalog.database(&a, "db").map(|entry| entry.database().table_count), Some(1));
        catalog.apply(&Change::DeleteDatabase { scope: a.clone(), name: "db".into() }, |_| ());
        assert_eq!(count(&catalog), Some(0));
    }

    #[test]
    fn a_view_taken_before_a_change_does_not_see_it() {
        let a = scope("111111111111");
        let mut catalog = catalog(&[create_database(&a, "db")]);
        let view = catalog.scope(&a).cloned().unwrap_or_default();
        catalog.apply(&create_table(&a, "db", "t", 1), |_| ());
        assert_eq!(view.database("db").map(|entry| entry.tables().count()), Some(0));
        assert!(catalog.table(&a, "db", "t").is_some());
    }

    #[test]
    fn tags_are_overwritten_and_removed() {
        let a = scope("111111111111");
        let mut catalog = catalog(&[create_database(&a, "db")]);
        let tags = Tags::from([("a".to_owned(), "2".to_owned()), ("b".to_owned(), String::new())]);
        catalog
            .apply(&Change::Tag { scope: a.clone(), database: "db".into(), table: None, tags: tags.clone() }, |_| ());
        assert_eq!(catalog.database(&a, "db").map(DatabaseEntry::tags), Some(&tags));
        let keys = vec!["a".to_owned(), "never".to_owned()];
        catalog.apply(&Change::Untag { scope: a.clone(), database: "db".into(), table: None, keys }, |_| ());
        assert_eq!(catalog.database(&a, "db").map(|entry| entry.tags().len()), Some(1));
    }
}
