//! `extract(field FROM x)`, which the rewriter turns into `__extract('field', x)`, and the functions of the fields'
//! names: year, month, hour, ….

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, Kernel},
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{
        self, TIMESTAMP,
        calendar::{DAY_NS, HOUR_NS, MINUTE_NS, SECOND_NS, date_of_days, days_of_date},
        parse_timestamp,
    },
};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{
            ArrowPrimitiveType, DataType, Date32Type, DurationNanosecondType, Int64Type, IntervalUnit,
            IntervalYearMonthType, Time64NanosecondType, TimestampNanosecondType,
        },
    },
    error::Result,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sql::functions) enum Field {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    DayOfYear,
    YearOfWeek,
    Hour,
    Minute,
    Second,
    Millisecond,
    Nanosecond,
}

impl Field {
    /// The fields of EXTRACT. # guide: date-time-functions.html, section Extraction
    fn parse(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "year" => Self::Year,
            "quarter" => Self::Quarter,
            "month" => Self::Month,
            "week" => Self::Week,
            "day" | "day_of_month" => Self::Day,
            "day_of_week" | "dow" => Self::DayOfWeek,
            "day_of_year" | "doy" => Self::DayOfYear,
            "year_of_week" | "yow" => Self::YearOfWeek,
            "hour" => Self::Hour,
            "minute" => Self::Minute,
            "second" => Self::Second,
            _ => return None,
        })
    }

    /// The field of a day counted from the epoch.
    pub(in crate::sql::functions) fn of_day(self, days: i64) -> i64 {
        let (year, month, day) = date_of_days(days);
        let day_of_week = (days + 3).rem_euclid(7) + 1;
        // A week belongs to the year its Thursday lies in.
        let thursday = days - day_of_week + 4;
        match self {
            Self::Year => year,
            Self::Quarter => (i64::from(month) - 1) / 3 + 1,
            Self::Month => i64::from(month),
            Self::Day => i64::from(day),
            Self::DayOfWeek => day_of_week,
            Self::DayOfYear => days - days_of_date(year, 1, 1) + 1,
            Self::YearOfWeek => date_of_days(thursday).0,
            Self::Week => (thursday - days_of_date(date_of_days(thursday).0, 1, 1)) / 7 + 1,
            Self::Hour | Self::Minute | Self::Second | Self::Millisecond | Self::Nanosecond => 0,
        }
    }

    /// The field of a time of day, or of an interval, whose fields have its sign.
    pub(in crate::sql::functions) fn of_time(self, ns: i64) -> i64 {
        match self {
            Self::Hour => ns % DAY_NS / HOUR_NS,
            Self::Minute => ns % HOUR_NS / MINUTE_NS,
            Self::Second => ns % MINUTE_NS / SECOND_NS,
            Self::Millisecond => ns % SECOND_NS / 1_000_000,
            Self::Nanosecond => ns % SECOND_NS,
            _ => ns / DAY_NS,
        }
    }

    fn is_of_time(self) -> bool {
        matches!(self, Self::Hour | Self::Minute | Self::Second | Self::Millisecond | Self::Nanosecond)
    }

    fn of_timestamp(self, ns: i64) -> i64 {
        if self.is_of_time() { self.of_time(ns.rem_euclid(DAY_NS)) } else { self.of_day(ns.div_euclid(DAY_NS)) }
    }

    fn of_months(self, months: i32) -> i64 {
        i64::from(if self == Self::Year { months / 12 } else { months % 12 })
    }

    /// Whether a type has the field.
    fn is_in(self, data_type: &DataType) -> bool {
        match data_type {
            DataType::Timestamp(_, _) => true,
            DataType::Date32 => !self.is_of_time(),
            DataType::Time64(_) => self.is_of_time(),
            DataType::Duration(_) => self.is_of_time() || self == Self::Day,
            DataType::Interval(IntervalUnit::YearMonth) => matches!(self, Self::Year | Self::Month),
            _ => false,
        }
    }
}

fn read<T: ArrowPrimitiveType>(call: &Call, index: usize, field: impl Fn(T::Native) -> i64) -> Result<ArrayRef> {
    let values = call.numbers::<T>(index)?;
    call.collect::<Int64Type>(|row| Ok(values.get(row).map(&field)))
}

fn extract(call: &Call, index: usize, field: Field) -> Result<ArrayRef> {
    match call.column(index)?.array.data_type() {
        DataType::Date32 => read::<Date32Type>(call, index, |days| field.of_day(i64::from(days))),
        DataType::Time64(_) => read::<Time64NanosecondType>(call, index, |ns| field.of_time(ns)),
        DataType::Duration(_) => read::<DurationNanosecondType>(call, index, |ns| field.of_time(ns)),
        DataType::Interval(_) => read::<IntervalYearMonthType>(call, index, |months| field.of_months(months)),
        _ => read::<TimestampNanosecondType>(call, index, |ns| field.of_timestamp(ns)),
    }
}

pub(super) fn functions() -> Vec<Function> {
    let one = |names: [&'static str; 2], forms: &[&'static str], summary: &'static str, kernel: Kernel| {
        let [name, other] = names;
        let function = scalar(name, Family::DateTime, Class::Documented, summary);
        let function = forms.iter().fold(function, |function, form| function.form(form, kernel));
        if other.is_empty() { function.build() } else { function.named(&[other]) }
    };
    let mut functions = scalar("__extract", Family::Operator, Class::Internal, "EXTRACT: a field of a moment.")
        .custom("__extract(varchar, T) -> bigint", resolve_extract)
        .build();
    functions.extend(by_day(&one));
    functions.extend(by_time(&one));
    functions
}

