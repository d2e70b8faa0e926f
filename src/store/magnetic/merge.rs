//! Several chunks' rows in new order: one set of rows per day.

use crate::{
    model::{record::MeasureType, retention::DAY_NS},
    store::{
        memory::{
            columns::ColumnArray,
            dead::DeadRows,
            sealed::{SealedRows, push_run},
            series::SeriesId,
        },
        pace,
    },
};
use datafusion::arrow::{
    array::{Array, ArrayRef},
    buffer::ScalarBuffer,
    compute::interleave,
};
use std::{collections::BTreeMap, sync::Arc};

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

/// A row's stream and time, and where it is now.
type Placed = ((SeriesId, u16), i64, u32, u32);

/// The rows of all inputs by day since the epoch, ascending. Of each key, no more than one row is current.
pub(crate) fn merge_by_day(inputs: &[MergeInput]) -> Vec<(i64, SealedRows)> {
    let runs = inputs.iter().enumerate().flat_map(|(input, MergeInput { rows, .. })| {
        rows.runs.iter().enumerate().map(move |(i, run)| ((run.series, run.measure_name), input, i))
    });
    let mut runs: Vec<_> = runs.collect();
    runs.sort_unstable();
    // Streams come in order, and a stream's rows in that of their times, so every day's rows do, too.
    let mut days: BTreeMap<i64, Vec<Placed>> = BTreeMap::new();
    for stream in runs.chunk_by(|a, b| a.0 == b.0) {
        let mut placed: Vec<Placed> = Vec::new();
        for (stream, input, run) in stream {
            let MergeInput { rows, dead, from_ns, until_ns } = &inputs[*input];
            for row in rows.run_rows(*run) {
                let time_ns = rows.times[row];
                if (*from_ns..*until_ns).contains(&time_ns) && !dead.contains(row) {
                    placed.push((*stream, time_ns, *input as u32, row as u32));
                }
            }
        }
        // Each run is sorted, which this makes use of.
        placed.sort();
        let day_of = |row: &Placed| row.1.div_euclid(DAY_NS);
        for rows in placed.chunk_by(|a, b| day_of(a) == day_of(b)) {
            days.entry(day_of(&rows[0])).or_default().extend_from_slice(rows);
        }
        pace::rest();
    }
    days.into_iter().filter_map(|(day, rows)| Some((day, gather(inputs, &rows)?))).collect()
}

/// The rows of one day.
fn gather(inputs: &[MergeInput], order: &[Placed]) -> Option<SealedRows> {
    let mut runs = Vec::new();
    for (row, ((series, measure_name), ..)) in order.iter().enumerate() {
        push_run(&mut runs, *series, *measure_name, row as u32 + 1);
    }
    let times = order.iter().map(|(_, time_ns, ..)| *time_ns).collect();
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
        pace::rest();
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
