//! Results in pages, held by the server between requests under a token.

use super::{
    error::SqlError,
    execute::{Started, TableRead},
    insights::Insights,
    interrupt::Interrupt,
    plan::OutputColumn,
    table::Meter,
};
use crate::model::{
    limits::{CURSOR_LIFETIME_NS, CURSORS_MAX, PAGE_BYTES_MAX, PAGE_ROWS_MAX},
    scope::Scope,
};
use datafusion::arrow::array::RecordBatch;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::mpsc, task::AbortHandle};

/// Bytes that a query is metered at least. # observed: every captured SELECT
const METERED_BYTES_MIN: u64 = 10_000_000;

/// Writes the rows of one batch in their wire form; pages are cut by the bytes written.
pub trait RowWriter: Send {
    /// Appends the row at `row`.
    fn write_row(&self, row: usize, out: &mut Vec<u8>);
}

/// Makes the writer of a batch.
pub type MakeRowWriter = fn(&RecordBatch) -> Box<dyn RowWriter>;

/// Part of a result.
#[derive(Clone, Debug)]
pub struct Page {
    /// Names the query.
    pub query_id: String,
    /// The result's columns, the same on every page.
    pub columns: Arc<[OutputColumn]>,
    /// The tables that the query reads and their columns.
    pub reads: Arc<[TableRead]>,
    /// Rows in their wire form, separated by commas.
    pub rows: Arc<Vec<u8>>,
    /// Asks for the next page; `None` on the last.
    pub next_token: Option<String>,
    /// 0 to 100.
    pub progress_percent: f64,
    /// Logical bytes read so far.
    pub bytes_scanned: u64,
    /// Bytes charged so far.
    pub bytes_metered: u64,
    /// What the query read and gave so far.
    pub insights: Insights,
}

/// Why no page can be given.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PageError {
    /// The query failed.
    #[error(transparent)]
    Query(#[from] SqlError),
    /// # observed: with the period
    #[error("Invalid pagination token.")]
    InvalidToken,
    /// # model: CancelQuery
    #[error("Unable to poll results for a cancelled query.")]
    Cancelled,
    /// # model: Query
    #[error("Query aborted as max page response size has been exceeded by the output result row")]
    RowTooLarge,
}

/// What CancelQuery did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The work is stopped.
    Stopped,
    /// It was stopped before.
    Repeated,
    /// There is no such query, or it has finished.
    NotRunning,
}

/// Whose query it is, and its text.
pub(super) struct Owner {
    pub(super) scope: Scope,
    /// The caller's resource name, where callers are known.
    pub(super) principal: Option<String>,
    pub(super) sql: String,
}

/// A query whose result has not been handed out to the end, or was a moment ago.
pub(super) struct Cursor {
    query_id: String,
    owner: Owner,
    columns: Arc<[OutputColumn]>,
    reads: Arc<[TableRead]>,
    batches: mpsc::Receiver<Result<RecordBatch, SqlError>>,
    meter: Arc<Meter>,
    metered: bool,
    make_writer: MakeRowWriter,
    /// The batch being handed out: writer, rows, next row.
    current: Option<(Box<dyn RowWriter>, usize, usize)>,
    /// A row that did not fit the page before.
    carried: Option<Vec<u8>>,
    finished: bool,
    /// The page last given, and the token that asked for it.
    last: Option<(Option<String>, Page)>,
    /// The token that asks for the page after it.
    next_token: Option<String>,
}

impl Cursor {
    pub(super) fn new(query_id: String, owner: Owner, started: Started, make_writer: MakeRowWriter) -> Self {
        Self {
            query_id,
            owner,
            columns: started.columns.into(),
            reads: started.reads.into(),
            batches: started.batches,
            meter: started.meter,
            metered: started.metered,
            make_writer,
            current: None,
            carried: None,
            finished: false,
            last: None,
            next_token: None,
        }
    }

