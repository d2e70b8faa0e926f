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
pub use report::record_json;
pub use validate::{InvalidRecord, check_column_name};

use crate::{
    engine::{Engine, EngineError},
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

/// Writes the records of a request; returns when what is stored is safe. What the magnetic store rejects afterwards is
/// reported to the table's rejected data location, in a report called `report_id`.
///
/// # Errors
/// [`IngestError`]: nothing was written then. Records that fail alone are no error, but in [`Ingested::rejected`].
pub async fn write_records(
    engine: &Engine,
    objects: &Objects,
    scope: &Scope,
    request: &WriteRequest<'_>,
    now_ns: i64,
    report_id: impl FnOnce() -> [u8; 16],
) -> Result<Ingested, IngestError> {
    let batch = validate::validate(merge::merge(&request.common, request.records))?;
    let table = engine.writer(scope, request.database, request.table)?;
    let batch = route::route(batch, table.settings(), now_ns);
    let outcome = table.write(&batch.records, now_ns).await?;
    let mut rejected = batch.rejected;
    rejected.extend(outcome.rejected);
    rejected.sort_by_key(|rejected| rejected.index);
    if !outcome.magnetic_rejected.is_empty() {
        let (writes, lost) = (&table.settings().magnetic_writes, &outcome.magnetic_rejected);
        let put = report::put_report(objects, writes, request, lost, now_ns, report_id()).await;
        let (database, table, records) = (request.database, request.table, lost.len());
        match put {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    database,
                    table,
                    records,
                    "the magnetic store rejected records, and there is no location to report them to"
                );
            }
            // The records that are stored stay so, and the answer does not tell of the others.
            Err(error) => tracing::error!(database, table, records, %error, "rejected records cannot be reported"),
        }
    }
    Ok(Ingested { memory: outcome.memory, magnetic: outcome.magnetic, rejected })
}

#[cfg(test)]
mod tests;
