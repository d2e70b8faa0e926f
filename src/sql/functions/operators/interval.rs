//! `__interval`: the literals `5m` and `INTERVAL '2' DAY`. `__months`: an interval year to month as a number, for frames.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::Call,
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{DAY_TO_SECOND, IntervalValue, YEAR_TO_MONTH, parse_duration, parse_interval},
};
use datafusion::{
    arrow::{
        array::{ArrayRef, DurationNanosecondArray, IntervalYearMonthArray},
        datatypes::{DataType, Int32Type, IntervalYearMonthType},
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("__interval", Family::Operator, Class::Internal, "An interval literal.")
            .custom("__interval(varchar[, varchar]) -> interval", resolve)
            .build(),
        scalar("__months", Family::Operator, Class::Internal, "The months of an interval.")
            .form("__months(interval year to month) -> integer", |call| {
                call.map::<IntervalYearMonthType, Int32Type>(Ok)
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    let value = match (arguments.types.len(), arguments.literal_text(0), arguments.literal_text(1)) {
        (1, Some(text), None) => literal(text, None)?,
        (2, Some(text), Some(unit)) => literal(text, Some(unit))?,
        _ => return Err(unexpected_parameters(arguments, "__interval(varchar), __interval(varchar, varchar)")),
    };
    let returns = match value {
        IntervalValue::DayToSecond(_) => DAY_TO_SECOND,
        IntervalValue::YearToMonth(_) => YEAR_TO_MONTH,
    };
    Ok(Resolved { parameters: vec![DataType::Utf8; arguments.types.len()], returns, kernel })
}

/// `5m` has whole numbers and no space; only parse_duration takes more. # guide: supported-data-types.html
fn literal(text: &str, unit: Option<&str>) -> Result<IntervalValue> {
    match unit {
        Some(unit) => parse_interval(text, unit).map_err(invalid),
        None if text.contains(['.', ' ']) => Err(invalid(format!("Invalid interval literal: {text}"))),
        None => parse_duration(text).map_err(invalid),
    }
}

fn kernel(call: &Call) -> Result<ArrayRef> {
    let unit = match call.columns.len() {
        2 => call.texts(1)?.get(0),
        _ => None,
    };
    let value = literal(call.texts(0)?.get(0).unwrap_or_default(), unit)?;
    Ok(match value {
        IntervalValue::DayToSecond(ns) => Arc::new(DurationNanosecondArray::from(vec![ns; call.rows])),
        IntervalValue::YearToMonth(months) => Arc::new(IntervalYearMonthArray::from(vec![months; call.rows])),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::scalar::tests::call;

    #[test]
    fn literals() {
        let check = |arguments: &[&str], expect: &str| {
            let arguments: Vec<_> = arguments.iter().map(|text| (*text).into()).collect();
            assert_eq!(call("__interval", &arguments), expect);
        };
        check(&["5m"], "0 00:05:00.000000000");
        check(&["10y"], "10-0");
        check(&["1.5h"], "error: Invalid interval literal: 1.5h");
        check(&["5 m"], "error: Invalid interval literal: 5 m");
        check(&["3hours"], "error: Unknown time unit: hours");
        check(&["6", "DAY"], "6 00:00:00.000000000");
        check(&["-1-2", "year to month"], "-1-2");
        check(&["x", "DAY"], "error: Invalid INTERVAL DAY value: x");
    }
}
