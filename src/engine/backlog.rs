//! How far the checkpoints are behind the log.
//!
//! The work beside requests goes the slower the less there is left to do ([`pace`]), so that it takes little from them at a
//! time. When too much is left all the same, writes wait, so that the log, and with it a restart, has a bound.

use crate::store::pace;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::watch;

/// With a backlog of one part in so many of the largest, there is no more time for rests. Until a checkpoint is made, the
/// backlog grows to twice of what it was when it began, so that must leave room.
const HASTE: f64 = 4.0;

/// The bytes of the log that no checkpoint has covered.
#[derive(Debug)]
pub(super) struct Backlog {
    bytes_max: u64,
    /// Bytes of the log so far.
    written: AtomicU64,
    /// Those of them that were there when the last checkpoint began.
    covered: watch::Sender<u64>,
}

impl Backlog {
    /// No backlog; with more bytes than `bytes_max`, writes wait.
    pub(super) fn new(bytes_max: u64) -> Self {
        Self { bytes_max, written: AtomicU64::new(0), covered: watch::Sender::new(0) }
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

    /// Lets the thread rest between the pieces of its work while records are written, the less the larger the backlog.
    pub(super) fn pace(self: &Arc<Self>) {
        let (backlog, mut seen) = (Arc::clone(self), self.written());
        pace::set(move || {
            let written = backlog.written();
            if std::mem::replace(&mut seen, written) == written {
                return 1.0;
            }
            backlog.bytes(*backlog.covered.borrow()) as f64 / backlog.bytes_max as f64 * HASTE
        });
    }

    fn bytes(&self, covered: u64) -> u64 {
        self.written().saturating_sub(covered)
    }

    /// Waits until there is room for another write.
    pub(super) async fn room(&self) {
        let has_room = |covered: &u64| self.bytes(*covered) <= self.bytes_max;
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
    fn writes_wait_until_enough_is_covered() {
        let backlog = Backlog::new(100);
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
