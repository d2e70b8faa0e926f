//! Changes of the catalog: one at a time, each synced before anybody sees it.

use super::{Engine, EngineError, Inner, entry::put_change, find_table, table::LiveTable};
use crate::{
    catalog::{
        Database, MagneticWrites, PartitionKey, Table, Tags,
        settings::{AccountSettings, AccountSettingsUpdate},
        state::{Catalog, Change, TablePlace, TableSettings},
    },
    model::{
        limits::{DATABASES_PER_ACCOUNT_MAX, TABLES_PER_ACCOUNT_MAX, TAGS_PER_RESOURCE_MAX},
        retention::Retention,
        scope::Scope,
    },
};
use std::sync::{Arc, atomic::AtomicU64};

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

/// What a request for a change comes to.
pub(super) enum Decision<T> {
    /// This has to be done.
    Change(Box<Change>),
    /// It was done before; the answer.
    Done(T),
}

pub(super) type LiveCatalog = Catalog<Arc<LiveTable>>;

impl Engine {
    /// Creates a database. `kms_key_id`: as given, else the account's AWS managed key.
    ///
    /// # Errors
    /// [`EngineError::AlreadyExists`], [`EngineError::QuotaExceeded`], [`EngineError::Storage`].
    pub async fn create_database(
        &self,
        scope: &Scope,
        name: &str,
        kms_key_id: Option<&str>,
        tags: Tags,
        now_ns: i64,
    ) -> Result<Database, EngineError> {
        let kms_key_id = kms_key_id.map_or_else(|| managed_key(scope), str::to_owned);
        let (scope, name): (_, Arc<str>) = (scope.clone(), name.into());
        let key = (scope.clone(), Arc::clone(&name));
        self.change(
            move |catalog| {
                if catalog.database(&scope, &name).is_some() {
                    return Err(EngineError::AlreadyExists);
                }
                if catalog.scope(&scope).is_some_and(|state| state.database_count() >= DATABASES_PER_ACCOUNT_MAX) {
                    return Err(quota("databases", DATABASES_PER_ACCOUNT_MAX));
                }
                Ok(Change::CreateDatabase { scope, name, kms_key_id, tags, now_ms: to_ms(now_ns) })
            },
            move |catalog| database(catalog, &key.0, &key.1),
        )
        .await
    }

    /// Changes a database's key.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::Storage`].
    pub async fn update_database(
        &self,
        scope: &Scope,
        name: &str,
        kms_key_id: &str,
        now_ns: i64,
    ) -> Result<Database, EngineError> {
        let (scope, name, kms_key_id): (_, Arc<str>, _) = (scope.clone(), name.into(), kms_key_id.to_owned());
        let key = (scope.clone(), Arc::clone(&name));
        self.change(
            move |catalog| {
                database(catalog, &scope, &name)?;
                Ok(Change::UpdateDatabase { scope, name, kms_key_id, now_ms: to_ms(now_ns) })
            },
            move |catalog| database(catalog, &key.0, &key.1),
        )
        .await
    }

    /// Deletes an empty database.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::DatabaseNotEmpty`], [`EngineError::Storage`].
    pub async fn delete_database(&self, scope: &Scope, name: &str) -> Result<(), EngineError> {
        let (scope, name): (_, Arc<str>) = (scope.clone(), name.into());
        self.change(
            move |catalog| {
                if database(catalog, &scope, &name)?.table_count > 0 {
                    return Err(EngineError::DatabaseNotEmpty(name.to_string()));
                }
                Ok(Change::DeleteDatabase { scope, name })
            },
            |_| Ok(()),
        )
        .await
    }

