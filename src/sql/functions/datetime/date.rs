//! `date(x)`, `last_day_of_month(x)`.

use crate::sql::{
    error::invalid,
    functions::{Class, Family, Function, scalar::scalar},
    types::{
        self,
        calendar::{DAY_NS, date_of_days, days_in_month, days_of_date},
    },
};
use datafusion::{
    arrow::datatypes::{Date32Type, TimestampNanosecondType},
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    let function = |name, summary| scalar(name, Family::DateTime, Class::Documented, summary);
    [
        function("date", "The date of a text or of a moment, as CAST.")
            .form("date(varchar) -> date", |call| {
                let texts = call.texts(0)?;
                call.collect::<Date32Type>(|row| {
                    let Some(text) = texts.get(row) else { return Ok(None) };
                    let date = types::parse_date(text);
                    date.map(Some).ok_or_else(|| invalid(format!("Value cannot be cast to date: {text}")))
                })
            })
            .form("date(timestamp) -> date", |call| {
                call.map::<TimestampNanosecondType, Date32Type>(|ns| to_date(ns.div_euclid(DAY_NS)))
            })
            .build(),
        function("last_day_of_month", "The last day of the month that the moment lies in.")
            .form("last_day_of_month(timestamp) -> date", |call| {
                call.map::<TimestampNanosecondType, Date32Type>(|ns| to_date(month_end(ns.div_euclid(DAY_NS))))
            })
            .form("last_day_of_month(date) -> date", |call| {
                call.map::<Date32Type, Date32Type>(|days| to_date(month_end(i64::from(days))))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn month_end(days: i64) -> i64 {
    let (year, month, _) = date_of_days(days);
    days_of_date(year, month, days_in_month(year, month))
}

fn to_date(days: i64) -> Result<i32> {
    i32::try_from(days).map_err(|_| invalid("date is out of range"))
}
