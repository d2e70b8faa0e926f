//! One run of a scheduled query: query, records, report, history, notification.

use super::{
    Scheduler,
    definition::{DefinitionError, row_mapping},
    due_ns, message,
    report::{self, Report},
    trigger::{Trigger, parameters},
};
use crate::{
    catalog::scheduled_query::{Run, RunInsights, RunStats, ScheduledQuery, Target},
    engine::EngineError,
    ingest::{
        self, IngestError, InputRecord, RecordType, TimeUnit, WriteRequest,
        mapping::{MappedRecord, RowMapping},
    },
    model::{limits::MAPPED_WRITE_RECORDS, record::MeasureType, scope::Scope},
    sql::{TextBatch, error::SqlError, insights::Insights},
};

/// # observed: ExecuteScheduledQuery, examples 3 and 4
const INCOMPLETE: &str =
    "Schedule encountered some errors and is incomplete. Please take a look at error report for further details";
/// # model: the doc sentence of InternalServerException
const INTERNAL: &str = "Timestream was unable to fully process this request because of an internal server error.";
/// Writes are metered in kibibytes, a hundred records at a time. # observed: 1,024 for one record, 36,864 for 1,200
const METERED_RECORDS: usize = 100;
const METERED_BYTES: usize = 1_024;

/// What came of a run so far.
#[derive(Default)]
struct Progress {
    stats: RunStats,
    report: Report,
    insights: Option<Insights>,
}

impl Scheduler {
    /// Runs a query for a time, and writes down and notifies what came of it. One run of a query at a time.
    pub(super) async fn run(&self, scope: &Scope, query: &ScheduledQuery, trigger: Trigger) {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let (trigger_ns, started_ns) = (self.clock.now_ns(), self.clock.monotonic_ns());
        // Every run's records replace those of the runs before. # guide
        let version = trigger_ns.div_euclid(1_000_000).max(query.last_version.saturating_add(1));
        let mut progress = Progress::default();
        let outcome = self.write_rows(scope, query, trigger, (trigger_ns, version), &mut progress).await;
        let took_ms = self.clock.monotonic_ns().saturating_sub(started_ns) / 1_000_000;
        progress.stats.execution_ms = i64::try_from(took_ms).unwrap_or(i64::MAX);
        let (failure, is_fatal) = match &outcome {
            Ok(()) if progress.report.is_empty() => (None, false),
            Ok(()) => (Some(INCOMPLETE.to_owned()), false),
            Err(error) => {
                tracing::warn!(query = %query.id, %error, "a scheduled query failed");
                failure(error)
            }
        };
        let report = match is_fatal || progress.report.is_empty() {
            true => None,
            false => self.put_report(query, trigger, trigger_ns, progress.report).await,
        };
        let run = Run {
            invocation_ns: trigger.invocation_ns,
            trigger_ns,
            is_manual: trigger.is_manual,
            // # observed: a failed run has none
            insights: progress.insights.filter(|_| trigger.wants_insights && failure.is_none()).map(run_insights),
            failure,
            stats: progress.stats,
            report,
        };
        self.settle(scope, query, run, version, is_fatal).await;
    }

    /// Queries, and writes what comes.
    async fn write_rows(
        &self,
        scope: &Scope,
        query: &ScheduledQuery,
        trigger: Trigger,
        (now_ns, version): (i64, i64),
        progress: &mut Progress,
    ) -> Result<(), DefinitionError> {
        let target = query.target.as_ref().ok_or(DefinitionError::NoTarget)?;
        let parameters = parameters(query, trigger.invocation_ns, self.sql.is_documented_only());
        let mut rows = self.sql.rows(&query.sql, parameters, self.engine.snapshot(scope), now_ns).await?;
        self.engine.writer(scope, &target.database, &target.table)?;
        let mapping = row_mapping(target, rows.columns())?;
        let columns = rows.columns().len();
        while let Some(batch) = rows.next().await? {
            progress.stats.rows += i64::try_from(batch.len()).unwrap_or(i64::MAX);
            let write = Write { scheduler: self, scope, target, now_ns, version };
            write.batch(&mapping, &batch, columns, progress).await?;
            progress.stats.bytes_scanned = i64::try_from(rows.bytes_scanned()).unwrap_or(i64::MAX);
        }
        progress.stats.bytes_scanned = i64::try_from(rows.bytes_scanned()).unwrap_or(i64::MAX);
        progress.insights = Some(rows.insights());
        Ok(())
    }

