//! The clock as the source of hyper's timers, so that tests control socket timeouts too.

use crate::clock::Clock;
use hyper::rt::{Sleep, Timer};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

/// Timers of a [`Clock`].
#[derive(Clone, Debug)]
pub(crate) struct ClockTimer(Clock);

impl ClockTimer {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(clock)
    }
}

impl Timer for ClockTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        let duration_ns = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let clock = self.0.clone();
        let deadline_ns = clock.now_ns().saturating_add(duration_ns);
        Box::pin(ClockSleep(Box::pin(async move { clock.sleep_until(deadline_ns).await })))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        self.0.instant()
    }
}

/// A timer that is running.
struct ClockSleep(Pin<Box<dyn Future<Output = ()> + Send + Sync>>);

impl Future for ClockSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for ClockSleep {}
