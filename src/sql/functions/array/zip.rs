//! `zip(a, b, …)`: an array of rows of the arrays' elements at one position; shorter arrays are filled with NULL.

use crate::sql::{
    functions::{
        Class, Family, Function,
        call::{Call, Column, list},
        lists::{Lists, range},
        scalar::{Resolved, scalar},
        signature::{Arguments, unexpected_parameters},
    },
    types::{self, anonymous_row, array, array_element},
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray, StructArray},
        datatypes::DataType,
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("zip", Family::Array, Class::Documented, "An array of rows of the arrays' elements at one position.")
        .custom("zip(array(T), array(U), ...) -> array(row(T, U, ...))", resolve)
        .build()
}

fn resolve(arguments: &Arguments) -> Result<Resolved> {
    let element = |data_type: &DataType| match data_type {
        DataType::Null => Some(DataType::Null),
        other => array_element(other).cloned(),
    };
    let elements: Option<Vec<DataType>> = arguments.types.iter().map(element).collect();
    match elements {
        Some(elements) if elements.len() >= 2 => Ok(Resolved {
            parameters: elements.iter().cloned().map(types::array).collect(),
            returns: array(anonymous_row(elements)),
            kernel: zip,
        }),
        _ => Err(unexpected_parameters(arguments, "zip(array(T), array(U), ...)")),
    }
}

fn zip(call: &Call) -> Result<ArrayRef> {
    let columns = (0..call.columns.len()).map(|index| call.lists(index)).collect::<Result<Vec<_>>>()?;
    let lengths = |row: usize| {
        let length = |(list, column): &(&ListArray, &Column)| {
            let at = column.index(row);
            list.is_valid(at).then(|| range(list, at).len())
        };
        columns.iter().map(length).collect::<Option<Vec<_>>>()
    };
    // Each field's values, filled up to the longest array of the row.
    let field = |(list, column): &(&ListArray, &Column)| {
        let data_type = array(list.value_type());
        let mut lists = Lists::new(&list.value_type(), [Arc::clone(list.values())]);
        for row in 0..call.rows {
            let Some(lengths) = lengths(row) else {
                lists.end_null_row();
                continue;
            };
            let values = range(list, column.index(row));
            let missing = lengths.iter().max().map_or(0, |longest| longest - values.len());
            lists.extend(0, values);
            (0..missing).for_each(|_| lists.push_null());
            lists.end_row()?;
        }
        lists.finish(&data_type)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>>>()?;
    let DataType::List(item) = call.returns else { return Err(internal_datafusion_err!("not an array")) };
    let DataType::Struct(names) = item.data_type() else { return Err(internal_datafusion_err!("not rows")) };
    let filled = fields.iter().map(|field| list(field)).collect::<Result<Vec<_>>>()?;
    let values = filled.iter().map(|list| Arc::clone(list.values())).collect();
    let Some(first) = filled.first() else { return Err(internal_datafusion_err!("nothing to zip")) };
    let rows = StructArray::try_new(names.clone(), values, None)?;
    let (offsets, nulls) = (first.offsets().clone(), first.nulls().cloned());
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, Arc::new(rows), nulls)?))
}
