//! The machine's clock. A client of a running server lives in real time.

#![allow(
    clippy::disallowed_methods,
    reason = "these programs are clients in real time; only the server's time is manual"
)]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A moment to measure from.
#[must_use]
pub fn instant() -> Instant {
    Instant::now()
}

/// Waits.
pub async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
