//! The load: 100-record WriteRecords bodies (single-measure, two dimensions) over kept-alive connections, every record
//! with a key of its own, times inside the last hour however long it runs; and `SELECT 1`.

use crate::{percentile, request::Connection};
use hyper::StatusCode;
use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use timebrook_conformance::{
    BoxError,
    wall_clock::{instant, now_ms},
};

const RECORDS_A_REQUEST: u64 = 100;
/// Requests whose times follow each other a millisecond apart, before new hosts begin at the oldest time again.
const REQUESTS_A_GENERATION: u64 = 2_400_000;
/// The oldest time is this far back.
const OLDEST_MS: i64 = 3_000_000;

/// How long a load runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// By the clock.
    Seconds(u64),
    /// By records sent.
    Rows(u64),
}

/// Creates database `bench` and table `samples`, whose memory store holds a day.
pub(crate) async fn prepare(address: &str) -> Result<(), BoxError> {
    let mut connection = Connection::open(address).await?;
    connection.must("CreateDatabase", r#"{"DatabaseName":"bench"}"#.to_owned()).await?;
    let table = r#"{"DatabaseName":"bench","TableName":"samples","RetentionProperties":
        {"MemoryStoreRetentionPeriodInHours":24,"MagneticStoreRetentionPeriodInDays":1}}"#;
    connection.must("CreateTable", table.to_owned()).await
}

/// The numbers of requests not yet sent, shared by all connections.
struct Schedule {
    next: AtomicU64,
    requests: u64,
    end: Option<Instant>,
    /// Distinguishes this run's hosts from those of other runs against the same table.
    run: i64,
    /// When each generation began, in milliseconds since the epoch: one moment for all connections, since a key is unique
    /// only if they count from the same.
    starts_ms: Mutex<Vec<i64>>,
}

impl Schedule {
    fn new(length: Length) -> Self {
        let (requests, end) = match length {
            Length::Seconds(seconds) => (u64::MAX, Some(instant() + Duration::from_secs(seconds))),
            Length::Rows(rows) => (rows / RECORDS_A_REQUEST, None),
        };
        let (run, starts_ms) = (now_ms() % 1_000_000_000, Mutex::default());
        Self { next: AtomicU64::new(0), requests, end, run, starts_ms }
    }

    /// The next request's number, unless the load is over.
    fn take(&self) -> Option<u64> {
        if self.end.is_some_and(|end| instant() >= end) {
            return None;
        }
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < self.requests)
    }

    /// When a generation began; the first that asks begins it.
    fn start_ms(&self, generation: u64) -> Result<i64, BoxError> {
        let mut starts_ms = self.starts_ms.lock().unwrap_or_else(PoisonError::into_inner);
        while starts_ms.len() <= usize::try_from(generation)? {
            starts_ms.push(now_ms());
        }
        Ok(starts_ms[usize::try_from(generation)?])
    }

    fn body(&self, number: u64) -> Result<String, BoxError> {
        let (generation, step) = (number / REQUESTS_A_GENERATION, number % REQUESTS_A_GENERATION);
        let time_ms = self.start_ms(generation)? - OLDEST_MS + i64::try_from(step)?;
        let mut body = String::with_capacity(24_000);
        body.push_str("{\"DatabaseName\":\"bench\",\"TableName\":\"samples\",\"Records\":[");
        for host in 0..RECORDS_A_REQUEST {
            if host > 0 {
                body.push(',');
            }
            write!(
                body,
                "{{\"Dimensions\":[{{\"Name\":\"host\",\"Value\":\"h{}-{generation}-{host}\"}},\
                 {{\"Name\":\"region\",\"Value\":\"us-east-1\"}}],\"MeasureName\":\"cpu\",\
                 \"MeasureValue\":\"{}.{host}\",\"MeasureValueType\":\"DOUBLE\",\"Time\":\"{time_ms}\"}}",
                self.run,
                (number * 7 + host) % 100,
            )?;
        }
        body.push_str("]}");
        Ok(body)
    }
}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    latencies_us: Vec<u64>,
    failed: u64,
}

async fn send(address: String, schedule: Arc<Schedule>) -> Result<Seen, BoxError> {
    let mut connection = Connection::open(&address).await?;
    let mut seen = Seen::default();
    while let Some(number) = schedule.take() {
        let body = schedule.body(number)?;
        let start = instant();
        let (status, answer) = connection.call("WriteRecords", body).await?;
        if status != StatusCode::OK {
            seen.failed += 1;
            if seen.failed == 1 {
                eprintln!("WriteRecords answered {status}: {}", String::from_utf8_lossy(&answer));
            }
        }
        seen.latencies_us.push(u64::try_from(start.elapsed().as_micros())?);
    }
    Ok(seen)
}

/// Sends records and prints how many a second were taken, and how long requests took.
pub(crate) async fn run(address: &str, connections: usize, length: Length) -> Result<(), BoxError> {
    let schedule = Arc::new(Schedule::new(length));
    let start = instant();
    let tasks: Vec<_> =
        (0..connections).map(|_| tokio::spawn(send(address.to_owned(), Arc::clone(&schedule)))).collect();
    let mut all = Seen::default();
    for task in tasks {
        let seen = task.await??;
        all.latencies_us.extend(seen.latencies_us);
        all.failed += seen.failed;
    }
    let elapsed = start.elapsed().as_secs_f64();
    all.latencies_us.sort_unstable();
    let requests = all.latencies_us.len() as f64 - all.failed as f64;
    println!(
        "connections={connections} requests_s={:.0} records_s={:.0} failed={} p50_us={} p99_us={}",
        requests / elapsed,
        requests / elapsed * RECORDS_A_REQUEST as f64,
        all.failed,
        percentile(&all.latencies_us, 50),
        percentile(&all.latencies_us, 99)
    );
    Ok(())
}

/// Times `SELECT 1` over one kept-alive connection, after as many untimed ones as a tenth.
pub(crate) async fn select_one(address: &str, queries: u64) -> Result<(), BoxError> {
    let mut connection = Connection::open(address).await?;
    let mut latencies_us = vec![];
    for number in 0..queries + queries / 10 {
        let start = instant();
        connection.must("Query", r#"{"QueryString":"SELECT 1"}"#.to_owned()).await?;
        if number >= queries / 10 {
            latencies_us.push(u64::try_from(start.elapsed().as_micros())?);
        }
    }
    latencies_us.sort_unstable();
    println!("queries={queries} p50_us={} p99_us={}", percentile(&latencies_us, 50), percentile(&latencies_us, 99));
    Ok(())
}
