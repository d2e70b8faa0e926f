//! Files on this machine into a table: what `timebrook import` does.

use super::{BatchLoader, check_mapping, csv::CsvDialect};
use crate::{
    catalog::batch_load_task::{BatchLoadTask, CsvFormat, LoadModel, LoadProgress, LoadStatus},
    model::scope::Scope,
};
use std::path::Path;

/// What to import and where to.
#[derive(Clone, Debug)]
pub struct Import {
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
    /// How rows become records.
    pub model: LoadModel,
    /// How files of separated values are written.
    pub csv: CsvFormat,
    /// The version of the records.
    pub version: i64,
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
    /// Imports a file; `before` is what was done with the files before it.
    ///
    /// # Errors
    /// What went wrong, in words for the user: the file or the store fails, the model cannot be used.
    pub async fn import(
        &self,
        scope: &Scope,
        import: &Import,
        path: &Path,
        before: LoadProgress,
    ) -> Result<Imported, String> {
        CsvDialect::new(Some(&import.csv)).map_err(|error| error.to_string())?;
        check_mapping(&import.model.mapping).map_err(|error| error.to_string())?;
        let outcome = self.load_local(scope, &import.task(before), path).await?;
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
            model: self.model.clone(),
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
