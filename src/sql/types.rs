//! The types of the query language and how each is kept in Arrow.
//!
//! | SQL | Arrow |
//! |---|---|
//! | integer, bigint, double, boolean, varchar, varbinary, date | `Int32`, `Int64`, `Float64`, `Boolean`, `Utf8`, `Binary`, `Date32` |
//! | time, timestamp | `Time64(ns)`, `Timestamp(ns)` without zone |
//! | interval day to second | `Duration(ns)` |
//! | interval year to month | `Interval(YearMonth)` |
//! | array(T) | `List` whose item field is named [`ARRAY_ITEM`] |
//! | row(…) | `Struct`; a field without a name is called `#0`, `#1`, … ([`anonymous_field`]) |
//! | timeseries(T) | `List` whose item field is named [`TIMESERIES_ITEM`], of `Struct {time, value}` |
//! | unknown | `Null` |
//!
//! The name of a list's item field is part of Arrow's type equality, and so survives every operator; metadata does not.

pub mod calendar;
pub mod literal;
pub mod parse;
pub mod text;

pub use literal::{IntervalValue, parse_date, parse_duration, parse_interval, parse_time, parse_timestamp};
pub use parse::{TypeText, parse_type, parse_type_text};
pub use text::{
    write_date, write_double, write_interval_day_to_second, write_interval_year_to_month, write_time, write_timestamp,
};

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, IntervalUnit, TimeUnit};
use std::sync::Arc;

/// The name of an array's item field.
pub const ARRAY_ITEM: &str = "item";
/// The name of a time series' item field: what tells it from an array of rows.
pub const TIMESERIES_ITEM: &str = "ts";
/// The names of the two fields of a time series' point.
pub const POINT_FIELDS: [&str; 2] = ["time", "value"];

/// timestamp
pub const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Nanosecond, None);
/// time
pub const TIME: DataType = DataType::Time64(TimeUnit::Nanosecond);
/// interval day to second
pub const DAY_TO_SECOND: DataType = DataType::Duration(TimeUnit::Nanosecond);
/// interval year to month
pub const YEAR_TO_MONTH: DataType = DataType::Interval(IntervalUnit::YearMonth);

/// array(`element`).
#[must_use]
pub fn array(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(ARRAY_ITEM, element, true)))
}

/// The fields of a time series' points.
#[must_use]
pub fn point_fields(value: DataType) -> Fields {
    let [time_name, value_name] = POINT_FIELDS;
    Fields::from(vec![Field::new(time_name, TIMESTAMP, true), Field::new(value_name, value, true)])
}

/// timeseries(`value`).
#[must_use]
pub fn timeseries(value: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(TIMESERIES_ITEM, DataType::Struct(point_fields(value)), true)))
}

/// The value type of a time series, `None` for any other type.
#[must_use]
pub fn timeseries_value(data_type: &DataType) -> Option<&DataType> {
    let DataType::List(item) = data_type else { return None };
    match item.data_type() {
        DataType::Struct(fields) if item.name() == TIMESERIES_ITEM && fields.len() == 2 => Some(fields[1].data_type()),
        _ => None,
    }
}

/// Whether a type is a time series.
#[must_use]
pub fn is_timeseries(data_type: &DataType) -> bool {
    timeseries_value(data_type).is_some()
}

/// The element type of an array, `None` for any other type, a time series included.
#[must_use]
pub fn array_element(data_type: &DataType) -> Option<&DataType> {
    match data_type {
        DataType::List(item) if !is_timeseries(data_type) => Some(item.data_type()),
        _ => None,
    }
}

/// The name under which a row's field without a name is kept. No type text can declare such a name.
#[must_use]
pub fn anonymous_field(index: usize) -> String {
    format!("#{index}")
}

/// The name of a row's field as users see it, `None` when it has none.
#[must_use]
pub fn field_name(field: &FieldRef) -> Option<&str> {
    match field.name().strip_prefix('#') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => None,
        _ => Some(field.name()),
    }
}

/// row(…) of fields without names.
#[must_use]
pub fn anonymous_row(types: impl IntoIterator<Item = DataType>) -> DataType {
    let field = |(index, data_type)| Field::new(anonymous_field(index), data_type, true);
    DataType::Struct(types.into_iter().enumerate().map(field).collect())
}

