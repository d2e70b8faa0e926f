//! `array_sort(array)`: the elements in ascending order, NULLs last.

use crate::sql::functions::{
    Class, Family, Function,
    call::Call,
    compare::order,
    lists::{Lists, element_type, range},
    scalar::scalar,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::DataType,
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("array_sort", Family::Array, Class::Documented, "The elements in ascending order, NULLs last.")
        .form("array_sort(array(K)) -> array(K)", sort)
        .build()
}

fn sort(call: &Call) -> Result<ArrayRef> {
    let (list, column) = call.lists(0)?;
    let values = list.values();
    if *values.data_type() == DataType::Null {
        return column.expand(call.rows);
    }
    let compare = order(values, values)?;
    let mut lists = Lists::new(element_type(call.returns)?, [Arc::clone(values)]);
    for row in 0..call.rows {
        let at = column.index(row);
        if list.is_null(at) {
            lists.end_null_row();
            continue;
        }
        let mut places: Vec<usize> = range(list, at).collect();
        places.sort_by(|a, b| compare(*a, *b));
        places.into_iter().for_each(|place| lists.push(0, place));
        lists.end_row()?;
    }
    lists.finish(call.returns)
}
