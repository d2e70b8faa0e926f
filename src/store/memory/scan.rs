//! Reading an immutable view of a table's rows.

use super::{
    columns::ColumnArray,
    dead::DeadRows,
    ends::ends,
    open::{RowBlock, SettledBlock},
    sealed::{Run, SealedRows},
    selection::{Coverage, Kept, ScanRequest, Selection, StreamSet},
    series::{SeriesId, SeriesView},
};
use crate::{
    model::{
        limits::SCAN_BATCH_ROWS_MAX,
        record::MeasureType,
        table::{Column, ColumnKind},
    },
    store::{
        error::StorageError,
        magnetic::{
            day_file::{DayFile, FileRun},
            read::{FileBatch, FileRows},
        },
    },
};
use datafusion::arrow::{
    array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StringArray, TimestampNanosecondArray, UInt32Array},
    buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer},
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
    /// A sealed chunk in a file; the rest as above.
    Filed { file: Arc<DayFile>, dead: Arc<DeadRows>, floor_ns: i64 },
}

/// Rows that are in memory.
#[derive(Clone, Copy, Debug)]
enum Values<'a> {
    Open(&'a RowBlock),
    Sealed(&'a SealedRows),
    Read(&'a FileBatch),
    /// Of which only the streams are needed.
    Unread,
}

impl<'a> Values<'a> {
    fn times(self) -> &'a ScalarBuffer<i64> {
        match self {
            Self::Open(block) => &block.times,
            Self::Sealed(rows) => &rows.times,
            Self::Read(batch) => &batch.times,
            Self::Unread => unreachable!("rows whose times are wanted are read"),
        }
    }

    fn column(self, id: u16) -> Option<&'a dyn Array> {
        match self {
            Self::Open(block) => block.column(id).map(ColumnArray::array),
            Self::Sealed(rows) => rows.column(id).map(ColumnArray::array),
            Self::Read(batch) => batch.columns.iter().find(|(held, _)| *held == id).map(|(_, array)| &**array),
            Self::Unread => None,
        }
    }
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

    /// About how many rows a selection wants, as if each chunk's were spread evenly over its time.
    pub(crate) fn selected_estimate(
        &self,
        selection: &Selection,
        columns: &[Column],
        measure_names: &[Arc<str>],
    ) -> usize {
        let streams = StreamSet::new(selection, columns, measure_names, &self.series);
        let pieces = self.pieces.iter().filter(|piece| piece.overlaps(&selection.times));
        pieces.map(|piece| piece.selected_estimate(&selection.times, &streams)).sum()
    }
}

impl Piece {
    pub(super) fn extent_ns(&self) -> (i64, i64) {
        match self {
            Self::Filed { file, .. } => (file.oldest_ns, file.newest_ns),
            Self::Open(settled) => (settled.block.oldest_ns, settled.block.newest_ns),
            Self::Sealed { rows, .. } => (rows.oldest_ns, rows.newest_ns),
        }
    }

    pub(super) fn overlaps(&self, times: &Range<i64>) -> bool {
        let (oldest_ns, newest_ns) = self.extent_ns();
        oldest_ns < times.end && newest_ns >= times.start
    }

    fn len(&self) -> usize {
        match self {
            Self::Open(settled) => settled.rows,
            Self::Sealed { rows, dead, .. } => rows.len() - dead.count(),
            Self::Filed { file, dead, .. } => file.rows - dead.count(),
        }
    }

    fn selected_estimate(&self, times: &Range<i64>, streams: &StreamSet) -> usize {
        let rows = match self {
            _ if streams.is_all() => self.len(),
            Self::Open(settled) => settled.rows,
            Self::Sealed { rows, .. } => run_rows(&rows.runs, |run| run, streams),
            Self::Filed { file, .. } => run_rows(&file.runs, |run| &run.run, streams),
        };
        let (oldest_ns, newest_ns) = self.extent_ns();
        let all = newest_ns as f64 - oldest_ns as f64 + 1.0;
        let held = times.end.min(newest_ns) as f64 - times.start.max(oldest_ns) as f64 + 1.0;
        (rows as f64 * (held / all).clamp(0.0, 1.0)).ceil() as usize
    }

