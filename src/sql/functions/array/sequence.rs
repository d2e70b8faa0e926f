//! `sequence(start, stop[, step])`: whole numbers, dates or timestamps from one to the other, both included. Without a
//! step it is 1 or -1 (numbers), or a day forwards or backwards.
//! # guide: array-functions.html · at most 10,000 entries: Presto, and a sample of AWS's that works around it

use crate::{
    model::limits::{BATCH_ARRAY_ENTRIES_MAX, SEQUENCE_ENTRIES_MAX},
    sql::{
        error::invalid,
        functions::{Class, Family, Function, call::Call, scalar::scalar},
        types::calendar::{DAY_NS, add_months, add_months_ns},
    },
};
use datafusion::{
    arrow::{
        array::{ArrayRef, ArrowPrimitiveType, ListArray, PrimitiveArray},
        buffer::{NullBuffer, OffsetBuffer},
        datatypes::{
            DataType, Date32Type, DurationNanosecondType, Int64Type, IntervalYearMonthType, TimestampNanosecondType,
        },
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("sequence", Family::Array, Class::Documented, "The numbers or times from one to another, both included.")
        .form("sequence(bigint, bigint) -> array(bigint)", numbers_by)
        .form("sequence(bigint, bigint, bigint) -> array(bigint)", numbers_by)
        .form("sequence(date, date) -> array(date)", dates_by_days)
        .form("sequence(date, date, interval day to second) -> array(date)", dates_by_days)
        .form("sequence(date, date, interval year to month) -> array(date)", dates_by_months)
        .form("sequence(timestamp, timestamp) -> array(timestamp)", timestamps_by_ns)
        .form("sequence(timestamp, timestamp, interval day to second) -> array(timestamp)", timestamps_by_ns)
        .form("sequence(timestamp, timestamp, interval year to month) -> array(timestamp)", timestamps_by_months)
        .build()
}

/// One or minus one, toward the stop.
fn toward(start: i64, stop: i64) -> i64 {
    if start <= stop { 1 } else { -1 }
}

fn numbers_by(call: &Call) -> Result<ArrayRef> {
    sequences::<Int64Type, Int64Type>(
        call,
        |start, stop| Ok(toward(start, stop)),
        Ok,
        |start, step, n| step.checked_mul(n).and_then(|by| start.checked_add(by)),
    )
}

fn timestamps_by_ns(call: &Call) -> Result<ArrayRef> {
    sequences::<TimestampNanosecondType, DurationNanosecondType>(
        call,
        |start, stop| Ok(toward(start, stop) * DAY_NS),
        Ok,
        |start, step, n| step.checked_mul(n).and_then(|by| start.checked_add(by)),
    )
}

fn timestamps_by_months(call: &Call) -> Result<ArrayRef> {
    sequences::<TimestampNanosecondType, IntervalYearMonthType>(
        call,
        |_, _| Err(internal_datafusion_err!("the step is given")),
        |months| Ok(i64::from(months)),
        |start, step, n| step.checked_mul(n).and_then(|by| add_months_ns(start, by)),
    )
}

fn dates_by_days(call: &Call) -> Result<ArrayRef> {
    sequences::<Date32Type, DurationNanosecondType>(
        call,
        |start, stop| Ok(toward(i64::from(start), i64::from(stop))),
        |ns| match ns % DAY_NS {
            0 => Ok(ns / DAY_NS),
            // # inferred: Presto's words
            _ => Err(invalid("sequence step must be a day interval if start and end values are dates")),
        },
        |start, step, n| step.checked_mul(n).and_then(|by| i64::from(start).checked_add(by)).and_then(in_date_range),
    )
}

fn dates_by_months(call: &Call) -> Result<ArrayRef> {
    sequences::<Date32Type, IntervalYearMonthType>(
        call,
        |_, _| Err(internal_datafusion_err!("the step is given")),
        |months| Ok(i64::from(months)),
        |start, step, n| step.checked_mul(n).and_then(|by| add_months(i64::from(start), by)).and_then(in_date_range),
    )
}

fn in_date_range(days: i64) -> Option<i32> {
    i32::try_from(days).ok()
}

/// The sequences of all rows. `default_step` gives the step where the call has none, `step` the step of an interval,
/// `nth` the entry so many steps from the start, or `None` beyond the type's range.
fn sequences<T: ArrowPrimitiveType, S: ArrowPrimitiveType>(
    call: &Call,
    default_step: impl Fn(T::Native, T::Native) -> Result<i64>,
    step_of: impl Fn(S::Native) -> Result<i64>,
    nth: impl Fn(T::Native, i64, i64) -> Option<T::Native>,
) -> Result<ArrayRef> {
    let (starts, stops) = (call.numbers::<T>(0)?, call.numbers::<T>(1)?);
    let steps = if call.columns.len() == 3 { Some(call.numbers::<S>(2)?) } else { None };
    let (mut values, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..call.rows {
        let (Some(start), Some(stop)) = (starts.get(row), stops.get(row)) else {
            lengths.push(0);
            valid.push(false);
            continue;
        };
        let step = match &steps {
            None => default_step(start, stop)?,
            Some(steps) => match steps.get(row) {
                Some(step) => step_of(step)?,
                None => {
                    lengths.push(0);
                    valid.push(false);
                    continue;
                }
            },
        };
        let before = values.len();
        extend(&mut values, start, stop, step, &nth)?;
        if values.len() > BATCH_ARRAY_ENTRIES_MAX {
            return Err(invalid(format!("Results of a function have more than {BATCH_ARRAY_ENTRIES_MAX} entries")));
        }
        lengths.push(values.len() - before);
        valid.push(true);
    }
    let DataType::List(item) = call.returns else { return Err(internal_datafusion_err!("not an array")) };
    let values = PrimitiveArray::<T>::from_iter_values(values);
    let nulls = NullBuffer::from(valid);
    let nulls = (nulls.null_count() > 0).then_some(nulls);
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), OffsetBuffer::from_lengths(lengths), Arc::new(values), nulls)?))
}

fn extend<V: PartialOrd + Copy>(
    values: &mut Vec<V>,
    start: V,
    stop: V,
    step: i64,
    nth: impl Fn(V, i64, i64) -> Option<V>,
) -> Result<()> {
    // # inferred: Presto's words
    if step == 0 {
        return Err(invalid("step must not be zero"));
    }
    if (step > 0 && start > stop) || (step < 0 && start < stop) {
        let expected = "sequence stop value should be greater than or equal to start value if step is greater than zero \
                        otherwise stop should be less than or equal to start";
        return Err(invalid(expected));
    }
    for n in 0.. {
        // Beyond the type's range is beyond the stop.
        let Some(value) = nth(start, step, n) else { break };
        if (step > 0 && value > stop) || (step < 0 && value < stop) {
            break;
        }
        if n >= i64::try_from(SEQUENCE_ENTRIES_MAX).unwrap_or(i64::MAX) {
            return Err(invalid("result of sequence function must not have more than 10000 entries"));
        }
        values.push(value);
    }
    Ok(())
}
