//! `reduce(array, initial, (state, x) -> state, state -> result)`, also over a time series, whose points have the fields
//! `x.time` and `x.value`. # guide: timeseries-specific-constructs.functions.filter-reduce.html

use super::{
    super::{Class, Family, Function, lists::range},
    function::{Argument, HigherOrder, LambdaCall, Parameters, as_list, list_element},
};
use crate::sql::{functions::conversion::cast::convert, types};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, ListArray, UInt32Array},
        compute,
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    HigherOrder {
        name: "reduce",
        family: Family::Lambda,
        class: Class::Documented,
        signatures: &[
            "reduce(array(T), S, function(S,T,S), function(S,R)) -> R",
            "reduce(timeseries(T), S, function(S,row(time timestamp,value T),S), function(S,R)) -> R",
        ],
        summary: "Folds the elements or points into one value.",
        parameters,
        returns: |arguments| match arguments {
            [_, _, _, Argument::Lambda(Some(result))] => Some(result.clone()),
            _ => None,
        },
        kernel: reduce,
    }
    .build()
}

/// The state has the common type of the initial value and of what the first lambda makes of it, so that
/// `reduce(ARRAY[0.5], 0, (s, x) -> s + x, s -> s)` has a double state. The first lambda is typed twice at most: types
/// only ever widen from integer over bigint to double.
fn parameters(step: usize, arguments: &[Argument]) -> Option<Parameters> {
    let [Argument::Value(list), Argument::Value(initial), Argument::Lambda(next), Argument::Lambda(last)] = arguments
    else {
        return None;
    };
    let element = list_element(list)?;
    let state = match next {
        None => initial.clone(),
        Some(next) => types::comparable(initial, next)?,
    };
    let first = vec![state.clone(), element];
    let settled = last.is_some() || step >= 2 || (next.is_some() && state == *initial);
    if !settled {
        return Some(Parameters::Partial(vec![Some(first), None]));
    }
    Some(Parameters::Complete(vec![first, vec![state]]))
}

/// Runs the first lambda over the first elements of all rows at once, then over the second, and so on.
fn reduce(call: &LambdaCall) -> Result<ArrayRef> {
    let list = as_list(call.value(0)?)?;
    let initial = call.value(1)?;
    let state_type = types::comparable(initial.data_type(), call.lambda_type(0)?)
        .ok_or_else(|| internal_datafusion_err!("the state has no type"))?;
    let mut state = convert(initial, &state_type)?;
    let lengths: Vec<usize> =
        (0..list.len()).map(|row| if list.is_null(row) { 0 } else { range(&list, row).len() }).collect();
    for step in 0..lengths.iter().copied().max().unwrap_or(0) {
        state = reduce_step(call, &list, &lengths, step, &state)?;
    }
    let all = row_numbers((0..call.rows).collect())?;
    let result = call.run(1, &[state], &all)?;
    match list.nulls() {
        Some(nulls) => Ok(compute::nullif(&result, &BooleanArray::new(!nulls.inner(), None))?),
        None => Ok(result),
    }
}

/// The states after one more element of the rows that have one.
fn reduce_step(
    call: &LambdaCall,
    list: &ListArray,
    lengths: &[usize],
    step: usize,
    state: &ArrayRef,
) -> Result<ArrayRef> {
    let active: Vec<usize> = (0..lengths.len()).filter(|row| lengths[*row] > step).collect();
    let elements = row_numbers(active.iter().map(|row| range(list, *row).start + step).collect())?;
    let elements = compute::take(list.values(), &elements, None)?;
    let rows = row_numbers(active.clone())?;
    let states = compute::take(state, &rows, None)?;
    let next = convert(&call.run(0, &[states, elements], &rows)?, state.data_type())?;
    let mut picks: Vec<(usize, usize)> = (0..lengths.len()).map(|row| (0, row)).collect();
    for (place, row) in active.into_iter().enumerate() {
        picks[row] = (1, place);
    }
    Ok(compute::interleave(&[state.as_ref(), next.as_ref()], &picks)?)
}

fn row_numbers(rows: Vec<usize>) -> Result<ArrayRef> {
    let numbers = rows.into_iter().map(|row| u32::try_from(row).map_err(|_| internal_datafusion_err!("row {row}")));
    Ok(Arc::new(UInt32Array::from(numbers.collect::<Result<Vec<_>>>()?)))
}