    /// Creates a table.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::AlreadyExists`], [`EngineError::QuotaExceeded`],
    /// [`EngineError::Storage`].
    pub async fn create_table(
        &self,
        scope: &Scope,
        database: &str,
        table: &str,
        new: NewTable,
        now_ns: i64,
    ) -> Result<Table, EngineError> {
        let place = TablePlace { scope: scope.clone(), database: database.into(), table: table.into() };
        let key = place.clone();
        self.change(
            move |catalog| {
                let Some(database) = catalog.database(&place.scope, &place.database) else {
                    return Err(EngineError::DatabaseNotFound(place.database.to_string()));
                };
                if database.table(&place.table).is_some() {
                    return Err(EngineError::AlreadyExists);
                }
                if catalog.scope(&place.scope).is_some_and(|state| state.table_count() >= TABLES_PER_ACCOUNT_MAX) {
                    return Err(quota("tables", TABLES_PER_ACCOUNT_MAX));
                }
                let settings = TableSettings {
                    retention: new.retention.unwrap_or_default(),
                    magnetic_writes: new.magnetic_writes.unwrap_or_default(),
                    partition_key: new.partition_key.unwrap_or_default(),
                    created_ms: to_ms(now_ns),
                    updated_ms: to_ms(now_ns),
                };
                Ok(Change::CreateTable { place, id: catalog.next_table_id(), settings, tags: new.tags })
            },
            move |catalog| table_of(catalog, &key),
        )
        .await
    }

