//! `to_milliseconds`, `to_nanoseconds`, `to_unixtime`: numbers since the epoch, or of an interval's length.

use crate::sql::functions::{Class, Family, Function, scalar::scalar};
use datafusion::arrow::datatypes::{DurationNanosecondType, Float64Type, Int64Type, TimestampNanosecondType};

const MILLISECOND_NS: i64 = 1_000_000;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::DateTime, Class::Documented, summary);
    [
        function("to_milliseconds", "Whole milliseconds since the epoch, or of an interval.")
            .form("to_milliseconds(timestamp) -> bigint", |call| {
                call.map::<TimestampNanosecondType, Int64Type>(|ns| Ok(ns.div_euclid(MILLISECOND_NS)))
            })
            .form("to_milliseconds(interval day to second) -> bigint", |call| {
                call.map::<DurationNanosecondType, Int64Type>(|ns| Ok(ns / MILLISECOND_NS))
            })
            .build(),
        function("to_nanoseconds", "Nanoseconds since the epoch, or of an interval.")
            .form("to_nanoseconds(timestamp) -> bigint", |call| call.map::<TimestampNanosecondType, Int64Type>(Ok))
            .form("to_nanoseconds(interval day to second) -> bigint", |call| {
                call.map::<DurationNanosecondType, Int64Type>(Ok)
            })
            .build(),
        function("to_unixtime", "Seconds since the epoch.")
            // Divided as doubles: the guide's example shows the digits of that.
            .form("to_unixtime(timestamp) -> double", |call| {
                call.map::<TimestampNanosecondType, Float64Type>(|ns| Ok(ns as f64 / 1e9))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
