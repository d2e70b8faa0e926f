//! The wire's requests and responses to use cases and back; the one error map.

mod account_settings;
mod convert;
mod databases;
pub mod endpoints;
pub mod error;
mod list_token;
mod query;
mod tables;
mod tags;
mod write_records;

pub use endpoints::Advertised;

use crate::{
    clock::Clock,
    engine::{Engine, StateCounts},
    model::scope::Scope,
    outbound::objects::Objects,
    sql::{Limits, Sql},
};
use bytes::Bytes;
use std::sync::Arc;
use timebrook_protocol::{
    Input, Operation, ServiceError, decode,
    shapes::{query as query_shapes, write},
};

/// What every request brings beside its body.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Twenty-six characters, also in the response's header.
    pub request_id: String,
    /// When the request began, in nanoseconds since the epoch: the time that everything in it happens at.
    pub now_ns: i64,
    /// The account and region whose state it acts on.
    pub scope: Scope,
    /// The server's address as the client knows it, `host[:port]`.
    pub host: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The client, in its own words.
    pub user_agent: String,
}

/// What can be configured of the operations.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// What DescribeEndpoints answers with instead of the request's own address.
    pub advertised: Option<Advertised>,
    /// What one query may use.
    pub query_limits: Limits,
}

/// What the server holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Databases, tables and records.
    pub counts: StateCounts,
    /// Results of queries that are being paged through.
    pub cursors: u64,
}

/// All operations of both services.
#[derive(Debug)]
pub struct Api {
    engine: Arc<Engine>,
    objects: Arc<Objects>,
    sql: Sql,
    advertised: Option<Advertised>,
}

impl Api {
    /// The operations on `engine`; what is for S3 goes to `objects`.
    #[must_use]
    pub fn new(engine: Arc<Engine>, objects: Arc<Objects>, config: ApiConfig, clock: Clock) -> Self {
        let sql = Sql::new(config.query_limits, clock);
        Self { engine, objects, sql, advertised: config.advertised }
    }

    /// Carries out one operation: the body of its request to the body of its response, in JSON.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn call(&self, operation: Operation, ctx: &Ctx, body: Bytes) -> Result<Vec<u8>, ServiceError> {
        match operation {
            Operation::DescribeEndpoints => endpoints::describe_endpoints(self.advertised.as_ref(), ctx, &body),
            Operation::CreateDatabase => databases::create_database(self, ctx, &body).await,
            Operation::DescribeDatabase => databases::describe_database(self, ctx, &body),
            Operation::UpdateDatabase => databases::update_database(self, ctx, &body).await,
            Operation::DeleteDatabase => databases::delete_database(self, ctx, &body).await,
            Operation::ListDatabases => databases::list_databases(self, ctx, &body),
            Operation::CreateTable => tables::create_table(self, ctx, &body).await,
            Operation::DescribeTable => tables::describe_table(self, ctx, &body),
            Operation::UpdateTable => tables::update_table(self, ctx, &body).await,
            Operation::DeleteTable => tables::delete_table(self, ctx, &body).await,
            Operation::ListTables => tables::list_tables(self, ctx, &body),
            Operation::TagResource => tags::tag_resource(self, ctx, &body).await,
            Operation::UntagResource => tags::untag_resource(self, ctx, &body).await,
            Operation::ListTagsForResource => tags::list_tags_for_resource(self, ctx, &body),
            Operation::DescribeAccountSettings => account_settings::describe_account_settings(self, ctx, &body),
            Operation::UpdateAccountSettings => account_settings::update_account_settings(self, ctx, &body).await,
            Operation::WriteRecords => write_records::write_records(self, ctx, &body).await,
            Operation::Query => query::query(self, ctx, &body).await,
            Operation::CancelQuery => query::cancel_query(self, ctx, &body),
            Operation::PrepareQuery => query::prepare_query(self, ctx, &body).await,
            Operation::CreateBatchLoadTask => later::<write::CreateBatchLoadTaskRequest<'_>>(operation, &body),
            Operation::DescribeBatchLoadTask => later::<write::DescribeBatchLoadTaskRequest<'_>>(operation, &body),
            Operation::ListBatchLoadTasks => later::<write::ListBatchLoadTasksRequest<'_>>(operation, &body),
            Operation::ResumeBatchLoadTask => later::<write::ResumeBatchLoadTaskRequest<'_>>(operation, &body),
            Operation::CreateScheduledQuery => later::<query_shapes::CreateScheduledQueryRequest<'_>>(operation, &body),
            Operation::DeleteScheduledQuery => later::<query_shapes::DeleteScheduledQueryRequest<'_>>(operation, &body),
            Operation::DescribeScheduledQuery => {
                later::<query_shapes::DescribeScheduledQueryRequest<'_>>(operation, &body)
            }
            Operation::ExecuteScheduledQuery => {
                later::<query_shapes::ExecuteScheduledQueryRequest<'_>>(operation, &body)
            }
            Operation::ListScheduledQueries => later::<query_shapes::ListScheduledQueriesRequest<'_>>(operation, &body),
            Operation::UpdateScheduledQuery => later::<query_shapes::UpdateScheduledQueryRequest<'_>>(operation, &body),
        }
    }

    /// Drops all state, or all state of one account.
    ///
    /// # Errors
    /// When that cannot be made durable.
    pub async fn reset(&self, account: Option<&str>) -> Result<(), ServiceError> {
        self.engine.reset(account).await?;
        self.sql.reset(account);
        Ok(())
    }

    /// Does the work that time brings, as of `now_ns`: frees what has expired, moves what has aged to the magnetic store.
    ///
    /// # Errors
    /// When it was not done.
    pub async fn tick(&self, now_ns: i64) -> Result<(), ServiceError> {
        let engine = Arc::clone(&self.engine);
        let ticked = tokio::task::spawn_blocking(move || engine.tick(now_ns)).await;
        Ok(ticked.map_err(error::internal)??)
    }

    /// What is held, of one account or of all.
    #[must_use]
    pub fn state(&self, account: Option<&str>) -> State {
        State { counts: self.engine.counts(account), cursors: self.sql.cursor_count(account) as u64 }
    }
}

/// An operation that is not there yet: a request that the service refuses is refused in its words, a good one is told
/// so.
fn later<'a, T: Input<'a>>(operation: Operation, body: &'a [u8]) -> Result<Vec<u8>, ServiceError> {
    decode::<T>(body)?;
    Err(error::not_implemented(operation))
}
