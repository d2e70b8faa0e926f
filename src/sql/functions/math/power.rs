//! `power(x, p)`, `pow(x, p)`.

use crate::sql::functions::{Class, Family, Function, scalar::scalar};
use datafusion::arrow::datatypes::Float64Type;

pub(super) fn functions() -> Vec<Function> {
    scalar("power", Family::Math, Class::Documented, "A number to a power.")
        .form("power(double, double) -> double", |call| {
            call.map2::<Float64Type, Float64Type, Float64Type>(|base, exponent| Ok(power(base, exponent)))
        })
        .named(&["pow"])
}

/// As Java's `Math.pow`, which differs from C's where one is raised to NaN or infinity. # inferred
fn power(base: f64, exponent: f64) -> f64 {
    if exponent.is_nan() || (exponent.is_infinite() && base.abs() == 1.0) {
        return f64::NAN;
    }
    base.powf(exponent)
}