type One<'a> = &'a dyn Fn([&'static str; 2], &[&'static str], &'static str, Kernel) -> Vec<Function>;

/// The functions of fields of a day; the second name is an alias.
fn by_day(one: One) -> Vec<Function> {
    [
        one(
            ["year", ""],
            &["year(timestamp) -> bigint", "year(date) -> bigint", "year(interval year to month) -> bigint"],
            "The year.",
            |call| extract(call, 0, Field::Year),
        ),
        one(
            ["quarter", ""],
            &["quarter(timestamp) -> bigint", "quarter(date) -> bigint"],
            "The quarter of the year, 1 to 4.",
            |call| extract(call, 0, Field::Quarter),
        ),
        one(
            ["month", ""],
            &["month(timestamp) -> bigint", "month(date) -> bigint", "month(interval year to month) -> bigint"],
            "The month, 1 to 12.",
            |call| extract(call, 0, Field::Month),
        ),
        one(
            ["week", "week_of_year"],
            &["week(timestamp) -> bigint", "week(date) -> bigint"],
            "The ISO week of the year, 1 to 53.",
            |call| extract(call, 0, Field::Week),
        ),
        one(
            ["year_of_week", "yow"],
            &["year_of_week(timestamp) -> bigint", "year_of_week(date) -> bigint"],
            "The year of the ISO week.",
            |call| extract(call, 0, Field::YearOfWeek),
        ),
        one(
            ["day", "day_of_month"],
            &["day(timestamp) -> bigint", "day(date) -> bigint", "day(interval day to second) -> bigint"],
            "The day of the month, or the days of an interval.",
            |call| extract(call, 0, Field::Day),
        ),
        one(
            ["day_of_week", "dow"],
            &["day_of_week(timestamp) -> bigint", "day_of_week(date) -> bigint"],
            "The day of the ISO week, 1 (Monday) to 7.",
            |call| extract(call, 0, Field::DayOfWeek),
        ),
        one(
            ["day_of_year", "doy"],
            &["day_of_year(timestamp) -> bigint", "day_of_year(date) -> bigint"],
            "The day of the year, 1 to 366.",
            |call| extract(call, 0, Field::DayOfYear),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The functions of fields of a time of day.
fn by_time(one: One) -> Vec<Function> {
    [
        one(
            ["hour", ""],
            &["hour(timestamp) -> bigint", "hour(time) -> bigint", "hour(interval day to second) -> bigint"],
            "The hour of the day, 0 to 23.",
            |call| extract(call, 0, Field::Hour),
        ),
        one(
            ["minute", ""],
            &["minute(timestamp) -> bigint", "minute(time) -> bigint", "minute(interval day to second) -> bigint"],
            "The minute of the hour.",
            |call| extract(call, 0, Field::Minute),
        ),
        one(
            ["second", ""],
            &["second(timestamp) -> bigint", "second(time) -> bigint", "second(interval day to second) -> bigint"],
            "The second of the minute.",
            |call| extract(call, 0, Field::Second),
        ),
        one(
            ["millisecond", ""],
            &[
                "millisecond(timestamp) -> bigint",
                "millisecond(time) -> bigint",
                "millisecond(interval day to second) -> bigint",
            ],
            "The millisecond of the second.",
            |call| extract(call, 0, Field::Millisecond),
        ),
        one(
            ["nanosecond", ""],
            &[
                "nanosecond(timestamp) -> bigint",
                "nanosecond(time) -> bigint",
                "nanosecond(interval day to second) -> bigint",
            ],
            "The nanosecond of the second.",
            |call| extract(call, 0, Field::Nanosecond),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn resolve_extract(arguments: &Arguments) -> Result<Resolved> {
    let ([_, data_type], Some(name)) = (arguments.types, arguments.literal_text(0)) else {
        return Err(unexpected_parameters(arguments, "__extract(varchar, T)"));
    };
    let field = Field::parse(name).ok_or_else(|| invalid(format!("Invalid EXTRACT field: {name}")))?;
    let parameter = match (data_type, arguments.literal_text(1)) {
        (DataType::Null, _) => TIMESTAMP,
        // A varchar literal is a timestamp. # guide: `extract(YEAR FROM '2019-10-12 23:10:34.000000000')`
        (DataType::Utf8, Some(text)) => match parse_timestamp(text) {
            Some(_) => TIMESTAMP,
            None => return Err(invalid(format!("Value cannot be cast to timestamp: {text}"))),
        },
        (other, _) if field.is_in(other) => other.clone(),
        (other, _) => {
            // # inferred: Presto's words
            return Err(invalid(format!("Cannot extract {} from {}", name.to_uppercase(), types::type_name(other))));
        }
    };
    Ok(Resolved {
        parameters: vec![DataType::Utf8, parameter],
        returns: DataType::Int64,
        kernel: |call| {
            let name = call.texts(0)?.get(0).unwrap_or_default();
            let field = Field::parse(name).ok_or_else(|| invalid(format!("Invalid EXTRACT field: {name}")))?;
            extract(call, 1, field)
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::types::parse_timestamp;

    #[test]
    fn fields_of_a_day() {
        let check = |text: &str, field: Field, expect: i64| {
            assert_eq!(field.of_timestamp(parse_timestamp(text).unwrap()), expect, "{text} {field:?}");
        };
        check("2021-01-03", Field::Week, 53);
        check("2021-01-03", Field::YearOfWeek, 2020);
        check("2021-01-04", Field::Week, 1);
        check("2019-12-30", Field::Week, 1);
        check("2019-12-30", Field::YearOfWeek, 2020);
        check("2020-12-31", Field::DayOfYear, 366);
        check("1969-12-31 23:59:59.999999999", Field::Nanosecond, 999_999_999);
        check("1969-12-31 23:59:59.999999999", Field::Hour, 23);
    }
}
