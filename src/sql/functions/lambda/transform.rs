//! `transform(array, x -> y)`: an array of what the lambda makes of each element, or of each point of a time series, whose
//! fields are `x.time` and `x.value`. # inferred: time series, as `filter` takes them

use super::{
    super::{Class, Family, Function},
    function::{Argument, HigherOrder, LambdaCall, Parameters, as_list, flattened, list_element},
};
use crate::sql::types;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray},
        buffer::OffsetBuffer,
        datatypes::Field,
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    HigherOrder {
        name: "transform",
        family: Family::Lambda,
        class: Class::Inherited,
        signatures: &[
            "transform(array(T), function(T,U)) -> array(U)",
            "transform(timeseries(T), function(row(time timestamp,value T),U)) -> array(U)",
        ],
        summary: "An array of what the lambda makes of each element or point.",
        parameters: |_, arguments| match arguments {
            [Argument::Value(array), Argument::Lambda(_)] => {
                Some(Parameters::Complete(vec![vec![list_element(array)?]]))
            }
            _ => None,
        },
        returns: |arguments| match arguments {
            [Argument::Value(_), Argument::Lambda(Some(result))] => Some(types::array(result.clone())),
            _ => None,
        },
        kernel: transform,
    }
    .build()
}

fn transform(call: &LambdaCall) -> Result<ArrayRef> {
    let list = as_list(call.value(0)?)?;
    let (values, rows) = flattened(&list)?;
    let results = call.run(0, &[values], &rows)?;
    let item = Field::new(types::ARRAY_ITEM, results.data_type().clone(), true);
    let offsets = OffsetBuffer::from_lengths(list.offsets().lengths());
    Ok(Arc::new(ListArray::try_new(Arc::new(item), offsets, results, list.nulls().cloned())?))
}