/// How the service spells a type: `bigint`, `interval day to second`, `array(varchar)`, `timeseries(double)`,
/// `row(varchar,bigint)`, `row(a bigint,b double)`, `unknown`.
/// # observed: `… (actual: interval day to second)` · # guide: timeseries-specific-constructs.functions.integrals.html
#[must_use]
pub fn type_name(data_type: &DataType) -> String {
    if let Some(value) = timeseries_value(data_type) {
        return format!("timeseries({})", type_name(value));
    }
    let simple = match data_type {
        DataType::Null => "unknown",
        DataType::Boolean => "boolean",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "varchar",
        DataType::Binary | DataType::BinaryView | DataType::LargeBinary => "varbinary",
        DataType::Date32 => "date",
        DataType::Time64(_) => "time",
        DataType::Timestamp(_, _) => "timestamp",
        DataType::Duration(_) => "interval day to second",
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month",
        DataType::Dictionary(_, value) => return type_name(value),
        DataType::List(item) => return format!("array({})", type_name(item.data_type())),
        DataType::Struct(fields) => {
            let part = |field: &FieldRef| match field_name(field) {
                Some(name) => format!("{name} {}", type_name(field.data_type())),
                None => type_name(field.data_type()),
            };
            return format!("row({})", fields.iter().map(part).collect::<Vec<_>>().join(","));
        }
        // Nothing of the language has another type; should one appear, its Arrow name helps more than a panic.
        other => return other.to_string(),
    };
    simple.to_owned()
}

/// A text that [`parse_type`] reads as this type again: as [`type_name`], with the names of fields in quotes.
#[must_use]
pub fn type_text(data_type: &DataType) -> String {
    if let Some(value) = timeseries_value(data_type) {
        return format!("timeseries({})", type_text(value));
    }
    match data_type {
        DataType::List(item) => format!("array({})", type_text(item.data_type())),
        DataType::Struct(fields) => {
            let part = |field: &FieldRef| match field_name(field) {
                Some(name) => format!("\"{}\" {}", name.replace('"', "\"\""), type_text(field.data_type())),
                None => type_text(field.data_type()),
            };
            format!("row({})", fields.iter().map(part).collect::<Vec<_>>().join(","))
        }
        other => type_name(other),
    }
}

/// The names of several types, as they stand in messages: `bigint, varchar`.
#[must_use]
pub fn type_names<'a>(data_types: impl IntoIterator<Item = &'a DataType>) -> String {
    data_types.into_iter().map(type_name).collect::<Vec<_>>().join(", ")
}

/// The type both sides convert to without being asked, `None` when there is none.
///
/// integer → bigint → double, date → timestamp, unknown → anything; arrays, rows and time series by their parts.
/// # inferred: Presto's implicit coercions over the types the service has
#[must_use]
pub fn comparable(left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType::{Date32, Float64, Int32, Int64, List, Null, Struct, Timestamp};
    let (left, right) = (plain(left), plain(right));
    if left == right {
        return Some(left.clone());
    }
    match (left, right) {
        (Null, other) | (other, Null) => Some(other.clone()),
        (Int32, Int64) | (Int64, Int32) => Some(Int64),
        (Int32 | Int64, Float64) | (Float64, Int32 | Int64) => Some(Float64),
        (Date32, Timestamp(_, _)) | (Timestamp(_, _), Date32) => Some(TIMESTAMP),
        (List(a), List(b)) if is_timeseries(left) && is_timeseries(right) => {
            let (Struct(a), Struct(b)) = (a.data_type(), b.data_type()) else { return None };
            Some(timeseries(comparable(a[1].data_type(), b[1].data_type())?))
        }
        (List(a), List(b)) if !is_timeseries(left) && !is_timeseries(right) => {
            Some(array(comparable(a.data_type(), b.data_type())?))
        }
        (Struct(a), Struct(b)) if a.len() == b.len() => {
            let part = |(index, (a, b)): (usize, (&FieldRef, &FieldRef))| {
                let name = match (field_name(a), field_name(b)) {
                    (Some(a), Some(b)) if a == b => a.to_owned(),
                    _ => anonymous_field(index),
                };
                Some(Field::new(name, comparable(a.data_type(), b.data_type())?, true))
            };
            Some(Struct(a.iter().zip(b).enumerate().map(part).collect::<Option<Vec<_>>>()?.into()))
        }
        _ => None,
    }
}

