//! Writes to a table: decided and queued for the log first, then synced.

use super::{
    EngineError, background,
    log::{Incoming, Log},
    table::{Commit, LiveTable, WriteOutcome},
};
use crate::{
    catalog::state::{TableEntry, TableSettings},
    model::record::Record,
    store::{magnetic::day_file::DayFile, memory::sealed::SealedRows, wal::Ticket},
};
use std::sync::Arc;

/// A table to write to, with its settings as they were when it was looked up.
#[derive(Clone, Debug)]
pub struct TableWriter {
    entry: Arc<TableEntry<Arc<LiveTable>>>,
}

impl TableWriter {
    pub(super) fn new(entry: Arc<TableEntry<Arc<LiveTable>>>) -> Self {
        Self { entry }
    }

    /// The table's settings.
    #[must_use]
    pub fn settings(&self) -> &TableSettings {
        &self.entry.settings
    }

    /// Decides records, in order, each against all before it, and queues for the log what is to be stored. Other writes
    /// see it from now on, queries when it is synced.
    ///
    /// # Errors
    /// [`EngineError::TableNotFound`] when the table is gone; [`EngineError::Storage`] when nothing was written.
    pub async fn queue(
        self,
        records: &[Record<'_>],
        now_ns: i64,
        mut incoming: Incoming,
    ) -> Result<QueuedWrite, EngineError> {
        let Self { entry } = self;
        let log = Arc::clone(incoming.log());
        let visible_from_ns = entry.settings.retention.visible_from_ns(now_ns);
        // Rows of files are read without the table's lock, and not on this thread, which serves others.
        let mut read = Vec::new();
        loop {
            match entry.live.commit(incoming, &entry.name, records, visible_from_ns)? {
                Commit::Made { outcome, ticket, is_full } => {
                    return Ok(QueuedWrite { entry, log, outcome, ticket, is_full });
                }
                Commit::Unread(files) => {
                    read.extend(read_rows(files).await?);
                    incoming = log.incoming();
                }
            }
        }
    }
}

/// A write that is decided and on its way into the log.
#[derive(Debug)]
pub struct QueuedWrite {
    entry: Arc<TableEntry<Arc<LiveTable>>>,
    log: Arc<Log>,
    outcome: WriteOutcome,
    ticket: Ticket,
    /// It has filled a chunk.
    is_full: bool,
}

impl QueuedWrite {
    /// The table's settings.
    #[must_use]
    pub fn settings(&self) -> &TableSettings {
        &self.entry.settings
    }

    /// What became of the records, once they are synced.
    #[must_use]
    pub fn outcome(&self) -> &WriteOutcome {
        &self.outcome
    }

    /// Waits until what is to be stored is synced.
    ///
    /// # Errors
    /// [`EngineError::Storage`] when nothing was written.
    pub async fn synced(self) -> Result<WriteOutcome, EngineError> {
        self.ticket.synced().await?;
        if self.is_full {
            let (entry, log) = (self.entry, self.log);
            let seal = move || {
                log.pace();
                entry.live.seal();
            };
            // Without a thread for it, whoever needs the room seals.
            drop(background::start("seal", seal));
        }
        Ok(self.outcome)
    }
}

/// Reads all rows of files, on a thread that may wait.
async fn read_rows(files: Vec<Arc<DayFile>>) -> Result<Vec<Arc<SealedRows>>, EngineError> {
    let read = move || files.iter().map(|file| file.load()).collect::<Result<Vec<_>, _>>();
    let read = tokio::task::spawn_blocking(read).await;
    Ok(read.map_err(|error| EngineError::Storage(format!("files were not read: {error}")))??)
}
