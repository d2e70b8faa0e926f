//! A fleet's CPU readings as WriteRecords: every ten seconds one record per host with ten values.
//!
//! The values come from a file of little-endian u16, hundredths, by instant, host and measure, so that whoever made it can
//! give the same rows to others.

use crate::{percentile, request::Connection};
use hyper::StatusCode;
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use timebrook_conformance::{
    BoxError,
    wall_clock::{instant, pause},
};

/// Hosts, and so records of one instant: as many as one request takes.
const HOSTS: usize = 100;
const STEP_MS: i64 = 10_000;
const MEASURES: [&str; 10] = [
    "usage_user",
    "usage_system",
    "usage_idle",
    "usage_nice",
    "usage_iowait",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_guest",
    "usage_guest_nice",
];
const REGIONS: [&str; 4] = ["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1"];

/// How a reading becomes records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One multi-measure record.
    Multi,
    /// A record per value.
    Single,
}

impl std::str::FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "multi" => Ok(Self::Multi),
            "single" => Ok(Self::Single),
            _ => Err(format!("{text} is neither multi nor single")),
        }
    }
}

/// What is sent, and to whom.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) address: String,
    /// Of database `bench`.
    pub(crate) table: String,
    pub(crate) form: Form,
    /// The time of instant 0, milliseconds since the epoch.
    pub(crate) start_ms: i64,
    /// Instants sent.
    pub(crate) instants: std::ops::Range<usize>,
    /// Values of all instants.
    pub(crate) values: Vec<u8>,
    /// Records a second, sent whether or not those before are answered; `None` sends as fast as answers come.
    pub(crate) records_s: Option<f64>,
}

impl Fleet {
    fn requests_an_instant(&self) -> usize {
        if self.form == Form::Multi { 1 } else { MEASURES.len() }
    }

    /// When a request is due, of a load that began at `start`; a request is late from then on.
    fn due(&self, start: Instant, number: usize) -> Option<Instant> {
        let seconds = (number * HOSTS) as f64 / self.records_s?;
        Some(start + Duration::from_secs_f64(seconds))
    }

    /// The body of a request; `None` after the last.
    fn body(&self, number: usize) -> Result<Option<String>, BoxError> {
        let (instant, part) = (number / self.requests_an_instant(), number % self.requests_an_instant());
        let instant = self.instants.start + instant;
        if instant >= self.instants.end {
            return Ok(None);
        }
        let width = HOSTS * MEASURES.len() * 2;
        let values = self.values.get(instant * width..(instant + 1) * width).ok_or("the file holds fewer instants")?;
        let value = |host: usize, measure: usize| {
            let at = (host * MEASURES.len() + measure) * 2;
            let hundredths = u16::from_le_bytes([values[at], values[at + 1]]);
            (hundredths / 100, hundredths % 100)
        };
        let time_ms = self.start_ms + STEP_MS * i64::try_from(instant)?;
        let mut body = String::with_capacity(100_000);
        write!(
            body,
            "{{\"DatabaseName\":\"bench\",\"TableName\":\"{}\",\"CommonAttributes\":{{\"Time\":\"{time_ms}\",\
             \"TimeUnit\":\"MILLISECONDS\"}},\"Records\":[",
            self.table
        )?;
        for host in 0..HOSTS {
            let region = REGIONS[host % REGIONS.len()];
            let zone = char::from(b'a' + u8::try_from(host / REGIONS.len() % 3)?);
            write!(
                body,
                "{}{{\"Dimensions\":[{{\"Name\":\"hostname\",\"Value\":\"host_{host}\"}},\
                 {{\"Name\":\"region\",\"Value\":\"{region}\"}},\
                 {{\"Name\":\"datacenter\",\"Value\":\"{region}{zone}\"}}],",
                if host == 0 { "" } else { "," }
            )?;
            if self.form == Form::Single {
                let (whole, hundredths) = value(host, part);
                let name = MEASURES[part];
                write!(
                    body,
                    "\"MeasureName\":\"{name}\",\"MeasureValueType\":\"DOUBLE\",\"MeasureValue\":\"{whole}.{hundredths:02}\"}}"
                )?;
                continue;
            }
            body.push_str("\"MeasureName\":\"cpu\",\"MeasureValueType\":\"MULTI\",\"MeasureValues\":[");
            for (measure, name) in MEASURES.iter().enumerate() {
                let (whole, hundredths) = value(host, measure);
                let comma = if measure == 0 { "" } else { "," };
                write!(
                    body,
                    "{comma}{{\"Name\":\"{name}\",\"Type\":\"DOUBLE\",\"Value\":\"{whole}.{hundredths:02}\"}}"
                )?;
            }
            body.push_str("]}");
        }
        body.push_str("]}");
        Ok(Some(body))
    }
}

async fn send(
    mut connection: Connection,
    fleet: Arc<Fleet>,
    began: Instant,
    next: Arc<AtomicUsize>,
) -> Result<Vec<u64>, BoxError> {
    let mut latencies_us = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(body) = fleet.body(number)? else { break };
        let due = fleet.due(began, number);
        if let Some(due) = due {
            pause(due.saturating_duration_since(instant())).await;
        }
        let start = due.unwrap_or_else(instant);
        let (status, answer) = connection.call("WriteRecords", body).await?;
        if status != StatusCode::OK {
            return Err(format!("WriteRecords answered {status}: {}", String::from_utf8_lossy(&answer)).into());
        }
        latencies_us.push(u64::try_from(start.elapsed().as_micros())?);
    }
    Ok(latencies_us)
}

/// Sends the records and prints how many a second were taken, and how long requests took.
pub(crate) async fn run(fleet: Fleet, connections: usize) -> Result<(), BoxError> {
    let (fleet, next) = (Arc::new(fleet), Arc::new(AtomicUsize::new(0)));
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        opened.push(Connection::open(&fleet.address).await?);
    }
    let start = instant();
    let send = |connection| tokio::spawn(send(connection, Arc::clone(&fleet), start, Arc::clone(&next)));
    let tasks: Vec<_> = opened.into_iter().map(send).collect();
    let mut latencies_us = Vec::new();
    for task in tasks {
        latencies_us.extend(task.await??);
    }
    let elapsed = start.elapsed().as_secs_f64();
    latencies_us.sort_unstable();
    println!(
        "records_s={:.0} p50_us={} p99_us={}",
        (latencies_us.len() * HOSTS) as f64 / elapsed,
        percentile(&latencies_us, 50),
        percentile(&latencies_us, 99)
    );
    Ok(())
}
