//! The magnetic store: rows that have aged, and rows for which there is no room in memory, in Parquet files.
//!
//! A file holds the rows of one table and one day (UTC), sorted by series, measure name and time, and is never changed.
//! Any reader of Parquet can read it as it lies. What only Timebrook needs (its numbers for series and columns, where
//! each stream's rows are) is in the file's key-value metadata, so that opening one reads no row.

pub(crate) mod day_file;
mod encode;
pub(crate) mod files;
pub(crate) mod merge;
pub(crate) mod objects;
pub(crate) mod read;

use super::error::StorageError;
use crate::model::table::Column;
use datafusion::parquet::errors::ParquetError;
use std::sync::Arc;

pub(crate) use encode::encode;

/// The column with the versions of records, in files in which not every version is 1. No dimension or measure can have
/// this name. # guide: ts-limits.html (names must not begin with `ts_`)
const VERSION_COLUMN: &str = "ts_version";

/// The names of what rows speak of by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct TableNames {
    /// Dimensions.
    pub(crate) dimensions: Arc<[Arc<str>]>,
    /// Measure names.
    pub(crate) measure_names: Arc<[Arc<str>]>,
    /// Columns of measure values.
    pub(crate) columns: Arc<[Column]>,
}

/// The error that reading or writing a Parquet file failed with.
fn parquet_error(file: &str) -> impl Fn(ParquetError) -> StorageError {
    let file = file.to_owned();
    move |error| match error {
        ParquetError::External(source) => {
            StorageError::Io { file: file.clone(), source: std::io::Error::other(source) }
        }
        error => {
            tracing::error!(%file, %error, "a Parquet file cannot be read or written");
            StorageError::Damaged { file: file.clone(), offset: 0, what: "it is not a Parquet file of this table" }
        }
    }
}
