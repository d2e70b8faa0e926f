//! Batch load: files of separated values in a bucket become records of a table.
//!
//! `csv` reads rows, a mapping makes records of them ([`crate::ingest::mapping`]), `run` writes them and counts, `report`
//! tells what failed, by file and line; `import` does the same with files on this machine, Parquet among them. A task is
//! written down at the end of every file: after a crash it goes on with the file that it was at, whose records have the same
//! versions as before and so change nothing that is stored already.

mod csv;
mod import;
mod parquet_file;
mod report;
mod run;
mod table_columns;

#[cfg(test)]
mod tests;

pub use csv::{CsvDialect, CsvError};
pub use import::{FileProgress, Import, Imported};

use crate::{
    catalog::batch_load_task::{BatchLoadTask, LoadProgress, LoadStatus, SharedTask},
    clock::Clock,
    engine::{Engine, EngineError},
    ingest::mapping::{MappingError, RowMapping},
    model::{
        limits::BATCH_LOADS_MAX,
        mapping::{Mapping, MeasureMappings},
        scope::Scope,
    },
    outbound::objects::Objects,
};
use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Why a task cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// Its mapping.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// How its files are written.
    #[error(transparent)]
    Csv(#[from] CsvError),
    /// Its table, or what is kept.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What carries out batch load tasks.
#[derive(Debug)]
pub struct BatchLoader {
    engine: Arc<Engine>,
    objects: Arc<Objects>,
    clock: Clock,
    /// One for every task that may be at work at once.
    permits: Semaphore,
    /// What tasks at work have done so far, which is written down only at the end of a file.
    live: Mutex<HashMap<(Scope, String), LoadProgress>>,
}

impl BatchLoader {
    /// A loader into the engine's tables; it does nothing by itself.
    #[must_use]
    pub fn new(engine: Arc<Engine>, objects: Arc<Objects>, clock: Clock) -> Self {
        Self { engine, objects, clock, permits: Semaphore::new(BATCH_LOADS_MAX), live: Mutex::default() }
    }

    /// Creates a task and begins it.
    ///
    /// # Errors
    /// [`TaskError`].
    pub async fn create(self: &Arc<Self>, scope: &Scope, task: BatchLoadTask) -> Result<SharedTask, TaskError> {
        CsvDialect::new(task.csv.as_ref())?;
        check_mapping(&task.model.mapping)?;
        let id = task.id.clone();
        let created = self.engine.create_batch_load_task(scope, task).await?;
        if created.id == id {
            self.spawn(scope.clone(), id);
        }
        Ok(created)
    }

    /// Lets a task that was stopped go on.
    ///
    /// # Errors
    /// [`EngineError::BatchLoadTaskNotFound`], [`EngineError::NotResumable`], [`EngineError::Storage`].
    pub async fn resume(self: &Arc<Self>, scope: &Scope, id: &str) -> Result<(), EngineError> {
        let now_ms = self.now_ms();
        let change = move |task: &BatchLoadTask| {
            // # inferred: the words
            let refused = |why| Err(EngineError::NotResumable(task.id.clone(), why));
            if task.status != LoadStatus::ProgressStopped {
                return refused("its status is not PROGRESS_STOPPED");
            }
            if task.resumable_until_ms.is_none_or(|until_ms| until_ms <= now_ms) {
                return refused("the time until which it could be resumed is over");
            }
            let status = LoadStatus::PendingResume;
            Ok(BatchLoadTask { status, updated_ms: now_ms, resumable_until_ms: None, error: None, ..task.clone() })
        };
        self.engine.change_batch_load_task(scope, id, change).await?;
        self.spawn(scope.clone(), id.to_owned());
        Ok(())
    }

    /// Goes on with the tasks that were at work when the server went down.
    pub fn restart(self: &Arc<Self>) {
        for (scope, task) in self.engine.all_batch_load_tasks() {
            if task.status.is_active() {
                self.spawn(scope, task.id.clone());
            }
        }
    }

    /// What a task has done so far.
    #[must_use]
    pub fn progress(&self, scope: &Scope, task: &BatchLoadTask) -> LoadProgress {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.get(&(scope.clone(), task.id.clone())).copied().unwrap_or(task.progress)
    }

    fn spawn(self: &Arc<Self>, scope: Scope, id: String) {
        let loader = Arc::clone(self);
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _permit = loader.permits.acquire().await;
            loader.run(&scope, &id).await;
            loader.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&(scope, id));
        });
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ns().div_euclid(1_000_000)
    }
}

/// Checks of a mapping what does not depend on the columns there are.
fn check_mapping(mapping: &Mapping) -> Result<(), MappingError> {
    let attributes = match &mapping.measures {
        MeasureMappings::Multi { attributes, .. } => attributes.iter().map(|a| &a.source_column).collect::<Vec<_>>(),
        MeasureMappings::Mixed(entries) => {
            let own = entries.iter().filter_map(|entry| entry.source_column.as_ref());
            own.chain(entries.iter().flat_map(|entry| entry.attributes.iter().map(|a| &a.source_column))).collect()
        }
    };
    let mut columns: Vec<&str> = attributes.into_iter().map(String::as_str).collect();
    columns.push(&mapping.time_column);
    columns.extend(mapping.dimensions.iter().map(|dimension| &*dimension.source_column));
    columns.extend(mapping.measure_name_column.as_deref());
    columns.sort_unstable();
    columns.dedup();
    RowMapping::new(mapping, &columns).map(drop)
}
