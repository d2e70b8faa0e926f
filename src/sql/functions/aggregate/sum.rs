//! `sum`: of integers checked, as Presto; bigint for integers. # guide: aggregate-functions.html says "same as input"

use super::{
    super::{Class, Function},
    function::{Implementation, Own, Types, aggregate},
};
use crate::sql::{error::invalid, functions::call::primitive};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray},
        datatypes::{ArrowNativeTypeOp, DurationNanosecondType, Int64Type, IntervalYearMonthType},
    },
    common::ScalarValue,
    error::Result,
    functions_aggregate,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::{fmt::Debug, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    aggregate("sum", Class::Documented, "The sum of the values.")
        .form("sum(bigint) -> bigint", checked::<Int64Type>())
        .form("sum(double) -> double", Implementation::Engine(functions_aggregate::sum::sum_udaf))
        .form("sum(interval day to second) -> interval day to second", checked::<DurationNanosecondType>())
        .form("sum(interval year to month) -> interval year to month", checked::<IntervalYearMonthType>())
        .build()
}

/// A whole number that is summed.
trait Summed: ArrowPrimitiveType + Send + Sync + Debug {
    /// What an overflow's message calls it.
    const NAME: &'static str;
}

impl Summed for Int64Type {
    const NAME: &'static str = "bigint";
}

impl Summed for DurationNanosecondType {
    const NAME: &'static str = "interval";
}

impl Summed for IntervalYearMonthType {
    const NAME: &'static str = "interval";
}

fn checked<T: Summed>() -> Implementation {
    Implementation::Own(Own {
        accumulator: |_| Ok(Box::new(Sum::<T> { sum: None })),
        state: |types| vec![types.returns.clone()],
        groups: Some(|_: &Types| Ok(Box::new(Sums::<T> { sums: Vec::new(), seen: Vec::new() }))),
    })
}

fn add<T: Summed>(sum: T::Native, value: T::Native) -> Result<T::Native> {
    sum.add_checked(value).map_err(|_| invalid(format!("{} addition overflow: {sum:?} + {value:?}", T::NAME)))
}

#[derive(Debug)]
struct Sum<T: Summed> {
    sum: Option<T::Native>,
}

impl<T: Summed> Accumulator for Sum<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in primitive::<T>(&values[0])?.iter().flatten() {
            self.sum = Some(match self.sum {
                Some(sum) => add::<T>(sum, value)?,
                None => value,
            });
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&PrimitiveArray::<T>::from_iter([self.sum]), 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

/// The sums of many groups.
#[derive(Debug)]
struct Sums<T: Summed> {
    sums: Vec<T::Native>,
    /// Whether a group has had a value.
    seen: Vec<bool>,
}

impl<T: Summed> Sums<T> {
    fn add(&mut self, group: usize, value: T::Native) -> Result<()> {
        self.sums[group] = add::<T>(self.sums[group], value)?;
        self.seen[group] = true;
        Ok(())
    }
}

impl<T: Summed> GroupsAccumulator for Sums<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.resize(total, T::Native::default());
        self.seen.resize(total, false);
        let values = primitive::<T>(&values[0])?;
        if filter.is_none() && values.null_count() == 0 {
            return groups.iter().zip(values.values()).try_for_each(|(group, value)| self.add(*group, *value));
        }
        for (row, group) in groups.iter().enumerate() {
            let kept = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if kept && values.is_valid(row) {
                self.add(*group, values.value(row))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = emit_to.take_needed(&mut self.sums);
        let seen = emit_to.take_needed(&mut self.seen);
        Ok(Arc::new(PrimitiveArray::<T>::new(sums.into(), Some(seen.into()))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.update_batch(states, groups, None, total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(filter) = filter else { return Ok(values.to_vec()) };
        let kept = match filter.null_count() {
            0 => filter.clone(),
            _ => datafusion::arrow::compute::prep_null_mask_filter(filter),
        };
        let dropped = datafusion::arrow::compute::not(&kept)?;
        Ok(vec![datafusion::arrow::compute::nullif(&values[0], &dropped)?])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<T::Native>() + self.seen.capacity()
    }
}
