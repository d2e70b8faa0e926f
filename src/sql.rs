//! The query language: text to plan to pages, on DataFusion.
//!
//! `lex` → `parse` → `plan` (names, types, rules) → `execute` (DataFusion, on its own threads) → `page` (held for the
//! client under a token). `metadata` answers SHOW and DESCRIBE, `functions` holds every function there is,
//! `insights` tells what a query had to read, `unload` writes results as files.

pub mod construct;
mod dialect;
pub mod error;
mod execute;
pub mod functions;
pub mod insights;
mod interrupt;
mod lex;
mod metadata;
mod page;
mod parquet_rows;
mod parse;
mod permission;
mod plan;
mod rows;
mod table;
#[cfg(test)]
mod tests;
pub mod types;
mod unload;

pub use execute::{Limits, Prepared, TableRead};
pub use page::{CancelOutcome, MakeRowWriter, Page, PageError, RowWriter};
pub use parquet_rows::ParquetRows;
pub use plan::{OutputColumn, Parameters};
pub use rows::{TextBatch, TextRows};
pub use unload::{UnloadContext, WriteColumnInfo};

use crate::{
    clock::Clock,
    engine::Snapshot,
    model::{access::Access, limits::FIRST_PAGE_WAIT_NS, scope::Scope},
    outbound::objects::Objects,
};
use error::SqlError;
use execute::{Job, Started};
use functions::Registry;
use interrupt::Interrupt;
use page::{Cursor, Cursors, Owner, Work};
use std::sync::{Arc, Mutex, OnceLock};
use table::Parallelism;
use tokio::{runtime::Runtime, sync::oneshot};

/// The stack of a query thread. Parsing, planning and dropping a query recurse; what they recurse over is bounded on
/// the tokens, and this is enough for it.
const QUERY_STACK_BYTES: usize = 256 * 1024 * 1024;

/// The query side of the server.
pub struct Sql {
    registry: OnceLock<Arc<Registry>>,
    /// Made at the first query, so that a server that only takes writes never pays for it.
    threads: Mutex<Option<Runtime>>,
    cursors: Cursors,
    limits: Limits,
    parallelism: Parallelism,
    clock: Clock,
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sql").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Drop for Sql {
    fn drop(&mut self) {
        // A runtime must not be awaited while it is dropped inside another one.
        if let Some(threads) = self.threads.get_mut().ok().and_then(Option::take) {
            threads.shutdown_background();
        }
    }
}

/// A request for the first or the next page of a query.
#[derive(Debug)]
pub struct QueryRequest<'a> {
    /// Whose query it is.
    pub scope: &'a Scope,
    /// What the caller may do.
    pub access: &'a Access,
    /// The text.
    pub sql: &'a str,
    /// From the page before; `None` starts the query.
    pub next_token: Option<&'a str>,
    /// Rows wanted at most, 1 to 1,000.
    pub rows_max: Option<usize>,
    /// The query's start, nanoseconds since the epoch.
    pub now_ns: i64,
    /// Writes rows in their wire form.
    pub row_writer: MakeRowWriter,
    /// Sixteen random bytes that name the query and its tokens.
    pub random: [u8; 16],
    /// The query's id, when it is started.
    pub query_id: String,
    /// Where UNLOAD writes.
    pub objects: &'a Arc<Objects>,
    /// Writes the columns of UNLOAD's metadata file.
    pub write_column_info: WriteColumnInfo,
}

impl Sql {
    /// A query side with these limits.
    #[must_use]
    pub fn new(limits: Limits, clock: Clock) -> Self {
        let parallelism = Parallelism::of_machine();
        let (registry, threads, cursors) = (OnceLock::new(), Mutex::new(None), Cursors::default());
        Self { registry, threads, cursors, limits, parallelism, clock }
    }

    /// The clock that queries are timed by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Every function there is.
    pub fn registry(&self) -> &Arc<Registry> {
        self.registry.get_or_init(|| Arc::new(Registry::with_seed(self.clock.random_bytes())))
    }

