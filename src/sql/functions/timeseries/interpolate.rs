//! `interpolate_linear`, `interpolate_spline_cubic`, `interpolate_locf`, `interpolate_fill`: the values of a time series at
//! given times. # guide: timeseries-specific-constructs.functions.interpolation.html
//!
//! Outside the series' own range linear interpolation fails. # observed: `Cannot interpolate outside of timeseries
//! defined time range.` · So does the spline; the last observation is carried on after the last point but fails before
//! the first; a constant fills anywhere. # inferred

use super::{
    points::{AllPoints, Points, SeriesBuilder, nanoseconds_between},
    spline::Spline,
};
use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, primitive},
        lists::range,
        scalar::scalar,
    },
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        datatypes::{Float64Type, TimestampNanosecondType},
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::TimeSeries, Class::Documented, summary);
    [
        function("interpolate_linear", "The series at given times, on straight lines between its points.")
            .form("interpolate_linear(timeseries(double), array(timestamp)) -> timeseries(double)", |call| {
                series(call, Method::Linear)
            })
            .form("interpolate_linear(timeseries(double), timestamp) -> double", |call| value(call, Method::Linear))
            .build(),
        function("interpolate_spline_cubic", "The series at given times, on a cubic spline through its points.")
            .form("interpolate_spline_cubic(timeseries(double), array(timestamp)) -> timeseries(double)", |call| {
                series(call, Method::SplineCubic)
            })
            .form("interpolate_spline_cubic(timeseries(double), timestamp) -> double", |call| {
                value(call, Method::SplineCubic)
            })
            .build(),
        function("interpolate_locf", "The series at given times, each with the last value before it.")
            .form("interpolate_locf(timeseries(double), array(timestamp)) -> timeseries(double)", |call| {
                series(call, Method::LastObservation)
            })
            .form("interpolate_locf(timeseries(double), timestamp) -> double", |call| {
                value(call, Method::LastObservation)
            })
            .build(),
        function("interpolate_fill", "The series at given times, with a constant where it has no point.")
            .form("interpolate_fill(timeseries(double), array(timestamp), double) -> timeseries(double)", |call| {
                series(call, Method::Fill)
            })
            .form("interpolate_fill(timeseries(double), timestamp, double) -> double", |call| value(call, Method::Fill))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Linear,
    SplineCubic,
    LastObservation,
    Fill,
}

/// Answers for one series.
enum Curve<'a> {
    Points { times: &'a [i64], values: &'a [f64], method: Method, constant: f64 },
    Spline { first_ns: i64, last_ns: i64, spline: Spline },
    Nothing,
}

impl<'a> Curve<'a> {
    fn new(Points { times, values }: Points<'a>, method: Method, constant: f64) -> Self {
        let (Some(first_ns), Some(last_ns)) = (times.first(), times.last()) else {
            return match method {
                Method::Fill => Self::Points { times, values, method, constant },
                _ => Self::Nothing,
            };
        };
        if method != Method::SplineCubic {
            return Self::Points { times, values, method, constant };
        }
        let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
        for (time, value) in times.iter().zip(values) {
            let x = seconds_between(*first_ns, *time);
            // Of several points of one time the first counts.
            if xs.last().is_none_or(|last| *last < x) {
                xs.push(x);
                ys.push(*value);
            }
        }
        Self::Spline { first_ns: *first_ns, last_ns: *last_ns, spline: Spline::new(xs, ys) }
    }

    fn at(&self, time: i64) -> Result<f64> {
        // # observed
        let outside = || invalid("Cannot interpolate outside of timeseries defined time range.");
        let (times, values, method, constant) = match self {
            Self::Nothing => return Err(outside()),
            Self::Spline { first_ns, last_ns, spline } => {
                let inside = (*first_ns..=*last_ns).contains(&time);
                return if inside { Ok(spline.at(seconds_between(*first_ns, time))) } else { Err(outside()) };
            }
            Self::Points { times, values, method, constant } => (times, values, *method, *constant),
        };
        let next = times.partition_point(|known| *known < time);
        if times.get(next) == Some(&time) {
            return Ok(values[next]);
        }
        match method {
            Method::Fill => Ok(constant),
            _ if next == 0 => Err(outside()),
            Method::LastObservation => Ok(values[next - 1]),
            _ if next == times.len() => Err(outside()),
            _ => {
                let along = seconds_between(times[next - 1], time) / seconds_between(times[next - 1], times[next]);
                Ok(values[next - 1] + (values[next] - values[next - 1]) * along)
            }
        }
    }
}

fn seconds_between(from_ns: i64, to_ns: i64) -> f64 {
    nanoseconds_between(from_ns, to_ns) / 1e9
}

/// The curve of a row's series, `None` when the series, or the constant to fill it with, is NULL.
fn curve<'a>(call: &Call, points: &AllPoints<'a>, row: usize, method: Method) -> Result<Option<Curve<'a>>> {
    let constant = match method {
        Method::Fill => call.numbers::<Float64Type>(2)?.get(row),
        _ => Some(f64::NAN),
    };
    Ok(points.get(row).zip(constant).map(|(points, constant)| Curve::new(points, method, constant)))
}

/// The value at one time.
fn value(call: &Call, method: Method) -> Result<ArrayRef> {
    let points = AllPoints::of(call, 0)?;
    let times = call.numbers::<TimestampNanosecondType>(1)?;
    call.collect::<Float64Type>(|row| match (curve(call, &points, row, method)?, times.get(row)) {
        (Some(curve), Some(time)) => curve.at(time).map(Some),
        _ => Ok(None),
    })
}

/// The values at an array of times, as a time series.
fn series(call: &Call, method: Method) -> Result<ArrayRef> {
    let points = AllPoints::of(call, 0)?;
    let (wanted, column) = call.lists(1)?;
    let wanted_times = primitive::<TimestampNanosecondType>(wanted.values())?;
    let mut found = SeriesBuilder::new(call.rows);
    for row in 0..call.rows {
        let at = column.index(row);
        let Some(curve) = curve(call, &points, row, method)?.filter(|_| wanted.is_valid(at)) else {
            found.end_null_row();
            continue;
        };
        let places = range(wanted, at);
        if wanted_times.null_count() > 0 && places.clone().any(|place| wanted_times.is_null(place)) {
            return Err(invalid("Cannot interpolate at a time that is null")); // # inferred
        }
        let mut moments = wanted_times.values()[places].to_vec();
        // A time series is ordered, whatever the array is.
        moments.sort_unstable();
        for moment in moments {
            found.push(moment, curve.at(moment)?);
        }
        found.end_row();
    }
    found.finish(call.returns)
}
