//! Time series as slices of times and values, and building them.

use crate::sql::functions::{
    call::{Call, primitive},
    lists::range,
};
use datafusion::{
    arrow::{
        array::{
            Array, ArrayBuilder, ArrayRef, AsArray, Float64Array, Float64Builder, ListArray, StructArray,
            TimestampNanosecondArray, TimestampNanosecondBuilder,
        },
        buffer::{NullBuffer, OffsetBuffer},
        datatypes::DataType,
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

/// The points of one time series, in the order of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Points<'a> {
    /// Nanoseconds since the epoch.
    pub(super) times: &'a [i64],
    /// As many values.
    pub(super) values: &'a [f64],
}

/// The time series of an argument of type `timeseries(double)`.
#[derive(Debug)]
pub(super) struct AllPoints<'a> {
    list: &'a ListArray,
    constant: bool,
    times: &'a TimestampNanosecondArray,
    values: &'a Float64Array,
}

impl<'a> AllPoints<'a> {
    pub(super) fn of(call: &'a Call, index: usize) -> Result<Self> {
        let (list, column) = call.lists(index)?;
        let points = list.values().as_struct();
        let (times, values) = (primitive(points.column(0))?, primitive(points.column(1))?);
        Ok(Self { list, constant: column.constant, times, values })
    }

    /// A row's time series, `None` for NULL.
    pub(super) fn get(&self, row: usize) -> Option<Points<'a>> {
        let at = if self.constant { 0 } else { row };
        let places = range(self.list, at);
        let points =
            || Points { times: &self.times.values()[places.clone()], values: &self.values.values()[places.clone()] };
        self.list.is_valid(at).then(points)
    }
}

/// The nanoseconds from one time to another.
pub(super) fn nanoseconds_between(from_ns: i64, to_ns: i64) -> f64 {
    // Far apart they do not fit 64 bits; exact below about 104 days.
    (i128::from(to_ns) - i128::from(from_ns)) as f64
}

/// Collects time series of doubles, row by row.
#[derive(Debug)]
pub(super) struct SeriesBuilder {
    times: TimestampNanosecondBuilder,
    values: Float64Builder,
    lengths: Vec<usize>,
    valid: Vec<bool>,
    row_start: usize,
}

impl SeriesBuilder {
    /// No time series yet; `rows` are expected.
    pub(super) fn new(rows: usize) -> Self {
        Self {
            times: TimestampNanosecondBuilder::new(),
            values: Float64Builder::new(),
            lengths: Vec::with_capacity(rows),
            valid: Vec::with_capacity(rows),
            row_start: 0,
        }
    }

    /// Adds a point to the current row; times ascend.
    pub(super) fn push(&mut self, time_ns: i64, value: f64) {
        self.times.append_value(time_ns);
        self.values.append_value(value);
    }

    /// Ends the current row.
    pub(super) fn end_row(&mut self) {
        self.end(true);
    }

    /// Ends the current row, which has no points, as NULL.
    pub(super) fn end_null_row(&mut self) {
        self.end(false);
    }

    fn end(&mut self, valid: bool) {
        let end = self.values.len();
        self.lengths.push(end - self.row_start);
        self.valid.push(valid);
        self.row_start = end;
    }

    /// The time series, of type `returns`: `timeseries(double)`.
    pub(super) fn finish(mut self, returns: &DataType) -> Result<ArrayRef> {
        let DataType::List(item) = returns else { return Err(internal_datafusion_err!("not a time series")) };
        let DataType::Struct(fields) = item.data_type() else { return Err(internal_datafusion_err!("no points")) };
        let columns: Vec<ArrayRef> = vec![Arc::new(self.times.finish()), Arc::new(self.values.finish())];
        let points = StructArray::try_new(fields.clone(), columns, None)?;
        let nulls = NullBuffer::from(self.valid);
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, Arc::new(points), nulls)?))
    }
}
