//! The order of commits, and when they are safe.

use super::EngineError;
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives every commit its sequence number and says when it is synced.
#[derive(Debug)]
pub(super) enum Log {
    /// In memory: a commit is as safe as it will ever be when it has its number.
    Memory {
        /// The last number given.
        last_seq: AtomicU64,
    },
}

/// A commit that waits for its sync.
#[derive(Debug)]
pub(super) struct Ticket {
    /// The commit's number.
    pub(super) seq: u64,
}

impl Log {
    pub(super) fn memory() -> Self {
        Self::Memory { last_seq: AtomicU64::new(0) }
    }

    /// Whether entries are kept, and so must be encoded.
    pub(super) fn is_durable(&self) -> bool {
        match self {
            Self::Memory { .. } => false,
        }
    }

    /// Appends an entry, given in parts. It is synced soon; wait on the ticket.
    pub(super) fn append(&self, _entry: &[&[u8]]) -> Result<Ticket, EngineError> {
        match self {
            Self::Memory { last_seq } => Ok(Ticket { seq: last_seq.fetch_add(1, Ordering::SeqCst) + 1 }),
        }
    }

    /// A ticket for everything appended so far.
    pub(super) fn barrier(&self) -> Ticket {
        Ticket { seq: self.synced() }
    }

    /// Every commit up to this number is synced.
    pub(super) fn synced(&self) -> u64 {
        match self {
            Self::Memory { last_seq } => last_seq.load(Ordering::SeqCst),
        }
    }

    pub(super) fn close(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

impl Ticket {
    /// Waits for the sync.
    pub(super) async fn synced(self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Waits for the sync, holding the thread.
    pub(super) fn synced_blocking(self) -> Result<(), EngineError> {
        Ok(())
    }
}
