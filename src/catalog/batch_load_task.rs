//! Batch load tasks: what they load, and how far they are.

use crate::model::mapping::Mapping;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A batch load task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchLoadTask {
    /// Thirty-two upper-case hexadecimal digits. # guide: batch-load-using-error-reports.html
    pub id: String,
    /// The token that it was created with, so that a repeated request creates nothing new.
    pub client_token: Option<String>,
    /// The database it loads into.
    pub database: String,
    /// The table it loads into.
    pub table: String,
    /// The bucket it loads from.
    pub source_bucket: String,
    /// What the keys it loads begin with.
    pub source_prefix: Option<String>,
    /// How its files are written.
    pub csv: Option<CsvFormat>,
    /// How rows become records.
    pub model: LoadModel,
    /// Where the model was read from: bucket and key, as given.
    pub model_place: Option<(Option<String>, Option<String>)>,
    /// Where its report goes.
    pub report: Option<LoadReport>,
    /// The version of its records; `None`: 1.
    pub version: Option<i64>,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Milliseconds since the epoch.
    pub updated_ms: i64,
    /// How far it is.
    pub status: LoadStatus,
    /// Until when it can be resumed, milliseconds since the epoch.
    pub resumable_until_ms: Option<i64>,
    /// Why it failed as a whole.
    pub error: Option<String>,
    /// What was done up to the end of the last file.
    pub progress: LoadProgress,
    /// The key of the last file that was done.
    pub last_file: Option<String>,
}

impl BatchLoadTask {
    /// Whether a request for `other` asks for the same, its id and its times aside.
    #[must_use]
    pub fn is_asked_for_again_by(&self, other: &Self) -> bool {
        let asked_for = |task: &Self| {
            let Self {
                database, table, source_bucket, source_prefix, csv, model, model_place, report, version, ..
            } = task.clone();
            (database, table, source_bucket, source_prefix, csv, model, model_place, report, version)
        };
        asked_for(self) == asked_for(other)
    }
}

/// How far a task is. # model: BatchLoadStatus
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoadStatus {
    /// It will begin.
    Created,
    /// It is at work.
    InProgress,
    /// It is done, with errors.
    Failed,
    /// It is done, without errors.
    Succeeded,
    /// It cannot go on for now.
    ProgressStopped,
    /// It was told to go on.
    PendingResume,
}

impl LoadStatus {
    /// Whether it goes on by itself.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Created | Self::InProgress | Self::PendingResume)
    }
}

/// Counts of what a task has done. # model: BatchLoadProgressReport
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadProgress {
    /// Rows read.
    pub processed: i64,
    /// Records stored.
    pub ingested: i64,
    /// Rows that make no record.
    pub parse_failures: i64,
    /// Records that are not stored.
    pub ingestion_failures: i64,
    /// Files that were not read to their end.
    pub file_failures: i64,
    /// Bytes of the files read.
    pub bytes: i64,
}

/// How a file of separated values is written; what is not said has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvFormat {
    /// Between cells; `,`.
    pub separator: Option<String>,
    /// Takes the meaning from what follows it; none: a quote is doubled.
    pub escape: Option<String>,
    /// Around cells; `"`.
    pub quote: Option<String>,
    /// What stands for no value, beside nothing at all.
    pub null_value: Option<String>,
    /// Whether white space around cells is no part of them; no.
    pub trims: Option<bool>,
}

/// How rows become records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadModel {
    /// Which column becomes what.
    pub mapping: Mapping,
    /// `SECONDS` … `NANOSECONDS`; `None`: milliseconds. # model
    pub time_unit: Option<String>,
}

/// Where a task's report goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadReport {
    /// S3 bucket.
    pub bucket: String,
    /// Key prefix.
    pub prefix: Option<String>,
    /// `SSE_S3` or `SSE_KMS`, as given.
    pub encryption: Option<String>,
    /// The key as given.
    pub kms_key_id: Option<String>,
}

/// A task as it is shared.
pub type SharedTask = Arc<BatchLoadTask>;
