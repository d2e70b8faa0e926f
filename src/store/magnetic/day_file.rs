//! One file: what is known of it without reading a row.

use super::{
    TableNames, VERSION_COLUMN,
    encode::{PLACES_KEY, type_code},
    files::MagneticFiles,
    parquet_error,
    read::FileRows,
};
use crate::{
    model::record::MeasureType,
    store::{
        codec::{Malformed, Reader, put_i64, put_str, put_u64, put_usize},
        disk::DiskReader,
        error::{StorageError, io_error},
        memory::{
            columns::ColumnArray,
            open::RowKey,
            sealed::{Run, SealedRows},
            series::{SeriesId, SeriesView},
        },
        pace,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Buf, Bytes, buf};
use datafusion::{
    arrow::{
        array::{ArrayRef, AsArray},
        buffer::ScalarBuffer,
        compute::concat,
        datatypes::{Int64Type, TimestampNanosecondType},
    },
    parquet::{
        arrow::{
            ProjectionMask,
            arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection},
        },
        errors::{ParquetError, Result as ParquetResult},
        file::{
            metadata::PageIndexPolicy,
            reader::{ChunkReader, Length},
        },
    },
};
use hashbrown::HashMap;
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError, Weak},
};

/// Of every run, the time of each row whose place in the run is a multiple of this is known.
const MARK_ROWS: usize = 4_096;
const BATCH_ROWS: usize = 8_192;

/// A Parquet file of one table.
#[derive(Debug)]
pub(crate) struct DayFile {
    files: Arc<dyn MagneticFiles>,
    pub(crate) path: String,
    length: u64,
    metadata: ArrowReaderMetadata,
    pub(crate) runs: Vec<FileRun>,
    pub(crate) rows: usize,
    has_versions: bool,
    /// The columns of values: number, and name in the file.
    columns: Vec<(u16, MeasureType, Arc<str>)>,
    pub(crate) oldest_ns: i64,
    pub(crate) newest_ns: i64,
    /// All rows, as long as somebody holds them.
    loaded: Mutex<Weak<SealedRows>>,
}

/// Where the rows of one stream are.
#[derive(Clone, Debug)]
pub(crate) struct FileRun {
    pub(crate) run: Run,
    /// Times of every [`MARK_ROWS`]-th row from the first on.
    marks: Vec<i64>,
    pub(crate) newest_ns: i64,
}

/// A file as it is opened: its series are numbered within it.
#[derive(Debug)]
pub(crate) struct OpenedFile {
    pub(crate) file: DayFile,
    /// The dimensions of every series.
    pub(crate) series: Vec<Vec<(u16, String)>>,
}

/// Appends what only Timebrook needs of a file: its series, where each stream's rows are, its columns' numbers.
pub(super) fn put_places(out: &mut Vec<u8>, rows: &SealedRows, series: &SeriesView) {
    let listed = listed_series(&rows.runs);
    let numbers: HashMap<SeriesId, usize> = listed.iter().enumerate().map(|(number, id)| (*id, number)).collect();
    put_usize(out, listed.len());
    for id in listed {
        let dimensions = series.dimensions(id);
        put_usize(out, dimensions.len());
        for (dimension, value) in dimensions {
            put_u64(out, dimension.into());
            put_str(out, value);
        }
    }
    put_usize(out, rows.runs.len());
    let mut last_ns = 0;
    for (i, run) in rows.runs.iter().enumerate() {
        let times = &rows.times[rows.run_rows(i)];
        put_usize(out, numbers[&run.series]);
        put_u64(out, run.measure_name.into());
        put_usize(out, times.len());
        for time_ns in times.iter().step_by(MARK_ROWS).chain(times.last()) {
            put_i64(out, time_ns.wrapping_sub(last_ns));
            last_ns = *time_ns;
        }
    }
    out.push(u8::from(!rows.versions.is_empty()));
    put_usize(out, rows.columns.len());
    for (id, column) in rows.column_ids.iter().zip(&rows.columns) {
        put_u64(out, (*id).into());
        out.push(type_code(column.value_type()));
    }
}

