//! What is due when the machine's time goes by: missed runs, order, runs side by side.

use super::*;
use crate::{
    catalog::{
        Tags,
        scheduled_query::{ReportConfiguration, Target},
    },
    engine::{EngineConfig, NewTable},
    model::mapping::{AttributeMapping, DimensionMapping, Mapping, MeasureMappings},
    model::record::MeasureType,
    outbound::notifications::Notification,
    sql::Limits,
};
use std::time::Duration;

const NOW_NS: i64 = 1_700_000_000_000_000_000;
const HOUR: Duration = Duration::from_secs(3_600);

fn query(id: &str, schedule: &str) -> ScheduledQuery {
    ScheduledQuery {
        id: id.into(),
        name: id.into(),
        sql: "SELECT 'a' AS host, @scheduled_runtime AS at, 1 AS n".into(),
        schedule: schedule.into(),
        topic_arn: "arn:aws:sns:us-east-1:000000000000:runs".into(),
        role_arn: "role".into(),
        report: ReportConfiguration { bucket: "reports".into(), prefix: None, encryption: None },
        target: Some(Target {
            database: "db".into(),
            table: "t".into(),
            mapping: Mapping {
                time_column: "at".into(),
                dimensions: vec![DimensionMapping { source_column: "host".into(), name: None }],
                measure_name_column: None,
                measures: MeasureMappings::Multi {
                    measure_name: Some("m".into()),
                    attributes: vec![AttributeMapping {
                        source_column: "n".into(),
                        name: None,
                        value_type: MeasureType::Bigint,
                    }],
                },
            },
        }),
        kms_key_id: None,
        client_token: None,
        tags: Tags::new(),
        is_enabled: true,
        created_ns: NOW_NS,
        counted_from_ns: NOW_NS,
        previous_invocation_ns: None,
        last_version: 0,
        last_run: None,
        failed_runs: Vec::new(),
    }
}

async fn scheduler(clock: &Clock) -> Arc<Scheduler> {
    let engine = Engine::open(EngineConfig::default(), clock.clone()).await.unwrap();
    let scope = Scope::default();
    engine.create_database(&scope, "db", None, Tags::new(), NOW_NS).await.unwrap();
    engine.create_table(&scope, "db", "t", NewTable::default(), NOW_NS).await.unwrap();
    let limits = Limits { timeout_s: 60, memory_bytes_max: 1 << 30, documented_only: false };
    let sql = Arc::new(Sql::new(limits, Clock::system()));
    let (objects, notifications) = (Arc::new(Objects::in_memory()), Arc::new(Notifications::new(None)));
    Arc::new(Scheduler::new(engine, sql, objects, notifications, clock.clone()))
}

/// Hours after the start that runs were for, as `id hour`.
fn runs(scheduler: &Scheduler) -> Vec<String> {
    let run = |notification: Notification| {
        let body: serde_json::Value = serde_json::from_str(&notification.message).unwrap();
        let seconds = body["scheduledQueryRunSummary"]["invocationEpochSecond"].as_i64()?;
        let id = body["arn"].as_str()?.rsplit('/').next()?.to_owned();
        Some(format!("{id} {}", (seconds - NOW_NS / 1_000_000_000) / 3_600))
    };
    scheduler.notifications.sent(None).into_iter().filter_map(run).collect()
}

/// Lets the scheduler's tasks go on until there have been so many runs.
async fn until_runs(scheduler: &Scheduler, count: usize) -> Vec<String> {
    while runs(scheduler).len() < count {
        tokio::task::yield_now().await;
    }
    runs(scheduler)
}

