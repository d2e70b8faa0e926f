//! One task, from its list of files to its last status.

use super::{
    BatchLoader,
    csv::{self, CsvDialect, FileProblem, Piece, Row},
    import::{FileProgress, Seen},
    parquet_file::read_parquet,
    report::{FileErrors, Report, TaskErrorEntry},
    table_columns::{self, TableMapping},
};
use crate::{
    catalog::batch_load_task::{BatchLoadTask, LoadModel, LoadProgress, LoadStatus},
    engine::EngineError,
    ingest::{
        self, IngestError, InputRecord, TimeUnit, WriteRequest,
        mapping::{MappedRecord, MappingError, RowMapping},
    },
    model::{
        limits::{LOAD_BYTES_MAX, LOAD_FILE_BYTES_MAX, LOAD_FILES_MAX, MAPPED_WRITE_RECORDS},
        mapping::{CellType, TimeCells, TypedColumn},
        record::{MeasureType, RejectReason},
        scope::Scope,
        table::Column,
    },
    outbound::objects::{Listed, ObjectError, Opened},
    sql::ParquetRows,
};
use bytes::Bytes;
use futures::StreamExt;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{Arc, PoisonError},
};
use tokio::sync::mpsc;

/// How long a task that was stopped can be resumed. # inferred
const RESUMABLE_MS: i64 = 24 * 3_600_000;
/// The reason without the times of the window, which every record has others. # guide: batch-load-using-error-reports.html
const OUTSIDE_WINDOW: &str = "The record timestamp is outside the time range of the data ingestion window.";

/// Why a task does not come to its end. # inferred: the words
#[derive(Debug, thiserror::Error)]
enum Stop {
    /// It cannot be done at all.
    #[error("{0}")]
    Failed(String),
    /// It cannot go on for now.
    #[error("{0}")]
    Stopped(String),
    /// It is not there any more.
    #[error("the task is gone")]
    Gone,
}

impl From<ObjectError> for Stop {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::NoBucket { bucket } => Self::Failed(format!("The S3 bucket {bucket} does not exist.")),
            ObjectError::Name { bucket, .. } => Self::Failed(format!("The S3 bucket {bucket} is not a valid name.")),
            error => Self::Stopped(format!("S3 cannot be read or written: {error}")),
        }
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::BatchLoadTaskNotFound(_) => Self::Gone,
            EngineError::Storage(text) => {
                tracing::error!(error = text, "a batch load task stops");
                Self::Stopped("Records cannot be stored for now.".to_owned())
            }
            error => Self::Failed(error.to_string()),
        }
    }
}

/// What a file adds to a task.
#[derive(Debug)]
pub(super) struct FileOutcome {
    pub(super) progress: LoadProgress,
    pub(super) errors: FileErrors,
}

impl BatchLoader {
    /// Carries a task out, or the rest of it, and writes down what came of it.
    pub(super) async fn run(&self, scope: &Scope, id: &str) {
        let outcome = self.load(scope, id).await;
        let now_ms = self.now_ms();
        let (status, error) = match outcome {
            Ok(has_errors) => (if has_errors { LoadStatus::Failed } else { LoadStatus::Succeeded }, None),
            Err(Stop::Gone) => return,
            Err(Stop::Failed(text)) => {
                self.report_task(scope, id, &text).await;
                (LoadStatus::Failed, Some(text))
            }
            Err(Stop::Stopped(text)) => (LoadStatus::ProgressStopped, Some(text)),
        };
        let change = move |task: &BatchLoadTask| {
            let resumable_until_ms = (status == LoadStatus::ProgressStopped).then_some(now_ms + RESUMABLE_MS);
            Ok(BatchLoadTask { status, error, updated_ms: now_ms, resumable_until_ms, ..task.clone() })
        };
        match self.engine.change_batch_load_task(scope, id, change).await {
            Ok(_) | Err(EngineError::BatchLoadTaskNotFound(_)) => {}
            Err(error) => tracing::error!(task = id, %error, "the end of a batch load task cannot be written down"),
        }
    }

