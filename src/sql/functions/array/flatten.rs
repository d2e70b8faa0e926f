//! `flatten(array of arrays)`: their elements one after the other; arrays that are NULL are left out.

use crate::sql::functions::{
    Class, Family, Function,
    call::{Call, list},
    lists::{Lists, element_type, range},
    scalar::scalar,
};
use datafusion::{
    arrow::array::{Array, ArrayRef},
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("flatten", Family::Array, Class::Inherited, "The elements of an array's arrays, one after the other.")
        .form("flatten(array(array(T))) -> array(T)", flatten)
        .build()
}

fn flatten(call: &Call) -> Result<ArrayRef> {
    let (outer, column) = call.lists(0)?;
    let inner = list(outer.values())?;
    let mut lists = Lists::new(element_type(call.returns)?, [Arc::clone(inner.values())]);
    for row in 0..call.rows {
        let at = column.index(row);
        if outer.is_null(at) {
            lists.end_null_row();
            continue;
        }
        for place in range(outer, at).filter(|place| inner.is_valid(*place)) {
            lists.extend(0, range(inner, place));
        }
        lists.end_row()?;
    }
    lists.finish(call.returns)
}
