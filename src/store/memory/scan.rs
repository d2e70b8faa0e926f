//! Reading an immutable view of a table's rows.

use super::{
    columns::ColumnArray,
    dead::DeadRows,
    open::SettledBlock,
    sealed::{Run, SealedRows},
    selection::{Coverage, Selection, StreamSet},
    series::{SeriesId, SeriesView},
};
use crate::model::{
    limits::SCAN_BATCH_ROWS_MAX,
    record::MeasureType,
    table::{Column, ColumnKind},
};
use datafusion::arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions, StringBuilder, TimestampNanosecondArray, UInt32Array},
    buffer::ScalarBuffer,
    compute::take,
    datatypes::SchemaRef,
};
use std::{collections::VecDeque, ops::Range, sync::Arc};

/// Rows of one chunk or block, as a view holds them.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Part of an open or frozen chunk.
    Open(SettledBlock),
    /// A sealed chunk.
    Sealed {
        /// Its rows.
        rows: Arc<SealedRows>,
        /// Those that are no longer current.
        dead: Arc<DeadRows>,
        /// Rows older than this are purged.
        floor_ns: i64,
    },
}

/// An immutable view of a table's rows.
#[derive(Clone, Debug, Default)]
pub struct RowsView {
    series: SeriesView,
    pieces: Arc<[Piece]>,
}

impl RowsView {
    pub(super) fn new(series: SeriesView, pieces: Vec<Piece>) -> Self {
        Self { series, pieces: pieces.into() }
    }

    /// The oldest and the newest time of all rows; `None` when there are none.
    #[must_use]
    pub fn extent_ns(&self) -> Option<(i64, i64)> {
        let extents = self.pieces.iter().map(Piece::extent_ns);
        extents.reduce(|(oldest, newest), (from, to)| (oldest.min(from), newest.max(to)))
    }

    /// How many values of a dimension (`Some`) or of the measure name (`None`) a selection wants.
    pub(crate) fn coverage(
        &self,
        selection: &Selection,
        columns: &[Column],
        measure_names: &[Arc<str>],
        dimension: Option<u16>,
    ) -> Coverage {
        let set = StreamSet::new(selection, columns, measure_names, &self.series);
        match dimension {
            Some(dimension) => Coverage::of_dimension(&set, &self.series, dimension),
            None => Coverage::of_measure_names(&set, measure_names.len()),
        }
    }

    /// How many rows lie in `times` at most: rows of chunks that overlap it.
    #[must_use]
    pub fn row_count_estimate(&self, times: &Range<i64>) -> usize {
        self.pieces.iter().filter(|piece| piece.overlaps(times)).map(Piece::len).sum()
    }
}

impl Piece {
    fn extent_ns(&self) -> (i64, i64) {
        match self {
            Self::Open(settled) => (settled.block.oldest_ns, settled.block.newest_ns),
            Self::Sealed { rows, .. } => (rows.oldest_ns, rows.newest_ns),
        }
    }

    fn overlaps(&self, times: &Range<i64>) -> bool {
        let (oldest_ns, newest_ns) = self.extent_ns();
        oldest_ns < times.end && newest_ns >= times.start
    }

    fn len(&self) -> usize {
        match self {
            Self::Open(settled) => settled.rows,
            Self::Sealed { rows, dead, .. } => rows.len() - dead.count(),
        }
    }

    fn times(&self) -> &ScalarBuffer<i64> {
        match self {
            Self::Open(settled) => &settled.block.times,
            Self::Sealed { rows, .. } => &rows.times,
        }
    }

    fn column(&self, id: u16) -> Option<&ColumnArray> {
        match self {
            Self::Open(settled) => settled.block.column(id),
            Self::Sealed { rows, .. } => rows.column(id),
        }
    }

