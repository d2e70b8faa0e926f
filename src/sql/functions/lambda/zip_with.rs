//! `zip_with(a, b, (x, y) -> z)`: an array of what the lambda makes of each pair of elements; the shorter array is
//! filled with NULL. Time series count as arrays of their points. # inferred: time series, as `filter` takes them

use super::{
    super::{
        Class, Family, Function,
        lists::{Lists, range},
    },
    function::{Argument, HigherOrder, LambdaCall, Parameters, as_list, flattened, list_element},
};
use crate::sql::{functions::call, types};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray},
        datatypes::Field,
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    HigherOrder {
        name: "zip_with",
        family: Family::Lambda,
        class: Class::Inherited,
        signatures: &[
            "zip_with(array(T), array(U), function(T,U,R)) -> array(R)",
            "zip_with(timeseries(T), timeseries(U), \
             function(row(time timestamp,value T),row(time timestamp,value U),R)) -> array(R)",
        ],
        summary: "An array of what the lambda makes of each pair of elements.",
        parameters: |_, arguments| match arguments {
            [Argument::Value(left), Argument::Value(right), Argument::Lambda(_)] => {
                Some(Parameters::Complete(vec![vec![list_element(left)?, list_element(right)?]]))
            }
            _ => None,
        },
        returns: |arguments| match arguments {
            [_, _, Argument::Lambda(Some(result))] => Some(types::array(result.clone())),
            _ => None,
        },
        kernel: zip_with,
    }
    .build()
}

fn zip_with(call: &LambdaCall) -> Result<ArrayRef> {
    let (left, right) = (as_list(call.value(0)?)?, as_list(call.value(1)?)?);
    let (left, right) = (padded(&left, &right)?, padded(&right, &left)?);
    let (left_values, rows) = flattened(&left)?;
    let (right_values, _) = flattened(&right)?;
    let results = call.run(0, &[left_values, right_values], &rows)?;
    let item = Field::new(types::ARRAY_ITEM, results.data_type().clone(), true);
    let nulls = left.nulls().cloned();
    Ok(Arc::new(ListArray::try_new(Arc::new(item), left.offsets().clone(), results, nulls)?))
}

/// The arrays filled with NULL to the length of the others'; NULL where either is.
fn padded(list: &ListArray, other: &ListArray) -> Result<ListArray> {
    let mut lists = Lists::new(&list.value_type(), [Arc::clone(list.values())]);
    for row in 0..list.len() {
        if list.is_null(row) || other.is_null(row) {
            lists.end_null_row();
            continue;
        }
        let values = range(list, row);
        let missing = range(other, row).len().saturating_sub(values.len());
        lists.extend(0, values);
        (0..missing).for_each(|_| lists.push_null());
        lists.end_row()?;
    }
    let padded = lists.finish(list.data_type())?;
    Ok(call::list(&padded)?.clone())
}
