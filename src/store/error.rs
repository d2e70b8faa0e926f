//! What can go wrong with files.

use std::io;

/// What can go wrong with the files of the log and the store.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
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
    #[error("wal: the segment with the entry {seq} is missing")]
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
pub(crate) fn io_error(file: &str) -> impl FnOnce(io::Error) -> StorageError {
    let file = file.to_owned();
    move |source| StorageError::Io { file, source }
}
