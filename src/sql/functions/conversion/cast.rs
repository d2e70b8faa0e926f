//! CAST and TRY_CAST, and the conversions nobody asks for by name.
//!
//! The rewriter turns `CAST(x AS T)` into `__cast(x, 'T')`. Which pairs of types there are, how a value is rounded and
//! what an error says is Presto's of 2020. # inferred: the guide lists no pairs

use super::super::{
    Class, Definition, Family, Function,
    call::{self, Call},
    scalar::{Resolved, scalar},
    signature::{Arguments, unexpected_parameters},
};
use crate::sql::{
    error::invalid,
    types::{
        self, TIME, TIMESTAMP,
        calendar::DAY_NS,
        text::{
            write_date, write_double, write_interval_day_to_second, write_interval_year_to_month, write_time,
            write_timestamp,
        },
    },
};
use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, ListArray, PrimitiveArray, StringArray,
            StringBuilder, StructArray, new_null_array,
        },
        compute,
        datatypes::{
            DataType, Date32Type, DurationNanosecondType, FieldRef, Float64Type, Int32Type, Int64Type, IntervalUnit,
            IntervalYearMonthType, Time64NanosecondType, TimeUnit, TimestampNanosecondType,
        },
    },
    error::Result,
    logical_expr::{Expr, ScalarUDF, lit},
};
use std::sync::{Arc, LazyLock};

/// `expr` converted to a type that its own converts to without being asked, for the planner: DataFusion's own cast
/// matches the fields of rows by name, the language by position.
#[must_use]
pub fn implicit(expr: Expr, to: &DataType) -> Expr {
    static CAST: LazyLock<Option<Arc<ScalarUDF>>> = LazyLock::new(|| {
        functions().into_iter().find_map(|function| match function.definition {
            Definition::Scalar(udf) if udf.name() == "__cast" => Some(udf),
            _ => None,
        })
    });
    match &*CAST {
        Some(cast) => cast.call(vec![expr, lit(types::type_text(to))]),
        None => expr,
    }
}

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("__cast", Family::Conversion, Class::Internal, "CAST: converts a value or fails.")
            .custom("__cast(T, varchar) -> U", |arguments| resolve(arguments, |call| explicit(call, OnFailure::Fail)))
            .build(),
        scalar("__try_cast", Family::Conversion, Class::Internal, "TRY_CAST: converts a value or gives NULL.")
            .custom("__try_cast(T, varchar) -> U", |arguments| {
                resolve(arguments, |call| explicit(call, OnFailure::Null))
            })
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What becomes of a value that cannot be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The query fails.
    Fail,
    /// It becomes NULL.
    Null,
}

fn resolve(arguments: &Arguments, kernel: call::Kernel) -> Result<Resolved> {
    let ([from, _], Some(text)) = (arguments.types, arguments.literal_text(1)) else {
        return Err(unexpected_parameters(arguments, "__cast(T, varchar)"));
    };
    let to = types::parse_type_text(text).map_err(invalid)?.data_type;
    if !can_cast(from, &to) {
        return Err(invalid(format!("Cannot cast {} to {}", types::type_name(from), types::type_name(&to))));
    }
    Ok(Resolved { parameters: vec![from.clone(), DataType::Utf8], returns: to, kernel })
}

fn explicit(call: &Call, on_failure: OnFailure) -> Result<ArrayRef> {
    let input = call.column(0)?;
    let converted = cast(&input.array, call.returns, on_failure)?;
    let length = match call.texts(1)?.get(0) {
        Some(text) if *call.returns == DataType::Utf8 => types::parse_type_text(text).map_err(invalid)?.varchar_length,
        _ => None,
    };
    let converted = match length {
        Some(length) => cut(&converted, length, *input.array.data_type() == DataType::Utf8, on_failure)?,
        None => converted,
    };
    call::Column { array: converted, constant: input.constant }.expand(call.rows)
}

