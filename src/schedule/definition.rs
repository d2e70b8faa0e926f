//! What a scheduled query must be to be created.

use super::{
    expression::{Schedule, ScheduleError},
    run,
};
use crate::{
    catalog::scheduled_query::{ScheduledQuery, Target},
    engine::{Engine, EngineError},
    ingest::mapping::{MappingError, RowMapping, Use},
    model::{record::MeasureType, scope::Scope},
    sql::{CellType, OutputColumn, Sql, error::SqlError},
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
    /// A column's type. # inferred: the words
    #[error("The column '{column}' of the query result is of type {found} and cannot be used as {wanted}.")]
    ColumnType {
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What it is mapped to.
        wanted: &'static str,
    },
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
    let parameters = run::parameters(query, query.created_ns, sql.is_documented_only());
    let prepared = sql.prepare(&query.sql, parameters, engine.snapshot(scope), query.created_ns).await?;
    engine.writer(scope, &target.database, &target.table)?;
    row_mapping(target, &prepared.columns)?;
    Ok(())
}

/// The target's mapping on the columns of a result.
pub(super) fn row_mapping(target: &Target, columns: &[OutputColumn]) -> Result<RowMapping, DefinitionError> {
    let names: Vec<&str> = columns.iter().map(|column| &*column.label).collect();
    let mapping = RowMapping::new(&target.mapping, &names)?;
    for (place, used) in mapping.uses() {
        let column = &columns[place];
        if !can_be_used(column.cell_type(), used) {
            return Err(DefinitionError::ColumnType {
                column: column.label.to_string(),
                found: column.type_name(),
                wanted: use_name(used),
            });
        }
    }
    Ok(mapping)
}

/// Whether cells of a type can become that. # inferred: the service writes rows as texts and reads these as the mapped
/// type, so what is always such a text can
fn can_be_used(cells: CellType, used: Use) -> bool {
    match (cells, used) {
        (CellType::Null, _) => true,
        (CellType::Nested, _) => false,
        (CellType::Measure(MeasureType::Timestamp), used) => {
            matches!(used, Use::Time | Use::Value(MeasureType::Timestamp))
        }
        (_, Use::Name | Use::Value(MeasureType::Varchar)) => true,
        (CellType::Measure(found), Use::Value(wanted)) => {
            found == wanted || (found, wanted) == (MeasureType::Bigint, MeasureType::Double)
        }
        _ => false,
    }
}

fn use_name(used: Use) -> &'static str {
    match used {
        Use::Time => "TimeColumn",
        Use::Name => "a dimension or a measure name",
        Use::Value(value_type) => value_type.wire_name(),
    }
}
