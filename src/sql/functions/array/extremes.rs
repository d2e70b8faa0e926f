//! `array_max(array)`, `array_min(array)`: NULL when the array is empty or an element is NULL. # inferred: Presto

use crate::sql::functions::{Class, Family, Function, call::Call, compare::order, lists::range, scalar::scalar};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt32Array},
        compute,
        datatypes::DataType,
    },
    error::Result,
};
use std::cmp::Ordering;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Array, Class::Documented, summary);
    [
        function("array_max", "The largest element.")
            .form("array_max(array(K)) -> K", |call| extreme(call, Ordering::Greater))
            .build(),
        function("array_min", "The smallest element.")
            .form("array_min(array(K)) -> K", |call| extreme(call, Ordering::Less))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn extreme(call: &Call, better: Ordering) -> Result<ArrayRef> {
    let (list, column) = call.lists(0)?;
    let values = list.values();
    if *values.data_type() == DataType::Null {
        return Ok(datafusion::arrow::array::new_null_array(call.returns, call.rows));
    }
    let compare = order(values, values)?;
    let pick = |row: usize| {
        let at = column.index(row);
        let mut places = range(list, at);
        if list.is_null(at) || places.clone().any(|place| values.is_null(place)) {
            return None;
        }
        let first = places.next()?;
        let best = places.fold(first, |best, place| if compare(place, best) == better { place } else { best });
        u32::try_from(best).ok()
    };
    let picks: UInt32Array = (0..call.rows).map(pick).collect();
    Ok(compute::take(values, &picks, None)?)
}