/// Texts of at most `length` characters: a varchar is cut, anything else does not fit.
fn cut(texts: &ArrayRef, length: usize, was_varchar: bool, on_failure: OnFailure) -> Result<ArrayRef> {
    let cut_one = |text: &str| match text.char_indices().nth(length) {
        None => Ok(Some(text.to_owned())),
        Some((end, _)) if was_varchar => Ok(Some(text[..end].to_owned())),
        Some(_) if on_failure == OnFailure::Null => Ok(None),
        Some(_) => Err(invalid(format!("Value {text} cannot be represented as varchar({length})"))),
    };
    let cut = call::string(texts)?.iter().map(|text| text.map_or(Ok(None), cut_one));
    Ok(Arc::new(cut.collect::<Result<StringArray>>()?))
}

/// Whether CAST has this pair of types.
#[must_use]
pub fn can_cast(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Boolean, Date32, Duration, Float64, Int32, Int64, Interval, List, Null, Struct, Time64,
        Timestamp, Utf8, Utf8View,
    };
    match (from, to) {
        (Null, _) => true,
        (List(_), List(_)) => match (types::timeseries_value(from), types::timeseries_value(to)) {
            (Some(from), Some(to)) => can_cast(from, to),
            (None, None) => match (types::array_element(from), types::array_element(to)) {
                (Some(from), Some(to)) => can_cast(from, to),
                _ => false,
            },
            _ => false,
        },
        (Struct(from), Struct(to)) => {
            from.len() == to.len() && from.iter().zip(to).all(|(from, to)| can_cast(from.data_type(), to.data_type()))
        }
        (Int32 | Int64 | Float64 | Boolean, Int32 | Int64 | Float64 | Boolean | Utf8) => true,
        (Utf8 | Utf8View, Int32 | Int64 | Float64 | Boolean | Utf8 | Date32 | Time64(_) | Timestamp(_, _) | Binary) => {
            true
        }
        (Binary | BinaryView, Binary | Utf8) => true,
        (Date32, Date32 | Timestamp(_, _) | Utf8) => true,
        (Timestamp(_, _), Timestamp(_, _) | Date32 | Time64(_) | Utf8) => true,
        (Time64(_), Time64(_) | Timestamp(_, _) | Utf8) => true,
        (Duration(_), Duration(_) | Utf8) | (Interval(_), Utf8) => true,
        (Interval(from), Interval(to)) => from == to,
        _ => false,
    }
}

/// Converts an array to a type it converts to without being asked, or to which a literal's text was checked to.
///
/// # Errors
/// When a value does not fit; not for the pairs of [`types::comparable`].
pub fn convert(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    cast(array, to, OnFailure::Fail)
}

/// Converts an array as CAST or TRY_CAST does.
///
/// # Errors
/// With [`OnFailure::Fail`], for the first value that cannot be converted; always when there is no such pair of types.
pub fn cast(array: &ArrayRef, to: &DataType, on_failure: OnFailure) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), to) {
        (DataType::Null, _) => Ok(new_null_array(to, array.len())),
        (DataType::Dictionary(_, _) | DataType::Utf8View | DataType::LargeUtf8 | DataType::BinaryView, _) => {
            let plain = match array.data_type() {
                DataType::Dictionary(_, value) => (**value).clone(),
                DataType::BinaryView => DataType::Binary,
                _ => DataType::Utf8,
            };
            cast(&compute::cast(array, &plain)?, to, on_failure)
        }
        (DataType::List(_) | DataType::Struct(_), DataType::List(_) | DataType::Struct(_)) => match on_failure {
            OnFailure::Fail => cast_nested(array, to),
            OnFailure::Null => cast_nested(array, to).or_else(|_| cast_nested_by_row(array, to)),
        },
        (DataType::Utf8, _) => from_varchar(call::string(array)?, to, on_failure),
        (_, DataType::Utf8) => to_varchar(array),
        (from, _) => cast_simple(array, from, to, on_failure),
    }
}

fn no_such_cast(from: &DataType, to: &DataType) -> datafusion::error::DataFusionError {
    invalid(format!("Cannot cast {} to {}", types::type_name(from), types::type_name(to)))
}

