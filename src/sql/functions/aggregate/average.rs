//! `avg`: a double for numbers, an interval for intervals, rounded to its unit. # inferred: intervals, from Presto

use super::{
    super::{Class, Function},
    function::{Implementation, Own, aggregate},
};
use crate::sql::functions::call::primitive;
use datafusion::{
    arrow::{
        array::{ArrayRef, ArrowPrimitiveType, Int64Array, PrimitiveArray},
        datatypes::{DataType, DurationNanosecondType, Int64Type, IntervalYearMonthType},
    },
    common::ScalarValue,
    error::Result,
    functions_aggregate,
    logical_expr::Accumulator,
};
use std::marker::PhantomData;

pub(super) fn functions() -> Vec<Function> {
    aggregate("avg", Class::Documented, "The arithmetic mean.")
        .form("avg(double) -> double", Implementation::Engine(functions_aggregate::average::avg_udaf))
        .form("avg(interval day to second) -> interval day to second", mean::<DurationNanosecondType>())
        .form("avg(interval year to month) -> interval year to month", mean::<IntervalYearMonthType>())
        .build()
}

fn mean<T>() -> Implementation
where
    T: ArrowPrimitiveType<Native: Into<i64> + TryFrom<i128>> + Send + Sync + std::fmt::Debug,
{
    Implementation::Own(Own {
        accumulator: |_| Ok(Box::new(Mean::<T> { sum: 0, count: 0, kind: PhantomData })),
        // The sum in two halves: 64 bits may be too few for it.
        state: |_| vec![DataType::Int64, DataType::Int64, DataType::Int64],
        groups: None,
    })
}

#[derive(Debug)]
struct Mean<T> {
    sum: i128,
    count: i64,
    kind: PhantomData<T>,
}

impl<T> Accumulator for Mean<T>
where
    T: ArrowPrimitiveType<Native: Into<i64> + TryFrom<i128>> + Send + Sync + std::fmt::Debug,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in primitive::<T>(&values[0])?.iter().flatten() {
            self.sum += i128::from(Into::<i64>::into(value));
            self.count += 1;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = i128::from(self.count);
        // Half away from zero. The mean of values of a type fits the type.
        let mean = match count {
            0 => None,
            _ => T::Native::try_from((self.sum * 2 + self.sum.signum() * count) / (count * 2)).ok(),
        };
        ScalarValue::try_from_array(&PrimitiveArray::<T>::from_iter([mean]), 0)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let halves = [self.sum >> 32, self.sum & 0xFFFF_FFFF];
        let half = |half: i128| ScalarValue::Int64(i64::try_from(half).ok());
        Ok(vec![half(halves[0]), half(halves[1]), ScalarValue::Int64(Some(self.count))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let column = |index: usize| -> Result<&Int64Array> { primitive::<Int64Type>(&states[index]) };
        let (high, low, counts) = (column(0)?, column(1)?, column(2)?);
        for row in 0..counts.len() {
            self.sum += (i128::from(high.value(row)) << 32) + i128::from(low.value(row));
            self.count += counts.value(row);
        }
        Ok(())
    }
}
