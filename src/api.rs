//! The wire's requests and responses to use cases and back; the one error map.

mod account_settings;
pub mod batch_load;
mod convert;
mod databases;
mod encryption;
pub mod endpoints;
pub mod error;
mod list_token;
mod query;
mod resource;
mod scheduled_queries;
mod tables;
mod tags;
mod write_records;

pub use endpoints::Advertised;

use crate::{
    batch_load::BatchLoader,
    clock::Clock,
    engine::{Engine, StateCounts},
    model::{access::Access, scope::Scope},
    outbound::{
        notifications::{Notification, Notifications},
        objects::Objects,
    },
    schedule::Scheduler,
    sql::{Limits, Sql},
};
use bytes::Bytes;
use std::sync::Arc;
use timebrook_protocol::{Operation, ServiceError};

/// What every request brings beside its body.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Twenty-six characters, also in the response's header.
    pub request_id: String,
    /// When the request began, in nanoseconds since the epoch: the time that everything in it happens at.
    pub now_ns: i64,
    /// The account and region whose state it acts on.
    pub scope: Scope,
    /// What the caller may do.
    pub access: Access,
    /// The server's address as the client knows it, `host[:port]`.
    pub host: String,
    /// Whether it came over TLS.
    pub tls: bool,
    /// The client, in its own words.
    pub user_agent: String,
    /// Which share of the records WriteRecords rejects without cause, and the seed that chooses them: a fault that was
    /// asked for.
    pub rejects: Option<(f64, u64)>,
}

/// What can be configured of the operations.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// What DescribeEndpoints answers with instead of the request's own address.
    pub advertised: Option<Advertised>,
    /// What one query may use.
    pub query_limits: Limits,
    /// Whether queries and targets of scheduled queries are analysed only when they run.
    pub lenient_scheduled_queries: bool,
}

/// Why the time cannot be moved.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// Time goes by itself.
    #[error("the time is the machine's: start the server with --manual-clock to set it")]
    NotManual,
    /// To a moment that has passed.
    #[error("time does not go backwards")]
    Backwards,
    /// What was due could not be done.
    #[error("{}", .0.message)]
    Work(ServiceError),
}

/// The times that the operations live by.
#[derive(Clone, Debug)]
pub struct Clocks {
    /// What records, schedules and `now()` go by.
    pub time: Clock,
    /// What timeouts are measured with.
    pub machine: Clock,
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
    sql: Arc<Sql>,
    notifications: Arc<Notifications>,
    scheduler: Arc<Scheduler>,
    loader: Arc<BatchLoader>,
    advertised: Option<Advertised>,
    lenient_scheduled_queries: bool,
    time: Clock,
    /// Held while a manual clock is moved.
    advancing: tokio::sync::Mutex<()>,
}

