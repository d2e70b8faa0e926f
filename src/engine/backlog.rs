//! How far the work beside requests is behind: checkpoints behind the log, and moves to files behind the memory that
//! there is.
//!
//! That work goes the slower the less there is left to do ([`pace`]), so that it takes little from requests at a time.
//! When too much of the log is left all the same, writes wait, so that it, and with it a restart, has a bound.

use crate::store::pace;
use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use tokio::sync::watch;

/// With a backlog of one part in so many of the largest, there is no more time for rests. Until a checkpoint is made, the
/// backlog grows to twice of what it was when it began, so that must leave room.
const HASTE: f64 = 2.0;

/// Bytes of rows in memory from which on the oldest are moved, for there is room for no more than `bytes_max`.
pub(super) fn full_bytes(bytes_max: usize) -> usize {
    bytes_max / 4 * 3
}

/// What the work beside requests has not done yet.
#[derive(Debug)]
pub(super) struct Backlog {
    log_bytes_max: u64,
    memory_bytes_max: usize,
    /// Bytes of the log so far.
    written: AtomicU64,
    /// Those of them that were there when the last checkpoint began.
    covered: watch::Sender<u64>,
    /// Bytes of rows in memory when it was last looked.
    held: AtomicUsize,
}

impl Backlog {
    /// No backlog. With more bytes of the log than `log_bytes_max` left, writes wait.
    pub(super) fn new(log_bytes_max: u64, memory_bytes_max: usize) -> Self {
        let (written, covered) = (AtomicU64::new(0), watch::Sender::new(0));
        Self { log_bytes_max, memory_bytes_max, written, covered, held: AtomicUsize::new(0) }
    }

    /// The log has grown to so many bytes.
    pub(super) fn grow(&self, written: u64) {
        self.written.store(written, Ordering::Relaxed);
    }

    /// Bytes of the log so far: what a checkpoint that begins now covers.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// A checkpoint that covers so many bytes is made, or cannot be: then waiting for it would be of no use.
    pub(super) fn cover(&self, bytes: u64) {
        self.covered.send_replace(bytes);
    }

    /// Lets no write wait any more once what this returns is dropped: nobody makes checkpoints then.
    pub(super) fn open_when_dropped(&self) -> impl Drop + '_ {
        struct Opening<'a>(&'a Backlog);
        impl Drop for Opening<'_> {
            fn drop(&mut self) {
                self.0.cover(u64::MAX);
            }
        }
        Opening(self)
    }

    /// So many bytes of rows are in memory.
    pub(super) fn note_held(&self, bytes: usize) {
        self.held.store(bytes, Ordering::Relaxed);
    }

    /// Whether the oldest rows in memory are to be moved.
    pub(super) fn is_memory_short(&self) -> bool {
        self.held.load(Ordering::Relaxed) > full_bytes(self.memory_bytes_max)
    }

    /// Lets the thread rest between the pieces of its work while records are written, the less the larger the backlog.
    pub(super) fn pace(self: &Arc<Self>) {
        let (backlog, mut seen) = (Arc::clone(self), self.written());
        pace::set(move || {
            let written = backlog.written();
            if std::mem::replace(&mut seen, written) == written { 1.0 } else { backlog.haste() }
        });
    }

    /// From 0, when there is nothing to do, to 1 and more, when it should have been done.
    fn haste(&self) -> f64 {
        let log = self.bytes(*self.covered.borrow()) as f64 / self.log_bytes_max as f64 * HASTE;
        let full = full_bytes(self.memory_bytes_max);
        let excess = self.held.load(Ordering::Relaxed).saturating_sub(full);
        log.max(excess as f64 / (self.memory_bytes_max - full).max(1) as f64)
    }

    fn bytes(&self, covered: u64) -> u64 {
        self.written().saturating_sub(covered)
    }

    /// Waits until there is room for another write.
    pub(super) async fn room(&self) {
        let has_room = |covered: &u64| self.bytes(*covered) <= self.log_bytes_max;
        if !has_room(&self.covered.borrow()) {
            // It fails when the sender is gone, which is a field of this.
            let _ = self.covered.subscribe().wait_for(has_room).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn haste_follows_the_log_and_the_memory() {
        let backlog = Backlog::new(100, 400);
        let check = |written, covered, held, haste: f64, is_short| {
            backlog.grow(written);
            backlog.cover(covered);
            backlog.note_held(held);
            assert!((backlog.haste() - haste).abs() < 1e-9, "{} and not {haste}", backlog.haste());
            assert_eq!(backlog.is_memory_short(), is_short);
        };
        check(0, 0, 0, 0.0, false);
        check(25, 0, 300, 0.5, false);
        check(75, 25, 301, 1.0, true);
        check(75, 75, 325, 0.25, true);
        check(75, 65, 400, 1.0, true);
    }

    #[test]
    fn writes_wait_until_enough_is_covered() {
        let backlog = Backlog::new(100, usize::MAX);
        let check = |written, covered, has_room: bool| {
            backlog.grow(written);
            backlog.cover(covered);
            assert_eq!(backlog.room().now_or_never().is_some(), has_room, "{covered} of {written}");
        };
        check(0, 0, true);
        check(100, 0, true);
        check(101, 0, false);
        check(101, 1, true);
        check(500, 101, false);
        check(500, 500, true);
        let mut waiting = Box::pin(backlog.room());
        assert!(waiting.as_mut().now_or_never().is_some());
        backlog.grow(700);
        let mut waiting = Box::pin(backlog.room());
        assert!(waiting.as_mut().now_or_never().is_none());
        backlog.cover(650);
        assert!(waiting.as_mut().now_or_never().is_some());
        backlog.grow(1_000);
        assert!(backlog.room().now_or_never().is_none());
        drop(backlog.open_when_dropped());
        assert!(backlog.room().now_or_never().is_some());
    }
}