    /// Changes a table's settings. Records that the shorter of the old and the new retention does not reach are gone
    /// for good: a longer one never brings them back. # guide: storage.html
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::TableNotFound`], [`EngineError::PartitionKeyChanged`],
    /// [`EngineError::Storage`].
    pub async fn update_table(
        &self,
        scope: &Scope,
        database: &str,
        table: &str,
        update: TableUpdate,
        now_ns: i64,
    ) -> Result<Table, EngineError> {
        let place = TablePlace { scope: scope.clone(), database: database.into(), table: table.into() };
        let key = place.clone();
        self.change(
            move |catalog| {
                let entry = find_table(catalog, &place.scope, &place.database, &place.table)?;
                let old = &entry.settings;
                let partition_key = update.partition_key.unwrap_or_else(|| old.partition_key.clone());
                if !is_same_key(&partition_key, &old.partition_key) {
                    return Err(EngineError::PartitionKeyChanged);
                }
                let retention = update.retention.unwrap_or(old.retention);
                let purge_before_ns = retention.visible_from_ns(now_ns).max(old.retention.visible_from_ns(now_ns));
                let settings = TableSettings {
                    retention,
                    magnetic_writes: update.magnetic_writes.unwrap_or_else(|| old.magnetic_writes.clone()),
                    partition_key,
                    created_ms: old.created_ms,
                    updated_ms: to_ms(now_ns),
                };
                Ok(Change::UpdateTable { place, id: entry.id, settings, purge_before_ns })
            },
            move |catalog| table_of(catalog, &key),
        )
        .await
    }

    /// Deletes a table and its records.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::TableNotFound`], [`EngineError::Storage`].
    pub async fn delete_table(&self, scope: &Scope, database: &str, table: &str) -> Result<(), EngineError> {
        let place = TablePlace { scope: scope.clone(), database: database.into(), table: table.into() };
        self.change(
            move |catalog| {
                find_table(catalog, &place.scope, &place.database, &place.table)?;
                Ok(Change::DeleteTable { place })
            },
            |_| Ok(()),
        )
        .await
    }

    /// Adds or overwrites tags of a database (`table` is `None`) or table.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::TableNotFound`], [`EngineError::QuotaExceeded`],
    /// [`EngineError::Storage`].
    pub async fn tag(&self, scope: &Scope, database: &str, table: Option<&str>, tags: Tags) -> Result<(), EngineError> {
        let (scope, database, table) = (scope.clone(), Arc::<str>::from(database), table.map(Arc::from));
        self.change(
            move |catalog| {
                let present = find_tags(catalog, &scope, &database, table.as_deref())?;
                let added = tags.keys().filter(|key| !present.contains_key(*key)).count();
                if present.len() + added > TAGS_PER_RESOURCE_MAX {
                    let text = format!("A resource cannot have more than {TAGS_PER_RESOURCE_MAX} tags.");
                    return Err(EngineError::QuotaExceeded(text));
                }
                Ok(Change::Tag { scope, database, table, tags })
            },
            |_| Ok(()),
        )
        .await
    }

    /// Removes tags by key; keys that are not there are no error.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::TableNotFound`], [`EngineError::Storage`].
    pub async fn untag(
        &self,
        scope: &Scope,
        database: &str,
        table: Option<&str>,
        keys: &[String],
    ) -> Result<(), EngineError> {
        let (scope, database, table) = (scope.clone(), Arc::<str>::from(database), table.map(Arc::from));
        let keys = keys.to_vec();
        self.change(
            move |catalog| {
                find_tags(catalog, &scope, &database, table.as_deref())?;
                Ok(Change::Untag { scope, database, table, keys })
            },
            |_| Ok(()),
        )
        .await
    }

    /// The tags of a database or table.
    ///
    /// # Errors
    /// [`EngineError::DatabaseNotFound`], [`EngineError::TableNotFound`].
    pub fn tags(&self, scope: &Scope, database: &str, table: Option<&str>) -> Result<Tags, EngineError> {
        find_tags(&self.inner.catalog(), scope, database, table).cloned()
    }

    /// The settings of an account in a region.
    #[must_use]
    pub fn account_settings(&self, scope: &Scope) -> AccountSettings {
        account_settings(&self.inner.catalog(), scope)
    }

    /// Changes the settings of an account in a region.
    ///
    /// # Errors
    /// [`EngineError::Settings`], [`EngineError::Storage`].
    pub async fn update_account_settings(
        &self,
        scope: &Scope,
        update: AccountSettingsUpdate,
        now_ns: i64,
    ) -> Result<AccountSettings, EngineError> {
        let (scope, of) = (scope.clone(), scope.clone());
        self.change(
            move |catalog| {
                let settings = account_settings(catalog, &scope).changed(&scope, update, to_ms(now_ns))?;
                Ok(Change::SetAccountSettings { scope, settings })
            },
            move |catalog| Ok(account_settings(catalog, &of)),
        )
        .await
    }

    /// Drops all state, or all state of one account.
    ///
    /// # Errors
    /// [`EngineError::Storage`].
    pub async fn reset(&self, account: Option<&str>) -> Result<(), EngineError> {
        let account = account.map(Arc::from);
        self.change(move |_| Ok(Change::Reset { account }), |_| Ok(())).await
    }

    /// Decides, logs and applies a change, then reads the answer. With a log this holds a thread of the blocking pool
    /// until the change is synced, and runs to its end even when nobody waits for it any more.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&LiveCatalog) -> Result<Change, EngineError> + Send + 'static,
        answer: impl FnOnce(&LiveCatalog) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.change_unless_done(move |catalog| decide(catalog).map(|change| Decision::Change(Box::new(change))), answer)
            .await
    }

    /// The same for changes that may turn out to be done already.
    pub(super) async fn change_unless_done<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&LiveCatalog) -> Result<Decision<T>, EngineError> + Send + 'static,
        answer: impl FnOnce(&LiveCatalog) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let inner = Arc::clone(&self.inner);
        if !inner.log.is_durable() {
            return inner.change(decide, answer);
        }
        let changed = tokio::task::spawn_blocking(move || inner.change(decide, answer)).await;
        changed.map_err(|error| EngineError::Storage(format!("a change did not run: {error}")))?
    }
}

