//! Bytes and batches: the log, the memory store, the files. Knows nothing of AWS.

pub mod codec;
pub mod disk;
pub mod error;
pub(crate) mod magnetic;
pub mod memory;
pub(crate) mod pace;
pub mod wal;
pub mod whole_file;

use crate::model::table::{Column, ColumnKind};
use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema, SchemaRef},
};
use error::StorageError;
use memory::{
    columns::arrow_type,
    scan::{RowsView, Scan},
    selection::{Coverage, Kept, Part, ScanRequest, Selection},
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

    /// About how many rows a selection wants.
    #[must_use]
    pub fn selected_estimate(&self, selection: &Selection) -> usize {
        self.view.selected_estimate(selection, &self.columns, &self.measure_names)
    }

    /// The oldest and the newest time of all rows, nanoseconds since the epoch; `None` when there are none.
    #[must_use]
    pub fn extent_ns(&self) -> Option<(i64, i64)> {
        self.view.extent_ns()
    }

    /// How many of the values of a column, a dimension or else `measure_name`, a selection wants.
    #[must_use]
    pub fn coverage(&self, selection: &Selection, column: usize) -> Coverage {
        let dimension = (self.columns[column].kind == ColumnKind::Dimension).then_some(column as u16);
        self.view.coverage(selection, &self.columns, &self.measure_names, dimension)
    }

    /// The current version of every record that `selection` wants, in batches of at most 8,192 rows with the columns at
    /// `projection` (indexes into the table's columns), in no promised order. With an empty projection the batches carry
    /// a row count only. Chunks wholly outside the selection's times and streams it does not want are not read. An item
    /// is an error when a file of the magnetic store cannot be read; the scan is over then.
    ///
    /// # Panics
    /// When `projection` or the selection holds an index that the table does not have.
    pub fn scan(
        &self,
        projection: &[usize],
        selection: &Selection,
    ) -> impl Iterator<Item = Result<RecordBatch, StorageError>> + Send + use<> {
        let request = ScanRequest {
            projection: projection.to_vec(),
            counted: Vec::new(),
            selection: selection.clone(),
            kept: Kept::All,
            part: Part::WHOLE,
        };
        self.read(request).map(|scanned| Ok(scanned?.batch))
    }

    /// As [`TableRows::scan`], with all that can be asked for.
    ///
    /// # Panics
    /// As there.
    pub(crate) fn read(&self, request: ScanRequest) -> Scan {
        let fields: Vec<_> =
            request.projection.iter().map(|column| Arc::clone(&self.schema.fields()[*column])).collect();
        let (columns, measure_names) = (Arc::clone(&self.columns), Arc::clone(&self.measure_names));
        Scan::new(self.view.clone(), columns, measure_names, Arc::new(Schema::new(fields)), request)
    }
}
