//! Scans of tables whose records are in memory and in files: the same rows however they are read, and no more than needed.

use super::*;
use crate::{
    engine::{Engine, EngineConfig, NewTable},
    model::{
        record::{Dimension, Dimensions, Measure, Record, Tier, Value},
        retention::Retention,
    },
};

const NOW_NS: i64 = 1_700_000_000_000_000_000;
const MINUTE_NS: i64 = 60_000_000_000;
/// The oldest records are this far back, and the newest are of now.
const MINUTES: i64 = 40 * 60;
const HOSTS: [&str; 3] = ["h0", "h1", "h2"];

fn record<'a>(host: &'a [Dimension<'a>], name: &'a str, minutes_ago: i64, version: i64, value: i64) -> Record<'a> {
    Record {
        index: 0,
        dimensions: Dimensions { common: &[], own: host },
        measure_name: name,
        time_ns: NOW_NS - minutes_ago * MINUTE_NS,
        version,
        measure: Measure::Single(Value::Bigint(value)),
        tier: Tier::Memory,
    }
}

/// Three hosts report two measures every minute; a fourth has been silent for ten hours. What is older than two hours is in
/// files, the rest in a sealed chunk; some records of both are replaced by newer versions in an open chunk, among them the
/// first and the last of a series.
async fn filled(folder: &std::path::Path) -> Arc<Engine> {
    let config = EngineConfig { data_dir: Some(folder.to_owned()), ..EngineConfig::default() };
    let engine = Engine::open(config, Clock::manual(NOW_NS)).await.expect("an engine");
    let scope = Scope::default();
    engine.create_database(&scope, "db", None, crate::catalog::Tags::new(), NOW_NS).await.expect("a database");
    let retention = Retention { memory_hours: 2, magnetic_days: 100 };
    let table = NewTable { retention: Some(retention), ..NewTable::default() };
    engine.create_table(&scope, "db", "t", table, NOW_NS).await.expect("a table");
    let dimensions = |host: &'static str| [Dimension { name: "host", value: host }];
    let write = async |records: Vec<Record<'_>>| {
        let outcome = engine.write(&scope, "db", "t", &records, NOW_NS).await.expect("written");
        assert_eq!(outcome.rejected.len(), 0);
    };
    let hosts = HOSTS.map(dimensions);
    let silent = dimensions("silent");
    for ago in (0..MINUTES).rev() {
        let values = |(i, host): (usize, _)| {
            let value = (ago * 7 + i as i64) % 100;
            [record(host, "up", ago, 1, value), record(host, "down", ago, 1, -value)]
        };
        let mut records: Vec<_> = hosts.iter().map(|host| &host[..]).enumerate().flat_map(values).collect();
        if ago >= 600 {
            records.push(record(&silent, "up", ago, 1, ago));
        }
        write(records).await;
    }
    engine.tick(NOW_NS).await.expect("moved");
    write(vec![
        record(&silent, "up", 600, 2, 1_000),
        record(&hosts[0], "up", 1_234, 2, 2_000),
        record(&hosts[1], "down", MINUTES - 1, 2, 3_000),
        record(&hosts[2], "up", 0, 2, 4_000),
        record(&hosts[0], "down", 60, 2, 5_000),
    ])
    .await;
    engine
}

struct Scans {
    engine: Arc<Engine>,
    /// Of one part, and of several.
    sides: [Sql; 2],
}

impl Scans {
    fn of(engine: Arc<Engine>) -> Self {
        let side = |parts| {
            let limits = Limits { timeout_s: 60, memory_bytes_max: 1 << 30, documented_only: false };
            let mut side = Sql::new(limits, Clock::manual(NOW_NS));
            side.parallelism = table::Parallelism { parts, rows_min: 0 };
            side
        };
        Self { engine, sides: [side(1), side(3)] }
    }

    async fn run(&self, side: &Sql, sql: &str) -> (String, u64) {
        let scope = Scope::default();
        let page = side.query(request(&scope, sql, None), || self.engine.snapshot(&scope)).await;
        let page = page.unwrap_or_else(|error| panic!("{sql}: {error}"));
        (String::from_utf8(page.rows.to_vec()).expect("text"), page.bytes_scanned)
    }

