//! Parquet files: rows as those of files of separated values.

use super::{
    csv::{FileProblem, Piece, Row},
    import::FileProgress,
};
use crate::sql::ParquetRows;
use ::csv::StringRecord;
use std::io;

/// Reads a file to its end; `take` says whether to go on. Rows are counted from 1.
pub(super) fn read_parquet(
    rows: ParquetRows,
    progress: &FileProgress,
    take: &mut dyn FnMut(Piece) -> bool,
) -> Result<(), FileProblem> {
    let width = rows.columns().len();
    if !take(Piece::Header(rows.columns().to_vec())) {
        return Ok(());
    }
    let mut line = 0;
    for batch in rows {
        let batch = batch.map_err(|error| FileProblem::Store(io::Error::other(error)))?;
        let row = |row: usize| {
            let cells: StringRecord = (0..width).map(|column| batch.cell(row, column).unwrap_or_default()).collect();
            Row { line: line + 1 + row as u64, cells: Ok(cells) }
        };
        let read = (0..batch.len()).map(row).collect();
        line += batch.len() as u64;
        progress.add(batch.len() as u64);
        if !take(Piece::Rows(read)) {
            return Ok(());
        }
    }
    Ok(())
}
