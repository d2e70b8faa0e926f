//! `avg`: a double for numbers, an interval for intervals, rounded to its unit. # inferred: intervals, from Presto

use super::{
    super::{Class, Function},
    function::{Implementation, Own, aggregate, row_states},
};
use crate::sql::functions::call::primitive;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, Int64Array, PrimitiveArray},
        datatypes::{DataType, DurationNanosecondType, Int64Type, IntervalYearMonthType},
    },
    common::{ScalarValue, internal_datafusion_err},
    error::Result,
    functions_aggregate,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::{fmt::Debug, marker::PhantomData, sync::Arc};

pub(super) fn functions() -> Vec<Function> {
    aggregate("avg", Class::Documented, "The arithmetic mean.")
        .form("avg(double) -> double", Implementation::Engine(functions_aggregate::average::avg_udaf))
        .form("avg(interval day to second) -> interval day to second", mean::<DurationNanosecondType>())
        .form("avg(interval year to month) -> interval year to month", mean::<IntervalYearMonthType>())
        .build()
}

/// What intervals are made of.
trait Interval: ArrowPrimitiveType<Native: Into<i64> + TryFrom<i128>> + Send + Sync + Debug {}

impl<T: ArrowPrimitiveType<Native: Into<i64> + TryFrom<i128>> + Send + Sync + Debug> Interval for T {}

fn mean<T: Interval>() -> Implementation {
    Implementation::Own(Own {
        accumulator: |_| Ok(Box::new(Means::<T> { sums: vec![Sum::default()], kind: PhantomData })),
        // The sum in two halves: 64 bits may be too few for it.
        state: |_| vec![DataType::Int64, DataType::Int64, DataType::Int64],
        groups: Some(|_| Ok(Box::new(Means::<T> { sums: Vec::new(), kind: PhantomData }))),
    })
}

/// What is known of the intervals of one group.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    sum: i128,
    count: i64,
}

impl Sum {
    fn add(&mut self, value: i64) {
        self.sum += i128::from(value);
        self.count += 1;
    }

    fn mean<T: Interval>(&self) -> Option<T::Native> {
        let count = i128::from(self.count);
        // Half away from zero. The mean of values of a type fits the type.
        (count > 0).then(|| T::Native::try_from((self.sum * 2 + self.sum.signum() * count) / (count * 2)).ok())?
    }

    fn parts(&self) -> [Option<i64>; 3] {
        [i64::try_from(self.sum >> 32).ok(), i64::try_from(self.sum & 0xFFFF_FFFF).ok(), Some(self.count)]
    }

    fn merge(&mut self, [high, low, count]: [i64; 3]) {
        self.sum += (i128::from(high) << 32) + i128::from(low);
        self.count += count;
    }
}

/// One sum for each group; as an [`Accumulator`], of one group.
#[derive(Debug)]
struct Means<T> {
    sums: Vec<Sum>,
    kind: PhantomData<T>,
}

impl<T: Interval> Means<T> {
    fn merge(&mut self, states: &[ArrayRef], group: impl Fn(usize) -> usize) -> Result<()> {
        let [high, low, counts] = states else { return Err(internal_datafusion_err!("three columns of state")) };
        let [high, low, counts] =
            [primitive::<Int64Type>(high)?, primitive::<Int64Type>(low)?, primitive::<Int64Type>(counts)?];
        for row in 0..counts.len() {
            self.sums[group(row)].merge([high.value(row), low.value(row), counts.value(row)]);
        }
        Ok(())
    }
}

impl<T: Interval> Accumulator for Means<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in primitive::<T>(&values[0])?.iter().flatten() {
            self.sums[0].add(value.into());
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&PrimitiveArray::<T>::from_iter([self.sums[0].mean::<T>()]), 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + size_of::<Sum>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(self.sums[0].parts().map(ScalarValue::Int64).to_vec())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.merge(states, |_| 0)
    }
}

impl<T: Interval> GroupsAccumulator for Means<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.sums.resize(total, Sum::default());
        for (row, value) in primitive::<T>(&values[0])?.iter().enumerate() {
            let kept = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if let (Some(value), true) = (value, kept) {
                self.sums[groups[row]].add(value.into());
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = emit_to.take_needed(&mut self.sums);
        Ok(Arc::new(PrimitiveArray::<T>::from_iter(sums.iter().map(Sum::mean::<T>))))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let parts: Vec<_> = emit_to.take_needed(&mut self.sums).iter().map(Sum::parts).collect();
        let column =
            |index: usize| -> ArrayRef { Arc::new(Int64Array::from_iter(parts.iter().map(|part| part[index]))) };
        Ok((0..3).map(column).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.sums.resize(total, Sum::default());
        self.merge(states, |row| groups[row])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self { sums: Vec::new(), kind: PhantomData }, values, filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.sums.capacity() * size_of::<Sum>()
    }
}
