//! UNLOAD: a query's result as files in a bucket.
//!
//! `options` reads what the statement asks for, `plan` holds it against the query's columns, `export` runs it: batches are
//! cut into `partition`s, encoded by `csv` or `parquet` into files, and told of in a `manifest`.
//! # guide: export-unload-concepts.html, where nothing else is said

mod csv;
mod export;
mod json;
mod manifest;
mod options;
mod parquet;
mod partition;

#[cfg(test)]
mod tests;

pub(super) use export::{Export, RESULT_COLUMNS};

use super::{
    error::SqlError,
    plan::OutputColumn,
    types::{self, type_name},
};
use crate::outbound::objects::Objects;
use datafusion::{arrow::datatypes::DataType, sql::sqlparser::tokenizer::Location};
use options::{Compression, Format, Options};
use std::sync::Arc;

/// Bytes of the longest key of an object. # guide of S3: object-keys.html
const KEY_BYTES_MAX: usize = 1_024;
/// Partitions that one statement may write. # guide: export-unload-limits.html
const PARTITIONS_MAX: usize = 100;
/// Seconds that one statement may take. # guide: export-unload-limits.html
pub(super) const TIMEOUT_S: u64 = 60 * 60;
/// Characters of the name of a result without its folder: query id, UUID and what joins them, with room.
const NAME_BYTES: usize = 128;

/// What an UNLOAD says beside its query.
#[derive(Debug)]
pub(super) struct UnloadTarget {
    /// What follows TO.
    pub(super) destination: String,
    /// What stands in WITH, in order.
    pub(super) options: Vec<UnloadOption>,
}

/// `name = value` in WITH.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnloadOption {
    /// As written.
    pub(super) name: String,
    /// Where it is written.
    pub(super) at: Location,
    /// Behind the equals sign.
    pub(super) value: OptionValue,
}

/// What an option can be set to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OptionValue {
    /// `'…'`
    Text(String),
    /// `ARRAY['…', …]`
    Texts(Vec<String>),
}

/// Writes columns as the API's ColumnInfo has them.
pub type WriteColumnInfo = fn(&[OutputColumn], &mut Vec<u8>);

/// What an UNLOAD needs beside what every query does.
#[derive(Clone, Debug)]
pub struct UnloadContext {
    /// Where its files go.
    pub objects: Arc<Objects>,
    /// Names its files.
    pub query_id: String,
    /// Writes the columns of the metadata file.
    pub write_column_info: WriteColumnInfo,
}

/// An UNLOAD that has been held against its query.
#[derive(Clone, Debug)]
pub(super) struct Unload {
    bucket: String,
    /// Without slashes at its ends; may be empty.
    folder: String,
    options: Options,
}

/// Holds what a statement says against the columns of its query.
///
/// # Errors
/// [`SqlError::Invalid`]: an option or the destination is wrong, or a column cannot be written.
pub(super) fn plan(target: &UnloadTarget, columns: &[OutputColumn]) -> Result<Unload, SqlError> {
    let options = Options::read(&target.options)?;
    let (bucket, folder) = destination(&target.destination)?;
    check_partitions(&options.partitioned_by, columns)?;
    columns.iter().try_for_each(|column| check_type(column, options.format))?;
    if folder.len() + "/results/".len() + NAME_BYTES > KEY_BYTES_MAX {
        // # guide: troubleshoot-export-unload.html
        return Err(SqlError::Invalid(format!(
            "UNLOAD result file key when using the S3 prefix [{folder}] provided in the destination will exceed the S3 \
             allowed key length. See documentation for more details."
        )));
    }
    Ok(Unload { bucket, folder, options })
}

