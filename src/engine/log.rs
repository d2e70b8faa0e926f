//! The order of commits, and when they are safe.

use super::{EngineError, backlog::Backlog};
use crate::store::{
    error::StorageError,
    wal::{self, Ticket, Wal},
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

/// An entry that is being made: others wait for it for a moment, to share a sync with it.
#[derive(Debug)]
pub struct Incoming {
    log: Arc<Log>,
    /// `None` in memory.
    entry: Option<wal::Incoming>,
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

    /// An entry that is being made.
    pub(super) fn incoming(self: &Arc<Self>) -> Incoming {
        let entry = match &**self {
            Self::Memory { .. } => None,
            Self::Wal { wal, .. } => Some(wal.incoming()),
        };
        Incoming { log: Arc::clone(self), entry }
    }

    /// The same, once the log may grow by another write.
    pub(super) async fn incoming_write(self: &Arc<Self>) -> Incoming {
        match &**self {
            Self::Memory { .. } => {}
            Self::Wal { backlog, .. } => backlog.room().await,
        }
        self.incoming()
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

impl Incoming {
    /// The log it is for.
    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Appends the entry, given in parts. It is synced soon; wait on the ticket.
    pub(super) fn append(self, entry: &[&[u8]]) -> Result<Ticket, EngineError> {
        match &*self.log {
            Log::Memory { synced, due } => {
                let seq = synced.fetch_add(1, Ordering::SeqCst) + 1;
                if seq.is_multiple_of(DUE_COMMITS) {
                    // A full channel has told it already.
                    let _ = due.try_send(());
                }
                Ok(Ticket::ready(seq))
            }
            Log::Wal { wal, .. } => Ok(self.entry.unwrap_or_else(|| wal.incoming()).append(entry)?),
        }
    }
}
