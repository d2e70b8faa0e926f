//! Records from request to stored form.
//!
//! A batch goes through three steps, each with its own type and none with an effect: common attributes are merged in
//! ([`merge`]), every record is checked in itself ([`validate`]), its time says which store it goes to ([`route`]).
//! Records that fail alone travel along as rejected; a mistake that fails the whole request stops it before anything
//! is written. What a record's table says to it (versions, types, limits of the table) is decided in the engine.

pub mod input;
mod merge;
mod route;
mod validate;

pub use input::{InputMeasureValue, InputRecord, RecordType, TimeUnit, WriteRequest};
pub use validate::{InvalidRecord, check_column_name};

use crate::{
    engine::{Engine, EngineError},
    model::{record::RejectedRecord, scope::Scope},
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

/// Writes the records of a request; returns when what is stored is safe.
///
/// # Errors
/// [`IngestError`]: nothing was written then. Records that fail alone are no error, but in [`Ingested::rejected`].
pub async fn write_records(
    engine: &Engine,
    scope: &Scope,
    request: &WriteRequest<'_>,
    now_ns: i64,
) -> Result<Ingested, IngestError> {
    let batch = validate::validate(merge::merge(&request.common, request.records))?;
    let table = engine.writer(scope, request.database, request.table)?;
    let batch = route::route(batch, table.settings(), now_ns);
    let outcome = table.write(&batch.records, now_ns).await?;
    let mut rejected = batch.rejected;
    rejected.extend(outcome.rejected);
    rejected.sort_by_key(|rejected| rejected.index);
    for lost in &outcome.magnetic_rejected {
        // The service reports these to the table's MagneticStoreRejectedDataLocation and nowhere else.
        tracing::warn!(
            database = request.database,
            table = request.table,
            record_index = lost.index,
            reason = %lost.reason,
            "a record for the magnetic store lost against a stored version"
        );
    }
    Ok(Ingested { memory: outcome.memory, magnetic: outcome.magnetic, rejected })
}

#[cfg(test)]
mod tests;
