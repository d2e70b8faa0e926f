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
            Box::new(FrameValue { which: Which::First, ignore_nulls, row: 0 })
        }),
        window("last_value", "The last value of the frame.", &["last_value(T) -> T"], |ignore_nulls| {
            Box::new(FrameValue { which: Which::Last, ignore_nulls, row: 0 })
        }),
        window("nth_value", "The n-th value of the frame, from 1.", &["nth_value(T, bigint) -> T"], |ignore_nulls| {
            Box::new(FrameValue { which: Which::Nth, ignore_nulls, row: 0 })
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
    /// The row whose frame comes next: frames are asked for row by row.
    row: usize,
}

impl PartitionEvaluator for FrameValue {
    fn uses_window_frame(&self) -> bool {
        true
    }

    fn evaluate(&mut self, columns: &[ArrayRef], frame: &Range<usize>) -> Result<ScalarValue> {
        let values = columns.first().ok_or_else(|| internal_datafusion_err!("a frame function without an argument"))?;
        let row = self.row;
        self.row += 1;
        let mut counted = frame.clone().filter(|row| !self.ignore_nulls || values.is_valid(*row));
        let place = match self.which {
            Which::First => counted.next(),
            Which::Last => counted.next_back(),
            Which::Nth => {
                let offsets = columns.get(1).ok_or_else(|| internal_datafusion_err!("nth_value without an offset"))?;
                match offset(offsets, row)? {
                    Some(offset) => counted.nth(offset - 1),
                    None => None,
                }
            }
        };
        match place {
            Some(place) => ScalarValue::try_from_array(values, place),
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