/// The type all convert to without being asked; `Null` (unknown) for none at all.
#[must_use]
pub fn common_type(data_types: &[DataType]) -> Option<DataType> {
    data_types.iter().try_fold(DataType::Null, |common, next| comparable(&common, next))
}

/// Whether a value of type `from` is accepted where `to` is declared, converting it if need be.
#[must_use]
pub fn coerces(from: &DataType, to: &DataType) -> bool {
    comparable(from, to).is_some_and(|common| same_apart_from_names(&common, to))
}

/// Whether two types differ in nothing but the names of rows' fields.
fn same_apart_from_names(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_apart_from_names(a.data_type(), b.data_type()))
        }
        (DataType::List(a), DataType::List(b)) => {
            a.name() == b.name() && same_apart_from_names(a.data_type(), b.data_type())
        }
        _ => left == right,
    }
}

/// Text in another of Arrow's layouts counts as varchar or varbinary.
fn plain(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Utf8View | DataType::LargeUtf8 => &DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => &DataType::Binary,
        DataType::Dictionary(_, value) => plain(value),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_types() {
        let check = |data_type: DataType, expect: &str| assert_eq!(type_name(&data_type), expect);
        check(DataType::Int32, "integer");
        check(DAY_TO_SECOND, "interval day to second");
        check(YEAR_TO_MONTH, "interval year to month");
        check(array(DataType::Utf8), "array(varchar)");
        check(timeseries(DataType::Float64), "timeseries(double)");
        check(anonymous_row([DataType::Utf8, DataType::Int64]), "row(varchar,bigint)");
        check(parse_type("row(a bigint, b double)").unwrap(), "row(a bigint,b double)");
        check(DataType::Null, "unknown");
    }

    #[test]
    fn texts_of_types_are_read_again() {
        for text in [
            "bigint",
            "array(row(\"a \"\" b\" date, \"row\" time))",
            "row(bigint, array(unknown))",
            "timeseries(row(x date))",
        ] {
            let data_type = parse_type(text).unwrap();
            assert_eq!(parse_type(&type_text(&data_type)), Ok(data_type), "{text}");
        }
    }

    #[test]
    fn types_accepted_for_others() {
        let check = |from: &str, to: &str, expect: bool| {
            assert_eq!(coerces(&parse_type(from).unwrap(), &parse_type(to).unwrap()), expect, "{from} {to}");
        };
        check("integer", "double", true);
        check("double", "integer", false);
        check("row(a integer)", "row(b bigint)", true);
        check("row(a double)", "row(b bigint)", false);
        check("array(row(integer))", "array(row(x double))", true);
        check("timestamp", "date", false);
        check("unknown", "date", true);
    }

    #[test]
    fn types_both_sides_convert_to() {
        let check = |left: &str, right: &str, expect: Option<&str>| {
            let (left, right) = (parse_type(left).unwrap(), parse_type(right).unwrap());
            assert_eq!(comparable(&left, &right).map(|t| type_name(&t)).as_deref(), expect, "{left} {right}");
            assert_eq!(comparable(&right, &left).map(|t| type_name(&t)).as_deref(), expect, "{right} {left}");
        };
        check("integer", "bigint", Some("bigint"));
        check("integer", "double", Some("double"));
        check("date", "timestamp", Some("timestamp"));
        check("unknown", "row(a bigint)", Some("row(a bigint)"));
        check("array(integer)", "array(double)", Some("array(double)"));
        check("row(a integer)", "row(b bigint)", Some("row(bigint)"));
        check("timeseries(bigint)", "timeseries(double)", Some("timeseries(double)"));
        check("varchar", "bigint", None);
        check("boolean", "integer", None);
        check("timeseries(double)", "array(double)", None);
        check("interval day to second", "interval year to month", None);
        check("row(integer)", "row(integer, integer)", None);
    }
}
