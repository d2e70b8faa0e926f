//! `max_by(x, y)`, `min_by(x, y)`: the `x` of the row with the largest or smallest `y`; rows whose `y` is NULL do not
//! count. With a third argument, see `largest`.

use super::{
    super::{Class, Function},
    function::{Implementation, MakeAccumulator, MakeGroupsAccumulator, Own, Types, aggregate, row_states},
    held::Held,
    keys::{Keys, keys},
    largest::{Keep, most_by},
};
use crate::sql::functions::compare::order;
use datafusion::{
    arrow::array::{Array, ArrayRef, BooleanArray},
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::cmp::Ordering;

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("max_by", Class::Documented, "The value of the row, or rows, with the largest key.")
            .form(
                "max_by(T, K) -> T",
                best(
                    |types| Best::accumulator(types, Ordering::Greater),
                    |types| BestOfGroups::accumulator(types, Ordering::Greater),
                ),
            )
            .form("max_by(T, K, bigint) -> array(T)", most_by(Keep::Largest))
            .build(),
        aggregate("min_by", Class::Documented, "The value of the row, or rows, with the smallest key.")
            .form(
                "min_by(T, K) -> T",
                best(
                    |types| Best::accumulator(types, Ordering::Less),
                    |types| BestOfGroups::accumulator(types, Ordering::Less),
                ),
            )
            .form("min_by(T, K, bigint) -> array(T)", most_by(Keep::Smallest))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn best(accumulator: MakeAccumulator, groups: MakeGroupsAccumulator) -> Implementation {
    Implementation::Own(Own { accumulator, state: |types| types.parameters.clone(), groups: Some(groups) })
}

#[derive(Debug)]
struct Best {
    better: Ordering,
    /// The value of the best row so far.
    value: ScalarValue,
    /// Its key, one value; `None` before the first.
    key: Option<ArrayRef>,
    types: Types,
}

impl Best {
    fn accumulator(types: &Types, better: Ordering) -> Result<Box<dyn Accumulator>> {
        let value = ScalarValue::try_new_null(&types.returns)?;
        Ok(Box::new(Self { better, value, key: None, types: types.clone() }))
    }
}

impl Accumulator for Best {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let [values, keys] = columns else { return Err(internal_datafusion_err!("max_by takes two columns")) };
        let nulls = keys.logical_nulls();
        let mut rows = (0..keys.len()).filter(|row| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row)));
        let Some(first) = rows.next() else { return Ok(()) };
        let within = order(keys, keys)?;
        let best = rows.fold(first, |best, row| if within(row, best) == self.better { row } else { best });
        let replaces = match &self.key {
            None => true,
            Some(held) => order(keys, held)?(best, 0) == self.better,
        };
        if replaces {
            self.value = ScalarValue::try_from_array(values, best)?;
            // A copy, so that the batch need not stay in memory.
            self.key = Some(ScalarValue::try_from_array(keys, best)?.to_array()?);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size() + self.key.as_ref().map_or(0, |key| key.get_array_memory_size())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let key = match &self.key {
            Some(key) => ScalarValue::try_from_array(key, 0)?,
            None => ScalarValue::try_new_null(&self.types.parameters[1])?,
        };
        Ok(vec![self.value.clone(), key])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

/// The best row of each group.
#[derive(Debug)]
struct BestOfGroups {
    better: Ordering,
    types: Types,
    values: Held,
    keys: Box<dyn Keys>,
    /// The rows of a batch that are better than any before; kept for its memory.
    taken: Vec<(usize, usize)>,
}

impl BestOfGroups {
    fn accumulator(types: &Types, better: Ordering) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Self::try_new(types, better)?))
    }

    fn try_new(types: &Types, better: Ordering) -> Result<Self> {
        let keys = keys(&types.parameters[1])?;
        Ok(Self { better, types: types.clone(), values: Held::new(&types.returns), keys, taken: Vec::new() })
    }
}

impl GroupsAccumulator for BestOfGroups {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let [values, keys] = columns else { return Err(internal_datafusion_err!("max_by takes two columns")) };
        self.values.resize(total);
        self.keys.resize(total);
        let nulls = keys.logical_nulls();
        let counts = |row: usize| {
            filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
                && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
        };
        let mut rows = groups.iter().enumerate().filter(|(row, _)| counts(*row)).map(|(row, group)| (*group, row));
        self.taken.clear();
        self.keys.offer(keys, &mut rows, self.better, &mut self.taken)?;
        self.values.set(values, self.taken.iter().copied())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.keys.take(emit_to)?;
        self.values.take(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.values.take(emit_to)?, self.keys.take(emit_to)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update_batch(states, groups, None, total)
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self::try_new(&self.types, self.better)?, columns, filter)
    }

    fn size(&self) -> usize {
        self.values.size() + self.keys.size() + self.taken.capacity() * size_of::<(usize, usize)>()
    }
}