    /// The page that `token` asks for (`None`: the first). Asking again with the same token gives the same page; a token
    /// older than that is dead. # model: Query
    ///
    /// `patience` ends the wait for rows: the page is then empty and the client asks again.
    pub(super) async fn page(
        &mut self,
        token: Option<&str>,
        rows_max: Option<usize>,
        patience: impl Future<Output = ()>,
        fresh_token: impl FnOnce(&str) -> String,
    ) -> Result<Page, PageError> {
        if let Some((asked_with, page)) = &self.last
            && asked_with.as_deref() == token
        {
            return Ok(page.clone());
        }
        if token != self.next_token.as_deref() {
            return Err(PageError::InvalidToken);
        }
        let rows = self.collect(rows_max.unwrap_or(PAGE_ROWS_MAX).clamp(1, PAGE_ROWS_MAX), patience).await?;
        self.next_token = if self.finished { None } else { Some(fresh_token(&self.query_id)) };
        let bytes_scanned = if self.metered { self.meter.bytes() } else { 0 };
        let page = Page {
            query_id: self.query_id.clone(),
            columns: Arc::clone(&self.columns),
            reads: Arc::clone(&self.reads),
            rows: Arc::new(rows),
            next_token: self.next_token.clone(),
            progress_percent: if self.finished { 100.0 } else { self.meter.progress() },
            bytes_scanned,
            bytes_metered: if self.metered { bytes_scanned.max(METERED_BYTES_MIN) } else { 0 },
            insights: self.meter.insights(),
        };
        self.last = Some((token.map(str::to_owned), page.clone()));
        Ok(page)
    }

    /// Rows until the page is full, the result ends or patience does.
    async fn collect(&mut self, rows_max: usize, patience: impl Future<Output = ()>) -> Result<Vec<u8>, PageError> {
        let bytes_max = PAGE_BYTES_MAX - self.columns.iter().map(|c| c.label.len() + 80).sum::<usize>().min(100_000);
        let mut page = Vec::new();
        let mut count = 0;
        let mut row_bytes = Vec::new();
        tokio::pin!(patience);
        loop {
            if let Some(row) = self.carried.take() {
                page = row;
                count = 1;
            }
            while let Some((writer, rows, next)) = &mut self.current {
                if *next == *rows {
                    self.current = None;
                    break;
                }
                if count == rows_max {
                    return Ok(page);
                }
                row_bytes.clear();
                writer.write_row(*next, &mut row_bytes);
                *next += 1;
                if row_bytes.len() > bytes_max {
                    self.finished = true;
                    return Err(PageError::RowTooLarge);
                }
                if count > 0 && page.len() + 1 + row_bytes.len() > bytes_max {
                    self.carried = Some(std::mem::take(&mut row_bytes));
                    return Ok(page);
                }
                if count > 0 {
                    page.push(b',');
                }
                page.extend_from_slice(&row_bytes);
                count += 1;
            }
            let next = tokio::select! {
                biased;
                next = self.batches.recv() => next,
                () = &mut patience => return Ok(page),
            };
            match next {
                Some(Ok(batch)) => {
                    let rows = batch.num_rows();
                    self.meter.count_output(&batch);
                    self.current = Some(((self.make_writer)(&batch), rows, 0));
                }
                Some(Err(error)) => {
                    self.finished = true;
                    return Err(error.into());
                }
                None => {
                    self.finished = true;
                    return Ok(page);
                }
            }
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// # model: Query: a token is good for the same principal and text only
    fn belongs_to(&self, scope: &Scope, principal: Option<&str>, sql: &str) -> bool {
        let Owner { scope: own_scope, principal: own_principal, sql: own_sql } = &self.owner;
        own_scope == scope && own_principal.as_deref() == principal && own_sql == sql
    }
}

/// A query's work on its thread.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) task: AbortHandle,
    pub(super) interrupt: Arc<Interrupt>,
}

impl Work {
    /// Ends it: the task where it gives way, and what it computes meanwhile.
    pub(super) fn stop(&self) {
        self.interrupt.cancel();
        self.task.abort();
    }
}

/// What is kept of a query under its id.
struct Entry {
    scope: Scope,
    touched_ns: i64,
    state: State,
}

#[derive(Clone)]
enum State {
    Open { cursor: Arc<tokio::sync::Mutex<Cursor>>, work: Work },
    Cancelled,
}

/// The cursors of the server, bounded in number and age.
#[derive(Default)]
pub(super) struct Cursors(Mutex<HashMap<String, Entry>>);

impl Cursors {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a query; the oldest gives way when there are too many.
    pub(super) fn insert(&self, cursor: Cursor, work: Work, now_ns: i64) -> Arc<tokio::sync::Mutex<Cursor>> {
        let (query_id, scope) = (cursor.query_id.clone(), cursor.owner.scope.clone());
        let cursor = Arc::new(tokio::sync::Mutex::new(cursor));
        let mut entries = self.lock();
        entries.retain(|_, entry| {
            let keep = now_ns.saturating_sub(entry.touched_ns) < CURSOR_LIFETIME_NS;
            if !keep {
                entry.stop();
            }
            keep
        });
        while entries.len() >= CURSORS_MAX {
            let Some(oldest) = entries.iter().min_by_key(|(_, e)| e.touched_ns).map(|(id, _)| id.clone()) else {
                break;
            };
            if let Some(entry) = entries.remove(&oldest) {
                entry.stop();
            }
        }
        let state = State::Open { cursor: Arc::clone(&cursor), work };
        entries.insert(query_id, Entry { scope, touched_ns: now_ns, state });
        cursor
    }

