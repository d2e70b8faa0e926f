//! `parse_duration(text)`: an interval. A call of a literal may give an interval year to month (`'1year'`); a call of a
//! column gives intervals day to second. # guide: date-time-functions.html

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::Call,
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{self, DAY_TO_SECOND, IntervalValue, YEAR_TO_MONTH},
};
use datafusion::{
    arrow::{
        array::ArrayRef,
        datatypes::{DataType, DurationNanosecondType, IntervalYearMonthType},
    },
    error::Result,
};

pub(super) fn functions() -> Vec<Function> {
    scalar("parse_duration", Family::DateTime, Class::Documented, "The interval a text such as '42.8ms' names.")
        .custom("parse_duration(varchar) -> interval day to second", resolve)
        .build()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    if !matches!(arguments.types, [DataType::Utf8 | DataType::Null]) {
        return Err(unexpected_parameters(arguments, "parse_duration(varchar)"));
    }
    let value = arguments.literal_text(0).map(types::parse_duration).transpose().map_err(invalid)?;
    let parameters = vec![DataType::Utf8];
    Ok(match value {
        Some(IntervalValue::YearToMonth(_)) => Resolved { parameters, returns: YEAR_TO_MONTH, kernel: year_to_month },
        _ => Resolved { parameters, returns: DAY_TO_SECOND, kernel: day_to_second },
    })
}

fn day_to_second(call: &Call) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.collect::<DurationNanosecondType>(|row| match texts.get(row).map(types::parse_duration).transpose() {
        Ok(None) => Ok(None),
        Ok(Some(IntervalValue::DayToSecond(ns))) => Ok(Some(ns)),
        Ok(Some(IntervalValue::YearToMonth(_))) => {
            Err(invalid("parse_duration of a column cannot give an interval year to month"))
        }
        Err(message) => Err(invalid(message)),
    })
}

fn year_to_month(call: &Call) -> Result<ArrayRef> {
    let texts = call.texts(0)?;
    call.collect::<IntervalYearMonthType>(|row| match texts.get(row).map(types::parse_duration).transpose() {
        Ok(Some(IntervalValue::YearToMonth(months))) => Ok(Some(months)),
        Ok(_) => Ok(None),
        Err(message) => Err(invalid(message)),
    })
}
