//! The order of commits, and when they are safe.

use super::EngineError;
use crate::store::{
    error::StorageError,
    wal::{Ticket, Wal},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Gives every commit its sequence number and says when it is synced.
#[derive(Debug)]
pub(super) enum Log {
    /// In memory: a commit is as safe as it will ever be when it has its number.
    Memory {
        /// The last number given.
        synced: Arc<AtomicU64>,
    },
    /// On disk.
    Wal(Wal),
}

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl Log {
    /// Whether entries are kept, and so must be encoded.
    pub(super) fn is_durable(&self) -> bool {
        matches!(self, Self::Wal(_))
    }

    /// Appends an entry, given in parts. It is synced soon; wait on the ticket.
    pub(super) fn append(&self, entry: &[&[u8]]) -> Result<Ticket, EngineError> {
        match self {
            Self::Memory { synced } => Ok(Ticket::ready(synced.fetch_add(1, Ordering::SeqCst) + 1)),
            Self::Wal(wal) => Ok(wal.append(entry)?),
        }
    }

    /// A ticket for everything appended so far.
    pub(super) fn barrier(&self) -> Ticket {
        match self {
            Self::Memory { synced } => Ticket::ready(synced.load(Ordering::SeqCst)),
            Self::Wal(wal) => wal.barrier(),
        }
    }

    /// Syncs what is appended, and refuses what comes later.
    pub(super) fn close(&self) {
        match self {
            Self::Memory { .. } => {}
            Self::Wal(wal) => wal.close(),
        }
    }
}
