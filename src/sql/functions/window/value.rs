//! `first_value(x)`, `last_value(x)`, `nth_value(x, n)`: values of the window frame.

use super::{super::Function, function::window};
use crate::sql::{error::invalid, functions::call::primitive};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::Int64Type,
    },
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
    logical_expr::PartitionEvaluator,
};
use std::ops::Range;

pub(super) fn functions() -> Vec<Function> {
    [
        window("first_value", "The first value of the frame.", &["first_value(T) -> T"], |ignore_nulls| {
            Box::new(FrameValue::new(Which::First, ignore_nulls))
        }),
        window("last_value", "The last value of the frame.", &["last_value(T) -> T"], |ignore_nulls| {
            Box::new(FrameValue::new(Which::Last, ignore_nulls))
        }),
        window("nth_value", "The n-th value of the frame, from 1.", &["nth_value(T, bigint) -> T"], |ignore_nulls| {
            Box::new(FrameValue::new(Which::Nth, ignore_nulls))
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Clone, Copy, Debug)]
enum Which {
    First,
    Last,
    Nth,
}

#[derive(Debug)]
struct FrameValue {
    which: Which,
    /// Whether rows whose value is NULL are not counted.
    ignore_nulls: bool,
    /// The rows that are counted, when not all are; known from the partition's first row on.
    counted: Option<Vec<usize>>,
    /// The row whose frame comes next: frames are asked for row by row.
    row: usize,
}

impl FrameValue {
    fn new(which: Which, ignore_nulls: bool) -> Self {
        Self { which, ignore_nulls, counted: None, row: 0 }
    }

    /// The place wanted among those of a frame; it may lie outside.
    fn wanted(&self, columns: &[ArrayRef], frame: &Range<usize>) -> Result<Option<usize>> {
        match self.which {
            Which::First => Ok(Some(frame.start)),
            Which::Last => Ok(frame.end.checked_sub(1)),
            Which::Nth => {
                let offsets = columns.get(1).ok_or_else(|| internal_datafusion_err!("nth_value without an offset"))?;
                Ok(offset(offsets, self.row)?.map(|offset| frame.start.saturating_add(offset - 1)))
            }
        }
    }
}

impl PartitionEvaluator for FrameValue {
    fn uses_window_frame(&self) -> bool {
        true
    }

    fn evaluate(&mut self, columns: &[ArrayRef], frame: &Range<usize>) -> Result<ScalarValue> {
        let values = columns.first().ok_or_else(|| internal_datafusion_err!("a frame function without an argument"))?;
        if self.ignore_nulls && self.counted.is_none() {
            self.counted = Some((0..values.len()).filter(|row| values.is_valid(*row)).collect());
        }
        // Places are searched, not counted off: frames may be as long as the partition.
        let places = match &self.counted {
            None => frame.clone(),
            Some(counted) => {
                counted.partition_point(|row| *row < frame.start)..counted.partition_point(|row| *row < frame.end)
            }
        };
        let place = self.wanted(columns, &places)?.filter(|place| places.contains(place));
        self.row += 1;
        match place.map(|place| self.counted.as_ref().map_or(place, |counted| counted[place])) {
            Some(row) => ScalarValue::try_from_array(values, row),
            None => ScalarValue::try_from(values.data_type()),
        }
    }
}

fn offset(offsets: &ArrayRef, row: usize) -> Result<Option<usize>> {
    let offsets = primitive::<Int64Type>(offsets)?;
    if offsets.is_null(row) {
        return Ok(None);
    }
    match usize::try_from(offsets.value(row)) {
        Ok(offset @ 1..) => Ok(Some(offset)),
        _ => Err(invalid("Offset must be at least 1")), // # inferred: Presto's words
    }
}
