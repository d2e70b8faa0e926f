//! `__arith(operators, a, b, c, …)` and `__neg(a)`: `+ - * / %` and unary minus.
//!
//! A chain is one call, however long: nested calls would cost planning time that grows with the cube of their number.
//! The first argument holds the operators, one character for each step; steps associate to the left, and the type after
//! each step decides the next. Integers are checked: INTEGER stays INTEGER and overflows at 2^31, as in Presto.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, Column, zip},
        conversion::cast::convert,
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{
        self, DAY_TO_SECOND, TIME, TIMESTAMP, YEAR_TO_MONTH,
        calendar::{DAY_NS, add_months, add_months_ns},
    },
};
use datafusion::{
    arrow::{
        array::{ArrayRef, ArrowPrimitiveType, new_null_array},
        datatypes::{
            DataType, Date32Type, DurationNanosecondType, Float64Type, Int32Type, Int64Type, IntervalYearMonthType,
            Time64NanosecondType, TimestampNanosecondType,
        },
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::{fmt::Display, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("__arith", Family::Operator, Class::Internal, "A chain of + and -, or of * / and %.")
            .custom("__arith(varchar, T, U, ...) -> V", resolve_chain)
            .build(),
        scalar("__neg", Family::Operator, Class::Internal, "Unary minus.").custom("__neg(T) -> T", resolve_neg).build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    fn of(symbol: char) -> Option<Self> {
        Some(match symbol {
            '+' => Self::Add,
            '-' => Self::Subtract,
            '*' => Self::Multiply,
            '/' => Self::Divide,
            '%' => Self::Remainder,
            _ => return None,
        })
    }

    fn symbol(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
            Self::Remainder => '%',
        }
    }

    /// What Presto calls it in `bigint addition overflow: …`.
    fn noun(self) -> &'static str {
        match self {
            Self::Add => "addition",
            Self::Subtract => "subtraction",
            Self::Multiply => "multiplication",
            Self::Divide => "division",
            Self::Remainder => "modulus",
        }
    }
}

fn resolve_chain(arguments: &Arguments) -> Result<Resolved> {
    let (Some(operators), [_, first, rest @ ..]) = (arguments.literal_text(0), arguments.types) else {
        return Err(unexpected_parameters(arguments, "__arith(varchar, T, U, ...)"));
    };
    if operators.chars().count() != rest.len() {
        return Err(internal_datafusion_err!("{} operators for {} operands", operators.len(), rest.len() + 1));
    }
    let mut returns = first.clone();
    for (symbol, right) in operators.chars().zip(rest) {
        let operator = Operator::of(symbol).ok_or_else(|| internal_datafusion_err!("operator {symbol}"))?;
        returns = step_type(operator, &returns, right).ok_or_else(|| {
            let (left, right) = (types::type_name(&returns), types::type_name(right));
            invalid(format!("'{symbol}' cannot be applied to {left}, {right}"))
        })?;
    }
    Ok(Resolved { parameters: arguments.types.to_vec(), returns, kernel: chain })
}

/// The type of `left operator right`, `None` when the operator does not take them.
/// # guide: date-time operators (which pairs there are) · Presto (numbers; interval times number)
fn step_type(operator: Operator, left: &DataType, right: &DataType) -> Option<DataType> {
    use DataType::{Date32, Float64, Int32, Int64, Null};
    use Operator::{Add, Divide, Multiply, Subtract};
    let number = |data_type: &DataType| matches!(data_type, Int32 | Int64 | Float64 | Null);
    let interval = |data_type: &DataType| *data_type == DAY_TO_SECOND || *data_type == YEAR_TO_MONTH;
    let moved_by = |moment: &DataType, by: &DataType| match by {
        by if *by == DAY_TO_SECOND => *moment == TIMESTAMP || *moment == Date32 || *moment == TIME,
        by if *by == YEAR_TO_MONTH => *moment == TIMESTAMP || *moment == Date32,
        _ => *by == Null && (*moment == TIMESTAMP || *moment == Date32 || *moment == TIME),
    };
    if number(left) && number(right) {
        return types::comparable(left, right);
    }
    match operator {
        Add | Subtract if moved_by(left, right) => Some(left.clone()),
        Add if moved_by(right, left) => Some(right.clone()),
        Add | Subtract if interval(left) && (left == right || *right == Null) => Some(left.clone()),
        Add | Subtract if interval(right) && *left == Null => Some(right.clone()),
        Multiply | Divide if interval(left) && number(right) => Some(left.clone()),
        Multiply if number(left) && interval(right) => Some(right.clone()),
        _ => None,
    }
}

