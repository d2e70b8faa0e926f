//! `nullif(a, b)`: NULL when both are equal, else the first, in its own type.
//! # guide: conditional-expressions.NULLIF.html

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, Column},
        compare::equality,
        conversion::cast::convert,
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{TIMESTAMP, comparable, type_name},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray},
        compute,
        datatypes::DataType,
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("nullif", Family::Conditional, Class::Documented, "NULL when the values are equal, else the first.")
        .custom("nullif(T, T) -> T", resolve)
        .build()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    let unexpected = || unexpected_parameters(arguments, "nullif(T, T)");
    let [first, second] = arguments.types else { return Err(unexpected()) };
    // A varchar literal beside a timestamp is one.
    let is_timestamp_text = *first == TIMESTAMP && arguments.literal_text(1).is_some();
    let second = if is_timestamp_text { &TIMESTAMP } else { second };
    // # presto: its words
    let incomparable =
        || invalid(format!("Types are not comparable with NULLIF: {} vs {}", type_name(first), type_name(second)));
    comparable(first, second).ok_or_else(incomparable)?;
    Ok(Resolved { parameters: vec![first.clone(), second.clone()], returns: first.clone(), kernel: nullif })
}

fn nullif(call: &Call) -> Result<ArrayRef> {
    let (first, second) = (call.column(0)?, call.column(1)?);
    let common = comparable(first.array.data_type(), second.array.data_type()).unwrap_or(DataType::Null);
    if common == DataType::Null || *call.returns == DataType::Null {
        return first.expand(call.rows);
    }
    let (left, right) = (convert(&first.array, &common)?, convert(&second.array, &common)?);
    let equal = equality(&left, &right)?;
    let is_equal = |row: usize| {
        let (i, j) = (first.index(row), second.index(row));
        left.is_valid(i) && right.is_valid(j) && equal(i, j)
    };
    let equal: BooleanArray = (0..call.rows).map(|row| Some(is_equal(row))).collect();
    let values = Column { array: Arc::clone(&first.array), constant: first.constant }.expand(call.rows)?;
    Ok(compute::nullif(&values, &equal)?)
}
