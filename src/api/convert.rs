//! Arrow to the wire: column types to ColumnInfo, cells to Datum, written straight to the response's bytes.

use crate::sql::{MakeRowWriter, OutputColumn, RowWriter, types};
use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, PrimitiveArray, RecordBatch, StringArray, StructArray},
    datatypes::{
        DataType, Date32Type, DurationNanosecondType, FieldRef, Float64Type, Int32Type, Int64Type, IntervalUnit,
        IntervalYearMonthType, Time64NanosecondType, TimeUnit, TimestampNanosecondType, UInt64Type,
    },
};
use std::io::Write as _;

/// Makes the writer of a batch's rows: `{"Data":[…]}`.
pub(super) const ROW_WRITER: MakeRowWriter = |batch| Box::new(Rows::new(batch));

/// Writes `[{"Name":…,"Type":{…}},…]`.
pub(super) fn write_column_info(columns: &[OutputColumn], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, column) in columns.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"Name\":");
        write_string(&column.label, out);
        out.extend_from_slice(b",\"Type\":");
        write_type(&column.data_type, out);
        out.push(b'}');
    }
    out.push(b']');
}

/// Writes a type: `{"ScalarType":"DOUBLE"}` and its kin. # observed: captures
pub(super) fn write_type(data_type: &DataType, out: &mut Vec<u8>) {
    if let Some(value) = types::timeseries_value(data_type) {
        out.extend_from_slice(b"{\"TimeSeriesMeasureValueColumnInfo\":{\"Type\":");
        write_type(value, out);
        out.extend_from_slice(b"}}");
        return;
    }
    match data_type {
        DataType::List(item) => {
            out.extend_from_slice(b"{\"ArrayColumnInfo\":{\"Type\":");
            write_type(item.data_type(), out);
            out.extend_from_slice(b"}}");
        }
        DataType::Struct(fields) => {
            out.extend_from_slice(b"{\"RowColumnInfo\":[");
            for (i, field) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_row_field(field, out);
            }
            out.extend_from_slice(b"]}");
        }
        scalar => {
            let _ = write!(out, "{{\"ScalarType\":\"{}\"}}", scalar_type(scalar));
        }
    }
}

fn write_row_field(field: &FieldRef, out: &mut Vec<u8>) {
    out.push(b'{');
    if let Some(name) = types::field_name(field) {
        out.extend_from_slice(b"\"Name\":");
        write_string(name, out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"Type\":");
    write_type(field.data_type(), out);
    out.push(b'}');
}

/// The API's name of a scalar type. A varbinary has none: no query is planned whose result holds one.
fn scalar_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Int32 => "INTEGER",
        DataType::Int64 | DataType::UInt64 => "BIGINT",
        DataType::Float64 => "DOUBLE",
        DataType::Boolean => "BOOLEAN",
        DataType::Timestamp(..) => "TIMESTAMP",
        DataType::Date32 => "DATE",
        DataType::Time64(_) => "TIME",
        DataType::Duration(_) => "INTERVAL_DAY_TO_SECOND",
        DataType::Interval(_) => "INTERVAL_YEAR_TO_MONTH",
        DataType::Null => "UNKNOWN",
        _ => "VARCHAR",
    }
}

/// Writes a JSON string.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain_from = 0;
    for (i, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&text.as_bytes()[plain_from..i]);
        plain_from = i + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => {
                let _ = write!(out, "\\u{other:04x}");
            }
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain_from..]);
    out.push(b'"');
}

/// The rows of a batch, each column downcast once.
struct Rows(Vec<Cells>);

impl Rows {
    fn new(batch: &RecordBatch) -> Self {
        Self(batch.columns().iter().map(Cells::new).collect())
    }
}

impl RowWriter for Rows {
    fn write_row(&self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"Data\":[");
        for (i, cells) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            cells.write(row, out);
        }
        out.extend_from_slice(b"]}");
    }
}

/// A column's cells.
enum Cells {
    Boolean(BooleanArray),
    Integer(PrimitiveArray<Int32Type>),
    Bigint(PrimitiveArray<Int64Type>),
    Unsigned(PrimitiveArray<UInt64Type>),
    Double(PrimitiveArray<Float64Type>),
    Varchar(StringArray),
    Timestamp(PrimitiveArray<TimestampNanosecondType>),
    Date(PrimitiveArray<Date32Type>),
    Time(PrimitiveArray<Time64NanosecondType>),
    DayToSecond(PrimitiveArray<DurationNanosecondType>),
    YearToMonth(PrimitiveArray<IntervalYearMonthType>),
    Array(ListArray, Box<Cells>),
    TimeSeries(ListArray, Box<Cells>, Box<Cells>),
    Row(StructArray, Vec<Cells>),
    /// UNKNOWN, and what has no wire form.
    Null,
}

