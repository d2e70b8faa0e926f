//! What a scheduled query must be to be created.

use super::{
    expression::{Schedule, ScheduleError},
    trigger,
};
use crate::{
    catalog::scheduled_query::{ScheduledQuery, Target},
    engine::{Engine, EngineError},
    ingest::mapping::{MappingError, RowMapping},
    model::{access::Access, mapping::TimeCells, scope::Scope},
    sql::{OutputColumn, Sql, error::SqlError},
};

/// Why a scheduled query cannot be created, or cannot run any more.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// Its schedule.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Its query.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// Its target's mapping.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// Rows that nothing is done with. # model: the target is optional; # inferred: that it is needed, and the words
    #[error("TargetConfiguration must be set.")]
    NoTarget,
    /// Its target table, or what is kept.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Analyses a definition: the schedule always, the query and its target unless `is_lenient`. # observed: unknown columns
/// are refused at creation
pub(super) async fn check(
    engine: &Engine,
    sql: &Sql,
    scope: &Scope,
    query: &ScheduledQuery,
    is_lenient: bool,
) -> Result<(), DefinitionError> {
    let schedule = Schedule::parse(&query.schedule)?;
    if schedule.next_after(query.created_ns, query.created_ns).is_none() {
        return Err(ScheduleError::Never(query.schedule.clone()).into());
    }
    let target = query.target.as_ref().ok_or(DefinitionError::NoTarget)?;
    if is_lenient {
        return Ok(());
    }
    let parameters = trigger::parameters(query, query.created_ns, sql.is_documented_only());
    let prepared =
        sql.prepare(&query.sql, parameters, engine.snapshot(scope), Access::unrestricted(), query.created_ns).await?;
    engine.writer(scope, &target.database, &target.table)?;
    row_mapping(target, &prepared.columns)?;
    Ok(())
}

/// The target's mapping on the columns of a result.
pub(super) fn row_mapping(target: &Target, columns: &[OutputColumn]) -> Result<RowMapping, MappingError> {
    let typed: Vec<_> = columns.iter().map(OutputColumn::typed).collect();
    RowMapping::typed(&target.mapping, &typed, TimeCells::Timestamps)
}