    /// Puts the report; `None` when that fails: the run has failed in any case.
    async fn put_report(
        &self,
        query: &ScheduledQuery,
        trigger: Trigger,
        trigger_ns: i64,
        report: Report,
    ) -> Option<(String, String)> {
        let key = report::key(query, trigger, trigger_ns, self.clock.random_bytes());
        let body = report.body(self.clock.random_bytes());
        let bucket = &query.report.bucket;
        match self.objects.put(bucket, &key, body.into_bytes()).await {
            Ok(()) => Some((bucket.clone(), key)),
            Err(error) => {
                tracing::error!(query = %query.id, %bucket, %key, %error, "an error report cannot be put");
                None
            }
        }
    }

    /// Writes the run down, disables the query when it cannot run again, and notifies.
    async fn settle(&self, scope: &Scope, query: &ScheduledQuery, run: Run, version: i64, is_fatal: bool) {
        let ended = run.clone();
        let change = move |query: &ScheduledQuery| {
            let query = query.with_run(ended, version);
            Ok(ScheduledQuery { is_enabled: query.is_enabled && !is_fatal, ..query })
        };
        let was_enabled = query.is_enabled;
        let now_ns = self.clock.now_ns();
        match self.engine.change_scheduled_query(scope, &query.id, change).await {
            Ok(query) => {
                self.notifications.send(message::ran(scope, &query, &run, due_ns(&query), now_ns));
                if is_fatal && was_enabled {
                    self.notifications.send(message::updated(scope, &query, now_ns));
                }
            }
            // It was deleted meanwhile: what it wrote stays, and nobody asks for its history any more.
            Err(EngineError::ScheduledQueryNotFound(_)) => {}
            Err(error) => {
                tracing::error!(query = %query.id, %error, "a run cannot be written down: it will be repeated")
            }
        }
    }
}

/// Where the records of a run go.
struct Write<'a> {
    scheduler: &'a Scheduler,
    scope: &'a Scope,
    target: &'a Target,
    now_ns: i64,
    version: i64,
}