impl Api {
    /// The operations on `engine`; what is for S3 goes to `objects`, what is for SNS to `notifications`.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        objects: Arc<Objects>,
        notifications: Arc<Notifications>,
        config: ApiConfig,
        clocks: Clocks,
    ) -> Self {
        let sql = Arc::new(Sql::new(config.query_limits, clocks.machine));
        let parts = (Arc::clone(&engine), Arc::clone(&sql), Arc::clone(&objects), Arc::clone(&notifications));
        let scheduler = Arc::new(Scheduler::new(parts.0, parts.1, parts.2, parts.3, clocks.time.clone()));
        let loader = Arc::new(BatchLoader::new(Arc::clone(&engine), Arc::clone(&objects), clocks.time.clone()));
        let ApiConfig { advertised, lenient_scheduled_queries, .. } = config;
        Self {
            engine,
            objects,
            sql,
            notifications,
            scheduler,
            loader,
            advertised,
            lenient_scheduled_queries,
            time: clocks.time,
            advancing: tokio::sync::Mutex::default(),
        }
    }

    /// What runs scheduled queries.
    #[must_use]
    pub fn scheduler(&self) -> &Arc<Scheduler> {
        &self.scheduler
    }

    /// What carries out batch load tasks.
    #[must_use]
    pub fn loader(&self) -> &Arc<BatchLoader> {
        &self.loader
    }

    /// What scheduled queries have notified of, of one account or of all, the oldest first.
    #[must_use]
    pub fn notifications(&self, account: Option<&str>) -> Vec<Notification> {
        self.notifications.sent(account)
    }

    /// Moves a manual clock to `to_ns`, nanoseconds since the epoch, and on the way does all that is due, in the order of
    /// the times it is due at: when this returns, every run has ended. Answers the time it is then.
    ///
    /// # Errors
    /// [`AdvanceError`].
    pub async fn advance(&self, to_ns: i64) -> Result<i64, AdvanceError> {
        let _one_at_a_time = self.advancing.lock().await;
        if !self.time.is_manual() {
            return Err(AdvanceError::NotManual);
        }
        if to_ns < self.time.now_ns() {
            return Err(AdvanceError::Backwards);
        }
        // Runs that were asked for belong to the time before.
        self.scheduler.idle().await;
        let mut last_ns = i64::MIN;
        while let Some(due_ns) = self.scheduler.next_due_ns().filter(|due_ns| *due_ns <= to_ns) {
            if due_ns <= last_ns {
                return Err(AdvanceError::Work(error::internal("a run cannot be written down")));
            }
            last_ns = due_ns;
            self.time.set(due_ns.max(self.time.now_ns()));
            self.tick(due_ns).await.map_err(AdvanceError::Work)?;
            self.scheduler.run_due(due_ns).await;
        }
        self.time.set(to_ns);
        self.tick(to_ns).await.map_err(AdvanceError::Work)?;
        Ok(to_ns)
    }

    /// Carries out one operation: the body of its request to the body of its response, in JSON. Each asks [`Ctx::access`]
    /// for its actions once it has read what it is asked for, before it looks whether any of that exists.
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
            Operation::CreateBatchLoadTask => batch_load::create_batch_load_task(self, ctx, &body).await,
            Operation::DescribeBatchLoadTask => batch_load::describe_batch_load_task(self, ctx, &body),
            Operation::ListBatchLoadTasks => batch_load::list_batch_load_tasks(self, ctx, &body),
            Operation::ResumeBatchLoadTask => batch_load::resume_batch_load_task(self, ctx, &body).await,
            Operation::CreateScheduledQuery => scheduled_queries::create_scheduled_query(self, ctx, &body).await,
            Operation::DeleteScheduledQuery => scheduled_queries::delete_scheduled_query(self, ctx, &body).await,
            Operation::DescribeScheduledQuery => scheduled_queries::describe_scheduled_query(self, ctx, &body),
            Operation::ExecuteScheduledQuery => scheduled_queries::execute_scheduled_query(self, ctx, &body),
            Operation::ListScheduledQueries => scheduled_queries::list_scheduled_queries(self, ctx, &body),
            Operation::UpdateScheduledQuery => scheduled_queries::update_scheduled_query(self, ctx, &body).await,
        }
    }

    /// Drops all state, or all state of one account.
    ///
    /// # Errors
    /// When that cannot be made durable.
    pub async fn reset(&self, account: Option<&str>) -> Result<(), ServiceError> {
        self.engine.reset(account).await?;
        self.sql.reset(account);
        self.notifications.forget(account);
        Ok(())
    }

    /// Does the work that time brings, as of `now_ns`: frees what has expired, moves what has aged to the magnetic store.
    ///
    /// # Errors
    /// When it was not done.
    pub async fn tick(&self, now_ns: i64) -> Result<(), ServiceError> {
        Ok(self.engine.tick(now_ns).await?)
    }

    /// What is held, of one account or of all.
    #[must_use]
    pub fn state(&self, account: Option<&str>) -> State {
        State { counts: self.engine.counts(account), cursors: self.sql.cursor_count(account) as u64 }
    }
}
