//! `derivative_linear(series, interval)`, `non_negative_derivative_linear(series, interval)`: how much the value changes in
//! an interval, from each point to the next. # guide: timeseries-specific-constructs.functions.derivatives.html
//!
//! The rate between two points is given at the later one's time, so that there is one point fewer; of the second
//! function only the points that are not negative. # inferred: the guide prints no result

use super::points::{AllPoints, SeriesBuilder, nanoseconds_between};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{
    arrow::{array::ArrayRef, datatypes::DurationNanosecondType},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::TimeSeries, Class::Documented, summary);
    [
        function("derivative_linear", "The change in an interval, from each point to the next.")
            .form("derivative_linear(timeseries(double), interval day to second) -> timeseries(double)", |call| {
                derivative(call, |_| true)
            })
            .build(),
        function("non_negative_derivative_linear", "As derivative_linear, without the points that are negative.")
            .form(
                "non_negative_derivative_linear(timeseries(double), interval day to second) -> timeseries(double)",
                |call| derivative(call, |rate| rate >= 0.0),
            )
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn derivative(call: &Call, keeps: fn(f64) -> bool) -> Result<ArrayRef> {
    let series = AllPoints::of(call, 0)?;
    let intervals = call.numbers::<DurationNanosecondType>(1)?;
    let mut rates = SeriesBuilder::new(call.rows);
    for row in 0..call.rows {
        let (Some(points), Some(interval)) = (series.get(row), intervals.get(row)) else {
            rates.end_null_row();
            continue;
        };
        let interval_ns = positive(interval)?;
        for (times, values) in points.times.windows(2).zip(points.values.windows(2)) {
            // Between two points of one time there is no rate: the quotient is infinite, or not a number.
            let rate = (values[1] - values[0]) / (nanoseconds_between(times[0], times[1]) / interval_ns);
            if keeps(rate) {
                rates.push(times[1], rate);
            }
        }
        rates.end_row();
    }
    rates.finish(call.returns)
}

/// The nanoseconds of an interval that something is measured by.
pub(super) fn positive(interval_ns: i64) -> Result<f64> {
    if interval_ns <= 0 {
        return Err(invalid("The interval must be greater than zero")); // # inferred
    }
    Ok(interval_ns as f64)
}
