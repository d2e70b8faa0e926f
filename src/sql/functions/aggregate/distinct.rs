//! DISTINCT for many groups at once: each distinct tuple of arguments is kept once for its group, and what has been kept
//! is aggregated when results are asked for.

use super::{
    function::{Factory, row_states},
    gathered::{Gathered, kept_rows},
};
use crate::sql::{functions::call::list, types::ARRAY_ITEM};
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, ListArray, new_empty_array},
        buffer::OffsetBuffer,
        datatypes::{DataType, Field},
        row::{OwnedRow, RowConverter, SortField},
    },
    common::internal_datafusion_err,
    error::Result,
    logical_expr::{EmitTo, GroupsAccumulator},
};
use std::{collections::HashSet, sync::Arc};

/// The distinct rows of each group.
#[derive(Debug)]
pub(super) struct DistinctOfGroups {
    factory: Factory,
    converter: RowConverter,
    seen: HashSet<(u32, OwnedRow)>,
    /// Bytes of the rows in `seen`.
    seen_bytes: usize,
    rows: Gathered,
}

impl DistinctOfGroups {
    /// No rows yet. Fails when values of the arguments' types cannot be compared.
    pub(super) fn try_new(factory: Factory) -> Result<Self> {
        let fields = factory.types().parameters.iter().cloned().map(SortField::new).collect();
        let converter = RowConverter::new(fields)?;
        Ok(Self { factory, converter, seen: HashSet::new(), seen_bytes: 0, rows: Gathered::default() })
    }

    /// Forgets the rows of groups that are no longer held; the others count from 0 again.
    fn forget(&mut self, emit_to: EmitTo) -> Result<()> {
        let seen = std::mem::take(&mut self.seen);
        if let EmitTo::First(count) = emit_to {
            let count = u32::try_from(count).map_err(|_| internal_datafusion_err!("{count} groups"))?;
            self.seen = seen.into_iter().filter_map(|(group, row)| Some((group.checked_sub(count)?, row))).collect();
        }
        self.seen_bytes = self.seen.iter().map(|(_, row)| row.as_ref().len()).sum();
        Ok(())
    }
}

impl GroupsAccumulator for DistinctOfGroups {
    fn update_batch(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let (columns, groups) = kept_rows(columns, groups, filter)?;
        let rows = self.converter.convert_columns(&columns)?;
        let mut new = Vec::with_capacity(groups.len());
        for (row, group) in rows.iter().zip(&groups) {
            let is_new = self.seen.insert((*group, row.owned()));
            self.seen_bytes += if is_new { row.as_ref().len() } else { 0 };
            new.push(is_new);
        }
        let groups: Vec<usize> = groups.into_iter().map(|group| group as usize).collect();
        let (columns, groups) = kept_rows(&columns, &groups, Some(&BooleanArray::from(new)))?;
        self.rows.push(columns, groups, total);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let rows = self.rows.take(emit_to)?;
        self.forget(emit_to)?;
        let places = rows.places.iter().enumerate();
        let groups: Vec<usize> = places.flat_map(|(group, places)| std::iter::repeat_n(group, places.len())).collect();
        let columns = match rows.columns.is_empty() {
            true => self.factory.types().parameters.iter().map(new_empty_array).collect(),
            false => rows.columns,
        };
        let mut plain = self.factory.plain_groups()?;
        // With a filter, though it keeps all: without one the engine takes it that every group has a row.
        let all = BooleanArray::from(vec![true; groups.len()]);
        plain.update_batch(&columns, &groups, Some(&all), rows.places.len())?;
        plain.evaluate(EmitTo::All)
    }

    /// One array of each argument's values.
    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let rows = self.rows.take(emit_to)?;
        self.forget(emit_to)?;
        let column = |(index, data_type): (usize, &DataType)| -> Result<ArrayRef> {
            let values = rows.columns.get(index).map_or_else(|| new_empty_array(data_type), Arc::clone);
            let item = Field::new(ARRAY_ITEM, data_type.clone(), true);
            let offsets = OffsetBuffer::from_lengths(rows.places.iter().map(ExactSizeIterator::len));
            Ok(Arc::new(ListArray::try_new(Arc::new(item), offsets, values, None)?))
        };
        self.factory.types().parameters.iter().enumerate().map(column).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let states = states.iter().map(|state| list(state)).collect::<Result<Vec<_>>>()?;
        for (row, group) in groups.iter().enumerate() {
            let columns: Vec<ArrayRef> = states.iter().map(|state| state.value(row)).collect();
            let rows = columns.first().map_or(0, |column| column.len());
            self.update_batch(&columns, &vec![*group; rows], None, total)?;
        }
        Ok(())
    }

    fn convert_to_state(&self, columns: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        row_states(Self::try_new(self.factory.clone())?, columns, filter)
    }

    fn size(&self) -> usize {
        let entries = self.seen.capacity() * size_of::<(u32, OwnedRow)>() + self.seen_bytes;
        size_of_val(self) + entries + self.rows.size()
    }
}
