//! Records from request to stored form.
//!
//! A batch goes through three steps, each with its own type and none with an effect: common attributes are merged in
//! ([`merge`]), every record is checked in itself ([`validate`]), its time says which store it goes to ([`route`]).
//! Records that fail alone travel along as rejected; a mistake that fails the whole request stops it before anything
//! is written. What a record's table says to it (versions, types, limits of the table) is decided in the engine.

pub mod input;
pub mod mapping;
mod merge;
mod report;
mod route;
mod validate;

pub use input::{InputMeasureValue, InputRecord, RecordType, TimeUnit, WriteRequest};
use report::Report;
pub use report::record_json;
pub use validate::{InvalidRecord, check_column_name};

use crate::{
    engine::{Engine, EngineError, Incoming, QueuedWrite},
    model::{record::RejectedRecord, scope::Scope},
    outbound::objects::Objects,
};

/// Records on their way, and those that fell out.
#[derive(Debug)]
struct Batch<T> {
    records: Vec<T>,
    rejected: Vec<RejectedRecord>,
}

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Records in the memory store.
    pub memory: u64,
    /// Records in the magnetic store.
    pub magnetic: u64,
    /// Records that are not stored, by index. All others are.
    pub rejected: Vec<RejectedRecord>,
}

/// Why a whole request is refused.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// A record is not valid in itself.
    #[error(transparent)]
    Invalid(#[from] InvalidRecord),
    /// There is no such table, or it cannot be written to.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Records that are decided and on their way into the log; the request is not needed any more.
#[derive(Debug)]
pub struct Queued {
    write: QueuedWrite,
    /// Records that fell out before.
    rejected: Vec<RejectedRecord>,
    /// What the magnetic store rejects is told after the answer.
    report: Option<Report>,
}

/// Decides the records of a request, which is under way as `incoming`. What the magnetic store rejects afterwards is
/// reported to the table's rejected data location, in a report called `report_id`.
///
/// # Errors
/// [`IngestError`]: nothing was written then. Records that fail alone are no error, but in [`Ingested::rejected`].
pub async fn queue_records(
    engine: &Engine,
    scope: &Scope,
    request: &WriteRequest<'_>,
    now_ns: i64,
    incoming: Incoming,
    report_id: impl FnOnce() -> [u8; 16],
) -> Result<Queued, IngestError> {
    let batch = validate::validate(merge::merge(&request.common, request.records))?;
    let table = engine.writer(scope, request.database, request.table)?;
    let batch = route::route(batch, table.settings(), now_ns);
    let write = table.queue(&batch.records, now_ns, incoming).await?;
    let lost = &write.outcome().magnetic_rejected;
    let mut report = None;
    if !lost.is_empty() {
        report = Report::new(&write.settings().magnetic_writes, request, lost, now_ns, report_id());
        if report.is_none() {
            let (database, table, records) = (request.database, request.table, lost.len());
            tracing::warn!(
                database,
                table,
                records,
                "the magnetic store rejects records, and there is no location to report them to"
            );
        }
    }
    Ok(Queued { write, rejected: batch.rejected, report })
}

impl Queued {
    /// Waits until what is stored is safe.
    ///
    /// # Errors
    /// [`IngestError::Engine`]: nothing was written then.
    pub async fn stored(self, objects: &Objects) -> Result<Ingested, IngestError> {
        let outcome = self.write.synced().await?;
        let mut rejected = self.rejected;
        rejected.extend(outcome.rejected);
        rejected.sort_by_key(|rejected| rejected.index);
        if let Some(report) = self.report {
            let key = report.key.clone();
            if let Err(error) = report.put(objects).await {
                // The records that are stored stay so, and the answer does not tell of the others.
                tracing::error!(key, %error, "rejected records cannot be reported");
            }
        }
        Ok(Ingested { memory: outcome.memory, magnetic: outcome.magnetic, rejected })
    }
}

/// Writes the records of a request; returns when what is stored is safe. See [`queue_records`].
///
/// # Errors
/// As [`queue_records`].
pub async fn write_records(
    engine: &Engine,
    objects: &Objects,
    scope: &Scope,
    request: &WriteRequest<'_>,
    now_ns: i64,
    report_id: impl FnOnce() -> [u8; 16],
) -> Result<Ingested, IngestError> {
    let incoming = engine.incoming().await;
    queue_records(engine, scope, request, now_ns, incoming, report_id).await?.stored(objects).await
}

/// Writes records of a batch load. They land by their age, whatever the table says of late records, and what the magnetic
/// store rejects is told at once. # inferred: a load of old files into a table that takes no late writes is of no use
///
/// # Errors
/// [`IngestError`]: nothing was written then.
pub async fn load_records(
    engine: &Engine,
    scope: &Scope,
    request: &WriteRequest<'_>,
    now_ns: i64,
) -> Result<Ingested, IngestError> {
    let batch = validate::validate(merge::merge(&request.common, request.records))?;
    let table = engine.writer(scope, request.database, request.table)?;
    let mut settings = table.settings().clone();
    settings.magnetic_writes.enabled = true;
    let batch = route::route(batch, &settings, now_ns);
    let incoming = engine.incoming().await;
    let outcome = table.queue(&batch.records, now_ns, incoming).await?.synced().await?;
    let magnetic = outcome.magnetic.saturating_sub(outcome.magnetic_rejected.len() as u64);
    let mut rejected = batch.rejected;
    rejected.extend(outcome.rejected);
    rejected.extend(outcome.magnetic_rejected);
    rejected.sort_by_key(|rejected| rejected.index);
    Ok(Ingested { memory: outcome.memory, magnetic, rejected })
}

#[cfg(test)]
mod tests;
