//! Aggregates of doubles whose state is a handful of doubles: one state for each group, updated value by value.

use super::function::{Own, row_states};
use crate::sql::functions::call::primitive;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, Float64Array},
        datatypes::{DataType, Float64Type},
    },
    common::ScalarValue,
    error::Result,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::{fmt::Debug, sync::Arc};

/// Doubles a state consists of at most.
pub(super) const PARTS_MAX: usize = 6;

/// What is known of the values of one group.
pub(super) trait Summary: Copy + Default + Debug + Send + Sync + 'static {
    /// Of how many doubles the state consists.
    const PARTS: usize;
    /// How many arguments there are.
    const ARGUMENTS: usize;
    /// Adds a value, or a pair of them; of one argument `second` is the value again.
    fn add(&mut self, first: f64, second: f64);
    /// The state; what lies beyond [`Self::PARTS`] is zero.
    fn parts(&self) -> [f64; PARTS_MAX];
    /// Adds what another state knows.
    fn merge(&mut self, parts: [f64; PARTS_MAX]);
}

/// An aggregate: what is asked of a summary.
pub(super) trait Statistic: Debug + Send + Sync + 'static {
    /// What answers it.
    type Summary: Summary;
    /// The answer, `None` for NULL.
    fn result(summary: &Self::Summary) -> Option<f64>;
    /// Whether the values may be aggregated at all.
    fn check(_: &Self::Summary) -> Result<()> {
        Ok(())
    }
}

/// What computes a statistic.
pub(super) fn own<S: Statistic>() -> Own {
    Own {
        accumulator: |_| Ok(Box::new(Summaries::<S> { summaries: vec![S::Summary::default()] })),
        state: |_| vec![DataType::Float64; S::Summary::PARTS],
        groups: Some(|_| Ok(Box::new(Summaries::<S> { summaries: Vec::new() }))),
    }
}

/// One summary for each group; as an [`Accumulator`], of one group.
#[derive(Debug)]
struct Summaries<S: Statistic> {
    summaries: Vec<S::Summary>,
}

impl<S: Statistic> Summaries<S> {
    /// Adds the rows that are not NULL and kept, each to its group.
    fn add(&mut self, columns: &[ArrayRef], kept: Option<&BooleanArray>, group: impl Fn(usize) -> usize) -> Result<()> {
        let first = primitive::<Float64Type>(&columns[0])?;
        let second = primitive::<Float64Type>(&columns[S::Summary::ARGUMENTS - 1])?;
        for row in 0..first.len() {
            let kept = kept.is_none_or(|kept| kept.is_valid(row) && kept.value(row));
            if kept && first.is_valid(row) && second.is_valid(row) {
                self.summaries[group(row)].add(first.value(row), second.value(row));
            }
        }
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group: impl Fn(usize) -> usize) -> Result<()> {
        let columns = states.iter().map(|state| primitive::<Float64Type>(state)).collect::<Result<Vec<_>>>()?;
        for row in 0..columns.first().map_or(0, |column| column.len()) {
            let mut parts = [0.0; PARTS_MAX];
            parts.iter_mut().zip(&columns).for_each(|(part, column)| *part = column.value(row));
            self.summaries[group(row)].merge(parts);
        }
        Ok(())
    }
}

impl<S: Statistic> Accumulator for Summaries<S> {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.add(columns, None, |_| 0)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        S::check(&self.summaries[0])?;
        Ok(ScalarValue::Float64(S::result(&self.summaries[0])))
    }

    fn size(&self) -> usize {
        size_of_val(self) + size_of::<S::Summary>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let parts = self.summaries[0].parts();
        Ok(parts[..S::Summary::PARTS].iter().map(|part| ScalarValue::Float64(Some(*part))).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.merge(states, |_| 0)
    }
}

impl<S: Statistic> GroupsAccumulator for Summaries<S> {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        self.summaries.resize(total, S::Summary::default());
        self.add(columns, filter, |row| groups[row])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let summaries = emit_to.take_needed(&mut self.summaries);
        summaries.iter().try_for_each(S::check)?;
        Ok(Arc::new(summaries.iter().map(S::result).collect::<Float64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let parts: Vec<_> = emit_to.take_needed(&mut self.summaries).iter().map(Summary::parts).collect();
        let column = |index: usize| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(parts.iter().map(|parts| parts[index])))
        };
        Ok((0..S::Summary::PARTS).map(column).collect())
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.summaries.resize(total, S::Summary::default());
        self.merge(states, |row| groups[row])
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self { summaries: Vec::new() }, columns, filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.summaries.capacity() * size_of::<S::Summary>()
    }
}