/// `s3://bucket/folder` as bucket and folder. # inferred: the texts
fn destination(text: &str) -> Result<(String, String), SqlError> {
    let invalid = |why: &str| SqlError::Invalid(format!("The destination '{text}' of UNLOAD {why}."));
    let scheme = text.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("s3://"));
    let Some(rest) = scheme.and(text.get(5..)) else { return Err(invalid("is not of the form 's3://bucket/folder'")) };
    let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    let is_segment = |part: &str| !part.is_empty() && !matches!(part, "." | "..") && !part.contains(char::is_control);
    if bucket.is_empty() {
        return Err(invalid("names no bucket"));
    }
    if !folder.is_empty() && !folder.split('/').all(is_segment) {
        return Err(invalid("has a folder that Timebrook cannot keep: a part of it is empty, . or .."));
    }
    Ok((bucket.to_owned(), folder.to_owned()))
}

/// # guide: export-unload-best-practices.html: the last columns, in the same order; # inferred: the texts
fn check_partitions(names: &[String], columns: &[OutputColumn]) -> Result<(), SqlError> {
    let invalid = |text: String| Err(SqlError::Invalid(text));
    for (i, name) in names.iter().enumerate() {
        if !columns.iter().any(|column| column.label == *name) {
            return invalid(format!("The column '{name}' in partitioned_by is not a column of the query."));
        }
        if names[..i].contains(name) {
            return invalid(format!("The column '{name}' is in partitioned_by more than once."));
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    if names.len() >= columns.len() {
        return invalid("A query whose columns are all in partitioned_by leaves nothing to write.".to_owned());
    }
    let last = &columns[columns.len() - names.len()..];
    if !last.iter().zip(names).all(|(column, name)| column.label == *name) {
        return invalid(format!(
            "The columns in partitioned_by must be the last columns of the query, in the same order: [{}].",
            names.join(", ")
        ));
    }
    match last.iter().find(|column| column.data_type.is_nested()) {
        Some(column) => invalid(format!(
            "The column '{}' in partitioned_by is of type {}, which cannot be partitioned by.",
            column.label,
            type_name(&column.data_type)
        )),
        None => Ok(()),
    }
}

/// # guide: all types except time and unknown; # inferred: intervals have no counterpart in Parquet
fn check_type(column: &OutputColumn, format: Format) -> Result<(), SqlError> {
    fn find(data_type: &DataType, wanted: &dyn Fn(&DataType) -> bool) -> bool {
        wanted(data_type)
            || match data_type {
                DataType::List(item) => find(item.data_type(), wanted),
                DataType::Struct(fields) => fields.iter().any(|field| find(field.data_type(), wanted)),
                _ => false,
            }
    }
    let refused = |data_type: &DataType| match data_type {
        DataType::Time64(_) | DataType::Null => true,
        DataType::Duration(_) | DataType::Interval(_) => format == Format::Parquet,
        _ => false,
    };
    if find(&column.data_type, &refused) {
        let place = if format == Format::Parquet { " to Parquet" } else { "" };
        return Err(SqlError::Invalid(format!(
            "The column '{}' is of type {}, which UNLOAD does not support{place}.",
            column.label,
            type_name(&column.data_type)
        )));
    }
    Ok(())
}

impl Unload {
    /// What is written of each row: all columns but those that name its folder.
    fn written<'a>(&self, columns: &'a [OutputColumn]) -> &'a [OutputColumn] {
        &columns[..columns.len() - self.options.partitioned_by.len()]
    }

    /// # guide: ".gz" for what is compressed as a whole
    fn extension(&self) -> &'static str {
        match (self.options.format, self.options.compression) {
            (Format::Parquet, _) => "parquet",
            (Format::Csv, Compression::Gzip) => "gz",
            (Format::Csv, Compression::None) => "csv",
        }
    }

    /// A key below the destination.
    fn key(&self, rest: &str) -> String {
        if self.folder.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.folder) }
    }
}

/// A row's field as its column is called in a file: those without a name are counted. # inferred
fn file_field_name(field: &datafusion::arrow::datatypes::FieldRef, index: usize) -> String {
    types::field_name(field).map_or_else(|| format!("field{index}"), str::to_owned)
}
