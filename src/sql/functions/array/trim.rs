//! `trim_array(array, n)`: the array without its last `n` elements. # trino

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
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("trim_array", Family::Array, Class::Inherited, "The array without so many of its last elements.")
        .form("trim_array(array(T), bigint) -> array(T)", trim)
        .build()
}

fn trim(call: &Call) -> Result<ArrayRef> {
    let (input, column) = call.lists(0)?;
    let counts = call.numbers::<Int64Type>(1)?;
    let mut lists = Lists::new(element_type(call.returns)?, [Arc::clone(input.values())]);
    for row in 0..call.rows {
        let at = column.index(row);
        let Some(count) = counts.get(row).filter(|_| input.is_valid(at)) else {
            lists.end_null_row();
            continue;
        };
        let places = range(input, at);
        let dropped = usize::try_from(count).map_err(|_| invalid(format!("size must not be negative: {count}")))?;
        if dropped > places.len() {
            return Err(invalid(format!("size must not exceed array cardinality {}: {count}", places.len())));
        }
        lists.extend(0, places.start..places.end - dropped);
        lists.end_row()?;
    }
    lists.finish(call.returns)
}
