//! `count_if(condition)`: how many rows it is true for. `arbitrary(x)`: a value that is not NULL.

use super::{
    super::{Class, Function},
    function::{Implementation, Own, aggregate, row_states},
    held::Held,
};
use crate::sql::functions::call::primitive;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array},
        datatypes::{DataType, Int64Type},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::sync::Arc;

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("count_if", Class::Documented, "How many values are true; 0 for none.")
            .form(
                "count_if(boolean) -> bigint",
                Implementation::Own(Own {
                    accumulator: |_| Ok(Box::new(CountIf { count: 0 })),
                    state: |_| vec![DataType::Int64],
                    groups: Some(|_| Ok(Box::new(Counts { counts: Vec::new() }))),
                }),
            )
            .build(),
        aggregate("arbitrary", Class::Documented, "A value that is not NULL, if there is one.")
            .form(
                "arbitrary(T) -> T",
                Implementation::Own(Own {
                    accumulator: |types| Ok(Box::new(Arbitrary { value: ScalarValue::try_new_null(&types.returns)? })),
                    state: |types| vec![types.returns.clone()],
                    groups: Some(|types| Ok(Box::new(AnyOfGroups::new(&types.returns)))),
                }),
            )
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[derive(Debug)]
struct CountIf {
    count: i64,
}

impl Accumulator for CountIf {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.count += i64::try_from(values[0].as_boolean().true_count()).unwrap_or(i64::MAX);
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.count)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.count += primitive::<Int64Type>(&states[0])?.iter().flatten().sum::<i64>();
        Ok(())
    }
}

/// How many values of each group are true.
#[derive(Debug)]
struct Counts {
    counts: Vec<i64>,
}

impl GroupsAccumulator for Counts {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.counts.resize(total, 0);
        let is_true = |values: &BooleanArray, row: usize| values.is_valid(row) && values.value(row);
        let values = columns[0].as_boolean();
        for (row, group) in groups.iter().enumerate() {
            let counts = is_true(values, row) && filter.is_none_or(|filter| is_true(filter, row));
            self.counts[*group] += i64::from(counts);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(emit_to.take_needed(&mut self.counts))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.counts.resize(total, 0);
        let counts = primitive::<Int64Type>(&states[0])?.values();
        groups.iter().zip(counts).for_each(|(group, count)| self.counts[*group] += count);
        Ok(())
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self { counts: Vec::new() }, columns, filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.counts.capacity() * size_of::<i64>()
    }
}

#[derive(Debug)]
struct Arbitrary {
    value: ScalarValue,
}

impl Accumulator for Arbitrary {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if self.value.is_null()
            && let Some(row) = (0..values[0].len()).find(|row| values[0].is_valid(*row))
        {
            self.value = ScalarValue::try_from_array(&values[0], row)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

/// The first value of each group that is not NULL.
#[derive(Debug)]
struct AnyOfGroups {
    data_type: DataType,
    values: Held,
}

impl AnyOfGroups {
    fn new(data_type: &DataType) -> Self {
        Self { data_type: data_type.clone(), values: Held::new(data_type) }
    }
}

impl GroupsAccumulator for AnyOfGroups {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.values.resize(total);
        let nulls = columns[0].logical_nulls();
        let counts = |row: usize| {
            filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
                && nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
        };
        let new = |(row, group): (usize, &usize)| (!self.values.has(*group) && counts(row)).then_some((*group, row));
        // The first of a group counts: the last that is set.
        let picks: Vec<_> = groups.iter().enumerate().rev().filter_map(new).collect();
        self.values.set(&columns[0], picks)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.values.take(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.values.take(emit_to)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update_batch(states, groups, None, total)
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self::new(&self.data_type), columns, filter)
    }

    fn size(&self) -> usize {
        self.values.size()
    }
}