    /// Its rows, as far as they are in memory.
    fn values(&self) -> Values<'_> {
        match self {
            Self::Open(settled) => Values::Open(&settled.block),
            Self::Sealed { rows, .. } => Values::Sealed(rows),
            Self::Filed { .. } => Values::Unread,
        }
    }

    /// The current rows in `times` of the streams wanted, as ranges of neighbours; of a file, some others may be with
    /// them.
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
            Self::Filed { file, floor_ns, .. } => {
                let times = times.start.max(*floor_ns)..times.end;
                for (i, FileRun { run, .. }) in file.runs.iter().enumerate() {
                    if streams.contains(run.series, run.measure_name) {
                        push_rows(&mut selected, file.rows_in(i, &times));
                    }
                }
            }
        }
        selected
    }

    /// Of [`Piece::select`], the rows that are current and in `times` for certain.
    fn select_surely(&self, times: &Range<i64>, streams: &StreamSet) -> VecDeque<Range<usize>> {
        let Self::Filed { file, dead, floor_ns } = self else { return self.select(times, streams) };
        let mut selected = VecDeque::new();
        if dead.count() == 0 {
            let times = times.start.max(*floor_ns)..times.end;
            for (i, FileRun { run, .. }) in file.runs.iter().enumerate() {
                if streams.contains(run.series, run.measure_name) {
                    push_rows(&mut selected, file.rows_surely_in(i, &times));
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
            Self::Sealed { rows: sealed, .. } => each_run(&sealed.runs, |run| run, rows, each),
            Self::Filed { file, .. } => each_run(&file.runs, |run| &run.run, rows, each),
        }
    }
}

/// Calls `each` with every stream that some of `rows` are of, and how many.
fn each_run<T>(
    runs: &[T],
    run_of: impl Fn(&T) -> &Run,
    rows: &Range<usize>,
    mut each: impl FnMut(SeriesId, u16, usize),
) {
    let mut row = rows.start;
    let mut place = runs.partition_point(|run| run_of(run).end as usize <= row);
    while row < rows.end {
        let run = run_of(&runs[place]);
        let end = rows.end.min(run.end as usize);
        each(run.series, run.measure_name, end - row);
        (row, place) = (end, place + 1);
    }
}

/// The rows of the runs whose streams are wanted.
fn run_rows<T>(runs: &[T], run_of: impl Fn(&T) -> &Run, streams: &StreamSet) -> usize {
    let (mut rows, mut start) = (0, 0);
    for run in runs.iter().map(run_of) {
        if streams.contains(run.series, run.measure_name) {
            rows += (run.end - start) as usize;
        }
        start = run.end;
    }
    rows
}

/// The rows of `all` that are not of `some`; both ascend, and `some` lie within `all`.
fn without(all: VecDeque<Range<usize>>, some: &VecDeque<Range<usize>>) -> VecDeque<Range<usize>> {
    let mut rest = VecDeque::new();
    let mut some = some.iter().peekable();
    for range in all {
        let mut start = range.start;
        while let Some(taken) = some.next_if(|taken| taken.end <= range.end) {
            push_rows(&mut rest, start..taken.start);
            start = taken.end;
        }
        push_rows(&mut rest, start..range.end);
    }
    rest
}

pub(super) fn push_row(selected: &mut VecDeque<Range<usize>>, row: usize) {
    push_rows(selected, row..row + 1);
}

fn push_rows(selected: &mut VecDeque<Range<usize>>, rows: Range<usize>) {
    match selected.back_mut() {
        Some(last) if last.end == rows.start => last.end = rows.end,
        _ if rows.is_empty() => {}
        _ => selected.push_back(rows),
    }
}

/// Rows that a scan hands out.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) batch: RecordBatch,
    /// Logical bytes of the columns that count as read and are not in the batch.
    pub(crate) counted_bytes: u64,
}

