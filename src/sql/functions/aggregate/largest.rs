//! `max(x)`, `min(x)`, and the forms that give several rows: `max(x, n)`, `min(x, n)`, `max_by(x, y, n)`,
//! `min_by(x, y, n)`: the values of the `n` rows with the largest or smallest keys, best first.

use super::{
    super::{Class, Function},
    function::{Implementation, Own, Types, aggregate},
};
use crate::sql::{
    error::invalid,
    functions::{
        call::{list, primitive},
        compare::order,
    },
    types::array,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, UInt32Array, new_empty_array},
        compute,
        datatypes::{DataType, Int64Type},
    },
    common::{ScalarValue, internal_datafusion_err, utils::SingleRowListArrayBuilder},
    error::Result,
    functions_aggregate::min_max,
    logical_expr::Accumulator,
};
use std::sync::Arc;

/// Rows one aggregate keeps at most. # inferred: Presto's bound
const ROWS_MAX: usize = 10_000;

/// Which rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Largest,
    Smallest,
}

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("max", Class::Documented, "The largest value, or the n largest.")
            .form("max(K) -> K", Implementation::EngineWhole(min_max::max_udaf))
            .form("max(K, bigint) -> array(K)", most(|types| Most::accumulator(types, Keep::Largest)))
            .build(),
        aggregate("min", Class::Documented, "The smallest value, or the n smallest.")
            .form("min(K) -> K", Implementation::EngineWhole(min_max::min_udaf))
            .form("min(K, bigint) -> array(K)", most(|types| Most::accumulator(types, Keep::Smallest)))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The third form of max_by and min_by.
pub(super) fn most_by(keep: Keep) -> Implementation {
    match keep {
        Keep::Largest => most(|types| Most::accumulator(types, Keep::Largest)),
        Keep::Smallest => most(|types| Most::accumulator(types, Keep::Smallest)),
    }
}

fn most(accumulator: fn(&Types) -> Result<Box<dyn Accumulator>>) -> Implementation {
    Implementation::Own(Own {
        accumulator,
        state: |types| {
            let keys = types.parameters.len() - 2;
            vec![array(types.parameters[0].clone()), array(types.parameters[keys].clone()), DataType::Int64]
        },
        groups: None,
    })
}

#[derive(Debug)]
struct Most {
    keep: Keep,
    types: Types,
    /// How many rows to keep; `None` before the first row says so.
    count: Option<usize>,
    /// Values and keys of rows that may be among them.
    values: ArrayRef,
    keys: ArrayRef,
}

impl Most {
    fn accumulator(types: &Types, keep: Keep) -> Result<Box<dyn Accumulator>> {
        let values = new_empty_array(&types.parameters[0]);
        let keys = new_empty_array(&types.parameters[types.parameters.len() - 2]);
        Ok(Box::new(Self { keep, types: types.clone(), count: None, values, keys }))
    }

    /// Keeps the best of the rows held and of new ones.
    fn add(&mut self, values: &ArrayRef, keys: &ArrayRef) -> Result<()> {
        let values = compute::concat(&[self.values.as_ref(), values.as_ref()])?;
        let keys = compute::concat(&[self.keys.as_ref(), keys.as_ref()])?;
        let nulls = keys.logical_nulls();
        let known = |row: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row));
        let mut rows: Vec<usize> = (0..keys.len()).filter(known).collect();
        let compare = order(&keys, &keys)?;
        rows.sort_by(|a, b| match self.keep {
            Keep::Largest => compare(*b, *a),
            Keep::Smallest => compare(*a, *b),
        });
        rows.truncate(self.count.unwrap_or(0));
        let rows: UInt32Array = rows.into_iter().map(|row| u32::try_from(row).ok()).collect();
        self.values = compute::take(&values, &rows, None)?;
        self.keys = compute::take(&keys, &rows, None)?;
        Ok(())
    }

    fn set_count(&mut self, count: i64) -> Result<()> {
        // # inferred: Presto's words
        let (place, name) = match self.types.parameters.len() {
            2 => ("second", "max_n/min_n"),
            _ => ("third", "max_by/min_by"),
        };
        match usize::try_from(count) {
            Ok(count @ 1..=ROWS_MAX) => self.count = Some(count),
            Ok(count @ 1..) => {
                let message =
                    format!("{place} argument of {name} must be less than or equal to {ROWS_MAX}; found {count}");
                return Err(invalid(message));
            }
            _ => return Err(invalid(format!("{place} argument of {name} must be a positive integer"))),
        }
        Ok(())
    }
}

impl Accumulator for Most {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let [values, .., counts] = columns else { return Err(internal_datafusion_err!("max takes two columns")) };
        let counts = primitive::<Int64Type>(counts)?;
        if self.count.is_none() && !counts.is_empty() {
            // The count is the same for all rows; the first one says it.
            self.set_count(if counts.is_null(0) { 0 } else { counts.value(0) })?;
        }
        self.add(values, &columns[columns.len() - 2])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.values.is_empty() {
            true => ScalarValue::try_new_null(&self.types.returns),
            false => Ok(one_list(&self.values)),
        }
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.get_array_memory_size() + self.keys.get_array_memory_size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let count = self.count.and_then(|count| i64::try_from(count).ok());
        Ok(vec![one_list(&self.values), one_list(&self.keys), ScalarValue::Int64(count)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, keys, counts] = states else { return Err(internal_datafusion_err!("three columns of state")) };
        let (values, keys, counts) = (list(values)?, list(keys)?, primitive::<Int64Type>(counts)?);
        for row in (0..counts.len()).filter(|row| counts.is_valid(*row)) {
            self.set_count(counts.value(row))?;
            self.add(&values.value(row), &keys.value(row))?;
        }
        Ok(())
    }
}

/// An array of all values.
fn one_list(values: &ArrayRef) -> ScalarValue {
    let list = SingleRowListArrayBuilder::new(Arc::clone(values)).with_nullable(true).build_list_array();
    ScalarValue::List(Arc::new(list))
}