fn chain(call: &Call) -> Result<ArrayRef> {
    let operators = call.texts(0)?.get(0).unwrap_or_default().to_owned();
    let mut result = call.column(1)?.clone();
    for (index, symbol) in operators.chars().enumerate() {
        let operator = Operator::of(symbol).ok_or_else(|| internal_datafusion_err!("operator {symbol}"))?;
        let right = call.column(index + 2)?;
        let constant = result.constant && right.constant;
        let rows = if constant { 1 } else { call.rows };
        result = Column { array: step(operator, &result, right, rows)?, constant };
    }
    result.expand(call.rows)
}

fn step(operator: Operator, left: &Column, right: &Column, rows: usize) -> Result<ArrayRef> {
    let (left_type, right_type) = (left.array.data_type(), right.array.data_type());
    let returns = step_type(operator, left_type, right_type)
        .ok_or_else(|| internal_datafusion_err!("{operator:?} of {left_type} and {right_type}"))?;
    if *left_type == DataType::Null || *right_type == DataType::Null {
        return Ok(new_null_array(&returns, rows));
    }
    match &returns {
        DataType::Int32 => integers::<Int32Type>(operator, left, right, rows, "integer"),
        DataType::Int64 => integers::<Int64Type>(operator, left, right, rows, "bigint"),
        DataType::Float64 => doubles(operator, left, right, rows),
        _ if operator == Operator::Add && *left_type != returns => moments(operator, right, left, rows),
        _ if *left_type == returns && left_type == right_type => intervals(operator, left, right, rows),
        returns if *returns == DAY_TO_SECOND || *returns == YEAR_TO_MONTH => scaled(operator, left, right, rows),
        _ => moments(operator, left, right, rows),
    }
}

/// The arithmetic of one integer type; `None` where it overflows.
trait Checked: Copy + Display + PartialEq + Default {
    fn checked(self, operator: Operator, right: Self) -> Option<Self>;
}

macro_rules! checked {
    ($($native:ty),*) => {$(
        impl Checked for $native {
            fn checked(self, operator: Operator, right: Self) -> Option<Self> {
                match operator {
                    Operator::Add => self.checked_add(right),
                    Operator::Subtract => self.checked_sub(right),
                    Operator::Multiply => self.checked_mul(right),
                    Operator::Divide => self.checked_div(right),
                    // The smallest number modulo -1 is 0, as in Java.
                    Operator::Remainder => Some(self.wrapping_rem(right)),
                }
            }
        }
    )*};
}
checked!(i32, i64);

fn integers<T: ArrowPrimitiveType<Native: Checked>>(
    operator: Operator,
    left: &Column,
    right: &Column,
    rows: usize,
    type_name: &str,
) -> Result<ArrayRef> {
    let divides = matches!(operator, Operator::Divide | Operator::Remainder);
    let (left, right) = (converted(left, &T::DATA_TYPE)?, converted(right, &T::DATA_TYPE)?);
    zip::<T, T, T>(&left, &right, rows, |left, right| {
        if divides && right == T::Native::default() {
            return Err(invalid("Division by zero"));
        }
        left.checked(operator, right).ok_or_else(|| {
            invalid(format!("{type_name} {} overflow: {left} {} {right}", operator.noun(), operator.symbol()))
        })
    })
}

fn doubles(operator: Operator, left: &Column, right: &Column, rows: usize) -> Result<ArrayRef> {
    let (left, right) = (converted(left, &DataType::Float64)?, converted(right, &DataType::Float64)?);
    let with = |compute: fn(f64, f64) -> f64| {
        zip::<Float64Type, Float64Type, Float64Type>(&left, &right, rows, |left, right| Ok(compute(left, right)))
    };
    match operator {
        Operator::Add => with(|left, right| left + right),
        Operator::Subtract => with(|left, right| left - right),
        Operator::Multiply => with(|left, right| left * right),
        Operator::Divide => with(|left, right| left / right),
        Operator::Remainder => with(|left, right| left % right),
    }
}

fn converted(column: &Column, to: &DataType) -> Result<Column> {
    Ok(Column { array: convert(&column.array, to)?, constant: column.constant })
}