/// What a scan reads: rows, and what their numbers mean.
#[derive(Debug)]
pub(crate) struct Scan {
    view: RowsView,
    /// The table's columns; a dimension's place among them is its number.
    columns: Arc<[Column]>,
    measure_names: Arc<[Arc<str>]>,
    request: ScanRequest,
    /// Of the projected columns.
    schema: SchemaRef,
    streams: StreamSet,
    /// Of each piece, the ends of its streams that are handed out, when it is only those.
    ends: Option<Vec<VecDeque<Range<usize>>>>,
    next_piece: usize,
    /// What is left of the piece before.
    selected: VecDeque<Range<usize>>,
    /// The file that is being read.
    reading: Option<FileRows>,
}

impl Scan {
    pub(crate) fn new(
        view: RowsView,
        columns: Arc<[Column]>,
        measure_names: Arc<[Arc<str>]>,
        schema: SchemaRef,
        request: ScanRequest,
    ) -> Self {
        let streams = StreamSet::new(&request.selection, &columns, &measure_names, &view.series);
        let (ends, next_piece, selected, reading) = (None, 0, VecDeque::new(), None);
        Self { view, columns, measure_names, request, schema, streams, ends, next_piece, selected, reading }
    }

    /// Finds out what is to be read of the piece.
    fn begin(&mut self, number: usize) -> Result<(), StorageError> {
        let pieces = Arc::clone(&self.view.pieces);
        let (piece, times, part) = (&pieces[number], &self.request.selection.times, self.request.part);
        if !piece.overlaps(times) {
            return Ok(());
        }
        let ends = self.ends.as_mut().map(|ends| std::mem::take(&mut ends[number]));
        let Piece::Filed { file, .. } = piece else {
            self.selected = ends.unwrap_or_else(|| part.of(piece.select(times, &self.streams)));
            return Ok(());
        };
        let selected = ends.unwrap_or_else(|| piece.select(times, &self.streams));
        if selected.is_empty() {
            return Ok(());
        }
        let sure = piece.select_surely(times, &self.streams);
        let (ids, wants_times) = (self.measure_ids(), self.wants_times());
        if ids.is_empty() && !wants_times && self.ends.is_none() {
            // Which rows there are is known; only those at the bounds of the times are looked at.
            let rest = part.of(without(selected, &sure));
            self.selected = part.of(sure);
            if !rest.is_empty() {
                self.reading = Some(file.scan(&[], true, rest.into())?);
            }
            return Ok(());
        }
        let with_times = wants_times || selected != sure;
        let selected = if self.ends.is_some() { selected } else { part.of(selected) };
        if !selected.is_empty() {
            self.reading = Some(file.scan(&ids, with_times, selected.into())?);
        }
        Ok(())
    }

    /// The logical bytes of the columns that count as read besides those handed out.
    fn counted_bytes(&self, piece: &Piece, rows: &[Range<usize>]) -> u64 {
        let mut bytes = 0;
        for &column in &self.request.counted {
            each_stream(piece, rows, |series, name, n| {
                bytes += n * match self.columns[column].kind {
                    ColumnKind::Dimension => self.view.series.value(series, column as u16).map_or(0, str::len),
                    ColumnKind::MeasureName => self.measure_names[usize::from(name)].len(),
                    _ => size_of::<i64>(),
                };
            });
        }
        bytes as u64
    }

    fn scanned(&self, piece: &Piece, rows: &[Range<usize>], values: Values<'_>, at: &[Range<usize>]) -> Scanned {
        Scanned { batch: self.batch(piece, rows, values, at), counted_bytes: self.counted_bytes(piece, rows) }
    }

