//! Scheduled queries: when they are due ([`expression`]), what a run does ([`run`]), what it leaves behind ([`report`],
//! [`message`]).
//!
//! Runs of one query follow each other in the order of the times they are for; runs of different queries go side by
//! side, so many at once. A run counts when its outcome is written down: one that a crash interrupts is run again.
//!
//! While the server is down nothing runs. When it starts again, of the runs that a query missed the last one is made up
//! for, the others are not; ExecuteScheduledQuery runs any of them. # inferred: the service is never down

pub mod definition;
pub mod expression;
mod message;
mod report;
mod run;
mod trigger;

use crate::{
    catalog::scheduled_query::{ScheduledQuery, SharedQuery},
    clock::Clock,
    engine::{Engine, EngineError},
    model::{limits::SCHEDULED_RUNS_MAX, scope::Scope},
    outbound::{notifications::Notifications, objects::Objects},
    sql::Sql,
};
use definition::DefinitionError;
use expression::Schedule;
use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, OwnedMutexGuard, Semaphore, watch};
use trigger::Trigger;

/// Held by the run of one query.
type Lane = Arc<tokio::sync::Mutex<()>>;

/// What the scheduler works with.
#[derive(Debug)]
pub struct Scheduler {
    engine: Arc<Engine>,
    sql: Arc<Sql>,
    objects: Arc<Objects>,
    notifications: Arc<Notifications>,
    clock: Clock,
    /// One for every run that may go on at once.
    permits: Semaphore,
    /// Held by the run of a query.
    lanes: Mutex<HashMap<(Scope, String), Lane>>,
    /// Told when queries change, so that what is due is looked at again.
    changed: Notify,
    /// How many runs that somebody asked for are under way.
    asked_for: watch::Sender<usize>,
}

