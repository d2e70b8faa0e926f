//! Files of Parquet.
//!
//! The guide says that the service writes timestamps as INT96; here they are INT64 nanoseconds without a zone. Every reader
//! gives the same instants for both, but DuckDB cuts INT96 to microseconds, and INT96 is long deprecated.

use super::{
    file_field_name,
    options::{Compression, Options},
};
use crate::sql::plan::OutputColumn;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray, UInt32Array},
        compute::{cast, take},
        datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
        error::ArrowError,
    },
    parquet::{
        arrow::ArrowWriter,
        basic::{Compression as Codec, GzipLevel},
        errors::ParquetError,
        file::properties::WriterProperties,
    },
};
use std::sync::Arc;

/// Bytes of a row group before they are encoded, about.
const GROUP_BYTES: usize = 32 << 20;

/// Encodes rows.
pub(super) struct ParquetFile {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetFile {
    pub(super) fn new(options: &Options, columns: &[OutputColumn]) -> Result<Self, ParquetError> {
        let field = |column: &OutputColumn| Field::new(&column.label, file_type(&column.data_type), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let codec = match options.compression {
            Compression::Gzip => Codec::GZIP(GzipLevel::default()),
            Compression::None => Codec::UNCOMPRESSED,
        };
        let properties = WriterProperties::builder()
            .set_compression(codec)
            .set_created_by(concat!("Timebrook ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
        Ok(Self { schema, writer })
    }

    /// Appends rows of a batch: its first columns.
    pub(super) fn append(&mut self, batch: &RecordBatch, rows: &[u32]) -> Result<(), ParquetError> {
        let indices = UInt32Array::from(rows.to_vec());
        let column = |(array, field): (&ArrayRef, &FieldRef)| renamed(&take(array, &indices, None)?, field.data_type());
        let columns: Result<Vec<_>, ArrowError> =
            batch.columns().iter().zip(self.schema.fields()).map(column).collect();
        let batch = columns.and_then(|columns| RecordBatch::try_new(Arc::clone(&self.schema), columns))?;
        self.writer.write(&batch)?;
        if self.writer.in_progress_size() >= GROUP_BYTES { self.writer.flush() } else { Ok(()) }
    }

    /// Bytes that wait in memory to be encoded.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.writer.in_progress_size()
    }

    /// Takes what is encoded so far; the writer keeps count of what went before.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }

    /// The end of the file.
    pub(super) fn finish(self) -> Result<Vec<u8>, ParquetError> {
        self.writer.into_inner()
    }
}

/// The type with every row's field named, and without what only this server can read.
fn file_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(item) => DataType::List(Arc::new(Field::new("element", file_type(item.data_type()), true))),
        DataType::Struct(fields) => {
            let field = |(i, field): (usize, &FieldRef)| {
                Field::new(file_field_name(field, i), file_type(field.data_type()), true)
            };
            DataType::Struct(fields.iter().enumerate().map(field).collect())
        }
        DataType::UInt64 => DataType::Int64,
        other => other.clone(),
    }
}

/// The same values under the names of `to`.
fn renamed(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    Ok(match to {
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            let values = renamed(list.values(), item.data_type())?;
            Arc::new(ListArray::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        DataType::Struct(fields) => {
            let row = array.as_struct();
            let columns: Result<Vec<_>, _> =
                row.columns().iter().zip(fields).map(|(array, field)| renamed(array, field.data_type())).collect();
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns?, row.nulls().cloned(), row.len())?)
        }
        to if array.data_type() != to => cast(array, to)?,
        _ => Arc::clone(array),
    })
}
