//! Comparing values of any type, as `=` and `<` do.

use crate::sql::types;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, DynComparator, ListArray, StructArray, make_comparator},
        compute::SortOptions,
        datatypes::{DataType, Float64Type},
    },
    error::Result,
};
use std::{cmp::Ordering, sync::Arc};

/// Whether values of a type have an order. A time series has none. # inferred
#[must_use]
pub fn is_orderable(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) => !types::is_timeseries(data_type) && is_orderable(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_orderable(field.data_type())),
        _ => true,
    }
}

/// Compares the values of two arrays of one type by their indexes. NULLs come last and are equal to each other; NaN
/// comes after all numbers.
///
/// # Errors
/// When the types differ or cannot be compared.
pub fn order(left: &dyn Array, right: &dyn Array) -> Result<DynComparator> {
    if let (Some(left), Some(right)) =
        (left.as_primitive_opt::<Float64Type>().cloned(), right.as_primitive_opt::<Float64Type>().cloned())
    {
        return Ok(Box::new(move |i, j| match (left.is_null(i), right.is_null(j)) {
            (false, false) => order_doubles(left.value(i), right.value(j)),
            (left, right) => left.cmp(&right),
        }));
    }
    let options = SortOptions { descending: false, nulls_first: false };
    Ok(make_comparator(&same_zeros(left)?, &same_zeros(right)?, options)?)
}

/// Compares doubles; NaN comes after all numbers. Arrow's own order tells -0.0 from 0.0 and puts negative NaN first.
#[must_use]
pub fn order_doubles(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// The same values with 0.0 in place of every -0.0 and one NaN in place of all, also inside of arrays and rows: where
/// they are compared by their bits, these must not differ.
///
/// # Errors
/// Internal: the array is not well formed.
pub fn same_zeros(array: &dyn Array) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Float64 => Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(same_zero)),
        DataType::List(item) => {
            let list = array.as_list::<i32>();
            let values = same_zeros(list.values())?;
            Arc::new(ListArray::try_new(Arc::clone(item), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        DataType::Struct(fields) => {
            let rows = array.as_struct();
            let columns = rows.columns().iter().map(|column| same_zeros(column)).collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, rows.nulls().cloned(), rows.len())?)
        }
        _ => array.slice(0, array.len()),
    })
}

fn same_zero(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

/// Whether values of a type have doubles in them.
#[must_use]
pub fn has_doubles(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) => has_doubles(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|field| has_doubles(field.data_type())),
        other => *other == DataType::Float64,
    }
}

/// Whether values of two arrays are equal, by their indexes. NULLs are equal to each other, NaN to nothing.
///
/// # Errors
/// When the types differ or cannot be compared.
pub fn equality(left: &ArrayRef, right: &ArrayRef) -> Result<impl Fn(usize, usize) -> bool + use<>> {
    let order = order(left, right)?;
    let left = left.as_primitive_opt::<Float64Type>().cloned();
    Ok(move |i: usize, j: usize| {
        let is_nan = left.as_ref().is_some_and(|left| left.is_valid(i) && left.value(i).is_nan());
        order(i, j) == Ordering::Equal && !is_nan
    })
}
