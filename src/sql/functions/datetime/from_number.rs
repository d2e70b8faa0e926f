//! `from_milliseconds`, `from_nanoseconds`, `from_unixtime`: timestamps of numbers since the epoch.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
};
use datafusion::{
    arrow::datatypes::{Float64Type, Int64Type, TimestampNanosecondType},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::DateTime, Class::Documented, summary);
    [
        function("from_milliseconds", "The timestamp of milliseconds since the epoch.")
            .form("from_milliseconds(bigint) -> timestamp", |call| {
                call.map::<Int64Type, TimestampNanosecondType>(|ms| ms.checked_mul(1_000_000).ok_or_else(out_of_range))
            })
            .build(),
        function("from_nanoseconds", "The timestamp of nanoseconds since the epoch.")
            .form("from_nanoseconds(bigint) -> timestamp", |call| call.map::<Int64Type, TimestampNanosecondType>(Ok))
            .build(),
        function("from_unixtime", "The timestamp of seconds since the epoch.")
            .form("from_unixtime(double) -> timestamp", |call| {
                call.map::<Float64Type, TimestampNanosecondType>(from_unixtime)
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// To the millisecond, half up, as Presto. # inferred: a double has no more digits than that for today's times
fn from_unixtime(seconds: f64) -> Result<i64> {
    let milliseconds = (seconds * 1_000.0).round();
    // NaN is in no range.
    if !(-9.3e12..9.3e12).contains(&milliseconds) {
        return Err(out_of_range());
    }
    (milliseconds as i64).checked_mul(1_000_000).ok_or_else(out_of_range)
}

fn out_of_range() -> datafusion::error::DataFusionError {
    invalid("timestamp is out of range")
}
