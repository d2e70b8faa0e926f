//! `date_diff(unit, a, b)`: how many whole units lie between two moments; negative when the second is the earlier.
//! Incomplete units do not count. # inferred: Presto

use super::unit::Unit;
use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, call::Call, scalar::scalar},
    types::calendar::{DAY_NS, date_of_days},
};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{ArrowPrimitiveType, Date32Type, Int64Type, Time64NanosecondType, TimestampNanosecondType},
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("date_diff", Family::DateTime, Class::Documented, "How many whole units of time lie between two moments.")
        .form("date_diff(varchar, timestamp, timestamp) -> bigint", |call| {
            difference::<TimestampNanosecondType>(call, "Timestamp", |unit, _, from, to| Ok(between(unit, from, to)))
        })
        .form("date_diff(varchar, date, date) -> bigint", |call| {
            difference::<Date32Type>(call, "DATE", |unit, name, from, to| match unit {
                Unit::Fixed(unit_ns) if unit_ns % DAY_NS == 0 => {
                    Ok((i64::from(to) - i64::from(from)) / (unit_ns / DAY_NS))
                }
                Unit::Months(months) => Ok(months_between((i64::from(from), 0), (i64::from(to), 0)) / months),
                Unit::Fixed(_) => Err(invalid(format!("'{name}' is not a valid DATE field"))),
            })
        })
        .form("date_diff(varchar, time, time) -> bigint", |call| {
            difference::<Time64NanosecondType>(call, "Time", |unit, name, from, to| match unit {
                Unit::Fixed(unit_ns) if unit_ns < DAY_NS => Ok((to - from) / unit_ns),
                _ => Err(invalid(format!("'{name}' is not a valid Time field"))),
            })
        })
        .build()
}

fn difference<T: ArrowPrimitiveType>(
    call: &Call,
    kind: &str,
    between: impl Fn(Unit, &str, T::Native, T::Native) -> Result<i64>,
) -> Result<ArrayRef> {
    let (units, froms, tos) = (call.texts(0)?, call.numbers::<T>(1)?, call.numbers::<T>(2)?);
    call.collect::<Int64Type>(|row| match (units.get(row), froms.get(row), tos.get(row)) {
        (Some(name), Some(from), Some(to)) => between(Unit::parse(name, kind)?, name, from, to).map(Some),
        _ => Ok(None),
    })
}

fn between(unit: Unit, from_ns: i64, to_ns: i64) -> i64 {
    match unit {
        // The difference of two moments may exceed 64 bits, a number of milliseconds or more does not.
        Unit::Fixed(unit_ns) => {
            i64::try_from((i128::from(to_ns) - i128::from(from_ns)) / i128::from(unit_ns)).unwrap_or_default()
        }
        Unit::Months(months) => {
            let split = |ns: i64| (ns.div_euclid(DAY_NS), ns.rem_euclid(DAY_NS));
            months_between(split(from_ns), split(to_ns)) / months
        }
    }
}

/// Whole months between two moments, each a day and a time of day: as many as the earlier can be moved by without
/// passing the later.
fn months_between(from: (i64, i64), to: (i64, i64)) -> i64 {
    if to < from {
        return -months_between(to, from);
    }
    let month_number = |days: i64| {
        let (year, month, _) = date_of_days(days);
        year * 12 + i64::from(month)
    };
    let months = month_number(to.0) - month_number(from.0);
    let reached = crate::sql::types::calendar::add_months(from.0, months).map(|days| (days, from.1));
    if reached.is_none_or(|reached| reached > to) { months - 1 } else { months }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::types::parse_timestamp;

    #[test]
    fn whole_units_only() {
        let check = |unit: Unit, from: &str, to: &str, expect: i64| {
            let (from, to) = (parse_timestamp(from).unwrap(), parse_timestamp(to).unwrap());
            assert_eq!(between(unit, from, to), expect);
            assert_eq!(between(unit, to, from), -expect);
        };
        check(Unit::Months(1), "2020-01-31", "2020-02-29", 1);
        check(Unit::Months(1), "2020-01-31", "2020-02-28", 0);
        check(Unit::Months(1), "2020-01-15 12:00", "2020-02-15 11:59", 0);
        check(Unit::Months(12), "2019-06-01", "2022-05-31", 2);
        check(Unit::Fixed(DAY_NS), "2020-01-01 12:00", "2020-01-03 11:00", 1);
        check(Unit::Fixed(1_000_000), "1677-09-22", "2262-04-11", 18_446_572_800_000);
    }
}
