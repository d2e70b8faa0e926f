//! `integral_trapezoidal(series[, interval])`: the area under the straight lines between the points, where an interval is
//! one wide; a second, if none is given. # guide: timeseries-specific-constructs.functions.integrals.html
//!
//! Fewer than two points enclose no area: 0. # inferred

use super::{
    derivative::positive,
    points::{AllPoints, Points, nanoseconds_between},
};
use crate::sql::functions::{Class, Family, Function, call::Call, scalar::scalar};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DurationNanosecondType, Float64Type},
    },
    error::Result,
};

const SECOND_NS: i64 = 1_000_000_000;

pub(super) fn functions() -> Vec<Function> {
    // Of bigint and integer as well: both convert to double.
    scalar("integral_trapezoidal", Family::TimeSeries, Class::Documented, "The area under a series.")
        .form("integral_trapezoidal(timeseries(double)) -> double", |call| {
            let series = AllPoints::of(call, 0)?;
            call.collect::<Float64Type>(|row| series.get(row).map(|points| area(points, SECOND_NS)).transpose())
        })
        .form("integral_trapezoidal(timeseries(double), interval day to second) -> double", integral)
        .build()
}

fn integral(call: &Call) -> Result<ArrayRef> {
    let series = AllPoints::of(call, 0)?;
    let intervals = call.numbers::<DurationNanosecondType>(1)?;
    call.collect::<Float64Type>(|row| match (series.get(row), intervals.get(row)) {
        (Some(points), Some(interval)) => area(points, interval).map(Some),
        _ => Ok(None),
    })
}

fn area(points: Points, interval_ns: i64) -> Result<f64> {
    let interval_ns = positive(interval_ns)?;
    let pairs = points.times.windows(2).zip(points.values.windows(2));
    let trapezoid =
        |(times, values): (&[i64], &[f64])| (values[0] + values[1]) / 2.0 * nanoseconds_between(times[0], times[1]);
    // A sum over nothing would be -0.0. One division at the end rounds once.
    Ok(pairs.map(trapezoid).fold(0.0, |sum, part| sum + part) / interval_ns)
}
