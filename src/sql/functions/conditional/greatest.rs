//! `greatest(a, b, …)` and `least(a, b, …)`; NULL when an argument is.
//! # guide: comparison-functions.greatest.html

use crate::sql::functions::{Class, Family, Function, call::Call, compare::order, scalar::scalar};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, new_null_array},
        compute,
        datatypes::DataType,
    },
    error::Result,
};
use std::cmp::Ordering;

pub(super) fn functions() -> Vec<Function> {
    [
        scalar("greatest", Family::Conditional, Class::Documented, "The largest of the values; NULL when one is.")
            .form("greatest(K, K...) -> K", |call| pick(call, Ordering::Greater))
            .build(),
        scalar("least", Family::Conditional, Class::Documented, "The smallest of the values; NULL when one is.")
            .form("least(K, K...) -> K", |call| pick(call, Ordering::Less))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn pick(call: &Call, better: Ordering) -> Result<ArrayRef> {
    if *call.returns == DataType::Null {
        return Ok(new_null_array(call.returns, call.rows));
    }
    // For each row the column that holds the best value so far, `None` once a value is NULL.
    let is_null = |column: usize, row: usize| {
        let column = &call.columns[column];
        column.array.is_null(column.index(row))
    };
    let mut best: Vec<Option<usize>> = (0..call.rows).map(|row| (!is_null(0, row)).then_some(0)).collect();
    for next in 1..call.columns.len() {
        // One comparator for each column the best value may lie in.
        let orders = (0..next).map(|held| order(&call.columns[next].array, &call.columns[held].array));
        let orders = orders.collect::<Result<Vec<_>>>()?;
        for (row, best) in best.iter_mut().enumerate() {
            let Some(held) = *best else { continue };
            if is_null(next, row) {
                *best = None;
            } else if orders[held](call.columns[next].index(row), call.columns[held].index(row)) == better {
                *best = Some(next);
            }
        }
    }
    let nulls = new_null_array(call.returns, 1);
    let mut sources: Vec<&dyn Array> = call.columns.iter().map(|column| column.array.as_ref()).collect();
    sources.push(nulls.as_ref());
    let picks: Vec<(usize, usize)> = best
        .into_iter()
        .enumerate()
        .map(|(row, best)| best.map_or((call.columns.len(), 0), |column| (column, call.columns[column].index(row))))
        .collect();
    Ok(compute::interleave(&sources, &picks)?)
}
