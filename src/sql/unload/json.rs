//! Values as text: scalars as everywhere, arrays, rows and time series as JSON.

use super::file_field_name;
use crate::sql::types;
use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, ListArray},
    datatypes::{
        DataType, Date32Type, DurationNanosecondType, Float64Type, Int32Type, Int64Type, IntervalYearMonthType,
        TimestampNanosecondType, UInt64Type,
    },
};
use std::fmt::Write as _;

/// Appends the text of a cell that is not null.
pub(super) fn write_cell(array: &ArrayRef, row: usize, out: &mut String) {
    match array.data_type() {
        DataType::List(_) | DataType::Struct(_) => write_json(array, row, out),
        _ => write_scalar(array, row, out),
    }
}

fn write_scalar(array: &ArrayRef, row: usize, out: &mut String) {
    match array.data_type() {
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int32 => drop(write!(out, "{}", array.as_primitive::<Int32Type>().value(row))),
        DataType::Int64 => drop(write!(out, "{}", array.as_primitive::<Int64Type>().value(row))),
        DataType::UInt64 => drop(write!(out, "{}", array.as_primitive::<UInt64Type>().value(row))),
        DataType::Float64 => types::write_double(array.as_primitive::<Float64Type>().value(row), out),
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::Timestamp(..) => {
            types::write_timestamp(array.as_primitive::<TimestampNanosecondType>().value(row), out);
        }
        DataType::Date32 => types::write_date(array.as_primitive::<Date32Type>().value(row), out),
        DataType::Duration(_) => {
            types::write_interval_day_to_second(array.as_primitive::<DurationNanosecondType>().value(row), out);
        }
        DataType::Interval(_) => {
            types::write_interval_year_to_month(array.as_primitive::<IntervalYearMonthType>().value(row), out);
        }
        // Of the other types no statement is planned.
        _ => {}
    }
}

/// # guide: the examples of arrays, rows and time series; # inferred: null, and numbers that JSON does not have as text
fn write_json(array: &ArrayRef, row: usize, out: &mut String) {
    if array.is_null(row) {
        return out.push_str("null");
    }
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            out.push('[');
            for (i, element) in range_of(list, row).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(list.values(), element, out);
            }
            out.push(']');
        }
        DataType::Struct(fields) => {
            out.push('{');
            for (i, (field, cells)) in fields.iter().zip(array.as_struct().columns()).enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(&file_field_name(field, i), out);
                out.push(':');
                write_json(cells, row, out);
            }
            out.push('}');
        }
        DataType::Utf8 => write_string(array.as_string::<i32>().value(row), out),
        DataType::Float64 if !array.as_primitive::<Float64Type>().value(row).is_finite() => quoted(array, row, "", out),
        DataType::Boolean | DataType::Int32 | DataType::Int64 | DataType::UInt64 | DataType::Float64 => {
            write_scalar(array, row, out);
        }
        // # guide: "1970-01-01 00:00:00.000000010Z"
        DataType::Timestamp(..) => quoted(array, row, "Z", out),
        _ => quoted(array, row, "", out),
    }
}

fn quoted(array: &ArrayRef, row: usize, end: &str, out: &mut String) {
    out.push('"');
    write_scalar(array, row, out);
    out.push_str(end);
    out.push('"');
}

fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

fn range_of(list: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = list.value_offsets();
    let at = |i: usize| usize::try_from(offsets[i]).unwrap_or(0);
    at(row)..at(row + 1)
}