    fn wants_times(&self) -> bool {
        self.request.projection.iter().any(|column| self.columns[*column].kind == ColumnKind::Time)
    }

    fn batch(&self, piece: &Piece, rows: &[Range<usize>], values: Values<'_>, at: &[Range<usize>]) -> RecordBatch {
        let count = rows.iter().map(ExactSizeIterator::len).sum();
        let indices = match at {
            [_] => None,
            _ => Some(at.iter().flat_map(|range| range.start as u32..range.end as u32).collect::<UInt32Array>()),
        };
        let arrays = self.request.projection.iter().map(|&column| match self.columns[column].kind {
            ColumnKind::Dimension => self.dimension(piece, column as u16, rows),
            ColumnKind::MeasureName => {
                let mut names = RepeatedTexts::default();
                each_stream(piece, rows, |_, name, n| names.append(Some(&self.measure_names[usize::from(name)]), n));
                names.finish()
            }
            ColumnKind::Time => time_array(values.times(), at),
            ColumnKind::MeasureValue(value_type) | ColumnKind::Multi(value_type) => {
                let id = (column - self.first_measure_column()) as u16;
                measure_array(values.column(id), value_type, at, indices.as_ref(), count)
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays.collect(), &options)
            .unwrap_or_else(|error| unreachable!("arrays are made for the schema: {error}"))
    }

    /// The numbers of the measure value columns that are asked for.
    fn measure_ids(&self) -> Vec<u16> {
        let first = self.first_measure_column();
        self.request.projection.iter().filter_map(|column| column.checked_sub(first)).map(|id| id as u16).collect()
    }

    /// Which rows of a batch of a file are wanted: as rows of the file, and as places in the batch.
    fn wanted(&self, piece: &Piece, batch: &FileBatch) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
        let Piece::Filed { dead, floor_ns, .. } = piece else { return Default::default() };
        let times = &self.request.selection.times;
        let times = times.start.max(*floor_ns)..times.end;
        // Without times it is certain that all rows are.
        if dead.count() == 0 && batch.times.iter().all(|time_ns| times.contains(time_ns)) {
            let count = batch.rows.iter().map(ExactSizeIterator::len).sum();
            return (batch.rows.clone(), std::iter::once(0..count).collect());
        }
        let (mut rows, mut at) = (VecDeque::new(), VecDeque::new());
        let mut first = 0;
        for range in &batch.rows {
            let held = &batch.times[first..first + range.len()];
            for stretch in stretches(held, &times) {
                let row_of = |place: usize| range.start + place;
                if dead.count() == 0 {
                    push_rows(&mut rows, row_of(stretch.start)..row_of(stretch.end));
                    push_rows(&mut at, first + stretch.start..first + stretch.end);
                    continue;
                }
                for place in stretch.filter(|place| !dead.contains(row_of(*place))) {
                    push_row(&mut rows, row_of(place));
                    push_row(&mut at, first + place);
                }
            }
            first += range.len();
        }
        (rows.into(), at.into())
    }

    fn first_measure_column(&self) -> usize {
        self.columns.iter().take_while(|column| column.kind == ColumnKind::Dimension).count() + 2
    }

    fn dimension(&self, piece: &Piece, dimension: u16, rows: &[Range<usize>]) -> ArrayRef {
        let mut texts = RepeatedTexts::default();
        each_stream(piece, rows, |series, _, n| texts.append(self.view.series.value(series, dimension), n));
        texts.finish()
    }
}

/// A column in which the same text stands for many rows in a row.
#[derive(Debug, Default)]
struct RepeatedTexts {
    bytes: Vec<u8>,
    ends: Vec<i32>,
    /// Empty while every text is there, else one entry per row.
    valid: Vec<bool>,
}

impl RepeatedTexts {
    /// Adds a text, or none, `n` times.
    fn append(&mut self, text: Option<&str>, n: usize) {
        if text.is_none() || !self.valid.is_empty() {
            self.valid.resize(self.ends.len(), true);
            self.valid.resize(self.ends.len() + n, text.is_some());
        }
        let (text, start) = (text.unwrap_or_default(), self.bytes.len());
        // A batch holds far less text than 2 GiB, so its offsets fit.
        self.ends.extend((1..=n).map(|i| (start + i * text.len()) as i32));
        let end = start + n * text.len();
        self.bytes.reserve(end - start);
        self.bytes.extend_from_slice(if n == 0 { b"" } else { text.as_bytes() });
        while self.bytes.len() < end {
            let length = (self.bytes.len() - start).min(end - self.bytes.len());
            self.bytes.extend_from_within(start..start + length);
        }
    }

