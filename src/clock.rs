//! Time and randomness: the only source of either. A manual clock puts both in a test's hands.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    task::{Poll, Waker},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A source of the current time, of timers and of random bytes. Cloning it shares the source.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System { origin: Instant },
    Manual { origin: Instant, start_ns: i64, now_ns: AtomicI64, seed: AtomicU64, sleepers: Mutex<Vec<Waker>> },
}

impl Clock {
    /// The machine's clock and entropy.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn system() -> Self {
        Self(Arc::new(Source::System { origin: Instant::now() }))
    }

    /// A clock that stands at `now_ns` (nanoseconds since the Unix epoch) until it is moved, with reproducible
    /// randomness.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "an `Instant` can be had in no other way; it is only counted from")]
    pub fn manual(now_ns: i64) -> Self {
        Self(Arc::new(Source::Manual {
            origin: Instant::now(),
            start_ns: now_ns,
            now_ns: AtomicI64::new(now_ns),
            seed: AtomicU64::new(0x9E37_79B9_7F4A_7C15),
            sleepers: Mutex::new(Vec::new()),
        }))
    }

    /// Whether it stands still until it is moved.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        matches!(*self.0, Source::Manual { .. })
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now_ns(&self) -> i64 {
        match &*self.0 {
            Source::System { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
            }
            Source::Manual { now_ns, .. } => now_ns.load(Ordering::SeqCst),
        }
    }

    /// Nanoseconds from a fixed but arbitrary moment, never going back: for measuring how long something took.
    #[must_use]
    pub fn monotonic_ns(&self) -> u64 {
        match &*self.0 {
            Source::System { origin } => u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX),
            Source::Manual { now_ns, .. } => now_ns.load(Ordering::SeqCst).unsigned_abs(),
        }
    }

    /// The current moment as the standard library's type, for libraries that ask for it; moves with the clock.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn instant(&self) -> Instant {
        match &*self.0 {
            Source::System { .. } => Instant::now(),
            Source::Manual { origin, start_ns, now_ns, .. } => {
                let since_ns = now_ns.load(Ordering::SeqCst).saturating_sub(*start_ns).max(0).unsigned_abs();
                *origin + Duration::from_nanos(since_ns)
            }
        }
    }

    /// Moves a manual clock to `now_ns` and wakes who waits for it. Returns false for the system clock.
    pub fn set(&self, now_ns: i64) -> bool {
        let Source::Manual { now_ns: current, sleepers, .. } = &*self.0 else { return false };
        current.store(now_ns, Ordering::SeqCst);
        let woken = std::mem::take(&mut *sleepers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        woken.into_iter().for_each(Waker::wake);
        true
    }

    /// Moves a manual clock forward. Returns false for the system clock.
    pub fn advance(&self, by: Duration) -> bool {
        let by_ns = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.set(self.now_ns().saturating_add(by_ns))
    }

    /// Returns when the clock has reached `deadline_ns` (nanoseconds since the Unix epoch).
    #[allow(clippy::disallowed_methods, reason = "the one place that sets a timer")]
    pub async fn sleep_until(&self, deadline_ns: i64) {
        match &*self.0 {
            Source::System { .. } => {
                let wait_ns = deadline_ns.saturating_sub(self.now_ns()).max(0).unsigned_abs();
                tokio::time::sleep(Duration::from_nanos(wait_ns)).await;
            }
            Source::Manual { now_ns, sleepers, .. } => {
                poll_fn(|cx| {
                    let mut waiting = sleepers.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    if now_ns.load(Ordering::SeqCst) >= deadline_ns {
                        return Poll::Ready(());
                    }
                    waiting.push(cx.waker().clone());
                    Poll::Pending
                })
                .await;
            }
        }
    }

    /// Holds the thread for so long by the machine's time, whatever the clock: for threads that leave the processor to
    /// others.
    #[allow(clippy::disallowed_methods, reason = "the one place that sleeps")]
    pub fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Sixteen random bytes: from the machine's entropy, or the next of a fixed sequence for a manual clock.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place that draws randomness")]
    pub fn random_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        match &*self.0 {
            Source::System { .. } => {
                // Ids need to differ, not to be secret: without entropy the time still tells them apart.
                if getrandom::fill(&mut bytes).is_err() {
                    bytes = (self.now_ns().unsigned_abs() as u128).to_le_bytes();
                }
            }
            Source::Manual { seed, .. } => {
                for half in bytes.chunks_exact_mut(8) {
                    half.copy_from_slice(&split_mix(seed).to_le_bytes());
                }
            }
        }
        bytes
    }
}

/// The next number of the SplitMix64 sequence.
fn split_mix(seed: &AtomicU64) -> u64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut z = seed.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_of_a_manual_clock_moves_together() {
        let clock = Clock::manual(1_700_000_000_000_000_000);
        let (now_ns, instant) = (clock.now_ns(), clock.instant());
        assert!(clock.advance(Duration::from_secs(90)));
        assert_eq!(clock.now_ns() - now_ns, 90_000_000_000);
        assert_eq!(clock.instant() - instant, Duration::from_secs(90));
        assert!(!Clock::system().advance(Duration::from_secs(90)), "the machine's time is not ours to move");
    }

    #[tokio::test]
    async fn who_waits_is_woken_when_the_time_has_come() {
        let clock = Clock::manual(0);
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(10).await }
        });
        clock.set(9);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        clock.set(10);
        waiting.await.unwrap();
    }
}