impl Inner {
    fn change<T>(
        &self,
        decide: impl FnOnce(&LiveCatalog) -> Result<Decision<T>, EngineError>,
        answer: impl FnOnce(&LiveCatalog) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let _one_at_a_time = self.control();
        let change = match decide(&self.catalog())? {
            Decision::Change(change) => change,
            Decision::Done(answer) => return Ok(answer),
        };
        let mut entry = Vec::new();
        if self.log.is_durable() {
            put_change(&mut entry, &change);
        }
        let append = || self.log.incoming().append(&[&entry]);
        let ticket = match &*change {
            Change::UpdateTable { place, purge_before_ns, .. } => {
                let live = {
                    let catalog = self.catalog();
                    Arc::clone(&find_table(&catalog, &place.scope, &place.database, &place.table)?.live)
                };
                live.purge(*purge_before_ns, append)?
            }
            _ => append()?,
        };
        ticket.synced_blocking()?;
        let mut catalog = self.catalog_mut();
        apply(&mut catalog, &change, &self.synced);
        if let (Change::DeleteTable { .. } | Change::Reset { .. }, Some(checkpoints)) = (&*change, &self.checkpoints) {
            checkpoints.want();
        }
        answer(&catalog)
    }
}

/// Applies a change, now or when it is read back from the log; tables that go take no more commits.
pub(super) fn apply(catalog: &mut LiveCatalog, change: &Change, synced: &Arc<AtomicU64>) {
    match change {
        Change::DeleteTable { place } => {
            if let Some(entry) = catalog.table(&place.scope, &place.database, &place.table) {
                entry.live.remove();
            }
        }
        Change::Reset { account } => {
            let gone = catalog.scopes().filter(|(scope, _)| account.as_ref().is_none_or(|a| *a == scope.account));
            let tables = gone.flat_map(|(_, state)| state.databases()).flat_map(|database| database.tables());
            tables.for_each(|entry| entry.live.remove());
        }
        _ => {}
    }
    catalog.apply(change, |id| Arc::new(LiveTable::new(id, Arc::clone(synced))));
}

fn database(catalog: &LiveCatalog, scope: &Scope, name: &str) -> Result<Database, EngineError> {
    let entry = catalog.database(scope, name).ok_or_else(|| EngineError::DatabaseNotFound(name.to_owned()))?;
    Ok(entry.database())
}

fn table_of(catalog: &LiveCatalog, place: &TablePlace) -> Result<Table, EngineError> {
    let entry = find_table(catalog, &place.scope, &place.database, &place.table)?;
    Ok(entry.table(entry.live.columns()))
}

fn account_settings(catalog: &LiveCatalog, scope: &Scope) -> AccountSettings {
    catalog.scope(scope).map(|state| state.settings()).unwrap_or_default()
}

fn find_tags<'a>(
    catalog: &'a LiveCatalog,
    scope: &Scope,
    database: &str,
    table: Option<&str>,
) -> Result<&'a Tags, EngineError> {
    match table {
        None => {
            let entry = catalog.database(scope, database);
            entry.map(|entry| entry.tags()).ok_or_else(|| EngineError::DatabaseNotFound(database.to_owned()))
        }
        Some(table) => Ok(&find_table(catalog, scope, database, table)?.tags),
    }
}

/// Whether both partition by the same thing; how strictly may differ.
fn is_same_key(a: &PartitionKey, b: &PartitionKey) -> bool {
    match (a, b) {
        (PartitionKey::Measure, PartitionKey::Measure) => true,
        (PartitionKey::Dimension { name: a, .. }, PartitionKey::Dimension { name: b, .. }) => a == b,
        _ => false,
    }
}

/// The AWS managed key of an account in a region: an ARN that is always the same for it. # inferred: the id is made up
fn managed_key(scope: &Scope) -> String {
    let text = format!("{}/{}", scope.account, scope.region);
    // FNV-1a: any stable spread will do.
    let fnv = |seed: u64| text.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let (a, b) = (fnv(0xcbf2_9ce4_8422_2325), fnv(0x9ae1_6a3b_2f90_404f));
    format!(
        "arn:aws:kms:{}:{}:key/{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        scope.region,
        scope.account,
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xfff,
        b >> 52,
        b & 0xffff_ffff_ffff
    )
}

pub(super) fn quota(what: &str, max: usize) -> EngineError {
    EngineError::QuotaExceeded(format!("The maximum number of {what} per account, {max}, has been reached."))
}

fn to_ms(time_ns: i64) -> i64 {
    time_ns.div_euclid(1_000_000)
}
