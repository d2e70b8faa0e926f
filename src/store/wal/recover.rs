//! Reading the log back.

use super::{
    WAL_DIR,
    frame::{FRAME_HEADER_BYTES, holds_frame_after_sync_of, read_frame},
    segment::{SEGMENT_HEADER_BYTES, Segment, damaged, file_of, read_header, segment_path},
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
    /// The segments, in order.
    pub segments: Vec<Segment>,
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
    let Listed { mut segments, headless } = list(disk)?;
    let missing = |seq: u64| match headless.first() {
        Some(file) => damaged(&segment_path(*file), 0, "its header is not that of a segment"),
        None => StorageError::MissingSegment { seq },
    };
    // Segments that end before what is wanted are not even read.
    let needless = segments.iter().skip(1).filter(|segment| segment.first_seq <= after + 1).count();
    let (mut last_seq, mut bytes_read) = (after, 0);
    for (i, segment) in segments.iter().copied().enumerate().skip(needless) {
        if segment.first_seq > last_seq + 1 {
            return Err(missing(last_seq + 1).into());
        }
        let bytes = disk.read(&segment.path()).map_err(io_error(&segment.path()))?;
        let (last, read) = match segments.get(i + 1) {
            Some(next) => {
                let last = next.first_seq - 1;
                (last, read_until(segment, &bytes, last, after, &mut each)?)
            }
            None => read_last(disk, segment, &bytes, after, &mut each)?,
        };
        (last_seq, bytes_read) = (last_seq.max(last), bytes_read + read);
        let (read, of) = (i + 1 - needless, segments.len() - needless);
        tracing::info!(segment = read, of, bytes = bytes_read, entries = last_seq - after, "the log is read");
    }
    if segments.is_empty() && after > 0 {
        return Err(missing(after + 1).into());
    }
    // A segment without entries gives its number to the next one.
    let empty = segments.pop_if(|segment| segment.first_seq > last_seq);
    for file in &headless {
        check_unused(disk, *file, last_seq)?;
    }
    delete(disk, headless.into_iter().chain(empty.map(|segment| segment.file)))?;
    Ok(Recovered { last_seq, segments, bytes: bytes_read })
}

/// The files of the log.
struct Listed {
    /// Those whose headers are whole, in order.
    segments: Vec<Segment>,
    /// The numbers of the others: segments whose first write was torn, unless they are damaged.
    headless: Vec<u64>,
}

fn list(disk: &dyn Disk) -> Result<Listed, StorageError> {
    let mut listed = Listed { segments: Vec::new(), headless: Vec::new() };
    for file in disk.list(WAL_DIR).map_err(io_error(WAL_DIR))?.iter().filter_map(|name| file_of(name)) {
        let path = segment_path(file);
        let reader = disk.reader(&path).map_err(io_error(&path))?;
        let mut header = [0; SEGMENT_HEADER_BYTES];
        let first_seq = if reader.length() < SEGMENT_HEADER_BYTES as u64 {
            None
        } else {
            reader.read_at(0, &mut header).map_err(io_error(&path))?;
            read_header(&path, &header)?
        };
        match first_seq {
            Some(first_seq) => listed.segments.push(Segment { first_seq, file }),
            None => listed.headless.push(file),
        }
    }
    listed.segments.sort_unstable();
    Ok(listed)
}

/// Checks that a file without a header holds no entry that somebody was told of: neither one that would follow `last_seq`
/// in its place, nor one that was written when such a one was durable.
fn check_unused(disk: &dyn Disk, file: u64, last_seq: u64) -> Result<(), StorageError> {
    let path = segment_path(file);
    let bytes = disk.read(&path).map_err(io_error(&path))?;
    let Some(frames) = bytes.get(SEGMENT_HEADER_BYTES..) else { return Ok(()) };
    let is_used =
        read_frame(frames).is_some_and(|frame| frame.seq > last_seq) || holds_frame_after_sync_of(frames, last_seq + 1);
    if is_used { Err(damaged(&path, 0, "its header is not that of a segment")) } else { Ok(()) }
}

fn delete(disk: &dyn Disk, files: impl Iterator<Item = u64>) -> Result<(), StorageError> {
    let mut has_deleted = false;
    for path in files.map(segment_path) {
        disk.delete(&path).map_err(io_error(&path))?;
        has_deleted = true;
    }
    if has_deleted { disk.sync_dir(WAL_DIR).map_err(io_error(WAL_DIR)) } else { Ok(()) }
}

/// Reads a segment that another follows and returns its bytes: up to `last`, all must be there; what is beyond does not
/// count.
fn read_until<E: From<StorageError>>(
    segment: Segment,
    bytes: &[u8],
    last: u64,
    after: u64,
    each: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<u64, E> {
    let mut at = SEGMENT_HEADER_BYTES;
    for seq in segment.first_seq..=last {
        let frame = read_frame(&bytes[at..]).filter(|frame| frame.seq == seq);
        let Some(frame) = frame else { return Err(damaged(&segment.path(), at, "there is no whole entry").into()) };
        if seq > after {
            each(seq, frame.payload)?;
        }
        at += FRAME_HEADER_BYTES + frame.payload.len();
    }
    Ok(at as u64)
}

/// Reads the last segment, which may end in a torn write, and returns the number of its last entry and its bytes.
fn read_last<E: From<StorageError>>(
    disk: &dyn Disk,
    segment: Segment,
    bytes: &[u8],
    after: u64,
    each: &mut impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<(u64, u64), E> {
    let (mut at, mut seq) = (SEGMENT_HEADER_BYTES, segment.first_seq);
    while let Some(frame) = read_frame(&bytes[at..]).filter(|frame| frame.seq == seq) {
        if seq > after {
            each(seq, frame.payload)?;
        }
        at += FRAME_HEADER_BYTES + frame.payload.len();
        seq += 1;
    }
    // Zeros are no write, torn or whole: they lie ahead of the next one.
    if bytes[at..].iter().any(|byte| *byte != 0) {
        let path = segment.path();
        if holds_frame_after_sync_of(&bytes[at..], seq) {
            return Err(damaged(&path, at, "there is no whole entry, but later ones were written after it was").into());
        }
        tracing::debug!(%path, offset = at, bytes = bytes.len() - at, "what follows the last entry is cut off the log");
        disk.truncate(&path, at as u64).map_err(io_error(&path))?;
    }
    Ok((seq - 1, at as u64))
}