/// interval ± interval of one family.
fn intervals(operator: Operator, left: &Column, right: &Column, rows: usize) -> Result<ArrayRef> {
    let overflow = || invalid(format!("interval {} overflow", operator.noun()));
    if *left.array.data_type() == DAY_TO_SECOND {
        type Ns = DurationNanosecondType;
        return zip::<Ns, Ns, Ns>(left, right, rows, |left, right| left.checked(operator, right).ok_or_else(overflow));
    }
    type Months = IntervalYearMonthType;
    zip::<Months, Months, Months>(left, right, rows, |left, right| left.checked(operator, right).ok_or_else(overflow))
}

/// interval * number, number * interval, interval / number; toward zero, as Presto. # inferred
fn scaled(operator: Operator, left: &Column, right: &Column, rows: usize) -> Result<ArrayRef> {
    let is_interval =
        |column: &Column| matches!(column.array.data_type(), DataType::Duration(_) | DataType::Interval(_));
    let (interval, number) = if is_interval(left) { (left, right) } else { (right, left) };
    let whole = operator == Operator::Multiply && *number.array.data_type() != DataType::Float64;
    let overflow = || invalid(format!("interval {} overflow", operator.noun()));
    let by_double = |value: f64, factor: f64| match operator {
        Operator::Divide if factor == 0.0 => Err(invalid("Division by zero")),
        Operator::Divide => Ok(value / factor),
        _ => Ok(value * factor),
    };
    if *interval.array.data_type() == DAY_TO_SECOND {
        type Ns = DurationNanosecondType;
        if whole {
            let number = converted(number, &DataType::Int64)?;
            return zip::<Ns, Int64Type, Ns>(interval, &number, rows, |ns, factor| {
                ns.checked_mul(factor).ok_or_else(overflow)
            });
        }
        let number = converted(number, &DataType::Float64)?;
        return zip::<Ns, Float64Type, Ns>(interval, &number, rows, |ns, factor| {
            let scaled = by_double(ns as f64, factor)?;
            let fits = scaled.abs() < 9_223_372_036_854_775_807.0;
            if fits { Ok(scaled as i64) } else { Err(overflow()) }
        });
    }
    type Months = IntervalYearMonthType;
    let number = converted(number, &DataType::Float64)?;
    zip::<Months, Float64Type, Months>(interval, &number, rows, |months, factor| {
        let scaled = by_double(f64::from(months), factor)?;
        let fits = scaled.abs() <= f64::from(i32::MAX);
        if fits { Ok(scaled as i32) } else { Err(overflow()) }
    })
}

/// timestamp, date or time ± interval.
fn moments(operator: Operator, moment: &Column, interval: &Column, rows: usize) -> Result<ArrayRef> {
    let backward = operator == Operator::Subtract;
    let sign = if backward { -1 } else { 1 };
    let by_months = *interval.array.data_type() == YEAR_TO_MONTH;
    type Ns = DurationNanosecondType;
    type Months = IntervalYearMonthType;
    let timestamp_range = || invalid("timestamp is out of range");
    let date_range = || invalid("date is out of range");
    match moment.array.data_type() {
        data_type if *data_type == TIME => {
            zip::<Time64NanosecondType, Ns, Time64NanosecondType>(moment, interval, rows, |time, ns| {
                let ns = ns.rem_euclid(DAY_NS);
                Ok((time + if backward { -ns } else { ns }).rem_euclid(DAY_NS))
            })
        }
        data_type if *data_type == TIMESTAMP && by_months => {
            zip::<TimestampNanosecondType, Months, TimestampNanosecondType>(moment, interval, rows, |ns, months| {
                add_months_ns(ns, sign * i64::from(months)).ok_or_else(timestamp_range)
            })
        }
        data_type if *data_type == TIMESTAMP => {
            zip::<TimestampNanosecondType, Ns, TimestampNanosecondType>(moment, interval, rows, |moment, ns| {
                let moved = if backward { moment.checked_sub(ns) } else { moment.checked_add(ns) };
                moved.ok_or_else(timestamp_range)
            })
        }
        _ if by_months => zip::<Date32Type, Months, Date32Type>(moment, interval, rows, |days, months| {
            let moved = add_months(i64::from(days), sign * i64::from(months));
            moved.and_then(|days| i32::try_from(days).ok()).ok_or_else(date_range)
        }),
        _ => zip::<Date32Type, Ns, Date32Type>(moment, interval, rows, |days, ns| {
            if ns % DAY_NS != 0 {
                // Presto's words. # guide: date ± interval takes day, month and year
                let doing =
                    if backward { "subtract hour, minutes or seconds from" } else { "add hour, minutes or seconds to" };
                return Err(invalid(format!("Cannot {doing} a date")));
            }
            i32::try_from(i64::from(days) + sign * (ns / DAY_NS)).map_err(|_| date_range())
        }),
    }
}

