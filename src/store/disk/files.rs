//! The file system.

use super::{Disk, DiskFile, DiskReader};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Names the lock file and the version of its format.
const LOCK_MAGIC: &[u8] = b"TIMEBROOK LOCK 1\n";

/// Zeros are written ahead of a log in pieces of this size: small enough to hold no sync up.
const LOG_RESERVE_BYTES: u64 = 256 << 10;

/// Bytes of a file that are written before they are synced. A sync of the log waits for what the disk was given before,
/// so files beside it are given to the disk in pieces that take no longer than a few milliseconds.
const SYNC_BYTES: u64 = 512 << 10;

/// A directory of the file system, locked against other processes as long as this lives.
#[derive(Debug)]
pub struct FilesDisk {
    root: PathBuf,
    /// Held, not used: closing it releases the lock.
    _lock: File,
}

impl FilesDisk {
    /// Takes a directory over; it is made when it is not there.
    ///
    /// # Errors
    /// Those of the file system; [`io::ErrorKind::ResourceBusy`] when another process has it.
    pub fn open(root: &Path) -> io::Result<Self> {
        if !root.is_dir() {
            fs::create_dir_all(root)?;
            if let Some(parent) = root.canonicalize()?.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        let path = root.join("LOCK");
        let mut lock = OpenOptions::new().create(true).append(true).open(&path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text = format!("{} is in use by another process", root.display());
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if lock.metadata()?.len() == 0 {
            lock.write_all(LOCK_MAGIC)?;
        }
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

impl Disk for FilesDisk {
    fn create_dir(&self, dir: &str) -> io::Result<()> {
        fs::create_dir_all(self.path(dir))?;
        File::open(&self.root)?.sync_all()
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(self.path(dir))?;
        entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(path))
    }

    fn reader(&self, path: &str) -> io::Result<Arc<dyn DiskReader>> {
        let file = File::open(self.path(path))?;
        let length = file.metadata()?.len();
        Ok(Arc::new(ReadFile { file, length }))
    }

    fn list_below(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut paths = Vec::new();
        let mut dirs = vec![dir.to_owned()];
        while let Some(dir) = dirs.pop() {
            let entries = match fs::read_dir(self.path(&dir)) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let entry = entry?;
                let path = format!("{dir}/{}", entry.file_name().to_string_lossy());
                if entry.file_type()?.is_dir() { dirs.push(path) } else { paths.push(path) }
            }
        }
        Ok(paths)
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(self.path(path))?;
        Ok(Box::new(AppendedFile { file, unsynced: 0 }))
    }

    fn create_log(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(self.path(path))?;
        Ok(Box::new(LogFile { file, end: 0, reserved: 0 }))
    }

    fn reuse_log(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).open(self.path(path))?;
        let reserved = file.metadata()?.len();
        Ok(Box::new(LogFile { file, end: 0, reserved }))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().append(true).open(self.path(path))?;
        Ok(Box::new(AppendedFile { file, unsynced: 0 }))
    }

    fn truncate(&self, path: &str, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(path))?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.path(path))
    }

    fn sync_dir(&self, dir: &str) -> io::Result<()> {
        File::open(self.path(dir))?.sync_all()
    }
}

#[derive(Debug)]
struct ReadFile {
    file: File,
    length: u64,
}

impl DiskReader for ReadFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }
}

/// A file that is synced as it grows.
#[derive(Debug)]
struct AppendedFile {
    file: File,
    /// Bytes written since the last sync.
    unsynced: u64,
}

impl DiskFile for AppendedFile {
    fn append(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = usize::try_from(SYNC_BYTES - self.unsynced).unwrap_or(usize::MAX);
            let (piece, rest) = bytes.split_at(bytes.len().min(room));
            self.file.write_all(piece)?;
            self.unsynced += piece.len() as u64;
            if self.unsynced == SYNC_BYTES {
                self.sync()?;
            }
            bytes = rest;
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.unsynced = 0;
        Ok(())
    }
}

/// A file with zeros ahead of its end. Overwriting them changes nothing about the file but its bytes, so a sync need not
/// write the file system's own journal: it takes half the time and work.
#[derive(Debug)]
struct LogFile {
    file: File,
    /// Where the next bytes go; also the file's position.
    end: u64,
    /// The file's length.
    reserved: u64,
}

impl LogFile {
    /// Writes zeros so that `length` more bytes lie within the file.
    fn reserve(&mut self, length: u64) -> io::Result<()> {
        let needed = (self.end + length).next_multiple_of(LOG_RESERVE_BYTES);
        let zeros = vec![0; usize::try_from(needed - self.reserved).unwrap_or(0)];
        self.file.seek(SeekFrom::Start(self.reserved))?;
        self.file.write_all(&zeros)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.reserved = needed;
        Ok(())
    }
}

impl DiskFile for LogFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        if self.end + length > self.reserved {
            self.reserve(length)?;
        }
        self.file.write_all(bytes)?;
        self.end += length;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_use_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let first = FilesDisk::open(root.path()).unwrap();
        // The lock belongs to the open file, so a second one is refused even within a process.
        let second = FilesDisk::open(root.path()).unwrap_err();
        assert_eq!(second.kind(), io::ErrorKind::ResourceBusy);
        assert!(second.to_string().ends_with("is in use by another process"));
        drop(first);
        FilesDisk::open(root.path()).unwrap();
    }

    #[test]
    fn files_are_created_appended_cut_renamed_and_deleted() {
        let root = tempfile::tempdir().unwrap();
        let disk = FilesDisk::open(root.path()).unwrap();
        disk.create_dir("a").unwrap();
        let mut file = disk.create("a/x").unwrap();
        file.append(b"hello").unwrap();
        file.sync().unwrap();
        disk.open("a/x").unwrap().append(b" world").unwrap();
        assert_eq!(disk.read("a/x").unwrap(), b"hello world");
        disk.truncate("a/x", 4).unwrap();
        disk.rename("a/x", "a/y").unwrap();
        disk.sync_dir("a").unwrap();
        assert_eq!(disk.list("a").unwrap(), ["y"]);
        assert_eq!(disk.read("a/y").unwrap(), b"hell");
        disk.delete("a/y").unwrap();
        // As long as it takes to be synced on the way, twice.
        let long: Vec<u8> = (0..1_300_000_u32).map(|i| (i / 1_000) as u8).collect();
        let mut file = disk.create("a/long").unwrap();
        file.append(&long[..400_000]).unwrap();
        file.append(&long[400_000..]).unwrap();
        file.sync().unwrap();
        assert!(disk.read("a/long").unwrap() == long);
        disk.delete("a/long").unwrap();
        let mut log = disk.create_log("a/log").unwrap();
        for _ in 0..3 {
            log.append(&[7; 100_000]).unwrap();
            log.sync().unwrap();
        }
        let mut expect = vec![7; 300_000];
        expect.resize(512 << 10, 0);
        assert!(disk.read("a/log").unwrap() == expect);
        let mut log = disk.reuse_log("a/log").unwrap();
        log.append(&[8; 600_000]).unwrap();
        log.sync().unwrap();
        let mut expect = vec![8; 600_000];
        expect.resize(768 << 10, 0);
        assert!(disk.read("a/log").unwrap() == expect);
        disk.reuse_log("a/log").unwrap().append(&[9; 100]).unwrap();
        expect[..100].fill(9);
        assert!(disk.read("a/log").unwrap() == expect);
        assert!(disk.reuse_log("a/none").is_err());
        disk.delete("a/log").unwrap();
        assert!(disk.list("a").unwrap().is_empty());
    }
}
