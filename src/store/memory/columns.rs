//! Columns of measure values: growing, and immutable.

use crate::model::record::{MeasureType, Value};
use datafusion::arrow::{
    array::{
        Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampNanosecondArray, new_null_array,
    },
    buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
    datatypes::{DataType, TimeUnit},
};
use std::sync::Arc;

/// The Arrow type that values of a type are held in and handed out as.
#[must_use]
pub fn arrow_type(value_type: MeasureType) -> DataType {
    match value_type {
        MeasureType::Double => DataType::Float64,
        MeasureType::Bigint => DataType::Int64,
        MeasureType::Boolean => DataType::Boolean,
        MeasureType::Varchar => DataType::Utf8,
        MeasureType::Timestamp => DataType::Timestamp(TimeUnit::Nanosecond, None),
    }
}

/// A column that grows at its end.
#[derive(Clone, Debug)]
pub(super) struct ColumnTail {
    values: Tail,
    /// Empty while every value is there, else one entry per row.
    valid: Vec<bool>,
}

#[derive(Clone, Debug)]
enum Tail {
    Double(Vec<f64>),
    Bigint(Vec<i64>),
    Boolean(Vec<bool>),
    Varchar { ends: Vec<u32>, text: String },
    Timestamp(Vec<i64>),
}

impl ColumnTail {
    pub(super) fn new(value_type: MeasureType) -> Self {
        let values = match value_type {
            MeasureType::Double => Tail::Double(Vec::new()),
            MeasureType::Bigint => Tail::Bigint(Vec::new()),
            MeasureType::Boolean => Tail::Boolean(Vec::new()),
            MeasureType::Varchar => Tail::Varchar { ends: Vec::new(), text: String::new() },
            MeasureType::Timestamp => Tail::Timestamp(Vec::new()),
        };
        Self { values, valid: Vec::new() }
    }

    pub(super) fn value_type(&self) -> MeasureType {
        match self.values {
            Tail::Double(_) => MeasureType::Double,
            Tail::Bigint(_) => MeasureType::Bigint,
            Tail::Boolean(_) => MeasureType::Boolean,
            Tail::Varchar { .. } => MeasureType::Varchar,
            Tail::Timestamp(_) => MeasureType::Timestamp,
        }
    }

    fn len(&self) -> usize {
        match &self.values {
            Tail::Double(values) => values.len(),
            Tail::Bigint(values) | Tail::Timestamp(values) => values.len(),
            Tail::Boolean(values) => values.len(),
            Tail::Varchar { ends, .. } => ends.len(),
        }
    }

    /// Adds a value; one of another type than the column's is added as absent (callers resolve columns by type).
    pub(super) fn push(&mut self, value: Option<Value<'_>>) {
        let row = self.len();
        let added = match (&mut self.values, value) {
            (Tail::Double(values), Some(Value::Double(value))) => {
                values.push(value);
                true
            }
            (Tail::Bigint(values), Some(Value::Bigint(value)))
            | (Tail::Timestamp(values), Some(Value::Timestamp(value))) => {
                values.push(value);
                true
            }
            (Tail::Boolean(values), Some(Value::Boolean(value))) => {
                values.push(value);
                true
            }
            (Tail::Varchar { ends, text }, Some(Value::Varchar(value))) => {
                text.push_str(value);
                ends.push(text.len() as u32);
                true
            }
            _ => false,
        };
        debug_assert!(added || value.is_none(), "a value in a column of another type");
        if !added {
            self.push_filler();
            self.valid.resize(row, true);
            self.valid.push(false);
        } else if !self.valid.is_empty() {
            self.valid.push(true);
        }
    }

    fn push_filler(&mut self) {
        match &mut self.values {
            Tail::Double(values) => values.push(0.0),
            Tail::Bigint(values) | Tail::Timestamp(values) => values.push(0),
            Tail::Boolean(values) => values.push(false),
            Tail::Varchar { ends, text } => ends.push(text.len() as u32),
        }
    }

