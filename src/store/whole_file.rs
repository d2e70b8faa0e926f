//! Files that are written at once and never changed: a header with magic, version, length and checksum, and a body.

use super::{
    codec::Malformed,
    disk::Disk,
    error::{StorageError, io_error},
};

/// Bytes before the body.
const HEADER_BYTES: usize = 24;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// The first bytes.
    pub magic: &'static [u8; 8],
    /// The version that is written, and the latest that can be read.
    pub version: u32,
}

/// Writes a file and syncs it. That its name is there is not durable before its directory is synced.
///
/// # Errors
/// [`StorageError::Io`].
pub fn write_file(disk: &dyn Disk, path: &str, kind: FileKind, body: &[u8]) -> Result<(), StorageError> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.extend_from_slice(kind.magic);
    header.extend_from_slice(&kind.version.to_le_bytes());
    header.extend_from_slice(&(body.len() as u64).to_le_bytes());
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header), body);
    header.extend_from_slice(&crc.to_le_bytes());
    let mut file = disk.create(path).map_err(io_error(path))?;
    file.append(&header).map_err(io_error(path))?;
    file.append(body).map_err(io_error(path))?;
    file.sync().map_err(io_error(path))
}

/// Reads a file, checks it, and hands its body to `read`.
///
/// # Errors
/// [`StorageError::Io`], [`StorageError::Damaged`], [`StorageError::Version`].
pub fn read_file<T>(
    disk: &dyn Disk,
    path: &str,
    kind: FileKind,
    read: impl FnOnce(&[u8]) -> Result<T, Malformed>,
) -> Result<T, StorageError> {
    let damaged = |offset: usize, what| StorageError::Damaged { file: path.to_owned(), offset: offset as u64, what };
    let bytes = disk.read(path).map_err(io_error(path))?;
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(damaged(bytes.len(), "its header is cut"));
    };
    if header[..8] != *kind.magic {
        return Err(damaged(0, "its first bytes are not those of such a file"));
    }
    let version = u32::from_le_bytes([header[8], header[9], header[10], header[11]]);
    if version > kind.version {
        return Err(StorageError::Version { file: path.to_owned(), version });
    }
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..20]), body);
    if header[12..20] != (body.len() as u64).to_le_bytes() || header[20..] != crc.to_le_bytes() {
        return Err(damaged(HEADER_BYTES, "its checksum is not that of its bytes"));
    }
    read(body).map_err(|Malformed| damaged(HEADER_BYTES, "its body says what cannot be"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::simulated::SimulatedDisk;

    const KIND: FileKind = FileKind { magic: b"TESTFILE", version: 3 };

    #[test]
    fn a_file_is_read_undamaged_or_not_at_all() {
        let disk = SimulatedDisk::default();
        let read = |disk: &SimulatedDisk, kind| read_file(disk, "d/a", kind, |body| Ok(body.to_vec()));
        write_file(&disk, "d/a", KIND, b"body").unwrap();
        assert_eq!(read(&disk, KIND).unwrap(), b"body");
        for offset in 0..HEADER_BYTES + 4 {
            let disk = disk.copy();
            disk.damage("d/a", offset);
            assert!(read(&disk, KIND).is_err(), "byte {offset}");
            disk.truncate("d/a", offset as u64).unwrap();
            assert!(read(&disk, KIND).is_err(), "cut at {offset}");
        }
        let older = FileKind { version: 2, ..KIND };
        assert_eq!(
            read(&disk, older).unwrap_err().to_string(),
            "d/a is of version 3, which this Timebrook cannot read"
        );
    }
}