    /// The current rows in `times` of the streams wanted, as ranges of neighbours.
    fn select(&self, times: &Range<i64>, streams: &StreamSet) -> VecDeque<Range<usize>> {
        let mut selected = VecDeque::new();
        match self {
            Self::Open(SettledBlock { block, first, rows, dead }) => {
                let is_all = streams.is_all();
                let is_wanted = |row: usize| {
                    times.contains(&block.times[row])
                        && (is_all || streams.contains(block.series[row], block.measure_names[row]))
                        && !dead.contains(first + row)
                };
                (0..*rows).filter(|row| is_wanted(*row)).for_each(|row| push_row(&mut selected, row));
            }
            Self::Sealed { rows, dead, floor_ns } => {
                let from_ns = times.start.max(*floor_ns);
                for (run, Run { series, measure_name, .. }) in rows.runs.iter().enumerate() {
                    if !streams.contains(*series, *measure_name) {
                        continue;
                    }
                    let all = rows.run_rows(run);
                    let held = &rows.times[all.clone()];
                    let start = all.start + held.partition_point(|time_ns| *time_ns < from_ns);
                    let end = all.start + held.partition_point(|time_ns| *time_ns < times.end);
                    if dead.count() == 0 {
                        push_rows(&mut selected, start..end.max(start));
                    } else {
                        (start..end).filter(|row| !dead.contains(*row)).for_each(|row| push_row(&mut selected, row));
                    }
                }
            }
        }
        selected
    }

    /// Calls `each` with the series, measure name and number of neighbouring rows that share them.
    fn for_each_stream(&self, rows: &Range<usize>, mut each: impl FnMut(SeriesId, u16, usize)) {
        match self {
            Self::Open(SettledBlock { block, .. }) => {
                let mut row = rows.start;
                while row < rows.end {
                    let stream = (block.series[row], block.measure_names[row]);
                    let is_same = |row: &usize| (block.series[*row], block.measure_names[*row]) == stream;
                    let end = (row..rows.end).take_while(is_same).count() + row;
                    each(stream.0, stream.1, end - row);
                    row = end;
                }
            }
            Self::Sealed { rows: sealed, .. } => {
                let mut row = rows.start;
                let mut run = sealed.runs.partition_point(|run| run.end as usize <= row);
                while row < rows.end {
                    let held = &sealed.runs[run];
                    let end = rows.end.min(held.end as usize);
                    each(held.series, held.measure_name, end - row);
                    (row, run) = (end, run + 1);
                }
            }
        }
    }
}

fn push_row(selected: &mut VecDeque<Range<usize>>, row: usize) {
    push_rows(selected, row..row + 1);
}

fn push_rows(selected: &mut VecDeque<Range<usize>>, rows: Range<usize>) {
    match selected.back_mut() {
        Some(last) if last.end == rows.start => last.end = rows.end,
        _ if rows.is_empty() => {}
        _ => selected.push_back(rows),
    }
}

/// What a scan reads: rows, and what their numbers mean.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) view: RowsView,
    /// The table's columns; a dimension's place among them is its number.
    pub(crate) columns: Arc<[Column]>,
    pub(crate) measure_names: Arc<[Arc<str>]>,
    pub(crate) projection: Vec<usize>,
    /// Of the projected columns.
    pub(crate) schema: SchemaRef,
    pub(crate) times: Range<i64>,
    streams: StreamSet,
    next_piece: usize,
    /// What is left of the piece before.
    selected: VecDeque<Range<usize>>,
}

impl Scan {
    pub(crate) fn new(
        view: RowsView,
        columns: Arc<[Column]>,
        measure_names: Arc<[Arc<str>]>,
        projection: Vec<usize>,
        schema: SchemaRef,
        selection: &Selection,
    ) -> Self {
        let streams = StreamSet::new(selection, &columns, &measure_names, &view.series);
        let (times, next_piece, selected) = (selection.times.clone(), 0, VecDeque::new());
        Self { view, columns, measure_names, projection, schema, times, streams, next_piece, selected }
    }