    /// Loads all files that are left; whether anything failed.
    async fn load(&self, scope: &Scope, id: &str) -> Result<bool, Stop> {
        let now_ms = self.now_ms();
        let begin = move |task: &BatchLoadTask| {
            Ok(BatchLoadTask { status: LoadStatus::InProgress, updated_ms: now_ms, ..task.clone() })
        };
        let mut task = self.engine.change_batch_load_task(scope, id, begin).await?;
        let mut report = self.earlier_report(&task).await?;
        let files = self.files(&task).await?;
        let last = task.last_file.clone();
        for file in files.iter().filter(|file| last.as_ref().is_none_or(|last| file.key > *last)) {
            let outcome = self.load_file(scope, &task, file).await?;
            report.add_file(outcome.errors);
            self.put_report(&task, &report).await?;
            let (now_ms, key) = (self.now_ms(), file.key.clone());
            let end = move |task: &BatchLoadTask| {
                let (progress, last_file) = (outcome.progress, Some(key));
                Ok(BatchLoadTask { progress, last_file, updated_ms: now_ms, ..task.clone() })
            };
            task = self.engine.change_batch_load_task(scope, id, end).await?;
        }
        Ok(!report.is_empty())
    }

    /// The task's files, by key.
    async fn files(&self, task: &BatchLoadTask) -> Result<Vec<Listed>, Stop> {
        let prefix = task.source_prefix.as_deref().unwrap_or_default();
        let found = self.objects.list_with_prefix(&task.source_bucket, prefix).await?;
        let failed = |text: String| Err(Stop::Failed(text));
        if found.is_empty() {
            return failed(format!("The S3 bucket {} has no objects under '{prefix}'.", task.source_bucket));
        }
        if found.len() > LOAD_FILES_MAX {
            return failed(format!("A batch load task cannot load more than {LOAD_FILES_MAX} files."));
        }
        if found.iter().map(|file| file.bytes).sum::<u64>() > LOAD_BYTES_MAX {
            return failed(format!("A batch load task cannot load more than {} GB.", LOAD_BYTES_MAX >> 30));
        }
        Ok(found)
    }

    async fn load_file(&self, scope: &Scope, task: &BatchLoadTask, file: &Listed) -> Result<FileOutcome, Stop> {
        let mut outcome = FileOutcome { progress: task.progress, errors: FileErrors::of(&file.key) };
        if file.bytes > LOAD_FILE_BYTES_MAX {
            outcome.progress.file_failures += 1;
            outcome.errors.add_file(&format!("The file is larger than {} GB.", LOAD_FILE_BYTES_MAX >> 30));
            return Ok(outcome);
        }
        let opened = match self.objects.open(&task.source_bucket, &file.key, None).await {
            Ok(opened) => opened,
            Err(ObjectError::NotFound { .. }) => {
                outcome.progress.file_failures += 1;
                outcome.errors.add_file("The file does not exist any more.");
                return Ok(outcome);
            }
            Err(error) => return Err(error.into()),
        };
        let dialect = CsvDialect::new(task.csv.as_ref()).map_err(|error| Stop::Failed(error.to_string()))?;
        let (input, feeding) = channel_input(opened);
        let reader = move |take: &mut dyn FnMut(Piece) -> bool| csv::read(input, &dialect, take);
        self.load_rows(scope, task, FileMapping::Model, outcome, reader, feeding).await
    }