    fn finish(self) -> ArrayRef {
        let offsets: ScalarBuffer<i32> = std::iter::once(0).chain(self.ends).collect();
        let valid = (!self.valid.is_empty()).then(|| NullBuffer::from(self.valid));
        Arc::new(StringArray::new(OffsetBuffer::new(offsets), Buffer::from_vec(self.bytes), valid))
    }
}

fn each_stream(piece: &Piece, rows: &[Range<usize>], mut each: impl FnMut(SeriesId, u16, usize)) {
    rows.iter().for_each(|range| piece.for_each_stream(range, &mut each));
}

fn time_array(times: &ScalarBuffer<i64>, at: &[Range<usize>]) -> ArrayRef {
    let times = match at {
        [range] => times.slice(range.start, range.len()),
        _ => at.iter().flat_map(|range| times[range.clone()].iter().copied()).collect(),
    };
    Arc::new(TimestampNanosecondArray::new(times, None))
}

/// A measure's column: a slice when the rows are neighbours, else gathered.
fn measure_array(
    column: Option<&dyn Array>,
    value_type: MeasureType,
    at: &[Range<usize>],
    indices: Option<&UInt32Array>,
    count: usize,
) -> ArrayRef {
    let Some(column) = column else { return ColumnArray::absent(value_type, count) };
    match (at, indices) {
        ([range], _) => column.slice(range.start, range.len()),
        (_, Some(indices)) => take(column, indices, None)
            .unwrap_or_else(|error| unreachable!("rows of a piece are within its columns: {error}")),
        (_, None) => column.slice(0, 0),
    }
}

impl Iterator for Scan {
    type Item = Result<Scanned, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let (None, Kept::Ends { oldest, newest }) = (&self.ends, self.request.kept) {
            if self.request.part.index > 0 {
                // They are few: the first part has them all.
                return None;
            }
            match ends(&self.view.pieces, &self.request.selection.times, &self.streams, oldest, newest) {
                Ok(ends) => self.ends = Some(ends),
                Err(error) => {
                    self.ends = Some(Vec::new());
                    self.next_piece = self.view.pieces.len();
                    return Some(Err(error));
                }
            }
        }
        let pieces = Arc::clone(&self.view.pieces);
        loop {
            if !self.selected.is_empty() {
                let piece = &pieces[self.next_piece - 1];
                let rows = take_rows(&mut self.selected, SCAN_BATCH_ROWS_MAX);
                return Some(Ok(self.scanned(piece, &rows, piece.values(), &rows)));
            }
            if let Some(reading) = &mut self.reading {
                let batch = match reading.next() {
                    Some(Ok(batch)) => batch,
                    Some(Err(error)) => return Some(Err(error)),
                    None => {
                        self.reading = None;
                        continue;
                    }
                };
                let piece = &pieces[self.next_piece - 1];
                let (rows, at) = self.wanted(piece, &batch);
                if !rows.is_empty() {
                    return Some(Ok(self.scanned(piece, &rows, Values::Read(&batch), &at)));
                }
                continue;
            }
            if self.next_piece == pieces.len() {
                return None;
            }
            self.next_piece += 1;
            if let Err(error) = self.begin(self.next_piece - 1) {
                return Some(Err(error));
            }
        }
    }
}

