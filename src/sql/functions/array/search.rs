//! `contains`, `array_position`, `array_remove`: elements equal to a value. NULL elements are equal to nothing.

use crate::sql::functions::{
    Class, Family, Function,
    call::Call,
    compare::equality,
    lists::{Lists, element_type, range},
    scalar::scalar,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray},
        datatypes::{DataType, Int64Type},
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    [
        // # inferred: the guide's list lacks it
        scalar("contains", Family::Array, Class::Inherited, "Whether an array has an element.")
            .form("contains(array(T), T) -> boolean", contains)
            .build(),
        scalar("array_position", Family::Array, Class::Documented, "Where an element first occurs; 0 when nowhere.")
            .form("array_position(array(T), T) -> bigint", position)
            .build(),
        scalar("array_remove", Family::Array, Class::Documented, "The array without the elements equal to a value.")
            .form("array_remove(array(T), T) -> array(T)", remove)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

type Matches = Box<dyn Fn(usize, usize) -> bool>;

/// Whether an element, by its place among the values of all arrays, equals the value at an index.
fn matches(list: &ListArray, wanted: &ArrayRef) -> Result<Matches> {
    let values = Arc::clone(list.values());
    if *values.data_type() == DataType::Null {
        return Ok(Box::new(|_, _| false));
    }
    let equal = equality(&values, wanted)?;
    Ok(Box::new(move |place, index| values.is_valid(place) && equal(place, index)))
}

/// True when an element matches, else NULL when one is NULL, else false.
fn contains(call: &Call) -> Result<ArrayRef> {
    let ((list, column), wanted) = (call.lists(0)?, call.column(1)?);
    let matches = matches(list, &wanted.array)?;
    call.collect_booleans(|row| {
        let (at, index) = (column.index(row), wanted.index(row));
        if list.is_null(at) || wanted.array.is_null(index) {
            return Ok(None);
        }
        let mut places = range(list, at);
        if places.clone().any(|place| matches(place, index)) {
            return Ok(Some(true));
        }
        Ok(if places.any(|place| list.values().is_null(place)) { None } else { Some(false) })
    })
}

fn position(call: &Call) -> Result<ArrayRef> {
    let ((list, column), wanted) = (call.lists(0)?, call.column(1)?);
    let matches = matches(list, &wanted.array)?;
    call.collect::<Int64Type>(|row| {
        let (at, index) = (column.index(row), wanted.index(row));
        if list.is_null(at) || wanted.array.is_null(index) {
            return Ok(None);
        }
        let found = range(list, at).position(|place| matches(place, index));
        Ok(i64::try_from(found.map_or(0, |found| found + 1)).ok())
    })
}

fn remove(call: &Call) -> Result<ArrayRef> {
    let ((list, column), wanted) = (call.lists(0)?, call.column(1)?);
    let matches = matches(list, &wanted.array)?;
    let mut lists = Lists::new(element_type(call.returns)?, [Arc::clone(list.values())]);
    for row in 0..call.rows {
        let (at, index) = (column.index(row), wanted.index(row));
        if list.is_null(at) || wanted.array.is_null(index) {
            lists.end_null_row();
            continue;
        }
        range(list, at).filter(|place| !matches(*place, index)).for_each(|place| lists.push(0, place));
        lists.end_row()?;
    }
    lists.finish(call.returns)
}
