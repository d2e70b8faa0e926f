//! `array_sort(array, (a, b) -> order)`: the elements in the order a lambda gives: -1 when `a` comes first, 1 when `b`
//! does, 0 when they may stay as they are. It also sees the NULLs. # trino

use super::{
    super::{
        Class, Family, Function,
        lists::{Lists, range},
    },
    function::{Argument, HigherOrder, LambdaCall, Parameters, as_list, list_element},
};
use crate::sql::{
    error::invalid,
    functions::{call::primitive, conversion::cast::convert},
    types,
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
use std::{ops::Range, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    HigherOrder {
        name: "array_sort",
        family: Family::Array,
        class: Class::Inherited,
        signatures: &["array_sort(array(T), function(T,T,integer)) -> array(T)"],
        summary: "The elements in the order a lambda gives.",
        parameters: |_, arguments| match arguments {
            [Argument::Value(array), Argument::Lambda(_)] if !types::is_timeseries(array) => {
                let element = list_element(array)?;
                Some(Parameters::Complete(vec![vec![element.clone(), element]]))
            }
            _ => None,
        },
        returns: |arguments| match arguments {
            [Argument::Value(array), Argument::Lambda(Some(DataType::Int32 | DataType::Int64 | DataType::Null))] => {
                Some(types::array(list_element(array)?))
            }
            _ => None,
        },
        kernel: sort,
    }
    .build()
}

/// Two sorted runs that follow each other, on their way to become one.
struct Merge {
    row: usize,
    left: Range<usize>,
    right: Range<usize>,
    /// Where the next element goes.
    out: usize,
}

/// Merges runs, first of one element, then of two, of four, …; all arrays at once, so that the lambda runs as rarely as
/// for the longest of them.
fn sort(call: &LambdaCall) -> Result<ArrayRef> {
    let input = as_list(call.value(0)?)?;
    let rows: Vec<Range<usize>> =
        (0..input.len()).map(|row| if input.is_null(row) { 0..0 } else { range(&input, row) }).collect();
    let longest = rows.iter().map(Range::len).max().unwrap_or(0);
    let mut order: Vec<usize> = (0..input.values().len()).collect();
    let mut run = 1;
    while run < longest {
        let merges = rows.iter().enumerate().flat_map(|(row, places)| merges(row, places, run)).collect();
        order = merge_runs(call, input.values(), order, merges)?;
        run *= 2;
    }
    let mut lists = Lists::new(&input.value_type(), [Arc::clone(input.values())]);
    for (row, places) in rows.into_iter().enumerate() {
        if input.is_null(row) {
            lists.end_null_row();
            continue;
        }
        places.for_each(|place| lists.push(0, order[place]));
        lists.end_row()?;
    }
    lists.finish(call.returns)
}

/// The pairs of runs of one array; what has no partner stays as it is.
fn merges(row: usize, places: &Range<usize>, run: usize) -> impl Iterator<Item = Merge> + use<> {
    let end = places.end;
    places.clone().step_by(run * 2).filter(move |start| start + run < end).map(move |start| {
        let (middle, end) = (start + run, (start + run * 2).min(end));
        Merge { row, left: start..middle, right: middle..end, out: start }
    })
}

/// Compares the first elements of all pairs of runs at once, again and again.
fn merge_runs(call: &LambdaCall, values: &ArrayRef, order: Vec<usize>, merges: Vec<Merge>) -> Result<Vec<usize>> {
    let mut sorted = order.clone();
    let mut active = merges;
    while !active.is_empty() {
        let firsts = |side: fn(&Merge) -> usize| -> Result<ArrayRef> {
            let places = indexes(active.iter().map(|merge| order[side(merge)]))?;
            Ok(compute::take(values, &places, None)?)
        };
        let (lefts, rights) = (firsts(|merge| merge.left.start)?, firsts(|merge| merge.right.start)?);
        let rows: ArrayRef = Arc::new(indexes(active.iter().map(|merge| merge.row))?);
        let answers = convert(&call.run(0, &[lefts, rights], &rows)?, &DataType::Int64)?;
        let answers = primitive::<Int64Type>(&answers)?;
        for (merge, answer) in active.iter_mut().zip(answers) {
            let taken = match answer {
                Some(-1 | 0) => merge.left.next(),
                Some(1) => merge.right.next(),
                _ => return Err(invalid("Lambda comparator must return either -1, 0, or 1")),
            };
            let Some(taken) = taken else { return Err(internal_datafusion_err!("a run is empty")) };
            sorted[merge.out] = order[taken];
            merge.out += 1;
        }
        for merge in active.iter().filter(|merge| merge.left.is_empty() || merge.right.is_empty()) {
            let rest = merge.left.clone().chain(merge.right.clone());
            rest.zip(merge.out..).for_each(|(place, out)| sorted[out] = order[place]);
        }
        active.retain(|merge| !merge.left.is_empty() && !merge.right.is_empty());
    }
    Ok(sorted)
}

fn indexes(places: impl Iterator<Item = usize>) -> Result<UInt32Array> {
    let numbers = places.map(|place| u32::try_from(place).map_err(|_| internal_datafusion_err!("place {place}")));
    Ok(UInt32Array::from(numbers.collect::<Result<Vec<_>>>()?))
}