    /// A page of a query: its first, or the one that its token asks for. `snapshot` is taken only for the first.
    ///
    /// # Errors
    /// [`PageError`]: the query's own failure, or a token that is not its own.
    pub async fn query(
        &self,
        request: QueryRequest<'_>,
        snapshot: impl FnOnce() -> Snapshot,
    ) -> Result<Page, PageError> {
        let QueryRequest { scope, access, sql, now_ns, rows_max, .. } = request;
        let cursor = match request.next_token {
            Some(token) => self.cursors.find(token, scope, access.principal_arn(), sql, now_ns).await?,
            None => {
                let job = self.job(sql, snapshot(), access, now_ns, Parameters::None);
                let unload = Some(UnloadContext {
                    objects: Arc::clone(request.objects),
                    query_id: request.query_id.clone(),
                    write_column_info: request.write_column_info,
                });
                let job = Job { query_id: request.query_id.clone(), unload, ..job };
                let (started, work) = self.start(job).await?;
                let owner = Owner {
                    scope: scope.clone(),
                    principal: access.principal_arn().map(str::to_owned),
                    sql: sql.to_owned(),
                };
                let cursor = Cursor::new(request.query_id.clone(), owner, started, request.row_writer);
                self.cursors.insert(cursor, work, now_ns)
            }
        };
        let patience = self.clock.sleep_until(self.clock.now_ns().saturating_add(FIRST_PAGE_WAIT_NS));
        let random = request.random;
        let token = |query_id: &str| format!("{query_id}.{:032x}", u128::from_le_bytes(random));
        let mut cursor = cursor.lock().await;
        let page = cursor.page(request.next_token, rows_max, patience, token).await;
        match &page {
            // The work noticed before its task was stopped.
            Err(PageError::Query(SqlError::Cancelled)) => return Err(PageError::Cancelled),
            // A query that fits one page leaves nothing to ask for.
            Ok(page) if page.next_token.is_none() && request.next_token.is_none() => {
                self.cursors.remove(&page.query_id)
            }
            Ok(page) if page.next_token.is_none() && self.cursors.is_cancelled(&page.query_id) => {
                return Err(PageError::Cancelled);
            }
            Err(PageError::Query(_) | PageError::RowTooLarge) if request.next_token.is_none() => {
                self.cursors.remove(&request.query_id);
            }
            _ => {}
        }
        page
    }

    /// Runs a query whose rows are wanted as texts, for one who may read everything.
    ///
    /// # Errors
    /// [`SqlError`]: the query's own failure, as far as it shows before the first row.
    pub async fn rows(
        &self,
        sql: &str,
        parameters: Parameters,
        snapshot: Snapshot,
        now_ns: i64,
    ) -> Result<TextRows, SqlError> {
        let (started, work) = self.start(self.job(sql, snapshot, Access::unrestricted(), now_ns, parameters)).await?;
        Ok(TextRows::new(started, work))
    }

    /// A job without an id.
    fn job(&self, sql: &str, snapshot: Snapshot, access: &Access, now_ns: i64, parameters: Parameters) -> Job {
        let (sql, query_id, parallelism) = (sql.to_owned(), String::new(), self.parallelism);
        Job { sql, snapshot, access: access.clone(), now_ns, parameters, query_id, unload: None, parallelism }
    }

    async fn start(&self, job: Job) -> Result<(Started, Work), SqlError> {
        let (head, started) = oneshot::channel();
        let interrupt = Arc::new(Interrupt::new(self.clock.clone(), self.limits.timeout_s));
        let run = execute::run(job, Arc::clone(self.registry()), self.limits, Arc::clone(&interrupt), head);
        let task = self.spawn(interrupt.within(run))?;
        // The work ends without a head only when it panicked.
        let started = started.await.map_err(|_| SqlError::Internal("the query's task ended early".into()))??;
        Ok((started, Work { task, interrupt }))
    }

    /// Whether only what the developer guide documents is taken.
    #[must_use]
    pub fn is_documented_only(&self) -> bool {
        self.limits.documented_only
    }

    /// Plans a query without running it. Unless `parameters` says what they are, parameters (`@name`) may stand for any
    /// value.
    ///
    /// # Errors
    /// [`SqlError`] as the query itself would fail, where that shows without running it.
    pub async fn prepare(
        &self,
        sql: &str,
        parameters: Parameters,
        snapshot: Snapshot,
        access: &Access,
        now_ns: i64,
    ) -> Result<Prepared, SqlError> {
        let registry = Arc::clone(self.registry());
        let job = self.job(sql, snapshot, access, now_ns, parameters);
        let (answer, prepared) = oneshot::channel();
        let limits = self.limits;
        let interrupt = Arc::new(Interrupt::new(self.clock.clone(), limits.timeout_s));
        self.spawn(interrupt.within(async move {
            // The client may have gone away meanwhile; then nobody needs the answer.
            let _ = answer.send(execute::prepare(&job, &registry, limits));
        }))?;
        prepared.await.map_err(|_| SqlError::Internal("the planning task ended early".into()))?
    }

    /// Stops a query's work.
    pub fn cancel(&self, query_id: &str, scope: &Scope, now_ns: i64) -> CancelOutcome {
        self.cursors.cancel(query_id, scope, now_ns)
    }

    /// Stops and forgets all queries, or all of one account.
    pub fn reset(&self, account: Option<&str>) {
        self.cursors.clear(account);
    }

    /// Queries whose results are being held.
    pub fn cursor_count(&self, account: Option<&str>) -> usize {
        self.cursors.count(account)
    }

    /// Queries at work.
    #[cfg(test)]
    fn running_count(&self) -> usize {
        let threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        threads.as_ref().map_or(0, |runtime| runtime.metrics().num_alive_tasks())
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<tokio::task::AbortHandle, SqlError> {
        let mut threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let runtime = match &mut *threads {
            Some(runtime) => runtime,
            None => threads.insert(query_threads().map_err(|error| SqlError::Internal(error.to_string()))?),
        };
        Ok(runtime.spawn(work).abort_handle())
    }
}

fn query_threads() -> std::io::Result<Runtime> {
    let count = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(count)
        .thread_name("query")
        .thread_stack_size(QUERY_STACK_BYTES)
        .enable_all()
        .build()
}
