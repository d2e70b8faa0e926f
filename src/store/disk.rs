//! File access, as little of it as the log and the store need. Two implementations: the file system ([`files`]), and a
//! simulated disk that loses what was not synced ([`simulated`]).

pub mod files;
pub mod simulated;

use bytes::Bytes;
use std::{fmt, io, sync::Arc};

/// A directory tree that belongs to one engine. Paths are relative to it and use `/`.
///
/// What is durable when: a file's bytes after [`DiskFile::sync`]; that a file was created, renamed or deleted after
/// [`Disk::sync_dir`] of its directory.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a directory, unless it is there.
    ///
    /// # Errors
    /// Those of the file system, as everywhere here.
    fn create_dir(&self, dir: &str) -> io::Result<()>;
    /// The names of the files in a directory, in no order.
    ///
    /// # Errors
    /// As above.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// A whole file.
    ///
    /// # Errors
    /// As above.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
    /// A file that is there and is not changed any more, to be read in parts. What was opened can be read even after
    /// the file is deleted.
    ///
    /// # Errors
    /// As above.
    fn reader(&self, path: &str) -> io::Result<Arc<dyn DiskReader>>;
    /// The paths of all files below a directory, in no order; none when it is not there.
    ///
    /// # Errors
    /// As above.
    fn list_below(&self, dir: &str) -> io::Result<Vec<String>>;
    /// A new empty file, or one that is emptied.
    ///
    /// # Errors
    /// As above.
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;
    /// As [`Disk::create`], for a log: a file that is synced after every small append. To make that cheap, the disk may
    /// write zeros ahead, so a reader may find zeros after what was appended.
    ///
    /// # Errors
    /// As above.
    fn create_log(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;
    /// As [`Disk::create_log`], of a log that is there: what is appended goes over it from its beginning, and what is
    /// beyond stays as it was.
    ///
    /// # Errors
    /// As above.
    fn reuse_log(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;
    /// A file that is there, to be appended to.
    ///
    /// # Errors
    /// As above.
    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Cuts a file to `length` bytes and syncs it.
    ///
    /// # Errors
    /// As above.
    fn truncate(&self, path: &str, length: u64) -> io::Result<()>;
    /// Renames a file within its directory, replacing what has the new name.
    ///
    /// # Errors
    /// As above.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Deletes a file.
    ///
    /// # Errors
    /// As above.
    fn delete(&self, path: &str) -> io::Result<()>;
    /// Makes what was created, renamed and deleted in a directory durable.
    ///
    /// # Errors
    /// As above.
    fn sync_dir(&self, dir: &str) -> io::Result<()>;
}

/// A file that is read in parts.
pub trait DiskReader: fmt::Debug + Send + Sync {
    /// Its length in bytes.
    fn length(&self) -> u64;
    /// Fills `bytes` with what begins at `offset`.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::UnexpectedEof`] when there is less.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// A file whose bytes are in memory.
#[derive(Debug)]
pub(crate) struct HeldBytes(pub(crate) Bytes);

impl DiskReader for HeldBytes {
    fn length(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let held = usize::try_from(offset).ok().and_then(|from| self.0.get(from..from.checked_add(bytes.len())?));
        bytes.copy_from_slice(held.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A file that grows at its end.
pub trait DiskFile: fmt::Debug + Send {
    /// Adds bytes. When it fails, any part of them may have been added.
    ///
    /// # Errors
    /// Those of the file system.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything appended durable. When it fails, nothing is known of what was not durable before.
    ///
    /// # Errors
    /// Those of the file system.
    fn sync(&mut self) -> io::Result<()>;
}
