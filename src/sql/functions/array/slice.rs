//! `slice(array, start, length)`: a part of an array; a negative start counts from the end.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::Call,
        lists::{Lists, element_type, range},
        scalar::scalar,
    },
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::Int64Type,
    },
    error::Result,
};
use std::{ops::Range, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    scalar("slice", Family::Array, Class::Documented, "So many elements of an array from a position on.")
        .form("slice(array(T), bigint, bigint) -> array(T)", slice)
        .build()
}

fn slice(call: &Call) -> Result<ArrayRef> {
    let (list, column) = call.lists(0)?;
    let (starts, lengths) = (call.numbers::<Int64Type>(1)?, call.numbers::<Int64Type>(2)?);
    let mut lists = Lists::new(element_type(call.returns)?, [Arc::clone(list.values())]);
    for row in 0..call.rows {
        let at = column.index(row);
        match (list.is_valid(at), starts.get(row), lengths.get(row)) {
            (true, Some(start), Some(length)) => {
                lists.extend(0, part(range(list, at), start, length)?);
                lists.end_row()?;
            }
            _ => lists.end_null_row(),
        }
    }
    lists.finish(call.returns)
}

/// The part of a range; empty when it begins outside.
fn part(values: Range<usize>, start: i64, length: i64) -> Result<Range<usize>> {
    // # inferred: Presto's words
    let length = usize::try_from(length).map_err(|_| invalid("length must be greater than or equal to 0"))?;
    if start == 0 {
        return Err(invalid("SQL array indices start at 1"));
    }
    let distance = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
    if distance > values.len() {
        return Ok(values.start..values.start);
    }
    let first = if start > 0 { values.start + distance - 1 } else { values.end - distance };
    Ok(first..first.saturating_add(length).min(values.end))
}
