//! `max(x)`, `min(x)`, and the forms that give several rows: `max(x, n)`, `min(x, n)`, `max_by(x, y, n)`,
//! `min_by(x, y, n)`: the values of the `n` rows with the largest or smallest keys, best first.

use super::{
    super::{Class, Function},
    function::{Implementation, MakeAccumulator, MakeGroupsAccumulator, Own, Types, aggregate, row_states},
    gathered::{ByGroup, Gathered, kept_rows},
};
use crate::sql::{
    error::invalid,
    functions::{
        call::{list, primitive},
        compare::order,
        lists::range,
    },
    types::array,
};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, DynComparator, Int64Array, ListArray, UInt32Array, new_empty_array},
        buffer::{NullBuffer, OffsetBuffer},
        compute,
        datatypes::{DataType, Int64Type},
    },
    common::{ScalarValue, internal_datafusion_err, utils::SingleRowListArrayBuilder},
    error::Result,
    functions_aggregate::min_max,
    logical_expr::{Accumulator, EmitTo, GroupsAccumulator},
};
use std::{cmp::Ordering, sync::Arc};

/// Rows one aggregate keeps at most. # inferred: Presto's bound
const ROWS_MAX: usize = 10_000;

/// Which rows are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Largest,
    Smallest,
}

impl Keep {
    /// Which of two rows comes first.
    fn compare(self, order: &DynComparator, a: usize, b: usize) -> Ordering {
        match self {
            Self::Largest => order(b, a),
            Self::Smallest => order(a, b),
        }
    }
}