/// Arrays and time series by element, rows by position.
fn cast_nested(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    match (array.data_type(), to) {
        (DataType::List(_), DataType::List(item)) => {
            let list = call::list(array)?;
            let (first, last) = match (list.value_offsets().first(), list.value_offsets().last()) {
                (Some(first), Some(last)) => (*first, *last),
                _ => (0, 0),
            };
            let start = usize::try_from(first).unwrap_or_default();
            let length = usize::try_from(last - first).unwrap_or_default();
            let values = cast(&list.values().slice(start, length), item.data_type(), OnFailure::Fail)?;
            let offsets = datafusion::arrow::buffer::OffsetBuffer::from_lengths(
                list.offsets().windows(2).map(|ends| usize::try_from(ends[1] - ends[0]).unwrap_or_default()),
            );
            Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, list.nulls().cloned())?))
        }
        (DataType::Struct(_), DataType::Struct(fields)) if array.as_struct().num_columns() == fields.len() => {
            let row = array.as_struct();
            let child = |(column, field): (&ArrayRef, &FieldRef)| {
                // What lies under a NULL row is not looked at.
                let column = match row.nulls() {
                    Some(nulls) => compute::nullif(column, &BooleanArray::new(!nulls.inner(), None))?,
                    None => Arc::clone(column),
                };
                cast(&column, field.data_type(), OnFailure::Fail)
            };
            let columns = row.columns().iter().zip(fields).map(child).collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, row.nulls().cloned(), row.len())?))
        }
        (from, _) => Err(no_such_cast(from, to)),
    }
}

/// Where one value inside cannot be converted, the whole array or row becomes NULL.
fn cast_nested_by_row(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let rows: Vec<ArrayRef> = (0..array.len())
        .map(|row| cast_nested(&array.slice(row, 1), to).unwrap_or_else(|_| new_null_array(to, 1)))
        .collect();
    let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
    if rows.is_empty() { Ok(new_null_array(to, 0)) } else { Ok(compute::concat(&rows)?) }
}

/// Converts each value, `None` standing for one that cannot be.
fn each<A: ArrowPrimitiveType, R: ArrowPrimitiveType>(
    array: &ArrayRef,
    on_failure: OnFailure,
    convert: impl Fn(A::Native) -> Result<R::Native>,
) -> Result<ArrayRef> {
    let array = call::primitive::<A>(array)?;
    let converted = array.iter().map(|value| settle(value.map(&convert), on_failure));
    Ok(Arc::new(converted.collect::<Result<PrimitiveArray<R>>>()?))
}

fn settle<T>(converted: Option<Result<T>>, on_failure: OnFailure) -> Result<Option<T>> {
    match converted {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) if on_failure == OnFailure::Null => Ok(None),
        Some(Err(error)) => Err(error),
    }
}

/// Converts each value; none fails.
fn all<A: ArrowPrimitiveType, R: ArrowPrimitiveType>(
    array: &ArrayRef,
    convert: impl Fn(A::Native) -> R::Native,
) -> Result<ArrayRef> {
    Ok(Arc::new(call::primitive::<A>(array)?.unary::<_, R>(convert)))
}

fn booleans<A: ArrowPrimitiveType>(array: &ArrayRef, convert: impl Fn(A::Native) -> bool) -> Result<ArrayRef> {
    let array = call::primitive::<A>(array)?;
    Ok(Arc::new(array.iter().map(|value| value.map(&convert)).collect::<BooleanArray>()))
}

fn from_booleans<R: ArrowPrimitiveType>(array: &ArrayRef, no: R::Native, yes: R::Native) -> Result<ArrayRef> {
    let convert = |value: Option<bool>| value.map(|value| if value { yes } else { no });
    Ok(Arc::new(array.as_boolean().iter().map(convert).collect::<PrimitiveArray<R>>()))
}