impl Scheduler {
    /// A scheduler of the engine's scheduled queries; it does nothing by itself.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        sql: Arc<Sql>,
        objects: Arc<Objects>,
        notifications: Arc<Notifications>,
        clock: Clock,
    ) -> Self {
        Self {
            engine,
            sql,
            objects,
            notifications,
            clock,
            permits: Semaphore::new(SCHEDULED_RUNS_MAX),
            lanes: Mutex::default(),
            changed: Notify::new(),
            asked_for: watch::Sender::new(0),
        }
    }

    /// Creates a scheduled query, after analysing its text and its target unless `is_lenient`.
    ///
    /// # Errors
    /// [`DefinitionError`].
    pub async fn create(
        &self,
        scope: &Scope,
        query: ScheduledQuery,
        is_lenient: bool,
    ) -> Result<SharedQuery, DefinitionError> {
        definition::check(&self.engine, &self.sql, scope, &query, is_lenient).await?;
        let id = query.id.clone();
        let created = self.engine.create_scheduled_query(scope, query).await?;
        if created.id == id {
            for kind in ["SCHEDULED_QUERY_CREATING", "SCHEDULED_QUERY_CREATED"] {
                self.notifications.send(message::changed(scope, &created, kind, self.clock.now_ns()));
            }
            self.changed.notify_one();
        }
        Ok(created)
    }

    /// Enables or disables a scheduled query.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn set_enabled(&self, scope: &Scope, id: &str, is_enabled: bool, now_ns: i64) -> Result<(), EngineError> {
        let change = move |query: &ScheduledQuery| {
            // What would have been due while it was disabled is not made up for. # inferred
            let is_resumed = is_enabled && !query.is_enabled;
            let counted_from_ns = if is_resumed { now_ns } else { query.counted_from_ns };
            Ok(ScheduledQuery { is_enabled, counted_from_ns, ..query.clone() })
        };
        let changed = self.engine.change_scheduled_query(scope, id, change).await?;
        self.notifications.send(message::updated(scope, &changed, self.clock.now_ns()));
        self.changed.notify_one();
        Ok(())
    }

    /// Deletes a scheduled query. A run that is under way goes on to its end.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn delete(&self, scope: &Scope, id: &str) -> Result<(), EngineError> {
        let gone = self.engine.delete_scheduled_query(scope, id).await?;
        self.notifications.send(message::changed(scope, &gone, "SCHEDULED_QUERY_DELETED", self.clock.now_ns()));
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).remove(&(scope.clone(), id.to_owned()));
        Ok(())
    }

    /// Starts a run for the time `invocation_ns`, whatever the schedule says; it goes on after this returns.
    ///
    /// # Errors
    /// [`EngineError::ScheduledQueryNotFound`].
    pub fn execute(
        self: &Arc<Self>,
        scope: &Scope,
        id: &str,
        invocation_ns: i64,
        wants_insights: bool,
    ) -> Result<(), EngineError> {
        self.engine.scheduled_query(scope, id)?;
        self.asked_for.send_modify(|count| *count += 1);
        let (scheduler, scope, id) = (Arc::clone(self), scope.clone(), id.to_owned());
        tokio::spawn(async move {
            let _turn = scheduler.turn(&scope, &id).await;
            // It may have been deleted while it waited.
            if let Ok(query) = scheduler.engine.scheduled_query(&scope, &id) {
                let trigger = Trigger { invocation_ns, is_manual: true, wants_insights };
                scheduler.run(&scope, &query, trigger).await;
            }
            scheduler.asked_for.send_modify(|count| *count -= 1);
        });
        Ok(())
    }

    /// Runs what is due, as time goes by, until `stop` turns true.
    pub async fn keep(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let now_ns = self.clock.now_ns();
            let mut next_ns = i64::MAX;
            for (scope, query) in self.engine.all_scheduled_queries() {
                match due_ns(&query) {
                    Some(due_ns) if due_ns <= now_ns => {
                        // A query that is running looks itself what is due when it is done.
                        if let Ok(turn) = self.lane(&scope, &query.id).try_lock_owned() {
                            let scheduler = Arc::clone(&self);
                            tokio::spawn(async move { scheduler.catch_up(&scope, &query.id, turn).await });
                        }
                    }
                    Some(due_ns) => next_ns = next_ns.min(due_ns),
                    None => {}
                }
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = self.changed.notified() => {}
                () = self.clock.sleep_until(next_ns) => {}
            }
        }
    }

    /// Runs a query as often as it is due by now.
    async fn catch_up(&self, scope: &Scope, id: &str, turn: OwnedMutexGuard<()>) {
        while self.run_once_due(scope, id, self.clock.now_ns()).await {}
        drop(turn);
        // What is due next has to be waited for.
        self.changed.notify_one();
    }

    /// Of the runs that were missed while the server was down, leaves the last one to be made up for. To be called when the
    /// server starts, whoever moves its clock.
    pub async fn skip_missed(&self) {
        let now_ns = self.clock.now_ns();
        for (scope, query) in self.engine.all_scheduled_queries() {
            let Some(first_ns) = due_ns(&query).filter(|due_ns| *due_ns <= now_ns) else { continue };
            let Ok(schedule) = Schedule::parse(&query.schedule) else { continue };
            let Some(last_ns) = schedule.last_until(now_ns, query.created_ns).filter(|last| *last > first_ns) else {
                continue;
            };
            tracing::warn!(query = %query.id, "runs were missed while the server was down: only the last is made up for");
            let skip =
                move |query: &ScheduledQuery| Ok(ScheduledQuery { counted_from_ns: last_ns - 1, ..query.clone() });
            if let Err(error) = self.engine.change_scheduled_query(&scope, &query.id, skip).await {
                tracing::error!(query = %query.id, %error, "missed runs cannot be skipped");
            }
        }
    }

    /// The time of the next run that is due, of all queries; `None` when there is none.
    #[must_use]
    pub fn next_due_ns(&self) -> Option<i64> {
        self.engine.all_scheduled_queries().iter().filter_map(|(_, query)| due_ns(query)).min()
    }

    /// Runs every query that is due at `now_ns`, and returns when all runs are done, also those that were asked for.
    pub async fn run_due(&self, now_ns: i64) {
        let is_due = |query: &ScheduledQuery| due_ns(query).is_some_and(|due_ns| due_ns <= now_ns);
        let due = self.engine.all_scheduled_queries().into_iter().filter(|(_, query)| is_due(query));
        let runs = due.map(|(scope, query)| async move {
            let _turn = self.turn(&scope, &query.id).await;
            self.run_once_due(&scope, &query.id, now_ns).await;
        });
        futures::future::join_all(runs).await;
        self.idle().await;
    }

    /// Returns when no run that was asked for is under way.
    pub async fn idle(&self) {
        // The sender lives as long as this.
        let _ = self.asked_for.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Runs a query if it is due at `now_ns`; whether it was. For those who have its turn: before they got it, the query may
    /// have been run, changed or deleted.
    async fn run_once_due(&self, scope: &Scope, id: &str, now_ns: i64) -> bool {
        let Ok(query) = self.engine.scheduled_query(scope, id) else { return false };
        let Some(invocation_ns) = due_ns(&query).filter(|due_ns| *due_ns <= now_ns) else { return false };
        let trigger = Trigger { invocation_ns, is_manual: false, wants_insights: false };
        self.run(scope, &query, trigger).await;
        true
    }

    /// Waits until no run of the query is under way.
    async fn turn(&self, scope: &Scope, id: &str) -> OwnedMutexGuard<()> {
        self.lane(scope, id).lock_owned().await
    }

    fn lane(&self, scope: &Scope, id: &str) -> Lane {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry((scope.clone(), id.to_owned())).or_default())
    }
}

/// When a query is due next, in nanoseconds since the epoch; `None` when it is disabled or never due again.
#[must_use]
pub fn due_ns(query: &ScheduledQuery) -> Option<i64> {
    if !query.is_enabled {
        return None;
    }
    Schedule::parse(&query.schedule).ok()?.next_after(query.counted_from_ns, query.created_ns)
}

#[cfg(test)]
mod tests;
