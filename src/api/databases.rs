//! Databases.

use super::{Api, Ctx, list_token, tags};
use crate::{
    catalog::Database,
    engine::EngineError,
    model::{
        access::{Action, Resource},
        arn,
        scope::Scope,
    },
};
use timebrook_protocol::{
    NoOutput, ServiceError, Timestamp, decode, encode,
    shapes::write::{
        self as wire, CreateDatabaseRequest, CreateDatabaseResponse, DeleteDatabaseRequest, DescribeDatabaseRequest,
        DescribeDatabaseResponse, ListDatabasesRequest, ListDatabasesResponse, UpdateDatabaseRequest,
        UpdateDatabaseResponse,
    },
};

/// Databases in one page of a listing. # model: the largest; # inferred: also the default
const PAGE_DATABASES: usize = 20;
/// What its tokens are for.
const LISTING: &[&str] = &["databases"];

pub(super) async fn create_database(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: CreateDatabaseRequest<'_> = decode(body)?;
    let resource = Resource::Database(&request.database_name);
    ctx.access.check(Action::CreateDatabase, resource)?;
    tags::check_access(ctx, request.tags.as_deref(), resource)?;
    let tags = tags::from_wire(request.tags.unwrap_or_default())?;
    let key = request.kms_key_id.as_deref();
    let database = api.engine.create_database(&ctx.scope, &request.database_name, key, tags, ctx.now_ns).await?;
    Ok(encode(&CreateDatabaseResponse { database: Some(to_wire(&ctx.scope, &database)) }))
}

pub(super) fn describe_database(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: DescribeDatabaseRequest<'_> = decode(body)?;
    ctx.access.check(Action::DescribeDatabase, Resource::Database(&request.database_name))?;
    let snapshot = api.engine.snapshot(&ctx.scope);
    let database = snapshot
        .database(&request.database_name)
        .ok_or_else(|| EngineError::DatabaseNotFound(request.database_name.to_string()))?;
    Ok(encode(&DescribeDatabaseResponse { database: Some(to_wire(&ctx.scope, database)) }))
}

pub(super) async fn update_database(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: UpdateDatabaseRequest<'_> = decode(body)?;
    ctx.access.check(Action::UpdateDatabase, Resource::Database(&request.database_name))?;
    let (name, key) = (&request.database_name, &request.kms_key_id);
    let database = api.engine.update_database(&ctx.scope, name, key, ctx.now_ns).await?;
    Ok(encode(&UpdateDatabaseResponse { database: Some(to_wire(&ctx.scope, &database)) }))
}

pub(super) async fn delete_database(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: DeleteDatabaseRequest<'_> = decode(body)?;
    ctx.access.check(Action::DeleteDatabase, Resource::Database(&request.database_name))?;
    api.engine.delete_database(&ctx.scope, &request.database_name).await?;
    Ok(encode(&NoOutput))
}

/// By name. # inferred
pub(super) fn list_databases(api: &Api, ctx: &Ctx, body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let request: ListDatabasesRequest<'_> = decode(body)?;
    ctx.access.check(Action::ListDatabases, Resource::Any)?;
    let after = match &request.next_token {
        Some(token) => Some(list_token::decode::<1>(LISTING, token)?),
        None => None,
    };
    let size = request.max_results.map_or(PAGE_DATABASES, |size| size.unsigned_abs() as usize);
    let snapshot = api.engine.snapshot(&ctx.scope);
    let mut rest =
        snapshot.databases().filter(|database| after.as_ref().is_none_or(|[after]| &*database.name > after.as_str()));
    let page: Vec<&Database> = rest.by_ref().take(size).collect();
    let next_token = match (page.last(), rest.next()) {
        (Some(last), Some(_)) => Some(list_token::encode(LISTING, &[&last.name]).into()),
        _ => None,
    };
    let databases = page.into_iter().map(|database| to_wire(&ctx.scope, database)).collect();
    Ok(encode(&ListDatabasesResponse { databases: Some(databases), next_token }))
}

fn to_wire<'a>(scope: &Scope, database: &'a Database) -> wire::Database<'a> {
    wire::Database {
        arn: Some(arn::database(scope, &database.name).into()),
        database_name: Some((*database.name).into()),
        table_count: Some(i64::try_from(database.table_count).unwrap_or(i64::MAX)),
        kms_key_id: Some(database.kms_key_id.as_str().into()),
        creation_time: Some(Timestamp { millis: database.created_ms }),
        last_updated_time: Some(Timestamp { millis: database.updated_ms }),
    }
}
