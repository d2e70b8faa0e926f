//! Files on this machine into a table: what `timebrook import` does.

use super::{BatchLoader, check_mapping, csv::CsvDialect, run::LocalFile};
use crate::{
    catalog::batch_load_task::{BatchLoadTask, CsvFormat, LoadModel, LoadProgress, LoadStatus},
    model::{
        mapping::{Mapping, MeasureMappings},
        scope::Scope,
    },
};
use std::{
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// What to import and where to.
#[derive(Clone, Debug)]
pub struct Import {
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// How rows become records; `None`: the files hold what `SELECT *` gives.
    pub model: Option<LoadModel>,
    /// How files of separated values are written.
    pub csv: CsvFormat,
    /// The version of the records.
    pub version: i64,
}

/// How much of a file has been read: bytes of separated values, rows of Parquet.
#[derive(Debug, Default)]
pub struct FileProgress {
    done: AtomicU64,
    total: AtomicU64,
}

impl FileProgress {
    /// The share that has been read, 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        if total == 0 { 0.0 } else { (done as f64 / total as f64).min(1.0) }
    }

    pub(super) fn begin(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn add(&self, more: u64) {
        self.done.fetch_add(more, Ordering::Relaxed);
    }
}

/// A reader whose progress is seen.
pub(super) struct Seen<R> {
    pub(super) input: R,
    pub(super) progress: Arc<FileProgress>,
}

impl<R: Read> Read for Seen<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.progress.add(read as u64);
        Ok(read)
    }
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What was done, this file included.
    pub progress: LoadProgress,
    /// What failed: a reason and the lines (first and last of each range) that it is for.
    pub errors: Vec<(String, Vec<(u64, u64)>)>,
}

impl BatchLoader {
    /// Imports a file; `before` is what was done with the files before it, `progress` is kept at how much of it has been read.
    ///
    /// # Errors
    /// What went wrong, in words for the user: the file or the store fails, the model cannot be used.
    pub async fn import(
        &self,
        scope: &Scope,
        import: &Import,
        path: &Path,
        before: LoadProgress,
        progress: &Arc<FileProgress>,
    ) -> Result<Imported, String> {
        CsvDialect::new(Some(&import.csv)).map_err(|error| error.to_string())?;
        if let Some(model) = &import.model {
            check_mapping(&model.mapping).map_err(|error| error.to_string())?;
        }
        let local = LocalFile { path, progress, has_model: import.model.is_some() };
        let outcome = self.load_local(scope, &import.task(before), local).await?;
        let errors = outcome.errors.errors.into_iter().map(|entry| (entry.reason, entry.line_ranges)).collect();
        Ok(Imported { progress: outcome.progress, errors })
    }

    /// What has been imported so far.
    #[must_use]
    pub fn import_progress(&self, scope: &Scope, import: &Import, before: LoadProgress) -> LoadProgress {
        self.progress(scope, &import.task(before))
    }
}

impl Import {
    /// A task that is nowhere written down.
    fn task(&self, progress: LoadProgress) -> BatchLoadTask {
        BatchLoadTask {
            id: "import".to_owned(),
            client_token: None,
            database: self.database.clone(),
            table: self.table.clone(),
            source_bucket: String::new(),
            source_prefix: None,
            csv: Some(self.csv.clone()),
            model: self.model.clone().unwrap_or_else(model_of_rows),
            model_place: None,
            report: None,
            version: Some(self.version),
            created_ms: 0,
            updated_ms: 0,
            status: LoadStatus::InProgress,
            resumable_until_ms: None,
            error: None,
            progress,
            last_file: None,
        }
    }
}

/// What stands for the model of a file that has none: its times are nanoseconds, what else it says is not used.
fn model_of_rows() -> LoadModel {
    let measures = MeasureMappings::Multi { measure_name: None, attributes: Vec::new() };
    let measure_name_column = Some("measure_name".to_owned());
    let mapping = Mapping { time_column: "time".to_owned(), dimensions: Vec::new(), measure_name_column, measures };
    LoadModel { mapping, time_unit: Some("NANOSECONDS".to_owned()) }
}
