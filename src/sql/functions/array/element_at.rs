//! `element_at(array, index)`: NULL beyond either end; negative indexes count from the end.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, lists::range, scalar::scalar},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt32Array},
        compute,
        datatypes::Int64Type,
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("element_at", Family::Array, Class::Documented, "The element at an index; NULL beyond the ends.")
        .form("element_at(array(T), bigint) -> T", element_at)
        .build()
}

fn element_at(call: &Call) -> Result<ArrayRef> {
    let (list, column) = call.lists(0)?;
    let indexes = call.numbers::<Int64Type>(1)?;
    let pick = |row: usize| {
        let at = column.index(row);
        let Some(index) = indexes.get(row).filter(|_| list.is_valid(at)) else { return Ok(None) };
        if index == 0 {
            return Err(invalid("SQL array indices start at 1"));
        }
        let values = range(list, at);
        let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        if distance > values.len() {
            return Ok(None);
        }
        let place = if index > 0 { values.start + distance - 1 } else { values.end - distance };
        Ok(u32::try_from(place).ok())
    };
    let picks = (0..call.rows).map(pick).collect::<Result<UInt32Array>>()?;
    Ok(compute::take(list.values(), &picks, None)?)
}