impl Cells {
    fn new(array: &ArrayRef) -> Self {
        match array.data_type() {
            DataType::Boolean => Self::Boolean(array.as_boolean().clone()),
            DataType::Int32 => Self::Integer(array.as_primitive().clone()),
            DataType::Int64 => Self::Bigint(array.as_primitive().clone()),
            DataType::UInt64 => Self::Unsigned(array.as_primitive().clone()),
            DataType::Float64 => Self::Double(array.as_primitive().clone()),
            DataType::Utf8 => Self::Varchar(array.as_string().clone()),
            DataType::Timestamp(TimeUnit::Nanosecond, None) => Self::Timestamp(array.as_primitive().clone()),
            DataType::Date32 => Self::Date(array.as_primitive().clone()),
            DataType::Time64(TimeUnit::Nanosecond) => Self::Time(array.as_primitive().clone()),
            DataType::Duration(TimeUnit::Nanosecond) => Self::DayToSecond(array.as_primitive().clone()),
            DataType::Interval(IntervalUnit::YearMonth) => Self::YearToMonth(array.as_primitive().clone()),
            DataType::List(_) => {
                let list = array.as_list::<i32>().clone();
                match list.values().as_struct_opt() {
                    Some(points) if types::is_timeseries(array.data_type()) => {
                        let (time, value) = (Self::new(points.column(0)), Self::new(points.column(1)));
                        Self::TimeSeries(list, Box::new(time), Box::new(value))
                    }
                    _ => {
                        let elements = Self::new(list.values());
                        Self::Array(list, Box::new(elements))
                    }
                }
            }
            DataType::Struct(_) => {
                let row = array.as_struct().clone();
                let fields = row.columns().iter().map(Self::new).collect();
                Self::Row(row, fields)
            }
            _ => Self::Null,
        }
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Boolean(a) => a.is_null(row),
            Self::Integer(a) => a.is_null(row),
            Self::Bigint(a) => a.is_null(row),
            Self::Unsigned(a) => a.is_null(row),
            Self::Double(a) => a.is_null(row),
            Self::Varchar(a) => a.is_null(row),
            Self::Timestamp(a) => a.is_null(row),
            Self::Date(a) => a.is_null(row),
            Self::Time(a) => a.is_null(row),
            Self::DayToSecond(a) => a.is_null(row),
            Self::YearToMonth(a) => a.is_null(row),
            Self::Array(a, _) | Self::TimeSeries(a, ..) => a.is_null(row),
            Self::Row(a, _) => a.is_null(row),
            Self::Null => true,
        }
    }

    /// Writes a Datum.
    fn write(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"{\"NullValue\":true}");
            return;
        }
        match self {
            Self::Array(list, elements) => {
                out.extend_from_slice(b"{\"ArrayValue\":[");
                for (i, element) in range_of(list, row).enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    elements.write(element, out);
                }
                out.extend_from_slice(b"]}");
            }
            Self::TimeSeries(list, times, values) => {
                out.extend_from_slice(b"{\"TimeSeriesValue\":[");
                for (i, point) in range_of(list, row).enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    out.extend_from_slice(b"{\"Time\":\"");
                    times.write_text(point, out);
                    out.extend_from_slice(b"\",\"Value\":");
                    values.write(point, out);
                    out.push(b'}');
                }
                out.extend_from_slice(b"]}");
            }
            Self::Row(_, fields) => {
                out.extend_from_slice(b"{\"RowValue\":{\"Data\":[");
                for (i, field) in fields.iter().enumerate() {
                    if i > 0 {
                        out.push(b',');
                    }
                    field.write(row, out);
                }
                out.extend_from_slice(b"]}}");
            }
            Self::Varchar(texts) => {
                out.extend_from_slice(b"{\"ScalarValue\":");
                write_string(texts.value(row), out);
                out.push(b'}');
            }
            _ => {
                out.extend_from_slice(b"{\"ScalarValue\":\"");
                self.write_text(row, out);
                out.extend_from_slice(b"\"}");
            }
        }
    }

    /// Writes the text of a scalar that needs no escapes.
    fn write_text(&self, row: usize, out: &mut Vec<u8>) {
        let mut text = String::with_capacity(32);
        match self {
            Self::Boolean(a) => text.push_str(if a.value(row) { "true" } else { "false" }),
            Self::Integer(a) => drop(write!(out, "{}", a.value(row))),
            Self::Bigint(a) => drop(write!(out, "{}", a.value(row))),
            Self::Unsigned(a) => drop(write!(out, "{}", a.value(row))),
            Self::Double(a) => types::write_double(a.value(row), &mut text),
            Self::Timestamp(a) => types::write_timestamp(a.value(row), &mut text),
            Self::Date(a) => types::write_date(a.value(row), &mut text),
            Self::Time(a) => types::write_time(a.value(row), &mut text),
            Self::DayToSecond(a) => types::write_interval_day_to_second(a.value(row), &mut text),
            Self::YearToMonth(a) => types::write_interval_year_to_month(a.value(row), &mut text),
            Self::Varchar(_) | Self::Array(..) | Self::TimeSeries(..) | Self::Row(..) | Self::Null => {}
        }
        out.extend_from_slice(text.as_bytes());
    }
}

fn range_of(list: &ListArray, row: usize) -> std::ops::Range<usize> {
    let offsets = list.value_offsets();
    let at = |i: usize| usize::try_from(offsets[i]).unwrap_or(0);
    at(row)..at(row + 1)
}
