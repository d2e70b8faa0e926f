//! One entry in a segment.

/// Bytes before a frame's payload.
pub(super) const FRAME_HEADER_BYTES: usize = 24;
/// Bytes of a payload at most; far above what any request can hold.
pub(super) const PAYLOAD_BYTES_MAX: usize = 1 << 28;

/// An entry as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) seq: u64,
    pub(super) synced: u64,
    pub(super) payload: &'a [u8],
}

/// Appends a frame whose payload is given in parts.
pub(super) fn put_frame(out: &mut Vec<u8>, seq: u64, synced: u64, payload: &[&[u8]]) {
    let length: usize = payload.iter().map(|part| part.len()).sum();
    out.reserve(FRAME_HEADER_BYTES + length);
    out.extend_from_slice(&(length as u32).to_le_bytes());
    let crc_at = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&synced.to_le_bytes());
    payload.iter().for_each(|part| out.extend_from_slice(part));
    let crc = crc32c::crc32c(&out[crc_at + 4..]);
    out[crc_at..crc_at + 4].copy_from_slice(&crc.to_le_bytes());
}

/// The frame at the beginning of `bytes`; `None` when there is no whole, undamaged one.
pub(super) fn read_frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let header = bytes.get(..FRAME_HEADER_BYTES)?;
    let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    if length > PAYLOAD_BYTES_MAX {
        return None;
    }
    let checked = bytes.get(8..FRAME_HEADER_BYTES + length)?;
    let crc = u32::from_le_bytes(header[4..8].try_into().ok()?);
    (crc32c::crc32c(checked) == crc).then(|| Frame {
        seq: read_u64(&checked[..8]),
        synced: read_u64(&checked[8..16]),
        payload: &checked[16..],
    })
}

/// Whether an undamaged frame begins anywhere in `bytes` that was written when entry `seq` was durable.
pub(super) fn holds_frame_after_sync_of(bytes: &[u8], seq: u64) -> bool {
    // The zeros that may follow the last frame hold no beginning of one.
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    // No more entries than this fit in before. Without a bound, much of a file that is used again (values of old entries)
    // would pass for numbers, and a checksum be taken at every other byte.
    let seq_max = seq.saturating_add((bytes.len() / FRAME_HEADER_BYTES) as u64);
    (0..end.min(bytes.len().saturating_sub(FRAME_HEADER_BYTES - 1))).any(|at| {
        // The numbers are looked at first: they rule out nearly every place without a checksum.
        let synced = read_u64(&bytes[at + 16..at + 24]);
        let is_likely = (seq..seq_max).contains(&synced) && {
            let own = read_u64(&bytes[at + 8..at + 16]);
            synced < own && own <= seq_max
        };
        is_likely && read_frame(&bytes[at..]).is_some()
    })
}

fn read_u64(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_whole_and_undamaged_or_not_at_all() {
        let mut bytes = Vec::new();
        put_frame(&mut bytes, 7, 5, &[b"hel", b"", b"lo"]);
        assert_eq!(read_frame(&bytes), Some(Frame { seq: 7, synced: 5, payload: b"hello" }));
        for length in 0..bytes.len() {
            assert_eq!(read_frame(&bytes[..length]), None);
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(read_frame(&damaged), None, "byte {at}");
        }
        assert_eq!(read_frame(&[0; 100]), None);
    }

    #[test]
    fn a_later_frame_tells_what_was_durable() {
        // Two frames, one byte of each damaged.
        let mut bytes = Vec::new();
        put_frame(&mut bytes, 7, 6, &[b""]);
        put_frame(&mut bytes, 8, 6, &[b""]);
        (bytes[4], bytes[FRAME_HEADER_BYTES + 4]) = (!bytes[4], !bytes[FRAME_HEADER_BYTES + 4]);
        put_frame(&mut bytes, 9, 7, &[b"later"]);
        assert!(holds_frame_after_sync_of(&bytes, 7));
        assert!(!holds_frame_after_sync_of(&bytes, 8));
        assert!(!holds_frame_after_sync_of(&bytes[..20], 1));
        assert!(!holds_frame_after_sync_of(&[0; 200], 0));
        // As many entries do not fit in.
        let mut bytes = vec![1; 1_000];
        put_frame(&mut bytes, 100, 99, &[b"another"]);
        assert!(!holds_frame_after_sync_of(&bytes, 7));
        assert!(holds_frame_after_sync_of(&bytes, 70));
    }
}
