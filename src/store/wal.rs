//! The write-ahead log: entries with sequence numbers, one after the other, in segment files.
//!
//! A segment is a header and frames. A frame is `length | crc32c | seq | synced | payload`: `synced` says that every
//! frame up to that number was durable when this one was written. So when frames cannot be read, those that follow tell
//! a torn write, which nobody was told of and which is cut off, from damage to what was durable, which is an error.
//!
//! Sequence numbers of what is in the log have no gaps. After a failed write the log goes on in a new segment, with the
//! number after the last durable frame; what the old segment holds beyond that number does not count.

mod frame;
mod group;
mod recover;
mod segment;

pub use group::{Ticket, Wal, WalOptions};
pub use recover::{Recovered, recover};

use std::io;

/// The directory of the segments.
pub const WAL_DIR: &str = "wal";

/// What can go wrong with the files of the log and the store.
#[derive(Debug, thiserror::Error)]
pub enum WalError {
    /// A file could not be read or written.
    #[error("{file}: {source}")]
    Io {
        /// Its path in the data directory.
        file: String,
        /// What the file system said.
        source: io::Error,
    },
    /// A file does not hold what was written to it.
    #[error("{file} is damaged at byte {offset}: {what}")]
    Damaged {
        /// Its path in the data directory.
        file: String,
        /// Where in the file.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A file that must be there is not.
    #[error("{WAL_DIR}: the segment with the entry {seq} is missing")]
    MissingSegment {
        /// The first entry that is missing.
        seq: u64,
    },
    /// The format is of a later version.
    #[error("{file} is of version {version}, which this Timebrook cannot read")]
    Version {
        /// Its path in the data directory.
        file: String,
        /// The version.
        version: u32,
    },
    /// The write that this entry was part of failed.
    #[error("the write failed: {0}")]
    Failed(String),
    /// The log is closed.
    #[error("the log is closed")]
    Closed,
}

/// The error that a file access failed with.
pub(crate) fn io_error(file: &str) -> impl FnOnce(io::Error) -> WalError {
    let file = file.to_owned();
    move |source| WalError::Io { file, source }
}
