//! `round(x)`, `round(x, digits)`: half away from zero; `digits` may be negative.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{Float64Type, Int32Type, Int64Type},
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("round", Family::Math, Class::Documented, "Rounds half away from zero.")
        .form("round(integer) -> integer", unchanged)
        .form("round(bigint) -> bigint", unchanged)
        .form("round(double) -> double", |call| call.map::<Float64Type, Float64Type>(|x| Ok(x.round())))
        .form("round(integer, integer) -> integer", |call| {
            call.map2::<Int32Type, Int32Type, Int32Type>(|x, digits| {
                let rounded = i32::try_from(round_integer(i64::from(x), digits));
                rounded.map_err(|_| invalid(format!("Out of range for integer: {x}")))
            })
        })
        .form("round(bigint, integer) -> bigint", |call| {
            call.map2::<Int64Type, Int32Type, Int64Type>(|x, digits| {
                let rounded = i64::try_from(round_integer(x, digits));
                rounded.map_err(|_| invalid(format!("Out of range for bigint: {x}")))
            })
        })
        .form("round(double, integer) -> double", |call| {
            call.map2::<Float64Type, Int32Type, Float64Type>(|x, digits| Ok(round_double(x, digits)))
        })
        .build()
}

fn unchanged(call: &Call) -> Result<ArrayRef> {
    Ok(Arc::clone(&call.column(0)?.array))
}

fn round_integer(value: i64, digits: i32) -> i128 {
    let value = i128::from(value);
    if digits >= 0 {
        return value;
    }
    // From 10^20 on, everything rounds to zero.
    let unit = 10i128.pow(digits.unsigned_abs().min(20));
    (value + value.signum() * (unit / 2)) / unit * unit
}

fn round_double(value: f64, digits: i32) -> f64 {
    let factor = 10f64.powi(digits);
    let scaled = value * factor;
    // So many digits, or so large a number, that nothing is left to round.
    if !scaled.is_finite() || factor.is_infinite() {
        return value;
    }
    if factor == 0.0 { value * 0.0 } else { scaled.round() / factor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles() {
        let check = |value: f64, digits: i32, expect: f64| assert_eq!(round_double(value, digits), expect);
        check(2.345, 2, 2.35);
        check(-2.5, 0, -3.0);
        check(1234.5, -2, 1200.0);
        check(1e300, 20, 1e300);
        check(0.1, 400, 0.1);
        check(5.0, -400, 0.0);
    }

    #[test]
    fn integers() {
        let check = |value: i64, digits: i32, expect: i128| assert_eq!(round_integer(value, digits), expect);
        check(15, -1, 20);
        check(-15, -1, -20);
        check(14, -1, 10);
        check(7, 3, 7);
        check(i64::MAX, -30, 0);
    }
}