fn resolve_neg(arguments: &Arguments) -> Result<Resolved> {
    let [data_type] = arguments.types else { return Err(unexpected_parameters(arguments, "__neg(T)")) };
    let number = matches!(data_type, DataType::Int32 | DataType::Int64 | DataType::Float64 | DataType::Null);
    if !number && *data_type != DAY_TO_SECOND && *data_type != YEAR_TO_MONTH {
        return Err(invalid(format!("'-' cannot be applied to {}", types::type_name(data_type))));
    }
    Ok(Resolved { parameters: vec![data_type.clone()], returns: data_type.clone(), kernel: neg })
}

fn neg(call: &Call) -> Result<ArrayRef> {
    let overflow = |name: &str, value: &dyn Display| invalid(format!("{name} negation overflow: {value}"));
    match call.returns {
        DataType::Int32 => call.map::<Int32Type, Int32Type>(|v| v.checked_neg().ok_or_else(|| overflow("integer", &v))),
        DataType::Int64 => call.map::<Int64Type, Int64Type>(|v| v.checked_neg().ok_or_else(|| overflow("bigint", &v))),
        DataType::Float64 => call.map::<Float64Type, Float64Type>(|v| Ok(-v)),
        DataType::Duration(_) => call.map::<DurationNanosecondType, DurationNanosecondType>(|v| {
            v.checked_neg().ok_or_else(|| invalid("interval negation overflow"))
        }),
        DataType::Interval(_) => call.map::<IntervalYearMonthType, IntervalYearMonthType>(|v| {
            v.checked_neg().ok_or_else(|| invalid("interval negation overflow"))
        }),
        _ => Ok(Arc::clone(&call.column(0)?.array)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scalar::tests::{call, invoke};
    use datafusion::{
        arrow::array::{ArrayRef, Int64Array},
        common::ScalarValue,
        logical_expr::ColumnarValue,
    };
    use std::sync::Arc;

    fn check(operators: &str, operands: &[ScalarValue], expect: &str) {
        let arguments: Vec<_> = std::iter::once(operators.into()).chain(operands.iter().cloned()).collect();
        assert_eq!(call("__arith", &arguments), expect, "{operators} {operands:?}");
    }

    fn ns(ns: i64) -> ScalarValue {
        ScalarValue::DurationNanosecond(Some(ns))
    }

    fn months(months: i32) -> ScalarValue {
        ScalarValue::IntervalYearMonth(Some(months))
    }

    fn timestamp(text: &str) -> ScalarValue {
        ScalarValue::TimestampNanosecond(crate::sql::types::parse_timestamp(text), None)
    }

    fn date(text: &str) -> ScalarValue {
        ScalarValue::Date32(crate::sql::types::parse_date(text))
    }

    const DAY: i64 = 86_400_000_000_000;

    #[test]
    fn integers_are_checked() {
        check("+", &[1i32.into(), 2i32.into()], "3");
        check("+", &[i32::MAX.into(), 1i32.into()], "error: integer addition overflow: 2147483647 + 1");
        check("+", &[i32::MAX.into(), 1i64.into()], "2147483648");
        check("++", &[i32::MAX.into(), 1i32.into(), 1i64.into()], "error: integer addition overflow: 2147483647 + 1");
        check("+", &[i64::MAX.into(), 1i64.into()], "error: bigint addition overflow: 9223372036854775807 + 1");
        check("-", &[i64::MIN.into(), 1i32.into()], "error: bigint subtraction overflow: -9223372036854775808 - 1");
        check("*", &[i64::MAX.into(), 2i64.into()], "error: bigint multiplication overflow: 9223372036854775807 * 2");
        check("/", &[i64::MIN.into(), (-1i64).into()], "error: bigint division overflow: -9223372036854775808 / -1");
        check("%", &[i64::MIN.into(), (-1i64).into()], "0");
        check("/", &[(-7i32).into(), 2i32.into()], "-3");
        check("%", &[(-7i32).into(), 3i32.into()], "-1");
        check("/", &[1i32.into(), 0i32.into()], "error: Division by zero");
        check("%", &[1i64.into(), 0i32.into()], "error: Division by zero");
        check("+-", &[10i32.into(), 5i32.into(), 3i32.into()], "12");
        check("/*", &[7i32.into(), 2i32.into(), 2i32.into()], "6");
    }

    #[test]
    fn doubles_and_nulls() {
        check("/", &[1i32.into(), 0.0.into()], "Infinity");
        check("%", &[0.0.into(), 0i32.into()], "NaN");
        check("+*", &[1i32.into(), 0.5.into(), 2i32.into()], "3.0");
        check("+", &[1i32.into(), ScalarValue::Null], "NULL");
        check("/", &[ScalarValue::Int32(None), 0i32.into()], "NULL");
        check("+", &["a".into(), 1i32.into()], "error: '+' cannot be applied to varchar, integer");
        check("+", &[true.into(), 1i32.into()], "error: '+' cannot be applied to boolean, integer");
    }

    #[test]
    fn moments_and_intervals() {
        check("+", &[timestamp("2020-01-31"), months(1)], "2020-02-29 00:00:00.000000000");
        check("-", &[timestamp("2020-03-31 01:00"), months(1)], "2020-02-29 01:00:00.000000000");
        check("+-", &[timestamp("2020-01-01"), ns(DAY), ns(1)], "2020-01-01 23:59:59.999999999");
        check("+", &[ns(DAY), timestamp("2020-01-01")], "2020-01-02 00:00:00.000000000");
        check("+", &[timestamp("2262-04-11"), ns(DAY)], "error: timestamp is out of range");
        check("+", &[date("2012-10-31"), months(1)], "2012-11-30");
        check("-", &[date("2012-08-08"), ns(2 * DAY)], "2012-08-06");
        check("+", &[date("2012-08-08"), ns(1)], "error: Cannot add hour, minutes or seconds to a date");
        check("-", &[ScalarValue::Time64Nanosecond(Some(0)), ns(1)], "23:59:59.999999999");
        check("+", &[ScalarValue::Time64Nanosecond(Some(DAY - 1)), ns(i64::MAX)], "23:47:16.854775806");
        check("+", &[ns(DAY), ns(DAY)], "2 00:00:00.000000000");
        check("*", &[2i32.into(), ns(DAY)], "2 00:00:00.000000000");
        check("*", &[ns(DAY), 1.5.into()], "1 12:00:00.000000000");
        check("/", &[ns(DAY), 2i32.into()], "0 12:00:00.000000000");
        check("/", &[ns(DAY), 0i32.into()], "error: Division by zero");
        check("*", &[months(7), 3i32.into()], "1-9");
        check("*", &[ns(i64::MAX), 2i32.into()], "error: interval multiplication overflow");
        check("+", &[timestamp("2020-01-01"), ScalarValue::Null], "NULL");
    }

    #[test]
    fn pairs_there_are_not() {
        let check_type = |operators, left, right, types: &str| {
            check(operators, &[left, right], &format!("error: '{operators}' cannot be applied to {types}"));
        };
        check_type("-", timestamp("2020-01-01"), timestamp("2020-01-01"), "timestamp, timestamp");
        check_type("-", date("2020-01-01"), date("2020-01-01"), "date, date");
        check_type("+", timestamp("2020-01-01"), 1i32.into(), "timestamp, integer");
        check_type("-", ns(1), timestamp("2020-01-01"), "interval day to second, timestamp");
        check_type("+", ns(1), months(1), "interval day to second, interval year to month");
        check_type("+", ScalarValue::Time64Nanosecond(Some(0)), months(1), "time, interval year to month");
        check_type("/", 1i32.into(), ns(1), "integer, interval day to second");
        check_type("%", ns(1), 1i32.into(), "interval day to second, integer");
    }

    #[test]
    fn columns_and_constants_mix() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let constant = |value: ScalarValue| ColumnarValue::Scalar(value);
        let arguments =
            vec![constant("+-".into()), constant(10i32.into()), ColumnarValue::Array(column), constant(1i32.into())];
        assert_eq!(invoke("__arith", arguments, 3).unwrap(), ["10", "NULL", "12"]);
    }

    #[test]
    fn a_chain_of_thousands_of_terms() {
        let operators = "+".repeat(4_999);
        let operands = vec![ScalarValue::from(1i32); 5_000];
        check(&operators, &operands, "5000");
    }

    #[test]
    fn negation() {
        let check = |value: ScalarValue, expect: &str| assert_eq!(call("__neg", &[value]), expect);
        check(5i32.into(), "-5");
        check(1.5.into(), "-1.5");
        check(ns(DAY), "-1 00:00:00.000000000");
        check(i32::MIN.into(), "error: integer negation overflow: -2147483648");
        check(ScalarValue::Null, "NULL");
        check("x".into(), "error: '-' cannot be applied to varchar");
    }
}