/// Pairs of types without parts, neither of them varchar.
fn cast_simple(array: &ArrayRef, from: &DataType, to: &DataType, on_failure: OnFailure) -> Result<ArrayRef> {
    use DataType::{Boolean, Date32, Float64, Int32, Int64, Time64, Timestamp};
    match (from, to) {
        (Int32, Int64) => all::<Int32Type, Int64Type>(array, i64::from),
        (Int32, Float64) => all::<Int32Type, Float64Type>(array, f64::from),
        (Int64, Float64) => all::<Int64Type, Float64Type>(array, |value| value as f64),
        (Int64, Int32) => each::<Int64Type, Int32Type>(array, on_failure, |value| {
            i32::try_from(value).map_err(|_| invalid(format!("Out of range for integer: {value}")))
        }),
        (Float64, Int64) => each::<Float64Type, Int64Type>(array, on_failure, double_to_bigint),
        (Float64, Int32) => each::<Float64Type, Int32Type>(array, on_failure, double_to_integer),
        (Int32, Boolean) => booleans::<Int32Type>(array, |value| value != 0),
        (Int64, Boolean) => booleans::<Int64Type>(array, |value| value != 0),
        (Float64, Boolean) => booleans::<Float64Type>(array, |value| value != 0.0),
        (Boolean, Int32) => from_booleans::<Int32Type>(array, 0, 1),
        (Boolean, Int64) => from_booleans::<Int64Type>(array, 0, 1),
        (Boolean, Float64) => from_booleans::<Float64Type>(array, 0.0, 1.0),
        (Date32, Timestamp(_, _)) => each::<Date32Type, TimestampNanosecondType>(array, on_failure, |days| {
            i64::from(days).checked_mul(DAY_NS).ok_or_else(|| invalid("Date is out of range for timestamp"))
        }),
        (Timestamp(TimeUnit::Nanosecond, None), Date32) => all::<TimestampNanosecondType, Date32Type>(array, |ns| {
            // 2^63 nanoseconds are about 106,752 days.
            i32::try_from(ns.div_euclid(DAY_NS)).unwrap_or_default()
        }),
        (Timestamp(TimeUnit::Nanosecond, None), Time64(_)) => {
            all::<TimestampNanosecondType, Time64NanosecondType>(array, |ns| ns.rem_euclid(DAY_NS))
        }
        (Time64(_), Timestamp(_, _)) => all::<Time64NanosecondType, TimestampNanosecondType>(array, |ns| ns),
        (DataType::Binary, _) if *to == DataType::Binary => Ok(Arc::clone(array)),
        // Another unit of the same type, should an operator of the engine produce one.
        (Timestamp(_, _), Timestamp(_, _) | Date32 | Time64(_)) => {
            cast(&compute::cast(array, &TIMESTAMP)?, to, on_failure)
        }
        _ => Err(no_such_cast(from, to)),
    }
}

/// Half away from zero, as Presto rounds. # inferred
fn double_to_bigint(value: f64) -> Result<i64> {
    let rounded = value.round();
    // 2^63 itself is the first double out of range; -2^63 is the last in it.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&rounded) {
        return Ok(rounded as i64);
    }
    Err(invalid(format!("Unable to cast {} to bigint", double_text(value))))
}

fn double_to_integer(value: f64) -> Result<i32> {
    let rounded = value.round();
    if (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&rounded) {
        return Ok(rounded as i32);
    }
    if value.is_nan() {
        return Err(invalid("Cannot cast double NaN to integer"));
    }
    Err(invalid(format!("Out of range for integer: {}", double_text(value))))
}

fn double_text(value: f64) -> String {
    let mut text = String::new();
    write_double(value, &mut text);
    text
}

fn to_varchar(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Boolean => {
            let texts = array.as_boolean().iter().map(|value| value.map(|value| if value { "true" } else { "false" }));
            Ok(Arc::new(texts.collect::<StringArray>()))
        }
        DataType::Int32 => written::<Int32Type>(array, |value, text| text.push_str(&value.to_string())),
        DataType::Int64 => written::<Int64Type>(array, |value, text| text.push_str(&value.to_string())),
        DataType::Float64 => written::<Float64Type>(array, write_double),
        DataType::Date32 => written::<Date32Type>(array, write_date),
        DataType::Time64(TimeUnit::Nanosecond) => written::<Time64NanosecondType>(array, write_time),
        DataType::Timestamp(TimeUnit::Nanosecond, None) => written::<TimestampNanosecondType>(array, write_timestamp),
        DataType::Duration(TimeUnit::Nanosecond) => {
            written::<DurationNanosecondType>(array, write_interval_day_to_second)
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            written::<IntervalYearMonthType>(array, write_interval_year_to_month)
        }
        DataType::Binary => {
            let text = |bytes: Option<&[u8]>| match bytes.map(std::str::from_utf8).transpose() {
                Ok(text) => Ok(text.map(str::to_owned)),
                Err(_) => Err(invalid("Cannot cast varbinary to varchar: it is not valid UTF-8")),
            };
            Ok(Arc::new(array.as_binary::<i32>().iter().map(text).collect::<Result<StringArray>>()?))
        }
        from => Err(no_such_cast(from, &DataType::Utf8)),
    }
}