    fn batch(&self, piece: &Piece, rows: &[Range<usize>]) -> RecordBatch {
        let count = rows.iter().map(ExactSizeIterator::len).sum();
        let indices = match rows {
            [_] => None,
            _ => Some(rows.iter().flat_map(|range| range.start as u32..range.end as u32).collect::<UInt32Array>()),
        };
        let arrays = self.projection.iter().map(|&column| self.array(piece, column, rows, indices.as_ref(), count));
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays.collect(), &options)
            .unwrap_or_else(|error| unreachable!("arrays are made for the schema: {error}"))
    }

    fn array(
        &self,
        piece: &Piece,
        column: usize,
        rows: &[Range<usize>],
        indices: Option<&UInt32Array>,
        count: usize,
    ) -> ArrayRef {
        match self.columns[column].kind {
            ColumnKind::Dimension => self.dimension(piece, column as u16, rows),
            ColumnKind::MeasureName => {
                let mut names = StringBuilder::with_capacity(count, count * 8);
                each_stream(piece, rows, |_, name, n| {
                    (0..n).for_each(|_| names.append_value(&self.measure_names[usize::from(name)]));
                });
                Arc::new(names.finish())
            }
            ColumnKind::Time => {
                let times = piece.times();
                if let [range] = rows {
                    return Arc::new(TimestampNanosecondArray::new(times.slice(range.start, range.len()), None));
                }
                let times = rows.iter().flat_map(|range| times[range.clone()].iter().copied());
                Arc::new(TimestampNanosecondArray::from_iter_values(times))
            }
            ColumnKind::MeasureValue(value_type) | ColumnKind::Multi(value_type) => {
                let id = (column - self.first_measure_column()) as u16;
                measure_array(piece.column(id), value_type, rows, indices, count)
            }
        }
    }

    /// Dimensions, `measure_name` and `time` stand before the measure columns.
    fn first_measure_column(&self) -> usize {
        self.columns.iter().take_while(|column| column.kind == ColumnKind::Dimension).count() + 2
    }

    fn dimension(&self, piece: &Piece, dimension: u16, rows: &[Range<usize>]) -> ArrayRef {
        let mut values = StringBuilder::new();
        each_stream(piece, rows, |series, _, n| match self.view.series.value(series, dimension) {
            Some(value) => (0..n).for_each(|_| values.append_value(value)),
            None => (0..n).for_each(|_| values.append_null()),
        });
        Arc::new(values.finish())
    }
}

fn each_stream(piece: &Piece, rows: &[Range<usize>], mut each: impl FnMut(SeriesId, u16, usize)) {
    rows.iter().for_each(|range| piece.for_each_stream(range, &mut each));
}

fn measure_array(
    column: Option<&ColumnArray>,
    value_type: MeasureType,
    rows: &[Range<usize>],
    indices: Option<&UInt32Array>,
    count: usize,
) -> ArrayRef {
    let Some(column) = column else { return ColumnArray::absent(value_type, count) };
    match (rows, indices) {
        ([range], _) => column.array().slice(range.start, range.len()),
        (_, Some(indices)) => take(column.array(), indices, None)
            .unwrap_or_else(|error| unreachable!("rows of a piece are within its columns: {error}")),
        (_, None) => column.array().slice(0, 0),
    }
}

impl Iterator for Scan {
    type Item = RecordBatch;

    fn next(&mut self) -> Option<RecordBatch> {
        loop {
            if self.selected.is_empty() {
                let piece = self.view.pieces.get(self.next_piece)?;
                self.next_piece += 1;
                if piece.overlaps(&self.times) {
                    self.selected = piece.select(&self.times, &self.streams);
                }
                continue;
            }
            let mut rows = Vec::new();
            let mut room = SCAN_BATCH_ROWS_MAX;
            while let Some(range) = self.selected.pop_front() {
                if range.len() > room {
                    self.selected.push_front(range.start + room..range.end);
                    rows.push(range.start..range.start + room);
                    break;
                }
                room -= range.len();
                rows.push(range);
                if room == 0 {
                    break;
                }
            }
            let view = self.view.clone();
            return Some(self.batch(&view.pieces[self.next_piece - 1], &rows));
        }
    }
}
