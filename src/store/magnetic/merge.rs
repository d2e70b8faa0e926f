//! Several chunks' rows in new order: one set of rows per day.

use crate::{
    model::{record::MeasureType, retention::DAY_NS},
    store::memory::{
        columns::ColumnArray,
        dead::DeadRows,
        sealed::{Run, SealedRows, push_run},
        series::SeriesId,
    },
};
use datafusion::arrow::{
    array::{Array, ArrayRef},
    buffer::ScalarBuffer,
    compute::interleave,
};
use std::sync::Arc;

/// Rows to be merged: those that are current and not older than a time, and older than another.
#[derive(Clone, Debug)]
pub(crate) struct MergeInput {
    pub(crate) rows: Arc<SealedRows>,
    pub(crate) dead: Arc<DeadRows>,
    pub(crate) from_ns: i64,
    pub(crate) until_ns: i64,
}

impl MergeInput {
    /// The current rows that are not merged, because they are too new; `None` when there are none.
    pub(crate) fn rest(&self) -> Option<SealedRows> {
        if self.rows.newest_ns < self.until_ns {
            return None;
        }
        let first_ns = self.from_ns.max(self.until_ns);
        self.rows.retain(|row| self.rows.times[row] >= first_ns && !self.dead.contains(row))
    }
}

/// A row's place in the order: day, stream, time; and where it is now.
type Placed = (i64, u64, i64, u32, u32);

/// The rows of all inputs by day since the epoch, ascending. Of each key, no more than one row is current.
pub(crate) fn merge_by_day(inputs: &[MergeInput]) -> Vec<(i64, SealedRows)> {
    let mut order: Vec<Placed> = Vec::new();
    for (input, MergeInput { rows, dead, from_ns, until_ns }) in inputs.iter().enumerate() {
        for (i, Run { series, measure_name, .. }) in rows.runs.iter().enumerate() {
            let stream = u64::from(*series) << 16 | u64::from(*measure_name);
            for row in rows.run_rows(i) {
                let time_ns = rows.times[row];
                if (*from_ns..*until_ns).contains(&time_ns) && !dead.contains(row) {
                    order.push((time_ns.div_euclid(DAY_NS), stream, time_ns, input as u32, row as u32));
                }
            }
        }
    }
    order.sort_unstable();
    let days = order.chunk_by(|a, b| a.0 == b.0);
    days.filter_map(|day| Some((day[0].0, gather(inputs, day)?))).collect()
}

/// The rows of one day.
fn gather(inputs: &[MergeInput], order: &[Placed]) -> Option<SealedRows> {
    let mut runs = Vec::new();
    for (row, (_, stream, ..)) in order.iter().enumerate() {
        push_run(&mut runs, (stream >> 16) as SeriesId, *stream as u16, row as u32 + 1);
    }
    let times = order.iter().map(|(_, _, time_ns, ..)| *time_ns).collect();
    let version = |(.., input, row): &Placed| inputs[*input as usize].rows.version(*row as usize);
    let versions = match order.iter().all(|row| version(row) == 1) {
        true => ScalarBuffer::default(),
        false => order.iter().map(version).collect(),
    };
    let places: Vec<_> = order.iter().map(|(.., input, row)| (*input as usize, *row as usize)).collect();
    let (mut column_ids, mut columns) = (Vec::new(), Vec::new());
    for (id, value_type) in all_columns(inputs) {
        let arrays: Vec<ArrayRef> = inputs
            .iter()
            .map(|input| match input.rows.column(id) {
                Some(column) => column.to_array(),
                None => ColumnArray::absent(value_type, input.rows.len()),
            })
            .collect();
        let arrays: Vec<&dyn Array> = arrays.iter().map(|array| &**array).collect();
        let column = ColumnArray::from_array(&interleave(&arrays, &places).ok()?)?;
        // A day need not have all columns of the chunks that it comes from.
        if column.array().null_count() < places.len() {
            column_ids.push(id);
            columns.push(column);
        }
    }
    SealedRows::new(runs, times, versions, column_ids, columns)
}

/// The columns of all inputs, by number.
fn all_columns(inputs: &[MergeInput]) -> Vec<(u16, MeasureType)> {
    let columns = inputs.iter().flat_map(|input| {
        input.rows.column_ids.iter().zip(&input.rows.columns).map(|(id, column)| (*id, column.value_type()))
    });
    let mut columns: Vec<_> = columns.collect();
    columns.sort_unstable_by_key(|(id, _)| *id);
    columns.dedup_by_key(|(id, _)| *id);
    columns
}