#[tokio::test]
async fn time_that_goes_by_brings_every_run_once_and_in_order() {
    let clock = Clock::manual(NOW_NS);
    let scheduler = scheduler(&clock).await;
    scheduler.create(&Scope::default(), query("a", "rate(1 hour)"), false).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let keeping = tokio::spawn(Arc::clone(&scheduler).keep(stopped));
    clock.advance(HOUR);
    assert_eq!(until_runs(&scheduler, 1).await, ["a 1"]);
    // A query that is created meanwhile is waited for as well.
    let late =
        ScheduledQuery { created_ns: clock.now_ns(), counted_from_ns: clock.now_ns(), ..query("b", "rate(1 hour)") };
    scheduler.create(&Scope::default(), late, false).await.unwrap();
    clock.advance(3 * HOUR);
    let mut all = until_runs(&scheduler, 7).await;
    let of = |id: &str| all.iter().filter(|run| run.starts_with(id)).cloned().collect::<Vec<_>>();
    assert_eq!(of("a"), ["a 1", "a 2", "a 3", "a 4"]);
    assert_eq!(of("b"), ["b 2", "b 3", "b 4"]);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 7);
    stop.send_replace(true);
    keeping.await.unwrap();
}

#[tokio::test]
async fn of_missed_runs_the_last_is_made_up_for() {
    let clock = Clock::manual(NOW_NS);
    let scheduler = scheduler(&clock).await;
    scheduler.create(&Scope::default(), query("a", "rate(1 hour)"), false).await.unwrap();
    scheduler.create(&Scope::default(), query("b", "rate(1 day)"), false).await.unwrap();
    // Nobody keeps the schedule for ten hours and a half.
    clock.advance(10 * HOUR + HOUR / 2);
    scheduler.skip_missed().await;
    let (stop, stopped) = watch::channel(false);
    let keeping = tokio::spawn(Arc::clone(&scheduler).keep(stopped));
    assert_eq!(until_runs(&scheduler, 1).await, ["a 10"]);
    clock.advance(HOUR);
    assert_eq!(until_runs(&scheduler, 2).await, ["a 10", "a 11"]);
    stop.send_replace(true);
    keeping.await.unwrap();
}

#[tokio::test]
async fn a_due_run_that_waits_for_its_turn_follows_what_was_before_it() {
    let clock = Clock::manual(NOW_NS);
    let scheduler = scheduler(&clock).await;
    let scope = Scope::default();
    scheduler.create(&scope, query("a", "rate(1 hour)"), false).await.unwrap();
    clock.advance(HOUR);
    scheduler.execute(&scope, "a", NOW_NS, false).unwrap();
    // The run that was asked for takes its turn.
    tokio::task::yield_now().await;
    scheduler.run_due(clock.now_ns()).await;
    assert_eq!(runs(&scheduler), ["a 0", "a 1"]);
    let ended = scheduler.engine.scheduled_query(&scope, "a").unwrap();
    assert_eq!(ended.last_version, clock.now_ns() / 1_000_000 + 1, "every run has a version of its own");
}

#[tokio::test]
async fn a_query_that_is_disabled_before_its_turn_is_not_run() {
    let clock = Clock::manual(NOW_NS);
    let scheduler = scheduler(&clock).await;
    let scope = Scope::default();
    scheduler.create(&scope, query("a", "rate(1 hour)"), false).await.unwrap();
    clock.advance(HOUR);
    let turn = scheduler.turn(&scope, "a").await;
    let disabling = async {
        scheduler.set_enabled(&scope, "a", false, clock.now_ns()).await.unwrap();
        drop(turn);
    };
    futures::future::join(scheduler.run_due(clock.now_ns()), disabling).await;
    assert!(runs(&scheduler).is_empty());
}

#[tokio::test]
async fn runs_that_were_asked_for_take_turns() {
    let clock = Clock::manual(NOW_NS);
    let scheduler = scheduler(&clock).await;
    let scope = Scope::default();
    scheduler.create(&scope, query("a", "rate(1 day)"), false).await.unwrap();
    for hour in [5, 3, 4] {
        scheduler.execute(&scope, "a", NOW_NS + hour * 3_600_000_000_000, false).unwrap();
    }
    scheduler.idle().await;
    let ended = scheduler.engine.scheduled_query(&scope, "a").unwrap();
    assert_eq!(runs(&scheduler).len(), 3);
    assert_eq!(ended.last_version, NOW_NS / 1_000_000 + 2, "every run has a version of its own");
    assert_eq!(ended.counted_from_ns, NOW_NS, "they do not move the schedule");
    assert!(matches!(scheduler.execute(&scope, "b", 0, false), Err(EngineError::ScheduledQueryNotFound(_))));
}
