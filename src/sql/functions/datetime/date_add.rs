//! `date_add(unit, n, x)`: moves a moment by whole units. The result has the type of `x`. # inferred: the guide's table
//! says timestamp throughout, Presto keeps the type

use super::unit::Unit;
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
    types::calendar::{DAY_NS, add_months, add_months_ns},
};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{ArrowPrimitiveType, Date32Type, Int64Type, Time64NanosecondType, TimestampNanosecondType},
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("date_add", Family::DateTime, Class::Documented, "Moves a moment by a number of units of time.")
        .form("date_add(varchar, bigint, timestamp) -> timestamp", |call| {
            moved::<TimestampNanosecondType>(call, "Timestamp", "timestamp", |unit, _, count, ns| match unit {
                Unit::Fixed(unit_ns) => Ok(count.checked_mul(unit_ns).and_then(|by| ns.checked_add(by))),
                Unit::Months(months) => Ok(count.checked_mul(months).and_then(|by| add_months_ns(ns, by))),
            })
        })
        .form("date_add(varchar, bigint, date) -> date", |call| {
            moved::<Date32Type>(call, "DATE", "date", |unit, name, count, days| {
                let days = i64::from(days);
                let moved = match unit {
                    Unit::Fixed(unit_ns) if unit_ns % DAY_NS == 0 => {
                        count.checked_mul(unit_ns / DAY_NS).and_then(|by| days.checked_add(by))
                    }
                    Unit::Fixed(_) => return Err(invalid(format!("'{name}' is not a valid DATE field"))),
                    Unit::Months(months) => count.checked_mul(months).and_then(|by| add_months(days, by)),
                };
                Ok(moved.and_then(|days| i32::try_from(days).ok()))
            })
        })
        .form("date_add(varchar, bigint, time) -> time", |call| {
            moved::<Time64NanosecondType>(call, "Time", "time", |unit, name, count, ns| match unit {
                // Around the clock, as time ± interval.
                Unit::Fixed(unit_ns) if unit_ns < DAY_NS => {
                    let by = count.rem_euclid(DAY_NS / unit_ns) * unit_ns;
                    Ok(Some((ns + by).rem_euclid(DAY_NS)))
                }
                _ => Err(invalid(format!("'{name}' is not a valid Time field"))),
            })
        })
        .build()
}

/// `kind` and `type_name` are what Presto calls the type in the two messages.
fn moved<T: ArrowPrimitiveType>(
    call: &Call,
    kind: &str,
    type_name: &str,
    add: impl Fn(Unit, &str, i64, T::Native) -> Result<Option<T::Native>>,
) -> Result<ArrayRef> {
    let (units, counts, moments) = (call.texts(0)?, call.numbers::<Int64Type>(1)?, call.numbers::<T>(2)?);
    call.collect::<T>(|row| match (units.get(row), counts.get(row), moments.get(row)) {
        (Some(name), Some(count), Some(moment)) => match add(Unit::parse(name, kind)?, name, count, moment)? {
            None => Err(invalid(format!("{type_name} is out of range"))),
            moved => Ok(moved),
        },
        _ => Ok(None),
    })
}
