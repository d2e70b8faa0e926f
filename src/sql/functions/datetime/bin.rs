//! `bin(timestamp, interval)`: rounds a timestamp down to a multiple of an interval since the epoch.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DurationNanosecondType, TimestampNanosecondType},
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("bin", Family::DateTime, Class::Documented, "Rounds down to a multiple of the interval since the epoch.")
        .form("bin(timestamp, interval day to second) -> timestamp", bin)
        .build()
}

fn bin(call: &Call) -> Result<ArrayRef> {
    call.map2::<TimestampNanosecondType, DurationNanosecondType, TimestampNanosecondType>(|timestamp_ns, width_ns| {
        if width_ns <= 0 {
            return Err(invalid("bin interval must be greater than zero")); // # inferred
        }
        // Down, also before the epoch. # inferred
        timestamp_ns.checked_sub(timestamp_ns.rem_euclid(width_ns)).ok_or_else(|| invalid("timestamp is out of range"))
    })
}