/// The series of runs in the order in which a file numbers them.
pub(crate) fn listed_series(runs: &[Run]) -> Vec<SeriesId> {
    let mut seen = hashbrown::HashSet::new();
    runs.iter().map(|run| run.series).filter(|series| seen.insert(*series)).collect()
}

/// What [`put_places`] appended.
struct Places {
    series: Vec<Vec<(u16, String)>>,
    runs: Vec<FileRun>,
    has_versions: bool,
    columns: Vec<(u16, MeasureType)>,
}

fn read_places(reader: &mut Reader<'_>) -> Result<Places, Malformed> {
    let mut series = Vec::new();
    for _ in 0..reader.length()? {
        let mut dimensions = Vec::new();
        for _ in 0..reader.length()? {
            dimensions.push((reader.number()?, reader.str()?.to_owned()));
        }
        series.push(dimensions);
    }
    let (mut runs, mut end, mut last_ns) = (Vec::new(), 0_u32, 0_i64);
    for _ in 0..reader.length()? {
        let number: SeriesId = reader.number()?;
        let measure_name = reader.number()?;
        let rows: u32 = reader.number()?;
        end = end.checked_add(rows).ok_or(Malformed)?;
        if number as usize >= series.len() || rows == 0 {
            return Err(Malformed);
        }
        let mut marks = Vec::new();
        for _ in 0..(rows as usize).div_ceil(MARK_ROWS) + 1 {
            last_ns = last_ns.wrapping_add(reader.i64()?);
            marks.push(last_ns);
        }
        let newest_ns = marks.pop().ok_or(Malformed)?;
        runs.push(FileRun { run: Run { series: number, measure_name, end }, marks, newest_ns });
    }
    let has_versions = reader.bool()?;
    let mut columns = Vec::new();
    for _ in 0..reader.length()? {
        let id = reader.number()?;
        columns.push((id, *MeasureType::ALL.get(usize::from(reader.u8()?)).ok_or(Malformed)?));
    }
    if reader.is_empty() { Ok(Places { series, runs, has_versions, columns }) } else { Err(Malformed) }
}

