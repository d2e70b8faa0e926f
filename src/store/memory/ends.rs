//! The newest and oldest record of every stream, found without reading the others.

use super::{
    open::SettledBlock,
    scan::{Piece, push_row},
    selection::StreamSet,
    series::SeriesId,
};
use crate::store::{
    error::StorageError,
    magnetic::day_file::{DayFile, FileRun},
    memory::dead::DeadRows,
};
use hashbrown::HashMap;
use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
    sync::Arc,
};

/// Rows of a file that are looked at together, where its index does not tell.
const BLOCK_ROWS: usize = 4_096;

/// Which end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Oldest,
    Newest,
}

impl End {
    fn is_better(self, time_ns: i64, than_ns: i64) -> bool {
        match self {
            Self::Oldest => time_ns < than_ns,
            Self::Newest => time_ns > than_ns,
        }
    }
}

/// A row: its time, its piece, its place there.
type Found = HashMap<(SeriesId, u16), (i64, usize, usize)>;

/// By piece, the current rows that are the oldest or newest of their stream among those in `times`, ascending.
pub(super) fn ends(
    pieces: &[Piece],
    times: &Range<i64>,
    streams: &StreamSet,
    oldest: bool,
    newest: bool,
) -> Result<Vec<VecDeque<Range<usize>>>, StorageError> {
    let mut chosen = vec![BTreeSet::new(); pieces.len()];
    for end in [oldest.then_some(End::Oldest), newest.then_some(End::Newest)].into_iter().flatten() {
        for (_, piece, row) in found(pieces, times, streams, end)?.into_values() {
            chosen[piece].insert(row);
        }
    }
    let ranges = |rows: BTreeSet<usize>| {
        let mut ranges = VecDeque::new();
        rows.into_iter().for_each(|row| push_row(&mut ranges, row));
        ranges
    };
    Ok(chosen.into_iter().map(ranges).collect())
}

fn found(pieces: &[Piece], times: &Range<i64>, streams: &StreamSet, end: End) -> Result<Found, StorageError> {
    let mut found = Found::new();
    let mut files = Vec::new();
    for (number, piece) in pieces.iter().enumerate().filter(|(_, piece)| piece.overlaps(times)) {
        let mut offer = |stream, time_ns, row| offer(&mut found, stream, (time_ns, number, row), end);
        match piece {
            Piece::Open(SettledBlock { block, first, rows, dead }) => {
                for row in (0..*rows).filter(|row| !dead.contains(first + row)) {
                    let (series, name) = (block.series[row], block.measure_names[row]);
                    if times.contains(&block.times[row]) && streams.contains(series, name) {
                        offer((series, name), block.times[row], row);
                    }
                }
            }
            Piece::Sealed { rows, dead, floor_ns } => {
                let from_ns = times.start.max(*floor_ns);
                for (i, run) in rows.runs.iter().enumerate() {
                    if !streams.contains(run.series, run.measure_name) {
                        continue;
                    }
                    let all = rows.run_rows(i);
                    let held = &rows.times[all.clone()];
                    let start = all.start + held.partition_point(|time_ns| *time_ns < from_ns);
                    let until = all.start + held.partition_point(|time_ns| *time_ns < times.end);
                    let mut live = (start..until).filter(|row| !dead.contains(*row));
                    let row = if end == End::Oldest { live.next() } else { live.next_back() };
                    if let Some(row) = row {
                        offer((run.series, run.measure_name), rows.times[row], row);
                    }
                }
            }
            Piece::Filed { file, dead, floor_ns } => {
                files.push((number, file, dead, times.start.max(*floor_ns)..times.end));
            }
        }
    }
    // The most promising first: what is found there need not be looked for in the others.
    files.sort_by_key(|(_, file, ..)| if end == End::Oldest { file.oldest_ns } else { file.newest_ns.wrapping_neg() });
    for (number, file, dead, times) in files {
        for (i, FileRun { run, newest_ns, .. }) in file.runs.iter().enumerate() {
            let stream = (run.series, run.measure_name);
            let bound_ns = match end {
                End::Oldest => file.run_oldest_ns(i).max(times.start),
                End::Newest => (*newest_ns).min(times.end.saturating_sub(1)),
            };
            let is_better = found.get(&stream).is_none_or(|(known_ns, ..)| end.is_better(bound_ns, *known_ns));
            if !is_better || !streams.contains(stream.0, stream.1) {
                continue;
            }
            if let Some((time_ns, row)) = end_of_run(file, i, dead, &times, end)? {
                offer(&mut found, stream, (time_ns, number, row), end);
            }
        }
    }
    Ok(found)
}

fn offer(found: &mut Found, stream: (SeriesId, u16), row: (i64, usize, usize), end: End) {
    let held = found.entry(stream).or_insert(row);
    if end.is_better(row.0, held.0) {
        *held = row;
    }
}

/// The first or last current row of a file's run in `times`: its time and place.
fn end_of_run(
    file: &Arc<DayFile>,
    run: usize,
    dead: &DeadRows,
    times: &Range<i64>,
    end: End,
) -> Result<Option<(i64, usize)>, StorageError> {
    let rows = file.run_rows(run);
    let (time_ns, row) = match end {
        End::Oldest => (file.run_oldest_ns(run), rows.start),
        End::Newest => (file.runs[run].newest_ns, rows.end - 1),
    };
    if times.contains(&time_ns) && !dead.contains(row) {
        return Ok(Some((time_ns, row)));
    }
    let mut rest = file.rows_in(run, times);
    while !rest.is_empty() {
        let block = match end {
            End::Oldest => rest.start..rest.end.min(rest.start + BLOCK_ROWS),
            End::Newest => rest.start.max(rest.end.saturating_sub(BLOCK_ROWS))..rest.end,
        };
        rest = if end == End::Oldest { block.end..rest.end } else { rest.start..block.start };
        let mut live = Vec::new();
        for batch in file.scan(&[], true, vec![block])? {
            let batch = batch?;
            for (row, time_ns) in batch.rows.iter().cloned().flatten().zip(batch.times.iter()) {
                if times.contains(time_ns) && !dead.contains(row) {
                    live.push((*time_ns, row));
                }
            }
        }
        let row = if end == End::Oldest { live.first() } else { live.last() };
        if row.is_some() {
            return Ok(row.copied());
        }
    }
    Ok(None)
}
