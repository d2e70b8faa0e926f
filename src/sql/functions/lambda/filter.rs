//! `filter(array, x -> boolean)`, `filter(timeseries, x -> boolean)`: the elements, or points, the lambda is true for.
//! A point's fields are `x.time` and `x.value`. # guide: timeseries-specific-constructs.functions.filter-reduce.html

use super::{
    super::{Class, Family, Function},
    function::{Argument, HigherOrder, LambdaCall, Parameters, as_list, flattened, list_element},
};
use crate::sql::{functions::conversion::cast::convert, types};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, ListArray},
        buffer::OffsetBuffer,
        compute,
        datatypes::DataType,
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    HigherOrder {
        name: "filter",
        family: Family::Lambda,
        class: Class::Documented,
        signatures: &[
            "filter(array(T), function(T,boolean)) -> array(T)",
            "filter(timeseries(T), function(row(time timestamp,value T),boolean)) -> timeseries(T)",
        ],
        summary: "The elements or points for which the lambda is true.",
        parameters: |_, arguments| match arguments {
            [Argument::Value(values), Argument::Lambda(_)] => {
                Some(Parameters::Complete(vec![vec![list_element(values)?]]))
            }
            _ => None,
        },
        returns: |arguments| match arguments {
            [Argument::Value(DataType::Null), Argument::Lambda(Some(DataType::Boolean | DataType::Null))] => {
                Some(types::array(DataType::Null))
            }
            [Argument::Value(values), Argument::Lambda(Some(DataType::Boolean | DataType::Null))] => {
                Some(values.clone())
            }
            _ => None,
        },
        kernel: filter,
    }
    .build()
}

fn filter(call: &LambdaCall) -> Result<ArrayRef> {
    let input = as_list(call.value(0)?)?;
    let (values, rows) = flattened(&input)?;
    let kept = convert(&call.run(0, &[Arc::clone(&values)], &rows)?, &DataType::Boolean)?;
    let kept = kept.as_boolean();
    // NULL keeps nothing.
    let kept = if kept.null_count() > 0 { compute::prep_null_mask_filter(kept) } else { kept.clone() };
    let mut start = 0;
    let lengths = input.offsets().lengths().map(|length| {
        let count = kept.slice(start, length).true_count();
        start += length;
        count
    });
    let offsets = OffsetBuffer::from_lengths(lengths);
    let DataType::List(item) = call.returns else { return Err(internal_datafusion_err!("filter returns lists")) };
    let values = compute::filter(&values, &kept)?;
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, input.nulls().cloned())?))
}
