//! Bytes and batches: the log, the memory store, the files. Knows nothing of AWS.

pub mod codec;
pub mod disk;
pub mod error;
pub mod memory;
pub mod wal;
pub mod whole_file;

use crate::model::table::Column;
use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema, SchemaRef},
};
use memory::{
    columns::arrow_type,
    scan::{RowsView, Scan},
};
use std::{ops::Range, sync::Arc};

/// An immutable view of one table's records.
#[derive(Clone, Debug)]
pub struct TableRows {
    columns: Arc<[Column]>,
    measure_names: Arc<[Arc<str>]>,
    schema: SchemaRef,
    view: RowsView,
}

impl TableRows {
    /// A view of rows whose dimension, measure name and column numbers are places in `columns` and `measure_names`.
    #[must_use]
    pub fn new(columns: Arc<[Column]>, measure_names: Arc<[Arc<str>]>, view: RowsView) -> Self {
        let fields = columns.iter().map(|column| Field::new(&*column.name, arrow_type(column.kind.value_type()), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self { columns, measure_names, schema, view }
    }

    /// The Arrow schema of [`TableRows::scan`] with every column: varchar is `Utf8`, double `Float64`, bigint
    /// `Int64`, boolean `Boolean`, timestamp `Timestamp(Nanosecond, None)`; all nullable; names as in the table.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// How many rows lie in `times` at most; exact when no chunk is cut by it.
    #[must_use]
    pub fn row_count_estimate(&self, times: Range<i64>) -> usize {
        self.view.row_count_estimate(&times)
    }

    /// The current version of every record whose time lies in `times` (nanoseconds since the epoch), in batches of at
    /// most 8,192 rows with the columns at `projection` (indexes into the table's columns), in no promised order.
    /// With an empty projection the batches carry a row count only. Chunks wholly outside `times` are not read.
    ///
    /// # Panics
    /// When `projection` holds an index that the table does not have.
    pub fn scan(&self, projection: &[usize], times: Range<i64>) -> impl Iterator<Item = RecordBatch> + Send + 'static {
        let fields: Vec<_> = projection.iter().map(|column| Arc::clone(&self.schema.fields()[*column])).collect();
        Scan::new(
            self.view.clone(),
            Arc::clone(&self.columns),
            Arc::clone(&self.measure_names),
            projection.to_vec(),
            Arc::new(Schema::new(fields)),
            times,
        )
    }
}
