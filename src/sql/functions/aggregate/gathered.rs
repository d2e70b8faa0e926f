//! Rows of many groups, kept as they come and sorted by group when results are asked for: for aggregates that need all
//! values of a group at once.

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, UInt32Array},
        compute,
    },
    common::internal_datafusion_err,
    error::Result,
    logical_expr::EmitTo,
};
use std::ops::Range;

/// Rows that have been gathered. All have the same columns.
#[derive(Debug, Default)]
pub(in crate::sql::functions) struct Gathered {
    chunks: Vec<Chunk>,
    /// How many groups there are.
    groups: usize,
    bytes: usize,
}

#[derive(Debug)]
struct Chunk {
    columns: Vec<ArrayRef>,
    /// The group of each row.
    groups: Vec<u32>,
}

/// The rows of some groups, group by group, within a group in the order they came.
#[derive(Debug)]
pub(in crate::sql::functions) struct ByGroup {
    /// Empty when there are no rows at all.
    pub(in crate::sql::functions) columns: Vec<ArrayRef>,
    /// Where the rows of each group lie.
    pub(in crate::sql::functions) places: Vec<Range<usize>>,
}

impl Gathered {
    /// Adds rows, each to its group.
    pub(in crate::sql::functions) fn push(&mut self, columns: Vec<ArrayRef>, groups: Vec<u32>, total: usize) {
        self.groups = self.groups.max(total);
        if groups.is_empty() {
            return;
        }
        // A chunk may be a slice of a batch that others hold as well; only its share counts.
        let bytes = |array: &ArrayRef| array.to_data().get_slice_memory_size().unwrap_or(0);
        self.bytes += columns.iter().map(bytes).sum::<usize>() + groups.len() * size_of::<u32>();
        self.chunks.push(Chunk { columns, groups });
    }

    /// The rows of the groups that are asked for; they are no longer held.
    pub(in crate::sql::functions) fn take(&mut self, emit_to: EmitTo) -> Result<ByGroup> {
        let held = std::mem::take(self);
        let emitted = match emit_to {
            EmitTo::All => held.groups,
            EmitTo::First(count) => count.min(held.groups),
        };
        let groups: Vec<u32> = held.chunks.iter().flat_map(|chunk| chunk.groups.iter().copied()).collect();
        let width = held.chunks.first().map_or(0, |chunk| chunk.columns.len());
        let columns = (0..width).map(|index| {
            let parts: Vec<&dyn Array> = held.chunks.iter().map(|chunk| chunk.columns[index].as_ref()).collect();
            Ok(compute::concat(&parts)?)
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let (order, ends) = order_by_group(&groups, held.groups)?;
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let places: Vec<Range<usize>> = starts.zip(&ends).map(|(start, end)| start..*end).take(emitted).collect();
        let end = places.last().map_or(0, |places| places.end);
        let sorted = |rows: &UInt32Array| {
            columns.iter().map(|column| Ok(compute::take(column, rows, None)?)).collect::<Result<Vec<_>>>()
        };
        if end < order.len() {
            let shift = u32::try_from(emitted).map_err(|_| internal_datafusion_err!("{emitted} groups"))?;
            let rest = order.slice(end, order.len() - end);
            let groups = rest.values().iter().map(|row| groups[*row as usize] - shift).collect();
            self.push(sorted(&rest)?, groups, 0);
        }
        self.groups = held.groups - emitted;
        Ok(ByGroup { columns: sorted(&order.slice(0, end))?, places })
    }

    /// Bytes of memory.
    pub(in crate::sql::functions) fn size(&self) -> usize {
        size_of_val(self) + self.bytes
    }
}

/// The rows sorted by group, those of one in their order, and where each group ends: a counting sort.
fn order_by_group(groups: &[u32], count: usize) -> Result<(UInt32Array, Vec<usize>)> {
    let mut next = vec![0usize; count + 1];
    groups.iter().for_each(|group| next[*group as usize + 1] += 1);
    for group in 0..count {
        next[group + 1] += next[group];
    }
    let ends = next[1..].to_vec();
    let mut order = vec![0u32; groups.len()];
    for (row, group) in groups.iter().enumerate() {
        let place = &mut next[*group as usize];
        order[*place] = u32::try_from(row).map_err(|_| internal_datafusion_err!("{row} rows of one aggregate"))?;
        *place += 1;
    }
    Ok((UInt32Array::from(order), ends))
}

/// The rows that a filter keeps, with their groups.
pub(in crate::sql::functions) fn kept_rows(
    columns: &[ArrayRef],
    groups: &[usize],
    filter: Option<&BooleanArray>,
) -> Result<(Vec<ArrayRef>, Vec<u32>)> {
    let number = |group: usize| u32::try_from(group).map_err(|_| internal_datafusion_err!("group {group}"));
    let Some(filter) = filter else {
        return Ok((columns.to_vec(), groups.iter().map(|group| number(*group)).collect::<Result<_>>()?));
    };
    let columns = columns.iter().map(|column| Ok(compute::filter(column, filter)?)).collect::<Result<Vec<_>>>()?;
    let kept = groups.iter().enumerate().filter(|(row, _)| filter.is_valid(*row) && filter.value(*row));
    Ok((columns, kept.map(|(_, group)| number(*group)).collect::<Result<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::functions::call::primitive;
    use datafusion::arrow::{array::Int64Array, datatypes::Int64Type};
    use std::sync::Arc;

    fn values(rows: &ByGroup) -> Vec<Vec<i64>> {
        let all = rows.columns.first().map(|column| primitive::<Int64Type>(column).unwrap().values().to_vec());
        let all = all.unwrap_or_default();
        rows.places.iter().map(|places| all[places.clone()].to_vec()).collect()
    }

    #[test]
    fn rows_are_given_back_by_group() {
        let column = |values: &[i64]| -> Vec<ArrayRef> { vec![Arc::new(Int64Array::from(values.to_vec()))] };
        let mut gathered = Gathered::default();
        gathered.push(column(&[1, 2, 3]), vec![0, 2, 0], 3);
        gathered.push(column(&[4, 5]), vec![2, 3], 5);
        assert_eq!(values(&gathered.take(EmitTo::First(2)).unwrap()), [vec![1, 3], vec![]]);
        gathered.push(column(&[6]), vec![0], 3);
        assert_eq!(values(&gathered.take(EmitTo::All).unwrap()), [vec![2, 4, 6], vec![5], vec![]]);
        assert_eq!(values(&gathered.take(EmitTo::All).unwrap()), Vec::<Vec<i64>>::new());
    }
}