impl Write<'_> {
    /// Writes the records of a batch of rows; what fails alone goes to the report.
    async fn batch(
        &self,
        mapping: &RowMapping,
        batch: &TextBatch,
        columns: usize,
        progress: &mut Progress,
    ) -> Result<(), EngineError> {
        let mut records: Vec<(usize, MappedRecord<'_>)> = Vec::new();
        for row in 0..batch.len() {
            match mapping.records(|column| batch.cell(row, column)) {
                Ok(mapped) => records.extend(mapped.into_iter().map(|record| (row, record))),
                Err(error) => progress.report.add_row(&error.to_string(), &raw_line(batch, row, columns)),
            }
        }
        for some in records.chunks(MAPPED_WRITE_RECORDS) {
            let inputs: Vec<_> = some.iter().map(|(_, r)| r.input(TimeUnit::Nanoseconds, self.version)).collect();
            match self.records(&inputs, progress).await {
                Ok(()) => {}
                Err(IngestError::Engine(error)) => return Err(error),
                // One of them is not valid: it is found by writing them one by one.
                Err(IngestError::Invalid(_)) => {
                    for ((row, _), input) in some.iter().zip(&inputs) {
                        match self.records(std::slice::from_ref(input), progress).await {
                            Ok(()) => {}
                            Err(IngestError::Engine(error)) => return Err(error),
                            Err(IngestError::Invalid(error)) => {
                                progress.report.add_row(&error.to_string(), &raw_line(batch, *row, columns));
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn records(&self, records: &[InputRecord<'_>], progress: &mut Progress) -> Result<(), IngestError> {
        let Self { scheduler: Scheduler { engine, objects, clock, .. }, scope, target, now_ns, .. } = self;
        let request =
            WriteRequest { database: &target.database, table: &target.table, common: InputRecord::default(), records };
        let written = ingest::write_records(engine, objects, scope, &request, *now_ns, || clock.random_bytes()).await?;
        let mut is_rejected = vec![false; records.len()];
        for rejected in &written.rejected {
            is_rejected[rejected.index] = true;
            progress.report.add_record(&rejected.reason.to_string(), &records[rejected.index]);
        }
        let stored: Vec<_> = records.iter().zip(is_rejected).filter(|(_, lost)| !lost).map(|(r, _)| r).collect();
        progress.stats.records_ingested += i64::try_from(written.memory + written.magnetic).unwrap_or(i64::MAX);
        for some in stored.chunks(METERED_RECORDS) {
            let bytes: usize = some.iter().map(|record| logical_bytes(record)).sum();
            let metered = bytes.div_ceil(METERED_BYTES) * METERED_BYTES;
            progress.stats.data_writes += i64::try_from(metered).unwrap_or(i64::MAX);
        }
        Ok(())
    }
}

/// What a run fails with, and whether the query could only fail again: it is disabled then. # guide: "any 4xx errors
/// encountered when a scheduled query runs" or "during ingestion of query results"
fn failure(error: &DefinitionError) -> (Option<String>, bool) {
    let (text, is_fatal) = match error {
        DefinitionError::Sql(SqlError::Internal(_)) | DefinitionError::Engine(EngineError::Storage(_)) => {
            (INTERNAL.to_owned(), false)
        }
        // The limits of this machine: another time there may be less to do.
        DefinitionError::Sql(SqlError::Timeout(_) | SqlError::Memory(_) | SqlError::Cancelled) => {
            (error.to_string(), false)
        }
        _ => (error.to_string(), true),
    };
    (Some(text), is_fatal)
}

fn run_insights(insights: Insights) -> RunInsights {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    RunInsights {
        widest: insights.widest().map(|scan| {
            let share = format!("{:?}", scan.spatial_coverage);
            (scan.database.to_string(), scan.table.to_string(), scan.partition_key.to_string(), share)
        }),
        longest: insights
            .longest()
            .map(|scan| (scan.database.to_string(), scan.table.to_string(), scan.temporal_range_ns)),
        tables: number(insights.tables as u64),
        output_rows: number(insights.output_rows),
        output_bytes: number(insights.output_bytes),
    }
}

/// A row as reports show it: its cells, separated by commas. # inferred: the form
fn raw_line(batch: &TextBatch, row: usize, columns: usize) -> String {
    let cells: Vec<&str> = (0..columns).map(|column| batch.cell(row, column).unwrap_or_default()).collect();
    cells.join(",")
}

/// The bytes that a record is metered with: its names and texts as they are, a truth value one, every other value and the
/// time eight. # guide: metering-and-pricing.writes.html
fn logical_bytes(record: &InputRecord<'_>) -> usize {
    let value_bytes = |value_type: RecordType, text: &str| match value_type {
        RecordType::Single(MeasureType::Varchar) => text.len(),
        RecordType::Single(MeasureType::Boolean) => 1,
        _ => 8,
    };
    let dimensions: usize = record.dimensions.iter().map(|d| d.name.len() + d.value.len()).sum();
    let values: usize = record.measure_values.iter().map(|v| v.name.len() + value_bytes(v.value_type, v.value)).sum();
    let single = record.record_type.zip(record.measure_value).map_or(0, |(t, text)| value_bytes(t, text));
    dimensions + values + record.measure_name.map_or(0, str::len) + single + 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ingest::InputMeasureValue, model::record::Dimension};

    #[test]
    fn records_are_metered_by_the_types_of_their_values() {
        let value =
            |name, value, value_type| InputMeasureValue { name, value, value_type: RecordType::Single(value_type) };
        let dimensions = [Dimension { name: "host", value: "h1" }];
        let values = [
            value("d", "1.234567890123", MeasureType::Double),
            value("b", "false", MeasureType::Boolean),
            value("v", "twelve bytes", MeasureType::Varchar),
        ];
        let single = InputRecord { dimensions: &dimensions, measure_name: Some("load"), ..InputRecord::default() };
        let multi = InputRecord { measure_values: &values, record_type: Some(RecordType::Multi), ..single };
        assert_eq!(logical_bytes(&multi), (4 + 2) + 4 + (1 + 8) + (1 + 1) + (1 + 12) + 8);
        let of = |value_type, text| {
            let record_type = Some(RecordType::Single(value_type));
            logical_bytes(&InputRecord { measure_value: Some(text), record_type, ..single }) - 18
        };
        assert_eq!(of(MeasureType::Bigint, "7"), 8);
        assert_eq!(of(MeasureType::Boolean, "true"), 1);
        assert_eq!(of(MeasureType::Varchar, "a text of 21 bytes ab"), 21);
    }
}
