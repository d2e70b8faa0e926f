//! What the ARN in a request names.

use super::{Ctx, error::invalid};
use crate::{
    engine::EngineError,
    model::arn::{self, Resource},
};
use timebrook_protocol::ServiceError;

/// The id in a scheduled query's ARN; another account's or region's is as good as absent.
pub(super) fn scheduled_query_id(ctx: &Ctx, text: &str) -> Result<String, ServiceError> {
    match arn::parse(text) {
        Some((scope, Resource::ScheduledQuery(id))) if scope == ctx.scope => Ok(id),
        Some((_, Resource::ScheduledQuery(_))) => Err(EngineError::ScheduledQueryNotFound(text.to_owned()).into()),
        // # inferred: the text
        _ => Err(invalid(format!("The scheduled query ARN {text} is invalid."))),
    }
}

/// The database, and the table in it, that a resource name names.
pub(super) fn resource(ctx: &Ctx, text: &str) -> Result<(String, Option<String>), ServiceError> {
    // # inferred: the text
    let (scope, resource) = arn::parse(text).ok_or_else(|| invalid(format!("The resource ARN {text} is invalid.")))?;
    let (database, table) = match resource {
        Resource::Database(database) => (database, None),
        Resource::Table { database, table } => (database, Some(table)),
        Resource::ScheduledQuery(_) => return Err(invalid(format!("The resource ARN {text} is invalid."))),
    };
    if scope == ctx.scope {
        return Ok((database, table));
    }
    // Another account's or region's: as good as absent for this one.
    Err(match table {
        Some(table) => EngineError::TableNotFound(table).into(),
        None => EngineError::DatabaseNotFound(database).into(),
    })
}