impl DayFile {
    /// Opens a file of a table with these names.
    ///
    /// # Errors
    /// [`StorageError::Io`]; [`StorageError::Damaged`] when it is not what was written.
    pub(crate) fn open(
        files: &Arc<dyn MagneticFiles>,
        path: &str,
        names: &TableNames,
    ) -> Result<OpenedFile, StorageError> {
        let damaged = |what| StorageError::Damaged { file: path.to_owned(), offset: 0, what };
        let input = Input(files.reader(path, None).map_err(io_error(path))?);
        let metadata = ArrowReaderMetadata::load(
            &input,
            ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional).with_skip_arrow_metadata(true),
        )
        .map_err(parquet_error(path))?;
        let held = metadata.metadata().file_metadata().key_value_metadata();
        let places =
            held.into_iter().flatten().find(|pair| pair.key == PLACES_KEY).and_then(|pair| pair.value.as_ref());
        let places = places.and_then(|text| STANDARD.decode(text).ok()).ok_or_else(|| damaged("it lacks its index"))?;
        let places =
            read_places(&mut Reader::new(&places)).map_err(|Malformed| damaged("its index says what cannot be"))?;
        let named = places.columns.iter().map(|(id, value_type)| {
            let column =
                names.columns.get(usize::from(*id)).filter(|column| column.kind.value_type() == *value_type)?;
            Some((*id, *value_type, Arc::clone(&column.name)))
        });
        let columns =
            named.collect::<Option<Vec<_>>>().ok_or_else(|| damaged("it has columns that its table lacks"))?;
        let rows = places.runs.last().map_or(0, |last| last.run.end as usize);
        let oldest_ns = places.runs.iter().filter_map(|run| run.marks.first()).min().copied();
        let newest_ns = places.runs.iter().map(|run| run.newest_ns).max();
        let (Some(oldest_ns), Some(newest_ns)) = (oldest_ns, newest_ns) else { return Err(damaged("it holds no row")) };
        if metadata.metadata().file_metadata().num_rows() != rows as i64 {
            return Err(damaged("its index does not fit its rows"));
        }
        let file = Self {
            files: Arc::clone(files),
            path: path.to_owned(),
            length: input.len(),
            metadata,
            runs: places.runs,
            rows,
            has_versions: places.has_versions,
            columns,
            oldest_ns,
            newest_ns,
            loaded: Mutex::default(),
        };
        Ok(OpenedFile { file, series: places.series })
    }

    /// The same file with other series numbers: `numbers` holds the new one at the place of the old.
    pub(crate) fn renumber(mut self, numbers: &[SeriesId]) -> Self {
        for FileRun { run, .. } in &mut self.runs {
            run.series = numbers[run.series as usize];
        }
        self
    }

    /// The rows of the `run`-th run.
    pub(crate) fn run_rows(&self, run: usize) -> Range<usize> {
        let start = if run == 0 { 0 } else { self.runs[run - 1].run.end };
        start as usize..self.runs[run].run.end as usize
    }

    /// The rows of the `run`-th run that may lie in `times`: all that do, and few others.
    pub(crate) fn rows_in(&self, run: usize, times: &Range<i64>) -> Range<usize> {
        let FileRun { marks, newest_ns, .. } = &self.runs[run];
        let rows = self.run_rows(run);
        if *newest_ns < times.start {
            return rows.end..rows.end;
        }
        let first = marks.partition_point(|mark| *mark < times.start).saturating_sub(1) * MARK_ROWS;
        let end = marks.partition_point(|mark| *mark < times.end) * MARK_ROWS;
        rows.start + first..(rows.start + end).min(rows.end)
    }

    /// Those of [`DayFile::rows_in`] that lie in `times` for certain: all but a few at its bounds.
    pub(crate) fn rows_surely_in(&self, run: usize, times: &Range<i64>) -> Range<usize> {
        let FileRun { marks, newest_ns, .. } = &self.runs[run];
        let rows = self.run_rows(run);
        let first = rows.start + marks.partition_point(|mark| *mark < times.start) * MARK_ROWS;
        let end = match *newest_ns < times.end {
            true => rows.end,
            // The rows up to the last mark before the end of `times`.
            false => {
                let marked = marks.partition_point(|mark| *mark < times.end);
                rows.start + (marked.saturating_sub(1) * MARK_ROWS + usize::from(marked > 0)).min(rows.len())
            }
        };
        let first = first.min(rows.end);
        first..end.max(first)
    }

    /// The oldest time of a run.
    pub(crate) fn run_oldest_ns(&self, run: usize) -> i64 {
        self.runs[run].marks.first().copied().unwrap_or(self.oldest_ns)
    }

    /// Whether a row with this key may be in the file.
    pub(crate) fn may_hold(&self, key: RowKey) -> bool {
        (self.oldest_ns..=self.newest_ns).contains(&key.time_ns)
            && self.runs.iter().enumerate().any(|(i, FileRun { run, .. })| {
                (run.series, run.measure_name) == (key.series, key.measure_name)
                    && !self.rows_in(i, &(key.time_ns..key.time_ns.saturating_add(1))).is_empty()
            })
    }

    /// All rows, if somebody holds them.
    pub(crate) fn held(&self) -> Option<Arc<SealedRows>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    /// All rows. They are read unless somebody holds them.
    ///
    /// # Errors
    /// As [`DayFile::open`].
    pub(crate) fn load(&self) -> Result<Arc<SealedRows>, StorageError> {
        if let Some(rows) = self.held() {
            return Ok(rows);
        }
        let rows = Arc::new(self.read_all()?);
        *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(&rows);
        Ok(rows)
    }

    fn read_all(&self) -> Result<SealedRows, StorageError> {
        let damaged = |what| StorageError::Damaged { file: self.path.clone(), offset: 0, what };
        let ids: Vec<u16> = self.columns.iter().map(|(id, ..)| *id).collect();
        let mut names = vec!["time"];
        names.extend(self.has_versions.then_some(VERSION_COLUMN));
        names.extend(self.columns.iter().map(|(.., name)| &**name));
        let all = 0..self.rows;
        let batches =
            self.batches(&names, std::slice::from_ref(&all))?.inspect(|_| pace::rest()).collect::<Result<Vec<_>, _>>();
        let batches = batches.map_err(|error| parquet_error(&self.path)(error.into()))?;
        let column = |name: &str| {
            let arrays: Option<Vec<&ArrayRef>> = batches.iter().map(|batch| batch.column_by_name(name)).collect();
            let arrays: Vec<_> = arrays?.into_iter().map(|array| &**array).collect();
            concat(&arrays).ok()
        };
        let times = column("time")
            .and_then(|array| Some(array.as_primitive_opt::<TimestampNanosecondType>()?.values().clone()));
        let versions = match self.has_versions {
            true => {
                column(VERSION_COLUMN).and_then(|array| Some(array.as_primitive_opt::<Int64Type>()?.values().clone()))
            }
            false => Some(ScalarBuffer::default()),
        };
        let columns = self.columns.iter().map(|(_, value_type, name)| {
            ColumnArray::from_array(&column(name)?).filter(|column| column.value_type() == *value_type)
        });
        let (Some(times), Some(versions), Some(columns)) = (times, versions, columns.collect::<Option<Vec<_>>>())
        else {
            return Err(damaged("its columns are not those it was written with"));
        };
        let runs = self.runs.iter().map(|run| run.run).collect();
        SealedRows::new(runs, times, versions, ids, columns).ok_or_else(|| damaged("its index does not fit its rows"))
    }

    /// Batches of the columns of these names with the rows in `ranges`, which ascend.
    pub(super) fn batches(
        &self,
        names: &[&str],
        ranges: &[Range<usize>],
    ) -> Result<datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReader, StorageError> {
        let failed = parquet_error(&self.path);
        let reader = self.files.reader(&self.path, Some(self.length));
        let input = Input(reader.map_err(io_error(&self.path))?);
        let schema = self.metadata.parquet_schema();
        let is_wanted = |i: &usize| names.contains(&schema.column(*i).name());
        let leaves: Vec<usize> = (0..schema.num_columns()).filter(is_wanted).collect();
        let selection = RowSelection::from_consecutive_ranges(ranges.iter().cloned(), self.rows);
        ParquetRecordBatchReaderBuilder::new_with_metadata(input, self.metadata.clone())
            .with_projection(ProjectionMask::leaves(schema, leaves))
            .with_row_selection(selection)
            .with_batch_size(BATCH_ROWS)
            .build()
            .map_err(failed)
    }

    /// The column of this number: its type and its name in the file; `None` when no row has a value in it.
    pub(super) fn column(&self, id: u16) -> Option<&str> {
        self.columns.iter().find(|(held, ..)| *held == id).map(|(.., name)| &**name)
    }

    /// The rows that a scan of `ranges` reads, with the columns of these numbers, and with their times when they are
    /// wanted.
    pub(crate) fn scan(
        self: &Arc<Self>,
        ids: &[u16],
        with_times: bool,
        ranges: Vec<Range<usize>>,
    ) -> Result<FileRows, StorageError> {
        FileRows::new(self, ids, with_times, ranges)
    }

    /// Bytes of memory, approximately.
    pub(crate) fn bytes(&self) -> usize {
        self.runs.iter().map(|run| size_of::<FileRun>() + run.marks.len() * 8).sum::<usize>()
            + self.metadata.metadata().memory_size()
            + self.files.bytes_in_memory(self.length)
    }
}

impl Drop for DayFile {
    fn drop(&mut self) {
        self.files.released(&self.path);
    }
}

/// A file as the Parquet reader reads it.
struct Input(Arc<dyn DiskReader>);

impl Length for Input {
    fn len(&self) -> u64 {
        self.0.length()
    }
}

impl ChunkReader for Input {
    type T = buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let rest = usize::try_from(self.0.length().saturating_sub(start)).unwrap_or(usize::MAX);
        Ok(self.get_bytes(start, rest)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let mut bytes = vec![0; length];
        self.0.read_at(start, &mut bytes).map_err(|error| ParquetError::External(error.into()))?;
        Ok(bytes.into())
    }
}
