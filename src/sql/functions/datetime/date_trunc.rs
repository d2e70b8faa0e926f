//! `date_trunc(unit, timestamp)`: the start of the second … year a timestamp lies in; weeks start on Monday. Of a date, or of
//! a time, where the units of a day or less apply. # trino

use super::unit::{Unit, WEEK_NS};
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
    types::calendar::{DAY_NS, date_of_days, days_of_date},
};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{Date32Type, Time64NanosecondType, TimestampNanosecondType},
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("date_trunc", Family::DateTime, Class::Documented, "The start of the unit of time that the moment lies in.")
        .form("date_trunc(varchar, timestamp) -> timestamp", timestamps)
        .form("date_trunc(varchar, date) -> date", dates)
        .form("date_trunc(varchar, time) -> time", times)
        .build()
}

fn timestamps(call: &Call) -> Result<ArrayRef> {
    let (units, moments) = (call.texts(0)?, call.numbers::<TimestampNanosecondType>(1)?);
    call.collect::<TimestampNanosecondType>(|row| {
        let (Some(unit), Some(ns)) = (units.get(row), moments.get(row)) else { return Ok(None) };
        let start = match Unit::parse(unit, "Timestamp")? {
            Unit::Fixed(WEEK_NS) => week_start(ns.div_euclid(DAY_NS)).checked_mul(DAY_NS),
            Unit::Fixed(width_ns) => ns.checked_sub(ns.rem_euclid(width_ns)),
            Unit::Months(months) => month_start(ns.div_euclid(DAY_NS), months).checked_mul(DAY_NS),
        };
        start.map(Some).ok_or_else(|| invalid("timestamp is out of range"))
    })
}

fn dates(call: &Call) -> Result<ArrayRef> {
    let (units, dates) = (call.texts(0)?, call.numbers::<Date32Type>(1)?);
    call.collect::<Date32Type>(|row| {
        let (Some(unit), Some(days)) = (units.get(row), dates.get(row)) else { return Ok(None) };
        let start = match Unit::parse(unit, "DATE")? {
            Unit::Fixed(DAY_NS) => i64::from(days),
            Unit::Fixed(WEEK_NS) => week_start(i64::from(days)),
            Unit::Months(months) => month_start(i64::from(days), months),
            Unit::Fixed(_) => return Err(invalid(format!("'{unit}' is not a valid DATE field"))),
        };
        i32::try_from(start).map(Some).map_err(|_| invalid("date is out of range"))
    })
}

fn times(call: &Call) -> Result<ArrayRef> {
    let (units, times) = (call.texts(0)?, call.numbers::<Time64NanosecondType>(1)?);
    call.collect::<Time64NanosecondType>(|row| {
        let (Some(unit), Some(ns)) = (units.get(row), times.get(row)) else { return Ok(None) };
        match Unit::parse(unit, "Time")? {
            Unit::Fixed(width_ns) if width_ns < DAY_NS => Ok(Some(ns - ns.rem_euclid(width_ns))),
            _ => Err(invalid(format!("'{unit}' is not a valid Time field"))),
        }
    })
}

/// The Monday on or before a day. The epoch is a Thursday.
fn week_start(days: i64) -> i64 {
    days - (days + 3).rem_euclid(7)
}

/// The first day of the run of `months` (1, 3 or 12) months that a day lies in.
fn month_start(days: i64, months: i64) -> i64 {
    let (year, month, _) = date_of_days(days);
    let month = u32::try_from((i64::from(month) - 1) / months * months + 1).unwrap_or(1);
    days_of_date(year, month, 1)
}