    pub(super) fn value(&self, row: usize) -> Option<Value<'_>> {
        if self.valid.get(row) == Some(&false) {
            return None;
        }
        Some(match &self.values {
            Tail::Double(values) => Value::Double(values[row]),
            Tail::Bigint(values) => Value::Bigint(values[row]),
            Tail::Boolean(values) => Value::Boolean(values[row]),
            Tail::Varchar { ends, text } => {
                let start = if row == 0 { 0 } else { ends[row - 1] as usize };
                Value::Varchar(&text[start..ends[row] as usize])
            }
            Tail::Timestamp(values) => Value::Timestamp(values[row]),
        })
    }

    pub(super) fn freeze(self) -> ColumnArray {
        let valid = (!self.valid.is_empty()).then(|| NullBuffer::from(self.valid));
        match self.values {
            Tail::Double(values) => ColumnArray::Double(Float64Array::new(values.into(), valid)),
            Tail::Bigint(values) => ColumnArray::Bigint(Int64Array::new(values.into(), valid)),
            Tail::Boolean(values) => ColumnArray::Boolean(BooleanArray::new(BooleanBuffer::from(values), valid)),
            Tail::Varchar { ends, text } => {
                // A block or chunk holds far less text than 2 GiB (see CHUNK_BYTES_MAX), so its offsets fit.
                let offsets: ScalarBuffer<i32> =
                    std::iter::once(0).chain(ends.into_iter().map(|end| end as i32)).collect();
                let bytes = Buffer::from_vec(text.into_bytes());
                ColumnArray::Varchar(StringArray::new(OffsetBuffer::new(offsets), bytes, valid))
            }
            Tail::Timestamp(values) => ColumnArray::Timestamp(TimestampNanosecondArray::new(values.into(), valid)),
        }
    }
}

/// An immutable column.
#[derive(Clone, Debug)]
pub(crate) enum ColumnArray {
    /// 64-bit floating point.
    Double(Float64Array),
    /// 64-bit signed integers.
    Bigint(Int64Array),
    /// True or false.
    Boolean(BooleanArray),
    /// Text.
    Varchar(StringArray),
    /// Nanoseconds since the epoch.
    Timestamp(TimestampNanosecondArray),
}

impl ColumnArray {
    pub(crate) fn value_type(&self) -> MeasureType {
        match self {
            Self::Double(_) => MeasureType::Double,
            Self::Bigint(_) => MeasureType::Bigint,
            Self::Boolean(_) => MeasureType::Boolean,
            Self::Varchar(_) => MeasureType::Varchar,
            Self::Timestamp(_) => MeasureType::Timestamp,
        }
    }

    /// The column that an Arrow array of one of [`arrow_type`]'s types is; `None` for any other.
    pub(crate) fn from_array(array: &ArrayRef) -> Option<Self> {
        let any = array.as_any();
        any.downcast_ref().cloned().map(Self::Double).or_else(|| {
            any.downcast_ref().cloned().map(Self::Bigint).or_else(|| {
                any.downcast_ref().cloned().map(Self::Boolean).or_else(|| {
                    any.downcast_ref()
                        .cloned()
                        .map(Self::Varchar)
                        .or_else(|| any.downcast_ref().cloned().map(Self::Timestamp))
                })
            })
        })
    }

    /// A column of absent values.
    pub(crate) fn absent(value_type: MeasureType, rows: usize) -> ArrayRef {
        new_null_array(&arrow_type(value_type), rows)
    }

    pub(crate) fn array(&self) -> &dyn Array {
        match self {
            Self::Double(array) => array,
            Self::Bigint(array) => array,
            Self::Boolean(array) => array,
            Self::Varchar(array) => array,
            Self::Timestamp(array) => array,
        }
    }

    pub(crate) fn to_array(&self) -> ArrayRef {
        match self {
            Self::Double(array) => Arc::new(array.clone()),
            Self::Bigint(array) => Arc::new(array.clone()),
            Self::Boolean(array) => Arc::new(array.clone()),
            Self::Varchar(array) => Arc::new(array.clone()),
            Self::Timestamp(array) => Arc::new(array.clone()),
        }
    }

    pub(crate) fn value(&self, row: usize) -> Option<Value<'_>> {
        if self.array().is_null(row) {
            return None;
        }
        Some(match self {
            Self::Double(array) => Value::Double(array.value(row)),
            Self::Bigint(array) => Value::Bigint(array.value(row)),
            Self::Boolean(array) => Value::Boolean(array.value(row)),
            Self::Varchar(array) => Value::Varchar(array.value(row)),
            Self::Timestamp(array) => Value::Timestamp(array.value(row)),
        })
    }

    /// Bytes of memory, approximately.
    pub(crate) fn bytes(&self) -> usize {
        self.array().get_buffer_memory_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_read_back_growing_and_frozen() {
        let values =
            [Value::Double(1.5), Value::Bigint(-3), Value::Boolean(true), Value::Varchar("é"), Value::Timestamp(7)];
        for value in values {
            let mut tail = ColumnTail::new(value.measure_type());
            [Some(value), None, Some(value)].into_iter().for_each(|value| tail.push(value));
            let read: Vec<_> = (0..3).map(|row| tail.value(row)).collect();
            assert_eq!(read, [Some(value), None, Some(value)]);
            let frozen = tail.clone().freeze();
            let read: Vec<_> = (0..3).map(|row| frozen.value(row)).collect();
            assert_eq!(read, [Some(value), None, Some(value)]);
            assert_eq!(frozen.array().data_type(), &arrow_type(value.measure_type()));
            assert_eq!(ColumnArray::from_array(&frozen.to_array()).map(|c| c.value_type()), Some(value.measure_type()));
        }
    }
}
