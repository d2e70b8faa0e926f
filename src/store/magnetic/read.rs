//! Reading some rows of a file.

use super::{day_file::DayFile, parquet_error};
use crate::store::error::StorageError;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray},
        buffer::ScalarBuffer,
        datatypes::TimestampNanosecondType,
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReader,
};
use std::{collections::VecDeque, ops::Range, sync::Arc};

/// The wanted rows of a file, a batch at a time.
pub(crate) struct FileRows {
    file: Arc<DayFile>,
    ids: Vec<u16>,
    with_times: bool,
    reader: ParquetRecordBatchReader,
    /// Rows that are still to come.
    ranges: VecDeque<Range<usize>>,
}

/// Some rows of a file.
#[derive(Debug)]
pub(crate) struct FileBatch {
    /// Which ones, ascending; as many as the arrays are long.
    pub(crate) rows: Vec<Range<usize>>,
    /// Empty when they were not asked for.
    pub(crate) times: ScalarBuffer<i64>,
    /// The columns that were asked for and that the file has.
    pub(crate) columns: Vec<(u16, ArrayRef)>,
}

impl std::fmt::Debug for FileRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileRows").field("path", &self.file.path).field("ranges", &self.ranges).finish_non_exhaustive()
    }
}

impl FileRows {
    pub(super) fn new(
        file: &Arc<DayFile>,
        ids: &[u16],
        with_times: bool,
        ranges: Vec<Range<usize>>,
    ) -> Result<Self, StorageError> {
        let mut names: Vec<&str> = if with_times { vec!["time"] } else { Vec::new() };
        names.extend(ids.iter().filter_map(|id| file.column(*id)));
        let reader = file.batches(&names, &ranges)?;
        Ok(Self { file: Arc::clone(file), ids: ids.to_vec(), with_times, reader, ranges: ranges.into() })
    }

    fn batch(&mut self, batch: &datafusion::arrow::array::RecordBatch) -> Result<FileBatch, StorageError> {
        let what = "its columns are not those it was written with";
        let damaged = || StorageError::Damaged { file: self.file.path.clone(), offset: 0, what };
        let times = match self.with_times {
            true => {
                let times = batch.column_by_name("time");
                let times = times.and_then(|array| array.as_primitive_opt::<TimestampNanosecondType>());
                times.filter(|times| times.null_count() == 0).ok_or_else(damaged)?.values().clone()
            }
            false => ScalarBuffer::default(),
        };
        let mut columns = Vec::with_capacity(self.ids.len());
        for id in &self.ids {
            let Some(name) = self.file.column(*id) else { continue };
            columns.push((*id, Arc::clone(batch.column_by_name(name).ok_or_else(damaged)?)));
        }
        let (mut rows, mut room) = (Vec::new(), batch.num_rows());
        while room > 0 {
            let range = self.ranges.pop_front().ok_or_else(damaged)?;
            let end = range.end.min(range.start + room);
            rows.push(range.start..end);
            room -= end - range.start;
            if end < range.end {
                self.ranges.push_front(end..range.end);
            }
        }
        Ok(FileBatch { rows, times, columns })
    }
}

impl Iterator for FileRows {
    type Item = Result<FileBatch, StorageError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(match batch {
            Ok(batch) => self.batch(&batch),
            Err(error) => Err(parquet_error(&self.file.path)(error.into())),
        })
    }
}
