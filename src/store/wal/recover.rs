//! Reading the log back.

use super::{
    WAL_DIR,
    frame::{FRAME_HEADER_BYTES, holds_frame_after_sync_of, read_frame},
    segment::{SEGMENT_HEADER_BYTES, check_header, damaged, first_seq_of, segment_path},
};
use crate::store::{
    disk::Disk,
    error::{StorageError, io_error},
};

/// What is left in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The number of the last entry.
    pub last_seq: u64,
    /// The first entries of the segments, ascending.
    pub segments: Vec<u64>,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Hands every entry after `after` to `each`, in order, and cuts a torn write off the end of the log.
///
/// # Errors
/// [`StorageError`] when the log cannot be read or is damaged; what `each` returns.
pub fn recover<E: From<StorageError>>(
    disk: &dyn Disk,
    after: u64,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<Recovered, E> {
    let mut segments: Vec<u64> =
        disk.list(WAL_DIR).map_err(io_error(WAL_DIR))?.iter().filter_map(|name| first_seq_of(name)).collect();
    segments.sort_unstable();
    // Segments that end before what is wanted are not even read.
    let needless = segments.iter().skip(1).filter(|first_seq| **first_seq <= after + 1).count();
    let (mut last_seq, mut unused, mut bytes_read) = (after, false, 0);
    for (i, first_seq) in segments.iter().copied().enumerate().skip(needless) {
        if first_seq > last_seq + 1 {
            return Err(StorageError::MissingSegment { seq: last_seq + 1 }.into());
        }
        match segments.get(i + 1) {
            Some(next) => {
                let bytes = read_segment(disk, first_seq)?;
                bytes_read += read_until(&segment_path(first_seq), &bytes, first_seq, next - 1, after, &mut each)?;
                last_seq = last_seq.max(next - 1);
            }
            None => match read_last(disk, first_seq, after, &mut each)? {
                Some((last, bytes)) => (last_seq, bytes_read) = (last_seq.max(last), bytes_read + bytes),
                None => unused = true,
            },
        }
        let (read, of) = (i + 1 - needless, segments.len() - needless);
        tracing::info!(segment = read, of, bytes = bytes_read, entries = last_seq - after, "the log is read");
    }
    if segments.is_empty() && after > 0 {
        return Err(StorageError::MissingSegment { seq: after + 1 }.into());
    }
    if unused {
        segments.pop();
    }
    Ok(Recovered { last_seq, segments, bytes: bytes_read })
}

fn read_segment(disk: &dyn Disk, first_seq: u64) -> Result<Vec<u8>, StorageError> {
    let path = segment_path(first_seq);
    let bytes = disk.read(&path).map_err(io_error(&path))?;
    check_header(&path, &bytes, first_seq)?;
    Ok(bytes)
}

/// Reads a segment that another follows and returns its bytes: up to `last`, all must be there; what is beyond does not
/// count.
fn read_until<E: From<StorageError>>(
    path: &str,
    bytes: &[u8],
    first_seq: u64,
    last: u64,
    after: u64,
    each: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<u64, E> {
    let mut at = SEGMENT_HEADER_BYTES;
    for seq in first_seq..=last {
        let frame = read_frame(&bytes[at..]).filter(|frame| frame.seq == seq);
        let Some(frame) = frame else { return Err(damaged(path, at, "there is no whole entry").into()) };
        if seq > after {
            each(seq, frame.payload)?;
        }
        at += FRAME_HEADER_BYTES + frame.payload.len();
    }
    Ok(at as u64)
}

/// Reads the last segment, which may end in a torn write, and returns the number of its last entry and its bytes; `None`
/// when it had not been begun and is deleted.
fn read_last<E: From<StorageError>>(
    disk: &dyn Disk,
    first_seq: u64,
    after: u64,
    each: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<Option<(u64, u64)>, E> {
    let path = segment_path(first_seq);
    let bytes = disk.read(&path).map_err(io_error(&path))?;
    if let Err(error) = check_header(&path, &bytes, first_seq) {
        // A header is synced before the first entry is written, so one that is not whole was never used.
        let is_torn = bytes.len() <= SEGMENT_HEADER_BYTES && !matches!(error, StorageError::Version { .. });
        if !is_torn {
            return Err(error.into());
        }
        disk.delete(&path).map_err(io_error(&path))?;
        disk.sync_dir(WAL_DIR).map_err(io_error(WAL_DIR))?;
        return Ok(None);
    }
    let (mut at, mut seq) = (SEGMENT_HEADER_BYTES, first_seq);
    while let Some(frame) = read_frame(&bytes[at..]).filter(|frame| frame.seq == seq) {
        if seq > after {
            each(seq, frame.payload)?;
        }
        at += FRAME_HEADER_BYTES + frame.payload.len();
        seq += 1;
    }
    // Zeros are no write, torn or whole: they lie ahead of the next one.
    if bytes[at..].iter().any(|byte| *byte != 0) {
        if holds_frame_after_sync_of(&bytes[at..], seq) {
            return Err(damaged(&path, at, "there is no whole entry, but later ones were written after it was").into());
        }
        tracing::info!(%path, offset = at, bytes = bytes.len() - at, "a torn write is cut off the log");
        disk.truncate(&path, at as u64).map_err(io_error(&path))?;
    }
    Ok(Some((seq - 1, at as u64)))
}
