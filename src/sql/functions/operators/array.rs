//! `__array(a, b, …)`: `ARRAY[a, b, …]`. `__subscript(array, index)`: `array[index]`.

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::Call,
        lists::{Lists, range},
        scalar::{Resolved, scalar},
        signature::Arguments,
    },
    types::{array, common_type, type_name},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt32Array},
        compute,
        datatypes::{DataType, Int64Type},
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("__array", Family::Operator, Class::Internal, "An array of the arguments.")
            .custom("__array(T...) -> array(T)", resolve_array)
            .build(),
        scalar("__subscript", Family::Operator, Class::Internal, "The element at a position, counted from 1.")
            .form("__subscript(array(T), bigint) -> T", subscript)
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn resolve_array(arguments: &Arguments) -> Result<Resolved> {
    let Some(element) = common_type(arguments.types) else {
        let first = &arguments.types[0];
        let other = arguments.types.iter().find(|other| common_type(&[first.clone(), (*other).clone()]).is_none());
        let (first, other) = (type_name(first), other.map_or_else(String::new, type_name));
        // # inferred: Presto's words
        return Err(invalid(format!("All ARRAY elements must be the same type: {first}, {other}")));
    };
    let parameters = vec![element.clone(); arguments.types.len()];
    Ok(Resolved { parameters, returns: array(element), kernel: make_array })
}

fn make_array(call: &Call) -> Result<ArrayRef> {
    let DataType::List(item) = call.returns else { return Err(internal_datafusion_err!("not an array")) };
    let mut lists = Lists::new(item.data_type(), call.columns.iter().map(|column| Arc::clone(&column.array)));
    for row in 0..call.rows {
        for (source, column) in call.columns.iter().enumerate() {
            lists.push(source, column.index(row));
        }
        lists.end_row()?;
    }
    lists.finish(call.returns)
}

fn subscript(call: &Call) -> Result<ArrayRef> {
    let (list, lists) = call.lists(0)?;
    let indexes = call.numbers::<Int64Type>(1)?;
    let pick = |row: usize| {
        let at = lists.index(row);
        match indexes.get(row) {
            Some(index) if list.is_valid(at) => {
                let values = range(list, at);
                let offset = checked_offset(index, values.len())?;
                u32::try_from(values.start + offset).map(Some).map_err(|_| internal_datafusion_err!("offset {offset}"))
            }
            _ => Ok(None),
        }
    };
    let picks = (0..call.rows).map(pick).collect::<Result<UInt32Array>>()?;
    Ok(compute::take(list.values(), &picks, None)?)
}

/// The place of an element, counted from 0, of its position, counted from 1. # inferred: Presto's words
fn checked_offset(index: i64, length: usize) -> Result<usize> {
    match usize::try_from(index) {
        Ok(0) => Err(invalid("SQL array indices start at 1")),
        Ok(position) if position <= length => Ok(position - 1),
        Ok(_) => {
            Err(invalid(format!("Array subscript must be less than or equal to array length: {index} > {length}")))
        }
        Err(_) => Err(invalid(format!("Array subscript is negative: {index}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scalar::tests::call;
    use datafusion::{arrow::datatypes::DataType, common::ScalarValue};

    #[test]
    fn arrays() {
        let check = |elements: &[ScalarValue], expect: &str| assert_eq!(call("__array", elements), expect);
        check(&[1i32.into(), 2i64.into()], "[1, 2]");
        check(&[], "[]");
        check(&[ScalarValue::Null, "a".into()], "[NULL, a]");
        check(&[1i32.into(), "a".into()], "error: All ARRAY elements must be the same type: integer, varchar");
    }

    #[test]
    fn subscripts() {
        let array = ScalarValue::List(ScalarValue::new_list_nullable(&["a".into(), "b".into()], &DataType::Utf8));
        let check = |index: ScalarValue, expect: &str| {
            assert_eq!(call("__subscript", &[array.clone(), index]), expect);
        };
        check(1i32.into(), "a");
        check(2i64.into(), "b");
        check(0i32.into(), "error: SQL array indices start at 1");
        check((-1i32).into(), "error: Array subscript is negative: -1");
        check(3i32.into(), "error: Array subscript must be less than or equal to array length: 3 > 2");
        check(ScalarValue::Null, "NULL");
        check(
            "a".into(),
            "error: Unexpected parameters (array(varchar), varchar) for function __subscript. \
             Expected: __subscript(array(T), bigint)",
        );
    }
}
