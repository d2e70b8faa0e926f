//! Changes of batch load tasks.

use super::{
    Engine, EngineError,
    control::{Decision, LiveCatalog, quota},
    find_table,
};
use crate::{
    catalog::{
        batch_load_task::{BatchLoadTask, SharedTask},
        state::{Change, ScopeState},
    },
    model::{
        limits::{ACTIVE_LOADS_PER_ACCOUNT_MAX, ACTIVE_LOADS_PER_TABLE_MAX, BATCH_LOAD_TASKS_MAX},
        scope::Scope,
    },
};
use std::sync::Arc;

impl Engine {
    /// Creates a batch load task. A request that is repeated, by its token, creates nothing new and answers what it created
    /// then.
    ///
    /// # Errors
    /// [`EngineError::TokenReused`], [`EngineError::DatabaseNotFound`], [`EngineError::TableNotFound`],
    /// [`EngineError::QuotaExceeded`], [`EngineError::Storage`].
    pub async fn create_batch_load_task(&self, scope: &Scope, task: BatchLoadTask) -> Result<SharedTask, EngineError> {
        let (scope, task) = (scope.clone(), Arc::new(task));
        let created = Arc::clone(&task);
        self.change_unless_done(
            move |catalog| {
                if let Some(earlier) = repeated(catalog, &scope, &task)? {
                    return Ok(Decision::Done(earlier));
                }
                find_table(catalog, &scope, &task.database, &task.table)?;
                check_quotas(catalog, &scope, &task)?;
                Ok(Decision::Change(Box::new(Change::PutBatchLoadTask { scope, task })))
            },
            move |_| Ok(created),
        )
        .await
    }

    /// Changes a batch load task.
    ///
    /// # Errors
    /// [`EngineError::BatchLoadTaskNotFound`], those of `change`, [`EngineError::Storage`].
    pub async fn change_batch_load_task(
        &self,
        scope: &Scope,
        id: &str,
        change: impl FnOnce(&BatchLoadTask) -> Result<BatchLoadTask, EngineError> + Send + 'static,
    ) -> Result<SharedTask, EngineError> {
        let (scope, id, of) = (scope.clone(), id.to_owned(), (scope.clone(), id.to_owned()));
        self.change(
            move |catalog| {
                let task = Arc::new(change(task_of(catalog, &scope, &id)?)?);
                Ok(Change::PutBatchLoadTask { scope, task })
            },
            move |catalog| task_of(catalog, &of.0, &of.1).cloned(),
        )
        .await
    }

    /// A batch load task.
    ///
    /// # Errors
    /// [`EngineError::BatchLoadTaskNotFound`].
    pub fn batch_load_task(&self, scope: &Scope, id: &str) -> Result<SharedTask, EngineError> {
        task_of(&self.inner.catalog(), scope, id).cloned()
    }

    /// Every batch load task of a scope, by id.
    #[must_use]
    pub fn batch_load_tasks(&self, scope: &Scope) -> Vec<SharedTask> {
        let catalog = self.inner.catalog();
        catalog.scope(scope).map(|state| state.batch_load_tasks().cloned().collect()).unwrap_or_default()
    }

    /// Every batch load task there is.
    #[must_use]
    pub fn all_batch_load_tasks(&self) -> Vec<(Scope, SharedTask)> {
        let catalog = self.inner.catalog();
        let each = |(scope, state): (&Scope, &Arc<ScopeState<_>>)| {
            state.batch_load_tasks().map(|task| (scope.clone(), Arc::clone(task))).collect::<Vec<_>>()
        };
        catalog.scopes().flat_map(each).collect()
    }
}

/// The task that a request with the same token created.
fn repeated(catalog: &LiveCatalog, scope: &Scope, task: &BatchLoadTask) -> Result<Option<SharedTask>, EngineError> {
    let Some(state) = catalog.scope(scope) else { return Ok(None) };
    let has_token = |earlier: &&SharedTask| task.client_token.is_some() && earlier.client_token == task.client_token;
    match state.batch_load_tasks().find(has_token) {
        Some(earlier) if earlier.is_asked_for_again_by(task) => Ok(Some(Arc::clone(earlier))),
        Some(_) => Err(EngineError::TokenReused),
        None => Ok(None),
    }
}

/// # guide: ts-limits.html
fn check_quotas(catalog: &LiveCatalog, scope: &Scope, task: &BatchLoadTask) -> Result<(), EngineError> {
    let Some(state) = catalog.scope(scope) else { return Ok(()) };
    if state.batch_load_tasks().len() >= BATCH_LOAD_TASKS_MAX {
        return Err(quota("batch load tasks", BATCH_LOAD_TASKS_MAX));
    }
    let active = || state.batch_load_tasks().filter(|task| task.status.is_active());
    if active().count() >= ACTIVE_LOADS_PER_ACCOUNT_MAX {
        return Err(quota("active batch load tasks", ACTIVE_LOADS_PER_ACCOUNT_MAX));
    }
    let of_table = active().filter(|other| other.database == task.database && other.table == task.table);
    if of_table.count() >= ACTIVE_LOADS_PER_TABLE_MAX {
        return Err(quota("active batch load tasks of a table", ACTIVE_LOADS_PER_TABLE_MAX));
    }
    Ok(())
}

fn task_of<'a>(catalog: &'a LiveCatalog, scope: &Scope, id: &str) -> Result<&'a SharedTask, EngineError> {
    let task = catalog.scope(scope).and_then(|state| state.batch_load_task(id));
    task.ok_or_else(|| EngineError::BatchLoadTaskNotFound(id.to_owned()))
}