    /// Loads a file that is on this machine: a Parquet file by its name, else separated values, compressed or not.
    ///
    /// # Errors
    /// What went wrong, in words for the user.
    pub(super) async fn load_local(
        &self,
        scope: &Scope,
        task: &BatchLoadTask,
        local: LocalFile<'_>,
    ) -> Result<FileOutcome, String> {
        let LocalFile { path, progress, has_model } = local;
        let name = path.display().to_string();
        let failed = |error: &dyn std::fmt::Display| format!("{name}: {error}");
        let outcome = FileOutcome { progress: task.progress, errors: FileErrors::of(&name) };
        let file = File::open(path).map_err(|error| failed(&error))?;
        progress.begin(file.metadata().map_err(|error| failed(&error))?.len());
        let known =
            self.engine.snapshot(scope).table(&task.database, &task.table).map(|view| view.table.columns.clone());
        let known = known.unwrap_or_default();
        let dialect = CsvDialect::new(task.csv.as_ref()).map_err(|error| failed(&error))?;
        let nothing = futures::future::ready(());
        let is = |extension: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension));
        let loaded = if is("parquet") {
            let rows = ParquetRows::open(file).map_err(|error| failed(&error))?;
            let (mut task, columns) = (task.clone(), rows.typed_columns());
            let mapping = match has_model {
                true => typed_mapping(&mut task.model, &columns).map_err(|error| failed(&error))?,
                false => table_columns::of_typed(&columns, &known).map_err(|error| failed(&error))?,
            };
            progress.begin(rows.row_count());
            let progress = Arc::clone(progress);
            let reader = move |take: &mut dyn FnMut(Piece) -> bool| read_parquet(rows, &progress, take);
            self.load_rows(scope, &task, FileMapping::Ready(mapping), outcome, reader, nothing).await
        } else {
            let mapping = if has_model { FileMapping::Model } else { FileMapping::Table(known) };
            let file = Seen { input: file, progress: Arc::clone(progress) };
            let input: Box<dyn Read + Send> = match is("gz") {
                true => Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(file))),
                false => Box::new(file),
            };
            let reader = move |take: &mut dyn FnMut(Piece) -> bool| csv::read(input, &dialect, take);
            self.load_rows(scope, task, mapping, outcome, reader, nothing).await
        };
        loaded.map_err(|error| failed(&error))
    }

    /// Writes the rows that `reader` reads, on a thread of its own, while `feeding` fetches what it reads.
    async fn load_rows(
        &self,
        scope: &Scope,
        task: &BatchLoadTask,
        mapping: FileMapping,
        outcome: FileOutcome,
        reader: impl FnOnce(&mut dyn FnMut(Piece) -> bool) -> Result<(), FileProblem> + Send + 'static,
        feeding: impl Future<Output = ()>,
    ) -> Result<FileOutcome, Stop> {
        let dialect = CsvDialect::new(task.csv.as_ref()).map_err(|error| Stop::Failed(error.to_string()))?;
        let (pieces, read) = mpsc::channel(2);
        let reading = tokio::task::spawn_blocking(move || reader(&mut |piece| pieces.blocking_send(piece).is_ok()));
        let mut file = FileLoad { loader: self, scope, task, dialect: &dialect, mapping, outcome };
        let writing = async {
            // Dropped at the end: the reader stops when nobody takes its rows any more.
            let mut read = read;
            while let Some(piece) = read.recv().await {
                if !file.take(piece).await? {
                    break;
                }
            }
            Ok::<_, Stop>(())
        };
        let (written, ()) = futures::join!(writing, feeding);
        let mut outcome = file.outcome;
        written?;
        match reading.await {
            Ok(Ok(())) => {}
            Ok(Err(FileProblem::Store(error))) => {
                return Err(Stop::Stopped(format!("the file cannot be read: {error}")));
            }
            Ok(Err(problem)) => {
                outcome.progress.file_failures += 1;
                outcome.errors.add_file(&problem.to_string());
            }
            Err(error) => return Err(Stop::Stopped(format!("a file was not read to its end: {error}"))),
        }
        Ok(outcome)
    }

    fn note(&self, scope: &Scope, id: &str, progress: LoadProgress) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.insert((scope.clone(), id.to_owned()), progress);
    }

    async fn report_task(&self, scope: &Scope, id: &str, reason: &str) {
        let Ok(task) = self.engine.batch_load_task(scope, id) else { return };
        let mut report = self.earlier_report(&task).await.unwrap_or_default();
        report.task_id.clone_from(&task.id);
        report.task_errors.push(TaskErrorEntry { reason: reason.to_owned() });
        if let Err(error) = self.put_report(&task, &report).await {
            tracing::error!(task = id, %error, "the report of a batch load task cannot be put");
        }
    }

    /// The report of the files that were done before a stop or a crash.
    async fn earlier_report(&self, task: &BatchLoadTask) -> Result<Report, Stop> {
        let none = Report { task_id: task.id.clone(), ..Report::default() };
        let (Some(place), Some(_)) = (&task.report, &task.last_file) else { return Ok(none) };
        match self.objects.get(&place.bucket, &report_key(task)).await {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or(none)),
            Err(ObjectError::NotFound { .. } | ObjectError::NoBucket { .. }) => Ok(none),
            Err(error) => Err(error.into()),
        }
    }

    async fn put_report(&self, task: &BatchLoadTask, report: &Report) -> Result<(), Stop> {
        let (Some(place), false) = (&task.report, report.is_empty()) else { return Ok(()) };
        let json = serde_json::to_vec(report).map_err(|error| Stop::Stopped(error.to_string()))?;
        Ok(self.objects.put(&place.bucket, &report_key(task), json).await?)
    }
}

