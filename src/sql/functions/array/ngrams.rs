//! `ngrams(array, n)`: all runs of `n` neighbouring elements; the whole array when it is shorter. # trino

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, list},
        lists::{Lists, element_type, range},
        scalar::scalar,
    },
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray},
        buffer::{NullBuffer, OffsetBuffer},
        datatypes::{DataType, Int64Type},
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    scalar("ngrams", Family::Array, Class::Inherited, "All runs of so many neighbouring elements.")
        .form("ngrams(array(T), bigint) -> array(array(T))", ngrams)
        .build()
}

fn ngrams(call: &Call) -> Result<ArrayRef> {
    let (input, column) = call.lists(0)?;
    let counts = call.numbers::<Int64Type>(1)?;
    let mut runs = Lists::new(&input.value_type(), [Arc::clone(input.values())]);
    let (mut lengths, mut valid) = (Vec::with_capacity(call.rows), Vec::with_capacity(call.rows));
    for row in 0..call.rows {
        let at = column.index(row);
        let Some(count) = counts.get(row).filter(|_| input.is_valid(at)) else {
            lengths.push(0);
            valid.push(false);
            continue;
        };
        if count < 1 {
            return Err(invalid("N must be positive"));
        }
        let places = range(input, at);
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(places.len());
        let starts = places.len() - count + 1;
        for start in 0..starts {
            runs.extend(0, places.start + start..places.start + start + count);
            runs.end_row()?;
        }
        lengths.push(starts);
        valid.push(true);
    }
    let runs = list(&runs.finish(element_type(call.returns)?)?)?.clone();
    let DataType::List(item) = call.returns else { return Err(internal_datafusion_err!("ngrams are arrays")) };
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, Arc::new(runs), Some(NullBuffer::from(valid)))?))
}
