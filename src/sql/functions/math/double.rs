//! Functions of one double, and constants: sqrt, ln, sin, pi, ….

use crate::sql::functions::{
    Class, Family, Function,
    call::{Call, Kernel},
    scalar::scalar,
};
use datafusion::{
    arrow::{
        array::{ArrayRef, Float64Array},
        datatypes::Float64Type,
    },
    error::Result,
};
use std::sync::Arc;

fn of_double(call: &Call, compute: fn(f64) -> f64) -> Result<ArrayRef> {
    call.map::<Float64Type, Float64Type>(|x| Ok(compute(x)))
}

fn test(call: &Call, test: fn(f64) -> bool) -> Result<ArrayRef> {
    let values = call.numbers::<Float64Type>(0)?;
    call.collect_booleans(|row| Ok(values.get(row).map(test)))
}

fn constant(call: &Call, value: f64) -> Result<ArrayRef> {
    Ok(Arc::new(Float64Array::from(vec![value; call.rows])))
}

pub(super) fn functions() -> Vec<Function> {
    let one = |name, signature, summary, kernel: Kernel| {
        scalar(name, Family::Math, Class::Documented, summary).form(signature, kernel).build()
    };
    [
        one("acos", "acos(double) -> double", "The arc cosine.", |c| of_double(c, f64::acos)),
        one("asin", "asin(double) -> double", "The arc sine.", |c| of_double(c, f64::asin)),
        one("atan", "atan(double) -> double", "The arc tangent.", |c| of_double(c, f64::atan)),
        one("atan2", "atan2(double, double) -> double", "The arc tangent of y / x.", |c| {
            c.map2::<Float64Type, Float64Type, Float64Type>(|y, x| Ok(y.atan2(x)))
        }),
        one("cbrt", "cbrt(double) -> double", "The cube root.", |c| of_double(c, f64::cbrt)),
        one("cos", "cos(double) -> double", "The cosine.", |c| of_double(c, f64::cos)),
        one("cosh", "cosh(double) -> double", "The hyperbolic cosine.", |c| of_double(c, f64::cosh)),
        one("degrees", "degrees(double) -> double", "Radians as degrees.", |c| of_double(c, degrees)),
        one("e", "e() -> double", "Euler's number.", |c| constant(c, std::f64::consts::E)),
        one("exp", "exp(double) -> double", "Euler's number to a power.", |c| of_double(c, f64::exp)),
        one("infinity", "infinity() -> double", "Positive infinity.", |c| constant(c, f64::INFINITY)),
        one("is_finite", "is_finite(double) -> boolean", "Whether neither infinite nor NaN.", |c| {
            test(c, f64::is_finite)
        }),
        one("is_infinite", "is_infinite(double) -> boolean", "Whether infinite.", |c| test(c, f64::is_infinite)),
        one("is_nan", "is_nan(double) -> boolean", "Whether not a number.", |c| test(c, f64::is_nan)),
        one("ln", "ln(double) -> double", "The natural logarithm.", |c| of_double(c, f64::ln)),
        scalar("log", Family::Math, Class::Inherited, "The logarithm to a base (base, x).")
            .form("log(double, double) -> double", |c| {
                c.map2::<Float64Type, Float64Type, Float64Type>(|base, x| Ok(x.ln() / base.ln()))
            })
            .build(),
        one("log10", "log10(double) -> double", "The logarithm to base 10.", |c| of_double(c, f64::log10)),
        one("log2", "log2(double) -> double", "The logarithm to base 2.", |c| of_double(c, log2)),
        one("nan", "nan() -> double", "Not a number.", |c| constant(c, f64::NAN)),
        one("pi", "pi() -> double", "The ratio of a circle's circumference to its diameter.", |c| {
            constant(c, std::f64::consts::PI)
        }),
        one("radians", "radians(double) -> double", "Degrees as radians.", |c| of_double(c, radians)),
        one("sin", "sin(double) -> double", "The sine.", |c| of_double(c, f64::sin)),
        one("sqrt", "sqrt(double) -> double", "The square root.", |c| of_double(c, f64::sqrt)),
        one("tan", "tan(double) -> double", "The tangent.", |c| of_double(c, f64::tan)),
        one("tanh", "tanh(double) -> double", "The hyperbolic tangent.", |c| of_double(c, f64::tanh)),
        one("truncate", "truncate(double) -> double", "The number without its fraction.", |c| of_double(c, f64::trunc)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A quotient of natural logarithms, as Presto has it: the digits beyond a double's precision differ. # inferred
fn log2(x: f64) -> f64 {
    x.ln() / std::f64::consts::LN_2
}

/// In the order of operations of Java's `Math.toDegrees` before version 9. # inferred
fn degrees(radians: f64) -> f64 {
    radians * 180.0 / std::f64::consts::PI
}

fn radians(degrees: f64) -> f64 {
    degrees / 180.0 * std::f64::consts::PI
}
