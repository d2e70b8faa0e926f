//! What the ARN in a request names.

use super::{Ctx, error::invalid};
use crate::{
    engine::EngineError,
    model::{
        access::{self, Action},
        arn::{self, Resource},
        scope::Scope,
    },
};
use timebrook_protocol::ServiceError;

/// The id in a scheduled query's ARN, on which the caller may do `action`; another account's or region's is as good as
/// absent.
pub(super) fn scheduled_query_id(ctx: &Ctx, action: Action, text: &str) -> Result<String, ServiceError> {
    match arn::parse(text) {
        Some((scope, Resource::ScheduledQuery(id))) => {
            check_access(ctx, action, &arn::scheduled_query(&scope, &id))?;
            if scope != ctx.scope {
                return Err(EngineError::ScheduledQueryNotFound(text.to_owned()).into());
            }
            Ok(id)
        }
        // # inferred: the text
        _ => Err(invalid(format!("The scheduled query ARN {text} is invalid."))),
    }
}

/// The database, and the table in it, that a resource name names, and on which the caller may do `action`.
pub(super) fn resource(ctx: &Ctx, action: Action, text: &str) -> Result<(String, Option<String>), ServiceError> {
    // # inferred: the text
    let (scope, resource) = arn::parse(text).ok_or_else(|| invalid(format!("The resource ARN {text} is invalid.")))?;
    check_access(ctx, action, &canonical(&scope, &resource))?;
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

/// The name of a resource as policies write it, whatever partition the caller gave it.
fn canonical(scope: &Scope, resource: &Resource) -> String {
    match resource {
        Resource::Database(database) => arn::database(scope, database),
        Resource::Table { database, table } => arn::table(scope, database, table),
        Resource::ScheduledQuery(id) => arn::scheduled_query(scope, id),
    }
}

fn check_access(ctx: &Ctx, action: Action, arn: &str) -> Result<(), ServiceError> {
    Ok(ctx.access.check(action, access::Resource::Arn(arn))?)
}
