//! Rows of Parquet files as texts, as [`TextBatch`] has those of results.

use super::rows::{TextBatch, typed_column};
use crate::model::mapping::TypedColumn;
use datafusion::{
    arrow::{
        array::RecordBatch,
        compute::cast,
        datatypes::{DataType, SchemaRef, TimeUnit},
        error::ArrowError,
    },
    parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
};
use std::{fs::File, sync::Arc};

/// The rows of a file.
#[derive(Debug)]
pub struct ParquetRows {
    columns: Vec<String>,
    schema: SchemaRef,
    reader: ParquetRecordBatchReader,
    count: u64,
}

impl ParquetRows {
    /// Opens a file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn open(file: File) -> Result<Self, String> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| error.to_string())?;
        let schema = Arc::clone(builder.schema());
        let count = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let reader = builder.build().map_err(|error| error.to_string())?;
        let columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        Ok(Self { columns, schema, reader, count })
    }

    /// The names of its columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many rows there are.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.count
    }

    /// Its columns as mappings see them. The texts of timestamps are nanoseconds since the epoch.
    #[must_use]
    pub fn typed_columns(&self) -> Vec<TypedColumn> {
        self.schema.fields().iter().map(|field| typed_column(field.name(), &plain_type(field.data_type()))).collect()
    }
}

impl Iterator for ParquetRows {
    type Item = Result<TextBatch, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.and_then(|batch| plain(&batch)).map_err(|error| error.to_string()))
    }
}

/// The columns in the types that the query language knows.
fn plain(batch: &RecordBatch) -> Result<TextBatch, ArrowError> {
    let columns = batch.columns().iter().map(|array| cast(array, &plain_type(array.data_type())));
    Ok(TextBatch::new(&columns.collect::<Result<Vec<_>, _>>()?, batch.num_rows()))
}

fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => {
            DataType::Int64
        }
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        DataType::Duration(_) => DataType::Duration(TimeUnit::Nanosecond),
        DataType::Dictionary(_, value) => plain_type(value),
        other => other.clone(),
    }
}
