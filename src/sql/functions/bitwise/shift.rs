//! `bitwise_left_shift(x, n)`, `bitwise_right_shift(x, n)`, `bitwise_right_shift_arithmetic(x, n)`: the result has the
//! type of `x`; a shift by all its bits leaves none, or only the sign. # trino

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::{
    arrow::datatypes::{Int32Type, Int64Type},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Bitwise, Class::Inherited, summary);
    [
        function("bitwise_left_shift", "The bits moved to the left.")
            .form("bitwise_left_shift(integer, bigint) -> integer", |call| {
                call.map2::<Int32Type, Int64Type, Int32Type>(|x, n| Ok(x.checked_shl(places(n)?).unwrap_or(0)))
            })
            .form("bitwise_left_shift(bigint, bigint) -> bigint", |call| {
                call.map2::<Int64Type, Int64Type, Int64Type>(|x, n| Ok(x.checked_shl(places(n)?).unwrap_or(0)))
            })
            .build(),
        function("bitwise_right_shift", "The bits moved to the right, zeros coming in.")
            .form("bitwise_right_shift(integer, bigint) -> integer", |call| {
                call.map2::<Int32Type, Int64Type, Int32Type>(|x, n| {
                    Ok(x.cast_unsigned().checked_shr(places(n)?).unwrap_or(0).cast_signed())
                })
            })
            .form("bitwise_right_shift(bigint, bigint) -> bigint", |call| {
                call.map2::<Int64Type, Int64Type, Int64Type>(|x, n| {
                    Ok(x.cast_unsigned().checked_shr(places(n)?).unwrap_or(0).cast_signed())
                })
            })
            .build(),
        function("bitwise_right_shift_arithmetic", "The bits moved to the right, the sign coming in.")
            .form("bitwise_right_shift_arithmetic(integer, bigint) -> integer", |call| {
                call.map2::<Int32Type, Int64Type, Int32Type>(|x, n| Ok(x >> places(n)?.min(31)))
            })
            .form("bitwise_right_shift_arithmetic(bigint, bigint) -> bigint", |call| {
                call.map2::<Int64Type, Int64Type, Int64Type>(|x, n| Ok(x >> places(n)?.min(63)))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How far to shift; any number of places beyond 64 is the same.
fn places(shift: i64) -> Result<u32> {
    let places = u64::try_from(shift).map_err(|_| invalid("Shift must not be negative"))?; // # inferred
    Ok(u32::try_from(places.min(64)).unwrap_or(64))
}
