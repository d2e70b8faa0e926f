//! `repeat(element, count)`: an array of so many times the element.

use crate::{
    model::limits::SEQUENCE_ENTRIES_MAX,
    sql::{
        error::invalid,
        functions::{
            Class, Family, Function,
            call::Call,
            lists::{Lists, element_type},
            scalar::scalar,
        },
    },
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::Int64Type},
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("repeat", Family::Array, Class::Documented, "An array of so many times the element.")
        .form("repeat(T, bigint) -> array(T)", repeat)
        .build()
}

fn repeat(call: &Call) -> Result<ArrayRef> {
    let element = call.column(0)?;
    let counts = call.numbers::<Int64Type>(1)?;
    let mut lists = Lists::new(element_type(call.returns)?, [Arc::clone(&element.array)]);
    for row in 0..call.rows {
        let Some(count) = counts.get(row) else {
            lists.end_null_row();
            continue;
        };
        // # inferred: Presto's words
        let count = usize::try_from(count)
            .map_err(|_| invalid("count argument of repeat function must be greater than or equal to 0"))?;
        if count > SEQUENCE_ENTRIES_MAX {
            return Err(invalid("count argument of repeat function must be less than or equal to 10000"));
        }
        (0..count).for_each(|_| lists.push(0, element.index(row)));
        lists.end_row()?;
    }
    lists.finish(call.returns)
}
