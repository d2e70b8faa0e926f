//! `abs(x)`, `sign(x)`, `ceil(x)`, `floor(x)`: of a number, in its own type.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Kernel, scalar::scalar},
};
use datafusion::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::Math, Class::Documented, summary);
    let unchanged: Kernel = |call| Ok(Arc::clone(&call.column(0)?.array));
    [
        function("abs", "The absolute value.")
            .form("abs(integer) -> integer", |call| {
                call.map::<Int32Type, Int32Type>(|x| {
                    x.checked_abs().ok_or_else(|| invalid(format!("Value {x} is out of range for abs(integer)")))
                })
            })
            .form("abs(bigint) -> bigint", |call| {
                call.map::<Int64Type, Int64Type>(|x| {
                    x.checked_abs().ok_or_else(|| invalid(format!("Value {x} is out of range for abs(bigint)")))
                })
            })
            .form("abs(double) -> double", |call| call.map::<Float64Type, Float64Type>(|x| Ok(x.abs())))
            .build(),
        function("sign", "-1, 0 or 1.")
            .form("sign(integer) -> integer", |call| call.map::<Int32Type, Int32Type>(|x| Ok(x.signum())))
            .form("sign(bigint) -> bigint", |call| call.map::<Int64Type, Int64Type>(|x| Ok(x.signum())))
            .form("sign(double) -> double", |call| {
                // Zero and NaN keep themselves, as Java's `Math.signum`.
                call.map::<Float64Type, Float64Type>(|x| Ok(if x == 0.0 { x } else { x.signum() }))
            })
            .build(),
        function("ceiling", "The smallest whole number that is not smaller.")
            .form("ceiling(integer) -> integer", unchanged)
            .form("ceiling(bigint) -> bigint", unchanged)
            .form("ceiling(double) -> double", |call| call.map::<Float64Type, Float64Type>(|x| Ok(x.ceil())))
            .named(&["ceil"]),
        function("floor", "The largest whole number that is not larger.")
            .form("floor(integer) -> integer", unchanged)
            .form("floor(bigint) -> bigint", unchanged)
            .form("floor(double) -> double", |call| call.map::<Float64Type, Float64Type>(|x| Ok(x.floor())))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
