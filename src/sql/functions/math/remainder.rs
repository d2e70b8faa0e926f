//! `mod(n, m)`: as `n % m`, with the sign of `n`.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::arrow::datatypes::{Float64Type, Int32Type, Int64Type};

pub(super) fn functions() -> Vec<Function> {
    scalar("mod", Family::Math, Class::Documented, "The remainder of a division.")
        .form("mod(integer, integer) -> integer", |call| {
            call.map2::<Int32Type, Int32Type, Int32Type>(|n, m| match m {
                0 => Err(invalid("Division by zero")),
                _ => Ok(n.wrapping_rem(m)),
            })
        })
        .form("mod(bigint, bigint) -> bigint", |call| {
            call.map2::<Int64Type, Int64Type, Int64Type>(|n, m| match m {
                0 => Err(invalid("Division by zero")),
                _ => Ok(n.wrapping_rem(m)),
            })
        })
        .form("mod(double, double) -> double", |call| {
            call.map2::<Float64Type, Float64Type, Float64Type>(|n, m| Ok(n % m))
        })
        .build()
}