pub(super) fn functions() -> Vec<Function> {
    [
        aggregate("max", Class::Documented, "The largest value, or the n largest.")
            .form("max(K) -> K", Implementation::EngineWhole(min_max::max_udaf))
            .form("max(K, bigint) -> array(K)", most_by(Keep::Largest))
            .build(),
        aggregate("min", Class::Documented, "The smallest value, or the n smallest.")
            .form("min(K) -> K", Implementation::EngineWhole(min_max::min_udaf))
            .form("min(K, bigint) -> array(K)", most_by(Keep::Smallest))
            .build(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The form with a count, of max, min, max_by and min_by.
pub(super) fn most_by(keep: Keep) -> Implementation {
    match keep {
        Keep::Largest => most(
            |types| Most::accumulator(types, Keep::Largest),
            |types| MostOfGroups::accumulator(types, Keep::Largest),
        ),
        Keep::Smallest => most(
            |types| Most::accumulator(types, Keep::Smallest),
            |types| MostOfGroups::accumulator(types, Keep::Smallest),
        ),
    }
}

fn most(accumulator: MakeAccumulator, groups: MakeGroupsAccumulator) -> Implementation {
    Implementation::Own(Own {
        accumulator,
        state: |types| {
            let keys = types.parameters.len() - 2;
            vec![array(types.parameters[0].clone()), array(types.parameters[keys].clone()), DataType::Int64]
        },
        groups: Some(groups),
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
        rows.sort_by(|a, b| self.keep.compare(&compare, *a, *b));
        rows.truncate(self.count.unwrap_or(0));
        let rows: UInt32Array = rows.into_iter().map(|row| u32::try_from(row).ok()).collect();
        self.values = compute::take(&values, &rows, None)?;
        self.keys = compute::take(&keys, &rows, None)?;
        Ok(())
    }

    fn set_count(&mut self, count: i64) -> Result<()> {
        self.count = Some(checked_count(&self.types, count)?);
        Ok(())
    }
}

/// # inferred: Presto's words
fn checked_count(types: &Types, count: i64) -> Result<usize> {
    let (place, name) = match types.parameters.len() {
        2 => ("second", "max_n/min_n"),
        _ => ("third", "max_by/min_by"),
    };
    match usize::try_from(count) {
        Ok(count @ 1..=ROWS_MAX) => Ok(count),
        Ok(count @ 1..) => {
            let message = format!("{place} argument of {name} must be less than or equal to {ROWS_MAX}; found {count}");
            Err(invalid(message))
        }
        _ => Err(invalid(format!("{place} argument of {name} must be a positive integer"))),
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

/// The best rows of each group.
#[derive(Debug)]
struct MostOfGroups {
    keep: Keep,
    types: Types,
    /// How many rows each group keeps; `None` before its first row says so.
    counts: Vec<Option<usize>>,
    /// Values and keys of rows that may be among them.
    rows: Gathered,
    /// How many rows there are, and how many there may be before those that are not among the best are dropped.
    held: usize,
    held_max: usize,
}

/// What is taken of groups.
struct Taken {
    /// Values and keys of their best rows, group by group, best first.
    columns: Vec<ArrayRef>,
    /// How many rows that is for each group.
    lengths: Vec<usize>,
    /// How many each was to keep.
    counts: Vec<Option<usize>>,
}

/// Rows that may be held before any are dropped.
const HELD_MIN: usize = 65_536;

impl MostOfGroups {
    fn accumulator(types: &Types, keep: Keep) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Self::new(types, keep)))
    }

    fn new(types: &Types, keep: Keep) -> Self {
        let (counts, rows) = (Vec::new(), Gathered::default());
        Self { keep, types: types.clone(), counts, rows, held: 0, held_max: HELD_MIN }
    }

    fn set_count(&mut self, group: usize, count: i64) -> Result<()> {
        if self.counts[group].is_none() {
            self.counts[group] = Some(checked_count(&self.types, count)?);
        }
        Ok(())
    }

    fn add(&mut self, columns: Vec<ArrayRef>, groups: Vec<u32>) -> Result<()> {
        self.held += groups.len();
        self.rows.push(columns, groups, self.counts.len());
        if self.held <= self.held_max {
            return Ok(());
        }
        let rows = self.rows.take(EmitTo::All)?;
        let (columns, lengths) = self.best(&rows, &self.counts)?;
        let mut groups = Vec::with_capacity(lengths.iter().sum());
        for (group, length) in (0_u32..).zip(lengths) {
            groups.extend(std::iter::repeat_n(group, length));
        }
        self.held = groups.len();
        self.held_max = HELD_MIN.max(2 * self.held);
        self.rows.push(columns, groups, self.counts.len());
        Ok(())
    }

    /// The best rows of each group, best first, and how many they are.
    fn best(&self, rows: &ByGroup, counts: &[Option<usize>]) -> Result<(Vec<ArrayRef>, Vec<usize>)> {
        let [values, keys] = &rows.columns[..] else {
            let empty = |parameter: usize| new_empty_array(&self.types.parameters[parameter]);
            return Ok((vec![empty(0), empty(self.types.parameters.len() - 2)], vec![0; counts.len()]));
        };
        let compare = order(keys, keys)?;
        let mut picks = Vec::new();
        let mut lengths = Vec::with_capacity(counts.len());
        for (group, count) in counts.iter().enumerate() {
            let mut places: Vec<usize> = rows.places.get(group).cloned().unwrap_or_default().collect();
            places.sort_by(|a, b| self.keep.compare(&compare, *a, *b));
            places.truncate(count.unwrap_or(0));
            lengths.push(places.len());
            picks.extend(places.into_iter().map(|place| u32::try_from(place).ok()));
        }
        let picks = UInt32Array::from(picks);
        Ok((vec![compute::take(values, &picks, None)?, compute::take(keys, &picks, None)?], lengths))
    }

    /// The groups that are asked for; they are no longer held.
    fn take(&mut self, emit_to: EmitTo) -> Result<Taken> {
        let rows = self.rows.take(emit_to)?;
        let counts = emit_to.take_needed(&mut self.counts);
        let (columns, lengths) = self.best(&rows, &counts)?;
        self.held = self.held.saturating_sub(rows.places.iter().map(ExactSizeIterator::len).sum());
        Ok(Taken { columns, lengths, counts })
    }
}

impl GroupsAccumulator for MostOfGroups {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let [values, .., counts] = columns else { return Err(internal_datafusion_err!("max takes two columns")) };
        let keys = &columns[columns.len() - 2];
        let counts = primitive::<Int64Type>(counts)?;
        self.counts.resize(total, None);
        let kept = |row: usize| filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| kept(*row)) {
            self.set_count(*group, if counts.is_null(row) { 0 } else { counts.value(row) })?;
        }
        let nulls = keys.logical_nulls();
        let known = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let wanted: BooleanArray = (0..groups.len()).map(|row| Some(kept(row) && known(row))).collect();
        let (columns, groups) = kept_rows(&[Arc::clone(values), Arc::clone(keys)], groups, Some(&wanted))?;
        self.add(columns, groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let Taken { columns, lengths, .. } = self.take(emit_to)?;
        let nulls = NullBuffer::from_iter(lengths.iter().map(|length| *length > 0));
        lists_of(&columns[0], lengths, Some(nulls))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let Taken { columns, lengths, counts } = self.take(emit_to)?;
        let counts = counts.into_iter().map(|count| count.and_then(|count| i64::try_from(count).ok()));
        Ok(vec![
            lists_of(&columns[0], lengths.clone(), None)?,
            lists_of(&columns[1], lengths, None)?,
            Arc::new(counts.collect::<Int64Array>()),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let [values, keys, counts] = states else { return Err(internal_datafusion_err!("three columns of state")) };
        let (values, keys, counts) = (list(values)?, list(keys)?, primitive::<Int64Type>(counts)?);
        self.counts.resize(total, None);
        let (mut of_values, mut of_keys, mut of_groups) = (Vec::new(), Vec::new(), Vec::new());
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| counts.is_valid(*row)) {
            self.set_count(*group, counts.value(row))?;
            let number = u32::try_from(*group).map_err(|_| internal_datafusion_err!("group {group}"))?;
            of_groups.extend(std::iter::repeat_n(number, range(values, row).len()));
            of_values.extend(range(values, row).map(|place| u32::try_from(place).ok()));
            of_keys.extend(range(keys, row).map(|place| u32::try_from(place).ok()));
        }
        let values = compute::take(values.values(), &UInt32Array::from(of_values), None)?;
        let keys = compute::take(keys.values(), &UInt32Array::from(of_keys), None)?;
        self.add(vec![values, keys], of_groups)
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self::new(&self.types, self.keep), columns, filter)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.rows.size() + self.counts.capacity() * size_of::<Option<usize>>()
    }
}

/// Values that lie one list after the other, as lists of these lengths.
fn lists_of(values: &ArrayRef, lengths: Vec<usize>, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
    let DataType::List(item) = array(values.data_type().clone()) else {
        return Err(internal_datafusion_err!("an array type"));
    };
    Ok(Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), Arc::clone(values), nulls)?))
}