/// The longest stretches of `times` that lie in `wanted`.
fn stretches(times: &[i64], wanted: &Range<i64>) -> impl Iterator<Item = Range<usize>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next + times[next..].iter().position(|time_ns| wanted.contains(time_ns))?;
        let length = times[start..].iter().position(|time_ns| !wanted.contains(time_ns));
        next = length.map_or(times.len(), |length| start + length);
        Some(start..next)
    })
}

/// Takes as many rows as there is room for off the front.
fn take_rows(selected: &mut VecDeque<Range<usize>>, mut room: usize) -> Vec<Range<usize>> {
    let mut rows = Vec::new();
    while room > 0
        && let Some(range) = selected.pop_front()
    {
        let end = range.end.min(range.start + room);
        rows.push(range.start..end);
        room -= end - range.start;
        if end < range.end {
            selected.push_front(end..range.end);
        }
    }
    rows
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "lists of ranges, some of them of one")]
mod tests {
    use super::*;
    use crate::store::memory::selection::Part;
    use datafusion::arrow::array::AsArray;

    #[test]
    fn stretches_of_times() {
        let check = |times: &[i64], expect: &[Range<usize>]| {
            assert_eq!(stretches(times, &(3..6)).collect::<Vec<_>>(), expect, "{times:?}");
        };
        check(&[], &[]);
        check(&[1, 2, 6], &[]);
        check(&[3, 4, 5], &[0..3]);
        check(&[1, 3, 4, 6, 7, 2, 5], &[1..3, 6..7]);
        check(&[5, 6, 3, 4, 9], &[0..1, 2..4]);
    }

    #[test]
    fn parts_have_every_row_once() {
        let check = |ranges: &[Range<usize>], count: usize| {
            let all: VecDeque<_> = ranges.iter().cloned().collect();
            let parts = (0..count).flat_map(|index| Part { index, count }.of(all.clone()));
            assert_eq!(parts.flatten().collect::<Vec<_>>(), all.iter().cloned().flatten().collect::<Vec<_>>());
        };
        for count in [1, 2, 3, 7, 50] {
            check(&[], count);
            check(&[5..6], count);
            check(&[0..10, 12..13, 20..41], count);
        }
    }

    #[test]
    fn rows_without_others() {
        let check = |all: &[Range<usize>], some: &[Range<usize>], expect: &[Range<usize>]| {
            let given = |ranges: &[Range<usize>]| ranges.iter().cloned().collect::<VecDeque<_>>();
            assert_eq!(without(given(all), &given(some)), given(expect));
        };
        check(&[], &[], &[]);
        check(&[0..10], &[], &[0..10]);
        check(&[0..10], &[0..10], &[]);
        check(&[0..10, 20..30], &[2..4, 6..10, 20..21, 29..30], &[0..2, 4..6, 21..29]);
        check(&[0..10, 20..30, 40..50], &[22..30], &[0..10, 20..22, 40..50]);
    }

    #[test]
    fn texts_are_repeated() {
        let check = |parts: &[(Option<&str>, usize)]| {
            let mut texts = RepeatedTexts::default();
            parts.iter().for_each(|(text, n)| texts.append(*text, *n));
            let expect: Vec<_> = parts.iter().flat_map(|(text, n)| std::iter::repeat_n(*text, *n)).collect();
            assert_eq!(texts.finish().as_string::<i32>().iter().collect::<Vec<_>>(), expect);
        };
        check(&[]);
        check(&[(Some("é"), 1)]);
        check(&[(Some("ab"), 0), (Some("abc"), 7), (Some(""), 3), (Some("x"), 1)]);
        check(&[(Some("ab"), 2), (None, 3), (Some("c"), 2), (None, 0)]);
        check(&[(None, 2), (Some("c"), 2)]);
    }
}
