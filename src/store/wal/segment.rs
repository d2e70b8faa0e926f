//! The files of the log.

use super::WAL_DIR;
use crate::store::{
    disk::{Disk, DiskFile},
    error::{StorageError, io_error},
};
use std::sync::Arc;

/// Bytes of a segment's header: magic, version, number of the first entry, crc32c of these.
pub(super) const SEGMENT_HEADER_BYTES: usize = 24;
const MAGIC: &[u8; 8] = b"TBROKWAL";
const VERSION: u32 = 2;

/// The path of the segment whose first entry is `first_seq`.
pub(super) fn segment_path(first_seq: u64) -> String {
    format!("{WAL_DIR}/{first_seq:016x}.wal")
}

/// The first entry of the segment with this file name; `None` for other files.
pub(super) fn first_seq_of(name: &str) -> Option<u64> {
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

/// Checks a segment's header.
pub(super) fn check_header(file: &str, bytes: &[u8], first_seq: u64) -> Result<(), StorageError> {
    let expect = segment_header(first_seq);
    let Some(header) = bytes.get(..SEGMENT_HEADER_BYTES) else {
        return Err(damaged(file, bytes.len(), "its header is cut"));
    };
    if header == expect {
        return Ok(());
    }
    let version = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    let is_whole = crc32c::crc32c(&header[..20]).to_le_bytes() == header[20..];
    if header[..8] == *MAGIC && is_whole && version != VERSION {
        return Err(StorageError::Version { file: file.to_owned(), version });
    }
    Err(damaged(file, 0, "its header is not that of this segment"))
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
        Self { disk, segment_bytes_max, current: None }
    }

    /// Writes and syncs frames, the first of which is `first_seq`. Returns that number when they begin a new segment.
    ///
    /// After an error none of them counts, and the next write begins a new segment.
    pub(super) fn write(&mut self, first_seq: u64, frames: &[u8]) -> Result<Option<u64>, StorageError> {
        let is_full = self.current.as_ref().is_none_or(|current| current.bytes >= self.segment_bytes_max);
        let written =
            if is_full { self.begin(first_seq).and_then(|()| self.append(frames)) } else { self.append(frames) };
        match written {
            Ok(()) => Ok(is_full.then_some(first_seq)),
            Err(error) => {
                self.abandon();
                Err(error)
            }
        }
    }

    fn begin(&mut self, first_seq: u64) -> Result<(), StorageError> {
        let path = segment_path(first_seq);
        let mut file = self.disk.create_log(&path).map_err(io_error(&path))?;
        file.append(&segment_header(first_seq)).map_err(io_error(&path))?;
        file.sync().map_err(io_error(&path))?;
        self.disk.sync_dir(WAL_DIR).map_err(io_error(WAL_DIR))?;
        self.current = Some(Current { path, file, bytes: SEGMENT_HEADER_BYTES as u64 });
        Ok(())
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
        if let Some(Current { path, bytes, .. }) = self.current.take()
            && let Err(error) = self.disk.truncate(&path, bytes)
        {
            tracing::warn!(%path, bytes, %error, "cannot cut the log after a failed write");
        }
    }
}
