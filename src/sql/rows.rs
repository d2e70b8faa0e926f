//! Results whose rows are wanted as texts: those of scheduled queries, which become records.

use super::{
    error::SqlError, execute::Started, insights::Insights, page::Work, plan::OutputColumn, table::Meter, types,
};
use crate::model::{
    mapping::{CellType, TypedColumn},
    record::MeasureType,
};
use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    datatypes::{
        DataType, Date32Type, DurationNanosecondType, Float64Type, Int32Type, Int64Type, IntervalUnit,
        IntervalYearMonthType, Time64NanosecondType, TimeUnit, TimestampNanosecondType, UInt64Type,
    },
};
use std::sync::Arc;
use tokio::sync::mpsc;

impl OutputColumn {
    /// It as mappings see it.
    #[must_use]
    pub fn typed(&self) -> TypedColumn {
        typed_column(&self.label, &self.data_type)
    }
}

/// A column as mappings see it: [`TextBatch`] has texts of all its cells that are said to have one.
pub(super) fn typed_column(name: &str, data_type: &DataType) -> TypedColumn {
    let cells = match data_type {
        DataType::Int32 | DataType::Int64 | DataType::UInt64 => CellType::Measure(MeasureType::Bigint),
        DataType::Float64 => CellType::Measure(MeasureType::Double),
        DataType::Boolean => CellType::Measure(MeasureType::Boolean),
        DataType::Utf8 => CellType::Measure(MeasureType::Varchar),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => CellType::Measure(MeasureType::Timestamp),
        DataType::Null => CellType::Null,
        DataType::Date32
        | DataType::Time64(TimeUnit::Nanosecond)
        | DataType::Duration(TimeUnit::Nanosecond)
        | DataType::Interval(IntervalUnit::YearMonth) => CellType::OtherScalar,
        _ => CellType::Nested,
    };
    TypedColumn { name: name.to_owned(), cells, type_name: types::type_name(data_type) }
}

/// A running query. Dropping it stops the query.
pub struct TextRows {
    columns: Vec<OutputColumn>,
    batches: mpsc::Receiver<Result<RecordBatch, SqlError>>,
    meter: Arc<Meter>,
    work: Work,
}

impl std::fmt::Debug for TextRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextRows").field("columns", &self.columns).finish_non_exhaustive()
    }
}

/// Rows, column by column. Numbers are as the language prints them, timestamps are nanoseconds since the epoch.
#[derive(Clone, Debug)]
pub struct TextBatch {
    columns: Vec<Vec<Option<String>>>,
    rows: usize,
}

impl TextBatch {
    pub(super) fn new(columns: &[ArrayRef], rows: usize) -> Self {
        Self { columns: columns.iter().map(texts).collect(), rows }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// A cell; `None` is NULL.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> Option<&str> {
        self.columns[column][row].as_deref()
    }
}

impl TextRows {
    pub(super) fn new(started: Started, work: Work) -> Self {
        Self { columns: started.columns, batches: started.batches, meter: started.meter, work }
    }

    /// The result's columns.
    #[must_use]
    pub fn columns(&self) -> &[OutputColumn] {
        &self.columns
    }

    /// The next rows; `None` when there are no more.
    ///
    /// # Errors
    /// [`SqlError`]: the query failed.
    pub async fn next(&mut self) -> Result<Option<TextBatch>, SqlError> {
        let Some(batch) = self.batches.recv().await.transpose()? else { return Ok(None) };
        self.meter.count_output(&batch);
        Ok(Some(TextBatch::new(batch.columns(), batch.num_rows())))
    }

    /// Logical bytes read so far.
    #[must_use]
    pub fn bytes_scanned(&self) -> u64 {
        self.meter.bytes()
    }

    /// What the query read and gave so far.
    #[must_use]
    pub fn insights(&self) -> Insights {
        self.meter.insights()
    }
}

impl Drop for TextRows {
    fn drop(&mut self) {
        self.work.stop();
    }
}

/// The texts of a column's cells.
fn texts(array: &ArrayRef) -> Vec<Option<String>> {
    let each = |text: &dyn Fn(usize) -> String| (0..array.len()).map(|i| array.is_valid(i).then(|| text(i))).collect();
    let written = |write: &dyn Fn(usize, &mut String)| {
        each(&|i| {
            let mut text = String::new();
            write(i, &mut text);
            text
        })
    };
    match array.data_type() {
        DataType::Boolean => each(&|i| array.as_boolean().value(i).to_string()),
        DataType::Int32 => each(&|i| array.as_primitive::<Int32Type>().value(i).to_string()),
        DataType::Int64 => each(&|i| array.as_primitive::<Int64Type>().value(i).to_string()),
        DataType::UInt64 => each(&|i| array.as_primitive::<UInt64Type>().value(i).to_string()),
        DataType::Timestamp(..) => each(&|i| array.as_primitive::<TimestampNanosecondType>().value(i).to_string()),
        DataType::Utf8 => each(&|i| array.as_string::<i32>().value(i).to_owned()),
        DataType::Float64 => {
            written(&|i, text| types::write_double(array.as_primitive::<Float64Type>().value(i), text))
        }
        DataType::Date32 => written(&|i, text| types::write_date(array.as_primitive::<Date32Type>().value(i), text)),
        DataType::Time64(_) => {
            written(&|i, text| types::write_time(array.as_primitive::<Time64NanosecondType>().value(i), text))
        }
        DataType::Duration(_) => written(&|i, text| {
            types::write_interval_day_to_second(array.as_primitive::<DurationNanosecondType>().value(i), text);
        }),
        DataType::Interval(_) => written(&|i, text| {
            types::write_interval_year_to_month(array.as_primitive::<IntervalYearMonthType>().value(i), text);
        }),
        // No mapping reads what has no text.
        _ => vec![None; array.len()],
    }
}