fn written<A: ArrowPrimitiveType>(array: &ArrayRef, write: impl Fn(A::Native, &mut String)) -> Result<ArrayRef> {
    let array = call::primitive::<A>(array)?;
    let mut builder = StringBuilder::with_capacity(array.len(), array.len() * 16);
    let mut text = String::new();
    for value in array {
        text.clear();
        match value {
            Some(value) => {
                write(value, &mut text);
                builder.append_value(&text);
            }
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn from_varchar(array: &StringArray, to: &DataType, on_failure: OnFailure) -> Result<ArrayRef> {
    match to {
        DataType::Boolean => {
            let values = array.iter().map(|text| settle(text.map(parse_boolean), on_failure));
            Ok(Arc::new(values.collect::<Result<BooleanArray>>()?))
        }
        DataType::Int32 => parsed::<Int32Type>(array, on_failure, |text| {
            text.parse().map_err(|_| invalid(format!("Cannot cast '{text}' to INT")))
        }),
        DataType::Int64 => parsed::<Int64Type>(array, on_failure, |text| {
            text.parse().map_err(|_| invalid(format!("Cannot cast '{text}' to BIGINT")))
        }),
        DataType::Float64 => parsed::<Float64Type>(array, on_failure, |text| {
            parse_double(text).ok_or_else(|| invalid(format!("Cannot cast '{text}' to DOUBLE")))
        }),
        DataType::Date32 => parsed::<Date32Type>(array, on_failure, |text| {
            types::parse_date(text).ok_or_else(|| invalid(format!("Value cannot be cast to date: {text}")))
        }),
        to if *to == TIME => parsed::<Time64NanosecondType>(array, on_failure, |text| {
            types::parse_time(text).ok_or_else(|| invalid(format!("Value cannot be cast to time: {text}")))
        }),
        to if *to == TIMESTAMP => parsed::<TimestampNanosecondType>(array, on_failure, |text| {
            types::parse_timestamp(text).ok_or_else(|| invalid(format!("Value cannot be cast to timestamp: {text}")))
        }),
        DataType::Binary => Ok(compute::cast(array, to)?),
        _ => Err(no_such_cast(&DataType::Utf8, to)),
    }
}

fn parsed<R: ArrowPrimitiveType>(
    array: &StringArray,
    on_failure: OnFailure,
    parse: impl Fn(&str) -> Result<R::Native>,
) -> Result<ArrayRef> {
    let values = array.iter().map(|text| settle(text.map(&parse), on_failure));
    Ok(Arc::new(values.collect::<Result<PrimitiveArray<R>>>()?))
}

fn parse_boolean(text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "true" | "1" => Ok(true),
        "f" | "false" | "0" => Ok(false),
        _ => Err(invalid(format!("Cannot cast '{text}' to BOOLEAN"))),
    }
}

/// As Java reads a double: spaces around it and a trailing d or f are allowed, `NaN` and `Infinity` are words.
fn parse_double(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    match trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed) {
        "NaN" | "Infinity" => return trimmed.parse().ok(),
        _ => {}
    }
    let number = trimmed.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(trimmed);
    let numeric = number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if numeric { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{super::super::scalar::tests::call, *};
    use datafusion::common::ScalarValue;

    fn check(input: ScalarValue, to: &str, expect: &str) {
        let got = call("__cast", &[input.clone(), ScalarValue::from(to)]);
        assert_eq!(got, expect, "{input} to {to}");
        let tried = call("__try_cast", &[input, ScalarValue::from(to)]);
        assert!(tried == expect || tried == "NULL" || tried == got, "{tried}");
    }

    #[test]
    fn numbers() {
        check(2.5.into(), "bigint", "3");
        check((-2.5).into(), "bigint", "-3");
        check(1.4.into(), "integer", "1");
        check(f64::NAN.into(), "bigint", "error: Unable to cast NaN to bigint");
        check(9.3e18.into(), "bigint", "error: Unable to cast 9.3E18 to bigint");
        check(2_147_483_648i64.into(), "integer", "error: Out of range for integer: 2147483648");
        check(2_147_483_647.4.into(), "integer", "2147483647");
        check(true.into(), "double", "1.0");
        check(0i64.into(), "boolean", "false");
        check(1e10.into(), "varchar", "10000000000.0".replace("10000000000.0", "1.0E10").as_str());
        check(7i32.into(), "bigint", "7");
    }

    #[test]
    fn texts() {
        check("42".into(), "bigint", "42");
        check("+7".into(), "integer", "7");
        check("abc".into(), "bigint", "error: Cannot cast 'abc' to BIGINT");
        check(" 1".into(), "bigint", "error: Cannot cast ' 1' to BIGINT");
        check("1.5e3".into(), "double", "1500.0");
        check("-Infinity".into(), "double", "-Infinity");
        check("inf".into(), "double", "error: Cannot cast 'inf' to DOUBLE");
        check("TRUE".into(), "boolean", "true");
        check("yes".into(), "boolean", "error: Cannot cast 'yes' to BOOLEAN");
        check("2022-05-21".into(), "date", "2022-05-21");
        check("01:00".into(), "time", "01:00:00.000000000");
        check("2021-09-08 19:33:33.1300000".into(), "timestamp", "2021-09-08 19:33:33.130000000");
        check("hello".into(), "timestamp", "error: Value cannot be cast to timestamp: hello");
        check("hello".into(), "varchar(3)", "hel");
        check(12345i64.into(), "varchar(3)", "error: Value 12345 cannot be represented as varchar(3)");
        check(ScalarValue::Utf8(None), "bigint", "NULL");
        check(ScalarValue::Null, "array(bigint)", "NULL");
    }

    #[test]
    fn times() {
        let timestamp = |ns| ScalarValue::TimestampNanosecond(Some(ns), None);
        check(timestamp(1_657_215_752_939_000_000), "varchar", "2022-07-07 17:42:32.939000000");
        check(timestamp(1_657_215_752_939_000_000), "date", "2022-07-07");
        check(timestamp(-1), "date", "1969-12-31");
        check(timestamp(-1), "time", "23:59:59.999999999");
        check(ScalarValue::Date32(Some(1)), "timestamp", "1970-01-02 00:00:00.000000000");
        check(ScalarValue::Date32(Some(i32::MAX)), "timestamp", "error: Date is out of range for timestamp");
        check(ScalarValue::Date32(Some(1)), "bigint", "error: Cannot cast date to bigint");
        check(true.into(), "date", "error: Cannot cast boolean to date");
        check(ScalarValue::DurationNanosecond(Some(1)), "varchar", "0 00:00:00.000000001");
    }

    #[test]
    fn rows_and_arrays() {
        let array = ScalarValue::List(ScalarValue::new_list_nullable(&["1".into(), "x".into()], &DataType::Utf8));
        check(array.clone(), "array(varchar)", "[1, x]");
        assert_eq!(call("__cast", &[array.clone(), "array(bigint)".into()]), "error: Cannot cast 'x' to BIGINT");
        assert_eq!(call("__try_cast", &[array, "array(bigint)".into()]), "NULL");
        let array = ScalarValue::List(ScalarValue::new_list_nullable(&["1".into(), "2".into()], &DataType::Utf8));
        check(array.clone(), "array(double)", "[1.0, 2.0]");
        check(array, "bigint", "error: Cannot cast array(varchar) to bigint");
    }
}
