//! `combinations(array, n)`: every choice of `n` elements, each in the order of the array; the last element changes
//! slowest. # trino: documentation of array functions, and its bounds

use crate::sql::{
    error::invalid,
    functions::{
        Class, Family, Function,
        call::{Call, list},
        lists::{Lists, check_entries, element_type, range},
        scalar::scalar,
    },
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ListArray},
        buffer::{NullBuffer, OffsetBuffer},
        datatypes::{DataType, Int32Type},
    },
    common::internal_datafusion_err,
    error::Result,
};
use std::{ops::Range, sync::Arc};

/// Elements one choice has at most. # trino
const CHOICE_MAX: usize = 5;
/// Elements all choices of one array have together at most. # trino
const ELEMENTS_MAX: usize = 100_000;

pub(super) fn functions() -> Vec<Function> {
    scalar("combinations", Family::Array, Class::Inherited, "Every choice of so many elements of an array.")
        .form("combinations(array(T), integer) -> array(array(T))", combinations)
        .build()
}

fn combinations(call: &Call) -> Result<ArrayRef> {
    let (input, column) = call.lists(0)?;
    let counts = call.numbers::<Int32Type>(1)?;
    let choice_type = element_type(call.returns)?;
    let mut choices = Lists::new(&input.value_type(), [Arc::clone(input.values())]);
    let (mut lengths, mut valid) = (Vec::with_capacity(call.rows), Vec::with_capacity(call.rows));
    for row in 0..call.rows {
        let at = column.index(row);
        let count = counts.get(row).filter(|_| input.is_valid(at));
        valid.push(count.is_some());
        let length = match count {
            Some(count) => push_choices(&mut choices, range(input, at), count)?,
            None => 0,
        };
        lengths.push(length);
    }
    let choices = list(&choices.finish(choice_type)?)?.clone();
    let DataType::List(item) = call.returns else { return Err(internal_datafusion_err!("combinations are arrays")) };
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(Arc::clone(item), offsets, Arc::new(choices), Some(NullBuffer::from(valid)))?))
}

/// Adds a row for each choice among `places`; how many there are.
fn push_choices(choices: &mut Lists, places: Range<usize>, count: i32) -> Result<usize> {
    let count =
        usize::try_from(count).map_err(|_| invalid(format!("combination size must not be negative: {count}")))?;
    if count > CHOICE_MAX {
        return Err(invalid(format!("combination size must not exceed {CHOICE_MAX}: {count}")));
    }
    check_entries(places.len())?;
    // (n choose k): the product of (n - i) / (i + 1), whole after each step. At most 2^20 to the fifth.
    let total = (0..count).fold(1u128, |total, i| total * places.len().saturating_sub(i) as u128 / (i as u128 + 1));
    if total * count as u128 > ELEMENTS_MAX as u128 {
        return Err(invalid("combinations exceed max size"));
    }
    if count > places.len() {
        return Ok(0);
    }
    let mut choice: Vec<usize> = (0..count).collect();
    let mut made = 0;
    loop {
        choice.iter().for_each(|index| choices.push(0, places.start + index));
        choices.end_row()?;
        made += 1;
        if !next_choice(&mut choice, places.len()) {
            return Ok(made);
        }
    }
}

/// Moves the first index that has room on by one and those before it back to the start.
fn next_choice(choice: &mut [usize], length: usize) -> bool {
    for index in 0..choice.len() {
        let bound = choice.get(index + 1).copied().unwrap_or(length);
        if choice[index] + 1 < bound {
            choice[index] += 1;
            (0..index).for_each(|before| choice[before] = before);
            return true;
        }
    }
    false
}