/// Where a task's report lies. # inferred: the service's layout is not public
fn report_key(task: &BatchLoadTask) -> String {
    let prefix = task.report.as_ref().and_then(|report| report.prefix.as_deref()).unwrap_or_default();
    let prefix = prefix.trim_matches('/');
    let separator = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{separator}{}/report.json", task.id)
}

/// A file that is being loaded.
struct FileLoad<'a> {
    loader: &'a BatchLoader,
    scope: &'a Scope,
    task: &'a BatchLoadTask,
    dialect: &'a CsvDialect,
    mapping: FileMapping,
    outcome: FileOutcome,
}

/// How a file's rows become records.
#[derive(Debug)]
enum FileMapping {
    /// By the task's model, once the header is read.
    Model,
    /// By the table's columns, once the header is read.
    Table(Arc<[Column]>),
    /// Like this.
    Ready(RowMapping),
    /// Like this, after the cells are made ready for it.
    Prepared(TableMapping),
}

impl FileMapping {
    /// The mapping of a file with this header.
    fn of_header(self, model: &LoadModel, header: &[String]) -> Result<Self, String> {
        match self {
            Self::Model => {
                let names: Vec<&str> = header.iter().map(String::as_str).collect();
                RowMapping::new(&model.mapping, &names).map(Self::Ready).map_err(|error| error.to_string())
            }
            Self::Table(known) => {
                table_columns::of_csv(header, &known).map(Self::Prepared).map_err(|error| error.to_string())
            }
            ready => Ok(ready),
        }
    }
}

/// A file on this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalFile<'a> {
    pub(super) path: &'a Path,
    /// Kept at how much of it has been read.
    pub(super) progress: &'a Arc<FileProgress>,
    /// Whether the task's model is one; otherwise the file holds what `SELECT *` gives.
    pub(super) has_model: bool,
}

/// A model's mapping on columns with types. Where the time column is a timestamp, times are nanoseconds; whole numbers count
/// what the model says.
fn typed_mapping(model: &mut LoadModel, columns: &[TypedColumn]) -> Result<RowMapping, MappingError> {
    let LoadModel { mapping, time_unit } = model;
    let found = RowMapping::typed(mapping, columns, TimeCells::TimestampsOrCounts)?;
    let is_time = |column: &&TypedColumn| column.name == mapping.time_column;
    if columns.iter().find(is_time).is_some_and(|c| c.cells == CellType::Measure(MeasureType::Timestamp)) {
        *time_unit = Some("NANOSECONDS".to_owned());
    }
    Ok(found)
}