    /// The cursor that a token belongs to.
    pub(super) async fn find(
        &self,
        token: &str,
        scope: &Scope,
        principal: Option<&str>,
        sql: &str,
        now_ns: i64,
    ) -> Result<Arc<tokio::sync::Mutex<Cursor>>, PageError> {
        let query_id = token.split_once('.').map_or(token, |(query_id, _)| query_id);
        let state = match self.lock().get_mut(query_id) {
            Some(entry) if entry.scope == *scope && now_ns.saturating_sub(entry.touched_ns) < CURSOR_LIFETIME_NS => {
                entry.touched_ns = now_ns;
                entry.state.clone()
            }
            _ => return Err(PageError::InvalidToken),
        };
        match state {
            State::Cancelled => Err(PageError::Cancelled),
            State::Open { cursor, .. } => {
                let belongs = cursor.lock().await.belongs_to(scope, principal, sql);
                if belongs { Ok(cursor) } else { Err(PageError::InvalidToken) }
            }
        }
    }

    /// Whether the query was cancelled while its page was awaited.
    pub(super) fn is_cancelled(&self, query_id: &str) -> bool {
        self.lock().get(query_id).is_some_and(|entry| matches!(entry.state, State::Cancelled))
    }

    /// Forgets a query, whose last page needs no cursor.
    pub(super) fn remove(&self, query_id: &str) {
        self.lock().remove(query_id);
    }

    /// Stops a query's work.
    pub(super) fn cancel(&self, query_id: &str, scope: &Scope, now_ns: i64) -> CancelOutcome {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(query_id).filter(|entry| entry.scope == *scope) else {
            return CancelOutcome::NotRunning;
        };
        entry.touched_ns = now_ns;
        match &entry.state {
            State::Cancelled => CancelOutcome::Repeated,
            State::Open { cursor, .. } if cursor.try_lock().is_ok_and(|cursor| cursor.is_finished()) => {
                CancelOutcome::NotRunning
            }
            State::Open { .. } => {
                entry.stop();
                entry.state = State::Cancelled;
                CancelOutcome::Stopped
            }
        }
    }

    /// Stops and forgets all queries, or all of one account.
    pub(super) fn clear(&self, account: Option<&str>) {
        self.lock().retain(|_, entry| {
            let gone = account.is_none_or(|account| *entry.scope.account == *account);
            if gone {
                entry.stop();
            }
            !gone
        });
    }

    /// Queries kept.
    pub(super) fn count(&self, account: Option<&str>) -> usize {
        self.lock().values().filter(|entry| account.is_none_or(|account| *entry.scope.account == *account)).count()
    }
}

impl Entry {
    fn stop(&self) {
        if let State::Open { work, .. } = &self.state {
            work.stop();
        }
    }
}