    /// Both texts give the same rows, in one part and in several; the first reads at most `bytes_max`, the other more, unless
    /// that is all there can be.
    async fn check(&self, sql: &str, read_whole: &str, bytes_max: u64) {
        let (expect, whole_bytes) = self.run(&self.sides[0], read_whole).await;
        assert!(!expect.is_empty(), "{read_whole}");
        assert!(whole_bytes > bytes_max || bytes_max == u64::MAX, "{read_whole}: {whole_bytes} bytes");
        assert_eq!(self.run(&self.sides[1], read_whole).await, (expect.clone(), whole_bytes), "{read_whole}");
        for side in &self.sides {
            let (rows, bytes) = self.run(side, sql).await;
            assert_eq!(rows, expect, "{sql}");
            assert!(bytes <= bytes_max, "{sql}: {bytes} bytes of {whole_bytes}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_read_than_needed_and_nothing_is_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let scans = Scans::of(filled(folder.path()).await);
    // `time + 0s` is the time, and nobody knows.
    let check = async |sql: &str, bytes_max: u64| {
        let read_whole =
            sql.replace("time)", "time + 0s)").replace("BY time", "BY time + 0s").replace("(time,", "(time + 0s,");
        assert_ne!(sql, read_whole);
        scans.check(sql, &read_whole, bytes_max).await;
    };
    let latest = "SELECT host, max_by(measure_value::bigint, time), max(time) FROM db.t";
    let earliest = "SELECT host, min_by(measure_value::bigint, time), min(time) FROM db.t";
    for filter in ["", "WHERE time < ago(5h)", "WHERE time > ago(1h)", "WHERE time BETWEEN ago(1234m) AND ago(11h)"] {
        for only in ["measure_name = 'up'", "measure_name = 'up' AND host IN ('h1', 'silent')"] {
            let filter = if filter.is_empty() { format!("WHERE {only}") } else { format!("{filter} AND {only}") };
            check(&format!("{latest} {filter} GROUP BY host ORDER BY host"), 4 * 40).await;
            check(&format!("{earliest} {filter} GROUP BY host ORDER BY host"), 4 * 40).await;
        }
    }
    check("SELECT host, measure_name, min(time), max(time) FROM db.t GROUP BY 1, 2 ORDER BY 1, 2", 14 * 30).await;
    check("SELECT max(time) FROM db.t", 7 * 8).await;
    check("SELECT max(time), min(time) FROM db.t WHERE measure_name = 'up' AND host <> 'h1'", u64::MAX).await;
    let ordered = "SELECT host, measure_name, measure_value::bigint FROM db.t";
    check(&format!("{ordered} ORDER BY time DESC, 1, 2 LIMIT 7"), 20_000).await;
    check(&format!("{ordered} ORDER BY time, 1, 2 LIMIT 7"), 20_000).await;
    check(&format!("{ordered} WHERE time < ago(3h) ORDER BY time DESC, 1, 2 LIMIT 7"), 20_000).await;
    check(&format!("{ordered} WHERE measure_value::bigint > 900 ORDER BY time DESC, 1, 2 LIMIT 2"), u64::MAX).await;
    let grouped = "count(*), sum(measure_value::bigint) FROM db.t";
    check(&format!("SELECT bin(time, 5m), {grouped} GROUP BY 1 ORDER BY 1 DESC LIMIT 5"), 20_000).await;
    check(&format!("SELECT bin(time, 7m), {grouped} WHERE time < ago(5h) GROUP BY 1 ORDER BY 1 LIMIT 3"), 20_000).await;
    check(&format!("SELECT date_trunc('hour', time), {grouped} GROUP BY 1 ORDER BY 1 LIMIT 2"), 60_000).await;
    check(
        &format!("SELECT bin(time, 1h), host, {grouped} WHERE host <> 'h0' GROUP BY 1, 2 ORDER BY 1 DESC, 2 LIMIT 6"),
        60_000,
    )
    .await;
    check(
        &format!(
            "SELECT bin(time, 1m), {grouped} GROUP BY 1 HAVING sum(measure_value::bigint) > 0 ORDER BY 1 DESC LIMIT 2"
        ),
        u64::MAX,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_counted_without_being_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let scans = Scans::of(filled(folder.path()).await);
    let count = async |filter: &str, bytes_max: u64| {
        let listed = format!("SELECT count(*) FROM db.t {filter}");
        scans.check(&listed, &listed.replace("count(*)", "count(measure_value::bigint)"), bytes_max).await;
    };
    count("", 0).await;
    let rows = (MINUTES * 6 + MINUTES - 600) as u64;
    count("WHERE time < ago(3h)", rows * 8).await;
    count("WHERE host = 'h1' AND measure_name = 'down'", rows * 2).await;
    let (counted, _) = scans.run(&scans.sides[1], "SELECT count(*) FROM db.t").await;
    assert_eq!(counted, rows.to_string());
    let by_host = "SELECT host, count(*) FROM db.t GROUP BY host ORDER BY host";
    scans.check(by_host, &by_host.replace("(*)", "(time)"), rows * 2 + (MINUTES - 600) as u64 * 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_ends_the_reading() {
    let folder = tempfile::tempdir().expect("a folder");
    let scans = Scans::of(filled(folder.path()).await);
    for side in &scans.sides {
        let (rows, bytes) =
            scans.run(side, "SELECT host FROM db.t WHERE host = 'h1' AND measure_name = 'up' LIMIT 3").await;
        assert_eq!(rows, "h1,h1,h1");
        assert!(bytes <= 8_192 * 4, "{bytes}");
    }
}

/// The meter counts the columns that a filter asks for, whether it runs or only narrows what is read.
#[tokio::test(flavor = "multi_thread")]
async fn filters_count_as_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let scans = Scans::of(filled(folder.path()).await);
    for side in &scans.sides {
        let check = async |sql: &str, expect: u64| assert_eq!(scans.run(side, sql).await.1, expect, "{sql}");
        let select = "SELECT sum(measure_value::bigint) FROM db.t";
        check(&format!("{select} WHERE host = 'h1' AND measure_name = 'up'"), MINUTES as u64 * (8 + 2 + 2)).await;
        check(&format!("{select} WHERE host = 'h1' AND time > ago(4h)"), 240 * 2 * (8 + 2 + 8)).await;
        check(&format!("{select} WHERE host = 'silent'"), (MINUTES - 600) as u64 * (8 + 6)).await;
    }
}
