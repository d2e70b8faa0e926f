//! Stopping a query in the midst of a computation.
//!
//! A query's task gives way between batches, and there a timeout or CancelQuery is noticed. Within one batch nothing gives
//! way: a slow function over thousands of rows would run to its end. So functions whose work can be long ask here, between
//! rows, whether to go on. What they ask belongs to the query, not to the function: it is known to the thread for as long
//! as the query's task, or one that the engine starts for it, is being polled on it.

use super::error::SqlError;
use crate::clock::Clock;
use datafusion::{
    common::runtime::{JoinSetTracer, set_join_set_tracer},
    error::DataFusionError,
};
use futures::future::BoxFuture;
use std::{
    any::Any,
    cell::{Cell, RefCell},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

/// Calls of [`tick`] between two looks at the clock: what one call stands for takes a few milliseconds at most.
const TICKS: u32 = 64;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Interrupt>>> = const { RefCell::new(None) };
    static TICKED: Cell<u32> = const { Cell::new(0) };
}

/// What stops one query: its deadline, or CancelQuery.
#[derive(Debug)]
pub(super) struct Interrupt {
    clock: Clock,
    timeout_s: AtomicU64,
    deadline_ns: AtomicI64,
    cancelled: AtomicBool,
}

impl Interrupt {
    /// Stops a query that starts now after `timeout_s` seconds.
    pub(super) fn new(clock: Clock, timeout_s: u64) -> Self {
        let deadline_ns = clock.now_ns().saturating_add_unsigned(timeout_s.saturating_mul(1_000_000_000));
        Self {
            clock,
            timeout_s: AtomicU64::new(timeout_s),
            deadline_ns: AtomicI64::new(deadline_ns),
            cancelled: AtomicBool::new(false),
        }
    }

    /// What the query is timed by.
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// When the query has to be done, nanoseconds since the epoch.
    pub(super) fn deadline_ns(&self) -> i64 {
        self.deadline_ns.load(Ordering::Relaxed)
    }

    /// Gives the query back the time that it waited for its client.
    pub(super) fn postpone(&self, by_ns: i64) {
        self.deadline_ns.store(self.deadline_ns().saturating_add(by_ns), Ordering::Relaxed);
    }

    /// The error of a query that is past its deadline.
    pub(super) fn timeout(&self) -> SqlError {
        SqlError::Timeout(self.timeout_s.load(Ordering::Relaxed))
    }

    /// Gives the query `timeout_s` seconds from its start, when that is more than it had.
    pub(super) fn allow(&self, timeout_s: u64) {
        let before_s = self.timeout_s.fetch_max(timeout_s, Ordering::Relaxed);
        let more_s = i64::try_from(timeout_s.saturating_sub(before_s)).unwrap_or(i64::MAX);
        self.postpone(more_s.saturating_mul(1_000_000_000));
    }

    /// Stops the query.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn check(&self) -> Result<(), SqlError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(SqlError::Cancelled);
        }
        if self.clock.now_ns() >= self.deadline_ns() { Err(self.timeout()) } else { Ok(()) }
    }

    /// The future, with this known to [`check`] whenever it is polled.
    pub(super) fn within<F: Future>(self: &Arc<Self>, future: F) -> Within<F> {
        pass_on_to_tasks();
        Within { interrupt: Arc::clone(self), future: Box::pin(future) }
    }
}

/// Whether the query that this thread works for may go on. Outside of any query it may.
///
/// # Errors
/// [`SqlError::Timeout`], [`SqlError::Cancelled`].
pub(super) fn check() -> Result<(), DataFusionError> {
    CURRENT.with_borrow(|current| match current {
        Some(interrupt) => interrupt.check().map_err(SqlError::into_datafusion),
        None => Ok(()),
    })
}

/// As [`check`], where that would take longer than the work itself: it looks only now and then.
///
/// # Errors
/// As there.
pub(super) fn tick() -> Result<(), DataFusionError> {
    let ticked = TICKED.get() + 1;
    TICKED.set(ticked % TICKS);
    if ticked == TICKS { check() } else { Ok(()) }
}

/// A future whose query is known while it is polled.
#[derive(Debug)]
pub(super) struct Within<F> {
    interrupt: Arc<Interrupt>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = Entered(CURRENT.replace(Some(Arc::clone(&self.interrupt))));
        self.future.as_mut().poll(context)
    }
}

/// Puts back what was known before, however a poll ends.
struct Entered(Option<Arc<Interrupt>>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Lets the tasks that the engine starts know the query that they are started for: the engine asks this, once set, with
/// every task.
fn pass_on_to_tasks() {
    // Where a program that embeds Timebrook has a tracer of its own, such tasks are stopped between batches only.
    let _ = set_join_set_tracer(&PassOn);
}

struct PassOn;

impl JoinSetTracer for PassOn {
    fn trace_future(&self, task: BoxFuture<'static, Box<dyn Any + Send>>) -> BoxFuture<'static, Box<dyn Any + Send>> {
        match CURRENT.with_borrow(Clone::clone) {
            Some(interrupt) => Box::pin(Within { interrupt, future: Box::pin(task) }),
            None => task,
        }
    }

    fn trace_block(
        &self,
        work: Box<dyn FnOnce() -> Box<dyn Any + Send> + Send>,
    ) -> Box<dyn FnOnce() -> Box<dyn Any + Send> + Send> {
        match CURRENT.with_borrow(Clone::clone) {
            Some(interrupt) => Box::new(move || {
                let _entered = Entered(CURRENT.replace(Some(interrupt)));
                work()
            }),
            None => work,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::common::runtime::SpawnedTask;
    use std::time::Duration;

    fn outcome() -> String {
        match check() {
            Ok(()) => "on".to_owned(),
            Err(error) => super::super::error::error_of(error).to_string(),
        }
    }

    #[tokio::test]
    async fn a_query_is_stopped_at_its_deadline_or_when_cancelled_and_no_other() {
        let clock = Clock::manual(0);
        let interrupt = Arc::new(Interrupt::new(clock.clone(), 60));
        let known = async || interrupt.within(async { outcome() }).await;
        clock.advance(Duration::from_secs(59));
        assert_eq!(known().await, "on");
        clock.advance(Duration::from_secs(1));
        assert_eq!(known().await, "The query timed out after 60 seconds.");
        assert_eq!(outcome(), "on");
        interrupt.postpone(1);
        assert_eq!(known().await, "on");
        interrupt.cancel();
        assert_eq!(known().await, "The query was cancelled.");
    }

    #[tokio::test]
    async fn tasks_that_the_engine_starts_are_stopped_too() {
        let interrupt = Arc::new(Interrupt::new(Clock::manual(0), 60));
        interrupt.cancel();
        let task = interrupt.within(async { SpawnedTask::spawn(async { outcome() }).await });
        assert_eq!(task.await.unwrap(), "The query was cancelled.");
        assert_eq!(SpawnedTask::spawn(async { outcome() }).await.unwrap(), "on");
    }

    #[tokio::test]
    async fn ticks_look_now_and_then() {
        let interrupt = Arc::new(Interrupt::new(Clock::manual(0), 60));
        interrupt.cancel();
        let failed = interrupt.within(async { (0..2 * TICKS).filter(|_| tick().is_err()).count() });
        assert_eq!(failed.await, 2);
    }
}
