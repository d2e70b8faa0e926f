//! The order of commits, and when they are safe.

use super::{EngineError, backlog::Backlog};
use crate::store::{
    error::StorageError,
    wal::{Ticket, Wal},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
    mpsc::SyncSender,
};

/// Commits in memory after which it is looked whether there is room for more.
const DUE_COMMITS: u64 = 64;

/// Gives every commit its sequence number and says when it is synced.
#[derive(Debug)]
pub(super) enum Log {
    /// In memory: a commit is as safe as it will ever be when it has its number.
    Memory {
        /// The last number given.
        synced: Arc<AtomicU64>,
        /// Told now and then that rows have come.
        due: SyncSender<()>,
    },
    /// On disk.
    Wal { wal: Wal, backlog: Arc<Backlog> },
}

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl Log {
    /// Whether entries are kept, and so must be encoded.
    pub(super) fn is_durable(&self) -> bool {
        matches!(self, Self::Wal { .. })
    }

    /// Sets the pace of a background thread. In memory it takes no rest: nothing says how far behind it is.
    pub(super) fn pace(&self) {
        match self {
            Self::Memory { .. } => {}
            Self::Wal { backlog, .. } => backlog.pace(),
        }
    }

    /// Waits until the log may grow by another write.
    pub(super) async fn room(&self) {
        match self {
            Self::Memory { .. } => {}
            Self::Wal { backlog, .. } => backlog.room().await,
        }
    }

    /// Appends an entry, given in parts. It is synced soon; wait on the ticket.
    pub(super) fn append(&self, entry: &[&[u8]]) -> Result<Ticket, EngineError> {
        match self {
            Self::Memory { synced, due } => {
                let seq = synced.fetch_add(1, Ordering::SeqCst) + 1;
                if seq.is_multiple_of(DUE_COMMITS) {
                    // A full channel has told it already.
                    let _ = due.try_send(());
                }
                Ok(Ticket::ready(seq))
            }
            Self::Wal { wal, .. } => Ok(wal.append(entry)?),
        }
    }

    /// A ticket for everything appended so far.
    pub(super) fn barrier(&self) -> Ticket {
        match self {
            Self::Memory { synced, .. } => Ticket::ready(synced.load(Ordering::SeqCst)),
            Self::Wal { wal, .. } => wal.barrier(),
        }
    }

    /// Syncs what is appended, and refuses what comes later.
    pub(super) fn close(&self) {
        match self {
            Self::Memory { .. } => {}
            Self::Wal { wal, .. } => wal.close(),
        }
    }
}
