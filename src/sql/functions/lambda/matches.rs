//! `any_match`, `all_match`, `none_match`: whether a lambda is true for elements of an array. Three-valued, as AND and
//! OR are. Also over the points of a time series. # inferred: time series, as `filter` takes them

use super::{
    super::{Class, Family, Function},
    function::{Argument, HigherOrder, LambdaCall, Parameters, as_list, flattened, list_element},
};
use crate::sql::functions::conversion::cast::convert;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray},
        datatypes::DataType,
    },
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    let function = |name, signatures, summary, kernel| {
        HigherOrder {
            name,
            family: Family::Lambda,
            class: Class::Inherited,
            signatures,
            summary,
            parameters: |_, arguments| match arguments {
                [Argument::Value(array), Argument::Lambda(_)] => {
                    Some(Parameters::Complete(vec![vec![list_element(array)?]]))
                }
                _ => None,
            },
            returns: |arguments| match arguments {
                [Argument::Value(_), Argument::Lambda(Some(DataType::Boolean | DataType::Null))] => {
                    Some(DataType::Boolean)
                }
                _ => None,
            },
            kernel,
        }
        .build()
    };
    [
        function(
            "any_match",
            &[
                "any_match(array(T), function(T,boolean)) -> boolean",
                "any_match(timeseries(T), function(row(time timestamp,value T),boolean)) -> boolean",
            ],
            "Whether the lambda is true for an element.",
            |call| matches(call, true, Some(true), Some(false)),
        ),
        function(
            "all_match",
            &[
                "all_match(array(T), function(T,boolean)) -> boolean",
                "all_match(timeseries(T), function(row(time timestamp,value T),boolean)) -> boolean",
            ],
            "Whether the lambda is true for every element.",
            |call| matches(call, false, Some(false), Some(true)),
        ),
        function(
            "none_match",
            &[
                "none_match(array(T), function(T,boolean)) -> boolean",
                "none_match(timeseries(T), function(row(time timestamp,value T),boolean)) -> boolean",
            ],
            "Whether the lambda is true for no element.",
            |call| matches(call, true, Some(false), Some(true)),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `found` where an element's result is `deciding`; else NULL where one is NULL; else `otherwise`.
fn matches(call: &LambdaCall, deciding: bool, found: Option<bool>, otherwise: Option<bool>) -> Result<ArrayRef> {
    let list = as_list(call.value(0)?)?;
    let (values, rows) = flattened(&list)?;
    let results = convert(&call.run(0, &[values], &rows)?, &DataType::Boolean)?;
    let results = results.as_boolean();
    let mut start = 0;
    let answers = list.offsets().lengths().enumerate().map(|(row, length)| {
        let mut elements = results.slice(start, length);
        start += length;
        if list.is_null(row) {
            elements = elements.slice(0, 0);
        }
        let decided = elements.iter().any(|result| result == Some(deciding));
        match (list.is_null(row), decided) {
            (true, _) => None,
            (false, true) => found,
            (false, false) if elements.null_count() > 0 => None,
            (false, false) => otherwise,
        }
    });
    Ok(Arc::new(answers.collect::<BooleanArray>()))
}