impl FileLoad<'_> {
    /// Takes what was read; whether more is wanted.
    async fn take(&mut self, piece: Piece) -> Result<bool, Stop> {
        match piece {
            Piece::Header(columns) => {
                let mapping = std::mem::replace(&mut self.mapping, FileMapping::Model);
                match mapping.of_header(&self.task.model, &columns) {
                    Ok(mapping) => self.mapping = mapping,
                    Err(error) => {
                        self.outcome.progress.file_failures += 1;
                        self.outcome.errors.add_file(&error);
                        return Ok(false);
                    }
                }
            }
            Piece::Rows(mut rows) => {
                let mapping = std::mem::replace(&mut self.mapping, FileMapping::Model);
                match &mapping {
                    FileMapping::Ready(mapping) => self.rows(mapping, &rows).await?,
                    FileMapping::Prepared(table) => {
                        rows.iter_mut()
                            .filter_map(|row| row.cells.as_mut().ok())
                            .for_each(|cells| table.prepare(cells));
                        self.rows(&table.mapping, &rows).await?;
                    }
                    // Rows come after the header.
                    FileMapping::Model | FileMapping::Table(_) => {}
                }
                self.mapping = mapping;
                self.loader.note(self.scope, &self.task.id, self.outcome.progress);
            }
        }
        Ok(true)
    }

    async fn rows(&mut self, mapping: &RowMapping, rows: &[Row]) -> Result<(), Stop> {
        let mut records: Vec<(u64, MappedRecord<'_>)> = Vec::with_capacity(rows.len());
        for row in rows {
            self.outcome.progress.processed += 1;
            let cells = match &row.cells {
                Ok(cells) => cells,
                Err(problem) => {
                    self.parse_failure(&problem.to_string(), row.line);
                    continue;
                }
            };
            self.outcome.progress.bytes += i64::try_from(cells.as_slice().len() + cells.len()).unwrap_or(0);
            match mapping.records(|column| cells.get(column).and_then(|cell| self.dialect.value(cell))) {
                Ok(mapped) => records.extend(mapped.into_iter().map(|record| (row.line, record))),
                Err(error) => self.parse_failure(&error.to_string(), row.line),
            }
        }
        let unit = time_unit(self.task);
        let version = self.task.version.unwrap_or(1);
        for some in records.chunks(MAPPED_WRITE_RECORDS) {
            let inputs: Vec<_> = some.iter().map(|(_, record)| record.input(unit, version)).collect();
            match self.write(some, &inputs).await {
                Ok(()) => {}
                Err(IngestError::Engine(error)) => return Err(error.into()),
                // One of them is not valid: it is found by writing them one by one.
                Err(IngestError::Invalid(_)) => {
                    for (i, input) in inputs.iter().enumerate() {
                        match self.write(&some[i..=i], std::slice::from_ref(input)).await {
                            Ok(()) => {}
                            Err(IngestError::Engine(error)) => return Err(error.into()),
                            Err(IngestError::Invalid(error)) => self.parse_failure(&error.to_string(), some[i].0),
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn write(&mut self, some: &[(u64, MappedRecord<'_>)], inputs: &[InputRecord<'_>]) -> Result<(), IngestError> {
        let BatchLoadTask { database, table, .. } = self.task;
        let request = WriteRequest { database, table, common: InputRecord::default(), records: inputs };
        let now_ns = self.loader.clock.now_ns();
        let written = ingest::load_records(&self.loader.engine, self.scope, &request, now_ns).await?;
        let stored = written.memory + written.magnetic;
        self.outcome.progress.ingested += i64::try_from(stored).unwrap_or(i64::MAX);
        for rejected in &written.rejected {
            self.outcome.progress.ingestion_failures += 1;
            let line = some[rejected.index].0;
            match &rejected.reason {
                RejectReason::OutsideIngestionWindow { .. } => self.outcome.errors.add_line(OUTSIDE_WINDOW, line),
                reason => self.outcome.errors.add_line(&reason.to_string(), line),
            }
        }
        Ok(())
    }

    fn parse_failure(&mut self, reason: &str, line: u64) {
        self.outcome.progress.parse_failures += 1;
        self.outcome.errors.add_line(reason, line);
    }
}

fn time_unit(task: &BatchLoadTask) -> TimeUnit {
    match task.model.time_unit.as_deref() {
        Some("SECONDS") => TimeUnit::Seconds,
        Some("MICROSECONDS") => TimeUnit::Microseconds,
        Some("NANOSECONDS") => TimeUnit::Nanoseconds,
        _ => TimeUnit::Milliseconds,
    }
}

/// An object's bytes for a thread that reads them, and the work of fetching them.
fn channel_input(opened: Opened) -> (ChannelInput, impl Future<Output = ()>) {
    let (sender, pieces) = mpsc::channel(2);
    let mut bytes = opened.bytes;
    let feeding = async move {
        while let Some(next) = bytes.next().await {
            let next = next.map_err(io::Error::other);
            let failed = next.is_err();
            if sender.send(next).await.is_err() || failed {
                return;
            }
        }
    };
    (ChannelInput { pieces, current: Bytes::new() }, feeding)
}

struct ChannelInput {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
}

impl Read for ChannelInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.pieces.blocking_recv() {
                Some(next) => self.current = next?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.current.len());
        buffer[..length].copy_from_slice(&self.current.split_to(length));
        Ok(length)
    }
}
