//! The files of the log.
//!
//! A file that is not needed any more is used again: written over from its beginning, with a new header. Its blocks are
//! there already, so syncs need not wait for the file system's journal, nor for the blocks of deleted files to be given
//! back. What is left of the former entries has lower numbers than the new ones, so it is never taken for one of these.

use super::WAL_DIR;
use crate::store::{
    disk::{Disk, DiskFile},
    error::{StorageError, io_error},
};
use std::sync::Arc;

/// Bytes of a segment's header: magic, version, number of the first entry, crc32c of these.
pub(super) const SEGMENT_HEADER_BYTES: usize = 24;
const MAGIC: &[u8; 8] = b"TBROKWAL";
const VERSION: u32 = 3;
/// The oldest version that is read: its files were not used again.
const OLDEST_VERSION: u32 = 2;

/// A file with entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The number of its first entry.
    pub first_seq: u64,
    /// The number in its name: that of the first entry that it was made for.
    pub file: u64,
}

impl Segment {
    pub(super) fn path(self) -> String {
        segment_path(self.file)
    }
}

pub(super) fn segment_path(file: u64) -> String {
    format!("{WAL_DIR}/{file:016x}.wal")
}

/// The number in this file name; `None` for other files.
pub(super) fn file_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".wal").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

pub(super) fn segment_header(first_seq: u64) -> [u8; SEGMENT_HEADER_BYTES] {
    let mut header = [0; SEGMENT_HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..20].copy_from_slice(&first_seq.to_le_bytes());
    let crc = crc32c::crc32c(&header[..20]);
    header[20..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// The first entry of the segment with this header; `None` when it is not whole.
pub(super) fn read_header(file: &str, header: &[u8; SEGMENT_HEADER_BYTES]) -> Result<Option<u64>, StorageError> {
    let number = |at: usize, length: usize| header[at..at + length].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
    let version = number(8, 4) as u32;
    if header[..8] != *MAGIC || number(20, 4) != u64::from(crc32c::crc32c(&header[..20])) {
        return Ok(None);
    }
    if !(OLDEST_VERSION..=VERSION).contains(&version) {
        return Err(StorageError::Version { file: file.to_owned(), version });
    }
    Ok(Some(number(12, 8)))
}

pub(super) fn damaged(file: &str, offset: usize, what: &'static str) -> StorageError {
    StorageError::Damaged { file: file.to_owned(), offset: offset as u64, what }
}

/// The end of the log, where frames are written.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    disk: Arc<dyn Disk>,
    segment_bytes_max: u64,
    /// The segment being written; `None` before the first write and after a failed one.
    current: Option<Current>,
    /// The file of a segment that could not be begun. The next one takes it, so that no two begin with the same entry.
    unbegun: Option<u64>,
}

#[derive(Debug)]
struct Current {
    path: String,
    file: Box<dyn DiskFile>,
    /// Bytes known to be durable.
    bytes: u64,
}

impl SegmentWriter {
    pub(super) fn new(disk: Arc<dyn Disk>, segment_bytes_max: u64) -> Self {
        Self { disk, segment_bytes_max, current: None, unbegun: None }
    }

    /// Writes and syncs frames, the first of which is `first_seq`. Returns the segment that they begin, if they do; then
    /// `spare` is asked for the number of a file that is not needed any more.
    ///
    /// After an error none of them counts, and the next write begins a new segment.
    pub(super) fn write(
        &mut self,
        first_seq: u64,
        frames: &[u8],
        spare: impl FnOnce() -> Option<u64>,
    ) -> Result<Option<Segment>, StorageError> {
        let is_full = self.current.as_ref().is_none_or(|current| current.bytes >= self.segment_bytes_max);
        if is_full {
            return self.begin(first_seq, frames, spare).map(Some);
        }
        let written = self.append(frames);
        if written.is_err() {
            self.abandon();
        }
        written.map(|()| None)
    }

    fn begin(
        &mut self,
        first_seq: u64,
        frames: &[u8],
        spare: impl FnOnce() -> Option<u64>,
    ) -> Result<Segment, StorageError> {
        self.current = None;
        let spare = if self.unbegun.is_none() { spare() } else { None };
        let segment = Segment { first_seq, file: self.unbegun.or(spare).unwrap_or(first_seq) };
        self.unbegun = Some(segment.file);
        let path = segment.path();
        match self.try_begin(&path, first_seq, frames, spare.is_some()) {
            Ok(current) => {
                (self.current, self.unbegun) = (Some(current), None);
                Ok(segment)
            }
            Err(error) => {
                self.cut(&path, 0);
                Err(error)
            }
        }
    }

    fn try_begin(&self, path: &str, first_seq: u64, frames: &[u8], is_spare: bool) -> Result<Current, StorageError> {
        let disk = &self.disk;
        let begun = if is_spare { disk.reuse_log(path) } else { disk.create_log(path) };
        let mut file = begun.map_err(io_error(path))?;
        let bytes = [&segment_header(first_seq), frames].concat();
        file.append(&bytes).map_err(io_error(path))?;
        file.sync().map_err(io_error(path))?;
        if !is_spare {
            disk.sync_dir(WAL_DIR).map_err(io_error(WAL_DIR))?;
        }
        Ok(Current { path: path.to_owned(), file, bytes: bytes.len() as u64 })
    }

    fn append(&mut self, frames: &[u8]) -> Result<(), StorageError> {
        let Some(current) = &mut self.current else { return Err(StorageError::Closed) };
        current.file.append(frames).map_err(io_error(&current.path))?;
        current.file.sync().map_err(io_error(&current.path))?;
        current.bytes += frames.len() as u64;
        Ok(())
    }

    /// Leaves a segment whose end is unknown. The next one's number says that what is beyond it does not count; cutting
    /// it off as well keeps it from counting should the next one never come to be.
    fn abandon(&mut self) {
        if let Some(Current { path, bytes, .. }) = self.current.take() {
            self.cut(&path, bytes);
        }
    }

    fn cut(&self, path: &str, bytes: u64) {
        if let Err(error) = self.disk.truncate(path, bytes) {
            tracing::warn!(%path, bytes, %error, "cannot cut the log after a failed write");
        }
    }
}
